//! Finds passwords and keys in addresses and commands: `//user:…@host`, a token in front of a host, webhooks, `sshpass -p …`.
//! It leaves what stands behind a name to `named`.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Match};

use super::names::{NAMES, Strength};

/// Most characters of an address, and of a command in front of its option.
const MAX_ADDRESS: usize = 512;
const MAX_COMMAND: usize = 300;

/// Finds all marks of addresses and commands in one pass over a text: the hosts, the commands, and [`USER`] and [`ORACLE`] behind them. `None` only if
/// the automaton could not be built.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let hosts = NAMES.urls.iter().map(|url| host(url).0);
    let commands = NAMES.options.iter().map(|(command, _, _)| command.as_str());
    AhoCorasick::new(hosts.chain(commands).chain([USER, ORACLE])).ok()
});
const USER: &str = "//";
const ORACLE: &str = "jdbc:oracle:";

/// The secrets of a text; `None` if they could not be looked for.
pub(super) fn spans(text: &str) -> Option<Vec<Range<usize>>> {
    let (hosts, commands) = (NAMES.urls.len(), NAMES.options.len());
    let secret = |mark: Match| {
        let (number, at) = (mark.pattern().as_usize(), mark.start());
        if let Some(url) = NAMES.urls.get(number) {
            rest(text, mark.end(), host(url).1)
        } else if let Some((_, option, apart)) = NAMES.options.get(number - hosts) {
            let is_word = !text.get(..at)?.ends_with(|c: char| c.is_alphanumeric() || "-_".contains(c));
            is_word.then(|| given(text, mark.end(), option, apart == "apart"))?
        } else if number == hosts + commands {
            user(text, at)
        } else {
            oracle(text, at)
        }
    };
    Some(MARKS.as_ref()?.find_overlapping_iter(text).filter_map(secret).collect())
}

/// The host of an address whose rest is a key, and what its path begins with.
fn host(url: &str) -> (&str, &str) {
    url.split_once('*').unwrap_or((url, ""))
}

/// What follows a host, and the beginning of its path.
fn rest(text: &str, behind: usize, path: &str) -> Option<Range<usize>> {
    let mut start = behind;
    if !path.is_empty() {
        start += text.get(start..)?.find('/')?;
        start += text.get(start..)?.starts_with(path).then_some(path.len())?;
    }
    let rest = part(text, start, |c| !c.is_whitespace() && !"\"'`<>)".contains(c));
    (!rest.is_empty() && !rest.starts_with(['{', '$', '%'])).then(|| start..start + rest.len())
}

/// The password or token in front of a host; `at` is that of the two slashes.
fn user(text: &str, at: usize) -> Option<Range<usize>> {
    let before = text.get(..at)?.chars().next_back()?;
    let has_scheme = before == ':';
    if !has_scheme && !"\"'`=(@".contains(before) {
        return None;
    }
    let start = at + USER.len();
    let authority = part(text, start, |c| !c.is_whitespace() && !"\"'`<>/?#)\\".contains(c));
    let (user, host) = authority.rsplit_once('@')?;
    let end = start + user.len();
    let is_host = host.starts_with(|c: char| c.is_alphanumeric() || "[{$%".contains(c));
    let (name, password) = match user.split_once(':') {
        Some((name, "" | "x-oauth-basic")) => return is_key(name).then(|| start..start + name.len()),
        Some((name, password)) => (name, password),
        None => return (has_scheme && is_host && is_key(user)).then_some(start..end),
    };
    let is_secret =
        is_host && NAMES.is_secret(password, Strength::Strong) && !password.starts_with(['$', '%', '{', '(']);
    is_secret.then(|| start + name.len() + 1..end)
}

/// `jdbc:oracle:thin:scott/…@host`.
fn oracle(text: &str, at: usize) -> Option<Range<usize>> {
    let address = part(text, at, |c| !c.is_whitespace() && !"\"'`<>".contains(c));
    let (user, password) = address.get(..address.find('@')?)?.split_once('/')?;
    let start = at + user.len() + 1;
    NAMES.is_secret(password, Strength::Strong).then(|| start..start + password.len())
}

/// The value of a command's option: on its line, also where the words are those of a list.
fn given(text: &str, at: usize, option: &str, is_apart: bool) -> Option<Range<usize>> {
    let line = part_of(text, at, MAX_COMMAND, |c| c != '\n');
    let found = line
        .match_indices(option)
        .find(|(found, _)| line.get(..*found).is_some_and(|before| before.ends_with([' ', '"', '\'', '\t'])));
    let mut start = at + found?.0 + option.len();
    if is_apart {
        start += part(text, start, |c| " \t\"',".contains(c)).len();
    } else {
        start += part(text, start, |c| "\"'".contains(c)).len();
    }
    let value = part(text, start, |c| !c.is_whitespace() && !"\"'`,;|&<>)".contains(c));
    let is_value = !value.starts_with(['$', '-', '{', '%']) && NAMES.is_secret(value, Strength::Strong);
    is_value.then(|| start..start + value.len())
}

fn is_key(user: &str) -> bool {
    NAMES.is_secret(user, Strength::Weak)
}

fn part(text: &str, start: usize, wanted: impl Fn(char) -> bool) -> &str {
    part_of(text, start, MAX_ADDRESS, wanted)
}

fn part_of(text: &str, start: usize, most: usize, wanted: impl Fn(char) -> bool) -> &str {
    let rest = text.get(start..).unwrap_or_default();
    let length: usize = rest.chars().take(most).take_while(|c| wanted(*c)).map(char::len_utf8).sum();
    rest.get(..length).unwrap_or_default()
}

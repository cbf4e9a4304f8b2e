//! Finds passwords and keys in addresses and commands: `//user:…@host`, a token in front of a host, webhooks, `sshpass -p …`, `echo … | chpasswd`.
//! It leaves what stands behind a name to `named`.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Match};

use super::names::{Given, NAMES, Strength};

/// Most characters of an address, and of a command in front of its option.
const MAX_ADDRESS: usize = 512;
const MAX_COMMAND: usize = 300;

/// Finds all marks of addresses and commands in one pass over a text: the hosts, the commands, those that are piped to, and the
/// fixed ones behind them. `None` only if
/// the automaton could not be built.
static MARKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let hosts = NAMES.urls.iter().map(|url| host(url).0);
    let commands = NAMES.options.iter().map(|(command, _, _)| command.as_str());
    let piped = NAMES.piped.iter().map(String::as_str);
    AhoCorasick::new(hosts.chain(commands).chain(piped).chain([USER, ORACLE]).chain(SOCKETS)).ok()
});
const USER: &str = "//";
const ORACLE: &str = "jdbc:oracle:";
/// Behind user and password in an address of Go's driver for MySQL.
const SOCKETS: [&str; 3] = ["@tcp(", "@unix(", "@/"];

/// The secrets of a text; `None` if they could not be looked for.
pub(super) fn spans(text: &str) -> Option<Vec<Range<usize>>> {
    let (hosts, commands) = (NAMES.urls.len(), NAMES.urls.len() + NAMES.options.len());
    let piped = commands + NAMES.piped.len();
    let secret = |mark: Match| {
        let (number, at) = (mark.pattern().as_usize(), mark.start());
        if let Some(url) = NAMES.urls.get(number) {
            rest(text, mark.end(), host(url).1)
        } else if let Some((_, option, apart)) = NAMES.options.get(number - hosts) {
            let is_word = !text.get(..at)?.ends_with(|c: char| c.is_alphanumeric() || "-_".contains(c));
            is_word.then(|| given(text, mark.end(), option, *apart))?
        } else if number < piped {
            echoed(text, at, text.get(at..)?.starts_with("chpasswd"))
        } else {
            match number - piped {
                0 => user(text, at),
                1 => oracle(text, at),
                _ => socket(text, at),
            }
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
    (is_host && is_plain(password)).then(|| start + name.len() + 1..end)
}

/// `jdbc:oracle:thin:scott/…@host`.
fn oracle(text: &str, at: usize) -> Option<Range<usize>> {
    let address = part(text, at, |c| !c.is_whitespace() && !"\"'`<>".contains(c));
    let (user, password) = address.get(..address.find('@')?)?.split_once('/')?;
    let start = at + user.len() + 1;
    NAMES.is_secret(password, Strength::Strong).then(|| start..start + password.len())
}

/// `user:…@tcp(host:port)/db`, `user:…@/db`.
fn socket(text: &str, at: usize) -> Option<Range<usize>> {
    let before = text.get(..at)?;
    let user = before.rsplit(|c: char| c.is_whitespace() || "\"'`<>=".contains(c)).next()?;
    let (name, password) = user.split_once(':')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    let is_secret = is_name && user.len() <= MAX_ADDRESS && !password.starts_with('/') && is_plain(password);
    is_secret.then(|| at - user.len() + name.len() + 1..at)
}

/// What a line echoes into a command: `echo "root:…" | chpasswd`; behind the user's name if `has_user`.
fn echoed(text: &str, at: usize, has_user: bool) -> Option<Range<usize>> {
    let line = text.get(..at)?.rsplit('\n').next()?;
    let (source, _) = line.rsplit_once('|')?;
    let start = ["echo ", "printf "].into_iter().filter_map(|echo| Some(source.rfind(echo)? + echo.len())).max()?;
    let mut value = source.get(start..)?.trim_start();
    while let Some((_, rest)) = value.split_once(' ').filter(|(option, _)| option.starts_with('-')) {
        value = rest.trim_start();
    }
    let body = value.trim_start_matches(['"', '\'']);
    let (user, password) = body.split_once(':').filter(|_| has_user).unwrap_or(("", body));
    let secret = password.trim_end().trim_end_matches(['"', '\'']);
    let start = at - line.len() + source.len() - body.len()
        + if has_user && password.len() < body.len() { user.len() + 1 } else { 0 };
    is_plain(secret).then(|| start..start + secret.len())
}

/// The value of a command's option: on its line, also where the words are those of a list. Without an option, it follows the command.
fn given(text: &str, at: usize, option: &str, stands: Given) -> Option<Range<usize>> {
    let line = part_of(text, at, MAX_COMMAND, |c| c != '\n');
    let is_start = |found: usize| line.get(..found).is_some_and(|before| before.ends_with([' ', '"', '\'', '\t']));
    let found = line.match_indices(option).map(|(found, _)| found).find(|found| option.is_empty() || is_start(*found));
    let mut start = at + found? + option.len();
    let blanks = if stands == Given::Joined { "\"'" } else { " \t\"'," };
    start += part(text, start, |c| blanks.contains(c)).len();
    if stands == Given::Quoted && !text.get(..start)?.ends_with(['"', '\'']) {
        return None;
    }
    if stands == Given::Last {
        let command = part(text, start, |c| !"\n|&;<>)`".contains(c)).trim_end();
        start += command.rfind(char::is_whitespace)? + 1;
    }
    let value = part(text, start, |c| !c.is_whitespace() && !"\"'`,;|&<>)".contains(c));
    let secret = match stands {
        Given::User => value.split_once([':', '%'])?.1,
        _ => value,
    };
    let start = start + value.len() - secret.len();
    (!value.starts_with('-') && is_plain(secret)).then(|| start..start + secret.len())
}

/// Whether a password is written out, rather than read from a variable.
fn is_plain(password: &str) -> bool {
    !password.starts_with(['$', '{', '%', '(']) && NAMES.is_secret(password, Strength::Strong)
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

//! Tells words of a sentence that say where something is, which one it is, or how much: addresses, paths, versions, times and lines. Such words have
//! letters and digits as passwords have. It leaves other words to `values`.

use super::before::is_name;
use super::names::NAMES;

/// Units of numbers: of time, of size, and the halves of a day.
const UNITS: [&str; 20] =
    ["", "am", "d", "gb", "h", "hz", "k", "kb", "khz", "m", "mb", "mhz", "min", "ms", "ns", "pm", "s", "tb", "us", "z"];
/// Most and fewest letters of the ending of a file's name, or of a host's.
const ENDING: std::ops::RangeInclusive<usize> = 2..=4;

/// Whether a word names a place, a version, a time or a line.
pub(super) fn is_place(word: &str) -> bool {
    is_referred_to(word)
        || is_address(word)
        || is_path(word)
        || is_email(word)
        || is_file(word)
        || is_version(word)
        || is_quantity(word)
        || is_line(word)
}

/// Whether a word is a place for sure, and not a password with the signs of one: an e-mail address, or a path that begins or ends as those of files do.
pub(super) fn is_sure_place(word: &str) -> bool {
    let begins = word.starts_with(['~', '.', '/', '\\']) || word.contains(":\\");
    let ends = || word.rsplit_once('.').is_some_and(|(_, last)| is_ending(last));
    is_email(word) || is_referred_to(word) || is_path(word) && (begins || ends())
}

/// `image:nginx-1`, `mailto:…`: the word in front of the colon says what follows.
fn is_referred_to(word: &str) -> bool {
    word.split_once(':').is_some_and(|(label, _)| NAMES.is_reference(label))
}

/// `https://…`, `//host/…`, `fe80::1%eth0`.
fn is_address(word: &str) -> bool {
    let number = word.split(['%', '/']).next().unwrap_or_default();
    let is_number = number.contains("::") && number.chars().all(|c| c.is_ascii_hexdigit() || ":.".contains(c));
    word.contains("://") || word.starts_with("//") || is_number
}

/// `docs/oauth2-flow#step-1`, `@scope/name-1`, `git@host:name/repo-1`, `C:\name-1`, `\\host\name-1`.
fn is_path(word: &str) -> bool {
    let path = word.split(['?', '#']).next().unwrap_or_default();
    let behind_host = path.split_once('@').map(|(_, rest)| rest).filter(|rest| rest.contains(':'));
    let path = behind_host.unwrap_or(path.strip_prefix('@').unwrap_or(path));
    let drive = word.strip_prefix(|c: char| c.is_ascii_alphabetic());
    let is_windows = word.starts_with("\\\\") || drive.is_some_and(|rest| rest.starts_with(":\\"));
    // A part without a name is none of a path: `1//0…` is a token.
    let is_joined = path.contains('/') && !path.contains("//");
    is_windows || is_joined && path.chars().all(|c| is_name(c) || ".:/-~".contains(c))
}

/// `bob1@my-host.example`.
pub(super) fn is_email(word: &str) -> bool {
    let is_part = |part: &str, signs: &str| !part.is_empty() && part.chars().all(|c| is_name(c) || signs.contains(c));
    let is_domain = |last: &str| last.len() > 1 && last.chars().all(char::is_alphabetic);
    word.split_once('@').is_some_and(|(user, host)| {
        let is_host = is_part(host, ".-") && host.rsplit_once('.').is_some_and(|(_, last)| is_domain(last));
        is_host && is_part(user, ".+-")
    })
}

/// `backup-1.tar.gz`, `db1-prod.example.com`.
fn is_file(word: &str) -> bool {
    let is_plain = word.chars().all(|c| is_name(c) || ".-".contains(c));
    is_plain && word.rsplit_once('.').is_some_and(|(_, last)| is_ending(last))
}

fn is_ending(last: &str) -> bool {
    ENDING.contains(&last.len()) && last.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// `1.25-alpine`, `nginx-1.25`, `>=2.0.0-rc1`, `v1-beta`.
fn is_version(word: &str) -> bool {
    let word = word.trim_start_matches(['^', '~', '>', '<', '=']);
    let is_number = |part: &str| {
        let part = part.strip_prefix('v').unwrap_or(part);
        part.contains('.') && part.split('.').all(|number| !number.is_empty() && is_digits(number))
    };
    let first = word.split_once('-').and_then(|(first, _)| first.strip_prefix('v'));
    let is_first = first.is_some_and(|first| !first.is_empty() && is_digits(first));
    let is_plain = word.chars().all(|c| is_name(c) || ".-+".contains(c));
    is_plain && (is_first || word.split(['-', '+', '_']).any(is_number))
}

/// `30s-1min`, `10:30am-11:00pm`.
fn is_quantity(word: &str) -> bool {
    word.split(['-', ':', '.', '/', '~', '+']).all(|part| {
        let unit = part.trim_start_matches(|c: char| c.is_ascii_digit());
        unit.len() < part.len() && UNITS.contains(&unit.to_ascii_lowercase().as_str())
    })
}

/// `L120-L130`.
fn is_line(word: &str) -> bool {
    word.split('-').all(|part| part.strip_prefix('L').is_some_and(|line| !line.is_empty() && is_digits(line)))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

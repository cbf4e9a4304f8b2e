//! Usual slips of the pen in TOML, named for what they are: a value that is missing, `:` for `=`, a word without quotes, `True`, `0,5`.
//! A parser's message names what it expected next, which seldom is what went wrong. It leaves finding the place of a fault to the parser.

use super::schema::{self, Node};

/// What is wrong in a line that is no TOML: a sentence that begins with the key. `above` is the text above the line. `None` if it is no usual slip.
pub(super) fn named(above: &str, line: &str) -> Option<String> {
    let line = line.trim();
    let end = line.find(|c: char| !(c.is_alphanumeric() || "_-.\"'".contains(c))).unwrap_or(line.len());
    let (name, rest) = line.split_at_checked(end).filter(|(name, _)| !name.is_empty())?;
    let key = match table(above) {
        Some(table) => schema::join(table, name),
        None => name.to_owned(),
    };
    let node = key.split('.').try_fold(schema::root(), Node::property);
    let wanted = node.map(|node| format!("; wanted: {}", node.wanted())).unwrap_or_default();
    let rest = rest.trim_start();
    let Some(value) = rest.strip_prefix('=') else {
        return Some(match rest.chars().next() {
            None | Some('#') => format!("{key} has no value{wanted}"),
            Some(':') => format!("{key} is followed by `:`; TOML has `{name} = …`"),
            Some(_) => format!("{key} is not followed by `=`; TOML has `{name} = …`"),
        });
    };
    if value.starts_with('=') {
        return Some(format!("{key} is followed by `==`; TOML has `{name} = …`"));
    }
    let value = value.split('#').next().unwrap_or_default().trim();
    let is_word = |text: &str| text.chars().all(|c| c.is_alphanumeric() || "_-./~$".contains(c));
    match value {
        "" => Some(format!("{key} has no value{wanted}")),
        _ if value.starts_with('[') && !value.contains(']') => Some(format!("{key} begins a list that does not end")),
        _ if is_number_with_comma(value) => {
            Some(format!("{key} is {value}; a number has a point: {}", value.replace(',', ".")))
        }
        _ if value.starts_with(['“', '”', '„', '‘', '’', '«']) => {
            Some(format!("{key} has quotes that TOML does not know; it has \"…\""))
        }
        _ if value.parse::<f64>().is_ok() && (value.starts_with('.') || value.ends_with('.')) => {
            Some(format!("{key} is {value}; a number has digits on both sides of its point"))
        }
        _ if value.starts_with(|c: char| c.is_ascii_digit()) && value.contains(' ') && !is_date(value) => {
            Some(format!("{key} is {value}, which is more than one value{wanted}"))
        }
        _ if is_word(value) && !is_whole(value) => Some(format!("{key} is {value}, a word without quotes{wanted}")),
        _ => None,
    }
}

/// Whether TOML takes a word as it is. Then the fault is elsewhere.
fn is_whole(word: &str) -> bool {
    matches!(word, "true" | "false") || word.parse::<f64>().is_ok()
}

/// Whether a value with a blank is a date with a time.
fn is_date(value: &str) -> bool {
    value.split(' ').next().is_some_and(|day| day.contains('-'))
}

fn is_number_with_comma(value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    value.split_once(',').is_some_and(|(whole, rest)| digits(whole) && digits(rest))
}

/// The line, from 1, above a fault at which a list begins that never ends. The parser reports the place where it gave up.
pub(super) fn opens(source: &str, fault: usize) -> Option<usize> {
    let depth = |text: &str| text.matches('[').count() as isize - text.matches(']').count() as isize;
    let head = source.get(..fault).unwrap_or(source);
    let lines = || source.lines().map(|line| line.split('#').next().unwrap_or_default());
    let begins = |line: &str| line.split_once('=').is_some_and(|(_, value)| value.trim_start().starts_with('['));
    let open = lines().take(head.lines().count()).enumerate().filter(|(_, line)| begins(line) && depth(line) > 0);
    let (at, _) = open.last()?;
    (lines().skip(at).map(depth).sum::<isize>() > 0).then_some(at + 1)
}

/// The table that the end of a text is in.
fn table(above: &str) -> Option<&str> {
    let header = above.lines().rev().map(str::trim).find(|line| line.starts_with('['))?;
    header.strip_prefix('[')?.split(']').next().map(str::trim).filter(|name| !name.starts_with('['))
}

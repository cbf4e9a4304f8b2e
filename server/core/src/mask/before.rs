//! Tells from what stands in front of a name whether it is tested, defined, set, or a part of a text. It leaves the name and its value to `named`.

use super::names::NAMES;
use super::reader::Reader;

/// Bytes in front of a name that are looked at.
const BEFORE: usize = 256;

/// Words in front of what is only tested or called.
pub(super) const CONDITIONS: [&str; 10] =
    ["if", "elif", "while", "and", "or", "not", "return", "unless", "when", "await"];

/// Words that define what follows.
const DEFINES: [&str; 10] =
    ["#define", "(define", "(def", "(defvar", "(setq", "(setf", "WITH", "with", "ENCRYPTED", "encrypted"];

pub(super) fn is_quote(c: char) -> bool {
    "\"'`".contains(c)
}

pub(super) fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The last bytes of a text: as much as decides about what follows it.
pub(super) fn end_of(text: &str) -> &str {
    (text.len().saturating_sub(BEFORE)..=text.len()).find_map(|at| text.get(at..)).unwrap_or_default()
}

/// Whether a quote behind a sign ends the text in which the name stands: `"Password: ")`.
pub(super) fn ends_text(mut reader: Reader<'_>, before: &str) -> bool {
    reader.skip_blanks();
    let Some(quote) = reader.peek().filter(|c| is_quote(*c)) else { return false };
    let line = before.rsplit('\n').next().unwrap_or_default();
    let follows = reader.rest().chars().nth(1);
    line.matches(quote).count() % 2 == 1 && follows.is_none_or(|c| c.is_whitespace() || "),;]}:.".contains(c))
}

/// Whether a name is an argument of a call that sets or compares: `strcpy(password, `.
pub(super) fn is_set(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let is_called = line.rsplit_once('(').is_some_and(|(call, _)| {
        let name = call.rsplit(|c: char| !(is_name(c) || c == '.')).next().unwrap_or_default();
        NAMES.is_setter(name)
    });
    is_called || (line.ends_with(is_quote) && NAMES.is_setter(word_before(line.trim_end_matches(is_quote))))
}

/// Whether a name is what a field names: `"name": "`, `<property name="`, `- name: `.
pub(super) fn is_named(before: &str) -> bool {
    let before = match before.ends_with(['.', '-', '/']) {
        true => before.trim_end_matches(|c| is_name(c) || ".-/".contains(c)),
        false => before,
    };
    let before = before.trim_end_matches(is_quote).trim_end();
    let field = ["=>", ":", "="].into_iter().find_map(|sign| before.strip_suffix(sign));
    let field = field.map(|field| field.trim_end().trim_end_matches(is_quote)).unwrap_or_default();
    NAMES.is_namer(field.rsplit(|c| !is_name(c)).next().unwrap_or_default())
}

/// Whether a name stands in the header that sends cookies.
pub(super) fn is_in_cookie(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.contains("Cookie: ") || line.contains("cookie: ")
}

/// Whether a name is that of an option: behind `--`, or behind a blank and `-`.
pub(super) fn is_option(before: &str) -> bool {
    let outside = before.strip_suffix('-').unwrap_or_default();
    before.ends_with("--") || outside.ends_with(char::is_whitespace)
}

/// Whether a name stands in a list of `Key=value;` in a text: `"Server=h;Uid=u;Pwd=…"`.
pub(super) fn is_in_list(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let is_open = line.split(['"', '\'', '`']).count().is_multiple_of(2);
    let list = line.rsplit(is_quote).next().unwrap_or_default();
    let is_list = list.trim_end().strip_suffix(';').is_some_and(|list| list.split(';').all(|pair| pair.contains('=')));
    is_open && is_list
}

/// Whether a function is defined rather than called: behind nothing, or a word that is none of a condition.
pub(super) fn is_definition(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let word = word_before(before).trim_end_matches(['>', ']', '*']);
    line.trim().is_empty() || (word.ends_with(is_name) && !CONDITIONS.contains(&word))
}

/// Whether a name's value follows it as a word: behind `--` of an option, `ENV` of a Dockerfile, `set` of a shell.
pub(super) fn takes_words(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
    before.ends_with("--") || line.starts_with("set -") || ["ENV", "ARG", "set", "setx"].contains(&word_before(before))
}

/// Whether a name's value follows it as a literal: first on its line, as an option, or behind a word that defines.
pub(super) fn is_statement(before: &str) -> bool {
    let is_first = before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty() && line.len() < BEFORE);
    is_first
        || takes_words(before)
        || is_option(before)
        || before.ends_with([':', '@'])
        || before.ends_with("set(")
        || DEFINES.contains(&word_before(before))
}

/// The word in front of a name, if blanks are between them.
pub(super) fn word_before(before: &str) -> &str {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let trimmed = line.trim_end();
    let word = trimmed.rsplit(char::is_whitespace).next().unwrap_or_default();
    if trimmed.len() < line.len() { word } else { "" }
}

/// Whether a name is that of a tag. The argument of a generic type looks like one, and has a name in front.
pub(super) fn is_tag(before: &str) -> bool {
    let before = before.trim_end_matches(|c: char| is_name(c) || c == ':').strip_suffix('<');
    before.is_some_and(|before| !before.ends_with(is_name))
}

//! Tells from what stands in front of a name whether it is tested, defined, set, or a part of a text. It leaves the name and its value to `named`.

use super::names::NAMES;
use super::reader::Reader;

/// Bytes in front of a name that are looked at.
const BEFORE: usize = 256;

/// Words in front of what is only tested or called.
pub(super) const CONDITIONS: [&str; 10] =
    ["if", "elif", "while", "and", "or", "not", "return", "unless", "when", "await"];

/// Words that define what follows.
const DEFINES: [&str; 12] = [
    "#define",
    "(define",
    "(def",
    "(defvar",
    "(setq",
    "(setf",
    "WITH",
    "with",
    "ENCRYPTED",
    "encrypted",
    "LOGIN",
    "login",
];
/// Statements of SQL in which a literal follows the name.
const STATEMENTS: [&str; 4] = ["create user ", "create role ", "alter user ", "alter role "];
/// Marks of comments.
const COMMENTS: [&str; 6] = ["#", "//", "--", "/*", "<!--", ";;"];

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
    let line = line_of(before);
    let follows = reader.rest().chars().nth(1);
    line.matches(quote).count() % 2 == 1 && follows.is_none_or(|c| c.is_whitespace() || "),;]}:.".contains(c))
}

/// Whether a name is an argument of a call that sets or compares: `strcpy(password, `, `set :password, `.
pub(super) fn is_set(before: &str) -> bool {
    let line = line_of(before);
    let is_called = line.rsplit_once('(').is_some_and(|(call, _)| {
        let name = call.rsplit(|c: char| !(is_name(c) || c == '.')).next().unwrap_or_default();
        NAMES.is_setter(name)
    });
    let is_mark = |c: char| is_quote(c) || c == ':';
    is_called || (line.ends_with(is_mark) && NAMES.is_setter(word_before(line.trim_end_matches(is_mark))))
}

/// The field whose value a name is: `"name": "`, `<property name="`, `- name: `.
pub(super) fn field(before: &str) -> &str {
    let before = match before.ends_with(['.', '-', '/']) {
        true => before.trim_end_matches(|c| is_name(c) || ".-/".contains(c)),
        false => before,
    };
    let before = before.trim_end_matches(is_quote).trim_end();
    let field = ["=>", ":", "="].into_iter().find_map(|sign| before.strip_suffix(sign));
    let field = field.map(|field| field.trim_end().trim_end_matches(is_quote)).unwrap_or_default();
    field.rsplit(|c| !is_name(c)).next().unwrap_or_default()
}

/// Whether a name stands in the header that sends cookies.
pub(super) fn is_in_cookie(before: &str) -> bool {
    let line = line_of(before);
    line.contains("Cookie: ") || line.contains("cookie: ")
}

/// Whether a name is that of an option: behind `--`, or behind a blank and `-`.
pub(super) fn is_option(before: &str) -> bool {
    let outside = before.strip_suffix('-').unwrap_or_default();
    before.ends_with("--") || outside.ends_with(char::is_whitespace)
}

/// Whether a name stands in a list of `Key=value;` in a text: `"Server=h;Uid=u;Pwd=…"`.
pub(super) fn is_in_list(before: &str) -> bool {
    let line = line_of(before);
    let is_open = line.split(['"', '\'', '`']).count().is_multiple_of(2);
    let list = line.rsplit(is_quote).next().unwrap_or_default();
    let is_list = list.trim_end().strip_suffix(';').is_some_and(|list| list.split(';').all(|pair| pair.contains('=')));
    is_open && is_list
}

/// Whether a name stands in a list of `key=value` with blanks between them in a text: `"host=h password=…"`; it may be the first.
pub(super) fn is_in_pairs(before: &str) -> bool {
    let line = line_of(before);
    let Some(text) = open_quote(line).and_then(|quote| line.rsplit(quote).next()) else { return false };
    let pair = text.trim_end_matches(' ');
    pair.is_empty() || (pair.len() < text.len() && pair.rsplit(' ').next().is_some_and(|pair| pair.contains('=')))
}

/// Whether a name stands in a comment, or in a text behind other words.
pub(super) fn is_remark(before: &str) -> bool {
    let line = line_of(before);
    COMMENTS.iter().any(|mark| line.contains(mark))
        || line.trim_start().starts_with(['*', ';', '%'])
        || open_quote(line).is_some_and(|quote| !line.ends_with(quote))
}

/// Whether a name is the field of a user whose login stands in front: `login me password …`.
pub(super) fn follows_login(before: &str) -> bool {
    let mut words = before.split_whitespace().rev();
    before.ends_with(char::is_whitespace) && words.nth(1) == Some("login")
}

/// The quote that is open at the end of a line; an apostrophe in a word opens none.
pub(super) fn open_quote(line: &str) -> Option<char> {
    let (mut open, mut before) = (None, ' ');
    for c in line.chars() {
        let is_mark = is_quote(c) && before != '\\' && (c != '\'' || open.is_some() || !is_name(before));
        if is_mark && open.is_none_or(|quote| quote == c) {
            open = if open.is_none() { Some(c) } else { None };
        }
        before = c;
    }
    open
}

/// The quote that is open at the end of a text; `None` also if its last line is too long to tell.
pub(super) fn open_text(text: &str) -> Option<char> {
    let end = end_of(text);
    (end.contains('\n') || end.len() == text.len()).then(|| open_quote(line_of(end)))?
}

/// The part of a line in front of a name.
pub(super) fn line_of(before: &str) -> &str {
    before.rsplit('\n').next().unwrap_or_default()
}

/// Whether a function is defined rather than called: behind nothing, or a word that is none of a condition.
pub(super) fn is_definition(before: &str) -> bool {
    let line = line_of(before);
    let word = word_before(before).trim_end_matches(['>', ']', '*']);
    line.trim().is_empty() || (word.ends_with(is_name) && !CONDITIONS.contains(&word))
}

/// Whether a name's value follows it as a word: behind `--` of an option, `ENV` of a Dockerfile, `set` of a shell.
pub(super) fn takes_words(before: &str) -> bool {
    let line = line_of(before).trim_start();
    let word = word_before(before.strip_suffix('$').unwrap_or(before));
    before.ends_with("--") || line.starts_with("set -") || NAMES.is_giver(word)
}

/// Whether a name's value follows it as a literal: first on its line, as an option, or behind a word that defines.
pub(super) fn is_statement(before: &str) -> bool {
    let is_first = before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty() && line.len() < BEFORE);
    let line = line_of(before).to_ascii_lowercase();
    is_first
        || STATEMENTS.into_iter().any(|statement| line.contains(statement))
        || takes_words(before)
        || is_option(before)
        || before.ends_with([':', '@'])
        || before.ends_with("set(")
        || DEFINES.contains(&word_before(before))
}

/// The word in front of a name, if blanks are between them.
pub(super) fn word_before(before: &str) -> &str {
    let line = line_of(before);
    let trimmed = line.trim_end();
    let word = trimmed.rsplit(char::is_whitespace).next().unwrap_or_default();
    if trimmed.len() < line.len() { word } else { "" }
}

/// Whether a name is that of a tag. The argument of a generic type looks like one, and has a name in front.
pub(super) fn is_tag(before: &str) -> bool {
    let before = before.trim_end_matches(|c: char| is_name(c) || c == ':').strip_suffix('<');
    before.is_some_and(|before| !before.ends_with(is_name))
}

//! Finds the passwords that calls and sentences give beside a user's name, and those that calls take as an argument at a known place. It leaves calls of
//! a secret name to `named`.

use std::ops::Range;

use super::before::{end_of, is_name, is_remark};
use super::expression::Expression;
use super::names::{NAMES, Strength};
use super::reader::Reader;
use super::values::{bare, is_size, looks_like_a_password};

/// Most calls around a password behind a user's name.
const MAX_DEPTH: usize = 3;
/// Most words of a sentence up to the password, and most bytes that are read.
const MAX_WORDS: usize = 5;
const MAX_SENTENCE: usize = 256;

/// The second of two literals in brackets: `auth=("admin", "…")`, `BasicAuth("admin", "…")`.
pub(super) fn password(mut reader: Reader<'_>) -> Option<Range<usize>> {
    let blank = reader.takes_while(|c| c == ' ' || c == '=' || c == ':');
    let open = reader.takes("(") || reader.takes("[") || reader.takes("new string[] {") || blank == " ";
    reader.skip_breaks();
    reader.literal().filter(|_| open)?;
    reader.skip_blanks();
    if !reader.takes(",") {
        return None;
    }
    reader.skip_breaks();
    wrapped(&mut reader);
    reader.literal().filter(|span| !span.is_empty())
}

/// The argument of a known call that is a secret: `new PDO(dsn, user, "…")`, `btoa("user:…")`.
pub(super) fn argument(reader: Reader<'_>) -> Option<Vec<Range<usize>>> {
    let before = end_of(reader.part(&(0..reader.at)));
    let is_call = |call: &str| before.strip_suffix(call).is_some_and(|before| !before.ends_with(is_name));
    let number = |calls: &[(String, usize)]| calls.iter().find(|(call, _)| is_call(call)).map(|(_, number)| *number);
    let (secret, both) = (number(&NAMES.calls), number(&NAMES.encoders));
    let number = secret.or(both).filter(|_| reader.peek() == Some('('))?;
    let argument = Expression::new(reader, false).element(number.saturating_sub(1)).into_iter();
    let argument = argument.filter_map(|span| if secret.is_some() { Some(span) } else { behind_a_user(reader, span) });
    let is_secret = |value: &str| !value.starts_with('$') && NAMES.is_secret(value, Strength::Strong);
    Some(argument.filter(|span| is_secret(reader.part(span))).collect())
}

/// The password in a text that holds a user's name and a password.
fn behind_a_user(reader: Reader<'_>, span: Range<usize>) -> Option<Range<usize>> {
    let (user, password) = reader.part(&span).split_once(':')?;
    let is_user = !user.is_empty() && user.chars().all(|c| is_name(c) || "-.@".contains(c));
    (is_user && !password.contains(char::is_whitespace)).then(|| span.start + user.len() + 1..span.end)
}

/// The password behind a user's name: `login bob / …`, `credentials: bob:…`. `reader` stands behind the first word.
pub(super) fn login(reader: Reader<'_>, before: &str, path: &str) -> Option<Range<usize>> {
    if !(NAMES.is_prose(path) || is_remark(before)) {
        return None;
    }
    let sentence = reader.ahead(MAX_SENTENCE).split(['\n', ';', '(']).next().unwrap_or_default();
    let words: Vec<&str> = sentence.trim_start_matches(':').split_whitespace().take(MAX_WORDS).collect();
    let apart = words.iter().position(|word| ["/", ":", "|"].contains(word)).and_then(|at| {
        let user = words.get(at.checked_sub(1)?)?;
        is_user(bare(user)).then_some(*words.get(at + 1)?)
    });
    let joined = || words.iter().filter_map(|word| word.split_once(':')).find(|(user, _)| is_user(user));
    let word = bare(apart.or_else(|| joined().map(|(_, word)| word))?);
    let is_password = looks_like_a_password(word) && !word.split('-').any(is_size);
    let start = reader.at + (word.as_ptr() as usize - reader.rest().as_ptr() as usize);
    (is_password && NAMES.is_secret(word, Strength::Strong)).then(|| start..start + word.len())
}

fn is_user(word: &str) -> bool {
    word.starts_with(char::is_alphabetic) && word.chars().all(|c| is_name(c) || "-.@".contains(c))
}

/// Reads the calls that give their argument on: `String::from(`, `new SecretString(`; and brackets.
fn wrapped(reader: &mut Reader<'_>) {
    for _ in 0..MAX_DEPTH {
        reader.skip_breaks();
        let mut ahead = *reader;
        ahead.takes("new ");
        ahead.takes("&");
        let call = ahead.takes_while(|c| is_name(c) || ":.!".contains(c));
        if !ahead.takes("(") || !(call.is_empty() || NAMES.is_wrapper(call)) {
            return;
        }
        *reader = ahead;
        reader.skip_breaks();
    }
}

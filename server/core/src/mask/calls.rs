//! Finds the passwords that calls and sentences give beside a user's name, and those that calls take as an argument at a known place. It leaves calls of
//! a secret name to `named`.

use std::ops::Range;

use super::before::{end_of, is_name, is_remark, line_of};
use super::expression::Expression;
use super::names::{NAMES, Strength};
use super::places::is_email;
use super::reader::Reader;
use super::values::{bare, looks_like_a_password, names_a_standard};

/// Most calls around a password behind a user's name.
const MAX_DEPTH: usize = 3;
/// Most words of a sentence up to the password, and most bytes that are read.
const MAX_WORDS: usize = 5;
const MAX_SENTENCE: usize = 256;
/// The command that gives files to a user and a group.
const OWNS: &str = "chown";

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
    (is_user(user) && !password.contains(char::is_whitespace)).then(|| span.start + user.len() + 1..span.end)
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
        is_person(bare(user)).then_some(*words.get(at + 1)?)
    });
    let joined = words.iter().filter_map(|word| joined_to_a_user(word)).filter(|_| !names_owners(before, &words));
    let is_password =
        |word: &&str| looks_like_a_password(word) && !names_a_standard(word) && NAMES.is_secret(word, Strength::Strong);
    let word = apart.into_iter().chain(joined).map(bare).find(is_password)?;
    let start = reader.at + (word.as_ptr() as usize - reader.rest().as_ptr() as usize);
    Some(start..start + word.len())
}

/// What is joined to a user's name by a colon: `bob:…`. A path or the rest of an address (`https://…`, `C:\…`, `fe80::…`) is not.
fn joined_to_a_user(word: &str) -> Option<&str> {
    let (user, rest) = word.split_once(':')?;
    let is_place = NAMES.is_reference(user) || rest.starts_with(['/', '\\', ':']);
    // A host may follow: `bob:…@host.example`.
    let password = rest.split_once('@').filter(|_| is_email(rest)).map_or(rest, |(password, _)| password);
    (is_person(user) && !is_place).then_some(password)
}

/// Whether a sentence gives files to a user and a group: `chown www-data:www-data1`.
fn names_owners(before: &str, words: &[&str]) -> bool {
    line_of(before).split_whitespace().chain(words.iter().copied()).any(|word| bare(word) == OWNS)
}

fn is_user(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| is_name(c) || "-.@".contains(c))
}

/// Whether a word of a sentence is a user's name. One that begins with a digit is a time or an address.
fn is_person(word: &str) -> bool {
    word.starts_with(char::is_alphabetic) && is_user(word)
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

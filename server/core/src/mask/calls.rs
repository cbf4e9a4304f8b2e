//! Finds the passwords that calls take beside a user's name, or as an argument at a known place. It leaves calls of a secret name to `named`.

use std::ops::Range;

use super::before::{end_of, is_name};
use super::expression::Expression;
use super::names::{NAMES, Strength};
use super::reader::Reader;

/// Most calls around a password behind a user's name.
const MAX_DEPTH: usize = 3;

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

/// The argument of a known call that is a secret: `new PDO(dsn, user, "…")`.
pub(super) fn argument(reader: Reader<'_>) -> Option<Vec<Range<usize>>> {
    let before = end_of(reader.part(&(0..reader.at)));
    let is_call = |call: &str| before.strip_suffix(call).is_some_and(|before| !before.ends_with(is_name));
    let number = NAMES.calls.iter().find(|(call, _)| is_call(call)).map(|(_, number)| number.saturating_sub(1));
    let mut argument = Expression::new(reader, false).element(number.filter(|_| reader.peek() == Some('('))?);
    argument.retain(|span| {
        let value = reader.part(span);
        !value.starts_with('$') && NAMES.is_secret(value, Strength::Strong)
    });
    Some(argument)
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

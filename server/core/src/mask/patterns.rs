//! Finds keys by the patterns of `tables/secret_names.toml`: a beginning, and how many characters of which kind follow. It leaves beginnings alone
//! to `random`.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::names::NAMES;

/// Finds all beginnings in one pass. `None` only if the automaton could not be built.
static BEGINNINGS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(NAMES.patterns.iter().map(|(beginning, _)| beginning)).ok());

/// The secrets of a text; `None` if they could not be looked for.
pub(super) fn spans(text: &str) -> Option<Vec<Range<usize>>> {
    let key = |found: aho_corasick::Match| {
        let (_, pattern) = NAMES.patterns.get(found.pattern().as_usize())?;
        let length = follows(text.get(found.end()..)?, pattern)?;
        let end = found.end() + length;
        let is_apart = !text.get(..found.start())?.ends_with(is_word) && !text.get(end..)?.starts_with(is_word);
        let has_digit = text.get(found.start()..end)?.bytes().any(|byte| byte.is_ascii_digit());
        (is_apart && has_digit).then_some(found.start()..end)
    };
    Some(BEGINNINGS.as_ref()?.find_overlapping_iter(text).filter_map(key).collect())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How many bytes of a text a pattern takes; `None` if another text stands there. A letter says of which kind so many characters are as the number
/// behind it says; any other character is itself.
fn follows(text: &str, pattern: &str) -> Option<usize> {
    let (mut at, mut rest) = (0, pattern);
    while let Some(kind) = rest.chars().next() {
        rest = rest.get(kind.len_utf8()..)?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at_checked(digits)?;
        rest = after;
        let is_wanted = |c: char| match kind {
            'd' => c.is_ascii_digit(),
            'h' => c.is_ascii_digit() || ('a'..='f').contains(&c),
            'u' => c.is_ascii_digit() || c.is_ascii_uppercase(),
            'w' => c.is_ascii_alphanumeric(),
            _ => c == kind,
        };
        let count = number.parse().unwrap_or(1);
        let part = text.get(at..at + count)?;
        part.chars().all(is_wanted).then_some(())?;
        at += count;
    }
    Some(at)
}

//! Markers of models' formats in the answers of tasks on demand, from `tables/formats.toml`: those that begin and end a turn, and those that an edit may
//! not hold. In code they stand by mistake, or to mislead the next model that reads it. It leaves cutting an answer to `said`.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::cut::is_unseen;
use crate::models::Models;

/// The table.
pub(super) static MARKERS: LazyLock<Markers> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("../../tables/formats.toml")).unwrap_or_default();
    Markers { barred: table.barred(), ..table.markers }
});
/// How the usual markers begin and end: `<|im_end|>`.
const AROUND: [(&str, &str); 2] = [("<|", "|>"), ("<\u{ff5c}", "\u{ff5c}>")];

#[derive(Default, Deserialize)]
struct Table {
    markers: Markers,
}

/// The markers of models' formats.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Markers {
    /// Those that end a turn.
    pub(super) ends: Vec<String>,
    /// Those that begin one.
    pub(super) begins: Vec<String>,
    others: Vec<String>,
    ordinary: BTreeSet<String>,
    /// Those that an edit may not hold, but for the usual ones.
    #[serde(skip)]
    barred: BTreeSet<String>,
}

impl Table {
    /// All markers that are not ordinary text, those of the shipped formats among them.
    fn barred(&self) -> BTreeSet<String> {
        let Markers { ends, begins, others, ordinary, .. } = &self.markers;
        let models = Models::builtin();
        let of_formats = models.formats().flat_map(|format| &format.markers);
        let all = ends.iter().chain(begins).chain(others).chain(of_formats);
        all.filter(|marker| !ordinary.contains(*marker)).cloned().collect()
    }
}

/// The first marker of a model's format in a text, unless `known` holds it, too.
pub(super) fn marker<'t>(text: &'t str, known: &str) -> Option<&'t str> {
    markers(text).find(|marker| !known.contains(marker))
}

/// What an answer may hold because a text holds it that is no part of the edited file: its markers, and its invisible characters.
pub fn permitted(text: &str) -> String {
    let markers: BTreeSet<&str> = markers(text).collect();
    let unseen: BTreeSet<char> = text.chars().filter(|c| is_unseen(*c)).collect();
    markers.into_iter().flat_map(|marker| marker.chars().chain(['\n'])).chain(unseen).collect()
}

/// The markers in a text that are no ordinary text where they stand.
fn markers(text: &str) -> impl Iterator<Item = &str> {
    let usual = AROUND.iter().flat_map(move |(open, close)| {
        text.match_indices(open).filter_map(move |(at, _)| {
            let rest = text.get(at..)?;
            let end = rest.get(open.len()..)?.find(close)? + open.len();
            is_word(rest.get(open.len()..end)?).then_some(rest.get(..end + close.len())?)
        })
    });
    let others = MARKERS.barred.iter().flat_map(move |marker| {
        let found = text.match_indices(marker.as_str());
        found.filter(move |(at, marker)| !is_ordinary(text, *at, marker)).map(|(_, marker)| marker)
    });
    usual.chain(others)
}

/// Whether a marker is ordinary text where it stands: an index in brackets, the argument of a type, or a tag that is closed.
fn is_ordinary(text: &str, at: usize, marker: &str) -> bool {
    let (before, after) = (text.get(..at).unwrap_or_default(), text.get(at + marker.len()..).unwrap_or_default());
    let inside = |open, close| marker.strip_prefix(open)?.strip_suffix(close).filter(|inside| is_word(inside));
    if inside('[', ']').is_some() {
        let begins_line = before.is_empty() || before.ends_with('\n');
        // A link of Markdown may begin a line.
        return !begins_line || after.starts_with([':', '(', '[']);
    }
    let is_argument = before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
    inside('<', '>').is_some_and(|name| is_argument || text.contains(&format!("</{name}>")))
}

fn is_word(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '\u{2581}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marker_that_no_code_has_is_found() {
        for text in [
            "a <|im_end|>",
            "a <|fim_suffix|> b",
            "a <\u{ff5c}fim\u{2581}hole\u{ff5c}>",
            "a <fim_prefix> b",
            "a <fim-pad>",
            "a <fim_pad>",
            "a <file_sep>b.rs",
            "<PRE> a <SUF>",
            "a <EOT>",
            "a <eos>",
            "a <[fim-suffix]> b",
            "a <[end\u{2581}of\u{2581}sentence]>",
            "###PATH:a.rs",
            "<FILL/>",
            "a <<SYS>>",
            "a [/INST]",
            "<start_of_turn>user",
            "[INST] a",
            "a\n[PREFIX]b",
            "[SUFFIX]a",
            "[MIDDLE]",
        ] {
            assert!(marker(text, "").is_some(), "{text}");
            assert_eq!((marker(text, text), marker(text, &permitted(text))), (None, None), "{text}");
        }
    }

    #[test]
    fn what_is_ordinary_in_code_is_no_marker() {
        for text in [
            "let a = row[PREFIX] + row[SUFFIX] + row[MIDDLE];",
            "usage: tool [PREFIX] [SUFFIX]",
            "/// Takes off a [PREFIX].",
            "const PARTS: [[&str; 2]; 1] = [\n    [PREFIX],\n];",
            "[PREFIX]: https://example.com",
            "usage: tool <filename> <repo_name>",
            "fn f(a: Vec<PRE>) -> Option<SUF> { g::<MID>() }",
            "<PRE>\na\n</PRE>",
            "<p><s>old</s></p>",
            "enum Answer {\n    NO_EDITS,\n}",
            "a <| b |> c, x <|> y",
            "a || b <= c | d",
        ] {
            assert_eq!(marker(text, ""), None, "{text}");
        }
        assert_eq!(permitted("a[PREFIX] \u{200b}b <|im_end|> <|im_end|>"), "<|im_end|>\n\u{200b}");
    }
}

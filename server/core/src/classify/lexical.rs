//! The task where nothing is parsed: in a language without a grammar, and in a document that its grammar cannot take. Brackets, strings and
//! indentation show it. It leaves comments and documentation to `classify`, which looks for them first.

use pennyworth_grammars::{Facts, Layout};

use super::decide::{begins, is_member};
use super::excerpt::{Excerpt, columns};
use crate::lex::{self, Scan};
use crate::task::Task;

/// The task at the end of the excerpt. It is a line unless more is plain: a list of arguments, a member, a body that was just opened, or an item
/// at the margin.
pub(super) fn task(excerpt: &Excerpt, scan: &Scan, facts: &Facts) -> Task {
    let before = excerpt.before.as_str();
    let word = before.trim_end_matches(|c| lex::is_word(facts, c)).len();
    let line = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let above = before.get(..line).unwrap_or_default().lines().next_back();
    if scan.literal().is_some() {
        return Task::String;
    }
    if is_member(before, facts, word) {
        return Task::Member;
    }
    if before.get(line..word).unwrap_or_default().trim().is_empty() {
        let is_apart = above.is_none_or(|above| above.trim().is_empty());
        let is_at_margin = columns(before.get(line..).unwrap_or_default()) == 0;
        return match (facts.layout, scan.open.is_empty()) {
            (_, true) if is_at_margin && is_apart && word == before.len() => Task::TopLevel,
            (Layout::Markup, _) => Task::Line,
            _ if is_opened(above.unwrap_or_default(), excerpt, facts) => Task::Block,
            _ => Task::Line,
        };
    }
    // A call's parenthesis stands behind a name.
    let called = |at: usize| before.get(..at).unwrap_or_default().ends_with(|c| lex::is_word(facts, c));
    match scan.bracket() {
        Some((open, '(')) if facts.layout != Layout::Markup && called(open.start) => Task::Argument,
        _ => Task::Line,
    }
}

/// Whether the line above opens a body, and nothing stands in it yet.
fn is_opened(above: &str, excerpt: &Excerpt, facts: &Facts) -> bool {
    let is_opener =
        above.trim_end().ends_with('{') || (facts.layout != Layout::Braces && begins(above, facts, above.len()));
    is_opener && !excerpt.has_before && !excerpt.has_after
}

//! Repairs: texts in which the place at the cursor is filled and what is open is closed, so that a parser can say what belongs there.
//! They are tried in turn until one parses without an error; the best of those tried counts.

use std::ops::Range;

use pennyworth_grammars::{Facts, Language};
use tree_sitter::Tree;

use super::excerpt::Excerpt;
use crate::lex::{self, Kind, Nest, Scan};
use crate::syntax;

/// Texts tried at most; each after the first is parsed incrementally.
const TRIES: usize = 12;
/// Lines that a list of types may go over.
const ANGLE_LINES: usize = 5;
/// Progress reports of the parser that one try may take; a good excerpt takes fewer than a tenth.
const MAX_STEPS: usize = 300;

/// A text that was tried, with its tree.
pub(super) struct Repaired {
    /// The text.
    pub(super) source: String,
    /// Its tree.
    pub(super) tree: Tree,
    /// The bytes that stand for what is missing.
    pub(super) hole: Range<usize>,
}

/// The best repair of an excerpt; `None` if the parser gave up on all.
pub(super) fn repair(excerpt: &Excerpt, language: &'static Language) -> Option<Repaired> {
    let mut best: Option<(usize, Repaired)> = None;
    let mut last: Option<(Tree, usize)> = None;
    for (source, hole) in candidates(excerpt, language.facts()).into_iter().take(TRIES) {
        let old = last.as_ref().map(|(tree, length)| syntax::moved(tree, hole.start, *length, source.len()));
        let Some(tree) = syntax::parse_excerpt(&source, language, old.as_ref(), MAX_STEPS) else { continue };
        last = Some((tree.clone(), source.len()));
        let errors = if tree.root_node().has_error() { syntax::errors(&tree) } else { 0 };
        if best.as_ref().is_none_or(|(least, _)| errors < *least) {
            best = Some((errors, Repaired { source, tree, hole }));
        }
        if errors == 0 {
            break;
        }
    }
    best.map(|(_, repaired)| repaired)
}

/// The texts to try, likeliest first.
fn candidates(excerpt: &Excerpt, facts: &Facts) -> Vec<(String, Range<usize>)> {
    let before = excerpt.before.as_str();
    let scan = lex::scan(before, facts);
    let in_word = before.chars().next_back().is_some_and(|c| lex::is_word(facts, c));
    let with = |fill: &str, angles: usize, tail: &str| with_fill(excerpt, facts, fill, angles, tail);
    if scan.literal().is_some() {
        return vec![with("$", 0, "")];
    }
    let operand = !in_word
        && matches!(scan.tokens.last().map(|token| token.kind), Some(Kind::Close(_) | Kind::String | Kind::Word));
    let mut fills = facts.probes.iter().map(String::as_str).filter(|fill| !in_word || fill.starts_with(['$', '~']));
    let first = fills.next().unwrap_or("$");
    let tails = facts.tails.iter().map(String::as_str);
    let end = Some(facts.terminator.as_str()).filter(|end| !end.is_empty());
    let angles = if facts.angles { open_angles(before, &scan) } else { 0 };

    let mut texts = vec![with(first, 0, "")];
    texts.extend(end.map(|end| with(first, 0, end)));
    if angles > 0 {
        texts.extend(std::iter::once("").chain(end).chain(tails.clone()).map(|tail| with(first, angles, tail)));
    }
    texts.extend(fills.chain(operand.then_some("+ $")).map(|fill| with(fill, 0, "")));
    texts.extend(tails.map(|tail| with(first, 0, tail)));
    texts
}

/// The number of `<` behind a name that no `>` closes, on the last lines inside the innermost bracket.
fn open_angles(before: &str, scan: &Scan) -> usize {
    let from = scan.open.last().map_or(0, |open| open.start);
    let line = before.rmatch_indices('\n').nth(ANGLE_LINES).map_or(0, |(at, _)| at + 1);
    let mut open = 0_usize;
    for (index, token) in scan.tokens.iter().enumerate().filter(|(_, token)| token.start >= from.max(line)) {
        let previous = index.checked_sub(1).and_then(|index| scan.tokens.get(index));
        let adjoins = previous
            .is_some_and(|before| before.end == token.start && matches!(before.kind, Kind::Word | Kind::Sign(':')));
        match token.kind {
            Kind::Sign('<') if adjoins => open += 1,
            Kind::Sign('>') if previous.is_none_or(|before| !matches!(before.kind, Kind::Sign('-' | '='))) => {
                open = open.saturating_sub(1)
            }
            _ => {}
        }
    }
    open
}

/// The excerpt with a name in the place of the cursor, the rest of its line as far as it fits, and all that is open closed.
fn with_fill(excerpt: &Excerpt, facts: &Facts, fill: &str, angles: usize, tail: &str) -> (String, Range<usize>) {
    let mut source = excerpt.before.clone();
    // Instead of the word that was begun, which may be the head of a keyword.
    let fill = fill
        .strip_prefix('~')
        .inspect(|_| {
            source.truncate(source.trim_end_matches(|c| lex::is_word(facts, c)).len());
        })
        .unwrap_or(fill);
    let (left, right) = fill.split_once('$').unwrap_or(("", ""));
    source.push_str(left);
    let start = source.len();
    source.push_str(&facts.name_probe);
    let hole = start..source.len();
    // A second place in the same probe gets the same name.
    source.push_str(&right.replace('$', &facts.name_probe));
    let end = source.len();
    let rest = excerpt.rest.trim_end();
    if angles > 0 && !rest.starts_with('>') {
        source.push_str(&">".repeat(angles));
    }
    source.push_str(if angles > 0 { rest.trim_start_matches(',') } else { rest });
    let mut scan = lex::scan(&source, facts);
    if let Some(stray) =
        scan.unopened.iter().filter_map(|index| scan.tokens.get(*index)).find(|token| token.start >= end)
    {
        source.truncate(stray.start);
        scan = lex::scan(&source, facts);
    }
    close(&mut source, &scan, tail);
    (source, hole)
}

/// Closes what is open, and puts `tail` where the expression at the cursor ends.
fn close(source: &mut String, scan: &Scan, tail: &str) {
    let line = source.rsplit('\n').next().unwrap_or_default();
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    let mut tail = Some(tail.replace('\t', &format!("{indent}    ")));
    for open in scan.open.iter().rev() {
        let body = matches!(open.nest, Nest::Bracket('{', _) | Nest::Block(_));
        if body && let Some(tail) = tail.take() {
            source.push_str(&tail);
            // A tail may close the bracket itself and go on: `} from "x"`.
            if matches!(open.nest, Nest::Bracket(_, close) if tail.starts_with(close)) {
                continue;
            }
        }
        match &open.nest {
            Nest::Comment { close, .. } if close.is_empty() => source.push('\n'),
            nest => nest.close(source),
        }
    }
    if let Some(tail) = tail {
        source.push_str(&tail);
    }
    source.push('\n');
}

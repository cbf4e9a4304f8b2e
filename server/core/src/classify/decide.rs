//! From a tree to a task: the innermost capture of `context.scm` around the cursor, and another task if a captured body is not empty.
//! The tree may be of a repaired excerpt or of a complete file, so that the evaluation can compare both.

use std::ops::{ControlFlow, Range};

use pennyworth_grammars::{Facts, Language};
use tree_sitter::{Node, QueryCursor, QueryCursorOptions, QueryCursorState, StreamingIterator, Tree};

use super::excerpt;
use crate::lex::{self, Kind, Token};
use crate::syntax::{self, Mark};
use crate::task::Task;

/// Progress reports of a query, each some hundred of its operations, after which it stops with what it has found; an excerpt takes less than a
/// tenth.
const MAX_STEPS: usize = 1_000;
/// Most matches that a query may have begun. In nested code each level begins some.
const MAX_BEGUN: u32 = 1_024;

/// The decision about a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The task there; a line if no capture says more.
    pub task: Task,
    /// Kinds of the nodes around it, from the root down.
    pub path: Vec<&'static str>,
}

/// What the body around the place holds outside the text of the tree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The body holds something on lines above.
    pub before: bool,
    /// The body holds something on lines below.
    pub after: bool,
}

/// Decides for the text in `hole`: in a complete file the text to replace, in an excerpt the probe.
pub fn decide(
    source: &str,
    tree: &Tree,
    language: &'static Language,
    hole: Range<usize>,
    beside: Beside,
) -> Option<Decision> {
    let leaf = tree.root_node().descendant_for_byte_range(hole.start, (hole.start + 1).min(source.len()))?;
    let facts = language.facts();
    // A word may consist of several leaves, such as a variable's sigil and its name.
    let start = if leaf.is_error() { hole.start } else { leaf.start_byte().min(hole.start) };
    let start = source.get(..start).unwrap_or_default().trim_end_matches(|c| lex::is_word(facts, c)).len();
    let (node, mark) = innermost(source, tree, language, leaf, hole.start)
        .unwrap_or((tree.root_node(), Mark { task: Task::TopLevel, inside: false }));
    let task = match mark.task {
        Task::TopLevel if !begins(source, facts, start) => Task::Line,
        Task::TypeBody if !begins(source, facts, start) => Task::Line,
        Task::Function | Task::Test | Task::Block => body(source, facts, node, mark.task, start, &hole, beside),
        Task::Comment if is_above_definition(source, facts, node.start_byte(), hole.end) => Task::DocComment,
        task => task,
    };
    let task = if is_member(source, facts, start)
        && !matches!(task, Task::Import | Task::String | Task::Comment | Task::DocComment)
    {
        Task::Member
    } else {
        task
    };
    Some(Decision { task, path: path(tree, leaf, language) })
}

/// Whether the word that starts at `start` follows a member operator.
pub fn is_member(source: &str, facts: &Facts, start: usize) -> bool {
    let before = source.get(..start).unwrap_or_default();
    let operator = facts
        .member_operators
        .iter()
        .filter(|operator| before.ends_with(operator.as_str()))
        .max_by_key(|operator| operator.len());
    let Some(owner) = operator.and_then(|operator| before.strip_suffix(operator.as_str())) else { return false };
    let number = owner
        .rsplit(|c| !lex::is_word(facts, c))
        .next()
        .is_some_and(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    let last = owner.trim_end().chars().next_back();
    // `..` is a range, `...` a spread, `1.` a number, `=> .` an enum's case.
    !number
        && last.is_some_and(|c| {
            lex::is_word(facts, c) || matches!(c, ')' | ']' | '}' | '>' | '"' | '\'' | '`' | '?' | '!')
        })
}

/// The innermost captured node around a leaf; of two captures of one node the later in the query counts.
pub fn innermost<'t>(
    source: &str,
    tree: &'t Tree,
    language: &'static Language,
    leaf: Node<'t>,
    at: usize,
) -> Option<(Node<'t>, Mark)> {
    let queries = syntax::queries(language)?;
    let range = leaf.byte_range();
    let mut cursor = QueryCursor::new();
    cursor.set_byte_range(range.start..range.end.max(range.start + 1));
    cursor.set_match_limit(MAX_BEGUN);
    let mut steps = MAX_STEPS;
    let mut progress = |_: &QueryCursorState| {
        steps = steps.saturating_sub(1);
        if steps > 0 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let options = QueryCursorOptions::new().progress_callback(&mut progress);
    let mut matches = cursor.matches_with_options(&queries.context, tree.root_node(), source.as_bytes(), options);
    let mut best: Option<(Node<'t>, Mark, usize)> = None;
    while let Some(found) = matches.next() {
        for capture in found.captures() {
            let Some(Some(mark)) = queries.marks.get(capture.index as usize) else { continue };
            let node = capture.node;
            let around = node.start_byte() <= range.start && node.end_byte() >= range.end;
            if !around || (mark.inside && node.start_byte() >= at) {
                continue;
            }
            let closer = best.as_ref().is_none_or(|(other, _, pattern)| {
                let (length, others) = (node.end_byte() - node.start_byte(), other.end_byte() - other.start_byte());
                // Of two nodes with the same range, the inner one is further from the root.
                length < others
                    || (length == others && (node == *other && found.pattern_index >= *pattern || inside(node, *other)))
            });
            if closer {
                best = Some((node, *mark, found.pattern_index));
            }
        }
    }
    best.map(|(node, mark, _)| (node, mark))
}

fn inside(node: Node<'_>, other: Node<'_>) -> bool {
    let same = |parent: &Node<'_>| parent.byte_range() == other.byte_range();
    std::iter::successors(node.parent(), Node::parent).take_while(same).any(|parent| parent == other)
}

/// Whether a comment stands alone above a definition that comments document.
fn is_above_definition(source: &str, facts: &Facts, start: usize, end: usize) -> bool {
    let line = source.get(..start).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    line.trim().is_empty() && excerpt::documents(facts, source.get(end..).unwrap_or_default().lines().skip(1))
}

/// Whether a statement begins at `start`: its line is blank before it, or ends there with what ends or opens something.
pub(super) fn begins(source: &str, facts: &Facts, start: usize) -> bool {
    let before = source.get(..start).unwrap_or_default();
    let line = before.rsplit(['\n', '\r']).next().unwrap_or_default().trim();
    let word = line.rsplit(|c| !lex::is_word(facts, c)).next().unwrap_or_default();
    line.is_empty()
        || line.ends_with(['{', '}', ';', '(', ','])
        || facts.openers.iter().any(|open| open == word || (word.is_empty() && line.ends_with(open.as_str())))
}

/// The task in a body: its own if the body is empty, else a line.
fn body(
    source: &str,
    facts: &Facts,
    node: Node<'_>,
    task: Task,
    start: usize,
    hole: &Range<usize>,
    beside: Beside,
) -> Task {
    let before = source.get(node.start_byte()..start).unwrap_or_default();
    let line = source.get(..start).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    // A body opened on this line holds nothing from the lines above.
    let above = beside.before && (before.contains('\n') || line.trim().is_empty());
    let empty = !above && !beside.after && is_blank(before, facts, true) && is_blank_after(source, facts, node, hole);
    if empty { task_of(source, facts, node, task) } else { Task::Line }
}

fn is_blank_after(source: &str, facts: &Facts, node: Node<'_>, hole: &Range<usize>) -> bool {
    let after = source.get(hole.end.min(node.end_byte())..node.end_byte()).unwrap_or_default();
    is_blank(after, facts, false)
}

/// Whether a body's text is empty but for comments, its own bracket, its opening word and the parameters between bars.
fn is_blank(text: &str, facts: &Facts, head: bool) -> bool {
    let scan = lex::scan(text, facts);
    let mut bars = false;
    let word = |token: &Token| text.get(token.start..token.end).unwrap_or_default();
    // A closer ends the body: a node may hold several bodies, such as `begin` and its `rescue`.
    let closes = |token: &&Token| !head && facts.closers.iter().any(|closer| closer == word(token));
    // An opener ends the head: a node may hold that too, such as an `if` its condition or a shell's case its pattern.
    let opens = |(index, token): (usize, &Token)| {
        scan.unopened.contains(&index) || facts.openers.iter().any(|opener| opener == word(token))
    };
    let opener = if head { scan.tokens.iter().enumerate().rposition(opens).map_or(0, |index| index + 1) } else { 0 };
    let tokens = scan.tokens.iter().skip(opener).take_while(|token| !closes(token));
    tokens.enumerate().all(|(index, token)| match token.kind {
        Kind::Break | Kind::Comment { .. } => true,
        Kind::Open('{') => head && index == 0,
        Kind::Close('}') => !head,
        Kind::Sign('|') if head => {
            bars = !bars;
            true
        }
        Kind::Sign(';') => true,
        Kind::Word | Kind::Sign(_) if bars => true,
        Kind::Sign(':') => head,
        _ => false,
    })
}

/// Tells a test from another function by the text of its head and the lines just above it.
fn task_of(source: &str, facts: &Facts, body: Node<'_>, task: Task) -> Task {
    if task != Task::Function {
        return task;
    }
    let head = source.get(..body.start_byte()).unwrap_or_default();
    let start = body.parent().map_or(body.start_byte(), |parent| parent.start_byte());
    // Attributes and decorators are on the lines above, the call that takes a test's body on the same line.
    let line = head.get(..start).unwrap_or_default().rfind('\n').map_or(0, |at| at + 1);
    let mut first = line;
    for _ in 0..3 {
        let above = head.get(..first.saturating_sub(1)).unwrap_or_default();
        let above_start = above.rfind('\n').map_or(0, |at| at + 1);
        let text = above.get(above_start..).unwrap_or_default().trim_start();
        if first == 0
            || !(text.starts_with("#[") || text.starts_with('@') || text.starts_with('[') || text.contains("@test"))
        {
            break;
        }
        first = above_start;
    }
    let text = head.get(first..).unwrap_or_default();
    let marks = |mark: &String| match mark.strip_prefix('^') {
        Some(mark) => text.trim_start().starts_with(mark),
        None => text.contains(mark.as_str()),
    };
    if facts.tests.iter().any(marks) { Task::Test } else { task }
}

fn path(tree: &Tree, leaf: Node<'_>, language: &'static Language) -> Vec<&'static str> {
    let nodes = syntax::around(tree, leaf).into_iter();
    let kind = |node: Node<'_>| language.grammar()?.parser().node_kind_for_id(node.kind_id());
    nodes.filter_map(kind).collect()
}

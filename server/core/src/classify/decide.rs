//! From a tree to a task: the innermost capture of `context.scm` around the cursor, and what a body's emptiness makes of it.
//! The tree may be of a repaired excerpt or of a complete file, so that the evaluation asks both the same question.

use std::ops::Range;

use pennyworth_grammars::{Facts, Language};
use tree_sitter::{Node, QueryCursor, StreamingIterator, Tree};

use super::excerpt;
use crate::lex::{self, Kind, Token};
use crate::syntax::{self, Mark};
use crate::task::Task;

/// What a tree says of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is missing there; a line where no capture says more.
    pub task: Task,
    /// Kinds of the nodes around it, from the root down.
    pub path: Vec<&'static str>,
}

/// What is known beside the tree of the body that the place is in, because the text leaves it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The body holds something on lines above.
    pub before: bool,
    /// The body holds something on lines below.
    pub after: bool,
}

/// Decides for the text that `hole` is to replace; in a complete file that text is still there, in an excerpt it is the probe.
pub fn decide(
    source: &str,
    tree: &Tree,
    language: &'static Language,
    hole: Range<usize>,
    beside: Beside,
) -> Option<Decision> {
    let leaf = tree.root_node().descendant_for_byte_range(hole.start, (hole.start + 1).min(source.len()))?;
    let facts = language.facts();
    // A word may be of several leaves, such as a variable's sigil and its name.
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
    Some(Decision { task, path: path(leaf, language) })
}

/// Whether the text of a word that starts at `start` follows a member operator.
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

/// The innermost captured node around a leaf; of two captures of one node the one further down in the file counts.
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
    let mut matches = cursor.matches(&queries.context, tree.root_node(), source.as_bytes());
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
                // Nodes of one length are one inside the other: the one further from the root is the inner one.
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
    std::iter::successors(node.parent(), Node::parent).any(|parent| parent == other)
}

/// Whether a comment stands alone above a definition that comments document.
fn is_above_definition(source: &str, facts: &Facts, start: usize, end: usize) -> bool {
    let line = source.get(..start).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    line.trim().is_empty() && excerpt::documents(facts, source.get(end..).unwrap_or_default().lines().skip(1))
}

/// Whether a statement begins at `start`: nothing stands before it on its line, or only what ends or opens something.
fn begins(source: &str, facts: &Facts, start: usize) -> bool {
    let before = source.get(..start).unwrap_or_default();
    let line = before.rsplit(['\n', '\r']).next().unwrap_or_default().trim();
    let word = line.rsplit(|c| !lex::is_word(facts, c)).next().unwrap_or_default();
    line.is_empty()
        || line.ends_with(['{', '}', ';', '(', ','])
        || facts.openers.iter().any(|open| open == word || (word.is_empty() && line.ends_with(open.as_str())))
}

/// The task in a body: its own while nothing else stands in it, else a line or the rest of one.
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
    // A body that was opened on this line holds nothing that stands above.
    let above = beside.before && (before.contains('\n') || line.trim().is_empty());
    let empty = !above && !beside.after && is_blank(before, facts, true) && is_blank_after(source, facts, node, hole);
    if empty { task_of(source, facts, node, task) } else { Task::Line }
}

fn is_blank_after(source: &str, facts: &Facts, node: Node<'_>, hole: &Range<usize>) -> bool {
    let after = source.get(hole.end.min(node.end_byte())..node.end_byte()).unwrap_or_default();
    is_blank(after, facts, false)
}

/// Whether a body's text says nothing: comments, its own bracket, its opening word and the parameters between bars.
fn is_blank(text: &str, facts: &Facts, head: bool) -> bool {
    let scan = lex::scan(text, facts);
    let mut bars = false;
    let word = |token: &Token| text.get(token.start..token.end).unwrap_or_default();
    // What closes the body ends it: a node may hold several, such as `begin` its `rescue`.
    let closes = |token: &&Token| !head && facts.closers.iter().any(|closer| closer == word(token));
    // What opens the body ends its head: a node may hold that too, such as `if` its condition or a shell's case its pattern.
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

fn path(leaf: Node<'_>, language: &'static Language) -> Vec<&'static str> {
    let kinds = std::iter::successors(Some(leaf), Node::parent)
        .filter_map(|node| language.parser().node_kind_for_id(node.kind_id()));
    let mut path: Vec<_> = kinds.collect();
    path.reverse();
    path
}

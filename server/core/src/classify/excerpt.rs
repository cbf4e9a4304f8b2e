//! The excerpt: the few lines around the cursor that decide its task, so that a keystroke costs the same in short and in long files. It holds
//! the heads of the enclosing bodies, found by indentation, and the lines just above the cursor, from a place where nothing is half open.
//! Nothing is parsed here.

use pennyworth_grammars::{Facts, Layout};
use ropey::Rope;
use tree_sitter::{Node, Tree};

use super::region;
use crate::lex::{self, Nest};
use crate::syntax;
use crate::text::{line_end, slice};

/// Lines above the cursor that are taken unchanged.
const WINDOW: usize = 32;
/// Lines searched above them for the heads of enclosing bodies; beyond, only the last full tree helps.
const REACH: usize = 1_500;
/// Bytes read of one line; longer lines are not written by hand.
const LINE_BYTES: usize = 2_000;
/// Most lines of a head.
const HEAD_LINES: usize = 15;

/// The text that is parsed instead of the document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// Heads of enclosing bodies, lines above the cursor, and the cursor's line up to it.
    pub before: String,
    /// The rest of the cursor's line.
    pub rest: String,
    /// First lines of the heads, outermost first.
    pub heads: Vec<String>,
    /// Whether something stands between the innermost head and the cursor's line.
    pub has_before: bool,
    /// Whether the following lines belong to the same body.
    pub has_after: bool,
    /// Whether a comment here would document the definition that follows.
    pub documents: bool,
}

/// One line above the cursor.
struct Line {
    number: usize,
    text: String,
    /// Columns of white space before its first character.
    indent: usize,
    kind: LineKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LineKind {
    Blank,
    /// Comments and directives say nothing about nesting.
    Outside,
    /// Begins with a token that closes or continues something above it.
    Closer,
    /// A lone opener, whose head stands above.
    Opener,
    Code,
}

/// Cuts the excerpt for a cursor at byte `offset`, in a region from byte `from` to byte `to`.
pub fn excerpt(text: &Rope, facts: &Facts, tree: Option<&Tree>, offset: usize, from: usize, to: usize) -> Excerpt {
    let cursor = text.byte_to_line(offset);
    let first = text.byte_to_line(from);
    let line_start = text.line_to_byte(cursor).max(from);
    let line_before = slice(text, line_start.max(offset.saturating_sub(LINE_BYTES)), offset);
    let rest = slice(text, offset, line_end(text, cursor).min(offset + LINE_BYTES / 4).min(to));

    let own = line_of(facts, cursor, line_before.clone());
    let (window, heads) = match facts.layout {
        Layout::Markup => {
            let start = cursor.saturating_sub(WINDOW).max(first);
            let fenced = facts.injections.iter().any(|injection| injection.named_by.is_some());
            let fence = fenced.then(|| region::open_fence(text, first, start)).flatten();
            let head = fence.map(|fence| line_of(facts, fence.line, line_text(text, fence.line, from)));
            (start, head.into_iter().collect())
        }
        Layout::Braces | Layout::Indent | Layout::Words => {
            let start = window(text, facts, tree, &own, first);
            let start = literal_start(text, tree, start, cursor).unwrap_or(start);
            (start, heads(text, facts, tree, &own, start, first))
        }
    };
    let mut excerpt = Excerpt { rest, ..Excerpt::default() };
    if let Some(directive) = directive(text, facts, cursor, from) {
        excerpt.before = directive;
    } else {
        for line in &heads {
            excerpt.before.push_str(&line.text);
            excerpt.before.push('\n');
        }
        let mut goes_on = directive(text, facts, window, from).is_some();
        for number in window..cursor {
            let line = line_text(text, number, from);
            let left_out = goes_on || is_directive(facts, &line);
            goes_on = left_out && line.ends_with('\\');
            if !left_out {
                excerpt.before.push_str(&line);
            }
            excerpt.before.push('\n');
        }
    }
    excerpt.before.push_str(&line_before);
    siblings(text, facts, &own, (first, to), &mut excerpt);
    excerpt.heads = heads.into_iter().map(|line| line.text.trim().to_owned()).collect();
    excerpt
}

/// The lines of a directive above the cursor's line, if one continues to it.
fn directive(text: &Rope, facts: &Facts, cursor: usize, from: usize) -> Option<String> {
    let mut lines: Vec<String> = Vec::new();
    for number in (0..cursor).rev().take(if facts.directives.is_empty() { 0 } else { WINDOW }) {
        let line = line_text(text, number, from);
        if !line.ends_with('\\') {
            return None;
        }
        let begins = is_directive(facts, &line);
        lines.push(line);
        if begins {
            return Some(lines.iter().rev().flat_map(|line| [line.as_str(), "\n"]).collect());
        }
    }
    None
}

fn is_directive(facts: &Facts, line: &str) -> bool {
    facts.directives.iter().any(|open| line.trim_start().starts_with(open.as_str()))
}

/// The text of a line without its break, cut where the region begins.
fn line_text(text: &Rope, number: usize, from: usize) -> String {
    let start = text.line_to_byte(number).max(from);
    slice(text, start, line_end(text, number).min(start + LINE_BYTES))
}

fn line_of(facts: &Facts, number: usize, text: String) -> Line {
    let indent = columns(&text);
    let trimmed = text.trim();
    let word = trimmed.split(|c| !lex::is_word(facts, c)).next().unwrap_or_default();
    let closes = |c: char| facts.brackets.iter().any(|(_, close)| *close == c);
    // A label may have any indentation.
    let label = || facts.strict && trimmed.strip_suffix(':') == Some(word);
    let kind = if trimmed.is_empty() {
        LineKind::Blank
    } else if is_directive(facts, trimmed) || is_comment(facts, trimmed) || label() {
        LineKind::Outside
    } else if trimmed.starts_with(closes)
        || facts.closers.iter().any(|closer| closer == word)
        || ends_by_sign(facts, trimmed)
        || (facts.tags && ["</", "/>", ">"].iter().any(|end| trimmed.starts_with(end)))
    {
        LineKind::Closer
    } else if facts.strings.iter().any(|form| form.multiline && form.close.len() > 2 && form.close == trimmed) {
        // It may open or close a string, so the excerpt cannot begin here.
        LineKind::Outside
    } else if trimmed == "{" {
        LineKind::Opener
    } else {
        LineKind::Code
    };
    Line { number, text, indent, kind }
}

/// Whether a line begins with signs that end a body, such as `;;` in shells.
fn ends_by_sign(facts: &Facts, line: &str) -> bool {
    let signs = facts.closers.iter().filter(|closer| !closer.starts_with(|c| lex::is_word(facts, c)));
    signs.into_iter().any(|closer| line.starts_with(closer.as_str()))
}

/// Whether a line is a comment, or part of a block comment in the usual layout.
fn is_comment(facts: &Facts, line: &str) -> bool {
    let blocks = || facts.block_comments.iter().map(|(open, _)| open.as_str());
    (facts.line_comments.iter().any(|open| line.starts_with(open.as_str())) && !line.starts_with("#["))
        || blocks().any(|open| line.starts_with(open))
        || (blocks().any(|open| open == "/*")
            && line.strip_prefix('*').is_some_and(|text| text.is_empty() || text.starts_with([' ', '\t', '*', '/'])))
}

/// Whether the lines below make a comment documentation: other comments, then directly a definition of a documented kind.
pub(super) fn documents<S: AsRef<str>>(facts: &Facts, mut below: impl Iterator<Item = S>) -> bool {
    if facts.documented.is_empty() {
        return false;
    }
    let Some(line) = below.find(|line| !is_comment(facts, line.as_ref().trim())) else { return false };
    let line = line.as_ref().trim_start();
    let name_end = line.trim_start_matches(|c| lex::is_word(facts, c));
    let mut begins = facts.documented.iter().map(|word| match line.strip_prefix(word.as_str()) {
        Some(after) => !after.starts_with(|c| lex::is_word(facts, c)),
        None => word == "()" && name_end.len() < line.len() && name_end.trim_start().starts_with("()"),
    });
    begins.any(|begins| begins)
}

/// Columns of leading white space. A tab goes to the next multiple of eight, as in files that mix tabs and spaces.
pub(super) fn columns(line: &str) -> usize {
    line.chars()
        .take_while(|c| c.is_whitespace() && *c != '\n')
        .fold(0, |column, c| if c == '\t' { (column / 8 + 1) * 8 } else { column + 1 })
}

/// Lines above `number`, nearest first, down to line `first`.
fn above<'a>(text: &'a Rope, facts: &'a Facts, number: usize, first: usize) -> impl Iterator<Item = Line> + 'a {
    let mut lines = text.lines_at(number);
    let mut next = move || {
        let line = lines.prev()?;
        let mut line = String::from(line.slice(..line.len_chars().min(LINE_BYTES / 4)));
        line.truncate(line.trim_end_matches(['\n', '\r']).len());
        Some(line)
    };
    let mut nearest = next();
    (first..number).rev().map_while(move |number| {
        let line = std::mem::replace(&mut nearest, next())?;
        Some(below(facts, nearest.as_deref(), line_of(facts, number, line)))
    })
}

/// The line of that number.
fn line_at(text: &Rope, facts: &Facts, number: usize) -> Line {
    let above = number.checked_sub(1).map(|above| line_text(text, above, 0));
    below(facts, above.as_deref(), line_of(facts, number, line_text(text, number, 0)))
}

/// A line, given the one above: a line that a backslash joins to a directive or a string says nothing about nesting.
fn below(facts: &Facts, above: Option<&str>, line: Line) -> Line {
    let joined = !facts.directives.is_empty() && above.is_some_and(|above| above.ends_with('\\'));
    if joined && line.kind != LineKind::Blank { Line { kind: LineKind::Outside, ..line } } else { line }
}

/// The first line of the window: the topmost with nothing indented less below it, so that everything opened below is opened in the window.
fn window(text: &Rope, facts: &Facts, tree: Option<&Tree>, own: &Line, first: usize) -> usize {
    let (mut start, mut least) = (own.number, own.indent);
    let counts = |line: &Line| !matches!(line.kind, LineKind::Blank | LineKind::Outside);
    let lines: Vec<Line> = above(text, facts, own.number, first).take(WINDOW).filter(counts).collect();
    // If nothing closed the bodies of the lines above, the cursor's line is in them, however little it is indented.
    if facts.layout != Layout::Indent
        && let Some(above) = lines.iter().map(|line| line.indent).min()
    {
        least = least.max(above);
    }
    for line in lines {
        if line.indent > least {
            continue;
        }
        if literal_at(text, tree, line.number).is_some() {
            continue;
        }
        least = line.indent;
        if line.kind == LineKind::Code {
            start = line.number;
        }
    }
    // Comments directly above belong to the window: they may continue to the cursor.
    let comments: Vec<Line> =
        above(text, facts, start, first).take(WINDOW).take_while(|line| line.kind == LineKind::Outside).collect();
    let closed = |line: &Line| facts.block_comments.iter().any(|(_, close)| line.text.trim_end().ends_with(close));
    let whole = comments.last().is_none_or(|line| !line.text.trim_start().starts_with('*'));
    // A comment that begins too far above is left out if it ends above the window.
    let cut = if whole { None } else { comments.iter().position(closed) };
    start - cut.unwrap_or(comments.len())
}

/// The first line of a string or comment that spans the window's start, if it is not too far above.
fn literal_start(text: &Rope, tree: Option<&Tree>, window: usize, cursor: usize) -> Option<usize> {
    literal_at(text, tree, window).filter(|line| cursor - line < 4 * WINDOW)
}

/// The first line of the string or comment around a line, in the last full tree.
fn literal_at(text: &Rope, tree: Option<&Tree>, line: usize) -> Option<usize> {
    let start = text.line_to_byte(line);
    let tree = tree?;
    let leaf = tree.root_node().descendant_for_byte_range(start, start)?;
    let goes_on = |node: &Node<'_>| {
        let literal =
            ["comment", "string", "heredoc", "nowdoc", "template"].iter().any(|part| node.kind().contains(part));
        literal && node.start_byte() < start && node.end_byte() > start
    };
    let literal = syntax::around(tree, leaf).into_iter().rev().take(3).find(goes_on)?;
    Some(text.byte_to_line(literal.start_byte().min(text.len_bytes())))
}

/// The heads of the bodies around the window, outermost first.
fn heads(text: &Rope, facts: &Facts, tree: Option<&Tree>, own: &Line, window: usize, first: usize) -> Vec<Line> {
    // Comments and directives at the window's start say nothing about nesting.
    let code = (window..own.number)
        .map(|number| line_at(text, facts, number))
        .find(|line| !matches!(line.kind, LineKind::Blank | LineKind::Outside));
    let start = code.as_ref().unwrap_or(own);
    let (mut indent, mut needs_opener) = (start.indent, start.kind == LineKind::Closer);
    // Rows at the margin, as of a table of numbers, are inside a bracket that a line above them opens.
    let mut in_rows = indent == 0 && !needs_opener;
    let mut found: Vec<Line> = Vec::new();
    let mut paragraph = 0;
    for line in above(text, facts, window, first).take(REACH) {
        in_rows &= line.indent == 0 || line.kind == LineKind::Outside;
        if indent == 0 && !needs_opener && paragraph == 0 && !in_rows {
            break;
        }
        if paragraph > 0 {
            // The head of a lone brace is above it, up to a blank line or the end of the previous statement.
            let ended = line.kind == LineKind::Blank
                || line.text.trim_end().ends_with(['{', '}', ';', '/'])
                || line.text.trim_start().starts_with('}');
            paragraph = if ended || line.kind == LineKind::Outside { 0 } else { paragraph - 1 };
            if paragraph > 0 {
                indent = indent.min(line.indent);
                found.push(line);
                continue;
            }
        }
        if matches!(line.kind, LineKind::Blank | LineKind::Outside) {
            continue;
        }
        if in_rows {
            in_rows = line.kind == LineKind::Code && line.text.trim_end().ends_with(',');
            needs_opener = !in_rows && line.text.trim_end().ends_with(['{', '[', '(']);
        }
        if line.indent < indent || (needs_opener && line.indent == indent && line.kind != LineKind::Closer) {
            if literal_at(text, tree, line.number).is_some() {
                continue;
            }
            indent = line.indent;
            needs_opener = line.kind == LineKind::Closer;
            paragraph = if line.kind == LineKind::Opener { HEAD_LINES } else { 0 };
            let above = window.min(found.last().map_or(window, |below| below.number));
            found.extend(continuation(text, facts, &line, above).into_iter().rev());
            found.push(line);
        }
    }
    found.reverse();
    found
}

/// The further lines of a head: those up to where its parentheses close, then those up to the brace that opens its body.
fn continuation(text: &Rope, facts: &Facts, head: &Line, below: usize) -> Vec<Line> {
    let goes_on = |source: &str, line: &str| {
        let scan = lex::scan_tags(source, facts);
        let in_tag = scan.open.iter().any(|open| matches!(open.nest, Nest::Tag { .. }));
        let to_line_end = |nest: &Nest| matches!(nest, Nest::Comment { close, .. } if close.is_empty());
        match scan.open.iter().rfind(|open| !to_line_end(&open.nest)) {
            Some(open) => in_tag || matches!(open.nest, Nest::Bracket('(' | '[', _) | Nest::Comment { .. }),
            None => facts.layout == Layout::Braces && !line.trim_end().ends_with([';', '}', ':']),
        }
    };
    let (mut source, mut lines) = (head.text.clone(), Vec::new());
    if !goes_on(&source, &head.text) {
        return lines;
    }
    for number in head.number + 1..below.min(head.number + HEAD_LINES) {
        let line = line_text(text, number, 0);
        source.push('\n');
        source.push_str(&line);
        let more = goes_on(&source, &line);
        let line = line_of(facts, number, line);
        if line.kind == LineKind::Blank {
            break;
        }
        lines.push(line);
        if !more {
            return lines;
        }
    }
    Vec::new()
}

/// Finds what else stands in the cursor's body, as far as indentation tells.
fn siblings(text: &Rope, facts: &Facts, own: &Line, (first, to): (usize, usize), excerpt: &mut Excerpt) {
    // The innermost body's head is indented less than the cursor's line, is on it, or ends with the opener of the body.
    let counts = |line: &Line| !matches!(line.kind, LineKind::Blank | LineKind::Outside);
    let nearest = above(text, facts, own.number, first).take(WINDOW).find(counts);
    excerpt.has_before = nearest.is_some_and(|line| line.indent >= own.indent && !line.text.trim_end().ends_with('{'));
    let begun = own.text.trim().chars().all(|c| lex::is_word(facts, c));
    let head = if begun { own.indent.saturating_sub(1) } else { own.indent };
    let last = text.byte_to_line(to);
    excerpt.documents =
        documents(facts, (own.number + 1..=last).take(4 * WINDOW).map(|number| line_text(text, number, 0)));
    if line_of(facts, own.number, excerpt.rest.clone()).kind == LineKind::Closer {
        return;
    }
    for number in own.number + 1..=last.min(own.number + WINDOW) {
        let line = line_at(text, facts, number);
        match line.kind {
            LineKind::Blank | LineKind::Outside => continue,
            LineKind::Closer if line.indent <= head || ends_by_sign(facts, line.text.trim()) => break,
            _ => {
                excerpt.has_after = line.indent > head;
                break;
            }
        }
    }
}

//! Parsing and queries: trees from ropes and strings, bounded by the caller, and each language's queries compiled once.
//! It leaves what the captures mean to `classify`, and when to parse a whole file to the server.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::{LazyLock, OnceLock};

use pennyworth_grammars::Language;
use ropey::Rope;
use tree_sitter::{InputEdit, Node, ParseOptions, ParseState, Parser, Point, Query, Tree};

use crate::task::Task;

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

/// Parses a whole text, starting from an older tree that was moved along with the edits since. `go_on` is asked now and then;
/// once it says no, there is no tree; nor is there one of a text that its grammar cannot bear.
pub fn parse(text: &Rope, language: &Language, old: Option<&Tree>, go_on: &mut dyn FnMut() -> bool) -> Option<Tree> {
    let mut chunk = |byte: usize, _: Point| {
        if byte >= text.len_bytes() {
            return "";
        }
        let (chunk, start, _, _) = text.chunk_at_byte(byte);
        chunk.get(byte - start..).unwrap_or_default()
    };
    let mut progress = |_: &ParseState| if go_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    if has_endless_word(language, text.bytes()) {
        return None;
    }
    with_parser(language, |parser| {
        parser.parse_with_options(&mut chunk, old, Some(ParseOptions::new().progress_callback(&mut progress)))
    })
}

/// Parses an excerpt. Each of the parser's progress reports takes one from `steps`; once none is left it stops without a tree,
/// which guards against texts that make error recovery slow.
pub fn parse_excerpt(text: &str, language: &Language, old: Option<&Tree>, steps: &mut usize) -> Option<Tree> {
    let mut progress = |_: &ParseState| match steps.checked_sub(1) {
        Some(left) => {
            *steps = left;
            ControlFlow::Continue(())
        }
        None => ControlFlow::Break(()),
    };
    let mut chunk = |byte: usize, _: Point| text.as_bytes().get(byte..).unwrap_or_default();
    if has_endless_word(language, text.bytes()) {
        return None;
    }
    with_parser(language, |parser| {
        parser.parse_with_options(&mut chunk, old, Some(ParseOptions::new().progress_callback(&mut progress)))
    })
}

/// Whether something may be read as a here-document whose word is longer than the grammar's scanner can note down. Ruby's has one byte
/// for the length and aborts the process beyond, and a `<<"` somebody is typing is enough for it.
fn has_endless_word(language: &Language, mut bytes: impl Iterator<Item = u8> + Clone) -> bool {
    let Some(max_word) = language.facts().max_heredoc_word else { return false };
    let mut last = 0;
    while let Some(byte) = bytes.next() {
        if (last, byte) == (b'<', b'<') {
            let mut word = bytes.clone().skip_while(|byte| matches!(byte, b'~' | b'-')).peekable();
            let quote = word.next_if(|byte| matches!(byte, b'"' | b'\'' | b'`'));
            let goes_on = |byte: &u8| match quote {
                Some(quote) => *byte != quote,
                None => byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii(),
            };
            if word.take_while(goes_on).nth(max_word).is_some() {
                return true;
            }
        }
        last = byte;
    }
    false
}

fn with_parser(language: &Language, parse: impl FnOnce(&mut Parser) -> Option<Tree>) -> Option<Tree> {
    PARSER.with_borrow_mut(|parser| {
        parser.set_language(language.parser()).ok()?;
        let tree = parse(parser);
        // A parser that was stopped would go on with the old text.
        parser.reset();
        tree
    })
}

/// Moves a tree along with the replacement of `start..old_end` by a text that ends at `new_end`. Rows are left at 0: nothing here reads them.
pub fn moved(tree: &Tree, start: usize, old_end: usize, new_end: usize) -> Tree {
    let point = |byte| Point { row: 0, column: byte };
    let mut tree = tree.clone();
    tree.edit(&InputEdit {
        start_byte: start,
        old_end_byte: old_end,
        new_end_byte: new_end,
        start_position: point(start),
        old_end_position: point(old_end),
        new_end_position: point(new_end),
    });
    tree
}

/// The number of errors in a tree: nodes that could not be read and nodes that are missing.
pub fn errors(tree: &Tree) -> usize {
    errors_up_to(tree, usize::MAX)
}

/// The number of errors that end at a byte offset at the latest.
pub fn errors_up_to(tree: &Tree, end: usize) -> usize {
    let mut count = 0;
    let mut stack = vec![tree.root_node()];
    while let Some(node) = stack.pop() {
        if (node.is_error() || node.is_missing()) && node.end_byte() <= end {
            count += 1;
        }
        if node.has_error() && node.start_byte() <= end {
            let mut cursor = node.walk();
            stack.extend(node.children(&mut cursor).filter(Node::has_error));
        }
    }
    count
}

/// What a capture of `context.scm` says of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The task at its place.
    pub task: Task,
    /// Whether it holds only behind the node's start (a pair of brackets), not where the node itself begins (a slot).
    pub inside: bool,
}

/// The query of `context.scm`, compiled.
pub struct Queries {
    /// The query of `context.scm`.
    pub context: Query,
    /// What each of its captures means; `None` for those that only help predicates.
    pub marks: Vec<Option<Mark>>,
}

/// The context query of a language; compiled at first use, which takes some milliseconds. `None` if it does not compile, which a test rules out.
pub fn queries(language: &'static Language) -> Option<&'static Queries> {
    static ALL: LazyLock<Vec<OnceLock<Option<Queries>>>> =
        LazyLock::new(|| pennyworth_grammars::all().iter().map(|_| OnceLock::new()).collect());
    let index = pennyworth_grammars::all().iter().position(|known| std::ptr::eq(known, language))?;
    ALL.get(index)?.get_or_init(|| compile(language).ok()).as_ref()
}

/// Compiles the context query of a language; the error names the file and the place.
pub fn compile(language: &Language) -> Result<Queries, String> {
    let fail = |file: &str, error: String| format!("{}/{file}: {error}", language.name());
    let context = Query::new(language.parser(), language.context_query())
        .map_err(|error| fail("context.scm", error.to_string()))?;
    let marks = context.capture_names().iter().map(|name| mark(name));
    let marks = marks.collect::<Result<_, _>>().map_err(|error| fail("context.scm", error))?;
    Ok(Queries { context, marks })
}

/// Compiles the query of `outline.scm`; the error names the file and the place.
pub fn outline(language: &Language) -> Result<Query, String> {
    let fail = |error: String| format!("{}/outline.scm: {error}", language.name());
    let outline = Query::new(language.parser(), language.outline_query()).map_err(|error| fail(error.to_string()))?;
    let unknown = |name: &&&str| !["definition", "name"].contains(*name) && !name.starts_with('_');
    match outline.capture_names().iter().find(unknown) {
        Some(name) => Err(fail(format!("unknown capture `@{name}`; known: @definition, @name"))),
        None => Ok(outline),
    }
}

/// What is wrong with the queries of a language.
pub fn faults(language: &Language) -> impl Iterator<Item = String> {
    compile(language).err().into_iter().chain(outline(language).err())
}

/// Reads a capture's name: a task's, with `.inside` where the node's own start does not count; `_…` helps a predicate.
fn mark(name: &str) -> Result<Option<Mark>, String> {
    if name.starts_with('_') {
        return Ok(None);
    }
    let (task, inside) = match name.strip_suffix(".inside") {
        Some(task) => (task, true),
        None => (name, false),
    };
    Ok(Some(Mark { task: task.parse().map_err(|error| format!("capture `@{name}`: {error}"))?, inside }))
}

#[cfg(test)]
mod tests {
    use ropey::Rope;

    #[test]
    fn a_word_too_long_for_a_scanner_is_not_read() {
        let ruby = pennyworth_grammars::by_name("ruby").unwrap();
        let long = "text that nobody closed\n".repeat(40);
        for (source, is_read) in [
            (format!("list <<\"{long}"), false),
            (format!("list <<~'{long}"), false),
            (format!("list <<{}\n", "x".repeat(300)), false),
            (format!("list << \"{long}"), true),
            (format!("list <<~TEXT\n{long}TEXT\n"), true),
            (format!("list <<'TEXT'\n{long}TEXT\n"), true),
        ] {
            let tree = super::parse(&Rope::from_str(&source), ruby, None, &mut || true);
            assert_eq!(tree.is_some(), is_read, "{source}");
            assert_eq!(super::parse_excerpt(&source, ruby, None, &mut { usize::MAX }).is_some(), is_read, "{source}");
        }
    }

    #[test]
    fn every_query_compiles() {
        let faults: Vec<String> = pennyworth_grammars::all().iter().flat_map(super::faults).collect();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

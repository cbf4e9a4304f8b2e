//! Parsing and queries: trees from ropes and strings, bounded by the caller, and each language's queries compiled once.
//! It leaves the meaning of captures to `classify`, and when to parse a whole file to the server.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::{LazyLock, OnceLock};

use pennyworth_grammars::{Grammar, Language};
use ropey::Rope;
use tree_sitter::{InputEdit, Node, ParseOptions, ParseState, Parser, Point, Query, Tree};

use crate::guard;
use crate::task::Task;

thread_local! {
    static PARSER: RefCell<Parser> = RefCell::new(Parser::new());
}

/// Parses a whole text, starting from an older tree, adjusted by the edits since. `go_on` is called now and then; once it returns false, there
/// is no tree. A text that would crash its grammar gets no tree either, nor does one whose language has no grammar.
pub fn parse(text: &Rope, language: &Language, old: Option<&Tree>, go_on: &mut dyn FnMut() -> bool) -> Option<Tree> {
    let wide = guard::check(language.facts(), text.bytes())?;
    if !wide.is_empty() {
        return parse_str(&guard::narrowed(&text.to_string(), &wide), language, old, go_on);
    }
    let chunk = |byte: usize| {
        if byte >= text.len_bytes() {
            return &[][..];
        }
        let (chunk, start, _, _) = text.chunk_at_byte(byte);
        chunk.as_bytes().get(byte - start..).unwrap_or_default()
    };
    parse_chunks(chunk, language, old, go_on)
}

/// Parses an excerpt. Each of the parser's progress reports takes one from `steps`. Once none is left, it stops without a tree,
/// which guards against texts that make error recovery slow.
pub fn parse_excerpt(text: &str, language: &Language, old: Option<&Tree>, steps: &mut usize) -> Option<Tree> {
    let wide = guard::check(language.facts(), text.bytes())?;
    let text = if wide.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(guard::narrowed(text, &wide)) };
    parse_str(&text, language, old, &mut || match steps.checked_sub(1) {
        Some(left) => {
            *steps = left;
            true
        }
        None => false,
    })
}

fn parse_str(text: &str, language: &Language, old: Option<&Tree>, go_on: &mut dyn FnMut() -> bool) -> Option<Tree> {
    parse_chunks(|byte| text.as_bytes().get(byte..).unwrap_or_default(), language, old, go_on)
}

/// The only call of a grammar. Whoever calls this has asked `guard`.
fn parse_chunks<'t>(
    chunk: impl Fn(usize) -> &'t [u8],
    language: &Language,
    old: Option<&Tree>,
    go_on: &mut dyn FnMut() -> bool,
) -> Option<Tree> {
    let mut progress = |_: &ParseState| if go_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
    PARSER.with_borrow_mut(|parser| {
        parser.set_language(language.grammar()?.parser()).ok()?;
        let mut chunk = |byte: usize, _: Point| chunk(byte);
        let options = ParseOptions::new().progress_callback(&mut progress);
        let tree = parser.parse_with_options(&mut chunk, old, Some(options));
        // A stopped parser would go on with the old text.
        parser.reset();
        tree
    })
}

/// The tree of the text `old`, adjusted to the text `new`: what both begin with and what both end with is not parsed again.
pub fn rebased(tree: &Tree, old: &str, new: &str) -> Tree {
    let start = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
    let rest = |text: &str| text.len() - start;
    let ends = old.bytes().rev().take(rest(old)).zip(new.bytes().rev().take(rest(new)));
    let end = ends.take_while(|(old, new)| old == new).count();
    moved(tree, start, old.len() - end, new.len() - end)
}

/// A tree adjusted to the replacement of `start..old_end` by a text that ends at `new_end`. Rows are left at 0: nothing here reads them.
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

/// The nodes around a node, from the root down to itself, in one descent: each [`Node::parent`] would be another.
pub fn around<'t>(tree: &'t Tree, node: Node<'t>) -> Vec<Node<'t>> {
    let inner = |outer: &Node<'t>| if *outer == node { None } else { outer.child_with_descendant(node) };
    std::iter::successors(Some(tree.root_node()), inner).collect()
}

/// The number of errors in a tree: nodes that could not be read and nodes that are missing.
pub fn errors(tree: &Tree) -> usize {
    errors_up_to(tree, usize::MAX)
}

/// The number of errors that end at or before a byte offset.
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

/// The meaning of a capture of `context.scm`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The task at its place.
    pub task: Task,
    /// Whether it holds only after the node's start (a pair of brackets), not at it (a slot).
    pub inside: bool,
}

/// The query of `context.scm`, compiled.
pub struct Queries {
    /// The query of `context.scm`.
    pub context: Query,
    /// The meaning of each of its captures; `None` for those that only help predicates.
    pub marks: Vec<Option<Mark>>,
}

/// The context query of a language; compiled at first use, which takes some milliseconds. `None` without a grammar, or if the query does not compile,
/// which a test rules out.
pub fn queries(language: &'static Language) -> Option<&'static Queries> {
    static ALL: LazyLock<Vec<OnceLock<Option<Queries>>>> =
        LazyLock::new(|| pennyworth_grammars::all().iter().map(|_| OnceLock::new()).collect());
    let index = pennyworth_grammars::all().iter().position(|known| std::ptr::eq(known, language))?;
    ALL.get(index)?.get_or_init(|| compile(language, language.grammar()?).ok()).as_ref()
}

/// The query of `outline.scm` of a language; compiled at first use. `None` without a grammar, or if the query does not compile, which a test rules
/// out.
pub fn outline_query(language: &'static Language) -> Option<&'static Query> {
    static ALL: LazyLock<Vec<OnceLock<Option<Query>>>> =
        LazyLock::new(|| pennyworth_grammars::all().iter().map(|_| OnceLock::new()).collect());
    let index = pennyworth_grammars::all().iter().position(|known| std::ptr::eq(known, language))?;
    ALL.get(index)?.get_or_init(|| outline(language, language.grammar()?).ok()).as_ref()
}

/// Compiles the context query of a language; the error names the file and the place.
fn compile(language: &Language, grammar: &Grammar) -> Result<Queries, String> {
    let fail = |file: &str, error: String| format!("{}/{file}: {error}", language.name());
    let context = Query::new(grammar.parser(), grammar.context_query())
        .map_err(|error| fail("context.scm", error.to_string()))?;
    let marks = context.capture_names().iter().map(|name| mark(name));
    let marks = marks.collect::<Result<_, _>>().map_err(|error| fail("context.scm", error))?;
    Ok(Queries { context, marks })
}

/// Compiles the query of `outline.scm`; the error names the file and the place.
fn outline(language: &Language, grammar: &Grammar) -> Result<Query, String> {
    let fail = |error: String| format!("{}/outline.scm: {error}", language.name());
    let outline = Query::new(grammar.parser(), grammar.outline_query()).map_err(|error| fail(error.to_string()))?;
    let known = ["definition", "type", "extension", "member", "name"];
    let unknown = |name: &&&str| !known.contains(*name) && !name.starts_with('_');
    match outline.capture_names().iter().find(unknown) {
        Some(name) => {
            Err(fail(format!("unknown capture `@{name}`; known: @definition, @type, @extension, @member, @name")))
        }
        None => Ok(outline),
    }
}

/// The faults in the queries of a language.
pub fn faults(language: &Language) -> impl Iterator<Item = String> {
    let of = |grammar| [compile(language, grammar).err(), outline(language, grammar).err()];
    language.grammar().into_iter().flat_map(of).flatten()
}

/// Reads a capture's name: a task's, with `.inside` if the node's own start does not count. `_…` only helps a predicate.
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
    use super::*;

    #[test]
    fn a_rebased_tree_becomes_that_of_the_new_text() {
        let texts = [
            "fn f() {\n    let x = ;\n    g(\"é\");\n}\n",
            "fn f() {\n    let x = y;\n    g(\"é\");\n}\n",
            "fn f() {\n    let x = yy;\n    g(\"è\");\n}\n",
            "fn f() {\n    let x = yy",
            "",
            "fn f() {}\nfn f() {}\n",
            "fn f() {}\nfn f() {}\nfn f() {}\n",
        ];
        let rust = pennyworth_grammars::by_name("rust").unwrap();
        let parsed = |text: &str, old: Option<&Tree>| parse_excerpt(text, rust, old, &mut 1_000).unwrap();
        for old in texts {
            for new in texts {
                let rebased = rebased(&parsed(old, None), old, new);
                let (rebased, fresh) = (parsed(new, Some(&rebased)), parsed(new, None));
                assert_eq!(rebased.root_node().to_sexp(), fresh.root_node().to_sexp(), "{old:?} → {new:?}");
            }
        }
    }

    #[test]
    fn every_query_compiles() {
        let faults: Vec<String> = pennyworth_grammars::all().iter().flat_map(super::faults).collect();
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

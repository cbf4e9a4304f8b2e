//! Finds the task at the cursor, also in broken code, at a cost that does not grow with the file. It cuts an excerpt around the cursor by lines,
//! fills the cursor's place, closes what is open, parses the result, and reads the innermost capture of the language's `context.scm`. Without a
//! grammar, `lexical` reads the excerpt.
//! It leaves what to do about the task to `gate` and `plan`.

pub mod decide;
mod example;
pub mod excerpt;
pub mod guests;
mod lexical;
mod region;
mod repair;

use std::fmt;

use pennyworth_grammars::Language;
use ropey::Rope;
use tree_sitter::Tree;

use self::decide::{Beside, decide};
pub use self::example::Margin;
use self::example::{Example, example};
use self::excerpt::{Excerpt, excerpt};
use crate::lex::{self, Kind, Nest, Scan};
use crate::syntax;
use crate::task::Task;
use crate::text::{line_end, slice};

/// Most characters of a scope's head.
const SCOPE_CHARS: usize = 120;

/// The context of a place in a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    /// The task there; `None` if it cannot be told.
    pub task: Option<Task>,
    /// The language at the cursor: in a fence or script, its own.
    pub language: &'static Language,
    /// Kinds of the syntax nodes around the cursor, from the root down, in the repaired excerpt.
    pub node_path: Vec<&'static str>,
    /// Heads of the enclosing definitions, outermost first.
    pub scopes: Vec<String>,
    /// The cursor's line up to the cursor.
    pub line_before: String,
    /// The cursor's line from the cursor on, without its line break.
    pub line_after: String,
}

impl Context {
    /// The context of a place of which only the line is known.
    fn new(text: &Rope, language: &'static Language, offset: usize) -> Context {
        let offset = text.char_to_byte(text.byte_to_char(offset.min(text.len_bytes())));
        let line = text.byte_to_line(offset);
        Context {
            task: None,
            language,
            node_path: Vec::new(),
            scopes: Vec::new(),
            line_before: slice(text, text.line_to_byte(line), offset),
            line_after: slice(text, offset, line_end(text, line)),
        }
    }
}

/// Classifies the place at byte `offset`. `tree` is the last full tree, if any; it may be of an older text, adjusted by the edits since.
pub fn classify(text: &Rope, language: &'static Language, tree: Option<&Tree>, offset: usize) -> Context {
    classify_here(&Here::of(text, language, tree, offset), text, offset)
}

/// Classifies a place of which the excerpt is known. `text` is the document, and `offset` the place's byte offset in it.
pub fn classify_here(here: &Here, text: &Rope, offset: usize) -> Context {
    let Here { language, excerpt, .. } = here;
    let scan = lex::scan_tags(&excerpt.before, language.facts());
    let mut context = Context::new(text, language, offset);
    if language.grammar().is_none() {
        context.task = Some(lexical_task(excerpt, &scan, language));
        return context;
    }
    if let Some(task) = literal(excerpt, &scan) {
        context.task = Some(task);
        context.node_path = vec![if task == Task::Comment { "comment" } else { "doc_comment" }];
        return context;
    }
    let Some(repaired) = repair::repair(excerpt, language) else { return context };
    let beside = Beside { before: excerpt.has_before, after: excerpt.has_after };
    if let Some(decision) = decide(&repaired.source, &repaired.tree, language, repaired.hole.clone(), beside) {
        context.task = Some(decision.task);
        context.node_path = decision.path;
    }
    if scan.literal().is_some() && context.task != Some(Task::Import) {
        context.task = Some(Task::String);
    }
    context.scopes = scopes(&repaired.source, &repaired.tree, repaired.hole.start);
    context
}

/// The context of a place in a document that must not be parsed, although its language has a grammar: what its signs and lines show.
pub fn unparsed(here: &Here, text: &Rope, offset: usize) -> Context {
    let Here { language, excerpt, .. } = here;
    let scan = lex::scan_tags(&excerpt.before, language.facts());
    let task = Some(lexical_task(excerpt, &scan, language));
    Context { task, ..Context::new(text, language, offset) }
}

/// The task that signs and lines show.
fn lexical_task(excerpt: &Excerpt, scan: &Scan, language: &Language) -> Task {
    literal(excerpt, scan).unwrap_or_else(|| lexical::task(excerpt, scan, language.facts()))
}

/// Whether byte `offset` is in the code of an example in a documentation comment, which the file's own tree does not show.
pub fn is_in_example(text: &Rope, language: &'static Language, offset: usize) -> bool {
    example(text, language, offset).is_some()
}

/// The excerpt of a place and the region around it. Classifying and cutting both need it, so it is cut once. `Debug` shows its sizes only.
pub struct Here {
    pub(crate) language: &'static Language,
    pub(crate) excerpt: Excerpt,
    /// The document, or the code of the example the place is in.
    pub(crate) text: Rope,
    /// Byte offset of the place in `text`.
    pub(crate) offset: usize,
    /// Byte offset in `text` where the language ends.
    pub(crate) to: usize,
    /// What the document has around the code of an example.
    pub(crate) margin: Margin,
}

impl Here {
    /// Cuts the excerpt for the place at byte `offset`. `tree` is the last full tree, if any; it may be of an older text, adjusted by the edits since.
    pub fn of(text: &Rope, language: &'static Language, tree: Option<&Tree>, offset: usize) -> Here {
        let offset = text.char_to_byte(text.byte_to_char(offset.min(text.len_bytes())));
        if let Some(Example { language, text, offset, margin }) = example(text, language, offset) {
            return Here { margin, ..Here::of(&text, language, None, offset) };
        }
        let region = region::region(text, language, offset);
        let tree = tree.filter(|_| region.language == language);
        let mut excerpt = excerpt(text, region.language.facts(), tree, offset, region.from, region.to);
        excerpt.before.insert_str(0, region.prelude);
        let margin = Margin::default();
        Here { language: region.language, excerpt, text: text.clone(), offset, to: region.to, margin }
    }
}

impl fmt::Debug for Here {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Here({} bytes before byte {})", self.excerpt.before.len(), self.offset)
    }
}

/// The task inside a comment or a documentation string. Other strings are left to the tree: they may be part of an import.
fn literal(excerpt: &Excerpt, scan: &Scan) -> Option<Task> {
    let open = scan.literal()?;
    match open.nest {
        Nest::Comment { doc: true, .. } => Some(Task::DocComment),
        Nest::Comment { .. } => {
            let line = excerpt.before.get(..open.start)?.rsplit('\n').next()?;
            Some(if line.trim().is_empty() && excerpt.documents { Task::DocComment } else { Task::Comment })
        }
        Nest::String { doc: true, .. } => {
            let before = scan.tokens.iter().rev().find(|token| token.start < open.start);
            let alone = before.is_none_or(|token| matches!(token.kind, Kind::Break | Kind::Sign(':')));
            alone.then_some(Task::DocComment)
        }
        _ => None,
    }
}

/// Heads of the definitions around a place: for each node with a name and a body, the text up to the body.
fn scopes(source: &str, tree: &Tree, at: usize) -> Vec<String> {
    let Some(leaf) = tree.root_node().descendant_for_byte_range(at, at) else { return Vec::new() };
    syntax::around(tree, leaf)
        .into_iter()
        .filter_map(|node| {
            let body = node.child_by_field_name("body").filter(|body| body.start_byte() <= at)?;
            ["name", "type", "declarator"].iter().find_map(|field| node.child_by_field_name(field))?;
            let head = source.get(node.start_byte()..body.start_byte())?;
            Some(head.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SCOPE_CHARS).collect())
        })
        .collect()
}

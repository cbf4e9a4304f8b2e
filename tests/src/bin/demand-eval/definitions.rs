//! The definitions of a repository, found by queries of the evaluation's own: those of the product are what is measured. It leaves which of them a
//! prompt needs to `uses`.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;

use pennyworth_core::syntax;
use pennyworth_grammars::{Language, by_path};
use pennyworth_tests::sources;
use ropey::Rope;
use tree_sitter::{Node, Query, QueryCursor, StreamingIterator as _, Tree};

/// Most bytes of a file.
const MAX_BYTES: u64 = 1 << 20;
/// Characters behind a name that tell its definition from others.
const TELLING: usize = 24;

/// What a definition defines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A function, method or macro.
    Callable,
    /// A class, structure, interface or the like.
    Type,
    /// A constant or a variable outside of functions.
    Value,
    /// A field, property or variant.
    Member,
}

/// A definition.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) kind: Kind,
    /// Its file below the repository, with slashes.
    pub(crate) path: String,
    /// Its lines, counted from 0.
    pub(crate) lines: Range<usize>,
    /// The line of its name.
    pub(crate) line: usize,
    /// What a prompt holds that holds the definition or its signature, without blanks.
    pub(crate) sign: String,
    /// Whether it says how something is called, and the body stands elsewhere.
    is_signature: bool,
}

/// The definitions of a repository by language and name.
#[derive(Default)]
pub(crate) struct Definitions(HashMap<(&'static str, String), Vec<Definition>>);

/// The queries of a language. Each pattern has `@name`, and the definition as `@callable`, `@signature`, `@type`, `@value` or `@member`.
fn queries(family: &str) -> Option<&'static str> {
    Some(match family {
        "rust" => include_str!("queries/rust.scm"),
        "python" => include_str!("queries/python.scm"),
        "typescript" => include_str!("queries/typescript.scm"),
        "javascript" => include_str!("queries/javascript.scm"),
        "go" => include_str!("queries/go.scm"),
        "c" => include_str!("queries/c.scm"),
        _ => return None,
    })
}

/// The name under which a language's definitions are found: TypeScript, TSX and JavaScript use each other's.
pub(crate) fn family(language: &Language) -> &'static str {
    match language.name() {
        "typescript" | "tsx" | "javascript" => "typescript",
        "rust" => "rust",
        "python" => "python",
        "go" => "go",
        "c" => "c",
        _ => "",
    }
}

/// A file's tree, if its language is measured.
pub(crate) fn parsed(text: &str, language: &Language) -> Option<Tree> {
    if family(language).is_empty() {
        return None;
    }
    syntax::parse(&Rope::from_str(text), language, None, &mut || true)
}

impl Definitions {
    /// Reads all files of a repository that Git does not ignore and a person wrote.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Definitions> {
        let (mut all, mut compiled) = (Definitions::default(), BTreeMap::new());
        for entry in ignore::WalkBuilder::new(root).sort_by_file_path(Path::cmp).build().flatten() {
            let Some(language) = by_path(entry.path(), "").filter(|language| !family(language).is_empty()) else {
                continue;
            };
            let is_small = entry.metadata().is_ok_and(|about| about.is_file() && about.len() <= MAX_BYTES);
            let Some(text) = is_small.then(|| std::fs::read_to_string(entry.path()).ok()).flatten() else { continue };
            let path = entry.path().strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            if sources::is_handwritten(&text) {
                let query = compiled.entry(language.name()).or_insert_with(|| compile(language));
                all.add(&path, &text, language, query.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?);
            }
        }
        Ok(all)
    }

    fn add(&mut self, path: &str, text: &str, language: &'static Language, query: &Query) {
        let Some(tree) = parsed(text, language) else { return };
        let mut cursor = QueryCursor::new();
        let mut matches = cursor.matches(query, tree.root_node(), text.as_bytes());
        while let Some(matched) = matches.next() {
            let of = |index: u32| query.capture_names().get(index as usize).copied().unwrap_or_default();
            let name = matched.captures().iter().find(|capture| of(capture.index) == "name");
            let outer = matched.captures().iter().find(|capture| of(capture.index) != "name");
            if let (Some(name), Some(outer)) = (name, outer)
                && let Some(definition) = definition(path, text, outer.node, name.node, of(outer.index))
            {
                let word = text.get(name.node.byte_range()).unwrap_or_default().to_owned();
                let alike = self.0.entry((family(language), word)).or_default();
                let is_attribute = language.name() == "python" && definition.kind == Kind::Member;
                // `typedef struct a { … } a` and an attribute that is set twice are one definition.
                let is_known = |other: &&Definition| {
                    let is_within = other.lines.contains(&definition.line) || definition.lines.contains(&other.line);
                    other.path == definition.path && (is_within || is_attribute)
                };
                if alike.iter().find(is_known).is_none() {
                    alike.push(definition);
                }
            }
        }
    }

    /// The definition of a name, if there is one and no other. A signature counts where there is nothing else.
    pub(crate) fn the(&self, language: &Language, name: &str) -> Option<&Definition> {
        let all = self.0.get(&(family(language), name.to_owned()))?;
        let mut whole = all.iter().filter(|definition| !definition.is_signature);
        match (whole.next(), whole.next()) {
            (Some(one), None) => Some(one),
            (None, _) => all.first().filter(|_| all.len() == 1),
            _ => None,
        }
    }

    /// All names with their definitions, in their order.
    pub(crate) fn all(&self) -> Vec<(&'static str, &str, &Definition)> {
        let named = self.0.iter().flat_map(|((family, name), all)| all.iter().map(move |one| (*family, &**name, one)));
        let mut all: Vec<_> = named.collect();
        all.sort_by_key(|(_, _, definition)| (definition.path.clone(), definition.line));
        all
    }
}

fn compile(language: &Language) -> Result<Query, String> {
    let name = if language.name() == "tsx" { "typescript" } else { language.name() };
    let grammar = language.grammar().ok_or("no grammar")?;
    Query::new(grammar.parser(), queries(name).unwrap_or_default()).map_err(|error| format!("{name}: {error}"))
}

fn definition(path: &str, text: &str, outer: Node<'_>, name: Node<'_>, capture: &str) -> Option<Definition> {
    let kind = match capture {
        "callable" | "signature" => Kind::Callable,
        "type" => Kind::Type,
        "value" => Kind::Value,
        _ => Kind::Member,
    };
    let lines = outer.start_position().row..outer.end_position().row + 1;
    let line = name.start_position().row;
    let begin = if outer.start_position().row == line { outer.start_byte() } else { name.start_byte() };
    // Behind a field a comment may follow, which is no part of it.
    let end = if outer.end_position().row == line { outer.end_byte() } else { text.len() };
    let rest = text.get(name.end_byte()..end)?.lines().next().unwrap_or_default();
    let rest: String = rest.chars().take(TELLING).collect();
    let sign = dense(&format!("{}{rest}", text.get(begin..name.end_byte())?));
    // A prompt may leave out what opens a body.
    let sign = sign.trim_end_matches(['{', ':', '=', ',', ';', '(']).to_owned();
    Some(Definition { kind, path: path.to_owned(), lines, line, sign, is_signature: capture == "signature" })
}

/// A text without blanks.
pub(crate) fn dense(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

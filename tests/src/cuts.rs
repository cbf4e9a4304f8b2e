//! Cuts: holes in real files, with the task that the complete file's tree shows at the same place.

use std::ops::Range;

use pennyworth_core::classify::decide::{Beside, decide};
use pennyworth_core::classify::is_in_example;
use pennyworth_core::lex;
use pennyworth_core::syntax;
use pennyworth_core::task::Task;
use pennyworth_grammars::Language;
use ropey::Rope;
use tree_sitter::{Node, Tree};

/// How the text was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// All that follows is gone.
    Tail,
    /// The rest of the line is gone; only where its brackets were balanced.
    Line,
    /// The rest of the node that begins here is gone.
    Node,
    /// The rest of the line is gone where its brackets were not balanced: an unclosed call, string or body.
    Edit,
    /// The rest of the line is gone but for the first letters of the next word.
    Word,
}

/// A broken text and the task at its cursor.
#[derive(Clone, Debug)]
pub struct Cut {
    /// How it was broken.
    pub kind: Kind,
    /// The broken text.
    pub text: String,
    /// The cursor, in bytes.
    pub offset: usize,
    /// The task in the complete file.
    pub task: Task,
}

/// Up to `limit` cuts of a file, chosen by `seed`; none if the file does not parse.
pub fn cuts(source: &str, language: &'static Language, limit: usize, seed: u64) -> Vec<Cut> {
    let Some(tree) =
        syntax::parse_excerpt(source, language, None, &mut { usize::MAX }).filter(|tree| !tree.root_node().has_error())
    else {
        return Vec::new();
    };
    let places = places(&tree, source, language);
    let mut random = Random::new(seed);
    let mut cuts = Vec::new();
    for _ in 0..limit {
        let Some(place) = places.get(random.below(places.len().max(1))) else { break };
        let kinds = [Kind::Tail, Kind::Line, Kind::Node, Kind::Edit, Kind::Word];
        let kind = kinds.get(random.below(kinds.len())).copied().unwrap_or(Kind::Tail);
        cuts.extend(cut(source, &tree, language, place, kind, &mut random));
    }
    cuts
}

/// Nodes that hold text of another language, by language and kind.
const INJECTED: [(&str, &str); 4] =
    [("html", "raw_text"), ("markdown", "code_fence_content"), ("markdown", "html_block"), ("php", "text")];

/// A place to cut: the start of a leaf or the middle of a text, and the end of the largest node that begins there.
struct Place {
    offset: usize,
    node_end: usize,
}

fn places(tree: &Tree, source: &str, language: &'static Language) -> Vec<Place> {
    // Like a brace, a word that opens, continues or closes a body is not a place.
    let facts = language.facts();
    let brace =
        |node: Node<'_>, text| !node.is_named() && facts.openers.iter().chain(&facts.closers).any(|word| word == text);
    let mut places: Vec<Place> = Vec::new();
    let mut stack = vec![tree.root_node()];
    while let Some(node) = stack.pop() {
        // Text of another language has tasks of its own.
        if INJECTED.contains(&(language.name(), node.kind())) {
            continue;
        }
        if node.child_count() == 0 || node.kind().contains("string") || node.kind().contains("comment") {
            let text = source.get(node.byte_range()).unwrap_or_default();
            let is_text = node.is_extra() || node.kind().contains("comment") || node.kind().contains("string");
            if is_text && text.len() > 6 {
                // Inside a comment or string: after a word of it.
                let middle = text.char_indices().skip(3).find(|(_, c)| *c == ' ').map_or(3, |(at, _)| at + 1);
                places
                    .push(Place { offset: node.start_byte() + middle.min(text.len() - 1), node_end: node.end_byte() });
            } else if brace(node, text) {
                continue;
            } else if text.starts_with(|c: char| {
                c.is_alphanumeric() || matches!(c, '_' | '"' | '\'' | '$' | '@' | '[' | '{' | '&' | '<')
            }) {
                places.push(Place { offset: node.start_byte(), node_end: widest(node).end_byte() });
            }
        }
        if !node.kind().contains("comment") {
            let mut cursor = node.walk();
            stack.extend(node.children(&mut cursor));
        }
    }
    // The tree does not know the tasks of an example in documentation, either.
    let text = Rope::from_str(source);
    let is_known = |place: &Place| !is_in_example(&text, language, place.offset);
    places.retain(|place| {
        source.is_char_boundary(place.offset) && opens_nothing(source, place.offset) && is_known(place)
    });
    places
}

/// Whether the place may be cut: it is no bracket that opens a body or list right after the head of it.
fn opens_nothing(source: &str, offset: usize) -> bool {
    let opener = source.get(offset..).is_some_and(|rest| rest.starts_with(['{', '[', '<', '&']));
    let before = source.get(..offset).unwrap_or_default();
    let belongs = before.trim_end_matches(' ').ends_with(['(', '[', '{', ',', '=', ':', '\n']);
    // A brace on its own line opens the body of the head above.
    let body = source.get(offset..).is_some_and(|rest| rest.starts_with('{'))
        && !before.trim_end().ends_with(['(', '[', '{', ',', '=', ':', ';', '}']);
    !opener || (belongs && !body)
}

/// The largest node that begins where this one does, up to its statement.
fn widest(node: Node<'_>) -> Node<'_> {
    let mut widest = node;
    while let Some(parent) =
        widest.parent().filter(|parent| parent.start_byte() == node.start_byte() && parent.parent().is_some())
    {
        widest = parent;
    }
    widest
}

fn cut(
    source: &str,
    tree: &Tree,
    language: &'static Language,
    place: &Place,
    kind: Kind,
    random: &mut Random,
) -> Option<Cut> {
    let offset = place.offset;
    let rest = source.get(offset..)?;
    let line_end = offset + rest.find(['\n', '\r']).unwrap_or(rest.len());
    let word: String = rest.chars().take_while(|c| lex::is_word(language.facts(), *c)).collect();
    let end = match kind {
        Kind::Tail => source.len(),
        Kind::Line | Kind::Edit | Kind::Word => line_end,
        Kind::Node => place.node_end,
    };
    let unbalanced = !balanced(source.get(offset..end)?, language);
    if (kind == Kind::Line && unbalanced)
        || (kind == Kind::Edit && !unbalanced)
        || (kind == Kind::Word && word.chars().count() < 3)
    {
        return None;
    }
    let task = decide(source, tree, language, hole(offset, end), Beside::default())?.task;
    let typed: String =
        if kind == Kind::Word { word.chars().take(1 + random.below(2)).collect() } else { String::new() };
    let text = format!("{}{typed}{}", source.get(..offset)?, source.get(end..)?);
    Some(Cut { kind, text, offset: offset + typed.len(), task })
}

fn hole(offset: usize, end: usize) -> Range<usize> {
    offset..end
}

/// Whether the brackets of a text are balanced.
fn balanced(text: &str, language: &Language) -> bool {
    let scan = lex::scan(text, language.facts());
    scan.open.is_empty() && scan.unopened.is_empty()
}

/// A small generator, so that the same seed gives the same cuts everywhere.
pub struct Random(u64);

impl Random {
    /// A generator with a seed.
    pub fn new(seed: u64) -> Random {
        Random(seed | 1)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end.max(1)
    }
}

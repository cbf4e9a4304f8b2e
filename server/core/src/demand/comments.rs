//! Whether an edited file documents one item and is otherwise what it was: its code by the lexer and by the tree, its other comments, and the form and
//! place of the new one. It leaves which form a language has to `documented`.

use std::ops::Range;

use pennyworth_grammars::Language;
use tree_sitter::Node;

use super::documented::{has_strings, is_directive};
use super::item::Item;
use super::source::Source;
use super::unfit::Unfit;
use crate::lex::{self, Kind};
use crate::syntax;

/// Reports of the parser after which a file is not judged by its tree.
const MAX_STEPS: usize = 4_000;

/// Whether a new text documents the item in some bytes of an old one, and does nothing else.
pub(super) fn documents_only(
    language: &'static Language,
    within: &Range<usize>,
    (old, new): (&str, &str),
) -> Result<(), Unfit> {
    if code(old, language) != code(new, language) || leaves(old, language) != leaves(new, language) {
        return Err(Unfit::Code);
    }
    let (old, new) = (Source::new("", language, old), Source::new("", language, new));
    // What documents in the file is told by the file as it was.
    let _ = new.style.set(old.style().cloned());
    // Where no item is known, the code tells all that can be told.
    let Some(place) = item(&old, within) else { return Ok(()) };
    let (Some(before), Some(after)) = (old.items().get(place), new.items().get(place)) else { return Err(Unfit::Code) };
    let (known, told) = (own(&old, before), own(&new, after));
    let is_honest = |comment: &&str| known.contains(comment) || !is_directive(comment) && !escapes(comment, language);
    // What has documentation gets another one, not a second one.
    let is_second =
        old.is_documented(before) && told.len() > known.len() && known.iter().all(|comment| told.contains(comment));
    let keeps = others(&old, before) == others(&new, after);
    match keeps && !is_second && told.iter().all(is_honest) && new.is_documented(after) && is_aligned(&new, after) {
        true => Ok(()),
        false => Err(Unfit::Undocumented),
    }
}

/// Whether two texts have the same code.
pub(super) fn is_same_code(language: &Language, (old, new): (&str, &str)) -> bool {
    code(old, language) == code(new, language)
}

/// The place of the outermost item in some bytes; else of the innermost one around them.
fn item(source: &Source, within: &Range<usize>) -> Option<usize> {
    let items = || source.items().iter().enumerate();
    let inside = |item: &Item| within.contains(&item.head.start) && item.head.end <= within.end;
    let around = |item: &Item| item.whole.start <= within.start && within.end <= item.whole.end;
    let outermost = items().find(|(_, item)| inside(item)).map(|(place, _)| place);
    outermost.or_else(|| items().rfind(|(_, item)| around(item)).map(|(place, _)| place))
}

/// Whether a comment ends early where escapes are read before comments.
fn escapes(comment: &str, language: &Language) -> bool {
    language.facts().early_escapes && comment.contains("\\u")
}

/// The comments and documentation strings of a file, but for those above an item or at the beginning of its body.
fn others<'t>(source: &'t Source, item: &Item) -> Vec<&'t str> {
    notes(source).into_iter().filter(|(start, _)| !is_own(source, item, *start)).map(|(_, text)| text).collect()
}

/// Those above an item or at the beginning of its body.
fn own<'t>(source: &'t Source, item: &Item) -> Vec<&'t str> {
    notes(source).into_iter().filter(|(start, _)| is_own(source, item, *start)).map(|(_, text)| text).collect()
}

fn is_own(source: &Source, item: &Item, start: usize) -> bool {
    let is_above = item.whole.start <= start && start < item.range.start;
    // Documentation strings stand inside. Other comments there are the code's.
    let (from, begins) = (item.body.unwrap_or(item.head.end), has_strings(source.language));
    let head = source.text.get(from..start).unwrap_or("x");
    let opens = |c: char| c.is_whitespace() || c == '{' || c == ':';
    is_above || begins && from <= start && start < item.range.end && head.chars().all(opens)
}

/// Every comment and every documentation string, with its first byte.
fn notes(source: &Source) -> Vec<(usize, &str)> {
    let text = source.text.as_str();
    let tokens = lex::scan(text, source.language.facts()).tokens;
    let is_note = |place: usize, kind: Kind| {
        matches!(kind, Kind::Comment { .. }) || documents(text, source.language, &tokens, place)
    };
    let noted = tokens.iter().enumerate().filter(|(place, token)| is_note(*place, token.kind));
    noted.map(|(_, token)| (token.start, text.get(token.start..token.end).unwrap_or_default())).collect()
}

/// Whether the comments above an item begin where it does.
fn is_aligned(source: &Source, item: &Item) -> bool {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let above = source.text.get(item.whole.start..item.range.start).unwrap_or_default();
    let line = |at: usize| source.text.get(..at).and_then(|text| text.rsplit('\n').next()).unwrap_or_default().len();
    let own = line(item.range.start);
    let starts = source.language.facts().line_comments.iter().chain(&source.language.facts().doc_comments);
    let starts: Vec<&str> = starts.map(String::as_str).collect();
    let mut comments = above.lines().filter(|line| starts.iter().any(|mark| line.trim_start().starts_with(mark)));
    comments.all(|line| indent(line) == own)
}

/// Whether a token is a documentation string, or the word before one: a string alone on its lines that begins a body or a file, or one behind the word.
fn documents(text: &str, language: &Language, tokens: &[lex::Token], place: usize) -> bool {
    let facts = language.facts();
    let kind = |at: Option<usize>| tokens.get(at?).map(|token| token.kind);
    let is_string = |at: usize| kind(Some(at)) == Some(Kind::String);
    let shown = |at: usize| tokens.get(at).and_then(|token| text.get(token.start..token.end)).unwrap_or_default();
    let is_doc_word = |at: usize| facts.doc_words.iter().any(|word| word == shown(at)) && is_string(at + 1);
    if is_doc_word(place) {
        return true;
    }
    if !is_string(place) {
        return false;
    }
    let alone = |other: Option<Kind>| other.is_none_or(|kind| matches!(kind, Kind::Break | Kind::Comment { .. }));
    let is_doc = || facts.strings.iter().any(|string| string.doc && shown(place).starts_with(&string.open));
    let is_alone = || alone(kind(Some(place + 1)));
    // It begins a body: before it stands what opens one, or nothing at all.
    let begins = || {
        let before = tokens.get(..place).unwrap_or_default();
        let last = before.iter().rposition(|token| !matches!(token.kind, Kind::Break | Kind::Comment { .. }));
        last.is_none_or(|last| facts.openers.iter().any(|opener| opener == shown(last)))
    };
    place > 0 && is_doc_word(place - 1) || is_doc() && is_alone() && begins()
}

/// The code of a text: its tokens without comments and documentation, those that begin a line with their indentation.
fn code<'t>(text: &'t str, language: &Language) -> Vec<(&'t str, &'t str)> {
    let tokens = lex::scan(text, language.facts()).tokens;
    let counts = |at: usize, kind: Kind| {
        !matches!(kind, Kind::Comment { .. } | Kind::Break) && !documents(text, language, &tokens, at)
    };
    let kept = tokens.iter().enumerate().filter(|(at, token)| counts(*at, token.kind));
    kept.map(|(_, token)| {
        let line = text.get(..token.start).unwrap_or_default();
        let blank = line.rsplit('\n').next().filter(|line| line.trim().is_empty()).unwrap_or("x");
        (blank, text.get(token.start..token.end).unwrap_or_default())
    })
    .collect()
}

/// The leaves of a text's tree without comments and documentation, each with its kind and depth; nothing if there is no tree. A lexer may be wrong about where a
/// comment or string ends.
fn leaves(text: &str, language: &'static Language) -> Vec<(usize, String, String)> {
    let mut steps = MAX_STEPS;
    let Some(tree) = syntax::parse_excerpt(text, language, None, &mut steps) else { return Vec::new() };
    let (mut found, mut rest) = (Vec::new(), vec![(0, tree.root_node())]);
    while let Some((depth, node)) = rest.pop() {
        if is_note(node, text, language) {
            continue;
        }
        match node.child_count() {
            0 => found.push((
                depth,
                node.kind().to_owned(),
                text.get(node.byte_range()).unwrap_or_default().trim().to_owned(),
            )),
            count => rest.extend((0..count).rev().filter_map(|place| Some((depth + 1, node.child(place)?)))),
        }
    }
    found.retain(|(_, _, text)| !text.is_empty());
    found
}

/// Whether a node is a comment, or a string that documents.
fn is_note(node: Node<'_>, text: &str, language: &Language) -> bool {
    if node.kind().contains("comment") {
        return true;
    }
    let facts = language.facts();
    let shown = text.get(node.byte_range()).unwrap_or_default();
    let is_word = || {
        facts
            .doc_words
            .iter()
            .any(|word| shown.strip_prefix(word.as_str()).is_some_and(|rest| rest.trim_start().starts_with(['"', '~'])))
    };
    let is_string = || {
        let opens = facts.strings.iter().any(|string| string.doc && shown.starts_with(&string.open));
        opens
            && node.kind() == "expression_statement"
            && node.child_count() == 1
            && node.prev_named_sibling().is_none_or(|before| before.kind().contains("comment"))
    };
    node.parent().is_some() && node.child_count() > 0 && is_word() || is_string()
}

#[cfg(test)]
mod tests;

//! The items of a file: functions, types and other definitions, by the language's `outline.scm`. An outline shows what a file holds by their heads
//! alone, at a tenth of the tokens. It leaves which of them a prompt needs to `context`.

use std::collections::BTreeMap;
use std::ops::Range;

use pennyworth_grammars::Language;
use ropey::Rope;
use tree_sitter::{Node, QueryCursor, StreamingIterator as _};

use crate::lex::{self, Kind, Token};
use crate::syntax;

/// Reports of the parser after which a file counts as one without items.
const MAX_STEPS: usize = 4_000;
/// Matches of the query after which no further items are looked for.
const MAX_ITEMS: usize = 8_000;
/// Most bytes of a head.
const MAX_HEAD: usize = 400;
/// Most characters of a head in an outline.
const MAX_LINE: usize = 120;
/// What stands for a body that is left out.
const LEFT_OUT: &str = " …";

/// The captures around a definition.
const CAPTURES: [&str; 4] = ["definition", "type", "extension", "member"];
/// Most bytes of an item of one line that is shown whole.
const SHORT: usize = 80;

/// A definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name.
    pub name: String,
    /// Its bytes, from the beginning of its first line, with the comments and attributes directly above.
    pub whole: Range<usize>,
    /// The bytes of the definition itself.
    pub range: Range<usize>,
    /// The bytes of its head: up to its body, or its first line.
    pub head: Range<usize>,
    /// The number of items around it.
    pub depth: usize,
    /// The byte at which its body begins, if it has one.
    pub body: Option<usize>,
    /// Whether it is a type or another item whose parts are items themselves, such as a module.
    pub is_type: bool,
    /// Whether it adds to what is defined elsewhere, as `impl` does.
    pub is_extension: bool,
}

/// A part of a type that is no item, such as a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its name.
    pub(super) name: String,
    /// The bytes of its first line.
    pub(super) line: Range<usize>,
}

impl Member {
    /// Its line, with its name.
    pub(super) fn shown(&self, text: &str) -> String {
        named(text.get(self.line.clone()).unwrap_or_default().to_owned(), &self.name)
    }
}

/// What a file defines, in its order.
#[derive(Debug, Default)]
pub(super) struct Defined {
    pub(super) items: Vec<Item>,
    pub(super) members: Vec<Member>,
}

impl Item {
    /// Its head on one line, with a mark for the body that is left out.
    pub fn shown(&self, text: &str) -> String {
        let head = text.get(self.head.clone()).unwrap_or_default();
        let words: Vec<&str> = head.split_whitespace().collect();
        let rest = if self.head.end < self.range.end { LEFT_OUT } else { "" };
        named(words.join(" ").trim_end_matches(['{', ':', '=', ' ']).to_owned() + rest, &self.name)
    }
}

/// What a text defines. Without a grammar, or where the parser does not come to an end, that is nothing.
pub(super) fn defined(text: &str, language: &'static Language) -> Defined {
    let mut steps = MAX_STEPS;
    let Some(query) = syntax::outline_query(language) else { return Defined::default() };
    let Some(tree) = syntax::parse_excerpt(text, language, None, &mut steps) else { return Defined::default() };
    let (mut cursor, mut found) = (QueryCursor::new(), BTreeMap::new());
    let mut matches = cursor.matches(query, tree.root_node(), text.as_bytes());
    while let Some(matched) = matches.next() {
        let of = |index: u32| query.capture_names().get(index as usize).copied().unwrap_or_default();
        let name = matched.captures().iter().find(|capture| of(capture.index) == "name");
        let outer = matched.captures().iter().find(|capture| CAPTURES.contains(&of(capture.index)));
        if let (Some(name), Some(outer)) = (name, outer) {
            let range = outer.node.byte_range();
            let key = (range.start, std::cmp::Reverse(range.end));
            let known = found.entry(key).or_insert((of(outer.index), outer.node, name.node));
            // What is a type by one pattern is one, whatever another says.
            if of(outer.index) != "definition" {
                known.0 = of(outer.index);
            }
        }
        if found.len() >= MAX_ITEMS {
            break;
        }
    }
    let (mut defined, mut around) = (Defined::default(), Vec::<usize>::new());
    let tokens = lex::scan(text, language.facts()).tokens;
    for (capture, definition, name) in found.into_values() {
        if capture == "member" {
            defined.members.extend(member(text, definition, name));
            continue;
        }
        around.retain(|end| *end > definition.start_byte());
        let depth = around.len();
        around.push(definition.end_byte());
        let item = item(text, &tokens, definition, name);
        let is_extension = capture == "extension";
        let is_type = is_extension || capture == "type";
        defined.items.extend(item.map(|item| Item { depth, is_type, is_extension, ..item }));
    }
    defined
}

fn member(text: &str, definition: Node<'_>, name: Node<'_>) -> Option<Member> {
    let start = definition.start_byte();
    let line = text.get(start..definition.end_byte())?.lines().next()?.trim_end();
    let end = (0..=line.len().min(MAX_HEAD)).rev().find(|end| line.is_char_boundary(*end))?;
    Some(Member { name: text.get(name.byte_range())?.to_owned(), line: start..start + end })
}

/// A head with its name. That of C's `typedef struct { … } name` stands behind the body.
fn named(shown: String, name: &str) -> String {
    if shown.contains(name) { shown } else { format!("{}{LEFT_OUT} {name}", shown.trim_end_matches([' ', '{', '…'])) }
}

fn item(text: &str, tokens: &[Token], definition: Node<'_>, name: Node<'_>) -> Option<Item> {
    // An exported or decorated definition begins with what is around it.
    let mut outer = definition;
    while let Some(parent) = outer.parent().filter(|parent| parent.parent().is_some() && is_wrapper(*parent, outer)) {
        outer = parent;
    }
    let range = outer.byte_range();
    let start = text.get(..range.start)?.rfind('\n').map_or(0, |line| line + 1);
    // Other code on the same line belongs to the item only if that is all blank.
    let start = if text.get(start..range.start)?.trim().is_empty() { start } else { range.start };
    let head = definition.start_byte()..head_end(text, definition)?;
    let whole = above(text, tokens, start)..range.end;
    let name = text.get(name.byte_range())?.trim().to_owned();
    let body = body(text, definition).map(|body| body.start_byte());
    Some(Item { name, whole, range, head, depth: 0, body, is_type: false, is_extension: false })
}

/// Whether a node holds a definition and nothing but words and decorators in front of it.
fn is_wrapper(outer: Node<'_>, inner: Node<'_>) -> bool {
    let is_known = ["export", "decorated", "template_declaration", "attributed", "ambient"]
        .iter()
        .any(|kind| outer.kind().contains(kind));
    is_known && outer.end_byte() == inner.end_byte()
}

/// The end of a definition's head.
fn head_end(text: &str, definition: Node<'_>) -> Option<usize> {
    let (range, body) = (definition.byte_range(), body(text, definition));
    let whole = text.get(range.clone())?;
    if whole.len() <= SHORT && !whole.contains('\n') {
        return Some(range.end);
    }
    let line = range.start + whole.find('\n').unwrap_or(whole.len());
    let end = body.map(|body| body.start_byte()).filter(|end| *end > range.start).unwrap_or(line);
    let end = end.min(range.start + MAX_HEAD);
    (range.start..=end).rev().find(|end| text.is_char_boundary(*end))
}

fn body<'t>(text: &str, definition: Node<'t>) -> Option<Node<'t>> {
    definition.child_by_field_name("body").or_else(|| {
        let last = definition.child(definition.child_count().checked_sub(1)?)?;
        let opens = text.get(last.start_byte()..)?.starts_with('{');
        (last.kind().contains("body") || last.kind().contains("block") || opens).then_some(last)
    })
}

/// Where the comments and attributes directly above a line begin. What stands on a line with other code is none of them.
fn above(text: &str, tokens: &[Token], start: usize) -> usize {
    let mut begin = start;
    loop {
        let before = tokens.get(..tokens.partition_point(|token| token.start < begin)).unwrap_or_default();
        let Some(last) = before.iter().rposition(|token| token.kind != Kind::Break) else { return begin };
        let Some(before) = before.get(..=last) else { return begin };
        let is_near = |token: &Token| text.get(token.end..begin).is_some_and(|gap| gap.matches('\n').count() < 2);
        let first = match before.last().filter(|last| is_near(last)).map(|last| last.kind) {
            None => return begin,
            // A comment of several lines is a token for each.
            Some(Kind::Comment { .. }) => {
                before.iter().rposition(|token| !is_comment(token)).map_or(0, |other| other + 1)
            }
            Some(_) => match attribute(text, before) {
                Some(first) => first,
                None => return begin,
            },
        };
        let Some(first) = before.get(first) else { return begin };
        let line = text.get(..first.start).and_then(|above| above.rfind('\n')).map_or(0, |line| line + 1);
        if !text.get(line..first.start).is_some_and(|indent| indent.trim().is_empty()) {
            return begin;
        }
        begin = line;
    }
}

fn is_comment(token: &Token) -> bool {
    matches!(token.kind, Kind::Comment { .. })
}

/// The first token of the attribute or decorator with which these end: `#[…]`, or `@` and what belongs to it.
fn attribute(text: &str, tokens: &[Token]) -> Option<usize> {
    let (mut depth, mut first, mut opened) = (0_usize, tokens.len(), None);
    for (place, token) in tokens.iter().enumerate().rev() {
        match token.kind {
            Kind::Close(_) => depth += 1,
            // A body.
            Kind::Open('{') if depth == 1 => return None,
            Kind::Open(_) => {
                depth = depth.checked_sub(1)?;
                opened = Some(place);
            }
            Kind::Break if depth == 0 => break,
            // Another statement.
            Kind::Sign(';') if depth == 0 => return None,
            _ => {}
        }
        first = place;
    }
    let shown = |place: usize| tokens.get(place).and_then(|token| text.get(token.start..token.end)).unwrap_or_default();
    let is_one_group = opened == Some(first + 1) && shown(first + 1) == "[";
    match shown(first) {
        "#" if is_one_group => Some(first),
        mark if mark.starts_with('@') => Some(first),
        _ => None,
    }
}

/// The heads of the items of a text, one on each line, with the number of that line in the text. `but` is left out, as are items inside others
/// that are not types.
pub(super) fn outline(text: &str, items: &[Item], but: &[Range<usize>]) -> String {
    let rope = Rope::from_str(text);
    let is_wanted = |item: &&Item| !but.iter().any(|part| part.start <= item.head.start && item.head.end <= part.end);
    let lines = items.iter().filter(is_wanted).map(|item| {
        let number = rope.byte_to_line(item.head.start) + 1;
        let shown = item.shown(text);
        let cut = shown.char_indices().nth(MAX_LINE).and_then(|(end, _)| shown.get(..end));
        let shown = cut.map_or(shown.clone(), |cut| format!("{cut}{LEFT_OUT}"));
        format!("{number}: {}{shown}\n", "  ".repeat(item.depth))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn language(name: &str) -> &'static Language {
        pennyworth_grammars::by_name(name).unwrap()
    }

    #[test]
    fn an_outline_shows_heads_with_their_lines() {
        for (name, text, expected) in [
            (
                "rust",
                "/// Adds.\n#[inline]\npub fn add(a: u8,\n    b: u8) -> u8 {\n    a + b\n}\n\nimpl Sum {\n    fn new() -> Sum { Sum }\n}\nconst N: u8 = 3;\n",
                "3: pub fn add(a: u8, b: u8) -> u8 …\n8: impl Sum …\n9:   fn new() -> Sum { Sum }\n11: const N: u8 = 3;\n",
            ),
            (
                "python",
                "@cache\ndef add(a, b):\n    return a + b\n\nclass Sum(Base):\n    def new(self): ...\n",
                "2: def add(a, b) …\n5: class Sum(Base) …\n6:   def new(self): ...\n",
            ),
            ("typescript", "export function add(a: number) {\n  return a;\n}\n", "1: function add(a: number) …\n"),
            ("go", "func (s *Sum) Add(a int) int {\n\treturn a\n}\n", "1: func (s *Sum) Add(a int) int …\n"),
            ("c", "static int add(int a)\n{\n  return a;\n}\n", "1: static int add(int a) …\n"),
            ("c", "typedef struct {\n  int a;\n} sum;\n", "1: typedef struct … sum\n"),
            (
                "python",
                "def add(\n    first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, eleventh, twelfth, thirteenth, fourteenth\n):\n    pass\n",
                "1: def add( first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, eleventh, twelfth, thirteenth, fourt …\n",
            ),
            ("rust", "struct Sum(u8);\n", "1: struct Sum(u8);\n"),
            ("text", "fn add() {}\n", ""),
        ] {
            assert_eq!(outline(text, &defined(text, language(name)).items, &[]), expected, "{name}");
        }
    }

    #[test]
    fn an_item_has_the_comments_and_attributes_above_it() {
        let text = "use a;\n\n/// Adds.\n#[inline]\nfn add() {\n    fn inner() {}\n    inner()\n}\n";
        let items = defined(text, language("rust")).items;
        assert!(text.get(items[0].whole.clone()).unwrap().starts_with("/// Adds."));
        let exported = "// A\nexport class B {\n  c() {}\n}\n";
        let items = defined(exported, language("typescript")).items;
        assert_eq!(exported.get(items[0].whole.clone()), Some(exported.trim_end()));
    }

    #[test]
    fn any_text_has_some_items_or_none() {
        for language in pennyworth_grammars::all() {
            for text in ["", "\n", "{{{{", "fn \u{1f600}(", "def a(:\n\t(\r\n", "class A {\n"] {
                let items = defined(text, language).items;
                assert!(items.iter().all(|item| text.get(item.whole.clone()).is_some()), "{}", language.name());
                assert!(outline(text, &items, &[]).len() <= 200);
            }
        }
    }
}

//! Which items of a file have documentation: above them, or at the beginning of their bodies, in the form that their language has. It leaves what an item
//! is to `item`, and whether an answer documents and does nothing else to `comments`.

use std::ops::Range;

use pennyworth_grammars::Language;

use super::item::Item;
use super::source::Source;
use super::tested::has_mark;
use crate::lex::{self, Kind, Token};

/// What comments for tools begin with. They document nothing, and change what a program or its checks do.
const DIRECTIVES: [&str; 29] = [
    "go:",
    "+build",
    "@ts-",
    "eslint",
    "prettier-ignore",
    "biome-ignore",
    "deno-lint-ignore",
    "istanbul ignore",
    "c8 ignore",
    "noqa",
    "type: ignore",
    "mypy:",
    "pylint:",
    "pyright:",
    "fmt: o",
    "yapf:",
    "isort:",
    "pragma:",
    "rubocop:",
    "frozen_string_literal",
    "swiftlint:",
    "ktlint",
    "noinspection",
    "phpcs:",
    "@phpstan-",
    "@psalm-",
    "clang-format",
    "NOLINT",
    "nolint",
];

impl Source {
    /// The items that want documentation and have none: types and functions, but for tests, what stands inside functions, and what is documented where
    /// it is declared first.
    pub fn undocumented(&self) -> Vec<&Item> {
        let tokens = lex::scan(&self.text, self.language.facts()).tokens;
        let (mut found, mut around) = (Vec::new(), Vec::<&Item>::new());
        let mut last: Option<&Item> = None;
        for item in self.items().iter().filter(|_| self.is_code()) {
            around.retain(|outer| outer.range.end > item.range.start);
            let is_closed = |outer: &&Item| !outer.is_type || self.is_test(outer) || self.is_override(outer);
            let is_open = !around.iter().any(is_closed) && !self.is_test(item) && !self.is_override(item);
            // Another overload or clause of the same function.
            let is_more = last.is_some_and(|last| last.name == item.name && last.depth == item.depth && !item.is_type);
            around.push(item);
            last = Some(item);
            if is_open && !is_more && self.wants_documentation(item) && !self.has_documentation(item, &tokens) {
                found.push(item);
            }
        }
        found
    }

    /// Whether an item has documentation in the form of its language, at its place.
    pub(super) fn is_documented(&self, item: &Item) -> bool {
        self.has_documentation(item, &lex::scan(&self.text, self.language.facts()).tokens)
    }

    /// The lines of the item around some lines that say how to document it. Of a type, these are the lines above its first part that is an item
    /// itself: the outline of its file has the others. Lines are counted from 0.
    pub fn documented_lines(&self, lines: Range<usize>) -> Range<usize> {
        let whole = self.item_lines(lines);
        let bytes = self.lines(whole.clone());
        let holds = |outer: &&Item| bytes.contains(&outer.range.start) && outer.range.end <= bytes.end;
        let Some(outer) = self.items().iter().find(holds).filter(|outer| outer.is_type) else { return whole };
        let is_inner = |item: &&Item| item.range.start > outer.head.start && item.range.end <= outer.range.end;
        let inner = self.items().iter().find(is_inner).map(|inner| self.line(inner.whole.start));
        let Some(inner) = inner.filter(|inner| *inner > self.line(outer.head.start)) else { return whole };
        let above = self.text.get(self.lines(whole.start..inner)).unwrap_or_default();
        whole.start..whole.start + above.trim_end().lines().count()
    }

    pub(super) fn wants_documentation(&self, item: &Item) -> bool {
        let shown = self.text.get(item.range.clone()).unwrap_or_default();
        let head = self.text.get(item.head.clone()).unwrap_or_default();
        // A value that a call makes is no function.
        let (opens, equals) = (head.find('('), head.find('=').unwrap_or(head.len()));
        let is_callable =
            opens.is_some_and(|opens| opens < equals) || shown.contains("=>") || head.contains("function");
        // A documentation string needs a body to stand in.
        let has_place = !has_strings(self.language) || item.body.is_some();
        has_place && !item.is_extension && (item.is_type || item.body.is_some() || is_callable)
    }

    /// Whether an item is a test, or a type or module of tests.
    pub fn is_test(&self, item: &Item) -> bool {
        let facts = self.language.facts();
        let module = facts.test_module.as_ref().and_then(|(open, _)| open.lines().next());
        let types = facts.test_types.iter().filter(|_| item.is_type).map(String::as_str);
        let mut marks =
            facts.tests.iter().map(String::as_str).chain(module).chain(types).filter(|mark| !mark.is_empty());
        let above = self.text.get(item.whole.start..item.head.end).unwrap_or_default();
        marks.any(|mark| has_mark(above, mark))
    }

    fn is_override(&self, item: &Item) -> bool {
        let head = self.text.get(item.head.clone()).unwrap_or_default();
        let above = self.text.get(item.whole.start..item.head.end).unwrap_or_default();
        let mut marks = self.language.facts().overrides.iter().map(String::as_str);
        marks.any(|mark| if mark.starts_with('@') { above.contains(mark) } else { head.contains(mark) })
    }

    fn has_documentation(&self, item: &Item, tokens: &[Token]) -> bool {
        let begins = self.begins_with_documentation(item, tokens);
        // Where a string documents, a comment does not.
        if begins || has_strings(self.language) {
            return begins;
        }
        let first = tokens.partition_point(|token| token.start < item.whole.start);
        let (before, rest) = tokens.split_at_checked(first).unwrap_or((tokens, &[]));
        let above: Vec<&Token> = rest.iter().take_while(|token| token.start < item.range.start).collect();
        let shown = |place: usize| above.get(place).map(|token| self.shown(token));
        // Rust's `#[doc = "…"]`.
        let is_attribute = |place: usize| shown(place) == Some("[") && shown(place + 1) == Some("doc");
        above.iter().any(|token| self.documents(token))
            || (0..above.len()).any(is_attribute)
            || self.ends_with_documentation(before, item.whole.start)
            || self.trails_documentation(item, tokens)
    }

    /// Whether documentation of an item follows it on its last line.
    fn trails_documentation(&self, item: &Item, tokens: &[Token]) -> bool {
        let behind = tokens.get(tokens.partition_point(|token| token.start < item.range.end)..).unwrap_or_default();
        let sign = |token: &&Token| matches!(token.kind, Kind::Sign(';' | ','));
        behind.iter().find(|token| !sign(token)).is_some_and(|token| self.is_trailing(token))
    }

    /// Whether a token documents what stands before it.
    fn is_trailing(&self, token: &Token) -> bool {
        let marks = &self.language.facts().trailing_docs;
        matches!(token.kind, Kind::Comment { .. })
            && marks.iter().any(|mark| self.shown(token).starts_with(mark.as_str()))
    }

    /// Whether a token is documentation of what follows, or a word before it.
    fn documents(&self, token: &Token) -> bool {
        let facts = self.language.facts();
        let shown = self.shown(token);
        match token.kind {
            Kind::Comment { doc, .. } => {
                let is_inner = facts.inner_docs.iter().any(|mark| shown.starts_with(mark.as_str()));
                let is_plain = || self.plain_opener().is_some_and(|open| !doc && shown.starts_with(open));
                (doc || facts.doc_comments.is_empty() || is_plain())
                    && !is_inner
                    && !self.is_trailing(token)
                    && !is_directive(shown)
            }
            Kind::Word => self.is_doc_word(token),
            _ => false,
        }
    }

    /// Whether what stands above, behind blank lines or a string of several lines, is documentation all the same.
    fn ends_with_documentation(&self, before: &[Token], start: usize) -> bool {
        let mut above = before.iter().rev().skip_while(|token| token.kind == Kind::Break);
        let Some(last) = above.next() else { return false };
        let is_near = self.text.get(last.end..start).is_some_and(|gap| gap.matches('\n').count() < 2);
        match last.kind {
            // A mark that is nothing but documentation belongs to the next item.
            Kind::Comment { doc: true, line: true } => self.documents(last),
            Kind::Comment { .. } => {
                let is_comment = |token: &&Token| matches!(token.kind, Kind::Comment { .. });
                let line = self.text.get(..last.start).and_then(|text| text.lines().last()).unwrap_or_default();
                is_near
                    && (self.documents(last) || above.take_while(is_comment).any(|token| self.documents(token)))
                    && line.trim().is_empty()
            }
            Kind::String => above.find(|token| token.kind != Kind::String).is_some_and(|token| self.documents(token)),
            _ => false,
        }
    }

    /// Whether a body begins with a string that documents and has the body's indentation, with a word before one, or with a comment that documents what
    /// it stands in.
    fn begins_with_documentation(&self, item: &Item, tokens: &[Token]) -> bool {
        let facts = self.language.facts();
        let from = item.body.unwrap_or(item.head.end);
        let body = tokens.get(tokens.partition_point(|token| token.start < from)..).unwrap_or_default();
        let is_inner = |token: &Token| facts.inner_docs.iter().any(|mark| self.shown(token).starts_with(mark.as_str()));
        let opens = |token: &Token| match token.kind {
            Kind::Break | Kind::Open('{') => true,
            Kind::Comment { .. } => !is_inner(token),
            _ => facts.openers.iter().any(|opener| opener == self.shown(token)),
        };
        let Some(place) = body.iter().position(|token| !opens(token)) else { return false };
        let Some((first, rest)) =
            body.get(place..).and_then(<[Token]>::split_first).filter(|(first, _)| first.start < item.range.end)
        else {
            return false;
        };
        match first.kind {
            Kind::Comment { .. } => true,
            Kind::String if has_strings(self.language) => {
                let alone = rest
                    .first()
                    .is_none_or(|next| matches!(next.kind, Kind::Break | Kind::Comment { .. } | Kind::Sign(';')));
                alone && self.is_indented_as(first, rest, item)
            }
            _ => self.is_doc_word(first),
        }
    }

    /// Whether a documentation string stands as deep as the rest of its body, and deeper than its item.
    fn is_indented_as(&self, string: &Token, rest: &[Token], item: &Item) -> bool {
        let indent = |at: usize| {
            let line = self.text.get(..at).and_then(|text| text.rsplit('\n').next()).unwrap_or_default();
            line.trim().is_empty().then_some(line)
        };
        // On the line of the head it needs none.
        let Some(own) = indent(string.start) else { return true };
        let code =
            |token: &&Token| !matches!(token.kind, Kind::Break | Kind::Comment { .. }) && token.start < item.range.end;
        let next = rest.iter().find(code).and_then(|token| indent(token.start));
        let of_item = indent(item.head.start).unwrap_or_default();
        next.map_or(own.len() > of_item.len() && own.starts_with(of_item), |next| next == own)
    }

    fn is_doc_word(&self, token: &Token) -> bool {
        self.language.facts().doc_words.iter().any(|known| known == self.shown(token))
    }

    fn shown(&self, token: &Token) -> &str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }
}

/// Whether a comment is one for a tool.
pub(super) fn is_directive(comment: &str) -> bool {
    let said = comment.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '@' && c != '+');
    DIRECTIVES.iter().any(|mark| said.starts_with(mark))
}

/// Whether a string that stands alone documents.
pub(super) fn has_strings(language: &Language) -> bool {
    language.facts().strings.iter().any(|form| form.doc)
}

#[cfg(test)]
mod tests;

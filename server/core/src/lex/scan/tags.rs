//! Markup among code, as in JSX: tags, their attributes, and the text of elements, in which quotes and slashes mean nothing.
//! It leaves the code in braces to the scanner, and does not touch what is no tag, such as a comparison or a list of types.

use super::Scanner;
use crate::lex::token::{Kind, Nest, Open, is_word};

impl Scanner<'_> {
    /// Reads a tag in code. Where no value can begin, `<` is an operator.
    pub(super) fn tag_in_code(&mut self) -> bool {
        let after = self.rest().get(1..).unwrap_or_default();
        if after.starts_with('/') {
            self.out.unopened.push(self.out.tokens.len());
            return false;
        }
        self.previous() != Some('<') && self.expects_value() && !is_type_list(after) && self.tag()
    }

    /// Reads a tag, if this is one: a name, a fragment's `>`, the slash of a closing tag or nothing follows.
    fn tag(&mut self) -> bool {
        let (start, after) = (self.at, self.rest().get(1..).unwrap_or_default());
        let closing = after.starts_with('/');
        let name = after.trim_start_matches('/');
        let is_name = |c: char| is_word(self.facts, c) || matches!(c, '.' | '-' | ':');
        let name = name.get(..name.find(|c| !is_name(c)).unwrap_or(name.len())).unwrap_or_default();
        if name.is_empty() && !closing && !after.is_empty() && !after.starts_with('>') {
            return false;
        }
        self.bump();
        self.push(Kind::Sign('<'), start);
        if closing {
            self.end_element(name);
        }
        self.open(Nest::Tag { name: name.to_owned(), closing }, start);
        if closing {
            let slash = self.at;
            self.bump();
            self.push(Kind::Sign('/'), slash);
        }
        true
    }

    /// Reads on inside a tag.
    pub(super) fn in_tag(&mut self) {
        let (Some(c), start) = (self.peek(), self.at) else { return };
        match c {
            '\n' | '\r' => self.line_break(),
            '"' | '\'' => self.attribute(c),
            // A tag that was left open ends where the next one begins.
            '<' => {
                self.end_tag();
                self.in_element();
            }
            '>' => {
                self.bump();
                self.push(Kind::Sign('>'), start);
                self.end_tag();
            }
            '/' if self.rest().starts_with("/>") => {
                self.at += "/>".len();
                self.push(Kind::Sign('>'), start);
                self.out.open.pop();
            }
            '/' if self.comment_opener() => {}
            _ => self.plain(c),
        }
    }

    /// Reads on between tags, where everything but tags and braces is text.
    pub(super) fn in_element(&mut self) {
        let (Some(c), start) = (self.peek(), self.at) else { return };
        match c {
            '\n' | '\r' => self.line_break(),
            '<' if self.tag() => {}
            '{' | '}' => self.sign(c),
            _ if c.is_whitespace() || is_word(self.facts, c) => self.plain(c),
            _ => {
                self.bump();
                self.push(Kind::Sign(c), start);
            }
        }
    }

    fn plain(&mut self, c: char) {
        if c.is_whitespace() {
            self.bump();
        } else if is_word(self.facts, c) {
            self.word();
        } else {
            self.sign(c);
        }
    }

    /// An attribute's text may span lines and has no escapes.
    fn attribute(&mut self, quote: char) {
        let (start, rest) = (self.at, self.rest());
        let after = rest.get(1..).unwrap_or_default();
        let line = after.find(['\n', '\r']);
        match (after.find(quote), line) {
            (Some(end), _) => self.at += end + 2,
            (None, Some(end)) => self.at += end + 1,
            (None, None) => {
                self.at += rest.len();
                self.open(Nest::String { close: quote.into(), doc: false, multiline: false }, start);
            }
        }
        self.push(Kind::String, start);
    }

    /// Ends the current tag; after an opening one its element begins.
    fn end_tag(&mut self) {
        if let Some(Open { nest: Nest::Tag { name, closing: false }, start }) = self.out.open.pop() {
            self.open(Nest::Element(name), start);
        }
    }

    /// Ends the nearest element of that name, or the innermost if the name is incomplete.
    fn end_element(&mut self, name: &str) {
        let elements = || {
            self.out.open.iter().enumerate().rev().map_while(|(index, open)| match &open.nest {
                Nest::Element(name) => Some((index, name)),
                _ => None,
            })
        };
        match elements().find(|(_, other)| *other == name).or_else(|| elements().next()) {
            Some((index, _)) => self.out.open.truncate(index),
            None => self.out.unopened.push(self.out.tokens.len() - 1),
        }
    }
}

/// Whether what follows `<` is a list of types' parameters: `<T,>`, `<T extends A>`, `<T>(…) => …`.
fn is_type_list(after: &str) -> bool {
    let end = after.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(after.len());
    let (name, after) = after.split_at(end);
    let next = after.trim_start();
    name == "const"
        || next.starts_with([',', '='])
        || next.starts_with("extends ")
        || (name.starts_with(char::is_uppercase) && after.starts_with(">("))
}

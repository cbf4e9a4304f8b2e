//! The scanner's literals: comments, strings with code inside, here-documents and regular expressions.

use pennyworth_grammars::StringForm;

use super::Scanner;
use crate::lex::token::{Kind, Nest, Token, is_word};

impl Scanner<'_> {
    pub(super) fn comment_opener(&mut self) -> bool {
        let (rest, start) = (self.rest(), self.at);
        let doc = self.facts.doc_comments.iter().any(|open| {
            // Four slashes or stars draw a rule, and `/**/` is empty.
            let last = open.chars().next_back();
            rest.strip_prefix(open.as_str())
                .is_some_and(|after| after.chars().next() != last && !after.starts_with('/'))
        });
        let block =
            self.facts.block_comments.iter().filter(|(open, _)| rest.starts_with(open.as_str()) && self.may_open(open));
        if let Some((open, close)) = block.max_by_key(|(open, _)| open.len()) {
            self.at += open.len();
            self.open(Nest::Comment { close: close.clone(), doc }, start);
            self.comment(start, close, doc);
            return true;
        }
        let line = self.facts.line_comments.iter().find(|open| rest.starts_with(open.as_str()) && self.may_open(open));
        let Some(open) = line else { return false };
        self.at += open.len();
        self.open(Nest::Comment { close: String::new(), doc }, start);
        self.comment(start, "", doc);
        true
    }

    /// `=begin` counts only at the start of a line; `#` not inside words, `$#`, `${#x}` or, if it opens an attribute, `#[`.
    fn may_open(&self, open: &str) -> bool {
        match open.chars().next() {
            Some('=') => matches!(self.previous(), None | Some('\n' | '\r')),
            Some('#') => {
                let attribute =
                    self.facts.line_comments.iter().any(|other| other == "//") && self.rest().starts_with("#[");
                !attribute && !self.previous().is_some_and(|c| is_word(self.facts, c) || matches!(c, '$' | '{' | '\\'))
            }
            _ => true,
        }
    }

    /// Reads the rest of a comment, up to its end or the end of its line.
    pub(super) fn comment(&mut self, start: usize, close: &str, doc: bool) {
        let rest = self.rest();
        if close.is_empty() {
            let end = rest.find(['\n', '\r']);
            self.at += end.unwrap_or(rest.len());
            self.push(Kind::Comment { doc, line: true }, start);
            if end.is_some() {
                self.out.open.pop();
            }
            return;
        }
        let mut depth = 1;
        let nested = self
            .facts
            .nested_comments
            .then(|| self.facts.block_comments.iter().find(|(_, other)| other == close))
            .flatten();
        while depth > 0 && self.at < self.text.len() {
            let rest = self.rest();
            if rest.starts_with(close) {
                depth -= 1;
                self.at += close.len();
            } else if let Some((open, _)) = nested.filter(|(open, _)| rest.starts_with(open.as_str())) {
                depth += 1;
                self.at += open.len();
            } else {
                self.bump();
            }
        }
        self.push(Kind::Comment { doc, line: false }, start);
        if depth == 0 {
            self.out.open.pop();
        }
    }

    pub(super) fn string_opener(&mut self, in_word: bool) -> bool {
        let (rest, start) = (self.rest(), self.at);
        let mut best: Option<(usize, usize, &StringForm)> = None;
        for form in &self.facts.strings {
            let Some((length, hashes)) = opener(rest, &form.open) else { continue };
            let prefixed = form.open.starts_with(|c| is_word(self.facts, c));
            if best.is_none_or(|(longest, ..)| length > longest) && !(prefixed && in_word) {
                best = Some((length, hashes, form));
            }
        }
        let Some((length, hashes, form)) = best else { return false };
        if self.facts.quote_is_char && form.open.ends_with('\'') && !is_char(rest.get(length..).unwrap_or_default()) {
            return false;
        }
        let close = if form.open.contains('#') && form.close.ends_with('#') {
            format!("{}{}", form.close.trim_end_matches('#'), "#".repeat(hashes))
        } else {
            form.close.clone()
        };
        self.at += length;
        self.open(Nest::String { close: close.clone(), doc: form.doc, multiline: form.multiline }, start);
        self.string_of(start, &close, form.multiline, form.escape, form.interpolation.as_ref());
        true
    }

    /// Reads the rest of a string, whose form is the first with this closer and interpolations.
    pub(super) fn string(&mut self, start: usize, close: &str, multiline: bool) {
        let fits =
            |form: &&StringForm| form.close == close && form.multiline == multiline && form.interpolation.is_some();
        let form = self.facts.strings.iter().find(fits);
        let (escape, interpolation) = form.map_or((None, None), |form| (form.escape, form.interpolation.as_ref()));
        self.string_of(start, close, multiline, escape, interpolation);
    }

    fn string_of(
        &mut self,
        start: usize,
        close: &str,
        multiline: bool,
        escape: Option<char>,
        code: Option<&(String, String)>,
    ) {
        while let Some(c) = self.peek() {
            let rest = self.rest();
            // Swift's `\(` begins with the sign that escapes others.
            let opens = code.filter(|(open, _)| rest.starts_with(open.as_str()) && !doubled(rest, open));
            if Some(c) == escape && opens.is_none() {
                self.bump();
                // An escaped line break continues even a one-line string.
                self.bump_break();
            } else if rest.starts_with(close) {
                self.at += close.len();
                self.push(Kind::String, start);
                self.out.open.pop();
                return;
            } else if let Some((open, end)) = opens {
                self.at += open.len();
                self.push(Kind::String, start);
                self.open(Nest::Interpolation(end.clone()), self.at - open.len());
                return;
            } else if (c == '\n' || c == '\r') && !multiline {
                self.push(Kind::String, start);
                self.out.open.pop();
                return;
            } else {
                self.bump();
                if c == '{' && doubled(rest, "{") && code.is_some_and(|(open, _)| open == "{") {
                    self.bump();
                }
            }
        }
        self.push(Kind::String, start);
    }

    fn bump_break(&mut self) {
        if self.at < self.text.len() {
            self.at += if self.rest().starts_with("\r\n") { 2 } else { self.peek().map_or(1, char::len_utf8) };
        }
    }

    pub(super) fn heredoc_opener(&mut self, in_word: bool) -> bool {
        let (rest, start) = (self.rest(), self.at);
        let Some(after) = rest.strip_prefix("<<") else { return false };
        // `<<<` opens one in PHP and takes a word in a shell; without a dash or quote the word must not be a plain operand.
        let php = self.facts.member_operators.iter().any(|operator| operator == "->");
        let (after, arrows) = match after.strip_prefix('<') {
            Some(after) if php => (after.trim_start_matches(' '), 3),
            Some(_) => return false,
            None if php => return false,
            None => (after, 2),
        };
        let word = after.trim_start_matches(['-', '~']);
        let marked = word.len() < after.len();
        let quote = word.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let word = word.trim_start_matches(['\'', '"']);
        let length = word.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(word.len());
        let name = word.get(..length).unwrap_or_default();
        let plain = !marked && quote.is_none() && arrows == 2;
        let shout = name.starts_with(|c: char| c.is_uppercase() || c == '_');
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) || (plain && (in_word || !shout)) {
            return false;
        }
        self.heredocs.push(name.to_owned());
        let closing = quote.filter(|quote| word.get(length..).is_some_and(|rest| rest.starts_with(*quote)));
        let skipped = rest.len() - word.len() + length + closing.map_or(0, char::len_utf8);
        self.at += skipped.min(rest.len());
        self.push(Kind::String, start);
        true
    }

    pub(super) fn heredoc_body(&mut self, word: &str) {
        let start = self.at;
        while self.at < self.text.len() {
            let line = self.rest().split(['\n', '\r']).next().unwrap_or_default();
            let ends = line.trim_start().strip_prefix(word);
            if let Some(after) = ends.filter(|after| !after.starts_with(|c| is_word(self.facts, c))) {
                self.at += line.len() - after.len();
                self.push(Kind::String, start);
                return;
            }
            self.at += line.len();
            self.bump_break();
        }
        self.open(Nest::String { close: format!("\n{word}"), doc: false, multiline: true }, start);
        // At the end of the text the body may still be empty.
        if self.at > start {
            self.push(Kind::String, start);
        }
    }

    /// Whether a value may begin here, rather than an operator after one.
    pub(super) fn expects_value(&self) -> bool {
        match self.out.tokens.last() {
            None => true,
            Some(Token { kind: Kind::Word, start, end }) => {
                matches!(
                    self.text.get(*start..*end),
                    Some(
                        "return"
                            | "case"
                            | "typeof"
                            | "in"
                            | "of"
                            | "if"
                            | "unless"
                            | "when"
                            | "and"
                            | "or"
                            | "not"
                            | "yield"
                            | "await"
                    )
                )
            }
            Some(Token { kind: Kind::Close(_) | Kind::String, .. }) => false,
            Some(_) => true,
        }
    }

    /// Reads a regular expression, if a value may begin here and it is closed on its line.
    pub(super) fn regex(&mut self) -> bool {
        let (start, rest) = (self.at, self.rest());
        if !self.expects_value() || rest.starts_with("/ ") || rest.starts_with("/=") {
            return false;
        }
        let (mut class, mut escaped) = (false, false);
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                '\n' | '\r' => return false,
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '[' => class = true,
                ']' => class = false,
                '/' if !class => {
                    let flags = rest.get(at + 1..).unwrap_or_default();
                    let flags = flags.len() - flags.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
                    self.at += at + 1 + flags;
                    self.push(Kind::String, start);
                    return true;
                }
                _ => {}
            }
        }
        false
    }
}

/// The length of an opener at the start of a text, and how many `#` it has; a `#` in the form stands for any number of them.
fn opener(rest: &str, form: &str) -> Option<(usize, usize)> {
    let Some((head, tail)) = form.split_once('#') else {
        return rest.starts_with(form).then_some((form.len(), 0));
    };
    let after = rest.strip_prefix(head)?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after.get(hashes..)?.starts_with(tail).then_some((head.len() + hashes + tail.len(), hashes))
}

/// Whether the text after a single quote makes it a character rather than a lifetime.
fn is_char(after: &str) -> bool {
    let mut chars = after.chars();
    match chars.next() {
        Some('\\') => true,
        Some('\'') | None => false,
        Some(_) => chars.next() == Some('\''),
    }
}

/// `{{` in a format string is a brace, not code.
fn doubled(rest: &str, open: &str) -> bool {
    open == "{" && rest.starts_with("{{")
}

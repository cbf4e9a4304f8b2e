//! The scanner: one pass from left to right with a stack of what is open. It reads words and brackets, and leaves comments and strings to
//! `literal` and markup to `tags`.

mod literal;
mod tags;

use pennyworth_grammars::Facts;

use super::token::{Kind, Nest, Open, Scan, Token, is_word};

pub(super) struct Scanner<'a> {
    text: &'a str,
    facts: &'a Facts,
    /// Whether markup is recognised.
    tags: bool,
    at: usize,
    out: Scan,
    /// Here-documents announced on this line, by the word that ends each.
    heredocs: Vec<String>,
    /// First bytes of all openers of strings and comments, so that most characters are skipped at once.
    special: [bool; 256],
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, facts: &'a Facts, tags: bool) -> Scanner<'a> {
        let mut special = [false; 256];
        let openers = (facts.strings.iter().map(|form| form.open.as_str()))
            .chain(facts.block_comments.iter().map(|(open, _)| open.as_str()))
            .chain(facts.line_comments.iter().map(String::as_str));
        for first in openers.filter_map(|open| open.bytes().next()) {
            if let Some(slot) = special.get_mut(usize::from(first)) {
                *slot = true;
            }
        }
        Scanner { text, facts, tags, at: 0, out: Scan::default(), heredocs: Vec::new(), special }
    }

    pub(super) fn run(mut self) -> Scan {
        while self.at < self.text.len() {
            let before = self.at;
            match self.out.open.last().map(|open| &open.nest) {
                Some(Nest::String { close, multiline, .. }) => {
                    let (close, multiline) = (close.clone(), *multiline);
                    self.string(self.at, &close, multiline);
                }
                Some(Nest::Comment { close, doc }) => {
                    let (close, doc) = (close.clone(), *doc);
                    self.comment(self.at, &close, doc);
                }
                Some(Nest::Tag { .. }) => self.in_tag(),
                Some(Nest::Element(_)) => self.in_element(),
                _ => self.code(),
            }
            if self.at == before {
                self.bump();
            }
        }
        self.out
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn previous(&self) -> Option<char> {
        self.text.get(..self.at)?.chars().next_back()
    }

    fn bump(&mut self) {
        self.at += self.peek().map_or(1, char::len_utf8);
    }

    fn push(&mut self, kind: Kind, start: usize) {
        self.out.tokens.push(Token { kind, start, end: self.at });
    }

    fn open(&mut self, nest: Nest, start: usize) {
        self.out.open.push(Open { nest, start });
    }

    fn code(&mut self) {
        let (Some(c), start) = (self.peek(), self.at) else { return };
        if c == ' ' {
            // Most of what stands between words.
            self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
            return;
        }
        let in_word = |scanner: &Self| scanner.previous().is_some_and(|before| is_word(scanner.facts, before));
        let special =
            self.text.as_bytes().get(start).is_some_and(|byte| self.special.get(usize::from(*byte)) == Some(&true));
        if c == '\n' || c == '\r' {
            self.line_break();
        } else if Some(c) == self.facts.escape
            && self.rest().chars().nth(1).is_some_and(|next| !matches!(next, '\n' | '\r'))
        {
            self.bump();
            self.bump();
            self.push(Kind::Word, start);
        } else if c.is_whitespace() {
            self.bump();
        } else if (special && (self.comment_opener() || self.string_opener(in_word(self))))
            || (c == '<' && self.facts.heredocs && self.heredoc_opener(in_word(self)))
            || (c == '/' && self.facts.regex && self.regex())
            || (c == '<' && self.tags && self.tag_in_code())
        {
            // The condition has moved on already.
        } else if is_word(self.facts, c) {
            self.word();
        } else {
            self.sign(c);
        }
    }

    fn word(&mut self) {
        let (start, rest) = (self.at, self.rest());
        let number = rest.starts_with(|c: char| c.is_ascii_digit());
        let mut end = rest.len();
        let mut chars = rest.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let next = chars.peek().map(|(_, next)| *next);
            // 1.5 and C++'s 1'000 are one word; `1..2` and `1.max(2)` are not.
            let inside = number && matches!(c, '.' | '\'') && next.is_some_and(|next| next.is_ascii_digit());
            if !is_word(self.facts, c) && !inside {
                end = at;
                break;
            }
        }
        self.at += end.max(1);
        if !self.facts.blocks.is_empty() {
            self.block_word(start);
        }
        self.push(Kind::Word, start);
    }

    /// Tracks bodies between words: `if` opens one where a statement or value begins, not where it modifies the text before it.
    fn block_word(&mut self, start: usize) {
        let word = self.text.get(start..self.at).unwrap_or_default();
        let before = self.out.tokens.last();
        let is_member = matches!(before, Some(Token { kind: Kind::Sign('.' | ':'), end, .. }) if *end == start);
        // `end:` is a key, `.end` and `:end` are names.
        if is_member || (self.rest().starts_with(':') && !self.rest().starts_with("::")) {
            return;
        }
        if let Some((_, close)) = self.facts.blocks.iter().find(|(open, _)| open == word) {
            let fresh = match before {
                Some(Token { kind: Kind::Word, start, end }) => {
                    let word = self.text.get(*start..*end).unwrap_or_default();
                    self.facts.openers.iter().any(|opener| opener == word) || word == "return"
                }
                Some(Token { kind: Kind::Close(_) | Kind::String, .. }) => false,
                _ => true,
            };
            let anywhere = self.facts.anywhere.iter().any(|open| open == word);
            if (fresh || anywhere) && !(anywhere && self.continues_loop()) {
                self.open(Nest::Block(close.clone()), start);
            }
            return;
        }
        let closed = |nest: &Nest| matches!(nest, Nest::Block(close) if close.split_whitespace().next() == Some(word));
        let nests = self.out.open.iter().enumerate().rev();
        let mut within = nests.take_while(|(_, open)| matches!(open.nest, Nest::Bracket(..) | Nest::Block(_)));
        if let Some((index, _)) = within.find(|(_, open)| closed(&open.nest)) {
            self.out.open.truncate(index);
        }
    }

    /// Whether a loop was opened on this line: its `do` opens no other body.
    fn continues_loop(&self) -> bool {
        let line = self.out.tokens.iter().rev().take_while(|token| token.kind != Kind::Break);
        let words =
            line.filter(|token| token.kind == Kind::Word).filter_map(|token| self.text.get(token.start..token.end));
        words.into_iter().any(|word| self.facts.loops.iter().any(|open| open == word))
    }

    fn sign(&mut self, c: char) {
        let start = self.at;
        if let Some(Nest::Interpolation(close)) = self.out.open.last().map(|open| &open.nest)
            && self.rest().starts_with(close)
        {
            self.at += close.len();
            self.out.open.pop();
            // The string continues after it as a new piece, which begins with this closer.
            if let Some(Nest::String { close, multiline, .. }) = self.out.open.last().map(|open| open.nest.clone()) {
                self.string(start, &close, multiline);
            }
            return;
        }
        self.bump();
        if let Some(&(open, close)) = self.facts.brackets.iter().find(|(open, _)| *open == c) {
            self.push(Kind::Open(c), start);
            self.open(Nest::Bracket(open, close), start);
        } else if self.facts.brackets.iter().any(|(_, close)| *close == c) {
            self.push(Kind::Close(c), start);
            self.close(c);
        } else {
            self.push(Kind::Sign(c), start);
        }
    }

    /// Closes the nearest bracket that `c` closes, with everything inside it; a bracket outside the current interpolation is left alone.
    fn close(&mut self, c: char) {
        let nests = self.out.open.iter().enumerate().rev();
        let inside =
            |nest: &Nest| matches!(nest, Nest::Bracket(..) | Nest::Block(_) | Nest::Tag { .. } | Nest::Element(_));
        let within = nests.take_while(|(_, open)| inside(&open.nest));
        let found = within
            .filter(|(_, open)| matches!(open.nest, Nest::Bracket(_, close) if close == c))
            .map(|(index, _)| index)
            .next();
        match found {
            Some(index) => self.out.open.truncate(index),
            None => self.out.unopened.push(self.out.tokens.len() - 1),
        }
    }

    fn line_break(&mut self) {
        let start = self.at;
        self.at += if self.rest().starts_with("\r\n") { 2 } else { 1 };
        self.push(Kind::Break, start);
        for word in std::mem::take(&mut self.heredocs) {
            self.heredoc_body(&word);
        }
    }
}

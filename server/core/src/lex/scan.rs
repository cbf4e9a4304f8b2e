//! The scanner: one pass from left to right with a stack of what is open.

use pennyworth_grammars::{Facts, StringForm};

use super::{Kind, Nest, Open, Scan, Token, is_word};

pub(super) struct Scanner<'a> {
    text: &'a str,
    facts: &'a Facts,
    at: usize,
    out: Scan,
    /// Here-documents announced on this line: the word that ends each, and whether it may be indented.
    heredocs: Vec<String>,
    /// First bytes of everything that opens a string or comment, so that most characters are passed over at once.
    special: [bool; 256],
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, facts: &'a Facts) -> Scanner<'a> {
        let mut special = [false; 256];
        let openers = (facts.strings.iter().map(|form| form.open.as_str()))
            .chain(facts.block_comments.iter().map(|(open, _)| open.as_str()))
            .chain(facts.line_comments.iter().map(String::as_str));
        for first in openers.filter_map(|open| open.bytes().next()) {
            if let Some(slot) = special.get_mut(usize::from(first)) {
                *slot = true;
            }
        }
        Scanner { text, facts, at: 0, out: Scan::default(), heredocs: Vec::new(), special }
    }

    pub(super) fn run(mut self) -> Scan {
        while self.at < self.text.len() {
            let before = self.at;
            match self.out.open.last().map(|open| open.nest.clone()) {
                Some(Nest::String { close, multiline, .. }) => self.string(self.at, &close, multiline),
                Some(Nest::Comment { close, doc }) => self.comment(self.at, &close, doc),
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
        let in_word = self.previous().is_some_and(|before| is_word(self.facts, before));
        let special =
            self.text.as_bytes().get(start).is_some_and(|byte| self.special.get(usize::from(*byte)) == Some(&true));
        if c == '\n' || c == '\r' {
            self.line_break();
        } else if c.is_whitespace() {
            self.bump();
        } else if (special && (self.comment_opener() || self.string_opener(in_word)))
            || (c == '<' && self.facts.heredocs && self.heredoc_opener(in_word))
            || (c == '/' && self.facts.regex && self.regex())
        {
            // It has moved on by itself.
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

    /// Keeps count of bodies between words: `if` opens one where a statement or value begins, not where it modifies what stands before.
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

    /// Whether a loop was opened on this line, whose body a `do` does not open again.
    fn continues_loop(&self) -> bool {
        let line = self.out.tokens.iter().rev().take_while(|token| token.kind != Kind::Break);
        let words =
            line.filter(|token| token.kind == Kind::Word).filter_map(|token| self.text.get(token.start..token.end));
        words.into_iter().any(|word| self.facts.loops.iter().any(|open| open == word))
    }

    fn sign(&mut self, c: char) {
        let start = self.at;
        if let Some(Nest::Interpolation(close)) = self.out.open.last().map(|open| open.nest.clone())
            && self.rest().starts_with(&close)
        {
            self.at += close.len();
            self.out.open.pop();
            // The string goes on behind it as a new piece, which begins with this closer.
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

    /// Closes the nearest bracket that `c` closes, with all inside it; a bracket outside the current interpolation is left alone.
    fn close(&mut self, c: char) {
        let nests = self.out.open.iter().enumerate().rev();
        let within = nests.take_while(|(_, open)| matches!(open.nest, Nest::Bracket(..) | Nest::Block(_)));
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

    fn comment_opener(&mut self) -> bool {
        let (rest, start) = (self.rest(), self.at);
        let doc = self.facts.doc_comments.iter().any(|open| {
            // Four slashes or stars are a rule drawn across the page, `/**/` is empty.
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

    /// `=begin` counts at the start of a line only; `#` not inside words, `$#`, `${#x}` or, where it opens an attribute, `#[`.
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

    /// Reads a comment on from here, up to its end or the end of the line it stands on.
    fn comment(&mut self, start: usize, close: &str, doc: bool) {
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

    fn string_opener(&mut self, in_word: bool) -> bool {
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

    /// Reads a string on from here: the form is the first with this closer and these interpolations.
    fn string(&mut self, start: usize, close: &str, multiline: bool) {
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
            if Some(c) == escape {
                self.bump();
                // An escaped line break carries even a one-line string on.
                self.bump_break();
            } else if rest.starts_with(close) {
                self.at += close.len();
                self.push(Kind::String, start);
                self.out.open.pop();
                return;
            } else if let Some((open, end)) =
                code.filter(|(open, _)| rest.starts_with(open.as_str()) && !doubled(rest, open))
            {
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

    fn heredoc_opener(&mut self, in_word: bool) -> bool {
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
        let skipped = rest.len() - word.len() + length + usize::from(quote.is_some());
        self.at += skipped.min(rest.len());
        self.push(Kind::String, start);
        true
    }

    fn heredoc_body(&mut self, word: &str) {
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
        self.push(Kind::String, start);
    }

    /// A regular expression, if a value may stand here and it is closed on its line.
    fn regex(&mut self) -> bool {
        let start = self.at;
        let value = match self.out.tokens.last() {
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
        };
        let rest = self.rest();
        if !value || rest.starts_with("/ ") || rest.starts_with("/=") {
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

/// Whether what follows a single quote makes it a character rather than a lifetime.
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

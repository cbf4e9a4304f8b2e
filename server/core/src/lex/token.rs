//! Tokens, what may be open around them, and the scan that holds both. It leaves finding them to `scan`.

use pennyworth_grammars::Facts;

/// The kind of a stretch of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name, a keyword or a number.
    Word,
    /// An opening bracket.
    Open(char),
    /// A closing bracket.
    Close(char),
    /// Any other sign, one character each.
    Sign(char),
    /// A comment, or a line of one.
    Comment {
        /// Whether it documents a definition.
        doc: bool,
        /// Whether it ends with the line.
        line: bool,
    },
    /// A string literal, or a piece of one between interpolations, quotes included.
    String,
    /// A line break outside strings and comments.
    Break,
}

/// A stretch of text of one kind. White space is in no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: Kind,
    /// Byte offset of its first character.
    pub start: usize,
    /// Byte offset after its last character.
    pub end: usize,
}

/// Something that was opened and not closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nest {
    /// A bracket, and the one that would close it.
    Bracket(char, char),
    /// A string, by the text that would close it.
    String {
        /// What closes it.
        close: String,
        /// Whether it documents a definition if it stands alone.
        doc: bool,
        /// Whether it may span lines.
        multiline: bool,
    },
    /// Code inside a string, by the text that closes it.
    Interpolation(String),
    /// A body between words, by the text that closes it (`end`).
    Block(String),
    /// A tag of markup among code, up to its `>`.
    Tag {
        /// The element's name, empty for a fragment's.
        name: String,
        /// Whether it ends an element.
        closing: bool,
    },
    /// The content of an element, by its name.
    Element(String),
    /// A comment, by the text that closes it; empty if the end of the line does.
    Comment {
        /// What closes it.
        close: String,
        /// Whether it documents a definition.
        doc: bool,
    },
}

impl Nest {
    /// Appends what closes it.
    pub fn close(&self, text: &mut String) {
        match self {
            Nest::Bracket(_, close) => text.push(*close),
            Nest::String { close, .. } | Nest::Interpolation(close) | Nest::Comment { close, .. } => {
                text.push_str(close)
            }
            Nest::Tag { closing: true, .. } => text.push('>'),
            Nest::Tag { .. } => text.push_str(" />"),
            Nest::Element(name) => text.extend(["</", name, ">"]),
            // A word needs a blank or a line break before it.
            Nest::Block(close) => {
                if !close.starts_with('\n') {
                    text.push(' ');
                }
                text.push_str(close);
            }
        }
    }
}

/// Something open at the end of the text, and where it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// What it is.
    pub nest: Nest,
    /// Byte offset of its opener.
    pub start: usize,
}

/// The tokens of a text, and what is open at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scan {
    /// The tokens in order.
    pub tokens: Vec<Token>,
    /// What is open at the end, outermost first.
    pub open: Vec<Open>,
    /// Closing brackets that closed nothing, as indices into `tokens`.
    pub unopened: Vec<usize>,
}

impl Scan {
    /// The string or comment that the text ends in, if it does.
    pub fn literal(&self) -> Option<&Open> {
        self.open.last().filter(|open| matches!(open.nest, Nest::String { .. } | Nest::Comment { .. }))
    }

    /// The innermost bracket that is open at the end.
    pub fn bracket(&self) -> Option<(&Open, char)> {
        self.open.iter().rev().find_map(|open| match open.nest {
            Nest::Bracket(opener, _) => Some((open, opener)),
            _ => None,
        })
    }

    /// The text that closes everything opened at or after `from`, innermost first.
    pub fn closers(&self, from: usize) -> String {
        let opened = self.open.iter().rev().take_while(|open| open.start >= from);
        opened.fold(String::new(), |mut text, open| {
            open.nest.close(&mut text);
            text
        })
    }
}

/// Whether a character belongs to words of the language.
pub fn is_word(facts: &Facts, c: char) -> bool {
    c == '_' || c.is_alphanumeric() || facts.word_chars.contains(c)
}

//! Reads a text from a place on: blanks, signs, names and literals of any language. It leaves what they mean to `named`.

use std::ops::Range;

/// Most bytes of a literal: longer ones are no passwords, and an opening quote may be an apostrophe.
const MAX_LITERAL: usize = 8 * 1024;
/// Most characters of a type between a name and its value.
const MAX_TYPE: usize = 60;

/// Fewest bytes of a key.
const MIN_BYTES: usize = 16;

/// How literals begin and end, the longer ones first.
const QUOTES: [(&str, &str); 11] = [
    ("\"\"\"", "\"\"\""),
    ("'''", "'''"),
    ("\\\"", "\\\""),
    ("\"", "\""),
    ("'", "'"),
    ("`", "`"),
    ("[[", "]]"),
    ("q{", "}"),
    ("qq{", "}"),
    ("%q{", "}"),
    ("%q(", ")"),
];

/// A place in a text.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    text: &'a str,
    pub(super) at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, at: usize) -> Reader<'a> {
        Reader { text, at }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// What follows, up to this many bytes.
    pub(super) fn ahead(&self, bytes: usize) -> &'a str {
        let rest = self.rest();
        (bytes.saturating_sub(3)..=bytes).rev().find_map(|end| rest.get(..end)).unwrap_or(rest)
    }

    /// A span of the text.
    pub(super) fn part(&self, span: &Range<usize>) -> &'a str {
        self.text.get(span.clone()).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes on behind a text, if it stands here.
    pub(super) fn takes(&mut self, text: &str) -> bool {
        let is_here = self.rest().starts_with(text);
        if is_here {
            self.at += text.len();
        }
        is_here
    }

    /// Goes on while characters are wanted; returns them.
    pub(super) fn takes_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    pub(super) fn skip_blanks(&mut self) {
        self.takes_while(|c| c == ' ' || c == '\t');
    }

    /// Skips the name that YAML gives a value: `&name …`.
    pub(super) fn skip_anchor(&mut self) {
        let mut ahead = *self;
        let has_name = ahead.takes("&") && !ahead.takes_while(|c| c.is_alphanumeric() || "_-".contains(c)).is_empty();
        if has_name && ahead.peek() == Some(' ') {
            ahead.skip_blanks();
            *self = ahead;
        }
    }

    /// Skips a comment between marks: `/* … */`.
    fn skip_comment(&mut self) {
        let end = self.rest().strip_prefix("/*").and_then(|rest| rest.find("*/"));
        self.at += end.filter(|end| *end < MAX_LITERAL).map_or(0, |end| end + "/**/".len());
        self.skip_blanks();
    }

    /// Skips blanks and at most two line breaks, with the marks that continue a line, and comments between marks.
    pub(super) fn skip_breaks(&mut self) {
        for _ in 0..3 {
            self.skip_blanks();
            self.skip_comment();
            let continued = self.takes("\\\n") || self.takes("\\\r\n") || self.takes("\r\n") || self.takes("\n");
            if !continued {
                return;
            }
        }
    }

    /// Skips a type up to the `=` behind it; false if there is none.
    pub(super) fn skips_type(&mut self) -> bool {
        let is_type = |c: char| c.is_alphanumeric() || "_<>&'[]?*.:;, |".contains(c);
        let mut ahead = *self;
        let mut depth = 0_i32;
        // A comma outside brackets ends a parameter.
        let skipped = ahead.rest().chars().take(MAX_TYPE).take_while(|c| {
            depth += i32::from("<[".contains(*c)) - i32::from(">]".contains(*c));
            is_type(*c) && (!",;".contains(*c) || depth > 0)
        });
        ahead.at += skipped.map(char::len_utf8).sum::<usize>();
        // Kotlin names the function that gets a property: `password: String get() = "…"`.
        let mut getter = ahead;
        getter.skip_breaks();
        let is_getter =
            getter.takes("get()") || (ahead.part(&(self.at..ahead.at)).ends_with(" get") && getter.takes("()"));
        if is_getter {
            getter.skip_blanks();
            ahead = getter;
        }
        // Swift computes one in braces: `password: String { "…" }`.
        let mut body = ahead;
        let is_body = !ahead.part(&(self.at..ahead.at)).trim().is_empty() && body.takes("{");
        body.skip_breaks();
        body.takes("return ");
        if is_body && body.peek() == Some('"') {
            *self = body;
            return true;
        }
        if !ahead.takes("=") || ahead.peek() == Some('>') {
            return false;
        }
        *self = ahead;
        true
    }

    /// Skips the types of a generic call: `useState<string>(`.
    pub(super) fn skip_generics(&mut self) {
        let mut ahead = *self;
        ahead.takes("::");
        let start = ahead.at;
        let is_open = ahead.takes("<");
        ahead.takes_while(|c| c.is_alphanumeric() || "_<>&'[]:., |?".contains(c));
        let types = ahead.part(&(start..ahead.at));
        if is_open && types.ends_with('>') && types.len() < MAX_TYPE && ahead.peek() == Some('(') {
            *self = ahead;
        }
    }

    /// The bytes of a key up to a closing bracket: `0x2b, 0x7e, …]`.
    pub(super) fn bytes(mut self) -> Option<Range<usize>> {
        self.takes_while(char::is_whitespace);
        let start = self.at;
        let list = self.takes_while(|c| c.is_ascii_alphanumeric() || ", \t\r\n_-".contains(c)).trim_end();
        let is_closed = self.peek().is_some_and(|c| ")]}".contains(c));
        let bytes: Vec<_> = list.split(',').map(str::trim).filter(|byte| !byte.is_empty()).collect();
        let is_byte = |byte: &&str| {
            let byte = byte.trim_start_matches('-').trim_end_matches("u8").trim_end_matches("_");
            let hex = byte.strip_prefix("0x").or_else(|| byte.strip_prefix("0X"));
            hex.map_or_else(|| byte.parse::<u8>().is_ok(), |hex| u8::from_str_radix(hex, 16).is_ok())
        };
        let others = bytes.iter().filter(|byte| Some(*byte) != bytes.first()).count();
        (is_closed && bytes.len() >= MIN_BYTES && others > 1 && bytes.iter().all(is_byte))
            .then(|| start..start + list.len())
    }

    /// Skips one word of a type in front of a `=`: `password string = `, `password As String = `; false if there is none.
    pub(super) fn skips_word_before_assignment(&mut self) -> bool {
        let mut ahead = *self;
        if !ahead.takes("As ") {
            ahead.takes("as ");
        }
        let word = ahead.takes_while(|c| c.is_alphanumeric() || "_*[].".contains(c));
        ahead.skip_blanks();
        let is_given = !word.is_empty() && ahead.takes("=") && !ahead.peek().is_some_and(|c| "=>~".contains(c));
        if is_given {
            *self = ahead;
        }
        is_given
    }

    /// Whether the next literal is the last one in its bracket.
    pub(super) fn closes_behind_a_literal(mut self) -> bool {
        self.skip_breaks();
        self.takes("<<");
        let is_literal = self.literal().is_some();
        self.takes(">>");
        self.skip_breaks();
        is_literal && self.peek().is_none_or(|c| ")]}".contains(c))
    }

    /// Reads a literal in quotes: the span between them. An open one ends at the end of its line, or of the text.
    pub(super) fn literal(&mut self) -> Option<Range<usize>> {
        let mut ahead = *self;
        ahead.takes_while(|c| "bBrRuUfFcLNE8@$".contains(c));
        let raw = ahead.takes_while(|c| c == '#').len();
        let (_, quote) = QUOTES.into_iter().find(|(open, _)| ahead.takes(open))?;
        let is_long = quote.len() == 3 || quote == "`" || quote == "]]" || raw > 0;
        let start = ahead.at;
        let rest = ahead.rest();
        let (mut escaped, mut length) = (false, None);
        for (at, c) in rest.char_indices() {
            if at > MAX_LITERAL {
                return None;
            }
            if !escaped && rest.get(at..).is_some_and(|rest| rest.starts_with(quote)) {
                length = Some(at);
                break;
            }
            if c == '\n' && !is_long && !escaped {
                length = Some(at);
                break;
            }
            escaped = c == '\\' && !escaped && raw == 0 && quote != "\\\"";
        }
        let end = start + length.unwrap_or(rest.len());
        ahead.at = end;
        ahead.takes(quote);
        ahead.takes_while(|c| raw > 0 && c == '#');
        *self = ahead;
        Some(start..end)
    }
}

//! Reads the expression that a secret name is given, and finds the literals that may be its value: operands, elements, and defaults of what is looked up.
//! It leaves what a lookup, a comparison or any other call is given, and judging the values, to others.

use std::ops::Range;

use super::before::is_quote;
use super::names::NAMES;
use super::reader::Reader;

/// Most parts of an expression that are read, most bytes, and most brackets that are open.
const MAX_PARTS: usize = 200;
const MAX_BYTES: usize = 8 * 1024;
const MAX_OPEN: usize = 8;
/// Most bytes of a collection of secrets; in its brackets, parts are not counted.
const MAX_COLLECTION: usize = 64 * 1024;
/// Signs between operands, the longer ones first; behind some, a literal is only compared.
const SIGNS: [(&str, bool); 13] = [
    ("===", true),
    ("!==", true),
    ("==", true),
    ("!=", true),
    (">=", true),
    ("<=", true),
    ("=~", true),
    ("<>", false),
    ("<<", false),
    ("->", false),
    ("=>", false),
    ("<", true),
    (">", true),
];
/// Words between operands.
const WORDS: [(&str, bool); 10] = [
    ("or", false),
    ("and", false),
    ("else", false),
    ("if", false),
    ("unless", false),
    ("new", false),
    ("await", false),
    ("not", false),
    ("in", true),
    ("is", true),
];

/// What an open bracket says about the literals in it.
#[derive(Clone, Copy)]
struct Frame {
    /// Where it opens.
    start: usize,
    /// Whether they are values.
    takes: bool,
    /// Whether the first one is what is looked up.
    is_lookup: bool,
    /// Whether names in front of values are keys of a collection.
    is_map: bool,
    /// Whether a comma has passed.
    is_behind: bool,
}

impl Frame {
    /// A bracket whose literals are no values.
    fn at(start: usize) -> Frame {
        Frame { start, takes: false, is_lookup: false, is_map: false, is_behind: false }
    }
}

/// What was read last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Sign,
    Literal,
    Name,
    Group,
}

/// Reads one expression.
pub(super) struct Expression<'a> {
    reader: Reader<'a>,
    frames: Vec<Frame>,
    last: Last,
    is_compared: bool,
    is_ternary: bool,
    /// Whether the last bracket that closed was a lookup's, and whether it held nothing but a type.
    is_looked_up: bool,
    is_cast: bool,
    /// What a key says about the value behind it, if one is.
    keyed: Option<bool>,
    /// Whether what is given is a collection of secrets, each under its key.
    is_collection: bool,
    /// Whether it is that of a template, `{{ … }}`, in which arguments follow a name, and whether the last name gives its own on.
    is_template: bool,
    is_giving: bool,
    found: Vec<Range<usize>>,
}

impl<'a> Expression<'a> {
    /// An expression that begins here.
    pub(super) fn new(reader: Reader<'a>, is_collection: bool) -> Expression<'a> {
        Expression {
            reader,
            frames: Vec::new(),
            last: Last::Sign,
            is_compared: false,
            is_ternary: false,
            is_looked_up: false,
            is_cast: false,
            keyed: None,
            is_collection,
            is_template: reader.rest().starts_with("{{"),
            is_giving: false,
            found: Vec::new(),
        }
    }

    /// The arguments of a call, or the elements of a list, up to its closing bracket.
    pub(super) fn arguments(self) -> Vec<Range<usize>> {
        self.in_brackets(false)
    }

    /// The first of the arguments here, and each that is named as a default.
    pub(super) fn next_argument(self) -> Vec<Range<usize>> {
        self.in_brackets(true)
    }

    fn in_brackets(mut self, takes_one: bool) -> Vec<Range<usize>> {
        self.frames.push(Frame { takes: true, ..Frame::at(self.reader.at) });
        for _ in 0..MAX_PARTS {
            if !self.part() || self.frames.is_empty() {
                break;
            }
            if let [frame] = self.frames.as_mut_slice() {
                frame.takes &= !(takes_one && frame.is_behind);
            }
        }
        self.found
    }

    /// The literals that may be values.
    pub(super) fn literals(mut self) -> Vec<Range<usize>> {
        let end = self.reader.at + if self.is_collection { MAX_COLLECTION } else { MAX_BYTES };
        let mut left = MAX_PARTS;
        while left > 0 && self.reader.at <= end && self.part() {
            left -= usize::from(!self.is_collection || self.frames.is_empty());
        }
        self.found
    }

    /// The `number`th element of a list at the end of an assignment to several names.
    pub(super) fn element(mut self, number: usize) -> Vec<Range<usize>> {
        self.reader.skip_breaks();
        if !self.reader.takes("(") {
            self.reader.takes("[");
        }
        for _ in 0..number {
            self.reader.at = Expression::new(self.reader, false).end();
            if !self.reader.takes(",") {
                return Vec::new();
            }
        }
        Expression::new(self.reader, false).literals()
    }

    /// Where it ends.
    pub(super) fn end(mut self) -> usize {
        for _ in 0..MAX_PARTS {
            if !self.part() {
                break;
            }
        }
        self.reader.at
    }

    /// Reads the next part; false at the end.
    fn part(&mut self) -> bool {
        if self.frames.len() > MAX_OPEN || !self.goes_on() {
            return false;
        }
        if let Some(span) = self.reader.literal() {
            return self.literal(span);
        }
        // A type of Go: `[]byte("…")`.
        self.reader.takes("[]");
        if self.reader.rest().starts_with("${") {
            return false;
        }
        let is_call = self.reader.peek().is_some_and(|c| c.is_alphabetic() || c == '_' || c == '$' || c == '@');
        if is_call {
            return self.name();
        }
        self.sign()
    }

    /// Skips blanks, comments and breaks; false where the expression ends.
    fn goes_on(&mut self) -> bool {
        if self.frames.is_empty() && self.last == Last::Sign {
            self.reader.skip_breaks();
            return true;
        }
        if !self.frames.is_empty() {
            for _ in 0..MAX_PARTS {
                let at = self.reader.at;
                self.reader.skip_breaks();
                if is_comment(self.reader.rest()) {
                    self.reader.takes_while(|c| c != '\n');
                }
                if self.reader.at == at {
                    break;
                }
            }
            return true;
        }
        let mut ahead = self.reader;
        ahead.skip_blanks();
        let is_broken = ahead.peek().is_some_and(|c| c == '\n' || c == '\r' || c == '\\' || c == '/');
        if is_broken {
            ahead.skip_breaks();
            let rest = ahead.rest();
            let signs = [".", "?", "+", "||", "&&", ": "];
            let is_more = signs.into_iter().any(|sign| rest.starts_with(sign))
                || (rest.starts_with(['"', '\'', '`']) && self.last == Last::Literal);
            if !is_more {
                return false;
            }
        }
        self.reader = ahead;
        true
    }

    fn literal(&mut self, span: Range<usize>) -> bool {
        if self.frames.is_empty() && (self.last == Last::Name || (self.last == Last::Group && !self.is_cast)) {
            return false;
        }
        // One that is open at the end of its line, right behind another one, ends the text around them.
        let is_open = !self.reader.part(&(0..self.reader.at)).ends_with(is_quote);
        if self.frames.is_empty() && self.last == Last::Literal && is_open && self.reader.rest().starts_with('\n') {
            return false;
        }
        let mut ahead = self.reader;
        ahead.skip_blanks();
        let is_arrow = self.keyed.is_none() && ahead.takes("=>");
        if let Some(frame) = self.frames.last_mut() {
            frame.is_map |= is_arrow;
        }
        let is_map = self.frames.last().is_some_and(|frame| frame.is_map);
        let is_key =
            is_map && self.keyed.is_none() && (is_arrow || [":", "="].into_iter().any(|sign| ahead.takes(sign)));
        if is_key {
            self.reader = ahead;
            self.key(self.reader.part(&span));
            return true;
        }
        let is_other = self.is_template && self.last == Last::Name && !self.is_giving;
        if self.takes() && !is_other {
            self.found.push(span);
        }
        (self.last, self.is_compared) = (Last::Literal, false);
        true
    }

    /// A key of a collection, or an argument's name.
    fn key(&mut self, name: &str) {
        let frame = self.frames.last().copied();
        let is_own = self.frames.len() == 1 && frame.is_some_and(|frame| frame.is_map && frame.takes);
        let is_value = match is_own && self.is_collection {
            true => !NAMES.is_about(name),
            false => NAMES.is_default(name),
        };
        (self.keyed, self.last) = (Some(is_value), Last::Sign);
    }

    fn name(&mut self) -> bool {
        let start = self.reader.at;
        let name = path(&mut self.reader);
        let is_joined = name == "join" && self.reader.part(&(0..start)).ends_with('.');
        if let Some((_, is_compared)) = WORDS.into_iter().find(|(word, _)| *word == name) {
            (self.last, self.is_compared) = (Last::Sign, is_compared);
            return true;
        }
        if self.last != Last::Sign && self.frames.is_empty() {
            return false;
        }
        (self.last, self.is_compared) = (Last::Name, false);
        let mut ahead = self.reader;
        ahead.skip_blanks();
        let is_key = !self.frames.is_empty()
            && (ahead.takes("=>") || (ahead.takes(":") && !self.is_ternary) || ahead.takes("="))
            && !ahead.rest().starts_with(['=', ':']);
        if is_key {
            self.reader = ahead;
            self.key(name);
            return true;
        }
        let takes = self.takes();
        let (is_wrapper, is_getter) = (NAMES.is_wrapper(name), NAMES.is_getter(name));
        self.is_giving = is_wrapper;
        self.reader.skip_generics();
        let mut elements = self.reader;
        if elements.takes("[]") {
            elements.skip_blanks();
            self.reader = if elements.peek() == Some('{') { elements } else { self.reader };
        }
        if self.reader.takes("(") || (name.ends_with('!') && self.reader.takes("[")) {
            let takes = takes && (is_wrapper || is_getter || is_joined);
            self.opens(Frame { takes, is_lookup: is_getter, ..Frame::at(self.reader.at) });
        } else if self.reader.takes("[") {
            self.opens(Frame::at(self.reader.at));
        } else if self.reader.takes("{") {
            self.opens(Frame { takes: takes && is_wrapper, is_map: true, ..Frame::at(self.reader.at) });
        }
        true
    }

    /// Whether a literal would be a value here.
    fn takes(&self) -> bool {
        self.keyed.unwrap_or_else(|| {
            self.frames.last().is_none_or(|frame| frame.takes && (!frame.is_lookup || frame.is_behind))
        }) && !self.is_compared
    }

    fn opens(&mut self, frame: Frame) {
        self.found.extend(frame.takes.then(|| self.reader.bytes()).flatten());
        self.frames.push(frame);
        (self.last, self.keyed, self.is_compared) = (Last::Sign, None, false);
    }

    fn sign(&mut self) -> bool {
        if let Some((_, is_compared)) = SIGNS.into_iter().find(|(sign, _)| self.reader.takes(sign)) {
            (self.last, self.is_compared) = (Last::Sign, is_compared);
            return true;
        }
        let Some(c) = self.reader.peek() else { return false };
        let is_top = self.frames.is_empty();
        let is_index = self.last != Last::Sign;
        let takes = self.takes();
        match c {
            // Behind a lookup, a block holds the default; behind anything else, other code.
            '{' if is_top && is_index && !self.is_looked_up => return false,
            '(' | '[' | '{' => {
                self.reader.at += 1;
                let takes = takes && (!is_index || (c == '{' && self.is_looked_up));
                self.opens(Frame { takes, is_map: c == '{', ..Frame::at(self.reader.at) });
                return true;
            }
            ')' | ']' | '}' => {
                let Some(frame) = self.frames.pop() else { return false };
                let is_type = |c: char| c.is_alphanumeric() || "_ *&".contains(c);
                let inside = self.reader.part(&(frame.start..self.reader.at));
                self.is_cast = c == ')' && !inside.is_empty() && inside.chars().all(is_type);
                self.is_looked_up = frame.is_lookup;
                (self.last, self.keyed) = (Last::Group, None);
            }
            ',' | ';' | '\n' if is_top => return false,
            ',' | ';' => {
                if let Some(frame) = self.frames.last_mut() {
                    frame.is_behind = true;
                }
                (self.last, self.keyed, self.is_compared) = (Last::Sign, None, false);
            }
            '?' => (self.last, self.is_ternary) = (Last::Sign, true),
            ':' if is_top && !self.is_ternary => return false,
            '=' | '#' if is_top => return false,
            '/' if is_top && self.reader.rest().starts_with("//") => return false,
            '+' | '.' | '|' | '&' | '~' | ':' | '-' | '*' | '/' | '%' | '!' | '^' | '\\' | '=' => {
                self.last = Last::Sign
            }
            c if c.is_ascii_digit() => self.last = Last::Name,
            _ if is_top => return false,
            _ => {}
        }
        self.reader.at += c.len_utf8();
        true
    }
}

/// The name of what is called or read, with what it belongs to.
fn path<'a>(reader: &mut Reader<'a>) -> &'a str {
    let start = reader.at;
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$' || c == '@';
    loop {
        reader.takes_while(is_part);
        let mut ahead = *reader;
        let joins = ["::", "?.", "->", "&.", ".", "!."].into_iter().any(|sign| ahead.takes(sign));
        if !joins || !ahead.peek().is_some_and(|c| c.is_alphabetic() || c == '_') {
            break;
        }
        *reader = ahead;
    }
    let mut ahead = *reader;
    if ahead.takes("!") && ahead.peek().is_some_and(|c| "([{".contains(c)) {
        *reader = ahead;
    }
    reader.part(&(start..reader.at))
}

fn is_comment(rest: &str) -> bool {
    rest.starts_with("//") || (rest.starts_with('#') && !rest.starts_with("#\"")) || rest.starts_with("-- ")
}

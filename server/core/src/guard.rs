//! What must not reach a grammar: texts with which its scanner aborts the process, or reads and writes past its tables. The limits are rows
//! of `language.toml`. It reads bytes only, in one pass, and a language without limits costs nothing. It leaves parsing to `syntax`.
//!
//! Scanners keep their state in 1,024 bytes, and some do not look whether it fits. What is counted here is never less than what they store.

use std::ops::Range;

use pennyworth_grammars::{Facts, Limits};

/// Columns that fit into the numbers of a scanner.
const MAX_COLUMN: usize = 32_000;
/// Bytes that a scanner stores for a here-document, besides its word, and for a string around code.
const HEREDOC_BYTES: usize = 4;
const STRING_BYTES: usize = 5;

/// Looks whether a grammar can read a text, given as bytes. `None` if not. Otherwise the places of characters that it must not see, which is
/// nearly always an empty list: [`narrowed`] replaces them.
pub fn check(facts: &Facts, bytes: impl Iterator<Item = u8> + Clone) -> Option<Vec<Range<usize>>> {
    let Limits { heredoc_word, open, indents, blocks, narrow_behind } = facts.limits;
    let fits = heredoc_word.is_none_or(|most| !has_endless_word(most, bytes.clone()))
        && open.is_none_or(|most| fits_open(most, bytes.clone()))
        && indents.is_none_or(|most| is_short(&bytes, most) || count_indents(bytes.clone()) <= most)
        && blocks.is_none_or(|most| deepest_block(bytes.clone()) <= most);
    fits.then(|| narrow_behind.map_or_else(Vec::new, |bracket| wide_characters(bracket, bytes)))
}

/// The text with other characters of the same length, below U+0100, in the given places.
pub fn narrowed(text: &str, places: &[Range<usize>]) -> String {
    let mut narrowed = String::with_capacity(text.len());
    let mut end = 0;
    for place in places {
        narrowed.push_str(text.get(end..place.start).unwrap_or_default());
        narrowed.push_str(["", "e", "é", "ée", "éé"].get(place.len()).copied().unwrap_or_default());
        end = place.end;
    }
    narrowed.push_str(text.get(end..).unwrap_or_default());
    narrowed
}

/// The characters above U+00FF directly behind a bracket and any digits and dots. Bash's scanner calls `isdigit` with them, which is defined for
/// bytes only and reads a table at that index.
fn wide_characters(bracket: char, bytes: impl Iterator<Item = u8>) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = Vec::new();
    let (mut behind, mut inside) = (false, false);
    for (at, byte) in bytes.enumerate() {
        match byte {
            0x80..0xc0 if inside => places.last_mut().into_iter().for_each(|place| place.end = at + 1),
            0x80.. => {
                // U+0080 to U+00FF begin with these two.
                inside = behind && !matches!(byte, 0xc2 | 0xc3);
                behind = false;
                if inside {
                    places.push(at..at + 1);
                }
            }
            _ => {
                behind = char::from(byte) == bracket || (behind && matches!(byte, b'0'..=b'9' | b'.'));
                inside = false;
            }
        }
    }
    places
}

/// Whether a here-document's word may be longer than `most` bytes. Ruby's scanner has one byte for the length; a `<<"` that the user is typing is
/// enough for a long one.
fn has_endless_word(most: usize, mut bytes: impl Iterator<Item = u8> + Clone) -> bool {
    let mut last = 0;
    while let Some(byte) = bytes.next() {
        if (last, byte) == (b'<', b'<') && word(bytes.clone()).nth(most).is_some() {
            return true;
        }
        last = byte;
    }
    false
}

/// The word of a here-document, from behind its `<<`. Without an end, a quoted one is the rest of the text.
fn word(bytes: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    let mut word = bytes.skip_while(|byte| matches!(byte, b'~' | b'-')).peekable();
    let quote = word.next_if(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    word.take_while(move |byte| match quote {
        Some(quote) => *byte != quote,
        None => byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii(),
    })
}

/// Whether Ruby's scanner never stores more than `most` bytes: for each open here-document, and for each string around code. Only what ends for
/// certain is taken off again, because a `}` or a here-document's word may stand in a string or a comment. A `<<` that is none stays open.
fn fits_open(most: usize, mut bytes: impl Iterator<Item = u8> + Clone) -> bool {
    let (mut heredocs, mut first): (Vec<Heredoc>, usize) = (Vec::new(), 0);
    // A string, and one in its code.
    let (mut open, mut last, mut codes) = (2 * STRING_BYTES, b'\n', 0_usize);
    while let Some(byte) = bytes.next() {
        match byte {
            b'<' if last == b'<' => {
                if let Some(heredoc) = Heredoc::new(bytes.clone()) {
                    open += HEREDOC_BYTES + heredoc.word.len();
                    heredocs.push(heredoc);
                }
            }
            b'{' if last == b'#' && !is_plain_until(b'}', bytes.clone()) => {
                open += STRING_BYTES;
                codes += 1;
            }
            // In code inside of a string, a line with the word ends nothing.
            b'\n' if codes == 0 => {
                if let Some(heredoc) = heredocs.get(first).filter(|heredoc| heredoc.ends_at(bytes.clone())) {
                    open -= HEREDOC_BYTES + heredoc.word.len();
                    first += 1;
                }
            }
            _ => {}
        }
        if open > most {
            return false;
        }
        last = byte;
    }
    true
}

/// A here-document of Ruby.
struct Heredoc {
    word: Vec<u8>,
    /// Whether blanks may stand before the word at its end.
    is_indented: bool,
    /// Whether its text begins in the next line for certain: behind `<<WORD`, nothing opens a string that goes on there.
    begins: bool,
}

impl Heredoc {
    /// What begins behind a `<<`; `None` without a word.
    fn new(bytes: impl Iterator<Item = u8> + Clone) -> Option<Heredoc> {
        let word: Vec<u8> = word(bytes.clone()).collect();
        let mut behind = bytes.peekable();
        let is_indented = behind.next_if(|byte| matches!(byte, b'~' | b'-')).is_some();
        let is_quoted = behind.peek().is_some_and(|byte| matches!(byte, b'"' | b'\'' | b'`'));
        let length = word.len() + if is_quoted { 2 } else { 0 };
        (!word.is_empty()).then(|| Heredoc { word, is_indented, begins: is_plain_until(b'\n', behind.skip(length)) })
    }

    /// Whether it ends with this line for certain.
    fn ends_at(&self, line: impl Iterator<Item = u8>) -> bool {
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        self.begins && is_line(line.skip_while(|byte| self.is_indented && is_blank(byte)), &self.word)
    }
}

/// Whether code goes on to a sign without anything that may hide it: a comment, a regular expression, an escape, a bracket in braces, or quotes
/// that are open. Pairs of quotes in front of it are plain.
fn is_plain_until(sign: u8, mut bytes: impl Iterator<Item = u8>) -> bool {
    let mut quote = None;
    bytes
        .find_map(|byte| match (byte, quote) {
            (b'\n' | b'#' | b'\\' | b'{' | b'}' | b'$' | b'%' | b'/' | b'?' | b'`', _) => {
                Some(byte == sign && quote.is_none())
            }
            (b'"' | b'\'', None) => {
                quote = Some(byte);
                None
            }
            _ if quote == Some(byte) => {
                quote = None;
                None
            }
            _ => None,
        })
        .unwrap_or(false)
}

/// Whether a line consists of a word.
fn is_line(mut line: impl Iterator<Item = u8>, word: &[u8]) -> bool {
    word.iter().all(|byte| line.next() == Some(*byte))
        && line.find(|byte| !matches!(byte, b' ' | b'\t')).is_none_or(|byte| matches!(byte, b'\n' | b'\r'))
}

/// Whether a text is too short for so many indentations, which are at most eight columns for a byte. Excerpts are.
fn is_short(bytes: &impl Iterator<Item = u8>, indents: usize) -> bool {
    bytes.size_hint().1.is_some_and(|length| length < indents * indents / 16)
}

/// The number of different indentations of lines. Python's scanner stores rising ones, two bytes each. A backslash before a line break adds the
/// next line's indentation.
fn count_indents(bytes: impl Iterator<Item = u8>) -> usize {
    let mut seen = [0_u64; 1024];
    let (mut column, mut leads, mut escaped) = (0_u16, true, false);
    for byte in bytes.chain([b'x']) {
        match byte {
            b'\n' if escaped => escaped = false,
            b'\n' => (column, leads) = (0, true),
            b'\r' if escaped => {}
            _ if !leads => {}
            b' ' => column = column.wrapping_add(1),
            b'\t' => column = column.wrapping_add(8),
            b'\r' | b'\x0c' => column = 0,
            b'\\' => escaped = true,
            _ => {
                (leads, escaped) = (false, false);
                if let Some(part) = seen.get_mut(usize::from(column / 64)) {
                    *part |= 1 << (column % 64);
                }
            }
        }
    }
    seen.iter().map(|part| part.count_ones() as usize).sum()
}

/// A block of YAML that may be open.
#[derive(Clone, Copy, PartialEq)]
enum Block {
    /// A mapping or a sequence that begins at a column.
    At(usize),
    /// A text in lines that are indented deeper than a column.
    Text(Option<usize>),
}

/// The most blocks of YAML that may be open at once. Where a line or one of the signs `- `, `? ` and `: ` begins, a block may begin, and those
/// that began further right have ended. In broken text the scanner may keep one block more for each of these.
fn deepest_block(bytes: impl Iterator<Item = u8>) -> usize {
    let mut open: Vec<Block> = Vec::new();
    let (mut column, mut leads, mut most) = (0_usize, true, 0_usize);
    let mut above = None;
    let mut bytes = bytes.peekable();
    while let Some(byte) = bytes.next() {
        if matches!(byte, b'\n' | b'\r') {
            (column, leads) = (0, true);
            continue;
        }
        let is_blank = matches!(byte, b' ' | b'\t');
        if leads && byte == b'#' {
            // A comment ends no block, wherever it stands.
            leads = false;
        } else if leads && !is_blank {
            leads = false;
            let ended = |block: &Block| match block {
                Block::At(start) => column < *start,
                Block::Text(indent) => indent.is_some_and(|indent| column <= indent),
            };
            while open.last().is_some_and(ended) {
                open.pop();
            }
            above = open.iter().rev().find_map(|block| if let Block::At(start) = block { Some(*start) } else { None });
            begin(&mut open, Block::At(column));
        }
        let ends = bytes.peek().is_none_or(|next| matches!(next, b' ' | b'\t' | b'\n' | b'\r' | 0));
        match byte {
            b'-' | b'?' | b':' if ends => begin(&mut open, Block::At(column)),
            // `|2-` is a text, too.
            b'|' | b'>' if ends || bytes.peek().is_some_and(|next| matches!(next, b'0'..=b'9' | b'+' | b'-')) => {
                open.push(Block::Text(above));
            }
            _ => {}
        }
        most = most.max(if column > MAX_COLUMN { usize::MAX } else { open.len() });
        // Columns are characters.
        column += usize::from(byte & 0xc0 != 0x80);
    }
    most
}

fn begin(open: &mut Vec<Block>, block: Block) {
    if open.last() != Some(&block) {
        open.push(block);
    }
}

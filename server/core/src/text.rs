//! Documents: text that the editor's edits change, and snapshots of it that cost nothing to take.
//! It leaves parsing to `syntax`, and ownership of documents to the server's session.

use pennyworth_grammars::Language;
use ropey::Rope;
use tree_sitter::{InputEdit, Point, Tree};

/// Lines after which a document's break is known.
const BREAKS_SEEN: usize = 100;

/// The unit of `Position::character`, negotiated with the client once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// UTF-16 code units, the protocol's default.
    #[default]
    Utf16,
    /// Characters (Unicode scalar values).
    Utf32,
}

/// What ends a line for a client that counts lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineEnds {
    /// LF, CRLF or CR, as the protocol has it.
    #[default]
    Protocol,
    /// LF. A lone CR is a character of its line, and so is one before an LF if other lines end without it.
    Lf,
    /// LF in a text that has one, else CR.
    LfElseCr,
}

/// How a client counts positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counting {
    /// The unit of columns.
    pub encoding: Encoding,
    /// What ends a line.
    pub ends: LineEnds,
}

impl From<Encoding> for Counting {
    fn from(encoding: Encoding) -> Counting {
        Counting { encoding, ends: LineEnds::Protocol }
    }
}

/// A place in a document as an editor names it; both numbers count from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column, in units of the negotiated [`Encoding`].
    pub character: u32,
}

/// One change of a document, as the editor sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The range to replace; `None` replaces the whole text.
    pub range: Option<(Position, Position)>,
    /// The new text.
    pub text: String,
}

/// Where an edit took place, for code that keeps something in step with the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Byte offset of the change, before and after it.
    pub start: usize,
    /// Byte offset of the end of the replaced text, in the text before.
    pub old_end: usize,
    /// Byte offset of the end of the new text, in the text after.
    pub new_end: usize,
    /// First line touched.
    pub first_line: usize,
    /// Number of lines touched before the change, at least 1.
    pub old_lines: usize,
    /// Number of lines in their place, at least 1.
    pub new_lines: usize,
    /// Whether the first of these lines is as it was: the change begins at its end.
    pub keeps_first: bool,
    /// Whether the last of them is as it was: it begins behind the change.
    pub keeps_last: bool,
    /// True if the whole text was sent again.
    pub whole: bool,
}

/// A document and its last known tree.
#[derive(Clone)]
pub struct Document {
    text: Rope,
    language: &'static Language,
    version: Option<i32>,
    stale: bool,
    breaks: Breaks,
    tree: Option<Tree>,
    /// Whether the text has changed since the tree was parsed.
    changed: bool,
    /// Edits since a running parse began, which adjust its tree when it arrives; `None` if no parse runs, so that edits never pile up.
    during_parse: Option<Vec<InputEdit>>,
    /// Counts parses: only the last one begun may give a tree.
    parses: u64,
}

/// A document at one moment. Taking or cloning one copies no text.
#[derive(Clone)]
pub struct Snapshot {
    /// The text.
    pub text: Rope,
    /// The language.
    pub language: &'static Language,
    /// The version the editor gave, if it gave one with the last edit.
    pub version: Option<i32>,
    /// True if edits may have been lost; nothing is suggested then.
    pub stale: bool,
    /// The last full tree, adjusted by the edits since; `None` before the first parse.
    pub tree: Option<Tree>,
    /// Number of parses begun by then.
    parses: u64,
}

impl Document {
    /// A document as the editor opened it.
    pub fn new(text: &str, language: &'static Language, version: impl Into<Option<i32>>) -> Document {
        Document {
            text: Rope::from_str(text),
            language,
            version: version.into(),
            stale: false,
            breaks: Breaks::default().and(text),
            tree: None,
            changed: false,
            during_parse: None,
            parses: 0,
        }
    }

    /// Applies the edits of one notification in order, each to the result of the one before. Edits come in the order in which they were made,
    /// so versions prove nothing: some clients send one twice, leave some out, or send none.
    ///
    /// Positions past the end are clamped and reversed ranges are swapped, so no edit can fail. An edit that begins in a line that is not there
    /// marks the document stale until its whole text is sent again: the client has another text.
    pub fn apply(
        &mut self,
        version: impl Into<Option<i32>>,
        edits: &[Edit],
        counting: impl Into<Counting>,
    ) -> Vec<Change> {
        self.version = version.into();
        let counting = counting.into();
        edits.iter().map(|edit| self.apply_one(edit, counting)).collect()
    }

    fn apply_one(&mut self, edit: &Edit, counting: Counting) -> Change {
        let counting = self.counting(counting);
        let Some((start, end)) = edit.range else {
            return self.replace(&edit.text);
        };
        // Some clients call the end of the text the line behind the last one.
        self.stale |= start.min(end).line as usize > lines(&self.text, counting.ends);
        let (start, end) = (offset(&self.text, start, counting), offset(&self.text, end, counting));
        let (start, end) = (start.min(end), start.max(end));
        let (start_point, old_point) = (point(&self.text, start), point(&self.text, end));
        let (row, is_end) = (start_point.row, line_end(&self.text, start_point.row) == start);

        let chars = self.text.byte_to_char(start)..self.text.byte_to_char(end);
        let at = chars.start;
        self.text.remove(chars);
        self.text.insert(at, &edit.text);

        let new_end = start + edit.text.len();
        // An edit may part or join a CR and an LF at its ends.
        self.breaks = self.breaks.and(&slice(&self.text, start.saturating_sub(2), new_end + 2));
        let new_point = point(&self.text, new_end);
        // If the text between a CR and an LF is deleted, they become one break, whose place is in the line before.
        let start_point = start_point.min(new_point);
        let moved = InputEdit {
            start_byte: start,
            old_end_byte: end,
            new_end_byte: new_end,
            start_position: start_point,
            old_end_position: old_point,
            new_end_position: new_point,
        };
        if let Some(tree) = &mut self.tree {
            tree.edit(&moved);
        }
        self.changed = true;
        if let Some(edits) = &mut self.during_parse {
            edits.push(moved);
        }
        Change {
            start,
            old_end: end,
            new_end,
            first_line: start_point.row,
            old_lines: old_point.row - start_point.row + 1,
            new_lines: new_point.row - start_point.row + 1,
            keeps_first: is_end && start_point.row == row && line_end(&self.text, row) == start,
            keeps_last: old_point.column == 0 && new_point.column == 0,
            whole: false,
        }
    }

    fn replace(&mut self, text: &str) -> Change {
        let (old_end, old_lines) = (self.text.len_bytes(), self.text.len_lines());
        self.text = Rope::from_str(text);
        self.breaks = Breaks::default().and(text);
        self.stale = false;
        self.tree = None;
        self.during_parse = None;
        let new_lines = self.text.len_lines();
        Change {
            start: 0,
            old_end,
            new_end: text.len(),
            first_line: 0,
            old_lines,
            new_lines,
            keeps_first: false,
            keeps_last: false,
            whole: true,
        }
    }

    /// Begins a parse: takes a snapshot if the tree is not up to date. Edits are kept from here on until the parse ends.
    pub fn begin_parse(&mut self) -> Option<Snapshot> {
        if self.tree.is_some() && !self.changed {
            return None;
        }
        self.parses += 1;
        self.during_parse = Some(Vec::new());
        Some(self.snapshot())
    }

    /// Ends the parse that began with `of`, and keeps its tree, adjusted by the edits since. False if no tree was kept: there is none, the text was
    /// replaced meanwhile, or another parse was begun.
    pub fn end_parse(&mut self, of: &Snapshot, tree: Option<Tree>) -> bool {
        if of.parses != self.parses {
            return false;
        }
        let (Some(edits), Some(mut tree)) = (self.during_parse.take(), tree) else { return false };
        edits.iter().for_each(|edit| tree.edit(edit));
        self.changed = !edits.is_empty();
        self.tree = Some(tree);
        true
    }

    /// Notes that an edit was lost: nothing is suggested until the whole text is sent again.
    pub fn mark_stale(&mut self) {
        self.stale = true;
    }

    /// Whether edits may have been lost.
    pub fn is_stale(&self) -> bool {
        self.stale
    }

    /// How a client counts positions in this text. Where all its lines end alike, as they nearly always do, that is as the protocol has it.
    pub fn counting(&self, client: Counting) -> Counting {
        let Breaks { lf, crlf, cr } = self.breaks;
        let is_mixed = cr || (lf && crlf);
        let is_uniform = match client.ends {
            LineEnds::Protocol => true,
            LineEnds::Lf => !is_mixed,
            LineEnds::LfElseCr => !is_mixed || !(lf || crlf),
        };
        let ends = if is_uniform { LineEnds::Protocol } else { LineEnds::Lf };
        Counting { ends, ..client }
    }

    /// The document as it is now.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            text: self.text.clone(),
            language: self.language,
            version: self.version,
            stale: self.stale,
            tree: self.tree.clone(),
            parses: self.parses,
        }
    }

    /// The text.
    pub fn text(&self) -> &Rope {
        &self.text
    }

    /// The language.
    pub fn language(&self) -> &'static Language {
        self.language
    }
}

impl Snapshot {
    /// A snapshot of a text that no editor has open.
    pub fn of(text: &str, language: &'static Language) -> Snapshot {
        Document::new(text, language, 0).snapshot()
    }

    /// The snapshot with another text, not parsed yet.
    pub fn with_text(&self, text: Rope) -> Snapshot {
        Snapshot { text, tree: None, ..self.clone() }
    }
}

/// The byte offset of a position. One past the end of a line is clamped to the end before its line break, one past the last line to the
/// end of the text, and one inside a character to before it.
pub fn offset(text: &Rope, position: Position, counting: impl Into<Counting>) -> usize {
    let Counting { encoding, ends } = counting.into();
    let Some((start, end)) = line_chars(text, position.line as usize, ends) else { return text.len_bytes() };
    let character = position.character as usize;
    let char = match encoding {
        Encoding::Utf8 => {
            let byte = text.char_to_byte(start) + character;
            text.byte_to_char(byte.min(text.len_bytes()))
        }
        Encoding::Utf16 => {
            let unit = text.char_to_utf16_cu(start) + character;
            text.utf16_cu_to_char(unit.min(text.len_utf16_cu()))
        }
        Encoding::Utf32 => start + character,
    };
    text.char_to_byte(char.min(end))
}

/// The position of a byte offset, clamped to the end of the text and to before a character.
pub fn position(text: &Rope, offset: usize, counting: impl Into<Counting>) -> Position {
    let Counting { encoding, ends } = counting.into();
    let char = text.byte_to_char(offset.min(text.len_bytes()));
    let (line, start) = match ends {
        LineEnds::Lf => line_of_lf(text, char),
        LineEnds::Protocol | LineEnds::LfElseCr => {
            let line = text.char_to_line(char);
            (line, text.line_to_char(line))
        }
    };
    let character = match encoding {
        Encoding::Utf8 => text.char_to_byte(char) - text.char_to_byte(start),
        Encoding::Utf16 => text.char_to_utf16_cu(char) - text.char_to_utf16_cu(start),
        Encoding::Utf32 => char - start,
    };
    Position { line: line as u32, character: character as u32 }
}

/// The byte offset where a line's text ends, before its line break; the end of the text for a line past the last.
pub fn line_end(text: &Rope, line: usize) -> usize {
    if line >= text.len_lines() { text.len_bytes() } else { text.char_to_byte(line_end_char(text, line)) }
}

/// The number of lines as a client counts them.
pub fn lines(text: &Rope, ends: LineEnds) -> usize {
    match ends {
        LineEnds::Lf => line_of_lf(text, text.len_chars()).0 + 1,
        LineEnds::Protocol | LineEnds::LfElseCr => text.len_lines(),
    }
}

/// The line break of a document: that of its first line, LF if it has only one line. A CR in a line that ends with an LF is none.
pub fn line_break(text: &Rope) -> &'static str {
    let first = text.lines().take(BREAKS_SEEN).map(|line| {
        let end = line.len_chars();
        (end.checked_sub(2).and_then(|at| line.get_char(at)), end.checked_sub(1).and_then(|at| line.get_char(at)))
    });
    let mut found = "\n";
    for last in first {
        match last {
            (Some('\r'), Some('\n')) => return "\r\n",
            (_, Some('\n')) => return "\n",
            (_, Some('\r')) => found = "\r",
            _ => {}
        }
    }
    found
}

/// The line breaks that a text has, or had.
#[derive(Clone, Copy, Debug, Default)]
struct Breaks {
    lf: bool,
    crlf: bool,
    cr: bool,
}

impl Breaks {
    /// With those of a text.
    fn and(mut self, text: &str) -> Breaks {
        let mut rest = text;
        while let Some(at) = rest.find(['\r', '\n']) {
            let found = rest.get(at..).unwrap_or_default();
            let length = match found {
                _ if found.starts_with("\r\n") => {
                    self.crlf = true;
                    2
                }
                _ if found.starts_with('\r') => {
                    self.cr = true;
                    1
                }
                _ => {
                    self.lf = true;
                    1
                }
            };
            rest = found.get(length..).unwrap_or_default();
        }
        self
    }
}

/// Text between two byte offsets, clamped to the text and to whole characters.
pub fn slice(text: &Rope, start: usize, end: usize) -> String {
    let end = end.min(text.len_bytes());
    let (start, end) = (text.byte_to_char(start.min(end)), text.byte_to_char(end));
    text.slice(start..end).to_string()
}

/// The characters at which a line begins and its text ends; `None` if there is no such line.
fn line_chars(text: &Rope, line: usize, ends: LineEnds) -> Option<(usize, usize)> {
    if ends != LineEnds::Lf {
        return (line < text.len_lines()).then(|| (text.line_to_char(line), line_end_char(text, line)));
    }
    let mut breaks = text.chars().enumerate().filter(|(_, c)| *c == '\n').map(|(at, _)| at);
    let start = match line.checked_sub(1) {
        Some(before) => breaks.nth(before)? + 1,
        None => 0,
    };
    Some((start, breaks.next().unwrap_or(text.len_chars())))
}

/// The line of a character and the character at which that line begins, where only LF ends a line.
fn line_of_lf(text: &Rope, char: usize) -> (usize, usize) {
    let breaks = text.chars().take(char).enumerate().filter(|(_, c)| *c == '\n');
    breaks.fold((0, 0), |(line, _), (at, _)| (line + 1, at + 1))
}

fn line_end_char(text: &Rope, line: usize) -> usize {
    let start = text.line_to_char(line);
    let mut end = text.line_to_char(line + 1);
    for break_char in ['\n', '\r'] {
        if end > start && text.get_char(end - 1) == Some(break_char) {
            end -= 1;
        }
    }
    end
}

/// The point of a byte offset for tree-sitter, which ends lines only at LF. The rope also ends them at a lone CR. Trees use rows only for their
/// own `Point`s, which nothing here reads, so the rope's lines will do.
fn point(text: &Rope, offset: usize) -> Point {
    let line = text.byte_to_line(offset);
    Point { row: line, column: offset - text.line_to_byte(line) }
}

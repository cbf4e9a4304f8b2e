//! Documents: text that changes by the editor's edits, and snapshots of it that cost nothing to take.
//! It leaves parsing to `syntax`, and who owns which document to the server's session.

use pennyworth_grammars::Language;
use ropey::Rope;
use tree_sitter::{InputEdit, Point, Tree};

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

/// A place in a document as an editor names it; both numbers count from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, in lines ended by LF, CRLF or CR.
    pub line: u32,
    /// The column, in units of the negotiated [`Encoding`].
    pub character: u32,
}

/// One change of a document, as the editor sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; `None` replaces the whole text.
    pub range: Option<(Position, Position)>,
    /// What stands there afterwards.
    pub text: String,
}

/// Where an edit took place, for those who keep something in step with the text.
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
    /// Number of lines that stand in their place, at least 1.
    pub new_lines: usize,
    /// True if the whole text was sent anew.
    pub whole: bool,
}

/// A document and the last tree known of it.
#[derive(Clone)]
pub struct Document {
    text: Rope,
    language: Option<&'static Language>,
    version: i32,
    stale: bool,
    tree: Option<Tree>,
    /// Whether the text has changed since the tree was parsed.
    changed: bool,
    /// Edits since the text a running parse is working on, so that its tree can be brought up to date when it arrives; `None` where none runs,
    /// so that edits never pile up.
    during_parse: Option<Vec<InputEdit>>,
    /// Counts parses: only the last one that was begun may give a tree.
    parses: u64,
}

/// A document at one moment. Cloning and taking one copies no text.
#[derive(Clone)]
pub struct Snapshot {
    /// The text.
    pub text: Rope,
    /// The language, if one is known.
    pub language: Option<&'static Language>,
    /// The version the editor gave.
    pub version: i32,
    /// True if edits may have been missed; nothing is suggested then.
    pub stale: bool,
    /// The last full tree, moved along with the edits since; `None` before the first parse.
    pub tree: Option<Tree>,
    /// How many parses were begun by then.
    parses: u64,
}

impl Document {
    /// A document as the editor opened it.
    pub fn new(text: &str, language: Option<&'static Language>, version: i32) -> Document {
        Document {
            text: Rope::from_str(text),
            language,
            version,
            stale: false,
            tree: None,
            changed: false,
            during_parse: None,
            parses: 0,
        }
    }

    /// Applies the edits of one notification in order, each to the result of the one before.
    ///
    /// A version that does not rise marks the document stale until its whole text is sent again: edits may have been lost.
    /// Positions past the end are taken as the end, ranges the wrong way round are turned, so no edit can fail.
    pub fn apply(&mut self, version: i32, edits: &[Edit], encoding: Encoding) -> Vec<Change> {
        if version <= self.version {
            self.stale = true;
        }
        self.version = version;
        edits.iter().map(|edit| self.apply_one(edit, encoding)).collect()
    }

    fn apply_one(&mut self, edit: &Edit, encoding: Encoding) -> Change {
        let Some((start, end)) = edit.range else {
            return self.replace(&edit.text);
        };
        let (start, end) = (offset(&self.text, start, encoding), offset(&self.text, end, encoding));
        let (start, end) = (start.min(end), start.max(end));
        let (start_point, old_point) = (point(&self.text, start), point(&self.text, end));

        let chars = self.text.byte_to_char(start)..self.text.byte_to_char(end);
        let at = chars.start;
        self.text.remove(chars);
        self.text.insert(at, &edit.text);

        let new_end = start + edit.text.len();
        let new_point = point(&self.text, new_end);
        // What stood between a CR and an LF and is gone leaves one break, and its place is in the line before.
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
            whole: false,
        }
    }

    fn replace(&mut self, text: &str) -> Change {
        let (old_end, old_lines) = (self.text.len_bytes(), self.text.len_lines());
        self.text = Rope::from_str(text);
        self.stale = false;
        self.tree = None;
        self.during_parse = None;
        let new_lines = self.text.len_lines();
        Change { start: 0, old_end, new_end: text.len(), first_line: 0, old_lines, new_lines, whole: true }
    }

    /// Begins a parse: the document as it is, if its tree is not up to date. Edits are kept from here on until the parse ends.
    pub fn begin_parse(&mut self) -> Option<Snapshot> {
        if self.tree.is_some() && !self.changed {
            return None;
        }
        self.parses += 1;
        self.during_parse = Some(Vec::new());
        Some(self.snapshot())
    }

    /// Ends the parse that began with `of`, with its tree if there is one, which is moved along with the edits since. False if nothing came of it:
    /// there is none, the text was replaced meanwhile, or another parse was begun.
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

    /// An edit was lost: nothing is suggested until the whole text is sent again.
    pub fn mark_stale(&mut self) {
        self.stale = true;
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

    /// The language, if one is known.
    pub fn language(&self) -> Option<&'static Language> {
        self.language
    }
}

impl Snapshot {
    /// A snapshot of a text that no editor has open.
    pub fn of(text: &str, language: Option<&'static Language>) -> Snapshot {
        Document::new(text, language, 0).snapshot()
    }

    /// The document as it would be with another text, not parsed yet.
    pub fn with_text(&self, text: Rope) -> Snapshot {
        Snapshot { text, tree: None, ..self.clone() }
    }
}

/// The byte offset of a position. Past the end of a line is the end of the line, before its line break; past the last line is
/// the end of the text; inside a character is before the character.
pub fn offset(text: &Rope, position: Position, encoding: Encoding) -> usize {
    let line = position.line as usize;
    if line >= text.len_lines() {
        return text.len_bytes();
    }
    let start = text.line_to_char(line);
    let end = line_end_char(text, line);
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

/// The position of a byte offset; one past the end is the end, one inside a character is before it.
pub fn position(text: &Rope, offset: usize, encoding: Encoding) -> Position {
    let char = text.byte_to_char(offset.min(text.len_bytes()));
    let line = text.char_to_line(char);
    let start = text.line_to_char(line);
    let character = match encoding {
        Encoding::Utf8 => text.char_to_byte(char) - text.char_to_byte(start),
        Encoding::Utf16 => text.char_to_utf16_cu(char) - text.char_to_utf16_cu(start),
        Encoding::Utf32 => char - start,
    };
    Position { line: line as u32, character: character as u32 }
}

/// The byte offset where a line's text ends, its line break left out; the end of the text for a line past the last.
pub fn line_end(text: &Rope, line: usize) -> usize {
    if line >= text.len_lines() { text.len_bytes() } else { text.char_to_byte(line_end_char(text, line)) }
}

/// The line break that a document uses: that of its first line, LF if it has only one.
pub fn line_break(text: &Rope) -> &'static str {
    if text.len_lines() < 2 {
        return "\n";
    }
    let next = text.line_to_char(1);
    match (text.get_char(next.wrapping_sub(2)), text.get_char(next - 1)) {
        (Some('\r'), Some('\n')) => "\r\n",
        (_, Some('\r')) => "\r",
        _ => "\n",
    }
}

/// Text between two byte offsets, clamped to the text and to whole characters.
pub fn slice(text: &Rope, start: usize, end: usize) -> String {
    let end = end.min(text.len_bytes());
    let (start, end) = (text.byte_to_char(start.min(end)), text.byte_to_char(end));
    text.slice(start..end).to_string()
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

/// Where a byte offset is for tree-sitter, which ends lines at LF alone. The rope also ends them at a lone CR; trees only use the
/// rows for their own `Point`s, which nothing here reads, so the rope's lines will do.
fn point(text: &Rope, offset: usize) -> Point {
    let line = text.byte_to_line(offset);
    Point { row: line, column: offset - text.line_to_byte(line) }
}

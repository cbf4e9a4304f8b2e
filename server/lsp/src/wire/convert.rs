//! Converts between the protocol's types and the server's own: positions, ranges, edits, encodings, and URIs as paths.
//! It decides nothing, and leaves arithmetic on text to `core::text`.

use std::path::{Path, PathBuf};

use pennyworth_core::text::{self, Counting, Edit, Encoding};
use ropey::Rope;
use tower_lsp::gen_lsp_types::{
    NotebookCell, Position, PositionEncodingKind, Range, TextDocumentContentChangeEvent,
    TextDocumentContentChangePartial, Uri,
};
use url::Url;

use super::lenient::NO_VERSION;
use crate::paths::document;

/// Chooses an encoding from those a client offers in its order of preference. UTF-8 wins, because bytes cost nothing to count. Without a known
/// offer it is UTF-16, which every client must support.
pub fn negotiate(offered: Option<&[PositionEncodingKind]>) -> (Encoding, PositionEncodingKind) {
    let offered = offered.unwrap_or_default();
    if offered.contains(&PositionEncodingKind::UTF8) {
        (Encoding::Utf8, PositionEncodingKind::UTF8)
    } else if offered.contains(&PositionEncodingKind::UTF16) || !offered.contains(&PositionEncodingKind::UTF32) {
        (Encoding::Utf16, PositionEncodingKind::UTF16)
    } else {
        (Encoding::Utf32, PositionEncodingKind::UTF32)
    }
}

/// A position as `core::text` counts it.
pub fn position(position: Position) -> text::Position {
    text::Position { line: position.line, character: position.character }
}

/// The byte offset of a position. A position past the end gives the end.
pub fn offset(text: &Rope, at: Position, counting: impl Into<Counting>) -> usize {
    text::offset(text, position(at), counting)
}

/// The byte offset of a cursor. A column past the end of its line is the end of the line; `None` in a line that is not there.
pub fn cursor(text: &Rope, at: Position, counting: impl Into<Counting>) -> Option<usize> {
    let counting = counting.into();
    ((at.line as usize) < text::lines(text, counting.ends)).then(|| offset(text, at, counting))
}

/// The range between two byte offsets.
pub fn range(text: &Rope, start: usize, end: usize, counting: impl Into<Counting>) -> Range {
    let counting = counting.into();
    let at = |offset| {
        let text::Position { line, character } = text::position(text, offset, counting);
        Position { line, character }
    };
    Range { start: at(start), end: at(end) }
}

/// The lines of a range, counted from 0: one that ends at the beginning of a line does not have that line.
pub fn lines(range: &Range) -> std::ops::Range<usize> {
    let (start, end) = (range.start.line as usize, range.end.line as usize);
    let end = if range.end.character == 0 && end > start { end } else { end + 1 };
    start..end
}

/// A document's version; `None` if the client sent none.
pub fn version(version: i32) -> Option<i32> {
    (version != NO_VERSION).then_some(version)
}

/// The changes of one notification, in order.
pub fn edits(changes: Vec<TextDocumentContentChangeEvent>) -> Vec<Edit> {
    changes.into_iter().map(edit).collect()
}

fn edit(change: TextDocumentContentChangeEvent) -> Edit {
    match change {
        TextDocumentContentChangeEvent::TextDocumentContentChangePartial(TextDocumentContentChangePartial {
            range,
            text,
            ..
        }) => Edit { range: Some((position(range.start), position(range.end))), text },
        TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => {
            Edit { range: None, text: whole.text }
        }
    }
}

/// The path of a file's URI; `None` for documents without a file, such as unsaved ones.
pub fn path(uri: &Uri) -> Option<PathBuf> {
    document::file(&uri.0)
}

/// The path by which the server knows a document: that of its file, else its URI.
pub fn document(uri: &Uri) -> PathBuf {
    document::path(&uri.0)
}

/// The paths of a notebook's cells, in their order.
pub fn cells(cells: &[NotebookCell]) -> Vec<PathBuf> {
    cells.iter().map(|cell| document(&cell.document)).collect()
}

/// The path of a workspace folder; `None` if it is not on this machine.
pub fn folder(uri: &Uri) -> Option<PathBuf> {
    document::folder(&uri.0)
}

/// The path of a workspace folder that may lie on another machine; `None` if it is on this one.
pub fn folder_elsewhere(uri: &Uri) -> Option<PathBuf> {
    document::folder_elsewhere(&uri.0)
}

/// The URI of a path; `None` if the path is not absolute.
pub fn uri(path: &Path) -> Option<Uri> {
    Url::from_file_path(path).ok().map(|url| Uri(url.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cheapest_encoding_both_sides_know_is_taken() {
        let (utf8, utf16, utf32) =
            (PositionEncodingKind::UTF8, PositionEncodingKind::UTF16, PositionEncodingKind::UTF32);
        for (offered, expected) in [
            (None, Encoding::Utf16),
            (Some(vec![]), Encoding::Utf16),
            (Some(vec![PositionEncodingKind::Custom("utf-7".into())]), Encoding::Utf16),
            (Some(vec![utf16.clone()]), Encoding::Utf16),
            (Some(vec![utf32.clone()]), Encoding::Utf32),
            (Some(vec![utf32.clone(), utf16.clone()]), Encoding::Utf16),
            (Some(vec![utf16, utf32, utf8]), Encoding::Utf8),
        ] {
            assert_eq!(negotiate(offered.as_deref()).0, expected, "{offered:?}");
        }
    }

    #[test]
    fn paths_have_uris() {
        assert_eq!(uri(Path::new("/a/b c.rs")), Some(Uri("file:///a/b%20c.rs".into())));
        assert_eq!(uri(Path::new("b.rs")), None);
    }
}

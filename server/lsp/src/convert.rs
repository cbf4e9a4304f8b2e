//! The protocol's types and the server's own: positions, ranges, edits, encodings, and URIs as paths.
//! It decides nothing, and arithmetic on text is `core::text`'s.

use std::path::{Path, PathBuf};

use pennyworth_core::text::{self, Edit, Encoding};
use ropey::Rope;
use tower_lsp::gen_lsp_types::{
    Position, PositionEncodingKind, Range, TextDocumentContentChangeEvent, TextDocumentContentChangePartial, Uri,
};
use url::Url;

/// The encoding to use of those a client offers, which are in its order of preference. Bytes cost nothing to count, so they win;
/// without an offer, or with none known, it is UTF-16, which every client must speak.
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

/// The byte offset of a position; past the end is the end.
pub fn offset(text: &Rope, at: Position, encoding: Encoding) -> usize {
    text::offset(text, position(at), encoding)
}

/// The range between two byte offsets.
pub fn range(text: &Rope, start: usize, end: usize, encoding: Encoding) -> Range {
    let at = |offset| {
        let text::Position { line, character } = text::position(text, offset, encoding);
        Position { line, character }
    };
    Range { start: at(start), end: at(end) }
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

/// The path of a file's URI; `None` for documents that are no files, such as unsaved ones.
pub fn path(uri: &Uri) -> Option<PathBuf> {
    Url::parse(&uri.0).ok().filter(|url| url.scheme() == "file")?.to_file_path().ok()
}

/// The path by which a document is known to the models: that of its file, else its URI's last part, which still shows an extension.
pub fn name(uri: &Uri) -> PathBuf {
    path(uri).unwrap_or_else(|| PathBuf::from(uri.0.rsplit(['/', ':']).next().unwrap_or_default()))
}

/// The URI of a path; `None` for one that is not absolute.
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
    fn uris_and_paths() {
        for (given, expected) in [
            ("file:///a/b%20c/d.rs", Some("/a/b c/d.rs")),
            ("file:///a/%C3%A9.rs", Some("/a/é.rs")),
            ("untitled:Untitled-1", None),
            ("file://", Some("/")),
            ("not a uri", None),
            ("", None),
        ] {
            let found = path(&Uri(given.into()));
            assert_eq!(found.as_deref(), expected.map(Path::new), "{given}");
        }
        assert_eq!(name(&Uri("untitled:Untitled-1.py".into())), Path::new("Untitled-1.py"));
        assert_eq!(uri(Path::new("/a/b c.rs")), Some(Uri("file:///a/b%20c.rs".into())));
        assert_eq!(uri(Path::new("b.rs")), None);
    }
}

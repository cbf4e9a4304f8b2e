//! What must hold for any bytes at all: bodies that the fuzz targets in `tests/fuzz` and the property tests in `tests/tests/fuzz.rs` share.
//! Each takes bytes as they come and fails by an assertion.

use std::io;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use futures_util::{StreamExt, stream};
use pennyworth::frames::{Frames, Incoming};
use pennyworth_core::models::Protocol;
use pennyworth_core::syntax;
use pennyworth_core::text::{Document, Edit, Encoding, Position};
use pennyworth_providers::{Chunk, Expected, ProviderError, decode};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::Runtime;

/// Texts that edits are made of: what is counted differently in different units, and what parses.
const PIECES: [&str; 16] = [
    "a",
    "\n",
    "\r\n",
    "\r",
    "é",
    "e\u{301}",
    "😀",
    "👩‍👩‍👧",
    "\u{feff}",
    "\u{2028}",
    "\t",
    "fn f() {",
    "}",
    "\"",
    "/*",
    " ",
];
/// Edits at most; more finds nothing new.
const MAX_EDITS: usize = 64;

#[expect(clippy::expect_used, reason = "without a runtime nothing can be tested")]
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime"));

/// Reads bytes as numbers, and as nothing once they are used up.
struct Input<'a>(std::slice::Iter<'a, u8>);

impl Input<'_> {
    fn byte(&mut self) -> usize {
        self.0.next().copied().unwrap_or(0).into()
    }

    fn text(&mut self) -> String {
        let count = self.byte() % 8;
        (0..count).filter_map(|_| PIECES.get(self.byte() % PIECES.len())).copied().collect()
    }

    /// Mostly near the beginning, where the text is.
    fn number(&mut self) -> u32 {
        match self.byte() {
            255 => u32::MAX,
            byte => (byte % 24) as u32,
        }
    }

    fn position(&mut self) -> Position {
        Position { line: self.number(), character: self.number() }
    }
}

/// A document after any edits is what a plain string is after them, in every encoding, and its tree can be parsed again.
pub fn edits(bytes: &[u8]) {
    let mut input = Input(bytes.iter());
    let encodings = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];
    let encoding = encodings.get(input.byte() % encodings.len()).copied().unwrap_or_default();
    let mut plain = input.text();
    let mut document = Document::new(&plain, pennyworth_grammars::by_name("rust"), 0);
    for version in 1..=MAX_EDITS as i32 {
        if input.0.len() == 0 {
            break;
        }
        let whole = input.byte() == 0;
        let edit = Edit { range: (!whole).then(|| (input.position(), input.position())), text: input.text() };
        apply(&mut plain, &edit, encoding);
        document.apply(version, std::slice::from_ref(&edit), encoding);
        assert_eq!(document.text().to_string(), plain, "after {edit:?} in {encoding:?}");
        let Some(snapshot) = document.begin_parse() else { continue };
        if let Some(language) = snapshot.language
            && let Some(tree) = syntax::parse(&snapshot.text, language, snapshot.tree.as_ref(), &mut || true)
        {
            assert_eq!(tree.root_node().end_byte().min(plain.len()), tree.root_node().end_byte());
            assert!(document.end_parse(&snapshot, Some(tree)), "nothing happened in between");
        }
    }
    assert!(!document.snapshot().stale, "every version rose");
}

fn apply(plain: &mut String, edit: &Edit, encoding: Encoding) {
    match edit.range {
        None => plain.clone_from(&edit.text),
        Some((start, end)) => {
            let (a, b) = (offset(plain, start, encoding), offset(plain, end, encoding));
            plain.replace_range(a.min(b)..a.max(b), &edit.text);
        }
    }
}

/// The offset of a position, counted character by character.
fn offset(text: &str, position: Position, encoding: Encoding) -> usize {
    let (mut line, mut left) = (0, position.character as usize);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let breaks = matches!(c, '\r' | '\n');
        if line == position.line {
            let width = match encoding {
                Encoding::Utf8 => c.len_utf8(),
                Encoding::Utf16 => c.len_utf16(),
                Encoding::Utf32 => 1,
            };
            if breaks || left < width {
                return at;
            }
            left -= width;
        }
        if breaks && !(c == '\r' && matches!(chars.peek(), Some((_, '\n')))) {
            line += 1;
        }
    }
    text.len()
}

/// A provider's answer, whatever its bytes, is read to an end: text and accounts, and then one reason or one error. How its bytes are
/// split makes no difference.
pub fn stream(bytes: &[u8]) {
    Protocol::ALL.into_iter().for_each(|(_, protocol)| stream_of(protocol, bytes));
}

fn stream_of(protocol: Protocol, bytes: &[u8]) {
    let whole = chunks(protocol, bytes, bytes.len().max(1));
    for piece in [1, 3, 64] {
        assert_eq!(chunks(protocol, bytes, piece), whole, "in pieces of {piece}");
    }
    let (last, before) = whole.split_last().map_or((None, &[][..]), |(last, before)| (Some(last), before));
    assert!(matches!(last, Some(Ok(Chunk::Finish(_)) | Err(_))), "it ends with {last:?}");
    assert!(before.iter().all(|chunk| matches!(chunk, Ok(Chunk::Text { .. } | Chunk::Usage(_)))), "{before:?}");
    let told =
        before.iter().rev().find_map(|chunk| if let Ok(Chunk::Usage(usage)) = chunk { Some(usage) } else { None });
    assert!(told.is_some() || last.is_some_and(Result::is_err), "no account");
}

fn chunks(protocol: Protocol, bytes: &[u8], piece: usize) -> Vec<Result<Chunk, ProviderError>> {
    let pieces = bytes.chunks(piece).map(|piece| Ok::<_, ProviderError>(piece.to_vec()));
    let expected =
        Expected { prompt_tokens: 100, max_tokens: 1000, chars_per_token: 4.39, charges: true, charged: None };
    RUNTIME.block_on(decode(protocol, stream::iter(pieces.collect::<Vec<_>>()), expected).collect())
}

/// A client's stream, whatever its bytes, is read to its end, in fewer messages than bytes, and the same however it is split.
pub fn protocol(bytes: &[u8]) {
    let whole = messages(bytes, bytes.len().max(1));
    assert!(whole.len() <= bytes.len() + 1);
    for piece in [1, 7, 4096] {
        assert_eq!(messages(bytes, piece), whole, "in pieces of {piece}");
    }
}

fn messages(bytes: &[u8], piece: usize) -> Vec<String> {
    let mut frames = Frames::new(Pieces(bytes, piece));
    RUNTIME.block_on(async {
        let mut found = Vec::new();
        while let Ok(Some(message)) = frames.next().await {
            found.push(match message {
                Incoming::Request(request) => format!("request {request:?}"),
                Incoming::Response(response) | Incoming::Broken(response) => format!("response {response:?}"),
            });
        }
        found
    })
}

/// Bytes in pieces of a size.
struct Pieces<'a>(&'a [u8], usize);

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (now, later) = self.0.split_at(self.1.min(self.0.len()).min(buffer.remaining()));
        buffer.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

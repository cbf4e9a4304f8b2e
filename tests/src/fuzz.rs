//! Properties of any bytes: bodies that the fuzz targets in `tests/fuzz` and the property tests in `tests/tests/fuzz.rs` share.
//! Each takes any bytes and fails by an assertion.

use std::io;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll};

use futures_util::{StreamExt, stream};
use pennyworth::settings::said;
use pennyworth::wire::frames::{Frames, Incoming};
use pennyworth_core::classify;
use pennyworth_core::cut::{CutInput, Cutter, Finish, Surroundings};
use pennyworth_core::models::{Protocol, Shape};
use pennyworth_core::syntax;
use pennyworth_core::task::{Task, Tasks};
use pennyworth_core::text::{Document, Edit, Encoding, Position};
use pennyworth_grammars::Language;
use pennyworth_providers::{Chunk, Expected, ProviderError, decode};
use tokio::io::{AsyncRead, ReadBuf};
use tokio::runtime::Runtime;

use crate::garble;

mod settings;

pub use settings::{OWN, editor_settings, workspace_settings};

/// Parts of edits: characters whose width differs between encodings, and code.
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
/// Most edits; more find nothing new.
const MAX_EDITS: usize = 64;

/// Most progress reports of a whole parse, which has no end of its own in the worst texts.
const MAX_REPORTS: usize = 200;

#[expect(clippy::expect_used, reason = "without a runtime nothing can be tested")]
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime"));

/// Reads bytes as numbers, and as zeros once they are used up.
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

/// After any edits, in every encoding, a document equals a plain string with the same edits, and its tree can be parsed again. It is stale if an
/// edit began in a line that was not there, until the whole text came.
pub fn edits(bytes: &[u8]) {
    let mut input = Input(bytes.iter());
    let encodings = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];
    let encoding = encodings.get(input.byte() % encodings.len()).copied().unwrap_or_default();
    let mut plain = input.text();
    let rust = pennyworth_grammars::by_name("rust").expect("rust");
    let mut document = Document::new(&plain, rust, 0);
    let mut is_lost = false;
    for version in 1..=MAX_EDITS as i32 {
        if input.0.len() == 0 {
            break;
        }
        let whole = input.byte() == 0;
        let edit = Edit { range: (!whole).then(|| (input.position(), input.position())), text: input.text() };
        let begins = edit.range.map(|(start, end)| start.min(end).line as usize);
        is_lost = begins.is_some_and(|line| is_lost || line > document.text().len_lines());
        apply(&mut plain, &edit, encoding);
        document.apply(version, std::slice::from_ref(&edit), encoding);
        assert_eq!(document.text().to_string(), plain, "after {edit:?} in {encoding:?}");
        let Some(snapshot) = document.begin_parse() else { continue };
        let tree = syntax::parse(&snapshot.text, snapshot.language, snapshot.tree.as_ref(), &mut || true);
        if let Some(tree) = tree {
            assert_eq!(tree.root_node().end_byte().min(plain.len()), tree.root_node().end_byte());
            assert!(document.end_parse(&snapshot, Some(tree)), "nothing happened in between");
        }
    }
    assert_eq!(document.snapshot().stale, is_lost);
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

/// Any bytes of a provider's answer are read to an end: text and usage, then one finish reason or one error. The split of the bytes
/// makes no difference.
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

/// Any text of a language, made of any bytes, comes to an end at every parser: whole, edited, around a cursor, and as a model's answer.
/// Without the guard in front, some of them end the process.
pub fn grammar(language: &'static Language, bytes: &[u8]) {
    let (first, second) = bytes.split_at(bytes.len() - bytes.len() / 4);
    let (text, answer) = (garble::text(language, first), garble::text(language, second));
    let mut document = Document::new(&text, language, 0);
    parse(&mut document);
    let mut input = Input(second.iter());
    let edit = Edit { range: Some((input.position(), input.position())), text: answer.chars().take(40).collect() };
    document.apply(1, &[edit], Encoding::Utf16);
    parse(&mut document);

    let snapshot = document.snapshot();
    let tree = snapshot.tree.as_ref();
    let offset = input.byte() << 8 | input.byte();
    let offset = offset % (snapshot.text.len_bytes() + 1);
    let context = classify::classify(&snapshot.text, language, tree, offset);
    let task = context.task.unwrap_or(Task::Line);
    let mut cutter = Cutter::new(CutInput {
        surroundings: Surroundings::of(&snapshot.text, language, tree, offset),
        task,
        stops: Tasks::builtin().row(task).stop.clone(),
        shape: Shape::Raw,
        markers: Vec::new(),
        max_lines: 60,
        by_line: false,
    });
    // No model may say more.
    cutter.push(&answer.chars().take(4_000).collect::<String>());
    let _ = cutter.finish(Finish::Stop);
}

fn parse(document: &mut Document) {
    let Some(snapshot) = document.begin_parse() else { return };
    let mut reports = 0;
    let mut go_on = || {
        reports += 1;
        reports < MAX_REPORTS
    };
    let tree = syntax::parse(&snapshot.text, snapshot.language, snapshot.tree.as_ref(), &mut go_on);
    if let Some(tree) = &tree {
        assert!(tree.root_node().end_byte() <= snapshot.text.len_bytes());
    }
    document.end_parse(&snapshot, tree);
}

/// The same for every language.
pub fn grammars(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let languages = pennyworth_grammars::all();
    languages.get(usize::from(*first) % languages.len()).into_iter().for_each(|language| grammar(language, rest));
}

/// Any bytes are a list of ignored names: each path gets a verdict, the last line that matches it decides, and line breaks make no difference.
pub fn ignore_file(bytes: &[u8]) {
    const PATHS: [(&str, bool); 8] = [
        ("a", false),
        ("a", true),
        (".env", false),
        ("a/b", false),
        ("a/b c/d.rs", false),
        ("a/A", true),
        ("é/[x]", false),
        ("a/\\*!#", false),
    ];
    let with = |last: &[u8]| [bytes, last].concat();
    let broken = bytes.split(|byte| *byte == b'\n').collect::<Vec<_>>().join(&b"\r\n"[..]);
    for (path, is_folder) in PATHS {
        let said = said(bytes, path, is_folder);
        assert_eq!(self::said(&with(b"\n*"), path, is_folder), Some(true), "{path}");
        assert_eq!(self::said(&with(b"\n!*\r\n"), path, is_folder), Some(false), "{path}");
        assert_eq!(self::said(&with(b"\n# *\n\n   \n"), path, is_folder), said, "{path}");
        if !bytes.contains(&b'\r') {
            assert_eq!(self::said(&broken, path, is_folder), said, "{path}");
        }
    }
}

/// Any bytes of a client are read to their end, into at most one message more than bytes, and alike however they are split.
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

/// Bytes, read in pieces of a size.
struct Pieces<'a>(&'a [u8], usize);

impl AsyncRead for Pieces<'_> {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (now, later) = self.0.split_at(self.1.min(self.0.len()).min(buffer.remaining()));
        buffer.put_slice(now);
        self.0 = later;
        Poll::Ready(Ok(()))
    }
}

//! Valid and broken streams, and the messages read from them, in pieces of any size.

use super::*;
use proptest::prelude::*;
use serde_json::json;

/// The kind of a message, in short.
fn short(incoming: &Incoming) -> String {
    match incoming {
        Incoming::Request(request) => request.method().to_owned(),
        Incoming::Response(response) => format!("answer {}", response.id()),
        Incoming::Broken(response) => {
            let code = response.error().map(|error| error.code.code()).unwrap_or_default();
            format!("{code} {}", response.id())
        }
    }
}

/// Gives the bytes in pieces of one size.
struct Pieces<'a>(&'a [u8], usize);

impl AsyncRead for Pieces<'_> {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        let (now, later) = self.0.split_at(self.1.min(self.0.len()).min(buffer.remaining()));
        buffer.put_slice(now);
        self.0 = later;
        std::task::Poll::Ready(Ok(()))
    }
}

async fn read(stream: &[u8], piece: usize) -> Vec<String> {
    let mut frames = Frames::new(Pieces(stream, piece));
    let mut found = Vec::new();
    while let Some(incoming) = frames.next().await.expect("no errors in memory") {
        found.push(short(&incoming));
    }
    found
}

fn check(stream: &[u8], expected: &[&str]) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let pieces: &[usize] = if stream.len() < MAX_HEAD { &[1, 2, 7, 1 << 20] } else { &[1000, 1 << 20] };
    for &piece in pieces {
        let found = runtime.block_on(read(stream, piece));
        assert_eq!(found, expected, "{:?} in pieces of {piece}", String::from_utf8_lossy(stream));
    }
}

fn framed(body: &str) -> String {
    format!("Content-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn messages_of_each_kind() {
    let note = framed(r#"{"jsonrpc":"2.0","method":"note","params":{"x":1}}"#);
    for (body, expected) in [
        (r#"{"jsonrpc":"2.0","method":"é😀","id":"a"}"#, "é😀"),
        (r#"{"jsonrpc":"2.0","id":3,"result":null}"#, "answer 3"),
        (r#"{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"no"}}"#, "answer 3"),
        (r#"{"jsonrpc":"2.0","id":3,"error":"nonsense"}"#, "answer 3"),
        (r#"{"jsonrpc":"2.0","id":3}"#, "-32600 3"),
        (r#"{"jsonrpc":"2.0","id":{"x":1},"method":"m"}"#, "-32600 null"),
        (r#"{"jsonrpc":"2.0","method":7,"id":1}"#, "-32600 1"),
        ("[]", "-32600 null"),
        ("", "-32700 null"),
        ("{", "-32700 null"),
        ("nonsense", "-32700 null"),
    ] {
        check(format!("{}{note}", framed(body)).as_bytes(), &[expected, "note"]);
    }
    check(
        &[framed("\u{1}").as_bytes(), b"Content-Length: 2\r\n\r\n\xff\xfe", note.as_bytes()].concat(),
        &["-32700 null", "-32700 null", "note"],
    );
    let deep = "[".repeat(100_000);
    check(format!("{}{note}", framed(&deep)).as_bytes(), &["-32700 null", "note"]);
}

#[test]
fn heads_of_each_kind() {
    let body = r#"{"jsonrpc":"2.0","method":"m"}"#;
    let length = body.len();
    let good = framed(r#"{"jsonrpc":"2.0","method":"good"}"#);
    for (head, expected) in [
        (format!("content-length:{length}\r\n\r\n"), &["m", "good"][..]),
        (format!("Content-Length: {length}\n\n"), &["m", "good"]),
        (
            format!("Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: {length}\r\n\r\n"),
            &["m", "good"],
        ),
        (format!("Content-Length: {length}\r\nContent-Type: anything\r\nX: y\r\n\r\n"), &["m", "good"]),
        (format!("\r\nContent-Length: {length}\r\n\r\n"), &["m", "good"]),
        (format!("garbage Content-Length: {length}\r\n\r\n"), &["-32700 null", "m", "good"]),
        // Without a length the body is garbage before the next message.
        ("\r\n\r\n".into(), &["-32700 null", "good"]),
        ("Content-Length: many\r\n\r\n".into(), &["-32700 null", "-32700 null", "good"]),
        ("Content-Length: -1\r\n\r\n".into(), &["-32700 null", "-32700 null", "good"]),
        ("Content-Length: 99999999999999999999999\r\n\r\n".into(), &["-32700 null", "-32700 null", "good"]),
        ("Content-Length: 2000000000\r\n\r\n".into(), &["-32700 null", "-32700 null", "good"]),
        // Too short: the rest is garbage. Too long: the swallowed bytes come back.
        (format!("Content-Length: {}\r\n\r\n", length - 3), &["-32700 null", "-32700 null", "good"]),
        (format!("Content-Length: {}\r\n\r\n", length + 10), &["-32700 null", "-32700 null", "good"]),
        (format!("Content-Length: {}\r\n\r\n", length + good.len()), &["-32700 null", "good"]),
    ] {
        if head.contains(&format!("{}\r", length + 10)) {
            // The swallowed head is cut in two, so its message is lost. The next one is read.
            check(format!("{head}{body}{good}{good}").as_bytes(), &["-32700 null", "-32700 null", "good"]);
        } else {
            check(format!("{head}{body}{good}").as_bytes(), expected);
        }
    }
}

#[test]
fn streams_that_end_anywhere_or_never_begin() {
    check(b"", &[]);
    check(b"\r\n\r\n", &[]);
    check(b"nonsense", &["-32700 null"]);
    check(b"Content-Length: 10", &[]);
    check(b"Content-Length: 10\r\n\r\n{}", &[]);
    let good = framed(r#"{"jsonrpc":"2.0","method":"good"}"#);
    let long = "x".repeat(3 * MAX_HEAD);
    check(format!("{long}{good}").as_bytes(), &["-32700 null", "good"]);
    check(format!("Content-Length: 5{long}\r\n\r\n{good}").as_bytes(), &["-32700 null", "good"]);
}

#[test]
fn what_is_written_is_read() {
    let request = Request::build("m").params(json!({"text": "é\r\n😀"})).id(1).finish();
    let written = bytes(&request);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let read = runtime.block_on(Frames::new(&written[..]).next()).expect("no errors in memory");
    assert_eq!(read, Some(Incoming::Request(request)));
}

/// Pieces of streams, whole and broken.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let good = framed(r#"{"jsonrpc":"2.0","method":"m","params":{"text":"Content-Length: 5\r\n\r\nx"}}"#);
    prop_oneof![
        3 => Just(good.clone().into_bytes()),
        1 => (0..good.len()).prop_map(move |end| good.as_bytes()[..end].to_vec()),
        1 => (0usize..40).prop_map(|length| format!("Content-Length: {length}\r\n\r\n").into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => "[\r\n\t :a-zA-Z{}\"]{0,40}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn after_anything_the_stream_is_found_again(pieces in prop::collection::vec(piece(), 0..12), size in 1usize..100) {
        // A wrong length before them may swallow the first messages.
        let last = framed(r#"{"jsonrpc":"2.0","method":"last"}"#).repeat(8);
        let stream = [pieces.concat(), last.into_bytes()].concat();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
        let found = runtime.block_on(read(&stream, size));
        prop_assert_eq!(found.last().map(String::as_str), Some("last"));
    }
}

//! Reads messages of the base protocol from a stream of bytes, and writes them. After any garbage it finds the next whole message.
//! It leaves handling messages to `serve`.
//!
//! tower-lsp has a codec, but with it the server ends at the first message that is not JSON or not UTF-8.

use std::io;

use serde::Serialize;
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncReadExt};
use tower_lsp::jsonrpc::{Error, Id, Request, Response};

/// The beginning of every message, in upper or lower case.
const MARKER: &[u8] = b"content-length:";
/// Longest head of a message.
const MAX_HEAD: usize = 4096;
/// Largest message. A document at the size limit with every character escaped is smaller.
const MAX_BODY: usize = 1 << 30;
/// Bytes read at a time.
const READ: usize = 64 * 1024;

/// One message from the client.
#[derive(Debug, PartialEq)]
pub enum Incoming {
    /// A request or a notification.
    Request(Request),
    /// The response to a request of the server.
    Response(Response),
    /// Something else, with the response to send.
    Broken(Response),
}

/// Reads messages.
pub struct Frames<R> {
    input: R,
    buffer: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    /// Messages of this stream.
    pub fn new(input: R) -> Frames<R> {
        Frames { input, buffer: Vec::new() }
    }

    /// The next message; `None` at the end of the stream.
    pub async fn next(&mut self) -> io::Result<Option<Incoming>> {
        let length = match self.head().await? {
            Some(Ok(length)) => length,
            Some(Err(broken)) => return Ok(Some(broken)),
            None => return Ok(None),
        };
        while self.buffer.len() < length {
            if !self.fill().await? {
                return Ok(None);
            }
        }
        let rest = self.buffer.split_off(length);
        let body = std::mem::replace(&mut self.buffer, rest);
        Ok(Some(self.body(body)))
    }

    /// Removes the next head from the buffer and gives the length of its body.
    async fn head(&mut self) -> io::Result<Option<Result<usize, Incoming>>> {
        let mut garbage = false;
        loop {
            let Some(start) = find(&self.buffer, MARKER) else {
                // These bytes cannot be the beginning of a head.
                let useless = self.buffer.len().saturating_sub(MAX_HEAD);
                garbage |= useless > 0;
                self.buffer.drain(..useless);
                if self.fill().await? {
                    continue;
                }
                let left = self.buffer.iter().any(|byte| !byte.is_ascii_whitespace());
                return Ok((garbage || left).then(|| Err(self.garbage())));
            };
            let is_headers = self.buffer.get(..start).is_some_and(is_headers);
            if garbage || !is_headers {
                self.buffer.drain(..start);
                return Ok(Some(Err(broken(Error::parse_error()))));
            }
            match head_end(&self.buffer, start) {
                Some((end, length)) => {
                    self.buffer.drain(..end);
                    return Ok(Some(length.ok_or_else(|| broken(Error::parse_error()))));
                }
                None if self.buffer.len() - start > MAX_HEAD => {
                    self.buffer.drain(..start + MARKER.len());
                    garbage = true;
                }
                None if self.fill().await? => {}
                None => return Ok(None),
            }
        }
    }

    /// The response to a stream that ends with garbage.
    fn garbage(&mut self) -> Incoming {
        self.buffer.clear();
        broken(Error::parse_error())
    }

    /// Reads a body. If it is not JSON, its length may be wrong, so a message that begins inside it goes back into the buffer.
    fn body(&mut self, body: Vec<u8>) -> Incoming {
        match serde_json::from_slice(&body) {
            Ok(value) => message(value),
            Err(_) => {
                // Inside JSON the line breaks after the head would be escaped, so this is not the text of a document.
                let inner = find(&body, MARKER).filter(|start| head_end(&body, *start).is_some());
                if let Some(inner) = inner.and_then(|start| body.get(start..)) {
                    self.buffer.splice(..0, inner.iter().copied());
                }
                broken(Error::parse_error())
            }
        }
    }

    /// Reads some bytes; false at the end of the stream.
    async fn fill(&mut self) -> io::Result<bool> {
        self.buffer.reserve(READ);
        Ok(self.input.read_buf(&mut self.buffer).await? > 0)
    }
}

/// The bytes of a message, with its head.
pub fn bytes(message: &impl Serialize) -> Vec<u8> {
    let body = serde_json::to_vec(message).unwrap_or_default();
    let mut bytes = format!("Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend(body);
    bytes
}

fn message(value: Value) -> Incoming {
    let Value::Object(mut object) = value else { return broken(Error::invalid_request()) };
    let id = match object.remove("id").map(serde_json::from_value::<Id>) {
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return broken(Error::invalid_request()),
        None => None,
    };
    match (object.remove("method"), id) {
        (Some(Value::String(method)), id) => Incoming::Request(request(method, id, object)),
        (None, Some(id)) if object.contains_key("result") || object.contains_key("error") => response(id, object),
        (_, id) => Incoming::Broken(Response::from_error(id.unwrap_or_default(), Error::invalid_request())),
    }
}

fn request(method: String, id: Option<Id>, mut object: Map<String, Value>) -> Request {
    let is_introduction = method == "initialize";
    let mut request = Request::build(method);
    if let Some(mut params) = object.remove("params") {
        if is_introduction {
            spell_out(&mut params);
        }
        request = request.params(params);
    }
    match id {
        Some(id) => request.id(id).finish(),
        None => request.finish(),
    }
}

/// Emacs writes an empty object as null, even where the object announces a capability.
fn spell_out(introduction: &mut Value) {
    let inline =
        introduction.pointer_mut("/capabilities/textDocument/inlineCompletion").filter(|inline| inline.is_null());
    if let Some(inline) = inline {
        *inline = Value::Object(Map::new());
    }
}

fn response(id: Id, mut object: Map<String, Value>) -> Incoming {
    let error = object.remove("error").filter(|error| !error.is_null());
    Incoming::Response(match error {
        None => Response::from_ok(id, object.remove("result").unwrap_or_default()),
        Some(error) => {
            Response::from_error(id, serde_json::from_value(error).unwrap_or_else(|_| Error::internal_error()))
        }
    })
}

fn broken(error: Error) -> Incoming {
    Incoming::Broken(Response::from_error(Id::Null, error))
}

/// Whether the bytes before the marker are only other header lines and blank lines.
fn is_headers(bytes: &[u8]) -> bool {
    let mut lines = bytes.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    lines.all(|line| line.is_empty() || find(line, b"content-type:") == Some(0))
}

/// The end of the head whose marker is at `start`, and its length if that is valid.
fn head_end(buffer: &[u8], start: usize) -> Option<(usize, Option<usize>)> {
    let head = buffer.get(start..)?.get(..MAX_HEAD.min(buffer.len() - start))?;
    let blank = |separator: &[u8]| find(head, separator).map(|at| at + separator.len());
    let end = [blank(b"\r\n\r\n"), blank(b"\n\n")].into_iter().flatten().min()?;
    let line = head.get(MARKER.len()..end)?.split(|byte| *byte == b'\n').next()?;
    let length = std::str::from_utf8(line).ok().and_then(|line| line.trim().parse().ok());
    Some((start + end, length.filter(|length| *length <= MAX_BODY)))
}

/// The first position of a pattern, ignoring case.
fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes.windows(pattern.len()).position(|window| window.eq_ignore_ascii_case(pattern))
}

#[cfg(test)]
mod tests;

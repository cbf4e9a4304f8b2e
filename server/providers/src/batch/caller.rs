//! Calls a batch API: bounded in bytes and in time, without a second try. It leaves paths and the meaning of answers to each provider's file.

use std::time::Duration;

use pennyworth_core::models::Model;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, Response};
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use crate::client::{self, Client, send};
use crate::error::{Kind, ProviderError};

/// Most bytes of an answer that is one JSON value; some hold all results.
const MOST_JSON: usize = 64 * 1024 * 1024;
/// Most bytes of a file of results.
const MOST_FILE: usize = 256 * 1024 * 1024;
/// Most bytes of one line of it. A longer one is skipped.
const MOST_LINE: usize = 4 * 1024 * 1024;
/// What separates the parts of an upload. It cannot occur in a part: lines of JSON have no carriage return.
const BOUNDARY: &str = "pennyworth-batch-5b1c2f";

/// Times after which a call to a batch API is given up. Connecting has its own, shorter one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchTimeouts {
    /// From a call to the end of its answer, where little is sent and received.
    pub call: Duration,
    /// The same where requests are sent or results are received.
    pub transfer: Duration,
}

impl Default for BatchTimeouts {
    fn default() -> BatchTimeouts {
        BatchTimeouts { call: Duration::from_secs(30), transfer: Duration::from_secs(600) }
    }
}

/// Whom to call, with which key, and for how long.
pub(crate) struct Caller<'a> {
    pub(crate) client: &'a Client,
    pub(crate) model: &'a Model,
    pub(crate) key: Option<&'a SecretString>,
    pub(crate) timeouts: BatchTimeouts,
}

/// A file to upload.
pub(crate) struct File<'a> {
    pub(crate) name: &'a str,
    pub(crate) content: &'a [u8],
    /// Fields beside it.
    pub(crate) fields: Vec<(&'static str, &'a str)>,
}

impl Caller<'_> {
    /// The value at a path. It may hold results.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, ProviderError> {
        self.json(self.request(Method::GET, path)?, self.timeouts.transfer).await
    }

    /// Posts nothing but the path itself.
    pub(crate) async fn order(&self, path: &str) -> Result<Value, ProviderError> {
        self.json(self.request(Method::POST, path)?.json(&serde_json::json!({})), self.timeouts.call).await
    }

    /// Posts bytes of JSON.
    pub(crate) async fn post(&self, path: &str, body: Vec<u8>) -> Result<Value, ProviderError> {
        let request = self.request(Method::POST, path)?.header(CONTENT_TYPE, "application/json").body(body);
        self.json(request, self.timeouts.transfer).await
    }

    /// Removes what is at a path. That there is nothing is no error.
    pub(crate) async fn remove(&self, path: &str) -> Result<(), ProviderError> {
        let sent = timeout(self.timeouts.call, send(self.request(Method::DELETE, path)?)).await;
        match sent.map_err(|_| ProviderError::new(Kind::Deadline))? {
            Err((error, _)) if error.kind != Kind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Uploads a file.
    pub(crate) async fn upload(&self, path: &str, file: &File<'_>) -> Result<Value, ProviderError> {
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self.request(Method::POST, path)?.header(CONTENT_TYPE, kind).body(form(file));
        self.json(request, self.timeouts.transfer).await
    }

    /// Reads the lines of a file, also those before an error. `None` stands for a line that is too long.
    pub(crate) async fn lines(&self, path: &str, mut each: impl FnMut(Option<&[u8]>)) -> Result<(), ProviderError> {
        let end = Instant::now() + self.timeouts.transfer;
        let mut response = head(self.request(Method::GET, path)?, end).await?;
        let mut lines = Lines::default();
        loop {
            let piece = timeout_at(end, response.chunk()).await.map_err(|_| ProviderError::new(Kind::Deadline));
            match piece.and_then(|piece| piece.map_err(|error| client::transport(&error))) {
                Ok(Some(piece)) => lines.push(&piece, &mut each)?,
                Ok(None) => break,
                // The begun line may be whole, but for its end.
                Err(error) => {
                    lines.end(&mut each);
                    return Err(error);
                }
            }
        }
        lines.end(&mut each);
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, ProviderError> {
        self.client.request(method, self.model, path, self.key)
    }

    /// The JSON that answers a request.
    async fn json(&self, request: RequestBuilder, patience: Duration) -> Result<Value, ProviderError> {
        let end = Instant::now() + patience;
        let response = head(request, end).await?;
        let body = timeout_at(end, client::body(response, MOST_JSON)).await;
        let body = body.map_err(|_| ProviderError::new(Kind::Deadline))??;
        serde_json::from_slice(&body).map_err(|_| ProviderError::new(Kind::Malformed))
    }
}

/// Sends a request and waits for the head of a success.
async fn head(request: RequestBuilder, end: Instant) -> Result<Response, ProviderError> {
    let sent = timeout_at(end, send(request)).await.map_err(|_| ProviderError::new(Kind::FirstByte))?;
    let response = sent.map_err(|(error, _)| error)?;
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match client::is_html(kind) {
        // A firewall's page in the place of an answer.
        true => Err(ProviderError { status: Some(response.status().as_u16()), ..ProviderError::new(Kind::Blocked) }),
        false => Ok(response),
    }
}

/// The form that uploads a file.
fn form(file: &File<'_>) -> Vec<u8> {
    let mut form = Vec::with_capacity(file.content.len() + 1024);
    for (name, value) in &file.fields {
        let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        form.extend_from_slice(part.as_bytes());
    }
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}\"\r\n\
         Content-Type: application/jsonl\r\n\r\n",
        file.name
    );
    form.extend_from_slice(head.as_bytes());
    form.extend_from_slice(file.content);
    form.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    form
}

/// Splits bytes into lines.
#[derive(Default)]
pub(crate) struct Lines {
    line: Vec<u8>,
    is_long: bool,
    total: usize,
}

impl Lines {
    /// Passes on the lines that a piece completes.
    pub(crate) fn push(&mut self, piece: &[u8], each: &mut impl FnMut(Option<&[u8]>)) -> Result<(), ProviderError> {
        self.total = self.total.saturating_add(piece.len());
        let mut parts = piece.split(|byte| *byte == b'\n');
        self.add(parts.next().unwrap_or_default());
        for part in parts {
            self.end(each);
            self.add(part);
        }
        if self.total > MOST_FILE { Err(ProviderError::new(Kind::TooLarge)) } else { Ok(()) }
    }

    /// Passes on the line so far, unless it is blank.
    pub(crate) fn end(&mut self, each: &mut impl FnMut(Option<&[u8]>)) {
        let line = std::mem::take(&mut self.line);
        match (std::mem::take(&mut self.is_long), line.trim_ascii()) {
            (true, _) => each(None),
            (false, []) => {}
            (false, line) => each(Some(line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line))),
        }
    }

    fn add(&mut self, part: &[u8]) {
        self.is_long |= self.line.len() + part.len() > MOST_LINE;
        if self.is_long {
            self.line = Vec::new();
        } else {
            self.line.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_come_and_long_ones_are_skipped() {
        let long = "x".repeat(MOST_LINE + 1);
        let file = format!("\u{feff}{{\"a\":1}}\r\n\r\n  \n{long}\n{{\"b\":2}}\nlast");
        for size in [1, 7, 1000, file.len()] {
            let mut read = Vec::new();
            let mut each = |line: Option<&[u8]>| read.push(line.map(|line| String::from_utf8(line.to_vec()).unwrap()));
            let mut lines = Lines::default();
            for piece in file.as_bytes().chunks(size) {
                lines.push(piece, &mut each).unwrap();
            }
            lines.end(&mut each);
            let read: Vec<_> = read.iter().map(Option::as_deref).collect();
            assert_eq!(read, [Some("{\"a\":1}"), None, Some("{\"b\":2}"), Some("last")], "{size}");
        }
    }
}

//! A call of the model as the baselines make it: a prompt of some lines around the cursor, and an answer that is read as it streams.
//! It leaves the policy to the baselines.

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::text::Text;

/// The model's address, with a client.
#[derive(Clone)]
pub(crate) struct Model {
    client: reqwest::Client,
    url: String,
}

/// A part of an answer.
pub(crate) struct Piece<'a> {
    pub(crate) text: &'a str,
    /// Why the answer ends here, if it does.
    pub(crate) finish: Option<&'a str>,
}

impl Model {
    pub(crate) fn new(base_url: &str) -> Model {
        pennyworth_providers::install_crypto();
        let client = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
        Model { client, url: format!("{base_url}/completions") }
    }

    /// Reads an answer piece by piece.
    pub(crate) async fn ask(&self, body: Value, mut heard: impl FnMut(Piece<'_>)) {
        let Ok(answer) = self.client.post(&self.url).json(&body).send().await else { return };
        let mut bytes = answer.bytes_stream();
        let mut unread = Vec::new();
        while let Some(Ok(more)) = bytes.next().await {
            unread.extend_from_slice(&more);
            while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = unread.drain(..=end).collect();
                let Some(frame) = line.strip_prefix(b"data: ") else { continue };
                let Ok(frame) = serde_json::from_slice::<Value>(frame) else { continue };
                let Some(choice) = frame.pointer("/choices/0") else { continue };
                let text = choice["text"].as_str().unwrap_or_default();
                heard(Piece { text, finish: choice["finish_reason"].as_str() });
            }
        }
    }
}

/// A request without stop texts. The prompt holds a number of lines above the cursor's own and below it.
pub(crate) fn request(text: &Text, at: usize, lines: (usize, usize), ceiling: u32) -> Value {
    let (before, after) = (&text.truth[..at], &text.truth[text.end..]);
    let start = before.rmatch_indices('\n').nth(lines.0).map_or(0, |(at, _)| at + 1);
    let end = after.match_indices('\n').nth(lines.1).map_or(after.len(), |(at, _)| at);
    let prompt = format!("<|fim_prefix|>{}<|fim_suffix|>{}<|fim_middle|>", &before[start..], &after[..end]);
    json!({"model": "m", "prompt": prompt, "max_tokens": ceiling, "stream": true, "stream_options": {"include_usage": true}})
}

//! The baseline, as many editor plugins do it: wait a fixed time after each key, ask for the rest of the line, abort the request at the next
//! key, and keep the last answers for a user who types along.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::typist::{Helper, Text};

/// The wait.
const WAIT: Duration = Duration::from_millis(350);
/// Lines of context before and after the cursor.
const LINES: (usize, usize) = (60, 20);
/// The ceiling of an answer, in tokens.
const CEILING: u32 = 64;

pub(crate) struct Fixed {
    client: reqwest::Client,
    base_url: String,
    /// Answers by the bytes before the cursor.
    answers: HashMap<usize, String>,
    at: usize,
    asking: Option<JoinHandle<String>>,
    ready: Option<String>,
}

impl Fixed {
    pub(crate) fn new(base_url: String) -> Fixed {
        pennyworth_providers::install_crypto();
        let client = reqwest::Client::builder().no_proxy().build().unwrap_or_default();
        Fixed { client, base_url, answers: HashMap::new(), at: 0, asking: None, ready: None }
    }

    /// The rest of an answer that the user typed along up to here.
    fn known(&self, text: &Text, at: usize) -> Option<String> {
        self.answers.iter().find_map(|(from, answer)| {
            let typed = text.truth.get(*from..at)?;
            answer.strip_prefix(typed).filter(|rest| !rest.is_empty()).map(str::to_owned)
        })
    }

    fn prompt(text: &Text, at: usize) -> String {
        let (before, after) = (&text.truth[..at], &text.truth[text.end..]);
        let start = before.rmatch_indices('\n').nth(LINES.0).map_or(0, |(at, _)| at + 1);
        let end = after.match_indices('\n').nth(LINES.1).map_or(after.len(), |(at, _)| at);
        format!("<|fim_prefix|>{}<|fim_suffix|>{}<|fim_middle|>", &before[start..], &after[..end])
    }
}

async fn ask(client: reqwest::Client, url: String, body: Value) -> String {
    tokio::time::sleep(WAIT).await;
    let Ok(answer) = client.post(url).json(&body).send().await else { return String::new() };
    let mut bytes = answer.bytes_stream();
    let mut whole = Vec::new();
    while let Some(Ok(piece)) = bytes.next().await {
        whole.extend_from_slice(&piece);
    }
    let frames = String::from_utf8_lossy(&whole);
    let values = frames.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok());
    values.filter_map(|value| Some(value.pointer("/choices/0/text")?.as_str()?.to_owned())).collect()
}

impl Helper for Fixed {
    async fn typed(&mut self, text: &Text, _: usize, to: usize) {
        if let Some(asking) = self.asking.take() {
            asking.abort();
        }
        self.at = to;
        self.ready = self.known(text, to);
        if self.ready.is_none() {
            let body = json!({"model": "m", "prompt": Fixed::prompt(text, to), "max_tokens": CEILING, "stop": ["\n"], "stream": true,
                "stream_options": {"include_usage": true}});
            self.asking = Some(tokio::spawn(ask(self.client.clone(), format!("{}/completions", self.base_url), body)));
        }
    }

    async fn offered(&mut self) -> String {
        if let Some(ready) = self.ready.take() {
            return ready;
        }
        let Some(asking) = &mut self.asking else { return std::future::pending().await };
        let answer = asking.await.unwrap_or_default();
        self.asking = None;
        if answer.is_empty() {
            return std::future::pending().await;
        }
        self.answers.insert(self.at, answer.clone());
        answer
    }

    async fn taken(&mut self) {}

    async fn end(self) {
        if let Some(asking) = self.asking {
            asking.abort();
        }
    }
}

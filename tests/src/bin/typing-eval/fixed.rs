//! The baseline, as many editor plugins do it: wait a fixed time after each key, ask for the rest of the line, abort the request at the next
//! key, and keep the last answers for a user who types along.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::call::{Model, request};
use crate::text::Text;
use crate::typist::Helper;

/// The wait.
const WAIT: Duration = Duration::from_millis(350);
/// Lines of context above the cursor's own and below it.
const LINES: (usize, usize) = (60, 20);
/// The ceiling of an answer, in tokens.
const CEILING: u32 = 64;

pub(crate) struct Fixed {
    model: Model,
    /// Answers by the bytes before the cursor.
    answers: HashMap<usize, String>,
    at: usize,
    asking: Option<JoinHandle<String>>,
    ready: Option<String>,
}

impl Fixed {
    pub(crate) fn new(base_url: &str) -> Fixed {
        Fixed { model: Model::new(base_url), answers: HashMap::new(), at: 0, asking: None, ready: None }
    }

    /// The rest of an answer that the user typed along up to here.
    fn known(&self, text: &Text, at: usize) -> Option<String> {
        self.answers.iter().find_map(|(from, answer)| {
            let typed = text.truth.get(*from..at)?;
            answer.strip_prefix(typed).filter(|rest| !rest.is_empty()).map(str::to_owned)
        })
    }
}

/// The whole answer, after the wait.
async fn ask(model: Model, body: Value) -> String {
    tokio::time::sleep(WAIT).await;
    let mut answer = String::new();
    model.ask(body, |piece| answer.push_str(piece.text)).await;
    answer
}

impl Helper for Fixed {
    async fn typed(&mut self, text: &Text, _: usize, to: usize) {
        if let Some(asking) = self.asking.take() {
            asking.abort();
        }
        self.at = to;
        self.ready = self.known(text, to);
        if self.ready.is_none() {
            let mut body = request(text, to, LINES, CEILING);
            body["stop"] = json!(["\n"]);
            self.asking = Some(tokio::spawn(ask(self.model.clone(), body)));
        }
    }

    async fn offered(&mut self) -> Option<String> {
        if let Some(ready) = self.ready.take() {
            return Some(ready);
        }
        let answer = self.asking.as_mut()?.await.unwrap_or_default();
        self.asking = None;
        if answer.is_empty() {
            return None;
        }
        self.answers.insert(self.at, answer.clone());
        Some(answer)
    }

    async fn taken(&mut self, _: bool) {}

    async fn end(self) {
        if let Some(asking) = self.asking {
            asking.abort();
        }
    }
}

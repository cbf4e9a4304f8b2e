//! Lists: the models that a server on this machine says it has, and what is published for everybody. It leaves what is of use in them to the caller.

use std::time::Duration;

use futures_util::future::{join, join_all};
use pennyworth_core::models::Protocol;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::client::{Client, body, send};
use crate::error::{Kind, ProviderError};

/// Longest wait for one question: a server on this machine that takes longer has something else to do.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes of a list at most.
const MOST: usize = 1024 * 1024;
/// Models that Ollama is asked about, one question each.
const LOOKED_AT: usize = 16;

/// A model that a server on this machine has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The server's name for it.
    pub id: String,
    /// Whether it is in memory, so that its answer does not wait for the disk.
    pub is_loaded: bool,
    /// Whether it says that it takes prefix and suffix; `None` where nothing is said.
    pub inserts: Option<bool>,
}

impl Client {
    /// The models of the server at an address of this machine, which lists them below it; those in memory first. Nothing where none answers, or
    /// what answers is none.
    pub async fn list(&self, protocol: Protocol, base_url: &str, path: &str) -> Vec<Listed> {
        let ask = |method, path: &str, question| self.question(method, format!("{base_url}{path}"), question);
        let mut models = match protocol {
            Protocol::Ollama => {
                let (list, running) =
                    join(ask(Method::GET, path, Value::Null), ask(Method::GET, "/api/ps", Value::Null)).await;
                let running = listed(&running);
                let is_loaded = |id: &str| running.iter().any(|model| model.id == id);
                listed(&list).into_iter().map(|model| Listed { is_loaded: is_loaded(&model.id), ..model }).collect()
            }
            _ => listed(&ask(Method::GET, path, Value::Null).await),
        };
        models.sort_by_key(|model| !model.is_loaded);
        if protocol == Protocol::Ollama {
            let unsaid = models.iter_mut().filter(|model| model.inserts.is_none()).take(LOOKED_AT);
            join_all(unsaid.map(|model| async {
                let about = ask(Method::POST, "/api/show", json!({ "model": model.id })).await;
                model.inserts = inserts(&about);
            }))
            .await;
        }
        models
    }

    /// What a server on this machine answers to a question; nothing where it does not.
    async fn question(&self, method: Method, address: String, question: Value) -> Value {
        let asked = async {
            let request = self.loopback(method, &address)?;
            let request = if question.is_null() { request } else { request.json(&question) };
            let response = request.send().await.ok()?.error_for_status().ok()?;
            serde_json::from_slice(&body(response, MOST).await.ok()?).ok()
        };
        timeout(PATIENCE, asked).await.ok().flatten().unwrap_or_default()
    }

    /// What an address publishes for everybody, up to a size and within a time. Nothing is sent with the question, and over `http://` only this
    /// machine is asked.
    pub async fn fetch(&self, address: &str, most: usize, patience: Duration) -> Result<Vec<u8>, ProviderError> {
        let request = match self.loopback(Method::GET, address) {
            Some(request) => request,
            None if address.starts_with("https://") => self.remote(address)?,
            None => return Err(ProviderError::new(Kind::Client)),
        };
        let fetched = async { body(send(request).await.map_err(|(error, _)| error)?, most).await };
        timeout(patience, fetched).await.map_err(|_| ProviderError::new(Kind::Deadline))?
    }
}

/// As OpenAI lists models (`data`, `id`), and as Ollama does (`models`, `name`). llama.cpp does both, and says with several models which of
/// them is loaded.
fn listed(list: &Value) -> Vec<Listed> {
    let read = |table: &str, key: &str| -> Vec<Listed> {
        let models = list.get(table).and_then(Value::as_array).into_iter().flatten();
        let read = models.filter_map(|model| {
            let id = model.get(key)?.as_str()?.to_owned();
            let is_loaded = model.pointer("/status/value").and_then(Value::as_str) == Some("loaded");
            Some(Listed { id, is_loaded, inserts: inserts(model) })
        });
        read.collect()
    };
    let models = read("data", "id");
    if models.is_empty() { read("models", "name") } else { models }
}

/// Whether what is said about a model says that it takes prefix and suffix.
fn inserts(about: &Value) -> Option<bool> {
    let capabilities = about.get("capabilities")?.as_array()?;
    Some(capabilities.iter().any(|capability| capability == "insert"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_read_in_each_form() {
        let model = |id: &str, is_loaded, inserts| Listed { id: id.into(), is_loaded, inserts };
        for (list, expected) in [
            (
                r#"{"object":"list","data":[{"id":"a"},{"id":"b","object":"model"},{}]}"#,
                vec![model("a", false, None), model("b", false, None)],
            ),
            (r#"{"models":[{"name":"qwen2.5-coder:1.5b","size":1}]}"#, vec![model("qwen2.5-coder:1.5b", false, None)]),
            (
                r#"{"models":[{"name":"x","capabilities":["completion","insert"]},{"name":"y","capabilities":["chat"]}]}"#,
                vec![model("x", false, Some(true)), model("y", false, Some(false))],
            ),
            (
                r#"{"models":[{"name":"x"}],"data":[{"id":"y","status":{"value":"loaded"}}]}"#,
                vec![model("y", true, None)],
            ),
            (r#"{"data":"none"}"#, vec![]),
            ("[]", vec![]),
            ("null", vec![]),
        ] {
            assert_eq!(listed(&serde_json::from_str(list).unwrap()), expected, "{list}");
        }
    }
}

//! Lists: the models of a server on this machine, and lists that are public. It leaves choosing from them to the caller.

use std::time::Duration;

use futures_util::future::{join, join_all};
use pennyworth_core::models::Protocol;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::client::{Client, body, send};
use crate::error::{Kind, ProviderError};
use crate::whereabouts;

/// Longest wait for one answer: a server on this machine that takes longer is busy.
const PATIENCE: Duration = Duration::from_millis(500);
/// Most bytes of a list.
const MOST: usize = 1024 * 1024;
/// Most models about which Ollama is asked, one request each; the others are left out.
const LOOKED_AT: usize = 32;

/// A model that a server on this machine lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The server's name for it.
    pub id: String,
    /// Whether it is in memory, so that its answer does not wait for the disk.
    pub is_loaded: bool,
    /// Its size in bytes, if the server tells.
    pub size: Option<u64>,
    /// Whether it takes prefix and suffix; `None` if the server does not say.
    pub inserts: Option<bool>,
    /// Where else it runs, if the server says that it does not run here.
    pub elsewhere: Option<String>,
    /// Who owns it, in the server's word.
    pub owned_by: Option<String>,
}

impl Client {
    /// The models that a server on this machine lists at a path below its address: those in memory first, then the smallest. Empty if no
    /// server answers, or its answer is no list. `loaded` is the address of another list, which says what is in memory.
    pub async fn list(&self, protocol: Protocol, base_url: &str, path: &str, loaded: Option<&str>) -> Vec<Listed> {
        let ask = |method, path: &str, question| self.question(method, format!("{base_url}{path}"), question);
        let is_ollama = protocol == Protocol::Ollama;
        let ps = is_ollama.then(|| format!("{base_url}/api/ps"));
        let running = async {
            let Some(address) = ps.as_deref().or(loaded) else { return Vec::new() };
            let mut running = listed(&self.question(Method::GET, address.to_owned(), Value::Null).await);
            // All that Ollama lists there is in memory.
            running.retain(|model| model.is_loaded || is_ollama);
            running
        };
        let (list, running) = join(ask(Method::GET, path, Value::Null), running).await;
        let mut models = listed(&list);
        for model in &mut models {
            model.is_loaded |= running.iter().any(|running| running.id == model.id);
        }
        models.sort_by_key(|model| (!model.is_loaded, model.size.unwrap_or(u64::MAX)));
        if !is_ollama {
            return models;
        }
        models.truncate(LOOKED_AT);
        let ask = &ask;
        let described = models.into_iter().map(|model| async move {
            // Nobody knows where a model runs that the server does not describe.
            let about = ask(Method::POST, "/api/show", json!({ "model": model.id })).await;
            let elsewhere = model.elsewhere.or_else(|| whereabouts::elsewhere(&about));
            about.is_object().then(|| Listed { inserts: model.inserts.or_else(|| inserts(&about)), elsewhere, ..model })
        });
        join_all(described).await.into_iter().flatten().collect()
    }

    /// The answer of a server on this machine to a request; `null` if none comes.
    async fn question(&self, method: Method, address: String, question: Value) -> Value {
        let asked = async {
            let request = self.loopback(method, &address)?;
            let request = if question.is_null() { request } else { request.json(&question) };
            let response = request.send().await.ok()?.error_for_status().ok()?;
            serde_json::from_slice(&body(response, MOST).await.ok()?).ok()
        };
        timeout(PATIENCE, asked).await.ok().flatten().unwrap_or_default()
    }

    /// Fetches what an address publishes, up to a size and within a time. The request carries no data, and `http://` is only for this
    /// machine.
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

/// Reads OpenAI's form (`data`, `id`) and Ollama's (`models`, `name`). llama.cpp sends both, and if it has several models it says which
/// is loaded.
fn listed(list: &Value) -> Vec<Listed> {
    let read = |table: &str, key: &str| -> Vec<Listed> {
        let models = list.get(table).and_then(Value::as_array).into_iter().flatten();
        let read = models.filter_map(|model| {
            let id = model.get(key)?.as_str()?.to_owned();
            let said = |place: &str| model.pointer(place).and_then(Value::as_str);
            let size = ["/size", "/meta/size"].iter().find_map(|place| model.pointer(place)?.as_u64());
            Some(Listed {
                id,
                is_loaded: said("/status/value").or_else(|| said("/state")) == Some("loaded"),
                size,
                inserts: inserts(model),
                elsewhere: whereabouts::elsewhere(model),
                owned_by: said("/owned_by").map(str::to_owned),
            })
        });
        read.collect()
    };
    let models = read("data", "id");
    if models.is_empty() { read("models", "name") } else { models }
}

/// Whether a model's capabilities include prefix and suffix; `None` if they are not listed.
fn inserts(about: &Value) -> Option<bool> {
    let capabilities = about.get("capabilities")?.as_array()?;
    Some(capabilities.iter().any(|capability| capability == "insert"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_read_in_each_form() {
        let model = |id: &str, is_loaded, inserts| Listed { id: id.into(), is_loaded, inserts, ..Listed::default() };
        for (list, expected) in [
            (
                r#"{"object":"list","data":[{"id":"a"},{"id":"b","object":"model"},{}]}"#,
                vec![model("a", false, None), model("b", false, None)],
            ),
            (
                r#"{"models":[{"name":"qwen2.5-coder:1.5b","size":1}]}"#,
                vec![Listed { size: Some(1), ..model("qwen2.5-coder:1.5b", false, None) }],
            ),
            (
                r#"{"models":[{"name":"mine","remote_model":"gpt-oss:120b","remote_host":"https://ollama.com:443"}]}"#,
                vec![Listed { elsewhere: Some("ollama.com".into()), ..model("mine", false, None) }],
            ),
            (
                r#"{"data":[{"id":"a","owned_by":"openai"},{"id":"b","owned_by":"llamacpp","meta":{"size":7}}]}"#,
                vec![
                    Listed { owned_by: Some("openai".into()), ..model("a", false, None) },
                    Listed { owned_by: Some("llamacpp".into()), size: Some(7), ..model("b", false, None) },
                ],
            ),
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

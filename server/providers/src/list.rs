//! Lists: the models that a server on this machine says it has, and what is published for everybody. It leaves what is of use in them to the caller.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use crate::client::{Client, body, send};
use crate::error::{Kind, ProviderError};

/// Longest wait: a server on this machine that takes longer has something else to do.
const PATIENCE: Duration = Duration::from_millis(500);
/// Bytes of a list at most.
const MOST: usize = 1024 * 1024;

impl Client {
    /// The names of the models that the server at an address of this machine lists; nothing where none answers, or what answers is none.
    pub async fn list(&self, address: &str) -> Vec<String> {
        let asked = async {
            let response = self.loopback(address)?.send().await.ok()?.error_for_status().ok()?;
            serde_json::from_slice(&body(response, MOST).await.ok()?).ok()
        };
        timeout(PATIENCE, asked).await.ok().flatten().as_ref().map(names).unwrap_or_default()
    }

    /// What an address publishes for everybody, up to a size and within a time. Nothing is sent with the question, and over `http://` only this
    /// machine is asked.
    pub async fn fetch(&self, address: &str, most: usize, patience: Duration) -> Result<Vec<u8>, ProviderError> {
        let request = match self.loopback(address) {
            Some(request) => request,
            None if address.starts_with("https://") => self.remote(address),
            None => return Err(ProviderError::new(Kind::Client)),
        };
        let fetched = async { body(send(request).await.map_err(|(error, _)| error)?, most).await };
        timeout(patience, fetched).await.map_err(|_| ProviderError::new(Kind::Deadline))?
    }
}

/// As OpenAI lists models (`data`, `id`), and as Ollama does (`models`, `name`). llama.cpp does both.
fn names(list: &Value) -> Vec<String> {
    let named = |table: &str, key: &str| -> Vec<String> {
        let models = list.get(table).and_then(Value::as_array).into_iter().flatten();
        models.filter_map(|model| Some(model.get(key)?.as_str()?.to_owned())).collect()
    };
    let names = named("data", "id");
    if names.is_empty() { named("models", "name") } else { names }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_each_form() {
        for (list, expected) in [
            (r#"{"object":"list","data":[{"id":"a"},{"id":"b","object":"model"},{}]}"#, &["a", "b"][..]),
            (r#"{"models":[{"name":"qwen2.5-coder:1.5b","size":1}]}"#, &["qwen2.5-coder:1.5b"]),
            (r#"{"models":[{"name":"x"}],"data":[{"id":"y"}]}"#, &["y"]),
            (r#"{"data":"none"}"#, &[]),
            ("[]", &[]),
        ] {
            assert_eq!(names(&serde_json::from_str(list).unwrap()), expected, "{list}");
        }
    }
}

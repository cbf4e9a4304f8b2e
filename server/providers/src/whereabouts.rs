//! Where a model runs: Ollama serves models of other machines under the names of its own, and only its description of a model tells. It is
//! asked before each prompt whose code must stay here, because a name may stand for another model a moment later.
//! It leaves which models must stay here to `core`, and the call to `call`.

use std::sync::PoisonError;
use std::time::Duration;

use pennyworth_core::models::Model;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::client::{self, Client};
use crate::error::{Kind, ProviderError};

/// Longest wait for Ollama's description of a model.
const PATIENCE: Duration = Duration::from_millis(500);
/// Most bytes of a description.
const MOST: usize = 8 * 1024 * 1024;
/// How the headers begin that a LiteLLM proxy adds to each answer.
const LITELLM: &str = "x-litellm-";
/// Its name.
const PROXY: &str = "LiteLLM";

/// Where else a model runs, by a description or an answer of Ollama; `None` if it says nothing of another machine.
pub(crate) fn elsewhere(about: &Value) -> Option<String> {
    let said = |key: &str| about.get(key).and_then(Value::as_str).map(str::trim).filter(|said| !said.is_empty());
    let host = said("remote_host")
        .map(|host| host.rsplit("//").next().unwrap_or(host).split(['/', ':']).next().unwrap_or(host));
    host.or_else(|| said("remote_model")).map(str::to_owned)
}

/// The error for a model whose code would not stay here.
pub(crate) fn error(place: Option<&str>) -> ProviderError {
    let is_plain = |place: &&str| {
        place.len() <= 64 && place.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte))
    };
    ProviderError { code: place.filter(is_plain).map(str::to_owned), ..ProviderError::new(Kind::Elsewhere) }
}

/// Makes sure that a model whose code must stay here runs here. Without Ollama there is nothing to ask, and an Ollama that does not know the
/// model refuses the call itself.
pub(crate) async fn check(client: &Client, model: &Model) -> Result<(), ProviderError> {
    if model.code_stays_here()
        && client.proxies.lock().unwrap_or_else(PoisonError::into_inner).contains(&model.base_url)
    {
        return Err(error(Some(PROXY)));
    }
    let Some(ollama) = model.ollama.as_deref().filter(|_| model.code_stays_here()) else { return Ok(()) };
    let Some(request) = client.loopback(Method::POST, &format!("{ollama}/api/show")) else { return Ok(()) };
    let asked = async {
        let response = request.json(&json!({ "model": model.id })).send().await.ok()?.error_for_status().ok()?;
        serde_json::from_slice::<Value>(&client::body(response, MOST).await.ok()?).ok()
    };
    match timeout(PATIENCE, asked).await {
        Err(_) => Err(ProviderError::new(Kind::FirstByte)),
        Ok(about) => about.as_ref().and_then(elsewhere).map_or(Ok(()), |place| Err(error(Some(&place)))),
    }
}

/// The same for an answer's headers: a LiteLLM proxy names itself there, and passes prompts on. It gets no other.
pub(crate) fn check_answer(client: &Client, model: &Model, headers: &HeaderMap) -> Result<(), ProviderError> {
    if !model.code_stays_here() || !headers.keys().any(|name| name.as_str().starts_with(LITELLM)) {
        return Ok(());
    }
    client.proxies.lock().unwrap_or_else(PoisonError::into_inner).insert(model.base_url.clone());
    Err(error(Some(PROXY)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_says_where_else_a_model_runs() {
        for (about, expected) in [
            (json!({"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"}), Some("ollama.com")),
            (json!({"remote_model": "gpt-oss:120b"}), Some("gpt-oss:120b")),
            (json!({"remote_host": "ollama.com"}), Some("ollama.com")),
            (json!({"remote_host": "", "remote_model": ""}), None),
            (json!({"capabilities": ["insert"]}), None),
            (Value::Null, None),
        ] {
            assert_eq!(elsewhere(&about).as_deref(), expected, "{about}");
        }
    }
}

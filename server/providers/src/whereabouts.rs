//! Where a model runs. Ollama serves models of other machines under the names of its own, and only its description of a model tells. It is
//! asked before each prompt whose code must stay here, because a name may stand for another model a moment later. A server of any other row is
//! asked once whether it is an Ollama, or a LiteLLM proxy, which passes prompts on.
//! It leaves which models must stay here to `core`, and the call to `call`.

use pennyworth_core::models::Model;
use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::client::{self, Client};
use crate::error::{Kind, ProviderError};

/// Most bytes of a description.
const MOST: usize = 8 * 1024 * 1024;
/// How the headers begin that a LiteLLM proxy adds to each answer.
const LITELLM: &str = "x-litellm-";
/// Its name.
const PROXY: &str = "LiteLLM";
/// A path that only a LiteLLM proxy knows, in this spelling, and what it answers there without a key while it runs and while it ends.
/// Source: <https://docs.litellm.ai/docs/proxy/health>.
const LIVELINESS: (&str, [&str; 2]) = ("health/liveliness", ["I'm alive!", "shutting_down"]);
/// What an Ollama answers at its root. Source: <https://docs.ollama.com/faq>.
const OLLAMA: &str = "Ollama is running";
/// Most bytes of such an answer.
const SHORT: usize = 4 * 1024;

/// Where else a model runs, by a description or an answer of Ollama; `None` if it says nothing of another machine.
pub(crate) fn elsewhere(about: &Value) -> Option<String> {
    let tables = [Some(about), about.get("details"), about.get("model_info")];
    let text =
        |table: &Value, key: &str| Some(table.get(key)?.as_str()?.trim().to_owned()).filter(|said| !said.is_empty());
    let said = |key: &str| tables.into_iter().flatten().find_map(|table| text(table, key));
    said("remote_host").map(|host| name(&host).to_owned()).or_else(|| said("remote_model"))
}

/// The name in a host's address, without user and password.
fn name(address: &str) -> &str {
    let host = address.split_once("//").map_or(address, |(_, rest)| rest);
    let host = host.split_once('/').map_or(host, |(host, _)| host);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    host.split_once(':').map_or(host, |(name, _)| name)
}

/// The error for a model whose code would not stay here.
pub(crate) fn error(place: Option<&str>) -> ProviderError {
    let is_plain = |place: &&str| {
        (1..=64).contains(&place.len())
            && place.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/".contains(&byte))
    };
    ProviderError { code: place.filter(is_plain).map(str::to_owned), ..ProviderError::new(Kind::Elsewhere) }
}

/// Makes sure that a model whose code must stay here runs here. A server that does not answer the question is sent no code. The wait is the call's own: how long a server takes to say this is part of how long it takes to answer.
pub(crate) async fn check(client: &Client, model: &Model) -> Result<(), ProviderError> {
    if !model.code_stays_here() {
        return Ok(());
    }
    if let Some(place) = client.forwarders.place(model) {
        return Err(error(Some(&place)));
    }
    let ollama = match (&model.ollama, client.forwarders.answered(&model.base_url)) {
        (Some(ollama), _) => Some(ollama.clone()),
        (None, Some(answered)) => answered,
        (None, None) => ask(client, model).await?,
    };
    match ollama {
        Some(ollama) => check_ollama(client, model, &ollama).await,
        None => Ok(()),
    }
}

async fn check_ollama(client: &Client, model: &Model, ollama: &str) -> Result<(), ProviderError> {
    let Some(request) = client.loopback(Method::POST, &format!("{ollama}/api/show")) else { return Ok(()) };
    let about = described(request.json(&json!({ "model": model.id }))).await?;
    about.as_ref().and_then(elsewhere).map_or(Ok(()), |place| Err(error(Some(&place))))
}

/// Asks a server what it is: the address of an Ollama, or an error for a LiteLLM proxy. Whatever it answers, it is asked once: a proxy's later answers
/// give it away, too.
async fn ask(client: &Client, model: &Model) -> Result<Option<String>, ProviderError> {
    let root = model.base_url.trim_end_matches('/');
    let root = root.strip_suffix("/v1").unwrap_or(root);
    let (path, answers) = LIVELINESS;
    let (status, text) = said(client, model, &format!("{root}/{path}")).await?;
    if status != StatusCode::NOT_FOUND && answers.iter().any(|answer| text.contains(answer)) {
        return Err(proxy(client, model));
    }
    let (status, text) = said(client, model, &format!("{root}/")).await?;
    let ollama = (status.is_success() && text.contains(OLLAMA)).then(|| root.to_owned());
    client.forwarders.answers(&model.base_url, ollama.clone());
    Ok(ollama)
}
/// The status and the beginning of what a server here says at an address. A long page is of a program that nobody asks for.
async fn said(client: &Client, model: &Model, address: &str) -> Result<(StatusCode, String), ProviderError> {
    let Some(request) = client.loopback(Method::GET, address) else {
        return Ok((StatusCode::NOT_FOUND, String::new()));
    };
    let response = request.send().await.map_err(unplaced)?;
    check_answer(client, model, response.headers())?;
    let status = response.status();
    let text = client::body(response, SHORT).await.unwrap_or_default();
    Ok((status, String::from_utf8_lossy(&text).into_owned()))
}

/// The error of a question that was not answered. Without a connection there is none for the call either.
fn unplaced(error: reqwest::Error) -> ProviderError {
    match client::transport(&error) {
        error if error.kind == Kind::Connect => error,
        _ => ProviderError::new(Kind::Unplaced),
    }
}

/// Ollama's description of a model; `None` from a server that has none. An Ollama that does not know the model refuses the call itself, one
/// that is too old runs nothing elsewhere, and without a connection there is none for the call.
async fn described(request: RequestBuilder) -> Result<Option<Value>, ProviderError> {
    let unclear = || ProviderError::new(Kind::Unplaced);
    let response = request.send().await.map_err(unplaced)?;
    match response.status() {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => return Ok(None),
        status if !status.is_success() => return Err(ProviderError { status: Some(status.as_u16()), ..unclear() }),
        _ => {}
    }
    let text = client::body(response, MOST).await.map_err(|_| unclear())?;
    let about: Value = serde_json::from_slice(&text).map_err(|_| unclear())?;
    about.is_object().then_some(Some(about)).ok_or_else(unclear)
}

/// The same for an answer's headers: a LiteLLM proxy names itself there, and passes prompts on. It gets no other.
pub(crate) fn check_answer(client: &Client, model: &Model, headers: &HeaderMap) -> Result<(), ProviderError> {
    if !model.code_stays_here() || !headers.keys().any(|name| name.as_str().starts_with(LITELLM)) {
        return Ok(());
    }
    Err(proxy(client, model))
}

/// Remembers that a LiteLLM proxy listens at a model's address.
fn proxy(client: &Client, model: &Model) -> ProviderError {
    client.forwarders.add(&model.base_url, None, PROXY);
    error(Some(PROXY))
}

/// The same for an error: an answer of Ollama names the machine that wrote it, and the model gets no other prompt.
pub(crate) fn check_error(client: &Client, model: &Model, error: &ProviderError) {
    if error.kind == Kind::Elsewhere {
        client.forwarders.add(&model.base_url, Some(&model.id), error.code.as_deref().unwrap_or_default());
    }
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
            (json!({"details": {"remote_host": "https://ollama.com"}}), Some("ollama.com")),
            (json!({"details": {}, "model_info": {"remote_model": "gpt-oss:120b"}}), Some("gpt-oss:120b")),
            (json!({"remote_host": "", "details": {"remote_host": "ollama.com/api"}}), Some("ollama.com")),
            (json!({"remote_host": "https://me:PW@ollama.com:443/a@b"}), Some("ollama.com")),
            (json!({"remote_host": "", "remote_model": ""}), None),
            (json!({"details": null, "model_info": ["remote_host"]}), None),
            (json!({"capabilities": ["insert"]}), None),
            (Value::Null, None),
        ] {
            assert_eq!(elsewhere(&about).as_deref(), expected, "{about}");
        }
    }
}

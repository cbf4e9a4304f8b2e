//! What each batch API wants of a call, and the requests in it. It leaves answers to `shapes`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::state::{Api, KEY, Requests};

/// A call as it arrived.
#[derive(Debug)]
pub(super) struct Sent {
    /// Method, path and query.
    pub(super) line: String,
    /// Headers, names in lower case.
    pub(super) headers: BTreeMap<String, String>,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// A batch as it arrived: our name, the file, and the requests.
pub(super) type Ordered = (Option<String>, Option<String>, Requests);

/// Checks key and version.
pub(super) fn check_head(api: Api, sent: &Sent) -> Result<(), String> {
    let header = |name: &str| sent.headers.get(name).map(String::as_str);
    let (name, value) = match api {
        Api::Anthropic => ("x-api-key", KEY.to_owned()),
        Api::Gemini => ("x-goog-api-key", KEY.to_owned()),
        _ => ("authorization", format!("Bearer {KEY}")),
    };
    if header(name) != Some(value.as_str()) {
        return Err(format!("{}: no key in `{name}`", sent.line));
    }
    match api == Api::Anthropic && header("anthropic-version").is_none() {
        true => Err(format!("{}: no version", sent.line)),
        false => Ok(()),
    }
}

/// The name and the requests of an uploaded file.
pub(super) fn upload(api: Api, sent: &Sent) -> Result<(String, Requests), String> {
    let kind = sent.headers.get("content-type").map(String::as_str).unwrap_or_default();
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").ok_or("no form")?;
    let text = String::from_utf8(sent.body.clone()).map_err(|_| "not UTF-8")?;
    let mut fields = BTreeMap::new();
    let mut filename = None;
    for part in text.split(&format!("--{boundary}")).filter(|part| part.starts_with("\r\n")) {
        let (head, content) = part.split_once("\r\n\r\n").ok_or("a part without a head")?;
        let content = content.strip_suffix("\r\n").ok_or("a part without an end")?;
        let quoted = |key: &str| head.split(&format!("{key}=\"")).nth(1)?.split('"').next().map(str::to_owned);
        filename = filename.or_else(|| quoted("filename"));
        fields.insert(quoted(" name").ok_or("a part without a name")?, content.to_owned());
    }
    let purpose = if api == Api::Together { "batch-api" } else { "batch" };
    if fields.get("purpose").map(String::as_str) != Some(purpose) {
        return Err("a wrong purpose".to_owned());
    }
    if api == Api::Together && fields.get("file_name") != filename.as_ref() {
        return Err("no file_name".to_owned());
    }
    let lines = fields.get("file").ok_or("no file")?.lines();
    let lines: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap_or_default()).collect();
    let requests = lines.iter().map(|line| (text_of(line, "/custom_id"), line["body"].clone())).collect();
    check_requests(api, &requests)?;
    let urls: BTreeSet<_> = lines.iter().map(|line| text_of(line, "/url")).collect();
    match urls.len() == 1 && urls.iter().all(|url| url.starts_with("/v1/")) {
        true => Ok((filename.ok_or("no file name")?, requests)),
        false => Err(format!("wrong urls: {urls:?}")),
    }
}

/// The name, the file and the requests of a batch.
pub(super) fn order(api: Api, sent: &Sent) -> Result<Ordered, String> {
    let order: Value = serde_json::from_slice(&sent.body).map_err(|_| "not JSON")?;
    let name = |at: &str| order.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let each = |at: &str, id: &str, body: &str| -> Requests {
        let all = order.pointer(at).and_then(Value::as_array).into_iter().flatten();
        all.map(|one| (text_of(one, id), one.pointer(body).cloned().unwrap_or_default())).collect()
    };
    let (name, file, requests) = match api {
        Api::Openai | Api::Together => {
            let endpoint = text_of(&order, "/endpoint");
            if !endpoint.starts_with("/v1/") || text_of(&order, "/completion_window") != "24h" {
                return Err("a wrong endpoint or window".to_owned());
            }
            return Ok((name("/metadata/pennyworth"), name("/input_file_id"), Vec::new()));
        }
        Api::Anthropic => (None, None, each("/requests", "/custom_id", "/params")),
        Api::Gemini => {
            let at = "/batch/inputConfig/requests/requests";
            (name("/batch/displayName"), None, each(at, "/metadata/key", "/request"))
        }
        Api::Mistral => (name("/metadata/pennyworth"), None, each("/requests", "/custom_id", "/body")),
        Api::Openrouter => (None, None, each("/requests", "/custom_id", "/body")),
    };
    if matches!(api, Api::Mistral | Api::Openrouter) && (name_of(&order).is_none() || !has_endpoint(api, &order)) {
        return Err("no model, or a wrong endpoint".to_owned());
    }
    if api == Api::Openrouter {
        check_openrouter(&order, &sent.body)?;
    }
    check_requests(api, &requests)?;
    Ok((name, file, requests))
}

/// OpenRouter reads a batch as it arrives, and knows few fields.
fn check_openrouter(order: &Value, bytes: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(bytes);
    let at = |field: &str| text.find(&format!("\"{field}\":"));
    if at("requests") < at("model") || at("requests") < at("endpoint") {
        return Err("requests come before what they need".to_owned());
    }
    let provider = order.get("provider").and_then(Value::as_object).into_iter().flatten();
    let unknown = provider.map(|(key, _)| key).find(|key| !matches!(key.as_str(), "only" | "allow_fallbacks"));
    unknown.map_or(Ok(()), |key| Err(format!("Unrecognized key: {key}")))
}

fn check_requests(api: Api, requests: &Requests) -> Result<(), String> {
    let ids: BTreeSet<_> = requests.iter().map(|(id, _)| id).collect();
    let is_plain = |id: &&String| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if requests.is_empty() || ids.len() < requests.len() || !ids.iter().all(is_plain) {
        return Err(format!("wrong ids: {ids:?}"));
    }
    for (id, body) in requests {
        check_body(api, body).map_err(|why| format!("{id}: {why}"))?;
    }
    Ok(())
}

/// Whether a request has what it needs: no stream, a ceiling, and a model where the batch has none.
fn check_body(api: Api, body: &Value) -> Result<(), String> {
    if body.get("stream").is_some() || body.get("stream_options").is_some() {
        return Err("stream is not supported".to_owned());
    }
    let ceilings = ["/max_tokens", "/max_completion_tokens", "/generationConfig/maxOutputTokens"];
    if !ceilings.iter().any(|at| body.pointer(at).is_some_and(|most| most.as_u64().is_some_and(|most| most > 0))) {
        return Err("no ceiling".to_owned());
    }
    let is_apart = matches!(api, Api::Mistral | Api::Openrouter);
    match body.get("model").is_none() == is_apart {
        true => Ok(()),
        false => Err("the model stands in the wrong place".to_owned()),
    }
}

fn name_of(order: &Value) -> Option<&str> {
    order.get("model")?.as_str()
}

fn has_endpoint(api: Api, order: &Value) -> bool {
    let known = ["/v1/chat/completions", "/v1/responses", "/v1/messages", "/v1/embeddings"];
    let endpoint = text_of(order, "/endpoint");
    known.contains(&endpoint.as_str()) || (api == Api::Mistral && endpoint == "/v1/fim/completions")
}

fn text_of(value: &Value, at: &str) -> String {
    value.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned()
}

//! Makes a batch of requests before anything is sent: each body as `call` would send it alone, and the checks that need no provider.
//! It leaves the form of the whole to each provider's file.

use std::collections::BTreeSet;

use pennyworth_core::models::Model;
use serde_json::{Map, Value, json};

use super::wire::{BatchWire, Plan, refused};
use crate::call;
use crate::client::Client;
use crate::error::ProviderError;
use crate::protocols::wire;
use crate::request::Request;

/// Most bytes of an own id, and of a batch's name: every provider takes them.
const MOST_ID: usize = 64;
/// Fields of a stream, which a batch has not.
const OF_STREAMS: [&str; 2] = ["stream", "stream_options"];
/// The name of the ceiling that a refusal may teach, beside the row's own.
const NEW_CEILING: &str = "max_completion_tokens";
/// Fields that a row might add, by which an answer would be longer than its ceiling, or more than one.
const CEILINGS: [&str; 4] = ["max_tokens", NEW_CEILING, "max_output_tokens", "maxOutputTokens"];
const NUMBERS: [&str; 3] = ["n", "best_of", "candidateCount"];

/// The batch of these requests, or why they cannot be one.
pub(crate) fn plan<'a>(
    client: &Client,
    api: &BatchWire,
    model: &'a Model,
    name: &'a str,
    requests: &[(String, Request)],
) -> Result<Plan<'a>, ProviderError> {
    let Some((_, first)) = requests.first() else { return Err(refused("no_requests")) };
    let endpoint = endpoint(first);
    if !is_plain(name) {
        return Err(refused("bad_name"));
    }
    if requests.len() > api.most_requests {
        return Err(refused("too_many_requests_in_batch"));
    }
    let output: u64 = requests.iter().map(|(_, request)| u64::from(request.max_tokens)).sum();
    if api.most_output.is_some_and(|most| output > most) {
        return Err(refused("batch_too_large"));
    }
    let mut ids = BTreeSet::new();
    let mut lines = Vec::with_capacity(requests.len());
    for (id, request) in requests {
        if !is_plain(id) || !ids.insert(id) {
            return Err(refused("bad_custom_id"));
        }
        let is_same = request.model.id == model.id && request.model.base_url == model.base_url;
        if !is_same || self::endpoint(request) != endpoint {
            return Err(refused("other_model"));
        }
        lines.push((id.clone(), body(client, request)?));
    }
    Ok(Plan { name, model, endpoint, lines })
}

/// The path of a request, as a batch names it: the version of the API belongs to it.
pub(crate) fn endpoint(request: &Request) -> String {
    let path = request.model.path.clone().unwrap_or_else(|| (wire(request.model.protocol).path)(request));
    format!("/v1{path}")
}

/// The lines of a file with these requests, for a path.
pub(crate) fn jsonl(plan: &Plan<'_>) -> Vec<u8> {
    let mut file = Vec::new();
    for (id, body) in &plan.lines {
        let line = json!({"custom_id": id, "method": "POST", "url": plan.endpoint, "body": body});
        file.extend_from_slice(line.to_string().as_bytes());
        file.push(b'\n');
    }
    file
}

/// The body of a request as it is sent alone, but not as a stream. It has its ceiling, or there is none.
fn body(client: &Client, request: &Request) -> Result<Map<String, Value>, ProviderError> {
    let wire = wire(request.model.protocol);
    let mut body = call::body(wire, request);
    client.quirks.of(&request.model).apply(&mut body);
    body.retain(|field, _| !OF_STREAMS.contains(&field.as_str()));
    let (tables, field) = wire.ceiling;
    let table = tables.iter().try_fold(None, |table: Option<&Map<String, Value>>, name| {
        table.unwrap_or(&body).get(*name)?.as_object().map(Some)
    });
    let table = table.flatten().unwrap_or(&body);
    let own = request.model.max_tokens_field.as_deref().unwrap_or(field);
    let ceiling = table.get(own).or_else(|| table.get(NEW_CEILING)).and_then(Value::as_u64);
    let most = u64::from(request.max_tokens.max(1));
    match ceiling {
        Some(ceiling) if ceiling <= most && ![table, &body].into_iter().any(|table| raises(table, most)) => Ok(body),
        _ => Err(refused("no_ceiling")),
    }
}

/// Whether a field of a table asks for more than the ceiling.
fn raises(table: &Map<String, Value>, most: u64) -> bool {
    let limits = CEILINGS.map(|field| (field, most)).into_iter().chain(NUMBERS.map(|field| (field, 1)));
    let over = |(field, limit)| table.get(field).is_some_and(|value| value.as_u64().is_none_or(|value| value > limit));
    limits.into_iter().any(over)
}

/// Whether every provider takes this as an id.
fn is_plain(id: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=MOST_ID).contains(&id.len()) && id.bytes().all(is_plain)
}

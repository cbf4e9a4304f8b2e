//! `/completions` and `/chat/completions` as OpenAI defined them and most servers copy, streamed. Lenient in what it reads: fields that are
//! missing, unknown or of another kind than documented are passed over; what decides about money or about the end of an answer is not.
//! It leaves health, routes and accounts to the server.

use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use pennyworth_core::models::Model;
use pennyworth_core::prompt::Body;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use crate::client::{self, Client, send};
use crate::error::{Kind, ProviderError};
use crate::{Chunk, Request, Timeouts};

mod read;

pub use read::{Expected, decode};

/// Refusals in a row that are learned from before the call is given up.
const LESSONS: usize = 5;
/// Bytes of an answer that is not streamed.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// Longest wait for an answer to a probe.
const PROBE: Duration = Duration::from_secs(5);

/// Asks; the deadlines hold over all of it.
pub(crate) fn ask(client: Client, request: Request) -> impl Stream<Item = Result<Chunk, ProviderError>> {
    let Timeouts { first_byte, total } = request.timeouts;
    let begun = async move {
        let start = Instant::now();
        let first = start + first_byte.min(total);
        let expected = Expected::of(&request);
        let response =
            timeout_at(first, open(&client, &request)).await.map_err(|_| ProviderError::new(Kind::FirstByte))??;
        let bytes = bytes(response).await?;
        Ok::<_, ProviderError>(decode(with_deadlines(bytes, first, start + total), expected))
    };
    stream::once(begun).try_flatten()
}

/// Whether the address answers and takes the key. Not every copy of the API lists its models, so a missing list is no fault.
pub(crate) async fn probe(client: &Client, model: &Model, key: Option<&SecretString>) -> Result<(), ProviderError> {
    let request = client.request(Method::GET, model, "/models", key)?;
    let answer = timeout(PROBE, send(request)).await.map_err(|_| ProviderError::new(Kind::FirstByte))?;
    match answer {
        Ok(_) => Ok(()),
        Err((error, _)) if error.kind == Kind::NotFound => Ok(()),
        Err((error, _)) => Err(error),
    }
}

/// Posts; a refusal that names a field is learned from and asked again without it, since nothing was billed.
async fn open(client: &Client, request: &Request) -> Result<reqwest::Response, ProviderError> {
    let path = match request.body {
        Body::Raw { .. } | Body::Fields { .. } => "/completions",
        Body::Chat { .. } => "/chat/completions",
    };
    let mut lessons = 0;
    loop {
        let quirk = client.quirks.of(&request.model);
        let mut body = body(request);
        quirk.apply(&mut body);
        let post = client.request(Method::POST, &request.model, path, request.key.as_ref())?.json(&body);
        let (error, refusal) = match send(post).await {
            Ok(response) => return Ok(response),
            Err(refused) => refused,
        };
        let refused_a_field = matches!(error.status, Some(400 | 422)) && lessons < LESSONS;
        let Some(learned) = refused_a_field.then(|| quirk.learned(&body, &refusal)).flatten() else {
            return Err(error);
        };
        tracing::info!(model = %request.model.name, quirk = ?learned, "the provider refuses a field; asking without it from now on");
        client.quirks.set(&request.model, learned);
        lessons += 1;
    }
}

fn body(request: &Request) -> Map<String, Value> {
    let model = &request.model;
    let mut body = Map::new();
    let mut set = |field: &str, value: Value| body.insert(field.to_owned(), value);
    set("model", json!(model.id));
    set("stream", json!(true));
    set("stream_options", json!({"include_usage": true}));
    set("temperature", json!(0));
    match &request.body {
        Body::Raw { prompt } => {
            set("prompt", json!(prompt));
        }
        Body::Fields { prompt, suffix } => {
            set("prompt", json!(prompt));
            set("suffix", json!(suffix));
        }
        Body::Chat { system, user } => {
            set("messages", json!([{"role": "system", "content": system}, {"role": "user", "content": user}]));
        }
    }
    if !request.stops.is_empty() {
        set("stop", json!(request.stops));
    }
    if model.logprobs {
        // The older endpoint takes the number of alternatives, the newer whether and how many.
        set("logprobs", if matches!(request.body, Body::Chat { .. }) { json!(true) } else { json!(1) });
    }
    for (field, value) in &model.extra {
        set(field, json!(value));
    }
    // Last, so that no row can lift the ceiling.
    set(&model.max_tokens_field, json!(request.max_tokens.max(1)));
    body
}

type Bytes = stream::BoxStream<'static, Result<Vec<u8>, ProviderError>>;

/// The answer's bytes. One that was sent whole, by a server that does not stream, becomes a stream of one event.
async fn bytes(response: reqwest::Response) -> Result<Bytes, ProviderError> {
    let kind =
        response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("").to_ascii_lowercase();
    if kind.starts_with("text/html") {
        return Err(ProviderError { status: Some(response.status().as_u16()), ..ProviderError::new(Kind::Malformed) });
    }
    if !kind.starts_with("application/json") {
        return Ok(response
            .bytes_stream()
            .map(|piece| piece.map(|piece| piece.to_vec()).map_err(|e| client::transport(&e)))
            .boxed());
    }
    let whole = client::body(response, MAX_BODY).await?;
    let value: Value = serde_json::from_slice(&whole).map_err(|_| ProviderError::new(Kind::Malformed))?;
    Ok(stream::iter([Ok(format!("data: {value}\n\n").into_bytes())]).boxed())
}

/// The same bytes, given up when the first does not come until `first` or the last not until `end`.
fn with_deadlines(bytes: Bytes, first: Instant, end: Instant) -> Bytes {
    let next = |(mut bytes, until, kind, end): (Bytes, Instant, Kind, Instant)| async move {
        match timeout_at(until, bytes.next()).await {
            Ok(piece) => piece.map(|piece| (piece, (bytes, end, Kind::Deadline, end))),
            Err(_) => Some((Err(ProviderError::new(kind)), (stream::empty().boxed(), end, kind, end))),
        }
    };
    stream::unfold((bytes, first, Kind::FirstByte, end), next).boxed()
}

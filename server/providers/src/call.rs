//! One call, from the request to the bytes of its answer, the same for every protocol: what it posts where, what it learns from refusals,
//! and the deadlines over all of it. It leaves what a body holds and what a frame means to the protocol's file.

use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use pennyworth_core::models::Model;
use pennyworth_core::money::Money;
use pennyworth_core::tokens;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout, timeout_at};

use crate::answer::{Expected, decode};
use crate::client::{self, Client, send};
use crate::error::{Kind, ProviderError};
use crate::frames::Framing;
use crate::limits::Limits;
use crate::wire::{Wire, wire};
use crate::{Chunk, Request, Timeouts};

/// Refusals in a row that are learned from before the call is given up.
const LESSONS: usize = 5;
/// Bytes of an answer that is not streamed.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// The header in which a LiteLLM proxy says what a whole answer cost, in USD.
const CHARGED: &str = "x-litellm-response-cost";
/// Longest wait for an answer to a probe.
const PROBE: Duration = Duration::from_secs(5);

/// Asks; the deadlines hold over all of it.
pub(crate) fn ask(client: Client, request: Request) -> impl Stream<Item = Result<Chunk, ProviderError>> {
    let Timeouts { first_byte, silence, total } = request.timeouts;
    let begun = async move {
        let start = Instant::now();
        let protocol = request.model.protocol;
        let wire = wire(protocol);
        let first = start + first_byte.min(total);
        let expected = Expected::of(&request);
        let response = timeout_at(first, open(wire, &client, &request))
            .await
            .map_err(|_| ProviderError::new(Kind::FirstByte))??;
        let limits = Limits::read(response.headers(), client::now()).map(Chunk::Limits);
        let (bytes, charged) = bytes(wire, response).await?;
        let expected = Expected { charged, ..expected };
        let bytes = with_deadlines(bytes, first, silence, start + total);
        Ok::<_, ProviderError>(stream::iter(limits.map(Ok)).chain(decode(protocol, bytes, expected)))
    };
    stream::once(begun).try_flatten()
}

/// Whether the address answers and takes the key. Not every copy of the API lists its models, so a missing list is no fault.
pub(crate) async fn probe(client: &Client, model: &Model, key: Option<&SecretString>) -> Result<(), ProviderError> {
    let request = client.request(Method::GET, model, wire(model.protocol).probe, key)?;
    let answer = timeout(PROBE, send(request)).await.map_err(|_| ProviderError::new(Kind::FirstByte))?;
    match answer {
        Ok(_) => Ok(()),
        Err((error, _)) if error.kind == Kind::NotFound => Ok(()),
        Err((error, _)) => Err(error),
    }
}

/// Opens a connection that the next call will find open, and says nothing on it that is worth knowing: no key, no code.
pub(crate) async fn connect(client: &Client, model: &Model) {
    let Ok(request) = client.request(Method::HEAD, model, wire(model.protocol).probe, None) else { return };
    // Whatever comes of it, the next call will see for itself.
    let _ = timeout(PROBE, request.send()).await;
}

/// Posts; a refusal that names a field is learned from and asked again without it, since nothing was billed.
async fn open(wire: &Wire, client: &Client, request: &Request) -> Result<reqwest::Response, ProviderError> {
    let path = request.model.path.clone().unwrap_or_else(|| (wire.path)(request));
    let mut lessons = 0;
    loop {
        let quirk = client.quirks.of(&request.model);
        let mut body = body(wire, request);
        quirk.apply(&mut body);
        let post = client.request(Method::POST, &request.model, &path, request.key.as_ref())?.json(&body);
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

/// The body of a request: the protocol's fields, the row's own over them, and last the ceiling, so that no row can lift it.
fn body(wire: &Wire, request: &Request) -> Map<String, Value> {
    let mut body = (wire.body)(request);
    lay_over(&mut body, json!(request.model.extra));
    body.retain(|field, _| !request.model.omit.contains(field));
    if let (Some(field), Some(key)) = (&request.model.cache_key_field, &request.cache_key) {
        body.insert(field.clone(), json!(key));
    }
    let mut place = &mut body;
    for table in wire.ceiling.0 {
        let inner = place.entry(*table).or_insert_with(|| json!({}));
        if !inner.is_object() {
            *inner = json!({});
        }
        let Value::Object(inner) = inner else { return body };
        place = inner;
    }
    let field = request.model.max_tokens_field.as_deref().unwrap_or(wire.ceiling.1);
    place.insert(field.to_owned(), json!(request.max_tokens.max(wire.warms_with.unwrap_or(1).min(1))));
    body
}

/// Whether the part of a chat that keystrokes leave as it is should be marked for the provider's cache: it is long enough to be taken.
pub(crate) fn is_marked(model: &Model, system: &str, shared: &str) -> bool {
    let count = |text: &str| tokens::estimate(text, model.chars_per_token);
    let is_enough = |least: u32| count(system) + count(shared) >= least;
    model.cache_marks && !shared.is_empty() && model.cache_min.is_some_and(is_enough)
}

/// Sets fields; tables are merged.
fn lay_over(body: &mut Map<String, Value>, fields: Value) {
    let Value::Object(fields) = fields else { return };
    for (name, value) in fields {
        match (body.get_mut(&name), value) {
            (Some(Value::Object(under)), value @ Value::Object(_)) => lay_over(under, value),
            (_, value) => {
                body.insert(name, value);
            }
        }
    }
}

type Bytes = stream::BoxStream<'static, Result<Vec<u8>, ProviderError>>;

/// The answer's bytes, and what its head says it charged. One that was sent whole, by a server that does not stream, becomes a stream of one event.
async fn bytes(wire: &Wire, response: reqwest::Response) -> Result<(Bytes, Option<Money>), ProviderError> {
    let kind =
        response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("").to_ascii_lowercase();
    if kind.starts_with("text/html") {
        return Err(ProviderError { status: Some(response.status().as_u16()), ..ProviderError::new(Kind::Malformed) });
    }
    if !kind.starts_with("application/json") {
        let pieces = response.bytes_stream();
        // The head of a stream is written before the answer is, so what it says of the cost is not the end of it.
        return Ok((
            pieces.map(|piece| piece.map(|piece| piece.to_vec()).map_err(|e| client::transport(&e))).boxed(),
            None,
        ));
    }
    let charged = response.headers().get(CHARGED).and_then(|cost| Money::from_decimal(cost.to_str().ok()?));
    // Who does not know a price says that it is nothing.
    let charged = charged.filter(|cost| *cost > Money::ZERO);
    let whole = client::body(response, MAX_BODY).await?;
    let value: Value = serde_json::from_slice(&whole).map_err(|_| ProviderError::new(Kind::Malformed))?;
    let frame = match wire.framing {
        Framing::Events => format!("data: {value}\n\n"),
        Framing::Lines => format!("{value}\n"),
    };
    Ok((stream::iter([Ok(frame.into_bytes())]).boxed(), charged))
}

/// The same bytes, given up when the first does not come until `first`, one later than `silence` after another, or the last not until `end`.
fn with_deadlines(bytes: Bytes, first: Instant, silence: Duration, end: Instant) -> Bytes {
    let next = move |(mut bytes, until, kind): (Bytes, Instant, Kind)| async move {
        match timeout_at(until, bytes.next()).await {
            Ok(piece) => piece.map(|piece| (piece, (bytes, end.min(Instant::now() + silence), Kind::Deadline))),
            Err(_) => Some((Err(ProviderError::new(kind)), (stream::empty().boxed(), end, kind))),
        }
    };
    stream::unfold((bytes, first, Kind::FirstByte), next).boxed()
}

//! One call, from the request to the bytes of its answer, the same for every protocol: it posts the body, learns from refusals and keeps
//! the deadlines. It leaves the fields of a body and the meaning of a frame to the protocol's file.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use pennyworth_core::models::Model;
use pennyworth_core::money::Money;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout, timeout_at};

use crate::answer::{self, Expected, decode_from};
use crate::chunk::Chunk;
use crate::client::{self, Client, Refused, send};
use crate::connections::Connections;
use crate::error::{Kind, ProviderError};
use crate::frames::Framing;
use crate::limits::Limits;
use crate::protocols::wire;
use crate::request::{Request, Timeouts};
use crate::whereabouts;
use crate::wire::Wire;

/// Refusals in a row from which a call learns before it gives up.
const LESSONS: usize = 5;
/// Most bytes of an answer that is not streamed.
const MAX_BODY: usize = 8 * 1024 * 1024;
/// How long the body of an answer that is not streamed pauses before what came of it is taken for whole, if it is.
const PAUSE: Duration = Duration::from_millis(50);
/// The header in which a LiteLLM proxy reports the cost of a whole answer, in USD.
const CHARGED: &str = "x-litellm-response-cost";
/// How long a request waited that was dropped, if its connection is suspect.
const IN_VAIN: Duration = Duration::from_secs(1);
/// Longest wait for an answer to a probe.
pub(crate) const PROBE: Duration = Duration::from_secs(5);

/// Sends the request and streams the answer, all within the deadlines.
pub(crate) fn ask(client: Client, request: Request) -> impl Stream<Item = Result<Chunk, ProviderError>> {
    let Timeouts { first_byte, silence, total } = request.timeouts;
    let begun = async move {
        let start = Instant::now();
        let protocol = request.model.protocol;
        let wire = wire(protocol);
        let first = start + first_byte.min(total);
        let expected = Expected::of(&request);
        let mut awaited = Awaited::new(&client, &request.model);
        let opened = timeout_at(first, open(wire, &client, &request)).await;
        awaited.ended(&opened);
        let response = match opened.map_err(|_| ProviderError::new(Kind::FirstByte))? {
            Ok(response) => response,
            Err((error, refusal)) => {
                let bill = answer::bill(wire, expected, &refusal).map(Chunk::Usage);
                return Ok(stream::iter(bill.map(Ok).into_iter().chain([Err(error)])).left_stream());
            }
        };
        whereabouts::check_answer(&client, &request.model, response.headers())?;
        let limits = Limits::read(response.headers(), client::now()).map(Chunk::Limits);
        let end = start + total;
        let (bytes, charged) =
            timeout_at(end, bytes(wire, response)).await.map_err(|_| ProviderError::new(Kind::Deadline))??;
        let expected = Expected { charged, ..expected };
        let bytes = with_deadlines(bytes, first, silence, end);
        let stays_here = request.model.code_stays_here();
        let chunks = decode_from(protocol, bytes, expected, stays_here)
            .inspect_err(move |error| whereabouts::check_error(&client, &request.model, error));
        Ok::<_, ProviderError>(stream::iter(limits.map(Ok)).chain(chunks).right_stream())
    };
    stream::once(begun).try_flatten()
}

/// A request that waits for the head of its answer. If it waits in vain, its connection is suspect, also if nobody waits any more.
struct Awaited {
    /// The connections, if the request goes to another machine.
    remote: Option<Arc<Connections>>,
    since: Instant,
    end: Option<Heard>,
}

/// How such a wait ended.
enum Heard {
    Answer,
    Nothing,
    Failure,
}

impl Awaited {
    fn new(client: &Client, model: &Model) -> Awaited {
        let remote = (!model.address_is_here()).then(|| Arc::clone(&client.remote));
        Awaited { remote, since: Instant::now(), end: None }
    }

    fn ended<T>(&mut self, opened: &Result<Result<T, Refused>, Elapsed>) {
        self.end = Some(match opened {
            Ok(Ok(_)) => Heard::Answer,
            Ok(Err((error, _))) if error.status.is_some() => Heard::Answer,
            Ok(Err(_)) => Heard::Failure,
            Err(_) => Heard::Nothing,
        });
    }
}

impl Drop for Awaited {
    fn drop(&mut self) {
        let Some(remote) = &self.remote else { return };
        match self.end {
            Some(Heard::Answer) => remote.heard(),
            Some(Heard::Nothing) => remote.suspect(),
            None if self.since.elapsed() >= IN_VAIN => remote.suspect(),
            Some(Heard::Failure) | None => {}
        }
    }
}

/// Checks that the address answers and accepts the key. Not every copy of the API lists its models, so a missing list is no fault.
pub(crate) async fn probe(client: &Client, model: &Model, key: Option<&SecretString>) -> Result<(), ProviderError> {
    let request = client.request(Method::GET, model, wire(model.protocol).probe, key)?;
    let answer = timeout(PROBE, send(request)).await.map_err(|_| ProviderError::new(Kind::FirstByte))?;
    match answer {
        Ok(_) => Ok(()),
        Err((error, _)) if error.kind == Kind::NotFound => Ok(()),
        Err((error, _)) => Err(error),
    }
}

/// Opens a connection for the next call. It sends no key and no code.
pub(crate) async fn connect(client: &Client, model: &Model) {
    let Ok(request) = client.request(Method::HEAD, model, wire(model.protocol).probe, None) else { return };
    // A failure is ignored: the next call will report its own.
    if let Ok(Ok(_)) = timeout(PROBE, request.send()).await {
        client.remote.heard();
    }
}

/// Posts the request. After a refusal that names a field it posts again without the field, since nothing was billed.
async fn open(wire: &Wire, client: &Client, request: &Request) -> Result<reqwest::Response, Refused> {
    let unsent = |error| (error, Value::Null);
    whereabouts::check(client, &request.model).await.map_err(unsent)?;
    let path = request.model.path.clone().unwrap_or_else(|| (wire.path)(request));
    let mut lessons = 0;
    loop {
        let quirk = client.quirks.of(&request.model);
        let mut body = body(wire, request);
        quirk.apply(&mut body);
        let post = client.request(Method::POST, &request.model, &path, request.key.as_ref()).map_err(unsent)?;
        let (error, refusal) = match send(post.json(&body)).await {
            Ok(response) => return Ok(response),
            Err(refused) => refused,
        };
        let refused_a_field = matches!(error.status, Some(400 | 422)) && lessons < LESSONS;
        let Some(learned) = refused_a_field.then(|| quirk.learned(&body, &refusal)).flatten() else {
            return Err((error, refusal));
        };
        tracing::info!(model = %request.model.name, quirk = ?learned, "the provider refuses a field; asking without it from now on");
        client.quirks.set(&request.model, learned);
        lessons += 1;
    }
}

/// The body of a request: the protocol's fields, then the row's own, and last the ceiling, so that no row can raise it.
pub(crate) fn body(wire: &Wire, request: &Request) -> Map<String, Value> {
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

/// Sets fields and merges tables.
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

/// The answer's bytes, and the charge in its headers. A whole answer, from a server that does not stream, becomes a stream of one event.
async fn bytes(wire: &Wire, response: reqwest::Response) -> Result<(Bytes, Option<Money>), ProviderError> {
    let kind =
        response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("").to_ascii_lowercase();
    if client::is_html(&kind) {
        // A firewall's page in the place of an answer.
        return Err(ProviderError { status: Some(response.status().as_u16()), ..ProviderError::new(Kind::Blocked) });
    }
    if !kind.starts_with("application/json") {
        let pieces = response.bytes_stream();
        // A stream's headers are sent before the answer is written, so a cost in them is not final.
        return Ok((
            pieces.map(|piece| piece.map(|piece| piece.to_vec()).map_err(|e| client::transport(&e))).boxed(),
            None,
        ));
    }
    let charged = response.headers().get(CHARGED).and_then(|cost| Money::from_decimal(cost.to_str().ok()?));
    // A proxy that does not know the price reports zero.
    let charged = charged.filter(|cost| *cost > Money::ZERO);
    let value = whole(response).await?;
    let frame = match wire.framing {
        Framing::Events => format!("data: {value}\n\n"),
        Framing::Lines => format!("{value}\n"),
    };
    Ok((stream::iter([Ok(frame.into_bytes())]).boxed(), charged))
}

/// The one value of a body. It is whole once it can be read, also where the body's own end does not come.
async fn whole(mut response: reqwest::Response) -> Result<Value, ProviderError> {
    let (mut body, mut seen) = (Vec::new(), 0);
    loop {
        let next = match timeout(PAUSE, response.chunk()).await {
            Ok(Ok(Some(piece))) => {
                body.extend_from_slice(&piece);
                if body.len() > MAX_BODY {
                    return Err(ProviderError::new(Kind::TooLarge));
                }
                continue;
            }
            Ok(Ok(None)) => Some(ProviderError::new(Kind::Malformed)),
            Ok(Err(error)) => Some(client::transport(&error)),
            Err(_) if body.len() == seen => continue,
            Err(_) => None,
        };
        seen = body.len();
        match (serde_json::from_slice(&body), next) {
            (Ok(value), _) => return Ok(value),
            (Err(_), Some(error)) => return Err(error),
            (Err(_), None) => {}
        }
    }
}

/// The same bytes under deadlines: the first piece by `first`, each later one within `silence`, and the last by `end`.
fn with_deadlines(bytes: Bytes, first: Instant, silence: Duration, end: Instant) -> Bytes {
    let next = move |(mut bytes, until, kind): (Bytes, Instant, Kind)| async move {
        let late = |kind| Some((Err(ProviderError::new(kind)), (stream::empty().boxed(), end, kind)));
        // A timeout looks at its clock only while it waits, and a stream at full speed never has it wait.
        if Instant::now() >= end {
            return late(kind);
        }
        match timeout_at(until, bytes.next()).await {
            Ok(piece) => piece.map(|piece| (piece, (bytes, end.min(Instant::now() + silence), Kind::Deadline))),
            Err(_) => late(kind),
        }
    };
    stream::unfold((bytes, first, Kind::FirstByte), next).fuse().boxed()
}

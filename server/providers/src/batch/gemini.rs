//! Google's batches: the requests go in one call, the results come inside the batch. A batch comes bare or wrapped in an operation, counts
//! are texts, and states have one of two prefixes.

use serde_json::{Value, json};

use super::state::{Batch, BatchCounts, BatchState, error, moment, number, text};
use super::wire::{BatchWire, Line, LineEnd, Page, Plan, Post, Source, Start, items, parameter, safe};
use crate::error::{Kind, ProviderError};
use crate::refusal::Answered;

/// The API.
pub(crate) static GEMINI: BatchWire = BatchWire {
    start: Start::Inline(submit),
    most_requests: 10_000,
    // It takes 20 MB.
    most_bytes: 16 * 1024 * 1024,
    // About 16 MB of results: larger ones cannot be fetched, and are billed.
    most_output: Some(2_000_000),
    read,
    path,
    detail: path,
    cancel: Some(|id| format!("{}:cancel", path(id))),
    list: |after| format!("/batches?pageSize=100{}", parameter("pageToken", after)),
    page,
    // Nothing says that it does.
    newest_first: false,
    is_named: true,
    sources,
    keeps,
    line,
};

/// Where the results stand.
const RESULTS: [&str; 6] = [
    "/response/inlinedResponses",
    "/response/output/inlinedResponses",
    "/output/inlinedResponses",
    "/metadata/output/inlinedResponses",
    "/dest/inlinedResponses",
    "/inlinedResponses",
];

/// The HTTP status of each gRPC code.
const STATUSES: [(u64, u16); 12] = [
    (3, 400),
    (4, 504),
    (5, 404),
    (7, 403),
    (8, 429),
    (9, 400),
    (10, 409),
    (11, 400),
    (13, 500),
    (14, 503),
    (15, 500),
    (16, 401),
];

fn path(id: &str) -> String {
    format!("/batches/{}", safe(id.strip_prefix("batches/").unwrap_or(id)))
}

fn submit(plan: &Plan<'_>) -> Result<Post, ProviderError> {
    let model = format!("models/{}", plan.model.id);
    let requests = plan.lines.iter().map(|(id, body)| {
        let mut request = body.clone();
        request.insert("model".to_owned(), json!(model));
        json!({"request": request, "metadata": {"key": id}})
    });
    let requests: Vec<Value> = requests.collect();
    let body = json!({"batch": {"displayName": plan.name, "inputConfig": {"requests": {"requests": requests}}}});
    Ok(Post { path: format!("/{model}:batchGenerateContent"), body })
}

fn read(value: &Value) -> Option<Batch> {
    let inner = value.get("metadata").filter(|metadata| metadata.get("state").is_some()).unwrap_or(value);
    let id = text(value, "/name").or_else(|| text(inner, "/name"))?;
    let stats = inner.get("batchStats").filter(|stats| stats.is_object());
    let counts = stats.map(|stats| BatchCounts {
        total: number(stats, "/requestCount"),
        succeeded: number(stats, "/successfulRequestCount"),
        failed: number(stats, "/failedRequestCount"),
    });
    let state = text(inner, "/state").unwrap_or_default();
    let state = match state.split_once("_STATE_").map_or(state.as_str(), |(_, state)| state) {
        "PENDING" | "QUEUED" | "UNSPECIFIED" => BatchState::Pending,
        "SUCCEEDED" => BatchState::ended(counts),
        "PARTIALLY_SUCCEEDED" => BatchState::Partly,
        "FAILED" => BatchState::Failed,
        "CANCELLING" => BatchState::Cancelling,
        "CANCELLED" => BatchState::Cancelled,
        "EXPIRED" => BatchState::Expired,
        // An operation that failed at once has no state.
        "" if value.get("error").is_some_and(Value::is_object) => BatchState::Failed,
        _ => BatchState::Running,
    };
    Some(Batch {
        counts,
        name: text(inner, "/displayName"),
        created: moment(inner, "/createTime"),
        error: error(value, "/error").or_else(|| error(inner, "/error")),
        ..Batch::new(&id, state)
    })
}

fn page(value: &Value, _: Option<&str>) -> Page {
    let found = ["/operations", "/batches"].map(|at| items(value, at)).concat();
    Page { items: found, next: text(value, "/nextPageToken").filter(|token| !token.is_empty()) }
}

/// The list of results stands in a table of the same name, or bare.
fn sources(value: &Value) -> Vec<Source> {
    let found = RESULTS.iter().find_map(|at| {
        let place = value.pointer(at)?;
        place.as_array().or_else(|| place.get("inlinedResponses")?.as_array())
    });
    found.map(|results| Source::Inline(results.clone())).into_iter().collect()
}

/// The batch holds its requests and its results.
fn keeps(value: &Value) -> Vec<String> {
    read(value).map(|batch| path(&batch.id)).into_iter().collect()
}

fn line(value: &Value) -> Option<Line> {
    let custom_id = text(value, "/metadata/key").or_else(|| text(value, "/metadata/custom_id"))?;
    let response = value.get("response").filter(|response| response.is_object());
    let error = value.get("error").filter(|error| error.is_object());
    let end = match (response, error) {
        (Some(response), _) => LineEnd::Answer(response.clone()),
        (None, Some(error)) => failed(error),
        (None, None) => LineEnd::Error(ProviderError::new(Kind::Malformed), Value::Null),
    };
    Some(Line { custom_id, end })
}

/// An error, whose code is gRPC's.
fn failed(error: &Value) -> LineEnd {
    let code = number(error, "/code");
    if code == 1 {
        return LineEnd::Cancelled;
    }
    let body = json!({ "error": error });
    let status = STATUSES.into_iter().find(|(known, _)| *known == code).map(|(_, status)| status);
    let told = match status {
        Some(status) => ProviderError { status: None, ..ProviderError::answer(&Answered::new(status, &body)) },
        None => ProviderError::in_stream(&body),
    };
    LineEnd::Error(told, body)
}

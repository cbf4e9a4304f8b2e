//! Anthropic's Message Batches: the requests go in one call, the results are lines in any order. A batch has no name, so one that was sent
//! before is known by its time and its counts alone.

use serde_json::{Value, json};

use super::state::{Batch, BatchCounts, BatchState, moment, number, text};
use super::wire::{BatchWire, Line, LineEnd, Page, Plan, Post, Source, Start, items, parameter, safe};
use crate::error::{Kind, ProviderError};
use crate::refusal::Answered;

/// The API.
pub(crate) static ANTHROPIC: BatchWire = BatchWire {
    start: Start::Inline(submit),
    most_requests: 100_000,
    most_bytes: 32 * 1024 * 1024,
    most_output: None,
    read,
    path: |id| format!("/messages/batches/{}", safe(id)),
    detail: |id| format!("/messages/batches/{}", safe(id)),
    cancel: Some(|id| format!("/messages/batches/{}/cancel", safe(id))),
    list: |after| format!("/messages/batches?limit=100{}", parameter("after_id", after)),
    page,
    newest_first: true,
    is_named: false,
    sources,
    keeps,
    line,
};

/// The status that each type of error has outside of a batch.
const STATUSES: [(&str, u16); 11] = [
    ("invalid_request_error", 400),
    ("authentication_error", 401),
    ("billing_error", 402),
    ("permission_error", 403),
    ("not_found_error", 404),
    ("conflict_error", 409),
    ("request_too_large", 413),
    ("rate_limit_error", 429),
    ("api_error", 500),
    ("timeout_error", 504),
    ("overloaded_error", 529),
];

fn submit(plan: &Plan<'_>) -> Result<Post, ProviderError> {
    let requests: Vec<Value> = plan.lines.iter().map(|(id, body)| json!({"custom_id": id, "params": body})).collect();
    Ok(Post { path: "/messages/batches".to_owned(), body: json!({ "requests": requests }) })
}

fn read(value: &Value) -> Option<Batch> {
    let id = text(value, "/id")?;
    let status = text(value, "/processing_status")?;
    let count = |at: &str| number(value, &format!("/request_counts/{at}"));
    let [errored, cancelled, expired] = ["errored", "canceled", "expired"].map(count);
    let succeeded = count("succeeded");
    let failed = errored.saturating_add(cancelled).saturating_add(expired);
    let total = count("processing").saturating_add(succeeded).saturating_add(failed);
    let counts = value.get("request_counts").map(|_| BatchCounts { total, succeeded, failed });
    let state = match status.as_str() {
        "canceling" => BatchState::Cancelling,
        "ended" if total > 0 && expired == total => BatchState::Expired,
        "ended" if total > 0 && cancelled == total => BatchState::Cancelled,
        "ended" => BatchState::ended(counts),
        _ => BatchState::Running,
    };
    Some(Batch { counts, created: moment(value, "/created_at"), ..Batch::new(&id, state) })
}

fn page(value: &Value, _: Option<&str>) -> Page {
    let has_more = value.get("has_more") == Some(&Value::Bool(true));
    Page { items: items(value, "/data"), next: has_more.then(|| text(value, "/last_id")).flatten() }
}

/// The results are at their documented path. The address that the batch itself gives may lead to another host, which must not see the key.
fn sources(value: &Value) -> Vec<Source> {
    let is_there = value.get("results_url").is_some_and(|url| !url.is_null());
    let id = text(value, "/id").filter(|_| is_there);
    id.map(|id| Source::File(format!("/messages/batches/{}/results", safe(&id)))).into_iter().collect()
}

/// The batch holds its requests and its results.
fn keeps(value: &Value) -> Vec<String> {
    text(value, "/id").map(|id| format!("/messages/batches/{}", safe(&id))).into_iter().collect()
}

fn line(value: &Value) -> Option<Line> {
    let custom_id = text(value, "/custom_id")?;
    let result = value.get("result")?;
    let end = match text(result, "/type").as_deref() {
        Some("succeeded") => LineEnd::Answer(result.get("message").cloned().unwrap_or(Value::Null)),
        Some("errored") => errored(result.get("error").cloned().unwrap_or(Value::Null)),
        Some("canceled") => LineEnd::Cancelled,
        Some("expired") => LineEnd::Expired,
        _ => LineEnd::Error(ProviderError::new(Kind::Malformed), Value::Null),
    };
    Some(Line { custom_id, end })
}

/// An error, which stands inside another one.
fn errored(error: Value) -> LineEnd {
    let kind = text(&error, "/error/type").or_else(|| text(&error, "/type"));
    let status = STATUSES.into_iter().find(|(name, _)| kind.as_deref() == Some(*name)).map(|(_, status)| status);
    let told = match status {
        Some(status) => ProviderError { status: None, ..ProviderError::answer(&Answered::new(status, &error)) },
        None => ProviderError::in_stream(&error),
    };
    LineEnd::Error(told, error)
}

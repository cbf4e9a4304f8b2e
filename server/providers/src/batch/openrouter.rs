//! OpenRouter's batches: the requests go in one call, the results come inside the batch or in pages. Nothing cancels a batch, and it has no
//! name, so one that was sent before is known by its time and its counts alone. It leaves a result to `lines`.

use pennyworth_core::models::Model;
use serde_json::{Map, Value, json};

use super::lines::line;
use super::state::{Batch, BatchCounts, BatchState, error, moment, number, text, usage};
use super::wire::{BatchWire, Page, Plan, Post, Source, Start, items, parameter, refused, safe};
use crate::error::ProviderError;

/// The API.
pub(crate) static OPENROUTER: BatchWire = BatchWire {
    start: Start::Inline(submit),
    most_requests: 5000,
    most_bytes: 32 * 1024 * 1024,
    most_output: None,
    read,
    path: |id| format!("/batches/{}", safe(id)),
    detail: |id| format!("/batches/{}", safe(id)),
    cancel: None,
    list: |after| format!("/batches?limit=100{}", parameter("after", after)),
    page,
    newest_first: true,
    is_named: false,
    sources,
    keeps,
    line,
};

/// What a batch can say of the companies that may serve it.
const KEPT: [&str; 2] = ["only", "allow_fallbacks"];
/// What it cannot say and does not need: it takes the cheapest company by itself.
const NEEDLESS: [&str; 1] = ["sort"];
/// What it cannot say and does not need where the row names the companies.
const NEEDLESS_WITH_ONLY: [&str; 2] = ["data_collection", "order"];

/// The requests stand last, because the API reads the other fields before them; the order of letters gives this.
fn submit(plan: &Plan<'_>) -> Result<Post, ProviderError> {
    let provider = provider(plan.model)?;
    let requests = plan.lines.iter().map(|(id, body)| {
        let mut body = body.clone();
        body.retain(|field, _| field != "model" && field != "provider");
        json!({"custom_id": id, "body": body})
    });
    let requests: Vec<Value> = requests.collect();
    let mut body = json!({"completion_window": "24h", "endpoint": plan.endpoint, "model": plan.model.id});
    if let Some(fields) = body.as_object_mut() {
        if !provider.is_empty() {
            fields.insert("provider".to_owned(), Value::Object(provider));
        }
        fields.insert("requests".to_owned(), Value::Array(requests));
    }
    Ok(Post { path: "/batches".to_owned(), body })
}

/// What the row says of the companies that may serve it. A batch that cannot say all of it is not sent: code must not reach a company that
/// the row excludes.
fn provider(model: &Model) -> Result<Map<String, Value>, ProviderError> {
    let said = json!(model.extra).get("provider").and_then(Value::as_object).cloned().unwrap_or_default();
    let names_companies = said.get("only").and_then(Value::as_array).is_some_and(|only| !only.is_empty());
    let is_needless = |field: &str| {
        NEEDLESS.contains(&field) || (names_companies && NEEDLESS_WITH_ONLY.contains(&field)) || KEPT.contains(&field)
    };
    match said.keys().find(|field| !is_needless(field)) {
        Some(field) => Err(refused(field)),
        None => Ok(said.into_iter().filter(|(field, _)| KEPT.contains(&field.as_str())).collect()),
    }
}

fn read(value: &Value) -> Option<Batch> {
    let id = text(value, "/id")?;
    let status = text(value, "/status")?;
    let counts = value.get("request_counts").filter(|counts| counts.is_object()).map(|counts| BatchCounts {
        total: number(counts, "/total"),
        succeeded: number(counts, "/completed"),
        failed: number(counts, "/failed"),
    });
    let state = match status.as_str() {
        "validating" => BatchState::Pending,
        "cancelling" => BatchState::Cancelling,
        "completed" => BatchState::ended(counts),
        "failed" => BatchState::Failed,
        "expired" => BatchState::Expired,
        "cancelled" => BatchState::Cancelled,
        _ => BatchState::Running,
    };
    let created = moment(value, "/created_at");
    Some(Batch { counts, usage: usage(value), created, error: error(value, "/error"), ..Batch::new(&id, state) })
}

/// A page of batches or of results.
fn page(value: &Value, _: Option<&str>) -> Page {
    let has_more = value.get("has_more") == Some(&Value::Bool(true));
    let next = text(value, "/next_cursor").or_else(|| text(value, "/last_id"));
    Page { items: items(value, "/data"), next: next.filter(|_| has_more) }
}

/// The results inside the batch, and all pages of them where some are missing there.
fn sources(value: &Value) -> Vec<Source> {
    let inside = items(value, "/results");
    let finished = number(value, "/request_counts/completed").saturating_add(number(value, "/request_counts/failed"));
    let is_whole = !inside.is_empty() && inside.len() as u64 >= finished;
    let id = text(value, "/id").filter(|_| !is_whole);
    let pages = id.map(|id| Source::Pages(format!("/batches/{}/results", safe(&id))));
    [Source::Inline(inside)].into_iter().chain(pages).collect()
}

/// The batch holds its requests and its results.
fn keeps(value: &Value) -> Vec<String> {
    text(value, "/id").map(|id| format!("/batches/{}", safe(&id))).into_iter().collect()
}

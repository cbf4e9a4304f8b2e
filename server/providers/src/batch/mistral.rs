//! Mistral's batch jobs, for chats and for filling in the middle: the requests go in one call, the results come inside the job or in two files.
//! It leaves a result to `lines`.

use serde_json::{Value, json};

use super::lines::line;
use super::openai::{content, file};
use super::state::{Batch, BatchCounts, BatchState, error, moment, number, text};
use super::wire::{BatchWire, Page, Plan, Post, Source, Start, items, safe};
use crate::error::ProviderError;

/// The metadata that holds our name.
const NAME: &str = "pennyworth";
/// Jobs of a page of the list.
const PER_PAGE: usize = 100;

/// The API.
pub(crate) static MISTRAL: BatchWire = BatchWire {
    start: Start::Inline(submit),
    most_requests: 10_000,
    most_bytes: 32 * 1024 * 1024,
    most_output: None,
    read,
    path: |id| format!("/batch/jobs/{}", safe(id)),
    detail: |id| format!("/batch/jobs/{}?inline=true", safe(id)),
    cancel: Some(|id| format!("/batch/jobs/{}/cancel", safe(id))),
    list: |page| format!("/batch/jobs?page_size={PER_PAGE}&order_by=-created&page={}", page.unwrap_or("0")),
    page,
    // It is asked for, but an older API takes no order.
    newest_first: false,
    is_named: true,
    sources,
    keeps,
    line,
};

fn submit(plan: &Plan<'_>) -> Result<Post, ProviderError> {
    let requests = plan.lines.iter().map(|(id, body)| {
        let mut body = body.clone();
        body.remove("model");
        json!({"custom_id": id, "body": body})
    });
    let requests: Vec<Value> = requests.collect();
    let body = json!({"endpoint": plan.endpoint, "model": plan.model.id, "requests": requests,
        "timeout_hours": 24, "metadata": {NAME: plan.name}});
    Ok(Post { path: "/batch/jobs".to_owned(), body })
}

fn read(value: &Value) -> Option<Batch> {
    let id = text(value, "/id")?;
    let status = text(value, "/status")?;
    let total = number(value, "/total_requests");
    let failed = number(value, "/failed_requests");
    let counts = BatchCounts { total, succeeded: number(value, "/succeeded_requests"), failed };
    let state = match status.as_str() {
        "QUEUED" => BatchState::Pending,
        "SUCCESS" => BatchState::ended(Some(counts)),
        "FAILED" => BatchState::Failed,
        "TIMEOUT_EXCEEDED" => BatchState::Expired,
        "CANCELLATION_REQUESTED" => BatchState::Cancelling,
        "CANCELLED" => BatchState::Cancelled,
        _ => BatchState::Running,
    };
    Some(Batch {
        counts: Some(counts),
        name: text(value, &format!("/metadata/{NAME}")),
        created: moment(value, "/created_at"),
        error: error(value, "/errors/0"),
        ..Batch::new(&id, state)
    })
}

/// A page, and the number of the next one where this one is full.
fn page(value: &Value, number: Option<&str>) -> Page {
    let items = items(value, "/data");
    let next = number.unwrap_or("0").parse::<u32>().ok().map(|number| number.saturating_add(1).to_string());
    let next = next.filter(|_| items.len() >= PER_PAGE);
    Page { items, next }
}

/// The results inside the job. A job without them, or without some, has files.
fn sources(value: &Value) -> Vec<Source> {
    let inside = items(value, "/outputs");
    let is_whole = !inside.is_empty() && inside.len() as u64 >= number(value, "/total_requests");
    let answers = text(value, "/output_file").filter(|_| inside.is_empty());
    let errors = text(value, "/error_file").filter(|_| !is_whole);
    let files = answers.into_iter().chain(errors).map(|id| Source::File(content(&id)));
    [Source::Inline(inside)].into_iter().chain(files).collect()
}

/// The files of requests and of results, and then the job, which names them.
fn keeps(value: &Value) -> Vec<String> {
    let requests = items(value, "/input_files").into_iter().filter_map(|id| id.as_str().map(str::to_owned));
    let results = ["/output_file", "/error_file"].into_iter().filter_map(|at| text(value, at));
    let job = text(value, "/id").map(|id| format!("/batch/jobs/{}", safe(&id)));
    requests.chain(results).filter(|id| !id.is_empty()).map(|id| file(&id)).chain(job).collect()
}

//! OpenAI's batches: a file of requests is uploaded, a batch is made of it, and the results are two files. Groq copies them as they are,
//! Together with an upload of its own and without metadata. It leaves a result to `lines`.

use serde_json::{Value, json};

use super::lines::line;
use super::state::{Batch, BatchCounts, BatchState, error, moment, number, text, usage};
use super::wire::{BatchWire, Page, Post, Source, Start, Upload, items, parameter, safe};

/// The metadata that holds our name.
const NAME: &str = "pennyworth";

/// OpenAI's API.
pub(crate) static OPENAI: BatchWire = copy(
    Upload {
        path: "/files",
        fields: &[("purpose", "batch")],
        name_field: None,
        list: |after| format!("/files?purpose=batch&limit=100{}", parameter("after", after)),
        submit: |name, file, endpoint| {
            let metadata = json!({ NAME: name });
            post(json!({"input_file_id": file, "endpoint": endpoint, "completion_window": "24h", "metadata": metadata}))
        },
    },
    |after| format!("/batches?limit=100{}", parameter("after", after)),
);

/// Together's copy. A batch is known by its file.
pub(crate) static TOGETHER: BatchWire = copy(
    Upload {
        path: "/files/upload",
        fields: &[("purpose", "batch-api"), ("file_type", "jsonl")],
        name_field: Some("file_name"),
        list: |_| "/files".to_owned(),
        submit: |_, file, endpoint| {
            post(json!({"input_file_id": file, "endpoint": endpoint, "completion_window": "24h"}))
        },
    },
    |_| "/batches".to_owned(),
);

/// What all copies have in common.
const fn copy(upload: Upload, list: fn(Option<&str>) -> String) -> BatchWire {
    BatchWire {
        start: Start::File(upload),
        most_requests: 50_000,
        most_bytes: 32 * 1024 * 1024,
        most_output: None,
        read,
        path: |id| format!("/batches/{}", safe(id)),
        detail: |id| format!("/batches/{}", safe(id)),
        cancel: Some(|id| format!("/batches/{}/cancel", safe(id))),
        list,
        page,
        newest_first: true,
        is_named: true,
        sources,
        keeps,
        line,
    }
}

fn post(body: Value) -> Post {
    Post { path: "/batches".to_owned(), body }
}

fn read(value: &Value) -> Option<Batch> {
    // Together wraps a new batch.
    let value = value.get("job").filter(|job| job.is_object()).unwrap_or(value);
    let id = text(value, "/id")?;
    let status = text(value, "/status")?.to_ascii_lowercase();
    let counts = value.get("request_counts").filter(|counts| counts.is_object()).map(|counts| BatchCounts {
        total: number(counts, "/total"),
        succeeded: number(counts, "/completed"),
        failed: number(counts, "/failed"),
    });
    let state = match status.as_str() {
        "validating" => BatchState::Pending,
        "cancelling" | "canceling" => BatchState::Cancelling,
        "completed" => BatchState::ended(counts),
        "failed" => BatchState::Failed,
        "expired" => BatchState::Expired,
        "cancelled" | "canceled" => BatchState::Cancelled,
        _ => BatchState::Running,
    };
    Some(Batch {
        counts,
        usage: usage(value),
        name: text(value, &format!("/metadata/{NAME}")),
        file: text(value, "/input_file_id"),
        created: moment(value, "/created_at"),
        error: error(value, "/errors/data/0").or_else(|| error(value, "/error")),
        ..Batch::new(&id, state)
    })
}

/// A page of batches or of files; Together's lists are bare and whole.
fn page(value: &Value, _: Option<&str>) -> Page {
    if let Some(all) = value.as_array() {
        return Page { items: all.clone(), next: None };
    }
    let items = items(value, "/data");
    let last = || text(value, "/last_id").or_else(|| text(items.last()?, "/id"));
    let next = (value.get("has_more") == Some(&Value::Bool(true))).then(last).flatten();
    Page { items, next }
}

/// The answers, and the errors. Either file may be missing.
fn sources(value: &Value) -> Vec<Source> {
    let files = ["/output_file_id", "/error_file_id"].into_iter().filter_map(|at| text(value, at));
    files.filter(|id| !id.is_empty()).map(|id| Source::File(content(&id))).collect()
}

/// All files of a batch. The batch itself holds no text, and cannot be removed.
fn keeps(value: &Value) -> Vec<String> {
    let value = value.get("job").filter(|job| job.is_object()).unwrap_or(value);
    let ids = ["/input_file_id", "/output_file_id", "/error_file_id"].into_iter().filter_map(|at| text(value, at));
    ids.filter(|id| !id.is_empty()).map(|id| file(&id)).collect()
}

/// The path of a file.
pub(crate) fn file(id: &str) -> String {
    format!("/files/{}", safe(id))
}

/// The path of a file's content.
pub(crate) fn content(id: &str) -> String {
    format!("{}/content", file(id))
}

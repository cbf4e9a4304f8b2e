//! A batch in each API's form, as documentation and recordings have it. It leaves single results to `lines`.

use serde_json::{Value, json};

use super::lines::lines;
use super::state::{Api, Course, End, Fate, Progress, Taken, USES};

/// Numbers of requests: all, answered, failed, expired, cancelled.
fn counts(course: &Course, batch: &Taken) -> [u64; 5] {
    if course.counts_nothing {
        return [0; 5];
    }
    let total = batch.requests.len() as u64;
    if batch.progress != Progress::Over {
        return [total, 0, 0, 0, 0];
    }
    let of = |wanted: fn(Fate) -> bool| {
        let fates = batch.requests.iter().map(|(id, _)| course.fates.get(id).copied().unwrap_or_default());
        fates.filter(|fate| wanted(*fate)).count() as u64
    };
    [
        total,
        of(|fate| matches!(fate, Fate::Answer | Fate::Lost)),
        of(|fate| matches!(fate, Fate::Error(_))),
        of(|fate| fate == Fate::Expired),
        of(|fate| fate == Fate::Cancelled),
    ]
}

/// A batch.
pub(super) fn shape(api: Api, course: &Course, batch: &Taken, inline: bool) -> Value {
    let [total, answered, failed, expired, cancelled] = counts(course, batch);
    let lost = failed + expired + cancelled;
    let is_over = batch.progress == Progress::Over;
    let has_results = is_over && batch.end != End::Failed;
    let results = || if has_results && !course.is_apart { json!(lines(api, course, batch)) } else { Value::Null };
    let file = |kind: &str| if has_results { json!(format!("{kind}-{}", batch.id)) } else { Value::Null };
    let error = (is_over && batch.end == End::Failed).then(|| json!({"code": "token_limit_exceeded", "message": "no"}));
    let [input, cached, output] = USES.map(|each| each * answered);
    match api {
        Api::Openai | Api::Together => {
            let status =
                word(batch, ["validating", "in_progress", "cancelling", "completed", "failed", "expired", "cancelled"]);
            let status = if api == Api::Together { status.to_ascii_uppercase() } else { status.to_owned() };
            let is_all = lost == 0 && !course.counts_nothing;
            json!({"id": batch.id, "object": "batch", "status": status, "input_file_id": batch.file, "created_at": batch.created,
                "output_file_id": file("answers"), "error_file_id": if is_all { Value::Null } else { file("errors") },
                "errors": error.map(|error| json!({"data": [error]})), "metadata": batch.name.as_ref().map(|name| json!({"pennyworth": name})),
                "request_counts": {"total": total, "completed": answered, "failed": lost},
                "usage": {"input_tokens": input, "input_tokens_details": {"cached_tokens": cached}, "output_tokens": output}})
        }
        Api::Anthropic => {
            let status = word(batch, ["in_progress", "in_progress", "canceling", "ended", "ended", "ended", "ended"]);
            let waiting = if is_over { 0 } else { total };
            let url = has_results.then_some("http://192.0.2.1/steals-the-key");
            json!({"id": batch.id, "type": "message_batch", "processing_status": status, "created_at": date(batch.created), "results_url": url,
                "request_counts": {"processing": waiting, "succeeded": answered, "errored": failed, "canceled": cancelled, "expired": expired}})
        }
        Api::Gemini => {
            let state = word(batch, ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED", "FAILED", "EXPIRED", "CANCELLED"]);
            let metadata = json!({"name": batch.id, "displayName": batch.name, "state": format!("BATCH_STATE_{state}"),
                "createTime": date(batch.created), "batchStats": {"requestCount": total.to_string(),
                    "successfulRequestCount": answered.to_string(), "failedRequestCount": lost.to_string()}});
            let inside = || json!({"inlinedResponses": {"inlinedResponses": lines(api, course, batch)}});
            let response = (has_results && error.is_none()).then(inside);
            let operation =
                json!({"name": batch.id, "metadata": metadata, "done": is_over, "error": error, "response": response});
            let Value::Object(mut operation) = operation else { return Value::Null };
            operation.retain(|_, value| !value.is_null());
            Value::Object(operation)
        }
        Api::Mistral => {
            let status = word(
                batch,
                ["QUEUED", "RUNNING", "CANCELLATION_REQUESTED", "SUCCESS", "FAILED", "TIMEOUT_EXCEEDED", "CANCELLED"],
            );
            let total = if batch.progress == Progress::Pending { 0 } else { total };
            json!({"id": batch.id, "object": "batch", "status": status, "created_at": batch.created, "input_files": ["f1"],
                "metadata": {"pennyworth": batch.name}, "outputs": if inline { results() } else { Value::Null },
                "output_file": file("answers"), "error_file": file("errors"), "errors": error.into_iter().collect::<Vec<_>>(),
                "total_requests": total, "succeeded_requests": answered, "failed_requests": lost})
        }
        Api::Openrouter => {
            let status =
                word(batch, ["validating", "in_progress", "cancelling", "completed", "failed", "expired", "cancelled"]);
            json!({"id": batch.id, "object": "batch", "status": status, "created_at": batch.created, "results": results(), "error": error,
                "request_counts": {"total": total, "completed": answered, "failed": lost},
                "usage": {"prompt_tokens": input, "completion_tokens": output, "cost": 0.000_001,
                    "prompt_tokens_details": {"cached_tokens": cached}}})
        }
    }
}

/// The word for how far a batch is: pending, running, cancelling, completed, failed, expired or cancelled.
fn word(batch: &Taken, words: [&'static str; 7]) -> &'static str {
    let [pending, running, cancelling, completed, failed, expired, cancelled] = words;
    match (batch.progress, batch.end) {
        (Progress::Pending, _) => pending,
        (Progress::Running, _) => running,
        (Progress::Cancelling, _) => cancelling,
        (Progress::Over, End::Completed) => completed,
        (Progress::Over, End::Failed) => failed,
        (Progress::Over, End::Expired) => expired,
        (Progress::Over, End::Cancelled) => cancelled,
    }
}

/// A date as RFC 3339 has it, for seconds since 1970.
fn date(seconds: u64) -> String {
    // Days since 0000-03-01, so that a leap day ends its year.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, shifted) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + u64::from(shifted <= 2);
    let rest = seconds % 86_400;
    format!("{year:04}-{shifted:02}-{day:02}T{:02}:{:02}:{:02}Z", rest / 3600, rest / 60 % 60, rest % 60)
}

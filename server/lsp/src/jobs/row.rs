//! A job as people and programs read it. It leaves printing to `cli` and the editor.

use serde_json::{Value, json};

use super::kept::KeptJobs;
use super::taking::is_outdated;
use crate::ledger::{JobRow, JobState, Ledger};

/// The state of a job as people read it.
pub fn state(job: &JobRow) -> String {
    match (&job.taken, job.state, job.stage) {
        (Some(taken), JobState::Done, _) => taken.clone(),
        _ if job.is_dropped && !job.state.is_final() => "cancelling".to_owned(),
        (_, JobState::Sent, Some(stage)) => stage.name().to_owned(),
        (_, state, _) => state.name().to_owned(),
    }
}

/// The state of a job, as it is for the files of now, and what it is about: its title, or its task once its prompt is forgotten. It blocks.
pub fn described(job: &JobRow, ledger: &Ledger) -> (String, String) {
    let kept = KeptJobs::beside(ledger).and_then(|kept| kept.read(job.id));
    let is_ready = job.state == JobState::Done && job.taken.is_none();
    let state = match &kept {
        Some(kept) if is_ready && is_outdated(ledger, job.id, kept) => "outdated".to_owned(),
        _ => state(job),
    };
    (state, kept.map_or_else(|| job.task.map_or("?", |task| task.name()).to_owned(), |kept| kept.title))
}

/// A job as JSON. It blocks.
pub fn as_json(job: &JobRow, ledger: &Ledger) -> Value {
    let (state, title) = described(job, ledger);
    json!({
        "id": job.id.to_string(), "state": state, "reason": job.reason, "title": title,
        "task": job.task, "language": job.language, "model": job.model, "cost_usd": job.cost.usd(), "queued_ms": job.at_ms,
    })
}

//! Puts a job into the queue: first its file, then its row and its money in one transaction. It leaves sending it to `look`.

use pennyworth_core::models::{self, WeekHour};
use pennyworth_core::money::Money;
use pennyworth_core::task::Task;

use super::kept::{ENDS, Kept, KeptJobs, Next, Subject};
use super::row;
use crate::complete::later::Deferred;
use crate::demand::{Job, Sendable};
use crate::ledger::{Entry, JobId, Ledger, NewJob, Refused};
use crate::trial::Waiting;

/// Why a job is not in the queue.
#[derive(Debug, thiserror::Error)]
pub enum NotQueued {
    /// The ledger refused its money or its row.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Its file cannot be written.
    #[error("its prompt cannot be kept: {0}")]
    Unkept(#[from] std::io::Error),
    /// There is no place for its file.
    #[error("its prompt cannot be kept: no place for it is known")]
    Nowhere,
}

/// A queued job, with the most that it costs.
pub type Queued = (JobId, Money);

/// Puts a job into the queue, whose title says what it is.
pub async fn enqueue(ledger: &Ledger, job: &Job, sendable: Sendable, title: String) -> Result<Queued, NotQueued> {
    let Sendable { task, language, model, step, next, body, root, caps } = sendable;
    let entry = Entry::on_demand((task, &language), &step, &model, ENDS);
    let about = Subject::Task(job.about.clone());
    let mut kept = Kept::new((title, task, language), (root, job.files.clone()), about, body);
    let next = next.into_iter().map(|step| Next { model: step.model, prompt_tokens: step.prompt_tokens });
    kept.next = next.collect();
    let (id, model_id, waits) = (JobId::fresh(), model.id, step.later.and_then(waits));
    put(ledger, NewJob { id, model_id, waits, of_trial: None, entry, caps }, kept).await
}

/// Puts a hole of a trial into the queue.
pub async fn enqueue_hole(ledger: &Ledger, waiting: Waiting) -> Result<Queued, NotQueued> {
    let Waiting { sent, hole } = waiting;
    let Deferred { model, step, body, entry, caps, root, files, .. } = sent;
    let entry = Entry { deadline: ENDS, ..entry };
    let (of_trial, task) = (Some(hole.of.clone()), entry.task.unwrap_or(Task::Line));
    let title = row::of_trial(&hole.of);
    let about = Subject::Hole(hole);
    let mut kept = Kept::new((title, task, entry.language.clone()), (root, files), about, body);
    kept.stops = step.stops;
    let (id, model_id, waits) = (JobId::fresh(), model.id, step.later.and_then(waits));
    put(ledger, NewJob { id, model_id, waits, of_trial, entry, caps }, kept).await
}

async fn put(ledger: &Ledger, job: NewJob, kept: Kept) -> Result<Queued, NotQueued> {
    let folder = KeptJobs::beside(ledger).ok_or(NotQueued::Nowhere)?;
    let queued @ (id, _) = (job.id, job.entry.worst_cost);
    folder.on_disk(move |folder| folder.write(id, &kept)).await.ok_or(NotQueued::Nowhere)??;
    if let Err(refused) = ledger.enqueue(job).await {
        folder.on_disk(move |folder| folder.forget(id)).await;
        return Err(refused.into());
    }
    Ok(queued)
}

/// What a job waits for that is in no batch.
pub(super) fn waits(later: models::Later) -> Option<String> {
    let models::Later::OffPeak(hours) = later else { return None };
    let hour = (week_hour().hour() + hours) % 24;
    Some(format!("it waits for the lower price of its model, from {hour}:00 UTC"))
}

/// The hour of now.
pub(super) fn week_hour() -> WeekHour {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    WeekHour::of(since.map_or(0, |since| since.as_secs()))
}

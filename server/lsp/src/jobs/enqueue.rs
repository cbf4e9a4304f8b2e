//! Puts a job into the queue: first its file, then its row and its money in one transaction. It leaves sending it to `look`.

use pennyworth_core::models::{Later, WeekHour};
use pennyworth_core::money::Money;

use super::kept::{ENDS, Kept, KeptJobs, Next};
use crate::demand::{Job, Sendable};
use crate::ledger::{Entry, JobId, Ledger, Refused};

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
    let folder = KeptJobs::beside(ledger).ok_or(NotQueued::Nowhere)?;
    let Sendable { task, language, model, step, next, body, root, caps } = sendable;
    let entry = Entry::on_demand((task, &language), &step, &model, ENDS);
    let (id, worst) = (JobId::fresh(), entry.worst_cost);
    let kept = Kept::new((title, task, language), (root, job.files.clone()), job.about.clone(), body);
    let next = next.into_iter().map(|step| Next { model: step.model, prompt_tokens: step.prompt_tokens });
    let mut kept = kept.ok_or(NotQueued::Nowhere)?;
    kept.next = next.collect();
    folder.on_disk(move |folder| folder.write(id, &kept)).await.ok_or(NotQueued::Nowhere)??;
    if let Err(refused) = ledger.enqueue(id, (model.id.clone(), step.later.and_then(waits)), entry, caps).await {
        folder.on_disk(move |folder| folder.forget(id)).await;
        return Err(refused.into());
    }
    Ok((id, worst))
}

/// What a job waits for that is in no batch.
pub(super) fn waits(later: Later) -> Option<String> {
    let Later::OffPeak(hours) = later else { return None };
    let hour = (week_hour().hour() + hours) % 24;
    Some(format!("it waits for the lower price of its model, from {hour}:00 UTC"))
}

/// The hour of now.
pub(super) fn week_hour() -> WeekHour {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    WeekHour::of(since.map_or(0, |since| since.as_secs()))
}

//! Puts a job into the queue: first its file, then its row and its money in one transaction. It leaves sending it to `look`.

use pennyworth_core::money::Money;

use super::kept::{KEPT, Kept, KeptJobs};
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
    let Sendable { task, language, model, prompt_tokens, max_tokens, body, root, caps } = sendable;
    let day = std::time::Duration::from_secs(24 * 3600);
    let entry = Entry::batched((task, &language), &model, prompt_tokens, max_tokens, KEPT + day);
    let (id, worst) = (JobId::fresh(), entry.worst_cost);
    let kept = Kept::new((title, task, language), (root, job.files.clone()), job.about.clone(), body);
    let kept = kept.ok_or(NotQueued::Nowhere)?;
    folder.on_disk(move |folder| folder.write(id, &kept)).await.ok_or(NotQueued::Nowhere)??;
    if let Err(refused) = ledger.enqueue(id, model.id.clone(), entry, caps).await {
        folder.on_disk(move |folder| folder.forget(id)).await;
        return Err(refused.into());
    }
    Ok((id, worst))
}

//! The answer of a job, and what becomes of it: it is read again from what was kept, brought to its place in the file of now, and forgotten once it
//! was applied or thrown away. It leaves writing files to `cli` and the editor.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;

use pennyworth_core::demand::{Finding, Hunk, anchored, as_shown};
use pennyworth_core::prompt::{normalised, without_mark};

use super::kept::{Kept, KeptJobs};
use super::place::{Outdated, placed};
use crate::demand::{About, Answer, Edited};
use crate::ledger::{JobId, Ledger, Refused};

/// A job and its answer. `None` if it has none, or none any more. It blocks.
pub fn answer(ledger: &Ledger, id: JobId) -> Option<(Kept, Answer)> {
    let folder = KeptJobs::beside(ledger)?;
    let (kept, said) = (folder.read(id)?, folder.answer(id)?);
    let judged = kept.about()?.judged(kept.task, &said.text, said.is_truncated).ok()?;
    Some((kept, judged))
}

/// An edit for the file as it is now on the disk. It blocks.
pub fn current(kept: &Kept, edited: &Edited) -> Result<Edited, Outdated> {
    let now = match fs::read_to_string(&edited.path) {
        Err(error) if error.kind() == ErrorKind::NotFound && edited.before.is_empty() => String::new(),
        read => read.map_err(|error| Outdated::Unread(error.to_string()))?,
    };
    brought(kept, edited, &now)
}

/// An edit for a text of the file.
pub fn brought(kept: &Kept, edited: &Edited, now: &str) -> Result<Edited, Outdated> {
    match kept.about().and_then(|about| about.scope(kept.task)) {
        Some(scope) => placed(edited, scope, &normalised(without_mark(now))),
        None => Err(Outdated::Gone),
    }
}

/// The findings of a review at their lines in the files as they are now on the disk, and those whose lines were rewritten since. It blocks.
pub fn found(kept: &Kept, findings: Vec<Finding>) -> (Vec<Finding>, Vec<Finding>) {
    let (mut current, mut outdated) = (Vec::new(), Vec::new());
    let mut files = BTreeMap::<String, (Vec<Hunk>, String)>::new();
    for finding in findings {
        let (hunks, now) = files.entry(finding.file.clone()).or_insert_with_key(|file| {
            let now = fs::read_to_string(kept.root.join(file)).unwrap_or_default();
            (reviewed(kept, file), as_shown(&now, file))
        });
        match anchored(finding.clone(), hunks, now) {
            Some(moved) => current.push(moved),
            None => outdated.push(finding),
        }
    }
    (current, outdated)
}

/// The hunks of a file that a job was about.
pub(super) fn reviewed(kept: &Kept, file: &str) -> Vec<Hunk> {
    let Some(About::Hunks(reviewed)) = kept.about() else { return Vec::new() };
    reviewed.iter().filter(|(path, _)| path == file).flat_map(|(_, hunks)| hunks.iter().cloned()).collect()
}

/// Whether its files changed so that nothing of the answer of a job fits them. It blocks, and judges only the answers about files that changed.
pub fn is_outdated(ledger: &Ledger, id: JobId, kept: &Kept) -> bool {
    let Some(about) = kept.about() else { return false };
    let judged = || {
        let said = KeptJobs::beside(ledger)?.answer(id)?;
        about.judged(kept.task, &said.text, said.is_truncated).ok()
    };
    match about.edits() {
        Some((path, before)) => {
            let is_as_read = fs::read_to_string(path).is_ok_and(|now| normalised(without_mark(&now)) == before);
            let edited = || judged().filter(|_| !is_as_read);
            matches!(edited(), Some(Answer::Edited(edited)) if current(kept, &edited).is_err())
        }
        None if matches!(about, About::Hunks(_)) => match judged() {
            Some(Answer::Findings(all)) if !all.findings.is_empty() => found(kept, all.findings).0.is_empty(),
            _ => false,
        },
        None => false,
    }
}

/// Applies the answer of a job by this work, which says whether it did. False if it did not, or if another process was faster; an answer that was not
/// applied can be applied later.
pub async fn apply<E>(ledger: &Ledger, id: JobId, work: impl AsyncFnOnce() -> Result<bool, E>) -> Result<bool, E>
where
    E: From<Refused>,
{
    if !ledger.taken(id, "applied").await? {
        return Ok(false);
    }
    let done = work().await;
    match done {
        Ok(true) => forget(ledger, id).await,
        _ => ledger.untaken(id).await?,
    }
    done
}

/// Takes a job back: it is not sent if it was not yet, and an answer is thrown away. What was sent may still be billed.
pub async fn discard(ledger: &Ledger, id: JobId) -> Result<(), Refused> {
    use crate::ledger::{Ended, JobState};

    let ended = Ended::free(JobState::Cancelled, "you cancelled it");
    if ledger.end_job(None, id, ended).await? {
        return take(ledger, id, "discarded").await;
    }
    match ledger.drop_job(id).await? {
        // Its prompt may still be needed to send it: other jobs are in its batch.
        true => Ok(()),
        false => take(ledger, id, "discarded").await,
    }
}

async fn take(ledger: &Ledger, id: JobId, how: &'static str) -> Result<(), Refused> {
    ledger.taken(id, how).await?;
    forget(ledger, id).await;
    Ok(())
}

async fn forget(ledger: &Ledger, id: JobId) {
    if let Some(folder) = KeptJobs::beside(ledger) {
        folder.on_disk(move |folder| folder.forget(id)).await;
    }
}

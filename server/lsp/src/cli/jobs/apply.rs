//! `pennyworth jobs apply`: writes the edit of a job to its file, and of a review those that its findings suggest, as far as they fit the files of now. It
//! leaves where they belong to `jobs`.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{anyhow, bail};
use clap::Args;
use pennyworth_core::demand::Finding;
use serde_json::json;

use super::super::demand::Opened;
use super::super::edit::write;
use super::named::find;
use crate::demand::{Answer, Edited, Findings};
use crate::jobs::{self, Kept, Mended, mended, state};
use crate::ledger::{JobRow, JobState, Ledger};
use crate::reports::words::counted;

/// The jobs to apply.
#[derive(Debug, Args)]
pub(super) struct Applied {
    /// The ids of jobs, or the ends of them
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<String>,
    /// The edits of all jobs that are done
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

impl Applied {
    /// Whether the jobs that are named have ended, so that nobody need be asked.
    pub(super) fn have_ended(&self, opened: &Opened, ledger: &Ledger) -> anyhow::Result<bool> {
        Ok(!self.all && self.found(opened, ledger)?.iter().all(|job| job.state.is_final()))
    }

    /// Applies each job, whatever becomes of the others.
    pub(super) fn apply(
        &self,
        opened: &Opened,
        ledger: &Ledger,
        is_json: bool,
        out: &mut impl Write,
    ) -> anyhow::Result<ExitCode> {
        let found = self.found(opened, ledger)?;
        // A file is written to its end.
        opened.interrupt.begin();
        let (mut failed, mut is_whole) = (Vec::new(), true);
        for job in &found {
            match apply((opened, ledger), job, is_json, out) {
                Ok(all) => is_whole &= all,
                Err(why) => failed.push(why),
            }
            if opened.interrupt.is_wanted() {
                break;
            }
        }
        match (failed.len(), found.len()) {
            (0, 0) => bail!("no job has an edit to apply"),
            (1, 1) if !opened.interrupt.is_wanted() => Err(failed.remove(0)),
            _ => {
                is_whole &= failed.is_empty();
                failed.iter().for_each(|why| eprintln!("{why:#}"));
                Ok(opened.ended(is_whole))
            }
        }
    }

    /// The jobs that are meant; of all jobs, those with an edit that was not applied. What a review suggests and does not fit any more is left alone.
    fn found(&self, opened: &Opened, ledger: &Ledger) -> anyhow::Result<Vec<JobRow>> {
        if !self.all {
            return self.ids.iter().map(|id| Ok(find(opened, ledger, id)?.first)).collect();
        }
        let edits = |job: &JobRow| match jobs::answer(ledger, job.id) {
            Some((_, Answer::Edited(_))) => true,
            Some((kept, Answer::Findings(Findings { findings, .. }))) => !mended(&kept, findings).files.is_empty(),
            _ => false,
        };
        let all = opened.runtime.block_on(ledger.jobs())?.into_iter();
        Ok(all.filter(|job| job.state == JobState::Done && job.taken.is_none() && edits(job)).collect())
    }
}

/// Applies a job. False if a part of it was not.
fn apply(
    (opened, ledger): (&Opened, &Ledger),
    job: &JobRow,
    is_json: bool,
    out: &mut impl Write,
) -> anyhow::Result<bool> {
    if let Some(of) = &job.of_trial {
        let (id, trial) = (job.id.short(), of.trial);
        bail!("{id} is a trial's, which edits nothing; `pennyworth trial --show {trial}` prints what came");
    }
    let answer = jobs::answer(ledger, job.id).filter(|_| job.state == JobState::Done);
    let (kept, answer) =
        answer.ok_or_else(|| anyhow!("{} has no result to apply: it is {}", job.id.short(), state(job)))?;
    match answer {
        Answer::Edited(edited) => {
            apply_edit((opened, ledger), job, (&kept, &edited))?;
            if is_json {
                writeln!(out, "{}", json!({"id": job.id.to_string(), "file": edited.path, "applied": true}))?;
            }
            Ok(true)
        }
        Answer::Findings(found) if found.findings.iter().any(|finding| finding.fix.is_some()) => {
            let made = apply_suggested((opened, ledger), job, (&kept, found.findings))?;
            made.tell(job, is_json, out)?;
            Ok(made.left.is_empty())
        }
        _ => bail!("{} edits nothing; `pennyworth jobs show` prints it", job.id.short()),
    }
}

fn apply_edit(
    (opened, ledger): (&Opened, &Ledger),
    job: &JobRow,
    (kept, edited): (&Kept, &Edited),
) -> anyhow::Result<()> {
    // The file is read only once no other process can write this edit.
    let work = async || {
        let current = jobs::current(kept, edited).map_err(|outdated| {
            anyhow!(
                "{}: {outdated}; nothing was written, and `pennyworth jobs show` prints the edit",
                edited.path.display()
            )
        })?;
        write(&current).map(|()| true)
    };
    if !opened.runtime.block_on(jobs::apply(ledger, job.id, work))? {
        bail!("{} was applied by another process", job.id.short());
    }
    Ok(())
}

/// What became of the edits that a review suggests.
#[derive(Default)]
struct Made {
    done: Vec<Finding>,
    /// What was not applied, and why.
    left: Vec<(Finding, String)>,
    /// The number of findings that suggest none.
    without: usize,
}

/// Writes the edits that findings suggest. The review stays in the queue as long as it has findings that were not mended.
fn apply_suggested(
    (opened, ledger): (&Opened, &Ledger),
    job: &JobRow,
    (kept, findings): (&Kept, Vec<Finding>),
) -> anyhow::Result<Made> {
    let mut made = None;
    let work = async || {
        let Mended { files, left, without } = mended(kept, findings);
        let left = left.into_iter().map(|(finding, why)| (finding, why.to_string())).collect();
        let all = made.insert(Made { done: Vec::new(), left, without });
        for (edited, mended) in files {
            match write(&edited) {
                Ok(()) => all.done.extend(mended),
                Err(error) => {
                    all.left.extend(mended.into_iter().map(|finding| (finding, format!("{error:#}"))));
                }
            }
        }
        anyhow::Ok(all.left.is_empty() && without == 0)
    };
    opened.runtime.block_on(jobs::apply(ledger, job.id, work))?;
    made.ok_or_else(|| anyhow!("{} was applied by another process", job.id.short()))
}

impl Made {
    /// Prints what was applied, and says what was not.
    fn tell(&self, job: &JobRow, is_json: bool, out: &mut impl Write) -> anyhow::Result<()> {
        let done = self.done.iter().map(|finding| (finding, None));
        let all = done.chain(self.left.iter().map(|(finding, why)| (finding, Some(why.as_str()))));
        if is_json {
            let all = all.map(|(Finding { file, line, title, .. }, why)| {
                json!({"file": file, "line": line, "title": title, "applied": why.is_none(), "why": why})
            });
            let edits: Vec<_> = all.collect();
            let told = json!({"id": job.id.to_string(), "applied": !self.done.is_empty(), "edits": edits});
            writeln!(out, "{told}")?;
        } else {
            for (Finding { file, line, title, .. }, why) in all {
                let file = file.replace(char::is_control, "?");
                match why {
                    None => writeln!(out, "applied: {file}:{line}: {title}")?,
                    Some(why) => eprintln!("not applied: {file}:{line}: {title}: {why}"),
                }
            }
        }
        out.flush()?;
        if self.without > 0 {
            let count = counted(self.without as u64, "finding");
            eprintln!("{count} without an edit; `pennyworth jobs show` prints all");
        }
        Ok(())
    }
}

//! `pennyworth jobs`: what is queued, and what came of it. It leaves the queue to `jobs`, and printing findings and edits to the files
//! of their commands.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand};
use pennyworth_core::demand::Finding;
use serde_json::{Value, json};

use super::demand::{Opened, nothing, open};
use super::edit::{diff, write};
use super::review;
use crate::demand::Answer;
use crate::jobs::{self, Kept, Looked, Looker, Pace, When, as_json, state, title};
use crate::ledger::{JobRow, JobState, Ledger};

/// The pause between two looks of a command that waits. A provider is asked less often.
const PAUSE: Duration = Duration::from_secs(5);

/// List, show, apply and cancel what is queued
#[derive(Debug, Args)]
pub struct Jobs {
    #[command(subcommand)]
    action: Option<Action>,
    /// Wait until no job is open, and then go on. What waits for a lower price is asked here when that holds
    #[arg(long, global = true)]
    wait: bool,
    /// Print one JSON object
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all jobs, the default
    List,
    /// Print the result of a job
    Show(Named),
    /// Take a job back, or throw its result away
    Cancel(Named),
    /// Write the edits of jobs to their files
    Apply(Applied),
}

#[derive(Debug, Args)]
struct Applied {
    /// The ids of jobs, or the ends of them
    #[arg(value_name = "ID", required_unless_present = "all")]
    ids: Vec<String>,
    /// The edits of all jobs that are done
    #[arg(long, conflicts_with = "ids")]
    all: bool,
}

#[derive(Debug, Args)]
struct Named {
    /// The job's id, or the end of it
    #[arg(value_name = "ID")]
    id: String,
}

impl Jobs {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let opened = open(config, Path::new("."))?;
        let ledger = opened.completer.ledger.get().context("there is no ledger")?;
        let has_ended = match &self.action {
            None | Some(Action::List) => false,
            Some(Action::Show(named)) => find(&opened, ledger, &named.id)?.state.is_final(),
            Some(Action::Apply(applied)) => {
                let found: Vec<JobRow> = applied.found(&opened, ledger)?;
                !applied.all && found.iter().all(|job| job.state.is_final())
            }
            Some(Action::Cancel(named)) => {
                let job = find(&opened, ledger, &named.id)?;
                opened.runtime.block_on(jobs::discard(ledger, job.id))?;
                false
            }
        };
        if self.wait || !has_ended {
            opened.runtime.block_on(self.look(&opened, ledger))?;
        }
        match &self.action {
            None | Some(Action::List) => self.list(&opened, ledger, out),
            Some(Action::Show(named)) => self.show(ledger, &find(&opened, ledger, &named.id)?, out),
            Some(Action::Cancel(named)) => self.tell(&find(&opened, ledger, &named.id)?, ledger, out),
            Some(Action::Apply(applied)) => self.apply_all(&opened, ledger, applied, out),
        }
    }

    /// Looks after the queue, once or until no job is open.
    async fn look(&self, opened: &Opened, ledger: &Ledger) -> anyhow::Result<()> {
        let (providers, settings) = (&opened.completer.providers, opened.own.clone());
        let looker = Looker { ledger, providers, settings, pace: Pace::default(), asks: self.wait };
        let mut when = When::Now;
        let mut told = Vec::new();
        loop {
            let Looked { is_busy, notes, open, .. } = looker.look(when).await?;
            for note in notes.into_iter().filter(|note| !told.contains(note)).collect::<Vec<_>>() {
                eprintln!("note: {note}");
                told.push(note);
            }
            if is_busy && !self.wait {
                eprintln!("note: another process looks after the queue at this moment");
            }
            if !self.wait || (open == 0 && !is_busy) {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
            when = When::Due;
        }
    }

    fn list(&self, opened: &Opened, ledger: &Ledger, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let all = opened.runtime.block_on(ledger.jobs())?;
        if self.json {
            let all: Vec<Value> = all.iter().map(|job| as_json(job, ledger)).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "jobs": all }))?)?;
            return Ok(ExitCode::SUCCESS);
        }
        if all.is_empty() {
            writeln!(out, "no jobs")?;
        }
        for job in &all {
            self.tell(job, ledger, out)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn tell(&self, job: &JobRow, ledger: &Ledger, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&as_json(job, ledger))?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let title = title(job, ledger);
        let why = job.reason.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let bound = if job.state.is_final() { "" } else { "at most " };
        writeln!(out, "{}  {}{why}  {title}  {}, {bound}{}", job.id.short(), state(job), job.model, job.cost)?;
        Ok(ExitCode::SUCCESS)
    }

    fn show(&self, ledger: &Ledger, job: &JobRow, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let answer = jobs::answer(ledger, job.id).filter(|_| job.state == JobState::Done);
        if self.json {
            let mut all = as_json(job, ledger);
            if let (Some(fields), Some((kept, answer))) = (all.as_object_mut(), &answer) {
                fields.insert("result".into(), result(kept, answer));
            }
            writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
            return Ok(if answer.is_some() { ExitCode::SUCCESS } else { nothing() });
        }
        match answer {
            Some((_, Answer::Prose(text) | Answer::Message(text))) => writeln!(out, "{text}")?,
            Some((kept, Answer::Findings(found))) => {
                let (current, outdated) = jobs::found(&kept, found.findings);
                if !current.is_empty() || outdated.is_empty() {
                    review::text(&current, out)?;
                }
                for Finding { file, line, title, .. } in outdated {
                    eprintln!("note: {file}:{line}: the line has changed since the review, which found: {title}");
                }
            }
            Some((kept, Answer::Edited(edited))) => match jobs::current(&kept, &edited) {
                Ok(edited) => write!(out, "{}", diff(&edited))?,
                Err(outdated) => {
                    write!(out, "{}", diff(&edited))?;
                    eprintln!("note: {}: {outdated}", edited.path.display());
                }
            },
            None => {
                self.tell(job, ledger, out)?;
                return Ok(nothing());
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Applies each job, whatever becomes of the others.
    fn apply_all(
        &self,
        opened: &Opened,
        ledger: &Ledger,
        applied: &Applied,
        out: &mut impl Write,
    ) -> anyhow::Result<ExitCode> {
        let found = applied.found(opened, ledger)?;
        let mut failed = Vec::new();
        for job in &found {
            failed.extend(self.apply(opened, ledger, job, out).err());
        }
        match (failed.len(), found.len()) {
            (0, 0) => bail!("no job has an edit to apply"),
            (0, _) => Ok(ExitCode::SUCCESS),
            (1, 1) => Err(failed.remove(0)),
            _ => {
                failed.iter().for_each(|why| eprintln!("{why:#}"));
                Ok(nothing())
            }
        }
    }

    fn apply(&self, opened: &Opened, ledger: &Ledger, job: &JobRow, out: &mut impl Write) -> anyhow::Result<()> {
        let answer = jobs::answer(ledger, job.id).filter(|_| job.state == JobState::Done);
        let (kept, answer) =
            answer.ok_or_else(|| anyhow!("{} has no result to apply: it is {}", job.id.short(), state(job)))?;
        let Answer::Edited(edited) = answer else {
            bail!("{} edits nothing; `pennyworth jobs show` prints it", job.id.short())
        };
        // The file is read only once no other process can write this edit.
        let work = async || {
            let current = jobs::current(&kept, &edited).map_err(|outdated| {
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
        if self.json {
            writeln!(out, "{}", json!({"id": job.id.to_string(), "file": edited.path, "applied": true}))?;
        }
        Ok(())
    }
}

impl Applied {
    /// The jobs that are meant; of all jobs, those with an edit that was not applied.
    fn found(&self, opened: &Opened, ledger: &Ledger) -> anyhow::Result<Vec<JobRow>> {
        if !self.all {
            return self.ids.iter().map(|id| find(opened, ledger, id)).collect();
        }
        let edits = |job: &JobRow| matches!(jobs::answer(ledger, job.id), Some((_, Answer::Edited(_))));
        let all = opened.runtime.block_on(ledger.jobs())?.into_iter();
        Ok(all.filter(|job| job.state == JobState::Done && job.taken.is_none() && edits(job)).collect())
    }
}

/// The only job whose id ends so.
fn find(opened: &Opened, ledger: &Ledger, id: &str) -> anyhow::Result<JobRow> {
    let ending = id.trim().to_lowercase();
    let all = opened.runtime.block_on(ledger.jobs())?;
    let mut found = all.into_iter().filter(|job| !ending.is_empty() && job.id.to_string().ends_with(&ending));
    match (found.next(), found.next()) {
        (Some(job), None) => Ok(job),
        (None, _) => bail!("there is no job `{id}`; `pennyworth jobs` lists them"),
        (Some(_), Some(_)) => bail!("several jobs end with `{id}`"),
    }
}

/// A result with its places in the files of now.
fn result(kept: &Kept, answer: &Answer) -> Value {
    match answer {
        Answer::Prose(text) => json!({ "explanation": text }),
        Answer::Message(text) => json!({ "message": text }),
        Answer::Findings(found) => {
            let (current, outdated) = jobs::found(kept, found.findings.clone());
            json!({ "findings": current, "outdated": outdated })
        }
        Answer::Edited(edited) => match jobs::current(kept, edited) {
            Ok(edited) => json!({ "file": edited.path, "diff": diff(&edited), "outdated": null }),
            Err(why) => json!({ "file": edited.path, "diff": diff(edited), "outdated": why.to_string() }),
        },
    }
}

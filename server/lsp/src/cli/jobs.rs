//! `pennyworth jobs`: what is queued, and what came of it. It leaves the queue to `jobs`, applying results to `apply`, and printing findings and edits to
//! the files of their commands.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use pennyworth_core::demand::Finding;
use serde_json::{Value, json};

use self::apply::Applied;
use self::named::{Named, find};
use super::demand::{Opened, nothing, open};
use super::edit::diff;
use super::later::{looker, tell_ended_early};
use super::review;
use crate::demand::Answer;
use crate::jobs::{self, Kept, Listed, Looked, When, listed};
use crate::ledger::{JobState, Ledger};

mod apply;
mod named;

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
    /// Write the edits of jobs to their files, and those that the findings of reviews suggest
    Apply(Applied),
}

impl Jobs {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let opened = open(config, Path::new("."))?;
        let ledger = opened.completer.ledger.get().context("there is no ledger")?;
        let has_ended = match &self.action {
            None | Some(Action::List) => false,
            Some(Action::Show(named)) => find(&opened, ledger, &named.id)?.jobs().all(|job| job.state.is_final()),
            Some(Action::Apply(applied)) => applied.have_ended(&opened, ledger)?,
            Some(Action::Cancel(named)) => {
                let found = find(&opened, ledger, &named.id)?;
                opened.interrupt.begin();
                for job in found.jobs().take_while(|_| !opened.interrupt.is_wanted()) {
                    opened.runtime.block_on(jobs::discard(ledger, job.id))?;
                }
                false
            }
        };
        if (self.wait || !has_ended) && !opened.runtime.block_on(self.look(&opened, ledger))? {
            tell_ended_early(ledger, opened.runtime.block_on(ledger.open_jobs())?.len());
            // What came before is shown, and nothing else is done.
            if matches!(self.action, None | Some(Action::List)) {
                self.list(&opened, ledger, out)?;
            }
            return Ok(opened.ended(false));
        }
        match &self.action {
            None | Some(Action::List) => self.list(&opened, ledger, out),
            Some(Action::Show(named)) => self.show(ledger, &find(&opened, ledger, &named.id)?, out),
            Some(Action::Cancel(named)) => self.tell(&find(&opened, ledger, &named.id)?, ledger, out),
            Some(Action::Apply(applied)) => applied.apply(&opened, ledger, self.json, out),
        }
    }

    /// Looks after the queue, once or until no job is open. False if the user ended it early.
    async fn look(&self, opened: &Opened, ledger: &Ledger) -> anyhow::Result<bool> {
        let looker = looker(opened, ledger, self.wait);
        let mut when = When::Now;
        let mut told = Vec::new();
        loop {
            let Some(looked) = opened.interrupt.or(looker.look(when)).await else {
                looker.give_up().await?;
                return Ok(false);
            };
            let Looked { is_busy, notes, open, .. } = looked?;
            for note in notes.into_iter().filter(|note| !told.contains(note)).collect::<Vec<_>>() {
                eprintln!("note: {note}");
                told.push(note);
            }
            if is_busy && !self.wait {
                eprintln!("note: another process looks after the queue at this moment");
            }
            if !self.wait || (open == 0 && !is_busy) {
                return Ok(true);
            }
            if opened.interrupt.or(tokio::time::sleep(PAUSE)).await.is_none() {
                return Ok(false);
            }
            when = When::Due;
        }
    }

    fn list(&self, opened: &Opened, ledger: &Ledger, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let all = listed(opened.runtime.block_on(ledger.jobs())?);
        if self.json {
            let all: Vec<Value> = all.iter().map(|listed| listed.as_json(ledger)).collect();
            writeln!(out, "{}", serde_json::to_string_pretty(&json!({ "jobs": all }))?)?;
            return Ok(ExitCode::SUCCESS);
        }
        if all.is_empty() {
            writeln!(out, "no jobs")?;
        }
        for listed in &all {
            self.tell(listed, ledger, out)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn tell(&self, listed: &Listed, ledger: &Ledger, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        match self.json {
            true => writeln!(out, "{}", serde_json::to_string_pretty(&listed.as_json(ledger))?)?,
            false => writeln!(out, "{}", listed.line(ledger))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn show(&self, ledger: &Ledger, listed: &Listed, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let job = &listed.first;
        if let Some(of) = &job.of_trial {
            eprintln!("note: `pennyworth trial --show {}` prints what came", of.trial);
        }
        let answer = jobs::answer(ledger, job.id).filter(|_| job.state == JobState::Done);
        if self.json {
            let mut all = listed.as_json(ledger);
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
                self.tell(listed, ledger, out)?;
                return Ok(nothing());
            }
        }
        Ok(ExitCode::SUCCESS)
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

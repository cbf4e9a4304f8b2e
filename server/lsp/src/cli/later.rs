//! Tasks that nobody waits for: whether a job is queued for a batch, and queueing it. It leaves the queue to `jobs`, and what is asked now to
//! `demand`.

use std::io::{IsTerminal as _, Write, stderr, stdin};

use anyhow::bail;
use clap::Args;
use pennyworth_core::money::Money;
use pennyworth_core::task::Queue;
use serde_json::json;

use super::demand::{Common, Opened, tell_closed};
use super::interrupt::EARLY;
use crate::demand::{Job, Sendable};
use crate::jobs::{Looker, Pace, When, enqueue};
use crate::ledger::Ledger;
use crate::reports::words::counted;

/// When a task is asked for.
#[derive(Debug, Args)]
pub(super) struct Later {
    /// Queue it for a batch, at about half the price, or for hours with a lower one; `pennyworth jobs` has the result within a day
    #[arg(long, conflicts_with = "now")]
    batch: bool,
    /// Ask now, whatever `tasks.NAME.queue` says
    #[arg(long)]
    now: bool,
}

/// A job with a title that says what it is.
pub(super) type Titled = (Job, String);

/// Says what becomes of jobs that are open when the user ends a command.
pub(super) fn tell_ended_early(ledger: &Ledger, open: usize) {
    // The lease is given back before the process ends.
    ledger.flush();
    let what = match open {
        0 => "no job is open".to_owned(),
        1 => "1 job stays queued".to_owned(),
        _ => format!("{open} jobs stay queued"),
    };
    eprintln!(
        "{EARLY}; {what}. An editor that runs looks after the queue, and so does `pennyworth jobs`, which has the results"
    );
}

impl Later {
    /// Queues jobs for which batches are wanted and possible. Returns those that are to be run now, `None` if there are none, and whether all others
    /// are queued.
    pub(super) fn queue(
        &self,
        common: &Common,
        opened: &Opened,
        jobs: Vec<Titled>,
        out: &mut impl Write,
    ) -> anyhow::Result<(Option<Vec<Job>>, bool)> {
        if common.plan || !self.wants(&jobs)? {
            return Ok((Some(jobs.into_iter().map(|(job, _)| job).collect()), true));
        }
        let (mut later, mut now, mut is_queued) = (Vec::new(), Vec::new(), true);
        for (job, title) in jobs {
            match job.sendable() {
                Some(sendable) => later.push((job, title, sendable)),
                None => now.push(job.for_now()),
            }
        }
        if !later.is_empty() {
            now.retain(|job| match job.why_not() {
                None => true,
                Some(why) => {
                    tell_closed(job, &why);
                    is_queued = false;
                    false
                }
            });
        }
        if let Some(job) = now.first().filter(|job| job.why_not().is_none()) {
            eprintln!("asked now: {}", job.why_now());
        }
        if !later.is_empty() {
            is_queued &= self.queue_all(common, opened, &later, out)?;
        }
        Ok((Some(now).filter(|now| !now.is_empty()), is_queued))
    }

    /// Queues jobs as long as the amount to spend and the caps allow. Returns whether all are queued.
    fn queue_all(
        &self,
        common: &Common,
        opened: &Opened,
        jobs: &[(Job, String, Sendable)],
        out: &mut impl Write,
    ) -> anyhow::Result<bool> {
        common.confirm(opened, jobs.iter().map(|(_, _, sendable)| sendable.step.expected_cost).sum())?;
        let Some(ledger) = opened.completer.ledger.get() else { bail!("there is no ledger") };
        opened.interrupt.begin();
        let (mut queued, mut cost, mut left, mut refused) = (Vec::new(), Money::ZERO, 0, None);
        for (job, title, sendable) in jobs {
            if common.spend().is_some_and(|spend| cost + sendable.worst() > spend) {
                left += 1;
                continue;
            }
            match opened.runtime.block_on(enqueue(ledger, job, sendable.clone(), title.clone())) {
                Ok((id, worst)) => {
                    cost += worst;
                    queued.push((id, title, &sendable.model.name));
                }
                // What is queued already stays so, and is named.
                Err(why) => {
                    refused = Some(why);
                    break;
                }
            }
        }
        if let Some(why) = refused.take_if(|_| queued.is_empty()) {
            return Err(why.into());
        }
        if common.json {
            let all =
                queued.iter().map(|(id, title, model)| json!({"id": id.to_string(), "title": title, "model": model}));
            let all = json!({"queued": all.collect::<Vec<_>>(), "worst_usd": cost.usd()});
            writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        } else {
            queued.iter().try_for_each(|(id, title, model)| writeln!(out, "{}  {title}, {model}", id.short()))?;
        }
        out.flush()?;
        if !queued.is_empty() {
            let count = counted(queued.len() as u64, "job");
            eprintln!("queued: {count}, at most {cost}; `pennyworth jobs` shows the results");
        }
        if let Some(why) = refused {
            eprintln!("{} of {} jobs were not queued: {why}", jobs.len() - queued.len(), jobs.len());
        }
        if left > 0 {
            eprintln!("{left} of {} jobs were not queued: `--spend` is reached", jobs.len());
        }
        let settings = opened.own.clone();
        let looker =
            Looker { ledger, providers: &opened.completer.providers, settings, pace: Pace::default(), asks: false };
        match opened.runtime.block_on(opened.interrupt.or(looker.look(When::Due))) {
            Some(looked) => looked?.notes.iter().for_each(|note| eprintln!("note: {note}")),
            None => tell_ended_early(ledger, queued.len()),
        }
        Ok(queued.len() == jobs.len())
    }

    /// Whether a batch is wanted, by the command line or the settings.
    fn wants(&self, jobs: &[Titled]) -> anyhow::Result<bool> {
        let policy = jobs.first().map_or(Queue::Now, |(job, _)| job.queue());
        match policy {
            _ if self.now => Ok(false),
            _ if self.batch => Ok(true),
            Queue::Now => Ok(false),
            Queue::Batch => Ok(true),
            Queue::Ask => {
                let Some((job, _)) = jobs.iter().find(|(job, _)| job.sendable().is_some()) else { return Ok(false) };
                if !stdin().is_terminal() || !stderr().is_terminal() {
                    let task = job.plan.task;
                    eprintln!(
                        "asked now: `tasks.{task}.queue` is \"ask\", and there is no terminal to ask on; `--batch` queues it"
                    );
                    return Ok(false);
                }
                eprint!("By tomorrow, for less? [y/N] ");
                let mut answer = String::new();
                stdin().read_line(&mut answer)?;
                Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
            }
        }
    }
}

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
use crate::ledger::{JobId, Ledger};
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

/// Jobs that were queued.
struct Queued<'j> {
    jobs: Vec<(JobId, &'j Waits)>,
    /// The most that they cost.
    cost: Money,
    /// Why the others are not queued.
    why_not: Option<String>,
}

/// A job that may wait, with its title and what is sent.
type Waits = (Job, String, Sendable);

/// Looks after the queue as long as a command runs. `asks` says that what waits for a lower price is asked here.
pub(super) fn looker<'o>(opened: &'o Opened, ledger: &'o Ledger, asks: bool) -> Looker<'o> {
    let (completer, settings) = (&opened.completer, opened.own.clone());
    let (providers, parses) = (&completer.providers, &completer.parses);
    Looker { ledger, providers, parses, settings, pace: Pace::default(), asks }
}

/// Sends what is queued. What cannot be sent now is sent by the next command or server that looks after the queue. False if the user ended it early.
pub(super) fn send(opened: &Opened, ledger: &Ledger, queued: usize) -> bool {
    let looker = looker(opened, ledger, false);
    match opened.runtime.block_on(opened.interrupt.or(looker.look(When::Due))) {
        Some(Ok(looked)) => looked.notes.iter().for_each(|note| eprintln!("note: {note}")),
        Some(Err(why)) => eprintln!("note: nothing is sent yet: {why}"),
        None => {
            tell_ended_early(ledger, queued);
            return false;
        }
    }
    true
}

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
    /// Queues jobs for which batches are wanted and possible. Returns those that are to be run now, `None` if there are none or the user ended it early,
    /// and whether all others are queued.
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
            is_queued &= queue_all(common, opened, &later, out)?;
        }
        let now = Some(now).filter(|now| !now.is_empty() && !opened.interrupt.is_wanted());
        Ok((now, is_queued))
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

/// Queues jobs, names those that are, and sends them. Returns whether all are queued.
fn queue_all(common: &Common, opened: &Opened, jobs: &[Waits], out: &mut impl Write) -> anyhow::Result<bool> {
    common.confirm(opened, jobs.iter().map(|(_, _, sendable)| sendable.step.expected_cost).sum())?;
    let Some(ledger) = opened.completer.ledger.get() else { bail!("there is no ledger") };
    opened.interrupt.begin();
    let queued = enqueued(common, opened, ledger, jobs)?;
    queued.tell(common, jobs.len(), out)?;
    send(opened, ledger, queued.jobs.len());
    Ok(queued.jobs.len() == jobs.len())
}

/// Queues jobs as long as the user, the amount to spend and the caps allow. An error if none is for the caps' sake.
fn enqueued<'j>(common: &Common, opened: &Opened, ledger: &Ledger, jobs: &'j [Waits]) -> anyhow::Result<Queued<'j>> {
    let mut queued = Queued { jobs: Vec::new(), cost: Money::ZERO, why_not: None };
    for waits in jobs {
        let (job, title, sendable) = waits;
        if opened.interrupt.is_wanted() {
            queued.why_not = Some(EARLY.to_owned());
            break;
        }
        if common.spend().is_some_and(|spend| queued.cost + sendable.worst() > spend) {
            queued.why_not = Some("`--spend` is reached".to_owned());
            continue;
        }
        match opened.runtime.block_on(enqueue(ledger, job, sendable.clone(), title.clone())) {
            Ok((id, worst)) => {
                queued.cost += worst;
                queued.jobs.push((id, waits));
            }
            Err(why) if queued.jobs.is_empty() => return Err(why.into()),
            // What is queued already stays so, and is named.
            Err(why) => {
                queued.why_not = Some(why.to_string());
                break;
            }
        }
    }
    Ok(queued)
}

impl Queued<'_> {
    /// Prints what is queued, and says what is not.
    fn tell(&self, common: &Common, all: usize, out: &mut impl Write) -> anyhow::Result<()> {
        let mut jobs = self.jobs.iter().map(|(id, (_, title, sendable))| (id, title, &sendable.model.name));
        if common.json {
            let told = jobs.map(|(id, title, model)| json!({"id": id.to_string(), "title": title, "model": model}));
            let told = json!({"queued": told.collect::<Vec<_>>(), "worst_usd": self.cost.usd()});
            writeln!(out, "{}", serde_json::to_string_pretty(&told)?)?;
        } else {
            jobs.try_for_each(|(id, title, model)| writeln!(out, "{}  {title}, {model}", id.short()))?;
        }
        out.flush()?;
        let count = self.jobs.len();
        if count > 0 {
            let (jobs, cost) = (counted(count as u64, "job"), self.cost);
            eprintln!("queued: {jobs}, at most {cost}; `pennyworth jobs` shows the results");
        }
        if let Some(why) = &self.why_not {
            eprintln!("{} of {all} jobs were not queued: {why}", all - count);
        }
        Ok(())
    }
}

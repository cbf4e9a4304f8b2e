//! The queue in an editor: a task that is asked for later goes into it, and what came of it is shown, applied or thrown away. It leaves the queue to
//! `jobs`, and showing results to `results`.

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use pennyworth_core::money::Money;
use ropey::Rope;
use serde::Deserialize;
use serde_json::{Value, json};
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::MessageType;

use super::desk::Desk;
use super::results::{Done, Read};
use crate::demand::{About, Answer, Edited, Job, Outcome};
use crate::jobs::{self, Kept, Looker, Outdated, Pace, When};
use crate::ledger::{JobId, JobRow, JobState, Ledger};
use crate::reports::words::counted;
use crate::settings::Settings;
use crate::wire::{convert, messages};

/// A number of jobs with its verb.
fn are(count: u64) -> String {
    format!("{} {}", counted(count, "job"), if count == 1 { "is" } else { "are" })
}

/// The command about the queue.
pub const JOBS: &str = "pennyworth.jobs";

/// How long a user waits for another server that looks after the queue, and the pause between two tries.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);

/// What the command takes: what to do, and with which job.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    #[serde(default)]
    action: Action,
    /// The job's id; needed but for a list.
    #[serde(default)]
    id: String,
}

/// What to do with jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    /// Return all.
    #[default]
    List,
    /// Ask the providers first, also about what is not due yet.
    Refresh,
    /// The same, and show every result that this server has not shown yet: for clients whose commands have no arguments.
    Collect,
    /// Show a result: an edit is applied, findings are marked, a text is opened.
    Take,
    /// Take a job back, or throw its result away.
    Discard,
}

/// Tells the user once that jobs have ended.
pub fn tell_ended(client: &Client, count: usize) {
    let what = counted(count as u64, "queued task");
    messages::show(
        client,
        MessageType::Info,
        format!("Pennyworth: {what} ended; the command `{JOBS}` has what came of it"),
    );
}

impl Wanted {
    /// What a client means that gives no arguments.
    pub fn all() -> Wanted {
        Wanted { action: Action::Collect, id: String::new() }
    }
}

impl Desk {
    /// Queues the jobs whose models have batches, and says so. Returns the others.
    pub(super) async fn queue(&self, title: &str, jobs: Vec<Job>, notes: &mut Vec<String>) -> anyhow::Result<Vec<Job>> {
        let (mut now, mut later) = (Vec::new(), Vec::new());
        for job in jobs {
            match job.sendable() {
                Some(sendable) => later.push((job, sendable)),
                None => now.push(job.for_now()),
            }
        }
        if let Some(job) = now.first() {
            self.tell(format!("asked now: {}", job.why_now()));
        }
        if later.is_empty() {
            return Ok(now);
        }
        self.confirm(later.iter().map(|(_, sendable)| sendable.worst()).sum()).await?;
        let ledger = self.completer.ledger.opened().await.clone();
        let mut most = Money::ZERO;
        for (job, sendable) in &later {
            most += jobs::enqueue(&ledger, job, sendable.clone(), title.to_owned()).await?.1;
        }
        notes.push(format!(
            "queued: {}, at most {most}; the result comes within a day",
            counted(later.len() as u64, "job")
        ));
        self.look(&ledger, When::Due).await?;
        Ok(now)
    }

    /// Looks after the queue once: what is not sent yet is sent, and answers that came are read.
    async fn look(&self, ledger: &Ledger, when: When) -> anyhow::Result<()> {
        let config = self.config.clone();
        // A job has its workspace's settings, and an editor has no say in other jobs.
        let settings = tokio::task::spawn_blocking(move || Settings::gather(config.as_deref(), &[]).0).await?;
        let (providers, parses, pace) = (&self.completer.providers, &self.completer.parses, Pace::default());
        let looker = Looker { ledger, providers, parses, settings, pace, asks: false };
        let begun = Instant::now();
        let looked = loop {
            let looked = looker.look(when).await?;
            // Another server may look at this moment, and only at what is due.
            if !looked.is_busy || when == When::Due || begun.elapsed() >= PATIENCE {
                break looked;
            }
            tokio::time::sleep(PAUSE).await;
        };
        looked.notes.iter().for_each(|note| tracing::warn!("the queue: {note}"));
        Ok(())
    }

    /// Does what the command says. A list is returned.
    pub async fn jobs(&self, wanted: Wanted) -> anyhow::Result<Value> {
        let ledger = self.completer.ledger.opened().await.clone();
        if matches!(wanted.action, Action::Refresh | Action::Collect) {
            self.look(&ledger, When::Now).await?;
        }
        // A trial is looked at where it was asked for, on the command line.
        let all: Vec<JobRow> = ledger.jobs().await?.into_iter().filter(|job| job.of_trial.is_none()).collect();
        if wanted.action == Action::Collect {
            self.collect(&ledger, all).await;
            return Ok(Value::Null);
        }
        if matches!(wanted.action, Action::List | Action::Refresh) {
            let told = move || all.iter().map(|job| jobs::as_json(job, &ledger)).collect::<Vec<_>>();
            return Ok(json!({"jobs": tokio::task::spawn_blocking(told).await?}));
        }
        let job = JobId::parse(&wanted.id).and_then(|id| all.into_iter().find(|job| job.id == id));
        let job = job.with_context(|| format!("there is no job `{}`", wanted.id))?;
        match wanted.action {
            Action::Discard => jobs::discard(&ledger, job.id).await?,
            _ => self.take(ledger, job).await?,
        }
        Ok(Value::Null)
    }

    /// Shows every result that was not shown yet, and says how many are still waited for.
    async fn collect(&self, ledger: &Ledger, all: Vec<JobRow>) {
        let waited = all.iter().filter(|job| !job.state.is_final()).count() as u64;
        let is_new = |job: &JobRow| job.state == JobState::Done && job.taken.is_none() && self.demands.is_new(job.id);
        let ready: Vec<JobRow> = all.into_iter().filter(is_new).collect();
        if ready.is_empty() {
            self.tell(match waited {
                0 => "nothing is queued".to_owned(),
                _ => format!("{} waited for, and no new result", are(waited)),
            });
        }
        for job in ready {
            if let Err(error) = self.take(ledger.clone(), job).await {
                self.tell(format!("{error:#}"));
            }
        }
    }

    /// Shows the result of a job. An edit that was applied is forgotten by the queue.
    async fn take(&self, ledger: Ledger, job: JobRow) -> anyhow::Result<()> {
        let (id, read) = (job.id, ledger.clone());
        let answer = tokio::task::spawn_blocking(move || jobs::answer(&read, id)).await?;
        let Some((kept, answer)) = answer.filter(|_| job.state == JobState::Done) else {
            bail!("{} has no result: it is {}", job.id.short(), jobs::state(&job));
        };
        let task = kept.task;
        let reviewed = match kept.about() {
            Some(About::Hunks(hunks)) => hunks.clone(),
            _ => Vec::new(),
        };
        let (answer, read) = match answer {
            Answer::Edited(edited) => match self.brought(kept, edited.clone()).await? {
                Ok((edited, read)) => (Answer::Edited(edited), read),
                Err(outdated) => {
                    self.texts.show(&self.client, "edited.txt", &edited.now).await?;
                    bail!("{}: {outdated}, so the edit is shown beside it", edited.path.display());
                }
            },
            other => (other, None),
        };
        let is_edit = matches!(answer, Answer::Edited(_));
        let outcome = vec![Outcome { answer: Some(answer), tried: Vec::new() }];
        let done = Done { outcome, read, reviewed, cost: job.cost };
        if !is_edit {
            return self.present(task, done).await.map(drop);
        }
        jobs::apply(&ledger, job.id, async || self.present(task, done).await).await.map(drop)
    }

    /// An edit for the file as it is now: as it is open here, else as it is on the disk.
    async fn brought(&self, kept: Kept, edited: Edited) -> anyhow::Result<Result<(Edited, Option<Read>), Outdated>> {
        let open = convert::uri(&edited.path).and_then(|uri| {
            let session = self.documents.session();
            let (snapshot, counting) = session.peek(&uri).zip(session.counting(&uri))?;
            Some(Read { uri, snapshot, counting })
        });
        let found = tokio::task::spawn_blocking(move || match open {
            Some(read) => {
                jobs::brought(&kept, &edited, &Rope::to_string(&read.snapshot.text)).map(|edit| (edit, Some(read)))
            }
            None => jobs::current(&kept, &edited).map(|edit| (edit, None)),
        });
        Ok(found.await?)
    }

    /// Tells the user something in a line.
    pub(super) fn tell(&self, message: String) {
        messages::show(&self.client, MessageType::Info, format!("Pennyworth: {message}"));
    }
}

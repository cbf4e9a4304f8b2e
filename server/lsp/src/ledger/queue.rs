//! The queue: jobs that wait for a batch, written before anything of them is sent, and the batches that they are in. Every change is one
//! transaction, and only the holder of the lease makes those that follow from what a provider said. So a process that is killed at any moment
//! leaves a state from which the next one goes on. It leaves the form of rows to `jobs`, and providers to the room `jobs`.

use std::time::Duration;

use pennyworth_core::caps::Caps;
use pennyworth_core::models::Price;
use pennyworth_core::money::Money;
use pennyworth_providers::{FinishReason, Usage};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::entry::{CallId, Entry, Refused};
use super::handle::{Ledger, closed};
use super::jobs::{self, BATCH, BatchRow, JobId, JobRow, JobState, OfTrial, Stage};
use super::settlement::{CallStatus, Settlement};
use super::store;
use super::{ids, jobs::JOB};

/// The right to look after the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease(i64);

impl Lease {
    /// A right that nobody has yet.
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Lease {
        Lease(ids::fresh())
    }
}

/// What becomes of a batch: the stage that it reaches, and what is known from then on. What is `None` stays as it was.
#[derive(Clone, Debug)]
pub struct Step {
    /// The stage.
    pub to: Stage,
    /// The uploaded file and the path of its requests.
    pub file: Option<(String, String)>,
    /// The provider's id.
    pub remote: Option<String>,
    /// When it is looked after next.
    pub due: Duration,
    /// How long it is left alone the time after.
    pub wait: Duration,
    /// Why the last step failed.
    pub trouble: Option<String>,
}

impl Step {
    /// The next stage, to be looked after at once.
    pub fn to(to: Stage) -> Step {
        Step { to, file: None, remote: None, due: Duration::ZERO, wait: Duration::ZERO, trouble: None }
    }
}

/// A job before it is in the queue.
#[derive(Clone, Debug)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// The provider's name for its model.
    pub model_id: String,
    /// What it waits for, if that is no batch.
    pub waits: Option<String>,
    /// Whose it is, if it is a hole of a trial.
    pub of_trial: Option<OfTrial>,
    /// Its call.
    pub entry: Entry,
    /// The caps that hold for it.
    pub caps: Caps,
}

impl NewJob {
    /// Writes its row.
    pub(super) fn write(&self, connection: &Connection, now: i64) -> rusqlite::Result<()> {
        let insert = "INSERT INTO jobs (id, at_ms, model_id, state, reason, trial, candidate) VALUES (?1, ?2, ?3, 'queued', ?4, ?5, ?6)";
        let (trial, candidate) = self.of_trial.as_ref().map(|of| (of.trial, &of.candidate)).unzip();
        let row = params![self.id.0, now, self.model_id, self.waits, trial, candidate];
        connection.prepare_cached(insert)?.execute(row).map(drop)
    }
}

/// How a job ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The state.
    pub state: JobState,
    /// Why it has no answer.
    pub reason: Option<String>,
    /// What it used; `None` if nobody knows, so that an estimate counts.
    pub usage: Option<Usage>,
    /// Why its answer ended, if it has one.
    pub finish: Option<FinishReason>,
}

impl Ended {
    /// A job that cost nothing.
    pub fn free(state: JobState, reason: impl Into<String>) -> Ended {
        Ended { state, reason: Some(reason.into()), usage: Some(Usage::default()), finish: None }
    }
}

impl Ledger {
    /// Writes a job, and reserves its worst cost against the caps.
    pub async fn enqueue(&self, job: NewJob) -> Result<(), Refused> {
        let (reply, answer) = oneshot::channel();
        self.send(move |store| {
            let with = |connection: &Connection, now: i64| job.write(connection, now);
            let written = match store.on_file(TransactionBehavior::Deferred, |_, _| Ok(())) {
                Ok(()) => store.reserve_as(job.id.call(), &job.entry, Some(job.caps), &with).map(drop),
                Err(refused) => Err(refused),
            };
            let _ = reply.send(written);
        });
        self.answer(answer).await.unwrap_or_else(|| Err(closed()))
    }

    /// The jobs of the last weeks, and all whose answer has not come, the oldest first.
    pub async fn jobs(&self) -> Result<Vec<JobRow>, Refused> {
        let recent = "(jobs.at_ms > ?1 - 2592000000 OR jobs.state IN ('queued', 'sent'))";
        self.look(|connection, now| jobs::jobs(connection, now, recent)).await
    }

    /// The jobs whose answer has not come.
    pub async fn open_jobs(&self) -> Result<Vec<JobRow>, Refused> {
        self.look(|connection, now| jobs::jobs(connection, now, "jobs.state IN ('queued', 'sent')")).await
    }

    /// How many tasks wait for their answers, and how many answers of the last weeks nobody has taken yet. Trials, which nobody waits for in an editor,
    /// are not counted.
    pub async fn count_jobs(&self) -> Result<(u32, u32), Refused> {
        self.look(|connection, now| {
            let query = "SELECT count(*) FILTER (WHERE state IN ('queued', 'sent')),
                 count(*) FILTER (WHERE state = 'done' AND taken IS NULL AND at_ms > ?1 - 2592000000) FROM jobs WHERE trial IS NULL";
            connection.prepare_cached(query)?.query_row([now], |row| Ok((row.get(0)?, row.get(1)?)))
        })
        .await
    }

    /// The jobs of a batch.
    pub async fn jobs_in(&self, batch: i64) -> Result<Vec<JobRow>, Refused> {
        self.look(move |connection, now| {
            let query = format!("SELECT {JOB} WHERE batch = ?2 ORDER BY jobs.id");
            connection.prepare_cached(&query)?.query_map([now, batch], jobs::job)?.collect()
        })
        .await
    }

    /// The batches that are not over. Only those that are due, if so wished.
    pub async fn open_batches(&self, are_due: bool) -> Result<Vec<BatchRow>, Refused> {
        self.look(move |connection, now| {
            let query = format!(
                "SELECT {BATCH} WHERE state IN ('uploading', 'uploaded', 'submitting', 'submitted')
                 AND (due_ms <= ?1 OR NOT ?2) ORDER BY id"
            );
            connection.prepare_cached(&query)?.query_map(params![now, are_due], jobs::batch)?.collect()
        })
        .await
    }

    /// The provider's ids of all batches that were ever sent.
    pub async fn remotes(&self) -> Result<Vec<String>, Refused> {
        self.look(|connection, _| {
            let mut query = connection.prepare_cached("SELECT remote FROM batches WHERE remote IS NOT NULL")?;
            query.query_map([], |row| row.get(0))?.collect()
        })
        .await
    }

    /// Takes or renews a lease for some time; false if another one holds it.
    pub async fn lease(&self, lease: Lease, time: Duration) -> Result<bool, Refused> {
        self.queue(move |connection, now| {
            let until = now.saturating_add(millis(time));
            let taken = connection.execute(
                "INSERT INTO lease VALUES (1, ?1, ?2) ON CONFLICT DO UPDATE SET holder = ?1, until_ms = ?2
                 WHERE holder = ?1 OR until_ms < ?3 OR until_ms > ?3 + 3600000",
                params![lease.0, until, now],
            )?;
            Ok(taken > 0)
        })
        .await
    }

    /// Gives a lease back. Does not wait.
    pub fn release(&self, lease: Lease) {
        self.send(move |store| {
            let delete = "DELETE FROM lease WHERE holder = ?1";
            let released = store.on_file(TransactionBehavior::Immediate, |file, _| file.execute(delete, [lease.0]));
            if let Err(error) = released {
                tracing::warn!(%error, "a lease ends by itself");
            }
        });
    }

    /// Puts queued jobs into a new batch at this stage. `None` if the lease is gone, or one of the jobs is not queued any more.
    pub async fn gather(&self, lease: Lease, jobs: Vec<JobRow>, stage: Stage) -> Result<Option<BatchRow>, Refused> {
        let id = ids::fresh();
        self.queue(move |connection, now| {
            let Some(first) = jobs.first().filter(|_| holds(connection, lease).unwrap_or(false)) else { return Ok(None) };
            let mut update = connection.prepare_cached(
                "UPDATE jobs SET state = 'sent', batch = ?2, reason = NULL WHERE id = ?1 AND state = 'queued' AND NOT is_dropped",
            )?;
            let mut count = 0;
            for job in &jobs {
                count += update.execute([job.id.0, id])?;
            }
            if count == 0 {
                return Ok(None);
            }
            connection.execute(
                "INSERT INTO batches (id, at_ms, provider, model, model_id, requests, state, due_ms, wait_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?2, 0)",
                params![id, now, first.provider, first.model, first.model_id, count as i64, stage.name()],
            )?;
            read_batch(connection, id, now)
        })
        .await
    }

    /// Takes a batch from one stage to the next; `None` if the lease is gone, or another process was faster.
    pub async fn step(&self, lease: Lease, batch: &BatchRow, step: Step) -> Result<Option<BatchRow>, Refused> {
        let (id, from) = (batch.id, batch.stage);
        let sent_s = (step.to == Stage::Submitting && from != Stage::Submitting).then(wall_seconds);
        self.queue(move |connection, now| {
            if !holds(connection, lease)? {
                return Ok(None);
            }
            let (file, endpoint) = step.file.clone().unzip();
            let changed = connection.execute(
                "UPDATE batches SET state = ?3, file = coalesce(?4, file), endpoint = coalesce(?5, endpoint),
                    remote = coalesce(?6, remote), due_ms = ?7, wait_ms = ?8, trouble = ?9,
                    sent_s = coalesce(sent_s, ?10), sent_ms = iif(?10 IS NULL, sent_ms, ?11)
                 WHERE id = ?1 AND state = ?2",
                params![
                    id,
                    from.name(),
                    step.to.name(),
                    file,
                    endpoint,
                    step.remote,
                    now.saturating_add(millis(step.due)),
                    millis(step.wait),
                    step.trouble,
                    sent_s,
                    now,
                ],
            )?;
            if changed == 0 { Ok(None) } else { read_batch(connection, id, now) }
        })
        .await
    }

    /// Notes that the provider was asked to cancel a batch.
    pub async fn asked_to_end(&self, batch: i64) -> Result<(), Refused> {
        self.queue(move |connection, _| {
            connection.execute("UPDATE batches SET asked_to_end = 1 WHERE id = ?1", [batch]).map(drop)
        })
        .await
    }

    /// Takes a batch apart that was certainly not sent: its jobs are queued again.
    pub async fn dissolve(&self, lease: Lease, batch: &BatchRow, why: String) -> Result<(), Refused> {
        let id = batch.id;
        self.queue(move |connection, _| {
            if !holds(connection, lease)? {
                return Ok(());
            }
            let update = "UPDATE batches SET state = 'cancelled', trouble = ?2 WHERE id = ?1";
            connection.execute(update, params![id, why])?;
            let queue = "UPDATE jobs SET state = 'queued', batch = NULL WHERE batch = ?1 AND state = 'sent'";
            connection.execute(queue, [id]).map(drop)
        })
        .await
    }

    /// Ends a job and settles its call; false if it had ended, or the lease is gone.
    pub async fn end_job(&self, lease: Option<Lease>, id: JobId, ended: Ended) -> Result<bool, Refused> {
        self.queue(move |connection, now| match lease {
            Some(lease) if !holds(connection, lease)? => Ok(false),
            _ => end(connection, now, id, &ended, lease.is_some()),
        })
        .await
    }

    /// Notes that nobody wants a job's answer any more; false if it has ended.
    pub async fn drop_job(&self, id: JobId) -> Result<bool, Refused> {
        self.queue(move |connection, _| {
            let update = "UPDATE jobs SET is_dropped = 1 WHERE id = ?1 AND state IN ('queued', 'sent')";
            Ok(connection.execute(update, [id.0])? > 0)
        })
        .await
    }

    /// Notes what became of a job's answer; false if that was noted before, by whoever was faster.
    pub async fn taken(&self, id: JobId, how: &'static str) -> Result<bool, Refused> {
        let update = "UPDATE jobs SET taken = ?2 WHERE id = ?1 AND taken IS NULL";
        self.queue(move |connection, _| Ok(connection.execute(update, params![id.0, how])? > 0)).await
    }

    /// Takes that back: the answer could not be used.
    pub async fn untaken(&self, id: JobId) -> Result<(), Refused> {
        let update = "UPDATE jobs SET taken = NULL WHERE id = ?1";
        self.queue(move |connection, _| connection.execute(update, [id.0]).map(drop)).await
    }

    pub(super) async fn look<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection, i64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refused> {
        self.on_file(TransactionBehavior::Deferred, work).await
    }

    pub(super) async fn queue<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection, i64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refused> {
        self.on_file(TransactionBehavior::Immediate, work).await
    }

    async fn on_file<T: Send + 'static>(
        &self,
        how: TransactionBehavior,
        work: impl Fn(&Connection, i64) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Refused> {
        let (reply, answer) = oneshot::channel();
        self.send(move |store| {
            let _ = reply.send(store.on_file(how, work));
        });
        match self.answer(answer).await {
            Some(done) => done,
            None => Err(self.trouble().map_or_else(closed, Refused::Unbooked)),
        }
    }
}

pub(super) fn holds(connection: &Connection, lease: Lease) -> rusqlite::Result<bool> {
    let query = "SELECT count(*) > 0 FROM lease WHERE holder = ?1";
    connection.prepare_cached(query)?.query_row([lease.0], |row| row.get(0))
}

fn read_batch(connection: &Connection, id: i64, now: i64) -> rusqlite::Result<Option<BatchRow>> {
    let query = format!("SELECT {BATCH} WHERE id = ?2");
    connection.prepare_cached(&query)?.query_row([now, id], jobs::batch).optional()
}

/// Ends a job and settles its call; false if it had ended. What was sent may end too, if so wished.
pub(super) fn end(
    connection: &Connection,
    now: i64,
    id: JobId,
    ended: &Ended,
    also_sent: bool,
) -> rusqlite::Result<bool> {
    let update = "UPDATE jobs SET state = ?2, reason = ?3, ended_ms = ?4 WHERE id = ?1 AND state IN ('queued', 'sent')
        AND (?5 OR state = 'queued')";
    let changed = connection.execute(update, params![id.0, ended.state.name(), ended.reason, now, also_sent])?;
    if changed > 0 {
        settle(connection, id, ended)?;
    }
    Ok(changed > 0)
}

/// Settles the call of a job at the prices that were reserved.
fn settle(connection: &Connection, id: JobId, ended: &Ended) -> rusqlite::Result<()> {
    let query = "SELECT price_input, price_cached, price_write, price_output, price_as_of, prompt_tokens, max_tokens FROM calls WHERE id = ?1";
    let read = connection.prepare_cached(query)?.query_row([id.0], |row| {
        let money = |column| row.get(column).map(Money::from_pico);
        let (input, cached, write, output) = (money(0)?, money(1)?, money(2)?, money(3)?);
        let price =
            Price { input, cached, write, write_long: None, output, batch: None, as_of: row.get(4)?, off_peak: None };
        let count = |column| row.get(column).map(|tokens: u32| u64::from(tokens));
        let guess = Usage { input: count(5)?, output: count(6)?, estimated: true, ..Usage::default() };
        Ok((price, guess))
    });
    let Some((price, guess)) = read.optional()? else { return Ok(()) };
    let status = match ended.state {
        JobState::Done => CallStatus::Done,
        // An answer that is not valid was read to its end.
        JobState::Failed if ended.finish.is_some() => CallStatus::Done,
        JobState::Cancelled => CallStatus::Unsent,
        JobState::Lost => CallStatus::Aborted,
        _ => CallStatus::Failed,
    };
    let (prompt_tokens, max_tokens) = (guess.input as u32, guess.output as u32);
    let usage = ended.usage.filter(|usage| usage.is_plausible(prompt_tokens, max_tokens)).unwrap_or(guess);
    // What was dropped and billed all the same is a call like others.
    let status = if status == CallStatus::Unsent && usage != Usage::default() { CallStatus::Done } else { status };
    let settlement = Settlement {
        status,
        usage,
        finish: ended.finish,
        reason: ended.reason.clone(),
        first: None,
        total: Duration::ZERO,
        lines: 0,
        is_outrun: false,
    };
    store::settle(connection, CallId(id.0), &price, &settlement).map(drop)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn wall_seconds() -> i64 {
    super::clock::millis(std::time::SystemTime::now()) / 1000
}

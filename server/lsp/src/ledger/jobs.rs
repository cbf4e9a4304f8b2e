//! Jobs and batches as rows: their states and how each is read. It leaves what may be done with them to `queue`.

use std::fmt;

use pennyworth_core::money::Money;
use pennyworth_core::task::Task;
use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};

use super::ids;
use super::trials::TrialId;

/// A job's id, and that of its call. It stays valid after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub(super) i64);

impl JobId {
    /// A new one.
    pub fn fresh() -> JobId {
        JobId(ids::fresh())
    }

    /// The row of its call.
    pub fn call(self) -> super::CallId {
        super::CallId(self.0)
    }

    /// The id with this text.
    pub fn parse(text: &str) -> Option<JobId> {
        i64::from_str_radix(text, 16).ok().map(JobId)
    }

    /// The end of it that people type.
    pub fn short(self) -> String {
        let text = self.to_string();
        text.get(text.len().saturating_sub(6)..).unwrap_or(&text).to_owned()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It is in no batch yet.
    Queued,
    /// It is in a batch, whose state says more.
    Sent,
    /// It has a valid answer.
    Done,
    /// It has none: the provider failed, or the answer is not valid.
    Failed,
    /// The batch's time was over before it.
    Expired,
    /// Nobody knows what became of it.
    Lost,
    /// The user or a rule took it back.
    Cancelled,
}

impl JobState {
    const ALL: [(&'static str, JobState); 7] = [
        ("queued", JobState::Queued),
        ("sent", JobState::Sent),
        ("done", JobState::Done),
        ("failed", JobState::Failed),
        ("expired", JobState::Expired),
        ("lost", JobState::Lost),
        ("cancelled", JobState::Cancelled),
    ];

    /// Its name in the ledger.
    pub fn name(self) -> &'static str {
        JobState::ALL.iter().find(|(_, state)| *state == self).map_or("", |(name, _)| name)
    }

    /// Whether nothing will change any more.
    pub fn is_final(self) -> bool {
        !matches!(self, JobState::Queued | JobState::Sent)
    }

    fn named(name: &str) -> JobState {
        JobState::ALL.iter().find(|(known, _)| *known == name).map_or(JobState::Lost, |(_, state)| *state)
    }
}

/// How far a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its requests may be on their way as a file.
    Uploading,
    /// They are at the provider as a file.
    Uploaded,
    /// It may be on its way.
    Submitting,
    /// The provider has it.
    Submitted,
    /// It is over, and each request has an answer.
    Done,
    /// It is over, and some requests have none.
    Partly,
    /// It is over, and no request has one.
    Failed,
    /// Its time was over.
    Expired,
    /// It was cancelled.
    Cancelled,
    /// Nobody knows what became of it.
    Lost,
}

impl Stage {
    const ALL: [(&'static str, Stage); 10] = [
        ("uploading", Stage::Uploading),
        ("uploaded", Stage::Uploaded),
        ("submitting", Stage::Submitting),
        ("submitted", Stage::Submitted),
        ("done", Stage::Done),
        ("partly", Stage::Partly),
        ("failed", Stage::Failed),
        ("expired", Stage::Expired),
        ("cancelled", Stage::Cancelled),
        ("lost", Stage::Lost),
    ];

    /// Its name in the ledger.
    pub fn name(self) -> &'static str {
        Stage::ALL.iter().find(|(_, stage)| *stage == self).map_or("", |(name, _)| name)
    }

    fn named(name: &str) -> Stage {
        Stage::ALL.iter().find(|(known, _)| *known == name).map_or(Stage::Lost, |(_, stage)| *stage)
    }
}

/// Whose a job is that asks about a hole of a trial.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OfTrial {
    /// The trial.
    pub trial: TrialId,
    /// The candidate's name in it.
    pub candidate: String,
}

/// A job as the ledger has it.
#[derive(Clone, Debug)]
pub struct JobRow {
    /// Its id.
    pub id: JobId,
    /// Its task; `None` if this program does not know it.
    pub task: Option<Task>,
    /// The language's name.
    pub language: String,
    /// The model's name in tables.
    pub model: String,
    /// The provider: host and port of the model's address.
    pub provider: String,
    /// The provider's name for the model.
    pub model_id: String,
    /// How far it is.
    pub state: JobState,
    /// How far its batch is, if it is in one.
    pub stage: Option<Stage>,
    /// Why it has no answer, or why the batch's last step failed.
    pub reason: Option<String>,
    /// Whether nobody wants its answer any more.
    pub is_dropped: bool,
    /// What became of its answer.
    pub taken: Option<String>,
    /// What it costs: the most until its bill is known.
    pub cost: Money,
    /// When it was queued, in milliseconds since 1970.
    pub at_ms: i64,
    /// Its batch.
    pub batch: Option<i64>,
    /// Estimated tokens of its prompt.
    pub prompt_tokens: u32,
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// How long ago it was queued, in milliseconds, by the time that passes.
    pub age_ms: i64,
    /// Whose it is, if it is a hole of a trial. Nothing of it is applied; its answer is marked as it comes.
    pub of_trial: Option<OfTrial>,
}

/// A batch as the ledger has it.
#[derive(Clone, Debug)]
pub struct BatchRow {
    /// Its number.
    pub id: i64,
    /// The provider: host and port of the model's address.
    pub provider: String,
    /// The model's name in tables.
    pub model: String,
    /// The provider's name for the model.
    pub model_id: String,
    /// How many requests it has.
    pub requests: u64,
    /// How far it is.
    pub stage: Stage,
    /// The uploaded file.
    pub file: Option<String>,
    /// The path of its requests.
    pub endpoint: Option<String>,
    /// The provider's id.
    pub remote: Option<String>,
    /// When it was sent first, by the time of day, in seconds since 1970.
    pub sent_s: u64,
    /// How long ago it was sent last, in milliseconds.
    pub sent_ago_ms: i64,
    /// How long ago it was made, in milliseconds.
    pub age_ms: i64,
    /// How long it is left alone after the next look, in milliseconds.
    pub wait_ms: i64,
    /// Whether the provider was asked to cancel it.
    pub asked_to_end: bool,
}

impl BatchRow {
    /// Our name for it.
    pub fn name(&self) -> String {
        format!("pw-{:x}", self.id)
    }
}

/// The columns of a job; `?1` is the time.
pub(super) const JOB: &str = "jobs.id, task, language, calls.model, calls.provider, jobs.model_id, jobs.state, batches.state,
    coalesce(jobs.reason, batches.trouble), is_dropped, taken, charge, calls.at_ms, batch, prompt_tokens, max_tokens, ?1 - jobs.at_ms, trial, candidate
    FROM jobs JOIN calls ON calls.id = jobs.id LEFT JOIN batches ON batches.id = batch";
/// The columns of a batch; `?1` is the time.
pub(super) const BATCH: &str =
    "id, provider, model, model_id, requests, state, file, endpoint, remote, coalesce(sent_s, 0),
    ?1 - coalesce(sent_ms, ?1), ?1 - at_ms, wait_ms, asked_to_end FROM batches";

/// Reads a job.
pub(super) fn job(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    let (task, state, stage): (String, String, Option<String>) = (row.get(1)?, row.get(6)?, row.get(7)?);
    let (trial, candidate): (Option<TrialId>, Option<String>) = (row.get(17)?, row.get(18)?);
    Ok(JobRow {
        id: JobId(row.get(0)?),
        task: task.parse().ok(),
        language: row.get(2)?,
        model: row.get(3)?,
        provider: row.get(4)?,
        model_id: row.get(5)?,
        state: JobState::named(&state),
        stage: stage.as_deref().map(Stage::named),
        reason: row.get(8)?,
        is_dropped: row.get(9)?,
        taken: row.get(10)?,
        cost: Money::from_pico(row.get(11)?),
        at_ms: row.get(12)?,
        batch: row.get(13)?,
        prompt_tokens: row.get(14)?,
        max_tokens: row.get(15)?,
        age_ms: row.get(16)?,
        of_trial: trial.zip(candidate).map(|(trial, candidate)| OfTrial { trial, candidate }),
    })
}

/// Reads a batch.
pub(super) fn batch(row: &Row<'_>) -> rusqlite::Result<BatchRow> {
    let stage: String = row.get(5)?;
    let count = |column: usize| row.get(column).map(|count: i64| count.unsigned_abs());
    Ok(BatchRow {
        id: row.get(0)?,
        provider: row.get(1)?,
        model: row.get(2)?,
        model_id: row.get(3)?,
        requests: count(4)?,
        stage: Stage::named(&stage),
        file: row.get(6)?,
        endpoint: row.get(7)?,
        remote: row.get(8)?,
        sent_s: count(9)?,
        sent_ago_ms: row.get(10)?,
        age_ms: row.get(11)?,
        wait_ms: row.get(12)?,
        asked_to_end: row.get(13)?,
    })
}

/// The jobs for which a condition holds, the oldest first.
pub(super) fn jobs(connection: &Connection, now: i64, condition: &str) -> rusqlite::Result<Vec<JobRow>> {
    let mut query = connection.prepare_cached(&format!("SELECT {JOB} WHERE {condition} ORDER BY jobs.id"))?;
    let rows = query.query_map([now], job)?;
    rows.collect()
}

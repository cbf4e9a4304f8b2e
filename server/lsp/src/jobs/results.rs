//! The steps after a batch was sent: asking how far it is, cancelling it if nobody wants it any more, and what became of each of its jobs.
//! It leaves judging answers to `demand` and `trial`, and money to the ledger.

use std::collections::BTreeMap;
use std::time::Duration;

use pennyworth_core::demand::Unfit;
use pennyworth_providers::{
    BatchEnd, BatchResult, BatchResults, BatchState, Batches, Expected, FinishReason, Kind, Usage,
};

use super::kept::{Kept, KeptJobs, Said, Subject};
use super::look::Look;
use super::sending::custom_id;
use crate::complete::later::Came;
use crate::demand::{Answer, Counted};
use crate::documents::parses::Barred;
use crate::ledger::{BatchRow, Ended, JobRow, JobState, Refused, Stage, Step};

/// The longest time that a batch and its results are waited for; the slowest provider takes four days.
const PATIENCE: Duration = Duration::from_secs(8 * 24 * 3600);

impl Look<'_> {
    /// Asks how far a batch is, and takes its results once it is over.
    pub(super) async fn receive(
        &self,
        batches: &Batches<'_>,
        batch: &BatchRow,
        (jobs, all): (&[JobRow], &[JobRow]),
    ) -> Result<Option<Step>, Refused> {
        let Some(remote) = &batch.remote else { return Ok(Some(Step::to(Stage::Submitting))) };
        let is_older = |time: Duration| batch.age_ms > i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let told = match batches.poll(remote).await {
            Ok(told) => told,
            Err(error) if error.kind == Kind::NotFound && is_older(self.pace.certain) => {
                return self.lose(jobs, "the provider does not have its batch any more").await;
            }
            Err(error) => return self.again(batch, &error, Stage::Submitted),
        };
        if !told.state.is_over() {
            if is_older(PATIENCE) {
                return self.lose(jobs, "its batch did not end in eight days").await;
            }
            let is_unwanted = jobs.iter().all(|job| job.is_dropped) && batches.has_cancel() && !batch.asked_to_end;
            if is_unwanted && told.state != BatchState::Cancelling {
                match batches.cancel(remote).await {
                    Ok(()) => self.ledger.asked_to_end(batch.id).await?,
                    Err(error) => return self.again(batch, &error, Stage::Submitted),
                }
            }
            return Ok(Some(self.later(batch, Stage::Submitted, None)));
        }
        let results = match batches.results(remote, &self.expected(all)).await {
            Ok(results) => results,
            Err(error) => return self.again(batch, &error, Stage::Submitted),
        };
        let doubt = results.doubt().filter(|_| !is_older(PATIENCE));
        let (mut unpaid, mut is_whole) = (unpaid(&results), true);
        for job in jobs {
            match results.results.get(&custom_id(job)) {
                Some(result) => is_whole &= self.take(job, result).await?,
                // The rest may come if it is asked for again.
                None if doubt.is_some() => {}
                None => {
                    self.end(job, missing(results.batch.state, unpaid)).await?;
                    // What is left over is counted once.
                    unpaid = unpaid.map(|_| Usage::default());
                }
            }
        }
        match &doubt {
            Some(error) => return self.again(batch, error, Stage::Submitted),
            None if !is_whole => return Ok(Some(self.later(batch, Stage::Submitted, None))),
            None => {}
        }
        // What is given up may be read by hand there.
        if results.doubt().is_none() {
            self.clear(batches, batch, &results.kept).await;
        }
        Ok(Some(Step::to(match results.batch.state {
            BatchState::Partly => Stage::Partly,
            BatchState::Failed => Stage::Failed,
            BatchState::Expired => Stage::Expired,
            BatchState::Cancelled => Stage::Cancelled,
            _ => Stage::Done,
        })))
    }

    /// What is expected of each job, by its id in the batch.
    pub(super) fn expected(&self, jobs: &[JobRow]) -> BTreeMap<String, Expected> {
        let models = self.of.settings.models();
        let expected = |job: &JobRow| {
            let model = models.get(&job.model);
            let chars_per_token = model.map_or(4.0, |model| model.chars_per_token);
            let charges = model.is_some_and(|model| model.charges);
            let (prompt_tokens, max_tokens) = (job.prompt_tokens, job.max_tokens);
            Expected { prompt_tokens, max_tokens, chars_per_token, charges, charged: None }
        };
        jobs.iter().map(|job| (custom_id(job), expected(job))).collect()
    }

    /// Takes the result of a job: judges an answer, keeps a valid one, and settles its money. False if it has to come once more.
    pub(super) async fn take(&self, job: &JobRow, result: &BatchResult) -> Result<bool, Refused> {
        let usage = Some(result.usage.unwrap_or_default());
        let reason = match &result.end {
            BatchEnd::Finish(finish) => return self.judge(job, result, *finish).await,
            BatchEnd::Error(error) => (JobState::Failed, error.to_string()),
            BatchEnd::Expired => (JobState::Expired, "its batch was over before it".to_owned()),
            BatchEnd::Cancelled => (JobState::Cancelled, "its batch was cancelled".to_owned()),
        };
        self.pass_on(job, Ended { state: reason.0, reason: Some(reason.1), usage, finish: None }).await?;
        Ok(true)
    }

    async fn judge(&self, job: &JobRow, result: &BatchResult, finish: FinishReason) -> Result<bool, Refused> {
        let ended = |state, reason: Option<&str>| Ended {
            state,
            reason: reason.map(str::to_owned),
            usage: result.usage,
            finish: Some(finish),
        };
        if job.is_dropped {
            self.end(job, ended(JobState::Cancelled, Some("you cancelled it"))).await?;
            return Ok(true);
        }
        let id = job.id;
        let Some(kept) = self.kept.on_disk(move |kept| kept.read(id)).await.flatten() else {
            self.end(job, ended(JobState::Failed, Some("its prompt is not kept any more"))).await?;
            return Ok(true);
        };
        // A grammar that fails takes the process along, and the same answer would come again. One end alone may have been a kill.
        let (parses, file) = (self.of.parses, self.kept.prompt(id));
        if parses.barred(&file, &kept.language).is_some_and(Barred::is_lasting) {
            self.note(format!("{}: its answer is left alone: this program ended twice as it read it", id.short()));
            return Ok(false);
        }
        let mark = parses.begin(&file, &kept.language);
        match &kept.about {
            Subject::Task(about) => {
                let judged = about.judged(kept.task, &result.text(), finish == FinishReason::Length);
                drop(mark);
                self.keep(job, &kept, judged, (result, finish)).await
            }
            Subject::Hole(hole) => {
                let came = Came { pieces: result.pieces.clone(), finish };
                let (tried, why) = hole.marked((id.call(), &job.model), &came);
                drop(mark);
                if self.ledger.marked(self.lease, id, ended(JobState::Done, why), tried).await? {
                    self.forget(job).await;
                }
                Ok(true)
            }
        }
    }

    /// Keeps the answer of a task if it is valid. False if it has to come once more.
    async fn keep(
        &self,
        job: &JobRow,
        kept: &Kept,
        judged: Result<Answer, Unfit>,
        (result, finish): (&BatchResult, FinishReason),
    ) -> Result<bool, Refused> {
        let (id, is_truncated, text) = (job.id, finish == FinishReason::Length, result.text());
        let ended = |state, reason| Ended { state, reason, usage: result.usage, finish: Some(finish) };
        let counted = Counted {
            call: id.call(),
            of: (kept.task, &kept.language, &job.model),
            text: text.clone(),
            is_truncated,
            is_valid: judged.is_ok(),
        };
        let is_new = match judged {
            Ok(_) => {
                let write = move |kept: &KeptJobs| kept.write_answer(id, &Said { text, is_truncated });
                match self.kept.on_disk(write).await {
                    Some(Ok(())) => self.end(job, ended(JobState::Done, None)).await?,
                    failed => {
                        // It can be fetched again.
                        let why = failed.and_then(Result::err).map_or_else(String::new, |error| format!(": {error}"));
                        self.note(format!("the answer of a job cannot be kept{why}"));
                        return Ok(false);
                    }
                }
            }
            // The whole reason may quote code.
            Err(unfit) => {
                let why = format!("its answer is not valid: {}", unfit.name());
                self.pass_on(job, ended(JobState::Failed, Some(why))).await?
            }
        };
        if is_new {
            counted.write(self.ledger);
        }
        Ok(true)
    }

    async fn lose(&self, jobs: &[JobRow], why: &str) -> Result<Option<Step>, Refused> {
        for job in jobs {
            let ended = Ended { state: JobState::Lost, reason: Some(why.to_owned()), usage: None, finish: None };
            self.end(job, ended).await?;
        }
        Ok(Some(Step::to(Stage::Lost)))
    }
}

/// What the provider counted for the whole batch and for no result of it; `None` if it counted nothing for the whole.
fn unpaid(results: &BatchResults) -> Option<Usage> {
    let all = results.batch.usage?;
    let told = results.results.values().filter_map(|result| result.usage);
    Some(told.fold(all, |left, usage| Usage {
        input: left.input.saturating_sub(usage.input),
        cached: left.cached.saturating_sub(usage.cached),
        written: left.written.saturating_sub(usage.written),
        output: left.output.saturating_sub(usage.output),
        reasoning: left.reasoning.saturating_sub(usage.reasoning),
        charged: left.charged.map(|charged| charged - usage.charged.unwrap_or_default()),
        ..left
    }))
}

/// How a job ends for which nothing came. If the batch ran to its end, it may have been billed.
fn missing(state: BatchState, unpaid: Option<Usage>) -> Ended {
    let (state, why, is_free) = match state {
        BatchState::Failed => (JobState::Failed, "its batch failed", true),
        BatchState::Expired => (JobState::Expired, "its batch was over before it", true),
        BatchState::Cancelled => (JobState::Cancelled, "its batch was cancelled", true),
        _ => (JobState::Lost, "its batch has no result for it", false),
    };
    let usage = if is_free { Some(Usage::default()) } else { unpaid };
    Ended { state, reason: Some(why.to_owned()), usage, finish: None }
}

//! The steps that send a batch: its file, the batch itself, and finding again what may have been sent by a process that was killed. It leaves
//! results to `results`, and the order of the steps to `look`.

use std::time::Duration;

use pennyworth_core::demand;
use pennyworth_core::models::Model;
use pennyworth_core::task::Task;
use pennyworth_providers::{Batches, Found, Kind, ProviderError, Request, Sought, Timeouts, Uploaded};

use super::kept::{Kept, KeptJobs};
use super::look::{Look, Pace};
use crate::ledger::{BatchRow, Ended, JobRow, JobState, Refused, Stage, Step};

/// What a stage leads to; `None` if there is nothing to do.
type Next = Result<Option<Step>, Refused>;

impl Look<'_> {
    /// Uploads the requests of a batch, unless a process before this one did.
    pub(super) async fn upload(
        &self,
        batches: &Batches<'_>,
        model: &Model,
        batch: &BatchRow,
        jobs: &[JobRow],
        is_ours: bool,
    ) -> Next {
        if !is_ours && !self.are_allowed(model, batch, jobs).await? {
            return Ok(None);
        }
        let requests = self.requests(model, jobs).await;
        let Some((_, first)) = requests.first() else {
            return self.give_up(jobs, "its prompt is not kept any more").await;
        };
        let endpoint = batches.endpoint(first);
        let uploaded = |file: String| Step { file: Some((file, endpoint.clone())), ..Step::to(Stage::Uploaded) };
        if !is_ours {
            match batches.find_upload(&batch.name()).await {
                Ok(Some(file)) => return Ok(Some(uploaded(file))),
                Ok(None) => {}
                Err(error) => return self.again(batch, &error, Stage::Uploading),
            }
        }
        match batches.upload(&batch.name(), &requests).await {
            Ok(done) => Ok(Some(uploaded(done.file))),
            Err(error) if is_final(&error) => self.refused(batch, jobs, &error).await,
            Err(error) => self.again(batch, &error, Stage::Uploading),
        }
    }

    /// Checks once more whether everything in a batch may be sent. If not, what may be sent goes into another one.
    pub(super) async fn ready(&self, batches: &Batches<'_>, model: &Model, batch: &BatchRow, jobs: &[JobRow]) -> Next {
        let are_allowed = self.are_allowed(model, batch, jobs).await?;
        if !are_allowed {
            self.clear_upload(batches, batch).await;
        }
        Ok(are_allowed.then(|| Step::to(Stage::Submitting)))
    }

    /// Whether everything in a batch may be sent by the rules of now. If not, the batch is taken apart.
    async fn are_allowed(&self, model: &Model, batch: &BatchRow, jobs: &[JobRow]) -> Result<bool, Refused> {
        let are_allowed = self.allowed(model, jobs.to_vec()).await?.len() == jobs.len();
        if !are_allowed {
            self.ledger.dissolve(self.lease, batch, "a part of it may not be sent".into()).await?;
        }
        Ok(are_allowed)
    }

    /// Sends a batch.
    pub(super) async fn submit(&self, batches: &Batches<'_>, model: &Model, batch: &BatchRow, jobs: &[JobRow]) -> Next {
        let name = batch.name();
        let sent = match (&batch.file, &batch.endpoint) {
            (Some(file), Some(endpoint)) => {
                let uploaded = Uploaded { file: file.clone(), endpoint: endpoint.clone() };
                batches.submit_file(&name, &uploaded).await
            }
            _ => batches.submit(&name, &self.requests(model, jobs).await).await,
        };
        match sent {
            Ok(sent) => Ok(Some(self.submitted(sent.id))),
            // Nobody knows whether it arrived. An error of the server may come from a machine in between.
            Err(error) if error.may_be_billed() || error.kind == Kind::Server => {
                self.again(batch, &error, Stage::Submitting)
            }
            Err(error) if is_final(&error) => {
                self.clear_upload(batches, batch).await;
                self.refused(batch, jobs, &error).await
            }
            Err(error) => self.again(batch, &error, Stage::Uploaded),
        }
    }

    /// Looks for a batch that may have been sent.
    pub(super) async fn find(&self, batches: &Batches<'_>, batch: &BatchRow, jobs: &[JobRow]) -> Next {
        let name = batch.name();
        let sought = Sought { name: &name, file: batch.file.as_deref(), since: batch.sent_s, requests: batch.requests };
        let is_certain = batch.sent_ago_ms > i64::try_from(self.pace.certain.as_millis()).unwrap_or(i64::MAX);
        let fitting = match batches.find(&sought).await {
            Ok(Found::Batch(found)) => return Ok(Some(self.found(found.id))),
            Ok(Found::Nothing) => Vec::new(),
            Ok(Found::Perhaps(fitting)) => fitting,
            Err(error) => return self.again(batch, &error, Stage::Submitting),
        };
        // Its provider keeps no names: the results tell whose a batch is, since they have our ids.
        let (ours, mut all_are_over) = (self.ledger.remotes().await?, true);
        for other in fitting.into_iter().filter(|other| !ours.contains(&other.id)) {
            if !other.state.is_over() {
                all_are_over = false;
                continue;
            }
            match batches.results(&other.id, &self.expected(jobs)).await {
                Ok(results) if !results.results.is_empty() => return Ok(Some(self.found(other.id))),
                // Whose it is if it has no result at all does not matter: it did nothing, and is not billed.
                Ok(results) if results.broken.is_none() => {}
                Ok(_) => all_are_over = false,
                Err(error) => return self.again(batch, &error, Stage::Submitting),
            }
        }
        match is_certain && all_are_over {
            true => Ok(Some(Step::to(Stage::Uploaded))),
            false => Ok(Some(self.later(batch, Stage::Submitting, None))),
        }
    }

    /// Every job of a batch with its request, but for those whose prompt is not kept any more.
    async fn requests(&self, model: &Model, jobs: &[JobRow]) -> Vec<(String, Request)> {
        let (deadline, model, jobs) = (self.pace.timeouts.transfer, model.clone(), jobs.to_vec());
        let all = move |kept: &KeptJobs| {
            let request = |job: &JobRow| Some((custom_id(job), request(kept.read(job.id)?, job, &model, deadline)));
            jobs.iter().filter_map(request).collect()
        };
        self.kept.on_disk(all).await.unwrap_or_default()
    }

    fn submitted(&self, remote: String) -> Step {
        Step { remote: Some(remote), due: self.pace.first, wait: self.pace.first, ..Step::to(Stage::Submitted) }
    }

    /// A batch that was sent some time ago may be over by now.
    fn found(&self, remote: String) -> Step {
        Step { due: Duration::ZERO, ..self.submitted(remote) }
    }

    /// The same stage once more, after a pause that grows.
    pub(super) fn later(&self, batch: &BatchRow, stage: Stage, trouble: Option<String>) -> Step {
        let (due, wait) = pause(Duration::from_millis(batch.wait_ms.unsigned_abs()), &self.pace);
        Step { due, wait, trouble, ..Step::to(stage) }
    }

    /// The same after an error.
    pub(super) fn again(&self, batch: &BatchRow, error: &ProviderError, stage: Stage) -> Next {
        self.failed(&batch.model, error);
        Ok(Some(self.later(batch, stage, Some(error.to_string()))))
    }

    /// The provider refuses a batch, whoever sends it.
    async fn refused(&self, batch: &BatchRow, jobs: &[JobRow], error: &ProviderError) -> Next {
        self.failed(&batch.model, error);
        self.give_up(jobs, &error.to_string()).await
    }

    async fn give_up(&self, jobs: &[JobRow], why: &str) -> Next {
        for job in jobs {
            self.end(job, Ended::free(JobState::Failed, why)).await?;
        }
        Ok(Some(Step::to(Stage::Failed)))
    }
}

/// The pause before the next look at a batch, and the one behind that: half as long again, up to the longest.
fn pause(planned: Duration, pace: &Pace) -> (Duration, Duration) {
    let pause = planned.max(pace.first).min(pace.longest);
    (pause, pause.mul_f32(1.5).min(pace.longest))
}

pub(super) fn request(kept: Kept, job: &JobRow, model: &Model, deadline: Duration) -> Request {
    Request {
        model: model.clone(),
        key: None,
        body: kept.body(),
        prompt_tokens: job.prompt_tokens,
        max_tokens: job.max_tokens,
        stops: kept.stops.clone(),
        temperature: 0.0,
        schema: (kept.task == Task::Review).then(demand::schema),
        cache_key: None,
        timeouts: Timeouts { first_byte: deadline, silence: deadline, total: deadline },
    }
}

/// A job's id in its batch.
pub(super) fn custom_id(job: &JobRow) -> String {
    format!("pw-{}", job.id)
}

/// Whether the same request would be refused again.
pub(super) fn is_final(error: &ProviderError) -> bool {
    matches!(error.kind, Kind::Refused | Kind::NotFound | Kind::TooLong | Kind::NoInfill | Kind::Client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_a_minute_to_a_quarter_of_an_hour() {
        let (pace, mut planned, mut pauses) = (Pace::default(), Duration::ZERO, Vec::new());
        for _ in 0..9 {
            let (pause, next) = pause(planned, &pace);
            pauses.push(pause.as_secs());
            planned = next;
        }
        assert_eq!(pauses, [60, 90, 135, 202, 303, 455, 683, 900, 900]);
    }
}

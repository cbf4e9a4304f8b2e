//! Asks what waits for hours with a lower price, by calls of their own, one after the other. A job is marked before its call is sent, and one that is
//! marked without a process that asks is never sent again. It leaves judging answers to `results`.

use futures_util::StreamExt as _;
use pennyworth_core::models::Model;
use pennyworth_providers::{
    BatchEnd, BatchResult, Chunk, Client, FinishReason, ProviderError, Request, SecretString, Usage,
};

use super::enqueue::week_hour;
use super::look::Look;
use super::sending::{is_final, request};
use crate::ledger::{Ended, JobRow, JobState, Refused};

impl Look<'_> {
    /// Gives up the jobs that were asked by a process which is gone: nobody knows what became of their calls.
    pub(super) async fn give_up_forsaken(&self) -> Result<(), Refused> {
        for job in self.ledger.asked_alone().await? {
            let reason = Some("the process that asked ended before the answer came".to_owned());
            self.end(&job, Ended { state: JobState::Lost, reason, usage: None, finish: None }).await?;
        }
        Ok(())
    }

    /// Asks a model for jobs while its lower price holds.
    pub(super) async fn ask_alone(
        &self,
        model: &Model,
        key: Option<&SecretString>,
        jobs: Vec<JobRow>,
    ) -> Result<(), Refused> {
        let Some(client) = &self.of.providers.client else { return Ok(()) };
        let holds = || matches!(model.price.off_peak_from(week_hour()), Some((0, _)));
        let jobs = if holds() { self.allowed(model, jobs).await? } else { Vec::new() };
        for job in jobs {
            if !holds() || !self.ledger.take_up(self.lease, job.id).await? {
                continue;
            }
            match self.answer_of(client, (model, key), &job).await {
                Ok(result) if !self.take(&job, &result).await? => {
                    let reason = Some("its answer cannot be kept".to_owned());
                    self.end(&job, Ended { state: JobState::Lost, reason, usage: result.usage, finish: None }).await?;
                }
                Ok(_) => {}
                Err(error) if error.may_be_billed() => {
                    let reason = Some(error.to_string());
                    self.end(&job, Ended { state: JobState::Failed, reason, usage: None, finish: None }).await?;
                }
                Err(error) if is_final(&error) => {
                    self.take(&job, &BatchResult::without(BatchEnd::Error(error))).await?;
                }
                Err(error) => {
                    self.failed(&model.name, &error);
                    return self.ledger.put_back(self.lease, job.id, error.to_string()).await;
                }
            }
        }
        Ok(())
    }

    /// The answer to a job, as a result like those of a batch.
    async fn answer_of(
        &self,
        client: &Client,
        (model, key): (&Model, Option<&SecretString>),
        job: &JobRow,
    ) -> Result<BatchResult, ProviderError> {
        let (id, deadline) = (job.id, self.pace.timeouts.transfer);
        let Some(kept) = self.kept.on_disk(move |kept| kept.read(id)).await.flatten() else {
            let nothing = BatchResult::without(BatchEnd::Finish(FinishReason::Other));
            return Ok(BatchResult { usage: Some(Usage::default()), ..nothing });
        };
        let mut answer = client.ask(Request { key: key.cloned(), ..request(kept, job, model, deadline) });
        let mut result = BatchResult::without(BatchEnd::Finish(FinishReason::Other));
        while let Some(chunk) = answer.next().await {
            match chunk? {
                Chunk::Text { text, logprob } => result.pieces.push((text, logprob)),
                Chunk::Usage(told) => result.usage = Some(told),
                Chunk::Finish(reason) => result.end = BatchEnd::Finish(reason),
                Chunk::Limits(_) => {}
            }
        }
        Ok(result)
    }
}

//! A job without a valid answer is passed on to the next model of its route, if there is one that is cheaper by tomorrow, too. Its end and its successor
//! are written together, so that nothing is asked twice. It leaves judging answers to `results`.

use pennyworth_core::demand::Prompts;
use pennyworth_core::models::{Model, Price};
use pennyworth_core::route::worst_at;

use super::enqueue::{waits, week_hour};
use super::kept::{ENDS, Kept};
use super::look::Look;
use crate::demand::disallowed;
use crate::ledger::{Ended, Entry, JobId, JobRow, JobState, NewJob, Refused, provider};
use crate::settings::Configuration;

impl Look<'_> {
    /// Ends a job without a valid answer, and queues it for the next model. False if it had ended, or the lease is gone.
    pub(super) async fn pass_on(&self, job: &JobRow, ended: Ended) -> Result<bool, Refused> {
        let id = job.id;
        let may = ended.state == JobState::Failed && !job.is_dropped;
        let kept = if may { self.kept.on_disk(move |kept| kept.read(id)).await.flatten() } else { None };
        let Some((next, kept, model)) = self.next(job, kept).await else { return self.end(job, ended).await };
        let new = next.id;
        if !matches!(self.kept.on_disk(move |folder| folder.write(new, &kept)).await, Some(Ok(()))) {
            return self.end(job, ended).await;
        }
        let why = ended.reason.clone().unwrap_or_default();
        let told = Ended { reason: Some(format!("{why}; {model} is asked next")), ..ended.clone() };
        match self.ledger.succeed(self.lease, id, told, next).await {
            Ok(true) => {
                self.forget(job).await;
                Ok(true)
            }
            Ok(false) => {
                self.kept.on_disk(move |folder| folder.forget(new)).await;
                Ok(false)
            }
            Err(refused) => {
                self.kept.on_disk(move |folder| folder.forget(new)).await;
                let reason = Some(format!("{why}; {model} is not asked: {refused}"));
                self.end(job, Ended { reason, ..ended }).await
            }
        }
    }

    /// The job for the next model that may be asked by the rules of now, what is kept of it, and the model's name.
    async fn next(&self, job: &JobRow, kept: Option<Kept>) -> Option<(NewJob, Kept, String)> {
        let (mut kept, settings) = (kept.filter(|kept| !kept.next.is_empty())?, self.of.settings.clone());
        let (prompts, max_tokens) = (Prompts::builtin(), job.max_tokens);
        let found = tokio::task::spawn_blocking(move || {
            let configuration = Configuration::new(1, settings, std::slice::from_ref(&kept.root)).0;
            let caps = configuration.read(kept.files.first().unwrap_or(&kept.root)).settings.caps();
            while let Some(next) = kept.next.first().cloned() {
                let model = configuration.models.get(&next.model).filter(|model| model.enabled);
                let is_allowed = |model: &&Model| disallowed(&configuration, kept.task, model, &kept.files).is_none();
                let model = model.filter(is_allowed);
                kept = kept.for_next(model.map_or("", |model| prompts.of(kept.task, &model.id)));
                if let Some((model, (later, price))) = model.and_then(|model| Some((model, model.later(week_hour())?)))
                {
                    let entry = entry(model, price, (next.prompt_tokens, max_tokens), &kept);
                    let model_id = model.id.clone();
                    let (id, waits) = (JobId::fresh(), waits(later));
                    let next = NewJob { id, model_id, waits, of_trial: None, entry, caps };
                    return Some((next, kept, model.name.clone()));
                }
            }
            None
        });
        found.await.ok().flatten()
    }
}

fn entry(model: &Model, price: Price, (prompt_tokens, max_tokens): (u32, u32), kept: &Kept) -> Entry {
    Entry {
        provider: provider(model).to_owned(),
        model: model.name.clone(),
        task: Some(kept.task),
        language: kept.language.clone(),
        prompt_tokens,
        max_tokens,
        chars_per_token: model.chars_per_token,
        worst_cost: worst_at(model, &price, prompt_tokens, max_tokens),
        price,
        abort_billed: model.abort_billed,
        deadline: ENDS,
        is_trial: false,
    }
}

//! The models of a plan, asked one after the other until an answer fits or the time is over; one that takes long is joined by the next where that is free.
//! It leaves one call to `attempt`, and whether and when to ask at all to `complete`.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use pennyworth_core::cache::{self, Decided};
use pennyworth_core::gate::Trigger;
use pennyworth_core::models::Shape;
use pennyworth_core::money::Money;
use pennyworth_core::plan::Plan;
use pennyworth_core::route::Step;
use pennyworth_core::task::Tier;

use crate::attempt::{Failure, Limit, Success, attempt};
use crate::complete::Answer;
use crate::current::Current;
use crate::flight::Said;
use crate::ledger::{Source, Suggested, provider};
use crate::look::{Look, Question};
use crate::resources::Resources;

/// Share of the time left that a model gets to say something, where another could be asked after it.
const FIRST_SHARE: f64 = 0.6;
/// How many times its usual wait a model may take, where that is more.
const UNUSUAL: f64 = 1.25;
/// Time in which no model answers, so that none is asked.
const LEAST_TIME: Duration = Duration::from_millis(20);
/// Share of the time left after which a second model is asked besides the first, where that is free.
const HEDGE_SHARE: f64 = 0.4;
/// The joint probability below which not even those who ask want an answer: public measurements found such ones right one time in fifty.
const HARDLY: f32 = 0.1;

/// What a call may cost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// As much as the caps allow.
    Capped,
    /// Nothing.
    Nothing,
}

/// The models of a plan, asked one after the other until an answer fits or the time is over.
pub struct Turns<'a> {
    /// What completing takes.
    pub resources: &'a Resources,
    /// The settings in force when it was asked.
    pub current: &'a Current,
    /// What is asked.
    pub question: Question<'a>,
    /// What was found there.
    pub look: &'a Look,
    /// The plan.
    pub plan: &'a Plan,
    /// Whom to tell what is said.
    pub said: &'a Said,
    /// What it may cost.
    pub cost: Cost,
    /// When it is over.
    pub over: Instant,
}

impl Turns<'_> {
    /// A model's turn ends when nothing came of it. One that takes long is joined by the next, if that costs nothing: then the first of both
    /// to answer is the one, and the other is dropped. No further model is asked once nobody waits.
    pub async fn first_that_fits(&self) -> Option<Answer> {
        let steps: Vec<&Step> = self.plan.route.steps.iter().filter(|step| self.is_wanted(step)).collect();
        let mut waiting = steps.into_iter().peekable();
        let mut asked = FuturesUnordered::new();
        let mut last = waiting.next()?;
        asked.push(self.turn(last, waiting.peek().is_some()));
        loop {
            let joins = asked.len() < 2
                && self.said.is_awaited()
                && waiting.peek().is_some_and(|next| self.may_join(last, next));
            let next = tokio::select! {
                Some((step, result)) = asked.next() => match result {
                    Ok(success) => return self.shown(step, success),
                    Err(failure) => {
                        self.failed(step, &failure);
                        match asked.is_empty() {
                            true if !self.said.is_awaited() => return None,
                            true => Some(waiting.next()?),
                            false => None,
                        }
                    }
                },
                () = tokio::time::sleep(self.left().mul_f64(HEDGE_SHARE)), if joins => waiting.next(),
            };
            if let Some(next) = next {
                last = next;
                asked.push(self.turn(next, waiting.peek().is_some()));
            }
        }
    }

    /// Whether a model may be asked while another is at it: where that costs nothing, and does not take the other's machine.
    fn may_join(&self, other: &Step, next: &Step) -> bool {
        let provider = |step: &Step| self.current.models.get(&step.model).map(provider);
        next.worst_cost == Money::ZERO && provider(other) != provider(next)
    }

    /// Dear models are asked only by those who said so.
    fn is_wanted(&self, step: &Step) -> bool {
        let settings = &self.current.scope(self.question.path).settings;
        let may_cost = step.worst_cost == Money::ZERO || self.cost == Cost::Capped;
        may_cost && (step.tier != Tier::Premium || settings.escalate || settings.pin(self.plan.task).is_some())
    }

    fn left(&self) -> Duration {
        self.over.saturating_duration_since(Instant::now())
    }

    async fn turn<'s>(&self, step: &'s Step, is_followed: bool) -> (&'s Step, Result<Success, Failure>) {
        let scope = self.current.scope(self.question.path);
        let (row, models) = (scope.tasks.row(self.plan.task), &self.current.models);
        let time = self.left();
        // An answer that usually comes after the end is not worth its price.
        let usual = Duration::from_millis(step.wait_ms.unwrap_or(0).into());
        if time < LEAST_TIME || (usual > time && step.worst_cost > Money::ZERO) {
            return (step, Err(Failure::Late));
        }
        let format = models.get(&step.model).and_then(|model| models.format(&model.format));
        let (shape, markers) = format.map_or((Shape::Raw, Vec::new()), |format| (format.shape, format.markers.clone()));
        let input = self.look.cut_input(self.plan.task, row, shape, markers);
        let least = match self.question.ask.trigger {
            Trigger::Invoked => HARDLY,
            Trigger::Typed | Trigger::Deleted => self.resources.confidence(&step.model).needed(row.show).max(HARDLY),
        };
        let patience = if is_followed { time.mul_f64(FIRST_SHARE).max(usual.mul_f64(UNUSUAL)).min(time) } else { time };
        let _asking = self.resources.asks();
        let cache_key = self.resources.cache_key(&scope.root);
        let limit = Limit { caps: scope.settings.caps(), time, patience, cache_key, least };
        self.said.begin(&step.model);
        let result = attempt(self.resources, models, self.plan, step, input, limit, self.said).await;
        self.said.end(&step.model);
        (step, result)
    }

    fn failed(&self, step: &Step, failure: &Failure) {
        tracing::debug!(model = step.model, task = %self.plan.task, %failure, "nothing came of a call");
        if failure.is_capped() {
            self.resources.set_capped(true);
        }
        if failure.is_lasting() {
            self.resources.troubles.add(format!("model.{}: {failure}", step.model));
        }
        if failure.is_answer() {
            self.remember(step, cache::Answer::Nothing);
        }
    }

    fn shown(&self, step: &Step, success: Success) -> Option<Answer> {
        let Success { cut, probability, call, truncated } = success;
        let text = cache::Answer::Text { text: cut.text.clone(), probability: probability.unwrap_or(1.0) };
        self.remember(step, text);
        let suggested = Suggested {
            source: Source::Model,
            model: step.model.clone(),
            call: Some(call),
            task: self.plan.task,
            language: self.look.context.language.name().to_owned(),
            chars: 0,
            tokens: 0,
            truncated,
            probability,
        };
        Answer::of(&self.look.view, &self.question, &cut.text, suggested)
    }

    fn remember(&self, step: &Step, answer: cache::Answer) {
        let decided = Decided {
            task: self.plan.task,
            language: self.look.context.language.name().to_owned(),
            model: step.model.clone(),
            tier: step.tier,
            generation: self.current.generation,
        };
        self.resources.cache().put(&self.look.place, decided, answer, self.resources.now_ms());
    }
}

//! Calls the models of a plan in their order until an answer fits or the deadline passes. If a model is slow, the next one is called too where
//! one of the two is free. It leaves one call to `call`, what its end means to `ends`, and whether and when to call at all to `stages`.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use pennyworth_core::cache;
use pennyworth_core::cut::SoFar;
use pennyworth_core::gate::Trigger;
use pennyworth_core::models::Format;
use pennyworth_core::money::Money;
use pennyworth_core::plan::Plan;
use pennyworth_core::route::Step;
use pennyworth_core::task::{Task, Tier};
use pennyworth_providers::Kind;
use tokio::sync::watch;

use super::attempts::Attempt;
use super::call::{Call, CallLimits, Watchers};
use super::completer::Completer;
use super::decision::Decision;
use super::ends::{Answered, End, ForBreaker, ForCache, Unsent};
use super::flights::Partial;
use super::reading::{Cutters, Least, Stage};
use crate::ledger::{CallId, provider};
use crate::models::health::account;
use crate::models::thinking;
use crate::sync::lock;

/// Share of the time left that a model may take for its next chunk before the next one is called, if there is one.
const FIRST_SHARE: f64 = 0.6;
/// Multiple of the wait it needs that a model may take, if that is longer.
const WAIT_FACTOR: f64 = 1.25;
/// Least time left for a call: no model answers faster.
const LEAST_TIME: Duration = Duration::from_millis(20);
/// Share of the time left after which a second model is called besides the first, if the second is free.
const HEDGE_SHARE: f64 = 0.4;
/// Longest time for which an answer is read on behind the part that is shown first: a hundred tokens of a slow model.
const READING_ON: Duration = Duration::from_secs(3);
/// The joint probability below which answers are dropped even if a key asked: public measurements found them right one time in fifty.
const LEAST_PROBABILITY: f32 = 0.1;

/// What a call may cost.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// As much as the caps allow.
    Capped,
    /// Nothing.
    Nothing,
}

/// The models of a plan, called until an answer fits.
pub struct Failover<'a> {
    /// The state that completions share.
    pub completer: &'a Completer,
    /// What was decided about the request.
    pub decision: &'a Decision,
    /// The decision's plan.
    pub plan: &'a Plan,
    /// Receives the text of models as it streams.
    pub partial: &'a Partial,
    /// What each call may cost.
    pub cost: Cost,
    /// The deadline of all calls.
    pub until: Instant,
    /// Makes the cutters for the answer of a step's model with this prompt format.
    pub cut: &'a (dyn Fn(&Step, Option<&Format>) -> Cutters + Sync),
}

/// The end of a call, when it began, and the lines of its answer that nobody knows of yet.
struct Told {
    end: End,
    began: Instant,
    lines: Option<SoFar>,
}

impl From<End> for Told {
    fn from(end: End) -> Told {
        Told { end, began: Instant::now(), lines: None }
    }
}

/// Which of the models that run at once answers first.
struct Race<'r, 's> {
    /// The name of the first.
    winner: watch::Sender<Option<&'s str>>,
    is_overtaken: AtomicBool,
    show: &'r (dyn Fn(&'s Step, Answered) + Sync),
}

impl<'r, 's> Race<'r, 's> {
    fn new(show: &'r (dyn Fn(&'s Step, Answered) + Sync)) -> Race<'r, 's> {
        Race { winner: watch::Sender::new(None), is_overtaken: AtomicBool::new(false), show }
    }

    fn is_won(&self) -> bool {
        self.winner.borrow().is_some()
    }

    fn is_winner(&self, step: &Step) -> bool {
        *self.winner.borrow() == Some(step.model.as_str())
    }

    /// Shows an answer, unless another one was first.
    fn won(&self, step: &'s Step, answered: Answered) {
        let is_first = self.winner.send_if_modified(|winner| winner.replace(winner.unwrap_or(&step.model)).is_none());
        if is_first {
            self.is_overtaken.store(true, Ordering::Relaxed);
            (self.show)(step, answered);
        }
    }

    /// Returns once another model has won.
    async fn lost(&self, step: &Step) {
        let mut winner = self.winner.subscribe();
        // The sender lives as long as `self`.
        let _ = winner.wait_for(|winner| winner.is_some_and(|winner| winner != step.model)).await;
    }
}

/// The model called last: when the next one may be called besides it.
struct Last {
    stage: watch::Receiver<Stage>,
    /// When, if it has not answered by then; `None` for never.
    joins_at: Option<Instant>,
    /// Whether only while it has sent nothing. What has come of an answer may be whole, which is better than to pay for another.
    only_if_silent: bool,
}

impl Last {
    /// Returns when the next model may be called besides this one: if this one is late, or too unsure to be shown.
    async fn lets_join(&mut self) {
        let mut stage = self.stage.clone();
        let (joins_at, only_if_silent) = (self.joins_at, self.only_if_silent);
        let late = async {
            match joins_at {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
            if only_if_silent && *self.stage.borrow() != Stage::Silent {
                std::future::pending::<()>().await;
            }
        };
        let unsure = async {
            // Its call has ended if there is no sender any more.
            if stage.wait_for(|stage| *stage == Stage::Unsure).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = late => {}
            () = unsure => {}
        }
    }
}

impl<'a> Failover<'a> {
    /// Calls the models until an answer fits, and shows that. After any other end the next model is called. If a model is slow and it or the next
    /// one is free, both run; the first answer that fits wins, and the other call is dropped. Once nobody waits, no further model is called. Returns
    /// when the answer is read on to its end.
    pub async fn run(&self, show: &(dyn Fn(&'a Step, Answered) + Sync)) {
        let steps: Vec<&Step> = self.plan.route.steps.iter().filter(|step| self.is_wanted(step)).collect();
        let (race, mut waiting) = (Race::new(show), steps.into_iter().peekable());
        let mut called = FuturesUnordered::new();
        let begin = |step, next| {
            let (sender, last) = self.last(step, next);
            (last, self.call(step, next, sender, &race))
        };
        let Some(first) = waiting.next() else { return };
        let (mut last, first) = begin(first, waiting.peek().copied());
        called.push(first);
        loop {
            let joins = called.len() < 2 && !race.is_won() && self.partial.is_awaited() && waiting.peek().is_some();
            let next = tokio::select! {
                Some((step, Told { end, began, lines })) = called.next() => {
                    self.record(step, &end, began);
                    let goes_on = end.meaning().next_model && self.partial.is_awaited();
                    if let End::Answered(answered) = end {
                        self.won(&race, step, answered);
                    }
                    self.lines(step, lines);
                    match called.is_empty() {
                        false => None,
                        true if race.is_won() || !goes_on => return,
                        true => match waiting.next() {
                            Some(next) => Some(next),
                            None => return,
                        },
                    }
                }
                () = last.lets_join(), if joins => waiting.next(),
            };
            if let Some(next) = next {
                let call;
                (last, call) = begin(next, waiting.peek().copied());
                called.push(call);
            }
        }
    }

    /// A model's answer fits: it is remembered, and shown if it is the first.
    fn won(&self, race: &Race<'_, 'a>, step: &'a Step, answered: Answered) {
        if race.is_winner(step) {
            return;
        }
        self.cache(step, text(&answered));
        race.won(step, answered);
    }

    /// The terms on which the next model may be called besides this one.
    fn last(&self, step: &Step, next: Option<&Step>) -> (watch::Sender<Stage>, Last) {
        let (sender, stage) = watch::channel(Stage::default());
        let patience = self.patience(step, next.is_some());
        let hedges = next.filter(|next| is_free(next) && self.are_apart(step, next)).map(|_| {
            let share = self.left().mul_f64(HEDGE_SHARE);
            share.max(needed(step)).min(patience)
        });
        let joins = hedges.or_else(|| self.goes_on(step, next).then_some(patience));
        let last = Last { stage, joins_at: joins.map(|wait| Instant::now() + wait), only_if_silent: hedges.is_none() };
        (sender, last)
    }

    /// Whether a model goes on while the next one is called because this one is late: it costs nothing, and may still win.
    fn goes_on(&self, step: &Step, next: Option<&Step>) -> bool {
        is_free(step) && next.is_some_and(|next| self.are_apart(step, next))
    }

    /// Whether two models run on different servers.
    fn are_apart(&self, one: &Step, other: &Step) -> bool {
        let provider = |step: &Step| self.decision.configuration.models.get(&step.model).map(provider);
        provider(one) != provider(other)
    }

    /// How long a model may take for its next chunk: all the time left, or if another could be called after it, its share of that, and what
    /// it needs in any case.
    fn patience(&self, step: &Step, is_followed: bool) -> Duration {
        let time = self.left();
        if is_followed { time.mul_f64(FIRST_SHARE).max(needed(step)).min(time) } else { time }
    }

    /// Premium models are called only if the user chose escalation or pinned one.
    fn is_wanted(&self, step: &Step) -> bool {
        let settings = &self.decision.scope().settings;
        let may_cost = step.worst_cost == Money::ZERO || self.cost == Cost::Capped;
        may_cost && (step.tier != Tier::Premium || settings.escalate || settings.pin(self.plan.task).is_some())
    }

    fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Calls a model, and once more if the first call taught how to do better.
    async fn call(
        &self,
        step: &'a Step,
        next: Option<&'a Step>,
        stage: watch::Sender<Stage>,
        race: &Race<'_, 'a>,
    ) -> (&'a Step, Told) {
        let _in_flight = self.completer.begin_call();
        let called = async {
            let told = self.call_once((step, next), stage.clone(), race, true).await;
            match told.end {
                End::Corrected(_) if self.left() >= LEAST_TIME => {
                    self.call_once((step, next), stage, race, false).await
                }
                _ => told,
            }
        };
        let told = tokio::select! {
            biased;
            told = called => told,
            () = race.lost(step) => Told::from(End::Overtaken),
        };
        (step, told)
    }

    async fn call_once(
        &self,
        (step, next): (&'a Step, Option<&'a Step>),
        stage: watch::Sender<Stage>,
        race: &Race<'_, 'a>,
        corrects: bool,
    ) -> Told {
        let Failover { completer, decision, plan, partial, .. } = *self;
        let (scope, models) = (decision.scope(), &decision.configuration.models);
        let (time, began) = (self.left(), Instant::now());
        // An answer that usually comes after the deadline is not worth its price.
        let usual = Duration::from_millis(step.wait_ms.unwrap_or(0).into());
        if time < LEAST_TIME || (usual > time && step.worst_cost > Money::ZERO) {
            return Told::from(self.noted(step, None, End::Unsent(Unsent::Late)));
        }
        let format = models.get(&step.model).and_then(|model| models.format(&model.format));
        let cut = self.cut;
        let cutters = Box::new(move || cut(step, format));
        let silence = self.patience(step, next.is_some());
        let first = if self.goes_on(step, next) { time } else { silence };
        let cache_key = completer.cache_key(&scope.root);
        let least = least(completer, decision, plan.task, &step.model);
        let (caps, generation) = (scope.settings.caps(), decision.configuration.generation);
        let reads_on = READING_ON;
        let temperature = decision.temperature;
        let is_trial = decision.request.is_trial;
        let limits =
            CallLimits { caps, time, reads_on, first, silence, generation, temperature, cache_key, least, is_trial };
        partial.begin(&step.model);
        let (providers, ledger) = (&completer.providers, &*completer.ledger);
        // Lines are told behind the part that is shown first, so that nobody takes them for it.
        let early = Mutex::new(None);
        let keep = Box::new(|answered: &Answered| {
            self.cache(step, text(answered));
            self.lines(step, lock(&early).take());
        });
        let first = Box::new(|answered| {
            self.won(race, step, answered);
            self.lines(step, lock(&early).take());
        });
        let lines = |so_far: SoFar| match race.is_winner(step) {
            true => self.lines(step, Some(so_far)),
            false => *lock(&early) = Some(so_far),
        };
        let is_overtaken = &race.is_overtaken;
        let watchers = Watchers { partial, stage, is_overtaken, keep, first, lines: &lines };
        let mut sent = None;
        let end = match Call::send((providers, ledger), (models, plan, step), cutters, limits, watchers).await {
            Ok(call) => {
                sent = call.id();
                call.read(corrects).await
            }
            Err(why) => End::Unsent(why),
        };
        partial.end(&step.model);
        let lines = lock(&early).take();
        Told { end: self.noted(step, sent, end), began, lines }
    }

    /// Tells the request how a call of a model ended.
    fn noted(&self, step: &Step, call: Option<CallId>, end: End) -> End {
        let has_failed = matches!(end, End::Failed(_) | End::Corrected(_) | End::Unsent(_));
        let attempt = Attempt { model: step.model.clone(), outcome: end.to_string(), call, has_failed };
        self.decision.request.attempts.add(attempt, end.name());
        end
    }

    /// Records what an end means beyond the call itself: in the cache, and for the user.
    fn record(&self, step: &Step, end: &End, began: Instant) {
        let answer = match (end.meaning().cache, end) {
            // It is cached when it is shown.
            (ForCache::Text, _) => None,
            (ForCache::Unsure, End::Unsure(Some(answered))) => Some(unsure(answered)),
            (ForCache::Nothing | ForCache::Unsure, _) => Some(cache::Answer::Nothing),
            _ => None,
        };
        if let Some(answer) = answer {
            self.cache(step, answer);
        }
        if !matches!(end, End::Answered(_)) {
            tracing::debug!(model = step.model, task = %self.plan.task, %end, "a call gave no completion");
        }
        let completer = self.completer;
        if matches!(end, End::Crashed) {
            completer.crashes.crashed("reading an answer");
        }
        if end.is_capped() {
            completer.set_capped(true);
        }
        let troubles = &completer.providers.troubles;
        let misfit = match end {
            End::Answered(_) | End::Unsure(Some(_)) => {
                troubles.fitted(&step.model);
                None
            }
            End::Rejected(_) => troubles.misfit(&step.model),
            _ => None,
        };
        if misfit.is_none() && end.meaning().breaker == ForBreaker::Closes {
            troubles.works(&step.model);
        }
        let problem = misfit.or_else(|| end.problem());
        if let (Some(mut problem), Some(model)) = (problem, self.decision.configuration.models.get(&step.model)) {
            match end {
                End::Unsent(Unsent::Key(_)) => problem.again = Some(completer.providers.keys.again(model)),
                End::Failed(error) if error.kind == Kind::Thought => problem.remedy = Some(thinking::remedy(model)),
                _ => {}
            }
            troubles.failed(&step.model, &account(provider(model), model), problem, began);
        }
    }

    /// Remembers the whole lines of an answer that is read on, and tells who waits for them.
    fn lines(&self, step: &Step, so_far: Option<SoFar>) {
        let Some(SoFar { text, is_over }) = so_far else { return };
        self.partial.lines(&step.model, &text);
        self.cache(step, cache::Answer::Lines { text, is_open: !is_over });
        self.partial.moved_on();
    }

    /// Remembers a model's answer for the place.
    fn cache(&self, step: &Step, answer: cache::Answer) {
        let (completer, decision) = (self.completer, self.decision);
        let decided = decision.decided(self.plan.task, &step.model, step.tier);
        let answer = answer.map(|text| decision.cursor.in_line_breaks(text));
        completer.cache().put(&decision.place, decided, answer, completer.now_ms());
    }
}

/// The least probabilities of an answer to a request.
pub(super) fn least(completer: &Completer, decision: &Decision, task: Task, model: &str) -> Least {
    let show = decision.scope().tasks.row(task).show;
    let shown = match decision.request.trigger {
        Trigger::Invoked => LEAST_PROBABILITY,
        _ => completer.confidence(model).needed(show).max(LEAST_PROBABILITY),
    };
    Least { shown, read: LEAST_PROBABILITY }
}

fn is_free(step: &Step) -> bool {
    step.worst_cost == Money::ZERO
}

/// The time to give a model in any case, so that most of its answers begin.
fn needed(step: &Step) -> Duration {
    Duration::from_millis(step.needs_ms.unwrap_or(0).into()).mul_f64(WAIT_FACTOR)
}

fn text(answered: &Answered) -> cache::Answer {
    cache::Answer::Text { text: answered.cut.text.clone(), probability: answered.probability.unwrap_or(1.0) }
}

fn unsure(answered: &Answered) -> cache::Answer {
    cache::Answer::Unsure { text: answered.cut.text.clone(), probability: answered.probability.unwrap_or(1.0) }
}

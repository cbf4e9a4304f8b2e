//! One call of one model. It owns its permit, its reservation and its reading. It is reserved in the ledger before it is sent, read as it
//! streams until enough is read, and settled however it ends.
//! It leaves cutting the answer to `reading`, what each end means to `ends`, and choosing models to the plan and `failover`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, poll};
use pennyworth_core::caps::Caps;
use pennyworth_core::cut::SoFar;
use pennyworth_core::models::{Model, Models};
use pennyworth_core::plan::{Outgoing, Plan, outgoing};
use pennyworth_core::prompt::{Body, Realign};
use pennyworth_core::route::{Step, Why};
use pennyworth_providers::{Answer, Chunk, Kind, ProviderError, Request, Timeouts};
use tokio::sync::watch;

use super::ends::{Answered, End, ForBreaker, ForLedger, Unsent};
use super::flights::Partial;
use super::reading::{Cutters, Heard, Least, Listeners, MakeCutters, Reading, Stage};
use crate::ledger::{self, Entry, Refused, Reservation, Slot};
use crate::models::Providers;
use crate::models::health::{Permit, account};

/// The limits of a call.
#[derive(Clone, Debug)]
pub struct CallLimits {
    /// The caps.
    pub caps: Caps,
    /// Longest wait for the answer, or for the part of it that is shown first.
    pub time: Duration,
    /// Longest time for which it is read on behind that.
    pub reads_on: Duration,
    /// Longest wait for its first chunk.
    pub first: Duration,
    /// Longest wait for each further chunk; shorter if another model could be called after it.
    pub silence: Duration,
    /// The generation of the configuration that the call is under.
    pub generation: u64,
    /// How much the answer may stray from the likeliest text.
    pub temperature: f32,
    /// The provider's cache key for prompts that begin alike.
    pub cache_key: String,
    /// The joint probabilities of the tokens, as the model reports it, below which the answer is of less use.
    pub least: Least,
    /// Whether it is made for a trial.
    pub is_trial: bool,
}

/// Whom a call tells how it goes.
pub struct Watchers<'a> {
    /// Receives the text as it streams.
    pub partial: &'a Partial,
    /// Receives how far the answer has come.
    pub stage: watch::Sender<Stage>,
    /// Whether another model's answer was shown meanwhile.
    pub is_overtaken: &'a AtomicBool,
    /// Receives what was whole of an answer that nobody waits for any more.
    pub keep: Box<dyn Fn(&Answered) + Send + Sync + 'a>,
    /// Receives the part that is shown first, as soon as it is whole, if the answer is read on behind it.
    pub first: Box<dyn Fn(Answered) + Send + Sync + 'a>,
    /// Receives the whole lines of an answer that is read on, each time that another one has come.
    pub lines: &'a (dyn Fn(SoFar) + Sync),
}

/// A call that was sent. Dropping it cancels it.
pub struct Call<'a> {
    /// The provider's host and port.
    provider: &'a str,
    /// The answer's stream. It is closed before the call is settled, because the rest of it is not needed.
    stream: Option<Answer>,
    reading: Option<Reading<'a>>,
    permit: Option<Permit<'a>>,
    reservation: Option<Reservation>,
    providers: &'a Providers,
    /// The model, and when the call began.
    model: &'a Model,
    began: Instant,
    /// When to stop reading, whatever comes.
    until: Instant,
    /// Longest wait for another key.
    silence: Duration,
    /// Tokens of the prompt by the row's own estimate, and the ceiling.
    sent: (u32, u32),
    is_overtaken: &'a AtomicBool,
    keep: Box<dyn Fn(&Answered) + Send + Sync + 'a>,
    first: Box<dyn Fn(Answered) + Send + Sync + 'a>,
    reads_on: Duration,
}

/// The prompt of a plan as it is sent to the model of a step, which may have told how much it takes since the plan was made.
pub(super) fn written(
    providers: &Providers,
    (models, plan, step): (&Models, &Plan, &Step),
    model: &Model,
) -> Result<Outgoing, Why> {
    let learned = providers.contexts.limit(&model.name).map(|limit| limit.saturating_sub(step.max_tokens));
    outgoing(models, model, &plan.prompt, step.room.min(learned.unwrap_or(u32::MAX)))
}

impl<'a> Call<'a> {
    /// Reserves a call of a step of the plan, and sends it.
    pub async fn send(
        (providers, ledger): (&'a Providers, &'a Slot),
        (models, plan, step): (&'a Models, &Plan, &'a Step),
        cutters: MakeCutters<'a>,
        limits: CallLimits,
        watchers: Watchers<'a>,
    ) -> Result<Call<'a>, Unsent> {
        tracing::trace!(model = step.model, "a call begins");
        let client = providers.client.as_ref().ok_or(Unsent::Resting)?;
        let model = models.get(&step.model).ok_or(Unsent::Resting)?;
        let provider = ledger::provider(model);
        let (max_tokens, began) = (step.max_tokens, Instant::now());
        let account = account(provider, model);
        let permit =
            providers.health.begin(limits.generation, &account, &model.name, Instant::now()).ok_or(Unsent::Resting)?;
        if let Some(user) = providers.found.stranger_at(model).await {
            return Err(Unsent::Stranger(user));
        }
        // A program that prints the key goes on, so that a later call finds it. A model that could follow gets its time.
        let key = tokio::time::timeout(limits.silence, providers.keys.of(model)).await;
        let key = key.map_err(|_| Unsent::KeyAwaited(providers.keys.program(model)))??;
        let until = began + limits.time;
        let total = limits.time + if step.reads_on { limits.reads_on } else { Duration::ZERO };
        let entry = Entry { deadline: total, is_trial: limits.is_trial, ..Entry::new(plan, step, model) };
        let opened = tokio::time::timeout_at(until.into(), ledger.opened()).await;
        let ledger = opened.map_err(|_| Refused::Unwritten("it is not open yet".into()))?;
        // The ledger writes while the prompt is masked.
        let mut reserving = Box::pin(ledger.reserve(entry, Some(limits.caps)));
        let reserved = poll!(&mut reserving);
        let written = written(providers, (models, plan, step), model);
        let Outgoing { rendered, masks } = written.map_err(Unsent::Unwritten)?;
        let reservation = match reserved {
            Poll::Ready(reserved) => reserved,
            Poll::Pending => tokio::time::timeout_at(until.into(), reserving)
                .await
                .map_err(|_| Refused::Unwritten("it does not answer in time".into()))?,
        }?;
        let sent = (rendered.body.tokens(model.chars_per_token), max_tokens);
        let request = Request {
            model: model.clone(),
            key,
            body: rendered.body.clone(),
            prompt_tokens: step.prompt_tokens,
            max_tokens,
            stops: step.stops.clone(),
            temperature: limits.temperature,
            schema: None,
            cache_key: Some(limits.cache_key),
            timeouts: Timeouts { first_byte: limits.first, silence: limits.silence, total },
        };
        providers.warmth.used(provider, &model.name);
        providers.allowances.take(provider, u64::from(step.prompt_tokens) + u64::from(max_tokens));
        // A chat model may write other text before the text to insert, so waiting requests only see the text of other models.
        let is_plain = matches!(rendered.body, Body::Raw { .. } | Body::Fields { .. });
        let Watchers { partial, stage, is_overtaken, keep, first, lines } = watchers;
        let listeners = Listeners { text: is_plain.then_some((partial, model.name.as_str())), stage, lines };
        let make = Box::new(move || {
            let Cutters { first, lines, reads_on } = cutters();
            let lines = lines.map(|lines| lines.refusing(masks.clone()));
            Cutters { first: first.refusing(masks), lines, reads_on }
        });
        Ok(Call {
            provider,
            stream: Some(client.ask(request)),
            reading: Some(Reading::new(make, Realign::new(&rendered), limits.least, listeners)),
            permit: Some(permit),
            reservation: Some(reservation),
            providers,
            model,
            began,
            until,
            silence: limits.silence,
            sent,
            is_overtaken,
            keep,
            first,
            reads_on: limits.reads_on,
        })
    }

    /// Its row in the ledger.
    pub fn id(&self) -> Option<ledger::CallId> {
        self.reservation.as_ref().map(Reservation::id)
    }

    /// Reads the answer until enough is read, and settles the call. `corrects` says whether the call may be made once more if something on our
    /// side can be mended.
    pub async fn read(mut self, corrects: bool) -> End {
        let end = match self.stream_to_end().await {
            Ok(()) => self.cut(None),
            Err(error) if corrects && !self.has_text() && self.corrected(&error).await => End::Corrected(error),
            // Whatever broke the stream, what came before may be a whole answer.
            Err(error) if self.has_text() || matches!(error.kind, Kind::Deadline | Kind::CutOff | Kind::Server) => {
                self.cut(Some(error))
            }
            Err(error) => End::of(self.judged(error)),
        };
        self.close(&end);
        end
    }

    /// Whether the same call may succeed now: a program has another key, or the model has told how much it takes.
    async fn corrected(&mut self, error: &ProviderError) -> bool {
        let Providers { keys, contexts, .. } = self.providers;
        // A server in front of the model's own may refuse a key with a page.
        let is_about_key = error.kind == Kind::Key || error.kind == Kind::Blocked && error.status == Some(401);
        match error.kind {
            _ if is_about_key => {
                let until = self.until.min(Instant::now() + self.silence);
                let renewed = keys.refused(self.model, self.began);
                tokio::time::timeout_at(until.into(), renewed).await.unwrap_or(false)
            }
            Kind::TooLong => contexts.refused(&self.model.name, self.sent, error.lengths.unwrap_or_default()),
            _ => false,
        }
    }

    /// A 403 of which nothing says what it is about is about the key, unless the account has just answered with it.
    fn judged(&self, error: ProviderError) -> ProviderError {
        let is_doubt = error.kind == Kind::Key && error.status == Some(403);
        match is_doubt && self.permit.as_ref().is_some_and(Permit::was_trusted) {
            true => ProviderError { status: error.status, code: error.code, ..ProviderError::new(Kind::Blocked) },
            false => error,
        }
    }

    async fn stream_to_end(&mut self) -> Result<(), ProviderError> {
        let (Some(stream), Some(reading)) = (&mut self.stream, &mut self.reading) else { return Ok(()) };
        loop {
            // The stream's own deadline is that of reading on.
            let next = tokio::time::timeout_at(self.until.into(), stream.next()).await;
            let Some(chunk) = next.map_err(|_| ProviderError::new(Kind::Deadline))? else { break };
            match chunk? {
                Chunk::Limits(limits) => self.providers.allowances.update(self.provider, limits, Instant::now()),
                chunk => {
                    if let Some(reservation) = &mut self.reservation {
                        reservation.heard(&chunk);
                    }
                    match reading.take(chunk) {
                        Heard::More => {}
                        Heard::First => {
                            let first = reading.first().zip(self.reservation.as_ref());
                            if let Some(((cut, joint), reservation)) = first {
                                (self.first)(Answered {
                                    cut: cut.clone(),
                                    probability: joint.map(f32::exp),
                                    call: reservation.id(),
                                    truncated: false,
                                    broken: None,
                                });
                            }
                            self.until += self.reads_on;
                        }
                        Heard::Over => break,
                    }
                    // Cutting takes time, too, which no deadline of the stream sees.
                    if Instant::now() >= self.until {
                        return Err(ProviderError::new(Kind::Deadline));
                    }
                }
            }
        }
        Ok(())
    }

    /// The end of an answer that was read, as far as it came before the stream broke off, if it did.
    fn cut(&mut self, broken: Option<ProviderError>) -> End {
        self.stream = None;
        match (self.reading.take(), &self.reservation) {
            (Some(reading), Some(reservation)) => reading.finish(reservation.id(), reservation.is_truncated(), broken),
            _ => End::Cancelled,
        }
    }

    fn has_text(&self) -> bool {
        self.reading.as_ref().is_some_and(Reading::has_text)
    }

    /// The end of an answer that is dropped while it is read.
    fn cut_short(&mut self) -> End {
        match self.has_text() {
            true => self.cut(Some(ProviderError::new(Kind::CutOff))),
            false => End::Cancelled,
        }
    }

    /// Applies the meaning of an end to the breaker and the ledger.
    fn close(&mut self, end: &End) {
        self.stream = None;
        let (Some(permit), Some(reservation)) = (self.permit.take(), self.reservation.take()) else { return };
        let meaning = end.meaning();
        match meaning.breaker {
            ForBreaker::Closes => permit.succeeded(),
            ForBreaker::Fails(next) => permit.failed(next, Instant::now()),
            ForBreaker::Untouched => drop(permit),
        }
        match (meaning.ledger, end) {
            (ForLedger::Settled(why), _) => reservation.settle(why),
            (ForLedger::Failed, End::Failed(error) | End::Corrected(error)) => {
                tracing::debug!(?error, "a call failed");
                reservation.fail(error);
            }
            (ForLedger::Outrun, _) => reservation.outrun(),
            (ForLedger::Overtaken, _) => reservation.overtaken(),
            (ForLedger::Failed | ForLedger::Aborted, _) => drop(reservation),
            (ForLedger::None, _) => reservation.unsent(),
        }
    }
}

impl Drop for Call<'_> {
    /// Closes a call that nobody waits for any more. What is whole of its answer is paid for, so it is kept.
    fn drop(&mut self) {
        if self.reservation.is_none() || std::thread::panicking() {
            return self.close(&End::Cancelled);
        }
        if self.reading.as_ref().is_some_and(|reading| reading.first().is_some()) {
            let end = self.cut(None);
            return self.close(&end);
        }
        let is_overtaken = self.is_overtaken.load(Ordering::Relaxed);
        if let End::Answered(answered) = self.cut_short() {
            (self.keep)(&answered);
        }
        self.close(if is_overtaken { &End::Overtaken } else { &End::Cancelled });
    }
}

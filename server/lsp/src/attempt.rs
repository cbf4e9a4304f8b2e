//! One call of one model: written down and held against the cap before it is sent, read as far as it is wanted, cut, and settled, whatever
//! becomes of it. It leaves choosing the model to the plan and trying the next one to `complete`.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use pennyworth_core::cut::{Cut, CutInput, Cutter, Finish, Progress, Rejection};
use pennyworth_core::models::Models;
use pennyworth_core::plan::Plan;
use pennyworth_core::prompt::{Body, Realign};
use pennyworth_core::route::{Step, Why};
use pennyworth_providers::{Chunk, FinishReason, Kind as ErrorKind, Next, ProviderError, Request, Timeouts};

use crate::flight::Said;
use crate::keys::KeyError;
use crate::ledger::{self, Call, CallId, Caps, Refused, Reservation};
use crate::resources::Resources;

/// What came of a call.
pub struct Success {
    /// The text that fits.
    pub cut: Cut,
    /// The joint probability of its tokens, where the provider says it.
    pub probability: Option<f32>,
    /// The call's row.
    pub call: CallId,
    /// Whether the output ceiling cut it.
    pub truncated: bool,
}

/// Why nothing came of a call.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The prompt cannot be written for this model.
    #[error("{0}")]
    Unwritten(Why),
    /// Its provider is resting.
    #[error("its provider fails")]
    Resting,
    /// There is no key for it.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The ledger does not allow it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The provider failed.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The answer does not fit.
    #[error("the answer does not fit: {0}")]
    Rejected(Rejection),
    /// Its answer would come too late.
    #[error("its answer would come too late")]
    Late,
    /// The model is not sure enough of its answer.
    #[error("it is not sure enough")]
    Unsure,
}

impl Failure {
    /// Whether a cap did not cover the call.
    pub fn is_capped(&self) -> bool {
        matches!(self, Failure::Refused(Refused::Cap { .. }))
    }

    /// Whether the same will happen until the user changes the configuration.
    pub fn is_lasting(&self) -> bool {
        match self {
            Failure::Key(_) => true,
            Failure::Provider(error) => {
                let stops = matches!(error.next, Next::StopUntilConfigChange | Next::StopModel);
                stops || error.kind == ErrorKind::Certificate
            }
            Failure::Unwritten(_) | Failure::Resting | Failure::Refused(_) | Failure::Late => false,
            Failure::Rejected(_) | Failure::Unsure => false,
        }
    }

    /// Whether the model has nothing to say that could be shown here, and will not have a moment later.
    pub fn is_answer(&self) -> bool {
        matches!(self, Failure::Rejected(_) | Failure::Unsure)
    }
}

/// What a call may take, and what its answer must be.
#[derive(Clone, Debug)]
pub struct Limit {
    /// The most that a day and a month may cost.
    pub caps: Caps,
    /// Longest wait for the whole answer.
    pub time: Duration,
    /// Longest wait for its next piece: shorter where another model could be asked in the time that is left.
    pub patience: Duration,
    /// A name for prompts that begin alike.
    pub cache_key: String,
    /// The joint probability of its tokens, as the model says it, below which the rest of an answer is left out.
    pub least: f32,
}

/// Asks one model, and tells what it says while it says it. Dropping the future ends the call and writes it down as aborted.
pub async fn attempt(
    resources: &Resources,
    models: &Models,
    plan: &Plan,
    step: &Step,
    cut_input: CutInput,
    limit: Limit,
    said: &Said,
) -> Result<Success, Failure> {
    tracing::trace!(model = step.model, "a call begins");
    let client = resources.client.as_ref().ok_or(Failure::Resting)?;
    let model = models.get(&step.model).ok_or(Failure::Resting)?;
    let provider = ledger::provider(model);
    let rendered = plan.render(models, model).map_err(Failure::Unwritten)?;
    let permit = resources.health.begin(provider, &model.name, Instant::now()).ok_or(Failure::Resting)?;
    let key = resources.keys.of(model).await?;
    let call = Call { deadline: limit.time, ..Call::new(plan, step, model) };
    let opened = tokio::time::timeout(limit.time, resources.opened_ledger()).await;
    let ledger = opened.map_err(|_| Refused::Unwritten("it is not open yet".into()))?;
    let mut reservation = ledger.reserve(call, Some(limit.caps)).await?;
    let max_tokens = plan.budget.max_tokens;
    let request = Request {
        model: model.clone(),
        key,
        body: rendered.body.clone(),
        prompt_tokens: step.prompt_tokens,
        max_tokens,
        stops: step.stops.clone(),
        cache_key: Some(limit.cache_key),
        timeouts: Timeouts { first_byte: limit.patience, silence: limit.patience, total: limit.time },
    };
    resources.warmth.used(provider, &model.name);
    resources.allowances.take(provider, u64::from(step.prompt_tokens) + u64::from(max_tokens));
    let told = matches!(rendered.body, Body::Raw { .. } | Body::Fields { .. }).then_some((said, model.name.as_str()));
    let mut reading = Reading::new(cut_input, Realign::new(&rendered), limit.least, told);
    let mut answer = client.ask(request);
    while let Some(chunk) = answer.next().await {
        match chunk {
            Ok(Chunk::Limits(limits)) => resources.allowances.told(provider, limits, Instant::now()),
            Ok(chunk) => {
                reservation.heard(&chunk);
                if reading.take(chunk) == Progress::Done {
                    break;
                }
            }
            Err(error) => {
                tracing::debug!(model = step.model, ?error, "a call failed");
                permit.failed(error.next, Instant::now());
                reservation.fail(&error);
                return Err(error.into());
            }
        }
    }
    // The stream is closed before the account: what is not read any more is not waited for.
    drop(answer);
    permit.succeeded();
    reading.finish(reservation)
}

/// An answer while it is read.
struct Reading<'a> {
    cutter: Cutter,
    realign: Realign,
    /// Whom to tell what is read, where it is the text to insert as it stands; a chat may say other things before it.
    told: Option<(&'a Said, &'a str)>,
    finish: Finish,
    /// The logarithm of the probability of all that was read; `None` once a piece came without one.
    joint: Option<f32>,
    /// The probability below which the rest is left out, and whether it was.
    least: f32,
    is_unsure: bool,
}

impl<'a> Reading<'a> {
    fn new(input: CutInput, realign: Realign, least: f32, told: Option<(&'a Said, &'a str)>) -> Reading<'a> {
        let cutter = Cutter::new(input);
        Reading { cutter, realign, told, finish: Finish::Stop, joint: Some(0.0), least, is_unsure: false }
    }

    fn take(&mut self, chunk: Chunk) -> Progress {
        match chunk {
            Chunk::Text { text, logprob } => {
                let joint = self.joint.zip(logprob).map(|(joint, logprob)| joint + logprob);
                if joint.is_some_and(|joint| joint.exp() < self.least) {
                    (self.finish, self.is_unsure) = (Finish::CutOff, true);
                    return Progress::Done;
                }
                self.joint = joint;
                let text = self.realign.push(&text);
                if let Some((said, model)) = self.told {
                    said.push(model, text);
                }
                self.cutter.push(text)
            }
            Chunk::Usage(_) | Chunk::Limits(_) => Progress::More,
            Chunk::Finish(reason) => {
                self.finish = match reason {
                    FinishReason::Stop => Finish::Stop,
                    FinishReason::Length => Finish::Length,
                    // What a filter left is no completion.
                    FinishReason::Filtered | FinishReason::Other => Finish::CutOff,
                };
                Progress::More
            }
        }
    }

    fn finish(self, reservation: Reservation) -> Result<Success, Failure> {
        let (call, truncated) = (reservation.id(), reservation.is_truncated());
        match self.cutter.finish(self.finish) {
            Ok(cut) => {
                reservation.settle(None);
                Ok(Success { cut, probability: self.joint.map(f32::exp), call, truncated })
            }
            Err(_) if self.is_unsure => {
                reservation.settle(Some("unsure"));
                Err(Failure::Unsure)
            }
            Err(rejection) => {
                reservation.settle(Some(rejection.name()));
                Err(Failure::Rejected(rejection))
            }
        }
    }
}

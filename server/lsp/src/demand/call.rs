//! One call for a task on demand: reserved in the ledger before it is sent, read to its end, and settled with what became of its answer. It leaves
//! choosing models, and judging the answer, to `job`.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use pennyworth_core::caps::Caps;
use pennyworth_core::models::Model;
use pennyworth_core::prompt::Body;
use pennyworth_core::route::Step;
use pennyworth_core::task::Task;
use pennyworth_providers::{Chunk, ProviderError, Request, Timeouts};
use serde_json::Value;

use crate::ledger::{self, CallId, Entry, Refused, Reservation, Slot};
use crate::models::Providers;
use crate::models::health::{Permit, account};
use crate::models::keys::KeyError;

/// Longest silence within an answer.
const SILENCE: Duration = Duration::from_secs(30);
/// Most bytes of an answer, whatever its ceiling.
const MOST: usize = 1 << 20;

/// What a call needs.
pub(super) struct Terms<'a> {
    pub(super) task: Task,
    pub(super) language: &'a str,
    pub(super) step: &'a Step,
    pub(super) model: &'a Model,
    pub(super) body: Body,
    pub(super) schema: Option<Value>,
    pub(super) caps: Caps,
    pub(super) generation: u64,
    pub(super) cache_key: String,
    pub(super) deadline: Duration,
}

/// An answer that was read to its end, and is not settled yet.
pub(super) struct Said<'a> {
    pub(super) text: String,
    pub(super) is_truncated: bool,
    reservation: Reservation,
    permit: Permit<'a>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    /// Its provider rests after failures.
    #[error("its provider fails")]
    Resting,
    /// There is no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Another user listens at the address of a model that was found.
    #[error("another user of this machine (number {0}) now listens at its address")]
    Stranger(u32),
    /// The ledger refused the call.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The provider failed after the call was reserved, and may bill it.
    #[error("{error}")]
    Provider {
        /// What it was.
        error: ProviderError,
        /// The call's row.
        call: CallId,
    },
}

impl Failed {
    /// The call's row, if it got so far.
    pub(super) fn call(&self) -> Option<CallId> {
        match self {
            Failed::Provider { call, .. } => Some(*call),
            _ => None,
        }
    }
}

impl Said<'_> {
    /// The call's row.
    pub(super) fn id(&self) -> CallId {
        self.reservation.id()
    }

    /// Settles the call. `why` says in a word why its answer counts for nothing, if so.
    pub(super) fn settle(self, why: Option<&str>) {
        self.permit.succeeded();
        self.reservation.settle(why);
    }
}

/// Calls a model. `heard` receives the characters that have come so far.
pub(super) async fn call<'a>(
    providers: &'a Providers,
    ledger: &Slot,
    terms: Terms<'a>,
    heard: &(dyn Fn(usize) + Sync),
) -> Result<Said<'a>, Failed> {
    let Terms { task, language, step, model, body, schema, caps, generation, cache_key, deadline } = terms;
    let client = providers.client.as_ref().ok_or(Failed::Resting)?;
    let (provider, until) = (ledger::provider(model), Instant::now() + deadline);
    let account = account(provider, model);
    let permit = providers.health.begin(generation, &account, &model.name, Instant::now()).ok_or(Failed::Resting)?;
    if let Some(user) = providers.found.stranger_at(model).await {
        return Err(Failed::Stranger(user));
    }
    let key = providers.keys.of(model).await?;
    let opened = tokio::time::timeout_at(until.into(), ledger.opened()).await;
    let ledger = opened.map_err(|_| Refused::Unwritten("it is not open yet".into()))?;
    let entry = Entry::on_demand((task, language), step, model, deadline);
    let mut reservation = ledger.reserve(entry, Some(caps)).await?;
    providers.allowances.take(provider, u64::from(step.prompt_tokens) + u64::from(step.max_tokens));
    let mut answer = client.ask(Request {
        model: model.clone(),
        key,
        body,
        prompt_tokens: step.prompt_tokens,
        max_tokens: step.max_tokens,
        stops: Vec::new(),
        temperature: 0.0,
        schema,
        cache_key: Some(cache_key),
        timeouts: Timeouts { first_byte: deadline, silence: SILENCE, total: deadline },
    });
    let (mut text, mut failure) = (String::new(), None);
    while let Some(chunk) = answer.next().await {
        match chunk {
            Ok(Chunk::Limits(limits)) => providers.allowances.update(provider, limits, Instant::now()),
            Ok(chunk) => {
                reservation.heard(&chunk);
                if let Chunk::Text { text: more, .. } = chunk {
                    text.push_str(&more);
                    heard(text.chars().count());
                }
            }
            Err(error) => {
                failure = Some(error);
                break;
            }
        }
        if text.len() > MOST {
            break;
        }
    }
    drop(answer);
    match failure {
        None => {
            let is_truncated = reservation.is_truncated() || text.len() > MOST;
            Ok(Said { text, is_truncated, reservation, permit })
        }
        Some(error) => {
            permit.failed(error.next, Instant::now());
            let call = reservation.id();
            reservation.fail(&error);
            Err(Failed::Provider { error, call })
        }
    }
}

//! What a provider says of a batch, in one form for all. It leaves reading it from JSON to each provider's file.

use pennyworth_core::money::Money;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::chunk::Usage;
use crate::error::ProviderError;
use crate::heard::Heard;
use crate::openai;

/// A batch as its provider describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// The provider's name for it.
    pub id: String,
    /// How far it is.
    pub state: BatchState,
    /// How many requests are answered, as far as the provider tells. All may stay 0 until the end.
    pub counts: Option<BatchCounts>,
    /// The tokens of all its requests, if told.
    pub usage: Option<Usage>,
    /// Our name for it, where the provider keeps one.
    pub name: Option<String>,
    /// The uploaded file with its requests, where there is one.
    pub file: Option<String>,
    /// When it was created, in seconds since 1970.
    pub created: Option<u64>,
    /// Why it failed as a whole, if it did.
    pub error: Option<ProviderError>,
}

/// How far a batch is. Only in those states that are over it has results, and then in each of them it may have some.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// The provider has it and has not begun.
    Pending,
    /// The provider works on it. A state that nobody knows yet counts as this one.
    Running,
    /// It was cancelled, and requests that run may still be answered.
    Cancelling,
    /// It is over, and no request failed.
    Done,
    /// It is over, and some requests have no answer.
    Partly,
    /// It is over, and no request has an answer.
    Failed,
    /// Its time is over. Requests that were answered before have their answers.
    Expired,
    /// It was cancelled. Requests that were answered before have their answers.
    Cancelled,
}

impl BatchState {
    /// Whether nothing will change any more.
    pub fn is_over(self) -> bool {
        !matches!(self, BatchState::Pending | BatchState::Running | BatchState::Cancelling)
    }

    /// The state of a batch that ran to its end, by its counts. Counts of 0 tell nothing.
    pub(crate) fn ended(counts: Option<BatchCounts>) -> BatchState {
        match counts {
            Some(BatchCounts { succeeded: 0, failed: 1.., .. }) => BatchState::Failed,
            Some(BatchCounts { failed: 1.., .. }) => BatchState::Partly,
            _ => BatchState::Done,
        }
    }
}

/// Numbers of requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BatchCounts {
    /// All requests.
    pub total: u64,
    /// Those with an answer.
    pub succeeded: u64,
    /// Those that ended without an answer.
    pub failed: u64,
}

impl Batch {
    /// A batch of which nothing is known but its state.
    pub(crate) fn new(id: &str, state: BatchState) -> Batch {
        let id = id.to_owned();
        Batch { id, state, counts: None, usage: None, name: None, file: None, created: None, error: None }
    }

    /// The same without the charge of a provider whose charges are not believed.
    pub(crate) fn with_charges(mut self, charges: bool) -> Batch {
        if let Some(usage) = self.usage.as_mut().filter(|_| !charges) {
            usage.charged = None;
        }
        self
    }
}

/// The text in a field.
pub(crate) fn text(value: &Value, at: &str) -> Option<String> {
    value.pointer(at)?.as_str().map(str::to_owned)
}

/// The number in a field, which some providers write as a text; 0 without one.
pub(crate) fn number(value: &Value, at: &str) -> u64 {
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.parse().ok());
    value.pointer(at).and_then(number).unwrap_or(0)
}

/// The moment in a field, in seconds since 1970: a number or a date.
pub(crate) fn moment(value: &Value, at: &str) -> Option<u64> {
    let value = value.pointer(at)?;
    let date = || u64::try_from(OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()?.unix_timestamp()).ok();
    value.as_u64().or_else(date)
}

/// The error in a field; `None` if there is none.
pub(crate) fn error(value: &Value, at: &str) -> Option<ProviderError> {
    let error = value.pointer(at).filter(|error| !error.is_null())?;
    Some(ProviderError::in_stream(&json!({ "error": error })))
}

/// The tokens of all requests, under the names of each copy of OpenAI's API; `None` if nothing was counted yet.
pub(crate) fn usage(value: &Value) -> Option<Usage> {
    let mut heard = Heard::default();
    openai::account(&mut heard, value.pointer("/usage").filter(|usage| usage.is_object())?);
    let (input, output) = (heard.input.unwrap_or_default(), heard.output.unwrap_or_default());
    let is_told = input.all > 0 || output.all > 0 || heard.charged.is_some_and(|charged| charged > Money::ZERO);
    is_told.then_some(Usage {
        input: input.all,
        cached: input.cached,
        written: input.written,
        output: output.all,
        reasoning: output.reasoning,
        charged: heard.charged,
        estimated: heard.input.is_none() || heard.output.is_none(),
        input_is_guessed: heard.input.is_none(),
    })
}

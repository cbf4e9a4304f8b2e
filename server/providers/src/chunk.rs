//! The chunks of an answer: text, usage and the reason for its end. It leaves reading them from bytes to `answer`.

use pennyworth_core::models::Price;
use pennyworth_core::money::Money;

use crate::limits::Limits;

/// A piece of an answer. A whole answer has at most one `Limits`, any number of `Text` and `Usage`, of which the last `Usage` counts, and
/// one `Finish`. A broken answer ends with an error instead of `Finish`.
#[derive(Clone, Debug, PartialEq)]
pub enum Chunk {
    /// What the provider still allows, if its headers say so.
    Limits(Limits),
    /// The next text.
    Text {
        /// The text.
        text: String,
        /// Its log-probability, if the provider sends it.
        logprob: Option<f32>,
    },
    /// The usage so far; it replaces the one before.
    Usage(Usage),
    /// Why the answer ended.
    Finish(FinishReason),
}

/// Tokens of a call. `input` includes `cached` and `written`; `output` includes `reasoning`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input.
    pub input: u64,
    /// Input read from the provider's cache.
    pub cached: u64,
    /// Input written to the provider's cache.
    pub written: u64,
    /// All output.
    pub output: u64,
    /// Hidden output.
    pub reasoning: u64,
    /// The charge that the provider reports, if any.
    pub charged: Option<Money>,
    /// Whether these are our own estimates, because the provider sent no final counts.
    pub estimated: bool,
    /// Whether the provider has not counted the input, so that `cached` and `written` are unknown.
    pub input_is_guessed: bool,
}

impl Usage {
    /// Whether these can be the counts of a call with this many estimated tokens of input and this output ceiling: an estimate is off by less than ten
    /// times, and no model writes ten times its ceiling.
    pub fn is_plausible(&self, prompt_tokens: u32, max_tokens: u32) -> bool {
        let most = |expected: u32| 10 * u64::from(expected) + 10_000;
        self.input <= most(prompt_tokens) && self.output <= most(max_tokens)
    }

    /// The cost: the provider's charge, else the price of the tokens.
    pub fn cost(&self, price: &Price) -> Money {
        self.charged.unwrap_or_else(|| price.cost(self.input, self.cached, self.written, self.output))
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model was done, or a stop text came.
    Stop,
    /// The token ceiling.
    Length,
    /// The provider's filter, which may have cut the answer off.
    Filtered,
    /// Something else, or the provider did not say.
    Other,
}

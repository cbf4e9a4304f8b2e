//! The standing of a model: its health, its outcomes, its speed and its limits, and what they make expect of a call. It leaves measuring them to the
//! caller.

use serde::Serialize;

use crate::models::{AbortBilled, Price};
use crate::money::Money;
use crate::read_on::{self, ReadOn};
use crate::wait;

/// Shown completions that weigh as much as the prior.
const PRIOR_WEIGHT: f64 = 20.0;
/// Share of the ceiling that an answer uses where an abort stops billing: half, the middle, as long as the ledger does not say.
const USED: f64 = 0.5;

/// The current standing of a model.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// Whether it may be tried: its provider's breaker is not open.
    pub healthy: bool,
    /// Its completions shown for this task and language; older ones count less.
    pub shown: f64,
    /// Those of them that were accepted, with the same weights.
    pub accepted: f64,
    /// Share of its input lately read from the provider's cache, 0 to 1.
    pub cached_share: f64,
    /// Lines from behind the first line of its answers that were shown lately.
    pub lines_shown: f64,
    /// Those of them that were taken.
    pub lines_taken: f64,
    /// Lines that it wrote lately, and their tokens as its provider counts them.
    pub lines_written: f64,
    /// The tokens of these lines.
    pub tokens_written: f64,
    /// Usual TTFT in milliseconds; `None` until it has answered.
    pub wait_ms: Option<u32>,
    /// The milliseconds within which nine of ten of its answers begin, as far as is known; `None` if nothing is, or if it does not answer.
    pub needs_ms: Option<u32>,
    /// The rest of its provider's rate limits.
    pub allowance: Allowance,
    /// Tokens of prompt and answer together that it takes by its own word, in the estimate of its row; `None` if its row is right.
    pub context: Option<u32>,
}

/// The rest of a provider's rate limits; `None` if it does not report one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Requests.
    pub requests: Option<u64>,
    /// Tokens of prompts and answers together.
    pub tokens: Option<u64>,
}

impl Allowance {
    /// Whether a call with this many tokens is allowed.
    pub fn covers(&self, tokens: u64) -> bool {
        self.requests.is_none_or(|left| left > 0) && self.tokens.is_none_or(|left| left >= tokens)
    }
}

impl Default for Standing {
    fn default() -> Standing {
        Standing {
            healthy: true,
            shown: 0.0,
            accepted: 0.0,
            cached_share: 0.0,
            lines_shown: 0.0,
            lines_taken: 0.0,
            lines_written: 0.0,
            tokens_written: 0.0,
            wait_ms: None,
            needs_ms: None,
            allowance: Allowance::default(),
            context: None,
        }
    }
}

impl Standing {
    /// The expected cost of a call with this prompt and ceiling.
    pub fn expected_cost(&self, price: &Price, aborts: AbortBilled, prompt_tokens: u32, max_tokens: u32) -> Money {
        let cached = f64::from(prompt_tokens) * self.cached_share.clamp(0.0, 1.0);
        // Where aborts are billed, an answer cut early costs its whole length.
        let used = if aborts == AbortBilled::No { USED } else { 1.0 };
        let output = f64::from(max_tokens) * used;
        price.cost(prompt_tokens.into(), cached as u64, 0, output.ceil() as u64)
    }

    /// How far its answer is read on where it is shown line by line.
    pub(super) fn read_on(&self, price: &Price, prompt_tokens: u32, worth: Money) -> ReadOn {
        let prompt = self.expected_cost(price, AbortBilled::No, prompt_tokens, 0);
        let again = prompt + wait::worth_of(self.wait_ms, worth);
        let wanted = read_on::wanted(self.lines_shown, self.lines_taken);
        let line_tokens = read_on::line_tokens(self.lines_written, self.tokens_written);
        let lines = read_on::lines(again, price, prompt_tokens, wanted, line_tokens);
        ReadOn { lines, line_tokens, wanted }
    }

    /// The probability that its completion is accepted: a Beta distribution over earlier outcomes, which begins with what is expected of such a model.
    pub fn acceptance(&self, prior: f64) -> Acceptance {
        let weight = self.shown + PRIOR_WEIGHT;
        let mean = (self.accepted.min(self.shown) + prior * PRIOR_WEIGHT) / weight;
        Acceptance { mean, deviation: (mean * (1.0 - mean) / (weight + 1.0)).sqrt() }
    }
}

/// The probability that a completion is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Acceptance {
    /// Its mean, 0 to 1.
    pub mean: f64,
    /// Its standard deviation: the less is known, the larger.
    pub deviation: f64,
}

impl Acceptance {
    /// An optimistic estimate: two standard deviations above the mean.
    pub(super) fn at_best(&self) -> f64 {
        (self.mean + 2.0 * self.deviation).min(1.0)
    }
}

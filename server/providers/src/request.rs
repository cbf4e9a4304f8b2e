//! A request to a model. It leaves its form on the wire to the protocol's file.

use std::fmt;
use std::time::Duration;

use pennyworth_core::models::Model;
use pennyworth_core::prompt::Body;
use pennyworth_core::tokens;
use secrecy::SecretString;
use serde_json::{Value, json};

/// One call. `Debug` shows no text of the prompt, no key, and no address, which may hold a password.
#[derive(Clone)]
pub struct Request {
    /// The model's row.
    pub model: Model,
    /// The key, for models that need one.
    pub key: Option<SecretString>,
    /// The prompt in the model's form.
    pub body: Body,
    /// Estimated tokens of the prompt; they count as the input of a call without a bill.
    pub prompt_tokens: u32,
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// Stop texts, within the provider's limit.
    pub stops: Vec<String>,
    /// How much the answer may stray from the likeliest text, from 0 (not at all) to about 1.
    pub temperature: f32,
    /// The JSON Schema of the answer, where one is wanted; a provider that has no such thing leaves it out.
    pub schema: Option<Value>,
    /// A name for prompts that begin alike; it reveals nothing of their text.
    pub cache_key: Option<String>,
    /// When to give up.
    pub timeouts: Timeouts,
}

impl Request {
    /// The temperature as a number without the noise of its last digits.
    pub(crate) fn temperature(&self) -> Value {
        match self.temperature > 0.0 {
            true => json!((f64::from(self.temperature) * 100.0).round() / 100.0),
            false => json!(0),
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Request { model, prompt_tokens, max_tokens, timeouts, .. } = self;
        let mut shown = f.debug_struct("Request");
        shown.field("model", &model.name).field("prompt_tokens", prompt_tokens).field("max_tokens", max_tokens);
        shown.field("timeouts", timeouts).finish_non_exhaustive()
    }
}

/// Times after which a call is given up. Connecting has its own timeout, in `client`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the call to the first event of the answer.
    pub first_byte: Duration,
    /// From one piece of the answer to the next.
    pub silence: Duration,
    /// From the call to the end of the answer.
    pub total: Duration,
}

/// Whether to mark the part of a chat that keystrokes do not change for the provider's cache: it must be long enough to be cached.
pub(crate) fn is_marked(model: &Model, system: &str, shared: &str) -> bool {
    let count = |text: &str| tokens::estimate(text, model.chars_per_token);
    let is_enough = |least: u32| count(system) + count(shared) >= least;
    model.cache_marks && !shared.is_empty() && model.cache_min.is_some_and(is_enough)
}

//! How Pennyworth speaks to models: a request in, a stream of chunks out. One file per wire protocol; a new one is a file and an arm in `wire`.
//! It decides nothing: prompt, ceiling, stops and deadlines come with the request, and an error says what to do next. It never asks twice
//! for what may have been billed.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use pennyworth_core::models::{Model, Price, Protocol};
use pennyworth_core::money::Money;
use pennyworth_core::prompt::Body;
pub use secrecy::SecretString;

mod answer;
mod anthropic;
mod call;
mod client;
mod error;
mod frames;
mod gemini;
mod limits;
mod list;
mod llamacpp;
mod ollama;
mod openai;
mod quirks;
mod replay;
mod tgi;
mod wire;

pub use answer::{Expected, decode};
pub use client::Client;
pub use error::{Kind, Next, ProviderError};
pub use limits::{Bucket, Limits};
pub use list::Listed;
pub use wire::warms_with;

/// One call. `Debug` shows no text of the prompt and no key.
#[derive(Clone, Debug)]
pub struct Request {
    /// The model's row.
    pub model: Model,
    /// The key, for models that need one.
    pub key: Option<SecretString>,
    /// The prompt in the model's form.
    pub body: Body,
    /// Estimated tokens of the prompt; what a call without a bill is taken to have cost.
    pub prompt_tokens: u32,
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// Texts that end the answer, in the provider's limit.
    pub stops: Vec<String>,
    /// A name for prompts that begin alike; it says nothing about what they are.
    pub cache_key: Option<String>,
    /// Times after which the call is given up.
    pub timeouts: Timeouts,
}

/// Times after which a call is given up. Connecting has its own, in [`Client`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the call to the first event of the answer.
    pub first_byte: Duration,
    /// From one piece of the answer to the next.
    pub silence: Duration,
    /// From the call to the end of the answer.
    pub total: Duration,
}

/// A piece of an answer. A whole answer is at most one `Limits`, any number of `Text` and `Usage`, of which the last holds, and one `Finish`; a broken one ends with
/// an error instead of `Finish`.
#[derive(Clone, Debug, PartialEq)]
pub enum Chunk {
    /// What the provider still allows, where its headers say it.
    Limits(Limits),
    /// Text as it is written.
    Text {
        /// The text.
        text: String,
        /// The logarithm of its probability, where the provider says it.
        logprob: Option<f32>,
    },
    /// What the call cost so far, in place of what was said before.
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
    /// What the provider says it charges, where it does.
    pub charged: Option<Money>,
    /// Whether these are our own estimates, because the provider sent none.
    pub estimated: bool,
}

impl Usage {
    /// What it cost: the provider's word, else the price of its tokens.
    pub fn cost(&self, price: &Price) -> Money {
        self.charged.unwrap_or_else(|| price.cost(self.input, self.cached, self.written, self.output))
    }
}

/// Why an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// The model had said all, or a stop text came.
    Stop,
    /// The ceiling.
    Length,
    /// The provider's filter; there is no completion.
    Filtered,
    /// Something else, or the provider did not say.
    Other,
}

/// An answer as it comes. Dropping it closes the connection.
pub type Answer = BoxStream<'static, Result<Chunk, ProviderError>>;

impl Client {
    /// Asks a model. Nothing is sent before the answer is first polled, and nothing is sent again once it could have been billed.
    pub fn ask(&self, request: Request) -> Answer {
        match request.model.protocol {
            Protocol::Replay => replay::ask(request).boxed(),
            _ => call::ask(self.clone(), request).boxed(),
        }
    }

    /// Opens a connection to the provider that the next call will find open. It sends neither key nor code, and does not fail.
    pub async fn connect(&self, model: &Model) {
        if model.protocol != Protocol::Replay {
            call::connect(self, model).await;
        }
    }

    /// Whether the provider answers and takes the key, without asking for a completion; it also opens the connection that the next call uses.
    pub async fn probe(&self, model: &Model, key: Option<&SecretString>) -> Result<(), ProviderError> {
        match model.protocol {
            Protocol::Replay => replay::probe(model).await,
            _ => call::probe(self, model, key).await,
        }
    }
}

//! How Pennyworth calls models: a request in, a stream of chunks out. One file per wire protocol; a new one is a file and an arm in `protocols`.
//! It decides nothing: prompt, ceiling, stops and deadlines come with the request, and an error says what to do next. It never repeats
//! a call that may have been billed.

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use pennyworth_core::models::Model;
pub use secrecy::SecretString;

mod answer;
mod anthropic;
mod batch;
mod call;
mod charged;
mod chunk;
mod client;
mod connections;
mod error;
mod forwarders;
mod frames;
mod gemini;
mod heard;
mod limits;
mod list;
mod llamacpp;
mod ollama;
mod openai;
mod protocols;
mod proxy;
mod quirks;
mod refusal;
mod request;
mod tgi;
mod thoughts;
mod whereabouts;
mod wire;

pub use answer::{Expected, decode};
pub use batch::{
    Batch, BatchCounts, BatchEnd, BatchResult, BatchResults, BatchState, BatchTimeouts, Batches, Found, Sought,
    Uploaded, decode_batch,
};
pub use charged::{Account, Charged};
pub use chunk::{Chunk, FinishReason, Usage};
pub use client::{Client, install_crypto};
pub use error::{Kind, Lengths, Next, Pace, ProviderError};
pub use limits::{Bucket, Limits};
pub use list::Listed;
pub use protocols::warms_with;
pub use proxy::{Proxy, ProxyFault};
pub use request::{Request, Timeouts};

/// An answer as a stream. Dropping it closes the connection.
pub type Answer = BoxStream<'static, Result<Chunk, ProviderError>>;

impl Client {
    /// Calls a model. It sends nothing before the answer is first polled, and never repeats a request that may have been billed.
    pub fn ask(&self, request: Request) -> Answer {
        call::ask(self.clone(), request).boxed()
    }

    /// Opens a connection to the provider for the next call. It sends neither key nor code, and does not fail.
    pub async fn connect(&self, model: &Model) {
        call::connect(self, model).await;
    }

    /// Makes sure that a model whose code must stay on this machine runs here, as far as its server tells. It sends no code.
    pub async fn runs_here(&self, model: &Model) -> Result<(), ProviderError> {
        let checked = tokio::time::timeout(call::PROBE, whereabouts::check(self, model)).await;
        checked.map_err(|_| ProviderError::new(Kind::FirstByte))?
    }

    /// Checks that the provider answers and accepts the key, without asking for a completion. It also opens a connection for the next call.
    pub async fn probe(&self, model: &Model, key: Option<&SecretString>) -> Result<(), ProviderError> {
        call::probe(self, model, key).await
    }
}

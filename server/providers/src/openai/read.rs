//! From the bytes of an answer to its chunks: any split of the bytes gives the same chunks, and an answer that was cut off is never taken for whole.
//! It leaves opening the stream and its deadlines to `openai`.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use pennyworth_core::tokens;
use serde_json::Value;

use crate::error::{Kind, ProviderError};
use crate::sse::{Fault, Sse};
use crate::{Chunk, FinishReason, Request, Usage};

/// How long the end of the connection is waited for after the last event, so that the connection can serve the next call.
const DRAIN: Duration = Duration::from_millis(20);

/// What the call was expected to be, for the account of an answer that brings no bill.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// Estimated tokens of the prompt.
    pub prompt_tokens: u32,
    /// Characters per token of the model.
    pub chars_per_token: f32,
}

impl Expected {
    /// From the request.
    pub fn of(request: &Request) -> Expected {
        Expected { prompt_tokens: request.prompt_tokens, chars_per_token: request.model.chars_per_token }
    }
}

/// The chunks of an answer's bytes. After an error nothing follows; once text has come, an account comes before the error.
pub fn decode<S, B>(bytes: S, expected: Expected) -> impl Stream<Item = Result<Chunk, ProviderError>> + Send
where
    S: Stream<Item = Result<B, ProviderError>> + Send + Unpin,
    B: AsRef<[u8]> + Send,
{
    stream::unfold((bytes, Reader::new(expected)), |(mut bytes, mut reader)| async move {
        loop {
            if let Some(chunk) = reader.ready.pop_front() {
                return Some((chunk, (bytes, reader)));
            }
            if reader.over {
                return None;
            }
            match bytes.next().await {
                Some(Ok(piece)) => reader.piece(piece.as_ref()),
                Some(Err(error)) => reader.fail(error),
                None => reader.end(),
            }
            if reader.done {
                // Best effort: what comes after the end is of no interest.
                let _ = tokio::time::timeout(DRAIN, async { while let Some(Ok(_)) = bytes.next().await {} }).await;
            }
        }
    })
}

struct Reader {
    sse: Sse,
    expected: Expected,
    ready: VecDeque<Result<Chunk, ProviderError>>,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
    /// Frames with text, and their estimated tokens.
    frames: u64,
    written: String,
    /// `[DONE]` came.
    done: bool,
    over: bool,
}

impl Reader {
    fn new(expected: Expected) -> Reader {
        Reader {
            sse: Sse::default(),
            expected,
            ready: VecDeque::new(),
            usage: None,
            finish: None,
            frames: 0,
            written: String::new(),
            done: false,
            over: false,
        }
    }

    fn piece(&mut self, piece: &[u8]) {
        let mut events = Vec::new();
        let read = self.sse.push(piece, &mut events);
        for event in events {
            match self.event(&event) {
                Ok(()) if self.done => return self.close(),
                Ok(()) => {}
                Err(error) => return self.fail(error),
            }
        }
        if let Err(fault) = read {
            self.fail(fault.into());
        }
    }

    /// The bytes ended.
    fn end(&mut self) {
        let last = match self.sse.finish() {
            Ok(last) => last,
            Err(fault) => return self.fail(fault.into()),
        };
        // What the end cut in two is a cut-off answer, not a malformed one.
        let last = last.filter(|last| last == "[DONE]" || serde_json::from_str::<Value>(last).is_ok());
        if let Some(Err(error)) = last.map(|last| self.event(&last)) {
            return self.fail(error);
        }
        match self.done || self.finish.is_some() {
            true => self.close(),
            false => self.fail(ProviderError::new(Kind::CutOff)),
        }
    }

    /// The answer is whole.
    fn close(&mut self) {
        let usage = self.account();
        self.ready.push_back(Ok(Chunk::Usage(usage)));
        self.ready.push_back(Ok(Chunk::Finish(self.finish.unwrap_or(FinishReason::Other))));
        self.over = true;
    }

    fn fail(&mut self, error: ProviderError) {
        if self.frames > 0 || self.usage.is_some() {
            let usage = self.account();
            self.ready.push_back(Ok(Chunk::Usage(usage)));
        }
        self.ready.push_back(Err(error));
        self.over = true;
    }

    /// The provider's bill, else our estimate: a frame holds at least one token.
    fn account(&self) -> Usage {
        let output = u64::from(tokens::estimate(&self.written, self.expected.chars_per_token)).max(self.frames);
        let estimate = Usage { input: self.expected.prompt_tokens.into(), output, estimated: true, ..Usage::default() };
        self.usage.unwrap_or(estimate)
    }

    fn event(&mut self, data: &str) -> Result<(), ProviderError> {
        if data.trim() == "[DONE]" {
            self.done = true;
            return Ok(());
        }
        if data.trim().is_empty() {
            return Ok(());
        }
        let frame: Value = serde_json::from_str(data).map_err(|_| ProviderError::new(Kind::Malformed))?;
        if frame.get("error").is_some_and(|error| !error.is_null()) {
            return Err(ProviderError::in_stream(&frame));
        }
        // Groq sends the bill under a name of its own.
        let bill = frame.get("usage").filter(|usage| usage.is_object()).or_else(|| frame.pointer("/x_groq/usage"));
        if let Some(usage) = bill.and_then(usage) {
            self.usage = Some(usage);
        }
        let choices = frame.get("choices").and_then(Value::as_array).into_iter().flatten();
        let first = |choice: &&Value| choice.get("index").is_none_or(|index| index.is_null() || index == 0);
        for choice in choices.filter(first) {
            self.choice(choice)?;
        }
        Ok(())
    }

    fn choice(&mut self, choice: &Value) -> Result<(), ProviderError> {
        if let Some(text) = text(choice).filter(|text| !text.is_empty()) {
            self.frames += 1;
            self.written.push_str(&text);
            self.ready.push_back(Ok(Chunk::Text { text, logprob: logprob(choice) }));
        }
        self.finish = match choice.get("finish_reason").and_then(Value::as_str) {
            None => self.finish,
            Some("stop" | "eos" | "eos_token" | "stop_sequence") => Some(FinishReason::Stop),
            Some("length" | "max_tokens") => Some(FinishReason::Length),
            Some("content_filter") => Some(FinishReason::Filtered),
            Some("error") => return Err(ProviderError::new(Kind::Server)),
            Some(_) => Some(FinishReason::Other),
        };
        Ok(())
    }
}

/// The text of a choice, wherever the copy of the API puts it; parts of a content list are joined.
fn text(choice: &Value) -> Option<String> {
    let content = ["/text", "/delta/content", "/message/content"]
        .iter()
        .find_map(|at| choice.pointer(at).filter(|text| !text.is_null()))?;
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => Some(parts.iter().filter_map(|part| part.get("text")?.as_str()).collect()),
        _ => None,
    }
}

/// The joint log-probability of a choice's tokens, in either form of the API.
fn logprob(choice: &Value) -> Option<f32> {
    let logprobs = choice.get("logprobs")?;
    let old =
        || logprobs.get("token_logprobs")?.as_array().map(|all| all.iter().map(Value::as_f64).collect::<Vec<_>>());
    let new = || {
        logprobs.get("content")?.as_array().map(|all| all.iter().map(|token| token.get("logprob")?.as_f64()).collect())
    };
    let each = old().or_else(new).filter(|each| !each.is_empty())?;
    // A token without a probability says nothing about the whole.
    let sum: Option<f64> = each.into_iter().sum();
    sum.map(|sum| sum.min(0.0) as f32)
}

/// A bill, under the names of each copy of the API. Without any count it is none.
fn usage(bill: &Value) -> Option<Usage> {
    let count = |paths: &[&str]| paths.iter().find_map(|path| bill.pointer(path).and_then(Value::as_u64));
    let input = count(&["/prompt_tokens", "/input_tokens"]);
    let output = count(&["/completion_tokens", "/output_tokens"]);
    if input.is_none() && output.is_none() {
        return None;
    }
    Some(Usage {
        input: input.unwrap_or(0),
        cached: count(&["/prompt_tokens_details/cached_tokens", "/prompt_cache_hit_tokens", "/cached_input_tokens"])
            .unwrap_or(0),
        written: count(&["/prompt_tokens_details/cache_write_tokens"]).unwrap_or(0),
        output: output.unwrap_or(0),
        reasoning: count(&["/completion_tokens_details/reasoning_tokens", "/reasoning_tokens"]).unwrap_or(0),
        estimated: false,
    })
}

impl From<Fault> for ProviderError {
    fn from(fault: Fault) -> ProviderError {
        ProviderError::new(match fault {
            Fault::TooLarge => Kind::TooLarge,
            Fault::NotUtf8 => Kind::Malformed,
        })
    }
}

//! From the bytes of an answer to its chunks: any split of the bytes gives the same chunks, and an answer that was cut off is never taken for whole.
//! It leaves what a frame means to the protocol's file, and opening the stream and its deadlines to `call`.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use pennyworth_core::models::{Model, Protocol};
use pennyworth_core::money::Money;
use pennyworth_core::tokens;
use serde_json::Value;

use crate::error::{Kind, ProviderError};
use crate::frames::{Fault, Frames};
use crate::wire::{Wire, wire};
use crate::{Chunk, FinishReason, Request, Usage};

/// How long the end of the connection is waited for after the last event, so that the connection can serve the next call.
const DRAIN: Duration = Duration::from_millis(20);

/// What follows the last frame where a protocol says so.
const OVER: &str = "[DONE]";

/// What the call was expected to be, for the account of an answer that brings no bill.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// Estimated tokens of the prompt.
    pub prompt_tokens: u32,
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// Characters per token of the model.
    pub chars_per_token: f32,
    /// Whether what the provider says it charges is taken for the truth.
    pub charges: bool,
    /// What a header of a whole answer says it charged; the account inside the answer goes before it.
    pub charged: Option<Money>,
}

impl Expected {
    /// From the request.
    pub fn of(request: &Request) -> Expected {
        let Model { chars_per_token, charges, .. } = request.model;
        let Request { prompt_tokens, max_tokens, .. } = *request;
        Expected { prompt_tokens, max_tokens, chars_per_token, charges, charged: None }
    }
}

/// The chunks of an answer's bytes. After an error nothing follows; once text has come, an account comes before the error.
pub fn decode<S, B>(
    protocol: Protocol,
    bytes: S,
    expected: Expected,
) -> impl Stream<Item = Result<Chunk, ProviderError>> + Send
where
    S: Stream<Item = Result<B, ProviderError>> + Send + Unpin,
    B: AsRef<[u8]> + Send,
{
    stream::unfold((bytes, Reader::new(wire(protocol), expected)), |(mut bytes, mut reader)| async move {
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
            if reader.heard.done {
                // Best effort: what comes after the end is of no interest.
                let _ = tokio::time::timeout(DRAIN, async { while let Some(Ok(_)) = bytes.next().await {} }).await;
            }
        }
    })
}

/// What the frames of an answer have said so far; protocols write it, frame by frame.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Texts since the last frame, with the logarithms of their probabilities.
    texts: Vec<(String, Option<f32>)>,
    /// The provider's count of the input.
    pub(crate) input: Option<Input>,
    /// The provider's count of the output; a later one replaces it.
    pub(crate) output: Option<Output>,
    /// What the provider says it charges for the call.
    pub(crate) charged: Option<Money>,
    /// Why the answer ended.
    pub(crate) finish: Option<FinishReason>,
    /// Nothing more will come.
    pub(crate) done: bool,
}

/// Input tokens; `all` includes the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) all: u64,
    pub(crate) cached: u64,
    pub(crate) written: u64,
}

/// Output tokens; `all` includes the hidden ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) all: u64,
    pub(crate) reasoning: u64,
}

impl Heard {
    /// Text came.
    pub(crate) fn text(&mut self, text: String, logprob: Option<f32>) {
        if !text.is_empty() {
            self.texts.push((text, logprob));
        }
    }
}

struct Reader {
    wire: &'static Wire,
    frames: Frames,
    expected: Expected,
    heard: Heard,
    ready: VecDeque<Result<Chunk, ProviderError>>,
    /// Pieces of text, and what they say: an estimate of the output where no count comes.
    pieces: u64,
    written: String,
    /// The provider's counts that were passed on already.
    told: (Option<Input>, Option<Output>),
    over: bool,
}

impl Reader {
    fn new(wire: &'static Wire, expected: Expected) -> Reader {
        Reader {
            wire,
            frames: Frames::new(wire.framing),
            expected,
            heard: Heard::default(),
            ready: VecDeque::new(),
            pieces: 0,
            written: String::new(),
            told: (None, None),
            over: false,
        }
    }

    fn piece(&mut self, piece: &[u8]) {
        let mut frames = Vec::new();
        let read = self.frames.push(piece, &mut frames);
        for frame in frames {
            match self.frame(&frame) {
                Ok(()) if self.heard.done => return self.close(),
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
        let last = match self.frames.finish() {
            Ok(last) => last,
            Err(fault) => return self.fail(fault.into()),
        };
        // What the end cut in two is a cut-off answer, not a malformed one.
        let last = last.filter(|last| last == OVER || serde_json::from_str::<Value>(last).is_ok());
        if let Some(Err(error)) = last.map(|last| self.frame(&last)) {
            return self.fail(error);
        }
        match self.heard.done || self.heard.finish.is_some() {
            true => self.close(),
            false => self.fail(ProviderError::new(Kind::CutOff)),
        }
    }

    /// The answer is whole.
    fn close(&mut self) {
        let usage = self.account();
        self.ready.push_back(Ok(Chunk::Usage(usage)));
        self.ready.push_back(Ok(Chunk::Finish(self.heard.finish.unwrap_or(FinishReason::Other))));
        self.over = true;
    }

    fn fail(&mut self, error: ProviderError) {
        if self.pieces > 0 || self.heard.input.is_some() || self.heard.output.is_some() {
            let usage = self.account();
            self.ready.push_back(Ok(Chunk::Usage(usage)));
        }
        self.ready.push_back(Err(error));
        self.over = true;
    }

    /// The provider's counts, else our estimates: a piece holds at least one token.
    fn account(&self) -> Usage {
        let Heard { input, output, charged, .. } = self.heard;
        let estimated = input.is_none() || output.is_none();
        let input = input.unwrap_or(Input { all: self.expected.prompt_tokens.into(), ..Input::default() });
        let output = output.unwrap_or_else(|| {
            let all = u64::from(tokens::estimate(&self.written, self.expected.chars_per_token)).max(self.pieces);
            Output { all: all.min(self.expected.max_tokens.into()), ..Output::default() }
        });
        Usage {
            input: input.all,
            cached: input.cached,
            written: input.written,
            output: output.all,
            reasoning: output.reasoning,
            charged: charged.or(self.expected.charged).filter(|_| self.expected.charges),
            estimated,
        }
    }

    fn frame(&mut self, data: &str) -> Result<(), ProviderError> {
        if data.trim() == OVER {
            self.heard.done = true;
            return Ok(());
        }
        if data.trim().is_empty() {
            return Ok(());
        }
        let frame: Value = serde_json::from_str(data).map_err(|_| ProviderError::new(Kind::Malformed))?;
        if frame.get("error").is_some_and(|error| !error.is_null()) {
            return Err(ProviderError::in_stream(&frame));
        }
        let read = (self.wire.read)(&mut self.heard, &frame);
        for (text, logprob) in self.heard.texts.drain(..) {
            self.pieces += 1;
            self.written.push_str(&text);
            self.ready.push_back(Ok(Chunk::Text { text, logprob }));
        }
        self.tell();
        read
    }

    /// Passes on counts that came before the end, for an answer that nobody reads to its end. They are no bill yet.
    fn tell(&mut self) {
        let counts = (self.heard.input, self.heard.output);
        if counts != self.told && !self.heard.done {
            self.told = counts;
            self.ready.push_back(Ok(Chunk::Usage(Usage { estimated: true, ..self.account() })));
        }
    }
}

/// The joint log-probability of a list of tokens. A token without a probability says nothing about the whole.
pub(crate) fn joint(tokens: Option<&Value>) -> Option<f32> {
    let tokens = tokens?.as_array().filter(|tokens| !tokens.is_empty())?;
    let sum: Option<f64> = tokens.iter().map(|token| token.get("logprob")?.as_f64()).sum();
    sum.map(|sum| sum.min(0.0) as f32)
}

/// The count under the first of these paths that has one.
pub(crate) fn count(bill: &Value, paths: &[&str]) -> Option<u64> {
    paths.iter().find_map(|path| bill.pointer(path).and_then(Value::as_u64))
}

impl From<Fault> for ProviderError {
    fn from(fault: Fault) -> ProviderError {
        ProviderError::new(match fault {
            Fault::TooLarge => Kind::TooLarge,
            Fault::NotUtf8 => Kind::Malformed,
        })
    }
}

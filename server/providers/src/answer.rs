//! Decodes the bytes of an answer into chunks. Any split of the bytes gives the same chunks, and a cut-off answer never counts as whole.
//! It leaves the meaning of a frame to the protocol's file, and the stream and its deadlines to `call`.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use pennyworth_core::models::{Model, Protocol};
use pennyworth_core::money::Money;
use pennyworth_core::tokens;
use serde_json::Value;

use crate::chunk::{Chunk, FinishReason, Usage};
use crate::error::{Kind, ProviderError};
use crate::frames::{Fault, Frames};
use crate::heard::{Heard, Input, Output};
use crate::protocols::wire;
use crate::request::Request;
use crate::thoughts::Thoughts;
use crate::whereabouts;
use crate::wire::Wire;

/// Longest wait for the end of the body after the last event, so that the next call can reuse the connection.
const DRAIN: Duration = Duration::from_millis(20);
/// Longest wait for the bill after an error inside the stream.
const BILL: Duration = Duration::from_millis(100);
/// Most bytes of text for each token of the ceiling, and besides: a model that writes more does not keep to its ceiling.
const BYTES_PER_TOKEN: usize = 32;
const MORE_BYTES: usize = 1024;

/// Longest wait for what follows the reason for an answer's end: its counts, and the marker after the last frame. The text is whole by then.
const AFTER_FINISH: Duration = Duration::from_millis(200);

/// The marker after the last frame, in protocols that send one.
const OVER: &str = "[DONE]";

/// What a call was planned to use, for the usage of an answer without counts.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// Estimated tokens of the prompt.
    pub prompt_tokens: u32,
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// Characters per token of the model.
    pub chars_per_token: f32,
    /// Whether to believe the charge that the provider reports.
    pub charges: bool,
    /// The charge in a header of an answer that is not streamed; a charge inside the answer takes precedence.
    pub charged: Option<Money>,
}

impl Expected {
    /// Takes the values from a request.
    pub fn of(request: &Request) -> Expected {
        let Model { chars_per_token, charges, .. } = request.model;
        let Request { prompt_tokens, max_tokens, .. } = *request;
        Expected { prompt_tokens, max_tokens, chars_per_token, charges, charged: None }
    }
}

/// Decodes an answer's bytes into chunks. Nothing follows an error; a `Usage` precedes it if text or counts have come.
pub fn decode<S, B>(
    protocol: Protocol,
    bytes: S,
    expected: Expected,
) -> impl Stream<Item = Result<Chunk, ProviderError>> + Send
where
    S: Stream<Item = Result<B, ProviderError>> + Send + Unpin,
    B: AsRef<[u8]> + Send,
{
    decode_from(protocol, bytes, expected, false)
}

/// The same; if the code must stay here, an answer that another machine wrote is an error.
pub(crate) fn decode_from<S, B>(
    protocol: Protocol,
    bytes: S,
    expected: Expected,
    stays_here: bool,
) -> impl Stream<Item = Result<Chunk, ProviderError>> + Send
where
    S: Stream<Item = Result<B, ProviderError>> + Send + Unpin,
    B: AsRef<[u8]> + Send,
{
    let reader = Reader { stays_here, ..Reader::new(wire(protocol), expected) };
    stream::unfold((bytes, reader), |(mut bytes, mut reader)| async move {
        loop {
            if let Some(chunk) = reader.ready.pop_front() {
                return Some((chunk, (bytes, reader)));
            }
            if reader.over {
                return None;
            }
            let next = match reader.heard.finish {
                Some(_) => tokio::time::timeout(AFTER_FINISH, bytes.next()).await.unwrap_or(None),
                None => bytes.next().await,
            };
            match next {
                Some(Ok(piece)) => reader.piece(piece.as_ref()),
                // Nothing of the text is missing.
                Some(Err(_)) if reader.heard.finish.is_some() => reader.close(),
                Some(Err(error)) => reader.fail(error),
                None => reader.end(),
            }
            if let Some(error) = reader.broken.take() {
                let rest = async {
                    while !reader.heard.done
                        && let Some(Ok(piece)) = bytes.next().await
                    {
                        reader.bill(piece.as_ref());
                    }
                };
                // Without a bill the cost is estimated.
                let _ = tokio::time::timeout(BILL, rest).await;
                reader.fail(error);
            } else if reader.heard.done {
                // Best effort: nothing after the end matters.
                let _ = tokio::time::timeout(DRAIN, async { while let Some(Ok(_)) = bytes.next().await {} }).await;
            }
        }
    })
}

/// The bill in the body of a refusal, if it has one.
pub(crate) fn bill(wire: &'static Wire, expected: Expected, refusal: &Value) -> Option<Usage> {
    let mut reader = Reader::new(wire, expected);
    reader.count(&refusal.to_string());
    reader.bill_so_far()
}

/// Reads a whole answer that came otherwise than as a stream.
pub(crate) fn whole(wire: &'static Wire, expected: Expected, answer: &Value) -> Vec<Result<Chunk, ProviderError>> {
    let mut reader = Reader::new(wire, expected);
    match reader.frame(&answer.to_string()) {
        Ok(()) => reader.end(),
        Err(error) => reader.fail(error),
    }
    reader.ready.into()
}

struct Reader {
    wire: &'static Wire,
    frames: Frames,
    expected: Expected,
    heard: Heard,
    ready: VecDeque<Result<Chunk, ProviderError>>,
    /// Number and text of the pieces: they give an estimate of the output where no count comes.
    pieces: u64,
    written: String,
    thoughts: Thoughts,
    /// An error that came in a frame. Only counts are read after it.
    broken: Option<ProviderError>,
    /// The provider's counts that were already passed on.
    told: (Option<Input>, Option<Output>),
    /// Whether the code that was sent must stay on this machine.
    stays_here: bool,
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
            thoughts: Thoughts::default(),
            broken: None,
            told: (None, None),
            stays_here: false,
            over: false,
        }
    }

    fn piece(&mut self, piece: &[u8]) {
        let mut frames = Vec::new();
        let read = self.frames.push(piece, &mut frames);
        let mut frames = frames.into_iter();
        while let Some(frame) = frames.next() {
            match self.frame(&frame) {
                Ok(()) if self.heard.done => return self.close(),
                Ok(()) => {}
                Err(error) => return self.break_off(error, frames),
            }
        }
        if let Err(fault) = read {
            self.give_up(fault.into());
        }
    }

    /// The rest cannot be read. Behind the reason for the end nothing of the text is missing.
    fn give_up(&mut self, error: ProviderError) {
        match self.heard.finish {
            Some(_) => self.close(),
            None => self.fail(error),
        }
    }

    /// An error came in a frame. What follows may still say what was billed.
    fn break_off(&mut self, error: ProviderError, rest: impl Iterator<Item = String>) {
        if error.kind == Kind::Malformed {
            return self.give_up(error);
        }
        self.heard.done = false;
        rest.for_each(|frame| self.count(&frame));
        self.broken = Some(error);
    }

    /// Reads counts from a piece after an error.
    fn bill(&mut self, piece: &[u8]) {
        let mut frames = Vec::new();
        // Whatever is wrong with it, there was an error before.
        let broken = self.frames.push(piece, &mut frames).is_err();
        frames.iter().for_each(|frame| self.count(frame));
        self.heard.done |= broken;
    }

    /// Reads counts from a frame after an error.
    fn count(&mut self, data: &str) {
        if data.trim() == OVER {
            self.heard.done = true;
        } else if let Ok(frame) = serde_json::from_str::<Value>(data) {
            let _ = (self.wire.read)(&mut self.heard, &with_bill(frame));
            self.heard.texts.clear();
        }
    }

    /// The bytes ended.
    fn end(&mut self) {
        let last = match self.frames.finish() {
            Ok(last) => last,
            Err(fault) => return self.give_up(fault.into()),
        };
        // A last frame that is not JSON means a cut-off answer, not a malformed one.
        let last = last.filter(|last| last == OVER || serde_json::from_str::<Value>(last).is_ok());
        if let Some(Err(error)) = last.map(|last| self.frame(&last)) {
            return self.fail(error);
        }
        if let Some(error) = self.broken.take() {
            return self.fail(error);
        }
        match self.heard.done || self.heard.finish.is_some() {
            true => self.close(),
            false => self.fail(ProviderError::new(Kind::CutOff)),
        }
    }

    /// The answer is whole.
    fn close(&mut self) {
        let held = self.thoughts.end();
        self.show(held);
        let usage = self.account();
        self.ready.push_back(Ok(Chunk::Usage(usage)));
        self.ready.push_back(match self.only_thought(&usage) {
            true => Err(ProviderError::new(Kind::Thought)),
            false => Ok(Chunk::Finish(self.heard.finish.unwrap_or(FinishReason::Other))),
        });
        self.over = true;
    }

    /// Whether the ceiling ended the answer before any text of it but blanks: all tokens were thoughts. Some providers bill thoughts and do not
    /// tell of them, so billed tokens without any text are thoughts, too; one token may be a part of a character.
    fn only_thought(&self, usage: &Usage) -> bool {
        let is_silent = self.written.trim().is_empty() && (usage.reasoning > 0 || self.heard.thought);
        let is_hidden = self.written.is_empty() && !usage.estimated && usage.output > 1;
        self.heard.finish == Some(FinishReason::Length) && (self.thoughts.is_inside() || is_silent || is_hidden)
    }

    fn fail(&mut self, error: ProviderError) {
        let held = self.thoughts.end();
        self.show(held);
        if let Some(usage) = self.bill_so_far() {
            self.ready.push_back(Ok(Chunk::Usage(usage)));
        }
        self.ready.push_back(Err(error));
        self.over = true;
    }

    /// The usage if text, counts or a charge have come.
    fn bill_so_far(&self) -> Option<Usage> {
        let is_charged = self.heard.charged.is_some() && self.expected.charges;
        let has_bill = self.pieces > 0 || is_charged || self.heard.input.is_some() || self.heard.output.is_some();
        has_bill.then(|| self.account())
    }

    /// The provider's counts, else our estimates. A piece holds at least one token.
    fn account(&self) -> Usage {
        let Heard { input, output, charged, .. } = self.heard;
        let (estimated, input_is_guessed) = (input.is_none() || output.is_none(), input.is_none());
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
            input_is_guessed,
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
            let error = ProviderError::in_stream(&frame);
            self.count(data);
            return Err(error);
        }
        if self.stays_here
            && let Some(place) = whereabouts::elsewhere(&frame)
        {
            return Err(whereabouts::error(Some(&place)));
        }
        let read = (self.wire.read)(&mut self.heard, &frame);
        for (text, logprob) in std::mem::take(&mut self.heard.texts) {
            self.text(text, logprob);
        }
        self.tell();
        read
    }

    /// Passes on a text, up to the most that the ceiling allows. An answer that goes on ends there.
    fn text(&mut self, mut text: String, logprob: Option<f32>) {
        let most = self.expected.max_tokens as usize * BYTES_PER_TOKEN + MORE_BYTES;
        let room = most.saturating_sub(self.written.len());
        if text.len() > room {
            let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
            (self.heard.finish, self.heard.done) = (Some(FinishReason::Length), true);
        }
        if !text.is_empty() {
            self.pieces += 1;
            self.written.push_str(&text);
            let answer = self.thoughts.push((text, logprob));
            self.show(answer);
        }
    }

    fn show(&mut self, answer: Vec<(String, Option<f32>)>) {
        self.ready.extend(answer.into_iter().map(|(text, logprob)| Ok(Chunk::Text { text, logprob })));
    }

    /// Passes on counts that came before the end, in case the caller drops the answer. They are no bill yet.
    fn tell(&mut self) {
        let counts = (self.heard.input, self.heard.output);
        if counts != self.told && !self.heard.done {
            self.told = counts;
            self.ready.push_back(Ok(Chunk::Usage(Usage { estimated: true, ..self.account() })));
        }
    }
}

/// A frame with the bill that stands inside its error, if it has none of its own.
fn with_bill(mut frame: Value) -> Value {
    for name in ["usage", "usageMetadata", "timings"] {
        let inner = ["/error", "/error/metadata"].iter().find_map(|at| frame.pointer(at)?.get(name).cloned());
        if let (Some(bill), Some(fields)) = (inner, frame.as_object_mut()) {
            fields.entry(name).or_insert(bill);
        }
    }
    frame
}

impl From<Fault> for ProviderError {
    fn from(fault: Fault) -> ProviderError {
        ProviderError::new(match fault {
            Fault::TooLarge => Kind::TooLarge,
            Fault::NotUtf8 => Kind::Malformed,
        })
    }
}

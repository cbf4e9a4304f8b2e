//! Gathers the results of a batch by their own ids, in any order. Results that come twice, or for requests that nobody sent, do no harm.
//! It leaves fetching them to `caller`, and their form to each provider's file.

use std::collections::BTreeMap;

use pennyworth_core::models::{BatchProtocol, Protocol};
use serde_json::Value;

use super::state::{Batch, BatchState};
use super::wire::{BatchWire, LineEnd};
use crate::answer::{self, Expected};
use crate::chunk::{Chunk, FinishReason, Usage};
use crate::error::{Kind, ProviderError};
use crate::protocols::wire;

/// The results of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchResults {
    /// The batch itself. While it is not over it has no results.
    pub batch: Batch,
    /// What came for each request, by its own id.
    pub results: BTreeMap<String, BatchResult>,
    /// The requests for which nothing came.
    pub missing: Vec<String>,
    /// Results for requests that nobody sent. If all are, it is another batch.
    pub unknown: usize,
    /// Results for requests that had one already.
    pub repeated: usize,
    /// Lines that say nothing, such as one that was cut off.
    pub unreadable: usize,
    /// Paths of what the provider still holds of it: prompts and answers. [`Batches::remove`](super::Batches::remove) takes them.
    pub kept: Vec<String>,
    /// Why reading ended early. What is missing may come if it is asked for again.
    pub broken: Option<ProviderError>,
}

impl BatchResults {
    /// Why what is missing may come if it is asked for again; `None` if it will not. Reading ended early, lines say nothing (a page of a firewall
    /// that calls itself a file, a file that was cut off), fewer answers came than were counted, or nothing at all came of a batch that ran to its
    /// end.
    pub fn doubt(&self) -> Option<ProviderError> {
        let has_run = matches!(self.batch.state, BatchState::Done | BatchState::Partly);
        let answers = self.results.values().filter(|result| matches!(result.end, BatchEnd::Finish(_))).count();
        let counted = self.batch.counts.map_or(0, |counts| counts.succeeded);
        let is_odd = self.unreadable > 0
            || has_run && self.results.is_empty()
            || usize::try_from(counted).is_ok_and(|all| answers < all);
        let malformed = || is_odd.then(|| ProviderError::new(Kind::Malformed));
        if self.missing.is_empty() { None } else { self.broken.clone().or_else(malformed) }
    }
}

/// What came for one request.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchResult {
    /// The answer in pieces with their logprobs, if the provider reports these; also one that did not end well.
    pub pieces: Vec<(String, Option<f32>)>,
    /// What it used; `None` if nothing was told. Requests that failed, expired or were cancelled are not billed unless it says so.
    pub usage: Option<Usage>,
    /// How it ended.
    pub end: BatchEnd,
}

impl BatchResult {
    /// One without an answer.
    pub fn without(end: BatchEnd) -> BatchResult {
        BatchResult { pieces: Vec::new(), usage: None, end }
    }

    /// The text of the answer.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|(text, _)| text.as_str()).collect()
    }
}

/// How one request of a batch ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchEnd {
    /// With an answer.
    Finish(FinishReason),
    /// With an error.
    Error(ProviderError),
    /// The batch's time was over before it.
    Expired,
    /// The batch was cancelled before it.
    Cancelled,
}

/// Results so far.
pub(crate) struct Gathered<'a> {
    api: &'static BatchWire,
    protocol: Protocol,
    expected: &'a BTreeMap<String, Expected>,
    found: BatchResults,
}

impl<'a> Gathered<'a> {
    /// Before the first result of a batch.
    pub(crate) fn new(
        api: &'static BatchWire,
        protocol: BatchProtocol,
        batch: Batch,
        expected: &'a BTreeMap<String, Expected>,
    ) -> Gathered<'a> {
        let found = BatchResults {
            batch,
            results: BTreeMap::new(),
            missing: Vec::new(),
            unknown: 0,
            repeated: 0,
            unreadable: 0,
            kept: Vec::new(),
            broken: None,
        };
        Gathered { api, protocol: protocol.carries(), expected, found }
    }

    /// With what the provider holds of it.
    pub(crate) fn kept(mut self, kept: Vec<String>) -> Gathered<'a> {
        self.found.kept = kept;
        self
    }

    /// Takes a line of a file; `None` stands for one that is too long.
    pub(crate) fn line(&mut self, line: Option<&[u8]>) {
        match line.and_then(|line| serde_json::from_slice(line).ok()) {
            Some(value) => self.value(&value),
            None => self.found.unreadable += 1,
        }
    }

    /// Takes a result. An answer replaces an error; otherwise the first result counts.
    pub(crate) fn value(&mut self, value: &Value) {
        let Some(line) = (self.api.line)(value) else {
            self.found.unreadable += 1;
            return;
        };
        let Some(expected) = self.expected.get(&line.custom_id) else {
            self.found.unknown += 1;
            return;
        };
        let is_answer = |result: &BatchResult| matches!(result.end, BatchEnd::Finish(_));
        let result = read(self.protocol, *expected, line.end);
        let old = self.found.results.get(&line.custom_id);
        self.found.repeated += usize::from(old.is_some());
        if old.is_none_or(|old| !is_answer(old) && is_answer(&result)) {
            self.found.results.insert(line.custom_id, result);
        }
    }

    /// Remembers the first reason why reading ended early.
    pub(crate) fn broke(&mut self, error: ProviderError) {
        self.found.broken.get_or_insert(error);
    }

    /// All of it, with what is missing.
    pub(crate) fn finish(mut self) -> BatchResults {
        let missing = self.expected.keys().filter(|id| !self.found.results.contains_key(*id));
        self.found.missing = missing.cloned().collect();
        self.found
    }
}

fn read(protocol: Protocol, expected: Expected, end: LineEnd) -> BatchResult {
    match end {
        LineEnd::Answer(answer) => answered(protocol, expected, &answer),
        LineEnd::Error(error, body) => {
            let usage = answer::bill(wire(protocol), expected, &body);
            BatchResult { usage, ..BatchResult::without(BatchEnd::Error(error)) }
        }
        LineEnd::Expired => BatchResult::without(BatchEnd::Expired),
        LineEnd::Cancelled => BatchResult::without(BatchEnd::Cancelled),
    }
}

/// An answer, as it is read from a server that does not stream.
fn answered(protocol: Protocol, expected: Expected, answer: &Value) -> BatchResult {
    let mut result = BatchResult::without(BatchEnd::Error(ProviderError::new(Kind::CutOff)));
    for chunk in answer::whole(wire(protocol), expected, answer) {
        match chunk {
            Ok(Chunk::Text { text, logprob }) => result.pieces.push((text, logprob)),
            Ok(Chunk::Usage(usage)) => result.usage = Some(usage),
            Ok(Chunk::Finish(reason)) => result.end = BatchEnd::Finish(reason),
            Ok(Chunk::Limits(_)) => {}
            Err(error) => result.end = BatchEnd::Error(error),
        }
    }
    result
}

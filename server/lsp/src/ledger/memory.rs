//! What the ledger taught, kept at hand so that planning a request never waits for a file: acceptance, how sure a model may be taken to be,
//! accepted lengths, waits, calibration and cache hits. Read once at the start and brought up to date with each row this process writes; what other servers of the user write is
//! seen at the next start. It leaves reading and writing rows to `store`.

use std::collections::{HashMap, VecDeque};

use pennyworth_core::budget::Feedback;
use pennyworth_core::confidence::{Bin, Confidence, Fate};
use pennyworth_core::route::Standing;
use pennyworth_core::task::Task;
use pennyworth_core::tokens::Calibration;

/// Accepted lengths that are remembered for a task and language.
const LENGTHS: usize = 200;
/// The share of the cached and all input that one more call leaves.
const MEMORY: f64 = 0.9;

/// Time in which what was accepted comes to count for half: habits and models change.
const HALF_LIFE_MS: f64 = 30.0 * 24.0 * 3600.0 * 1000.0;
/// The share of what was shown and accepted before that one more suggestion leaves, so that a few hundred decide.
const ANOTHER: f64 = 0.995;
/// Answers of known fate that are remembered for a model.
const FATES: usize = 500;
/// Waits that are remembered for a model.
const WAITS: usize = 32;
/// Waits from which one is the usual.
const FEW_WAITS: usize = 3;
/// Calls in a row that were over before a model said anything, from which on it is taken to need longer.
const FEW_MISSES: u32 = 3;
/// How long it is taken to, in milliseconds; doubled with each further miss, up to an hour.
const MISSED_MS: i64 = 60_000;

/// What is at hand.
#[derive(Debug, Default)]
pub(super) struct Memory {
    acceptance: HashMap<(Task, String, String), Acceptance>,
    lengths: HashMap<(Task, String), VecDeque<Length>>,
    models: HashMap<String, Learned>,
}

/// Suggestions shown and accepted, weighed by their age at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct Acceptance {
    shown: f64,
    accepted: f64,
    at_ms: i64,
}

impl Acceptance {
    fn at(self, now_ms: i64) -> Acceptance {
        let age = now_ms.saturating_sub(self.at_ms).max(0) as f64;
        let left = 0.5_f64.powf(age / HALF_LIFE_MS);
        Acceptance { shown: self.shown * left, accepted: self.accepted * left, at_ms: now_ms.max(self.at_ms) }
    }
}

/// The length of an accepted answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length {
    pub(super) tokens: u32,
    pub(super) truncated: bool,
}

#[derive(Clone, Debug, Default)]
struct Learned {
    calibration: Calibration,
    cached: f64,
    input: f64,
    /// Milliseconds to the first text of its last answers.
    waits: VecDeque<u32>,
    missed: Missed,
    fates: VecDeque<Fate>,
    confidence: Confidence,
}

/// Calls in a row that were over before the model said anything.
#[derive(Clone, Copy, Debug, Default)]
struct Missed {
    calls: u32,
    /// Milliseconds that the longest of them had.
    ms: u32,
    at_ms: i64,
}

impl Learned {
    /// Milliseconds to its first text, usually; where its last calls were all too short for that, more than they had.
    fn wait_ms(&self, now_ms: i64) -> Option<u32> {
        let (usual, Missed { calls, ms, at_ms }) = (usual(&self.waits), self.missed);
        let Some(more) = calls.checked_sub(FEW_MISSES) else { return usual };
        let holds = now_ms.saturating_sub(at_ms) < MISSED_MS << more.min(6);
        if holds { Some(usual.unwrap_or(0).max(ms.saturating_add(1))) } else { usual }
    }
}

/// What is known of a model for a task and language.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// What was asked for.
    pub task: Task,
    /// The language's name.
    pub language: String,
    /// The model's name.
    pub model: String,
    /// As the router sees it.
    pub standing: Standing,
}

/// How sure a model may be taken to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Sureness {
    /// The model's name.
    pub model: String,
    /// What is made of its own probabilities.
    pub confidence: Confidence,
    /// What it said and what was so.
    pub bins: Vec<Bin>,
}

impl Memory {
    pub(super) fn shown(&mut self, task: Task, language: &str, model: &str, now_ms: i64) {
        let acceptance = self.acceptance_mut(task, language, model);
        *acceptance = acceptance.at(now_ms);
        acceptance.shown = acceptance.shown * ANOTHER + 1.0;
        acceptance.accepted *= ANOTHER;
    }

    pub(super) fn accepted(&mut self, task: Task, language: &str, model: &str) {
        self.acceptance_mut(task, language, model).accepted += 1.0;
    }

    fn acceptance_mut(&mut self, task: Task, language: &str, model: &str) -> &mut Acceptance {
        self.acceptance.entry((task, language.to_owned(), model.to_owned())).or_default()
    }

    fn model_mut(&mut self, model: &str) -> &mut Learned {
        self.models.entry(model.to_owned()).or_default()
    }

    pub(super) fn length(&mut self, task: Task, language: &str, length: Length) {
        remember(self.lengths.entry((task, language.to_owned())).or_default(), length, LENGTHS);
    }

    /// A bill of the provider's own: the estimate of its input before calibration, all of its input, and what was cached of it.
    pub(super) fn billed(&mut self, model: &str, plain_tokens: u32, input: u64, cached: u64) {
        let learned = self.model_mut(model);
        learned.calibration.learn(plain_tokens, input);
        learned.cached = learned.cached * MEMORY + cached.min(input) as f64;
        learned.input = learned.input * MEMORY + input as f64;
    }

    /// A model began to answer after so long.
    pub(super) fn waited(&mut self, model: &str, ms: u32) {
        let learned = self.model_mut(model);
        remember(&mut learned.waits, ms, WAITS);
        learned.missed = Missed::default();
    }

    /// A call that had so long was over before a model said anything.
    pub(super) fn missed(&mut self, model: &str, ms: u32, now_ms: i64) {
        let missed = &mut self.model_mut(model).missed;
        *missed = Missed { calls: missed.calls.saturating_add(1), ms: missed.ms.max(ms), at_ms: now_ms };
    }

    /// An answer turned out right or wrong.
    pub(super) fn fate(&mut self, model: &str, fate: Fate) {
        remember(&mut self.model_mut(model).fates, fate, FATES);
    }

    /// The fates of a model's answers, for working out what its probabilities mean, which takes too long to be done under a lock.
    pub(super) fn fates(&self, model: &str) -> VecDeque<Fate> {
        self.models.get(model).map(|learned| learned.fates.clone()).unwrap_or_default()
    }

    /// What a model's probabilities mean.
    pub(super) fn is_as_sure(&mut self, model: &str, confidence: Confidence) {
        self.model_mut(model).confidence = confidence;
    }

    /// Works that out for all models.
    pub(super) fn fit_all(&mut self) {
        for learned in self.models.values_mut() {
            learned.confidence = Confidence::fitted(learned.fates.iter());
        }
    }

    pub(super) fn confidence(&self, model: &str) -> Confidence {
        self.models.get(model).map(|learned| learned.confidence).unwrap_or_default()
    }

    pub(super) fn calibration(&self, model: &str) -> Calibration {
        self.models.get(model).map(|learned| learned.calibration).unwrap_or_default()
    }

    pub(super) fn standing(&self, task: Task, language: &str, model: &str, now_ms: i64) -> Standing {
        let acceptance = self.acceptance.get(&(task, language.to_owned(), model.to_owned()));
        let Acceptance { shown, accepted, .. } = acceptance.copied().unwrap_or_default().at(now_ms);
        let Some(learned) = self.models.get(model) else { return Standing { shown, accepted, ..Standing::default() } };
        let cached_share = if learned.input > 0.0 { learned.cached / learned.input } else { 0.0 };
        Standing { shown, accepted, cached_share, wait_ms: learned.wait_ms(now_ms), ..Standing::default() }
    }

    /// All that is known for a task and language, in their order.
    pub(super) fn known(&self, now_ms: i64) -> Vec<Known> {
        let known = |(task, language, model): &(Task, String, String)| {
            let standing = self.standing(*task, language, model, now_ms);
            Known { task: *task, language: language.clone(), model: model.clone(), standing }
        };
        let mut all: Vec<Known> = self.acceptance.keys().map(known).collect();
        all.sort_by(|a, b| (a.task, &a.language, &a.model).cmp(&(b.task, &b.language, &b.model)));
        all
    }

    /// How sure each model may be taken to be whose answers' fates are known, by name.
    pub(super) fn sureness(&self) -> Vec<Sureness> {
        let sureness = |(model, learned): (&String, &Learned)| Sureness {
            model: model.clone(),
            confidence: learned.confidence,
            bins: learned.confidence.bins(learned.fates.iter()),
        };
        let mut all: Vec<Sureness> =
            self.models.iter().filter(|(_, learned)| !learned.fates.is_empty()).map(sureness).collect();
        all.sort_by(|a, b| a.model.cmp(&b.model));
        all
    }

    pub(super) fn feedback(&self, task: Task, language: &str) -> Option<Feedback> {
        let lengths = self.lengths.get(&(task, language.to_owned()))?;
        let mut tokens: Vec<_> = lengths.iter().map(|length| length.tokens).collect();
        tokens.sort_unstable();
        let ninth = (tokens.len() * 9).div_ceil(10).checked_sub(1)?;
        let truncated = lengths.iter().filter(|length| length.truncated).count();
        Some(Feedback {
            accepted: tokens.len() as u32,
            tokens_p90: tokens.get(ninth).copied()?,
            truncated: truncated as f32 / tokens.len() as f32,
        })
    }
}

/// One more; the oldest goes where there are too many.
fn remember<T>(all: &mut VecDeque<T>, one: T, most: usize) {
    if all.len() >= most {
        all.pop_front();
    }
    all.push_back(one);
}

/// The median, once there are a few.
fn usual(waits: &VecDeque<u32>) -> Option<u32> {
    let mut waits: Vec<u32> = waits.iter().copied().collect();
    waits.sort_unstable();
    if waits.len() < FEW_WAITS { None } else { waits.get(waits.len() / 2).copied() }
}

//! What was learned from the ledger, held in memory so that planning a request never waits for a file: acceptance, confidence, accepted
//! lengths, further lines taken, waits, calibration of tokens and cache hits. It is read once at start and updated with each row this process writes. Rows of the
//! user's other servers count from the next start. It leaves reading and writing rows to `history` and `store`.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use pennyworth_core::budget::Feedback;
use pennyworth_core::confidence::{Bin, Confidence, Fate};
use pennyworth_core::route::Standing;
use pennyworth_core::task::Task;
use pennyworth_core::tokens::Calibration;
use pennyworth_core::uptake::Uptake;

/// Accepted lengths remembered per task and language.
const LENGTHS: usize = 200;
/// Weight that earlier input keeps with each further call, for the share of cached input.
const MEMORY: f64 = 0.9;

/// Half-life of acceptance: habits and models change.
const HALF_LIFE_MS: f64 = 30.0 * 24.0 * 3600.0 * 1000.0;
/// Weight that earlier suggestions keep with each further one, so that the last few hundred decide.
const ANOTHER: f64 = 0.995;
/// What an answer of a trial weighs beside a suggestion that a person decided about: a person takes more than what is wholly right, and reads it at
/// work and not afterwards.
const TRIED: f64 = 0.25;
/// Fates of answers remembered per model.
const FATES: usize = 500;
/// Waits remembered per model.
const WAITS: usize = 32;
/// Least number of waits for a median.
const FEW_WAITS: usize = 3;
/// Share of the waits remembered that a model needs: nine of ten answers began within it.
const NEEDED_SHARE: (usize, usize) = (9, 10);
/// Missed calls in a row after which a model is assumed to need twice as long as any of them was given. A call is missed if it took longer
/// than we wait.
const FEW_MISSES: u32 = 3;
/// How long that assumption holds, in milliseconds; it doubles with each further miss, up to about an hour.
const MISSED_MS: i64 = 60_000;

/// What was learned.
#[derive(Debug, Default)]
pub(super) struct Memory {
    acceptance: HashMap<(Task, String, String), AcceptanceCount>,
    lengths: HashMap<(Task, String), VecDeque<Length>>,
    models: HashMap<String, ModelMemory>,
}

/// Suggestions shown and accepted, and what was decided about them, weighted by their age at `at_ms`.
#[derive(Clone, Copy, Debug, Default)]
struct AcceptanceCount {
    shown: f64,
    accepted: f64,
    uptake: Uptake,
    at_ms: i64,
}

impl AcceptanceCount {
    fn at(self, now_ms: i64) -> AcceptanceCount {
        let age = now_ms.saturating_sub(self.at_ms).max(0) as f64;
        let left = 0.5_f64.powf(age / HALF_LIFE_MS);
        let Uptake { decided, taken } = self.uptake;
        AcceptanceCount {
            shown: self.shown * left,
            accepted: self.accepted * left,
            uptake: Uptake { decided: decided * left, taken: taken * left },
            at_ms: now_ms.max(self.at_ms),
        }
    }
}

/// The length of an accepted answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length {
    pub(super) tokens: u32,
    pub(super) truncated: bool,
}

#[derive(Clone, Debug, Default)]
struct ModelMemory {
    calibration: Calibration,
    cached: f64,
    written: f64,
    input: f64,
    /// Milliseconds to the first text of its latest answers.
    waits: VecDeque<u32>,
    missed: Missed,
    /// Further lines of its answers that the user decided about, and those of them that were taken or typed; older ones count less.
    lines_shown: f64,
    lines_taken: f64,
    /// Lines of its answered calls, and their tokens by the provider's count; older ones count less. A row does not hold them, so they begin anew
    /// with each server.
    lines_written: f64,
    tokens_written: f64,
    fates: VecDeque<Fate>,
    confidence: Confidence,
}

/// Calls in a row that took longer than we wait. Calls that were in flight together count once.
#[derive(Clone, Copy, Debug, Default)]
struct Missed {
    calls: u32,
    /// Milliseconds that the longest of them took.
    ms: u32,
    /// When the last one counted ended.
    at_ms: i64,
}

impl Missed {
    /// The milliseconds for which the model is still assumed to need twice as long; `None` if it is not.
    fn holds_ms(self, now_ms: i64) -> Option<i64> {
        let more = self.calls.checked_sub(FEW_MISSES)?;
        let left = (MISSED_MS << more.min(6)).saturating_sub(now_ms.saturating_sub(self.at_ms));
        (left > 0).then_some(left)
    }
}

/// Parts of the input, each from 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct InputShares {
    /// Read from the provider's cache.
    pub(super) cached: f64,
    /// Written to it.
    pub(super) written: f64,
}

impl ModelMemory {
    fn shares(&self) -> InputShares {
        let share = |part: f64| if self.input > 0.0 { part / self.input } else { 0.0 };
        InputShares { cached: share(self.cached), written: share(self.written) }
    }

    /// The usual milliseconds to the first text. After enough missed calls: more than those were given.
    fn wait_ms(&self, now_ms: i64) -> Option<u32> {
        let usual = usual(&self.waits);
        match self.missed.holds_ms(now_ms) {
            Some(_) => Some(usual.unwrap_or(0).max(self.missed.ms.saturating_mul(2))),
            None => usual,
        }
    }

    /// The milliseconds to give this model before another one is called besides it: so many that nine of ten answers begin, and more than
    /// the last call was given in vain. A model that keeps missing gets no more than others: it may be dead.
    fn needs_ms(&self) -> Option<u32> {
        let mut waits: Vec<u32> = self.waits.iter().copied().collect();
        waits.sort_unstable();
        let (share, of) = NEEDED_SHARE;
        let known = (waits.len() * share).div_ceil(of).checked_sub(1).and_then(|rank| waits.get(rank).copied());
        let missed = (1..FEW_MISSES).contains(&self.missed.calls).then(|| self.missed.ms.saturating_add(1));
        known.max(missed).filter(|_| self.missed.calls < FEW_MISSES)
    }
}

/// The standing of a model for a task and language.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownStanding {
    /// The task.
    pub task: Task,
    /// The language's name.
    pub language: String,
    /// The model's name.
    pub model: String,
    /// What the router knows of it.
    pub standing: Standing,
}

/// The calibration of a model's probabilities, with the data behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelConfidence {
    /// The model's name.
    pub model: String,
    /// The calibration.
    pub confidence: Confidence,
    /// Reported and actual probabilities.
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

    /// In a trial a model answered as the server would show it, and was wholly right or not. Nobody was shown it, so it says nothing of what the user
    /// wants.
    pub(super) fn tried(&mut self, (task, language, model): (Task, &str, &str), is_right: bool, at_ms: i64) {
        let acceptance = self.acceptance_mut(task, language, model);
        *acceptance = acceptance.at(at_ms);
        // What is older than what is known weighs less already.
        let late = acceptance.at_ms.saturating_sub(at_ms) as f64;
        let weight = TRIED * 0.5_f64.powf(late / HALF_LIFE_MS);
        acceptance.shown += weight;
        acceptance.accepted += weight * f64::from(u8::from(is_right));
    }

    /// The user decided about a suggestion: for the first time or once more, and now took or typed it or did not.
    pub(super) fn decided(
        &mut self,
        (task, language, model): (Task, &str, &str),
        (is_first, is_taken): (bool, bool),
        now_ms: i64,
    ) {
        let acceptance = self.acceptance_mut(task, language, model);
        *acceptance = acceptance.at(now_ms);
        let Uptake { decided, taken } = &mut acceptance.uptake;
        if is_first {
            *decided = *decided * ANOTHER + 1.0;
            *taken *= ANOTHER;
        }
        *taken += f64::from(u8::from(is_taken));
    }

    fn acceptance_mut(&mut self, task: Task, language: &str, model: &str) -> &mut AcceptanceCount {
        self.acceptance.entry((task, language.to_owned(), model.to_owned())).or_default()
    }

    fn model_mut(&mut self, model: &str) -> &mut ModelMemory {
        self.models.entry(model.to_owned()).or_default()
    }

    pub(super) fn length(&mut self, task: Task, language: &str, length: Length) {
        remember(self.lengths.entry((task, language.to_owned())).or_default(), length, LENGTHS);
    }

    /// Learns from a provider's bill: the input estimated before calibration, the input billed, and the parts of it that were read from the
    /// provider's cache and written to it.
    pub(super) fn billed(&mut self, model: &str, plain_tokens: u32, input: u64, (cached, written): (u64, u64)) {
        let learned = self.model_mut(model);
        learned.calibration.learn(plain_tokens, input);
        learned.cached = learned.cached * MEMORY + cached.min(input) as f64;
        learned.written = learned.written * MEMORY + written.min(input) as f64;
        learned.input = learned.input * MEMORY + input as f64;
    }

    /// A model wrote so many lines, for which its provider counted so many tokens.
    pub(super) fn wrote(&mut self, model: &str, lines: u32, tokens: u64) {
        let learned = self.model_mut(model);
        learned.lines_written = learned.lines_written * MEMORY + f64::from(lines);
        learned.tokens_written = learned.tokens_written * MEMORY + tokens as f64;
    }

    /// A model sent its first text after `ms`.
    pub(super) fn waited(&mut self, model: &str, ms: u32) {
        let learned = self.model_mut(model);
        remember(&mut learned.waits, ms, WAITS);
        learned.missed = Missed::default();
    }

    /// A call was given up at `ended_ms`, after `ms`, before anything whole had come.
    pub(super) fn missed(&mut self, model: &str, ms: u32, ended_ms: i64) {
        let Missed { calls, ms: most, at_ms } = self.model_mut(model).missed;
        let was_in_flight = calls > 0 && ended_ms.saturating_sub(ms.into()) < at_ms;
        let (calls, at_ms) = if was_in_flight { (calls, at_ms) } else { (calls.saturating_add(1), ended_ms) };
        self.model_mut(model).missed = Missed { calls, ms: most.max(ms), at_ms };
    }

    /// A further line of a model's answer was taken or typed, or it was not.
    pub(super) fn line(&mut self, model: &str, taken: bool) {
        let learned = self.model_mut(model);
        learned.lines_shown = learned.lines_shown * ANOTHER + 1.0;
        learned.lines_taken = learned.lines_taken * ANOTHER + f64::from(u8::from(taken));
    }

    /// A model's answer turned out right or wrong.
    pub(super) fn fate(&mut self, model: &str, fate: Fate) {
        remember(&mut self.model_mut(model).fates, fate, FATES);
    }

    /// The fates of a model's answers, to fit its confidence, which takes too long to be done under the lock.
    pub(super) fn fates(&self, model: &str) -> VecDeque<Fate> {
        self.models.get(model).map(|learned| learned.fates.clone()).unwrap_or_default()
    }

    /// Sets a model's confidence.
    pub(super) fn set_confidence(&mut self, model: &str, confidence: Confidence) {
        self.model_mut(model).confidence = confidence;
    }

    /// Fits the confidence of all models.
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
        let AcceptanceCount { shown, accepted, .. } = acceptance.copied().unwrap_or_default().at(now_ms);
        let Some(learned) = self.models.get(model) else { return Standing { shown, accepted, ..Standing::default() } };
        let cached_share = learned.shares().cached;
        let (wait_ms, needs_ms) = (learned.wait_ms(now_ms), learned.needs_ms());
        let &ModelMemory { lines_shown, lines_taken, lines_written, tokens_written, .. } = learned;
        Standing {
            shown,
            accepted,
            cached_share,
            lines_shown,
            lines_taken,
            lines_written,
            tokens_written,
            wait_ms,
            needs_ms,
            ..Standing::default()
        }
    }

    /// How long a model is still assumed to need longer than we wait, because its last calls did.
    pub(super) fn left_out(&self, model: &str, now_ms: i64) -> Option<Duration> {
        let left = self.models.get(model)?.missed.holds_ms(now_ms)?;
        u64::try_from(left).ok().map(Duration::from_millis)
    }

    /// What was decided about the suggestions of each task in each language, by the models of which `counts` is true.
    pub(super) fn uptakes(
        &self,
        now_ms: i64,
        counts: impl Fn(Task, &str, &str) -> bool,
    ) -> BTreeMap<(Task, String), Vec<Uptake>> {
        let mut all: BTreeMap<(Task, String), Vec<Uptake>> = BTreeMap::new();
        for ((task, language, model), count) in &self.acceptance {
            if counts(*task, language, model) {
                all.entry((*task, language.clone())).or_default().push(count.at(now_ms).uptake);
            }
        }
        all
    }

    /// The parts of a model's input that its provider's cache had, in answered calls.
    pub(super) fn input_shares(&self, model: &str) -> InputShares {
        self.models.get(model).map(ModelMemory::shares).unwrap_or_default()
    }

    /// All standings, sorted by task, language and model.
    pub(super) fn known(&self, now_ms: i64) -> Vec<KnownStanding> {
        let known = |(task, language, model): &(Task, String, String)| {
            let standing = self.standing(*task, language, model, now_ms);
            KnownStanding { task: *task, language: language.clone(), model: model.clone(), standing }
        };
        let mut all: Vec<KnownStanding> = self.acceptance.keys().map(known).collect();
        all.sort_by(|a, b| (a.task, &a.language, &a.model).cmp(&(b.task, &b.language, &b.model)));
        all
    }

    /// The calibration of every model with known fates, sorted by name.
    pub(super) fn model_confidences(&self) -> Vec<ModelConfidence> {
        let model_confidences = |(model, learned): (&String, &ModelMemory)| ModelConfidence {
            model: model.clone(),
            confidence: learned.confidence,
            bins: learned.confidence.bins(learned.fates.iter()),
        };
        let mut all: Vec<ModelConfidence> =
            self.models.iter().filter(|(_, learned)| !learned.fates.is_empty()).map(model_confidences).collect();
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

/// Adds one, and drops the oldest if there are too many.
fn remember<T>(all: &mut VecDeque<T>, one: T, most: usize) {
    if all.len() >= most {
        all.pop_front();
    }
    all.push_back(one);
}

/// The median; `None` if there are too few.
fn usual(waits: &VecDeque<u32>) -> Option<u32> {
    let mut waits: Vec<u32> = waits.iter().copied().collect();
    waits.sort_unstable();
    if waits.len() < FEW_WAITS { None } else { waits.get(waits.len() / 2).copied() }
}

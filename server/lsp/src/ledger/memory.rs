//! What the ledger taught, kept at hand so that planning a request never waits for a file: acceptance, accepted lengths, calibration and
//! cache hits. Read once at the start and brought up to date with each row this process writes; what other servers of the user write is
//! seen at the next start. It leaves reading and writing rows to `store`.

use std::collections::{HashMap, VecDeque};

use pennyworth_core::budget::Feedback;
use pennyworth_core::route::Standing;
use pennyworth_core::task::Task;
use pennyworth_core::tokens::Calibration;

/// Accepted lengths that are remembered for a task and language.
const LENGTHS: usize = 200;
/// The share of the cached and all input that one more call leaves.
const MEMORY: f64 = 0.9;

/// What is at hand.
#[derive(Debug, Default)]
pub(super) struct Memory {
    acceptance: HashMap<(Task, String, String), Acceptance>,
    lengths: HashMap<(Task, String), VecDeque<Length>>,
    models: HashMap<String, Learned>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Acceptance {
    shown: u32,
    accepted: u32,
}

/// The length of an accepted answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length {
    pub(super) tokens: u32,
    pub(super) truncated: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Learned {
    calibration: Calibration,
    cached: f64,
    input: f64,
}

impl Memory {
    pub(super) fn shown(&mut self, task: Task, language: &str, model: &str) {
        self.acceptance_mut(task, language, model).shown += 1;
    }

    pub(super) fn accepted(&mut self, task: Task, language: &str, model: &str) {
        self.acceptance_mut(task, language, model).accepted += 1;
    }

    fn acceptance_mut(&mut self, task: Task, language: &str, model: &str) -> &mut Acceptance {
        self.acceptance.entry((task, language.to_owned(), model.to_owned())).or_default()
    }

    pub(super) fn length(&mut self, task: Task, language: &str, length: Length) {
        let lengths = self.lengths.entry((task, language.to_owned())).or_default();
        if lengths.len() == LENGTHS {
            lengths.pop_front();
        }
        lengths.push_back(length);
    }

    /// A bill of the provider's own: the estimate of its input before calibration, all of its input, and what was cached of it.
    pub(super) fn billed(&mut self, model: &str, plain_tokens: u32, input: u64, cached: u64) {
        let learned = self.models.entry(model.to_owned()).or_default();
        learned.calibration.learn(plain_tokens, input);
        learned.cached = learned.cached * MEMORY + cached.min(input) as f64;
        learned.input = learned.input * MEMORY + input as f64;
    }

    pub(super) fn calibration(&self, model: &str) -> Calibration {
        self.models.get(model).map(|learned| learned.calibration).unwrap_or_default()
    }

    pub(super) fn standing(&self, task: Task, language: &str, model: &str) -> Standing {
        let acceptance = self.acceptance.get(&(task, language.to_owned(), model.to_owned()));
        let Acceptance { shown, accepted } = acceptance.copied().unwrap_or_default();
        let learned = self.models.get(model).copied().unwrap_or_default();
        let cached_share = if learned.input > 0.0 { learned.cached / learned.input } else { 0.0 };
        Standing { shown, accepted, cached_share, ..Standing::default() }
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

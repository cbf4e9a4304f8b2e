//! How long to wait after a key before a model is asked. A short wait shows more answers; a long one makes fewer calls that the next key makes
//! useless. The wait is the one that gains most, by the user's own pauses between keys. It leaves measuring pauses to the caller, and what a call
//! costs to `route`.

use std::collections::HashMap;

use crate::money::Money;
use crate::task::Task;

/// Milliseconds that a bin of pauses spans.
const BIN: u32 = 25;
/// Bins of pauses; the last one holds all longer pauses.
const BINS: usize = 41;
/// Weight that earlier pauses keep with each further one, so that the last few hundred decide.
const MEMORY: f64 = 0.995;
/// Pauses that the prior is worth, and those that all kinds of places together are worth for one kind.
const PRIOR: f64 = 8.0;
/// The prior's share of pauses in which the user stops typing, and the median of the others in milliseconds. Of 136 million keystrokes the mean
/// pause was 239 ms with a standard deviation of 112 (Dhakal et al., 2018, doi:10.1145/3173574.3174220).
const STOPS: f64 = 0.1;
const MEDIAN: f64 = 210.0;
/// How steep the prior falls around its median.
const STEEP: f64 = 4.0;
/// Characters of a line that is taken.
const CHARS: f64 = 30.0;
/// What a call of a model costs at least, in US dollars: a second of 200 watts at 0.3 USD per kilowatt-hour.
const POWER: f64 = 1.7e-5;
/// The TTFT of a model that has not answered yet, in milliseconds.
const TTFT: u32 = 400;

/// How often which pauses came between two keys; older ones count less.
#[derive(Clone, Debug)]
pub struct Rhythm {
    bins: [f64; BINS],
    total: f64,
}

impl Default for Rhythm {
    fn default() -> Rhythm {
        Rhythm { bins: [0.0; BINS], total: 0.0 }
    }
}

impl Rhythm {
    /// Notes a pause, in milliseconds.
    pub fn pause(&mut self, ms: u64) {
        self.bins.iter_mut().for_each(|bin| *bin *= MEMORY);
        self.total = self.total * MEMORY + 1.0;
        let bin = usize::try_from(ms / u64::from(BIN)).unwrap_or(usize::MAX).min(BINS - 1);
        if let Some(bin) = self.bins.get_mut(bin) {
            *bin += 1.0;
        }
    }

    /// The probability of a pause of at least `ms`, where `prior` is the one without any pauses seen.
    fn lasts(&self, ms: u32, prior: f64) -> f64 {
        let first = (ms / BIN) as usize;
        let longer: f64 = self.bins.iter().skip(first.min(BINS - 1)).sum();
        (longer + PRIOR * prior) / (self.total + PRIOR)
    }
}

/// The pauses of a user, by the task at the cursor.
#[derive(Clone, Debug, Default)]
pub struct Rhythms {
    all: Rhythm,
    tasks: HashMap<Task, Rhythm>,
}

impl Rhythms {
    /// Notes a pause behind a key, in milliseconds, and the task that stood there, if it is known.
    pub fn pause(&mut self, task: Option<Task>, ms: u64) {
        self.all.pause(ms);
        if let Some(task) = task {
            self.tasks.entry(task).or_default().pause(ms);
        }
    }

    /// The probability that no key comes within `ms` at a task.
    pub fn lasts(&self, task: Task, ms: u32) -> f64 {
        let typing = 1.0 / (1.0 + (f64::from(ms) / MEDIAN).powf(STEEP));
        let all = self.all.lasts(ms, STOPS + (1.0 - STOPS) * typing);
        self.tasks.get(&task).map_or(all, |rhythm| rhythm.lasts(ms, all))
    }
}

/// What a call costs and brings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stakes {
    /// The expected cost of the call.
    pub call: Money,
    /// The probability that its answer is taken.
    pub acceptance: f64,
    /// The model's usual TTFT in milliseconds, if it is known.
    pub ttft_ms: Option<u32>,
    /// What 1,000 accepted characters are worth to the user.
    pub worth: Money,
}

/// What it is worth to the user not to wait for a model with this TTFT, in milliseconds: meanwhile they type themselves. `worth` is that of 1,000
/// characters.
pub fn worth_of(ttft_ms: Option<u32>, worth: Money) -> Money {
    let chars = f64::from(ttft_ms.unwrap_or(TTFT)) / MEDIAN;
    worth.scaled(chars / 1000.0)
}

/// The wait that gains most, in milliseconds, of at most `most_ms`; the shortest of those that gain alike.
///
/// The model is asked if no key comes within the wait. Its answer is seen if none comes before it either, or if it agrees with the key.
pub fn wait(rhythms: &Rhythms, task: Task, stakes: Stakes, most_ms: u32) -> u32 {
    let ttft = stakes.ttft_ms.unwrap_or(TTFT);
    let cost = stakes.call.usd().max(POWER);
    let value = stakes.acceptance * stakes.worth.usd() * CHARS / 1000.0;
    let gain = |wait: u32| {
        let (asked, waited) = (rhythms.lasts(task, wait), rhythms.lasts(task, wait.saturating_add(ttft)));
        let seen = waited + stakes.acceptance * (asked - waited);
        // While the user waits, part of the answer could be typed.
        let left = 1.0 - f64::from(wait) / (CHARS * MEDIAN);
        value * left * seen - cost * asked
    };
    let waits = (0..most_ms).step_by(BIN as usize).chain([most_ms]);
    let best = waits.map(|wait| (wait, gain(wait))).reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map_or(most_ms, |(wait, _)| wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(usd: f64) -> Money {
        Money::from_usd(usd)
    }

    /// Pauses of `ms` between keys, and a long one behind every tenth.
    fn typist(ms: u64) -> Rhythms {
        let mut rhythms = Rhythms::default();
        for key in 0..2000 {
            rhythms.pause(Some(Task::Line), if key % 10 == 9 { 3000 } else { ms });
        }
        rhythms
    }

    const STAKES: Stakes = Stakes { call: Money::ZERO, acceptance: 0.3, ttft_ms: Some(300), worth: Money::ZERO };

    #[test]
    fn the_dearer_the_call_and_the_less_it_brings_the_longer_is_the_wait() {
        let balanced = Stakes { call: usd(0.0001), worth: usd(0.02), ..STAKES };
        for (name, stakes, expected) in [
            ("a call that costs nothing", Stakes { call: Money::ZERO, worth: usd(0.02), ..STAKES }, 0),
            ("a cheap call", balanced, 175),
            ("an answer that is mostly taken", Stakes { acceptance: 0.7, ..balanced }, 0),
            ("a user to whom it is worth much", Stakes { worth: usd(0.2), ..balanced }, 0),
            ("a dear call", Stakes { call: usd(0.002), ..balanced }, 350),
            ("a model that answers at once", Stakes { ttft_ms: Some(0), ..balanced }, 0),
        ] {
            assert_eq!(wait(&typist(150), Task::Line, stakes, 350), expected, "{name}");
        }
    }

    #[test]
    fn the_wait_follows_the_users_own_pauses_at_this_kind_of_place() {
        let stakes = Stakes { call: usd(0.0001), worth: usd(0.02), ..STAKES };
        for (ms, expected) in [(60, 75), (110, 125), (210, 225), (280, 300)] {
            assert_eq!(wait(&typist(ms), Task::Line, stakes, 350), expected, "keys every {ms} ms");
        }
        let mut rhythms = typist(60);
        for key in 0..40 {
            rhythms.pause(Some(Task::Comment), if key % 10 == 9 { 3000 } else { 210 });
        }
        assert_eq!(wait(&rhythms, Task::Comment, stakes, 350), 225);
        assert_eq!(wait(&rhythms, Task::Line, stakes, 350), 75);
        assert_eq!(wait(&rhythms, Task::Line, stakes, 40), 0, "no key comes within it");
        assert_eq!(wait(&typist(210), Task::Line, Stakes { ttft_ms: Some(0), call: usd(0.001), ..stakes }, 140), 0);
        assert_eq!(wait(&rhythms, Task::Line, stakes, 0), 0);
    }

    #[test]
    fn a_wait_is_worth_what_could_be_typed_in_it() {
        for (ttft_ms, worth, expected) in [
            (Some(210), 0.02, 2e-5),
            (Some(840), 0.02, 8e-5),
            (Some(0), 0.02, 0.0),
            (Some(210), 0.2, 2e-4),
            (None, 0.0, 0.0),
        ] {
            assert_eq!(worth_of(ttft_ms, usd(worth)), usd(expected), "{ttft_ms:?} {worth}");
        }
    }

    #[test]
    fn a_pause_is_as_likely_as_it_was_and_at_first_as_with_others() {
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 0.03, "{found} {expected}");
        let nobody = Rhythms::default();
        near(nobody.lasts(Task::Line, 0), 1.0);
        near(nobody.lasts(Task::Line, 200), 0.6);
        near(nobody.lasts(Task::Line, 5000), 0.1);
        let rhythms = typist(150);
        near(rhythms.lasts(Task::Line, 100), 1.0);
        near(rhythms.lasts(Task::Line, 175), 0.1);
        near(rhythms.lasts(Task::Return, 175), 0.15);
        near(rhythms.lasts(Task::Line, u32::MAX), 0.1);
    }
}

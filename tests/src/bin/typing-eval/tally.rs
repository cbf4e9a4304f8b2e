//! The figures of a typed text. It leaves printing them to `report`.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

/// Why a key was typed that a suggestion might have saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reason {
    /// Nothing was shown, and the model does not know the line.
    Unknown,
    /// Nothing was shown yet.
    Late,
    /// The helper answered with nothing, though the model knows the line.
    Silent,
    /// The suggestion was wrong, as the model was.
    Wrong,
    /// The suggestion was wrong, though the model knows the line.
    WrongEnd,
    /// The suggestion was right, and the user had not read it yet.
    Reading,
    /// The suggestion was right, and too short to be worth a key.
    Short,
}

impl Reason {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Reason::Unknown => "nothing shown, the model does not know the line",
            Reason::Late => "nothing shown yet",
            Reason::Silent => "nothing shown, though the model knows the line",
            Reason::Wrong => "wrong, as the model is",
            Reason::WrongEnd => "wrong, though the model is right",
            Reason::Reading => "right, not read yet",
            Reason::Short => "right, too short",
        }
    }
}

/// A suggestion that was wrong though the model was right.
#[derive(Clone, Debug)]
pub(crate) struct WrongEnd {
    /// File, line and column.
    pub(crate) place: String,
    pub(crate) offered: String,
    /// As many lines of the truth.
    pub(crate) truth: String,
}

/// The figures of a typed text, or of several.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Keys that the text takes by hand.
    pub(crate) by_hand: u64,
    /// Keys typed, those for taking left out.
    pub(crate) keys: u64,
    pub(crate) shown: u64,
    /// Suggestions, or lines of them, that were taken, with a key each.
    pub(crate) taken: u64,
    pub(crate) taken_chars: u64,
    /// The time from each key to the suggestion that followed it.
    pub(crate) waits: Vec<Duration>,
    pub(crate) reasons: BTreeMap<Reason, u64>,
    pub(crate) wrong_ends: Vec<WrongEnd>,
}

impl Tally {
    /// The share of the keys that was saved, in percent.
    pub(crate) fn saved(&self) -> f64 {
        (1.0 - (self.keys + self.taken) as f64 / self.by_hand.max(1) as f64) * 100.0
    }

    /// The median wait in milliseconds.
    pub(crate) fn wait(&self) -> f64 {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        waits.get(waits.len() / 2).map_or(f64::NAN, |wait| wait.as_secs_f64() * 1000.0)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.by_hand += other.by_hand;
        self.keys += other.keys;
        self.shown += other.shown;
        self.taken += other.taken;
        self.taken_chars += other.taken_chars;
        self.waits.extend(other.waits);
        self.wrong_ends.extend(other.wrong_ends);
        for (reason, keys) in other.reasons {
            *self.reasons.entry(reason).or_default() += keys;
        }
    }
}

//! What was shown and what became of it: the words of the ledger for it. It leaves writing to `store`.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use pennyworth_core::task::Task;

use super::CallId;

/// Random bits of an id, below those of the time.
const RANDOM_BITS: u32 = 22;

/// The row of a suggestion. It stays valid over restarts, so it may travel to the editor and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SuggestionId(pub i64);

impl SuggestionId {
    /// An id that no server has given: milliseconds since 1970 and random bits, and above all that this process has given.
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> SuggestionId {
        /// Random bits alone would make two of a few hundred in one millisecond the same, once in a hundred times.
        static LAST: AtomicI64 = AtomicI64::new(0);
        let now = SystemTime::now();
        // A fresh state hashes with fresh keys.
        let drawn = SuggestionId::earliest(now).0 | (RandomState::new().hash_one(now) >> (64 - RANDOM_BITS)) as i64;
        let above = |last: i64| drawn.max(last + 1);
        let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(above(last)));
        SuggestionId(above(last.unwrap_or_default()))
    }

    /// The least id of a moment.
    pub(super) fn earliest(time: SystemTime) -> SuggestionId {
        SuggestionId(millis(time) << RANDOM_BITS)
    }
}

/// Milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// Where a suggestion came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The embedded model.
    Embedded,
    /// An earlier answer.
    Cache,
    /// A model, just now.
    Model,
}

impl Source {
    /// Its name in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Source::Embedded => "embedded",
            Source::Cache => "cache",
            Source::Model => "model",
        }
    }
}

/// A suggestion that was shown.
#[derive(Clone, Debug)]
pub struct Suggested {
    /// Where it came from.
    pub source: Source,
    /// The model that made it, by its name in tables; `embedded` for the embedded one.
    pub model: String,
    /// The call it came from, if it was one of this ledger.
    pub call: Option<CallId>,
    /// What was asked for.
    pub task: Task,
    /// The language's name.
    pub language: String,
    /// Its characters.
    pub chars: u32,
    /// Its estimated tokens.
    pub tokens: u32,
    /// Whether the output ceiling cut the answer it came from.
    pub truncated: bool,
    /// How probably it was right, if that was known.
    pub probability: Option<f32>,
}

/// What became of a suggestion, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Another suggestion took its place, or its document was closed, before the user went any way.
    Unused,
    /// The user went another way.
    Dismissed,
    /// The user typed what it said.
    TypedThrough,
    /// A part of it was taken.
    Partly,
    /// It was taken.
    Accepted,
    /// So many minutes after it was taken, what remains of it.
    StillThere(u32),
}

impl Kind {
    /// Every kind that decides about a suggestion, with its name in the ledger.
    pub(super) const DECIDING: [(&'static str, Kind); 5] = [
        ("unused", Kind::Unused),
        ("dismissed", Kind::Dismissed),
        ("typed", Kind::TypedThrough),
        ("partly", Kind::Partly),
        ("accepted", Kind::Accepted),
    ];

    /// Whether characters of it were taken.
    pub fn is_acceptance(self) -> bool {
        matches!(self, Kind::Partly | Kind::Accepted)
    }
}

/// What became of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which.
    pub id: SuggestionId,
    /// What.
    pub kind: Kind,
    /// Characters that were taken, typed, or still stand there.
    pub chars: u32,
}

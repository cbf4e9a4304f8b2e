//! Suggestions that were shown and their outcomes, with their names in the ledger. It leaves writing to `store`.

use pennyworth_core::task::Task;

use super::entry::CallId;
use super::ids;

/// The id of a suggestion's row. It stays valid after a restart, so it may travel to the editor and back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SuggestionId(pub i64);

impl SuggestionId {
    /// A new id: milliseconds since 1970, then random bits. It is greater than every id this process made before.
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> SuggestionId {
        SuggestionId(ids::fresh())
    }
}

/// Where a suggestion came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The embedded model.
    Embedded,
    /// The cache: an earlier answer.
    Cache,
    /// A call of a model.
    Model,
    /// A further line of an earlier answer.
    Lines,
}

impl Source {
    /// Every source.
    pub const ALL: [Source; 4] = [Source::Embedded, Source::Cache, Source::Model, Source::Lines];

    /// Its name in the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Source::Embedded => "embedded",
            Source::Cache => "cache",
            Source::Model => "model",
            Source::Lines => "lines",
        }
    }
}

/// A suggestion that was shown.
#[derive(Clone, Debug)]
pub struct Suggested {
    /// Where it came from.
    pub source: Source,
    /// The model's name in tables; `embedded` for the embedded one.
    pub model: String,
    /// The call it came from, if that has a row in this ledger.
    pub call: Option<CallId>,
    /// The task.
    pub task: Task,
    /// The language's name.
    pub language: String,
    /// Number of characters.
    pub chars: u32,
    /// Estimated number of tokens.
    pub tokens: u32,
    /// Whether the output ceiling cut the answer it came from.
    pub truncated: bool,
    /// The probability that it is right, if known.
    pub probability: Option<f32>,
}

/// The kinds of outcome, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutcomeKind {
    /// Another suggestion replaced it, or its document was closed, before the user decided.
    Unused,
    /// The user dismissed it or typed something else.
    Dismissed,
    /// The user typed it letter by letter.
    TypedThrough,
    /// The user accepted a part of it.
    Partly,
    /// The user accepted it.
    Accepted,
    /// What is left of it this many minutes after it was accepted.
    StillThere(u32),
}

impl OutcomeKind {
    /// Every kind that is the outcome of a suggestion, with its name in the ledger.
    pub(super) const DECIDING: [(&'static str, OutcomeKind); 5] = [
        ("unused", OutcomeKind::Unused),
        ("dismissed", OutcomeKind::Dismissed),
        ("typed", OutcomeKind::TypedThrough),
        ("partly", OutcomeKind::Partly),
        ("accepted", OutcomeKind::Accepted),
    ];

    /// Whether the user accepted some of its characters.
    pub fn is_acceptance(self) -> bool {
        matches!(self, OutcomeKind::Partly | OutcomeKind::Accepted)
    }
}

/// The outcome of a suggestion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The suggestion.
    pub id: SuggestionId,
    /// The kind of outcome.
    pub kind: OutcomeKind,
    /// Number of characters that were accepted, typed, or are still there.
    pub chars: u32,
}

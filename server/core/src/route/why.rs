//! Why a model is not asked, with its name in the ledger and its words.

use std::fmt;

use serde::Serialize;

/// A model that is not asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// Its name in tables.
    pub model: String,
    /// Why.
    pub why: Why,
}

/// Why a model is not asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The user pinned another model.
    NotPinned,
    /// Its tier does not serve the task.
    Tier,
    /// Code may not leave this machine.
    Private,
    /// A fault in the settings leaves only models where code stays on this machine.
    Faulty,
    /// Only the embedded model may answer here.
    Closed,
    /// Its provider fails, or is stopped.
    Unhealthy,
    /// Its provider's rate limits do not allow the call now.
    Limited,
    /// It usually answers after the deadline.
    TooSlow,
    /// The rest of the day's or the month's cap does not cover its worst case.
    Cap,
    /// It costs money, and the ledger cannot be kept.
    Unbooked,
    /// Prompt and answer do not fit into its context.
    Context,
    /// The text contains a marker of its format, given here.
    Marker(String),
    /// It continues code and takes no instructions.
    NoChat,
    /// The cursor stands in a key or a password, which does not leave this machine.
    InSecret,
    /// Nobody knows whether the prompt holds keys or passwords, because their rules failed.
    Unmasked,
}

impl Why {
    /// One of each.
    pub const ALL: [Why; 15] = [
        Why::NotPinned,
        Why::Tier,
        Why::Private,
        Why::Faulty,
        Why::Closed,
        Why::Unhealthy,
        Why::Limited,
        Why::TooSlow,
        Why::Cap,
        Why::Unbooked,
        Why::Context,
        Why::Marker(String::new()),
        Why::NoChat,
        Why::InSecret,
        Why::Unmasked,
    ];

    /// Its name in the ledger. Both faults of settings have the same.
    pub fn name(&self) -> &'static str {
        match self {
            Why::NotPinned => "not_pinned",
            Why::Tier => "tier",
            Why::Private => "private",
            Why::Faulty | Why::Closed => "faulty",
            Why::Unhealthy => "unhealthy",
            Why::Limited => "limited",
            Why::TooSlow => "too_slow",
            Why::Cap => "cap",
            Why::Unbooked => "unbooked",
            Why::Context => "context",
            Why::Marker(_) => "marker_in_text",
            Why::NoChat => "no_chat",
            Why::InSecret => "in_secret",
            Why::Unmasked => "unmasked",
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::NotPinned => f.pad("another model is pinned"),
            Why::Tier => f.pad("its tier does not serve the task"),
            Why::Private => f.pad("code may not leave this machine"),
            Why::Faulty => f.pad("faulty settings leave only models on this machine; `pennyworth check` names them"),
            Why::Closed => f.pad("faulty settings leave only the embedded model; `pennyworth check` names them"),
            Why::Unhealthy => f.pad("its provider fails"),
            Why::Limited => f.pad("its provider's rate limits do not allow it now"),
            Why::TooSlow => f.pad("it usually answers after the deadline"),
            Why::Unbooked => f.pad("it costs money, and the ledger cannot be kept"),
            Why::Cap => f.pad("the rest of the day's or the month's cap does not cover it"),
            Why::Context => f.pad("the prompt does not fit"),
            Why::Marker(marker) => write!(f, "the text contains `{marker}`"),
            Why::NoChat => f.pad("it continues code and takes no instructions"),
            Why::InSecret => f.pad("the cursor stands in a key or a password"),
            Why::Unmasked => f.pad("the prompt could not be searched for keys and passwords"),
        }
    }
}

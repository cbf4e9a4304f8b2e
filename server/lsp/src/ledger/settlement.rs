//! How a call ended, as its row stores it. It leaves deciding that to `reservation`, and writing it to `store`.

use std::time::Duration;

use pennyworth_core::money::Money;
use pennyworth_providers::{FinishReason, Usage};

/// What a settled call, or several, came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    /// What it cost.
    pub cost: Money,
    /// Tokens of its input.
    pub input: u64,
    /// Those of them that were read from the provider's cache.
    pub cached: u64,
    /// Tokens of its output.
    pub output: u64,
}

/// The status of a call that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallStatus {
    /// The stream ended by itself.
    Done,
    /// Enough was read, and the stream was closed early.
    Cut,
    /// The provider failed.
    Failed,
    /// It took longer than we wait.
    Outrun,
    /// The call was dropped before its end.
    Aborted,
    /// The request was never sent.
    Unsent,
}

impl CallStatus {
    pub(super) fn name(self) -> &'static str {
        match self {
            CallStatus::Done => "done",
            CallStatus::Cut => "cut",
            CallStatus::Failed => "failed",
            CallStatus::Outrun => "outrun",
            CallStatus::Aborted => "aborted",
            CallStatus::Unsent => "unsent",
        }
    }
}

/// The end of a call: status, usage and times.
#[derive(Clone, Debug)]
pub(super) struct Settlement {
    pub(super) status: CallStatus,
    pub(super) usage: Usage,
    pub(super) finish: Option<FinishReason>,
    pub(super) reason: Option<String>,
    pub(super) first: Option<Duration>,
    pub(super) total: Duration,
    /// The lines of the answer's text, if it came to its end.
    pub(super) lines: u32,
    /// Whether it took longer than we wait, or than another model.
    pub(super) is_outrun: bool,
}

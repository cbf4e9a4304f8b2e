//! One model call for the telemetry collector: names, counts, times and cost; never code, never prompts. It leaves sending to `collector`.

use std::time::Duration;

/// A call that ended.
#[derive(Debug)]
#[cfg_attr(not(feature = "telemetry"), expect(dead_code, reason = "only a collector reads the fields"))]
pub(super) struct CallSpan<'a> {
    /// The provider's host and port.
    pub(super) provider: &'a str,
    /// The model's name in tables.
    pub(super) model: &'a str,
    /// The task's name.
    pub(super) task: &'a str,
    /// The language's name.
    pub(super) language: &'a str,
    /// The output ceiling in tokens.
    pub(super) max_tokens: u32,
    /// Input tokens, including cached ones.
    pub(super) input: u64,
    /// Input tokens read from the provider's cache.
    pub(super) cached: u64,
    /// Output tokens.
    pub(super) output: u64,
    /// Whether the counts are estimates.
    pub(super) estimated: bool,
    /// Cost in USD.
    pub(super) cost: f64,
    /// The finish reason, if the provider sent one.
    pub(super) finish: Option<String>,
    /// The call's status in the ledger.
    pub(super) status: &'a str,
    /// Why it failed, or why its answer was rejected.
    pub(super) reason: Option<&'a str>,
    /// Time to the first text.
    pub(super) first: Option<Duration>,
    /// Total time.
    pub(super) total: Duration,
}

//! What became of a request that asked with a key: each model that was asked, and why no model was. It leaves showing it to `surface` and `cli`.

use std::fmt;
use std::sync::Mutex;

use crate::ledger::CallId;
use crate::sync::lock;

/// A model that was asked, and how that ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The model's name.
    pub model: String,
    /// How the call ended, as a sentence without a capital and an end mark.
    pub outcome: String,
    /// The call's row in the ledger; `None` if it was never sent.
    pub call: Option<CallId>,
}

/// The attempts of a request, and the reason if none was made. Its copies of the request share it.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<Noted>);

#[derive(Debug, Default)]
struct Noted {
    attempts: Vec<Attempt>,
    reason: Option<String>,
}

impl Attempts {
    /// Notes how a call of a model ended.
    pub(super) fn add(&self, attempt: Attempt) {
        lock(&self.0).attempts.push(attempt);
    }

    /// Notes why no model is asked.
    pub(super) fn none(&self, reason: impl fmt::Display) {
        lock(&self.0).reason = Some(reason.to_string());
    }

    /// The models that were asked, in the order in which their calls ended.
    pub fn all(&self) -> Vec<Attempt> {
        lock(&self.0).attempts.clone()
    }

    /// Why there is no completion, in one line.
    pub fn why_nothing(&self) -> String {
        let noted = lock(&self.0);
        if let Some(reason) = &noted.reason {
            return reason.clone();
        }
        let asked: Vec<String> =
            noted.attempts.iter().map(|tried| format!("{}: {}", tried.model, tried.outcome)).collect();
        match asked.is_empty() {
            true => "no answer that fits came in time".to_owned(),
            false => asked.join("; "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_comes_first_then_what_each_model_did() {
        let attempts = Attempts::default();
        assert_eq!(attempts.why_nothing(), "no answer that fits came in time");
        for (model, outcome) in [("a", "it is down"), ("b", "it is slow")] {
            attempts.add(Attempt { model: model.into(), outcome: outcome.into(), call: None });
        }
        assert_eq!(attempts.why_nothing(), "a: it is down; b: it is slow");
        attempts.none("completions are paused");
        assert_eq!(attempts.why_nothing(), "completions are paused");
    }
}

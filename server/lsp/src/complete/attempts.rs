//! What became of a request that asked with a key: each model that was asked, and why no model was. It leaves showing it to `surface` and `cli`.

use std::fmt;
use std::sync::Mutex;

use pennyworth_core::task::Task;

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
    /// Whether the model could say nothing: its provider failed, or it was not asked.
    pub has_failed: bool,
}

/// The attempts of a request, and the reason if none was made. Its copies of the request share it.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<Noted>);

/// The task and language of a place.
pub(super) type Place = (Task, &'static str);

#[derive(Debug, Default)]
struct Noted {
    attempts: Vec<Attempt>,
    reason: Option<String>,
    /// The id of the reason, or of how the last call ended, or the source of the suggestion.
    reply: Option<&'static str>,
    /// The task and language of the place.
    place: Option<Place>,
    is_counted: bool,
}

impl Attempts {
    /// Notes how a call of a model ended, and the id of the silence that it leaves.
    pub(super) fn add(&self, attempt: Attempt, id: &'static str) {
        let mut noted = lock(&self.0);
        noted.attempts.push(attempt);
        noted.reply = Some(id);
    }

    /// Notes why no model is asked, with the id of that reason.
    pub(super) fn none(&self, id: &'static str, reason: impl fmt::Display) {
        let mut noted = lock(&self.0);
        (noted.reply, noted.reason) = (Some(id), Some(reason.to_string()));
    }

    /// Notes the source of the suggestion, or the id of the reason why there is none.
    pub(super) fn replied(&self, reply: &'static str) {
        lock(&self.0).reply = Some(reply);
    }

    /// Notes the task and language of the place.
    pub(super) fn at(&self, task: Option<Task>, language: &'static str) {
        lock(&self.0).place = task.map(|task| (task, language));
    }

    /// The place and the reply, to be counted; `None` if they were before.
    pub(super) fn counted(&self) -> Option<(Option<Place>, Option<&'static str>)> {
        let mut noted = lock(&self.0);
        (!std::mem::replace(&mut noted.is_counted, true)).then_some((noted.place, noted.reply))
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
            attempts
                .add(Attempt { model: model.into(), outcome: outcome.into(), call: None, has_failed: true }, "failed");
        }
        assert_eq!(attempts.why_nothing(), "a: it is down; b: it is slow");
        attempts.none("paused", "completions are paused");
        assert_eq!(attempts.why_nothing(), "completions are paused");
        attempts.at(Some(Task::Line), "rust");
        assert_eq!(attempts.counted(), Some((Some((Task::Line, "rust")), Some("paused"))));
        assert_eq!(attempts.counted(), None, "once");
    }
}

//! What the stages decided about a request before any model is called. It leaves deciding to `stages`.

use std::sync::{Arc, OnceLock};

use pennyworth_core::cache::{self, Decided, Found, Place};
use pennyworth_core::classify::Context;
use pennyworth_core::cut::{Cut, Cutter};
use pennyworth_core::gate::{Gate, Trigger};
use pennyworth_core::models::AbortBilled;
use pennyworth_core::plan::Plan;
use pennyworth_core::task::{Task, Tier};
use pennyworth_core::tokens::{REFERENCE_CHARS_PER_TOKEN, estimate};

use super::completion::Completion;
use super::cursor::Cursor;
use super::flights::Target;
use super::request::Request;
use crate::ledger::{Source, Suggested};
use crate::settings::{Configuration, Scope};

/// Characters that a model's line saves if it is right: the mean of what is left of a line of code, and of the line below.
const LINE_CHARS: usize = 20;

/// Characters that accepting a suggestion costs, and that reading a wrong one costs.
const ACCEPTING: f32 = 0.5;
const MISREADING: f32 = 2.2;

/// Characters that a suggestion of this length is expected to save if it is right with this probability.
fn expected_savings(chars: usize, probability: f32) -> f32 {
    probability * (chars as f32 - ACCEPTING) - MISREADING * (1.0 - probability)
}

/// Keys that a right suggestion of the embedded model saves because it comes before a model's, and those for which a wrong one hides it
/// (`typing-eval --embedded --verbose`).
const EARLIER: f32 = 2.0;
const HIDES: f32 = 5.0;

/// Whether a suggestion of the embedded model gains by coming first, before a model whose answers are taken with this probability. In a workspace that
/// is new to it, what it says with .65, .75 and .87 was right with .28, .53 and .90, which is near the square.
fn gains_by_coming_first(probability: f32, acceptance: f32) -> bool {
    let right = probability * probability;
    EARLIER * right > HIDES * acceptance * (1.0 - right)
}

/// How far the stages go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// To the first completion.
    First,
    /// Through every stage, for a report of what each would do.
    Everything,
}

/// The result of the stages from `classify` to `plan`.
pub struct Decision {
    /// The request.
    pub request: Request,
    /// The configuration of the decision.
    pub configuration: Arc<Configuration>,
    /// The rules for the document.
    pub(super) scope: Arc<Scope>,
    /// The cursor in its text.
    pub cursor: Cursor,
    /// The class of the cursor's place.
    pub context: Context,
    /// Whether models may be called.
    pub gate: Gate,
    /// Whether the user takes hardly any suggestion of this task in this language.
    pub untaken: bool,
    /// Whether the user dismissed a suggestion here a short while ago. Only a report asks.
    pub dismissed: bool,
    /// What the cache holds.
    pub cached: Option<Found>,
    /// The embedded model's text, cut, with its probability.
    pub embedded: Option<(Cut, f32)>,
    /// The embedded model's generation when it said so.
    pub(super) learned: usize,
    /// How other models would be called.
    pub plan: Option<Plan>,
    /// How much an answer may stray from the likeliest text: more than not at all if every model has said what it finds likeliest.
    pub(super) temperature: f32,
    /// How long to wait behind a key before a model is asked, in milliseconds.
    pub wait_ms: u32,
    /// The completion that is ready.
    pub completion: Option<Completion>,
    /// The cursor's place as the cache knows it.
    pub(super) place: Place,
    /// The cutter for answers to a task, read line by line or not, once it is ready.
    pub(super) cutter: OnceLock<((Task, bool), Cutter)>,
}

impl Decision {
    /// Whether there is a completion, or no model may be called for one.
    pub fn is_final(&self) -> bool {
        self.completion.is_some() || self.gate != Gate::Ask || self.request.ready_only
    }

    /// Whether an answer is shown line by line. A user who asks with a key gets all that the task needs.
    pub(super) fn shows_lines(&self) -> bool {
        self.request.trigger != Trigger::Invoked && !self.request.whole
    }

    /// Whether the first model of the route is to be asked although the embedded model says something: it is expected to save more, or what the
    /// embedded model says is not sure enough to come first.
    pub(super) fn is_model_worth_more(&self) -> bool {
        let (Some((cut, probability)), Some(plan)) = (&self.embedded, &self.plan) else { return false };
        let Some(step) = plan.route.steps.first() else { return false };
        let chars = cut.text.chars().filter(|c| !c.is_whitespace()).count();
        let acceptance = step.acceptance.mean as f32;
        expected_savings(chars, *probability) < expected_savings(LINE_CHARS, acceptance)
            || !gains_by_coming_first(*probability, acceptance)
    }

    /// The rules for the document.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// The language's name.
    pub fn language(&self) -> &'static str {
        self.context.language.name()
    }

    /// What the cache stores with an answer.
    pub(super) fn decided(&self, task: Task, model: &str, tier: Tier) -> Decided {
        let (language, generation) = (self.language().to_owned(), self.configuration.generation);
        Decided { task, language, model: model.to_owned(), tier, generation }
    }

    /// What a completion inserts at the cursor: its text behind the item that is selected in the editor's menu.
    pub(super) fn inserted<'a>(&self, completion: &'a Completion) -> &'a str {
        let item = self.request.selected.as_ref().map_or("", |item| item.text.as_str());
        completion.text.strip_prefix(item).unwrap_or(&completion.text)
    }

    /// What the cache needs to look up an answer.
    pub(super) fn lookup(&self, now_ms: u64) -> cache::Lookup<'_> {
        let by_key = self.request.trigger == Trigger::Invoked;
        let (language, generation, not) = (self.language(), self.configuration.generation, &*self.request.not);
        cache::Lookup { language, generation, by_key, not, now_ms }
    }

    /// The target of a call for this decision.
    pub(super) fn target(&self) -> Target {
        let first = self.plan.as_ref().and_then(|plan| plan.route.steps.first());
        let model = first.and_then(|step| self.configuration.models.get(&step.model));
        Target {
            text: self.cursor.text.clone(),
            cursor: self.cursor.offset,
            number: self.request.number,
            is_ahead: false,
            is_billed_whole: model.is_some_and(|model| model.abort_billed == AbortBilled::Yes),
        }
    }

    /// The ledger's row of a suggestion from this decision. Its sizes are known once it is presented.
    pub(super) fn suggested(&self, task: Task, source: Source, model: &str, probability: Option<f32>) -> Suggested {
        Suggested {
            source,
            model: model.to_owned(),
            call: None,
            task,
            language: self.language().to_owned(),
            chars: 0,
            tokens: 0,
            truncated: false,
            probability,
        }
    }

    /// Presents a text as the editor inserts it: with the document's line breaks, and after the selected item if there is one. `None` if the text
    /// is blank.
    pub(super) fn present(&self, text: &str, suggested: Suggested) -> Option<Completion> {
        let text = self.cursor.in_line_breaks(text);
        if text.trim().is_empty() {
            return None;
        }
        let suggested = Suggested {
            chars: u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
            tokens: estimate(&text, REFERENCE_CHARS_PER_TOKEN),
            ..suggested
        };
        let cursor = self.request.cursor;
        let (start, end, text) = match &self.request.selected {
            Some(item) => (item.start, item.end, format!("{}{text}", item.text)),
            None => (cursor, cursor, text),
        };
        Some(Completion { start, end, cursor, text, suggested })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_the_model_the_surer_is_what_comes_first() {
        for (acceptance, shown, hidden) in [(0.05, 0.4, 0.3), (0.3, 0.7, 0.6), (0.7, 0.85, 0.75), (0.95, 0.85, 0.8)] {
            assert!(gains_by_coming_first(shown, acceptance), "{shown} beside {acceptance}");
            assert!(!gains_by_coming_first(hidden, acceptance), "{hidden} beside {acceptance}");
        }
    }
}

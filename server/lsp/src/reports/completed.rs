//! What became of a completion that the command line asked for: its source, each model that was asked, what that cost, or why there is nothing.
//! It leaves completing to `complete`, and printing to `cli`.

use std::fmt::Write as _;

use pennyworth_core::money::Money;
use serde_json::{Value, json};

use crate::complete::{Attempt, Completion};
use crate::ledger::Source;
use crate::reports::words::counted;

/// A completion, or why there is none.
pub struct Completed {
    /// The completion.
    pub completion: Option<Completion>,
    /// Why there is none; of no meaning beside a completion.
    pub why_nothing: String,
    /// Each model that was asked, with what its call cost; `None` if that is not known yet.
    pub asked: Vec<(Attempt, Option<Money>)>,
    /// Files that the embedded model learned.
    pub learned: usize,
}

impl Completed {
    /// What all calls cost.
    fn spent(&self) -> Money {
        self.asked.iter().filter_map(|(_, cost)| *cost).sum()
    }

    /// Everything but the text, for a person.
    pub fn notes(&self) -> String {
        let mut notes = String::new();
        for (attempt, cost) in &self.asked {
            let cost = match (attempt.call, cost) {
                (None, _) => "not sent".to_owned(),
                (_, Some(cost)) => cost.to_string(),
                (_, None) => "cost unknown".to_owned(),
            };
            let _ = writeln!(notes, "-- {}: {}; {cost}", attempt.model, attempt.outcome);
        }
        let (learned, spent) = (self.learned, self.spent());
        let _ = match &self.completion {
            Some(completion) => {
                let suggested = &completion.suggested;
                let sure =
                    suggested.probability.map_or_else(String::new, |sure| format!(", {:.0} % sure", sure * 100.0));
                let source = match suggested.source {
                    Source::Embedded => {
                        format!("the embedded model, which learned {}", counted(learned as u64, "file"))
                    }
                    Source::Cache => "the cache".to_owned(),
                    Source::Lines => format!("an earlier answer of {}", suggested.model),
                    Source::Model => format!("the model {}", suggested.model),
                };
                writeln!(notes, "-- {} ({}): from {source}{sure}; {spent} spent", suggested.task, suggested.language)
            }
            None => writeln!(
                notes,
                "no completion: {}; {spent} spent, {} learned; `pennyworth explain` shows every decision",
                self.why_nothing,
                counted(learned as u64, "file")
            ),
        };
        notes
    }

    /// Everything, for a program.
    pub fn as_json(&self) -> Value {
        let suggested = self.completion.as_ref().map(|completion| &completion.suggested);
        json!({
            "text": self.completion.as_ref().map(|completion| &completion.text),
            "task": suggested.map(|suggested| suggested.task.name()),
            "language": suggested.map(|suggested| &suggested.language),
            "source": suggested.map(|suggested| suggested.source.name()),
            "model": suggested.map(|suggested| &suggested.model),
            "probability": suggested.and_then(|suggested| suggested.probability),
            "why_nothing": self.completion.is_none().then_some(&self.why_nothing),
            "asked": self.asked.iter().map(|(attempt, cost)| json!({
                "model": attempt.model, "outcome": attempt.outcome, "sent": attempt.call.is_some(), "cost_usd": cost,
            })).collect::<Vec<_>>(),
            "spent_usd": self.spent(),
            "files_learned": self.learned,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::CallId;

    fn completed(completion: Option<Completion>) -> Completed {
        let attempt = |model: &str, outcome: &str, call| Attempt {
            model: model.into(),
            outcome: outcome.into(),
            call,
            has_failed: false,
        };
        Completed {
            completion,
            why_nothing: "haiku: it is down".into(),
            asked: vec![
                (attempt("local", "its provider fails", None), None),
                (attempt("haiku", "it is down", Some(CallId::of_a_test())), Some(Money::from_usd(0.0004))),
            ],
            learned: 3,
        }
    }

    #[test]
    fn the_notes_name_each_model_what_became_of_it_and_what_it_cost() {
        let notes = completed(None).notes();
        assert_eq!(
            notes,
            "-- local: its provider fails; not sent\n-- haiku: it is down; $0.00040\n\
             no completion: haiku: it is down; $0.00040 spent, 3 files learned; `pennyworth explain` shows every decision\n"
        );
        let notes = completed(Some(Completion::embedded(0, 0, "x"))).notes();
        assert!(
            notes.ends_with("-- line (rust): from the embedded model, which learned 3 files; $0.00040 spent\n"),
            "{notes}"
        );
    }

    #[test]
    fn the_json_has_the_text_or_the_reason() {
        let json = completed(Some(Completion::embedded(0, 0, "x"))).as_json();
        assert_eq!(
            (&json["text"], &json["source"], &json["why_nothing"]),
            (&"x".into(), &"embedded".into(), &Value::Null)
        );
        let json = completed(None).as_json();
        assert_eq!((&json["text"], &json["why_nothing"]), (&Value::Null, &"haiku: it is down".into()));
        assert_eq!((&json["asked"][0]["sent"], &json["asked"][1]["cost_usd"]), (&false.into(), &0.0004.into()));
    }
}

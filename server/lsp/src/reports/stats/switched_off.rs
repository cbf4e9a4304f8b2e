//! The tasks that are switched off in a language because the user takes hardly any of their suggestions, and how to bring them back.
//! It leaves deciding that to `core::uptake`.

use std::io::Write;

use pennyworth_core::models::Models;
use pennyworth_core::task::Task;
use serde::Serialize;

use crate::learn::EMBEDDED;
use crate::ledger::Ledger;
use crate::settings::Settings;

/// The tasks.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub struct SwitchedOff(Vec<Off>);

/// A task in a language, with the figures that switched it off.
#[derive(Debug, Serialize)]
struct Off {
    task: Task,
    language: String,
    /// Suggestions that the user took, typed or dismissed; older ones count less.
    decided: f64,
    /// Those of them that were taken or typed.
    taken: f64,
    /// The most that the share may really be.
    at_most: f64,
}

impl SwitchedOff {
    /// Reads them from the ledger. What the settings keep on is not among them.
    pub fn of(ledger: &Ledger, settings: &Settings, models: &Models) -> SwitchedOff {
        ledger.flush();
        let counts = |model: &str| model == EMBEDDED || models.enabled().any(|enabled| enabled.name == model);
        let off = ledger.all_unwanted(counts).into_iter().filter(|(task, ..)| !settings.keeps(*task));
        let off = off.map(|(task, language, uptake)| Off {
            task,
            language,
            decided: uptake.decided,
            taken: uptake.taken,
            at_most: uptake.at_most(),
        });
        SwitchedOff(off.collect())
    }

    /// Prints them, and how to bring them back; nothing if there are none.
    pub fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        let Some(first) = self.0.first() else { return Ok(()) };
        writeln!(
            out,
            "\nnothing is suggested while you type where you take hardly any; older suggestions count less:\n"
        )?;
        for Off { task, language, decided, taken, at_most } in &self.0 {
            let at_most = at_most * 100.0;
            writeln!(
                out,
                "* `{task}` in {language}: {taken:.0} of {decided:.0} taken, so at most {at_most:.1} % are wanted"
            )?;
        }
        writeln!(
            out,
            "\nA key still asks, and what you take then brings a task back, as does what `explore` tries. To keep one on: `enabled = \"on\"` under \
             `[tasks.{}]` in config.toml.",
            first.task
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Outcome, OutcomeKind, Source, Suggested};

    #[test]
    fn what_is_switched_off_is_said_with_its_figures_in_words_and_as_json() {
        let (ledger, _) = Ledger::open(None);
        for (task, language, dismissed) in [(Task::Comment, "python", 100), (Task::Line, "rust", 20)] {
            for _ in 0..dismissed {
                let id = ledger.suggested(Suggested {
                    source: Source::Embedded,
                    model: EMBEDDED.into(),
                    call: None,
                    task,
                    language: language.into(),
                    chars: 9,
                    tokens: 3,
                    truncated: false,
                    probability: None,
                });
                ledger.settled(Outcome { id, kind: OutcomeKind::Dismissed, chars: 0 });
            }
        }
        let settings = Settings::default();
        let off = SwitchedOff::of(&ledger, &settings, &settings.models());
        let json = serde_json::to_value(&off).unwrap();
        assert_eq!(json.as_array().map(Vec::len), Some(1), "{json}");
        assert_eq!((&json[0]["task"], &json[0]["language"]), (&"comment".into(), &"python".into()));
        assert!(json[0]["at_most"].as_f64().is_some_and(|most| most < 0.05), "{json}");
        let mut out = Vec::new();
        off.print(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("`comment` in python: 0 of 79 taken"), "{text}");
        let mut out = Vec::new();
        SwitchedOff::default().print(&mut out).unwrap();
        assert!(out.is_empty());
    }
}

//! Reports what was learned about models, as the router uses it. It leaves learning to the ledger and routing to `core::route`.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use pennyworth_core::confidence::{Bin, Confidence};
use pennyworth_core::models::Models;
use pennyworth_core::route::Acceptance;
use pennyworth_core::task::Task;
use serde::Serialize;

use crate::learn::EMBEDDED;
use crate::ledger::{KnownStanding, Ledger, ModelConfidence};

/// The share of the embedded model's suggestions that is expected to be accepted before any was shown.
const OF_EMBEDDED: f64 = 0.25;

/// What was learned.
#[derive(Debug, Default, Serialize)]
pub struct Learned {
    routes: Vec<Route>,
    sureness: Vec<Sure>,
}

/// What was learned about a model for a task and language.
#[derive(Debug, Serialize)]
struct Route {
    task: Task,
    language: String,
    model: String,
    /// Suggestions shown and accepted; older ones count less.
    shown: f64,
    accepted: f64,
    /// The router's estimate from these; `None` for a model that is no longer in the tables.
    acceptance: Option<Acceptance>,
    wait_ms: Option<u32>,
    cached_share: f64,
}

/// How often a model is right, compared with the probability it states.
#[derive(Debug, Serialize)]
struct Sure {
    model: String,
    confidence: Confidence,
    bins: Vec<Bin>,
}

impl Learned {
    /// Reads it from the ledger; the models give the tiers.
    pub fn read(ledger: &Ledger, models: &Models) -> Learned {
        ledger.flush();
        Learned::of(ledger.known(), ledger.model_confidences(), models)
    }

    fn of(known: Vec<KnownStanding>, sureness: Vec<ModelConfidence>, models: &Models) -> Learned {
        let prior = |model: &str, task| match model {
            EMBEDDED => Some(OF_EMBEDDED),
            _ => models.get(model).map(|model| models.prior(model, task).mean),
        };
        let route = |KnownStanding { task, language, model, standing }: KnownStanding| Route {
            acceptance: prior(&model, task).map(|prior| standing.acceptance(prior)),
            shown: standing.shown,
            accepted: standing.accepted,
            wait_ms: standing.wait_ms,
            cached_share: standing.cached_share,
            task,
            language,
            model,
        };
        let sure = |ModelConfidence { model, confidence, bins }| Sure { model, confidence, bins };
        Learned { routes: known.into_iter().map(route).collect(), sureness: sureness.into_iter().map(sure).collect() }
    }

    /// Prints it as tables.
    pub fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        if self.routes.is_empty() {
            return writeln!(out, "nothing was suggested yet");
        }
        writeln!(out, "acceptance as the router expects it; older suggestions count less")?;
        let header = ["task", "language", "model", "shown", "accepted", "expected", "wait ms", "cached"];
        let rows = self.routes.iter().map(|route| {
            let expected = route
                .acceptance
                .map(|Acceptance { mean, deviation }| format!("{:.0} ± {:.0} %", mean * 100.0, deviation * 100.0));
            vec![
                route.task.to_string(),
                route.language.clone(),
                route.model.clone(),
                format!("{:.1}", route.shown),
                format!("{:.1}", route.accepted),
                expected.unwrap_or_else(|| "-".into()),
                route.wait_ms.map_or_else(|| "-".into(), |wait| wait.to_string()),
                if route.cached_share > 0.0 { percent(route.cached_share) } else { "-".into() },
            ]
        });
        writeln!(out, "\n{}", table(&header, 3, rows))?;
        if self.sureness.is_empty() {
            return Ok(());
        }
        writeln!(out, "\nhow often answers were right, by the probability that the model stated")?;
        let header = ["model", "answers", "stated", "right", "corrected"];
        let rows = self.sureness.iter().flat_map(|sure| {
            sure.bins.iter().map(|bin| {
                let count = bin.count.to_string();
                vec![sure.model.clone(), count, percent(bin.said), percent(bin.right), percent(bin.corrected)]
            })
        });
        writeln!(out, "\n{}", table(&header, 1, rows))
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A table whose columns after the first `names` are numbers.
fn table(header: &[&str], names: usize, rows: impl Iterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header);
    rows.for_each(|row| {
        table.add_row(row);
    });
    for column in table.column_iter_mut().skip(names) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use pennyworth_core::confidence::Fate;
    use pennyworth_core::route::Standing;

    use super::*;

    #[test]
    fn what_was_learned_is_said_in_words_and_as_json() {
        let standing =
            Standing { shown: 80.0, accepted: 40.0, cached_share: 0.5, wait_ms: Some(180), ..Standing::default() };
        let known =
            |model: &str| KnownStanding { task: Task::Line, language: "rust".into(), model: model.into(), standing };
        let fates = [Fate { said: 0.9, right: true }; 10];
        let confidence = Confidence::fitted(fates.iter());
        let sureness =
            vec![ModelConfidence { model: EMBEDDED.into(), confidence, bins: confidence.bins(fates.iter()) }];
        let learned = Learned::of(vec![known(EMBEDDED), known("gone")], sureness, &Models::builtin());
        let mut out = Vec::new();
        learned.print(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<String> =
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        for expected in [
            "line rust embedded 80.0 40.0 45 ± 5 % 180 50 %",
            "line rust gone 80.0 40.0 - 180 50 %",
            "embedded 10 90 % 100 % 94 %",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected}\n{lines:#?}");
        }
        let json = serde_json::to_value(&learned).unwrap();
        assert_eq!(json["routes"][0]["acceptance"]["mean"], 0.45);
        assert_eq!(json["sureness"][0]["bins"][0]["count"], 10);
        let mut out = Vec::new();
        Learned::of(Vec::new(), Vec::new(), &Models::builtin()).print(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "nothing was suggested yet\n");
    }
}

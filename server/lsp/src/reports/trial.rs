//! The report of a trial: a row per candidate, a row per task and candidate, and which differences are more than chance; as text and as JSON. It leaves
//! the figures to `core::trial`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use pennyworth_core::money::Money;
use pennyworth_core::task::Task;
use pennyworth_core::trial::{Answer, Difference, Estimate, Figures, compare};
use serde::Serialize;
use serde_json::{Value, json};

use super::words::counted;
use crate::ledger::{self, Missing};

/// A candidate with its answers.
#[derive(Clone, Debug, Default)]
pub struct Entrant {
    /// Its name.
    pub name: String,
    /// What it answered.
    pub answers: Vec<Answer>,
    /// How often there was no answer to judge, by reason: its provider failed, or it was not asked.
    pub unjudged: BTreeMap<String, usize>,
    /// How many answers may still come of a batch.
    pub waiting: usize,
}

/// A trial.
#[derive(Clone, Debug, Default)]
pub struct Trial {
    /// Its number.
    pub id: i64,
    /// The seed of its holes; `None` of a trial that was kept.
    pub seed: Option<u64>,
    /// What the holes are, in a few words.
    pub holes: String,
    /// The candidates, and those of an earlier trial.
    pub entrants: Vec<Entrant>,
}

/// Two candidates at the same holes; the first saves no less than the second.
#[derive(Serialize)]
struct Pair<'a> {
    one: &'a str,
    other: &'a str,
    task: Option<Task>,
    #[serde(flatten)]
    difference: Difference,
    /// Whether the characters that they save differ by more than chance.
    is_more_than_chance: bool,
}

impl Trial {
    /// A trial that the ledger kept.
    pub fn kept(trial: ledger::Trial) -> Trial {
        let ledger::Trial { id, mut candidates, missing } = trial;
        for name in missing.keys() {
            candidates.entry(name.clone()).or_default();
        }
        let entrant = |(name, answers)| {
            let mut entrant = Entrant { name, answers, ..Entrant::default() };
            entrant.missing(missing.get(&entrant.name));
            entrant
        };
        let entrants: Vec<Entrant> = candidates.into_iter().map(entrant).collect();
        let holes: BTreeSet<u64> = entrants.iter().flat_map(|one| &one.answers).map(|answer| answer.hole).collect();
        // Of holes without an answer only their number is known.
        let most = entrants.iter().map(Entrant::asked).max().unwrap_or_default().max(holes.len());
        Trial { id, seed: None, holes: counted(most as u64, "hole"), entrants }
    }

    /// Its candidates, each with the trial's number.
    pub fn into_entrants(self) -> impl Iterator<Item = (i64, Entrant)> {
        self.entrants.into_iter().map(move |entrant| (self.id, entrant))
    }

    fn tasks(&self) -> BTreeSet<Task> {
        self.entrants.iter().flat_map(|entrant| &entrant.answers).map(|answer| answer.task).collect()
    }

    fn pairs(&self, task: Option<Task>) -> Vec<Pair<'_>> {
        let mut pairs = Vec::new();
        for (number, one) in self.entrants.iter().enumerate() {
            for other in self.entrants.iter().skip(number + 1) {
                let Some(difference) = compare(&one.of(task), &other.of(task)) else { continue };
                let (one, other, difference) = match difference.saved.value < 0.0 {
                    false => (one, other, Some(difference)),
                    true => (other, one, compare(&other.of(task), &one.of(task))),
                };
                let Some(difference) = difference else { continue };
                let is_more_than_chance = difference.saved.is_more_than_chance();
                pairs.push(Pair { one: &one.name, other: &other.name, task, difference, is_more_than_chance });
            }
        }
        pairs
    }

    /// As one JSON object.
    pub fn as_json(&self) -> Value {
        let tasks = self.tasks();
        let candidates = self.entrants.iter().map(|entrant| {
            let by_task: BTreeMap<&str, Figures> = tasks
                .iter()
                .map(|task| (task.name(), entrant.of(Some(*task))))
                .filter(|(_, answers)| !answers.is_empty())
                .map(|(name, answers)| (name, Figures::of(&answers)))
                .collect();
            json!({"name": entrant.name, "all": Figures::of(&entrant.of(None)), "tasks": by_task, "unjudged": entrant.unjudged,
                "waiting": entrant.waiting})
        });
        let differences: Vec<Pair<'_>> =
            std::iter::once(None).chain(tasks.iter().copied().map(Some)).flat_map(|task| self.pairs(task)).collect();
        json!({"trial": self.id, "seed": self.seed, "holes": self.holes, "candidates": candidates.collect::<Vec<_>>(),
            "differences": differences})
    }

    /// Prints it for a person.
    pub fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "trial {}: {}", self.id, self.holes)?;
        let all: Vec<&Entrant> = self.entrants.iter().filter(|entrant| !entrant.answers.is_empty()).collect();
        if all.is_empty() {
            return self.print_unjudged(out);
        }
        let of_all = all.iter().map(|entrant| cells(&entrant.name, None, &entrant.of(None)));
        writeln!(
            out,
            "\n{}",
            table(
                &HEADER,
                1,
                of_all.map(|mut cells| {
                    cells.remove(1);
                    cells
                }),
                Some(1)
            )
        )?;
        let of_tasks = self.tasks().into_iter().flat_map(|task| {
            let rows = all.iter().map(move |entrant| (entrant, entrant.of(Some(task))));
            rows.filter(|(_, answers)| !answers.is_empty())
                .map(move |(entrant, answers)| cells(&entrant.name, Some(task), &answers))
        });
        writeln!(out, "\n{}", table(&HEADER, 2, of_tasks, None))?;
        let pairs = self.pairs(None);
        if !pairs.is_empty() {
            writeln!(out, "\nby how much the first is better, at the same holes")?;
            let header = ["first", "second", "holes", "right", "saved", "alike", "cost of a hole", ""];
            let rows = pairs.iter().map(|Pair { one, other, difference, is_more_than_chance, .. }| {
                let verdict = if *is_more_than_chance { "more than chance" } else { "may be chance" };
                vec![
                    (*one).to_owned(),
                    (*other).to_owned(),
                    difference.holes.to_string(),
                    percent(&difference.right),
                    ranged(&difference.saved, |value| format!("{value:.1}")),
                    ranged(&difference.similarity, |value| format!("{value:.2}")),
                    usd(difference.usd.value),
                    verdict.to_owned(),
                ]
            });
            writeln!(out, "\n{}", table(&header, 2, rows, None))?;
        }
        writeln!(
            out,
            "\nIn brackets: the interval that holds the true figure 95 times of 100. Saved: characters of right lines at a hole. No code was run."
        )?;
        if all.iter().flat_map(|entrant| &entrant.answers).any(|answer| answer.wait_ms.is_none()) {
            writeln!(
                out,
                "Nobody waited for the answers that came in batches, so their waits are not known, and not counted."
            )?;
        }
        self.print_unjudged(out)
    }

    fn print_unjudged(&self, out: &mut impl Write) -> std::io::Result<()> {
        for Entrant { name, unjudged, waiting, .. } in &self.entrants {
            if *waiting > 0 {
                writeln!(
                    out,
                    "{name}: {} may still come; `pennyworth jobs` asks for them",
                    counted(*waiting as u64, "answer")
                )?;
            }
            for (why, count) in unjudged {
                writeln!(out, "{name}: no answer to judge at {}: {why}", counted(*count as u64, "hole"))?;
            }
        }
        Ok(())
    }
}

impl Entrant {
    /// Counts a hole without an answer to judge.
    pub fn unjudged(&mut self, why: impl Into<String>) {
        *self.unjudged.entry(why.into()).or_default() += 1;
    }

    /// Adds what is missing of the answers that it was asked for in a batch.
    pub fn missing(&mut self, missing: Option<&Missing>) {
        if let Some(Missing { waiting, unjudged }) = missing {
            self.waiting += waiting;
            unjudged.iter().for_each(|(why, count)| *self.unjudged.entry(why.clone()).or_default() += count);
        }
    }

    /// The holes at which it was asked.
    fn asked(&self) -> usize {
        self.answers.len() + self.waiting + self.unjudged.values().sum::<usize>()
    }

    /// Its answers, those of a task alone if there is one, in an order that is always the same: what is drawn of them then is, too.
    fn of(&self, task: Option<Task>) -> Vec<&Answer> {
        let mut answers: Vec<&Answer> =
            self.answers.iter().filter(|answer| task.is_none_or(|task| answer.task == task)).collect();
        answers.sort_by_key(|answer| answer.hole);
        answers
    }
}

const HEADER: [&str; 14] = [
    "model",
    "task",
    "holes",
    "shown",
    "right",
    "first line",
    "saved",
    "alike",
    "p50 ms",
    "p95 ms",
    "in",
    "out",
    "cost",
    "per 1,000 right",
];

fn cells(name: &str, task: Option<Task>, answers: &[&Answer]) -> Vec<String> {
    let figures = Figures::of(answers);
    let wait = |wait: Option<u32>| wait.map_or_else(|| "-".to_owned(), |wait| wait.to_string());
    vec![
        name.to_owned(),
        task.map_or("all", Task::name).to_owned(),
        figures.holes.to_string(),
        figures.shown.to_string(),
        percent(&figures.right),
        percent(&figures.first_line),
        ranged(&figures.saved, |value| format!("{value:.1}")),
        ranged(&figures.similarity, |value| format!("{value:.2}")),
        wait(figures.wait_p50_ms),
        wait(figures.wait_p95_ms),
        figures.input.to_string(),
        figures.output.to_string(),
        usd(figures.cost_usd),
        figures.usd_per_1000.map_or_else(|| "-".to_owned(), |per| ranged(&per, usd)),
    ]
}

fn percent(share: &Estimate) -> String {
    let whole = |share: f64| format!("{:.0}", share * 100.0);
    match (share.low, share.high) {
        (Some(low), Some(high)) if low < high => {
            format!("{} % ({} to {})", whole(share.value), whole(low), whole(high))
        }
        _ => format!("{} %", whole(share.value)),
    }
}

fn ranged(estimate: &Estimate, form: impl Fn(f64) -> String) -> String {
    match (estimate.low, estimate.high) {
        (Some(low), Some(high)) if low < high => format!("{} ({} to {})", form(estimate.value), form(low), form(high)),
        _ => form(estimate.value),
    }
}

fn usd(amount: f64) -> String {
    if amount == 0.0 { "-".to_owned() } else { Money::from_usd(amount).to_string() }
}

/// A table whose columns after the first `names` are numbers; `without` is a column that it has not.
fn table(header: &[&str], names: usize, rows: impl Iterator<Item = Vec<String>>, without: Option<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().enumerate().filter(|(at, _)| Some(*at) != without).map(|(_, name)| *name));
    table.add_rows(rows);
    for column in table.column_iter_mut().skip(names) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

#[cfg(test)]
mod tests {
    use pennyworth_core::trial::marks;

    use super::*;

    fn entrant(name: &str, right: u64, cost: f64) -> Entrant {
        let answers = (0..40).map(|hole| Answer {
            hole,
            task: if hole % 2 == 0 { Task::Line } else { Task::Argument },
            language: "rust".into(),
            shown: true,
            marks: marks("call(a, b)", Some(if hole < right { "call(a, b)" } else { "call(b)" })),
            wait_ms: Some(100),
            input: 500,
            output: 5,
            cost: Money::from_usd(cost),
        });
        Entrant { name: name.into(), answers: answers.collect(), ..Entrant::default() }
    }

    fn trial(entrants: Vec<Entrant>) -> Trial {
        Trial { id: 7, seed: Some(1), holes: "40 holes".into(), entrants }
    }

    fn printed(trial: &Trial) -> String {
        let mut out = Vec::new();
        trial.print(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_better_one_is_named_first_and_chance_is_told_from_more() {
        let told = printed(&trial(vec![entrant("a", 10, 0.001), entrant("b", 30, 0.0), entrant("c", 11, 0.0)]));
        let line = |names: [&str; 2]| {
            let is_it = |line: &&str| line.split_whitespace().take(2).eq(names);
            told.lines().find(is_it).unwrap_or_else(|| panic!("{names:?}\n{told}")).trim_end().to_owned()
        };
        assert!(line(["b", "a"]).ends_with("more than chance"), "{told}");
        assert!(line(["c", "a"]).ends_with("may be chance"), "{told}");
        assert!(line(["a", "40"]).contains("25 % (14 to 40)") && line(["a", "40"]).contains("$0.40 ("), "{told}");
        assert!(line(["a", "line"]).contains(" 20 "), "{told}");
        assert!(told.lines().all(|line| line.trim_end().chars().count() < 200), "{told}");
    }

    #[test]
    fn what_was_not_judged_is_said_and_the_rest_is_json() {
        let mut failed = entrant("down", 0, 0.0);
        failed.answers.clear();
        failed.unjudged.insert("its provider fails".into(), 3);
        let told = printed(&trial(vec![failed.clone()]));
        assert_eq!(told, "trial 7: 40 holes\ndown: no answer to judge at 3 holes: its provider fails\n");
        let json = trial(vec![entrant("a", 40, 0.0), failed]).as_json();
        assert_eq!(json.pointer("/candidates/0/tasks/line/right/value"), Some(&json!(1.0)));
        assert_eq!(json.pointer("/candidates/1/unjudged/its provider fails"), Some(&json!(3)));
        assert_eq!(json["differences"], json!([]));
    }

    #[test]
    fn what_may_still_come_is_said_and_no_wait_is_made_up() {
        let mut later = entrant("later", 20, 0.001);
        later.answers.truncate(12);
        later.answers.iter_mut().for_each(|answer| answer.wait_ms = None);
        later.waiting = 28;
        let trial = trial(vec![later, entrant("now", 20, 0.001)]);
        let told = printed(&trial);
        assert!(told.contains("later: 28 answers may still come; `pennyworth jobs` asks for them\n"), "{told}");
        assert!(told.contains("their waits are not known, and not counted"), "{told}");
        let json = trial.as_json();
        assert_eq!(json.pointer("/candidates/0/waiting"), Some(&json!(28)));
        let wait = |at: usize| json.pointer(&format!("/candidates/{at}/all/wait_p50_ms")).cloned();
        assert_eq!((wait(0), wait(1)), (Some(Value::Null), Some(json!(100))));
    }
}

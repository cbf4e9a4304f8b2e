//! What a run of the evaluation prints: a row for each helper, why keys were typed, wrong suggestions, and the curve.

use std::io::{self, Write};

use pennyworth_tests::fake_provider::Bill;

use crate::tally::Tally;

/// US dollars for a million tokens.
pub(crate) struct Prices {
    pub(crate) input: f64,
    pub(crate) cached: f64,
    pub(crate) output: f64,
}

/// The prices of the model, as of a cheap cloud model.
pub(crate) const PRICES: Prices = Prices { input: 0.15, cached: 0.075, output: 0.60 };

/// Columns of the curve's bars.
const BAR: f64 = 50.0;

/// The figures of a helper.
pub(crate) struct Row {
    pub(crate) name: String,
    /// Of the person who takes suggestions line by line, as all figures but one.
    pub(crate) tally: Tally,
    pub(crate) bill: Bill,
    /// Prompts that the model could not place.
    pub(crate) lost: u64,
    /// Of the person who takes only whole suggestions.
    pub(crate) whole: Tally,
}

impl Row {
    fn usd(&self) -> f64 {
        let Bill { input, cached, output, .. } = self.bill;
        let usd =
            (input - cached) as f64 * PRICES.input + cached as f64 * PRICES.cached + output as f64 * PRICES.output;
        usd / 1e6
    }

    /// US dollars for 1,000 accepted characters.
    fn cost(&self) -> f64 {
        self.usd() / self.tally.taken_chars as f64 * 1000.0
    }
}

/// Prints what is measured.
pub(crate) fn begin(out: &mut impl Write, files: usize, lines: usize, right: u64, latency_ms: u64) -> io::Result<()> {
    writeln!(
        out,
        "{files} files, {lines} lines of each; the model knows {right} % of the lines, first token after {latency_ms} ms"
    )
}

/// Prints a table with a row for each helper. `whole %` is what is saved by a person who takes only whole suggestions.
pub(crate) fn table(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    let mut head = format!("{:<20}", "");
    let columns = ["keys", "saved %", "whole %", "shown", "taken", "calls", "input", "cached", "output"];
    head.extend(columns.iter().map(|name| format!("{name:>9}")));
    writeln!(out, "{head}{:>10}{:>14}{:>13}", "USD", "USD/1,000 ch.", "wait p50 ms")?;
    for row in rows {
        let Row { name, tally, bill, whole, .. } = row;
        writeln!(
            out,
            "{name:<20}{:>9}{:>9.1}{:>9.1}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>10.5}{:>14.5}{:>13.1}",
            tally.keys,
            tally.saved(),
            whole.saved(),
            tally.shown,
            tally.taken,
            bill.calls,
            bill.input,
            bill.cached,
            bill.output,
            row.usd(),
            row.cost(),
            tally.wait(),
        )?;
    }
    writeln!(out)
}

/// Prints why each helper's keys were typed, and how often it was wrong though the model was right.
pub(crate) fn reasons(out: &mut impl Write, rows: &[Row], verbose: bool) -> io::Result<()> {
    for Row { name, tally, lost, .. } in rows {
        writeln!(out, "{name}: {} suggestions wrong though the model was right; keys typed:", tally.wrong_ends.len())?;
        for (reason, keys) in &tally.reasons {
            writeln!(out, "  {keys:>6}  {}", reason.text())?;
        }
        if *lost > 0 {
            writeln!(
                out,
                "  {lost} prompts were answered with nothing, because they hold another text than the file's"
            )?;
        }
        for wrong in tally.wrong_ends.iter().filter(|_| verbose) {
            writeln!(out, "  {}\n    offered {:?}\n    truth   {:?}", wrong.place, wrong.offered, wrong.truth)?;
        }
    }
    writeln!(out)
}

/// Prints savings against cost, the cheapest point first.
pub(crate) fn curve(out: &mut impl Write, rows: &[Row]) -> io::Result<()> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by(|one, other| one.cost().total_cmp(&other.cost()));
    writeln!(
        out,
        "{:<20}{:>14}{:>9}{:>9}{:>9}{:>13}",
        "", "USD/1,000 ch.", "saved %", "whole %", "calls", "wait p50 ms"
    )?;
    for row in rows {
        let Row { name, tally, bill, whole, .. } = row;
        let (saved, wait) = (tally.saved(), tally.wait());
        let bar = "#".repeat((saved / 100.0 * BAR).max(0.0) as usize);
        writeln!(
            out,
            "{name:<20}{:>14.5}{saved:>9.1}{:>9.1}{:>9}{wait:>13.1}  {bar}",
            row.cost(),
            whole.saved(),
            bill.calls
        )?;
    }
    writeln!(out)
}

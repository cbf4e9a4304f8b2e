//! What the figures of the last month say to change: each piece of advice with what it saves, how sure that is, and the lines for `config.toml`. Each
//! kind has a file; nothing is said that chance explains. It leaves collecting figures to the ledger, and writing lines to `cli::advise`.

use std::io::Write;

use pennyworth_core::money::Money;

mod caps;
mod ceilings;
mod dearer;
mod evidence;
mod piece;
mod prices;
mod thresholds;
mod untaken;
mod waiting;

pub use evidence::{Evidence, Lately};
pub use piece::{Advice, Line, Saving, Value};

use crate::reports::words::counted;

/// All advice, what saves most first.
pub fn advice(evidence: &Evidence<'_>) -> Vec<Advice> {
    let kinds = [
        untaken::advice,
        dearer::advice,
        waiting::advice,
        prices::advice,
        caps::advice,
        ceilings::advice,
        thresholds::advice,
    ];
    let mut all: Vec<Advice> = kinds.iter().flat_map(|kind| kind(evidence)).collect();
    all.sort_by_key(|advice| std::cmp::Reverse(advice.saving.map_or(Money::ZERO, |saving| saving.expected)));
    all
}

/// Prints it for a person.
pub fn print(all: &[Advice], evidence: &Evidence<'_>, out: &mut impl Write) -> std::io::Result<()> {
    let looked_at = counted(evidence.report.total.calls, "call");
    if all.is_empty() {
        return writeln!(out, "nothing to change, by {looked_at} of the last {}", counted(evidence.days.into(), "day"));
    }
    for (number, Advice { text, saving, lines }) in all.iter().enumerate() {
        writeln!(out, "{}. {text}.", number + 1)?;
        if let Some(Saving { expected, low, high }) = saving {
            writeln!(out, "   It saves {expected} a month ({low} to {high}).")?;
        }
        lines.iter().try_for_each(|line| writeln!(out, "       {line}"))?;
    }
    writeln!(
        out,
        "\nBy {looked_at} of the last {}. `pennyworth advise --apply` writes the lines into config.toml.",
        counted(evidence.days.into(), "day")
    )
}

#[cfg(test)]
mod tests;

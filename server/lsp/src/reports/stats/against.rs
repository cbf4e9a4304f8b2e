//! What the ledger has beside what the provider says, by days in UTC: the difference in per cent, and what explains it. It leaves asking the provider to the
//! command, and adding up to the ledger.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use pennyworth_core::money::Money;
use pennyworth_providers::Charged;
use serde::Serialize;

use crate::ledger::Charges;
use crate::reports::words::counted;

/// A difference that needs no explanation: prices and tokens are rounded.
const ROUNDED: f64 = 0.5;

/// A ledger beside its provider.
#[derive(Debug, Serialize)]
pub struct Against {
    /// The provider's host and port.
    provider: String,
    /// Of each day, or of today and this month.
    spans: Vec<Span>,
}

/// A day or a month in both books.
#[derive(Debug, Serialize)]
struct Span {
    /// `YYYY-MM-DD` or `YYYY-MM`, in UTC.
    span: String,
    ledger_usd: f64,
    provider_usd: f64,
    /// How much more the ledger has, in per cent of what the provider says; `None` if that is nothing.
    difference_percent: Option<f64>,
    ledger_calls: u64,
    provider_calls: Option<u64>,
    /// What explains the difference.
    why: Vec<String>,
}

impl Against {
    /// Compares the days of the ledger with what the provider said.
    pub fn new(provider: &str, days: &[Charges], said: &[Charged]) -> Against {
        let mut spans: Vec<Span> = said.iter().map(|said| span(said, &sum(days, &said.span))).collect();
        // Days of which the provider says nothing, if it tells days at all.
        let is_told = |day: &Charges| said.iter().any(|said| day.day.starts_with(&said.span));
        if said.is_empty() || said.iter().any(|said| said.calls.is_some()) {
            let untold = days.iter().filter(|day| !is_told(day));
            spans.extend(untold.map(|day| span(&Charged { span: day.day.clone(), ..Charged::default() }, day)));
        }
        spans.sort_by(|one, other| one.span.cmp(&other.span));
        Against { provider: provider.to_owned(), spans }
    }

    /// Prints it as a table, and below it what explains each difference.
    pub fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        if self.spans.is_empty() {
            return writeln!(out, "neither the ledger nor {} has a call in these days", self.provider);
        }
        writeln!(out, "the ledger beside {}, in days of UTC\n", self.provider)?;
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["day", "ledger", "provider", "difference", "calls here", "calls there"]);
        let rows = self.spans.iter().map(|span| {
            let money = |usd| Money::from_usd(usd).to_string();
            let percent = |percent: f64| format!("{percent:+.1} %");
            [
                span.span.clone(),
                money(span.ledger_usd),
                money(span.provider_usd),
                span.difference_percent.map_or_else(|| "-".into(), percent),
                span.ledger_calls.to_string(),
                span.provider_calls.map_or_else(|| "-".into(), |calls| calls.to_string()),
            ]
        });
        table.add_rows(rows);
        table.column_iter_mut().skip(1).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
        writeln!(out, "{table}")?;
        for Span { span, why, .. } in &self.spans {
            why.iter().try_for_each(|why| writeln!(out, "{span}: {why}"))?;
        }
        Ok(())
    }
}

/// The sum of the days that begin so.
fn sum(days: &[Charges], span: &str) -> Charges {
    let mut sum = Charges::default();
    for day in days.iter().filter(|day| day.day.starts_with(span)) {
        sum.calls += day.calls;
        sum.cost += day.cost;
        sum.estimated += day.estimated;
        sum.open += day.open;
        sum.lost += day.lost;
        sum.input += day.input;
        sum.output += day.output;
    }
    sum
}

fn span(said: &Charged, here: &Charges) -> Span {
    let ledger_usd = here.cost.usd();
    let difference = (said.usd > 0.0).then(|| 100.0 * (ledger_usd - said.usd) / said.usd);
    let differs = difference.map_or(ledger_usd > 0.0, |percent| percent.abs() > ROUNDED);
    Span {
        span: said.span.clone(),
        ledger_usd,
        provider_usd: said.usd,
        difference_percent: difference,
        ledger_calls: here.calls,
        provider_calls: said.calls,
        why: if differs { why(said, here) } else { Vec::new() },
    }
}

/// What explains a difference, as far as both books tell.
fn why(said: &Charged, here: &Charges) -> Vec<String> {
    let mut why = Vec::new();
    let is_more = here.cost.usd() > said.usd;
    if here.estimated > Money::ZERO {
        why.push(format!("{} of the ledger's are estimates: the provider sent no usage", here.estimated));
    }
    if here.open > 0 {
        why.push(format!("{} still open here, and without a cost", is_or_are(here.open)));
    }
    if here.lost > 0 {
        why.push(format!("{} charged by estimate, because the process was killed", was_or_were(here.lost)));
    }
    if said.elsewhere_usd > 0.0 {
        let usd = Money::from_usd(said.elsewhere_usd);
        why.push(format!("{usd} went to other companies by keys of your own, and is not in the provider's figure"));
    }
    let agrees = said.tokens.map(|(input, output)| is_near(here.input, input) && is_near(here.output, output));
    match (said.calls, agrees) {
        (Some(calls), _) if calls > here.calls => {
            why.push(format!(
                "{} there that no ledger here has: other programs use the same key",
                counted(calls - here.calls, "call")
            ));
        }
        (Some(calls), _) if calls < here.calls => {
            let more = counted(here.calls - calls, "call");
            why.push(format!("{more} here that the provider does not count yet, or counts on the next day: a call stands here where it began"));
        }
        (Some(_), Some(true)) => {
            why.push("calls and tokens agree, so the prices differ: see `pennyworth models refresh`".to_owned());
        }
        (Some(_), Some(false)) => {
            why.push("the calls agree and the tokens do not: aborted calls are counted differently".to_owned())
        }
        (Some(_), None) => {}
        (None, _) if !is_more && why.is_empty() => {
            why.push(
                "the provider has more: other programs use the same key, or this ledger is not the only one".to_owned(),
            );
        }
        (None, _) if is_more && why.is_empty() => {
            why.push("the ledger has more: several keys are used, or the prices here are too high (`pennyworth models refresh`)".to_owned());
        }
        (None, _) => {}
    }
    why
}

/// Whether two counts differ by less than one in fifty.
fn is_near(one: u64, other: u64) -> bool {
    one.abs_diff(other) * 50 <= one.max(other)
}

fn is_or_are(calls: u64) -> String {
    format!("{} {}", counted(calls, "call"), if calls == 1 { "is" } else { "are" })
}

fn was_or_were(calls: u64) -> String {
    format!("{} {}", counted(calls, "call"), if calls == 1 { "was" } else { "were" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: &str, calls: u64, usd: f64) -> Charges {
        let (input, output) = (calls * 100, calls * 10);
        Charges { day: day.into(), calls, cost: Money::from_usd(usd), input, output, ..Charges::default() }
    }

    fn said(span: &str, calls: Option<u64>, usd: f64) -> Charged {
        let tokens = calls.map(|calls| (calls * 100, calls * 10));
        Charged { span: span.into(), usd, calls, tokens, elsewhere_usd: 0.0 }
    }

    fn why(days: &[Charges], said: &[Charged]) -> Vec<Vec<String>> {
        Against::new("example.com", days, said).spans.into_iter().map(|span| span.why).collect()
    }

    #[test]
    fn each_difference_has_its_reason_and_agreement_has_none() {
        let days = [day("2026-11-30", 10, 0.10), day("2026-12-01", 4, 0.04)];
        let spans = |said: &[Charged]| {
            let against = Against::new("example.com", &days, said);
            against.spans.iter().map(|span| (span.span.clone(), span.difference_percent)).collect::<Vec<_>>()
        };
        let of_key = [said("2026-12-01", None, 0.04), said("2026-12", None, 0.05)];
        assert_eq!(spans(&of_key)[0].0, "2026-12");
        assert!((spans(&of_key)[0].1.unwrap() + 20.0).abs() < 1e-6);
        let agreed = [said("2026-12-01", Some(4), 0.04), said("2026-11-30", Some(10), 0.1)];
        assert!(why(&days, &agreed).iter().all(Vec::is_empty));
        for (here, there, expected) in [
            (day("d", 4, 0.04), said("d", Some(6), 0.06), "2 calls there that no ledger here has"),
            (day("d", 4, 0.04), said("d", Some(3), 0.03), "1 call here that the provider does not count yet"),
            (day("d", 4, 0.04), said("d", Some(4), 0.06), "so the prices differ"),
            (day("d", 4, 0.04), said("d", None, 0.06), "the provider has more"),
            (day("d", 4, 0.08), said("d", None, 0.06), "the ledger has more"),
            (Charges { lost: 1, ..day("d", 4, 0.08) }, said("d", None, 0.06), "1 call was charged by estimate"),
            (Charges { open: 2, ..day("d", 4, 0.04) }, said("d", None, 0.06), "2 calls are still open here"),
            (
                Charges { estimated: Money::from_usd(0.02), ..day("d", 4, 0.08) },
                said("d", None, 0.06),
                "$0.020 of the ledger's are estimates",
            ),
            (
                day("d", 4, 0.08),
                Charged { elsewhere_usd: 0.02, ..said("d", None, 0.06) },
                "$0.020 went to other companies",
            ),
        ] {
            let found = why(&[here], &[there]).concat().join("; ");
            assert!(found.contains(expected), "{expected}: {found}");
        }
    }

    #[test]
    fn a_day_of_which_the_provider_says_nothing_is_told() {
        let mut out = Vec::new();
        Against::new("example.com", &[day("2026-11-30", 10, 0.1)], &[]).print(&mut out).unwrap();
        let told = String::from_utf8(out).unwrap();
        assert!(told.contains("2026-11-30   $0.10     $0.00           -          10"), "{told}");
        let mut out = Vec::new();
        Against::new("example.com", &[], &[]).print(&mut out).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "neither the ledger nor example.com has a call in these days\n");
    }
}

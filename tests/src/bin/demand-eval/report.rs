//! What `demand-eval` prints: a row for each language and task, and the totals with the goals. It leaves the figures to `prompts`.

use std::collections::BTreeMap;
use std::io::Write;

use pennyworth_core::task::Task;

use crate::prompts::Figures;

/// Most tokens that prompts have, of the files whole, and fewest names that they explain.
const TOKENS: f64 = 0.35;
const NAMES: f64 = 0.80;

/// All figures by task and language.
#[derive(Default)]
pub(crate) struct Report(BTreeMap<(Task, &'static str), Vec<Figures>>);

impl Report {
    /// Adds a change or an item.
    pub(crate) fn add(&mut self, family: &'static str, task: Task, figures: Figures) {
        self.0.entry((task, family)).or_default().push(figures);
    }

    /// Prints the table.
    pub(crate) fn print(&self, missing: usize, out: &mut impl Write) -> anyhow::Result<()> {
        writeln!(
            out,
            "\n{:<10} {:<11}{:>6}{:>9}{:>9}{:>9}{:>8}{:>8}{:>8}{:>8}{:>8}{:>10}{:>9}",
            "task",
            "language",
            "asked",
            "prompts",
            "tokens",
            "whole",
            "share",
            "median",
            "o200k",
            "names",
            "share",
            "members",
            "share"
        )?;
        let mut totals: BTreeMap<bool, Vec<Figures>> = BTreeMap::new();
        for ((task, family), all) in &self.0 {
            row(out, &task.to_string(), family, all)?;
            totals.entry(*task == Task::Review).or_default().extend(all.iter().cloned());
            let names = all.iter().flat_map(|figures| &figures.missing);
            names.take(missing).try_for_each(|name| writeln!(out, "    {name}"))?;
        }
        for (is_review, all) in totals.iter().rev() {
            row(out, if *is_review { "diffs" } else { "items" }, "all", all)?;
        }
        for (is_review, all) in totals.iter().rev() {
            parts(out, if *is_review { "diffs" } else { "items" }, &sum(all))?;
        }
        for all in totals.iter().filter(|(is_review, _)| **is_review).map(|(_, all)| sum(all)) {
            writeln!(
                out,
                "diffs of several requests: {:.1} % of the tokens of each request but the first are those that it begins with as the others do",
                share(all.alike, all.following) * 100.0
            )?;
        }
        let all: Vec<Figures> = totals.into_values().flatten().collect();
        row(out, "all", "all", &all)?;
        let sum = sum(&all);
        let said = |is_met: bool| if is_met { "met" } else { "missed" };
        let (explained, of) = (sum.explained + sum.explained_members, sum.names + sum.members);
        let (tokens, names) = (share(sum.sent, sum.whole), share(explained as u64, of as u64));
        let (most, least) = (TOKENS * 100.0, NAMES * 100.0);
        writeln!(out, "goal: at most {most:.0} % of the tokens of whole files: {}", said(tokens <= TOKENS))?;
        let names_said = said(names >= NAMES);
        writeln!(
            out,
            "goal: at least {least:.0} % of names and members explained: {:.1} %, {names_said}",
            names * 100.0
        )?;
        Ok(())
    }
}

/// What the tokens are spent on.
fn parts(out: &mut impl Write, name: &str, sum: &Figures) -> anyhow::Result<()> {
    let kinds = sum.parts.iter().map(|(kind, tokens)| format!("{kind:?} {:.0} %", share(*tokens, sum.sent) * 100.0));
    Ok(writeln!(out, "tokens of {name}: {}", kinds.collect::<Vec<_>>().join(", "))?)
}

fn sum(all: &[Figures]) -> Figures {
    all.iter().fold(Figures::default(), |mut sum, figures| {
        sum.add(figures);
        sum
    })
}

fn share(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn row(out: &mut impl Write, task: &str, family: &str, all: &[Figures]) -> anyhow::Result<()> {
    let sum = sum(all);
    let mut shares: Vec<f64> = all.iter().map(|figures| share(figures.sent, figures.whole)).collect();
    shares.sort_by(f64::total_cmp);
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let counted = |part: usize, whole: usize| percent(share(part as u64, whole as u64));
    Ok(writeln!(
        out,
        "{task:<10} {family:<11}{:>6}{:>9}{:>9}{:>9}{:>8}{:>8}{:>8}{:>8}{:>8}{:>10}{:>9}",
        all.len(),
        sum.prompts,
        sum.sent,
        sum.whole,
        percent(share(sum.sent, sum.whole)),
        percent(shares.get(shares.len() / 2).copied().unwrap_or(0.0)),
        percent(share(sum.true_sent, sum.true_whole)),
        sum.names,
        counted(sum.explained, sum.names),
        sum.members,
        counted(sum.explained_members, sum.members),
    )?)
}

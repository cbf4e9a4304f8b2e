//! Ceilings, what they cost and cut off, and how they are fitted.

use std::collections::BTreeMap;
use std::io::Write;

use pennyworth_core::task::{Stop, Task, Tasks};

use crate::sample::Sample;

/// The highest ceiling that is tried.
const HIGHEST: u32 = 1024;

/// A ceiling for each task, in tokens.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ceilings(BTreeMap<Task, u32>);

/// What ceilings cost and cut off.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Figures {
    /// The mean ceiling.
    pub(crate) mean: f64,
    /// The share of continuations that are longer than their ceiling.
    pub(crate) cut_off: f64,
    /// The share of their tokens that fit.
    pub(crate) kept: f64,
}

impl Ceilings {
    /// The same ceiling for every task.
    pub(crate) fn fixed(tokens: u32) -> Ceilings {
        Ceilings::of(|_| tokens)
    }

    /// One ceiling for tasks that end with the line, one for the others.
    pub(crate) fn tiers(line: u32, block: u32) -> Ceilings {
        let tasks = Tasks::builtin();
        let ends_soon = |task| {
            let stops = &tasks.row(task).stop;
            stops.contains(&Stop::Newline) || stops.contains(&Stop::Statement)
        };
        Ceilings::of(|task| if ends_soon(task) { line } else { block })
    }

    /// The ceilings of a table.
    pub(crate) fn table(tasks: &Tasks) -> Ceilings {
        Ceilings::of(|task| tasks.row(task).max_tokens)
    }

    /// The highest ceilings to which feedback may raise a table's.
    pub(crate) fn most(tasks: &Tasks) -> Ceilings {
        Ceilings::of(|task| tasks.row(task).max)
    }

    fn of(tokens: impl Fn(Task) -> u32) -> Ceilings {
        Ceilings(Task::ALL.into_iter().map(|task| (task, tokens(task))).collect())
    }

    /// What these cost and cut off.
    pub(crate) fn figures<'a>(&self, samples: impl Iterator<Item = &'a Sample>) -> Figures {
        let (mut count, mut sum, mut cut_off, mut kept, mut all) = (0_u64, 0_u64, 0_u64, 0_u64, 0_u64);
        for sample in samples {
            let ceiling = self.0.get(&sample.given).copied().unwrap_or(0);
            count += 1;
            sum += u64::from(ceiling);
            cut_off += u64::from(sample.tokens > ceiling);
            kept += u64::from(sample.tokens.min(ceiling));
            all += u64::from(sample.tokens);
        }
        let of = |part: u64, whole: u64| part as f64 / whole.max(1) as f64;
        Figures { mean: of(sum, count), cut_off: of(cut_off, count), kept: of(kept, all) }
    }

    /// For each task the ceiling that minimises ceiling + λ × share cut off.
    fn fitted(samples: &[Sample], lambda: f64) -> Ceilings {
        Ceilings::of(|task| {
            let mut lengths: Vec<_> =
                samples.iter().filter(|sample| sample.given == task).map(|sample| sample.tokens).collect();
            lengths.sort_unstable();
            let total = lengths.len().max(1) as f64;
            let cost = |ceiling: u32| {
                let longer = lengths.len() - lengths.partition_point(|length| *length <= ceiling);
                f64::from(ceiling) + lambda * longer as f64 / total
            };
            (1..=HIGHEST).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(1)
        })
    }
}

/// Prints the figures of fitted ceilings for some λ, and the ceilings at the goals.
pub(crate) fn fit(samples: &[Sample], out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "     λ    mean   cut off")?;
    let lambdas = [250.0, 500.0, 750.0, 1000.0, 1500.0, 2000.0, 3000.0, 4000.0, 6000.0, 8000.0];
    for lambda in lambdas {
        let figures = Ceilings::fitted(samples, lambda).figures(samples.iter());
        writeln!(out, "{lambda:>6}   {:>5.0}   {:>5.1} %", figures.mean, figures.cut_off * 100.0)?;
    }
    for (goal, mean) in [("mean ≤ 90", 90.0), ("mean ≤ 150", 150.0)] {
        let within = |lambda: &u32| Ceilings::fitted(samples, f64::from(*lambda)).figures(samples.iter()).mean <= mean;
        // The mean rises with λ, so bisection finds the largest λ within the goal.
        let (mut low, mut high) = (1, 20_000);
        while low + 1 < high {
            let middle = (low + high) / 2;
            if within(&middle) { low = middle } else { high = middle }
        }
        let ceilings = Ceilings::fitted(samples, f64::from(low));
        let figures = ceilings.figures(samples.iter());
        writeln!(out, "{goal}: λ {low}, mean {:.0}, cut off {:.1} %", figures.mean, figures.cut_off * 100.0)?;
        for (task, ceiling) in &ceilings.0 {
            let places = samples.iter().filter(|sample| sample.given == *task).count();
            writeln!(out, "  {task:<12} {ceiling:>5}   ({places} places)")?;
        }
    }
    Ok(())
}

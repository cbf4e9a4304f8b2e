//! What the answers of a trial add up to, each figure with its interval, and whether two candidates differ by more than chance: both are asked at the same
//! holes, so the holes are drawn again in pairs. It leaves printing to the server.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::interval::{Interval, drawn_again, share};
use crate::money::Money;
use crate::task::Task;
use crate::trial::marks::Marks;

/// What a candidate answered at a hole.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The hole's number.
    pub hole: u64,
    /// The task there.
    pub task: Task,
    /// The language there.
    pub language: String,
    /// Whether there was an answer that the server would show.
    pub shown: bool,
    /// How right it is.
    pub marks: Marks,
    /// Milliseconds until it was there, or until none was to come. `None` if nobody waited: it came in a batch.
    pub wait_ms: Option<u32>,
    /// Tokens of the input.
    pub input: u64,
    /// Tokens of the output.
    pub output: u64,
    /// What it cost.
    pub cost: Money,
}

/// A figure with the interval that holds the true one 95 times of 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// The lower end of its interval; `None` where there are too few answers for one.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

impl Estimate {
    fn new(value: f64, interval: Option<Interval>) -> Estimate {
        let (low, high) = interval.map(|interval| (interval.low, interval.high)).unzip();
        Estimate { value, low, high }
    }

    /// Whether the interval lies on one side of 0, so that chance alone would give it less than 5 times of 100.
    pub fn is_more_than_chance(&self) -> bool {
        self.low.is_some_and(|low| low > 0.0) || self.high.is_some_and(|high| high < 0.0)
    }
}

/// What answers add up to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// The holes.
    pub holes: usize,
    /// Those with an answer that the server would show.
    pub shown: usize,
    /// The share of the holes at which it was wholly right.
    pub right: Estimate,
    /// The share at which its first line was.
    pub first_line: Estimate,
    /// The characters saved at a hole.
    pub saved: Estimate,
    /// The edit similarity at a hole; 0 without an answer.
    pub similarity: Estimate,
    /// The wait for an answer that half of them did not exceed, in milliseconds; `None` if no wait is known.
    pub wait_p50_ms: Option<u32>,
    /// The same for 95 of 100.
    pub wait_p95_ms: Option<u32>,
    /// Tokens of the input.
    pub input: u64,
    /// Tokens of the output.
    pub output: u64,
    /// What the answers cost, in US dollars.
    pub cost_usd: f64,
    /// The same per 1,000 right characters; `None` if there are none.
    pub usd_per_1000: Option<Estimate>,
}

impl Figures {
    /// Adds answers up.
    pub fn of(answers: &[&Answer]) -> Figures {
        let count = |of: fn(&Answer) -> bool| answers.iter().filter(|answer| of(answer)).count();
        let share = |part: usize| {
            let interval = share(part as u64, answers.len() as u64);
            Estimate::new(part as f64 / answers.len().max(1) as f64, Some(interval))
        };
        let mut waits: Vec<u32> =
            answers.iter().filter(|answer| answer.shown).filter_map(|answer| answer.wait_ms).collect();
        waits.sort_unstable();
        let wait = |share: f64| {
            let rank = (waits.len() as f64 * share).ceil() as usize;
            waits.get(rank.saturating_sub(1)).copied()
        };
        let cost: Money = answers.iter().map(|answer| answer.cost).sum();
        Figures {
            holes: answers.len(),
            shown: count(|answer| answer.shown),
            right: share(count(|answer| answer.marks.right)),
            first_line: share(count(|answer| answer.marks.first_line)),
            saved: mean(answers, |answer| f64::from(answer.marks.saved)),
            similarity: mean(answers, |answer| answer.marks.similarity),
            wait_p50_ms: wait(0.5),
            wait_p95_ms: wait(0.95),
            input: answers.iter().map(|answer| answer.input).sum(),
            output: answers.iter().map(|answer| answer.output).sum(),
            cost_usd: cost.usd(),
            usd_per_1000: per_1000(answers),
        }
    }
}

fn mean(answers: &[&Answer], of: fn(&Answer) -> f64) -> Estimate {
    let values: Vec<f64> = answers.iter().map(|answer| of(answer)).collect();
    estimate(&values)
}

/// Fewest values whose interval is told: of fewer, drawing them again says too little of those that were not drawn.
const FEW: usize = 10;

/// The mean of values, with its interval.
fn estimate(values: &[f64]) -> Estimate {
    let mean = |values: &mut dyn Iterator<Item = &f64>| {
        let (count, sum) = values.fold((0_usize, 0.0), |(count, sum), value| (count + 1, sum + value));
        (count > 0).then(|| sum / count as f64)
    };
    Estimate::new(mean(&mut values.iter()).unwrap_or_default(), interval(values, mean))
}

fn interval<T>(sample: &[T], figure: impl Fn(&mut dyn Iterator<Item = &T>) -> Option<f64>) -> Option<Interval> {
    (sample.len() >= FEW).then(|| drawn_again(sample, figure)).flatten()
}

fn per_1000(answers: &[&Answer]) -> Option<Estimate> {
    let ratio = |answers: &mut dyn Iterator<Item = &(f64, f64)>| {
        let (cost, saved) = answers.fold((0.0, 0.0), |(cost, saved), one| (cost + one.0, saved + one.1));
        (saved > 0.0).then(|| 1000.0 * cost / saved)
    };
    let both: Vec<(f64, f64)> =
        answers.iter().map(|answer| (answer.cost.usd(), f64::from(answer.marks.saved))).collect();
    Some(Estimate::new(ratio(&mut both.iter())?, interval(&both, ratio)))
}

/// How much more the first of two candidates has than the second.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The holes at which both were asked.
    pub holes: usize,
    /// Of the share that is wholly right.
    pub right: Estimate,
    /// Of the share whose first line is right.
    pub first_line: Estimate,
    /// Of the characters saved at a hole.
    pub saved: Estimate,
    /// Of the edit similarity.
    pub similarity: Estimate,
    /// Of the cost of a hole, in US dollars.
    pub usd: Estimate,
}

/// Compares two candidates at the holes at which both were asked; `None` if there are none.
pub fn compare(one: &[&Answer], other: &[&Answer]) -> Option<Difference> {
    let others: BTreeMap<u64, &Answer> = other.iter().map(|answer| (answer.hole, *answer)).collect();
    let pairs: Vec<(&Answer, &Answer)> =
        one.iter().filter_map(|answer| Some((*answer, *others.get(&answer.hole)?))).collect();
    let of = |figure: fn(&Answer) -> f64| {
        let differences: Vec<f64> = pairs.iter().map(|(one, other)| figure(one) - figure(other)).collect();
        estimate(&differences)
    };
    (!pairs.is_empty()).then(|| Difference {
        holes: pairs.len(),
        right: of(|answer| f64::from(u8::from(answer.marks.right))),
        first_line: of(|answer| f64::from(u8::from(answer.marks.first_line))),
        saved: of(|answer| f64::from(answer.marks.saved)),
        similarity: of(|answer| answer.marks.similarity),
        usd: of(|answer| answer.cost.usd()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trial::mixed;

    fn answer(hole: u64, saved: u32, cost: f64) -> Answer {
        let marks = Marks { right: saved > 0, first_line: saved > 0, saved, similarity: 1.0 };
        let (language, cost) = ("rust".to_owned(), Money::from_usd(cost));
        Answer {
            hole,
            task: Task::Line,
            language,
            shown: true,
            marks,
            wait_ms: Some(hole as u32),
            input: 10,
            output: 2,
            cost,
        }
    }

    #[test]
    fn answers_add_up() {
        let answers: Vec<Answer> = (1..=20).map(|hole| answer(hole, if hole <= 5 { 30 } else { 0 }, 0.001)).collect();
        let figures = Figures::of(&answers.iter().collect::<Vec<_>>());
        assert_eq!((figures.holes, figures.shown, figures.input, figures.output), (20, 20, 200, 40));
        assert_eq!((figures.right.value, figures.saved.value), (0.25, 7.5));
        assert_eq!((figures.wait_p50_ms, figures.wait_p95_ms), (Some(10), Some(19)));
        let per_1000 = figures.usd_per_1000.unwrap();
        assert!((per_1000.value - 20.0 / 150.0).abs() < 1e-9 && per_1000.low.unwrap() < per_1000.value);
        let nothing = Figures::of(&[]);
        assert_eq!((nothing.holes, nothing.wait_p50_ms, nothing.usd_per_1000), (0, None, None));
    }

    #[test]
    fn a_difference_is_taken_at_the_same_holes() {
        // Holes differ far more than the candidates do.
        let size = |hole: u64| (mixed(hole, &[]) % 90) as u32;
        let one: Vec<Answer> = (0..40).map(|hole| answer(hole, size(hole) + 3 + (hole % 2) as u32, 0.0)).collect();
        let other: Vec<Answer> = (10..60).map(|hole| answer(hole, size(hole), 0.0)).collect();
        let (one, other): (Vec<_>, Vec<_>) = (one.iter().collect(), other.iter().collect());
        let difference = compare(&one, &other).unwrap();
        assert_eq!((difference.holes, difference.saved.value), (30, 3.5));
        assert!(difference.saved.is_more_than_chance() && difference.saved.high.unwrap() < 4.0, "{difference:?}");
        let same = compare(&one, &one).unwrap();
        assert!(!same.saved.is_more_than_chance() && same.saved.value == 0.0);
        assert_eq!(compare(&one, &[]), None);
    }
}

//! The probability that an answer is right: the token probabilities that the model reports, corrected by the outcomes of its earlier answers
//! (Platt scaling: a logistic curve over the log-odds, Platt 1999). It leaves storing outcomes to the ledger, and the threshold to the
//! task's row.

use serde::Serialize;

/// Each new outcome multiplies the weight of earlier ones by this: two hundred are remembered.
const MEMORY: f64 = 0.995;
/// Prior spread of the slope around 1 and of the offset around 0; a few dozen outcomes outweigh it.
const PRIOR: (f64, f64) = (0.3, 0.6);
/// Limits of the curve: a model that was always wrong lately must still get a chance with its surest answers.
const SLOPES: (f64, f64) = (0.4, 2.5);
const OFFSETS: (f64, f64) = (-2.0, 2.0);
/// Most steps of Newton's method, which converges in four or five.
const STEPS: usize = 12;
/// A shorter step ends the fit.
const SETTLED: f64 = 1e-4;

/// The correction of a model's own probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Confidence {
    slope: f64,
    offset: f64,
}

/// An answer and what became of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fate {
    /// The joint probability of its tokens, as the model reported it.
    pub said: f32,
    /// Whether it was right: accepted, or typed letter by letter.
    pub right: bool,
}

/// Answers of similar probability: reported, corrected and actual.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Number of answers.
    pub count: u32,
    /// Mean of the reported probabilities.
    pub said: f64,
    /// Mean of the corrected probabilities.
    pub corrected: f64,
    /// Share of right answers.
    pub right: f64,
}

impl Default for Confidence {
    /// Trusts the model's own probabilities.
    fn default() -> Confidence {
        Confidence { slope: 1.0, offset: 0.0 }
    }
}

impl Confidence {
    /// The correction under which these fates, the oldest first, are most probable.
    pub fn fitted<'a>(fates: impl DoubleEndedIterator<Item = &'a Fate> + Clone) -> Confidence {
        let (mut slope, mut offset) = (1.0_f64, 0.0_f64);
        for _ in 0..STEPS {
            // Gradient and Hessian of the negative log-posterior.
            let (mut g0, mut g1) = ((slope - 1.0) / PRIOR.0.powi(2), offset / PRIOR.1.powi(2));
            let (mut h00, mut h01, mut h11) = (PRIOR.0.powi(-2), 0.0, PRIOR.1.powi(-2));
            let mut weight = 1.0;
            for fate in fates.clone().rev() {
                let x = log_odds(fate.said.into());
                let p = logistic(slope * x + offset);
                let (error, curve) = (weight * (p - f64::from(u8::from(fate.right))), weight * p * (1.0 - p));
                g0 += error * x;
                g1 += error;
                h00 += curve * x * x;
                h01 += curve * x;
                h11 += curve;
                weight *= MEMORY;
            }
            let determinant = h00 * h11 - h01 * h01;
            let (by_slope, by_offset) = ((h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant);
            slope = (slope - by_slope).clamp(SLOPES.0, SLOPES.1);
            offset = (offset - by_offset).clamp(OFFSETS.0, OFFSETS.1);
            if by_slope.abs() + by_offset.abs() < SETTLED {
                break;
            }
        }
        Confidence { slope, offset }
    }

    /// The corrected probability of an answer that the model gave the probability `said`.
    pub fn corrected(&self, said: f32) -> f32 {
        logistic(self.slope * log_odds(said.into()) + self.offset) as f32
    }

    /// The probability that a model must report for a corrected one of `right`.
    pub fn needed(&self, right: f32) -> f32 {
        match right {
            // A threshold of 0 shows everything, and one of 1 nothing.
            ..=0.0 => 0.0,
            1.0.. => 1.0,
            _ => logistic((log_odds(right.into()) - self.offset) / self.slope) as f32,
        }
    }

    /// The fates in fifths of reported probability, without empty ones.
    pub fn bins<'a>(&self, fates: impl Iterator<Item = &'a Fate>) -> Vec<Bin> {
        let mut bins = [Bin::default(); 5];
        for fate in fates {
            let fifth = (f64::from(fate.said) * 5.0).clamp(0.0, 4.0) as usize;
            let Some(bin) = bins.get_mut(fifth) else { continue };
            bin.count += 1;
            bin.said += f64::from(fate.said);
            bin.corrected += f64::from(self.corrected(fate.said));
            bin.right += f64::from(u8::from(fate.right));
        }
        let mean = |bin: Bin| {
            let count = f64::from(bin.count);
            Bin { count: bin.count, said: bin.said / count, corrected: bin.corrected / count, right: bin.right / count }
        };
        bins.into_iter().filter(|bin| bin.count > 0).map(mean).collect()
    }
}

/// Clamps the probability: no model can be certain, and certainty has no finite odds.
fn log_odds(p: f64) -> f64 {
    let p = if p.is_finite() { p.clamp(0.001, 0.999) } else { 0.5 };
    (p / (1.0 - p)).ln()
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fates of which a share of `right` was right, for each of these reported probabilities.
    fn fates(count: usize, right: impl Fn(f32) -> f32) -> Vec<Fate> {
        let mut fates = Vec::new();
        for number in 0..count {
            let said = [0.3, 0.5, 0.7, 0.9, 0.97][number % 5];
            // Multiples of the golden ratio spread evenly without chance.
            let draw = (number as f32 * 0.618_034).fract();
            fates.push(Fate { said, right: draw < right(said) });
        }
        fates
    }

    #[test]
    fn a_model_is_taken_at_its_word_until_its_answers_say_otherwise() {
        let unknown = Confidence::fitted([].iter());
        let honest = fates(400, |said| said);
        let boastful = fates(400, |said| said * said * 0.8);
        for (name, confidence, said, expected, within) in [
            ("unknown", unknown, 0.8, 0.8, 0.01),
            ("honest", Confidence::fitted(honest.iter()), 0.9, 0.9, 0.06),
            ("honest", Confidence::fitted(honest.iter()), 0.3, 0.3, 0.06),
            ("boastful", Confidence::fitted(boastful.iter()), 0.9, 0.65, 0.08),
            ("boastful", Confidence::fitted(boastful.iter()), 0.5, 0.20, 0.08),
            ("a few", Confidence::fitted(boastful[..3].iter()), 0.9, 0.88, 0.08),
        ] {
            let corrected = confidence.corrected(said);
            assert!((corrected - expected).abs() < within, "{name} {said}: {corrected}, {confidence:?}");
            assert!((confidence.needed(corrected) - said).abs() < 0.01, "{name}: {confidence:?}");
        }
    }

    #[test]
    fn what_was_long_ago_counts_less() {
        let mut all = fates(600, |_| 0.05);
        all.extend(fates(400, |said| said));
        assert!(Confidence::fitted(all.iter()).corrected(0.9) > 0.75);
        all.reverse();
        assert!(Confidence::fitted(all.iter()).corrected(0.9) < 0.55);
    }

    #[test]
    fn the_curve_rises_and_stays_between_0_and_1_whatever_it_was_told() {
        for right in [true, false] {
            for said in [0.0, 0.5, 1.0, f32::NAN, f32::INFINITY, -3.0] {
                let confidence = Confidence::fitted(vec![Fate { said, right }; 500].iter());
                let mut last = 0.0;
                for said in [0.0, 0.01, 0.2, 0.5, 0.8, 0.99, 1.0] {
                    let corrected = confidence.corrected(said);
                    assert!(corrected >= last && corrected < 1.0, "{confidence:?} {said}");
                    last = corrected;
                }
                assert!(last > 0.5, "what a model is surest of gets its chance: {confidence:?}");
                assert_eq!((confidence.needed(0.0), confidence.needed(1.0)), (0.0, 1.0));
            }
        }
    }

    #[test]
    fn bins_say_what_was_said_and_what_was_so() {
        let fates = fates(100, |_| 1.0);
        let bins = Confidence::default().bins(fates.iter());
        assert_eq!(bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [20, 20, 20, 40]);
        assert!(bins.iter().all(|bin| bin.right == 1.0 && (bin.said - bin.corrected).abs() < 0.01), "{bins:?}");
    }
}

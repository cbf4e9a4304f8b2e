//! Fits the weights that turn counts into a probability: logistic regression by gradient descent over the model's own
//! predictions. It prints a table for `weights.rs` and changes nothing.

use pennyworth_ngram::{FEATURES, Limits, Sample};

use crate::corpus::Corpus;
use crate::replay::{Mode, Rules, Typist};

/// The model is asked at one cursor in this many.
const EVERY: usize = 3;
const ROUNDS: usize = 10;
/// Number of bent sums.
const BENDS: usize = 12;

/// Gathers the model's predictions on the held-out files, typed in both ways.
pub(crate) fn collect(corpus: &Corpus, limits: Limits, samples: &mut Vec<Sample>) {
    let rules = Rules { threshold: 0.0, min_chars: 1, max_tokens: 12, max_lines: 4, verbose: false };
    let (mut model, _) = corpus.index(limits);
    let mut cursors = 0_usize;
    for (mode, every) in [(Mode::Tokens, EVERY), (Mode::Chars, EVERY * 2)] {
        for source in &corpus.held_out {
            let mut typist = Typist::new(source, &mut model);
            while !typist.rest().is_empty() {
                cursors += 1;
                if cursors.is_multiple_of(every) && !typist.rest().starts_with('\n') {
                    samples.extend(model.samples(&typist.query(rules), typist.rest()));
                }
                typist.type_on(typist.piece(mode), &mut model);
            }
            typist.close(&mut model);
        }
    }
}

/// A straight sum of the features plus some bent ones, as in the model.
struct Net {
    straight: [Weight; FEATURES],
    bends: Vec<(Weight, [Weight; FEATURES])>,
}

/// A weight and the sum of its squared slopes, which makes its steps smaller.
#[derive(Clone, Copy)]
struct Weight {
    value: f64,
    squares: f64,
}

impl Weight {
    fn step(&mut self, slope: f64, rate: f64) {
        let slope = slope + 1e-7 * self.value;
        self.squares += slope * slope;
        self.value -= rate * slope / self.squares.sqrt();
    }
}

fn dot(weights: &[Weight; FEATURES], sample: &Sample) -> f64 {
    weights.iter().zip(&sample.features).map(|(weight, value)| weight.value * f64::from(*value)).sum()
}

impl Net {
    fn new(state: &mut u64) -> Net {
        let mut weight = |size: f64| Weight { value: size * (random(state) - 0.5), squares: 1e-2 };
        let straight = [weight(0.0); FEATURES];
        let bends = (0..BENDS).map(|_| (weight(0.2), std::array::from_fn(|_| weight(0.6)))).collect();
        Net { straight, bends }
    }

    /// Learns from one sample; returns its loss before that.
    fn learn(&mut self, sample: &Sample, rate: f64) -> f64 {
        let sums: Vec<f64> = self.bends.iter().map(|(_, weights)| dot(weights, sample)).collect();
        let bent: f64 = self.bends.iter().zip(&sums).map(|((out, _), sum)| out.value * sum / (1.0 + sum.abs())).sum();
        let probability = 1.0 / (1.0 + (-(dot(&self.straight, sample) + bent)).exp());
        let error = probability - f64::from(u8::from(sample.right));
        for (weight, value) in self.straight.iter_mut().zip(&sample.features) {
            weight.step(error * f64::from(*value), rate);
        }
        for ((out, weights), sum) in self.bends.iter_mut().zip(&sums) {
            let through = error * out.value / (1.0 + sum.abs()).powi(2);
            out.step(error * sum / (1.0 + sum.abs()), rate);
            for (weight, value) in weights.iter_mut().zip(&sample.features).filter(|(_, value)| **value != 0.0) {
                weight.step(through * f64::from(*value), rate);
            }
        }
        if sample.right { -probability.max(1e-9).ln() } else { -(1.0 - probability).max(1e-9).ln() }
    }
}

/// Fits and prints.
pub(crate) fn print(samples: &mut [Sample]) {
    let mut state = 1_u64;
    let mut net = Net::new(&mut state);
    for round in 0..ROUNDS {
        shuffle(samples, &mut state);
        let rate = 0.1 * (1.0 - round as f64 / ROUNDS as f64) + 0.005;
        let loss: f64 = samples.iter().map(|sample| net.learn(sample, rate)).sum();
        println!("// round {round}: loss {:.4} over {} predictions", loss / samples.len().max(1) as f64, samples.len());
    }
    let row =
        |weights: &[Weight]| weights.iter().map(|weight| format!("{:.4}", weight.value)).collect::<Vec<_>>().join(", ");
    println!("/// Weights of the features in the log-odds that a prediction is right.");
    println!("pub(crate) const STRAIGHT: [f32; FEATURES] = [{}];", row(&net.straight));
    println!();
    println!("/// Weight of a bent sum, and the weights of the features in it.");
    println!("pub(crate) const BENDS: [(f32, [f32; FEATURES]); {BENDS}] = [");
    net.bends.iter().for_each(|(out, weights)| println!("    ({:.4}, [{}]),", out.value, row(weights)));
    println!("];");
}

fn random(state: &mut u64) -> f64 {
    *state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
    (*state >> 33) as f64 / (1_u64 << 31) as f64
}

fn shuffle(samples: &mut [Sample], state: &mut u64) {
    for index in (1..samples.len()).rev() {
        samples.swap(index, (random(state) * (index + 1) as f64) as usize);
    }
}

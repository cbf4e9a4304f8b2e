//! Fits the weights that turn what is counted into a probability: logistic regression by gradient descent over the model's own
//! predictions. It prints a table for `weights.rs` and changes nothing.

use pennyworth_ngram::{FEATURES, Limits, Sample};

use crate::corpus::Corpus;
use crate::replay::{Mode, Rules, Typist};

/// One cursor in so many is asked.
const EVERY: usize = 3;
const ROUNDS: usize = 12;

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

/// Fits and prints.
pub(crate) fn print(samples: &mut [Sample]) {
    let mut weights = [0.0_f64; FEATURES];
    let mut squares = [1e-3_f64; FEATURES];
    let mut state = 1_u64;
    for round in 0..ROUNDS {
        shuffle(samples, &mut state);
        let mut loss = 0.0;
        for sample in samples.iter() {
            let score: f64 =
                weights.iter().zip(&sample.features).map(|(weight, value)| weight * f64::from(*value)).sum();
            let probability = 1.0 / (1.0 + (-score).exp());
            let error = probability - f64::from(u8::from(sample.right));
            loss -= if sample.right { probability.max(1e-9).ln() } else { (1.0 - probability).max(1e-9).ln() };
            for ((weight, square), value) in weights.iter_mut().zip(&mut squares).zip(&sample.features) {
                let slope = error * f64::from(*value) + 1e-7 * *weight;
                *square += slope * slope;
                *weight -= 0.3 * slope / square.sqrt();
            }
        }
        println!("// round {round}: loss {:.4} over {} predictions", loss / samples.len().max(1) as f64, samples.len());
    }
    let right = samples.iter().filter(|sample| sample.right).count();
    println!("// right: {:.3}", right as f64 / samples.len().max(1) as f64);
    println!("pub(crate) const LOGISTIC: [f32; FEATURES] = [");
    weights.iter().for_each(|weight| println!("    {weight:.4},"));
    println!("];");
}

fn shuffle(samples: &mut [Sample], state: &mut u64) {
    for index in (1..samples.len()).rev() {
        *state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        samples.swap(index, (*state >> 33) as usize % (index + 1));
    }
}

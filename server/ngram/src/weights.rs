//! The fitted numbers of the model, printed by `ngram-eval --fit`. Nothing here is code.

use crate::tally::{LENGTHS, SCOPES};

/// Numbers that describe a prediction.
pub const FEATURES: usize = 30;

/// What a level leaves to the levels before it, per distinct token it has seen: by class of match length, by scope from far to near.
pub(crate) const ESCAPE: [[f32; SCOPES]; LENGTHS] = [
    [1.0, 1.0, 0.6],
    [1.0, 1.0, 0.8],
    [1.0, 0.9, 0.7],
    [0.9, 0.7, 0.5],
    [0.7, 0.5, 0.4],
    [0.5, 0.4, 0.3],
    [0.4, 0.3, 0.25],
    [0.3, 0.25, 0.2],
    [0.3, 0.25, 0.2],
];

/// Weights of the features in the log-odds that a prediction is right.
pub(crate) const LOGISTIC: [f32; FEATURES] = [
    -1.4383, 0.4430, 0.0381, 0.0449, 0.1021, 0.1787, 0.1963, 0.5359, -0.4907, -0.2320, 0.4584, 0.4206, 0.1290, 0.0066,
    -0.2810, -0.1749, -0.6543, -0.5624, 0.3525, 0.1650, 0.1865, -0.0692, 0.1199, 0.2173, 0.5989, 0.4600, -0.4794,
    0.1583, -0.6591, 0.0559,
];

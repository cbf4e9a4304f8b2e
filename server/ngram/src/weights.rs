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
    0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
];

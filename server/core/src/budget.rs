//! The output ceiling of an answer: the task's row, corrected by the lengths that this user accepted.
//! It leaves the size of the prompt to the task's window, and money to `route`.

use serde::Serialize;

use crate::task::TaskRow;

/// Accepted answers that weigh as much as the row.
const ROW_WEIGHT: f32 = 30.0;
/// Room above the 90th percentile of accepted lengths.
const HEADROOM: f32 = 1.25;
/// Feedback never lowers the ceiling below this share of the row's.
const LEAST: f32 = 0.5;

/// Accepted answers of a task and language, from the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Feedback {
    /// Accepted answers.
    pub accepted: u32,
    /// The 90th percentile of their lengths in tokens.
    pub tokens_p90: u32,
    /// The share of them cut at the ceiling, 0 to 1; these would have been longer.
    pub truncated: f32,
}

/// The limits of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Budget {
    /// Output ceiling in tokens.
    pub max_tokens: u32,
}

/// The ceiling for a task: between half of its row's ceiling and its row's maximum, and at least one token.
pub fn budget(row: &TaskRow, feedback: Option<Feedback>) -> Budget {
    let feedback = feedback.unwrap_or_default();
    let (ceiling, seen, p90) = (row.max_tokens as f32, feedback.accepted as f32, feedback.tokens_p90 as f32);
    // Answers cut at the ceiling would have been longer: their share raises the wanted length by as much.
    let wanted = p90 * HEADROOM * (1.0 + feedback.truncated.clamp(0.0, 1.0));
    let blended = (ceiling * ROW_WEIGHT + wanted * seen) / (ROW_WEIGHT + seen);
    let max_tokens = blended.max(ceiling * LEAST).round() as u32;
    Budget { max_tokens: max_tokens.clamp(1, row.max.max(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Task, Tasks};

    #[test]
    fn feedback_moves_the_ceiling_between_half_of_it_and_the_maximum() {
        let tasks = Tasks::builtin();
        let row = &TaskRow { max_tokens: 48, max: 128, ..tasks.row(Task::Expression).clone() };
        for (accepted, tokens_p90, truncated, expected) in [
            (0, 0, 0.0, 48),
            (0, 500, 1.0, 48),
            (30, 40, 0.0, 49),
            (300, 8, 0.0, 24),
            (300, 48, 0.0, 59),
            (300, 48, 0.5, 86),
            (u32::MAX, u32::MAX, 1.0, 128),
            (u32::MAX, u32::MAX, f32::NAN, 24),
            (3000, 500, 1.0, 128),
        ] {
            let feedback = Feedback { accepted, tokens_p90, truncated };
            assert_eq!(budget(row, Some(feedback)).max_tokens, expected, "{feedback:?}");
        }
        for task in Task::ALL {
            assert_eq!(budget(tasks.row(task), None).max_tokens, tasks.row(task).max_tokens);
        }
    }
}

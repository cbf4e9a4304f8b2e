//! Where an answer begins to repeat itself: lines that come three times in a row, alone or in groups, and a line whose tail is periodic.
//! It leaves repetitions of the text around the cursor to `head` and `walk`.

use super::end::{End, Ended};
use super::head::significant;

/// Most lines of a repeated group.
const MAX_GROUP: usize = 4;
/// Occurrences of a group that make a loop.
const TIMES: usize = 3;
/// Letters and digits a group needs: closers and rules may repeat.
const MIN_SIGNIFICANT: usize = 3;
/// Most bytes of a repeated unit within a line.
const MAX_UNIT: usize = 48;
/// Least bytes that must repeat.
const MIN_TAIL: usize = 72;
/// Units that must repeat besides the first.
const MIN_UNITS: usize = 4;

/// Looks for repetitions in a body as it grows.
#[derive(Clone, Default)]
pub(super) struct Loops {
    /// Bytes read.
    read: usize,
    /// For each length of unit: how many bytes in a row equal the byte one unit back.
    runs: Vec<usize>,
    tail: Option<End>,
}

impl Loops {
    /// The first certain end, for a body that extends the one of the last call.
    pub(super) fn end(&mut self, body: &str) -> Option<End> {
        if self.tail.is_none() {
            self.tail = self.periodic_tail(body);
        }
        self.tail.into_iter().chain(repeated_lines(body)).min()
    }

    fn periodic_tail(&mut self, body: &str) -> Option<End> {
        let bytes = body.as_bytes();
        self.runs.resize(MAX_UNIT, 0);
        while let Some(byte) = bytes.get(self.read) {
            let at = self.read;
            self.read += 1;
            for (index, run) in self.runs.iter_mut().enumerate() {
                let unit = index + 1;
                let same = at.checked_sub(unit).and_then(|back| bytes.get(back)) == Some(byte);
                *run = if same { *run + 1 } else { 0 };
                if *run < MIN_TAIL.max(unit * MIN_UNITS) {
                    continue;
                }
                let first = at + 1 - *run;
                let first = (0..=first).rev().find(|at| body.is_char_boundary(*at)).unwrap_or(0);
                let unit_text = body.get(first..).unwrap_or_default();
                if unit_text.chars().take(unit).any(char::is_alphanumeric) {
                    return Some(End { seen: self.read, at: first, why: Ended::Loops });
                }
            }
        }
        None
    }
}

fn repeated_lines(body: &str) -> Option<End> {
    // Each whole line with the offset of its break.
    let mut lines: Vec<(&str, usize)> = Vec::new();
    let mut start = 0;
    for (end, _) in body.match_indices('\n') {
        lines.push((body.get(start..end)?, end));
        start = end + 1;
        for group in 1..=MAX_GROUP {
            let Some(from) = lines.len().checked_sub(group * TIMES) else { break };
            let tail = lines.get(from..)?;
            let first = tail.get(..group)?;
            let again = tail.chunks(group).all(|chunk| chunk.iter().zip(first).all(|(a, b)| a.0 == b.0));
            let weight: usize = first.iter().map(|(line, _)| significant(line)).sum();
            if again && weight >= MIN_SIGNIFICANT {
                return Some(End { seen: end + 1, at: first.last()?.1, why: Ended::Loops });
            }
        }
    }
    None
}

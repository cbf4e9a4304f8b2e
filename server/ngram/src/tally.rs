//! Counts of the tokens that followed contexts like the cursor's, by token, match length and scope, and each token's share.
//! Collecting the counts is left to `predict`.

use crate::weights::{ESCAPE, LENGTHS, SCOPES};

/// Distinct tokens counted at most; those met later are many and rare.
const MOST: usize = 96;
const SLOTS: usize = 256;

/// Where a match was found, the farthest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Anywhere in the workspace.
    Workspace,
    /// In the same directory, another open document, or a recently edited file.
    Near,
    /// In the document itself.
    File,
}

/// The class of a match of `length` tokens.
pub(crate) fn class(length: usize) -> usize {
    match length {
        0..=4 => length,
        5..=6 => 5,
        7..=9 => 6,
        10..=15 => 7,
        _ => 8,
    }
}

/// A token that may come next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    /// The token.
    pub(crate) token: u32,
    /// How often it followed a match of each class. [`Tally::weigh`] adds the longer classes.
    pub(crate) counts: [[f32; SCOPES]; LENGTHS],
    /// Its share.
    pub(crate) share: f32,
}

/// The counts at one cursor.
#[derive(Debug)]
pub(crate) struct Tally {
    /// Candidates in the order met.
    pub(crate) candidates: Vec<Candidate>,
    /// Sums over the candidates, and (`kinds`) how many of them have a count in each cell.
    pub(crate) totals: [[f32; SCOPES]; LENGTHS],
    pub(crate) kinds: [[f32; SCOPES]; LENGTHS],
    slots: [u8; SLOTS],
}

impl Tally {
    pub(crate) fn new() -> Tally {
        let none = [[0.0; SCOPES]; LENGTHS];
        Tally { candidates: Vec::with_capacity(MOST), totals: none, kinds: none, slots: [0; SLOTS] }
    }

    /// Forgets all counts.
    pub(crate) fn clear(&mut self) {
        self.candidates.clear();
        self.slots = [0; SLOTS];
    }

    /// Counts a token that followed a match of this class.
    pub(crate) fn add(&mut self, token: u32, class: usize, scope: Scope, count: f32) {
        let mut slot = (token.wrapping_mul(0x9e37_79b9) >> 24) as usize;
        loop {
            let Some(at) = self.slots.get_mut(slot % SLOTS) else { return };
            let index = usize::from(*at);
            if index == 0 {
                if self.candidates.len() == MOST {
                    return;
                }
                self.candidates.push(Candidate { token, counts: [[0.0; SCOPES]; LENGTHS], share: 0.0 });
                *at = self.candidates.len() as u8;
                continue;
            }
            match self.candidates.get_mut(index - 1) {
                Some(found) if found.token == token => {
                    if let Some(cell) = found.counts.get_mut(class).and_then(|row| row.get_mut(scope as usize)) {
                        *cell += count;
                    }
                    return;
                }
                _ => slot += 1,
            }
        }
    }

    /// Turns counts into shares, from the shortest context to the longest and from the farthest scope to the nearest. Each
    /// level takes the share that its evidence supports and leaves the rest to the levels before it.
    pub(crate) fn weigh(&mut self) {
        self.sum_up();
        for candidate in &mut self.candidates {
            let mut share = 0.0;
            for (((counts, totals), kinds), escape) in
                candidate.counts.iter().zip(&self.totals).zip(&self.kinds).zip(&ESCAPE)
            {
                for (((count, total), kinds), escape) in counts.iter().zip(totals).zip(kinds).zip(escape) {
                    if *total > 0.0 {
                        let left = escape * kinds;
                        share = (count + left * share) / (total + left);
                    }
                }
            }
            candidate.share = share;
        }
    }

    fn sum_up(&mut self) {
        self.totals = [[0.0; SCOPES]; LENGTHS];
        self.kinds = [[0.0; SCOPES]; LENGTHS];
        for candidate in &mut self.candidates {
            let mut longer = [0.0; SCOPES];
            let rows = candidate.counts.iter_mut().zip(&mut self.totals).zip(&mut self.kinds).rev();
            for ((counts, totals), kinds) in rows {
                for (((count, longer), total), kinds) in counts.iter_mut().zip(&mut longer).zip(totals).zip(kinds) {
                    *longer += *count;
                    *count = *longer;
                    *total += *count;
                    *kinds += if *count > 0.0 { 1.0 } else { 0.0 };
                }
            }
        }
    }
}

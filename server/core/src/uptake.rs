//! Whether a user takes a task's suggestions in a language. If hardly any is taken, they only disturb and cost, so nothing is suggested there any
//! more while the user types. It leaves counting to the ledger, and what follows to `gate`.

use serde::Serialize;

/// Least share of suggestions that a user takes, so that they are worth showing. Reading a wrong one costs as much as typing two characters, and a
/// right one saves a line of twenty, so a tenth pays. This is half of it, because one taken suggestion may save much more than a line.
const LEAST_TAKEN: f64 = 0.05;
/// Standard deviations of the bound: one task in forty is switched off although its share is the least that pays.
const DEVIATIONS: f64 = 1.96;

/// What a user decided about the suggestions of one model for a task and language; older ones count less.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Uptake {
    /// Suggestions that the user took, typed or dismissed. One that made way for another before that does not count.
    pub decided: f64,
    /// Those of them that the user took or typed.
    pub taken: f64,
}

impl Uptake {
    /// The share that is taken.
    pub fn share(self) -> f64 {
        if self.decided > 0.0 { self.taken / self.decided } else { 1.0 }
    }

    /// The most that the share may really be, with what was seen: the upper end of Wilson's interval.
    pub fn at_most(self) -> f64 {
        let (n, square) = (self.decided, DEVIATIONS * DEVIATIONS);
        if n <= 0.0 {
            return 1.0;
        }
        let share = self.share().clamp(0.0, 1.0);
        let spread = DEVIATIONS * (share * (1.0 - share) / n + square / (4.0 * n * n)).sqrt();
        (share + square / (2.0 * n) + spread) / (1.0 + square / n)
    }

    fn and(self, other: Uptake) -> Uptake {
        Uptake { decided: self.decided + other.decided, taken: self.taken + other.taken }
    }
}

/// The sum of what was decided about the suggestions of all models, if these show that the task is not worth it: surely too few are taken, and of no
/// model enough. A model that replaces a bad one proves itself by the few that are still tried.
pub fn unwanted(models: impl IntoIterator<Item = Uptake>) -> Option<Uptake> {
    let mut all = Uptake::default();
    for model in models {
        if model.taken > 0.0 && model.share() >= LEAST_TAKEN {
            return None;
        }
        all = all.and(model);
    }
    (all.at_most() < LEAST_TAKEN).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_switched_off_once_it_is_sure_that_hardly_any_is_taken() {
        for (models, is_off) in [
            (&[][..], false),
            (&[(0.0, 0.0)][..], false),
            (&[(10.0, 0.0)], false),
            (&[(72.0, 0.0)], false),
            (&[(74.0, 0.0)], true),
            (&[(40.0, 0.0), (40.0, 0.0)], true),
            (&[(74.0, 1.0)], false),
            (&[(120.0, 1.0)], true),
            (&[(200.0, 4.0)], false),
            (&[(200.0, 10.0)], false),
            (&[(2000.0, 60.0)], true),
            (&[(200.0, 100.0)], false),
            // One model that is taken proves the task, however little is known of it.
            (&[(400.0, 0.0), (5.0, 1.0)], false),
            (&[(400.0, 0.0), (30.0, 1.0)], true),
            // What fades leaves less certainty.
            (&[(200.0 * 0.25, 0.0)], false),
            (&[(f64::NAN, f64::NAN)], false),
        ] {
            let uptakes = models.iter().map(|(decided, taken)| Uptake { decided: *decided, taken: *taken });
            assert_eq!(unwanted(uptakes).is_some(), is_off, "{models:?}");
        }
        assert!((Uptake { decided: 100.0, taken: 0.0 }.at_most() - 0.037).abs() < 0.001);
        assert!((Uptake { decided: 100.0, taken: 50.0 }.at_most() - 0.596).abs() < 0.001);
    }
}

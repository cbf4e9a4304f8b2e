//! How sure a figure is: an interval for a share that was counted, and one for a figure of a sample by drawing the sample again. It leaves what is
//! said of it to its callers.

/// Standard deviations on either side of a share: 95 of 100 such intervals hold what is so.
const Z: f64 = 1.96;
/// How often a sample is drawn again.
const DRAWS: usize = 2_000;
/// Share of the draws beyond either end of an interval.
const TAIL: f64 = 0.025;

/// An interval that holds the true value 95 times of 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The interval of a share of which `part` of `whole` were counted, after Wilson (1927). Of nothing it is all there is.
pub fn share(part: u64, whole: u64) -> Interval {
    if whole == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (n, p) = (whole as f64, part.min(whole) as f64 / whole as f64);
    let (middle, wide) = (p + Z * Z / (2.0 * n), Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt());
    let scale = 1.0 + Z * Z / n;
    Interval { low: ((middle - wide) / scale).max(0.0), high: ((middle + wide) / scale).min(1.0) }
}

/// The interval of a figure of several days. `None` below two days, or if most draws have none.
pub fn of_days<T>(days: &[T], figure: impl Fn(&mut dyn Iterator<Item = &T>) -> Option<f64>) -> Option<Interval> {
    drawn_again(days, figure)
}

/// The interval of a figure of a sample, by Efron's bootstrap (1979): its members are drawn again, with replacement, and the figure is taken each
/// time. Draws that have none are left out. `None` below two members, or if most draws have none.
pub fn drawn_again<T>(sample: &[T], figure: impl Fn(&mut dyn Iterator<Item = &T>) -> Option<f64>) -> Option<Interval> {
    if sample.len() < 2 {
        return None;
    }
    // The same sample always gives the same interval.
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut drawn = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % sample.len()
    };
    let mut figures: Vec<f64> = (0..DRAWS)
        .filter_map(|_| {
            let places: Vec<usize> = sample.iter().map(|_| drawn()).collect();
            figure(&mut places.into_iter().filter_map(|place| sample.get(place)))
        })
        .collect();
    figures.sort_by(f64::total_cmp);
    if figures.len() < DRAWS / 2 {
        return None;
    }
    let at = |share: f64| figures.get(((figures.len() - 1) as f64 * share).round() as usize).copied();
    Some(Interval { low: at(TAIL)?, high: at(1.0 - TAIL)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_a_share_is_the_known_one() {
        for (part, whole, low, high) in
            [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (90, 100, 0.826, 0.945), (0, 0, 0.0, 1.0)]
        {
            let found = share(part, whole);
            assert!((found.low - low).abs() < 1e-3 && (found.high - high).abs() < 1e-3, "{part} of {whole}: {found:?}");
        }
    }

    #[test]
    fn the_interval_of_days_holds_the_true_mean_as_often_as_it_says() {
        let mut state = 7_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as f64 / f64::from(1_u32 << 31)
        };
        let mean = |days: &mut dyn Iterator<Item = &f64>| {
            let days: Vec<&f64> = days.collect();
            Some(days.iter().copied().sum::<f64>() / days.len() as f64)
        };
        let held = (0..200).filter(|_| {
            let days: Vec<f64> = (0..30).map(|_| random()).collect();
            of_days(&days, mean).is_some_and(|found| found.low <= 0.5 && 0.5 <= found.high)
        });
        let held = held.count();
        assert!((178..=198).contains(&held), "{held} of 200");
        assert_eq!(of_days(&[1.0], mean), None);
        assert_eq!(of_days(&[1.0, 2.0], |_| None), None);
    }
}

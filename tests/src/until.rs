//! Waits for a condition that nothing announces, with a bound, so that a test which waits in vain says where.

use std::panic::Location;
use std::time::{Duration, Instant};

/// The longest wait, and the pause between two looks.
const LONGEST: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(2);

/// Returns once a condition holds.
///
/// # Panics
///
/// If it does not hold for too long.
#[track_caller]
pub fn until(mut holds: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let (place, end) = (Location::caller(), Instant::now() + LONGEST);
    async move {
        while !holds() {
            assert!(Instant::now() < end, "{place}: the condition does not hold");
            tokio::time::sleep(PAUSE).await;
        }
    }
}

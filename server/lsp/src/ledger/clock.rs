//! The ledger's clocks, which tests replace with their own: the time of day for reports, and a time that only goes forward for the caps.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Rows this far ahead of the time of day say that it was set back; less is what two machines differ by.
const SET_BACK_MS: i64 = 3_600_000;

/// The time of day, which may jump, and the time since some moment, which may not.
#[derive(Clone)]
pub struct Clock {
    wall: Arc<dyn Fn() -> SystemTime + Send + Sync>,
    elapsed: Arc<dyn Fn() -> Duration + Send + Sync>,
    /// The system's id of the start since which `elapsed` counts, if it has one.
    boot: Option<Arc<str>>,
}

impl Clock {
    /// This machine's.
    pub fn system() -> Clock {
        let boot = system::boot().map(Arc::from);
        Clock { boot, ..Clock::new(SystemTime::now, system::elapsed()) }
    }

    /// The same clock in a start of the machine with this id.
    pub fn in_boot(self, boot: &str) -> Clock {
        Clock { boot: Some(boot.into()), ..self }
    }

    /// A time of day, and the time that passes, sleep included.
    pub fn new(
        wall: impl Fn() -> SystemTime + Send + Sync + 'static,
        elapsed: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Clock {
        Clock { wall: Arc::new(wall), elapsed: Arc::new(elapsed), boot: None }
    }

    pub(super) fn wall(&self) -> SystemTime {
        (self.wall)()
    }

    pub(super) fn wall_ms(&self) -> i64 {
        millis(self.wall())
    }

    pub(super) fn elapsed(&self) -> Duration {
        (self.elapsed)()
    }

    pub(super) fn elapsed_ms(&self) -> i64 {
        i64::try_from(self.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    pub(super) fn boot(&self) -> Option<&str> {
        self.boot.as_deref()
    }
}

/// Milliseconds since 1970.
pub(super) fn millis(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64)
}

/// The time by which caps count. It begins at the time of day, follows the time that passes, and never falls behind the ledger's rows. So a
/// time of day that jumps while a server runs, forward or back, gives nobody the money of a day twice. Where the system tells its starts apart,
/// only the first server after a start begins at the time of day.
pub(super) struct Steady {
    began_ms: i64,
    began: Duration,
}

impl Steady {
    pub(super) fn begin(clock: &Clock) -> Steady {
        Steady { began_ms: clock.wall_ms(), began: clock.elapsed() }
    }

    pub(super) fn now_ms(&self, clock: &Clock) -> i64 {
        self.began_ms.saturating_add(clock.elapsed().saturating_sub(self.began).as_millis() as i64)
    }

    /// Goes on from what the ledger knows: the time that follows from the machine's start, and the latest row with the time by which it counts
    /// and the time of day when it was written. If the time of day was set back before this server began, it counts only what passed since.
    pub(super) fn follow(&mut self, clock: &Clock, of_boot: Option<i64>, latest: Option<(i64, i64)>) {
        if let Some(now) = of_boot {
            let now = latest.map_or(now, |(counts_ms, _)| now.max(counts_ms));
            *self = Steady { began_ms: now, began: clock.elapsed() };
            return;
        }
        let Some((counts_ms, at_ms)) = latest else { return };
        let now = self.now_ms(clock);
        let since = if counts_ms.saturating_sub(now) > SET_BACK_MS { (clock.wall_ms() - at_ms).max(0) } else { 0 };
        *self = Steady { began_ms: now.max(counts_ms.saturating_add(since)), began: clock.elapsed() };
    }
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
mod system {
    use std::time::Duration;

    /// The id of the machine's current start; Apple's systems are not asked.
    pub(super) fn boot() -> Option<String> {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(id.trim().to_owned()).filter(|id| !id.is_empty())
    }

    use rustix::time::{ClockId, clock_gettime};

    /// A clock that goes on while the machine sleeps.
    pub(super) fn elapsed() -> impl Fn() -> Duration {
        #[cfg(target_vendor = "apple")]
        const CLOCK: ClockId = ClockId::Monotonic;
        #[cfg(not(target_vendor = "apple"))]
        const CLOCK: ClockId = ClockId::Boottime;
        || {
            let time = clock_gettime(CLOCK);
            Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
mod system {
    use std::time::{Duration, Instant};

    /// Starts of the machine are not told apart here.
    pub(super) fn boot() -> Option<String> {
        None
    }

    /// Here this clock goes on while the machine sleeps.
    pub(super) fn elapsed() -> impl Fn() -> Duration {
        let began = Instant::now();
        move || began.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    const DAY: i64 = 24 * 3_600_000;
    const YEAR: i64 = 365 * DAY;

    /// A clock whose hands are milliseconds: the time of day, and what passed.
    fn hands() -> (Arc<[AtomicI64; 2]>, Clock) {
        let hands = Arc::new([AtomicI64::new(10 * YEAR), AtomicI64::new(5)]);
        let of = |at: usize| {
            let hands = Arc::clone(&hands);
            move || Duration::from_millis(hands[at].load(Ordering::Relaxed) as u64)
        };
        let wall = of(0);
        (Arc::clone(&hands), Clock::new(move || UNIX_EPOCH + wall(), of(1)))
    }

    #[test]
    fn what_passes_counts_and_not_what_the_time_of_day_jumps() {
        let (hands, clock) = hands();
        let mut steady = Steady::begin(&clock);
        for (jump, pass) in [(YEAR, 7), (-2 * YEAR, 11), (3 * YEAR, DAY)] {
            let before = steady.now_ms(&clock);
            hands[0].fetch_add(jump + pass, Ordering::Relaxed);
            hands[1].fetch_add(pass, Ordering::Relaxed);
            assert_eq!(steady.now_ms(&clock) - before, pass);
            steady.follow(&clock, None, Some((steady.now_ms(&clock), clock.wall_ms())));
            assert_eq!(steady.now_ms(&clock) - before, pass);
        }
    }

    #[test]
    fn a_server_that_begins_after_the_time_was_set_back_goes_on_where_the_rows_end() {
        let (hands, clock) = hands();
        let last = (10 * YEAR, 10 * YEAR);
        for (wall, row, expected) in [
            // As usual: the server was off for a day.
            (10 * YEAR + DAY, last, 10 * YEAR + DAY),
            // Two machines that differ a little.
            (10 * YEAR - 5000, last, 10 * YEAR),
            // The time was set back: nothing is known to have passed.
            (9 * YEAR, last, 10 * YEAR),
            // A later row was written since, with the time of day as it is now; a day passed after it.
            (9 * YEAR + DAY, (10 * YEAR + 5, 9 * YEAR), 10 * YEAR + 5 + DAY),
        ] {
            hands[0].store(wall, Ordering::Relaxed);
            let mut steady = Steady::begin(&clock);
            steady.follow(&clock, None, Some(row));
            assert_eq!(steady.now_ms(&clock), expected, "{wall} {row:?}");
        }
    }
}

//! Connections to other machines, which are made anew when they may be dead: after the machine slept, after its network changed, or when a
//! request got no answer at all. It leaves requests and their deadlines to `client` and `call`.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How much more time passed by the wall clock than by the steady one, if the machine slept: on most systems the steady clock sleeps, too.
const SLEPT: Duration = Duration::from_secs(10);

/// The connections of one HTTP client.
#[derive(Debug)]
pub(crate) struct Connections {
    make: fn() -> Option<reqwest::Client>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    client: Option<reqwest::Client>,
    /// Whether an answer came over one of its connections, so that the next request may reuse it.
    heard: bool,
    /// Whether its connections may be dead.
    suspect: bool,
    used: (Instant, SystemTime),
}

impl Connections {
    /// Connections of clients that are made like this.
    pub(crate) fn new(make: fn() -> Option<reqwest::Client>) -> Connections {
        let used = (Instant::now(), SystemTime::now());
        Connections { make, state: Mutex::new(State { client: make(), heard: false, suspect: false, used }) }
    }

    /// The client for the next request; a new one if the connections of the last may be dead. `None` if the system allows none.
    pub(crate) fn client(&self) -> Option<reqwest::Client> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (Instant::now(), SystemTime::now());
        let slept = slept(state.used, now);
        state.used = now;
        // A connection that was never answered on is not kept.
        if state.heard && (state.suspect || slept) {
            tracing::debug!(slept, "connections are made anew");
            (state.client, state.heard) = ((self.make)(), false);
        }
        state.suspect = false;
        state.client.clone()
    }

    /// An answer came.
    pub(crate) fn heard(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).heard = true;
    }

    /// A request got no answer at all: its connection may be dead, and others with it.
    pub(crate) fn suspect(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).suspect = true;
    }
}

/// Whether the machine slept between two moments.
fn slept(before: (Instant, SystemTime), now: (Instant, SystemTime)) -> bool {
    let steady = now.0.saturating_duration_since(before.0);
    now.1.duration_since(before.1).is_ok_and(|wall| wall > steady + SLEPT)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_clock_that_ran_ahead_shows_that_the_machine_slept() {
        let (steady, wall, second) = (Instant::now(), SystemTime::now(), Duration::from_secs(1));
        for (passed, by_wall, expected) in [(5, 5, false), (5, 16, true), (0, 3600, true), (3600, 3600, false)] {
            let now = (steady + second * passed, wall + second * by_wall);
            assert_eq!(slept((steady, wall), now), expected, "{passed} {by_wall}");
        }
        assert!(!slept((steady, wall), (steady + second, wall - second)), "a clock that was set back");
    }

    #[test]
    fn connections_are_made_anew_once_and_only_if_one_may_be_reused() {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let connections = Connections::new(|| {
            MADE.fetch_add(1, Ordering::SeqCst);
            None
        });
        let made = || {
            connections.client();
            MADE.load(Ordering::SeqCst)
        };
        connections.suspect();
        assert_eq!(made(), 1, "nothing was ever answered");
        connections.heard();
        assert_eq!(made(), 1);
        connections.suspect();
        assert_eq!((made(), made()), (2, 2));
    }
}

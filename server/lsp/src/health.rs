//! Which providers are well: each has a breaker that opens when calls fail, lets one call through after a pause, and closes when that works.
//! A model that its provider does not have stops by itself.
//! It leaves what an error means to `providers`, and choosing among those that are well to `core::route`.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pennyworth_providers::Next;

use crate::engine::lock;

/// The first pause after a failure that names none; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause that is not asked for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The breakers, by a name that all models of a provider share.
#[derive(Default)]
pub struct Health {
    breakers: Mutex<HashMap<String, Breaker>>,
    /// Models that are not asked until the configuration changes.
    stopped: Mutex<HashSet<String>>,
    /// How often the configuration changed: what a call says that began before is no longer true.
    changes: AtomicUsize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Breaker {
    /// Failures in a row.
    failures: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Calls go through.
    #[default]
    Closed,
    /// None does before this moment; then one may.
    Open(Instant),
    /// The one is under way.
    Trying,
    /// None does until the configuration changes.
    Stopped,
}

/// The right to make one call. Dropped without a word, it says nothing about the provider's health.
pub struct Permit<'a> {
    health: &'a Health,
    provider: String,
    model: String,
    changes: usize,
}

impl Health {
    /// Whether a call would be let through.
    pub fn is_well(&self, provider: &str, model: &str, now: Instant) -> bool {
        !lock(&self.stopped).contains(model)
            && lock(&self.breakers).get(provider).is_none_or(|breaker| breaker.lets_through(now))
    }

    /// Begins a call, if it is let through.
    pub fn begin(&self, provider: &str, model: &str, now: Instant) -> Option<Permit<'_>> {
        if lock(&self.stopped).contains(model) {
            return None;
        }
        let mut breakers = lock(&self.breakers);
        let breaker = breakers.entry(provider.to_owned()).or_default();
        if !breaker.lets_through(now) {
            return None;
        }
        if breaker.state != State::Closed {
            breaker.state = State::Trying;
        }
        let changes = self.changes.load(Ordering::SeqCst);
        Some(Permit { health: self, provider: provider.to_owned(), model: model.to_owned(), changes })
    }

    /// The configuration changed: everything is worth another try.
    pub fn reset(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
        lock(&self.breakers).clear();
        lock(&self.stopped).clear();
    }
}

impl Breaker {
    fn lets_through(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => true,
            State::Open(until) => now >= until,
            State::Trying | State::Stopped => false,
        }
    }

    fn failed(&mut self, next: Next, now: Instant) {
        if self.state == State::Stopped {
            return;
        }
        match next {
            Next::RetryAfter(pause) => {
                let doubled = FIRST_PAUSE.saturating_mul(1 << self.failures.min(6)).min(LONGEST_PAUSE);
                self.failures = self.failures.saturating_add(1);
                self.state = State::Open(now + pause.unwrap_or(doubled));
            }
            Next::StopUntilConfigChange => self.state = State::Stopped,
            // It answered, so it is well; it only cannot serve this request.
            Next::NextModel | Next::StopModel => *self = Breaker::default(),
            // Not the provider's fault.
            Next::Fatal => {}
        }
    }
}

impl Permit<'_> {
    /// Whether the configuration is the one under which the call began.
    fn is_current(&self) -> bool {
        self.changes == self.health.changes.load(Ordering::SeqCst)
    }

    /// The call worked. One that began before its provider was told to stop changes nothing about that.
    pub fn succeeded(self) {
        if !self.is_current() {
            return;
        }
        let mut breakers = lock(&self.health.breakers);
        if breakers.get(&self.provider).is_some_and(|breaker| breaker.state != State::Stopped) {
            breakers.remove(&self.provider);
        }
    }

    /// The call failed, and this is what to do next.
    pub fn failed(self, next: Next, now: Instant) {
        if !self.is_current() {
            return;
        }
        if next == Next::StopModel {
            lock(&self.health.stopped).insert(self.model.clone());
        }
        lock(&self.health.breakers).entry(self.provider.clone()).or_default().failed(next, now);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.is_current()
            && let Some(breaker) = lock(&self.health.breakers).get_mut(&self.provider)
            && breaker.state == State::Trying
        {
            // The try was cancelled before it told anything: the next call may be the one.
            breaker.state = State::Open(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_grow_and_end_with_a_call_that_works() {
        let (health, start) = (Health::default(), Instant::now());
        let mut now = start;
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert!(health.is_well("a", "m", now));
            health.begin("a", "m", now).unwrap().failed(Next::RetryAfter(None), now);
            assert!(!health.is_well("a", "m", now + S * pause - Duration::from_millis(1)), "{pause}");
            now += S * pause;
        }
        health.begin("a", "m", now).unwrap().succeeded();
        health.begin("a", "m", now).unwrap().failed(Next::RetryAfter(None), now);
        assert!(health.is_well("a", "m", now + S), "the next failure begins small again");
        assert!(health.is_well("b", "m", now), "others are others");
    }

    #[test]
    fn one_call_tries_while_the_others_wait() {
        let (health, now) = (Health::default(), Instant::now());
        health.begin("a", "m", now).unwrap().failed(Next::RetryAfter(Some(S * 7)), now);
        assert!(!health.is_well("a", "m", now + S * 6), "as long as it asked for");
        let later = now + S * 7;
        let first = health.begin("a", "m", later).expect("one may try");
        assert!(health.begin("a", "m", later).is_none() && !health.is_well("a", "m", later));
        drop(first);
        assert!(health.is_well("a", "m", later), "a cancelled try leaves the next one free");
    }

    /// What a breaker in a state comes to when a call ends in some way: the state after it, and whether the next call is let through at once,
    /// after the pause it asked for (7 s), and after any time.
    #[test]
    fn each_end_of_a_call_in_each_state_leads_to_the_next() {
        const ASKED: Next = Next::RetryAfter(Some(Duration::from_secs(7)));
        const UNASKED: Next = Next::RetryAfter(None);
        let now = Instant::now();
        let closed = Breaker::default();
        let trying = Breaker { failures: 2, state: State::Trying };
        let stopped = Breaker { failures: 0, state: State::Stopped };
        let open = |failures, seconds| Breaker { failures, state: State::Open(now + S * seconds) };
        for (before, next, after) in [
            (closed, ASKED, open(1, 7)),
            (closed, UNASKED, open(1, 1)),
            (closed, Next::StopUntilConfigChange, stopped),
            (closed, Next::StopModel, closed),
            (closed, Next::NextModel, closed),
            (closed, Next::Fatal, closed),
            // A call that was under way when another one opened the breaker.
            (open(1, 3), ASKED, open(2, 7)),
            (open(1, 3), UNASKED, open(2, 2)),
            (open(1, 3), Next::StopUntilConfigChange, Breaker { failures: 1, ..stopped }),
            (open(1, 3), Next::StopModel, closed),
            (open(1, 3), Next::NextModel, closed),
            (open(1, 3), Next::Fatal, open(1, 3)),
            // The one call that tries whether it is well again.
            (trying, ASKED, open(3, 7)),
            (trying, UNASKED, open(3, 4)),
            (trying, Next::StopUntilConfigChange, Breaker { failures: 2, ..stopped }),
            (trying, Next::StopModel, closed),
            (trying, Next::NextModel, closed),
            (trying, Next::Fatal, trying),
            // A call that was under way when another one was refused its key: nothing it says opens it again.
            (stopped, ASKED, stopped),
            (stopped, UNASKED, stopped),
            (stopped, Next::StopUntilConfigChange, stopped),
            (stopped, Next::StopModel, stopped),
            (stopped, Next::NextModel, stopped),
            (stopped, Next::Fatal, stopped),
        ] {
            let mut breaker = before;
            breaker.failed(next, now);
            assert_eq!(breaker, after, "{before:?} {next:?}");
        }
    }

    #[test]
    fn a_call_that_works_closes_all_but_what_was_told_to_stop() {
        let now = Instant::now();
        for (end, is_well) in [(Next::RetryAfter(None), true), (Next::StopUntilConfigChange, false)] {
            let health = Health::default();
            let (works, fails) = (health.begin("a", "m", now).unwrap(), health.begin("a", "m", now).unwrap());
            fails.failed(end, now);
            works.succeeded();
            assert_eq!(health.is_well("a", "m", now), is_well, "{end:?}");
        }
    }

    #[test]
    fn what_was_told_to_stop_stops_until_the_configuration_changes() {
        let (health, now) = (Health::default(), Instant::now());
        health.begin("a", "m", now).unwrap().failed(Next::StopUntilConfigChange, now);
        assert!(!health.is_well("a", "m", now + S * 100_000));
        health.reset();
        assert!(health.is_well("a", "m", now));
        for harmless in [Next::NextModel, Next::Fatal] {
            health.begin("a", "m", now).unwrap().failed(harmless, now);
            assert!(health.is_well("a", "m", now), "{harmless:?}");
        }
    }

    #[test]
    fn what_a_call_of_the_old_configuration_says_means_nothing_to_the_new_one() {
        let (health, now) = (Health::default(), Instant::now());
        let ends = [Next::StopUntilConfigChange, Next::StopModel, Next::RetryAfter(None)];
        let permits = ends.map(|end| (health.begin("a", "m", now).unwrap(), end));
        health.reset();
        permits.into_iter().for_each(|(permit, end)| permit.failed(end, now));
        assert!(health.is_well("a", "m", now));
    }

    #[test]
    fn a_model_that_is_not_there_stops_alone() {
        let (health, now) = (Health::default(), Instant::now());
        health.begin("a", "m", now).unwrap().failed(Next::StopModel, now);
        assert!(!health.is_well("a", "m", now + S * 100_000) && health.begin("a", "m", now).is_none());
        assert!(health.is_well("a", "n", now));
        health.reset();
        assert!(health.is_well("a", "m", now));
    }
}

//! The health of providers and models. Each has a breaker that opens when a call fails, lets one call through after a pause, and closes when
//! that call works. Failures of a key or a provider pause the account; others pause one model.
//! It leaves what an error means to `providers`, and choosing among healthy models to `core::route`.

use std::collections::{HashMap, HashSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use pennyworth_core::models::Model;
use pennyworth_providers::{Next, Pace};

use crate::sync::lock;

/// Requests in a row that a model refuses or answers with what is no answer, before it rests: each may have been at fault itself.
const REFUSALS: u32 = 8;

/// Calls in a row that were paid for and gave nothing, after which a model is stopped.
pub const STOPS_AFTER: u32 = 2;

/// The breakers.
#[derive(Default)]
pub struct Health {
    /// By account.
    accounts: Mutex<HashMap<String, Breaker>>,
    /// By model.
    models: Mutex<HashMap<String, Breaker>>,
    /// Accounts that have answered since their key was last doubted.
    trusted: Mutex<HashSet<String>>,
    /// Generation of the configuration. Results of calls under another one are ignored.
    generation: AtomicU64,
}

/// When something is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// At the next request.
    Now,
    /// At the first request after this time.
    At(Instant),
    /// After the configuration has changed.
    Changed,
}

impl Again {
    /// The later of two, both of which must come.
    pub fn later(self, other: Again) -> Again {
        match (self, other) {
            (Again::Changed, _) | (_, Again::Changed) => Again::Changed,
            (Again::At(one), Again::At(other)) => Again::At(one.max(other)),
            (Again::Now, later) | (later, Again::Now) => later,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Breaker {
    /// Failures in a row of the same pace. A call that began before the last one counted was in flight with it and is the same failure.
    failures: u32,
    counted: Option<Instant>,
    pace: Pace,
    /// Calls in a row that were paid for and gave nothing.
    vain: u32,
    state: BreakerState,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum BreakerState {
    /// Calls go through.
    #[default]
    Closed,
    /// No call goes through before this time; then one does, to try.
    Open(Instant),
    /// The call that tries is in flight; no other goes through.
    Trying,
    /// No call goes through until the configuration changes.
    Stopped,
}

/// The permit for one call. Dropping it without a result says nothing about the provider's health.
pub struct Permit<'a> {
    health: &'a Health,
    account: String,
    model: String,
    generation: u64,
    began: Instant,
}

/// The account that a model's calls are billed to: what its provider refuses for one key, it may serve for another.
pub fn account(provider: &str, model: &Model) -> String {
    let keys = [&model.api_key_env, &model.api_key_keychain, &model.api_key_cmd];
    let keys = keys.into_iter().map(|key| key.as_deref().unwrap_or_default());
    [provider].into_iter().chain(keys).collect::<Vec<_>>().join("\n")
}

impl Health {
    /// Whether a call would go through.
    pub fn is_well(&self, account: &str, model: &str, now: Instant) -> bool {
        let lets = |breakers: &Mutex<HashMap<String, Breaker>>, key: &str| {
            lock(breakers).get(key).is_none_or(|breaker| breaker.lets_through(now))
        };
        lets(&self.models, model) && lets(&self.accounts, account)
    }

    /// When a model is tried again.
    pub fn again(&self, account: &str, model: &str, now: Instant) -> Again {
        let one = lock(&self.models).get(model).map_or(Again::Now, |breaker| breaker.again(now));
        let other = lock(&self.accounts).get(account).map_or(Again::Now, |breaker| breaker.again(now));
        one.later(other)
    }

    /// Begins a call under the configuration of this generation; `None` if it may not go through.
    pub fn begin(&self, generation: u64, account: &str, model: &str, now: Instant) -> Option<Permit<'_>> {
        let (mut models, mut accounts) = (lock(&self.models), lock(&self.accounts));
        let breakers = [models.get_mut(model), accounts.get_mut(account)];
        if breakers.iter().flatten().any(|breaker| !breaker.lets_through(now)) {
            return None;
        }
        for breaker in breakers.into_iter().flatten().filter(|breaker| breaker.state != BreakerState::Closed) {
            breaker.state = BreakerState::Trying;
        }
        Some(Permit { health: self, account: account.to_owned(), model: model.to_owned(), generation, began: now })
    }

    /// A configuration of this generation is about to be in force: under it, every provider and model may be tried again.
    pub fn reset(&self, generation: u64) {
        self.generation.store(generation, Ordering::SeqCst);
        lock(&self.models).clear();
        lock(&self.accounts).clear();
        lock(&self.trusted).clear();
    }
}

impl Breaker {
    fn lets_through(&self, now: Instant) -> bool {
        match self.state {
            BreakerState::Closed => true,
            BreakerState::Open(until) => now >= until,
            BreakerState::Trying | BreakerState::Stopped => false,
        }
    }

    fn again(&self, now: Instant) -> Again {
        match self.state {
            BreakerState::Open(until) if until > now => Again::At(until),
            BreakerState::Closed | BreakerState::Open(_) | BreakerState::Trying => Again::Now,
            BreakerState::Stopped => Again::Changed,
        }
    }

    /// Whether a call that began at `began` was in flight when the last failure was counted.
    fn was_in_flight(&self, began: Instant) -> bool {
        self.counted.is_some_and(|counted| began < counted)
    }

    /// Rests for at least the time that was asked for. The first time this is all; later it is no less than the pace's own growing pause, so that
    /// a provider that always asks for a moment gets no storm. Calls that fail together count once, and the longest of their pauses holds.
    fn rest(&mut self, pace: Pace, asked: Option<Duration>, (began, now): (Instant, Instant)) {
        match self.state {
            BreakerState::Stopped => return,
            BreakerState::Trying if self.was_in_flight(began) => return,
            BreakerState::Open(until) if self.was_in_flight(began) => {
                let later = now + asked.unwrap_or(pace.pause(0));
                if later > until {
                    let failures = if self.pace == pace { self.failures } else { 1 };
                    *self = Breaker { failures, pace, state: BreakerState::Open(later), ..*self };
                }
                return;
            }
            _ => {}
        }
        let failures = if self.pace == pace { self.failures } else { 0 };
        let pause = match (asked, failures) {
            (Some(asked), 0) => asked,
            (Some(asked), _) => asked.max(pace.pause(failures - 1)),
            (None, _) => pace.pause(failures),
        };
        let state = BreakerState::Open(now + pause);
        *self = Breaker { failures: failures.saturating_add(1), counted: Some(now), pace, state, ..*self };
    }

    /// A call was paid for and gave nothing.
    fn gave_nothing(&mut self) {
        self.vain += 1;
        self.state = if self.vain >= STOPS_AFTER { BreakerState::Stopped } else { BreakerState::Closed };
    }

    /// One request was refused. After a number of them in a row the model rests.
    fn refused(&mut self, (began, now): (Instant, Instant)) {
        if self.state == BreakerState::Stopped || self.was_in_flight(began) {
            return;
        }
        let state = match self.failures.checked_sub(REFUSALS) {
            Some(more) => BreakerState::Open(now + Pace::Seconds.pause(more)),
            None => BreakerState::Closed,
        };
        let failures = self.failures.saturating_add(1);
        *self = Breaker { failures, counted: Some(now), pace: Pace::Seconds, state, ..*self };
    }
}

impl Permit<'_> {
    /// Whether the call began under the current configuration.
    fn is_current(&self) -> bool {
        self.generation == self.health.generation.load(Ordering::SeqCst)
    }

    /// Whether the account has answered since this was last asked, so that what is refused is this request and not the key.
    pub fn was_trusted(&self) -> bool {
        lock(&self.health.trusted).remove(&self.account)
    }

    /// The call worked. If its model was stopped meanwhile, it stays stopped.
    pub fn succeeded(self) {
        if self.is_current() {
            lock(&self.health.models)
                .retain(|name, breaker| *name != self.model || breaker.state == BreakerState::Stopped);
            lock(&self.health.accounts).remove(&self.account);
            lock(&self.health.trusted).insert(self.account.clone());
        }
    }

    /// The call failed; `next` says what to do.
    pub fn failed(self, next: Next, now: Instant) {
        if !self.is_current() {
            return;
        }
        let (mut models, mut accounts) = (lock(&self.health.models), lock(&self.health.accounts));
        let times = (self.began, now);
        match next {
            Next::RetryAfter(asked) => {
                accounts.entry(self.account.clone()).or_default().rest(Pace::Seconds, asked, times)
            }
            Next::Rest(pace) => accounts.entry(self.account.clone()).or_default().rest(pace, None, times),
            // Not the provider's fault, so that the breakers stay as they are.
            Next::Fatal => {}
            // The provider answered, so it is well; it only cannot serve this request or this model.
            Next::NextModel | Next::RestModel(_) | Next::StopModel => {
                accounts.remove(&self.account);
                let model = models.entry(self.model.clone()).or_default();
                match next {
                    Next::RestModel(pace) => model.rest(pace, None, times),
                    Next::StopModel => model.gave_nothing(),
                    _ => model.refused(times),
                }
            }
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if !self.is_current() {
            return;
        }
        let (mut models, mut accounts) = (lock(&self.health.models), lock(&self.health.accounts));
        let breakers = [models.get_mut(&self.model), accounts.get_mut(&self.account)];
        for breaker in breakers.into_iter().flatten().filter(|breaker| breaker.state == BreakerState::Trying) {
            // The call that tried was cancelled without a result, so the next call may try.
            breaker.state = BreakerState::Open(Instant::now());
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
            health.begin(0, "a", "m", now).unwrap().failed(Next::RetryAfter(None), now);
            assert!(!health.is_well("a", "m", now + S * pause - Duration::from_millis(1)), "{pause}");
            assert_eq!(health.again("a", "m", now), Again::At(now + S * pause));
            now += S * pause;
        }
        health.begin(0, "a", "m", now).unwrap().succeeded();
        health.begin(0, "a", "m", now).unwrap().failed(Next::RetryAfter(None), now);
        assert!(health.is_well("a", "m", now + S), "the next failure begins with the first pause again");
        assert!(health.is_well("b", "n", now), "providers are separate");
    }

    #[test]
    fn one_call_tries_while_the_others_wait() {
        let (health, now) = (Health::default(), Instant::now());
        health.begin(0, "a", "m", now).unwrap().failed(Next::RetryAfter(Some(S * 7)), now);
        assert!(!health.is_well("a", "m", now + S * 6), "the pause is the one the provider asked for");
        let later = now + S * 7;
        let first = health.begin(0, "a", "m", later).expect("one may try");
        assert!(health.begin(0, "a", "m", later).is_none() && !health.is_well("a", "m", later));
        drop(first);
        assert!(health.is_well("a", "m", later), "a cancelled try leaves the next one free");
    }

    /// The states of the account's and the model's breaker before and after each failure. `ASKED` asks for a pause of 7 s.
    #[test]
    fn each_end_of_a_call_in_each_state_leads_to_the_next() {
        const ASKED: Next = Next::RetryAfter(Some(Duration::from_secs(7)));
        const UNASKED: Next = Next::RetryAfter(None);
        let began = Instant::now();
        let now = began + S;
        let closed = Breaker::default();
        let refused = Breaker { failures: 1, counted: Some(now), ..closed };
        let open = |pace, failures, seconds| {
            let state = BreakerState::Open(now + S * seconds);
            Breaker { failures, counted: Some(now), pace, state, ..closed }
        };
        let trying = Breaker { failures: 2, counted: Some(began), state: BreakerState::Trying, ..closed };
        let others_try = Breaker { counted: Some(now), ..trying };
        let vain = Breaker { vain: 1, ..closed };
        use Pace::{Account, Budget, Minutes, Seconds};
        for (before, next, after, model) in [
            (closed, ASKED, open(Seconds, 1, 7), closed),
            (closed, UNASKED, open(Seconds, 1, 1), closed),
            (closed, Next::Rest(Minutes), open(Minutes, 1, 60), closed),
            (closed, Next::Rest(Account), open(Account, 1, 300), closed),
            (closed, Next::Rest(Budget), open(Budget, 1, 1800), closed),
            (closed, Next::RestModel(Minutes), closed, open(Minutes, 1, 60)),
            (closed, Next::StopModel, closed, vain),
            (closed, Next::NextModel, closed, refused),
            (closed, Next::Fatal, closed, closed),
            // A call that was in flight when another one opened the breaker is the same failure.
            (open(Seconds, 1, 3), ASKED, open(Seconds, 1, 7), closed),
            (open(Seconds, 1, 3), UNASKED, open(Seconds, 1, 3), closed),
            (open(Account, 1, 300), Next::Rest(Account), open(Account, 1, 300), closed),
            (open(Account, 1, 300), UNASKED, open(Account, 1, 300), closed),
            (open(Seconds, 1, 3), Next::Rest(Account), open(Account, 1, 300), closed),
            (others_try, ASKED, others_try, closed),
            (open(Seconds, 1, 3), Next::RestModel(Minutes), closed, open(Minutes, 1, 60)),
            (open(Seconds, 1, 3), Next::NextModel, closed, refused),
            (open(Seconds, 1, 3), Next::Fatal, open(Seconds, 1, 3), closed),
            // The call that tries whether the provider is well again.
            (trying, ASKED, open(Seconds, 3, 7), closed),
            (trying, UNASKED, open(Seconds, 3, 4), closed),
            (trying, Next::Rest(Account), open(Account, 1, 300), closed),
            (trying, Next::NextModel, closed, refused),
            (trying, Next::Fatal, trying, closed),
        ] {
            let health = Health::default();
            let permit = health.begin(0, "a", "m", began).unwrap();
            lock(&health.accounts).insert("a".into(), before);
            permit.failed(next, now);
            let found =
                |breakers: &Mutex<HashMap<String, Breaker>>, key| lock(breakers).get(key).copied().unwrap_or_default();
            let (account, its_model) = (found(&health.accounts, "a"), found(&health.models, "m"));
            // A permit that ends without a word frees the try.
            let is_free = matches!(account.state, BreakerState::Open(_)) && after.state == BreakerState::Trying;
            assert!(account == after || is_free, "{before:?} {next:?}: {account:?}");
            assert_eq!(its_model, model, "{before:?} {next:?}");
        }
    }

    #[test]
    fn calls_that_fail_together_are_one_failure() {
        let start = Instant::now();
        let moment = Next::RetryAfter(Some(S));
        for (next, pause) in [
            (moment, 1),
            (Next::RetryAfter(None), 1),
            (Next::Rest(Pace::Minutes), 60),
            (Next::Rest(Pace::Account), 300),
            (Next::RestModel(Pace::Minutes), 60),
        ] {
            let health = Health::default();
            let permits: Vec<_> = (0..6).map(|_| health.begin(0, "a", "m", start).unwrap()).collect();
            let now = start + S;
            permits.into_iter().for_each(|permit| permit.failed(next, now));
            assert_eq!(health.again("a", "m", now), Again::At(now + S * pause), "{next:?}");
        }
        let health = Health::default();
        let permits: Vec<_> = (0..=REFUSALS).map(|_| health.begin(0, "a", "m", start).unwrap()).collect();
        permits.into_iter().for_each(|permit| permit.failed(Next::NextModel, start + S));
        assert!(health.is_well("a", "m", start + S), "refused together");
    }

    #[test]
    fn a_provider_that_always_asks_for_a_moment_gets_no_storm() {
        let (health, mut now) = (Health::default(), Instant::now());
        let moment = Next::RetryAfter(Some(Duration::from_millis(50)));
        let pauses = [50, 1000, 2000, 4000].map(Duration::from_millis);
        for pause in pauses {
            health.begin(0, "a", "m", now).unwrap().failed(moment, now);
            assert_eq!(health.again("a", "m", now), Again::At(now + pause));
            now += pause;
        }
    }

    #[test]
    fn a_refused_request_is_its_own_fault_and_many_in_a_row_are_the_models() {
        let (health, now) = (Health::default(), Instant::now());
        for _ in 0..REFUSALS {
            health.begin(0, "a", "m", now).unwrap().failed(Next::NextModel, now);
            assert!(health.is_well("a", "m", now));
        }
        health.begin(0, "a", "m", now).unwrap().failed(Next::NextModel, now);
        assert_eq!(health.again("a", "m", now), Again::At(now + S));
        assert!(health.is_well("a", "n", now));
        health.begin(0, "a", "m", now + S).unwrap().succeeded();
        health.begin(0, "a", "m", now + S).unwrap().failed(Next::NextModel, now + S);
        assert!(health.is_well("a", "m", now + S), "one answer, and the count begins anew");
    }

    #[test]
    fn what_was_told_to_stop_stops_until_the_configuration_changes() {
        let (health, now) = (Health::default(), Instant::now());
        let works = health.begin(0, "a", "m", now).unwrap();
        for _ in 0..STOPS_AFTER {
            health.begin(0, "a", "m", now).expect("once is not enough").failed(Next::StopModel, now);
        }
        works.succeeded();
        assert!(!health.is_well("a", "m", now + S * 100_000) && health.begin(0, "a", "m", now).is_none());
        assert_eq!(health.again("a", "m", now), Again::Changed);
        assert!(health.is_well("a", "n", now), "it stops alone");
        health.reset(1);
        assert!(health.is_well("a", "m", now));
    }

    #[test]
    fn what_a_call_of_the_old_configuration_says_means_nothing_to_the_new_one() {
        let (health, now) = (Health::default(), Instant::now());
        let ends = [Next::Rest(Pace::Account), Next::StopModel, Next::RetryAfter(None), Next::RestModel(Pace::Minutes)];
        let permits = ends.map(|end| (health.begin(0, "a", "m", now).unwrap(), end));
        health.reset(1);
        permits.into_iter().for_each(|(permit, end)| permit.failed(end, now));
        assert!(health.is_well("a", "m", now));
        for _ in 0..STOPS_AFTER {
            let begun_late = health.begin(0, "a", "m", now).unwrap();
            begun_late.failed(Next::StopModel, now);
        }
        assert!(health.is_well("a", "m", now));
        for _ in 0..STOPS_AFTER {
            health.begin(1, "a", "m", now).unwrap().failed(Next::StopModel, now);
        }
        assert!(!health.is_well("a", "m", now), "a call of the new one counts from the first on");
    }
}

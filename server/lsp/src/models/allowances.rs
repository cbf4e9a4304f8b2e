//! How much each provider still allows: token buckets, filled by its latest headers and emptied by the calls since.
//! It leaves reading headers to `providers`, and what to do without an allowance to `core::route`.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use pennyworth_core::route::Allowance;
use pennyworth_providers::{Bucket, Limits};

use crate::sync::lock;

/// The buckets, by provider.
#[derive(Default)]
pub struct Allowances(Mutex<HashMap<String, Account>>);

/// The limits that a provider last sent, and the calls since.
struct Account {
    limits: Limits,
    at: Instant,
    requests: u64,
    tokens: u64,
}

impl Allowances {
    /// A provider sent its limits.
    pub fn update(&self, provider: &str, limits: Limits, now: Instant) {
        let account = Account { limits, at: now, requests: 0, tokens: 0 };
        lock(&self.0).insert(provider.to_owned(), account);
    }

    /// A call begins that may take this many tokens.
    pub fn take(&self, provider: &str, tokens: u64) {
        if let Some(account) = lock(&self.0).get_mut(provider) {
            account.requests += 1;
            account.tokens += tokens;
        }
    }

    /// What a provider still allows.
    pub fn of(&self, provider: &str, now: Instant) -> Allowance {
        let all = lock(&self.0);
        let Some(account) = all.get(provider) else { return Allowance::default() };
        let left = |bucket: Option<Bucket>, taken: u64| Some(filled(bucket?, account.at, now)?.saturating_sub(taken));
        Allowance {
            requests: left(account.limits.requests, account.requests),
            tokens: left(account.limits.tokens, account.tokens),
        }
    }

    /// When a provider allows another request, if it allows none now.
    pub fn spent_until(&self, provider: &str, now: Instant) -> Option<Instant> {
        let all = lock(&self.0);
        let account = all.get(provider)?;
        let buckets = [(account.limits.requests, account.requests), (account.limits.tokens, account.tokens)];
        buckets
            .into_iter()
            .filter_map(|(bucket, taken)| holds_more(bucket?, account.at, taken))
            .max()
            .filter(|at| *at > now)
    }

    /// The configuration changed: the same name may stand for another account.
    pub fn forget(&self) {
        lock(&self.0).clear();
    }
}

/// When a bucket read at `at` holds more than was taken since; `None` if it did from the beginning.
fn holds_more(bucket: Bucket, at: Instant, taken: u64) -> Option<Instant> {
    let missing = (taken + 1).checked_sub(bucket.left).filter(|missing| *missing > 0)?;
    let refilled = (bucket.limit - bucket.left).max(1);
    Some(at + bucket.full_in.mul_f64((missing as f64 / refilled as f64).min(1.0)))
}

/// What a bucket read at `at` holds now. `None` once it is full again: the headers are then out of date.
fn filled(bucket: Bucket, at: Instant, now: Instant) -> Option<u64> {
    let passed = now.saturating_duration_since(at);
    if passed >= bucket.full_in {
        return None;
    }
    let share = passed.as_secs_f64() / bucket.full_in.as_secs_f64();
    Some(bucket.left + ((bucket.limit - bucket.left) as f64 * share) as u64)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn a_bucket_empties_with_calls_and_fills_with_time() {
        let (allowances, start) = (Allowances::default(), Instant::now());
        assert_eq!(allowances.of("a", start), Allowance::default());
        let tokens = Bucket { limit: 1000, left: 100, full_in: S * 9 };
        let limits = Limits { requests: Some(Bucket { limit: 60, left: 2, full_in: S * 60 }), tokens: Some(tokens) };
        allowances.update("a", limits, start);
        let check = |after: u32, requests: Option<u64>, tokens: Option<u64>| {
            assert_eq!(allowances.of("a", start + S * after), Allowance { requests, tokens }, "after {after} s");
        };
        check(0, Some(2), Some(100));
        allowances.take("a", 90);
        allowances.take("a", 90);
        check(0, Some(0), Some(0));
        check(3, Some(2), Some(220));
        check(9, Some(8), None);
        check(60, None, None);
        assert!(!allowances.of("a", start).covers(1) && allowances.of("a", start + S * 3).covers(220));
        assert!(!allowances.of("a", start + S * 3).covers(221) && allowances.of("a", start + S * 9).covers(1_000_000));
        let spent = |after: u32| allowances.spent_until("a", start + S * after);
        assert_eq!((spent(0).is_some(), spent(9)), (true, None));
        allowances.take("b", 1);
        assert_eq!(allowances.of("b", start), Allowance::default(), "providers are separate");
        allowances.update("a", limits, start + S);
        assert_eq!(allowances.of("a", start + S).requests, Some(2), "new headers replace the count");
        allowances.forget();
        assert_eq!(allowances.of("a", start), Allowance::default());
    }
}

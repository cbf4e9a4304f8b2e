//! Ids of rows. They rise with time, and no two servers make the same, so rows may move from one file to another.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::SystemTime;

use super::clock::millis;

/// Random bits of an id, below the bits of the time.
const RANDOM_BITS: u32 = 22;

/// A new id: milliseconds since 1970, then random bits. It is greater than every id this process made before.
pub(super) fn fresh() -> i64 {
    /// With random bits alone, a few hundred ids in one millisecond would collide once in a hundred times.
    static LAST: AtomicI64 = AtomicI64::new(0);
    let now = SystemTime::now();
    // A new state hashes with new random keys.
    let drawn = earliest(now) | (RandomState::new().hash_one(now) >> (64 - RANDOM_BITS)) as i64;
    let above = |last: i64| drawn.max(last + 1);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(above(last)));
    above(last.unwrap_or_default())
}

/// The least id of this time.
pub(super) fn earliest(time: SystemTime) -> i64 {
    millis(time) << RANDOM_BITS
}

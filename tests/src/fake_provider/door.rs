//! The door of a fake provider: markers that tests plant where nothing may leave from, and the search for them in what arrives.
//! It leaves planting to the fake editor.

use std::sync::{Mutex, PoisonError};

/// Every marker begins with it; none is part of ordinary code.
pub const PREFIX: &str = "planted7leak_";
/// Bytes around a marker that a report shows.
const AROUND: usize = 60;

/// What was found in places that belong to no provider: logs, error streams.
static ELSEWHERE: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A marker of this kind. It is a fair password, too.
#[must_use]
pub fn marker(kind: &str) -> String {
    format!("{PREFIX}{kind}")
}

/// The markers in bytes, with what stands around each.
#[must_use]
pub fn leaks(place: &str, bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let around = |at: usize| {
        let start = (0..=at.saturating_sub(AROUND)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.get(start..).unwrap_or_default().chars().take(2 * AROUND).collect::<String>()
    };
    text.match_indices(PREFIX).map(|(at, _)| format!("{place}: …{}…", around(at))).collect()
}

/// Notes the markers in bytes of a place that belongs to no provider.
pub fn note(place: &str, bytes: &[u8]) {
    let found = leaks(place, bytes);
    if !found.is_empty() {
        ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
    }
}

/// Takes what was noted so far.
#[must_use]
pub fn noted() -> Vec<String> {
    std::mem::take(&mut ELSEWHERE.lock().unwrap_or_else(PoisonError::into_inner))
}

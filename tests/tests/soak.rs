//! Typing without a pause while everything goes wrong, in a short form: `soak-eval` types a million keys.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use pennyworth_tests::{editor, soak};

const KEYS: u64 = 4_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_keys_are_answered_once_each_and_paid_for_as_booked() {
    let soaked = soak::soak(&editor::binary(), KEYS, 2.0, 5).await.unwrap();
    println!("{soaked:?}");
    // Memory needs more keys than these to show its level.
    soak::Soaked { memory_kb: Vec::new(), ..soaked }.check(KEYS).unwrap();
}

//! Servers that are killed at random moments, in a short form: `crash-eval` does it 200 times.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use pennyworth_tests::{crashes, editor};

const KILLS: u64 = 8;
const CAP: f64 = 0.6;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_servers_lose_no_row_and_exceed_no_cap() {
    let left = crashes::kill(&editor::binary(), KILLS, CAP, 3).await.unwrap();
    println!("{left:?}");
    left.check(CAP).unwrap();
    assert!(left.bill.calls > 0);
}

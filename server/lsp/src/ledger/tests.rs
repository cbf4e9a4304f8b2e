//! The ledger with a test clock: which rows are written, what counts against the caps, and what happens with a damaged or missing file.

use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::time::{Duration, UNIX_EPOCH};

use pennyworth_core::caps::{Broken, Caps, Period};
use pennyworth_core::models::{AbortBilled, Model, Price, Protocol};
use pennyworth_core::money::Money;
use pennyworth_core::route::Standing;
use pennyworth_core::task::Task;
use pennyworth_providers::{Chunk, FinishReason, Usage};
use proptest::prelude::*;
use rusqlite::Connection;

use super::*;

mod caps;
mod clocks;
mod cube;
mod damage;
mod disks;
mod learned;
mod queue;
mod replies;
mod rows;
mod trials;

/// A microdollar, in picodollars.
const MICRO: i64 = 1_000_000;

/// A clock that stands still until it is moved, and a folder for ledgers that no other test opens.
#[derive(Clone)]
struct Hands {
    wall: Arc<AtomicU64>,
    elapsed: Arc<AtomicU64>,
    /// Starts of the machine so far; `None` if the system does not tell them apart.
    boot: Option<u32>,
    folder: Arc<tempfile::TempDir>,
}

impl Hands {
    fn new() -> Hands {
        let hand = |at| Arc::new(AtomicU64::new(at));
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Hands { wall: hand(1_700_000_000), elapsed: hand(7), boot: None, folder }
    }

    /// Lets time pass.
    fn forward(&self, seconds: u64) {
        self.wall.fetch_add(seconds, Ordering::Relaxed);
        self.elapsed.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Sets the time of day.
    fn jump(&self, seconds: i64) {
        self.wall.fetch_add(seconds.cast_unsigned(), Ordering::Relaxed);
    }

    /// Opens a ledger of its own if no path is given.
    fn open(&self, path: Option<&Path>) -> (Ledger, Option<String>) {
        let own = self.folder.path().join("own.sqlite");
        self.open_at(Some(path.unwrap_or(&own)))
    }

    fn open_at(&self, path: Option<&Path>) -> (Ledger, Option<String>) {
        let hand = |hand: &Arc<AtomicU64>| {
            let hand = Arc::clone(hand);
            move || Duration::from_secs(hand.load(Ordering::Relaxed))
        };
        let (wall, elapsed) = (hand(&self.wall), hand(&self.elapsed));
        let clock = Clock::new(move || UNIX_EPOCH + wall(), elapsed);
        Ledger::open_with(path, self.boot.iter().fold(clock, |clock, boot| clock.in_boot(&boot.to_string())))
    }
}

/// A call of 100 tokens in and at most 50 out, at one microdollar per token. It reserves 200 microdollars.
fn call() -> Entry {
    let token = Money::from_pico(MICRO);
    Entry {
        provider: "example.com".into(),
        model: "m".into(),
        task: Some(Task::Line),
        language: "rust".into(),
        prompt_tokens: 100,
        max_tokens: 50,
        chars_per_token: 4.39,
        worst_cost: token.times(200),
        price: Price {
            input: token,
            cached: Money::ZERO,
            write: token,
            write_long: None,
            output: token,
            batch: None,
            as_of: "2026-01-01".into(),
            off_peak: None,
        },
        abort_billed: AbortBilled::Unknown,
        deadline: Duration::from_millis(500),
        is_trial: false,
    }
}

fn micro(money: Money) -> i64 {
    money.pico() / MICRO
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn reserve(ledger: &Ledger, call: Entry, cap: i64) -> Result<Reservation, Refused> {
    wait(ledger.reserve(call, Some(Caps { day: Money::from_pico(cap * MICRO), month: Money::MAX })))
}

fn spent(ledger: &Ledger) -> i64 {
    let spent = wait(ledger.spent()).expect("the ledger counts");
    micro(spent.day + spent.reserved)
}

fn usage(input: u64, output: u64) -> Chunk {
    Chunk::Usage(Usage { input, output, ..Usage::default() })
}

fn text(text: &str) -> Chunk {
    Chunk::Text { text: text.into(), logprob: None }
}

fn error(kind: pennyworth_providers::Kind) -> pennyworth_providers::ProviderError {
    let status = (kind == pennyworth_providers::Kind::RateLimited).then_some(429);
    let next = pennyworth_providers::Next::NextModel;
    pennyworth_providers::ProviderError { next, status, ..pennyworth_providers::ProviderError::new(kind) }
}

/// Moves a file with its journal.
fn rename(from: &Path, to: &Path) {
    for part in ["", "-wal", "-shm"] {
        let _ = std::fs::rename(file::with(from, part), file::with(to, part));
    }
}

fn suggested(model: &str, chars: u32, tokens: u32, truncated: bool) -> Suggested {
    let source = if model == "embedded" { Source::Embedded } else { Source::Model };
    Suggested {
        source,
        model: model.into(),
        call: None,
        task: Task::Line,
        language: "rust".into(),
        chars,
        tokens,
        truncated,
        probability: Some(0.5),
    }
}

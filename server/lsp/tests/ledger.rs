//! The ledger between processes: a killed process loses no row, and several processes keep one cap. Each process is this test binary, started
//! again with a variable that names its role.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use pennyworth::ledger::{Entry, Ledger, Refused};
use pennyworth_core::caps::Caps;
use pennyworth_core::models::{AbortBilled, Price};
use pennyworth_core::money::Money;
use pennyworth_core::task::Task;

const ROLE: &str = "PENNYWORTH_TEST_ROLE";
const FILE: &str = "PENNYWORTH_TEST_LEDGER";
/// Calls each process tries to make.
const CALLS: usize = 40;

fn call() -> Entry {
    let token = Money::from_pico(1_000_000);
    Entry {
        provider: "example.com".into(),
        model: "m".into(),
        task: Some(Task::Line),
        language: "rust".into(),
        prompt_tokens: 50,
        max_tokens: 50,
        chars_per_token: 4.39,
        worst_cost: token.times(100),
        price: Price {
            input: token,
            cached: token,
            write: token,
            write_long: None,
            output: token,
            batch: None,
            as_of: String::new(),
            off_peak: None,
        },
        abort_billed: AbortBilled::Yes,
        deadline: Duration::from_secs(10),
        is_trial: false,
    }
}

/// The cost of this many calls of 100 tokens.
fn calls_cost(calls: u64) -> Money {
    Money::from_pico(100_000_000).times(calls)
}

fn caps(day: Money) -> Caps {
    Caps { day, month: Money::MAX }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn start(role: &str, file: &Path) -> std::process::Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture", "--test-threads=1"]).env(ROLE, role).env(FILE, file);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// Not a test: what the started processes do.
#[test]
fn child() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let (ledger, notice) = Ledger::open(Some(Path::new(&file)));
    assert_eq!(notice, None);
    for number in 0..CALLS {
        match wait(ledger.reserve(call(), Some(caps(calls_cost(50))))) {
            // The reservation is written, and the request would be sent now.
            Ok(_reservation) if role == "killed" => std::process::abort(),
            Ok(reservation) if number % 2 == 0 => drop(reservation),
            Ok(reservation) => reservation.settle(None),
            Err(refused) => assert!(matches!(refused, Refused::Cap(_)), "{refused}"),
        }
    }
    assert!(ledger.flush());
}

#[test]
fn a_killed_process_leaves_its_row() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.sqlite");
    for killed in 1..=3 {
        assert!(!start("killed", &file).wait().unwrap().success());
        let (ledger, notice) = Ledger::open(Some(&file));
        assert_eq!(notice, None);
        assert_eq!(ledger.report(UNIX_EPOCH).unwrap().total.calls, killed);
        assert_eq!(wait(ledger.spent()).unwrap().reserved, calls_cost(killed));
    }
}

#[test]
fn several_processes_keep_one_cap() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ledger.sqlite");
    // They also race to create the file.
    let children: Vec<_> = (0..3).map(|_| start("caller", &file)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let (ledger, _) = Ledger::open(Some(&file));
    assert_eq!(ledger.report(UNIX_EPOCH).unwrap().total.calls, 50, "of {} wanted", 3 * CALLS);
    assert_eq!(wait(ledger.spent()).unwrap().day, calls_cost(50));
}

/// Also prints how long a reservation takes: `cargo test --release -p pennyworth --test ledger -- --nocapture`.
#[test]
fn a_day_of_many_calls_is_counted_to_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = Ledger::open(Some(&folder.path().join("ledger.sqlite")));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    for round in 0..5 {
        let mut times: Vec<_> = (0..1000)
            .map(|_| {
                let start = Instant::now();
                let reservation = runtime.block_on(ledger.reserve(call(), Some(caps(Money::MAX)))).unwrap();
                let time = start.elapsed();
                reservation.settle(None);
                time
            })
            .collect();
        times.sort();
        println!(
            "{} calls today: p50 {:?}, p99 {:?}, max {:?}",
            (round + 1) * 1000,
            times[500],
            times[990],
            times[999]
        );
    }
    assert!(ledger.flush());
    assert_eq!(ledger.report(UNIX_EPOCH).unwrap().total.calls, 5_000);
}

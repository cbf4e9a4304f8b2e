//! What the ledger costs after a year: the time of a report, as the command line asks for it and as an editor does every two seconds, and the
//! time of a reservation with and without reports beside it. It leaves what the rows mean to the ledger.
//!
//! `cargo run --release -p pennyworth-tests --bin ledger-eval`

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::Parser;
use pennyworth::ledger::{Entry, Ledger};
use pennyworth_core::caps::Caps;
use pennyworth_core::models::{AbortBilled, Price};
use pennyworth_core::money::Money;
use pennyworth_core::task::Task;
use rusqlite::{Connection, params};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Times reports and reservations on a ledger of a year.
#[derive(Parser)]
struct Cli {
    /// Calls in the ledger, spread over a year; there is one suggestion for two of them
    #[arg(long, default_value_t = 600_000)]
    calls: u64,
    /// Reservations to time
    #[arg(long, default_value_t = 1_000)]
    reservations: usize,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    let mut out = std::io::stdout();
    // Creates the file.
    drop(open(&path)?);
    let begun = Instant::now();
    fill(&path, cli.calls)?;
    writeln!(out, "{} calls in {:.1} s, {} MB", cli.calls, begun.elapsed().as_secs_f64(), size_mb(&path)?)?;
    let begun = Instant::now();
    let ledger = open(&path)?;
    ledger.flush();
    writeln!(out, "opened and read in {}", ms(begun.elapsed()))?;

    let report = |since: SystemTime| -> anyhow::Result<(Duration, u64)> {
        let begun = Instant::now();
        let report = ledger.report(since).map_err(anyhow::Error::msg)?;
        Ok((begun.elapsed(), report.total.calls))
    };
    let (year, calls) = report(UNIX_EPOCH)?;
    writeln!(out, "a report of the year ({calls} calls): {}", ms(year))?;
    let month = SystemTime::now() - DAY * 32;
    let (first, calls) = report(month)?;
    let mut again = (0..50).map(|_| Ok(report(month)?.0)).collect::<anyhow::Result<Vec<_>>>()?;
    again.sort();
    writeln!(out, "a report of 32 days ({calls} calls): {}; asked again: {}", ms(first), spread(&again))?;

    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let reserve = || -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..cli.reservations {
            let begun = Instant::now();
            let caps = Caps { day: Money::MAX, month: Money::MAX };
            let reserved = runtime.block_on(ledger.reserve(call(), Some(caps)))?;
            times.push(begun.elapsed());
            reserved.settle(None);
        }
        times.sort();
        Ok(times)
    };
    reserve()?;
    writeln!(out, "a reservation: {}", spread(&reserve()?))?;
    for (name, since) in [("of 32 days", month), ("of the year", UNIX_EPOCH)] {
        let (stop, mut reports) = (AtomicBool::new(false), 0);
        let beside = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut reports = 0;
                // Each on a handle of its own, so that nothing is remembered.
                while !stop.load(Ordering::Relaxed) {
                    reports += u32::from(open(&path).is_ok_and(|ledger| ledger.report(since).is_ok()));
                }
                reports
            });
            let beside = reserve();
            stop.store(true, Ordering::Relaxed);
            reports = reader.join().unwrap_or_default();
            beside
        })?;
        writeln!(out, "a reservation while another thread reads reports {name} ({reports}): {}", spread(&beside))?;
    }
    Ok(())
}

fn open(path: &Path) -> anyhow::Result<Ledger> {
    let (ledger, notice) = Ledger::open(Some(path));
    anyhow::ensure!(notice.is_none(), "{}", notice.unwrap_or_default());
    Ok(ledger)
}

/// Writes calls and suggestions over the last year, as servers would have.
fn fill(path: &Path, calls: u64) -> anyhow::Result<()> {
    let mut connection = Connection::open(path)?;
    let step = connection.transaction()?;
    {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let year = DAY.as_millis() * 365;
        let mut call = step.prepare(
            "INSERT INTO calls (id, day, at_ms, counts_ms, over_ms, provider, model, task, language, status, max_tokens, prompt_tokens,
                plain_tokens, worst, charge, price_input, price_cached, price_write, price_output, price_as_of, input, output, first_ms)
             VALUES (?1, date(?2 / 1000, 'unixepoch'), ?2, ?2, ?2, 'p', ?3, ?4, ?5, 'done', 100, 1000, 1000, 9, 7000000, 1, 1, 1, 1, '',
                900, 20, ?6)",
        )?;
        let mut suggestion = step.prepare(
            "INSERT INTO suggestions (id, at_ms, source, model, task, language, chars, tokens, truncated, outcome, outcome_chars)
             VALUES (?1, ?2, 'model', ?3, ?4, ?5, 40, 10, 0, 'accepted', 40)",
        )?;
        let pick = |names: [&'static str; 4], number: u64| names.get(number as usize % 4).copied().unwrap_or_default();
        for number in 0..calls {
            let at = i64::try_from(now - year + year * u128::from(number) / u128::from(calls))?;
            let model = pick(["luna", "haiku", "codestral", "qwen"], number / 7);
            let task = pick(["line", "argument", "block", "member"], number / 3);
            let language = pick(["rust", "python", "typescript", "go"], number / 1000);
            call.execute(params![(at << 22) + 1, at, model, task, language, (100 + number % 900).cast_signed()])?;
            if number % 2 == 0 {
                suggestion.execute(params![(at << 22) + 2, at, model, task, language])?;
            }
        }
    }
    step.commit()?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).context("the journal is moved")
}

fn call() -> Entry {
    let token = Money::from_pico(1000);
    Entry {
        provider: "example.com".into(),
        model: "luna".into(),
        task: Some(Task::Line),
        language: "rust".into(),
        prompt_tokens: 100,
        max_tokens: 50,
        chars_per_token: 4.0,
        worst_cost: token.times(200),
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
        abort_billed: AbortBilled::No,
        deadline: Duration::from_secs(1),
        is_trial: false,
    }
}

fn size_mb(path: &Path) -> anyhow::Result<u64> {
    Ok(std::fs::metadata(path)?.len() >> 20)
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

/// The percentiles of sorted times.
fn spread(times: &[Duration]) -> String {
    let at = |share: f64| {
        let index = (times.len().saturating_sub(1) as f64 * share).round() as usize;
        times.get(index).map_or_else(String::new, |time| ms(*time))
    };
    format!("p50 {}, p99 {}, max {}", at(0.5), at(0.99), at(1.0))
}

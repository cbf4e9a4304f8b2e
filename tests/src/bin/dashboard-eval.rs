//! How long the page of `pennyworth dashboard` takes to write over a ledger of a busy year, and how large it is. It leaves drawing it to a browser:
//! `tests/editors/dashboard.sh` with `PAGE`.
//!
//! `cargo run --release -p pennyworth-tests --bin dashboard-eval -- --page page.html`

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use pennyworth::ledger::Ledger;
use pennyworth::reports::dashboard;
use pennyworth::settings::Settings;
use pennyworth_tests::busy::{Busy, configuration, fill};
use pennyworth_tests::paid;

/// Makes a ledger, and times the page.
#[derive(Parser)]
struct Cli {
    /// Calls in the ledger; there are two suggestions for each
    #[arg(long, default_value_t = 600_000)]
    calls: u64,
    /// Days over which they are spread
    #[arg(long, default_value_t = 365)]
    days: u64,
    /// Give some models, languages and errors hostile names
    #[arg(long)]
    hostile: bool,
    /// Make the ledger and the configuration in this home, for the real program, and time nothing
    #[arg(long, value_name = "FOLDER")]
    home: Option<PathBuf>,
    /// Keep the page in this file
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let busy = Busy { calls: cli.calls, days: cli.days, is_hostile: cli.hostile };
    let mut out = std::io::stdout();
    if let Some(home) = cli.home {
        fill(&paid::ledger(&home), busy)?;
        return Ok(std::fs::write(home.join("config.toml"), configuration())?);
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ledger.sqlite");
    fill(&path, busy)?;
    let config = folder.path().join("config.toml");
    std::fs::write(&config, configuration())?;
    writeln!(out, "{} calls in a ledger of {} MB", cli.calls, std::fs::metadata(&path)?.len() >> 20)?;
    let mut page = String::new();
    for _ in 0..3 {
        let begun = Instant::now();
        let (settings, _) = Settings::gather(Some(&config), &[]);
        let (ledger, _) = Ledger::open(Some(&path));
        ledger.flush();
        let opened = begun.elapsed();
        page = dashboard::page(Some(&ledger), &settings, (None, None))?;
        let all = begun.elapsed();
        writeln!(
            out,
            "written in {:.2} s, {:.2} s of that to open the ledger; {:.1} MB",
            all.as_secs_f64(),
            opened.as_secs_f64(),
            page.len() as f64 / 1e6
        )?;
    }
    if let Some(path) = cli.page {
        std::fs::write(path, page)?;
    }
    Ok(())
}

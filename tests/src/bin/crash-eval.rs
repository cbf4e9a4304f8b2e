//! Kills servers at random moments, as `kill -9` does, while three of them share a ledger and a small cap. It prints what is left and fails if a
//! call that was sent has no row, or the cap did not hold.
//!
//! `cargo build --release && cargo run --release -p pennyworth-tests --bin crash-eval`

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use pennyworth_tests::editor::beside;
use pennyworth_tests::{crashes, paid};

/// Kills servers at random moments and checks their ledger.
#[derive(Parser)]
struct Cli {
    /// The server; by default the one built beside this program
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Number of kills
    #[arg(long, default_value_t = 200)]
    kills: u64,
    /// The cap of all servers, in US dollars
    #[arg(long, default_value_t = 4.0)]
    cap: f64,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let server = beside(cli.server)?;
    let begun = Instant::now();
    let left = tokio::runtime::Runtime::new()?.block_on(crashes::kill(&server, cli.kills, cli.cap, cli.seed))?;
    let (billed, counted) = (paid::cost(left.bill), left.counted);
    let mut out = std::io::stdout();
    writeln!(out, "{} kills in {:.0} s, three servers on one ledger", cli.kills, begun.elapsed().as_secs_f64())?;
    writeln!(out, "{} calls were billed, the ledger has {} rows", left.bill.calls, left.rows)?;
    writeln!(out, "{billed} billed, {counted} counted, of ${}; {} requests got nothing", cli.cap, left.silent)?;
    left.check(cli.cap)?;
    Ok(writeln!(out, "no row is missing, and the cap held")?)
}

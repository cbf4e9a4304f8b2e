//! Types a million keys into one server, with everything that goes wrong on the way, and prints what came of it. It fails if a request was not
//! answered once, the ledger disagrees with the bill, the cap did not hold, or the memory grew after the first tenth.
//!
//! `cargo build --release && cargo run --release -p pennyworth-tests --bin soak-eval`

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use pennyworth_tests::editor::beside;
use pennyworth_tests::soak;

/// Types many keys and checks answers, money and memory.
#[derive(Parser)]
struct Cli {
    /// The server; by default the one built beside this program
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Number of keys
    #[arg(long, default_value_t = 1_000_000)]
    keys: u64,
    /// The cap, in US dollars
    #[arg(long, default_value_t = 500.0)]
    cap: f64,
    /// Where the random numbers begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let server = beside(cli.server)?;
    let begun = Instant::now();
    let soaked = tokio::runtime::Runtime::new()?.block_on(soak::soak(&server, cli.keys, cli.cap, cli.seed))?;
    let mut out = std::io::stdout();
    writeln!(out, "{} keys in four documents, {:.0} s", cli.keys, begun.elapsed().as_secs_f64())?;
    writeln!(out, "{} requests answered once each, {} with a suggestion", soaked.answered, soaked.shown)?;
    writeln!(
        out,
        "{} calls billed, {} in the ledger ({} estimated)",
        soaked.billed_calls(),
        soaked.calls,
        soaked.estimated
    )?;
    writeln!(out, "{} billed, {} booked ({:+.1} %), of ${}", soaked.billed(), soaked.booked, soaked.off(), soaked.cap)?;
    if let Some((first, most)) = soaked.growth_kb() {
        writeln!(out, "memory: {} MB in the first tenth, at most {} MB after it", first >> 10, most >> 10)?;
        writeln!(out, "threads: at most {}", soaked.threads)?;
    }
    soaked.check(cli.keys)?;
    Ok(writeln!(out, "all of it holds")?)
}

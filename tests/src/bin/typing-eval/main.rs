//! What typing costs: a simulated user types real code, with pauses and time to read, while a fake model answers with a latency and is right
//! at a given rate. Prints the calls, the provider's bill and the accepted text, beside a baseline that waits a fixed time after each
//! key, asks for a line and keeps its last answers. Everything runs in real time, so many users type at once.
//! It leaves the embedded model, which is off by default, to `ngram-eval`.
//!
//! `cargo run --release -p pennyworth-tests --bin typing-eval -- DIR…`

#![expect(
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "offsets are those of characters that were found or typed, and JSON is what the fake provider got"
)]

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use pennyworth_tests::fake_provider::{Bill, FakeProvider};
use pennyworth_tests::sources;

use crate::fixed::Fixed;
use crate::oracle::Oracle;
use crate::ours::Ours;
use crate::typist::{Chance, Helper, Tally, Text, Typist};

mod fixed;
mod oracle;
mod ours;
mod typist;

/// Types the files of directories.
#[derive(Parser)]
struct Cli {
    /// Directories of sources
    #[arg(value_name = "DIR", required = true)]
    paths: Vec<PathBuf>,
    /// Languages, by name; by default all that are found
    #[arg(long, value_delimiter = ',')]
    language: Vec<String>,
    /// Files of each language
    #[arg(long, default_value_t = 10)]
    files: usize,
    /// Lines to type in each file
    #[arg(long, default_value_t = 25)]
    lines: usize,
    /// How often the model is right, in percent
    #[arg(long, default_value_t = 60)]
    right: u64,
    /// Usual TTFT of the model, in milliseconds
    #[arg(long, default_value_t = 350)]
    latency_ms: u64,
    /// Lines of the server's configuration, such as `preset = "frugal"`
    #[arg(long, default_value = "")]
    config: String,
    /// Let the embedded model answer, too
    #[arg(long)]
    embedded: bool,
}

/// US dollars for a million tokens of input and of output, as of a cheap cloud model.
const PRICE: (f64, f64) = (0.10, 0.50);

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let texts: Vec<Arc<Text>> = sources::by_language(&cli.paths, &cli.language, cli.files)?
        .into_iter()
        .flat_map(|(language, files)| files.into_iter().map(move |(_, text)| Text::of(language.name(), &text)))
        .filter_map(|text| text.with_place(cli.lines).map(Arc::new))
        .collect();
    anyhow::ensure!(!texts.is_empty(), "no file has {} lines to type in the middle", cli.lines);
    let runtime = tokio::runtime::Runtime::new()?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{} files, {} lines of each; right {} % of the time, first token after {} ms\n{:<18}{:>7}{:>9}{:>9}{:>9}{:>9}{:>11}{:>9}{:>12}{:>14}",
        texts.len(),
        cli.lines,
        cli.right,
        cli.latency_ms,
        "",
        "keys",
        "saved %",
        "shown",
        "taken",
        "calls",
        "input",
        "output",
        "USD",
        "USD/1,000 ch.",
    )?;
    let all = runtime.block_on(async {
        let fixed = measure(&cli, &texts, |_, base_url| async move { Ok(Fixed::new(base_url)) }).await?;
        let config = cli.config.replace("\\n", "\n");
        let ours = measure(&cli, &texts, |text, base_url| {
            let (config, embedded) = (config.clone(), cli.embedded);
            async move { Ours::new(&text, &base_url, &config, embedded).await }
        });
        anyhow::Ok([("fixed 350 ms", fixed), ("ours", ours.await?)])
    })?;
    for (name, (tally, bill)) in &all {
        let usd = (bill.input as f64 * PRICE.0 + bill.output as f64 * PRICE.1) / 1e6;
        let saved = tally.taken_chars as f64 / (tally.taken_chars + tally.keys) as f64 * 100.0;
        writeln!(
            out,
            "{name:<18}{:>7}{saved:>9.1}{:>9}{:>9}{:>9}{:>11}{:>9}{usd:>12.5}{:>14.5}",
            tally.keys,
            tally.shown,
            tally.taken,
            bill.calls,
            bill.input,
            bill.output,
            usd / tally.taken_chars as f64 * 1000.0,
        )?;
    }
    let [(_, (_, fixed)), (_, (_, ours))] = &all;
    writeln!(out, "calls: {:.2} times as many as with the fixed wait", ours.calls as f64 / fixed.calls as f64)?;
    Ok(())
}

/// Types all texts at once, each with a helper of its own and one provider for all. Returns the sum of the tallies, and the bill.
async fn measure<H, F>(
    cli: &Cli,
    texts: &[Arc<Text>],
    helper: impl Fn(Arc<Text>, String) -> F,
) -> anyhow::Result<(Tally, Bill)>
where
    H: Helper,
    F: Future<Output = anyhow::Result<H>>,
{
    let provider = FakeProvider::start().await?;
    let oracle = Oracle { texts: texts.to_vec(), right: cli.right, latency: Duration::from_millis(cli.latency_ms) };
    provider.answers_by(move |body| oracle.answer(body));
    let mut typing = tokio::task::JoinSet::new();
    for (text, seed) in texts.iter().zip(1..) {
        let helper = helper(Arc::clone(text), provider.base_url()).await?;
        typing.spawn(Typist::new(Arc::clone(text), Chance::new(seed), helper).type_all());
    }
    let mut sum = Tally::default();
    while let Some(tally) = typing.join_next().await {
        sum += tally.context("a typist failed")?;
    }
    Ok((sum, provider.bill()))
}

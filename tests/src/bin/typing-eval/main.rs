//! What typing costs: a simulated person types real code, with pauses and time to read, while a fake model answers with a latency and knows a
//! given share of the lines. Prints the keys saved, the calls and the provider's bill, for this server beside two baselines: one waits a
//! fixed time after each key and asks for a line, the other asks for several lines and reads on. The person and the model are the same for all.
//! Everything runs in real time, so many people type at once.
//! It leaves the embedded model, which is off by default, to `ngram-eval`.
//!
//! `cargo run --release -p pennyworth-tests --bin typing-eval -- DIR…`

#![expect(
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "offsets are those of characters that were found or typed, and JSON is what the fake provider got"
)]

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use futures_util::{StreamExt as _, TryStreamExt as _};
use pennyworth_tests::fake_provider::{Bill, FakeProvider};
use pennyworth_tests::sources::{self, Files};
use tokio::task::JoinSet;

use crate::fixed::Fixed;
use crate::oracle::Oracle;
use crate::ours::Ours;
use crate::report::Row;
use crate::sketch::Sketch;
use crate::tally::Tally;
use crate::text::Text;
use crate::typist::{Helper, Pace, Taking, Typist};

mod call;
mod fixed;
mod oracle;
mod ours;
mod report;
mod sketch;
mod tally;
mod text;
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
    /// Shares of the lines that the model knows, in percent; a table for each
    #[arg(long, value_delimiter = ',', default_value = "60,75")]
    right: Vec<u64>,
    /// Usual TTFT of the model, in milliseconds
    #[arg(long, default_value_t = 220)]
    latency_ms: u64,
    /// Helpers to measure, by name
    #[arg(long, value_delimiter = ',', default_value = "fixed,sketch,ours")]
    only: Vec<Kind>,
    /// Lines of the server's configuration, such as `preset = "frugal"`
    #[arg(long, default_value = "")]
    config: String,
    /// Draw savings against cost: the presets and several waits of this server
    #[arg(long)]
    curve: bool,
    /// Let the embedded model answer, too
    #[arg(long)]
    embedded: bool,
    /// Keep the ledger of all servers in this file, for `pennyworth dashboard`; each server then learns from the others
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// Press a key each 200 ms, without pauses
    #[arg(long)]
    steady: bool,
    /// Runs at once; a helper takes two, one for each way of taking suggestions
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Print each suggestion that was wrong though the model was right
    #[arg(long)]
    verbose: bool,
}

/// A kind of helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Kind {
    Fixed,
    Sketch,
    Ours,
}

/// A helper to measure, with its lines of configuration.
struct Point {
    name: String,
    kind: Kind,
    config: String,
}

/// Presets on the curve.
const PRESETS: [&str; 3] = ["frugal", "balanced", "eager"];
/// Waits on the curve, in milliseconds, with the usual preset.
const WAITS: [u32; 6] = [0, 50, 100, 200, 400, 800];

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let sources = sources::by_language(&cli.paths, &cli.language, cli.files)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let points = points(&cli);
    let mut out = std::io::stdout().lock();
    for right in &cli.right {
        let texts: Vec<Arc<Text>> =
            sources.iter().flat_map(|(language, files)| parts(&cli, language.name(), files, *right)).collect();
        anyhow::ensure!(!texts.is_empty(), "no file has {} lines to type in the middle", cli.lines);
        report::begin(&mut out, texts.len(), cli.lines, *right, cli.latency_ms)?;
        let rows = runtime.block_on(measure_all(&cli, &texts, &points))?;
        match cli.curve {
            true => report::curve(&mut out, &rows)?,
            false => report::table(&mut out, &rows)?,
        }
        if !cli.curve || cli.verbose {
            report::reasons(&mut out, &rows, cli.verbose)?;
        }
    }
    Ok(())
}

/// The parts of a language's files that are typed.
fn parts(cli: &Cli, language: &'static str, files: &Files, right: u64) -> Vec<Arc<Text>> {
    let part = |(path, text): &(PathBuf, String)| {
        Text::new(path.display().to_string(), language, text, cli.lines, right).map(Arc::new)
    };
    files.iter().filter_map(part).collect()
}

/// What is measured: the helpers, or the points of the curve.
fn points(cli: &Cli) -> Vec<Point> {
    let config = cli.config.replace("\\n", "\n");
    let ours = |name: String, line: &str| Point { name, kind: Kind::Ours, config: format!("{line}\n{config}") };
    if cli.curve {
        let presets = PRESETS.map(|name| ours(name.into(), &format!("preset = \"{name}\"")));
        let waits = WAITS.map(|wait| ours(format!("debounce_ms = {wait}"), &format!("debounce_ms = {wait}")));
        return presets.into_iter().chain(waits).collect();
    }
    let point = |kind: &Kind| match kind {
        Kind::Fixed => Point { name: "fixed 350 ms".into(), kind: *kind, config: String::new() },
        Kind::Sketch => Point { name: "sketch".into(), kind: *kind, config: String::new() },
        Kind::Ours => ours("ours".into(), ""),
    };
    cli.only.iter().map(point).collect()
}

/// Measures each point with both ways of taking suggestions.
async fn measure_all(cli: &Cli, texts: &[Arc<Text>], points: &[Point]) -> anyhow::Result<Vec<Row>> {
    let runs = points.iter().flat_map(|point| [Taking::Line, Taking::Whole].map(|taking| (point, taking)));
    let runs = futures_util::stream::iter(runs).map(|(point, taking)| measure(cli, texts, point, taking));
    let measured: Vec<_> = runs.buffered(cli.jobs.max(1)).try_collect().await?;
    let mut measured = measured.into_iter();
    let row = |point: &Point| {
        let ((tally, bill, lost), (whole, _, _)) = measured.next().zip(measured.next())?;
        Some(Row { name: point.name.clone(), tally, bill, lost, whole })
    };
    Ok(points.iter().map_while(row).collect())
}

/// Types all texts at once, each with a helper of its own and one provider for all. Returns the sum of the tallies, the bill, and the
/// number of prompts that the model could not place.
async fn measure(cli: &Cli, texts: &[Arc<Text>], point: &Point, taking: Taking) -> anyhow::Result<(Tally, Bill, u64)> {
    let provider = FakeProvider::start().await?;
    let oracle = Arc::new(Oracle::new(texts, Duration::from_millis(cli.latency_ms)));
    let answers = Arc::clone(&oracle);
    provider.answers_by(move |body| answers.answer(body));
    let (base_url, pace) = (provider.base_url(), Pace { steady: cli.steady });
    let mut typing = JoinSet::new();
    for text in texts {
        match point.kind {
            Kind::Fixed => begin(&mut typing, text, Fixed::new(&base_url), pace, taking),
            Kind::Sketch => begin(&mut typing, text, Sketch::new(Arc::clone(text), &base_url), pace, taking),
            Kind::Ours => {
                let ours = Ours::new(text, &base_url, &point.config, (cli.embedded, cli.ledger.as_deref())).await?;
                begin(&mut typing, text, ours, pace, taking);
            }
        }
    }
    let mut sum = Tally::default();
    while let Some(tally) = typing.join_next().await {
        sum += tally.context("a typist failed")?;
    }
    Ok((sum, provider.bill(), oracle.lost()))
}

fn begin<H: Helper>(typing: &mut JoinSet<Tally>, text: &Arc<Text>, helper: H, pace: Pace, taking: Taking) {
    typing.spawn(Typist::new(Arc::clone(text), helper, pace, taking).type_all());
}

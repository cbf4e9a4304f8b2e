//! Measures the embedded model on any directory of sources: some files are held out and the rest is the workspace. It types the
//! held-out files from nothing, top to bottom, and asks the model at every cursor.
//!
//! What is counted:
//! * **characters**: those of the held-out files that are neither line breaks nor indentation (an editor inserts both).
//! * **shown**: a suggestion at a cursor with a joint probability of at least the threshold and at least `--min-chars` characters.
//! * **accepted**: the whole suggestion equals what follows the cursor, and does not end inside a word. Its characters are *saved* and the
//!   cursor moves behind it. Otherwise one token (`tokens`) or character (`chars`) is typed, and the model is asked again.
//! * **net**: saved, less one key for each accepted suggestion.
//! * **wrong**: shown and not accepted. Some of these *end in a closer* (`)`, `]`, `}`), some *lengthen a word* that is finished.
//! * **partly**: not accepted, but its first token was right. It saves nothing here.
//! * With `tokens`, each showing counts, even if a rejected suggestion is shown again after a token. With `chars`, the rest of the
//!   suggestion on display, while it is typed along, is the same showing; that is what a user sees.
//! * **calibration**: at every third token cursor, without any threshold: the probability against the share that was right, in ten bins;
//!   the error is the mean distance between the two, weighted by the number of predictions in each bin.
//!
//! `--fit` prints the weights of `weights.rs` for the given directories; report the figures of others.
#![allow(clippy::print_stdout, reason = "a measuring tool prints its figures")]

mod contend;
mod corpus;
mod fit;
mod replay;

use std::path::PathBuf;

use clap::Parser;
use pennyworth_ngram::Limits;

use contend::contend;
use corpus::Corpus;
use replay::{Bins, Figures, Mode, Rules};

/// Replays the typing of held-out files against the embedded model.
#[derive(Parser)]
struct Arguments {
    /// Repositories; each is measured on its own.
    #[arg(required = true)]
    directories: Vec<PathBuf>,
    /// Most lines of held-out files to type per repository.
    #[arg(long, default_value_t = 3000)]
    lines: usize,
    /// One file in this many is held out.
    #[arg(long, default_value_t = 8)]
    every: u64,
    /// Joint probabilities from which a suggestion is shown.
    #[arg(long, value_delimiter = ',', default_value = "0.3,0.4,0.5,0.6,0.7")]
    thresholds: Vec<f32>,
    /// Fewest characters of a suggestion.
    #[arg(long, default_value_t = 2)]
    min_chars: usize,
    /// Most tokens of a suggestion.
    #[arg(long, default_value_t = 24)]
    max_tokens: usize,
    /// Most lines of a suggestion.
    #[arg(long, default_value_t = 6)]
    max_lines: usize,
    /// Most megabytes of the model.
    #[arg(long, default_value_t = 64)]
    memory_mb: usize,
    /// How to type the files; both ways by default.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// Prints fitted weights instead of figures.
    #[arg(long)]
    fit: bool,
    /// Prints each suggestion and the true text, for the first threshold.
    #[arg(long)]
    verbose: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let limits = Limits { max_bytes: arguments.memory_mb << 20 };
    let mut samples = Vec::new();
    let mut sums = Sums::default();
    for directory in &arguments.directories {
        let corpus = Corpus::read(directory, arguments.every, arguments.lines)?;
        if corpus.held_out.is_empty() {
            println!("{}: nothing to hold out", directory.display());
            continue;
        }
        if arguments.fit {
            fit::collect(&corpus, limits, &mut samples);
            continue;
        }
        println!("\n{}", directory.display());
        measure(&arguments, &corpus, limits, &mut sums);
    }
    if arguments.fit {
        fit::print(&mut samples);
    } else if arguments.directories.len() > 1 {
        println!("\nall {} repositories", arguments.directories.len());
        replay::print_sums(&sums.rows);
        println!("  {}", sums.bins);
    }
    Ok(())
}

/// Figures of all repositories together.
#[derive(Default)]
struct Sums {
    rows: Vec<(Mode, f32, Figures)>,
    bins: Bins,
}

fn measure(arguments: &Arguments, corpus: &Corpus, limits: Limits, sums: &mut Sums) {
    let (mut model, speed) = corpus.index(limits);
    let stats = model.stats();
    println!(
        "  {} files indexed, {} lines, {:.0} lines/s; {} tokens, {} distinct, {:.1} MB; {} files held out",
        stats.files,
        corpus.lines(),
        speed,
        stats.tokens,
        stats.vocabulary,
        stats.bytes as f64 / f64::from(1 << 20),
        corpus.held_out.len()
    );
    let mut rules = Rules {
        threshold: 0.0,
        min_chars: arguments.min_chars,
        max_tokens: arguments.max_tokens,
        max_lines: arguments.max_lines,
        verbose: false,
    };
    let modes = arguments.mode.map_or(vec![Mode::Tokens, Mode::Chars], |mode| vec![mode]);
    for mode in modes {
        for (index, threshold) in arguments.thresholds.iter().enumerate() {
            rules.threshold = *threshold;
            rules.verbose = arguments.verbose && index == 0;
            let figures = replay::replay(&mut model, &corpus.held_out, mode, rules);
            println!("  {}", figures.row(mode, *threshold));
            sums.rows.push((mode, *threshold, figures));
        }
    }
    let bins = replay::calibrate(&mut model, &corpus.held_out, rules);
    println!("  {bins}");
    sums.bins.add(&bins);
    let (asked, held) = contend(corpus, limits, rules);
    println!("  while indexing behind a lock: query {asked}; the indexer holds it {held}");
}

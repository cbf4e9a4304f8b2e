//! Measures the embedded model on any directory of sources: some files are held out, the rest is the workspace, and the
//! held-out files are typed again from nothing, top to bottom, with the model asked at every cursor.
//!
//! What is counted:
//! * **characters**: those of the held-out files that are neither line breaks nor indentation (an editor puts in both).
//! * **shown**: a suggestion at a cursor with a joint probability of at least the threshold and at least `--min-chars` characters.
//! * **accepted**: the whole suggestion equals what follows the cursor, and does not end inside a word. Its characters are *saved* and the
//!   cursor moves behind it. Otherwise one token (`tokens`) or character (`chars`) is typed, and the model is asked again.
//! * **partly**: not accepted, but its first token was right. It saves nothing here.
//! * With `tokens`, each showing counts, also when a rejected suggestion is shown again after a token. With `chars`, a suggestion that
//!   is the rest of the one on display, typed along, is the same showing; that is what a person sees.
//! * **calibration**: at every third token cursor, without any threshold: the probability against what was right, in ten bins; the error
//!   is the mean distance between the two, weighted by how many fell into each bin.
//!
//! `--fit` prints the weights of `weights.rs` for the directories given; whatever is reported should come from others.
#![allow(clippy::print_stdout, reason = "a measuring tool prints its figures")]

mod corpus;
mod fit;
mod replay;

use std::path::PathBuf;

use clap::Parser;
use pennyworth_ngram::Limits;

use corpus::Corpus;
use replay::{Bins, Figures, Mode, Rules};

/// Replays the typing of held-out files against the embedded model.
#[derive(Parser)]
struct Arguments {
    /// Repositories; each is measured on its own.
    #[arg(required = true)]
    directories: Vec<PathBuf>,
    /// Lines of held-out files that are typed per repository, at most.
    #[arg(long, default_value_t = 3000)]
    lines: usize,
    /// One file in so many is held out.
    #[arg(long, default_value_t = 8)]
    every: u64,
    /// Joint probabilities from which a suggestion is shown.
    #[arg(long, value_delimiter = ',', default_value = "0.3,0.4,0.5,0.6,0.7")]
    thresholds: Vec<f32>,
    /// Characters a suggestion needs.
    #[arg(long, default_value_t = 2)]
    min_chars: usize,
    /// Tokens of a suggestion at most.
    #[arg(long, default_value_t = 24)]
    max_tokens: usize,
    /// Lines of a suggestion at most.
    #[arg(long, default_value_t = 6)]
    max_lines: usize,
    /// Megabytes the model may take.
    #[arg(long, default_value_t = 64)]
    memory_mb: usize,
    /// How the files are typed; both if not given.
    #[arg(long, value_enum)]
    mode: Option<Mode>,
    /// Prints fitted weights instead of figures.
    #[arg(long)]
    fit: bool,
    /// Prints what was shown and what stood there, for the first threshold.
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
    let (asked, held) = corpus.contend(limits, rules);
    println!("  while indexing behind a lock: query {asked}; the indexer holds it {held}");
}

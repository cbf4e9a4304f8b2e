//! Measures the masking of keys and passwords on the sources below directories: the share of prompt-sized windows in which anything is masked,
//! which on public code should be little, and the time that a window takes. It leaves judging each mask to whoever reads them (`--show`).
#![allow(clippy::print_stdout, reason = "its result is what it prints")]

use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use pennyworth_core::mask;
use pennyworth_core::prompt::head;
use pennyworth_tests::sources;

/// Bytes of a window: a large prompt.
const WINDOW: usize = 8 * 1024;

#[derive(Parser)]
struct Arguments {
    /// Directories with sources.
    #[arg(required = true)]
    directories: Vec<PathBuf>,
    /// Print each line with a mask.
    #[arg(long)]
    show: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (mut windows, mut masked, mut spans, mut failed) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut micros = Vec::new();
    let files = sources::by_language(&arguments.directories, &[], usize::MAX)?.into_iter().flat_map(|(_, files)| files);
    for (path, text) in files {
        let (path, mut rest) = (path.display().to_string(), text.as_str());
        while !rest.is_empty() {
            let window = head(rest, WINDOW);
            let window = if window.is_empty() { rest } else { window };
            rest = rest.get(window.len()..).unwrap_or_default();
            let begun = Instant::now();
            let found = mask::spans(window, &path);
            micros.push(begun.elapsed().as_micros());
            windows += 1;
            let Some(found) = found else {
                failed += 1;
                continue;
            };
            masked += usize::from(!found.is_empty());
            spans += found.len();
            for span in found.iter().filter(|_| arguments.show) {
                let (before, secret) =
                    (window.get(..span.start).unwrap_or_default(), window.get(span.clone()).unwrap_or_default());
                println!("{path}: {}⟦{}⟧", before.rsplit('\n').next().unwrap_or_default(), secret.replace('\n', "↵"));
            }
        }
    }
    micros.sort_unstable();
    let at =
        |share: f64| micros.get((micros.len() as f64 * share) as usize).copied().unwrap_or_default() as f64 / 1000.0;
    let share = masked as f64 * 100.0 / windows.max(1) as f64;
    println!(
        "{windows} windows of {WINDOW} bytes, {masked} with a mask ({share:.1} %), {spans} masks, {failed} not searched"
    );
    println!("time per window: p50 {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99));
    Ok(())
}

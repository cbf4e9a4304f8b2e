//! How far the token estimate is from the true number, on windows as large as a prompt's, by language and by tokenizer.

use std::io::Write;

use bpe_openai::{Tokenizer, cl100k_base, o200k_base};
use pennyworth_core::tokens::{REFERENCE_CHARS_PER_TOKEN, estimate};
use pennyworth_grammars::Language;
use pennyworth_tests::sources::Files;

/// Lines of a window.
const LINES: usize = 80;
/// One window in this many is measured.
const EVERY: usize = 3;

/// Prints the error of the estimate.
pub(crate) fn report(sources: &[(&'static Language, Files)], out: &mut impl Write) -> anyhow::Result<()> {
    writeln!(out, "windows of {LINES} lines; relative error of the estimate")?;
    writeln!(out, "language    windows  chars/token | o200k: bias    mean     p95 | cl100k: bias    mean     p95")?;
    let mut all = Vec::new();
    for (language, files) in sources {
        let windows: Vec<String> = files.iter().flat_map(|(_, text)| windows(text)).step_by(EVERY).collect();
        if !windows.is_empty() {
            line(out, language.name(), &windows)?;
        }
        all.extend(windows);
    }
    line(out, "all", &all)
}

fn windows(text: &str) -> Vec<String> {
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    lines.chunks(LINES).filter(|chunk| chunk.len() == LINES).map(|chunk| chunk.concat()).collect()
}

fn line(out: &mut impl Write, name: &str, windows: &[String]) -> anyhow::Result<()> {
    let chars: usize = windows.iter().map(|window| window.chars().count()).sum();
    let tokens: usize = windows.iter().map(|window| o200k_base().count(window.as_str())).sum();
    let [first, second] = [o200k_base(), cl100k_base()].map(|tokenizer| Error::of(tokenizer, windows));
    writeln!(
        out,
        "{name:<12} {:>6}        {:>5.2} |      {:>+5.1} % {:>5.1} % {:>5.1} % |       {:>+5.1} % {:>5.1} % {:>5.1} %",
        windows.len(),
        chars as f64 / tokens.max(1) as f64,
        first.bias * 100.0,
        first.mean * 100.0,
        first.p95 * 100.0,
        second.bias * 100.0,
        second.mean * 100.0,
        second.p95 * 100.0,
    )?;
    Ok(())
}

/// The relative error of estimates.
struct Error {
    bias: f64,
    mean: f64,
    p95: f64,
}

impl Error {
    fn of(tokenizer: &Tokenizer, windows: &[String]) -> Error {
        let errors = windows.iter().map(|window| {
            let tokens = tokenizer.count(window.as_str()).max(1) as f64;
            (f64::from(estimate(window, REFERENCE_CHARS_PER_TOKEN)) - tokens) / tokens
        });
        let errors: Vec<f64> = errors.collect();
        let count = errors.len().max(1) as f64;
        let mut sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        Error {
            bias: errors.iter().sum::<f64>() / count,
            mean: sizes.iter().sum::<f64>() / count,
            p95: sizes.get((count * 0.95) as usize).copied().unwrap_or(0.0),
        }
    }
}

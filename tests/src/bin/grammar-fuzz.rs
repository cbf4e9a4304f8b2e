//! Hands any text to the parser of every language, with the guard in front, in a process for each, because a grammar that fails takes its process
//! along. Prints what each language took, and keeps the input of each end. It leaves making and judging a text to `fuzz`.
//!
//! `cargo run --release -p pennyworth-tests --bin grammar-fuzz -- --seconds 600`

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use clap::Parser;
use pennyworth_grammars::{Language, all, by_name};
use pennyworth_tests::{fuzz, garble};

/// An input that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(60);
/// After so many ends of its process, a language is given up.
const MAX_ENDS: usize = 5;
/// Most bytes of an input.
const MAX_BYTES: u64 = 120;

/// Fuzzes the grammars.
#[derive(Parser)]
struct Cli {
    /// Seconds for each language
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Only these languages
    #[arg(long, value_delimiter = ',')]
    language: Vec<String>,
    /// Where the random inputs begin
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where inputs that end a process are kept
    #[arg(long, default_value = "target/grammar-fuzz")]
    folder: PathBuf,
    /// Reads this input of the language, and prints its text, instead of making inputs
    #[arg(long)]
    input: Option<PathBuf>,
    /// Works on one language in this process; the first form starts itself so
    #[arg(long, hide = true)]
    alone: bool,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let languages: Vec<&'static Language> = match cli.language.as_slice() {
        [] => all().iter().collect(),
        names => names.iter().map(|name| by_name(name).context("unknown language")).collect::<Result<_, _>>()?,
    };
    let mut out = std::io::stdout();
    if let (Some(input), [language, ..]) = (&cli.input, languages.as_slice()) {
        let bytes = std::fs::read(input)?;
        out.write_all(garble::text(language, &bytes).as_bytes())?;
        fuzz::grammar(language, &bytes);
        return Ok(());
    }
    if let (true, [language]) = (cli.alone, languages.as_slice()) {
        return alone(language, &cli);
    }
    std::fs::create_dir_all(&cli.folder)?;
    writeln!(out, "{:<12}{:>9}{:>12}{:>9}  ends", "language", "texts", "slowest ms", "seconds")?;
    let mut ends = 0;
    for language in languages {
        ends += fuzzed(language, &cli, &mut out)?;
    }
    anyhow::ensure!(ends == 0, "{ends} ends of a process; `--input FILE --language NAME` repeats one");
    Ok(())
}

/// Fuzzes a language for its time in as many processes as that takes, prints its row, and returns how many ended early.
fn fuzzed(language: &'static Language, cli: &Cli, out: &mut impl std::io::Write) -> anyhow::Result<usize> {
    let begun = Instant::now();
    let (mut texts, mut slowest, mut ends) = (0_u64, 0_u64, Vec::new());
    let current = cli.folder.join(language.name());
    for seed in cli.seed.. {
        let left = Duration::from_secs(cli.seconds).saturating_sub(begun.elapsed()).as_secs();
        if left == 0 || ends.len() >= MAX_ENDS {
            break;
        }
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--alone", "--language", language.name(), "--seconds", &left.to_string()])
            .args(["--seed", &seed.to_string(), "--folder"])
            .arg(&cli.folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let ended = loop {
            std::thread::sleep(Duration::from_millis(50));
            if let Some(status) = child.try_wait()? {
                break how(status);
            }
            if age(&current) > LONGEST {
                child.kill()?;
                child.wait()?;
                break Some("hangs".to_owned());
            }
        };
        let told = child.wait_with_output()?.stdout;
        let mut numbers = std::str::from_utf8(&told)?.split_whitespace().map_while(|number| number.parse::<u64>().ok());
        texts += numbers.next().unwrap_or(0);
        slowest = slowest.max(numbers.next().unwrap_or(0));
        if let Some(ended) = ended {
            let kept = cli.folder.join(format!("{}-{seed}", language.name()));
            std::fs::rename(&current, &kept)?;
            ends.push(format!("{ended}: {}", kept.display()));
        }
    }
    let told = if ends.is_empty() { "none".to_owned() } else { ends.join("; ") };
    writeln!(out, "{:<12}{texts:>9}{slowest:>12}{:>9}  {told}", language.name(), begun.elapsed().as_secs())?;
    out.flush()?;
    Ok(ends.len())
}

/// How a process ended, if not well.
fn how(status: ExitStatus) -> Option<String> {
    (!status.success()).then(|| status.to_string())
}

/// The time since a file was written.
fn age(path: &Path) -> Duration {
    let written = std::fs::metadata(path).and_then(|data| data.modified()).ok();
    written.and_then(|at| SystemTime::now().duration_since(at).ok()).unwrap_or_default()
}

/// Makes inputs until the time is over. Each is in the file before it is tried.
fn alone(language: &'static Language, cli: &Cli) -> anyhow::Result<()> {
    let (begun, current) = (Instant::now(), cli.folder.join(language.name()));
    let mut state = cli.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    // Xorshift, by Marsaglia.
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 16
    };
    let (mut texts, mut slowest) = (0_u64, Duration::ZERO);
    while begun.elapsed() < Duration::from_secs(cli.seconds) {
        let count = 4 + random() % MAX_BYTES;
        let bytes: Vec<u8> = (0..count).map(|_| random().to_le_bytes()[0]).collect();
        std::fs::write(&current, &bytes)?;
        let began = Instant::now();
        fuzz::grammar(language, &bytes);
        if began.elapsed() > slowest {
            slowest = began.elapsed();
            std::fs::copy(&current, current.with_extension("slowest"))?;
        }
        texts += 1;
    }
    writeln!(std::io::stdout(), "{texts} {}", slowest.as_millis())?;
    Ok(())
}

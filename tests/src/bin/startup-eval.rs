//! What the server costs before anybody types: the time from starting the program to its first answer, and then, with a document of every
//! language open, its memory and its processor time while idle. It leaves the cost of typing to `keystroke-eval`.
//!
//! `cargo build --release && cargo run --release -p pennyworth-tests --bin startup-eval`

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use pennyworth_tests::editor::{Editor, beside};
use serde_json::{Value, json};

/// How long the server must take no processor time to count as quiet.
const QUIET: Duration = Duration::from_millis(500);
/// Milliseconds of one tick, Linux's unit of processor time.
const TICK_MS: u64 = 10;

/// Times the start of the server, and reads its memory and idle processor time.
#[derive(Parser)]
struct Cli {
    /// The server; by default the one built beside this program
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Number of timed starts
    #[arg(long, default_value_t = 20)]
    starts: usize,
    /// Seconds of idling in which to count processor time
    #[arg(long, default_value_t = 5)]
    idle: u64,
}

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let server = beside(cli.server)?;
    // A home of its own, so that the server reads and writes no files of the user.
    let home = tempfile::tempdir()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        times(&server, home.path(), cli.starts).await?;
        at_rest(&server, home.path(), Duration::from_secs(cli.idle)).await
    })
}

/// Starts and initializes a server. Returns it, and how long that took.
async fn start(server: &Path, home: &Path) -> anyhow::Result<(Editor, Duration)> {
    let home = home.to_str().context("a home with a name")?;
    let capabilities = json!({"general": {"positionEncodings": ["utf-8"]}, "textDocument": {"inlineCompletion": {}}});
    let begun = Instant::now();
    let mut editor = Editor::spawn(server, &[], &[("HOME", home)])?;
    editor.initialize(capabilities, Value::Null, None).await;
    Ok((editor, begun.elapsed()))
}

async fn times(server: &Path, home: &Path, starts: usize) -> anyhow::Result<()> {
    let mut times = Vec::new();
    for _ in 0..starts {
        let (editor, time) = start(server, home).await?;
        times.push(time);
        editor.shutdown().await;
    }
    times.sort();
    let [min, p50, p99, max] = [0.0, 0.5, 0.99, 1.0].map(|share| {
        let index = (times.len().saturating_sub(1) as f64 * share).round() as usize;
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    });
    let mut out = std::io::stdout();
    writeln!(out, "{:<28}{:>9}{:>9}{:>9}{:>9}", format!("{starts} starts"), "min ms", "p50 ms", "p99 ms", "max ms")?;
    writeln!(out, "{:<28}{min:>9.1}{p50:>9.1}{p99:>9.1}{max:>9.1}", "to the first answer")?;
    Ok(())
}

/// Opens a document of every language, asks once in each, waits until the server is quiet, and measures the process.
async fn at_rest(server: &Path, home: &Path, idle: Duration) -> anyhow::Result<()> {
    let (mut editor, _) = start(server, home).await?;
    let languages = pennyworth_grammars::all();
    let mut answered = 0;
    for language in languages {
        let (uri, document) =
            (format!("file:///project/{0}/document.{0}", language.name()), document(language.name())?);
        editor.open(&uri, language.name(), 1, &document.text).await;
        let (line, character) = document.cursor;
        let place = json!({"textDocument": {"uri": uri}, "position": {"line": line, "character": character}, "context": {"triggerKind": 1}});
        answered += usize::from(!editor.request("textDocument/inlineCompletion", place).await.is_null());
    }
    let mut out = std::io::stdout();
    writeln!(out, "{} documents, one per language; {answered} of the requests got a suggestion", languages.len())?;
    let process = editor.process_id().context("the server is a process")?;
    if !cfg!(target_os = "linux") {
        writeln!(out, "memory and processor time come from /proc, which this system does not have")?;
        editor.shutdown().await;
        return Ok(());
    }
    let mut ticks = self::ticks(process)?;
    let quiet_ticks = loop {
        tokio::time::sleep(QUIET).await;
        let now = self::ticks(process)?;
        if now == ticks {
            break now;
        }
        ticks = now;
    };
    for (name, kilobytes) in memory(process)? {
        writeln!(out, "{name:<28}{:>9.1} MB", kilobytes as f64 / 1024.0)?;
    }
    tokio::time::sleep(idle).await;
    let used_ms = (self::ticks(process)? - quiet_ticks) * TICK_MS;
    writeln!(out, "{:<28}{used_ms:>9} ms of processor time", format!("idle for {} s", idle.as_secs()))?;
    editor.shutdown().await;
    Ok(())
}

/// A text and a place in it, counted in bytes.
struct Document {
    text: String,
    cursor: (usize, usize),
}

/// The cases of a language as one document, with the cursor of the last case.
fn document(language: &str) -> anyhow::Result<Document> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(language).join("classify.txt");
    let cases = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let sources = cases.split("=== ").filter_map(|case| case.split_once('\n')?.1.split("\n--- ").next());
    let marked = sources.collect::<Vec<_>>().join("\n");
    let (before, after) = marked.rsplit_once('ˇ').context("a case has a cursor")?;
    let before = before.replace('ˇ', "");
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let cursor = (before.matches('\n').count(), before.len() - line_start);
    Ok(Document { text: before + after, cursor })
}

/// Processor time of a process so far, in ticks.
fn ticks(process: u32) -> anyhow::Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name in parentheses may hold anything; user and system time are the 12th and 13th fields behind it.
    let (_, fields) = stat.rsplit_once(')').context("a process has a name")?;
    let times: Vec<u64> = fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(times.iter().sum())
}

/// The memory of a process in kilobytes: all resident memory, the anonymous part, and the part from files.
fn memory(process: u32) -> anyhow::Result<Vec<(&'static str, u64)>> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let value = |name: &'static str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        Ok((name, kilobytes.with_context(|| format!("no {name}"))?))
    };
    ["VmRSS", "RssAnon", "RssFile"].into_iter().map(value).collect()
}

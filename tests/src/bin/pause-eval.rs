//! The processor time of the server for documents whose whole parse never ends: letters are typed with pauses, after each of which a tree would be
//! made. It leaves the time of a keystroke to `keystroke-eval`. Linux only, where the system tells a process's time.
//!
//! `cargo run --release -p pennyworth-tests --bin pause-eval`

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use pennyworth_tests::editor::{Editor, binary};
use serde_json::{Value, json};

/// Measures processor time while somebody types in documents that are hard to parse.
#[derive(Parser)]
struct Cli {
    /// Letters typed in each document
    #[arg(long, default_value_t = 20)]
    keys: usize,
    /// Milliseconds after each, more than the server's pause of 150
    #[arg(long, default_value_t = 400)]
    pause_ms: u64,
}

/// Clock ticks in a second, as Linux tells times to programs.
const TICKS: f64 = 100.0;

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    let mut out = std::io::stdout();
    writeln!(out, "{:<44}{:>6}{:>12}", "document", "keys", "seconds")?;
    let documents = [
        ("40 ordinary lines of HTML", "html", "<p>text</p>\n".repeat(40)),
        ("HTML, 40,000 unclosed tags", "html", "<a>".repeat(40_000)),
        ("HTML, 40,000 unclosed tags on lines", "html", "<a>\n".repeat(40_000)),
        ("Markdown, `*a _b ` 4,000 times", "markdown", "*a _b ".repeat(4_000)),
        ("TypeScript, 20,000 open generics", "typescript", "let a: A<".to_owned() + &"B<".repeat(20_000)),
        ("Python, 20,000 `not`", "python", "a *= not ".repeat(20_000)),
    ];
    for (name, language, text) in documents {
        let seconds = runtime.block_on(typed(&cli, language, &text))?;
        writeln!(out, "{name:<44}{:>6}{seconds:>12.2}", cli.keys)?;
    }
    Ok(())
}

/// The server's processor time, in seconds, until all letters are typed and answered.
async fn typed(cli: &Cli, language: &str, text: &str) -> anyhow::Result<f64> {
    let home = tempfile::tempdir()?;
    let home_text = home.path().to_str().context("a home")?.to_owned();
    let mut editor = Editor::spawn(&binary(), &[], &[("HOME", &home_text)])?;
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    let uri = "file:///project/document";
    editor.open(uri, language, 0, &format!("\n{text}\n")).await;
    for key in 0..cli.keys {
        tokio::time::sleep(Duration::from_millis(cli.pause_ms)).await;
        let at = json!({"line": 0, "character": key});
        let version = i32::try_from(key)? + 1;
        editor.change(uri, version, json!([{"range": {"start": at, "end": at}, "text": "x"}])).await;
        let place = json!({"line": 0, "character": key + 1});
        let params = json!({"textDocument": {"uri": uri}, "position": place, "context": {"triggerKind": 2}});
        editor.request("textDocument/inlineCompletion", params).await;
    }
    tokio::time::sleep(Duration::from_millis(cli.pause_ms)).await;
    let process = editor.process_id().context("a process")?;
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    let fields = stat.rsplit_once(')').context("a name")?.1.split_whitespace().skip(11).take(2);
    let ticks: u64 = fields.map(|field| field.parse::<u64>().unwrap_or(0)).sum();
    let _ = editor.shutdown().await;
    Ok(ticks as f64 / TICKS)
}

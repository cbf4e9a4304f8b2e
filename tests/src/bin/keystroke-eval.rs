//! The latency of a keystroke: the time from the edit to the answer to the request after it, in documents of each size, with the server
//! behind a pipe in memory. It leaves the quality of the answers to `ngram-eval`.
//!
//! `cargo run --release -p pennyworth-tests --bin keystroke-eval`

use std::io::Write as _;
use std::time::{Duration, Instant};

use clap::Parser;
use pennyworth_tests::editor::{Editor, options};
use serde_json::{Value, json};

/// Times keystrokes in generated documents.
#[derive(Parser)]
struct Cli {
    /// Lines of the documents
    #[arg(long, value_delimiter = ',', default_values_t = [200, 2_000, 20_000, 200_000])]
    lines: Vec<usize>,
    /// Keystrokes in each
    #[arg(long, default_value_t = 300)]
    keys: usize,
}

/// A language, and a function of eleven lines in it, in which `$` becomes the function's number.
const LANGUAGES: [(&str, &str); 3] = [
    (
        "rust",
        "/// Adds what item $ holds.\npub fn total_$(items: &[Item], rate: f64) -> f64 {\n    let mut total = 0.0;\n    for item in items.iter().filter(|item| item.kind == Kind::K$) {\n        if item.is_taxed() {\n            total += item.price * rate;\n        } else {\n            total += item.price; // no tax on $\n        }\n    }\n    total + \"$\".len() as f64\n}\n\n",
    ),
    (
        "typescript",
        "/** Adds what item $ holds. */\nexport function total$(items: Item[], rate: number): number {\n  let total = 0;\n  for (const item of items.filter((item) => item.kind === Kind.K$)) {\n    if (item.isTaxed()) {\n      total += item.price * rate;\n    } else {\n      total += item.price; // no tax on $\n    }\n  }\n  return total + '$'.length;\n}\n\n",
    ),
    (
        "python",
        "def total_$(items, rate):\n    \"\"\"Adds what item $ holds.\"\"\"\n    total = 0.0\n    for item in (item for item in items if item.kind == Kind.K$):\n        if item.is_taxed():\n            total += item.price * rate\n        else:\n            total += item.price  # no tax on $\n    name = '$'\n    return total + len(name)\n\n\n",
    ),
];

/// What is typed, key by key: words, and the brackets and quotes that unbalance everything behind them.
const TYPED: &str =
    "\n    total += item.pri\n    if (\n    let x = \"a\n    for item in items.fi\n    '\n    {[(\n    /* \"\"\" ";

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Runtime::new()?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{:<12}{:>9}{:>9}{:>9}{:>9}{:>9}  shown",
        "language", "lines", "p50 ms", "p95 ms", "p99 ms", "max ms"
    )?;
    for (language, function) in LANGUAGES {
        for lines in &cli.lines {
            let (mut times, shown) = runtime.block_on(typed(language, &source(function, *lines), *lines, cli.keys));
            times.sort();
            let [p50, p95, p99, max] = [0.5, 0.95, 0.99, 1.0].map(|share| {
                let index = ((times.len() - 1) as f64 * share).round() as usize;
                times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
            });
            writeln!(out, "{language:<12}{lines:>9}{p50:>9.2}{p95:>9.2}{p99:>9.2}{max:>9.2}  {shown}")?;
        }
    }
    Ok(())
}

fn source(function: &str, lines: usize) -> String {
    let each = function.lines().count();
    (0..lines.div_ceil(each)).map(|number| function.replace('$', &number.to_string())).collect()
}

/// Types in the middle of a document. Returns the time of each key, and how many keys got a suggestion.
async fn typed(language: &str, source: &str, lines: usize, keys: usize) -> (Vec<Duration>, usize) {
    const URI: &str = "file:///project/document";
    let mut editor = Editor::in_memory(options());
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    editor.open(URI, language, 0, source).await;
    let (mut times, mut shown) = (Vec::new(), 0);
    let (mut line, mut column) = (lines as u32 / 2, 0);
    for (version, key) in (1..).zip(TYPED.chars().cycle().take(keys)) {
        let at = json!({"line": line, "character": column});
        (line, column) = if key == '\n' { (line + 1, 0) } else { (line, column + 1) };
        let begun = Instant::now();
        editor.change(URI, version, json!([{"range": {"start": at, "end": at}, "text": key.to_string()}])).await;
        let place = json!({"textDocument": {"uri": URI}, "position": {"line": line, "character": column}, "context": {"triggerKind": 2}});
        let answer = editor.request("textDocument/inlineCompletion", place).await;
        times.push(begun.elapsed());
        shown += usize::from(!answer.is_null());
    }
    editor.shutdown().await;
    (times, shown)
}

//! The time that Pennyworth adds to a model's own, without a wait: from the key and from the plan to the request at the
//! provider, from the provider's answer to the reply at the editor, and with a hundred requests at once. The provider is a fake on loopback that
//! answers immediately; each call has a connection of its own, as all to this machine have. It leaves the stages before the plan to `keystroke-eval`.
//!
//! `cargo build --release && cargo run --release -p pennyworth-tests --bin wire-eval`

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Parser;
use pennyworth::server::Options;
use pennyworth_tests::editor::{Editor, beside};
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use serde_json::{Value, json};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// Times calls of a model that answers immediately.
#[derive(Parser)]
struct Cli {
    /// The server for requests at once; by default the one built beside this program
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Number of timed calls, one after the other
    #[arg(long, default_value_t = 1000)]
    calls: usize,
    /// Requests at once
    #[arg(long, default_value_t = 100)]
    at_once: usize,
    /// Rounds of requests at once
    #[arg(long, default_value_t = 20)]
    rounds: usize,
}

/// Calls before the first timed one, so that code is warm and statements are prepared.
const WARM_UP: usize = 20;
/// The function of which documents are made; `$` becomes a number.
const FUNCTION: &str = "/// Adds what item $ holds.\npub fn total_$(items: &[Item], rate: f64) -> f64 {\n    let mut total = 0.0;\n    for item in items {\n        total += item.price * rate; // no tax on $\n    }\n    total\n}\n\n";
const FUNCTIONS: usize = 24;
/// Time in which the server parses documents that nobody edits.
const REST: Duration = Duration::from_secs(4);
/// A line in the body of the middle function, which each call rewrites.
const LINE: usize = 9 * FUNCTIONS / 2 + 3;

fn main() -> anyhow::Result<()> {
    let cli = Cli::parse();
    let (begun, begins) = mpsc::channel();
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Begins(begun)))?;
    let provider = provider()?;
    // The cutter does not end this answer early.
    provider.always(Answer::new(&["some", "_", "value"]).with(Fault::AtOnce));
    let home = tempfile::tempdir()?;
    write_config(home.path(), &provider.base_url())?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        writeln!(std::io::stdout(), "{:<44}{:>9}{:>9}{:>9}", "", "p50 ms", "p99 ms", "max ms")?;
        one_by_one(&provider, home.path(), cli.calls, &begins).await?;
        bare(&provider, cli.calls, "the same by a bare client: to the provider", 0).await?;
        bare(&provider, cli.calls, "the same over one connection", 1).await?;
        let server = beside(cli.server)?;
        at_once(&server, home.path(), cli.at_once, cli.rounds).await
    })
}

/// A provider on a thread of its own, like another program.
fn provider() -> anyhow::Result<FakeProvider> {
    let (started, start) = mpsc::channel();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let _ = started.send(FakeProvider::start().await);
            std::future::pending::<()>().await
        })
    });
    Ok(start.recv()??)
}

fn write_config(home: &Path, base_url: &str) -> anyhow::Result<()> {
    // With a price the server checks the caps and reserves money.
    let config = format!(
        "cap_usd_per_day = 900\ncap_usd_per_month = 9000\ndebounce_ms = 0\ndiscover = false\n[embedded]\nenabled = false\n[log]\nfile = false\n\
         [model.fake]\nprotocol = \"openai\"\nbase_url = \"{base_url}\"\nmodel = \"qwen2.5-coder\"\ntier = \"cheap\"\ncontext = 8000\nstop_limit = 4\n\
         chars_per_token = 4.0\nabort_billed = \"no\"\nprice = {{ input = 0.1, cached = 0.1, output = 0.5, as_of = \"2026-11-25\" }}\n"
    );
    Ok(std::fs::write(home.join("config.toml"), config)?)
}

/// Sends the time when a plan is ready and its call begins, from the server's log.
struct Begins(mpsc::Sender<Instant>);

impl<S: Subscriber> Layer<S> for Begins {
    fn enabled(&self, about: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        about.target() == "pennyworth::complete::call" && *about.level() == Level::TRACE
    }

    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        let _ = self.0.send(Instant::now());
    }
}

/// Types one line after the other into a document and asks for the rest of it.
async fn one_by_one(
    provider: &FakeProvider,
    home: &Path,
    calls: usize,
    begins: &mpsc::Receiver<Instant>,
) -> anyhow::Result<()> {
    const URI: &str = "file:///project/document.rs";
    let ledger = home.join("eval.sqlite");
    let options = Options { config: Some(home.join("config.toml")), ledger: Some(ledger), discover: false };
    let mut editor = Editor::in_memory(options);
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    editor.open(URI, "rust", 0, &source()).await;
    let (mut keys, mut replies) = (Vec::new(), Vec::new());
    for number in 0..WARM_UP + calls {
        keys.push(Instant::now());
        let id = type_and_ask(&mut editor, URI, number).await;
        let answer = editor.answer(id).await;
        anyhow::ensure!(answer.as_ref().is_ok_and(|answer| !answer.is_null()), "call {number}: {answer:?}");
        replies.push(editor.arrived(id).context("it has come")?);
        // No user types so fast that the last call is still being written to the ledger; the status waits for that.
        editor.request("workspace/executeCommand", json!({"command": "pennyworth.status", "arguments": []})).await;
    }
    editor.shutdown().await;
    let seen = provider.seen();
    anyhow::ensure!(seen.len() == replies.len(), "{} calls for {} replies", seen.len(), replies.len());
    let keyed = keys.iter().zip(&seen).map(|(key, seen)| seen.at.duration_since(*key));
    row("key to request at the provider", keyed.skip(WARM_UP).collect())?;
    let sent = begins.try_iter().zip(&seen).map(|(begun, seen)| seen.at.duration_since(begun));
    row("plan to request at the provider", sent.skip(WARM_UP).collect())?;
    let back = replies.iter().zip(provider.written()).map(|(reply, written)| reply.duration_since(written));
    row("answer written to reply at the editor", back.skip(WARM_UP).collect())?;
    writeln!(std::io::stdout(), "    over {} connections for {} calls", provider.connections(), seen.len())?;
    Ok(())
}

/// The same bytes sent and read by a client that does nothing with them: what this machine takes. It keeps so many connections.
async fn bare(provider: &FakeProvider, calls: usize, name: &str, kept: usize) -> anyhow::Result<()> {
    let body = provider.seen().pop().context("there were calls")?.body;
    pennyworth_providers::install_crypto();
    let client = reqwest::Client::builder().no_proxy().tcp_nodelay(true).pool_max_idle_per_host(kept).build()?;
    let before = provider.seen().len();
    let (mut begun, mut read) = (Vec::new(), Vec::new());
    for _ in 0..WARM_UP + calls {
        begun.push(Instant::now());
        let answer = client.post(format!("{}/completions", provider.base_url())).json(&body).send().await?;
        let length = answer.bytes().await?.len();
        read.push(Instant::now());
        anyhow::ensure!(length > 0, "nothing was read");
    }
    let sent =
        begun.iter().zip(provider.seen().into_iter().skip(before)).map(|(begun, seen)| seen.at.duration_since(*begun));
    row(name, sent.skip(WARM_UP).collect())?;
    let back = read
        .iter()
        .zip(provider.written().into_iter().skip(before))
        .map(|(read, written)| read.duration_since(written));
    row("    and back", back.skip(WARM_UP).collect())
}

/// Asks in many documents at once, in several rounds, with the server in another process.
async fn at_once(server: &Path, home: &Path, documents: usize, rounds: usize) -> anyhow::Result<()> {
    let (config, home) = (home.join("config.toml"), home.to_string_lossy().into_owned());
    let arguments = ["--config", &config.to_string_lossy()];
    let mut editor = Editor::spawn(server, &arguments, &[("HOME", &home)])?;
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    let uris: Vec<String> = (0..documents).map(|number| format!("file:///project/{number}.rs")).collect();
    for uri in &uris {
        editor.open(uri, "rust", 0, &source()).await;
    }
    let (mut times, mut resident) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let mut asked = Vec::new();
        for uri in &uris {
            asked.push((Instant::now(), type_and_ask(&mut editor, uri, round).await));
        }
        for (begun, id) in asked {
            let answer = editor.answer(id).await;
            anyhow::ensure!(answer.as_ref().is_ok_and(|answer| !answer.is_null()), "round {round}: {answer:?}");
            times.push(editor.arrived(id).context("it has come")?.duration_since(begun));
        }
        if round == 0 {
            // Idle documents are parsed whole; the trees' memory belongs to the documents, not to the requests.
            tokio::time::sleep(REST).await;
        }
        resident.extend(editor.process_id().and_then(megabytes));
    }
    editor.shutdown().await;
    row(&format!("{documents} requests at once, each answered, {rounds} times"), times)?;
    let at = |share: usize| resident.get((resident.len() * share / 4).min(resident.len().saturating_sub(1)));
    let [first, second, third, last] = [0, 1, 2, 4].map(|share| at(share).copied().unwrap_or_default());
    writeln!(
        std::io::stdout(),
        "    resident after the first round and a rest {first:.1} MB, after a quarter {second:.1}, half {third:.1}, all {last:.1}"
    )?;
    Ok(())
}

/// Resident memory of a process, if the system reports it.
fn megabytes(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? / 1024.0)
}

fn source() -> String {
    (0..FUNCTIONS).map(|number| FUNCTION.replace('$', &number.to_string())).collect()
}

/// Writes the beginning of a line, another one each time, and asks for its rest with a key, so that no debounce delays it.
async fn type_and_ask(editor: &mut Editor, uri: &str, number: usize) -> i64 {
    let text = format!("    let value_{number} = ");
    let (start, end) = (json!({"line": LINE, "character": 0}), json!({"line": LINE + 1, "character": 0}));
    let change = json!([{"range": {"start": start, "end": end}, "text": format!("{text}\n")}]);
    editor.change(uri, number as i32 + 1, change).await;
    let position = json!({"line": LINE, "character": text.len()});
    let ask = json!({"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1}});
    editor.send("textDocument/inlineCompletion", ask).await
}

fn row(name: &str, mut times: Vec<Duration>) -> anyhow::Result<()> {
    times.sort();
    let [p50, p99, max] = [0.5, 0.99, 1.0].map(|share| {
        let index = (times.len().saturating_sub(1) as f64 * share).round() as usize;
        times.get(index).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    });
    Ok(writeln!(std::io::stdout(), "{name:<44}{p50:>9.2}{p99:>9.2}{max:>9.2}")?)
}

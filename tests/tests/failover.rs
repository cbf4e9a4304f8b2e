//! Routing under faults, at the protocol's boundary: of three models the first two fail in every pair of ways, and the third answers. Checks
//! what is shown and sent, the ledger and the messages to the user; then the providers recover and are used again.
//! It leaves the meaning of each fault to the client's own tests, and the length of a pause to the breaker's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use futures_util::StreamExt;
use pennyworth::ledger::{Ledger, Report, Row};
use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use serde_json::{Value, json};

/// Pairs tested at the same time: most of a pair's time is waiting.
const AT_ONCE: usize = 8;
/// Deadline in milliseconds where nothing should run into it: no part of the test takes as long.
const LONG: u32 = 60_000;
/// Deadline in milliseconds where a provider is silent until then.
const SHORT: u32 = 1000;
/// The models in the order of their route: each costs so much more than the one before that nothing else changes the order.
const NAMES: [&str; 3] = ["first", "second", "third"];

/// A way to fail.
#[derive(Clone, Copy)]
struct Trouble {
    name: &'static str,
    at: At,
    /// Whether it takes until the deadline.
    waits: bool,
    /// What must happen after the provider has recovered, before it is used again.
    heals: Heals,
}

/// Where it fails.
#[derive(Clone, Copy)]
enum At {
    /// In its answer to the request.
    Answer(fn() -> Fault),
    /// In TLS: the address says `https`, but the port speaks no TLS.
    Tls,
    /// In DNS: nobody has the provider's name.
    Name,
}

#[derive(Clone, Copy, PartialEq)]
enum Heals {
    /// Nothing: the next call may be made at once.
    AtOnce,
    /// A pause.
    Pause,
    /// A long pause, or a change of the configuration. The user is told.
    Configuration,
}

const TROUBLES: [Trouble; 13] = [
    fails("429 with a pause", || status(429, &[("retry-after", "0.2")]), Heals::Pause),
    fails("429 without one", || status(429, &[]), Heals::Pause),
    fails("402", || status(402, &[]), Heals::Configuration),
    fails("a spent budget", spent, Heals::Configuration),
    fails("a firewall's page", || Fault::Page(403, "text/html", "<html>no</html>"), Heals::AtOnce),
    fails("401", || status(401, &[]), Heals::Configuration),
    fails("503", || status(503, &[]), Heals::Pause),
    hangs("no first byte", || Fault::HangBeforeFirstByte),
    hangs("stalls in the middle", || Fault::StallAfter(1)),
    fails("reset in the middle", || Fault::ResetAfter(1), Heals::Pause),
    fails("a frame that is none", || Fault::MalformedAfter(1), Heals::AtOnce),
    Trouble { name: "no TLS", at: At::Tls, waits: false, heals: Heals::Pause },
    Trouble { name: "no such name", at: At::Name, waits: false, heals: Heals::Pause },
];

const fn fails(name: &'static str, fault: fn() -> Fault, heals: Heals) -> Trouble {
    Trouble { name, at: At::Answer(fault), waits: false, heals }
}

const fn hangs(name: &'static str, fault: fn() -> Fault) -> Trouble {
    Trouble { name, at: At::Answer(fault), waits: true, heals: Heals::Pause }
}

fn status(status: u16, headers: &[(&'static str, &str)]) -> Fault {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    Fault::Status(status, headers, json!({"error": {"message": "no"}}))
}

fn spent() -> Fault {
    Fault::Status(
        429,
        Vec::new(),
        json!({"error": {"message": "Budget has been exceeded!", "type": "budget_exceeded"}}),
    )
}

impl Trouble {
    fn address(&self, provider: &FakeProvider) -> String {
        match self.at {
            At::Answer(_) => provider.base_url(),
            At::Tls => format!("https://127.0.0.1:{}/v1", provider.port()),
            At::Name => format!("https://port-{}.invalid/v1", provider.port()),
        }
    }
}

/// The provider of a model.
async fn provider(model: usize, trouble: Option<&Trouble>) -> FakeProvider {
    let provider = FakeProvider::start().await.unwrap();
    match trouble.map(|trouble| trouble.at) {
        Some(At::Answer(fault)) => provider.always(answer(model).with(fault())),
        _ => provider.always(answer(model)),
    }
    provider
}

/// The answer of a model that works, in pieces so that a fault can come in the middle.
fn answer(model: usize) -> Answer {
    Answer::new(&["\"", NAMES[model], "\";"])
}

/// A server with three models and their providers.
struct Case {
    editor: Editor,
    providers: [FakeProvider; 3],
    folder: tempfile::TempDir,
    documents: usize,
}

/// The same answer as it is shown.
fn text(model: usize) -> String {
    format!("\"{}\";", NAMES[model])
}

impl Case {
    async fn new(troubles: &[Trouble]) -> Case {
        let mut providers = Vec::new();
        for model in 0..NAMES.len() {
            providers.push(provider(model, troubles.get(model)).await);
        }
        let providers = <[FakeProvider; 3]>::try_from(providers).ok().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let addresses = |model: usize| match troubles.get(model) {
            Some(trouble) => trouble.address(&providers[model]),
            None => providers[model].base_url(),
        };
        let deadline = if troubles.iter().any(|trouble| trouble.waits) { SHORT } else { LONG };
        write_config(folder.path(), deadline, addresses);
        let options =
            Options { config: Some(config(folder.path())), ledger: Some(ledger(folder.path())), discover: false };
        let mut editor = Editor::in_memory(options);
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        Case { editor, providers, folder, documents: 0 }
    }

    /// What is shown in a new document, for which nothing is cached.
    async fn shown(&mut self) -> Option<String> {
        self.documents += 1;
        self.editor.shown_in(&format!("main{}", self.documents), 2).await
    }

    /// Calls that reached each provider.
    fn calls(&self) -> [usize; 3] {
        self.providers.each_ref().map(|provider| provider.seen().len())
    }

    /// Makes all providers work, and changes the configuration where the server needs that.
    async fn heal(&mut self, trouble: &Trouble) {
        self.providers.iter().zip(0..).for_each(|(provider, model)| provider.always(answer(model)));
        if trouble.heals == Heals::Configuration || !matches!(trouble.at, At::Answer(_)) {
            write_config(self.folder.path(), LONG, |model| self.providers[model].base_url());
            self.editor.notify("workspace/didChangeConfiguration", json!({"settings": {"speculate": false}})).await;
        }
    }

    /// Ends the server; returns the number of messages to the user, and the ledger's report.
    async fn end(mut self) -> (usize, Report) {
        self.editor.request("shutdown", Value::Null).await;
        let told = self.editor.noted("window/showMessage").len();
        self.editor.notify("exit", Value::Null).await;
        assert_eq!(self.editor.ended().await, 0);
        let (ledger, notice) = Ledger::open(Some(&ledger(self.folder.path())));
        assert_eq!(notice, None);
        (told, ledger.report(UNIX_EPOCH).unwrap())
    }
}

fn config(folder: &Path) -> PathBuf {
    folder.join("config.toml")
}

fn ledger(folder: &Path) -> PathBuf {
    folder.join("ledger.sqlite")
}

fn write_config(folder: &Path, deadline: u32, address: impl Fn(usize) -> String) {
    let deadlines = ["expression", "line"].map(|task| format!("[tasks.{task}]\ndeadline_ms = {deadline}\n"));
    let models = NAMES.iter().enumerate().map(|(model, name)| {
        let (address, price) = (address(model), 10_i32.pow(model as u32));
        format!(
            "[model.{name}]\nprotocol = \"openai\"\nbase_url = \"{address}\"\nmodel = \"qwen2.5-coder\"\ntier = \"cheap\"\ncontext = 8000\n\
             stop_limit = 4\nchars_per_token = 4.0\nabort_billed = \"no\"\n\
             price = {{ input = {price}, cached = {price}, output = {price}, as_of = \"2026-11-25\" }}\n"
        )
    });
    let head = "cap_usd_per_day = 900\ncap_usd_per_month = 9000\ndebounce_ms = 0\n[embedded]\nenabled = false\n";
    std::fs::write(config(folder), head.to_owned() + &deadlines.concat() + &models.collect::<String>()).unwrap();
}

/// The ledger's row of a model.
fn row(report: &Report, model: usize) -> Row {
    let mut sum = Row::default();
    report.rows.iter().filter(|row| row.model == NAMES[model]).for_each(|row| sum += row);
    sum
}

/// Two requests: the first meets the troubles, the second what the server has learned of them.
async fn check(troubles: &[Trouble]) {
    let name = troubles.iter().map(|trouble| trouble.name).collect::<Vec<_>>().join(", then ");
    let (mut case, answering) = (Case::new(troubles).await, troubles.len());
    let waits = troubles.iter().any(|trouble| trouble.waits);
    for question in ["at first", "again"] {
        let shown = case.shown().await;
        match shown {
            Some(shown) => assert_eq!(shown, text(answering), "{name}, {question}"),
            None => assert!(waits, "{name}, {question}: nothing is shown"),
        }
    }
    let calls = case.calls();
    let (told, report) = case.end().await;
    for (model, trouble) in troubles.iter().enumerate() {
        let row = row(&report, model);
        assert!(row.calls > 0 || waits, "{name}: {} was not asked", NAMES[model]);
        if trouble.heals == Heals::Configuration {
            assert!(row.calls < 2, "{name}: {} was told to stop", NAMES[model]);
        }
        // Where a provider is silent, our own patience ends, and what another model overtakes has not failed.
        assert_eq!(row.failed + row.outrun, row.calls, "{name}: {row:?}");
        assert!(waits || row.outrun == 0, "{name}: {row:?}");
        if !matches!(trouble.at, At::Answer(_)) {
            // If the deadline comes before the failure, the server does not know that nothing was sent.
            assert!(row.cost.pico() == 0 || waits, "{name}: {row:?}");
            assert_eq!(calls[model], 0, "{name}: {row:?}");
        } else {
            // A deadline may come after the row is written and before the request is sent.
            let (booked, came) = (row.calls, calls[model] as u64);
            assert!(booked == came || (waits && booked > came), "{name}: {came} came, {row:?}");
        }
    }
    let answered = row(&report, answering);
    let (booked, came) = (answered.calls, calls[answering] as u64);
    assert!(booked == came || (waits && booked > came), "{name}: {came} came, {answered:?}");
    assert_eq!(calls[answering + 1..].iter().sum::<usize>(), 0, "{name}: what comes after the answer");
    let lasting = troubles
        .iter()
        .enumerate()
        .filter(|(model, trouble)| trouble.heals == Heals::Configuration && row(&report, *model).calls > 0);
    let lasting = lasting.count();
    assert!(
        told == lasting || (waits && told < lasting),
        "{name}: {told} told of {lasting} that last; the rest is silence"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_model_fails_and_the_next_answers() {
    for trouble in TROUBLES {
        check(&[trouble]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_models_fail_and_the_third_answers() {
    let pairs = TROUBLES.iter().flat_map(|first| TROUBLES.iter().map(|second| [*first, *second]));
    let checks = pairs.map(|pair| tokio::spawn(async move { check(&pair).await }));
    let mut checks = futures_util::stream::iter(checks).buffer_unordered(AT_ONCE);
    let mut checked = 0;
    while let Some(result) = checks.next().await {
        result.unwrap();
        checked += 1;
    }
    assert_eq!(checked, TROUBLES.len() * TROUBLES.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_well_again_is_used_again() {
    for trouble in TROUBLES {
        let mut case = Case::new(&[trouble]).await;
        let shown = case.shown().await;
        assert!(shown == Some(text(1)) || trouble.waits && shown.is_none(), "{}: {shown:?}", trouble.name);
        case.heal(&trouble).await;
        // The end of the pause or the new configuration ends the loop; a test that hangs here has found neither.
        while case.shown().await != Some(text(0)) {}
        let (_, report) = case.end().await;
        let healed = row(&report, 0);
        // A request may have been under way with the old configuration.
        let unwell = healed.failed + healed.outrun;
        assert!(unwell > 0 && healed.calls == unwell + 1, "{}: {healed:?}", trouble.name);
    }
}

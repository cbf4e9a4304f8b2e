//! Many servers of one user and one small cap: real processes that share a ledger and ask as fast as they can. The provider's bill stays
//! under the cap, the ledger agrees with it, and at the cap there is silence and a status with the reason.
//! It leaves the ledger's own processes, without servers around them, to its own tests.
//!
//! `PENNYWORTH_SERVERS=200 cargo test -p pennyworth-tests --test cap -- --nocapture` sets the number of servers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::UNIX_EPOCH;

use futures_util::future::join_all;
use pennyworth::ledger::Ledger;
use pennyworth_core::money::Money;
use pennyworth_tests::editor::{Editor, binary};
use pennyworth_tests::fake_provider::{Answer, Bill, FakeProvider, Fault};
use serde_json::{Value, json};

/// Number of servers, unless the variable is set.
const SERVERS: usize = 50;
/// The cap for all of them, in US dollars: some two hundred calls, but only a few at a time, as each call reserves its highest cost.
const CAP: f64 = 1.5;
/// Price of a token, in picodollars.
const INPUT: u64 = 100_000_000;
const OUTPUT: u64 = 1_000_000_000;

/// One of the servers, and the number of its documents.
struct Server {
    editor: Editor,
    number: usize,
    documents: usize,
}

impl Server {
    async fn start(binary: &Path, home: &Path, number: usize) -> Server {
        let (config, home) = (home.join("config.toml"), home.to_string_lossy());
        // One thread each: the machine has no more processors than for other tests.
        let environment = [("HOME", &*home), ("TOKIO_WORKER_THREADS", "1")];
        let mut editor = Editor::spawn(binary, &["--config", &config.to_string_lossy()], &environment).unwrap();
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        Server { editor, number, documents: 0 }
    }

    /// What is shown at a new place, for which nothing is cached.
    async fn shown(&mut self) -> Option<String> {
        self.documents += 1;
        self.editor.shown_in(&format!("main_{}_{}", self.number, self.documents), 1).await
    }

    /// Waits until the status says that a cap is reached.
    async fn capped(&mut self) {
        while self.editor.note("$/pennyworth/status").await["state"] != "capped" {}
    }
}

/// The cost of a bill.
fn cost(bill: Bill) -> Money {
    Money::from_pico(INPUT as i64).times(bill.input) + Money::from_pico(OUTPUT as i64).times(bill.output)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_servers_keep_one_cap() {
    let servers = std::env::var("PENNYWORTH_SERVERS").ok().and_then(|servers| servers.parse().ok()).unwrap_or(SERVERS);
    let (home, provider) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
    // The cutter does not end this answer early, so each call gets its usage.
    provider.always(Answer::new(&["some", "_", "value"]));
    let (input, output) = (INPUT / 1_000_000, OUTPUT / 1_000_000);
    let config = format!(
        "cap_usd_per_day = {CAP}\ndiscover = false\n[embedded]\nenabled = false\nindex = false\nmemory_mb = 1\n[log]\nlevel = \"off\"\nfile = false\n\
         [model.fake]\nprotocol = \"openai\"\nbase_url = \"{}\"\nmodel = \"qwen2.5-coder\"\ntier = \"cheap\"\ncontext = 8000\nstop_limit = 4\n\
         chars_per_token = 4.0\nabort_billed = \"no\"\nprice = {{ input = {input}, cached = {input}, output = {output}, as_of = \"2026-11-25\" }}\n",
        provider.base_url()
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let binary = binary();
    let mut all = join_all((0..servers).map(|number| Server::start(&binary, home.path(), number))).await;

    // Each asks as fast as it can until its first refusal. Other calls are still under way then, and release the money that they did not use.
    join_all(all.iter_mut().map(|server| async { while server.shown().await.is_some() {} })).await;
    let mut calls = 0;
    while provider.bill().calls > calls {
        calls = provider.bill().calls;
        join_all(all.iter_mut().map(Server::shown)).await;
    }
    let at_the_cap = join_all(all.iter_mut().map(Server::shown)).await;
    assert!(at_the_cap.iter().all(Option::is_none), "{at_the_cap:?}");
    join_all(all.iter_mut().map(Server::capped)).await;
    for server in all {
        assert_eq!(server.editor.shutdown().await, 0);
    }

    let bill = provider.bill();
    let (ledger, notice) = Ledger::open(Some(&home.path().join(".local/state/pennyworth/ledger.sqlite")));
    assert_eq!(notice, None);
    let total = ledger.report(UNIX_EPOCH).unwrap().total;
    println!("{servers} servers: {} calls for {} of {CAP} USD", bill.calls, cost(bill));
    assert_eq!((total.calls, total.input, total.output), (bill.calls, bill.input, bill.output), "{total:?}");
    assert_eq!((total.cost, total.failed, total.aborted, total.estimated), (cost(bill), 0, 0, 0), "{total:?}");
    assert!(cost(bill) <= Money::from_usd(CAP), "{bill:?}");
    // The servers did not keep the cap by stopping early: not one more call would have fitted.
    let most = Money::from_pico(OUTPUT as i64).times(256) + Money::from_pico(INPUT as i64).times(256);
    assert!(cost(bill) + most > Money::from_usd(CAP), "{bill:?}");
}

#[tokio::test]
async fn a_server_that_charges_for_a_model_without_a_price_is_stopped_by_the_cap() {
    let (home, provider) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
    let headers = vec![("x-litellm-response-cost", "0.3".to_owned())];
    provider.always(Answer { headers, ..Answer::new(&["some", "_", "value"]).with(Fault::NotStreamed) });
    let config = format!(
        "cap_usd_per_day = 0.5\ndiscover = false\ndebounce_ms = 0\n[embedded]\nenabled = false\nindex = false\n[model.fake]\nprovider = \"litellm\"\n\
         base_url = \"{}\"\nmodel = \"qwen2.5-coder\"\nformat = \"qwen\"\ntier = \"cheap\"\ncontext = 8000\napi_key_env = \"\"\n\
         price = {{ input = 0, cached = 0, output = 0, as_of = \"2026-11-25\" }}\n",
        provider.base_url()
    );
    std::fs::write(home.path().join("config.toml"), config).unwrap();
    let mut server = Server::start(&binary(), home.path(), 0).await;
    for expected in [true, true, false, false] {
        assert_eq!(server.shown().await.is_some(), expected);
    }
    assert_eq!(provider.seen().len(), 2, "what two calls cost is over the cap");
    assert_eq!(server.editor.shutdown().await, 0);
}

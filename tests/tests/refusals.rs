//! What a provider refuses and what the server makes of it, at the protocol's boundary: it mends what can be mended at once, leaves alone what
//! will be refused again, and says in the status what holds. It leaves the meaning of each answer to the client's own tests, and pauses to the
//! breaker's.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::UNIX_EPOCH;

use pennyworth::ledger::{Ledger, Report};
use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault, Seen};
use serde_json::{Value, json};

/// The provider's answer.
const GREETING: &str = "\"hello\";";

/// A server with one model.
struct Case {
    editor: Editor,
    provider: FakeProvider,
    home: tempfile::TempDir,
    documents: usize,
}

impl Case {
    /// A model whose provider answers; `row` is more of its row.
    async fn new(row: &str) -> Case {
        let provider = FakeProvider::start().await.unwrap();
        provider.always(Answer::new(&[GREETING]));
        Case::with(provider, row).await
    }

    async fn with(provider: FakeProvider, row: &str) -> Case {
        Case::within(provider, row, 60_000).await
    }

    /// The same with a deadline in milliseconds.
    async fn within(provider: FakeProvider, row: &str, deadline_ms: u32) -> Case {
        let home = tempfile::tempdir().unwrap();
        let config = home.path().join("config.toml");
        let text = format!(
            "debounce_ms = 0\nspeculate = false\n[embedded]\nenabled = false\n[tasks.expression]\ndeadline_ms = {deadline_ms}\n\
             [model.fake]\nprotocol = \"openai\"\nbase_url = \"{}\"\nmodel = \"qwen2.5-coder\"\ntier = \"cheap\"\ncontext = 8000\n\
             chars_per_token = 4.0\nprice = {{ input = 1, cached = 1, output = 1, as_of = \"2026-11-25\" }}\n{row}\n",
            provider.base_url()
        );
        std::fs::write(&config, text.replace("HOME", &home.path().to_string_lossy())).unwrap();
        let ledger = Some(home.path().join("ledger.sqlite"));
        let mut editor = Editor::in_memory(Options { config: Some(config), ledger, discover: false });
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        Case { editor, provider, home, documents: 0 }
    }

    /// What is shown in a new document, for which nothing is cached.
    async fn shown(&mut self) -> Option<String> {
        self.documents += 1;
        self.editor.shown_in(&format!("main{}", self.documents), 2).await
    }

    /// The requests for completions so far.
    fn asked(&self) -> Vec<Seen> {
        self.provider.seen().into_iter().filter(|seen| seen.line.starts_with("POST")).collect()
    }

    /// What the status says of the model.
    async fn troubles(&mut self) -> Vec<Value> {
        let status = json!({"command": "pennyworth.status", "arguments": []});
        let status = self.editor.request("workspace/executeCommand", status).await;
        status["troubles"].as_array().unwrap().clone()
    }

    /// Ends the server; returns the messages to the user, and the ledger's report.
    async fn end(mut self) -> (Vec<String>, Report) {
        self.editor.request("shutdown", Value::Null).await;
        let told = self.editor.noted("window/showMessage");
        let told = told.iter().map(|note| note["message"].as_str().unwrap().to_owned()).collect();
        self.editor.notify("exit", Value::Null).await;
        assert_eq!(self.editor.ended().await, 0);
        let (ledger, _) = Ledger::open(Some(&self.home.path().join("ledger.sqlite")));
        (told, ledger.report(UNIX_EPOCH).unwrap())
    }
}

fn refuses(status: u16, body: Value) -> Answer {
    Answer::new(&[GREETING]).with(Fault::Status(status, Vec::new(), body))
}

fn keys(asked: &[Seen]) -> Vec<&str> {
    let key = |seen: &Seen| seen.headers.iter().position(|(name, _)| name == "authorization");
    asked.iter().filter_map(|seen| Some(seen.headers[key(seen)?].1.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_expires_is_printed_once_more_and_the_answer_is_shown() {
    let mut case = Case::new("api_key_cmd = \"echo run >> HOME/count; wc -l < HOME/count | tr -d ' '\"").await;
    let expired = || refuses(401, json!({"error": {"code": "token_expired"}}));
    assert_eq!(case.shown().await.as_deref(), Some(GREETING));
    case.provider.answer(expired());
    assert_eq!(case.shown().await.as_deref(), Some(GREETING));
    assert_eq!(keys(&case.asked()), ["Bearer 1", "Bearer 1", "Bearer 2"]);
    assert_eq!(case.troubles().await, [Value::Null; 0]);

    // A new key that is refused as well: the account rests, and the program with it.
    case.provider.answer(expired());
    case.provider.answer(expired());
    for _ in 0..3 {
        assert_eq!(case.shown().await, None);
    }
    assert_eq!(keys(&case.asked())[3..], ["Bearer 2", "Bearer 3"]);
    let troubles = case.troubles().await;
    assert_eq!((&troubles[0]["model"], troubles.len()), (&json!("fake"), 1));
    assert!(troubles[0]["again"].as_u64().unwrap() > troubles[0]["since"].as_u64().unwrap(), "{troubles:?}");
    assert!(troubles[0]["remedy"].as_str().unwrap().contains("key"), "{troubles:?}");
    let (told, report) = case.end().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("model.fake: the API key is missing, wrong or not allowed (HTTP 401, token_expired)"),
        "{told:?}"
    );
    let (calls, failed) =
        report.rows.iter().fold((0, 0), |(calls, failed), row| (calls + row.calls, failed + row.failed));
    assert_eq!((calls, failed), (5, 3), "each request has its row");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_a_page_refuses_is_printed_once_more() {
    let mut case = Case::new("api_key_cmd = \"echo run >> HOME/count; wc -l < HOME/count | tr -d ' '\"").await;
    assert_eq!(case.shown().await.as_deref(), Some(GREETING));
    let page = Fault::Page(401, "text/html", "<html>401 Authorization Required</html>");
    case.provider.answer(Answer::new(&[GREETING]).with(page));
    assert_eq!(case.shown().await.as_deref(), Some(GREETING));
    assert_eq!(keys(&case.asked()), ["Bearer 1", "Bearer 1", "Bearer 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_hangs_holds_neither_the_request_nor_the_next_model() {
    let next = FakeProvider::start().await.unwrap();
    next.always(Answer::new(&[GREETING]));
    let row = format!(
        "[model.next]\nprotocol = \"openai\"\nbase_url = \"{}\"\nmodel = \"qwen2.5-coder\"\ntier = \"cheap\"\n\
         context = 8000\nprice = {{ input = 9, output = 9, as_of = \"2026-11-25\" }}",
        next.base_url()
    );
    for (command, what) in [
        ("sleep 1000", "its key is still awaited: `api_key_cmd` has not printed it yet"),
        (
            "echo run >> HOME/count; test $(wc -l < HOME/count) -gt 1 && sleep 1000; echo key",
            "the API key is missing, wrong or not allowed (HTTP 401)",
        ),
    ] {
        let provider = FakeProvider::start().await.unwrap();
        provider.always(refuses(401, json!({"error": {"message": "expired"}})));
        let mut case = Case::within(provider, &format!("api_key_cmd = \"{command}\"\n{row}"), 3000).await;
        assert_eq!(case.shown().await.as_deref(), Some(GREETING), "{command}");
        let troubles = case.troubles().await;
        assert_eq!((&troubles[0]["model"], &troubles[0]["what"]), (&json!("fake"), &json!(what)), "{command}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_context_of_a_server_is_learned_and_prompts_are_cut_to_it() {
    const CONTEXT: u64 = 400;
    let llamacpp = |tokens: u64| {
        json!({"error": {"code": 400, "message": "the request exceeds the available context size, try increasing it",
            "type": "exceed_context_size_error", "n_prompt_tokens": tokens, "n_ctx": CONTEXT}})
    };
    // Counted as the fake provider bills: four characters are a token.
    let size = |body: &Value| body["prompt"].as_str().map_or(0, |prompt| prompt.chars().count().div_ceil(4) as u64);
    let provider = FakeProvider::start().await.unwrap();
    provider.answers_by(move |body| match size(body) {
        tokens if tokens > CONTEXT => refuses(400, llamacpp(tokens)),
        _ => Answer::new(&[GREETING]),
    });
    let mut case = Case::with(provider, "").await;
    let mut shown = Vec::new();
    for number in 0..2 {
        let uri = format!("file:///project/long{number}.rs");
        let long = format!("    let value{number} = compute(first, second, third, fourth);\n").repeat(200);
        let source = format!("fn main{number}() {{\n{long}    let greeting = \n{long}}}\n");
        case.editor.open(&uri, "rust", 1, &source).await;
        let place = json!({"textDocument": {"uri": uri}, "position": {"line": 201, "character": 19}, "context": {"triggerKind": 2}});
        let found = case.editor.request("textDocument/inlineCompletion", place).await;
        shown.push(found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned));
    }
    assert_eq!(shown, [Some(GREETING.to_owned()), Some(GREETING.to_owned())]);
    let asked: Vec<u64> = case.asked().iter().map(|seen| size(&seen.body)).collect();
    assert_eq!(asked.len(), 3, "refused, cut, and cut from the start: {asked:?}");
    assert!(
        asked[0] > CONTEXT && asked[1..].iter().all(|tokens| (CONTEXT / 4..=CONTEXT).contains(tokens)),
        "{asked:?}"
    );
    assert_eq!(case.troubles().await, [Value::Null; 0]);
    let (told, _) = case.end().await;
    assert_eq!(told, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_finds_every_prompt_too_long_is_named_until_it_answers() {
    let tiny = json!({"error": {"message": "the request exceeds the available context size", "n_ctx": 16}});
    for refusal in [refuses(400, tiny), refuses(413, json!({"error": "too large"}))] {
        let mut case = Case::new("").await;
        case.provider.always(refusal);
        for _ in 0..5 {
            assert_eq!(case.shown().await, None);
        }
        let troubles = case.troubles().await;
        assert!(troubles[0]["what"].as_str().unwrap().contains("the prompt is too long for the model"), "{troubles:?}");
        case.provider.always(Answer::new(&[GREETING]));
        assert_eq!(case.shown().await.as_deref(), Some(GREETING));
        assert_eq!(case.troubles().await, [Value::Null; 0]);
        let (told, _) = case.end().await;
        assert!(told.len() == 1 && told[0].contains("start its server with a larger context"), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_firewalls_refusal_is_about_one_request() {
    let mut case = Case::new("").await;
    for _ in 0..5 {
        case.provider.answer(Answer::new(&[]).with(Fault::Page(403, "text/html", "<html>blocked</html>")));
        assert_eq!(case.shown().await, None);
        assert_eq!(case.shown().await.as_deref(), Some(GREETING));
        // Nothing in it says that it is a firewall's, but the key was right a moment ago.
        case.provider.answer(refuses(403, json!({"message": "Access to this resource is forbidden"})));
        assert_eq!(case.shown().await, None);
        assert_eq!(case.shown().await.as_deref(), Some(GREETING));
    }
    assert_eq!(case.troubles().await, [Value::Null; 0]);
    for what in ["a firewall or filter refuses this request", "the API key is missing, wrong or not allowed"] {
        case.provider.answer(refuses(403, json!({"message": "Access to this resource is forbidden"})));
        assert_eq!(case.shown().await, None);
        assert_eq!(case.troubles().await[0]["what"], format!("{what} (HTTP 403)"));
    }
    assert_eq!(case.end().await.0.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_will_be_refused_again_rests_and_is_said_once_with_when_it_is_tried_again() {
    let budget = json!({"error": {"message": "Budget has been exceeded!", "type": "budget_exceeded", "code": "429"}});
    for (answer, least_minutes, said) in [
        (
            refuses(429, budget),
            20,
            "the budget or allowance at the provider is spent (HTTP 429, budget_exceeded); raise",
        ),
        (refuses(402, json!({"error": {"message": "pay"}})), 4, "no money is left with the provider (HTTP 402); pay"),
        (refuses(407, json!(null)), 0, "the proxy refuses the connection (HTTP 407); run `pennyworth check`"),
    ] {
        let mut case = Case::new("").await;
        case.provider.answer(answer);
        for _ in 0..3 {
            assert_eq!(case.shown().await, None, "{said}");
        }
        assert_eq!(case.asked().len(), 1, "{said}");
        let troubles = case.troubles().await;
        let (since, again) = (troubles[0]["since"].as_u64().unwrap(), troubles[0]["again"].as_u64().unwrap());
        assert!(again > since + least_minutes * 60 && again < since + 4 * 3600, "{troubles:?}");
        let (told, _) = case.end().await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(&format!("model.fake: {said}")), "{told:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_that_only_thinks_is_stopped_with_the_words_that_help() {
    let mut case = Case::new("").await;
    let thinks: Vec<String> =
        std::iter::once("<think>".to_owned()).chain((0..2000).map(|n| format!(" hm{n}"))).collect();
    case.provider.always(Answer { pieces: thinks, ..Answer::default() });
    for _ in 0..4 {
        assert_eq!(case.shown().await, None);
    }
    assert_eq!(case.asked().len(), 2);
    let troubles = case.troubles().await;
    assert_eq!(troubles[0]["again"], Value::Null, "not before the configuration changes");
    let (told, report) = case.end().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("on thinking") && told[0].contains("`extra = { reasoning_effort"), "{told:?}");
    assert!(report.rows.iter().any(|row| row.cost.pico() > 0), "it was paid for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_without_an_end_is_answered_and_its_cost_is_bounded() {
    const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let mut case = Case::new("").await;
    for text in ["(", "[{(", "((\\n", " ", "\\\"", "{\\n"] {
        let frame = format!("data: {{\"choices\":[{{\"index\":0,\"text\":\"{text}\"}}]}}\n\n");
        case.provider.answer(Answer::default().with(Fault::Endless(EVENTS, frame.leak())));
        case.shown().await;
    }
    assert_eq!(case.asked().len(), 6, "each was asked and ended");
    case.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_down_stands_in_the_status_until_it_answers() {
    let mut case = Case::new("").await;
    let broken = || refuses(503, json!({"error": {"message": "no"}}));
    case.provider.answer(broken());
    assert_eq!(case.shown().await, None);
    let troubles = case.troubles().await;
    assert_eq!((&troubles[0]["model"], &troubles[0]["failures"]), (&json!("fake"), &json!(1)));
    // The end of the pause ends the loop.
    while case.shown().await.is_none() {}
    assert_eq!(case.troubles().await, [Value::Null; 0]);
    assert_eq!(case.end().await.0, [""; 0], "one failure that passes is no message");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_fails_to_print_a_key_runs_once_and_is_told_once() {
    let mut case = Case::new("api_key_cmd = \"echo run >> HOME/count; exit 3\"").await;
    for _ in 0..4 {
        assert_eq!(case.shown().await, None);
    }
    assert_eq!(std::fs::read_to_string(case.home.path().join("count")).unwrap().lines().count(), 1);
    let troubles = case.troubles().await;
    assert!(troubles[0]["again"].as_u64().unwrap() > troubles[0]["since"].as_u64().unwrap(), "{troubles:?}");
    assert_eq!(case.asked().len(), 0);
    let (told, _) = case.end().await;
    assert_eq!(told.len(), 1, "{told:?}");
}

//! Which of several models answers, at the protocol's boundary: the next one replaces one that is unsure, silent or rate-limited, and each
//! call has its row. It leaves faults of providers to `failover`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::{Duration, SystemTime};

use pennyworth::ledger::{Ledger, Row, Source, Suggested};
use pennyworth::server::Options;
use pennyworth_core::money::Money;
use pennyworth_core::task::Task;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use serde_json::{Value, json};

const URI: &str = "file:///project/a.rs";
const SOURCE: &str = "fn main() {\n    let greeting = \n    print(greeting);\n}\n";
const FREE: &str = "input = 0, output = 0";
const PRICED: &str = "input = 1, output = 1";

/// What triggers a request.
#[derive(Clone, Copy)]
enum By {
    Key = 1,
    Typing = 2,
}

/// Two models, `a` and `b`, of which `a` goes first, and an editor.
struct Scene {
    folder: tempfile::TempDir,
    a: FakeProvider,
    b: FakeProvider,
    editor: Editor,
}

impl Scene {
    /// With the prices of both and more lines at the head of the configuration.
    async fn new(prices: [&str; 2], head: &str) -> Scene {
        Scene::in_folder(tempfile::tempdir().unwrap(), prices, &format!("explore = 0.0\n{head}")).await
    }

    /// The same in a folder that may hold a ledger.
    async fn in_folder(folder: tempfile::TempDir, prices: [&str; 2], head: &str) -> Scene {
        let (a, b) = (FakeProvider::start().await.unwrap(), FakeProvider::start().await.unwrap());
        let mut config = format!("debounce_ms = 0\n{head}\n");
        for (name, provider, price) in [("a", &a, prices[0]), ("b", &b, prices[1])] {
            let (base_url, tier) = (provider.base_url(), if price == FREE { "local" } else { "cheap" });
            config += &format!(
                "[model.{name}]\nprotocol = 'openai'\nbase_url = '{base_url}'\nmodel = 'qwen2.5-coder'\ntier = '{tier}'\nlogprobs = true\n\
                 context = 8000\nprice = {{ {price}, as_of = '2026-11-23' }}\n"
            );
        }
        let path = folder.path().join("config.toml");
        std::fs::write(&path, config).unwrap();
        let options =
            Options { config: Some(path), ledger: Some(folder.path().join("ledger.sqlite")), discover: false };
        let mut editor = Editor::in_memory(options);
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        editor.open(URI, "rust", 1, SOURCE).await;
        Scene { folder, a, b, editor }
    }

    async fn shown(&mut self, by: By) -> Option<String> {
        let place = json!({
            "textDocument": {"uri": URI}, "position": {"line": 1, "character": 19},
            "context": {"triggerKind": by as u32}
        });
        let found = self.editor.request("textDocument/inlineCompletion", place).await;
        found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
    }

    /// What the command inserts at the same place.
    async fn put_there(&mut self) -> Option<String> {
        let place = json!([URI, {"line": 1, "character": 19}]);
        let command = json!({"command": "pennyworth.complete", "arguments": place});
        self.editor.request("workspace/executeCommand", command).await;
        let asked = self.editor.asked("workspace/applyEdit").await;
        asked["edit"]["changes"][URI][0]["newText"].as_str().map(str::to_owned)
    }

    /// Changes the text around the cursor, so that no answer for it is cached.
    async fn edit(&mut self, version: i32) {
        let change = format!("fn main() {{\n    let greeting = \n    print{version}(greeting);\n}}\n");
        self.editor.change(URI, version, json!([{ "text": change }])).await;
    }

    /// What the status says of model `a`.
    async fn trouble(&mut self) -> Value {
        let status = json!({"command": "pennyworth.status", "arguments": []});
        let status = self.editor.request("workspace/executeCommand", status).await;
        let troubles = status["troubles"].as_array().unwrap();
        troubles.iter().find(|trouble| trouble["model"] == "a").cloned().unwrap_or_default()
    }

    /// Ends the server; returns the ledger's row of each model.
    async fn account(self) -> [Row; 2] {
        self.editor.shutdown().await;
        ["a", "b"].map(|model| of(self.folder.path(), model))
    }
}

fn of(folder: &Path, model: &str) -> Row {
    let (ledger, notice) = Ledger::open(Some(&folder.join("ledger.sqlite")));
    assert_eq!(notice, None);
    let mut sum = Row::default();
    ledger
        .report(SystemTime::UNIX_EPOCH)
        .unwrap()
        .rows
        .iter()
        .filter(|row| row.model == model)
        .for_each(|row| sum += row);
    sum
}

#[tokio::test]
async fn an_unsure_answer_makes_way_while_typing_and_is_shown_to_who_asks() {
    let unsure = Answer { logprob: Some(0.4_f64.ln()), ..Answer::new(&["first", "()", ";"]) };
    let mut scene = Scene::new([FREE, FREE], "").await;
    scene.a.always(unsure.clone());
    scene.b.always(Answer::new(&["second();"]));
    assert_eq!(scene.shown(By::Typing).await.as_deref(), Some("second();"));
    scene.a.closed(1).await;
    assert!(scene.a.bill().output <= 3);
    let [a, b] = scene.account().await;
    assert_eq!((a.calls, a.failed, a.shown, b.calls, b.shown), (1, 0, 0, 1, 1));

    let mut scene = Scene::new([FREE, FREE], "").await;
    scene.a.always(Answer { logprob: Some(0.6_f64.ln()), ..unsure });
    assert_eq!(scene.shown(By::Key).await.as_deref(), Some("first();"), "three tokens of .6 are .22");
    assert_eq!(scene.b.connections(), 0);
}

#[tokio::test]
async fn a_silent_model_is_joined_by_one_that_is_free() {
    let mut scene = Scene::new([FREE, FREE], "[tasks.expression]\ndeadline_ms = 3000").await;
    scene.a.always(Answer::new(&["first();"]).with(Fault::HangBeforeFirstByte));
    scene.b.always(Answer::new(&["second();"]));
    assert_eq!(scene.shown(By::Typing).await.as_deref(), Some("second();"));
    scene.a.closed(1).await;
    let [a, b] = scene.account().await;
    assert_eq!((a.calls, a.failed, a.aborted, b.calls), (1, 0, 1, 1), "nobody waited for the first to fail");
}

#[tokio::test]
async fn a_silent_model_is_followed_in_time_by_one_that_costs() {
    for fault in [Fault::HangBeforeFirstByte, Fault::HangAfterHead, Fault::StallAfter(1)] {
        let mut scene = Scene::new([FREE, PRICED], "[tasks.expression]\ndeadline_ms = 1500").await;
        let label = format!("{fault:?}");
        scene.a.always(Answer::new(&["first", "();"]).with(fault));
        scene.b.always(Answer::new(&["second();"]));
        assert_eq!(scene.shown(By::Typing).await.as_deref(), Some("second();"), "{label}");
        let [a, b] = scene.account().await;
        assert_eq!(
            (a.calls, a.failed, a.outrun + a.aborted, b.calls),
            (1, 0, 1, 1),
            "{label}: our patience is no failure of the model"
        );
    }
}

#[tokio::test]
async fn a_slow_model_that_costs_nothing_is_waited_for_before_one_that_costs() {
    let mut scene = Scene::new([FREE, PRICED], "[tasks.expression]\ndeadline_ms = 1500").await;
    scene.a.always(Answer { delay: Duration::from_millis(1000), ..Answer::new(&["first();"]) });
    scene.b.always(Answer::new(&["second();"]));
    for version in 2..10 {
        scene.edit(version).await;
        assert!(scene.shown(By::Typing).await.is_some());
    }
    let [a, b] = scene.account().await;
    assert_eq!((a.calls, a.failed, a.aborted), (8, 0, 1), "once it is overtaken, which teaches how long it needs");
    assert_eq!((b.calls, b.failed), (1, 0));
}

#[tokio::test]
async fn a_slow_model_that_costs_less_is_given_the_time_it_needs() {
    let dearer = "input = 9, output = 9";
    let mut scene = Scene::new([PRICED, dearer], "cap_usd_per_day = 900\n[tasks.expression]\ndeadline_ms = 1500").await;
    scene.a.always(Answer { delay: Duration::from_millis(1000), ..Answer::new(&["first();"]) });
    scene.b.always(Answer::new(&["second();"]));
    for version in 2..8 {
        scene.edit(version).await;
        assert!(scene.shown(By::Typing).await.is_some());
    }
    let [a, b] = scene.account().await;
    assert_eq!((a.calls, a.failed, a.outrun, b.calls), (6, 0, 1, 1));
}

#[tokio::test]
async fn a_model_that_never_sends_anything_is_left_alone_after_a_while() {
    for prices in [[FREE, PRICED], [FREE, FREE], [PRICED, "input = 9, output = 9"]] {
        let mut scene = Scene::new(prices, "cap_usd_per_day = 900\n[tasks.expression]\ndeadline_ms = 600").await;
        scene.a.always(Answer::new(&["first();"]).with(Fault::HangBeforeFirstByte));
        scene.b.always(Answer::new(&["second();"]));
        let mut shown = 0;
        for version in 2..12 {
            scene.edit(version).await;
            shown += usize::from(scene.shown(By::Typing).await.is_some());
        }
        let trouble = scene.trouble().await;
        assert!(trouble["again"].as_u64() > trouble["since"].as_u64(), "{prices:?}: {trouble}");
        let [a, b] = scene.account().await;
        assert!((3..=5).contains(&a.calls) && a.failed == 0 && a.outrun + a.aborted == a.calls, "{prices:?}: {a:?}");
        assert!(b.calls >= 8 && shown >= 6, "{prices:?}: {shown} shown, {b:?}");
    }
}

#[tokio::test]
async fn a_model_that_answers_only_after_the_deadline_is_told_of_until_it_is_faster() {
    let mut scene = Scene::new([FREE, FREE], "[tasks.expression]\ndeadline_ms = 600").await;
    scene.a.always(Answer { delay: Duration::from_millis(900), ..Answer::new(&["first();"]) });
    for version in 2..5 {
        scene.edit(version).await;
        assert_eq!(scene.shown(By::Key).await.as_deref(), Some("first();"));
    }
    assert_eq!(scene.trouble().await, Value::Null);
    for (version, by) in [(10, By::Typing), (11, By::Key)] {
        scene.edit(version).await;
        scene.shown(by).await;
        assert_eq!(scene.trouble().await["what"], "it usually answers after the deadline of `tasks.expression`");
    }
    scene.a.always(Answer::new(&["first();"]));
    for version in 20..25 {
        scene.edit(version).await;
        assert_eq!(scene.shown(By::Key).await.as_deref(), Some("first();"));
    }
    scene.edit(30).await;
    assert_eq!(scene.shown(By::Typing).await.as_deref(), Some("first();"));
    assert_eq!(scene.trouble().await, Value::Null);
}

#[tokio::test]
async fn a_server_that_refuses_connections_fails() {
    let mut scene = Scene::new([FREE, PRICED], "").await;
    scene.b.always(Answer::new(&["second();"]));
    scene.a.stop();
    assert_eq!(scene.shown(By::Typing).await.as_deref(), Some("second();"));
    let [a, b] = scene.account().await;
    assert_eq!((a.calls, a.failed, a.outrun, b.calls), (1, 1, 0, 1));
}

#[tokio::test]
async fn what_is_whole_of_an_answer_is_shown_and_kept_however_its_stream_ends() {
    let held = |count| Fault::StallAfter(count);
    for (pieces, fault, expected) in [
        (&["first", "();"][..], held(2), Some("first();")),
        (&["first", "();"][..], Fault::ResetAfter(2), Some("first();")),
        (&["first", "();"][..], Fault::CutAfter(2), Some("first();")),
        (&["first", "();"][..], Fault::ShortAfter(2), Some("first();")),
        (&["first(", "a, ", "bcd"][..], held(3), Some("first(a")),
        (&["match greeting {\n", "        a => b,\n", "        c =", "> d"][..], held(3), Some("match greeting {")),
        (&["fir"][..], held(1), None),
    ] {
        let label = format!("{pieces:?}, {fault:?}");
        let mut scene = Scene::new(
            [PRICED, "input = 9, output = 9"],
            "cap_usd_per_day = 900\n[tasks.expression]\ndeadline_ms = 800",
        )
        .await;
        // The fault comes behind the last piece only if another piece could come.
        let pieces: Vec<&str> = pieces.iter().copied().chain(["never"]).collect();
        scene.a.always(Answer::new(&pieces).with(fault));
        scene.b.always(Answer::new(&["second();"]));
        let shown = scene.shown(By::Typing).await;
        assert_eq!(shown.as_deref(), expected.or(Some("second();")), "{label}");
        assert_eq!(scene.shown(By::Typing).await, shown, "{label}: again");
        let [a, b] = scene.account().await;
        assert_eq!((a.calls, a.failed, a.outrun), (1, 0, u64::from(expected.is_none())), "{label}");
        assert!(a.cost > Money::ZERO, "{label}: {a:?}");
        assert_eq!(b.calls, u64::from(expected.is_none()), "{label}");
    }
}

#[tokio::test]
async fn an_answer_that_has_finished_is_not_waited_for() {
    // At the deadline the test would have failed long ago.
    let mut scene = Scene::new([FREE, PRICED], "[tasks.expression]\ndeadline_ms = 600000").await;
    scene.a.always(Answer::new(&["first()"]).with(Fault::StallAfterFinish));
    assert!(scene.shown(By::Typing).await.is_some_and(|shown| shown.starts_with("first()")));
    let [a, b] = scene.account().await;
    assert_eq!((a.calls, a.failed, a.outrun, a.aborted, b.calls), (1, 0, 0, 0, 0));
}

#[tokio::test]
async fn a_key_shows_what_was_too_unsure_to_be_shown_while_typing_without_another_call() {
    let unsure = Answer { logprob: Some(0.6_f64.ln()), ..Answer::new(&["first", "()", ";"]) };
    for by_menu in [false, true] {
        let mut scene = Scene::new([FREE, FREE], "[model.b]\nenabled = false").await;
        scene.a.always(unsure.clone());
        assert_eq!(scene.shown(By::Typing).await, None, "three tokens of .6 are .22");
        assert_eq!(scene.shown(By::Typing).await, None, "and it is not asked again");
        match by_menu {
            false => assert_eq!(scene.shown(By::Key).await.as_deref(), Some("first();")),
            true => assert_eq!(scene.put_there().await.as_deref(), Some("first();")),
        }
        assert_eq!(scene.a.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_key_asks_only_models_that_did_not_answer_in_vain_here() {
    let mut scene = Scene::new([FREE, PRICED], "[tasks.expression]\ndeadline_ms = 1500").await;
    // It only repeats the text behind the cursor.
    scene.a.always(Answer::new(&["\n    print(greeting);"]));
    scene.b.always(Answer { delay: Duration::from_millis(1700), ..Answer::new(&["second();"]) });
    assert_eq!(scene.shown(By::Typing).await, None);
    assert_eq!(scene.shown(By::Key).await.as_deref(), Some("second();"));
    assert_eq!((scene.a.seen().len(), scene.b.seen().len()), (1, 2), "the first one would say the same again");
}

#[tokio::test]
async fn a_provider_that_allows_no_more_is_left_alone() {
    let mut scene = Scene::new([FREE, FREE], "").await;
    let headers = vec![
        ("x-ratelimit-limit-requests", "60".to_owned()),
        ("x-ratelimit-remaining-requests", "0".to_owned()),
        ("x-ratelimit-reset-requests", "6m0s".to_owned()),
    ];
    scene.a.always(Answer { headers, ..Answer::new(&["first();"]) });
    scene.b.always(Answer::new(&["second();"]));
    assert_eq!(scene.shown(By::Key).await.as_deref(), Some("first();"));
    scene.edit(2).await;
    assert_eq!(scene.shown(By::Key).await.as_deref(), Some("second();"));
    let trouble = scene.trouble().await;
    assert_eq!(trouble["what"], "its provider allows no further requests for now");
    assert!(trouble["again"].as_u64() > trouble["since"].as_u64(), "{trouble}");
    let [a, b] = scene.account().await;
    assert_eq!((a.calls, b.calls), (1, 1));
}

/// A folder with a ledger of 400 suggestions of `a`, every fifth of them accepted, all this many days old.
fn taught(days: i64) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let (ledger, _) = Ledger::open(Some(&path));
    for _ in 0..400 {
        ledger.suggested(Suggested {
            source: Source::Model,
            model: "a".into(),
            call: None,
            task: Task::Expression,
            language: "rust".into(),
            chars: 9,
            tokens: 3,
            truncated: false,
            probability: None,
        });
    }
    assert!(ledger.flush());
    drop(ledger);
    let rows = rusqlite::Connection::open(&path).unwrap();
    let fates = "UPDATE suggestions SET outcome = CASE
        WHEN (SELECT count(*) FROM suggestions AS before WHERE before.id < suggestions.id) % 5 = 0 THEN 'accepted' ELSE 'dismissed' END";
    assert_eq!(rows.execute(fates, []).unwrap(), 400);
    rows.execute("UPDATE suggestions SET at_ms = at_ms - ?1 * 86400000", [days]).unwrap();
    folder
}

#[tokio::test]
async fn a_model_that_is_hardly_known_gets_its_share_of_the_questions() {
    for (explore, expected) in [(0.0, 0), (0.2, 4)] {
        let prices = ["input = 1, output = 1", "input = 1.7, output = 1.7"];
        let mut scene = Scene::in_folder(taught(0), prices, &format!("explore = {explore:?}")).await;
        scene.a.always(Answer::new(&["first();"]));
        scene.b.always(Answer::new(&["second();"]));
        for version in 2..22 {
            scene.edit(version).await;
            assert!(scene.shown(By::Key).await.is_some());
        }
        let (a, b) = (scene.a.seen().len(), scene.b.seen().len());
        assert_eq!((a, b), (20 - expected, expected), "explore = {explore}");
    }
}

#[test]
fn what_was_learned_fades_by_half_in_thirty_days() {
    let known = |days| {
        let folder = taught(days);
        let (ledger, _) = Ledger::open(Some(&folder.path().join("ledger.sqlite")));
        assert!(ledger.flush(), "it reads what it knows first");
        ledger.standing(Task::Expression, "rust", "a")
    };
    let fresh = known(0);
    assert!(fresh.shown > 100.0, "{fresh:?}");
    for (days, expected) in [(30, 0.5), (90, 0.125)] {
        let old = known(days);
        assert!((old.shown / fresh.shown - expected).abs() < 0.001, "{days} days: {fresh:?}, then {old:?}");
        assert!((old.accepted / fresh.accepted - expected).abs() < 0.001, "{days} days: {fresh:?}, then {old:?}");
    }
}

//! The queue in an editor: what is offered for later, the question that the settings may ask, and results after a restart. It leaves the queue to
//! `jobs`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use pennyworth_core::money::Money;
use pennyworth_tests::asking::Asking;
use pennyworth_tests::editor::{Editor, uri};
use pennyworth_tests::fake_batches::{Api, Step};
use pennyworth_tests::fake_provider::Answer;
use pennyworth_tests::paid;
use pennyworth_tests::project::BINARY;
use pennyworth_tests::queued::{EDITED, Queued, SOURCE};
use serde_json::{Value, json};

/// Runs a command of the server.
async fn command(editor: &mut Editor, name: &str, argument: Value) -> Value {
    let params = json!({"command": format!("pennyworth.{name}"), "arguments": [argument]});
    editor.request("workspace/executeCommand", params).await
}

/// Waits for a message that holds some words.
async fn told(editor: &mut Editor, words: &str) {
    while !editor.note("window/showMessage").await["message"].as_str().unwrap().contains(words) {}
}

#[tokio::test]
async fn an_editor_queues_a_task_and_has_its_result_after_a_restart() {
    let scene = Queued::new(Api::Openai).await;
    let mut editor = scene.edits().await;
    let range = json!({"start": {"line": 3, "character": 0}, "end": {"line": 3, "character": 1}});
    let asked = json!({"uri": scene.uri(), "range": range, "instruction": "Swap the operands.", "later": true});
    command(&mut editor, "edit", asked).await;
    told(&mut editor, "queued: 1 job, at most $").await;
    scene.fake.reached(Step::Submit, 1).await;
    assert_eq!(editor.shutdown().await, 0);
    scene.finish();
    scene.an_hour_passes();

    let mut editor = scene.edits().await;
    told(&mut editor, "1 queued task ended").await;
    let jobs = command(&mut editor, "jobs", json!({})).await["jobs"].take();
    assert_eq!(
        (&jobs[0]["state"], &jobs[0]["title"], jobs[1].is_null()),
        (&json!("done"), &json!("edit a.rs:4"), true)
    );
    // The document has moved on: the edit follows its lines.
    let start = json!({"line": 0, "character": 0});
    let change = json!([{"range": {"start": start, "end": start}, "text": "//! More.\n"}]);
    editor.change(&scene.uri(), 2, change).await;
    command(&mut editor, "jobs", json!({"action": "take", "id": jobs[0]["id"]})).await;
    let edit = editor.asked("workspace/applyEdit").await["edit"]["documentChanges"][0].take();
    assert_eq!(edit["textDocument"], json!({"uri": scene.uri(), "version": 2}));
    assert_eq!(
        (&edit["edits"][0]["range"]["start"]["line"], &edit["edits"][0]["newText"]),
        (&json!(4), &json!("    scaled(b + a)\n"))
    );
    let jobs = command(&mut editor, "jobs", json!({})).await["jobs"].take();
    assert_eq!(jobs[0]["state"], "applied");
    let params = json!({"command": "pennyworth.jobs", "arguments": [{"action": "take", "id": "1"}]});
    assert_ne!(editor.refused("workspace/executeCommand", params).await, 0, "there is no such job");
    assert_eq!(editor.shutdown().await, 0);
    assert_eq!((scene.spent(), scene.kept()), ((scene.billed(), 0), Vec::new()));
}

/// Lines 4 to 4.
fn range() -> Value {
    json!({"start": {"line": 3, "character": 0}, "end": {"line": 3, "character": 1}})
}

#[tokio::test]
async fn a_dear_task_is_offered_for_later_at_its_price_in_a_batch() {
    let scene = Queued::new(Api::Openai).await;
    let mut editor = scene.edits().await;
    let context = json!({"diagnostics": [], "triggerKind": 1});
    let params = json!({"textDocument": {"uri": scene.uri()}, "range": range(), "context": context});
    let actions = editor.request("textDocument/codeAction", params).await;
    let all: Vec<&Value> = actions.as_array().unwrap().iter().collect();
    let later = |action: &&Value| action["command"]["arguments"][0]["later"] == true;
    let titles = |is_later: bool| -> Vec<&str> {
        let of = all.iter().filter(|action| later(action) == is_later);
        of.filter_map(|action| action["title"].as_str()).filter(|title| title.contains("write tests")).collect()
    };
    assert_eq!(titles(false), ["Pennyworth: write tests (≈ 0.3 ¢, m; ≈ 0.2 ¢ by tomorrow)"]);
    assert_eq!(titles(true), ["Pennyworth: write tests by tomorrow, for half (≈ 0.2 ¢)"]);
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn the_settings_may_have_the_user_asked_when() {
    let scene = Queued::with(Api::Openai, "tasks.edit.queue = 'ask'").await;
    let mut editor = scene.edits().await;
    editor.chooses("By Tomorrow, for Half");
    // As the plugins ask: they preview what comes.
    let asked = json!({"uri": scene.uri(), "range": range(), "instruction": "Swap the operands.", "returns": true});
    let told = command(&mut editor, "edit", asked).await;
    assert_eq!(told, json!({"cost_usd": 0.0}), "there is no result yet");
    let question = editor.asked("window/showMessageRequest").await;
    assert!(question["message"].as_str().unwrap().contains("by tomorrow this costs at most $"), "{question}");
    scene.fake.reached(Step::Submit, 1).await;
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn the_status_counts_what_waits_and_what_is_ready() {
    let scene = Queued::new(Api::Openai).await;
    scene.queue().await;
    let mut editor = scene.edits().await;
    let params = json!({"command": "pennyworth.status", "arguments": []});
    while editor.request("workspace/executeCommand", params.clone()).await["jobs"] != json!({"waiting": 1, "ready": 0})
    {
    }
    scene.finish();
    // The provider is asked although the batch is not due yet.
    let jobs = command(&mut editor, "jobs", json!({"action": "refresh"})).await["jobs"].take();
    assert_eq!(jobs[0]["state"], "done");
    let status = editor.request("workspace/executeCommand", params).await;
    assert_eq!(status["jobs"], json!({"waiting": 0, "ready": 1}));
    assert_eq!(editor.shutdown().await, 0);
}

/// A project and two models without batches: one at 3 and 6 USD per million tokens, and the flex tier of a smaller one at a little less.
async fn flexible() -> Asking {
    let scene = Asking::new("", &[("m", "cheap"), ("m-flex", "cheap")]).await;
    let (of_all, flex) = scene
        .read("config.toml")
        .split_once("[model.m-flex]")
        .map(|(all, own)| (all.to_owned(), own.to_owned()))
        .unwrap();
    let of_all = of_all.replace("input = 1, output = 2", "input = 3, output = 6");
    let flex = flex
        .replace("model = 'm-flex'", "model = 'm-1b'\nextra = { service_tier = 'flex' }")
        .replace("input = 1, output = 2", "input = 2.8, output = 5.6");
    scene.write("config.toml", &format!("{of_all}[model.m-flex]{flex}"));
    scene.write("project/src/a.rs", SOURCE);
    std::fs::create_dir_all(scene.path("project/.git")).unwrap();
    scene.fake.always(Answer::new(&[EDITED]));
    scene
}

/// The model and the tier that each call was for.
fn tiers(scene: &Asking) -> Vec<(String, String)> {
    let seen = scene.fake.seen();
    let calls = seen.iter().filter(|seen| seen.line.ends_with("/chat/completions"));
    let text = |body: &Value, key: &str| body[key].as_str().unwrap_or_default().to_owned();
    calls.map(|call| (text(&call.body, "model"), text(&call.body, "service_tier"))).collect()
}

#[tokio::test]
async fn a_task_by_tomorrow_goes_to_the_flex_tier_where_there_are_no_batches_and_is_billed_at_it() {
    let scene = flexible().await;
    let edit = ["edit", "src/a.rs:4", "Swap the operands."];
    let (code, _, notes) = scene.run(&edit).await;
    assert_eq!((code, tiers(&scene)), (Some(0), vec![("m".into(), String::new())]), "{notes}");
    let before = scene.fake.bill();
    let (code, out, notes) = scene.run(&[&edit[..], &["--batch"]].concat()).await;
    assert!(code == Some(0) && out.contains("+    scaled(b + a)"), "{out} {notes}");
    assert!(notes.contains("asked now: m-flex has no batches; its flex tier costs as much as one"), "{notes}");
    assert_eq!(tiers(&scene)[1..], [("m-1b".into(), "flex".into())]);
    let (bill, price) = (scene.fake.bill(), Money::from_pico);
    let due = price(2_800_000).times(bill.input - before.input) + price(5_600_000).times(bill.output - before.output);
    let ledger = rusqlite::Connection::open(paid::ledger(scene.home())).unwrap();
    let query = "SELECT charge FROM calls WHERE model = 'm-flex' AND status <> 'open'";
    let charge: i64 = ledger.query_row(query, [], |row| row.get(0)).unwrap();
    assert_eq!((price(charge), bill.calls), (due, 2));
}

#[tokio::test]
async fn titles_tell_the_price_of_the_flex_tier() {
    let scene = flexible().await;
    let (home, config) = (scene.home().to_str().unwrap(), scene.path("config.toml"));
    let mut editor = Editor::spawn(&BINARY, &["--config", config.to_str().unwrap()], &[("HOME", home)]).unwrap();
    let can = json!({"workspace": {"applyEdit": true, "workspaceEdit": {"documentChanges": true}}});
    editor.initialize(can, Value::Null, Some(&scene.path("project"))).await;
    let document = uri(&scene.path("project/src/a.rs"));
    editor.open(&document, "rust", 1, SOURCE).await;
    let context = json!({"diagnostics": [], "triggerKind": 1});
    let params = json!({"textDocument": {"uri": document}, "range": range(), "context": context});
    let actions = editor.request("textDocument/codeAction", params.clone()).await;
    let titles = |actions: &Value| -> Vec<String> {
        let all = actions.as_array().unwrap().iter().filter_map(|action| action["title"].as_str());
        all.filter(|title| title.contains("write tests")).map(str::to_owned).collect()
    };
    assert_eq!(
        titles(&actions),
        [
            "Pennyworth: write tests (≈ 1.5 ¢, m; ≈ 1.4 ¢ at the flex tier)",
            "Pennyworth: write tests at the flex tier, for less (≈ 1.4 ¢)"
        ]
    );
    let asked = json!({"uri": document, "range": range(), "instruction": "Swap the operands.", "later": true});
    command(&mut editor, "edit", asked).await;
    told(&mut editor, "asked now: m-flex has no batches; its flex tier costs as much as one").await;
    editor.asked("workspace/applyEdit").await;
    assert_eq!(tiers(&scene), [("m-1b".into(), "flex".into())]);
    // Where it is asked first anyway, the title says so.
    let own = scene.read("config.toml").replace("input = 2.8, output = 5.6", "input = 1, output = 2");
    scene.write("config.toml", &own);
    assert_eq!(editor.shutdown().await, 0);
    let mut editor = Editor::spawn(&BINARY, &["--config", config.to_str().unwrap()], &[("HOME", home)]).unwrap();
    editor.initialize(json!({}), Value::Null, Some(&scene.path("project"))).await;
    editor.open(&document, "rust", 1, SOURCE).await;
    let actions = editor.request("textDocument/codeAction", params).await;
    assert_eq!(titles(&actions), ["Pennyworth: write tests (≈ 0.5 ¢, m-flex, flex tier)"]);
    assert_eq!(editor.shutdown().await, 0);
}

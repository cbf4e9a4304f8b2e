//! What becomes of the results of jobs, and of commands that are ended early: the edits that a review suggests are applied as far as they fit, a result
//! whose files changed is outdated, and a signal leaves the queue and the money in order. It leaves the queue itself to `jobs`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::process::Stdio;

use pennyworth_tests::fake_batches::{Api, Course, Fault, Step};
use pennyworth_tests::queued::{Queued, SOURCE};
use pennyworth_tests::until::until;
use serde_json::{Value, json};
use tokio::process::{Child, Command};

const OTHER: &str = "pub fn one() -> u8 {\n    1\n}\n";

/// A queued review of a change of two files, and its id. The findings are those of `found`.
async fn reviewed(found: &[Value]) -> (Queued, String) {
    review_of(&changed(), found).await
}

/// The same; the file `src/a.rs` has this text.
async fn review_of(changed: &str, found: &[Value]) -> (Queued, String) {
    let scene = Queued::new(Api::Openai).await;
    std::fs::remove_dir(scene.path("project/.git")).unwrap();
    scene.write("project/src/b.rs", OTHER);
    scene.commit("one").await;
    scene.write("project/src/a.rs", changed);
    scene.write("project/src/b.rs", &OTHER.replace("    1\n", "    2\n"));
    scene.fake.course(Course { text: Some(json!({ "findings": found }).to_string()), ..Course::default() });
    let (code, out, notes) = scene.run(&["review", "--batch", "--json"]).await;
    assert_eq!(code, Some(0), "{notes}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["queued"].as_array().unwrap().len(), 1, "{out}");
    scene.finish();
    let id = told["queued"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(scene.jobs().await[&id], "done");
    (scene, id)
}

/// The file `src/a.rs` as it was reviewed.
fn changed() -> String {
    SOURCE.replace("a + b", "a - b").replace("fn unused() {}", "fn used() {}")
}

/// A finding at the first of some lines, with the text that it suggests in their place.
fn finding(file: &str, (first, last): (u32, u32), severity: &str, text: Option<&str>) -> Value {
    let fix = text.map(|text| json!({"first": first, "last": last, "text": text}));
    let title = format!("It is {severity} at {first}");
    json!({"file": file, "line": first, "severity": severity, "title": title, "why": "So.", "fix": fix})
}

/// Findings that can all be mended.
fn mendable() -> [Value; 2] {
    [finding("src/a.rs", (4, 4), "high", Some("    scaled(b - a)")), finding("src/b.rs", (2, 2), "low", Some("    3"))]
}

#[tokio::test]
async fn the_edits_that_a_review_suggests_are_applied_at_their_lines_of_now() {
    for arguments in [&["jobs", "apply", "--all", "--json"][..], &["jobs", "apply", "ID", "--json"]] {
        let (scene, id) = reviewed(&mendable()).await;
        let above = |text: &str| format!("//! More.\n{text}");
        scene.write("project/src/a.rs", &above(&changed()));
        let arguments: Vec<&str> = arguments.iter().map(|name| if *name == "ID" { &*id } else { name }).collect();
        let (code, out, notes) = scene.run(&arguments).await;
        assert_eq!(code, Some(0), "{notes}");
        let told: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&told["applied"], told["edits"].as_array().unwrap().len()), (&json!(true), 2), "{told}");
        assert_eq!(scene.read("project/src/a.rs"), above(&changed().replace("a - b", "b - a")));
        assert_eq!(scene.read("project/src/b.rs"), OTHER.replace("    1\n", "    3\n"));
        assert_eq!((scene.jobs().await[&id].as_str(), scene.kept().len()), ("applied", 0), "nothing of the code stays");
    }
}

#[tokio::test]
async fn what_a_review_suggests_and_does_not_fit_is_told_and_stays_to_be_read() {
    let [high, low] = mendable();
    let (scene, id) = reviewed(&[
        finding("src/a.rs", (3, 5), "medium", Some("pub fn add() {}")),
        high,
        finding("src/a.rs", (7, 7), "low", Some("fn needed() {}")),
        finding("src/b.rs", (1, 1), "low", None),
        low,
    ])
    .await;
    let used = changed().replace("fn used() {}", "fn used_now() {}");
    scene.write("project/src/a.rs", &used);
    let (code, out, notes) = scene.run(&["jobs", "apply", &id]).await;
    assert_eq!(code, Some(2), "not all is applied: {notes}");
    assert_eq!(out, "applied: src/a.rs:4: It is high at 4\napplied: src/b.rs:2: It is low at 2\n");
    for why in [
        "not applied: src/a.rs:3: It is medium at 3: its lines overlap with those of another edit",
        "not applied: src/a.rs:7: It is low at 7: the lines that it edits have changed since the review",
        "1 finding without an edit",
    ] {
        assert!(notes.contains(why), "{notes}");
    }
    assert_eq!(scene.read("project/src/a.rs"), used.replace("a - b", "b - a"));
    assert_eq!(scene.read("project/src/b.rs"), OTHER.replace("    1\n", "    3\n"));
    // What was found besides can still be read, and nothing is written twice.
    let (_, out, _) = scene.run(&["jobs", "show", &id]).await;
    assert!(out.contains("src/b.rs:1: low: It is low at 1"), "{out}");
    let (code, out, notes) = scene.run(&["jobs", "apply", &id]).await;
    assert!(code == Some(2) && out.is_empty() && notes.matches("not applied: ").count() == 4, "{out} {notes}");
    let (code, _, notes) = scene.run(&["jobs", "apply", "--all"]).await;
    assert!(code == Some(2) && notes.contains("no job has an edit to apply"), "{notes}");
    assert_eq!(scene.read("project/src/a.rs"), used.replace("a - b", "b - a"));
}

/// The file `src/a.rs` with a password at line 8, and a finding that suggests another line in its place.
fn with_password() -> (String, Value) {
    let text = SOURCE.replace("fn unused() {}", "fn open() {\n    let password = \"hunter2-prod\";\n}");
    (text, finding("src/a.rs", (8, 8), "high", Some("    let password = env(\"PASSWORD\");")))
}

#[tokio::test]
async fn a_suggestion_about_a_masked_line_is_applied_where_it_stands_now_or_not_at_all() {
    let (text, finding) = with_password();
    let (scene, id) = review_of(&text, &[finding]).await;
    let rewritten = text.replace("    let password = \"hunter2-prod\";\n", "    log();\n");
    scene.write("project/src/a.rs", &rewritten);
    let (code, _, notes) = scene.run(&["jobs", "apply", &id]).await;
    assert!(code == Some(2) && notes.contains("the lines that it edits have changed since the review"), "{notes}");
    assert_eq!(scene.read("project/src/a.rs"), rewritten);
    let moved = text.replace("open() {\n", "open() {\n    log();\n");
    scene.write("project/src/a.rs", &moved);
    let (code, _, notes) = scene.run(&["jobs", "apply", &id]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert_eq!(scene.read("project/src/a.rs"), moved.replace("\"hunter2-prod\"", "env(\"PASSWORD\")"));
}

#[tokio::test]
async fn an_editor_marks_and_mends_a_masked_line_where_it_stands_now() {
    let (text, finding) = with_password();
    let (scene, id) = review_of(&text, &[finding]).await;
    scene.write("project/src/a.rs", &text.replace("open() {\n", "open() {\n    log();\n"));
    let mut editor = scene.edits().await;
    let params = json!({"command": "pennyworth.jobs", "arguments": [{"action": "take", "id": id}]});
    editor.request("workspace/executeCommand", params).await;
    let marks = editor.note("textDocument/publishDiagnostics").await["diagnostics"].take();
    assert_eq!((&marks[0]["range"]["start"]["line"], marks[1].is_null()), (&json!(8), true), "{marks}");
    let params =
        json!({"textDocument": {"uri": scene.uri()}, "range": marks[0]["range"], "context": {"diagnostics": marks}});
    let actions = editor.request("textDocument/codeAction", params).await;
    let mut edits =
        actions.as_array().unwrap().iter().filter_map(|action| action.pointer("/edit/documentChanges/0/edits/0"));
    let edit = edits.next().unwrap();
    assert_eq!(
        (&edit["range"]["start"]["line"], edit["newText"].as_str()),
        (&json!(8), Some("    let password = env(\"PASSWORD\");\n"))
    );
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn a_review_that_suggests_nothing_edits_nothing() {
    let (scene, id) = reviewed(&[finding("src/b.rs", (2, 2), "low", None)]).await;
    let (code, _, notes) = scene.run(&["jobs", "apply", &id]).await;
    assert!(code == Some(2) && notes.contains("edits nothing; `pennyworth jobs show` prints it"), "{notes}");
}

/// What the list says of the only job, as text and as JSON, and what an editor is told.
async fn listed(scene: &Queued) -> [String; 3] {
    let (_, out, _) = scene.run(&["jobs"]).await;
    let text = out.split_whitespace().nth(1).unwrap().to_owned();
    let json = scene.state().await;
    let mut editor = scene.edits().await;
    let params = json!({"command": "pennyworth.jobs", "arguments": [{}]});
    let told = editor.request("workspace/executeCommand", params).await;
    assert_eq!(editor.shutdown().await, 0);
    [text, json, told["jobs"][0]["state"].as_str().unwrap().to_owned()]
}

#[tokio::test]
async fn a_result_whose_lines_have_changed_is_listed_as_outdated() {
    let test = "```rust\n#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n}\n```\n";
    for (arguments, answer, rewritten) in [
        (&["edit", "src/a.rs:4", "Swap the operands."][..], None, "scaled(0)"),
        (&["tests", "src/a.rs:4"], Some(test), ""),
    ] {
        let scene = Queued::new(Api::Openai).await;
        if let Some(text) = answer {
            scene.fake.course(Course { text: Some(text.to_owned()), ..Course::default() });
        }
        let (code, _, notes) = scene.run(&[arguments, &["--batch"]].concat()).await;
        assert_eq!(code, Some(0), "{notes}");
        scene.finish();
        assert_eq!(listed(&scene).await, ["done"; 3], "{arguments:?}");
        scene.write("project/src/a.rs", &format!("//! More.\n{SOURCE}"));
        assert_eq!(listed(&scene).await, ["done"; 3], "{arguments:?}: it follows its lines");
        if !rewritten.is_empty() {
            scene.write("project/src/a.rs", &SOURCE.replace("scaled(a + b)", rewritten));
            assert_eq!(listed(&scene).await, ["outdated"; 3], "{arguments:?}");
        }
    }
    let (scene, _) = reviewed(&mendable()).await;
    assert_eq!(listed(&scene).await, ["done"; 3]);
    scene.write("project/src/a.rs", SOURCE);
    assert_eq!(listed(&scene).await, ["done"; 3], "one of its findings still holds");
    scene.write("project/src/b.rs", OTHER);
    assert_eq!(listed(&scene).await, ["outdated"; 3]);
    std::fs::remove_file(scene.path("project/src/b.rs")).unwrap();
    assert_eq!(listed(&scene).await, ["outdated"; 3]);
}

/// Sends a signal to a process, and returns its exit code and what it printed.
async fn signalled(child: Child, signal: &str) -> (Option<i32>, String, String) {
    let id = child.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn a_command_that_waits_for_the_queue_ends_in_order() {
    // As it pauses, and as the provider is asked; a key that a program prints has signals of its own.
    for (signal, fault, head) in [
        ("-INT", None, ""),
        ("-TERM", Some(Fault::Hang), ""),
        ("-INT", Some(Fault::Hang), "api_key_cmd = 'echo sk-fake'\n"),
    ] {
        let scene = Queued::new(Api::Anthropic).await;
        scene.queue().await;
        if !head.is_empty() {
            let key = pennyworth_tests::fake_batches::KEY;
            let config = scene.read("config.toml").replace("api_key_env = 'FAKE_KEY'", &head.replace("sk-fake", key));
            scene.write("config.toml", &config);
        }
        let is_asked = fault.is_some();
        fault.into_iter().for_each(|fault| scene.fake.fails(Step::Poll, fault));
        let waits = scene.command(&["jobs", "--wait"]).spawn().unwrap();
        scene.fake.reached(Step::Poll, 1).await;
        // The lease is given back before the pause.
        let leases = || scene.ledger().query_row("SELECT count(*) FROM lease", [], |row| row.get::<_, i64>(0)).unwrap();
        until(|| is_asked || leases() == 0).await;
        let (code, out, notes) = signalled(waits, signal).await;
        assert!(code == Some(130) && notes.contains("you ended it early; 1 job stays queued"), "{code:?} {notes}");
        assert!(notes.contains("`pennyworth jobs`") && out.contains("submitted"), "{notes} {out}");
        assert_eq!((leases(), scene.spent().1), (0, 1), "others may look at once, and its money stays reserved");
        scene.finish();
        assert_eq!((scene.state().await.as_str(), scene.spent()), ("done", (scene.billed(), 0)));
    }
}

/// A command to which hangups are what this says, whatever they are to the tests: `nohup` ignores them.
#[cfg(target_os = "linux")]
fn with_hangups(how: &str, command: Command) -> Command {
    let command = command.as_std();
    let mut other = Command::new("env");
    other.arg(format!("--{how}-signal=HUP")).arg(command.get_program()).args(command.get_args());
    other.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    other.current_dir(command.get_current_dir().unwrap()).kill_on_drop(true);
    other.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    other
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_program_that_prints_a_key_ends_with_the_terminal() {
    // `nohup` keeps the hangup away, and so something else has to end the command.
    for (how, signals, code) in [("default", &["-HUP"][..], 129), ("ignore", &["-HUP", "-INT"], 130)] {
        let scene = Queued::new(Api::Anthropic).await;
        scene.queue().await;
        let pid = scene.path("pid");
        let program = format!("api_key_cmd = 'echo $$ > {}; sleep 1000'", pid.display());
        scene.write("config.toml", &scene.read("config.toml").replace("api_key_env = 'FAKE_KEY'", &program));
        let waits = with_hangups(how, scene.command(&["jobs", "--wait"])).spawn().unwrap();
        until(|| std::fs::read_to_string(&pid).is_ok_and(|pid| pid.ends_with('\n'))).await;
        let program = std::fs::read_to_string(&pid).unwrap().trim().to_owned();
        let (id, (last, first)) = (waits.id().unwrap().to_string(), signals.split_last().unwrap());
        for signal in first {
            assert!(std::process::Command::new("kill").args([*signal, &*id]).status().unwrap().success());
        }
        let (ended, _, notes) = signalled(waits, last).await;
        assert_eq!(ended, Some(code), "{how}: {notes}");
        let runs = || std::process::Command::new("kill").args(["-0", &program]).stderr(Stdio::null()).status().unwrap();
        until(|| !runs().success()).await;
    }
}

#[tokio::test]
async fn a_command_that_is_ended_as_it_sends_leaves_its_jobs_queued() {
    let scene = Queued::new(Api::Openai).await;
    scene.fake.fails(Step::Upload, Fault::HangAfter);
    let sends = scene.command(&["edit", "src/a.rs:4", "Swap the operands.", "--batch"]).spawn().unwrap();
    scene.fake.reached(Step::Upload, 1).await;
    let (code, out, notes) = signalled(sends, "-INT").await;
    assert!(code == Some(130) && notes.contains("you ended it early; 1 job stays queued"), "{code:?} {notes}");
    assert!(out.contains("edit src/a.rs:4"), "{out}");
    assert_eq!((scene.state().await.as_str(), scene.count(Step::Upload)), ("submitted", 1), "it is found again");
}

#[tokio::test]
async fn a_command_that_is_ended_as_it_plans_sends_nothing() {
    use std::os::unix::fs::PermissionsExt as _;

    for arguments in [&["trial", "m", "--yes"][..], &["review", "--yes"], &["commit", "--yes"]] {
        let scene = Queued::new(Api::Openai).await;
        scene.write("bin/git", "#!/bin/sh\ntouch \"$HOME/begun\"\nwhile kill -0 $PPID 2>/dev/null; do sleep 1; done\n");
        std::fs::set_permissions(scene.path("bin/git"), std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:{}", scene.path("bin").display(), std::env::var("PATH").unwrap());
        let plans = scene.command(arguments).env("PATH", path).spawn().unwrap();
        until(|| scene.path("begun").exists()).await;
        let (code, out, notes) = signalled(plans, "-TERM").await;
        assert!(code == Some(130) && notes.contains("you ended it early; nothing was sent"), "{code:?} {notes}");
        assert_eq!((out.as_str(), scene.fake.steps().len()), ("", 0), "{arguments:?}");
    }
}

#[tokio::test]
async fn a_command_that_is_ended_as_it_queues_stops_there_and_names_what_is_queued() {
    const ALL: usize = 400;
    let scene = Queued::new(Api::Openai).await;
    let source: String = (0..ALL).map(|n| format!("pub fn f{n}() -> usize {{\n    {n}\n}}\n\n")).collect();
    scene.write("project/src/a.rs", &source);
    let queues = scene.command(&["document", "src", "--batch", "--yes"]).spawn().unwrap();
    until(|| scene.kept().len() > 2).await;
    let (code, out, notes) = signalled(queues, "-INT").await;
    let count = out.lines().count();
    assert!(code == Some(130) && (1..ALL).contains(&count), "{code:?} {count} {notes}");
    let why = format!("{} of {ALL} jobs were not queued: you ended it early", ALL - count);
    assert!(notes.contains(&why) && notes.contains("stay queued"), "{notes}");
    assert_eq!((scene.kept().len(), scene.fake.steps().len()), (count, 0), "nothing is sent");
}

#[tokio::test]
async fn a_command_that_is_ended_as_it_applies_says_what_it_could_not_apply() {
    let scene = Queued::new(Api::Openai).await;
    let (first, second) = (scene.queue().await, scene.queue().await);
    scene.finish();
    assert_eq!(scene.jobs().await.into_values().collect::<Vec<_>>(), ["done"; 2]);
    let discarded = scene.run(&["jobs", "cancel", &first]).await;
    assert_eq!(discarded.0, Some(0), "{}", discarded.2);
    // Each time that the second file is read, somebody writes nothing to it.
    let path = scene.path("project/src/a.rs");
    std::fs::remove_file(&path).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let mut arguments = vec!["jobs", "apply", first.as_str()];
    arguments.resize(300, second.as_str());
    let applies = scene.command(&arguments).spawn().unwrap();
    let id = applies.id().unwrap().to_string();
    std::thread::spawn(move || {
        let mut is_signalled = false;
        while std::fs::OpenOptions::new().write(true).open(&path).is_ok() {
            is_signalled = is_signalled || std::process::Command::new("kill").args(["-INT", &id]).status().is_ok();
        }
    });
    let output = applies.wait_with_output().await.unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{notes}");
    assert!(
        notes.contains("has no result to apply") && notes.contains("the lines that it edits have changed"),
        "{notes}"
    );
    assert!(notes.lines().count() < 300, "it stops: {notes}");
}

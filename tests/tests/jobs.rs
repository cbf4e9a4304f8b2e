//! The queue: jobs that go to a provider in batches, through the real binary and a fake of each batch API that keeps a bill of its own.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::PathBuf;

use pennyworth_core::money::Money;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_batches::{Api, Course, End, Fate, Fault, Step};
use pennyworth_tests::paid;
use pennyworth_tests::queued::{EDITED, Queued, SOURCE};
use pennyworth_tests::until::until;
use serde_json::{Value, json};
use tokio::process::Child;

const APIS: [Api; 6] = [Api::Openai, Api::Together, Api::Anthropic, Api::Gemini, Api::Mistral, Api::Openrouter];

/// Kills a process at once.
async fn kill(mut child: Child) {
    child.kill().await.unwrap();
}

#[tokio::test]
async fn a_job_is_sent_once_answered_and_applied_at_half_the_price() {
    use std::os::unix::fs::PermissionsExt as _;

    for api in APIS {
        let scene = Queued::new(api).await;
        let id = scene.queue().await;
        assert_eq!((scene.fake.bill().batches, scene.state().await.as_str()), (1, "submitted"), "{api:?}");
        let (reserved, open) = scene.spent();
        assert!(open == 1 && reserved > Money::ZERO, "{api:?}: its worst cost is reserved");
        for file in scene.kept() {
            assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let (code, _, notes) = scene.run(&["jobs", "apply", &id]).await;
        assert!(code == Some(2) && notes.contains("no result to apply: it is submitted"), "{api:?} {notes}");
        scene.finish();
        let (code, out, notes) = scene.run(&["jobs", "show", id.get(id.len() - 6..).unwrap()]).await;
        assert!(code == Some(0) && out.contains("+    scaled(b + a)"), "{api:?} {out} {notes}");
        assert_eq!(scene.read("project/src/a.rs"), SOURCE);
        let (code, _, notes) = scene.run(&["jobs", "apply", &id]).await;
        assert_eq!((code, scene.read("project/src/a.rs")), (Some(0), SOURCE.replace("a + b", "b + a")), "{notes}");
        assert_eq!(scene.state().await, "applied", "{api:?}");
        assert_eq!(scene.kept(), Vec::<PathBuf>::new(), "{api:?}: nothing of the code stays");
        assert_eq!(scene.spent(), (scene.billed(), 0), "{api:?}");
        assert!(scene.billed() > Money::ZERO && scene.count(Step::Submit) == 1, "{api:?}");
        let (_, out, _) = scene.run(&["stats", "--by", "task", "--json"]).await;
        let stats: Value = serde_json::from_str(&out).unwrap();
        let row = &stats["rows"][0];
        assert_eq!((&row["task"], &row["calls"], &row["accepted"]), (&json!("edit"), &json!(1), &json!(1)), "{stats}");
    }
}

#[tokio::test]
async fn half_of_the_worst_price_is_reserved_with_its_margin() {
    let scene = Queued::new(Api::Openai).await;
    let (_, out, notes) = scene.run(&["edit", "src/a.rs:4", "Swap the operands.", "--plan", "--json"]).await;
    let plan: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out} {notes}"));
    scene.queue().await;
    assert_eq!(scene.spent().0.usd(), plan["worst_usd"].as_f64().unwrap() / 2.0);
}

#[tokio::test]
async fn a_process_that_is_killed_at_any_step_loses_nothing_and_sends_nothing_twice() {
    use Step::{Files, List, Poll, Results, Submit, Upload};

    for api in APIS {
        let steps =
            [(Upload, Fault::Hang), (Upload, Fault::HangAfter), (Submit, Fault::Hang), (Submit, Fault::HangAfter)];
        let later = [(Poll, Fault::Hang), (Results, Fault::HangAfter), (List, Fault::Hang), (Files, Fault::Hang)];
        for (step, fault) in steps.into_iter().chain(later).filter(|(step, _)| has(api, *step)) {
            let scene = Queued::new(api).await;
            // What is looked for was begun and not heard of.
            match step {
                List => scene.fake.fails(Submit, Fault::HangAfter),
                Files => scene.fake.fails(Upload, Fault::HangAfter),
                _ => {}
            }
            let begun = if matches!(step, Files) { Upload } else { Submit };
            if matches!(step, Upload | Submit | List | Files) {
                scene.fake.fails(step, fault.clone());
                let sends = scene.command(&["edit", "src/a.rs:4", "Swap the operands.", "--batch"]).spawn().unwrap();
                scene.fake.reached(if has_begun(step) { begun } else { step }, 1).await;
                kill(sends).await;
                scene.an_hour_passes();
                if has_begun(step) {
                    let looks = scene.command(&["jobs"]).spawn().unwrap();
                    scene.fake.reached(step, 1).await;
                    kill(looks).await;
                    scene.an_hour_passes();
                }
            } else {
                scene.queue().await;
                scene.finish();
                scene.fake.fails(step, fault.clone());
                let looks = scene.command(&["jobs"]).spawn().unwrap();
                scene.fake.reached(step, 1).await;
                kill(looks).await;
                scene.an_hour_passes();
            }
            let name = format!("{api:?} {step:?} {fault:?}");
            assert_eq!(scene.spent().1, 1, "{name}: its money stays reserved");
            let state = scene.state().await;
            scene.finish();
            // What fits and is not over has to wait until its results tell whose it is.
            let next = if state == "submitting" { scene.state().await } else { state };
            assert!(["submitted", "done"].contains(&next.as_str()), "{name}: {next}");
            assert_eq!(scene.state().await, "done", "{name}");
            assert_eq!((scene.fake.bill().batches, scene.fake.bill().answers), (1, 1), "{name}: nothing is sent twice");
            assert_eq!(scene.spent(), (scene.billed(), 0), "{name}");
        }
    }
}

#[tokio::test]
async fn a_process_that_is_killed_as_it_removes_a_batch_has_its_results() {
    for api in APIS {
        for fault in [Fault::Hang, Fault::HangAfter] {
            let scene = Queued::new(api).await;
            scene.queue().await;
            scene.finish();
            scene.fake.fails(Step::Remove, fault.clone());
            let looks = scene.command(&["jobs"]).spawn().unwrap();
            scene.fake.reached(Step::Remove, 1).await;
            kill(looks).await;
            scene.an_hour_passes();
            assert_eq!(scene.state().await, "done", "{api:?} {fault:?}");
            assert_eq!((scene.spent(), scene.fake.bill().batches), ((scene.billed(), 0), 1), "{api:?} {fault:?}");
        }
    }
}

/// Whether an API has a step of its own.
fn has(api: Api, step: Step) -> bool {
    match api {
        Api::Openai | Api::Together => true,
        Api::Anthropic => !matches!(step, Step::Upload | Step::Files),
        // Their results come with the batch.
        Api::Gemini | Api::Mistral | Api::Openrouter => !matches!(step, Step::Upload | Step::Files | Step::Results),
    }
}

/// Whether a step looks for what an earlier one began.
fn has_begun(step: Step) -> bool {
    matches!(step, Step::List | Step::Files)
}

#[tokio::test]
async fn a_batch_that_is_not_to_be_found_is_sent_again_only_once_it_was_certainly_not_sent() {
    for api in APIS {
        let scene = Queued::new(api).await;
        // Somebody else's, of the same size.
        scene.fake.takes_others(1, 1);
        scene.fake.fails(Step::Submit, Fault::Refuse(502, json!({})));
        scene.queue().await;
        assert_eq!((scene.state().await.as_str(), scene.count(Step::Submit)), ("submitting", 1), "{api:?}");
        scene.finish();
        assert_eq!((scene.state().await.as_str(), scene.count(Step::Submit)), ("submitting", 1), "{api:?}");
        scene.an_hour_passes();
        assert_eq!((scene.state().await.as_str(), scene.count(Step::Submit)), ("submitted", 2), "{api:?}");
    }
}

#[tokio::test]
async fn only_what_was_billed_is_paid() {
    for api in APIS {
        let scene = Queued::new(api).await;
        scene.write("project/src/b.rs", SOURCE);
        let mut ids = Vec::new();
        for fate in [Fate::Answer, Fate::Error(400), Fate::Error(500), Fate::Expired, Fate::Cancelled] {
            ids.push((format!("pw-{}", scene.queue().await), fate));
        }
        let fates = ids.iter().cloned().collect();
        let text = Some(EDITED.into());
        scene.fake.course(Course { text, fates, repeats: true, is_messy: true, is_apart: true, ..Course::default() });
        scene.finish();
        let states = scene.jobs().await;
        let expired = if api == Api::Gemini { "failed" } else { "expired" };
        for ((id, fate), state) in ids.iter().zip(["done", "failed", "failed", expired, "cancelled"]) {
            assert_eq!(states[id.trim_start_matches("pw-")], state, "{api:?} {fate:?}");
        }
        assert_eq!((scene.spent(), scene.fake.bill().answers), ((scene.billed(), 0), 1), "{api:?}");
        assert_eq!(scene.kept().len(), 2, "{api:?}: only the answer that may be applied is kept");
    }
}

#[tokio::test]
async fn results_that_cannot_be_read_once_are_asked_for_again() {
    const PAGE: &str = "<html><body>Sign in to the network</body></html>";
    for api in APIS {
        // Gemini's stand in the batch itself.
        let step = if api == Api::Gemini { Step::Poll } else { Step::Results };
        let says = [
            ("text/html", PAGE),
            ("application/octet-stream", PAGE),
            ("application/jsonl", "{\"custom_id\": \"pw-"),
            ("application/jsonl", ""),
        ];
        for (kind, text) in says {
            let scene = Queued::new(api).await;
            scene.queue().await;
            scene.fake.course(Course { text: Some(EDITED.into()), is_apart: true, ..Course::default() });
            scene.finish();
            scene.fake.fails(step, Fault::Says(kind, text));
            assert_eq!(scene.state().await, "submitted", "{api:?} {kind} {text}");
            assert!(scene.spent().1 == 1, "{api:?} {kind} {text}: it may be billed");
            assert_eq!((scene.state().await.as_str(), scene.spent()), ("done", (scene.billed(), 0)), "{api:?} {kind}");
            assert_eq!(scene.fake.holds(), Vec::<String>::new(), "{api:?} {kind}");
        }
    }
}

#[tokio::test]
async fn a_result_that_is_cut_off_at_the_end_of_a_line_is_asked_for_again() {
    for api in APIS {
        let scene = Queued::with(api, "tasks.review.input = 100").await;
        for name in ["a", "b"] {
            scene.write(&format!("project/{name}.txt"), "");
        }
        scene.commit("two").await;
        for name in ["a", "b"] {
            scene.write(&format!("project/{name}.txt"), &format!("The line of {name} takes some tokens.\n").repeat(6));
        }
        let (code, _, notes) = scene.run(&["review", "--batch", "--yes"]).await;
        assert_eq!(code, Some(0), "{api:?} {notes}");
        let text = Some("{\"findings\": []}".to_owned());
        scene.fake.course(Course { text, is_apart: true, loses_the_last: true, ..Course::default() });
        scene.finish();
        let states: Vec<String> = scene.jobs().await.into_values().collect();
        assert!(states.len() > 1 && states.contains(&"submitted".to_owned()), "{api:?} {states:?}");
        let text = Some("{\"findings\": []}".to_owned());
        scene.fake.course(Course { text, is_apart: true, ..Course::default() });
        let states: Vec<String> = scene.jobs().await.into_values().collect();
        assert!(states.iter().all(|state| state == "done"), "{api:?} {states:?}");
        assert_eq!((scene.spent(), scene.fake.holds()), ((scene.billed(), 0), Vec::new()), "{api:?}");
    }
}

#[tokio::test]
async fn nothing_of_a_job_stays_at_the_provider() {
    let held = |scene: &Queued| scene.fake.holds();
    for api in APIS {
        // With an error, so that there are two files; removing it once is refused.
        let scene = Queued::new(api).await;
        let id = scene.queue().await;
        scene.fake.course(Course { fates: [(format!("pw-{id}"), Fate::Error(400))].into(), ..Course::default() });
        scene.finish();
        assert_eq!((scene.state().await.as_str(), held(&scene)), ("failed", Vec::new()), "{api:?}");
        let id = scene.queue().await;
        scene.fake.course(Course { text: Some(EDITED.into()), ..Course::default() });
        scene.finish();
        scene.fake.fails(Step::Remove, Fault::Refuse(500, json!({})));
        let (_, _, notes) = scene.run(&["jobs"]).await;
        assert!(notes.contains("files of a batch may still lie at the provider"), "{api:?} {notes}");
        assert_eq!(scene.jobs().await[&id], "done", "{api:?}");
    }
    for api in [Api::Openai, Api::Together] {
        // A batch that is refused, one that is not wanted any more, and one that may not be sent any more.
        let scene = Queued::new(api).await;
        scene.fake.fails(Step::Submit, Fault::Refuse(400, json!({"error": {"message": "no"}})));
        scene.queue().await;
        assert_eq!((scene.state().await.as_str(), held(&scene)), ("failed", Vec::new()), "{api:?}");
        scene.fake.fails(Step::Submit, Fault::Refuse(429, json!({})));
        let id = scene.queue().await;
        assert_eq!(held(&scene).len(), 1, "{api:?}");
        scene.run(&["jobs", "cancel", &id]).await;
        assert_eq!((scene.jobs().await[&id].as_str(), held(&scene)), ("cancelled", Vec::new()), "{api:?}");
        scene.fake.fails(Step::Submit, Fault::Refuse(429, json!({})));
        let id = scene.queue().await;
        scene.configure(api, "local_only = true");
        assert_eq!((scene.jobs().await[&id].as_str(), held(&scene)), ("cancelled", Vec::new()), "{api:?}");
    }
}

#[tokio::test]
async fn a_batch_that_ends_as_a_whole_costs_nothing() {
    for (end, state) in [(End::Failed, "failed"), (End::Expired, "expired"), (End::Cancelled, "cancelled")] {
        let scene = Queued::new(Api::Openai).await;
        let id = scene.queue().await;
        let fate = match end {
            End::Expired => Fate::Expired,
            _ => Fate::Cancelled,
        };
        scene.fake.course(Course { end, fates: [(format!("pw-{id}"), fate)].into(), ..Course::default() });
        scene.finish();
        assert_eq!((scene.state().await.as_str(), scene.spent()), (state, (Money::ZERO, 0)));
        let (code, out, _) = scene.run(&["jobs", "show", &id]).await;
        assert!(code == Some(2) && out.contains(state), "{out}");
    }
}

#[tokio::test]
async fn a_job_that_is_taken_back_is_not_sent_and_one_that_was_sent_is_cancelled() {
    let scene = Queued::new(Api::Openai).await;
    // Before it is sent.
    scene.fake.fails(Step::Upload, Fault::Refuse(429, json!({})));
    let id = scene.queue().await;
    let (code, out, _) = scene.run(&["jobs", "cancel", &id]).await;
    assert!(code == Some(0) && out.contains("cancelled"), "{out}");
    assert_eq!((scene.fake.bill().batches, scene.spent()), (0, (Money::ZERO, 0)));
    // Behind it.
    let id = scene.queue().await;
    let (_, out, _) = scene.run(&["jobs", "cancel", &id]).await;
    assert!(out.contains("cancelling") && scene.count(Step::Cancel) == 1, "{out}");
    scene.fake.course(Course { fates: [(format!("pw-{id}"), Fate::Cancelled)].into(), ..Course::default() });
    scene.fake.finish();
    assert_eq!(scene.jobs().await[&id], "cancelled");
    assert_eq!((scene.kept(), scene.spent(), scene.billed()), (Vec::new(), (Money::ZERO, 0), Money::ZERO));
    // What comes all the same is paid, and thrown away.
    let id = scene.queue().await;
    scene.run(&["jobs", "cancel", &id]).await;
    scene.fake.course(Course { text: Some(EDITED.into()), ..Course::default() });
    scene.fake.finish();
    assert_eq!(scene.jobs().await[&id], "cancelled");
    assert!(scene.billed() > Money::ZERO);
    assert_eq!((scene.kept(), scene.spent()), (Vec::new(), (scene.billed(), 0)));
    // A result that nobody wants any more.
    let id = scene.queue().await;
    scene.finish();
    assert_eq!(scene.jobs().await[&id], "done");
    scene.run(&["jobs", "cancel", &id]).await;
    assert_eq!((scene.jobs().await[&id].as_str(), scene.kept()), ("discarded", Vec::new()));
}

#[tokio::test]
async fn an_edit_follows_its_lines_or_is_outdated_and_is_never_applied_blindly() {
    let scene = Queued::new(Api::Anthropic).await;
    let (moved, gone) = (scene.queue().await, scene.queue().await);
    scene.finish();
    let above = format!("use c;\n\n{SOURCE}");
    scene.write("project/src/a.rs", &above);
    let (code, _, notes) = scene.run(&["jobs", "apply", &moved]).await;
    assert_eq!((code, scene.read("project/src/a.rs")), (Some(0), above.replace("a + b", "b + a")), "{notes}");
    let (code, _, notes) = scene.run(&["jobs", "apply", &gone]).await;
    assert!(code == Some(2) && notes.contains("the lines that it edits have changed"), "{notes}");
    assert_eq!(scene.read("project/src/a.rs"), above.replace("a + b", "b + a"));
    let (code, out, notes) = scene.run(&["jobs", "show", &gone]).await;
    assert!(code == Some(0) && out.contains("+    scaled(b + a)"), "it can still be read: {out}");
    assert!(notes.contains("a.rs: the lines that it edits have changed"), "{notes}");
    let (_, out, _) = scene.run(&["jobs", "show", &gone, "--json"]).await;
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["result"]["outdated"], "the lines that it edits have changed");
    scene.write("project/src/a.rs", &above);
    let (_, out, _) = scene.run(&["jobs", "show", &gone, "--json"]).await;
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert!(shown["result"]["diff"].as_str().unwrap().contains("@@ -3,7 +3,7 @@"), "at its lines of now: {shown}");
    assert_eq!(shown["result"]["outdated"], Value::Null);
}

#[tokio::test]
async fn findings_are_shown_at_their_lines_of_now_or_as_outdated() {
    let scene = Queued::new(Api::Openai).await;
    std::fs::remove_dir(scene.path("project/.git")).unwrap();
    scene.commit("one").await;
    let changed = SOURCE.replace("a + b", "a - b");
    scene.write("project/src/a.rs", &changed);
    let fix = r#"{"first": 4, "last": 4, "text": "    scaled(b - a)"}"#;
    let found = format!(
        r#"{{"file": "src/a.rs", "line": 4, "severity": "high", "title": "It may underflow", "why": "b.", "fix": {fix}}}"#
    );
    scene.fake.course(Course { text: Some(format!("[{found}]")), ..Course::default() });
    let (code, out, notes) = scene.run(&["review", "--batch", "--json"]).await;
    assert_eq!(code, Some(0), "{notes}");
    let told: Value = serde_json::from_str(&out).unwrap();
    let id = told["queued"][0]["id"].as_str().unwrap().to_owned();
    scene.finish();
    let (_, out, notes) = scene.run(&["jobs", "show", &id]).await;
    assert!(out.starts_with("src/a.rs:4: high: It may underflow"), "{out} {notes}");
    scene.write("project/src/a.rs", &format!("//! More.\n//! More.\n{changed}"));
    let (_, out, _) = scene.run(&["jobs", "show", &id]).await;
    assert!(out.starts_with("src/a.rs:6: high") && out.contains("line 6 would be"), "{out}");
    scene.write("project/src/a.rs", SOURCE);
    let (code, out, notes) = scene.run(&["jobs", "show", &id]).await;
    assert_eq!((code, out.as_str()), (Some(0), ""), "{notes}");
    assert!(
        notes.contains("src/a.rs:4: the line has changed since the review, which found: It may underflow"),
        "{notes}"
    );
    let (_, out, _) = scene.run(&["jobs", "show", &id, "--json"]).await;
    let shown: Value = serde_json::from_str(&out).unwrap();
    let result = &shown["result"];
    assert_eq!((&result["findings"], &result["outdated"][0]["line"]), (&json!([]), &json!(4)));
}

#[tokio::test]
async fn an_answer_that_is_not_valid_is_paid_and_never_applied() {
    let scene = Queued::new(Api::Mistral).await;
    let broken = EDITED.replace("scaled(b + a)", "(scaled(b + a)");
    scene.fake.course(Course { text: Some(broken), ..Course::default() });
    let id = scene.queue().await;
    scene.finish();
    let (code, out, _) = scene.run(&["jobs", "show", &id]).await;
    assert!(code == Some(2) && out.contains("failed: its answer is not valid: broken"), "{out}");
    assert_eq!((scene.spent(), scene.kept()), ((scene.billed(), 0), Vec::new()));
    let (_, out, _) = scene.run(&["stats", "--by", "task", "--json"]).await;
    let stats: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&stats["rows"][0]["shown"], &stats["rows"][0]["accepted"]), (&json!(1), &json!(0)), "{stats}");
}

#[tokio::test]
async fn the_rules_of_now_decide_what_is_sent() {
    for (head, file, why) in [
        ("local_only = true", "", "its code may not go to this model"),
        ("ignore = ['src/a.rs']", "", "it is ignored"),
        ("", "enabled = false", "`enabled` is false there"),
        ("tasks.edit.enabled = 'off'", "", "`tasks.edit.enabled` is off"),
    ] {
        for step in [Step::Upload, Step::Submit] {
            let scene = Queued::new(Api::Openai).await;
            scene.fake.fails(step, Fault::Refuse(429, json!({})));
            scene.queue().await;
            scene.configure(Api::Openai, head);
            if !file.is_empty() {
                scene.write("project/.pennyworth.toml", file);
            }
            let (_, out, notes) = scene.run(&["jobs"]).await;
            assert!(out.contains("cancelled") && out.contains(why), "{out} {notes}");
            assert_eq!((scene.count(step), scene.fake.bill().batches, scene.spent()), (1, 0, (Money::ZERO, 0)));
            assert_eq!(scene.kept(), Vec::<PathBuf>::new());
        }
    }
}

#[tokio::test]
async fn caps_hold_over_what_is_queued() {
    let scene = Queued::with(Api::Openai, "cap_usd_per_day = 0.002").await;
    // Each may cost a thousandth of a dollar.
    scene.queue().await;
    let (code, _, notes) = scene.run(&["edit", "src/a.rs:4", "Swap the operands.", "--batch"]).await;
    assert!(code == Some(2) && notes.contains("cap"), "{notes}");
    scene.finish();
    assert_eq!(scene.state().await, "done");
    scene.queue().await;
    let scene = Queued::with(Api::Openai, "").await;
    for spend in ["0.0000001", "0"] {
        let (code, out, notes) = scene.run(&["edit", "src/a.rs:4", "Swap.", "--batch", "--spend", spend]).await;
        assert!(code == Some(2) && notes.contains("1 of 1 jobs were not queued: `--spend` is reached"), "{notes}");
        assert!(out.is_empty() && !notes.contains("queued: 0 jobs"), "{out} {notes}");
    }
    assert_eq!(scene.spent(), (Money::ZERO, 0));
}

#[tokio::test]
async fn settings_queue_without_a_flag_and_what_has_no_batches_is_asked_now() {
    let scene = Queued::with(Api::Openai, "tasks.edit.queue = 'batch'").await;
    let (code, out, notes) = scene.run(&["edit", "src/a.rs:4", "Swap the operands."]).await;
    assert!(code == Some(0) && out.contains("edit src/a.rs:4, m"), "{out} {notes}");
    assert!(notes.contains("queued: 1 job, at most $0.0011"), "{notes}");
    let (_, _, notes) = scene.run(&["explain-code", "src/a.rs:4", "--plan"]).await;
    assert_eq!((notes.as_str(), scene.fake.bill().batches), ("", 1));
    // Nobody listens there.
    let row = scene.read("config.toml").replace(&scene.fake.base_url(), "http://127.0.0.1:1/v1");
    scene.write("config.toml", &row.replace("context = 64000", "context = 64000\nbatch = 'none'"));
    let (code, _, notes) = scene.run(&["edit", "src/a.rs:4", "Swap the operands.", "--yes"]).await;
    assert!(notes.contains("asked now: m has no batches"), "{code:?} {notes}");
    // Where the user cannot be asked, nothing is queued.
    scene.configure(Api::Openai, "tasks.edit.queue = 'ask'");
    let row = scene.read("config.toml").replace(&scene.fake.base_url(), "http://127.0.0.1:1/v1");
    scene.write("config.toml", &row);
    let (_, _, notes) = scene.run(&["edit", "src/a.rs:4", "Swap the operands."]).await;
    assert!(notes.contains("asked now: `tasks.edit.queue` is \"ask\", and there is no terminal"), "{notes}");
    let (code, _, notes) = scene.run(&["commit", "--batch"]).await;
    assert!(code == Some(2) && notes.contains("unexpected argument '--batch'"), "{notes}");
}

#[tokio::test]
async fn a_command_waits_until_no_job_is_open() {
    let scene = Queued::new(Api::Gemini).await;
    let id = scene.queue().await;
    scene.finish();
    let (code, out, notes) = scene.run(&["jobs", "--wait"]).await;
    assert!(code == Some(0) && out.contains("done"), "{out} {notes}");
    assert!(id.ends_with(out.split_whitespace().next().unwrap()), "{out}");
}

/// A command and a server look after one queue at the same time, and both are killed at each step of it.
#[tokio::test]
async fn two_hundred_jobs_survive_every_kill_with_a_command_and_a_server_at_one_queue() {
    survive(Api::Openai, 200).await;
}

#[tokio::test]
async fn jobs_of_every_api_survive_every_kill_with_a_command_and_a_server_at_one_queue() {
    futures_util::future::join_all(APIS.into_iter().filter(|api| *api != Api::Openai).map(|api| survive(api, 12)))
        .await;
}

/// Queues so many jobs, and kills who sends and fetches them at every step that the API has.
async fn survive(api: Api, jobs: i64) {
    use Step::{Files, List, Poll, Results, Submit, Upload};

    const PARTS: [&str; 4] = ["0", "1", "2", "3"];
    let scene = Queued::with(api, "cap_usd_per_day = 100\ncap_usd_per_month = 100\ntasks.review.input = 100").await;
    let text = Some("{\"findings\": []}".to_owned());
    scene.fake.course(Course { text, ..Course::default() });
    std::fs::remove_dir(scene.path("project/.git")).unwrap();
    let file = |number: i64| format!("project/{}/{number}.txt", PARTS[number as usize % PARTS.len()]);
    (0..jobs).for_each(|number| scene.write(&file(number), ""));
    scene.commit("empty").await;
    for number in 0..jobs {
        let line = format!("A line of {number} that takes a few tokens of its own in a prompt.\n");
        scene.write(&file(number), &line.repeat(2));
    }
    // Four commands at once queue a quarter of the jobs each, and are killed as the provider hangs.
    let first = if has(api, Upload) { Upload } else { Submit };
    PARTS.iter().for_each(|_| scene.fake.fails(first, Fault::HangAfter));
    let queue = |part: &&str| scene.command(&["review", part, "--batch", "--yes"]).spawn().unwrap();
    let queued: Vec<Child> = PARTS.iter().map(queue).collect();
    scene.fake.reached(first, 1).await;
    let count = |state: &str| {
        let query = format!("SELECT count(*) FROM jobs WHERE {state}");
        scene.ledger().query_row(&query, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    until(|| count("1") >= jobs).await;
    for child in queued {
        kill(child).await;
    }
    let steps = [Files, Upload, Submit, List, Poll, Results].into_iter().filter(|step| has(api, *step));
    let faults = steps.flat_map(|step| [Fault::Hang, Fault::HangAfter].map(|fault| (step, fault)));
    for (number, (step, fault)) in faults.enumerate() {
        scene.an_hour_passes();
        scene.fake.mends();
        scene.fake.fails(step, fault);
        // In turn, the one or the other comes first.
        let (command, server) = both(&scene, number % 2 == 0).await;
        let held = || scene.ledger().query_row("SELECT count(*) FROM lease", [], |row| row.get::<_, i64>(0)).unwrap();
        let over = async {
            command.wait_with_output().await.unwrap();
            // The server may hold the lease, and be on its way to the fault.
            until(|| held() == 0).await;
        };
        tokio::select! {
            // Whichever of the two is there is killed with the other one.
            () = scene.fake.failed() => {}
            () = over => {}
        }
        drop(server);
        if matches!(step, Poll) {
            scene.finish();
        }
    }
    scene.fake.mends();
    for round in 0.. {
        assert!(round < 9, "{api:?}: the queue never ends: {:?}", scene.jobs().await);
        scene.an_hour_passes();
        let (command, server) = both(&scene, round % 2 == 0).await;
        command.wait_with_output().await.unwrap();
        assert_eq!(server.shutdown().await, 0, "{api:?}");
        scene.finish();
        if count("state IN ('queued', 'sent')") == 0 {
            break;
        }
    }
    let (states, jobs) = (scene.jobs().await, jobs as usize);
    assert_eq!((states.len(), states.values().filter(|state| *state == "done").count()), (jobs, jobs), "{api:?}");
    assert_eq!(scene.fake.bill().answers, jobs as u64, "{api:?}: each is answered once");
    assert_eq!(scene.spent(), (scene.billed(), 0), "{api:?}: the ledger is the bill");
    let were_found = [List, Files].into_iter().filter(|step| has(api, *step)).all(|step| scene.count(step) > 0);
    assert!(were_found, "{api:?}: what was begun was looked for: {:?}", scene.fake.steps());
}

/// A command and a server, one of which comes first and has begun to look after the queue.
async fn both(scene: &Queued, is_command_first: bool) -> (Child, Editor) {
    let begun = scene.fake.steps().len();
    let mut command = is_command_first.then(|| scene.command(&["jobs"]).spawn().unwrap());
    let server = match &mut command {
        Some(command) => {
            tokio::select! {
                () = scene.fake.stepped(begun + 1) => {}
                // It has nothing to do, or the server before it holds the lease.
                _ = command.wait() => {}
            }
            scene.edits().await
        }
        None => {
            let server = scene.edits().await;
            scene.fake.stepped(begun + 1).await;
            server
        }
    };
    (command.unwrap_or_else(|| scene.command(&["jobs"]).spawn().unwrap()), server)
}

#[tokio::test]
async fn a_running_server_looks_after_the_queue() {
    let scene = Queued::new(Api::Mistral).await;
    let id = scene.queue().await;
    scene.finish();
    scene.an_hour_passes();
    let editor = scene.edits().await;
    let query = "SELECT state FROM jobs";
    until(|| scene.ledger().query_row(query, [], |row| row.get::<_, String>(0)).unwrap() == "done").await;
    assert_eq!(editor.shutdown().await, 0);
    assert_eq!(scene.jobs().await[&id], "done");
    assert_eq!((scene.spent(), scene.fake.bill().batches), ((scene.billed(), 0), 1));
}

#[tokio::test]
async fn no_code_of_a_job_reaches_the_ledger() {
    let scene = Queued::new(Api::Openai).await;
    let id = scene.queue().await;
    scene.finish();
    assert_eq!(scene.jobs().await[&id], "done");
    for ending in ["", "-wal"] {
        let mut path = paid::ledger(scene.home()).into_os_string();
        path.push(ending);
        let bytes = std::fs::read(path).unwrap_or_default();
        for code in ["scaled", "Swap the operands", "a.rs"] {
            assert!(!bytes.windows(code.len()).any(|part| part == code.as_bytes()), "{code} in the ledger{ending}");
        }
    }
    let kept: String = scene.kept().iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(kept.contains("scaled(a + b)") && kept.contains("scaled(b + a)"), "it is beside it");
}

#[tokio::test]
async fn nothing_of_a_job_is_kept_for_longer_than_two_weeks() {
    let scene = Queued::new(Api::Openai).await;
    let (done, open) = (scene.queue().await, scene.queue().await);
    let fates = [(format!("pw-{open}"), Fate::Lost)].into();
    scene.fake.course(Course { text: Some(EDITED.into()), fates, ..Course::default() });
    scene.finish();
    assert_eq!((scene.jobs().await[&done].as_str(), scene.kept().len()), ("done", 3), "what is missing may still come");
    scene.fake.fails(Step::Upload, Fault::Refuse(429, json!({})));
    let queued = scene.queue().await;
    let fortnight = 15 * 24 * 3_600_000_i64;
    scene
        .ledger()
        .execute_batch(&format!("UPDATE jobs SET at_ms = at_ms - {fortnight}; UPDATE lease SET until_ms = 0;"))
        .unwrap();
    scene.fake.fails(Step::Files, Fault::Refuse(429, json!({})));
    let states = scene.jobs().await;
    assert_eq!(
        (states[&done].as_str(), states[&open].as_str(), states[&queued].as_str()),
        ("forgotten", "lost", "expired")
    );
    assert_eq!((scene.kept(), scene.spent().1), (Vec::new(), 0));
}

#[tokio::test]
async fn the_documentation_of_a_folder_is_queued_and_applied_at_once() {
    let scene = Queued::new(Api::Openai).await;
    scene.fake.course(Course {
        text: Some("```rust\n/// Adds.\npub fn add(a: u8, b: u8) -> u8 {\n    scaled(a + b)\n}\n```\n".into()),
        ..Course::default()
    });
    let (code, out, notes) = scene.run(&["document", "src", "--batch"]).await;
    assert_eq!((code, out.lines().count()), (Some(0), 2), "{notes}");
    assert!(out.contains("document src/a.rs:3, m") && out.contains("document src/a.rs:7, m"), "{out}");
    let (code, _, notes) = scene.run(&["jobs", "apply", "--all"]).await;
    assert!(code == Some(2) && notes.contains("no job has an edit to apply"), "{notes}");
    scene.finish();
    scene.an_hour_passes();
    let (code, _, notes) = scene.run(&["jobs", "apply", "--all"]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert_eq!(scene.read("project/src/a.rs"), SOURCE.replace("pub fn", "/// Adds.\npub fn"));
    assert_eq!(scene.jobs().await.into_values().collect::<Vec<_>>(), ["applied", "failed"]);
}

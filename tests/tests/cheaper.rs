//! What nobody waits for goes to the next model if its answer is not valid, and waits for hours with a lower price where there are no batches; caps are
//! held at the price of then. It leaves the batch APIs to `batches`, and the states of the queue to `jobs`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::{SystemTime, UNIX_EPOCH};

use pennyworth_tests::fake_batches::{Api, Course};
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use pennyworth_tests::paid;
use pennyworth_tests::project::Project;
use pennyworth_tests::queued::{EDITED, Queued, SOURCE};
use pennyworth_tests::until::until;
use rusqlite::Connection;
use serde_json::Value;

/// Adds a second model to the configuration, at the same provider.
fn with_another(scene: &Queued, name: &str, tier: &str) {
    let row = format!(
        "[model.{name}]\nprovider = 'openai'\nbase_url = '{}'\nmodel = '{name}-1'\nformat = 'chat'\ntier = '{tier}'\ncontext = 64000\n\
         api_key_env = 'FAKE_KEY'\nprice = {{ input = 1, output = 2, batch = 0.5, as_of = '2026-11-30' }}\n",
        scene.fake.base_url()
    );
    scene.write("config.toml", &(scene.read("config.toml") + &row));
}

fn says(scene: &Queued, text: &str) {
    scene.fake.course(Course { text: Some(text.into()), ..Course::default() });
}

/// The models and states of all jobs, the oldest first.
async fn told(scene: &Project) -> Vec<(String, String, String)> {
    let (_, out, notes) = scene.run(&["jobs", "--json"]).await;
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out} {notes}"));
    let text = |job: &Value, key: &str| job[key].as_str().unwrap_or_default().to_owned();
    told["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| (text(job, "model"), text(job, "state"), text(job, "reason")))
        .collect()
}

#[tokio::test]
async fn after_an_answer_of_a_batch_that_is_not_valid_the_next_model_is_asked() {
    for (head, next) in [("", "n"), ("escalate = true", "p"), ("", "p")] {
        let scene = Queued::with(Api::Openai, head).await;
        with_another(&scene, next, if next == "p" { "premium" } else { "cheap" });
        says(&scene, "I cannot do that.");
        scene.queue().await;
        scene.finish();
        scene.an_hour_passes();
        let jobs = told(&scene).await;
        if head.is_empty() && next == "p" {
            assert_eq!(jobs, [("m".into(), "failed".into(), "its answer is not valid: refused".into())]);
            continue;
        }
        assert_eq!(jobs[0].2, format!("its answer is not valid: refused; {next} is asked next"));
        assert_eq!((jobs[1].0.as_str(), jobs[1].1.as_str(), jobs.len()), (next, "submitted", 2), "{jobs:?}");
        says(&scene, EDITED);
        scene.finish();
        scene.an_hour_passes();
        let (code, _, notes) = scene.run(&["jobs", "apply", "--all"]).await;
        assert_eq!(code, Some(0), "{notes}");
        assert_eq!(scene.read("project/src/a.rs"), SOURCE.replace("a + b", "b + a"));
        assert_eq!((scene.spent(), scene.kept().len()), ((scene.billed(), 0), 0));
    }
}

#[tokio::test]
async fn the_last_model_is_asked_once_and_a_cap_stops_the_next_one() {
    let scene = Queued::new(Api::Openai).await;
    with_another(&scene, "n", "cheap");
    says(&scene, "I cannot do that.");
    scene.queue().await;
    for _ in 0..3 {
        scene.finish();
        scene.an_hour_passes();
        told(&scene).await;
    }
    let jobs = told(&scene).await;
    let expected = ["its answer is not valid: refused; n is asked next", "its answer is not valid: refused"];
    assert_eq!(jobs.iter().map(|(_, _, why)| why.as_str()).collect::<Vec<_>>(), expected);
    assert_eq!((scene.spent(), scene.fake.bill().answers), ((scene.billed(), 0), 2));

    let scene = Queued::new(Api::Openai).await;
    with_another(&scene, "n", "cheap");
    says(&scene, "I cannot do that.");
    scene.queue().await;
    scene.finish();
    scene.an_hour_passes();
    scene.write("config.toml", &format!("cap_usd_per_day = 0.0001\n{}", scene.read("config.toml")));
    let jobs = told(&scene).await;
    assert!(jobs[0].2.starts_with("its answer is not valid: refused; n is not asked: "), "{jobs:?}");
    assert_eq!((jobs.len(), scene.spent(), scene.kept().len()), (1, (scene.billed(), 0), 0));
}

#[tokio::test]
async fn a_cap_holds_at_the_price_of_the_batch() {
    let scene = Queued::new(Api::Openai).await;
    let (_, out, _) = scene.run(&["edit", "src/a.rs:4", "Swap the operands.", "--plan", "--json"]).await;
    let plan: Value = serde_json::from_str(&out).unwrap();
    let (now, batch) = (plan["worst_usd"].as_f64().unwrap(), plan["worst_batch_usd"].as_f64().unwrap());
    assert!(batch < 0.6 * now, "{out}");
    let cap = f64::midpoint(now, batch);
    scene.write("config.toml", &format!("cap_usd_per_day = {cap}\n{}", scene.read("config.toml")));
    let (code, _, notes) = scene.run(&["edit", "src/a.rs:4", "Swap the operands."]).await;
    assert!(code != Some(0) && notes.contains("the rest of the day's or the month's cap does not cover it"), "{notes}");
    scene.queue().await;
    let (code, _, notes) = scene.run(&["edit", "src/a.rs:4", "Swap the operands.", "--batch"]).await;
    assert_ne!(code, Some(0), "the cap holds for the second one: {notes}");
}

/// A model whose price is lower at all hours but those close to now, or at all.
async fn waiting(fake: &FakeProvider) -> Project {
    let project = Project::new();
    project.write("project/src/a.rs", SOURCE);
    std::fs::create_dir_all(project.path("project/.git")).unwrap();
    price(&project, fake, false);
    project
}

fn price(project: &Project, fake: &FakeProvider, holds: bool) {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    // Two hours, so that none passes by during the test.
    let hour = (seconds / 3600) % 24;
    let is_near = |other: u64| other == hour || other == (hour + 1) % 24;
    let hours = (0..24).filter(|other| holds || !is_near(*other)).map(|hour| format!("'{hour}-{}'", hour + 1));
    let hours = hours.collect::<Vec<_>>().join(", ");
    let row = format!(
        "discover = false\n[embedded]\nenabled = false\n[model.m]\nprotocol = 'openai'\nbase_url = '{}'\nmodel = 'm'\nformat = 'chat'\n\
         tier = 'cheap'\ncontext = 32000\nprice = {{ input = 1, output = 2, as_of = '2026-11-30', \
         off_peak = {{ share = 0.25, weekdays = [{hours}], weekend = [{hours}] }} }}\n",
        fake.base_url()
    );
    project.write("config.toml", &row);
}

const EDIT: [&str; 4] = ["edit", "src/a.rs:4", "Swap the operands.", "--batch"];

#[tokio::test]
async fn where_there_are_no_batches_a_job_waits_for_the_lower_price() {
    let fake = FakeProvider::start().await.unwrap();
    fake.always(Answer::new(&[EDITED]));
    let project = waiting(&fake).await;
    let (code, out, notes) = project.run(&EDIT).await;
    assert_eq!((code, out.lines().count()), (Some(0), 1), "{notes}");
    let (_, out, _) = project.run(&["jobs", "list"]).await;
    assert!(out.contains("queued: it waits for the lower price of its model, from "), "{out}");
    assert_eq!(fake.bill().calls, 0);
    // Only what waits asks, because that takes as long as the answer.
    price(&project, &fake, true);
    assert_eq!(told(&project).await[0].1, "queued");
    let (code, _, notes) = project.run(&["jobs", "apply", "--all", "--wait"]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert_eq!(project.read("project/src/a.rs"), SOURCE.replace("a + b", "b + a"));
    let bill = fake.bill();
    assert_eq!(bill.calls, 1);
    let ledger = Connection::open(paid::ledger(project.home())).unwrap();
    let charged: i64 = ledger.query_row("SELECT sum(charge) FROM calls", [], |row| row.get(0)).unwrap();
    let billed = 250_000 * bill.input + 500_000 * bill.output;
    assert_eq!(u64::try_from(charged).unwrap(), billed, "a quarter of a dollar and half a one for a million tokens");
}

#[tokio::test]
async fn what_was_not_answered_waits_on_and_what_may_have_been_is_not_asked_again() {
    let fake = FakeProvider::start().await.unwrap();
    let project = waiting(&fake).await;
    project.run(&EDIT).await;
    price(&project, &fake, true);
    fake.answer(Answer::new(&[]).with(Fault::Status(429, Vec::new(), Value::Null)));
    fake.answer(Answer::new(&[]).with(Fault::HangBeforeFirstByte));
    let calls = || fake.seen().iter().filter(|seen| seen.line.ends_with("/chat/completions")).count();
    let mut asking = project.command(&["jobs", "--wait"]).spawn().unwrap();
    until(|| calls() >= 2).await;
    asking.kill().await.unwrap();
    let ledger = Connection::open(paid::ledger(project.home())).unwrap();
    ledger.execute("UPDATE lease SET until_ms = 0", []).unwrap();
    let expected =
        ("m".to_owned(), "lost".to_owned(), "the process that asked ended before the answer came".to_owned());
    assert_eq!(told(&project).await, [expected]);
    let (code, _, notes) = project.run(&["jobs", "--wait"]).await;
    assert_eq!((code, calls()), (Some(0), 2), "{notes}");
    let query = "SELECT charge > 0, status FROM calls";
    let row: (bool, String) = ledger.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(row, (true, "aborted".into()), "it may be billed");
}

#[tokio::test]
async fn what_is_being_asked_is_settled_at_once_when_the_user_ends_the_command() {
    let fake = FakeProvider::start().await.unwrap();
    let project = waiting(&fake).await;
    project.run(&EDIT).await;
    project.run(&EDIT).await;
    price(&project, &fake, true);
    fake.answer(Answer::new(&[EDITED]).with(Fault::HangAfterHead));
    let waits = project.command(&["jobs", "--wait"]).spawn().unwrap();
    until(|| fake.bill().calls >= 1).await;
    let id = waits.id().unwrap().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = waits.wait_with_output().await.unwrap();
    let (out, notes) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.code() == Some(130) && notes.contains("you ended it early; 1 job stays queued"), "{notes}");
    assert!(out.contains("lost: the process that asked ended before the answer came"), "{out}");
    let ledger = Connection::open(paid::ledger(project.home())).unwrap();
    let query = "SELECT status, count(*) FROM calls GROUP BY status ORDER BY status";
    let mut read = ledger.prepare(query).unwrap();
    let rows: Vec<(String, i64)> =
        read.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, [("aborted".into(), 1), ("open".into(), 1)], "what is queued stays reserved");
}

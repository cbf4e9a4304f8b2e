//! `pennyworth trial --batch`: holes that are asked in batches, through the real binary and a fake of a batch API that keeps a bill of its own. Their
//! answers are those of a live trial, for half the price, whatever is killed in between. It leaves live trials to `trial`, and the queue to `jobs`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use pennyworth_core::money::Money;
use pennyworth_tests::editor::{Editor, uri};
use pennyworth_tests::fake_batches::{self, Api, Course, FakeBatches, Fate, Fault, KEY, Step};
use pennyworth_tests::fake_provider::{self, FakeProvider};
use pennyworth_tests::paid;
use pennyworth_tests::project::{BINARY, Project};
use pennyworth_tests::scales::{self, figure, said, source};
use pennyworth_tests::until::until;
use rusqlite::Connection;
use serde_json::{Value, json};

/// Four of five answers are right.
fn sharp(body: &Value) -> String {
    said(body, 0.8)
}

/// A repository, a model that is asked in batches, and one that is asked now.
struct Scene {
    live: FakeProvider,
    fake: FakeBatches,
    project: Project,
}

impl Scene {
    async fn new(head: &str) -> Scene {
        let mut project = Project::new();
        project.variables.push(("FAKE_KEY", KEY));
        let fake = FakeBatches::start(Api::Openai).await.unwrap();
        let scene = Scene { live: FakeProvider::start().await.unwrap(), fake, project };
        scene.configure(head, true);
        scales::commit(&scene.project).await;
        scene.live.answers_by(|body| fake_provider::Answer::new(&[&sharp(body)]));
        scene.fake.course(Course { by: Some(sharp), ..Course::default() });
        scene
    }

    /// Writes the configuration, with these lines at its head. The model `sharp` has batches or not.
    fn configure(&self, head: &str, has_batches: bool) {
        let row = |name: &str, base_url: &str| {
            let row = paid::row(name, base_url).replace("qwen2.5-coder", name);
            row.replace("stop_limit", "format = \"suffix\"\nstop_limit")
        };
        let sharp = match has_batches {
            false => row("sharp", &self.live.base_url()),
            true => row("sharp", &self.fake.base_url())
                .replace("as_of", "batch = 0.5, as_of")
                .replace("stop_limit", "batch = \"openai\"\napi_key_env = \"FAKE_KEY\"\nstop_limit"),
        };
        let dull = row("dull", &self.live.base_url());
        let caps = "cap_usd_per_day = 100\ncap_usd_per_month = 100";
        self.project.write("config.toml", &format!("discover = false\n{caps}\n{head}\n{sharp}{dull}"));
    }

    async fn json(&self, arguments: &[&str]) -> (Value, String) {
        let (code, out, notes) = self.project.run(arguments).await;
        assert_eq!(code, Some(0), "{arguments:?} {notes}");
        (serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out} {notes}")), notes)
    }

    /// Queues a trial of `sharp`.
    async fn queue(&self, count: &str) -> (Value, String) {
        self.json(&["trial", "sharp", "--count", count, "--batch", "--json", "--yes"]).await
    }

    /// The last trial.
    async fn shown(&self) -> Value {
        self.json(&["trial", "--show", "LAST", "--json"]).await.0
    }

    /// The lines of the queue, after a look at the provider.
    async fn jobs(&self) -> Vec<Value> {
        self.json(&["jobs", "--json"]).await.0["jobs"].as_array().unwrap().clone()
    }

    fn ledger(&self) -> Connection {
        let ledger = Connection::open(paid::ledger(self.project.home())).unwrap();
        ledger.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        ledger
    }

    /// Ids of all jobs, as their batch has them.
    fn ids(&self) -> Vec<String> {
        let ledger = self.ledger();
        let mut query = ledger.prepare("SELECT id FROM jobs ORDER BY id").unwrap();
        let rows = query.query_map([], |row| row.get::<_, i64>(0)).unwrap();
        rows.map(|id| format!("pw-{:x}", id.unwrap())).collect()
    }

    fn an_hour_passes(&self) {
        let earlier = "UPDATE lease SET until_ms = 0;
            UPDATE batches SET at_ms = at_ms - 3600000, sent_ms = sent_ms - 3600000, due_ms = due_ms - 3600000;";
        self.ledger().execute_batch(earlier).unwrap();
    }

    /// What the ledger counted of trials, and how many of their calls are open.
    fn spent(&self) -> (Money, i64) {
        let query =
            "SELECT coalesce(sum(charge), 0), count(*) FILTER (WHERE status = 'open') FROM calls WHERE is_trial";
        let read = |row: &rusqlite::Row<'_>| Ok((Money::from_pico(row.get(0)?), row.get(1)?));
        self.ledger().query_row(query, [], read).unwrap()
    }

    /// The bill of the provider of batches, which takes half.
    fn billed(&self) -> Money {
        let fake_batches::Bill { input, output, .. } = self.fake.bill();
        Money::from_pico(paid::INPUT as i64 / 2).times(input) + Money::from_pico(paid::OUTPUT as i64 / 2).times(output)
    }

    fn kept(&self) -> usize {
        std::fs::read_dir(self.project.path(".local/state/pennyworth/jobs")).map_or(0, Iterator::count)
    }

    /// Counts what of the ledger meets a condition.
    fn count(&self, of: &str) -> i64 {
        self.ledger().query_row(&format!("SELECT count(*) FROM {of}"), [], |row| row.get(0)).unwrap()
    }
}

#[tokio::test]
async fn answers_of_a_batch_are_those_of_a_live_trial_at_half_the_price() {
    let live = Scene::new("").await;
    live.configure("", false);
    live.json(&["trial", "sharp", "--count", "30", "--yes", "--json"]).await;
    let live = live.shown().await;

    let scene = Scene::new("").await;
    let (plan, _) = scene.json(&["trial", "sharp", "--count", "30", "--plan", "--json"]).await;
    let (half, notes) = scene.json(&["trial", "sharp", "--count", "30", "--batch", "--plan", "--json"]).await;
    let usd = |plan: &Value| plan["expected_usd"].as_f64().unwrap();
    assert!((usd(&half) - usd(&plan) / 2.0).abs() < 1e-9 && half["later"] == 30, "{half} {plan}");
    assert!(notes.contains("by tomorrow: sharp"), "{notes}");
    let (queued, notes) = scene.json(&["trial", "sharp", "dull", "--count", "30", "--batch", "--yes", "--json"]).await;
    for told in ["by tomorrow: sharp\n", "asked now: dull has no batches\n", "queued: 30 requests, at most $"] {
        assert!(notes.contains(told), "{told}: {notes}");
    }
    assert_eq!((figure(&queued, "sharp", "/waiting"), figure(&queued, "sharp", "/all/holes")), (30.0, 0.0));
    assert_eq!((figure(&queued, "dull", "/waiting"), figure(&queued, "dull", "/all/holes")), (0.0, 30.0));
    let worst = scene.spent();
    assert!(worst.1 == 30 && worst.0 > Money::ZERO, "their worst cost is reserved");
    let (_, out, _) = scene.project.run(&["trial", "--show", "LAST"]).await;
    assert!(out.contains("sharp: 30 answers may still come"), "{out}");

    // The prompts and what is missing are kept: the files go their own way.
    scene.project.write("project/src/scales.rs", "//! Gone.\n");
    scene.fake.finish();
    let jobs = scene.jobs().await;
    assert_eq!((jobs.len(), &jobs[0]["state"], &jobs[0]["holes"]), (1, &json!("marked"), &json!(30)), "{jobs:?}");
    let shown = scene.shown().await;
    assert_eq!(shown["trial"], queued["trial"]);
    for path in [
        "holes",
        "shown",
        "right/value",
        "right/low",
        "first_line/value",
        "saved/value",
        "saved/high",
        "similarity/value",
    ] {
        let path = format!("/all/{path}");
        assert_eq!(figure(&shown, "sharp", &path), figure(&live, "sharp", &path), "{path}");
    }
    assert!(figure(&shown, "sharp", "/all/right/value") > 0.5, "{shown:#}");
    let waits = |name: &str| {
        let all = shown["candidates"].as_array().unwrap().iter().find(|one| one["name"] == name).unwrap();
        all["all"]["wait_p50_ms"].clone()
    };
    assert!(waits("sharp").is_null() && waits("dull").is_u64(), "{shown:#}");
    // The ledger is the bill, also that of each answer, and the router has learned.
    let of_batch = "SELECT sum(charge) FROM calls WHERE model = 'sharp'";
    let charged = scene.ledger().query_row(of_batch, [], |row| row.get(0)).map(Money::from_pico).unwrap();
    assert_eq!((charged, scene.spent().1, scene.kept()), (scene.billed(), 0, 0));
    assert!((figure(&shown, "sharp", "/all/cost_usd") - scene.billed().usd()).abs() < 1e-9);
    assert_eq!(scene.count("trials WHERE is_evidence"), 60);
    let (_, out, _) = scene.project.run(&["trial", "--show", "LAST"]).await;
    assert!(out.contains("their waits are not known, and not counted") && !out.contains("may still come"), "{out}");
    // It is compared like any other.
    scene.project.write("project/src/scales.rs", &source());
    let (again, _) = scene.json(&["trial", "dull", "--count", "30", "--against", "LAST", "--json", "--yes"]).await;
    let earlier = format!("sharp (trial {})", shown["trial"]);
    let is_it = |pair: &&Value| pair["one"] == json!(earlier) || pair["other"] == json!(earlier);
    let pair = again["differences"].as_array().unwrap().iter().find(is_it).unwrap();
    assert_eq!(pair["holes"], 30, "{again:#}");
    let (_, out, _) = scene.project.run(&["stats", "--json", "--by", "task"]).await;
    let stats: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (stats["rows"].as_array().unwrap().len(), &stats["rows"][0]["task"], &stats["total"]["shown"]),
        (1, &json!("trial"), &json!(0))
    );
}

#[tokio::test]
async fn a_trial_that_is_killed_at_any_step_loses_nothing_and_asks_nothing_twice() {
    use Step::{Files, List, Poll, Results, Submit, Upload};

    for (step, fault) in [
        (Upload, Fault::Hang),
        (Upload, Fault::HangAfter),
        (Submit, Fault::Hang),
        (Submit, Fault::HangAfter),
        (Files, Fault::Hang),
        (List, Fault::Hang),
        (Poll, Fault::Hang),
        (Results, Fault::HangAfter),
    ] {
        let name = format!("{step:?} {fault:?}");
        let scene = Scene::new("[embedded]\nenabled = false").await;
        let begins = matches!(step, Upload | Submit);
        if begins {
            scene.fake.fails(step, fault.clone());
            let command = ["trial", "sharp", "--count", "8", "--batch", "--yes"];
            let mut sends = scene.project.command(&command).spawn().unwrap();
            scene.fake.reached(step, 1).await;
            sends.kill().await.unwrap();
        } else {
            // What is looked for was begun and not heard of.
            let begun = match step {
                Files => Some(Upload),
                List => Some(Submit),
                _ => None,
            };
            begun.into_iter().for_each(|begun| scene.fake.fails(begun, Fault::CutAfter));
            scene.queue("8").await;
            scene.fake.finish();
            scene.fake.fails(step, fault.clone());
            scene.an_hour_passes();
            let mut looks = scene.project.command(&["jobs"]).spawn().unwrap();
            scene.fake.reached(step, 1).await;
            looks.kill().await.unwrap();
        }
        assert_eq!((scene.count("jobs WHERE trial IS NOT NULL"), scene.spent().1), (8, 8), "{name}");
        // A batch that is found in doubt takes another look.
        for round in 0.. {
            scene.an_hour_passes();
            scene.jobs().await;
            scene.fake.finish();
            if scene.count("jobs WHERE state IN ('queued', 'sent')") == 0 {
                break;
            }
            assert!(round < 6, "{name}: {:?}", scene.jobs().await);
        }
        let shown = scene.shown().await;
        assert_eq!(figure(&shown, "sharp", "/all/holes"), 8.0, "{name} {shown:#}");
        assert_eq!((scene.fake.bill().batches, scene.fake.bill().answers), (1, 8), "{name}: nothing is sent twice");
        assert_eq!((scene.spent(), scene.kept()), ((scene.billed(), 0), 0), "{name}");
    }
}

#[tokio::test]
async fn holes_without_an_answer_are_counted_by_reason_and_cost_what_was_billed() {
    let scene = Scene::new("[embedded]\nenabled = false").await;
    scene.queue("8").await;
    let fates = [Fate::Error(400), Fate::Expired, Fate::Cancelled, Fate::Expired];
    let fates = scene.ids().into_iter().zip(fates).collect();
    scene.fake.course(Course { by: Some(sharp), fates, ..Course::default() });
    scene.fake.finish();
    let jobs = scene.jobs().await;
    assert_eq!(jobs[0]["state"], "1 cancelled, 2 expired, 1 failed, 4 marked", "{jobs:?}");
    let shown = scene.shown().await;
    assert_eq!((&shown["holes"], figure(&shown, "sharp", "/all/holes")), (&json!("8 holes"), 4.0), "{shown:#}");
    assert_eq!(figure(&shown, "sharp", "/unjudged/its batch was over before it"), 2.0, "{shown:#}");
    assert_eq!(figure(&shown, "sharp", "/unjudged/its batch was cancelled"), 1.0, "{shown:#}");
    assert_eq!((scene.spent(), scene.fake.bill().answers, scene.kept()), ((scene.billed(), 0), 4, 0));
    // The page has it, too.
    let page = scene.project.path("page.html").display().to_string();
    let (code, _, notes) = scene.project.run(&["stats", "--html", &page]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert!(scene.project.read("page.html").contains("its batch was over before it"));
}

#[tokio::test]
async fn a_trial_is_one_line_of_the_queue_which_can_be_cancelled_and_not_applied() {
    let scene = Scene::new("[embedded]\nenabled = false").await;
    // Before it is sent.
    scene.fake.fails(Step::Upload, Fault::Refuse(429, json!({})));
    let (queued, _) = scene.queue("6").await;
    scene.fake.fails(Step::Files, Fault::Refuse(429, json!({})));
    let (_, out, _) = scene.project.run(&["jobs"]).await;
    let title = format!("trial {} of sharp, 6 holes", queued["trial"]);
    assert!(out.lines().count() == 1 && out.contains(&title) && out.contains("at most $"), "{out}");
    let id = out.split_whitespace().next().unwrap().to_owned();
    // Each command looks after the queue.
    (0..2).for_each(|_| scene.fake.fails(Step::Files, Fault::Refuse(429, json!({}))));
    let (code, _, notes) = scene.project.run(&["jobs", "apply", &id]).await;
    assert!(
        code == Some(2) && notes.contains("is a trial's, which edits nothing; `pennyworth trial --show"),
        "{notes}"
    );
    let (code, _, notes) = scene.project.run(&["jobs", "show", &id]).await;
    assert!(code == Some(2) && notes.contains("prints what came"), "{notes}");
    let (code, out, notes) = scene.project.run(&["jobs", "cancel", &id]).await;
    assert!(code == Some(0), "{out} {notes}");
    scene.an_hour_passes();
    scene.jobs().await;
    scene.an_hour_passes();
    let jobs = scene.jobs().await;
    assert_eq!((&jobs[0]["state"], scene.fake.bill().batches), (&json!("cancelled"), 0), "{jobs:?}");
    assert_eq!((scene.spent(), scene.kept()), ((Money::ZERO, 0), 0));
    // Behind it: what comes all the same is paid, and not marked.
    scene.queue("6").await;
    let jobs = scene.jobs().await;
    assert_eq!((jobs.len(), &jobs[1]["state"]), (2, &json!("submitted")), "{jobs:?}");
    scene.project.run(&["jobs", "cancel", jobs[1]["id"].as_str().unwrap()]).await;
    scene.fake.course(Course { by: Some(sharp), ..Course::default() });
    scene.fake.finish();
    let jobs = scene.jobs().await;
    assert_eq!((&jobs[1]["state"], scene.count("trials")), (&json!("cancelled"), 0), "{jobs:?}");
    assert_eq!((scene.spent(), scene.kept()), ((scene.billed(), 0), 0));
}

#[tokio::test]
async fn no_more_is_queued_than_may_be_spent_and_the_rules_of_now_decide_what_is_sent() {
    let scene = Scene::new("confirm_usd = 0.001\n[embedded]\nenabled = false").await;
    let (code, _, notes) = scene.project.run(&["trial", "sharp", "--count", "10", "--batch"]).await;
    assert!(code == Some(2) && notes.contains("`--yes` or `--spend`"), "{notes}");
    assert_eq!(scene.fake.steps(), [], "nothing is sent before the user has said so");
    scene.fake.fails(Step::Upload, Fault::Refuse(429, json!({})));
    let (queued, _) = scene.json(&["trial", "sharp", "--count", "10", "--batch", "--spend", "0.2", "--json"]).await;
    let left = figure(&queued, "sharp", "/unjudged/`--spend` is reached");
    assert!(left > 0.0 && left + figure(&queued, "sharp", "/waiting") == 10.0, "{queued:#}");
    assert!(scene.spent().0 <= Money::from_usd(0.2) && scene.spent().1 > 0);
    scene.configure("local_only = true\n[embedded]\nenabled = false", true);
    scene.an_hour_passes();
    scene.jobs().await;
    let shown = scene.shown().await;
    let why = "/unjudged/the rules of its files changed: its code may not go to this model";
    assert_eq!(figure(&shown, "sharp", why) + left, 10.0, "{shown:#}");
    assert_eq!((scene.fake.bill().batches, scene.spent(), scene.kept()), (0, (Money::ZERO, 0), 0));
    // A model is tried whatever is pinned, and whatever its tier serves.
    scene.configure("pin = \"dull\"\n[embedded]\nenabled = false", true);
    let premium = scene.project.read("config.toml").replace("tier = \"cheap\"", "tier = \"premium\"");
    scene.project.write("config.toml", &premium);
    let (_, notes) = scene.queue("10").await;
    assert_eq!(scene.fake.bill().batches, 1, "{notes}");
}

#[tokio::test]
async fn other_settings_are_queued_where_the_queue_asks_as_they_say() {
    let scene = Scene::new("[embedded]\nenabled = false").await;
    let own = scene.project.read("config.toml");
    let words = own.replacen("format = \"suffix\"", "format = \"chat\"", 2);
    scene.project.write("words.toml", &words);
    // The same model at another provider.
    scene.project.write("other.toml", &own.replace(&scene.fake.base_url(), &scene.live.base_url()));
    let path = |name: &str| scene.project.path(name).display().to_string();
    scene.live.answers_by(|_| fake_provider::Answer::new(&["n"]));
    let (words, other) = (path("words.toml"), path("other.toml"));
    let arguments = ["trial", "sharp", "--count", "10", "--batch", "--json", "--yes"];
    let (queued, notes) =
        scene.json(&[&arguments[..], &["--prompt-set", &words, "--prompt-set", &other]].concat()).await;
    let why = "asked now: its row is not that of config.toml, by which the queue asks sharp";
    assert!(notes.contains("by tomorrow: sharp (words)") && notes.contains(why), "{notes}");
    assert_eq!(figure(&queued, "sharp (words)", "/waiting"), 10.0);
    assert_eq!(figure(&queued, "sharp (other)", "/waiting"), 0.0);
    // Completions and chats go to paths of their own.
    assert_eq!(scene.fake.bill().batches, 2);
    scene.fake.finish();
    assert_eq!(scene.jobs().await.len(), 2);
    let shown = scene.shown().await;
    for name in ["sharp", "sharp (words)"] {
        assert_eq!(figure(&shown, name, "/all/holes"), 10.0, "{shown:#}");
        assert!(figure(&shown, name, "/all/right/value") > 0.4, "{shown:#}");
    }
    assert_eq!(scene.count("trials WHERE is_evidence AND candidate <> 'sharp'"), 0);
}

#[tokio::test]
async fn a_trial_that_is_ended_as_it_sends_leaves_its_holes_queued() {
    let scene = Scene::new("[embedded]\nenabled = false").await;
    scene.fake.fails(Step::Upload, Fault::HangAfter);
    let command = ["trial", "sharp", "--count", "6", "--batch", "--json", "--yes"];
    let sends = scene.project.command(&command).spawn().unwrap();
    scene.fake.reached(Step::Upload, 1).await;
    let kill = std::process::Command::new("kill").args(["-INT", &sends.id().unwrap().to_string()]).status();
    let output = sends.wait_with_output().await.unwrap();
    let (out, notes) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(kill.unwrap().success() && output.status.code() == Some(130), "{:?} {notes}", output.status);
    assert!(notes.contains("you ended it early; 6 jobs stay queued"), "{notes}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told.pointer("/candidates/0/waiting"), Some(&json!(6)), "{told:#}");
    assert_eq!(scene.spent().1, 6, "its money stays reserved");
    // Whoever looks next finds the upload, and sends it.
    let jobs = scene.jobs().await;
    assert_eq!((jobs.len(), &jobs[0]["state"]), (1, &json!("submitted")), "{jobs:?}");
}

#[tokio::test]
async fn an_editor_does_not_hear_of_trials() {
    let scene = Scene::new("[embedded]\nenabled = false").await;
    scene.queue("6").await;
    scene.fake.finish();
    scene.an_hour_passes();
    let (home, config) = (scene.project.home().to_str().unwrap(), scene.project.path("config.toml"));
    let variables = [("HOME", home), ("FAKE_KEY", KEY)];
    let mut editor = Editor::spawn(&BINARY, &["--config", config.to_str().unwrap()], &variables).unwrap();
    editor.initialize(json!({}), Value::Null, Some(&scene.project.root())).await;
    editor.open(&uri(&scene.project.path("project/src/scales.rs")), "rust", 1, &source()).await;
    // The server looks after the queue by itself.
    until(|| scene.count("trials") >= 6).await;
    let command = |name: &str, asked: Value| json!({"command": format!("pennyworth.{name}"), "arguments": [asked]});
    // It begins when the server's own look has ended.
    let jobs = editor.request("workspace/executeCommand", command("jobs", json!({"action": "refresh"}))).await;
    let status = editor.request("workspace/executeCommand", command("status", json!({}))).await;
    assert_eq!(jobs, json!({"jobs": []}));
    assert_eq!(status["jobs"], json!({"waiting": 0, "ready": 0}));
    let told = editor.noted("window/showMessage");
    assert!(told.iter().all(|told| !told["message"].to_string().contains("queued")), "{told:?}");
    assert_eq!(editor.shutdown().await, 0);
    assert_eq!((scene.spent(), scene.kept()), ((scene.billed(), 0), 0));
}

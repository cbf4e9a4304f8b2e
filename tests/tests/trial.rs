//! `pennyworth trial`: scripted models of known quality are ranked rightly, with intervals that hold the truth as often as they say; and the real
//! binary, against a fake provider and a real repository: what is asked, what it may cost, what is kept, and what is learned.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;

use pennyworth_core::money::Money;
use pennyworth_core::task::Task;
use pennyworth_core::trial::{Answer, Estimate, Figures, compare, marks, mixed};
use pennyworth_tests::fake_provider::{self, FakeProvider, Fault};
use pennyworth_tests::paid;
use pennyworth_tests::project::Project;
use pennyworth_tests::scales::{self, chance, figure, said, source};
use pennyworth_tests::until::until;
use serde_json::Value;

/// Repetitions of a trial, and the holes of each.
const TRIALS: u64 = 200;
const HOLES: u64 = 60;

/// The answer of a scripted model that is right with this probability, at a hole of a text that only the hole's number tells.
fn scripted(name: &str, quality: f64, hole: u64) -> Answer {
    let mut truth = String::new();
    for line in 0..=mixed(hole, &["lines"]) % 3 {
        let length = 4 + mixed(hole, &["length", &line.to_string()]) % 40;
        let _ = writeln!(truth, "{}", "abcdefgh".repeat(6).get(..length as usize).unwrap());
    }
    let (says, first) = (chance(hole, &[name]), truth.lines().next().unwrap_or_default());
    // Of the wrong answers, a third begins with a right line.
    let answer = match () {
        () if says < quality => truth.clone(),
        () if says < quality + (1.0 - quality) / 3.0 => format!("{first}\nwrong"),
        () => "wrong".to_owned(),
    };
    Answer {
        hole,
        task: Task::Line,
        language: "text".into(),
        shown: true,
        marks: marks(&truth, Some(&answer)),
        wait_ms: Some(1),
        input: 100,
        output: 10,
        cost: Money::from_usd(0.000_1),
    }
}

fn answers(name: &str, quality: f64, holes: std::ops::Range<u64>) -> Vec<Answer> {
    holes.map(|hole| scripted(name, quality, mixed(hole, &["hole"]))).collect()
}

fn holds(estimate: &Estimate, truth: f64) -> bool {
    estimate.low.is_some_and(|low| low <= truth) && estimate.high.is_some_and(|high| truth <= high)
}

#[test]
fn models_of_known_quality_are_ranked_rightly_and_intervals_hold_the_truth_as_often_as_they_say() {
    const MODELS: [(&str, f64); 3] = [("good", 0.7), ("fair", 0.4), ("like fair", 0.4)];
    // What is true, by answers at far more holes than all trials have.
    let many = 1 << 40..(1 << 40) + 40_000;
    let mean = |answers: &[Answer], of: fn(&Answer) -> f64| answers.iter().map(of).sum::<f64>() / answers.len() as f64;
    let saved =
        MODELS.map(|(name, quality)| mean(&answers(name, quality, many.clone()), |answer| answer.marks.saved.into()));
    let alike = mean(&answers("good", 0.7, many), |answer| answer.marks.similarity);
    let mut held = [0_u64; 5];
    let (mut ranked, mut false_alarms) = (0, 0);
    for trial in 0..TRIALS {
        let holes = trial * HOLES..(trial + 1) * HOLES;
        let all = MODELS.map(|(name, quality)| answers(name, quality, holes.clone()));
        let [good, fair, like] = all.each_ref().map(|answers| answers.iter().collect::<Vec<_>>());
        let figures = Figures::of(&good);
        let (better, same) = (compare(&good, &fair).unwrap(), compare(&fair, &like).unwrap());
        let checks = [
            holds(&figures.right, 0.7),
            holds(&figures.saved, saved[0]),
            holds(&figures.similarity, alike),
            holds(&better.right, 0.3),
            holds(&better.saved, saved[0] - saved[1]),
        ];
        held.iter_mut().zip(checks).for_each(|(held, holds)| *held += u64::from(holds));
        ranked += u64::from(better.saved.value > 0.0);
        false_alarms += u64::from(same.saved.is_more_than_chance());
    }
    println!(
        "of {TRIALS} trials of {HOLES} holes, the interval held the truth: right {}, saved {}, alike {}, difference of right {}, of saved {}; \
         the better model was first in {ranked}; equal ones were said to differ in {false_alarms}",
        held[0], held[1], held[2], held[3], held[4]
    );
    // Of 200 with a probability of .95, fewer than 181 or more than 198 come up less than once in a hundred times; a bootstrap of 60 is a little narrow.
    assert!(held.iter().all(|held| (178..=199).contains(held)), "{held:?}");
    assert!(ranked >= 198 && false_alarms <= 20, "{ranked} {false_alarms}");
}

/// A repository whose second commit adds functions, and scripted models that know them.
struct Scene {
    fake: FakeProvider,
    project: Project,
}

impl Scene {
    /// Two models, of which one is right four times of five and the other once.
    async fn new(head: &str) -> Scene {
        let scene = Scene { fake: FakeProvider::start().await.unwrap(), project: Project::new() };
        let row = |name: &str| {
            paid::row(name, &scene.fake.base_url())
                .replace("qwen2.5-coder", name)
                .replace("stop_limit", "format = \"suffix\"\nstop_limit")
        };
        let rows = row("sharp") + &row("dull");
        scene.project.write(
            "config.toml",
            &format!("discover = false\ncap_usd_per_day = 100\ncap_usd_per_month = 100\n{head}\n{rows}"),
        );
        scales::commit(&scene.project).await;
        scene.fake.answers_by(scripted_fill);
        scene
    }

    async fn run(&self, arguments: &[&str]) -> (Value, String) {
        let all: Vec<&str> = ["trial"].iter().chain(arguments).copied().collect();
        let (code, out, notes) = self.project.run(&all).await;
        assert_eq!(code, Some(0), "{notes}");
        assert!(!notes.contains(['\r', '\x1b']), "no bar where the output is no terminal: {notes:?}");
        (serde_json::from_str(&out).unwrap_or(Value::Null), notes)
    }
}

/// Fills the hole of a request with what the source has there, or with something else.
fn scripted_fill(body: &Value) -> fake_provider::Answer {
    let quality = if body["model"] == "sharp" { 0.8 } else { 0.2 };
    fake_provider::Answer::new(&[&said(body, quality)])
}

#[tokio::test]
async fn the_better_model_is_found_at_the_users_own_holes_and_the_ledger_has_every_call() {
    let scene = Scene::new("").await;
    let (trial, notes) = scene.run(&["--count", "30", "--json", "--yes"]).await;
    assert!(notes.contains("left out: 1 file: it is ignored") && notes.contains("request"), "{notes}");
    assert!(
        notes
            .contains("30 holes in 1 file, 30 of them in lines of the last 50 commits; 90 requests to 3 candidates: $"),
        "{notes}"
    );
    let right = |name| figure(&trial, name, "/all/right/value");
    assert!(right("sharp") > 0.5 && right("dull") < 0.45, "{trial:#}");
    assert!(figure(&trial, "embedded", "/all/cost_usd") == 0.0 && figure(&trial, "embedded", "/all/holes") == 30.0);
    let first = &trial["differences"][0];
    let of_both =
        trial["differences"].as_array().unwrap().iter().find(|pair| pair["one"] == "sharp" && pair["other"] == "dull");
    assert_eq!(of_both.map(|pair| &pair["is_more_than_chance"]), Some(&Value::Bool(true)), "{first}");
    // The bill is the report's, and the ledger's under `trial`; nobody was shown anything.
    let bill = paid::cost(scene.fake.bill()).usd();
    let cost = figure(&trial, "sharp", "/all/cost_usd") + figure(&trial, "dull", "/all/cost_usd");
    assert!((cost - bill).abs() < 1e-9, "{cost} {bill}");
    let (_, out, _) = scene.project.run(&["stats", "--json", "--by", "task"]).await;
    let stats: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&stats["rows"][0]["task"], &stats["total"]["shown"]), (&"trial".into(), &0.into()), "{out}");
    assert_eq!(stats["total"]["calls"], scene.fake.bill().calls);
    // A new model begins with evidence.
    let (_, out, _) = scene.project.run(&["stats", "--routes"]).await;
    assert!(out.contains("sharp") && out.contains("dull") && out.contains("embedded"), "{out}");
    assert!(scene.fake.leaks().is_empty());
}

#[tokio::test]
async fn the_same_seed_takes_the_same_holes_and_an_earlier_trial_is_compared_at_them() {
    let scene = Scene::new("").await;
    let (first, _) = scene.run(&["sharp", "--count", "20", "--json", "--yes"]).await;
    let (again, _) = scene.run(&["dull", "--count", "20", "--seed", "9", "--against", "LAST", "--json", "--yes"]).await;
    let earlier = format!("sharp (trial {})", first["trial"]);
    let pair = &again["differences"][0];
    assert_eq!((pair["one"].as_str(), pair["other"].as_str()), (Some(earlier.as_str()), Some("dull")), "{again:#}");
    assert_eq!(pair["holes"], 20, "at the holes of the first, whatever the seed");
    let (_, kept, _) = scene.project.run(&["trial", "--show", "LAST", "--json"]).await;
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["candidates"][0]["all"], again["candidates"][0]["all"], "what is kept is what was printed");
    let (code, _, notes) = scene.project.run(&["trial", "--against", "12"]).await;
    assert!(code == Some(2) && notes.contains("there is no such trial yet"), "{notes}");
}

#[tokio::test]
async fn nothing_is_sent_before_the_cost_is_known_and_no_more_is_spent_than_allowed() {
    let scene = Scene::new("confirm_usd = 0.001").await;
    let sent = || scene.fake.seen().iter().filter(|seen| seen.line.starts_with("POST")).count();
    let (code, _, notes) = scene.project.run(&["trial", "sharp", "--count", "20"]).await;
    assert!(
        code == Some(2) && notes.contains("20 requests to 1 candidate: $") && notes.contains("`--yes` or `--spend`"),
        "{notes}"
    );
    let (code, _, notes) = scene.project.run(&["trial", "sharp", "--count", "20", "--plan"]).await;
    assert_eq!((code, sent()), (Some(0), 0), "{notes}");
    let (trial, _) = scene.run(&["sharp", "--count", "20", "--spend", "0.2", "--json"]).await;
    let spent = paid::cost(scene.fake.bill()).usd();
    assert!(spent <= 0.2 && sent() > 0 && sent() < 20, "{spent} {}", sent());
    let unjudged = trial.pointer("/candidates/0/unjudged/`--spend` is reached").unwrap().as_u64().unwrap();
    assert_eq!(unjudged as usize + sent(), 20);
    let (code, _, notes) = scene.project.run(&["trial", "sharp", "sharp"]).await;
    assert!(code == Some(2) && notes.contains("wanted: each model once"), "{notes}");
    // The caps hold, whatever was allowed.
    let capped = scene.project.read("config.toml").replace("cap_usd_per_day = 100", "cap_usd_per_day = 0.4");
    scene.project.write("config.toml", &capped);
    let (trial, _) = scene.run(&["sharp", "--count", "20", "--yes", "--json"]).await;
    let (spent, unjudged) = (paid::cost(scene.fake.bill()).usd(), trial["candidates"][0]["unjudged"].to_string());
    assert!(spent <= 0.4 && unjudged.contains("cap"), "{spent} {unjudged}");
    let (code, _, notes) = scene.project.run(&["trial", "nobody"]).await;
    assert!(
        code == Some(2) && notes.contains("`nobody` is no model that is switched on; these are: embedded, dull, sharp"),
        "{notes}"
    );
    scene.project.write("config.toml", &format!("{capped}\n[embedded]\nenabled = false\n"));
    let (code, _, notes) = scene.project.run(&["trial", "embedded"]).await;
    assert!(code == Some(2) && notes.contains("`enabled = true` in `[embedded]` switches it on"), "{notes}");
}

#[tokio::test]
async fn settings_are_compared_like_models_and_failures_are_not_marked() {
    let scene = Scene::new("").await;
    let tasks =
        ["member", "type", "argument", "condition", "parameter", "return", "expression", "line", "block", "function"];
    let ceilings = tasks.map(|task| format!("\n[tasks.{task}]\nmax_tokens = 4")).concat();
    let short = scene.project.read("config.toml").replace("\n[model.sharp]", &format!("{ceilings}\n[model.sharp]"));
    scene.project.write("short.toml", &short);
    let file = scene.project.path("short.toml").display().to_string();
    let (trial, _) = scene.run(&["sharp", "--count", "20", "--prompt-set", &file, "--json", "--yes"]).await;
    let names: Vec<&str> =
        trial["candidates"].as_array().unwrap().iter().filter_map(|one| one["name"].as_str()).collect();
    assert_eq!(names, ["sharp", "sharp (short)"]);
    assert!(scene.fake.seen().iter().any(|seen| seen.body["max_tokens"] == 4));
    let refusal = serde_json::json!({"error": {"message": "no", "type": "invalid_request_error"}});
    scene
        .fake
        .answers_by(move |_| fake_provider::Answer::default().with(Fault::Status(400, Vec::new(), refusal.clone())));
    let (trial, _) = scene.run(&["dull", "--count", "8", "--json", "--yes"]).await;
    assert_eq!(figure(&trial, "dull", "/all/holes"), 0.0, "{trial:#}");
    let unjudged = trial.pointer("/candidates/0/unjudged").unwrap().as_object().unwrap();
    assert_eq!(unjudged.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), 8);
    assert_eq!(unjudged.get("it failed 5 times in a row").and_then(Value::as_u64), Some(3), "{unjudged:?}");
}

#[tokio::test]
async fn the_better_of_two_versions_of_a_prompt_is_found() {
    let scene = Scene::new("[embedded]\nenabled = false").await;
    let with = |system: &str| {
        let format = format!("[format.words]\nlike = \"chat\"\nsystem = \"{system}\"\n");
        let chats = scene.project.read("config.toml").replace("format = \"suffix\"", "format = \"words\"");
        chats.replacen("\n[model.sharp]", &format!("\n{format}[model.sharp]"), 1)
    };
    let long = "You complete code. Think of everything, and write what replaces <FILL/>.";
    let (own, condensed) = (with(long), with("Write what replaces <FILL/>."));
    scene.project.write("condensed.toml", &condensed);
    scene.project.write("config.toml", &own);
    // The model is the same, and understands the shorter words better.
    scene.fake.answers_by(|body| {
        let is_long = body["messages"][0]["content"].as_str().unwrap_or_default().starts_with("You complete code.");
        fake_provider::Answer::new(&[&said(body, if is_long { 0.3 } else { 0.9 })])
    });
    let file = scene.project.path("condensed.toml").display().to_string();
    let (trial, notes) = scene.run(&["sharp", "--count", "40", "--prompt-set", &file, "--json", "--yes"]).await;
    let systems: std::collections::BTreeSet<String> = scene
        .fake
        .seen()
        .iter()
        .filter_map(|seen| Some(seen.body["messages"][0]["content"].as_str()?.to_owned()))
        .collect();
    assert_eq!(systems.into_iter().collect::<Vec<_>>(), ["Write what replaces <FILL/>.", long], "{notes}");
    let pair = &trial["differences"][0];
    assert_eq!(
        (&pair["one"], &pair["other"], &pair["is_more_than_chance"]),
        (&"sharp (condensed)".into(), &"sharp".into(), &true.into()),
        "{trial:#}"
    );
    // Fewer words cost less, too.
    let input = |name| figure(&trial, name, "/all/input");
    assert!(input("sharp (condensed)") < input("sharp"), "{trial:#}");
    // The router learns of the settings that it has.
    let learned = |candidate: &str| {
        let query = "SELECT min(is_evidence), max(is_evidence) FROM trials WHERE candidate = ?1";
        let ledger = rusqlite::Connection::open(paid::ledger(scene.project.home())).unwrap();
        ledger.query_row(query, [candidate], |row| Ok((row.get::<_, bool>(0)?, row.get::<_, bool>(1)?))).unwrap()
    };
    assert_eq!((learned("sharp"), learned("sharp (condensed)")), ((true, true), (false, false)));
}

#[tokio::test]
async fn holes_of_a_benchmark_are_filled_and_teach_the_router_nothing() {
    let scene = Scene::new("").await;
    let row = |at: u32| {
        serde_json::json!({"task_id": format!("SingleLineInfilling/HumanEval/{at}/L0"), "entry_point": "f", "test": "",
            "prompt": format!("def f_{at}(numbers):\n    total = 0\n    for n in numbers:\n"), "canonical_solution": "        total += n\n",
            "suffix": "    return total\n"})
    };
    let rows: String = (0..12).map(|at| format!("{}\n", row(at))).collect();
    scene.project.write("holes.jsonl", &rows);
    scene.fake.answers_by(|_| fake_provider::Answer::new(&["total += n"]));
    let file = scene.project.path("holes.jsonl").display().to_string();
    let (trial, _) = scene.run(&["sharp", "--holes", &file, "--json", "--yes"]).await;
    assert_eq!(
        (figure(&trial, "sharp", "/all/holes"), figure(&trial, "sharp", "/all/right/value")),
        (12.0, 1.0),
        "{trial:#}"
    );
    let (_, out, _) = scene.project.run(&["stats", "--routes"]).await;
    assert_eq!(out, "nothing was suggested yet\n");
}

#[tokio::test]
async fn code_goes_no_further_in_a_trial_than_its_rules_let_it() {
    let scene = Scene::new("[embedded]\nenabled = false").await;
    scene.project.write("project/private/.pennyworth.toml", "local_only = true\n");
    scene.project.write("project/private/plans.rs", &source().replace("scaled", "secretly"));
    scene.project.write("project/.env", "SHARP_KEY=sk-0123456789abcdef0123456789abcdef\n");
    scene.project.write("project/src/made.rs", &format!("// @generated\n{}", source()));
    scene.project.git(&["add", "--force", "."]).await;
    scene.project.git(&["commit", "-q", "-m", "plans: they are private"]).await;
    let (trial, notes) = scene.run(&["sharp", "--count", "40", "--json", "--yes"]).await;
    for why in ["1 file: it is ignored", "1 file: it may hold keys or passwords", "1 file: it is generated"] {
        assert!(notes.contains(&format!("left out: {why}")), "{why}: {notes}");
    }
    let private = trial.pointer("/candidates/0/unjudged/code may not leave this machine").unwrap().as_u64().unwrap();
    assert!(private > 5 && figure(&trial, "sharp", "/all/holes") as u64 + private == 40, "{trial:#}");
    for seen in scene.fake.seen() {
        let body = seen.body.to_string();
        assert!(!body.contains("secretly") && !body.contains("SHARP_KEY") && !body.contains("@generated"), "{body}");
    }
}

#[tokio::test]
async fn prompts_with_excerpts_of_other_files_are_compared_with_prompts_without() {
    let scene = Scene::new("[embedded]\nenabled = false").await;
    scene.project.write("project/src/weights.rs", &source().replace("scaled", "weighed"));
    scene.project.git(&["add", "."]).await;
    scene.project.git(&["commit", "-q", "-m", "weights: they weigh"]).await;
    let with = scene.project.read("config.toml").replace("format = \"suffix\"", "format = \"qwen\"\nexcerpts = 500");
    scene.project.write("config.toml", &with);
    scene.project.write("bare.toml", &with.replace("excerpts = 500", "excerpts = 0"));
    let file = scene.project.path("bare.toml").display().to_string();
    scene.fake.answers_by(|_| fake_provider::Answer::new(&["n"]));
    scene.run(&["sharp", "--count", "20", "--prompt-set", &file, "--json", "--yes"]).await;
    let prompts: Vec<String> =
        scene.fake.seen().iter().filter_map(|seen| Some(seen.body["prompt"].as_str()?.to_owned())).collect();
    // Each place is asked with both, one after the other.
    let of_both = |prompt: &&String| prompt.contains("fn scaled_") && prompt.contains("fn weighed_");
    let (with, bare): (Vec<_>, Vec<_>) = prompts.iter().enumerate().partition(|(number, _)| number % 2 == 0);
    let count = |prompts: Vec<(usize, &String)>| prompts.into_iter().map(|(_, prompt)| prompt).filter(of_both).count();
    assert_eq!(prompts.len(), 40);
    assert!(count(with) >= 5 && count(bare) == 0);
}

#[tokio::test]
async fn a_provider_that_asks_for_a_moment_gets_it() {
    let scene = Scene::new("[embedded]\nenabled = false").await;
    let full = serde_json::json!({"error": {"message": "slow down", "type": "rate_limit_error"}});
    let refused = Fault::Status(429, vec![("retry-after", "1".to_owned())], full);
    scene.fake.answers_by(|_| fake_provider::Answer::new(&["n"]));
    scene.fake.answer(fake_provider::Answer::default().with(refused));
    let (trial, _) = scene.run(&["sharp", "--count", "4", "--json", "--yes"]).await;
    assert_eq!(
        figure(&trial, "sharp", "/all/holes"),
        3.0,
        "the call that was refused has no answer, the others have: {trial:#}"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_trial_that_is_ended_early_prints_the_report_of_what_was_answered() {
    use std::sync::atomic::{AtomicUsize, Ordering};

    // A key that a program prints has signals of its own.
    for (signal, key) in [("-INT", ""), ("-TERM", "api_key_cmd = 'echo key'\n")] {
        let scene = Scene::new("[embedded]\nenabled = false").await;
        let config = scene.project.read("config.toml").replace("stop_limit", &format!("{key}stop_limit"));
        scene.project.write("config.toml", &config);
        let asked = AtomicUsize::new(0);
        scene.fake.answers_by(move |_| match asked.fetch_add(1, Ordering::Relaxed) {
            0..6 => fake_provider::Answer::new(&["n"]),
            _ => fake_provider::Answer::default().with(Fault::HangAfterHead),
        });
        let mut child = scene.project.command(&["trial", "sharp", "--count", "12", "--yes", "--json"]).spawn().unwrap();
        until(|| scene.fake.bill().calls >= 7).await;
        let id = child.id().unwrap().to_string();
        // As long as nobody can write to the ledger, the call under way cannot be settled.
        let ledger = rusqlite::Connection::open(paid::ledger(scene.project.home())).unwrap();
        ledger.execute_batch("BEGIN IMMEDIATE").unwrap();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
        let ended = tokio::time::timeout(std::time::Duration::from_secs(1), child.wait()).await;
        assert!(ended.is_err(), "{signal}: {ended:?}");
        ledger.execute_batch("ROLLBACK").unwrap();
        let output = child.wait_with_output().await.unwrap();
        let (out, notes) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let trial: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out} {notes}"));
        assert_eq!(output.status.code(), Some(130), "{notes}");
        assert!(notes.contains("you ended it early: the report is of the holes that were answered before"), "{notes}");
        assert_eq!(figure(&trial, "sharp", "/all/holes"), 6.0);
        assert_eq!(trial.pointer("/candidates/0/unjudged/you ended it early"), Some(&6.into()), "{trial:#}");
        let query = "SELECT count(*) FILTER (WHERE status = 'open'), count(*) FROM calls";
        let calls: (i64, i64) = ledger.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(calls, (0, 7), "{signal}: the call under way is settled");
        // What was answered is kept.
        let (_, kept, _) = scene.project.run(&["trial", "--show", "LAST", "--json"]).await;
        let kept: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(figure(&kept, "sharp", "/all/holes"), 6.0);
    }
}

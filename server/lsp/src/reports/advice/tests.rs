//! What is said of figures with one thing wrong, and that nothing is said of healthy ones.

use super::*;
use crate::ledger::{Ceiling, Guesses, Habits, Report, Row};
use crate::settings::Settings;

const TODAY: &str = "2026-11-30";

/// Thirty days of a model's calls for a task: on each of them this many suggestions, so many of which are taken, at this cost.
fn month(task: &str, model: &str, shown: u64, accepted: u64, usd: f64) -> Vec<Row> {
    let day = |day: u64| Row {
        day: format!("2026-11-{:02}", day + 1),
        task: task.into(),
        language: "rust".into(),
        model: model.into(),
        calls: shown,
        shown,
        // No two days are alike.
        accepted: (accepted + day % 2).min(shown),
        chars: (accepted + day % 2).min(shown) * 30,
        cost: Money::from_usd(usd * (1.0 + (day % 5) as f64 / 10.0)),
        ..Row::default()
    };
    (0..30).map(day).collect()
}

fn settings(more: &str) -> Settings {
    let row = |name: &str, price: &str| {
        format!(
            "[model.{name}]\nprotocol = 'openai'\nbase_url = 'https://example.com/v1'\nmodel = '{name}'\nformat = 'chat'\ntier = 'cheap'\n\
             context = 8000\nprice = {{ input = 1, output = 2, {price} as_of = '2026-11-25' }}\n"
        )
    };
    let text =
        format!("{more}\n{}{}", row("a", ""), row("b", "batch = 0.5,").replace("context", "batch = 'openai'\ncontext"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    let (settings, notices) = Settings::gather(Some(&path), &[]);
    assert!(notices.is_empty(), "{}", notices.iter().map(ToString::to_string).collect::<String>());
    settings
}

fn told(rows: Vec<Row>, habits: &Habits, more: &str) -> String {
    let (lately, settings) =
        (Lately { report: Report::of(TODAY.into(), rows), habits: habits.clone() }, settings(more));
    let evidence = Evidence::new(&lately, &settings);
    let mut out = Vec::new();
    print(&advice(&evidence), &evidence, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn check(rows: Vec<Row>, habits: &Habits, more: &str, expected: &[&str]) {
    let told = told(rows, habits, more);
    let found: Vec<&str> =
        told.lines().filter(|line| !line.is_empty() && !line.starts_with("By ")).map(str::trim).collect();
    assert_eq!(found, expected);
}

#[test]
fn of_healthy_figures_nothing_is_said() {
    let none = Habits::default();
    assert_eq!(told(Vec::new(), &none, ""), "nothing to change, by 0 calls of the last 1 day\n");
    let healthy =
        [month("line", "a", 40, 12, 0.02), month("line", "b", 40, 12, 0.02), month("comment", "a", 40, 8, 0.01)];
    let habits = Habits {
        ceilings: vec![Ceiling {
            task: "review".into(),
            max_tokens: 4096,
            answers: 300,
            cut: 3,
            outputs: vec![900, 3000],
        }],
        guesses: (5..10)
            .map(|tenth| Guesses { task: "line".into(), tenth, shown: 100, right: 100 * u64::from(tenth) / 10 })
            .collect(),
    };
    assert_eq!(told(healthy.concat(), &habits, ""), "nothing to change, by 3600 calls of the last 30 days\n");
    // Too few to say anything, whatever they look like.
    let few: Vec<Row> = month("line", "a", 40, 0, 0.5).into_iter().take(1).collect();
    assert!(told(few, &none, "").starts_with("nothing to change"));
}

#[test]
fn a_task_that_nobody_takes_is_asked_only_here() {
    let rows = [month("comment", "a", 20, 0, 0.01), month("line", "a", 40, 12, 0.02)].concat();
    check(
        rows,
        &Habits::default(),
        "",
        &[
            "1. Of 600 suggestions for `comment`, which cost $0.36, you took 2 % (2 to 4): ask only models that run here for it.",
            "It saves $0.36 a month ($0.35 to $0.37).",
            "tasks.comment.enabled = \"local\"",
        ],
    );
    assert!(
        told(month("comment", "a", 20, 0, 0.01), &Habits::default(), "tasks.comment.enabled = 'local'")
            .starts_with("nothing")
    );
    assert!(
        told(month("comment", "embedded", 20, 0, 0.0), &Habits::default(), "").starts_with("nothing"),
        "it is free"
    );
}

#[test]
fn of_two_models_that_are_as_good_the_cheaper_one_is_asked() {
    let rows = [month("line", "a", 40, 12, 0.02), month("line", "b", 40, 12, 0.08)].concat();
    check(
        rows.clone(),
        &Habits::default(),
        "",
        &[
            "1. For `line`, `b` costs $0.26 per 1,000 accepted characters and `a` $0.064, and you take its suggestions as often: 31 % (29 to 34), \
             against 31 % (29 to 34). Ask `a` alone.",
            "It saves $2.16 a month ($2.07 to $2.25).",
            "tasks.line.pin = \"a\"",
        ],
    );
    assert!(told(rows.clone(), &Habits::default(), "pin = 'b'").starts_with("nothing"), "the user chose");
    // What is taken more often may be worth its price, and one that is dear on a single day is not dearer.
    let better = [month("line", "a", 40, 12, 0.02), month("line", "b", 40, 20, 0.08)].concat();
    assert!(told(better, &Habits::default(), "").starts_with("nothing"));
    let mut once = [month("line", "a", 40, 12, 0.02), month("line", "b", 40, 12, 0.02)].concat();
    once[40].cost = Money::from_usd(1.0);
    assert!(told(once, &Habits::default(), "").starts_with("nothing"));
}

#[test]
fn a_ceiling_that_cuts_answers_off_is_raised_and_one_that_none_comes_near_is_lowered() {
    let ceiling = |task: &str, max_tokens, answers, cut, longest| Ceiling {
        task: task.into(),
        max_tokens,
        answers,
        cut,
        outputs: vec![10, longest],
    };
    let habits = Habits {
        ceilings: vec![
            ceiling("document", 256, 100, 60, 256),
            ceiling("fix", 512, 300, 0, 150),
            // One that the user has changed since, and one that arithmetic makes.
            ceiling("edit", 256, 100, 60, 256),
            ceiling("line", 24, 1000, 900, 24),
        ],
        guesses: Vec::new(),
    };
    check(
        Vec::new(),
        &habits,
        "",
        &[
            "1. The ceiling of `document`, 256 tokens, cut off 60 % (50 to 69) of 100 answers, which cost money and are of little use: double it.",
            "tasks.document.max_tokens = 512",
            "2. The longest of 300 answers for `fix` has 150 tokens, and the ceiling is 512: a lower one reserves less of the caps for each call.",
            "tasks.fix.max_tokens = 192",
        ],
    );
}

#[test]
fn a_threshold_off_its_calibration_is_raised_to_where_answers_are_right() {
    let guesses = |tenth, right| Guesses { task: "line".into(), tenth, shown: 200, right };
    let habits = Habits {
        ceilings: Vec::new(),
        guesses: vec![guesses(5, 20), guesses(6, 60), guesses(7, 130), guesses(8, 170)],
    };
    check(
        Vec::new(),
        &habits,
        "",
        &[
            "1. Of 200 suggestions for `line` with a probability of 50 to 60 %, 10 % (7 to 15) were right, and they are shown from 50 % on: show them \
             from 70 % on.",
            "tasks.line.show = 0.7",
        ],
    );
}

#[test]
fn what_could_wait_ends_soon_or_was_held_back_is_told() {
    check(
        month("review", "b", 2, 1, 0.1),
        &Habits::default(),
        "",
        &[
            "1. 60 answers for `review` cost $3.60 at once; in a batch, or at hours with a lower price, they are there by tomorrow for less: let it ask when.",
            "It saves $1.80 a month ($1.73 to $1.87).",
            "tasks.review.queue = \"ask\"",
        ],
    );
    let held = month("line", "a", 40, 12, 0.5);
    let told_of = told(held, &Habits::default(), "cap_usd_per_day = 0.6\ncap_usd_per_month = 30");
    assert!(told_of.contains("The daily cap of $0.6 was reached on 18 of 30 days"), "{told_of}");
    assert!(told_of.contains("cap_usd_per_day = 0.9\n"), "{told_of}");
    let other = |more: &str| {
        format!(
            "[model.c]\nprotocol = 'openai'\nbase_url = 'https://example.com/v1'\nmodel = 'c'\nformat = 'chat'\ntier = 'cheap'\n\
             context = 8000\n{more}\n"
        )
    };
    let rows = || month("line", "c", 40, 12, 0.02);
    let ending = "shutdown = '2027-01-01'\nprice = { input = 1, output = 2, as_of = '2026-11-25' }";
    let ending = told(rows(), &Habits::default(), &other(ending));
    assert!(ending.contains("`c` will be shut down on 2027-01-01: `a` of the same tier is switched on"), "{ending}");
    let old = told(rows(), &Habits::default(), &other("price = { input = 1, output = 2, as_of = '2026-01-01' }"));
    assert!(old.contains("The prices of `c` are older than 60 days"), "{old}");
}

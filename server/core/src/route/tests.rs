//! Which models are asked, in which order, and which are not.

use super::*;
use crate::models::Models;
use crate::task::{Task, Tasks};

const MODELS: &str = r#"
[model.gpt-6-luna]
[model.deepseek-v4-flash]
[model.local]
[model.dear]
protocol = "openai"
base_url = "https://dear.example"
model = "x"
format = "chat"
tier = "premium"
context = 100000
price = { input = 2, output = 10, as_of = "2026-11-23" }
"#;

fn terms<'a>(row: &'a TaskRow, standings: &'a BTreeMap<String, Standing>) -> Terms<'a> {
    Terms {
        row,
        standings,
        cap_left: Some(Money::from_usd(0.5)),
        privacy: Privacy::Named,
        pin: None,
        max_tokens: row.max_tokens,
        reads_on: false,
        worth: Money::ZERO,
        deadline_ms: 500,
        now: WeekHour::of(0),
        explore: false,
    }
}

fn candidates(models: &Models) -> Vec<Candidate<'_>> {
    let candidate = |model| Candidate {
        model,
        prior: 0.3,
        prompt_tokens: Ok(1000),
        room: 1000,
        stops: Vec::new(),
        stops_at_line: true,
    };
    models.enabled().map(candidate).collect()
}

fn check(task: Task, change: impl Fn(&mut Terms<'_>, &mut BTreeMap<String, Standing>), expected: &str) {
    let (models, problems) = Models::builtin().extended("config.toml", MODELS);
    assert_eq!(problems, []);
    let (tasks, mut standings) = (Tasks::builtin(), BTreeMap::new());
    let none = BTreeMap::new();
    let mut terms = terms(tasks.row(task), &none);
    change(&mut terms, &mut standings);
    let terms = Terms { standings: &standings, ..terms };
    let route = route(candidates(&models), &terms);
    let steps = route.steps.iter().map(|step| step.model.clone());
    let skipped = route.skipped.iter().map(|skipped| format!("{}: {}", skipped.model, skipped.why));
    assert_eq!(steps.chain(skipped).collect::<Vec<_>>().join("\n"), expected);
}

#[test]
fn free_comes_before_cheap_before_dear() {
    check(Task::Function, |_, _| {}, "local\ngpt-6-luna\ndeepseek-v4-flash\ndear");
    check(Task::Line, |_, _| {}, "local\ngpt-6-luna\ndeepseek-v4-flash\ndear: its tier does not serve the task");
}

#[test]
fn without_evidence_a_model_that_is_more_likely_to_be_right_comes_first() {
    let (models, _) = Models::builtin().extended("config.toml", MODELS);
    let (tasks, standings) = (Tasks::builtin(), BTreeMap::new());
    let terms = terms(tasks.row(Task::Line), &standings);
    let expected = |prior: f64| {
        let of = |model: &Model| if model.name == "deepseek-v4-flash" { prior } else { 0.2 };
        let known = candidates(&models).into_iter().map(|known| Candidate { prior: of(known.model), ..known });
        route(known.collect(), &terms).steps.into_iter().nth(1).map(|step| step.model)
    };
    assert_eq!(expected(0.2).as_deref(), Some("gpt-6-luna"));
    assert_eq!(expected(0.4).as_deref(), Some("deepseek-v4-flash"));
}

#[test]
fn acceptance_moves_the_order_within_a_tier() {
    let better = Standing { shown: 1000.0, accepted: 900.0, ..Standing::default() };
    let worse = Standing { shown: 1000.0, accepted: 10.0, ..Standing::default() };
    check(
        Task::Line,
        |_, standings| {
            standings.insert("deepseek-v4-flash".into(), Standing { cached_share: 0.9, ..better });
            standings.insert("gpt-6-luna".into(), worse);
        },
        "local\ndeepseek-v4-flash\ngpt-6-luna\ndear: its tier does not serve the task",
    );
}

#[test]
fn privacy_health_pin_and_cap_leave_models_out() {
    check(
        Task::Line,
        |terms, _| terms.privacy = Privacy::Local,
        "local\ndear: its tier does not serve the task\ndeepseek-v4-flash: code may not leave this machine\n\
         gpt-6-luna: code may not leave this machine",
    );
    let faulty = "faulty settings leave only models on this machine; `pennyworth check` names them";
    check(
        Task::Line,
        |terms, _| terms.privacy = Privacy::Faulty,
        &format!("local\ndear: its tier does not serve the task\ndeepseek-v4-flash: {faulty}\ngpt-6-luna: {faulty}"),
    );
    let closed = "faulty settings leave only the embedded model; `pennyworth check` names them";
    check(
        Task::Line,
        |terms, _| terms.privacy = Privacy::Embedded,
        &["dear", "deepseek-v4-flash", "gpt-6-luna", "local"].map(|model| format!("{model}: {closed}")).join("\n"),
    );
    check(
        Task::Line,
        |_, standings| {
            standings.insert("local".into(), Standing { healthy: false, ..Standing::default() });
        },
        "gpt-6-luna\ndeepseek-v4-flash\ndear: its tier does not serve the task\nlocal: its provider fails",
    );
    check(
        Task::Line,
        |terms, _| terms.pin = Some("dear"),
        "dear\ndeepseek-v4-flash: another model is pinned\ngpt-6-luna: another model is pinned\nlocal: another model is pinned",
    );
    check(
        Task::Line,
        |terms, _| terms.cap_left = Some(Money::ZERO),
        "local\ndear: its tier does not serve the task\ndeepseek-v4-flash: the rest of the day's or the month's cap does not cover it\n\
         gpt-6-luna: the rest of the day's or the month's cap does not cover it",
    );
    check(
        Task::Line,
        |terms, _| terms.cap_left = None,
        "local\ndear: its tier does not serve the task\ndeepseek-v4-flash: it costs money, and the ledger cannot be kept\n\
         gpt-6-luna: it costs money, and the ledger cannot be kept",
    );
    check(
        Task::Line,
        |terms, _| terms.max_tokens = 4000,
        "gpt-6-luna\ndeepseek-v4-flash\ndear: its tier does not serve the task\nlocal: the prompt does not fit",
    );
}

/// The standing of a model: how many of so many were accepted.
fn known(accepted: f64, shown: f64) -> Standing {
    Standing { shown, accepted, ..Standing::default() }
}

#[test]
fn exploring_tries_the_model_that_may_be_the_best_of_its_tier() {
    const DEAR: &str = "dear: its tier does not serve the task";
    let explored = |standings: &[(&str, Standing)], expected: &str| {
        let change = |terms: &mut Terms<'_>, known: &mut BTreeMap<String, Standing>| {
            terms.explore = true;
            known.extend(standings.iter().map(|(name, standing)| (name.to_string(), *standing)));
            known.insert("local".into(), Standing { healthy: false, ..Standing::default() });
        };
        check(Task::Line, change, &format!("{expected}\n{DEAR}\nlocal: its provider fails"));
    };
    // Luna costs a third of DeepSeek, which is too dear to explore.
    explored(&[("gpt-6-luna", known(150.0, 500.0))], "gpt-6-luna\ndeepseek-v4-flash");
    // With its cache DeepSeek costs about the same, and nothing is known about it.
    let cached = |standing| Standing { cached_share: 0.75, ..standing };
    explored(
        &[("gpt-6-luna", known(150.0, 500.0)), ("deepseek-v4-flash", cached(known(0.0, 0.0)))],
        "deepseek-v4-flash\ngpt-6-luna",
    );
    // Much is known about it: it is worse.
    explored(
        &[("gpt-6-luna", known(150.0, 500.0)), ("deepseek-v4-flash", cached(known(50.0, 500.0)))],
        "gpt-6-luna\ndeepseek-v4-flash",
    );
    // Nothing is known about either: the cheaper first.
    explored(&[], "gpt-6-luna\ndeepseek-v4-flash");
}

#[test]
fn what_is_too_slow_or_limited_is_not_asked() {
    const DEAR: &str = "dear: its tier does not serve the task";
    for (standing, why) in [
        (Standing { wait_ms: Some(501), ..Standing::default() }, "it usually answers after the deadline"),
        (
            Standing { allowance: Allowance { requests: Some(0), tokens: None }, ..Standing::default() },
            "its provider's rate limits do not allow it now",
        ),
        (
            Standing { allowance: Allowance { requests: Some(9), tokens: Some(1000) }, ..Standing::default() },
            "its provider's rate limits do not allow it now",
        ),
    ] {
        let expected = format!("local\ndeepseek-v4-flash\n{DEAR}\ngpt-6-luna: {why}");
        let change = |_: &mut Terms<'_>, standings: &mut BTreeMap<String, Standing>| {
            standings.insert("gpt-6-luna".into(), standing);
        };
        check(Task::Line, change, &expected);
    }
    let enough = Allowance { requests: Some(1), tokens: Some(2000) };
    check(
        Task::Line,
        |_, standings| {
            let well = Standing { wait_ms: Some(500), allowance: enough, ..Standing::default() };
            standings.insert("gpt-6-luna".into(), well);
        },
        &format!("local\ngpt-6-luna\ndeepseek-v4-flash\n{DEAR}"),
    );
}

#[test]
fn a_cap_is_reached_when_nothing_that_costs_may_be_asked() {
    let (models, _) = Models::builtin().extended("config.toml", MODELS);
    for (left, is_capped) in [(Some(0.5), false), (Some(0.0), true), (None, false)] {
        let (tasks, standings) = (Tasks::builtin(), BTreeMap::new());
        let terms = Terms { cap_left: left.map(Money::from_usd), ..terms(tasks.row(Task::Line), &standings) };
        assert_eq!(route(candidates(&models), &terms).is_capped(), is_capped, "{left:?} left");
    }
}

#[test]
fn no_call_can_cost_more_than_is_held_back_for_it() {
    let (models, _) = Models::builtin().extended("config.toml", MODELS);
    for model in models.enabled() {
        for (input, cached, written, output) in
            [(1500, 0, 1500, 24), (1000, 1000, 0, 24), (900, 300, 600, 0), (1516, 99, 99, 24)]
        {
            let bill = model.price.cost(input, cached, written, output);
            assert!(bill <= model.price.worst(margin(1000), 24), "{}: {bill}", model.name);
        }
    }
}

#[test]
fn the_more_a_character_is_worth_the_further_an_answer_is_read_on() {
    let (models, _) = Models::builtin().extended("config.toml", MODELS);
    let (tasks, mut standings) = (Tasks::builtin(), BTreeMap::new());
    standings.insert("gpt-6-luna".into(), Standing { wait_ms: Some(420), ..Standing::default() });
    let row = tasks.row(Task::Line);
    let ceiling = |worth: f64| {
        let terms = Terms { reads_on: true, worth: Money::from_usd(worth), ..terms(row, &standings) };
        let route = route(candidates(&models), &terms);
        route.steps.iter().find(|step| step.model == "gpt-6-luna").map(|step| step.max_tokens)
    };
    let ceilings = [0.0, 0.005, 0.02, 0.2, 10.0].map(ceiling);
    assert_eq!(ceilings, [Some(115), Some(115), Some(135), Some(160), Some(row.read_on)]);
}

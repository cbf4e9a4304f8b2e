//! A plan, from facts to the printed text.

use std::collections::BTreeMap;

use super::*;
use crate::gate::{FileKind, Trigger};
use crate::models::Models;
use crate::money::Money;
use crate::route::Privacy;
use crate::task::{Enabled, Tasks};

fn make(trigger: Trigger, task: Task, config: &str) -> Plan {
    let (models, problems) = Models::builtin().extended("config.toml", config);
    assert_eq!(problems, []);
    let tasks = Tasks::builtin();
    let prompt = Prompt {
        path: "src/main.rs".into(),
        language: "rust".into(),
        prefix: "fn main() {\n    let total = sum(".into(),
        suffix: ");\n}\n".into(),
        ..Prompt::default()
    };
    let moment = Moment {
        trigger,
        file: FileKind::Normal,
        enabled: Enabled::On,
        paused: false,
        untaken: false,
        has_local_model: true,
        reads_on: false,
        prefix: "fn main() {\n    let total = sum(",
        suffix: ");\n}\n",
    };
    let standings = BTreeMap::new();
    let terms = Terms {
        row: tasks.row(task),
        standings: &standings,
        cap_left: Some(Money::from_usd(0.5)),
        privacy: Privacy::Named,
        pin: None,
        max_tokens: 0,
        reads_on: false,
        worth: Money::ZERO,
        deadline_ms: 500,
        now: crate::models::WeekHour::of(0),
        explore: false,
    };
    let chars_per_token = |model: &Model| model.chars_per_token;
    let (feedback, by_tomorrow) = (None, false);
    plan(&models, Inputs { task, moment, prompt, feedback, terms, chars_per_token: &chars_per_token, by_tomorrow })
}

#[test]
fn a_plan_prints_each_decision() {
    let printed = make(Trigger::Typed, Task::Argument, "[model.local]\n[model.gpt-6-luna]\ncontext = 256").to_string();
    assert_eq!(
        printed,
        "task        argument (rust)\n\
         gate        ask\n\
         max_tokens  80\n\
         stops       balanced, newline\n\
         deadline    500 ms\n\
         prompt      ≈18 tokens: path 5, excerpts 0, prefix 10, suffix 3\n\
         route 1     local: code stays here, ≈23 prompt tokens, up to 80 back, $0.00 expected, $0.00 at most, accepted 27 ± 10 %, $0.00 per accepted\n\
         route 2     gpt-6-luna: code leaves this machine, ≈88 prompt tokens, up to 80 back, $0.000029 expected, $0.000059 at most, accepted 20 ± 9 %, $0.00014 per accepted\n"
    );
}

#[test]
fn a_silent_gate_asks_no_model() {
    let plan = make(Trigger::Deleted, Task::Argument, "[model.local]");
    assert!(plan.route.steps.is_empty() && plan.route.skipped.is_empty());
    assert!(plan.to_string().contains("silent: text was just deleted"));
}

#[test]
fn stops_are_ranked_and_keep_the_providers_limit() {
    let steps = make(Trigger::Typed, Task::Line, "[model.local]\nstop_limit = 2\n[model.gpt-6-luna]").route.steps;
    assert_eq!(steps[0].stops, ["\n", "<|endoftext|>"]);
    assert_eq!(steps[1].stops, [""; 0]);
    let steps = make(Trigger::Typed, Task::Function, "[model.local]").route.steps;
    assert_eq!(steps[0].stops[0], "<|endoftext|>");
}

#[test]
fn a_plan_is_data_without_text() {
    let table = toml::Table::try_from(make(Trigger::Typed, Task::Argument, "[model.local]")).unwrap();
    for key in ["task", "language", "gate", "max_tokens", "stops", "deadline_ms", "prompt_tokens", "route"] {
        assert!(table.contains_key(key), "{key}");
    }
    assert!(!table.to_string().contains("total"));
}

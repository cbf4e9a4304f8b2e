//! `pennyworth explain FILE:LINE:COL`: what every stage decides there. It asks no model.
//! It leaves deciding to `look`, the same that the server asks.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use pennyworth_core::cache::Found;
use pennyworth_core::gate::{Gate, Reason, unwanted_at};
use pennyworth_core::money::Money;
use pennyworth_core::task::Task;
use serde_json::{Value, json};

use super::place::{Opened, Place};
use crate::look::{Depth, Look, Question, look};

/// Print every decision for a place in a file, and ask no model
#[derive(Debug, Args)]
pub struct Explain {
    /// The place; LINE and COL count from 1, COL in characters
    #[arg(value_name = "FILE:LINE:COL")]
    place: Place,
    /// Leave out the rest of the line, as if it were not typed yet
    #[arg(long)]
    retype: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Runtime::new()?;
        let Opened { resources, snapshot, path, cursor, learned } = self.place.open(&runtime, config, self.retype)?;
        let current = resources.current();
        let cap_left = runtime.block_on(resources.cap_left(&current, current.scope(&path)));
        let ask = Opened::ask();
        let question = Question { snapshot: &snapshot, path: &path, cursor, ask: &ask, cap_left };
        match look(&resources, &current, &question, Depth::Everything) {
            Some(look) if self.json => writeln!(out, "{}", serde_json::to_string_pretty(&as_json(&look))?)?,
            Some(look) => as_text(&look, learned, cap_left, out)?,
            None if self.json => writeln!(out, "{}", json!({ "task": null, "gate": "off" }))?,
            None => writeln!(out, "suggestions are off here: `enabled` or the language is switched off")?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Sizes and names, never text of the file.
fn as_json(look: &Look) -> Value {
    let plan = look.plan.as_ref();
    let tokens = plan.map(|plan| plan.prompt_tokens);
    let total = tokens.map(|parts| parts.path + parts.excerpts + parts.prefix + parts.suffix);
    json!({
        "task": look.context.task.map(Task::name),
        "language": look.context.language.name(),
        "node_path": look.context.node_path,
        "gate": match look.gate {
            Gate::Ask => json!("ask"),
            Gate::Silent(why) => json!(why),
        },
        "gate_while_typing": while_typing(look).map_or_else(|| json!("ask"), |why| json!(why)),
        "max_tokens": plan.map(|plan| plan.budget.max_tokens),
        "stops": plan.map(|plan| &plan.stops),
        "deadline_ms": plan.map(|plan| plan.deadline_ms),
        "route": plan.map(|plan| &plan.route.steps),
        "not_asked": plan.map(|plan| &plan.route.skipped),
        "prompt_tokens": total,
        "prompt_parts": tokens,
        "cache": matches!(look.found, Some(Found::Hit(_))),
        "embedded": look.embedded.as_ref().map(|(cut, probability)| json!({
            "probability": probability, "chars": cut.text.chars().count(), "ended": cut.ended,
        })),
        "answer": look.answer.as_ref().map(|answer| json!({ "source": answer.suggested.source.name(), "model": answer.suggested.model })),
    })
}

/// What a look found, as a person reads it; `learned` is the number of files that the embedded model knows.
pub(crate) fn explained(look: &Look, learned: usize, cap_left: Money) -> anyhow::Result<String> {
    let mut out = Vec::new();
    as_text(look, learned, cap_left, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// What keeps models from being asked here while typing: the look is that of somebody who asks with a key.
fn while_typing(look: &Look) -> Option<Reason> {
    match look.gate {
        Gate::Silent(why) => Some(why),
        Gate::Ask => unwanted_at(&look.view.before, &look.view.after),
    }
}

fn as_text(look: &Look, learned: usize, cap_left: Money, out: &mut impl Write) -> anyhow::Result<()> {
    let context = &look.context;
    writeln!(out, "cursor      {}ˇ{}", context.line_before.trim_start(), context.line_after)?;
    writeln!(out, "node        {}", context.node_path.join(" › "))?;
    if !context.scopes.is_empty() {
        writeln!(out, "inside      {}", context.scopes.join(" › "))?;
    }
    let cache = match &look.found {
        Some(Found::Hit(hit)) => format!("an answer of {} fits", hit.decided.model),
        Some(Found::Nothing(decided)) => format!("{} had nothing to say here a moment ago", decided.model),
        None => "nothing fits".to_owned(),
    };
    writeln!(out, "cache       {cache}")?;
    match &look.embedded {
        Some((cut, probability)) => {
            writeln!(out, "embedded    {:.0} % sure, {learned} files learned:", probability * 100.0)?;
            for line in cut.text.lines() {
                writeln!(out, "            │{line}")?;
            }
        }
        None => writeln!(out, "embedded    not sure enough, {learned} files learned")?,
    }
    match &look.plan {
        Some(plan) => {
            write!(out, "{plan}")?;
            if let Some(why) = while_typing(look).filter(|_| look.gate == Gate::Ask) {
                writeln!(out, "typing      silent: {why}; a key asks")?;
            }
            if !plan.route.steps.is_empty() {
                writeln!(out, "cap         {cap_left} left of the caps")?;
            }
        }
        None => writeln!(out, "task        none")?,
    }
    let shown = look.answer.as_ref().map_or("nothing without asking a model", |answer| answer.suggested.source.name());
    writeln!(out, "shown       {shown}")?;
    Ok(())
}

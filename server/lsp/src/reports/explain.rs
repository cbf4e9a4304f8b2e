//! Reports what every stage decides at a place, without calling a model. It leaves deciding to `complete::stages`, as requests do.

use std::io::Write;

use pennyworth_core::cache::Found;
use pennyworth_core::gate::{Gate, Reason, unwanted_at};
use pennyworth_core::money::Money;
use pennyworth_core::read_on::ReadOn;
use pennyworth_core::route::Step;
use pennyworth_core::task::Task;
use serde_json::{Value, json};

use crate::complete::decision::{Decision, Depth};
use crate::complete::stages::{OFF, decide, weigh};
use crate::complete::{Completer, Request};
use crate::documents::session::STALE;
use crate::reports::words::counted;

/// Runs every stage for a request. `None` where suggestions are off.
pub fn decided(completer: &Completer, request: Request, cap_left: Option<Money>) -> Option<Decision> {
    let mut decision = decide(completer, completer.configuration.get(), request, Depth::Everything)?;
    weigh(completer, &mut decision, cap_left, Depth::Everything);
    Some(decision)
}

/// What every stage decides about a request, as text.
pub fn explained(completer: &Completer, request: Request, cap_left: Option<Money>) -> anyhow::Result<String> {
    let learned = completer.learner.model.ask(|model| model.stats().files);
    let Some(decision) = decided(completer, request, cap_left) else { return Ok(format!("{OFF}\n")) };
    let mut out = Vec::new();
    as_text(&decision, learned, cap_left, &mut out)?;
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// The decision as JSON: sizes and names, never text of the file.
pub fn as_json(decision: &Decision) -> Value {
    let plan = decision.plan.as_ref();
    let tokens = plan.map(|plan| plan.prompt_tokens);
    let total = tokens.map(|parts| parts.path + parts.excerpts + parts.prefix + parts.suffix);
    json!({
        "stale": decision.request.snapshot.stale,
        "task": decision.context.task.map(Task::name),
        "language": decision.context.language.name(),
        "node_path": decision.context.node_path,
        "not_parsed": not_parsed(decision),
        "gate": match decision.gate {
            Gate::Ask => json!("ask"),
            Gate::Silent(why) => json!(why),
        },
        "gate_while_typing": while_typing(decision).map_or_else(|| json!("ask"), |why| json!(why)),
        "max_tokens": plan.map(|plan| plan.budget.max_tokens),
        "stops": plan.map(|plan| &plan.stops),
        "deadline_ms": plan.map(|plan| plan.deadline_ms),
        "deadline_ms_while_typing": plan.map(|plan| decision.scope().tasks.row(plan.task).deadline_ms),
        "wait_ms_while_typing": plan.map(|_| decision.wait_ms),
        "route": plan.map(|plan| &plan.route.steps),
        "not_asked": plan.map(|plan| &plan.route.skipped),
        "prompt_tokens": total,
        "prompt_parts": tokens,
        "masked": plan.map(|plan| plan.masks().map_or_else(|why| json!(why), |masks| json!(masks.count))),
        "dismissed": decision.dismissed,
        "cache": matches!(decision.cached, Some(Found::Hit(_))),
        "embedded": decision.embedded.as_ref().map(|(cut, probability)| json!({
            "probability": probability, "chars": cut.text.chars().count(), "ended": cut.ended,
        })),
        "answer": decision.completion.as_ref().map(|found| json!({ "source": found.suggested.source.name(), "model": found.suggested.model })),
    })
}

fn secrets(count: usize) -> String {
    if count == 1 { "1 key or password".to_owned() } else { format!("{count} keys or passwords") }
}

/// Why the text at the cursor is not parsed, if so.
fn not_parsed(decision: &Decision) -> Option<String> {
    let language = decision.context.language;
    let no_grammar = || {
        format!(
            "there is no grammar for {}: comments, strings, brackets and indentation show the task",
            language.name()
        )
    };
    match decision.cursor.barred {
        Some(barred) => Some(barred.why(decision.cursor.language.name())),
        None => language.grammar().is_none().then(no_grammar),
    }
}

/// Why no model is called here while the user types; the decision itself is for a user who asks with a key.
fn while_typing(decision: &Decision) -> Option<Reason> {
    match decision.gate {
        Gate::Silent(why) => Some(why),
        Gate::Ask if decision.untaken => Some(Reason::Untaken),
        Gate::Ask => {
            let reads_on = decision.context.task.is_some_and(|task| decision.scope().tasks.row(task).read_on > 0);
            unwanted_at(&decision.cursor.before, &decision.cursor.after, reads_on)
        }
    }
}

/// The output ceiling of a model whose answer is shown line by line, and why it is this one.
fn ceiling_while_typing(step: &Step) -> String {
    let Step { max_tokens_while_typing: ceiling, read_on: ReadOn { lines, line_tokens, wanted }, .. } = step;
    let wanted = wanted * 100.0;
    match lines {
        2.. if *ceiling < step.read_on.ceiling() => {
            format!("up to {ceiling} tokens back, the most that the task allows")
        }
        0 | 1 => format!("up to {ceiling} tokens back, for one line: another call costs less than a further line"),
        _ => format!(
            "up to {ceiling} tokens back: with {lines} lines of {line_tokens} tokens a line that is taken costs least, if {wanted:.0} % of further lines are"
        ),
    }
}

/// Prints the decision as text; `learned` is the number of files that the embedded model learned.
pub fn as_text(
    decision: &Decision,
    learned: usize,
    cap_left: Option<Money>,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let context = &decision.context;
    if decision.request.snapshot.stale {
        writeln!(out, "document    {STALE}")?;
    }
    writeln!(out, "cursor      {}ˇ{}", context.line_before.trim_start(), context.line_after)?;
    writeln!(out, "node        {}", context.node_path.join(" › "))?;
    if let Some(why) = not_parsed(decision) {
        writeln!(out, "not parsed  {why}")?;
    }
    if !context.scopes.is_empty() {
        writeln!(out, "inside      {}", context.scopes.join(" › "))?;
    }
    if let Some(why) = &decision.scope().unknown {
        writeln!(out, "rules       not known: {why}")?;
    }
    let cache = match &decision.cached {
        Some(Found::Hit(hit)) => format!("an answer of {} fits", hit.decided.model),
        Some(Found::Nothing(decided)) => format!("{} suggested nothing here a moment ago", decided.model),
        None => "nothing fits".to_owned(),
    };
    writeln!(out, "cache       {cache}")?;
    if decision.dismissed {
        writeln!(
            out,
            "dismissed   what you dismissed here a moment ago stays away for a minute; a key brings it back"
        )?;
    }
    match &decision.embedded {
        Some((cut, probability)) => {
            writeln!(
                out,
                "embedded    {:.0} % sure, {} learned:",
                probability * 100.0,
                counted(learned as u64, "file")
            )?;
            for line in cut.text.lines() {
                writeln!(out, "            │{line}")?;
            }
        }
        None if !decision.scope().settings.embedded.enabled => writeln!(out, "embedded    off")?,
        None => writeln!(out, "embedded    not sure enough, {} learned", counted(learned as u64, "file"))?,
    }
    if decision.scope().settings.is_restricted {
        writeln!(out, "models      none: this workspace is not trusted")?;
    }
    match &decision.plan {
        Some(plan) => {
            write!(out, "{plan}")?;
            match plan.masks() {
                Ok(masks) if masks.count == 0 => {}
                Ok(masks) => writeln!(out, "masked      {} in what leaves this machine", secrets(masks.count))?,
                Err(why) => writeln!(out, "masked      nothing leaves this machine: {why}")?,
            }
            let row = decision.scope().tasks.row(plan.task);
            if row.deadline_ms != plan.deadline_ms {
                writeln!(out, "typing      a deadline of {} ms", row.deadline_ms)?;
            }
            if !plan.route.steps.is_empty() {
                let most = decision.scope().settings.debounce_ms;
                writeln!(out, "typing      a wait of {} ms behind a key, of at most {most} ms", decision.wait_ms)?;
            }
            for step in plan.route.steps.iter().filter(|_| row.read_on > 0) {
                writeln!(out, "typing      {}: {}", step.model, ceiling_while_typing(step))?;
            }
            if let Some(why) = while_typing(decision).filter(|_| decision.gate == Gate::Ask) {
                writeln!(out, "typing      no call: {why}; a key still calls")?;
            }
            if !plan.route.steps.is_empty() {
                match cap_left {
                    Some(left) => writeln!(out, "cap         {left} left")?,
                    None => {
                        writeln!(out, "cap         unknown: the ledger cannot be kept, so only free models are asked")?
                    }
                }
            }
        }
        None => writeln!(out, "task        none")?,
    }
    let shown = if decision.request.snapshot.stale {
        "nothing"
    } else {
        decision.completion.as_ref().map_or("nothing without calling a model", |found| found.suggested.source.name())
    };
    writeln!(out, "shown       {shown}")?;
    Ok(())
}

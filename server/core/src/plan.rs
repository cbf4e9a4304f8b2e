//! All that a request needs, decided before any IO: gate, ceiling, stops, deadline, prompt and route. Printable, so that `explain` can show it.
//! It leaves carrying it out to the server.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::budget::{Budget, Feedback, budget};
use crate::gate::{Gate, Moment, begins_below, gate};
use crate::mask::{self, Masks, Unmasked};
use crate::models::{Format, Model, Models};
use crate::prompt::{PartTokens, Prompt, Refusal, Rendered};
use crate::route::{Candidate, Route, Terms, Why, route, route_by_tomorrow};
use crate::task::{Stop, Task};
use crate::tokens::REFERENCE_CHARS_PER_TOKEN;

/// The plan of a request. Serialised it holds sizes, never text.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What is missing at the cursor.
    pub task: Task,
    /// The language's name.
    pub language: String,
    /// Whether models may be asked.
    pub gate: Gate,
    /// The limits of an answer.
    #[serde(flatten)]
    pub budget: Budget,
    /// Where the answer ends.
    pub stops: Vec<Stop>,
    /// Whether the answer is shown line by line and read on behind the first, to the ceiling of each model.
    pub reads_on: bool,
    /// Longest wait, in milliseconds.
    pub deadline_ms: u32,
    /// Estimated tokens of the prompt's parts, by the reference tokenizer.
    pub prompt_tokens: PartTokens,
    /// The prompt.
    #[serde(skip)]
    pub prompt: Prompt,
    /// The models to ask; empty when the gate is silent.
    pub route: Route,
}

/// The inputs of a plan, besides the models.
pub struct Inputs<'a> {
    /// What is missing at the cursor.
    pub task: Task,
    /// The facts of the request.
    pub moment: Moment<'a>,
    /// The prompt, with windows cut and line breaks normalised.
    pub prompt: Prompt,
    /// Accepted lengths from the ledger.
    pub feedback: Option<Feedback>,
    /// The terms of the route; `max_tokens` is set here.
    pub terms: Terms<'a>,
    /// Characters per token of a model, calibrated.
    pub chars_per_token: &'a dyn Fn(&Model) -> f32,
    /// Whether nobody waits for the answer, so that a model that is cheaper by tomorrow costs what it does then.
    pub by_tomorrow: bool,
}

/// Makes the plan.
pub fn plan(models: &Models, inputs: Inputs<'_>) -> Plan {
    let Inputs { task, moment, mut prompt, feedback, terms, chars_per_token, by_tomorrow } = inputs;
    let gate = gate(&moment);
    let budget = budget(terms.row, feedback);
    let terms = Terms { max_tokens: budget.max_tokens, reads_on: terms.reads_on && terms.row.read_on > 0, ..terms };
    prompt.reads_on = terms.reads_on;
    prompt.stop = prompt.stop.or(terms.row.stop.first().copied());
    let route = match gate {
        Gate::Silent(_) => Route::default(),
        Gate::Ask => {
            let candidate = |model| candidate(models, model, (task, &prompt), &terms, chars_per_token);
            let candidates = models.enabled().map(candidate).collect();
            if by_tomorrow { route_by_tomorrow(candidates, &terms) } else { route(candidates, &terms) }
        }
    };
    Plan {
        task,
        language: prompt.language.clone(),
        gate,
        budget,
        stops: terms.row.stop.clone(),
        reads_on: terms.reads_on,
        deadline_ms: terms.deadline_ms,
        prompt_tokens: prompt.tokens(REFERENCE_CHARS_PER_TOKEN),
        prompt,
        route,
    }
}

impl Plan {
    /// What would be masked if the prompt left this machine, with all its excerpts.
    pub fn masks(&self) -> Result<Masks, Why> {
        masked(&self.prompt).map(|(_, masks)| masks)
    }
}

/// A prompt as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// In the model's own format.
    pub rendered: Rendered,
    /// What was masked in it.
    pub masks: Masks,
}

/// A prompt as it is sent to a model: in its own format, cut to `room` tokens by the row's own estimate, and without keys and passwords if the code leaves this machine.
pub fn outgoing(models: &Models, model: &Model, prompt: &Prompt, room: u32) -> Result<Outgoing, Why> {
    let (format, prompt) = fitted(models, model, prompt)?;
    let (prompt, masks) = match model.code_stays_here() {
        false => masked(&prompt).map(|(prompt, masks)| (Cow::Owned(prompt), masks))?,
        true => (prompt, Masks::default()),
    };
    // Masked before it is cut: half a key is known by no rule.
    let cut = cut(&prompt, format, model, room)?;
    Ok(Outgoing { rendered: written(&cut, format)?, masks })
}

fn masked(prompt: &Prompt) -> Result<(Prompt, Masks), Why> {
    mask::masked(prompt).map_err(|why| match why {
        Unmasked::Inside => Why::InSecret,
        Unmasked::Unknown => Why::Unmasked,
    })
}

/// A prompt in a model's own format, as large as it will be sent. Masking changes no sizes, so it waits until something is sent.
fn render(models: &Models, model: &Model, prompt: &Prompt, room: u32) -> Result<Rendered, Why> {
    let (format, prompt) = fitted(models, model, prompt)?;
    written(&*cut(&prompt, format, model, room)?, format)
}

fn cut<'a>(prompt: &'a Prompt, format: &Format, model: &Model, room: u32) -> Result<Cow<'a, Prompt>, Why> {
    prompt.cut_to(format, room, model.chars_per_token).ok_or(Why::Context)
}

/// Tokens that a model's prompt may have beside an answer, in the estimate of its row.
fn room(model: &Model, learned: Option<u32>, chars_per_token: f32, max_tokens: u32) -> u32 {
    // What the model counts as a token, measured in those of its row.
    let counted = model.context.saturating_sub(max_tokens) as f32 * chars_per_token / model.chars_per_token.max(0.5);
    learned.map_or(u32::MAX, |learned| learned.saturating_sub(max_tokens)).min(counted as u32)
}

/// A prompt with the excerpts that a model's row has room for, and the row's format.
fn fitted<'a>(models: &'a Models, model: &Model, prompt: &'a Prompt) -> Result<(&'a Format, Cow<'a, Prompt>), Why> {
    // Loading a row checked that its format exists.
    let format = models.format(&model.format).ok_or_else(|| Why::Marker(model.format.clone()))?;
    // The row's own estimate: the plan and the request then hold the same excerpts, whatever is learned in between.
    Ok((format, prompt.within(format, model.excerpts, model.chars_per_token)))
}

fn written(prompt: &Prompt, format: &Format) -> Result<Rendered, Why> {
    prompt.render(format).map_err(|Refusal { marker }| Why::Marker(marker))
}

fn candidate<'a>(
    models: &Models,
    model: &'a Model,
    (task, prompt): (Task, &Prompt),
    terms: &Terms<'_>,
    chars_per_token: &dyn Fn(&Model) -> f32,
) -> Candidate<'a> {
    // An answer that is read on ends at no line.
    let stops: &[Stop] = if terms.reads_on { &[] } else { &terms.row.stop };
    let chars_per_token = chars_per_token(model);
    let learned = terms.standings.get(&model.name).and_then(|standing| standing.context);
    let most = if terms.reads_on { terms.row.read_on } else { terms.max_tokens };
    let room = room(model, learned, chars_per_token, most);
    let rendered = render(models, model, prompt, room);
    Candidate {
        model,
        prior: models.prior(model, task).mean,
        prompt_tokens: rendered.map(|rendered| rendered.body.tokens(chars_per_token)),
        room,
        stops: models
            .format(&model.format)
            .map_or_else(Vec::new, |format| stop_texts(stops, format, model.stop_limit.into())),
        stops_at_line: !begins_below(&prompt.prefix, &prompt.suffix),
    }
}

/// The stop texts to send, within the provider's limit: those of the task first, because they save money, then those of the format.
///
/// Only a line break and a blank line can be sent as text; the cutter finds a task's other stops while it reads the answer.
pub fn stop_texts(stops: &[Stop], format: &Format, limit: usize) -> Vec<String> {
    let of_task = stops.iter().find_map(|stop| match stop {
        Stop::Newline => Some("\n"),
        Stop::Blank => Some("\n\n"),
        Stop::Balanced | Stop::Statement | Stop::Block | Stop::Item => None,
    });
    of_task.into_iter().chain(format.stops.iter().map(String::as_str)).take(limit).map(str::to_owned).collect()
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PartTokens { path, excerpts, prefix, suffix } = self.prompt_tokens;
        let total = path + excerpts + prefix + suffix;
        writeln!(f, "task        {} ({})", self.task, self.language)?;
        writeln!(f, "gate        {}", self.gate)?;
        writeln!(f, "max_tokens  {}", self.budget.max_tokens)?;
        if self.reads_on {
            writeln!(
                f,
                "shown       line by line; a model is read on while another line is cheaper than another call"
            )?;
        }
        writeln!(f, "stops       {}", self.stops.iter().map(stop_name).collect::<Vec<_>>().join(", "))?;
        writeln!(f, "deadline    {} ms", self.deadline_ms)?;
        writeln!(f, "prompt      ≈{total} tokens: path {path}, excerpts {excerpts}, prefix {prefix}, suffix {suffix}")?;
        for (number, step) in self.route.steps.iter().enumerate() {
            writeln!(
                f,
                "route {:<5} {}: {}, ≈{} prompt tokens, up to {} back, {} expected, {} at most, accepted {:.0} ± {:.0} %, {} per accepted{}{}",
                number + 1,
                step.model,
                if step.code_stays_here { "code stays here" } else { "code leaves this machine" },
                step.prompt_tokens,
                step.max_tokens,
                step.expected_cost,
                step.worst_cost,
                step.acceptance.mean * 100.0,
                step.acceptance.deviation * 100.0,
                step.per_accepted,
                step.wait_ms.map(|wait| format!(", usually after {wait} ms")).unwrap_or_default(),
                if step.explored { ", to learn about it" } else { "" },
            )?;
        }
        if self.route.steps.is_empty() {
            writeln!(f, "route       no model is asked")?;
        }
        for skipped in &self.route.skipped {
            writeln!(f, "not asked   {}: {}", skipped.model, skipped.why)?;
        }
        Ok(())
    }
}

fn stop_name(stop: &Stop) -> &'static str {
    match stop {
        Stop::Newline => "newline",
        Stop::Balanced => "balanced",
        Stop::Statement => "statement",
        Stop::Block => "block",
        Stop::Blank => "blank",
        Stop::Item => "item",
    }
}

#[cfg(test)]
mod tests;

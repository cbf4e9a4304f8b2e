//! The plan of a task on demand: the parts of its prompt with their tokens, the models to ask in order, and what each would cost. Printable, so
//! that it can be shown before anything is sent. It leaves carrying it out to the server.

use std::fmt;

use serde::Serialize;

use super::context::Brief;
use super::part::{Part, PartKind};
use super::prompts::Prompts;
use crate::models::{Model, Models, Shape};
use crate::prompt::Body;
use crate::route::{Candidate, Route, Terms, Why, route, route_by_tomorrow};
use crate::task::Task;
use crate::tokens::REFERENCE_CHARS_PER_TOKEN;

/// The plan of a task on demand. Serialised it holds sizes, never text.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// What is asked for.
    pub task: Task,
    /// The language's name; that of the first file of several.
    pub language: String,
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// Input ceiling in tokens.
    pub input: u32,
    /// Longest wait, in milliseconds.
    pub deadline_ms: u32,
    /// The parts of the prompt.
    pub parts: Vec<PartSize>,
    /// What was left out because the input ceiling was reached.
    pub left_out: Vec<PartSize>,
    /// The prompt.
    #[serde(skip)]
    pub brief: Brief,
    /// How many parts at its beginning each request of the same task has.
    #[serde(skip)]
    pub shared: usize,
    /// The models to ask.
    pub route: Route,
    /// The same if nobody waits for the answer.
    #[serde(skip)]
    pub later: Route,
}

/// The size of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartSize {
    /// What it is.
    pub kind: PartKind,
    /// Its file, as prompts show it.
    pub path: String,
    /// Its first line, counted from 1; 0 for what stands in none.
    pub line: usize,
    /// Estimated tokens, by the reference tokenizer.
    pub tokens: u32,
}

impl Plan {
    /// Estimated tokens of the prompt, without the system message.
    pub fn tokens(&self) -> u32 {
        self.parts.iter().map(|part| part.tokens).sum()
    }

    /// Whether what the prompt must hold is more than its ceiling, by more than rounding each part up may give.
    pub fn is_too_large(&self) -> bool {
        self.tokens() > self.input.saturating_add(u32::try_from(self.parts.len()).unwrap_or(u32::MAX))
    }
}

/// The inputs of a plan, besides the models.
pub struct Inputs<'a> {
    /// What is asked for.
    pub task: Task,
    /// The language's name.
    pub language: &'a str,
    /// The prompt.
    pub brief: Brief,
    /// How many parts at its beginning each request of the same task has.
    pub shared: usize,
    /// The system messages.
    pub prompts: &'a Prompts,
    /// The terms of the route.
    pub terms: Terms<'a>,
    /// Characters per token of a model, calibrated.
    pub chars_per_token: &'a dyn Fn(&Model) -> f32,
}

/// Makes the plan.
pub fn plan(models: &Models, inputs: Inputs<'_>) -> Plan {
    let Inputs { task, language, brief, shared, prompts, terms, chars_per_token } = inputs;
    let candidate = |model| candidate(models, model, (task, &brief, shared), prompts, &terms, chars_per_token);
    let candidates: Vec<_> = models.enabled().map(candidate).collect();
    let later = route_by_tomorrow(candidates.clone(), &terms);
    let route = route(candidates, &terms);
    let size = |part: &Part| PartSize {
        kind: part.kind,
        path: part.path.clone(),
        line: part.line,
        tokens: part.tokens(REFERENCE_CHARS_PER_TOKEN),
    };
    Plan {
        task,
        language: language.to_owned(),
        max_tokens: terms.max_tokens,
        input: terms.row.input,
        deadline_ms: terms.deadline_ms,
        parts: brief.parts.iter().map(size).collect(),
        left_out: brief.left_out.iter().map(size).collect(),
        brief,
        shared,
        route,
        later,
    }
}

/// The messages for the model with this id: the system message, what each request of the task begins with, and the rest.
pub fn body(prompts: &Prompts, task: Task, id: &str, brief: &Brief, shared: usize) -> Body {
    let (first, rest) = brief.parts.split_at_checked(shared).unwrap_or((&[], &brief.parts));
    let shown = |parts: &[Part]| parts.iter().map(Part::shown).collect::<Vec<_>>().join("\n");
    let gap = if first.is_empty() { "" } else { "\n" };
    Body::Chat { system: prompts.of(task, id).to_owned(), shared: shown(first) + gap, user: shown(rest) }
}

fn candidate<'a>(
    models: &Models,
    model: &'a Model,
    (task, brief, shared): (Task, &Brief, usize),
    prompts: &Prompts,
    terms: &Terms<'_>,
    chars_per_token: &dyn Fn(&Model) -> f32,
) -> Candidate<'a> {
    let format = models.format(&model.format);
    let is_chat = format.is_some_and(|format| format.shape == Shape::Chat);
    let learned = terms.standings.get(&model.name).and_then(|standing| standing.context);
    let room = learned.unwrap_or(model.context).saturating_sub(terms.max_tokens);
    let tokens = || body(prompts, task, &model.id, brief, shared).tokens(chars_per_token(model));
    let prompt_tokens = match is_chat {
        false => Err(Why::NoChat),
        true => Some(tokens()).filter(|tokens| *tokens <= room).ok_or(Why::Context),
    };
    let prior = models.prior(model, task).mean;
    Candidate { model, prior, prompt_tokens, room, stops: Vec::new(), stops_at_line: false }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: u32 = self.parts.iter().map(|part| part.tokens).sum();
        writeln!(f, "task        {} ({})", self.task, self.language)?;
        writeln!(f, "max_tokens  {}", self.max_tokens)?;
        writeln!(f, "input       ≈{total} tokens of at most {}", self.input)?;
        for part in &self.parts {
            writeln!(f, "  {:>6}    {part}", part.tokens)?;
        }
        for part in &self.left_out {
            writeln!(f, "  left out  {part}, ≈{} tokens", part.tokens)?;
        }
        for (number, step) in self.route.steps.iter().enumerate() {
            writeln!(
                f,
                "route {:<5} {}: {}, ≈{} prompt tokens, {} expected, {} at most, valid {:.0} ± {:.0} %",
                number + 1,
                step.model,
                if step.code_stays_here { "code stays here" } else { "code leaves this machine" },
                step.prompt_tokens,
                step.expected_cost,
                step.worst_cost,
                step.acceptance.mean * 100.0,
                step.acceptance.deviation * 100.0,
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

impl fmt::Display for PartSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            PartKind::Instruction => "instruction",
            PartKind::Diagnostic => "diagnostic",
            PartKind::Hunk => "hunk",
            PartKind::Lines => "lines",
            PartKind::Head => "head around",
            PartKind::Definition => "definition",
            PartKind::Pattern => "pattern",
            PartKind::Outline => "outline",
        };
        match (self.path.as_str(), self.line) {
            ("", _) => f.write_str(kind),
            (path, 0) => write!(f, "{kind} of {path}"),
            (path, line) => write!(f, "{kind} at {path}:{line}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::models::WeekHour;
    use crate::money::Money;
    use crate::route::Privacy;
    use crate::task::Tasks;

    #[test]
    fn only_models_that_take_instructions_are_asked_and_the_parts_are_counted() {
        let row = "[model.gpt-6-luna]\n[model.local]\nprovider = 'llamacpp'\n";
        let (models, problems) = Models::builtin().extended("c.toml", row);
        assert_eq!(problems, []);
        let (tasks, standings) = (Tasks::builtin(), BTreeMap::new());
        let row = tasks.row(Task::Review);
        let terms = Terms {
            row,
            standings: &standings,
            cap_left: Some(Money::from_usd(1.0)),
            privacy: Privacy::Named,
            pin: None,
            max_tokens: row.max_tokens,
            reads_on: false,
            worth: Money::ZERO,
            deadline_ms: row.deadline_ms,
            now: WeekHour::of(0),
            explore: false,
        };
        let parts = vec![
            Part { kind: PartKind::Outline, path: "a.rs".into(), line: 0, text: "1: fn a() …".into() },
            Part::said(PartKind::Instruction, "Review it."),
        ];
        let brief = Brief { parts, left_out: Vec::new() };
        let prompts = Prompts::builtin();
        let inputs = Inputs {
            task: Task::Review,
            language: "rust",
            brief: brief.clone(),
            shared: 1,
            prompts: &prompts,
            terms,
            chars_per_token: &|model| model.chars_per_token,
        };
        let plan = plan(&models, inputs);
        let asked: Vec<&str> = plan.route.steps.iter().map(|step| step.model.as_str()).collect();
        assert_eq!(asked, ["gpt-6-luna"]);
        assert_eq!(plan.route.skipped[0].why, Why::NoChat);
        assert_eq!(plan.route.steps[0].max_tokens, 4096);
        let shown = plan.to_string();
        assert!(shown.contains("outline of a.rs") && shown.contains("local: it continues code"), "{shown}");
        let Body::Chat { system, shared, user } = body(&prompts, Task::Review, "gpt-6-luna", &brief, 1) else {
            panic!()
        };
        assert!(system.starts_with("Review a change") && shared.starts_with("a.rs outline") && user == "Review it.\n");
    }
}

//! A request whose answer comes when nobody waits for it any more: what is sent for it, and how its answer is read then, in a form that can be kept. It
//! leaves the plan to `stages`, reading an answer to `reading`, and sending to `jobs`.

use std::fmt;
use std::path::PathBuf;

use pennyworth_core::caps::Caps;
use pennyworth_core::cut::{CutInput, Cutter, SoFar};
use pennyworth_core::mask::Masks;
use pennyworth_core::models::Model;
use pennyworth_core::plan::Outgoing;
use pennyworth_core::prompt::{Body, Realign};
use pennyworth_core::route::Step;
use pennyworth_providers::{Chunk, FinishReason};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::call::written;
use super::completer::Completer;
use super::cutting::input;
use super::decision::Decision;
use super::ends::{End, ForLedger};
use super::failover::least;
use super::reading::{Cutters, Heard, Least, Listeners, Reading, Stage};
use crate::ledger::{CallId, Entry};

/// A request that nobody waits for: what is sent for it, and how its answer is read.
pub struct Deferred {
    /// The model.
    pub model: Model,
    /// How it is asked.
    pub step: Step,
    /// The prompt.
    pub body: Body,
    /// The call.
    pub entry: Entry,
    /// The caps that hold at its place.
    pub caps: Caps,
    /// The workspace.
    pub root: PathBuf,
    /// The files whose text may be in the prompt.
    pub files: Vec<PathBuf>,
    /// How its answer is read.
    pub awaited: Awaited,
}

/// How an answer is read that comes later: as it would have been at once, whatever became of the place.
#[derive(Clone, Serialize, Deserialize)]
pub struct Awaited {
    cut: CutInput,
    masks: Masks,
    realign: Realign,
    least: Least,
}

/// An answer as it came.
#[derive(Clone)]
pub struct Came {
    /// Its text in pieces, each with the joint logprob of its tokens, if it is known.
    pub pieces: Vec<(String, Option<f32>)>,
    /// Why it ended.
    pub finish: FinishReason,
}

/// What the server would cut out of an answer to show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutout {
    /// The text.
    pub text: Option<String>,
    /// Why there is none, in a word.
    pub why: Option<&'static str>,
}

/// What is sent for a request to the first model of its plan. The error says why nothing is.
pub fn deferred(completer: &Completer, decision: &Decision) -> Result<Deferred, String> {
    let models = &decision.configuration.models;
    let found = decision.plan.as_ref().and_then(|plan| {
        let step = plan.route.steps.first()?;
        Some((plan, step, models.get(&step.model)?))
    });
    let (plan, step, model) = found.ok_or("no model may be asked")?;
    let written = written(&completer.providers, (models, plan, step), model).map_err(|why| why.to_string())?;
    let Outgoing { rendered, masks } = written;
    let awaited = Awaited {
        cut: input(decision, plan.task, models.format(&model.format), plan.reads_on),
        masks,
        realign: Realign::new(&rendered),
        least: least(completer, decision, plan.task, &step.model),
    };
    let root = decision.scope().root.clone();
    let others = plan.prompt.excerpts.iter().map(|excerpt| root.join(&excerpt.path));
    let files = std::iter::once(decision.request.path.clone()).chain(others).collect();
    Ok(Deferred {
        model: model.clone(),
        step: step.clone(),
        body: rendered.body,
        entry: Entry { is_trial: decision.request.is_trial, ..Entry::new(plan, step, model) },
        caps: decision.scope().settings.caps(),
        root,
        files,
        awaited,
    })
}

impl Awaited {
    /// Reads an answer, as one that comes piece by piece.
    pub fn cut(&self, call: CallId, came: &Came) -> Cutout {
        let make = || {
            let first = Cutter::new(self.cut.clone()).refusing(self.masks.clone());
            Cutters { first, lines: None, reads_on: false }
        };
        let (stage, nobody) = (watch::Sender::new(Stage::default()), |_: SoFar| {});
        let listeners = Listeners { text: None, stage, lines: &nobody };
        let mut reading = Reading::new(Box::new(make), self.realign.clone(), self.least, listeners);
        let texts = came.pieces.iter().map(|(text, logprob)| Chunk::Text { text: text.clone(), logprob: *logprob });
        let mut chunks = texts.chain([Chunk::Finish(came.finish)]);
        // A call is dropped once enough is read, so that nobody hears how it would have ended.
        let is_dropped = chunks.any(|chunk| reading.take(chunk) == Heard::Over);
        let is_truncated = !is_dropped && came.finish == FinishReason::Length;
        let end = reading.finish(call, is_truncated, None);
        let why = match end.meaning().ledger {
            ForLedger::Settled(why) => why,
            _ => None,
        };
        match end {
            End::Answered(answered) if !answered.cut.text.trim().is_empty() => {
                Cutout { text: Some(answered.cut.text), why: None }
            }
            _ => Cutout { text: None, why },
        }
    }
}

impl fmt::Debug for Came {
    /// Without the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Came").field("pieces", &self.pieces.len()).field("finish", &self.finish).finish_non_exhaustive()
    }
}

impl fmt::Debug for Awaited {
    /// Without the code around the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Awaited").field("task", &self.cut.task).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use pennyworth_core::cut::{Rejection, Surroundings};
    use pennyworth_core::models::Shape;
    use pennyworth_core::task::{Stop, Task};
    use ropey::Rope;

    use super::*;

    const CODE: &str = "fn main() {\n    let total = sum();\n    println!(\"{total}\");\n}\n";

    /// What is kept for the place behind `sum(`, once it was read from a file.
    fn awaited() -> Awaited {
        let language = pennyworth_grammars::by_name("rust").unwrap();
        let surroundings = Surroundings::of(&Rope::from_str(CODE), language, None, CODE.find(");").unwrap());
        let cut = CutInput {
            surroundings,
            task: Task::Argument,
            stops: vec![Stop::Balanced, Stop::Newline],
            shape: Shape::Raw,
            markers: Vec::new(),
            max_lines: 1,
            by_line: false,
        };
        let rendered =
            pennyworth_core::prompt::Rendered { body: Body::Raw { prompt: String::new() }, held: " ".into() };
        let realign = Realign::new(&rendered);
        let kept = Awaited { cut, masks: Masks::default(), realign, least: Least { shown: 0.5, read: 0.1 } };
        serde_json::from_str(&serde_json::to_string(&kept).unwrap()).unwrap()
    }

    #[test]
    fn an_answer_that_comes_later_is_cut_as_one_that_came_at_once() {
        let (stop, length) = (FinishReason::Stop, FinishReason::Length);
        let shown = |text: &'static str| (Some(text), None);
        for (text, logprob, finish, expected) in [
            ("a, b", None, stop, shown("a, b")),
            // The blank that was not sent comes again, and what closes stands there.
            (" a, b);\n", Some(-0.1), stop, shown("a, b")),
            ("a, b", Some(-1.2), stop, (None, Some("unsure"))),
            ("a, b", Some(-9.0), stop, (None, Some("unsure"))),
            ("", None, stop, (None, Some(Rejection::Empty.name()))),
            ("a, b", None, length, (None, Some(Rejection::Truncated.name()))),
        ] {
            let came = Came { pieces: vec![(text.into(), logprob)], finish };
            let Cutout { text: found, why } = awaited().cut(CallId::of_a_test(), &came);
            assert_eq!((found.as_deref(), why), expected, "{text:?}");
        }
    }
    #[test]
    fn what_is_behind_the_end_of_what_is_shown_makes_it_no_less_sure() {
        let piece = |text: &str, logprob| (text.to_owned(), Some(logprob));
        let pieces = vec![piece("a, b", -0.1), piece(");", -0.2), piece("\n    other", -5.0)];
        for (finish, expected) in [(FinishReason::Stop, "a, b"), (FinishReason::Length, "a, b")] {
            let came = Came { pieces: pieces.clone(), finish };
            assert_eq!(awaited().cut(CallId::of_a_test(), &came).text.as_deref(), Some(expected));
        }
        let unsure = Came { pieces: vec![piece("a, b", -3.0), piece(");", -0.1)], finish: FinishReason::Stop };
        assert_eq!(awaited().cut(CallId::of_a_test(), &unsure), Cutout { text: None, why: Some("unsure") });
    }
}

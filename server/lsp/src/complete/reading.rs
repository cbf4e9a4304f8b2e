//! An answer while it is read: it passes each chunk through the cutter, follows the probability of the text, and tells how far the answer has
//! come. A panic of the cutter ends the answer, not the call.
//! It leaves the stream and its settlement to `call`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pennyworth_core::cut::{Cut, Cutter, Finish, Progress};
use pennyworth_core::prompt::Realign;
use pennyworth_providers::{Chunk, FinishReason, ProviderError};
use tokio::sync::watch;

use super::ends::{Answered, End};
use super::flights::Partial;
use crate::ledger::CallId;

/// The joint probabilities of an answer's tokens below which it is of less use.
#[derive(Clone, Copy, Debug)]
pub struct Least {
    /// Below this one the answer is not shown to this request.
    pub shown: f32,
    /// Below this one nobody is shown it, so the rest of it is not read.
    pub read: f32,
}

/// How far an answer has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// No text yet.
    #[default]
    Silent,
    /// Some text.
    Begun,
    /// The text is too improbable to be shown to this request. It is read on for a user who asks with a key.
    Unsure,
}

/// Who listens to an answer.
pub(super) struct Listeners<'a> {
    /// Receives the text as it streams, with the model's name.
    pub(super) text: Option<(&'a Partial, &'a str)>,
    /// Receives the stage.
    pub(super) stage: watch::Sender<Stage>,
}

/// An answer while it is read.
pub(super) struct Reading<'a> {
    /// `None` after it panicked.
    cutter: Option<Cutter>,
    realign: Realign,
    listeners: Listeners<'a>,
    finish: Finish,
    /// The joint logprob of the text so far; `None` once a chunk came without one.
    joint: Option<f32>,
    least: Least,
    /// What was whole when the probability fell below the least one to be shown.
    sure: Option<(Cut, Option<f32>)>,
    has_text: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn new(cutter: Cutter, realign: Realign, least: Least, listeners: Listeners<'a>) -> Reading<'a> {
        let (cutter, joint) = (Some(cutter), Some(0.0));
        Reading { cutter, realign, listeners, finish: Finish::Stop, joint, least, sure: None, has_text: false }
    }

    /// Whether any text has come.
    pub(super) fn has_text(&self) -> bool {
        self.has_text
    }

    /// Reads a chunk.
    pub(super) fn take(&mut self, chunk: Chunk) -> Progress {
        match chunk {
            Chunk::Text { text, logprob } => self.text(&text, logprob),
            Chunk::Usage(_) | Chunk::Limits(_) => Progress::More,
            Chunk::Finish(reason) => {
                self.finish = match reason {
                    FinishReason::Stop => Finish::Stop,
                    FinishReason::Length => Finish::Length,
                    // Of a filtered answer, what is whole before the cut is kept.
                    FinishReason::Filtered | FinishReason::Other => Finish::CutOff,
                };
                Progress::More
            }
        }
    }

    fn text(&mut self, text: &str, logprob: Option<f32>) -> Progress {
        let joint = self.joint.zip(logprob).map(|(joint, logprob)| joint + logprob);
        let is_below = |least: f32| joint.is_some_and(|joint| joint.exp() < least);
        if is_below(self.least.shown) && !self.is_unsure() {
            self.sure = self.whole_so_far();
            if self.sure.is_some() {
                return Progress::Done;
            }
            self.listeners.stage.send_replace(Stage::Unsure);
        }
        if is_below(self.least.read) {
            self.finish = Finish::CutOff;
            return Progress::Done;
        }
        self.joint = joint;
        self.has_text = true;
        self.listeners.stage.send_if_modified(|stage| {
            *stage == Stage::Silent && std::mem::replace(stage, Stage::Begun) == Stage::Silent
        });
        let text = self.realign.push(text);
        if let Some((partial, model)) = self.listeners.text {
            partial.push(model, text);
        }
        self.with_cutter(|cutter| cutter.push(text)).unwrap_or(Progress::Done)
    }

    fn is_unsure(&self) -> bool {
        *self.listeners.stage.borrow() == Stage::Unsure
    }

    /// What is whole of the text so far, with its probability.
    fn whole_so_far(&mut self) -> Option<(Cut, Option<f32>)> {
        let cut = self.with_cutter(|cutter| cutter.clone().finish(Finish::CutOff))?.ok()?;
        Some((cut, self.joint))
    }

    /// The end of the answer. If the stream broke off, only what is whole of it counts.
    pub(super) fn finish(mut self, call: CallId, truncated: bool, broken: Option<ProviderError>) -> End {
        let answered = |cut, joint: Option<f32>, broken| Answered {
            cut,
            probability: joint.map(f32::exp),
            call,
            truncated,
            broken,
        };
        if let Some((cut, joint)) = self.sure.take() {
            return End::Answered(answered(cut, joint, None));
        }
        let finish = if broken.is_some() { Finish::CutOff } else { self.finish };
        let cut = self.cutter.take().map(|cutter| guarded(|| cutter.finish(finish)));
        match (cut, broken) {
            (None | Some(None), _) => End::Crashed,
            (Some(Some(Ok(cut))), broken) if self.is_unsure() => End::Unsure(Some(answered(cut, self.joint, broken))),
            (Some(Some(Ok(cut))), broken) => End::Answered(answered(cut, self.joint, broken)),
            (Some(Some(Err(_))), Some(error)) => End::of(error),
            (Some(Some(Err(_))), None) if self.is_unsure() => End::Unsure(None),
            (Some(Some(Err(rejection))), None) => End::Rejected(rejection),
        }
    }

    /// Does something with the cutter; `None` if it panics, now or before.
    fn with_cutter<T>(&mut self, work: impl FnOnce(&mut Cutter) -> T) -> Option<T> {
        let cutter = self.cutter.as_mut()?;
        let done = guarded(|| work(cutter));
        if done.is_none() {
            self.cutter = None;
        }
        done
    }
}

/// Runs work that may panic; `None` if it does. The provider is not at fault, and asking again right away would panic again.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).inspect_err(|_| tracing::error!("reading an answer panicked")).ok()
}

#[cfg(test)]
mod tests {
    use pennyworth_core::cut::{CutInput, Surroundings};
    use pennyworth_core::models::Shape;
    use pennyworth_core::prompt::{Body, Rendered};
    use pennyworth_core::task::Task;

    use super::*;

    const CALL: CallId = CallId::of_a_test();

    fn reading(least: Least) -> Reading<'static> {
        let cutter = Cutter::new(CutInput {
            surroundings: Surroundings::default(),
            task: Task::Line,
            stops: Vec::new(),
            shape: Shape::Raw,
            markers: Vec::new(),
            max_lines: 4,
            by_line: false,
        });
        let rendered = Rendered { body: Body::Raw { prompt: String::new() }, held: String::new() };
        let listeners = Listeners { text: None, stage: watch::Sender::new(Stage::default()) };
        Reading::new(cutter, Realign::new(&rendered), least, listeners)
    }

    fn text(text: &str, probability: f32) -> Chunk {
        Chunk::Text { text: text.to_owned(), logprob: Some(probability.ln()) }
    }

    #[test]
    fn a_panic_of_the_cutter_ends_the_answer_and_blames_nobody() {
        let mut reading = reading(Least { shown: 0.1, read: 0.1 });
        assert_eq!(reading.take(text("a", 1.0)), Progress::More);
        assert!(reading.with_cutter(|_| panic!("a test")).is_none());
        assert_eq!(reading.take(text("b", 1.0)), Progress::Done);
        assert!(matches!(reading.finish(CALL, false, None), End::Crashed));
    }

    #[test]
    fn what_is_too_unsure_to_be_shown_is_read_on_for_who_asks_unless_something_is_whole() {
        let ends = |pieces: &[(&str, f32)], broken| {
            let mut reading = reading(Least { shown: 0.5, read: 0.1 });
            let read =
                pieces.iter().take_while(|(piece, sure)| reading.take(text(piece, *sure)) == Progress::More).count();
            let end = match reading.finish(CALL, false, broken) {
                End::Answered(answered) => format!("shown {}", answered.cut.text),
                End::Unsure(Some(answered)) => format!("unsure {}", answered.cut.text),
                other => format!("{other}"),
            };
            (read, end)
        };
        let found = |read, end: &str| (read, end.to_owned());
        assert_eq!(ends(&[("first", 0.9), ("()", 0.9)], None), found(2, "shown first()"));
        assert_eq!(ends(&[("first", 0.4), ("()", 0.9)], None), found(2, "unsure first()"));
        assert_eq!(ends(&[("first()", 0.9), (".x", 0.4), ("()", 0.9)], None), found(1, "shown first()"));
        assert_eq!(ends(&[("first", 0.4), ("()", 0.2), ("x", 0.9)], None), found(1, "the model is not sure enough"));
        let broken = || Some(ProviderError::new(pennyworth_providers::Kind::CutOff));
        assert_eq!(ends(&[("first", 0.9), ("()", 0.9)], broken()), found(2, "shown first()"));
        assert_eq!(ends(&[("first", 0.9)], broken()), found(1, "the answer was cut off"));
    }
}

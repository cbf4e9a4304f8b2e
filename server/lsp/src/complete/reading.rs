//! An answer while it is read: it passes each chunk through the cutter, follows the probability of the text, and tells how far the answer has
//! come. Behind the part that is shown first it is read on, line by line. A panic of the cutter ends the answer, not the call.
//! It leaves the stream and its settlement to `call`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pennyworth_core::cut::{Cut, Cutter, Finish, Progress, SoFar};
use pennyworth_core::prompt::Realign;
use pennyworth_providers::{Chunk, FinishReason, ProviderError};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::ends::{Answered, End};
use super::flights::Partial;
use crate::ledger::CallId;

/// The joint probabilities of an answer's tokens below which it is of less use.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
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

/// What a chunk brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing to act on.
    More,
    /// The part that is shown first is whole. The answer is read on.
    First,
    /// Enough is read.
    Over,
}

/// The cutters of an answer.
pub struct Cutters {
    /// Cuts the part that is shown first.
    pub first: Cutter,
    /// Cuts the lines of the whole answer, if it is shown line by line.
    pub lines: Option<Cutter>,
    /// Whether the answer is read on behind the first line. Otherwise only lines that came with the first are kept.
    pub reads_on: bool,
}

/// Who listens to an answer.
pub(super) struct Listeners<'a> {
    /// Receives the text as it streams, with the model's name.
    pub(super) text: Option<(&'a Partial, &'a str)>,
    /// Receives the stage.
    pub(super) stage: watch::Sender<Stage>,
    /// Receives the whole lines, each time that another one has come.
    pub(super) lines: &'a (dyn Fn(SoFar) + Sync),
}

/// Makes the cutters of an answer, once it comes.
pub(super) type MakeCutters<'a> = Box<dyn FnOnce() -> Cutters + Send + 'a>;

/// An answer while it is read.
pub(super) struct Reading<'a> {
    /// `None` once the cutters are made.
    make: Option<MakeCutters<'a>>,
    /// `None` after it panicked.
    cutter: Option<Cutter>,
    /// `None` if the answer is not shown line by line.
    lines: Option<Cutter>,
    reads_on: bool,
    /// What was shown first, with its probability, once the answer is read on.
    first: Option<(Cut, Option<f32>)>,
    realign: Realign,
    listeners: Listeners<'a>,
    finish: Finish,
    /// The joint logprob of the text so far; `None` once a chunk came without one.
    joint: Option<f32>,
    least: Least,
    /// What was whole when the probability fell below the least one to be shown.
    sure: Option<(Cut, Option<f32>)>,
    has_text: bool,
    has_ended: bool,
}

impl<'a> Reading<'a> {
    /// An answer that nothing is known of yet. `make` makes its cutters once it comes.
    pub(super) fn new(make: MakeCutters<'a>, realign: Realign, least: Least, listeners: Listeners<'a>) -> Reading<'a> {
        Reading {
            make: Some(make),
            cutter: None,
            lines: None,
            reads_on: false,
            first: None,
            realign,
            listeners,
            finish: Finish::Stop,
            joint: Some(0.0),
            least,
            sure: None,
            has_text: false,
            has_ended: false,
        }
    }

    /// What is shown first, with its probability, once the answer is read on.
    pub(super) fn first(&self) -> Option<&(Cut, Option<f32>)> {
        self.first.as_ref()
    }

    /// Whether any text has come.
    pub(super) fn has_text(&self) -> bool {
        self.has_text
    }

    /// Reads a chunk.
    pub(super) fn take(&mut self, chunk: Chunk) -> Heard {
        match chunk {
            Chunk::Text { text, logprob } if self.first.is_some() => self.read_on(&text, logprob),
            Chunk::Text { text, logprob } => self.text(&text, logprob),
            Chunk::Usage(_) | Chunk::Limits(_) => Heard::More,
            Chunk::Finish(reason) => {
                self.has_ended = true;
                self.finish = match reason {
                    FinishReason::Stop => Finish::Stop,
                    FinishReason::Length => Finish::Length,
                    // Of a filtered answer, what is whole before the cut is kept.
                    FinishReason::Filtered | FinishReason::Other => Finish::CutOff,
                };
                Heard::More
            }
        }
    }

    fn make_cutters(&mut self) {
        if let Some(Cutters { first, lines, reads_on }) = self.make.take().and_then(guarded) {
            (self.cutter, self.lines, self.reads_on) = (Some(first), lines, reads_on);
        }
    }

    fn text(&mut self, text: &str, logprob: Option<f32>) -> Heard {
        self.make_cutters();
        let joint = self.joint.zip(logprob).map(|(joint, logprob)| joint + logprob);
        let is_below = |least: f32| joint.is_some_and(|joint| joint.exp() < least);
        if is_below(self.least.shown) && !self.is_unsure() {
            self.sure = self.whole_so_far();
            if self.sure.is_some() {
                return Heard::Over;
            }
            self.listeners.stage.send_replace(Stage::Unsure);
        }
        if is_below(self.least.read) {
            self.finish = Finish::CutOff;
            return Heard::Over;
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
        let first = self.with_cutter(|cutter| cutter.push(text)).unwrap_or(Progress::Done);
        let lines = self.push_lines(text);
        match (first, lines) {
            (Progress::More, _) => Heard::More,
            (Progress::Done, Some(Progress::More)) if self.reads_on && !self.is_unsure() => self.shows_first(),
            (Progress::Done, _) => Heard::Over,
        }
    }

    /// Takes what is shown first out of the answer, which is read on if there is something to show.
    fn shows_first(&mut self) -> Heard {
        let cut = self.with_cutter(|cutter| cutter.clone().finish(Finish::Stop));
        let Some(Ok(cut)) = cut else { return Heard::Over };
        self.first = Some((cut, self.joint));
        self.joint = self.joint.map(|_| 0.0);
        Heard::First
    }

    /// Reads on. A line whose tokens are too improbable together to be shown ends the answer before it.
    fn read_on(&mut self, text: &str, logprob: Option<f32>) -> Heard {
        self.joint = self.joint.zip(logprob).map(|(joint, logprob)| joint + logprob);
        if self.joint.is_some_and(|joint| joint.exp() < self.least.shown) {
            self.finish = Finish::CutOff;
            return Heard::Over;
        }
        if text.contains('\n') {
            self.joint = self.joint.map(|_| 0.0);
        }
        let text = self.realign.push(text);
        if let Some((partial, model)) = self.listeners.text {
            partial.push(model, text);
        }
        match self.push_lines(text) {
            Some(Progress::More) => Heard::More,
            Some(Progress::Done) | None => Heard::Over,
        }
    }

    /// Passes text to the cutter of lines, and tells of another whole line. `None` if the answer is not shown line by line.
    fn push_lines(&mut self, text: &str) -> Option<Progress> {
        let lines = self.lines.as_mut()?;
        let progress = guarded(|| lines.push(text));
        if progress.is_none() {
            self.lines = None;
        } else if text.contains(['\n', '\r']) || progress == Some(Progress::Done) {
            self.tell_lines(None);
        }
        progress
    }

    fn tell_lines(&self, finish: Option<Finish>) {
        if self.is_unsure() {
            return;
        }
        let so_far = self.lines.as_ref().and_then(|lines| guarded(|| lines.so_far(finish)));
        if let Some(so_far) = so_far.filter(|so_far| !so_far.text.trim().is_empty()) {
            (self.listeners.lines)(so_far);
        }
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
        self.make_cutters();
        let finish = if broken.is_some() { Finish::CutOff } else { self.finish };
        // Without a word of the provider, the last line may go on.
        self.tell_lines(Some(if self.has_ended { finish } else { Finish::CutOff }));
        if let Some((cut, joint)) = self.first.take() {
            return End::Answered(answered(cut, joint, broken));
        }
        if let Some((cut, joint)) = self.sure.take() {
            return End::Answered(answered(cut, joint, None));
        }
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
        let first = Cutter::new(CutInput {
            surroundings: Surroundings::of(&ropey::Rope::new(), pennyworth_grammars::text(), None, 0),
            task: Task::Line,
            stops: Vec::new(),
            shape: Shape::Raw,
            markers: Vec::new(),
            max_lines: 4,
            by_line: false,
        });
        let rendered = Rendered { body: Body::Raw { prompt: String::new() }, held: String::new() };
        let listeners = Listeners { text: None, stage: watch::Sender::new(Stage::default()), lines: &|_| {} };
        Reading::new(
            Box::new(|| Cutters { first, lines: None, reads_on: false }),
            Realign::new(&rendered),
            least,
            listeners,
        )
    }

    fn text(text: &str, probability: f32) -> Chunk {
        Chunk::Text { text: text.to_owned(), logprob: Some(probability.ln()) }
    }

    #[test]
    fn a_panic_of_the_cutter_ends_the_answer_and_blames_nobody() {
        let mut reading = reading(Least { shown: 0.1, read: 0.1 });
        assert_eq!(reading.take(text("a", 1.0)), Heard::More);
        assert!(reading.with_cutter(|_| panic!("a test")).is_none());
        assert_eq!(reading.take(text("b", 1.0)), Heard::Over);
        assert!(matches!(reading.finish(CALL, false, None), End::Crashed));
    }

    #[test]
    fn what_is_too_unsure_to_be_shown_is_read_on_for_who_asks_unless_something_is_whole() {
        let ends = |pieces: &[(&str, f32)], broken| {
            let mut reading = reading(Least { shown: 0.5, read: 0.1 });
            let read =
                pieces.iter().take_while(|(piece, sure)| reading.take(text(piece, *sure)) == Heard::More).count();
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

//! Calls in flight, one per document. A call goes on while its answer may still fit what the user types, so that nothing is paid for twice.
//! A call that has answered reads on. It is aborted once nobody needs its answer, unless it is billed in full.
//! It leaves calling models to `failover`, and finding an answer again at a later place to the cache.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use pennyworth_core::present::AUTO_CLOSED;
use pennyworth_core::prompt::normalised;
use pennyworth_core::text;
use ropey::Rope;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::completion::Completion;
use crate::sync::lock;

/// How long a call goes on while nobody waits for it: editors cancel a request just before they send the edit and the next request.
const ALONE: Duration = Duration::from_millis(500);

/// The calls in flight.
#[derive(Default)]
pub struct Flights {
    all: Mutex<All>,
    clock: Arc<AtomicU64>,
}

#[derive(Default)]
struct All {
    /// By the path of their document.
    wanted: HashMap<PathBuf, Arc<Flight>>,
    /// Calls that were given up but are read to their end, because they are billed in full.
    unwanted: Vec<Arc<Flight>>,
}

/// The place that a call completes.
#[derive(Clone, Debug)]
pub struct Target {
    /// The document when the call began. For a call made ahead: the document once the suggestion on the screen is accepted.
    pub text: Rope,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// The number of the request that begins the call.
    pub number: Option<u64>,
    /// Whether the call is made ahead.
    pub is_ahead: bool,
    /// Whether the provider bills aborted calls in full, so that aborting saves nothing.
    pub is_billed_whole: bool,
}

/// A call in flight.
struct Flight {
    target: Target,
    partial: Arc<Partial>,
    abort: AbortHandle,
    ended: Shared<BoxFuture<'static, ()>>,
}

/// The state of a call before its end: how many requests wait for it, its answer once there is one, and the text of its models so far; of chat
/// models only whole lines that are read on.
#[derive(Debug, Default)]
pub struct Partial {
    waiting: watch::Sender<usize>,
    texts: watch::Sender<Vec<(String, String)>>,
    answer: watch::Sender<Option<Completion>>,
    /// When it moved on last: it answered, or another line of the answer has come.
    moved: watch::Sender<u64>,
    /// Counts the moves of all calls.
    clock: Arc<AtomicU64>,
}

/// A request that waits for a call.
pub struct Waiting {
    flight: Arc<Flight>,
    /// What was typed since the call began.
    typed: String,
}

impl Flights {
    /// The number of moves of all calls so far.
    pub fn now(&self) -> u64 {
        self.clock.load(Ordering::Acquire)
    }

    /// Begins a call for a document, and gives up the one in flight there. Once nobody waits, the new call goes on for a moment; if it is made
    /// ahead or billed in full, to its end. `None`, and no call, if a later request has begun one: this request was held up, and nobody wants its answer.
    pub fn begin<F>(&self, path: &Path, target: Target, call: impl FnOnce(Arc<Partial>) -> F) -> Option<Waiting>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut all = lock(&self.all);
        if all.wanted.get(path).is_some_and(|flight| flight.is_later(target.number)) {
            return None;
        }
        let partial = Arc::new(Partial { clock: Arc::clone(&self.clock), ..Partial::default() });
        // Counted before the call begins, because the call tries a second model only while somebody waits.
        partial.waiting.send_modify(|waiting| *waiting += 1);
        let (call, listener) = (call(Arc::clone(&partial)), Arc::clone(&partial));
        let is_left_alone = !target.is_ahead && !target.is_billed_whole;
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                () = call => {}
                () = listener.left_alone(), if is_left_alone => {}
            }
        });
        let abort = task.abort_handle();
        let ended = task.map(|ended| {
            if ended.is_err_and(|error| error.is_panic()) {
                tracing::error!("a call panicked");
            }
        });
        let flight = Arc::new(Flight { target, partial, abort, ended: ended.boxed().shared() });
        let before = all.wanted.insert(path.to_owned(), Arc::clone(&flight));
        all.give_up(before);
        Some(Waiting { flight, typed: String::new() })
    }

    /// Joins the call in flight of a document, if its answer may still fit at this cursor of a request's text. A call whose text diverges, or
    /// that is for another place, is given up, unless a later request has begun it.
    pub fn join(&self, path: &Path, number: Option<u64>, (text, cursor): (&Rope, usize)) -> Option<Waiting> {
        let mut all = lock(&self.all);
        let flight = Arc::clone(all.wanted.get(path)?);
        if flight.is_on_the_way(text) || flight.is_later(number) {
            return None;
        }
        let typed = flight.typed(text, Some(cursor)).filter(|typed| flight.partial.may_begin_with(typed));
        if typed.is_none() || flight.abort.is_finished() {
            let left = all.wanted.remove(path);
            all.give_up(left);
        }
        let typed = typed?;
        flight.partial.waiting.send_modify(|waiting| *waiting += 1);
        Some(Waiting { flight, typed })
    }

    /// A document changed: its call in flight is given up if the answer can no longer fit.
    pub fn edited(&self, path: &Path, text: &Rope) {
        let mut all = lock(&self.all);
        let Some(flight) = all.wanted.get(path) else { return };
        let goes_on = || {
            let typed = flight.typed(text, None);
            typed.is_some_and(|typed| flight.partial.may_begin_with(typed.trim_end_matches(AUTO_CLOSED)))
        };
        // The answer of a call that has ended is in the cache.
        if flight.abort.is_finished() || (!goes_on() && !flight.is_on_the_way(text)) {
            let left = all.wanted.remove(path);
            all.give_up(left);
        }
    }

    /// A document was closed, or its text was replaced or lost: its call in flight is given up.
    pub fn closed(&self, path: &Path) {
        let mut all = lock(&self.all);
        let left = all.wanted.remove(path);
        all.give_up(left);
    }

    /// Whether no call may be made ahead for this text: one is in flight that may answer it, or somebody waits for another call.
    pub fn is_busy(&self, path: &Path, text: &Rope) -> bool {
        let all = lock(&self.all);
        let flight = all.wanted.get(path).filter(|flight| !flight.abort.is_finished());
        let answers = |flight: &Flight| {
            flight.typed(text, None).is_some_and(|typed| flight.partial.may_begin_with(typed.trim_end()))
        };
        // Before a model is called, a call made ahead may find that there is nothing to ask.
        let is_called = |flight: &Flight| !flight.partial.texts.borrow().is_empty();
        flight.is_some_and(|flight| flight.partial.is_awaited() || (is_called(flight) && answers(flight)))
    }

    /// Aborts all calls, and waits until each is written to the ledger.
    pub async fn end(&self) {
        let All { wanted, unwanted } = std::mem::take(&mut *lock(&self.all));
        for flight in wanted.into_values().chain(unwanted) {
            flight.abort.abort();
            flight.ended.clone().await;
        }
    }
}

impl All {
    /// Gives up a call: aborts it, unless it is billed in full.
    fn give_up(&mut self, flight: Option<Arc<Flight>>) {
        self.unwanted.retain(|flight| !flight.abort.is_finished());
        let Some(flight) = flight else { return };
        if flight.target.is_billed_whole && !flight.abort.is_finished() {
            self.unwanted.push(flight);
        } else {
            flight.abort.abort();
        }
    }
}

impl Flight {
    /// What was typed at its cursor since it began, up to the cursor now; `None` if anything else changed.
    fn typed(&self, now: &Rope, cursor: Option<usize>) -> Option<String> {
        let inserted = typed_since(&self.target.text, self.target.cursor, now)?;
        let length = match cursor {
            Some(cursor) => cursor.checked_sub(self.target.cursor)?,
            None => inserted.len(),
        };
        let (typed, behind) = (inserted.get(..length)?, inserted.get(length..)?);
        behind.chars().all(|c| c.is_whitespace() || AUTO_CLOSED.contains(&c)).then(|| typed.to_owned())
    }

    /// Whether a request that came after the one with this number has begun it.
    fn is_later(&self, number: Option<u64>) -> bool {
        self.target.number.zip(number).is_some_and(|(own, other)| other < own)
    }

    /// Whether the call was made ahead and the document is on its way to the target's text.
    fn is_on_the_way(&self, now: &Rope) -> bool {
        let Target { text, cursor, is_ahead, .. } = &self.target;
        let missing = text.len_bytes().checked_sub(now.len_bytes()).filter(|missing| *missing > 0);
        let at = missing.and_then(|missing| cursor.checked_sub(missing));
        *is_ahead && at.is_some_and(|at| typed_since(now, at, text).is_some())
    }
}

impl Partial {
    /// Whether somebody waits for the answer.
    pub fn is_awaited(&self) -> bool {
        *self.waiting.borrow() > 0
    }

    /// Returns once nobody has waited for [`ALONE`]. A call that has answered is read on for who takes its answer.
    async fn left_alone(&self) {
        let mut waiting = self.waiting.subscribe();
        // The sender lives as long as `self`.
        while waiting.wait_for(|waiting| *waiting == 0).await.is_ok() {
            let nobody_came = timeout(ALONE, waiting.wait_for(|waiting| *waiting > 0)).await.is_err();
            if nobody_came && self.answer.borrow().is_none() {
                return;
            }
            if nobody_came {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The call answers; `None` if its answer cannot be shown.
    pub fn answer(&self, completion: Option<Completion>) {
        self.answer.send_replace(completion);
        self.moved_on();
    }

    /// The call moved on, so that who waits for it looks again.
    pub fn moved_on(&self) {
        self.moved.send_replace(self.clock.fetch_add(1, Ordering::AcqRel) + 1);
    }

    /// The whole lines of a model's answer so far. They stand for its text if that is not known as it streams.
    pub fn lines(&self, model: &str, lines: &str) {
        self.texts.send_modify(|texts| {
            let unknown = texts.iter_mut().filter(|(name, text)| name == model && text.len() < lines.len());
            unknown.for_each(|(_, text)| text.replace_range(.., lines));
        });
    }

    /// A model is called.
    pub fn begin(&self, model: &str) {
        self.texts.send_modify(|texts| texts.push((model.to_owned(), String::new())));
    }

    /// A model sent a chunk of the text to insert.
    pub fn push(&self, model: &str, piece: &str) {
        self.texts.send_modify(|texts| {
            texts.iter_mut().filter(|(name, _)| name == model).for_each(|(_, text)| text.push_str(piece));
        });
    }

    /// A call of a model has ended.
    pub fn end(&self, model: &str) {
        self.texts.send_modify(|texts| texts.retain(|(name, _)| name != model));
    }

    fn may_begin_with(&self, typed: &str) -> bool {
        may_begin_with(&self.texts.borrow(), typed)
    }
}

/// Whether one of these unfinished texts may still agree with what was typed. Of the lines after the first, indentation is not compared, because
/// it is not yet the document's.
fn may_begin_with(texts: &[(String, String)], typed: &str) -> bool {
    let typed = normalised(typed);
    texts.is_empty() || texts.iter().any(|(_, said)| agrees(said, &typed))
}

fn agrees(said: &str, typed: &str) -> bool {
    let (mut said, mut typed) = (said.split('\n').peekable(), typed.split('\n').peekable());
    let mut is_first = true;
    while let (Some(said_line), Some(typed_line)) = (said.next(), typed.next()) {
        let (said_line, typed_line) = match is_first {
            true => (said_line, typed_line),
            false => (said_line.trim_start(), typed_line.trim_start()),
        };
        is_first = false;
        let agrees = match (said.peek().is_some(), typed.peek().is_some()) {
            (true, true) => said_line.trim_end() == typed_line.trim_end(),
            (true, false) => said_line.starts_with(typed_line),
            (false, true) => typed_line.starts_with(said_line),
            (false, false) => said_line.starts_with(typed_line) || typed_line.starts_with(said_line),
        };
        if !agrees {
            return false;
        }
    }
    true
}

impl Waiting {
    /// Waits for the answer of the call, which is for the place where the call began; `None` if it ends without one.
    pub async fn answered(self) -> Option<Completion> {
        let mut answer = self.flight.partial.answer.subscribe();
        tokio::select! {
            biased;
            // The sender lives as long as `self`.
            _ = answer.wait_for(Option::is_some) => {}
            () = self.flight.ended.clone() => {}
        }
        self.flight.partial.answer.borrow().clone()
    }

    /// Waits until the call moves on after `seen`, or ends, or its text diverges from what was typed.
    pub async fn moved_on(self, seen: u64) {
        let Partial { moved, texts, .. } = &*self.flight.partial;
        let (mut moved, mut texts) = (moved.subscribe(), texts.subscribe());
        tokio::select! {
            biased;
            () = self.flight.ended.clone() => {}
            // The senders live as long as `self`.
            _ = moved.wait_for(|moved| *moved > seen) => {}
            // With nothing to compare, nobody wakes up for each chunk.
            _ = texts.wait_for(|texts| !may_begin_with(texts, &self.typed)), if !self.typed.is_empty() => {}
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.flight.partial.waiting.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

/// What was typed at the cursor between the text before and now; `None` if anything else changed.
pub fn typed_since(before: &Rope, cursor: usize, now: &Rope) -> Option<String> {
    if before.is_instance(now) {
        return Some(String::new());
    }
    let end = cursor + now.len_bytes().checked_sub(before.len_bytes())?;
    let is_same = before.get_byte_slice(..cursor)? == now.get_byte_slice(..cursor)?
        && before.get_byte_slice(cursor..)? == now.get_byte_slice(end..)?;
    is_same.then(|| text::slice(now, cursor, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_that_was_held_up_leaves_the_call_of_a_later_one_alone() {
        let (flights, path) = (Flights::default(), Path::new("a"));
        let begin = |text: &str, number| {
            let target = Target {
                text: text.into(),
                cursor: text.len(),
                number: Some(number),
                is_ahead: false,
                is_billed_whole: false,
            };
            flights.begin(path, target, |_| std::future::pending())
        };
        let later = begin("f():", 2).expect("a call");
        assert!(begin("f()", 1).is_none());
        assert!(flights.join(path, Some(1), (&"f()".into(), 3)).is_none());
        assert!(flights.join(path, Some(3), (&"f():".into(), 4)).is_some(), "it is still there");
        assert!(begin("f():\n", 3).is_some(), "the next one takes its place");
        drop(later);
    }

    #[test]
    fn what_was_typed_is_seen_where_nothing_else_happened() {
        for (before, now, typed) in [
            ("let xˇ;", "let x;", Some("")),
            ("let xˇ;", "let xy;", Some("y")),
            ("let xˇ;", "let xyz;", Some("yz")),
            ("let xˇ;", "let xé;", Some("é")),
            ("let xˇ;", "let ;", None),
            ("let xˇ;", "let xy,", None),
            ("let xˇ;", "Let xy;", None),
        ] {
            let cursor = before.find('ˇ').expect("a cursor");
            let before = Rope::from_str(&before.replace('ˇ', ""));
            assert_eq!(typed_since(&before, cursor, &Rope::from_str(now)).as_deref(), typed, "{now}");
        }
    }

    #[test]
    fn an_answer_goes_on_as_what_is_typed_until_its_first_line_differs() {
        for (said, typed, may) in [
            (&[][..], "x", true),
            (&[""][..], "x", true),
            (&["foo"][..], "", true),
            (&["foo"][..], "f", true),
            (&["foo"][..], "foo(", true),
            (&["foo"][..], "g", false),
            (&["foo"][..], "fo\n", false),
            (&["foo\n"][..], "foo(", false),
            (&["foo\n  bar"][..], "foo\r\n\tba", true),
            (&["foo\n  bar"][..], "foo\r\n\tbar();", true),
            (&["foo\n  bar"][..], "foo\r\n\tbaz", false),
            (&["foo\n  bar\n"][..], "foo\n    bar();", false),
            (&["foo\n  bar\n"][..], "foo\n    bar\n    b", true),
            (&["\n  bar\n"][..], "\n    b", true),
            (&["foo", "bar"][..], "b", true),
            (&["foo", "bar"][..], "c", false),
        ] {
            let texts: Vec<_> = said.iter().map(|text| ("m".to_owned(), (*text).to_owned())).collect();
            assert_eq!(may_begin_with(&texts, typed), may, "{said:?} {typed:?}");
        }
    }
}

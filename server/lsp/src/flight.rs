//! Calls under way, one a document: each goes on while the user types what it may still say, so that nothing is asked and paid for twice,
//! and ends once nobody wants its answer any more.
//! It leaves asking to `complete`, and finding an answer again at a later place to the cache.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use pennyworth_core::prompt::normalised;
use pennyworth_core::text;
use ropey::Rope;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::complete::Answer;
use crate::engine::lock;
use crate::outcome::AUTO_CLOSED;

/// How long a call goes on that nobody waits for: editors cancel a request just before they send what was typed and ask again.
const ALONE: Duration = Duration::from_millis(500);

/// The calls under way.
#[derive(Default)]
pub struct Flights(Mutex<All>);

#[derive(Default)]
struct All {
    /// By the path of their document.
    wanted: HashMap<PathBuf, Arc<Flight>>,
    /// Those that nobody wants any more and that are heard to their end, because it is billed.
    unwanted: Vec<Arc<Flight>>,
}

/// What a call is about.
#[derive(Clone, Debug)]
pub struct Target {
    /// The document as it was when the call was made; of one made ahead, as it will be once the suggestion on the screen is taken.
    pub text: Rope,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// Whether it is made ahead.
    pub is_ahead: bool,
    /// Whether the whole answer is billed in any case, so that nothing is saved by ending it early.
    pub is_billed_whole: bool,
}

/// A call under way.
struct Flight {
    target: Target,
    said: Arc<Said>,
    abort: AbortHandle,
    ended: Shared<BoxFuture<'static, Option<Answer>>>,
}

/// What is known of a call before its end: how many wait for it, and what its models have said so far, where that is the text to insert.
#[derive(Debug, Default)]
pub struct Said {
    waiting: watch::Sender<usize>,
    texts: watch::Sender<Vec<(String, String)>>,
}

/// Somebody who waits for a call.
pub struct Waiting {
    flight: Arc<Flight>,
    /// What was typed since the call was made.
    typed: String,
}

impl Flights {
    /// Makes a call for a document, in place of the one that is under way there. It goes on for a moment when nobody waits for it any more; one that
    /// is made ahead or billed in any case, to its end.
    pub fn begin<F>(&self, path: &Path, target: Target, call: impl FnOnce(Arc<Said>) -> F) -> Waiting
    where
        F: Future<Output = Option<Answer>> + Send + 'static,
    {
        let said = Arc::new(Said::default());
        // Before the call is: it goes on to its next model only for somebody who waits.
        said.waiting.send_modify(|waiting| *waiting += 1);
        let (call, ears) = (call(Arc::clone(&said)), Arc::clone(&said));
        let is_left_alone = !target.is_ahead && !target.is_billed_whole;
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                answer = call => answer,
                () = ears.left_alone(), if is_left_alone => None,
            }
        });
        let abort = task.abort_handle();
        let ended = task.map(|ended| match ended {
            Ok(answer) => answer,
            Err(error) => {
                if error.is_panic() {
                    tracing::error!("a call panicked");
                }
                None
            }
        });
        let flight = Arc::new(Flight { target, said, abort, ended: ended.boxed().shared() });
        let mut all = lock(&self.0);
        let before = all.wanted.insert(path.to_owned(), Arc::clone(&flight));
        all.leave(before);
        Waiting { flight, typed: String::new() }
    }

    /// Waits for the call under way in a document, if its answer may be what is wanted at a place of the text as it is now. A call that says
    /// something else, or is about another place, ends.
    pub fn join(&self, path: &Path, text: &Rope, cursor: usize) -> Option<Waiting> {
        let mut all = lock(&self.0);
        let flight = Arc::clone(all.wanted.get(path)?);
        if flight.is_on_the_way(text) {
            return None;
        }
        let typed = flight.typed(text, Some(cursor)).filter(|typed| flight.said.may_begin_with(typed));
        if typed.is_none() || flight.abort.is_finished() {
            let left = all.wanted.remove(path);
            all.leave(left);
        }
        let typed = typed?;
        flight.said.waiting.send_modify(|waiting| *waiting += 1);
        Some(Waiting { flight, typed })
    }

    /// A document changed: the call under way there ends if its answer can no longer be wanted.
    pub fn edited(&self, path: &Path, text: &Rope) {
        let mut all = lock(&self.0);
        let Some(flight) = all.wanted.get(path) else { return };
        let goes_on = || {
            let typed = flight.typed(text, None);
            typed.is_some_and(|typed| flight.said.may_begin_with(typed.trim_end_matches(AUTO_CLOSED)))
        };
        // What one that has ended said is remembered.
        if flight.abort.is_finished() || (!goes_on() && !flight.is_on_the_way(text)) {
            let left = all.wanted.remove(path);
            all.leave(left);
        }
    }

    /// Nobody asks about a document any more.
    pub fn closed(&self, path: &Path) {
        let mut all = lock(&self.0);
        let left = all.wanted.remove(path);
        all.leave(left);
    }

    /// Whether a call ahead is under way for this text, or none may be made because somebody waits for another.
    pub fn is_busy(&self, path: &Path, text: &Rope) -> bool {
        let all = lock(&self.0);
        let flight = all.wanted.get(path).filter(|flight| !flight.abort.is_finished());
        flight.is_some_and(|flight| flight.said.is_awaited() || flight.target.text == *text)
    }

    /// Ends all calls and waits until each is written down.
    pub async fn end(&self) {
        let All { wanted, unwanted } = std::mem::take(&mut *lock(&self.0));
        for flight in wanted.into_values().chain(unwanted) {
            flight.abort.abort();
            flight.ended.clone().await;
        }
    }
}

impl All {
    /// Nobody wants a call any more.
    fn leave(&mut self, flight: Option<Arc<Flight>>) {
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
    /// What was typed at its cursor since it was asked for, up to the cursor now; `None` if something else happened.
    fn typed(&self, now: &Rope, cursor: Option<usize>) -> Option<String> {
        let inserted = typed_since(&self.target.text, self.target.cursor, now)?;
        let length = match cursor {
            Some(cursor) => cursor.checked_sub(self.target.cursor)?,
            None => inserted.len(),
        };
        let (typed, behind) = (inserted.get(..length)?, inserted.get(length..)?);
        behind.chars().all(|c| c.is_whitespace() || AUTO_CLOSED.contains(&c)).then(|| typed.to_owned())
    }

    /// Whether a call was made ahead and the text is becoming what it was made for.
    fn is_on_the_way(&self, now: &Rope) -> bool {
        let Target { text, cursor, is_ahead, .. } = &self.target;
        let missing = text.len_bytes().checked_sub(now.len_bytes()).filter(|missing| *missing > 0);
        let at = missing.and_then(|missing| cursor.checked_sub(missing));
        *is_ahead && at.is_some_and(|at| typed_since(now, at, text).is_some())
    }
}

impl Said {
    /// Whether somebody waits for the answer.
    pub fn is_awaited(&self) -> bool {
        *self.waiting.borrow() > 0
    }

    /// Waits until nobody has waited for a while.
    async fn left_alone(&self) {
        let mut waiting = self.waiting.subscribe();
        // Their sender lives as long as this.
        while waiting.wait_for(|waiting| *waiting == 0).await.is_ok() {
            if timeout(ALONE, waiting.wait_for(|waiting| *waiting > 0)).await.is_err() {
                return;
            }
        }
    }

    /// A model is asked.
    pub fn begin(&self, model: &str) {
        self.texts.send_modify(|texts| texts.push((model.to_owned(), String::new())));
    }

    /// A model says more of the text to insert.
    pub fn push(&self, model: &str, piece: &str) {
        self.texts.send_modify(|texts| {
            texts.iter_mut().filter(|(name, _)| name == model).for_each(|(_, text)| text.push_str(piece));
        });
    }

    /// A model has ended.
    pub fn end(&self, model: &str) {
        self.texts.send_modify(|texts| texts.retain(|(name, _)| name != model));
    }

    fn may_begin_with(&self, typed: &str) -> bool {
        may_begin_with(&self.texts.borrow(), typed)
    }
}

/// Whether one of these texts, which are not at their end, may go on as what was typed. Only the first line is looked at: the indentation of the
/// others is not yet that of the document.
fn may_begin_with(texts: &[(String, String)], typed: &str) -> bool {
    let typed = normalised(typed);
    let agrees = |text: &str| {
        let mut pairs = text.chars().zip(typed.chars());
        pairs.find(|(said, typed)| said != typed || *said == '\n').is_none_or(|(said, typed)| said == typed)
    };
    texts.is_empty() || texts.iter().any(|(_, text)| agrees(text))
}

impl Waiting {
    /// Waits for the end of the call, or until it says something else than what was typed. The answer is for the place where it was asked.
    pub async fn ended(self) -> Option<Answer> {
        if self.typed.is_empty() {
            // Nothing to compare, so that nobody is woken for each piece.
            return self.flight.ended.clone().await;
        }
        let mut texts = self.flight.said.texts.subscribe();
        tokio::select! {
            biased;
            answer = self.flight.ended.clone() => answer,
            // Its sender lives as long as this.
            _ = texts.wait_for(|texts| !may_begin_with(texts, &self.typed)) => None,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.flight.said.waiting.send_modify(|waiting| *waiting = waiting.saturating_sub(1));
    }
}

/// What was typed at the cursor of a text since it became another; `None` if something else happened.
pub(crate) fn typed_since(before: &Rope, cursor: usize, now: &Rope) -> Option<String> {
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
            (&["foo\n  bar"][..], "foo\r\n\tbaz", true),
            (&["foo", "bar"][..], "b", true),
            (&["foo", "bar"][..], "c", false),
        ] {
            let texts: Vec<_> = said.iter().map(|text| ("m".to_owned(), (*text).to_owned())).collect();
            assert_eq!(may_begin_with(&texts, typed), may, "{said:?} {typed:?}");
        }
    }
}

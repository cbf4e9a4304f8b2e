//! A second baseline, a sketch of a policy that reads on: it asks for several lines, answers the editor at the first, and keeps the rest.
//!
//! It waits a short time after a key, unless an answer that it has or that is on its way may still be what is typed. A call goes on while
//! the user types along, and ends as soon as it says something else. There is no stop text: the ceiling ends an answer. It has no gate,
//! no cut by syntax, and no limit on money.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::call::{Model, request};
use crate::text::Text;
use crate::typist::Helper;

/// The wait after a key before a call.
const WAIT: Duration = Duration::from_millis(75);
/// The ceiling of an answer, in tokens.
const CEILING: u32 = 64;
/// Lines of context above the cursor's own and below it: 40 and 10 with the cursor's own.
const LINES: (usize, usize) = (39, 9);
/// Answers that it keeps.
const KEPT: usize = 50;
/// Most characters of a line below the cursor that an answer may repeat; a longer one ends the answer.
const TRIFLE: usize = 3;

pub(crate) struct Sketch {
    model: Model,
    text: Arc<Text>,
    at: usize,
    /// Calls, the newest last. Only the newest may still be going on.
    flights: VecDeque<Flight>,
}

/// A call, and its answer so far.
struct Flight {
    /// The cursor that it was made for, in bytes.
    from: usize,
    heard: watch::Receiver<Heard>,
    task: AbortHandle,
}

#[derive(Default)]
struct Heard {
    text: String,
    end: Option<End>,
}

/// Why an answer ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// The model has no more to say.
    Stop,
    /// The ceiling, an abort or a failure cut it off.
    Cut,
}

/// What an answer offers at the cursor.
enum Line {
    /// This text, up to the end of the first line that holds something.
    Whole(String),
    /// Nothing, and it never will.
    Nothing,
    /// Nothing yet: the first line is still being written.
    Growing,
    /// Nothing, because the answer is about another text than the one that was typed.
    Elsewhere,
}

impl Flight {
    fn begin(model: &Model, text: &Text, from: usize) -> Flight {
        let (says, heard) = watch::channel(Heard::default());
        let (model, body) = (model.clone(), request(text, from, LINES, CEILING));
        let call = tokio::spawn(async move {
            let hear = |heard: &mut Heard, text: &str, finish: Option<&str>| {
                heard.text.push_str(text);
                heard.end = finish.map(|reason| if reason == "stop" { End::Stop } else { End::Cut });
            };
            model.ask(body, |piece| says.send_modify(|heard| hear(heard, piece.text, piece.finish))).await;
        });
        Flight { from, heard, task: call.abort_handle() }
    }

    /// Why it ended. A call that was aborted or failed has dropped its side.
    fn end(&self) -> Option<End> {
        self.heard.borrow().end.or_else(|| self.heard.has_changed().is_err().then_some(End::Cut))
    }

    /// What it offers to a user who typed this since it began, with this line below the cursor.
    fn offer(&self, typed: &str, below: &str) -> Line {
        // The end comes first: what is heard after it is complete.
        let end = self.end();
        let heard = self.heard.borrow();
        match heard.text.strip_prefix(typed) {
            Some(rest) if !rest.trim().is_empty() => first_line(rest, end, below),
            // It may yet say what was typed.
            _ if end.is_none() && (typed.starts_with(&heard.text) || heard.text.starts_with(typed)) => Line::Growing,
            // Asking again at the same place would bring the same.
            Some(_) if typed.is_empty() => Line::Nothing,
            _ => Line::Elsewhere,
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The first line that holds something, with the blank lines above it. A line that stands below the cursor already is none.
fn first_line(rest: &str, end: Option<End>, below: &str) -> Line {
    let mut length = 0;
    for line in rest.split_inclusive('\n') {
        let is_whole = line.ends_with('\n') || end == Some(End::Stop);
        if !is_whole {
            break;
        }
        if line.trim() == below && below.chars().count() > TRIFLE {
            return Line::Nothing;
        }
        if !line.trim().is_empty() {
            return Line::Whole(rest[..length + line.trim_end_matches('\n').len()].to_owned());
        }
        length += line.len();
    }
    if end.is_none() { Line::Growing } else { Line::Nothing }
}

impl Sketch {
    pub(crate) fn new(text: Arc<Text>, base_url: &str) -> Sketch {
        Sketch { model: Model::new(base_url), at: text.start, text, flights: VecDeque::new() }
    }

    fn offer(&self, flight: &Flight) -> Line {
        let below = self.text.truth[self.text.end..].trim_start().lines().next().unwrap_or_default().trim();
        flight.offer(&self.text.truth[flight.from..self.at], below)
    }

    /// A line of an answer that has ended, the newest first.
    fn kept(&self) -> Option<String> {
        let mut ended = self.flights.iter().rev().filter(|flight| flight.end().is_some());
        ended.find_map(|flight| match self.offer(flight) {
            Line::Whole(line) => Some(line),
            _ => None,
        })
    }

    fn begin(&mut self) {
        if let Some(last) = self.flights.back() {
            last.task.abort();
        }
        self.flights.push_back(Flight::begin(&self.model, &self.text, self.at));
        if self.flights.len() > KEPT {
            self.flights.pop_front();
        }
    }
}

impl Helper for Sketch {
    async fn typed(&mut self, _: &Text, _: usize, to: usize) {
        self.at = to;
        if let Some(last) = self.flights.back()
            && matches!(self.offer(last), Line::Elsewhere)
        {
            last.task.abort();
        }
    }

    async fn offered(&mut self) -> Option<String> {
        if let Some(kept) = self.kept() {
            return Some(kept);
        }
        loop {
            if let Some(last) = self.flights.back_mut() {
                // What comes from here on ends the wait below.
                last.heard.mark_unchanged();
            }
            match self.flights.back().map_or(Line::Elsewhere, |last| self.offer(last)) {
                Line::Whole(line) => return Some(line),
                Line::Nothing => return None,
                Line::Growing => {
                    // An error says that the call has ended, which the next turn sees.
                    let _ = self.flights.back_mut()?.heard.changed().await;
                }
                Line::Elsewhere => {
                    sleep(WAIT).await;
                    self.begin();
                }
            }
        }
    }

    async fn taken(&mut self, _: bool) {}

    async fn end(self) {}
}

//! A simulated person who types the text of a file, key by key with pauses, and takes a right suggestion that is shown long enough to read.
//! It leaves suggestions to a helper.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::tally::{Reason, Tally, WrongEnd};
use crate::text::{Text, hash};

/// Usual time between two keys.
const KEY: Duration = Duration::from_millis(200);
/// Added at the beginning of a line, where people think.
const THINKING: Duration = Duration::from_millis(700);
/// Added after a suggestion was taken, while people look at what they got.
const LOOKING: Duration = Duration::from_millis(400);
/// How long a suggestion must be shown before a person has read it.
const READING: Duration = Duration::from_millis(400);
/// Fewest characters that are worth a key.
const WORTH: usize = 3;

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    /// The first line of a suggestion, if that line is right.
    Line,
    /// A whole suggestion, if all of it is right.
    Whole,
}

impl Taking {
    /// The part of a suggestion that a key takes. Line breaks at its beginning belong to the first line that holds something.
    fn part(self, offered: &str) -> &str {
        let blank = offered.len() - offered.trim_start_matches(['\n', ' ', '\t']).len();
        match offered[blank..].find('\n') {
            Some(end) if self == Taking::Line => &offered[..blank + end],
            _ => offered,
        }
    }
}

/// A source of suggestions.
pub(crate) trait Helper: Send + 'static {
    /// The person inserted the truth between two cursors, given as byte offsets.
    fn typed(&mut self, text: &Text, from: usize, to: usize) -> impl Future<Output = ()> + Send;
    /// Waits for the answer at the cursor, at most once after each insertion; `None` if it is nothing. The next insertion drops the wait.
    fn offered(&mut self) -> impl Future<Output = Option<String>> + Send;
    /// The person took the last suggestion, or the first lines of it. The insertion follows.
    fn taken(&mut self, whole: bool) -> impl Future<Output = ()> + Send;
    /// The text is finished.
    fn end(self) -> impl Future<Output = ()> + Send;
}

/// A person's pace. The place in the text decides how long a key takes, so it takes the same time with every helper.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// Whether each key takes the usual time, without pauses.
    pub(crate) steady: bool,
}

impl Pace {
    /// The time before the next key at a cursor.
    pub(crate) fn before_key(self, text: &Text, at: usize, has_taken: bool) -> Duration {
        if self.steady {
            return KEY;
        }
        let line = &text.truth[text.truth[..at].rfind('\n').map_or(0, |at| at + 1)..at];
        let is_new_line = line.trim_start_matches([' ', '\t']).is_empty();
        let thinking = if is_new_line { around(THINKING, (&text.name, at, 1)) } else { Duration::ZERO };
        let looking = if has_taken { LOOKING } else { Duration::ZERO };
        around(KEY, (&text.name, at, 0)) + thinking + looking
    }
}

/// A time around the usual one: half to three times as long, mostly shorter.
fn around(usual: Duration, seed: (&str, usize, u8)) -> Duration {
    let draw = (hash(&seed) % 1000) as f64 / 1000.0;
    usual.mul_f64(0.5 + 2.5 * draw.powi(3))
}

/// A suggestion on the screen.
struct Seen {
    /// What of it lies behind the cursor.
    text: String,
    since: Instant,
}

pub(crate) struct Typist<H> {
    text: Arc<Text>,
    helper: H,
    pace: Pace,
    taking: Taking,
    at: usize,
    /// When the last key was pressed.
    key_at: Instant,
    is_answered: bool,
    has_taken: bool,
    seen: Option<Seen>,
    tally: Tally,
}

impl<H: Helper> Typist<H> {
    pub(crate) fn new(text: Arc<Text>, helper: H, pace: Pace, taking: Taking) -> Typist<H> {
        let tally = Tally { by_hand: text.keys(), ..Tally::default() };
        let (at, key_at) = (text.start, Instant::now());
        // Nothing was asked yet.
        let is_answered = true;
        Typist { text, helper, pace, taking, at, key_at, is_answered, has_taken: false, seen: None, tally }
    }

    pub(crate) async fn type_all(mut self) -> Tally {
        while self.at < self.text.end {
            let key = Instant::now() + self.pace.before_key(&self.text, self.at, self.has_taken);
            self.watch(key).await;
            match self.right().filter(|(_, read)| *read <= Instant::now()) {
                Some((length, _)) => self.take(length).await,
                None => self.press().await,
            }
        }
        self.helper.end().await;
        self.tally
    }

    /// Watches the screen until it is time for the next key, or until a right suggestion has been read.
    async fn watch(&mut self, key: Instant) {
        loop {
            let due = self.right().map_or(key, |(_, read)| read.min(key));
            tokio::select! {
                offered = self.helper.offered(), if !self.is_answered => {
                    self.is_answered = true;
                    if let Some(offered) = offered {
                        self.show(offered);
                    }
                }
                () = sleep_until(due) => return,
            }
        }
    }

    fn show(&mut self, offered: String) {
        let now = Instant::now();
        self.tally.waits.push(now - self.key_at);
        let part = self.taking.part(&offered);
        // A suggestion that is on the screen already need not be read again.
        let since = self.seen.take().filter(|seen| self.taking.part(&seen.text) == part).map(|seen| seen.since);
        if since.is_none() {
            self.tally.shown += 1;
            self.note_wrong_end(&offered);
        }
        self.seen = Some(Seen { text: offered, since: since.unwrap_or(now) });
    }

    /// Notes a suggestion that is wrong though the model is right about its lines.
    fn note_wrong_end(&mut self, offered: &str) {
        let rest = self.text.rest(self.at);
        let lines = self.text.lines_of(self.at, offered);
        if rest.starts_with(offered) || !self.text.knows_lines(self.at, lines) {
            return;
        }
        let truth = rest.split_inclusive('\n').take(lines).collect();
        let wrong_end = WrongEnd { place: self.text.place(self.at), offered: offered.to_owned(), truth };
        self.tally.wrong_ends.push(wrong_end);
    }

    /// Whether what a key would take is right.
    fn is_right(&self, seen: &Seen) -> bool {
        self.text.rest(self.at).starts_with(self.taking.part(&seen.text))
    }

    /// The bytes that a key would take, if they are right and worth it, and when the person has read them.
    fn right(&self) -> Option<(usize, Instant)> {
        let seen = self.seen.as_ref().filter(|seen| self.is_right(seen))?;
        let part = self.taking.part(&seen.text);
        (part.trim().chars().count() >= WORTH).then_some((part.len(), seen.since + READING))
    }

    /// Takes a part of the suggestion. The editor goes on showing the rest.
    async fn take(&mut self, length: usize) {
        let from = self.at;
        let rest = self.seen.take().map(|seen| seen.text[length..].to_owned()).filter(|rest| !rest.is_empty());
        self.tally.taken += 1;
        self.tally.taken_chars += self.text.truth[from..from + length].chars().count() as u64;
        self.helper.taken(rest.is_none()).await;
        self.seen = rest.map(|text| Seen { text, since: Instant::now() });
        self.has_taken = true;
        self.insert(length).await;
    }

    /// Types the next character; the editor indents a new line by itself.
    async fn press(&mut self) {
        self.tally.keys += 1;
        *self.tally.reasons.entry(self.reason()).or_default() += 1;
        let length = self.text.key(self.at);
        let typed = &self.text.truth[self.at..self.at + length];
        // A suggestion stays while the person types along.
        self.seen = self.seen.take().and_then(|seen| {
            let text = seen.text.strip_prefix(typed).filter(|rest| !rest.is_empty())?;
            Some(Seen { text: text.to_owned(), ..seen })
        });
        self.has_taken = false;
        self.insert(length).await;
    }

    async fn insert(&mut self, length: usize) {
        let from = self.at;
        self.at += length;
        (self.key_at, self.is_answered) = (Instant::now(), false);
        self.helper.typed(&self.text, from, self.at).await;
    }

    /// Why the next key is typed.
    fn reason(&self) -> Reason {
        let Some(seen) = &self.seen else {
            return match self.text.knows_next(self.at) {
                false => Reason::Unknown,
                true if self.is_answered => Reason::Silent,
                true => Reason::Late,
            };
        };
        let lines = self.text.lines_of(self.at, self.taking.part(&seen.text));
        match self.is_right(seen) {
            true if self.right().is_some() => Reason::Reading,
            true => Reason::Short,
            false if self.text.knows_lines(self.at, lines) => Reason::WrongEnd,
            false => Reason::Wrong,
        }
    }
}

//! A person who types what stands in a file: key by key with pauses, and a look at what is offered. Who sees the right text long enough takes it.
//! It leaves offering something to a helper.

use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Usual time between two keys.
const KEY: Duration = Duration::from_millis(180);
/// Added at the beginning of a line, where people think.
const THINKING: Duration = Duration::from_millis(700);
/// How long a text stands there before it is seen and read.
const READING: Duration = Duration::from_millis(350);
/// Characters that are worth a key of their own.
const WORTH: usize = 3;

/// A file, and the part of it that is typed.
pub(crate) struct Text {
    pub(crate) language: &'static str,
    pub(crate) truth: String,
    /// Bytes of the part.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Text {
    /// A text without a part yet.
    pub(crate) fn of(language: &'static str, text: &str) -> Text {
        Text { language, truth: text.replace("\r\n", "\n"), start: 0, end: 0 }
    }

    /// The same with a part in its middle; nothing if it is too short for that.
    pub(crate) fn with_place(self, lines: usize) -> Option<Text> {
        let starts: Vec<usize> = self.truth.match_indices('\n').map(|(at, _)| at + 1).collect();
        let first = starts.len() / 2;
        let (start, end) = (*starts.get(first)?, *starts.get(first + lines)?);
        (starts.len() > lines * 3).then_some(Text { start, end: end - 1, ..self })
    }
}

/// Who offers something.
pub(crate) trait Helper: Send + 'static {
    /// The text became another one by what was put before the cursor. A cursor is a byte offset of the truth.
    fn typed(&mut self, text: &Text, from: usize, to: usize) -> impl Future<Output = ()> + Send;
    /// The next text that is offered behind the cursor; waits while there is none. What was offered before is gone.
    fn offered(&mut self) -> impl Future<Output = String> + Send;
    /// What was offered last was taken.
    fn taken(&mut self) -> impl Future<Output = ()> + Send;
    /// It is over.
    fn end(self) -> impl Future<Output = ()> + Send;
}

/// What came of typing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) keys: u64,
    pub(crate) shown: u64,
    pub(crate) taken: u64,
    pub(crate) taken_chars: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.keys += other.keys;
        self.shown += other.shown;
        self.taken += other.taken;
        self.taken_chars += other.taken_chars;
    }
}

/// Numbers that look drawn and are the same in each run (xorshift).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// From 0 to 1.
    fn draw(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A time around the usual one: half to three times as long, mostly shorter.
    fn around(&mut self, usual: Duration) -> Duration {
        usual.mul_f64(0.5 + 2.5 * self.draw().powi(3))
    }
}

pub(crate) struct Typist<H> {
    text: Arc<Text>,
    chance: Chance,
    helper: H,
    at: usize,
    /// What is offered behind the cursor, and since when.
    seen: Option<(String, Instant)>,
    tally: Tally,
}

impl<H: Helper> Typist<H> {
    pub(crate) fn new(text: Arc<Text>, chance: Chance, helper: H) -> Typist<H> {
        Typist { at: text.start, text, chance, helper, seen: None, tally: Tally::default() }
    }

    pub(crate) async fn type_all(mut self) -> Tally {
        while self.at < self.text.end {
            let key = Instant::now() + self.until_next_key();
            loop {
                tokio::select! {
                    offered = self.helper.offered() => {
                        self.tally.shown += 1;
                        self.seen = Some((offered, Instant::now()));
                    }
                    () = sleep_until(key) => break,
                }
            }
            match self.wanted() {
                Some(length) => self.take(length).await,
                None => self.press().await,
            }
        }
        self.helper.end().await;
        self.tally
    }

    fn until_next_key(&mut self) -> Duration {
        let is_new_line = self.before().trim_start_matches([' ', '\t']).is_empty();
        let pause = if is_new_line { self.chance.around(THINKING) } else { Duration::ZERO };
        self.chance.around(KEY) + pause
    }

    /// The line up to the cursor.
    fn before(&self) -> &str {
        let typed = &self.text.truth[..self.at];
        &typed[typed.rfind('\n').map_or(0, |at| at + 1)..]
    }

    /// Bytes of what is offered, if it was read and is what is to be typed.
    fn wanted(&self) -> Option<usize> {
        let (offered, since) = self.seen.as_ref()?;
        let rest = &self.text.truth[self.at..self.text.end];
        let is_right = offered.trim().chars().count() >= WORTH && rest.starts_with(offered.as_str());
        (is_right && since.elapsed() >= READING).then_some(offered.len())
    }

    async fn take(&mut self, length: usize) {
        let from = self.at;
        self.at += length;
        self.tally.taken += 1;
        self.tally.taken_chars += self.text.truth[from..self.at].chars().count() as u64;
        self.seen = None;
        self.helper.taken().await;
        self.helper.typed(&self.text, from, self.at).await;
    }

    /// Types the next character; the editor indents a new line by itself.
    async fn press(&mut self) {
        let from = self.at;
        let rest = &self.text.truth[from..self.text.end];
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let indent = match rest.starts_with('\n') {
            true => rest[first..].len() - rest[first..].trim_start_matches([' ', '\t']).len(),
            false => 0,
        };
        self.at += first + indent;
        self.tally.keys += 1;
        let typed = &self.text.truth[from..self.at];
        // What is offered stays while it is typed along.
        self.seen = self.seen.take().and_then(|(offered, since)| {
            let rest = offered.strip_prefix(typed).filter(|rest| !rest.is_empty())?;
            Some((rest.to_owned(), since))
        });
        self.helper.typed(&self.text, from, self.at).await;
    }
}

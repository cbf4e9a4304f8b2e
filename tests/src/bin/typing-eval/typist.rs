//! A simulated user who types the text of a file, key by key with pauses, and accepts a right suggestion that is shown long enough to read.
//! It leaves suggestions to a helper.

use std::ops::AddAssign;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Usual time between two keys.
const KEY: Duration = Duration::from_millis(180);
/// Added at the beginning of a line, where people think.
const THINKING: Duration = Duration::from_millis(700);
/// How long a suggestion must be shown before the user has read it.
const READING: Duration = Duration::from_millis(350);
/// Fewest characters of a suggestion that are worth a key.
const WORTH: usize = 3;

/// A file, and the part of it that is typed.
pub(crate) struct Text {
    pub(crate) language: &'static str,
    pub(crate) truth: String,
    /// The part's offsets, in bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Text {
    /// A text without a part yet.
    pub(crate) fn of(language: &'static str, text: &str) -> Text {
        Text { language, truth: text.replace("\r\n", "\n"), start: 0, end: 0 }
    }

    /// The same with a part in its middle; `None` if it is too short for that.
    pub(crate) fn with_place(self, lines: usize) -> Option<Text> {
        let starts: Vec<usize> = self.truth.match_indices('\n').map(|(at, _)| at + 1).collect();
        let first = starts.len() / 2;
        let (start, end) = (*starts.get(first)?, *starts.get(first + lines)?);
        (starts.len() > lines * 3).then_some(Text { start, end: end - 1, ..self })
    }
}

/// A source of suggestions.
pub(crate) trait Helper: Send + 'static {
    /// The user inserted the truth between two cursors, given as byte offsets.
    fn typed(&mut self, text: &Text, from: usize, to: usize) -> impl Future<Output = ()> + Send;
    /// Waits for the next suggestion at the cursor. It replaces the one before.
    fn offered(&mut self) -> impl Future<Output = String> + Send;
    /// The user accepted the last suggestion.
    fn taken(&mut self) -> impl Future<Output = ()> + Send;
    /// The text is finished.
    fn end(self) -> impl Future<Output = ()> + Send;
}

/// The figures of a typed text.
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

/// Pseudo-random numbers, the same in each run (xorshift).
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
    /// The suggestion at the cursor, and since when it is shown.
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

    /// Bytes of the suggestion, if the user has read it and it is right.
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
        // A suggestion stays while the user types along.
        self.seen = self.seen.take().and_then(|(offered, since)| {
            let rest = offered.strip_prefix(typed).filter(|rest| !rest.is_empty())?;
            Some((rest.to_owned(), since))
        });
        self.helper.typed(&self.text, from, self.at).await;
    }
}

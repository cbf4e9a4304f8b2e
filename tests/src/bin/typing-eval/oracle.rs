//! A fake model that knows some lines of the true text, and the others but for a word. It writes on from the cursor after a latency, until a stop text, the ceiling or the
//! end of the part that is typed, and caches the beginnings of prompts. It leaves which lines it knows to `text`.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pennyworth_core::mask::MARK;
use pennyworth_tests::fake_provider::Answer;
use serde_json::Value;

use crate::text::{Text, hash};

/// Time from one token to the next.
const PACE: Duration = Duration::from_millis(8);
/// Bytes before the cursor that identify a place.
const TAIL: usize = 300;
/// Tokens that the cache holds or lacks together.
const BLOCK: usize = 64;
/// Characters to a token of a prompt, by the provider's count.
const CHARS: usize = 4;

pub(crate) struct Oracle {
    texts: Vec<Arc<Text>>,
    /// Usual time to the first token.
    latency: Duration,
    /// Hashes of the beginnings of all prompts so far, block by block.
    beginnings: Mutex<HashSet<u64>>,
    /// Prompts whose place was not found.
    lost: AtomicU64,
}

impl Oracle {
    pub(crate) fn new(texts: &[Arc<Text>], latency: Duration) -> Oracle {
        Oracle { texts: texts.to_vec(), latency, beginnings: Mutex::default(), lost: AtomicU64::new(0) }
    }

    /// Prompts that were answered with nothing because no text holds them.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    pub(crate) fn answer(&self, body: &Value) -> Answer {
        let prompt = body["prompt"].as_str().unwrap_or_default();
        let prefix = prompt.split("<|fim_prefix|>").nth(1).unwrap_or_default();
        let prefix = prefix.split("<|fim_suffix|>").next().unwrap_or_default();
        let written = self.place(prefix).map(|(text, at)| text.written(at));
        if written.is_none() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        let written = written.unwrap_or_default();
        let stops: Vec<&str> = body["stop"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        // From two thirds to one and two thirds of the usual time.
        let spread = 0.66 + (hash(&prefix) % 100) as f64 / 100.0;
        Answer {
            pieces: pieces(until_stop(&written, &stops)),
            cached: self.cached(&body["prompt"].to_string()),
            delay: self.latency.mul_f64(spread),
            pace: PACE,
            ..Answer::default()
        }
    }

    /// The text and the offset that a prompt's prefix leads to. It may lack the blanks before the cursor.
    fn place(&self, prefix: &str) -> Option<(&Text, usize)> {
        let start = (prefix.len().saturating_sub(TAIL)..prefix.len()).find(|at| prefix.is_char_boundary(*at))?;
        let tail = &prefix[start..];
        self.texts.iter().find_map(|text| {
            let from = text.start.saturating_sub(tail.len());
            let from = (from..=text.start).find(|at| text.truth.is_char_boundary(*at))?;
            Some((&**text, from + end_of(tail, &text.truth[from..text.end])?))
        })
    }

    /// The longest beginning of a prompt with which an earlier prompt began, in tokens.
    fn cached(&self, prompt: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        let mut beginnings = self.beginnings.lock().unwrap_or_else(PoisonError::into_inner);
        let mut cached = 0;
        let ends = prompt.char_indices().map(|(at, c)| at + c.len_utf8()).skip(BLOCK * CHARS - 1);
        let mut from = 0;
        for (end, blocks) in ends.step_by(BLOCK * CHARS).zip(1..) {
            prompt[from..end].hash(&mut hasher);
            from = end;
            if !beginnings.insert(hasher.finish()) {
                cached = blocks;
            }
        }
        cached * BLOCK as u64
    }
}

/// The byte of a text at which another one ends that stands there, but for what is masked in it.
fn end_of(tail: &str, text: &str) -> Option<usize> {
    let shown = tail.rfind(MARK).and_then(|at| tail.get(at + MARK.len_utf8()..)).unwrap_or(tail);
    let ends = text.match_indices(shown).map(|(at, _)| at + shown.len());
    let agree = |(said, true_one): (&u8, &u8)| said == true_one || char::from(*said) == MARK;
    ends.filter(|end| tail.len() <= *end).find(|end| {
        let there = &text.as_bytes()[end - tail.len()..*end];
        tail.as_bytes().iter().zip(there).all(agree)
    })
}

fn until_stop<'a>(text: &'a str, stops: &[&str]) -> &'a str {
    let ends = stops.iter().filter_map(|stop| text.find(stop));
    &text[..ends.min().unwrap_or(text.len())]
}

/// Tokens: words with the blank before them, and signs.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for c in text.chars() {
        let goes_on = |last: &String| {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            last.len() < 12
                && last.chars().next_back().is_some_and(|before| is_word(c) && (is_word(before) || before == ' '))
        };
        match pieces.last_mut().filter(|last| goes_on(last)) {
            Some(last) => last.push(c),
            None => pieces.push(c.into()),
        }
    }
    pieces
}

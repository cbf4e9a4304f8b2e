//! A fake model that knows the true text. It answers with it at a given rate and otherwise with something similar, after a latency, up to
//! the end of the construct.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use pennyworth_tests::fake_provider::Answer;
use serde_json::Value;

use crate::typist::Text;

/// Time from one token to the next.
const PACE: Duration = Duration::from_millis(8);
/// Bytes before the cursor that identify a place.
const TAIL: usize = 300;

pub(crate) struct Oracle {
    pub(crate) texts: Vec<Arc<Text>>,
    /// How often it is right, in percent.
    pub(crate) right: u64,
    /// Usual time to the first token.
    pub(crate) latency: Duration,
}

impl Oracle {
    pub(crate) fn answer(&self, body: &Value) -> Answer {
        let prompt = body["prompt"].as_str().unwrap_or_default();
        let prefix = prompt.split("<|fim_prefix|>").nth(1).unwrap_or_default();
        let prefix = prefix.split("<|fim_suffix|>").next().unwrap_or_default();
        let rest = self.rest(prefix).unwrap_or_default();
        let stops: Vec<&str> = body["stop"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let text = until_stop(construct(rest), &stops);
        let number = hash(&(prefix.lines().count(), prefix.split_whitespace().count()));
        let said = if number % 100 < self.right { text.to_owned() } else { text.replacen(char::is_alphabetic, "q", 1) };
        Answer {
            pieces: pieces(&said),
            // From two thirds to one and two thirds of the usual time.
            delay: self.latency.mul_f64(0.66 + (number / 100 % 100) as f64 / 100.0),
            pace: PACE,
            ..Answer::default()
        }
    }

    /// The truth behind a prompt's prefix, which may lack the blanks before the cursor.
    fn rest(&self, prefix: &str) -> Option<&str> {
        let start = (prefix.len().saturating_sub(TAIL)..prefix.len()).find(|at| prefix.is_char_boundary(*at))?;
        let tail = &prefix[start..];
        self.texts.iter().find_map(|text| {
            let at = text.truth.find(tail).filter(|at| at + tail.len() <= text.end)?;
            Some(&text.truth[at + tail.len()..text.end])
        })
    }
}

/// The rest of a line, and the lines below it that are indented further.
fn construct(rest: &str) -> &str {
    let mut lines = rest.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    if !first.trim_end().ends_with(['{', ':', '(', '[']) {
        return first.trim_end_matches('\n');
    }
    let indent = |line: &str| line.len() - line.trim_start().len();
    let mut inner = None;
    let more: usize = lines
        .take_while(|line| line.trim().is_empty() || indent(line) >= *inner.get_or_insert(indent(line)))
        .map(str::len)
        .sum();
    rest[..first.len() + more].trim_end()
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

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

//! What the frames of an answer have reported so far. It leaves making chunks of it to `answer`.

use pennyworth_core::money::Money;
use serde_json::Value;

use crate::chunk::FinishReason;

/// What the frames of an answer have reported so far. The protocol's `read` adds each frame.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// Texts since the last frame, with their log-probabilities.
    pub(crate) texts: Vec<(String, Option<f32>)>,
    /// The provider's count of the input.
    pub(crate) input: Option<Input>,
    /// The provider's count of the output; a later one replaces it.
    pub(crate) output: Option<Output>,
    /// The charge that the provider reports for the call.
    pub(crate) charged: Option<Money>,
    /// Whether thoughts came, which are no text of the answer.
    pub(crate) thought: bool,
    /// Why the answer ended.
    pub(crate) finish: Option<FinishReason>,
    /// Nothing more will come.
    pub(crate) done: bool,
}

/// Input tokens; `all` includes the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Input {
    pub(crate) all: u64,
    pub(crate) cached: u64,
    pub(crate) written: u64,
}

/// Output tokens; `all` includes `reasoning`, which is hidden.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) all: u64,
    pub(crate) reasoning: u64,
}

impl Heard {
    /// Adds text.
    pub(crate) fn text(&mut self, text: String, logprob: Option<f32>) {
        if !text.is_empty() {
            self.texts.push((text, logprob));
        }
    }
}

/// Whether one of these paths holds some text.
pub(crate) fn has_text(frame: &Value, paths: &[&str]) -> bool {
    paths.iter().any(|path| frame.pointer(path).and_then(Value::as_str).is_some_and(|text| !text.is_empty()))
}

/// The joint log-probability of a list of tokens; `None` if a token has none.
pub(crate) fn joint(tokens: Option<&Value>) -> Option<f32> {
    let tokens = tokens?.as_array().filter(|tokens| !tokens.is_empty())?;
    let sum: Option<f64> = tokens.iter().map(|token| token.get("logprob")?.as_f64()).sum();
    sum.map(|sum| sum.min(0.0) as f32)
}

/// The count under the first of these paths that has one.
pub(crate) fn count(bill: &Value, paths: &[&str]) -> Option<u64> {
    paths.iter().find_map(|path| bill.pointer(path).and_then(Value::as_u64))
}

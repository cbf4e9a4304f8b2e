//! Fields that an endpoint refuses: after a refusal that names a field, requests omit it for the rest of the process.
//! It leaves noticing a refusal and asking again to `call`. A refused request was not billed, so asking again costs nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use pennyworth_core::models::Model;
use serde_json::{Map, Value};

/// Fields without which a request makes no sense, has no ceiling, or costs more than planned.
const ESSENTIAL: [&str; 17] = [
    "model",
    "prompt",
    "suffix",
    "messages",
    "stream",
    "max_tokens",
    "system",
    "thinking",
    "contents",
    "generationConfig",
    "options",
    "raw",
    "input_prefix",
    "input_suffix",
    "n_predict",
    "inputs",
    "parameters",
];
/// The newer name of the ceiling.
const NEW_CEILING: &str = "max_completion_tokens";
/// The fewest stop texts that any provider with a limit takes.
const FEW_STOPS: usize = 4;

/// The quirk of each endpoint, by address and model.
#[derive(Debug, Default)]
pub(crate) struct Quirks(Mutex<HashMap<(String, String), Quirk>>);

/// Changes to a request's body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Quirk {
    dropped: BTreeSet<String>,
    new_ceiling: bool,
    few_stops: bool,
}

impl Quirks {
    /// The quirk of a model's endpoint, as far as it is known.
    pub(crate) fn of(&self, model: &Model) -> Quirk {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&key(model)).cloned().unwrap_or_default()
    }

    /// Remembers a model's quirk.
    pub(crate) fn set(&self, model: &Model, quirk: Quirk) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key(model), quirk);
    }
}

fn key(model: &Model) -> (String, String) {
    (model.base_url.clone(), model.id.clone())
}

impl Quirk {
    /// Applies the changes to a body.
    pub(crate) fn apply(&self, body: &mut Map<String, Value>) {
        if self.new_ceiling
            && let Some(ceiling) = body.remove("max_tokens")
        {
            body.insert(NEW_CEILING.into(), ceiling);
        }
        if self.few_stops
            && let Some(Value::Array(stops)) = body.get_mut("stop")
        {
            stops.truncate(FEW_STOPS);
        }
        body.retain(|field, _| !self.dropped.contains(field));
    }

    /// This quirk plus what a refusal of `sent` teaches; `None` if it names no field that can change.
    pub(crate) fn learned(&self, sent: &Map<String, Value>, refusal: &Value) -> Option<Quirk> {
        let mut quirk = self.clone();
        let named = named_field(sent, refusal)?;
        match named {
            "max_tokens" if mentions(refusal, NEW_CEILING) => quirk.new_ceiling = true,
            "stop" if !self.few_stops && stops(sent) > FEW_STOPS => quirk.few_stops = true,
            _ if ESSENTIAL.contains(&named) || named == NEW_CEILING => return None,
            _ => {
                quirk.dropped.insert(named.to_owned());
            }
        }
        (quirk != *self).then_some(quirk)
    }
}

fn stops(sent: &Map<String, Value>) -> usize {
    sent.get("stop").and_then(Value::as_array).map_or(0, Vec::len)
}

/// The field of the request that a refusal names: by `param`, by the place of a validation error, or as a word of the message.
fn named_field<'a>(sent: &'a Map<String, Value>, refusal: &Value) -> Option<&'a str> {
    let error = refusal.get("error").unwrap_or(refusal);
    let param = error.get("param").and_then(Value::as_str).and_then(|param| param.split(['.', '[']).next());
    let place = refusal.pointer("/detail/0/loc/1").and_then(Value::as_str);
    let field = |name: &str| sent.keys().find(|key| *key == name).map(String::as_str);
    if let Some(field) = param.and_then(field).or_else(|| place.and_then(field)) {
        return Some(field);
    }
    // The longest name wins: advice about `max_completion_tokens` must not hide the refused field, nor `logprobs` stand for `top_logprobs`.
    let words = words(refusal);
    sent.keys()
        .filter(|key| !matches!(key.as_str(), "model" | "stream" | "prompt"))
        .filter(|key| words.contains(key.as_str()))
        .max_by_key(|key| key.len())
        .map(String::as_str)
}

fn mentions(refusal: &Value, word: &str) -> bool {
    words(refusal).contains(word)
}

fn words(refusal: &Value) -> BTreeSet<&str> {
    let error = refusal.get("error").unwrap_or(refusal);
    let message = error.as_str().or_else(|| error.get("message").and_then(Value::as_str)).unwrap_or("");
    message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_refusal_changes_only_what_it_names_and_never_the_ceiling_away() {
        let body = json!({"model": "m", "prompt": "p", "stream": true, "max_tokens": 8, "stop": ["a", "b", "c", "d", "e"], "logprobs": 1,
            "temperature": 0, "stream_options": {"include_usage": true}});
        let message = |text: &str| json!({"error": {"message": text}});
        for (refusal, changed, after) in [
            (
                json!({"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                "param": "max_tokens"}}),
                "max_completion_tokens",
                json!(8),
            ),
            (message("'stop' takes at most 4 texts"), "stop", json!(["a", "b", "c", "d"])),
            (
                json!({"detail": [{"loc": ["body", "logprobs"], "msg": "extra fields not permitted"}]}),
                "logprobs",
                json!(null),
            ),
            (
                json!({"error": {"param": "stream_options.include_usage", "message": "?"}}),
                "stream_options",
                json!(null),
            ),
            (json!({"error": "unknown field temperature"}), "temperature", json!(null)),
            (json!({"object": "error", "message": "no logprobs here"}), "logprobs", json!(null)),
        ] {
            let mut body = body.as_object().unwrap().clone();
            let quirk = Quirk::default().learned(&body, &refusal).unwrap_or_else(|| panic!("{refusal}"));
            quirk.apply(&mut body);
            assert_eq!(body.get(changed).cloned().unwrap_or_default(), after, "{refusal}");
            assert!(body.contains_key("max_tokens") || body.contains_key("max_completion_tokens"));
        }
        for refusal in [
            message("max_tokens is too large"),
            message("suffix is not currently supported"),
            message("no such model"),
            json!({"error": {"param": "model", "message": "no such model"}}),
            json!(null),
            json!([1]),
        ] {
            assert_eq!(Quirk::default().learned(body.as_object().unwrap(), &refusal), None, "{refusal}");
        }
    }
}

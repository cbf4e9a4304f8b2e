//! `/completions` and `/chat/completions` as OpenAI defined them and most servers copy. Reading is lenient: it skips fields that are missing,
//! unknown or of an undocumented type, unless they decide about money or the end of an answer.

use pennyworth_core::money::Money;
use pennyworth_core::prompt::Body;
use serde_json::{Map, Value, json};

use crate::chunk::FinishReason;
use crate::error::{Kind, ProviderError};
use crate::frames::Framing;
use crate::heard::{Heard, Input, Output, count, has_text};
use crate::request::{Request, is_marked};
use crate::wire::Wire;

/// The protocol.
pub(crate) static WIRE: Wire = Wire {
    path,
    body,
    ceiling: (&[], "max_tokens"),
    warms_with: None,
    read,
    framing: Framing::Events,
    probe: "/models",
    key_header: None,
    headers: &[],
};

/// Where the copies of this API put thoughts: as a text, or as a list.
const THOUGHTS: [&str; 6] = [
    "/delta/reasoning_content",
    "/delta/reasoning",
    "/message/reasoning_content",
    "/message/reasoning",
    "/reasoning_content",
    "/reasoning",
];
const THOUGHT_LISTS: [&str; 3] = ["/delta/reasoning_details", "/message/reasoning_details", "/reasoning_details"];
/// The kinds of those parts of a content list that are thoughts.
const THOUGHT_KINDS: [&str; 3] = ["thinking", "reasoning", "redacted_thinking"];

fn path(request: &Request) -> String {
    let path = match request.body {
        Body::Raw { .. } | Body::Fields { .. } => "/completions",
        Body::Chat { .. } => "/chat/completions",
    };
    path.to_owned()
}

fn body(request: &Request) -> Map<String, Value> {
    let model = &request.model;
    let mut body = Map::new();
    let mut set = |field: &str, value: Value| body.insert(field.to_owned(), value);
    set("model", json!(model.id));
    set("stream", json!(true));
    set("stream_options", json!({"include_usage": true}));
    set("temperature", request.temperature());
    match &request.body {
        Body::Raw { prompt } => {
            set("prompt", json!(prompt));
        }
        Body::Fields { prompt, suffix, .. } => {
            set("prompt", json!(prompt));
            set("suffix", json!(suffix));
        }
        Body::Chat { system, shared, user } => {
            let user = match is_marked(model, system, shared) {
                true => json!([
                    {"type": "text", "text": shared, "prompt_cache_breakpoint": {"mode": "explicit"}},
                    {"type": "text", "text": user},
                ]),
                false => json!(format!("{shared}{user}")),
            };
            set("messages", json!([{"role": "system", "content": system}, {"role": "user", "content": user}]));
        }
    }
    if !request.stops.is_empty() {
        set("stop", json!(request.stops));
    }
    if let Some(schema) = &request.schema {
        let format =
            json!({"type": "json_schema", "json_schema": {"name": "answer", "strict": true, "schema": schema}});
        set("response_format", format);
    }
    if model.logprobs {
        // The older endpoint takes the number of alternatives, the newer one a flag (and the number apart).
        set("logprobs", if matches!(request.body, Body::Chat { .. }) { json!(true) } else { json!(1) });
    }
    body
}

pub(crate) fn read(heard: &mut Heard, frame: &Value) -> Result<(), ProviderError> {
    // Groq sends usage under a name of its own.
    let bill = frame.get("usage").filter(|usage| usage.is_object()).or_else(|| frame.pointer("/x_groq/usage"));
    if let Some(bill) = bill {
        account(heard, bill);
    }
    let choices = frame.get("choices").and_then(Value::as_array).into_iter().flatten();
    let first = |choice: &&Value| choice.get("index").is_none_or(|index| index.is_null() || index == 0);
    choices.filter(first).try_for_each(|choice| self::choice(heard, choice))
}

fn choice(heard: &mut Heard, choice: &Value) -> Result<(), ProviderError> {
    for (text, logprob) in text(choice).map(|text| pieces(text, choice)).into_iter().flatten() {
        heard.text(text, logprob);
    }
    heard.thought |= has_text(choice, &THOUGHTS) || has_thoughts(choice);
    heard.finish = match choice.get("finish_reason").and_then(Value::as_str) {
        None => heard.finish,
        Some("stop" | "eos" | "eos_token" | "stop_sequence") => Some(FinishReason::Stop),
        Some("length" | "max_tokens") => Some(FinishReason::Length),
        Some("content_filter") => Some(FinishReason::Filtered),
        Some("error") => return Err(ProviderError::new(Kind::Server)),
        Some(_) => Some(FinishReason::Other),
    };
    Ok(())
}

/// The text of a choice; parts of a content list are joined, without thoughts.
fn text(choice: &Value) -> Option<String> {
    match content(choice)? {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let parts = parts.iter().filter(|part| !is_thought(part));
            Some(parts.filter_map(|part| part.get("text")?.as_str()).collect())
        }
        _ => None,
    }
}

/// The content of a choice, wherever this copy of the API puts it.
fn content(choice: &Value) -> Option<&Value> {
    let places = ["/text", "/delta/content", "/message/content"];
    places.iter().find_map(|at| choice.pointer(at).filter(|text| !text.is_null()))
}

/// Whether a choice has thoughts in a list: Mistral's parts of the content, OpenRouter's details.
fn has_thoughts(choice: &Value) -> bool {
    let parts = content(choice).and_then(Value::as_array).into_iter().flatten();
    let mut lists = THOUGHT_LISTS.iter().filter_map(|at| choice.pointer(at)?.as_array());
    lists.any(|list| !list.is_empty()) || parts.into_iter().any(is_thought)
}

fn is_thought(part: &Value) -> bool {
    part.get("type").and_then(Value::as_str).is_some_and(|kind| THOUGHT_KINDS.contains(&kind))
}

/// A choice's text in pieces with their log-probabilities: its tokens, if they make up the text, else all of it. What is behind the end of what is shown
/// must not count for it.
fn pieces(text: String, choice: &Value) -> Vec<(String, Option<f32>)> {
    let tokens = tokens(choice);
    let logprob = |logprob: f64| logprob.min(0.0) as f32;
    let said: Option<String> = tokens.iter().map(|(token, _)| *token).collect();
    if said.is_some_and(|said| said == text) {
        let each = tokens.into_iter().map(|(token, own)| (token.unwrap_or_default().to_owned(), own.map(logprob)));
        return each.collect();
    }
    // If one token has no probability, the joint one is unknown.
    let joint: Option<f64> = tokens.iter().map(|(_, own)| *own).sum();
    vec![(text, joint.filter(|_| !tokens.is_empty()).map(logprob))]
}

/// The tokens of a choice, each with its log-probability, in either form of the API; their texts may be left out.
fn tokens(choice: &Value) -> Vec<(Option<&str>, Option<f64>)> {
    let list = |at: &str| choice.pointer(at).and_then(Value::as_array);
    if let Some(all) = list("/logprobs/token_logprobs") {
        let texts = list("/logprobs/tokens").map_or(&[][..], Vec::as_slice).iter().map(Value::as_str);
        let texts = texts.chain(std::iter::repeat(None));
        return texts.zip(all.iter().map(Value::as_f64)).collect();
    }
    let all = list("/logprobs/content").into_iter().flatten();
    all.map(|token| (token.get("token").and_then(Value::as_str), token.get("logprob").and_then(Value::as_f64)))
        .collect()
}

/// Reads usage under the names of each copy of the API. A charge may come without counts.
pub(crate) fn account(heard: &mut Heard, bill: &Value) {
    let charged = bill.get("cost").and_then(Value::as_f64).filter(|usd| *usd >= 0.0).map(Money::from_usd);
    let input = count(bill, &["/prompt_tokens", "/input_tokens"]);
    let output = count(bill, &["/completion_tokens", "/output_tokens"]);
    if input.is_none() && output.is_none() {
        heard.charged = charged.or(heard.charged);
        return;
    }
    // The last of each is how a batch names it.
    let cached = [
        "/prompt_tokens_details/cached_tokens",
        "/prompt_cache_hit_tokens",
        "/cached_input_tokens",
        "/input_tokens_details/cached_tokens",
    ];
    let written = ["/prompt_tokens_details/cache_write_tokens", "/input_tokens_details/cache_write_tokens"];
    heard.input = Some(Input {
        all: input.unwrap_or(0),
        cached: count(bill, &cached).unwrap_or(0),
        written: count(bill, &written).unwrap_or(0),
    });
    let reasoning =
        ["/completion_tokens_details/reasoning_tokens", "/reasoning_tokens", "/output_tokens_details/reasoning_tokens"];
    heard.output = Some(Output { all: output.unwrap_or(0), reasoning: count(bill, &reasoning).unwrap_or(0) });
    heard.charged = charged;
}

//! Ollama's own API: a JSON object a line. `/api/generate` for prompts, with a suffix where the model's template takes one and raw where the
//! sentinels are ours; `/api/chat` for messages.

use pennyworth_core::prompt::Body;
use serde_json::{Map, Value, json};

use crate::answer::{Heard, Input, Output, count, joint};
use crate::error::ProviderError;
use crate::frames::Framing;
use crate::wire::Wire;
use crate::{FinishReason, Request};

/// The protocol.
pub(crate) static WIRE: Wire = Wire {
    path,
    body,
    ceiling: (&["options"], "num_predict"),
    warms_with: Some(1),
    read,
    framing: Framing::Lines,
    probe: "/api/version",
    key_header: None,
    headers: &[],
};

fn path(request: &Request) -> String {
    let path = match request.body {
        Body::Raw { .. } | Body::Fields { .. } => "/api/generate",
        Body::Chat { .. } => "/api/chat",
    };
    path.to_owned()
}

fn body(request: &Request) -> Map<String, Value> {
    let mut body = Map::new();
    let mut set = |field: &str, value: Value| body.insert(field.to_owned(), value);
    set("model", json!(request.model.id));
    set("stream", json!(true));
    // A model that can think does unless it is told not to.
    set("think", json!(false));
    // Rather refused than cut at its head without a word.
    set("truncate", json!(false));
    match &request.body {
        Body::Raw { prompt } => {
            set("prompt", json!(prompt));
            set("raw", json!(true));
        }
        Body::Fields { prompt, suffix, .. } => {
            set("prompt", json!(prompt));
            set("suffix", json!(suffix));
        }
        Body::Chat { system, shared, user } => {
            let user = format!("{shared}{user}");
            set("messages", json!([{"role": "system", "content": system}, {"role": "user", "content": user}]));
        }
    }
    if request.model.logprobs {
        set("logprobs", json!(true));
    }
    set("options", json!({"temperature": 0, "stop": request.stops}));
    body
}

fn read(heard: &mut Heard, frame: &Value) -> Result<(), ProviderError> {
    let text = frame.get("response").or_else(|| frame.pointer("/message/content")).and_then(Value::as_str);
    heard.text(text.unwrap_or_default().to_owned(), joint(frame.get("logprobs")));
    if frame.get("done") != Some(&Value::Bool(true)) {
        return Ok(());
    }
    heard.done = true;
    heard.finish = Some(match frame.get("done_reason").and_then(Value::as_str) {
        Some("stop") | None => FinishReason::Stop,
        Some("length") => FinishReason::Length,
        Some(_) => FinishReason::Other,
    });
    // Counts that are zero are left out; an answer that has any has a count of its output.
    if let Some(all) = count(frame, &["/eval_count"]) {
        heard.output = Some(Output { all, reasoning: 0 });
        heard.input = Some(Input { all: count(frame, &["/prompt_eval_count"]).unwrap_or(0), ..Input::default() });
    }
    Ok(())
}

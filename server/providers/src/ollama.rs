//! Ollama's own API: one JSON object per line. `/api/generate` for prompts, with a suffix where the model's template takes one and raw where
//! we write the sentinels; `/api/chat` for messages.

use pennyworth_core::prompt::Body;
use serde_json::{Map, Value, json};

use crate::chunk::FinishReason;
use crate::error::ProviderError;
use crate::frames::Framing;
use crate::heard::{Heard, Input, Output, count, has_text, joint};
use crate::request::Request;
use crate::wire::Wire;

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
    // A model that can think does so unless told not to.
    set("think", json!(false));
    // Otherwise Ollama would silently cut the beginning of a long prompt; a refusal is better.
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
    if let Some(schema) = &request.schema {
        set("format", schema.clone());
    }
    set("options", json!({"temperature": request.temperature(), "stop": request.stops}));
    body
}

fn read(heard: &mut Heard, frame: &Value) -> Result<(), ProviderError> {
    let text = frame.get("response").or_else(|| frame.pointer("/message/content")).and_then(Value::as_str);
    heard.text(text.unwrap_or_default().to_owned(), joint(frame.get("logprobs")));
    heard.thought |= has_text(frame, &["/thinking", "/message/thinking"]);
    // Ollama omits counts of zero; an answer with any counts has an output count.
    if let Some(all) = count(frame, &["/eval_count"]) {
        heard.output = Some(Output { all, reasoning: 0 });
        heard.input = Some(Input { all: count(frame, &["/prompt_eval_count"]).unwrap_or(0), ..Input::default() });
    }
    if frame.get("done") != Some(&Value::Bool(true)) {
        return Ok(());
    }
    heard.done = true;
    heard.finish = Some(match frame.get("done_reason").and_then(Value::as_str) {
        Some("stop") | None => FinishReason::Stop,
        Some("length") => FinishReason::Length,
        Some(_) => FinishReason::Other,
    });
    Ok(())
}

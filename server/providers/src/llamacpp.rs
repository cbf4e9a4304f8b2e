//! llama.cpp's own API: `/infill`, where the server knows the model's sentinels, and `/completion` for prompts that hold them.
//! Chats go over the OpenAI protocol, which the same server speaks.

use pennyworth_core::prompt::{Body, Excerpt};
use serde_json::{Map, Value, json};

use crate::chunk::FinishReason;
use crate::error::ProviderError;
use crate::frames::Framing;
use crate::heard::{Heard, Input, Output, count, joint};
use crate::request::Request;
use crate::wire::Wire;

/// The protocol.
pub(crate) static WIRE: Wire = Wire {
    path,
    body,
    ceiling: (&[], "n_predict"),
    warms_with: Some(0),
    read,
    framing: Framing::Events,
    probe: "/health",
    key_header: None,
    headers: &[],
};

fn path(request: &Request) -> String {
    let path = match request.body {
        Body::Fields { .. } => "/infill",
        Body::Raw { .. } | Body::Chat { .. } => "/completion",
    };
    path.to_owned()
}

fn body(request: &Request) -> Map<String, Value> {
    let mut body = Map::new();
    let mut set = |field: &str, value: Value| body.insert(field.to_owned(), value);
    set("model", json!(request.model.id));
    set("stream", json!(true));
    set("cache_prompt", json!(true));
    set("temperature", request.temperature());
    set("stop", json!(request.stops));
    match &request.body {
        Body::Fields { prompt, suffix, excerpts } => {
            // The start of the line is sent apart, so that the lines above stay the same while the user types it.
            let line = prompt.rfind('\n').map_or(0, |at| at + 1);
            set("input_prefix", json!(prompt.get(..line)));
            set("prompt", json!(prompt.get(line..)));
            set("input_suffix", json!(suffix));
            let excerpt = |Excerpt { path, text, .. }: &Excerpt| json!({"filename": path, "text": text});
            set("input_extra", excerpts.iter().map(excerpt).collect());
        }
        Body::Raw { prompt } | Body::Chat { user: prompt, .. } => {
            set("prompt", json!(prompt));
        }
    }
    if request.model.logprobs {
        set("n_probs", json!(1));
    }
    body
}

fn read(heard: &mut Heard, frame: &Value) -> Result<(), ProviderError> {
    let text = frame.get("content").and_then(Value::as_str).unwrap_or_default();
    heard.text(text.to_owned(), joint(frame.get("completion_probabilities")));
    let timing = |name: &str| count(frame, &[&format!("/timings/{name}")]);
    if let Some(read) = timing("prompt_n") {
        let cached = timing("cache_n").unwrap_or(0);
        heard.input = Some(Input { all: read + cached, cached, written: 0 });
        heard.output = timing("predicted_n").map(|all| Output { all, reasoning: 0 });
    }
    if frame.get("stop") != Some(&Value::Bool(true)) {
        return Ok(());
    }
    heard.done = true;
    heard.finish = Some(match frame.get("stop_type").and_then(Value::as_str) {
        Some("eos" | "word") => FinishReason::Stop,
        Some("limit") => FinishReason::Length,
        _ => FinishReason::Other,
    });
    Ok(())
}

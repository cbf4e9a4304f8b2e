//! Text Generation Inference: `/generate_stream`, one token per frame with its probability; the last frame has the whole text and the counts.

use pennyworth_core::prompt::Body;
use serde_json::{Map, Value, json};

use crate::chunk::FinishReason;
use crate::error::ProviderError;
use crate::frames::Framing;
use crate::heard::{Heard, Input, Output, count};
use crate::request::Request;
use crate::wire::Wire;

/// The protocol.
pub(crate) static WIRE: Wire = Wire {
    path: |_| "/generate_stream".to_owned(),
    body,
    ceiling: (&["parameters"], "max_new_tokens"),
    warms_with: None,
    read,
    framing: Framing::Events,
    probe: "/health",
    key_header: None,
    headers: &[],
};

fn body(request: &Request) -> Map<String, Value> {
    let prompt = match &request.body {
        Body::Raw { prompt } | Body::Fields { prompt, .. } | Body::Chat { user: prompt, .. } => prompt,
    };
    let mut body = Map::new();
    body.insert("inputs".into(), json!(prompt));
    let parameters = json!({"stop": request.stops, "do_sample": false, "return_full_text": false, "details": true});
    body.insert("parameters".into(), parameters);
    body
}

fn read(heard: &mut Heard, frame: &Value) -> Result<(), ProviderError> {
    if let Some(token) = frame.get("token").filter(|token| token.get("special") != Some(&Value::Bool(true))) {
        let text = token.get("text").and_then(Value::as_str).unwrap_or_default();
        let logprob = token.get("logprob").and_then(Value::as_f64);
        heard.text(text.to_owned(), logprob.map(|logprob| logprob.min(0.0) as f32));
    }
    heard.output =
        count(frame, &["/details/generated_tokens"]).map(|all| Output { all, reasoning: 0 }).or(heard.output);
    heard.input = count(frame, &["/details/input_length"]).map(|all| Input { all, ..Input::default() }).or(heard.input);
    if frame.get("generated_text").is_none_or(Value::is_null) {
        return Ok(());
    }
    heard.done = true;
    heard.finish = Some(match frame.pointer("/details/finish_reason").and_then(Value::as_str) {
        Some("eos_token" | "stop_sequence") => FinishReason::Stop,
        Some("length") => FinishReason::Length,
        _ => FinishReason::Other,
    });
    Ok(())
}

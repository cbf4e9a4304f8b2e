//! Anthropic's Messages: named events, counts that replace earlier ones, and no way to begin the answer for the model.
//! No sampling fields are sent: this version of the API has none.

use pennyworth_core::prompt::Body;
use serde_json::{Map, Value, json};

use crate::chunk::FinishReason;
use crate::error::ProviderError;
use crate::frames::Framing;
use crate::heard::{Heard, Input, Output, count};
use crate::request::{Request, is_marked};
use crate::wire::Wire;

/// The protocol.
pub(crate) static WIRE: Wire = Wire {
    path: |_| "/messages".to_owned(),
    body,
    ceiling: (&[], "max_tokens"),
    warms_with: None,
    read,
    framing: Framing::Events,
    probe: "/models",
    key_header: Some("x-api-key"),
    headers: &[("anthropic-version", "2026-10-21")],
};

fn body(request: &Request) -> Map<String, Value> {
    let mut body = Map::new();
    body.insert("model".into(), json!(request.model.id));
    body.insert("stream".into(), json!(true));
    let user = match &request.body {
        Body::Chat { system, shared, user } => {
            body.insert("system".into(), json!([{"type": "text", "text": system}]));
            match is_marked(&request.model, system, shared) {
                true => json!([
                    {"type": "text", "text": shared, "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": user},
                ]),
                false => json!(format!("{shared}{user}")),
            }
        }
        Body::Raw { prompt } | Body::Fields { prompt, .. } => json!(prompt),
    };
    body.insert("messages".into(), json!([{"role": "user", "content": user}]));
    // The API refuses stop texts that are only whitespace.
    let stops: Vec<&String> = request.stops.iter().filter(|stop| !stop.trim().is_empty()).collect();
    if !stops.is_empty() {
        body.insert("stop_sequences".into(), json!(stops));
    }
    if let Some(schema) = &request.schema {
        body.insert("output_config".into(), json!({"format": {"type": "json_schema", "schema": schema}}));
    }
    body
}

fn read(heard: &mut Heard, frame: &Value) -> Result<(), ProviderError> {
    match kind(Some(frame)) {
        Some("message_start") => heard.input = frame.pointer("/message/usage").map(input),
        Some("content_block_start") if is_thought(frame.get("content_block")) => heard.thought = true,
        Some("content_block_delta") if kind(frame.get("delta")) == Some("thinking_delta") => heard.thought = true,
        // Signatures and unknown deltas are not text of the answer.
        Some("content_block_delta") if kind(frame.get("delta")) == Some("text_delta") => {
            let text = frame.pointer("/delta/text").and_then(Value::as_str).unwrap_or_default();
            heard.text(text.to_owned(), None);
        }
        Some("message_delta") => message_delta(heard, frame),
        Some("message_stop") => heard.done = true,
        Some("error") => bill(heard, frame),
        // A server that does not stream answers with the message itself.
        Some("message") => message(heard, frame),
        _ => {}
    }
    Ok(())
}

fn kind(value: Option<&Value>) -> Option<&str> {
    value?.get("type")?.as_str()
}

fn is_thought(block: Option<&Value>) -> bool {
    matches!(kind(block), Some("thinking" | "redacted_thinking"))
}

fn message_delta(heard: &mut Heard, frame: &Value) {
    if let Some(usage) = frame.get("usage") {
        heard.output = output(usage).or(heard.output);
    }
    heard.finish = frame.pointer("/delta/stop_reason").and_then(Value::as_str).map(reason).or(heard.finish);
}

/// An error's bill.
fn bill(heard: &mut Heard, frame: &Value) {
    if let Some(usage) = frame.get("usage").filter(|usage| usage.is_object()) {
        heard.input = count(usage, &["/input_tokens"]).map(|_| input(usage)).or(heard.input);
        heard.output = output(usage).or(heard.output);
    }
}

fn message(heard: &mut Heard, message: &Value) {
    for block in message.get("content").and_then(Value::as_array).into_iter().flatten() {
        heard.text(block.get("text").and_then(Value::as_str).unwrap_or_default().to_owned(), None);
        heard.thought |= is_thought(Some(block));
    }
    if let Some(usage) = message.get("usage") {
        (heard.input, heard.output) = (Some(input(usage)), output(usage));
    }
    heard.finish = message.get("stop_reason").and_then(Value::as_str).map(reason);
    heard.done = true;
}

fn reason(reason: &str) -> FinishReason {
    match reason {
        "end_turn" | "stop_sequence" => FinishReason::Stop,
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "refusal" => FinishReason::Filtered,
        _ => FinishReason::Other,
    }
}

/// `input_tokens` does not include cache reads and writes.
fn input(usage: &Value) -> Input {
    let part = |path: &str| count(usage, &[path]).unwrap_or(0);
    let (cached, written) = (part("/cache_read_input_tokens"), part("/cache_creation_input_tokens"));
    Input { all: part("/input_tokens") + cached + written, cached, written }
}

fn output(usage: &Value) -> Option<Output> {
    let all = count(usage, &["/output_tokens"])?;
    Some(Output { all, reasoning: count(usage, &["/output_tokens_details/thinking_tokens"]).unwrap_or(0) })
}

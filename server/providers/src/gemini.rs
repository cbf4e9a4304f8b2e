//! Google's `streamGenerateContent`: each event is a whole response, the last event's counts are final, and nothing marks the end.

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
    path: |request| format!("/models/{}:streamGenerateContent?alt=sse", request.model.id),
    body,
    ceiling: (&["generationConfig"], "maxOutputTokens"),
    warms_with: None,
    read,
    framing: Framing::Events,
    probe: "/models",
    key_header: Some("x-goog-api-key"),
    headers: &[],
};

fn body(request: &Request) -> Map<String, Value> {
    let mut body = Map::new();
    let user = match &request.body {
        Body::Chat { system, shared, user } => {
            body.insert("systemInstruction".into(), json!({"parts": [{"text": system}]}));
            format!("{shared}{user}")
        }
        Body::Raw { prompt } | Body::Fields { prompt, .. } => prompt.clone(),
    };
    body.insert("contents".into(), json!([{"role": "user", "parts": [{"text": user}]}]));
    let mut config = json!({"temperature": request.temperature()});
    if let Some(config) = config.as_object_mut().filter(|_| !request.stops.is_empty()) {
        config.insert("stopSequences".into(), json!(request.stops));
    }
    if let (Some(config), Some(schema)) = (config.as_object_mut(), &request.schema) {
        config.insert("responseMimeType".into(), json!("application/json"));
        config.insert("responseJsonSchema".into(), schema.clone());
    }
    body.insert("generationConfig".into(), config);
    body
}

fn read(heard: &mut Heard, frame: &Value) -> Result<(), ProviderError> {
    if let Some(usage) = frame.get("usageMetadata") {
        account(heard, usage);
    }
    // A prompt that the filter blocks has no candidate.
    if frame.pointer("/promptFeedback/blockReason").is_some() {
        heard.finish = Some(FinishReason::Filtered);
    }
    let Some(candidate) = frame.pointer("/candidates/0") else { return Ok(()) };
    let parts = candidate.pointer("/content/parts").and_then(Value::as_array).into_iter().flatten();
    for part in parts {
        let text = part.get("text").and_then(Value::as_str).unwrap_or_default();
        match part.get("thought") == Some(&Value::Bool(true)) {
            true => heard.thought = true,
            false => heard.text(text.to_owned(), None),
        }
    }
    heard.finish = match candidate.get("finishReason").and_then(Value::as_str) {
        None | Some("FINISH_REASON_UNSPECIFIED") => heard.finish,
        Some("STOP") => Some(FinishReason::Stop),
        Some("MAX_TOKENS") => Some(FinishReason::Length),
        // The filter withholds code that repeats a source word for word as a recitation.
        Some("SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "LANGUAGE") => {
            Some(FinishReason::Filtered)
        }
        Some(_) => Some(FinishReason::Other),
    };
    Ok(())
}

/// The output count excludes thoughts; the input count includes cached input.
fn account(heard: &mut Heard, usage: &Value) {
    if let Some(all) = count(usage, &["/promptTokenCount"]) {
        let cached = count(usage, &["/cachedContentTokenCount"]).unwrap_or(0);
        heard.input = Some(Input { all, cached, written: 0 });
    }
    let (visible, reasoning) = (count(usage, &["/candidatesTokenCount"]), count(usage, &["/thoughtsTokenCount"]));
    if visible.or(reasoning).is_some() {
        let reasoning = reasoning.unwrap_or(0);
        heard.output = Some(Output { all: visible.unwrap_or(0) + reasoning, reasoning });
    }
}

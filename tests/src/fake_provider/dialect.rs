//! The fake provider's frames in each wire protocol. The request's path decides the protocol.

use serde_json::{Value, json};

/// A wire protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// `/completions`.
    Completions,
    /// `/chat/completions`, and any unknown path.
    Chat,
    /// Anthropic's `/messages`.
    Messages,
    /// Google's `streamGenerateContent`.
    Gemini,
    /// Ollama's `/api/generate`.
    Ollama,
    /// Ollama's `/api/chat`.
    OllamaChat,
    /// llama.cpp's `/infill` and `/completion`.
    Llamacpp,
    /// Text Generation Inference's `/generate_stream`.
    Tgi,
}

/// The counts of an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    /// Tokens of the input.
    pub(super) input: u64,
    /// Input tokens that were cached.
    pub(super) cached: u64,
    /// Tokens written so far.
    pub(super) output: u64,
}

impl Dialect {
    /// The dialect of a request's path.
    pub(super) fn of(line: &str) -> Dialect {
        let path = line.split(['?', ' ']).nth(1).unwrap_or_default();
        match path.rsplit('/').next().unwrap_or_default() {
            "messages" => Dialect::Messages,
            name if name.ends_with(":streamGenerateContent") => Dialect::Gemini,
            "generate" => Dialect::Ollama,
            "chat" => Dialect::OllamaChat,
            "infill" | "completion" => Dialect::Llamacpp,
            "generate_stream" => Dialect::Tgi,
            "completions" if path.ends_with("/chat/completions") => Dialect::Chat,
            "completions" => Dialect::Completions,
            _ => Dialect::Chat,
        }
    }

    /// The content type of its stream.
    pub(super) fn content_type(self) -> &'static str {
        if self.is_ollama() { "application/x-ndjson" } else { "text/event-stream" }
    }

    /// The ceiling of a request.
    pub(super) fn ceiling(body: &Value) -> Option<u64> {
        let places = [
            "/max_tokens",
            "/max_completion_tokens",
            "/n_predict",
            "/options/num_predict",
            "/generationConfig/maxOutputTokens",
            "/parameters/max_new_tokens",
        ];
        places.iter().find_map(|place| body.pointer(place)?.as_u64())
    }

    /// A frame on the wire.
    pub(super) fn frame(self, value: &Value) -> String {
        match self {
            Dialect::Ollama | Dialect::OllamaChat => format!("{value}\n"),
            Dialect::Messages => {
                format!("event: {}\ndata: {value}\n\n", value.get("type").and_then(Value::as_str).unwrap_or_default())
            }
            _ => format!("data: {value}\n\n"),
        }
    }

    /// The frame before the first piece.
    pub(super) fn begin(self, counts: Counts) -> Option<Value> {
        let Counts { input, cached, .. } = counts;
        (self == Dialect::Messages).then(|| {
            let usage = json!({"input_tokens": input - cached, "cache_read_input_tokens": cached, "cache_creation_input_tokens": 0, "output_tokens": 1});
            json!({"type": "message_start", "message": {"id": "fake-1", "role": "assistant", "content": [], "usage": usage}})
        })
    }

    /// The frame of a piece.
    pub(super) fn piece(self, text: &str, counts: Counts) -> Value {
        match self {
            Dialect::Completions => {
                json!({"id": "fake-1", "choices": [{"index": 0, "text": text, "finish_reason": null}]})
            }
            Dialect::Chat => {
                json!({"id": "fake-1", "choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
            }
            Dialect::Messages => {
                json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
            }
            Dialect::Gemini => json!({
                "candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}],
                "usageMetadata": {"promptTokenCount": counts.input, "cachedContentTokenCount": counts.cached},
            }),
            Dialect::Ollama => json!({"model": "fake", "response": text, "done": false}),
            Dialect::OllamaChat => {
                json!({"model": "fake", "message": {"role": "assistant", "content": text}, "done": false})
            }
            Dialect::Llamacpp => json!({"index": 0, "content": text, "stop": false}),
            Dialect::Tgi => {
                json!({"token": {"id": 1, "text": text, "logprob": -0.1, "special": false}, "generated_text": null})
            }
        }
    }

    /// The frames after the last piece. Without `usage` they have no counts.
    pub(super) fn end(self, whole: &str, is_cut: bool, counts: Counts, usage: bool) -> Vec<Value> {
        let Counts { input, cached, output } = counts;
        let reason = |stop: &str, length: &str| if is_cut { length.to_owned() } else { stop.to_owned() };
        match self {
            Dialect::Completions | Dialect::Chat => {
                let last = match self {
                    Dialect::Chat => json!({"index": 0, "delta": {}, "finish_reason": reason("stop", "length")}),
                    _ => json!({"index": 0, "text": "", "finish_reason": reason("stop", "length")}),
                };
                let usage = usage.then(|| {
                    json!({"choices": [], "usage": {"prompt_tokens": input, "completion_tokens": output,
                        "total_tokens": input + output, "prompt_tokens_details": {"cached_tokens": cached}}})
                });
                std::iter::once(json!({"id": "fake-1", "choices": [last]})).chain(usage).collect()
            }
            Dialect::Messages => {
                let delta =
                    json!({"type": "message_delta", "delta": {"stop_reason": reason("end_turn", "max_tokens")}});
                let usage = usage.then(|| json!({"usage": {"output_tokens": output}}));
                vec![and(delta, usage), json!({"type": "message_stop"})]
            }
            Dialect::Gemini => {
                let candidate =
                    json!({"index": 0, "content": {"parts": []}, "finishReason": reason("STOP", "MAX_TOKENS")});
                let usage = usage.then(|| {
                    let counts = json!({"promptTokenCount": input, "cachedContentTokenCount": cached, "candidatesTokenCount": output});
                    json!({"usageMetadata": counts})
                });
                vec![and(json!({"candidates": [candidate]}), usage)]
            }
            Dialect::Ollama | Dialect::OllamaChat => {
                let text = match self {
                    Dialect::Ollama => json!({"response": ""}),
                    _ => json!({"message": {"role": "assistant", "content": ""}}),
                };
                let last = json!({"model": "fake", "done": true, "done_reason": reason("stop", "length")});
                let last = and(last, Some(text));
                vec![and(last, usage.then(|| json!({"prompt_eval_count": input, "eval_count": output})))]
            }
            Dialect::Llamacpp => {
                let last = json!({"content": "", "stop": true, "stop_type": reason("eos", "limit")});
                let usage = usage.then(
                    || json!({"timings": {"prompt_n": input - cached, "cache_n": cached, "predicted_n": output}}),
                );
                vec![and(last, usage)]
            }
            Dialect::Tgi => {
                let last =
                    json!({"token": {"id": 2, "text": "", "logprob": 0.0, "special": true}, "generated_text": whole});
                let details = json!({"finish_reason": reason("eos_token", "length")});
                let details = and(details, usage.then(|| json!({"generated_tokens": output, "input_length": input})));
                vec![and(last, Some(json!({"details": details})))]
            }
        }
    }

    fn is_ollama(self) -> bool {
        matches!(self, Dialect::Ollama | Dialect::OllamaChat)
    }

    /// Whether the stream ends with `[DONE]`.
    pub(super) fn says_done(self) -> bool {
        matches!(self, Dialect::Completions | Dialect::Chat)
    }
}

/// Adds fields to an object.
fn and(mut object: Value, more: Option<Value>) -> Value {
    if let (Some(object), Some(Value::Object(more))) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

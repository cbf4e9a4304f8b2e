//! The results of a batch in each API's form. It leaves files and pages of them to `calls`.

use serde_json::{Value, json};

use super::state::{Api, Course, End, Fate, Taken, USES};

/// The results of a batch, in another order than its requests.
pub(super) fn lines(api: Api, course: &Course, batch: &Taken) -> Vec<Value> {
    if batch.end == End::Failed {
        return Vec::new();
    }
    let fate = |id: &str| course.fates.get(id).copied().unwrap_or_default();
    let told = batch.requests.iter().rev().filter(|(id, _)| fate(id) != Fate::Lost);
    let mut lines: Vec<Value> = told.map(|(id, body)| line((api, course), (id, body), fate(id))).collect();
    if course.loses_the_last {
        lines.pop();
    }
    if course.repeats {
        lines.extend(lines.clone());
        lines.push(line((api, course), ("nobody-sent-this", &Value::Null), Fate::Answer));
    }
    lines
}

/// One result.
fn line((api, course): (Api, &Course), (id, asked): (&str, &Value), fate: Fate) -> Value {
    let [input, cached, output] = USES;
    let text = course.by.map(|by| by(asked)).or_else(|| course.text.clone());
    let text = text.unwrap_or_else(|| format!("answer to {id}"));
    match api {
        Api::Anthropic => {
            let result = match fate {
                Fate::Answer | Fate::Lost => {
                    json!({"type": "succeeded", "message": {"id": "msg_1", "type": "message", "role": "assistant",
                    "content": [{"type": "text", "text": text}], "stop_reason": "end_turn",
                    "usage": {"input_tokens": input - cached, "cache_read_input_tokens": cached, "cache_creation_input_tokens": 0,
                        "output_tokens": output}}})
                }
                Fate::Error(status) => {
                    let kind = if status == 400 { "invalid_request_error" } else { "api_error" };
                    json!({"type": "errored", "error": {"type": "error", "error": {"type": kind, "message": "no"}}})
                }
                Fate::Expired => json!({"type": "expired"}),
                Fate::Cancelled => json!({"type": "canceled"}),
            };
            json!({"custom_id": id, "result": result})
        }
        Api::Gemini => {
            let end = match fate {
                Fate::Answer | Fate::Lost => {
                    return json!({"metadata": {"key": id}, "response": {
                    "candidates": [{"content": {"parts": [{"text": text}], "role": "model"}, "finishReason": "STOP"}],
                    "usageMetadata": {"promptTokenCount": input, "cachedContentTokenCount": cached, "candidatesTokenCount": output}}});
                }
                Fate::Error(400) => json!({"code": 3, "message": "no"}),
                Fate::Error(_) => json!({"code": 13, "message": "no"}),
                Fate::Expired => json!({"code": 4, "message": "too late"}),
                Fate::Cancelled => json!({"code": 1, "message": "cancelled"}),
            };
            json!({"metadata": {"key": id}, "error": end})
        }
        _ => {
            let (response, error) = match fate {
                Fate::Answer | Fate::Lost => {
                    // OpenAI's completions have a text in place of a message.
                    let choice = match asked.get("suffix").is_some() && api != Api::Mistral {
                        true => json!({"index": 0, "text": text, "finish_reason": "stop"}),
                        false => {
                            json!({"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"})
                        }
                    };
                    let body = json!({"id": "c1", "object": "chat.completion", "choices": [choice],
                        "usage": {"prompt_tokens": input, "completion_tokens": output,
                            "prompt_tokens_details": {"cached_tokens": cached}}});
                    (json!({"status_code": 200, "request_id": "r", "body": body}), Value::Null)
                }
                Fate::Error(status) => {
                    let body =
                        json!({"error": {"message": "no", "type": "invalid_request_error", "code": "no_such_thing"}});
                    (json!({"status_code": status, "request_id": "r", "body": body}), Value::Null)
                }
                Fate::Expired => (Value::Null, json!({"code": "batch_expired", "message": "too late"})),
                Fate::Cancelled => (Value::Null, json!({"code": "batch_cancelled", "message": "cancelled"})),
            };
            json!({"id": format!("batch_req_{id}"), "custom_id": id, "response": response, "error": error})
        }
    }
}

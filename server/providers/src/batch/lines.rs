//! The form of a result that OpenAI defined and Mistral, OpenRouter, Groq and Together copy: the status and the body of an answer, or an error.
//! It leaves where results are to each provider's file.

use serde_json::{Value, json};

use super::state::{number, text};
use super::wire::{Line, LineEnd};
use crate::error::{Kind, ProviderError};
use crate::refusal::Answered;

/// Reads a result.
pub(crate) fn line(value: &Value) -> Option<Line> {
    let custom_id = text(value, "/custom_id")?;
    let error = value.get("error").filter(|error| !error.is_null());
    let response = value.get("response").filter(|response| response.is_object());
    let end = match (response, error) {
        (_, Some(error)) if is_word(error, &["expired", "timeout_exceeded"]) => LineEnd::Expired,
        (_, Some(error)) if is_word(error, &["cancelled", "canceled"]) => LineEnd::Cancelled,
        (Some(response), _) => answered(response),
        (None, Some(error)) => {
            let body = json!({ "error": error });
            LineEnd::Error(ProviderError::in_stream(&body), body)
        }
        (None, None) => LineEnd::Error(ProviderError::new(Kind::Malformed), Value::Null),
    };
    Some(Line { custom_id, end })
}

fn answered(response: &Value) -> LineEnd {
    let body = response.get("body").cloned().unwrap_or(Value::Null);
    // A copy that tells no status has none but success.
    let status = u16::try_from(number(response, "/status_code")).unwrap_or(0);
    match status {
        0 | 200..300 => LineEnd::Answer(body),
        status => LineEnd::Error(ProviderError::answer(&Answered::new(status, &body)), body),
    }
}

/// Whether the code of an error ends with one of these words, as `batch_expired` does.
fn is_word(error: &Value, words: &[&str]) -> bool {
    let code = error.get("code").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
    words.iter().any(|word| code.ends_with(word))
}

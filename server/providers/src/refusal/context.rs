//! What a refusal of a long prompt says about the model's context, in fields or in the words of each server. It leaves cutting the prompt
//! to the caller.

use serde_json::Value;

use super::words::{message, number};
use crate::error::Lengths;

/// Texts before the size of the context, and texts before the length of the prompt, in lower case. Each provider is named whose words they are.
const CONTEXT: [&str; 12] = [
    // OpenAI, DeepSeek, vLLM, OpenRouter, LiteLLM.
    "maximum context length is ",
    // Mistral has the number before it, see `BEFORE`. LM Studio, llama.cpp.
    "context length of only ",
    "context length of ",
    "context size (",
    "context size of ",
    "n_ctx = ",
    "n_ctx: ",
    // Google.
    "maximum number of tokens allowed (",
    // TGI.
    "must have less than ",
    "must be <= ",
    // Groq and Together.
    "context window of ",
    "context limit: ",
];
const BEFORE: [&str; 2] = [" maximum context length", " maximum"];
const PROMPT: [&str; 10] = [
    // Anthropic: "prompt is too long: 208310 tokens > 200000 maximum".
    "prompt is too long: ",
    // OpenAI, DeepSeek, OpenRouter, vLLM.
    "your messages resulted in ",
    "you requested about ",
    "you requested ",
    "your prompt contains at least ",
    "prompt contains ",
    // Google.
    "input token count (",
    // TGI, LM Studio, llama.cpp.
    "given: ",
    "keep the first ",
    "the request exceeds the available context size (",
];

/// The lengths that a refusal names.
pub(super) fn lengths(body: &Value) -> Lengths {
    let error = body.get("error").unwrap_or(body);
    let field =
        |names: &[&str]| names.iter().find_map(|name| number(error.get(name)?)).and_then(|n| u32::try_from(n).ok());
    let said = message(body);
    // Anthropic writes the limit behind the sign: "… tokens > 200000 maximum".
    let context = field(&["n_ctx", "max_context_length", "context_length", "max_model_len"])
        .or_else(|| CONTEXT.iter().find_map(|words| after(&said, words)))
        .or_else(|| BEFORE.iter().find_map(|words| before(&said, words)));
    let prompt =
        field(&["n_prompt_tokens", "prompt_tokens"]).or_else(|| PROMPT.iter().find_map(|words| after(&said, words)));
    Lengths { context: context.filter(|context| *context > 0), prompt: prompt.filter(|prompt| *prompt > 0) }
}

/// The number right after some words.
fn after(said: &str, words: &str) -> Option<u32> {
    let (_, rest) = said.split_once(words)?;
    let digits: String =
        rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',').filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The number right before some words.
fn before(said: &str, words: &str) -> Option<u32> {
    let (rest, _) = said.split_once(words)?;
    let digits: Vec<char> = rest.chars().rev().take_while(char::is_ascii_digit).collect();
    digits.into_iter().rev().collect::<String>().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_servers_words_are_read() {
        let said = |text: &str| json!({"error": {"message": text}});
        for (body, context, prompt) in [
            (
                json!({"error": {"code": 400, "message": "the request exceeds the available context size, try increasing it",
                "type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 2048}}),
                Some(2048),
                Some(5000),
            ),
            (
                said("request (5000 tokens) exceeds the available context size (2048 tokens), try increasing it"),
                Some(2048),
                None,
            ),
            (
                said(
                    "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4900 in the messages, 100 in the \
                completion).",
                ),
                Some(4096),
                Some(5000),
            ),
            (
                said(
                    "This model's maximum context length is 4,096 tokens. However, your messages resulted in 5,000 tokens.",
                ),
                Some(4096),
                Some(5000),
            ),
            (
                said(
                    "litellm.ContextWindowExceededError: OpenAIException - This model's maximum context length is 8192 tokens.",
                ),
                Some(8192),
                None,
            ),
            (
                said(
                    "This endpoint's maximum context length is 32768 tokens. However, you requested about 40000 tokens",
                ),
                Some(32768),
                Some(40000),
            ),
            (
                json!({"type": "error", "error": {"message": "prompt is too long: 208310 tokens > 200000 maximum"}}),
                Some(200_000),
                Some(208_310),
            ),
            (
                json!({"object": "error", "message": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum \
                context length"}),
                Some(32768),
                Some(40000),
            ),
            (
                said("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
                Some(1_048_576),
                Some(1_200_000),
            ),
            (
                json!({"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 100",
                "error_type": "validation"}),
                Some(4096),
                Some(5000),
            ),
            (
                json!({"error": "Input validation error: `inputs` must have less than 1024 tokens. Given: 1500"}),
                Some(1024),
                Some(1500),
            ),
            (
                json!({"error": "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context \
                length of only 4096 tokens, which is not enough."}),
                Some(4096),
                Some(5000),
            ),
            (json!({"error": "the input length exceeds the context length"}), None, None),
            (said("Please reduce the length of the messages or completion."), None, None),
            (json!(null), None, None),
        ] {
            assert_eq!(lengths(&body), Lengths { context, prompt }, "{body}");
        }
    }
}

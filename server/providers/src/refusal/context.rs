//! What a refusal of a long prompt says about the model's context, in fields or in the words of each server. It leaves cutting the prompt
//! to the caller.

use serde_json::Value;

use super::words::{message, number};
use crate::error::Lengths;

/// Texts before the size of the context, and texts before the length of the prompt, in lower case. Each provider is named whose words they are.
const CONTEXT: [&str; 30] = [
    // Anthropic: "exceed context limit: 188240 + 21333 > 200000", and "208310 tokens > 200000 maximum".
    " > ",
    // OpenAI, DeepSeek, vLLM, OpenRouter, LiteLLM; Fireworks.
    "maximum context length is ",
    "maximum context length: ",
    // Mistral has the number before it, see `BEFORE`. LM Studio, llama.cpp.
    "context length of only ",
    "context length of ",
    "context size (",
    "context size of ",
    "n_ctx = ",
    "n_ctx: ",
    // SGLang.
    "model's context length (",
    // Google.
    "maximum number of tokens allowed (",
    "maximum number of tokens allowed ",
    "only supports up to ",
    // TGI.
    "must have less than ",
    "must be <= ",
    // Groq, Together, Cerebras.
    "context window of ",
    "context limit: ",
    "while limit is ",
    // Cohere.
    "prompt cannot exceed ",
    "exceeds the limit of ",
    "limit for this model is ",
    // TabbyAPI.
    "max_seq_len ",
    // TensorRT-LLM, DeepInfra.
    "maximum input length ",
    "maximum input length (",
    "max_num_tokens (",
    // xAI; vLLM.
    "maximum prompt length is ",
    "maximum model length of ",
    // Alibaba; Moonshot; Cloudflare.
    "should be [1, ",
    "model token limit: ",
    "context window limit (",
];
const BEFORE: [&str; 2] = [" maximum context length", " maximum"];
const PROMPT: [&str; 24] = [
    // Anthropic: "prompt is too long: 208310 tokens > 200000 maximum".
    "prompt is too long: ",
    "exceed context limit: ",
    // OpenAI, DeepSeek, OpenRouter, vLLM.
    "your messages resulted in ",
    "you requested about ",
    "you requested ",
    "your request has ",
    "your prompt contains at least ",
    "prompt contains ",
    "prompt (length ",
    // Google.
    "input token count (",
    "input token count is ",
    // TGI, LM Studio, llama.cpp.
    "given: ",
    "keep the first ",
    "n_keep: ",
    "the request exceeds the available context size (",
    "request (",
    // SGLang.
    "the input (",
    // Cerebras.
    "current length is ",
    // Cohere.
    "received ",
    // TabbyAPI; TensorRT-LLM; DeepInfra.
    "prompt length ",
    "prompt length (",
    "requested input length ",
    // xAI; Cloudflare.
    "request contains ",
    "maximum output tokens (",
];

/// The lengths that a refusal names.
pub(super) fn lengths(body: &Value) -> Lengths {
    let error = body.get("error").unwrap_or(body);
    let field =
        |names: &[&str]| names.iter().find_map(|name| number(error.get(name)?)).and_then(|n| u32::try_from(n).ok());
    let said = message(body);
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
    use super::super::table::{self, Answered};
    use super::*;
    use crate::error::Kind;
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
                Some(5000),
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
            (
                said("The input (5000 tokens) is longer than the model's context length (2048 tokens)."),
                Some(2048),
                Some(5000),
            ),
            (json!({"message": "Input is too long for requested model."}), None, None),
            (json!({"detail": "Prompt length 5000 is greater than max_seq_len 2048"}), Some(2048), Some(5000)),
            (json!({"error": {"message": "Context length 5000 is greater than max_seq_len 2048"}}), Some(2048), None),
            (
                json!({"message": "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000."}),
                Some(4081),
                Some(5000),
            ),
            (json!({"message": "too many tokens: prompt exceeds the limit of 4081"}), Some(4081), None),
            (
                json!({"message": "too many tokens: size limit exceeded by 919 tokens. The limit for this model is 4081 tokens."}),
                Some(4081),
                None,
            ),
            (json!({"error": "Prompt length (5000) exceeds maximum input length (2048)."}), Some(2048), Some(5000)),
            (json!({"error": "the prompt exceeds maximum input length 2048"}), Some(2048), None),
            (
                json!({"error": "The sum of prompt length (5000.0), query length (0) should not exceed max_num_tokens (2048)"}),
                Some(2048),
                Some(5000),
            ),
            (
                json!({"detail": {"error": "Requested input length 5000 exceeds maximum input length 2048"}}),
                Some(2048),
                Some(5000),
            ),
            (said("Requested input length 5000 exceeds maximum input length 2048"), Some(2048), Some(5000)),
            (said("The prompt is too long: 5000, model maximum context length: 2048"), Some(2048), Some(5000)),
            (
                json!({"error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens."}),
                Some(131_072),
                Some(537_812),
            ),
            (
                said(
                    "Unable to submit request because the input token count is 5000 but model only supports up to 2048.",
                ),
                Some(2048),
                Some(5000),
            ),
            (
                said("The input token count exceeds the maximum number of tokens allowed 1048576."),
                Some(1_048_576),
                None,
            ),
            (
                said(
                    "This model's maximum context length is 2048 tokens. However, your request has 5000 input tokens.",
                ),
                Some(2048),
                Some(5000),
            ),
            (
                said("The decoder prompt (length 5000) is longer than the maximum model length of 2048."),
                Some(2048),
                Some(5000),
            ),
            (
                said(
                    "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length",
                ),
                Some(200_000),
                Some(188_240),
            ),
            (
                json!({"error": "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 5000>= n_ctx: \
                4096)."}),
                Some(4096),
                Some(5000),
            ),
            (
                said("The number of tokens to keep from the initial prompt is greater than the context length of 4096"),
                Some(4096),
                None,
            ),
            (
                json!({"message": "Please reduce the length. Current length is 9000 while limit is 8192", "code": "context_length_exceeded"}),
                Some(8192),
                Some(9000),
            ),
            (said("Range of input length should be [1, 30720]"), Some(30720), None),
            (said("Invalid request: Your request exceeded model token limit: 8192"), Some(8192), None),
            (
                said(
                    "The estimated number of input and maximum output tokens (5000) exceeded this model context window limit (4096).",
                ),
                Some(4096),
                Some(5000),
            ),
            (json!({"error": "the input length exceeds the context length"}), None, None),
            (json!({"error": "prompt too long; exceeded max context length by 200 tokens"}), None, None),
            (said("Please reduce the length of the messages or completion."), None, None),
            (json!(null), None, None),
        ] {
            assert_eq!(lengths(&body), Lengths { context, prompt }, "{body}");
            let names_none = context.is_none() && prompt.is_none();
            let kind = table::kind(&Answered::new(400, &body));
            assert!(names_none || kind == Kind::TooLong, "{body} is {kind:?}");
        }
    }
}

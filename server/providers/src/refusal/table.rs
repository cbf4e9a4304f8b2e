//! Which answer means what: a table of statuses and words, read from above. It leaves what to do about each kind to `error`.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

use super::words::said;
use crate::error::Kind;

/// The status of an error inside a stream that names none.
pub(super) const NO_STATUS: u16 = 0;

/// An answer without a success status.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered<'a> {
    /// The HTTP status.
    pub(crate) status: u16,
    /// The body, if it is JSON; else null.
    pub(crate) body: &'a Value,
    /// Whether the body is a page or other text that no API sends.
    pub(crate) is_page: bool,
    /// The pause that its headers ask for.
    pub(crate) pause: Option<Duration>,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

impl<'a> Answered<'a> {
    /// An answer without headers.
    pub(crate) fn new(status: u16, body: &'a Value) -> Answered<'a> {
        Answered { status, body, is_page: false, pause: None, now: 0 }
    }
}

/// A row: answers with one of these statuses and one of these words are of this kind. `words` are lower-case parts of the code, the message
/// or a quota's name; a row without words holds for every answer.
struct Row {
    statuses: RangeInclusive<u16>,
    words: &'static [&'static str],
    kind: Kind,
}

const fn row(statuses: RangeInclusive<u16>, words: &'static [&'static str], kind: Kind) -> Row {
    Row { statuses, words, kind }
}

/// The first row that holds counts. Each provider is named whose words they are.
const ROWS: [Row; 30] = [
    // OpenAI, Mistral, Groq, vLLM (code); llama.cpp (type); the rest are messages, see `context.rs`.
    row(400..=599, &["context_length", "exceed_context", "contextwindowexceeded"], Kind::TooLong),
    row(400..=599, &["maximum context length", "available context size", "exceeds context length"], Kind::TooLong),
    row(400..=599, &["exceeds the context", "exceeds the available context", "context the overflows"], Kind::TooLong),
    row(400..=599, &["prompt is too long", "larger context length", "greater than the context length"], Kind::TooLong),
    row(
        400..=599,
        &["input token count", "`inputs` must have less", "`inputs` tokens +", "prompt too long"],
        Kind::TooLong,
    ),
    // Google, Groq, OpenRouter, Cohere: what a day or month allows. Google's message is the same for a minute.
    row(429..=429, &["perday", "per day", "per-day", "(rpd)", "(tpd)", "daily limit", "per month"], Kind::Budget),
    row(429..=429, &["perminute", "per minute", "per-minute", "(rpm)", "(tpm)", "persecond"], Kind::RateLimited),
    // LiteLLM, OpenAI, xAI, Fireworks.
    row(400..=499, &["budget_exceeded", "budget has been exceeded", "exceededbudget", "over budget"], Kind::Budget),
    row(400..=499, &["insufficient_quota", "current quota", "billing_hard_limit", "usage_limit_reached"], Kind::Budget),
    row(
        400..=499,
        &["spending limit", "spend limit", "spend_limit", "monthly limit", "monthly included"],
        Kind::Budget,
    ),
    // Anthropic, whose limits of the user's own are 400.
    row(400..=499, &["usage limits", "you will regain access"], Kind::Budget),
    // Anthropic, DeepSeek, Google, OpenRouter: no money.
    row(400..=499, &["credit balance", "insufficient balance", "insufficient credits", "billing_"], Kind::Quota),
    // vLLM, llama.cpp, Ollama.
    row(
        400..=422,
        &["does not support insert", "suffix is not", "param: suffix", "infill is not supported"],
        Kind::NoInfill,
    ),
    row(
        501..=501,
        &["does not support insert", "suffix is not", "param: suffix", "infill is not supported"],
        Kind::NoInfill,
    ),
    // A LiteLLM proxy without a database sends this for any key but its own; Google calls a bad key a bad request.
    row(400..=400, &["no connected db", "api_key_invalid", "api key not valid", "api key expired"], Kind::Key),
    // LiteLLM and OpenRouter.
    row(400..=400, &["invalid model name", "is not a valid model id"], Kind::NotFound),
    // A key that may not use this model.
    row(
        401..=403,
        &["model_not_found", "model_access", "access to model", "not allowed to access model"],
        Kind::NotFound,
    ),
    row(407..=407, &[], Kind::Proxy),
    // OpenRouter's moderation, Azure's and LiteLLM's filters.
    row(403..=403, &["flagged", "moderation", "guardrail", "content_policy", "content policy"], Kind::Blocked),
    row(402..=402, &[], Kind::Quota),
    row(300..=399, &[], Kind::Redirect),
    row(401..=401, &[], Kind::Key),
    row(403..=403, &[], Kind::Key),
    row(404..=405, &[], Kind::NotFound),
    row(410..=410, &[], Kind::NotFound),
    row(408..=408, &[], Kind::Server),
    row(425..=425, &[], Kind::Server),
    row(413..=413, &[], Kind::TooLong),
    row(429..=429, &[], Kind::RateLimited),
    row(400..=599, &["rate_limit", "rate limit exceeded", "resource_exhausted"], Kind::RateLimited),
];

/// The kind of error that an answer is.
pub(super) fn kind(answered: &Answered<'_>) -> Kind {
    let Answered { status, body, is_page, .. } = *answered;
    // A page comes from something before the API, and is about this request.
    if is_page && matches!(status, 400 | 403 | 406 | 451) {
        return Kind::Blocked;
    }
    let words = said(body);
    // An error inside a stream may have no status: its words alone count.
    let is_of = |row: &Row| row.statuses.contains(&status) || (status == NO_STATUS && !row.words.is_empty());
    let holds = |row: &&Row| is_of(row) && (row.words.is_empty() || row.words.iter().any(|word| words.contains(word)));
    match ROWS.iter().find(holds) {
        Some(row) => row.kind,
        None if (400..500).contains(&status) => Kind::Refused,
        None => Kind::Server,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_providers_refusal_is_what_it_is() {
        let message = |text: &str| json!({"error": {"message": text}});
        let litellm = json!({"error": {"message": "Budget has been exceeded! Current cost: 0.02, Max budget: 0.01",
            "type": "budget_exceeded", "param": null, "code": "400"}});
        let google = |quota: &str| {
            json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED",
                "message": "You exceeded your current quota, please check your plan and billing details.", "details": [
                {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": quota}]},
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]}})
        };
        let invalid = json!({"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "API key not valid.",
            "details": [{"reason": "API_KEY_INVALID"}]}});
        for (status, body, kind) in [
            (429, litellm.clone(), Kind::Budget),
            (400, litellm, Kind::Budget),
            (
                429,
                json!({"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}),
                Kind::Budget,
            ),
            (429, google("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), Kind::Budget),
            (429, google("GenerateRequestsPerMinutePerProjectPerModel"), Kind::RateLimited),
            (429, message("Rate limit exceeded: free-models-per-day"), Kind::Budget),
            (429, message("Rate limit reached for model x on tokens per day (TPD): Limit 100000"), Kind::Budget),
            (429, message("Rate limit reached for model x on tokens per minute (TPM): Limit 6000"), Kind::RateLimited),
            (
                400,
                message("You have reached your specified API usage limits. You will regain access on 2026-12-01"),
                Kind::Budget,
            ),
            (400, message("Your credit balance is too low to access the Anthropic API."), Kind::Quota),
            (402, message("Insufficient Balance"), Kind::Quota),
            (402, message("This request requires more credits, or fewer max_tokens."), Kind::Quota),
            (402, json!(null), Kind::Quota),
            (412, message("Account x is suspended, possibly due to reaching the monthly spending limit"), Kind::Budget),
            (400, invalid, Kind::Key),
            (401, json!({"type": "error", "error": {"type": "authentication_error"}}), Kind::Key),
            (403, json!({"error": {"type": "permission_error"}}), Kind::Key),
            (
                403,
                json!({"error": {"code": 403, "message": "Input was flagged", "metadata": {"reasons": []}}}),
                Kind::Blocked,
            ),
            (403, message("Project x does not have access to model gpt-6"), Kind::NotFound),
            (401, message("key not allowed to access model. This key can only access"), Kind::NotFound),
            (407, json!(null), Kind::Proxy),
            (500, json!({"type": "error", "error": {"type": "rate_limit_error"}}), Kind::RateLimited),
            (500, message("exceeds the available context size, try increasing it"), Kind::TooLong),
            (500, message("it broke"), Kind::Server),
            (NO_STATUS, json!({"error": {"code": "insufficient_quota"}}), Kind::Budget),
            (NO_STATUS, json!({"error": {"type": "overloaded_error"}}), Kind::Server),
        ] {
            assert_eq!(super::kind(&Answered::new(status, &body)), kind, "{status} {body}");
        }
    }

    #[test]
    fn a_page_is_about_its_request_unless_its_status_is_about_every_one() {
        for (status, kind) in [
            (400, Kind::Blocked),
            (403, Kind::Blocked),
            (406, Kind::Blocked),
            (401, Kind::Key),
            (407, Kind::Proxy),
            (429, Kind::RateLimited),
            (503, Kind::Server),
            (520, Kind::Server),
        ] {
            let page = Answered { is_page: true, ..Answered::new(status, &Value::Null) };
            assert_eq!(super::kind(&page), kind, "{status}");
        }
    }
}

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
    /// The body, if it is JSON or plain text; else null.
    pub(crate) body: &'a Value,
    /// What the body is if it is not JSON.
    pub(crate) page: Page,
    /// The pause that its headers ask for.
    pub(crate) pause: Option<Duration>,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

/// A body that is not JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Page {
    /// It is JSON, or there is none.
    #[default]
    None,
    /// Plain text, which a firewall sends, and a few servers.
    Text,
    /// HTML or XML.
    Markup,
}

impl<'a> Answered<'a> {
    /// An answer without headers.
    pub(crate) fn new(status: u16, body: &'a Value) -> Answered<'a> {
        Answered { status, body, page: Page::None, pause: None, now: 0 }
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

/// What servers say of a prompt that is too long. Each is named whose words they are.
const TOO_LONG: [&str; 29] = [
    // OpenAI, Mistral, Groq, vLLM (code); llama.cpp (type); LiteLLM.
    "context_length",
    "exceed_context",
    "contextwindowexceeded",
    // OpenAI, Mistral, vLLM, Fireworks, OpenRouter; llama.cpp.
    "maximum context length",
    "available context size",
    "larger context length",
    // Ollama; LM Studio; SGLang.
    "exceeds context length",
    "exceeds the context",
    "exceeds the available context",
    "context the overflows",
    "greater than the context length",
    "model's context length",
    // Anthropic, Fireworks; Ollama.
    "prompt is too long",
    "prompt too long",
    "exceed context limit",
    // Google, TGI.
    "input token count",
    "`inputs` must have less",
    "`inputs` tokens +",
    // Bedrock; TabbyAPI.
    "input is too long",
    "max_seq_len",
    // TensorRT-LLM, DeepInfra; xAI; vLLM.
    "maximum input length",
    "max_num_tokens",
    "maximum prompt length",
    "maximum model length",
    // Alibaba; Moonshot; Cloudflare; MiniMax; Zhipu.
    "range of input length",
    "exceeded model token limit",
    "context window limit",
    "context window exceeds",
    "prompt exceeds max length",
];

/// The first row that holds counts. Each provider is named whose words they are.
const ROWS: [Row; 33] = [
    // The lengths that these name are read in `context.rs`.
    row(400..=599, &TOO_LONG, Kind::TooLong),
    // Cohere; 429 is Bedrock's for a rate.
    row(400..=422, &["too many tokens:", "tokens in the prompt"], Kind::TooLong),
    // Google, Groq, OpenRouter, Cohere: what a day or month allows. Google's message is the same for a minute.
    row(429..=429, &["perday", "per day", "per-day", "(rpd)", "(tpd)", "daily limit", "per month"], Kind::Budget),
    // Cohere, GitHub Models, Cloudflare.
    row(429..=429, &["/ month", "/ day", "byday", "per 86400s", "daily free allocation"], Kind::Budget),
    row(429..=429, &["perminute", "per minute", "per-minute", "(rpm)", "(tpm)", "persecond"], Kind::RateLimited),
    // LiteLLM, Portkey, OpenAI, xAI, Fireworks.
    row(400..=499, &["budget_exceeded", "budget has been exceeded", "exceededbudget", "over budget"], Kind::Budget),
    row(400..=499, &["budget exceeded", "budget limit", "exceeded budget", "exceededtokenbudget"], Kind::Budget),
    row(400..=499, &["crossed budget"], Kind::Budget),
    row(400..=499, &["insufficient_quota", "current quota", "billing_hard_limit", "usage_limit_reached"], Kind::Budget),
    row(
        400..=499,
        &["spending limit", "spend limit", "spend_limit", "monthly limit", "monthly included"],
        Kind::Budget,
    ),
    // OpenRouter's limit of one key; Azure's gateway.
    row(
        400..=499,
        &["key limit exceeded", "volume quota", "bandwidth quota", "quota will be replenished"],
        Kind::Budget,
    ),
    // Anthropic, whose limits of the user's own are 400.
    row(400..=499, &["usage limits", "you will regain access"], Kind::Budget),
    // Anthropic, DeepSeek, Google, OpenRouter: no money.
    row(400..=499, &["credit balance", "insufficient balance", "insufficient credits", "billing_"], Kind::Quota),
    // Novita, SiliconFlow, xAI, Alibaba.
    row(400..=499, &["not_enough_balance", "balance is insufficient", "any credits", "arrearage"], Kind::Quota),
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
    // Firewalls: Cloudflare's fields, and the words of others.
    row(
        403..=403,
        &["cloudflare_error", "ray_id", "request blocked", "blocked by", "firewall", "access denied based on"],
        Kind::Blocked,
    ),
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
    let Answered { status, body, page, .. } = *answered;
    let words = said(body);
    // It comes from something before the API, and is about this request: a page, also of a portal to log in to, or a bare refusal.
    let is_of_request = || match (page, status) {
        (Page::Text | Page::Markup, 400 | 403 | 406 | 451) | (Page::Markup, 401) => true,
        (Page::None, 403) => is_bare(body, &words),
        _ => false,
    };
    // An error inside a stream may have no status: its words alone count.
    let is_of = |row: &Row| row.statuses.contains(&status) || (status == NO_STATUS && !row.words.is_empty());
    let holds = |row: &&Row| is_of(row) && (row.words.is_empty() || row.words.iter().any(|word| words.contains(word)));
    match ROWS.iter().find(holds) {
        Some(row) if !row.words.is_empty() => row.kind,
        _ if is_of_request() => Kind::Blocked,
        Some(row) => row.kind,
        None if (400..500).contains(&status) => Kind::Refused,
        None => Kind::Server,
    }
}

/// Whether a body gives no reason: it has no text, or only `Forbidden`, as AWS WAF's. A refused key has one.
fn is_bare(body: &Value, words: &str) -> bool {
    let mut words = words.split_whitespace().peekable();
    !has_text(body) || (words.peek().is_some() && words.all(|word| word == "forbidden"))
}

fn has_text(body: &Value) -> bool {
    match body {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(values) => values.iter().any(has_text),
        Value::Object(fields) => fields.values().any(has_text),
        _ => false,
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
            (403, json!(null), Kind::Blocked),
            (403, json!({}), Kind::Blocked),
            (403, json!({"message": "Forbidden"}), Kind::Blocked),
            (403, json!({"error": {"code": 403, "message": "Forbidden"}}), Kind::Blocked),
            (403, json!({"message": "Forbidden: the key may not do this"}), Kind::Key),
            (403, json!({"Message": "User: x is not authorized"}), Kind::Key),
            (403, json!({"message": null}), Kind::Blocked),
            (
                403,
                json!({"title": "Error 1020: Access denied", "status": 403, "cloudflare_error": true}),
                Kind::Blocked,
            ),
            (
                429,
                json!({"title": "Error 1015: You are being rate limited", "cloudflare_error": true}),
                Kind::RateLimited,
            ),
            (403, json!({"message": "Request blocked by security policy", "incident": "1-2"}), Kind::Blocked),
            (401, json!({"message": "Forbidden"}), Kind::Key),
            (401, json!(null), Kind::Key),
            (
                403,
                message("Key limit exceeded (daily limit). Manage it using https://openrouter.ai/keys"),
                Kind::Budget,
            ),
            (403, message("Key limit exceeded (total limit)"), Kind::Budget),
            (
                403,
                json!({"statusCode": 403, "message": "Out of call volume quota. Quota will be replenished in 02:12:45"}),
                Kind::Budget,
            ),
            (412, message("budget limit exceeded"), Kind::Budget),
            (412, json!({"status": "failure", "message": "Portkey Error: Budget limit exceeded"}), Kind::Budget),
            (400, message("Budget exceeded for key"), Kind::Budget),
            (401, message("ExceededTokenBudget: team t is over its budget"), Kind::Budget),
            (400, message("Key has crossed budget"), Kind::Budget),
            (400, message("ExceededBudget: User x has exceeded their budget"), Kind::Budget),
            (
                429,
                json!({"message": "You are using a Trial key, which is limited to 1000 API calls / month."}),
                Kind::Budget,
            ),
            (
                429,
                json!({"message": "You are using a Trial key, which is limited to 20 API calls / minute."}),
                Kind::RateLimited,
            ),
            (
                429,
                json!({"error": {"code": "RateLimitReached", "message": "Rate limit of 50 per 86400s exceeded for UserByModelByDay."}}),
                Kind::Budget,
            ),
            (
                429,
                json!({"error": {"code": "RateLimitReached", "message": "Rate limit of 10 per 60s exceeded for UserByModelByMinute."}}),
                Kind::RateLimited,
            ),
            (429, message("you have used up your daily free allocation of 10,000 neurons"), Kind::Budget),
            (429, json!({"message": "Too many tokens, please wait before trying again."}), Kind::RateLimited),
            (429, json!({"message": "Too many tokens per day, please wait before trying again."}), Kind::Budget),
            (403, json!({"code": 403, "reason": "NOT_ENOUGH_BALANCE", "message": "not_enough_balance"}), Kind::Quota),
            (403, json!({"code": 30001, "message": "Sorry, your account balance is insufficient"}), Kind::Quota),
            (403, json!({"error": "Your newly created team doesn't have any credits or licenses yet."}), Kind::Quota),
            (400, json!({"message": "max_tokens exceeds the limit of 4096"}), Kind::Refused),
            (400, json!({"message": "Input is too long for requested model."}), Kind::TooLong),
            (400, message("invalid params, context window exceeds limit"), Kind::TooLong),
            (400, message("Prompt exceeds max length"), Kind::TooLong),
            (403, message("Out of bandwidth quota. Quota will be replenished in 02:12:45"), Kind::Budget),
            (400, message("Access denied. Arrearage: your account is overdue"), Kind::Quota),
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
            (401, Kind::Blocked),
            (404, Kind::NotFound),
            (405, Kind::NotFound),
            (407, Kind::Proxy),
            (413, Kind::TooLong),
            (429, Kind::RateLimited),
            (503, Kind::Server),
            (520, Kind::Server),
        ] {
            let page = Answered { page: Page::Markup, ..Answered::new(status, &Value::Null) };
            assert_eq!(super::kind(&page), kind, "{status}");
        }
        for (status, kind) in [(401, Kind::Key), (403, Kind::Blocked), (404, Kind::NotFound)] {
            let text = Answered { page: Page::Text, ..Answered::new(status, &Value::Null) };
            assert_eq!(super::kind(&text), kind, "{status}");
        }
        for (status, said, kind) in [
            (400, "the request exceeds the available context size", Kind::TooLong),
            (429, "budget_exceeded: the key is over its budget", Kind::Budget),
            (403, "error code: 1020", Kind::Blocked),
            (401, "Unauthorized", Kind::Key),
        ] {
            let body = json!(said);
            let text = Answered { page: Page::Text, ..Answered::new(status, &body) };
            assert_eq!(super::kind(&text), kind, "{status} {said}");
        }
    }
}

//! What can go wrong with a call, and what to do next. Messages name statuses and codes, never text of a prompt or an answer.
//! It leaves doing it to the server.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde_json::Value;

/// How a server or model refuses that does not fill in the middle: what vLLM, llama.cpp and Ollama say.
const TAKES_NO_SUFFIX: [&str; 4] =
    ["does not support insert", "suffix is not", "param: suffix", "infill is not supported"];
/// How a key is refused with the status of a bad request. A LiteLLM proxy without a database says so to any key but its own.
const KNOWS_NO_KEY: [&str; 1] = ["no connected db"];
/// How a model is refused with the status of a bad request: what LiteLLM and OpenRouter say.
const KNOWS_NO_MODEL: [&str; 2] = ["invalid model name", "is not a valid model id"];

/// How long a provider is left alone whose certificate is not trusted.
const UNTRUSTED_PAUSE: Duration = Duration::from_secs(60);
/// Longest pause a provider may ask for; more is taken for a mistake.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What to do after a failed call. The next model of the route may be tried after each, except after [`Next::Fatal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Leave the provider alone for this long; without a time as long as its breaker says.
    RetryAfter(Option<Duration>),
    /// Leave the provider alone until the configuration changes: every call will fail again.
    StopUntilConfigChange,
    /// Leave the model alone until the configuration changes: the provider's others may do.
    StopModel,
    /// Ask the next model: this one is well but cannot serve this request.
    NextModel,
    /// No call will work: the program or its surroundings are broken.
    Fatal,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The HTTP client cannot be built, or the request cannot be written.
    Client,
    /// No connection.
    Connect,
    /// Nobody who is trusted vouches for the provider.
    Certificate,
    /// Connected, but the answer did not begin in time.
    FirstByte,
    /// The answer did not end in time.
    Deadline,
    /// The connection broke, or ended before the answer did.
    CutOff,
    /// The answer is not what the protocol says.
    Malformed,
    /// The answer is larger than any answer should be.
    TooLarge,
    /// The provider failed.
    Server,
    /// Too many requests.
    RateLimited,
    /// No money is left with the provider.
    Quota,
    /// The key is missing, wrong or not allowed.
    Key,
    /// The provider knows no such path or model.
    NotFound,
    /// The provider refuses a field of the request.
    Refused,
    /// The model, or the server for it, cannot fill in the middle.
    NoInfill,
    /// The prompt is too long for the model.
    TooLong,
    /// The provider answered with another address on another host.
    Redirect,
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ProviderError {
    /// What went wrong.
    pub kind: Kind,
    /// What to do next.
    pub next: Next,
    /// The HTTP status, if one came.
    pub status: Option<u16>,
    /// The provider's own code for it, if it is a plain word.
    pub code: Option<String>,
}

impl ProviderError {
    /// An error without an answer.
    pub(crate) fn new(kind: Kind) -> ProviderError {
        let next = match kind {
            Kind::Client => Next::Fatal,
            Kind::Connect | Kind::FirstByte | Kind::Deadline | Kind::CutOff | Kind::Server => Next::RetryAfter(None),
            Kind::RateLimited => Next::RetryAfter(None),
            Kind::Quota | Kind::Key | Kind::Redirect => Next::StopUntilConfigChange,
            // It may be that of a login page, which goes away.
            Kind::Certificate => Next::RetryAfter(Some(UNTRUSTED_PAUSE)),
            Kind::NotFound | Kind::NoInfill => Next::StopModel,
            Kind::Malformed | Kind::TooLarge | Kind::TooLong | Kind::Refused => Next::NextModel,
        };
        ProviderError { kind, next, status: None, code: None }
    }

    /// Whether the provider may bill the call although no account came: it had the request and did not refuse it.
    pub fn may_be_billed(&self) -> bool {
        match self.kind {
            Kind::FirstByte | Kind::Deadline | Kind::CutOff | Kind::Malformed | Kind::TooLarge => true,
            // A failure with a status of its own came instead of an answer.
            Kind::Server => self.status.is_none(),
            Kind::Client | Kind::Connect | Kind::Certificate | Kind::RateLimited | Kind::Quota | Kind::Key => false,
            Kind::NotFound | Kind::NoInfill | Kind::Refused | Kind::TooLong | Kind::Redirect => false,
        }
    }

    /// The error an answer with this status, body and pause means.
    pub(crate) fn answer(status: u16, body: &Value, pause: Option<Duration>) -> ProviderError {
        let code = code(body);
        let names = |text: &str| code.as_deref().is_some_and(|code| code.contains(text));
        let kind = match status {
            _ if names("insufficient_quota") || names("billing") => Kind::Quota,
            _ if names("context_length") => Kind::TooLong,
            400 | 422 | 501 if says(body, &TAKES_NO_SUFFIX) => Kind::NoInfill,
            400 if says(body, &KNOWS_NO_KEY) => Kind::Key,
            400 if says(body, &KNOWS_NO_MODEL) => Kind::NotFound,
            300..=399 => Kind::Redirect,
            401 | 403 | 407 => Kind::Key,
            402 => Kind::Quota,
            404 | 405 | 410 => Kind::NotFound,
            408 | 425 => Kind::Server,
            413 => Kind::TooLong,
            429 => Kind::RateLimited,
            400..=499 => Kind::Refused,
            _ => Kind::Server,
        };
        let mut error = ProviderError { status: Some(status), code, ..ProviderError::new(kind) };
        if let Next::RetryAfter(given) = &mut error.next {
            *given = pause.or_else(|| retry_info(body)).map(|pause| pause.min(LONGEST_PAUSE));
        }
        error
    }

    /// An error that came inside a stream that had begun well. Its code may be a status; if not, the provider failed.
    pub(crate) fn in_stream(body: &Value) -> ProviderError {
        let status = body.pointer("/error/code").and_then(Value::as_u64);
        let status = status.and_then(|status| u16::try_from(status).ok()).filter(|status| (400..600).contains(status));
        match (status, code(body).as_deref()) {
            (Some(status), _) => ProviderError::answer(status, body, None),
            (None, Some(code)) if code.contains("rate_limit") => ProviderError::answer(429, body, None),
            (None, _) => ProviderError { code: code(body), ..ProviderError::new(Kind::Server) },
        }
    }
}

/// The provider's word for an error: `code`, else `type`, else `status`. Only a plain word is kept, since messages may quote the prompt;
/// a number there only repeats the status.
fn code(body: &Value) -> Option<String> {
    let error = body.get("error").unwrap_or(body);
    let plain = |word: &&str| {
        word.len() <= 64
            && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
            && word.bytes().any(|b| b.is_ascii_alphabetic())
    };
    ["code", "type", "status"].iter().find_map(|key| error.get(key)?.as_str().filter(plain)).map(str::to_owned)
}

/// Whether the message of a refusal holds one of these texts, which are in lower case.
fn says(body: &Value, texts: &[&str]) -> bool {
    let error = body.get("error").unwrap_or(body);
    let message = error.as_str().or_else(|| error.get("message").and_then(Value::as_str)).unwrap_or_default();
    let message = message.to_ascii_lowercase();
    texts.iter().any(|text| message.contains(text))
}

/// The pause that a body of Google's asks for: `"retryDelay": "34s"`.
fn retry_info(body: &Value) -> Option<Duration> {
    let details = body.pointer("/error/details")?.as_array()?;
    let delay = details.iter().find_map(|detail| detail.get("retryDelay")?.as_str())?;
    Duration::try_from_secs_f64(delay.trim_end_matches('s').parse().ok()?).ok()
}

/// The pause that `Retry-After` asks for: seconds, or a date seen from `now` (seconds since 1970).
pub(crate) fn pause(retry_after_ms: Option<&str>, retry_after: Option<&str>, now: u64) -> Option<Duration> {
    if let Some(ms) = retry_after_ms.and_then(|ms| ms.trim().parse::<f64>().ok()) {
        return Duration::try_from_secs_f64(ms / 1000.0).ok();
    }
    let given = retry_after?.trim();
    match given.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).ok(),
        Err(_) => {
            let date = httpdate::parse_http_date(given).ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            Some(date.saturating_sub(Duration::from_secs(now)))
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Client => "the request could not be made",
            Kind::Connect => "no connection to the provider",
            Kind::Certificate => {
                "the provider's certificate is not trusted; add a private authority's to the system's, or name it with SSL_CERT_FILE on Linux"
            }
            Kind::FirstByte => "the provider did not begin to answer in time",
            Kind::Deadline => "the answer did not end in time",
            Kind::CutOff => "the answer was cut off",
            Kind::Malformed => "the answer is not what the protocol says",
            Kind::TooLarge => "the answer is too large",
            Kind::Server => "the provider failed",
            Kind::RateLimited => "too many requests",
            Kind::Quota => "no money is left with the provider",
            Kind::Key => "the API key is missing, wrong or not allowed",
            Kind::NotFound => "the provider knows no such path or model; check base_url and model",
            Kind::Refused => "the provider refuses the request",
            Kind::NoInfill => "this model cannot fill in the middle there; give its row a `raw` or `chat` format",
            Kind::TooLong => "the prompt is too long for the model",
            Kind::Redirect => "the provider sends to another host, which is not followed",
        })?;
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, " (HTTP {status}, {code})"),
            (Some(status), None) => write!(f, " (HTTP {status})"),
            (None, Some(code)) => write!(f, " ({code})"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pauses_are_read_in_each_form() {
        const NOW: u64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
        for (ms, after, expected) in [
            (None, Some("2"), Some(2000)),
            (None, Some("1.5"), Some(1500)),
            (Some("250"), Some("2"), Some(250)),
            (None, Some("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30_000)),
            (None, Some("Sun, 06 Nov 1994 08:00:00 GMT"), Some(0)),
            (None, Some("Thu, 29 Feb 1996 00:00:00 GMT"), Some(41_440_223_000)),
            (None, Some("-1"), None),
            (None, Some("soon"), None),
            (None, Some("Sun, 99"), None),
            (None, None, None),
        ] {
            assert_eq!(pause(ms, after, NOW).map(|pause| pause.as_millis()), expected, "{ms:?} {after:?}");
        }
    }

    #[test]
    fn a_code_is_kept_only_as_a_plain_word() {
        let error =
            ProviderError::answer(422, &json!({"error": {"code": "fn secret() {}", "message": "SECRET"}}), None);
        assert_eq!(error.to_string(), "the provider refuses the request (HTTP 422)");
        let error = ProviderError::answer(429, &json!({"error": {"code": "insufficient_quota"}}), Some(Duration::MAX));
        assert_eq!((error.kind, error.next), (Kind::Quota, Next::StopUntilConfigChange));
        let error = ProviderError::answer(
            503,
            &json!({"error": {"code": 503, "type": "unavailable_error"}}),
            Some(Duration::MAX),
        );
        assert_eq!(error.next, Next::RetryAfter(Some(LONGEST_PAUSE)));
    }
}

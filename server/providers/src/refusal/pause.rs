//! How long a provider asks to be left alone: in headers, in the body, or in a sentence. A wish that makes no sense counts as none, and a
//! long one is shortened. It leaves the pauses of our own to `Pace` and the breaker.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::words::message;
use crate::limits::{LONGEST, until};

/// Shortest pause that counts as a wish; a shorter one would be a storm.
const SHORTEST: Duration = Duration::from_millis(20);

/// A pause as it may be obeyed; `None` if it makes no sense.
pub(super) fn sensible(asked: Duration) -> Option<Duration> {
    (asked >= SHORTEST).then(|| asked.min(LONGEST))
}

/// The pause that the headers ask for: `retry-after-ms`, then `retry-after` in seconds or as a date; `now` is in seconds since 1970.
pub(crate) fn asked(retry_after_ms: Option<&str>, retry_after: Option<&str>, now: u64) -> Option<Duration> {
    let in_ms = retry_after_ms.and_then(|ms| ms.trim().parse::<f64>().ok()).and_then(|ms| seconds(ms / 1000.0));
    in_ms.or_else(|| {
        let given = retry_after?.trim();
        match given.parse::<f64>() {
            Ok(number) => seconds(number),
            Err(_) => match httpdate::parse_http_date(given) {
                Ok(date) => {
                    let date = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
                    Some(date.saturating_sub(Duration::from_secs(now)))
                }
                Err(_) => until(given, now),
            },
        }
    })
}

/// A time in seconds; one beyond all bounds counts as the longest there is.
fn seconds(seconds: f64) -> Option<Duration> {
    if seconds.is_nan() || seconds < 0.0 {
        return None;
    }
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// The pause in an error's body: Google's `retryDelay`, OpenRouter's copy of the headers, or a sentence.
pub(super) fn in_body(body: &Value, now: u64) -> Option<Duration> {
    let details = body.pointer("/error/details").and_then(Value::as_array).into_iter().flatten();
    let delay = details.filter_map(|detail| detail.get("retryDelay")?.as_str()).find_map(|delay| until(delay, now));
    let header = || {
        let headers = body.pointer("/error/metadata/headers")?.as_object()?;
        let named = |name: &str| headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name))?.1.as_str();
        asked(None, named("retry-after"), now).or_else(|| until(named("x-ratelimit-reset")?, now))
    };
    let field = || ["/error/retry_after", "/retry_after"].iter().find_map(|at| seconds(body.pointer(at)?.as_f64()?));
    delay.or_else(header).or_else(field).or_else(|| sentence(&message(body)))
}

/// The pause in a sentence such as "Please try again in 6m0s.", as OpenAI and Groq write it.
fn sentence(message: &str) -> Option<Duration> {
    let (_, after) =
        ["try again in ", "retry in ", "retry after "].iter().find_map(|words| message.split_once(words))?;
    let mut words = after.split_whitespace();
    let span = words.next()?.trim_end_matches(['.', ',']);
    match (span.parse::<f64>(), words.next()) {
        (Ok(number), Some(unit)) if unit.starts_with("min") => seconds(number * 60.0),
        (Ok(number), Some(unit)) if unit.starts_with("hour") => seconds(number * 3600.0),
        _ => until(span, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pauses_are_read_in_each_form_and_bounded() {
        const NOW: u64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT
        for (ms, after, expected) in [
            (None, Some("2"), Some(2000)),
            (None, Some("1.5"), Some(1500)),
            (Some("250"), Some("2"), Some(250)),
            (Some("never"), Some("2"), Some(2000)),
            (Some("-5"), Some("2"), Some(2000)),
            (None, Some("Sun, 06 Nov 1994 08:50:07 GMT"), Some(30_000)),
            (None, Some("1994-11-06T08:50:07Z"), Some(30_000)),
            (None, Some("784111807"), Some(600_000)),
            (None, Some("6m0s"), Some(360_000)),
            (None, Some("86400"), Some(600_000)),
            (None, Some("1e300"), Some(600_000)),
            (None, Some("inf"), Some(600_000)),
            (None, Some("Thu, 29 Feb 1996 00:00:00 GMT"), Some(600_000)),
            // What makes no sense leaves the pause to the breaker.
            (None, Some("0"), None),
            (None, Some("0.001"), None),
            (Some("0"), None, None),
            (None, Some("Sun, 06 Nov 1994 08:00:00 GMT"), None),
            (None, Some("Thu, 01 Jan 2015 00:00:00 GMT, Fri"), None),
            (None, Some("-1"), None),
            (None, Some("NaN"), None),
            (None, Some("soon"), None),
            (None, Some("Sun, 99"), None),
            (None, Some(""), None),
            (None, None, None),
        ] {
            let pause = asked(ms, after, NOW).and_then(sensible);
            assert_eq!(pause.map(|pause| pause.as_millis()), expected, "{ms:?} {after:?}");
        }
    }

    #[test]
    fn pauses_are_read_from_bodies() {
        const NOW: u64 = 1_755_780_000;
        let said = |text: &str| json!({"error": {"message": text}});
        for (body, expected) in [
            (json!({"error": {"details": [{"quota": 1}, {"retryDelay": "34s"}]}}), Some(34_000)),
            (json!({"error": {"details": [{"retryDelay": "34.5s"}]}}), Some(34_500)),
            (json!({"error": {"metadata": {"headers": {"X-RateLimit-Reset": "1755780007000"}}}}), Some(7000)),
            (json!({"error": {"metadata": {"headers": {"Retry-After": "3"}}}}), Some(3000)),
            (json!({"error": {"retry_after": 1.5}}), Some(1500)),
            (said("Rate limit reached. Please try again in 6m0s. Visit https://x"), Some(360_000)),
            (said("Please try again in 250ms."), Some(250)),
            (said("Please try again in 2 minutes."), Some(120_000)),
            (said("Please retry after 20 seconds"), Some(20_000)),
            (said("Please try again in a while"), None),
            (said("no"), None),
            (json!(null), None),
        ] {
            assert_eq!(in_body(&body, NOW).map(|pause| pause.as_millis()), expected, "{body}");
        }
    }
}

//! Rate limits from a provider's headers: the requests and tokens it still allows. It leaves keeping count to the caller.

use std::time::Duration;

use reqwest::header::HeaderMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The headers for the limit, the rest and the time until it is full again: OpenAI's names, which most others copied, then Anthropic's,
/// then OpenRouter's.
const REQUESTS: [[&str; 3]; 3] = [
    ["x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"],
    [
        "anthropic-ratelimit-requests-limit",
        "anthropic-ratelimit-requests-remaining",
        "anthropic-ratelimit-requests-reset",
    ],
    ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"],
];
const TOKENS: [[&str; 3]; 2] = [
    ["x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"],
    ["anthropic-ratelimit-tokens-limit", "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"],
];

/// Longest time that a provider may ask us to wait; trying again then costs nothing.
pub(crate) const LONGEST: Duration = Duration::from_secs(600);

/// What a provider allows an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Requests.
    pub requests: Option<Bucket>,
    /// Tokens of prompts and answers.
    pub tokens: Option<Bucket>,
}

/// A bucket that fills up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// What it holds when it is full; if the provider does not say, what is left.
    pub limit: u64,
    /// What is left in it.
    pub left: u64,
    /// The time until it is full again, at most ten minutes.
    pub full_in: Duration,
}

impl Limits {
    /// Reads the headers of an answer; `now` is in seconds since 1970. `None` if they name no limits.
    pub(crate) fn read(headers: &HeaderMap, now: u64) -> Option<Limits> {
        let first = |names: &[[&str; 3]]| names.iter().find_map(|names| bucket(headers, names, now));
        let limits = Limits { requests: first(&REQUESTS), tokens: first(&TOKENS) };
        (limits != Limits::default()).then_some(limits)
    }

    /// How long to wait if something is used up.
    pub(crate) fn pause(&self) -> Option<Duration> {
        let buckets = [self.requests, self.tokens];
        buckets.into_iter().flatten().filter(|bucket| bucket.left == 0).map(|bucket| bucket.full_in).max()
    }
}

fn bucket(headers: &HeaderMap, [limit, left, reset]: &[&str; 3], now: u64) -> Option<Bucket> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let left: u64 = text(left)?.parse().ok()?;
    let limit = text(limit).and_then(|limit| limit.parse().ok()).unwrap_or(left).max(left);
    Some(Bucket { limit, left, full_in: until(text(reset)?, now)?.min(LONGEST) })
}

/// The time until a moment, given as a span (`6m0s`, `250ms`, `1.5`), a date, or seconds or milliseconds since 1970.
pub(crate) fn until(text: &str, now: u64) -> Option<Duration> {
    const LONG: f64 = 1e9;
    if let Ok(number) = text.parse::<f64>() {
        let seconds = match number {
            ..LONG => number,
            ..1e12 => number - now as f64,
            _ => number / 1000.0 - now as f64,
        };
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
        let moment = u64::try_from(moment.unix_timestamp()).unwrap_or(0);
        return Some(Duration::from_secs(moment.saturating_sub(now)));
    }
    span(text)
}

/// A span such as `2m59.56s`.
fn span(text: &str) -> Option<Duration> {
    let mut seconds = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let (number, after) = rest.split_at_checked(digits)?;
        let unit = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit)?;
        let each = match unit {
            "d" => 86_400.0,
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            _ => return None,
        };
        seconds += number.parse::<f64>().ok()? * each;
        rest = after;
    }
    Duration::try_from_secs_f64(seconds).ok().filter(|span| *span > Duration::ZERO || text.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(headers: &[(&'static str, &str)]) -> Option<Limits> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Limits::read(&headers, 1_755_780_000) // 2025-08-21T12:40:00Z
    }

    fn bucket(limit: u64, left: u64, ms: u64) -> Option<Bucket> {
        Some(Bucket { limit, left, full_in: Duration::from_millis(ms) })
    }

    #[test]
    fn each_providers_names_are_read() {
        let openai = [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "59"),
            ("x-ratelimit-reset-requests", "1s"),
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ];
        let limits = read(&openai).unwrap();
        assert_eq!(limits, Limits { requests: bucket(60, 59, 1000), tokens: bucket(150_000, 0, 360_000) });
        assert_eq!(limits.pause(), Some(Duration::from_secs(360)));
        let anthropic = [
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2025-08-21T12:41:00Z"),
        ];
        let limits = read(&anthropic).unwrap();
        assert_eq!(limits, Limits { requests: bucket(50, 49, 60_000), tokens: None });
        assert_eq!(limits.pause(), None);
        let openrouter = [("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "1755780007000")];
        assert_eq!(read(&openrouter), Some(Limits { requests: bucket(3, 3, 7000), tokens: None }));
        for far in ["30d", "2592000", "99999999999", "1e17", "2099-01-01T00:00:00Z"] {
            let spent = [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", far)];
            assert_eq!(read(&spent), Some(Limits { requests: bucket(0, 0, 600_000), tokens: None }), "{far}");
        }
        for nothing in [
            &[][..],
            &[("x-ratelimit-remaining-requests", "59")],
            &[("x-ratelimit-remaining-requests", "-1"), ("x-ratelimit-reset-requests", "1s")],
            &[("x-ratelimit-remaining-requests", "1"), ("x-ratelimit-reset-requests", "soon")],
        ] {
            assert_eq!(read(nothing), None, "{nothing:?}");
        }
    }

    #[test]
    fn spans_are_read_in_each_form() {
        for (text, ms) in [
            ("6m0s", Some(360_000)),
            ("2m59.56s", Some(179_560)),
            ("20ms", Some(20)),
            ("1d2h", Some(93_600_000)),
            ("0s", Some(0)),
            ("1.5", Some(1500)),
            ("1755780060", Some(60_000)),
            ("1755779000", Some(0)),
            ("", None),
            ("s", None),
            ("1x", None),
            ("9", Some(9000)),
            ("-5s", None),
            ("1e999", None),
        ] {
            assert_eq!(until(text, 1_755_780_000).map(|span| span.as_millis()), ms, "{text}");
        }
    }
}

//! What a provider says that it charged: OpenRouter of a key, LiteLLM's proxy of a user, by days in UTC. It leaves comparing that with the ledger to the
//! caller, who asks only when a person wants it.

use std::time::Duration;

use pennyworth_core::models::Model;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::timeout;

use crate::client::{Client, body, send};
use crate::error::{Kind, ProviderError};

/// Longest wait for an answer. A proxy adds up a month before it answers.
const PATIENCE: Duration = Duration::from_secs(30);
/// Most bytes of an answer.
const MOST: usize = 8 << 20;
/// Most pages of an answer.
const PAGES: u64 = 40;

/// An API that tells what was charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// OpenRouter's `/auth/key`: what a key used today and this month.
    OpenRouter,
    /// LiteLLM's `/user/daily/activity`: what a user's keys used on each day.
    LiteLlm,
}

/// What a provider charged in a span of days.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Charged {
    /// The first day, `YYYY-MM-DD`, or the month, `YYYY-MM`; both in UTC.
    pub span: String,
    /// US dollars.
    pub usd: f64,
    /// Calls, if it says.
    pub calls: Option<u64>,
    /// Tokens of input and output, if it says.
    pub tokens: Option<(u64, u64)>,
    /// US dollars that its user paid to other companies, with keys of their own; not in `usd`.
    pub elsewhere_usd: f64,
}

impl Client {
    /// Asks what was charged from one day to another, `YYYY-MM-DD` in UTC, of which the last is today. The model gives address and key.
    pub async fn charged(
        &self,
        account: Account,
        (model, key): (&Model, Option<&SecretString>),
        (first, today): (&str, &str),
    ) -> Result<Vec<Charged>, ProviderError> {
        match account {
            Account::OpenRouter => {
                let told = self.told(model, key, "/auth/key").await?;
                of_key(&told, today).ok_or_else(|| ProviderError::new(Kind::Malformed))
            }
            Account::LiteLlm => {
                // These paths stand beside the protocol's.
                let root = model.base_url.trim_end_matches("/v1").to_owned();
                let model = Model { base_url: root, ..model.clone() };
                let mut all = Vec::new();
                for page in 1..=PAGES {
                    let path =
                        format!("/user/daily/activity?start_date={first}&end_date={today}&page={page}&page_size=100");
                    let told = self.told(&model, key, &path).await?;
                    let days = told.get("results").and_then(Value::as_array);
                    let days = days.ok_or_else(|| ProviderError::new(Kind::Malformed))?;
                    days.iter().filter_map(of_day).for_each(|day| add(&mut all, day));
                    if told.pointer("/metadata/has_more") != Some(&Value::Bool(true)) {
                        break;
                    }
                }
                Ok(all)
            }
        }
    }

    async fn told(&self, model: &Model, key: Option<&SecretString>, path: &str) -> Result<Value, ProviderError> {
        let request = self.request(Method::GET, model, path, key)?;
        let told = async { body(send(request).await.map_err(|(error, _)| error)?, MOST).await };
        let told = timeout(PATIENCE, told).await.map_err(|_| ProviderError::new(Kind::Deadline))??;
        serde_json::from_slice(&told).map_err(|_| ProviderError::new(Kind::Malformed))
    }
}

/// Today and this month, of OpenRouter's answer.
fn of_key(told: &Value, today: &str) -> Option<Vec<Charged>> {
    let data = told.get("data")?;
    let span = |name: &str, span: &str| {
        let amount = |key: String| data.get(key).and_then(Value::as_f64);
        let elsewhere_usd = amount(format!("byok_usage_{name}")).unwrap_or_default();
        Some(Charged {
            span: span.to_owned(),
            usd: amount(format!("usage_{name}"))?,
            elsewhere_usd,
            ..Charged::default()
        })
    };
    Some(vec![span("daily", today)?, span("monthly", today.get(..7)?)?])
}

/// A day of LiteLLM's answer.
fn of_day(day: &Value) -> Option<Charged> {
    let metrics = day.get("metrics")?;
    let count = |key: &str| metrics.get(key).and_then(Value::as_u64);
    Some(Charged {
        span: day.get("date")?.as_str()?.get(..10)?.to_owned(),
        usd: metrics.get("spend")?.as_f64()?,
        calls: count("api_requests"),
        tokens: count("prompt_tokens").zip(count("completion_tokens")),
        elsewhere_usd: 0.0,
    })
}

/// Adds a part of a day: a page may end in the middle of one.
fn add(all: &mut Vec<Charged>, part: Charged) {
    let Some(day) = all.iter_mut().find(|day| day.span == part.span) else { return all.push(part) };
    day.usd += part.usd;
    day.calls = day.calls.zip(part.calls).map(|(one, other)| one + other);
    day.tokens = day.tokens.zip(part.tokens).map(|(one, other)| (one.0 + other.0, one.1 + other.1));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_tells_of_today_and_of_this_month() {
        let told = json!({"data": {"label": "sk-or-v1-a…b", "usage": 9.5, "usage_daily": 0.25, "usage_weekly": 1, "usage_monthly": 2.5,
            "byok_usage_daily": 0.5, "limit": null}});
        let told = of_key(&told, "2026-12-01").unwrap();
        let figures: Vec<_> = told.iter().map(|span| (span.span.as_str(), span.usd, span.elsewhere_usd)).collect();
        assert_eq!(figures, [("2026-12-01", 0.25, 0.5), ("2026-12", 2.5, 0.0)]);
        assert_eq!(of_key(&json!({"data": {"usage": 9.5}}), "2026-12-01"), None, "an older form has no days");
    }

    #[test]
    fn a_day_on_two_pages_is_one() {
        let day = |spend: f64, calls: u64| {
            let metrics = json!({"spend": spend, "prompt_tokens": 100, "completion_tokens": 10, "api_requests": calls});
            of_day(&json!({"date": "2026-11-30", "metrics": metrics, "breakdown": {}})).unwrap()
        };
        let mut all = Vec::new();
        add(&mut all, day(0.5, 3));
        add(&mut all, day(0.25, 2));
        let (calls, tokens) = (Some(5), Some((200, 20)));
        assert_eq!(all, [Charged { span: "2026-11-30".into(), usd: 0.75, calls, tokens, elsewhere_usd: 0.0 }]);
    }
}

//! Asks a provider what it charged and compares that with the ledger, for `stats --against` and the page. It leaves the comparison to `reports::stats`.

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use pennyworth_core::models::Model;
use pennyworth_providers::Account;
use time::{Date, Duration, OffsetDateTime, Time};

use super::place::ledger;
use crate::ledger::provider;
use crate::models::Providers;
use crate::paths;
use crate::reports::stats::Against;
use crate::settings::Settings;

/// A provider that tells what it charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Provider {
    /// What the key used today and this month
    Openrouter,
    /// What the user's keys used on each day, by the proxy's own database
    Litellm,
}

impl Provider {
    /// Its name in rows of models.
    fn name(self) -> &'static str {
        match self {
            Provider::Openrouter => "openrouter",
            Provider::Litellm => "litellm",
        }
    }

    fn account(self) -> Account {
        match self {
            Provider::Openrouter => Account::OpenRouter,
            Provider::Litellm => Account::LiteLlm,
        }
    }
}

/// The ledger beside what a provider says of the days since one, or of so many days. Only this asks a provider.
pub(super) fn compared(of: Provider, settings: &Settings, since: Option<Date>, days: u32) -> anyhow::Result<Against> {
    let (name, models) = (of.name(), settings.models());
    let is_theirs = |model: &&Model| model.provider.as_deref() == Some(name);
    let model = models.enabled().find(is_theirs);
    let model = model.with_context(|| format!("no model of `provider = \"{name}\"` is switched on"))?;
    let today = OffsetDateTime::now_utc().date();
    let ago = || today.checked_sub(Duration::days(i64::from(days) - 1));
    let first = since.or_else(ago).unwrap_or(Date::MIN);
    // A month is told as a whole.
    let month = today.replace_day(1).unwrap_or(today);
    let since =
        OffsetDateTime::new_utc(if of == Provider::Openrouter { first.min(month) } else { first }, Time::MIDNIGHT);
    let runtime = tokio::runtime::Runtime::new()?;
    let providers = Providers::default();
    let charged = async {
        let key = providers.keys.of(model).await?;
        let client = providers.client.as_ref().context("this system allows no HTTP client")?;
        let days = (first.to_string(), today.to_string());
        Ok::<_, anyhow::Error>(client.charged(of.account(), (model, key.as_ref()), (&days.0, &days.1)).await?)
    };
    let host = provider(model);
    let said = runtime.block_on(charged).with_context(|| format!("{host} does not say what it charged"))?;
    let days = match paths::ledger_path().filter(|path| path.try_exists().unwrap_or(true)) {
        Some(_) => {
            ledger().charges(host, since.into()).map_err(|error| anyhow!("the ledger cannot be read: {error}"))?
        }
        None => Vec::new(),
    };
    Ok(Against::new(host, &days, &said))
}

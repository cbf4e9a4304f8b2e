//! `pennyworth models refresh`: updates the prices of known models from a public list, and prints what changed. No other command fetches
//! prices, and it sends no key.
//! It leaves reading lists to `refresh/lists.rs`, and which price prevails to `settings`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use pennyworth_core::models::{ModelRow, PriceRow, Problem, Rows, is_loopback};
use pennyworth_providers::Client;
use time::{Date, OffsetDateTime};

use self::lists::Source;
use crate::cli::file::replace;
use crate::reports::models;
use crate::reports::words::counted;
use crate::settings::Settings;
use crate::settings::prices::{self, Facts, Prices};

mod lists;

/// OpenRouter's list, which needs no key.
const OPENROUTER: &str = "https://openrouter.ai/api/v1/models";
/// LiteLLM's list, which covers most services.
const LITELLM: &str = "https://raw.githubusercontent.com/BerriAI/litellm/main/model_prices_and_context_window.json";
/// Most bytes of a list; the longest known one has two million.
const MOST: usize = 16 << 20;
/// Longest wait for a list.
const PATIENCE: Duration = Duration::from_secs(30);

/// `pennyworth models refresh`.
#[derive(Debug, Args)]
pub(super) struct Refresh {
    /// A URL or a file: OpenRouter's list of models, LiteLLM's price file, or the `/model/info` of a LiteLLM proxy
    #[arg(default_value = OPENROUTER)]
    source: String,
    /// Print what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
}

/// What a list changes.
#[derive(Default)]
struct Updates {
    prices: Prices,
    /// Lines to print, one for each key that changed.
    changes: Vec<String>,
    same: usize,
    /// Models that the list should have but does not.
    missing: Vec<String>,
    /// Models whose facts in the list are of no use, with the reason.
    left_alone: Vec<String>,
    /// Services whose prices the list does not have.
    others: BTreeSet<String>,
}

impl Refresh {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let text = self.text()?;
        let source = Source::read(&text).map_err(|message| anyhow!("{} {message}", self.source))?;
        let (settings, _) = Settings::gather(config, &[]);
        let today = OffsetDateTime::now_utc().date();
        let found = look_up(&settings, &source, today);
        found.print(&self.source, out)?;
        let Some(path) = prices::path(config) else { bail!("no home directory for a table of prices") };
        match () {
            () if self.dry_run => writeln!(out, "dry run, so nothing is written")?,
            () if found.prices == settings.prices => writeln!(out, "nothing to write")?,
            () => {
                let cannot = || format!("{} cannot be written", path.display());
                replace(&path, &found.prices.to_toml()?).with_context(cannot)?;
                writeln!(out, "wrote {}", path.display())?;
            }
        }
        let now = Settings { prices: found.prices, ..settings }.models();
        for model in now.enabled() {
            for note in models::notes(model, today) {
                writeln!(out, "warning: {}: {note}", model.name)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn text(&self) -> anyhow::Result<Vec<u8>> {
        let cannot = || format!("{} cannot be read", self.source);
        if !self.source.contains("://") {
            return file(Path::new(&self.source)).with_context(cannot);
        }
        // Whoever changes a list on its way could defeat the cap.
        if !self.source.starts_with("https://") && !is_loopback(&self.source) {
            bail!("{} is not fetched: a list on another machine must come over https://", self.source);
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let fetched = async { Client::new()?.fetch(&self.source, MOST, PATIENCE).await };
        runtime.block_on(fetched).with_context(cannot)
    }
}

fn file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    match () {
        () if !metadata.is_file() => bail!("not a file"),
        () if metadata.len() > MOST as u64 => {
            bail!("it has {} bytes; a list of prices has at most {MOST}", metadata.len())
        }
        () => Ok(std::fs::read(path)?),
    }
}

/// Looks up every model that is not on this machine, shipped or the user's own.
fn look_up(settings: &Settings, source: &Source, today: Date) -> Updates {
    let (base, rows) = (settings.base(), settings.models());
    let mut found = Updates { prices: settings.prices.clone(), ..Updates::default() };
    let names: BTreeSet<&str> =
        base.all().map(|model| model.name.as_str()).chain(settings.model.keys().map(String::as_str)).collect();
    for name in names {
        let Some(row) = rows.row(name, settings.model.get(name)) else { continue };
        let (Some(provider), Some(id)) = (&row.provider, &row.model) else { continue };
        if row.tier.as_deref() == Some("local") {
            continue;
        }
        if source.only().is_some_and(|only| only != provider) {
            found.others.insert(provider.clone());
            continue;
        }
        match source.facts(&listed(&row, provider, id, source), tier(&row)) {
            None => found.missing.push(name.to_owned()),
            Some(Err(reason)) => found.left_alone.push(format!("{name}: {reason}")),
            Some(Ok(facts)) => found.take(name, facts, &row, settings, today),
        }
    }
    found
}

/// The names that a model may have in a list.
fn listed(row: &ModelRow, provider: &str, id: &str, source: &Source) -> Vec<String> {
    if source.only().is_some() {
        return vec![id.to_owned()];
    }
    let own = [provider.to_owned()];
    let services = row.listed_as.as_deref().unwrap_or(&own);
    services.iter().map(|service| if service.is_empty() { id.to_owned() } else { format!("{service}/{id}") }).collect()
}

/// The service tier that a row asks for, if that tier has prices of its own.
fn tier(row: &ModelRow) -> Option<&str> {
    row.extra.as_ref()?.get("service_tier")?.as_str().filter(|tier| *tier == "flex")
}

impl Updates {
    /// Takes the facts of a model if they make a valid row, and notes how they differ from the row in force.
    fn take(&mut self, name: &str, mut facts: Facts, row: &ModelRow, settings: &Settings, today: Date) {
        let is_free = |price: &PriceRow| price.input == Some(0.0) && price.output == Some(0.0);
        let was_paid = row.price.as_ref().is_some_and(|price| price.input.is_some() && !is_free(price));
        // A price of zero would exempt the model from the cap.
        if was_paid && facts.price.as_ref().is_some_and(is_free) {
            return self.left_alone.push(format!("{name}: it is free in this list; if so, set its price yourself"));
        }
        if let Some(price) = &mut facts.price {
            price.as_of = Some(today.to_string());
        }
        if let Some(problem) = fault(name, &facts, settings) {
            return self.left_alone.push(format!("{name}: its {} {}", problem.key, problem.message));
        }
        let changes = changes(&facts, row, settings.model.get(name));
        self.same += usize::from(changes.is_empty());
        self.changes.extend(changes.into_iter().map(|change| format!("{name:<24} {change}")));
        self.prices.model.insert(name.to_owned(), facts);
    }

    fn print(&self, source: &str, out: &mut impl Write) -> std::io::Result<()> {
        self.changes.iter().try_for_each(|change| writeln!(out, "{change}"))?;
        self.left_alone.iter().try_for_each(|what| writeln!(out, "left alone: {what}"))?;
        if !self.missing.is_empty() {
            writeln!(out, "not found in {source}: {}", self.missing.join(", "))?;
        }
        if !self.others.is_empty() {
            let others: Vec<&str> = self.others.iter().map(String::as_str).collect();
            writeln!(
                out,
                "this list has no prices of {}; LiteLLM's has: pennyworth models refresh {LITELLM}",
                others.join(", ")
            )?;
        }
        writeln!(out, "unchanged: {}", counted(self.same as u64, "model"))
    }
}

/// The first fault that the model's row would have with these facts.
fn fault(name: &str, facts: &Facts, settings: &Settings) -> Option<Problem> {
    let (models, problems) = settings.base().with_facts("", [(name.to_owned(), facts.row())].into());
    let own = settings.model.get(name).map(|row| (name.to_owned(), row.clone()));
    let rows =
        Rows { format: settings.format.clone(), provider: settings.provider.clone(), model: own.into_iter().collect() };
    let key = format!("model.{name}.");
    let all = problems.into_iter().chain(models.with_rows("", rows).1);
    all.into_iter().find_map(|problem| Some(Problem { key: problem.key.strip_prefix(&key)?.to_owned(), ..problem }))
}

/// The keys that differ, each with its old and new value, and a note where the user's own row overrides it.
fn changes(facts: &Facts, row: &ModelRow, own: Option<&ModelRow>) -> Vec<String> {
    let (new, old, own) = (keys(&facts.row()), keys(row), keys(own.unwrap_or(&ModelRow::default())));
    let all = new.into_iter().zip(old).zip(own);
    all.filter_map(|(((key, new), (_, old)), (_, own))| {
        let new = new.filter(|new| Some(new) != old.as_ref())?;
        let old = old.unwrap_or_else(|| "-".into());
        let holds = if own.is_some() { "  (overridden by your configuration)" } else { "" };
        Some(format!("{key:<12} {old} -> {new}{holds}"))
    })
    .collect()
}

/// The keys of a row that a list may have, as they are printed.
fn keys(row: &ModelRow) -> [(&'static str, Option<String>); 8] {
    let price = row.price.clone().unwrap_or_default();
    let number = |value: Option<f64>| value.map(|value| value.to_string());
    [
        ("input", number(price.input)),
        ("cached", number(price.cached)),
        ("write", number(price.write)),
        ("write_long", number(price.write_long)),
        ("output", number(price.output)),
        ("batch", number(price.batch)),
        ("cache_min", row.cache_min.map(|tokens| tokens.to_string())),
        ("shutdown", row.shutdown.clone()),
    ]
}

#[cfg(test)]
mod tests;

//! `pennyworth models`: which models there are, cheapest first for a task, and what there is to know before one is switched on.
//! It leaves which of them a request asks to the route, which `explain` shows, and bringing prices up to date to `models/refresh.rs`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use comfy_table::{CellAlignment, Table, presets};
use pennyworth_core::models::{Model, Models as Rows, Price};
use pennyworth_core::money::Money;
use pennyworth_core::route::Standing;
use pennyworth_core::task::{Task, TaskRow, Tier};
use pennyworth_core::tokens;
use serde::Serialize;
use time::{Date, OffsetDateTime};

use crate::settings::Settings;

mod refresh;

/// Tokens of a line of code: 35 characters of which 4.4 make a token.
const TOKENS_PER_LINE: u32 = 8;
/// Days after which a price is worth another look.
const OLD_DAYS: i64 = 60;
/// Completions that a cost is shown for.
const MANY: u64 = 1000;

/// `pennyworth models`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Models {
    /// The task that costs are shown for
    #[arg(long, default_value = "line", value_name = "TASK")]
    task: Task,
    /// Also the shipped models that are not switched on
    #[arg(long)]
    all: bool,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    /// What to do instead of listing
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do instead of listing.
#[derive(Debug, Subcommand)]
enum Command {
    /// Bring prices and dates of shutdown up to date from a public list; nothing is ever fetched without this command
    Refresh(refresh::Refresh),
}

/// What is shown of a model.
#[derive(Debug, Serialize)]
struct Shown<'a> {
    name: &'a str,
    provider: Option<&'a str>,
    tier: Tier,
    enabled: bool,
    /// Expected cost of 1,000 calls for the task.
    cost_per_1000: Money,
    /// The same over the share that is expected to be accepted.
    cost_per_1000_accepted: Money,
    price: &'a Price,
    /// Tokens from which on a prompt is cached at all.
    cache_min: Option<u32>,
    /// Estimated tokens of the message that every chat begins with.
    system_tokens: u32,
    context: u32,
    logprobs: bool,
    notes: Vec<String>,
}

impl Models {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        if let Some(Command::Refresh(refresh)) = &self.command {
            return refresh.run(config, out);
        }
        let (settings, _) = Settings::gather(config, &[]);
        let (rows, tasks) = (settings.models(), settings.tasks());
        let row = tasks.row(self.task);
        let today = OffsetDateTime::now_utc().date();
        let mut shown: Vec<Shown<'_>> =
            rows.all().filter(|model| self.all || model.enabled).map(|model| show(model, &rows, row, today)).collect();
        shown.sort_by_key(|shown| (shown.cost_per_1000_accepted, shown.name));
        if self.json {
            serde_json::to_writer_pretty(&mut *out, &shown).context("the list cannot be written")?;
            writeln!(out)?;
        } else {
            print(&shown, self, out)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show<'a>(model: &'a Model, rows: &'a Rows, row: &TaskRow, today: Date) -> Shown<'a> {
    let system = rows.format(&model.format).map_or("", |format| format.system.as_str());
    let system_tokens = tokens::estimate(system, model.chars_per_token);
    let prompt_tokens = (row.before + row.after) * TOKENS_PER_LINE + system_tokens;
    let standing = Standing::default();
    let cost = standing.expected_cost(&model.price, model.abort_billed, prompt_tokens, row.max_tokens).times(MANY);
    Shown {
        name: &model.name,
        provider: model.provider.as_deref(),
        tier: model.tier,
        enabled: model.enabled,
        cost_per_1000: cost,
        cost_per_1000_accepted: cost.scaled(1.0 / standing.acceptance(model.tier).mean),
        price: &model.price,
        cache_min: model.cache_min,
        system_tokens,
        context: model.context,
        logprobs: model.logprobs,
        notes: notes(model, today),
    }
}

/// What somebody should know of a row: that it is old, and that the model goes.
fn notes(model: &Model, today: Date) -> Vec<String> {
    let mut notes = Vec::new();
    match model.shutdown.as_deref().map(|day| (day, date(day))) {
        Some((day, Some(date))) if date <= today => notes.push(format!("was switched off on {day}")),
        Some((day, _)) => notes.push(format!("is switched off on {day}")),
        None => {}
    }
    let age = date(&model.price.as_of).map_or(0, |day| (today - day).whole_days());
    if age > OLD_DAYS && !model.price.is_free() {
        notes.push(format!("the price is {age} days old"));
    }
    notes
}

/// A day written `YYYY-MM-DD`.
pub(super) fn date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) =
        (parts.next()?.parse().ok()?, parts.next()?.parse::<u8>().ok()?, parts.next()?.parse().ok()?);
    Date::from_calendar_date(year, month.try_into().ok()?, day).ok()
}

fn print(shown: &[Shown<'_>], asked: &Models, out: &mut impl Write) -> std::io::Result<()> {
    if shown.is_empty() {
        return writeln!(out, "no model is switched on; `pennyworth models --all` shows which there are");
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(COLUMNS);
    for model in shown {
        table.add_row(cells(model));
    }
    for column in table.column_iter_mut().skip(3).take(COLUMNS.len() - 4) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out, "for `{}`, cheapest first; prices in USD per million tokens\n\n{table}", asked.task)?;
    writeln!(
        out,
        "\nwrite: into the provider's cache, for its short and its longer time; from: the tokens a prompt needs to be cached"
    )?;
    writeln!(
        out,
        "batch: the share of the price that a batch pays; system: tokens that each call to a chat begins with"
    )
}

const COLUMNS: [&str; 13] = [
    "model",
    "tier",
    "on",
    "1,000 calls",
    "1,000 accepted",
    "in",
    "cached",
    "write",
    "from",
    "out",
    "batch",
    "system",
    "notes",
];

fn cells(model: &Shown<'_>) -> [String; COLUMNS.len()] {
    let million = |price: Money| format!("{:.3}", price.usd() * 1e6);
    let known = |cell: Option<String>| cell.unwrap_or_else(|| "-".into());
    let Price { input, cached, write, write_long, output, batch, .. } = model.price;
    // Writing that costs what input costs is no price of its own.
    let write = match write_long {
        Some(long) => Some(format!("{} {}", million(*write), million(*long))),
        None => (write != input).then(|| million(*write)),
    };
    [
        model.name.into(),
        model.tier.to_string(),
        if model.enabled { "yes" } else { "no" }.into(),
        format!("${:.4}", model.cost_per_1000.usd()),
        format!("${:.4}", model.cost_per_1000_accepted.usd()),
        million(*input),
        million(*cached),
        known(write),
        known(model.cache_min.map(|tokens| tokens.to_string())),
        million(*output),
        known(batch.map(|share| format!("{:.0} %", share * 100.0))),
        known((model.system_tokens > 0).then(|| model.system_tokens.to_string())),
        model.notes.join("; "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &Models, source: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        std::fs::write(&config, source).unwrap();
        let mut out = Vec::new();
        arguments.run(Some(&config), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn models_are_listed_by_what_an_accepted_completion_costs() {
        let arguments = Models { task: Task::Line, all: true, json: true, command: None };
        let list: Vec<serde_json::Value> = serde_json::from_str(&run(&arguments, "[model.local]")).unwrap();
        let costs: Vec<f64> = list
            .iter()
            .map(|model| model["cost_per_1000_accepted"].to_string().trim_matches('"').parse().unwrap())
            .collect();
        assert!(list.len() > 15 && costs.is_sorted(), "{costs:?}");
        let enabled: Vec<_> =
            list.iter().filter(|model| model["enabled"] == true).map(|model| &model["name"]).collect();
        assert_eq!(enabled, ["local"]);
        let luna = list.iter().find(|model| model["name"] == "gpt-6-luna").unwrap();
        assert_eq!((&luna["cache_min"], &luna["price"]["batch"]), (&1024.into(), &0.5.into()), "{luna}");
        let chat = list.iter().find(|model| model["name"] == "claude-haiku-5-5").unwrap();
        assert!(chat["system_tokens"].as_u64().unwrap() > 20, "{chat}");
    }

    #[test]
    fn the_table_has_every_fact_of_a_price_and_a_dash_where_none_is_known() {
        let table = run(&Models { task: Task::Line, all: true, json: false, command: None }, "");
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().skip(5).collect()).collect();
        for facts in [
            ["0.100", "0.010", "0.125", "0.250", "1024", "0.500", "50", "%", "42"],
            ["0.300", "0.006", "-", "-", "1.200", "-", "-", "", ""],
        ] {
            let facts: Vec<&str> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
            assert!(rows.contains(&facts), "{facts:?}\n{table}");
        }
        assert!(table.lines().all(|line| line.trim_end().chars().count() < 160), "{table}");
    }

    #[test]
    fn what_is_old_or_goes_is_said() {
        let models = Settings::default().models();
        let model = models.get("gemini-3-1-flash-lite").unwrap();
        let on = |day: &str| notes(model, date(day).unwrap());
        assert_eq!(on("2026-12-01"), ["is switched off on 2027-05-07"]);
        assert_eq!(on("2027-05-07"), ["was switched off on 2027-05-07", "the price is 165 days old"]);
    }

    #[test]
    fn nothing_switched_on_is_said_in_words() {
        let arguments = Models { task: Task::Line, all: false, json: false, command: None };
        assert_eq!(run(&arguments, ""), "no model is switched on; `pennyworth models --all` shows which there are\n");
    }
}

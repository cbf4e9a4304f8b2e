//! Lists the models, cheapest first for a task, with the facts that a user should know before switching one on.
//! It leaves choosing the models for a request to the route, which `explain` shows.

use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use pennyworth_core::models::{Model, Models, Price, Prior};
use pennyworth_core::money::Money;
use pennyworth_core::route::Standing;
use pennyworth_core::task::{Task, TaskRow, Tier};
use pennyworth_core::tokens;
use serde::Serialize;
use time::Date;

/// Tokens of a line of code: 35 characters at 4.4 per token.
const TOKENS_PER_LINE: u32 = 8;
/// Days after which a price should be checked again.
pub(super) const OLD_DAYS: i64 = 60;
/// Number of completions for which a cost is shown.
const MANY: u64 = 1000;

/// What is shown of a model.
#[derive(Debug, Serialize)]
pub struct ModelLine<'a> {
    name: &'a str,
    provider: Option<&'a str>,
    tier: Tier,
    enabled: bool,
    /// Whether the code of its prompts stays on this machine.
    code_stays_here: bool,
    /// Expected cost of 1,000 calls for the task.
    cost_per_1000: Money,
    /// The same, divided by the share that is expected to be accepted.
    cost_per_1000_accepted: Money,
    /// That share, as long as the ledger has seen none of its completions, and what it rests on.
    expected: Prior,
    price: &'a Price,
    /// Fewest tokens of a prompt that the provider caches.
    cache_min: Option<u32>,
    /// Estimated tokens of the system message of each chat call.
    system_tokens: u32,
    context: u32,
    logprobs: bool,
    notes: Vec<String>,
}

/// The lines of the models, by their cost per accepted completion for a task; `all` includes models that are not switched on.
pub fn lines<'a>(models: &'a Models, (task, row): (Task, &TaskRow), today: Date, all: bool) -> Vec<ModelLine<'a>> {
    let mut lines: Vec<ModelLine<'a>> = models
        .all()
        .filter(|model| all || model.enabled)
        .map(|model| show(model, models, (task, row), today))
        .collect();
    lines.sort_by_key(|line| (line.cost_per_1000_accepted, line.name));
    lines
}

fn show<'a>(model: &'a Model, rows: &'a Models, (task, row): (Task, &TaskRow), today: Date) -> ModelLine<'a> {
    let system = rows.format(&model.format).map_or("", |format| format.system.as_str());
    let system_tokens = tokens::estimate(system, model.chars_per_token);
    let prompt_tokens = (row.before + row.after) * TOKENS_PER_LINE + system_tokens;
    let (standing, expected) = (Standing::default(), rows.prior(model, task));
    let cost = standing.expected_cost(&model.price, model.abort_billed, prompt_tokens, row.max_tokens).times(MANY);
    ModelLine {
        name: &model.name,
        provider: model.provider.as_deref(),
        tier: model.tier,
        enabled: model.enabled,
        code_stays_here: model.code_stays_here(),
        cost_per_1000: cost,
        cost_per_1000_accepted: cost.scaled(1.0 / expected.mean.max(0.001)),
        expected,
        price: &model.price,
        cache_min: model.cache_min,
        system_tokens,
        context: model.context,
        logprobs: model.logprobs,
        notes: notes(model, today),
    }
}

/// What a user should know about a row: its price is old, or its model shuts down.
pub fn notes(model: &Model, today: Date) -> Vec<String> {
    let mut notes = Vec::new();
    match model.shutdown.as_deref().map(|day| (day, date(day))) {
        Some((day, Some(date))) if date <= today => notes.push(format!("was shut down on {day}")),
        Some((day, _)) => notes.push(format!("shuts down on {day}")),
        None => {}
    }
    let age = date(&model.price.as_of).map_or(0, |day| (today - day).whole_days());
    if age > OLD_DAYS && !model.is_free() {
        notes.push(format!("the price is {age} days old"));
    }
    notes
}

/// A day written `YYYY-MM-DD`.
pub fn date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) =
        (parts.next()?.parse().ok()?, parts.next()?.parse::<u8>().ok()?, parts.next()?.parse().ok()?);
    Date::from_calendar_date(year, month.try_into().ok()?, day).ok()
}

/// Prints the lines as a table; costs are for `task`.
pub fn print(shown: &[ModelLine<'_>], task: Task, out: &mut impl Write) -> std::io::Result<()> {
    if shown.is_empty() {
        return writeln!(out, "no model is switched on; `pennyworth models --all` lists all");
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
    writeln!(out, "for the task `{}`, cheapest first; prices in USD per million tokens\n\n{table}", task)?;
    writeln!(
        out,
        "\nwrite: price of writing to the provider's cache, for its short and long lifetime; from: shortest prompt that is cached, in tokens"
    )?;
    writeln!(
        out,
        "batch: share of the price that a batch pays; system: tokens of the system message in each chat call"
    )?;
    writeln!(
        out,
        "expected: share that counts as accepted until the ledger has seen some, by the kind and size of the model, and the task; `--json` says more"
    )
}

const COLUMNS: [&str; 14] = [
    "model",
    "tier",
    "on",
    "1,000 calls",
    "1,000 accepted",
    "expected",
    "in",
    "cached",
    "write",
    "from",
    "out",
    "batch",
    "system",
    "notes",
];

fn cells(model: &ModelLine<'_>) -> [String; COLUMNS.len()] {
    let million = |price: Money| format!("{:.3}", price.usd() * 1e6);
    let known = |cell: Option<String>| cell.unwrap_or_else(|| "-".into());
    let Price { input, cached, write, write_long, output, batch, .. } = model.price;
    // A write price equal to the input price is not shown.
    let write = match write_long {
        Some(long) => Some(format!("{} {}", million(*write), million(*long))),
        None => (write != input).then(|| million(*write)),
    };
    [
        model.name.into(),
        model.tier.to_string(),
        if model.enabled { "yes" } else { "no" }.into(),
        model.cost_per_1000.to_string(),
        model.cost_per_1000_accepted.to_string(),
        format!("{:.0} %", model.expected.mean * 100.0),
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

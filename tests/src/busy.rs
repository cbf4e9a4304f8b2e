//! A made-up ledger of a busy user: calls, suggestions and requests over days, with the habits of a week, errors, ceilings that cut, batches, and models of
//! which one is worth its price. The same numbers in every run. It leaves what is made of it to others.

#![allow(clippy::indexing_slicing, reason = "each index is drawn below a length")]

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use pennyworth::ledger::Ledger;
use rusqlite::{Connection, Transaction, params};

use crate::random::Random;

const DAY_MS: u64 = 24 * 3_600_000;
/// Picodollars.
const MICRO: i64 = 1_000_000;

/// A model with its provider, the price of a token of input and output in picodollars, its usual wait in milliseconds, and of 100 suggestions those
/// that are taken.
struct Of {
    name: &'static str,
    provider: &'static str,
    price: (i64, i64),
    wait_ms: u64,
    taken: u64,
    share: u64,
}

const MODELS: [Of; 4] = [
    Of { name: "codestral", provider: "api.mistral.ai", price: (300_000, 900_000), wait_ms: 260, taken: 41, share: 45 },
    Of {
        name: "deepseek",
        provider: "api.deepseek.com",
        price: (140_000, 280_000),
        wait_ms: 620,
        taken: 34,
        share: 25,
    },
    Of {
        name: "haiku",
        provider: "api.anthropic.com",
        price: (1_000_000, 5_000_000),
        wait_ms: 540,
        taken: 43,
        share: 12,
    },
    Of { name: "qwen-local", provider: "127.0.0.1:11434", price: (0, 0), wait_ms: 180, taken: 27, share: 18 },
];
/// Tasks with their ceilings.
const TASKS: [(&str, u64); 8] = [
    ("line", 64),
    ("line", 64),
    ("argument", 24),
    ("expression", 48),
    ("member", 16),
    ("block", 160),
    ("comment", 40),
    ("return", 32),
];
const LANGUAGES: [&str; 6] = ["rust", "rust", "rust", "python", "typescript", "go"];
const ERRORS: [&str; 4] = ["RateLimited 429", "Server 503", "Connect", "CutOff"];
const SILENCES: [(&str, u64); 10] = [
    ("mid_word", 44),
    ("superseded", 21),
    ("finished", 9),
    ("deletion", 8),
    ("unsure", 6),
    ("earlier", 5),
    ("none_sure", 3),
    ("empty", 2),
    ("too_little", 1),
    ("cap", 1),
];

/// Names that a page must show as text.
pub const HOSTILE: [&str; 3] =
    ["<img src=x onerror=alert(1)>", "</script><script>alert(2)</script>", "\"'><b onclick=alert(3)>`${4}`"];

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub struct Busy {
    /// Calls; there are two suggestions for each.
    pub calls: u64,
    /// Days up to today over which they are spread.
    pub days: u64,
    /// Whether some names are hostile.
    pub is_hostile: bool,
}

/// Makes the ledger at this path.
///
/// # Errors
/// If it cannot be written.
pub fn fill(path: &Path, busy: Busy) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // This makes the tables.
    let (ledger, notice) = Ledger::open(Some(path));
    anyhow::ensure!(notice.is_none(), "{}", notice.unwrap_or_default());
    ledger.flush();
    drop(ledger);
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    let step = connection.transaction()?;
    rows(&step, busy, &mut Random::new(16))?;
    step.commit()?;
    Ok(connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?)
}

fn rows(step: &Transaction<'_>, busy: Busy, random: &mut Random) -> anyhow::Result<()> {
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    let mut call = step.prepare(
        "INSERT INTO calls (id, day, at_ms, counts_ms, over_ms, provider, model, task, language, status, max_tokens, prompt_tokens, plain_tokens,
            worst, charge, price_input, price_cached, price_write, price_output, price_as_of, input, cached, output, estimated, first_ms, total_ms,
            finish, reason)
         VALUES (?1, date(?2 / 1000, 'unixepoch', 'localtime'), ?2, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10, ?10, ?11, ?12, ?11, ?13, '2026-10-20',
            ?9, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
    )?;
    let mut suggestion = step.prepare(
        "INSERT INTO suggestions (id, at_ms, call, source, model, task, language, chars, tokens, truncated, probability, outcome, outcome_chars,
            kept_minutes, kept_chars)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?12, ?13, ?14)",
    )?;
    for number in 0..busy.calls {
        let at = time(busy, now, number, random);
        let id = i64::try_from((at << 22) + number % (1 << 22))?;
        let mut of = pick(&MODELS.map(|of| of.share), random);
        if is_weekend(at) && of == 2 {
            of = 3;
        }
        let of = &MODELS[of];
        let (task, ceiling) = TASKS[random.below(TASKS.len() as u64) as usize];
        let language = LANGUAGES[random.below(LANGUAGES.len() as u64) as usize];
        let is_hostile = busy.is_hostile && number % 50 == 7;
        let name = |usual, hostile: usize| if is_hostile { HOSTILE[hostile] } else { usual };
        let (model, language) = (name(of.name, 0), name(language, 1));
        let input = 400 + random.below(1600);
        let cached = if of.price.0 > 0 { input * random.below(80) / 100 } else { 0 };
        let status = ["done", "cut", "aborted", "failed", "outrun"][pick(&[58, 22, 15, 3, 2], random)];
        // Chance alone would leave the hostile error out of one small ledger in ten.
        let status = if is_hostile && number % 500 == 7 { "failed" } else { status };
        let written = (ceiling * (10 + random.below(100)) / 100).min(ceiling);
        let output = if status == "failed" { 0 } else { written };
        let finish = (status == "done").then_some(if written == ceiling { "length" } else { "stop" });
        let reason = (status == "failed").then(|| name(ERRORS[pick(&[6, 2, 1, 1], random)], 2));
        let (input_price, output_price) = of.price;
        let charge = if status == "failed" {
            0
        } else {
            (input - cached) as i64 * input_price + (cached as i64 * input_price) / 4 + output as i64 * output_price
        };
        let first =
            of.wait_ms * (60 + random.below(110)) / 100 + if random.below(20) == 0 { random.below(1500) } else { 0 };
        let first = (status != "failed").then_some(first.cast_signed());
        call.execute(params![
            id,
            at.cast_signed(),
            of.provider,
            model,
            task,
            language,
            status,
            ceiling.cast_signed(),
            input.cast_signed(),
            charge,
            input_price,
            input_price / 4,
            output_price,
            cached.cast_signed(),
            output.cast_signed(),
            random.below(25) == 0,
            first,
            first.unwrap_or(300) + 90,
            finish,
            reason,
        ])?;
        for source in 0..2 {
            let (source, model, taken) = match (source, pick(&[45, 30, 25], random)) {
                (0, _) => ("model", model, of.taken),
                (_, 0) => ("embedded", "embedded", 55),
                (_, 1) => ("lines", model, 60),
                _ => ("cache", model, 48),
            };
            let said = 20 + random.below(80);
            let is_right = random.below(100) < (taken * 2 + said * 85 / 100) / 3 + 5;
            let outcome = match random.below(100) {
                0..20 => "unused",
                _ if task == "comment" && random.below(40) == 0 => "accepted",
                _ if task == "comment" => "dismissed",
                _ if is_right => ["accepted", "accepted", "accepted", "partly", "typed"][random.below(5) as usize],
                _ => "dismissed",
            };
            let chars = (4 + random.below(50)).cast_signed();
            let is_taken = matches!(outcome, "accepted" | "partly");
            let kept = is_taken.then(|| chars * (70 + random.below(31).cast_signed()) / 100);
            suggestion.execute(params![
                id + 1 + i64::from(source == "model"),
                at.cast_signed() + 400,
                (source == "model").then_some(id),
                source,
                model,
                task,
                language,
                chars,
                chars / 4,
                said as f64 / 100.0,
                outcome,
                if is_taken { chars } else { 0 },
                kept.map(|_| 1),
                kept,
            ])?;
        }
    }
    replies(step, busy, now, random)
}

/// What requests got: for each call some fifteen keys.
fn replies(step: &Transaction<'_>, busy: Busy, now: u64, random: &mut Random) -> anyhow::Result<()> {
    let mut add = step.prepare(
        "INSERT INTO replies VALUES (date(?1 / 1000, 'unixepoch', 'localtime'), ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET count = count + excluded.count",
    )?;
    let of_day = busy.calls * 15 / busy.days.max(1) / (TASKS.len() * 2) as u64;
    for day in 0..busy.days {
        let at = now - day * DAY_MS;
        let busyness = if is_weekend(at) { 15 } else { 70 + random.below(60) };
        for (task, _) in TASKS {
            for language in ["rust", "python"] {
                let sources = [("model", 6), ("cache", 8), ("lines", 7), ("embedded", 9)];
                for (reply, share) in SILENCES.iter().chain(&sources) {
                    let count = of_day * share * busyness / 13_000;
                    if count > 0 {
                        add.execute(params![at.cast_signed(), task, language, reply, count.cast_signed()])?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// When a call is made: rising with its number, with less at the ends of weeks, by day.
fn time(busy: Busy, now: u64, number: u64, random: &mut Random) -> u64 {
    let span = busy.days * DAY_MS;
    let at = now - span + span * number / busy.calls.max(1);
    match is_weekend(at) && random.below(100) < 80 {
        true => at - (2 + random.below(2)) * DAY_MS,
        false => at,
    }
}

fn is_weekend(at_ms: u64) -> bool {
    // 1970 began on a Thursday.
    (at_ms / DAY_MS + 3) % 7 > 4
}

/// The place of a weight, drawn.
fn pick(weights: &[u64], random: &mut Random) -> usize {
    let mut left = random.below(weights.iter().sum());
    for (place, weight) in weights.iter().enumerate() {
        if left < *weight {
            return place;
        }
        left -= weight;
    }
    weights.len() - 1
}

/// The rows of these models, for a configuration.
#[must_use]
pub fn configuration() -> String {
    let mut rows = "discover = false\ncap_usd_per_day = 5.0\ncap_usd_per_month = 100.0\n".to_owned();
    for Of { name, provider, price: (input, output), .. } in MODELS {
        let usd = |pico: i64| pico as f64 / MICRO as f64;
        let (scheme, tier) = if input == 0 { ("http", "local") } else { ("https", "cheap") };
        rows.push_str(&format!(
            "[model.{name}]\nprotocol = 'openai'\nbase_url = '{scheme}://{provider}/v1'\nmodel = '{name}'\nformat = 'chat'\ntier = '{tier}'\ncontext = 32000\n\
             price = {{ input = {}, cached = {}, output = {}, as_of = '2026-10-20' }}\n",
            usd(input),
            usd(input / 4),
            usd(output)
        ));
    }
    rows
}

//! The books: over many calls of every wire protocol, with faults and dropped answers, the ledger equals the provider's own bill.
//! `PENNYWORTH_CALLS=1250 cargo test --release -p pennyworth-tests --test books -- --nocapture` makes 10,000 calls and prints the sums.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::time::{Duration, UNIX_EPOCH};

use futures_util::StreamExt;
use pennyworth::ledger::{Entry, Ledger};
use pennyworth_core::models::{AbortBilled, Model, Models, Price};
use pennyworth_core::money::Money;
use pennyworth_core::prompt::Prompt;
use pennyworth_core::task::Task;
use pennyworth_providers::{Chunk, Client, Request, Timeouts};
use pennyworth_tests::fake_provider::{Answer, Bill, FakeProvider, Fault};
use serde_json::json;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

/// Calls of each protocol, unless the variable is set.
const CALLS: usize = 100;
/// Code in every prompt.
const CODE: &str = include_str!("../src/extent.rs");
/// Words of one token each.
const WORDS: [&str; 8] = [" let", " value", " =", " self", ".", "next", " match", " return"];
/// Token ceiling of every call.
const CEILING: u32 = 24;

/// A model of each protocol, at the provider's address.
fn models(base_url: &str) -> Vec<Model> {
    let price = "price = { input = 1, cached = 0.1, write = 1.25, output = 5, as_of = '2026-11-25' }";
    let row = |name: &str, protocol: &str, format: &str, more: &str| {
        format!(
            "[model.{name}]\nprotocol = '{protocol}'\nbase_url = '{base_url}'\nmodel = '{name}'\nformat = '{format}'\n\
             tier = 'cheap'\nabort_billed = 'no'\nchars_per_token = 4\n{price}\n{more}\n"
        )
    };
    let rows = [
        row("completions", "openai", "qwen", ""),
        row("fields", "openai", "suffix", ""),
        row("chat", "openai", "chat", ""),
        row("anthropic", "anthropic", "chat", ""),
        row("gemini", "gemini", "chat", ""),
        row("ollama", "ollama", "qwen", ""),
        row("infill", "llamacpp", "suffix", ""),
        row("tgi", "tgi", "qwen", ""),
    ];
    let (models, problems) = Models::builtin().extended("rows", &rows.concat());
    assert_eq!(problems, []);
    models.enabled().cloned().collect()
}

fn request(model: &Model, chars_per_token: f32, number: usize) -> Request {
    let models = Models::builtin();
    let prompt = Prompt {
        path: "a.rs".into(),
        language: "rust".into(),
        prefix: format!("{CODE}\nfn f{number}() {{\n    let a ="),
        suffix: ";\n}\n".into(),
        ..Prompt::default()
    };
    let body = prompt.render(models.format(&model.format).unwrap()).unwrap().body;
    Request {
        model: model.clone(),
        key: None,
        prompt_tokens: body.tokens(chars_per_token),
        body,
        max_tokens: CEILING,
        stops: Vec::new(),
        temperature: 0.0,
        schema: None,
        cache_key: None,
        timeouts: Timeouts { first_byte: LONG, silence: LONG, total: LONG },
    }
}

/// The part of a call's input that the provider's cache has: none in the first call, and most of it later, unless too much time passed.
fn cached(model: &Model, number: usize, input: u64) -> u64 {
    // These do not say what they cached.
    let tells = !matches!(model.name.as_str(), "ollama" | "tgi");
    let is_warm = number > 0 && number % 13 != 12;
    if tells && is_warm { input * (70 + number as u64 % 20) / 100 } else { 0 }
}

/// What happens to the call of a number: its answer, and the pieces after which the caller drops it.
fn fate(number: usize) -> (Answer, Option<usize>) {
    let pieces: Vec<String> = (0..number * 7 % 31).map(|piece| WORDS[piece % WORDS.len()].into()).collect();
    let middle = pieces.len() / 2;
    let fault = match number % 11 {
        0 => Fault::NoUsage,
        1 => Fault::CutAfter(middle),
        2 => Fault::Status(429, vec![("retry-after", "1".into())], json!({"error": {"message": "slow down"}})),
        3 => Fault::ErrorAfter(
            middle,
            json!({"type": "error", "error": {"type": "overloaded_error", "message": "later"}}),
        ),
        4 => Fault::Status(500, vec![], json!({"error": "no"})),
        _ => Fault::None,
    };
    let enough = (number % 11 == 7 && pieces.len() > 2).then_some(1);
    (Answer { pieces, fault, ..Answer::default() }, enough)
}

#[tokio::test]
async fn the_ledger_says_what_the_bill_says() {
    let calls = std::env::var("PENNYWORTH_CALLS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(CALLS);
    let folder = tempfile::tempdir().unwrap();
    let (ledger, notice) = Ledger::open(Some(&folder.path().join("ledger.sqlite")));
    assert_eq!(notice, None);
    let client = Client::new().unwrap();
    let provider = FakeProvider::start().await.unwrap();
    // Separate sums for calls with usage, calls without it, and dropped calls.
    let (mut whole, mut untold, mut left) = (Sums::default(), Sums::default(), Sums::default());
    let mut sent = 0;
    // The input of each model's last call, which hardly changes.
    let mut inputs: HashMap<String, u64> = HashMap::new();
    for number in 0..calls {
        for model in models(&provider.base_url()) {
            let (answer, enough) = fate(number);
            let input = inputs.get(&model.name).copied().unwrap_or(0);
            let answer = Answer { cached: cached(&model, number, input), ..answer };
            let is_told = matches!(answer.fault, Fault::None | Fault::Status(..));
            provider.answer(answer);
            let before = (provider.bill(), ledger.report(UNIX_EPOCH).unwrap().total);
            call(&client, &ledger, &model, number, enough).await;
            sent += 1;
            if enough.is_some() {
                provider.closed(provider.connections()).await;
            }
            assert!(ledger.flush());
            let after = (provider.bill(), ledger.report(UNIX_EPOCH).unwrap().total);
            let sums = match (is_told, enough) {
                (_, Some(_)) => &mut left,
                (true, None) => &mut whole,
                (false, None) => &mut untold,
            };
            if after.0.input > before.0.input {
                inputs.insert(model.name.clone(), after.0.input - before.0.input);
            }
            sums.cost_billed += cost(&model.price, after.0) - cost(&model.price, before.0);
            sums.cost_booked += after.1.cost - before.1.cost;
            sums.billed += after.0.input - before.0.input + after.0.output - before.0.output;
            sums.booked += after.1.input - before.1.input + after.1.output - before.1.output;
            let (billed, booked) = (after.0.output - before.0.output, after.1.output - before.1.output);
            if is_told && enough.is_none() {
                assert_eq!(booked, billed, "{} {number}: output", model.name);
                assert_eq!(
                    after.1.input - before.1.input,
                    after.0.input - before.0.input,
                    "{} {number}: input",
                    model.name
                );
            }
        }
    }
    let total = ledger.report(UNIX_EPOCH).unwrap().total;
    assert_eq!(total.calls, sent, "no call is missing");
    println!("{sent} calls; tokens billed and booked: told {whole:?}, not told {untold:?}, left {left:?}");
    assert_eq!((whole.billed, whole.cost_billed), (whole.booked, whole.cost_booked));
    for (name, sums) in [("no count came", &untold), ("nobody read on", &left)] {
        let off = sums.billed.abs_diff(sums.booked) as f64 / sums.billed as f64;
        assert!(off <= 0.05, "{:.1} % off where {name}", off * 100.0);
    }
    // The cached part of these is known from the other calls only.
    let (billed, booked) = (untold.cost_billed + left.cost_billed, untold.cost_booked + left.cost_booked);
    let off = |billed: Money, booked: Money| (booked.usd() / billed.usd() - 1.0) * 100.0;
    let all = off(billed + whole.cost_billed, booked + whole.cost_booked);
    println!(
        "cost booked and billed: {:+.1} % where not all was told, {all:+.1} % over all calls",
        off(billed, booked)
    );
    assert!(off(billed, booked).abs() <= 5.0 && all.abs() <= 5.0);
}

/// Tokens in the provider's bill and in the ledger.
#[derive(Debug, Default)]
struct Sums {
    billed: u64,
    booked: u64,
    cost_billed: Money,
    cost_booked: Money,
}

/// The cost of a bill.
fn cost(price: &Price, bill: Bill) -> Money {
    price.cost(bill.input, bill.cached, 0, bill.output)
}

/// One call, recorded as the server does it; the stream is dropped after `enough` pieces.
async fn call(client: &Client, ledger: &Ledger, model: &Model, number: usize, enough: Option<usize>) {
    // Estimates learn from bills, as the server's do.
    let chars_per_token = ledger.calibration(&model.name).chars_per_token(model.chars_per_token);
    let request = request(model, chars_per_token, number);
    let row = Entry {
        provider: "fake".into(),
        model: model.name.clone(),
        task: Some(Task::Line),
        language: "rust".into(),
        prompt_tokens: request.prompt_tokens,
        max_tokens: request.max_tokens,
        chars_per_token: model.chars_per_token,
        worst_cost: Money::from_usd(0.001),
        price: model.price.clone(),
        abort_billed: AbortBilled::No,
        deadline: Duration::from_secs(20),
        is_trial: false,
    };
    let mut reservation = ledger.reserve(row, None).await.unwrap();
    let mut answer = client.ask(request);
    let mut pieces = 0;
    while let Some(chunk) = answer.next().await {
        match chunk {
            Ok(chunk) => {
                reservation.heard(&chunk);
                pieces += usize::from(matches!(chunk, Chunk::Text { .. }));
                if enough.is_some_and(|enough| pieces >= enough) {
                    break;
                }
            }
            Err(error) => return reservation.fail(&error),
        }
    }
    drop(answer);
    reservation.settle(None);
}

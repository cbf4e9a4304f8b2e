//! The books: over many calls of every wire protocol, with faults and answers nobody waits for, the ledger says what the provider's own bill
//! says. `PENNYWORTH_CALLS=1250 cargo test --release -p pennyworth-tests --test books -- --nocapture` makes 10,000 calls and prints the sums.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::time::{Duration, UNIX_EPOCH};

use futures_util::StreamExt;
use pennyworth::ledger::{Call, Ledger};
use pennyworth_core::models::{AbortBilled, Model, Models};
use pennyworth_core::money::Money;
use pennyworth_core::prompt::Prompt;
use pennyworth_core::task::Task;
use pennyworth_providers::{Chunk, Client, Request, Timeouts};
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use serde_json::json;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

/// Calls of each protocol without the variable.
const CALLS: usize = 100;
/// What every prompt holds.
const CODE: &str = include_str!("../src/extent.rs");
/// Words that are a token each.
const WORDS: [&str; 8] = [" let", " value", " =", " self", ".", "next", " match", " return"];
/// Tokens that every call may write.
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
        cache_key: None,
        timeouts: Timeouts { first_byte: LONG, silence: LONG, total: LONG },
    }
}

/// What happens to the call of a number: the answer, and after how many pieces nobody wants more of it.
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
    let cached = if number.is_multiple_of(3) { 5 } else { 0 };
    let enough = (number % 11 == 7 && pieces.len() > 2).then_some(1);
    (Answer { pieces, fault, cached, ..Answer::default() }, enough)
}

#[tokio::test]
async fn the_ledger_says_what_the_bill_says() {
    let calls = std::env::var("PENNYWORTH_CALLS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(CALLS);
    let folder = tempfile::tempdir().unwrap();
    let (ledger, notice) = Ledger::open(Some(&folder.path().join("ledger.sqlite")));
    assert_eq!(notice, None);
    let client = Client::new().unwrap();
    let provider = FakeProvider::start().await.unwrap();
    // What is counted by the provider alone, what it keeps to itself, and what nobody waited for, each by itself.
    let (mut whole, mut untold, mut left) = (Sums::default(), Sums::default(), Sums::default());
    let mut sent = 0;
    for number in 0..calls {
        for model in models(&provider.base_url()) {
            let (answer, enough) = fate(number);
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
    assert_eq!(whole.billed, whole.booked);
    for (name, sums) in [("no count came", untold), ("nobody read on", left)] {
        let off = sums.billed.abs_diff(sums.booked) as f64 / sums.billed as f64;
        assert!(off <= 0.05, "{:.1} % off where {name}", off * 100.0);
    }
}

/// Tokens by the provider's bill and by the ledger.
#[derive(Debug, Default)]
struct Sums {
    billed: u64,
    booked: u64,
}

/// One call, written down as the server does it; after `enough` pieces the stream is dropped.
async fn call(client: &Client, ledger: &Ledger, model: &Model, number: usize, enough: Option<usize>) {
    // Estimates learn from bills, as the server's do.
    let chars_per_token = ledger.calibration(&model.name).chars_per_token(model.chars_per_token);
    let request = request(model, chars_per_token, number);
    let row = Call {
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

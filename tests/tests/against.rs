//! `pennyworth stats --against` by the real binary: what it asks a provider, and what it says of the difference. It leaves what explains one to the report's
//! own tests.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::sync::{Arc, Mutex};

use pennyworth::ledger::Ledger;
use pennyworth_tests::paid;
use pennyworth_tests::project::Project;
use rusqlite::Connection;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A provider that gives one answer to all, and keeps the heads of what it was asked.
async fn provider(answer: Value) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, heads) = (listener.local_addr().unwrap().to_string(), Arc::new(Mutex::new(Vec::new())));
    let kept = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && stream.read_buf(&mut head).await.unwrap() > 0 {}
            kept.lock().unwrap().push(String::from_utf8(head).unwrap());
            let body = answer.to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    (address, heads)
}

/// A home whose ledger has two calls of today at this provider, each of half a cent.
fn scene(name: &str, address: &str, path: &str) -> Project {
    let project = Project::new();
    project.write(
        "config.toml",
        &format!(
            "discover = false\n[embedded]\nenabled = false\n[model.m]\nprovider = '{name}'\nbase_url = 'http://{address}{path}'\nmodel = 'm'\n\
             price = {{ input = 1, output = 2, as_of = '2099-01-01' }}\n"
        ),
    );
    let file = paid::ledger(project.home());
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    drop(Ledger::open(Some(&file)));
    let insert = format!(
        "WITH n (n) AS (VALUES (1), (2))
         INSERT INTO calls (id, day, at_ms, counts_ms, over_ms, provider, model, task, language, status, max_tokens, prompt_tokens, plain_tokens,
             worst, charge, price_input, price_cached, price_write, price_output, price_as_of, input, output)
         SELECT n, '', unixepoch() * 1000, unixepoch() * 1000, 0, '{address}', 'm', 'line', 'rust', 'done', 32, 500, 500, 0, 5000000000, 1, 1, 1, 1,
             '', 500, 20 FROM n;"
    );
    Connection::open(&file).unwrap().execute_batch(&insert).unwrap();
    project
}

/// A day in UTC, so far from today.
fn date(away: &str) -> String {
    Connection::open_in_memory().unwrap().query_row("SELECT date('now', ?1)", [away], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_key_of_openrouter_is_compared_by_day_and_month() {
    let usage = json!({"data": {"usage": 3, "usage_daily": 0.01, "usage_monthly": 0.02}});
    let (address, heads) = provider(usage).await;
    let mut project = scene("openrouter", &address, "/api/v1");
    project.variables.push(("OPENROUTER_API_KEY", "sk-or-test"));
    let (code, out, notes) = project.run(&["stats", "--against", "openrouter"]).await;
    assert_eq!(code, Some(0), "{notes}");
    let rows: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert!(rows.iter().any(|row| row.get(1..) == Some(&["$0.010", "$0.010", "+0.0", "%", "2", "-"])), "{out}");
    assert!(rows.iter().any(|row| row.get(1..) == Some(&["$0.010", "$0.020", "-50.0", "%", "2", "-"])), "{out}");
    assert!(out.contains(": the provider has more: other programs use the same key"), "{out}");
    let head = heads.lock().unwrap().remove(0);
    assert!(
        head.starts_with("GET /api/v1/auth/key HTTP/1.1") && head.contains("authorization: Bearer sk-or-test"),
        "{head}"
    );
    assert!(!out.contains("sk-or-test") && !notes.contains("sk-or-test"));
}

#[tokio::test]
async fn a_proxy_of_litellm_is_compared_day_by_day_and_only_when_that_is_asked_for() {
    let day = |date: &str, spend: f64, calls: u64| json!({"date": date, "metrics": {"spend": spend, "prompt_tokens": 500 * calls, "completion_tokens": 20 * calls, "api_requests": calls}});
    let (today, yesterday, week_ago) = (date("0 days"), date("-1 day"), date("-6 days"));
    let answer = json!({"results": [day(&today, 0.015, 3), day(&yesterday, 0.0, 0)], "metadata": {"has_more": false}});
    let (address, heads) = provider(answer).await;
    let project = scene("litellm", &address, "/v1");
    let (_, out, _) = project.run(&["stats"]).await;
    assert!(out.contains("total") && heads.lock().unwrap().is_empty(), "{out}");
    let (code, out, notes) = project.run(&["stats", "--against", "litellm", "--days", "7", "--json"]).await;
    assert_eq!(code, Some(0), "{notes}");
    let told: Value = serde_json::from_str(&out).unwrap();
    let last = &told["spans"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["ledger_calls"], &last["provider_calls"]), (&json!(2), &json!(3)), "{out}");
    assert_eq!(last["why"], json!(["1 call there that no ledger here has: other programs use the same key"]));
    let expected =
        format!("GET /user/daily/activity?start_date={week_ago}&end_date={today}&page=1&page_size=100 HTTP/1.1");
    assert!(heads.lock().unwrap()[0].starts_with(&expected), "{heads:?}");
}

#[tokio::test]
async fn what_cannot_be_compared_is_said() {
    let (address, _) = provider(json!({"data": {"usage": 3}})).await;
    let project = scene("openrouter", &address, "/api/v1");
    let (code, _, notes) = project.run(&["stats", "--against", "litellm"]).await;
    assert!(code == Some(2) && notes.contains("no model of `provider = \"litellm\"` is switched on"), "{notes}");
    let (code, _, notes) = project.run(&["stats", "--against", "openrouter"]).await;
    assert!(code == Some(2) && notes.contains(&format!("{address} does not say what it charged")), "{notes}");
}

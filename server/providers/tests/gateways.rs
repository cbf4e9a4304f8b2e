//! Gateways to other providers: the fields and headers that choose the route reach them, and a charge they report counts where it is final.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use fake_provider::{Answer, FakeProvider, Fault, Seen};
use futures_util::StreamExt;
use pennyworth_core::models::Models;
use pennyworth_core::money::Money;
use pennyworth_core::prompt::Body;
use pennyworth_providers::{Chunk, Client, Request, SecretString, Timeouts, Usage};
use serde_json::json;

#[allow(dead_code, missing_docs, unreachable_pub, reason = "shared with other tests, each of which uses a part")]
#[path = "../../../tests/src/fake_provider.rs"]
mod fake_provider;

const PRICE: &str = "price = { input = 1, output = 1, as_of = '2026-11-25' }";

/// The request to a model of a service with these lines in its row, and the usage of its answer.
async fn asked(service: &str, lines: &str, answer: Answer) -> (Seen, Usage) {
    let provider = FakeProvider::start().await.unwrap();
    provider.always(answer);
    let row = format!(
        "[model.m]\nprovider = '{service}'\nbase_url = '{}'\nmodel = 'asked/for'\n{PRICE}\n{lines}",
        provider.base_url()
    );
    let (models, problems) = Models::builtin().extended("config.toml", &row);
    assert_eq!(problems, []);
    let request = Request {
        model: models.get("m").unwrap().clone(),
        key: Some(SecretString::from("key")),
        body: Body::Chat { system: "fill".into(), shared: String::new(), user: "a".into() },
        prompt_tokens: 7,
        max_tokens: 16,
        stops: Vec::new(),
        temperature: 0.0,
        schema: None,
        cache_key: None,
        timeouts: Timeouts {
            first_byte: Duration::from_secs(20),
            silence: Duration::from_secs(20),
            total: Duration::from_secs(20),
        },
    };
    let chunks: Vec<_> = Client::new().unwrap().ask(request).map(Result::unwrap).collect().await;
    let usage = chunks.into_iter().rev().find_map(|chunk| match chunk {
        Chunk::Usage(usage) => Some(usage),
        _ => None,
    });
    (provider.seen().remove(0), usage.unwrap())
}

#[tokio::test]
async fn models_to_fall_back_to_are_named_to_openrouter() {
    let extra = "extra = { models = ['b/y', 'c/z'], provider = { sort = 'price' } }";
    let (seen, _) = asked("openrouter", extra, Answer::new(&["1"])).await;
    assert_eq!((&seen.body["model"], &seen.body["models"]), (&json!("asked/for"), &json!(["b/y", "c/z"])));
    assert_eq!(seen.body["provider"], json!({"sort": "price", "data_collection": "deny"}));
}

#[tokio::test]
async fn what_portkey_is_to_do_stands_in_its_header() {
    for config in ["pc-mine-1", r#"{"strategy":{"mode":"fallback"},"targets":[{"provider":"openai"}]}"#] {
        let (seen, _) =
            asked("portkey", &format!("headers = {{ x-portkey-config = '{config}' }}"), Answer::new(&["1"])).await;
        let header = |name: &str| seen.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
        assert_eq!((header("x-portkey-config"), header("x-portkey-api-key")), (Some(config), Some("key")));
        assert_eq!(header("authorization"), None);
    }
}

#[tokio::test]
async fn a_litellm_proxy_is_believed_what_a_whole_answer_cost_and_not_what_a_stream_will() {
    let cost = |text: &str| Answer { headers: vec![("x-litellm-response-cost", text.into())], ..Answer::new(&["1"]) };
    for (answer, more, charged) in [
        (cost("0.0000123").with(Fault::NotStreamed), "", Some(Money::from_usd(0.000_012_3))),
        (cost("1.23e-05").with(Fault::NotStreamed), "", Some(Money::from_usd(0.000_012_3))),
        (cost("1.23e-05").with(Fault::NotStreamed), "charges = false", None),
        (cost("0.0").with(Fault::NotStreamed), "", None),
        (cost("-1").with(Fault::NotStreamed), "", None),
        (cost("None").with(Fault::NotStreamed), "", None),
        (cost("1.23e-05"), "", None),
    ] {
        let (_, usage) = asked("litellm", more, answer.clone()).await;
        assert_eq!(usage.charged, charged, "{answer:?} {more}");
        assert!(usage.input > 0 && !usage.estimated, "{usage:?}");
    }
}

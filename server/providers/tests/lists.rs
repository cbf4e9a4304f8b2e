//! What servers on this machine list: which models, and which of them are in memory. It leaves choosing among them to the server.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fake_provider::FakeProvider;
use pennyworth_core::models::Protocol;
use pennyworth_providers::Client;
use serde_json::json;

#[allow(dead_code, missing_docs, unreachable_pub, reason = "shared with other tests, each of which uses a part")]
#[path = "../../../tests/src/fake_provider.rs"]
mod fake_provider;

#[tokio::test]
async fn a_model_in_memory_comes_first_and_then_the_smallest() {
    let provider = FakeProvider::start().await.unwrap();
    provider.has(&[("large", false, true), ("small", false, true), ("loaded", true, false)]);
    for (id, size) in [("large", 9), ("small", 1), ("loaded", 5)] {
        provider.lists_also(id, json!({ "size": size }));
    }
    let (client, base_url) = (Client::new().unwrap(), provider.base_url());
    let host = base_url.trim_end_matches("/v1");
    let state = format!("{host}/api/v0/models");
    for (protocol, base_url, path, loaded, expected) in [
        (Protocol::Ollama, host, "/api/tags", None, ["loaded", "small", "large"]),
        (Protocol::Openai, &*base_url, "/models", Some(&*state), ["loaded", "small", "large"]),
        (Protocol::Openai, &*base_url, "/models", None, ["small", "loaded", "large"]),
    ] {
        let listed = client.list(protocol, base_url, path, loaded).await;
        assert_eq!(
            listed.iter().map(|model| model.id.as_str()).collect::<Vec<_>>(),
            expected,
            "{protocol:?} {loaded:?}"
        );
        assert!(
            listed
                .iter()
                .all(|model| model.is_loaded == (model.id == "loaded" && (loaded.is_some() || path == "/api/tags")))
        );
    }
    provider.lists_also("small", json!({"remote_model": "gpt-oss:120b"}));
    let listed = client.list(Protocol::Ollama, host, "/api/tags", None).await;
    let elsewhere: Vec<_> = listed.iter().filter(|model| model.elsewhere.is_some()).map(|model| &model.id).collect();
    assert_eq!(elsewhere, ["small"]);
}

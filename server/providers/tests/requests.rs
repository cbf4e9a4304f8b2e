//! What reaches the wire: a request for each shipped model and each service, as in `tests/requests/<name>.http`.
//! `UPDATE=1` rewrites them; read the difference.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use fake_provider::{Answer, FakeProvider};
use futures_util::StreamExt;
use pennyworth_core::models::{Model, Models};
use pennyworth_core::prompt::Prompt;
use pennyworth_providers::{Client, Request, SecretString, Timeouts};

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

#[allow(dead_code, missing_docs, unreachable_pub, reason = "shared with other tests, each of which uses a part")]
#[path = "../../../tests/src/fake_provider.rs"]
mod fake_provider;

/// Headers to compare.
const TELLING: [&str; 6] =
    ["authorization", "x-api-key", "x-goog-api-key", "x-portkey-api-key", "anthropic-version", "content-type"];

/// Each shipped model, and one model of each service without a shipped one.
fn models() -> Vec<Model> {
    let shipped = Models::builtin();
    let served = |name: &str| shipped.all().any(|model| model.provider.as_deref() == Some(name));
    let rows: String = shipped.providers().filter(|name| !served(name)).fold(String::new(), |mut rows, name| {
        writeln!(rows, "[model.{name}]\nprovider = '{name}'\nmodel = 'qwen2.5-coder'").unwrap();
        writeln!(rows, "price = {{ input = 0, output = 0, as_of = '2026-11-25' }}").unwrap();
        rows
    });
    let (models, problems) = shipped.extended("rows", &rows);
    assert_eq!(problems, []);
    models.all().cloned().collect()
}

async fn sent(model: Model) -> String {
    let shipped = Models::builtin();
    let format = shipped.format(&model.format).unwrap();
    let prompt = Prompt {
        path: "src/sum.rs".into(),
        language: "rust".into(),
        prefix: "fn sum() {\n    let a = ".into(),
        suffix: ";\n}\n".into(),
        ..Prompt::default()
    };
    let provider = FakeProvider::start().await.unwrap();
    provider.always(Answer::new(&["1"]));
    let path = model.base_url.splitn(4, '/').nth(3).unwrap_or_default().to_owned();
    let root = provider.base_url();
    let root = root.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    let stops = if model.stop_limit > 0 { vec!["\n".to_owned(), "</fill>".to_owned()] } else { Vec::new() };
    let request = Request {
        // The Ollama of the row is not the server here.
        model: Model { base_url: format!("{root}/{path}").trim_end_matches('/').to_owned(), ollama: None, ..model },
        key: Some(SecretString::from("key")),
        body: prompt.render(format).unwrap().body,
        prompt_tokens: 20,
        max_tokens: 16,
        stops,
        temperature: 0.0,
        schema: None,
        cache_key: None,
        timeouts: Timeouts { first_byte: LONG, silence: LONG, total: LONG },
    };
    let _ = Client::new().unwrap().ask(request).collect::<Vec<_>>().await;
    let seen = provider.seen();
    let post = seen.first().unwrap();
    let mut text = format!("{}\n", post.line);
    let telling = post.headers.iter().filter(|(name, _)| TELLING.contains(&name.as_str()));
    telling.for_each(|(name, value)| writeln!(text, "{name}: {value}").unwrap());
    writeln!(text, "\n{}", serde_json::to_string_pretty(&post.body).unwrap()).unwrap();
    text
}

#[tokio::test]
async fn each_model_is_asked_as_its_service_wants_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/requests");
    let models = models();
    assert!(models.len() > 20);
    for model in models {
        let beside = folder.join(format!("{}.http", model.name));
        let sent = sent(model).await;
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(&beside, &sent).unwrap();
        }
        assert_eq!(sent, std::fs::read_to_string(&beside).unwrap_or_default(), "{}", beside.display());
    }
}

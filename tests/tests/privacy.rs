//! Where code goes: "the address is on this machine" and "the code stays here" are two facts. A model whose code leaves is not asked where code
//! must stay, and a server here that passes code on is noticed. It leaves model servers that nobody configured to `discovery`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider, Fault};
use serde_json::{Value, json};

const URI: &str = "file:///project/a.rs";
const PAID: &str = "price = { input = 1, output = 1, as_of = '2026-11-25' }";
const FREE: &str = "price = { input = 0, output = 0, as_of = '2026-11-25' }";

/// A provider on this machine, and an editor whose configuration has one model with its address.
struct Scene {
    provider: FakeProvider,
    editor: Editor,
    _folder: tempfile::TempDir,
}

impl Scene {
    async fn new(head: &str, row: &str) -> Scene {
        let (provider, folder) = (FakeProvider::start().await.unwrap(), tempfile::tempdir().unwrap());
        provider.always(Answer::new(&["\"hi\"", ";"]));
        let path = folder.path().join("config.toml");
        let row = row.replace("HERE", provider.base_url().trim_end_matches("/v1"));
        std::fs::write(&path, format!("debounce_ms = 0\nexplore = 0\n{head}\n[model.m]\n{row}\n")).unwrap();
        let options =
            Options { config: Some(path), ledger: Some(folder.path().join("ledger.sqlite")), discover: false };
        let mut editor = Editor::in_memory(options);
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        editor.open(URI, "rust", 1, "fn main() {\n    let greeting = \n    print(greeting);\n}\n").await;
        Scene { provider, editor, _folder: folder }
    }

    async fn shown(&mut self) -> Option<String> {
        let place = json!({"textDocument": {"uri": URI}, "position": {"line": 1, "character": 19}, "context": {"triggerKind": 1}});
        let found = self.editor.request("textDocument/inlineCompletion", place).await;
        found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
    }

    async fn edit(&mut self, version: i32) {
        let text = format!("fn main() {{\n    let greeting = \n    print{version}(greeting);\n}}\n");
        self.editor.change(URI, version, json!([{ "text": text }])).await;
    }

    /// The requests that carried code.
    fn posts(&self) -> usize {
        let is_call = |line: &str| line.starts_with("POST") && line != "POST /api/show";
        self.provider.seen().iter().filter(|seen| is_call(&seen.line)).count()
    }

    async fn told(&mut self) -> Vec<String> {
        self.editor.request("shutdown", Value::Null).await;
        let told = self.editor.noted("window/showMessage");
        told.iter().map(|note| note["message"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

#[tokio::test]
async fn where_code_must_stay_nothing_passes_through_an_address_here() {
    let litellm = "provider = 'litellm'\nbase_url = 'HERE/v1'\nmodel = 'qwen2.5-coder'";
    let server = "protocol = 'openai'\nbase_url = 'HERE/v1'\nmodel = 'qwen2.5-coder'";
    for (name, row, stays) in [
        ("a model that runs here", format!("{server}\ntier = 'local'"), true),
        ("a paid model behind a proxy", format!("{litellm}\n{PAID}"), false),
        ("a free model behind a proxy", format!("{litellm}\n{FREE}"), false),
        ("a proxy that is called local", format!("{litellm}\ntier = 'local'"), false),
        ("a cheap model", format!("{server}\ntier = 'cheap'\n{PAID}"), false),
        ("a cheap model without a price", format!("{server}\ntier = 'cheap'\n{FREE}"), false),
        ("a premium model", format!("{server}\ntier = 'premium'\n{PAID}"), false),
        ("a local model with a price", format!("{server}\ntier = 'local'\n{PAID}"), false),
        ("a local model that charges", format!("{server}\ntier = 'local'\ncharges = true"), false),
        ("a cloud model", "provider = 'ollama'\nbase_url = 'HERE'\nmodel = 'qwen3-coder:480b-cloud'".to_owned(), false),
        (
            "a paid cloud model",
            format!("provider = 'ollama'\nbase_url = 'HERE'\nmodel = 'qwen3-coder:480b-cloud'\ntier = 'cheap'\n{PAID}"),
            false,
        ),
    ] {
        for head in
            ["local_only = true\nescalate = true\npin = 'm'", "[tasks.expression]\nenabled = 'local'\npin = 'm'"]
        {
            let mut scene = Scene::new(head, &row).await;
            assert_eq!(scene.shown().await.is_some(), stays, "{name}, {head}");
            assert_eq!(scene.posts(), usize::from(stays), "{name}, {head}");
            scene.editor.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_paid_model_behind_a_proxy_is_asked_where_code_may_leave() {
    let mut scene =
        Scene::new("", &format!("provider = 'litellm'\nbase_url = 'HERE/v1'\nmodel = 'qwen2.5-coder'\n{PAID}")).await;
    assert!(scene.shown().await.is_some());
    assert_eq!(scene.posts(), 1);
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn a_model_that_ollama_runs_elsewhere_is_not_asked_whatever_its_name() {
    let remote = json!({"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"});
    let mut scene = Scene::new("", "provider = 'ollama'\nbase_url = 'HERE'\nmodel = 'mine'\nformat = 'suffix'").await;
    scene.provider.has(&[("mine", false, true)]);
    assert_eq!(scene.shown().await.as_deref(), Some("\"hi\";"));
    let before = scene.posts();
    scene.provider.shows_also("mine", remote.clone());
    for version in 2..5 {
        scene.edit(version).await;
        assert_eq!(scene.shown().await, None, "it became another one under its old name");
    }
    assert_eq!(scene.posts(), before);
    let told = scene.told().await;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("model.m: the model runs on another machine") && told[0].contains("ollama.com"),
        "{told:?}"
    );

    let row =
        format!("provider = 'ollama'\nbase_url = 'HERE'\nmodel = 'mine'\nformat = 'suffix'\ntier = 'cheap'\n{PAID}");
    let mut scene = Scene::new("", &row).await;
    scene.provider.has(&[("mine", false, true)]);
    scene.provider.shows_also("mine", remote);
    assert!(scene.shown().await.is_some(), "the user's own row says that its code leaves");
    scene.editor.shutdown().await;
}

#[tokio::test]
async fn an_ollama_is_known_by_what_it_says_whatever_its_row_and_its_port() {
    for row in [
        "protocol = 'openai'\nbase_url = 'HERE/v1'\nmodel = 'mine'\ntier = 'local'\nformat = 'suffix'",
        "protocol = 'openai'\nbase_url = 'HERE/v1/'\nmodel = 'mine'\ntier = 'local'\nformat = 'chat'",
        "provider = 'vllm'\nbase_url = 'HERE/v1'\nmodel = 'mine'\nformat = 'suffix'",
        "provider = 'lmstudio'\nbase_url = 'HERE/v1'\nmodel = 'mine'\nformat = 'suffix'",
        "protocol = 'anthropic'\nbase_url = 'HERE/v1'\nmodel = 'mine'\nformat = 'chat'\ntier = 'local'",
    ] {
        for (stays, remote) in [(true, json!({})), (false, json!({"remote_host": "https://ollama.com:443"}))] {
            let mut scene = Scene::new("local_only = true", row).await;
            scene.provider.is_ollama();
            scene.provider.has(&[("mine", false, true)]);
            scene.provider.shows_also("mine", remote);
            for version in 2..4 {
                scene.shown().await;
                scene.edit(version).await;
            }
            assert_eq!(scene.posts() > 0, stays, "{row}");
            let told = scene.told().await;
            assert_eq!(told.iter().any(|text| text.contains("ollama.com")), !stays, "{row} {told:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_names_itself_as_a_proxy_is_asked_no_more() {
    let mut scene =
        Scene::new("", "protocol = 'openai'\nbase_url = 'HERE/v1'\nmodel = 'qwen2.5-coder'\ntier = 'local'").await;
    let headers = vec![("x-litellm-version", "1.106.2".to_owned())];
    scene.provider.always(Answer { headers, ..Answer::new(&["\"hi\"", ";"]) });
    for version in 2..5 {
        assert_eq!(scene.shown().await, None);
        scene.edit(version).await;
    }
    assert_eq!(scene.posts(), 1);
    let told = scene.told().await;
    assert!(told.len() == 1 && told[0].contains("LiteLLM"), "{told:?}");
}

#[tokio::test]
async fn a_proxy_gets_no_prompt_whatever_its_row_and_its_port() {
    for (head, row) in [
        ("local_only = true", "protocol = 'openai'\nbase_url = 'HERE/v1'\nmodel = 'qwen2.5-coder'\ntier = 'local'"),
        ("", "protocol = 'openai'\nbase_url = 'HERE'\nmodel = 'qwen2.5-coder'\ntier = 'local'\nformat = 'suffix'"),
        ("", "provider = 'vllm'\nbase_url = 'HERE/v1'\nmodel = 'qwen2.5-coder'"),
        ("", "provider = 'lmstudio'\nbase_url = 'HERE/proxy/v1'\nmodel = 'qwen2.5-coder'"),
        ("", "protocol = 'anthropic'\nbase_url = 'HERE/v1'\nmodel = 'claude'\nformat = 'chat'\ntier = 'local'"),
    ] {
        let mut scene = Scene::new(head, row).await;
        scene.provider.is_proxy();
        for version in 2..5 {
            assert_eq!(scene.shown().await, None, "{row}");
            scene.edit(version).await;
        }
        assert_eq!(scene.posts(), 0, "{row}");
        let told = scene.told().await;
        assert!(told.len() == 1 && told[0].contains("LiteLLM"), "{row} {told:?}");
    }
}

#[tokio::test]
async fn a_prompt_does_not_follow_a_redirect() {
    for status in [301, 302, 307, 308] {
        let elsewhere = FakeProvider::start().await.unwrap();
        elsewhere.always(Answer::new(&["\"hi\"", ";"]));
        let address = elsewhere.base_url();
        for target in [address.clone(), address.replace("127.0.0.1", "localhost"), address.replace("http:", "")] {
            let mut scene =
                Scene::new("", "protocol = 'openai'\nbase_url = 'HERE/v1'\nmodel = 'qwen2.5-coder'\ntier = 'local'")
                    .await;
            let to = vec![("location", format!("{target}/completions"))];
            scene.provider.always(Answer::new(&["x"]).with(Fault::Status(status, to, Value::Null)));
            assert_eq!(scene.shown().await, None);
            assert_eq!((scene.posts(), elsewhere.connections()), (1, 0), "{status} {target}");
            scene.editor.shutdown().await;
        }
    }
}

//! What settings that are broken, or that somebody else wrote, can do to a running server: nothing but close it. A fake model at the other end
//! counts what it is asked. It leaves the messages to the tests of `settings`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use pennyworth::server::Options;
use pennyworth_tests::editor::Editor;
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use serde_json::{Value, json};

const SOURCE: &str = "fn main() {\n    let greeting = \n}\n";

/// A server in a workspace whose user has a paid model and one on this machine, and the document in the workspace.
struct Scene {
    editor: Editor,
    paid: FakeProvider,
    free: FakeProvider,
    place: tempfile::TempDir,
    uri: String,
}

fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

impl Scene {
    /// `own` is added to the user's file, `workspace` is the workspace's, and `options` come from the editor.
    async fn new(own: &str, workspace: &[u8], options: Value) -> Scene {
        let (paid, free) = (FakeProvider::start().await.unwrap(), FakeProvider::start().await.unwrap());
        paid.always(Answer::new(&["\"paid\";"]));
        free.always(Answer::new(&["\"free\";"]));
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("workspace");
        fs::create_dir(&root).unwrap();
        let config = format!(
            "{own}\ndiscover = false\ndebounce_ms = 0\n[embedded]\nenabled = false\n\
             [model.paid]\nprotocol = \"openai\"\nbase_url = \"{}\"\nmodel = \"qwen2.5-coder\"\ntier = \"cheap\"\ncontext = 8000\n\
             price = {{ input = 0.1, output = 0.5, as_of = \"2026-11-25\" }}\n\
             [model.free]\nprotocol = \"openai\"\nbase_url = \"{}\"\nmodel = \"qwen2.5-coder\"\ntier = \"local\"\n",
            paid.base_url(),
            free.base_url(),
        );
        fs::write(place.path().join("config.toml"), config).unwrap();
        if !workspace.is_empty() {
            fs::write(root.join(".pennyworth.toml"), workspace).unwrap();
        }
        let config = Some(place.path().join("config.toml"));
        let ledger = Some(place.path().join("ledger.sqlite"));
        let mut editor = Editor::in_memory(Options { config, ledger, discover: false });
        let capabilities = json!({"textDocument": {"inlineCompletion": {}, "publishDiagnostics": {}}});
        editor.initialize(capabilities, options, Some(&root)).await;
        let uri = uri(&root.join("a.rs"));
        editor.open(&uri, "rust", 1, SOURCE).await;
        Scene { editor, paid, free, place, uri }
    }

    /// Asks with the key. Returns the text, if there is any.
    async fn ask(&mut self) -> Option<String> {
        let position = json!({"line": 1, "character": 19});
        let place = json!({"textDocument": {"uri": self.uri}, "position": position, "context": {"triggerKind": 1}});
        let found = self.editor.request("textDocument/inlineCompletion", place).await;
        found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
    }

    /// Writes a file below the scene's place, and waits until its settings are in force.
    async fn write(&mut self, name: &str, text: &str, is_done: impl Fn(&Value) -> bool) {
        let path = self.place.path().join(name);
        // A file system may count only seconds.
        let later = fs::metadata(&path).unwrap().modified().unwrap() + std::time::Duration::from_secs(2);
        fs::write(&path, text).unwrap();
        fs::File::options().append(true).open(&path).unwrap().set_modified(later).unwrap();
        self.editor.notify("textDocument/didSave", json!({"textDocument": {"uri": self.uri}})).await;
        while !is_done(&self.status().await) {}
    }

    async fn status(&mut self) -> Value {
        let params = json!({"command": "pennyworth.status", "arguments": []});
        self.editor.request("workspace/executeCommand", params).await
    }

    /// How often the paid model and the free one were asked.
    fn asked(&self) -> (usize, usize) {
        let asked =
            |provider: &FakeProvider| provider.seen().iter().filter(|seen| seen.line.contains("completions")).count();
        (asked(&self.paid), asked(&self.free))
    }
}

fn has_no_faults(status: &Value) -> bool {
    status["faults"] == json!([])
}

#[tokio::test]
async fn a_workspace_file_with_a_fault_leaves_the_embedded_model_until_it_is_mended() {
    for broken in ["enabled = no\n", "\nlocal_olny = true\n", "ignore = [\"secret\"\n", "pin = \"paid\"\n"] {
        let mut scene = Scene::new("", broken.as_bytes(), Value::Null).await;
        assert_eq!(scene.ask().await, None, "{broken}");
        assert_eq!(scene.asked(), (0, 0), "{broken}");
        let status = scene.status().await;
        let fault = &status["faults"][0];
        assert!(fault["file"].as_str().unwrap().ends_with(".pennyworth.toml"), "{fault}");
        assert_eq!(fault["line"], if broken.starts_with('\n') { 2 } else { 1 }, "{fault}");
        assert!(!fault["message"].as_str().unwrap().is_empty(), "{fault}");
        assert!(fault["holds"].as_str().unwrap().starts_with("until it is mended, only the embedded model"), "{fault}");
        let told = scene.editor.note("window/showMessage").await.to_string();
        assert!(told.contains(".pennyworth.toml") && told.contains("; embedded only"), "{told}");
        let marked = scene.editor.note("textDocument/publishDiagnostics").await;
        let mark = &marked["diagnostics"][0];
        assert!(marked["uri"].as_str().unwrap().ends_with("/workspace/.pennyworth.toml"), "{marked}");
        assert_eq!(mark["range"]["start"]["line"].as_u64().map(|line| line + 1), fault["line"].as_u64(), "{marked}");
        assert!(mark["message"].as_str().unwrap().contains(fault["holds"].as_str().unwrap()), "{marked}");
        scene.write("workspace/.pennyworth.toml", "cap_usd_per_day = 0.4\n", has_no_faults).await;
        let mended = scene.editor.note("textDocument/publishDiagnostics").await;
        assert_eq!((&mended["uri"], &mended["diagnostics"]), (&marked["uri"], &json!([])));
        assert!(scene.ask().await.is_some(), "{broken} is mended");
        assert_eq!(scene.editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn a_fault_in_the_users_own_file_stops_what_costs_money_until_it_is_mended() {
    for broken in ["cap_usd_per_dya = 0.0001", "cap_usd_per_day =", "cap_usd_per_day = \"0.0001\"", "local_only: true"]
    {
        let mut scene = Scene::new(&format!("{broken}\ntasks.expression.pin = \"paid\""), b"", Value::Null).await;
        scene.ask().await;
        assert_eq!(scene.asked().0, 0, "{broken}");
        let status = scene.status().await;
        let fault = &status["faults"][0];
        assert!(fault["file"].as_str().unwrap().ends_with("config.toml") && fault["line"] == 1, "{fault}");
        assert!(fault["holds"].as_str().unwrap().contains("nothing costs money"), "{fault}");
        let marked = scene.editor.note("textDocument/publishDiagnostics").await;
        assert!(marked["uri"].as_str().unwrap().ends_with("/config.toml"), "{marked}");
        let text = fs::read_to_string(scene.place.path().join("config.toml")).unwrap();
        let mended = text.replacen(broken, "cap_usd_per_day = 0.4", 1);
        scene.write("config.toml", &mended, has_no_faults).await;
        scene.ask().await;
        assert_eq!(scene.asked().0, 1, "{broken} is mended");
        assert_eq!(scene.editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn what_the_user_writes_into_the_own_file_holds_from_the_next_edit_on() {
    let mut scene = Scene::new("tasks.expression.pin = \"paid\"", b"", Value::Null).await;
    scene.ask().await;
    assert_eq!(scene.asked().0, 1);
    let path = scene.place.path().join("config.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("local_only = true\ncap_usd_per_day = 0.4\n{text}")).unwrap();
    let edit = json!([{"text": SOURCE.replace("greeting", "farewell")}]);
    scene.editor.change(&scene.uri.clone(), 2, edit).await;
    while scene.status().await["cap_usd_per_day"] != 0.4 {}
    scene.ask().await;
    assert_eq!(scene.asked().0, 1);
    assert_eq!(scene.editor.shutdown().await, 0);
}

#[tokio::test]
async fn a_pattern_that_can_hardly_be_meant_closes() {
    for options in
        [json!({"secrets": ["a\n!.env"]}), json!({"secrets": ["\u{feff}!.env"]}), json!({"ignore": ["z\n!a.rs"]})]
    {
        let mut scene = Scene::new("ignore = [\"a.rs\"]", b"", options.clone()).await;
        assert_eq!(scene.ask().await, None, "{options}");
        assert_eq!(scene.asked(), (0, 0), "{options}");
        assert!(!has_no_faults(&scene.status().await), "{options}");
        assert_eq!(scene.editor.shutdown().await, 0);
    }
    for pattern in ["[a", "sub\\secret.rs", "~/a.rs", "a.rs # mine"] {
        let mut scene = Scene::new("", format!("ignore = ['{pattern}']\n").as_bytes(), Value::Null).await;
        assert_eq!(scene.ask().await, None, "{pattern}");
        assert_eq!(scene.asked(), (0, 0), "{pattern}");
        assert_eq!(scene.editor.shutdown().await, 0);
    }
}

#[tokio::test]
async fn an_editor_moves_no_model_and_names_none() {
    let other = FakeProvider::start().await.unwrap();
    other.always(Answer::new(&["\"other\";"]));
    let row = json!({"protocol": "openai", "base_url": other.base_url(), "model": "qwen2.5-coder", "tier": "local",
        "api_key_env": "HOME"});
    for options in [
        json!({"model": {"paid": {"base_url": other.base_url()}, "free": {"base_url": other.base_url()}}}),
        json!({"pennyworth": {"model": {"here": row}}}),
        json!({"pennyworth.model.here": row}),
        json!({"model": {"here": {"protocol": "replay", "base_url": "/dev/zero", "model": "qwen2.5-coder", "tier": "local"}}}),
        json!({"provider": {"openai": {"base_url": other.base_url()}}, "local_only": false, "cap_usd_per_day": 1000}),
    ] {
        let mut scene = Scene::new("", b"", options.clone()).await;
        assert!(scene.ask().await.is_some(), "{options}");
        assert_eq!(scene.status().await["models"], json!(["free", "paid"]), "{options}");
        let told = scene.editor.note("window/showMessage").await.to_string();
        assert!(told.contains("is refused"), "{told}");
        let status = scene.status().await;
        assert!(status["faults"][0]["message"].as_str().unwrap().contains("config.toml"), "{status}");
        scene.editor.notify("workspace/didChangeConfiguration", json!({"settings": {"pennyworth": options}})).await;
        scene.ask().await;
        assert_eq!(scene.editor.shutdown().await, 0);
        assert_eq!(other.connections(), 0, "{options}");
    }
}

#[tokio::test]
async fn settings_of_other_servers_raise_no_warning() {
    let mut scene = Scene::new("", b"", Value::Null).await;
    for settings in [
        json!({"python": {"analysis": {"diagnosticMode": "workspace"}}, "yaml": {"format": {"enable": true}}}),
        json!({"rust-analyzer": {"cargo": {"features": "all"}}, "log": "verbose"}),
        json!({"pennyworth": {"cap_usd_per_day": 0.2}, "gopls": {"staticcheck": true}}),
    ] {
        scene.editor.notify("workspace/didChangeConfiguration", json!({"settings": settings})).await;
    }
    while scene.status().await["cap_usd_per_day"] != 0.2 {}
    assert!(has_no_faults(&scene.status().await));
    assert!(scene.editor.noted("window/showMessage").is_empty(), "{:?}", scene.editor.noted("window/showMessage"));
    assert_eq!(scene.editor.shutdown().await, 0);
}

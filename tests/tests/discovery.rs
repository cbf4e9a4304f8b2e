//! Model servers on this machine, without configuration: which of their models the server and each command ask, how, and what the user is
//! told before. The real binary runs against a fake Ollama or a fake server of another kind.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use pennyworth_tests::editor::{Editor, binary, uri};
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use serde_json::{Value, json};
use tokio::process::Command;

/// A workspace, and a configuration with which discovery finds only the fake server.
struct Machine {
    folder: tempfile::TempDir,
    ollama: FakeProvider,
}

impl Machine {
    async fn new(more: &str) -> Machine {
        Machine::with("ollama", FakeProvider::start().await.unwrap(), more)
    }

    /// The same with a server of another kind.
    fn with(kind: &str, ollama: FakeProvider, more: &str) -> Machine {
        let folder = tempfile::tempdir().unwrap();
        ollama.always(Answer::new(&["\"hi\"", ";"]));
        let mut ports = format!("{more}\n");
        for provider in ["ollama", "vllm", "llamacpp", "lmstudio"] {
            let port = if provider == kind { ollama.port().to_string() } else { String::new() };
            ports += &format!("[provider.{provider}]\nports = [{port}]\n");
        }
        // A busy machine answers late, which is not what these tests are about.
        ports += "[tasks.expression]\ndeadline_ms = 30000\n";
        std::fs::write(folder.path().join("config.toml"), ports).unwrap();
        std::fs::write(folder.path().join("a.rs"), "fn main() {\n    let greeting = \n    print(greeting);\n}\n")
            .unwrap();
        Machine { folder, ollama }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The output of a command, standard error behind it.
    async fn prints(&self, arguments: &[&str]) -> String {
        let run = Command::new(binary())
            .arg("--config")
            .arg(self.path("config.toml"))
            .args(arguments)
            .env_clear()
            .env("HOME", Path::new(self.folder.path()))
            .output();
        let output = run.await.unwrap();
        String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
    }

    /// Starts a server for an editor, with a ledger that lasts as long as the machine.
    async fn edits(&self) -> Editor {
        let (config, home) = (self.path("config.toml"), self.folder.path().to_string_lossy().into_owned());
        let arguments = ["--config", &*config.to_string_lossy()];
        let mut editor = Editor::spawn(&binary(), &arguments, &[("HOME", &*home)]).unwrap();
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        editor
    }

    /// The requests that carried code.
    fn calls(&self) -> usize {
        let is_call = |line: &str| line.starts_with("POST") && line != "POST /api/show";
        self.ollama.seen().iter().filter(|seen| is_call(&seen.line)).count()
    }

    async fn completes(&self) -> String {
        let place = format!("{}:2:20", self.path("a.rs").display());
        self.prints(&["complete", &place]).await
    }
}

#[tokio::test]
async fn a_model_in_memory_goes_first_and_one_that_takes_a_suffix_gets_one() {
    let machine = Machine::new("").await;
    for (name, models, asked, has_suffix) in [
        (
            "a name that is known, raw",
            &[("qwen2.5-coder:1.5b-base", false, false)][..],
            Some("qwen2.5-coder:1.5b-base"),
            false,
        ),
        ("a name that nobody knows, but it inserts", &[("mine:1b", false, true)], Some("mine:1b"), true),
        ("what is in memory", &[("qwen2.5-coder:7b", false, true), ("mine:1b", true, true)], Some("mine:1b"), true),
        (
            "in memory, but no use",
            &[("qwen2.5-coder:7b", false, true), ("llama:8b", true, false)],
            Some("qwen2.5-coder:7b"),
            true,
        ),
        ("no use at all", &[("llama:8b", true, false)], None, false),
        ("nothing there", &[], None, false),
    ] {
        machine.ollama.has(models);
        let before = machine.ollama.seen().len();
        let printed = machine.completes().await;
        let seen = machine.ollama.seen();
        let calls: Vec<_> = seen[before..].iter().filter(|seen| seen.line == "POST /api/generate").collect();
        let models: Vec<_> = calls.iter().map(|call| call.body["model"].as_str().unwrap()).collect();
        assert_eq!(models, Vec::from_iter(asked), "{name}: {printed}");
        assert!(calls.iter().all(|call| call.body.get("suffix").is_some() == has_suffix), "{name}: {calls:?}");
        assert_eq!(printed.contains("from the model ollama/"), asked.is_some(), "{name}: {printed}");
    }
}

#[tokio::test]
async fn explain_and_check_know_what_is_here_and_ask_it_for_no_completion() {
    let machine = Machine::new("").await;
    machine.ollama.has(&[("mine:1b", true, true)]);
    let place = format!("{}:2:20", machine.path("a.rs").display());
    for (arguments, expected) in
        [(vec!["explain", &place], "ollama/mine:1b"), (vec!["check"], "  ollama/mine:1b: http://127.0.0.1:")]
    {
        let printed = machine.prints(&arguments).await;
        assert!(printed.contains(expected), "{printed}");
    }
    machine.ollama.has(&[("llama:8b", true, false)]);
    let printed = machine.prints(&["check"]).await;
    assert!(printed.contains("  ollama/llama:8b is on this machine, and left out"), "{printed}");
    assert!(machine.ollama.seen().iter().all(|seen| seen.line != "POST /api/generate"));
}

#[tokio::test]
async fn who_does_not_want_it_or_has_a_model_here_is_left_in_peace() {
    for more in ["discover = false", "enabled = false", "[model.local]\nbase_url = 'http://127.0.0.1:1/v1'"] {
        let machine = Machine::new(more).await;
        machine.ollama.has(&[("mine:1b", true, true)]);
        machine.completes().await;
        machine.prints(&["check"]).await;
        assert_eq!(machine.ollama.connections(), 0, "{more}");
    }
}

#[tokio::test]
async fn what_runs_elsewhere_is_not_asked_wherever_it_stands_in_the_list() {
    let remote = json!({"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"});
    for (name, id, listed, shown) in [
        ("a name with a size", "qwen3-coder:480b-cloud", None, None),
        ("a tag", "qwen3-coder:cloud", None, None),
        ("a word within", "me/qwen3-coder-cloud:latest", None, None),
        ("a harmless name in a list that tells", "mine:1b", Some(remote.clone()), None),
        ("a harmless name in a description that tells", "mine:1b", None, Some(remote.clone())),
        ("a model without a host", "mine:1b", None, Some(json!({"remote_model": "gpt-oss:120b"}))),
    ] {
        let machine = Machine::new("").await;
        listed.into_iter().for_each(|fields| machine.ollama.lists_also(id, fields));
        shown.into_iter().for_each(|fields| machine.ollama.shows_also(id, fields));
        machine.ollama.has(&[(id, true, true)]);
        machine.completes().await;
        assert_eq!(machine.calls(), 0, "{name}");
        machine.ollama.has(&[(id, true, true), ("qwen2.5-coder:1.5b", false, true)]);
        let printed = machine.completes().await;
        assert!(printed.contains("from the model ollama/qwen2.5-coder:1.5b"), "{name}: {printed}");
        let seen = machine.ollama.seen();
        assert!(
            seen.iter().filter(|seen| seen.line == "POST /api/generate").all(|seen| seen.body["model"] != id),
            "{name}"
        );
        let printed = machine.prints(&["check"]).await;
        assert!(printed.contains(&format!("  ollama/{id} is left out: it runs at ")), "{name}: {printed}");
        assert!(printed.contains("code stays here"), "{name}: {printed}");
    }
}

#[tokio::test]
async fn models_of_others_behind_a_server_here_are_not_asked() {
    for (kind, id, owned_by, is_asked) in [
        ("vllm", "qwen2.5-coder", json!("vllm"), true),
        ("vllm", "qwen2.5-coder", json!("openai"), false),
        ("vllm", "openrouter/qwen/qwen3-coder", Value::Null, false),
        ("llamacpp", "qwen2.5-coder", json!("llamacpp"), true),
        ("llamacpp", "anthropic/claude-haiku-5-5", Value::Null, false),
        ("llamacpp", "gpt-6-luna", json!("openai"), false),
        ("lmstudio", "qwen2.5-coder", json!("organization_owner"), true),
        ("lmstudio", "qwen2.5-coder", json!("openai"), false),
    ] {
        let machine = Machine::with(kind, FakeProvider::start().await.unwrap(), "");
        machine.ollama.lists(&[id]);
        machine.ollama.lists_also(id, json!({ "owned_by": owned_by }));
        machine.completes().await;
        assert_eq!(machine.calls(), usize::from(is_asked), "{kind}, {id}, {owned_by}");
        let printed = machine.prints(&["check"]).await;
        assert_eq!(printed.contains("is left out: its server says that `"), !is_asked, "{id}: {printed}");
    }
}

#[tokio::test]
async fn of_models_on_the_disk_the_smallest_is_asked_and_one_in_memory_before_it() {
    let machine = Machine::new("").await;
    let sizes = [("qwen2.5-coder:32b", 20), ("qwen2.5-coder:7b", 5), ("qwen2.5-coder:1.5b", 1)];
    sizes.iter().for_each(|(id, size)| machine.ollama.lists_also(id, json!({ "size": size })));
    for (loaded, expected) in [(None, "qwen2.5-coder:1.5b"), (Some("qwen2.5-coder:32b"), "qwen2.5-coder:32b")] {
        machine.ollama.has(&sizes.map(|(id, _)| (id, Some(id) == loaded, true)));
        let printed = machine.completes().await;
        assert!(printed.contains(&format!("from the model ollama/{expected};")), "{printed}");
    }
    let seen = machine.ollama.seen();
    assert!(seen.iter().all(|seen| seen.body.get("keep_alive").is_none()), "how long it stays is its owner's decision");
}

#[tokio::test]
async fn the_user_is_told_once_for_each_address_before_code_is_sent() {
    let machine = Machine::new("[embedded]\nenabled = false").await;
    machine.ollama.has(&[("mine:1b", false, true)]);
    let address = format!("http://127.0.0.1:{}", machine.ollama.port());
    for start in 0..2 {
        let mut editor = machine.edits().await;
        let source = "fn main() {\n    let greeting = \n    print(greeting);\n}\n";
        let document = uri(&machine.path("a.rs"));
        editor.open(&document, "rust", 1, source).await;
        loop {
            let status = editor.note("$/pennyworth/status").await;
            if status["found"][0]["model"] == "ollama/mine:1b" {
                assert_eq!(status["found"][0]["address"], json!(address));
                break;
            }
        }
        assert_eq!(machine.calls(), start, "nothing is loaded by opening a file");
        let told = editor.noted("window/showMessage");
        let told: Vec<_> = told.iter().filter(|note| note["message"].as_str().unwrap().contains(&address)).collect();
        assert_eq!(told.len(), usize::from(start == 0), "once, and before code is sent");
        assert!(told.iter().all(|note| note["message"].as_str().unwrap().contains("discover = false")));
        let place = json!({"textDocument": {"uri": document}, "position": {"line": 1, "character": 19}, "context": {"triggerKind": 1}});
        let found = editor.request("textDocument/inlineCompletion", place).await;
        assert_eq!(found.pointer("/items/0/insertText"), Some(&json!("\"hi\";")));
        editor.request("shutdown", Value::Null).await;
        editor.notify("exit", Value::Null).await;
        editor.ended().await;
    }
}

#[tokio::test]
async fn a_model_that_moves_away_after_it_was_found_gets_no_more_code() {
    let machine = Machine::new("[embedded]\nenabled = false").await;
    machine.ollama.has(&[("mine:1b", false, true)]);
    let mut editor = machine.edits().await;
    while editor.note("$/pennyworth/status").await["found"] == json!([]) {}
    machine
        .ollama
        .shows_also("mine:1b", json!({"remote_host": "https://ollama.com:443", "remote_model": "gpt-oss:120b"}));
    for number in 0..3 {
        let document = uri(&machine.path(&format!("{number}.rs")));
        editor
            .open(
                &document,
                "rust",
                1,
                &format!("fn main() {{\n    let greeting = \n    print{number}(greeting);\n}}\n"),
            )
            .await;
        let place = json!({"textDocument": {"uri": document}, "position": {"line": 1, "character": 19}, "context": {"triggerKind": 1}});
        assert_eq!(editor.request("textDocument/inlineCompletion", place).await, Value::Null);
    }
    assert_eq!(machine.calls(), 0);
    editor.request("shutdown", Value::Null).await;
    editor.notify("exit", Value::Null).await;
    editor.ended().await;
}

#[tokio::test]
async fn files_that_are_opened_one_after_another_start_no_search_each() {
    let machine = Machine::new("").await;
    let mut editor = machine.edits().await;
    for number in 0..20 {
        editor.open(&uri(&machine.path(&format!("{number}.rs"))), "rust", 1, "fn main() {}\n").await;
    }
    editor.request("shutdown", Value::Null).await;
    editor.notify("exit", Value::Null).await;
    editor.ended().await;
    let searches = machine.ollama.seen().iter().filter(|seen| seen.line == "GET /api/tags").count();
    assert!(searches <= 1, "{searches}");
}

/// A socket that belongs to another user. Only root can make one.
#[cfg(target_os = "linux")]
fn socket_of_another_user() -> Option<std::net::TcpListener> {
    use rustix::process::Uid;
    // The number is that of the thread alone, and the thread ends.
    let bound = std::thread::spawn(|| {
        let stranger = Uid::from_raw(54_321);
        rustix::thread::set_thread_res_uid(stranger, stranger, stranger).ok()?;
        std::net::TcpListener::bind("127.0.0.1:0").ok()
    });
    bound.join().ok().flatten()
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_server_of_another_user_is_left_alone() {
    let Some(socket) = socket_of_another_user() else { return };
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::TcpListener::from_std(socket).unwrap();
    let machine = Machine::with("ollama", FakeProvider::at(socket).unwrap(), "");
    machine.ollama.has(&[("mine:1b", true, true)]);
    machine.completes().await;
    let printed = machine.prints(&["check"]).await;
    assert!(printed.contains("belongs to another user (number 54321)"), "{printed}");
    assert_eq!(machine.ollama.connections(), 0);
    let row = format!(
        "[model.m]\nprovider = 'ollama'\nbase_url = 'http://127.0.0.1:{}'\nmodel = 'mine:1b'\nformat = 'suffix'",
        machine.ollama.port()
    );
    std::fs::write(machine.path("config.toml"), row).unwrap();
    machine.completes().await;
    assert_eq!(machine.calls(), 1, "who names it may use it");
}

#[tokio::test]
async fn lm_studio_says_elsewhere_what_is_in_memory() {
    let machine = Machine::with("lmstudio", FakeProvider::start().await.unwrap(), "");
    machine.ollama.has(&[("qwen2.5-coder-7b", false, false), ("qwen2.5-coder-32b", true, false)]);
    let printed = machine.completes().await;
    assert!(printed.contains("from the model lmstudio/qwen2.5-coder-32b"), "{printed}");
}

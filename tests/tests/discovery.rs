//! Ollama on this machine, which nobody configured: which of its models each command of the command line and the server ask, and how.
//! The real binary runs, and a fake server plays Ollama. It leaves the other servers to `models`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use pennyworth_tests::editor::binary;
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use tokio::process::Command;

/// A workspace and a configuration under which only the fake server can be found.
struct Machine {
    folder: tempfile::TempDir,
    ollama: FakeProvider,
}

impl Machine {
    async fn new(more: &str) -> Machine {
        let (folder, ollama) = (tempfile::tempdir().unwrap(), FakeProvider::start().await.unwrap());
        ollama.always(Answer::new(&["\"hi\"", ";"]));
        let ports = format!(
            "{more}\n[provider.ollama]\nports = [{}]\n[provider.vllm]\nports = []\n[provider.llamacpp]\nports = []\n[provider.lmstudio]\nports = []\n",
            ollama.port()
        );
        std::fs::write(folder.path().join("config.toml"), ports).unwrap();
        std::fs::write(folder.path().join("a.rs"), "fn main() {\n    let greeting = \n    print(greeting);\n}\n")
            .unwrap();
        Machine { folder, ollama }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What a command prints.
    async fn prints(&self, arguments: &[&str]) -> String {
        let run = Command::new(binary())
            .arg("--config")
            .arg(self.path("config.toml"))
            .args(arguments)
            .env_clear()
            .env("HOME", Path::new(self.folder.path()))
            .output();
        String::from_utf8(run.await.unwrap().stdout).unwrap()
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

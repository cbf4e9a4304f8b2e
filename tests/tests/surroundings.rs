//! Broken machines: no home, no permission to write, files that are damaged or are no files. The real binary starts on each,
//! says once what is wrong, completes, and ends. It leaves the exact messages to the tests of settings and ledger.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use pennyworth_tests::editor::{Editor, binary};
use serde_json::{Value, json};

const URI: &str = "file:///project/a.rs";
const SOURCE: &str = "fn main() {
    let first_total = compute_total(alpha, beta);
    let second_total = compute_total(alpha, beta);
    let third_total = compute_total(alpha, beta);
    let fourth_total = comp
}
";

/// What is wrong with a machine.
struct Wrong {
    name: &'static str,
    /// The home; `None` is an ordinary one.
    home: Option<&'static str>,
    /// Prepares the ordinary home.
    prepare: fn(&Path),
    /// A part of the message to the user; `None` if there is no message.
    told: Option<&'static str>,
}

const LEDGER: &str = ".local/state/pennyworth/ledger.sqlite";
const CONFIG: &str = ".config/pennyworth/config.toml";

fn write(home: &Path, name: &str, text: &[u8]) {
    let path = home.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

const ALL: [Wrong; 9] = [
    Wrong { name: "nothing", home: None, prepare: |_| {}, told: None },
    Wrong { name: "no home", home: Some("nowhere"), prepare: |_| {}, told: None },
    Wrong {
        name: "a home that cannot be written",
        home: Some("/dev/null"),
        prepare: |_| {},
        told: Some("no model that costs money is asked"),
    },
    Wrong {
        name: "a damaged ledger",
        home: None,
        prepare: |home| write(home, LEDGER, &b"this is no database\n".repeat(1000)),
        told: Some("damaged"),
    },
    Wrong {
        name: "a ledger that is a folder",
        home: None,
        prepare: |home| fs::create_dir_all(home.join(LEDGER)).unwrap(),
        told: Some("no model that costs money is asked"),
    },
    Wrong {
        name: "a state folder that is a file",
        home: None,
        prepare: |home| write(home, ".local/state", b""),
        told: Some("no model that costs money is asked"),
    },
    Wrong {
        name: "a configuration that is not TOML",
        home: None,
        prepare: |home| write(home, CONFIG, b"enabled = [\n"),
        told: Some("config.toml"),
    },
    Wrong {
        name: "a configuration that is not text",
        home: None,
        prepare: |home| write(home, CONFIG, b"enabled = true\n\xff\xfe\0"),
        told: Some("not UTF-8"),
    },
    Wrong {
        name: "a configuration that is a pipe",
        home: None,
        prepare: |home| {
            let path = home.join(CONFIG);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        },
        told: Some("not a file"),
    },
];

/// Waits for a suggestion: the server learns a moment later what was just sent.
async fn completed(editor: &mut Editor) {
    let position = json!({"line": 4, "character": 27});
    let place = json!({"textDocument": {"uri": URI}, "position": position, "context": {"triggerKind": 2}});
    while editor.request("textDocument/inlineCompletion", place.clone()).await.is_null() {}
}

#[tokio::test]
async fn it_works_on_any_machine_and_says_what_is_wrong() {
    let server = binary();
    for wrong in ALL {
        let home = tempfile::tempdir().unwrap();
        (wrong.prepare)(home.path());
        let variable = wrong.home.unwrap_or_else(|| home.path().to_str().unwrap());
        let mut editor = Editor::spawn(&server, &[], &[("HOME", variable)]).unwrap();
        editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
        editor.open(URI, "rust", 1, SOURCE).await;
        completed(&mut editor).await;
        if let Some(told) = wrong.told {
            let message = editor.note("window/showMessage").await;
            let text = message.pointer("/message").and_then(Value::as_str).unwrap_or_default();
            assert!(text.contains(told), "{}: {text}", wrong.name);
        }
        assert_eq!(editor.shutdown().await, 0, "{}", wrong.name);
        assert!(
            !Path::new("nowhere").exists(),
            "{}: something was written into the editor's working directory",
            wrong.name
        );
    }
}

//! Every text is served: languages without a grammar, prose, and what no language is known for. At the protocol's boundary, from models and from the
//! embedded model. The rules for files hold as in any language. It leaves what is found at each place to the cases in `tests/cases`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use pennyworth::server::Options;
use pennyworth_tests::editor::{Editor, options, uri};
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use serde_json::{Value, json};

/// A text with the cursor at `ˇ`, by the editor's language id and its file; and a model's answer with what of it is shown.
const TEXTS: [(&str, &str, &str, &str, &str); 19] = [
    ("sql", "a.sql", "SELECT id, name\nFROM users\nWHERE ˇ\n", "id = 1\nORDER BY id;", "id = 1"),
    ("kotlin", "A.kt", "fun main() {\n    println(ˇ)\n}\n", "\"a\", two(2))\n}", "\"a\", two(2)"),
    ("plaintext", "B.kt", "fun main() {\n    val name = ˇ\n}\n", "user?.name ?: \"\"\n}", "user?.name ?: \"\""),
    ("elixir", "a.ex", "def f(x) do\n  y = ˇ\nend\n", "x + 1\nend", "x + 1"),
    ("powershell", "a.ps1", "function f {\n    $y = ˇ\n}\n", "$x + 1\n}", "$x + 1"),
    ("r", "a.R", "f <- function(x) {\n  y <- ˇ\n}\n", "x + 1\n}", "x + 1"),
    ("scala", "A.scala", "def f(x: Int) = {\n  val y = ˇ\n}\n", "x + 1\n}", "x + 1"),
    ("dart", "a.dart", "void f() {\n  final name = ˇ\n}\n", "user.name;\n}", "user.name;"),
    ("swift", "a.swift", "func f() {\n    let name = ˇ\n}\n", "user.name ?? \"\"\n}", "user.name ?? \"\""),
    ("vue", "a.vue", "<template>\n  <div>\n    ˇ\n  </div>\n</template>\n", "<p>{{ name }}</p>\n", "<p>{{ name }}</p>"),
    ("terraform", "a.tf", "resource \"a\" \"b\" {\n  ami = ˇ\n}\n", "data.ami.id\n}", "data.ami.id"),
    ("dockerfile", "Dockerfile", "FROM rust:1.90\nRUN ˇ\n", "cargo build\nCOPY . .", "cargo build"),
    ("makefile", "Makefile", "CFLAGS = -g\nLDFLAGS = ˇ\n", "-lm $(EXTRA)\nall:", "-lm $(EXTRA)"),
    ("latex", "a.tex", "\\section{Title}\nThis is ˇ\n", "the \\emph{first}.\nAnd.", "the \\emph{first}."),
    ("git-commit", "COMMIT_EDITMSG", "Mend the lexer of ˇ\n# On branch main\n", "comments\n\nThey", "comments"),
    ("plaintext", "notes.txt", "Some words.\n\nThis is ˇ\n", "the first.\nAnd.", "the first."),
    ("cobol", "a.cob", "       PROCEDURE DIVISION.\n           DISPLAY ˇ\n", "TOTAL(1).\n", "TOTAL(1)."),
    ("", "unknown", "first = one\nsecond = ˇ\n", "two\nthird", "two"),
    ("untitled-language", "untitled:Untitled-1", "Other words.\n\nThat is ˇ\n", "the first.\nAnd.", "the first."),
];

/// The URI of a file in a folder, or the name itself if it is one.
fn named(folder: &Path, name: &str) -> String {
    if name.contains(':') { name.to_owned() } else { uri(&folder.join(name)) }
}

/// Opens a text and asks at `ˇ`, by a key.
async fn ask(editor: &mut Editor, uri: &str, id: &str, marked: &str) -> Option<String> {
    let (before, after) = marked.split_once('ˇ').unwrap();
    editor.open(uri, id, 1, &format!("{before}{after}")).await;
    let line = before.matches('\n').count();
    let character = before.rsplit('\n').next().unwrap_or_default().encode_utf16().count();
    let position = json!({"line": line, "character": character});
    let place = json!({"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": 1}});
    let found = editor.request("textDocument/inlineCompletion", place).await;
    found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
}

/// An editor whose only model is the provider's.
async fn with_model(provider: &FakeProvider, place: &Path) -> Editor {
    let config = place.join("config.toml");
    let settings = format!(
        "debounce_ms = 0\n[embedded]\nenabled = false\n[model.m]\nprotocol = 'openai'\nbase_url = '{}'\nmodel = 'qwen2.5-coder'\n\
         tier = 'cheap'\ncontext = 8000\nprice = {{ input = 1, output = 1, as_of = '2026-11-29' }}\n",
        provider.base_url()
    );
    std::fs::write(&config, settings).unwrap();
    let ledger = Some(place.join("ledger.sqlite"));
    let mut editor = Editor::in_memory(Options { config: Some(config), ledger, discover: false });
    let folder = place.join("project");
    std::fs::create_dir_all(&folder).unwrap();
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, Some(&folder)).await;
    editor
}

#[tokio::test]
async fn a_model_answers_in_every_text() {
    let (provider, place) = (FakeProvider::start().await.unwrap(), tempfile::tempdir().unwrap());
    let mut editor = with_model(&provider, place.path()).await;
    for (id, file, marked, answer, shown) in TEXTS {
        provider.always(Answer::new(&[answer]));
        let found = ask(&mut editor, &named(&place.path().join("project"), file), id, marked).await;
        assert_eq!(found.as_deref(), Some(shown), "{id} {file}");
    }
    assert_eq!(provider.seen().len(), TEXTS.len());
    assert_eq!(editor.shutdown().await, 0);
}

#[tokio::test]
async fn the_embedded_model_learns_and_completes_every_text() {
    let place = tempfile::tempdir().unwrap();
    let mut editor = Editor::in_memory(options());
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    for (number, (id, file, ..)) in TEXTS.into_iter().enumerate() {
        let line = format!("alpha{number} beta{number} gamma{number}\n");
        let marked = format!("{}alpha{number} beˇ\n", line.repeat(4));
        let found = ask(&mut editor, &named(place.path(), file), id, &marked).await;
        let rest = format!("ta{number} gamma{number}");
        assert_eq!(found, Some(rest), "{id} {file}");
    }
    assert_eq!(editor.shutdown().await, 0);
}

/// What protects a file protects it in any language.
#[tokio::test]
async fn files_that_are_protected_stay_so_whatever_their_language() {
    let (provider, place) = (FakeProvider::start().await.unwrap(), tempfile::tempdir().unwrap());
    provider.always(Answer::new(&["more"]));
    let folder = place.path().join("project");
    std::fs::create_dir_all(folder.join("off")).unwrap();
    std::fs::write(folder.join(".ignore"), "*.dump\n").unwrap();
    std::fs::write(folder.join("off/.pennyworth.toml"), "languages = { text = false, sql = false }\n").unwrap();
    let mut editor = with_model(&provider, place.path()).await;
    for (id, file) in [
        ("dotenv", ".env"),
        ("plaintext", ".env"),
        ("properties", "prod.env"),
        ("", "id_rsa"),
        ("terraform-vars", "secrets.auto.tfvars"),
        ("sql", "all.dump"),
        ("plaintext", "off/notes.txt"),
        ("cobol", "off/a.cob"),
        ("sql", "off/a.sql"),
    ] {
        let marked = "first = one\nsecond = ˇ\n";
        assert_eq!(ask(&mut editor, &named(&folder, file), id, marked).await, None, "{id} {file}");
    }
    assert_eq!(
        ask(&mut editor, &named(&folder, "generated.sql"), "sql", "-- Code generated by x. DO NOT EDIT.\nSELECT ˇ\n")
            .await,
        None
    );
    assert_eq!(provider.seen().len(), 0);
    assert_eq!(editor.shutdown().await, 0);
}

/// Files of known languages are learned from the disk. A file of no known language may be data, and is learned only while it is open.
#[tokio::test]
async fn the_workspace_is_learned_in_every_known_language_and_no_other() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path();
    let teach = |file: &str, name: &str| {
        std::fs::write(root.join(file), format!("{name}alpha {name}beta {name}gamma\n").repeat(4)).unwrap()
    };
    let known =
        [("a.sql", "q"), ("b.kt", "k"), ("c.tf", "t"), ("Dockerfile", "d"), ("Makefile", "m"), ("e.swift", "s")];
    let unknown = [("words.txt", "w"), ("data.bin", "b"), ("table.dat", "x"), ("LICENSE", "l")];
    known.iter().chain(&unknown).for_each(|(file, name)| teach(file, name));
    let mut editor = Editor::in_memory(options());
    let capabilities = json!({"textDocument": {"inlineCompletion": {}}, "window": {"workDoneProgress": true}});
    editor.initialize(capabilities, Value::Null, Some(root)).await;
    while editor.note("$/progress").await.pointer("/value/kind") != Some(&json!("end")) {}
    for ((_, name), is_known) in known.iter().map(|row| (row, true)).chain(unknown.iter().map(|row| (row, false))) {
        let marked = format!("Here are {name}alpha {name}beˇ\n");
        let found = ask(&mut editor, &named(root, &format!("{name}.md")), "markdown", &marked).await;
        assert_eq!(found.is_some(), is_known, "{name}: {found:?}");
    }
    assert_eq!(editor.shutdown().await, 0);
}

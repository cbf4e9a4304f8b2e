//! Real model servers: their answers are shown, their counts are in the ledger, and after a cancellation they stop writing.
//! `tests/run servers` starts them and passes their addresses; `tests/servers/llamacpp.py` makes the models.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use pennyworth::ledger::{Ledger, Row};
use pennyworth::server::Options;
use pennyworth_tests::editor::{Editor, binary};
use pennyworth_tests::paid;
use pennyworth_tests::project::Project;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const URI: &str = "file:///project/a.rs";
const SOURCE: &str = "fn main() {\n    let numbers = \n    print(numbers);\n}\n";
/// Behind `numbers = `.
const PLACE: (u32, u32) = (1, 18);
/// The models' answer there.
const ANSWER: &str = "[1, 2];";

/// The address of a server.
fn address(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} says where the server is; `tests/run servers` sets it"))
}

/// A configuration with one model; `row` are lines of its table, in which the model's name at the server may be left out.
fn write_config(folder: &Path, row: &str) -> PathBuf {
    let path = folder.join("config.toml");
    let price = "price = { input = 1.0, cached = 0.1, output = 4.0, as_of = \"2026-11-23\" }";
    let price = if row.contains("price = ") { "" } else { price };
    let name = if row.contains("model = ") { "" } else { "model = \"made\"" };
    std::fs::write(&path, format!("[model.real]\n{name}\ncontext = 8192\n{price}\n{row}\n")).unwrap();
    path
}

/// An editor with a document open, and a server with one model.
async fn editor(folder: &Path, row: &str) -> Editor {
    let options = Options {
        config: Some(write_config(folder, row)),
        ledger: Some(folder.join("ledger.sqlite")),
        discover: false,
    };
    let mut editor = Editor::in_memory(options);
    editor.initialize(json!({"textDocument": {"inlineCompletion": {}}}), Value::Null, None).await;
    editor.open(URI, "rust", 1, SOURCE).await;
    editor
}

fn invoked() -> Value {
    let (line, character) = PLACE;
    json!({
        "textDocument": {"uri": URI}, "position": {"line": line, "character": character}, "context": {"triggerKind": 1}
    })
}

/// What is shown for a request by a key.
async fn shown(editor: &mut Editor) -> Option<String> {
    let found = editor.request("textDocument/inlineCompletion", invoked()).await;
    found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
}

/// Types at the beginning of a line.
async fn typed(editor: &mut Editor, version: i32, line: u32, text: &str) {
    let at = json!({"line": line, "character": 0});
    editor.change(URI, version, json!([{"range": {"start": at, "end": at}, "text": text}])).await;
}

/// Ends the server; returns the ledger's total.
async fn account(editor: Editor, folder: &Path) -> Row {
    editor.shutdown().await;
    let (ledger, notice) = Ledger::open(Some(&folder.join("ledger.sqlite")));
    assert_eq!(notice, None);
    ledger.report(SystemTime::UNIX_EPOCH).unwrap().total
}

/// The body that a model server returns at a path.
async fn get(address: &str, path: &str) -> String {
    get_with(address, path, "").await
}

/// The same, with more lines in the head.
async fn get_with(address: &str, path: &str, head: &str) -> String {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).await.unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n{head}\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// llama.cpp's counts since its start: input that it read, input from its cache, output.
async fn counted(address: &str) -> [u64; 3] {
    let metrics = get(address, "/metrics").await;
    ["prompt_tokens_total", "prompt_tokens_cached_total", "tokens_predicted_total"].map(|name| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(&format!("llamacpp:{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {metrics}")).trim().parse().unwrap()
    })
}

/// Asks twice through a row, with a line typed between; the texts are right, and the ledger equals the server's own counts.
async fn check_asked_twice(server: &str, row: &str) {
    let folder = tempfile::tempdir().unwrap();
    let before = counted(server).await;
    let mut editor = editor(folder.path(), row).await;
    assert_eq!(shown(&mut editor).await.as_deref(), Some(ANSWER), "{row}");
    typed(&mut editor, 2, 3, "// \n").await;
    assert_eq!(shown(&mut editor).await.as_deref(), Some(ANSWER), "{row}");
    let account = account(editor, folder.path()).await;
    let after = counted(server).await;
    let [read, cached, output] = [0, 1, 2].map(|at| after[at] - before[at]);
    assert_eq!((account.calls, account.failed, account.estimated), (2, 0, 0), "{row}: {account:?}");
    assert_eq!([account.input, account.cached, account.output], [read + cached, cached, output], "{row}: {account:?}");
    assert!(account.cached > 0, "the beginning was in the cache: {row}: {account:?}");
}

#[tokio::test]
#[ignore = "needs a server"]
async fn llamacpp_fills_in_and_its_counts_are_the_ledgers() {
    let server = address("LLAMACPP_FILLS");
    for row in [
        "provider = \"llamacpp\"\nbase_url = \"SERVER\"",
        "provider = \"llamacpp\"\nbase_url = \"SERVER\"\nformat = \"qwen\"",
        "provider = \"vllm\"\nbase_url = \"SERVER/v1\"\nformat = \"qwen\"",
        "provider = \"vllm\"\nbase_url = \"SERVER/v1\"\nformat = \"chat\"",
    ] {
        check_asked_twice(&server, &row.replace("SERVER", &server)).await;
    }
}

#[tokio::test]
#[ignore = "needs a server"]
async fn llamacpp_has_read_ahead_what_was_edited_in_another_file() {
    let server = address("LLAMACPP_FILLS");
    let folder = tempfile::tempdir().unwrap();
    let row = format!(
        "provider = \"llamacpp\"\nbase_url = \"{server}\"\nprice = {{ input = 0, output = 0, as_of = \"2026-11-23\" }}"
    );
    let mut editor = editor(folder.path(), &row).await;
    // The model's tokens for such text are its bytes; its prompt has the lines around the edit.
    const READ: u64 = 300;
    let other: String = (0..20).map(|line| format!("fn number_{line}() -> u8 {{ {line} }}\n")).collect();
    let before = counted(&server).await;
    editor.open("file:///project/b.rs", "rust", 1, "\n").await;
    editor.change("file:///project/b.rs", 2, json!([{ "text": other }])).await;
    typed(&mut editor, 2, 3, "// \n").await;
    let mut ahead = counted(&server).await;
    while ahead[0] - before[0] < READ {
        tokio::task::yield_now().await;
        ahead = counted(&server).await;
    }
    assert!(
        ahead[2] - before[2] <= 2,
        "each of the two has its prompt read, for which the server counts a token: {before:?} {ahead:?}"
    );
    assert_eq!(shown(&mut editor).await.as_deref(), Some(ANSWER));
    let after = counted(&server).await;
    assert!(after[1] - ahead[1] >= READ, "what was read ahead was in the cache: {ahead:?} {after:?}");
    let account = account(editor, folder.path()).await;
    assert_eq!((account.failed, account.estimated), (0, 0), "{account:?}");
    assert_eq!(account.cached, after[1] - before[1], "{account:?}");
}

#[tokio::test]
#[ignore = "needs a server"]
async fn llamacpp_says_how_probable_an_answer_is() {
    let server = address("LLAMACPP_FILLS");
    for row in [
        "provider = \"llamacpp\"",
        "provider = \"llamacpp\"\nformat = \"qwen\"",
        "provider = \"vllm\"\nformat = \"qwen\"",
    ] {
        let base = if row.contains("vllm") { format!("{server}/v1") } else { server.clone() };
        let (code, said) = completed(&format!("{row}\nbase_url = \"{base}\""));
        assert_eq!(code, Some(0), "{said}");
        assert!(said.starts_with(ANSWER) && said.contains("from the model real, 80 % sure"), "{row}: {said}");
    }
}

#[tokio::test]
#[ignore = "needs a server"]
async fn llamacpp_stops_writing_when_nobody_waits() {
    let server = address("LLAMACPP_SLOW");
    let folder = tempfile::tempdir().unwrap();
    let row = format!("provider = \"llamacpp\"\nbase_url = \"{server}\"");
    let mut editor = editor(folder.path(), &row).await;
    // A place with a high ceiling, up to which the model would write.
    editor.change(URI, 2, json!([{"text": "fn main() {\n    \n}\n"}])).await;
    let mut params = invoked();
    params["position"] = json!({"line": 1, "character": 4});
    let asked = editor.send("textDocument/inlineCompletion", params).await;
    while written(&server).await.is_none_or(|count| count == 0) {}
    typed(&mut editor, 3, 2, " ").await;
    assert!(editor.answer(asked).await.is_err(), "it is cancelled");
    let mut last = 0;
    while let Some(count) = written(&server).await {
        last = count;
    }
    let account = account(editor, folder.path()).await;
    assert_eq!((account.calls, account.aborted), (1, 1), "{account:?}");
    assert!(last < 128, "it wrote {last} tokens, most of them for nobody");
}

#[tokio::test]
#[ignore = "needs a server"]
async fn llamacpp_trial_ranks_two_models_and_its_counts_are_the_ledgers() {
    let (fills, slow) = (address("LLAMACPP_FILLS"), address("LLAMACPP_SLOW"));
    let project = Project::new();
    let row = |name: &str, server: &str| {
        format!(
            "[model.{name}]\nprovider = 'llamacpp'\nbase_url = '{server}'\nmodel = 'made'\ncontext = 8192\n\
             price = {{ input = 0, output = 0, as_of = '2026-11-23' }}\n"
        )
    };
    project.write("config.toml", &format!("discover = false\n{}{}", row("fills", &fills), row("slow", &slow)));
    project.write("project/a.rs", "//! Lists.\n");
    project.commit("lists: they are there").await;
    let list = |at| format!("\nfn list_{at}() -> [u8; 2] {{\n    let numbers_{at} = [1, 2];\n    numbers_{at}\n}}\n");
    project.write("project/a.rs", &(0..40).map(list).collect::<String>());
    project.git(&["commit", "-q", "-a", "-m", "lists: forty of them"]).await;
    let before = counted(&fills).await;
    let (code, out, notes) = project.run(&["trial", "--count", "24", "--json"]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert!(notes.contains("$0.00 expected, $0.00 at most"), "what runs here costs nothing: {notes}");
    let trial: Value = serde_json::from_str(&out).unwrap();
    let all = trial["candidates"].as_array().unwrap();
    let figure = |name: &str, path: &str| {
        let of = all.iter().find(|one| one["name"] == name).unwrap();
        of.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("{path}: {of}"))
    };
    assert!(figure("fills", "/all/right/value") > 0.0, "{out}");
    assert_eq!(figure("slow", "/all/right/value"), 0.0, "{out}");
    let pairs = trial["differences"].as_array().unwrap();
    let pair = pairs.iter().find(|pair| pair["one"] != "embedded" && pair["other"] != "embedded").unwrap();
    assert_eq!((&pair["one"], &pair["other"]), (&json!("fills"), &json!("slow")), "{pair}");
    let after = counted(&fills).await;
    let [read, cached, output] = [0, 1, 2].map(|at| after[at] - before[at]);
    let (input, written) = (figure("fills", "/all/input"), figure("fills", "/all/output"));
    assert_eq!((input, written), ((read + cached) as f64, output as f64), "{out}");
}

#[tokio::test]
#[ignore = "needs a server"]
async fn llamacpp_with_a_model_that_cannot_fill_in_is_said_once_with_what_to_change() {
    let server = address("LLAMACPP_PLAIN");
    let folder = tempfile::tempdir().unwrap();
    let row = format!("provider = \"llamacpp\"\nbase_url = \"{server}\"");
    let mut editor = editor(folder.path(), &row).await;
    assert_eq!(shown(&mut editor).await, None);
    assert_eq!(shown(&mut editor).await, None);
    let note = editor.note("window/showMessage").await;
    let expected = "Pennyworth: model.real: this model cannot fill in the middle there (HTTP 501, not_supported_error); give its row a `raw` or `chat` format";
    assert_eq!(note["message"], expected);
    let account = account(editor, folder.path()).await;
    assert_eq!((account.calls, account.failed), (1, 1), "asked once and not again: {account:?}");
    let (_, said) = completed(&row);
    assert!(said.contains("warning: model.real: this model cannot fill in"), "{said}");
}

#[tokio::test]
#[ignore = "needs a server"]
async fn litellm_passes_on_what_the_server_behind_it_says_and_counts() {
    let row = format!("provider = \"litellm\"\nbase_url = \"{}/v1\"", address("LITELLM"));
    check_asked_twice(&address("LLAMACPP_FILLS"), &row).await;
}

#[tokio::test]
#[ignore = "needs a server"]
async fn litellm_refuses_a_model_or_a_key_that_it_does_not_know_and_the_user_is_told() {
    let row = format!("provider = \"litellm\"\nbase_url = \"{}/v1\"", address("LITELLM"));
    for (more, expected) in [
        ("model = \"other\"", "knows no such path or model"),
        ("api_key_env = \"HOME\"", "the API key is missing, wrong or not allowed"),
    ] {
        let (_, said) = completed(&format!("{row}\n{more}"));
        assert!(said.starts_with("warning: model.real: ") && said.contains(expected), "{more}: {said}");
    }
}

#[tokio::test]
#[ignore = "needs a server"]
async fn litellm_falls_back_to_another_model() {
    let row = format!("provider = \"litellm\"\nbase_url = \"{}/v1\"\nmodel = \"broken\"", address("LITELLM"));
    let (code, said) = completed(&row);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.starts_with(ANSWER), "{said}");
}

#[tokio::test]
#[ignore = "needs a server"]
async fn litellm_says_its_prices() {
    let home = tempfile::tempdir().unwrap();
    let config =
        write_config(home.path(), "provider = \"litellm\"\nprice = { input = 9, output = 9, as_of = \"2026-01-01\" }");
    // The proxy wants a key for its list, and `refresh` sends none.
    let key = format!("authorization: Bearer {}\r\n", std::env::var("LITELLM_API_KEY").unwrap());
    let list = home.path().join("info.json");
    std::fs::write(&list, get_with(&address("LITELLM"), "/model/info", &key).await).unwrap();
    let done = std::process::Command::new(binary())
        .args(["--config", config.to_str().unwrap(), "models", "refresh", list.to_str().unwrap(), "--dry-run"])
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(said.contains("0.7") && said.contains("3.1"), "{said}");
}

/// Runs each task on demand through a row. A model that knows nothing but its answer can do no task: what is no edit and no test is not shown, and what
/// it cost is what the server counted.
async fn check_tasks(server: &str, row: &str) {
    let project = Project::new();
    let ceilings: String = ["review", "edit", "fix", "document", "tests", "explain", "commit"]
        .map(|task| format!("tasks.{task}.max_tokens = 96\ntasks.{task}.deadline_ms = 60000\n"))
        .concat();
    let key = std::env::var("LITELLM_API_KEY").unwrap_or_default();
    let config = format!(
        "discover = false\nembedded.enabled = false\n{ceilings}[model.real]\nmodel = 'made'\ncontext = 8192\nformat = 'chat'\ntier = 'cheap'\n{row}\n\
         price = {{ input = 1.0, cached = 0.1, output = 4.0, as_of = '2026-11-23' }}\n"
    );
    project.write("config.toml", &config);
    project.write("project/a.rs", "pub fn add(a: u8, b: u8) -> u8 {\n    a + b\n}\n");
    project.commit("a: it adds").await;
    project.write("project/a.rs", "pub fn add(a: u8, b: u8) -> u8 {\n    b + a\n}\n");
    project.git(&["add", "."]).await;
    let before = counted(server).await;
    for (arguments, expected) in [
        (&["explain-code", "a.rs:1"][..], (0, format!("{ANSWER}\n"))),
        (&["commit"], (0, format!("{ANSWER}\n"))),
        (&["document", "a.rs:1"], (2, String::new())),
        (&["fix", "a.rs:2", "it overflows"], (2, String::new())),
        (&["edit", "a.rs:1-3", "Swap the operands."], (2, String::new())),
        (&["tests", "a.rs:1"], (2, String::new())),
        // The server holds it to the schema, and an empty list is the shortest that fits.
        (&["review", "--staged"], (0, "no findings\n".to_owned())),
    ] {
        let mut command = project.command(arguments);
        let output = command.env("LITELLM_API_KEY", &key).output().await.unwrap();
        let (out, notes) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!((output.status.code(), out), (Some(expected.0), expected.1), "{arguments:?}: {notes}");
        assert!(notes.contains("real: ") && notes.contains("cost: $"), "{arguments:?}: {notes}");
    }
    let after = counted(server).await;
    let [read, cached, output] = [0, 1, 2].map(|at| after[at] - before[at]);
    let (ledger, _) = Ledger::open(Some(&paid::ledger(project.home())));
    let total = ledger.report(SystemTime::UNIX_EPOCH).unwrap().total;
    assert_eq!((total.failed, total.estimated), (0, 0), "{total:?}");
    assert_eq!([total.input, total.cached, total.output], [read + cached, cached, output], "{total:?}");
}

#[tokio::test]
#[ignore = "needs a server"]
async fn llamacpp_is_asked_for_tasks_and_shows_nothing_that_is_not_valid() {
    let server = address("LLAMACPP_FILLS");
    check_tasks(&server, &format!("provider = 'vllm'\nbase_url = '{server}/v1'")).await;
}

#[tokio::test]
#[ignore = "needs a server"]
async fn litellm_is_asked_for_tasks_and_shows_nothing_that_is_not_valid() {
    let row = format!("provider = 'litellm'\nbase_url = '{}/v1'", address("LITELLM"));
    check_tasks(&address("LLAMACPP_FILLS"), &row).await;
}

/// The requests of a large review begin alike, and the server reads that once.
#[tokio::test]
#[ignore = "needs a server"]
async fn llamacpp_reads_the_beginning_of_a_review_once() {
    let (server, project) = (address("LLAMACPP_FILLS"), Project::new());
    let row = format!("provider = 'vllm'\nbase_url = '{server}/v1'");
    project.write(
        "config.toml",
        &format!(
            "discover = false\nembedded.enabled = false\ntasks.review.input = 900\ntasks.review.max_tokens = 16\n[model.real]\nmodel = 'made'\n\
             context = 8192\nformat = 'chat'\ntier = 'cheap'\n{row}\nprice = {{ input = 1.0, cached = 0.1, output = 4.0, as_of = '2026-11-23' }}\n"
        ),
    );
    let text = |number: u8| -> String {
        let function =
            |name: u8| format!("pub fn function_{name}(number: u8) -> u8 {{\n    number + {}\n}}\n\n", name * number);
        (0..12).map(function).collect()
    };
    project.write("project/a.rs", &text(1));
    project.write("project/b.rs", &text(1));
    project.commit("a: functions").await;
    project.write("project/a.rs", &text(2));
    project.write("project/b.rs", &text(3));
    let (_, _, notes) = project.run(&["review"]).await;
    let (ledger, _) = Ledger::open(Some(&paid::ledger(project.home())));
    let total = ledger.report(SystemTime::UNIX_EPOCH).unwrap().total;
    assert!(total.calls > 1 && total.cached > 0, "{notes} {total:?}");
    assert!(notes.contains("% of the input from the provider's cache"), "{notes}");
    println!("{} calls, {} of {} tokens of input from the cache", total.calls, total.cached, total.input);
}

/// Tokens that the busy slot has written so far.
async fn written(server: &str) -> Option<u64> {
    let slots: Value = serde_json::from_str(&get(server, "/slots").await).unwrap();
    let busy = slots.as_array().unwrap().iter().find(|slot| slot["is_processing"] == true)?;
    busy.pointer("/next_token/0/n_decoded").and_then(Value::as_u64)
}

/// The exit code and output of `pennyworth complete` at the place, with one model.
fn completed(row: &str) -> (Option<i32>, String) {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("a.rs");
    std::fs::write(&file, SOURCE).unwrap();
    // A proxy that has just started takes its time over its first answer.
    let config = write_config(home.path(), &format!("{row}\n[tasks.expression]\ndeadline_ms = 20000"));
    let (line, character) = PLACE;
    let done = std::process::Command::new(binary())
        .args(["--config", config.to_str().unwrap(), "complete"])
        .arg(format!("{}:{}:{}", file.display(), line + 1, character + 1))
        .env_clear()
        .env("HOME", home.path())
        .envs(std::env::vars().filter(|(name, _)| name == "LITELLM_API_KEY"))
        .output()
        .unwrap();
    let said = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8(said).unwrap())
}

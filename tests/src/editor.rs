//! A fake editor: it speaks the protocol to a server in memory or to the real binary, counts the answers that it still expects, and fails
//! the test when a request is answered twice or never. It shares no code with the server it tests.
//! It leaves the messages to the tests.
#![expect(clippy::panic, clippy::indexing_slicing, reason = "this is test code, and a failure of it is a failed test")]

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::fake_provider::door;
use crate::planted;

/// After this long a server counts as hanging. No test waits for it unless something is wrong.
const HANG: Duration = Duration::from_secs(60);

/// An editor with its server.
pub struct Editor {
    output: Option<Box<dyn AsyncWrite + Send + Unpin>>,
    messages: mpsc::UnboundedReceiver<(Instant, Value)>,
    server: Server,
    next_id: i64,
    /// Requests that have no answer yet.
    owed: HashSet<i64>,
    answers: HashMap<i64, Result<Value, Value>>,
    /// When each answer came.
    arrived: HashMap<i64, Instant>,
    /// Notifications that the test has not read yet.
    notes: VecDeque<Value>,
    /// Requests of the server, each already answered.
    asked: Vec<Value>,
    /// The answer to `workspace/configuration`.
    settings: Value,
    /// The title of the action that the user chooses in a question.
    choice: String,
    name: &'static str,
    /// Where the server keeps files, which may hold no planted marker.
    kept: Vec<PathBuf>,
    /// Reads the error stream of a server that is a process.
    errors: Option<JoinHandle<()>>,
    faults: Vec<String>,
}

/// The server at the other end.
enum Server {
    InMemory(JoinHandle<u8>),
    Process(Box<Child>),
}

/// How a server ended: its exit code.
pub type Code = i32;

impl Editor {
    /// Starts a server in this process, behind a pipe in memory.
    pub fn in_memory(options: pennyworth::server::Options) -> Editor {
        planted::watch_log();
        let kept = options.ledger.iter().cloned().collect();
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (input, output) = tokio::io::split(theirs);
        let server = tokio::spawn(pennyworth::server::serve(input, output, options));
        let (input, output) = tokio::io::split(ours);
        let mut editor = Editor::new(input, Box::new(output), Server::InMemory(server));
        editor.kept = kept;
        editor
    }

    /// Starts a program with its standard streams as pipes and only these environment variables.
    pub fn spawn(program: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> io::Result<Editor> {
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let missing = || io::Error::other("no pipe");
        let input = child.stdout.take().ok_or_else(missing)?;
        let output = child.stdin.take().ok_or_else(missing)?;
        let errors = child.stderr.take().map(|mut errors| {
            tokio::spawn(async move {
                let mut all = Vec::new();
                let _ = errors.read_to_end(&mut all).await;
                door::note("stderr", &all);
            })
        });
        let state = |(name, value): &(&str, &str)| match *name {
            "HOME" => Some(Path::new(value).join(".local/state/pennyworth")),
            "XDG_STATE_HOME" => Some(Path::new(value).join("pennyworth")),
            _ => None,
        };
        let mut editor = Editor::new(input, Box::new(output), Server::Process(Box::new(child)));
        (editor.kept, editor.errors) = (environment.iter().filter_map(state).collect(), errors);
        Ok(editor)
    }

    fn new(
        input: impl AsyncRead + Send + Unpin + 'static,
        output: Box<dyn AsyncWrite + Send + Unpin>,
        server: Server,
    ) -> Editor {
        let (sender, messages) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut input = BufReader::new(input);
            while let Some(message) = read(&mut input).await {
                if sender.send((Instant::now(), message)).is_err() {
                    return;
                }
            }
        });
        Editor {
            output: Some(output),
            messages,
            server,
            next_id: 0,
            owed: HashSet::new(),
            answers: HashMap::new(),
            arrived: HashMap::new(),
            notes: VecDeque::new(),
            asked: Vec::new(),
            settings: Value::Null,
            choice: String::new(),
            name: "test",
            kept: Vec::new(),
            errors: None,
            faults: Vec::new(),
        }
    }

    /// Initializes the server with these capabilities and options; returns the server's capabilities.
    pub async fn initialize(&mut self, mut capabilities: Value, options: Value, folder: Option<&Path>) -> Value {
        // It applies edits, unless a test says otherwise.
        if capabilities.pointer("/workspace/applyEdit").is_none() {
            capabilities["workspace"]["applyEdit"] = true.into();
        }
        let folders = folder.map(|folder| json!([{ "uri": uri(folder), "name": "folder" }]));
        let params = json!({
            "processId": null, "rootUri": null, "workspaceFolders": folders, "clientInfo": {"name": self.name},
            "capabilities": capabilities, "initializationOptions": options,
        });
        let found = self.request("initialize", params).await;
        self.notify("initialized", json!({})).await;
        self.plant().await;
        found["capabilities"].clone()
    }

    /// Opens and edits a document of each kind that is excluded: whatever the test does, none of their text may leave.
    async fn plant(&mut self) {
        for (path, language, kind) in planted::DOCUMENTS {
            let uri = format!("file:///{path}");
            self.open(&uri, language, 1, &planted::text(language, kind)).await;
            let start = json!({"line": 0, "character": 0});
            let edit = json!([{"range": {"start": start, "end": start}, "text": " "}]);
            self.change(&uri, 2, edit).await;
        }
    }

    /// Sets the editor's name.
    pub fn named(&mut self, name: &'static str) {
        self.name = name;
    }

    /// Sets the answer to the server's requests for configuration.
    pub fn configure(&mut self, settings: Value) {
        self.settings = settings;
    }

    /// Sends a request and waits for its result; an error fails the test.
    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params).await;
        match self.answer(id).await {
            Ok(result) => result,
            Err(error) => panic!("{method} was answered with {error}"),
        }
    }

    /// Sends a request and waits for its error; returns the error's code. A result fails the test.
    pub async fn refused(&mut self, method: &str, params: Value) -> i64 {
        let id = self.send(method, params).await;
        match self.answer(id).await {
            Ok(result) => panic!("{method} was answered with {result}"),
            Err(error) => error["code"].as_i64().unwrap_or_default(),
        }
    }

    /// Sends a request without waiting; returns its id.
    pub async fn send(&mut self, method: &str, params: Value) -> i64 {
        self.next_id += 1;
        self.owed.insert(self.next_id);
        self.message(json!({"jsonrpc": "2.0", "id": self.next_id, "method": method, "params": params})).await;
        self.next_id
    }

    /// Waits for the answer to a request.
    pub async fn answer(&mut self, id: i64) -> Result<Value, Value> {
        loop {
            if let Some(answer) = self.answers.remove(&id) {
                return answer;
            }
            assert!(self.owed.contains(&id), "nobody asked {id}");
            assert!(self.receive().await, "the server ended and owes an answer to {id}");
        }
    }

    /// When the answer to a request came, which may be before the test waited for it.
    pub fn arrived(&self, id: i64) -> Option<Instant> {
        self.arrived.get(&id).copied()
    }

    /// Waits for all missing answers.
    pub async fn settle(&mut self) -> HashMap<i64, Result<Value, Value>> {
        while !self.owed.is_empty() {
            assert!(self.receive().await, "the server ended and owes answers to {:?}", self.owed);
        }
        std::mem::take(&mut self.answers)
    }

    /// The answers that come within a time, until none is missing.
    pub async fn settle_within(&mut self, time: Duration) -> HashMap<i64, Result<Value, Value>> {
        let until = tokio::time::Instant::now() + time;
        while !self.owed.is_empty()
            && let Ok(message) = tokio::time::timeout_at(until, self.messages.recv()).await
        {
            assert!(self.take(message).await, "the server ended and owes answers to {:?}", self.owed);
        }
        std::mem::take(&mut self.answers)
    }

    /// Sends a notification.
    pub async fn notify(&mut self, method: &str, params: Value) {
        self.message(json!({"jsonrpc": "2.0", "method": method, "params": params})).await;
    }

    /// Cancels a request.
    pub async fn cancel(&mut self, id: i64) {
        self.notify("$/cancelRequest", json!({ "id": id })).await;
    }

    /// Waits for a notification of a method; returns its parameters.
    pub async fn note(&mut self, method: &str) -> Value {
        loop {
            if let Some(at) = self.notes.iter().position(|note| note["method"] == method) {
                return self.notes.remove(at).map(|mut note| note["params"].take()).unwrap_or_default();
            }
            assert!(self.receive().await, "the server ended without `{method}`");
        }
    }

    /// The parameters of a method's notifications that came and that the test has not read yet.
    pub fn noted(&self, method: &str) -> Vec<&Value> {
        self.notes.iter().filter(|note| note["method"] == method).map(|note| &note["params"]).collect()
    }

    /// Waits for a request of the server, which is already answered; returns its parameters.
    pub async fn asked(&mut self, method: &str) -> Value {
        loop {
            if let Some(at) = self.asked.iter().position(|asked| asked["method"] == method) {
                return self.asked.remove(at)["params"].take();
            }
            assert!(self.receive().await, "the server ended without asking `{method}`");
        }
    }

    /// From now on the user chooses the action of this title in a question; an empty one closes it.
    pub fn chooses(&mut self, title: &str) {
        title.clone_into(&mut self.choice);
    }

    /// Waits for an error response without a method, which the server sends for an invalid message; returns its code.
    pub async fn refusal(&mut self) -> i64 {
        loop {
            if let Some(at) = self.notes.iter().position(|note| note.get("method").is_none()) {
                let refusal = self.notes.remove(at).unwrap_or_default();
                return refusal["error"]["code"].as_i64().unwrap_or_default();
            }
            assert!(self.receive().await, "the server ended without an answer");
        }
    }

    /// Opens a document.
    pub async fn open(&mut self, uri: &str, language: &str, version: i32, text: &str) {
        let document = json!({"uri": uri, "languageId": language, "version": version, "text": text});
        self.notify("textDocument/didOpen", json!({ "textDocument": document })).await;
    }

    /// Changes a document by edits in the protocol's form.
    pub async fn change(&mut self, uri: &str, version: i32, changes: Value) {
        let params = json!({"textDocument": {"uri": uri, "version": version}, "contentChanges": changes});
        self.notify("textDocument/didChange", params).await;
    }

    /// Closes a document.
    pub async fn close(&mut self, uri: &str) {
        self.notify("textDocument/didClose", json!({"textDocument": {"uri": uri}})).await;
    }

    /// What is shown in a new document `NAME.rs`, for which nothing is cached, by trigger kind (1 by a key, 2 while typing).
    pub async fn shown_in(&mut self, name: &str, kind: u8) -> Option<String> {
        let uri = format!("file:///project/{name}.rs");
        let password = planted::password();
        let source = format!("fn {name}() {{\n    let greeting = \n    print_{name}(greeting);\n    {password}\n}}\n");
        self.open(&uri, "rust", 1, &source).await;
        let position = json!({"line": 1, "character": 19});
        let place = json!({"textDocument": {"uri": uri}, "position": position, "context": {"triggerKind": kind}});
        let found = self.request("textDocument/inlineCompletion", place).await;
        self.close(&uri).await;
        found.pointer("/items/0/insertText").and_then(Value::as_str).map(str::to_owned)
    }

    /// Sends bytes as they are.
    pub async fn raw(&mut self, bytes: &[u8]) {
        if let Some(output) = &mut self.output {
            let written = async {
                output.write_all(bytes).await?;
                output.flush().await
            };
            let written = timeout(HANG, written).await.expect("the server reads nothing");
            if written.is_err() {
                self.output = None;
            }
        }
    }

    /// Shuts the server down as the protocol says, and waits for it.
    pub async fn shutdown(mut self) -> Code {
        self.request("shutdown", Value::Null).await;
        self.notify("exit", Value::Null).await;
        self.ended().await
    }

    /// Closes the server's input and waits for its end.
    pub async fn hang_up(mut self) -> Code {
        if let Some(mut output) = self.output.take() {
            let _ = output.shutdown().await;
        }
        self.ended().await
    }

    /// Waits for the server's end; an answer missing by then never comes.
    pub async fn ended(&mut self) -> Code {
        let code = match &mut self.server {
            Server::InMemory(server) => {
                timeout(HANG, server).await.expect("the server does not end").map(Code::from).expect("it panicked")
            }
            Server::Process(child) => {
                let status = timeout(HANG, child.wait()).await.expect("the server does not end").expect("it ran");
                status.code().unwrap_or(-1)
            }
        };
        while self.receive().await {}
        if let Some(errors) = self.errors.take() {
            // A program that the server started may keep the stream open.
            let _ = timeout(Duration::from_secs(1), errors).await;
        }
        self.kept.iter().for_each(|path| planted::search(path));
        code
    }

    /// Forgets missing answers, for tests in which the server cannot send them.
    pub fn forgive(&mut self) {
        self.owed.clear();
    }

    /// Forgets what came and was not read: notifications, requests of the server, and when answers arrived.
    pub fn forget(&mut self) {
        self.notes.clear();
        self.asked.clear();
        self.arrived.clear();
    }

    /// The process id of a server that is a process.
    pub fn process_id(&self) -> Option<u32> {
        match &self.server {
            Server::InMemory(_) => None,
            Server::Process(child) => child.id(),
        }
    }

    async fn message(&mut self, message: Value) {
        let body = message.to_string();
        self.raw(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await;
    }

    /// Handles one message of the server; false if the server ended.
    async fn receive(&mut self) -> bool {
        let message = timeout(HANG, self.messages.recv()).await.expect("the server hangs");
        self.take(message).await
    }

    async fn take(&mut self, message: Option<(Instant, Value)>) -> bool {
        let Some((at, message)) = message else { return false };
        match (message.get("method"), message.get("id")) {
            (Some(_), Some(id)) => {
                let answer = json!({"jsonrpc": "2.0", "id": id, "result": self.reply(&message)});
                self.asked.push(message);
                self.message(answer).await;
            }
            (None, Some(Value::Number(id))) => {
                let id = id.as_i64().unwrap_or(-1);
                self.arrived.insert(id, at);
                self.take_answer(id, message.clone());
            }
            _ => self.notes.push_back(message),
        }
        true
    }

    fn take_answer(&mut self, id: i64, mut answer: Value) {
        if !self.owed.remove(&id) {
            self.faults.push(format!("an answer that nobody waits for: {answer}"));
        }
        let error = answer.get_mut("error").map(Value::take);
        self.answers.insert(id, error.map_or_else(|| Ok(answer["result"].take()), Err));
    }

    fn reply(&self, request: &Value) -> Value {
        match request["method"].as_str() {
            Some("workspace/configuration") => {
                let items = request["params"]["items"].as_array().map_or(0, Vec::len);
                Value::Array(vec![self.settings.clone(); items])
            }
            Some("workspace/applyEdit") => json!({"applied": true}),
            Some("window/showDocument") => json!({"success": true}),
            Some("window/showMessageRequest") => {
                let mut actions = request["params"]["actions"].as_array().into_iter().flatten();
                let chosen = actions.find(|action| action["title"] == self.choice.as_str());
                chosen.cloned().unwrap_or_default()
            }
            _ => Value::Null,
        }
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        assert!(self.faults.is_empty(), "{:?}", self.faults);
        let leaks = door::noted();
        assert!(leaks.is_empty(), "what may not be kept was written:\n  {}", leaks.join("\n  "));
        assert!(self.owed.is_empty(), "requests without an answer: {:?}", self.owed);
    }
}

/// Reads one message; `None` at the end of the stream.
async fn read(input: &mut (impl AsyncBufReadExt + Unpin)) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if input.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("Content-Length", given)) => length = given.parse().expect("a length"),
            Some(_) => {}
            None if line == "\r\n" => break,
            None => panic!("the server wrote {line:?}"),
        }
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body).await.ok()?;
    Some(serde_json::from_slice(&body).expect("the server writes JSON"))
}

/// Options with which the server reads and writes no files of the user who runs the tests.
pub fn options() -> pennyworth::server::Options {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("default.toml");
    pennyworth::server::Options { config: Some(config), ..Default::default() }
}

/// The URI of an absolute path without characters that need escaping.
pub fn uri(path: &Path) -> String {
    format!("file://{}", path.display())
}

/// The server that an evaluation starts: this one, or the one built beside the evaluation.
///
/// # Errors
/// Says what builds it if it is missing.
pub fn beside(server: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    let server = match server {
        Some(server) => server,
        None => std::env::current_exe()?.with_file_name(format!("pennyworth{}", std::env::consts::EXE_SUFFIX)),
    };
    anyhow::ensure!(server.is_file(), "{} is missing: `cargo build --release` builds it", server.display());
    Ok(server)
}

/// The server's binary, built if it is missing or old.
pub fn binary() -> PathBuf {
    // What Cargo tells a test of its package would make build scripts that look at it run once more, and all that depends on them.
    let of_this_test = std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    });
    let mut cargo = std::process::Command::new(env!("CARGO"));
    of_this_test.for_each(|name| {
        cargo.env_remove(name);
    });
    let built = cargo
        // The tests of its package bring it along, with the features of this build: other features would build all dependencies once more.
        .args(["test", "--quiet", "--no-run", "--workspace", "--test", "ledger"])
        .status();
    assert!(built.is_ok_and(|status| status.success()), "the binary does not build");
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    profile.join(format!("pennyworth{}", std::env::consts::EXE_SUFFIX))
}

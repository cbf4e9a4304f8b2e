//! A fake model provider: a small HTTP server on loopback that speaks every wire protocol, keeps its own bill, sees connections
//! close, and fails in the ways providers fail. It shares no code with the client it tests.
//! It leaves the expected result of a failure to the tests.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use self::dialect::{Counts, Dialect};

// The path also holds for files that include this one.
#[path = "fake_provider/dialect.rs"]
mod dialect;
#[path = "fake_provider/door.rs"]
pub mod door;

/// How a call goes wrong.
#[derive(Clone, Debug, Default)]
pub enum Fault {
    /// Not at all.
    #[default]
    None,
    /// A status other than success, with headers and a body.
    Status(u16, Vec<(&'static str, String)>, Value),
    /// No byte of an answer, until the client goes away.
    HangBeforeFirstByte,
    /// The head of an answer and no event, until the client goes away.
    HangAfterHead,
    /// This many pieces, then silence until the client goes away.
    StallAfter(usize),
    /// No fault: this many pieces, and the others after [`FakeProvider::release`].
    HeldAfter(usize),
    /// This many pieces, then a connection reset.
    ResetAfter(usize),
    /// This many pieces, then the end of the body, without the end of the answer.
    CutAfter(usize),
    /// This many pieces of a body that its length says to be longer, then the end of the connection.
    ShortAfter(usize),
    /// All pieces and the reason for the end, then silence instead of the marker for the end of the stream.
    StallAfterFinish,
    /// This many pieces, then a frame that is not JSON.
    MalformedAfter(usize),
    /// This many pieces, then an error inside the stream.
    ErrorAfter(usize, Value),
    /// All pieces, but no usage.
    NoUsage,
    /// One frame of this many bytes.
    HugeFrame(usize),
    /// The whole answer at once as JSON: the server does not stream.
    NotStreamed,
    /// No fault: the whole stream in one write, for measurements.
    AtOnce,
    /// An HTML page, with status 200.
    Html,
    /// A status with a body that is no API's: its type and its text.
    Page(u16, &'static str, &'static str),
    /// A head, with its blank line or without, and then a text again and again at full speed until the client goes away.
    Endless(&'static str, &'static str),
    /// A head and a text, then silence until the client goes away.
    HangAfter(&'static str, &'static str),
    /// A refusal that names the field, for any request with one of these fields; else the answer.
    Refuses(Vec<&'static str>),
}

/// One answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The pieces, one token and one frame each.
    pub pieces: Vec<String>,
    /// How it goes wrong.
    pub fault: Fault,
    /// Input tokens that it reports as cached.
    pub cached: u64,
    /// The log-probability of each piece; only the OpenAI protocol's completions send it.
    pub logprob: Option<f64>,
    /// Extra headers.
    pub headers: Vec<(&'static str, String)>,
    /// Time before its first byte, for measurements.
    pub delay: Duration,
    /// Time before each piece.
    pub pace: Duration,
}

impl Answer {
    /// These pieces without a fault.
    pub fn new(pieces: &[&str]) -> Answer {
        Answer { pieces: pieces.iter().map(ToString::to_string).collect(), ..Answer::default() }
    }

    /// The same with a fault.
    pub fn with(self, fault: Fault) -> Answer {
        Answer { fault, ..self }
    }
}

/// What the provider charges for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Calls that were not refused.
    pub calls: u64,
    /// Tokens of their input.
    pub input: u64,
    /// Input tokens read from the cache.
    pub cached: u64,
    /// Tokens written.
    pub output: u64,
}

impl Bill {
    /// Adds a call with its input.
    fn begin(&mut self, input: u64, cached: u64) {
        self.calls += 1;
        self.input += input;
        self.cached += cached;
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method and path.
    pub line: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, `null` if it was not JSON.
    pub body: Value,
    /// When its headers were read.
    pub at: Instant,
}

#[derive(Default)]
struct State {
    answers: VecDeque<Answer>,
    always: Option<Answer>,
    bill: Bill,
    seen: Vec<Seen>,
    leaks: Vec<String>,
    written: Vec<Instant>,
    connections: usize,
    models: Vec<Has>,
    facts: Vec<Fact>,
    released: Arc<Notify>,
    by: Option<Oracle>,
    is_proxy: bool,
    is_ollama: bool,
}

/// Answers a request by its body.
type Oracle = Arc<dyn Fn(&Value) -> Answer + Send + Sync>;

/// A model that the provider lists.
#[derive(Clone, Debug)]
struct Has {
    id: String,
    is_loaded: bool,
    inserts: bool,
}

/// What else the provider says of a model.
#[derive(Clone, Debug)]
struct Fact {
    id: String,
    /// Whether its list says so; otherwise only Ollama's description of the model does.
    is_listed: bool,
    fields: Value,
}

/// The server; it ends when dropped.
pub struct FakeProvider {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    closed: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl FakeProvider {
    /// Starts on a free port.
    pub async fn start() -> io::Result<FakeProvider> {
        FakeProvider::at(TcpListener::bind("127.0.0.1:0").await?)
    }

    /// Starts at a socket.
    pub fn at(listener: TcpListener) -> io::Result<FakeProvider> {
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let (closes, closed) = watch::channel(0);
        let shared = Arc::clone(&state);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (state, closes) = (Arc::clone(&shared), closes.clone());
                lock(&state).connections += 1;
                connections.spawn(async move {
                    // Without this each small frame would wait for the acknowledgement of the last.
                    let _ = stream.set_nodelay(true);
                    let _ = serve(stream, &state).await;
                    closes.send_modify(|count| *count += 1);
                });
            }
        });
        Ok(FakeProvider { address, state, closed, task })
    }

    /// Stops listening: further connections are refused.
    pub fn stop(&self) {
        self.task.abort();
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Sets the models that it lists.
    pub fn lists(&self, models: &[&str]) {
        self.has(&models.iter().map(|id| (*id, false, false)).collect::<Vec<_>>());
    }

    /// From now on it says that it is a LiteLLM proxy, to who asks.
    pub fn is_proxy(&self) {
        lock(&self.state).is_proxy = true;
    }

    /// From now on it says that it is an Ollama, to who asks.
    pub fn is_ollama(&self) {
        lock(&self.state).is_ollama = true;
    }

    /// Sets the models that it lists, whether each is in memory, and whether it takes a suffix, as Ollama reports it.
    pub fn has(&self, models: &[(&str, bool, bool)]) {
        let has = |(id, is_loaded, inserts): &(&str, bool, bool)| Has {
            id: (*id).to_owned(),
            is_loaded: *is_loaded,
            inserts: *inserts,
        };
        lock(&self.state).models = models.iter().map(has).collect();
    }

    /// Adds fields to what it lists of a model.
    pub fn lists_also(&self, id: &str, fields: Value) {
        lock(&self.state).facts.push(Fact { id: id.to_owned(), is_listed: true, fields });
    }

    /// Adds fields to how it describes a model, as Ollama does if it is asked.
    pub fn shows_also(&self, id: &str, fields: Value) {
        lock(&self.state).facts.push(Fact { id: id.to_owned(), is_listed: false, fields });
    }

    /// The address of the API.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Queues an answer for the next call without one.
    pub fn answer(&self, answer: Answer) {
        lock(&self.state).answers.push_back(answer);
    }

    /// Answers every call with this, once the queued answers are used up.
    pub fn always(&self, answer: Answer) {
        lock(&self.state).always = Some(answer);
    }

    /// Answers each call without a prepared answer by its body.
    pub fn answers_by(&self, oracle: impl Fn(&Value) -> Answer + Send + Sync + 'static) {
        lock(&self.state).by = Some(Arc::new(oracle));
    }

    /// Releases one held answer, now or when it comes.
    pub fn release(&self) {
        lock(&self.state).released.notify_one();
    }

    /// The bill so far.
    pub fn bill(&self) -> Bill {
        lock(&self.state).bill
    }

    /// The requests so far.
    pub fn seen(&self) -> Vec<Seen> {
        lock(&self.state).seen.clone()
    }

    /// Forgets the requests so far, but not their bill.
    pub fn forget(&self) {
        let mut state = lock(&self.state);
        state.seen.clear();
        state.written.clear();
    }

    /// Takes the planted markers that arrived: without this, dropping the provider fails the test.
    pub fn leaks(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).leaks)
    }

    /// When the writing of each [`Fault::AtOnce`] answer began.
    pub fn written(&self) -> Vec<Instant> {
        lock(&self.state).written.clone()
    }

    /// The number of connections so far.
    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// Waits until this many connections were closed.
    pub async fn closed(&self, count: usize) {
        let _ = self.closed.clone().wait_for(|closed| *closed >= count).await;
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.task.abort();
        let leaks = self.leaks();
        if !std::thread::panicking() {
            assert!(leaks.is_empty(), "a provider was sent what may not leave:\n  {}", leaks.join("\n  "));
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves one connection until it closes.
async fn serve(stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    while let Some((seen, leaks)) = request(&mut stream).await? {
        let answer = {
            let mut state = lock(state);
            state.leaks.extend(leaks);
            // Each server here is asked once what it is, which is no part of a conversation.
            if !asks_if_proxy(&seen) && !asks_if_ollama(&seen) {
                state.seen.push(seen.clone());
            }
            let prepared = |state: &mut State| state.answers.pop_front().or_else(|| state.always.clone());
            let by = state.by.clone();
            match is_question(&seen) {
                true => None,
                false => prepared(&mut state).or_else(|| by.map(|by| by(&seen.body))),
            }
        };
        match answer {
            Some(answer) => respond(&mut stream, &seen, answer, state).await?,
            None if is_question(&seen) => {
                let (status, told) = told(&seen, &lock(state));
                whole(&mut stream, status, &[], "application/json", &told.to_string()).await?
            }
            None => whole(&mut stream, 500, &[], "application/json", r#"{"error":"no answer was prepared"}"#).await?,
        }
    }
    Ok(())
}

/// Whether a request asks what a LiteLLM proxy alone answers.
fn asks_if_proxy(seen: &Seen) -> bool {
    seen.line.ends_with("/health/liveliness")
}

/// Whether a request asks what an Ollama alone answers.
fn asks_if_ollama(seen: &Seen) -> bool {
    seen.line.starts_with("GET") && seen.line.ends_with('/')
}

/// Whether a request asks about models instead of calling one.
fn is_question(seen: &Seen) -> bool {
    seen.line.starts_with("GET") || seen.line == "POST /api/show"
}

/// The status and the body of the answer to a request about models.
fn told(seen: &Seen, state: &State) -> (u16, Value) {
    let State { models, facts, .. } = state;
    let with_facts = |mut told: Value, id: &str, is_listed: bool| -> Value {
        let facts = facts.iter().filter(|fact| fact.id == id && (fact.is_listed || !is_listed));
        if let Some(told) = told.as_object_mut() {
            told.extend(facts.filter_map(|fact| fact.fields.as_object().cloned()).flatten());
        }
        told
    };
    let named = |all: &mut dyn Iterator<Item = &Has>| -> Value {
        json!({"models": all.map(|model| with_facts(json!({"name": model.id}), &model.id, true)).collect::<Vec<_>>()})
    };
    let told = match seen.line.as_str() {
        _ if asks_if_proxy(seen) && state.is_proxy => json!("I'm alive!"),
        _ if asks_if_proxy(seen) => return (404, json!({"detail": "Not Found"})),
        _ if asks_if_ollama(seen) && state.is_ollama => json!("Ollama is running"),
        _ if asks_if_ollama(seen) => return (404, json!({"detail": "Not Found"})),
        "GET /api/tags" => named(&mut models.iter()),
        "GET /api/ps" => named(&mut models.iter().filter(|model| model.is_loaded)),
        "GET /api/v0/models" => {
            let state = |model: &Has| if model.is_loaded { "loaded" } else { "not-loaded" };
            json!({"data": models.iter().map(|model| json!({"id": model.id, "state": state(model)})).collect::<Vec<_>>()})
        }
        "POST /api/show" => {
            let asked = models.iter().find(|model| seen.body.get("model") == Some(&json!(model.id)));
            let inserts = asked.is_some_and(|model| model.inserts);
            let told = json!({"capabilities": if inserts { vec!["completion", "insert"] } else { vec!["completion"] }});
            with_facts(told, asked.map_or("", |model| &model.id), false)
        }
        _ => {
            let listed = models.iter().map(|model| with_facts(json!({"id": model.id}), &model.id, true));
            json!({"object": "list", "data": listed.collect::<Vec<_>>()})
        }
    };
    (200, told)
}

/// Reads a request, with the planted markers in any byte of it; `None` if the connection closed or speaks another protocol, which is refused as servers do.
async fn request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<(Seen, Vec<String>)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return Ok(None),
        }
        if !head.starts_with(b"P") && !head.starts_with(b"G") {
            whole(stream, 400, &[], "text/plain", "this is HTTP").await?;
            return Ok(None);
        }
    }
    let at = Instant::now();
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let headers: Vec<_> =
        lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned())).collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .and_then(|(_, value)| value.parse().ok())
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let leaks = [head.as_bytes(), &body].into_iter().flat_map(|bytes| door::leaks(&line, bytes)).collect();
    Ok(Some((Seen { line, headers, body: serde_json::from_slice(&body).unwrap_or(Value::Null), at }, leaks)))
}

async fn respond(
    stream: &mut BufReader<TcpStream>,
    seen: &Seen,
    answer: Answer,
    state: &Mutex<State>,
) -> io::Result<()> {
    match &answer.fault {
        Fault::Status(status, headers, body) => {
            return whole(stream, *status, headers, "application/json", &body.to_string()).await;
        }
        Fault::Page(status, kind, text) => return whole(stream, *status, &[], kind, text).await,
        Fault::Html => return whole(stream, 200, &[], "text/html", "<html>hello</html>").await,
        Fault::HangBeforeFirstByte => return hang(stream).await,
        Fault::Endless(head, text) => {
            stream.write_all(head.as_bytes()).await?;
            let piece = text.repeat(16 * 1024 / text.len().max(1) + 1);
            loop {
                stream.write_all(piece.as_bytes()).await?;
            }
        }
        Fault::HangAfter(head, text) => {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(text.as_bytes()).await?;
            return hang(stream).await;
        }
        Fault::Refuses(fields) => {
            if let Some(field) = fields.iter().find(|field| seen.body.get(**field).is_some()) {
                let hint = if *field == "max_tokens" { " Use 'max_completion_tokens' instead." } else { "" };
                let message = format!("Unsupported parameter: '{field}' is not supported with this model.{hint}");
                let refusal = json!({"error": {"message": message, "type": "invalid_request_error", "param": field, "code": "unsupported_parameter"}});
                lock(state).answers.push_front(answer.clone());
                return whole(stream, 400, &[], "application/json", &refusal.to_string()).await;
            }
        }
        _ => {}
    }
    let dialect = Dialect::of(&seen.line);
    let input = input_tokens(&seen.body);
    if !answer.delay.is_zero() && rest(stream, answer.delay).await.is_err() {
        // The input is billed even if the client is gone.
        bill(state, |bill| bill.begin(input, answer.cached));
        return Err(io::ErrorKind::BrokenPipe.into());
    }
    bill(state, |bill| bill.begin(input, answer.cached));
    let counts = |output: usize| Counts { input, cached: answer.cached, output: output as u64 };
    if matches!(answer.fault, Fault::NotStreamed) {
        bill(state, |bill| bill.output += answer.pieces.len() as u64);
        let body = not_streamed(dialect, &answer, counts(answer.pieces.len()));
        return whole(stream, 200, &answer.headers, "application/json", &body.to_string()).await;
    }
    let kind = dialect.content_type();
    let more = header_lines(&answer.headers);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{more}transfer-encoding: chunked\r\n\r\n");
    if matches!(answer.fault, Fault::AtOnce) {
        bill(state, |bill| bill.output += answer.pieces.len() as u64);
        let frames = frames(dialect, &answer, counts(answer.pieces.len()));
        let whole = format!("{head}{:x}\r\n{frames}\r\n0\r\n\r\n", frames.len());
        lock(state).written.push(Instant::now());
        return stream.write_all(whole.as_bytes()).await;
    }
    if let Fault::ShortAfter(count) = answer.fault {
        let pieces = answer.pieces.iter().take(count).map(|piece| dialect.piece(piece, counts(0)));
        let values = dialect.begin(counts(0)).into_iter().chain(pieces);
        let body: String = values.map(|value| dialect.frame(&value)).collect();
        let length = body.len() + 1000;
        bill(state, |bill| bill.output += count as u64);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\n{more}content-length: {length}\r\n\r\n");
        stream.write_all((head + &body).as_bytes()).await?;
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    stream.write_all(head.as_bytes()).await?;
    if matches!(answer.fault, Fault::HangAfterHead) {
        return hang(stream).await;
    }
    let ceiling = Dialect::ceiling(&seen.body).unwrap_or(u64::MAX);
    let mut sent = 0;
    if let Some(first) = dialect.begin(counts(0)) {
        chunk(stream, &dialect.frame(&first)).await?;
    }
    for piece in &answer.pieces {
        match &answer.fault {
            Fault::StallAfter(count) if sent == *count => return hang(stream).await,
            Fault::HeldAfter(count) if sent == *count => held(stream, state).await?,
            Fault::ResetAfter(count) if sent == *count => return reset(stream),
            Fault::CutAfter(count) if sent == *count => return stream.write_all(b"0\r\n\r\n").await,
            Fault::MalformedAfter(count) if sent == *count => return chunk(stream, "data: {\"choices\": [\n\n").await,
            Fault::ErrorAfter(count, body) if sent == *count => return chunk(stream, &dialect.frame(body)).await,
            Fault::HugeFrame(size) => {
                return chunk(stream, &dialect.frame(&dialect.piece(&"x".repeat(*size), counts(0)))).await;
            }
            _ if sent as u64 >= ceiling => break,
            _ => {}
        }
        if !answer.pace.is_zero() {
            rest(stream, answer.pace).await?;
        }
        let mut frame = dialect.piece(piece, counts(sent));
        if let (Some(logprob), Some(choice)) = (answer.logprob, frame.pointer_mut("/choices/0")) {
            choice["logprobs"] = json!({"token_logprobs": [logprob]});
        }
        chunk(stream, &dialect.frame(&frame)).await?;
        sent += 1;
        bill(state, |bill| bill.output += 1);
    }
    let asks_in_vain = dialect.says_done() && seen.body.pointer("/stream_options/include_usage") != Some(&json!(true));
    let tells = !asks_in_vain && !matches!(answer.fault, Fault::NoUsage);
    for frame in dialect.end(&answer.pieces.concat(), sent as u64 >= ceiling, counts(sent), tells) {
        chunk(stream, &dialect.frame(&frame)).await?;
    }
    if matches!(answer.fault, Fault::StallAfterFinish) {
        return hang(stream).await;
    }
    if dialect.says_done() {
        chunk(stream, "data: [DONE]\n\n").await?;
    }
    stream.write_all(b"0\r\n\r\n").await
}

/// Waits; an error if the client goes away first.
async fn rest(stream: &mut BufReader<TcpStream>, time: Duration) -> io::Result<()> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        _ = stream.read_u8() => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// Waits until the answer may go on; an error if the client goes away first.
async fn held(stream: &mut BufReader<TcpStream>, state: &Mutex<State>) -> io::Result<()> {
    let released = Arc::clone(&lock(state).released);
    tokio::select! {
        () = released.notified() => Ok(()),
        _ = stream.read_u8() => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

/// All frames of an answer that is not cut.
fn frames(dialect: Dialect, answer: &Answer, counts: Counts) -> String {
    let pieces = answer.pieces.iter().map(|piece| dialect.piece(piece, counts));
    let end = dialect.end(&answer.pieces.concat(), false, counts, true);
    let values = dialect.begin(counts).into_iter().chain(pieces).chain(end);
    let done = if dialect.says_done() { "data: [DONE]\n\n" } else { "" };
    values.map(|value| dialect.frame(&value)).chain([done.to_owned()]).collect()
}

/// A whole answer, by a server of the OpenAI protocol that does not stream.
fn not_streamed(dialect: Dialect, answer: &Answer, counts: Counts) -> Value {
    let text = answer.pieces.concat();
    let choice = match dialect {
        Dialect::Chat => json!({"index": 0, "message": {"content": text}, "finish_reason": "stop"}),
        _ => json!({"index": 0, "text": text, "finish_reason": "stop"}),
    };
    json!({"id": "fake-1", "choices": [choice], "usage": {"prompt_tokens": counts.input, "completion_tokens": counts.output,
        "prompt_tokens_details": {"cached_tokens": counts.cached}}})
}

fn bill(state: &Mutex<State>, change: impl FnOnce(&mut Bill)) {
    change(&mut lock(state).bill);
}

/// The provider's own token count: four characters of the request are a token.
pub fn input_tokens(body: &Value) -> u64 {
    let names = [
        "prompt",
        "suffix",
        "messages",
        "system",
        "contents",
        "systemInstruction",
        "input_prefix",
        "input_suffix",
        "inputs",
    ];
    let parts = names.iter().filter_map(|name| body.get(name));
    parts.map(|part| part.to_string().chars().count().div_ceil(4) as u64).sum()
}

async fn chunk(stream: &mut BufReader<TcpStream>, data: &str) -> io::Result<()> {
    stream.write_all(format!("{:x}\r\n{data}\r\n", data.len()).as_bytes()).await
}

async fn whole(
    stream: &mut BufReader<TcpStream>,
    status: u16,
    headers: &[(&'static str, String)],
    kind: &str,
    body: &str,
) -> io::Result<()> {
    let extra = header_lines(headers);
    let head =
        format!("HTTP/1.1 {status} Status\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{extra}\r\n", body.len());
    stream.write_all((head + body).as_bytes()).await
}

fn header_lines(headers: &[(&'static str, String)]) -> String {
    headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}

/// Waits until the client goes away.
async fn hang(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    while stream.read_u8().await.is_ok() {}
    Err(io::ErrorKind::ConnectionAborted.into())
}

/// Closes so that the client sees a reset.
fn reset(stream: &mut BufReader<TcpStream>) -> io::Result<()> {
    stream.get_ref().set_zero_linger()?;
    Err(io::ErrorKind::ConnectionReset.into())
}

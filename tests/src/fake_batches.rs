//! A fake provider of batches: a small HTTP server on loopback that speaks every batch API, holds requests to the rules of each, keeps its
//! own bill and fails at every step. It shares no code with the client it tests.
//! It leaves the expected result of a failure to the tests.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::rules::Sent;
use self::state::{Progress, State, take};

mod batch;
mod calls;
mod lines;
mod rules;
mod state;

pub use self::state::{Api, Bill, Course, End, Fate, Fault, KEY, Step, USES};

/// The server; it ends when dropped.
pub struct FakeBatches {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Changes with each step.
    stepped: watch::Sender<usize>,
    task: JoinHandle<()>,
}

impl FakeBatches {
    /// Starts on a free port.
    pub async fn start(api: Api) -> io::Result<FakeBatches> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State {
            api,
            course: Course::default(),
            faults: VecDeque::new(),
            files: Vec::new(),
            batches: Vec::new(),
            named: BTreeMap::new(),
            removed: BTreeSet::new(),
            bill: Bill::default(),
            broken_rules: Vec::new(),
            steps: Vec::new(),
            bodies: Vec::new(),
        }));
        let (shared, stepped) = (Arc::clone(&state), watch::Sender::new(0));
        let steps = stepped.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (state, steps) = (Arc::clone(&shared), steps.clone());
                connections.spawn(async move { drop(serve(stream, &state, &steps).await) });
            }
        });
        Ok(FakeBatches { address, state, stepped, task })
    }

    /// The address of the API.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next time that this step is taken, it goes wrong.
    pub fn fails(&self, step: Step, fault: Fault) {
        lock(&self.state).faults.push_back((step, fault));
    }

    /// Sets the course of all batches.
    pub fn course(&self, course: Course) {
        lock(&self.state).course = course;
    }

    /// Begins all batches.
    pub fn run(&self) {
        lock(&self.state).batches.iter_mut().for_each(|batch| batch.progress = Progress::Running);
    }

    /// Ends all batches, and bills them.
    pub fn finish(&self) {
        let mut state = lock(&self.state);
        let State { batches, course, bill, .. } = &mut *state;
        for batch in batches.iter_mut().filter(|batch| batch.progress != Progress::Over) {
            batch.end = if batch.progress == Progress::Cancelling { End::Cancelled } else { course.end };
            batch.progress = Progress::Over;
            let fates = batch.requests.iter().map(|(id, _)| course.fates.get(id).copied().unwrap_or_default());
            let answers = fates.filter(|fate| matches!(fate, Fate::Answer | Fate::Lost)).count() as u64;
            bill.answers += answers;
            bill.input += answers * USES[0];
            bill.cached += answers * USES[1];
            bill.output += answers * USES[2];
        }
    }

    /// Forgets all batches, as after a month.
    pub fn forget(&self) {
        lock(&self.state).batches.clear();
    }

    /// Takes so many batches of somebody else, of so many requests each.
    pub fn takes_others(&self, count: usize, requests: usize) {
        let mut state = lock(&self.state);
        for number in 0..count {
            let requests = (0..requests).map(|id| (format!("other-{number}-{id}"), Value::Null)).collect();
            let (name, file) = (Some(format!("other-{number}")), Some(format!("file-other-{number}")));
            take(&mut state, name, file, requests);
        }
    }

    /// The bill so far.
    #[must_use]
    pub fn bill(&self) -> Bill {
        lock(&self.state).bill
    }

    /// What it holds of requests and answers: uploaded files, and batches that are over with all that was not removed of them.
    #[must_use]
    pub fn holds(&self) -> Vec<String> {
        let state = lock(&self.state);
        let files = state.files.iter().map(|(id, _, _)| id.clone());
        let over = state.batches.iter().filter(|batch| batch.progress == Progress::Over);
        let of_batch = over.flat_map(|batch| match state.api {
            Api::Openai | Api::Together => {
                let told = batch::shape(state.api, &state.course, batch, false);
                let files = ["output_file_id", "error_file_id"]
                    .map(|field| told.get(field).and_then(Value::as_str).map(str::to_owned));
                files.into_iter().flatten().collect()
            }
            _ => vec![batch.id.clone()],
        });
        files.chain(of_batch).filter(|held| !state.removed.contains(held)).collect()
    }

    /// The steps so far.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        lock(&self.state).steps.clone()
    }

    /// Waits until a step was taken so many times.
    pub async fn reached(&self, step: Step, times: usize) {
        let mut stepped = self.stepped.subscribe();
        let count = || self.steps().iter().filter(|taken| **taken == step).count();
        while count() < times {
            // The sender lives as long as this server.
            let _ = stepped.changed().await;
        }
    }

    /// Waits until so many steps were taken.
    pub async fn stepped(&self, times: usize) {
        let mut stepped = self.stepped.subscribe();
        while self.steps().len() < times {
            // The sender lives as long as this server.
            let _ = stepped.changed().await;
        }
    }

    /// Waits until every fault was met.
    pub async fn failed(&self) {
        let mut stepped = self.stepped.subscribe();
        while !lock(&self.state).faults.is_empty() {
            // The sender lives as long as this server.
            let _ = stepped.changed().await;
        }
    }

    /// Forgets the faults that were not met yet.
    pub fn mends(&self) {
        lock(&self.state).faults.clear();
    }

    /// The bodies of all requests in all batches and files.
    #[must_use]
    pub fn bodies(&self) -> Vec<Value> {
        lock(&self.state).bodies.clone()
    }

    /// The rules that calls broke.
    #[must_use]
    pub fn broken_rules(&self) -> Vec<String> {
        lock(&self.state).broken_rules.clone()
    }
}

impl Drop for FakeBatches {
    fn drop(&mut self) {
        self.task.abort();
        let broken = std::mem::take(&mut lock(&self.state).broken_rules);
        if !std::thread::panicking() {
            assert!(broken.is_empty(), "calls broke rules of the API:\n  {}", broken.join("\n  "));
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves one request.
async fn serve(stream: TcpStream, state: &Mutex<State>, stepped: &watch::Sender<usize>) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let Some(sent) = request(&mut stream).await? else { return Ok(()) };
    let (fault, answer) = {
        let mut state = lock(state);
        let step = calls::step(state.api, &sent);
        state.steps.extend(step);
        let at = state.faults.iter().position(|(failing, _)| Some(*failing) == step);
        let fault = at.and_then(|at| state.faults.remove(at)).map(|(_, fault)| fault);
        let is_done = !matches!(fault, Some(Fault::Refuse(..) | Fault::Hang));
        (fault, is_done.then(|| answer(&mut state, step, &sent)))
    };
    stepped.send_modify(|steps| *steps += 1);
    let (status, kind, body) = answer.unwrap_or((500, "application/json", Vec::new()));
    match fault {
        None => whole(&mut stream, status, kind, &body).await,
        Some(Fault::Refuse(status, body)) => {
            whole(&mut stream, status, "application/json", body.to_string().as_bytes()).await
        }
        Some(Fault::Says(kind, text)) => whole(&mut stream, 200, kind, text.as_bytes()).await,
        Some(Fault::CutAfter) => {
            let half = body.get(..body.len() / 2).unwrap_or_default();
            stream.write_all(head(200, kind, body.len()).as_bytes()).await?;
            stream.write_all(half).await
        }
        Some(Fault::Hang | Fault::HangAfter) => {
            while stream.read_u8().await.is_ok() {}
            Ok(())
        }
    }
}

/// The status, the type and the body of the answer to a request, after doing what it asks for.
fn answer(state: &mut State, step: Option<Step>, sent: &Sent) -> (u16, &'static str, Vec<u8>) {
    let json = |status: u16, value: Value| (status, "application/json", value.to_string().into_bytes());
    if let Err(broken) = rules::check_head(state.api, sent) {
        state.broken_rules.push(broken);
        return json(401, json!({"error": {"message": "no such key", "type": "authentication_error"}}));
    }
    let Some(step) = step else {
        state.broken_rules.push(format!("nothing is at {}", sent.line));
        return json(404, json!({"error": {"message": "nothing is here", "type": "not_found_error"}}));
    };
    match calls::answer(state, step, sent) {
        Ok((status, kind, body)) => (status, kind, body),
        Err((status, why)) => {
            // What is not there may be asked for, and what is over may be cancelled.
            if !matches!(status, 404 | 409) {
                state.broken_rules.push(format!("{}: {why}", sent.line));
            }
            json(status, json!({"type": "error", "error": {"message": why, "type": "invalid_request_error"}}))
        }
    }
}

/// Reads a request; `None` if the connection closed.
async fn request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Sent>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return Ok(None),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let line = lines.next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    let headers: BTreeMap<String, String> =
        lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_ascii_lowercase(), v.to_owned())).collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Sent { line, headers, body }))
}

fn head(status: u16, kind: &str, length: usize) -> String {
    format!("HTTP/1.1 {status} Status\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n")
}

async fn whole(stream: &mut BufReader<TcpStream>, status: u16, kind: &str, body: &[u8]) -> io::Result<()> {
    stream.write_all(head(status, kind, body.len()).as_bytes()).await?;
    stream.write_all(body).await
}

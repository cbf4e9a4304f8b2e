//! The life of a server: messages in, handlers side by side, answers out, until the client says exit, goes silent or dies.
//! It leaves what a message does to `server`.
//!
//! tower-lsp's own loop runs a limited number of handlers and reads nothing while all are busy, not even cancellations;
//! it ends at the first malformed message and at the first panic, and does not end with its input while a call is under way.
//! Here every handler is polled once as its message arrives, so that what it does before its first `await` happens in the order of the wire.

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use futures_util::future::{self, FutureExt};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tower_lsp::gen_lsp_types::Uri;
use tower_lsp::jsonrpc::{Error, Request, Response};
use tower_lsp::{ClientSocket, LspService};
use tower_service::Service;

use crate::frames::{self, Frames, Incoming};
use crate::server::{self, Options, Server};

/// What calls under way get to finish after the last message.
const GRACE: Duration = Duration::from_millis(200);
/// What a client gets to read the last answers.
const DRAIN: Duration = Duration::from_millis(500);
/// How often the parent process is looked for. It only matters where a parent dies and its pipe stays open.
const PARENT_POLL: Duration = Duration::from_secs(5);
/// Messages that are read ahead of the handlers.
const READ_AHEAD: usize = 256;

/// Serves standard input and output; the exit code of the process.
pub async fn run(options: Options) -> u8 {
    serve(tokio::io::stdin(), tokio::io::stdout(), options).await
}

/// Serves a client at the other end of two streams until it is gone; the exit code that the protocol asks for:
/// 0 after a `shutdown`, 1 without.
pub async fn serve<I, O>(input: I, output: O, options: Options) -> u8
where
    I: AsyncRead + Unpin + Send + 'static,
    O: AsyncWrite + Unpin + Send + 'static,
{
    let (service, socket) = server::service(options);
    let (incoming, reader) = read(input);
    let (answers, writer) = write(output);
    let mut serving = Serving { service, answers: Answers(answers), calls: FuturesUnordered::new() };
    let why = serving.until_over(incoming, socket).await;
    tracing::info!(why, "the server ends");
    reader.abort();
    let Serving { service, answers, calls } = serving;
    finish(calls, &answers).await;
    service.inner().close().await;
    drop(answers);
    if timeout(DRAIN, writer).await.is_err() {
        tracing::warn!("the client does not read its answers");
    }
    u8::from(!service.inner().was_shut_down())
}

/// The calls under way and where their answers go.
struct Serving {
    service: LspService<Server>,
    answers: Answers,
    calls: FuturesUnordered<Pin<Box<Call>>>,
}

/// A handler that cannot fail: a panic in it is an answer.
type Call = dyn Future<Output = Option<Response>> + Send;

impl Serving {
    /// Serves until one of the ends, and names it.
    async fn until_over(&mut self, mut incoming: mpsc::Receiver<Incoming>, socket: ClientSocket) -> &'static str {
        let (mut requests, mut responses) = socket.split();
        let answers = self.answers.clone();
        let mut closed = pin!(answers.0.closed());
        let mut orphaned = pin!(parent_gone(self.service.inner().parent()));
        loop {
            tokio::select! {
                message = incoming.recv() => match message {
                    Some(Incoming::Request(request)) => {
                        let is_exit = request.method() == "exit";
                        self.begin(request);
                        if is_exit {
                            return "exit";
                        }
                    }
                    Some(Incoming::Response(response)) => drop(responses.send(response).await),
                    Some(Incoming::Broken(answer)) => {
                        tracing::warn!("a message that is not one");
                        self.answers.send(&answer);
                    }
                    None => return "end of input",
                },
                Some(answer) = self.calls.next(), if !self.calls.is_empty() => self.answers.give(answer),
                Some(request) = requests.next() => self.answers.send(&request),
                () = &mut closed => return "nobody reads the output",
                () = &mut orphaned => return "the parent process is gone",
            }
        }
    }

    /// Begins a call: its handler runs up to where it first waits.
    fn begin(&mut self, request: Request) {
        let (id, method, begun) = (request.id().cloned(), request.method().to_owned(), Instant::now());
        let edited = (method == "textDocument/didChange").then(|| uri(&request)).flatten();
        let edits = self.service.inner().edits();
        let handler = AssertUnwindSafe(self.service.call(request)).catch_unwind();
        let mut call: Pin<Box<Call>> = Box::pin(handler.map(move |ended| match ended {
            Ok(answer) => {
                if id.is_some() {
                    let ms = begun.elapsed().as_secs_f64() * 1000.0;
                    tracing::debug!(method, ms = format_args!("{ms:.3}"), "answered");
                }
                answer.unwrap_or_default()
            }
            Err(_) => {
                tracing::error!(method, "a handler panicked");
                id.map(|id| Response::from_error(id, Error::internal_error()))
            }
        }));
        match call.as_mut().now_or_never() {
            Some(answer) => self.answers.give(answer),
            None => self.calls.push(call),
        }
        // Parameters that do not parse never reach the handler; for an edit that means that the document is no longer known.
        if let Some(uri) = edited.filter(|_| self.service.inner().edits() == edits) {
            self.service.inner().lost_edit(&uri);
        }
    }
}

/// The way to the client.
#[derive(Clone)]
struct Answers(mpsc::UnboundedSender<Vec<u8>>);

impl Answers {
    fn give(&self, answer: Option<Response>) {
        if let Some(answer) = answer {
            self.send(&answer);
        }
    }

    fn send(&self, message: &impl Serialize) {
        // The writer is gone only if the client is.
        let _ = self.0.send(frames::bytes(message));
    }
}

/// Gives calls under way a moment to answer, then drops them.
async fn finish(mut calls: FuturesUnordered<Pin<Box<Call>>>, answers: &Answers) {
    let rest = async {
        while let Some(answer) = calls.next().await {
            answers.give(answer);
        }
    };
    if timeout(GRACE, rest).await.is_err() {
        tracing::info!("calls under way were dropped");
    }
}

fn uri(request: &Request) -> Option<Uri> {
    let uri = request.params()?.pointer("/textDocument/uri")?.as_str()?;
    Some(Uri(uri.to_owned()))
}

/// Reads messages on a task of its own, so that parsing a large one holds up no handler.
fn read<I: AsyncRead + Unpin + Send + 'static>(input: I) -> (mpsc::Receiver<Incoming>, JoinHandle<()>) {
    let (sender, receiver) = mpsc::channel(READ_AHEAD);
    let task = tokio::spawn(async move {
        let mut frames = Frames::new(input);
        while let Ok(Some(incoming)) = frames.next().await {
            if sender.send(incoming).await.is_err() {
                return;
            }
        }
    });
    (receiver, task)
}

/// Writes messages on a task of its own, so that a client that is slow to read holds up nothing.
fn write<O: AsyncWrite + Unpin + Send + 'static>(mut output: O) -> (mpsc::UnboundedSender<Vec<u8>>, JoinHandle<()>) {
    let (sender, mut receiver) = mpsc::unbounded_channel::<Vec<u8>>();
    let task = tokio::spawn(async move {
        while let Some(bytes) = receiver.recv().await {
            let written = output.write_all(&bytes).await;
            if written.is_err() || (receiver.is_empty() && output.flush().await.is_err()) {
                return;
            }
        }
    });
    (sender, task)
}

/// Ends when the process that the client named in `initialize` is gone; never if it named none.
async fn parent_gone(parent: oneshot::Receiver<i32>) {
    let Ok(parent) = parent.await else { return future::pending().await };
    let ours = is_our_parent(parent);
    while is_alive(parent) && ours == is_our_parent(parent) {
        tokio::time::sleep(PARENT_POLL).await;
    }
}

#[cfg(unix)]
fn is_alive(process: i32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    // A process of another user cannot be signalled, but it is there.
    Pid::from_raw(process).is_none_or(|process| test_kill_process(process) != Err(rustix::io::Errno::SRCH))
}

/// Where there is no cheap way to ask, the end of input has to do.
#[cfg(not(unix))]
fn is_alive(_: i32) -> bool {
    true
}

/// Whether a process started this one: one that is dead but not yet buried still has its number, but is nobody's parent.
#[cfg(unix)]
fn is_our_parent(process: i32) -> bool {
    i64::from(process) == i64::from(std::os::unix::process::parent_id())
}

#[cfg(not(unix))]
fn is_our_parent(_: i32) -> bool {
    false
}

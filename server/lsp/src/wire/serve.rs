//! The server's main loop: it reads messages, runs handlers concurrently and writes answers until the client says exit, closes a stream or dies.
//! It leaves handling messages to `server`.
//!
//! tower-lsp's own loop runs a limited number of handlers. While all are busy it reads nothing, not even cancellations. It ends at the first
//! malformed message and the first panic, but not at the end of its input while a call is in flight. Here every handler is polled once when
//! its message arrives, so that its work before the first `await` happens in the order of the messages.

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
use tower_lsp::{ClientSocket, LanguageServer, LspService};
use tower_service::Service;

use super::frames::{self, Frames, Incoming};
use super::lenient::lenient;
use super::notebooks;
use super::process::Process;

/// Time for calls in flight to finish after the last message.
const GRACE: Duration = Duration::from_millis(200);
/// Time for the client to read the last answers.
const DRAIN: Duration = Duration::from_millis(500);
/// How often to check that the parent process lives. It matters only if a parent dies and its pipe stays open.
const PARENT_POLL: Duration = Duration::from_secs(5);
/// Most messages read ahead of the handlers.
const READ_AHEAD: usize = 256;

/// What the loop needs of the server behind it.
pub trait Served: LanguageServer {
    /// Whether the client asked to shut down.
    fn was_shut_down(&self) -> bool;
    /// The number of edits that reached their handler so far.
    fn edits(&self) -> u64;
    /// Reports an edit that could not be read.
    fn lost_edit(&self, uri: &Uri);
    /// Receives the id of the client's process once `initialize` names it.
    fn parent(&self) -> oneshot::Receiver<i32>;
    /// Ends background work and writes what is not yet written.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// Serves a client over two streams until it is gone, or until `asked` is over. Returns the exit code that the protocol demands: 0 after a `shutdown`, else 1.
pub async fn serve<I, O, S>(
    input: I,
    output: O,
    (service, socket): (LspService<S>, ClientSocket),
    asked: impl Future<Output = ()>,
) -> u8
where
    I: AsyncRead + Unpin + Send + 'static,
    O: AsyncWrite + Unpin + Send + 'static,
    S: Served,
{
    let (incoming, reader) = read(input);
    let (answers, writer) = write(output);
    let mut serving = Serving { service, answers: Answers(answers), calls: FuturesUnordered::new() };
    let why = serving.until_over(incoming, socket, asked).await;
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

/// The calls in flight, and the channel for their answers.
struct Serving<S> {
    service: LspService<S>,
    answers: Answers,
    calls: FuturesUnordered<Pin<Box<Call>>>,
}

/// A running handler. It cannot fail: a panic becomes an error response.
type Call = dyn Future<Output = Option<Response>> + Send;

impl<S: Served> Serving<S> {
    /// Serves until the server must end, and returns the reason.
    async fn until_over(
        &mut self,
        mut incoming: mpsc::Receiver<Incoming>,
        socket: ClientSocket,
        asked: impl Future<Output = ()>,
    ) -> &'static str {
        let (mut requests, mut responses) = socket.split();
        let answers = self.answers.clone();
        let mut closed = pin!(answers.0.closed());
        let mut orphaned = pin!(parent_gone(self.service.inner().parent()));
        let mut asked = pin!(asked);
        loop {
            tokio::select! {
                message = incoming.recv() => match message {
                    Some(Incoming::Request(request)) => {
                        let is_exit = request.method() == "exit";
                        notebooks::with_cells(request).into_iter().for_each(|request| self.begin(request));
                        if is_exit {
                            return "exit";
                        }
                    }
                    Some(Incoming::Response(response)) => drop(responses.send(response).await),
                    Some(Incoming::Broken(answer)) => {
                        tracing::warn!("a malformed message");
                        self.answers.send(&answer);
                    }
                    None => return "end of input",
                },
                Some(answer) = self.calls.next(), if !self.calls.is_empty() => self.answers.give(answer),
                Some(request) = requests.next() => self.answers.send(&request),
                () = &mut closed => return "the output was closed",
                () = &mut orphaned => return "the parent process is gone",
                () = &mut asked => return "it is asked to end",
            }
        }
    }

    /// Begins a call: its handler runs up to where it first waits.
    fn begin(&mut self, request: Request) {
        let request = lenient(request);
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
                // tower-lsp drops what begins with `$/`, and the protocol has that requests are answered.
                answer.unwrap_or_default().or_else(|| Some(Response::from_error(id?, Error::method_not_found())))
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
        // Parameters that do not parse never reach the handler. After such an edit the document's text is unknown.
        if let Some(uri) = edited.filter(|_| self.service.inner().edits() == edits) {
            self.service.inner().lost_edit(&uri);
        }
    }
}

/// The channel to the client.
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

/// Gives calls in flight a moment to answer, then drops them.
async fn finish(mut calls: FuturesUnordered<Pin<Box<Call>>>, answers: &Answers) {
    let rest = async {
        while let Some(answer) = calls.next().await {
            answers.give(answer);
        }
    };
    if timeout(GRACE, rest).await.is_err() {
        tracing::info!("calls in flight were dropped");
    }
}

fn uri(request: &Request) -> Option<Uri> {
    let uri = request.params()?.pointer("/textDocument/uri")?.as_str()?;
    Some(Uri(uri.to_owned()))
}

/// Reads messages in a task of its own, so that parsing a large one delays no handler.
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

/// Writes messages in a task of its own, so that a slow client delays nothing.
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

/// Returns when the process that the client named in `initialize` is gone; never if it named none, or one that cannot be seen from here.
async fn parent_gone(parent: oneshot::Receiver<i32>) {
    let parent = parent.await.ok().and_then(Process::seen);
    let Some(parent) = parent else { return future::pending().await };
    while parent.is_alive() {
        tokio::time::sleep(PARENT_POLL).await;
    }
}

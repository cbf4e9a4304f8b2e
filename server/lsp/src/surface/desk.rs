//! Where tasks on demand are run: the parts of the server that they need, those that run now, and the findings on the screen. It leaves running them
//! to `demand`, and their results to `results`.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::oneshot;
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{ProgressToken, WorkDoneProgressCancelParams};

use super::findings::Shown;
use super::texts::Texts;
use crate::complete::Completer;
use crate::documents::Documents;
use crate::ledger::JobId;
use crate::sync::lock;
use crate::wire::editor::Editor;

/// How the names of their progresses begin.
pub(super) const TOKEN: &str = "pennyworth/task/";

/// The tasks that run, by the number of their progress, and what reviews found.
#[derive(Default)]
pub struct Demands {
    number: AtomicU64,
    running: Mutex<HashMap<u64, oneshot::Sender<Cancelled>>>,
    /// The findings on the screen.
    pub findings: Shown,
    /// The jobs whose results were shown unasked for.
    collected: Mutex<HashSet<JobId>>,
}

/// What a task on demand needs of the server.
#[derive(Clone)]
pub struct Desk {
    /// The client.
    pub client: Client,
    /// What it can do; empty before it introduced itself.
    pub editor: Arc<OnceLock<Editor>>,
    /// Results as documents.
    pub texts: Arc<Texts>,
    /// The open documents.
    pub documents: Arc<Documents>,
    /// The state that completions share.
    pub completer: Arc<Completer>,
    /// The tasks that run.
    pub demands: Arc<Demands>,
    /// The user's own file in place of the usual one.
    pub config: Option<PathBuf>,
}

/// How a user cancelled a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cancelled {
    /// By the button of its progress, which then is gone.
    ByButton,
    /// By a command, which shows nothing by itself.
    ByCommand,
}

/// A task that runs, until it is dropped.
pub(super) struct Running<'a> {
    demands: &'a Demands,
    pub(super) number: u64,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        lock(&self.demands.running).remove(&self.number);
    }
}

impl Demands {
    /// Whether a job's result was not shown before; from now on it counts as shown.
    pub(super) fn is_new(&self, job: JobId) -> bool {
        lock(&self.collected).insert(job)
    }

    /// Begins a task, with what tells that the user cancelled it.
    pub(super) fn begin(&self) -> (Running<'_>, oneshot::Receiver<Cancelled>) {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let (cancel, cancelled) = oneshot::channel();
        lock(&self.running).insert(number, cancel);
        (Running { demands: self, number }, cancelled)
    }

    /// The user cancelled a progress. Returns whether it was one of these.
    pub fn cancel(&self, params: &WorkDoneProgressCancelParams) -> bool {
        let ProgressToken::String(token) = &params.token else { return false };
        let number = token.strip_prefix(TOKEN).and_then(|number| number.parse().ok());
        let running = number.and_then(|number: u64| lock(&self.running).remove(&number));
        running.is_some_and(|running| running.send(Cancelled::ByButton).is_ok())
    }

    /// Cancels all of them. Returns how many there were.
    pub fn cancel_all(&self) -> usize {
        let running = std::mem::take(&mut *lock(&self.running));
        running.into_values().map(|running| running.send(Cancelled::ByCommand)).filter(Result::is_ok).count()
    }
}

impl Desk {
    /// Whether the client can do something.
    pub(super) fn can(&self, what: fn(&Editor) -> bool) -> bool {
        self.editor.get().is_some_and(what)
    }
}

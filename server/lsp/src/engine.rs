//! What the handlers share. It decides nothing: it is the one place where they find each other's things.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pennyworth_core::text::Snapshot;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{MessageType, Uri};

use crate::complete::{Answer, Ask, complete};
use crate::current::Current;
use crate::discover::Looked;
use crate::editor::Editor;
use crate::learn::Learner;
use crate::ledger::{Kind, Ledger, Outcome, SuggestionId};
use crate::outcome::{Ended, Outcomes, still_there};
use crate::parse::Parser;
use crate::progress::Watched;
use crate::resources::Resources;
use crate::server::Options;
use crate::session::Session;
use crate::settings::Settings;
use crate::status::Changes;
use crate::workspace::Workspace;

/// How long an answer waits for what is still being learned.
const LEARNING: Duration = Duration::from_millis(300);
/// Minutes after which a suggestion that was taken is looked at once more.
const LATER_MINUTES: u32 = 5;
const LATER: Duration = Duration::from_secs(60 * LATER_MINUTES as u64);

/// Everything a handler may need.
pub struct Engine {
    /// The client, to be told and asked.
    pub client: Client,
    /// How the server was started.
    pub options: Options,
    /// Where settings come from.
    pub workspace: Workspace,
    /// What completing takes.
    pub resources: Arc<Resources>,
    /// What teaches it.
    pub learner: Learner,
    /// How far reading the workspace is.
    pub progress: Watched,
    /// What makes trees of whole files.
    pub parser: Parser,
    /// What became of suggestions.
    pub outcomes: Outcomes,
    /// Whether there is news for the user.
    pub status: Changes,
    /// When model servers on this machine were last looked for.
    pub looked: Mutex<Looked>,
    answered: Mutex<Option<String>>,
    session: Mutex<Session>,
    editor: OnceLock<Editor>,
    scratch: OnceLock<TempDir>,
    tasks: Mutex<JoinSet<()>>,
}

impl Engine {
    /// An engine for a client that has not introduced itself.
    pub fn new(client: Client, options: Options) -> Engine {
        Engine {
            client,
            options,
            workspace: Workspace::default(),
            resources: Arc::new(Resources::new(Settings::default())),
            learner: Learner::default(),
            progress: Watched::default(),
            parser: Parser::default(),
            outcomes: Outcomes::default(),
            status: Changes::default(),
            looked: Mutex::default(),
            answered: Mutex::default(),
            session: Mutex::default(),
            editor: OnceLock::new(),
            scratch: OnceLock::new(),
            tasks: Mutex::default(),
        }
    }

    /// The documents. Held for the length of a statement or two, never across an `await`.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        lock(&self.session)
    }

    /// The client as it introduced itself; `None` before that.
    pub fn editor(&self) -> Option<&Editor> {
        self.editor.get()
    }

    /// Takes the client's introduction, which comes once.
    pub fn meet(&self, editor: Editor) -> &Editor {
        let max_bytes = self.current().settings().documents.max_bytes;
        *self.session() = Session::new(editor.encoding, max_bytes);
        self.editor.get_or_init(|| editor)
    }

    /// The settings in force. Who asks once and keeps the answer sees one state of them.
    pub fn current(&self) -> Arc<Current> {
        self.resources.current()
    }

    /// Puts settings in force.
    pub fn set_current(&self, current: Arc<Current>) {
        self.resources.set_current(current);
    }

    /// Lets the embedded model forget everything and learn the open documents anew.
    pub fn relearn(&self, memory_mb: u32) {
        self.learner.forget(memory_mb);
        let uris = self.session().forget_learned();
        uris.iter().for_each(|uri| self.learner.changed(uri));
    }

    /// Pauses suggestions in a language, or in all, or goes on.
    pub fn pause(&self, language: Option<&'static str>, paused: bool) {
        self.resources.pauses.set(language, paused);
        self.status.changed();
    }

    /// The ledger; `None` until it is open, shortly after the beginning.
    pub fn ledger(&self) -> Option<&Ledger> {
        self.resources.ledger()
    }

    /// Opens the ledger. Not for the task that serves.
    pub fn open_ledger(&self) {
        let (ledger, notice) = Ledger::open(self.options.ledger.as_deref());
        if let Some(notice) = notice {
            tracing::warn!("{notice}");
            self.say(MessageType::Warning, format!("Pennyworth: {notice}"));
        }
        self.resources.set_ledger(ledger);
        self.status.changed();
    }

    /// Answers a request, once open documents are learned: editors ask once for a key, and who types right after opening a file, or very
    /// fast, would see nothing, or pay for what is about to be known.
    pub async fn complete(
        &self,
        snapshot: Snapshot,
        path: PathBuf,
        cursor: usize,
        ask: Ask,
        mut superseded: oneshot::Receiver<()>,
    ) -> Option<Answer> {
        if self.learner.is_behind() {
            tokio::select! {
                biased;
                _ = &mut superseded, if !ask.outlives_edits => return None,
                () = self.learner.caught_up() => {}
                () = tokio::time::sleep(LEARNING) => {}
            }
        }
        complete(&self.resources, snapshot, path, cursor, ask, &mut superseded).await
    }

    /// A suggestion is shown to the user. Gives the id by which the client may tell what became of it.
    pub fn shown(&self, uri: &Uri, answer: &Answer) -> SuggestionId {
        let write = || match self.ledger() {
            Some(ledger) => ledger.suggested(answer.suggested.clone()),
            None => SuggestionId::new(),
        };
        let (id, replaced) = self.outcomes.shown(uri, answer, write);
        self.left(replaced);
        *lock(&self.answered) = Some(answer.suggested.model.clone());
        self.status.changed();
        id
    }

    /// A document was closed, with what was shown in it.
    pub fn closed(&self, uri: &Uri) {
        self.left(self.outcomes.closed(uri));
    }

    /// A suggestion left the screen before the user did anything about it.
    fn left(&self, outcome: Option<Outcome>) {
        if let (Some(outcome), Some(ledger)) = (outcome, self.ledger()) {
            ledger.settled(outcome);
        }
    }

    /// The model of the last answer, by name; `None` before the first.
    pub fn answered(&self) -> Option<String> {
        lock(&self.answered).clone()
    }

    /// What became of a suggestion is known. One that was taken is looked at once more later.
    pub fn settled(self: &Arc<Engine>, ended: Ended) {
        let Some(ledger) = self.ledger() else { return };
        let outcome = ended.outcome;
        ledger.settled(outcome);
        if let Some((uri, text)) = ended.taken {
            let engine = Arc::clone(self);
            self.spawn(async move {
                tokio::time::sleep(LATER).await;
                let snapshot = engine.session().peek(&uri);
                if let (Some(snapshot), Some(ledger)) = (snapshot, engine.ledger()) {
                    let kind = Kind::StillThere(LATER_MINUTES);
                    ledger.settled(Outcome { kind, chars: still_there(&snapshot.text, &text), ..outcome });
                }
            });
        }
    }

    /// A folder that only this user can read, until the server ends.
    pub fn scratch(&self) -> std::io::Result<&Path> {
        if self.scratch.get().is_none() {
            // Of two that are made at once, one goes again.
            let _ = self.scratch.set(tempfile::Builder::new().prefix("pennyworth-").tempdir()?);
        }
        Ok(self.scratch.get().map(TempDir::path).unwrap_or(Path::new("")))
    }

    /// Starts something that ends with the server at the latest.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Says something to the user, without waiting for it to be said.
    pub fn say(&self, kind: MessageType, message: String) {
        let client = self.client.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { client.show_message(kind, message).await });
        }
    }

    /// Tells the user what keeps models from answering, each once.
    pub fn tell_troubles(&self) {
        for trouble in self.resources.troubles.untold() {
            tracing::warn!("{trouble}");
            self.say(MessageType::Warning, format!("Pennyworth: {trouble}"));
        }
    }

    /// Ends what runs, and writes what is not yet written. Waits: not for the task that serves.
    pub fn end(&self) {
        self.learner.end();
        self.parser.end();
        lock(&self.tasks).abort_all();
        self.outcomes.all_closed().into_iter().for_each(|outcome| self.left(Some(outcome)));
        if let Some(ledger) = self.ledger()
            && !ledger.flush()
        {
            tracing::warn!("the ledger could not be written to its end");
        }
        if let Some(ledger) = self.ledger() {
            drop(ledger.watch(None));
        }
    }
}

/// The lock of something that is whole at every moment, so that a panic of another holder does not matter.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

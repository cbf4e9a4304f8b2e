//! What the handlers share. It decides nothing: it is the one place where they find each other's things.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use pennyworth_core::money::Money;
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::MessageType;

use crate::current::Current;
use crate::editor::Editor;
use crate::embedded::Embedded;
use crate::health::Health;
use crate::learn::Learner;
use crate::outcome::{Outcome, Outcomes};
use crate::parse::Parser;
use crate::progress::Watched;
use crate::server::Options;
use crate::session::Session;
use crate::settings::Settings;
use crate::status::Changes;
use crate::workspace::Workspace;

/// Everything a handler may need.
pub struct Engine {
    /// The client, to be told and asked.
    pub client: Client,
    /// How the server was started.
    pub options: Options,
    /// Where settings come from.
    pub workspace: Workspace,
    /// The model inside the server.
    pub embedded: Embedded,
    /// What teaches it.
    pub learner: Learner,
    /// How far reading the workspace is.
    pub progress: Watched,
    /// What makes trees of whole files.
    pub parser: Parser,
    /// Which providers are well.
    pub health: Health,
    /// What became of suggestions.
    pub outcomes: Outcomes,
    /// Whether there is news for the user.
    pub status: Changes,
    session: Mutex<Session>,
    editor: OnceLock<Editor>,
    current: RwLock<Arc<Current>>,
    is_paused: AtomicBool,
}

impl Engine {
    /// An engine for a client that has not introduced itself.
    pub fn new(client: Client, options: Options) -> Engine {
        let settings = Settings::default();
        Engine {
            client,
            options,
            workspace: Workspace::default(),
            embedded: Embedded::new(settings.embedded.memory_mb),
            learner: Learner::default(),
            progress: Watched::default(),
            parser: Parser::default(),
            health: Health::default(),
            outcomes: Outcomes::default(),
            status: Changes::default(),
            session: Mutex::default(),
            editor: OnceLock::new(),
            current: RwLock::new(Arc::new(Current::new(0, settings, &[]).0)),
            is_paused: AtomicBool::new(false),
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
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts settings in force.
    pub fn set_current(&self, current: Arc<Current>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
    }

    /// Lets the embedded model forget everything and learn the open documents anew.
    pub fn relearn(&self, memory_mb: u32) {
        self.learner.forget(memory_mb);
        let uris = self.session().forget_learned();
        uris.iter().for_each(|uri| self.learner.changed(uri));
    }

    /// Whether the user paused suggestions.
    pub fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Relaxed)
    }

    /// Pauses or goes on; whether it is paused now.
    pub fn toggle(&self) -> bool {
        let paused = !self.is_paused.fetch_xor(true, Ordering::Relaxed);
        self.status.changed();
        paused
    }

    /// What became of a suggestion is known.
    pub fn settled(&self, outcome: &Outcome) {
        tracing::debug!(id = outcome.id, fate = ?outcome.fate, chars = outcome.chars, "settled");
    }

    /// Money spent today. Nothing costs money yet: only the embedded model answers.
    pub fn spent_today(&self) -> Money {
        Money::ZERO
    }

    /// Says something to the user, without waiting for it to be said.
    pub fn say(&self, kind: MessageType, message: String) {
        let client = self.client.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { client.show_message(kind, message).await });
        }
    }

    /// Ends the threads.
    pub fn end(&self) {
        self.learner.end();
        self.parser.end();
    }
}

/// The lock of something that is whole at every moment, so that a panic of another holder does not matter.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! What the handlers share. It decides nothing: it is the one place where they find each other's things.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use tower_lsp::Client;

use crate::editor::Editor;
use crate::server::Options;
use crate::session::Session;

/// Everything a handler may need.
pub struct Engine {
    /// The client, to be told and asked.
    pub client: Client,
    /// How the server was started.
    pub options: Options,
    session: Mutex<Session>,
    editor: OnceLock<Editor>,
}

impl Engine {
    /// An engine for a client that has not introduced itself.
    pub fn new(client: Client, options: Options) -> Engine {
        Engine { client, options, session: Mutex::default(), editor: OnceLock::new() }
    }

    /// The documents. Held for the length of one statement, never across an `await`.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        lock(&self.session)
    }

    /// The client as it introduced itself; `None` before that.
    pub fn editor(&self) -> Option<&Editor> {
        self.editor.get()
    }

    /// Takes the client's introduction, which comes once.
    pub fn meet(&self, editor: Editor) -> &Editor {
        *self.session() = Session::new(editor.encoding, u64::MAX);
        self.editor.get_or_init(|| editor)
    }
}

/// The lock of something that is whole at every moment, so that a panic of another holder does not matter.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

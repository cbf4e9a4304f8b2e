//! What is wrong with the ledger's file, for the user: the path, the reason, and what to do. It leaves showing it to others.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Why there is no ledger that would last. Until there is, nothing that costs money is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The ledger's file; `None` if no place for it is known.
    pub path: Option<PathBuf>,
    /// What is wrong with it: what follows the subject of a sentence.
    pub why: String,
    /// What the user can do.
    pub remedy: &'static str,
    /// Since when, in seconds since 1970.
    pub since: u64,
}

impl Trouble {
    /// A trouble that begins now.
    pub(super) fn new(path: Option<&Path>, why: String, remedy: &'static str) -> Trouble {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Trouble { path: path.map(Path::to_owned), why, remedy, since }
    }

    /// What is wrong, without what to do.
    pub fn what(&self) -> String {
        let path = self.path.as_ref().map_or_else(String::new, |path| format!("{} ", path.display()));
        format!("the ledger {path}{}; until that is mended, no model that costs money is asked", self.why)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}. {}", self.what(), self.remedy)
    }
}

/// The state of the ledger for those who show it.
#[derive(Default)]
pub(super) struct Condition(Mutex<State>);

#[derive(Default)]
struct State {
    trouble: Option<Trouble>,
    news: Vec<String>,
    /// Called when something changed.
    listener: Option<Box<dyn Fn() + Send>>,
}

impl Condition {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.lock().trouble.clone()
    }

    /// Records what holds from now on; a new trouble is news.
    pub(super) fn set(&self, trouble: Option<Trouble>) {
        let mut state = self.lock();
        let same =
            |trouble: &Option<Trouble>| trouble.as_ref().map(|trouble| (trouble.path.clone(), trouble.why.clone()));
        if same(&state.trouble) == same(&trouble) {
            return;
        }
        match &trouble {
            Some(trouble) => state.news.push(trouble.to_string()),
            None => tracing::info!("the ledger is kept again"),
        }
        state.trouble = trouble;
        state.changed();
    }

    /// Something that happened once, and that the user should know.
    pub(super) fn happened(&self, what: String) {
        let mut state = self.lock();
        state.news.push(what);
        state.changed();
    }

    pub(super) fn take_news(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().news)
    }

    pub(super) fn listen(&self, listener: impl Fn() + Send + 'static) {
        self.lock().listener = Some(Box::new(listener));
    }
}

impl State {
    fn changed(&self) {
        if let Some(listener) = &self.listener {
            listener();
        }
    }
}

//! Trees of whole files, made on a thread of their own when typing pauses. The typing path does without: it reads an excerpt.
//! It leaves parsing itself to `core::syntax`, and keeping trees in step with edits to the session's documents.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pennyworth_core::syntax;
use pennyworth_core::text::Snapshot;
use tower_lsp::gen_lsp_types::Uri;
use tree_sitter::Tree;

use crate::engine::{Engine, lock};

/// The pause in typing after which a tree is made.
const PAUSE: Duration = Duration::from_millis(150);
/// The longest time for one tree. A file that takes longer goes without.
const LONGEST: Duration = Duration::from_secs(2);

/// Work for the thread.
#[derive(Default)]
struct Pending {
    is_over: bool,
    changed: Vec<Uri>,
    /// When the last change came.
    last: Option<Instant>,
}

/// The parser, as those see it who give it work. None of its methods waits.
#[derive(Default)]
pub struct Parser {
    pending: Mutex<Pending>,
    wake: Condvar,
}

impl Parser {
    /// A document was opened or changed.
    pub fn changed(&self, uri: &Uri) {
        let mut pending = lock(&self.pending);
        pending.last = Some(Instant::now());
        if !pending.changed.contains(uri) {
            pending.changed.push(uri.clone());
        }
        drop(pending);
        self.wake.notify_one();
    }

    /// Ends the thread; a parse under way is given up.
    pub fn end(&self) {
        lock(&self.pending).is_over = true;
        self.wake.notify_one();
    }

    /// The document to parse next, once typing has paused; `None` at the end.
    fn next(&self) -> Option<Uri> {
        let mut pending = lock(&self.pending);
        loop {
            if pending.is_over {
                return None;
            }
            let rest = pending.last.and_then(|last| PAUSE.checked_sub(last.elapsed()));
            pending = match (pending.changed.is_empty(), rest) {
                (true, _) => self.wake.wait(pending).unwrap_or_else(PoisonError::into_inner),
                (false, Some(rest)) => self.wake.wait_timeout(pending, rest).unwrap_or_else(PoisonError::into_inner).0,
                (false, None) => return Some(pending.changed.remove(0)),
            };
        }
    }

    fn is_over(&self) -> bool {
        lock(&self.pending).is_over
    }
}

/// Starts the thread.
pub fn start(engine: &Arc<Engine>) -> std::io::Result<()> {
    let engine = Arc::clone(engine);
    let run = move || {
        while let Some(uri) = engine.parser.next() {
            if catch_unwind(AssertUnwindSafe(|| parse(&engine, &uri))).is_err() {
                tracing::error!("parsing panicked");
            }
        }
    };
    std::thread::Builder::new().name("parse".into()).spawn(run).map(drop)
}

fn parse(engine: &Engine, uri: &Uri) {
    let begun = engine.session().begin_parse(uri);
    let Some(snapshot) = begun else { return };
    let tree = tree(engine, &snapshot);
    // A tree that comes too late is made again: the change that came before it asked for that.
    engine.session().end_parse(uri, &snapshot, tree);
}

/// The tree of a document that is not too large, unless it takes too long.
fn tree(engine: &Engine, snapshot: &Snapshot) -> Option<Tree> {
    let max_bytes = engine.current().settings().documents.max_complete_bytes;
    let language = snapshot.language.filter(|_| snapshot.text.len_bytes() as u64 <= max_bytes)?;
    // Compiled here, at the first document of a language, it is not compiled at its first completion.
    syntax::queries(language);
    let begun = Instant::now();
    let mut go_on = || begun.elapsed() < LONGEST && !engine.parser.is_over();
    let tree = syntax::parse(&snapshot.text, language, snapshot.tree.as_ref(), &mut go_on);
    if tree.is_none() {
        tracing::debug!(language = language.name(), "parsing took too long");
    }
    tree
}

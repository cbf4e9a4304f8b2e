//! Syntax trees of whole files, parsed on a separate thread when typing pauses. Requests do not wait for them: they parse an excerpt.
//! It leaves parsing itself to `core::syntax`, and adjusting trees to edits to the session's documents.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pennyworth_core::syntax;
use pennyworth_core::text::Snapshot;
use pennyworth_grammars::Language;
use tower_lsp::gen_lsp_types::Uri;
use tree_sitter::Tree;

use super::parses::Parses;
use super::session::Documents;
use crate::settings::SharedConfiguration;
use crate::sync::{Crashes, lock};

/// The thread's name for the user.
const PART: &str = "parsing";
/// The pause in typing before a parse.
const PAUSE: Duration = Duration::from_millis(150);
/// Longest time for one parse. A file that takes longer gets no tree.
pub const LONGEST: Duration = Duration::from_secs(2);
/// Shortest wait after a parse that took too long, doubled with each further one, and the longest wait.
const REST: Duration = Duration::from_secs(30);
const LONGEST_REST: Duration = Duration::from_secs(30 * 60);
/// A text is another one once its length differs by this share. It is tried again after a third of the wait.
const MUCH: usize = 8;

/// Work for the thread.
#[derive(Default)]
struct Pending {
    is_over: bool,
    changed: Vec<Uri>,
    /// When the last change came.
    last: Option<Instant>,
}

/// The queue of the parser's thread. Its public methods do not wait.
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
        // While there is work, the thread waits for its pause and looks how long that still is by itself.
        let is_asleep = pending.changed.is_empty();
        if !pending.changed.contains(uri) {
            pending.changed.push(uri.clone());
        }
        drop(pending);
        if is_asleep {
            self.wake.notify_one();
        }
    }

    /// Ends the thread; a parse under way is aborted.
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

/// Parses that took too long, of one document.
#[derive(Clone, Copy, Debug)]
struct Failed {
    /// How many in a row.
    count: u32,
    /// When the last one ended, and the bytes of its text.
    at: Instant,
    bytes: usize,
}

impl Failed {
    /// Whether a text of so many bytes is worth another try.
    fn may_try(&self, bytes: usize, now: Instant) -> bool {
        let rest = REST.saturating_mul(1 << (self.count - 1).min(16)).min(LONGEST_REST);
        let is_another = bytes.abs_diff(self.bytes) > self.bytes / MUCH;
        now.duration_since(self.at) >= if is_another { rest / 3 } else { rest }
    }
}

/// Starts the thread.
pub fn start(
    parser: Arc<Parser>,
    documents: Arc<Documents>,
    configuration: Arc<SharedConfiguration>,
    parses: Arc<Parses>,
    crashes: Arc<Crashes>,
) -> std::io::Result<()> {
    let run = move || {
        let mut failed = HashMap::new();
        crashes.keep(PART, || {
            while let Some(uri) = parser.next() {
                let max_bytes = configuration.get().settings().documents.max_complete_bytes;
                parse(&parser, &documents, &parses, &crashes, &mut failed, max_bytes, &uri);
            }
        });
    };
    std::thread::Builder::new().name("parse".into()).spawn(run).map(drop)
}

fn parse(
    parser: &Parser,
    documents: &Documents,
    parses: &Arc<Parses>,
    crashes: &Crashes,
    failed: &mut HashMap<Uri, Failed>,
    max_bytes: u64,
    uri: &Uri,
) {
    let (path, open) = {
        let session = documents.session();
        (session.path(uri), session.peek(uri))
    };
    let (Some(path), Some(open)) = (path, open) else {
        failed.remove(uri);
        return;
    };
    let bytes = open.text.len_bytes();
    let language = open.language;
    if bytes as u64 > max_bytes || language.grammar().is_none() {
        return;
    }
    let may_try = failed.get(uri).is_none_or(|failed| failed.may_try(bytes, Instant::now()));
    parses.wait();
    if !may_try || parses.barred(&path, language.name()).is_some() {
        return;
    }
    let begun = documents.session().begin_parse(uri);
    let Some(snapshot) = begun else { return };
    // The queries of a language compile once, at its first document instead of its first completion. A server that is killed meanwhile did not
    // end in this text.
    syntax::queries(language);
    let mark = parses.begin(&path, language.name());
    // A parse that panicked is ended as well; otherwise the session would keep each edit for its tree.
    let (tree, is_late) = crashes.guard(PART, || tree(parser, language, &snapshot)).unwrap_or((None, true));
    drop(mark);
    if is_late {
        let count = failed.get(uri).map_or(1, |failed| failed.count.saturating_add(1));
        failed.insert(uri.clone(), Failed { count, at: Instant::now(), bytes });
    } else {
        failed.remove(uri);
    }
    // If an edit came during the parse, it has queued the document again.
    documents.session().end_parse(uri, &snapshot, tree);
}

/// The tree of a document, if there is one, and whether the parse took too long.
fn tree(parser: &Parser, language: &'static Language, snapshot: &Snapshot) -> (Option<Tree>, bool) {
    let begun = Instant::now();
    let mut go_on = || begun.elapsed() < LONGEST && !parser.is_over();
    let tree = syntax::parse(&snapshot.text, language, snapshot.tree.as_ref(), &mut go_on);
    let is_late = tree.is_none() && begun.elapsed() >= LONGEST;
    if is_late {
        tracing::debug!(language = language.name(), "parsing took too long");
    }
    (tree, is_late)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_took_too_long_rests() {
        let now = Instant::now();
        let seconds = Duration::from_secs;
        for (count, bytes, after, may_try) in [
            (1, 1_000, seconds(1), false),
            (1, 1_000, seconds(30), true),
            (1, 1_100, seconds(10), false),
            (1, 1_200, seconds(10), true),
            (1, 100, seconds(10), true),
            (3, 1_000, seconds(119), false),
            (3, 1_000, seconds(120), true),
            (3, 100, seconds(40), true),
            (u32::MAX, 1_000, seconds(29 * 60), false),
            (u32::MAX, 1_000, seconds(30 * 60), true),
        ] {
            let failed = Failed { count, at: now, bytes: 1_000 };
            assert_eq!(failed.may_try(bytes, now + after), may_try, "{count} {bytes} {after:?}");
        }
    }
}

//! The open documents, and which request of each is the current one. Documents change here and nowhere else.
//! It leaves text to `core::text`; nothing in it waits, so that whoever holds it holds it for microseconds.

use std::collections::HashMap;
use std::path::PathBuf;

use pennyworth_core::gate::Trigger;
use pennyworth_core::text::{Change, Document, Edit, Encoding, Snapshot};
use pennyworth_grammars::Language;
use ropey::Rope;
use tokio::sync::oneshot;
use tower_lsp::gen_lsp_types::Uri;
use tree_sitter::Tree;

use crate::convert;

/// The documents the editor has open.
#[derive(Default)]
pub struct Session {
    encoding: Encoding,
    documents: HashMap<Uri, Open>,
    /// Size in bytes above which a document is not kept.
    max_bytes: usize,
    turns: u64,
}

/// One open document.
struct Open {
    document: Document,
    path: PathBuf,
    /// Lines that changed since they were last taken by [`Session::take_changed`].
    changed: Option<Lines>,
    /// How the text came to be as it is.
    trigger: Trigger,
    /// The request that is being answered.
    turn: Option<(u64, oneshot::Sender<()>)>,
}

/// Lines that were replaced by others, half-open and counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The first line of both.
    pub first: usize,
    /// Where the replaced lines ended, in the text before.
    pub old_end: usize,
    /// Where those in their place end, in the text now.
    pub new_end: usize,
}

/// What a request works on.
pub struct Ask {
    /// The document as it is.
    pub snapshot: Snapshot,
    /// The path by which it is known.
    pub path: PathBuf,
    /// How its text came to be.
    pub trigger: Trigger,
    /// The request's number.
    pub turn: u64,
    /// Ends when a newer request or an edit makes this one useless.
    pub superseded: oneshot::Receiver<()>,
}

/// The part of a document that changed since it was last asked for.
pub struct Changed {
    /// The document as it is.
    pub snapshot: Snapshot,
    /// The path by which it is known.
    pub path: PathBuf,
    /// The lines.
    pub lines: Lines,
}

impl Session {
    /// A session without documents; positions are in `encoding`, and documents over `max_bytes` are not kept.
    pub fn new(encoding: Encoding, max_bytes: u64) -> Session {
        Session { encoding, max_bytes: usize::try_from(max_bytes).unwrap_or(usize::MAX), ..Session::default() }
    }

    /// The unit of positions.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Takes another limit for documents opened from now on.
    pub fn limit(&mut self, max_bytes: u64) {
        self.max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    }

    /// Opens a document, or takes the text anew of one that is open. False if it is too large to keep.
    pub fn open(&mut self, uri: Uri, language_id: &str, version: i32, text: &str) -> bool {
        if text.len() > self.max_bytes {
            self.documents.remove(&uri);
            return false;
        }
        let path = convert::name(&uri);
        let language = language(language_id, &path, text);
        let document = Document::new(text, language, version);
        let lines = document.text().len_lines();
        let changed = Some(Lines { first: 0, old_end: 0, new_end: lines });
        self.documents.insert(uri, Open { document, path, changed, trigger: Trigger::Typed, turn: None });
        true
    }

    /// Applies the edits of one notification; what changed, and the text after it. `None` if the document was never opened, which is the
    /// client's mistake.
    pub fn change(&mut self, uri: &Uri, version: i32, edits: &[Edit]) -> Option<(Vec<Change>, Rope)> {
        let open = self.documents.get_mut(uri)?;
        let changes = open.document.apply(version, edits, self.encoding);
        for change in &changes {
            open.changed = Some(open.changed.map_or_else(|| Lines::of(change), |lines| lines.and(change)));
        }
        if let Some(last) = changes.last() {
            open.trigger = trigger(last);
        }
        open.turn = None;
        Some((changes, open.document.text().clone()))
    }

    /// An edit of the document was lost: nothing is suggested in it until its whole text is known again.
    pub fn lost_edit(&mut self, uri: &Uri) {
        if let Some(open) = self.documents.get_mut(uri) {
            open.document.mark_stale();
            open.turn = None;
        }
    }

    /// Closes a document and gives its path; `None` if it was not open.
    pub fn close(&mut self, uri: &Uri) -> Option<PathBuf> {
        self.documents.remove(uri).map(|open| open.path)
    }

    /// Begins a request: the document as it is, and the end of the request before it.
    pub fn ask(&mut self, uri: &Uri) -> Option<Ask> {
        let open = self.documents.get_mut(uri)?;
        self.turns += 1;
        let (sender, superseded) = oneshot::channel();
        open.turn = Some((self.turns, sender));
        let (snapshot, path) = (open.document.snapshot(), open.path.clone());
        Some(Ask { snapshot, path, trigger: open.trigger, turn: self.turns, superseded })
    }

    /// Ends every request that is being answered, as an edit of its document would.
    pub fn end_requests(&mut self) {
        self.documents.values_mut().for_each(|open| open.turn = None);
    }

    /// True if neither a newer request nor an edit has come since a request began.
    pub fn is_current(&self, uri: &Uri, turn: u64) -> bool {
        self.documents.get(uri).and_then(|open| open.turn.as_ref()).is_some_and(|(current, _)| *current == turn)
    }

    /// The document as it is, without beginning a request.
    pub fn peek(&self, uri: &Uri) -> Option<Snapshot> {
        self.documents.get(uri).map(|open| open.document.snapshot())
    }

    /// What changed in a document since this was last called; all of it the first time.
    pub fn take_changed(&mut self, uri: &Uri) -> Option<Changed> {
        let open = self.documents.get_mut(uri)?;
        let lines = open.changed.take()?;
        Some(Changed { snapshot: open.document.snapshot(), path: open.path.clone(), lines })
    }

    /// Begins a parse of a document: as it is, if its tree is not up to date.
    pub fn begin_parse(&mut self, uri: &Uri) -> Option<Snapshot> {
        self.documents.get_mut(uri)?.document.begin_parse()
    }

    /// Ends a parse, with its tree if there is one. False if nothing came of it.
    pub fn end_parse(&mut self, uri: &Uri, of: &Snapshot, tree: Option<Tree>) -> bool {
        self.documents.get_mut(uri).is_some_and(|open| open.document.end_parse(of, tree))
    }

    /// What was learned of the documents is forgotten: all of each counts as changed. Gives the documents.
    pub fn forget_learned(&mut self) -> Vec<Uri> {
        for open in self.documents.values_mut() {
            open.changed = Some(Lines { first: 0, old_end: 0, new_end: open.document.text().len_lines() });
        }
        self.documents.keys().cloned().collect()
    }

    /// The path by which a document is known.
    pub fn path(&self, uri: &Uri) -> Option<PathBuf> {
        self.documents.get(uri).map(|open| open.path.clone())
    }

    /// The paths by which the open documents are known.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.documents.values().map(|open| open.path.clone()).collect()
    }
}

impl Lines {
    fn of(change: &Change) -> Lines {
        let first = change.first_line;
        Lines { first, old_end: first + change.old_lines, new_end: first + change.new_lines }
    }

    /// Both together, where `change` came after: one stretch that holds every line either touched.
    fn and(self, change: &Change) -> Lines {
        let touched = change.first_line + change.old_lines;
        let end = self.new_end.max(touched);
        Lines {
            first: self.first.min(change.first_line),
            old_end: self.old_end + (end - self.new_end),
            new_end: end - change.old_lines + change.new_lines,
        }
    }
}

/// Text that only went away was deleted; whatever put text in was typing, or as good as.
fn trigger(change: &Change) -> Trigger {
    if change.new_end == change.start && change.old_end > change.start { Trigger::Deleted } else { Trigger::Typed }
}

fn language(id: &str, path: &std::path::Path, text: &str) -> Option<&'static Language> {
    let first_line = text.lines().next().unwrap_or_default();
    pennyworth_grammars::by_id(id).or_else(|| pennyworth_grammars::by_path(path, first_line))
}

#[cfg(test)]
mod tests;

//! The open documents, and the current request of each. Documents change nowhere else. Nothing here waits, so the lock is held for
//! microseconds. It leaves text to `core::text`.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};
use std::time::SystemTime;

use pennyworth_core::gate::Trigger;
use pennyworth_core::text::{self, Change, Counting, Document, Edit, Snapshot};
use pennyworth_grammars::Language;
use ropey::Rope;
use tokio::sync::oneshot;
use tower_lsp::gen_lsp_types::Uri;
use tree_sitter::Tree;

use super::notebooks::{Cells, Notebooks};
use super::parses::Parses;
use crate::paths::document;
use crate::sync::lock;
use crate::wire::convert;

/// Most bytes that a key or a menu's item inserts into a line.
const MUCH: usize = 80;
/// Texts of a document that an undo may bring back: what it was before the last deletions.
const PAST: usize = 16;

/// The documents the editor has open.
#[derive(Default)]
pub struct Session {
    counting: Counting,
    /// By path: a document has one, however its URI is spelled.
    documents: HashMap<PathBuf, OpenDocument>,
    /// The order of the cells of notebooks.
    pub notebooks: Notebooks,
    /// Size in bytes above which a document is not kept.
    max_bytes: usize,
    /// The documents that were not kept.
    too_large: HashSet<PathBuf>,
    requests: u64,
}

/// What is said of a stale document.
pub const STALE: &str = "an edit did not fit the server's copy of this file, so nothing is suggested in it; close the file and open it again";

/// The shared session, behind its lock.
#[derive(Default)]
pub struct Documents(Mutex<Session>);

impl Documents {
    /// Locks the session, for a statement or two and never across an `await`.
    pub fn session(&self) -> MutexGuard<'_, Session> {
        lock(&self.0)
    }
}

/// One open document.
struct OpenDocument {
    document: Document,
    /// Its URI, as the client spells it.
    uri: Uri,
    /// Lines that changed since the last [`Session::take_changed`].
    changed: Option<Lines>,
    /// Whether the last edit typed or deleted.
    trigger: Trigger,
    /// What the document was before its last deletions.
    past: VecDeque<Rope>,
    /// Since when it is stale.
    stale_since: Option<SystemTime>,
    /// The current requests: the automatic one, and the one by a key, which no automatic one supersedes.
    requests: [Option<(u64, oneshot::Sender<()>)>; 2],
}

/// Who asks for a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskedBy {
    /// The editor, while the user types.
    Typing = 0,
    /// The user, with a key or a command.
    Key = 1,
}

/// What became of a document by the edits of one notification.
pub struct Edited {
    /// Its changes.
    pub changes: Vec<Change>,
    /// Its text now.
    pub text: Rope,
    /// Whether an edit did not fit, so that the document is stale from now on.
    pub is_lost: bool,
    /// Whether the document was stale, and its whole text is known again.
    pub is_found: bool,
}

/// An open document in which less is suggested, or nothing.
pub struct Hindered {
    /// Its path.
    pub path: PathBuf,
    /// What is wrong and what to do, as a sentence that begins with neither.
    pub why: String,
    /// Since when.
    pub since: SystemTime,
}

/// A range of lines that was replaced by another: half-open, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    /// The first line of both ranges.
    pub first: usize,
    /// The end of the replaced lines in the old text.
    pub old_end: usize,
    /// The end of the new lines in the new text.
    pub new_end: usize,
}

/// A request, with the document as it was when the request began.
pub struct BegunRequest {
    /// The document.
    pub snapshot: Snapshot,
    /// Its path.
    pub path: PathBuf,
    /// What stands around it in its notebook, if it is a cell.
    pub cells: Option<Cells>,
    /// Whether the last edit typed or deleted.
    pub trigger: Trigger,
    /// The request's number.
    pub number: u64,
    /// How its client counts positions in the document.
    pub counting: Counting,
    /// Ends when a newer request or an edit supersedes this one.
    pub superseded: oneshot::Receiver<()>,
}

/// The lines of a document that changed since the last [`Session::take_changed`].
pub struct Changed {
    /// The document.
    pub snapshot: Snapshot,
    /// Its path.
    pub path: PathBuf,
    /// The lines.
    pub lines: Lines,
}

impl Session {
    /// A session without documents, whose client counts positions so. Documents over `max_bytes` are not kept.
    pub fn new(counting: impl Into<Counting>, max_bytes: u64) -> Session {
        let max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
        Session { counting: counting.into(), max_bytes, ..Session::default() }
    }

    /// How the client counts positions in a document; `None` if it is not open.
    pub fn counting(&self, uri: &Uri) -> Option<Counting> {
        self.documents.get(&convert::document(uri)).map(|open| open.document.counting(self.counting))
    }

    /// Sets the size limit for documents opened from now on.
    pub fn limit(&mut self, max_bytes: u64) {
        self.max_bytes = usize::try_from(max_bytes).unwrap_or(usize::MAX);
    }

    /// Opens a document, or replaces the text of an open one. False if it is too large to keep.
    pub fn open(&mut self, uri: Uri, language_id: &str, version: impl Into<Option<i32>>, text: &str) -> bool {
        let path = convert::document(&uri);
        if text.len() > self.max_bytes {
            self.documents.remove(&path);
            self.too_large.insert(path);
            return false;
        }
        self.too_large.remove(&path);
        self.notebooks.opened(&path);
        let language = language(language_id, &path, text);
        let document = Document::new(text, language, version);
        let lines = document.text().len_lines();
        let changed = Some(Lines { first: 0, old_end: 0, new_end: lines });
        let open = OpenDocument {
            document,
            uri,
            changed,
            trigger: Trigger::Typed,
            past: VecDeque::new(),
            stale_since: None,
            requests: [None, None],
        };
        self.documents.insert(path, open);
        true
    }

    /// Applies the edits of one notification. `None` if the document was never opened, which is the client's mistake.
    pub fn change(&mut self, uri: &Uri, version: impl Into<Option<i32>>, edits: &[Edit]) -> Option<Edited> {
        let open = self.documents.get_mut(&convert::document(uri))?;
        let was_stale = open.document.is_stale();
        let before = open.document.text().clone();
        let changes = open.document.apply(version, edits, self.counting);
        for change in &changes {
            open.changed = Some(open.changed.map_or_else(|| Lines::of(change), |lines| lines.and(change)));
        }
        if let Some(last) = changes.last() {
            let is_brought_back = open.brings_back(last);
            open.note_past(before, &changes);
            open.trigger = match trigger(last, open.document.text()) {
                Trigger::Typed if is_brought_back => Trigger::Pasted,
                trigger => trigger,
            };
        }
        open.requests = [None, None];
        let (is_lost, is_found) = open.note_staleness(was_stale);
        Some(Edited { changes, text: open.document.text().clone(), is_lost, is_found })
    }

    /// The last edit put a suggestion into the document, which is no paste, however long it is.
    pub fn taken(&mut self, uri: &Uri) {
        if let Some(open) = self.documents.get_mut(&convert::document(uri)) {
            open.trigger = Trigger::Typed;
        }
    }

    /// An edit of the document was lost. Nothing is suggested in it until its whole text is known again. Returns its path, unless an edit was
    /// lost before or the document is not open.
    pub fn lost_edit(&mut self, uri: &Uri) -> Option<PathBuf> {
        let path = convert::document(uri);
        let open = self.documents.get_mut(&path)?;
        let was_stale = open.document.is_stale();
        open.document.mark_stale();
        open.requests = [None, None];
        let (is_lost, _) = open.note_staleness(was_stale);
        is_lost.then_some(path)
    }

    /// Closes a document and returns its path; `None` if it was not open.
    pub fn close(&mut self, uri: &Uri) -> Option<PathBuf> {
        let path = convert::document(uri);
        self.too_large.remove(&path);
        self.notebooks.closed(&path);
        self.documents.remove(&path).map(|_| path)
    }

    /// Begins a request, which supersedes the document's current one, unless that was made by a key and this one is automatic. `None` if the
    /// document is not open.
    pub fn begin_request(&mut self, uri: &Uri, by: AskedBy) -> Option<BegunRequest> {
        let path = convert::document(uri);
        let cells = self.cells(&path);
        let open = self.documents.get_mut(&path)?;
        self.requests += 1;
        let (sender, superseded) = oneshot::channel();
        let number = self.requests;
        let [automatic, by_key] = &mut open.requests;
        *automatic = None;
        match by {
            AskedBy::Typing => *automatic = Some((number, sender)),
            AskedBy::Key => *by_key = Some((number, sender)),
        }
        let (snapshot, counting) = (open.document.snapshot(), open.document.counting(self.counting));
        Some(BegunRequest { snapshot, path, cells, trigger: open.trigger, number, counting, superseded })
    }

    /// Ends the current request of every document, as an edit would.
    pub fn end_requests(&mut self) {
        self.documents.values_mut().for_each(|open| open.requests = [None, None]);
    }

    /// Whether a request is still the current one: neither a newer request nor an edit has come since.
    pub fn is_current(&self, uri: &Uri, number: u64) -> bool {
        let open = self.documents.get(&convert::document(uri));
        open.is_some_and(|open| open.requests.iter().flatten().any(|(current, _)| *current == number))
    }

    /// A document as it is, without beginning a request.
    pub fn peek(&self, uri: &Uri) -> Option<Snapshot> {
        self.documents.get(&convert::document(uri)).map(|open| open.document.snapshot())
    }

    /// What stands around a document in its notebook, in the cells of the same language; `None` if it is no cell. Markdown is left out: prose would
    /// push code out of the few lines that a prompt takes.
    pub fn cells(&self, path: &Path) -> Option<Cells> {
        let (above, below) = self.notebooks.around(path)?;
        let notebook = document::notebook(path)?;
        let language = self.documents.get(path)?.document.language().name();
        let text = |cell: &PathBuf| {
            let OpenDocument { document: cell_document, .. } = self.documents.get(cell)?;
            // A cell that lies elsewhere is under other rules.
            let lies_here = document::notebook(cell).as_ref() == Some(&notebook);
            let is_alike = cell_document.language().name() == language;
            (lies_here && is_alike && !cell_document.is_stale()).then_some(cell_document.text())
        };
        Some(Cells::of(above.iter().filter_map(text), below.iter().filter_map(text)))
    }

    /// The lines of a document that changed since the last call; all lines the first time.
    pub fn take_changed(&mut self, uri: &Uri) -> Option<Changed> {
        let path = convert::document(uri);
        let open = self.documents.get_mut(&path)?;
        let lines = open.changed.take()?;
        Some(Changed { snapshot: open.document.snapshot(), path, lines })
    }

    /// Begins a parse of a document and returns it as it is; `None` if its tree is up to date.
    pub fn begin_parse(&mut self, uri: &Uri) -> Option<Snapshot> {
        self.documents.get_mut(&convert::document(uri))?.document.begin_parse()
    }

    /// Ends a parse, with its tree if there is one. False if no tree was kept.
    pub fn end_parse(&mut self, uri: &Uri, of: &Snapshot, tree: Option<Tree>) -> bool {
        self.documents.get_mut(&convert::document(uri)).is_some_and(|open| open.document.end_parse(of, tree))
    }

    /// Marks all lines of all documents as changed, because what was learned of them is forgotten. Returns the documents.
    pub fn forget_learned(&mut self) -> Vec<Uri> {
        for open in self.documents.values_mut() {
            open.changed = Some(Lines { first: 0, old_end: 0, new_end: open.document.text().len_lines() });
        }
        self.documents.values().map(|open| open.uri.clone()).collect()
    }

    /// Why a document is not here.
    pub fn why_not(&self, uri: &Uri) -> String {
        match self.too_large.contains(&convert::document(uri)) {
            true => format!(
                "the document is over `documents.max_bytes`, which is {}, so the server does not keep it",
                self.max_bytes
            ),
            false => format!("{} is not open", uri.0),
        }
    }

    /// The path of an open document.
    pub fn path(&self, uri: &Uri) -> Option<PathBuf> {
        Some(convert::document(uri)).filter(|path| self.documents.contains_key(path))
    }

    /// The documents that are stale or must not be parsed, by path.
    pub fn hindered(&self, parses: &Parses) -> Vec<Hindered> {
        let why = |(path, open): (&PathBuf, &OpenDocument)| {
            let stale = open.stale_since.map(|since| (STALE.to_owned(), since));
            let barred = || {
                let language = open.document.snapshot().language.name();
                parses.barred(path, language).map(|barred| (barred.why(language), barred.since))
            };
            let (why, since) = stale.or_else(barred)?;
            Some(Hindered { path: path.clone(), why, since })
        };
        let mut hindered: Vec<Hindered> = self.documents.iter().filter_map(why).collect();
        hindered.sort_by(|a, b| a.path.cmp(&b.path));
        hindered
    }

    /// The path of an open document, and its language.
    pub fn path_and_language(&self, uri: &Uri) -> Option<(PathBuf, &'static str)> {
        let path = convert::document(uri);
        let language = self.documents.get(&path)?.document.snapshot().language;
        Some((path, language.name()))
    }

    /// Marks all lines of a document as changed. Returns its URI.
    pub fn forget_learned_of(&mut self, path: &Path) -> Option<Uri> {
        let open = self.documents.get_mut(path)?;
        open.changed = Some(Lines { first: 0, old_end: 0, new_end: open.document.text().len_lines() });
        Some(open.uri.clone())
    }

    /// The texts of the open documents, by path. One that lost an edit is left out.
    pub fn texts(&self) -> Vec<(PathBuf, Rope)> {
        let known = self.documents.iter().filter(|(_, open)| !open.document.is_stale());
        known.map(|(path, open)| (path.clone(), open.document.text().clone())).collect()
    }

    /// The paths of the open documents.
    pub fn paths(&self) -> Vec<PathBuf> {
        self.documents.keys().cloned().collect()
    }
}

impl OpenDocument {
    /// Whether the last change, of more than a key, made the text what it was before a deletion: an undo or a redo.
    fn brings_back(&self, last: &Change) -> bool {
        let text = self.document.text();
        let inserted = text::slice(text, last.start, last.new_end.min(last.start + MUCH * 8));
        let is_jump = inserted.chars().nth(1).is_some() && !inserted.trim().is_empty();
        // Of equal length first, because comparing reads all of a text.
        !last.whole && is_jump && self.past.iter().any(|past| past.len_bytes() == text.len_bytes() && past == text)
    }

    /// Remembers the text before a deletion. Of letters deleted one after the other, only that before the first counts.
    fn note_past(&mut self, before: Rope, changes: &[Change]) {
        if changes.iter().any(|change| change.whole) {
            // The client sends it again, and nobody deleted anything.
            self.past.clear();
            return;
        }
        let deleted = changes.iter().map(|change| change.old_end - change.start).max().unwrap_or_default();
        if deleted == 0 || (deleted == 1 && self.trigger == Trigger::Deleted) {
            return;
        }
        if self.past.len() >= PAST {
            self.past.pop_front();
        }
        self.past.push_back(before);
    }

    /// Notes whether the document became stale, or is no more.
    fn note_staleness(&mut self, was_stale: bool) -> (bool, bool) {
        let is_stale = self.document.is_stale();
        self.stale_since = is_stale.then(|| self.stale_since.unwrap_or_else(SystemTime::now));
        (is_stale && !was_stale, was_stale && !is_stale)
    }
}

impl Lines {
    fn of(change: &Change) -> Lines {
        let first = change.first_line;
        Lines { first, old_end: first + change.old_lines, new_end: first + change.new_lines }
    }

    /// Both as one range that holds every line either touched; `change` came second.
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

/// An edit that only removes text deletes. One that inserts more at once than a menu's item has comes from a paste. Every other edit counts as
/// typing.
fn trigger(change: &Change, text: &Rope) -> Trigger {
    if change.new_end == change.start && change.old_end > change.start {
        return Trigger::Deleted;
    }
    let inserted = text::slice(text, change.start, change.new_end.min(change.start + MUCH * 8));
    let lines = inserted.lines().filter(|line| !line.trim().is_empty()).count();
    match !change.whole && (lines > 1 || inserted.trim().len() > MUCH) {
        true => Trigger::Pasted,
        false => Trigger::Typed,
    }
}

fn language(id: &str, path: &Path, text: &str) -> &'static Language {
    let first_line = text.lines().next().unwrap_or_default();
    pennyworth_grammars::of(id, document::name(path).as_ref(), first_line)
}

#[cfg(test)]
mod tests;

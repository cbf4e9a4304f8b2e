//! The model's interface: documents, workspace and vocabulary together, kept within the memory limit.
//! Storing, predicting and joining tokens is left to the other modules.

use std::collections::{HashMap, VecDeque};

use crate::document::Document;
use crate::predict::{Features, OTHERS, Sources};
use crate::prepared::Prepared;
use crate::suggest::{Draft, Query, Suggestion};
use crate::tokens::is_word;
use crate::vocab::Vocab;
use crate::workspace::{Focus, Incoming, Shelf, Step, Workspace, directory, word_hash};

/// Tokens learned or unlearned in one step, which takes well under a millisecond.
const SLICE: usize = 500;
/// Open documents get one part in this many of the memory.
const DOCUMENTS: usize = 4;
/// Bytes of a block of tokens. The workspace grows by whole blocks.
const BLOCK: usize = 1024 * Shelf::bytes_per_token();

/// The model's limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory.
    pub max_bytes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_bytes: 64 << 20 }
    }
}

/// Counts of the model's contents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Open documents.
    pub documents: usize,
    /// Learned files that are not open.
    pub files: usize,
    /// Tokens in both.
    pub tokens: usize,
    /// Distinct tokens.
    pub vocabulary: usize,
    /// Bytes held.
    pub bytes: usize,
    /// Files still to be learned.
    pub waiting: usize,
}

/// A prediction of one token and whether it was right, for fitting the weights.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// The inputs of the probability.
    pub features: Features,
    /// The predicted probability.
    pub probability: f32,
    /// The token was right.
    pub right: bool,
}

/// The embedded model.
#[derive(Debug)]
pub struct Model {
    limits: Limits,
    vocab: Vocab,
    workspace: Workspace,
    documents: HashMap<String, Document>,
    waiting: VecDeque<Incoming>,
    /// Closed documents whose tokens the vocabulary still counts.
    retired: Vec<Document>,
    focus: Focus,
    changes: u64,
}

impl Model {
    /// An empty model.
    pub fn new(limits: Limits) -> Model {
        let tokens = limits.max_bytes / 2 / Shelf::bytes_per_token();
        Model {
            limits,
            vocab: Vocab::new(tokens / 8),
            workspace: Workspace::new(tokens),
            documents: HashMap::new(),
            waiting: VecDeque::new(),
            retired: Vec::new(),
            focus: Focus::default(),
            changes: 0,
        }
    }

    /// Learns an opened document at once. For long ones see [`Model::open_prepared`].
    pub fn open(&mut self, path: &str, language: &str, text: &str) {
        self.open_prepared(Prepared::document(path, language, text));
        if let Some(document) = self.documents.get_mut(path) {
            document.advance(&mut self.vocab, usize::MAX);
        }
        self.keep_documents_small();
    }

    /// Takes an opened document. [`Model::advance`] learns it in steps; an edit learns the rest at once.
    pub fn open_prepared(&mut self, text: Prepared) {
        self.changes += 1;
        let path = text.path.clone();
        self.drop_document(&path);
        self.workspace.hide(&path, true);
        self.focus = Focus { path: path.clone(), language: text.language.clone() };
        self.documents.insert(path, Document::new(text, self.changes));
        self.keep_documents_small();
    }

    /// Replaces `removed_lines` lines of an open document from `first_line` (zero-based) on. New lines come without line breaks.
    /// Only these lines are unlearned and learned. Lines past the end, and documents that are not open, are ignored.
    pub fn edit<'a>(
        &mut self,
        path: &str,
        first_line: usize,
        removed_lines: usize,
        new_lines: impl Iterator<Item = &'a str>,
    ) {
        self.changes += 1;
        let Some(document) = self.documents.get_mut(path) else { return };
        document.edit(&mut self.vocab, first_line, removed_lines, new_lines);
        document.touched = self.changes;
        if self.focus.path != path {
            self.focus = Focus { path: path.to_owned(), language: document.language.clone() };
        }
        if document.bytes() > self.limits.max_bytes / DOCUMENTS {
            self.keep_documents_small();
        }
    }

    /// Marks a document as recently edited, after a save or a pause in the edits.
    pub fn settle(&mut self, path: &str) {
        self.changes += 1;
        if let Some(document) = self.documents.get_mut(path) {
            document.touched = self.changes;
        }
        self.workspace.touch(path);
    }

    /// Closes a document. Its last text stays as a file of the workspace, once [`Model::advance`] has learned it.
    pub fn close(&mut self, path: &str) {
        self.workspace.hide(path, false);
        let Some(document) = self.documents.remove(path) else { return };
        if document.edited || !self.workspace.contains(path) {
            let text = document.to_prepared(path, &self.vocab);
            self.waiting.push_front(Incoming::closed(text, document.edited));
        }
        self.retired.push(document);
    }

    /// Learns a file of the workspace at once. False if it is refused: too long, binary, generated, minified, or no room for it.
    pub fn index(&mut self, path: &str, language: &str, text: &str) -> bool {
        let Ok(prepared) = Prepared::new(path, language, text) else { return false };
        self.index_prepared(prepared);
        while self.advance() {}
        self.workspace.contains(path)
    }

    /// Takes a file of the workspace. [`Model::advance`] learns it in steps, in place of its earlier text.
    pub fn index_prepared(&mut self, text: Prepared) {
        self.waiting.retain(|waiting| waiting.path() != text.path || waiting.has_begun());
        self.waiting.push_back(Incoming::new(text));
    }

    /// Does one step of the pending work, in less than a millisecond. Returns true while more is left.
    pub fn advance(&mut self) -> bool {
        for document in self.documents.values_mut() {
            if document.advance(&mut self.vocab, SLICE) > 0 {
                return true;
            }
        }
        if self.workspace.sweep(&mut self.vocab, SLICE) > 0 {
            return true;
        }
        if let Some(retired) = self.retired.last_mut() {
            if !retired.forget(&mut self.vocab, SLICE) {
                self.retired.pop();
            }
            return true;
        }
        let Some(mut incoming) = self.waiting.pop_front() else { return false };
        let (max, documents) = (self.limits.max_bytes, self.limits.max_bytes / DOCUMENTS);
        let room = |workspace: &Workspace, vocab: &Vocab| {
            let bytes = workspace.bytes() + vocab.bytes();
            let block = if workspace.store.free_pages() < 32 { BLOCK + max / 32 } else { 0 };
            bytes + block <= max - documents
        };
        let step = self.workspace.advance(&mut self.vocab, &mut incoming, &self.focus, SLICE, room);
        self.workspace.hide(incoming.path(), self.documents.contains_key(incoming.path()));
        match step {
            Step::More => self.waiting.push_front(incoming),
            Step::Done if incoming.is_edited() => self.workspace.touch(incoming.path()),
            Step::Done | Step::Refused => {}
        }
        true
    }

    /// Whether an open document is still being learned. An edit of it would learn the rest at once.
    pub fn is_opening(&self) -> bool {
        self.documents.values().any(Document::is_opening)
    }

    /// Forgets a file that was deleted or is now ignored. An open document stays.
    pub fn remove(&mut self, path: &str) {
        self.waiting.retain(|waiting| waiting.path() != path);
        self.workspace.remove(path);
    }

    /// Whether a document is open.
    pub fn is_open(&self, path: &str) -> bool {
        self.documents.contains_key(path)
    }

    /// Whether a file of the workspace is learned, at least in part.
    pub fn knows(&self, path: &str) -> bool {
        self.workspace.contains(path)
    }

    /// The paths of everything that is learned or will be: open documents and files.
    pub fn paths(&self) -> Vec<String> {
        let open = self.documents.keys().map(String::as_str);
        let waiting = self.waiting.iter().map(Incoming::path);
        open.chain(waiting).chain(self.workspace.paths()).map(str::to_owned).collect()
    }

    /// Suggests the text after the cursor; `None` if nothing is likely enough.
    pub fn suggest(&self, query: &Query<'_>) -> Option<Suggestion> {
        Draft::write(query, &self.sources(query), query.min_probability).finish()
    }

    /// The predictions for a query, up to the first wrong one. `truth` is the text that really follows the cursor.
    pub fn samples(&self, query: &Query<'_>, truth: &str) -> Vec<Sample> {
        let draft = Draft::write(query, &self.sources(query), 0.0);
        let mut samples = Vec::new();
        let mut before = 1.0;
        for step in &draft.steps {
            let text = draft.text.get(..step.end).unwrap_or_default();
            let follows = truth.strip_prefix(text).map(|rest| rest.chars().next());
            let right = follows.is_some_and(|next| !(text.ends_with(is_word) && next.is_some_and(is_word)));
            samples.push(Sample { features: step.features, probability: step.joint / before, right });
            before = step.joint;
            if !right {
                break;
            }
        }
        samples
    }

    /// Counts of the current contents.
    pub fn stats(&self) -> Stats {
        Stats {
            documents: self.documents.len(),
            files: self.workspace.len(),
            tokens: self.workspace.store.len()
                + self.documents.values().map(|document| document.store.len()).sum::<usize>(),
            vocabulary: self.vocab.len(),
            bytes: self.workspace.bytes() + self.vocab.bytes() + self.document_bytes(),
            waiting: self.waiting.len(),
        }
    }

    fn sources<'a>(&'a self, query: &Query<'_>) -> Sources<'a> {
        let file = self.documents.get(query.path).map(|document| (document, document.owner(query.line)));
        let mut others: Vec<&Document> = self
            .documents
            .iter()
            .filter(|(path, _)| path.as_str() != query.path)
            .map(|(_, document)| document)
            .collect();
        others.sort_by_key(|document| std::cmp::Reverse(document.touched));
        others.truncate(OTHERS);
        let directory = word_hash(directory(query.path));
        Sources { vocab: &self.vocab, file, others, workspace: &self.workspace, directory }
    }

    /// Open documents and those that are being forgotten.
    fn all_documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.values().chain(&self.retired)
    }

    fn document_bytes(&self) -> usize {
        self.all_documents().map(Document::bytes).sum()
    }

    /// Drops the least recently touched documents until the others fit their part of the memory.
    fn keep_documents_small(&mut self) {
        while self.document_bytes() > self.limits.max_bytes / DOCUMENTS {
            while let Some(retired) = self.retired.pop() {
                let mut retired = retired;
                while retired.forget(&mut self.vocab, usize::MAX) {}
            }
            let oldest = self.documents.iter().min_by_key(|(_, document)| document.touched);
            let Some(path) = oldest.map(|(path, _)| path.clone()) else { return };
            self.drop_document(&path);
            self.workspace.hide(&path, false);
        }
    }

    fn drop_document(&mut self, path: &str) {
        self.retired.extend(self.documents.remove(path));
    }
}

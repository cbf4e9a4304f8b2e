//! Passes each event of a document to the parts that follow documents: the suggestion on the screen, the call in flight, the excerpts, the warm
//! models, the embedded model and the syntax tree. It leaves handling the event to them.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pennyworth_core::text::Change;
use ropey::Rope;
use tower_lsp::gen_lsp_types::Uri;

use crate::complete::warm::warm;
use crate::complete::{Completer, dismiss};
use crate::documents::Documents;
use crate::documents::trees::Parser;
use crate::surface::Suggestions;
use crate::sync::Background;

/// How often, and how far apart, the rules of a document are asked for whose disk does not answer.
const TRIES: usize = 60;
const BETWEEN: Duration = Duration::from_secs(1);

/// The parts that follow documents.
pub(super) struct Followers {
    pub(super) documents: Arc<Documents>,
    pub(super) completer: Arc<Completer>,
    pub(super) suggestions: Arc<Suggestions>,
    pub(super) parser: Arc<Parser>,
    pub(super) background: Arc<Background>,
}

impl Followers {
    /// A document was opened, or sent again as a whole.
    pub(super) fn opened(&self, uri: &Uri) {
        self.changed(uri);
        let opened = self.documents.session().path_and_language(uri);
        let Some((path, language)) = opened else { return };
        // A call in flight was made for another text.
        self.completer.flights.closed(&path);
        let (completer, background) = (Arc::clone(&self.completer), Arc::clone(&self.background));
        let documents = Arc::clone(&self.documents);
        self.background.spawn(async move {
            if completer.scope(&path).await.unknown.is_some() {
                late(&completer, &documents, &path).await;
            }
            warm(&completer, &background, (&path, language), false);
        });
    }

    /// A document was edited; `text` is its text now.
    pub(super) fn edited(&self, uri: &Uri, changes: &[Change], text: &Rope) {
        let followed = self.suggestions.edited(uri, changes, text);
        if followed.goes_on {
            self.documents.session().taken(uri);
        }
        // A key edits one place; a command may edit many.
        if let [_] = changes {
            self.completer.keys.pressed(Instant::now());
        }
        let edited = self.documents.session().path_and_language(uri);
        if let (Some(last), Some((path, language))) = (changes.last(), edited) {
            self.completer.flights.edited(&path, text);
            if let Some(removed) = followed.removed {
                let cells = self.documents.session().cells(&path);
                dismiss(&self.completer, &path, (text, cells.as_ref()), removed);
            }
            let (configuration, line) = (self.completer.configuration.get(), last.first_line + last.new_lines);
            let is_new = self.completer.recent.edited(&configuration, (&path, language), text, line);
            warm(&self.completer, &self.background, (&path, language), is_new);
        }
        self.changed(uri);
    }

    /// A document was saved.
    pub(super) fn saved(&self, uri: &Uri) {
        if let Some(path) = self.documents.session().path(uri) {
            self.completer.learner.queue.settled(path);
        }
    }

    /// A document was closed.
    pub(super) fn closed(&self, uri: &Uri) {
        let path = self.documents.session().close(uri);
        if let Some(path) = path {
            self.completer.flights.closed(&path);
            self.completer.learner.queue.closed(path);
        }
        self.suggestions.closed(uri);
    }

    fn changed(&self, uri: &Uri) {
        self.completer.learner.queue.changed(uri);
        self.parser.changed(uri);
    }
}

/// Waits for the rules of a document whose disk was slow to answer, and then has the document learned as a whole.
async fn late(completer: &Arc<Completer>, documents: &Documents, path: &Path) {
    for _ in 0..TRIES {
        tokio::time::sleep(BETWEEN).await;
        let known = completer.scope(path).await;
        if known.unknown.is_none() {
            let uri = documents.session().forget_learned_of(path);
            uri.iter().for_each(|uri| completer.learner.queue.changed(uri));
            return;
        }
    }
}

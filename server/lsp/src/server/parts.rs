//! The parts of the server: makes them, connects them, starts their threads, and ends them. There is no other place where parts meet.
//! It leaves the protocol's methods to `server`.

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pennyworth_core::text::Change;
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::Uri;

use super::followers::Followers;
use super::options::Options;
use super::sources::Sources;
use super::watching;
use crate::complete::Completer;
use crate::documents::Documents;
use crate::documents::parses::PARSES;
use crate::documents::session::{STALE, Session};
use crate::documents::trees::{self, Parser};
use crate::jobs;
use crate::learn::EMBEDDED;
use crate::learn::thread::{self as learning, Forgotten};
use crate::ledger::Ledger;
use crate::settings::Settings;
use crate::signals::Signal;
use crate::surface::commands::Commands;
use crate::surface::desk::Desk;
use crate::surface::faults::Marks;
use crate::surface::status::Changes;
use crate::surface::{Suggestions, Texts, queue, scratch, status};
use crate::sync::Background;
use crate::wire::editor::Editor;
use crate::wire::messages;

/// Time after which another ledger stands in for one whose disk does not answer.
const LEDGER_PATIENCE: Duration = Duration::from_secs(5);

/// The parts of a server.
pub(super) struct Parts {
    pub(super) client: Client,
    /// The client as `initialize` describes it; empty before that.
    pub(super) editor: Arc<OnceLock<Editor>>,
    pub(super) documents: Arc<Documents>,
    pub(super) completer: Arc<Completer>,
    pub(super) suggestions: Arc<Suggestions>,
    pub(super) status: Arc<Changes>,
    pub(super) followers: Followers,
    pub(super) sources: Arc<Sources>,
    parser: Arc<Parser>,
    texts: Arc<Texts>,
    pub(super) desk: Desk,
    marks: Arc<Marks>,
    background: Arc<Background>,
    /// The user's own file in place of the usual one.
    config: Option<PathBuf>,
    ledger: Option<PathBuf>,
    discovers: bool,
}

impl Parts {
    /// The parts for a client that has not introduced itself.
    pub(super) fn new(client: Client, options: Options) -> Parts {
        let Options { config, ledger, discover } = options;
        let completer = Arc::new(Completer::new(Settings::default()));
        completer.providers.keys.leave_signals(&Signal::ALL);
        let (documents, background) = (Arc::<Documents>::default(), Arc::<Background>::default());
        let (status, parser) = (Arc::<Changes>::default(), Arc::<Parser>::default());
        let (slot, read) = (Arc::clone(&completer.ledger), Arc::clone(&documents));
        let suggestions = Arc::new(Suggestions::new(slot, read, Arc::clone(&background)));
        let followers = Followers {
            documents: Arc::clone(&documents),
            completer: Arc::clone(&completer),
            suggestions: Arc::clone(&suggestions),
            parser: Arc::clone(&parser),
            background: Arc::clone(&background),
        };
        let (read, changes) = (Arc::clone(&documents), Arc::clone(&status));
        let sources =
            Sources::new(client.clone(), (config.clone(), ledger.as_deref()), read, Arc::clone(&completer), changes);
        let (editor, texts) = (Arc::default(), Arc::new(Texts::new(config.clone(), ledger.clone())));
        let desk = Desk {
            client: client.clone(),
            editor: Arc::clone(&editor),
            texts: Arc::clone(&texts),
            documents: Arc::clone(&documents),
            completer: Arc::clone(&completer),
            demands: Arc::default(),
            config: config.clone(),
        };
        Parts {
            client,
            editor,
            documents,
            completer,
            suggestions,
            status,
            parser,
            followers,
            sources: Arc::new(sources),
            texts,
            desk,
            marks: Arc::default(),
            background,
            config,
            ledger,
            discovers: discover,
        }
    }

    /// Takes the client's introduction: makes the first configuration and starts the threads that follow documents.
    pub(super) fn begin(&self, editor: Editor) -> &Editor {
        let editor = self.editor.get_or_init(|| editor);
        let max_bytes = self.completer.configuration.get().settings().documents.max_bytes;
        *self.documents.session() = Session::new(editor.counting(), max_bytes);
        self.sources.begin(editor);
        self.start_threads();
        editor
    }

    /// Starts what runs beside the client once it is ready: the ledger, the status, the settings it may send, and reading the workspace.
    pub(super) fn run(&self) {
        self.open_ledger();
        let (client, completer) = (self.client.clone(), Arc::clone(&self.completer));
        let (suggestions, changes) = (Arc::clone(&self.suggestions), Arc::clone(&self.status));
        let marks = self.editor.get().filter(|editor| editor.diagnostics).map(|_| Arc::clone(&self.marks));
        let crashes = &self.completer.crashes;
        let tell = move || {
            let parts = (Arc::clone(&completer), Arc::clone(&suggestions), Arc::clone(&changes));
            status::tell(client.clone(), parts, marks.clone())
        };
        self.background.keep(crashes, "the status", tell);
        if let Some(editor) = self.editor.get() {
            let (client, learner) = (self.client.clone(), Arc::clone(&self.completer.learner));
            let changes = Arc::clone(&self.status);
            let shows = editor.progress;
            let show = move || status::show_progress(client.clone(), shows, Arc::clone(&learner), Arc::clone(&changes));
            self.background.keep(crashes, "the progress", show);
            self.background.spawn(watching::register(self.client.clone(), editor.clone()));
            if editor.configuration {
                self.background.spawn(Arc::clone(&self.sources).ask_configuration());
            }
        }
        let (completer, config, changes) = (Arc::clone(&self.completer), self.config.clone(), Arc::clone(&self.status));
        let client = self.client.clone();
        let look = move || {
            let (changes, client) = (Arc::clone(&changes), client.clone());
            jobs::keep(Arc::clone(&completer), config.clone(), move |ended| {
                queue::tell_ended(&client, ended.len());
                changes.changed();
            })
        };
        self.background.keep(crashes, "the queue", look);
        self.background.spawn(Arc::clone(&self.sources).begin_reading());
        self.look_around();
    }

    fn start_threads(&self) {
        let (documents, configuration) = (&self.documents, &self.completer.configuration);
        let crashes = &self.completer.crashes;
        // Threads have no runtime of their own to send a message with.
        let (client, runtime) = (self.client.clone(), tokio::runtime::Handle::try_current());
        crashes.tell(move |message| {
            let _entered = runtime.as_ref().ok().map(tokio::runtime::Handle::enter);
            messages::warn(&client, message);
        });
        let completer = Arc::clone(&self.completer);
        let learning = learning::start(learning::Thread {
            learner: Arc::clone(&self.completer.learner),
            documents: Arc::clone(documents),
            configuration: Arc::clone(configuration),
            crashes: Arc::clone(crashes),
            forgotten: Box::new(move |forgotten| match forgotten {
                Forgotten::All => completer.cache().clear(),
                Forgotten::Some => completer.cache().forget(EMBEDDED),
            }),
        });
        let parses = Arc::clone(&self.completer.parses);
        if let Some(folder) = self.ledger.as_deref().and_then(Path::parent) {
            parses.keep_in(folder.join(PARSES));
        }
        let (documents, configuration) = (Arc::clone(documents), Arc::clone(configuration));
        let parsing = trees::start(Arc::clone(&self.parser), documents, configuration, parses, Arc::clone(crashes));
        for started in [learning, parsing] {
            if let Err(error) = started {
                tracing::error!(%error, "a thread did not start");
            }
        }
    }

    /// Opens the ledger on the blocking pool, so that the task that serves does not wait. While its disk does not answer, and if it cannot be
    /// opened, one stands in that spends nothing.
    fn open_ledger(&self) {
        let (client, path) = (self.client.clone(), self.ledger.clone());
        let (completer, status) = (Arc::clone(&self.completer), Arc::clone(&self.status));
        let stand_in = {
            let (client, path) = (client.clone(), path.clone());
            let (completer, status) = (Arc::clone(&completer), Arc::clone(&status));
            move |why: &str| {
                let ledger = Ledger::without(path.as_deref(), why);
                ledger.take_news().iter().for_each(|news| messages::warn(&client, news));
                completer.ledger.stand_in(ledger);
                status.changed();
            }
        };
        let opened = Arc::clone(&completer);
        let stands_in = stand_in.clone();
        self.background.spawn(async move {
            tokio::time::sleep(LEDGER_PATIENCE).await;
            if opened.ledger.get().is_none() {
                // Making one takes a thread and some memory, but no disk.
                let _ =
                    tokio::task::spawn_blocking(move || stands_in("cannot be opened: its disk does not answer")).await;
            }
        });
        tokio::task::spawn_blocking(move || {
            let open = catch_unwind(|| Ledger::open(path.as_deref())).ok();
            let Some((ledger, notice)) = open else {
                return stand_in("cannot be opened, by a mistake of ours: please report this (the log has more)");
            };
            if let Some(notice) = notice {
                messages::warn(&client, &notice);
            }
            let changes = Arc::clone(&status);
            ledger.listen(move || changes.changed());
            completer.ledger.fill(ledger);
            status.changed();
            scratch::sweep(path.as_deref());
            completer.collect();
            status.changed();
        });
    }

    /// Looks for model servers on this machine, if the server was started to.
    pub(super) fn look_around(&self) {
        if self.discovers {
            self.sources.look_around(&self.background);
        }
    }

    /// An edit of a document was lost before anybody could read it. The user is told of the first.
    pub(super) fn lost_edit(&self, uri: &Uri) {
        let path = self.documents.session().lost_edit(uri);
        if let Some(path) = path {
            self.lost(&path);
        }
    }

    /// A document is stale from now on: nothing is suggested in it until its whole text is known again.
    pub(super) fn lost(&self, path: &Path) {
        self.completer.flights.closed(path);
        messages::warn(&self.client, &format!("{}: {STALE}", path.display()));
        self.status.changed();
    }

    /// A document was opened: its findings are brought to its text.
    pub(super) fn check_findings(&self, uri: &Uri) {
        let snapshot = self.documents.session().peek(uri);
        if snapshot.is_some_and(|snapshot| self.desk.demands.findings.opened(uri, &snapshot.text)) {
            let (desk, uri) = (self.desk.clone(), uri.clone());
            self.background.spawn(async move { desk.demands.findings.publish(&desk.client, &uri).await });
        }
    }

    /// Findings of reviews follow their lines.
    pub(super) fn follow_findings(&self, uri: &Uri, changes: &[Change]) {
        if self.desk.demands.findings.edited(uri, changes) {
            let (desk, uri) = (self.desk.clone(), uri.clone());
            self.background.spawn(async move { desk.demands.findings.publish(&desk.client, &uri).await });
        }
    }

    /// The parts that commands may touch.
    pub(super) fn commands(&self) -> Commands<'_> {
        Commands {
            client: &self.client,
            editor: self.editor.get(),
            documents: &self.documents,
            completer: &self.completer,
            suggestions: &self.suggestions,
            status: &self.status,
            texts: &self.texts,
            desk: &self.desk,
            background: &self.background,
        }
    }

    /// Ends what still runs, and writes what is not yet written.
    pub(super) async fn close(&self) {
        self.completer.flights.end().await;
        self.completer.providers.keys.forget();
        self.completer.learner.queue.end();
        self.parser.end();
        self.completer.parses.close();
        self.background.abort();
        self.suggestions.all_closed();
        let ledger = Arc::clone(&self.completer.ledger);
        let write = move || {
            let Some(ledger) = ledger.get() else { return };
            if !ledger.flush() {
                tracing::warn!("the ledger could not write everything in time");
            }
            ledger.stop_collecting();
        };
        let _ = tokio::task::spawn_blocking(write).await;
    }
}

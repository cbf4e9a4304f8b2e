//! A candidate of a trial: one model under one file of settings, with the state of a server of its own, so that no answer of another is seen. It leaves
//! what it is asked to `planned`.

use std::path::PathBuf;
use std::sync::Arc;

use pennyworth_core::models::{Model, Models};
use pennyworth_core::task::Task;
use pennyworth_core::text::Snapshot;
use pennyworth_ngram::Prepared;

use super::place::Place;
use crate::complete::{Completer, Request};
use crate::learn::{EMBEDDED, key, learn_workspace};
use crate::ledger::Ledger;
use crate::models::found::Found;
use crate::settings::{Configuration, Settings};
use crate::sync::lock;

/// A candidate.
pub struct Candidate {
    /// Its name: the model's, and that of the settings if there are others.
    pub name: String,
    /// The model's name.
    pub model: String,
    /// Whether it has the user's own settings, so that the router may learn from it.
    pub is_own: bool,
    /// Whether it may be asked by tomorrow.
    pub in_queue: InQueue,
    /// The state of its server.
    pub completer: Arc<Completer>,
    /// Its settings, applied to the workspace.
    pub configuration: Arc<Configuration>,
    /// The file that the embedded model has with a hole in it; `None` before it learned the workspace.
    holed: std::sync::Mutex<Option<Holed>>,
}

/// Whether a candidate may be asked by tomorrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InQueue {
    /// Nobody wants that.
    Unwanted,
    /// It is, where its model is cheaper then.
    Wanted,
    /// It is not, although that is wanted, for this reason.
    Never(String),
}

/// A file that the embedded model has with a hole in it.
struct Holed {
    path: PathBuf,
    /// The whole file, if it had learned it.
    whole: Option<Prepared>,
}

/// Settings under which nothing but one model answers.
pub fn tried(settings: &Settings, model: &str) -> Settings {
    let mut settings = settings.clone();
    let rows = settings.tasks();
    for task in Task::ALL {
        let own = settings.tasks.entry(task).or_default();
        own.pin = None;
        // What is tried is not left out because other models were not taken there.
        own.enabled.get_or_insert(rows.row(task).enabled);
    }
    if model == EMBEDDED {
        settings.model.clear();
        settings.pin = None;
    } else {
        settings.pin = Some(model.to_owned());
        settings.embedded.enabled = false;
    }
    settings
}

/// Whether two rows send a prompt to the same place, in the same way and for the same price. They may differ in what prompts are made by.
fn sends_alike(one: &Model, other: &Model) -> bool {
    let Model { excerpts, context, stop_limit, chars_per_token, tier, .. } = *one;
    let format = one.format.clone();
    *one == Model { format, excerpts, context, stop_limit, chars_per_token, tier, ..other.clone() }
}

impl Candidate {
    /// A model under settings, in a workspace. `of` names the settings if they are not the user's own.
    pub fn new(
        model: &str,
        settings: &Settings,
        of: Option<&str>,
        root: &PathBuf,
        shared: (&Ledger, &Found),
    ) -> Candidate {
        let settings = tried(settings, model);
        let (ledger, found) = shared;
        let completer = Completer::new(settings.clone());
        completer.providers.found.take_over(found);
        completer.ledger.fill(ledger.clone());
        let (configuration, _) = Configuration::new(1, settings, std::slice::from_ref(root));
        completer.configure(Arc::new(configuration));
        Candidate {
            name: of.map_or_else(|| model.to_owned(), |of| format!("{model} ({of})")),
            model: model.to_owned(),
            is_own: of.is_none(),
            in_queue: InQueue::Unwanted,
            configuration: completer.configuration.get(),
            completer: Arc::new(completer),
            holed: std::sync::Mutex::default(),
        }
    }

    /// The same asked by tomorrow, if the queue asks it as these settings do: it goes by the user's own rows.
    #[must_use]
    pub fn waiting(mut self, own: &Models) -> Candidate {
        let of_queue = own.get(&self.model).filter(|row| row.enabled);
        let both = self.configuration.models.get(&self.model).zip(of_queue);
        self.in_queue = match self.is_embedded() || both.is_some_and(|(one, other)| sends_alike(one, other)) {
            true => InQueue::Wanted,
            false => {
                InQueue::Never(format!("its row is not that of config.toml, by which the queue asks {}", self.model))
            }
        };
        self
    }

    /// Whether it is the embedded model.
    pub fn is_embedded(&self) -> bool {
        self.model == EMBEDDED
    }

    /// The request at a place, as from an editor that shows whole constructs while the user types. The edit before it is told, too: what was edited in
    /// other files goes into prompts as excerpts.
    pub fn request(&self, place: &Place) -> Request {
        let language = place.language.name();
        let whole = Snapshot::of(&place.text, place.language);
        self.configuration.read(&place.path);
        let line = whole.text.byte_to_line(place.hole.range.start);
        self.completer.recent.edited(&self.configuration, (&place.path, language), &whole.text, line);
        Request { by_tomorrow: self.in_queue == InQueue::Wanted, ..place.request() }
    }

    /// Teaches the embedded model the workspace, at first, and the place's file with the hole cut out. The files of earlier holes are whole again.
    pub fn teach(&self, place: &Place) {
        let (model, mut holed) = (&self.completer.learner.model, lock(&self.holed));
        if holed.is_none() {
            learn_workspace(model, &self.configuration, &place.path);
            // The walk leaves out this file, as one that is open.
            let whole = Prepared::new(&key(&place.path), place.language.name(), &place.text).ok();
            *holed = Some(Holed { path: place.path.clone(), whole });
        }
        let path = key(&place.path);
        let is_other = |holed: &Holed| holed.path != place.path;
        if let Some(Holed { path: before, whole }) = holed.take_if(|holed| is_other(holed)) {
            model.teach(|model| {
                model.close(&key(&before));
                model.remove(&key(&before));
            });
            if let Some(whole) = whole {
                model.teach(|model| model.index_prepared(whole));
                while model.teach(pennyworth_ngram::Model::advance) {}
            }
        }
        if holed.is_none() {
            let knows = model.ask(|model| model.knows(&path));
            let whole = knows.then(|| Prepared::new(&path, place.language.name(), &place.text).ok()).flatten();
            *holed = Some(Holed { path: place.path.clone(), whole });
        }
        let text = place.with_hole();
        model.teach(|model| {
            model.close(&path);
            model.remove(&path);
            model.open(&path, place.language.name(), &text);
        });
    }
}

//! Shows the user what the server is doing: `$/pennyworth/status`, sent when it changes, and the progress of reading the workspace.
//! It leaves the display to the editor.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use pennyworth_core::caps::Caps;
use pennyworth_core::money::Money;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{
    LspNotificationMethod, MessageDirection, Notification, ProgressToken, WorkDoneProgressCancelParams,
};

use super::faults::Marks;
use super::suggestions::Suggestions;
use crate::complete::Completer;
use crate::documents::session::Hindered;
use crate::learn::Learner;
use crate::learn::progress::Progress;
use crate::ledger::{self, Ledger};
use crate::models::found::FoundModel;
use crate::models::troubles::{Trouble, Troubles};
use crate::reports::words::counted;
use crate::settings::{Configuration, Notice, Severity};
use crate::wire::messages;

/// Changes that come faster than this are sent together.
const TOGETHER: Duration = Duration::from_millis(200);
/// Most faults that are sent; `pennyworth check` lists all.
const FAULTS: usize = 20;
/// Most characters of the parts of a fault.
const FAULT_CHARS: usize = 500;
/// Shortest time between two messages that a cap is reached.
const CAP_AGAIN: Duration = Duration::from_secs(3600);
/// Longest wait for the client to prepare for a progress.
const PATIENCE: Duration = Duration::from_secs(10);

/// The notification `$/pennyworth/status`.
pub enum StatusNotification {}

impl Notification for StatusNotification {
    type Params = Status;
    const MESSAGE_DIRECTION: MessageDirection = MessageDirection::ServerToClient;
    const METHOD: LspNotificationMethod<'static> = LspNotificationMethod::Custom("$/pennyworth/status");
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What the server is doing.
    pub state: State,
    /// Money spent in the last 24 hours, by all servers of this user, in US dollars; `null` if that is unknown.
    pub spent_today_usd: Option<f64>,
    /// Money spent this month, in UTC; `null` if that is unknown.
    pub spent_this_month_usd: Option<f64>,
    /// Money reserved for calls under way, at their most. It counts against the caps, but is not spent.
    pub reserved_usd: f64,
    /// The day's cap, in US dollars.
    pub cap_usd_per_day: f64,
    /// The month's cap.
    pub cap_usd_per_month: f64,
    /// The models that may be called, by name, without the embedded model.
    pub models: Vec<String>,
    /// Those of them that were found on this machine and that no configuration names. `discover = false` stops looking for them.
    pub found: Vec<FoundModel>,
    /// Files that the embedded model learned.
    pub files: usize,
    /// The model of the last suggestion, `embedded` for the embedded model; `null` before the first.
    pub model: Option<String>,
    /// Whether a model is being called.
    pub asking: bool,
    /// The first of the troubles that the user is told of, as a message.
    pub trouble: Option<String>,
    /// Tasks in the queue.
    pub jobs: Jobs,
    /// What keeps models from answering, one entry for each model.
    pub troubles: Vec<Trouble>,
    /// Faults in the settings, until they are mended; those that close most come first.
    pub faults: Vec<Fault>,
    /// The languages that are paused individually, by name.
    pub paused_languages: Vec<String>,
    /// The names that editors have for these languages.
    pub paused_ids: Vec<String>,
    /// Whether everything is paused. `state` does not say so where the settings switch everything off.
    pub paused: bool,
}

/// Tasks in the queue of this user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jobs {
    /// Those that wait for their answers.
    pub waiting: u32,
    /// Those whose answers nobody has taken yet.
    pub ready: u32,
}

/// A value of the settings that could not be used as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// The file, or `editor settings`, or `environment`.
    pub file: String,
    /// The line, from 1, if the source has lines.
    pub line: Option<usize>,
    /// The key with its tables; empty if the whole source is meant.
    pub key: String,
    /// What is wrong and what is allowed. It continues a sentence that begins with the key.
    pub message: String,
    /// What holds until it is mended: a sentence without a full stop.
    pub holds: String,
}

/// What the server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Suggestions are on.
    Ready,
    /// Suggestions are on, and the workspace is being read.
    Indexing,
    /// A cap is reached, or no longer covers a call: only models that cost nothing are called.
    Capped,
    /// The user paused suggestions.
    Paused,
    /// The settings switch everything off.
    Off,
}

/// Notifies of changes, and numbers the current progress.
#[derive(Default)]
pub struct Changes {
    notify: Notify,
    token: AtomicU64,
}

impl Changes {
    /// Something changed that the user may see.
    pub fn changed(&self) {
        self.notify.notify_one();
    }
}

/// The status now.
pub async fn status(completer: &Completer, suggestions: &Suggestions) -> Status {
    let configuration = completer.configuration.get();
    let settings = configuration.settings();
    let (caps, spent) = (caps(&configuration), completer.spent().await);
    let is_out = spent.is_some_and(|spent| caps.left(spent) <= Money::ZERO) && has_priced(&configuration);
    let state = if !settings.enabled {
        State::Off
    } else if completer.pauses.everything() {
        State::Paused
    } else if completer.is_capped() || is_out {
        State::Capped
    } else if is_reading(&completer.learner, &configuration) {
        State::Indexing
    } else {
        State::Ready
    };
    let unbooked = unbooked(completer, &configuration);
    let models = configuration.models.enabled().map(|model| (model.name.as_str(), ledger::provider(model)));
    let holding = completer.providers.holding(models, |model| completer.left_out(model));
    let paused_languages = completer.pauses.languages();
    let hindered: Vec<Trouble> = suggestions.hindered(&completer.parses).into_iter().map(of_document).collect();
    Status {
        state,
        jobs: jobs(completer).await,
        spent_today_usd: spent.map(|spent| spent.day.usd()),
        spent_this_month_usd: spent.map(|spent| spent.month.usd()),
        reserved_usd: spent.unwrap_or_default().reserved.usd(),
        cap_usd_per_day: caps.day.usd(),
        cap_usd_per_month: caps.month.usd(),
        models: configuration.models.enabled().map(|model| model.name.clone()).collect(),
        found: completer.providers.found.all(),
        files: completer.learner.model.ask(|model| model.stats().files),
        model: suggestions.last_model(),
        asking: *completer.in_flight().borrow() > 0,
        trouble: unbooked
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| completer.providers.troubles.first())
            .or_else(|| hindered.first().map(|trouble| trouble.what.clone())),
        troubles: unbooked
            .map(of_ledger)
            .into_iter()
            .chain(holding)
            .chain(hindered)
            .chain(completer.learner.progress.all_unanswered().into_iter().map(of_folder))
            .collect(),
        faults: faults(&configuration.all_notices()),
        paused_ids: editor_ids(&paused_languages),
        paused_languages: paused_languages.into_iter().map(str::to_owned).collect(),
        paused: completer.pauses.everything(),
    }
}

/// How many tasks are in the queue; none before the ledger is open, or if it cannot be read.
async fn jobs(completer: &Completer) -> Jobs {
    let Some(ledger) = completer.ledger.get() else { return Jobs::default() };
    ledger.count_jobs().await.map(|(waiting, ready)| Jobs { waiting, ready }).unwrap_or_default()
}

/// The names that editors have for these languages.
fn editor_ids(languages: &[&str]) -> Vec<String> {
    let paused = pennyworth_grammars::all().iter().filter(|language| languages.contains(&language.name()));
    paused.flat_map(|language| language.facts().ids.clone()).collect()
}

fn faults(notices: &[Notice]) -> Vec<Fault> {
    let mut errors: Vec<&Notice> = notices.iter().filter(|notice| notice.severity == Severity::Error).collect();
    errors.sort_by_key(|notice| std::cmp::Reverse(notice.holds.closed()));
    let fault = |notice: &Notice| {
        let Notice { file, line, key, message, holds, .. } = notice.clone();
        let short = |text: String| messages::bounded(text, FAULT_CHARS);
        Fault { file, line, key: short(key), message: short(message), holds: holds.to_string() }
    };
    errors.into_iter().take(FAULTS).map(fault).collect()
}

/// Whether the workspace is being read, or will be in a moment.
fn is_reading(learner: &Learner, configuration: &Configuration) -> bool {
    let progress = learner.progress.get();
    progress.is_reading || progress.walks == 0 && !configuration.learned_roots().is_empty()
}

/// Why nothing that costs money is asked, if something would be.
fn unbooked(completer: &Completer, configuration: &Configuration) -> Option<ledger::Trouble> {
    completer.ledger.get()?.trouble().filter(|_| has_priced(configuration))
}

/// The ledger's trouble among those of models; the next request that costs money tries it again.
fn of_ledger(trouble: ledger::Trouble) -> Trouble {
    Trouble {
        model: None,
        what: trouble.what(),
        remedy: Some(trouble.remedy.to_owned()),
        since: trouble.since,
        failures: 1,
        again: Some(0),
    }
}

/// What hinders suggestions in a document, which ends with its cause.
fn of_document(hindered: Hindered) -> Trouble {
    let Hindered { path, why, since } = hindered;
    let since = since.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Trouble {
        model: None,
        what: format!("{}: {why}", path.display()),
        remedy: None,
        since,
        failures: 1,
        again: Some(0),
    }
}

/// A folder that does not answer, until the workspace is read again.
fn of_folder((folder, since): (PathBuf, SystemTime)) -> Trouble {
    Trouble {
        model: None,
        what: format!("the disk of {} does not answer, so what lies there is not learned", folder.display()),
        remedy: None,
        since: since.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()),
        failures: 1,
        again: None,
    }
}

/// The lowest caps that hold in a folder of the workspace, or the user's own.
fn caps(configuration: &Configuration) -> Caps {
    let own = configuration.settings().caps();
    configuration
        .caps()
        .fold(own, |least, caps| Caps { day: least.day.min(caps.day), month: least.month.min(caps.month) })
}

fn has_priced(configuration: &Configuration) -> bool {
    configuration.models.enabled().any(|model| !model.is_free())
}

/// Sends the status to the client whenever it changes, and marks faults in their files if the client shows marks, until this is aborted.
pub async fn tell(
    client: Client,
    (completer, suggestions, changes): (Arc<Completer>, Arc<Suggestions>, Arc<Changes>),
    marks: Option<Arc<Marks>>,
) {
    let mut sent: Option<Status> = None;
    let mut told_cap: Option<Instant> = None;
    let mut in_flight = completer.in_flight();
    let (mut reading, mut unanswered) = (completer.learner.progress.watch(), 0);
    loop {
        tokio::select! {
            () = changes.notify.notified() => {}
            now = unanswered_now(&mut reading, unanswered) => unanswered = now,
            // Its sender lives as long as the completer.
            _ = in_flight.changed() => {}
        }
        tokio::time::sleep(TOGETHER).await;
        for news in completer.ledger.get().map(Ledger::take_news).unwrap_or_default() {
            messages::warn(&client, &news);
        }
        let now = status(&completer, &suggestions).await;
        let is_new = told_cap.is_none_or(|told| told.elapsed() >= CAP_AGAIN);
        if now.state == State::Capped && sent.as_ref().is_none_or(|sent| sent.state != State::Capped) && is_new {
            told_cap = Some(Instant::now());
            messages::warn(&client, &capped(&completer).await);
        }
        if let Some(marks) = &marks {
            marks.show(&client, &completer.configuration.get().all_notices()).await;
        }
        if sent.as_ref() != Some(&now) {
            client.send_notification::<StatusNotification>(now.clone()).await;
            sent = Some(now);
        }
    }
}

/// The number of folders that do not answer, once it is another one.
async fn unanswered_now(reading: &mut watch::Receiver<Progress>, before: usize) -> usize {
    match reading.wait_for(|progress| progress.unanswered != before).await.map(|progress| progress.unanswered) {
        Ok(now) => now,
        // The learner is gone, and so is the server in a moment.
        Err(_) => std::future::pending().await,
    }
}

/// What the user is told when a cap is reached.
async fn capped(completer: &Completer) -> String {
    let configuration = completer.configuration.get();
    let (caps, spent) = (caps(&configuration), completer.spent().await.unwrap_or_default());
    let left = caps.left(spent);
    let what = match left > Money::ZERO {
        true => format!("the rest of the cap ({left}) does not cover a call"),
        false => "a cap is reached".to_owned(),
    };
    format!(
        "{what}: {} of {} spent in 24 hours, {} of {} this month. Until it has room again, only free models are called; \
         `pennyworth stats` shows what was spent, `cap_usd_per_day` and `cap_usd_per_month` set the caps",
        spent.day,
        caps.day.exact(),
        spent.month,
        caps.month.exact()
    )
}

/// Shows the user why models cannot answer, each trouble once.
pub fn tell_troubles(client: &Client, troubles: &Troubles) {
    for trouble in troubles.take_unshown() {
        messages::warn(client, &trouble);
    }
}

/// Shows the progress of each reading of the workspace, if the client shows progress.
pub async fn show_progress(client: Client, shows_progress: bool, learner: Arc<Learner>, changes: Arc<Changes>) {
    let mut watched = learner.progress.watch();
    let mut shown = 0;
    while let Ok(begun) = watched.wait_for(|progress| progress.walks > shown).await.map(|progress| *progress) {
        shown = begun.walks;
        changes.changed();
        if shows_progress {
            let token = token(changes.token.fetch_add(1, Ordering::Relaxed) + 1);
            show_one(&client, token, &mut watched, shown).await;
        }
        if watched.wait_for(|progress| progress.walks > shown || !progress.is_reading).await.is_err() {
            return;
        }
        changes.changed();
    }
}

/// Shows one reading until it ends or another one begins.
async fn show_one(client: &Client, token: ProgressToken, watched: &mut watch::Receiver<Progress>, walk: u64) {
    let made = client.create_work_done_progress(token.clone());
    if !matches!(timeout(PATIENCE, made).await, Ok(Ok(()))) {
        return;
    }
    let progress = client.progress(token, "Pennyworth: reading the workspace").with_cancel_button();
    let progress = progress.begin().await;
    loop {
        let now = *watched.borrow_and_update();
        if now.walks != walk || !now.is_reading {
            break;
        }
        progress.report_with_message(counted(now.files as u64, "file"), Some(true)).await;
        // Reports are limited in number, but the end is reported at once.
        let over = watched.wait_for(|progress| progress.walks != walk || !progress.is_reading);
        if timeout(TOGETHER, over).await.is_ok() {
            break;
        }
    }
    progress.finish().await;
}

/// The user cancelled the reading whose progress is shown.
pub fn cancel_progress(learner: &Learner, changes: &Changes, params: &WorkDoneProgressCancelParams) {
    if params.token == token(changes.token.load(Ordering::Relaxed)) {
        learner.progress.cancel();
    }
}

fn token(number: u64) -> ProgressToken {
    ProgressToken::String(format!("pennyworth/{number}"))
}

//! What the user may see of the server at work: `$/pennyworth/status`, sent when it changes, and the progress of reading the workspace.
//! It leaves how it looks to the editor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use pennyworth_core::money::Money;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tower_lsp::gen_lsp_types::{
    LspNotificationMethod, MessageDirection, Notification, ProgressToken, WorkDoneProgressCancelParams,
};

use crate::current::Current;
use crate::engine::Engine;
use crate::progress::Progress;
use crate::workspace;

/// Changes that come faster than this are told together.
const TOGETHER: Duration = Duration::from_millis(200);
/// How long the client may take to make room for progress.
const PATIENCE: Duration = Duration::from_secs(10);

/// The notification `$/pennyworth/status`.
pub enum StatusNotification {}

impl Notification for StatusNotification {
    type Params = Status;
    const MESSAGE_DIRECTION: MessageDirection = MessageDirection::ServerToClient;
    const METHOD: LspNotificationMethod<'static> = LspNotificationMethod::Custom("$/pennyworth/status");
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// What the server is doing.
    pub state: State,
    /// Money spent today, by all servers of this user, in US dollars.
    pub spent_today_usd: f64,
    /// Money spent this month.
    pub spent_this_month_usd: f64,
    /// The day's cap, in US dollars.
    pub cap_usd_per_day: f64,
    /// The month's cap.
    pub cap_usd_per_month: f64,
    /// The models that may be asked, by name; the embedded one is not named.
    pub models: Vec<String>,
    /// Files that the embedded model knows.
    pub files: usize,
    /// The model of the last answer, `embedded` for the one inside; `null` before the first.
    pub model: Option<String>,
    /// Whether a model is being asked.
    pub asking: bool,
    /// What keeps a model from answering until somebody changes something.
    pub trouble: Option<String>,
    /// The languages that are paused by themselves, by name.
    pub paused_languages: Vec<String>,
}

/// What the server is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Suggestions come.
    Ready,
    /// Suggestions come, and the workspace is being read.
    Indexing,
    /// A cap is reached, or does not cover a call any more: only what costs nothing goes on.
    Capped,
    /// The user paused suggestions.
    Paused,
    /// The settings switch everything off.
    Off,
}

/// That something changed, and the number of the current progress.
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

/// The state of the server now.
pub async fn status(engine: &Engine) -> Status {
    let current = engine.current();
    let settings = current.settings();
    let spent = engine.resources.spent().await;
    let state = if !settings.enabled {
        State::Off
    } else if engine.resources.pauses.everything() {
        State::Paused
    } else if engine.resources.is_capped() || settings.caps().left(spent) <= Money::ZERO && has_priced(&current) {
        State::Capped
    } else if is_reading(engine, &current) {
        State::Indexing
    } else {
        State::Ready
    };
    Status {
        state,
        spent_today_usd: spent.day.usd(),
        spent_this_month_usd: spent.month.usd(),
        cap_usd_per_day: settings.cap_usd_per_day,
        cap_usd_per_month: settings.cap_usd_per_month,
        models: current.models.enabled().map(|model| model.name.clone()).collect(),
        files: engine.resources.embedded.ask(|model| model.stats().files),
        model: engine.answered(),
        asking: *engine.resources.asking().borrow() > 0,
        trouble: engine.resources.troubles.first(),
        paused_languages: engine.resources.pauses.languages().into_iter().map(str::to_owned).collect(),
    }
}

/// Whether the workspace is being read, or is to be in a moment.
fn is_reading(engine: &Engine, current: &Current) -> bool {
    let progress = engine.progress.get();
    progress.is_reading || progress.walks == 0 && !workspace::roots(current).is_empty()
}

fn has_priced(current: &Current) -> bool {
    current.models.enabled().any(|model| !model.price.is_free())
}

/// Tells the client what changed, for as long as it is there.
pub async fn tell(engine: Arc<Engine>) {
    let mut told: Option<Status> = None;
    let mut asking = engine.resources.asking();
    loop {
        tokio::select! {
            () = engine.status.notify.notified() => {}
            // Its sender lives as long as the engine.
            _ = asking.changed() => {}
        }
        tokio::time::sleep(TOGETHER).await;
        let now = status(&engine).await;
        if told.as_ref() != Some(&now) {
            engine.client.send_notification::<StatusNotification>(now.clone()).await;
            told = Some(now);
        }
    }
}

/// Shows how far reading the workspace is, each time it is read.
pub async fn show_progress(engine: Arc<Engine>) {
    let mut watched = engine.progress.watch();
    let mut shown = 0;
    while let Ok(begun) = watched.wait_for(|progress| progress.walks > shown).await.map(|progress| *progress) {
        shown = begun.walks;
        engine.status.changed();
        if engine.editor().is_some_and(|editor| editor.progress) {
            show_one(&engine, &mut watched, shown).await;
        }
        if watched.wait_for(|progress| progress.walks > shown || !progress.is_reading).await.is_err() {
            return;
        }
        engine.status.changed();
    }
}

/// Shows one reading until it is over or another one begins.
async fn show_one(engine: &Engine, watched: &mut watch::Receiver<Progress>, walk: u64) {
    let token = token(engine.status.token.fetch_add(1, Ordering::Relaxed) + 1);
    let made = engine.client.create_work_done_progress(token.clone());
    if !matches!(timeout(PATIENCE, made).await, Ok(Ok(()))) {
        return;
    }
    let progress = engine.client.progress(token, "Pennyworth: reading the workspace").with_cancel_button();
    let progress = progress.begin().await;
    loop {
        let now = *watched.borrow_and_update();
        if now.walks != walk || !now.is_reading {
            break;
        }
        progress.report_with_message(format!("{} files", now.files), Some(true)).await;
        // Reports are bounded in number, but the end is told at once.
        let over = watched.wait_for(|progress| progress.walks != walk || !progress.is_reading);
        if timeout(TOGETHER, over).await.is_ok() {
            break;
        }
    }
    progress.finish().await;
}

/// The user wants no more of what a progress shows.
pub fn cancel(engine: &Engine, params: &WorkDoneProgressCancelParams) {
    if params.token == token(engine.status.token.load(Ordering::Relaxed)) {
        engine.progress.cancel();
    }
}

fn token(number: u64) -> ProgressToken {
    ProgressToken::String(format!("pennyworth/{number}"))
}

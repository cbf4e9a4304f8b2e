//! What completing takes, whoever asks: the settings in force, the cache, the models and the account. The server has one for its life, and
//! so has a command of the command line for its one question. It leaves documents and the editor to `engine`.

use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Instant, SystemTime};

use pennyworth_core::cache::Cache;
use pennyworth_core::confidence::Confidence;
use pennyworth_core::gate::FileKind;
use pennyworth_core::models::{Model, WeekHour};
use pennyworth_core::money::Money;
use pennyworth_core::prompt::Excerpt;
use pennyworth_core::text;
use pennyworth_providers::Client;
use ropey::Rope;
use tokio::sync::{Semaphore, SetOnce, watch};

use crate::allowances::Allowances;
use crate::current::{Current, Scope};
use crate::embedded::Embedded;
use crate::engine::lock;
use crate::flight::Flights;
use crate::health::Health;
use crate::keys::Keys;
use crate::ledger::{Ledger, Spent};
use crate::look::HEAD;
use crate::pause::Pauses;
use crate::recent::Recent;
use crate::settings::Settings;
use crate::telemetry::Telemetry;
use crate::troubles::Troubles;
use crate::view::shown_path;
use crate::warm::Warmth;

/// Answers that are remembered.
const CACHE_ENTRIES: usize = 2_000;
/// Bytes that they may take.
const CACHE_BYTES: usize = 4 << 20;

/// What completing takes.
pub struct Resources {
    /// The model inside the server.
    pub embedded: Embedded,
    /// Which providers are well.
    pub health: Health,
    /// How much each provider still allows.
    pub allowances: Allowances,
    /// Places that were edited lately.
    pub recent: Recent,
    /// Calls under way.
    pub flights: Flights,
    /// What the user paused.
    pub pauses: Pauses,
    /// Which providers were in use lately.
    pub warmth: Warmth,
    /// What the user has to change before a model can answer.
    pub troubles: Troubles,
    /// The keys of models.
    pub keys: Keys,
    /// Connections to providers; `None` where the system allows none, and no model is asked then.
    pub client: Option<Client>,
    ledger: SetOnce<Ledger>,
    cache: Mutex<Cache>,
    current: RwLock<Arc<Current>>,
    is_capped: AtomicBool,
    asking: watch::Sender<u32>,
    /// What names folders in a way that says nothing about them.
    names: RandomState,
    /// Plans made so far, to know which of them explore.
    plans: AtomicU32,
    started: Instant,
    /// Who may use a processor now: as many looks at once as there are processors, so that many requests do not take a thread and its memory each.
    processors: Semaphore,
}

impl Resources {
    /// Resources under these settings, without a ledger yet: opening one takes longer than beginning may.
    pub fn new(settings: Settings) -> Resources {
        Resources {
            embedded: Embedded::new(settings.embedded.memory_mb),
            health: Health::default(),
            allowances: Allowances::default(),
            recent: Recent::default(),
            flights: Flights::default(),
            pauses: Pauses::default(),
            warmth: Warmth::default(),
            troubles: Troubles::default(),
            names: RandomState::new(),
            ledger: SetOnce::new(),
            keys: Keys::default(),
            client: Client::new().inspect_err(|error| tracing::error!(?error, "no connections")).ok(),
            cache: Mutex::new(Cache::new(CACHE_ENTRIES, CACHE_BYTES)),
            current: RwLock::new(Arc::new(Current::new(0, settings, &[]).0)),
            is_capped: AtomicBool::new(false),
            asking: watch::Sender::default(),
            plans: AtomicU32::new(0),
            started: Instant::now(),
            processors: Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)),
        }
    }

    /// Does what takes a millisecond of a processor, which the task that serves all requests does not have; in the order in which it was asked
    /// for. `None` if it panicked.
    pub async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        // The semaphore is never closed.
        let _turn = self.processors.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.inspect_err(|_| tracing::error!("a completion panicked")).ok()
    }

    /// The ledger, once it is open; what costs money waits for it.
    pub async fn opened_ledger(&self) -> &Ledger {
        self.ledger.wait().await
    }

    /// The ledger; `None` until it is open.
    pub fn ledger(&self) -> Option<&Ledger> {
        self.ledger.get()
    }

    /// Takes the ledger, which comes once.
    pub fn set_ledger(&self, ledger: Ledger) {
        let _ = self.ledger.set(ledger);
        self.watch();
    }

    /// Has a collector told of calls, if the settings name one.
    fn watch(&self) {
        let (Some(ledger), current) = (self.ledger(), self.current()) else { return };
        let wanted = current.settings().telemetry.endpoint.as_deref();
        let before = ledger.watch(None);
        if before.as_ref().map(|before| before.endpoint()) == wanted {
            ledger.watch(before);
            return;
        }
        // The last spans are sent meanwhile.
        std::thread::spawn(move || drop(before));
        let telemetry = wanted.map(Telemetry::new).transpose();
        let telemetry = telemetry.inspect_err(|error| self.troubles.add(error.clone())).ok().flatten().map(Arc::new);
        ledger.watch(telemetry);
    }

    /// Money spent by all servers of this user; nothing before the ledger is open, for nothing is spent before.
    pub async fn spent(&self) -> Spent {
        match self.ledger() {
            Some(ledger) => ledger.spent().await,
            None => Spent::default(),
        }
    }

    /// The settings in force. Who asks once and keeps the answer sees one state of them.
    pub fn current(&self) -> Arc<Current> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts settings in force. What failed under the old ones is worth another try.
    pub fn set_current(&self, current: Arc<Current>) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current;
        self.health.reset();
        self.allowances.forget();
        self.troubles.forget();
        self.keys.forget();
        self.set_capped(false);
        self.watch();
    }

    /// The answers so far. Held for a statement or two, never across an `await`.
    pub fn cache(&self) -> MutexGuard<'_, Cache> {
        lock(&self.cache)
    }

    /// Milliseconds since the start, the cache's clock.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The hour that prices depend on.
    pub fn week_hour(&self) -> WeekHour {
        WeekHour::of(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// Whether the next plan explores, of which this share do: evenly spread, so that not even a few in a row are more than that.
    pub fn explores(&self, share: f64) -> bool {
        /// Multiples of the golden ratio fall evenly into the whole.
        const GOLDEN: u32 = 0x9E37_79B9;
        let plan = self.plans.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        f64::from(plan.wrapping_mul(GOLDEN)) < share * f64::from(u32::MAX)
    }

    /// What the probabilities mean that a model gives its answers.
    pub fn confidence(&self, model: &str) -> Confidence {
        self.ledger().map(|ledger| ledger.confidence(model)).unwrap_or_default()
    }

    /// A document was edited in a line. True if that changes what prompts about other files may hold.
    pub fn edited(&self, path: &Path, text: &Rope, line: usize) -> bool {
        let is_normal = |path: &Path, text: &Rope| {
            let head = text::slice(text, 0, HEAD.min(text.len_bytes()));
            self.current().scope(path).kind(path, &head, text.len_bytes()) == FileKind::Normal
        };
        self.recent.edited(path, text, line, is_normal)
    }

    /// Places of other files of the same folder that may be told a model about a file, the oldest first; none where no model has room for them.
    /// Of files outside of every folder of the workspace, those that lie beside each other belong together.
    pub fn excerpts(&self, current: &Current, path: &Path) -> Vec<Excerpt> {
        if current.models.enabled().all(|model| model.excerpts == 0) {
            return Vec::new();
        }
        let scope = current.scope(path);
        let is_outside = !current.is_inside(path);
        let is_allowed = |other: &Path| {
            let theirs = current.scope(other);
            let is_near = theirs.root == scope.root && (!is_outside || other.parent() == path.parent());
            is_near && theirs.settings.enabled && theirs.kind_of_path(other) == FileKind::Normal
        };
        self.recent.excerpts(path, is_allowed, |other| shown_path(other, &scope.root))
    }

    /// A name for the prompts of a folder, which no other server gives it.
    pub fn cache_key(&self, folder: &Path) -> String {
        format!("pw-{:016x}", self.names.hash_one(folder))
    }

    /// A call begins; it is counted until what is given back is dropped.
    pub fn asks(&self) -> Asking<'_> {
        self.asking.send_modify(|calls| *calls += 1);
        Asking(&self.asking)
    }

    /// The number of calls under way, followed by whoever tells it to the user.
    pub fn asking(&self) -> watch::Receiver<u32> {
        self.asking.subscribe()
    }

    /// Whether a cap kept all models that cost something from the last question for which one was wanted.
    pub fn is_capped(&self) -> bool {
        self.is_capped.load(Ordering::Relaxed)
    }

    /// A cap did, or none did.
    pub fn set_capped(&self, is_capped: bool) {
        self.is_capped.store(is_capped, Ordering::Relaxed);
    }

    /// What is left of the caps for a folder. Nothing is looked up where no model costs anything.
    pub async fn cap_left(&self, current: &Current, scope: &Scope) -> Money {
        if current.models.enabled().all(|model| model.price.is_free()) {
            return Money::ZERO;
        }
        scope.settings.caps().left(self.spent().await)
    }

    /// Whether a model on this machine may be asked.
    pub fn has_local_model(&self, current: &Current, scope: &Scope) -> bool {
        scope.settings.embedded.enabled || current.models.enabled().any(Model::is_on_this_machine)
    }
}

/// A call under way.
pub struct Asking<'a>(&'a watch::Sender<u32>);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls = calls.saturating_sub(1));
    }
}

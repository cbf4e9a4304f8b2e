//! The state that completions share: the configuration, the cache, the clock, the permits for work, and handles to the ledger, the learner and
//! the providers. The server has one, and so has each command that completes.
//! It leaves the stages to `stages`, and documents and the editor to others.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use pennyworth_core::cache::Cache;
use pennyworth_core::caps::Spent;
use pennyworth_core::confidence::Confidence;
use pennyworth_core::models::{Model, WeekHour};
use pennyworth_core::money::Money;
use pennyworth_core::route::Standing;
use pennyworth_core::task::Task;
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, watch};

use super::cap_left::CapLeft;
use super::flights::Flights;
use super::keys::Keys;
use super::pauses::Pauses;
use crate::documents::{Parses, Recent};
use crate::learn::Learner;
use crate::ledger::{self, Slot};
use crate::models::Providers;
use crate::models::health::account;
use crate::settings::{Configuration, Scope, Settings, SharedConfiguration};
use crate::sync::{Crashes, lock};

/// Most answers in the cache.
const CACHE_ENTRIES: usize = 2_000;
/// Most bytes in the cache.
const CACHE_BYTES: usize = 4 << 20;

/// The rules of a document while they are read.
type Reading = Shared<BoxFuture<'static, Arc<Scope>>>;

/// The state that completions share.
pub struct Completer {
    /// The configuration in force.
    pub configuration: Arc<SharedConfiguration>,
    /// The ledger, once it is open.
    pub ledger: Arc<Slot>,
    /// The embedded model and what it still has to learn.
    pub learner: Arc<Learner>,
    /// The state of the providers.
    pub providers: Providers,
    /// Marks around parses, and the documents that are not parsed.
    pub parses: Arc<Parses>,
    /// Excerpts of recent edits.
    pub recent: Recent,
    /// Calls in flight.
    pub flights: Flights,
    /// The user's keys.
    pub keys: Keys,
    /// Where panics are reported.
    pub crashes: Arc<Crashes>,
    /// What the user paused.
    pub pauses: Pauses,
    cache: Mutex<Cache>,
    /// By the address of the configuration, and the document.
    readings: Mutex<HashMap<(usize, PathBuf), Reading>>,
    is_capped: AtomicBool,
    in_flight: watch::Sender<u32>,
    /// Hashes folders into names that say nothing about them.
    names: RandomState,
    /// Plans made so far. Their number decides which of them explore.
    plans: AtomicU32,
    started: Instant,
    /// One permit per processor. Otherwise a hundred requests would take a hundred threads and their memory.
    permits: Arc<Semaphore>,
    processors: usize,
}

impl Completer {
    /// A completer with these settings, without a ledger yet.
    pub fn new(settings: Settings) -> Completer {
        let processors = std::thread::available_parallelism().map_or(2, usize::from);
        Completer {
            learner: Arc::new(Learner::new(settings.embedded.memory_mb)),
            configuration: Arc::new(SharedConfiguration::new(settings)),
            ledger: Arc::default(),
            providers: Providers::default(),
            parses: Arc::default(),
            recent: Recent::default(),
            flights: Flights::default(),
            keys: Keys::default(),
            crashes: Arc::default(),
            pauses: Pauses::default(),
            cache: Mutex::new(Cache::new(CACHE_ENTRIES, CACHE_BYTES)),
            readings: Mutex::default(),
            is_capped: AtomicBool::new(false),
            in_flight: watch::Sender::default(),
            names: RandomState::new(),
            plans: AtomicU32::new(0),
            started: Instant::now(),
            permits: Arc::new(Semaphore::new(processors)),
            processors,
        }
    }

    /// Puts a configuration in force. What failed under the old one is tried again.
    pub fn configure(&self, configuration: Arc<Configuration>) {
        // Before anybody can read the configuration: a call under it may fail at once.
        self.providers.reset(configuration.generation);
        self.set_capped(false);
        self.configuration.set(configuration);
        self.collect();
    }

    /// The rules of a document, once they are known. They stay unknown if the disk does not answer in time. Requests for one document wait together:
    /// after a reload, one who types fast would else take a thread per key.
    pub async fn scope(&self, path: &Path) -> Arc<Scope> {
        let configuration = self.configuration.read().await;
        if let Some(known) = configuration.known(path) {
            return known;
        }
        let reading = {
            let mut readings = lock(&self.readings);
            readings.retain(|_, reading| reading.peek().is_none());
            // The reading keeps the configuration, so no other one has its address.
            let key = (Arc::as_ptr(&configuration).addr(), path.to_owned());
            readings.entry(key).or_insert_with(|| reading(Arc::clone(&configuration), path)).clone()
        };
        reading.await
    }

    /// Has the ledger, once it is open, send calls to the collector that the settings name, if any.
    pub fn collect(&self) {
        let (Some(ledger), configuration) = (self.ledger.get(), self.configuration.get()) else { return };
        if let Err(trouble) = ledger.collect_at(configuration.settings().telemetry.endpoint.as_deref()) {
            self.providers.troubles.add(trouble);
        }
    }

    /// Runs work of about a millisecond, which waits for nothing, off the task that serves all requests. Work starts in the order of the calls.
    /// `None` if it panicked. A single piece of work runs on the caller's task: waking a thread for it, and the task behind it, takes a tenth of a
    /// millisecond, and the runtime has other workers for what comes meanwhile.
    pub async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        // The semaphore is never closed.
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        let is_alone = self.permits.available_permits() + 1 == self.processors;
        // The permit goes with the work, which ends even if nobody waits for it any more.
        let permitted = move || {
            let _permit = permit;
            work()
        };
        let runs_here = is_alone && !self.parses.waits() && Handle::current().metrics().num_workers() > 1;
        let done = match runs_here {
            true => catch_unwind(AssertUnwindSafe(permitted)).ok(),
            false => tokio::task::spawn_blocking(permitted).await.ok(),
        };
        if done.is_none() {
            self.crashes.crashed("a completion");
        }
        done
    }

    /// Locks the cache of answers, for a statement or two and never across an `await`.
    pub fn cache(&self) -> MutexGuard<'_, Cache> {
        lock(&self.cache)
    }

    /// Milliseconds since the start: the cache's clock.
    pub fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The hour of the week, on which off-peak prices depend.
    pub fn week_hour(&self) -> WeekHour {
        WeekHour::of(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs()))
    }

    /// Whether the next plan explores. This share of plans does, spread evenly over all plans.
    pub(super) fn explores(&self, share: f64) -> bool {
        /// Multiples of the golden ratio spread evenly.
        const GOLDEN: u32 = 0x9E37_79B9;
        let plan = self.plans.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        f64::from(plan.wrapping_mul(GOLDEN)) < share * f64::from(u32::MAX)
    }

    /// The calibration of a model's own probabilities.
    pub(super) fn confidence(&self, model: &str) -> Confidence {
        self.ledger.get().map(|ledger| ledger.confidence(model)).unwrap_or_default()
    }

    /// How long a model is still left out, because its last calls took longer than we wait.
    pub fn left_out(&self, model: &str) -> Option<Duration> {
        self.ledger.get().and_then(|ledger| ledger.left_out(model))
    }

    /// What the router needs to know of each enabled model, for a task and language.
    pub fn standings(&self, configuration: &Configuration, task: Task, language: &str) -> BTreeMap<String, Standing> {
        let now = Instant::now();
        let standing = |model: &Model| {
            let provider = ledger::provider(model);
            let healthy = self.providers.health.is_well(&account(provider, model), &model.name, now);
            let allowance = self.providers.allowances.of(provider, now);
            let known = self.ledger.get().map(|ledger| ledger.standing(task, language, &model.name));
            let context = self.providers.contexts.limit(&model.name);
            Standing { healthy, allowance, context, ..known.unwrap_or_default() }
        };
        configuration.models.enabled().map(|model| (model.name.clone(), standing(model))).collect()
    }

    /// Characters per token of a model, as its bills have taught.
    pub fn chars_per_token(&self, model: &Model) -> f32 {
        let row = model.chars_per_token;
        self.ledger.get().map_or(row, |ledger| ledger.calibration(&model.name).chars_per_token(row))
    }

    /// The provider's cache key for a folder's prompts. Every server makes a different one.
    pub fn cache_key(&self, folder: &Path) -> String {
        format!("pw-{:016x}", self.names.hash_one(folder))
    }

    /// Money spent by all servers of this user; nothing before the ledger is open, because no call is made before. `None` if the ledger cannot
    /// be kept.
    pub async fn spent(&self) -> Option<Spent> {
        match self.ledger.get() {
            Some(ledger) => ledger.spent().await,
            None => Some(Spent::default()),
        }
    }

    /// What is left of the caps for a folder; `None` if the ledger cannot be kept.
    pub async fn cap_left(&self, configuration: &Configuration, scope: &Scope) -> Option<Money> {
        self.ask_cap_left(configuration, scope).known().await
    }

    /// Asks what is left of the caps for a folder. Without a priced model the ledger is not asked, and before it is open nothing is spent.
    pub(super) fn ask_cap_left(&self, configuration: &Configuration, scope: &Scope) -> CapLeft {
        if configuration.models.enabled().all(|model| model.is_free()) {
            return CapLeft::Known(Some(Money::ZERO));
        }
        let caps = scope.settings.caps();
        match self.ledger.get() {
            Some(ledger) => CapLeft::Asked(caps, ledger.ask_spent()),
            None => CapLeft::Known(Some(caps.left(Spent::default()))),
        }
    }

    /// Counts a call as in flight until the guard is dropped.
    pub(super) fn begin_call(&self) -> InFlight<'_> {
        self.in_flight.send_modify(|calls| *calls += 1);
        InFlight(&self.in_flight)
    }

    /// The number of calls in flight, now and whenever it changes.
    pub fn in_flight(&self) -> watch::Receiver<u32> {
        self.in_flight.subscribe()
    }

    /// Whether the caps left no priced model for the last request that needed one.
    pub fn is_capped(&self) -> bool {
        self.is_capped.load(Ordering::Relaxed)
    }

    /// Records whether the caps left none.
    pub(super) fn set_capped(&self, is_capped: bool) {
        self.is_capped.store(is_capped, Ordering::Relaxed);
    }
}

/// Reads the rules of a document on a thread that waits for the disk.
fn reading(configuration: Arc<Configuration>, path: &Path) -> Reading {
    let (reader, of) = (Arc::clone(&configuration), path.to_owned());
    let read = tokio::task::spawn_blocking(move || reader.read(&of));
    let path = path.to_owned();
    async move { read.await.unwrap_or_else(|_| configuration.scope(&path)) }.boxed().shared()
}

/// A call that counts as in flight.
pub(super) struct InFlight<'a>(&'a watch::Sender<u32>);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|calls| *calls = calls.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn only_work_that_is_alone_runs_on_the_callers_task() {
        let (here, thread) = (thread::current().id(), || thread::current().id());
        let completer =
            Completer { permits: Arc::new(Semaphore::new(2)), processors: 2, ..Completer::new(Settings::default()) };
        assert_eq!(completer.work(thread).await, Some(here));
        assert_eq!(completer.work(|| panic!("a test")).await, None::<()>);
        assert_eq!(completer.work(thread).await, Some(here));
        let other = completer.permits.acquire().await;
        assert_ne!(completer.work(thread).await.unwrap(), here);
        drop(other);
    }

    #[tokio::test]
    async fn the_only_worker_of_a_runtime_runs_no_work() {
        let completer = Completer::new(Settings::default());
        assert_ne!(completer.work(|| thread::current().id()).await.unwrap(), thread::current().id());
    }

    #[test]
    fn a_cache_key_names_no_folder_and_is_another_in_each_server() {
        let (one, other) = (Completer::new(Settings::default()), Completer::new(Settings::default()));
        let (folder, beside) = (Path::new("/home/me/secret-project"), Path::new("/home/me/b"));
        let key = one.cache_key(folder);
        assert_eq!(key, one.cache_key(folder));
        assert!(key != one.cache_key(beside) && key != other.cache_key(folder));
        assert!(key.len() == 19 && !key.contains("secret"), "{key}");
    }

    #[test]
    fn two_providers_are_sent_a_cache_key() {
        let configuration = crate::settings::Configuration::new(1, Settings::default(), &[]).0;
        let sent: std::collections::BTreeSet<String> = configuration
            .models
            .all()
            .filter(|model| model.cache_key_field.is_some())
            .map(|model| model.address())
            .collect();
        let hosts: Vec<_> = sent.iter().map(|address| address.trim_end_matches("/v1")).collect();
        assert_eq!(hosts, ["https://api.mistral.ai", "https://api.openai.com"]);
    }
}

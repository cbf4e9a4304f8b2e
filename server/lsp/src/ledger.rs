//! The account of every fraction of a cent: a row for each model call and one for each suggestion shown, in one SQLite file that all
//! servers of the user share, and the caps that are kept over it. It holds ids, counts, prices and times; never code, never prompts.
//!
//! A call is reserved before it is sent and settled after. Whatever becomes of it in between leaves a row: a dropped [`Reservation`] is
//! written as aborted, and one whose process was killed is found open by the next reservation and written as lost. Until it is settled a
//! call is held against the cap with the most it can cost.
//!
//! It leaves reading settings, choosing models and printing the report to others.

use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, SystemTime};

use pennyworth_core::budget::Feedback;
use pennyworth_core::confidence::Confidence;
use pennyworth_core::models::{AbortBilled, Model, Price, Protocol};
use pennyworth_core::money::Money;
use pennyworth_core::plan::Plan;
use pennyworth_core::route::{Standing, Step};
use pennyworth_core::task::Task;
use pennyworth_core::tokens::Calibration;
use tokio::sync::oneshot;

use crate::telemetry::{Said, Telemetry};

mod caps;
mod file;
mod history;
mod memory;
mod report;
mod reservation;
mod store;
mod suggestion;

pub use caps::{Caps, Period, Spent};
pub use memory::{Known, Sureness};
pub use report::{Report, Row};
pub use reservation::{CallId, Reservation};
pub use suggestion::{Kind, Outcome, Source, Suggested, SuggestionId};

use memory::Memory;
use reservation::{Account, Ticket};
use store::Store;

/// Longest wait for the writer when the process ends.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// Tells the time; the tests bring their own.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// What the writer thread does next.
type Job = Box<dyn FnOnce(&mut Store) + Send>;

/// The ledger. A clone is another handle of the same one; its thread ends with the last.
#[derive(Clone)]
pub struct Ledger {
    jobs: Sender<Job>,
    memory: Arc<RwLock<Memory>>,
    clock: Clock,
    /// Who else wants to know of calls.
    watcher: Arc<RwLock<Option<Arc<Telemetry>>>>,
}

/// A model call as it is planned.
#[derive(Clone, Debug)]
pub struct Call {
    /// Whom it goes to: the host of its address.
    pub provider: String,
    /// The model's name in tables.
    pub model: String,
    /// What is asked for; `None` for a call that only warms its model.
    pub task: Option<Task>,
    /// The language's name.
    pub language: String,
    /// Estimated tokens of the prompt.
    pub prompt_tokens: u32,
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// Characters per token of the model's row, to count what an aborted answer had brought.
    pub chars_per_token: f32,
    /// The most it can cost: held against the cap until it is settled.
    pub worst_cost: Money,
    /// What its tokens cost at that hour.
    pub price: Price,
    /// What closing its stream early costs.
    pub abort_billed: AbortBilled,
    /// The time after which it is over, whatever happens.
    pub deadline: Duration,
}

impl Call {
    /// A step of a plan's route.
    pub fn new(plan: &Plan, step: &Step, model: &Model) -> Call {
        Call {
            provider: provider(model).to_owned(),
            model: model.name.clone(),
            task: Some(plan.task),
            language: plan.language.clone(),
            prompt_tokens: step.prompt_tokens,
            max_tokens: plan.budget.max_tokens,
            chars_per_token: model.chars_per_token,
            worst_cost: step.worst_cost,
            price: step.price.clone(),
            abort_billed: model.abort_billed,
            deadline: Duration::from_millis(plan.deadline_ms.into()),
        }
    }
}

impl Call {
    /// A call that only has a model read what its prompts begin with.
    pub fn warming(model: &Model, prompt_tokens: u32, max_tokens: u32, deadline: Duration) -> Call {
        Call {
            provider: provider(model).to_owned(),
            model: model.name.clone(),
            task: None,
            language: String::new(),
            prompt_tokens,
            max_tokens,
            chars_per_token: model.chars_per_token,
            worst_cost: model.price.worst(prompt_tokens.into(), max_tokens.into()),
            price: model.price.clone(),
            abort_billed: model.abort_billed,
            deadline,
        }
    }
}

/// The host of a model's address, without whatever stands before an `@`.
pub fn provider(model: &Model) -> &str {
    if model.protocol == Protocol::Replay {
        return "replay";
    }
    let rest = model.base_url.split_once("://").map_or(model.base_url.as_str(), |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default()
}

/// Why a call may not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It could take the cost of the day or month over its cap.
    #[error("the {period}'s cap of {cap} does not cover it: {spent} are spent or in flight")]
    Cap {
        /// Whose cap.
        period: Period,
        /// What its calls cost so far, those in flight at their most.
        spent: Money,
        /// The cap.
        cap: Money,
    },
    /// It could not be written down, and what is not written down is not done.
    #[error("the ledger cannot be written: {0}")]
    Unwritten(String),
}

impl Ledger {
    /// Opens the ledger in a file, made if there is none; without a path, or where there is no permission, in memory. The text says what is
    /// not as it should be: a damaged file was moved aside, or what is written now will be forgotten at the end.
    pub fn open(path: Option<&Path>) -> (Ledger, Option<String>) {
        Ledger::open_with(path, Arc::new(SystemTime::now))
    }

    /// The same with another clock.
    pub fn open_with(path: Option<&Path>, clock: Clock) -> (Ledger, Option<String>) {
        let memory = Arc::new(RwLock::new(Memory::default()));
        let (mut store, notice) = Store::open(path, Arc::clone(&clock), Arc::clone(&memory));
        let (jobs, queue) = mpsc::channel::<Job>();
        let worker = std::thread::Builder::new().name("ledger".into()).spawn(move || {
            store.load();
            for job in queue {
                job(&mut store);
            }
        });
        // Without a thread every call is refused: silence, which is what a machine in that state gets.
        let notice = notice.or(worker.err().map(|error| format!("the ledger cannot start: {error}")));
        (Ledger { jobs, memory, clock, watcher: Arc::default() }, notice)
    }

    /// Writes a call down before it is sent and holds its worst cost against the caps (`None`: there are none), in one step over all servers
    /// that share the file. A call that costs nothing is never refused for a cap.
    pub async fn reserve(&self, call: Call, caps: Option<Caps>) -> Result<Reservation, Refused> {
        let (reply, answer) = oneshot::channel();
        let ledger = self.clone();
        self.send(move |store| {
            let result = store.reserve(&call, caps).map(|id| Ticket::new(id, call, ledger));
            // Whoever asked may be gone; then the ticket takes the reservation back.
            let _ = reply.send(result);
        });
        let ticket = answer.await.map_err(|_| Refused::Unwritten("it is closed".into()))??;
        Ok(ticket.redeem())
    }

    /// Writes down that a suggestion was shown.
    pub fn suggested(&self, suggested: Suggested) -> SuggestionId {
        let id = SuggestionId::new();
        self.send(move |store| store.suggested(id, &suggested));
        id
    }

    /// Writes down what became of a suggestion. Of several outcomes the strongest holds, so it may be said twice and by two who saw it.
    pub fn settled(&self, outcome: Outcome) {
        self.send(move |store| store.outcome(outcome));
    }

    /// Has somebody else know of every call from now on, or nobody. Gives who was told before.
    pub fn watch(&self, watcher: Option<Arc<Telemetry>>) -> Option<Arc<Telemetry>> {
        std::mem::replace(&mut *self.watcher.write().unwrap_or_else(PoisonError::into_inner), watcher)
    }

    fn tell(&self, call: &Call, account: &Account) {
        let watcher = self.watcher.read().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(watcher) = watcher else { return };
        watcher.call(&Said {
            provider: &call.provider,
            model: &call.model,
            task: call.task.map_or("warming", Task::name),
            language: &call.language,
            max_tokens: call.max_tokens,
            input: account.usage.input,
            cached: account.usage.cached,
            output: account.usage.output,
            estimated: account.usage.estimated,
            cost: account.usage.cost(&call.price).usd(),
            finish: account.finish.map(|finish| format!("{finish:?}").to_lowercase()),
            status: account.status.name(),
            reason: account.reason.as_deref(),
            first: account.first,
            total: account.total,
        });
    }

    /// What today's and this month's calls cost so far over all servers.
    pub async fn spent(&self) -> Spent {
        let (reply, answer) = oneshot::channel();
        self.send(move |store| {
            let _ = reply.send(store.spent());
        });
        answer.await.unwrap_or(Spent::UNKNOWN)
    }

    /// What is known about a model for a task and language, as `route` wants it; health is not known here. Without a wait.
    pub fn standing(&self, task: Task, language: &str, model: &str) -> Standing {
        self.memory().standing(task, language, model, self.now_ms())
    }

    /// The same for each model that was shown, by task and language. Without a wait.
    pub fn known(&self) -> Vec<Known> {
        self.memory().known(self.now_ms())
    }

    /// What the probabilities mean that a model gives its answers. Without a wait.
    pub fn confidence(&self, model: &str) -> Confidence {
        self.memory().confidence(model)
    }

    /// The same for each model, with what it is drawn from. Without a wait.
    pub fn sureness(&self) -> Vec<Sureness> {
        self.memory().sureness()
    }

    fn now_ms(&self) -> i64 {
        suggestion::millis((self.clock)())
    }

    /// What is known about accepted answers of models, as `budget` wants it. Without a wait.
    pub fn feedback(&self, task: Task, language: &str) -> Option<Feedback> {
        self.memory().feedback(task, language)
    }

    /// What a model's bills say about estimates of its tokens. Without a wait.
    pub fn calibration(&self, model: &str) -> Calibration {
        self.memory().calibration(model)
    }

    /// What was got for the money since a time. Waits for the writer: not for the serve task.
    pub fn report(&self, since: SystemTime) -> Result<Report, String> {
        let (reply, answer) = mpsc::channel();
        self.send(move |store| {
            let _ = reply.send(store.report(since));
        });
        answer.recv().unwrap_or_else(|_| Err("the ledger is closed".into()))
    }

    /// Waits until everything said so far is written, for a few seconds at most; false if it is not. Not for the serve task.
    pub fn flush(&self) -> bool {
        let (reply, answer) = mpsc::channel();
        self.send(move |_| {
            let _ = reply.send(());
        });
        answer.recv_timeout(LAST_WAIT).is_ok()
    }

    fn send(&self, job: impl FnOnce(&mut Store) + Send + 'static) {
        // It fails only when the thread could not start; whoever waits for an answer sees that none comes.
        let _ = self.jobs.send(Box::new(job));
    }

    fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ledger")
    }
}

#[cfg(test)]
mod tests;

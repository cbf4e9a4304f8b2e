//! The ledger as the rest of the server sees it: reserve a call, record suggestions and outcomes, read what was learned and spent.
//! It leaves the writer thread to `writer` and what is learned to `memory`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use pennyworth_core::budget::Feedback;
use pennyworth_core::caps::{Caps, Spent};
use pennyworth_core::confidence::Confidence;
use pennyworth_core::money::Money;
use pennyworth_core::route::Standing;
use pennyworth_core::task::Task;
use pennyworth_core::tokens::Calibration;
use pennyworth_core::uptake::{self, Uptake};
use tokio::sync::oneshot;

use super::charges::{self, Charges};
use super::clock::{self, Clock};
use super::collector::Collector;
use super::cube::{self, Cube};
use super::entry::{CallId, Entry, Refused};
use super::file;
use super::habits::{self, Habits};
use super::memory::{KnownStanding, ModelConfidence};
use super::replies::Replies;
use super::report::{Past, Report};
use super::reservation::{Reservation, Ticket};
use super::settlement::Billed;
use super::store::Store;
use super::suggestion::{Outcome, Suggested, SuggestionId};
use super::trials::{Trial, TrialId, Tried};
use super::trouble::Trouble;
use super::writer::Writer;
use crate::sync::lock;

/// Longest wait for the writer, which may wait a while for other servers. After that its disk counts as one that does not answer.
const ANSWER: Duration = Duration::from_secs(4);
/// The same while it does not.
const LATE: Duration = Duration::from_millis(50);
/// Longest wait for the writer when the process ends.
const LAST_WAIT: Duration = Duration::from_secs(3);

/// The ledger. Clones are handles to the same one.
#[derive(Clone)]
pub struct Ledger {
    writer: Writer,
    clock: Clock,
    path: Option<PathBuf>,
    /// Longest wait for the writer.
    patience: Duration,
    /// Whether the writer was waited for in vain, and has done nothing since.
    is_late: Arc<AtomicBool>,
    /// Days that reports have read before.
    past: Arc<Mutex<Past>>,
}

impl Ledger {
    /// Opens the ledger's file, or creates it. While it cannot be used, rows are kept in memory, and calls that cost money are refused. The
    /// text says what is wrong: so much, or that a damaged file was moved aside.
    pub fn open(path: Option<&Path>) -> (Ledger, Option<String>) {
        Ledger::open_with(path, Clock::system())
    }

    /// Opens the ledger with another clock.
    pub fn open_with(path: Option<&Path>, clock: Clock) -> (Ledger, Option<String>) {
        let writer = Writer::start(path, clock.clone());
        let ledger = Ledger {
            writer,
            clock,
            path: path.map(Path::to_owned),
            patience: ANSWER,
            is_late: Arc::default(),
            past: Arc::default(),
        };
        let news = ledger.take_news();
        (ledger, (!news.is_empty()).then(|| news.join("; ")))
    }

    /// A ledger in place of one that cannot be opened: it keeps rows in memory and spends nothing. `why` follows the subject of a sentence.
    pub fn without(path: Option<&Path>, why: &str) -> Ledger {
        let (ledger, _) = Ledger::open(None);
        let trouble = Trouble::new(path, why.to_owned(), "Start the server again once that is mended.");
        ledger.writer.condition().set(Some(trouble));
        ledger
    }

    /// Why no call that costs money is reserved, if so. Does not wait.
    pub fn trouble(&self) -> Option<Trouble> {
        self.writer.condition().trouble()
    }

    /// What happened that the user should know; each only once.
    pub fn take_news(&self) -> Vec<String> {
        self.writer.condition().take_news()
    }

    /// Calls this whenever there is news or the trouble changes. It must not wait.
    pub fn listen(&self, listener: impl Fn() + Send + 'static) {
        self.writer.condition().listen(listener);
    }

    /// Writes a call before it is sent and reserves its worst cost against the caps (`None`: no caps), in one transaction over all servers
    /// that share the file. A cap never refuses a free call, and neither does a disk that does not answer: its row is written later.
    pub async fn reserve(&self, entry: Entry, caps: Option<Caps>) -> Result<Reservation, Refused> {
        let (reply, answer) = oneshot::channel();
        let writer = self.writer.clone();
        let free = (entry.worst_cost <= Money::ZERO).then(|| entry.clone());
        self.send(move |store| {
            let result = store.reserve(&entry, caps).map(|id| Ticket::new(id, entry, writer));
            // If the caller is gone, dropping the ticket takes the reservation back.
            let _ = reply.send(result);
        });
        let ticket = match (self.answer(answer).await, free) {
            (Some(answered), _) => answered?,
            (None, Some(entry)) => Ticket::new(CallId::fresh(), entry, self.writer.clone()),
            (None, None) => return Err(self.trouble().map_or_else(closed, Refused::Unbooked)),
        };
        Ok(ticket.redeem())
    }

    /// Writes a suggestion that was shown.
    pub fn suggested(&self, suggested: Suggested) -> SuggestionId {
        let id = SuggestionId::new();
        self.send(move |store| store.suggested(id, &suggested));
        id
    }

    /// Writes the outcome of a suggestion. The strongest of several outcomes counts, so two observers may report the same suggestion.
    pub fn settled(&self, outcome: Outcome) {
        self.send(move |store| store.outcome(outcome));
    }

    /// Writes what a candidate of a trial answered.
    pub fn tried(&self, tried: Tried) {
        self.send(move |store| store.tried(&tried));
    }

    /// A trial; the last one if none is named. It blocks, so the task that serves must not call it.
    pub fn trial(&self, id: Option<TrialId>) -> Result<Option<Trial>, String> {
        let (reply, answer) = mpsc::channel();
        self.send(move |store| {
            let _ = reply.send(store.trial(id));
        });
        answer.recv().unwrap_or_else(|_| Err("the ledger is closed".into()))
    }

    /// Sends calls to the collector at this address from now on; `None` stops that. The error is a sentence for the user.
    pub fn collect_at(&self, endpoint: Option<&str>) -> Result<(), String> {
        let before = self.writer.set_collector(None);
        if before.as_ref().map(|before| before.endpoint()) == endpoint {
            self.writer.set_collector(before);
            return Ok(());
        }
        // Dropping a collector sends its last spans, which takes a while.
        std::thread::spawn(move || drop(before));
        let collector = endpoint.map(Collector::new).transpose()?;
        self.writer.set_collector(collector.map(Arc::new));
        Ok(())
    }

    /// Sends the collector's last spans and removes it. It blocks, so the task that serves must not call it.
    pub fn stop_collecting(&self) {
        drop(self.writer.set_collector(None));
    }

    /// What the calls of all servers cost; `None` if that is unknown, so that nothing may cost money.
    pub async fn spent(&self) -> Option<Spent> {
        self.ask_spent().known().await
    }

    /// Asks what the calls of all servers cost. Does not wait.
    pub fn ask_spent(&self) -> AskedSpent {
        let (reply, answer) = oneshot::channel();
        self.send(move |store| {
            let _ = reply.send(store.spent());
        });
        AskedSpent { ledger: self.clone(), answer }
    }

    /// What the router needs to know of a model for a task and language, except its health. Does not wait.
    pub fn standing(&self, task: Task, language: &str, model: &str) -> Standing {
        self.writer.memory().standing(task, language, model, self.now_ms())
    }

    /// How long a model is still left out, because its last calls took longer than we wait. Does not wait.
    pub fn left_out(&self, model: &str) -> Option<Duration> {
        self.writer.memory().left_out(model, self.now_ms())
    }

    /// The standing of every model with shown suggestions, by task and language. Does not wait.
    pub fn known(&self) -> Vec<KnownStanding> {
        self.writer.memory().known(self.now_ms())
    }

    /// The sum of what was decided about the suggestions of a task in a language, if hardly any is taken; `counts` says which models may suggest
    /// now. Does not wait.
    pub fn unwanted(&self, task: Task, language: &str, counts: impl Fn(&str) -> bool) -> Option<Uptake> {
        let is_of = |of: Task, lang: &str, model: &str| of == task && lang == language && counts(model);
        self.writer.memory().uptakes(self.now_ms(), is_of).into_values().find_map(uptake::unwanted)
    }

    /// The same for every task and language of which that is so. Does not wait.
    pub fn all_unwanted(&self, counts: impl Fn(&str) -> bool) -> Vec<(Task, String, Uptake)> {
        let all = self.writer.memory().uptakes(self.now_ms(), |_, _, model| counts(model));
        all.into_iter()
            .filter_map(|((task, language), models)| Some((task, language, uptake::unwanted(models)?)))
            .collect()
    }

    /// The calibration of a model's own probabilities. Does not wait.
    pub fn confidence(&self, model: &str) -> Confidence {
        self.writer.memory().confidence(model)
    }

    /// The calibration of every model, with the data behind it. Does not wait.
    pub fn model_confidences(&self) -> Vec<ModelConfidence> {
        self.writer.memory().model_confidences()
    }

    /// Lengths of accepted answers, for the budget. Does not wait.
    pub fn feedback(&self, task: Task, language: &str) -> Option<Feedback> {
        self.writer.memory().feedback(task, language)
    }

    /// How a model's bills compare with the estimates of its tokens. Does not wait.
    pub fn calibration(&self, model: &str) -> Calibration {
        self.writer.memory().calibration(model)
    }

    /// What was spent since a time, and what came of it. It blocks, so the task that serves must not call it.
    ///
    /// It reads on a connection of its own, so that no call waits for it, and remembers past days, so that asking again costs what today has.
    pub fn report(&self, since: SystemTime) -> Result<Report, String> {
        if !self.flush() {
            return Err("its disk does not answer".into());
        }
        let now = self.clock.wall_ms();
        if let Some(path) = &self.path {
            match lock(&self.past).read(path, now, since) {
                Err(fault) if self.trouble().is_none() => return Err(fault),
                Err(_) => {}
                report => return report,
            }
        }
        let (reply, answer) = mpsc::channel();
        self.send(move |store| {
            let _ = reply.send(store.report(now, since));
        });
        answer.recv().unwrap_or_else(|_| Err("the ledger is closed".into()))
    }

    /// How ceilings and probabilities turned out since a local day, `YYYY-MM-DD`. It blocks, on a connection of its own.
    pub fn habits(&self, first_day: &str) -> Result<Habits, String> {
        let Some(path) = self.path.as_ref().filter(|_| self.flush()) else { return Ok(Habits::default()) };
        let connection = file::reader(path).map_err(|fault| fault.to_string())?;
        habits::read(&connection, first_day).map_err(|error| error.to_string())
    }

    /// Figures for a page that filters them, since a time. It blocks, on a connection of its own. A ledger in memory has none.
    pub fn cube(&self, since: SystemTime) -> Result<Cube, String> {
        let Some(path) = self.path.as_ref().filter(|_| self.flush()) else { return Ok(Cube::default()) };
        cube::read(path, since)
    }

    /// Counts what a request got: the name of the source of its suggestion, or the id of the reason why it got none. Does not wait.
    pub fn replied(&self, task: Option<Task>, language: &'static str, reply: &'static str) {
        self.writer.replied(task, language, reply);
    }

    /// What requests got since a local day, `YYYY-MM-DD`, the most frequent first. It blocks.
    pub fn replies(&self, first_day: &str) -> Result<Vec<Replies>, String> {
        let (reply, answer) = mpsc::channel();
        let first_day = first_day.to_owned();
        self.send(move |store| {
            store.write_replies();
            let _ = reply.send(store.replies(&first_day));
        });
        answer.recv_timeout(LAST_WAIT).unwrap_or_else(|_| Err("its disk does not answer".into()))
    }

    /// What it has of a provider since a time, by days in UTC. It blocks, on a connection of its own.
    pub fn charges(&self, provider: &str, since: SystemTime) -> Result<Vec<Charges>, String> {
        let Some(path) = self.path.as_ref().filter(|_| self.flush()) else { return Ok(Vec::new()) };
        let connection = file::reader(path).map_err(|fault| fault.to_string())?;
        charges::read(&connection, provider, clock::millis(since)).map_err(|error| error.to_string())
    }

    /// What a call cost; `None` if it is not settled. It blocks, so the task that serves must not call it.
    pub fn cost(&self, call: CallId) -> Option<Money> {
        self.billed(call).map(|billed| billed.cost)
    }

    /// What a call cost, with its input; `None` if it is not settled. It blocks, too.
    pub fn billed(&self, call: CallId) -> Option<Billed> {
        let (reply, answer) = mpsc::channel();
        self.send(move |store| {
            let _ = reply.send(store.billed(call));
        });
        answer.recv_timeout(LAST_WAIT).ok().flatten()
    }

    /// Waits at most a few seconds until everything is written; false if it is not. It blocks, so the task that serves must not call it.
    pub fn flush(&self) -> bool {
        let (reply, answer) = mpsc::channel();
        self.send(move |store| {
            store.write_replies();
            let _ = reply.send(());
        });
        answer.recv_timeout(LAST_WAIT).is_ok()
    }

    /// The folder of the ledger's file; `None` if no place for it is known.
    pub fn folder(&self) -> Option<&Path> {
        self.path.as_deref().and_then(Path::parent)
    }

    pub(super) fn send(&self, job: impl FnOnce(&mut Store) + Send + 'static) {
        self.writer.send(job);
    }

    /// The same ledger for callers that wait no longer than this.
    #[cfg(test)]
    pub(super) fn impatient(&self, patience: Duration) -> Ledger {
        Ledger { patience, ..self.clone() }
    }

    /// Waits for the writer, but not for ever.
    pub(super) async fn answer<T>(&self, answer: oneshot::Receiver<T>) -> Option<T> {
        let patience = if self.is_late.load(Ordering::Relaxed) { LATE.min(self.patience) } else { self.patience };
        if let Ok(answer) = tokio::time::timeout(patience, answer).await {
            return answer.ok();
        }
        if !self.is_late.swap(true, Ordering::Relaxed) {
            let why = "does not answer: its disk hangs".to_owned();
            let remedy = "It is used again as soon as it does.";
            self.writer.condition().set(Some(Trouble::new(self.path.as_deref(), why, remedy)));
            let is_late = Arc::clone(&self.is_late);
            self.send(move |store| {
                is_late.store(false, Ordering::Relaxed);
                // This finds out how the books are.
                store.spent();
            });
        }
        None
    }

    fn now_ms(&self) -> i64 {
        self.clock.wall_ms()
    }
}

/// The question what was spent, which the writer answers while the caller does something else.
pub struct AskedSpent {
    ledger: Ledger,
    answer: oneshot::Receiver<Option<Spent>>,
}

impl AskedSpent {
    /// The answer, if it is there. Gives it once, and does not wait.
    pub fn now(&mut self) -> Option<Option<Spent>> {
        self.answer.try_recv().ok()
    }

    /// Waits for the answer; `None` if it is unknown what was spent, so that nothing may cost money.
    pub async fn known(self) -> Option<Spent> {
        self.ledger.answer(self.answer).await.flatten()
    }
}

pub(super) fn closed() -> Refused {
    Refused::Unwritten("it is closed".into())
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ledger")
    }
}

//! Reads and writes rows, on the writer thread. It leaves the connection to `books`, sums to `sums`, and learning from earlier rows to `history`.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use pennyworth_core::caps::{Caps, Spent};
use pennyworth_core::confidence::Confidence;
use pennyworth_core::models::Price;
use pennyworth_core::money::Money;
use pennyworth_core::task::Task;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, named_params, params};

use super::books::Books;
use super::clock::{self, Clock};
use super::entry::{CallId, Entry, Refused};
use super::file;
use super::history::{self, PastSuggestion};
use super::ids;
use super::memory::Memory;
use super::replies::{self, Replies, Unwritten};
use super::report::{self, Report};
use super::settlement::{Billed, Settlement};
use super::suggestion::{Outcome, OutcomeKind, Suggested, SuggestionId};
use super::sums::{self, Sums};
use super::trials::{self, Trial, TrialId, Tried};
use super::trouble::Condition;

/// Time after a call's deadline until it counts as lost.
const GRACE: Duration = Duration::from_secs(60);
/// The task of a call that only warms its model.
const WARMING: &str = "warming";
/// How long suggestions are kept. Calls are kept for ever, because they are money.
const SUGGESTIONS_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

/// The rows, and the memory learned from them.
pub(super) struct Store {
    books: Books,
    clock: Clock,
    memory: Arc<RwLock<Memory>>,
    /// Calls that ended while the file with their rows could not be used.
    late: Vec<(CallId, Entry, Settlement)>,
    replies: Arc<Unwritten>,
}

impl Store {
    pub(super) fn open(
        path: Option<&Path>,
        clock: Clock,
        memory: Arc<RwLock<Memory>>,
        condition: Arc<Condition>,
        replies: Arc<Unwritten>,
    ) -> Store {
        Store { books: Books::open(path, clock.clone(), condition), clock, memory, late: Vec::new(), replies }
    }

    /// The same rows after a panic, on a new connection.
    pub(super) fn reopened(self) -> Store {
        Store { books: self.books.reopened(), ..self }
    }

    /// Deletes old suggestions and fills the memory.
    pub(super) fn load(&mut self) {
        let memory = Arc::clone(&self.memory);
        let oldest = self.clock.wall().checked_sub(SUGGESTIONS_KEPT).unwrap_or(SystemTime::UNIX_EPOCH);
        let loaded = self.run(|connection| {
            connection.execute("DELETE FROM suggestions WHERE id < ?1", [ids::earliest(oldest)])?;
            replies::forget(connection, clock::millis(oldest))?;
            let fresh = history::load(connection)?;
            *memory.write().unwrap_or_else(PoisonError::into_inner) = fresh;
            Ok(())
        });
        log("read", loaded);
    }

    pub(super) fn reserve(&mut self, entry: &Entry, caps: Option<Caps>) -> Result<CallId, Refused> {
        self.reserve_as(CallId::fresh(), entry, caps, &|_, _| Ok(()))
    }

    /// The same for a call with this id, and what else is written with it, at the time by which it counts.
    pub(super) fn reserve_as(
        &mut self,
        id: CallId,
        entry: &Entry,
        caps: Option<Caps>,
        with: &dyn Fn(&Connection, i64) -> rusqlite::Result<()>,
    ) -> Result<CallId, Refused> {
        let (now, at) = (self.books.now_ms(), self.clock.wall_ms());
        let factor = 1.0 / self.memory().calibration(&entry.model).chars_per_token(1.0);
        let plain_tokens = (entry.prompt_tokens as f32 / factor.max(0.01)).round() as u32;
        let is_free = entry.worst_cost <= Money::ZERO;
        if !is_free && !self.books.last() {
            return Err(self.unbooked());
        }
        let reserved = self.run(|connection| {
            let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let mut sums = sums::read(&step, now)?;
            if lose(&step, sums.now_ms)? > 0 {
                sums = sums::read(&step, sums.now_ms)?;
            }
            let broken = caps.and_then(|caps| caps.broken(sums.spent, entry.worst_cost));
            if broken.is_none() && (is_free || sums.doubt.is_none()) {
                insert(&step, id, entry, (sums.now_ms, at), plain_tokens)?;
                with(&step, sums.now_ms)?;
            }
            step.commit()?;
            Ok((broken, sums))
        });
        let (broken, sums) = reserved.map_err(|error| Refused::Unwritten(error.to_string()))?;
        let reserved = if broken.is_none() { sums.spent.reserved + entry.worst_cost } else { sums.spent.reserved };
        self.books.learned(Sums { spent: Spent { reserved, ..sums.spent }, ..sums });
        match broken {
            _ if is_free => Ok(id),
            // The file failed in between, and the row is in memory.
            _ if sums.doubt.is_some() || !self.books.last() => {
                self.take_back(id);
                Err(self.unbooked())
            }
            Some(broken) => Err(Refused::Cap(broken)),
            None => Ok(id),
        }
    }

    /// Runs work on the file in one transaction, with the time by which caps count. The error says why the file cannot be used.
    pub(super) fn on_file<T>(
        &mut self,
        how: TransactionBehavior,
        work: impl Fn(&Connection, i64) -> rusqlite::Result<T>,
    ) -> Result<T, Refused> {
        if !self.books.last() {
            return Err(self.unbooked());
        }
        let now = self.books.now_ms();
        let done = self.run(|connection| {
            let step = connection.transaction_with_behavior(how)?;
            let done = work(&step, now)?;
            step.commit()?;
            Ok(done)
        });
        match done {
            // The file failed in between, and memory keeps no queue.
            Ok(_) if !self.books.last() => Err(self.unbooked()),
            done => done.map_err(|error| Refused::Unwritten(error.to_string())),
        }
    }

    fn unbooked(&self) -> Refused {
        match self.books.trouble() {
            Some(trouble) => Refused::Unbooked(trouble),
            None => Refused::Unwritten("it just failed".into()),
        }
    }

    /// Frees the money that is reserved for a call that may not be sent.
    fn take_back(&mut self, id: CallId) {
        let freed = self.run(|connection| {
            connection.execute("UPDATE calls SET status = 'unsent', charge = 0 WHERE id = ?1", [id.0])
        });
        log("take a call back from", freed.map(drop));
    }

    pub(super) fn settle(&mut self, id: CallId, entry: &Entry, settlement: &Settlement) {
        let usage = settlement.usage;
        let written = self.unhurried(|connection| settle(connection, id, &entry.price, settlement));
        let waited = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        match settlement.first {
            _ if settlement.is_outrun => {
                self.memory().missed(&entry.model, waited(settlement.total), self.clock.wall_ms());
            }
            Some(first) => self.memory().waited(&entry.model, waited(first)),
            None => {}
        }
        match written {
            Ok(Some(plain_tokens)) if !usage.estimated && usage.input > 0 => {
                if settlement.lines > 0 {
                    let written = usage.output.saturating_sub(usage.reasoning);
                    self.memory().wrote(&entry.model, settlement.lines, written);
                }
                self.memory().billed(&entry.model, plain_tokens, usage.input, (usage.cached, usage.written));
            }
            Ok(Some(_)) => {}
            // Its row is in a file that cannot be used now, or in one that is lost.
            Ok(None) => self.settle_late(Some((id, entry.clone(), settlement.clone()))),
            Err(error) => log("settle a call in", Err(error)),
        }
    }

    /// Settles calls in the file that could not be used when they ended. A file that has no row for one gets it, in place of the money that was
    /// carried over for it.
    fn settle_late(&mut self, more: Option<(CallId, Entry, Settlement)>) {
        self.late.extend(more);
        if self.late.is_empty() || !self.books.last() {
            return;
        }
        let (late, now, at) = (std::mem::take(&mut self.late), self.books.now_ms(), self.clock.wall_ms());
        let written = self.books.run(|connection| {
            let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for (id, entry, settlement) in &late {
                if settle(&step, *id, &entry.price, settlement)?.is_none() && insert(&step, *id, entry, (now, at), 0)? {
                    settle(&step, *id, &entry.price, settlement)?;
                    sums::carry_one(&step, 0, now, Money::ZERO - entry.worst_cost)?;
                }
            }
            step.commit()
        });
        log("settle calls in", written);
    }

    pub(super) fn suggested(&mut self, id: SuggestionId, shown: &Suggested) {
        let now = self.clock.wall_ms();
        let written = self.unhurried(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO suggestions (id, at_ms, call, source, model, task, language, chars, tokens, truncated, probability)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    id.0,
                    now,
                    shown.call.map(|call| call.0),
                    shown.source.name(),
                    shown.model,
                    shown.task.name(),
                    shown.language,
                    shown.chars,
                    shown.tokens,
                    shown.truncated,
                    shown.probability,
                ])
        });
        self.memory().shown(shown.task, &shown.language, &shown.model, now);
        log("write a suggestion to", written.map(drop));
    }

    pub(super) fn outcome(&mut self, outcome: Outcome) {
        let written = match outcome.kind {
            OutcomeKind::StillThere(minutes) => self.kept(outcome, minutes),
            kind => self.decided(outcome, kind),
        };
        log("write an outcome to", written);
    }

    fn kept(&mut self, outcome: Outcome, minutes: u32) -> rusqlite::Result<()> {
        self.unhurried(|connection| {
            connection
                .prepare_cached("UPDATE suggestions SET kept_minutes = ?2, kept_chars = ?3 WHERE id = ?1")?
                .execute(params![outcome.id.0, minutes, outcome.chars])
                .map(drop)
        })
    }

    fn decided(&mut self, outcome: Outcome, kind: OutcomeKind) -> rusqlite::Result<()> {
        let decided = self.unhurried(|connection| {
            let shown = connection
                .prepare_cached(
                    "SELECT outcome, task, language, model, source, chars, tokens, truncated, probability FROM suggestions WHERE id = ?1",
                )?
                .query_row([outcome.id.0], PastSuggestion::read)
                .optional()?;
            let Some(shown) = shown.filter(|shown| shown.kind < Some(kind)) else { return Ok(None) };
            let name = OutcomeKind::DECIDING.iter().find(|(_, known)| *known == kind).map(|(name, _)| *name);
            connection
                .prepare_cached("UPDATE suggestions SET outcome = ?2, outcome_chars = max(outcome_chars, ?3) WHERE id = ?1")?
                .execute(params![outcome.id.0, name, outcome.chars])?;
            Ok(Some(shown))
        })?;
        let Some(shown) = decided else { return Ok(()) };
        let now = self.books.now_ms();
        shown.decided(&mut self.memory(), kind, now);
        if kind.is_acceptance() {
            shown.accepted(&mut self.memory(), outcome.chars);
        }
        let is_first = shown.kind.is_none_or(|before| before == OutcomeKind::Unused);
        if let Some(taken) = shown.line(kind).filter(|_| is_first) {
            self.memory().line(&shown.model, taken);
        }
        if let Some(fate) = shown.fate(kind) {
            self.memory().fate(&shown.model, fate);
            let fates = self.memory().fates(&shown.model);
            let confidence = Confidence::fitted(fates.iter());
            self.memory().set_confidence(&shown.model, confidence);
        }
        Ok(())
    }

    /// Writes what was counted of the requests.
    pub(super) fn write_replies(&mut self) {
        let (counted, now) = (self.replies.take(), self.clock.wall_ms());
        if counted.is_empty() {
            return;
        }
        let written = self.unhurried(|connection| {
            let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            replies::write(&step, &counted, now)?;
            step.commit()
        });
        log("write what requests got to", written);
    }

    /// What requests got since a local day.
    pub(super) fn replies(&mut self, first_day: &str) -> Result<Vec<Replies>, String> {
        self.run(|connection| replies::read(connection, first_day)).map_err(|error| error.to_string())
    }

    /// Writes what a candidate of a trial answered, and learns from it if it is evidence.
    pub(super) fn tried(&mut self, tried: &Tried) {
        let now = self.clock.wall_ms();
        let written = self.unhurried(|connection| trials::write(connection, tried, now));
        self.learn(tried);
        log("write an answer of a trial to", written);
    }

    /// Learns from what a candidate of a trial answered, if that is evidence.
    pub(super) fn learn(&self, tried: &Tried) {
        if tried.is_evidence && tried.answer.shown {
            let of = (tried.answer.task, tried.answer.language.as_str(), tried.model.as_str());
            self.memory().tried(of, tried.answer.marks.right, self.clock.wall_ms());
        }
    }

    /// A trial; the last one if none is named.
    pub(super) fn trial(&mut self, id: Option<TrialId>) -> Result<Option<Trial>, String> {
        self.run(|connection| trials::read(connection, id)).map_err(|error| error.to_string())
    }

    /// What was spent; `None` if the books do not last, or a part is unknown.
    pub(super) fn spent(&mut self) -> Option<Spent> {
        if !self.books.last() {
            return None;
        }
        let now = self.books.now_ms();
        let sums = self.run(|connection| sums::read(connection, now)).ok()?;
        self.books.learned(sums);
        (sums.doubt.is_none() && self.books.last()).then_some(sums.spent)
    }

    pub(super) fn billed(&mut self, id: CallId) -> Option<Billed> {
        let query = "SELECT charge, input, cached, output FROM calls WHERE id = ?1 AND status <> 'open'";
        let read = |row: &rusqlite::Row<'_>| {
            let count = |column| row.get(column).map(i64::unsigned_abs);
            Ok(Billed { cost: Money::from_pico(row.get(0)?), input: count(1)?, cached: count(2)?, output: count(3)? })
        };
        self.run(|connection| connection.query_row(query, [id.0], read)).ok()
    }

    pub(super) fn report(&mut self, now_ms: i64, since: SystemTime) -> Result<Report, String> {
        self.run(|connection| report::read(connection, now_ms, since)).map_err(|error| error.to_string())
    }

    /// Does a write that nobody waits for. Only such writes move the journal to the file.
    fn unhurried<T>(&mut self, work: impl Fn(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.run(|connection| {
            file::move_journal(connection, true)?;
            let done = work(connection);
            file::move_journal(connection, false)?;
            done
        })
    }

    /// Runs work on the books, and settles what is late.
    fn run<T>(&mut self, work: impl Fn(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.settle_late(None);
        let done = self.books.run(work);
        self.settle_late(None);
        done
    }

    /// Makes every further write fail, as a full disk does.
    #[cfg(test)]
    pub(super) fn make_read_only(&mut self) {
        self.books.make_read_only();
    }

    fn memory(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes a call as open; false if it has a row. The times are the one by which it counts, and the time of day.
fn insert(
    connection: &Connection,
    id: CallId,
    entry: &Entry,
    (counts_ms, at_ms): (i64, i64),
    plain_tokens: u32,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "INSERT INTO calls (id, day, at_ms, counts_ms, over_ms, provider, model, task, language, status, max_tokens, prompt_tokens,
                plain_tokens, worst, charge, price_input, price_cached, price_write, price_output, price_as_of, is_trial)
             VALUES (?1, date(?2 / 1000, 'unixepoch', 'localtime'), ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'open', ?9, ?10, ?11, ?12, ?12, ?13, ?14,
                ?15, ?16, ?17, ?18) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            id.0,
            at_ms,
            counts_ms,
            counts_ms.saturating_add((entry.deadline + GRACE).as_millis() as i64),
            entry.provider,
            entry.model,
            entry.task.map_or(WARMING, Task::name),
            entry.language,
            entry.max_tokens,
            entry.prompt_tokens,
            plain_tokens,
            entry.worst_cost.pico(),
            entry.price.input.pico(),
            entry.price.cached.pico(),
            entry.price.write.pico(),
            entry.price.output.pico(),
            entry.price.as_of,
            entry.is_trial,
        ])
        .map(|rows| rows > 0)
}

/// Writes the end of a call. Returns the plain estimate of its input; `None` if there is no such open call.
pub(super) fn settle(
    connection: &Connection,
    id: CallId,
    price: &Price,
    settlement: &Settlement,
) -> rusqlite::Result<Option<u32>> {
    let usage = settlement.usage;
    let finish = settlement.finish.map(|finish| format!("{finish:?}").to_lowercase());
    let elapsed = |time: Duration| time.as_millis() as i64;
    let mut update = connection.prepare_cached(
        "UPDATE calls SET status = :status, charge = :charge, input = :input, cached = :cached, written = :written,
            output = :output, reasoning = :reasoning, estimated = :estimated, first_ms = :first, total_ms = :total,
            finish = :finish, reason = :reason
         WHERE id = :id AND status IN ('open', 'lost') RETURNING plain_tokens",
    )?;
    let mut rows = update.query(named_params! {
        ":id": id.0, ":status": settlement.status.name(), ":charge": usage.cost(price).pico(), ":input": count(usage.input),
        ":cached": count(usage.cached), ":written": count(usage.written), ":output": count(usage.output),
        ":reasoning": count(usage.reasoning), ":estimated": usage.estimated, ":first": settlement.first.map(elapsed),
        ":total": elapsed(settlement.total), ":finish": finish, ":reason": settlement.reason,
    })?;
    let plain_tokens = rows.next()?.map(|row| row.get::<_, u32>(0)).transpose()?;
    // SQLite checkpoints its journal only after a statement that was read to its end.
    while rows.next()?.is_some() {}
    Ok(plain_tokens)
}

/// Writes calls as lost that are still open long after their deadline: their process was killed. The provider may have billed them, so each
/// is charged the estimated input and `max_tokens` of output, but never more than its worst cost. Returns how many there are.
fn lose(connection: &Connection, now: i64) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "UPDATE calls SET status = 'lost', estimated = 1, input = prompt_tokens, output = max_tokens,
                charge = min(worst, prompt_tokens * price_input + max_tokens * price_output)
             WHERE status = 'open' AND over_ms < ?1",
        )?
        .execute([now])
}

fn count(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

fn log(what: &str, result: rusqlite::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "cannot {what} the ledger");
    }
}

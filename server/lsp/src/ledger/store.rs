//! The rows: the writer thread's half of the ledger. It alone holds the connection.
//! It leaves the file as such to `file`, and what is known from earlier rows to `history`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, SystemTime};

use pennyworth_core::confidence::Confidence;
use pennyworth_core::money::Money;
use pennyworth_core::task::Task;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, named_params, params};

use super::caps::{Caps, Spent};
use super::file::{self, TRIES, is_busy, is_damage, is_lasting};
use super::history::{self, Shown};
use super::memory::Memory;
use super::report::{self, Report};
use super::reservation::Account;
use super::suggestion::{self, Kind, millis};
use super::{Call, CallId, Clock, Outcome, Refused, Suggested, SuggestionId};

/// Time after its deadline in which a call may still be settled.
const GRACE: Duration = Duration::from_secs(60);
/// What stands for the task of a call that only warms its model.
const WARMING: &str = "warming";
/// How long suggestions are kept; calls are kept for ever, they are money.
const SUGGESTIONS_KEPT: Duration = Duration::from_secs(400 * 24 * 3600);

/// The rows and what is at hand of them.
pub(super) struct Store {
    connection: Connection,
    path: Option<PathBuf>,
    clock: Clock,
    memory: Arc<RwLock<Memory>>,
    /// The day and what it and its month cost as last read, for a file that is lost while it is in use.
    spent: (String, Spent),
}

impl Store {
    pub(super) fn open(path: Option<&Path>, clock: Clock, memory: Arc<RwLock<Memory>>) -> (Store, Option<String>) {
        let (connection, notice) = file::open(path, clock());
        (Store { connection, path: path.map(Path::to_owned), clock, memory, spent: Default::default() }, notice)
    }

    /// Reads what is to be at hand.
    pub(super) fn load(&mut self) {
        let memory = Arc::clone(&self.memory);
        let oldest = (self.clock)().checked_sub(SUGGESTIONS_KEPT).map_or(0, |time| SuggestionId::earliest(time).0);
        let loaded = self.run(|connection| {
            connection.execute("DELETE FROM suggestions WHERE id < ?1", [oldest])?;
            let fresh = history::load(connection)?;
            *memory.write().unwrap_or_else(PoisonError::into_inner) = fresh;
            Ok(())
        });
        log("read", loaded);
    }

    pub(super) fn reserve(&mut self, call: &Call, caps: Option<Caps>) -> Result<CallId, Refused> {
        let now = millis((self.clock)());
        let factor = 1.0 / self.memory().calibration(&call.model).chars_per_token(1.0);
        let plain_tokens = (call.prompt_tokens as f32 / factor.max(0.01)).round() as u32;
        let reserved = self.run(|connection| {
            let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            lose(&step, now)?;
            let (day, spent) = spent(&step, now)?;
            if let Some((period, spent_of, cap)) = caps.and_then(|caps| caps.broken(spent, call.worst_cost)) {
                step.commit()?;
                return Ok((Err(Refused::Cap { period, spent: spent_of, cap }), day, spent));
            }
            let id = insert(&step, call, &day, now, plain_tokens)?;
            step.commit()?;
            Ok((Ok(CallId(id)), day, spent.and(call.worst_cost)))
        });
        match reserved {
            Ok((result, day, spent)) => {
                self.spent = (day, spent);
                result
            }
            Err(error) => Err(Refused::Unwritten(error.to_string())),
        }
    }

    pub(super) fn settle(&mut self, id: CallId, call: &Call, account: &Account) {
        let usage = account.usage;
        let cost = usage.cost(&call.price);
        let finish = account.finish.map(|finish| format!("{finish:?}").to_lowercase());
        let millis = |time: Duration| time.as_millis() as i64;
        let written = self.unhurried(|connection| {
            let mut update = connection.prepare_cached(
                "UPDATE calls SET status = :status, charge = :charge, input = :input, cached = :cached, written = :written,
                    output = :output, reasoning = :reasoning, estimated = :estimated, first_ms = :first, total_ms = :total,
                    finish = :finish, reason = :reason
                 WHERE id = :id AND status IN ('open', 'lost') RETURNING plain_tokens",
            )?;
            let mut rows = update.query(named_params! {
                ":id": id.0, ":status": account.status.name(), ":charge": cost.pico(), ":input": count(usage.input),
                ":cached": count(usage.cached), ":written": count(usage.written), ":output": count(usage.output),
                ":reasoning": count(usage.reasoning), ":estimated": usage.estimated, ":first": account.first.map(millis),
                ":total": millis(account.total), ":finish": finish, ":reason": account.reason,
            })?;
            let plain_tokens = rows.next()?.map(|row| row.get::<_, u32>(0)).transpose()?;
            // SQLite moves its journal only behind a statement that was read to its end.
            while rows.next()?.is_some() {}
            Ok(plain_tokens)
        });
        let waited = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        match account.first {
            Some(first) => self.memory().waited(&call.model, waited(first)),
            None if account.is_late => {
                self.memory().missed(&call.model, waited(account.total), suggestion::millis((self.clock)()));
            }
            None => {}
        }
        if let Ok(Some(plain_tokens)) = written
            && !usage.estimated
            && usage.input > 0
        {
            self.memory().billed(&call.model, plain_tokens, usage.input, usage.cached);
        }
        log("settle a call in", written.map(drop));
    }

    pub(super) fn suggested(&mut self, id: SuggestionId, shown: &Suggested) {
        let now = millis((self.clock)());
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
            Kind::StillThere(minutes) => self.kept(outcome, minutes),
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

    fn decided(&mut self, outcome: Outcome, kind: Kind) -> rusqlite::Result<()> {
        let decided = self.unhurried(|connection| {
            let shown = connection
                .prepare_cached(
                    "SELECT outcome, task, language, model, source, chars, tokens, truncated, probability FROM suggestions WHERE id = ?1",
                )?
                .query_row([outcome.id.0], Shown::read)
                .optional()?;
            let Some(shown) = shown.filter(|shown| shown.kind < Some(kind)) else { return Ok(None) };
            let name = Kind::DECIDING.iter().find(|(_, known)| *known == kind).map(|(name, _)| *name);
            connection
                .prepare_cached("UPDATE suggestions SET outcome = ?2, outcome_chars = max(outcome_chars, ?3) WHERE id = ?1")?
                .execute(params![outcome.id.0, name, outcome.chars])?;
            Ok(Some(shown))
        })?;
        let Some(shown) = decided else { return Ok(()) };
        if kind.is_acceptance() {
            shown.accepted(&mut self.memory(), outcome.chars);
        }
        if let Some(fate) = shown.fate(kind) {
            self.memory().fate(&shown.model, fate);
            let fates = self.memory().fates(&shown.model);
            let confidence = Confidence::fitted(fates.iter());
            self.memory().is_as_sure(&shown.model, confidence);
        }
        Ok(())
    }

    pub(super) fn spent(&mut self) -> Spent {
        let now = millis((self.clock)());
        match self.run(|connection| spent(connection, now)) {
            Ok(spent) => {
                self.spent = spent;
                self.spent.1
            }
            // What cannot be read is spent: then nothing is asked that costs.
            Err(_) => Spent::UNKNOWN,
        }
    }

    pub(super) fn report(&mut self, since: SystemTime) -> Result<Report, String> {
        let now = millis((self.clock)());
        self.run(|connection| report::read(connection, now, since)).map_err(|error| error.to_string())
    }

    /// Writes what nobody waits for. Only such writes move the journal to the file.
    fn unhurried<T>(&mut self, work: impl Fn(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.run(|connection| {
            file::move_journal(connection, true)?;
            let done = work(connection);
            file::move_journal(connection, false)?;
            done
        })
    }

    /// Does what there is to do with the connection: again while other servers are writing, and with another one when this one's file has
    /// become useless.
    fn run<T>(&mut self, work: impl Fn(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut result = work(&mut self.connection);
        for _ in 1..TRIES {
            match &result {
                Err(error) if is_lasting(error) => self.begin_again(error),
                Err(error) if is_busy(error) => {}
                _ => break,
            }
            result = work(&mut self.connection);
        }
        result
    }

    /// A new connection in place of a useless one: to a new file where the old one is damaged, else to memory. What was spent is
    /// carried over, so that the caps go on holding.
    fn begin_again(&mut self, error: &rusqlite::Error) {
        let notice;
        // The old connection is closed first: some platforms do not move open files.
        self.connection = file::in_memory();
        if is_damage(error) {
            (self.connection, notice) = file::open(self.path.as_deref(), (self.clock)());
        } else {
            notice = Some("it goes on in memory and is forgotten at the end".to_owned());
        }
        tracing::warn!(%error, "the ledger's file failed: {}", notice.as_deref().unwrap_or("it was opened again"));
        let now = millis((self.clock)());
        let (day, known) = self.spent.clone();
        let carried = spent(&self.connection, now)
            .and_then(|(today, spent)| carry(&self.connection, now, (&today, spent), (&day, known)));
        log("carry what was spent over to", carried);
    }

    /// Makes every further write fail, as a full disk does.
    #[cfg(test)]
    pub(super) fn make_read_only(&mut self) {
        self.connection.pragma_update(None, "query_only", true).unwrap();
    }

    fn memory(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn insert(connection: &Connection, call: &Call, day: &str, now: i64, plain_tokens: u32) -> rusqlite::Result<i64> {
    connection
        .prepare_cached(
            "INSERT INTO calls (day, at_ms, over_ms, provider, model, task, language, status, max_tokens, prompt_tokens, plain_tokens,
                worst, charge, price_input, price_cached, price_write, price_output, price_as_of)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open', ?8, ?9, ?10, ?11, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?
        .insert(params![
            day,
            now,
            now.saturating_add((call.deadline + GRACE).as_millis() as i64),
            call.provider,
            call.model,
            call.task.map_or(WARMING, Task::name),
            call.language,
            call.max_tokens,
            call.prompt_tokens,
            plain_tokens,
            call.worst_cost.pico(),
            call.price.input.pico(),
            call.price.cached.pico(),
            call.price.write.pico(),
            call.price.output.pico(),
            call.price.as_of,
        ])
}

/// Writes down as lost what is still open long after it must have ended: its process was killed. The provider may have billed it, so it is
/// taken to have cost the estimated input and all the output that was allowed, and never more than was held for it.
fn lose(connection: &Connection, now: i64) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE calls SET status = 'lost', estimated = 1, input = prompt_tokens, output = max_tokens,
                charge = min(worst, prompt_tokens * price_input + max_tokens * price_output)
             WHERE status = 'open' AND over_ms < ?1",
        )?
        .execute([now])
        .map(drop)
}

/// The local day of a moment, and what it and its month cost so far.
fn spent(connection: &Connection, now: i64) -> rusqlite::Result<(String, Spent)> {
    let day: String = connection
        .prepare_cached("SELECT date(?1 / 1000, 'unixepoch', 'localtime')")?
        .query_row([now], |row| row.get(0))?;
    let spent = connection
        .prepare_cached(
            "SELECT coalesce(sum(charge) FILTER (WHERE day = ?1), 0), coalesce(sum(charge), 0)
             FROM days WHERE day BETWEEN substr(?1, 1, 8) || '01' AND ?1",
        )?
        .query_row([&day], |row| {
            Ok(Spent { day: Money::from_pico(row.get(0)?), month: Money::from_pico(row.get(1)?) })
        })?;
    Ok((day, spent))
}

/// Rows that stand for what a lost file said of the day and of the month before it.
fn carry(
    connection: &Connection,
    now: i64,
    (today, spent): (&str, Spent),
    (day, known): (&str, Spent),
) -> rusqlite::Result<()> {
    let month = |day: &str| day.get(..8).unwrap_or_default().to_owned();
    if month(day) != month(today) {
        return Ok(());
    }
    let of_today = if day == today { known.day - spent.day } else { Money::ZERO };
    let before = known.month - spent.month - of_today.max(Money::ZERO);
    // On the first of a month the two are the same day, and there is nothing before it.
    for (day, amount) in [(today.to_owned(), of_today), (month(today) + "01", before)] {
        if amount > Money::ZERO {
            carry_one(connection, &day, now, amount)?;
        }
    }
    Ok(())
}

fn carry_one(connection: &Connection, day: &str, now: i64, amount: Money) -> rusqlite::Result<()> {
    let columns = "day, at_ms, over_ms, provider, model, task, language, status, max_tokens, prompt_tokens, plain_tokens, worst, charge,
        price_input, price_cached, price_write, price_output, price_as_of, estimated";
    let values = "?1, ?2, ?2, '', 'carried over', '', '', 'carried', 0, 0, 0, ?3, ?3, 0, 0, 0, 0, '', 1";
    connection
        .execute(&format!("INSERT INTO calls ({columns}) VALUES ({values})"), params![day, now, amount.pico()])
        .map(drop)
}

fn count(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

fn log(what: &str, result: rusqlite::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(%error, "cannot {what} the ledger");
    }
}

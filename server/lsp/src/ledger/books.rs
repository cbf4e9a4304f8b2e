//! The books: the connection that rows go through. They are in the file while that lasts, else in memory until it does again. Only books in
//! the file count money, so without them no call that costs money is reserved. It leaves rows to `store`, and the sums to `sums`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::boots;
use super::clock::{Clock, Steady};
use super::copy::{Order, TRIALS, copy};
use super::damage::{self, Replaced};
use super::file::{self, BUSY, Fault, Opened, code, is_busy, is_damage};
use super::replies;
use super::sums::{self, Doubt, Known, Sums};
use super::trouble::{Condition, Trouble};

/// Time between two tries to use the file again.
const AGAIN: Duration = Duration::from_secs(5);
/// Wait for other servers in such a try: it must not hold up free calls.
const SHORT: Duration = Duration::from_millis(50);
/// How often work is tried on another file.
const TRIES: usize = 3;

/// The books.
pub(super) struct Books {
    path: Option<PathBuf>,
    place: Place,
    clock: Clock,
    steady: Steady,
    condition: Arc<Condition>,
    /// What was spent, as last read from a file. If that file is lost, the next one takes it over.
    known: Option<Known>,
}

/// Where rows go.
enum Place {
    File(Opened),
    Memory {
        connection: Connection,
        /// When the file was tried last.
        tried: Duration,
    },
}

impl Books {
    /// Opens the file, or begins in memory.
    pub(super) fn open(path: Option<&Path>, clock: Clock, condition: Arc<Condition>) -> Books {
        let path = path.map(real);
        let (steady, tried) = (Steady::begin(&clock), clock.elapsed());
        let place = Place::Memory { connection: file::in_memory(), tried };
        let mut books = Books { path, place, clock, steady, condition, known: None };
        match books.path.clone() {
            Some(path) => books.enter(&path, BUSY),
            None => {
                let why = "cannot be kept: no place for it is known".to_owned();
                books.condition.set(Some(Trouble::new(None, why, "Set HOME or XDG_STATE_HOME.")));
            }
        }
        books
    }

    /// Opens the same books again, after a panic.
    pub(super) fn reopened(self) -> Books {
        let Books { path, clock, condition, known, .. } = self;
        Books { known, ..Books::open(path.as_deref(), clock, condition) }
    }

    /// The time by which caps count.
    pub(super) fn now_ms(&self) -> i64 {
        self.steady.now_ms(&self.clock)
    }

    /// Why nothing that costs money may be reserved.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        self.condition.trouble()
    }

    /// Remembers what was spent, as just read, and whether all of it is known.
    pub(super) fn learned(&mut self, sums: Sums) {
        let Place::File(opened) = &self.place else { return };
        if sums.doubt != Some(Doubt::Absurd) {
            self.known = Some(Known { file: opened.id, at_ms: sums.now_ms, spent: sums.spent });
        }
        let unknown = sums.doubt.map(|doubt| {
            let (why, remedy) = doubt.told();
            Trouble::new(self.path.as_deref(), why.to_owned(), remedy)
        });
        self.condition.set(unknown);
    }

    /// Runs work on the books. If the file fails, it runs on the next one, or in memory.
    pub(super) fn run<T>(&mut self, work: impl Fn(&mut Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        self.look_again();
        let mut tries = 0;
        while let Some(path) = self.path.clone() {
            let Place::File(opened) = &mut self.place else { break };
            tries += 1;
            match opened.run(&path, &work) {
                Ok(Some(done)) => return Ok(done),
                Err(Fault::Sqlite(error)) if is_ours(&error) => return Err(error),
                _ if tries > TRIES => self.leave(&path, &Fault::Restless),
                // Another server moved it, or somebody deleted it.
                Ok(None) => self.enter(&path, BUSY),
                Err(Fault::Sqlite(error)) if is_damage(&error) => self.replace(&path),
                Err(Fault::Sqlite(error)) if is_busy(&error) => self.leave(&path, &Fault::Locked),
                // The tables are not there: the file was emptied.
                Err(Fault::Sqlite(error)) if code(&error) == Some(ErrorCode::Unknown) => {
                    self.enter(&path, BUSY);
                }
                Err(fault) => self.leave(&path, &fault),
            }
        }
        match &mut self.place {
            Place::Memory { connection, .. } => work(connection),
            Place::File(opened) => work(&mut opened.connection),
        }
    }

    /// Whether rows go to the file. Tries it again after a while.
    pub(super) fn last(&mut self) -> bool {
        self.look_again();
        matches!(self.place, Place::File(_))
    }

    fn look_again(&mut self) {
        let (Some(path), Place::Memory { tried, .. }) = (self.path.clone(), &mut self.place) else { return };
        if self.clock.elapsed().saturating_sub(*tried) >= AGAIN {
            *tried = self.clock.elapsed();
            self.enter(&path, SHORT);
        }
    }

    /// Uses the file at the path from now on, if it can be used.
    fn enter(&mut self, path: &Path, busy: Duration) {
        match file::connect(path, busy) {
            Ok(opened) => self.settle_in(path, opened),
            Err(fault) if fault.is_damage() => self.replace(path),
            Err(fault) => self.leave(path, &fault),
        }
    }

    fn replace(&mut self, path: &Path) {
        // The old connection is closed first: some platforms do not move open files.
        self.leave_quietly();
        match damage::replace(path, self.clock.wall()) {
            Ok(Replaced { opened, notice }) => {
                if let Some(notice) = notice {
                    self.condition.happened(notice);
                }
                self.settle_in(path, opened);
            }
            Err(fault) => self.leave(path, &fault),
        }
    }

    /// Takes over what this server knows and what it wrote to memory meanwhile.
    fn settle_in(&mut self, path: &Path, mut opened: Opened) {
        let settled = (|| {
            let of_boot = boots::now_ms(&opened.connection, &self.clock)?;
            self.steady.follow(&self.clock, of_boot, sums::latest(&opened.connection)?);
            let now = self.steady.now_ms(&self.clock);
            let step = opened.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if let Some(known) = self.known {
                sums::carry(&step, known, now)?;
            }
            if let Place::Memory { connection, .. } = &self.place {
                copy(connection, &step, "calls", 0, Order::Rising)?;
                copy(connection, &step, "suggestions", 0, Order::Rising)?;
                copy(connection, &step, TRIALS, 0, Order::Rising)?;
                replies::copy(connection, &step, "")?;
            }
            let sums = sums::read(&step, now)?;
            boots::note(&step, &self.clock, now)?;
            step.commit()?;
            Ok(sums)
        })();
        match settled {
            Ok(sums) => {
                self.place = Place::File(opened);
                self.learned(sums);
            }
            Err(error) if is_busy(&error) => self.leave(path, &Fault::Locked),
            Err(error) => self.leave(path, &Fault::Sqlite(error)),
        }
    }

    /// Goes on in memory, until the file can be used again.
    fn leave(&mut self, path: &Path, fault: &Fault) {
        self.leave_quietly();
        self.condition.set(Some(fault.trouble(path)));
    }

    fn leave_quietly(&mut self) {
        if let Place::File(_) = self.place {
            self.place = Place::Memory { connection: file::in_memory(), tried: self.clock.elapsed() };
        }
    }

    /// Makes every further write fail, as a full disk does.
    #[cfg(test)]
    pub(super) fn make_read_only(&mut self) {
        if let Place::File(opened) = &self.place {
            opened.connection.pragma_update(None, "query_only", true).unwrap();
        }
    }
}

/// Whether an error is the work's own, and no fault of the file.
fn is_ours(error: &rusqlite::Error) -> bool {
    match code(error) {
        None => true,
        Some(code) => matches!(
            code,
            ErrorCode::ConstraintViolation
                | ErrorCode::TypeMismatch
                | ErrorCode::TooBig
                | ErrorCode::ParameterOutOfRange
        ),
    }
}

/// The path without links, so that the file itself is moved if it must be, and all servers name it alike.
fn real(path: &Path) -> PathBuf {
    let folder = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    path.canonicalize().ok().or_else(folder).unwrap_or_else(|| path.to_owned())
}

//! A damaged file is moved aside, and a new one takes over what can be read of it. One server does that, under a lock; the others find the new
//! file. It leaves opening files to `file`, and the money that only a running server knows to `books`.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::clock::millis;
use super::copy::{Order, TRIALS, copy};
use super::file::{self, BUSY, Fault, Lock, Opened};
use super::replies;

/// Age of the oldest rows that are taken over.
const TAKEN_OVER: Duration = Duration::from_secs(400 * 24 * 3600);

/// A file in the place of a damaged one.
pub(super) struct Replaced {
    pub(super) opened: Opened,
    /// What the user should know; nothing if another server had replaced it before.
    pub(super) notice: Option<String>,
}

/// Moves a damaged file aside and starts a new one, unless another server just did.
pub(super) fn replace(path: &Path, now: SystemTime) -> Result<Replaced, Fault> {
    let guard = file::guard(path)?;
    file::take(&guard, Lock::Alone)?;
    match file::connect(path, BUSY) {
        Err(fault) if fault.is_damage() => {}
        Err(fault) => return Err(fault),
        Ok(opened) if is_sound(&opened.connection) => return Ok(Replaced { opened, notice: None }),
        Ok(_) => {}
    }
    let aside = move_aside(path, now).map_err(|error| Fault::Stuck(Box::new(error.into())))?;
    let mut opened = file::connect(path, BUSY).map_err(|fault| Fault::Stuck(Box::new(fault)))?;
    let is_whole = take_over(&aside, &mut opened.connection, now).unwrap_or(false);
    if !is_whole {
        opened.connection.execute("INSERT INTO unknown VALUES (?1)", [millis(now)])?;
    }
    let what = if is_whole { "with all its rows" } else { "with those of its rows that could be read" };
    let (path, aside) = (path.display(), aside.display());
    let notice = format!("the ledger {path} is damaged; it was moved to {aside}, and a new one was started {what}");
    Ok(Replaced { opened, notice: Some(notice) })
}

fn is_sound(connection: &Connection) -> bool {
    let first = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    first.is_ok_and(|first| first == "ok")
}

/// Renames the file with its journal. Returns its new path.
fn move_aside(path: &Path, now: SystemTime) -> std::io::Result<PathBuf> {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let names = (0..).map(|number| match number {
        0 => file::with(path, &format!(".damaged-{seconds}")),
        _ => file::with(path, &format!(".damaged-{seconds}-{number}")),
    });
    let aside = names.into_iter().find(|aside| !aside.exists()).unwrap_or_else(|| file::with(path, ".damaged"));
    for part in ["", "-wal", "-shm"] {
        match std::fs::rename(file::with(path, part), file::with(&aside, part)) {
            Err(error) if part.is_empty() || error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(aside)
}

/// Copies what can be read. Returns whether that is everything, so that all money spent is counted.
fn take_over(aside: &Path, into: &mut Connection, now: SystemTime) -> rusqlite::Result<bool> {
    let oldest = now.checked_sub(TAKEN_OVER).map_or(0, millis);
    let from = Connection::open_with_flags(aside, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let step = into.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let read = |table| {
        // From both ends, as far as it can be read.
        let all = copy(&from, &step, table, oldest, Order::Rising);
        if all.is_err() {
            let _ = copy(&from, &step, table, oldest, Order::Falling);
        }
        all.is_ok()
    };
    let is_whole = read("calls");
    read("suggestions");
    read("batches");
    read("jobs");
    // An older file has no such table.
    let _ = replies::copy(&from, &step, "");
    read(TRIALS);
    if let (true, Ok(id)) = (is_whole, file::own_id(&from)) {
        step.execute("INSERT INTO files VALUES (?1, 0) ON CONFLICT DO NOTHING", params![id])?;
    }
    step.commit()?;
    Ok(is_whole)
}

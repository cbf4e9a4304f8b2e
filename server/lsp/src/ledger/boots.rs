//! What the ledger knows of the current start of this machine: the time by which caps count at some moment since. A server that begins later
//! goes on from there, whatever the time of day says. It leaves telling the time to `clock`.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::clock::Clock;

/// Milliseconds for which the row of an earlier start is kept: others of this user may run on another machine.
const KEPT_MS: i64 = 40 * 24 * 3_600_000;

/// The time by which caps count now, as far as it follows from the start; `None` if it does not.
pub(super) fn now_ms(connection: &Connection, clock: &Clock) -> rusqlite::Result<Option<i64>> {
    let Some(boot) = clock.boot() else { return Ok(None) };
    let known: Option<(i64, i64)> = connection
        .query_row("SELECT counts_ms, elapsed_ms FROM boots WHERE boot = ?1", [boot], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(known
        .map(|(counts_ms, elapsed_ms)| counts_ms.saturating_add(clock.elapsed_ms().saturating_sub(elapsed_ms).max(0))))
}

/// Notes the time by which caps count now, and drops what is old.
pub(super) fn note(connection: &Connection, clock: &Clock, now_ms: i64) -> rusqlite::Result<()> {
    let Some(boot) = clock.boot() else { return Ok(()) };
    connection.execute(
        "INSERT INTO boots VALUES (?1, ?2, ?3)
         ON CONFLICT DO UPDATE SET counts_ms = excluded.counts_ms, elapsed_ms = excluded.elapsed_ms",
        params![boot, now_ms, clock.elapsed_ms()],
    )?;
    connection.execute("DELETE FROM boots WHERE counts_ms < ?1", [now_ms.saturating_sub(KEPT_MS)]).map(drop)
}

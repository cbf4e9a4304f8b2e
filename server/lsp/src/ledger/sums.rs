//! What was spent: the sums that caps are checked against, and the rows that carry them from a lost file to the next one. It leaves single
//! calls to `store`, and when to carry to `books`.

use pennyworth_core::caps::Spent;
use pennyworth_core::money::Money;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::ids;

const HOUR_MS: i64 = 3_600_000;
/// Most picodollars that are believed of one figure, a million dollars: more was never spent, so the file was changed by others.
pub(super) const MOST: i64 = 1_000_000_000_000_000_000;
/// The latest hour that is believed, in hours since 1970: the year 9999.
const LAST_HOUR: i64 = 70_389_527;
/// Full hours of a day. The hour under way counts besides, so that no 24 hours are ever left out.
const HOURS: i64 = 24;

/// The sums at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
    /// The time by which caps count.
    pub(super) now_ms: i64,
    pub(super) spent: Spent,
    /// Why a part of what was spent is unknown.
    pub(super) doubt: Option<Doubt>,
}

/// Why nobody knows what was spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// A damaged file could not be read to its end in the last day.
    Damaged,
    /// The file has figures that no server writes.
    Absurd,
}

impl Doubt {
    /// What is wrong with the file, and what the user can do.
    pub(super) fn told(self) -> (&'static str, &'static str) {
        match self {
            Doubt::Damaged => {
                ("was damaged, so the cost of the last 24 hours is unknown", "That ends by itself after 24 hours.")
            }
            Doubt::Absurd => (
                "has amounts or times that cannot be right, so what was spent is unknown",
                "Move the file away, or put a copy of it in its place; then start the editors again.",
            ),
        }
    }
}

/// What a server knows of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// The file's id.
    pub(super) file: i64,
    pub(super) at_ms: i64,
    pub(super) spent: Spent,
}

/// The latest row: when it counts, and the time of day when it was written.
pub(super) fn latest(connection: &Connection) -> rusqlite::Result<Option<(i64, i64)>> {
    connection
        .query_row(
            "SELECT coalesce(counts_ms, at_ms), at_ms FROM calls
             WHERE status <> 'carried' AND coalesce(counts_ms, at_ms) / 3600000 BETWEEN 0 AND ?1 AND at_ms / 3600000 BETWEEN 0 AND ?1
             ORDER BY id DESC LIMIT 1",
            [LAST_HOUR],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()
}

/// The sums now. Rows of other servers may be ahead of this one's clock: then it is as late as they are. What lies ahead counts too.
pub(super) fn read(connection: &Connection, now_ms: i64) -> rusqlite::Result<Sums> {
    let last: Option<i64> = connection
        .prepare_cached("SELECT max(hour) FROM hours WHERE hour <= ?1")?
        .query_row([LAST_HOUR], |row| row.get(0))?;
    let now_ms = now_ms.max(last.unwrap_or(0).saturating_mul(HOUR_MS));
    let first = now_ms / HOUR_MS - HOURS;
    let month = month(connection, now_ms)?;
    let since = first.min(month);
    if is_absurd(connection, since)? {
        return Ok(Sums { now_ms, spent: Spent::default(), doubt: Some(Doubt::Absurd) });
    }
    let spent = connection
        .prepare_cached(
            "SELECT coalesce(sum(spent) FILTER (WHERE hour >= ?1), 0), coalesce(sum(spent) FILTER (WHERE hour >= ?2), 0),
                coalesce(sum(held), 0) FROM hours WHERE hour >= ?3",
        )?
        .query_row([first, month, since], |row| {
            let money = |column| row.get(column).map(Money::from_pico);
            Ok(Spent { day: money(0)?, month: money(1)?, reserved: money(2)? })
        })?;
    // A batch may be open for longer than these hours go back.
    let older: i64 = connection
        .prepare_cached(
            "SELECT coalesce(sum(charge), 0) FROM calls
             WHERE status = 'open' AND coalesce(counts_ms, at_ms) / 3600000 < ?1 AND charge BETWEEN 0 AND ?2",
        )?
        .query_row([since, MOST], |row| row.get(0))?;
    let spent = Spent { reserved: spent.reserved + Money::from_pico(older), ..spent };
    let is_damaged: bool = connection
        .prepare_cached("SELECT count(*) > 0 FROM unknown WHERE counts_ms / 3600000 >= ?1")?
        .query_row([first], |row| row.get(0))?;
    Ok(Sums { now_ms, spent, doubt: is_damaged.then_some(Doubt::Damaged) })
}

/// Whether an hour has a figure that no server writes. Less than nothing was spent in an hour only where that much was carried back.
fn is_absurd(connection: &Connection, since: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT count(*) > 0 FROM hours WHERE (hour >= ?1 OR hour < 0) AND (hour NOT BETWEEN 0 AND ?2 OR held NOT BETWEEN 0 AND ?3 OR spent NOT BETWEEN -?3 AND ?3
                OR spent < 0 AND spent < (SELECT coalesce(sum(charge), 0) FROM calls WHERE status = 'carried' AND charge BETWEEN -?3 AND 0
                    AND at_ms BETWEEN hour * 3600000 AND hour * 3600000 + 3599999))",
        )?
        .query_row([since, LAST_HOUR, MOST], |row| row.get(0))
}

/// The first hour of a time's month in UTC, in hours since 1970.
fn month(connection: &Connection, now_ms: i64) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT unixepoch(?1 / 1000, 'unixepoch', 'start of month') / 3600")?
        .query_row([now_ms], |row| row.get(0))
}

/// Writes rows for the money that a lost file had counted, unless this file has its rows. Each server that used the lost file carries what it
/// knows beyond what others have carried.
pub(super) fn carry(connection: &Connection, known: Known, now_ms: i64) -> rusqlite::Result<()> {
    let is_here: bool =
        connection.query_row("SELECT count(*) > 0 FROM files WHERE id = ?1", [known.file], |row| row.get(0))?;
    if is_here {
        return Ok(());
    }
    let (first, month) = (now_ms / HOUR_MS - HOURS, month(connection, now_ms)?);
    let Spent { day, month: of_month, reserved } = known.spent;
    let carried = |since: i64| -> rusqlite::Result<Money> {
        connection.query_row(
            "SELECT coalesce(sum(charge), 0) FROM calls
             WHERE status = 'carried' AND charge > 0 AND provider = ?1 AND counts_ms / 3600000 >= ?2",
            params![known.file.to_string(), since],
            |row| row.get(0).map(Money::from_pico),
        )
    };
    if known.at_ms / HOUR_MS >= first {
        let more_today = (day + reserved - carried(first)?).max(Money::ZERO);
        carry_one(connection, known.file, now_ms, more_today)?;
    }
    // The rest of the month counts from its beginning. If that is less than a day ago, today's has all of it.
    if known.at_ms / HOUR_MS >= month && month < first {
        let rest = (of_month + reserved - carried(month)?).max(Money::ZERO);
        carry_one(connection, known.file, month * HOUR_MS, rest)?;
    }
    Ok(())
}

/// One row of this amount, which may be negative to take back what was carried for a call under way.
pub(super) fn carry_one(connection: &Connection, file: i64, counts_ms: i64, amount: Money) -> rusqlite::Result<()> {
    if amount == Money::ZERO {
        return Ok(());
    }
    let columns =
        "id, day, at_ms, counts_ms, over_ms, provider, model, task, language, status, max_tokens, prompt_tokens,
        plain_tokens, worst, charge, price_input, price_cached, price_write, price_output, price_as_of, estimated";
    let values = "?1, date(?2 / 1000, 'unixepoch', 'localtime'), ?2, ?2, ?2, ?3, 'carried over', '', '', 'carried', 0, 0, 0, ?4, ?4,
        0, 0, 0, 0, '', 1";
    connection
        .execute(
            &format!("INSERT INTO calls ({columns}) VALUES ({values})"),
            params![ids::fresh(), counts_ms, file.to_string(), amount.pico()],
        )
        .map(drop)
}

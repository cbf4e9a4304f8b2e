//! What the ledger has of one provider, by days in UTC: for a comparison with what the provider says. It leaves that to `reports::stats`.

use pennyworth_core::money::Money;
use rusqlite::Connection;

/// The calls of a provider on a day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Charges {
    /// The day in UTC, `YYYY-MM-DD`.
    pub day: String,
    /// Calls that were sent.
    pub calls: u64,
    /// What they cost, as far as they are over.
    pub cost: Money,
    /// The part of it that is an estimate, because the provider sent no usage.
    pub estimated: Money,
    /// Calls that are still open, such as those in a batch.
    pub open: u64,
    /// Calls whose process was killed, so that nobody knows what they cost.
    pub lost: u64,
    /// Tokens of their input.
    pub input: u64,
    /// Tokens of their output.
    pub output: u64,
}

/// Reads the days since a time, in milliseconds since 1970.
pub(super) fn read(connection: &Connection, provider: &str, since_ms: i64) -> rusqlite::Result<Vec<Charges>> {
    let query = "SELECT date(at_ms / 1000, 'unixepoch'), count(*), sum(iif(status <> 'open', charge, 0)),
            sum(iif(status <> 'open' AND estimated, charge, 0)), sum(status = 'open'), sum(status = 'lost'), sum(input), sum(output)
        FROM calls WHERE provider = ?1 AND at_ms >= ?2 AND status NOT IN ('unsent', 'carried')
            AND charge BETWEEN 0 AND 1000000000000000000 AND input <= 1000000000000 AND output <= 1000000000000
        GROUP BY 1 ORDER BY 1";
    let mut rows = connection.prepare(query)?;
    let rows = rows.query_map(rusqlite::params![provider, since_ms], |row| {
        let count = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
        Ok(Charges {
            day: row.get(0)?,
            calls: count(1)?,
            cost: Money::from_pico(row.get(2)?),
            estimated: Money::from_pico(row.get(3)?),
            open: count(4)?,
            lost: count(5)?,
            input: count(6)?,
            output: count(7)?,
        })
    })?;
    rows.collect()
}

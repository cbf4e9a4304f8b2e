//! Copies rows from one ledger to another. It leaves choosing the ledgers to others.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

/// The table that has its rows by trial; others have a `rowid`.
pub(super) const TRIALS: &str = "trials";

/// The order in which rows are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    Rising,
    Falling,
}

/// Copies the rows of a table since a time that the other one does not have, until one cannot be read. They are read in the order in which the table has
/// them, so that only the table is read, and not an index that may be damaged too.
pub(super) fn copy(
    from: &Connection,
    into: &Connection,
    table: &str,
    since_ms: i64,
    order: Order,
) -> rusqlite::Result<()> {
    let order = match order {
        Order::Rising => "ASC",
        Order::Falling => "DESC",
    };
    let key = if table == TRIALS { "trial" } else { "rowid" };
    let mut rows = from.prepare(&format!("SELECT * FROM {table} WHERE +at_ms >= ?1 ORDER BY {key} {order}"))?;
    let columns: Vec<String> = rows.column_names().map(str::to_owned).collect();
    let places = vec!["?"; columns.len()].join(", ");
    let mut insert = into
        .prepare(&format!("INSERT INTO {table} ({}) VALUES ({places}) ON CONFLICT DO NOTHING", columns.join(", ")))?;
    let mut rows = rows.query([since_ms])?;
    while let Some(row) = rows.next()? {
        let values: Vec<Value> = (0..columns.len()).map(|column| row.get(column)).collect::<rusqlite::Result<_>>()?;
        insert.execute(params_from_iter(values))?;
    }
    Ok(())
}

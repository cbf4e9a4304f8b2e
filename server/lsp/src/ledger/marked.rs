//! The answer of a job that asks about a hole of a trial: the job's end, its bill and the row of the answer in one transaction, so that no answer that was
//! paid is missing in the trial. It leaves marking to the room `trial`.

use std::time::SystemTime;

use pennyworth_core::money::Money;
use pennyworth_core::trial::Answer;
use rusqlite::params;

use super::clock::millis;
use super::entry::Refused;
use super::handle::Ledger;
use super::jobs::JobId;
use super::queue::{Ended, Lease, end, holds};
use super::trials::{self, Tried};

impl Ledger {
    /// Ends a job with an answer that is marked, settles its call, and writes the answer with what the call used; all or none. False if the job had ended,
    /// or the lease is gone.
    pub async fn marked(&self, lease: Lease, id: JobId, ended: Ended, tried: Tried) -> Result<bool, Refused> {
        let (learned, at_ms) = (tried.clone(), millis(SystemTime::now()));
        let written = self.queue(move |connection, now| {
            if !holds(connection, lease)? || !end(connection, now, id, &ended, true)? {
                return Ok(false);
            }
            connection.execute("UPDATE jobs SET taken = 'marked' WHERE id = ?1", [id.0])?;
            let bill = "SELECT charge, input, output FROM calls WHERE id = ?1";
            let answer = connection.query_row(bill, params![id.0], |row| {
                let count = |column| row.get(column).map(i64::unsigned_abs);
                let (cost, input, output) = (Money::from_pico(row.get(0)?), count(1)?, count(2)?);
                Ok(Answer { cost, input, output, ..tried.answer.clone() })
            })?;
            trials::write(connection, &Tried { answer, ..tried.clone() }, at_ms).map(|()| true)
        });
        let is_new = written.await?;
        if is_new {
            self.send(move |store| store.learn(&learned));
        }
        Ok(is_new)
    }
}

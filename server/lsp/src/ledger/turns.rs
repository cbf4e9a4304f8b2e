//! Jobs that are asked by a call of their own, and jobs that take the place of one without a valid answer. Each change is one transaction, as in
//! `queue`. It leaves the calls themselves to the room `jobs`.

use std::cell::Cell;

use rusqlite::{Connection, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::entry::Refused;
use super::handle::{Ledger, closed};
use super::jobs::{self, JobId, JobRow};
use super::queue::{Ended, Lease, NewJob, end, holds};

impl Ledger {
    /// Notes that a queued job is asked by a call from now on; false if the lease is gone, or the job is not queued any more.
    pub async fn take_up(&self, lease: Lease, id: JobId) -> Result<bool, Refused> {
        self.queue(move |connection, _| {
            let update =
                "UPDATE jobs SET state = 'sent', reason = NULL WHERE id = ?1 AND state = 'queued' AND NOT is_dropped";
            Ok(holds(connection, lease)? && connection.execute(update, [id.0])? > 0)
        })
        .await
    }

    /// Queues a job again whose call was certainly not answered.
    pub async fn put_back(&self, lease: Lease, id: JobId, why: String) -> Result<(), Refused> {
        self.queue(move |connection, _| {
            let update =
                "UPDATE jobs SET state = 'queued', reason = ?2 WHERE id = ?1 AND state = 'sent' AND batch IS NULL";
            if holds(connection, lease)? {
                connection.execute(update, params![id.0, why])?;
            }
            Ok(())
        })
        .await
    }

    /// The jobs that are asked by a call. Of a process that has just taken the lease, none is under way.
    pub async fn asked_alone(&self) -> Result<Vec<JobRow>, Refused> {
        self.look(|connection, now| jobs::jobs(connection, now, "jobs.state = 'sent' AND batch IS NULL")).await
    }

    /// Ends a job, and queues another one in its place; both or neither. False if the job had ended, or the lease is gone. The error says why there is
    /// no place for the other one.
    pub async fn succeed(&self, lease: Lease, id: JobId, ended: Ended, next: NewJob) -> Result<bool, Refused> {
        let (reply, answer) = oneshot::channel();
        self.send(move |store| {
            let is_ended = Cell::new(false);
            let with = |connection: &Connection, now: i64| {
                is_ended.set(holds(connection, lease)? && end(connection, now, id, &ended, true)?);
                if !is_ended.get() {
                    return connection.execute("DELETE FROM calls WHERE id = ?1", [next.id.0]).map(drop);
                }
                next.write(connection, now)
            };
            let written = match store.on_file(TransactionBehavior::Deferred, |_, _| Ok(())) {
                Ok(()) => store.reserve_as(next.id.call(), &next.entry, Some(next.caps), &with).map(|_| is_ended.get()),
                Err(refused) => Err(refused),
            };
            let _ = reply.send(written);
        });
        self.answer(answer).await.unwrap_or_else(|| Err(closed()))
    }
}

//! Jobs that nobody waits for: tasks on demand, and holes of trials, that go to a provider in batches, at about half the price, or at hours with a lower
//! one. A job is kept in the ledger and in a file beside it before anything is sent, so that it survives every restart. Of all servers and commands of a
//! user, one at a time looks after the queue. It leaves planning and judging to `demand` and `trial`, the states to `ledger`, and the batch APIs to
//! `providers`.

mod asking;
mod clearing;
mod enqueue;
mod keep;
mod kept;
mod look;
mod mended;
mod passing;
mod place;
mod results;
mod row;
mod sending;
mod taking;

pub use enqueue::{NotQueued, Queued, enqueue, enqueue_hole};
pub use keep::keep;
pub use kept::{Kept, KeptJobs, Next, Said, Subject};
pub use look::{Looked, Looker, Pace, When};
pub use mended::{Mended, NotMended, mended};
pub use place::{Outdated, placed};
pub use row::{Listed, as_json, listed, state};
pub use taking::{answer, apply, brought, current, discard, found, is_outdated};

//! The ledger: one row per model call and one per suggestion shown, in one SQLite file that all servers of a user share. It also enforces
//! the caps. It stores ids, counts, prices and times; never code, never prompts. Of jobs that wait for a batch it has their states; their prompts and
//! answers are files beside it, which `jobs` keeps.
//!
//! A call is reserved before it is sent and settled after. Every call leaves a row: dropping a [`Reservation`] writes the call as
//! aborted. If the process is killed, a later reservation finds the row open and writes it as lost. An unsettled call counts against
//! the caps at its worst cost.
//!
//! Only a file that lasts counts money: while there is none, rows are kept in memory, and calls that cost money are refused.
//!
//! It leaves reading settings, choosing models and printing reports to others.

mod books;
mod boots;
mod charges;
mod clock;
#[cfg_attr(not(feature = "telemetry"), path = "ledger/no_collector.rs")]
mod collector;
mod copy;
mod cube;
mod damage;
mod dearest;
mod entry;
mod file;
mod habits;
mod handle;
mod history;
mod ids;
mod jobs;
mod marked;
mod memory;
mod names;
mod queue;
mod replies;
mod report;
mod reservation;
mod settlement;
mod slot;
mod span;
mod store;
mod suggestion;
mod sums;
mod trials;
mod trouble;
mod turns;
mod writer;

pub use charges::Charges;
pub use clock::Clock;
pub use collector::MISSING as NO_TELEMETRY;
pub use cube::{Cell, Cube, Errors, Sureness};
pub use dearest::Dear;
pub use entry::{CallId, Entry, Refused, provider};
pub use habits::{Ceiling, Guesses, Habits};
pub use handle::{AskedSpent, Ledger};
pub use jobs::{BatchRow, JobId, JobRow, JobState, OfTrial, Stage};
pub use memory::{KnownStanding, ModelConfidence};
pub use names::{Key, Names};
pub use queue::{Ended, Lease, NewJob, Step};
pub use replies::Replies;
pub use report::TRIAL;
pub use report::{Report, Row};
pub use reservation::Reservation;
pub use settlement::Billed;
pub use slot::Slot;
pub use suggestion::{Outcome, OutcomeKind, Source, Suggested, SuggestionId};
pub use trials::{Missing, Trial, TrialId, Tried};
pub use trouble::Trouble;

#[cfg(test)]
mod tests;

//! Trials: which model is worth it on the user's own code. Holes are cut into files that changed lately, each candidate is asked as the server would
//! ask it, and every answer is kept. It leaves cutting and marking to `core::trial`, the stages to `complete`, and printing to `reports`.

mod benchmark;
mod candidate;
mod hole;
mod place;
mod planned;

pub use benchmark::read as read_benchmark;
pub use candidate::{Candidate, tried};
pub use hole::QueuedHole;
pub use place::{Gathered, Place, Wish, gather};
pub use planned::{Asked, Planned, Waiting, plan};

//! From a request to a completion. `stages` holds the stages in their order; read that file first.
//! It leaves what each stage decides to `core`, the state of providers to `models`, and what an editor shows to `surface`.

pub mod ahead;
pub mod alone;
mod asking;
mod attempts;
pub mod call;
mod cap_left;
mod completer;
mod completion;
pub mod cursor;
mod cutting;
pub mod decision;
mod dismissed;
pub mod ends;
pub mod failover;
pub mod flights;
mod keys;
pub mod later;
mod left_out;
mod pauses;
mod reading;
mod ready;
mod request;
pub mod silence;
pub mod stages;
pub mod warm;

pub use attempts::{Attempt, Attempts};
pub use completer::Completer;
pub use completion::Completion;
pub use dismissed::{Dismissed, dismiss};
pub use pauses::Pauses;
pub use request::{Request, SelectedItem};

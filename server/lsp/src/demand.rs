//! Tasks on demand: reading what a prompt needs under the rules of its place, calling models in turn until an answer is valid, and what becomes of
//! it. It leaves what goes into a prompt and what is valid to `core::demand`, and showing results to `cli` and `surface`.

mod about;
mod allowed;
mod answers;
mod call;
mod changes;
mod documentable;
mod files;
mod find;
mod gather;
pub mod git;
mod job;
mod later;
mod mending;
mod spots;
mod suites;
mod test_files;
mod tests_of;

pub use about::{About, Lines, Tests};
pub use allowed::disallowed;
pub use answers::{Answer, Edited, Findings};
pub use documentable::documentable;
pub(crate) use files::closed;
pub use files::{File, Refused, is_ruled_out, workspace};
pub use gather::Diagnostic;
pub(crate) use job::Counted;
pub use job::{Heard, Job, Outcome, Tried};
pub use later::{Sendable, cheaper_later, flex_at, why_now};
pub use mending::mending;
pub use tests_of::Open;

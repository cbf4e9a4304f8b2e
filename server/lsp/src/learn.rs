//! The embedded model and how it learns: from edits at once, and from workspace files in the background.
//! It leaves how an n-gram model works to `pennyworth-ngram`, and suggesting to `complete`.

mod learner;
mod model;
pub mod progress;
mod queue;
mod reader;
pub mod thread;
mod walk;

pub use learner::Learner;
pub use model::{EMBEDDED, EmbeddedModel, key};
pub use walk::{files_below, learn_workspace, read_rules, workspace_files};

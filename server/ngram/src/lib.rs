//! Pennyworth's embedded model: a nested cache n-gram model over lexical tokens. It learns documents and the workspace and suggests
//! the next tokens, with a probability. Pure: no files, no clock, no threads. It cannot fail except by suggesting nothing.
//!
//! Scopes are nested: the document; its surroundings (other open documents, recently edited files, its directory); the workspace.
//! Their tokens are kept with an index of contexts (`store`). A query collects the tokens that followed the longest contexts like
//! the cursor's (`predict`), blends match lengths and scopes (`tally`), and computes a probability with weights fitted on public
//! code (`weights`). A line break carries the change of indentation, so lines learned at one depth are indented correctly at
//! another.
//!
//! A caller that shares a [`Model`] behind a lock tokenizes files outside the lock ([`Prepared::new`]), hands them over
//! ([`Model::index_prepared`], [`Model::open_prepared`]) and calls [`Model::advance`] until it returns false.
//! Each call under the lock takes well under a millisecond.

mod context;
mod document;
mod limit;
mod model;
mod predict;
mod prepared;
mod store;
mod suggest;
mod tally;
mod tokens;
mod vocab;
mod weights;
mod word;
mod workspace;

pub use model::{Limits, Model, Sample, Stats};
pub use predict::Features;
pub use prepared::{LARGEST_FILE, Prepared, Refusal};
pub use suggest::{Query, Suggestion};
pub use weights::FEATURES;

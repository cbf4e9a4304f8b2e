//! Pennyworth's embedded model: a nested cache n-gram model over lexical tokens that learns documents and workspace and suggests what
//! comes next, with a probability. Pure: no files, no clock, no threads; it cannot fail except by suggesting nothing.
//!
//! Scopes are nested: the document, what is near it (other open documents, files edited lately, its directory), the workspace.
//! Each keeps its tokens with an index of contexts (`store`). A query finds what followed the longest contexts like the one at
//! the cursor (`predict`), blends lengths and scopes (`tally`), and turns that into a probability with numbers fitted on
//! public code (`weights`). Indentation is part of the line break and relative, so that what was learned at one depth is
//! suggested rightly at another.
//!
//! Whoever shares a [`Model`] behind a lock cuts files up outside it ([`Prepared::new`]), hands them over
//! ([`Model::index_prepared`], [`Model::open_prepared`]) and calls [`Model::advance`] until it says that nothing is left:
//! each of these holds the model for well under a millisecond.

mod context;
mod document;
mod model;
mod predict;
mod prepared;
mod store;
mod suggest;
mod tally;
mod tokens;
mod vocab;
mod weights;
mod workspace;

pub use model::{Limits, Model, Sample, Stats};
pub use predict::Features;
pub use prepared::{LARGEST_FILE, Prepared, Refusal};
pub use suggest::{Query, Suggestion};
pub use weights::FEATURES;

//! Pennyworth for editors: the language server, its settings and the command line. All state of the program is here.
//! It leaves deciding to `pennyworth-core`, and calling models to `pennyworth-providers`.
//!
//! Each uses only those above it in the table of `server/README.md`; `tests/tests/house.rs` enforces that.

// Used by all others.
pub mod paths;
pub mod private;
pub mod signals;
pub mod sync;

// The protocol's bytes and positions; settings.
pub mod settings;
pub mod wire;

// State, with the code that owns it.
pub mod documents;
pub mod learn;
pub mod ledger;
pub mod models;

// From a request to a completion, and reports.
pub mod complete;
pub mod demand;
pub mod jobs;
pub mod reports;
pub mod trial;

// What users and editors see.
pub mod cli;
pub mod logging;
pub mod server;
pub mod surface;

//! Pennyworth speaks to editors: the server, its settings and the command line around what core decides. It keeps the only state there is.
//! It leaves deciding to `pennyworth-core` and speaking to models to `pennyworth-providers`.

pub mod cli;
pub mod convert;
pub mod editor;
pub mod engine;
pub mod frames;
pub mod keys;
pub mod ledger;
pub mod logging;
pub mod paths;
pub mod serve;
pub mod server;
pub mod session;
pub mod settings;

//! Pennyworth speaks to editors: the server, its settings and the command line around what core decides.
//! It leaves deciding to `pennyworth-core` and speaking to models to `pennyworth-providers`.

pub mod cli;
pub mod keys;
pub mod logging;
pub mod paths;
pub mod settings;

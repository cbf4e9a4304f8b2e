//! How the server is started.

use std::path::PathBuf;

/// The options of a server.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The configuration to read instead of the user's own.
    pub config: Option<PathBuf>,
    /// The file of the ledger. Without one, the ledger is in memory only.
    pub ledger: Option<PathBuf>,
    /// Whether to look for model servers on this machine, if the settings say so too.
    pub discover: bool,
}

//! `pennyworth check`: tests the configuration. It leaves the tests to `reports::check`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::paths;
use crate::reports::check;

/// `pennyworth check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Workspace whose `.pennyworth.toml` is tested too
    #[arg(default_value = ".")]
    workspace: PathBuf,
    /// Ask each model's server whether it serves the model and accepts the key; proxies are always asked
    #[arg(long)]
    online: bool,
}

impl Check {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let ledger = paths::ledger_path();
        check::Check { workspace: self.workspace.clone(), online: self.online }.run((config, ledger.as_deref()), out)
    }
}

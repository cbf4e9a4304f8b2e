//! A job that is named by its id, or by an end of it that no other one has. It leaves what becomes of it to the commands.

use anyhow::bail;
use clap::Args;

use super::super::demand::Opened;
use crate::jobs::{Listed, listed};
use crate::ledger::{JobRow, Ledger};

/// A job.
#[derive(Debug, Args)]
pub(super) struct Named {
    /// The job's id, or the end of it
    #[arg(value_name = "ID")]
    pub(super) id: String,
}

/// The only line with a job whose id ends so.
pub(super) fn find(opened: &Opened, ledger: &Ledger, id: &str) -> anyhow::Result<Listed> {
    let ending = id.trim().to_lowercase();
    let all = listed(opened.runtime.block_on(ledger.jobs())?);
    let is_it = |job: &JobRow| !ending.is_empty() && job.id.to_string().ends_with(&ending);
    let mut found = all.into_iter().filter(|listed| listed.jobs().any(is_it));
    match (found.next(), found.next()) {
        (Some(listed), None) => Ok(listed),
        (None, _) => bail!("there is no job `{id}`; `pennyworth jobs` lists them"),
        (Some(_), Some(_)) => bail!("several jobs end with `{id}`"),
    }
}

//! `pennyworth complete FILE:LINE:COL`: what would be suggested there, and why.
//! It leaves the stages to `complete`; this is the server's own path, with a file in place of an editor.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::place::{Opened, Place};
use crate::complete::complete;
use crate::ledger::Source;

/// Print the completion for a place in a file
#[derive(Debug, Args)]
pub struct Complete {
    /// The place; LINE and COL count from 1, COL in characters
    #[arg(value_name = "FILE:LINE:COL")]
    place: Place,
    /// Leave out the rest of the line, as if it were not typed yet
    #[arg(long)]
    retype: bool,
}

impl Complete {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Runtime::new()?;
        let Opened { resources, snapshot, path, cursor, learned } = self.place.open(&runtime, config, self.retype)?;
        let (_keep, mut superseded) = tokio::sync::oneshot::channel();
        let before = runtime.block_on(resources.spent()).day;
        let asked = complete(&resources, snapshot, path, cursor, Opened::ask(), &mut superseded);
        let answer = runtime.block_on(asked);
        let spent = runtime.block_on(resources.spent()).day - before;
        if let Some(ledger) = resources.ledger() {
            ledger.flush();
        }
        for trouble in resources.troubles.untold() {
            writeln!(out, "warning: {trouble}")?;
        }
        let Some(answer) = answer else {
            writeln!(out, "no completion: nothing was sure enough ({learned} files learned; `explain` says more)")?;
            return Ok(ExitCode::SUCCESS);
        };
        let suggested = &answer.suggested;
        writeln!(out, "{}", answer.text)?;
        let sure = suggested.probability.map_or_else(String::new, |sure| format!(", {:.0} % sure", sure * 100.0));
        let source = match suggested.source {
            Source::Embedded => format!("the embedded model, which learned {learned} files"),
            Source::Cache => "an earlier answer".to_owned(),
            Source::Model => format!("the model {}", suggested.model),
        };
        writeln!(out, "\n-- {} ({}): from {source}{sure}; {spent} spent", suggested.task, suggested.language)?;
        Ok(ExitCode::SUCCESS)
    }
}

//! `pennyworth commit`: a message for the staged change. It leaves the message to `demand`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use clap::Args;
use serde_json::json;

use super::demand::{Begun, Common, tell_refused, tried};
use crate::demand::git::{Range, Repository};
use crate::demand::{Answer, Job};

/// Print a message for the staged change
#[derive(Debug, Args)]
pub struct Commit {
    /// Write the message in front of what this file holds, for a `prepare-commit-msg` hook
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

impl Commit {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let begun = Begun::new()?;
        let repository = Repository::around(&std::env::current_dir()?)?;
        let mut left_out = Vec::new();
        let changes = repository.changes(&Range::Staged, &[], &mut left_out)?;
        tell_refused(&left_out);
        if changes.is_empty() {
            bail!("nothing is staged");
        }
        let opened = begun.open(config, repository.top())?;
        let (mut refused, subjects) = (Vec::new(), repository.subjects());
        let job = Job::commit(&opened.completer, &opened.configuration, &changes, &subjects, &mut refused);
        let job = opened.runtime.block_on(job);
        tell_refused(&refused);
        let Some(job) = job else { bail!("nothing of the change may go into a prompt") };
        let Some(ran) = self.common.run(&opened, &[job], out)? else { return Ok(ExitCode::SUCCESS) };
        let message = ran.outcomes.iter().find_map(|outcome| match &outcome.answer {
            Some(Answer::Message(message)) => Some(message),
            _ => None,
        });
        match (message, &self.write) {
            (Some(message), Some(file)) => {
                // A file that is no text, or cannot be read, keeps what it holds.
                let rest = match std::fs::read(file) {
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
                    read => read?,
                };
                std::fs::write(file, [message.as_bytes(), b"\n", &rest].concat())?;
            }
            (message, _) if self.common.json => {
                let all = json!({"message": message, "models": tried(&ran), "cost_usd": ran.cost.usd()});
                writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
            }
            (Some(message), None) => writeln!(out, "{message}")?,
            (None, _) => {}
        }
        out.flush()?;
        opened.tell(&ran);
        Ok(ran.ended(message.is_some()))
    }
}

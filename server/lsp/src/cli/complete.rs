//! `pennyworth complete FILE:LINE:COL`: prints the completion there on standard output, and where it comes from on standard error. It exits with 1
//! if there is none. It runs the server's stages, which it leaves to `complete`, on a file in place of an editor's document.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::place::{Location, Opened};
use crate::complete::Attempt;
use crate::complete::stages::complete;
use crate::ledger::Ledger;
use crate::models::found::Announced;
use crate::paths;
use crate::reports::completed::Completed;

/// Print the completion at a place in a file
#[derive(Debug, Args)]
pub struct Complete {
    /// Location in a file; LINE and COL count from 1, COL in characters
    #[arg(value_name = "FILE:LINE:COL")]
    place: Location,
    /// Leave out the rest of the line, as if it were not typed yet
    #[arg(long)]
    retype: bool,
    /// Print one JSON object: the text or the reason, the models called, and the cost
    #[arg(long)]
    json: bool,
}

impl Complete {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Runtime::new()?;
        let Opened { completer, request, learned } = self.place.open(&runtime, config, self.retype)?;
        let announced = Announced::beside(paths::ledger_path().as_deref());
        let new = announced.new_of(completer.providers.found.all());
        new.iter().for_each(|found| eprintln!("note: {found}"));
        announced.add(&new);
        let (_keep, superseded) = tokio::sync::oneshot::channel();
        let attempts = Arc::clone(&request.attempts);
        let completion = runtime.block_on(complete(&completer, request, superseded));
        let ledger = completer.ledger.get();
        let cost = |attempt: &Attempt| ledger?.cost(attempt.call?);
        let asked = attempts.all().into_iter().map(|attempt| (attempt.clone(), cost(&attempt))).collect();
        for news in
            ledger.map(Ledger::take_news).into_iter().flatten().chain(completer.providers.troubles.take_unshown())
        {
            eprintln!("warning: {news}");
        }
        let completed = Completed { completion, why_nothing: attempts.why_nothing(), asked, learned };
        if self.json {
            writeln!(out, "{}", serde_json::to_string_pretty(&completed.as_json())?)?;
        } else {
            if let Some(completion) = &completed.completion {
                writeln!(out, "{}", completion.text)?;
                out.flush()?;
                eprintln!();
            }
            eprint!("{}", completed.notes());
        }
        Ok(if completed.completion.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

//! `pennyworth complete FILE:LINE:COL`: prints the completion there on standard output, and where it comes from on standard error. It exits with 1
//! if there is none. It runs the server's stages, which it leaves to `complete`, on a file in place of an editor's document.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;

use super::demand::announce;
use super::interrupt::{CommandRuntime, EARLY, IN_ORDER, Interrupt, ON_TOP, interrupted};
use super::place::{Location, Opened};
use crate::complete::Attempt;
use crate::complete::stages::complete;
use crate::ledger::Ledger;
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
        let runtime = CommandRuntime::new()?;
        let interrupt = Interrupt::listen(runtime.handle());
        let Opened { completer, request, learned } = self.place.open(runtime.handle(), config, self.retype)?;
        completer.providers.keys.leave_signals(&IN_ORDER);
        announce(&completer);
        let (_keep, superseded) = tokio::sync::oneshot::channel();
        let attempts = Arc::clone(&request.attempts);
        let ended = runtime.block_on(interrupt.or(complete(&completer, request, superseded)));
        let is_interrupted = ended.is_none();
        if is_interrupted {
            // A call goes on without its request.
            runtime.block_on(completer.flights.end());
            completer.ledger.get().map(Ledger::flush);
        }
        let completion = ended.flatten();
        let ledger = completer.ledger.get();
        let cost = |attempt: &Attempt| ledger?.cost(attempt.call?);
        let asked = attempts.all().into_iter().map(|attempt| (attempt.clone(), cost(&attempt))).collect();
        for news in
            ledger.map(Ledger::take_news).into_iter().flatten().chain(completer.providers.troubles.take_unshown())
        {
            eprintln!("warning: {news}");
        }
        let why_nothing = if is_interrupted { format!("{EARLY}; {ON_TOP}") } else { attempts.why_nothing() };
        let completed = Completed { completion, why_nothing, asked, learned };
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
        if is_interrupted {
            return Ok(interrupted());
        }
        Ok(if completed.completion.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

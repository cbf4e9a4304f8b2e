//! `pennyworth explain FILE:LINE:COL`: what every stage decides there. It leaves the report to `reports::explain`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::place::{Location, Opened};
use crate::complete::stages::OFF;
use crate::reports::explain::{as_json, as_text, decided};

/// Print every decision at a place in a file, without calling a model
#[derive(Debug, Args)]
pub struct Explain {
    /// Location in a file; LINE and COL count from 1, COL in characters
    #[arg(value_name = "FILE:LINE:COL")]
    place: Location,
    /// Leave out the rest of the line, as if it were not typed yet
    #[arg(long)]
    retype: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Runtime::new()?;
        let Opened { completer, request, learned } = self.place.open(&runtime, config, self.retype)?;
        let configuration = completer.configuration.get();
        let cap_left = runtime.block_on(completer.cap_left(&configuration, &configuration.read(&request.path)));
        match decided(&completer, request, cap_left) {
            Some(decision) if self.json => {
                writeln!(out, "{}", serde_json::to_string_pretty(&as_json(&decision))?)?;
            }
            Some(decision) => as_text(&decision, learned, cap_left, out)?,
            None if self.json => writeln!(out, "{}", json!({ "task": null, "gate": "off" }))?,
            None => writeln!(out, "{OFF}")?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

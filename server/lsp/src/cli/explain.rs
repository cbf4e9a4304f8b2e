//! `pennyworth explain FILE:LINE:COL`: what every stage decides there. `pennyworth explain --task TASK …`: what a task on demand would send and cost. It
//! leaves the report to `reports::explain`, and the plan of a task to its own command.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use pennyworth_core::task::Task;
use serde_json::json;

use super::place::{Location, Opened};
use crate::complete::stages::OFF;
use crate::reports::explain::{as_json, as_text, decided};

/// Print every decision at a place in a file, without calling a model
#[derive(Debug, Args)]
pub struct Explain {
    /// Location in a file; LINE and COL count from 1, COL in characters
    #[arg(value_name = "FILE:LINE:COL", required_unless_present = "task")]
    place: Option<Location>,
    /// A task on demand and the arguments of its command: its prompt's parts, its models and its price
    #[arg(long, value_names = ["TASK", "ARGUMENT"], num_args = 1.., allow_hyphen_values = true, conflicts_with_all = ["place", "retype"])]
    task: Vec<String>,
    /// Leave out the rest of the line, as if it were not typed yet
    #[arg(long)]
    retype: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl Explain {
    /// The command line that shows the plan of a task, if one was asked for.
    pub(super) fn of_task(&self) -> anyhow::Result<Option<Vec<&str>>> {
        let Some((name, arguments)) = self.task.split_first() else { return Ok(None) };
        let known = Task::ON_DEMAND.into_iter().find(|task| task.name() == name);
        let task = known.with_context(|| {
            let names: Vec<&str> = Task::ON_DEMAND.iter().map(|task| task.name()).collect();
            format!("`{name}` is no task on demand; there are {}", names.join(", "))
        })?;
        let command = if task == Task::Explain { "explain-code" } else { task.name() };
        let own = ["pennyworth", command, "--plan"].into_iter().chain(self.json.then_some("--json"));
        Ok(Some(own.chain(arguments.iter().map(String::as_str)).collect()))
    }

    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let runtime = tokio::runtime::Runtime::new()?;
        let place = self.place.as_ref().context("wanted: a place")?;
        let Opened { completer, request, learned } = place.open(runtime.handle(), config, self.retype)?;
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

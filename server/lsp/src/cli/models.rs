//! `pennyworth models`: lists the models, or updates their prices (`models/refresh.rs`). It leaves the list to `reports::models`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use pennyworth_core::task::Task;
use time::OffsetDateTime;

use super::place::say;
use crate::reports::models;
use crate::settings::Settings;

mod refresh;

/// `pennyworth models`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Models {
    /// Task to show costs for
    #[arg(long, default_value = "line", value_name = "TASK")]
    task: Task,
    /// Also list the shipped models that are not switched on
    #[arg(long)]
    all: bool,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
    /// The command to run instead of listing
    #[command(subcommand)]
    command: Option<Command>,
}

/// The command to run instead of listing.
#[derive(Debug, Subcommand)]
enum Command {
    /// Update prices and shutdown dates from a public list; no other command fetches them
    Refresh(refresh::Refresh),
}

impl Models {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        if let Some(Command::Refresh(refresh)) = &self.command {
            return refresh.run(config, out);
        }
        let (settings, notices) = Settings::gather(config, &[]);
        say(&notices);
        let (rows, tasks) = (settings.models(), settings.tasks());
        let lines = models::lines(&rows, (self.task, tasks.row(self.task)), OffsetDateTime::now_utc().date(), self.all);
        if self.json {
            serde_json::to_writer_pretty(&mut *out, &lines).context("the list cannot be written")?;
            writeln!(out)?;
        } else {
            models::print(&lines, self.task, out)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &Models, source: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        std::fs::write(&config, source).unwrap();
        let mut out = Vec::new();
        arguments.run(Some(&config), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn models_are_listed_by_what_an_accepted_completion_costs() {
        let arguments = Models { task: Task::Line, all: true, json: true, command: None };
        let list: Vec<serde_json::Value> = serde_json::from_str(&run(&arguments, "[model.local]")).unwrap();
        let costs: Vec<f64> = list
            .iter()
            .map(|model| model["cost_per_1000_accepted"].to_string().trim_matches('"').parse().unwrap())
            .collect();
        assert!(list.len() > 15 && costs.is_sorted(), "{costs:?}");
        let enabled: Vec<_> =
            list.iter().filter(|model| model["enabled"] == true).map(|model| &model["name"]).collect();
        assert_eq!(enabled, ["local"]);
        let luna = list.iter().find(|model| model["name"] == "gpt-6-luna").unwrap();
        assert_eq!((&luna["cache_min"], &luna["price"]["batch"]), (&1024.into(), &0.5.into()), "{luna}");
        let chat = list.iter().find(|model| model["name"] == "claude-haiku-5-5").unwrap();
        assert!(chat["system_tokens"].as_u64().unwrap() > 20, "{chat}");
    }

    #[test]
    fn the_table_has_every_fact_of_a_price_and_a_dash_where_none_is_known() {
        let table = run(&Models { task: Task::Line, all: true, json: false, command: None }, "");
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().skip(7).collect()).collect();
        for facts in [
            ["0.100", "0.010", "0.125", "0.250", "1024", "0.500", "50", "%", "42"],
            ["0.300", "0.006", "-", "-", "1.200", "-", "-", "", ""],
        ] {
            let facts: Vec<&str> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
            assert!(rows.contains(&facts), "{facts:?}\n{table}");
        }
        assert!(table.lines().all(|line| line.trim_end().chars().count() < 160), "{table}");
    }

    #[test]
    fn what_is_old_or_goes_is_said() {
        let rows = Settings::default().models();
        let model = rows.get("gemini-3-1-flash-lite").unwrap();
        let on = |day: &str| models::notes(model, models::date(day).unwrap());
        assert_eq!(on("2026-12-01"), ["shuts down on 2027-05-07"]);
        assert_eq!(on("2027-05-07"), ["was shut down on 2027-05-07", "the price is 165 days old"]);
    }

    #[test]
    fn nothing_switched_on_is_said_in_words() {
        let arguments = Models { task: Task::Line, all: false, json: false, command: None };
        assert_eq!(run(&arguments, ""), "no model is switched on; `pennyworth models --all` lists all\n");
    }
}

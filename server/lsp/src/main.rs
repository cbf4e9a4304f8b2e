//! The binary: one of the commands, or the server for the editor that started it.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use pennyworth::cli::Cli;

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Some(command) => cli.run(command),
        None => {
            Cli::command().print_help()?;
            Ok(ExitCode::FAILURE)
        }
    }
}

//! The binary: it runs a command, or the server for the editor that started it.

use std::io::{IsTerminal as _, stdin};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use pennyworth::cli::Cli;
use pennyworth::server::Options;
use pennyworth::settings::{Log, Settings};
use pennyworth::sync::within;
use pennyworth::{logging, paths, private, server};

/// Longest wait for a disk before the server starts.
const PATIENCE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Some(command) => {
            if command.keeps_state() {
                private::begin();
                let _ = paths::state_dir().as_deref().and_then(private::tighten);
            }
            cli.run(command)
        }
        None => serve(cli),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        // 1 is for a check that failed, such as a finding at `--fail-on`.
        ExitCode::from(2)
    })
}

fn serve(cli: Cli) -> anyhow::Result<ExitCode> {
    if stdin().is_terminal() {
        eprintln!(
            "pennyworth serves an editor, which starts it and talks to it over standard input and output; here it waits for one."
        );
        eprintln!("`pennyworth --help` lists the commands for a terminal. Ctrl+C ends this.");
    }
    private::begin();
    logging::keep_panics_short();
    let state = paths::state_dir();
    // A disk may not answer, and the editor waits. What comes late is done without.
    let config = cli.config.clone();
    let settings = within(PATIENCE, move || Settings::gather(config.as_deref(), &[]).0).unwrap_or_default();
    let folder = state.clone();
    let exposed = within(PATIENCE, move || folder.as_deref().and_then(private::tighten));
    let log = Log { file: settings.log.file && exposed.is_some(), ..settings.log };
    let logging = logging::start(&log, state.as_deref());
    if let (Some(state), true) = (&state, exposed.is_none()) {
        tracing::warn!("no log file: the disk of {} does not answer", state.display());
    }
    if let Some(notice) = &logging.notice {
        tracing::warn!("{notice}");
    }
    if let Some(notice) = exposed.flatten() {
        tracing::warn!("{notice}");
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let code =
        runtime.block_on(server::run(Options { config: cli.config, ledger: paths::ledger_path(), discover: true }));
    // The thread that reads standard input may never return, so do not wait for it.
    runtime.shutdown_background();
    Ok(ExitCode::from(code))
}

//! The binary: one of the commands, or the server for the editor that started it.

use std::process::ExitCode;

use clap::Parser as _;
use pennyworth::cli::Cli;
use pennyworth::server::Options;
use pennyworth::settings::Settings;
use pennyworth::{logging, paths, serve};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Some(command) => cli.run(command),
        None => serve(cli),
    };
    result.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn serve(cli: Cli) -> anyhow::Result<ExitCode> {
    let state = paths::state_dir();
    let (settings, _) = Settings::gather(cli.config.as_deref(), &[]);
    let logging = logging::start(&settings.log, state.as_deref());
    if let Some(notice) = &logging.notice {
        tracing::warn!("{notice}");
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let code =
        runtime.block_on(serve::run(Options { config: cli.config, ledger: paths::ledger_path(), discover: true }));
    // The thread that reads standard input may never return, so nothing waits for it.
    runtime.shutdown_background();
    Ok(ExitCode::from(code))
}

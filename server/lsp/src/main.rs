//! The binary: it runs a command, or the server for the editor that started it.

use std::io::{IsTerminal as _, stdin};
use std::process::ExitCode;

use clap::Parser as _;
use pennyworth::cli::Cli;
use pennyworth::server::Options;
use pennyworth::settings::Settings;
use pennyworth::{logging, paths, private, server};

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
        ExitCode::FAILURE
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
    let exposed = state.as_deref().and_then(private::tighten);
    let (settings, _) = Settings::gather(cli.config.as_deref(), &[]);
    let logging = logging::start(&settings.log, state.as_deref());
    if let Some(notice) = &logging.notice {
        tracing::warn!("{notice}");
    }
    if let Some(notice) = exposed {
        tracing::warn!("{notice}");
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let code =
        runtime.block_on(server::run(Options { config: cli.config, ledger: paths::ledger_path(), discover: true }));
    // The thread that reads standard input may never return, so do not wait for it.
    runtime.shutdown_background();
    Ok(ExitCode::from(code))
}

//! The command line: one declaration that help, completions and man page come from, and one file under `cli/` for each command.
//! It leaves serving, which is what happens without a command, to `serve`.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod check;
mod complete;
mod explain;
mod init;
mod key;
mod models;
mod place;
mod print;
mod routes;
mod stats;

pub(crate) use check::checked;
pub(crate) use explain::explained;
pub(crate) use stats::{Form, summary};

/// A language server that completes code for as little money as the job needs.
///
/// Without a command it serves the editor that started it, over standard input and output.
#[derive(Debug, Parser)]
#[command(name = "pennyworth", version)]
pub struct Cli {
    /// Read this configuration instead of the user's own
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Serve over standard input and output; there is no other way, but some editors say so
    #[arg(long, hide = true)]
    pub stdio: bool,
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the completion for a place in a file
    Complete(complete::Complete),
    /// Print every decision for a place in a file, and ask no model
    Explain(explain::Explain),
    /// Test the configuration, the models it names, and the grammars
    Check(check::Check),
    /// List the models and what each would cost for a task
    Models(models::Models),
    /// Write a configuration in which every setting is explained and commented out
    Init(init::Init),
    /// Keep API keys in the system's keychain
    Key(key::Key),
    /// Print what was got for the money, from the ledger
    Stats(stats::Stats),
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Print completions for a shell
    Completions(print::Completions),
    /// Print the manual page, or write one for each command into a folder
    Man(print::Man),
}

impl Cli {
    /// Runs the command that was given; the exit code of the process.
    pub fn run(&self, command: &Command) -> anyhow::Result<ExitCode> {
        let config = self.config.as_deref();
        let mut out = BufWriter::new(io::stdout().lock());
        let result = match command {
            Command::Complete(complete) => complete.run(config, &mut out),
            Command::Explain(explain) => explain.run(config, &mut out),
            Command::Check(check) => check.run(config, &mut out),
            Command::Models(models) => models.run(config, &mut out),
            Command::Init(init) => init.run(config, &mut out),
            Command::Key(key) => key.run(&mut out),
            Command::Stats(stats) => stats.run(config, &mut out),
            Command::Schema => print::schema(&mut out),
            Command::Completions(completions) => completions.run(&mut out),
            Command::Man(man) => man.run(&mut out),
        };
        match result.and_then(|code| Ok(out.flush().map(|()| code)?)) {
            // Whoever reads has read enough, as `head` does.
            Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            result => result,
        }
    }
}

/// Writes a file beside its place and then into it, so that a full disk does not cost the old one. Its folder is made.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("toml.new");
    fs::write(&beside, text)?;
    fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside)))
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
        for arguments in
            [&[][..], &["--stdio"], &["--config", "x", "check"], &["init", "--force"], &["completions", "fish"]]
        {
            let all = std::iter::once("pennyworth").chain(arguments.iter().copied());
            assert!(Cli::try_parse_from(all).is_ok(), "{arguments:?}");
        }
    }

    #[test]
    fn a_reader_that_has_enough_is_no_error() {
        let broken = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("while printing");
        assert!(is_broken_pipe(&broken));
        assert!(!is_broken_pipe(&anyhow::anyhow!("else")));
    }
}

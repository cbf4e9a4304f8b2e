//! The command line: one declaration, from which help, shell completions and man pages are generated, and one file under `cli/` per command.
//! It leaves serving, which is what happens without a command, to `server`.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

mod advise;
mod against;
mod check;
mod commit;
mod complete;
mod dashboard;
mod demand;
mod document;
mod edit;
mod explain;
mod file;
mod init;
mod interrupt;
mod jobs;
mod key;
mod later;
mod models;
mod place;
mod print;
mod review;
mod stats;
mod trial;
mod tried;

/// A language server that completes code for as little money as the job needs.
///
/// Without a command, it serves the editor that started it, over standard input and output.
#[derive(Debug, Parser)]
#[command(name = "pennyworth", version)]
pub struct Cli {
    /// Read this configuration file instead of your own
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Serve over standard input and output, the default; some editors pass this flag
    #[arg(long, hide = true)]
    pub stdio: bool,
    /// The command to run instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// The command to run instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the completion at a place in a file
    Complete(complete::Complete),
    /// Print every decision at a place in a file, without calling a model
    Explain(explain::Explain),
    /// Review a change: what is not in the index, or `--staged`, or `--since` a revision
    Review(review::Review),
    /// Print a message for the staged change
    Commit(commit::Commit),
    /// Explain lines of a file
    #[command(name = "explain-code")]
    ExplainCode(edit::ExplainCode),
    /// Write the documentation comment of the item at a line
    Document(document::Document),
    /// Mend what a compiler or linter reports at a line
    Fix(edit::Fix),
    /// Edit lines of a file as instructed
    Edit(edit::Edit),
    /// Write tests of the item at a line, where the project keeps them
    Tests(edit::Tests),
    /// List, show, apply and cancel what is queued for batches
    Jobs(jobs::Jobs),
    /// Test the configuration, the models it names, and the grammars
    Check(check::Check),
    /// List the models and what each would cost for a task
    Models(models::Models),
    /// Write a configuration file with every setting explained and commented out
    Init(init::Init),
    /// Store, list or remove API keys in the system's keychain
    Key(key::Key),
    /// Show what you spent and what you got for it
    Stats(stats::Stats),
    /// Write a page that shows where the money goes, and open it in the browser
    Dashboard(dashboard::Dashboard),
    /// Say what to change, by what the last 30 days cost and brought
    Advise(advise::Advise),
    /// Measure models on your own code: holes in lines of recent commits, asked as the server asks
    Trial(trial::Trial),
    /// Print the JSON Schema of the configuration, for editors
    Schema,
    /// Print shell completions
    Completions(print::Completions),
    /// Print the manual page, or write one for each command into a folder
    Man(print::Man),
}

impl Command {
    /// Whether it reads or writes the ledger and what stands beside it. What it makes there is private.
    pub fn keeps_state(&self) -> bool {
        !matches!(self, Command::Init(_) | Command::Schema | Command::Completions(_) | Command::Man(_))
    }
}

impl Cli {
    /// Runs a command. Returns the exit code of the process.
    pub fn run(&self, command: &Command) -> anyhow::Result<ExitCode> {
        let config = self.config.as_deref();
        let mut out = BufWriter::new(io::stdout().lock());
        let result = match command {
            Command::Complete(complete) => complete.run(config, &mut out),
            Command::Explain(explain) => match explain.of_task() {
                Ok(Some(line)) => return self.run_line(&line),
                Ok(None) => explain.run(config, &mut out),
                Err(error) => Err(error),
            },
            Command::Review(review) => review.run(config, &mut out),
            Command::Commit(commit) => commit.run(config, &mut out),
            Command::ExplainCode(explain) => explain.run(config, &mut out),
            Command::Document(document) => document.run(config, &mut out),
            Command::Fix(fix) => fix.run(config, &mut out),
            Command::Edit(edit) => edit.run(config, &mut out),
            Command::Tests(tests) => tests.run(config, &mut out),
            Command::Jobs(jobs) => jobs.run(config, &mut out),
            Command::Check(check) => check.run(config, &mut out),
            Command::Models(models) => models.run(config, &mut out),
            Command::Init(init) => init.run(config, &mut out),
            Command::Key(key) => key.run(config, &mut out),
            Command::Stats(stats) => stats.run(config, &mut out),
            Command::Dashboard(dashboard) => dashboard.run(config, &mut out),
            Command::Advise(advise) => advise.run(config, &mut out),
            Command::Trial(trial) => trial.run(config, &mut out),
            Command::Schema => print::schema(&mut out),
            Command::Completions(completions) => completions.run(Cli::command(), &mut out),
            Command::Man(man) => man.run(Cli::command(), &mut out),
        };
        match result.and_then(|code| Ok(out.flush().map(|()| code)?)) {
            // The reader has enough and closed the pipe, as `head` does.
            Err(error) if is_broken_pipe(&error) => Ok(ExitCode::SUCCESS),
            result => result,
        }
    }
}

impl Cli {
    /// Runs another command line with the same configuration. If that is wrong, the process ends with its message.
    fn run_line(&self, line: &[&str]) -> anyhow::Result<ExitCode> {
        let parsed = Cli::try_parse_from(line).unwrap_or_else(|error| error.exit());
        parsed.command.map_or(Ok(ExitCode::SUCCESS), |command| self.run(&command))
    }
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
    fn an_error_shows_a_value_once() {
        for arguments in [
            ["explain", "there"],
            ["explain", "a.rs:0:1"],
            ["complete", "a.rs:7"],
            ["models", "--task=lines"],
            ["stats", "--days=many"],
            ["stats", "--since=yesterday"],
            ["stats", "--by=colour"],
            ["trial", "--against=first"],
            ["key", "colours"],
            ["completions", "dosh"],
        ] {
            let all = std::iter::once("pennyworth").chain(arguments);
            let error = Cli::try_parse_from(all).map(drop).unwrap_err().to_string();
            let value = arguments[1].rsplit('=').next().unwrap_or_default();
            assert_eq!(error.matches(value).count(), 1, "{error}");
        }
    }

    #[test]
    fn a_reader_that_has_enough_is_no_error() {
        let broken = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe)).context("while printing");
        assert!(is_broken_pipe(&broken));
        assert!(!is_broken_pipe(&anyhow::anyhow!("else")));
    }
}

//! Logs to a daily file in the state directory; five are kept. Warnings and errors also go to stderr; without a file, or if stderr is a terminal,
//! everything does. stdout belongs to the protocol.
//! It leaves what to log to other modules, but drops lines of other crates, which may hold whole messages and headers.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::{EnvFilter, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{fmt, reload};

use crate::private;
use crate::settings::{Level, Log};
use crate::sync::within;

/// The variable that wins over the settings' level.
const VARIABLE: &str = "PENNYWORTH_LOG";
/// Its folder below the state directory.
const FOLDER: &str = "log";
/// Longest wait for the disk of its folder.
const PATIENCE: Duration = Duration::from_secs(1);
/// Daily files to keep.
const KEPT: usize = 5;
/// Most lines that may wait; further ones are dropped. The crate's default of 128,000 takes 4 MB for each of the two logs before the first line.
const WAITING: usize = 4096;
/// Prefix of the crates whose lines are logged.
const OURS: &str = "pennyworth";

/// The filter of the running log.
static FILTER: OnceLock<reload::Handle<EnvFilter, Registry>> = OnceLock::new();

/// The running log. Dropping it writes the waiting lines.
pub struct Logging {
    /// Why the log is not as the settings ask, to be reported once.
    pub notice: Option<String>,
    _guards: Vec<WorkerGuard>,
}

/// Starts the log of this process. A separate thread writes the lines, so that a full pipe or disk never delays an answer.
pub fn start(log: &Log, state_dir: Option<&Path>) -> Logging {
    let (filter, mut notice) = filter(log.level, std::env::var(VARIABLE).ok().as_deref());
    let (filter, handle) = reload::Layer::new(filter);
    let (stderr, stderr_guard) = waiting(io::stderr());
    let mut guards = vec![stderr_guard];
    let lines = fmt::layer().with_writer(stderr).with_ansi(io::stderr().is_terminal());
    let (file, least) = match log.file.then(|| appender_in_time(state_dir)) {
        Some(Ok(appender)) => {
            let (file, guard) = waiting(appender);
            guards.push(guard);
            (Some(fmt::layer().with_writer(file).with_ansi(false)), least_on_stderr(io::stderr().is_terminal()))
        }
        Some(Err(message)) => {
            notice.get_or_insert(message);
            (None, LevelFilter::TRACE)
        }
        None => (None, LevelFilter::TRACE),
    };
    let ours = filter_fn(is_ours);
    let layers = lines.with_filter(least).and_then(file).with_filter(ours);
    // A second start in one process leaves the first one's log in place.
    if tracing_subscriber::registry().with(filter).with(layers).try_init().is_ok() {
        let _ = FILTER.set(handle);
    }
    Logging { notice, _guards: guards }
}

/// Changes the level of the running log. The variable still wins.
pub fn set_level(level: Level) {
    if let Some(handle) = FILTER.get() {
        let _ = handle.reload(filter(level, std::env::var(VARIABLE).ok().as_deref()).0);
    }
}

/// Logs the place of each panic instead of its message, which may quote the text that it was about.
pub fn keep_panics_short() {
    std::panic::set_hook(Box::new(|panic| tracing::error!(place = place(panic), "a panic")));
}

fn place(panic: &PanicHookInfo<'_>) -> String {
    panic.location().map(ToString::to_string).unwrap_or_default()
}

/// The least level that goes to stderr besides the file. Editors record all of stderr as errors, so they get only warnings and errors.
fn least_on_stderr(is_terminal: bool) -> LevelFilter {
    if is_terminal { LevelFilter::TRACE } else { LevelFilter::WARN }
}

/// A writer with a thread of its own.
fn waiting(writer: impl io::Write + Send + 'static) -> (NonBlocking, WorkerGuard) {
    NonBlockingBuilder::default().buffered_lines_limit(WAITING).finish(writer)
}

fn is_ours(about: &Metadata<'_>) -> bool {
    about.target().starts_with(OURS)
}

/// The filter of a level, or of the variable's text if it parses.
fn filter(level: Level, variable: Option<&str>) -> (EnvFilter, Option<String>) {
    let level = EnvFilter::default().add_directive(directive(level).into());
    match variable.filter(|text| !text.trim().is_empty()).map(|text| EnvFilter::builder().parse(text)) {
        None => (level, None),
        Some(Ok(filter)) => (filter, None),
        Some(Err(error)) => {
            let message =
                format!("{VARIABLE} is not a filter ({error}); for example: debug, or warn,pennyworth::complete=debug");
            (level, Some(message))
        }
    }
}

fn directive(level: Level) -> LevelFilter {
    match level {
        Level::Off => LevelFilter::OFF,
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}

/// The same, or a reason after a while: a disk may never answer.
fn appender_in_time(state_dir: Option<&Path>) -> Result<RollingFileAppender, String> {
    let folder = state_dir.map(Path::to_owned);
    let late = || Err("no log file: the disk of its folder does not answer".to_owned());
    within(PATIENCE, move || appender(folder.as_deref())).unwrap_or_else(late)
}

fn appender(state_dir: Option<&Path>) -> Result<RollingFileAppender, String> {
    let folder = state_dir.ok_or("no log file: there is no state directory, because there is no home")?.join(FOLDER);
    let cannot = |error: &dyn std::fmt::Display| format!("no log file in {}: {error}", folder.display());
    private::create_folder(&folder).map_err(|error| cannot(&error))?;
    if let Some(link) = files(&folder).find(|path| path.is_symlink()) {
        return Err(cannot(&format_args!("{} is a link", link.display())));
    }
    let builder = RollingFileAppender::builder().rotation(Rotation::DAILY).max_log_files(KEPT);
    builder.filename_prefix("pennyworth").filename_suffix("log").build(&folder).map_err(|error| cannot(&error))
}

/// The newest file of the log, if there is one.
pub fn newest(state_dir: Option<&Path>) -> Option<PathBuf> {
    // Names contain the date, so the greatest is the newest.
    files(&state_dir?.join(FOLDER)).max()
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let all = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    all.filter(|path| path.extension().is_some_and(|extension| extension == "log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_wins_and_a_faulty_one_is_said() {
        for (level, variable, filter_text, is_said) in [
            (Level::Info, None, "info", false),
            (Level::Info, Some("  "), "info", false),
            (Level::Off, Some("debug"), "debug", false),
            (Level::Warn, Some("warn,pennyworth::complete=debug"), "pennyworth::complete=debug,warn", false),
            (Level::Warn, Some("pennyworth=loud"), "warn", true),
        ] {
            let (found, notice) = filter(level, variable);
            assert_eq!(
                (found.to_string().as_str(), notice.is_some()),
                (filter_text, is_said),
                "{level:?} {variable:?}"
            );
        }
    }

    #[test]
    fn a_panic_is_logged_by_its_place() {
        let (sender, places) = std::sync::mpsc::channel();
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| drop(sender.send(place(panic)))));
        let caught = std::panic::catch_unwind(|| panic!("in the text `fn code()`"));
        std::panic::set_hook(usual);
        assert!(caught.is_err());
        // Other tests of this process may panic meanwhile.
        let said: Vec<String> = places.try_iter().collect();
        assert!(said.iter().any(|place| place.contains("logging.rs:")) && !said.concat().contains("code"), "{said:?}");
    }

    #[test]
    fn without_a_place_there_is_a_reason_and_with_one_a_file() {
        assert!(appender(None).unwrap_err().contains("no home"));
        let place = tempfile::tempdir().unwrap();
        let not_a_folder = place.path().join("file");
        fs::write(&not_a_folder, "").unwrap();
        assert!(appender(Some(&not_a_folder)).unwrap_err().contains("no log file in"));
        appender(Some(place.path())).unwrap();
        assert_eq!(fs::read_dir(place.path().join("log")).unwrap().count(), 1);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&not_a_folder, place.path().join("log/pennyworth.x.log")).unwrap();
            assert!(appender(Some(place.path())).unwrap_err().ends_with("pennyworth.x.log is a link"));
        }
    }
}

//! `pennyworth dashboard`: writes the page that shows where the money goes, opens it in the browser, and keeps it fresh. It leaves the page to
//! `reports::dashboard`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, anyhow};
use clap::Args;

use super::against::{Provider, compared};
use super::file::replace;
use super::place::{ledger, say};
use crate::paths;
use crate::reports::dashboard;
use crate::settings::Settings;

/// How often a page that is watched is written and loaded again.
const AGAIN: Duration = Duration::from_secs(5);

/// Days that are compared with a provider.
const DAYS: u32 = 30;

/// `pennyworth dashboard`.
#[derive(Debug, Args)]
pub struct Dashboard {
    /// Write the page to this file and open nothing; else it stands beside the ledger, for your eyes only
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Ask a provider what it charged, and show that beside the ledger
    #[arg(long, value_enum, value_name = "PROVIDER", conflicts_with = "watch")]
    against: Option<Provider>,
    /// Keep the page fresh until this is interrupted
    #[arg(long)]
    watch: bool,
}

impl Dashboard {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let path = match &self.output {
            Some(path) => std::path::absolute(path)?,
            None => paths::state_dir()
                .context("no place for the page is known: set HOME, or name a file with --output")?
                .join("dashboard.html"),
        };
        let again = self.watch.then_some(AGAIN);
        write(config, &path, again, self.against)?;
        writeln!(out, "{}", path.display())?;
        out.flush()?;
        if self.output.is_none() {
            open(&path);
        }
        if !self.watch {
            return Ok(ExitCode::SUCCESS);
        }
        let mut seen = changed();
        loop {
            std::thread::sleep(AGAIN);
            let now = changed();
            if now != seen {
                write(config, &path, again, self.against)?;
                seen = now;
            }
        }
    }
}

/// Writes the page to a file.
pub(super) fn write(
    config: Option<&Path>,
    path: &Path,
    again: Option<Duration>,
    against: Option<Provider>,
) -> anyhow::Result<()> {
    let (settings, notices) = Settings::gather(config, &[]);
    say(&notices);
    let ledger = paths::ledger_path().filter(|path| path.try_exists().unwrap_or(true)).map(|_| ledger());
    let against = against.map(|of| compared(of, &settings, None, DAYS)).transpose()?;
    let page = dashboard::page(ledger.as_ref(), &settings, (again, against.as_ref()))?;
    replace(path, &page).map_err(|error| anyhow!("{} cannot be written: {error}", path.display()))
}

/// When the ledger was written last, its journal included.
fn changed() -> Vec<Option<SystemTime>> {
    let ledger = paths::ledger_path().unwrap_or_default();
    let journal = ledger.with_extension("sqlite-wal");
    let written = |path: &PathBuf| std::fs::metadata(path).and_then(|found| found.modified()).ok();
    [ledger, journal].iter().map(written).collect()
}

/// Opens a file in the browser. Where there is none, its path was printed.
fn open(path: &Path) {
    let has_screen = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_headless = cfg!(all(unix, not(target_os = "macos")))
        && !["DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME"].into_iter().any(has_screen);
    let opened = if is_headless {
        Err("there is no screen".to_owned())
    } else {
        open::that_detached(path).map_err(|error| error.to_string())
    };
    if let Err(why) = opened {
        eprintln!("no browser was opened ({why}): open the file above in one");
    }
}

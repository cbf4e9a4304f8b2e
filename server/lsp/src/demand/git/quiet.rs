//! The user's own `git`, run without any program that a repository's configuration may name: no monitor, hook, diff, filter, signature check or
//! transport. It leaves what Git is asked to `git`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

/// Monitors, hooks and checks of the repository's choice, switched off.
const QUIET: [&str; 8] = [
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.quotePath=false",
    "-c",
    "log.showSignature=false",
];

/// Git in a folder.
#[derive(Clone, Debug)]
pub(super) struct Git {
    folder: PathBuf,
    /// Settings that switch off what else the configuration names.
    off: Vec<String>,
}

impl Git {
    /// Git in this folder. Filters are known by their names, so each that is configured is switched off by its own.
    pub(super) fn within(folder: &Path) -> anyhow::Result<Git> {
        let mut git = Git { folder: folder.to_owned(), off: Vec::new() };
        let keys = git.run(&["config", "-z", "--name-only", "--list"])?;
        let keys = String::from_utf8(keys).context("a name in the configuration of Git is not UTF-8")?;
        let filter = |key: &'_ str| Some(key.strip_prefix("filter.")?.rsplit_once('.')?.0.to_owned());
        for name in keys.split('\0').filter_map(filter).collect::<BTreeSet<_>>() {
            if name.contains(['=', '\n']) {
                bail!(
                    "the filter `{name}` of Git's configuration cannot be switched off; its name may hold no `=` and no line break"
                );
            }
            let settings = ["clean=", "smudge=", "process=", "required=false"];
            git.off
                .extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), format!("filter.{name}.{setting}")]));
        }
        Ok(git)
    }

    /// What it prints.
    pub(super) fn run(&self, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.folder).args(QUIET).args(&self.off).args(arguments).stdin(Stdio::null());
        command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
        // What is not here is not fetched: that would run the transport that the configuration names.
        command.env("GIT_NO_LAZY_FETCH", "1").env("GIT_ALLOW_PROTOCOL", "none");
        let output = command.output().context("`git` cannot be run")?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => {
                let said = String::from_utf8_lossy(&output.stderr);
                bail!("{}", said.lines().next().unwrap_or("git failed"))
            }
        }
    }

    /// The same as text.
    pub(super) fn text(&self, arguments: &[&str]) -> anyhow::Result<String> {
        String::from_utf8(self.run(arguments)?).context("a path is not UTF-8")
    }
}

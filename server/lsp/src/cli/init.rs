//! `pennyworth init`: writes the commented configuration, or prints the configuration that an editor needs (`init/`). It overwrites a file only
//! with `--force`. It leaves the text to `settings::docs`.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

mod helix;

use super::file::replace;
use crate::settings::docs;
use crate::{paths, private};

/// `pennyworth init`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Init {
    /// The editor to print a configuration for instead
    #[command(subcommand)]
    editor: Option<Editor>,
    /// Overwrite an existing configuration
    #[arg(long)]
    force: bool,
    /// Print the configuration instead of writing it
    #[arg(long)]
    print: bool,
}

/// An editor that needs a configuration of its own.
#[derive(Debug, Subcommand)]
enum Editor {
    /// Print the lines that Helix's languages.toml needs
    Helix(helix::Helix),
}

impl Init {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        if let Some(Editor::Helix(helix)) = &self.editor {
            helix.run(out)?;
            return Ok(ExitCode::SUCCESS);
        }
        let text = docs::commented_config();
        if self.print {
            out.write_all(text.as_bytes())?;
            return Ok(ExitCode::SUCCESS);
        }
        let known = paths::config_path();
        let Some(path) = config.or(known.as_deref()) else {
            bail!("no home directory for a configuration; name a file: pennyworth init --config FILE");
        };
        self.write(path, &text)?;
        writeln!(out, "wrote {}", path.display())?;
        Ok(ExitCode::SUCCESS)
    }

    fn write(&self, path: &Path, text: &str) -> anyhow::Result<()> {
        let cannot = || format!("{} cannot be written", path.display());
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            private::create_folder(folder).with_context(cannot)?;
        }
        if self.force {
            return replace(path, text).with_context(cannot);
        }
        match private::create_file(path) {
            Ok(mut file) => file.write_all(text.as_bytes()).with_context(cannot),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!("{} exists already; `pennyworth init --force` overwrites it, `--print` prints", path.display())
            }
            Err(error) => Err(error).with_context(cannot),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_written_once_and_over_only_by_force() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("new/config.toml");
        let run = |force| Init { editor: None, force, print: false }.run(Some(&path), &mut Vec::new());
        run(false).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), docs::commented_config());
        fs::write(&path, "mine").unwrap();
        assert!(run(false).unwrap_err().to_string().contains("exists already"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        run(true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), docs::commented_config());
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
    }
}

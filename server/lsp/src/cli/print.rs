//! Commands that print texts generated from our types: the schema, shell completions, the manual. They read no configuration.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Command};

use crate::settings::docs;

/// `pennyworth completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// Shell to print completions for
    shell: clap_complete::Shell,
}

/// `pennyworth man`.
#[derive(Debug, Args)]
pub struct Man {
    /// Write the page of each command into this folder instead of printing the first one
    #[arg(value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// `pennyworth schema`.
pub(super) fn schema(out: &mut impl Write) -> anyhow::Result<ExitCode> {
    serde_json::to_writer_pretty(&mut *out, &docs::schema()).map_err(std::io::Error::from)?;
    writeln!(out)?;
    Ok(ExitCode::SUCCESS)
}

impl Completions {
    pub(super) fn run(&self, mut command: Command, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        // The generator panics if a write fails, so it writes into memory.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, "pennyworth", &mut script);
        out.write_all(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Man {
    pub(super) fn run(&self, command: Command, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        match &self.folder {
            None => clap_mangen::Man::new(command).render(out)?,
            Some(folder) => {
                let cannot = || format!("the manual cannot be written to {}", folder.display());
                fs::create_dir_all(folder).with_context(cannot)?;
                clap_mangen::generate_to(command, folder).with_context(cannot)?;
                writeln!(out, "wrote pennyworth.1 and a page for each command to {}", folder.display())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn everything_that_is_generated_names_every_command() {
        let mut man = Vec::new();
        Man { folder: None }.run(Cli::command(), &mut man).unwrap();
        // The page escapes hyphens.
        let mut texts = vec![String::from_utf8(man).unwrap().replace("\\-", "-")];
        for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Fish, clap_complete::Shell::Zsh] {
            let mut script = Vec::new();
            Completions { shell }.run(Cli::command(), &mut script).unwrap();
            texts.push(String::from_utf8(script).unwrap());
        }
        for command in Cli::command().get_subcommands() {
            assert!(texts.iter().all(|text| text.contains(command.get_name())), "{}", command.get_name());
        }
        let folder = tempfile::tempdir().unwrap();
        let mut said = Vec::new();
        Man { folder: Some(folder.path().join("new")) }.run(Cli::command(), &mut said).unwrap();
        assert!(
            folder.path().join("new/pennyworth-check.1").exists() && folder.path().join("new/pennyworth.1").exists()
        );
        assert!(String::from_utf8(said).unwrap().starts_with("wrote pennyworth.1 and a page for each command to "));
    }

    #[test]
    fn the_schema_is_json_with_every_key_explained() {
        let mut json = Vec::new();
        schema(&mut json).unwrap();
        let schema: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let properties = schema["properties"].as_object().unwrap();
        let unexplained: Vec<_> =
            properties.iter().filter(|(_, schema)| schema.get("description").is_none()).map(|(key, _)| key).collect();
        assert_eq!(unexplained, [""; 0]);
    }
}

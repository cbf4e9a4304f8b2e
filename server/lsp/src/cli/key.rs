//! `pennyworth key`: puts a key into the system's keychain, from where a model's `api_key_keychain` takes it, or removes it. The key goes from the
//! terminal, or from standard input, to the keychain's own program: it stands in no argument, no file and no history.

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use pennyworth_core::models::is_key_name;

use crate::keys::keychain::{Act, keychain};

/// Keep API keys in the system's keychain
#[derive(Debug, Args)]
pub struct Key {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Store a key, asked for or read from standard input; a model takes it with `api_key_keychain = "NAME"`
    Set {
        /// The name under which it is kept
        #[arg(value_parser = name)]
        name: String,
    },
    /// Remove a key
    Remove {
        /// The name under which it is kept
        #[arg(value_parser = name)]
        name: String,
    },
}

fn name(text: &str) -> Result<String, String> {
    match is_key_name(text) {
        true => Ok(text.to_owned()),
        false => Err("a name is made of letters, digits and - _ .".into()),
    }
}

impl Key {
    pub(super) fn run(&self, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let (act, name, done) = match &self.what {
            What::Set { name } => (Act::Set, name, "stored"),
            What::Remove { name } => (Act::Remove, name, "removed"),
        };
        let Some(keychain) = keychain() else { bail!("no keychain of this system is known; use `api_key_cmd`") };
        let status = keychain.command(act, name).into_std().status().with_context(|| {
            format!("`{}` cannot be run, by which the keychain is reached: {}", keychain.tool, keychain.install)
        })?;
        if !status.success() {
            bail!("the keychain refused: `{}` ended with {status}", keychain.tool);
        }
        writeln!(out, "{done}: {name}")?;
        Ok(ExitCode::SUCCESS)
    }
}

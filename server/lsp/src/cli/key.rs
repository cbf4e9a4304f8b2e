//! `pennyworth key`: stores a key in the system's keychain, from where a model's `api_key_keychain` takes it, removes it, or lists the keys that the
//! configuration names. A key goes from the terminal or standard input straight to the keychain's own program: it is never in an argument, a file
//! or a shell history, and never printed.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{ExitCode, Stdio};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use pennyworth_core::models::is_key_name;

use crate::models::keys::keychain::{Act, Keychain, keychain};
use crate::settings::Settings;

/// Store, list or remove API keys in the system's keychain
#[derive(Debug, Args)]
pub struct Key {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Store a key from the terminal or standard input; a model takes it with `api_key_keychain = "NAME"`
    Set {
        /// Name of the key in the keychain
        #[arg(value_parser = name)]
        name: String,
    },
    /// List the keys that your configuration names, the models that use them, and whether the keychain has them
    List,
    /// Remove a key
    Remove {
        /// Name of the key in the keychain
        #[arg(value_parser = name)]
        name: String,
    },
}

fn name(text: &str) -> Result<String, String> {
    match is_key_name(text) {
        true => Ok(text.to_owned()),
        false => Err("a name may only have letters, digits and - _ .".into()),
    }
}

impl Key {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let Some(keychain) = keychain() else { bail!("this system has no known keychain; use `api_key_cmd`") };
        let (act, name, done) = match &self.what {
            What::Set { name } => (Act::Set, name, "stored"),
            What::Remove { name } => (Act::Remove, name, "removed"),
            What::List => return list(keychain, config, out),
        };
        let status = keychain.command(act, name).into_std().status().with_context(|| {
            format!("the keychain's program `{}` cannot be run: {}", keychain.tool, keychain.install)
        })?;
        if !status.success() {
            bail!("the keychain refused: `{}` ended with {status}", keychain.tool);
        }
        writeln!(out, "{done}: {name}")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints the names, never the keys.
fn list(keychain: &Keychain, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let models = Settings::gather(config, &[]).0.models();
    let mut users: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for model in models.all() {
        if let Some(name) = &model.api_key_keychain {
            users.entry(name).or_default().push(&model.name);
        }
    }
    if users.is_empty() {
        writeln!(out, "your configuration names no key of the keychain (`api_key_keychain`)")?;
    }
    for (name, models) in users {
        let mut command = keychain.command(Act::Get, name).into_std();
        let found = command.stdout(Stdio::null()).status().is_ok_and(|status| status.success());
        writeln!(out, "{name}: {}, for {}", if found { "stored" } else { "not stored" }, models.join(", "))?;
    }
    Ok(ExitCode::SUCCESS)
}

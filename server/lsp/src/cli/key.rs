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
        // To some keychains, removing what is not there is a success.
        if act == Act::Remove && !has(keychain, name)? {
            bail!("the keychain has no key `{name}`, or does not give it");
        }
        let status = keychain.command(act, name).into_std().status().with_context(|| absent(keychain))?;
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
    let mut code = ExitCode::SUCCESS;
    for (name, models) in users {
        let found = match has(keychain, name) {
            Ok(true) => "stored".to_owned(),
            Ok(false) => "not stored".to_owned(),
            Err(error) => {
                code = ExitCode::FAILURE;
                format!("not known whether it is stored, because {error}")
            }
        };
        writeln!(out, "{name}: {found}, for {}", models.join(", "))?;
    }
    Ok(code)
}

/// Whether the keychain gives a key of this name. What it prints is thrown away.
fn has(keychain: &Keychain, name: &str) -> anyhow::Result<bool> {
    let mut command = keychain.command(Act::Get, name).into_std();
    let status = command.stdout(Stdio::null()).status().with_context(|| absent(keychain))?;
    Ok(status.success())
}

fn absent(keychain: &Keychain) -> String {
    format!("the keychain's program `{}` cannot be run: {}", keychain.tool, keychain.install)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without_program() -> Keychain {
        let table = "tool = \"no-such-program-here\"\ninstall = \"the package x\"\nget = []\nset = []\nremove = []";
        toml::from_str(table).unwrap()
    }

    #[test]
    fn without_the_keychains_program_nobody_knows_what_is_stored() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("config.toml");
        let row = "[model.gpt-6-luna]\napi_key_keychain = \"openai\"\n";
        std::fs::write(&path, row).unwrap();
        let mut out = Vec::new();
        let code = list(&without_program(), Some(&path), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert_eq!(code, ExitCode::FAILURE, "{text}");
        let expected = "openai: not known whether it is stored, because the keychain's program `no-such-program-here` cannot be run: the package x, for gpt-6-luna\n";
        assert_eq!(text, expected);
    }
}

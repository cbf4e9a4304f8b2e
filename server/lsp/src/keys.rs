//! The keys of models: from the environment variable, the keychain or the command that a model's row names, kept in memory and nowhere else.
//! It leaves which models there are to the settings, and sending a key to `pennyworth-providers`.

use std::collections::HashMap;
use std::process::{Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pennyworth_core::models::Model;
use secrecy::SecretString;
use tokio::process::Command;
use tokio::time::timeout;

pub mod keychain;

use keychain::{Act, keychain};

/// Longest a command may take; it may have to unlock a store, but not wait for somebody who is not there.
const PATIENCE: Duration = Duration::from_secs(20);

/// What commands printed, until [`Keys::forget`].
#[derive(Default)]
pub struct Keys {
    printed: Mutex<HashMap<Source, SecretString>>,
}

/// What prints a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    /// The keychain, given a name.
    Keychain(String),
    /// A line of the user's shell.
    Command(String),
}

/// Why there is no key. No message repeats what a command printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The variable is not there or empty.
    #[error("the environment variable {0} is not set")]
    Unset(String),
    /// The keychain has none of that name, is locked, or cannot be asked.
    #[error("the keychain has no key `{name}` (`pennyworth key set {name}` stores one), or cannot be asked: {why}")]
    Keychain {
        /// The name.
        name: String,
        /// What happened.
        why: String,
    },
    /// The command could not be run.
    #[error("`api_key_cmd` cannot be run: {0}")]
    NotRun(String),
    /// The command failed.
    #[error("`api_key_cmd` ended with {0}")]
    Failed(String),
    /// The command took too long.
    #[error("`api_key_cmd` took longer than {} s", PATIENCE.as_secs())]
    Slow,
    /// The command printed nothing, or not text.
    #[error("`api_key_cmd` printed no key")]
    Empty,
}

impl KeyError {
    /// The same, said of the keychain's own program.
    fn of_keychain(self, name: &str) -> KeyError {
        let tool = keychain().map_or("?", |keychain| keychain.tool.as_str());
        let why = match self {
            KeyError::NotRun(why) => {
                let install = keychain().map_or("no keychain of this system is known", |keychain| &keychain.install);
                format!("`{tool}` cannot be run: {why} ({install})")
            }
            KeyError::Failed(status) => format!("`{tool}` ended with {status}"),
            KeyError::Slow => format!("`{tool}` took longer than {} s", PATIENCE.as_secs()),
            KeyError::Empty => format!("`{tool}` printed none"),
            other => return other,
        };
        KeyError::Keychain { name: name.to_owned(), why }
    }
}

impl Keys {
    /// The key of a model; `None` if its row names none, as for most servers on this machine. The variable goes before
    /// the keychain, and that before the command.
    pub async fn of(&self, model: &Model) -> Result<Option<SecretString>, KeyError> {
        let unset = match &model.api_key_env {
            Some(name) => match std::env::var(name) {
                Ok(key) if !key.trim().is_empty() => return Ok(Some(key.trim().to_owned().into())),
                _ => Some(KeyError::Unset(name.clone())),
            },
            None => None,
        };
        let mut missing = unset;
        if let Some(name) = &model.api_key_keychain {
            match self.printed_by(Source::Keychain(name.clone())).await {
                Ok(key) => return Ok(Some(key)),
                Err(error) => missing = Some(error.of_keychain(name)),
            }
        }
        match (&model.api_key_cmd, missing) {
            (Some(command), _) => self.printed_by(Source::Command(command.clone())).await.map(Some),
            // A local server may be told to want a key, but usually does not.
            (None, Some(error)) if !model.is_on_this_machine() => Err(error),
            (None, _) => Ok(None),
        }
    }

    /// Forgets what commands printed: after a provider refused a key, or when the configuration changed.
    pub fn forget(&self) {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn printed_by(&self, source: Source) -> Result<SecretString, KeyError> {
        let known = self.printed.lock().unwrap_or_else(PoisonError::into_inner).get(&source).cloned();
        if let Some(key) = known {
            return Ok(key);
        }
        let output = timeout(PATIENCE, run(&source)).await.map_err(|_| KeyError::Slow)?;
        let key = SecretString::from(first_line(output.map_err(|error| KeyError::NotRun(error.to_string()))?)?);
        self.printed.lock().unwrap_or_else(PoisonError::into_inner).insert(source, key.clone());
        Ok(key)
    }
}

/// Runs what prints a key. It reads nothing, because standard input is the protocol's; what it complains about is not kept.
async fn run(source: &Source) -> std::io::Result<Output> {
    let command = match source {
        Source::Keychain(name) => {
            let Some(keychain) = keychain() else { return Err(std::io::ErrorKind::Unsupported.into()) };
            return keychain.command(Act::Get, name).output().await;
        }
        Source::Command(command) => command,
    };
    let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
    let mut process = Command::new(shell);
    process.arg(flag).arg(command).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    process.output().await
}

fn first_line(output: Output) -> Result<String, KeyError> {
    if !output.status.success() {
        return Err(KeyError::Failed(output.status.to_string()));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| KeyError::Empty)?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.map(str::to_owned).ok_or(KeyError::Empty)
}

#[cfg(test)]
mod tests {
    use pennyworth_core::models::{Models, Rows};
    use secrecy::ExposeSecret;

    use super::*;

    fn model(keys: &str) -> Model {
        let source = format!(
            "[model.m]\nprotocol = \"openai\"\nbase_url = \"http://localhost:1\"\nmodel = \"qwen2.5-coder\"\ntier = \"local\"\n{keys}"
        );
        let rows: Rows = toml::from_str(&source).unwrap();
        Models::builtin().with_rows("test", rows).0.get("m").unwrap().clone()
    }

    async fn check(keys: &str, expected: Result<Option<&str>, KeyError>) {
        let found = Keys::default().of(&model(keys)).await;
        let found = found.as_ref().map(|key| key.as_ref().map(ExposeSecret::expose_secret)).map_err(Clone::clone);
        assert_eq!(found, expected, "{keys}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn keys_come_from_a_variable_or_a_command_and_faults_are_named() {
        let failed = |code: i32| KeyError::Failed(format!("exit status: {code}"));
        check("", Ok(None)).await;
        check("api_key_env = \"PENNYWORTH_NO_SUCH_KEY\"", Ok(None)).await;
        check("api_key_cmd = \"printf '\\n  sesame \\nnotes\\n'\"", Ok(Some("sesame"))).await;
        check("api_key_env = \"PENNYWORTH_NO_SUCH_KEY\"\napi_key_cmd = \"echo sesame\"", Ok(Some("sesame"))).await;
        check("api_key_cmd = \"echo sesame; exit 3\"", Err(failed(3))).await;
        check("api_key_cmd = \"true\"", Err(KeyError::Empty)).await;
        check("api_key_cmd = \"printf '\\\\377'\"", Err(KeyError::Empty)).await;
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_command_runs_once_until_forgotten() {
        let place = tempfile::tempdir().unwrap();
        let count = place.path().join("count");
        let model = model(&format!("api_key_cmd = \"echo run >> {0}; wc -l < {0}\"", count.display()));
        let keys = Keys::default();
        for expected in ["1", "1"] {
            assert_eq!(keys.of(&model).await.unwrap().unwrap().expose_secret(), expected);
        }
        keys.forget();
        assert_eq!(keys.of(&model).await.unwrap().unwrap().expose_secret(), "2");
    }
}

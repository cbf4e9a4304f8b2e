//! Why there is no key for a model, and what the user can do. It leaves running programs to `command`.

use std::time::Duration;

use super::keychain::keychain;

/// Longest time for a program. It may have to unlock a store, but must not wait for an absent user.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Why there is no key. No message contains what a command printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The variable is unset or empty.
    #[error("the environment variable {0} is not set")]
    Unset(String),
    /// The keychain has no key of that name, is locked, or cannot be read.
    #[error("the keychain has no key `{name}` (`pennyworth key set {name}` stores one), or it cannot be read: {why}")]
    Keychain {
        /// The name.
        name: String,
        /// How its program failed.
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
    /// The command printed nothing, too much, or no valid text.
    #[error("`api_key_cmd` printed no key")]
    Empty,
}

impl KeyError {
    /// What the user can do about it; `None` if the message says it.
    pub fn remedy(&self) -> Option<String> {
        match self {
            KeyError::Unset(name) => {
                Some(format!("set {name} in the environment of the editor, or name a keychain or a command"))
            }
            KeyError::Keychain { .. } => None,
            KeyError::NotRun(_) | KeyError::Failed(_) | KeyError::Slow | KeyError::Empty => {
                Some("run the command in a terminal to see why".to_owned())
            }
        }
    }

    /// The same error for the keychain's program.
    pub(super) fn of_keychain(self, name: &str) -> KeyError {
        let tool = keychain().map_or("?", |keychain| keychain.tool.as_str());
        let why = match self {
            KeyError::NotRun(why) => {
                let install =
                    keychain().map_or("Pennyworth knows no keychain for this system", |keychain| &keychain.install);
                format!("`{tool}` cannot be run: {why} ({install})")
            }
            KeyError::Failed(status) => format!("`{tool}` ended with {status}"),
            KeyError::Slow => format!("`{tool}` took longer than {} s", PATIENCE.as_secs()),
            KeyError::Empty => format!("`{tool}` printed no key"),
            other => return other,
        };
        KeyError::Keychain { name: name.to_owned(), why }
    }
}

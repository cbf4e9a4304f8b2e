//! The system's keychain, reached through its own program, a row of `tables/keychains.toml`. A key goes from the program into memory, or from
//! the user's terminal to the program, and nowhere else. It leaves when a key is needed to `keys`.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::LazyLock;

use serde::Deserialize;
use tokio::process::Command;

/// The program of a system's keychain, and its arguments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keychain {
    /// The program.
    pub tool: String,
    /// Where to get it.
    pub install: String,
    get: Vec<String>,
    set: Vec<String>,
    remove: Vec<String>,
}

#[expect(clippy::expect_used, reason = "the table is part of the binary and a test reads it")]
static KEYCHAINS: LazyLock<BTreeMap<String, Keychain>> = LazyLock::new(|| {
    toml::from_str(include_str!("../../../tables/keychains.toml")).expect("tables/keychains.toml is valid")
});

/// What to do with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Read it.
    Get,
    /// Store it, in place of an earlier one.
    Set,
    /// Remove it.
    Remove,
}

/// This system's keychain; `None` if the table has no row for it.
pub fn keychain() -> Option<&'static Keychain> {
    KEYCHAINS.get(std::env::consts::OS)
}

impl Keychain {
    /// The program with the arguments for this act on the key `name`. Nothing it prints is logged.
    pub fn command(&self, act: Act, name: &str) -> Command {
        let arguments = match act {
            Act::Get => &self.get,
            Act::Set => &self.set,
            Act::Remove => &self.remove,
        };
        let mut command = Command::new(&self.tool);
        command.args(arguments.iter().map(|argument| argument.replace("{name}", name)));
        if act == Act::Get {
            // Our standard input carries the protocol.
            command.stdin(Stdio::null()).stderr(Stdio::null());
        }
        command.kill_on_drop(true);
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_has_a_program_that_is_given_the_name() {
        assert!(keychain().is_some());
        for (system, keychain) in KEYCHAINS.iter() {
            for act in [Act::Get, Act::Set, Act::Remove] {
                let command = keychain.command(act, "open-ai");
                let arguments: Vec<_> = command.as_std().get_args().map(|a| a.to_string_lossy().into_owned()).collect();
                assert!(arguments.iter().any(|argument| argument.contains("open-ai")), "{system} {act:?}");
                assert!(!arguments.iter().any(|argument| argument.contains("{name}")), "{system} {act:?}");
            }
        }
    }
}

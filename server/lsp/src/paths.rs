//! The platform's places for configuration and state. A machine without a home is normal. It has no such places, and callers go on
//! without them. This file creates nothing, and leaves the paths of documents to `paths/document.rs`.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;

pub mod document;

/// This program's folder in each place.
const NAME: &str = "pennyworth";

/// The user's configuration: the file that `PENNYWORTH_CONFIG` names, else `~/.config/pennyworth/config.toml` or its place by XDG and the platform.
pub fn config_path() -> Option<PathBuf> {
    named_config().or_else(|| {
        place("XDG_CONFIG_HOME", |strategy| Some(strategy.config_dir())).map(|folder| folder.join("config.toml"))
    })
}

/// The file that `PENNYWORTH_CONFIG` names. A named file should exist.
pub fn named_config() -> Option<PathBuf> {
    let named = std::env::var_os("PENNYWORTH_CONFIG").filter(|name| !name.is_empty()).map(PathBuf::from);
    named.map(|path| std::path::absolute(&path).unwrap_or(path))
}

/// The folder for what must survive a restart: the ledger and the logs.
pub fn state_dir() -> Option<PathBuf> {
    // Windows has no separate place for state.
    place("XDG_STATE_HOME", |strategy| strategy.state_dir().or_else(|| Some(strategy.data_dir())))
}

/// The ledger that all servers of this user share.
pub fn ledger_path() -> Option<PathBuf> {
    state_dir().map(|folder| folder.join("ledger.sqlite"))
}

/// The user's home; `None` on a machine without one.
pub fn home() -> Option<PathBuf> {
    etcetera::home_dir().ok().filter(|home| home.is_absolute())
}

fn place(variable: &str, of: impl Fn(&Platform) -> Option<PathBuf>) -> Option<PathBuf> {
    let found = match etcetera::choose_base_strategy() {
        Ok(strategy) => of(&strategy),
        // The variable needs no home.
        Err(_) => std::env::var_os(variable).map(PathBuf::from),
    };
    // An empty HOME gives relative paths. The ledger must not land in the folder that the editor was started from.
    found.filter(|path| path.is_absolute()).map(|path| path.join(NAME))
}

#[cfg(windows)]
type Platform = etcetera::base_strategy::Windows;
#[cfg(not(windows))]
type Platform = etcetera::base_strategy::Xdg;

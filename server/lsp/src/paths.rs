//! Where the platform keeps configuration, state and caches. A machine without a home is normal: then there is no such place, and
//! whoever asked goes on without. It creates nothing.

use std::path::PathBuf;

use etcetera::BaseStrategy as _;

/// The folder of this program in each place.
const NAME: &str = "pennyworth";

/// The user's configuration: the file that `PENNYWORTH_CONFIG` names, else `~/.config/pennyworth/config.toml` or as XDG and the platform have it.
pub fn config_path() -> Option<PathBuf> {
    named_config().or_else(|| {
        place("XDG_CONFIG_HOME", |strategy| Some(strategy.config_dir())).map(|folder| folder.join("config.toml"))
    })
}

/// The file that `PENNYWORTH_CONFIG` names. One that was asked for by name should be there.
pub fn named_config() -> Option<PathBuf> {
    std::env::var_os("PENNYWORTH_CONFIG").filter(|name| !name.is_empty()).map(PathBuf::from)
}

/// What must survive a restart: the ledger, the logs.
pub fn state_dir() -> Option<PathBuf> {
    // Windows has no place for state of its own.
    place("XDG_STATE_HOME", |strategy| strategy.state_dir().or_else(|| Some(strategy.data_dir())))
}

/// The ledger that all servers of this user share.
pub fn ledger_path() -> Option<PathBuf> {
    state_dir().map(|folder| folder.join("ledger.sqlite"))
}

/// What can be made again.
pub fn cache_dir() -> Option<PathBuf> {
    place("XDG_CACHE_HOME", |strategy| Some(strategy.cache_dir()))
}

fn place(variable: &str, of: impl Fn(&Platform) -> Option<PathBuf>) -> Option<PathBuf> {
    let found = match etcetera::choose_base_strategy() {
        Ok(strategy) => of(&strategy),
        // The variable needs no home.
        Err(_) => std::env::var_os(variable).map(PathBuf::from),
    };
    // An empty HOME makes relative paths; a ledger in whatever folder the editor was started from is none.
    found.filter(|path| path.is_absolute()).map(|path| path.join(NAME))
}

#[cfg(windows)]
type Platform = etcetera::base_strategy::Windows;
#[cfg(not(windows))]
type Platform = etcetera::base_strategy::Xdg;

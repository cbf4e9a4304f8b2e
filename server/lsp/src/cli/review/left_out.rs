//! Files of a change that were not reviewed, and whether a gate should fail for them. It leaves saying so to `review` and `sarif`.

use std::path::{MAIN_SEPARATOR, Path};

use serde::Serialize;

use crate::demand::git::Changed;
use crate::demand::{Refused, is_ruled_out};
use crate::settings::Configuration;

/// A file of the change that was not reviewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct LeftOut {
    /// Its path below the repository's top folder.
    pub(super) file: String,
    /// Why, without an end mark.
    pub(super) why: String,
    /// Whether the user's own rules leave it out. The review is whole without it.
    pub(super) by_rule: bool,
}

impl LeftOut {
    /// What no prompt may hold or can hold.
    pub(super) fn of(configuration: &Configuration, top: &Path, changes: &[Changed], refused: &Refused) -> LeftOut {
        let Refused { path, why } = refused;
        let texts = changes.iter().find_map(|changed| match path {
            path if *path == changed.path => Some(&changed.now),
            path if *path == changed.was => Some(&changed.before),
            _ => None,
        });
        let by_rule = is_ruled_out(configuration, path, texts.map_or("", String::as_str));
        let file = path.strip_prefix(top).unwrap_or(path).display().to_string().replace(MAIN_SEPARATOR, "/");
        LeftOut { file, why: why.clone(), by_rule }
    }

    /// What was meant to be reviewed and has no answer.
    pub(super) fn missed((file, why): &(String, String)) -> LeftOut {
        LeftOut { file: file.clone(), why: why.clone(), by_rule: false }
    }
}

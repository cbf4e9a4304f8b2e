//! Definitions in the workspace of the names that a prompt holds: their heads say how to use them. The files are read from that of the task outwards,
//! under the rules of their places. It leaves which definitions a prompt has room for to `core::demand`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use pennyworth_core::demand::{self, Found, Names};
use pennyworth_core::route::Privacy;

use super::files::File;
use super::job::strictness;
use crate::learn::workspace_files;
use crate::settings::{Configuration, Use};

/// Longest search.
const PATIENCE: Duration = Duration::from_secs(3);
/// Most bytes of a file that is searched.
const MAX_BYTES: u64 = 1 << 20;

/// A search of a workspace. What it has read once is kept, for the prompts of many items.
pub(super) struct Finder<'a> {
    configuration: &'a Configuration,
    near: &'a Path,
    /// Definitions by name, once they are read.
    known: OnceLock<HashMap<String, Vec<Known>>>,
}

/// A definition, its file, and how far that may not go.
struct Known {
    found: Found,
    path: Arc<PathBuf>,
    strictness: u8,
}

impl<'a> Finder<'a> {
    /// A search that begins at a file.
    pub(super) fn new(configuration: &'a Configuration, near: &'a Path) -> Finder<'a> {
        Finder { configuration, near, known: OnceLock::new() }
    }

    /// The definitions of these names for a prompt about a file with these rules. The file itself is left out, and so is what may go less far. It
    /// blocks on files.
    pub(super) fn find(&self, names: &Names, (path, privacy): (&Path, Privacy)) -> Vec<Found> {
        let (known, most) = (self.known.get_or_init(|| self.read()), strictness(privacy));
        let may = |known: &&Known| known.strictness <= most && *known.path != path;
        let alike = names.keys().filter_map(|name| known.get(name));
        let alike = alike.map(|alike| alike.iter().filter(may).map(|known| known.found.clone()).collect::<Vec<_>>());
        alike.flat_map(|alike| demand::telling(&alike).cloned().collect::<Vec<_>>()).collect()
    }

    fn read(&self) -> HashMap<String, Vec<Known>> {
        let (begun, mut known) = (Instant::now(), HashMap::<String, Vec<Known>>::new());
        let is_small = |path: &Path| std::fs::metadata(path).is_ok_and(|about| about.len() <= MAX_BYTES);
        for path in workspace_files(self.configuration, self.near).filter(|path| is_small(path)) {
            if begun.elapsed() >= PATIENCE {
                tracing::debug!("the search for definitions ends before it has seen all");
                break;
            }
            let is_known = pennyworth_grammars::by_path(&path, "").is_some_and(|language| language.grammar().is_some());
            let Some(File { sent, scope, .. }) = is_known.then(|| File::read(self.configuration, &path).ok()).flatten()
            else {
                continue;
            };
            if !scope.allows(Use::Quote, sent.language.name()) {
                continue;
            }
            let (path, strictness) = (Arc::new(path), strictness(scope.settings.privacy()));
            for (_, found) in demand::found(&sent) {
                let path = Arc::clone(&path);
                known.entry(found.name.clone()).or_default().push(Known { found, path, strictness });
            }
        }
        known
    }
}

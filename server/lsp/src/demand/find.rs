//! Definitions in the workspace of the names that a prompt holds: their heads say how to use them. The files are read from that of the task outwards,
//! under the rules of their places. It leaves which definitions a prompt has room for to `core::demand`.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
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

/// A search of a workspace. What it has read once is kept.
pub(super) struct Finder<'a> {
    configuration: &'a Configuration,
    near: &'a Path,
    /// The strictest rules of the files that have a definition.
    most: u8,
    /// Definitions by name, once they are read.
    known: RefCell<Option<HashMap<String, Vec<Found>>>>,
}

impl<'a> Finder<'a> {
    /// A search that begins at a file. `near` itself is left out.
    pub(super) fn new(configuration: &'a Configuration, near: &'a Path, privacy: Privacy) -> Finder<'a> {
        Finder { configuration, near, most: strictness(privacy), known: RefCell::default() }
    }

    /// The definitions of these names. It blocks on files.
    pub(super) fn find(&self, names: &Names) -> Vec<Found> {
        let mut known = self.known.borrow_mut();
        let known = known.get_or_insert_with(|| self.read());
        names.keys().filter_map(|name| known.get(name)).flat_map(|alike| demand::telling(alike)).cloned().collect()
    }

    fn read(&self) -> HashMap<String, Vec<Found>> {
        let (begun, mut known) = (Instant::now(), HashMap::<String, Vec<Found>>::new());
        let is_small = |path: &Path| std::fs::metadata(path).is_ok_and(|about| about.len() <= MAX_BYTES);
        let files = workspace_files(self.configuration, self.near).filter(|path| path != self.near && is_small(path));
        for path in files {
            if begun.elapsed() >= PATIENCE {
                tracing::debug!("the search for definitions ends before it has seen all");
                break;
            }
            let is_known = pennyworth_grammars::by_path(&path, "").is_some_and(|language| language.grammar().is_some());
            let Some(File { sent, scope, .. }) = is_known.then(|| File::read(self.configuration, &path).ok()).flatten()
            else {
                continue;
            };
            // What may go less far than the task's own file is quoted nowhere.
            if !scope.allows(Use::Quote, sent.language.name()) || strictness(scope.settings.privacy()) > self.most {
                continue;
            }
            for (_, found) in demand::found(&sent) {
                known.entry(found.name.clone()).or_default().push(found);
            }
        }
        known
    }
}

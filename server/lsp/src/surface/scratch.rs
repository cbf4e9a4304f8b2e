//! A folder for texts that an editor opens as documents, which may hold code. Only this user can read it. It is removed when the server ends,
//! and after a kill when the next server starts. It leaves which texts there are to `texts`.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::private;

/// The folder of all servers' scratch folders, beside the ledger.
const FOLDER: &str = "scratch";
/// A file in each, which its server keeps locked.
const LOCK: &str = ".lock";
/// A folder without this file is one that is being made, unless it is older.
const MAKING: Duration = Duration::from_secs(60);

/// The scratch folder of this server.
pub(super) struct Scratch {
    folder: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes it beside the ledger. Without a ledger's file, it is made among the system's temporary files, where a killed server's folder stays.
    pub(super) fn new(ledger: Option<&Path>) -> io::Result<Scratch> {
        let mut named = tempfile::Builder::new();
        let folder = match all(ledger) {
            Some(all) => {
                private::create_folder(&all)?;
                named.prefix("").tempdir_in(all)?
            }
            None => named.prefix("pennyworth-").tempdir()?,
        };
        let lock = private::create_file(&folder.path().join(LOCK))?;
        lock.lock()?;
        Ok(Scratch { folder, _lock: lock })
    }

    /// Writes a text to a file of this name, which replaces the last one; returns its path.
    pub(super) fn write(&self, name: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.folder.path().join(name);
        private::replace_file(&path)?.write_all(text.as_bytes())?;
        Ok(path)
    }
}

/// Removes the scratch folders of servers that were killed.
pub fn sweep(ledger: Option<&Path>) {
    let entries = all(ledger).and_then(|all| fs::read_dir(all).ok());
    for folder in entries.into_iter().flatten().flatten().map(|entry| entry.path()) {
        // Links are removed, never followed.
        if is_left(&folder) && fs::remove_dir_all(&folder).is_err() {
            let _ = fs::remove_file(&folder);
        }
    }
}

fn all(ledger: Option<&Path>) -> Option<PathBuf> {
    Some(ledger?.parent()?.join(FOLDER))
}

/// Whether nobody uses a folder any more.
fn is_left(folder: &Path) -> bool {
    let Ok(found) = fs::symlink_metadata(folder) else { return false };
    if !found.is_dir() {
        return true;
    }
    match File::open(folder.join(LOCK)).map(|lock| lock.try_lock()) {
        Ok(Ok(())) => true,
        Ok(Err(TryLockError::WouldBlock | TryLockError::Error(_))) => false,
        Err(_) => {
            let age = found.modified().ok().and_then(|made| SystemTime::now().duration_since(made).ok());
            age.is_some_and(|age| age > MAKING)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_servers_folder_is_removed_and_a_running_ones_stays() {
        let place = tempfile::tempdir().unwrap();
        let ledger = place.path().join("ledger.sqlite");
        let (running, killed) = (Scratch::new(Some(&ledger)).unwrap(), Scratch::new(Some(&ledger)).unwrap());
        let (kept, left) = (running.write("a.md", "one").unwrap(), killed.write("a.md", "fn main() {}").unwrap());
        assert_eq!(running.write("a.md", "two").unwrap(), kept);
        // A killed process closes its files and removes nothing.
        let Scratch { folder, _lock } = killed;
        let _ = folder.keep();
        drop(_lock);
        sweep(Some(&ledger));
        assert!(!left.parent().unwrap().exists());
        assert_eq!(fs::read_to_string(&kept).unwrap(), "two");
        drop(running);
        assert!(!kept.exists());
        sweep(None);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_neither_followed_nor_written_through() {
        let place = tempfile::tempdir().unwrap();
        let ledger = place.path().join("state/ledger.sqlite");
        let mine = place.path().join("mine");
        fs::create_dir(&mine).unwrap();
        fs::write(mine.join("a.md"), "mine").unwrap();
        let scratch = Scratch::new(Some(&ledger)).unwrap();
        std::os::unix::fs::symlink(mine.join("a.md"), scratch.folder.path().join("a.md")).unwrap();
        std::os::unix::fs::symlink(&mine, place.path().join("state/scratch/link")).unwrap();
        scratch.write("a.md", "code").unwrap();
        sweep(Some(&ledger));
        assert_eq!(fs::read_to_string(mine.join("a.md")).unwrap(), "mine");
        assert!(!place.path().join("state/scratch/link").exists());
    }
}

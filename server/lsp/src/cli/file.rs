//! Writes files for commands. It leaves their content to the commands.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::private;

/// Writes a new file beside the old one and then renames it, so that a full disk does not destroy the old one. Creates the folder.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private::create_folder(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    private::replace_file(&beside)?.write_all(text.as_bytes())?;
    fs::rename(&beside, path).inspect_err(|_| drop(fs::remove_file(&beside)))
}

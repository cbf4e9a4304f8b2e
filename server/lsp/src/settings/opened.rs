//! What the editor has open whose paths do not tell its rules: folders that may lie on another machine, and the notebooks of cells.
//! It leaves finding rules to `rules`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// What the editor has open.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// The folders of the workspace.
    pub folders: Vec<PathBuf>,
    /// The paths of folders that may lie on another machine. They are no workspace here, but their rules hold for documents without a place.
    pub elsewhere: Vec<PathBuf>,
    /// The notebooks of cells. All copies share them.
    pub cells: Arc<CellNotebooks>,
}

/// The notebooks of each cell, whose rules hold for the cell, too. A cell keeps them when it is closed: its text may still be quoted.
#[derive(Debug, Default)]
pub struct CellNotebooks(Mutex<HashMap<PathBuf, Vec<PathBuf>>>);

impl Opened {
    /// These folders of the workspace alone.
    pub fn folders(folders: &[PathBuf]) -> Opened {
        Opened { folders: folders.to_vec(), ..Opened::default() }
    }
}

impl CellNotebooks {
    /// A notebook has these cells.
    pub fn add(&self, notebook: &Path, cells: &[PathBuf]) {
        let mut all = lock(&self.0);
        for cell in cells {
            let notebooks = all.entry(cell.clone()).or_default();
            if !notebooks.iter().any(|known| known == notebook) {
                notebooks.push(notebook.to_owned());
            }
        }
    }

    /// Whether a document is a cell.
    pub(super) fn is_one(&self, path: &Path) -> bool {
        lock(&self.0).contains_key(path)
    }

    /// The document itself, and the notebooks that it is a cell of.
    pub(super) fn with(&self, path: &Path) -> Vec<PathBuf> {
        let notebooks = lock(&self.0).get(path).cloned().unwrap_or_default();
        std::iter::once(path.to_owned()).chain(notebooks).collect()
    }
}

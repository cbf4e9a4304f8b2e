//! Notebooks: the order of their cells, each of which is a document of its own, and the cells above and below one as its context.
//! It leaves the cells' texts to `session`, and what of the context a prompt takes to `core::prompt`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use ropey::Rope;

use crate::paths::document;

/// Most bytes of the cells above, and of those below: more than any window of a prompt has, and what stands above it.
const MOST: usize = 32 * 1024;

/// The order of the cells, by the path of their notebook.
#[derive(Debug, Default)]
pub struct Notebooks(HashMap<PathBuf, Vec<PathBuf>>);

impl Notebooks {
    /// A notebook has these cells, in this order.
    pub fn ordered(&mut self, notebook: PathBuf, cells: Vec<PathBuf>) {
        self.leave(&notebook, &cells);
        self.0.insert(notebook, cells);
    }

    /// Cells of a notebook from a number on were replaced by others. Numbers that are too high mean the end.
    pub fn replaced(&mut self, notebook: &Path, (start, count): (usize, usize), by: Vec<PathBuf>) {
        self.leave(notebook, &by);
        let cells = self.0.entry(notebook.to_owned()).or_default();
        let start = start.min(cells.len());
        let end = start.saturating_add(count).min(cells.len());
        cells.splice(start..end, by);
    }

    /// A notebook was closed.
    pub fn removed(&mut self, notebook: &Path) {
        self.0.remove(notebook);
    }

    /// A document was opened. A cell whose place the client does not tell is the last of its notebook: editors open cells in their order.
    pub fn opened(&mut self, path: &Path) {
        let Some(notebook) = document::notebook(path).filter(|_| self.of(path).is_none()) else { return };
        self.0.entry(notebook).or_default().push(path.to_owned());
    }

    /// A document was closed.
    pub fn closed(&mut self, path: &Path) {
        self.0.values_mut().for_each(|cells| cells.retain(|cell| cell != path));
        self.0.retain(|_, cells| !cells.is_empty());
    }

    /// The cells above and below a cell, in their order; `None` if the document is none.
    pub fn around(&self, path: &Path) -> Option<(&[PathBuf], &[PathBuf])> {
        let cells = self.of(path)?;
        let at = cells.iter().position(|cell| cell == path)?;
        Some((cells.get(..at)?, cells.get(at + 1..)?))
    }

    /// Cells belong to no other notebook than this one, under whatever name they were known before.
    fn leave(&mut self, notebook: &Path, cells: &[PathBuf]) {
        let others = self.0.iter_mut().filter(|(other, _)| other.as_path() != notebook);
        others.for_each(|(_, known)| known.retain(|cell| !cells.contains(cell)));
        self.0.retain(|_, cells| !cells.is_empty());
    }

    fn of(&self, path: &Path) -> Option<&Vec<PathBuf>> {
        self.0.values().find(|cells| cells.iter().any(|cell| cell == path))
    }
}

/// The text around a cell: that of the cells of its language above and below it, with a blank line between cells.
#[derive(Clone, Default)]
pub struct Cells {
    above: Rope,
    below: Rope,
}

impl Cells {
    /// Of the texts above and below a cell, in their order, those that are nearest.
    pub fn of<'a>(above: impl DoubleEndedIterator<Item = &'a Rope>, below: impl Iterator<Item = &'a Rope>) -> Cells {
        let mut cells = Cells::default();
        let mut room = MOST;
        let nearest: Vec<Rope> = above.rev().map_while(|text| part(text, &mut room, End::Last)).collect();
        for text in nearest.into_iter().rev() {
            let gap = gap(&text);
            cells.above.append(text);
            cells.above.append(gap.into());
        }
        let mut room = MOST;
        for text in below.map_while(|text| part(text, &mut room, End::First)) {
            cells.below.append("\n\n".into());
            cells.below.append(text);
        }
        cells
    }

    /// The text of the cell among the others, and an offset of the cell in it.
    pub fn with(&self, text: &Rope, offset: usize) -> (Rope, usize) {
        let mut whole = self.above.clone();
        whole.append(text.clone());
        whole.append(self.below.clone());
        (whole, self.above.len_bytes() + offset)
    }
}

/// The end of a text that is nearest to a cell.
enum End {
    First,
    Last,
}

/// As much of a text as there is room for; `None` if there is none left.
fn part(text: &Rope, room: &mut usize, end: End) -> Option<Rope> {
    let bytes = text.len_bytes().min(*room);
    if *room == 0 {
        return None;
    }
    *room -= bytes;
    Some(match end {
        End::First => text.slice(..text.byte_to_char(bytes)).into(),
        End::Last => text.slice(text.byte_to_char(text.len_bytes() - bytes)..).into(),
    })
}

/// What ends a text and leaves a blank line.
fn gap(text: &Rope) -> &'static str {
    let ends_line = text.len_chars().checked_sub(1).and_then(|last| text.get_char(last)) == Some('\n');
    if ends_line { "\n" } else { "\n\n" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(names: &[&str]) -> Vec<PathBuf> {
        names.iter().map(|name| PathBuf::from(format!("vscode-notebook-cell:/w/n.ipynb#{name}"))).collect()
    }

    /// The names of the cells above and below one.
    fn around(notebooks: &Notebooks, name: &str) -> Option<(String, String)> {
        let cell = paths(&[name]).remove(0);
        let names = |cells: &[PathBuf]| {
            cells.iter().filter_map(|cell| Some(cell.to_str()?.rsplit('#').next()?.to_owned())).collect::<String>()
        };
        notebooks.around(&cell).map(|(above, below)| (names(above), names(below)))
    }

    #[test]
    fn cells_keep_their_order_through_insertions_moves_and_closing() {
        let notebook = PathBuf::from("file:///w/n.ipynb");
        let mut notebooks = Notebooks::default();
        let is = |notebooks: &Notebooks, above: &str, name: &str, below: &str| {
            assert_eq!(around(notebooks, name), Some((above.to_owned(), below.to_owned())), "{name}");
        };
        notebooks.ordered(notebook.clone(), paths(&["a", "b", "c"]));
        paths(&["a", "b", "c"]).iter().for_each(|cell| notebooks.opened(cell));
        is(&notebooks, "a", "b", "c");
        notebooks.replaced(&notebook, (1, 0), paths(&["d"]));
        is(&notebooks, "ad", "b", "c");
        notebooks.replaced(&notebook, (0, 2), paths(&["d", "a"]));
        is(&notebooks, "d", "a", "bc");
        notebooks.replaced(&notebook, (2, 1), Vec::new());
        paths(&["b"]).iter().for_each(|cell| notebooks.closed(cell));
        is(&notebooks, "da", "c", "");
        notebooks.replaced(&notebook, (usize::MAX, usize::MAX), paths(&["e"]));
        is(&notebooks, "dac", "e", "");
        assert_eq!(around(&notebooks, "b"), None);
        notebooks.removed(&notebook);
        assert_eq!(around(&notebooks, "c"), None);

        paths(&["x", "y"]).iter().for_each(|cell| notebooks.opened(cell));
        notebooks.opened(Path::new("/w/a.py"));
        notebooks.opened(Path::new("untitled:a#b"));
        is(&notebooks, "x", "y", "");
        // Cells that were opened before their notebook.
        notebooks.ordered(notebook, paths(&["y", "z", "x"]));
        is(&notebooks, "y", "z", "x");
        paths(&["z"]).iter().for_each(|cell| notebooks.closed(cell));
        paths(&["x", "y"]).iter().for_each(|cell| notebooks.closed(cell));
        assert!(notebooks.0.is_empty());
    }

    #[test]
    fn the_nearest_cells_are_the_context() {
        let texts = |texts: &[&str]| texts.iter().map(|text| Rope::from_str(text)).collect::<Vec<_>>();
        let long = "x".repeat(MOST);
        for (above, below, whole) in [
            (&["a = 1", "b = 2\n"][..], &["d = 4"][..], "a = 1\n\nb = 2\n\ncˇ\n\nd = 4"),
            (&[], &[], "cˇ"),
            (&["a", &long, "b"], &[&long, "d"], &format!("{}\n\nb\n\ncˇ\n\n{long}", "x".repeat(MOST - 1))),
        ] {
            let (above, below) = (texts(above), texts(below));
            let cells = Cells::of(above.iter(), below.iter());
            let (mut found, at) = cells.with(&Rope::from_str("c"), 1);
            found.insert(found.byte_to_char(at), "ˇ");
            assert_eq!(found.to_string(), whole);
        }
    }
}

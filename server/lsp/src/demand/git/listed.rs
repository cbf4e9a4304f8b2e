//! The files that Git lists as changed, in the raw form of its plumbing. It leaves reading their texts to `git`.

use std::collections::BTreeSet;

/// A file that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its name below the top folder. It may be no UTF-8.
    pub(super) name: Vec<u8>,
    /// Its name before the change.
    pub(super) was: Vec<u8>,
    /// What it was.
    pub(super) before: Side,
    /// What it is.
    pub(super) now: Side,
    /// Whether a merge left several versions of it.
    pub(super) is_unmerged: bool,
}

/// One side of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Side {
    /// Its mode in octal digits; all 0 if there is no file.
    mode: String,
    /// The name of its object; all 0 if it is in the files alone.
    pub(super) id: String,
}

impl Side {
    /// A plain file with this object.
    pub(super) fn plain(id: &str) -> Side {
        Side { mode: "100644".to_owned(), id: id.to_owned() }
    }

    /// Whether there is no file.
    pub(super) fn is_missing(&self) -> bool {
        self.mode.bytes().all(|digit| digit == b'0')
    }

    /// Whether it is a plain file, and no link and no folder.
    pub(super) fn is_plain(&self) -> bool {
        self.mode.starts_with("100")
    }
}

/// The entries of a list, by their names. Of a file with several versions there is one.
pub(super) fn entries(raw: &[u8]) -> Vec<Entry> {
    let mut fields = raw.split(|byte| *byte == 0);
    let mut entries = Vec::new();
    while let Some((head, name)) = fields.next().zip(fields.next()) {
        let head = String::from_utf8_lossy(head);
        let mut words = head.trim_start_matches(':').split(' ');
        let mut word = || words.next().unwrap_or_default().to_owned();
        let (old, new, old_id, new_id, status) = (word(), word(), word(), word(), word());
        let is_moved = status.starts_with(['R', 'C']);
        let now = if is_moved { fields.next().unwrap_or_default() } else { name };
        entries.push(Entry {
            name: now.to_vec(),
            was: name.to_vec(),
            before: Side { mode: old, id: old_id },
            now: Side { mode: new, id: new_id },
            is_unmerged: status.starts_with('U'),
        });
    }
    let unmerged: BTreeSet<Vec<u8>> =
        entries.iter().filter(|entry| entry.is_unmerged).map(|entry| entry.name.clone()).collect();
    entries.retain(|entry| entry.is_unmerged || !unmerged.contains(&entry.name));
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    entries.dedup_by(|one, other| one.name == other.name);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_each_file_once_with_both_names() {
        let raw = b":100644 100644 aa bb M\0b.rs\0:100644 100644 aa cc R090\0old.rs\0a.rs\0:000000 000000 0 0 U\0c\xe9.rs\0:100644 100644 aa 0 M\0c\xe9.rs\0";
        let entries = entries(raw);
        let names: Vec<_> =
            entries.iter().map(|entry| (entry.name.as_slice(), entry.was.as_slice(), entry.is_unmerged)).collect();
        let expected: [(&[u8], &[u8], bool); 3] =
            [(b"a.rs", b"old.rs", false), (b"b.rs", b"b.rs", false), (b"c\xe9.rs", b"c\xe9.rs", true)];
        assert_eq!(names, expected);
        assert_eq!((entries[1].before.id.as_str(), entries[1].now.id.as_str()), ("aa", "bb"));
        assert!(entries[0].now.is_plain() && entries[2].now.is_missing());
    }
}

//! What the user dismissed of reviews, for good: a file beside the ledger with a number for each finding, from which no code can be read. All servers
//! of a user share it. It leaves which finding is meant to `findings`.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use crate::ledger::Ledger;
use crate::private;

/// The file's name.
const NAME: &str = "dismissed-findings";
/// Most bytes of the file; then the older half is forgotten. This is some 15,000 findings.
const MOST: u64 = 256 * 1024;

/// The file of what was dismissed.
#[derive(Clone, Debug)]
pub struct DismissedFindings(PathBuf);

impl DismissedFindings {
    /// The one beside a ledger; `None` if it has no place.
    pub fn beside(ledger: &Ledger) -> Option<DismissedFindings> {
        ledger.folder().map(|folder| DismissedFindings(folder.join(NAME)))
    }

    /// All of it. It reads the disk; what cannot be read there is not dismissed.
    pub(super) fn all(&self) -> HashSet<u64> {
        numbers(&self.text().unwrap_or_default()).collect()
    }

    /// Adds to it. It writes to the disk.
    pub(super) fn add(&self, dismissed: &[u64]) -> io::Result<()> {
        let lines: String = dismissed.iter().map(|number| format!("{number:016x}\n")).collect();
        let mut file = private::open_file(&self.0, OpenOptions::new().create(true).append(true))?;
        // One write: lines of several servers do not mix.
        file.write_all(lines.as_bytes())?;
        if file.metadata()?.len() > MOST { self.halve() } else { Ok(()) }
    }

    fn text(&self) -> io::Result<String> {
        let mut text = String::new();
        private::open_file(&self.0, OpenOptions::new().read(true))?.take(2 * MOST).read_to_string(&mut text)?;
        Ok(text)
    }

    /// Forgets the older half.
    fn halve(&self) -> io::Result<()> {
        let text = self.text()?;
        let all: Vec<u64> = numbers(&text).collect();
        let beside = self.0.with_extension("new");
        let newer = all.iter().skip(all.len() / 2).map(|number| format!("{number:016x}\n"));
        private::replace_file(&beside)?.write_all(newer.collect::<String>().as_bytes())?;
        fs::rename(&beside, &self.0)
    }
}

/// The numbers in a file; lines that are none are skipped.
fn numbers(text: &str) -> impl Iterator<Item = u64> {
    text.lines().filter_map(|line| u64::from_str_radix(line.trim(), 16).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_dismissed_is_kept_and_the_oldest_is_forgotten() {
        let place = tempfile::tempdir().unwrap();
        let file = DismissedFindings(place.path().join(NAME));
        assert!(file.all().is_empty());
        file.add(&[1, u64::MAX]).unwrap();
        file.add(&[7]).unwrap();
        assert_eq!(file.all(), [1, 7, u64::MAX].into());
        fs::write(&file.0, "no number\n7\n\u{e9}\n").unwrap();
        assert_eq!(file.all(), [7].into());
        let many: Vec<u64> = (0..20_000).collect();
        file.add(&many).unwrap();
        let left = file.all();
        assert!(left.len() > 9000 && left.len() < 11_000 && left.contains(&19_999) && !left.contains(&1));
        fs::write(&file.0, b"\xff\xfe").unwrap();
        assert!(file.all().is_empty(), "a file that is no text dismisses nothing");
    }
}

//! What the user dismissed of reviews, for good: a file beside the ledger with numbers for each finding, from which no code can be read. All servers
//! of a user share it. A finding that is said in other words for the same text is the same one. It leaves which finding is meant to `findings`.

use std::collections::{BTreeSet, HashMap};
use std::fs::{self, OpenOptions};
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use pennyworth_core::demand::Finding;

use crate::ledger::Ledger;
use crate::private;

/// The file's name.
const NAME: &str = "dismissed-findings";
/// Most bytes of the file; then the older half is forgotten. This is some 3,000 findings.
const MOST: u64 = 256 * 1024;

/// A finding in numbers. Should a newer Rust hash otherwise, what was dismissed comes back once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    /// Its file and the text of its line.
    place: u64,
    /// The words of its title.
    words: BTreeSet<u64>,
}

impl Told {
    /// A finding in a file, whose line holds this text.
    pub(super) fn of(file: &Path, finding: &Finding, line: &str) -> Told {
        let title = finding.title.to_lowercase();
        let words = title.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        Told { place: number(&(file, line.trim())), words: words.map(|word| number(&word)).collect() }
    }

    /// Whether half of all words are common to both.
    fn is_like(&self, words: &BTreeSet<u64>) -> bool {
        let (common, all) = (self.words.intersection(words).count(), self.words.union(words).count());
        common * 2 >= all
    }

    fn read(line: &str) -> Option<Told> {
        let mut numbers = line.split(' ').map(|number| u64::from_str_radix(number, 16).ok());
        Some(Told { place: numbers.next()??, words: numbers.collect::<Option<_>>()? })
    }

    fn written(&self) -> String {
        let words: String = self.words.iter().map(|word| format!(" {word:x}")).collect();
        format!("{:x}{words}\n", self.place)
    }
}

fn number(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Findings that were dismissed.
#[derive(Clone, Debug, Default)]
pub struct Dismissed(HashMap<u64, Vec<BTreeSet<u64>>>);

impl Dismissed {
    /// Whether a finding was dismissed for its text.
    pub(super) fn holds(&self, told: &Told) -> bool {
        self.0.get(&told.place).is_some_and(|all| all.iter().any(|words| told.is_like(words)))
    }

    /// Adds findings.
    pub(super) fn add(&mut self, all: impl IntoIterator<Item = Told>) {
        all.into_iter().for_each(|told| self.0.entry(told.place).or_default().push(told.words));
    }

    /// Adds others.
    pub(super) fn extend(&mut self, other: &Dismissed) {
        other.0.iter().for_each(|(place, all)| self.0.entry(*place).or_default().extend(all.iter().cloned()));
    }
}

/// The file of what was dismissed.
#[derive(Clone, Debug)]
pub struct DismissedFindings(PathBuf);

impl DismissedFindings {
    /// The one beside a ledger; `None` if it has no place.
    pub fn beside(ledger: &Ledger) -> Option<DismissedFindings> {
        ledger.folder().map(|folder| DismissedFindings(folder.join(NAME)))
    }

    /// All of it. It reads the disk; what cannot be read there is not dismissed.
    pub(super) fn all(&self) -> Dismissed {
        let mut all = Dismissed::default();
        all.add(self.text().unwrap_or_default().lines().filter_map(Told::read));
        all
    }

    /// Adds to it. It writes to the disk.
    pub(super) fn add(&self, dismissed: &[Told]) -> io::Result<()> {
        let lines: String = dismissed.iter().map(Told::written).collect();
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
        let lines: Vec<&str> = text.lines().collect();
        let newer: String = lines.iter().skip(lines.len() / 2).map(|line| format!("{line}\n")).collect();
        let beside = self.0.with_extension("new");
        private::replace_file(&beside)?.write_all(newer.as_bytes())?;
        fs::rename(&beside, &self.0)
    }
}

#[cfg(test)]
mod tests {
    use pennyworth_core::demand::Severity;

    use super::*;

    fn told(file: &str, title: &str, line: &str) -> Told {
        let title = title.to_owned();
        let finding =
            Finding { file: String::new(), line: 1, severity: Severity::Low, title, why: String::new(), fix: None };
        Told::of(Path::new(file), &finding, line)
    }

    #[test]
    fn a_dismissed_finding_is_known_in_other_words_and_for_its_text_alone() {
        let place = tempfile::tempdir().unwrap();
        let file = DismissedFindings(place.path().join(NAME));
        assert!(!file.all().holds(&told("/a", "It may underflow", "a - b")));
        file.add(&[told("/a", "It may underflow", "    a - b"), told("/a", "溢出", "x")]).unwrap();
        let all = file.all();
        for (path, title, line, expected) in [
            ("/a", "It may underflow", "a - b\n", true),
            ("/a", "it may underflow!", "  a - b", true),
            ("/a", "The subtraction may underflow", "a - b", false),
            ("/a", "May underflow", "a - b", true),
            ("/a", "The name is short", "a - b", false),
            ("/a", "It may underflow", "a - c", false),
            ("/b", "It may underflow", "a - b", false),
            ("/a", "溢出", "x", true),
            ("/a", "", "x", false),
        ] {
            assert_eq!(all.holds(&told(path, title, line)), expected, "{path} {title} {line}");
        }
    }

    #[test]
    fn what_cannot_be_read_dismisses_nothing_and_the_oldest_is_forgotten() {
        let place = tempfile::tempdir().unwrap();
        let file = DismissedFindings(place.path().join(NAME));
        fs::write(&file.0, "no number\n7 z\n\u{e9}\n").unwrap();
        assert!(file.all().0.is_empty());
        fs::write(&file.0, b"\xff\xfe").unwrap();
        assert!(file.all().0.is_empty(), "a file that is no text");
        fs::remove_file(&file.0).unwrap();
        let many: Vec<Told> = (0..12_000).map(|number| told("/a", "One", &number.to_string())).collect();
        file.add(&many).unwrap();
        let left = file.all();
        assert!(left.holds(&many[11_999]) && !left.holds(&many[1]) && left.0.len() > 5_000);
    }
}

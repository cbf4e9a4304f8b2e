//! The edits that the findings of a review suggest, as edits of the files of now: those whose lines stand as they were reviewed, each line edited once.
//! It leaves writing them to `cli`.

use std::collections::BTreeMap;
use std::fs;

use pennyworth_core::demand::{Edit, Finding, Hunk, anchored, as_shown};
use pennyworth_core::prompt::{normalised, without_mark};
use ropey::Rope;

use super::kept::Kept;
use super::taking::reviewed;
use crate::demand::{Edited, mending};

/// Why a suggested edit is not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotMended {
    /// Its lines are not there as they were.
    #[error("the lines that it edits have changed since the review")]
    Outdated,
    /// Its lines are edited by a finding that is worse.
    #[error("its lines overlap with those of another edit")]
    Overlaps,
    /// It would write what stood for a secret.
    #[error("it does not fit the lines, or repeats what stood for a key or password")]
    Unfit,
    /// The file cannot be read.
    #[error("{0}")]
    Unread(String),
}

/// The edits that findings suggest.
#[derive(Debug, Default)]
pub struct Mended {
    /// Each file with its edits, and the findings that they mend.
    pub files: Vec<(Edited, Vec<Finding>)>,
    /// The findings whose edits are not made, and why.
    pub left: Vec<(Finding, NotMended)>,
    /// The number of findings that suggest none.
    pub without: usize,
}

/// The edits that the findings of a job suggest for its files as they are now on the disk. It blocks.
pub fn mended(kept: &Kept, findings: Vec<Finding>) -> Mended {
    let mut all = Mended::default();
    let mut of_file = BTreeMap::<String, Vec<Finding>>::new();
    for finding in findings {
        match finding.fix {
            None => all.without += 1,
            Some(_) => of_file.entry(finding.file.clone()).or_default().push(finding),
        }
    }
    for (file, mut findings) in of_file {
        // Of two that edit the same lines, the worse one is mended.
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        let path = kept.root.join(&file);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let text = normalised(without_mark(&text)).into_owned();
                let (hunks, now) = (reviewed(kept, &file), as_shown(&text, &file));
                let (mut edits, mut done) = (Vec::new(), Vec::new());
                for finding in findings {
                    match edit(&finding, (&hunks, &now), &text, &mut edits) {
                        Ok(()) => done.push(finding),
                        Err(why) => all.left.push((finding, why)),
                    }
                }
                if !edits.is_empty() {
                    edits.sort_by_key(|edit| edit.range.start);
                    let edited = Edited { path, before: text, now: String::new(), edits };
                    let now = edited.written(&edited.before).unwrap_or_default();
                    all.files.push((Edited { now, ..edited }, done));
                }
            }
            Err(error) => {
                let why = NotMended::Unread(error.to_string());
                all.left.extend(findings.into_iter().map(|finding| (finding, why.clone())));
            }
        }
    }
    all
}

/// Adds the edit of a finding to those of its file. `shown` is the text as a review shows it.
fn edit(
    finding: &Finding,
    (hunks, shown): (&[Hunk], &str),
    text: &str,
    edits: &mut Vec<Edit>,
) -> Result<(), NotMended> {
    let fix = anchored(finding.clone(), hunks, shown).and_then(|found| found.fix).ok_or(NotMended::Outdated)?;
    let edit = mending(&fix, &finding.file, &Rope::from_str(text)).ok_or(NotMended::Unfit)?;
    // Two findings may suggest the same.
    if edits.contains(&edit) {
        return Ok(());
    }
    let overlaps = |other: &Edit| other.range.start < edit.range.end && edit.range.start < other.range.end;
    if edits.iter().any(overlaps) {
        return Err(NotMended::Overlaps);
    }
    edits.push(edit);
    Ok(())
}

//! Findings of reviews as marks in their files. They follow their lines while the user edits, vanish when these are rewritten, and one that was
//! dismissed stays dismissed for that text. It leaves finding them to `demand`.

use std::collections::BTreeMap;
use std::ops;
use std::path::PathBuf;
use std::sync::Mutex;

use pennyworth_core::demand::{Finding, Fix, Severity};
use pennyworth_core::text::Change;
use ropey::Rope;
use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{Diagnostic, DiagnosticSeverity, Position, Range, Uri};

use crate::demand::workspace;
use crate::settings::Configuration;
use crate::sync::lock;
use crate::wire::convert;

mod dismissed;

use dismissed::Told;
pub use dismissed::{Dismissed, DismissedFindings};

/// The findings on the screen, by the path of their file: clients spell one URI in several ways.
#[derive(Default)]
pub struct Shown {
    files: Mutex<BTreeMap<PathBuf, Shows>>,
    /// What was dismissed here.
    dismissed: Mutex<Dismissed>,
}

/// The findings of a file, and its URI as they were sent.
#[derive(Default)]
struct Shows {
    uri: Option<Uri>,
    findings: Vec<Marked>,
}

/// A finding with the lines that it is about, as they were when it was shown.
#[derive(Clone, Debug, PartialEq)]
struct Marked {
    finding: Finding,
    line: String,
    fix: Vec<String>,
}

impl Shown {
    /// What was dismissed before, here and in other servers.
    pub async fn dismissed(&self, kept: Option<DismissedFindings>) -> Dismissed {
        let all = tokio::task::spawn_blocking(move || kept.map(|file| file.all()));
        let mut all = all.await.ok().flatten().unwrap_or_default();
        all.extend(&lock(&self.dismissed));
        all
    }

    /// Shows the findings of a review in place of those of the last one, without those that were dismissed before. `line` gives the text of a line
    /// of a file as it is now. Returns how many are shown.
    pub async fn show(
        &self,
        client: &Client,
        configuration: &Configuration,
        (findings, dismissed): (Vec<Finding>, &Dismissed),
        line: impl Fn(&Uri, u32) -> Option<String>,
    ) -> usize {
        let mut now = BTreeMap::<PathBuf, Shows>::new();
        for finding in findings {
            let places = places(configuration, &finding.file);
            let path = places.iter().find(|path| path.exists()).or(places.first());
            let Some(uri) = path.and_then(|path| convert::uri(path)) else { continue };
            let text = line(&uri, finding.line).unwrap_or_default();
            let file = convert::document(&uri);
            if !dismissed.holds(&Told::of(&file, &finding, &text)) {
                let lines = finding.fix.iter().flat_map(|fix| fix.first..=fix.last);
                let fix = lines.map(|number| line(&uri, number).unwrap_or_default()).collect();
                let shows = now.entry(file).or_default();
                shows.uri = Some(uri);
                shows.findings.push(Marked { finding, line: text, fix });
            }
        }
        let count = now.values().map(|shows| shows.findings.len()).sum();
        let changed: Vec<Uri> = {
            let mut files = lock(&self.files);
            // A file without findings now is told so by the name that it had.
            for (file, shows) in files.iter().filter(|(_, shows)| shows.uri.is_some()) {
                now.entry(file.clone()).or_default().uri.clone_from(&shows.uri);
            }
            *files = now;
            files.values().filter_map(|shows| shows.uri.clone()).collect()
        };
        for uri in changed {
            self.publish(client, &uri).await;
        }
        count
    }

    /// Takes the findings at a line away for good, as long as the line stays as it is; with a title, only that one.
    pub async fn dismiss(
        &self,
        client: &Client,
        (uri, line, title): (&Uri, u32, Option<&str>),
        kept: Option<DismissedFindings>,
    ) {
        let file = convert::document(uri);
        let gone: Vec<Told> = {
            let mut files = lock(&self.files);
            let Some(shows) = files.get_mut(&file) else { return };
            let is_meant =
                |finding: &Finding| finding.line == line + 1 && title.is_none_or(|title| finding.title == title);
            let gone = shows.findings.extract_if(.., |marked| is_meant(&marked.finding));
            gone.map(|marked| Told::of(&file, &marked.finding, &marked.line)).collect()
        };
        lock(&self.dismissed).add(gone.iter().cloned());
        let written = tokio::task::spawn_blocking(move || kept.map_or(Ok(()), |file| file.add(&gone)));
        if let Ok(Err(error)) = written.await {
            tracing::warn!(%error, "a dismissed finding is not kept, and may come back after a restart");
        }
        self.publish(client, uri).await;
    }

    /// A document was edited: findings follow their lines, and those whose line was rewritten vanish. Returns whether any did either.
    pub fn edited(&self, uri: &Uri, changes: &[Change]) -> bool {
        let mut files = lock(&self.files);
        let Some(Shows { findings, .. }) = files.get_mut(&convert::document(uri)) else { return false };
        let before = findings.clone();
        for change in changes {
            findings.retain_mut(|marked| moved(&mut marked.finding, change));
        }
        *findings != before
    }

    /// A document was opened: it may have changed on the disk since its findings were shown. Returns whether any moved or vanished.
    pub fn opened(&self, uri: &Uri, text: &Rope) -> bool {
        let mut files = lock(&self.files);
        let Some(Shows { findings, .. }) = files.get_mut(&convert::document(uri)) else { return false };
        let before = findings.clone();
        let lines: Vec<String> = text.lines().map(|line| line.to_string()).collect();
        findings.retain_mut(|marked| found_again(marked, &lines));
        *findings != before
    }

    /// The findings at some lines of a file, which are counted from 0.
    pub fn at(&self, uri: &Uri, lines: &ops::Range<usize>) -> Vec<Finding> {
        let files = lock(&self.files);
        let shows = files.get(&convert::document(uri));
        let findings = shows.into_iter().flat_map(|shows| &shows.findings).map(|marked| &marked.finding);
        findings.filter(|finding| lines.contains(&(finding.line.saturating_sub(1) as usize))).cloned().collect()
    }

    /// Sends the findings of a file.
    pub async fn publish(&self, client: &Client, uri: &Uri) {
        let (uri, marks) = {
            let files = lock(&self.files);
            let shows = files.get(&convert::document(uri));
            let findings = shows.into_iter().flat_map(|shows| &shows.findings);
            let sent_as = shows.and_then(|shows| shows.uri.as_ref()).unwrap_or(uri);
            (sent_as.clone(), findings.map(|marked| mark(&marked.finding)).collect())
        };
        client.publish_diagnostics(uri, marks, None).await;
    }
}

/// Where a file of a review may lie: its name stands below the repository, or below a workspace folder that is none.
pub(super) fn places(configuration: &Configuration, file: &str) -> Vec<PathBuf> {
    let roots = configuration.folders().iter().map(|root| root.path.clone());
    let mut places: Vec<PathBuf> = roots.flat_map(|root| [workspace(&root).join(file), root.join(file)]).collect();
    places.dedup();
    places
}

/// Brings a finding to its line in a text; false if that is not there, or several times elsewhere. A fix of which a line changed goes.
fn found_again(marked: &mut Marked, lines: &[String]) -> bool {
    let is_same = |line: u32, text: &str| {
        let found = (line as usize).checked_sub(1).and_then(|at| lines.get(at));
        found.is_some_and(|found| found.trim_end() == text.trim_end())
    };
    let finding = &mut marked.finding;
    let line = match is_same(finding.line, &marked.line) {
        true => finding.line,
        false => {
            let mut places = (1..).zip(lines).filter(|(_, line)| line.trim_end() == marked.line.trim_end());
            match (places.next(), places.next()) {
                (Some((line, _)), None) if !marked.line.trim().is_empty() => line,
                _ => return false,
            }
        }
    };
    let shift = |other: u32| (other + line).saturating_sub(finding.line);
    let stays = |fix: &Fix| (fix.first..=fix.last).zip(&marked.fix).all(|(other, text)| is_same(shift(other), text));
    finding.fix = finding.fix.take().filter(stays);
    finding.fix = finding.fix.take().map(|fix| Fix { first: shift(fix.first), last: shift(fix.last), ..fix });
    finding.line = line;
    true
}

/// Moves a finding with its line; false if the line was rewritten. A fix of which a line was rewritten goes.
fn moved(finding: &mut Finding, change: &Change) -> bool {
    let is_break_alone = change.start == change.old_end && change.old_lines == 1 && change.new_lines > 1;
    let first = change.first_line + usize::from(change.keeps_first);
    let rewritten = first..change.first_line + change.old_lines - usize::from(change.keeps_last);
    let stays = |first: u32, last: u32| {
        let lines = first.saturating_sub(1) as usize..last as usize;
        let is_hit = rewritten.start < lines.end && lines.start < rewritten.end;
        !change.whole && (!is_hit || is_break_alone && lines.len() == 1)
    };
    if !stays(finding.line, finding.line) {
        return false;
    }
    let shift = |line: u32| {
        let at = (line as usize + change.new_lines).saturating_sub(change.old_lines);
        let is_above = line as usize <= first;
        if is_above { line } else { u32::try_from(at).unwrap_or(line) }
    };
    finding.line = shift(finding.line);
    finding.fix = finding.fix.take().filter(|fix| stays(fix.first, fix.last));
    if let Some(fix) = &mut finding.fix {
        (fix.first, fix.last) = (shift(fix.first), shift(fix.last));
    }
    true
}

/// A finding as a mark.
pub(super) fn mark(finding: &Finding) -> Diagnostic {
    let line = finding.line.saturating_sub(1);
    Diagnostic {
        range: Range { start: Position { line, character: 0 }, end: Position { line: line + 1, character: 0 } },
        severity: Some(match finding.severity {
            Severity::High => DiagnosticSeverity::Error,
            Severity::Medium => DiagnosticSeverity::Warning,
            Severity::Low => DiagnosticSeverity::Information,
        }),
        source: Some("pennyworth".to_owned()),
        message: format!("{}\n{}", finding.title, finding.why).into(),
        ..Diagnostic::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_of_a_file_that_changed_on_the_disk_is_found_again_or_gone() {
        let place = |text: &str| {
            let (file, title, why) = (String::new(), String::new(), String::new());
            let fix = Some(Fix { first: 2, last: 3, text: String::new() });
            let finding = Finding { file, line: 2, severity: Severity::Low, title, why, fix };
            let mut marked = Marked { finding, line: "b".into(), fix: vec!["b".into(), "c".into()] };
            let lines: Vec<String> = text.lines().map(str::to_owned).collect();
            found_again(&mut marked, &lines)
                .then_some((marked.finding.line, marked.finding.fix.map(|fix| (fix.first, fix.last))))
        };
        assert_eq!(place("a\nb\nc\n"), Some((2, Some((2, 3)))));
        assert_eq!(place("x\na\nb\nc\n"), Some((3, Some((3, 4)))));
        assert_eq!(place("a\nb\nd\n"), Some((2, None)));
        assert_eq!((place("a\nc\n"), place("x\na\nb\nb\n")), (None, None));
    }

    #[test]
    fn a_finding_follows_its_line_and_vanishes_with_it() {
        let change = |first_line: usize, old_lines: usize, new_lines: usize| Change {
            start: 0,
            old_end: 1,
            new_end: 1,
            first_line,
            old_lines,
            new_lines,
            keeps_first: false,
            keeps_last: false,
            whole: false,
        };
        let after = |change: Change| {
            let (file, title, why) = (String::new(), String::new(), String::new());
            let mut finding = Finding { file, line: 5, severity: Severity::Low, title, why, fix: None };
            moved(&mut finding, &change).then_some(finding.line)
        };
        for (change, expected) in [
            (change(0, 1, 3), Some(7)),
            (change(0, 3, 1), Some(3)),
            (change(9, 1, 4), Some(5)),
            (change(4, 1, 1), None),
            (change(2, 4, 1), None),
            (Change { whole: true, ..change(0, 1, 1) }, None),
            (Change { keeps_last: true, ..change(3, 2, 2) }, Some(5)),
            (Change { keeps_last: true, ..change(3, 2, 1) }, Some(4)),
            (Change { keeps_last: true, ..change(4, 1, 2) }, Some(6)),
            (Change { keeps_last: true, ..change(4, 2, 2) }, None),
            (Change { keeps_first: true, ..change(4, 1, 2) }, Some(5)),
            (Change { keeps_first: true, ..change(4, 3, 1) }, Some(5)),
            (Change { keeps_first: true, keeps_last: true, ..change(4, 1, 2) }, Some(5)),
        ] {
            assert_eq!(after(change), expected);
        }
        let (file, title, why) = (String::new(), String::new(), String::new());
        let fix = Some(Fix { first: 7, last: 9, text: String::new() });
        let found = Finding { file, line: 5, severity: Severity::Low, title, why, fix };
        let fix_after = |change: Change| {
            let mut finding = found.clone();
            moved(&mut finding, &change).then_some(finding.fix.map(|fix| (fix.first, fix.last)))
        };
        assert_eq!(fix_after(change(0, 1, 3)), Some(Some((9, 11))), "a fix moves with its lines");
        assert_eq!(fix_after(change(5, 1, 2)), Some(Some((8, 10))), "also alone");
        assert_eq!(fix_after(change(7, 1, 1)), Some(None), "and goes with them");
        let beside = |first_line| Change { keeps_last: true, ..change(first_line, 2, 2) };
        assert_eq!(fix_after(beside(5)), Some(Some((7, 9))), "lines above are replaced");
        assert_eq!(fix_after(Change { keeps_last: true, ..change(7, 1, 2) }), Some(None), "a line comes between them");
    }
}

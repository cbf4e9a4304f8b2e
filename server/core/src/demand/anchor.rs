//! Where a finding belongs in a file that changed since it was reviewed: at its line, if that stands there as it was, or where it stands now. It leaves
//! following later edits to the server.

use super::change::Hunk;
use super::finding::{Finding, Fix};

/// A part of what stands for a key or password in a prompt; such a line cannot be compared.
const MASK: &str = "****";

/// A finding at its line in the text of now. `None` if that line was rewritten, or stands in several other places. A fix whose lines changed goes.
pub fn anchored(finding: Finding, hunks: &[Hunk], now: &str) -> Option<Finding> {
    let reviewed = |line: u32| hunks.iter().find_map(|hunk| hunk.line(line as usize));
    let lines: Vec<&str> = now.lines().collect();
    let stands = |line: u32, text: &str| {
        let found = lines.get((line as usize).checked_sub(1)?)?;
        Some(text.contains(MASK) || found.trim_end() == text.trim_end())
    };
    let Some(text) = reviewed(finding.line) else { return Some(finding) };
    let line = match stands(finding.line, text) {
        Some(true) => finding.line,
        _ => only(&lines, text)?,
    };
    let shift = |other: u32| (other + line).checked_sub(finding.line);
    let moved = |fix: Fix| {
        let is_same = |other: u32| Some(stands(shift(other)?, reviewed(other)?)? && shift(other)? > 0);
        let all = (fix.first..=fix.last).all(|other| is_same(other) == Some(true));
        all.then_some(Fix { first: shift(fix.first)?, last: shift(fix.last)?, ..fix })
    };
    Some(Finding { line, fix: finding.fix.and_then(moved), ..finding })
}

/// The only line with this text, counted from 1.
fn only(lines: &[&str], text: &str) -> Option<u32> {
    let mut found = (1..).zip(lines).filter(|(_, line)| line.trim_end() == text.trim_end()).map(|(number, _)| number);
    match (found.next(), found.next()) {
        (Some(only), None) if !text.trim().is_empty() => Some(only),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::change::Change;
    use super::super::source::Source;
    use super::*;
    use crate::demand::Severity;

    #[test]
    fn a_finding_stands_at_its_line_or_nowhere() {
        let reviewed = "fn a() {\n    b - c\n}\n\nfn d() {\n    e\n}\n";
        let before = reviewed.replace("b - c", "b + c").replace("    e\n", "    f\n");
        let language = pennyworth_grammars::by_name("rust").unwrap();
        let hunks = Change { now: Source::new("a.rs", language, reviewed), before }.hunks();
        let place = |now: &str| {
            let fix = Some(Fix { first: 2, last: 3, text: "x\n".into() });
            let (file, title, why) = ("a.rs".into(), "t".into(), "w".into());
            let finding = Finding { file, line: 2, severity: Severity::Low, title, why, fix };
            anchored(finding, &hunks, now).map(|found| (found.line, found.fix.map(|fix| (fix.first, fix.last))))
        };
        assert_eq!(place(reviewed), Some((2, Some((2, 3)))));
        assert_eq!(place(&format!("// 1\n// 2\n{reviewed}")), Some((4, Some((4, 5)))));
        assert_eq!(place(&reviewed.replace("b - c\n}", "b - c\n    x\n}")), Some((2, None)), "its fix is outdated");
        assert_eq!(place(&reviewed.replace("b - c", "b * c")), None);
        assert_eq!(place("fn other() {}\n"), None);
        assert_eq!(place(&format!("// 1\n{reviewed}{reviewed}")), None, "there are two");
    }
}

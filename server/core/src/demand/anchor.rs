//! Where a finding belongs in a file that changed since it was reviewed: at its line, if that stands there as it was, or where it stands now. It leaves
//! following later edits to the server.

use super::change::Hunk;
use super::finding::{Finding, Fix};
use crate::mask::Masks;
use crate::prompt::{normalised, without_mark};

/// A file's text as a review shows it, so that both can be compared: keys and passwords are masked. `path` is the one that prompts show. Empty if the
/// text cannot be searched for them.
pub fn as_shown(text: &str, path: &str) -> String {
    Masks::default().masked(&normalised(without_mark(text)), path).unwrap_or_default()
}

/// A finding at its line in the text of now, which is [`as_shown`]. `None` if that line was rewritten, or stands in several other places. A fix whose
/// lines changed goes, and so does one beside lines that nobody can compare.
pub fn anchored(finding: Finding, hunks: &[Hunk], now: &str) -> Option<Finding> {
    let reviewed = |line: u32| hunks.iter().find_map(|hunk| hunk.line(line as usize));
    let lines: Vec<&str> = now.lines().collect();
    let stands = |line: u32, text: &str| {
        let found = lines.get((line as usize).checked_sub(1)?)?;
        Some(found.trim_end() == text.trim_end())
    };
    let Some(text) = reviewed(finding.line) else { return Some(Finding { fix: None, ..finding }) };
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

    /// The lines of a finding and of its fix in a text of now.
    type Place = Option<(u32, Option<(u32, u32)>)>;

    /// Where a finding at line 2 stands, whose fix is of these lines.
    fn place(hunks: &[Hunk], (first, last): (u32, u32), now: &str) -> Place {
        let fix = Some(Fix { first, last, text: "x\n".into() });
        let (file, title, why) = ("a.rs".into(), "t".into(), "w".into());
        let finding = Finding { file, line: 2, severity: Severity::Low, title, why, fix };
        let found = anchored(finding, hunks, &as_shown(now, "a.rs"))?;
        Some((found.line, found.fix.map(|fix| (fix.first, fix.last))))
    }

    fn hunks(before: &str, reviewed: &str) -> Vec<Hunk> {
        let language = pennyworth_grammars::by_name("rust").unwrap();
        let now = Source::new("a.rs", language, as_shown(reviewed, "a.rs"));
        Change { now, before: as_shown(before, "a.rs") }.hunks()
    }

    #[test]
    fn a_finding_stands_at_its_line_or_nowhere() {
        let reviewed = "fn a() {\n    b - c\n}\n\nfn d() {\n    e\n}\n";
        let hunks = hunks(&reviewed.replace("b - c", "b + c").replace("    e\n", "    f\n"), reviewed);
        let place = |now: &str| place(&hunks, (2, 3), now);
        assert_eq!(place(reviewed), Some((2, Some((2, 3)))));
        assert_eq!(place(&format!("// 1\n// 2\n{reviewed}")), Some((4, Some((4, 5)))));
        assert_eq!(place(&reviewed.replace("b - c\n}", "b - c\n    x\n}")), Some((2, None)), "its fix is outdated");
        assert_eq!(place(&reviewed.replace("b - c", "b * c")), None);
        assert_eq!(place("fn other() {}\n"), None);
        assert_eq!(place(&format!("// 1\n{reviewed}{reviewed}")), None, "there are two");
    }
    #[test]
    fn a_line_with_a_secret_is_compared_like_any_other() {
        let reviewed = "fn a() {\n    let password = \"hunter2-prod\";\n}\n";
        let hunks = hunks("fn a() {\n}\n", reviewed);
        assert!(!hunks[0].text.contains("hunter2"), "{}", hunks[0].text);
        let place = |now: &str| place(&hunks, (2, 2), now);
        assert_eq!(place(reviewed), Some((2, Some((2, 2)))));
        assert_eq!(place(&format!("\u{feff}{reviewed}").replace('\n', "\r\n")), Some((2, Some((2, 2)))));
        assert_eq!(place(&reviewed.replace("a() {\n", "a() {\n    b();\n")), Some((3, Some((3, 3)))));
        assert_eq!(place(&reviewed.replace("    let password = \"hunter2-prod\";", "    b();")), None);
    }

    #[test]
    fn a_fix_beside_removed_lines_is_none() {
        // Of a hunk that is cut in pieces, one may have no line that is there now.
        let beside = 1..2;
        let removed = Hunk { shown: beside.clone(), changed: vec![beside], text: "- b\n".into() };
        assert_eq!(place(&[removed], (2, 2), "a\nb\nc\n"), Some((2, None)));
        // A file that was removed may be there again.
        assert_eq!(place(&hunks("a\nb\n", ""), (1, 1), "a\nb\n"), Some((2, None)));
    }
}

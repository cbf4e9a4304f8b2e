//! What changed in a file: hunks of lines with their numbers, as a prompt shows them and as findings name them. It leaves getting both texts to the
//! server, and which hunks go together to `context`.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};
use serde::{Deserialize, Serialize};

use super::item;
use super::source::Source;

/// Most heads, or lines, that are shown of a file that was removed.
const REMOVED: usize = 40;
/// Lines that did not change, shown around those that did.
const AROUND: usize = 3;

/// A file before and after a change.
#[derive(Debug)]
pub struct Change {
    /// The file as it is now; empty if it was removed.
    pub now: Source,
    /// Its text before; empty if it is new.
    pub before: String,
}

/// A change as a unified diff.
pub fn unified(path: &str, before: &str, now: &str) -> String {
    let lines = Lines { before: before.split_inclusive('\n').collect(), now: now.split_inclusive('\n').collect() };
    let hunks: String = groups(before, now).iter().map(|parts| lines.unified(parts)).collect();
    let old = if before.is_empty() { "/dev/null".to_owned() } else { format!("a/{path}") };
    if hunks.is_empty() { hunks } else { format!("--- {old}\n+++ b/{path}\n{hunks}") }
}

/// The lines that differ between two texts: those close to each other together.
fn groups(before: &str, now: &str) -> Vec<Vec<Part>> {
    let input = InternedInput::new(before, now);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let mut groups: Vec<Vec<Part>> = Vec::new();
    for hunk in diff.hunks() {
        let wide = |range: Range<u32>| range.start as usize..range.end as usize;
        let part = Part { before: wide(hunk.before), now: wide(hunk.after) };
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|last| part.now.start <= last.now.end + 2 * AROUND) => {
                group.push(part);
            }
            _ => groups.push(vec![part]),
        }
    }
    groups
}

/// Lines that changed, with some around them. Lines are counted from 0.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hunk {
    /// The lines of the file now, with those around.
    pub shown: Range<usize>,
    /// The lines of the file now that are new or stand where others were removed.
    pub changed: Vec<Range<usize>>,
    /// The lines as a prompt shows them: number, sign, text. They are not aligned, because blanks are tokens.
    pub text: String,
}

impl Change {
    /// The hunks, in their order. A file that was removed has one, with what it defined instead of its lines.
    pub fn hunks(&self) -> Vec<Hunk> {
        if self.now.text.is_empty() && !self.before.is_empty() {
            return vec![self.removed()];
        }
        let lines = Lines { before: self.before.lines().collect(), now: self.now.text.lines().collect() };
        let groups = groups(&self.before, &self.now.text);
        groups.iter().map(|parts| lines.hunk(parts)).collect()
    }

    fn removed(&self) -> Hunk {
        let file = Source::new(&*self.now.path, self.now.language, &*self.before);
        let outline = item::outline(&file.text, file.items(), &[]);
        let (what, shown) = if outline.is_empty() { ("lines", &file.text) } else { ("definitions", &outline) };
        let count = file.text.lines().count();
        let mut text = format!("- (removed: all {count} lines of the file; its first {what} were)\n");
        shown.lines().take(REMOVED).for_each(|line| _ = writeln!(text, "- {line}"));
        let first = 0..1;
        Hunk { shown: first.clone(), changed: vec![first], text }
    }
}

impl Hunk {
    /// The text of a line of the file now, counted from 1, if it is shown.
    pub fn line(&self, number: usize) -> Option<&str> {
        self.text.lines().find_map(|line| {
            let (digits, rest) = line.split_at_checked(line.find(|c: char| !c.is_ascii_digit())?)?;
            let shown = rest.get(1..)?;
            (digits.parse() == Ok(number)).then(|| shown.strip_prefix(' ').unwrap_or(shown))
        })
    }

    /// Whether a finding may name a line: one that changed, or one beside a place where lines were removed.
    pub fn has(&self, line: usize) -> bool {
        self.changed.iter().any(|part| part.contains(&line))
    }

    /// The hunk in pieces of whole lines that have at most so many tokens each. A line that has more is shortened.
    pub(super) fn pieces(self, most: u32, tokens: impl Fn(&str) -> u32) -> Vec<Hunk> {
        if tokens(&self.text) <= most {
            return vec![self];
        }
        let (mut pieces, mut left, mut at) = (Vec::<Hunk>::new(), 0, self.shown.start);
        for line in self.text.split_inclusive('\n') {
            let line = shortened(line, most, &tokens);
            let size = tokens(&line);
            if size > left || pieces.is_empty() {
                pieces.push(Hunk { shown: at..at, changed: Vec::new(), text: String::new() });
                left = most;
            }
            left = left.saturating_sub(size);
            at += usize::from(!line.starts_with('-'));
            if let Some(piece) = pieces.last_mut() {
                piece.text.push_str(&line);
                piece.shown.end = at;
            }
        }
        for piece in &mut pieces {
            // What was removed is named by the lines beside it.
            if piece.shown.is_empty() {
                let beside = piece.shown.start.saturating_sub(1)..piece.shown.start + 1;
                piece.shown = beside.start.max(self.shown.start)..beside.end.min(self.shown.end);
            }
            let within = |lines: &Range<usize>| lines.start.max(piece.shown.start)..lines.end.min(piece.shown.end);
            piece.changed = self.changed.iter().map(within).filter(|lines| !lines.is_empty()).collect();
        }
        pieces
    }
}

/// A line of about so many tokens at most.
fn shortened(line: &str, most: u32, tokens: impl Fn(&str) -> u32) -> Cow<'_, str> {
    let size = tokens(line);
    if size <= most {
        return Cow::Borrowed(line);
    }
    // Tokens are not spread evenly, so some are left free.
    let keep = line.chars().count() * most as usize / size as usize * 9 / 10;
    Cow::Owned(line.chars().take(keep).chain("…\n".chars()).collect())
}

/// Lines that took the place of others.
struct Part {
    before: Range<usize>,
    now: Range<usize>,
}

struct Lines<'t> {
    before: Vec<&'t str>,
    now: Vec<&'t str>,
}

impl Lines<'_> {
    /// Lines that differ, in the form that `patch` reads. The lines here have their ends.
    fn unified(&self, parts: &[Part]) -> String {
        let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return String::new() };
        let lead = first.now.start.min(AROUND);
        let tail = (self.now.len() - last.now.end).min(AROUND);
        let (old, new) =
            (first.before.start - lead..last.before.end + tail, first.now.start - lead..last.now.end + tail);
        let place = |range: &Range<usize>| match range.len() {
            1 => format!("{}", range.start + 1),
            0 => format!("{},0", range.start),
            count => format!("{},{count}", range.start + 1),
        };
        let mut text = format!("@@ -{} +{} @@\n", place(&old), place(&new));
        let mut show = |sign: char, lines: &[&str]| {
            for line in lines {
                let end = if line.ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
                let _ = write!(text, "{sign}{line}{end}");
            }
        };
        let mut at = new.start;
        for part in parts {
            show(' ', self.now.get(at..part.now.start).unwrap_or_default());
            show('-', self.before.get(part.before.clone()).unwrap_or_default());
            show('+', self.now.get(part.now.clone()).unwrap_or_default());
            at = part.now.end;
        }
        show(' ', self.now.get(at..new.end).unwrap_or_default());
        text
    }

    fn hunk(&self, parts: &[Part]) -> Hunk {
        let start = parts.first().map_or(0, |part| part.now.start).saturating_sub(AROUND);
        let end = parts.last().map_or(0, |part| part.now.end + AROUND).min(self.now.len());
        let (mut text, mut at, mut changed) = (String::new(), start, Vec::new());
        for part in parts {
            self.show(&mut text, ' ', at..part.now.start);
            for line in self.before.get(part.before.clone()).unwrap_or_default() {
                let _ = writeln!(text, "- {line}");
            }
            self.show(&mut text, '+', part.now.clone());
            at = part.now.end;
            changed.push(match part.now.is_empty() {
                false => part.now.clone(),
                true => part.now.start.saturating_sub(1)..(part.now.start + 1).min(self.now.len().max(1)),
            });
        }
        self.show(&mut text, ' ', at..end);
        Hunk { shown: start..end, changed, text }
    }

    fn show(&self, text: &mut String, sign: char, lines: Range<usize>) {
        for number in lines {
            let _ = writeln!(text, "{}{sign} {}", number + 1, self.now.get(number).copied().unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(before: &str, now: &str) -> Change {
        let language = pennyworth_grammars::by_name("rust").unwrap();
        Change { now: Source::new("a.rs", language, now), before: before.to_owned() }
    }

    #[test]
    fn hunks_have_numbers_signs_and_lines_around() {
        let before = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\n";
        let now = "a\nb\nc\nD\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\n";
        let hunks = change(before, now).hunks();
        let texts: Vec<&str> = hunks.iter().map(|hunk| hunk.text.as_str()).collect();
        let first = "1  a\n2  b\n3  c\n- d\n4+ D\n5  e\n6  f\n7  g\n";
        assert_eq!(texts, [first, "11  k\n12  l\n13  m\n14+ n\n"]);
        assert_eq!((hunks[0].changed.first(), hunks[0].has(3), hunks[0].has(4)), (Some(&(3..4)), true, false));
    }

    #[test]
    fn what_was_removed_is_named_by_the_lines_beside_it() {
        let hunks = change("a\nb\nc\n", "a\nc\n").hunks();
        assert_eq!(hunks[0].changed.first(), Some(&(0..2)));
        let removed = change("fn a() {\n    1\n}\n\nfn b() {}\n", "").hunks();
        let text = "- (removed: all 5 lines of the file; its first definitions were)\n- 1: fn a() …\n- 5: fn b() {}\n";
        assert_eq!((removed.len(), removed[0].text.as_str(), removed[0].has(0)), (1, text, true));
        assert!(change("a\n", "").hunks()[0].text.ends_with("its first lines were)\n- a\n"));
        assert_eq!(change("a\n", "a\n").hunks(), []);
        assert_eq!(change("", "").hunks(), []);
        assert_eq!(change("", "a\r\n\u{1f600}").hunks()[0].text, "1+ a\n2+ \u{1f600}\n");
    }

    #[test]
    fn a_unified_diff_is_read_by_patch() {
        for (before, now, expected) in [
            ("a\nb\nc\nd\ne\n", "a\nb\nc\nd\nE\n", "--- a/x\n+++ b/x\n@@ -2,4 +2,4 @@\n b\n c\n d\n-e\n+E\n"),
            ("", "a\n", "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+a\n"),
            ("a", "a\n", "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"),
            ("a\n", "a\n", ""),
        ] {
            assert_eq!(unified("x", before, now), expected);
        }
    }

    #[test]
    fn a_hunk_that_is_too_large_is_cut_between_its_lines() {
        let before: String = (0..9).map(|n| format!("old{n}\n")).collect();
        let now: String = (0..30).map(|n| format!("new{n}\n")).collect();
        let hunk = change(&before, &now).hunks().remove(0);
        let chars = |text: &str| text.len() as u32;
        let pieces = hunk.clone().pieces(60, chars);
        assert_eq!(pieces.iter().map(|piece| piece.text.as_str()).collect::<String>(), hunk.text);
        assert!(pieces.len() > 5 && pieces.iter().all(|piece| piece.text.len() <= 60));
        assert_eq!(pieces[0].shown, 0..1, "of removed lines, the one below");
        for piece in pieces.iter().filter(|piece| !piece.text.starts_with('-')) {
            let first: usize = piece.text.split_once('+').unwrap().0.parse().unwrap();
            assert_eq!((piece.shown.start + 1, &piece.changed[..]), (first, &[piece.shown.clone()][..]));
        }
        let long = change("", &"x".repeat(500)).hunks().remove(0).pieces(60, chars);
        assert!(long.len() == 1 && long[0].text.ends_with("…\n") && long[0].text.len() <= 60, "{long:?}");
    }

    #[test]
    fn what_stands_close_together_is_one_hunk() {
        let before: String = (0..20).map(|n| format!("{n}\n")).collect();
        let now = before.replace("5\n", "x\n").replace("10\n", "y\n");
        assert!(change(&before, &now).hunks().len() <= 2);
    }
}

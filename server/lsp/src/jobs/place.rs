//! Where an edit belongs in a file that changed since it was asked for: at the same lines, if they stand there once. An edit whose lines are gone
//! is outdated, and nothing of it is applied. It leaves judging the edited file to `core::demand`.

use std::ops::Range;

use pennyworth_core::demand::{Edit, Scope, Source, Unfit, fits};

use crate::demand::Edited;

/// Lines around a place that tell it from others.
const AROUND: usize = 3;

/// Why an edit cannot be applied any more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Outdated {
    /// It makes a file that is there now.
    #[error("the file is there now")]
    Exists,
    /// The lines are not there.
    #[error("the lines that it edits have changed")]
    Gone,
    /// The lines are there several times.
    #[error("the lines that it edits stand there more than once")]
    Several,
    /// The edited file would not be valid.
    #[error("it does not fit any more: {0}")]
    Unfit(Unfit),
    /// The file cannot be read.
    #[error("{0}")]
    Unread(String),
}

/// An edit at its place in the file's text as it is now, with line breaks `\n`. `scope` is the one that it was judged by.
pub fn placed(edited: &Edited, scope: Scope<'_>, now: &str) -> Result<Edited, Outdated> {
    if now == edited.before {
        return Ok(edited.clone());
    }
    if edited.before.is_empty() {
        return Err(Outdated::Exists);
    }
    let before = Source::new("", scope.language, &*edited.before);
    let around = if scope.within.is_empty() { &[AROUND][..] } else { &[0, AROUND] };
    let mut found = Err(Outdated::Gone);
    for around in around {
        let anchor = anchor(&before, &scope.within, *around);
        found = only_place(edited.before.get(anchor.clone()).unwrap_or_default(), now).map(|at| (anchor.start, at));
        // More lines tell places apart, and can only be found less often.
        if found != Err(Outdated::Several) {
            break;
        }
    }
    let from = found?;
    let mut edits = Vec::new();
    for Edit { range, text } in &edited.edits {
        let is_inside = scope.within.start <= range.start && range.end <= scope.within.end;
        let from = match is_inside {
            true => from,
            // Imports, which stand elsewhere, and may have come meanwhile.
            false if now.contains(text.trim()) => continue,
            false => {
                let anchor = anchor(&before, range, AROUND);
                (anchor.start, only_place(edited.before.get(anchor.clone()).unwrap_or_default(), now)?)
            }
        };
        edits.push(Edit { range: moved(range, from), text: text.clone() });
    }
    let within = moved(&scope.within, from);
    let within =
        edits.iter().fold(within, |all, Edit { range, .. }| all.start.min(range.start)..all.end.max(range.end));
    let wrong = scope.wrong.as_ref().map(|wrong| moved(wrong, from));
    let text = fits(&Scope { text: now, within, wrong, ..scope }, &edits).map_err(Outdated::Unfit)?;
    Ok(Edited { path: edited.path.clone(), before: now.to_owned(), now: text, edits })
}

/// Bytes of a text that was, whose byte `old` is now the byte `new`.
fn moved(range: &Range<usize>, (old, new): (usize, usize)) -> Range<usize> {
    range.start.saturating_sub(old) + new..range.end.saturating_sub(old) + new
}

/// The whole lines of a place, with some around it.
fn anchor(source: &Source, within: &Range<usize>, around: usize) -> Range<usize> {
    let last = within.end.saturating_sub(1).max(within.start);
    let lines = source.line(within.start).saturating_sub(around)..source.line(last) + 1 + around;
    source.lines(lines)
}

/// The byte at which some whole lines stand in a text, if they stand there once.
fn only_place(lines: &str, text: &str) -> Result<usize, Outdated> {
    if lines.trim().is_empty() {
        return Err(Outdated::Several);
    }
    let is_whole = |at: &usize| {
        let begins = *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n');
        begins && (lines.ends_with('\n') || at + lines.len() == text.len())
    };
    let mut places = text.match_indices(lines).map(|(at, _)| at).filter(is_whole);
    match (places.next(), places.next()) {
        (Some(at), None) => Ok(at),
        (None, _) => Err(Outdated::Gone),
        (Some(_), Some(_)) => Err(Outdated::Several),
    }
}

#[cfg(test)]
mod tests {
    use pennyworth_core::task::Task;

    use super::*;

    const TEXT: &str = "fn a() {\n    one();\n}\n\nfn b() {\n    two();\n}\n";

    /// The file after the edit `two` to `2`, which was made for [`TEXT`], in a text of now.
    fn now(text: &str) -> Result<String, Outdated> {
        let at = TEXT.find("    two").unwrap();
        let edits = vec![Edit { range: at..at + "    two();\n".len(), text: "    three();\n".into() }];
        let edited = Edited { path: "a.rs".into(), before: TEXT.into(), now: String::new(), edits };
        let within = TEXT.find("fn b").unwrap()..TEXT.len();
        placed(&edited, scope(within), text).map(|edited| edited.now)
    }

    fn scope(within: Range<usize>) -> Scope<'static> {
        let language = pennyworth_grammars::by_name("rust").unwrap();
        Scope { task: Task::Edit, language, text: TEXT, within, wrong: None, names: None, known: "" }
    }

    #[test]
    fn an_edit_follows_its_lines_and_nothing_else() {
        let above = format!("use c;\n\n{TEXT}");
        assert_eq!(now(&above), Ok(above.replace("two", "three")));
        let other = TEXT.replace("one", "once");
        assert_eq!(now(&other), Ok(other.replace("two", "three")));
        assert_eq!(now(&TEXT.replace("two();", "two(1);")), Err(Outdated::Gone));
        assert_eq!(now(&format!("{TEXT}{TEXT}")), Err(Outdated::Several));
        // Three lines around tell the two apart.
        let twice = format!("{TEXT}\nfn c() {{}}\n\nmod d {{}}\n\nfn b() {{\n    two();\n}}\n");
        assert_eq!(now(&twice), Ok(twice.replacen("two", "three", 1)));
        assert_eq!(now(""), Err(Outdated::Gone));
        // It would end up inside of what does not parse.
        assert!(now(&TEXT.replace("    one();\n}\n", "    one();\n")).is_ok(), "the file parses no worse than it did");
    }

    #[test]
    fn imports_follow_their_own_lines_and_come_once() {
        let text = "use a::A;\nuse b::B;\n\nfn a() {}\n\nfn c() {}\n\nfn f() {}\n\nfn d() {}\n";
        let (import, behind) = (text.find("\nfn a").unwrap(), text.len());
        let edits = vec![
            Edit { range: import..import, text: "use d::D;\n".into() },
            Edit { range: behind..behind, text: "\nfn b() { D }\n".into() },
        ];
        let edited = Edited { path: "a.rs".into(), before: text.into(), now: String::new(), edits };
        let put = |text: &str| placed(&edited, scope(behind..behind), text).map(|edited| edited.now);
        let between = text.replace("fn c() {}\n", "fn c() {}\n\nfn e() {}\n");
        let expected = between.replace("B;\n", "B;\nuse d::D;\n") + "\nfn b() { D }\n";
        assert_eq!(put(&between), Ok(expected));
        let above = format!("// 1\n{between}");
        assert_eq!(put(&above), Ok(above.replace("B;\n", "B;\nuse d::D;\n") + "\nfn b() { D }\n"));
        let known = format!("use d::D;\n{between}");
        assert_eq!(put(&known), Ok(format!("{known}\nfn b() {{ D }}\n")));
        assert_eq!(put(&between.replace("use b::B;\n", "")), Err(Outdated::Gone));
    }

    #[test]
    fn what_is_put_between_lines_follows_those_around_it() {
        let at = TEXT.len();
        let edits = vec![Edit { range: at..at, text: "\nfn c() {}\n".into() }];
        let edited = Edited { path: "a.rs".into(), before: TEXT.into(), now: String::new(), edits };
        let put = |text: &str| placed(&edited, scope(at..at), text).map(|edited| edited.now);
        let above = format!("use c;\n{TEXT}");
        assert_eq!(put(&above), Ok(format!("{above}\nfn c() {{}}\n")));
        assert_eq!(put(&TEXT.replace("two", "three")), Err(Outdated::Gone));
        let new = Edited { before: String::new(), ..edited.clone() };
        assert_eq!(placed(&new, scope(0..0), TEXT).map(|_| ()), Err(Outdated::Exists));
    }
}

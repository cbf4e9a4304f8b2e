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
    for edit in &edited.edits {
        let is_inside = scope.within.start <= edit.range.start && edit.range.end <= scope.within.end;
        edits.extend(match is_inside {
            true => Some(Edit { range: moved(&edit.range, from), text: edit.text.clone() }),
            false => imports(edit, &before, now)?,
        });
    }
    edits.sort_by_key(|edit| edit.range.start);
    let within = moved(&scope.within, from);
    let within =
        edits.iter().fold(within, |all, Edit { range, .. }| all.start.min(range.start)..all.end.max(range.end));
    let wrong = scope.wrong.as_ref().map(|wrong| moved(wrong, from));
    let text = fits(&Scope { text: now, within, wrong, ..scope }, &edits).map_err(Outdated::Unfit)?;
    Ok(Edited { path: edited.path.clone(), before: now.to_owned(), now: text, edits })
}

/// An edit that stands elsewhere, which adds imports, without those that have come meanwhile. `None` if all have.
fn imports(edit: &Edit, before: &Source, now: &str) -> Result<Option<Edit>, Outdated> {
    let (mut text, mut behind) = (String::new(), None);
    for statement in statements(&edit.text) {
        let has_come = end_of(statement, now).filter(|_| end_of(statement, &before.text).is_none());
        match has_come {
            Some(end) => behind = Some(end),
            None => text.push_str(statement),
        }
    }
    if text.trim().is_empty() {
        return Ok(None);
    }
    let anchor = anchor(before, &edit.range, AROUND);
    let place = only_place(before.text.get(anchor.clone()).unwrap_or_default(), now);
    let range = match (place, behind) {
        (Ok(at), _) => moved(&edit.range, (anchor.start, at)),
        // The one that has come may stand between the lines around.
        (Err(_), Some(end)) if edit.range.is_empty() => end..end,
        (Err(why), _) => return Err(why),
    };
    Ok(Some(Edit { range, text }))
}

/// Imports one by one: whole lines, and those that brackets hold together.
fn statements(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0;
    let mut is_over = move |line: &str| {
        depth += line.matches(['(', '[', '{']).count();
        depth = depth.saturating_sub(line.matches([')', ']', '}']).count());
        depth == 0
    };
    let mut rest = text;
    std::iter::from_fn(move || {
        let mut size = 0;
        for line in rest.split_inclusive('\n') {
            size += line.len();
            if is_over(line) {
                break;
            }
        }
        let (statement, behind) = rest.split_at_checked(size).filter(|_| size > 0)?;
        rest = behind;
        Some(statement)
    })
}

/// The byte behind some whole lines in a text, if they stand there at the same depth. Blank ones stand nowhere.
fn end_of(lines: &str, text: &str) -> Option<usize> {
    let lines = lines.trim_end();
    let whole = |(at, _): (usize, &str)| {
        let begins = at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n');
        let rest = text.get(at + lines.len()..)?;
        let line_end = rest.find('\n').map_or(rest.len(), |end| end + 1);
        let ends = rest.get(..line_end)?.trim().is_empty();
        (begins && ends).then_some(at + lines.len() + line_end)
    };
    if lines.is_empty() { None } else { text.match_indices(lines).find_map(whole) }
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
    fn an_import_counts_as_there_only_as_a_whole_statement() {
        let text = "import os\n\nimport a\n\ndef f():\n    pass\n";
        let language = pennyworth_grammars::by_name("python").unwrap();
        let (import, behind) = ("import os\n".len(), text.len());
        let put = |imports: &str, now: &str| {
            let edits = vec![
                Edit { range: import..import, text: imports.into() },
                Edit { range: behind..behind, text: "\ndef g():\n    pass\n".into() },
            ];
            let edited = Edited { path: "a.py".into(), before: text.into(), now: String::new(), edits };
            let scope = Scope { task: Task::Tests, language, text, ..scope(behind..behind) };
            let now = placed(&edited, scope, &format!("{now}\n\ndef h():\n    pass\n{text}"));
            let first = imports.lines().next().unwrap();
            now.map(|edited| edited.now.lines().filter(|line| line.trim_end() == first).count())
        };
        assert_eq!(put("import re\n", "import requests"), Ok(1), "it begins another one");
        assert_eq!(put("import re\n", "def k():\n    import re"), Ok(1), "it stands in a function");
        assert_eq!(put("import re\n", "import re  "), Ok(1), "it came meanwhile");
        assert_eq!(put("from b import (\n    c,\n)\n", "k(\n    c,\n)"), Ok(1), "its lines are no imports");
    }

    #[test]
    fn imports_that_have_come_are_left_out_alone() {
        let text = "use a::A;\nuse b::B;\n\nfn a() {}\n\nfn c() {}\n";
        let (import, behind) = (text.find("\nfn a").unwrap(), text.len());
        let edits = vec![
            Edit { range: import..import, text: "use d::D;\nuse e::{\n    E,\n};\n".into() },
            Edit { range: behind..behind, text: "\nfn b() { D }\n".into() },
        ];
        let edited = Edited { path: "a.rs".into(), before: text.into(), now: String::new(), edits };
        let put = |text: &str| placed(&edited, scope(behind..behind), text).map(|edited| edited.now);
        let all = text.replace("B;\n", "B;\nuse d::D;\nuse e::{\n    E,\n};\n") + "\nfn b() { D }\n";
        assert_eq!(put(&text.replace("B;\n", "B;\nuse d::D;\n")), Ok(all.clone()));
        assert_eq!(put(&text.replace("B;\n", "B;\nuse d::D;\nuse e::{\n    E,\n};\n")), Ok(all));
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

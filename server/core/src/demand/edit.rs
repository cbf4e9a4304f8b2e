//! Edits as models write them: the lines of the scope anew, or blocks of lines to find and what replaces them. Both become replaced lines of the
//! file. It leaves fences to `fences`, and judging them to `valid`.

use std::collections::BTreeSet;
use std::ops::Range;

use imara_diff::{Algorithm, Diff, InternedInput};
use pennyworth_grammars::Language;
use serde::{Deserialize, Serialize};

use super::fences::{code_in, fenced, line_of, own_fence};
use super::source::Source;
use super::unfit::Unfit;

/// Lines of a scope up to which writing them anew costs fewer tokens than naming what changes.
const FEW: usize = 24;
/// Characters of a text that are quoted in an error.
const QUOTED: usize = 40;

/// The form of an edit that a model is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// All lines of the scope, in a fence.
    Anew,
    /// Blocks of lines to find, and what replaces them.
    Blocks,
}

impl Form {
    /// The form that costs fewer tokens for a scope of this text.
    pub fn of(scope: &str) -> Form {
        if scope.lines().count() <= FEW { Form::Anew } else { Form::Blocks }
    }

    /// What a prompt says of it.
    pub fn instruction(self) -> &'static str {
        match self {
            Form::Anew => "Answer with the new text of all these lines in one fenced block, and nothing else.",
            Form::Blocks => {
                "Answer with blocks in this form, and nothing else:\n<<<<<<< SEARCH\nlines to replace, exactly as they stand there\n=======\nnew lines\n>>>>>>> REPLACE"
            }
        }
    }
}

/// Replaced text of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that it replaces.
    pub range: Range<usize>,
    /// The text in their place.
    pub text: String,
}

/// The edits of an answer, in the order of their places. `sent` is the scope's text as the model saw it, with masks in place of keys and passwords; its
/// lines are those of the scope that begins at `start` in the file. What the model wrote as it saw it is no edit.
pub fn edits(form: Form, file: &Source, start: usize, sent: &str, answer: &str) -> Result<Vec<Edit>, Unfit> {
    let edits = match form {
        // A model may prefer the other form.
        Form::Anew if !answer.contains(SEARCH) => anew(sent, replaced_by(sent, answer, file.language)?)?,
        Form::Anew | Form::Blocks => blocks(sent, answer)?,
    };
    let first = file.line(start);
    let edits = edits.into_iter().map(|(lines, text)| {
        let range = file.lines(first + lines.start..first + lines.end);
        // The last line of a file may have no end.
        let text = match file.text.get(range.clone()) {
            Some(old) if !old.is_empty() && !old.ends_with('\n') => text.trim_end_matches('\n').to_owned(),
            _ => text,
        };
        Edit { range, text }
    });
    Ok(edits.collect())
}

/// The new text of some lines. An empty fence takes them away. Without a fence an answer counts only if it repeats half of its lines: words may parse
/// as code, too.
fn replaced_by<'t>(sent: &str, answer: &'t str, language: &Language) -> Result<&'t str, Unfit> {
    let known: BTreeSet<&str> = sent.lines().map(str::trim).collect();
    let lines = || answer.lines().map(str::trim).filter(|line| !line.is_empty());
    let repeated = lines().filter(|line| known.contains(line)).count();
    if let Some(own) = own_fence(sent, answer)? {
        return Ok(own);
    }
    match fenced(answer)? {
        Some(code) if code.trim().is_empty() => Ok(""),
        None if 2 * repeated < lines().count() => Err(Unfit::Form("it has no fenced block".into())),
        _ => code_in(answer, language),
    }
}

/// Lines of the scope, and what replaces them.
type Lines = (Range<usize>, String);

fn anew(sent: &str, new: &str) -> Result<Vec<Lines>, Unfit> {
    let new = aligned(sent, new);
    Ok(changed(sent, &new))
}

/// New lines at the old ones' indentation: models write code from the margin.
fn aligned(old: &str, new: &str) -> String {
    let first = |text: &str| {
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        line.len() - line.trim_start().len()
    };
    let indent =
        old.lines().find(|line| !line.trim().is_empty()).map_or("", |line| line.get(..first(old)).unwrap_or(""));
    let end = if new.ends_with('\n') || new.is_empty() { "" } else { "\n" };
    match first(new) == 0 && !indent.is_empty() {
        false => format!("{new}{end}"),
        true => {
            new.split_inclusive('\n')
                .map(|line| if line.trim().is_empty() { line.to_owned() } else { format!("{indent}{line}") })
                .collect::<String>()
                + end
        }
    }
}

/// The lines in which two texts differ.
fn changed(old: &str, new: &str) -> Vec<Lines> {
    let old = if old.ends_with('\n') || old.is_empty() { old.to_owned() } else { format!("{old}\n") };
    let input = InternedInput::new(old.as_str(), new);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let lines: Vec<&str> = new.split_inclusive('\n').collect();
    let text = |range: Range<u32>| lines.get(range.start as usize..range.end as usize).unwrap_or_default().concat();
    diff.hunks().map(|hunk| (hunk.before.start as usize..hunk.before.end as usize, text(hunk.after))).collect()
}

const SEARCH: &str = "<<<<<<<";
const PARTS: &str = "=======";
const REPLACE: &str = ">>>>>>>";

fn blocks(sent: &str, answer: &str) -> Result<Vec<Lines>, Unfit> {
    let old: Vec<&str> = sent.split_inclusive('\n').collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(open) = line_of(answer, SEARCH, at) {
        let after = |at: usize| answer.get(at..).and_then(|rest| rest.find('\n')).map(|line| at + line + 1);
        let part = |mark: &str, from: usize| line_of(answer, mark, from).ok_or(Unfit::CutOff);
        let search = after(open).ok_or(Unfit::CutOff)?;
        let mut parts = part(PARTS, search)?;
        let close = part(REPLACE, after(parts).ok_or(Unfit::CutOff)?)?;
        let mut found_at = place(&old, answer.get(search..parts).unwrap_or_default());
        // The mark between the parts may also underline a heading in one of them: the longest text that stands there is meant.
        let mut next = parts;
        while let Some(mark) = after(next).and_then(|after| line_of(answer, PARTS, after)).filter(|mark| *mark < close)
        {
            next = mark;
            let longer = place(&old, answer.get(search..next).unwrap_or_default());
            if longer.is_ok() {
                (parts, found_at) = (next, longer);
            }
        }
        let replace = after(parts).ok_or(Unfit::CutOff)?;
        let (place, new) = (found_at?, answer.get(replace..close).unwrap_or_default());
        let kept = old.get(place.clone()).unwrap_or_default().concat();
        found.extend(
            changed(&kept, new)
                .into_iter()
                .map(|(lines, text)| (place.start + lines.start..place.start + lines.end, text)),
        );
        at = close + 1;
    }
    if found.is_empty() && at == 0 {
        return Err(Unfit::Form("it holds no block to search and replace".into()));
    }
    found.sort_by_key(|(lines, _)| (lines.start, lines.end));
    Ok(found)
}

/// The only place of some lines in others; blanks at their ends do not count.
fn place(lines: &[&str], wanted: &str) -> Result<Range<usize>, Unfit> {
    let wanted: Vec<&str> = wanted.lines().map(str::trim_end).collect();
    let quoted = || wanted.first().map_or_else(String::new, |line| line.trim().chars().take(QUOTED).collect());
    if wanted.iter().all(|line| line.is_empty()) {
        return Err(Unfit::Nowhere("an empty block".into()));
    }
    let is_here = |window: &&[&str]| window.iter().zip(&wanted).all(|(line, wanted)| line.trim_end() == *wanted);
    let mut places = (0..).zip(lines.windows(wanted.len())).filter(|(_, window)| is_here(window)).map(|(at, _)| at);
    match (places.next(), places.next()) {
        (Some(at), None) => Ok(at..at + wanted.len()),
        (None, _) => Err(Unfit::Nowhere(format!("`{}`", quoted()))),
        (Some(_), Some(_)) => Err(Unfit::Nowhere(format!("`{}` stands there more than once", quoted()))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "use a;\n\nimpl A {\n    fn add(a: u8) -> u8 {\n        a + 1\n    }\n}\n";

    fn file(text: &str) -> Source {
        Source::new("a.rs", pennyworth_grammars::by_name("rust").unwrap(), text)
    }

    /// The file after the answer.
    fn edited(form: Form, answer: &str) -> Result<String, Unfit> {
        let (file, start) = (file(TEXT), TEXT.find("    fn").unwrap());
        let sent = TEXT.get(start..TEXT.rfind("}\n").unwrap()).unwrap();
        let mut new = TEXT.to_owned();
        for edit in edits(form, &file, start, sent, answer)?.into_iter().rev() {
            new.replace_range(edit.range, &edit.text);
        }
        Ok(new)
    }

    #[test]
    fn the_mark_between_the_parts_may_underline_a_heading() {
        let text = "Title\n=======\n\nOld.\n";
        let file = Source::new("a.md", pennyworth_grammars::by_name("markdown").unwrap(), text);
        let answer = "<<<<<<< SEARCH\nTitle\n=======\n\nOld.\n=======\nTitle\n=======\n\nNew.\n>>>>>>> REPLACE";
        let found = edits(Form::Blocks, &file, 0, text, answer).unwrap();
        let start = text.find("Old.").unwrap();
        assert_eq!(found, [Edit { range: start..text.len(), text: "New.\n".into() }]);
    }

    #[test]
    fn a_block_of_code_keeps_its_own_fences() {
        let text = "```sh\nls\n```\n";
        let file = Source::new("a.md", pennyworth_grammars::by_name("markdown").unwrap(), text);
        let expected = [Edit { range: 6..9, text: "ls -l\n".into() }];
        for answer in
            ["```sh\nls -l\n```", "Here it is:\n```sh\nls -l\n```\nIt is longer.", "````\n```sh\nls -l\n```\n````"]
        {
            assert_eq!(edits(Form::Anew, &file, 0, text, answer).as_deref(), Ok(&expected[..]), "{answer}");
        }
        let words = edits(Form::Anew, &file, 0, text, "```md\nList them.\n```").unwrap();
        assert_eq!(words, [Edit { range: 0..text.len(), text: "List them.\n".into() }], "a fence around the answer");
    }

    #[test]
    fn words_replace_nothing_in_any_language() {
        for (name, text) in [
            ("bash", "echo a\n"),
            ("yaml", "name: a\n"),
            ("make", "a:\n\tb\n"),
            ("ruby", "puts 1\n"),
            ("python", "name = 1\n"),
        ] {
            let file = Source::new("a", pennyworth_grammars::by_name(name).unwrap(), text);
            for words in
                ["I replaced echo with printf.", "I'm sorry, but I can't help with that name.", "Sorry\n\nname"]
            {
                let found = edits(Form::Anew, &file, 0, text, words);
                assert!(matches!(found, Err(Unfit::Form(_))), "{name}: {words}: {found:?}");
            }
            let fenced = format!("~~~\n{}~~~\n", text.replace('a', "b"));
            assert!(edits(Form::Anew, &file, 0, text, &fenced).is_ok(), "{name}");
        }
    }

    #[test]
    fn lines_written_anew_become_the_lines_that_differ() {
        let expected = Ok(TEXT.replace("a + 1", "a + 2"));
        for answer in [
            "```rust\n    fn add(a: u8) -> u8 {\n        a + 2\n    }\n```",
            "```\nfn add(a: u8) -> u8 {\n    a + 2\n}\n```\n",
            "fn add(a: u8) -> u8 {\n    a + 2\n}",
            "Here it is:\n```rust\nfn add(a: u8) -> u8 {\n    a + 2\n}\n```\nI changed the number.",
            "<<<<<<< SEARCH\n        a + 1\n=======\n        a + 2\n>>>>>>> REPLACE",
        ] {
            assert_eq!(edited(Form::Anew, answer), expected, "{answer}");
        }
        let two = "```\nfn add() {}\n```\nor\n```\nfn add() {}\n```\n";
        assert!(matches!(edited(Form::Anew, two), Err(Unfit::Form(_))));
        let language = |name| pennyworth_grammars::by_name(name).unwrap();
        assert_eq!(code_in("````md\n```\na\n```\n````", language("markdown")), Ok("```\na\n```\n"));
        for name in ["markdown", "text", "gitcommit"] {
            assert!(matches!(code_in("Here it is: all new.", language(name)), Err(Unfit::Form(_))), "{name}");
        }
        assert_eq!(edited(Form::Anew, "```rust\nfn add("), Err(Unfit::CutOff));
    }

    #[test]
    fn an_empty_fence_takes_the_lines_away() {
        let expected = Ok("use a;\n\nimpl A {\n}\n".to_owned());
        for answer in ["```rust\n```", "```rust\n\n```", "They go:\n~~~\n~~~\n"] {
            assert_eq!(edited(Form::Anew, answer), expected, "{answer}");
        }
        let rust = pennyworth_grammars::by_name("rust").unwrap();
        assert_eq!(code_in("```rust\n```", rust), Err(Unfit::Empty), "tests that are none");
    }

    #[test]
    fn blocks_name_what_they_replace_once() {
        let block =
            |search: &str, replace: &str| format!("<<<<<<< SEARCH\n{search}=======\n{replace}>>>>>>> REPLACE\n");
        assert_eq!(
            edited(Form::Blocks, &block("        a + 1\n", "        a + 2\n")),
            Ok(TEXT.replace("a + 1", "a + 2"))
        );
        assert_eq!(edited(Form::Blocks, &block("        a + 1  \n", "")), Ok(TEXT.replace("        a + 1\n", "")));
        assert!(matches!(edited(Form::Blocks, &block("        b\n", "c\n")), Err(Unfit::Nowhere(_))));
        assert!(matches!(edited(Form::Blocks, &block("\n", "c\n")), Err(Unfit::Nowhere(_))));
        assert!(matches!(edited(Form::Blocks, "nothing"), Err(Unfit::Form(_))));
        assert_eq!(edited(Form::Blocks, "<<<<<<< SEARCH\na\n=======\nb"), Err(Unfit::CutOff));
    }

    #[test]
    fn a_masked_line_that_is_written_as_it_was_seen_stays_as_it_is() {
        let text = "fn a() {\n    let password = \"hunter2\";\n    1\n}\n";
        let sent = text.replace("hunter2", "*******");
        let answer = format!("```\n{}```", sent.replace("    1\n", "    2\n"));
        let edits = edits(Form::Anew, &file(text), 0, &sent, &answer).unwrap();
        assert_eq!(
            edits,
            [Edit { range: text.find("    1").unwrap()..text.find("}\n").unwrap(), text: "    2\n".into() }]
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_answer_is_read(answer in "[<>= \\n`a-z*{}]{0,80}", blocks in any::<bool>()) {
            let form = if blocks { Form::Blocks } else { Form::Anew };
            if let Ok(edits) = edits(form, &file(TEXT), 0, TEXT, &answer) {
                prop_assert!(edits.iter().all(|edit| TEXT.get(edit.range.clone()).is_some()));
                prop_assert!(edits.is_sorted_by_key(|edit| edit.range.start));
            }
        }

        #[test]
        fn lines_written_anew_give_just_these_lines(new in "([a-c ]{0,3}\\n){1,8}") {
            prop_assume!(!new.trim().is_empty() && !new.starts_with(' '));
            let old = "a\nb\nc\n";
            let mut text = old.to_owned();
            for edit in edits(Form::Anew, &file(old), 0, old, &format!("```\n{new}```")).unwrap().into_iter().rev() {
                text.replace_range(edit.range, &edit.text);
            }
            prop_assert_eq!(text, new);
        }
    }
}

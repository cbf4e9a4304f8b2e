//! What goes into the prompt of a task on demand: what it must hold, and of all else what is worth most, within the task's ceiling for input. Input
//! is most of the price, so heads and outlines stand for bodies. It leaves finding definitions elsewhere to the server.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use super::change::{Change, Hunk};
use super::item;
use super::source::Source;
use crate::mask::Masks;
use crate::tokens::estimate;

/// Share of the input ceiling that the hunks of one request may fill; the rest is for what explains them.
const HUNKS: f64 = 0.6;
/// Share of the input ceiling that the outlines of a review's files may fill. All its requests begin with them, for the provider's cache.
const OUTLINES: f64 = 0.2;
/// Most tokens of the outline of one file.
const OUTLINE: u32 = 400;

/// What a part of a prompt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// What is to be done, in the user's words or ours.
    Instruction,
    /// What a compiler or linter reports.
    Diagnostic,
    /// Lines that changed.
    Hunk,
    /// The lines that the task is about.
    Lines,
    /// The head of an item around a hunk.
    Head,
    /// A definition of a name that occurs.
    Definition,
    /// A pattern for what is to be written.
    Pattern,
    /// The heads of a file's items.
    Outline,
}

/// A part of a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Its file, as prompts show it; empty for what stands in none.
    pub path: String,
    /// Its first line in the file, counted from 1; 0 for what stands in none.
    pub line: usize,
    /// Its text.
    pub text: String,
}

/// A definition that was found for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name.
    pub name: String,
    /// Its file, as prompts show it.
    pub path: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The head of the item.
    pub text: String,
}

/// The parts that a prompt must hold, and those that it may hold, the most useful first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Without one of these the task has no sense.
    pub must: Vec<Part>,
    /// What helps.
    pub may: Vec<Part>,
}

/// The parts of a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Brief {
    /// The parts, the most stable first, so that prompts which begin alike share a provider's cache.
    pub parts: Vec<Part>,
    /// What was left out because the ceiling was reached.
    pub left_out: Vec<Part>,
}

impl Part {
    /// A part that stands in no file.
    pub fn said(kind: PartKind, text: impl Into<String>) -> Part {
        Part { kind, path: String::new(), line: 0, text: text.into() }
    }

    /// Some bytes of a file.
    pub fn of(kind: PartKind, file: &Source, range: Range<usize>) -> Part {
        let text = file.text.get(range.clone()).unwrap_or_default().to_owned();
        Part { kind, path: file.path.clone(), line: file.line(range.start) + 1, text }
    }

    /// Masks keys and passwords in its path, and in its text if that stands in no file: a file's text is masked when it is read.
    pub fn mask(&mut self, masks: &mut Masks) {
        if self.path.is_empty() {
            self.text = masks.masked(&self.text, "").unwrap_or_default();
        }
        self.path = masks.masked(&self.path, "").unwrap_or_default();
    }

    /// The part as it stands in a prompt.
    pub fn shown(&self) -> String {
        let text = self.text.trim_end_matches('\n');
        let place = match (self.path.as_str(), self.line) {
            ("", _) => return format!("{text}\n"),
            (path, 0) => path.to_owned(),
            (path, line) => format!("{path}:{line}"),
        };
        let what = match self.kind {
            PartKind::Instruction | PartKind::Diagnostic => "",
            PartKind::Hunk => " changed (number, + new, - removed)",
            PartKind::Lines => " the lines",
            PartKind::Head => " around the change",
            PartKind::Definition => " definition",
            PartKind::Pattern => " as a pattern",
            PartKind::Outline => " outline",
        };
        let fence = "`".repeat(longest_ticks(text).max(2) + 1);
        format!("{place}{what}:\n{fence}\n{text}\n{fence}\n")
    }

    /// Its tokens.
    pub fn tokens(&self, chars_per_token: f32) -> u32 {
        estimate(&self.shown(), chars_per_token)
    }
}

fn longest_ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// The parts of a need that fit into this many tokens. What must be there is there, even if it is more: whether that is sent is for the caller to say.
pub fn brief(need: Need, tokens: u32, chars_per_token: f32) -> Brief {
    let mut left = need.must.iter().fold(tokens, |left, part| left.saturating_sub(part.tokens(chars_per_token)));
    let mut brief = Brief { parts: need.must, left_out: Vec::new() };
    for part in need.may {
        let size = part.tokens(chars_per_token);
        if size <= left && !brief.parts.iter().any(|other| other.holds(&part)) {
            left -= size;
            brief.parts.push(part);
        } else if size > left {
            brief.left_out.push(part);
        }
    }
    brief.parts.sort_by_key(|part| std::cmp::Reverse(part.kind));
    brief
}

impl Part {
    /// Whether another part stands in this one.
    fn holds(&self, other: &Part) -> bool {
        self.path == other.path && self.line > 0 && self.text.contains(other.text.trim_end())
    }
}

impl Brief {
    /// The tokens of all parts.
    pub fn tokens(&self, chars_per_token: f32) -> u32 {
        self.parts.iter().map(|part| part.tokens(chars_per_token)).sum()
    }

    /// The parts as a prompt holds them.
    pub fn shown(&self) -> String {
        self.parts.iter().map(Part::shown).collect::<Vec<_>>().join("\n")
    }
}

/// Finds definitions of names elsewhere in the workspace: those of the names that it knows.
pub type Find<'f> = &'f dyn Fn(&BTreeMap<String, usize>) -> Vec<Found>;

/// What the lines of a scope in a file need: the item around it, the heads of what it names, and an outline of the file.
pub fn lines(file: &Source, scope: &Range<usize>, find: Find<'_>) -> Need {
    let text = file.text.get(scope.clone()).unwrap_or_default();
    let must = vec![Part::of(PartKind::Lines, file, scope.clone())];
    let around = file.items().iter().filter(|item| item.whole.start < scope.start && scope.end <= item.whole.end);
    let heads = around.map(|item| Part::of(PartKind::Head, file, item.head.clone()));
    let mut may: Vec<Part> = heads.collect();
    may.extend(definitions(file, text, std::slice::from_ref(scope), find));
    may.extend(outline(file, std::slice::from_ref(scope), OUTLINE));
    Need { must, may }
}

/// The heads of the items that a text names: those of its own file first, then those that are found elsewhere, the most used first.
fn definitions(file: &Source, text: &str, but: &[Range<usize>], find: Find<'_>) -> Vec<Part> {
    let mut names = item::names(text, file.language);
    let mut found: Vec<(usize, Part)> = Vec::new();
    for item in file.items() {
        let is_here = but.iter().any(|part| part.start <= item.head.start && item.head.end <= part.end);
        if let Some(uses) = names.get(&item.name).copied().filter(|_| !is_here) {
            found.push((
                uses,
                Part { text: item.shown(&file.text), ..Part::of(PartKind::Definition, file, item.head.clone()) },
            ));
        }
    }
    for item in file.items() {
        names.remove(&item.name);
    }
    let elsewhere = find(&names).into_iter().map(|Found { name, path, line, text }| {
        (names.get(&name).copied().unwrap_or(0), Part { kind: PartKind::Definition, path, line, text })
    });
    found.extend(elsewhere);
    found.sort_by_key(|(uses, _)| std::cmp::Reverse(*uses));
    found.into_iter().map(|(_, part)| part).collect()
}

/// The outline of a file, without what is shown anyway.
fn outline(file: &Source, but: &[Range<usize>], most: u32) -> Option<Part> {
    let text = item::outline(&file.text, file.items(), but);
    let mut kept = String::new();
    for line in text.split_inclusive('\n') {
        if estimate(&kept, crate::tokens::REFERENCE_CHARS_PER_TOKEN) >= most {
            kept.push_str("…\n");
            break;
        }
        kept.push_str(line);
    }
    let part = Part { kind: PartKind::Outline, path: file.path.clone(), line: 0, text: kept };
    (!part.text.is_empty()).then_some(part)
}

/// A review, as requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Review {
    /// The beginning of each request: the outlines of all files.
    pub shared: Vec<Part>,
    /// The requests.
    pub rounds: Vec<Round>,
}

/// One request of a review: hunks of files, by the number of the change, and what they need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// The hunks of each change that it holds.
    pub hunks: Vec<(usize, Vec<Hunk>)>,
    /// What the prompt must and may hold.
    pub need: Need,
}

/// A review of changes: as many hunks in each request as the ceiling for input allows, by file. A hunk larger than that has a request of its own.
pub fn review(changes: &[Change], tokens: u32, chars_per_token: f32, find: Find<'_>) -> Review {
    let most = (f64::from(tokens) * HUNKS) as u32;
    let (mut rounds, mut left): (Vec<Round>, u32) = (Vec::new(), 0);
    for (number, change) in changes.iter().enumerate() {
        for hunk in change.hunks() {
            let part = part(change, &hunk);
            let size = part.tokens(chars_per_token);
            if size > left || rounds.is_empty() {
                rounds.push(Round::default());
                left = most;
            }
            left = left.saturating_sub(size);
            let Some(round) = rounds.last_mut() else { continue };
            match round.hunks.last_mut() {
                Some((of, hunks)) if *of == number => hunks.push(hunk),
                _ => round.hunks.push((number, vec![hunk])),
            }
            round.need.must.push(part);
        }
    }
    for round in &mut rounds {
        let may = round.hunks.iter().filter_map(|(number, hunks)| Some(around(changes.get(*number)?, hunks, find)));
        round.need.may = by_worth(may.collect());
    }
    let each = (f64::from(tokens) * OUTLINES) as u32 / u32::try_from(changes.len().max(1)).unwrap_or(u32::MAX);
    let shared = changes.iter().filter_map(|change| outline(&change.now, &[], each.min(OUTLINE))).collect();
    Review { shared, rounds }
}

fn part(change: &Change, hunk: &Hunk) -> Part {
    Part { kind: PartKind::Hunk, path: change.now.path.clone(), line: hunk.shown.start + 1, text: hunk.text.clone() }
}

/// What helps to understand the hunks of a file: heads of the items around them, and definitions of what they name.
fn around(change: &Change, hunks: &[Hunk], find: Find<'_>) -> Vec<Part> {
    let file = &change.now;
    let shown: Vec<Range<usize>> = hunks.iter().map(|hunk| file.lines(hunk.shown.clone())).collect();
    let is_around =
        |item: &&item::Item| shown.iter().any(|part| item.whole.start < part.end && part.start < item.whole.end);
    let is_seen =
        |item: &&item::Item| shown.iter().any(|part| part.start <= item.head.start && item.head.end <= part.end);
    let heads = file.items().iter().filter(is_around).filter(|item| !is_seen(item));
    let mut parts: Vec<Part> = heads
        .map(|item| Part { text: item.shown(&file.text), ..Part::of(PartKind::Head, file, item.head.clone()) })
        .collect();
    let text: String = hunks.iter().map(|hunk| code(&hunk.text)).collect();
    parts.extend(definitions(file, &text, &shown, find));
    parts
}

/// The code of a hunk's text, without numbers and signs.
fn code(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.get(6..).unwrap_or_default())).collect()
}

/// Parts of several files by what they are worth: heads, then definitions in turn.
fn by_worth(files: Vec<Vec<Part>>) -> Vec<Part> {
    let mut all: Vec<(PartKind, usize, Part)> = files
        .into_iter()
        .flat_map(|parts| parts.into_iter().enumerate().map(|(place, part)| (part.kind, place, part)))
        .collect();
    all.sort_by_key(|(kind, place, _)| (*kind, *place));
    let mut parts: Vec<Part> = Vec::new();
    for (_, _, part) in all {
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUST: &str = "fn helper(a: u8) -> u8 {\n    a\n}\n\nimpl A {\n    fn add(&self) -> u8 {\n        let x = helper(1);\n        let y = far(2);\n        x + y\n    }\n}\n\nfn unused() {}\n";

    fn file(text: &str) -> Source {
        Source::new("src/a.rs", pennyworth_grammars::by_name("rust").unwrap(), text)
    }

    fn far(names: &BTreeMap<String, usize>) -> Vec<Found> {
        let found =
            Found { name: "far".into(), path: "b.rs".into(), line: 3, text: "pub fn far(a: u8) -> u8 …".into() };
        names.contains_key("far").then_some(found).into_iter().collect()
    }

    fn kinds(parts: &[Part]) -> Vec<(PartKind, &str)> {
        parts.iter().map(|part| (part.kind, part.path.as_str())).collect()
    }

    #[test]
    fn a_review_has_heads_and_definitions_instead_of_files() {
        let text = RUST.replace(
            "        let x",
            &"        let _ = 0;\n".repeat(4).chars().chain("        let x".chars()).collect::<String>(),
        );
        let change = Change { before: text.replace("helper(1)", "0").replace("far(2)", "0"), now: file(&text) };
        let Review { shared, rounds } = review(std::slice::from_ref(&change), 1000, 4.0, &far);
        assert_eq!((shared.len(), rounds.len()), (1, 1));
        assert!(shared[0].text.contains("17: fn unused()"), "{shared:?}");
        let brief = brief(rounds[0].need.clone(), 1000, 4.0);
        let shown = brief.shown();
        for expected in [
            "  11+         let x = helper(1);",
            "impl A …",
            "fn helper(a: u8) -> u8 …",
            "b.rs:3 definition:\n```\npub fn far",
        ] {
            assert!(shown.contains(expected), "{expected}\n{shown}");
        }
    }

    #[test]
    fn what_is_worth_least_is_left_out_and_what_must_be_there_is_not() {
        let scope = RUST.find("    fn add").unwrap()..RUST.find("\n}\n\nfn unused").unwrap() + 1;
        let source = file(RUST);
        let need = lines(&source, &scope, &far);
        let all = brief(need.clone(), 1000, 4.0);
        let all_kinds = [
            (PartKind::Outline, "src/a.rs"),
            (PartKind::Definition, "src/a.rs"),
            (PartKind::Definition, "b.rs"),
            (PartKind::Head, "src/a.rs"),
            (PartKind::Lines, "src/a.rs"),
        ];
        assert_eq!(kinds(&all.parts), all_kinds);
        let few = brief(need.clone(), 75, 4.0);
        assert!(few.tokens(4.0) <= 75 && !few.left_out.is_empty(), "{:?}", kinds(&few.parts));
        assert_eq!(kinds(&few.left_out).last(), Some(&(PartKind::Outline, "src/a.rs")));
        assert_eq!(kinds(&brief(need, 1, 4.0).parts), [(PartKind::Lines, "src/a.rs")]);
    }

    #[test]
    fn a_large_change_is_several_requests() {
        let text: String = (0..400).map(|n| format!("let a{n} = {n};\n")).collect();
        let before: String = (0..400).filter(|n| n % 20 != 0).map(|n| format!("let a{n} = {n};\n")).collect();
        let changes = [Change { before, now: file(&text) }, Change { before: String::new(), now: file("fn a() {}\n") }];
        let Review { rounds, .. } = review(&changes, 300, 4.0, &|_| Vec::new());
        assert!(rounds.len() > 2, "{}", rounds.len());
        let hunks: usize = rounds.iter().flat_map(|round| &round.hunks).map(|(_, hunks)| hunks.len()).sum();
        assert_eq!(hunks, 21);
        let sizes = rounds.iter().map(|round| round.need.must.iter().map(|part| part.tokens(4.0)).sum::<u32>());
        assert!(sizes.max().unwrap() <= 180);
    }

    #[test]
    fn a_fence_is_longer_than_any_in_the_text() {
        let part = Part { kind: PartKind::Lines, path: "a.md".into(), line: 1, text: "````\na\n````\n".into() };
        assert_eq!(part.shown(), "a.md:1 the lines:\n`````\n````\na\n````\n`````\n");
        assert_eq!(Part::said(PartKind::Instruction, "Do it.").shown(), "Do it.\n");
    }
}

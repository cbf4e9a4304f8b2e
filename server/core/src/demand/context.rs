//! What goes into the prompt of a task on demand: what it must hold, and of all else what is worth most, within the task's ceiling for input. Input
//! is most of the price, so heads and outlines stand for bodies. It leaves finding definitions elsewhere to the server.

use std::ops::Range;

use super::change::{Change, Hunk};
use super::item;
use super::named::{self, Find};
use super::part::{Part, PartKind};
use super::source::Source;
use crate::tokens::estimate;

/// Share of the input ceiling that the hunks of one request may fill; the rest is for what explains them.
pub const HUNKS: f64 = 0.6;
/// Share of the input ceiling that the outlines of a review's files may fill. All its requests begin with them, for the provider's cache.
const OUTLINES: f64 = 0.2;
/// How much more a name helps that stands in a line that changed than one that stands beside it.
const CHANGED: usize = 100;

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

/// What the lines of a scope in a file need: the item around it, the heads of what it names, and an outline of the file of at most so many tokens.
pub fn lines(file: &Source, scope: &Range<usize>, most: u32, find: Find<'_>) -> Need {
    let must = vec![Part::of(PartKind::Lines, file, scope.clone())];
    let around = file.items().iter().filter(|item| item.whole.start < scope.start && scope.end <= item.whole.end);
    let heads = around.map(|item| Part::of(PartKind::Head, file, item.head.clone()));
    let mut may: Vec<Part> = heads.collect();
    let names = named::names(file, &[(scope.clone(), 1)]);
    let definitions = named::definitions(file, names, std::slice::from_ref(scope), find);
    // What is defined above needs no line in the outline.
    let shown = definitions.iter().filter(|part| part.path == file.path).map(|part| part.line - 1);
    let shown: Vec<Range<usize>> = shown.map(|line| file.lines(line..line + 1)).collect();
    let outline = outline(file, &[&shown[..], std::slice::from_ref(scope)].concat(), most);
    may.extend(definitions);
    may.extend(outline);
    Need { must, may }
}

/// The lines of a scope around some of them that have at most so many tokens, at least these. A scope that is too large for a prompt is shown in part.
pub fn narrowed(file: &Source, scope: Range<usize>, at: Range<usize>, tokens: u32) -> Range<usize> {
    let size = |lines: Range<usize>| {
        let text = file.text.get(file.lines(lines)).unwrap_or_default();
        estimate(text, crate::tokens::REFERENCE_CHARS_PER_TOKEN)
    };
    if size(scope.clone()) <= tokens {
        return scope;
    }
    let mut shown = at.start.max(scope.start)..at.end.min(scope.end);
    let mut left = tokens.saturating_sub(size(shown.clone()));
    loop {
        let before = shown.clone();
        let next = [
            shown.start.checked_sub(1).filter(|line| *line >= scope.start),
            Some(shown.end).filter(|line| *line < scope.end),
        ];
        for line in next.into_iter().flatten() {
            let size = size(line..line + 1);
            if size <= left {
                left -= size;
                shown = shown.start.min(line)..shown.end.max(line + 1);
            }
        }
        if shown == before {
            return shown;
        }
    }
}

/// The outline of a file, without the heads in `but`.
fn outline(file: &Source, but: &[Range<usize>], most: u32) -> Option<Part> {
    let text = item::outline(&file.text, file.items(), but);
    let mut kept = String::new();
    for line in text.split_inclusive('\n').take_while(|_| most > 0) {
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

/// A review of changes: as many hunks in each request as the ceiling for input allows, by file. A hunk larger than that is cut into pieces. The ceilings
/// are those of a request and of the outline of a file.
pub fn review(changes: &[Change], (tokens, outline): (u32, u32), chars_per_token: f32, find: Find<'_>) -> Review {
    let most = (f64::from(tokens) * HUNKS) as u32;
    let (mut rounds, mut left): (Vec<Round>, u32) = (Vec::new(), 0);
    for (number, change) in changes.iter().enumerate() {
        for hunk in change.hunks().into_iter().flat_map(|hunk| pieces(change, hunk, most, chars_per_token)) {
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
    let shared = outlines(changes, &rounds, (tokens, outline));
    let is_outlined = |part: &Part| {
        let has = |outline: &Part| outline.path == part.path && outline.text.contains(&part.text);
        part.kind == PartKind::Definition && shared.iter().any(has)
    };
    for round in &mut rounds {
        let may = round.hunks.iter().filter_map(|(number, hunks)| Some(around(changes.get(*number)?, hunks, find)));
        round.need.may = by_worth(may.collect());
        round.need.may.retain(|part| !is_outlined(part));
    }
    Review { shared, rounds }
}

/// The outlines of files that changed. A single request has the heads that its hunks show already; several have one beginning.
fn outlines(changes: &[Change], rounds: &[Round], (tokens, most): (u32, u32)) -> Vec<Part> {
    let each = (f64::from(tokens) * OUTLINES) as u32 / u32::try_from(changes.len().max(1)).unwrap_or(u32::MAX);
    let of = |(number, change): (usize, &Change)| {
        let only = if let [round] = rounds { round.hunks.as_slice() } else { &[] };
        let hunks = only.iter().filter(|(of, _)| *of == number).flat_map(|(_, hunks)| hunks);
        let shown: Vec<Range<usize>> = hunks.map(|hunk| change.now.lines(hunk.shown.clone())).collect();
        outline(&change.now, &shown, each.min(most))
    };
    changes.iter().enumerate().filter_map(of).collect()
}

/// A hunk as parts of at most so many tokens can show it.
pub fn pieces(change: &Change, hunk: Hunk, most: u32, chars_per_token: f32) -> Vec<Hunk> {
    let frame = part(change, &Hunk { text: String::new(), ..hunk.clone() }).tokens(chars_per_token);
    hunk.pieces(most.saturating_sub(frame).max(1), |text| estimate(text, chars_per_token))
}

/// A hunk as a part of a prompt.
pub fn part(change: &Change, hunk: &Hunk) -> Part {
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
    let around = shown.iter().map(|part| (part.clone(), 1));
    let changed = hunks.iter().flat_map(|hunk| &hunk.changed).map(|lines| (file.lines(lines.clone()), CHANGED));
    let names = named::names(file, &around.chain(changed).collect::<Vec<_>>());
    parts.extend(named::definitions(file, names, &shown, find));
    parts
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
    use super::super::named::{Found, Names};
    use super::*;

    const RUST: &str = "fn helper(a: u8) -> u8 {\n    a\n}\n\nimpl A {\n    fn add(&self) -> u8 {\n        let x = helper(1);\n        let y = far(2);\n        x + y\n    }\n}\n\nfn unused() {}\n";

    fn file(text: &str) -> Source {
        Source::new("src/a.rs", pennyworth_grammars::by_name("rust").unwrap(), text)
    }

    fn far(names: &Names) -> Vec<Found> {
        let (name, path, text) = ("far".into(), "b.rs".into(), "pub fn far(a: u8) -> u8 …".into());
        let found = Found { name, path, line: 3, text, member: None };
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
        let Review { shared, rounds } = review(std::slice::from_ref(&change), (1000, 400), 4.0, &far);
        assert_eq!((shared.len(), rounds.len()), (1, 1));
        // What the outline has is not there twice.
        assert!(shared[0].text.starts_with("1: fn helper(a: u8) -> u8 …\n"), "{shared:?}");
        assert!(shared[0].text.contains("17: fn unused()"), "{shared:?}");
        let brief = brief(rounds[0].need.clone(), 1000, 4.0);
        let shown = brief.shown();
        for expected in ["11+         let x = helper(1);", "impl A …", "b.rs:3 definition:\n```\npub fn far"] {
            assert!(shown.contains(expected), "{expected}\n{shown}");
        }
    }

    #[test]
    fn what_is_worth_least_is_left_out_and_what_must_be_there_is_not() {
        let scope = RUST.find("    fn add").unwrap()..RUST.find("\n}\n\nfn unused").unwrap() + 1;
        let source = file(RUST);
        let need = lines(&source, &scope, 400, &far);
        let all = brief(need.clone(), 1000, 4.0);
        let all_kinds = [
            (PartKind::Outline, "src/a.rs"),
            (PartKind::Definition, "b.rs"),
            (PartKind::Definition, "src/a.rs"),
            (PartKind::Head, "src/a.rs"),
            (PartKind::Lines, "src/a.rs"),
        ];
        assert_eq!(kinds(&all.parts), all_kinds);
        // A task whose row gives an outline no tokens has none.
        let without = lines(&source, &scope, 0, &far);
        assert_eq!(kinds(&brief(without, 1000, 4.0).parts), all_kinds[1..]);
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
        let Review { rounds, .. } = review(&changes, (300, 400), 4.0, &|_| Vec::new());
        assert!(rounds.len() > 2, "{}", rounds.len());
        let hunks: usize = rounds.iter().flat_map(|round| &round.hunks).map(|(_, hunks)| hunks.len()).sum();
        assert_eq!(hunks, 21);
        let sizes = rounds.iter().map(|round| round.need.must.iter().map(|part| part.tokens(4.0)).sum::<u32>());
        assert!(sizes.max().unwrap() <= 180);
    }

    #[test]
    fn one_large_hunk_is_several_requests_that_fit() {
        let text: String = (0..400).map(|n| format!("let a{n} = {n};\n")).collect();
        let changes = [Change { before: String::new(), now: file(&text) }];
        let Review { rounds, .. } = review(&changes, (300, 400), 4.0, &|_| Vec::new());
        let sizes = rounds.iter().map(|round| round.need.must.iter().map(|part| part.tokens(4.0)).sum::<u32>());
        assert!(rounds.len() > 10 && sizes.max().unwrap() <= 180, "{}", rounds.len());
        let lines = rounds.iter().flat_map(|round| &round.hunks).flat_map(|(_, hunks)| hunks);
        let lines: Vec<usize> = lines.flat_map(|hunk| hunk.shown.clone()).collect();
        assert_eq!(lines, (0..400).collect::<Vec<_>>());
    }
}

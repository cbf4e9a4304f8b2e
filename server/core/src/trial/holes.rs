//! Where holes may be cut into a text, and which of them are taken. Each line has at most one, of one kind of place: the rest of a line, a node of the
//! syntax tree, or what stands between two brackets. Which one is a hash of the line, so that an edit elsewhere leaves a hole as it was; which holes are
//! taken depends on a seed. It leaves finding a hole's task to `classify`.

use std::collections::BTreeMap;
use std::ops::Range;

use pennyworth_grammars::Language;
use tree_sitter::{Node, Tree};

use crate::lex;
use crate::task::Task;

/// Fewest characters of a hole that are not blank: less is typed faster than read.
const FEWEST: usize = 4;
/// Most lines of a hole, as of a suggestion.
const LINES: usize = 12;
/// Most bytes of a hole.
const BYTES: usize = 800;

/// A part of a text that is cut out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hole {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// A number made of the file's name, the line and the missing text. It says nothing of them.
    pub id: u64,
    /// Whether it stands in a line that changed lately.
    pub is_recent: bool,
}

/// The places of a line where a hole may begin, by kind.
#[derive(Default)]
struct Places {
    /// The rest of the line.
    lines: Vec<Range<usize>>,
    /// A node that does not end with the line.
    nodes: Vec<Range<usize>>,
    /// What stands between two brackets on several lines.
    insides: Vec<Range<usize>>,
}

/// The holes of a text, at most one a line. `recent` are the lines that changed lately, counted from 0.
pub fn holes(
    name: &str,
    text: &str,
    (language, tree): (&'static Language, Option<&Tree>),
    recent: &[Range<usize>],
) -> Vec<Hole> {
    let (mut start, mut holes) = (0, BTreeMap::new());
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let places = places(text, (language, tree), start..start + line.trim_end().len());
        start += line.len();
        let at = mixed(0, &[name, line]);
        let kinds: Vec<&Vec<Range<usize>>> =
            [&places.lines, &places.nodes, &places.insides].into_iter().filter(|kind| !kind.is_empty()).collect();
        let Some(kind) = pick(&kinds, at) else { continue };
        let Some(range) = pick(kind, at / 7) else { continue };
        let id = mixed(0, &[name, line, text.get(range.clone()).unwrap_or_default()]);
        let is_recent = recent.iter().any(|lines| lines.contains(&number));
        // Of lines that are alike, the first stands for all.
        holes.entry(id).or_insert(Hole { range: range.clone(), id, is_recent });
    }
    holes.into_values().collect()
}

fn pick<T>(of: &[T], number: u64) -> Option<&T> {
    of.get((number % of.len().max(1) as u64) as usize)
}

fn places(text: &str, (language, tree): (&'static Language, Option<&Tree>), line: Range<usize>) -> Places {
    let mut places = Places::default();
    let words = text.get(line.clone()).unwrap_or_default();
    let facts = language.facts();
    let mut before = None;
    for (at, sign) in words.char_indices() {
        let is_behind_word = before.is_some_and(|before| lex::is_word(facts, before));
        let is_behind_blank = before.is_none_or(char::is_whitespace);
        let begins = match sign {
            '"' | '\'' => !is_behind_word,
            '[' | '(' | '&' | '*' | '#' | '@' | '$' => is_behind_blank,
            _ => lex::is_word(facts, sign) && !is_behind_word,
        };
        if begins {
            let start = line.start + at;
            let rest = start..line.end;
            if fits(text, &rest) && is_balanced(text, &rest, language) {
                places.lines.push(rest);
            }
            let node = tree.and_then(|tree| widest(tree, start)).map(|node| start..node.end_byte());
            places.nodes.extend(node.filter(|node| node.end != line.end && fits(text, node)));
        }
        before = Some(sign);
    }
    if let Some(inside) = tree.and_then(|tree| inside(tree, text, &line)).filter(|inside| fits(text, inside)) {
        places.insides.push(inside);
    }
    places
}

/// Whether a hole is neither too small nor too large.
fn fits(text: &str, range: &Range<usize>) -> bool {
    let missing = text.get(range.clone()).unwrap_or_default();
    let solid = missing.chars().filter(|sign| !sign.is_whitespace()).take(FEWEST).count();
    solid == FEWEST && missing.len() <= BYTES && missing.lines().count() <= LINES
}

/// Whether no bracket of a hole has its other half outside.
fn is_balanced(text: &str, range: &Range<usize>, language: &Language) -> bool {
    let scan = lex::scan(text.get(range.clone()).unwrap_or_default(), language.facts());
    scan.open.is_empty() && scan.unopened.is_empty()
}

/// The largest node that begins at a byte, below the root.
fn widest(tree: &Tree, start: usize) -> Option<Node<'_>> {
    let mut node =
        tree.root_node().descendant_for_byte_range(start, start).filter(|node| node.start_byte() == start)?;
    while let Some(parent) = node.parent().filter(|parent| parent.start_byte() == start && parent.parent().is_some()) {
        node = parent;
    }
    Some(node)
}

/// What stands between the last bracket that a line opens and its other half on a later line.
fn inside(tree: &Tree, text: &str, line: &Range<usize>) -> Option<Range<usize>> {
    let opener = line
        .end
        .checked_sub(1)
        .filter(|_| text.get(line.clone()).is_some_and(|line| line.ends_with(['{', '(', '['])))?;
    let node = tree.root_node().descendant_for_byte_range(opener, opener + 1)?.parent()?;
    let last = node.child(node.child_count().checked_sub(1)?).filter(|last| last.start_byte() > line.end)?;
    let all = text.get(line.end..last.start_byte())?;
    let (start, end) = (line.end + (all.len() - all.trim_start().len()), line.end + all.trim_end().len());
    (start < end && matches!(text.get(last.byte_range()), Some("}" | ")" | "]"))).then_some(start..end)
}

/// Takes about as many of each task, those first that are recent, and of these by chance. What tasks with few cannot give, the others do.
pub fn stratified(pool: Vec<(Task, Hole)>, count: usize, seed: u64) -> Vec<(Task, Hole)> {
    let mut strata: BTreeMap<Task, Vec<Hole>> = BTreeMap::new();
    for (task, hole) in pool {
        strata.entry(task).or_default().push(hole);
    }
    let by_chance = |hole: &Hole| (!hole.is_recent, rank(seed, hole.id));
    // The last is taken first.
    strata.values_mut().for_each(|holes| holes.sort_by_key(|hole| std::cmp::Reverse(by_chance(hole))));
    let mut taken = Vec::new();
    while taken.len() < count && strata.values().any(|holes| !holes.is_empty()) {
        let one_of_each = strata.iter_mut().filter_map(|(task, holes)| Some((*task, holes.pop()?)));
        taken.extend(one_of_each.take(count - taken.len()));
    }
    taken
}

/// The place of a hole in an order by chance.
pub fn rank(seed: u64, id: u64) -> u64 {
    mixed(seed ^ id, &[])
}

/// A number made of a seed and texts, the same on every machine and in every version: FNV-1a, with the last step of SplitMix64.
pub fn mixed(seed: u64, texts: &[&str]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let bytes = seed.to_le_bytes().into_iter().chain(texts.iter().flat_map(|text| text.bytes().chain([0xff])));
    let hash = bytes.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME));
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use pennyworth_grammars::by_name;

    use super::*;
    use crate::syntax;

    const SOURCE: &str = "use std::fmt;\n\nfn scaled(n: u8, rate: u8) -> u8 {\n    let much = n * rate;\n    call(much, n)\n}\n\nfn other() {\n    let list = vec![\n        one(),\n        two(),\n    ];\n}\n";

    fn cut(name: &str, source: &str, recent: &[Range<usize>]) -> Vec<Hole> {
        let language = by_name("rust").unwrap();
        let tree = syntax::parse_excerpt(source, language, None, &mut { usize::MAX });
        holes(name, source, (language, tree.as_ref()), recent)
    }

    #[test]
    fn holes_are_of_all_kinds_and_whole() {
        let texts: Vec<&str> = (0..40)
            .flat_map(|name| cut(&name.to_string(), SOURCE, &[]))
            .filter_map(|hole| SOURCE.get(hole.range))
            .collect();
        for expected in [
            "let much = n * rate;",
            "rate;",
            "call(much, n)",
            "let much = n * rate;\n    call(much, n)",
            "one(),\n        two(),",
        ] {
            assert!(texts.contains(&expected), "{expected}: {texts:?}");
        }
        for text in texts {
            assert!(lex::scan(text, by_name("rust").unwrap().facts()).open.is_empty(), "{text}");
        }
    }

    #[test]
    fn an_edit_elsewhere_leaves_a_hole_as_it_was() {
        let recent = std::slice::from_ref(&(3..5));
        let before = cut("a.rs", SOURCE, recent);
        assert_eq!(before.iter().filter(|hole| hole.is_recent).count(), 2);
        let after = cut("a.rs", &format!("//! More.\n\n{SOURCE}"), &[]);
        for hole in &before {
            assert!(after.iter().any(|other| other.id == hole.id), "{hole:?}");
        }
        assert_ne!(cut("b.rs", SOURCE, recent), before);
    }

    #[test]
    fn each_task_gets_its_share_and_recent_holes_come_first() {
        let hole = |id, is_recent| Hole { range: 0..1, id, is_recent };
        let mut pool: Vec<(Task, Hole)> = (0..50).map(|id| (Task::Line, hole(id, id < 2))).collect();
        pool.extend((50..53).map(|id| (Task::Argument, hole(id, false))));
        let taken = stratified(pool.clone(), 10, 1);
        let of = |task| taken.iter().filter(|(of, _)| *of == task).count();
        assert_eq!((of(Task::Line), of(Task::Argument)), (7, 3));
        assert!([0, 1].iter().all(|id| taken.iter().any(|(_, hole)| hole.id == *id)), "{taken:?}");
        pool.reverse();
        assert_eq!(stratified(pool.clone(), 10, 1), taken, "the order of the pool says nothing");
        assert_ne!(stratified(pool.clone(), 10, 2), taken);
        assert_eq!(stratified(pool, 100, 1).len(), 53);
    }
}

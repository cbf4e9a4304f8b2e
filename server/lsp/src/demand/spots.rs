//! Where new tests go in a file that holds others: at the end of their class or module, or at the end of the file, before what runs it. It leaves
//! which file that is to `tests_of`.

use std::ops::Range;
use std::path::{Path, PathBuf};

use pennyworth_core::demand::{Item, Source};
use pennyworth_core::present::detect_indent;
use pennyworth_grammars::Layout;

use super::about::Spot;

/// What the last lines of a file of tests begin with, which run it.
const RUNS: [&str; 1] = ["if __name__"];
/// Names of files that are the module of their folder.
const OF_FOLDER: [&str; 3] = ["lib", "main", "mod"];

/// The end of a file.
pub(super) fn end(source: &Source) -> Spot {
    let text = &source.text;
    let lines = text.split_inclusive('\n').scan(0, |at, line| {
        *at += line.len();
        Some((*at - line.len(), line))
    });
    let runs = lines.filter(|(_, line)| RUNS.iter().any(|runs| line.starts_with(runs))).last();
    let lead = |before: &str| match before {
        "" => "",
        before if before.ends_with("\n\n") => "",
        before if before.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    match runs {
        Some((at, _)) => {
            let lead = lead(text.get(..at).unwrap_or_default()).to_owned();
            Spot { at, lead, tail: "\n\n".into(), depth: String::new() }
        }
        None => {
            let lead = if text.ends_with('\n') { "\n" } else { lead(text) };
            Spot { at: text.len(), lead: lead.into(), tail: String::new(), depth: String::new() }
        }
    }
}

/// The class that holds the tests of a file, if they stand in one: the last one.
pub(super) fn class(source: &Source) -> Option<&Item> {
    let items = source.items();
    let inside = |outer: &Item, item: &Item| {
        outer.range.start < item.range.start && item.range.end <= outer.range.end && !item.is_type
    };
    let holds = |outer: &&Item| {
        let is_class = outer.is_type && !outer.is_extension;
        is_class && items.iter().any(|item| inside(outer, item) && source.is_test(item))
    };
    let is_alone = |item: &Item| !item.is_type && item.depth == 0 && source.is_test(item);
    let mut classes: Vec<&Item> = items.iter().filter(holds).collect();
    let outermost = classes.iter().map(|class| class.depth).min()?;
    classes.retain(|class| class.depth == outermost);
    classes.pop().filter(|_| !items.iter().any(is_alone))
}

/// The end of a class or module; `opening` is what stands first in an empty one. `None` where its end is not known.
pub(super) fn inside(source: &Source, holder: &Item, opening: &str) -> Option<Spot> {
    let (text, facts) = (&source.text, source.language.facts());
    let own = text.get(holder.range.clone())?;
    let unit = detect_indent(text.lines(), &facts.indent);
    let items =
        source.items().iter().filter(|item| item.depth > holder.depth && holder.range.contains(&item.range.start));
    let depth = items.map(|item| indent(text, item.head.start)).find(|depth| !depth.is_empty());
    let outer = indent(text, holder.head.start);
    let depth = depth.map_or_else(|| format!("{outer}{unit}"), str::to_owned);
    if facts.layout == Layout::Indent {
        let rest = text.get(holder.range.end..)?;
        let at = rest.find('\n').map_or(text.len(), |end| holder.range.end + end + 1);
        let lead = if text.get(..at)?.ends_with('\n') { "\n" } else { "\n\n" };
        return Some(Spot { at, lead: lead.into(), tail: String::new(), depth });
    }
    let close = ["}", "end"].iter().find(|close| own.ends_with(**close))?;
    let at = holder.range.end - close.len();
    let line = text.get(..at)?.rfind('\n').map_or(0, |line| line + 1);
    let body = text.get(holder.body?..at)?;
    let is_empty = body.trim_start_matches('{').trim().is_empty();
    let opening = if opening.is_empty() { String::new() } else { format!("{depth}{opening}\n\n") };
    let lead = if is_empty { opening } else { "\n".to_owned() };
    match text.get(line..at)?.trim().is_empty() {
        true => Some(Spot { at: line, lead, tail: String::new(), depth }),
        false => Some(Spot { at, lead: format!("\n{lead}"), tail: outer.to_owned(), depth }),
    }
}

/// The blanks before the code of a line.
fn indent(text: &str, at: usize) -> &str {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |line| line + 1);
    let line = text.get(start..).unwrap_or_default();
    line.get(..line.len() - line.trim_start().len()).unwrap_or_default()
}

/// The modules around some bytes, the innermost first.
pub(super) fn modules<'s>(source: &'s Source, tested: &Range<usize>) -> Vec<&'s Item> {
    let around = |item: &&Item| item.range.start <= tested.start && tested.end <= item.range.end;
    source.items().iter().rev().filter(|item| is_module(source, item)).filter(around).collect()
}

/// The module of tests directly inside another one, or at the top of the file.
pub(super) fn module_in<'s>(source: &'s Source, outer: Option<&Item>) -> Option<&'s Item> {
    let depth = outer.map_or(0, |outer| outer.depth + 1);
    let is_in = |item: &&Item| outer.is_none_or(|outer| outer.range.contains(&item.range.start));
    let items = source.items().iter().rev().filter(|item| item.depth == depth).filter(is_in);
    items.into_iter().find(|item| is_of_tests(source, item))
}

/// Whether an item is a module of tests.
pub(super) fn is_of_tests(source: &Source, item: &Item) -> bool {
    let above = source.text.get(item.whole.start..item.head.end).unwrap_or_default();
    is_module(source, item) && (["tests", "test"].contains(&item.name.as_str()) || above.contains("#[cfg(test)]"))
}

fn is_module(source: &Source, item: &Item) -> bool {
    source.text.get(item.head.clone()).is_some_and(|head| head.split_whitespace().any(|word| word == "mod"))
}

/// The file of a module of a file: the one that is there, else the usual one.
pub(super) fn file_of(path: &Path, outer: &[&Item], name: &str) -> PathBuf {
    let folder = path.parent().unwrap_or(path);
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let own = if OF_FOLDER.contains(&stem.as_str()) { folder.to_owned() } else { folder.join(stem) };
    let folder = outer.iter().rev().fold(own, |folder, module| folder.join(&module.name));
    let nested = folder.join(name).join("mod.rs");
    if nested.is_file() { nested } else { folder.join(format!("{name}.rs")) }
}

//! Which imports a file has, and which of new code it does not have. It leaves reading them to `import`, and where they go to `added`.

use std::collections::{BTreeMap, BTreeSet};

use pennyworth_grammars::Language;

use super::import::Import;
use super::item::Item;
use super::single::Single;
use super::source::Source;
use super::statement::{Code, line_at};
use super::unfit::Unfit;
use crate::lex::{self, Kind};
use crate::present::{detect_indent, leading};

/// An import that a file does not have, or what it does not have of it.
#[derive(Debug)]
pub(super) struct Missing {
    /// Its lines.
    pub(super) text: String,
    /// Its names, with other names for them.
    pub(super) names: Vec<String>,
}

/// Whether a text has an import.
pub(super) fn has_any(text: &str, language: &Language) -> bool {
    !all(text, language).is_empty()
}

/// The imports at the beginnings of lines.
fn all(text: &str, language: &Language) -> Vec<Import> {
    text.lines().filter_map(|line| Code::new(line.trim_start(), language.facts()).import_at(0)).collect()
}

/// What is to be added of some imports to a file that has its tests in `holder`: those of their names that it does not have. `above` is what else will
/// stand there. The error is a name that the file has from elsewhere.
pub(super) fn missing(
    new: &[Import],
    source: &Source,
    holder: Option<&Item>,
    above: &str,
) -> Result<Vec<Missing>, Unfit> {
    let there: Vec<Import> = imports(source, holder).into_iter().chain(all(above, source.language)).collect();
    let mut known = Known::of(source, holder, &there);
    let mut missing = Vec::new();
    for import in new {
        let mut fresh = Vec::new();
        for single in &import.singles {
            if known.takes(single)? {
                fresh.push(single);
            }
        }
        let names: Vec<String> = fresh.iter().map(|single| single.name.clone()).collect();
        match fresh.len() == import.singles.len() {
            true => missing.push(Missing { text: import.text.clone(), names }),
            false => missing.extend(
                fresh.iter().map(|single| Missing { text: single.text.clone(), names: vec![single.name.clone()] }),
            ),
        }
    }
    Ok(missing)
}

/// What a file has.
struct Known {
    keys: BTreeSet<String>,
    /// The names that its imports give it: where they come from, and whether they are for types alone.
    bound: BTreeMap<String, (String, bool)>,
    /// The names that it defines itself.
    defined: BTreeSet<String>,
}

impl Known {
    fn of(source: &Source, holder: Option<&Item>, imports: &[Import]) -> Known {
        let is_import = |item: &Item| imports.iter().any(|import| import.range.contains(&item.range.start));
        let depth = holder.map_or(0, |holder| holder.depth + 1);
        let is_in = |item: &Item| holder.is_none_or(|holder| holder.range.contains(&item.range.start));
        let items = source.items().iter().filter(|item| item.depth == depth && !item.is_extension);
        let defined = items.filter(|item| is_in(item) && !is_import(item)).map(|item| item.name.clone()).collect();
        let mut known = Known { keys: BTreeSet::new(), bound: BTreeMap::new(), defined };
        imports.iter().flat_map(|import| &import.singles).for_each(|single| known.add(single));
        known
    }

    fn add(&mut self, single: &Single) {
        self.keys.insert(single.key.clone());
        for name in &single.bound {
            self.bound.insert(name.clone(), (single.source.clone(), single.types));
        }
    }

    /// Takes an import of one name if it is new. A name for types alone may come again with its value, but not beside it.
    fn takes(&mut self, single: &Single) -> Result<bool, Unfit> {
        if self.keys.contains(&single.key) {
            return Ok(false);
        }
        for name in &single.bound {
            let is_other = |(source, types): &(String, bool)| *source != single.source || *types && !single.types;
            if self.defined.contains(name) || self.bound.get(name).is_some_and(is_other) {
                return Err(Unfit::Known(name.clone()));
            }
        }
        let is_there = single.types && single.bound.iter().any(|name| self.bound.contains_key(name));
        self.add(single);
        Ok(!is_there)
    }
}

/// The imports that stand directly in a file, or in an item of it.
pub(super) fn imports(source: &Source, holder: Option<&Item>) -> Vec<Import> {
    let (text, facts) = (source.text.as_str(), source.language.facts());
    let code = Code::new(text, facts);
    let (mut at, end) = match holder {
        Some(holder) => (opened(text, holder).unwrap_or(holder.range.end), holder.range.end),
        None => (0, text.len()),
    };
    let depth = holder.map(|holder| inner_indent(source, holder)).unwrap_or_default();
    let parts: Vec<&Item> = parts(source, holder).collect();
    let (mut found, mut conditions) = (Vec::new(), 0_usize);
    while at < end {
        let (line, start) = (line_at(text, at), at);
        let begins = |mark: &String| line.trim_start().starts_with(mark.as_str());
        let first = start + line.len() - line.trim_start().len();
        at += line.len();
        if let Some(part) = parts.iter().find(|part| part.range.contains(&first)) {
            at = text
                .get(part.range.end..)
                .and_then(|rest| rest.find('\n'))
                .map_or(end, |line| part.range.end + line + 1);
        } else if facts.head.conditions.iter().any(|(open, _)| begins(open)) {
            conditions += 1;
        } else if facts.head.conditions.iter().any(|(_, close)| begins(close)) {
            conditions = conditions.saturating_sub(1);
        } else if let Some(import) = code.import_at(start).filter(|_| conditions == 0 && leading(line) == depth) {
            at = import.range.end;
            found.push(import);
        }
    }
    found
}

/// The items with a body that stand in a file, or in an item of it.
pub(super) fn parts<'s>(source: &'s Source, holder: Option<&'s Item>) -> impl Iterator<Item = &'s Item> {
    let is_in = move |item: &&Item| {
        holder.is_none_or(|holder| holder.range.start < item.range.start && item.range.end <= holder.range.end)
    };
    source.items().iter().filter(|item| item.body.is_some()).filter(is_in)
}

/// The byte behind the line on which the body of an item opens, if it does not close there, too.
pub(super) fn opened(text: &str, holder: &Item) -> Option<usize> {
    let body = holder.body?;
    let line = body + text.get(body..holder.range.end)?.find('\n')? + 1;
    Some(line)
}

/// The indentation of what stands directly in an item: that of its first line of code, which is deeper than the item's own.
pub(super) fn inner_indent(source: &Source, holder: &Item) -> String {
    let (text, facts) = (source.text.as_str(), source.language.facts());
    let line = text.get(..holder.range.start).and_then(|before| before.rfind('\n')).map_or(0, |line| line + 1);
    let own = leading(line_at(text, line));
    let tokens = lex::scan(text, facts).tokens;
    let from = opened(text, holder).unwrap_or(holder.range.end);
    let is_code = |token: &&lex::Token| !matches!(token.kind, Kind::Break | Kind::Comment { .. });
    let inside = tokens.get(tokens.partition_point(|token| token.start < from)..).unwrap_or_default();
    let first = inside.iter().find(is_code).filter(|first| first.start < holder.range.end);
    let line = first.and_then(|first| text.get(from..first.start)).and_then(|before| before.rsplit('\n').next());
    match line.filter(|line| line.trim().is_empty() && line.len() > own.len()) {
        Some(line) => line.to_owned(),
        None => own.to_owned() + &detect_indent(text.lines(), &facts.indent),
    }
}

#[cfg(test)]
pub(super) mod tests;

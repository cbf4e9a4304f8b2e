//! New tests without their head, and without what stands around the other tests of their file: the class or module, the function, the namespace. It leaves
//! where they go to `joined`.

use pennyworth_grammars::{Language, Layout};

use super::head::head;
use super::import::Import;
use super::imports::imports;
use super::item::Item;
use super::joining::{Joining, is_close};
use super::source::Source;
use super::unfit::Unfit;
use crate::lex::is_word;
use crate::present::leading;

/// Names of the first parameter of a method, where it has one.
const FIRST: [&str; 2] = ["self", "cls"];

/// Code without its head.
pub(super) struct Bare {
    pub(super) code: String,
    /// What its head has that stands once in a file.
    pub(super) once: Vec<String>,
    pub(super) imports: Vec<Import>,
}

impl Bare {
    pub(super) fn of(code: &str, language: &Language) -> Bare {
        let head = head(code, language);
        let once = head.once.into_iter().map(str::to_owned).collect();
        Bare { code: head.rest.to_owned(), once, imports: head.imports }
    }

    /// What stands in a class: its statements that look like imports stay in it, without those that the class of the file has.
    fn within(inner: &str, joining: &Joining<'_>) -> Bare {
        let language = joining.file.language;
        let head = head(inner, language);
        let there = joining.holder().map(|holder| imports(joining.file, Some(holder))).unwrap_or_default();
        let known: Vec<&str> =
            there.iter().flat_map(|import| &import.singles).map(|single| single.key.as_str()).collect();
        let is_new = |import: &&Import| !import.singles.iter().all(|single| known.contains(&single.key.as_str()));
        let new: Vec<&str> = head.imports.iter().filter(is_new).map(|import| import.text.as_str()).collect();
        let code = match head.once.is_empty() && new.len() < head.imports.len() {
            false => inner.to_owned(),
            true if new.is_empty() => head.rest.to_owned(),
            true => {
                let indent = leading(head.rest.lines().find(|line| !line.trim().is_empty()).unwrap_or_default());
                let lines = new.iter().flat_map(|import| import.lines()).map(|line| format!("{indent}{line}\n"));
                format!("{}\n{}", lines.collect::<String>(), head.rest)
            }
        };
        Bare { code, once: Vec::new(), imports: Vec::new() }
    }

    /// Takes from around the code what stands around the file's tests: their class, module or function, and the namespaces around it. False if it is not
    /// there.
    pub(super) fn unwrap(&mut self, joining: &Joining<'_>) -> bool {
        let language = joining.file.language;
        let source = parsed(&self.code, language);
        let Some((item, inner)) = only(&source).and_then(|item| Some((item, inner(&source, item)?))) else {
            return false;
        };
        let head = source.text.get(item.head.clone()).and_then(|head| head.lines().next()).unwrap_or_default();
        let is_namespace = item.is_extension && joining.has(head);
        if !joining.is_around(item) && !is_namespace {
            return false;
        }
        let has_imports = language.facts().head.inside || is_namespace;
        let mut body = if has_imports { Bare::of(&inner, language) } else { Bare::within(&inner, joining) };
        let is_found = body.unwrap(joining) || !is_namespace;
        if is_found {
            self.code = body.code;
            self.once.extend(body.once);
            self.imports.extend(body.imports);
        }
        is_found
    }

    /// Takes away the lines that open and close the block in which the tests go. The error is a function or block that the file has and nobody would
    /// run inside itself.
    pub(super) fn open(&mut self, joining: &Joining<'_>) -> Result<(), Unfit> {
        let opener = joining.opener().unwrap_or_default();
        if let Some(inner) = self.block(opener) {
            self.code = inner;
        }
        let source = parsed(&self.code, joining.file.language);
        let is_again = |item: &&&Item| !item.is_type && item.body.is_some() && joining.is_around(item);
        if let Some(again) = top(&source).iter().find(is_again) {
            return Err(Unfit::Known(again.name.clone()));
        }
        // A block is run by its call; one without a call only where its class has it (Kotlin's `init {`).
        let name = opener.strip_suffix('{').map(str::trim_end).unwrap_or_default();
        let is_plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
        match is_plain && self.code.lines().any(|line| line.trim() == opener) {
            true => Err(Unfit::Known(name.to_owned())),
            false => Ok(()),
        }
    }

    /// What stands in a block, if the code is nothing else and its first line is this one.
    fn block(&self, opener: &str) -> Option<String> {
        let mut lines = self.code.trim_end().lines();
        let (first, last) = (lines.by_ref().find(|line| !line.trim().is_empty())?, lines.next_back()?);
        let inside: Vec<&str> = lines.collect();
        let is_inside = |line: &&str| line.trim().is_empty() || leading(line).len() > leading(last).len();
        let is_block = first.trim() == opener && inside.iter().all(is_inside) && is_close(last);
        is_block.then(|| inside.join("\n").trim_start_matches('\n').trim_end().to_owned())
    }

    /// Whether the code needs no class around it: it has one, or it has functions without the first parameter of a method.
    pub(super) fn stands_alone(&self, language: &'static Language) -> bool {
        let source = parsed(&self.code, language);
        let is_method = |item: &Item| {
            let head = source.text.get(item.head.clone()).unwrap_or_default();
            let behind = |(at, name): (usize, &str)| head.get(at + name.len()..)?.trim_start().strip_prefix('(');
            let parameters = head.match_indices(&item.name).find_map(behind).unwrap_or_default();
            let first = parameters.trim_start().split(|c: char| !is_word(language.facts(), c)).next();
            first.is_some_and(|first| FIRST.contains(&first))
        };
        let needs_first = language.facts().layout == Layout::Indent;
        top(&source).iter().any(|item| item.is_type || needs_first && item.body.is_some() && !is_method(item))
    }
}

/// The only item of some code, if there is nothing else.
fn only(source: &Source) -> Option<&Item> {
    let (only, rest) = top(source).split_first().map(|(only, rest)| (*only, rest.len()))?;
    let before = source.text.get(..only.whole.start)?.trim();
    let open = source.language.facts().islands.as_ref().map_or("", |(open, _)| open.as_str());
    let behind = source.text.get(only.range.end..)?.trim();
    (rest == 0 && behind.is_empty() && (before.is_empty() || before == open)).then_some(only)
}

/// What stands inside an item.
fn inner(source: &Source, item: &Item) -> Option<String> {
    let (text, facts) = (&source.text, source.language.facts());
    let Some(start) = item.body else {
        // A block that is an argument: `class T : StringSpec({ … })`.
        let whole = text.get(item.range.clone())?;
        let (open, close) = (whole.find("({")? + 2, whole.rfind("})")?);
        return Some(whole.get(open..close)?.trim_start_matches('\n').trim_end().to_owned());
    };
    let body = text.get(start..item.range.end)?;
    if facts.layout == Layout::Indent {
        let line = text.get(..start)?.rfind('\n').map_or(0, |line| line + 1);
        return Some(text.get(line..item.range.end)?.to_owned());
    }
    let has_word = |text: Option<char>| text.is_some_and(|c| is_word(facts, c));
    let behind = |opener: &str| {
        let rest = body.strip_prefix(opener)?;
        (!has_word(opener.chars().next_back()) || !has_word(rest.chars().next())).then_some(rest)
    };
    // Words such as `async` may stand before the brace.
    let braced =
        || body.split_once('{').filter(|(words, _)| words.chars().all(|c| c.is_whitespace() || is_word(facts, c)));
    let openers = facts.openers.iter().map(String::as_str).chain(["{"]);
    let opened = openers.filter_map(behind).next();
    let inside = match facts.layout {
        Layout::Braces => opened.or_else(|| braced().map(|(_, inside)| inside)).unwrap_or(body),
        _ => opened.unwrap_or(body),
    };
    let is_apart = |before: &&str| !has_word(before.chars().next_back());
    let inside = inside.strip_suffix('}').or_else(|| inside.strip_suffix("end").filter(is_apart))?;
    Some(inside.trim_start_matches('\n').trim_end().to_owned())
}

/// Code as a file of its language.
fn parsed(code: &str, language: &'static Language) -> Source {
    let open = language.facts().islands.as_ref().filter(|(open, _)| !code.contains(open.as_str()));
    Source::new("", language, open.map_or(code.to_owned(), |(open, _)| format!("{open}\n{code}")))
}

fn top(source: &Source) -> Vec<&Item> {
    source.items().iter().filter(|item| item.depth == 0).collect()
}

#[cfg(test)]
mod tests;

//! A file that new tests join: the place where they go, and what stands around it. It leaves the new tests themselves to `bare` and `joined`.

use super::head::has_once;
use super::item::Item;
use super::source::Source;
use crate::present::leading;

/// What a line begins with that closes a block.
const CLOSES: [&str; 3] = ["}", ")", "end"];

/// A file that new tests join.
#[derive(Clone, Copy, Debug)]
pub struct Joining<'a> {
    /// The file as it is.
    pub file: &'a Source,
    /// The byte where they go.
    pub at: usize,
    /// What is put before them there.
    pub lead: &'a str,
    /// The name of the class, module or function that has the others, if one has.
    pub holder: Option<&'a str>,
}

impl<'a> Joining<'a> {
    /// The item that has the other tests.
    pub(super) fn holder(&self) -> Option<&'a Item> {
        self.around().filter(|item| self.holder == Some(&item.name)).last()
    }

    /// The items around the place of the tests, the outermost first. Indentation ends the one that has the others before that place.
    fn around(&self) -> impl Iterator<Item = &'a Item> {
        let (at, holder) = (self.at, self.holder);
        let is_in = move |item: &Item| at < item.range.end || at == item.range.end && holder == Some(&item.name);
        self.file.items().iter().filter(move |item| item.range.start <= at && is_in(item))
    }

    /// Whether an item is one around the tests.
    pub(super) fn is_around(&self, item: &Item) -> bool {
        let is_same = |outer: &Item| outer.name == item.name && outer.is_type == item.is_type;
        let is_holder = item.is_type && self.holder == Some(&item.name);
        is_holder || !item.is_extension && self.around().any(is_same)
    }

    /// The line that opens the block at whose end the tests go.
    pub(super) fn opener(&self) -> Option<&'a str> {
        let (above, rest) = self.file.text.split_at_checked(self.at)?;
        let close = rest.lines().next().filter(|line| is_close(line))?;
        let is_opener = |line: &&str| !line.trim().is_empty() && leading(line).len() <= leading(close).len();
        above.lines().rfind(is_opener).map(str::trim)
    }

    /// Whether the file has a line that stands once in a file.
    pub(super) fn has(&self, line: &str) -> bool {
        let facts = self.file.language.facts();
        has_once(&self.file.text, line, facts) || has_once(self.lead, line, facts)
    }
}

/// Whether a line closes a block.
pub(super) fn is_close(line: &str) -> bool {
    CLOSES.iter().any(|mark| line.trim_start().starts_with(mark))
}

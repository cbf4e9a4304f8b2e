//! Takes an import apart: into imports of one name each, where its form is known. One whose form is not known counts as one name. It leaves where an
//! import ends to `statement`, and what one name means to `single`.

use std::ops::Range;

use super::single::Single;
use super::statement::{Code, Statement, line_at, outside};
use crate::lex::{Kind, Token};
use crate::present::leading;

/// Lists inside each other that are taken apart.
const MAX_DEPTH: usize = 16;

/// An import.
#[derive(Clone, Debug)]
pub(super) struct Import {
    /// Its bytes, with the end of its last line.
    pub(super) range: Range<usize>,
    /// Its text, without blanks around it and without the indentation of its first line.
    pub(super) text: String,
    /// The same for one name each.
    pub(super) singles: Vec<Single>,
    /// Where another name goes, if each has a line of its own, and the indentation of those lines.
    pub(super) block: Option<(usize, String)>,
}

impl Code<'_> {
    /// The import that begins on the line from a byte on.
    pub(super) fn import_at(&self, at: usize) -> Option<Import> {
        let statement = self.statement(at)?;
        let shown = self.text.get(statement.range.clone())?;
        let indent = leading(shown);
        let lines: Vec<&str> = shown.trim().lines().map(|line| line.strip_prefix(indent).unwrap_or(line)).collect();
        let block = self.block(&statement);
        Some(Import { range: statement.range, text: lines.join("\n"), singles: self.singles(&statement.tokens), block })
    }

    /// An import as imports of one name. One of no known form, or without names, is one as a whole.
    fn singles(&self, tokens: &[Token]) -> Vec<Single> {
        let whole = || vec![Single::new(self.facts, "", ("", &self.joined(tokens), ""))];
        self.split(tokens).filter(|singles| !singles.is_empty()).unwrap_or_else(whole)
    }

    fn split(&self, tokens: &[Token]) -> Option<Vec<Single>> {
        let is_end = |token: &&Token| token.kind == Kind::Sign(';');
        let (end, own) = match tokens.split_last() {
            Some((last, rest)) if is_end(&last) => (self.shown(last), rest),
            _ => ("", tokens),
        };
        // Another statement follows on its line.
        if outside(own).filter_map(|place| own.get(place)).any(|token| is_end(&token)) {
            return None;
        }
        let (form, names) = self.names(own)?;
        let before = self.joined(own.get(..names.start)?) + " ";
        let mut split = Split { code: self, tokens: own, form, before, found: Vec::new() };
        let after = split.behind(names.end..own.len()) + end;
        let parts = if self.facts.head.commas { split.separated(names, false) } else { vec![names] };
        parts.into_iter().for_each(|part| split.expand("", part, &after, 0));
        Some(split.found)
    }

    /// Where another name goes in a list that has each on a line of its own, and the indentation there.
    fn block(&self, statement: &Statement) -> Option<(usize, String)> {
        let (tokens, bracket) = (&statement.tokens, self.facts.head.list.as_ref()?.1);
        let is_break = |place: usize| tokens.get(place).is_some_and(|token| token.kind == Kind::Break);
        let open =
            tokens.iter().position(|token| token.kind == Kind::Open(bracket)).filter(|_| self.facts.head.lines)?;
        let close = tokens.iter().rposition(|token| matches!(token.kind, Kind::Close(_)))?;
        let line = |at: usize| self.text.get(..at).and_then(|above| above.rfind('\n')).map_or(0, |line| line + 1);
        let name = tokens.get(open..close)?.iter().rfind(|token| token.kind != Kind::Break)?;
        let is_block = is_break(open + 1) && is_break(close.checked_sub(1)?) && name.kind != Kind::Open(bracket);
        let indent = leading(line_at(self.text, line(name.start)));
        is_block.then(|| (line(tokens.get(close).map_or(0, |close| close.start)), indent.to_owned()))
    }
}

/// An import that is taken apart.
struct Split<'c> {
    code: &'c Code<'c>,
    tokens: &'c [Token],
    /// Its form among the facts.
    form: &'c str,
    /// What stands before all its names.
    before: String,
    found: Vec<Single>,
}

impl Split<'_> {
    fn of(&self, part: Range<usize>) -> &[Token] {
        self.tokens.get(part).unwrap_or_default()
    }

    fn joined(&self, part: Range<usize>) -> String {
        self.code.joined(self.of(part))
    }

    /// What stands behind a part, with the blank before it.
    fn behind(&self, part: Range<usize>) -> String {
        let end = part.start.checked_sub(1).and_then(|last| self.tokens.get(last)).map(|last| last.end);
        let is_apart = !part.is_empty()
            && self.tokens.get(part.start).is_some_and(|first| end.is_some_and(|end| end < first.start));
        format!("{}{}", if is_apart { " " } else { "" }, self.joined(part))
    }

    /// The parts between commas, or between lines.
    fn separated(&self, part: Range<usize>, lines: bool) -> Vec<Range<usize>> {
        let tokens = self.of(part.clone());
        let is_end = |token: &Token| match lines {
            true => matches!(token.kind, Kind::Break | Kind::Sign(';')),
            false => token.kind == Kind::Sign(','),
        };
        let ends = outside(tokens).filter(|place| tokens.get(*place).is_some_and(is_end));
        let (mut parts, mut start) = (Vec::new(), 0);
        for end in ends.chain([tokens.len()]) {
            parts.push(part.start + start..part.start + end);
            start = end + 1;
        }
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// Adds the names of a part that stands behind a path.
    fn expand(&mut self, path: &str, part: Range<usize>, after: &str, depth: usize) {
        let Some((open, close)) = self.list(part.clone()).filter(|_| depth < MAX_DEPTH) else {
            return self.add(path, part, ("", after, ""));
        };
        let (own, after) =
            (format!("{path}{}", self.joined(part.start..open)), self.behind(close + 1..part.end) + after);
        for name in self.separated(open + 1..close, self.code.facts.head.lines) {
            if self.list(name.clone()).is_some() {
                self.expand(&own, name, &after, depth + 1);
            } else if self.code.facts.head.bracketed {
                self.add(&own, name, ("{ ", &after, " }"));
            } else if self.is_plain(name.clone()) {
                self.add(&own, name, ("", &after, ""));
            } else {
                self.add(&own, name, ("{", &after, "}"));
            }
        }
    }

    /// The brackets around a list of names: at the beginning of a part, or joined with the path before it.
    fn list(&self, part: Range<usize>) -> Option<(usize, usize)> {
        let (join, bracket) = self.code.facts.head.list.as_ref()?;
        let tokens = self.of(part.clone());
        let is_list = |place: &usize| {
            let Some(token) = tokens.get(*place).filter(|token| token.kind == Kind::Open(*bracket)) else {
                return false;
            };
            let before = self.code.text.get(..token.start).unwrap_or_default();
            *place == 0 || !join.is_empty() && before.ends_with(join.as_str())
        };
        let mut places = outside(tokens).skip_while(|place| !is_list(place));
        Some((part.start + places.next()?, part.start + places.next()?))
    }

    /// Whether a name may stand without the brackets of its list: it is a path, and perhaps another name for it.
    fn is_plain(&self, part: Range<usize>) -> bool {
        let tokens = self.of(part);
        let is_name = |token: &Token| token.kind == Kind::Word && self.code.shown(token) != super::single::ALIAS;
        let are_two = |pair: &[Token]| pair.iter().all(is_name);
        !tokens.windows(2).any(are_two) && !tokens.iter().any(|token| token.kind == Kind::Sign('='))
    }

    /// Adds an import of one name, which stands behind a path and between brackets.
    fn add(&mut self, path: &str, name: Range<usize>, (open, after, close): (&str, &str, &str)) {
        let head = &self.code.facts.head;
        let join = head.list.as_ref().map_or("", |(join, _)| join.as_str());
        let first = self.of(name.clone()).first().map(|token| self.code.shown(token));
        let (before, own) =
            match path.strip_suffix(join).filter(|path| !path.is_empty() && first == head.itself.as_deref()) {
                Some(path) => (self.before.clone(), format!("{path}{}", self.behind(name.start + 1..name.end))),
                None if open.is_empty() => (self.before.clone(), format!("{path}{}", self.joined(name))),
                None => (format!("{}{path}{open}", self.before), self.joined(name)),
            };
        self.found.push(Single::new(self.code.facts, self.form, (&before, &own, &format!("{close}{after}"))));
    }
}

#[cfg(test)]
pub(super) mod tests;

//! An import of one name: what is the same for two that mean the same, and the names that it gives the file. It leaves finding it to `import`.

use pennyworth_grammars::Facts;

use super::statement::outside;
use crate::lex::{self, Kind, Token};

/// The word that gives a name another one, where a language has a word for that.
pub(super) const ALIAS: &str = "as";

/// An import of one name.
#[derive(Clone, Debug)]
pub(super) struct Single {
    /// Its text.
    pub(super) text: String,
    /// The name, without what stands around it.
    pub(super) name: String,
    /// What is the same for two of them that mean the same.
    pub(super) key: String,
    /// The names that it gives the file.
    pub(super) bound: Vec<String>,
    /// Where these names come from. It is the same whether they are for types alone.
    pub(super) source: String,
    /// Whether they are for types alone.
    pub(super) types: bool,
}

impl Single {
    /// An import of this form among the facts, by what stands before its name, the name, and what stands behind it.
    pub(super) fn new(facts: &Facts, form: &str, (before, name, after): (&str, &str, &str)) -> Single {
        let text = [before, name, after].concat();
        let (own, is_type_word) =
            (Words::of(name, facts), |word: &str| facts.head.type_words.iter().any(|t| t == word));
        let untyped = own.untyped(&is_type_word);
        let types = untyped.len() < name.len() || form.split_whitespace().any(is_type_word);
        let is_root = facts.head.roots.iter().any(|root| root == form) && !own.has(ALIAS);
        let is_bound = !form.is_empty() && !facts.head.unbound.iter().any(|unbound| unbound == form);
        let mut bound = if !is_bound { Vec::new() } else { own.bound(is_root) };
        let begins_small = |name: &String| name.starts_with(char::is_lowercase);
        bound.retain(|name| name != "_" && !(facts.head.overloads && begins_small(name)));
        let source = match bound.first() {
            Some(root) if is_root => root.clone(),
            _ => {
                let before = before.split(' ').filter(|word| !is_type_word(word)).collect::<Vec<_>>().join(" ");
                Words::of(&[&before, untyped, after].concat(), facts).key()
            }
        };
        Single { key: Words::of(&text, facts).key(), name: name.to_owned(), text, bound, source, types }
    }
}

/// Code as words, signs and strings, without comments and line breaks.
struct Words<'t> {
    text: &'t str,
    tokens: Vec<Token>,
}

impl<'t> Words<'t> {
    fn of(text: &'t str, facts: &Facts) -> Words<'t> {
        let tokens = lex::scan(text, facts).tokens.into_iter();
        let tokens = tokens.filter(|token| !matches!(token.kind, Kind::Comment { .. } | Kind::Break));
        Words { text, tokens: tokens.collect() }
    }

    fn shown(&self, token: &Token) -> &'t str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    fn has(&self, word: &str) -> bool {
        self.tokens.iter().any(|token| self.shown(token) == word)
    }

    /// What is the same for two texts that mean the same, whatever their quotes, blanks, terminators and parentheses around a string.
    fn key(&self) -> String {
        let kinds: Vec<Kind> = self.tokens.iter().map(|token| token.kind).collect();
        let is_around = |place: usize| match kinds.get(place) {
            Some(Kind::Open('(')) => kinds.get(place + 1..place + 3) == Some(&[Kind::String, Kind::Close(')')]),
            Some(Kind::Close(')')) => {
                place.checked_sub(2).and_then(|first| kinds.get(first..place)) == Some(&[Kind::Open('('), Kind::String])
            }
            _ => false,
        };
        let last = self.tokens.iter().rposition(|token| token.kind != Kind::Sign(';')).map_or(0, |last| last + 1);
        let tokens = self.tokens.iter().take(last).enumerate().filter(|(place, _)| !is_around(*place));
        let shown = |token: &Token| match token.kind {
            Kind::String => self.shown(token).replace('\'', "\""),
            _ => self.shown(token).to_owned(),
        };
        tokens.map(|(_, token)| shown(token)).collect::<Vec<_>>().join(" ")
    }

    /// A name without a word in front that makes it one of a type.
    fn untyped(&self, is_type_word: &impl Fn(&str) -> bool) -> &'t str {
        let is_word = |token: &Token| token.kind == Kind::Word && self.shown(token) != ALIAS;
        match self.tokens.as_slice() {
            [first, second, ..] if is_type_word(self.shown(first)) && is_word(second) => {
                self.text.get(second.start..).unwrap_or_default()
            }
            _ => self.text,
        }
    }

    /// The names that the name of an import gives a file: the last word, or the first of a path where that counts.
    fn bound(&self, is_root: bool) -> Vec<String> {
        let Some((first, last)) = self.tokens.first().zip(self.tokens.last()) else { return Vec::new() };
        let is_word = |token: &Token| token.kind == Kind::Word;
        if is_root || last.kind == Kind::String && is_word(first) {
            return vec![self.shown(first).to_owned()];
        } else if last.kind == Kind::String && first.kind == Kind::String {
            return folder(self.shown(last)).map(str::to_owned).into_iter().collect();
        } else if self.tokens.iter().any(|token| matches!(token.kind, Kind::Open(_))) {
            let is_key = |place: usize| self.tokens.get(place + 1).is_some_and(|next| next.kind == Kind::Sign(':'));
            let names = self.tokens.iter().enumerate().filter(|(place, token)| is_word(token) && !is_key(*place));
            return names.map(|(_, token)| self.shown(token).to_owned()).collect();
        }
        let is_sign = |place: usize, sign: char| self.tokens.get(place).is_some_and(|t| t.kind == Kind::Sign(sign));
        let is_alias = self.has(ALIAS);
        // What is behind it is a name's value or an option, and not another name for it.
        let is_end =
            |place: &usize| is_sign(*place, '=') && !is_sign(place + 1, '>') || is_sign(*place, ',') && !is_alias;
        let value = outside(&self.tokens).find(is_end);
        let name = self.tokens.get(..value.unwrap_or(self.tokens.len())).and_then(<[Token]>::last);
        name.filter(|name| is_word(name)).map(|name| self.shown(name).to_owned()).into_iter().collect()
    }
}

/// The name of a package by its path: its last word, unless that is a version.
fn folder(path: &str) -> Option<&str> {
    let is_version = |word: &str| word.strip_prefix('v').is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit()));
    let words = path.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.rev().find(|word| !word.is_empty() && !is_version(word))
}

#[cfg(test)]
mod tests;

//! Finds what sentences of comments, messages and files for people tell of a secret: `the token is …`, `use … as the password`, `password (…)`.
//! Words of a sentence are no secrets, so a value has to look like one. It leaves `password: …` to `bare`, and
//! `login bob / …` to `calls`.

use super::before::{is_name, is_remark, line_of};
use super::named::{MAX_VALUE, Value};
use super::names::Strength;
use super::reader::Reader;
use super::values::{bare, looks_like_a_name, looks_like_a_password, names_a_standard};

/// Most words between a name and what a sentence tells of it: behind it, and in front of it.
const MAX_TOLD: usize = 8;
const MAX_BEFORE: usize = 3;

impl Value<'_> {
    /// What a sentence tells of a name.
    pub(super) fn told(&mut self, reader: Reader<'_>, before: &str) {
        let is_prose = self.names.is_prose(self.path);
        if !(is_prose || is_remark(before)) {
            return;
        }
        let rest = reader.ahead(MAX_VALUE);
        let found = self.told_word(rest, is_prose).or_else(|| self.told_before(rest, before));
        if let Some(word) = found {
            let text = reader.part(&(0..reader.at + rest.len()));
            // A part of the text, so its place tells where it stands.
            let start = word.as_ptr() as usize - text.as_ptr() as usize;
            self.take(&reader, start..start + word.len());
        }
    }

    /// A word behind the name: `the password for the database is …`, in a text also `password …`.
    fn told_word<'t>(&self, rest: &'t str, is_prose: bool) -> Option<&'t str> {
        // What touches the name is a part of a path or of code.
        let sentence = rest.split(['\n', ';']).next().filter(|rest| rest.starts_with(char::is_whitespace))?;
        let mut words = sentence.split_whitespace().take(MAX_TOLD);
        let first = words.clone().next().filter(|word| is_prose || word.starts_with('('));
        let is_end = |word: &str| word.ends_with(['.', ',', '?', '!']);
        let copula = words.by_ref().find(|word| self.names.is_copula(word) || is_end(word));
        let told = copula.filter(|word| self.names.is_copula(word)).and_then(|_| words.next());
        [told, first].into_iter().flatten().map(bare).find(|word| self.is_told(word))
    }

    /// A word in front of the name: `use … as the password`, `… is the password`.
    fn told_before<'t>(&self, rest: &str, before: &'t str) -> Option<&'t str> {
        // `the password hash` is something else.
        let next = rest.split_whitespace().next().unwrap_or_default();
        let follows = rest.split(is_name).next().unwrap_or_default();
        let is_over =
            next.is_empty() || !follows.trim().is_empty() || follows.contains('\n') || self.names.is_joint(next);
        let line = line_of(before);
        let sentence = line.rsplit([';', '|']).next().unwrap_or_default();
        let mut words = sentence.split_whitespace().rev();
        let mut seen = words.by_ref().take(MAX_BEFORE + 1);
        let is_word = |word: &str| word.chars().all(char::is_alphabetic);
        let copula = seen.by_ref().find(|word| self.names.is_turn(word) || !is_word(word))?;
        let word = words.next().map(bare)?;
        (is_over && self.names.is_turn(copula) && self.is_told(word)).then_some(word)
    }

    /// Whether a word of a sentence may be the value of the name.
    fn is_told(&self, word: &str) -> bool {
        looks_like_a_password(word)
            && !word.contains([')', ']'])
            && !names_a_standard(word)
            && (self.strength == Strength::Strong || !looks_like_a_name(word))
    }
}

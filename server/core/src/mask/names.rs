//! The words of `tables/secret_names.toml`, and what they say about a name or a value.

use std::collections::HashSet;
use std::sync::LazyLock;

use serde::Deserialize;

/// The table.
pub(super) static NAMES: LazyLock<Names> =
    LazyLock::new(|| toml::from_str(include_str!("../../tables/secret_names.toml")).unwrap_or_default());

/// How sure a name is that its value is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strength {
    /// Any literal.
    Strong,
    /// A literal that looks like a key.
    Weak,
}

/// What a name says about what follows it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meaning {
    /// How sure it is that its value is a secret; `None` if it says nothing.
    pub(super) strength: Option<Strength>,
    /// Whether a call of it takes a user's name and a password.
    pub(super) is_login: bool,
}

/// The words.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    strong: HashSet<String>,
    endings: Vec<String>,
    pairs: HashSet<String>,
    weak: HashSet<String>,
    after: HashSet<String>,
    logins: HashSet<String>,
    wrappers: HashSet<String>,
    plain: HashSet<String>,
    unquoted: HashSet<String>,
    pub(super) urls: Vec<String>,
    pub(super) prefixes: Vec<String>,
}

/// Fewest characters of the value of a weak name, and fewest digits.
const MIN_WEAK: (usize, usize) = (12, 3);

impl Names {
    /// What a name says.
    pub(super) fn meaning(&self, name: &str) -> Meaning {
        let words = words(name);
        Meaning { strength: self.strength(&words), is_login: self.is_login(&words) }
    }

    fn strength(&self, mut words: &[String]) -> Option<Strength> {
        while let [rest @ .., word] = words
            && !rest.is_empty()
            && (self.after.contains(word) || is_number(word))
        {
            words = rest;
        }
        let last = words.last()?;
        let last = last.strip_suffix('s').filter(|single| self.is_strong(single)).unwrap_or(last);
        let before = words.len().checked_sub(2).and_then(|at| words.get(at));
        let is_pair = before.is_some_and(|before| {
            let pair = format!("{before} {last}");
            self.pairs.contains(&pair) || pair.strip_suffix('s').is_some_and(|single| self.pairs.contains(single))
        });
        match (self.is_strong(last) || is_pair, self.weak.contains(last)) {
            (true, _) => Some(Strength::Strong),
            (false, true) => Some(Strength::Weak),
            (false, false) => None,
        }
    }

    fn is_login(&self, words: &[String]) -> bool {
        words.last().is_some_and(|last| self.logins.contains(last))
            || (words.len() > 1 && self.logins.contains(&words.concat()))
    }

    fn is_strong(&self, word: &str) -> bool {
        self.strong.contains(word) || self.endings.iter().any(|ending| word.ends_with(ending.as_str()))
    }

    /// Whether a call of this name gives its argument on.
    pub(super) fn is_wrapper(&self, name: &str) -> bool {
        let last = name.rsplit([':', '.']).next().unwrap_or_default().trim_end_matches('!').to_ascii_lowercase();
        self.wrappers.contains(&last)
    }

    /// Whether values stand without quotes in a file.
    pub(super) fn is_unquoted(&self, path: &str) -> bool {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
        self.unquoted.contains(name.rsplit('.').next().unwrap_or_default())
    }

    /// Whether a value given to a name of this strength is a secret, rather than a label, a place for one, or nothing.
    pub(super) fn is_secret(&self, value: &str, strength: Strength) -> bool {
        let value = value.trim();
        let Some(first) = value.chars().next() else { return false };
        if value.chars().all(|c| c == first) && value.chars().count() > 2 || is_placeholder(value) {
            return false;
        }
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        let digit = digits > 0;
        let blank = value.chars().any(char::is_whitespace);
        if blank && !digit && first.is_uppercase() {
            return false;
        }
        let is_plain = |word: &String| self.plain.contains(word) || self.weak.contains(word) || self.is_strong(word);
        if !digit
            && value.chars().all(|c| c.is_alphabetic() || " _-.:?!".contains(c))
            && words(value).iter().all(is_plain)
        {
            return false;
        }
        let (characters, figures) = MIN_WEAK;
        strength == Strength::Strong || (digits >= figures && !blank && value.chars().count() >= characters)
    }
}

/// A place for a value: `${PASSWORD}`, `{{ password }}`, `<your key>`, `%s`.
fn is_placeholder(value: &str) -> bool {
    const AROUND: [(&str, &str); 9] = [
        ("${", "}"),
        ("$(", ")"),
        ("{{", "}}"),
        ("{", "}"),
        ("<", ">"),
        ("%(", "s"),
        ("#{", "}"),
        ("@", "@"),
        ("[", "]"),
    ];
    let around = AROUND.iter().any(|(open, close)| value.starts_with(open) && value.ends_with(close));
    let is_variable = value
        .strip_prefix('$')
        .is_some_and(|name| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_'));
    let is_format = value.len() == 2 && value.starts_with('%');
    let is_word = ["true", "false", "null", "none", "nil", "undefined", "yes", "no"]
        .contains(&value.to_ascii_lowercase().as_str());
    around || is_variable || is_format || is_word
}

fn is_number(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit())
}

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut before) = (Vec::new(), String::new(), ' ');
    let mut characters = name.chars().peekable();
    while let Some(c) = characters.next() {
        let next_is_lower = characters.peek().is_some_and(|next| next.is_lowercase());
        let begins = (c.is_uppercase() && (before.is_lowercase() || (before.is_uppercase() && next_is_lower)))
            || (c.is_ascii_digit() != before.is_ascii_digit() && !word.is_empty());
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

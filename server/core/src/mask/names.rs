//! The words of `tables/secret_names.toml`, and what they say about a name or a file. It leaves values to `values`.

use std::collections::HashSet;
use std::ops::RangeInclusive;
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
    /// A literal of many words.
    Phrase,
}

/// What a name says about what follows it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meaning {
    /// How sure it is that its value is a secret; `None` if it says nothing.
    pub(super) strength: Option<Strength>,
    /// Whether a call of it takes a user's name and a password.
    pub(super) is_login: bool,
    /// Whether a call that ends in it may be one of `calls` or `encoders`.
    pub(super) is_call: bool,
}

/// The words.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    pub(super) strong: HashSet<String>,
    endings: Vec<String>,
    pairs: HashSet<String>,
    pub(super) weak: HashSet<String>,
    phrases: HashSet<String>,
    after: HashSet<String>,
    logins: HashSet<String>,
    wrappers: HashSet<String>,
    getters: HashSet<String>,
    setters: HashSet<String>,
    askers: HashSet<String>,
    matchers: HashSet<String>,
    /// What stands between a value and its name in a call, with the name behind it.
    pub(super) labelled: Vec<String>,
    defaults: HashSet<String>,
    about: HashSet<String>,
    pub(super) plain: HashSet<String>,
    pub(super) labels: HashSet<String>,
    pub(super) states: HashSet<String>,
    namers: HashSet<String>,
    kinds: HashSet<String>,
    unquoted: HashSet<String>,
    copies: HashSet<String>,
    notes: HashSet<String>,
    prose: HashSet<String>,
    copulas: HashSet<String>,
    turns: HashSet<String>,
    joints: HashSet<String>,
    references: HashSet<String>,
    standards: HashSet<String>,
    spoken: HashSet<String>,
    sheets: Vec<(String, char)>,
    spaced: HashSet<String>,
    directives: HashSet<String>,
    interpolated: HashSet<String>,
    givers: HashSet<String>,
    pub(super) schemes: HashSet<String>,
    /// Calls and the number of the argument that is a secret, from 1.
    pub(super) calls: Vec<(String, usize)>,
    /// The same for calls that take a user's name and a password in one text.
    pub(super) encoders: Vec<(String, usize)>,
    /// Commands, their options for a password, and where it stands.
    pub(super) options: Vec<(String, String, Given)>,
    /// Commands that read a password from what is piped to them.
    pub(super) piped: Vec<String>,
    pub(super) urls: Vec<String>,
    pub(super) prefixes: Vec<String>,
    pub(super) digests: Vec<String>,
    pub(super) hex_prefixes: Vec<String>,
    /// Beginnings of keys, and the characters that follow.
    pub(super) patterns: Vec<(String, String)>,
}

/// Where the password of a command's option stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Given {
    /// Directly behind it.
    Joined,
    /// Directly behind it, or as the next word.
    Apart,
    /// Behind it in quotes.
    Quoted,
    /// In the next word, behind the user's name and a colon or a percent sign.
    User,
    /// As the command's last word.
    Last,
}

/// The full-width forms of ASCII, and how far they are from it.
const FULL_WIDTH: RangeInclusive<char> = '\u{ff01}'..='\u{ff5e}';
const FROM_ASCII: u32 = 0xfee0;

impl Names {
    /// What a name says.
    pub(super) fn meaning(&self, name: &str) -> Meaning {
        let words = words(name);
        let mut calls = self.calls.iter().chain(&self.encoders);
        let is_call = calls.any(|(call, _)| call.ends_with(name) && !name.is_empty());
        Meaning { strength: self.strength(&words), is_login: self.is_login(&words), is_call }
    }

    fn strength(&self, mut words: &[String]) -> Option<Strength> {
        if let Some(at) = words.iter().position(|word| word == "for").filter(|at| (1..words.len()).contains(at)) {
            words = words.get(..at).unwrap_or(words);
        }
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
            (false, false) if self.phrases.contains(last) => Some(Strength::Phrase),
            (false, false) => None,
        }
    }

    fn is_login(&self, words: &[String]) -> bool {
        words.last().is_some_and(|last| self.logins.contains(last))
            || (words.len() > 1 && self.logins.contains(&words.concat()))
    }

    pub(super) fn is_strong(&self, word: &str) -> bool {
        self.strong.contains(word) || self.endings.iter().any(|ending| word.ends_with(ending.as_str()))
    }

    /// Whether a call of this name gives its arguments on.
    pub(super) fn is_wrapper(&self, name: &str) -> bool {
        self.wrappers.contains(&last_part(name))
    }

    /// Whether a call of this name looks its first argument up, and gives the next one on if nothing is found.
    pub(super) fn is_getter(&self, name: &str) -> bool {
        self.getters.contains(&last_part(name))
    }

    /// Whether a call of this name sets, compares or looks up what a secret name stands for.
    pub(super) fn is_setter(&self, name: &str) -> bool {
        let last = last_part(name);
        self.setters.contains(&last)
            || self.getters.contains(&last)
            || self.setters.contains(&name.to_ascii_lowercase())
    }

    /// Whether a call of this name says what the value in front of it is.
    pub(super) fn is_matcher(&self, name: &str) -> bool {
        self.matchers.contains(&last_part(name))
    }

    /// Whether a call of this name asks for a secret: its arguments say where, or tell a user.
    pub(super) fn is_asking(&self, name: &str) -> bool {
        words(name).first().is_some_and(|first| self.askers.contains(first))
    }

    /// Whether an argument or a field of this name holds the value of what is around it.
    pub(super) fn is_default(&self, name: &str) -> bool {
        self.defaults.contains(&name.to_ascii_lowercase())
    }

    /// Whether a field of this name says something about secrets, and holds none.
    pub(super) fn is_about(&self, name: &str) -> bool {
        self.about.contains(&name.to_ascii_lowercase())
    }

    /// Whether a name stands for a collection of secrets, each under a key of its own.
    pub(super) fn is_collection(&self, name: &str) -> bool {
        let ends = name.ends_with(['s', 'S']);
        ends && name.get(..name.len() - 1).is_some_and(|single| self.meaning(single).strength.is_some())
    }

    /// Whether a field of this name holds the name of what another field gives.
    pub(super) fn is_namer(&self, name: &str) -> bool {
        self.namers.contains(&name.to_ascii_lowercase())
    }

    /// Whether a field of this name says what another field gives.
    pub(super) fn is_kind(&self, name: &str) -> bool {
        self.kinds.contains(&name.to_ascii_lowercase())
    }

    /// Whether a word gives the name behind it a word.
    pub(super) fn is_giver(&self, word: &str) -> bool {
        self.givers.contains(word)
    }

    /// Whether a file holds notes, in which one word behind a name is its value.
    pub(super) fn is_notes(&self, path: &str) -> bool {
        self.notes.contains(&self.kind(path))
    }

    /// Whether a file is written for people.
    pub(super) fn is_prose(&self, path: &str) -> bool {
        self.prose.contains(&self.kind(path))
    }

    /// Whether a word of a sentence says that what follows is the value of what stands before.
    pub(super) fn is_copula(&self, word: &str) -> bool {
        self.copulas.contains(word.trim_end_matches(':'))
    }

    /// Whether a word of a sentence says that what stands before it is the value of what follows.
    pub(super) fn is_turn(&self, word: &str) -> bool {
        self.turns.contains(word)
    }

    /// Whether a word begins what is said of a name, and no longer name.
    pub(super) fn is_joint(&self, word: &str) -> bool {
        self.joints.contains(&word.to_lowercase())
    }

    /// Whether a word in front of a colon says what follows, and is no user's name.
    pub(super) fn is_reference(&self, word: &str) -> bool {
        self.references.contains(&word.to_lowercase())
    }

    /// Whether a word is the name of a protocol or an algorithm.
    pub(super) fn is_standard(&self, word: &str) -> bool {
        self.standards.contains(&word.to_lowercase())
    }

    /// Whether a literal follows a name in a file behind a blank.
    pub(super) fn is_spoken(&self, path: &str) -> bool {
        self.spoken.contains(&self.kind(path))
    }

    /// What stands between the fields of a file of rows; `None` if it is none.
    pub(super) fn separator(&self, path: &str) -> Option<char> {
        let kind = self.kind(path);
        self.sheets.iter().find(|(ending, _)| *ending == kind).map(|(_, separator)| *separator)
    }

    /// Whether a name in a file has its value behind a blank.
    pub(super) fn is_directive(&self, path: &str, name: &str) -> bool {
        self.spaced.contains(&self.kind(path)) && words(name).last().is_some_and(|last| self.directives.contains(last))
    }

    /// Whether values stand without quotes in a file.
    pub(super) fn is_unquoted(&self, path: &str) -> bool {
        self.unquoted.contains(&self.kind(path))
    }

    /// Whether `$name` in a text of a file is a variable.
    pub(super) fn is_interpolated(&self, path: &str) -> bool {
        self.interpolated.contains(&self.kind(path))
    }

    /// What a file is: its ending in front of those of copies, or its name, `dockerfile`.
    fn kind(&self, path: &str) -> String {
        let name = path.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
        let mut parts = name.rsplit('.').skip_while(|part| self.copies.contains(*part));
        parts.next().unwrap_or(&name).to_owned()
    }
}

/// The last part of a path of names, in lower case and without the mark of a macro.
fn last_part(name: &str) -> String {
    let last = name.trim_end_matches('!').rsplit([':', '.', '>', ']', '&', '!']).next().unwrap_or_default();
    last.to_ascii_lowercase()
}

fn is_number(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit())
}

/// A character of full width as ASCII.
fn narrow(c: char) -> char {
    if FULL_WIDTH.contains(&c) { char::from_u32(c as u32 - FROM_ASCII).unwrap_or(c) } else { c }
}

/// The words of a name, in lower case.
pub(super) fn words(name: &str) -> Vec<String> {
    let (mut words, mut word, mut before) = (Vec::new(), String::new(), ' ');
    let mut characters = name.chars().peekable();
    while let Some(c) = characters.next().map(narrow) {
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

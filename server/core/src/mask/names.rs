//! The words of `tables/secret_names.toml`, and what they say about a name or a value.

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
    /// Whether a call that ends in it may be one of `calls`.
    pub(super) is_call: bool,
}

/// The words.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Names {
    strong: HashSet<String>,
    endings: Vec<String>,
    pairs: HashSet<String>,
    weak: HashSet<String>,
    phrases: HashSet<String>,
    after: HashSet<String>,
    logins: HashSet<String>,
    wrappers: HashSet<String>,
    getters: HashSet<String>,
    setters: HashSet<String>,
    defaults: HashSet<String>,
    about: HashSet<String>,
    plain: HashSet<String>,
    labels: HashSet<String>,
    namers: HashSet<String>,
    unquoted: HashSet<String>,
    notes: HashSet<String>,
    spaced: HashSet<String>,
    directives: HashSet<String>,
    interpolated: HashSet<String>,
    /// Calls and the number of the argument that is a secret, from 1.
    pub(super) calls: Vec<(String, usize)>,
    /// Commands, their options for a password, and where it stands.
    pub(super) options: Vec<(String, String, Given)>,
    /// Commands that read a password from what is piped to them.
    pub(super) piped: Vec<String>,
    pub(super) urls: Vec<String>,
    pub(super) prefixes: Vec<String>,
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

/// Fewest characters of the value of a weak name, and fewest digits.
const MIN_WEAK: (usize, usize) = (12, 3);
/// The same for a value of capitals, small letters and digits, and the letters in a row that are a word.
const MIN_MIXED: (usize, usize) = (8, 2);
const WORD: usize = 4;
/// Most bytes of a label or a message.
const MAX_LABEL: usize = 400;
/// Fewest words of a phrase.
const MIN_PHRASE: usize = 12;
/// The full-width forms of ASCII, and how far they are from it.
const FULL_WIDTH: RangeInclusive<char> = '\u{ff01}'..='\u{ff5e}';
const FROM_ASCII: u32 = 0xfee0;

impl Names {
    /// What a name says.
    pub(super) fn meaning(&self, name: &str) -> Meaning {
        let words = words(name);
        let is_call = self.calls.iter().any(|(call, _)| call.ends_with(name) && !name.is_empty());
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

    fn is_strong(&self, word: &str) -> bool {
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

    /// Whether a call of this name sets or compares what a secret name stands for.
    pub(super) fn is_setter(&self, name: &str) -> bool {
        self.setters.contains(&last_part(name))
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

    /// Whether a file holds notes, in which one word behind a name is its value.
    pub(super) fn is_notes(&self, path: &str) -> bool {
        self.notes.contains(&kind(path))
    }

    /// Whether a name in a file has its value behind a blank.
    pub(super) fn is_directive(&self, path: &str, name: &str) -> bool {
        self.spaced.contains(&kind(path)) && words(name).last().is_some_and(|last| self.directives.contains(last))
    }

    /// Whether values stand without quotes in a file.
    pub(super) fn is_unquoted(&self, path: &str) -> bool {
        self.unquoted.contains(&kind(path))
    }

    /// Whether `$name` in a text of a file is a variable.
    pub(super) fn is_interpolated(&self, path: &str) -> bool {
        self.interpolated.contains(&kind(path))
    }

    /// Whether a value given to a name of this strength is a secret, rather than a label, a place for one, or nothing.
    pub(super) fn is_secret(&self, value: &str, strength: Strength) -> bool {
        let value = value.trim();
        let Some(first) = value.chars().next() else { return false };
        let is_filler = value.chars().all(|c| c == first) && (!first.is_alphanumeric() || "xX".contains(first));
        if is_filler && value.chars().count() > 2 || is_placeholder(value) || self.is_variable(value) {
            return false;
        }
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        let blank = value.chars().any(char::is_whitespace);
        let is_named = |word: &String| self.weak.contains(word) || self.is_strong(word);
        let is_plain = |word: &String| self.plain.contains(word) || self.labels.contains(word) || is_named(word);
        let is_label = |word: &String| self.labels.contains(word) || is_named(word);
        let is_short = value.len() <= MAX_LABEL;
        if is_short && digits == 0 && blank && first.is_uppercase() && words(value).iter().any(is_label) {
            return false;
        }
        if is_short
            && digits == 0
            && value.chars().all(|c| c.is_alphabetic() || " _-.:?!".contains(c))
            && words(value).iter().all(is_plain)
        {
            return false;
        }
        match strength {
            Strength::Strong => true,
            Strength::Weak => !blank && looks_like_a_key(value, digits),
            Strength::Phrase => value.split_whitespace().count() >= MIN_PHRASE,
        }
    }

    /// A variable alone: `$DB_PASSWORD`, `$password`. `$uperman` is none outside a shell.
    fn is_variable(&self, value: &str) -> bool {
        value.strip_prefix('$').is_some_and(|name| {
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            let is_capital = name.chars().all(|c| c.is_uppercase() || c == '_' || c.is_ascii_digit());
            is_name && (is_capital || (self.meaning(name).strength.is_some() && !has_digit(name)))
        })
    }
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether a value of a weak name has enough digits, or is a mixture without a word.
fn looks_like_a_key(value: &str, digits: usize) -> bool {
    let ((characters, figures), (mixed, few)) = (MIN_WEAK, MIN_MIXED);
    let length = value.chars().count();
    let is_mixed = value.chars().any(|c| c.is_ascii_uppercase())
        && value.chars().any(|c| c.is_ascii_lowercase())
        && value.chars().all(|c| c.is_ascii_alphanumeric())
        && value.split(|c: char| !c.is_ascii_lowercase()).all(|part| part.len() < WORD);
    (digits >= figures && length >= characters) || (is_mixed && digits >= few && length >= mixed)
}

/// The last part of a path of names, in lower case and without the mark of a macro.
fn last_part(name: &str) -> String {
    let last = name.trim_end_matches('!').rsplit([':', '.', '>', ']', '&', '!']).next().unwrap_or_default();
    last.to_ascii_lowercase()
}

/// The ending of a file's name, or the name itself: `dockerfile`.
fn kind(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next().unwrap_or_default();
    name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase()
}

/// The default in a reference: `${PASSWORD:-…}` of a shell, `${password:…}` of Spring. Outside of one, `None`.
pub(super) fn fallback(value: &str) -> Option<&str> {
    let inside = value.strip_prefix("${")?;
    let inside = inside.get(..inside.find('}')?)?;
    let at = inside.find(|c: char| !(c.is_alphanumeric() || "_.".contains(c)))?;
    let signs = [":-", ":=", ":?", ":+", "-", ":"];
    signs.into_iter().find_map(|sign| inside.get(at..)?.strip_prefix(sign)).filter(|_| at > 0)
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
    let is_format = value.len() == 2 && value.starts_with('%');
    let is_word =
        ["true", "false", "null", "none", "nil", "undefined", "yes", "no", "ascii", "latin1", "utf8", "utf-8"]
            .contains(&value.to_ascii_lowercase().as_str());
    let is_option = value.starts_with("--") || (value.len() == 2 && value.starts_with('-'));
    around || is_format || is_word || is_option
}

fn is_number(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_digit())
}

/// A character of full width as ASCII.
fn narrow(c: char) -> char {
    if FULL_WIDTH.contains(&c) { char::from_u32(c as u32 - FROM_ASCII).unwrap_or(c) } else { c }
}

/// The words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
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

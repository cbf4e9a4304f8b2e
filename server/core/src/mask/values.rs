//! Tells what given values are: secrets, or labels, places for one, names of other values, and nothing. It leaves where they stand to others, and words
//! that are addresses, versions and the like to `places`.

use super::names::{NAMES, Names, Strength, words};
use super::places;

/// Fewest characters of the value of a weak name, and fewest digits.
const MIN_WEAK: (usize, usize) = (12, 3);
/// The same for a value of capitals, small letters and digits, and the letters in a row that are a word.
const MIN_MIXED: (usize, usize) = (8, 2);
const WORD: usize = 4;
/// Fewest characters of a word that looks like a password.
const MIN_PASSWORD: usize = 6;
/// Ends of words that are types and hashes: `bytes32`, `sha256`.
const SIZES: [&str; 6] = ["16", "32", "64", "128", "256", "512"];
/// Most bytes of a label or a message.
const MAX_LABEL: usize = 400;
/// Most bytes of a label that stands where only a name says that it is a secret.
const MAX_NAME: usize = 40;
/// Fewest words of a phrase.
const MIN_PHRASE: usize = 12;

impl Names {
    /// Whether a value given to a name of this strength is a secret, rather than a label, a place for one, or nothing.
    pub(super) fn is_secret(&self, value: &str, strength: Strength) -> bool {
        let value = value.trim();
        let Some(first) = value.chars().next() else { return false };
        let is_filler = value.chars().all(|c| c == first) && (!first.is_alphanumeric() || "xX".contains(first));
        let is_state = self.states.contains(&value.to_ascii_lowercase());
        if is_filler && value.chars().count() > 2 || is_state || is_placeholder(value) || self.is_variable(value) {
            return false;
        }
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        let blank = value.chars().any(char::is_whitespace);
        let is_named = |word: &String| self.weak.contains(word) || self.is_strong(word);
        let is_plain = |word: &String| self.plain.contains(word) || self.labels.contains(word) || is_named(word);
        let is_label = |word: &String| self.labels.contains(word) || is_named(word);
        let is_short = value.len() <= MAX_LABEL;
        let is_yours = |words: &[String]| words.iter().any(|word| word == "your") && words.iter().any(is_named);
        if is_short && (self.is_rule(value) || (digits == 0 && is_yours(&words(value)))) {
            return false;
        }
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
            Strength::Phrase => digits == 0 && value.split_whitespace().count() >= MIN_PHRASE,
        }
    }

    /// A key without the scheme in front of it: `Token …`.
    pub(super) fn without_scheme<'a>(&self, value: &'a str) -> &'a str {
        let parts = value.split_once(' ').filter(|(scheme, _)| self.schemes.contains(&scheme.to_ascii_lowercase()));
        parts.map_or(value, |(_, key)| key)
    }

    /// A variable alone: `$DB_PASSWORD`, `$password`. `$uperman` is none outside a shell.
    fn is_variable(&self, value: &str) -> bool {
        value.strip_prefix('$').is_some_and(|name| {
            let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
            let is_capital = name.chars().all(|c| c.is_uppercase() || c == '_' || c.is_ascii_digit());
            is_name && (is_capital || (self.meaning(name).strength.is_some() && !has_digit(name)))
        })
    }

    /// Whether what follows from a name alone is no secret but a label, or the name of another value: `password = new_password`. In quotes, a word
    /// of several parts may be a password.
    pub(super) fn is_label(&self, text: &str, is_quoted: bool) -> bool {
        let (words, is_spaced) = (words(text), text.contains(' '));
        let lists = [&self.plain, &self.labels, &self.weak, &self.strong];
        let is_known = |word: &String| lists.iter().any(|list| list.contains(word));
        let is_short = text.len() <= MAX_NAME && !has_digit(text) && !words.is_empty();
        is_short
            && match is_spaced {
                true => !self.is_secret(text, Strength::Strong),
                false => (!is_quoted || words.len() == 1) && words.iter().all(is_known),
            }
    }

    /// Rules for what a user enters: `required|string|confirmed`.
    fn is_rule(&self, value: &str) -> bool {
        let rules = value.split('|').map(|rule| rule.split(':').next().unwrap_or_default());
        value.contains('|')
            && rules.clone().all(|rule| !rule.is_empty() && rule.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
            && rules.clone().any(|rule| self.plain.contains(rule) || self.labels.contains(rule))
    }
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

/// Whether a word is the name of a type or a hash: `bytes32`, `sha256`.
fn is_size(word: &str) -> bool {
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit());
    letters.chars().all(|c| c.is_ascii_lowercase()) && SIZES.iter().any(|size| word.ends_with(size))
}

/// Whether a part of a word is the name of a type, a hash or a protocol: `sha256-digest`, `oauth2-flow`.
pub(super) fn names_a_standard(word: &str) -> bool {
    word.split('-').any(|part| is_size(part) || NAMES.is_standard(part))
}

/// Whether a word looks like a password rather than one of a sentence or of code: letters and digits, and no path of names or call.
pub(super) fn looks_like_a_password(word: &str) -> bool {
    let is_name = word.chars().all(|c| c.is_alphanumeric() || "_.:/".contains(c));
    let is_type = is_size(word);
    word.chars().count() >= MIN_PASSWORD
        && !is_type
        && has_digit(word)
        && word.chars().any(char::is_alphabetic)
        && !word.contains(['(', '[', '{', '<', '$'])
        && !word.starts_with('&')
        && !(is_name && word.contains(['.', ':', '/']))
        && !places::is_place(word)
}

/// A word of a sentence without the signs around it.
pub(super) fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| "\"'`.,:;!?()<>*_".contains(c))
}

/// Whether a word looks like a name of something rather than a key: words and numbers with signs between them, or a date.
pub(super) fn looks_like_a_name(word: &str) -> bool {
    let parts = || word.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
    let is_word = |part: &str| part.trim_end_matches(|c: char| c.is_ascii_digit()).chars().all(char::is_alphabetic);
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    letters < WORD || parts().count() > 1 && parts().all(is_word)
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
    let is_cut = !has_digit(value) && (value.ends_with("...") || value.ends_with('…'));
    let is_option = value.starts_with("--") || (value.len() == 2 && value.starts_with('-'));
    around || is_format || is_cut || is_option
}

/// Whether a character is one of base64, or of a token of its kind.
pub(super) fn is_base64(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+/=_-".contains(c)
}

//! Finds the literals that a declaration, assignment, comparison, call or attribute gives to a secret name, in any language: by the name's words,
//! and by the signs between it and the literal. It leaves the words to `names`, and keys without a name to `random` and the crate.

use std::collections::HashMap;
use std::ops::Range;

use super::names::{Meaning, NAMES, Names, Strength};
use super::reader::Reader;

/// Signs between a name and its value, the longer ones first.
const SIGNS: [&str; 16] =
    ["===", "!==", "||=", "??=", "==", "!=", ":=", "=>", "?=", "+=", "<-", "->", "::=", "=", ":", ".equals("];
/// The quotes of literals.
const QUOTES: [&str; 3] = ["\"", "'", "`"];
/// Bytes in front of a name that are looked at.
const BEFORE: usize = 256;
/// Most calls around a literal, and most literals of a list or a sum.
const MAX_DEPTH: usize = 3;
const MAX_LITERALS: usize = 40;

/// The secrets of a text; `path` is the file's.
pub(super) fn spans(text: &str, path: &str) -> Vec<Range<usize>> {
    let names = &*NAMES;
    let unquoted = names.is_unquoted(path);
    // A text repeats its names.
    let mut known: HashMap<&str, Meaning> = HashMap::new();
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(is_name)).map(|start| at + start) {
        let name = Reader::new(text, start).takes_while(|c| is_name(c) || c == '-').trim_end_matches('-');
        at = start + name.len().max(1);
        let meaning = *known.entry(name).or_insert_with(|| names.meaning(name));
        let reader = Reader::new(text, at);
        if let Some(strength) = meaning.strength {
            let before = end_of(text.get(..start).unwrap_or_default());
            let count = found.len();
            Value { names, name, strength, unquoted, found: &mut found }.look(reader, before);
            // What the value holds is no name of another one.
            at = found.get(count..).unwrap_or_default().iter().fold(at, |at, span: &Range<usize>| at.max(span.end));
        }
        if meaning.is_login {
            found.extend(password(reader));
        }
    }
    found
}

fn is_quote(c: char) -> bool {
    "\"'`".contains(c)
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The last bytes of a text: as much as decides about what follows it.
fn end_of(text: &str) -> &str {
    (text.len().saturating_sub(BEFORE)..=text.len()).find_map(|at| text.get(at..)).unwrap_or_default()
}

/// The second of two literals in brackets: `auth=("admin", "…")`, `BasicAuth("admin", "…")`.
fn password(mut reader: Reader<'_>) -> Option<Range<usize>> {
    reader.takes_while(|c| c == ' ' || c == '=' || c == ':');
    let open = reader.takes("(") || reader.takes("[") || reader.takes("new string[] {");
    reader.skip_breaks();
    reader.literal().filter(|_| open)?;
    reader.skip_blanks();
    if !reader.takes(",") {
        return None;
    }
    reader.skip_breaks();
    wrapped(&mut reader);
    reader.literal().filter(|span| !span.is_empty())
}

/// Reads the calls that give their argument on: `String::from(`, `new SecretString(`; and brackets.
fn wrapped(reader: &mut Reader<'_>) {
    for _ in 0..MAX_DEPTH {
        reader.skip_breaks();
        let mut ahead = *reader;
        ahead.takes("new ");
        ahead.takes("&");
        let call = ahead.takes_while(|c| is_name(c) || ":.!".contains(c));
        if !ahead.takes("(") || !(call.is_empty() || NAMES.is_wrapper(call)) {
            return;
        }
        *reader = ahead;
        reader.skip_breaks();
    }
}

/// The value of a name, which is looked for behind it.
struct Value<'a> {
    names: &'a Names,
    name: &'a str,
    strength: Strength,
    unquoted: bool,
    found: &'a mut Vec<Range<usize>>,
}

impl Value<'_> {
    fn look(&mut self, mut reader: Reader<'_>, before: &str) {
        self.compared(before);
        let is_tag = before.trim_end_matches(|c: char| is_name(c) || c == ':').ends_with('<');
        if is_tag {
            reader.takes_while(|c| c != '>' && c != '\n' && c != '=');
            if reader.takes(">") {
                self.up_to(reader, |c| c == '<');
            }
            return;
        }
        let is_quoted = reader.takes("\\\"") || QUOTES.into_iter().any(|quote| reader.takes(quote));
        self.skip_size(&mut reader);
        reader.takes("]");
        let is_spaced = reader.peek().is_some_and(|c| c == ' ' || c == '\t');
        reader.skip_blanks();
        let is_literal = reader.peek().is_some_and(is_quote);
        let is_first = before.trim_end_matches(is_quote).ends_with(['(', '[', '{']);
        if let Some(sign) = SIGNS.into_iter().find(|sign| reader.takes(sign)) {
            match sign == "=" && !is_spaced && !is_quoted {
                true => self.given(reader, before),
                false => self.behind(sign, reader),
            }
        } else if is_quoted
            && ["value", "Value", "content", "default"].into_iter().any(|attribute| reader.takes(attribute))
        {
            reader.skip_blanks();
            if reader.takes("=") {
                self.literals(reader);
            }
        } else if (is_quoted && is_first && reader.takes(","))
            || (!is_quoted && reader.takes("("))
            || (is_spaced && is_literal && is_statement(before))
        {
            self.literals(reader);
        } else if is_spaced && takes_words(before) {
            self.up_to(reader, char::is_whitespace);
        }
    }

    /// A literal in front of the name: `"…" == password`, `"…".equals(password)`.
    fn compared(&mut self, before: &str) {
        let Some(sign) =
            ["===", "!==", "==", "!=", ".equals("].into_iter().find(|sign| before.trim_end().ends_with(sign))
        else {
            return;
        };
        let line = before.trim_end().strip_suffix(sign).map(str::trim_end).unwrap_or_default();
        let Some(quote) = line.chars().next_back().filter(|c| is_quote(*c)) else { return };
        let end = line.len() - quote.len_utf8();
        let Some(start) = line.get(..end).and_then(|line| line.rfind(quote)).map(|at| at + quote.len_utf8()) else {
            return;
        };
        self.take(&Reader::new(before, start), start..end);
    }

    /// A value directly behind `NAME=`: of a shell, a file of settings, a URL.
    fn given(&mut self, reader: Reader<'_>, before: &str) {
        let in_url = before.ends_with(['?', '&']);
        let is_capital = self.name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let value = reader
            .rest()
            .split(|c: char| c.is_whitespace() || is_quote(c) || "&;)<>".contains(c))
            .next()
            .unwrap_or_default();
        let is_value = !value.contains(['(', '[', '{'])
            && (in_url || (is_capital && value.bytes().any(|byte| byte.is_ascii_digit())));
        match is_value && !value.is_empty() {
            true => self.take(&reader, reader.at..reader.at + value.len()),
            false => self.behind("=", reader),
        }
    }

    /// Skips the size of an array: `password[16]`.
    fn skip_size(&self, reader: &mut Reader<'_>) {
        let mut ahead = *reader;
        if ahead.takes("[") && ahead.takes_while(|c| c.is_ascii_digit()).len() < 8 && ahead.takes("]") {
            *reader = ahead;
        }
    }

    fn behind(&mut self, sign: &str, mut reader: Reader<'_>) {
        reader.skip_blanks();
        if sign == ":" {
            if reader.peek().is_some_and(|c| c == '|' || c == '>') {
                return self.block(reader);
            }
            let is_value = reader.peek().is_some_and(is_quote) || self.unquoted;
            if !is_value && reader.skips_type() {
                return self.literals(reader);
            }
        }
        let known = self.found.len();
        self.literals(reader);
        if self.unquoted && self.found.len() == known && !reader.peek().is_some_and(|c| "\"'`[{&*!|>$(".contains(c)) {
            self.up_to(reader, |c| c == '\n' || c == '\r');
        }
    }

    /// A literal, a list of them, or a sum of them.
    fn literals(&mut self, mut reader: Reader<'_>) {
        wrapped(&mut reader);
        reader.skip_breaks();
        let is_list = !reader.rest().starts_with("[[") && (reader.takes("[") || reader.takes("{"));
        for _ in 0..MAX_LITERALS {
            reader.skip_breaks();
            if is_list {
                wrapped(&mut reader);
            }
            let Some(span) = reader.literal() else { return };
            self.take(&reader, span);
            reader.skip_breaks();
            let is_more = reader.takes(",") && is_list
                || ["+", "..", ".", "&", "~", "<>"].into_iter().any(|sum| reader.takes(sum));
            let is_next = reader.peek().is_some_and(is_quote);
            if !is_more && !is_next {
                return;
            }
        }
    }

    fn take(&mut self, reader: &Reader<'_>, span: Range<usize>) {
        if self.names.is_secret(reader.part(&span), self.strength) {
            self.found.push(span);
        }
    }

    /// A value without quotes, up to a character, or to a comment.
    fn up_to(&mut self, mut reader: Reader<'_>, ends: impl Fn(char) -> bool) {
        let start = reader.at;
        let value = reader.takes_while(|c| !ends(c) && c != '\n');
        let value = value.split(" #").next().unwrap_or_default().trim_end().trim_end_matches([',', ';', '"', '\'']);
        if !value.trim().is_empty() && !value.contains('(') {
            self.take(&reader, start..start + value.len());
        }
    }

    /// The lines of a block of YAML: those that are indented deeper than its key.
    fn block(&mut self, mut reader: Reader<'_>) {
        let head = reader.takes_while(|c| c != '\n');
        if !head.trim().trim_matches(|c: char| "|>+-".contains(c) || c.is_ascii_digit()).is_empty() {
            return;
        }
        let mut indent = None;
        for _ in 0..MAX_LITERALS * 5 {
            reader.takes("\n");
            let own = reader.takes_while(|c| c == ' ').len();
            let line = reader;
            let text = reader.takes_while(|c| c != '\n');
            if own == 0 || text.trim().is_empty() || own < *indent.get_or_insert(own) {
                return;
            }
            let end = line.at + text.trim_end().len();
            self.take(&reader, line.at..end);
        }
    }
}

/// Whether a name's value follows it as a word: behind `--` of an option, `ENV` of a Dockerfile, `set` of a shell.
fn takes_words(before: &str) -> bool {
    before.ends_with("--") || ["ENV", "ARG", "set", "setx"].contains(&word_before(before))
}

/// Whether a name's value follows it as a literal: first on its line, as an option, or behind a word that defines.
fn is_statement(before: &str) -> bool {
    let is_first = before.rsplit('\n').next().is_none_or(|line| line.trim().is_empty() && line.len() < BEFORE);
    is_first
        || takes_words(before)
        || ["#define", "(define", "(def", "(defvar", "(setq", "(setf"].contains(&word_before(before))
}

/// The word in front of a name, if blanks are between them.
fn word_before(before: &str) -> &str {
    let line = before.rsplit('\n').next().unwrap_or_default();
    let trimmed = line.trim_end();
    let word = trimmed.rsplit(char::is_whitespace).next().unwrap_or_default();
    if trimmed.len() < line.len() { word } else { "" }
}

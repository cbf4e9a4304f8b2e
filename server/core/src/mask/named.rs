//! Finds the literals that a declaration, assignment, comparison, call or attribute gives to a secret name, in any language: by the name's words,
//! and by the signs between it and the literal. It leaves the words to `names`, what stands in front of a name to `before`, calls to `calls`, sentences to
//! `spoken`, what is given to `expression`, other forms to `forms`, `bare` and `columns`, what stands on the lines below to `settings`, and keys without
//! a name to `random` and the crate.

use std::collections::HashMap;
use std::ops::Range;

use super::before::{
    CONDITIONS, end_of, ends_text, is_definition, is_name, is_quote, is_set, is_statement, is_tag, line_of, open_text,
    takes_words, word_before,
};
use super::calls::{argument, login, password};
use super::expression::Expression;
use super::names::{Meaning, NAMES, Names, Strength};
use super::reader::Reader;
use super::values::fallback;

/// Signs between a name and its value, the longer ones first.
const SIGNS: [&str; 17] =
    ["<<<", "===", "!==", "||=", "??=", "==", "!=", ":=", "=>", "?=", "+=", "<-", "->", "::=", "=", ":", ".equals("];
/// Signs behind which stands what is used for a secret that is missing.
const DEFAULTS: [&str; 7] = ["||", "??", "?:", "or ", ".unwrap_or(", ".orElse(", ".getOrElse("];
/// The quotes of literals.
const QUOTES: [&str; 3] = ["\"", "'", "`"];
/// Most bytes of a value without quotes, and of the names that are given a list.
pub(super) const MAX_VALUE: usize = 4 * 1024;
pub(super) const MAX_NAMES: usize = 256;
/// Most characters between the arguments of a function and its body.
const MAX_RESULT: usize = 60;

/// The secrets of a text; `path` is the file's.
pub(super) fn spans(text: &str, path: &str) -> Vec<Range<usize>> {
    let names = &*NAMES;
    let (unquoted, interpolated) = (names.is_unquoted(path), names.is_interpolated(path));
    let notes = names.is_notes(path);
    // A text repeats its names.
    let mut known: HashMap<&str, Meaning> = HashMap::new();
    let (mut found, mut rows, mut at) = (Vec::new(), Vec::new(), 0);
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(is_name)).map(|start| at + start) {
        let name = Reader::new(text, start).takes_while(|c| is_name(c) || c == '-').trim_end_matches('-');
        at = start + name.len().max(1);
        let meaning = *known.entry(name).or_insert_with(|| names.meaning(name));
        let reader = Reader::new(text, at);
        if let Some(strength) = meaning.strength {
            let before = end_of(text.get(..start).unwrap_or_default());
            let count = found.len();
            Value { names, path, name, strength, unquoted, interpolated, notes, found: &mut found, rows: &mut rows }
                .look(reader, before);
            // What the value holds is no name of another one.
            at = found.get(count..).unwrap_or_default().iter().fold(at, |at, span: &Range<usize>| at.max(span.end));
        }
        if meaning.is_login {
            found.extend(login(reader, end_of(text.get(..start).unwrap_or_default()), path));
        }
        match meaning.is_call.then(|| argument(reader)).flatten() {
            Some(argument) => found.extend(argument),
            None if meaning.is_login => found.extend(password(reader)),
            None => {}
        }
    }
    found.append(&mut rows);
    found
}

/// The value of a name, which is looked for behind it.
pub(super) struct Value<'a> {
    pub(super) names: &'a Names,
    pub(super) path: &'a str,
    pub(super) name: &'a str,
    pub(super) strength: Strength,
    pub(super) unquoted: bool,
    pub(super) interpolated: bool,
    notes: bool,
    pub(super) found: &'a mut Vec<Range<usize>>,
    /// Those in the rows below, between which other names stand.
    pub(super) rows: &'a mut Vec<Range<usize>>,
}

impl Value<'_> {
    fn look(&mut self, reader: Reader<'_>, before: &str) {
        let count = self.found.len() + self.rows.len();
        self.looked(reader, before);
        if self.found.len() + self.rows.len() == count {
            self.told(reader, before);
        }
    }

    fn looked(&mut self, mut reader: Reader<'_>, before: &str) {
        self.compared(before, reader);
        self.labelled(before, reader);
        if is_tag(before) {
            return self.tagged(reader);
        }
        let name_end = reader;
        let is_quoted = reader.takes("\\\"") || QUOTES.into_iter().any(|quote| reader.takes(quote));
        self.skip_size(&mut reader);
        let is_closed = reader.takes("]") || (is_quoted && reader.takes(")"));
        let is_spaced = reader.peek().is_some_and(|c| c == ' ' || c == '\t');
        let behind = reader;
        reader.skip_blanks();
        if self.defaults(reader, is_quoted && is_closed)
            || self.several(reader, before)
            || self.formed(behind, before, is_quoted)
            || self.filled(name_end, before)
        {
            return;
        }
        reader = behind;
        reader.skip_blanks();
        let is_literal = reader.peek().is_some_and(is_quote);
        let count = self.found.len();
        if let Some(sign) = SIGNS.into_iter().find(|sign| reader.takes(sign)) {
            match sign {
                "=" if !is_spaced && !is_quoted => self.given(reader, before),
                // What follows a condition is other code.
                ":" if !is_quoted && CONDITIONS.contains(&word_before(before)) => {}
                // A branch for a member: `Field::Password => "…"`.
                "=>" if !is_quoted && (before.ends_with("::") || before.ends_with('.')) => {}
                _ if !is_quoted && ends_text(reader, before) => {}
                _ => self.behind(sign, reader),
            }
            if self.found.len() == count
                && (sign == "=" || (sign == ":" && reader.peek().is_some_and(|c| " *".contains(c))))
            {
                self.remark(reader, before);
            }
        } else if is_quoted && reader.takes("to ") {
            self.literals(reader);
        } else if is_quoted
            && ["value", "Value", "content", "default"].into_iter().any(|attribute| reader.takes(attribute))
        {
            reader.skip_blanks();
            if reader.takes("=") {
                self.literals(reader);
            }
        } else if !is_closed && reader.takes(",") {
            self.behind_a_comma(reader, before, is_quoted);
        } else if !is_quoted && reader.takes("(") {
            self.call(reader, before);
        } else if reader.peek() == Some('{') && is_spaced {
            self.braces(reader, is_quoted);
        } else if is_spaced
            && (is_literal && (is_statement(before) || self.is_spoken(is_quoted)) && !ends_text(reader, before)
                || !is_quoted && reader.skips_word_before_assignment())
        {
            self.literals(reader);
        } else if is_spaced && !is_quoted && reader.peek() == Some('`') && self.names.is_prose(self.path) {
            self.remark(reader, before);
        } else if is_spaced && takes_words(before) {
            self.up_to(reader, char::is_whitespace);
        }
    }

    /// Whether a literal may follow the name behind a blank, as in SQL.
    fn is_spoken(&self, is_quoted: bool) -> bool {
        !is_quoted && self.names.is_spoken(self.path)
    }

    /// What a tag holds: `<password>…</password>`.
    fn tagged(&mut self, mut reader: Reader<'_>) {
        reader.takes_while(|c| c != '>' && c != '\n' && c != '=');
        if reader.takes(">") {
            self.content(reader);
        }
    }

    /// What stands between two tags.
    pub(super) fn content(&mut self, mut reader: Reader<'_>) {
        reader.skip_breaks();
        if reader.takes("<![CDATA[") {
            reader.skip_breaks();
            return self.up_to(reader, |c| c == ']');
        }
        let rest = reader.ahead(MAX_VALUE).split_once('<').map_or("/", |(_, rest)| rest);
        if rest.starts_with('/') {
            self.up_to(reader, |c| c == '<');
        }
    }

    /// The argument or the element behind a name: `getenv("PASSWORD", "…")`, `("password", "…")`, `strcpy(password, "…")`.
    fn behind_a_comma(&mut self, reader: Reader<'_>, before: &str, is_quoted: bool) {
        let outside = before.trim_end_matches(is_quote);
        let is_option = is_quoted && before.ends_with("--");
        let is_argument = outside.strip_suffix('(').is_some_and(|before| before.ends_with(is_name));
        if is_set(before) || is_option || (is_quoted && is_argument) {
            self.all(reader, Expression::new(reader, false).next_argument());
        } else if (is_quoted && outside.ends_with(['(', '[', '{'])) || self.is_atom(before) {
            // A longer list, or one of names alone, gives none of them a value.
            let pair = Expression::new(reader, false).arguments();
            let pair = pair.into_iter().filter(|_| reader.closes_behind_a_literal());
            let values = pair.filter(|span| self.names.meaning(reader.part(span)).strength.is_none());
            self.all(reader, values.collect());
        }
    }

    /// What is used if the secret is missing: `password || "…"`, `ENV.fetch("PW") { "…" }`.
    fn defaults(&mut self, mut reader: Reader<'_>, is_looked_up: bool) -> bool {
        let is_block = is_looked_up && reader.rest().starts_with("{");
        if ["||=", "??="].into_iter().any(|sign| reader.rest().starts_with(sign)) {
            return false;
        }
        let is_default = is_block || DEFAULTS.into_iter().any(|sign| reader.takes(sign));
        if is_default {
            self.literals(reader);
        }
        is_default
    }

    /// One of several names that are given a list: `user, password = "…", "…"`.
    fn several(&mut self, mut reader: Reader<'_>, before: &str) -> bool {
        let line = line_of(before);
        let line = ["let", "const", "var", "local"]
            .into_iter()
            .find_map(|word| line.trim_start().strip_prefix(word))
            .unwrap_or(line);
        let line = line.trim_start().trim_start_matches(['(', '[']);
        let is_list = |c: char| is_name(c) || ", .$@".contains(c);
        let after = reader.ahead(MAX_NAMES);
        let after = after.split(|c| !(is_name(c) || ", .$@".contains(c))).next().unwrap_or_default();
        reader.at += after.len();
        let is_several = (line.trim_end().ends_with(',') || after.starts_with(','))
            && line.chars().all(is_list)
            && after.trim_start().chars().next().is_none_or(|c| c == ',');
        reader.takes_while(|c| c == ')' || c == ']' || c == ' ');
        // Without a blank, a sign belongs to an argument.
        let is_spaced = reader.part(&(reader.at.saturating_sub(1)..reader.at)) == " ";
        if !is_several || !is_spaced || !(reader.takes(":=") || reader.takes("=")) || reader.peek() == Some('=') {
            return false;
        }
        let element = Expression::new(reader, false).element(line.matches(',').count());
        let is_found = !element.is_empty();
        self.all(reader, element);
        is_found
    }

    /// The arguments of a call, or what a function of a secret name returns: `getPassword() { return "…" }`.
    fn call(&mut self, mut reader: Reader<'_>, before: &str) {
        let mut arguments = Expression::new(reader, false).arguments();
        arguments.truncate(if self.strength == Strength::Strong { arguments.len() } else { 1 });
        arguments.retain(|_| !self.names.is_asking(self.name));
        self.all(reader, arguments);
        if !is_definition(before) {
            return;
        }
        reader.takes_while(|c| c != ')' && c != '\n');
        reader.takes(")");
        let result = reader.takes_while(|c| is_name(c) || " &'<>:*-?.[]".contains(c));
        if result.len() > MAX_RESULT {
            return;
        }
        let is_body = ["=>", "=", "{"].into_iter().any(|sign| reader.takes(sign));
        if is_body || (result.trim_end().ends_with(':') && reader.peek().is_some_and(|c| c == '\n' || c == '\r')) {
            reader.skip_breaks();
            reader.takes("return");
            // What follows a definition directly may also be its documentation.
            let is_documentation = ["\"\"\"", "'''"].into_iter().any(|quote| reader.rest().starts_with(quote));
            if !is_documentation {
                self.literals(reader);
            }
        }
    }

    /// The braces of a property or a declaration: `Password { get; set; } = "…"`, `variable "password" { default = "…" }`.
    fn braces(&mut self, mut reader: Reader<'_>, is_quoted: bool) {
        if is_quoted {
            return self.literals(reader);
        }
        let inside = reader.ahead(MAX_NAMES).split(['}', '\n']).next().unwrap_or_default();
        reader.at += inside.len();
        let is_property = ["get", "set", "init"].into_iter().any(|word| inside.contains(word)) && reader.takes("}");
        reader.skip_blanks();
        if is_property && reader.takes("=") {
            self.literals(reader);
        }
    }

    /// A literal in front of the name: `"…" == password`, `"…".equals(password)`.
    fn compared(&mut self, before: &str, reader: Reader<'_>) {
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
        let offset = reader.at - self.name.len() - before.len();
        self.take(&reader, offset + start..offset + end);
    }

    /// The first argument of a call that names it behind it: `set("…", forKey: "password")`.
    fn labelled(&mut self, before: &str, mut reader: Reader<'_>) {
        let outside = before.trim_end_matches(is_quote);
        let value =
            self.names.labelled.iter().find_map(|label| outside.strip_suffix(label.as_str())).unwrap_or_default();
        let (call, argument) = line_of(value).rsplit_once('(').unwrap_or_default();
        if self.names.is_setter(call) {
            reader.at -= self.name.len() + before.len() - value.len() + argument.len();
            self.all(reader, Expression::new(reader, false).next_argument());
        }
    }

    /// Skips the size of an array: `password[16]`.
    fn skip_size(&self, reader: &mut Reader<'_>) {
        let mut ahead = *reader;
        if ahead.takes("[") && ahead.takes_while(|c| c.is_ascii_digit()).len() < 8 && ahead.takes("]") {
            *reader = ahead;
        }
    }

    pub(super) fn behind(&mut self, sign: &str, mut reader: Reader<'_>) {
        reader.skip_blanks();
        if reader.rest().starts_with("<<") && self.heredoc(reader) {
            return;
        }
        if self.notes && [":", "="].contains(&sign) && self.word(reader) {
            return;
        }
        if sign == ":" {
            reader.takes("!vault ");
            reader.takes("!!str ");
            reader.skip_anchor();
            if reader.peek().is_some_and(|c| c == '|' || c == '>') {
                return self.block(reader);
            }
            let is_value = reader.peek().is_some_and(is_quote) || self.unquoted;
            if !is_value && reader.skips_type() {
                return self.literals(reader);
            }
        }
        let barred = if self.interpolated { "\"'`[{&*!|>$(" } else { "\"'`[{&*!|>(" };
        let is_plain = self.unquoted && !reader.peek().is_some_and(|c| barred.contains(c));
        if is_plain || (self.unquoted && reader.rest().starts_with("${")) {
            self.rest(reader);
        } else if !(self.unquoted && reader.peek().is_some_and(|c| c == '\n' || c == '\r')) {
            self.literals(reader);
        }
    }

    /// The literals of an expression.
    pub(super) fn literals(&mut self, reader: Reader<'_>) {
        let mut literals = Expression::new(reader, self.names.is_collection(self.name)).literals();
        // A quote that ends the text in which the name stands begins no literal.
        if let Some(quote) = open_text(reader.part(&(0..reader.at))) {
            let is_end = |span: &Range<usize>| {
                let before = reader.part(&(0..span.start));
                let follows = reader.part(span).chars().next();
                before.strip_suffix(quote).is_some_and(|before| !before.ends_with(['\\', quote]))
                    && follows.is_none_or(|c| c.is_whitespace() || "),;]}:.+".contains(c))
            };
            let end = literals.iter().position(is_end).unwrap_or(literals.len());
            literals.truncate(end);
        }
        self.all(reader, literals);
    }

    pub(super) fn all(&mut self, reader: Reader<'_>, spans: Vec<Range<usize>>) {
        spans.into_iter().for_each(|span| self.take(&reader, span));
    }

    /// A value, or the default in a reference: `${PASSWORD:-…}`, `{{ password | default('…') }}`.
    pub(super) fn take(&mut self, reader: &Reader<'_>, mut span: Range<usize>) {
        let mut value = reader.part(&span);
        if self.strength == Strength::Weak {
            value = self.names.without_scheme(value);
            span.start = span.end - value.len();
        }
        if value.starts_with("{{") && value.ends_with("}}") {
            let mut template = *reader;
            template.at = span.start;
            return self.literals(template);
        }
        if let Some(default) = fallback(value) {
            let start = span.start + value.find(default).unwrap_or_default();
            if self.names.is_secret(default, self.strength) {
                self.found.push(start..start + default.len());
            }
            return;
        }
        let is_single = reader.part(&(0..span.start)).ends_with('\'');
        let is_variable = self.interpolated && !is_single && value.starts_with('$');
        if !is_variable && self.names.is_secret(value, self.strength) {
            self.found.push(span);
        }
    }
}

//! Finds the values of a secret name that no sign gives it: words and blocks behind it, fields that stand for a pair, defaults of references, and what
//! tests expect. It leaves signs, calls and tags to `named`, values without quotes to `bare`, and rows below a name to `columns`.

use super::before::{CONDITIONS, field, follows_login, is_name, is_option, is_quote, is_set, line_of, word_before};
use super::expression::Expression;
use super::named::{MAX_NAMES, Value};
use super::reader::Reader;

impl Value<'_> {
    /// Looks for a value behind a name; true if the text has one of the forms. `reader` stands behind the name and its quote.
    pub(super) fn formed(&mut self, reader: Reader<'_>, before: &str, is_quoted: bool) -> bool {
        self.worded(reader)
            || self.blocked(reader, before)
            || self.braced(reader, before)
            || self.directive(reader, before)
            || self.optioned(reader, before)
            || self.listed(reader, before)
            || self.referred(reader, before)
            || self.expected(reader, is_quoted)
            || self.marked_up(reader, before, is_quoted)
            || self.paired(reader, before)
            || self.columns(reader, before)
    }

    /// The default in a reference in any text: `"${db.password:…}"`, `${PASSWORD:-…}`.
    fn referred(&mut self, mut reader: Reader<'_>, before: &str) -> bool {
        let is_reference = before.trim_end_matches(|c| is_name(c) || ".-".contains(c)).ends_with("${");
        if !is_reference || ![":-", ":=", ":", "-"].into_iter().any(|sign| reader.takes(sign)) {
            return false;
        }
        let start = reader.at;
        let default = reader.takes_while(|c| c != '}' && c != '\n');
        // `${NAME:2:3}` is a part of a value, and `${NAME:?…}` a message.
        let is_part = default.chars().all(|c| c.is_ascii_digit() || ": ".contains(c)) && self.interpolated;
        if !is_part && !default.starts_with(['?', '+', '$', '{', '(', ' ']) {
            self.take(&reader, start..start + default.len());
        }
        true
    }

    /// What a test expects: `expect(user.password).toBe("…")`.
    fn expected(&mut self, mut reader: Reader<'_>, is_quoted: bool) -> bool {
        let is_call = !is_quoted
            && reader.takes(").")
            && self.names.is_matcher(reader.takes_while(|c| is_name(c) || c == '.'))
            && reader.takes("(");
        if is_call {
            self.all(reader, Expression::new(reader, false).next_argument());
        }
        is_call
    }

    /// `password by lazy { "…" }`, `password in ("…", "…")`.
    fn worded(&mut self, mut reader: Reader<'_>) -> bool {
        let is_spaced = reader.takes(" ");
        let is_worded = is_spaced && ["by lazy", "in ", "IN ", "not in "].into_iter().any(|words| reader.takes(words));
        reader.skip_blanks();
        let is_open = is_worded && reader.peek().is_some_and(|c| "([{".contains(c));
        if is_open {
            self.literals(reader);
        }
        is_open
    }

    /// A block that gives one literal: `password { "…" }` first on its line, `let(:password) { "…" }`.
    fn blocked(&mut self, mut reader: Reader<'_>, before: &str) -> bool {
        let is_open = line_of(before).trim().is_empty() || (before.ends_with("(:") && reader.takes(")"));
        reader.skip_blanks();
        let mut inside = reader;
        let is_block = is_open && inside.takes("{");
        inside.skip_blanks();
        let is_literal = is_block && inside.peek().is_some_and(is_quote);
        if is_literal {
            self.literals(reader);
        }
        is_literal
    }

    /// A declaration of C++: `std::string password{"…"}`.
    fn braced(&mut self, reader: Reader<'_>, before: &str) -> bool {
        let word = word_before(before);
        let is_declared = word.ends_with(|c| is_name(c) || "&*>".contains(c)) && !CONDITIONS.contains(&word);
        let is_braced = is_declared && reader.rest().starts_with("{\"");
        if is_braced {
            self.literals(reader);
        }
        is_braced
    }

    /// A setting whose value follows a blank: `requirepass …`, `spring.datasource.password …`, `login me password …`.
    fn directive(&mut self, mut reader: Reader<'_>, before: &str) -> bool {
        let is_first = line_of(before).trim_start().chars().all(|c| is_name(c) || ".-".contains(c));
        if reader.peek() == Some(' ') && follows_login(before) {
            reader.skip_blanks();
            self.up_to(reader, |c| c.is_whitespace() || is_quote(c));
            return true;
        }
        if !is_first || reader.peek() != Some(' ') || !self.names.is_directive(self.path, self.name) {
            return false;
        }
        reader.skip_blanks();
        !reader.peek().is_some_and(|c| "=:".contains(c)) && self.word(reader)
    }

    /// An option of a shell whose value is the next word: `-Password …`.
    fn optioned(&mut self, mut reader: Reader<'_>, before: &str) -> bool {
        let is_here = self.interpolated && !before.ends_with("--") && is_option(before) && reader.takes(" ");
        reader.skip_blanks();
        let is_value = is_here && reader.peek().is_some_and(char::is_alphanumeric);
        if is_value {
            self.up_to(reader, char::is_whitespace);
        }
        is_value
    }

    /// The next item of a list of YAML: `- --password`, `- …`.
    fn listed(&mut self, mut reader: Reader<'_>, before: &str) -> bool {
        let line = line_of(before).trim();
        let is_option = self.unquoted && line.starts_with("- ") && line.ends_with("--");
        if !is_option || !(reader.takes("\n") || reader.takes("\r\n")) {
            return false;
        }
        reader.skip_blanks();
        if reader.takes("- ") {
            self.behind("=", reader);
        }
        true
    }

    /// What tags give to a name in them: `<property name="password">…</property>`, `<key>password</key><string>…</string>`.
    fn marked_up(&mut self, mut reader: Reader<'_>, before: &str, is_quoted: bool) -> bool {
        let mut is_content = is_quoted && self.names.is_namer(field(before)) && reader.takes(">");
        if !is_content && before.ends_with("<key>") && reader.takes("</key>") {
            reader.skip_breaks();
            is_content = reader.takes("<string>");
        }
        if is_content {
            self.content(reader);
        }
        is_content
    }

    /// The field beside the one that holds the name: `{"name": "PASSWORD", "value": "…"}`, in both orders.
    fn paired(&mut self, reader: Reader<'_>, before: &str) -> bool {
        let names = field(before);
        if !self.names.is_namer(names) && !self.names.is_kind(names) {
            return false;
        }
        let after = reader.ahead(MAX_NAMES).split(['{', '}', '<', '>', '(', ')', '[', ']']).next().unwrap_or_default();
        let after = after.split("\n-").next().unwrap_or_default();
        let after = after
            .match_indices('\n')
            .find(|(at, _)| is_item(after.get(at + 1..)))
            .map_or(after, |(at, _)| after.get(..at).unwrap_or(after));
        let own = before.rsplit(['{', '}', '<', '>', '(', ')', '[', ']']).next().unwrap_or_default();
        let own = own.rsplit("- ").next().unwrap_or_default();
        let start = reader.part(&(0..reader.at)).rfind(self.name).unwrap_or(reader.at);
        let count = self.found.len();
        self.field(reader, after, reader.at);
        if self.found.len() == count {
            self.field(reader, own, start - own.len().min(start));
        }
        self.found.len() > count
    }

    /// The value of the first field in a part of the text that holds one; the part begins at `start`.
    fn field(&mut self, mut reader: Reader<'_>, part: &str, start: usize) {
        let mut at = 0;
        while let Some(begin) = part.get(at..).and_then(|rest| rest.find(is_name)).map(|begin| at + begin) {
            reader.at = start + begin;
            let name = reader.takes_while(is_name);
            at = begin + name.len().max(1);
            if !self.names.is_default(name) {
                continue;
            }
            reader.takes_while(is_quote);
            reader.skip_blanks();
            if let Some(sign) = ["=>", ":", "="].into_iter().find(|sign| reader.takes(sign)) {
                return self.behind(sign, reader);
            }
        }
    }

    /// What is typed into a field: `page.fill("#password", "…")`, `get("#password").type("…")`, `type(get("password"), "…")`. `reader` stands
    /// behind the name.
    pub(super) fn filled(&mut self, mut reader: Reader<'_>, before: &str) -> bool {
        let line = line_of(before);
        let Some((call, argument)) = line.rsplit_once('(') else { return false };
        let Some(quote) = argument.chars().next().filter(|c| is_quote(*c)) else { return false };
        let selector = reader.ahead(MAX_NAMES).split(['\n', quote]).next().unwrap_or_default();
        reader.at += selector.len();
        if argument.matches(quote).count() > 1 || !reader.takes(&quote.to_string()) {
            return false;
        }
        let mut outer = reader;
        let is_around =
            outer.takes("),") && call.rsplit_once('(').is_some_and(|(outer, _)| self.names.is_setter(outer));
        if is_around {
            self.all(outer, Expression::new(outer, false).next_argument());
            return true;
        }
        let is_next = reader.takes(",") && is_set(&format!("{call}("));
        let is_chained = || {
            let mut ahead = reader;
            ahead.takes_while(|c| c == ')');
            let is_call = ahead.takes(".") && self.names.is_setter(ahead.takes_while(is_name)) && ahead.takes("(");
            is_call.then_some(ahead)
        };
        let Some(reader) = (if is_next { Some(reader) } else { is_chained() }) else { return false };
        self.all(reader, Expression::new(reader, false).next_argument());
        true
    }

    /// Whether a name is an atom in front of its value: `{password, "…"}`.
    pub(super) fn is_atom(&self, before: &str) -> bool {
        before.ends_with('{') && self.name.chars().all(|c| c.is_lowercase() || c == '_')
    }
}

/// Whether a text begins with an item of a list.
fn is_item(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.trim_start_matches([' ', '\t']).starts_with("- "))
}

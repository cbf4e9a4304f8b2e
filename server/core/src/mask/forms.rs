//! Finds the values of a secret name that no sign gives it: words and blocks behind it, fields that stand for a pair, lists of a shell, headings of a
//! configuration, and texts that run on to a mark. It leaves signs, calls and tags to `named`.

use super::before::{CONDITIONS, is_name, is_named, is_option, is_quote, is_set, word_before};
use super::expression::Expression;
use super::named::{MAX_LINES, MAX_NAMES, Value};
use super::reader::Reader;

impl Value<'_> {
    /// Looks for a value behind a name; true if the text has one of the forms. `reader` stands behind the name and its quote.
    pub(super) fn formed(&mut self, reader: Reader<'_>, before: &str, is_quoted: bool) -> bool {
        self.worded(reader)
            || self.braced(reader, before)
            || self.directive(reader, before)
            || self.optioned(reader, before)
            || self.listed(reader, before)
            || self.marked_up(reader, before, is_quoted)
            || self.paired(reader, before)
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

    /// A setting whose value follows a blank: `requirepass …`, `spring.datasource.password …`.
    fn directive(&mut self, mut reader: Reader<'_>, before: &str) -> bool {
        let line = before.rsplit('\n').next().unwrap_or_default();
        let is_first = line.trim_start().chars().all(|c| is_name(c) || ".-".contains(c));
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
        let line = before.rsplit('\n').next().unwrap_or_default().trim();
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
        let mut is_content = is_quoted && is_named(before) && reader.takes(">");
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
        if !is_named(before) {
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

    /// What is typed into a field: `page.fill("#password", "…")`, `get("#password").type("…")`. `reader` stands behind the name.
    pub(super) fn filled(&mut self, mut reader: Reader<'_>, before: &str) -> bool {
        let line = before.rsplit('\n').next().unwrap_or_default();
        let Some((call, argument)) = line.rsplit_once('(') else { return false };
        let Some(quote) = argument.chars().next().filter(|c| is_quote(*c)) else { return false };
        let selector = reader.ahead(MAX_NAMES).split(['\n', quote]).next().unwrap_or_default();
        reader.at += selector.len();
        if argument.matches(quote).count() > 1 || !reader.takes(&quote.to_string()) {
            return false;
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

    /// The words of a shell's list: `PASSWORDS=(… …)`.
    pub(super) fn words(&mut self, mut reader: Reader<'_>) {
        reader.takes("(");
        for _ in 0..MAX_LINES {
            reader.takes_while(char::is_whitespace);
            let start = reader.at;
            if let Some(span) = reader.literal() {
                self.take(&reader, span);
                continue;
            }
            let word = reader.takes_while(|c| !c.is_whitespace() && c != ')');
            if word.is_empty() {
                return;
            }
            if !word.contains(['$', '(']) {
                self.take(&reader, start..start + word.len());
            }
        }
    }

    /// One word that ends its line; false if there are more of them.
    pub(super) fn word(&mut self, mut reader: Reader<'_>) -> bool {
        let start = reader.at;
        let word = reader.takes_while(|c| !c.is_whitespace());
        reader.skip_blanks();
        let is_alone = !word.starts_with(is_quote) && reader.peek().is_none_or(|c| c == '\n' || c == '\r');
        if is_alone && !word.is_empty() {
            self.take(&reader, start..start + word.trim_end_matches([';', ',']).len());
        }
        is_alone
    }

    /// The lines of a text that ends at a mark: `<<EOT`, `<<<'EOT'`, `<<~EOT`; false if it is none.
    pub(super) fn heredoc(&mut self, mut reader: Reader<'_>) -> bool {
        reader.takes_while(|c| "<~-".contains(c));
        reader.takes_while(is_quote);
        let mark = reader.takes_while(is_name);
        reader.takes_while(|c| c != '\n');
        if mark.is_empty() || !reader.takes("\n") {
            return false;
        }
        for _ in 0..MAX_LINES {
            reader.skip_blanks();
            let start = reader.at;
            let line = reader.takes_while(|c| c != '\n').trim_end();
            if line.trim_end_matches([';', ',', ')']) == mark || !reader.takes("\n") {
                break;
            }
            self.take(&reader, start..start + line.len());
        }
        true
    }
}

/// Whether a text begins with an item of a list.
fn is_item(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.trim_start_matches([' ', '\t']).starts_with("- "))
}

//! Reads the values of a secret name that have no quotes: words, the rest of a line, blocks, lists of a shell, texts that run on to a mark, and words in
//! comments. It leaves which of them a name has to `named` and `forms`, and sentences to `spoken`.

use super::before::{
    end_of, is_in_cookie, is_in_list, is_in_pairs, is_name, is_quote, is_remark, line_of, open_quote, open_text,
};
use super::named::{MAX_VALUE, Value};
use super::names::Strength;
use super::reader::Reader;
use super::values::{is_base64, looks_like_a_name, looks_like_a_password};

/// Most lines of a block.
const MAX_LINES: usize = 200;

impl Value<'_> {
    /// A value directly behind `NAME=`: of a shell, a file of settings, a URL.
    pub(super) fn given(&mut self, reader: Reader<'_>, before: &str) {
        let is_option = before.ends_with("--");
        let in_url = before.ends_with(['?', '&']) || is_option || is_in_list(before) || is_in_cookie(before);
        let is_capital = self.name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let value = reader
            .ahead(MAX_VALUE)
            .split(|c: char| c.is_whitespace() || is_quote(c) || (!is_option && "&;)<>".contains(c)))
            .next()
            .unwrap_or_default();
        let quote = open_quote(line_of(before));
        let is_pair = match self.strength {
            Strength::Strong => is_in_pairs(before),
            _ => quote.is_some() && value.chars().all(is_base64),
        };
        let is_value = !value.contains(['(', '[', '{'])
            && value != "\\"
            && (in_url || is_pair || (is_capital && value.bytes().any(|byte| byte.is_ascii_digit())));
        // A shell's value is a word, and so is one behind other words: `-e PASSWORD=… --name x`.
        let is_word = self.unquoted && (self.interpolated || line_of(before).contains(is_name));
        let is_begun = |c: char| !(c.is_whitespace() || "\"'`[{($".contains(c));
        if self.unquoted && self.interpolated && reader.peek() == Some('(') {
            self.words(reader);
        } else if is_value && !value.is_empty() {
            self.take(&reader, reader.at..reader.at + value.trim_end_matches("\\n").len());
        } else if is_word && reader.peek().is_some_and(is_begun) {
            let ends = if self.interpolated { ";&|)" } else { "" };
            self.up_to(reader, |c| c.is_whitespace() || quote == Some(c) || ends.contains(c));
        } else {
            self.behind("=", reader);
        }
    }

    /// The rest of a line, up to the end of the text or the braces in which the name stands.
    pub(super) fn rest(&mut self, reader: Reader<'_>) {
        let before = reader.part(&(0..reader.at));
        let (line, quote) = (line_of(end_of(before)), open_text(before));
        let is_flow = line.matches('{').count() > line.matches('}').count();
        let is_word = self.interpolated && line.ends_with(':');
        self.up_to(reader, |c| {
            c == '\r' || quote == Some(c) || (is_flow && ",}".contains(c)) || (is_word && c.is_whitespace())
        });
    }

    /// A word in a comment or a text that looks like a password: `# password: …`.
    pub(super) fn remark(&mut self, mut reader: Reader<'_>, before: &str) {
        if !(is_remark(before) || self.names.is_prose(self.path)) {
            return;
        }
        reader.takes_while(|c| " *_`".contains(c));
        let start = reader.at;
        let word = reader
            .takes_while(|c| !c.is_whitespace() && !"\"'`<>|".contains(c))
            .trim_end_matches(['.', ',', ';', ')', '*']);
        if looks_like_a_password(word) && (self.strength == Strength::Strong || !looks_like_a_name(word)) {
            self.take(&reader, start..start + word.len());
        }
    }

    /// A value without quotes, up to a character, or to a comment.
    pub(super) fn up_to(&mut self, mut reader: Reader<'_>, ends: impl Fn(char) -> bool) {
        let start = reader.at;
        let value = reader.takes_while(|c| !ends(c) && c != '\n');
        let value = value.split(" #").next().unwrap_or_default().trim_end().trim_end_matches([',', ';', '"', '\'']);
        let value = value.trim_end_matches("\\n");
        if !value.trim().is_empty() && !value.contains('(') {
            self.take(&reader, start..start + value.len());
        }
    }

    /// The lines of a block of YAML: those that are indented deeper than its key.
    pub(super) fn block(&mut self, mut reader: Reader<'_>) {
        let head = reader.takes_while(|c| c != '\n');
        if !head.trim().trim_matches(|c: char| "|>+-".contains(c) || c.is_ascii_digit()).is_empty() {
            return;
        }
        let mut indent = None;
        for _ in 0..MAX_LINES {
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

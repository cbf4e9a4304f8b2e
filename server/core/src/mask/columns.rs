//! Finds the values of a secret name in the rows below it: of SQL's `INSERT`, of tests with parameters, of tables in Markdown and Gherkin, of CSV.
//! It leaves values on a name's own line to `named`, apart from a table's.

use std::ops::Range;

use super::before::{is_name, is_quote, line_of};
use super::expression::Expression;
use super::named::Value;
use super::names::Strength;
use super::reader::Reader;
use super::values::looks_like_a_password;

/// Most rows that are read.
const MAX_ROWS: usize = 500;
/// Most bytes of the names of columns behind one of them.
const MAX_HEAD: usize = 1024;
/// Words between the names of columns and the rows.
const VALUES: [&str; 3] = ["VALUES", "values", "Values"];

impl Value<'_> {
    /// What the rows below a name give it; true if they give it anything. `reader` stands behind the name and its quote.
    pub(super) fn columns(&mut self, reader: Reader<'_>, before: &str) -> bool {
        let count = self.found.len();
        if let Some(separator) = self.names.separator(self.path) {
            self.sheet(reader, separator);
        } else if line_of(before).trim_start().starts_with('|') {
            self.table(reader, line_of(before));
        } else {
            self.rows(reader, before);
        }
        let rows = self.found.split_off(count);
        self.rows.extend(rows.iter().cloned());
        !rows.is_empty()
    }

    /// `(id, password) VALUES (1, '…')`, `"user,password", [("me", "…")]`.
    fn rows(&mut self, mut reader: Reader<'_>, before: &str) {
        let is_list = |c: char| is_name(c) || is_quote(c) || c.is_whitespace() || c == ',';
        let Some((_, list)) = before.rsplit_once(['(', '[']).filter(|(_, list)| list.chars().all(is_list)) else {
            return;
        };
        let after = reader.ahead(MAX_HEAD).split(|c| !is_list(c)).next().unwrap_or_default();
        reader.at += after.len();
        reader.takes_while(|c| ")]".contains(c) || c.is_whitespace() || c == ',');
        let is_insert = VALUES.into_iter().any(|word| reader.takes(word) || after.trim_end().ends_with(word));
        reader.takes_while(char::is_whitespace);
        // Names without quotes are variables, outside of SQL.
        if !is_insert && !((list.contains(is_quote) || after.contains(is_quote)) && reader.takes("[")) {
            return;
        }
        for _ in 0..MAX_ROWS {
            reader.takes_while(|c| c.is_whitespace() || c == ',');
            if !reader.peek().is_some_and(|c| "([".contains(c)) {
                return;
            }
            self.all(reader, Expression::new(reader, false).element(list.matches(',').count()));
            reader.at = Expression::new(reader, false).end();
        }
    }

    /// The cells below a cell, and the one beside it: `| password | … |`.
    fn table(&mut self, mut reader: Reader<'_>, line: &str) {
        let tail = reader.takes_while(|c| c != '|' && c != '\n');
        if !tail.chars().all(|c| " *`_:".contains(c)) || reader.peek() != Some('|') {
            return;
        }
        let column = line.matches('|').count();
        let row = reader.takes_while(|c| c != '\n');
        self.cell(reader, row, ('|', 1));
        for _ in 0..MAX_ROWS {
            reader.takes("\n");
            let row = reader.takes_while(|c| c != '\n');
            if !row.trim_start().starts_with('|') {
                return;
            }
            self.cell(reader, row, ('|', column));
        }
    }

    /// The fields below a field of the first line.
    fn sheet(&mut self, mut reader: Reader<'_>, separator: char) {
        let head = reader.part(&(0..reader.at));
        let column = head.matches(separator).count();
        let is_around = |c: char| is_quote(c) || c == ' ';
        let field = head.rsplit(separator).next().unwrap_or_default().trim_matches(is_around);
        let rest = reader.rest().trim_start_matches(is_around);
        if field != self.name || !rest.starts_with([separator, '\r', '\n']) {
            return;
        }
        reader.takes_while(|c| c != '\n');
        for _ in 0..MAX_ROWS {
            if head.contains('\n') || !reader.takes("\n") {
                return;
            }
            let row = reader.takes_while(|c| c != '\n');
            self.cell(reader, row, (separator, column));
        }
    }

    /// The `number`th part of a row, which ends where `reader` stands.
    fn cell(&mut self, reader: Reader<'_>, row: &str, (separator, number): (char, usize)) {
        let start = reader.at - row.len();
        let before: usize = row.split(separator).take(number).map(|part| part.len() + separator.len_utf8()).sum();
        let Some(part) = row.split(separator).nth(number) else { return };
        let is_around = |c: char| c.is_whitespace() || "*`\"'".contains(c);
        let value = part.trim_matches(is_around);
        let start = start + before + part.len() - part.trim_start_matches(is_around).len();
        // Tables also describe what a password is.
        let is_word = !value.contains(char::is_whitespace) && looks_like_a_password(value);
        if separator != '|' || self.strength != Strength::Strong || is_word {
            self.take(&reader, Range { start, end: start + value.len() });
        }
    }
}

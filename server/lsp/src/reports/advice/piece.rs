//! A piece of advice: what it says, what it saves, and its lines for `config.toml`. It leaves what to advise to the kinds of advice.

use std::fmt;

use pennyworth_core::money::Money;
use serde::Serialize;

/// A piece of advice.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// What the figures say, and what to do, without an end mark.
    pub text: String,
    /// What it saves in a month, if that can be told.
    #[serde(rename = "saving_usd_per_month")]
    pub saving: Option<Saving>,
    /// The lines for `config.toml`.
    pub lines: Vec<Line>,
}

/// Money saved in a month, with an interval that holds what is so 95 times of 100.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Saving {
    /// What is expected.
    pub expected: Money,
    /// The ends of the interval.
    pub low: Money,
    /// The upper one.
    pub high: Money,
}

/// A key of `config.toml` with its new value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Line {
    /// The tables around the key, outermost first.
    pub tables: Vec<String>,
    /// The key.
    pub key: String,
    /// The value.
    pub value: Value,
}

/// A value of `config.toml`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// Any other number.
    Number(f64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text) => write!(f, "{text:?}"),
            Value::Whole(number) => write!(f, "{number}"),
            Value::Number(number) => write!(f, "{number}"),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.tables.iter().chain([&self.key]);
        write!(f, "{} = {}", path.map(|part| quoted(part)).collect::<Vec<_>>().join("."), self.value)
    }
}

/// A key as TOML writes it.
fn quoted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if is_bare { key.to_owned() } else { format!("{key:?}") }
}

impl Advice {
    pub(super) fn new(text: String) -> Advice {
        Advice { text, saving: None, lines: Vec::new() }
    }

    pub(super) fn saving(self, saving: Option<Saving>) -> Advice {
        Advice { saving, ..self }
    }

    pub(super) fn line(mut self, tables: &[&str], key: &str, value: Value) -> Advice {
        let tables = tables.iter().map(|&table| table.to_owned()).collect();
        self.lines.push(Line { tables, key: key.to_owned(), value });
        self
    }
}

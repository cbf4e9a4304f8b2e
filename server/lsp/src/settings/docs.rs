//! The settings' documentation, made from their types: the commented file that `init` writes and the JSON Schema that editors read.
//! It leaves checking values to `check`.

use std::fmt::Write as _;

use schemars::SchemaGenerator;
use serde_json::Value;

use super::Settings;
use super::layer::join;
use super::schema::{self, Node};

/// Characters of a comment's line.
const WIDTH: usize = 110;
/// What stands above the first key.
const HEAD: &str = "\
# Pennyworth's settings. Every line shows what holds without it; take the first `#` off a line to change it.
# `pennyworth check` tests this file; `pennyworth explain FILE:LINE:COL` shows what follows from it.
";
/// Tables whose keys are names of the user's choice: they have no defaults to show, so the end of the file shows examples.
const IN_TAIL: [&str; 5] = ["languages", "tasks", "model", "provider", "format"];
const TAIL: &str = include_str!("../../tables/config_tail.toml");

/// A configuration in which every key is explained and commented out.
pub fn commented_config() -> String {
    let mut out = String::from(HEAD);
    let defaults = toml::to_string(&Settings { pin: Some(String::new()), ..Settings::default() }).unwrap_or_default();
    let mut table = String::new();
    for line in defaults.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            table = name.to_owned();
            if !IN_TAIL.contains(&name) {
                explain(&mut out, name);
                let _ = writeln!(out, "{line}");
            }
            continue;
        }
        let name = line.split(' ').next().unwrap_or(line);
        explain(&mut out, &join(&table, name));
        let _ = writeln!(out, "# {line}");
    }
    out.push_str(TAIL);
    out
}

/// The JSON Schema of `config.toml`, for editors.
pub fn schema() -> Value {
    SchemaGenerator::default().into_root_schema_for::<Settings>().to_value()
}

fn explain(out: &mut String, key: &str) {
    let node = key.split('.').try_fold(schema::root(), Node::property);
    let Some(node) = node else { return };
    let mut text = node.description().unwrap_or_default().replace('\n', " ");
    let known = node.known();
    if !known.is_empty() {
        let _ = write!(text, " One of: {}.", known.join(", "));
    }
    out.push('\n');
    wrap(out, &text);
}

fn wrap(out: &mut String, text: &str) {
    let mut length = 0;
    for word in text.split_whitespace() {
        if length == 0 || length + word.len() >= WIDTH {
            if length > 0 {
                out.push('\n');
            }
            out.push('#');
            length = 1;
        }
        let _ = write!(out, " {word}");
        length += word.len() + 1;
    }
    if length > 0 {
        out.push('\n');
    }
}

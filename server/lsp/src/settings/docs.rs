//! The settings' documentation, generated from their types: the commented file that `init` writes and the JSON Schema that editors read.
//! It leaves checking values to `check`.

use std::fmt::Write as _;

use schemars::SchemaGenerator;
use serde_json::Value;

use super::authority;
use super::layer::Origin;
use super::schema::{self, Node, join};
use super::tighten::FILE;
use super::types::Settings;

/// Characters of a comment's line.
const WIDTH: usize = 110;
/// The text above the first key.
const HEAD: &str = "\
# Pennyworth's settings. Each line down to the examples shows what holds without it; remove its first `#` to change it.
# `pennyworth check` tests this file; `pennyworth explain FILE:LINE:COL` shows its effect at a place.
";
/// Tables whose keys are names that the user chooses. They have no defaults, so the end of the file shows examples.
const IN_TAIL: [&str; 5] = ["languages", "tasks", "model", "provider", "format"];
/// The text above the table of keys.
const AUTHORITY: &str = "\
# Who may set what

Your own `config.toml` and the environment set every key. Settings that come with an editor, and the `.pennyworth.toml` of a workspace, can only
tighten what these say: anybody may have written them, because a repository can bring both. A key that would loosen something is refused, with a
warning that says where to put it; nothing else changes.

A file with a fault fails closed until it is mended. Your editor marks the line, and the status and `pennyworth check` say where it is:

* a `.pennyworth.toml`: only the embedded model answers in its folder;
* an editor's settings: only the embedded model answers;
* your own `config.toml` or a variable: only models on this machine are called, and nothing costs money. A `[model]` with a fault is left out itself,
  and the others stay.

That holds for a file that cannot be opened, is no UTF-8, is longer than a megabyte or is no TOML, for a value of another type, and for a misspelt key.
A workspace's file also closes if it has a key that no workspace may set, because its author counts on it. An editor may send keys of other
servers; those that resemble none of ours only bring a warning.

A later value of `trigger` is `invoked`; of a task's `enabled` they are `local` and `off`.

| key | an editor may | a workspace may |
|---|---|---|
";
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

/// Every key with what an editor's settings and a workspace's file may do to it, as a page in Markdown.
pub fn authority_page() -> String {
    let mut out = String::from(AUTHORITY);
    for (key, node) in authority::keys() {
        let [editor, workspace] = [Origin::Editor, Origin::Workspace(FILE.into())].map(|origin| node.allows(&origin));
        let _ = writeln!(out, "| `{key}` | {editor} | {workspace} |");
    }
    out
}

/// The keys that lack a rule for editors and workspaces. There must be none.
pub fn without_authority() -> Vec<String> {
    authority::keys().into_iter().filter(|(_, node)| node.rule().is_none()).map(|(key, _)| key).collect()
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

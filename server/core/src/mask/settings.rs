//! Finds what files of settings give on the lines below a secret name: lists and maps of YAML, tables of TOML, the data of a Secret of Kubernetes.
//! It leaves what stands on the name's own line to `named`.

use std::ops::Range;

use super::names::{NAMES, Strength};

/// What says that the data of a document are secrets.
const KUBERNETES: &str = "kind: Secret";

/// One line of a file.
#[derive(Clone, Copy)]
struct Line<'a> {
    start: usize,
    text: &'a str,
}

/// What the lines below a name give.
#[derive(Clone, Copy)]
struct Below {
    strength: Strength,
    /// Whether each key below names a secret, rather than one of `defaults`.
    is_collection: bool,
}

/// The secrets of a text; `path` is the file's.
pub(super) fn spans(text: &str, path: &str) -> Vec<Range<usize>> {
    if !NAMES.is_unquoted(path) {
        return Vec::new();
    }
    let mut start = 0;
    let lines: Vec<_> = text
        .split_inclusive('\n')
        .map(|text| {
            start += text.len();
            Line { start: start - text.len(), text: text.trim_end() }
        })
        .collect();
    let (mut found, has_secret) = (Vec::new(), text.contains(KUBERNETES));
    for (number, line) in lines.iter().enumerate() {
        let (above, below) = (lines.get(..number).unwrap_or_default(), lines.get(number + 1..).unwrap_or_default());
        if let Some(name) = line.text.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            found.extend(table(name.trim_matches(['[', ']']), below));
        } else if let Some(key) = key_alone(line.text) {
            let is_data = has_secret && ["data", "stringData"].contains(&key) && is_secret_of_kubernetes(above, below);
            let everything = Below { strength: Strength::Strong, is_collection: true };
            let says = if is_data { Some(everything) } else { meaning(key) };
            found.extend(says.into_iter().flat_map(|says| children(line, below, says)));
        }
    }
    found
}

fn meaning(name: &str) -> Option<Below> {
    let strength = NAMES.meaning(name).strength?;
    Some(Below { strength, is_collection: NAMES.is_collection(name) })
}

/// The key of a line that gives it no value.
fn key_alone(line: &str) -> Option<&str> {
    let line = line.split(" #").next().unwrap_or_default().trim();
    let key = line.strip_suffix(':')?;
    Some(key.trim_start_matches("- ").trim_matches(['"', '\'']))
}

/// The values of a table: `[db.password]`, `value = "…"`.
fn table<'a>(name: &str, below: &'a [Line<'a>]) -> Vec<Range<usize>> {
    let name = name.rsplit('.').next().unwrap_or_default().trim_matches(['"', '\'', ' ']);
    let Some(says) = meaning(name) else { return Vec::new() };
    let own = below.iter().take_while(|line| !line.text.starts_with('['));
    own.filter_map(|line| line.value(line.text.split_once('=')?, says)).collect()
}

/// The values below a key: those of its list, of its map, or its own on the next line.
fn children(parent: &Line<'_>, below: &[Line<'_>], says: Below) -> Vec<Range<usize>> {
    let (mut found, mut own, mut block) = (Vec::new(), None, None);
    for line in below.iter().filter(|line| !line.text.trim().is_empty()) {
        let is_item = line.text.trim_start().starts_with("- ");
        if line.indent() < parent.indent() + usize::from(!is_item) {
            break;
        }
        let own = *own.get_or_insert(line.indent());
        if line.indent() > own {
            // The lines of a block of text belong to the key above them.
            found.extend(block.filter(|is_value| *is_value).and_then(|_| line.trimmed(line.text, says.strength)));
            continue;
        }
        let item = line.text.trim_start().trim_start_matches("- ");
        block = None;
        match item.split_once(": ").or_else(|| item.strip_suffix(':').map(|key| (key, ""))) {
            Some((key, value)) if !item.starts_with(['"', '\'']) || item.ends_with(['"', '\'']) => {
                let is_block = value.trim().starts_with(['|', '>']);
                block = is_block.then(|| says.holds(key));
                found.extend((!is_block).then(|| line.value((key, value), says)).flatten());
            }
            // A list names other secrets as often as it holds some; below one secret it holds rules for it.
            _ if is_item && (!says.is_collection || NAMES.meaning(item).strength.is_some()) => {}
            _ => found.extend(line.trimmed(item, says.strength)),
        }
    }
    found
}

fn is_secret_of_kubernetes(above: &[Line<'_>], below: &[Line<'_>]) -> bool {
    let is_in = |line: &&Line<'_>| !line.text.starts_with("---");
    let mut document = above.iter().rev().take_while(is_in).chain(below.iter().take_while(is_in));
    document.any(|line| line.text == KUBERNETES)
}

impl Below {
    fn holds(self, key: &str) -> bool {
        let key = key.trim().trim_matches(['"', '\'']);
        if self.is_collection { !NAMES.is_about(key) } else { NAMES.is_default(key) }
    }
}

impl Line<'_> {
    fn indent(&self) -> usize {
        self.text.len() - self.text.trim_start().len()
    }

    fn value(&self, (key, value): (&str, &str), says: Below) -> Option<Range<usize>> {
        says.holds(key).then(|| self.trimmed(value, says.strength))?
    }

    /// A value at the end of the line, without its quotes, its comment and the blanks around it.
    fn trimmed(&self, value: &str, strength: Strength) -> Option<Range<usize>> {
        let start = self.start + self.text.len() - value.len();
        let body = value.trim_start();
        let start = start + value.len() - body.len();
        let quote = body.chars().next().filter(|c| "\"'".contains(*c));
        let inside = body.get(quote.map_or(0, char::len_utf8)..)?;
        let end = quote.map_or_else(|| inside.find(" #"), |quote| inside.find(quote)).unwrap_or(inside.len());
        let secret = inside.get(..end)?.trim_end();
        let start = start + body.len() - inside.len();
        let is_other = quote.is_none() && secret.starts_with(['[', '{', '&', '*', '!', '|', '>']);
        (!is_other && NAMES.is_secret(secret, strength)).then(|| start..start + secret.len())
    }
}

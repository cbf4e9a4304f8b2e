//! What an editor's settings and a workspace's file may do to each key. The rule stands beside the key's type, as `x-elsewhere` in the schema; the
//! warning about a refused key, the documentation and the settings that VS Code offers come from it. It leaves applying it to `tighten`.
//!
//! Code that is opened may bring both: a repository can have a `.pennyworth.toml`, and files that set an editor's options. So neither may send
//! code anywhere, spend more, or read more than the user's own file and environment allow.

use super::layer::Origin;
use super::rule::{NOTHING, Rule};
use super::schema::{self, Node, join};

impl Node {
    /// What an origin may do to this key, in words.
    pub(super) fn allows(self, origin: &Origin) -> &'static str {
        match (self.rule(), origin) {
            (_, Origin::File(_) | Origin::Environment) => "set it",
            (Some(Rule::Free), Origin::Workspace(_)) => NOTHING,
            (_, Origin::Workspace(_)) if self.is_whole() => NOTHING,
            (Some(Rule::Lower), _) if self.is_switch() => "switch it off",
            (Some(Rule::Raise), _) if self.is_switch() => "switch it on",
            (rule, _) => {
                Rule::ALL.iter().find(|(_, known, _)| Some(*known) == rule).map_or(NOTHING, |(_, _, words)| words)
            }
        }
    }

    /// Whether an origin may set values of this key at all.
    pub(super) fn is_open(self, origin: &Origin) -> bool {
        self.allows(origin) != NOTHING
    }
}

/// Every key with its schema, in order. A table whose keys the user names is one key; `tasks.NAME` stands for each task.
pub(super) fn keys() -> Vec<(String, Node)> {
    let mut keys = Vec::new();
    collect(schema::root(), "", &mut keys);
    keys
}

fn collect(node: Node, path: &str, keys: &mut Vec<(String, Node)>) {
    let mut names = node.properties().peekable();
    if names.peek().is_none() || node.rule().is_some() {
        return keys.push((path.to_owned(), node));
    }
    if path == "tasks" {
        let task = names.next().map(|(_, task)| task);
        return task.into_iter().for_each(|task| collect(task, "tasks.NAME", keys));
    }
    names.for_each(|(name, below)| collect(below, &join(path, name), keys));
}

/// The keys that an origin may set, in words.
pub(super) fn open_keys(origin: &Origin) -> String {
    let open = keys().into_iter().filter(|(_, node)| node.is_open(origin));
    open.map(|(key, _)| key).collect::<Vec<_>>().join(", ")
}

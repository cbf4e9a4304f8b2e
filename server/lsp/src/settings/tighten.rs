//! An editor's settings and a workspace's `.pennyworth.toml` may tighten the settings, never loosen them. Anybody may have written them, so each
//! key is compared with the setting in force. A key that would loosen it is refused, with a notice; one that cannot be read as it is meant
//! closes (`Holds`). It leaves what may be done to which key to `authority`.

use std::collections::BTreeMap;

use pennyworth_core::task::{Task, Tasks};
use serde_json::{Map, Value};

use super::authority;
use super::globs::glob_fault;
use super::layer::{Layer, Origin};
use super::notice::{Notice, Severity};
use super::rule::Rule;
use super::schema::{self, Node, join};
use super::types::{ANY, Settings};

/// The file of a workspace, in its folder.
pub const FILE: &str = ".pennyworth.toml";

/// The settings, tightened by the layer, and notices about keys that were refused or faulty. `own` is the user's own file, for messages.
pub(super) fn tightened(base: &Settings, layer: &Layer, own: &str) -> (Settings, Vec<Notice>) {
    let mut holds = match serde_json::to_value(base) {
        Ok(Value::Object(values)) => values,
        _ => Map::new(),
    };
    let mut tighter = Tighter { layer, own, base, tasks: None, notices: layer.notices.clone(), refused: Vec::new() };
    tighter.table(schema::root(), "", &layer.values, &mut holds);
    let mut notices = tighter.finish();
    // The tables that nobody may change here are kept as they are.
    let kept = base.clone();
    let read = serde_json::from_value::<Settings>(Value::Object(holds));
    let mut settings = match read {
        Ok(read) => {
            Settings { model: kept.model, provider: kept.provider, format: kept.format, prices: kept.prices, ..read }
        }
        Err(error) => {
            notices.push(layer.notice(Severity::Error, "", error.to_string()));
            kept
        }
    };
    let documents = &mut settings.documents;
    documents.max_complete_bytes = documents.max_complete_bytes.min(documents.max_bytes);
    settings.closed = base.closed;
    settings.close(&notices);
    (settings, notices)
}

/// The values of an editor's layer that are taken as they are.
pub(super) fn free(layer: &Layer) -> Layer {
    let mut values = Map::new();
    for (key, node) in authority::keys() {
        let given = schema::at(&layer.values, &key);
        let Some(value) = given.filter(|value| node.rule() == Some(Rule::Free) && node.fault(value).is_none()) else {
            continue;
        };
        if let Some((into, last)) = schema::descend(&mut values, &key) {
            into.insert(last.to_owned(), value.clone());
        }
    }
    Layer { values, notices: Vec::new(), ..layer.clone() }
}

struct Tighter<'a> {
    layer: &'a Layer,
    /// The user's own file, in words.
    own: &'a str,
    base: &'a Settings,
    /// The tasks' rows under the settings in force, once they are needed.
    tasks: Option<Tasks>,
    notices: Vec<Notice>,
    /// The keys that the layer may not set.
    refused: Vec<String>,
}

impl Tighter<'_> {
    /// Applies a table as far as it tightens the one that holds.
    fn table(&mut self, node: Node, path: &str, given: &Map<String, Value>, holds: &mut Map<String, Value>) {
        for (name, value) in given {
            if value.is_null() || path.is_empty() && self.layer.is_glue(name) {
                continue;
            }
            let key = join(path, name);
            let Some(below) = node.property(name) else {
                self.unknown(node, &key, name);
                continue;
            };
            let result = match (below.rule(), value) {
                (None, Value::Object(table)) if below.is_table() => {
                    let mut into = holds.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
                    self.table(below, &key, table, &mut into);
                    if !into.is_empty() {
                        holds.insert(name.clone(), Value::Object(into));
                    }
                    continue;
                }
                (Some(_), _) if !below.is_open(&self.layer.origin) => {
                    if holds.get(name) != Some(value) {
                        self.refused.push(key);
                    }
                    continue;
                }
                (Some(Rule::Off), Value::Object(asked)) => {
                    self.off(below, &key, asked, holds);
                    continue;
                }
                (rule, _) => match below.fault(value) {
                    Some(fault) => Err(self.layer.notice(Severity::Error, &key, fault)),
                    None => self.value(rule.unwrap_or(Rule::Own), below, &key, value, holds.get(name)),
                },
            };
            match result {
                Ok(Some(value)) => drop(holds.insert(name.clone(), value)),
                Ok(None) => {}
                Err(notice) => self.notices.push(notice),
            }
        }
    }

    /// The value that holds from now on; `None` if it stays.
    fn value(
        &mut self,
        rule: Rule,
        node: Node,
        key: &str,
        asked: &Value,
        holds: Option<&Value>,
    ) -> Result<Option<Value>, Notice> {
        let in_force = holds.cloned().or_else(|| self.row(key));
        let rank = |value: &Value| match rule {
            Rule::Later => node.known().iter().position(|known| Some(*known) == value.as_str()).map(|at| at as f64),
            _ => value.as_f64().or_else(|| value.as_bool().map(|on| f64::from(u8::from(on)))),
        };
        let (Some(asked_rank), Some(held_rank)) = (rank(asked), in_force.as_ref().and_then(rank)) else {
            return match (rule, asked) {
                (Rule::Add, Value::Array(more)) => Ok(self.add(key, more, holds)),
                // Laid under the environment already.
                _ => Ok(None),
            };
        };
        let is_tighter = match rule {
            Rule::Lower => asked_rank <= held_rank,
            Rule::Raise | Rule::Later => asked_rank >= held_rank,
            _ => return Ok(None),
        };
        if is_tighter {
            return Ok((asked_rank != held_rank).then(|| asked.clone()));
        }
        Err(self.loosens(key, &in_force.map(|value| shown(&value)).unwrap_or_default()))
    }

    /// The shipped value of a task's key that no layer has set.
    fn row(&mut self, key: &str) -> Option<Value> {
        let (task, name) = key.strip_prefix("tasks.")?.split_once('.')?;
        let row = self.tasks.get_or_insert_with(|| self.base.tasks()).row(task.parse::<Task>().ok()?).clone();
        match name {
            "enabled" => serde_json::to_value(row.enabled).ok(),
            "max_tokens" => Some(row.max_tokens.into()),
            _ => None,
        }
    }

    /// Patterns that begin with `!` would loosen, so they are refused; the others apply.
    fn add(&mut self, key: &str, asked: &[Value], holds: Option<&Value>) -> Option<Value> {
        let mut all = holds.and_then(Value::as_array).cloned().unwrap_or_default();
        let folder = match &self.layer.origin {
            Origin::Workspace(file) => file.parent(),
            _ => None,
        };
        for glob in asked.iter().filter_map(Value::as_str) {
            let who = self.who();
            if glob.trim_start().starts_with('!') {
                let message = format!("has `{glob}`, which is left out: {who} may add patterns, not remove any");
                self.notices.push(self.layer.refusal(key, message));
            } else if let Some(fault) = glob_fault(glob, folder) {
                self.notices.push(self.layer.notice(Severity::Error, key, fault));
            } else if !all.iter().any(|known| known == glob) {
                all.push(glob.into());
            }
        }
        Some(Value::Array(all))
    }

    /// A language is on if it is on for both the user and the layer, each with its own `*`.
    fn off(&mut self, node: Node, key: &str, asked: &Map<String, Value>, holds: &mut Map<String, Value>) {
        let mut asks = BTreeMap::new();
        for (name, value) in asked.iter().filter(|(_, value)| !value.is_null()) {
            let key = join(key, name);
            match (node.property(name).and_then(|node| node.fault(value)), value.as_bool()) {
                (None, Some(on)) => {
                    if let Some((message, is_near)) = schema::unknown_language(name) {
                        let severity = if is_near { Severity::Error } else { Severity::Warning };
                        self.notices.push(self.layer.notice(severity, &key, message));
                    }
                    if on && *name != ANY && !self.base.is_language_on(name) {
                        self.notices.push(self.loosens(&key, "false"));
                    }
                    asks.insert(name.clone(), on);
                }
                (fault, _) => {
                    self.notices.push(self.layer.notice(Severity::Error, &key, fault.unwrap_or_default()));
                }
            }
        }
        let layer = Settings { languages: asks, ..Settings::default() };
        let named = self.base.languages.keys().chain(layer.languages.keys());
        let both =
            |name: &String| (name.clone(), Value::Bool(self.base.is_language_on(name) && layer.is_language_on(name)));
        holds.insert(key.to_owned(), Value::Object(named.map(both).collect()));
    }

    fn unknown(&mut self, node: Node, key: &str, name: &str) {
        let (message, is_near) = node.unknown(name);
        // Some clients send an object that several servers share.
        let is_ours = is_near || self.layer.origin != Origin::Editor;
        let severity = if is_ours { Severity::Error } else { Severity::Warning };
        self.notices.push(self.layer.notice(severity, key, message));
    }

    fn loosens(&self, key: &str, in_force: &str) -> Notice {
        let message = format!("is refused: {} may only tighten; in force: {in_force}", self.who());
        self.layer.refusal(key, message + &self.instead())
    }

    fn finish(mut self) -> Vec<Notice> {
        let origin = &self.layer.origin;
        for key in std::mem::take(&mut self.refused) {
            self.notices.push(match origin {
                Origin::Editor => {
                    let message = format!("is refused: only your own file may set it{}", self.instead());
                    self.layer.refusal(&key, message)
                }
                // Its author counts on something that does not hold.
                _ => {
                    let open = authority::open_keys(origin);
                    self.layer.notice(Severity::Error, &key, format!("is refused: a workspace may only set {open}"))
                }
            });
        }
        self.notices
    }

    fn who(&self) -> &'static str {
        if self.layer.origin == Origin::Editor { "an editor's settings" } else { "a workspace" }
    }

    /// Where the user may set a key that an editor may not.
    fn instead(&self) -> String {
        if self.layer.origin == Origin::Editor { format!("; set it in {}", self.own) } else { String::new() }
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| format!("`{text}`"))
}

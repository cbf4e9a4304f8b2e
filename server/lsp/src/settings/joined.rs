//! Joins layers of settings key by key. Each key is looked up in the schema; only a value that does not fit is left out; each fault becomes a
//! notice with its place and the allowed values. It leaves checking one value to `schema`.

use std::collections::BTreeMap;

use pennyworth_core::models::Models;
use serde_json::{Map, Value};

use super::layer::{Layer, variable};
use super::notice::{Holds, Notice, Severity};
use super::preset;
use super::prices::{Facts, Prices};
use super::schema::{self, Node, WHOLE, join};
use super::types::Settings;

/// Variables that are read elsewhere.
const OTHER_VARIABLES: [&str; 2] = ["config", "log"];

/// Layers joined so far.
#[derive(Default)]
pub(super) struct Joined<'a> {
    pub(super) values: Map<String, Value>,
    pub(super) notices: Vec<Notice>,
    /// The table of prices. It is not part of `values`.
    pub(super) prices: Prices,
    /// The layer that set each dotted key last.
    places: BTreeMap<String, &'a Layer>,
}

/// The key of a layer that is being read.
struct At<'a> {
    layer: &'a Layer,
    /// Dotted; empty for the root.
    key: String,
    node: Node,
    /// Whether it is a row of one of the tables in [`WHOLE`].
    is_row: bool,
}

impl<'a> At<'a> {
    fn whole(layer: &'a Layer) -> At<'a> {
        At { layer, key: String::new(), node: schema::root(), is_row: false }
    }

    fn below(&self, name: &str) -> Option<At<'a>> {
        let (key, is_row) = (join(&self.key, name), WHOLE.contains(&self.key.as_str()));
        self.node.property(name).map(|node| At { layer: self.layer, key, node, is_row })
    }

    fn notice(&self, severity: Severity, message: String) -> Notice {
        self.layer.notice(severity, &self.key, message)
    }
}

/// The header of a row whose name was taken for several: `[model."haiku-5.5"]` for `model.haiku-5.5`.
fn quoted(key: &str, mut value: &Value) -> String {
    let (table, name) = key.split_once('.').unwrap_or(("", key));
    let mut name = name.to_owned();
    while let Some((more, below)) =
        value.as_object().filter(|table| table.len() == 1).and_then(|table| table.iter().next())
        && below.is_object()
    {
        name = join(&name, more);
        value = below;
    }
    format!("[{table}.\"{name}\"]")
}

impl<'a> Joined<'a> {
    /// Lays a layer, a tree of values, over the values so far.
    pub(super) fn lay(&mut self, layer: &'a Layer) {
        let mut values = std::mem::take(&mut self.values);
        self.table(&At::whole(layer), &layer.values, &mut values);
        self.values = values;
    }

    fn table(&mut self, at: &At<'a>, given: &Map<String, Value>, into: &mut Map<String, Value>) {
        for (name, value) in given {
            if value.is_null() {
                continue;
            }
            let Some(below) = at.below(name) else {
                let key = join(&at.key, name);
                let message = match at.is_row && value.is_object() {
                    true => format!("unknown key; a name with a point stands in quotes: {}", quoted(&key, value)),
                    false => at.node.unknown(name).0,
                };
                self.notices.push(at.layer.notice(Severity::Error, &key, message));
                continue;
            };
            let joined = match value.as_object() {
                Some(table) if below.node.is_table() => self.subtable(&below, table, into.get(name)),
                _ => self.leaf(&below, value, into.get(name)),
            };
            if let Some(joined) = joined {
                into.insert(name.clone(), joined);
            }
        }
    }

    fn subtable(&mut self, at: &At<'a>, given: &Map<String, Value>, old: Option<&Value>) -> Option<Value> {
        let before = self.notices.len();
        let mut table = old.and_then(Value::as_object).cloned().unwrap_or_default();
        self.table(at, given, &mut table);
        let is_faulty = self.notices.iter().skip(before).any(|notice| notice.severity == Severity::Error);
        if at.is_row && is_faulty {
            let message = "is left out as a whole, because of the error in it".into();
            self.notices.push(at.notice(Severity::Warning, message));
            return None;
        }
        self.places.insert(at.key.clone(), at.layer);
        Some(Value::Object(table))
    }

    fn leaf(&mut self, at: &At<'a>, value: &Value, old: Option<&Value>) -> Option<Value> {
        if let Some(fault) = at.node.fault(value) {
            self.notices.push(at.notice(Severity::Error, fault));
            return None;
        }
        self.places.insert(at.key.clone(), at.layer);
        match (old, value) {
            (Some(Value::Array(all)), Value::Array(more)) if at.node.adds() => {
                Some(all.iter().chain(more).cloned().collect())
            }
            _ => Some(value.clone()),
        }
    }

    /// Lays variables over the values so far. Each is named after a key, whose type says how to read its text.
    pub(super) fn environment(&mut self, layer: &'a Layer) {
        let leaves = schema::leaves();
        let keys: BTreeMap<String, &schema::Leaf> =
            leaves.iter().map(|leaf| (leaf.key.replace('.', "_"), leaf)).collect();
        let own: Vec<String> = self.key_variables();
        for (name, text) in &layer.values {
            let Some(leaf) = keys.get(name) else {
                if !OTHER_VARIABLES.contains(&name.as_str()) && !own.contains(&variable(name)) {
                    let (hint, is_near) = schema::hint(name, keys.keys().map(String::as_str), variable);
                    // Another program may have variables that begin like ours, but not like our tables.
                    let is_of_table = || schema::tables().any(|table| name.starts_with(&format!("{table}_")));
                    let severity = if is_near || is_of_table() { Severity::Error } else { Severity::Warning };
                    self.notices.push(layer.notice(severity, name, format!("unknown variable; {hint}")));
                }
                continue;
            };
            let value = leaf.node.read(text.as_str().unwrap_or(""));
            let mut values = std::mem::take(&mut self.values);
            if let Some((into, last)) = schema::descend(&mut values, &leaf.key) {
                let at = At { layer, key: leaf.key.clone(), node: leaf.node, is_row: false };
                if let Some(joined) = self.leaf(&at, &value, into.get(last)) {
                    into.insert(last.to_owned(), joined);
                }
            }
            self.values = values;
        }
    }

    /// The variables that hold API keys of models.
    fn key_variables(&self) -> Vec<String> {
        let rows = ["model", "provider"].iter().filter_map(|table| self.values.get(*table)?.as_object()).flatten();
        rows.filter_map(|(_, row)| row.get("api_key_env")?.as_str().map(str::to_owned)).collect()
    }

    /// Adds a notice at the place that set a dotted key, or the nearest table above it.
    pub(super) fn say(&mut self, severity: Severity, key: &str, message: String) {
        let mut at = key;
        let layer = loop {
            match (self.places.get(at), at.rsplit_once('.')) {
                (Some(layer), _) => break Some(*layer),
                (None, Some((above, _))) => at = above,
                (None, None) => break None,
            }
        };
        self.notices.push(match layer {
            Some(layer) => layer.notice(severity, key, message),
            None => {
                let (file, holds) = ("settings".into(), Holds::TheRest);
                Notice { severity, file, line: None, key: key.to_owned(), message, holds }
            }
        });
    }

    /// Adds models that were found on this machine, unless the user has one of that name.
    pub(super) fn found(&mut self, layer: &Layer) {
        let found = layer.values.get("model").and_then(Value::as_object).into_iter().flatten();
        let own = self.values.entry("model").or_insert_with(|| Value::Object(Map::new()));
        let Some(own) = own.as_object_mut() else { return };
        for (name, row) in found {
            own.entry(name.clone()).or_insert_with(|| row.clone());
        }
    }

    /// Takes the facts of each model whose table has no other keys. Facts that make no sound row get a notice.
    pub(super) fn prices(&mut self, layer: &Layer) {
        let models = layer.values.get("model").and_then(Value::as_object);
        for (name, facts) in models.into_iter().flatten() {
            match serde_json::from_value::<Facts>(facts.clone()) {
                Ok(facts) => drop(self.prices.model.insert(name.clone(), facts)),
                Err(error) => {
                    let message = format!("is left out: {error}");
                    self.notices.push(layer.notice(Severity::Warning, &format!("model.{name}"), message));
                }
            }
        }
        for problem in Models::builtin().with_facts("", self.prices.rows()).1 {
            let message = format!("{}; the shipped values are used", problem.message);
            self.notices.push(layer.notice(Severity::Warning, &problem.key, message));
        }
    }

    pub(super) fn lay_preset_under(&mut self) {
        let name = self.values.get("preset").and_then(Value::as_str).unwrap_or(preset::DEFAULT);
        let row = preset::get(name).and_then(|row| serde_json::to_value(row).ok());
        for (key, value) in row.as_ref().and_then(Value::as_object).into_iter().flatten() {
            self.values.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }

    /// The values as settings. The schema comes from the same types, so accepted values parse. If a key still does not, only that one is lost.
    pub(super) fn read(&mut self) -> Settings {
        let values = std::mem::take(&mut self.values);
        if let Ok(settings) = serde_json::from_value(Value::Object(values.clone())) {
            return settings;
        }
        let mut good = Map::new();
        for (key, value) in values {
            let alone = Value::Object(Map::from_iter([(key.clone(), value.clone())]));
            match serde_json::from_value::<Settings>(alone) {
                Ok(_) => {
                    good.insert(key, value);
                }
                Err(error) => self.say(Severity::Error, &key, error.to_string()),
            }
        }
        serde_json::from_value(Value::Object(good)).unwrap_or_default()
    }
}

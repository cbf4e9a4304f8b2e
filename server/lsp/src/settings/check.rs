//! Joins layers into settings: each key is looked up in the schema, a value that does not fit is left out by itself, and each fault is said with
//! its place and what is allowed. It leaves what one value must be to `schema`, and what keys must be to each other to `cross`.

use std::collections::BTreeMap;

use pennyworth_core::models::Models;
use serde_json::{Map, Value};

use super::layer::{join, variable};
use super::schema::{self, Node};
use super::{Layer, Notice, Origin, Settings, Severity, cross, preset};
use crate::prices::{Facts, Prices};

/// Tables whose rows are taken whole or not at all: half a model could send code somewhere else than was meant.
const WHOLE: [&str; 3] = ["model", "provider", "format"];
/// Keys of an editor's own glue, which it sends along.
const GLUE: [&str; 2] = ["server", "trace"];
/// Variables that are read elsewhere.
const OTHER_VARIABLES: [&str; 2] = ["config", "log"];

/// Joins layers, the first one undermost.
pub(super) fn load(layers: &[Layer]) -> (Settings, Vec<Notice>) {
    let mut joined = Joined::default();
    for layer in layers {
        joined.notices.extend(layer.notices.iter().cloned());
        match layer.origin {
            Origin::Environment => joined.environment(layer),
            Origin::Editor => cross::editor(&mut joined, layer),
            Origin::Prices(_) => joined.prices(layer),
            Origin::File(_) | Origin::Workspace(_) => joined.lay(layer),
        }
    }
    joined.finish()
}

/// The values of one layer that are known keys and fit them.
pub(super) fn accepted(layer: &Layer) -> (Map<String, Value>, Vec<Notice>) {
    let mut joined = Joined::default();
    joined.notices.extend(layer.notices.iter().cloned());
    joined.lay(layer);
    (joined.values, joined.notices)
}

/// Layers joined so far.
#[derive(Default)]
pub(super) struct Joined<'a> {
    pub(super) values: Map<String, Value>,
    pub(super) notices: Vec<Notice>,
    /// The table of prices, which is no value of the settings.
    pub(super) prices: Prices,
    /// The layer that gave each dotted key last.
    places: BTreeMap<String, &'a Layer>,
}

/// A key of a layer: what is looked at.
struct At<'a> {
    layer: &'a Layer,
    /// Dotted; empty for the whole.
    key: String,
    node: Node,
    /// Whether it is one of the tables taken whole.
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

    fn is_glue(&self, name: &str) -> bool {
        self.key.is_empty() && self.layer.origin == Origin::Editor && GLUE.contains(&name)
    }
}

impl<'a> Joined<'a> {
    /// Lays a layer of a tree over what is there.
    pub(super) fn lay(&mut self, layer: &'a Layer) {
        let mut values = std::mem::take(&mut self.values);
        self.table(&At::whole(layer), &layer.values, &mut values);
        self.values = values;
    }

    fn table(&mut self, at: &At<'a>, given: &Map<String, Value>, into: &mut Map<String, Value>) {
        for (name, value) in given {
            if value.is_null() || at.is_glue(name) {
                continue;
            }
            let Some(below) = at.below(name) else {
                let key = join(&at.key, name);
                self.notices.push(at.layer.notice(Severity::Warning, &key, at.node.unknown(name)));
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

    /// Lays variables over what is there. Their names are those of keys, so their texts are read by the type of the key.
    fn environment(&mut self, layer: &'a Layer) {
        let leaves = schema::leaves();
        let keys: BTreeMap<String, &schema::Leaf> =
            leaves.iter().map(|leaf| (leaf.key.replace('.', "_"), leaf)).collect();
        let own: Vec<String> = self.key_variables();
        for (name, text) in &layer.values {
            let Some(leaf) = keys.get(name) else {
                if !OTHER_VARIABLES.contains(&name.as_str()) && !own.contains(&variable(name)) {
                    let message = schema::unknown(name, keys.keys().map(String::as_str), variable);
                    self.notices.push(layer.notice(Severity::Warning, name, message));
                }
                continue;
            };
            let value = leaf.node.read(text.as_str().unwrap_or(""));
            let mut values = std::mem::take(&mut self.values);
            if let Some((into, last)) = descend(&mut values, &leaf.key) {
                let at = At { layer, key: leaf.key.clone(), node: leaf.node, is_row: false };
                if let Some(joined) = self.leaf(&at, &value, into.get(last)) {
                    into.insert(last.to_owned(), joined);
                }
            }
            self.values = values;
        }
    }

    /// The variables that hold keys of models.
    fn key_variables(&self) -> Vec<String> {
        let rows = ["model", "provider"].iter().filter_map(|table| self.values.get(*table)?.as_object()).flatten();
        rows.filter_map(|(_, row)| row.get("api_key_env")?.as_str().map(str::to_owned)).collect()
    }

    /// A notice at the place that gave a dotted key, or the table it is in.
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
            None => Notice { severity, file: "settings".into(), line: None, key: key.to_owned(), message },
        });
    }

    /// Takes the facts of each model that are facts and nothing else, and make a sound row.
    fn prices(&mut self, layer: &Layer) {
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
            let message = format!("{}, so what is known without this table holds", problem.message);
            self.notices.push(layer.notice(Severity::Warning, &problem.key, message));
        }
    }

    fn finish(mut self) -> (Settings, Vec<Notice>) {
        self.lay_preset_under();
        let mut settings = Settings { prices: std::mem::take(&mut self.prices), ..self.read() };
        cross::check(&mut settings, &mut self);
        (settings, self.notices)
    }

    fn lay_preset_under(&mut self) {
        let name = self.values.get("preset").and_then(Value::as_str).unwrap_or(preset::DEFAULT);
        let row = preset::get(name).and_then(|row| serde_json::to_value(row).ok());
        for (key, value) in row.as_ref().and_then(Value::as_object).into_iter().flatten() {
            self.values.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }

    /// The values as settings. The schema comes from the same types, so what it let through reads; should a key not, only that one is lost.
    fn read(&mut self) -> Settings {
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

/// The table that a dotted key is in, made if need be, and the key's last name.
fn descend<'v, 'k>(values: &'v mut Map<String, Value>, key: &'k str) -> Option<(&'v mut Map<String, Value>, &'k str)> {
    match key.split_once('.') {
        None => Some((values, key)),
        Some((table, rest)) => {
            let below = values.entry(table).or_insert_with(|| Value::Object(Map::new()));
            descend(below.as_object_mut()?, rest)
        }
    }
}

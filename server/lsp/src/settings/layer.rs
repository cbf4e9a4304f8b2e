//! One source of settings as a tree of values, with the line of each: a file, an editor's object, the environment, a workspace's file.
//! It leaves checking the values to `check`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::notice::{Holds, Notice, Severity};
use super::schema::{self, WHOLE, descend, join, kind};
use super::slips;

/// The prefix of every variable.
const PREFIX: &str = "PENNYWORTH_";
/// Our section among an editor's settings.
const SECTION: &str = "pennyworth";
/// Keys of the editor plugin itself, which it sends along.
const GLUE: [&str; 2] = ["server", "trace"];
/// A file larger than this is not a configuration.
const MAX_BYTES: u64 = 1024 * 1024;
/// Faults of a file that are named for what they are: each takes a look at the whole text.
const NAMED: usize = 50;

/// The source of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The table of prices, below the user's own file.
    Prices(PathBuf),
    /// The user's own file.
    File(PathBuf),
    /// Models that were found on this machine.
    Found,
    /// The editor: initialisation options or `workspace/configuration`. It may only tighten.
    Editor,
    /// Environment variables.
    Environment,
    /// `.pennyworth.toml` in a workspace. It may only tighten.
    Workspace(PathBuf),
}

/// The values of one source.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Their source.
    pub origin: Origin,
    /// The values by key. For the environment: the texts by variable, without the prefix and in lower case.
    pub values: Map<String, Value>,
    /// Faults found while reading it.
    pub(super) notices: Vec<Notice>,
    /// Lines, from 1, by dotted key.
    pub(super) lines: BTreeMap<String, usize>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Prices(path) | Origin::File(path) | Origin::Workspace(path) => write!(f, "{}", path.display()),
            Origin::Found => f.pad("found on this machine"),
            Origin::Editor => f.pad("editor settings"),
            Origin::Environment => f.pad("environment"),
        }
    }
}

impl Layer {
    /// The user's own file; `None`, with a notice, if it cannot be read.
    pub fn file(path: &Path, notices: &mut Vec<Notice>) -> Option<Layer> {
        Layer::read(Origin::File(path.to_owned()), path, notices)
    }

    /// The table of prices; `None`, with a notice, if it cannot be read.
    pub fn prices(path: &Path, notices: &mut Vec<Notice>) -> Option<Layer> {
        Layer::read(Origin::Prices(path.to_owned()), path, notices)
    }

    /// A workspace's file; `None`, with a notice, if it cannot be read.
    pub fn workspace(path: &Path, notices: &mut Vec<Notice>) -> Option<Layer> {
        Layer::read(Origin::Workspace(path.to_owned()), path, notices)
    }

    fn read(origin: Origin, path: &Path, notices: &mut Vec<Notice>) -> Option<Layer> {
        let read = bytes(path).and_then(|bytes| text(&bytes));
        match read {
            Ok(source) => Some(Layer::toml(origin, &source)),
            Err(message) => {
                notices.push(Layer::empty(origin).notice_at(Severity::Error, None, "", message));
                None
            }
        }
    }

    /// A layer from the bytes of a file. If they are no text, its only content is a notice.
    pub fn bytes(origin: Origin, bytes: &[u8]) -> Layer {
        match text(bytes) {
            Ok(source) => Layer::toml(origin, &source),
            Err(message) => {
                let mut layer = Layer::empty(origin);
                layer.notices.push(layer.notice_at(Severity::Error, None, "", message));
                layer
            }
        }
    }

    /// A layer from TOML. Parts that are not TOML are left out, with a notice; the rest counts.
    pub fn toml(origin: Origin, source: &str) -> Layer {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let mut layer = Layer::empty(origin);
        let (table, errors) = DeTable::parse_recoverable(source);
        let mut broken = BTreeSet::new();
        for error in errors {
            let (line, message) = syntax_fault(source, &error, layer.notices.len() < NAMED);
            // The first one in a line says it; the others follow from it.
            if broken.insert(line) {
                layer.notices.push(layer.notice_at(Severity::Error, line, "", message));
            }
        }
        layer.values = object(table.get_ref(), source, "", &mut layer.lines);
        // Nobody knows what a broken line means.
        for (key, line) in &layer.lines {
            if broken.contains(&Some(*line))
                && let Some((into, last)) = descend(&mut layer.values, key)
                && into.get(last).is_some_and(|value| !value.is_object())
            {
                into.remove(last);
            }
        }
        // Half a row could send code to the wrong place.
        for (table, row) in slips::rows(source, &broken) {
            if WHOLE.contains(&table.as_str())
                && let Some(rows) = layer.values.get_mut(&table).and_then(Value::as_object_mut)
            {
                rows.remove(&row);
            }
        }
        layer
    }

    /// A layer from an editor's value: the settings themselves, or an object that holds them under `pennyworth`. What is empty is no layer.
    pub fn editor(value: &Value, notices: &mut Vec<Notice>) -> Option<Layer> {
        let mut layer = Layer::empty(Origin::Editor);
        let ours = value.as_object().and_then(|object| object.get(SECTION));
        match ours.unwrap_or(value) {
            Value::Object(object) => {
                layer.values = nested(object);
                Some(layer)
            }
            empty if is_empty(empty) => None,
            other => {
                let message = format!("is {}; wanted: an object", kind(other));
                notices.push(layer.notice(Severity::Error, "", message));
                None
            }
        }
    }

    /// The part of a client's whole configuration that is ours: what stands under our section, or all of it if each of its keys is one of ours or
    /// nearly so. `None` if it is empty or concerns other servers.
    pub fn addressed(settings: Value) -> Option<Value> {
        let Value::Object(mut object) = settings else { return None };
        if let Some(ours) = object.get_mut(SECTION) {
            return Some(ours.take()).filter(|ours| !is_empty(ours));
        }
        let is_section = object.keys().any(|key| key.starts_with(SECTION));
        let is_ours = !object.is_empty() && (is_section || object.keys().all(|key| is_known(key)));
        is_ours.then_some(Value::Object(object))
    }

    /// What a client sent to this server alone. It is nothing if all of its keys are those of other servers: some clients send everything to
    /// everybody. One key of ours is enough, because it may be one that restricts.
    pub fn meant(settings: Value) -> Value {
        let is_foreign = |key: &String| !key.starts_with(SECTION) && !is_known(key);
        match &settings {
            Value::Object(object) if object.keys().all(is_foreign) => Value::Null,
            _ => settings,
        }
    }

    /// Models that were found on this machine, under `model`.
    pub fn found(value: &Value) -> Layer {
        Layer { values: value.as_object().cloned().unwrap_or_default(), ..Layer::empty(Origin::Found) }
    }

    /// Several layers of one origin as one. The last one that sets a key wins; lists add up.
    pub(super) fn together<'a>(layers: impl Iterator<Item = &'a Layer>) -> Option<Layer> {
        layers.cloned().reduce(|mut under, over| {
            lay(&mut under.values, over.values);
            under.notices.extend(over.notices);
            under
        })
    }

    /// Whether a key is one of the editor's plugin, which sends it along.
    pub(super) fn is_glue(&self, name: &str) -> bool {
        self.origin == Origin::Editor && GLUE.contains(&name)
    }

    /// The variables that begin with `PENNYWORTH_`, as texts; `check` reads them by the type of their key.
    pub fn environment(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Layer {
        let mut layer = Layer::empty(Origin::Environment);
        for (name, value) in variables {
            let Some(name) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
            layer.values.insert(name.to_lowercase(), Value::String(value.to_string_lossy().into_owned()));
        }
        layer
    }

    fn empty(origin: Origin) -> Layer {
        Layer { origin, values: Map::new(), notices: Vec::new(), lines: BTreeMap::new() }
    }

    /// A notice about a dotted key of this layer.
    pub(super) fn notice(&self, severity: Severity, key: &str, message: String) -> Notice {
        self.notice_at(severity, self.line(key), key, message)
    }

    fn notice_at(&self, severity: Severity, line: Option<usize>, key: &str, message: String) -> Notice {
        // Users know a variable by its own name.
        let key = match self.origin {
            Origin::Environment => variable(key),
            _ => key.to_owned(),
        };
        let holds = self.holds(severity, &key);
        Notice { severity, file: self.origin.to_string(), line, key, message, holds }
    }

    /// A notice about a key that this layer would loosen. Nothing is lost without it.
    pub(super) fn refusal(&self, key: &str, message: String) -> Notice {
        Notice { holds: Holds::TheRest, ..self.notice(Severity::Error, key, message) }
    }

    /// What holds while there is a fault. A model with a fault is left out itself; any other fault may hide a restriction.
    fn holds(&self, severity: Severity, key: &str) -> Holds {
        match &self.origin {
            _ if severity == Severity::Warning => Holds::Everything,
            Origin::File(_) if key.starts_with("model.") => Holds::TheRest,
            Origin::File(_) | Origin::Environment => Holds::Here,
            Origin::Editor => Holds::Embedded(None),
            Origin::Workspace(path) => Holds::Embedded(path.parent().map(Path::to_owned)),
            Origin::Prices(_) | Origin::Found => Holds::TheRest,
        }
    }

    /// The line of a dotted key, or of the nearest table above it.
    pub(super) fn line(&self, key: &str) -> Option<usize> {
        let mut key = key;
        loop {
            if let Some(line) = self.lines.get(key) {
                return Some(*line);
            }
            key = key.rsplit_once('.')?.0;
        }
    }
}

/// The variable of a dotted key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.replace('.', "_").to_uppercase())
}

/// Whether an editor's value says nothing. Clients write an empty table in many ways.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// The bytes of a file, and not more than a configuration has.
fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let metadata = std::fs::metadata(path).map_err(cannot)?;
    // `/dev/null` means no file.
    if !metadata.is_file() && path != Path::new("/dev/null") {
        return Err("cannot be read: not a file".into());
    }
    if metadata.len() > MAX_BYTES {
        return Err(format!("is {} bytes long; a configuration has at most {MAX_BYTES}", metadata.len()));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(cannot)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    Ok(bytes)
}

fn text(bytes: &[u8]) -> Result<String, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("is longer than {MAX_BYTES} bytes; a configuration is not"));
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return Err("is UTF-16; save it as UTF-8".into());
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let good = error.valid_up_to();
        format!("is not UTF-8 from byte {good} on")
    })?;
    Ok(text.to_owned())
}

/// An object whose dotted keys are tables, as some clients send them. If any key begins with our section, the others are those of other servers.
fn nested(object: &Map<String, Value>) -> Map<String, Value> {
    let own = |key: &'_ str| key.strip_prefix(SECTION).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned);
    let is_shared = object.keys().any(|key| own(key).is_some());
    let mut values = Map::new();
    for (key, value) in object {
        let key = match own(key) {
            None if is_shared => continue,
            own => own.unwrap_or_else(|| key.clone()),
        };
        match descend(&mut values, &key) {
            Some((into, last)) => lay(into, Map::from_iter([(last.to_owned(), value.clone())])),
            None => drop(values.insert(key, value.clone())),
        }
    }
    values
}

/// Whether a key, by its first part, is one of ours or nearly so.
fn is_known(key: &str) -> bool {
    let first = key.split('.').next().unwrap_or_default();
    GLUE.contains(&first) || schema::root().property(first).is_some() || schema::root().unknown(first).1
}

/// Lays values over others. Tables are merged, lists add up, and `null` says nothing.
fn lay(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(_), Value::Null) => {}
            (Some(Value::Object(old)), Value::Object(new)) => lay(old, new),
            (Some(Value::Array(old)), Value::Array(new)) => old.extend(new),
            (_, value) => drop(under.insert(key, value)),
        }
    }
}

/// The text above a line, and the line.
fn at_line(source: &str, line: usize) -> (&str, &str) {
    let start = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let (above, rest) = source.split_at_checked(start).unwrap_or((source, ""));
    (above, rest.lines().next().unwrap_or_default())
}

/// The line of a fault, and what is wrong there.
fn syntax_fault(source: &str, error: &toml::de::Error, is_named: bool) -> (Option<usize>, String) {
    let plain = || format!("not TOML: {}", error.message());
    let Some(span) = error.span() else { return (None, plain()) };
    if !is_named {
        return (Some(line_of(source, span.start)), plain());
    }
    let opened = slips::opens(source, span.start);
    let line = opened.unwrap_or_else(|| line_of(source, span.start));
    let (above, at) = at_line(source, line);
    let named = slips::named(above, at);
    let message = match (error.message(), named) {
        // The key is whole; it is there twice.
        ("duplicate key", _) | (_, None) => plain(),
        (_, Some(slip)) => slip,
    };
    (Some(line), message)
}

fn object(table: &DeTable<'_>, source: &str, path: &str, lines: &mut BTreeMap<String, usize>) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in table {
        let key = join(path, name.get_ref());
        lines.insert(key.clone(), line_of(source, name.span().start));
        object.insert(name.get_ref().to_string(), json(value.get_ref(), source, &key, lines));
    }
    object
}

fn json(value: &DeValue<'_>, source: &str, key: &str, lines: &mut BTreeMap<String, usize>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix());
            // A number too large for an integer becomes a float, so that the message can show it.
            parsed.map_or_else(|_| number.as_str().parse::<f64>().map_or(Value::Null, Value::from), Value::from)
        }
        // JSON has no infinity and no NaN. As text they get a message about their type.
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(float) if float.is_finite() => Value::from(float),
            _ => Value::String(number.as_str().to_owned()),
        },
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref(), source, key, lines)).collect(),
        DeValue::Table(table) => Value::Object(object(table, source, key, lines)),
    }
}

fn line_of(source: &str, offset: usize) -> usize {
    source.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

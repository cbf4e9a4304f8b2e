//! One source of settings as a tree of values, with the line of each: a file, what an editor sent, the environment, a workspace's file.
//! It leaves deciding whether the values make sense to `check`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::{Notice, Severity};

/// What begins the name of every variable.
const PREFIX: &str = "PENNYWORTH_";
/// A file larger than this is not a configuration.
const MAX_BYTES: u64 = 1024 * 1024;

/// Where values come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The table of prices, below the user's own file.
    Prices(PathBuf),
    /// The user's own file.
    File(PathBuf),
    /// The editor: initialisation options or `workspace/configuration`.
    Editor,
    /// Environment variables.
    Environment,
    /// `.pennyworth.toml` in a workspace, which may only tighten.
    Workspace(PathBuf),
}

/// The values of one source.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Where they come from.
    pub origin: Origin,
    /// The values by key; for the environment the texts by variable, without the prefix and in lower case.
    pub values: Map<String, Value>,
    /// What could not be read on the way.
    pub(super) notices: Vec<Notice>,
    /// Lines, from 1, by dotted key.
    lines: BTreeMap<String, usize>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Prices(path) | Origin::File(path) | Origin::Workspace(path) => write!(f, "{}", path.display()),
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
        match text(path) {
            Ok(source) => Some(Layer::toml(origin, &source)),
            Err(message) => {
                notices.push(Notice {
                    severity: Severity::Error,
                    file: origin.to_string(),
                    line: None,
                    key: String::new(),
                    message,
                });
                None
            }
        }
    }

    /// A text in TOML; what is not TOML is left out with a notice, and the rest of the text still counts.
    pub fn toml(origin: Origin, source: &str) -> Layer {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let mut layer = Layer::empty(origin);
        let (table, errors) = DeTable::parse_recoverable(source);
        for error in errors {
            let line = error.span().map(|span| line_of(source, span.start));
            let notice = layer.notice_at(Severity::Error, line, "", format!("not TOML: {}", error.message()));
            layer.notices.push(notice);
        }
        layer.values = object(table.get_ref(), source, "", &mut layer.lines);
        layer
    }

    /// What an editor sent: the settings themselves, or an object that holds them under `pennyworth`. `null` is no layer.
    pub fn editor(value: &Value, notices: &mut Vec<Notice>) -> Option<Layer> {
        let mut layer = Layer::empty(Origin::Editor);
        match value {
            Value::Null => None,
            Value::Object(object) => {
                let inner = object.get("pennyworth").filter(|inner| inner.is_object() || inner.is_null());
                let values = inner.unwrap_or(value);
                layer.values = values.as_object().cloned().unwrap_or_default();
                Some(layer)
            }
            other => {
                let message = format!("is {}; wanted: an object", super::schema::kind(other));
                notices.push(layer.notice(Severity::Error, "", message));
                None
            }
        }
    }

    /// The variables that begin with `PENNYWORTH_`, as they stand; `check` reads them by the type of their key.
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
        // A variable is best known by its own name.
        let key = match self.origin {
            Origin::Environment => variable(key),
            _ => key.to_owned(),
        };
        Notice { severity, file: self.origin.to_string(), line, key, message }
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

fn text(path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let about = std::fs::metadata(path).map_err(cannot)?;
    // `/dev/null` is how one says that there is none.
    if !about.is_file() && path != Path::new("/dev/null") {
        return Err("cannot be read: not a file".into());
    }
    if about.len() > MAX_BYTES {
        return Err(format!("is {} bytes long; a configuration has at most {MAX_BYTES}", about.len()));
    }
    let bytes = std::fs::read(path).map_err(cannot)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        format!("is not UTF-8 from byte {good} on")
    })
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
            // What no integer holds is kept as a float, so that its range is what is complained about.
            parsed.map_or_else(|_| number.as_str().parse::<f64>().map_or(Value::Null, Value::from), Value::from)
        }
        // Infinite and not-a-number have no JSON; as text their type is what is complained about.
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(float) if float.is_finite() => Value::from(float),
            _ => Value::String(number.as_str().to_owned()),
        },
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref(), source, key, lines)).collect(),
        DeValue::Table(table) => Value::Object(object(table, source, key, lines)),
    }
}

/// A dotted key.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn line_of(source: &str, offset: usize) -> usize {
    source.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

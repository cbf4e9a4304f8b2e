//! The JSON Schema of the settings, made from their types, as something to ask: which keys there are, what a value must be, what a misspelt
//! key may have meant. It leaves whole documents to validators elsewhere; only what our types produce is understood.

use std::fmt;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::Settings;
use super::layer::join;

/// How alike, of 1, a known name must be to be worth asking about.
const ALIKE: f64 = 0.6;
/// Characters of a wrong value that are repeated in a message.
const SHOWN: usize = 40;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Settings>().to_value()
});

/// The schema of one key, or of the whole.
#[derive(Clone, Copy)]
pub(super) struct Node(&'static Value);

/// A key that holds a value, not a table.
pub(super) struct Leaf {
    /// Dotted.
    pub(super) key: String,
    pub(super) node: Node,
}

/// The schema of the whole.
pub(super) fn root() -> Node {
    Node(&SCHEMA)
}

/// All keys that hold a value; those in tables with names of the user's choice apart.
pub(super) fn leaves() -> Vec<Leaf> {
    let mut leaves = Vec::new();
    collect(root(), "", &mut leaves);
    leaves
}

fn collect(node: Node, path: &str, leaves: &mut Vec<Leaf>) {
    for (name, below) in node.properties() {
        let key = join(path, name);
        if below.is_table() {
            collect(below, &key, leaves);
        } else {
            leaves.push(Leaf { key, node: below });
        }
    }
}

impl Node {
    /// A schema that allows `null` besides something else means the other thing: null is a key left out.
    fn of(value: &'static Value) -> Node {
        let options = value.get("anyOf").and_then(Value::as_array);
        let real = options.and_then(|all| all.iter().find(|option| option.get("type") != Some(&Value::from("null"))));
        Node(real.unwrap_or(value))
    }

    fn properties(self) -> impl Iterator<Item = (&'static str, Node)> {
        let properties = self.0.get("properties").and_then(Value::as_object).into_iter().flatten();
        properties.map(|(name, schema)| (name.as_str(), Node::of(schema)))
    }

    /// The schema of a key in this table, if the table has such a key.
    pub(super) fn property(self, name: &str) -> Option<Node> {
        let own = self.0.get("properties").and_then(|properties| properties.get(name));
        own.or_else(|| self.0.get("additionalProperties").filter(|schema| **schema != Value::Bool(false))).map(Node::of)
    }

    /// Whether it is a table.
    pub(super) fn is_table(self) -> bool {
        self.types().any(|kind| kind == "object")
    }

    /// Whether lists of several layers add up.
    pub(super) fn adds(self) -> bool {
        self.0.get("x-adds").is_some()
    }

    /// What it is for, from the type's documentation.
    pub(super) fn description(self) -> Option<&'static str> {
        self.0.get("description").and_then(Value::as_str)
    }

    fn types(self) -> impl Iterator<Item = &'static str> {
        let (one, many) = match self.0.get("type") {
            Some(Value::Array(all)) => (None, Some(all)),
            Some(Value::String(one)) => (Some(one.as_str()), None),
            _ => (None, None),
        };
        one.into_iter().chain(many.into_iter().flatten().filter_map(Value::as_str)).filter(|kind| *kind != "null")
    }

    /// The values there are, where they can be counted.
    pub(super) fn known(self) -> Vec<&'static str> {
        let plain = self.0.get("enum").and_then(Value::as_array).into_iter().flatten();
        let documented = self.0.get("oneOf").and_then(Value::as_array).into_iter().flatten();
        let listed = |option: &'static Value| option.get("enum").and_then(Value::as_array).into_iter().flatten();
        plain
            .chain(documented.flat_map(move |option| option.get("const").into_iter().chain(listed(option))))
            .filter_map(Value::as_str)
            .collect()
    }

    /// The least and the most a number may be.
    fn range(self) -> (f64, f64) {
        let bound = |name: &str| self.0.get(name).and_then(Value::as_f64);
        let most = match self.0.get("format").and_then(Value::as_str) {
            Some("uint32") => f64::from(u32::MAX),
            // What TOML can write.
            Some("uint64" | "int64") => 9_223_372_036_854_774_784.0,
            _ => f64::INFINITY,
        };
        (bound("minimum").unwrap_or(f64::NEG_INFINITY), bound("maximum").unwrap_or(f64::INFINITY).min(most))
    }

    /// What is wrong with a value for this key, to be read after the key's name.
    pub(super) fn fault(self, value: &Value) -> Option<String> {
        let known = self.known();
        if !known.is_empty() {
            let given = value.as_str();
            return match given {
                Some(text) if known.contains(&text) => None,
                _ => Some(format!("is {}; known values: {}", Shown(value), known.join(", "))),
            };
        }
        if let Some(message) = self.wrong_type(value) {
            return Some(message);
        }
        if let Some(number) = value.as_f64() {
            let (least, most) = self.range();
            if !(least..=most).contains(&number) {
                let end = if most.is_finite() { format!(" to {most}") } else { " or more".into() };
                return Some(format!("is {}; allowed: {least}{end}", Shown(value)));
            }
        }
        let items = self.0.get("items").map(Node::of)?;
        value
            .as_array()?
            .iter()
            .find_map(|item| items.fault(item))
            .map(|message| format!("has an entry that {message}"))
    }

    fn wrong_type(self, value: &Value) -> Option<String> {
        let fits = |kind: &str| match kind {
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => true,
        };
        // No type named means that everything goes.
        if self.types().next().is_none() || self.types().any(fits) {
            return None;
        }
        let wanted = self.types().map(|kind| match kind {
            "boolean" => "true or false",
            "integer" => "a whole number",
            "number" => "a number",
            "string" => "a text in quotes",
            "array" => "a list in brackets",
            _ => "a table",
        });
        Some(format!("is {}, {}; wanted: {}", Shown(value), kind(value), wanted.collect::<Vec<_>>().join(" or ")))
    }

    /// What a text from the environment means for this key; a text that means nothing stays one, so that `fault` can name it.
    pub(super) fn read(self, text: &str) -> Value {
        let as_text = || Value::String(text.to_owned());
        let read = |kind: &str| match kind {
            "boolean" => match text.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" | "on" => Some(Value::Bool(true)),
                "0" | "false" | "no" | "off" => Some(Value::Bool(false)),
                _ => None,
            },
            "integer" => text.trim().parse::<i64>().ok().map(Value::from),
            "number" => text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from),
            "array" => Some(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect()),
            _ => None,
        };
        self.types().find_map(read).unwrap_or_else(as_text)
    }

    /// What to say of a key that this table does not have.
    pub(super) fn unknown(self, name: &str) -> String {
        if name == "api_key" {
            return "unknown key: keys are not written into files; `api_key_env` names a variable, `api_key_keychain` one of the keychain, `api_key_cmd` a command that prints it".into();
        }
        // The right name in the wrong table.
        if let Some(leaf) = leaves().iter().find(|leaf| leaf.key.rsplit_once('.').is_some_and(|(_, last)| last == name))
        {
            let is_elsewhere = !self.properties().any(|(here, _)| alike(here, name) >= ALIKE);
            if is_elsewhere && !leaf.key.starts_with("tasks.") {
                return format!("unknown key; did you mean `{}`?", leaf.key);
            }
        }
        unknown(name, self.properties().map(|(name, _)| name), str::to_owned)
    }
}

/// What to say of a name that is none of the known ones; `show` writes a known one as the user would.
pub(super) fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>, show: impl Fn(&str) -> String) -> String {
    let known: Vec<_> = known.collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("unknown key; did you mean `{}`?", show(near)),
        None => {
            let all: Vec<_> = known.iter().map(|name| show(name)).collect();
            format!("unknown key; known here: {}", all.join(", "))
        }
    }
}

/// The known name that is most like a given one, if any is like it at all.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let rated = known.map(|candidate| (alike(candidate, name), candidate)).filter(|(alike, _)| *alike >= ALIKE);
    rated.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, candidate)| candidate)
}

fn alike(known: &str, given: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(known, &given.to_lowercase().replace('-', "_"))
}

/// A value in a message: short, and tables and lists not at all.
struct Shown<'a>(&'a Value);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::String(text) => {
                let mut head: String = text.chars().take(SHOWN).collect();
                if head.len() < text.len() {
                    head.push('…');
                }
                write!(f, "`{}`", head.escape_debug())
            }
            Value::Array(_) => f.pad("[…]"),
            Value::Object(_) => f.pad("{…}"),
            plain => write!(f, "{plain}"),
        }
    }
}

/// What a value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a yes or no",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

//! Looks things up in the JSON Schema of the settings, which their types generate: the keys, the allowed values, and the likely meaning of a
//! misspelt key. It understands only schemas that our types produce, and leaves whole documents to other validators.

use std::fmt;
use std::path::Path;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use super::rule::Rule;
use super::types::{ANY, Settings};

/// Tables whose rows are taken whole or not at all: half a model could send code to the wrong place.
pub(super) const WHOLE: [&str; 3] = ["model", "provider", "format"];
/// Least similarity, of 1, at which a known name is suggested for a misspelt one.
const ALIKE: f64 = 0.6;
/// Fewest letters of a name of which a known one may be the whole.
const BEGUN: usize = 3;
/// Most known names that a message lists; of more, it names the nearest.
const LISTED: usize = 10;
/// The nearest names that a message shows then.
const NEAREST: usize = 3;
/// Characters of a wrong value that a message shows.
const SHOWN: usize = 40;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Settings>().to_value()
});

/// A dotted key.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The table that holds a dotted key, created if absent, and the key's last name.
pub(super) fn descend<'v, 'k>(
    values: &'v mut Map<String, Value>,
    key: &'k str,
) -> Option<(&'v mut Map<String, Value>, &'k str)> {
    match key.split_once('.') {
        None => Some((values, key)),
        Some((table, rest)) => {
            let below = values.entry(table).or_insert_with(|| Value::Object(Map::new()));
            descend(below.as_object_mut()?, rest)
        }
    }
}

/// The value of a dotted key.
pub(super) fn at<'v>(values: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    match key.split_once('.') {
        None => values.get(key),
        Some((table, rest)) => at(values.get(table)?.as_object()?, rest),
    }
}

/// The schema of one key, or of all settings: as it is written, and without `null`.
#[derive(Clone, Copy)]
pub(super) struct Node {
    whole: &'static Value,
    real: &'static Value,
}

/// A key that holds a value, not a table.
pub(super) struct Leaf {
    /// Dotted.
    pub(super) key: String,
    pub(super) node: Node,
}

/// The schema of all settings.
pub(super) fn root() -> Node {
    Node { whole: &SCHEMA, real: &SCHEMA }
}

/// All keys that hold a value, except those in tables whose keys the user names.
pub(super) fn leaves() -> Vec<Leaf> {
    let mut leaves = Vec::new();
    collect(root(), "", &mut leaves);
    leaves
}

/// The names of all tables, also of those whose keys the user names.
pub(super) fn tables() -> impl Iterator<Item = &'static str> {
    let is_table = |node: Node| node.is_table() || node.real.get("type").is_some_and(|kind| kind == "object");
    root().properties().filter(move |(_, node)| is_table(*node)).map(|(name, _)| name)
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
    /// A key that is left out is `null`. So a schema that allows `null` and something else means the latter.
    fn of(value: &'static Value) -> Node {
        let options = value.get("anyOf").and_then(Value::as_array);
        let real = options.and_then(|all| all.iter().find(|option| option.get("type") != Some(&Value::from("null"))));
        Node { whole: value, real: real.unwrap_or(value) }
    }

    /// What a source that is not the user's own may do to it.
    pub(super) fn rule(self) -> Option<Rule> {
        self.whole.get("x-elsewhere").and_then(Value::as_str).and_then(Rule::named)
    }

    /// Whether its value holds for the whole server, so that no folder can have its own.
    pub(super) fn is_whole(self) -> bool {
        self.whole.get("x-whole").is_some()
    }

    /// The keys of this table that the schema names.
    pub(super) fn properties(self) -> impl Iterator<Item = (&'static str, Node)> {
        let properties = self.real.get("properties").and_then(Value::as_object).into_iter().flatten();
        properties.map(|(name, schema)| (name.as_str(), Node::of(schema)))
    }

    /// The schema of a key in this table, if the table has such a key.
    pub(super) fn property(self, name: &str) -> Option<Node> {
        // Anything may stand in it, as in a table of a model's `extra`.
        if *self.real == Value::Bool(true) {
            return Some(self);
        }
        let own = self.real.get("properties").and_then(|properties| properties.get(name));
        own.or_else(|| self.real.get("additionalProperties").filter(|schema| **schema != Value::Bool(false)))
            .map(Node::of)
    }

    /// Whether it is `true` or `false`.
    pub(super) fn is_switch(self) -> bool {
        self.types().any(|kind| kind == "boolean")
    }

    /// Whether it is a table.
    pub(super) fn is_table(self) -> bool {
        self.types().any(|kind| kind == "object")
    }

    /// Whether the lists of several layers add up.
    pub(super) fn adds(self) -> bool {
        self.whole.get("x-adds").is_some()
    }

    /// Its description, from the type's documentation.
    pub(super) fn description(self) -> Option<&'static str> {
        [self.whole, self.real].iter().find_map(|schema| schema.get("description")?.as_str())
    }

    fn types(self) -> impl Iterator<Item = &'static str> {
        let (one, many) = match self.real.get("type") {
            Some(Value::Array(all)) => (None, Some(all)),
            Some(Value::String(one)) => (Some(one.as_str()), None),
            _ => (None, None),
        };
        one.into_iter().chain(many.into_iter().flatten().filter_map(Value::as_str)).filter(|kind| *kind != "null")
    }

    /// The possible values, if the schema lists them.
    pub(super) fn known(self) -> Vec<&'static str> {
        let plain = self.real.get("enum").and_then(Value::as_array).into_iter().flatten();
        let documented = self.real.get("oneOf").and_then(Value::as_array).into_iter().flatten();
        let listed = |option: &'static Value| option.get("enum").and_then(Value::as_array).into_iter().flatten();
        plain
            .chain(documented.flat_map(move |option| option.get("const").into_iter().chain(listed(option))))
            .filter_map(Value::as_str)
            .collect()
    }

    /// The least and the most a number may be.
    fn range(self) -> (f64, f64) {
        let bound = |name: &str| self.real.get(name).and_then(Value::as_f64);
        let most = match self.real.get("format").and_then(Value::as_str) {
            Some("uint32") => f64::from(u32::MAX),
            // The largest integer of TOML, as a float.
            Some("uint64" | "int64") => 9_223_372_036_854_774_784.0,
            _ => f64::INFINITY,
        };
        (bound("minimum").unwrap_or(f64::NEG_INFINITY), bound("maximum").unwrap_or(f64::INFINITY).min(most))
    }

    /// What is wrong with a value for this key. The message continues a sentence that begins with the key.
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
        let items = self.real.get("items").map(Node::of)?;
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
        // A schema without a type allows everything.
        if self.types().next().is_none() || self.types().any(fits) {
            return None;
        }
        Some(format!("is {}, {}; wanted: {}", Shown(value), kind(value), self.wanted()))
    }

    /// The values that it takes, in words.
    pub(super) fn wanted(self) -> String {
        let known = self.known();
        if !known.is_empty() {
            return known.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(", ");
        }
        let wanted = self.types().map(|kind| match kind {
            "boolean" => "true or false",
            "integer" => "a whole number",
            "number" => "a number",
            "string" => "a text in quotes",
            "array" => "a list in brackets",
            _ => "a table",
        });
        wanted.collect::<Vec<_>>().join(" or ")
    }

    /// Reads a text from the environment as a value of this key. A text that cannot be read stays a text, so that `fault` can name it.
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

    /// The message about a key that this table does not have, and whether a known one is near.
    pub(super) fn unknown(self, name: &str) -> (String, bool) {
        if name == "api_key" {
            let message = "unknown key: no file may hold an API key; `api_key_env` names a variable, `api_key_keychain` a key in the keychain, `api_key_cmd` a command that prints it";
            return (message.into(), true);
        }
        // The right name in the wrong table.
        if let Some(leaf) = leaves().iter().find(|leaf| leaf.key.rsplit_once('.').is_some_and(|(_, last)| last == name))
        {
            let is_elsewhere = !self.properties().any(|(here, _)| alike(here, name) >= ALIKE);
            if is_elsewhere && !leaf.key.starts_with("tasks.") {
                return (format!("unknown key; did you mean `{}`?", leaf.key), true);
            }
        }
        let (hint, is_near) = hint(name, self.properties().map(|(name, _)| name), str::to_owned);
        (format!("unknown key; {hint}"), is_near)
    }
}

/// The message about a language that does not exist, and whether a known one is near.
pub(super) fn unknown_language(name: &str) -> Option<(String, bool)> {
    let known = || pennyworth_grammars::all().iter().map(|language| language.facts().name.as_str());
    if name == ANY || known().any(|known| known == name) {
        return None;
    }
    // Other names of a known one: its ids in editors, and its files' endings.
    let alias =
        pennyworth_grammars::by_id(name).or_else(|| pennyworth_grammars::by_path(Path::new(&format!("a.{name}")), ""));
    let (hint, is_near) = match alias {
        Some(language) => (format!("did you mean `{}`?", language.name()), true),
        None => hint(name, known(), str::to_owned),
    };
    Some((format!("unknown language; {hint}"), is_near))
}

/// What to write instead of an unknown name, and whether a known one is near. `show` writes a known name as the user would.
pub(super) fn hint<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str>,
    show: impl Fn(&str) -> String,
) -> (String, bool) {
    let mut known: Vec<_> = known.collect();
    if let Some(near) = nearest(name, known.iter().copied()) {
        return (format!("did you mean `{}`?", show(near)), true);
    }
    let list = |known: &[&str]| known.iter().map(|name| show(name)).collect::<Vec<_>>().join(", ");
    if known.len() <= LISTED {
        return (format!("known here: {}", list(&known)), false);
    }
    known.sort_by(|a, b| alike(b, name).total_cmp(&alike(a, name)));
    known.truncate(NEAREST);
    (format!("the nearest are {}; `pennyworth schema` lists all", list(&known)), false)
}

/// The known name that is most similar to a given one, if any is similar enough, or else the first that begins with it.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.collect();
    let rated = known.iter().map(|candidate| (alike(candidate, name), *candidate));
    let best = rated.filter(|(alike, _)| *alike >= ALIKE).max_by(|a, b| a.0.total_cmp(&b.0));
    let is_begun = |candidate: &&str| name.len() >= BEGUN && candidate.starts_with(&name.to_lowercase());
    best.map(|(_, candidate)| candidate).or_else(|| known.iter().copied().find(is_begun))
}

fn alike(known: &str, given: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(known, &given.to_lowercase().replace('-', "_"))
}

/// A value in a message: shortened, and without the content of tables and lists.
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

/// The type of a value, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "a whole number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}

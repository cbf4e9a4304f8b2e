//! Reading rows of models and formats, laying a user's rows over the shipped ones, and saying precisely where a row is wrong.
//! It leaves what a row must hold to `built`, finding and opening files to the caller; a bad row is left out and the good ones stay.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::built::{format, model};
use super::{Model, Models};

/// The `[format.NAME]`, `[provider.NAME]` and `[model.NAME]` tables of a file, as written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Rows {
    /// Formats by name.
    pub format: BTreeMap<String, FormatRow>,
    /// Keys that models of one service share, by the service's name.
    pub provider: BTreeMap<String, ModelRow>,
    /// Models by name.
    pub model: BTreeMap<String, ModelRow>,
}

/// Declares a row whose keys may all be left out, with `over`: this row, and for each key it lacks that of another.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)* }

        impl $name {
            /// This row, with the keys of `under` where it has none of its own.
            fn over(self, under: $name) -> $name {
                $name { $($field: self.$field.or(under.$field),)* }
            }
        }
    };
}

row! {
    /// A `[format.NAME]` table; `tables/models.toml` says what each key means.
    FormatRow {
        /// Another format, whose keys hold where this one has none.
        like: String,
        /// `raw`, `fields` or `chat`.
        shape: String,
        /// The prompt of a lone file.
        template: String,
        /// The prompt when there are excerpts.
        multi: String,
        /// One excerpt.
        excerpt: String,
        /// The system message of a chat.
        system: String,
        /// Texts that mean something to the model.
        markers: Vec<String>,
        /// Texts that end an answer.
        stops: Vec<String>,
        /// Parts of names of models trained on it.
        names: Vec<String>,
    }
}

row! {
    /// A `[model.NAME]` table; `tables/models.toml` says what each key means.
    ModelRow {
        /// The service whose keys hold where the row has none of its own.
        provider: String,
        /// A wire protocol.
        protocol: String,
        /// The address paths are added to.
        base_url: String,
        /// The provider's name for the model.
        model: String,
        /// A format's name.
        format: String,
        /// `local`, `cheap` or `premium`.
        tier: String,
        /// Tokens read and written together.
        context: i64,
        /// What a token costs.
        price: PriceRow,
        /// Tokens from which on a prompt is cached at all.
        cache_min: i64,
        /// `yes`, `no` or `unknown`.
        abort_billed: String,
        /// Stop texts a request may carry.
        stop_limit: i64,
        /// Whether tokens come with their probability.
        logprobs: bool,
        /// Characters of code per token.
        chars_per_token: f64,
        /// Tokens of excerpts of other files.
        excerpts: i64,
        /// The field that takes a name for prompts which begin alike.
        cache_key_field: String,
        /// Whether a message says itself up to where it is to be cached.
        cache_marks: bool,
        /// The name of the output ceiling's field.
        max_tokens_field: String,
        /// Where below the address requests go.
        path: String,
        /// Whether the `cost` of its account is what it charges.
        charges: bool,
        /// Headers that each request carries.
        headers: BTreeMap<String, String>,
        /// The header that holds the key.
        api_key_header: String,
        /// Fields sent as they stand.
        #[cfg_attr(feature = "schema", schemars(with = "Option<std::collections::BTreeMap<String, schemars::Schema>>"))]
        extra: toml::Table,
        /// Fields that are not sent.
        omit: Vec<String>,
        /// The day it is switched off.
        shutdown: String,
        /// Ports of this machine at which a provider's servers are usually found.
        ports: Vec<u16>,
        /// Where below the address such a server lists its models.
        list: String,
        /// What price lists call a provider.
        listed_as: Vec<String>,
        /// Environment variable that holds the key.
        api_key_env: String,
        /// Name under which the system's keychain holds the key.
        api_key_keychain: String,
        /// Command that prints the key.
        api_key_cmd: String,
    }
}

row! {
    /// Prices in USD per million tokens.
    PriceRow {
        /// Input that was not cached.
        input: f64,
        /// Input read from the provider's cache; as `input` if left out.
        cached: f64,
        /// Input written to the provider's cache for its short time; as `input` if left out.
        write: f64,
        /// The same for its longer time.
        write_long: f64,
        /// Output.
        output: f64,
        /// The share that a batch pays.
        batch: f64,
        /// The day it was looked up.
        as_of: String,
        /// Hours in which it is lower.
        off_peak: OffPeakRow,
    }
}

/// Hours in which a price is lower, such as `{ share = 0.5, weekdays = ["0-1"], weekend = ["0-24"] }`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OffPeakRow {
    /// The share that is then paid.
    pub share: f64,
    /// Hours in UTC from Monday to Friday.
    #[serde(default)]
    pub weekdays: Vec<String>,
    /// Hours in UTC on Saturday and Sunday.
    #[serde(default)]
    pub weekend: Vec<String>,
}

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The key with its tables, such as `model.mine.price.input`.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// The key within a row and what is wrong with it.
pub(super) type Fault = (&'static str, String);

impl Models {
    /// These rows with those of a file laid over them; the file's models are enabled. Tables of other names are left alone.
    ///
    /// What is wrong comes back as problems; a bad row is left out (or, if it changes a row that was there, leaves that one as it was).
    pub fn extended(&self, file: &str, source: &str) -> (Models, Vec<Problem>) {
        let rows = match toml::from_str::<Rows>(source) {
            Ok(rows) => rows,
            Err(error) => {
                let line = error.span().map(|span| line_of(source, span.start));
                let problem =
                    Problem { file: file.into(), line, key: String::new(), message: error.message().to_owned() };
                return (self.clone(), vec![problem]);
            }
        };
        let (models, mut problems) = self.with_rows(file, rows);
        for problem in &mut problems {
            problem.line = locate(source, &problem.key);
        }
        (models, problems)
    }

    /// The same for rows that were read elsewhere, such as an editor's settings; `origin` names them in problems.
    pub fn with_rows(&self, origin: &str, rows: Rows) -> (Models, Vec<Problem>) {
        let mut all = self.clone();
        let mut problems = Vec::new();
        let mut report = |table: &str, name: &str, (key, message): Fault| {
            let key = [table, name, key].join(".").trim_end_matches('.').to_owned();
            problems.push(Problem { file: origin.into(), line: None, key, message });
        };
        for (name, row) in rows.format {
            let row = row.over(self.rows.format.get(&name).cloned().unwrap_or_default());
            match all.whole_format(&name, &row).and_then(|row| format(&name, &row)) {
                Ok(format) => {
                    all.formats.insert(name.clone(), format);
                    all.rows.format.insert(name, row);
                }
                Err(fault) => report("format", &name, fault),
            }
        }
        for (name, row) in rows.provider {
            let row = row.with(self.rows.provider.get(&name));
            match row.provider {
                Some(_) => report("provider", &name, ("provider", "is left out: a provider has no other".into())),
                None => drop(all.rows.provider.insert(name, row)),
            }
        }
        for (name, row) in rows.model {
            let row = row.with(self.rows.model.get(&name));
            let whole = match all.whole(&row) {
                Ok(whole) => whole,
                Err(fault) => {
                    report("model", &name, fault);
                    continue;
                }
            };
            match model(&name, &whole, &all.formats) {
                Ok(model) => {
                    all.models.insert(name.clone(), model);
                    all.rows.model.insert(name, row);
                }
                Err(fault) => report("model", &name, fault),
            }
        }
        (all, problems)
    }

    /// These rows with facts of models laid over them, which switch nothing on. Facts of a model that has no row wait until one comes.
    ///
    /// What is wrong comes back as problems; a row that a fact would spoil stays as it was.
    pub fn with_facts(&self, origin: &str, facts: BTreeMap<String, ModelRow>) -> (Models, Vec<Problem>) {
        let mut all = self.clone();
        let mut problems = Vec::new();
        for (name, facts) in facts {
            let row = facts.with(self.rows.model.get(&name));
            if let Some(old) = all.models.get(&name) {
                match all.whole(&row).and_then(|whole| model(&name, &whole, &all.formats)) {
                    Ok(new) => drop(all.models.insert(name.clone(), Model { enabled: old.enabled, ..new })),
                    Err((key, message)) => {
                        let key = format!("model.{name}.{key}");
                        problems.push(Problem { file: origin.into(), line: None, key, message });
                        continue;
                    }
                }
            }
            all.rows.model.insert(name, row);
        }
        (all, problems)
    }

    /// A model's row with the keys of its provider, and with `over` laid over it, which may be a row that lacks something yet. `None` if there is
    /// no such row, or its provider is none.
    pub fn row(&self, name: &str, over: Option<&ModelRow>) -> Option<ModelRow> {
        let under = self.rows.model.get(name);
        let row = over.cloned().map(|over| over.with(under)).or_else(|| under.cloned())?;
        self.whole(&row).ok()
    }

    /// A format's row with the keys of the one it is like. That one is like no other, and stands before it: names are read in order.
    fn whole_format(&self, name: &str, row: &FormatRow) -> Result<FormatRow, Fault> {
        let Some(like) = &row.like else { return Ok(row.clone()) };
        match self.rows.format.get(like) {
            Some(under) if under.like.is_none() && like != name => Ok(row.clone().over(under.clone())),
            _ => Err(("like", format!("is `{like}`, which is no format above it that is like no other"))),
        }
    }

    /// A model's row with the keys of its provider.
    fn whole(&self, row: &ModelRow) -> Result<ModelRow, Fault> {
        let Some(name) = &row.provider else { return Ok(row.clone()) };
        match self.rows.provider.get(name) {
            Some(provider) => Ok(row.clone().with(Some(provider))),
            None => {
                let known = self.providers().collect::<Vec<_>>().join(", ");
                Err(("provider", format!("is `{name}`; known providers: {known}")))
            }
        }
    }
}

impl ModelRow {
    /// This row, with the keys of another where it has none of its own; of a price and of fields to send, each key for itself.
    fn with(mut self, under: Option<&ModelRow>) -> ModelRow {
        let Some(under) = under.cloned() else { return self };
        self.price = match (self.price, under.price.clone()) {
            (Some(price), Some(old)) => Some(price.over(old)),
            (price, _) => price,
        };
        self.extra = match (self.extra, under.extra.clone()) {
            (Some(extra), Some(old)) => Some(laid_over(old, extra)),
            (extra, _) => extra,
        };
        self.over(under)
    }
}

/// The keys of `over` in `under`; tables in both are joined alike.
fn laid_over(mut under: toml::Table, over: toml::Table) -> toml::Table {
    for (key, value) in over {
        let value = match (under.remove(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => toml::Value::Table(laid_over(old, new)),
            (_, value) => value,
        };
        under.insert(key, value);
    }
    under
}

/// The line of a dotted key, or of the nearest table above it that the file has. Names of rows may hold dots.
fn locate(source: &str, key: &str) -> Option<usize> {
    let root = toml::de::DeTable::parse(source).ok()?;
    let mut table = root.get_ref();
    let mut rest = key;
    let mut at = None;
    while !rest.is_empty() {
        let fits = |name: &str| rest == name || rest.strip_prefix(name).is_some_and(|tail| tail.starts_with('.'));
        let Some((name, value)) =
            table.iter().filter(|(name, _)| fits(name.get_ref())).max_by_key(|(name, _)| name.get_ref().len())
        else {
            break;
        };
        at = Some(name.span().start);
        rest = rest.get(name.get_ref().len()..).unwrap_or("").trim_start_matches('.');
        match value.get_ref() {
            toml::de::DeValue::Table(inner) => table = inner,
            _ => break,
        }
    }
    at.map(|offset| line_of(source, offset))
}

fn line_of(source: &str, offset: usize) -> usize {
    source.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

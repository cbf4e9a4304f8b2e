//! Reads rows of models and formats, merges a user's rows into the shipped ones, and says precisely where a row is wrong. A bad row is left out.
//! It leaves what a row must hold to `built`, and finding and opening files to the caller.

use std::collections::BTreeMap;
use std::fmt;

use super::built::{Fault, format, model};
use super::model::{Model, Protocol, is_loopback, origin};
use super::rows::{FormatRow, ModelRow, Rows};
use super::table::Models;

/// What is wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the caller named it.
    pub file: String,
    /// The line, from 1, if known.
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

/// The shipped tables.
pub(super) const SHIPPED: [(&str, &str); 2] = [
    ("formats.toml", include_str!("../../tables/formats.toml")),
    ("models.toml", include_str!("../../tables/models.toml")),
];

impl Models {
    /// The shipped table; none of its models is enabled.
    pub fn builtin() -> Models {
        let mut models = Models::default();
        for (file, source) in SHIPPED {
            let (more, problems) = models.extended(file, source);
            debug_assert!(problems.is_empty(), "{problems:?}");
            models = more;
        }
        for model in models.models.values_mut() {
            model.enabled = false;
        }
        models
    }

    /// These rows, overridden by those of a file, whose models are enabled. Tables of other names are ignored.
    ///
    /// Faults are returned as problems. A bad row is left out, and an existing row that it would change stays as it was.
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

    /// The same for rows read elsewhere, such as an editor's settings; `origin` names them in problems.
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
                Some(_) => report(
                    "provider",
                    &name,
                    ("provider", "is not allowed: a provider has no provider of its own".into()),
                ),
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
            match all.model(&name, &whole) {
                Ok(model) => {
                    all.models.insert(name.clone(), model);
                    all.rows.model.insert(name, row);
                }
                Err(fault) => report("model", &name, fault),
            }
        }
        (all, problems)
    }

    /// These rows, overridden by facts about models, which enable nothing. Facts about a model without a row wait until it has one.
    ///
    /// Faults are returned as problems. A row that a fact would spoil stays as it was.
    pub fn with_facts(&self, origin: &str, facts: BTreeMap<String, ModelRow>) -> (Models, Vec<Problem>) {
        let mut all = self.clone();
        let mut problems = Vec::new();
        for (name, facts) in facts {
            let row = facts.with(self.rows.model.get(&name));
            if let Some(old) = all.models.get(&name) {
                match all.whole(&row).and_then(|whole| all.model(&name, &whole)) {
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

    /// A model's row with the keys of its provider, overridden by `over`, which may be incomplete. `None` if there is no such row or no such
    /// provider.
    pub fn row(&self, name: &str, over: Option<&ModelRow>) -> Option<ModelRow> {
        let under = self.rows.model.get(name);
        let row = over.cloned().map(|over| over.with(under)).or_else(|| under.cloned())?;
        self.whole(&row).ok()
    }

    /// A format's row, with missing keys from the format it is `like`. That one has no `like` and comes earlier: names are read in order.
    fn whole_format(&self, name: &str, row: &FormatRow) -> Result<FormatRow, Fault> {
        let Some(like) = &row.like else { return Ok(row.clone()) };
        match self.rows.format.get(like) {
            Some(under) if under.like.is_none() && like != name => Ok(row.clone().over(under.clone())),
            _ => Err(("like", format!("is `{like}`; `like` must name an earlier format that has no `like` itself"))),
        }
    }

    /// A model's row with the keys of its provider, but for the batch API if the row has a protocol of its own. One at the address of a known
    /// proxy passes prompts on unless it says otherwise.
    fn whole(&self, row: &ModelRow) -> Result<ModelRow, Fault> {
        let mut whole = match &row.provider {
            None => row.clone(),
            Some(name) => match self.rows.provider.get(name) {
                Some(provider) if row.protocol.as_ref().is_none_or(|own| provider.protocol.as_ref() == Some(own)) => {
                    row.clone().with(Some(provider))
                }
                Some(provider) => ModelRow { batch: row.batch.clone(), ..row.clone().with(Some(provider)) },
                None => {
                    let known = self.providers().collect::<Vec<_>>().join(", ");
                    return Err(("provider", format!("is `{name}`; known providers: {known}")));
                }
            },
        };
        if whole.base_url.as_deref().is_some_and(|address| self.is_proxy(address)) {
            whole.forwards = whole.forwards.or(Some(true));
        }
        Ok(whole)
    }

    /// The model of a complete row.
    fn model(&self, name: &str, whole: &ModelRow) -> Result<Model, Fault> {
        let found = model(name, whole, &self.formats)?;
        let ollama = match found.protocol {
            Protocol::Ollama => Some(found.base_url.clone()),
            // Ollama speaks OpenAI's protocol too, at the same port.
            _ => {
                let mut servers = self.known_servers().into_iter().filter(|server| server.protocol == Protocol::Ollama);
                let here = origin(&found.base_url);
                servers.find(|server| here.is_some() && origin(&server.base_url) == here).map(|server| server.base_url)
            }
        };
        Ok(Model { ollama, ..found })
    }

    /// Whether a provider that passes prompts on usually listens at an address of this machine.
    fn is_proxy(&self, address: &str) -> bool {
        let proxies = self.rows.provider.values().filter(|row| row.forwards == Some(true));
        let mut origins = proxies.filter_map(|row| origin(row.base_url.as_deref()?));
        is_loopback(address) && origin(address).is_some_and(|here| origins.any(|known| known == here))
    }
}

/// The line of a dotted key, or of the nearest table around it in the file. Names of rows may hold dots.
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

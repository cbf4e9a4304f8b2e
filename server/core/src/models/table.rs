//! All models and formats by name, and the usual addresses of model servers on this machine.
//! It leaves filling the table to `load`.

use std::collections::BTreeMap;

use super::format::{Format, Shape, format_for_id};
use super::model::{Model, Protocol};
use super::rows::{ModelRow, Rows};

/// An address of this machine at which a provider's server usually listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownServer {
    /// The provider.
    pub provider: String,
    /// Its wire protocol.
    pub protocol: Protocol,
    /// The address.
    pub base_url: String,
    /// The path below it that lists the server's models.
    pub list: String,
    /// The address that says which of them are in memory, if the list does not.
    pub loaded: Option<String>,
    /// Whether any of its models can be used, because the server knows their sentinels.
    pub knows_formats: bool,
    /// What it says in `owned_by` of models that it runs itself; empty if it says nothing.
    pub owned_by: Vec<String>,
}

/// The formats and models of the shipped table and of the user's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Models {
    pub(super) formats: BTreeMap<String, Format>,
    pub(super) models: BTreeMap<String, Model>,
    /// The rows as written, so that a later file can change single keys.
    pub(super) rows: Rows,
}

impl Models {
    /// A model by its name in tables.
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// All models, by name.
    pub fn all(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// The models that the user's configuration names, by name.
    pub fn enabled(&self) -> impl Iterator<Item = &Model> {
        self.models.values().filter(|model| model.enabled)
    }

    /// Whether one of these takes instructions, and does not only continue code.
    pub fn any_chat(&self) -> bool {
        let is_chat = |model: &Model| self.formats.get(&model.format).is_some_and(|format| format.shape == Shape::Chat);
        self.enabled().any(is_chat)
    }

    /// The names of all providers.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.rows.provider.keys().map(String::as_str)
    }

    /// The usual addresses of model servers on this machine.
    pub fn known_servers(&self) -> Vec<KnownServer> {
        let mut places = Vec::new();
        for (provider, row) in &self.rows.provider {
            let (Some(base_url), Some(list)) = (&row.base_url, &row.list) else { continue };
            let protocol = Protocol::ALL.into_iter().find(|(name, _)| row.protocol.as_deref() == Some(*name));
            let Some((_, protocol)) = protocol else { continue };
            let Some((start, after)) = base_url.rsplit_once(':') else { continue };
            let path = after.trim_start_matches(|c: char| c.is_ascii_digit());
            for port in row.ports.iter().flatten() {
                places.push(KnownServer {
                    provider: provider.clone(),
                    protocol,
                    base_url: format!("{start}:{port}{path}"),
                    list: list.clone(),
                    loaded: row.loaded.as_ref().map(|path| format!("{start}:{port}{path}")),
                    knows_formats: row.format.is_some(),
                    owned_by: row.owned_by.clone().unwrap_or_default(),
                });
            }
        }
        places
    }

    /// The provider whose name, or name in price lists, a proxy would put before a model's: `openrouter` in `openrouter/qwen/qwen3-coder`.
    /// `None` for servers on this machine.
    pub fn prefixed_provider(&self, id: &str) -> Option<&str> {
        let (prefix, _) = id.split_once('/')?;
        let named = |(name, row): &(&String, &ModelRow)| {
            *name == prefix || row.listed_as.iter().flatten().any(|listed| listed == prefix)
        };
        let (name, _) = self.rows.provider.iter().filter(|(_, row)| row.list.is_none()).find(named)?;
        Some(name)
    }

    /// A format by its name in tables.
    pub fn format(&self, name: &str) -> Option<&Format> {
        self.formats.get(name)
    }

    /// All formats, by name.
    pub fn formats(&self) -> impl Iterator<Item = &Format> {
        self.formats.values()
    }

    /// The format that a model with this provider's name is trained on. The longest matching part wins; `None` if none matches.
    pub fn format_for_id(&self, id: &str) -> Option<&Format> {
        format_for_id(&self.formats, id)
    }
}

impl Default for Models {
    /// No formats and no models.
    fn default() -> Models {
        Models { formats: BTreeMap::new(), models: BTreeMap::new(), rows: Rows::default() }
    }
}

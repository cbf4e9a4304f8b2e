//! The models that may be asked, their prices, and the formats their prompts are written in: rows of `tables/formats.toml`, `tables/models.toml` and the user's file.
//! It leaves what tokens cost to `models/price.rs`, reading rows to `models/load.rs` and checking them to `models/built.rs`, writing prompts to `prompt` and choosing a model to `route`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::task::Tier;

mod built;
mod load;
mod price;
mod template;

pub use load::{FormatRow, ModelRow, PriceRow, Problem, Rows};
pub use price::{OffPeak, Price, WeekHour};
pub use template::{Piece, Template};

/// The shipped tables.
const SHIPPED: [(&str, &str); 2] =
    [("formats.toml", include_str!("../tables/formats.toml")), ("models.toml", include_str!("../tables/models.toml"))];

/// The wire protocol of a model: one file in `providers/src` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// `/completions` and `/chat/completions` as OpenAI has them and most servers copy.
    Openai,
    /// Anthropic's `/messages`.
    Anthropic,
    /// Google's `streamGenerateContent`.
    Gemini,
    /// Ollama's `/api/generate` and `/api/chat`.
    Ollama,
    /// llama.cpp's `/infill` and `/completion`.
    Llamacpp,
    /// Text Generation Inference's `/generate_stream`.
    Tgi,
    /// A recorded stream of the OpenAI protocol, read from the file `base_url` names: for tests and for work without a network.
    Replay,
}

impl Protocol {
    /// Every protocol with its name in tables.
    pub const ALL: [(&'static str, Protocol); 7] = [
        ("openai", Protocol::Openai),
        ("anthropic", Protocol::Anthropic),
        ("gemini", Protocol::Gemini),
        ("ollama", Protocol::Ollama),
        ("llamacpp", Protocol::Llamacpp),
        ("tgi", Protocol::Tgi),
        ("replay", Protocol::Replay),
    ];

    /// How prompts may travel over it.
    pub fn shapes(self) -> &'static [Shape] {
        match self {
            Protocol::Openai | Protocol::Ollama | Protocol::Replay => &[Shape::Raw, Shape::Fields, Shape::Chat],
            Protocol::Anthropic | Protocol::Gemini => &[Shape::Chat],
            Protocol::Llamacpp => &[Shape::Raw, Shape::Fields],
            Protocol::Tgi => &[Shape::Raw],
        }
    }
}

/// How a prompt travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// One text with the model's own sentinels.
    Raw,
    /// Prefix and suffix in fields of their own.
    Fields,
    /// Messages.
    Chat,
}

impl Shape {
    /// Every shape with its name in tables.
    pub const ALL: [(&'static str, Shape); 3] = [("raw", Shape::Raw), ("fields", Shape::Fields), ("chat", Shape::Chat)];
}

/// Whether closing a stream early is billed as if it had been read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbortBilled {
    /// The whole answer is billed.
    Yes,
    /// What was written until then is billed.
    No,
    /// Nobody said; counted as `Yes`, because money is counted high when in doubt.
    Unknown,
}

impl AbortBilled {
    /// Every value with its name in tables.
    pub const ALL: [(&'static str, AbortBilled); 3] =
        [("yes", AbortBilled::Yes), ("no", AbortBilled::No), ("unknown", AbortBilled::Unknown)];
}

/// How a family of models wants its prompts; a `[format.NAME]` row.
#[derive(Clone, Debug, PartialEq)]
pub struct Format {
    /// Its name in tables.
    pub name: String,
    /// How the prompt travels.
    pub shape: Shape,
    /// The prompt of a lone file.
    pub template: Template,
    /// The prompt when there are excerpts of other files.
    pub multi: Option<Template>,
    /// One excerpt of another file.
    pub excerpt: Option<Template>,
    /// What never changes of a chat; empty elsewhere.
    pub system: String,
    /// Texts that mean something to the model: neither sent in code nor shown from an answer.
    pub markers: Vec<String>,
    /// Texts that end an answer, the most useful first.
    pub stops: Vec<String>,
    /// Parts of the names of models trained on it, in lower case.
    pub names: Vec<String>,
}

/// One model that may be asked; a `[model.NAME]` row.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name in tables, routes and the ledger.
    pub name: String,
    /// The service it is a model of, where that has a row.
    pub provider: Option<String>,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// The address the protocol's paths are added to; without a slash at its end.
    pub base_url: String,
    /// The provider's name for it.
    pub id: String,
    /// The name of its format.
    pub format: String,
    /// Its class of price.
    pub tier: Tier,
    /// Tokens it reads and writes together.
    pub context: u32,
    /// What a token costs.
    pub price: Price,
    /// Tokens from which on the provider caches a prompt at all, where that is known.
    pub cache_min: Option<u32>,
    /// What closing a stream early costs.
    pub abort_billed: AbortBilled,
    /// Stop texts a request may carry.
    pub stop_limit: u8,
    /// Whether it says how probable its tokens are.
    pub logprobs: bool,
    /// Characters of code per token, until its answers say better.
    pub chars_per_token: f32,
    /// Tokens of excerpts of other files that a prompt may hold.
    pub excerpts: u32,
    /// The field that takes a name for prompts which begin alike, so that the provider sends them to the same cache.
    pub cache_key_field: Option<String>,
    /// Whether a message says itself up to where it is to be cached.
    pub cache_marks: bool,
    /// The name of the field for the output ceiling, where it is not the protocol's.
    pub max_tokens_field: Option<String>,
    /// Where below the address requests go, where that is not the protocol's path.
    pub path: Option<String>,
    /// Whether the `cost` of its account is what it charges, in USD.
    pub charges: bool,
    /// Headers that each request carries.
    pub headers: BTreeMap<String, String>,
    /// The header that holds the key as it is, where it is not the protocol's.
    pub api_key_header: Option<String>,
    /// Fields sent as they stand; tables are merged with the protocol's.
    pub extra: toml::Table,
    /// Fields that are not sent.
    pub omit: Vec<String>,
    /// The day it is switched off, `YYYY-MM-DD`, where that is known.
    pub shutdown: Option<String>,
    /// Environment variable that holds the key.
    pub api_key_env: Option<String>,
    /// Name under which the system's keychain holds the key.
    pub api_key_keychain: Option<String>,
    /// Command that prints the key.
    pub api_key_cmd: Option<String>,
    /// Whether the user's own configuration names it; only then may it be asked.
    pub enabled: bool,
}

impl Model {
    /// Whether its address is this machine: a loopback name or number, or a recorded file.
    pub fn is_on_this_machine(&self) -> bool {
        if self.protocol == Protocol::Replay {
            return true;
        }
        is_loopback(&self.base_url)
    }
}

/// Whether an address is this machine's own: a loopback name or number, and no user name in front of it.
pub fn is_loopback(address: &str) -> bool {
    let authority = address.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(""));
    if authority.contains('@') {
        return false;
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => authority.split(':').next().unwrap_or(""),
    };
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// Whether a name can stand in every system's keychain and in every command: letters, digits and `- _ .`, 64 at most.
pub fn is_key_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !name.starts_with('-')
}

/// An address of this machine at which a service's server may be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsualPlace {
    /// The service.
    pub provider: String,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// The address.
    pub base_url: String,
    /// Where below it the server lists its models.
    pub list: String,
    /// Whether any of its models will do, because the server knows their sentinels.
    pub knows_formats: bool,
}

/// The formats and models of the shipped table and of the user's file.
#[derive(Clone, Debug, PartialEq)]
pub struct Models {
    formats: BTreeMap<String, Format>,
    models: BTreeMap<String, Model>,
    /// The rows as written, so that a later file can change single keys.
    rows: Rows,
}

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

    /// A model by its name in tables.
    pub fn get(&self, name: &str) -> Option<&Model> {
        self.models.get(name)
    }

    /// All models, by name.
    pub fn all(&self) -> impl Iterator<Item = &Model> {
        self.models.values()
    }

    /// The models the user's own configuration names, by name.
    pub fn enabled(&self) -> impl Iterator<Item = &Model> {
        self.models.values().filter(|model| model.enabled)
    }

    /// The services that models may name, by name.
    pub fn providers(&self) -> impl Iterator<Item = &str> {
        self.rows.provider.keys().map(String::as_str)
    }

    /// Where servers on this machine are usually found.
    pub fn usual_places(&self) -> Vec<UsualPlace> {
        let mut places = Vec::new();
        for (provider, row) in &self.rows.provider {
            let (Some(base_url), Some(list)) = (&row.base_url, &row.list) else { continue };
            let protocol = Protocol::ALL.into_iter().find(|(name, _)| row.protocol.as_deref() == Some(*name));
            let Some((_, protocol)) = protocol else { continue };
            let Some((start, after)) = base_url.rsplit_once(':') else { continue };
            let path = after.trim_start_matches(|c: char| c.is_ascii_digit());
            for port in row.ports.iter().flatten() {
                places.push(UsualPlace {
                    provider: provider.clone(),
                    protocol,
                    base_url: format!("{start}:{port}{path}"),
                    list: list.clone(),
                    knows_formats: row.format.is_some(),
                });
            }
        }
        places
    }

    /// A format by its name in tables.
    pub fn format(&self, name: &str) -> Option<&Format> {
        self.formats.get(name)
    }

    /// All formats, by name.
    pub fn formats(&self) -> impl Iterator<Item = &Format> {
        self.formats.values()
    }

    /// The format a model of this provider's name is known to be trained on; the longest matching part wins, and no match means none.
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

fn format_for_id<'a>(formats: &'a BTreeMap<String, Format>, id: &str) -> Option<&'a Format> {
    let id = id.to_lowercase();
    let matches = formats.values().flat_map(|format| format.names.iter().map(move |part| (part, format)));
    matches.filter(|(part, _)| id.contains(part.as_str())).max_by_key(|(part, _)| part.len()).map(|(_, format)| format)
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(Shape::ALL.iter().find(|(_, shape)| shape == self).map_or("", |(name, _)| name))
    }
}

#[cfg(test)]
mod tests;

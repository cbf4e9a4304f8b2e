//! One model: its protocol, address, limits and key, whether its address is on this machine, and whether code stays here.
//! It leaves what its tokens cost to `price` and how its prompts are written to `format`.

use crate::money::Money;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::format::Shape;
use super::price::Price;
use crate::task::Tier;

/// The wire protocol of a model; each has a file in `providers/src`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// OpenAI's `/completions` and `/chat/completions`, which most servers copy.
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
}

impl Protocol {
    /// Every protocol with its name in tables.
    pub const ALL: [(&'static str, Protocol); 6] = [
        ("openai", Protocol::Openai),
        ("anthropic", Protocol::Anthropic),
        ("gemini", Protocol::Gemini),
        ("ollama", Protocol::Ollama),
        ("llamacpp", Protocol::Llamacpp),
        ("tgi", Protocol::Tgi),
    ];

    /// The shapes of prompts it can carry.
    pub fn shapes(self) -> &'static [Shape] {
        match self {
            Protocol::Openai | Protocol::Ollama => &[Shape::Raw, Shape::Fields, Shape::Chat],
            Protocol::Anthropic | Protocol::Gemini => &[Shape::Chat],
            Protocol::Llamacpp => &[Shape::Raw, Shape::Fields],
            Protocol::Tgi => &[Shape::Raw],
        }
    }
}

/// The batch API of a model's provider; each has a file in `providers/src/batch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchProtocol {
    /// OpenAI's `/files` and `/batches`, which Groq copies.
    Openai,
    /// The same with Together's own way to upload a file.
    Together,
    /// Anthropic's `/messages/batches`.
    Anthropic,
    /// Google's `batchGenerateContent`.
    Gemini,
    /// Mistral's `/batch/jobs`.
    Mistral,
    /// OpenRouter's `/batches`.
    Openrouter,
}

impl BatchProtocol {
    /// Every batch API with its name in tables.
    pub const ALL: [(&'static str, BatchProtocol); 6] = [
        ("openai", BatchProtocol::Openai),
        ("together", BatchProtocol::Together),
        ("anthropic", BatchProtocol::Anthropic),
        ("gemini", BatchProtocol::Gemini),
        ("mistral", BatchProtocol::Mistral),
        ("openrouter", BatchProtocol::Openrouter),
    ];

    /// The wire protocol of the requests in a batch.
    pub fn carries(self) -> Protocol {
        match self {
            BatchProtocol::Anthropic => Protocol::Anthropic,
            BatchProtocol::Gemini => Protocol::Gemini,
            BatchProtocol::Openai | BatchProtocol::Together => Protocol::Openai,
            BatchProtocol::Mistral | BatchProtocol::Openrouter => Protocol::Openai,
        }
    }
}

/// Whether the provider bills an aborted stream in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbortBilled {
    /// The whole answer is billed.
    Yes,
    /// Only the tokens written so far are billed.
    No,
    /// Not documented. Counts as `Yes`, because doubtful costs are counted high.
    Unknown,
}

impl AbortBilled {
    /// Every value with its name in tables.
    pub const ALL: [(&'static str, AbortBilled); 3] =
        [("yes", AbortBilled::Yes), ("no", AbortBilled::No), ("unknown", AbortBilled::Unknown)];
}

/// One model that may be asked; a `[model.NAME]` row.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Its name in tables, routes and the ledger.
    pub name: String,
    /// The provider whose keys it inherits, if any.
    pub provider: Option<String>,
    /// Its wire protocol.
    pub protocol: Protocol,
    /// The address that the protocol's paths are appended to, without a slash at its end.
    pub base_url: String,
    /// The provider's name for it.
    pub id: String,
    /// The name of its format.
    pub format: String,
    /// Its price tier.
    pub tier: Tier,
    /// Size of its context in tokens, prompt and answer together.
    pub context: u32,
    /// What a token costs.
    pub price: Price,
    /// Shortest prompt in tokens that the provider caches, if known.
    pub cache_min: Option<u32>,
    /// Whether aborted streams are billed in full.
    pub abort_billed: AbortBilled,
    /// Most stop texts in a request.
    pub stop_limit: u8,
    /// Whether it returns token probabilities.
    pub logprobs: bool,
    /// Characters of code per token, until usage in its answers corrects it.
    pub chars_per_token: f32,
    /// Most tokens of excerpts of other files in a prompt.
    pub excerpts: u32,
    /// The field for a cache key: prompts with the same key and the same beginning reach the same cache.
    pub cache_key_field: Option<String>,
    /// Whether requests mark the end of the part to cache.
    pub cache_marks: bool,
    /// The field for the output ceiling, if not the protocol's.
    pub max_tokens_field: Option<String>,
    /// The path of requests below the address, if not the protocol's.
    pub path: Option<String>,
    /// The provider's batch API, if it has one that the model may use.
    pub batch: Option<BatchProtocol>,
    /// Whether the `cost` in its usage is what it charges, in USD.
    pub charges: bool,
    /// Whether its server passes prompts on to other machines.
    pub forwards: bool,
    /// The address of the Ollama that serves it, if one does: it says where the model runs.
    pub ollama: Option<String>,
    /// Extra headers of each request.
    pub headers: BTreeMap<String, String>,
    /// The header that holds the bare key, if not the protocol's.
    pub api_key_header: Option<String>,
    /// Extra fields, sent as they are; tables are merged with the protocol's.
    pub extra: toml::Table,
    /// Fields that are not sent.
    pub omit: Vec<String>,
    /// The day the provider shuts it down, `YYYY-MM-DD`, if known.
    pub shutdown: Option<String>,
    /// Environment variable that holds the key.
    pub api_key_env: Option<String>,
    /// Name of the key in the system's keychain.
    pub api_key_keychain: Option<String>,
    /// Command that prints the key.
    pub api_key_cmd: Option<String>,
    /// Whether the user's own configuration names it; only then may it be asked.
    pub enabled: bool,
}

impl Model {
    /// Whether no call of it costs money, as far as its row tells.
    pub fn is_free(&self) -> bool {
        self.price.is_free() && !self.charges
    }

    /// Whether it is the flex tier of a model: the same answers for half the price, which may take minutes.
    pub fn is_flex(&self) -> bool {
        self.extra.get("service_tier").and_then(toml::Value::as_str) == Some("flex")
    }

    /// The most that a call with so many tokens costs. A row without a price whose server charges costs an unknown amount, which counts as the
    /// least there is: more than nothing, so that caps and a ledger are needed.
    pub fn worst_cost(&self, input: u64, output: u64) -> Money {
        let worst = self.price.worst(input, output);
        if self.charges { worst.max(Money::LEAST) } else { worst }
    }

    /// Its address without user name and password, to be shown.
    pub fn address(&self) -> String {
        let Some((scheme, rest)) = self.base_url.split_once("://") else { return self.base_url.clone() };
        let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or_default();
        format!("{scheme}://{host}{path}")
    }

    /// Whether its address is on this machine: a loopback name or number. What answers there may still be a proxy; whether code stays is
    /// [`Model::code_stays_here`].
    pub fn address_is_here(&self) -> bool {
        is_loopback(&self.base_url)
    }

    /// Whether code that it is sent stays on this machine: its address is here, its row is `local` and free, and its server does not pass
    /// prompts on.
    pub fn code_stays_here(&self) -> bool {
        self.address_is_here() && self.tier == Tier::Local && self.is_free() && !self.forwards
    }
}

/// Whether an address is a loopback name or number without a user name in front of it. It is read as the HTTP client reads it.
pub fn is_loopback(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let is_plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
    is_plain
        && match url.host() {
            Some(Host::Ipv4(number)) => number.is_loopback(),
            Some(Host::Ipv6(number)) => number.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
}

/// Whether a provider's name for a model says that it runs at a company: Ollama's have the word `cloud`, as in `glm-4.6:cloud` or
/// `gpt-oss:120b-cloud`.
pub fn names_a_cloud(id: &str) -> bool {
    id.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word.eq_ignore_ascii_case("cloud"))
}

/// The scheme, host and port of an address; `localhost` is its number.
pub(super) fn origin(address: &str) -> Option<(String, String, u16)> {
    let url = Url::parse(address).ok()?;
    let host = url.host_str().map(|host| if host == "localhost" { "127.0.0.1" } else { host })?.to_owned();
    Some((url.scheme().to_owned(), host, url.port_or_known_default()?))
}

/// Whether every keychain and every command accepts a name: letters, digits and `- _ .`, 64 at most.
pub fn is_key_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !name.starts_with('-')
}

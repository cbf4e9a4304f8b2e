//! Rows of models and formats as written in a file, and merging one row into another.
//! It leaves reading them to `load` and checking them to `built`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The `[format.NAME]`, `[provider.NAME]` and `[model.NAME]` tables of a file, as written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Rows {
    /// Formats by name.
    pub format: BTreeMap<String, FormatRow>,
    /// Keys that the models of a provider share, by the provider's name.
    pub provider: BTreeMap<String, ModelRow>,
    /// Models by name.
    pub model: BTreeMap<String, ModelRow>,
}

/// Declares a row of optional keys with `over`, which fills missing keys from another row.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(default, deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* #[serde(skip_serializing_if = "Option::is_none")] pub $field: Option<$type>,)* }

        impl $name {
            /// This row, with missing keys from `under`.
            pub(super) fn over(self, under: $name) -> $name {
                $name { $($field: self.$field.or(under.$field),)* }
            }
        }
    };
}

row! {
    /// A `[format.NAME]` table; `tables/formats.toml` says what each key means.
    FormatRow {
        /// What it is for.
        about: String,
        /// Parts of the names of models that may take it.
        family: Vec<String>,
        /// Another format, which supplies missing keys.
        like: String,
        /// `raw`, `fields` or `chat`.
        shape: String,
        /// The prompt without excerpts.
        template: String,
        /// The prompt with excerpts.
        multi: String,
        /// One excerpt.
        excerpt: String,
        /// The system message of a chat.
        system: String,
        /// Sentinels of the model.
        markers: Vec<String>,
        /// Stop texts.
        stops: Vec<String>,
        /// Parts of the names of models trained on it.
        names: Vec<String>,
    }
}

row! {
    /// A `[model.NAME]` table; `tables/models.toml` says what each key means.
    ModelRow {
        /// The provider, which supplies missing keys.
        provider: String,
        /// A wire protocol.
        protocol: String,
        /// The address that paths are appended to.
        base_url: String,
        /// The provider's name for the model.
        model: String,
        /// A format's name.
        format: String,
        /// `local`, `cheap` or `premium`.
        tier: String,
        /// Size of the context in tokens.
        context: i64,
        /// What a token costs.
        price: PriceRow,
        /// Shortest prompt in tokens that is cached.
        cache_min: i64,
        /// `yes`, `no` or `unknown`.
        abort_billed: String,
        /// Most stop texts in a request.
        stop_limit: i64,
        /// Whether answers have token probabilities.
        logprobs: bool,
        /// Characters of code per token.
        chars_per_token: f64,
        /// Most tokens of excerpts of other files.
        excerpts: i64,
        /// The field for a cache key.
        cache_key_field: String,
        /// Whether requests mark the end of the part to cache.
        cache_marks: bool,
        /// The field for the output ceiling.
        max_tokens_field: String,
        /// The path of requests below the address.
        path: String,
        /// The provider's batch API, or `none`.
        batch: String,
        /// Whether the `cost` in its usage is what it charges.
        charges: bool,
        /// Whether its server passes prompts on to other machines.
        forwards: bool,
        /// Extra headers of each request.
        headers: BTreeMap<String, String>,
        /// The header that holds the key.
        api_key_header: String,
        /// Extra fields, sent as they are.
        #[cfg_attr(feature = "schema", schemars(with = "Option<std::collections::BTreeMap<String, serde_json::Value>>"))]
        extra: toml::Table,
        /// Fields that are not sent.
        omit: Vec<String>,
        /// The day the provider shuts it down.
        shutdown: String,
        /// Ports of this machine at which a provider's servers usually listen.
        ports: Vec<u16>,
        /// The path below the address that lists such a server's models.
        list: String,
        /// The path below its host that says which models are in memory.
        loaded: String,
        /// What such a server says in `owned_by` of models that it runs itself.
        owned_by: Vec<String>,
        /// Names of the provider in price lists.
        listed_as: Vec<String>,
        /// Environment variable that holds the key.
        api_key_env: String,
        /// Name of the key in the system's keychain.
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
        /// Input written to the provider's cache for its short lifetime; as `input` if left out.
        write: f64,
        /// The same for its longer lifetime.
        write_long: f64,
        /// Output.
        output: f64,
        /// The share of the price that a batch pays.
        batch: f64,
        /// The day the price was looked up.
        as_of: String,
        /// Hours with a lower price.
        off_peak: OffPeakRow,
    }
}

/// Hours with a lower price, such as `{ share = 0.5, weekdays = ["0-1"], weekend = ["0-24"] }`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OffPeakRow {
    /// The share of the price paid then.
    pub share: f64,
    /// Hours in UTC from Monday to Friday.
    #[serde(default)]
    pub weekdays: Vec<String>,
    /// Hours in UTC on Saturday and Sunday.
    #[serde(default)]
    pub weekend: Vec<String>,
}

impl ModelRow {
    /// This row, with missing keys from another; `price` and `extra` are merged key by key.
    pub(super) fn with(mut self, under: Option<&ModelRow>) -> ModelRow {
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

/// `under` with the keys of `over`; tables in both are merged alike.
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

//! Reads public price lists into facts: OpenRouter's models, LiteLLM's price file, and the models of a LiteLLM proxy. The content of a text
//! shows which of them it is. Prices are read from their decimal digits, so none is rounded.
//! It leaves fetching the text, and finding the price for each of our models, to the command.

use std::collections::BTreeMap;

use pennyworth_core::models::PriceRow;
use pennyworth_core::money::Money;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::settings::prices::Facts;

/// Our key and OpenRouter's field for each price.
const OPENROUTER: [(&str, &str); 4] =
    [("input", "prompt"), ("output", "completion"), ("cached", "input_cache_read"), ("write", "input_cache_write")];
/// Our key and LiteLLM's field for each price. The longer lifetime of a cache is an hour at one provider and twelve at another.
const LITELLM: [(&str, &str); 6] = [
    ("input", "input_cost_per_token"),
    ("output", "output_cost_per_token"),
    ("cached", "cache_read_input_token_cost"),
    ("write", "cache_creation_input_token_cost"),
    ("write_long", "cache_creation_input_token_cost_above_1hr"),
    ("write_long", "cache_creation_input_token_cost_above_12hr"),
];

/// Whose list it is. A service that resells others has prices of its own, which hold for no other service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// OpenRouter's list of models: its own prices.
    OpenRouter,
    /// LiteLLM's price file: the prices of many services.
    LiteLlm,
    /// The models of a LiteLLM proxy: the prices that the proxy uses.
    Proxy,
}

/// A list.
#[derive(Debug)]
pub(super) struct Source {
    /// Whose list it is.
    pub form: Form,
    offers: BTreeMap<String, Fields>,
}

/// The fields of a model in a list, as raw JSON.
type Fields = BTreeMap<String, Box<RawValue>>;

#[derive(Deserialize)]
struct Data {
    data: Vec<Entry>,
}

/// A model of OpenRouter or of a proxy.
#[derive(Deserialize)]
struct Entry {
    id: Option<String>,
    pricing: Option<Fields>,
    model_name: Option<String>,
    model_info: Option<Fields>,
}

impl Source {
    /// Reads a list in any of the three forms; an error says what was expected.
    pub(super) fn read(text: &[u8]) -> Result<Source, String> {
        if let Ok(Data { data }) = serde_json::from_slice(text) {
            let open = |entry: &Entry| Some((entry.id.clone()?, copy(entry.pricing.as_ref()?)));
            let proxy = |entry: &Entry| Some((entry.model_name.clone()?, copy(entry.model_info.as_ref()?)));
            let offers: BTreeMap<_, _> = data.iter().filter_map(open).collect();
            if !offers.is_empty() {
                return Ok(Source { form: Form::OpenRouter, offers });
            }
            // Several deployments may share a name. It is unknown which of them answers, so the dearest counts.
            let mut offers = BTreeMap::new();
            for (name, fields) in data.iter().filter_map(proxy) {
                let is_dearer = |old: &Fields| worth(&fields) > worth(old);
                if offers.get(&name).is_none_or(is_dearer) {
                    offers.insert(name, fields);
                }
            }
            if !offers.is_empty() {
                return Ok(Source { form: Form::Proxy, offers });
            }
        }
        let all: BTreeMap<String, Box<RawValue>> =
            serde_json::from_slice(text).map_err(|error| format!("is no JSON object: {error}"))?;
        let offers: BTreeMap<String, Fields> = all
            .into_iter()
            .filter_map(|(name, value)| Some((name, serde_json::from_str::<Fields>(value.get()).ok()?)))
            .filter(|(_, fields)| {
                fields.contains_key("litellm_provider") || fields.contains_key("input_cost_per_token")
            })
            .collect();
        match offers.is_empty() {
            true => Err("is no list of prices: neither OpenRouter's `/models`, nor LiteLLM's price file, nor a LiteLLM proxy's `/model/info`".into()),
            false => Ok(Source { form: Form::LiteLlm, offers }),
        }
    }

    /// The only provider of ours whose prices it has; `None` if it has those of many.
    pub(super) fn only(&self) -> Option<&'static str> {
        match self.form {
            Form::OpenRouter => Some("openrouter"),
            Form::Proxy => Some("litellm"),
            Form::LiteLlm => None,
        }
    }

    /// The facts of a model under the first of these names that the list has, for a service tier. `None` if it has no price of the model; an
    /// error says why the facts cannot be used.
    pub(super) fn facts(&self, names: &[String], tier: Option<&str>) -> Option<Result<Facts, String>> {
        let fields = names.iter().find_map(|name| self.offers.get(name))?;
        let known: &[(&str, &str)] = if self.form == Form::OpenRouter { &OPENROUTER } else { &LITELLM };
        facts(fields, known, &tier.map(|tier| format!("_{tier}")).unwrap_or_default()).transpose()
    }
}

/// The facts in some fields; `None` without prices of input and output.
fn facts(fields: &Fields, known: &[(&str, &str)], tier: &str) -> Result<Option<Facts>, String> {
    let price = |field: &str| price(fields, &format!("{field}{tier}"));
    let mut row = PriceRow::default();
    for (key, field) in known {
        let place = match *key {
            "input" => &mut row.input,
            "output" => &mut row.output,
            "cached" => &mut row.cached,
            "write" => &mut row.write,
            _ => &mut row.write_long,
        };
        *place = price(field)?.map(per_million).or(*place);
    }
    if row.input.is_none() || row.output.is_none() {
        return Ok(None);
    }
    row.batch = if tier.is_empty() { batch(fields)? } else { None };
    let shutdown = read::<String>(fields, "deprecation_date").filter(|day| day.starts_with("20"));
    Ok(Some(Facts { shutdown, cache_min: read(fields, "prompt_cache_min_tokens"), price: Some(row) }))
}

/// One price in USD per token, written as a string or a number.
fn price(fields: &Fields, field: &str) -> Result<Option<Money>, String> {
    let Some(text) = fields.get(field).map(|raw| raw.get().trim_matches('"')).filter(|text| *text != "null") else {
        return Ok(None);
    };
    match Money::from_decimal(text) {
        Some(money) if money >= Money::ZERO => Ok(Some(money)),
        Some(_) if text.parse() == Ok(-1.0) => Err(format!("its `{field}` varies")),
        _ => {
            let shown: String = text.chars().take(40).collect();
            Err(format!("its `{field}` is `{}`, which is no price", shown.escape_debug()))
        }
    }
}

/// The share of the price that a batch pays, if it is the same for input and output.
fn batch(fields: &Fields) -> Result<Option<f64>, String> {
    let share = |whole: &str| -> Result<Option<f64>, String> {
        let (part, whole) = (price(fields, &format!("{whole}_batches"))?, price(fields, whole)?);
        let share =
            part.zip(whole).filter(|(_, whole)| *whole > Money::ZERO).map(|(part, whole)| part.usd() / whole.usd());
        Ok(share.map(|share| (share * 1000.0).round() / 1000.0))
    };
    let (input, output) = (share("input_cost_per_token")?, share("output_cost_per_token")?);
    Ok(input.filter(|share| Some(*share) == output && *share <= 1.0))
}

fn per_million(price: Money) -> f64 {
    // Both numbers are integers below 2⁵³ for any real price, so every printed digit is exact.
    price.pico() as f64 / 1e6
}

fn worth(fields: &Fields) -> Option<Money> {
    price(fields, "output_cost_per_token").ok().flatten()
}

fn read<'a, T: Deserialize<'a>>(fields: &'a Fields, field: &str) -> Option<T> {
    serde_json::from_str(fields.get(field)?.get()).ok()
}

fn copy(fields: &Fields) -> Fields {
    fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
}

//! Reading rows of models and formats, laying a user's rows over the shipped ones, and saying precisely what is wrong with a row.
//! It leaves finding and opening files to the caller; a bad row is left out and the good ones stay.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AbortBilled, Format, Model, Models, OffPeak, Price, Protocol, Shape, Template, format_for_id};
use crate::money::Money;
use crate::task::Tier;

/// The holes of a prompt's template.
const HOLES: [&str; 6] = ["prefix", "suffix", "path", "language", "excerpts", "want"];
/// The holes of an excerpt's template.
const EXCERPT_HOLES: [&str; 2] = ["path", "text"];
/// The tiers a model can be in: the embedded model has no row.
const TIERS: [(&str, Tier); 3] = [("local", Tier::Local), ("cheap", Tier::Cheap), ("premium", Tier::Premium)];
/// Dearest price accepted, USD per million tokens; more is taken for a mistake of units.
const DEAREST: f64 = 10_000.0;

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
        /// `yes`, `no` or `unknown`.
        abort_billed: String,
        /// Stop texts a request may carry.
        stop_limit: i64,
        /// Whether tokens come with their probability.
        logprobs: bool,
        /// Characters of code per token.
        chars_per_token: f64,
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
        /// Environment variable that holds the key.
        api_key_env: String,
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
        /// Input written to the provider's cache; as `input` if left out.
        write: f64,
        /// Output.
        output: f64,
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
type Fault = (&'static str, String);

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
    /// This row, with the keys of another where it has none of its own; of a price, each key for itself.
    fn with(mut self, under: Option<&ModelRow>) -> ModelRow {
        let Some(under) = under.cloned() else { return self };
        self.price = match (self.price, under.price.clone()) {
            (Some(price), Some(old)) => Some(price.over(old)),
            (price, _) => price,
        };
        self.over(under)
    }
}

fn format(name: &str, row: &FormatRow) -> Result<Format, Fault> {
    let shape = one_of("shape", row.shape.as_deref(), &Shape::ALL)?;
    let template =
        |key, text: &str, holes: &[&'static str]| Template::parse(text, holes).map_err(|message| (key, message));
    let prompt = |key, text: &str| {
        let parsed = template(key, text, &HOLES)?;
        let suffixes = usize::from(shape != Shape::Fields);
        if parsed.count("prefix") != 1 || parsed.count("suffix") != suffixes {
            let wanted =
                if suffixes == 1 { "{prefix} and {suffix} once each" } else { "{prefix} once and no {suffix}" };
            return Err((key, format!("leaves the model no hole to fill; a `{shape}` template has {wanted}")));
        }
        Ok(parsed)
    };
    let main = prompt("template", required("template", row.template.as_deref())?)?;
    let multi = row.multi.as_deref().map(|text| prompt("multi", text)).transpose()?;
    let excerpt = row.excerpt.as_deref().map(|text| template("excerpt", text, &EXCERPT_HOLES)).transpose()?;
    let takes_excerpts = main.count("excerpts") + multi.as_ref().map_or(0, |multi| multi.count("excerpts")) > 0;
    if takes_excerpts && excerpt.as_ref().is_none_or(|excerpt| excerpt.count("text") != 1) {
        return Err((
            "excerpt",
            "must say how an excerpt is written, with {text} once, because a template has {excerpts}".into(),
        ));
    }
    let markers = row.markers.clone().unwrap_or_default();
    let stops = row.stops.clone().unwrap_or_default();
    if markers.iter().any(String::is_empty) {
        return Err(("markers", "has an empty text".into()));
    }
    if stops.iter().any(String::is_empty) {
        return Err(("stops", "has an empty text".into()));
    }
    if shape == Shape::Raw {
        if stops.is_empty() {
            return Err(("stops", "is empty; a `raw` format needs at least one text that ends an answer".into()));
        }
        if let Some(stray) = unmarked(&main, &markers) {
            return Err((
                "markers",
                format!("does not cover `{stray}` of the template; code with that text would forge a prompt"),
            ));
        }
    }
    if shape == Shape::Chat && row.system.as_deref().unwrap_or("").trim().is_empty() {
        return Err(("system", "is missing; a `chat` format must say what is wanted".into()));
    }
    Ok(Format {
        name: name.to_owned(),
        shape,
        template: main,
        multi,
        excerpt,
        system: row.system.clone().unwrap_or_default(),
        markers,
        stops,
        names: row.names.iter().flatten().map(|name| name.to_lowercase()).collect(),
    })
}

/// A word of the template's literal text that no marker covers.
fn unmarked(template: &Template, markers: &[String]) -> Option<String> {
    template.literals().find_map(|literal| {
        let mut left = literal.to_owned();
        for marker in markers {
            left = left.replace(marker.as_str(), " ");
        }
        left.split_whitespace().next().map(str::to_owned)
    })
}

fn model(name: &str, row: &ModelRow, formats: &BTreeMap<String, Format>) -> Result<Model, Fault> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@".contains(c)) {
        return Err(("", "the name of a model is made of letters, digits and - _ . : / @".into()));
    }
    let protocol = one_of("protocol", row.protocol.as_deref(), &Protocol::ALL)?;
    let base_url = required("base_url", row.base_url.as_deref())?.trim_end_matches('/');
    if protocol != Protocol::Replay && !(base_url.starts_with("http://") || base_url.starts_with("https://")) {
        return Err(("base_url", format!("is `{base_url}`; it begins with http:// or https://")));
    }
    let id = required("model", row.model.as_deref())?;
    let tier = one_of("tier", row.tier.as_deref(), &TIERS)?;
    let price = price(row.price.as_ref(), tier)?;
    let found = Model {
        name: name.to_owned(),
        provider: row.provider.clone(),
        protocol,
        base_url: base_url.to_owned(),
        id: id.to_owned(),
        format: format_name(row, id, protocol, formats)?,
        tier,
        context: within("context", row.context.unwrap_or(8192), 256, 100_000_000)?,
        price,
        abort_billed: match row.abort_billed.as_deref() {
            None => AbortBilled::Unknown,
            given => one_of("abort_billed", given, &AbortBilled::ALL)?,
        },
        stop_limit: within("stop_limit", row.stop_limit.unwrap_or(4), 0, 255)?,
        logprobs: row.logprobs.unwrap_or(false),
        chars_per_token: chars_per_token(row.chars_per_token.unwrap_or(4.39))?,
        max_tokens_field: row.max_tokens_field.clone(),
        path: row.path.clone().map(path).transpose()?,
        charges: row.charges.unwrap_or(false),
        headers: headers(row.headers.clone().unwrap_or_default())?,
        api_key_header: row.api_key_header.clone().map(header).transpose()?,
        extra: row.extra.clone().unwrap_or_default(),
        omit: row.omit.clone().unwrap_or_default(),
        shutdown: row.shutdown.clone().map(|day| self::day("shutdown", day)).transpose()?,
        api_key_env: row.api_key_env.clone(),
        api_key_cmd: row.api_key_cmd.clone(),
        enabled: true,
    };
    if tier == Tier::Local && !found.is_on_this_machine() {
        let message = format!(
            "is `local`, but {base_url} is not this machine; local: localhost, 127.0.0.1, [::1]; else: cheap, premium"
        );
        return Err(("tier", message));
    }
    if !found.price.is_free() && base_url.starts_with("http://") && !found.is_on_this_machine() {
        return Err(("base_url", format!("is `{base_url}`; a paid model elsewhere is spoken to over https://")));
    }
    Ok(found)
}

/// The format a row names, or the one its model is known to be trained on, if the protocol can carry it.
fn format_name(
    row: &ModelRow,
    id: &str,
    protocol: Protocol,
    formats: &BTreeMap<String, Format>,
) -> Result<String, Fault> {
    let carried = |format: &&Format| protocol.shapes().contains(&format.shape);
    let known = || formats.values().filter(carried).map(|format| format.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = match row.format.as_deref() {
        Some(name) => {
            formats.get(name).ok_or_else(|| ("format", format!("is `{name}`; known formats: {}", known())))?
        }
        None => format_for_id(formats, id)
            .ok_or_else(|| ("format", format!("is missing and no row knows `{id}`; known formats: {}", known())))?,
    };
    if !carried(&found) {
        let Format { name, shape, .. } = found;
        return Err((
            "format",
            format!("is `{name}`, a `{shape}` format, which this protocol does not carry; it carries: {}", known()),
        ));
    }
    Ok(found.name.clone())
}

fn price(row: Option<&PriceRow>, tier: Tier) -> Result<Price, Fault> {
    let Some(row) = row else {
        return match tier {
            Tier::Local => Ok(Price {
                input: Money::ZERO,
                cached: Money::ZERO,
                write: Money::ZERO,
                output: Money::ZERO,
                as_of: String::new(),
                off_peak: None,
            }),
            _ => {
                Err(("price", "is missing; a model that is not `local` needs { input, cached, output, as_of }".into()))
            }
        };
    };
    let money = |key, usd: Option<f64>| match usd {
        Some(usd) if (0.0..=DEAREST).contains(&usd) => Ok(Money::per_token(usd)),
        Some(usd) => Err((key, format!("is {usd}; allowed: 0 to {DEAREST} USD per million tokens"))),
        None => Err((key, "is missing; in USD per million tokens".into())),
    };
    let input = money("price.input", row.input)?;
    Ok(Price {
        input,
        cached: money("price.cached", row.cached.or(row.input))?,
        write: money("price.write", row.write.or(row.input))?,
        output: money("price.output", row.output)?,
        as_of: day("price.as_of", required("price.as_of", row.as_of.as_deref())?.to_owned())?,
        off_peak: row.off_peak.as_ref().map(off_peak).transpose()?,
    })
}

fn off_peak(row: &OffPeakRow) -> Result<OffPeak, Fault> {
    if !(0.0..=1.0).contains(&row.share) {
        return Err(("price.off_peak", format!("has a share of {}; allowed: 0 to 1", row.share)));
    }
    let hours = |given: &Vec<String>| given.iter().map(|hours| span(hours)).collect::<Result<_, _>>();
    Ok(OffPeak { share: row.share, weekdays: hours(&row.weekdays)?, weekend: hours(&row.weekend)? })
}

/// Hours written `4-6`: from the first on, up to the second.
fn span(text: &str) -> Result<(u8, u8), Fault> {
    let parts = text.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    parts
        .filter(|(from, to)| from < to && *to <= 24)
        .ok_or_else(|| ("price.off_peak", format!("has `{text}`; hours are written 4-6, from 0 to 24")))
}

/// A day, in the one form that sorts.
fn day(key: &'static str, given: String) -> Result<String, Fault> {
    let is_digit = |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    match given.len() == 10 && given.bytes().enumerate().all(is_digit) {
        true => Ok(given),
        false => Err((key, format!("is `{given}`; a day is written YYYY-MM-DD"))),
    }
}

fn path(given: String) -> Result<String, Fault> {
    match given.starts_with('/') && !given.contains([' ', '\n']) {
        true => Ok(given),
        false => Err(("path", format!("is `{given}`; it begins with / and has no blanks"))),
    }
}

fn headers(given: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Fault> {
    for (name, value) in &given {
        header(name.clone()).map_err(|(_, message)| ("headers", message))?;
        if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(("headers", format!("has `{name}` with a value that is no printable ASCII")));
        }
    }
    Ok(given)
}

fn header(name: String) -> Result<String, Fault> {
    match !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        true => Ok(name),
        false => Err(("api_key_header", format!("is `{name}`; a header's name has letters, digits and -"))),
    }
}

fn chars_per_token(given: f64) -> Result<f32, Fault> {
    match (1.0..=20.0).contains(&given) {
        true => Ok(given as f32),
        false => Err(("chars_per_token", format!("is {given}; allowed: 1 to 20"))),
    }
}

fn required<'a>(key: &'static str, value: Option<&'a str>) -> Result<&'a str, Fault> {
    value.filter(|value| !value.trim().is_empty()).ok_or_else(|| (key, "is missing".into()))
}

fn one_of<T: Copy>(key: &'static str, value: Option<&str>, allowed: &[(&str, T)]) -> Result<T, Fault> {
    let names = || allowed.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let Some(value) = value else { return Err((key, format!("is missing; allowed: {}", names()))) };
    let found = allowed.iter().find(|(name, _)| *name == value);
    found.map(|(_, found)| *found).ok_or_else(|| (key, format!("is `{value}`; allowed: {}", names())))
}

fn within<T: TryFrom<i64>>(key: &'static str, value: i64, least: i64, most: i64) -> Result<T, Fault> {
    let fault = || (key, format!("is {value}; allowed: {least} to {most}"));
    if !(least..=most).contains(&value) {
        return Err(fault());
    }
    T::try_from(value).map_err(|_| fault())
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

//! Builds models and formats from their rows, or says which key is wrong and what is allowed. It leaves the line of a row to `load`.

use std::collections::BTreeMap;

use super::format::{Format, Shape, format_for_id, format_of_family};
use super::model::{AbortBilled, BatchProtocol, Model, Protocol, is_key_name, names_a_cloud};
use super::price::{OffPeak, Price};
use super::rows::{FormatRow, ModelRow, OffPeakRow, PriceRow};
use super::template::Template;
use crate::money::Money;
use crate::task::Tier;

/// The key within a row and what is wrong with it.
pub(super) type Fault = (&'static str, String);

/// The holes of a prompt's template.
const HOLES: [&str; 6] = ["prefix", "suffix", "path", "language", "excerpts", "want"];
/// The holes of an excerpt's template.
const EXCERPT_HOLES: [&str; 2] = ["path", "text"];
/// The tiers of models in tables; the embedded model has no row.
const TIERS: [(&str, Tier); 3] = [("local", Tier::Local), ("cheap", Tier::Cheap), ("premium", Tier::Premium)];
/// Highest price accepted, in USD per million tokens; a higher one is taken for a mistake of units.
const DEAREST: f64 = 10_000.0;
/// Similarity from which a known name is proposed for a misspelt one.
const ALIKE: f64 = 0.6;

/// The format of a row, or the key that is wrong.
pub(super) fn format(name: &str, row: &FormatRow) -> Result<Format, Fault> {
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
        return Err(("excerpt", "must have {text} exactly once, because a template has {excerpts}".into()));
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
                format!("lacks `{stray}`, which the template has; code with that text could forge a prompt"),
            ));
        }
    }
    if shape == Shape::Chat && row.system.as_deref().unwrap_or("").trim().is_empty() {
        return Err(("system", "is missing; a `chat` format needs a system message".into()));
    }
    Ok(Format {
        name: name.to_owned(),
        about: row.about.clone().unwrap_or_default(),
        family: row.family.iter().flatten().map(|part| part.to_lowercase()).collect(),
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

/// Most characters of a model's name, and of its provider's name for it.
pub const MAX_NAME: usize = 200;

/// The model of a complete row, or the key that is wrong.
pub(super) fn model(name: &str, row: &ModelRow, formats: &BTreeMap<String, Format>) -> Result<Model, Fault> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:/@".contains(c)) {
        return Err(("", "the name of a model is made of letters, digits and - _ . : / @".into()));
    }
    // Names stand in status bars, tables and messages.
    if name.len() > MAX_NAME {
        return Err((
            "",
            format!("the name of a model has at most {MAX_NAME} characters; this one has {}", name.len()),
        ));
    }
    let protocol = one_of("protocol", row.protocol.as_deref(), &Protocol::ALL)?;
    let base_url = required("base_url", row.base_url.as_deref())?.trim_end_matches('/');
    if !["http://", "https://"].iter().any(|scheme| base_url.starts_with(scheme)) {
        return Err(("base_url", format!("is `{base_url}`; it must begin with http:// or https://")));
    }
    let id = required("model", row.model.as_deref())?;
    if id.chars().count() > MAX_NAME {
        return Err(("model", format!("has {} characters; allowed: at most {MAX_NAME}", id.chars().count())));
    }
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
        cache_min: row.cache_min.map(|tokens| within("cache_min", tokens, 1, 100_000_000)).transpose()?,
        abort_billed: match row.abort_billed.as_deref() {
            None => AbortBilled::Unknown,
            given => one_of("abort_billed", given, &AbortBilled::ALL)?,
        },
        stop_limit: within("stop_limit", row.stop_limit.unwrap_or(4), 0, 255)?,
        logprobs: row.logprobs.unwrap_or(false),
        chars_per_token: chars_per_token(row.chars_per_token.unwrap_or(4.39))?,
        excerpts: within("excerpts", row.excerpts.unwrap_or(0), 0, 100_000)?,
        cache_key_field: row.cache_key_field.clone(),
        cache_marks: row.cache_marks.unwrap_or(false),
        max_tokens_field: row.max_tokens_field.clone(),
        path: row.path.clone().map(path).transpose()?,
        batch: batch(row.batch.as_deref(), protocol)?,
        charges: row.charges.unwrap_or(false),
        forwards: row.forwards.unwrap_or_else(|| names_a_cloud(id)),
        ollama: None,
        headers: headers(row.headers.clone().unwrap_or_default())?,
        api_key_header: row.api_key_header.clone().map(header).transpose()?,
        extra: row.extra.clone().unwrap_or_default(),
        omit: row.omit.clone().unwrap_or_default(),
        shutdown: row.shutdown.clone().map(|day| self::day("shutdown", day)).transpose()?,
        // An empty name takes the provider's away.
        api_key_env: row.api_key_env.clone().filter(|name| !name.is_empty()),
        api_key_keychain: row.api_key_keychain.clone().map(key_name).transpose()?,
        api_key_cmd: row.api_key_cmd.clone(),
        enabled: true,
    };
    if tier == Tier::Local {
        is_local(&found).map_err(|message| ("tier", message))?;
    }
    if !found.is_free() && base_url.starts_with("http://") && !found.address_is_here() {
        return Err(("base_url", format!("is `{}`; a paid model on another machine needs https://", found.address())));
    }
    Ok(found)
}

/// Says why a row cannot be `local`.
fn is_local(model: &Model) -> Result<(), String> {
    let (address, id) = (model.address(), &model.id);
    if !model.address_is_here() {
        return Err(format!(
            "is `local`, but {address} is not this machine; local: localhost, 127.0.0.1, [::1]; else: cheap, premium"
        ));
    }
    if !model.forwards {
        return Ok(());
    }
    Err(match names_a_cloud(id) {
        true => format!("is `local`, but `{id}` runs at another company; allowed: cheap, premium, with a price"),
        false => format!(
            "is `local`, but a proxy at {address} passes code on; allowed: cheap, premium, with a price; or `forwards = false` if all behind it runs here"
        ),
    })
}

fn key_name(name: String) -> Result<String, Fault> {
    match is_key_name(&name) {
        true => Ok(name),
        false => Err(("api_key_keychain", format!("is `{name}`; a name is made of letters, digits and - _ ."))),
    }
}

/// The format that a row names or its model is known to be trained on, if the protocol can carry it.
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
            let near = formats.values().filter(carried).map(|format| format.name.as_str());
            let hint = match nearest(name, near) {
                Some(near) => format!("did you mean `{near}`? Known"),
                None => "known".to_owned(),
            };
            formats.get(name).ok_or_else(|| ("format", format!("is `{name}`; {hint} formats: {}", known())))?
        }
        None => format_for_id(formats, id).ok_or_else(|| ("format", no_format(id, formats, carried)))?,
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

/// The known name that a misspelt one is most like, if it is like any.
fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let rated = known.map(|known| (strsim::normalized_damerau_levenshtein(known, given), known));
    let alike = rated.filter(|(alike, _)| *alike >= ALIKE);
    alike.max_by(|one, other| one.0.total_cmp(&other.0)).map(|(_, known)| known)
}

/// What to write for a model whose format nobody knows: what its family usually takes, and what each format is for.
fn no_format(id: &str, formats: &BTreeMap<String, Format>, is_carried: impl Fn(&&Format) -> bool) -> String {
    let likely = format_of_family(formats, id).filter(&is_carried);
    let likely = likely.map_or_else(String::new, |format| {
        format!("; models with such a name usually take `format = \"{}\"`", format.name)
    });
    let each = |format: &Format| match format.about.is_empty() {
        true => format.name.clone(),
        false => format!("`{}` for {}", format.name, format.about),
    };
    let all = formats.values().filter(is_carried).map(each).collect::<Vec<_>>().join(", ");
    format!("is missing, and no format is known for `{id}`{likely}. The formats are: {all}")
}

fn price(row: Option<&PriceRow>, tier: Tier) -> Result<Price, Fault> {
    let Some(row) = row else {
        return match tier {
            Tier::Local => Ok(Price {
                input: Money::ZERO,
                cached: Money::ZERO,
                write: Money::ZERO,
                write_long: None,
                output: Money::ZERO,
                batch: None,
                as_of: String::new(),
                off_peak: None,
            }),
            _ => {
                Err(("price", "is missing; a model that is not `local` needs { input, cached, output, as_of }; `pennyworth models refresh` may know it".into()))
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
        write_long: row.write_long.map(|usd| money("price.write_long", Some(usd))).transpose()?,
        output: money("price.output", row.output)?,
        batch: row.batch.map(|given| share("price.batch", given)).transpose()?,
        as_of: day("price.as_of", required("price.as_of", row.as_of.as_deref())?.to_owned())?,
        off_peak: row.off_peak.as_ref().map(off_peak).transpose()?,
    })
}

fn off_peak(row: &OffPeakRow) -> Result<OffPeak, Fault> {
    let hours = |given: &Vec<String>| given.iter().map(|hours| span(hours)).collect::<Result<_, _>>();
    Ok(OffPeak {
        share: share("price.off_peak.share", row.share)?,
        weekdays: hours(&row.weekdays)?,
        weekend: hours(&row.weekend)?,
    })
}

fn share(key: &'static str, given: f64) -> Result<f64, Fault> {
    match (0.0..=1.0).contains(&given) {
        true => Ok(given),
        false => Err((key, format!("is {given}; allowed: 0 to 1"))),
    }
}

/// Hours written `4-6`; the second is exclusive.
fn span(text: &str) -> Result<(u8, u8), Fault> {
    let parts = text.split_once('-').and_then(|(from, to)| Some((from.parse().ok()?, to.parse().ok()?)));
    parts
        .filter(|(from, to)| from < to && *to <= 24)
        .ok_or_else(|| ("price.off_peak", format!("has `{text}`; hours are written 4-6, from 0 to 24")))
}

/// A day, in the form that sorts.
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
        false => Err(("path", format!("is `{given}`; it must begin with / and have no blanks"))),
    }
}

fn headers(given: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, Fault> {
    for (name, value) in &given {
        header(name.clone()).map_err(|(_, message)| ("headers", message))?;
        if !value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(("headers", format!("has `{name}` with a value that is not printable ASCII")));
        }
    }
    Ok(given)
}

/// The batch API of a row; `none` takes the provider's away.
fn batch(given: Option<&str>, protocol: Protocol) -> Result<Option<BatchProtocol>, Fault> {
    let named = BatchProtocol::ALL.map(|(name, batch)| (name, Some(batch)));
    let allowed: Vec<_> = named.into_iter().chain([("none", None)]).collect();
    let found = match given {
        None => None,
        given => one_of("batch", given, &allowed)?,
    };
    let Some(needed) = found.map(BatchProtocol::carries).filter(|needed| *needed != protocol) else {
        return Ok(found);
    };
    let name = Protocol::ALL.into_iter().find(|(_, known)| *known == needed).map_or("", |(name, _)| name);
    Err(("batch", format!("is `{}`, whose requests are of the protocol `{name}`", given.unwrap_or_default())))
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

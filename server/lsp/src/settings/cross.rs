//! What keys must be to each other and to the rest of the program: models that can be built, pins and languages that exist, globs that
//! parse; and which models an editor may name. It leaves single values to `schema`.

use pennyworth_core::models::{Model, ModelRow, Models, Rows};
use serde_json::Value;

use super::check::Joined;
use super::{ANY, Layer, Settings, Severity, ignored, schema};

/// Keys that decide where anything is sent, and what only the user's own file may do with them.
const OWN: [(&str, &str); 2] =
    [("provider", "describe a provider"), ("telemetry", "say where figures about calls are sent")];

/// Lays an editor's layer over what is there, less the models it may not name: its settings may come from the workspace, and a
/// workspace sends no code anywhere, names no keys and runs no commands.
pub(super) fn editor<'a>(joined: &mut Joined<'a>, layer: &'a Layer) {
    // With the prices in force: a row that lacks one is no model without them.
    let base = Models::builtin().with_facts("", joined.prices.rows()).0;
    let before = rows(joined);
    let own = OWN.map(|(key, _)| joined.values.get(key).cloned());
    joined.lay(layer);
    for ((key, what), own) in OWN.into_iter().zip(own) {
        if !layer.values.contains_key(key) {
            continue;
        }
        joined.say(Severity::Error, key, format!("is left out: only your own config.toml may {what}"));
        match own {
            Some(own) => joined.values.insert(key.into(), own),
            None => joined.values.remove(key),
        };
    }
    let after = rows(joined);
    let named = layer.values.get("model").and_then(Value::as_object).into_iter().flatten();
    for (name, _) in named {
        let (old, new) = (model(&base, &before, name), model(&base, &after, name));
        let Some(message) = new.and_then(|new| refusal(old.as_ref(), &new)) else { continue };
        joined.say(Severity::Error, &format!("model.{name}"), message.into());
        let Some(models) = joined.values.get_mut("model").and_then(Value::as_object_mut) else { continue };
        match before.model.get(name).and_then(|row| serde_json::to_value(row).ok()) {
            Some(row) => models.insert(name.clone(), row),
            None => models.remove(name),
        };
    }
}

fn rows(joined: &Joined<'_>) -> Rows {
    let table = |name: &str| joined.values.get(name).cloned().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    Rows {
        format: serde_json::from_value(table("format")).unwrap_or_default(),
        provider: serde_json::from_value(table("provider")).unwrap_or_default(),
        model: serde_json::from_value(table("model")).unwrap_or_default(),
    }
}

fn model(base: &Models, rows: &Rows, name: &str) -> Option<Model> {
    let row = rows.model.get(name)?.clone();
    let rows = Rows { model: [(name.to_owned(), row)].into(), ..rows.clone() };
    base.with_rows("", rows).0.get(name).filter(|model| model.enabled).cloned()
}

fn refusal(old: Option<&Model>, new: &Model) -> Option<&'static str> {
    if new.api_key_cmd.is_some() && old.map(|old| &old.api_key_cmd) != Some(&new.api_key_cmd) {
        return Some(
            "is left out: only your own config.toml may name a command, because an editor's settings may come from the workspace",
        );
    }
    // Where prompts go, with which key, what else is asked of whoever gets them, and what they hold.
    let place = |model: &Model| {
        let Model { protocol, base_url, path, headers, api_key_env, api_key_keychain, api_key_header, .. } =
            model.clone();
        let Model { extra, omit, excerpts, .. } = model.clone();
        (protocol, base_url, path, headers, api_key_env, api_key_keychain, api_key_header, extra, omit, excerpts)
    };
    (old.map(place) != Some(place(new)) && !new.is_on_this_machine()).then_some(
        "is left out: only your own config.toml may name a model elsewhere, because an editor's settings may come from the workspace",
    )
}

/// Looks at joined settings as a whole; what does not hold is taken out or, where it does no harm, only said.
pub(super) fn check(settings: &mut Settings, joined: &mut Joined<'_>) {
    let (models, problems) = settings.base().with_rows("", settings.rows());
    let shipped = || models.all().filter(|model| !model.enabled).map(|model| model.name.as_str());
    for problem in problems {
        let empty = settings
            .model
            .iter()
            .find(|(name, row)| **row == ModelRow::default() && problem.key == format!("model.{name}.protocol"));
        match empty {
            // Somebody who writes an empty table means a shipped row.
            Some((name, _)) => {
                let message = schema::unknown(name, shipped(), str::to_owned)
                    .replace("unknown key", "is empty, and no shipped model");
                joined.say(Severity::Error, &format!("model.{name}"), message);
            }
            None => joined.say(Severity::Error, &problem.key, problem.message),
        }
    }
    pins(settings, &models, joined);
    languages(settings, joined);
    globs("ignore", &mut settings.ignore, joined);
    globs("secrets", &mut settings.secrets, joined);
    if settings.cap_usd_per_day > settings.cap_usd_per_month {
        let message =
            format!("is more than cap_usd_per_month, so that the month's {} ends it first", settings.cap_usd_per_month);
        joined.say(Severity::Warning, "cap_usd_per_day", message);
    }
    let documents = &mut settings.documents;
    if documents.max_complete_bytes > documents.max_bytes {
        let message = format!("is more than documents.max_bytes; {} holds", documents.max_bytes);
        documents.max_complete_bytes = documents.max_bytes;
        joined.say(Severity::Warning, "documents.max_complete_bytes", message);
    }
}

/// A pin that names no model would silence its task, so it is taken out.
fn pins(settings: &mut Settings, models: &Models, joined: &mut Joined<'_>) {
    let pins = settings.tasks.iter_mut().map(|(task, row)| (format!("tasks.{task}.pin"), &mut row.pin));
    let all = pins.chain(std::iter::once(("pin".to_owned(), &mut settings.pin)));
    for (key, pin) in all {
        *pin = pin.take().filter(|name| !name.is_empty());
        let Some(name) = pin.as_deref() else { continue };
        let message = match models.get(name) {
            Some(model) if model.enabled => continue,
            Some(_) => format!("is `{name}`, which is not switched on; add a line `[model.{name}]`"),
            None => {
                let enabled: Vec<_> = models.enabled().map(|model| model.name.as_str()).collect();
                let near = schema::nearest(name, models.all().map(|model| model.name.as_str()));
                match (near, enabled.is_empty()) {
                    (Some(near), _) => format!("is `{name}`, which no table describes; did you mean `{near}`?"),
                    (None, false) => {
                        format!("is `{name}`, which no table describes; switched on: {}", enabled.join(", "))
                    }
                    (None, true) => format!("is `{name}`, which no table describes; add `[model.{name}]`"),
                }
            }
        };
        *pin = None;
        joined.say(Severity::Error, &key, message);
    }
}

/// A language nobody knows does no harm, but is surely misspelt.
fn languages(settings: &Settings, joined: &mut Joined<'_>) {
    let known = || pennyworth_grammars::all().iter().map(|language| language.facts().name.as_str());
    for name in settings.languages.keys().filter(|name| *name != ANY && !known().any(|known| known == *name)) {
        let message = schema::unknown(name, known(), str::to_owned).replace("unknown key", "unknown language");
        joined.say(Severity::Warning, &format!("languages.{name}"), message);
    }
}

fn globs(key: &str, globs: &mut Vec<String>, joined: &mut Joined<'_>) {
    globs.retain(|glob| match ignored::glob_fault(glob) {
        None => true,
        Some(fault) => {
            joined.say(Severity::Error, key, format!("has `{glob}`, which is not a pattern: {fault}"));
            false
        }
    });
}

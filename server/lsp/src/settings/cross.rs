//! Checks across keys and against the rest of the program: models can be built, pins and languages exist, globs parse.
//! It leaves single values to `schema`.

use pennyworth_core::models::{ModelRow, Models};

use super::joined::Joined;
use super::notice::Severity;
use super::types::Settings;
use super::{globs::glob_fault, schema};

/// Checks joined settings as a whole. A faulty value is removed; if it does no harm, it only gets a notice.
pub(super) fn check(settings: &mut Settings, joined: &mut Joined<'_>) {
    let (models, problems) = settings.base().with_rows("", settings.rows());
    let shipped = || models.all().filter(|model| !model.enabled).map(|model| model.name.as_str());
    for problem in problems {
        let empty = settings
            .model
            .iter()
            .find(|(name, row)| **row == ModelRow::default() && problem.key == format!("model.{name}.protocol"));
        match empty {
            // An empty table stands for a shipped row.
            Some((name, _)) => {
                let hint = schema::hint(name, shipped(), str::to_owned).0;
                let message = format!("is empty, and no shipped model has this name; {hint}");
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
        let message = format!(
            "is more than cap_usd_per_month; the month's cap of {} is reached first",
            settings.cap_usd_per_month
        );
        joined.say(Severity::Warning, "cap_usd_per_day", message);
    }
    let documents = &mut settings.documents;
    if documents.max_complete_bytes > documents.max_bytes {
        let message = format!("is more than documents.max_bytes; {} is used instead", documents.max_bytes);
        documents.max_complete_bytes = documents.max_bytes;
        joined.say(Severity::Warning, "documents.max_complete_bytes", message);
    }
}

/// A pin that names no model would silence its task, so it is removed.
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
                    (Some(near), _) => format!("is `{name}`, an unknown model; did you mean `{near}`?"),
                    (None, false) => {
                        format!("is `{name}`, an unknown model; switched on: {}", enabled.join(", "))
                    }
                    (None, true) => format!("is `{name}`, an unknown model; add `[model.{name}]`"),
                }
            }
        };
        *pin = None;
        joined.say(Severity::Error, &key, message);
    }
}

/// A name that is no language's switches nothing, so it does no harm. One that is misspelt may be meant to be off.
fn languages(settings: &Settings, joined: &mut Joined<'_>) {
    for name in settings.languages.keys() {
        let Some((message, is_near)) = schema::unknown_language(name) else { continue };
        let severity = if is_near { Severity::Error } else { Severity::Warning };
        joined.say(severity, &format!("languages.{name}"), message);
    }
}

fn globs(key: &str, globs: &mut Vec<String>, joined: &mut Joined<'_>) {
    globs.retain(|glob| match glob_fault(glob, None) {
        None => true,
        Some(fault) => {
            joined.say(Severity::Error, key, fault);
            false
        }
    });
}

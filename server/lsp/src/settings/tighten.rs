//! What a workspace's `.pennyworth.toml` may do: take away, never give. Anybody may have written it, so each of its keys is compared with what
//! holds already, and one that would loosen anything is refused and said.

use std::collections::BTreeMap;

use pennyworth_core::task::{Enabled, Task, Tasks};
use serde_json::{Map, Value};

use super::{ANY, Layer, Notice, Settings, Severity, Trigger, check};

/// Its name, in the workspace folder.
pub(super) const FILE: &str = ".pennyworth.toml";
/// What such a file may say, in words.
const ALLOWED: &str = "enabled, trigger, local_only, cap_usd_per_day, cap_usd_per_month, ignore, secrets, languages, embedded.enabled, embedded.index, tasks.NAME.enabled";

/// The settings with what the layer takes away, and what it may not or cannot.
pub(super) fn tightened(base: &Settings, layer: &Layer) -> (Settings, Vec<Notice>) {
    let (values, mut notices) = check::accepted(layer);
    let mut tighter = Tighter { settings: base.clone(), tasks: base.tasks() };
    for (name, value) in &values {
        for (key, refusal) in tighter.key(name, value) {
            notices.push(layer.notice(Severity::Error, &key, refusal));
        }
    }
    (tighter.settings, notices)
}

struct Tighter {
    settings: Settings,
    /// The rows as they hold without the workspace.
    tasks: Tasks,
}

/// A dotted key, and why it is not followed.
type Refused = (String, String);

impl Tighter {
    /// Follows one key of the top level as far as it tightens; the value is of the key's type.
    fn key(&mut self, name: &str, value: &Value) -> Vec<Refused> {
        let settings = &mut self.settings;
        let result = match (name, value) {
            ("enabled", Value::Bool(asked)) => lower(&mut settings.enabled, *asked),
            ("local_only", Value::Bool(asked)) => raise(&mut settings.local_only, *asked),
            ("trigger", Value::String(asked)) => trigger(&mut settings.trigger, asked),
            ("cap_usd_per_day", Value::Number(asked)) => cap(&mut settings.cap_usd_per_day, asked.as_f64()),
            ("cap_usd_per_month", Value::Number(asked)) => cap(&mut settings.cap_usd_per_month, asked.as_f64()),
            ("ignore", Value::Array(asked)) => add(&mut settings.ignore, asked),
            ("secrets", Value::Array(asked)) => add(&mut settings.secrets, asked),
            ("languages", Value::Object(asked)) => return self.languages(asked),
            ("tasks", Value::Object(asked)) => return self.each(name, asked, Tighter::task),
            ("embedded", Value::Object(asked)) => return self.each(name, asked, Tighter::embedded),
            _ => Err(not_allowed()),
        };
        result.err().map(|refusal| (name.to_owned(), refusal)).into_iter().collect()
    }

    fn each(
        &mut self,
        table: &str,
        asked: &Map<String, Value>,
        follow: fn(&mut Tighter, &str, &Value) -> Vec<Refused>,
    ) -> Vec<Refused> {
        let refused = asked.iter().flat_map(|(name, value)| follow(self, name, value).into_iter());
        refused.map(|(key, refusal)| (format!("{table}.{key}"), refusal)).collect()
    }

    fn embedded(&mut self, name: &str, value: &Value) -> Vec<Refused> {
        let embedded = &mut self.settings.embedded;
        let result = match (name, value) {
            ("enabled", Value::Bool(asked)) => lower(&mut embedded.enabled, *asked),
            ("index", Value::Bool(asked)) => lower(&mut embedded.index, *asked),
            _ => Err(not_allowed()),
        };
        result.err().map(|refusal| (name.to_owned(), refusal)).into_iter().collect()
    }

    fn task(&mut self, name: &str, value: &Value) -> Vec<Refused> {
        let Ok(task) = name.parse::<Task>() else { return Vec::new() };
        let keys = value.as_object().into_iter().flatten();
        keys.filter_map(|(key, value)| {
            let refusal = match serde_json::from_value::<Enabled>(value.clone()) {
                Ok(asked) if key == "enabled" => self.serve(task, asked).err(),
                _ => Some(not_allowed()),
            };
            refusal.map(|refusal| (format!("{name}.{key}"), refusal))
        })
        .collect()
    }

    fn serve(&mut self, task: Task, asked: Enabled) -> Result<(), String> {
        let holds = self.tasks.row(task).enabled;
        if openness(asked) > openness(holds) {
            return Err(loosens(text(holds)));
        }
        self.settings.tasks.entry(task).or_default().enabled = Some(asked);
        Ok(())
    }

    /// A language is on if it is on for the user and for the workspace, each read with its own `*`.
    fn languages(&mut self, asked: &Map<String, Value>) -> Vec<Refused> {
        let asked: BTreeMap<_, _> = asked.iter().filter_map(|(name, on)| Some((name.clone(), on.as_bool()?))).collect();
        let workspace = Settings { languages: asked.clone(), ..Settings::default() };
        let named = self.settings.languages.keys().chain(asked.keys());
        let both = |name: &String| self.settings.is_language_on(name) && workspace.is_language_on(name);
        let languages = named.map(|name| (name.clone(), both(name))).collect();
        let refused = asked.iter().filter(|(name, on)| **on && *name != ANY && !self.settings.is_language_on(name));
        let refused = refused.map(|(name, _)| (format!("languages.{name}"), loosens("false"))).collect();
        self.settings.languages = languages;
        refused
    }
}

fn lower(holds: &mut bool, asked: bool) -> Result<(), String> {
    if asked && !*holds {
        return Err(loosens("false"));
    }
    *holds = asked;
    Ok(())
}

fn raise(holds: &mut bool, asked: bool) -> Result<(), String> {
    if !asked && *holds {
        return Err(loosens("true"));
    }
    *holds = asked;
    Ok(())
}

fn trigger(holds: &mut Trigger, asked: &str) -> Result<(), String> {
    if asked == "invoked" {
        *holds = Trigger::Invoked;
    } else if *holds == Trigger::Invoked {
        return Err(loosens("`invoked`"));
    }
    Ok(())
}

fn cap(holds: &mut f64, asked: Option<f64>) -> Result<(), String> {
    let asked = asked.unwrap_or(*holds);
    if asked > *holds {
        return Err(loosens(&holds.to_string()));
    }
    *holds = asked;
    Ok(())
}

/// Patterns that take files out of those left alone are refused, the others hold.
fn add(holds: &mut Vec<String>, asked: &[Value]) -> Result<(), String> {
    let (out, more): (Vec<_>, Vec<_>) =
        asked.iter().filter_map(Value::as_str).partition(|glob| glob.trim_start().starts_with('!'));
    holds.extend(more.into_iter().map(str::to_owned));
    match out.first() {
        None => Ok(()),
        Some(glob) => Err(format!("has `{glob}`, which is left out: a workspace may add patterns, not take any away")),
    }
}

fn openness(enabled: Enabled) -> u8 {
    match enabled {
        Enabled::Off => 0,
        Enabled::Local => 1,
        Enabled::On => 2,
    }
}

fn text(enabled: Enabled) -> &'static str {
    match enabled {
        Enabled::Off => "`off`",
        Enabled::Local => "`local`",
        Enabled::On => "`on`",
    }
}

fn loosens(holds: &str) -> String {
    format!("is refused: a workspace may only tighten, and {holds} holds")
}

fn not_allowed() -> String {
    format!("is refused: a workspace may only say {ALLOWED}")
}

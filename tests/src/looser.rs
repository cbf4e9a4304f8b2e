//! In which keys one configuration is looser than another: written key by key from what each key means, and not from how layers are joined.
//! A key that is added to the settings does not compile here until somebody says what is looser.

use pennyworth::settings::{Closed, DocumentLimits, Embedded, Log, Settings, TaskSettings, Telemetry, TriggerMode};
use pennyworth_core::task::{Enabled, Task};

/// Who wrote the layer that made the second configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// An editor. It may also change what is only shown or logged.
    Editor,
    /// A workspace.
    Workspace,
}

/// The keys in which `after` is looser than `before`, or different where there is no tighter value.
pub fn looser(before: &Settings, after: &Settings, author: Author) -> Vec<String> {
    let Settings {
        enabled,
        preset,
        trigger,
        local_only,
        discover,
        cap_usd_per_day,
        cap_usd_per_month,
        confirm_usd,
        debounce_ms,
        worth_usd,
        confidence,
        speculate,
        escalate,
        explore,
        pin,
        completion_menu,
        ignore,
        secrets,
        languages: _,
        embedded: Embedded { enabled: embedded_enabled, memory_mb, index, max_file_bytes },
        documents: DocumentLimits { max_complete_bytes, max_bytes },
        log: Log { level, file },
        telemetry: Telemetry { endpoint },
        tasks: _,
        model,
        provider,
        format,
        prices,
        closed,
        is_restricted,
    } = after;
    let is_editor = author == Author::Editor;
    let mut found: Vec<String> = [
        ("enabled", *enabled && !before.enabled),
        ("preset", *preset != before.preset),
        ("trigger", *trigger == TriggerMode::Automatic && before.trigger == TriggerMode::Invoked),
        ("local_only", !*local_only && before.local_only),
        ("discover", *discover && !before.discover),
        ("cap_usd_per_day", is_more(*cap_usd_per_day, before.cap_usd_per_day)),
        ("cap_usd_per_month", is_more(*cap_usd_per_month, before.cap_usd_per_month)),
        ("confirm_usd", is_more(*confirm_usd, before.confirm_usd)),
        ("debounce_ms", *debounce_ms < before.debounce_ms),
        ("worth_usd", is_more(*worth_usd, before.worth_usd)),
        ("confidence", *confidence != before.confidence),
        ("speculate", *speculate && !before.speculate),
        ("escalate", *escalate && !before.escalate),
        ("explore", is_more(*explore, before.explore)),
        ("pin", *pin != before.pin),
        ("completion_menu", !is_editor && *completion_menu != before.completion_menu),
        ("ignore", takes_away(&before.ignore, ignore)),
        ("secrets", takes_away(&before.secrets, secrets)),
        ("embedded.enabled", *embedded_enabled && !before.embedded.enabled),
        ("embedded.memory_mb", *memory_mb > before.embedded.memory_mb),
        ("embedded.index", *index && !before.embedded.index),
        ("embedded.max_file_bytes", *max_file_bytes > before.embedded.max_file_bytes),
        ("documents.max_complete_bytes", *max_complete_bytes > before.documents.max_complete_bytes),
        ("documents.max_bytes", *max_bytes > before.documents.max_bytes),
        ("log.level", !is_editor && *level != before.log.level),
        ("log.file", *file != before.log.file),
        ("telemetry.endpoint", *endpoint != before.telemetry.endpoint),
        ("model", *model != before.model),
        ("provider", *provider != before.provider),
        ("format", *format != before.format),
        ("prices", *prices != before.prices),
        ("closed", openness(*closed) > openness(before.closed)),
        ("is_restricted", !*is_restricted && before.is_restricted),
    ]
    .into_iter()
    .filter(|(_, is_looser)| *is_looser)
    .map(|(key, _)| key.to_owned())
    .collect();
    found.extend(looser_languages(before, after));
    found.extend(looser_tasks(before, after));
    found
}

/// Whether a number is more than another, or is none.
fn is_more(after: f64, before: f64) -> bool {
    after > before || after.is_nan()
}

/// Whether a list of patterns lost one, or has a new one that takes files out. The last pattern that matches decides, so the order counts.
fn takes_away(before: &[String], after: &[String]) -> bool {
    !after.starts_with(before) || after.iter().skip(before.len()).any(|glob| glob.trim_start().starts_with('!'))
}

fn openness(closed: Closed) -> u8 {
    match closed {
        Closed::No => 2,
        Closed::Here => 1,
        Closed::Embedded => 0,
    }
}

fn looser_languages(before: &Settings, after: &Settings) -> Vec<String> {
    let known = pennyworth_grammars::all().iter().map(|language| language.name());
    let opened = known.filter(|name| after.is_language_on(name) && !before.is_language_on(name));
    opened.map(|name| format!("languages.{name}")).collect()
}

fn looser_tasks(before: &Settings, after: &Settings) -> Vec<String> {
    let rank = |enabled| match enabled {
        Enabled::Off => 0,
        Enabled::Local => 1,
        Enabled::On => 2,
    };
    let (old, new) = (before.tasks(), after.tasks());
    let mut found = Vec::new();
    for task in Task::ALL {
        let (old, new) = (old.row(task), new.row(task));
        let TaskSettings { enabled: _, max_tokens: _, input: _, show: _, deadline_ms: _, pin: _, queue: _ } =
            TaskSettings::default();
        for (key, is_looser) in [
            ("enabled", rank(new.enabled) > rank(old.enabled)),
            ("max_tokens", new.max_tokens > old.max_tokens || new.max > old.max),
            ("input", new.input > old.input),
            ("show", new.show != old.show),
            ("deadline_ms", new.deadline_ms != old.deadline_ms),
            ("pin", before.pin(task) != after.pin(task)),
            ("queue", new.queue != old.queue),
        ] {
            if is_looser {
                found.push(format!("tasks.{task}.{key}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check itself must see what is looser, or no test that rests on it can fail.
    #[test]
    fn each_looser_key_is_seen() {
        let before = Settings {
            trigger: TriggerMode::Invoked,
            local_only: true,
            discover: false,
            ignore: vec!["a".into()],
            closed: Closed::Here,
            ..Settings::default()
        };
        let found = |change: fn(&mut Settings)| {
            let mut after = before.clone();
            change(&mut after);
            looser(&before, &after, Author::Workspace).join(" ")
        };
        assert_eq!(found(|_| ()), "");
        assert_eq!(found(|after| after.trigger = TriggerMode::Automatic), "trigger");
        assert_eq!(found(|after| after.local_only = false), "local_only");
        assert_eq!(found(|after| after.discover = true), "discover");
        assert_eq!(found(|after| after.cap_usd_per_day = f64::NAN), "cap_usd_per_day");
        assert_eq!(found(|after| after.cap_usd_per_day = 0.0), "");
        assert_eq!(found(|after| after.ignore.clear()), "ignore");
        assert_eq!(found(|after| after.ignore.push(" !a".into())), "ignore");
        assert_eq!(found(|after| after.ignore.push("b".into())), "");
        assert_eq!(found(|after| after.closed = Closed::No), "closed");
        assert_eq!(found(|after| after.closed = Closed::Embedded), "");
        assert_eq!(found(|after| drop(after.model.insert("x".into(), Default::default()))), "model");
        let row = |enabled| TaskSettings { enabled: Some(enabled), ..TaskSettings::default() };
        let mut off = before.clone();
        off.tasks.insert(Task::Line, row(Enabled::Off));
        assert_eq!(looser(&before, &off, Author::Editor), [""; 0]);
        assert_eq!(looser(&off, &before, Author::Editor), ["tasks.line.enabled"]);
    }
}

//! How the layers are laid over one another, and where each value may come from.

use super::*;

#[test]
fn later_layers_win_key_by_key_and_lists_add_up() {
    let (settings, notices) = Settings::load(&[
        file("debounce_ms = 1\nlocal_only = true\nignore = [\"a\"]\n[embedded]\nmemory_mb = 32\nindex = false\n"),
        editor(
            json!({ "debounce_ms": 4, "ignore": ["b"], "embedded": { "memory_mb": 16 }, "trace": { "server": "off" }, "pin": null,
                "completion_menu": false, "log": { "level": "debug" } }),
        ),
        editor(json!({ "pennyworth.debounce_ms": 5, "pennyworth.log.level": "trace", "python.x": 1 })),
        environment(&[
            ("PENNYWORTH_DEBOUNCE_MS", "3"),
            ("PENNYWORTH_EMBEDDED_INDEX", "yes"),
            ("PENNYWORTH_IGNORE", "c, d"),
            ("PENNYWORTH_TASKS_STRING_ENABLED", "local"),
            ("PENNYWORTH_LOG", "debug"),
            ("PENNYWORTH_LOG_LEVEL", "warn"),
            ("HOME", "elsewhere"),
        ]),
    ]);
    assert_eq!(messages(&notices), [""; 0]);
    assert_eq!((settings.debounce_ms, settings.embedded.memory_mb), (5, 16));
    assert!(settings.local_only && settings.embedded.index && !settings.completion_menu);
    assert_eq!(settings.log.level, Level::Warn, "the environment wins where the editor is free, too");
    assert_eq!(settings.ignore, ["a", "c", "d", "b"]);
    assert_eq!(settings.tasks().row(Task::String).enabled, Enabled::Local);
}

#[test]
fn variables_and_editors_are_named_in_messages() {
    let layers = [
        editor(json!({ "pennyworth": { "enabled": "x", "clour": 1 } })),
        environment(&[
            ("PENNYWORTH_DEBOUNCE", "3"),
            ("PENNYWORTH_ENABLED", "perhaps"),
            ("PENNYWORTH_CONFIG", "x"),
            ("PENNYWORTH_WORKSHOP_FOLDER", "x"),
        ]),
    ];
    let found = messages(&Settings::load(&layers).1);
    assert!(found.iter().all(|message| message.len() < 300), "{found:?}");
    let found: Vec<String> = found.iter().map(|message| without_list(message)).collect();
    assert_eq!(
        found,
        [
            "error: environment: PENNYWORTH_DEBOUNCE: unknown variable; did you mean `PENNYWORTH_DEBOUNCE_MS`?",
            "error: environment: PENNYWORTH_ENABLED: is `perhaps`, a text; wanted: true or false",
            "warning: environment: PENNYWORTH_WORKSHOP_FOLDER: unknown variable; the nearest are HINT; `pennyworth schema` lists all",
            "warning: editor settings: clour: unknown key; the nearest are HINT; `pennyworth schema` lists all",
            "error: editor settings: enabled: is `x`, a text; wanted: true or false",
        ]
    );
    let read = |value: Value| {
        let mut notices = Vec::new();
        let layer = Layer::editor(&value, &mut notices);
        (layer.is_some(), messages(&notices))
    };
    assert_eq!(read(json!([1])), (false, vec!["error: editor settings: is a list; wanted: an object".to_owned()]));
    assert_eq!(read(json!({ "pennyworth": 3 })).1, ["error: editor settings: is a whole number; wanted: an object"]);
    for empty in [Value::Null, json!([]), json!(""), json!(false), json!({ "pennyworth": [] })] {
        assert_eq!(read(empty.clone()), (false, vec![]), "{empty}");
    }
}

#[test]
fn settings_of_other_servers_are_not_ours() {
    let cap = json!({ "cap_usd_per_day": 0.1 });
    for (sent, ours) in [
        (cap.clone(), Some(cap.clone())),
        (json!({ "pennyworth": cap, "python": { "analysis": {} } }), Some(cap.clone())),
        (json!({ "cap_usd_per_dya": 0.1 }), Some(json!({ "cap_usd_per_dya": 0.1 }))),
        (
            json!({ "pennyworth.enabled": false, "python.x": 1 }),
            Some(json!({ "pennyworth.enabled": false, "python.x": 1 })),
        ),
        (json!({ "log.level": "warn" }), Some(json!({ "log.level": "warn" }))),
        (json!({ "python": { "analysis": {} } }), None),
        (json!({ "rust-analyzer": { "cargo": {} }, "gopls": {} }), None),
        (json!({ "yaml": {}, "format": { "enable": true }, "languages": [1] }), None),
        (json!({ "pennyworth": {} }), None),
        (json!({ "pennyworth": null }), None),
        (json!({ "pennyworth": [] }), None),
        (json!({ "pennyworth": "on" }), Some(json!("on"))),
        (json!({}), None),
        (json!([1, 2]), None),
        (Value::Null, None),
    ] {
        assert_eq!(Layer::addressed(sent.clone()), ours, "{sent}");
    }
    for (sent, ours) in [
        (json!({ "python": { "analysis": {} }, "gopls": {} }), false),
        (json!({ "python": {}, "enabled": false }), true),
        (json!({ "pennyworth": { "wrong": 1 } }), true),
        (json!({ "cap_usd_per_dya": 0.1, "gopls": {} }), true),
        (json!("x"), true),
    ] {
        assert_eq!(Layer::meant(sent.clone()), if ours { sent } else { Value::Null });
    }
}

#[test]
fn a_preset_sets_values_together_and_a_key_of_its_own_wins() {
    let (settings, _) = Settings::load(&[file("confidence = 0.9"), environment(&[("PENNYWORTH_PRESET", "eager")])]);
    assert_eq!(
        (settings.debounce_ms, settings.confidence, settings.speculate, settings.escalate),
        (75, 0.9, true, true)
    );
    let (frugal, _) = Settings::load(&[file("preset = \"frugal\"\n[tasks.type]\nshow = 0.2")]);
    let tasks = frugal.tasks();
    assert!((tasks.row(Task::Member).show - 0.65).abs() < 1e-6, "moved with the confidence");
    assert!((tasks.row(Task::Type).show - 0.2).abs() < 1e-6, "the task's own wins");
    assert_eq!(Settings::load(&[]).0, Settings::default());
}

#[test]
fn the_commented_file_says_nothing_and_uncommented_it_says_the_defaults() {
    let config = docs::commented_config();
    assert_eq!(Settings::load(&[file(&config)]), (Settings::default(), vec![]), "{config}");
    let is_key = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || "_\"*".contains(c)))
            || line.starts_with('[')
    };
    let uncommented: Vec<_> =
        config.lines().map(|line| line.strip_prefix("# ").filter(|rest| is_key(rest)).unwrap_or(line)).collect();
    let (settings, notices) = Settings::load(&[file(&uncommented.join("\n"))]);
    assert_eq!(messages(&notices), [""; 0]);
    let examples = Settings {
        languages: settings.languages.clone(),
        tasks: settings.tasks.clone(),
        model: settings.model.clone(),
        ..Settings::default()
    };
    assert_eq!(settings, examples);
    assert_eq!((settings.languages.len(), settings.is_language_on("markdown")), (1, true));
    let rows = |settings: &Settings| Task::ALL.map(|task| format!("{:?}", settings.tasks().row(task)));
    assert_eq!(rows(&settings), rows(&Settings::default()), "what the file shows of tasks is what holds");
    assert_eq!(settings.models().enabled().count(), 3, "the examples of models can be used as they stand");
    assert!(
        schema::leaves()
            .iter()
            .filter(|leaf| !leaf.key.starts_with("tasks."))
            .all(|leaf| leaf.node.description().is_some())
    );
}

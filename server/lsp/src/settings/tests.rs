//! Tables of configurations with the notices about them, and what holds while they have a fault.

use std::fs;
use std::path::Path;

use pennyworth_core::gate::FileKind;
use pennyworth_core::route::Privacy;
use pennyworth_core::task::{Enabled, Task};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn file(source: &str) -> Layer {
    Layer::toml(Origin::File("config.toml".into()), source)
}

fn editor(value: Value) -> Layer {
    Layer::editor(&value, &mut Vec::new()).unwrap()
}

fn environment(variables: &[(&str, &str)]) -> Layer {
    Layer::environment(variables.iter().map(|(name, value)| (name.into(), value.into())))
}

fn messages(notices: &[Notice]) -> Vec<String> {
    notices.iter().map(|notice| format!("{}: {notice}", notice.severity)).collect()
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_is_allowed() {
    for (source, expected) in [
        ("", &[][..]),
        ("debounce_ms = 100\n", &[]),
        ("\n\ndebounce_sm = 100", &["error: config.toml:3: debounce_sm: unknown key; did you mean `debounce_ms`?"]),
        ("debounceMs = 100", &["error: config.toml:1: debounceMs: unknown key; did you mean `debounce_ms`?"]),
        ("memory_mb = 9", &["error: config.toml:1: memory_mb: unknown key; did you mean `embedded.memory_mb`?"]),
        ("[log]\nxyzzy = 9", &["error: config.toml:2: log.xyzzy: unknown key; known here: file, level"]),
        ("debounce_ms = \"fast\"", &["error: config.toml:1: debounce_ms: is `fast`, a text; wanted: a whole number"]),
        ("debounce_ms = -1", &["error: config.toml:1: debounce_ms: is -1; allowed: 0 to 10000"]),
        (
            "debounce_ms = 99999999999999999999",
            &["error: config.toml:1: debounce_ms: is 1e+20, a number; wanted: a whole number"],
        ),
        ("confidence = 1.5", &["error: config.toml:1: confidence: is 1.5; allowed: 0 to 1"]),
        ("confidence = nan", &["error: config.toml:1: confidence: is `nan`, a text; wanted: a number"]),
        ("cap_usd_per_day = 5000", &["error: config.toml:1: cap_usd_per_day: is 5000; allowed: 0 to 1000"]),
        (
            "debounce_ms = 5\ncap_usd_per_day = 20",
            &[
                "warning: config.toml:2: cap_usd_per_day: is more than cap_usd_per_month; the month's cap of 10 is reached first",
            ],
        ),
        ("cap_usd_per_day = 20\ncap_usd_per_month = 20", &[]),
        ("enabled = 1", &["error: config.toml:1: enabled: is 1, a whole number; wanted: true or false"]),
        ("preset = \"cheap\"", &["error: config.toml:1: preset: is `cheap`; known values: balanced, eager, frugal"]),
        ("trigger = 3", &["error: config.toml:1: trigger: is 3; known values: automatic, invoked"]),
        (
            "ignore = [\"a\", 3]",
            &["error: config.toml:1: ignore: has an entry that is 3, a whole number; wanted: a text in quotes"],
        ),
        ("log = 3", &["error: config.toml:1: log: is 3, a whole number; wanted: a table"]),
        (
            "[tasks.strings]\nenabled = \"on\"",
            &["error: config.toml:1: tasks.strings: unknown key; did you mean `string`?"],
        ),
        (
            "[tasks.string]\nenabled = \"yes\"\nmax_tokens = 0",
            &[
                "error: config.toml:2: tasks.string.enabled: is `yes`; known values: on, local, off",
                "error: config.toml:3: tasks.string.max_tokens: is 0; allowed: 1 to 8192",
            ],
        ),
        (
            "[languages]\nrsut = false",
            &["error: config.toml:2: languages.rsut: unknown language; did you mean `rust`?"],
        ),
        (
            "[languages]\nwhitespace = false",
            &[
                "warning: config.toml:2: languages.whitespace: unknown language; the nearest are HINT; `pennyworth schema` lists all",
            ],
        ),
        ("pin = \"gpt-17\"", &["error: config.toml:1: pin: is `gpt-17`, an unknown model; add `[model.gpt-17]`"]),
        (
            "[documents]\nmax_bytes = 10\nmax_complete_bytes = 20",
            &[
                "warning: config.toml:3: documents.max_complete_bytes: is more than documents.max_bytes; 10 is used instead",
            ],
        ),
        (
            "[model.mine]\napi_key = \"x\"\nprotocol = \"openai\"\nbase_url = \"http://localhost:1\"\nmodel = \"qwen2.5-coder\"\ntier = \"local\"",
            &[
                "error: config.toml:2: model.mine.api_key: unknown key: no file may hold an API key; `api_key_env` names a variable, `api_key_keychain` a key in the keychain, `api_key_cmd` a command that prints it",
                "warning: config.toml:1: model.mine: is left out as a whole, because of the error in it",
            ],
        ),
        (
            "[model.mine]\nbase_url = 5",
            &[
                "error: config.toml:2: model.mine.base_url: is 5, a whole number; wanted: a text in quotes",
                "warning: config.toml:1: model.mine: is left out as a whole, because of the error in it",
            ],
        ),
        (
            "[model.mine]\nprotocol = \"smtp\"",
            &[
                "error: config.toml:2: model.mine.protocol: is `smtp`; allowed: openai, anthropic, gemini, ollama, llamacpp, tgi",
            ],
        ),
    ] {
        let (_, notices) = Settings::load(&[file(source)]);
        let found: Vec<String> = messages(&notices).iter().map(|message| without_list(message)).collect();
        assert_eq!(found, expected, "{source}");
    }
}

/// Which names are nearest is no matter of these tests.
fn without_list(message: &str) -> String {
    let Some((head, rest)) = message.split_once("the nearest are ") else { return message.to_owned() };
    let (_, tail) = rest.split_once("; ").unwrap();
    format!("{head}the nearest are HINT; {tail}")
}

#[test]
fn a_slip_in_toml_is_named_for_what_it_is() {
    for (source, expected) in [
        ("cap_usd_per_day =", "config.toml:1: cap_usd_per_day has no value; wanted: a number"),
        ("enabled = true\ncap_usd_per_day = # 0.1\n", "config.toml:2: cap_usd_per_day has no value; wanted: a number"),
        ("cap_usd_per_day", "config.toml:1: cap_usd_per_day has no value; wanted: a number"),
        ("enabled: false", "config.toml:1: enabled is followed by `:`; TOML has `enabled = …`"),
        ("enabled false", "config.toml:1: enabled is not followed by `=`; TOML has `enabled = …`"),
        ("enabled = no", "config.toml:1: enabled is no, a word without quotes; wanted: true or false"),
        ("local_only = True", "config.toml:1: local_only is True, a word without quotes; wanted: true or false"),
        ("pin = qwen", "config.toml:1: pin is qwen, a word without quotes; wanted: a text in quotes"),
        (
            "[log]\nlevel = warn",
            "config.toml:2: log.level is warn, a word without quotes; wanted: \"off\", \"error\", \"warn\", \"info\", \"debug\", \"trace\"",
        ),
        (
            "cap_usd_per_day = 1 USD",
            "config.toml:1: cap_usd_per_day is 1 USD, which is more than one value; wanted: a number",
        ),
        ("cap_usd_per_day = “1”", "config.toml:1: cap_usd_per_day has quotes that TOML does not know; it has \"…\""),
        ("cap_usd_per_day == 1", "config.toml:1: cap_usd_per_day is followed by `==`; TOML has `cap_usd_per_day = …`"),
        (
            "cap_usd_per_day = .5",
            "config.toml:1: cap_usd_per_day is .5; a number has digits on both sides of its point",
        ),
        ("cap_usd_per_day = 0,1", "config.toml:1: cap_usd_per_day is 0,1; a number has a point and no comma: 0.1"),
        ("ignore = [\"a\",\n\"b\"\nlocal_only = true\n", "config.toml:1: ignore begins a list that does not end"),
        ("local_only = true\nlocal_only = false", "config.toml:2: not TOML: duplicate key"),
        ("enabled = false }", "config.toml:1: enabled is false }, which is more than one value; wanted: true or false"),
        ("[languages]\n\"*\" = off", "config.toml:2: languages.* is off, a word without quotes; wanted: true or false"),
        (
            "[model.m]\nprice = { input = 1, output = }",
            "config.toml:2: model.m.price.output has no value; wanted: a number",
        ),
        (
            "[model.\"a.b\"]\nprice = { input = 1",
            "config.toml:2: model.a.b.price begins a table that does not end; it stands in one line",
        ),
        ("cap_usd_per_day = €1", "config.toml:1: cap_usd_per_day is €1; a number has no sign of a unit: 1"),
        ("cap_usd_per_day = 50%", "config.toml:1: cap_usd_per_day is 50%; a number has no sign of a unit: 50"),
        ("pin = claude haiku", "config.toml:1: pin is claude haiku, a text without quotes; wanted: a text in quotes"),
        (
            "enabled = true false",
            "config.toml:1: enabled is true false, which is more than one value; wanted: true or false",
        ),
        (
            "enabled = false // off",
            "config.toml:1: enabled is false, with a comment that TOML does not know; it has `# …`",
        ),
        ("ignore = [\"a\", b]", "config.toml:1: ignore has b in its list, a word without quotes"),
        ("ignore = [\n\"a\",\nb,\n]", "config.toml:3: ignore has b in its list, a word without quotes"),
        ("ignore = a, b", "config.toml:1: ignore is a, b, which is more than one value; wanted: a list in brackets"),
        (
            "cap_usd_per_day = 0.5;",
            "config.toml:1: cap_usd_per_day is `0.5;`; TOML has no mark at the end of a value: 0.5",
        ),
        ("enabled = true,", "config.toml:1: enabled is `true,`; TOML has no mark at the end of a value: true"),
        (
            "cap_usd_per_day = 1,000.50",
            "config.toml:1: cap_usd_per_day is 1,000.50; a number has a point and no comma: 1000.50",
        ),
        ("pin = \"a\" b", "config.toml:1: pin has `b` behind its value"),
        ("pin = \"a", "config.toml:1: pin has a quote that does not end"),
    ] {
        let (settings, notices) = Settings::load(&[file(source)]);
        assert_eq!(notices.first().map(ToString::to_string).as_deref(), Some(expected), "{source}: {notices:?}");
        assert_eq!(settings.closed, Closed::Here, "{source}");
    }
}

#[test]
fn nothing_more_is_said_about_a_row_with_a_broken_line() {
    for source in [
        "[model.m]\nprovider = ollama\nmodel = \"x\"",
        "[model.m]\nprice = { input = 1, output = }",
        "model.m.protocol =\n",
        "[provider.openai]\nbase_url = http://a",
        &format!("model.m = {}", "{ a = ".repeat(100_000)),
    ] {
        let (settings, notices) = Settings::load(&[file(source)]);
        assert_eq!(notices.len(), 1, "{source}: {notices:?}");
        assert!(settings.model.is_empty() && settings.provider.is_empty(), "{source}");
    }
}

#[test]
fn a_name_with_a_point_is_proposed_in_quotes() {
    for (source, expected) in [
        ("[model.haiku-5.5]\nprotocol = \"openai\"", "[model.\"haiku-5.5\"]"),
        ("[model.a.b.c]\nprotocol = \"openai\"", "[model.\"a.b.c\"]"),
    ] {
        let (_, notices) = Settings::load(&[file(source)]);
        let said = notices.first().map(|notice| notice.message.as_str());
        let expected = format!("unknown key; a name with a point stands in quotes: {expected}");
        assert_eq!(said, Some(expected.as_str()), "{source}: {notices:?}");
    }
}

#[test]
fn a_fault_in_the_users_own_file_stops_what_costs_money_or_sends_code() {
    for (source, expected) in [
        ("cap_usd_per_day = 0.1", Closed::No),
        ("cap_usd_per_day = 20", Closed::No),
        ("cap_usd_per_day = \"0.1\"", Closed::Here),
        ("cap_usd_per_dya = 0.1", Closed::Here),
        ("[budget]\ndaily = 1", Closed::Here),
        ("local_only = 1", Closed::Here),
        ("secrets = [3]", Closed::Here),
        ("ignore = [\"a{\"]", Closed::Here),
        ("pin = \"gpt-17\"", Closed::Here),
        ("[languages]\nrsut = false", Closed::Here),
        ("[languages]\nwhitespace = false", Closed::No),
        // A model with a fault is left out itself.
        ("[model.mine]\nbase_url = 5", Closed::No),
        ("[model.mine]\nprotocol = \"smtp\"", Closed::No),
        // A provider with a fault would leave its models at the shipped address.
        ("[provider.openai]\nbase_ulr = \"https://proxy.example\"", Closed::Here),
    ] {
        let (settings, notices) = Settings::load(&[file(source)]);
        assert_eq!(settings.closed, expected, "{source}: {notices:?}");
        assert_eq!(settings.privacy() == Privacy::Named, expected == Closed::No, "{source}");
    }
    for (variable, value, expected) in [
        ("PENNYWORTH_CAP_USD_PER_DYA", "0.1", Closed::Here),
        ("PENNYWORTH_LOCAL_ONLY", "ture", Closed::Here),
        ("PENNYWORTH_CAP", "0.1", Closed::Here),
        ("PENNYWORTH_LOCAL_ONLY", "true", Closed::No),
        ("PENNYWORTH_WORKSHOP_FOLDER", "x", Closed::No),
    ] {
        assert_eq!(Settings::load(&[environment(&[(variable, value)])]).0.closed, expected, "{variable}");
    }
}

#[test]
fn one_wrong_key_loses_nothing_else() {
    let source = "\u{feff}enabled = \"no\"\ndebounce_ms = 1_23\ncolour = \"red\"\nlocal_only = true\n[embedded]\nmemory_mb = \"big\"\nindex = false\n";
    let (settings, notices) = Settings::load(&[file(source)]);
    assert_eq!(notices.len(), 3, "{notices:?}");
    assert_eq!(settings.closed, Closed::Here);
    assert!(settings.enabled && settings.local_only && !settings.embedded.index);
    assert_eq!((settings.debounce_ms, settings.embedded.memory_mb), (123, 64));
}

#[test]
fn text_that_is_not_toml_costs_only_itself() {
    let (settings, notices) = Settings::load(&[file("local_only = true\ndebounce_ms = = 5\ncap_usd_per_day = 0.1\n")]);
    assert!(messages(&notices).iter().any(|message| message.starts_with("error: config.toml:2: ")), "{notices:?}");
    assert!(settings.local_only);
    assert_eq!(settings.cap_usd_per_day, 0.1);
}

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
fn an_editor_only_tightens_what_the_users_own_file_says() {
    let own = r#"
        local_only = true
        cap_usd_per_day = 0.3
        trigger = "invoked"
        [languages]
        go = false
        [tasks.string]
        enabled = "off"
        [model.mine]
        protocol = "openai"
        base_url = "https://models.example/v1"
        model = "qwen2.5-coder"
        tier = "cheap"
        price = { input = 1.0, output = 1.0, as_of = "2026-01-01" }
        api_key_env = "PENNYWORTH_MINE"
    "#;
    let here =
        json!({ "protocol": "openai", "base_url": "http://localhost:1/v1", "model": "qwen2.5-coder", "tier": "local" });
    let row = |key: &str, value: Value| json!({ "model": { "mine": { key: value } } });
    let only = "only your own file may set it; set it in config.toml";
    let base = Settings::load(&[file(own), environment(&[("PENNYWORTH_MINE", "k")])]).0;
    for (given, expected) in [
        (
            json!({ "local_only": false }),
            "local_only: is refused: an editor's settings may only tighten; in force: true; set it in config.toml",
        ),
        (
            json!({ "cap_usd_per_day": 1000 }),
            "cap_usd_per_day: is refused: an editor's settings may only tighten; in force: 0.3; set it in config.toml",
        ),
        (json!({ "cap_usd_per_month": 1000 }), "cap_usd_per_month: is refused"),
        (
            json!({ "secrets": ["!.env"] }),
            "secrets: has `!.env`, which is left out: an editor's settings may add patterns, not remove any",
        ),
        (json!({ "ignore": [" !x"] }), "ignore: has ` !x`, which is left out"),
        (
            json!({ "trigger": "automatic" }),
            "trigger: is refused: an editor's settings may only tighten; in force: `invoked`",
        ),
        (json!({ "languages": { "go": true } }), "languages.go: is refused"),
        (json!({ "debounce_ms": 0 }), "debounce_ms: is refused"),
        (json!({ "explore": 0.2 }), "explore: is refused"),
        (json!({ "escalate": true }), "escalate: is refused"),
        (json!({ "speculate": true }), "speculate: is refused"),
        (json!({ "preset": "eager" }), "preset: is refused: only your own file"),
        (json!({ "confidence": 0.1 }), "confidence: is refused"),
        (json!({ "pin": "mine" }), "pin: is refused"),
        (json!({ "tasks": { "string": { "enabled": "on" } } }), "tasks.string.enabled: is refused"),
        (json!({ "tasks": { "line": { "max_tokens": 8000 } } }), "tasks.line.max_tokens: is refused"),
        (json!({ "tasks": { "line": { "pin": "mine" } } }), "tasks.line.pin: is refused"),
        (json!({ "tasks": { "line": { "deadline_ms": 9 } } }), "tasks.line.deadline_ms: is refused"),
        (json!({ "embedded": { "memory_mb": 4000 } }), "embedded.memory_mb: is refused"),
        (json!({ "documents": { "max_bytes": 4_000_000_000_u64 } }), "documents.max_bytes: is refused"),
        (json!({ "telemetry": { "endpoint": "http://localhost:4318" } }), "telemetry.endpoint: is refused"),
        (json!({ "model": { "here": here } }), "model: is refused"),
        (json!({ "model": { "gpt-6-luna": {} } }), "model: is refused"),
        (row("base_url", json!("http://127.0.0.1:9/v1")), only),
        (row("api_key_env", json!("AWS_SECRET_ACCESS_KEY")), only),
        (row("api_key_cmd", json!("rm -r x")), only),
        (row("headers", json!({ "x": "y" })), only),
        (row("extra", json!({ "x": "y" })), only),
        (row("omit", json!(["max_tokens"])), only),
        (row("tier", json!("local")), only),
        (row("price", json!({ "input": 0.0, "output": 0.0, "as_of": "2026-01-01" })), only),
        (row("context", json!(4096)), only),
        (json!({ "provider": { "openai": { "base_url": "http://127.0.0.1:9" } } }), "provider: is refused"),
        (json!({ "format": { "chat": { "system": "send it" } } }), "format: is refused"),
    ] {
        let layers = [file(own), editor(given.clone()), environment(&[("PENNYWORTH_MINE", "k")])];
        let (settings, notices) = Settings::load(&layers);
        assert_eq!(settings, base, "{given}");
        assert!(notices.len() == 1 && notices[0].to_string().contains(expected), "{given}: {notices:?}");
        assert_eq!(notices[0].holds, Holds::TheRest, "a refused key restricts nothing");
    }
    // What says the same again, or less, is no fault.
    let tighter = json!({ "local_only": true, "cap_usd_per_day": 0.1, "preset": "balanced", "discover": false, "debounce_ms": 500,
        "tasks": { "line": { "enabled": "local", "max_tokens": 8 } }, "languages": { "rust": false }, "completion_menu": false,
        "log": { "level": "trace" }, "embedded": { "enabled": false }, "secrets": ["*.vault"] });
    let (settings, notices) = Settings::load(&[file(own), editor(tighter)]);
    assert_eq!(messages(&notices), [""; 0]);
    assert_eq!((settings.cap_usd_per_day, settings.debounce_ms, settings.secrets.len()), (0.1, 500, 1));
    assert!(!settings.is_language_on("rust") && !settings.is_language_on("go") && settings.is_language_on("c"));
    assert_eq!(settings.tasks().row(Task::Line).max_tokens, 8);
}

#[test]
fn an_editor_whose_settings_cannot_be_read_leaves_the_embedded_model() {
    for (given, expected) in [
        (json!({ "local_only": "yes" }), Closed::Embedded),
        (json!({ "local_olny": true }), Closed::Embedded),
        (json!({ "cap": 0.1 }), Closed::Embedded),
        (json!({ "languages": { "rsut": false } }), Closed::Embedded),
        (json!({ "tasks": { "strings": { "enabled": "off" } } }), Closed::Embedded),
        (json!({ "ignore": ["a{"] }), Closed::Embedded),
        (json!({ "secrets": ["a\n!.env"] }), Closed::Embedded),
        (json!({ "secrets": ["\u{feff}!.env"] }), Closed::Embedded),
        // A key of another server, or one that only loosens.
        (json!({ "filetypes": ["python"] }), Closed::No),
        (json!({ "cap_usd_per_day": 1000 }), Closed::No),
        (json!({ "completion_menu": "yes" }), Closed::Embedded),
    ] {
        let (settings, notices) = Settings::load(&[editor(given.clone())]);
        assert_eq!(settings.closed, expected, "{given}: {notices:?}");
    }
}

#[test]
fn a_workspace_takes_away_and_gives_nothing() {
    for (source, expected) in [
        ("enabled = false\nlocal_only = true\ntrigger = \"invoked\"\ncap_usd_per_day = 0.1\nignore = [\"x\"]", &[][..]),
        ("[tasks.function]\nenabled = \"local\"\n[embedded]\nindex = false\n[languages]\nrust = false", &[]),
        ("explore = 0.0\ndebounce_ms = 900\n[tasks.line]\nmax_tokens = 9", &[]),
        (
            "cap_usd_per_day = 9",
            &["error: w:1: cap_usd_per_day: is refused: a workspace may only tighten; in force: 0.5"],
        ),
        (
            "[tasks.line]\nmax_tokens = 900",
            &["error: w:2: tasks.line.max_tokens: is refused: a workspace may only tighten; in force: 24"],
        ),
        (
            "secrets = [\"!.env\", \"more\"]",
            &["error: w:1: secrets: has `!.env`, which is left out: a workspace may add patterns, not remove any"],
        ),
    ] {
        let layer = Layer::toml(Origin::Workspace("w".into()), source);
        let (settings, notices) = Settings::default().tightened_by(&layer);
        assert_eq!(messages(&notices), expected, "{source}");
        assert_eq!(settings.closed, Closed::No, "{source}: what is refused restricts nothing");
    }
    for key in [
        "preset = \"eager\"",
        "confidence = 1.0",
        "pin = \"x\"",
        "completion_menu = false",
        "[model.evil]\nbase_url = \"http://x\"",
        "discover = false",
        "[log]\nlevel = \"trace\"",
        "[log]\nfile = false",
        "[embedded]\nmemory_mb = 1",
        "[tasks.line]\nshow = 0.9",
    ] {
        let layer = Layer::toml(Origin::Workspace("w".into()), key);
        let (settings, notices) = Settings::default().tightened_by(&layer);
        assert_eq!(Settings { closed: Closed::No, ..settings.clone() }, Settings::default(), "{key}");
        assert_eq!(settings.closed, Closed::Embedded, "{key}: its author counts on something that does not hold");
        assert!(
            matches!(&notices[..], [notice] if notice.message.starts_with("is refused: a workspace may only set cap_usd_per_day")),
            "{key}: {notices:?}"
        );
    }
}

#[test]
fn a_workspace_file_that_cannot_be_read_as_meant_leaves_the_embedded_model() {
    let utf16: Vec<u8> = "\u{feff}enabled = false".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let long = format!("enabled = false\n{}", "#".repeat(1 << 20));
    for (bytes, line, expected) in [
        (&b"enabled = \xfffalse"[..], None, "is not UTF-8 from byte 10 on"),
        (&utf16, None, "is UTF-16; save it as UTF-8"),
        (long.as_bytes(), None, "bytes long; a configuration has at most"),
        (b"enabled = no", Some(1), "enabled is no, a word without quotes; wanted: true or false"),
        (b"# x\nenabled: false", Some(2), "enabled is followed by `:`"),
        (b"\nignore = [\"a\"", Some(2), "ignore begins a list that does not end"),
        (b"[enabled]\nx = false", Some(1), "is {…}, a table; wanted: true or false"),
        (b"[tasks.string.enabled]\nx = 1", Some(1), "is {…}; known values"),
        (b"[[tasks]]\n", Some(1), "is […], a list; wanted: a table"),
        (b"enabled = \"false\"", Some(1), "is `false`, a text; wanted: true or false"),
        (b"enabled = 0", Some(1), "is 0, a whole number"),
        (b"ignore = \"secret\"", Some(1), "is `secret`, a text; wanted: a list in brackets"),
        (b"ignore = [\"a{\"]", Some(1), "which is not a pattern"),
        (b"ignore = [\"a\\n!b\"]", Some(1), "has `a\\u{a}!b`, which is not a pattern: it holds a line break"),
        (b"enabeld = false", Some(1), "unknown key; did you mean `enabled`?"),
        (b"zzz = false", Some(1), "unknown key"),
        (b"[languages]\nrsut = false", Some(2), "unknown language; did you mean `rust`?"),
        (b"[languages]\nrust = 0", Some(2), "is 0, a whole number"),
        (b"pin = \"x\"", Some(1), "is refused: a workspace may only set"),
        (b"local_only = true\nlocal_only = false", Some(2), "not TOML: duplicate key"),
        (b"local_only = true }", Some(1), "is more than one value"),
        (b"cap_usd_per_day = -1", Some(1), "is -1; allowed: 0 to 1000"),
    ] {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join(FILE);
        fs::write(&path, bytes).unwrap();
        let (settings, notices) = Settings::default().tightened_in(place.path());
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(40)]);
        assert_eq!(
            (settings.closed, settings.privacy()),
            (Closed::Embedded, Privacy::Embedded),
            "{shown}: {notices:?}"
        );
        let notice = notices.iter().max_by_key(|notice| notice.holds.closed()).unwrap();
        assert!(notice.message.contains(expected) && notice.line == line, "{shown}: {notice:?}");
        assert!(notice.holds.to_string().ends_with(&format!("answers in {}", place.path().display())), "{notice:?}");
        fs::write(&path, "enabled = false").unwrap();
        assert_eq!(Settings::default().tightened_in(place.path()).0.closed, Closed::No, "gone when mended");
    }
}

#[test]
fn a_workspace_file_that_is_no_file_closes_too() {
    let place = tempfile::tempdir().unwrap();
    let settings = Settings::default();
    assert_eq!(settings.tightened_in(place.path()), (settings.clone(), vec![]));
    assert_eq!(settings.tightened_in(&place.path().join("absent")), (settings.clone(), vec![]));
    fs::create_dir(place.path().join(FILE)).unwrap();
    let (closed, notices) = settings.tightened_in(place.path());
    assert_eq!(closed.closed, Closed::Embedded);
    assert!(notices[0].to_string().ends_with("cannot be read: not a file"), "{notices:?}");
    fs::remove_dir(place.path().join(FILE)).unwrap();
    fs::write(place.path().join(FILE), "local_only = true").unwrap();
    assert!(settings.tightened_in(place.path()).0.local_only);
    #[cfg(unix)]
    {
        let path = place.path().join(FILE);
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("nowhere", &path).unwrap();
        assert_eq!(settings.tightened_in(place.path()).0.closed, Closed::Embedded, "a link that leads nowhere");
    }
}

/// Any JSON, in which known keys are frequent.
fn anything() -> impl Strategy<Value = Value> {
    let plain = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(vec![
            "",
            "on",
            "openai",
            "local",
            "cheap",
            "http://localhost:1",
            "https://x.example",
            "qwen2.5-coder",
            "/etc"
        ])
        .prop_map(Value::from),
    ];
    let key = prop::sample::select(vec![
        "pennyworth",
        "model",
        "gpt-6-luna",
        "local",
        "protocol",
        "base_url",
        "tier",
        "api_key_cmd",
        "api_key_env",
        "price",
        "input",
        "extra",
        "tasks",
        "string",
        "enabled",
        "pin",
        "languages",
        "*",
        "ignore",
        "log",
        "level",
        "format",
        "",
        ".",
    ]);
    plain.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    })
}

#[test]
fn a_file_that_is_deep_or_long_is_refused_in_words() {
    let deep = format!("x = {}", "[".repeat(100_000));
    assert_eq!(Settings::load(&[file(&deep)]).0.closed, Closed::Here);
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("config.toml");
    fs::write(&path, "#".repeat(2_000_000)).unwrap();
    for (path, expected) in [
        (path.clone(), "is 2000000 bytes long; a configuration has at most 1048576"),
        (place.path().to_owned(), "cannot be read: not a file"),
        (place.path().join("absent"), "cannot be read: "),
    ] {
        let (settings, notices) = Settings::gather(Some(&path), &[]);
        assert_eq!(settings, Settings { closed: Closed::Here, ..Settings::default() });
        assert!(notices[0].message.starts_with(expected), "{notices:?}");
    }
}

proptest! {
    #[test]
    fn any_text_is_read_without_a_panic(source in ".{0,200}") {
        let _ = Settings::load(&[file(&source)]);
    }

    #[test]
    fn anything_an_editor_sends_is_read_without_a_panic(value in anything()) {
        let layer = Layer::editor(&value, &mut Vec::new());
        let (settings, _) = Settings::load(layer.as_slice());
        prop_assert_eq!(settings.models().enabled().count(), 0);
    }
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

#[test]
fn files_are_told_apart_by_name_place_and_head() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path();
    for (path, text) in [
        (".gitignore", "/target/\n*.log\n!keep.log\nnode_modules\n"),
        ("sub/.gitignore", "!important.log\n/local\n"),
        (".git/info/exclude", "scratch.rs\n"),
        (".git/HEAD", "ref: refs/heads/main\n"),
        ("target/.gitignore", "!kept.rs\n"),
    ] {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    }
    let settings = Settings {
        ignore: vec!["vendor/".into()],
        secrets: vec!["*.vault".into(), "!public.pem".into()],
        ..Settings::default()
    };
    let (configuration, _) = Configuration::new(1, settings, &[root.to_owned()]);
    let kind = |path: &Path| configuration.read(path).kind();
    for (path, expected) in [
        ("src/main.rs", FileKind::Normal),
        ("target/debug/x.rs", FileKind::Ignored),
        ("target/kept.rs", FileKind::Ignored),
        ("sub/target/x.rs", FileKind::Normal),
        ("a.log", FileKind::Ignored),
        ("keep.log", FileKind::Normal),
        ("sub/important.log", FileKind::Normal),
        ("sub/other.log", FileKind::Ignored),
        ("sub/local", FileKind::Ignored),
        ("local", FileKind::Normal),
        ("a/node_modules/b/c.js", FileKind::Ignored),
        ("scratch.rs", FileKind::Ignored),
        (".git/config", FileKind::Ignored),
        ("vendor/x.rs", FileKind::Ignored),
        (".env", FileKind::Secret),
        ("target/.env.production", FileKind::Secret),
        (".env.example", FileKind::Normal),
        ("keys/server.pem", FileKind::Secret),
        ("keys/public.pem", FileKind::Normal),
        ("a.vault", FileKind::Secret),
        (".ssh/config", FileKind::Secret),
        (".ssh/id_rsa", FileKind::Secret),
        ("id_rsa.pub", FileKind::Normal),
        ("Cargo.lock", FileKind::Generated),
        ("web/app.min.js", FileKind::Generated),
    ] {
        assert_eq!(kind(&root.join(path)), expected, "{path}");
    }
    assert_eq!(kind(Path::new("/elsewhere/id_ed25519")), FileKind::Secret);
    assert_eq!(kind(Path::new("/elsewhere/a.log")), FileKind::Normal);
    for (head, expected) in [
        ("// Code generated by protoc. DO NOT EDIT.\npackage x", FileKind::Generated),
        ("/*\n * @generated\n */", FileKind::Generated),
        ("fn main() {}\n\n\n\n\n\n// do not edit", FileKind::Normal),
    ] {
        assert_eq!(configuration.read(&root.join("src/x.rs")).kind_by(head, head.len()), expected, "{head}");
    }
}

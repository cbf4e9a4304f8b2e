//! Tables of configurations with what is said of them, and the property that a workspace never loosens.

use std::fs;

use pennyworth_core::gate::FileKind;
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
        ("\n\ndebounce_sm = 100", &["warning: config.toml:3: debounce_sm: unknown key; did you mean `debounce_ms`?"]),
        ("debounceMs = 100", &["warning: config.toml:1: debounceMs: unknown key; did you mean `debounce_ms`?"]),
        ("memory_mb = 9", &["warning: config.toml:1: memory_mb: unknown key; did you mean `embedded.memory_mb`?"]),
        ("[log]\nxyzzy = 9", &["warning: config.toml:2: log.xyzzy: unknown key; known here: file, level"]),
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
                "warning: config.toml:2: cap_usd_per_day: is more than cap_usd_per_month, so that the month's 10 ends it first",
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
            &["warning: config.toml:1: tasks.strings: unknown key; did you mean `string`?"],
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
            &["warning: config.toml:2: languages.rsut: unknown language; did you mean `rust`?"],
        ),
        (
            "pin = \"gpt-17\"",
            &["error: config.toml:1: pin: is `gpt-17`, which no table describes; add `[model.gpt-17]`"],
        ),
        (
            "[documents]\nmax_bytes = 10\nmax_complete_bytes = 20",
            &["warning: config.toml:3: documents.max_complete_bytes: is more than documents.max_bytes; 10 holds"],
        ),
        (
            "[model.mine]\napi_key = \"x\"\nprotocol = \"openai\"\nbase_url = \"http://localhost:1\"\nmodel = \"qwen2.5-coder\"\ntier = \"local\"",
            &[
                "warning: config.toml:2: model.mine.api_key: unknown key: keys are not written into files; `api_key_env` names a variable, `api_key_keychain` one of the keychain, `api_key_cmd` a command that prints it",
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
                "error: config.toml:2: model.mine.protocol: is `smtp`; allowed: openai, anthropic, gemini, ollama, llamacpp, tgi, replay",
            ],
        ),
    ] {
        let (_, notices) = Settings::load(&[file(source)]);
        assert_eq!(messages(&notices), expected, "{source}");
    }
}

#[test]
fn one_wrong_key_loses_nothing_else() {
    let source = "\u{feff}enabled = \"no\"\ndebounce_ms = 1_23\ncolour = \"red\"\nlocal_only = true\n[embedded]\nmemory_mb = \"big\"\nindex = false\n";
    let (settings, notices) = Settings::load(&[file(source)]);
    assert_eq!(notices.len(), 3, "{notices:?}");
    assert!(settings.enabled && settings.local_only && !settings.embedded.index);
    assert_eq!((settings.debounce_ms, settings.embedded.memory_mb), (123, 64));
}

#[test]
fn text_that_is_not_toml_costs_only_itself() {
    let (settings, notices) = Settings::load(&[file("local_only = true\ndebounce_ms = = 5\ncap_usd_per_day = 0.1\n")]);
    assert!(
        messages(&notices).iter().any(|message| message.starts_with("error: config.toml:2: not TOML")),
        "{notices:?}"
    );
    assert!(settings.local_only);
    assert_eq!(settings.cap_usd_per_day, 0.1);
}

#[test]
fn later_layers_win_key_by_key_and_lists_add_up() {
    let (settings, notices) = Settings::load(&[
        file("debounce_ms = 1\nlocal_only = true\nignore = [\"a\"]\n[embedded]\nmemory_mb = 16\nindex = false\n"),
        editor(
            json!({ "debounce_ms": 2, "ignore": ["b"], "embedded": { "memory_mb": 32 }, "trace": { "server": "off" }, "pin": null }),
        ),
        environment(&[
            ("PENNYWORTH_DEBOUNCE_MS", "3"),
            ("PENNYWORTH_EMBEDDED_INDEX", "yes"),
            ("PENNYWORTH_IGNORE", "c, d"),
            ("PENNYWORTH_TASKS_STRING_ENABLED", "local"),
            ("PENNYWORTH_LOG", "debug"),
            ("HOME", "elsewhere"),
        ]),
    ]);
    assert_eq!(messages(&notices), [""; 0]);
    assert_eq!((settings.debounce_ms, settings.embedded.memory_mb), (3, 32));
    assert!(settings.local_only && settings.embedded.index);
    assert_eq!(settings.ignore, ["a", "b", "c", "d"]);
    assert_eq!(settings.tasks().row(Task::String).enabled, Enabled::Local);
}

#[test]
fn variables_and_editors_are_named_in_messages() {
    let layers = [
        editor(json!({ "pennyworth": { "enabled": "x", "clour": 1 } })),
        environment(&[("PENNYWORTH_DEBOUNCE", "3"), ("PENNYWORTH_ENABLED", "perhaps"), ("PENNYWORTH_CONFIG", "x")]),
    ];
    assert_eq!(
        messages(&Settings::load(&layers).1),
        [
            "warning: editor settings: clour: unknown key; known here: cap_usd_per_day, cap_usd_per_month, completion_menu, confidence, debounce_ms, discover, documents, embedded, enabled, escalate, explore, format, ignore, languages, local_only, log, model, pin, preset, provider, secrets, speculate, tasks, telemetry, trigger",
            "error: editor settings: enabled: is `x`, a text; wanted: true or false",
            "warning: environment: PENNYWORTH_DEBOUNCE: unknown key; did you mean `PENNYWORTH_DEBOUNCE_MS`?",
            "error: environment: PENNYWORTH_ENABLED: is `perhaps`, a text; wanted: true or false",
        ]
    );
    let mut notices = Vec::new();
    assert!(Layer::editor(&json!([1]), &mut notices).is_none());
    assert!(Layer::editor(&Value::Null, &mut notices).is_none());
    assert_eq!(messages(&notices), ["error: editor settings: is a list; wanted: an object"]);
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

/// A model on this machine, as a row.
fn local(extra: Value) -> Value {
    let mut row =
        json!({ "protocol": "openai", "base_url": "http://localhost:1/v1", "model": "qwen2.5-coder", "tier": "local" });
    row.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    row
}

#[test]
fn an_editor_names_models_on_this_machine_and_no_others() {
    let elsewhere = r#"
        [model.mine]
        protocol = "openai"
        base_url = "https://models.example/v1"
        model = "qwen2.5-coder"
        tier = "cheap"
        price = { input = 1.0, output = 1.0, as_of = "2026-01-01" }
        api_key_env = "PENNYWORTH_MINE"
    "#;
    let price = json!({ "input": 0.0, "output": 0.0, "as_of": "2026-01-01" });
    for (given, name, is_enabled, is_refused) in [
        (local(json!({})), "here", true, false),
        (local(json!({ "base_url": "https://evil.example", "tier": "cheap", "price": price })), "there", false, true),
        (local(json!({ "api_key_cmd": "rm -r x" })), "here", false, true),
        (json!({ "context": 4096 }), "mine", true, false),
        (json!({ "base_url": "https://evil.example" }), "mine", true, true),
        (json!({ "api_key_env": "OTHER_KEY" }), "mine", true, true),
    ] {
        let layers =
            [file(elsewhere), editor(json!({ "model": { name: given } })), environment(&[("PENNYWORTH_MINE", "k")])];
        let (settings, notices) = Settings::load(&layers);
        let models = settings.models();
        assert_eq!(models.enabled().any(|model| model.name == name), is_enabled, "{given}");
        assert_eq!(models.get("mine").unwrap().base_url, "https://models.example/v1", "{given}");
        assert_eq!(!notices.is_empty(), is_refused, "{given}: {notices:?}");
    }
}

#[test]
fn an_editor_moves_no_provider() {
    let own = "[model.q]\nprovider = 'ollama'\nmodel = 'qwen2.5-coder'\n[provider.ollama]\nstop_limit = 3";
    let evil = editor(json!({ "provider": { "ollama": { "base_url": "https://evil.example", "tier": "cheap" } } }));
    let (settings, notices) = Settings::load(&[file(own), evil]);
    let models = settings.models();
    let model = models.get("q").unwrap();
    assert_eq!((model.base_url.as_str(), model.stop_limit), ("http://127.0.0.1:11434", 3));
    let message = "error: editor settings: provider: is left out: only your own config.toml may describe a provider";
    assert_eq!(messages(&notices), [message]);
}

#[test]
fn a_workspace_takes_away_and_gives_nothing() {
    for (source, expected) in [
        ("enabled = false\nlocal_only = true\ntrigger = \"invoked\"\ncap_usd_per_day = 0.1\nignore = [\"x\"]", &[][..]),
        ("[tasks.function]\nenabled = \"local\"\n[embedded]\nindex = false\n[languages]\nrust = false", &[]),
        (
            "cap_usd_per_day = 9",
            &["error: w:1: cap_usd_per_day: is refused: a workspace may only tighten, and 0.5 holds"],
        ),
        (
            "[tasks.string]\nenabled = \"on\"",
            &["error: w:2: tasks.string.enabled: is refused: a workspace may only tighten, and `off` holds"],
        ),
        (
            "secrets = [\"!.env\", \"more\"]",
            &["error: w:1: secrets: has `!.env`, which is left out: a workspace may add patterns, not take any away"],
        ),
        ("enabled = \"x\"", &["error: w:1: enabled: is `x`, a text; wanted: true or false"]),
    ] {
        let layer = Layer::toml(Origin::Workspace("w".into()), source);
        assert_eq!(messages(&tighten::tightened(&Settings::default(), &layer).1), expected, "{source}");
    }
    for key in [
        "debounce_ms = 0",
        "preset = \"eager\"",
        "pin = \"x\"",
        "[model.evil]\nbase_url = \"http://x\"",
        "[log]\nlevel = \"trace\"",
        "[tasks.line]\nmax_tokens = 9",
    ] {
        let layer = Layer::toml(Origin::Workspace("w".into()), key);
        let (settings, notices) = tighten::tightened(&Settings::default(), &layer);
        assert_eq!(settings, Settings::default(), "{key}");
        assert!(
            matches!(&notices[..], [notice] if notice.message.starts_with("is refused: a workspace may only say")),
            "{key}: {notices:?}"
        );
    }
}

#[test]
fn the_workspace_file_is_found_and_an_unreadable_one_is_said() {
    let place = tempfile::tempdir().unwrap();
    let settings = Settings::default();
    assert_eq!(settings.tightened_in(place.path()), (settings.clone(), vec![]));
    fs::write(place.path().join(".pennyworth.toml"), "local_only = true").unwrap();
    assert!(settings.tightened_in(place.path()).0.local_only);
    fs::write(place.path().join(".pennyworth.toml"), b"x = \"\xff\"").unwrap();
    let (same, notices) = settings.tightened_in(place.path());
    assert_eq!(same, settings);
    assert!(notices[0].to_string().ends_with("is not UTF-8 from byte 5 on"), "{notices:?}");
}

/// How open a task is, of three steps.
fn openness(tasks: &Tasks, task: Task) -> u8 {
    match tasks.row(task).enabled {
        Enabled::Off => 0,
        Enabled::Local => 1,
        Enabled::On => 2,
    }
}

fn assert_not_looser(base: &Settings, result: &Settings) {
    assert!(base.enabled || !result.enabled);
    assert!(!base.local_only || result.local_only);
    assert!(base.trigger == Trigger::Automatic || result.trigger == Trigger::Invoked);
    assert!(result.cap_usd_per_day <= base.cap_usd_per_day);
    assert!(base.embedded.enabled || !result.embedded.enabled);
    assert!(base.embedded.index || !result.embedded.index);
    for (before, after) in [(&base.ignore, &result.ignore), (&base.secrets, &result.secrets)] {
        assert!(
            after.starts_with(before) && after[before.len()..].iter().all(|glob| !glob.trim_start().starts_with('!'))
        );
    }
    let (before, after) = (base.tasks(), result.tasks());
    for task in Task::ALL {
        assert!(openness(&after, task) <= openness(&before, task), "{task}");
    }
    for language in ["rust", "go", "c", "unheard-of"] {
        assert!(base.is_language_on(language) || !result.is_language_on(language), "{language}");
    }
    // What a workspace may not speak of at all is as it was.
    let rest = |settings: &Settings| {
        let mut value = serde_json::to_value(settings).unwrap();
        let object = value.as_object_mut().unwrap();
        for key in ["enabled", "local_only", "trigger", "cap_usd_per_day", "ignore", "secrets", "languages", "tasks"] {
            object.remove(key);
        }
        for key in ["enabled", "index"] {
            object["embedded"].as_object_mut().unwrap().remove(key);
        }
        value
    };
    assert_eq!(rest(result), rest(base));
}

prop_compose! {
    /// Lines that a configuration may have, sensible or not.
    fn lines()(lines in prop::collection::btree_map(prop::sample::select(vec![
        "enabled", "local_only", "trigger", "cap_usd_per_day", "debounce_ms", "confidence", "preset", "pin", "speculate", "escalate",
        "ignore", "secrets", "languages.\"*\"", "languages.rust", "languages.go", "embedded.enabled", "embedded.index",
        "embedded.memory_mb", "documents.max_bytes", "log.level", "tasks.string.enabled", "tasks.line.enabled", "tasks.line.show",
        "tasks.function.enabled", "tasks.function.pin", "model.a.base_url", "model.a.tier", "model.a.api_key_cmd", "nonsense",
    ]), prop::sample::select(vec![
        "true", "false", "\"invoked\"", "\"automatic\"", "\"on\"", "\"local\"", "\"off\"", "0", "0.1", "0.9", "300", "[\"a\"]",
        "[\"!a\"]", "[\" !a\", \"b\"]", "\"eager\"", "\"frugal\"", "\"http://x\"", "-5", "[[]]", "{}",
    ]), 0..12)) -> String {
        lines.into_iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
    }
}

/// Any JSON, with keys that mean something more often than chance would have it.
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
    assert!(Settings::load(&[file(&deep)]).1.iter().any(|notice| notice.message.starts_with("not TOML")));
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("config.toml");
    fs::write(&path, "#".repeat(2_000_000)).unwrap();
    for (path, expected) in [
        (path.clone(), "is 2000000 bytes long; a configuration has at most 1048576"),
        (place.path().to_owned(), "cannot be read: not a file"),
        (place.path().join("absent"), "cannot be read: "),
    ] {
        let (settings, notices) = Settings::gather(Some(&path), &[]);
        assert_eq!(settings, Settings::default());
        assert!(notices[0].message.starts_with(expected), "{notices:?}");
    }
}

proptest! {
    #[test]
    fn a_workspace_never_loosens(base in lines(), workspace in lines()) {
        let (base, _) = Settings::load(&[file(&base)]);
        let layer = Layer::toml(Origin::Workspace("w".into()), &workspace);
        let (result, _) = tighten::tightened(&base, &layer);
        assert_not_looser(&base, &result);
        prop_assert_eq!(tighten::tightened(&result, &layer).0.cap_usd_per_day, result.cap_usd_per_day, "tightening twice is tightening once");
    }

    #[test]
    fn any_text_is_read_without_a_panic(source in ".{0,200}") {
        let _ = Settings::load(&[file(&source)]);
    }

    #[test]
    fn anything_an_editor_sends_is_read_without_a_panic(value in anything()) {
        let layer = Layer::editor(&value, &mut Vec::new());
        let (settings, _) = Settings::load(layer.as_slice());
        prop_assert!(settings.models().enabled().all(|model| model.is_on_this_machine() && model.api_key_cmd.is_none()));
    }
}

#[test]
fn the_commented_file_says_nothing_and_uncommented_it_says_the_defaults() {
    let config = docs::commented_config();
    assert_eq!(Settings::load(&[file(&config)]), (Settings::default(), vec![]), "{config}");
    let is_key = |line: &str| {
        line.split_once(" = ").is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
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
    let ignored = Ignored::new(&settings, root);
    for (path, kind) in [
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
        assert_eq!(ignored.kind(&root.join(path)), kind, "{path}");
    }
    assert_eq!(ignored.kind(Path::new("elsewhere/id_ed25519")), FileKind::Secret);
    assert_eq!(ignored.kind(Path::new("elsewhere/a.log")), FileKind::Normal);
    for (head, kind) in [
        ("// Code generated by protoc. DO NOT EDIT.\npackage x", FileKind::Generated),
        ("/*\n * @generated\n */", FileKind::Generated),
        ("fn main() {}\n\n\n\n\n\n// do not edit", FileKind::Normal),
    ] {
        assert_eq!(ignored.kind_of_text(&root.join("src/x.rs"), head), kind, "{head}");
    }
}

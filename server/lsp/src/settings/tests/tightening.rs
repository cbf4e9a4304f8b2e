//! Editors and workspaces only tighten what the user's own file says.

use super::*;

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

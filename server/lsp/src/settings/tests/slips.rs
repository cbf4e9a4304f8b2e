//! What is said about a file with a fault, and what a fault stops.

use super::*;

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

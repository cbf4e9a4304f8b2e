//! The shipped rows, the user's rows over them, and the messages about bad rows.

use super::load::SHIPPED;
use super::*;
use crate::money::Money;
use crate::task::Tier;

const USER: &str = r#"
[model.gpt-6-luna]

[model.mine]
protocol = "openai"
base_url = "http://localhost:8000/v1/"
model = "Qwen/Qwen2.5-Coder-7B"
tier = "local"
"#;

#[test]
fn the_shipped_table_is_valid_and_enables_nothing() {
    let mut models = Models::default();
    for (file, source) in SHIPPED {
        let (more, problems) = models.extended(file, source);
        assert_eq!(problems, []);
        models = more;
    }
    assert_eq!(Models::builtin().enabled().count(), 0);
    for format in models.formats() {
        assert!(!format.stops.is_empty() || format.shape != Shape::Raw, "{}", format.name);
        for stop in &format.stops {
            assert!(format.markers.contains(&stop.trim_start_matches(' ').to_owned()), "{}: {stop:?}", format.name);
        }
        if format.shape == Shape::Raw {
            let occurs = |marker: &String| format.template.literals().any(|text| text.contains(marker.as_str()));
            assert!(format.markers.iter().any(occurs), "{}", format.name);
        }
    }
    for model in models.all() {
        assert!(model.price.is_free() == (model.tier == Tier::Local), "{}", model.name);
        assert!(!model.price.as_of.is_empty(), "{}", model.name);
    }
    assert_eq!(
        Models::builtin().format("deepseek").unwrap().markers[0].as_bytes(),
        b"<\xef\xbd\x9cfim\xe2\x96\x81begin\xef\xbd\x9c>"
    );
}

#[test]
fn a_users_row_changes_keys_of_a_shipped_one_and_enables_it() {
    let (models, problems) = Models::builtin().extended("config.toml", USER);
    assert_eq!(problems, []);
    assert_eq!(models.enabled().map(|model| model.name.as_str()).collect::<Vec<_>>(), ["gpt-6-luna", "mine"]);
    let mine = models.get("mine").unwrap();
    assert_eq!((mine.base_url.as_str(), mine.format.as_str()), ("http://localhost:8000/v1", "qwen"));
    let (models, problems) = models.extended("more.toml", "[model.gpt-6-luna]\nprice = { input = 0.2 }");
    assert_eq!(problems, []);
    let model = models.get("gpt-6-luna").unwrap();
    let price = &model.price;
    assert_eq!((price.write_long, price.batch, model.cache_min), (Some(Money::per_token(0.25)), Some(0.5), Some(1024)));
    let flex = models.get("gpt-6-luna-flex").unwrap();
    let tier = flex.extra.get("service_tier").and_then(toml::Value::as_str);
    assert_eq!((flex.price.output, tier), (price.output.scaled(0.5), Some("flex")));
    assert_eq!((price.input, price.output), (Money::per_token(0.2), Money::per_token(0.5)));
}

#[test]
fn a_model_has_the_keys_of_its_provider_where_it_has_none_of_its_own() {
    let source = "[provider.groq]\nstop_limit = 2\n[model.x]\nprovider = 'groq'\nmodel = 'y'\ntier = 'premium'\nprice = { input = 1, output = 2, as_of = '2026-11-25' }";
    let (models, problems) = Models::builtin().extended("config.toml", source);
    assert_eq!(problems, []);
    let model = models.get("x").unwrap();
    assert_eq!(
        (model.base_url.as_str(), model.stop_limit, model.tier),
        ("https://api.groq.com/openai/v1", 2, Tier::Premium)
    );
    assert_eq!((model.provider.as_deref(), model.api_key_env.as_deref()), (Some("groq"), Some("GROQ_API_KEY")));
}

#[test]
fn a_price_is_lower_off_peak() {
    let models = Models::builtin();
    let price = &models.get("deepseek-v4-flash").unwrap().price;
    for (seconds, share) in [
        (1_763_953_200, 1.0), // Monday, 24 November 2025, 03:00 UTC
        (1_763_956_800, 0.5), // 04:00
        (1_763_964_000, 1.0), // 06:00
        (1_763_978_400, 0.5), // 10:00
        (1_763_866_800, 0.5), // Sunday, 03:00
    ] {
        let now = price.at(WeekHour::of(seconds));
        assert_eq!((now.input, now.output), (price.input.scaled(share), price.output.scaled(share)), "{seconds}");
    }
    assert_eq!(
        price.worst(100, 10),
        price.at(WeekHour::of(1_763_953_200)).worst(100, 10),
        "the cap holds back the peak price"
    );
}

#[test]
fn a_format_is_found_by_the_longest_known_name_and_never_guessed() {
    let models = Models::builtin();
    for (id, format) in [
        ("qwen2.5-coder:1.5b-base", Some("qwen")),
        ("Qwen/Qwen3-Coder-30B-A3B-Instruct", Some("qwen")),
        ("bigcode/starcoder2-3b", Some("starcoder")),
        ("deepseek-ai/deepseek-coder-1.3b-base", Some("deepseek")),
        ("codellama:34b", None),
        ("gpt-6-luna", None),
        ("", None),
    ] {
        assert_eq!(models.format_for_id(id).map(|format| format.name.as_str()), format, "{id}");
    }
}

/// Keys of a good row, one per line after the table's name.
const GOOD: [(&str, &str); 6] = [
    ("protocol", "'openai'"),
    ("base_url", "'https://a.example'"),
    ("model", "'x'"),
    ("format", "'chat'"),
    ("tier", "'cheap'"),
    ("price", "{ input = 1, output = 2, as_of = '2026-11-23' }"),
];

#[test]
fn bad_keys_are_named_with_file_line_and_what_is_allowed() {
    for (key, value, expected) in [
        (
            "price",
            "{ input = -1, output = 2 }",
            "c.toml:7: model.x.price.input: is -1; allowed: 0 to 10000 USD per million tokens",
        ),
        (
            "price",
            "{ input = nan, output = 2 }",
            "c.toml:7: model.x.price.input: is NaN; allowed: 0 to 10000 USD per million tokens",
        ),
        ("price", "{ input = 1 }", "c.toml:7: model.x.price.output: is missing; in USD per million tokens"),
        ("price", "{ input = 1, output = 2 }", "c.toml:7: model.x.price.as_of: is missing"),
        (
            "price",
            "{ input = 1, output = 2, write_long = -1 }",
            "c.toml:7: model.x.price.write_long: is -1; allowed: 0 to 10000 USD per million tokens",
        ),
        ("price", "{ input = 1, output = 2, batch = 50 }", "c.toml:7: model.x.price.batch: is 50; allowed: 0 to 1"),
        (
            "price",
            "{ input = 1, output = 2, as_of = '2026-11-23', off_peak = { share = -0.5 } }",
            "c.toml:7: model.x.price.off_peak.share: is -0.5; allowed: 0 to 1",
        ),
        ("cache_min", "0", "c.toml:8: model.x.cache_min: is 0; allowed: 1 to 100000000"),
        (
            "protocol",
            "'grpc'",
            "c.toml:2: model.x.protocol: is `grpc`; allowed: openai, anthropic, gemini, ollama, llamacpp, tgi",
        ),
        ("tier", "'dear'", "c.toml:6: model.x.tier: is `dear`; allowed: local, cheap, premium"),
        (
            "tier",
            "'local'",
            "c.toml:6: model.x.tier: is `local`, but https://a.example is not this machine; local: localhost, 127.0.0.1, [::1]; else: cheap, premium",
        ),
        (
            "base_url",
            "'http://a.example'",
            "c.toml:3: model.x.base_url: is `http://a.example`; a paid model on another machine needs https://",
        ),
        ("base_url", "'ftp://a'", "c.toml:3: model.x.base_url: is `ftp://a`; it must begin with http:// or https://"),
        (
            "format",
            "'qwn'",
            "c.toml:5: model.x.format: is `qwn`; did you mean `qwen`? Known formats: chat, chat_brief, chat_claude,",
        ),
        ("format", "'nix'", "c.toml:5: model.x.format: is `nix`; known formats: chat, chat_brief, chat_claude,"),
        (
            "protocol",
            "'tgi'",
            "c.toml:5: model.x.format: is `chat`, a `chat` format, which this protocol does not carry; it carries: codegeex,",
        ),
        ("provider", "'nix'", "c.toml:8: model.x.provider: is `nix`; known providers: anthropic, cerebras,"),
        ("shutdown", "'soon'", "c.toml:8: model.x.shutdown: is `soon`; a day is written YYYY-MM-DD"),
        ("path", "'fim'", "c.toml:8: model.x.path: is `fim`; it must begin with / and have no blanks"),
        (
            "batch",
            "'daily'",
            "c.toml:8: model.x.batch: is `daily`; allowed: openai, together, anthropic, gemini, mistral, openrouter, none",
        ),
        ("batch", "'gemini'", "c.toml:8: model.x.batch: is `gemini`, whose requests are of the protocol `gemini`"),
        ("headers", "{ 'a b' = '' }", "c.toml:8: model.x.headers: is `a b`; a header's name has letters, digits and -"),
        ("headers", "{ a = \"\\n\" }", "c.toml:8: model.x.headers: has `a` with a value that is not printable ASCII"),
        ("api_key_header", "''", "c.toml:8: model.x.api_key_header: is ``; a header's name has letters, digits and -"),
        ("context", "10", "c.toml:8: model.x.context: is 10; allowed: 256 to 100000000"),
        ("context", "'big'", "c.toml:8: invalid type: string \"big\", expected i64"),
        ("stop_limit", "-1", "c.toml:8: model.x.stop_limit: is -1; allowed: 0 to 255"),
        ("chars_per_token", "0", "c.toml:8: model.x.chars_per_token: is 0; allowed: 1 to 20"),
        ("abort_billed", "'maybe'", "c.toml:8: model.x.abort_billed: is `maybe`; allowed: yes, no, unknown"),
        ("colour", "1", "c.toml:8: unknown field `colour`"),
    ] {
        let mut keys = GOOD.to_vec();
        match keys.iter_mut().find(|(good, _)| *good == key) {
            Some(good) => good.1 = value,
            None => keys.push((key, value)),
        }
        let lines: String = keys.iter().map(|(key, value)| format!("\n{key} = {value}")).collect();
        check(&format!("[model.x]{lines}"), expected);
    }
}

#[test]
fn bad_tables_are_named_and_the_rest_stays() {
    for (source, expected) in [
        (
            "\n[model.x]\nmodel = 'y'",
            "c.toml:2: model.x.protocol: is missing; allowed: openai, anthropic, gemini, ollama, llamacpp, tgi",
        ),
        ("[model.x]\n[model.x]", "c.toml:2: duplicate key"),
        ("= 1", "c.toml:1: "),
        ("[format.y]\nshape = 'round'", "c.toml:2: format.y.shape: is `round`; allowed: raw, fields, chat"),
        (
            "[format.y]\nshape = 'raw'\ntemplate = '<A>{prefix}'",
            "c.toml:3: format.y.template: leaves the model no hole to fill; a `raw` template has {prefix} and {suffix} once each",
        ),
        (
            "[format.y]\nshape = 'raw'\ntemplate = '<A>{prefix}<B>{suffix}'\nmarkers = ['<A>']\nstops = ['<A>']",
            "c.toml:4: format.y.markers: lacks `<B>`, which the template has; code with that text could forge a prompt",
        ),
        (
            "[format.y]\nshape = 'raw'\ntemplate = '<A>{prefix}{suffix}'\nmarkers = ['<A>']",
            "c.toml:1: format.y.stops: is empty; a `raw` format needs at least one text that ends an answer",
        ),
        (
            "[format.y]\nlike = 'z'",
            "c.toml:2: format.y.like: is `z`; `like` must name an earlier format that has no `like` itself",
        ),
        (
            "[format.y]\nlike = 'y'",
            "c.toml:2: format.y.like: is `y`; `like` must name an earlier format that has no `like` itself",
        ),
        ("[format.y]\nlike = 'chat_gpt'", "c.toml:2: format.y.like: is `chat_gpt`; `like` must name an earlier format"),
        ("[format.y]\nshape = 'fields'\ntemplate = '{prefix}{nix}'", "c.toml:3: format.y.template: unknown hole {nix}"),
    ] {
        check(source, expected);
    }
}

fn check(source: &str, expected: &str) {
    let (models, problems) = Models::builtin().extended("c.toml", source);
    let first = problems.first().map(ToString::to_string).unwrap_or_default();
    assert!(first.starts_with(expected), "{source}\n  got {first}\n want {expected}");
    assert!(models.get("x").is_none() && models.get("gpt-6-luna").is_some());
}

#[test]
fn only_loopback_is_this_machine() {
    for (url, here) in [
        ("http://127.0.0.1:11434/v1", true),
        ("http://127.1/v1", true),
        ("http://localhost/v1", true),
        ("HTTP://LOCALHOST/v1", true),
        ("http://[::1]:80", true),
        ("https://localhost.evil.example/v1", false),
        ("https://127.0.0.1.example", false),
        ("https://127.0.0.1@evil.example", false),
        ("https://evil.example#@127.0.0.1", false),
        ("https://evil.example\\\\@127.0.0.1", false),
        ("http://a.localhost", false),
        ("http://localhost.localdomain", false),
        ("http://0.0.0.0:11434", false),
        ("http://[::]", false),
        ("http://host.docker.internal:11434", false),
        ("http://192.168.1.5:11434", false),
        ("https://10.0.0.1", false),
        ("http://[::1]evil.example", false),
        ("unix:///run/model.sock", false),
        ("http+unix://%2Frun%2Fmodel.sock", false),
        ("localhost:11434", false),
        ("", false),
    ] {
        assert_eq!(is_loopback(&url.replace("\\\\", "\\")), here, "{url}");
    }
}

#[test]
fn an_address_here_is_one_fact_and_code_that_stays_here_is_another() {
    let paid = "price = { input = 1, output = 1, as_of = '2026-11-25' }";
    let free = "price = { input = 0, output = 0, as_of = '2026-11-25' }";
    let server = "protocol = 'openai'\nbase_url = 'http://127.0.0.1:9/v1'\nmodel = 'qwen2.5-coder'";
    for (row, expected) in [
        ("provider = 'ollama'\nmodel = 'qwen2.5-coder'", Ok((true, true))),
        (&format!("{server}\ntier = 'local'"), Ok((true, true))),
        (&format!("{server}\ntier = 'cheap'\n{free}"), Ok((true, false))),
        (&format!("{server}\ntier = 'premium'\n{paid}"), Ok((true, false))),
        (&format!("{server}\ntier = 'local'\n{paid}"), Ok((true, false))),
        (&format!("{server}\ntier = 'local'\ncharges = true"), Ok((true, false))),
        (&format!("provider = 'litellm'\nmodel = 'gpt'\n{paid}"), Ok((true, false))),
        (&format!("provider = 'litellm'\nmodel = 'gpt'\n{free}"), Ok((true, false))),
        (
            "provider = 'litellm'\nmodel = 'gpt'\ntier = 'local'",
            Err("a proxy at http://127.0.0.1:4000/v1 passes code on"),
        ),
        (
            "provider = 'litellm'\nmodel = 'gpt'\ntier = 'local'\nbase_url = 'http://127.0.0.1:9'",
            Err("a proxy at http://127.0.0.1:9 passes code on"),
        ),
        (
            "protocol = 'openai'\nbase_url = 'http://localhost:4000'\nmodel = 'qwen2.5-coder'\ntier = 'local'",
            Err("a proxy at http://localhost:4000 passes code on"),
        ),
        ("provider = 'litellm'\nmodel = 'gpt'\ntier = 'local'\nforwards = false\ncharges = false", Ok((true, true))),
        (
            "provider = 'ollama'\nmodel = 'qwen3-coder:480b-cloud'",
            Err("`qwen3-coder:480b-cloud` runs at another company"),
        ),
        (
            "protocol = 'openai'\nbase_url = 'http://127.0.0.1:11434/v1'\nmodel = 'qwen3-coder:cloud'\ntier = 'local'",
            Err("`qwen3-coder:cloud` runs at another company"),
        ),
        (&format!("provider = 'ollama'\nmodel = 'qwen3-coder:480b-cloud'\ntier = 'cheap'\n{paid}"), Ok((true, false))),
        (
            "provider = 'ollama'\nmodel = 'qwen3-coder:480b-cloud'\ntier = 'cheap'",
            Err("is missing; a model that is not `local`"),
        ),
    ] {
        let (models, problems) = Models::builtin().extended("c", &format!("[model.x]\n{row}"));
        let found = models.get("x").map(|model| (model.address_is_here(), model.code_stays_here()));
        match expected {
            Ok(facts) => assert_eq!(found, Some(facts), "{row}\n{problems:?}"),
            Err(part) => {
                assert_eq!(found, None, "{row}");
                assert!(problems[0].message.contains(part), "{row}\n{problems:?}");
            }
        }
    }
}

#[test]
fn a_model_that_ollama_serves_is_known_by_any_protocol() {
    let (models, problems) = Models::builtin().extended(
        "c",
        "[model.local]\n[model.a]\nprovider = 'ollama'\nmodel = 'qwen2.5-coder'\nbase_url = 'http://localhost:1'\n\
         [model.b]\nprovider = 'vllm'\nmodel = 'qwen2.5-coder'",
    );
    assert_eq!(problems, []);
    let ollama = |name: &str| models.get(name).unwrap().ollama.clone();
    assert_eq!(ollama("local").as_deref(), Some("http://127.0.0.1:11434"));
    assert_eq!(ollama("a").as_deref(), Some("http://localhost:1"));
    assert_eq!(ollama("b"), None);
}

#[test]
fn a_model_without_a_format_is_told_what_each_is_for() {
    for (id, likely) in [
        ("acme/my-Qwen-finetune", Some("qwen")),
        ("team-deepseek-6.7b", Some("deepseek")),
        ("llama-4-instruct", Some("chat")),
        ("acme-7b", None),
    ] {
        let row = format!("[model.x]\nprovider = 'vllm'\nmodel = '{id}'");
        let (_, problems) = Models::builtin().extended("c", &row);
        let message = &problems[0].message;
        assert!(
            message.contains("`chat` for any chat model") && message.contains("`qwen` for Qwen2.5-Coder"),
            "{message}"
        );
        let usual = likely.map(|format| format!("usually take `format = \"{format}\"`"));
        assert_eq!(message.contains("usually take"), usual.is_some(), "{message}");
        assert!(usual.is_none_or(|usual| message.contains(&usual)), "{message}");
    }
    let (_, problems) = Models::builtin().extended("c", "[model.x]\nprovider = 'tgi'\nmodel = 'my-llama'");
    assert!(!problems[0].message.contains("chat"), "what the protocol does not carry is not proposed: {problems:?}");
}

#[test]
fn every_shipped_format_says_what_it_is_for() {
    for format in Models::builtin().formats() {
        assert!(!format.about.is_empty(), "{}", format.name);
    }
}

#[test]
fn a_name_of_any_length_is_refused_without_being_repeated() {
    let long = "x".repeat(1 << 20);
    for (name, id) in [(&*long, "qwen2.5-coder"), ("m", &*long)] {
        let row = format!(
            "[model.{name}]\nprotocol = 'openai'\nbase_url = 'http://localhost:1/v1'\nmodel = '{id}'\nformat = 'qwen'\ntier = 'local'\n"
        );
        let (models, problems) = Models::builtin().extended("rows", &row);
        assert_eq!(models.enabled().count(), 0);
        let [problem] = &problems[..] else { panic!("{} problems", problems.len()) };
        assert!(problem.message.contains("at most 200") && problem.message.len() < 200, "{}", problem.message.len());
    }
}

#[test]
fn a_provider_lends_its_batch_api_and_a_row_may_refuse_it() {
    let shipped = Models::builtin();
    for (name, batch) in [
        ("gpt-6-luna", Some(BatchProtocol::Openai)),
        ("gpt-6-luna-flex", None),
        ("claude-haiku-5-5", Some(BatchProtocol::Anthropic)),
        ("gemini-2-5-flash-lite", Some(BatchProtocol::Gemini)),
        ("codestral", Some(BatchProtocol::Mistral)),
        ("groq-gpt-oss-20b", Some(BatchProtocol::Openai)),
        ("together-qwen3-5-9b", Some(BatchProtocol::Together)),
        ("deepseek-v4-flash", None),
    ] {
        assert_eq!(shipped.get(name).unwrap().batch, batch, "{name}");
    }
    let (models, problems) = shipped.extended("c.toml", "[model.codestral]\nbatch = 'none'");
    assert_eq!((problems, models.get("codestral").unwrap().batch), (vec![], None));
    let row = "[model.claude]\nprovider = 'openrouter'\nprotocol = 'anthropic'\nmodel = 'anthropic/claude-haiku-5-5'\nformat = 'chat'\n\
        price = { input = 1, output = 1, as_of = '2026-11-25' }";
    let (models, problems) = shipped.extended("c.toml", row);
    assert_eq!(
        (problems, models.get("claude").unwrap().batch),
        (vec![], None),
        "OpenRouter's batches are OpenAI's requests here"
    );
}

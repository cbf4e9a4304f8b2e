//! Each form of list, texts that are no list, and their effect on the table of prices and the models' rows.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::PathBuf;

use pennyworth_core::money::Money;

use super::*;

/// The models of a user: five at services that resell others, and one on this machine.
const CONFIG: &str = "
[model.luna]
provider = 'openrouter'
model = 'openai/gpt-6-luna'
price = { input = 0.10, output = 0.50, as_of = '2026-11-23' }
[model.coder]
provider = 'openrouter'
model = 'qwen/qwen3-coder'
[model.auto]
provider = 'openrouter'
model = 'openrouter/auto'
price = { input = 1, output = 1, as_of = '2026-11-23' }
[model.gone]
provider = 'openrouter'
model = 'gone/gone'
price = { input = 1, output = 1, as_of = '2026-01-23' }
[model.team]
provider = 'litellm'
model = 'team-luna'
price = { output = 2 }
[model.local]
";

struct Home(tempfile::TempDir);

impl Home {
    fn with(config: &str) -> Home {
        let home = Home(tempfile::tempdir().unwrap());
        fs::write(home.config(), config).unwrap();
        home
    }

    fn config(&self) -> PathBuf {
        self.0.path().join("config.toml")
    }

    fn table(&self) -> Option<String> {
        fs::read_to_string(self.0.path().join("prices.toml")).ok()
    }

    fn file(&self, text: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join("list");
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// The printed lines, with single spaces.
    fn refresh(&self, source: &str, dry_run: bool) -> Result<Vec<String>, String> {
        let mut out = Vec::new();
        let refresh = Refresh { source: source.to_owned(), dry_run };
        refresh.run(Some(&self.config()), &mut out).map_err(|error| format!("{error:#}"))?;
        let text = String::from_utf8(out).unwrap();
        Ok(text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect())
    }

    /// Input and output price of a model that may be called.
    fn price(&self, name: &str) -> Option<(Money, Money)> {
        let (settings, _) = Settings::gather(Some(&self.config()), &[]);
        settings.models().get(name).map(|model| (model.price.input, model.price.output))
    }
}

fn list(name: &str) -> String {
    format!("{}/../../tests/prices/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

fn usd(input: f64, output: f64) -> Option<(Money, Money)> {
    Some((Money::per_token(input), Money::per_token(output)))
}

fn assert_has(lines: &[String], expected: &[&str]) {
    for expected in expected {
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}\n{lines:#?}");
    }
}

#[test]
fn openrouters_prices_are_for_its_own_models_and_a_price_of_the_users_own_holds() {
    let home = Home::with(CONFIG);
    assert_eq!(home.price("coder"), None, "without a price it cannot be called");
    let lines = home.refresh(&list("openrouter"), true).unwrap();
    assert_eq!((home.table(), home.price("coder")), (None, None), "{lines:?}");
    let lines = home.refresh(&list("openrouter"), false).unwrap();
    assert_has(
        &lines,
        &[
            "coder input - -> 0.075",
            "coder output - -> 0.3",
            "luna input 0.1 -> 0.11 (overridden by your configuration)",
            "luna cached - -> 0.011",
            "left alone: auto: its `prompt` varies",
            "openrouter.json: gone",
            "this list has no prices of anthropic, cerebras, deepinfra, deepseek,",
            "prices.toml",
            "warning: gone: the price is",
        ],
    );
    assert_eq!(home.price("coder"), usd(0.075, 0.3));
    assert_eq!(home.price("luna"), usd(0.1, 0.5));
    assert_eq!(home.price("codestral"), usd(0.3, 0.9), "the name is the same, the service is not");
    let (settings, notices) = Settings::gather(Some(&home.config()), &[]);
    assert!(notices.iter().all(|notice| notice.key != "model.coder.price"), "{notices:?}");
    let enabled: Vec<_> = settings.models().enabled().map(|model| model.name.clone()).collect();
    assert_eq!(enabled, ["auto", "coder", "gone", "local", "luna"], "a price switches nothing on");
}

#[test]
fn litellms_prices_are_for_every_service_it_has_a_name_for() {
    let home = Home::with(CONFIG);
    let lines = home.refresh(&list("litellm"), false).unwrap();
    assert_has(
        &lines,
        &[
            "gpt-6-luna input 0.1 -> 0.12",
            "gpt-6-luna cache_min 1024 -> 512",
            "gpt-6-luna shutdown - -> 2027-09-01",
            "gpt-6-luna-flex input 0.05 -> 0.04",
            "together-qwen3-5-9b input 0.17 -> 0.18",
            "coder input - -> 0.08",
            "left alone: claude-haiku-5-5: its `input_cost_per_token` is `-2e-07`, which is no price",
            "left alone: codestral: it is free in this list",
            "left alone: deepseek-v4-flash: its price.input is 500000; allowed: 0 to 10000",
            "left alone: gemini-2-5-flash-lite: its `input_cost_per_token` is `cheap`, which is no price",
            "claude-sonnet-5",
            "unchanged: 2 models",
        ],
    );
    assert!(!lines.iter().any(|line| line.starts_with("gpt-6-luna output")), "a float's tail is no change: {lines:?}");
    assert_eq!(home.price("gpt-6-luna"), usd(0.12, 0.5));
    assert_eq!(home.price("codestral"), usd(0.3, 0.9));
    let (settings, notices) = Settings::gather(Some(&home.config()), &[]);
    let models = settings.models();
    let luna = models.get("gpt-6-luna").unwrap();
    assert_eq!((luna.cache_min, luna.shutdown.as_deref(), luna.enabled), (Some(512), Some("2027-09-01"), false));
    assert_eq!(luna.price.as_of, OffsetDateTime::now_utc().date().to_string());
    assert!(!notices.iter().any(|notice| notice.file.contains("prices")), "{notices:?}");
    assert_has(&home.refresh(&list("litellm"), false).unwrap(), &["nothing to write"]);
}

#[test]
fn a_proxys_prices_are_for_its_own_models_the_dearest_of_several() {
    let home = Home::with(CONFIG);
    let lines = home.refresh(&list("proxy"), false).unwrap();
    assert_has(&lines, &["team input - -> 0.16", "team output 2 -> 0.7 (overridden by your configuration)"]);
    assert_eq!(home.price("team"), usd(0.16, 2.0));
    // A price that another list does not have stays.
    home.refresh(&list("openrouter"), false).unwrap();
    assert_eq!((home.price("team"), home.price("coder")), (usd(0.16, 2.0), usd(0.075, 0.3)));
}

#[test]
fn what_is_no_list_is_an_error_that_names_it_and_the_table_stays() {
    let home = Home::with(CONFIG);
    home.refresh(&list("openrouter"), false).unwrap();
    let before = home.table();
    let deep = "[".repeat(1_000_000);
    for (text, expected) in [
        ("", "list is no JSON object"),
        ("<html><body>Sign in</body></html>", "list is no JSON object"),
        ("{\"data\": [", "list is no JSON object"),
        (&deep, "list is no JSON object"),
        ("[]", "list is no JSON object"),
        ("{}", "list is no list of prices"),
        ("{\"data\": []}", "list is no list of prices"),
        ("{\"data\": [{\"id\": 5}]}", "list is no list of prices"),
        ("{\"data\": [{\"id\": \"openai/gpt-6-luna\"}]}", "list is no list of prices"),
        ("{\"error\": {\"message\": \"no\"}}", "list is no list of prices"),
        (&" ".repeat(20 << 20), "list cannot be read: it has 20971520 bytes; a list of prices has at most 16777216"),
    ] {
        let error = home.refresh(&home.file(text), false).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    for (source, expected) in [
        (home.0.path().display().to_string(), "cannot be read: not a file"),
        ("nowhere/list.json".into(), "nowhere/list.json cannot be read"),
        ("http://prices.example/list".into(), "is not fetched: a list on another machine must come over https://"),
        ("ftp://prices.example/list".into(), "is not fetched"),
    ] {
        let error = home.refresh(&source, false).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
    assert_eq!(home.table(), before);
}

/// Answers one request with this status and body. The thread returns the request.
fn serve(status: &str, body: String) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/api/v1/models", listener.local_addr().unwrap());
    let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let (mut asked, mut piece) = (Vec::new(), [0; 1024]);
        while !asked.ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut piece).unwrap();
            asked.extend_from_slice(&piece[..count]);
        }
        // The client may hang up early.
        let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes()));
        String::from_utf8(asked).unwrap()
    });
    (address, serving)
}

#[test]
fn a_list_is_fetched_without_a_key_and_a_failure_leaves_the_table_alone() {
    let home = Home::with(CONFIG);
    let (address, serving) = serve("200 OK", fs::read_to_string(list("openrouter")).unwrap());
    assert_has(&home.refresh(&address, false).unwrap(), &["coder input - -> 0.075"]);
    let asked = serving.join().unwrap().to_lowercase();
    assert!(asked.starts_with("get /api/v1/models http/1.1\r\n") && !asked.contains("authorization"), "{asked}");
    let before = home.table();
    for (status, body, expected) in [
        ("401 Unauthorized", "{}".to_owned(), "cannot be read"),
        ("502 Bad Gateway", "<html>".to_owned(), "cannot be read"),
        ("200 OK", " ".repeat(20 << 20), "cannot be read"),
        ("200 OK", "<html>".to_owned(), "is no JSON object"),
    ] {
        let (address, serving) = serve(status, body);
        let error = home.refresh(&address, false).unwrap_err();
        serving.join().unwrap();
        assert!(error.contains(expected) && error.contains(&address), "{error}");
    }
    assert_eq!(home.table(), before);
}

#[test]
fn the_table_holds_facts_and_nothing_else() {
    let home = Home::with("[model.gpt-6-luna]\n[model.codestral]\n");
    let table = "[model.gpt-6-luna]\nbase_url = 'https://evil.example'\n[model.codestral]\nprice = { input = -1 }\n[model.claude-haiku-5-5]\nprice = { input = 0.2 }\n";
    fs::write(home.0.path().join("prices.toml"), table).unwrap();
    let (settings, notices) = Settings::gather(Some(&home.config()), &[]);
    let notices: Vec<String> = notices.iter().map(|notice| format!("{}: {notice}", notice.severity)).collect();
    assert_has(
        &notices,
        &[
            "prices.toml:1: model.gpt-6-luna: is left out: unknown field `base_url`",
            "prices.toml:4: model.codestral.price.input: is -1; allowed: 0 to 10000 USD per million tokens; the shipped values are used",
        ],
    );
    let models = settings.models();
    assert_eq!(models.enabled().count(), 2);
    assert_eq!(models.get("gpt-6-luna").unwrap().base_url, "https://api.openai.com/v1");
    assert_eq!(home.price("codestral"), usd(0.3, 0.9));
    assert_eq!(home.price("claude-haiku-5-5"), usd(0.2, 0.5));
}

#[test]
fn an_editors_row_gets_no_address_elsewhere_by_way_of_a_price() {
    let home = Home::with("[model.coder]\nprovider = 'openrouter'\nmodel = 'qwen/qwen3-coder'\n");
    home.refresh(&list("openrouter"), false).unwrap();
    for row in [
        serde_json::json!({"coder": {"base_url": "https://evil.example/v1"}}),
        serde_json::json!({"coder": {"api_key_cmd": "cat /etc/passwd"}}),
    ] {
        let editor = serde_json::json!({ "model": row });
        let (settings, notices) = Settings::gather(Some(&home.config()), &[editor]);
        let models = settings.models();
        let model = models.get("coder").unwrap();
        assert_eq!((model.base_url.as_str(), &model.api_key_cmd), ("https://openrouter.ai/api/v1", &None));
        assert!(notices.iter().any(|notice| notice.message.contains("only your own file may set it")), "{notices:?}");
    }
}

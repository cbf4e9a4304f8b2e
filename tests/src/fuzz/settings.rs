//! Settings that somebody else wrote: whatever the bytes of a workspace's file or of an editor's object, nothing becomes looser than the user's own.
//! It leaves what is looser to `looser`.

use pennyworth::settings::{Closed, Layer, Origin, Settings};
use serde_json::{Map, Value, json};

use crate::looser::{Author, looser};

/// Users' own files under the settings of others, from none to one that sets most keys.
pub const OWN: [&str; 3] = [
    "",
    "local_only = true\ntrigger = \"invoked\"\ncap_usd_per_day = 0.1\ndebounce_ms = 700\nexplore = 0.01\nignore = [\"gen/\"]\n\
     secrets = [\"*.vault\", \"!public.pem\"]\n[languages]\n\"*\" = false\nrust = true\n[embedded]\nindex = false\n\
     [tasks.function]\nenabled = \"local\"\nmax_tokens = 100\n[tasks.line]\nenabled = \"off\"\npin = \"gpt-6-luna\"\n\
     [model.gpt-6-luna]\n[provider.openai]\nbase_url = \"https://proxy.example/v1\"\n",
    "preset = \"eager\"\nenabled = \"no\"\ncap_usd_per_day = 900\ncap_usd_per_month = 9000\n[tasks.string]\nenabled = \"on\"\n\
     [telemetry]\nendpoint = \"http://localhost:4318\"\n",
];
/// Keys of settings that are made from bytes.
const KEYS: [&str; 32] = [
    "enabled",
    "local_only",
    "trigger",
    "cap_usd_per_day",
    "cap_usd_per_month",
    "debounce_ms",
    "confidence",
    "preset",
    "pin",
    "speculate",
    "escalate",
    "explore",
    "discover",
    "ignore",
    "secrets",
    "languages.*",
    "languages.rust",
    "languages.go",
    "embedded.enabled",
    "embedded.index",
    "embedded.memory_mb",
    "documents.max_bytes",
    "documents.max_complete_bytes",
    "log.level",
    "tasks.string.enabled",
    "tasks.line.enabled",
    "tasks.line.max_tokens",
    "tasks.function.pin",
    "model.gpt-6-luna.base_url",
    "model.a.tier",
    "provider.openai.api_key_env",
    "telemetry.endpoint",
];
/// Values of settings that are made from bytes, as JSON.
const VALUES: [&str; 28] = [
    "true",
    "false",
    "null",
    "\"invoked\"",
    "\"automatic\"",
    "\"on\"",
    "\"local\"",
    "\"off\"",
    "0",
    "0.05",
    "0.9",
    "300",
    "1e300",
    "-5",
    "8192",
    "[\"a\"]",
    "[\"!a\"]",
    "[\" !a\", \"b\"]",
    "[\"gen/\", \"!gen/\"]",
    "[]",
    "[[]]",
    "{}",
    "{\"rust\": true}",
    "\"eager\"",
    "\"frugal\"",
    "\"http://127.0.0.1:9\"",
    "\"HOME\"",
    "\"\"",
];
/// Most pairs of a key and a value; more find nothing new.
const MAX_PAIRS: usize = 64;

/// Whatever a workspace's file holds, it loosens nothing, and reading it again changes nothing more. The first byte chooses the user's own file.
pub fn workspace_settings(bytes: &[u8]) {
    let (own, bytes) = own(bytes);
    let base = Settings::load(&[own_layer(own)]).0;
    let text = toml_of(bytes);
    for bytes in [bytes, text.as_bytes()] {
        let layer = Layer::bytes(Origin::Workspace("workspace/.pennyworth.toml".into()), bytes);
        let (after, notices) = base.tightened_by(&layer);
        assert_eq!(looser(&base, &after, Author::Workspace), [""; 0], "{notices:?}");
        let again = after.tightened_by(&layer).0;
        assert_eq!(looser(&after, &again, Author::Workspace), [""; 0]);
        assert_eq!(looser(&again, &after, Author::Workspace), [""; 0], "reading it twice is reading it once");
        let text = std::str::from_utf8(bytes);
        assert!(text.is_ok() || after.closed == Closed::Embedded, "what is no text closes");
    }
}

/// Whatever an editor sends, it loosens nothing. The first byte chooses the user's own file.
pub fn editor_settings(bytes: &[u8]) {
    let (text, bytes) = own(bytes);
    let base = Settings::load(&[own_layer(text)]).0;
    let made = made(bytes);
    let sent = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    let pairs = [vec![made.clone()], vec![json!({ "pennyworth": made })], vec![sent, made]];
    for values in pairs {
        let mut notices = Vec::new();
        let read = values.iter().filter_map(|value| Layer::editor(value, &mut notices)).collect::<Vec<_>>();
        let layers: Vec<Layer> = std::iter::once(own_layer(text)).chain(read).collect();
        let (after, more) = Settings::load(&layers);
        assert_eq!(looser(&base, &after, Author::Editor), [""; 0], "{more:?}");
        // What is taken for other servers' settings says nothing at all.
        values.into_iter().for_each(|value| drop(Layer::addressed(value)));
    }
}

/// One of the users' own files, with the rest of the bytes.
fn own(bytes: &[u8]) -> (&'static str, &[u8]) {
    let (first, rest) = bytes.split_first().map_or((0, bytes), |(first, rest)| (usize::from(*first), rest));
    (OWN.get(first % OWN.len()).copied().unwrap_or_default(), rest)
}

fn own_layer(text: &str) -> Layer {
    Layer::toml(Origin::File("config.toml".into()), text)
}

/// Pairs of keys and values, chosen by bytes.
fn chosen(bytes: &[u8]) -> Vec<(&'static str, &'static str)> {
    let pairs = bytes.chunks_exact(2).take(MAX_PAIRS);
    pairs
        .filter_map(|pair| {
            let [key, value] = pair else { return None };
            Some((*KEYS.get(usize::from(*key) % KEYS.len())?, *VALUES.get(usize::from(*value) % VALUES.len())?))
        })
        .collect()
}

/// A file of settings made from bytes; those that are no TOML are part of the test.
fn toml_of(bytes: &[u8]) -> String {
    let quoted = |key: &str| key.replace(".*", ".\"*\"");
    chosen(bytes).into_iter().map(|(key, value)| format!("{} = {value}\n", quoted(key))).collect()
}

/// An editor's object made from bytes, with dotted keys.
fn made(bytes: &[u8]) -> Value {
    let pairs = chosen(bytes).into_iter();
    Value::Object(
        pairs
            .filter_map(|(key, value)| Some((key.to_owned(), serde_json::from_str(value).ok()?)))
            .collect::<Map<_, _>>(),
    )
}

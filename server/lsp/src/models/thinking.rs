//! The words that switch a model's thinking off, from `tables/thinking.toml`. It leaves noticing that a model only thinks to `providers`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use pennyworth_core::models::{Model, Protocol};
use serde::Deserialize;

/// The lines for a model's row, by provider and by protocol.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    provider: BTreeMap<String, String>,
    protocol: BTreeMap<String, String>,
}

#[expect(clippy::expect_used, reason = "the table is part of the binary and a test reads it")]
static WORDS: LazyLock<Words> = LazyLock::new(|| {
    toml::from_str(include_str!("../../tables/thinking.toml")).expect("tables/thinking.toml is valid")
});

/// What the user can do about a model that only thinks.
pub fn remedy(model: &Model) -> String {
    let protocol = Protocol::ALL.iter().find(|(_, protocol)| *protocol == model.protocol).map(|(name, _)| *name);
    let of_provider = model.provider.as_ref().and_then(|provider| WORDS.provider.get(provider));
    match of_provider.or_else(|| WORDS.protocol.get(protocol?)) {
        Some(line) => format!("switch its thinking off with `{line}` in its row, or use a model that does not think"),
        None => "use a model that does not think".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use pennyworth_core::models::Models;

    use super::*;

    #[test]
    fn each_line_is_a_key_of_a_row_and_each_provider_has_one() {
        for line in WORDS.provider.values().chain(WORDS.protocol.values()) {
            let row: toml::Table = toml::from_str(line).unwrap();
            assert!(row.get("extra").is_some_and(toml::Value::is_table), "{line}");
        }
        let models = Models::builtin();
        for model in models.all() {
            assert!(remedy(model).starts_with("switch its thinking off with `extra"), "{}", model.name);
        }
        for name in WORDS.protocol.keys() {
            assert!(Protocol::ALL.iter().any(|(known, _)| known == name), "{name}");
        }
    }
}

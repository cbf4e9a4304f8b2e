//! The presets: rows of `tables/presets.toml`, each a set of values for several keys. It leaves laying them under the user's keys to `check`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// The preset of a user who chooses none.
pub(super) const DEFAULT: &str = "balanced";

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Preset {
    pub(super) debounce_ms: u32,
    pub(super) worth_usd: f64,
    pub(super) confidence: f64,
    pub(super) speculate: bool,
    pub(super) escalate: bool,
    pub(super) explore: f64,
}

#[expect(clippy::expect_used, reason = "the table is part of the binary and every test reads it")]
static PRESETS: LazyLock<BTreeMap<String, Preset>> =
    LazyLock::new(|| toml::from_str(include_str!("../../tables/presets.toml")).expect("tables/presets.toml is valid"));

/// A preset by name.
pub(super) fn get(name: &str) -> Option<&'static Preset> {
    PRESETS.get(name)
}

/// The preset of a user who chooses none.
#[expect(clippy::expect_used, reason = "the table is part of the binary and every test reads it")]
pub(super) fn balanced() -> &'static Preset {
    get(DEFAULT).expect("tables/presets.toml has the default")
}

/// The schema takes the names from the table, so a new row is a new preset.
pub(super) fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let names: Vec<_> = PRESETS.keys().collect();
    schemars::json_schema!({ "type": "string", "enum": names })
}

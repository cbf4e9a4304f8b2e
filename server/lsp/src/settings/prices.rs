//! The table of prices that `pennyworth models refresh` writes beside the configuration: facts about models that providers change.
//! They win over the shipped facts; the user's rows win over them. The table may contain nothing else: no address, no key, no new model.
//! It leaves finding such facts to `cli/models/refresh`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pennyworth_core::models::{ModelRow, PriceRow};
use serde::{Deserialize, Serialize};

use crate::paths;

/// Its name, beside the configuration.
const FILE: &str = "prices.toml";
/// The text above the first row.
const HEAD: &str =
    "# Written by `pennyworth models refresh`, in USD per million tokens. Your own config.toml wins over it.\n\n";

/// The table: facts by the name of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The `[model.NAME]` tables.
    #[serde(default)]
    pub model: BTreeMap<String, Facts>,
}

/// The facts about a model that its provider may change. Unknown ones are left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// The day the provider switches it off, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shutdown: Option<String>,
    /// Fewest tokens of a prompt that the provider caches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_min: Option<i64>,
    /// Its price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceRow>,
}

impl Prices {
    /// The facts as rows of models.
    pub fn rows(&self) -> BTreeMap<String, ModelRow> {
        self.model.iter().map(|(name, facts)| (name.clone(), facts.row())).collect()
    }

    /// The table as a file. Its head says who wrote it.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self).map(|rows| format!("{HEAD}{rows}"))
    }
}

impl Facts {
    /// These facts as a row of a model.
    pub fn row(&self) -> ModelRow {
        let Facts { shutdown, cache_min, price } = self.clone();
        ModelRow { shutdown, cache_min, price, ..ModelRow::default() }
    }
}

/// Its path: beside the configuration at `config`, or beside the usual one. `None` without a home.
pub fn path(config: Option<&Path>) -> Option<PathBuf> {
    let config = config.map(Path::to_owned).or_else(paths::config_path)?;
    Some(config.with_file_name(FILE))
}

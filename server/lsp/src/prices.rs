//! The table of prices that `pennyworth models refresh` writes beside the configuration: facts of models that change without anybody's doing.
//! They hold over the shipped ones and below what the user says. Nothing else may stand there: no address, no key, no new model.
//! It leaves where such facts are found to `prices/source.rs`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use pennyworth_core::models::{ModelRow, PriceRow};
use serde::{Deserialize, Serialize};

use crate::paths;

pub mod source;

/// Its name, beside the configuration.
const FILE: &str = "prices.toml";
/// What stands above the first row.
const HEAD: &str =
    "# Written by `pennyworth models refresh`, in USD per million tokens. Your own config.toml goes before it.\n\n";

/// The table: facts by the name of a model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// The `[model.NAME]` tables.
    #[serde(default)]
    pub model: BTreeMap<String, Facts>,
}

/// What changes about a model without anybody's doing. What is not known is left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Facts {
    /// The day it is switched off, `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shutdown: Option<String>,
    /// Tokens from which on a prompt is cached at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_min: Option<i64>,
    /// What a token costs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceRow>,
}

impl Prices {
    /// The facts as rows of models.
    pub fn rows(&self) -> BTreeMap<String, ModelRow> {
        self.model.iter().map(|(name, facts)| (name.clone(), facts.row())).collect()
    }

    /// The file that holds it. The head says who wrote it.
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

/// Where it is: beside the configuration at `config`, or beside the one that holds without; `None` without a home.
pub fn path(config: Option<&Path>) -> Option<PathBuf> {
    let config = config.map(Path::to_owned).or_else(paths::config_path)?;
    Some(config.with_file_name(FILE))
}

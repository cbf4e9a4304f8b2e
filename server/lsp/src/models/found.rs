//! Models that were found on this machine and that no configuration names: which there are, and at which addresses the user was told of one.
//! It leaves finding them to `discover`, and telling the user to the server and the commands.

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pennyworth_core::models::Model;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::listeners;
use crate::private;
use crate::sync::lock;

/// The file beside the ledger that remembers, over restarts, at which addresses the user was told of a model.
const FILE: &str = "found-on-this-machine";

/// The models that were found, with their addresses.
#[derive(Debug, Default)]
pub struct Found(Mutex<BTreeMap<String, String>>);

/// A model that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundModel {
    /// Its name.
    pub model: String,
    /// Its server's address.
    pub address: String,
}

impl Found {
    /// Replaces the models by those of a layer of settings.
    pub fn set(&self, layer: &Value) {
        let rows = layer.get("model").and_then(Value::as_object).into_iter().flatten();
        let address = |row: &Value| row.get("base_url").and_then(Value::as_str).unwrap_or_default().to_owned();
        *lock(&self.0) = rows.map(|(name, row)| (name.clone(), address(row))).collect();
    }

    /// Takes over the models that another one has.
    pub fn take_over(&self, other: &Found) {
        let models = lock(&other.0).clone();
        *lock(&self.0) = models;
    }

    /// The models, by name.
    pub fn all(&self) -> Vec<FoundModel> {
        let all = lock(&self.0);
        all.iter().map(|(model, address)| FoundModel { model: model.clone(), address: address.clone() }).collect()
    }

    /// Whether a model was found and not named.
    pub fn contains(&self, model: &Model) -> bool {
        lock(&self.0).get(&model.name) == Some(&model.base_url)
    }

    /// The number of another user who listens at the address of a found model by now; `None` for a model that the user named.
    pub async fn stranger_at(&self, model: &Model) -> Option<u32> {
        if self.contains(model) { listeners::stranger_at(&model.base_url).await } else { None }
    }
}

impl fmt::Display for FoundModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FoundModel { model, address } = self;
        write!(
            f,
            "found a model server at {address}: code goes to its model {model} from now on. Any program that listens there can read it, even \
             across an ssh tunnel. `discover = false` in config.toml stops this"
        )
    }
}

/// The addresses at which the user was told of a model.
#[derive(Debug)]
pub struct Announced(Option<PathBuf>);

impl Announced {
    /// Those remembered beside a ledger; without one nothing is remembered.
    pub fn beside(ledger: Option<&Path>) -> Announced {
        Announced(ledger.map(|ledger| ledger.with_file_name(FILE)))
    }

    /// The models at addresses that the user was not told of yet, one for each address. It blocks on a file.
    pub fn new_of(&self, found: Vec<FoundModel>) -> Vec<FoundModel> {
        let text = self.0.as_deref().and_then(|path| std::fs::read_to_string(path).ok()).unwrap_or_default();
        let mut known: HashSet<String> = text.lines().map(str::to_owned).collect();
        found.into_iter().filter(|found| known.insert(found.address.clone())).collect()
    }

    /// Remembers that the user was told. If it cannot be written, the user is told again. It blocks on a file.
    pub fn add(&self, told: &[FoundModel]) {
        let Some(path) = &self.0 else { return };
        let lines: String = told.iter().map(|found| format!("{}\n", found.address)).collect();
        let file = private::open_file(path, OpenOptions::new().create(true).append(true));
        let written = file.and_then(|mut file| file.write_all(lines.as_bytes()));
        if let Err(error) = written {
            tracing::info!(%error, "cannot remember that a model server was announced");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_address_is_announced_once_over_restarts() {
        let folder = tempfile::tempdir().unwrap();
        let ledger = folder.path().join("ledger.sqlite");
        let found = Found::default();
        found.set(&json!({"model": {"ollama/a": {"base_url": "http://127.0.0.1:1"}, "vllm/b": {"base_url": "http://127.0.0.1:2"},
            "vllm/c": {"base_url": "http://127.0.0.1:2"}}}));
        let new = Announced::beside(Some(&ledger)).new_of(found.all());
        assert_eq!(new.iter().map(|found| found.model.as_str()).collect::<Vec<_>>(), ["ollama/a", "vllm/b"]);
        Announced::beside(Some(&ledger)).add(&new[..1]);
        let new = Announced::beside(Some(&ledger)).new_of(found.all());
        assert_eq!(new.iter().map(|found| found.model.as_str()).collect::<Vec<_>>(), ["vllm/b"]);
        assert_eq!(Announced::beside(None).new_of(found.all()).len(), 2);
        found.set(&Value::Null);
        assert_eq!(found.all(), []);
    }
}

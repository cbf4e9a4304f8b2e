//! Gathers the settings from all layers: the table of prices, the user's file, the editor, the environment, and a folder's own file.
//! It leaves reading a layer to `layer`, joining layers to `check`, and what a folder may set to `tighten`.

use std::io::ErrorKind;
use std::path::Path;

use super::layer::Layer;
use super::notice::Notice;
use super::types::Settings;
use super::{check, prices, tighten};
use crate::paths;

impl Settings {
    /// Reads all layers: the table of prices, the file at `config` (else the one that `PENNYWORTH_CONFIG` names, else the platform's place), the
    /// environment, and then the editor's objects in order, which may only tighten. An unusable value is left out, with a notice that says what
    /// holds until it is mended.
    pub fn gather(config: Option<&Path>, editor: &[serde_json::Value]) -> (Settings, Vec<Notice>) {
        Settings::gather_found(config, editor, &serde_json::Value::Null)
    }

    /// The same, with models that were found on this machine.
    pub fn gather_found(
        config: Option<&Path>,
        editor: &[serde_json::Value],
        found: &serde_json::Value,
    ) -> (Settings, Vec<Notice>) {
        let mut layers = Vec::new();
        let mut notices = Vec::new();
        let prices = prices::path(config).filter(|path| path.exists());
        layers.extend(prices.and_then(|path| Layer::prices(&path, &mut notices)));
        // A file that nobody named may be absent.
        let named = config.map(Path::to_owned).or_else(paths::named_config);
        let path = named.or_else(|| paths::config_path().filter(|path| is_there(path)));
        layers.extend(path.and_then(|path| Layer::file(&path, &mut notices)));
        layers.extend(editor.iter().filter_map(|value| Layer::editor(value, &mut notices)));
        layers.push(Layer::environment(std::env::vars_os()));
        layers.push(Layer::found(found));
        let (mut settings, more) = Settings::load(&layers);
        notices.extend(more);
        settings.close(&notices);
        (settings, notices)
    }

    /// Joins layers, lowest first.
    pub fn load(layers: &[Layer]) -> (Settings, Vec<Notice>) {
        check::load(layers)
    }

    /// These settings, tightened by the `.pennyworth.toml` of a workspace folder. Without that file, nothing changes. One that cannot be read as
    /// it is meant leaves only the embedded model.
    pub fn tightened_in(&self, folder: &Path) -> (Settings, Vec<Notice>) {
        let path = folder.join(tighten::FILE);
        if !is_there(&path) {
            return (self.clone(), Vec::new());
        }
        let mut notices = Vec::new();
        match Layer::workspace(&path, &mut notices) {
            Some(layer) => self.tightened_by(&layer),
            None => {
                let mut settings = self.clone();
                settings.close(&notices);
                (settings, notices)
            }
        }
    }

    /// These settings, tightened by the layer of a workspace's file.
    pub fn tightened_by(&self, layer: &Layer) -> (Settings, Vec<Notice>) {
        tighten::tightened(self, layer, "")
    }
}

/// Whether there is a file, readable or not. A link that leads nowhere is one.
fn is_there(path: &Path) -> bool {
    let absent = [ErrorKind::NotFound, ErrorKind::NotADirectory];
    !std::fs::symlink_metadata(path).is_err_and(|error| absent.contains(&error.kind()))
}

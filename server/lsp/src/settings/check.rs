//! From layers to settings: joins the user's own layers, lays the preset under them, checks the result, and lets the editor tighten it.
//! It leaves single keys to `joined`, checks across keys to `cross`, and what an editor may do to `tighten`.

use super::joined::Joined;
use super::layer::{Layer, Origin};
use super::notice::Notice;
use super::types::Settings;
use super::{cross, tighten};

/// The user's own file in messages, where it is not known.
const OWN: &str = "your own config.toml";

/// Joins layers, lowest first. What the editor says counts after all others, and as one.
pub(super) fn load(layers: &[Layer]) -> (Settings, Vec<Notice>) {
    let editor = Layer::together(layers.iter().filter(|layer| layer.origin == Origin::Editor));
    let free = editor.as_ref().map(tighten::free);
    let mut joined = Joined::default();
    let is_own = |layer: &&Layer| matches!(layer.origin, Origin::Prices(_) | Origin::File(_));
    for layer in layers.iter().filter(is_own) {
        joined.notices.extend(layer.notices.iter().cloned());
        match layer.origin {
            Origin::Prices(_) => joined.prices(layer),
            _ => joined.lay(layer),
        }
    }
    free.iter().for_each(|layer| joined.lay(layer));
    layers.iter().filter(|layer| layer.origin == Origin::Environment).for_each(|layer| joined.environment(layer));
    layers.iter().filter(|layer| layer.origin == Origin::Found).for_each(|layer| joined.found(layer));
    joined.lay_preset_under();
    let mut settings = Settings { prices: std::mem::take(&mut joined.prices), ..joined.read() };
    cross::check(&mut settings, &mut joined);
    let mut notices = joined.notices;
    settings.close(&notices);
    let Some(editor) = editor else { return (settings, notices) };
    let file = layers.iter().find(|layer| matches!(layer.origin, Origin::File(_)));
    let own = file.map_or_else(|| OWN.to_owned(), |layer| layer.origin.to_string());
    let (settings, found) = tighten::tightened(&settings, &editor, &own);
    notices.extend(found);
    (settings, notices)
}

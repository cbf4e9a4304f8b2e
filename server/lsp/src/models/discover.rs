//! Finds model servers on this machine that nobody configured. It looks at their usual ports, and a server with a usable model is used at
//! once. It sends requests to this machine only: for the list of models and, to Ollama, for what its models can do.
//! It leaves the list of ports to the providers' rows, whose socket a port is to `listeners`, and which models are found now to `found`.

use std::fmt;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pennyworth_core::models::{KnownServer, MAX_NAME as MAX_MODEL, Model, Models, Protocol, names_a_cloud};
use pennyworth_providers::{Client, Listed};
use serde_json::{Map, Value, json};

use super::listeners;
use crate::settings::{Closed, Configuration, Notice, Settings};
use crate::sync::lock;
use crate::wire::messages;

/// Most characters of a name that a server tells.
const MAX_NAME: usize = 80;
/// Time from the first search to the second. It doubles from one search to the next while nothing is found.
const AGAIN: Duration = Duration::from_secs(300);
/// Time to the next search after a change of the configuration, which may change where to look.
const SOON: Duration = Duration::from_secs(30);
/// Longest time between two searches.
const LONGEST: Duration = Duration::from_secs(3600);
/// The format of a model whose server knows its FIM sentinels.
const FIELDS: &str = "suffix";

/// The result of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// A layer of settings with a model for each server, or null.
    pub layer: Value,
    /// What was found and is not used.
    pub left_out: Vec<LeftOut>,
}

/// A model or server that was found and is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// `provider/model`, or for a whole server its provider and address.
    pub name: String,
    /// Why.
    pub why: Reason,
}

/// Why a model or server is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The FIM format of the model is unknown.
    Format,
    /// The model runs at this place, or elsewhere.
    Elsewhere(String),
    /// The server lists the models of somebody else, given here.
    OfOthers(String),
    /// Another user of this machine, with this number, listens at the port.
    Foreign(u32),
}

/// When the server searches next, and what it left out last.
#[derive(Debug, Default)]
pub struct Discovery(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last search, the generation of the configuration then, and the pause after it.
    last: Option<(Instant, u64, Duration)>,
    left_out: Vec<LeftOut>,
}

impl Discovery {
    /// Whether to search now: the settings ask for it and name no model that runs on this machine, and the last search was some time ago.
    pub fn is_due(&self, configuration: &Configuration) -> bool {
        if !is_wanted(configuration.settings(), &configuration.models) {
            return false;
        }
        let (now, generation, mut state) = (Instant::now(), configuration.generation, lock(&self.0));
        let (wait, pause) = match state.last {
            None => (Duration::ZERO, AGAIN),
            Some((_, searched, pause)) if searched == generation => (pause, (pause * 2).min(LONGEST)),
            Some(_) => (SOON, AGAIN),
        };
        if state.last.is_some_and(|(last, ..)| now - last < wait) {
            return false;
        }
        state.last = Some((now, generation, pause));
        true
    }

    /// Searches, and returns the layer of settings with the models found.
    pub async fn look(&self, client: &Client, models: &Models) -> Value {
        let Discovered { layer, left_out } = find(client, models).await;
        for model in layer.get("model").and_then(Value::as_object).into_iter().flatten() {
            tracing::info!(model = model.0, "a model server was found on this machine");
        }
        let known = std::mem::replace(&mut lock(&self.0).left_out, left_out.clone());
        for left_out in left_out.iter().filter(|left_out| !known.contains(left_out)) {
            tracing::info!("{left_out}");
        }
        layer
    }
}

/// The settings of a command: those of [`Settings::gather`], with the models found on this machine by one search.
pub async fn gather(config: Option<&Path>) -> (Settings, Vec<Notice>, Discovered) {
    let (settings, notices) = Settings::gather(config, &[]);
    let models = settings.models();
    let client = if is_wanted(&settings, &models) { Client::new().ok() } else { None };
    let Some(client) = client else { return (settings, notices, Discovered::default()) };
    let found = find(&client, &models).await;
    let (settings, notices) = Settings::gather_found(config, &[], &found.layer);
    (settings, notices, found)
}

fn is_wanted(settings: &Settings, models: &Models) -> bool {
    settings.enabled
        && settings.discover
        && settings.closed < Closed::Embedded
        && !models.enabled().any(Model::code_stays_here)
}

/// Asks all usual places at the same time, except those of other users.
async fn find(client: &Client, models: &Models) -> Discovered {
    let ask = |place: KnownServer| async move {
        if let Some(user) = listeners::stranger_at(&place.base_url).await {
            let name = format!("{} at {}", place.provider, place.base_url);
            return (None, vec![LeftOut { name, why: Reason::Foreign(user) }]);
        }
        let listed = client.list(place.protocol, &place.base_url, &place.list, place.loaded.as_deref()).await;
        choose(&place, models, listed)
    };
    let mut rows = Map::new();
    let mut left_out = Vec::new();
    for (chosen, mut others) in join_all(models.known_servers().into_iter().map(ask)).await {
        rows.extend(chosen.filter(|row| loads(models, row)));
        left_out.append(&mut others);
    }
    Discovered { layer: if rows.is_empty() { Value::Null } else { json!({ "model": rows }) }, left_out }
}

/// Whether the models take a row. A server may tell anything of a model, and what is announced is used.
fn loads(models: &Models, (name, row): &(String, Value)) -> bool {
    let rows = serde_json::from_value(json!({ "model": { name: row } }));
    rows.is_ok_and(|rows| models.with_rows("found", rows).0.get(name).is_some())
}

/// The first usable model, as its name and row, and what is left out: models that run elsewhere, and without a usable one all others.
fn choose(place: &KnownServer, models: &Models, listed: Vec<Listed>) -> (Option<(String, Value)>, Vec<LeftOut>) {
    let provider = &place.provider;
    // If the server supports FIM itself, it knows the format best. Otherwise the model's name may tell the format.
    let format = |model: &Listed| match model.inserts {
        Some(true) => Some(json!(FIELDS)),
        _ if place.knows_formats || models.format_for_id(&model.id).is_some() => Some(Value::Null),
        _ => None,
    };
    let name = |model: &Listed| format!("{provider}/{}", model.id);
    let mut left_out = Vec::new();
    let mut here = Vec::new();
    // A server may call its models anything; a name that no row takes is none.
    for model in listed.into_iter().filter(|model| model.id.chars().count() <= MAX_MODEL) {
        match not_here(place, models, &model) {
            Some(why) => left_out.push(LeftOut { name: name(&model), why }),
            None => here.push(model),
        }
    }
    let Some((model, format)) = here.iter().find_map(|model| Some((model, format(model)?))) else {
        left_out.extend(here.iter().map(|model| LeftOut { name: name(model), why: Reason::Format }));
        return (None, left_out);
    };
    let room = MAX_MODEL.saturating_sub(provider.len() + 1);
    let plain: String = model
        .id
        .chars()
        .take(room)
        .map(|c| if c.is_ascii_alphanumeric() || "-_.:/@".contains(c) { c } else { '-' })
        .collect();
    // How long Ollama keeps its models in memory is its owner's decision.
    let omit = if place.protocol == Protocol::Ollama { json!(["keep_alive"]) } else { Value::Null };
    let row =
        json!({"provider": provider, "base_url": place.base_url, "model": model.id, "format": format, "omit": omit});
    (Some((format!("{provider}/{plain}"), row)), left_out)
}

/// Why a listed model does not count as one that runs here.
fn not_here(place: &KnownServer, models: &Models, model: &Listed) -> Option<Reason> {
    let place_of_cloud = || names_a_cloud(&model.id).then(|| "another company".to_owned());
    if let Some(place) = model.elsewhere.clone().or_else(place_of_cloud) {
        return Some(Reason::Elsewhere(place));
    }
    let others = match &model.owned_by {
        Some(owner) if place.owned_by.is_empty() || place.owned_by.contains(owner) => None,
        Some(owner) => Some(owner.clone()),
        None => models.prefixed_provider(&model.id).map(str::to_owned),
    };
    others.map(Reason::OfOthers)
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A server may call its models and itself anything.
        let short = |text: &str| messages::bounded(text.to_owned(), MAX_NAME);
        let name = short(&self.name);
        match &self.why {
            Reason::Format => write!(f, "{name} is on this machine, and left out: its FIM format is unknown"),
            Reason::Elsewhere(place) => write!(
                f,
                "{name} is left out: it runs at {}, not on this machine; it needs a [model] table of your own with a tier and a price",
                short(place)
            ),
            Reason::OfOthers(owner) => write!(
                f,
                "{name} is left out: its server says that `{}` owns it, so code could leave this machine; it needs a [model] table of your own",
                short(owner)
            ),
            Reason::Foreign(user) => write!(
                f,
                "{name} is left out: the program that listens there belongs to another user (number {user}); it needs a [model] table of your own"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(knows_formats: bool) -> KnownServer {
        let (base_url, list) = ("http://127.0.0.1:1".to_owned(), "/list".to_owned());
        let (protocol, owned_by) = (Protocol::Ollama, vec!["me".to_owned()]);
        KnownServer { provider: "ollama".into(), protocol, base_url, list, loaded: None, knows_formats, owned_by }
    }

    #[test]
    fn the_first_model_that_can_be_asked_is_chosen_and_its_server_knows_best() {
        let models = Models::builtin();
        let model = |id: &str, inserts| Listed { id: id.into(), inserts, ..Listed::default() };
        for (listed, knows_formats, chosen) in [
            (
                vec![model("llama", None), model("qwen2.5-coder:1.5b", Some(true))],
                false,
                Ok(("qwen2.5-coder:1.5b", json!("suffix"))),
            ),
            (vec![model("qwen2.5-coder:1.5b-base", Some(false))], false, Ok(("qwen2.5-coder:1.5b-base", Value::Null))),
            (vec![model("my own", Some(true))], false, Ok(("my own", json!("suffix")))),
            (vec![model("llama", None)], true, Ok(("llama", Value::Null))),
            (
                vec![model("llama", Some(false)), model("mistral", None)],
                false,
                Err(vec!["ollama/llama", "ollama/mistral"]),
            ),
            (vec![], false, Err(vec![])),
        ] {
            let (found, left_out) = choose(&place(knows_formats), &models, listed);
            let found = found.as_ref().map(|(_, row)| (row["model"].as_str().unwrap(), row["format"].clone()));
            let left_out = left_out.iter().map(|left_out| left_out.name.as_str()).collect::<Vec<_>>();
            assert_eq!(found.ok_or(left_out), chosen);
        }
        let (found, _) = choose(&place(false), &models, vec![model("my own", Some(true))]);
        assert_eq!(found.unwrap().0, "ollama/my-own");
        for (length, is_found) in [(200, true), (201, false), (1 << 20, false)] {
            let named = model(&"x".repeat(length), Some(true));
            let (found, left_out) = choose(&place(false), &models, vec![named]);
            assert_eq!((found.is_some(), left_out.len()), (is_found, 0), "{length}");
            if let Some((name, row)) = found {
                assert!(loads(&models, &(name, row)), "{length}");
            }
        }
    }

    #[test]
    fn only_what_runs_here_counts_as_here() {
        let models = Models::builtin();
        let elsewhere = |place: &str| Some(Reason::Elsewhere(place.into()));
        let of_others = |owner: &str| Some(Reason::OfOthers(owner.into()));
        for (id, place_told, owned_by, expected) in [
            ("qwen2.5-coder:1.5b", None, None, None),
            ("qwen3-coder:480b-cloud", None, None, elsewhere("another company")),
            ("qwen3-coder:cloud", None, None, elsewhere("another company")),
            ("me/qwen3-coder-Cloud:latest", None, None, elsewhere("another company")),
            ("cloud/qwen3-coder", None, Some("me"), elsewhere("another company")),
            ("cloudy-qwen3-coder", None, Some("me"), None),
            ("qwen3-coder", Some("ollama.com"), None, elsewhere("ollama.com")),
            ("qwen3-coder", None, Some("me"), None),
            ("qwen3-coder", None, Some("openai"), of_others("openai")),
            ("Qwen/Qwen2.5-Coder-7B", None, None, None),
            ("deepseek-ai/deepseek-coder", None, None, None),
            ("openrouter/qwen/qwen3-coder", None, None, of_others("openrouter")),
            ("together_ai/qwen2.5-coder", None, None, of_others("together")),
        ] {
            let (elsewhere, owned_by) = (place_told.map(str::to_owned), owned_by.map(str::to_owned));
            let model = Listed { id: id.into(), elsewhere, owned_by, ..Listed::default() };
            assert_eq!(not_here(&place(false), &models, &model), expected, "{id}");
            let (chosen, left_out) = choose(&place(false), &models, vec![model]);
            assert_eq!(
                (chosen.is_none(), left_out.len()),
                (expected.is_some(), usize::from(expected.is_some())),
                "{id}"
            );
        }
    }
}

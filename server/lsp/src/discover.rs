//! Model servers on this machine that nobody configured: looked for at their usual ports and, where one has a model that can be asked, used at
//! once. Nothing but this machine is asked, and nothing is sent but the question for the list and, of Ollama, for what its models can do.
//! It leaves which ports those are to the providers' rows.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pennyworth_core::models::{Model, Models, UsualPlace};
use pennyworth_providers::{Client, Listed};
use serde_json::{Map, Value, json};

use crate::engine::{Engine, lock};
use crate::settings::{Notice, Settings};
use crate::workspace;

/// How soon it is worth looking again.
const AGAIN: Duration = Duration::from_secs(30);
/// The format of a model whose server knows its sentinels.
const FIELDS: &str = "suffix";

/// What is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// A layer of settings with a model for each server, or null.
    pub layer: Value,
    /// Models, with their service, of servers that have none to ask: nobody knows how these fill in the middle.
    pub left_out: Vec<String>,
}

/// When was last looked, and what was left out then.
#[derive(Debug, Default)]
pub struct Looked {
    at: Option<Instant>,
    left_out: Vec<String>,
}

/// Looks, unless that was done a moment ago, the settings say not to, or name a model on this machine.
pub fn look_around(engine: &Arc<Engine>) {
    let now = Instant::now();
    let current = engine.current();
    let is_wanted = engine.options.discover && is_wanted(current.settings(), &current.models);
    if !is_wanted || lock(&engine.looked).at.is_some_and(|last| now - last < AGAIN) {
        return;
    }
    lock(&engine.looked).at = Some(now);
    let looking = Arc::clone(engine);
    engine.spawn(async move {
        let Some(client) = &looking.resources.client else { return };
        let Found { layer, left_out } = find(client, &current.models).await;
        for model in layer.get("model").and_then(Value::as_object).into_iter().flatten() {
            tracing::info!(model = model.0, "a model server was found on this machine");
        }
        let known = std::mem::replace(&mut lock(&looking.looked).left_out, left_out.clone());
        for model in left_out.iter().filter(|model| !known.contains(model)) {
            tracing::info!(model, "left out: nobody knows how it fills in the middle");
        }
        workspace::take_found(&looking, layer);
    });
}

/// Settings as a command of the command line has them, once: those of [`Settings::gather`], with what is found on this machine.
pub async fn gather(config: Option<&Path>) -> (Settings, Vec<Notice>, Found) {
    let (settings, notices) = Settings::gather(config, &[]);
    let models = settings.models();
    let client = if is_wanted(&settings, &models) { Client::new().ok() } else { None };
    let Some(client) = client else { return (settings, notices, Found::default()) };
    let found = find(&client, &models).await;
    let (settings, notices) = Settings::gather(config, std::slice::from_ref(&found.layer));
    (settings, notices, found)
}

fn is_wanted(settings: &Settings, models: &Models) -> bool {
    settings.enabled && settings.discover && !models.enabled().any(Model::is_on_this_machine)
}

/// Asks every usual place, all at once.
async fn find(client: &Client, models: &Models) -> Found {
    let ask = |place: UsualPlace| async move {
        let listed = client.list(place.protocol, &place.base_url, &place.list).await;
        choose(&place, models, listed)
    };
    let mut rows = Map::new();
    let mut left_out = Vec::new();
    for chosen in join_all(models.usual_places().into_iter().map(ask)).await {
        match chosen {
            Ok((name, row)) => drop(rows.insert(name, row)),
            Err(names) => left_out.extend(names),
        }
    }
    Found { layer: if rows.is_empty() { Value::Null } else { json!({ "model": rows }) }, left_out }
}

/// The first model that can be asked, as a row with its name; without one the names of all.
fn choose(place: &UsualPlace, models: &Models, listed: Vec<Listed>) -> Result<(String, Value), Vec<String>> {
    let provider = &place.provider;
    // A server that fills in the middle itself knows best how; else the model's name may tell.
    let format = |model: &Listed| match model.inserts {
        Some(true) => Some(json!(FIELDS)),
        _ if place.knows_formats || models.format_for_id(&model.id).is_some() => Some(Value::Null),
        _ => None,
    };
    let Some((id, format)) = listed.iter().find_map(|model| Some((&model.id, format(model)?))) else {
        return Err(listed.into_iter().map(|model| format!("{provider}/{}", model.id)).collect());
    };
    let name: String =
        id.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.:/@".contains(c) { c } else { '-' }).collect();
    let row = json!({"provider": provider, "base_url": place.base_url, "model": id, "format": format});
    Ok((format!("{provider}/{name}"), row))
}

#[cfg(test)]
mod tests {
    use pennyworth_core::models::Protocol;

    use super::*;

    fn place(knows_formats: bool) -> UsualPlace {
        let (base_url, list) = ("http://127.0.0.1:1".to_owned(), "/list".to_owned());
        UsualPlace { provider: "ollama".into(), protocol: Protocol::Ollama, base_url, list, knows_formats }
    }

    #[test]
    fn the_first_model_that_can_be_asked_is_chosen_and_its_server_knows_best() {
        let models = Models::builtin();
        let model = |id: &str, inserts| Listed { id: id.into(), is_loaded: false, inserts };
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
            let found = choose(&place(knows_formats), &models, listed);
            let found = found.as_ref().map(|(_, row)| (row["model"].as_str().unwrap(), row["format"].clone()));
            assert_eq!(found.map_err(|names| names.iter().map(String::as_str).collect::<Vec<_>>()), chosen);
        }
        let (name, _) = choose(&place(false), &models, vec![model("my own", Some(true))]).unwrap();
        assert_eq!(name, "ollama/my-own");
    }
}

//! Model servers on this machine that nobody configured: looked for at their usual ports and, where one has a model that can be asked, used at
//! once. Nothing but this machine is asked, and nothing is sent but the question for the list.
//! It leaves which ports those are to the providers' rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use pennyworth_core::models::{Model, Models, UsualPlace};
use serde_json::{Map, Value, json};

use crate::engine::{Engine, lock};
use crate::workspace;

/// How soon it is worth looking again.
const AGAIN: Duration = Duration::from_secs(30);

/// Looks, unless that was done a moment ago, the settings say not to, or name a model on this machine.
pub fn look_around(engine: &Arc<Engine>) {
    let now = Instant::now();
    let current = engine.current();
    let settings = current.settings();
    let has_one = current.models.enabled().any(Model::is_on_this_machine);
    let is_wanted = engine.options.discover && settings.enabled && settings.discover && !has_one;
    if !is_wanted || lock(&engine.looked).is_some_and(|last| now - last < AGAIN) {
        return;
    }
    *lock(&engine.looked) = Some(now);
    let looking = Arc::clone(engine);
    engine.spawn(async move {
        let found = find(&looking, &current.models).await;
        workspace::take_found(&looking, found);
    });
}

/// A layer of settings with a model for each server found.
async fn find(engine: &Engine, models: &Models) -> Value {
    let Some(client) = &engine.resources.client else { return Value::Null };
    let ask = |place: UsualPlace| async move {
        let names = client.list(&format!("{}{}", place.base_url, place.list)).await;
        let id = names.into_iter().find(|id| place.knows_formats || models.format_for_id(id).is_some())?;
        tracing::info!(provider = place.provider, model = id, "a model server was found on this machine");
        let name: String =
            id.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.:/@".contains(c) { c } else { '-' }).collect();
        let row = json!({"provider": place.provider, "base_url": place.base_url, "model": id});
        Some((format!("{}/{name}", place.provider), row))
    };
    let found: Map<String, Value> =
        join_all(models.usual_places().into_iter().map(ask)).await.into_iter().flatten().collect();
    if found.is_empty() { Value::Null } else { json!({ "model": found }) }
}

//! Warms models while the user is not waiting, so that the first answer comes sooner. It connects to a remote provider, or makes a server on
//! this machine load its model and fill its prompt cache. This costs no money, and no code leaves the machine.
//! It leaves sending to `providers`, and which excerpts a prompt holds to `documents::recent`.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use pennyworth_core::models::Model;
use pennyworth_core::plan::{Outgoing, outgoing};
use pennyworth_core::prompt::Prompt;
use pennyworth_core::route::Privacy;
use pennyworth_providers::{Request, Timeouts, warms_with};

use super::completer::Completer;
use crate::ledger::{self, Entry};
use crate::models::health::account;
use crate::settings::Use;
use crate::sync::Background;

/// Longest time for loading a model.
const LOADING: Duration = Duration::from_secs(60);

/// Warms the models that may be called for a document. `is_new` says that prompts now begin with a new excerpt.
pub fn warm(
    completer: &Arc<Completer>,
    background: &Arc<Background>,
    (path, language): (&Path, &'static str),
    is_new: bool,
) {
    let configuration = completer.configuration.get();
    let providers = &completer.providers;
    if configuration.models.enabled().next().is_none() {
        return;
    }
    let Some(scope) = configuration.known(path) else {
        let (completer, tasks, path) = (Arc::clone(completer), Arc::clone(background), path.to_owned());
        background.spawn(async move {
            if completer.scope(&path).await.unknown.is_none() {
                warm(&completer, &tasks, (&path, language), is_new);
            }
        });
        return;
    };
    for model in configuration.models.enabled() {
        let (provider, stays) = (ledger::provider(model), model.code_stays_here());
        // A connection to this machine is always warm.
        let can = if stays { warms_with(model.protocol).is_some() } else { !model.address_is_here() };
        // What was found on this machine is not loaded by opening a file. A model that answered a moment ago is loaded already.
        let is_used = !providers.found.contains(model) || providers.warmth.is_warm(provider);
        if !can || !is_used || !providers.warmth.is_due(provider, &model.name, is_new && stays) {
            continue;
        }
        let may = (stays || scope.settings.privacy() == Privacy::Named)
            && providers.health.is_well(&account(provider, model), &model.name, Instant::now());
        let is_wanted = !completer.pauses.everything() && scope.allows(Use::Warm, language);
        if !may || !is_wanted {
            continue;
        }
        let is_loaded = providers.warmth.is_warm(provider);
        providers.warmth.used(provider, &model.name);
        let (worker, model, path) = (Arc::clone(completer), model.clone(), path.to_owned());
        background.spawn(async move {
            match stays {
                true => fill(&worker, model, &path, is_loaded).await,
                false => connect(&worker, &model).await,
            }
        });
    }
}

async fn connect(completer: &Completer, model: &Model) {
    if let Some(client) = &completer.providers.client {
        client.connect(model).await;
    }
}

/// Sends a server on this machine the beginning of its next prompts; one that is loaded already has only excerpts to read. Like every call, this has a row in the ledger. It fails silently,
/// because the next request reports what is wrong.
async fn fill(completer: &Completer, model: Model, path: &Path, is_loaded: bool) {
    let providers = &completer.providers;
    let (Some(client), Some(max_tokens)) = (&providers.client, warms_with(model.protocol)) else { return };
    if providers.found.stranger_at(&model).await.is_some() {
        return;
    }
    // What nobody has read the rules of is quoted nowhere.
    for other in completer.recent.paths() {
        completer.scope(&other).await;
    }
    let configuration = completer.configuration.get();
    let scope = configuration.scope(path);
    let excerpts = completer.recent.excerpts(&configuration, path);
    if is_loaded && excerpts.is_empty() {
        return;
    }
    let prompt = Prompt { path: scope.shown.clone(), excerpts, ..Prompt::default() };
    let context = providers.contexts.limit(&model.name).unwrap_or(model.context).min(model.context);
    let room = context.saturating_sub(max_tokens);
    let Ok(Outgoing { rendered, .. }) = outgoing(&configuration.models, &model, &prompt, room) else { return };
    let Ok(key) = providers.keys.of(&model).await else { return };
    let prompt_tokens = rendered.body.tokens(model.chars_per_token);
    let entry = Entry::warming(&model, prompt_tokens, max_tokens, LOADING);
    let reserved = completer.ledger.opened().await.reserve(entry, Some(scope.settings.caps())).await;
    let Ok(mut reservation) = reserved else { return };
    let request = Request {
        model,
        key,
        body: rendered.body,
        prompt_tokens,
        max_tokens,
        stops: Vec::new(),
        temperature: 0.0,
        schema: None,
        cache_key: None,
        timeouts: Timeouts { first_byte: LOADING, silence: LOADING, total: LOADING },
    };
    let mut answer = client.ask(request);
    while let Some(chunk) = answer.next().await {
        match chunk {
            Ok(chunk) => reservation.heard(&chunk),
            Err(error) => return reservation.fail(&error),
        }
    }
    reservation.settle(None);
}

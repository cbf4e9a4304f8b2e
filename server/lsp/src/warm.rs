//! What makes the first answer come sooner, done while the user is not waiting: a connection to a provider elsewhere, a model of this machine
//! loaded and told what its next prompts begin with. Nothing here costs money, and no code leaves the machine.
//! It leaves sending to `providers`, and which excerpts a prompt holds to `recent`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use pennyworth_core::gate::FileKind;
use pennyworth_core::models::Model;
use pennyworth_core::plan;
use pennyworth_core::prompt::Prompt;
use pennyworth_core::route::Privacy;
use pennyworth_providers::{Request, Timeouts, warms_with};

use crate::engine::{Engine, lock};
use crate::ledger::{self, Call};
use crate::view::shown_path;

/// How long a provider stays warm: connections are kept for two minutes.
const WARM: Duration = Duration::from_secs(90);
/// Longest that loading a model may take.
const LOADING: Duration = Duration::from_secs(60);

/// When each provider was last in use, and with which of its models.
#[derive(Default)]
pub struct Warmth(Mutex<HashMap<String, (Instant, String)>>);

impl Warmth {
    /// A model is asked.
    pub fn used(&self, provider: &str, model: &str) {
        lock(&self.0).insert(provider.to_owned(), (Instant::now(), model.to_owned()));
    }

    /// Whether a model should be warmed: its provider was not in use lately or prompts begin with something new, and no other of its models
    /// is the one in use.
    fn is_due(&self, provider: &str, model: &str, is_new: bool) -> bool {
        match lock(&self.0).get(provider) {
            Some((last, in_use)) => in_use == model && (is_new || last.elapsed() > WARM),
            None => true,
        }
    }
}

/// A document was opened, or the user went on in it; `is_new` if prompts begin with something new since. Warms what may be asked about it.
pub fn warm(engine: &Arc<Engine>, path: &Path, is_new: bool) {
    let (resources, current) = (&engine.resources, engine.current());
    let scope = current.scope(path);
    for model in current.models.enabled() {
        let (provider, here) = (ledger::provider(model), model.is_on_this_machine());
        // A recording is always warm; so is a connection to this machine.
        let can = !here || warms_with(model.protocol).is_some();
        if !can || !resources.warmth.is_due(provider, &model.name, is_new && here) {
            continue;
        }
        let may = (here || scope.settings.privacy() == Privacy::Named)
            && resources.health.is_well(provider, &model.name, Instant::now());
        let is_wanted = !resources.pauses.everything() && scope.settings.enabled;
        if !may || !is_wanted || scope.kind_of_path(path) != FileKind::Normal {
            continue;
        }
        resources.warmth.used(provider, &model.name);
        let (warming, model, path) = (Arc::clone(engine), model.clone(), path.to_owned());
        engine.spawn(async move {
            match here {
                true => fill(&warming, model, &path).await,
                false => connect(&warming, &model).await,
            }
        });
    }
}

async fn connect(engine: &Engine, model: &Model) {
    if let Some(client) = &engine.resources.client {
        client.connect(model).await;
    }
}

/// Has a server of this machine read what its next prompts begin with. It has a row in the ledger like every call, and fails without a word:
/// whoever asks next sees what is wrong.
async fn fill(engine: &Engine, model: Model, path: &Path) {
    let current = engine.current();
    let (resources, scope) = (&engine.resources, current.scope(path));
    let (Some(client), Some(max_tokens)) = (&resources.client, warms_with(model.protocol)) else { return };
    if !model.price.is_free() {
        return;
    }
    let path_shown = shown_path(path, &scope.root);
    let prompt = Prompt { path: path_shown, excerpts: resources.excerpts(&current, path), ..Prompt::default() };
    let Ok(rendered) = plan::render(&current.models, &model, &prompt) else { return };
    let Ok(key) = resources.keys.of(&model).await else { return };
    let prompt_tokens = rendered.body.tokens(model.chars_per_token);
    let call = Call::warming(&model, prompt_tokens, max_tokens, LOADING);
    let Ok(mut reservation) = resources.opened_ledger().await.reserve(call, Some(scope.settings.caps())).await else {
        return;
    };
    let request = Request {
        model,
        key,
        body: rendered.body,
        prompt_tokens,
        max_tokens,
        stops: Vec::new(),
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

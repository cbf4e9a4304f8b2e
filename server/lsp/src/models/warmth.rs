//! Which providers and models were used recently and so are still warm. It leaves warming them to `complete::warm`.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::sync::lock;

/// How long a provider stays warm. Connections are kept longer: for two minutes.
const WARM: Duration = Duration::from_secs(90);

/// When each provider was last used, and with which of its models.
#[derive(Default)]
pub struct Warmth(Mutex<HashMap<String, (Instant, String)>>);

impl Warmth {
    /// A model is called or warmed.
    pub fn used(&self, provider: &str, model: &str) {
        lock(&self.0).insert(provider.to_owned(), (Instant::now(), model.to_owned()));
    }

    /// Whether a provider was used a moment ago.
    pub fn is_warm(&self, provider: &str) -> bool {
        lock(&self.0).get(provider).is_some_and(|(last, _)| last.elapsed() <= WARM)
    }

    /// Whether a model should be warmed. Its provider was never used, or it is the provider's last used model and either that was long ago or
    /// prompts begin with a new excerpt.
    pub fn is_due(&self, provider: &str, model: &str, is_new: bool) -> bool {
        match lock(&self.0).get(provider) {
            Some((last, in_use)) => in_use == model && (is_new || last.elapsed() > WARM),
            None => true,
        }
    }
}

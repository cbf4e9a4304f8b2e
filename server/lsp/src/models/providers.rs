//! The state of the providers while the server runs: connections, health, rate limits, keys, and what keeps models from answering.
//! It leaves choosing a model to `core::route` and calling it to `complete`.

use std::time::{Duration, Instant};

use pennyworth_providers::Client;

use super::allowances::Allowances;
use super::contexts::Contexts;
use super::found::Found;
use super::health::{Again, Health};
use super::keys::Keys;
use super::troubles::{Trouble, Troubles};
use super::warmth::Warmth;

/// Shorter pauses that a provider asks for pass before anybody has read of them.
const MOMENT: Duration = Duration::from_secs(5);

/// The state of all providers.
pub struct Providers {
    /// The HTTP client; `None` if the system allows none, and then no model is called.
    pub client: Option<Client>,
    /// Circuit breakers.
    pub health: Health,
    /// What is left of each provider's rate limits.
    pub allowances: Allowances,
    /// What models really take.
    pub contexts: Contexts,
    /// Models that were found on this machine.
    pub found: Found,
    /// The models' keys.
    pub keys: Keys,
    /// Recently used providers.
    pub warmth: Warmth,
    /// What keeps models from answering.
    pub troubles: Troubles,
}

impl Default for Providers {
    fn default() -> Providers {
        Providers {
            client: Client::new().inspect_err(|error| tracing::error!(?error, "no HTTP client")).ok(),
            health: Health::default(),
            allowances: Allowances::default(),
            contexts: Contexts::default(),
            found: Found::default(),
            keys: Keys::default(),
            warmth: Warmth::default(),
            troubles: Troubles::default(),
        }
    }
}

impl Providers {
    /// What keeps models from answering now, and when each is tried again. `left_out` says how long a model is left out because it was slow,
    /// and `models` has each model with its provider.
    pub fn holding<'a>(
        &self,
        models: impl Iterator<Item = (&'a str, &'a str)>,
        left_out: impl Fn(&str) -> Option<Duration>,
    ) -> Vec<Trouble> {
        let now = Instant::now();
        let slow = |model: &str| left_out(model).map_or(Again::Now, |left| Again::At(now + left));
        let mut holding =
            self.troubles.holding(|account, model| self.health.again(account, model, now).later(slow(model)));
        for (model, provider) in models {
            let until = self.allowances.spent_until(provider, now).filter(|until| *until > now + MOMENT);
            if let Some(until) = until
                && !holding.iter().any(|trouble| trouble.model.as_deref() == Some(model))
            {
                holding.push(Trouble::of_limits(model, until));
            }
        }
        holding
    }

    /// A configuration of this generation is about to be in force: what failed under the old one may be tried again.
    pub fn reset(&self, generation: u64) {
        self.health.reset(generation);
        self.allowances.forget();
        self.contexts.forget();
        self.troubles.forget();
        self.keys.forget();
    }
}

//! Servers on this machine that were seen to pass prompts on to another one, and those that were asked. It leaves seeing that to `whereabouts`.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pennyworth_core::models::Model;

/// An address and a model; without a model, all of the address.
type Server = (String, Option<String>);

/// Where prompts go on to, as servers and their answers told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forwarders(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    places: HashMap<Server, String>,
    /// The addresses whose servers were asked and are no proxy.
    asked: HashSet<String>,
}

impl Forwarders {
    /// Where prompts for a model go on to; `None` if nobody has said so.
    pub(crate) fn place(&self, model: &Model) -> Option<String> {
        let known = self.known();
        [None, Some(model.id.clone())]
            .into_iter()
            .find_map(|id| known.places.get(&(model.base_url.clone(), id)))
            .cloned()
    }

    /// Prompts for a model go on to this place; without a model, those for all of the address.
    pub(crate) fn add(&self, address: &str, model: Option<&str>, place: &str) {
        let server = (address.to_owned(), model.map(str::to_owned));
        self.known().places.insert(server, place.to_owned());
    }

    /// Whether the server at an address was asked and is no proxy.
    pub(crate) fn was_asked(&self, address: &str) -> bool {
        self.known().asked.contains(address)
    }

    /// The server at an address was asked and is no proxy.
    pub(crate) fn asked(&self, address: &str) {
        self.known().asked.insert(address.to_owned());
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

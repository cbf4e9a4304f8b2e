//! Servers on this machine that were seen to pass prompts on to another one, and those that were asked. It leaves seeing that to `whereabouts`.

use std::collections::HashMap;
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
    /// The addresses whose servers were asked what they are and are no proxy, with the address of each that is an Ollama.
    answered: HashMap<String, Option<String>>,
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

    /// What the server at an address answered when it was asked what it is: the address of an Ollama, or nothing. `None` if it was not asked.
    pub(crate) fn answered(&self, address: &str) -> Option<Option<String>> {
        self.known().answered.get(address).cloned()
    }

    /// The server at an address was asked and is no proxy; `ollama` is its address if it is an Ollama.
    pub(crate) fn answers(&self, address: &str, ollama: Option<String>) {
        self.known().answered.insert(address.to_owned(), ollama);
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

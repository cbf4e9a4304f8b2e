//! Servers on this machine that were seen to pass prompts on to another one. It leaves seeing that to `whereabouts`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use pennyworth_core::models::Model;

/// An address and a model; without a model, all of the address.
type Server = (String, Option<String>);

/// Where prompts went on to, as answers told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Forwarders(Arc<Mutex<HashMap<Server, String>>>);

impl Forwarders {
    /// Where prompts for a model go on to; `None` if nobody has said so.
    pub(crate) fn place(&self, model: &Model) -> Option<String> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        [None, Some(model.id.clone())].into_iter().find_map(|id| known.get(&(model.base_url.clone(), id))).cloned()
    }

    /// Prompts for a model go on to this place; without a model, those for all of the address.
    pub(crate) fn add(&self, address: &str, model: Option<&str>, place: &str) {
        let server = (address.to_owned(), model.map(str::to_owned));
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(server, place.to_owned());
    }
}

//! What keeps a model from answering until the configuration changes, so that the user is told once instead of seeing silence.
//! It leaves how it is told to whoever was asked: the server, or a command.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::engine::lock;

/// The troubles, and whether each was told.
#[derive(Default)]
pub struct Troubles(Mutex<HashMap<String, bool>>);

impl Troubles {
    /// Takes one down.
    pub fn add(&self, message: String) {
        lock(&self.0).entry(message).or_insert(false);
    }

    /// Those that nobody was told yet; from now on they count as told.
    pub fn untold(&self) -> Vec<String> {
        let mut all = lock(&self.0);
        let mut untold = Vec::new();
        for (message, is_told) in all.iter_mut().filter(|(_, is_told)| !**is_told) {
            *is_told = true;
            untold.push(message.clone());
        }
        untold.sort();
        untold
    }

    /// The first of them by its words.
    pub fn first(&self) -> Option<String> {
        lock(&self.0).keys().min().cloned()
    }

    /// The configuration changed: what is still wrong is worth telling again.
    pub fn forget(&self) {
        lock(&self.0).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_until_the_configuration_changes() {
        let troubles = Troubles::default();
        for expected in [&["a"][..], &[]] {
            troubles.add("a".to_owned());
            assert_eq!(troubles.untold(), expected);
        }
        troubles.add("b".to_owned());
        assert_eq!(troubles.untold(), ["b"]);
        assert_eq!(troubles.first().as_deref(), Some("a"));
        troubles.forget();
        troubles.add("a".to_owned());
        assert_eq!(troubles.untold(), ["a"]);
    }
}

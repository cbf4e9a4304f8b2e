//! What the user paused: everything, or single languages, until they go on or the server ends. It leaves what a pause means to the gate.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::engine::lock;

/// What is paused.
#[derive(Default)]
pub struct Pauses(Mutex<State>);

#[derive(Default)]
struct State {
    everything: bool,
    languages: BTreeSet<&'static str>,
}

impl Pauses {
    /// Whether suggestions are paused in every language.
    pub fn everything(&self) -> bool {
        lock(&self.0).everything
    }

    /// The languages that are paused by themselves, by name.
    pub fn languages(&self) -> Vec<&'static str> {
        lock(&self.0).languages.iter().copied().collect()
    }

    /// Whether suggestions are paused in a language.
    pub fn holds(&self, language: &str) -> bool {
        let state = lock(&self.0);
        state.everything || state.languages.contains(language)
    }

    /// Pauses a language, or everything, or lets it go on.
    pub fn set(&self, language: Option<&'static str>, paused: bool) {
        let mut state = lock(&self.0);
        match language {
            None => state.everything = paused,
            Some(language) if paused => drop(state.languages.insert(language)),
            Some(language) => drop(state.languages.remove(language)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_and_everything_are_paused_by_themselves() {
        let pauses = Pauses::default();
        pauses.set(Some("rust"), true);
        assert!(pauses.holds("rust") && !pauses.holds("go") && !pauses.everything());
        pauses.set(None, true);
        assert!(pauses.holds("go") && pauses.everything());
        pauses.set(None, false);
        assert_eq!((pauses.holds("rust"), pauses.holds("go"), pauses.languages()), (true, false, vec!["rust"]));
        pauses.set(Some("rust"), false);
        assert!(!pauses.holds("rust") && pauses.languages().is_empty());
    }
}

//! What the user paused, everything or single languages, until the user resumes it or the server ends. It leaves what a pause means to the gate.

use std::collections::BTreeSet;
use std::sync::Mutex;

use crate::sync::lock;

/// What is paused.
#[derive(Default)]
pub struct Pauses(Mutex<Paused>);

#[derive(Default)]
struct Paused {
    everything: bool,
    languages: BTreeSet<&'static str>,
}

impl Pauses {
    /// Whether suggestions are paused in every language.
    pub fn everything(&self) -> bool {
        lock(&self.0).everything
    }

    /// The names of the languages that are paused one by one.
    pub fn languages(&self) -> Vec<&'static str> {
        lock(&self.0).languages.iter().copied().collect()
    }

    /// Whether suggestions are paused in a language.
    pub fn holds(&self, language: &str) -> bool {
        let paused = lock(&self.0);
        paused.everything || paused.languages.contains(language)
    }

    /// Pauses or resumes a language, or everything.
    pub fn set(&self, language: Option<&'static str>, pause: bool) {
        let mut paused = lock(&self.0);
        match language {
            None => paused.everything = pause,
            Some(language) if pause => drop(paused.languages.insert(language)),
            Some(language) => drop(paused.languages.remove(language)),
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

//! Texts that the user dismissed: for a while they do not come back at their place, nor while the user types along, whoever says them.
//! It leaves which of an editor's messages dismiss a suggestion to the caller.

use super::{Anchor, Answer, Cache, Entry, Found, Lookup, Place};

/// Milliseconds during which a text that was dismissed is not shown again at its place. As long as a user may stay at a line; who comes back
/// later may want it.
const DISMISSED_MS: u64 = 60_000;

impl Cache {
    /// Whether a text was dismissed at this place a short while ago. A user who asks with a key wants it nevertheless.
    pub fn is_dismissed(&self, place: &Place, asked: &Lookup<'_>, text: &str) -> bool {
        self.dismissed(place, asked).iter().any(|dismissed| says_again(dismissed, text))
    }

    /// Whether any text that was dismissed at this place a short while ago is kept from who only types.
    pub fn has_dismissed(&self, place: &Place, asked: &Lookup<'_>) -> bool {
        !self.dismissed(place, asked).is_empty()
    }

    /// The models that say here what was dismissed, and would say it again.
    pub fn dismissed_of(&self, place: &Place, asked: &Lookup<'_>) -> Vec<&str> {
        let dismissed = self.dismissed(place, asked);
        if dismissed.is_empty() {
            return Vec::new();
        }
        let suffix = place.suffix();
        let says_it = |anchor: &Anchor, entry: &Entry| {
            let fit = entry.fit(anchor.line_start, place, suffix, asked)?;
            entry.found(&fit, place, asked).filter(|found| found.is_among(&dismissed))
        };
        let model = |anchor: &Anchor| {
            let entry = self.entries.peek(&anchor.entry)?;
            let is_dismissed = entry.dismissed(anchor, place, suffix, asked.now_ms).is_some();
            (is_dismissed || says_it(anchor, entry).is_some()).then_some(entry.decided.model.as_str())
        };
        self.anchored(place, asked).filter_map(model).collect()
    }

    /// The user asks with a key at a place: what was dismissed there may be shown again.
    pub fn wanted_again(&mut self, place: &Place, asked: &Lookup<'_>) {
        let suffix = place.suffix();
        let of_place = |anchor: &Anchor| {
            let entry = self.entries.peek(&anchor.entry)?;
            entry.dismissed(anchor, place, suffix, asked.now_ms).map(|_| anchor.entry)
        };
        let ids: Vec<u64> = self.anchored(place, asked).filter_map(of_place).collect();
        ids.into_iter().for_each(|id| self.remove(id));
    }

    /// What is left here of the texts that were dismissed at this place a short while ago; nothing for a user who asks with a key.
    pub(super) fn dismissed(&self, place: &Place, asked: &Lookup<'_>) -> Vec<String> {
        if asked.by_key {
            return Vec::new();
        }
        let suffix = place.suffix();
        let left = |anchor: &Anchor| self.entries.peek(&anchor.entry)?.dismissed(anchor, place, suffix, asked.now_ms);
        self.anchored(place, asked).filter_map(left).collect()
    }

    fn anchored(&self, place: &Place, asked: &Lookup<'_>) -> impl Iterator<Item = &Anchor> {
        self.anchors.get(&place.anchor(asked.language, asked.generation)).into_iter().flatten()
    }
}

impl Entry {
    /// What is left at a place of the text that was dismissed, if that was a short while ago and fits there.
    fn dismissed(&self, anchor: &Anchor, place: &Place, suffix: u64, now_ms: u64) -> Option<String> {
        let Answer::Dismissed { text } = &self.answer else { return None };
        let is_over = now_ms.saturating_sub(self.put_ms) >= DISMISSED_MS;
        let fit = self.relate(text, anchor.line_start, place, suffix).filter(|_| !is_over)?;
        self.from(text, fit.relation, place)
    }
}

impl Found {
    /// Whether this says one of these texts again.
    pub(super) fn is_among(&self, dismissed: &[String]) -> bool {
        match self {
            Found::Hit(hit) => dismissed.iter().any(|dismissed| says_again(dismissed, &hit.text)),
            Found::Nothing(_) => false,
        }
    }
}

/// Whether a text says what was dismissed, or its beginning. More closers or lines behind it do not make it another one.
fn says_again(dismissed: &str, text: &str) -> bool {
    let (dismissed, text) = (dismissed.trim_end(), text.trim_end());
    let more = || text.strip_prefix(dismissed)?.split(['\n', '\r']).next();
    dismissed.starts_with(text) || more().is_some_and(|more| !more.contains(char::is_alphanumeric))
}

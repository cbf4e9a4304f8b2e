//! How much each model really takes, learned from its refusals: a server may run with a smaller context than its row says, and count tokens
//! otherwise than we do. It leaves reading refusals to `providers`, and cutting prompts to `core::prompt`.

use std::collections::HashMap;
use std::sync::Mutex;

use pennyworth_providers::Lengths;

use crate::sync::lock;

/// Share of a limit that is used, because estimates err.
const USED: f64 = 0.95;
/// Share of a refused prompt that is tried next, if the refusal names no number.
const NEXT: f64 = 0.7;
/// Fewest tokens that are worth a request.
const LEAST: u32 = 64;

/// The limits of prompt and answer together, by model, in tokens by the row's own estimate.
#[derive(Debug, Default)]
pub struct Contexts(Mutex<HashMap<String, u32>>);

impl Contexts {
    /// The limit of a model, if it has refused a prompt.
    pub fn limit(&self, model: &str) -> Option<u32> {
        lock(&self.0).get(model).copied()
    }

    /// A model refused a prompt of `prompt` estimated tokens and a ceiling of `answer`, and named these lengths. Returns whether a shorter prompt
    /// may do.
    pub fn refused(&self, model: &str, (prompt, answer): (u32, u32), lengths: Lengths) -> bool {
        let sent = f64::from(prompt.saturating_add(answer));
        // Its tokens for one of ours. A count below ours says nothing: it may leave out the frame.
        let ratio = lengths.prompt.map_or(1.0, |counted| f64::from(counted) / f64::from(prompt.max(1))).max(1.0);
        let named = lengths.context.map_or(f64::INFINITY, |context| f64::from(context) * USED / ratio);
        // A limit that would admit the same prompt again teaches nothing.
        let limit = if named < sent { named } else { sent * NEXT } as u32;
        if limit < answer.saturating_add(LEAST) {
            return false;
        }
        let mut limits = lock(&self.0);
        let known = limits.entry(model.to_owned()).or_insert(limit);
        *known = (*known).min(limit);
        true
    }

    /// The configuration changed: the same name may stand for another server.
    pub fn forget(&self) {
        lock(&self.0).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_learned_from_what_a_refusal_says_or_by_trying_less() {
        let lengths = |context, prompt| Lengths { context, prompt };
        for (said, limit) in [
            (lengths(Some(2048), None), Some(1945)),
            // It counts twice as many tokens as we do.
            (lengths(Some(2048), Some(8000)), Some(972)),
            (lengths(Some(2048), Some(100)), Some(1945)),
            (lengths(None, None), Some(2835)),
            // By our count it would fit.
            (lengths(Some(100_000), None), Some(2835)),
            (lengths(Some(100), None), None),
        ] {
            let contexts = Contexts::default();
            assert_eq!(contexts.refused("m", (4000, 50), said), limit.is_some(), "{said:?}");
            assert_eq!(contexts.limit("m"), limit, "{said:?}");
        }
    }

    #[test]
    fn a_limit_only_shrinks_until_the_configuration_changes() {
        let contexts = Contexts::default();
        let none = Lengths::default();
        assert!(contexts.refused("m", (1000, 50), none) && contexts.limit("m") == Some(735));
        assert!(contexts.refused("m", (2000, 50), none) && contexts.limit("m") == Some(735));
        assert_eq!(contexts.limit("n"), None);
        contexts.forget();
        assert_eq!(contexts.limit("m"), None);
    }
}

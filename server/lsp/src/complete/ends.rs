//! How a call ends, and what each end means: one table for the breaker, the ledger, the cache and the next model.
//! It leaves acting on it to `call` and `failover`.

use pennyworth_core::cut::{Cut, Rejection};
use pennyworth_core::route::Why;
use pennyworth_providers::{Kind as ErrorKind, Next, ProviderError};

use crate::ledger::{CallId, Refused};
use crate::models::health::STOPS_AFTER;
use crate::models::keys::KeyError;
use crate::models::troubles::{PATIENCE, Problem};

/// The end of a call.
#[derive(Debug)]
pub enum End {
    /// The answer fits.
    Answered(Answered),
    /// The answer does not fit.
    Rejected(Rejection),
    /// The model is not sure enough of its answer to show it while the user types. If it fits, it is shown to a user who asks with a key.
    Unsure(Option<Answered>),
    /// Our own patience ended before anything whole had come. That is no fault of the provider.
    Outrun(ProviderError),
    /// Another model answered first.
    Overtaken,
    /// Our own code panicked over the answer.
    Crashed,
    /// The call was dropped, because nobody needs the answer any more.
    Cancelled,
    /// The provider failed.
    Failed(ProviderError),
    /// The provider refused a request that can be mended: there is another key, or its limit is known now. It may be made once more.
    Corrected(ProviderError),
    /// The request was never sent.
    Unsent(Unsent),
}

/// An answer that fits.
#[derive(Debug)]
pub struct Answered {
    /// The text that fits.
    pub cut: Cut,
    /// The joint probability of its tokens, if the provider reports logprobs.
    pub probability: Option<f32>,
    /// The call's row in the ledger.
    pub call: CallId,
    /// Whether the output ceiling cut the answer off.
    pub truncated: bool,
    /// Why the stream broke off behind the text, if it did.
    pub broken: Option<ProviderError>,
}

/// Why a request was never sent.
#[derive(Debug, thiserror::Error)]
pub enum Unsent {
    /// The prompt cannot be written for this model.
    #[error("{0}")]
    Unwritten(Why),
    /// The provider's breaker is open.
    #[error("its provider fails")]
    Resting,
    /// There is no key for the model.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The program that prints the key is still running.
    #[error("its key is still awaited: `{0}` has not printed it yet")]
    KeyAwaited(String),
    /// The model was found on this machine, and now another user, with this number, listens at its address.
    #[error("another user of this machine (number {0}) now listens at its address")]
    Stranger(u32),
    /// The ledger refused the call.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The answer would come too late.
    #[error("its answer would come too late")]
    Late,
}

/// What an end means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// For the provider's breaker.
    pub breaker: ForBreaker,
    /// For the call's row in the ledger.
    pub ledger: ForLedger,
    /// For the cache.
    pub cache: ForCache,
    /// Whether the next model of the route is called.
    pub next_model: bool,
}

/// What an end does to the breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForBreaker {
    /// The provider is well: the breaker closes.
    Closes,
    /// The provider is at fault; the error says for how long.
    Fails(Next),
    /// The end says nothing about the provider.
    Untouched,
}

/// What an end writes to the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForLedger {
    /// Enough of the answer was read. The word says why it is not shown.
    Settled(Option<&'static str>),
    /// The call failed.
    Failed,
    /// The call took longer than we wait.
    Outrun,
    /// The call was aborted because another model answered first.
    Overtaken,
    /// The call was aborted.
    Aborted,
    /// Nothing.
    None,
}

/// What an end leaves in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForCache {
    /// The text.
    Text,
    /// The text, for requests by key; for others, a mark that asking again now would change nothing.
    Unsure,
    /// A mark that asking again now would change nothing.
    Nothing,
    /// No entry.
    None,
}

impl End {
    /// The end that an error of the client or the provider makes.
    pub fn of(error: ProviderError) -> End {
        match error.kind {
            ErrorKind::FirstByte | ErrorKind::Deadline => End::Outrun(error),
            _ => End::Failed(error),
        }
    }

    /// The table of what each end means.
    pub fn meaning(&self) -> Meaning {
        #[rustfmt::skip]
        let (breaker, ledger, cache, next_model) = match self {
            //                     breaker                         ledger                                cache              next model
            End::Answered(it)  => (it.for_breaker(),              ForLedger::Settled(None),             ForCache::Text,    false),
            End::Rejected(why) => (ForBreaker::Closes,            ForLedger::Settled(Some(why.name())), ForCache::Nothing, true),
            End::Unsure(_)     => (ForBreaker::Closes,            ForLedger::Settled(Some("unsure")),   ForCache::Unsure,  true),
            End::Crashed       => (ForBreaker::Closes,            ForLedger::Settled(Some("crashed")),  ForCache::Nothing, true),
            End::Outrun(_)     => (ForBreaker::Untouched,         ForLedger::Outrun,                    ForCache::None,    true),
            End::Overtaken     => (ForBreaker::Untouched,         ForLedger::Overtaken,                 ForCache::None,    false),
            End::Cancelled     => (ForBreaker::Untouched,         ForLedger::Aborted,                   ForCache::None,    false),
            End::Failed(error) => (ForBreaker::Fails(error.next), ForLedger::Failed,                    ForCache::None,    true),
            End::Corrected(_)  => (ForBreaker::Untouched,         ForLedger::Failed,                    ForCache::None,    true),
            End::Unsent(_)     => (ForBreaker::Untouched,         ForLedger::None,                      ForCache::None,    true),
        };
        Meaning { breaker, ledger, cache, next_model }
    }

    /// The id of a silence that this end leaves, in `silence`.
    pub fn name(&self) -> &'static str {
        match self {
            End::Answered(_) | End::Overtaken | End::Cancelled => "cancelled",
            End::Rejected(why) => why.name(),
            End::Unsure(_) => "unsure",
            End::Outrun(_) | End::Unsent(Unsent::Late) => "late",
            End::Crashed => "crashed",
            End::Failed(_) | End::Corrected(_) | End::Unsent(Unsent::Stranger(_)) => "failed",
            End::Unsent(Unsent::Unwritten(why)) => why.name(),
            End::Unsent(Unsent::Resting) => "unhealthy",
            End::Unsent(Unsent::Key(_) | Unsent::KeyAwaited(_)) => "key",
            End::Unsent(Unsent::Refused(Refused::Cap(_))) => "cap",
            End::Unsent(Unsent::Refused(_)) => "unbooked",
        }
    }

    /// Whether a cap kept the call from being sent.
    pub fn is_capped(&self) -> bool {
        matches!(self, End::Unsent(Unsent::Refused(Refused::Cap(_))))
    }

    /// What keeps this model from answering, for the user; `None` if it is about this request alone, or about no model.
    pub fn problem(&self) -> Option<Problem> {
        match self {
            End::Unsent(Unsent::Key(error)) => Some(Problem {
                kind: "key".to_owned(),
                what: error.to_string(),
                remedy: error.remedy(),
                told_after: 1,
                again: None,
            }),
            End::Unsent(why @ Unsent::KeyAwaited(_)) => Some(Problem {
                kind: "key awaited".to_owned(),
                what: why.to_string(),
                remedy: Some("see whether it asks for something, or run it in a terminal".to_owned()),
                told_after: PATIENCE,
                again: None,
            }),
            End::Unsent(why @ Unsent::Stranger(_)) => Some(Problem {
                kind: "stranger".to_owned(),
                what: why.to_string(),
                remedy: Some("add a [model] table of your own to allow this server".to_owned()),
                told_after: 1,
                again: None,
            }),
            End::Answered(Answered { broken: Some(error), .. }) if is_of_connection(error.kind) => None,
            End::Answered(Answered { broken: Some(error), .. }) | End::Outrun(error) | End::Failed(error) => {
                // A page in place of an answer may be about one prompt; always pages are about the address. So is a prompt that is too long about
                // this place; where all are, its server takes hardly any.
                let told_after = match error.next {
                    Next::Rest(_) | Next::RestModel(_) => 1,
                    Next::StopModel => STOPS_AFTER,
                    Next::RetryAfter(_) | Next::NextModel | Next::Fatal => PATIENCE,
                };
                Some(Problem {
                    kind: format!("{:?}", error.kind),
                    what: error.to_string(),
                    remedy: error.remedy().map(str::to_owned),
                    told_after,
                    again: None,
                })
            }
            _ => None,
        }
    }
}

impl Answered {
    /// An answer of which all came that is shown says that the provider is well, even if its connection broke off behind it. If the provider
    /// itself reported an error behind it, that counts.
    fn for_breaker(&self) -> ForBreaker {
        match &self.broken {
            Some(error) if !is_of_connection(error.kind) => ForBreaker::Fails(error.next),
            _ => ForBreaker::Closes,
        }
    }
}

/// Whether a stream only broke off or went wrong behind what came of it, without a word of the provider.
fn is_of_connection(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::CutOff | ErrorKind::Deadline | ErrorKind::Malformed | ErrorKind::TooLarge)
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Answered(_) => f.write_str("the answer fits"),
            End::Rejected(why) => write!(f, "the answer does not fit: {why}"),
            End::Unsure(_) => f.write_str("the model is not sure enough"),
            End::Overtaken => f.write_str("another model answered first"),
            End::Crashed => f.write_str("our own code failed over the answer"),
            End::Cancelled => f.write_str("the call was cancelled"),
            End::Outrun(error) | End::Failed(error) | End::Corrected(error) => error.fmt(f),
            End::Unsent(why) => why.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pennyworth_providers::Pace;

    use super::*;

    fn error(kind: ErrorKind, next: Next) -> ProviderError {
        ProviderError { next, ..ProviderError::new(kind) }
    }

    #[test]
    fn each_end_means_one_thing_for_breaker_ledger_cache_and_next_model() {
        let (again, stop) = (Next::RetryAfter(Some(Duration::from_secs(7))), Next::Rest(Pace::Account));
        let (closes, fails, untouched) = (ForBreaker::Closes, ForBreaker::Fails, ForBreaker::Untouched);
        let nothing_fits = ForLedger::Settled(Some(Rejection::Empty.name()));
        for (end, breaker, ledger, cache, next_model) in [
            (End::Rejected(Rejection::Empty), closes.clone(), nothing_fits, ForCache::Nothing, true),
            (End::Unsure(None), closes.clone(), ForLedger::Settled(Some("unsure")), ForCache::Unsure, true),
            (End::Crashed, closes, ForLedger::Settled(Some("crashed")), ForCache::Nothing, true),
            (End::of(error(ErrorKind::FirstByte, again)), untouched.clone(), ForLedger::Outrun, ForCache::None, true),
            (End::of(error(ErrorKind::Deadline, again)), untouched.clone(), ForLedger::Outrun, ForCache::None, true),
            (End::Overtaken, untouched.clone(), ForLedger::Overtaken, ForCache::None, false),
            (End::of(error(ErrorKind::Server, again)), fails(again), ForLedger::Failed, ForCache::None, true),
            (End::of(error(ErrorKind::Key, stop)), fails(stop), ForLedger::Failed, ForCache::None, true),
            (
                End::Corrected(error(ErrorKind::TooLong, Next::NextModel)),
                untouched.clone(),
                ForLedger::Failed,
                ForCache::None,
                true,
            ),
            (End::Cancelled, untouched.clone(), ForLedger::Aborted, ForCache::None, false),
            (End::Unsent(Unsent::Late), untouched, ForLedger::None, ForCache::None, true),
        ] {
            assert_eq!(end.meaning(), Meaning { breaker, ledger, cache, next_model }, "{end:?}");
        }
    }

    #[test]
    fn an_answer_that_our_own_deadline_cut_off_is_outrun_and_not_failed() {
        for (kind, is_outrun) in [
            (ErrorKind::FirstByte, true),
            (ErrorKind::Deadline, true),
            (ErrorKind::CutOff, false),
            (ErrorKind::RateLimited, false),
        ] {
            assert_eq!(matches!(End::of(error(kind, Next::NextModel)), End::Outrun(_)), is_outrun, "{kind:?}");
        }
    }

    #[test]
    fn the_user_hears_at_once_of_what_lasts_and_not_of_what_one_request_did() {
        let key = End::Unsent(Unsent::Key(KeyError::Unset("KEY".into()))).problem().unwrap();
        assert_eq!((key.what.as_str(), key.told_after), ("the environment variable KEY is not set", 1));
        for (kind, told_after) in [
            (ErrorKind::Key, 1),
            (ErrorKind::Quota, 1),
            (ErrorKind::Budget, 1),
            (ErrorKind::Proxy, 1),
            (ErrorKind::Certificate, 1),
            (ErrorKind::NotFound, 1),
            (ErrorKind::Thought, STOPS_AFTER),
            (ErrorKind::Server, PATIENCE),
            (ErrorKind::Connect, PATIENCE),
            (ErrorKind::FirstByte, PATIENCE),
            (ErrorKind::RateLimited, PATIENCE),
            (ErrorKind::Blocked, PATIENCE),
            (ErrorKind::TooLong, PATIENCE),
        ] {
            let problem = End::of(ProviderError::new(kind)).problem();
            assert_eq!(problem.map(|problem| problem.told_after), Some(told_after), "{kind:?}");
        }
        let too_long = End::Corrected(ProviderError::new(ErrorKind::TooLong));
        for end in [End::Unsure(None), too_long, End::Unsent(Unsent::Resting)] {
            assert_eq!(end.problem(), None, "{end:?}");
        }
    }
}

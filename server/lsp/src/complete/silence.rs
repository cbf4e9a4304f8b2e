//! Why a request gets no suggestion: the ids by which the ledger counts that, with what each says, and the count of each request, however it ends. It
//! leaves finding the reason to the stages, and adding up to the ledger.

use std::sync::Arc;

use super::attempts::Attempts;
use super::completer::Completer;
use super::completion::Completion;
use super::request::Request;

/// What kind of reason it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A call would have brought nothing, so none was made.
    Gated,
    /// The user typed on before there was an answer.
    TypedOn,
    /// The settings, or what is protected, leave nothing to suggest.
    Settings,
    /// No model was sure enough, or nothing that it said fits.
    Answers,
    /// A model could not be asked, or failed.
    Trouble,
}

/// A reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// Its id in the ledger.
    pub id: &'static str,
    /// Its kind.
    pub kind: Kind,
    /// What it says, as a sentence without a capital and an end mark.
    pub said: &'static str,
}

/// The id of a request that ended before there was an answer.
pub(super) const SUPERSEDED: &str = "superseded";
/// Nobody noted a reason: models were asked, and none answered in time.
const NOTHING_CAME: &str = "nothing_came";

/// The kind of a reason that this program does not know, as of a newer one.
pub fn of(id: &str) -> Option<&'static Silence> {
    SILENCES.iter().find(|silence| silence.id == id)
}

/// Every reason.
#[rustfmt::skip]
pub const SILENCES: [Silence; 52] = {
    use Kind::{Answers, Gated, Settings, Trouble, TypedOn};
    const fn row(id: &'static str, kind: Kind, said: &'static str) -> Silence {
        Silence { id, kind, said }
    }
    [
        row("deletion",       Gated,    "text was just deleted"),
        row("paste",          Gated,    "text was just pasted or brought back"),
        row("mid_word",       Gated,    "the cursor was in the middle of a word"),
        row("too_little",     Gated,    "too little stood before the cursor"),
        row("finished",       Gated,    "the statement was finished"),
        row("untaken",        Gated,    "you take hardly any of this task's suggestions"),
        row("earlier",        Gated,    "models had nothing there a moment before"),
        row(SUPERSEDED,       TypedOn,  "you typed on"),
        row("cancelled",      TypedOn,  "nobody needed the answer any more"),
        row("paused",         Settings, "completions were paused"),
        row("off",            Settings, "suggestions are off there"),
        row("task_off",       Settings, "the task is off"),
        row("local_only",     Settings, "only models on this machine may serve the task, and there is none"),
        row("ignored",        Settings, "the file is ignored"),
        row("secret",         Settings, "the file holds secrets"),
        row("generated",      Settings, "the file is generated"),
        row("too_large",      Settings, "the file is over the size limit"),
        row("not_pinned",     Settings, "another model is pinned"),
        row("tier",           Settings, "no model's tier serves the task"),
        row("private",        Settings, "code may not leave this machine"),
        row("in_secret",      Settings, "the cursor stood in a key or a password"),
        row("unmasked",       Settings, "the prompt could not be searched for keys and passwords"),
        row("no_task",        Answers,  "no task is known for the place"),
        row("not_ready",      Answers,  "nothing was ready at once, and this menu waits for no model"),
        row("none_sure",      Answers,  "the embedded model was not sure enough, and there is no other"),
        row("dismissed",      Answers,  "you dismissed the same there before"),
        row("unsure",         Answers,  "the model was not sure enough"),
        row("empty",          Answers,  "the answer added nothing"),
        row("repeats",        Answers,  "the answer repeated what follows the cursor"),
        row("loops",          Answers,  "the answer repeated itself"),
        row("marker",         Answers,  "the answer began with a marker of its format"),
        row("masked",         Answers,  "the answer repeated the mask of a secret"),
        row("unseen",         Answers,  "an invisible character left nothing of the answer"),
        row("truncated",      Answers,  "the ceiling left nothing whole of the answer"),
        row("unbalanced",     Answers,  "the answer would have left brackets or quotes open"),
        row("worse_parse",    Answers,  "the code would have parsed worse with the answer"),
        row("context",        Answers,  "the prompt does not fit the model"),
        row("marker_in_text", Answers,  "the text contains a marker of the model's format"),
        row("no_chat",        Answers,  "the model takes no instructions"),
        row("stale",          Trouble,  "an edit could not be read, so the text is unknown"),
        row("unread",         Trouble,  "the rules of the folder were not known"),
        row("faulty",         Trouble,  "faulty settings closed the models"),
        row("cap",            Trouble,  "a cap was reached"),
        row("unbooked",       Trouble,  "the ledger could not be kept"),
        row("unhealthy",      Trouble,  "the provider fails"),
        row("limited",        Trouble,  "the provider's rate limits did not allow it"),
        row("too_slow",       Trouble,  "models usually answer after the deadline"),
        row("late",           Trouble,  "the answer came too late"),
        row("key",            Trouble,  "the key is missing or still awaited"),
        row("failed",         Trouble,  "the provider failed"),
        row("crashed",        Trouble,  "our own code failed"),
        row(NOTHING_CAME,     Trouble,  "no answer came in time"),
    ]
};

/// A request that is counted when this is dropped: as answered if it was given a completion, else by the reason that was noted.
pub(super) struct Reply<'a> {
    completer: &'a Completer,
    attempts: Arc<Attempts>,
    language: &'static str,
    /// What it is counted as if no reason is noted.
    otherwise: &'static str,
}

impl<'a> Reply<'a> {
    /// A request that is counted as superseded if it ends now.
    pub(super) fn begin(completer: &'a Completer, request: &Request) -> Reply<'a> {
        let language = request.snapshot.language.name();
        Reply { completer, attempts: Arc::clone(&request.attempts), language, otherwise: SUPERSEDED }
    }

    /// What it got.
    pub(super) fn is(mut self, completion: Option<&Completion>) {
        match completion {
            Some(completion) => self.attempts.replied(completion.suggested.source.name()),
            None => self.otherwise = NOTHING_CAME,
        }
    }
}

impl Drop for Reply<'_> {
    fn drop(&mut self) {
        let Some(ledger) = self.completer.ledger.get() else { return };
        let Some((place, reply)) = self.attempts.counted() else { return };
        let (task, language) = place.map_or((None, self.language), |(task, language)| (Some(task), language));
        ledger.replied(task, language, reply.unwrap_or(self.otherwise));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use pennyworth_core::cut::Rejection;
    use pennyworth_core::gate::Reason;
    use pennyworth_core::route::Why;
    use pennyworth_providers::{Kind as ErrorKind, ProviderError};

    use super::*;
    use crate::complete::ends::{End, Unsent};
    use crate::models::keys::KeyError;

    #[test]
    fn every_reason_has_one_row() {
        let ids: BTreeSet<&str> = SILENCES.iter().map(|silence| silence.id).collect();
        assert_eq!(ids.len(), SILENCES.len());
        let gate = Reason::ALL.map(Reason::name);
        let why = Why::ALL.map(|why| why.name());
        let rejected = Rejection::ALL.map(|why| End::Rejected(why).name());
        let failed = || ProviderError::new(ErrorKind::Server);
        let unset = || KeyError::Unset("KEY".into());
        let ends = [
            End::Unsure(None),
            End::Outrun(failed()),
            End::Overtaken,
            End::Crashed,
            End::Cancelled,
            End::Failed(failed()),
            End::Corrected(failed()),
            End::Unsent(Unsent::Resting),
            End::Unsent(Unsent::Key(unset())),
            End::Unsent(Unsent::KeyAwaited("pass".into())),
            End::Unsent(Unsent::Stranger(7)),
            End::Unsent(Unsent::Late),
        ];
        let ends = ends.iter().map(End::name);
        for id in gate.into_iter().chain(why).chain(rejected).chain(ends) {
            assert!(of(id).is_some(), "{id}");
        }
        assert_eq!(of("embedded").or(of("cache")).or(of("lines")).or(of("model")), None, "those are sources");
    }
}

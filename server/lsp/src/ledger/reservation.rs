//! A call between its reservation and its account: it hears the answer, and however it ends a row is written. It leaves writing to `store`.

use std::time::{Duration, Instant};

use pennyworth_core::models::AbortBilled;
use pennyworth_core::tokens;
use pennyworth_providers::{Chunk, FinishReason, Kind, ProviderError, Usage};

use super::{Call, Ledger};

/// The row of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallId(pub(super) i64);

/// What became of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It ended by itself.
    Done,
    /// Enough was heard and the stream was closed.
    Cut,
    /// The provider failed.
    Failed,
    /// Nobody wanted it any more.
    Aborted,
    /// It was never sent.
    Unsent,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Status::Done => "done",
            Status::Cut => "cut",
            Status::Failed => "failed",
            Status::Aborted => "aborted",
            Status::Unsent => "unsent",
        }
    }
}

/// The account of a call.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) status: Status,
    pub(super) usage: Usage,
    pub(super) finish: Option<FinishReason>,
    pub(super) reason: Option<String>,
    pub(super) first: Option<Duration>,
    pub(super) total: Duration,
    /// Whether its time was over before the model said anything.
    pub(super) is_late: bool,
}

/// A reservation on its way to whoever asked for it. If they are gone it is taken back, since nothing was sent.
#[derive(Debug)]
pub(super) struct Ticket(Option<Reservation>);

impl Ticket {
    pub(super) fn new(id: CallId, call: Call, ledger: Ledger) -> Ticket {
        let heard = Heard { began: Instant::now(), first: None, text: String::new(), usage: None, finish: None };
        Ticket(Some(Reservation { id, call, ledger, heard, open: true }))
    }

    pub(super) fn redeem(mut self) -> Reservation {
        #[expect(clippy::expect_used, reason = "it is taken here only, and that ends the ticket")]
        self.0.take().expect("a ticket is redeemed once")
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(reservation) = self.0.take() {
            reservation.unsent();
        }
    }
}

/// A call that may be sent. Dropping it writes it down as aborted, at an estimated cost.
pub struct Reservation {
    id: CallId,
    call: Call,
    ledger: Ledger,
    heard: Heard,
    open: bool,
}

/// What came of the answer. The text stays in memory, to be counted if no bill comes.
struct Heard {
    began: Instant,
    first: Option<Duration>,
    text: String,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
}

impl Reservation {
    /// The call's row, for the suggestion made from its answer.
    pub fn id(&self) -> CallId {
        self.id
    }

    /// Whether the output ceiling ended the answer.
    pub fn is_truncated(&self) -> bool {
        self.heard.finish == Some(FinishReason::Length)
    }

    /// Takes note of a piece of the answer.
    pub fn heard(&mut self, chunk: &Chunk) {
        match chunk {
            Chunk::Limits(_) => {}
            Chunk::Text { text, .. } => {
                self.heard.first.get_or_insert_with(|| self.heard.began.elapsed());
                self.heard.text.push_str(text);
            }
            Chunk::Usage(usage) => self.heard.usage = Some(*usage),
            Chunk::Finish(reason) => self.heard.finish = Some(*reason),
        }
    }

    /// The answer was read as far as it was wanted: to its end, or until it was cut. `rejected` says in a word why it is not shown.
    pub fn settle(mut self, rejected: Option<&str>) {
        let status = if self.heard.finish.is_some() { Status::Done } else { Status::Cut };
        self.close(status, rejected.map(str::to_owned), false);
    }

    /// The provider failed.
    pub fn fail(mut self, error: &ProviderError) {
        let heard_nothing = self.heard.text.is_empty() && self.heard.usage.is_none();
        if heard_nothing && !error.may_be_billed() {
            self.heard.usage = Some(Usage::default());
        }
        let reason = match error.status {
            Some(status) => format!("{:?} {status}", error.kind),
            None => format!("{:?}", error.kind),
        };
        let is_late = self.heard.first.is_none() && matches!(error.kind, Kind::FirstByte | Kind::Deadline);
        self.close(Status::Failed, Some(reason), is_late);
    }

    /// The request was not sent after all.
    pub fn unsent(mut self) {
        self.heard.usage = Some(Usage::default());
        self.close(Status::Unsent, None, false);
    }

    fn close(&mut self, status: Status, reason: Option<String>, is_late: bool) {
        self.open = false;
        let account = Account {
            status,
            usage: self.usage(),
            finish: self.heard.finish,
            reason,
            first: self.heard.first,
            total: self.heard.began.elapsed(),
            is_late,
        };
        if account.status != Status::Unsent {
            self.ledger.tell(&self.call, &account);
        }
        let (id, call) = (self.id, self.call.clone());
        self.ledger.send(move |store| store.settle(id, &call, &account));
    }

    /// The bill, or what it is taken to be: the provider's own; else the input it counted, or as it was estimated, with the output that came
    /// where only that is billed, and all that was allowed where the whole answer is or nobody says.
    fn usage(&self) -> Usage {
        let estimate = Usage { input: self.call.prompt_tokens.into(), estimated: true, ..Usage::default() };
        let known = self.heard.usage.unwrap_or(estimate);
        if !known.estimated || self.heard.finish.is_some() {
            return known;
        }
        let per_token = self.ledger.calibration(&self.call.model).chars_per_token(self.call.chars_per_token);
        let most = u64::from(self.call.max_tokens);
        let output = match self.call.abort_billed {
            AbortBilled::No => u64::from(tokens::estimate(&self.heard.text, per_token)).max(known.output).min(most),
            AbortBilled::Yes | AbortBilled::Unknown => most,
        };
        Usage { output, ..known }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.open {
            self.close(Status::Aborted, None, false);
        }
    }
}

impl std::fmt::Debug for Reservation {
    /// Without the text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation").field("id", &self.id).field("call", &self.call).finish_non_exhaustive()
    }
}

//! A reserved call until it is settled. It takes note of the answer; however the call ends, its row is settled. It leaves writing to `store`.

use std::time::{Duration, Instant};

use pennyworth_core::models::AbortBilled;
use pennyworth_core::task::Task;
use pennyworth_core::tokens;
use pennyworth_providers::{Chunk, FinishReason, ProviderError, Usage};

use super::entry::{CallId, Entry};
use super::settlement::{CallStatus, Settlement};
use super::span::CallSpan;
use super::writer::Writer;

/// A reservation on its way to the caller. If the caller is gone, it is taken back, since nothing was sent.
#[derive(Debug)]
pub(super) struct Ticket(Option<Reservation>);

impl Ticket {
    pub(super) fn new(id: CallId, entry: Entry, writer: Writer) -> Ticket {
        let heard = AnswerSoFar {
            began: Instant::now(),
            first: None,
            text: String::new(),
            pieces: 0,
            usage: None,
            finish: None,
            is_overtaken: false,
        };
        Ticket(Some(Reservation { id, entry, writer, heard, open: true }))
    }

    pub(super) fn redeem(mut self) -> Reservation {
        #[expect(clippy::expect_used, reason = "only this takes it, and that ends the ticket")]
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

/// A call that may be sent. Dropping it settles the call as aborted, at an estimated cost.
pub struct Reservation {
    id: CallId,
    entry: Entry,
    writer: Writer,
    heard: AnswerSoFar,
    open: bool,
}

/// The answer so far. The text stays in memory and is counted if no usage comes.
struct AnswerSoFar {
    began: Instant,
    first: Option<Duration>,
    text: String,
    /// Chunks that brought text.
    pieces: u32,
    usage: Option<Usage>,
    finish: Option<FinishReason>,
    /// Whether another model answered first.
    is_overtaken: bool,
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

    /// Takes note of a chunk of the answer.
    pub fn heard(&mut self, chunk: &Chunk) {
        match chunk {
            Chunk::Limits(_) => {}
            Chunk::Text { text, .. } => {
                self.heard.first.get_or_insert_with(|| self.heard.began.elapsed());
                self.heard.text.push_str(text);
                self.heard.pieces += 1;
            }
            Chunk::Usage(usage) => self.heard.usage = Some(*usage),
            Chunk::Finish(reason) => self.heard.finish = Some(*reason),
        }
    }

    /// The answer was read to its end, or until enough was read. `rejected` says in a word why it is not shown.
    pub fn settle(mut self, rejected: Option<&str>) {
        let status = if self.heard.finish.is_some() { CallStatus::Done } else { CallStatus::Cut };
        self.close(status, rejected.map(str::to_owned));
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
        self.close(CallStatus::Failed, Some(reason));
    }

    /// The answer took longer than we wait. Nothing of it is shown.
    pub fn outrun(mut self) {
        self.close(CallStatus::Outrun, None);
    }

    /// The call was dropped because another model answered first.
    pub fn overtaken(mut self) {
        self.heard.is_overtaken = true;
        self.close(CallStatus::Aborted, None);
    }

    /// The request was not sent after all.
    pub fn unsent(mut self) {
        self.heard.usage = Some(Usage::default());
        self.close(CallStatus::Unsent, None);
    }

    fn close(&mut self, status: CallStatus, reason: Option<String>) {
        self.open = false;
        let settlement = Settlement {
            status,
            usage: self.usage(),
            finish: self.heard.finish,
            reason,
            first: self.heard.first,
            total: self.heard.began.elapsed(),
            lines: match self.heard.finish {
                Some(_) => u32::try_from(self.heard.text.lines().count()).unwrap_or(u32::MAX),
                None => 0,
            },
            is_outrun: status == CallStatus::Outrun || self.heard.is_overtaken,
        };
        if settlement.status != CallStatus::Unsent {
            self.writer.collect(&span(&self.entry, &settlement));
        }
        let (id, entry) = (self.id, self.entry.clone());
        self.writer.send(move |store| store.settle(id, &entry, &settlement));
    }

    /// The provider's usage, or an estimate of it. The input is what the provider counted, else our estimate, of which as much is cached as in the
    /// model's answered calls. The output is what came if the provider bills only that, else `max_tokens`. One more piece counts as written: a provider
    /// writes on until it sees that we hung up.
    fn usage(&self) -> Usage {
        let input = self.entry.prompt_tokens.into();
        let estimate = Usage { input, estimated: true, input_is_guessed: true, ..Usage::default() };
        let told = self.heard.usage.filter(|usage| usage.is_plausible(self.entry.prompt_tokens, self.entry.max_tokens));
        let mut known = told.unwrap_or(estimate);
        if known.input_is_guessed {
            let shares = self.writer.memory().input_shares(&self.entry.model);
            let part = |share: f64| (known.input as f64 * share).round() as u64;
            (known.cached, known.written) = (part(shares.cached), part(shares.written));
        }
        if !known.estimated || self.heard.finish.is_some() {
            return known;
        }
        let per_token = self.writer.memory().calibration(&self.entry.model).chars_per_token(self.entry.chars_per_token);
        let most = u64::from(self.entry.max_tokens);
        let output = match self.entry.abort_billed {
            AbortBilled::No => {
                let came = u64::from(tokens::estimate(&self.heard.text, per_token)).max(known.output);
                let unread = came.div_ceil(u64::from(self.heard.pieces.max(1))).max(1);
                (came + unread).min(most)
            }
            AbortBilled::Yes | AbortBilled::Unknown => most,
        };
        Usage { output, ..known }
    }
}

fn span<'a>(entry: &'a Entry, settlement: &'a Settlement) -> CallSpan<'a> {
    CallSpan {
        provider: &entry.provider,
        model: &entry.model,
        task: entry.task.map_or("warming", Task::name),
        language: &entry.language,
        max_tokens: entry.max_tokens,
        input: settlement.usage.input,
        cached: settlement.usage.cached,
        output: settlement.usage.output,
        estimated: settlement.usage.estimated,
        cost: settlement.usage.cost(&entry.price).usd(),
        finish: settlement.finish.map(|finish| format!("{finish:?}").to_lowercase()),
        status: settlement.status.name(),
        reason: settlement.reason.as_deref(),
        first: settlement.first,
        total: settlement.total,
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.open {
            self.close(CallStatus::Aborted, None);
        }
    }
}

impl std::fmt::Debug for Reservation {
    /// Without the text.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reservation").field("id", &self.id).field("entry", &self.entry).finish_non_exhaustive()
    }
}

//! Holds the ledger, which opens after the server starts, so that the first answer does not wait for it. It leaves opening it to the server.

use tokio::sync::SetOnce;

use super::Ledger;

/// Holds the ledger once it is open.
#[derive(Default)]
pub struct Slot {
    kept: SetOnce<Ledger>,
    /// Stands in while the disk does not answer, or for good if the ledger cannot be opened.
    stand_in: SetOnce<Ledger>,
}

impl Slot {
    /// The ledger; `None` until it is open.
    pub fn get(&self) -> Option<&Ledger> {
        self.kept.get().or_else(|| self.stand_in.get())
    }

    /// Waits for the ledger. Every call that costs money waits for it.
    pub async fn opened(&self) -> &Ledger {
        tokio::select! {
            biased;
            kept = self.kept.wait() => kept,
            stand_in = self.stand_in.wait() => stand_in,
        }
    }

    /// Stores the ledger. Only the first one counts.
    pub fn fill(&self, ledger: Ledger) {
        let _ = self.kept.set(ledger);
    }

    /// Stores a ledger that holds until the one is open that lasts.
    pub fn stand_in(&self, ledger: Ledger) {
        let _ = self.stand_in.set(ledger);
    }
}

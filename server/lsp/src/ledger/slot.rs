//! Holds the ledger, which opens after the server starts, so that the first answer does not wait for it. It leaves opening it to the server.

use tokio::sync::SetOnce;

use super::Ledger;

/// Holds the ledger once it is open.
#[derive(Default)]
pub struct Slot(SetOnce<Ledger>);

impl Slot {
    /// The ledger; `None` until it is open.
    pub fn get(&self) -> Option<&Ledger> {
        self.0.get()
    }

    /// Waits for the ledger. Every call that costs money waits for it.
    pub async fn opened(&self) -> &Ledger {
        self.0.wait().await
    }

    /// Stores the ledger. Only the first one counts.
    pub fn fill(&self, ledger: Ledger) {
        let _ = self.0.set(ledger);
    }
}

//! What is left of the caps, which the ledger is asked for while the place is classified. It leaves whether it is asked to
//! `completer`, and counting money to the ledger.

use pennyworth_core::caps::Caps;
use pennyworth_core::money::Money;

use crate::ledger::AskedSpent;

/// What is left of the caps; `None` if the ledger cannot be kept.
pub(super) enum CapLeft {
    /// It is known.
    Known(Option<Money>),
    /// The ledger was asked what these caps have left.
    Asked(Caps, AskedSpent),
}

impl CapLeft {
    /// It, if the ledger has answered. Does not wait.
    pub(super) fn now(&mut self) -> Option<Option<Money>> {
        if let CapLeft::Asked(caps, asked) = self
            && let Some(spent) = asked.now()
        {
            *self = CapLeft::Known(spent.map(|spent| caps.left(spent)));
        }
        match self {
            CapLeft::Known(left) => Some(*left),
            CapLeft::Asked(..) => None,
        }
    }

    /// Waits for it.
    pub(super) async fn known(self) -> Option<Money> {
        match self {
            CapLeft::Known(left) => left,
            CapLeft::Asked(caps, asked) => Some(caps.left(asked.known().await?)),
        }
    }
}

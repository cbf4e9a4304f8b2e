//! What a provider holds of a batch, prompts and answers, is removed once nobody needs it. A process that is killed just before leaves it there
//! until the provider forgets it. It leaves the calls to the batch APIs.

use pennyworth_providers::{Batches, ProviderError};

use super::look::Look;
use crate::ledger::BatchRow;

impl Look<'_> {
    /// Removes what is named of a batch whose results were all taken.
    pub(super) async fn clear(&self, batches: &Batches<'_>, batch: &BatchRow, kept: &[String]) {
        self.cleared(batch, batches.remove(kept).await);
    }

    /// Removes the uploaded file of a batch that will not be sent.
    pub(super) async fn clear_upload(&self, batches: &Batches<'_>, batch: &BatchRow) {
        if let Some(file) = &batch.file {
            self.cleared(batch, batches.remove_upload(file).await);
        }
    }

    fn cleared(&self, batch: &BatchRow, removed: Result<(), ProviderError>) {
        if let Err(error) = removed {
            self.note(format!("{}: files of a batch may still lie at the provider: {error}", batch.model));
        }
    }
}

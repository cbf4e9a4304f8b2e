//! Looks after the queue while a server runs: now and then for what is due, and hardly ever where there is nothing. It leaves a look to `look`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::look::{Looker, Pace, When};
use crate::complete::Completer;
use crate::ledger::JobId;
use crate::settings::Settings;

/// The pause where nothing is queued: a command that queues a job sends it itself.
const NOTHING: Duration = Duration::from_secs(300);
/// The pause between two looks where something is. What is not due then is left alone.
const SOMETHING: Duration = Duration::from_secs(60);

/// Looks after the queue for ever. `config` is the user's own file in place of the usual one, and `ended` receives jobs that ended.
pub async fn keep(completer: Arc<Completer>, config: Option<PathBuf>, ended: impl Fn(&[JobId])) {
    loop {
        let pause = match look(&completer, config.clone(), &ended).await {
            true => SOMETHING,
            false => NOTHING,
        };
        tokio::time::sleep(pause).await;
    }
}

/// Looks once; false if nothing is queued.
async fn look(completer: &Completer, config: Option<PathBuf>, ended: &impl Fn(&[JobId])) -> bool {
    let ledger = completer.ledger.opened().await;
    let is_empty = ledger.open_jobs().await.map_or(true, |jobs| jobs.is_empty());
    if is_empty {
        return false;
    }
    // The user's own settings: a job has its workspace's, and an editor has no say in another one's jobs.
    let gathered = tokio::task::spawn_blocking(move || Settings::gather(config.as_deref(), &[]).0);
    let Ok(settings) = gathered.await else { return true };
    let (providers, parses, pace) = (&completer.providers, &completer.parses, Pace::default());
    let looker = Looker { ledger, providers, parses, settings, pace, asks: true };
    match looker.look(When::Due).await {
        Ok(looked) => {
            looked.notes.iter().for_each(|note| tracing::warn!("the queue: {note}"));
            if !looked.ended.is_empty() {
                ended(&looked.ended);
            }
        }
        Err(error) => tracing::warn!(%error, "the queue cannot be looked after"),
    }
    true
}

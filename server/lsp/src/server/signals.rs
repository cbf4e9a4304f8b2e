//! The system's signals to end, which count as the end of the client: what runs is then ended in order. It leaves ending it to `parts`.

#[cfg(unix)]
use std::time::Duration;

/// Time to end in order, after which the process ends as it is.
#[cfg(unix)]
const IN_ORDER: Duration = Duration::from_secs(10);

/// Returns when the system asks this process to end.
#[cfg(unix)]
pub(super) async fn asked_to_end() {
    use futures_util::future::select_all;
    use tokio::signal::unix::{SignalKind, signal};

    let (tell, told) = tokio::sync::oneshot::channel();
    // A task of its own, so that a second signal is heard by a server that is stuck.
    tokio::spawn(async move {
        let kinds = [SignalKind::terminate(), SignalKind::hangup(), SignalKind::interrupt()];
        let mut signals: Vec<_> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
        if signals.is_empty() {
            return;
        }
        select_all(signals.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
        let _ = tell.send(());
        let again = select_all(signals.iter_mut().map(|signal| Box::pin(signal.recv())));
        let _ = tokio::time::timeout(IN_ORDER, again).await;
        std::process::exit(1);
    });
    if told.await.is_err() {
        std::future::pending().await
    }
}

/// Never returns: elsewhere the system does not ask.
#[cfg(not(unix))]
pub(super) async fn asked_to_end() {
    std::future::pending().await
}

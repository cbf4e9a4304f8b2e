//! Ctrl-C, or a signal to end, while models are asked: the call under way is dropped, and so settled, and what came before is printed. A second one ends
//! the process at once. It leaves what is printed to the commands.

use std::process::ExitCode;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// Exit code of a command that was interrupted, as shells give it.
const INTERRUPTED: u8 = 130;

/// The wish to end early.
pub(super) struct Interrupt(oneshot::Receiver<()>);

impl Interrupt {
    /// Listens from now on; the system's signals no longer end the process by themselves.
    pub(super) fn listen(runtime: &Runtime) -> Interrupt {
        let (tell, told) = oneshot::channel();
        let _within = runtime.enter();
        if let Some(mut signals) = Signals::new() {
            runtime.spawn(async move {
                signals.heard().await;
                let _ = tell.send(());
                signals.heard().await;
                std::process::exit(INTERRUPTED.into());
            });
        }
        Interrupt(told)
    }

    /// Does work until the user wants to end it; `None` if so.
    pub(super) async fn or<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            Ok(()) = &mut self.0 => None,
            done = work => Some(done),
        }
    }
}

/// The exit code of a command that was interrupted.
pub(super) fn interrupted() -> ExitCode {
    ExitCode::from(INTERRUPTED)
}

#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn new() -> Option<Signals> {
        use tokio::signal::unix::{SignalKind, signal};

        // A hangup is left alone: `nohup` has it ignored, and a handler would undo that.
        let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
        let signals: Vec<_> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
        Some(Signals(signals)).filter(|signals| !signals.0.is_empty())
    }

    async fn heard(&mut self) {
        futures_util::future::select_all(self.0.iter_mut().map(|signal| Box::pin(signal.recv()))).await;
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> Option<Signals> {
        tokio::signal::windows::ctrl_c().ok().map(Signals)
    }

    async fn heard(&mut self) {
        self.0.recv().await;
    }
}

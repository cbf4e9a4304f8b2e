//! Listens to signals. What a signal does is up to the caller.

use std::time::Duration;

use tokio::sync::watch;

/// A signal that asks this process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// The wish of another program, such as the system that shuts down.
    Terminate,
    /// The terminal is gone.
    Hangup,
}

impl Signal {
    /// All of them.
    pub const ALL: [Signal; 3] = [Signal::Interrupt, Signal::Terminate, Signal::Hangup];

    /// The exit code of a process that it ended, as shells give it.
    pub const fn code(self) -> u8 {
        match self {
            Signal::Hangup => 129,
            Signal::Interrupt => 130,
            Signal::Terminate => 143,
        }
    }
}

/// Signals that are listened to: they no longer end the process by themselves.
pub struct Signals(system::Listeners);

impl Signals {
    /// Listens from now on, in a runtime; `None` where the system has none of them. A hangup that is ignored stays so: `nohup` keeps it from us.
    pub fn new(signals: &[Signal]) -> Option<Signals> {
        system::listen(signals).map(Signals)
    }

    /// Returns once one has come.
    pub async fn heard(&mut self) -> Signal {
        system::heard(&mut self.0).await
    }
}

/// A request that this process ends.
#[derive(Clone)]
pub struct EndRequest(watch::Receiver<bool>);

impl EndRequest {
    /// Listens from now on, in a runtime. `first` is called at the first signal. The second one calls `last` and ends the process with this exit code, as
    /// does the end of the time that is left to end in order. A task of its own hears them, also where the rest is stuck.
    pub fn listen(
        signals: &[Signal],
        (code, in_order): (u8, Option<Duration>),
        first: impl FnOnce() + Send + 'static,
        last: impl FnOnce() + Send + 'static,
    ) -> EndRequest {
        let (tell, told) = watch::channel(false);
        if let Some(mut signals) = Signals::new(signals) {
            tokio::spawn(async move {
                signals.heard().await;
                first();
                tell.send_replace(true);
                match in_order {
                    Some(time) => _ = tokio::time::timeout(time, signals.heard()).await,
                    None => _ = signals.heard().await,
                }
                last();
                std::process::exit(code.into());
            });
        }
        EndRequest(told)
    }

    /// Whether it was made.
    pub fn is_made(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns once it was made.
    pub async fn made(&self) {
        if self.0.clone().wait_for(|is_made| *is_made).await.is_err() {
            // Nobody listens here.
            std::future::pending().await
        }
    }
}

#[cfg(unix)]
mod system {
    use futures_util::future::select_all;
    use tokio::signal::unix::{self, SignalKind, signal};

    use super::Signal;

    pub(super) type Listeners = Vec<(Signal, unix::Signal)>;

    pub(super) fn listen(signals: &[Signal]) -> Option<Listeners> {
        let kind = |which: &Signal| match which {
            Signal::Interrupt => SignalKind::interrupt(),
            Signal::Terminate => SignalKind::terminate(),
            Signal::Hangup => SignalKind::hangup(),
        };
        let heeded = signals.iter().filter(|which| **which != Signal::Hangup || !is_hangup_ignored());
        let all: Listeners = heeded.filter_map(|which| Some((*which, signal(kind(which)).ok()?))).collect();
        Some(all).filter(|all| !all.is_empty())
    }

    /// Whether this process was started with hangups ignored. Only Linux tells without `unsafe`.
    fn is_hangup_ignored() -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        // A bit for each signal; the first one is the hangup.
        ignored.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).is_some_and(|bits| bits & 1 == 1)
    }

    pub(super) async fn heard(listeners: &mut Listeners) -> Signal {
        let each = listeners.iter_mut().map(|(which, listener)| {
            Box::pin(async move {
                listener.recv().await;
                *which
            })
        });
        select_all(each).await.0
    }
}

#[cfg(windows)]
mod system {
    use tokio::signal::windows::{CtrlC, ctrl_c};

    use super::Signal;

    pub(super) type Listeners = CtrlC;

    /// Ctrl-C alone is known there.
    pub(super) fn listen(signals: &[Signal]) -> Option<Listeners> {
        signals.contains(&Signal::Interrupt).then(|| ctrl_c().ok()).flatten()
    }

    pub(super) async fn heard(listeners: &mut Listeners) -> Signal {
        listeners.recv().await;
        Signal::Interrupt
    }
}

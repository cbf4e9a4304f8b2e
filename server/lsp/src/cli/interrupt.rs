//! Ctrl-C, or a signal to end, in commands that may ask models: before anything is sent it ends the process; then the call under way is dropped, and so
//! settled, and what came before is printed. A second one ends the process at once. It leaves what is printed to the commands.

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use tokio::runtime::Runtime;

use crate::signals::{Signal, Wish};
use crate::sync::lock;

/// Exit code of a command that was interrupted.
const INTERRUPTED: u8 = Signal::Interrupt.code();

/// Why something was not done, or not to its end.
pub(super) const EARLY: &str = "you ended it early";

/// The wish to end early.
pub(super) struct Interrupt {
    wish: Wish,
    /// Whether something was begun that is ended in order.
    has_begun: Arc<Mutex<bool>>,
}

impl Interrupt {
    /// Listens from now on; the system's signals no longer end the process by themselves.
    pub(super) fn listen(runtime: &Runtime) -> Interrupt {
        let has_begun = Arc::<Mutex<bool>>::default();
        let begun = Arc::clone(&has_begun);
        let first = move || {
            // It stays locked, so that nothing begins meanwhile.
            let begun = lock(&begun);
            if !*begun {
                eprintln!("{EARLY}; nothing was sent");
                std::process::exit(INTERRUPTED.into());
            }
        };
        let _within = runtime.enter();
        // A hangup is left alone: `nohup` has it ignored, and a handler would undo that.
        let wish = Wish::listen(&[Signal::Interrupt, Signal::Terminate], (INTERRUPTED, None), first);
        Interrupt { wish, has_begun }
    }

    /// From now on the first signal ends nothing by itself.
    pub(super) fn begin(&self) {
        *lock(&self.has_begun) = true;
    }

    /// Whether the user wants to end it.
    pub(super) fn is_wanted(&self) -> bool {
        self.wish.is_made()
    }

    /// Does work until the user wants to end it; `None` if so.
    pub(super) async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.begin();
        tokio::select! {
            biased;
            () = self.wish.made() => None,
            done = work => Some(done),
        }
    }
}

/// The exit code of a command that was interrupted.
pub(super) fn interrupted() -> ExitCode {
    ExitCode::from(INTERRUPTED)
}

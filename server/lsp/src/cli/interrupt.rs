//! Ctrl-C, or a signal to end, in commands that may ask models: before anything is sent it ends the process; then the call under way is dropped, and so
//! settled, and what came before is printed. A second one ends the process at once. It leaves what is printed to the commands.

use std::io;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::runtime::{Handle, Runtime};

use crate::models::keys;
use crate::signals::{EndRequest, Signal};
use crate::sync::lock;

/// Exit code of a command that was interrupted.
const INTERRUPTED: u8 = Signal::Interrupt.code();

/// Why something was not done, or not to its end.
pub(super) const EARLY: &str = "you ended it early";

/// What a request to end adds to the bill.
pub(super) const ON_TOP: &str = "the estimated cost of a call that was under way comes on top";

/// The signals that end a command in order. A hangup ends it at once: nobody is there to read what came.
pub(super) const IN_ORDER: [Signal; 2] = [Signal::Interrupt, Signal::Terminate];

/// How long threads that wait for a disk may hold up the end of a command. Nobody hears a second signal then.
const PATIENCE: Duration = Duration::from_secs(2);

/// The runtime of a command. What its threads are stuck in does not hold up the end of the process.
pub(super) struct CommandRuntime(Handle, Option<Runtime>);

impl CommandRuntime {
    pub(super) fn new() -> io::Result<CommandRuntime> {
        let runtime = Runtime::new()?;
        Ok(CommandRuntime(runtime.handle().clone(), Some(runtime)))
    }

    pub(super) fn handle(&self) -> &Handle {
        &self.0
    }

    pub(super) fn block_on<F: Future>(&self, work: F) -> F::Output {
        self.0.block_on(work)
    }
}

impl Drop for CommandRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.1.take() {
            runtime.shutdown_timeout(PATIENCE);
        }
    }
}

/// The user's request to end early.
pub(super) struct Interrupt {
    request: EndRequest,
    /// Whether something was begun that is ended in order.
    has_begun: Arc<Mutex<bool>>,
}

impl Interrupt {
    /// Listens from now on; the system's signals no longer end the process by themselves.
    pub(super) fn listen(runtime: &Handle) -> Interrupt {
        let has_begun = Arc::<Mutex<bool>>::default();
        let begun = Arc::clone(&has_begun);
        let first = move || {
            // It stays locked, so that nothing begins meanwhile.
            let begun = lock(&begun);
            if !*begun {
                eprintln!("{EARLY}; nothing was sent");
                keys::end_programs();
                std::process::exit(INTERRUPTED.into());
            }
        };
        let _within = runtime.enter();
        let request = EndRequest::listen(&IN_ORDER, (INTERRUPTED, None), first, keys::end_programs);
        Interrupt { request, has_begun }
    }

    /// From now on the first signal ends nothing by itself.
    pub(super) fn begin(&self) {
        *lock(&self.has_begun) = true;
    }

    /// Whether the user wants to end it.
    pub(super) fn is_wanted(&self) -> bool {
        self.request.is_made()
    }

    /// Does work until the user wants to end it; `None` if so.
    pub(super) async fn or<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.begin();
        tokio::select! {
            biased;
            () = self.request.made() => None,
            done = work => Some(done),
        }
    }
}

/// The exit code of a command that was interrupted.
pub(super) fn interrupted() -> ExitCode {
    ExitCode::from(INTERRUPTED)
}

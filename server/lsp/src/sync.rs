//! Locks, background tasks and what becomes of a panic, for all folders. It knows nothing of what they protect or run.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinSet;

/// The pause before a part is restarted that panicked, so that one that always panics takes no processor.
const RESTART: Duration = Duration::from_millis(100);

/// Locks a mutex whose content is always valid, so that a panic of another holder does not matter.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs work that may wait for a disk for ever, on a thread of its own; `None` if it takes longer than this. Then it goes on, and its result is
/// dropped.
pub fn within<T: Send + 'static>(patience: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let run = move || drop(sender.send(work()));
    std::thread::Builder::new().name("disk".into()).spawn(run).ok()?;
    receiver.recv_timeout(patience).ok()
}

/// Tasks that end when the server ends, if not earlier.
#[derive(Default)]
pub struct Background(Mutex<JoinSet<()>>);

impl Background {
    /// Starts a task.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.0);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }

    /// Starts a task that is begun again whenever it panics.
    pub fn keep<F>(&self, crashes: &Arc<Crashes>, part: &'static str, begin: impl Fn() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let crashes = Arc::clone(crashes);
        self.spawn(async move {
            while AssertUnwindSafe(begin()).catch_unwind().await.is_err() {
                crashes.crashed(part);
                tokio::time::sleep(RESTART).await;
            }
        });
    }

    /// Aborts all tasks.
    pub fn abort(&self) {
        lock(&self.0).abort_all();
    }
}

/// Tells the user a message.
type Tell = Box<dyn Fn(&str) + Send + Sync>;

/// The panics of this server's parts. Each part goes on after one, and the first one of each is told to the user.
#[derive(Default)]
pub struct Crashes {
    told: Mutex<BTreeSet<&'static str>>,
    tell: OnceLock<Tell>,
}

impl Crashes {
    /// Sets who is told of the first panic of each part, with a message.
    pub fn tell(&self, tell: impl Fn(&str) + Send + Sync + 'static) {
        // Set once, when the parts of the server meet.
        let _ = self.tell.set(Box::new(tell));
    }

    /// A part panicked.
    pub fn crashed(&self, part: &'static str) {
        tracing::error!(part, "a part panicked");
        if lock(&self.told).insert(part)
            && let Some(tell) = self.tell.get()
        {
            tell(&format!("{part} crashed by a mistake of ours and was restarted; the log says where"));
        }
    }

    /// Runs work that may panic; `None` if it does.
    pub fn guard<T>(&self, part: &'static str, work: impl FnOnce() -> T) -> Option<T> {
        catch_unwind(AssertUnwindSafe(work)).inspect_err(|_| self.crashed(part)).ok()
    }

    /// Runs a thread's work to its end, and again after each panic.
    pub fn keep(&self, part: &'static str, mut work: impl FnMut()) {
        while self.guard(part, &mut work).is_none() {
            std::thread::sleep(RESTART);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Crashes, with what was told of them.
    fn crashes() -> (Arc<Crashes>, Arc<Mutex<Vec<String>>>) {
        let (crashes, told) = (Arc::<Crashes>::default(), Arc::<Mutex<Vec<String>>>::default());
        let listener = Arc::clone(&told);
        crashes.tell(move |message| lock(&listener).push(message.to_owned()));
        (crashes, told)
    }

    #[test]
    fn a_thread_that_panics_is_begun_again_and_that_is_said_once() {
        let (crashes, told) = crashes();
        let mut runs = 0;
        crashes.keep("learning", || {
            runs += 1;
            assert!(runs > 2, "a test");
        });
        assert_eq!((runs, lock(&told).len()), (3, 1));
        assert_eq!(crashes.guard("parsing", || -> u8 { panic!("a test") }), None);
        assert_eq!(crashes.guard("parsing", || 7), Some(7));
        assert_eq!(lock(&told).len(), 2, "each part is told of by itself");
    }

    #[test]
    fn nobody_waits_for_work_that_does_not_end() {
        assert_eq!(within(Duration::from_secs(60), || 7), Some(7));
        let (held, waits) = std::sync::mpsc::channel::<()>();
        assert_eq!(within(Duration::from_millis(1), move || waits.recv().is_ok()), None);
        drop(held);
    }

    #[tokio::test]
    async fn a_task_that_panics_is_begun_again() {
        let ((crashes, told), runs) = (crashes(), Arc::<AtomicUsize>::default());
        let (background, counted) = (Background::default(), Arc::clone(&runs));
        let (done, ended) = tokio::sync::mpsc::channel(1);
        background.keep(&crashes, "the status", move || {
            let (run, done) = (counted.fetch_add(1, Ordering::Relaxed), done.clone());
            async move {
                assert!(run > 1, "a test");
                let _ = done.send(()).await;
            }
        });
        let mut ended = ended;
        ended.recv().await;
        assert_eq!((runs.load(Ordering::Relaxed), lock(&told).len()), (3, 1));
    }
}

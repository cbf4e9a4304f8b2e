//! The user's keys: when the last one was pressed, at which task, and the pauses between them. It leaves what follows from them to `core::wait`.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use pennyworth_core::task::Task;
use pennyworth_core::wait::{self, Rhythms, Stakes};

use crate::sync::lock;

/// The keys so far. Nothing of them is kept on disk.
#[derive(Default)]
pub struct Keys(Mutex<All>);

#[derive(Default)]
struct All {
    rhythms: Rhythms,
    last: Option<(Instant, Option<Task>)>,
}

impl Keys {
    /// A key edited a document.
    pub fn pressed(&self, now: Instant) {
        let mut all = lock(&self.0);
        if let Some((before, task)) = all.last.replace((now, None)) {
            let pause = now.saturating_duration_since(before).as_millis();
            all.rhythms.pause(task, u64::try_from(pause).unwrap_or(u64::MAX));
        }
    }

    /// The task that stands behind the last key.
    pub(super) fn at(&self, task: Task) {
        if let Some((_, at)) = &mut lock(&self.0).last {
            *at = Some(task);
        }
    }

    /// The time since the last key; `None` before the first.
    pub(super) fn since(&self) -> Option<Duration> {
        lock(&self.0).last.map(|(pressed, _)| pressed.elapsed())
    }

    /// The wait behind a key that gains most, in milliseconds, of at most `most_ms`.
    pub(super) fn wait(&self, task: Task, stakes: Stakes, most_ms: u32) -> u32 {
        wait::wait(&lock(&self.0).rhythms, task, stakes, most_ms)
    }
}

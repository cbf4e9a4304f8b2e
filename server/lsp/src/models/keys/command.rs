//! Runs the program that prints a key, with a bound on its time and its output. It ends with all that it started: when its time is over, when
//! nobody wants its key any more, and when we end. It leaves which program to run, and keeping the key, to `keys`.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::error::{KeyError, PATIENCE};
#[cfg(unix)]
use crate::signals::{Signal, Signals};
use crate::sync::lock;

/// Most bytes that are read of what a program prints.
const MOST: u64 = 64 * 1024;
/// How long to read on once the program has ended, if something that it started still holds its output.
const GRACE: Duration = Duration::from_millis(100);

/// The programs that run, by process id, so that none outlives us.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(Arc<Mutex<BTreeSet<u32>>>, Arc<AtomicBool>);

/// A program that runs. Dropping it ends the program and all that it started.
struct Group {
    id: u32,
    running: Running,
}

impl Running {
    /// Ends all programs.
    pub(super) fn end(&self) {
        std::mem::take(&mut *lock(&self.0)).into_iter().for_each(kill);
    }

    fn add(&self, id: u32) -> Group {
        lock(&self.0).insert(id);
        Group { id, running: self.clone() }
    }

    /// From now on somebody else ends all programs when the system asks us to end.
    pub(super) fn leave_signals(&self) {
        self.1.store(true, Ordering::Relaxed);
    }

    /// Ends all programs when the system asks us to end. A terminal sends its interrupt to us alone, because programs run in groups of their own.
    #[cfg(unix)]
    fn end_with_us(&self) {
        static ONCE: std::sync::Once = std::sync::Once::new();
        if self.1.load(Ordering::Relaxed) {
            return;
        }
        let running = self.clone();
        ONCE.call_once(|| {
            let Some(mut signals) = Signals::new(&[Signal::Interrupt, Signal::Terminate, Signal::Hangup]) else {
                return;
            };
            tokio::spawn(async move {
                let signal = signals.heard().await;
                running.end();
                std::process::exit(signal.code().into());
            });
        });
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A program that has ended took itself out: its id may belong to another by now.
        if lock(&self.running.0).remove(&self.id) {
            kill(self.id);
        }
    }
}

/// Runs a program and returns the first line that it prints. Its standard error is dropped.
pub(super) async fn printed(mut command: Command, running: &Running) -> Result<SecretString, KeyError> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    #[cfg(unix)]
    {
        command.process_group(0);
        running.end_with_us();
    }
    let mut child = command.spawn().map_err(|error| KeyError::NotRun(error.to_string()))?;
    let _group = child.id().map(|id| running.add(id));
    let (id, out) = (child.id(), child.stdout.take());
    let read = async {
        let mut printed = Vec::new();
        let Some(mut out) = out.map(|out| out.take(MOST)) else { return Err(KeyError::Empty) };
        let ended = tokio::select! {
            biased;
            _ = out.read_to_end(&mut printed) => None,
            ended = child.wait() => Some(ended),
        };
        if printed.len() as u64 >= MOST {
            return Err(KeyError::Empty);
        }
        let ended = match ended {
            Some(ended) => {
                let _ = timeout(GRACE, out.read_to_end(&mut printed)).await;
                ended
            }
            None => child.wait().await,
        };
        if let Some(id) = id {
            lock(&running.0).remove(&id);
        }
        let status = ended.map_err(|error| KeyError::NotRun(error.to_string()))?;
        match status.success() {
            true => first_line(printed),
            false => Err(KeyError::Failed(status.to_string())),
        }
    };
    timeout(PATIENCE, read).await.unwrap_or(Err(KeyError::Slow))
}

fn first_line(printed: Vec<u8>) -> Result<SecretString, KeyError> {
    let text = String::from_utf8(printed).map_err(|_| KeyError::Empty)?;
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.map(SecretString::from).ok_or(KeyError::Empty)
}

/// Ends a program and all that it started.
#[cfg(unix)]
fn kill(id: u32) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
    }
}

/// Ends a program and all that it started.
#[cfg(not(unix))]
fn kill(id: u32) {
    let id = id.to_string();
    let mut command = std::process::Command::new("taskkill");
    let _ = command
        .args(["/T", "/F", "/PID", &id])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
}

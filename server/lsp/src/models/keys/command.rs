//! Runs the program that prints a key, with a bound on its time and its output. It ends with all that it started: when its time is over, when
//! nobody wants its key any more, and when we end. It leaves which program to run, and keeping the key, to `keys`.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;
use tokio::time::timeout;

use super::error::{KeyError, PATIENCE};
use crate::signals::Signal;
#[cfg(unix)]
use crate::signals::Signals;
use crate::sync::lock;

/// Most bytes that are read of what a program prints.
const MOST: u64 = 64 * 1024;
/// How long to read on once the program has ended, if something that it started still holds its output.
const GRACE: Duration = Duration::from_millis(100);

/// All programs that run, by process id, so that none outlives this process.
static ALL: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Ends all programs, because this process ends.
pub fn end_programs() {
    std::mem::take(&mut *lock(&ALL)).into_iter().for_each(kill);
}

/// The programs that run for one owner, and the signals at which it ends them itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(Arc<Mutex<BTreeSet<u32>>>, Arc<Mutex<Vec<Signal>>>);

/// A program that runs. Dropping it ends the program and all that it started.
struct Group {
    id: u32,
    running: Running,
}

impl Running {
    /// Ends the programs of this owner.
    pub(super) fn end(&self) {
        let own = std::mem::take(&mut *lock(&self.0));
        own.into_iter().filter(|id| lock(&ALL).remove(id)).for_each(kill);
    }

    fn add(&self, id: u32) -> Group {
        lock(&ALL).insert(id);
        lock(&self.0).insert(id);
        Group { id, running: self.clone() }
    }

    /// A program is no longer ended. False if it was already.
    fn remove(&self, id: u32) -> bool {
        let is_known = lock(&ALL).remove(&id);
        lock(&self.0).remove(&id) && is_known
    }

    /// From now on the owner ends its programs at these signals.
    pub(super) fn leave_signals(&self, signals: &[Signal]) {
        signals.clone_into(&mut lock(&self.1));
    }

    /// Ends all programs when the system asks us to end. A terminal sends its interrupt to us alone, because programs run in groups of their own.
    #[cfg(unix)]
    fn end_with_us(&self) {
        static ONCE: std::sync::Once = std::sync::Once::new();
        let left = lock(&self.1).clone();
        let ours: Vec<Signal> = Signal::ALL.into_iter().filter(|signal| !left.contains(signal)).collect();
        ONCE.call_once(|| {
            let Some(mut signals) = Signals::new(&ours) else { return };
            tokio::spawn(async move {
                let signal = signals.heard().await;
                end_programs();
                std::process::exit(signal.code().into());
            });
        });
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A program that has ended took itself out: its id may belong to another by now.
        if self.running.remove(self.id) {
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
            running.remove(id);
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

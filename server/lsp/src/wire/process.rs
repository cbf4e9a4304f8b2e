//! Another process of this machine, to see when it ends. It leaves acting on that to `serve`.

/// A process that was there when it was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    id: i32,
    /// Whether it was the parent of this one. A zombie still has its id, but it is no longer a parent.
    is_our_parent: bool,
    /// When it started, where the system tells. Another process may get its id later.
    started: Option<u64>,
}

impl Process {
    /// The process with this id; `None` if none is seen from here, as from a container whose processes are numbered apart.
    pub fn seen(id: i32) -> Option<Process> {
        let process = Process { id, is_our_parent: is_our_parent(id), started: started(id) };
        (id > 0 && exists(id)).then_some(process)
    }

    /// Whether it still runs.
    pub fn is_alive(&self) -> bool {
        // Where its start could not be told at first, it proves nothing later.
        let is_the_same = self.started.is_none() || started(self.id) == self.started;
        exists(self.id) && is_our_parent(self.id) == self.is_our_parent && is_the_same
    }
}

#[cfg(unix)]
fn exists(id: i32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    // A process of another user cannot be signalled, but it exists.
    let process = if id > 0 { Pid::from_raw(id) } else { None };
    process.is_some_and(|process| test_kill_process(process) != Err(rustix::io::Errno::SRCH))
}

/// Without a cheap way to check, the server relies on the end of input.
#[cfg(not(unix))]
fn exists(_: i32) -> bool {
    true
}

#[cfg(unix)]
fn is_our_parent(id: i32) -> bool {
    i64::from(id) == i64::from(std::os::unix::process::parent_id())
}

#[cfg(not(unix))]
fn is_our_parent(_: i32) -> bool {
    false
}

/// When a process started, in the kernel's ticks; `None` if that cannot be told, or if it has ended and only waits to be buried.
#[cfg(target_os = "linux")]
fn started(id: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in brackets, may hold anything. The state follows it, and the start is the 20th field from there.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

#[cfg(not(target_os = "linux"))]
fn started(_: i32) -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_seen_is_watched_and_until_it_ends() {
        for id in [0, -1, -7, i32::MIN, i32::MAX] {
            assert_eq!(Process::seen(id), None, "{id}");
        }
        let own = i32::try_from(std::process::id()).unwrap();
        for id in [1, own, i32::try_from(std::os::unix::process::parent_id()).unwrap()] {
            assert!(Process::seen(id).is_none_or(|process| process.is_alive()), "{id}");
        }
        assert!(Process::seen(own).is_some());
        let mut child = std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        let process = Process::seen(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(process.is_alive());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!process.is_alive());
        if let Some(started) = process.started {
            let other = Process { id: own, started: Some(started + 1), ..process };
            assert!(!other.is_alive(), "another process with its id");
        }
    }
}

//! Marks around parses. Grammars are C, and one that fails takes the server along; the editor starts it again and sends the same text. So what is
//! being parsed stands in a file of this process while it is, as a hash of the document's path and the name of its language. A file without a
//! living owner that still holds a mark tells where a server ended: there nothing is parsed for an hour, and after a second end not until another
//! version of the server runs. A kill by the user or the system looks the same, so the first end costs only an hour.
//!
//! It leaves known faults of grammars to `core::guard`, and suggesting without a parser to `complete`.

use std::collections::HashMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::private;
use crate::sync::{lock, within};

/// The folder of marks, beside the ledger.
pub const PARSES: &str = "parses";
/// Time without a parse after the first end.
const PAUSE: Duration = Duration::from_secs(60 * 60);
/// Time after which an end is forgotten.
const KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The file of ends, and the ending of a process's own file.
const ENDS: &str = "ends";
const MARKS: &str = "marks";
/// Bytes of a mark, and how many parses may run at once with one.
const MARK_BYTES: usize = 40;
const MARKS_AT_ONCE: u32 = 64;
/// Longest wait for the folder. A disk that does not answer is one that takes no marks.
const FOLDER_PATIENCE: Duration = Duration::from_secs(1);
/// Wait for another server that starts, and how often.
const PATIENCE: Duration = Duration::from_millis(5);
const TRIES: usize = 40;
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The marks of this process, and where earlier ones ended. Without a folder it does nothing.
#[derive(Default)]
pub struct Parses {
    /// Until when the folder is waited for.
    until: OnceLock<Instant>,
    opened: OnceLock<Opened>,
    opening: (Mutex<()>, Condvar),
    is_closed: AtomicBool,
}

/// A document in a language, by a hash of its path.
type Key = (u64, String);

struct Opened {
    /// The file of this process and its path, locked as long as it lives.
    own: Option<(File, PathBuf)>,
    /// One bit for each mark in use.
    used: AtomicU64,
    barred: HashMap<Key, Barred>,
    told: Mutex<Vec<Key>>,
}

/// Why a document is not parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Barred {
    /// When a server last ended in it.
    pub since: SystemTime,
    /// When it is parsed again; `None` if not by this version.
    until: Option<SystemTime>,
}

/// Servers that ended in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Ends {
    count: u32,
    last: SystemTime,
}

/// A parse that is under way, until this is dropped.
pub struct Mark {
    parses: Arc<Parses>,
    number: Option<u32>,
}

impl Parses {
    /// Keeps the marks in a folder, which a thread opens: its disk may not answer.
    pub fn keep_in(self: &Arc<Parses>, folder: PathBuf) {
        let _ = self.until.set(Instant::now() + FOLDER_PATIENCE);
        let parses = Arc::clone(self);
        let open = move || {
            let opened = Opened::in_folder(&folder, SystemTime::now());
            let opening = lock(&parses.opening.0);
            let _ = parses.opened.set(opened);
            drop(opening);
            parses.opening.1.notify_all();
        };
        if let Err(error) = std::thread::Builder::new().name("marks".into()).spawn(open) {
            tracing::error!(%error, "a thread did not start");
        }
    }

    /// Whether [`Parses::wait`] would wait now.
    pub fn waits(&self) -> bool {
        self.opened.get().is_none() && self.until.get().is_some_and(|until| Instant::now() < *until)
    }

    /// Waits a moment for the folder, before a document is parsed that may be barred. Without an answer, parses are not marked.
    pub fn wait(&self) {
        let Some(until) = self.until.get() else { return };
        let mut opening = lock(&self.opening.0);
        while self.opened.get().is_none() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            opening = self.opening.1.wait_timeout(opening, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Marks a parse of a document. It costs two short writes to a file, which nobody waits for the disk to take.
    pub fn begin(self: &Arc<Parses>, document: &Path, language: &str) -> Mark {
        Mark { parses: Arc::clone(self), number: self.mark(document, language) }
    }

    fn mark(&self, document: &Path, language: &str) -> Option<u32> {
        let opened = self.opened.get()?;
        let (file, _) = opened.own.as_ref().filter(|_| !self.is_closed.load(Ordering::Relaxed))?;
        let take = |used: u64| Some(used | 1_u64.checked_shl(used.trailing_ones())?);
        let used = opened.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        let number = used.trailing_ones();
        write_at(file, number, &format!("{:016x} {language}", hash(document)));
        Some(number)
    }

    /// Why a document is not to be parsed, if so. This never waits.
    pub fn barred(&self, document: &Path, language: &str) -> Option<Barred> {
        let opened = self.opened.get().filter(|opened| !opened.barred.is_empty())?;
        let barred = *opened.barred.get(&(hash(document), language.to_owned()))?;
        barred.until.is_none_or(|until| SystemTime::now() < until).then_some(barred)
    }

    /// The message about a document that is not parsed, the first time.
    pub fn untold(&self, document: &Path, language: &str, barred: Barred) -> Option<String> {
        let opened = self.opened.get()?;
        let key = (hash(document), language.to_owned());
        let mut told = lock(&opened.told);
        if told.contains(&key) {
            return None;
        }
        told.push(key);
        let name = document.file_name().unwrap_or(document.as_os_str()).to_string_lossy();
        Some(format!("{name}: {}", barred.why(language)))
    }

    /// The server ends in order: parses that it abandons are no faults of theirs.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        let own = self.opened.get().and_then(|opened| opened.own.as_ref());
        let Some((Ok(file), path)) = own.map(|(file, path)| (file.try_clone(), path.clone())) else { return };
        let _ = within(FOLDER_PATIENCE, move || {
            let _ = file.set_len(0);
            let _ = std::fs::remove_file(path);
        });
    }
}

impl Barred {
    /// Whether servers ended there more than once, which hardly happens by being killed.
    pub fn is_lasting(self) -> bool {
        self.until.is_none()
    }

    /// What holds, why, and what to do, as a sentence.
    pub fn why(self, language: &str) -> String {
        let until = match self.until.and_then(|until| until.duration_since(SystemTime::now()).ok()) {
            Some(left) => format!("for {} minutes", left.as_secs() / 60 + 1),
            None => "until you install another version".to_owned(),
        };
        format!(
            "the server ended while it parsed this file as {language}. The file is not parsed {until}; suggestions there know less of its \
             syntax. Please report this, with the text if you may share it"
        )
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        let (Some(number), Some(opened)) = (self.number, self.parses.opened.get()) else { return };
        if let Some((file, _)) = opened.own.as_ref().filter(|_| !self.parses.is_closed.load(Ordering::Relaxed)) {
            write_at(file, number, "");
        }
        opened.used.fetch_and(!(1 << number), Ordering::Relaxed);
    }
}

impl Opened {
    /// Reads what ended servers left in a folder, and begins a file there. On a file system without locks or room there are no marks.
    fn in_folder(folder: &Path, now: SystemTime) -> Opened {
        let read = read(folder, now).inspect_err(|error| tracing::debug!(%error, "parses are not marked"));
        let (own, ends) = read.map_or((None, HashMap::new()), |(own, ends)| (Some(own), ends));
        let barred = ends.into_iter().filter_map(|(key, ends)| Some((key, ends.bar(now)?))).collect();
        Opened { own, used: AtomicU64::new(0), barred, told: Mutex::default() }
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let (Some((_, path)), 0) = (&self.own, self.used.load(Ordering::Relaxed)) {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Ends {
    fn bar(&self, now: SystemTime) -> Option<Barred> {
        let (since, until) = (self.last, self.last + PAUSE);
        match self.count {
            0 | 1 => (now < until).then_some(Barred { since, until: Some(until) }),
            _ => Some(Barred { since, until: None }),
        }
    }
}

/// Collects the marks of servers that ended, and makes the file of this one. Only one server does so at a time.
fn read(folder: &Path, now: SystemTime) -> std::io::Result<((File, PathBuf), HashMap<Key, Ends>)> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)?;
    let mut file = private_file(&folder.join(ENDS))?;
    alone(&file)?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let mut ends: HashMap<Key, Ends> = text.lines().filter_map(line).collect();
    ends.retain(|_, ends| now.duration_since(ends.last).unwrap_or_default() < KEPT);
    let left = left_behind(folder)?;
    for key in &left {
        let ends = ends.entry(key.clone()).or_insert(Ends { count: 0, last: now });
        *ends = Ends { count: ends.count + 1, last: now };
        tracing::warn!(language = key.1, "a server ended during a parse");
    }
    if !left.is_empty() {
        let lines = ends.iter().map(|((hash, language), Ends { count, last })| {
            let seconds = last.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
            format!("{hash:016x} {language} {count} {seconds} {VERSION}\n")
        });
        let text: String = lines.collect();
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        file.write_all(text.as_bytes())?;
    }
    let nanos = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_nanos());
    let path = folder.join(format!("{}-{nanos}.{MARKS}", std::process::id()));
    let own = private_file(&path)?;
    own.try_lock()?;
    // A disk that answers and takes nothing is found out here, and not by a parse.
    write_at(&own, 0, "");
    Ok(((own, path), ends))
}

/// Locks the file of ends, which each server holds for a moment at its start.
fn alone(file: &File) -> std::io::Result<()> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(PATIENCE),
            locked => return Ok(locked?),
        }
    }
    Err(std::io::ErrorKind::WouldBlock.into())
}

/// A line of the file of ends, if it is of this version.
fn line(line: &str) -> Option<(Key, Ends)> {
    let mut words = line.split(' ');
    let key = (u64::from_str_radix(words.next()?, 16).ok()?, words.next()?.to_owned());
    let (count, seconds) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let last = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    (words.next() == Some(VERSION)).then_some((key, Ends { count, last }))
}

/// The marks in files that nobody holds any more; the files are removed.
fn left_behind(folder: &Path) -> std::io::Result<Vec<Key>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)?.flatten() {
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != MARKS) {
            continue;
        }
        let Ok(mut file) = private::open_file(&path, OpenOptions::new().read(true).write(true)) else { continue };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock | TryLockError::Error(_)) => continue,
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        found.extend(bytes.chunks(MARK_BYTES).filter_map(|mark| {
            let (hash, language) = std::str::from_utf8(mark).ok()?.trim().split_once(' ')?;
            Some((u64::from_str_radix(hash, 16).ok()?, language.to_owned()))
        }));
        drop(file);
        std::fs::remove_file(&path)?;
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// A file that only its user reads.
fn private_file(path: &Path) -> std::io::Result<File> {
    private::open_file(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))
}

/// Writes a mark, or blanks. A disk that takes none is no reason not to suggest.
fn write_at(file: &File, number: u32, mark: &str) {
    let bytes = format!("{mark:<width$}\n", width = MARK_BYTES - 1).into_bytes();
    let at = u64::from(number.min(MARKS_AT_ONCE)) * MARK_BYTES as u64;
    #[cfg(unix)]
    let _ = std::os::unix::fs::FileExt::write_all_at(file, &bytes, at);
    #[cfg(windows)]
    let _ = std::os::windows::fs::FileExt::seek_write(file, &bytes, at);
}

fn hash(document: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    document.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Duration = Duration::from_secs(2 * 60 * 60);

    fn parses(folder: &Path) -> Arc<Parses> {
        let parses = Arc::<Parses>::default();
        parses.keep_in(folder.to_owned());
        parses.wait();
        parses
    }

    /// A server that ends while it parses a document.
    fn end_in(folder: &Path, document: &str) {
        let parses = parses(folder);
        let (other, mark) = (parses.begin(Path::new("other"), "rust"), parses.begin(Path::new(document), "bash"));
        drop(other);
        std::mem::forget(mark);
        // The system closes the file, and with it the lock.
        let _ = parses.opened.get().and_then(|opened| opened.own.as_ref()).map(|(file, _)| file.unlock());
    }

    #[test]
    fn a_document_in_which_a_server_ended_is_not_parsed() {
        let folder = tempfile::tempdir().unwrap();
        let (folder, here) = (folder.path(), Path::new("a.sh"));
        assert_eq!(parses(folder).barred(here, "bash"), None);
        end_in(folder, "a.sh");
        let next = parses(folder);
        let barred = next.barred(here, "bash").unwrap();
        assert!(barred.until.is_some());
        for (document, language) in [("a.sh", "python"), ("b.sh", "bash"), ("other", "rust")] {
            assert_eq!(next.barred(Path::new(document), language), None, "{document} {language}");
        }
        let told = next.untold(here, "bash", barred).unwrap();
        assert!(told.starts_with("a.sh: ") && told.contains("bash") && told.contains("60 minutes"), "{told}");
        assert_eq!(next.untold(here, "bash", barred), None);
        // A living server's marks say nothing, and neither do those of one that ended in order.
        let mark = next.begin(Path::new("c.sh"), "bash");
        assert_eq!(parses(folder).barred(Path::new("c.sh"), "bash"), None);
        next.close();
        drop(mark);
        drop(next);
        assert_eq!(parses(folder).barred(Path::new("c.sh"), "bash"), None);
        // The second end.
        end_in(folder, "a.sh");
        assert_eq!(parses(folder).barred(here, "bash").map(|barred| barred.until), Some(None));
    }

    #[test]
    fn an_end_costs_an_hour_two_cost_a_version() {
        let now = SystemTime::UNIX_EPOCH + KEPT;
        for (count, after, is_barred) in [
            (1, Duration::ZERO, true),
            (1, PAUSE - Duration::from_secs(1), true),
            (1, LATER, false),
            (2, Duration::ZERO, true),
            (2, LATER, true),
        ] {
            assert_eq!(Ends { count, last: now }.bar(now + after).is_some(), is_barred, "{count} {after:?}");
        }
        let of = |version: &str| line(&format!("00000000000000ff bash 2 86400 {version}"));
        assert_eq!(of("0.0.0-other"), None);
        assert_eq!(of(VERSION).map(|(key, ends)| (key.0, ends.count)), Some((255, 2)));
    }

    #[test]
    fn what_cannot_be_written_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        for parses in [Arc::default(), parses(&file)] {
            drop(parses.begin(Path::new("a.sh"), "bash"));
            assert_eq!(parses.barred(Path::new("a.sh"), "bash"), None);
        }
    }

    #[test]
    fn a_folder_that_does_not_answer_is_not_waited_for() {
        let parses = Arc::<Parses>::default();
        parses.until.set(Instant::now()).unwrap();
        parses.wait();
        assert_eq!(parses.barred(Path::new("a.sh"), "bash"), None);
        assert!(parses.begin(Path::new("a.sh"), "bash").number.is_none());
        parses.close();
    }

    #[test]
    fn more_parses_at_once_than_marks() {
        let folder = tempfile::tempdir().unwrap();
        let parses = parses(folder.path());
        let marks: Vec<Mark> = (0..70).map(|_| parses.begin(Path::new("a.sh"), "bash")).collect();
        assert_eq!(marks.iter().filter(|mark| mark.number.is_some()).count(), 64);
        drop(marks);
        assert_eq!(parses.begin(Path::new("a.sh"), "bash").number, Some(0));
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 2);
    }
}

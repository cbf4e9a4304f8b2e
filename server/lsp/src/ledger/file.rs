//! The ledger's file: opens or creates it, migrates it, and tells it from another one that took its place. It leaves damaged files to
//! `damage`, and what is done without a file to `books`.

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::trouble::Trouble;
use crate::private;

/// The migrations, each from the version before. The file's `user_version` says how many it has had.
const MIGRATIONS: [&str; 7] = [
    include_str!("1.sql"),
    include_str!("2.sql"),
    include_str!("3.sql"),
    include_str!("4.sql"),
    include_str!("5.sql"),
    include_str!("6.sql"),
    include_str!("7.sql"),
];
/// Longest wait for another server's write.
pub(super) const BUSY: Duration = Duration::from_secs(2);
/// Time between two tries to take the lock.
const AGAIN: Duration = Duration::from_millis(5);
/// Pages of the journal above which they are moved to the file.
const JOURNAL_PAGES: i64 = 1000;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("a newer program wrote it: its version is {0}, and this program knows {known}", known = MIGRATIONS.len())]
    Newer(i64),
    #[error("it is not a ledger")]
    Foreign,
    #[error("it cannot be written")]
    ReadOnly,
    #[error("{} is not a file, and a link does not count as one", .0.display())]
    NotAFile(PathBuf),
    #[error("another program has held its lock for {} s", BUSY.as_secs())]
    Locked,
    #[error("its file system has no locks ({0})")]
    NoLocks(io::Error),
    #[error("it is on a network file system, and another server uses it in a mode that works on one machine only")]
    Shared,
    #[error("others replace it again and again")]
    Restless,
    #[error("it is damaged and cannot be replaced ({0})")]
    Stuck(Box<Fault>),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Fault {
    /// Whether the content is at fault, so that a new file in its place would work.
    pub(super) fn is_damage(&self) -> bool {
        match self {
            Fault::Foreign => true,
            Fault::Sqlite(error) => is_damage(error),
            _ => false,
        }
    }

    fn is_code(&self, code: ErrorCode) -> bool {
        matches!(self, Fault::Sqlite(error) if self::code(error) == Some(code))
    }

    /// What the user can do.
    fn remedy(&self) -> &'static str {
        match self {
            Fault::Newer(_) => "Update this program, or set XDG_STATE_HOME to another folder.",
            Fault::NoLocks(_) => "Set XDG_STATE_HOME to a folder on a disk of this machine.",
            Fault::Locked => "End the program that holds it, such as a database viewer.",
            Fault::Shared => "Close all editors on the machines that share it, and start them again.",
            _ if self.is_code(ErrorCode::DiskFull) => "Free some space on its disk.",
            Fault::Io(error) if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
                "Free some space on its disk."
            }
            _ => "Make the file and its folder writable, or free some space, or set XDG_STATE_HOME to another folder.",
        }
    }

    /// The same for the user.
    pub(super) fn trouble(&self, path: &Path) -> Trouble {
        Trouble::new(Some(path), format!("cannot be kept: {self}"), self.remedy())
    }
}

/// SQLite's code of an error, if it is SQLite's.
pub(super) fn code(error: &rusqlite::Error) -> Option<ErrorCode> {
    match error {
        rusqlite::Error::SqlInputError { error, .. } => Some(error.code),
        error => error.sqlite_error_code(),
    }
}

/// Whether an error says that the file's content is broken.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Whether an error says that other servers hold a lock.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(code(error), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// A file that is open.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// The ledger's own id: another file with the same name has another one.
    pub(super) id: i64,
    identity: Identity,
    /// The identity of the journal that all servers share, if there is one.
    journal: Option<Identity>,
    guard: File,
}

impl Opened {
    /// Runs work on the file while nobody can move it away. `None` if it is not the file at its path any more.
    pub(super) fn run<T>(
        &mut self,
        path: &Path,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Fault> {
        take(&self.guard, Lock::Shared)?;
        let done = match self.is_in_place(path) {
            true => work(&mut self.connection).map(Some).map_err(Fault::from),
            false => Ok(None),
        };
        // A lock that is not released here ends with the file's handle.
        let _ = self.guard.unlock();
        done
    }

    fn is_in_place(&self, path: &Path) -> bool {
        let same_file = std::fs::metadata(path).is_ok_and(|found| Identity::of(&found) == self.identity);
        let same_journal = self.journal.is_none() || self.journal == Identity::of_journal(path);
        same_file && same_journal && own_id(&self.connection).is_ok_and(|id| id == self.id)
    }
}

/// What tells two files apart that have the same path one after the other.
#[derive(Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of_journal(path: &Path) -> Option<Identity> {
        std::fs::metadata(with(path, "-wal")).ok().map(|found| Identity::of(&found))
    }

    #[cfg(unix)]
    fn of(found: &Metadata) -> Identity {
        use std::os::unix::fs::MetadataExt as _;
        Identity(found.dev(), found.ino())
    }

    /// The time of its creation; besides, open files cannot be moved here.
    #[cfg(not(unix))]
    fn of(found: &Metadata) -> Identity {
        let created = found.created().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
        Identity(0, created.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// How to hold the lock beside the file: all who use the file share it, and who moves it away holds it alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    Shared,
    Alone,
}

/// Takes a lock, and waits at most [`BUSY`] for it.
pub(super) fn take(guard: &File, lock: Lock) -> Result<(), Fault> {
    let begun = Instant::now();
    loop {
        let taken = match lock {
            Lock::Shared => guard.try_lock_shared(),
            Lock::Alone => guard.try_lock(),
        };
        match taken {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if begun.elapsed() < BUSY => std::thread::sleep(AGAIN),
            Err(TryLockError::WouldBlock) => return Err(Fault::Locked),
            Err(TryLockError::Error(error)) => return Err(Fault::NoLocks(error)),
        }
    }
}

/// Opens the lock beside a file.
pub(super) fn guard(path: &Path) -> Result<File, Fault> {
    let path = with(path, ".lock");
    is_plain(&path)?;
    Ok(private::open_file(&path, File::options().create(true).truncate(false).write(true))?)
}

/// A connection to the file, which is created and migrated as needed. It waits so long for other servers.
pub(super) fn connect(path: &Path, busy: Duration) -> Result<Opened, Fault> {
    if let Some(folder) = path.parent() {
        private::create_folder(folder)?;
    }
    is_plain(path)?;
    let guard = guard(path)?;
    // SQLite gives the files beside it the rights of this one. It says itself what is wrong with a file that cannot be made.
    let _ = private::create_file(path);
    loop {
        let before = std::fs::metadata(path).ok();
        let connection = prepare(path, busy).map_err(|fault| named(path, fault))?;
        let after = std::fs::metadata(path)?;
        // Another server may have moved the file between the two looks.
        if before.is_some_and(|before| Identity::of(&before) == Identity::of(&after)) {
            let id = own_id(&connection)?;
            // The mode may still change if several servers create the file together; then there is no such journal yet.
            let journal = Identity::of_journal(path).filter(|_| is_wal(&connection));
            return Ok(Opened { connection, id, identity: Identity::of(&after), journal, guard });
        }
    }
}

fn prepare(path: &Path, busy: Duration) -> Result<Connection, Fault> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(busy)?;
    if connection.is_readonly("main")? {
        return Err(Fault::ReadOnly);
    }
    // A power failure may lose the latest rows; a crash of the process does not.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    migrate(&mut connection)?;
    set_journal(&connection, journal(path))?;
    move_journal(&connection, false)?;
    Ok(connection)
}

/// How the file keeps its journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Journal {
    /// Readers and the writer do not wait for each other. It needs memory that all share, so a machine's own disk.
    Wal,
    /// Works wherever locks work.
    Delete,
}

/// The journal for a file's place.
fn journal(path: &Path) -> Journal {
    match path.parent().is_some_and(remote::is_remote) {
        true => Journal::Delete,
        false => Journal::Wal,
    }
}

fn set_journal(connection: &Connection, journal: Journal) -> Result<(), Fault> {
    let name = match journal {
        Journal::Wal => "wal",
        Journal::Delete => "delete",
    };
    let mut found = name.to_owned();
    let set = connection.pragma_update_and_check(None, "journal_mode", name, |row| {
        found = row.get(0)?;
        Ok(())
    });
    match (set, journal) {
        // Of servers that create the file together, only one that is alone for a moment can change its mode. The change is permanent.
        (Err(error), Journal::Wal) if is_busy(&error) => Ok(()),
        (Err(error), Journal::Delete) if is_busy(&error) => Err(Fault::Shared),
        (Err(error), _) => Err(error.into()),
        (Ok(()), Journal::Delete) if found == "wal" => Err(Fault::Shared),
        (Ok(()), _) => Ok(()),
    }
}

fn is_wal(connection: &Connection) -> bool {
    let mode = connection.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0));
    mode.is_ok_and(|mode| mode == "wal")
}

/// Sets whether writes move a large journal to the file. That waits for the disk, so only writes that nobody waits for may do it.
pub(super) fn move_journal(connection: &Connection, may: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "wal_autocheckpoint", if may { JOURNAL_PAGES } else { 0 })
}

/// A connection that only reads, for reports.
pub(super) fn reader(path: &Path) -> Result<Connection, Fault> {
    is_plain(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| named(path, error.into()))?;
    connection.busy_timeout(BUSY)?;
    let found = version(&connection)?;
    if found > MIGRATIONS.len() as i64 {
        return Err(Fault::Newer(found));
    }
    Ok(connection)
}

/// A connection to memory, lost with the process.
pub(super) fn in_memory() -> Connection {
    let made = Connection::open_in_memory().map_err(Fault::from).and_then(|mut connection| {
        migrate(&mut connection)?;
        Ok(connection)
    });
    #[expect(clippy::expect_used, reason = "the schema is part of the binary and needs nothing but memory")]
    made.expect("a database in memory")
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Runs the missing migrations, all or none.
fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    let known = MIGRATIONS.len() as i64;
    if version(connection)? == known {
        return Ok(());
    }
    // Another server may run the same migrations: the second one finds them done.
    let step = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = version(&step)?;
    if found > known {
        return Err(Fault::Newer(found));
    }
    let tables: i64 = step.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if found < 0 || (found == 0 && tables > 0) {
        return Err(Fault::Foreign);
    }
    for migration in MIGRATIONS.iter().skip(found as usize) {
        step.execute_batch(migration)?;
    }
    step.pragma_update(None, "user_version", known)?;
    step.commit()?;
    Ok(())
}

/// The id of a file.
pub(super) fn own_id(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached("SELECT id FROM files WHERE is_own")?.query_row([], |row| row.get(0))
}

/// An error if there is something other than a file: opening a pipe would wait for ever, and what a link leads to is not ours.
fn is_plain(path: &Path) -> Result<(), Fault> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(Fault::NotAFile(path.to_owned())),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// The system's reason for a file that SQLite cannot open.
fn named(path: &Path, fault: Fault) -> Fault {
    if !fault.is_code(ErrorCode::CannotOpen) {
        return fault;
    }
    File::options().read(true).write(true).open(path).err().map_or(fault, Fault::Io)
}

/// A path with an ending.
pub(super) fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod remote {
    use std::path::Path;

    /// File systems whose files other machines may have open, by the numbers that Linux gives them: NFS, SMB, 9P (also the disks of Windows
    /// under WSL), AFS, Coda, Ceph, Lustre, GPFS, OCFS2, GFS2, FUSE (such as sshfs) and the shared folders of VirtualBox.
    const REMOTE: [u32; 15] = [
        0x6969,
        0x517B,
        0xFF53_4D42,
        0xFE53_4D42,
        0x0102_1997,
        0x5346_414F,
        0x6B41_4653,
        0x7375_7245,
        0x00C3_6400,
        0x0BD0_0BD0,
        0x4750_4653,
        0x7461_636F,
        0x0116_1970,
        0x6573_5546,
        0x786F_4256,
    ];

    pub(super) fn is_remote(folder: &Path) -> bool {
        rustix::fs::statfs(folder).is_ok_and(|found| REMOTE.contains(&(found.f_type as u32)))
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod remote {
    use std::path::Path;

    /// Elsewhere network file systems are not told apart.
    pub(super) fn is_remote(_folder: &Path) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_on_a_network_has_no_memory_that_servers_share() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        let opened = connect(&path, BUSY).unwrap();
        assert!(with(&path, "-wal").exists() || journal(&path) == Journal::Delete);
        assert!(matches!(set_journal(&opened.connection, Journal::Delete), Ok(())));
        let connection = Connection::open(&path).unwrap();
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "delete");
        // While another server reads in the mode of one machine, the file is not used.
        set_journal(&opened.connection, Journal::Wal).unwrap();
        connection.execute_batch("BEGIN; SELECT * FROM calls;").unwrap();
        opened.connection.busy_timeout(Duration::ZERO).unwrap();
        assert!(matches!(set_journal(&opened.connection, Journal::Delete), Err(Fault::Shared)));
    }
}

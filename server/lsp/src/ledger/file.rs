//! The ledger's file: opened, made, brought to the present version, or moved aside when it is damaged. Whatever is wrong with it ends in a
//! ledger that works and a text that says what happened. It leaves rows to `store`.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

/// One step each from the version before; the file says in its `user_version` how many were taken.
const MIGRATIONS: [&str; 1] = [include_str!("1.sql")];
/// How long another server's write is waited for.
const BUSY: Duration = Duration::from_secs(2);

/// How often what other servers hold up is tried, each time as long as the connection waits.
pub(super) const TRIES: usize = 3;
/// Pages of the journal from which on they are moved to the file.
const JOURNAL_PAGES: i64 = 1000;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("its version is {0}, and this program knows {known}; a newer one wrote it", known = MIGRATIONS.len())]
    Newer(i64),
    #[error("it is not a ledger")]
    Foreign,
    #[error("it cannot be written")]
    ReadOnly,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{0}")]
    Sqlite(#[from] rusqlite::Error),
}

impl Fault {
    /// Whether the content is at fault, so that another file in its place would do.
    fn is_damage(&self) -> bool {
        match self {
            Fault::Foreign => true,
            Fault::Sqlite(error) => is_damage(error),
            Fault::Newer(_) | Fault::ReadOnly | Fault::Io(_) => false,
        }
    }
}

/// Whether an error says that the file's content is broken.
pub(super) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Whether an error says that other servers are at it.
pub(super) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Whether an error will come again however often the same is tried.
pub(super) fn is_lasting(error: &rusqlite::Error) -> bool {
    let code = error.sqlite_error_code();
    is_damage(error)
        || matches!(
            code,
            Some(
                ErrorCode::SystemIoFailure
                    | ErrorCode::DiskFull
                    | ErrorCode::ReadOnly
                    | ErrorCode::CannotOpen
                    | ErrorCode::PermissionDenied
            )
        )
}

/// The file's connection, or one in memory, and what there is to say about it.
pub(super) fn open(path: Option<&Path>, now: SystemTime) -> (Connection, Option<String>) {
    let Some(path) = path else {
        return (
            in_memory(),
            Some(
                "no place for the ledger is known (is HOME set?); it is kept in memory and forgotten at the end".into(),
            ),
        );
    };
    let shown = path.display();
    let mut connected = connect(path);
    for _ in 1..TRIES {
        if !matches!(&connected, Err(Fault::Sqlite(error)) if is_busy(error)) {
            break;
        }
        connected = connect(path);
    }
    match connected {
        Ok(connection) => (connection, None),
        Err(fault) if fault.is_damage() => match replace(path, now) {
            Ok((connection, Some(aside))) => {
                let aside = aside.display();
                (
                    connection,
                    Some(format!(
                        "the ledger {shown} is damaged ({fault}); it was moved to {aside} and a new one begun"
                    )),
                )
            }
            Ok((connection, None)) => (connection, None),
            Err(second) => (
                in_memory(),
                Some(format!(
                    "the ledger {shown} is damaged ({fault}) and cannot be replaced ({second}); it is kept in memory and forgotten at the end"
                )),
            ),
        },
        Err(fault) => (
            in_memory(),
            Some(format!("the ledger {shown} cannot be used ({fault}); it is kept in memory and forgotten at the end")),
        ),
    }
}

/// A ledger that ends with the process.
pub(super) fn in_memory() -> Connection {
    let made = Connection::open_in_memory().map_err(Fault::from).and_then(|mut connection| {
        migrate(&mut connection)?;
        Ok(connection)
    });
    #[expect(clippy::expect_used, reason = "the schema is part of the binary and needs nothing but memory")]
    made.expect("a database in memory")
}

fn connect(path: &Path) -> Result<Connection, Fault> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    if connection.is_readonly("main")? {
        return Err(Fault::ReadOnly);
    }
    // Rows of the last moments may be lost with the power, not with the process.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    migrate(&mut connection)?;
    match connection.pragma_update(None, "journal_mode", "WAL") {
        // Servers that start together make the file together, and only one that is alone for a moment can change its mode: it stays changed.
        Err(error) if is_busy(&error) => {}
        changed => changed?,
    }
    move_journal(&connection, false)?;
    Ok(connection)
}

/// Whether writes move what has gathered in the journal to the file once there is much of it. That waits for the disk, so it is left to
/// writes that nobody waits for.
pub(super) fn move_journal(connection: &Connection, may: bool) -> rusqlite::Result<()> {
    connection.pragma_update(None, "wal_autocheckpoint", if may { JOURNAL_PAGES } else { 0 })
}

/// Takes the steps that are missing, all or none.
fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    let version =
        |connection: &Connection| connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0));
    let known = MIGRATIONS.len() as i64;
    if version(connection)? == known {
        return Ok(());
    }
    // Another server may be taking the same steps: who comes second finds them taken.
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

/// Moves a damaged file aside and begins a new one, unless another server did so just now. Gives the place it was moved to.
fn replace(path: &Path, now: SystemTime) -> Result<(Connection, Option<PathBuf>), Fault> {
    let guard = File::create(with(path, ".lock"))?;
    guard.lock()?;
    match connect(path) {
        Err(fault) if fault.is_damage() => {}
        repaired => return repaired.map(|connection| (connection, None)),
    }
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let aside = with(path, &format!(".damaged-{seconds}"));
    for part in ["", "-wal", "-shm"] {
        match std::fs::rename(with(path, part), with(&aside, part)) {
            Err(error) if part.is_empty() || error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok((connect(path)?, Some(aside)))
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

//! What the fake editor plants in every test: documents and files of each kind that is excluded, with markers in them, and the search for these
//! markers in logs, ledgers and error streams. The fake provider searches what it is sent.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;

use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use crate::fake_provider::door;

/// Documents that every editor opens: the path below the root of the file system, the language, and the kind of what excludes it.
/// A generated document is none of them: once it is open, the embedded model learns it.
pub const DOCUMENTS: [(&str, &str, &str); 5] = [
    ("planted/.env", "shellscript", "env"),
    ("planted/Secrets.JSON", "json", "secrets"),
    ("planted/.ssh/keys.rs", "rust", "ssh"),
    ("planted/id_rsa.bak", "python", "key"),
    ("planted/terraform.tfvars.json", "json", "tfvars"),
];

/// The text of a planted document. A model that learned it would go on behind `KIND_engine.start(`.
#[must_use]
pub fn text(language: &str, kind: &str) -> String {
    let marker = door::marker(kind);
    let line = match language {
        "rust" => format!("fn f() {{\n    {kind}_engine.start(\"{marker}\", {marker});\n}}\n"),
        "json" => format!("{{\n  \"{kind}_engine\": \"{marker}\",\n  \"{marker}\": 1\n}}\n"),
        "go" => format!("func f() {{\n\t{kind}_engine.start(\"{marker}\", {marker})\n}}\n"),
        "python" => format!("def f():\n    {kind}_engine.start(\"{marker}\", {marker})\n"),
        _ => format!("{kind}_engine={marker}\nstart {marker}\n"),
    };
    line.repeat(3)
}

/// A file's line of code with a password.
#[must_use]
pub fn password() -> String {
    format!("let password = \"{}\";", door::marker("password"))
}

/// Searches the log of this process from now on. A test that has a log of its own keeps it.
pub fn watch_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let ours = filter_fn(|about| about.target().starts_with("pennyworth"));
        let _ = tracing_subscriber::registry().with(fmt::layer().with_writer(|| Log).with_filter(ours)).try_init();
    });
}

/// The log of this process.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        door::note("log", bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Searches files whose name begins with that of a path, such as those of a ledger, and folders with all that is in them. Documents that the
/// server made for the editor to show are the user's own.
pub fn search(path: &Path) {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return };
    let name = name.to_string_lossy();
    for found in entries(parent) {
        if found.file_name().is_some_and(|found| found.to_string_lossy().starts_with(&*name)) {
            search_all(&found);
        }
    }
}

fn search_all(path: &Path) {
    if path.is_dir() {
        entries(path).filter(|path| !path.ends_with("scratch")).for_each(|path| search_all(&path));
    } else if let Ok(bytes) = fs::read(path) {
        door::note(&path.display().to_string(), &bytes);
    }
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

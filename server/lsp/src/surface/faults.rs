//! Shows faults of the settings: the first in a message of one line, and each as a mark in its file until it is mended.
//! It leaves finding them to `settings`, and the whole list to the status and `pennyworth check`.

use std::collections::BTreeMap;
use std::path::Path;

use tower_lsp::Client;
use tower_lsp::gen_lsp_types::{Diagnostic, DiagnosticSeverity, Position, Range, Uri};

use crate::paths;
use crate::settings::{Holds, Notice, Severity};
use crate::wire::{convert, messages};

/// Most characters of the message. Behind the words that Neovim puts before it, it fits into a window of 100 columns; a longer one would make
/// Neovim wait for a key.
const LINE: usize = 72;

/// The marks that the client shows now, by file.
#[derive(Default)]
pub struct Marks(tokio::sync::Mutex<BTreeMap<String, Vec<Diagnostic>>>);

impl Marks {
    /// Marks each fault in its file, and takes away the marks of what was mended.
    #[expect(
        clippy::await_holding_invalid_type,
        reason = "marks leave in the order in which they changed; nothing else takes the lock"
    )]
    pub async fn show(&self, client: &Client, notices: &[Notice]) {
        let now = by_file(notices);
        let mut shown = self.0.lock().await;
        for uri in shown.keys().filter(|uri| !now.contains_key(*uri)) {
            client.publish_diagnostics(Uri(uri.clone()), Vec::new(), None).await;
        }
        for (uri, marks) in now.iter().filter(|(uri, marks)| shown.get(*uri) != Some(*marks)) {
            client.publish_diagnostics(Uri(uri.clone()), marks.clone(), None).await;
        }
        *shown = now;
    }
}

fn by_file(notices: &[Notice]) -> BTreeMap<String, Vec<Diagnostic>> {
    let mut files = BTreeMap::<String, Vec<Diagnostic>>::new();
    for notice in notices {
        // The editor's settings and the environment are no files.
        let path = Path::new(&notice.file);
        if let Some(Uri(uri)) = path.is_absolute().then(|| convert::uri(path)).flatten() {
            files.entry(uri).or_default().push(mark(notice));
        }
    }
    files
}

/// A mark on the whole line of a fault; on the first line if the whole file is meant.
fn mark(notice: &Notice) -> Diagnostic {
    let line = u32::try_from(notice.line.unwrap_or(1).saturating_sub(1)).unwrap_or_default();
    let start = Position { line, character: 0 };
    let holds = match notice.holds {
        Holds::Everything => String::new(),
        _ => format!(" ({})", notice.holds),
    };
    Diagnostic {
        range: Range { start, end: Position { line: line + 1, character: 0 } },
        severity: Some(match notice.severity {
            Severity::Error => DiagnosticSeverity::Error,
            Severity::Warning => DiagnosticSeverity::Warning,
        }),
        source: Some("pennyworth".to_owned()),
        message: format!("{}{holds}", said(notice, &notice.message)).into(),
        ..Diagnostic::default()
    }
}

/// A fault in one line, and how many more there are. What does not fit is left out in the order in which it can be found elsewhere: the folder of
/// the file, then the advice.
pub fn line(notice: &Notice, more: usize) -> String {
    let holds = notice.holds.in_short().map_or_else(String::new, |holds| format!("; {holds}"));
    let more = if more > 0 { format!(" (+{more})") } else { String::new() };
    let path = Path::new(&notice.file);
    let name = path.file_name().map_or_else(|| notice.file.clone(), |name| name.to_string_lossy().into_owned());
    let fault = notice.message.split("; ").next().unwrap_or_default();
    let written = |file: &str, message: &str| {
        let line = notice.line.map_or_else(String::new, |line| format!(":{line}"));
        format!("Pennyworth: {file}{line}: {}", said(notice, message))
    };
    let room = LINE.saturating_sub(holds.chars().count() + more.chars().count());
    let all = [written(&short(path), &notice.message), written(&name, &notice.message), written(&name, fault)];
    let [.., least] = &all;
    let fits = all.iter().find(|text| text.chars().count() <= room).unwrap_or(least);
    format!("{}{holds}{more}", messages::bounded(fits.clone(), room))
}

fn said(notice: &Notice, message: &str) -> String {
    if notice.key.is_empty() { message.to_owned() } else { format!("{}: {message}", notice.key) }
}

/// A path as people write it: with `~` for the user's home.
fn short(path: &Path) -> String {
    match paths::home().and_then(|home| Some(path.strip_prefix(home).ok()?.to_owned())) {
        Some(inside) => format!("~/{}", inside.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(file: &str, line: Option<usize>, key: &str, message: &str, holds: Holds) -> Notice {
        let (file, key, message) = (file.to_owned(), key.to_owned(), message.to_owned());
        Notice { severity: Severity::Error, file, line, key, message, holds }
    }

    #[test]
    fn a_fault_is_said_in_one_line() {
        let file = "/a/long/way/from/home/.config/pennyworth/config.toml";
        let unknown = "unknown key; did you mean `cap_usd_per_day`?";
        for (fault, more, expected) in [
            (
                notice(file, Some(3), "cap_usd_per_dai", unknown, Holds::Here),
                0,
                "Pennyworth: config.toml:3: cap_usd_per_dai: unknown key; local only",
            ),
            (
                notice("/w/.pennyworth.toml", Some(1), "enabled", "is 5; wanted: true", Holds::Embedded(None)),
                2,
                "Pennyworth: .pennyworth.toml:1: enabled: is 5; embedded only (+2)",
            ),
            (
                notice("/w/c.toml", Some(1), "enabled", "is 5; wanted: true", Holds::TheRest),
                0,
                "Pennyworth: /w/c.toml:1: enabled: is 5; wanted: true",
            ),
            (
                notice("environment", None, "PENNYWORTH_X", "unknown", Holds::Everything),
                0,
                "Pennyworth: environment: PENNYWORTH_X: unknown",
            ),
        ] {
            assert_eq!(line(&fault, more), expected);
        }
        let endless = notice(file, Some(3), &"key".repeat(99), unknown, Holds::Embedded(None));
        let said = line(&endless, 12);
        assert!(said.chars().count() == LINE && said.ends_with("…; embedded only (+12)"), "{said}");
    }

    #[test]
    fn only_files_are_marked_and_each_mark_says_what_holds() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("config.toml").display().to_string();
        let marks = by_file(&[
            notice(&path, Some(3), "key", "unknown key", Holds::Here),
            notice(&path, None, "", "is not UTF-8", Holds::Here),
            notice("environment", None, "PENNYWORTH_X", "unknown", Holds::Here),
        ]);
        let (uri, marks) = marks.first_key_value().unwrap();
        assert!(uri.starts_with("file:///") && uri.ends_with("/config.toml"), "{uri}");
        let said = |mark: &Diagnostic| (mark.range.start.line, serde_json::to_value(&mark.message).unwrap());
        let holds = Holds::Here.to_string();
        let expected =
            [(2, format!("key: unknown key ({holds})").into()), (0, format!("is not UTF-8 ({holds})").into())];
        assert_eq!(marks.iter().map(said).collect::<Vec<_>>(), expected);
    }
}

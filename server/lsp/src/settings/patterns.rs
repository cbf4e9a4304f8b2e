//! The patterns of one file of ignored names, as Git reads and matches them, and the bounds within which such files are read.
//! It leaves which files count for a path to `repository` and `rules`, and matching one pattern to `gix-ignore`, a port of Git's own code.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use gix_ignore::glob::pattern::{Case, Mode};
use gix_ignore::glob::{Pattern, wildmatch};

use super::globs::has_escaped_capital;

/// Largest file that is read, in bytes. A larger one is no list that a person keeps, and each path would be compared with all of it.
const MAX_BYTES: u64 = 1_000_000;
/// Most lines of a file that is read. Each becomes a pattern of some 80 bytes, kept as long as its folder is known.
const MAX_LINES: usize = 20_000;

/// The patterns of one file, in its order.
#[derive(Debug, Default)]
pub(super) struct Patterns(Vec<Pattern>);

impl Patterns {
    /// Reads the patterns in a text. No text is refused: Git knows no faulty patterns, only such that match nothing.
    pub(super) fn of(text: &[u8]) -> Patterns {
        if !text.contains(&0) && text.ends_with(b"\n") {
            return Patterns(gix_ignore::parse(text, false).map(|(pattern, ..)| pattern).collect());
        }
        // Git takes a line for a string of C, which ends at a zero, and ends the last line as the others.
        let lines =
            text.split(|byte| *byte == b'\n').map(|line| line.split(|byte| *byte == 0).next().unwrap_or_default());
        let text: Vec<u8> = lines.flat_map(|line| [line, b"\n"].concat()).collect();
        Patterns(gix_ignore::parse(&text, false).map(|(pattern, ..)| pattern).collect())
    }

    /// Whether the last pattern that matches ignores the path or excepts it; `None` if none matches. The path is relative to the file's folder,
    /// with slashes.
    pub(super) fn said(&self, path: &[u8], is_folder: bool, case: Case) -> Option<bool> {
        let name = path.iter().rposition(|byte| *byte == b'/').map(|slash| slash + 1);
        let mode = wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
        let matches = |pattern: &&Pattern| {
            !matches_nothing(pattern, case)
                && (pattern.matches_repo_relative_path(path.into(), name, Some(is_folder), case, mode)
                    || matches_behind_literals(pattern, path, is_folder, case))
        };
        self.0.iter().rev().find(matches).map(|pattern| !pattern.is_negative())
    }
}

/// Where Git ignores case, it folds the path and the pattern, but no letter behind a backslash. So `\A` matches nothing.
fn matches_nothing(pattern: &Pattern, case: Case) -> bool {
    case == Case::Fold && std::str::from_utf8(&pattern.text).is_ok_and(has_escaped_capital)
}

/// Git compares the literal beginning of a pattern by itself and matches the rest alone. So `**/` behind it stands at a beginning, where it may
/// be no folder at all: `a**/*` also matches `ab`.
fn matches_behind_literals(pattern: &Pattern, path: &[u8], is_folder: bool, case: Case) -> bool {
    let parts = || {
        let (literal, rest) = pattern.text.split_at_checked(pattern.first_wildcard_pos?)?;
        let (head, tail) = path.split_at_checked(literal.len())?;
        Some((literal, rest, head, tail))
    };
    let Some((literal, rest, head, tail)) = parts().filter(|(_, rest, ..)| rest.starts_with(b"**")) else {
        return false;
    };
    let (is_same, folds) = match case {
        Case::Sensitive => (literal == head, wildmatch::Mode::empty()),
        Case::Fold => (literal.eq_ignore_ascii_case(head), wildmatch::Mode::IGNORE_CASE),
    };
    let is_of_a_name = pattern.mode.contains(Mode::NO_SUB_DIR);
    let may = is_same && !is_of_a_name && (is_folder || !pattern.mode.contains(Mode::MUST_BE_DIR));
    may && gix_ignore::glob::wildmatch(rest.into(), tail.into(), wildmatch::Mode::NO_MATCH_SLASH_LITERAL | folds)
}

/// What a text in the place of a `.gitignore` says of a path in its folder: ignored, excepted, or nothing.
pub fn said(text: &[u8], path: &str, is_folder: bool) -> Option<bool> {
    Patterns::of(text).said(path.as_bytes(), is_folder, Case::Sensitive)
}

/// The bytes of a file with rules; `None` if there is no such file. A folder of that name is none.
///
/// # Errors
/// Says what is wrong with a file whose rules cannot be known: it is a pipe or a device, too large, or may not be read.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    let cannot = |error: std::io::Error| format!("{} cannot be read: {error}", path.display());
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(error) => return Err(cannot(error)),
    };
    if metadata.is_dir() {
        return Ok(None);
    }
    // Opening a pipe waits for its other end.
    if !metadata.is_file() && path != Path::new("/dev/null") {
        return Err(format!("{} is not a file", path.display()));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("{} has more than {MAX_BYTES} bytes", path.display()));
    }
    if bytes.iter().filter(|byte| **byte == b'\n').count() > MAX_LINES {
        return Err(format!("{} has more than {MAX_LINES} lines", path.display()));
    }
    Ok(Some(bytes))
}

/// The path below a folder as Git sees it, with slashes; empty for the folder itself. The path must lie in the folder.
pub(super) fn below<'a>(path: &'a Path, folder: &Path) -> std::borrow::Cow<'a, [u8]> {
    let rest = path.strip_prefix(folder).unwrap_or(path).as_os_str().as_encoded_bytes();
    match std::path::MAIN_SEPARATOR {
        '/' => rest.into(),
        separator => {
            rest.iter().map(|byte| if *byte == separator as u8 { b'/' } else { *byte }).collect::<Vec<_>>().into()
        }
    }
}

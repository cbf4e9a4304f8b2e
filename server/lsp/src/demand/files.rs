//! Files whose text goes into a prompt on demand: read under the rules of their place, with keys and passwords masked. It leaves which parts of them
//! a prompt holds to `core::demand`.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pennyworth_core::demand::Source;
use pennyworth_core::gate::FileKind;
use pennyworth_core::mask::Masks;
use pennyworth_core::prompt::{normalised, without_mark};
use pennyworth_grammars::Language;
use ropey::Rope;

use crate::settings::{Configuration, Scope, Use};

/// A file for a task on demand.
#[derive(Debug)]
pub struct File {
    /// Where it lies.
    pub path: PathBuf,
    /// The rules of its place.
    pub scope: Arc<Scope>,
    /// Its text as it is, with line breaks `\n`.
    pub source: Source,
    /// The same with masks in place of keys and passwords, as prompts hold it.
    pub sent: Source,
    /// What was masked.
    pub masks: Masks,
}

/// Why a file's text goes into no prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The file, as the user named it.
    pub path: PathBuf,
    /// Why, without an end mark.
    pub why: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.why)
    }
}

impl File {
    /// Reads a file from the disk. It blocks.
    pub fn read(configuration: &Configuration, path: &Path) -> Result<File, Refused> {
        let refused = |why: String| Refused { path: path.to_owned(), why };
        let about = fs::metadata(path).map_err(|error| refused(error.to_string()))?;
        if !about.is_file() {
            return Err(refused("it is not a file".into()));
        }
        let most = configuration.settings().documents.max_complete_bytes;
        if about.len() > most {
            return Err(refused(format!(
                "it has {} bytes, more than `documents.max_complete_bytes` = {most}",
                about.len()
            )));
        }
        let bytes = fs::read(path).map_err(|error| refused(error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8 text".into()))?;
        File::of(configuration, path, None, &text)
    }

    /// A file with this text, in this language or the one that its path tells. It blocks on the rules of its folders.
    pub fn of(
        configuration: &Configuration,
        path: &Path,
        language: Option<&'static Language>,
        text: &str,
    ) -> Result<File, Refused> {
        let refused = |why: String| Refused { path: path.to_owned(), why };
        let text = normalised(without_mark(text));
        let language =
            language.unwrap_or_else(|| pennyworth_grammars::of("", path, text.lines().next().unwrap_or_default()));
        let scope = configuration.read(path);
        if let Some(why) = closed(&scope, language, &text) {
            return Err(refused(why));
        }
        let mut masks = Masks::default();
        let unmasked = || refused("it could not be searched for keys and passwords".into());
        let sent = masks.masked(&text, &scope.shown).ok_or_else(unmasked)?;
        let source = Source::new(scope.shown.clone(), language, text);
        Ok(File { path: path.to_owned(), sent: source.masked(sent), source, scope, masks })
    }
}

/// Why the rules of its place keep a text out of prompts.
pub(crate) fn closed(scope: &Scope, language: &'static Language, text: &str) -> Option<String> {
    if let Some(unknown) = &scope.unknown {
        return Some(unknown.to_string());
    }
    if !scope.settings.enabled {
        return Some("`enabled` is false there".into());
    }
    let rope = Rope::from_str(text);
    if !scope.allows(Use::Complete, language.name()) || scope.holds_off(language, &rope, 0..text.len()) {
        return Some(format!("`languages.{}` is switched off", language.name()));
    }
    match scope.kind_of(&rope) {
        FileKind::Normal => None,
        FileKind::Generated => Some("it is generated".into()),
        FileKind::TooLarge => Some("it is too large".into()),
        FileKind::Unread => Some("the rules of its place are not known".into()),
        FileKind::Ignored => Some("it is ignored".into()),
        FileKind::Secret => Some("it may hold keys or passwords".into()),
    }
}

/// Whether the user's rules keep a text out of prompts because of what it is: ignored, generated, secret, or in a language that is off. It blocks on
/// the rules of its folders.
pub fn is_ruled_out(configuration: &Configuration, path: &Path, text: &str) -> bool {
    let scope = configuration.read(path);
    let rope = Rope::from_str(text);
    let language = pennyworth_grammars::of("", path, text.lines().next().unwrap_or_default());
    scope.unknown.is_none()
        && scope.settings.enabled
        && (!scope.allows(Use::Complete, language.name())
            || matches!(scope.kind_of(&rope), FileKind::Ignored | FileKind::Generated | FileKind::Secret))
}

/// The workspace of a file or folder: the nearest folder with a repository, else the folder itself.
pub fn workspace(path: &Path) -> PathBuf {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let above = folder.into_iter().flat_map(Path::ancestors);
    let repository = above.clone().find(|folder| folder.join(".git").exists());
    repository.or(folder).unwrap_or(path).to_owned()
}

//! What Git knows of one repository: where it begins, which files list ignored names for all of it, and whether case counts there.
//! Worktrees and submodules have a file in place of the folder `.git`, which says where that is.
//! It leaves the `.gitignore` of each folder to `rules`, and reading patterns to `patterns`.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use gix_ignore::glob::pattern::Case;
use gix_ignore::glob::wildmatch;

use super::patterns::{self, Patterns};
use crate::paths;

/// Most files of Git's configuration that include each other.
const MAX_INCLUDES: usize = 10;
/// Most keys that are read from the environment.
const MAX_KEYS: usize = 1000;

/// The rules of a repository for all of its files.
#[derive(Debug)]
pub(super) struct Repository {
    /// Where its files begin.
    pub(super) top: PathBuf,
    /// `info/exclude`, then the file that `core.excludesFile` names, then those that it may name: what the first says counts.
    pub(super) excludes: Vec<Patterns>,
    /// Whether case counts in patterns.
    pub(super) case: Case,
    /// Changes with what these files say.
    pub(super) fingerprint: u64,
}

impl Repository {
    /// The repository that begins in this folder; `None` if none does.
    ///
    /// # Errors
    /// Says which file with rules cannot be known.
    pub(super) fn at(top: &Path) -> Result<Option<Repository>, String> {
        let Some(folder) = git_dir(top)? else { return Ok(None) };
        let common = common_dir(&folder)?;
        let mut config = Config::of_user(&folder)?;
        config.read(&common.join("config"), &folder, 0)?;
        if config.has_worktrees {
            config.read(&folder.join("config.worktree"), &folder, 0)?;
        }
        config.read_environment(&folder)?;
        let excludes = std::iter::once(common.join("info/exclude")).chain(config.excludes_files(top));
        Repository::with(top, excludes, config.case()).map(Some)
    }

    /// The rules for a folder of the workspace that lies in no repository: those that the user has for all.
    ///
    /// # Errors
    /// As [`Repository::at`].
    pub(super) fn none(top: &Path) -> Result<Repository, String> {
        let mut config = Config::of_user(&top.join(".git"))?;
        config.read_environment(&top.join(".git"))?;
        // It may have been a repository, or become one.
        let excludes = std::iter::once(top.join(".git/info/exclude")).chain(config.excludes_files(top));
        Repository::with(top, excludes, config.case())
    }

    fn with(top: &Path, files: impl Iterator<Item = PathBuf>, case: Case) -> Result<Repository, String> {
        let texts = files.map(|path| patterns::read(&path)).collect::<Result<Vec<_>, String>>()?;
        let mut hasher = DefaultHasher::new();
        (&texts, case == Case::Fold).hash(&mut hasher);
        let excludes = texts.iter().flatten().map(|text| Patterns::of(text)).collect();
        Ok(Repository { top: top.to_owned(), excludes, case, fingerprint: hasher.finish() })
    }
}

/// The folder with Git's own files, if a repository begins here.
fn git_dir(top: &Path) -> Result<Option<PathBuf>, String> {
    let place = top.join(".git");
    // A submodule or worktree has a file.
    let folder = match patterns::read(&place)? {
        Some(text) => pointed(&text, b"gitdir:", top),
        None => Some(place),
    };
    Ok(folder.filter(|folder| folder.join("HEAD").symlink_metadata().is_ok()))
}

/// The folder that the worktrees of a repository share.
fn common_dir(folder: &Path) -> Result<PathBuf, String> {
    let text = patterns::read(&folder.join("commondir"))?;
    Ok(text.and_then(|text| pointed(&text, b"", folder)).unwrap_or_else(|| folder.to_owned()))
}

/// The path behind a word in a file of one line, relative to a folder.
fn pointed(text: &[u8], word: &[u8], from: &Path) -> Option<PathBuf> {
    let path =
        std::str::from_utf8(text.strip_prefix(word)?).ok()?.trim_start_matches(' ').trim_end_matches(['\r', '\n']);
    (!path.is_empty()).then(|| from.join(path))
}

/// The keys of Git's configuration that decide what is ignored. What is read later wins.
#[derive(Debug, Default)]
struct Config {
    excludes_file: Option<String>,
    /// What files name that Git includes under a condition which is not known here. Their names add to the others.
    may_exclude: Vec<String>,
    ignores_case: bool,
    /// Whether each worktree has a file of its own.
    has_worktrees: bool,
}

impl Config {
    /// The configuration of the machine and of the user, as it holds for the repository whose own files lie in `git_dir`.
    fn of_user(git_dir: &Path) -> Result<Config, String> {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let mut config = Config::default();
        let system = variable("GIT_CONFIG_SYSTEM").unwrap_or_else(|| "/etc/gitconfig".into());
        let home = paths::home();
        let shared = config_home().map(|folder| folder.join("config"));
        let own = home.map(|home| home.join(".gitconfig"));
        let of_user = match variable("GIT_CONFIG_GLOBAL") {
            Some(path) => vec![path],
            None => [shared, own].into_iter().flatten().collect(),
        };
        let has_none = std::env::var("GIT_CONFIG_NOSYSTEM").is_ok_and(|value| is_true(Some(&value)));
        let of_machine = (!has_none).then_some(system);
        for path in of_machine.into_iter().chain(of_user) {
            config.read(&path, git_dir, 0)?;
        }
        Ok(config)
    }

    /// Reads a file of Git's configuration over what is known, for the repository whose own files lie in `git_dir`.
    fn read(&mut self, path: &Path, git_dir: &Path, depth: usize) -> Result<(), String> {
        let Some(text) = patterns::read(path)? else { return Ok(()) };
        for entry in entries(&String::from_utf8_lossy(&text)) {
            self.take(entry, path, git_dir, depth)?;
        }
        Ok(())
    }

    /// Takes what the variables of the environment say, which Git reads last.
    fn read_environment(&mut self, git_dir: &Path) -> Result<(), String> {
        for entry in entries_of(|name| std::env::var(name).ok()) {
            self.take(entry, Path::new("/"), git_dir, 0)?;
        }
        Ok(())
    }

    /// Takes an entry of the file at `path`.
    fn take(&mut self, entry: Entry, path: &Path, git_dir: &Path, depth: usize) -> Result<(), String> {
        let Entry { section, key, value } = entry;
        match (section.as_str(), key.as_str()) {
            ("core", "excludesfile") => self.excludes_file = Some(value.unwrap_or_default()),
            ("core", "ignorecase") => self.ignores_case = is_true(value.as_deref()),
            ("extensions", "worktreeconfig") => self.has_worktrees = is_true(value.as_deref()),
            (section, "path") if depth < MAX_INCLUDES => {
                let Some(is_included) = includes(section, path, git_dir) else { return Ok(()) };
                let file = path.parent().unwrap_or(path).join(expanded(&value.unwrap_or_default()));
                match is_included {
                    Included::Yes => self.read(&file, git_dir, depth + 1)?,
                    Included::Perhaps => {
                        let mut other = Config::default();
                        other.read(&file, git_dir, depth + 1)?;
                        self.may_exclude.extend(other.excludes_file.into_iter().chain(other.may_exclude));
                        self.ignores_case |= other.ignores_case;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The user's lists of ignored names.
    fn excludes_files(&self, top: &Path) -> impl Iterator<Item = PathBuf> {
        let named = match self.excludes_file.as_deref() {
            Some("") => None,
            Some(path) => Some(top.join(expanded(path))),
            None => config_home().map(|folder| folder.join("ignore")),
        };
        let perhaps = self.may_exclude.iter().filter(|path| !path.is_empty());
        named.into_iter().chain(perhaps.map(|path| top.join(expanded(path))))
    }

    fn case(&self) -> Case {
        if self.ignores_case { Case::Fold } else { Case::Sensitive }
    }
}

/// The folder of Git's files in the user's configuration.
fn config_home() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CONFIG_HOME").filter(|value| !value.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(paths::home()?.join(".config"))).map(|folder| folder.join("git"))
}

/// The path with the user's home for `~/`.
fn expanded(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), paths::home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// Whether a section of the file at `path` includes another file for this repository; `None` if it does not.
fn includes(section: &str, path: &Path, git_dir: &Path) -> Option<Included> {
    let yes = |is_included: bool| is_included.then_some(Included::Yes);
    if section == "include" {
        return Some(Included::Yes);
    }
    let condition = section.strip_prefix("includeif.")?;
    if let Some(pattern) = condition.strip_prefix("onbranch:") {
        let is_on = |branch: String| is_match(pattern.to_owned(), &branch, wildmatch::Mode::empty());
        return yes(branch(git_dir).is_some_and(is_on));
    }
    let (pattern, mode) = match (condition.strip_prefix("gitdir:"), condition.strip_prefix("gitdir/i:")) {
        (Some(pattern), _) => (pattern, wildmatch::Mode::empty()),
        (_, Some(pattern)) => (pattern, wildmatch::Mode::IGNORE_CASE),
        // Such as `hasconfig:`.
        _ => return Some(Included::Perhaps),
    };
    let mut pattern = match pattern.strip_prefix("./") {
        Some(rest) => path.parent().unwrap_or(path).join(rest).to_string_lossy().into_owned(),
        None => expanded(pattern).to_string_lossy().into_owned(),
    };
    if !Path::new(&pattern).is_absolute() {
        pattern.insert_str(0, "**/");
    }
    let real = git_dir.canonicalize();
    let matches = |git_dir: &Path| is_match(pattern.clone(), &git_dir.to_string_lossy().replace('\\', "/"), mode);
    yes(matches(git_dir) || real.is_ok_and(|real| matches(&real)))
}

/// How sure it is that a file is included.
#[derive(Debug, PartialEq, Eq)]
enum Included {
    Yes,
    Perhaps,
}

/// Whether a condition's pattern holds for a text. One that ends with a slash stands for everything below.
fn is_match(mut pattern: String, text: &str, mode: wildmatch::Mode) -> bool {
    if pattern.ends_with('/') {
        pattern.push_str("**");
    }
    let mode = mode | wildmatch::Mode::NO_MATCH_SLASH_LITERAL;
    gix_ignore::glob::wildmatch(pattern.as_bytes().into(), text.as_bytes().into(), mode)
}

/// The branch that is checked out; `None` without one.
fn branch(git_dir: &Path) -> Option<String> {
    let head = patterns::read(&git_dir.join("HEAD")).ok()??;
    Some(std::str::from_utf8(&head).ok()?.trim_end().strip_prefix("ref: refs/heads/")?.to_owned())
}

/// Whether a value is true for Git: a word, any number but 0, or a key without a value.
fn is_true(value: Option<&str>) -> bool {
    let Some(value) = value.map(str::to_ascii_lowercase) else { return true };
    let is_number = || {
        let number = value.trim_start_matches(['+', '-']).trim_end_matches(['k', 'm', 'g']);
        let (digits, radix) = number.strip_prefix("0x").map_or((number, 10), |digits| (digits, 16));
        u64::from_str_radix(digits, radix).is_ok_and(|number| number != 0)
    };
    matches!(value.as_str(), "true" | "yes" | "on") || is_number()
}

/// An entry of Git's configuration. The section and the key are in lower case, except for the quoted part of a section.
#[derive(Debug)]
struct Entry {
    section: String,
    key: String,
    /// `None` behind a key alone.
    value: Option<String>,
}

/// The entries in the environment, as `git -c` and scripts leave them there.
fn entries_of(variable: impl Fn(&str) -> Option<String>) -> Vec<Entry> {
    let count = variable("GIT_CONFIG_COUNT").and_then(|count| count.trim().parse::<usize>().ok()).unwrap_or(0);
    let numbered = (0..count.min(MAX_KEYS)).filter_map(|number| {
        let value = variable(&format!("GIT_CONFIG_VALUE_{number}"))?;
        Some((variable(&format!("GIT_CONFIG_KEY_{number}"))?, Some(value)))
    });
    let words = words(&variable("GIT_CONFIG_PARAMETERS").unwrap_or_default());
    let given = words.into_iter().take(MAX_KEYS).map(|word| match word.split_once('=') {
        Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
        None => (word, None),
    });
    let entry = |(name, value): (String, Option<String>)| {
        let (section, key) = name.rsplit_once('.')?;
        let section = match section.split_once('.') {
            Some((section, rest)) => format!("{}.{rest}", section.to_ascii_lowercase()),
            None => section.to_ascii_lowercase(),
        };
        Some(Entry { section, key: key.to_ascii_lowercase(), value })
    };
    numbered.chain(given).filter_map(entry).collect()
}

/// The words of a text in the quotes of a shell.
fn words(text: &str) -> Vec<String> {
    let (mut all, mut word, mut is_quoted, mut chars) = (Vec::new(), None::<String>, false, text.chars());
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            c if !is_quoted && c.is_whitespace() => all.extend(word.take()),
            '\\' if !is_quoted => word.get_or_insert_default().extend(chars.next()),
            c => word.get_or_insert_default().push(c),
        }
    }
    all.extend(word);
    all
}

/// The entries of a file of Git's configuration. What Git would refuse is left out.
fn entries(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut section = String::new();
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace("\\\n", "");
    for line in text.lines() {
        let mut line = line.trim();
        if let Some((header, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            section = match header.split_once(['"']) {
                Some((name, quoted)) => {
                    let quoted = quoted.trim_end().trim_end_matches('"').replace("\\\"", "\"").replace("\\\\", "\\");
                    format!("{}.{quoted}", name.trim().to_ascii_lowercase())
                }
                None => header.trim().to_ascii_lowercase(),
            };
            line = rest.trim();
        }
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let (key, value) = line.split_once('=').map_or((line, None), |(key, value)| (key, Some(unquoted(value))));
        found.push(Entry { section: section.clone(), key: key.trim().to_ascii_lowercase(), value });
    }
    found
}

/// A value without its quotes, escapes and comment.
fn unquoted(value: &str) -> String {
    let (mut out, mut is_quoted, mut kept) = (String::new(), false, 0);
    let mut chars = value.trim().chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => is_quoted = !is_quoted,
            '#' | ';' if !is_quoted => break,
            '\\' => out.extend(chars.next().map(|c| match c {
                'n' => '\n',
                't' => '\t',
                c => c,
            })),
            c => out.push(c),
        }
        if is_quoted || !c.is_whitespace() {
            kept = out.len();
        }
    }
    out.truncate(kept);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(entry: &Entry) -> String {
        let Entry { section, key, value } = entry;
        value.as_ref().map_or_else(|| format!("{section}|{key}"), |value| format!("{section}|{key}|{value}"))
    }

    #[test]
    fn entries_are_read_as_git_reads_them() {
        let text = "\u{feff}# a comment\r\n[core]\r\n\tignoreCase = true ; a comment\n ExcludesFile = \"~/a b\" # c\n[include] path = x\\\\y\n\
            [includeIf \"gitdir:~/w/\"]\n\tpath = w\n[extensions]\nworktreeConfig\n[core]excludesFile = a\\\nb\n";
        let found: Vec<String> = entries(text).iter().map(shown).collect();
        assert_eq!(
            found,
            [
                "core|ignorecase|true",
                "core|excludesfile|~/a b",
                "include|path|x\\y",
                "includeif.gitdir:~/w/|path|w",
                "extensions|worktreeconfig",
                "core|excludesfile|ab",
            ]
        );
    }

    #[test]
    fn a_condition_of_an_include_is_compared_with_the_repository() {
        let file = Path::new("/home/u/.gitconfig");
        for (section, expected) in [
            ("include", Some(Included::Yes)),
            ("includeif.gitdir:/w/", Some(Included::Yes)),
            ("includeif.gitdir:/w/a/.git", Some(Included::Yes)),
            ("includeif.gitdir:a/", Some(Included::Yes)),
            ("includeif.gitdir:/v/", None),
            ("includeif.gitdir:/W/", None),
            ("includeif.gitdir/i:/W/", Some(Included::Yes)),
            ("includeif.onbranch:main", None),
            ("includeif.hasconfig:remote.*.url:https://x/**", Some(Included::Perhaps)),
            ("other", None),
        ] {
            assert_eq!(includes(section, file, Path::new("/w/a/.git")), expected, "{section}");
        }
    }

    #[test]
    fn what_is_true_for_git_is_true() {
        for value in
            [None, Some("true"), Some("Yes"), Some("ON"), Some("1"), Some("2"), Some("-1"), Some("1k"), Some("0x10")]
        {
            assert!(is_true(value), "{value:?}");
        }
        for value in ["", "false", "no", "off", "0", "00", "0k", "x"] {
            assert!(!is_true(Some(value)), "{value}");
        }
    }

    #[test]
    fn the_environment_has_entries() {
        let variable = |name: &str| {
            let value = match name {
                "GIT_CONFIG_COUNT" => "2",
                "GIT_CONFIG_KEY_0" => "Core.excludesFile",
                "GIT_CONFIG_VALUE_0" => "/a b",
                "GIT_CONFIG_KEY_1" => "includeIf.gitdir:/W/.path",
                "GIT_CONFIG_VALUE_1" => "/c",
                "GIT_CONFIG_PARAMETERS" => r"'core.excludesfile=/it'\''s' 'core.ignorecase'='true' 'core.ignoreCase'",
                _ => return None,
            };
            Some(value.to_owned())
        };
        let found: Vec<String> = entries_of(variable).iter().map(shown).collect();
        assert_eq!(
            found,
            [
                "core|excludesfile|/a b",
                "includeif.gitdir:/W/|path|/c",
                "core|excludesfile|/it's",
                "core|ignorecase|true",
                "core|ignorecase",
            ]
        );
    }
}

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

/// The rules of a repository for all of its files.
#[derive(Debug)]
pub(super) struct Repository {
    /// Where its files begin.
    pub(super) top: PathBuf,
    /// `info/exclude`, then the file that `core.excludesFile` names: what the first says counts.
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
        let excludes = [Some(common.join("info/exclude")), config.excludes_file(top)];
        Repository::with(top, excludes.into_iter().flatten(), config.case()).map(Some)
    }

    /// The rules for a folder of the workspace that lies in no repository: those that the user has for all.
    ///
    /// # Errors
    /// As [`Repository::at`].
    pub(super) fn none(top: &Path) -> Result<Repository, String> {
        let config = Config::of_user(&top.join(".git"))?;
        // It may have been a repository, or become one.
        let excludes = [Some(top.join(".git/info/exclude")), config.excludes_file(top)];
        Repository::with(top, excludes.into_iter().flatten(), config.case())
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
        let of_machine = std::env::var_os("GIT_CONFIG_NOSYSTEM").is_none().then_some(system);
        for path in of_machine.into_iter().chain(of_user) {
            config.read(&path, git_dir, 0)?;
        }
        Ok(config)
    }

    /// Reads a file of Git's configuration over what is known, for the repository whose own files lie in `git_dir`.
    fn read(&mut self, path: &Path, git_dir: &Path, depth: usize) -> Result<(), String> {
        let Some(text) = patterns::read(path)? else { return Ok(()) };
        for (section, key, value) in entries(&String::from_utf8_lossy(&text)) {
            match (section.as_str(), key.as_str()) {
                ("core", "excludesfile") => self.excludes_file = Some(value),
                ("core", "ignorecase") => self.ignores_case = is_true(&value),
                ("extensions", "worktreeconfig") => self.has_worktrees = is_true(&value),
                (section, "path") if depth < MAX_INCLUDES && includes(section, path, git_dir) => {
                    let folder = path.parent().unwrap_or(path);
                    self.read(&folder.join(expanded(&value)), git_dir, depth + 1)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The user's list of ignored names.
    fn excludes_file(&self, top: &Path) -> Option<PathBuf> {
        match self.excludes_file.as_deref() {
            Some("") => None,
            Some(path) => Some(top.join(expanded(path))),
            None => config_home().map(|folder| folder.join("ignore")),
        }
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

/// Whether a section of the file at `path` includes another file for this repository.
fn includes(section: &str, path: &Path, git_dir: &Path) -> bool {
    if section == "include" {
        return true;
    }
    let Some(condition) = section.strip_prefix("includeif.") else { return false };
    if let Some(pattern) = condition.strip_prefix("onbranch:") {
        return branch(git_dir).is_some_and(|branch| is_match(pattern.to_owned(), &branch, wildmatch::Mode::empty()));
    }
    let (pattern, mode) = match (condition.strip_prefix("gitdir:"), condition.strip_prefix("gitdir/i:")) {
        (Some(pattern), _) => (pattern, wildmatch::Mode::empty()),
        (_, Some(pattern)) => (pattern, wildmatch::Mode::IGNORE_CASE),
        _ => return false,
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
    matches(git_dir) || real.is_ok_and(|real| matches(&real))
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

fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "" | "true" | "yes" | "on" | "1")
}

/// The entries of a file of Git's configuration: section, key and value, the first two in lower case except for the quoted part of a section.
/// What Git would refuse is left out.
fn entries(text: &str) -> Vec<(String, String, String)> {
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
        // A key alone is true, which no path is.
        found.push((section.clone(), key.trim().to_ascii_lowercase(), value.unwrap_or_default()));
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

    #[test]
    fn entries_are_read_as_git_reads_them() {
        let text = "\u{feff}# a comment\r\n[core]\r\n\tignoreCase = true ; a comment\n ExcludesFile = \"~/a b\" # c\n[include] path = x\\\\y\n\
            [includeIf \"gitdir:~/w/\"]\n\tpath = w\n[extensions]\nworktreeConfig\n[core]excludesFile = a\\\nb\n";
        let found: Vec<String> =
            entries(text).into_iter().map(|(section, key, value)| format!("{section}|{key}|{value}")).collect();
        assert_eq!(
            found,
            [
                "core|ignorecase|true",
                "core|excludesfile|~/a b",
                "include|path|x\\y",
                "includeif.gitdir:~/w/|path|w",
                "extensions|worktreeconfig|",
                "core|excludesfile|ab",
            ]
        );
    }

    #[test]
    fn a_condition_of_an_include_is_compared_with_the_repository() {
        let file = Path::new("/home/u/.gitconfig");
        for (section, expected) in [
            ("include", true),
            ("includeif.gitdir:/w/", true),
            ("includeif.gitdir:/w/a/.git", true),
            ("includeif.gitdir:a/", true),
            ("includeif.gitdir:/v/", false),
            ("includeif.gitdir:/W/", false),
            ("includeif.gitdir/i:/W/", true),
            ("includeif.onbranch:main", false),
            ("other", false),
        ] {
            assert_eq!(includes(section, file, Path::new("/w/a/.git")), expected, "{section}");
        }
    }
}

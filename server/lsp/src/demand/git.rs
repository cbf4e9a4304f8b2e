//! What Git knows of a change: the files with their text before and now, and the subjects of earlier commits. It asks the user's own `git`, without
//! the monitors, hooks and diffs that a repository's configuration may name. It leaves comparing texts to `core::demand`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use pennyworth_core::prompt::normalised;

/// Most bytes of one text.
const MOST: usize = 4 << 20;
/// Subjects of earlier commits that show the style of messages.
const SUBJECTS: usize = 10;
/// Monitors and hooks of the repository's choice, switched off.
const QUIET: [&str; 6] = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false"];

/// Which change is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// What is in the index and in no commit.
    Staged,
    /// What is in the files and not in the index.
    Unstaged,
    /// What the files have and a revision has not.
    Since(String),
}

/// A file that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Where it lies.
    pub path: PathBuf,
    /// Its text before; empty for a new file.
    pub before: String,
    /// Its text now; empty for a removed one.
    pub now: String,
}

/// A repository.
#[derive(Clone, Debug)]
pub struct Repository {
    top: PathBuf,
    /// The texts of open documents, by their names below the top folder. They stand for those on the disk.
    open: BTreeMap<String, String>,
}

impl Repository {
    /// The repository around a folder.
    pub fn around(folder: &Path) -> anyhow::Result<Repository> {
        let top = run(folder, &["rev-parse", "--show-toplevel"]).context("there is no Git repository here")?;
        Ok(Repository { top: PathBuf::from(text(top)?.trim_end_matches('\n')), open: BTreeMap::new() })
    }

    /// The same with the texts of open documents, saved or not, in place of those on the disk. What Git does not know is left out.
    pub fn with_open(mut self, open: impl IntoIterator<Item = (PathBuf, String)>) -> anyhow::Result<Repository> {
        let name = |path: PathBuf| {
            let path = path.canonicalize().unwrap_or(path);
            Some(path.strip_prefix(&self.top).ok()?.to_str()?.replace('\\', "/"))
        };
        self.open = open.into_iter().filter_map(|(path, text)| Some((name(path)?, text))).collect();
        if !self.open.is_empty() {
            let mut arguments = vec!["--literal-pathspecs", "ls-files", "-z", "--"];
            arguments.extend(self.open.keys().map(String::as_str));
            let known = text(run(&self.top, &arguments)?)?;
            let known: BTreeSet<&str> = known.split('\0').collect();
            self.open.retain(|name, _| known.contains(name.as_str()));
        }
        Ok(self)
    }

    /// Its top folder.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The files that changed, those below `paths` alone if there are any. Binary and very large files are left out; `left_out` receives them.
    pub fn changes(
        &self,
        range: &Range,
        paths: &[PathBuf],
        left_out: &mut Vec<PathBuf>,
    ) -> anyhow::Result<Vec<Changed>> {
        let mut arguments = vec!["diff", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "-z"];
        match range {
            Range::Staged => arguments.push("--cached"),
            Range::Unstaged => {}
            Range::Since(revision) if revision.starts_with('-') => bail!("`{revision}` is no revision"),
            Range::Since(revision) => arguments.push(revision),
        }
        arguments.push("--");
        let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        arguments.extend(paths.iter().map(String::as_str));
        let names = text(run(&self.top, &arguments)?)?;
        let mut names: BTreeSet<&str> = names.split('\0').filter(|name| !name.is_empty()).collect();
        if *range != Range::Staged && paths.is_empty() {
            names.extend(self.open.keys().map(String::as_str));
        }
        let mut changes = Vec::new();
        for name in names {
            let path = self.top.join(name);
            match (self.before(range, name), self.now(range, name)) {
                (Some(before), Some(now)) if normalised(&before) != normalised(&now) => {
                    changes.push(Changed { path, before, now })
                }
                (Some(_), Some(_)) => {}
                _ => left_out.push(path),
            }
        }
        Ok(changes)
    }

    /// A file's text before the change; empty if there was none, and `None` if it is no text.
    fn before(&self, range: &Range, name: &str) -> Option<String> {
        self.shown(&match range {
            Range::Staged => format!("HEAD:{name}"),
            Range::Unstaged => format!(":{name}"),
            Range::Since(revision) => format!("{revision}:{name}"),
        })
    }

    fn now(&self, range: &Range, name: &str) -> Option<String> {
        match range {
            Range::Staged => self.shown(&format!(":{name}")),
            Range::Unstaged | Range::Since(_) if self.open.contains_key(name) => self.open.get(name).cloned(),
            Range::Unstaged | Range::Since(_) => match std::fs::symlink_metadata(self.top.join(name)) {
                Err(_) => Some(String::new()),
                Ok(about) if !about.is_file() || about.len() > MOST as u64 => None,
                Ok(_) => std::fs::read(self.top.join(name)).ok().and_then(readable),
            },
        }
    }

    fn shown(&self, object: &str) -> Option<String> {
        match run(&self.top, &["show", "--no-ext-diff", "--no-textconv", object]) {
            Ok(bytes) => readable(bytes),
            // What a commit or the index does not have is empty there.
            Err(_) => Some(String::new()),
        }
    }

    /// The subjects of the last commits, the newest first.
    pub fn subjects(&self) -> Vec<String> {
        let count = format!("-{SUBJECTS}");
        let log = run(&self.top, &["log", &count, "--no-merges", "--format=%s"]).ok().and_then(|log| text(log).ok());
        log.unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

/// A text without bytes that no text has, and not too large.
fn readable(bytes: Vec<u8>) -> Option<String> {
    if bytes.len() > MOST || bytes.contains(&0) {
        return None;
    }
    String::from_utf8(bytes).ok()
}

fn text(bytes: Vec<u8>) -> anyhow::Result<String> {
    String::from_utf8(bytes).context("a path is not UTF-8")
}

/// What `git` prints.
fn run(folder: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(QUIET).args(arguments).stdin(Stdio::null());
    command.env("GIT_OPTIONAL_LOCKS", "0").env("GIT_TERMINAL_PROMPT", "0");
    let output = command.output().context("`git` cannot be run")?;
    match output.status.success() {
        true => Ok(output.stdout),
        false => bail!("{}", String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or("git failed").to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(folder: &Path, arguments: &[&str]) {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
        let status = Command::new("git").arg("-C").arg(folder).args(identity).args(arguments).status().unwrap();
        assert!(status.success(), "{arguments:?}");
    }

    #[test]
    #[cfg(unix)]
    fn no_monitor_hook_or_diff_of_the_repositorys_choice_is_run() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let (program, trace) = (root.join("run.sh"), root.join("trace"));
        std::fs::write(&program, format!("#!/bin/sh\necho ran >> {}\ncat\n", trace.display())).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        git(&root, &["init", "-q"]);
        std::fs::write(root.join("a.rs"), "a\n").unwrap();
        git(&root, &["add", "a.rs"]);
        git(&root, &["commit", "-q", "-m", "one"]);
        std::fs::write(root.join(".gitattributes"), "*.rs diff=mine\n").unwrap();
        let program = program.display().to_string();
        for key in ["core.fsmonitor", "diff.external", "diff.mine.textconv", "diff.mine.command"] {
            git(&root, &["config", key, &program]);
        }
        std::fs::write(root.join("a.rs"), "b\n").unwrap();
        let repository = Repository::around(&root).unwrap();
        let changes = repository.changes(&Range::Unstaged, &[], &mut Vec::new()).unwrap();
        assert_eq!((changes.len(), repository.subjects().len(), trace.exists()), (1, 1, false));
    }

    #[test]
    fn changes_have_both_texts_whatever_happened_to_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let write = |name: &str, text: &[u8]| std::fs::write(root.join(name), text).unwrap();
        git(&root, &["init", "-q"]);
        write("a.rs", b"a\n");
        write("removed.rs", b"r\n");
        write("same.rs", b"s\n");
        git(&root, &["add", "."]);
        git(&root, &["commit", "-q", "-m", "one: a subject"]);
        write("a.rs", b"b\n");
        git(&root, &["add", "a.rs"]);
        write("a.rs", b"c\n");
        std::fs::remove_file(root.join("removed.rs")).unwrap();
        write("\u{fc} new.rs", b"n\n");
        write("binary.bin", b"\0\x01");
        git(&root, &["add", "-N", "\u{fc} new.rs", "binary.bin"]);
        let repository = Repository::around(&root).unwrap();
        let of = |range: Range, paths: &[PathBuf]| {
            let mut left_out = Vec::new();
            let changes = repository.changes(&range, paths, &mut left_out).unwrap();
            let name = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
            let changes = changes.into_iter().map(|Changed { path, before, now }| (name(&path), before, now));
            (changes.collect::<Vec<_>>(), left_out.iter().map(|path| name(path)).collect::<Vec<_>>())
        };
        let change = |name: &str, before: &str, now: &str| (name.to_owned(), before.to_owned(), now.to_owned());
        assert_eq!(of(Range::Staged, &[]), (vec![change("a.rs", "a\n", "b\n")], vec![]));
        let unstaged =
            vec![change("a.rs", "b\n", "c\n"), change("removed.rs", "r\n", ""), change("\u{fc} new.rs", "", "n\n")];
        // Open documents count as they are, those alone that Git knows.
        let open = [("a.rs", "d\r\n"), ("same.rs", "t\n"), ("unknown.rs", "u\n")];
        let open = open.map(|(name, text)| (root.join(name), text.to_owned()));
        let opened = Repository::around(&root).unwrap().with_open(open).unwrap();
        let changes = opened.changes(&Range::Unstaged, &[], &mut Vec::new()).unwrap();
        let now: Vec<&str> = changes.iter().map(|change| change.now.as_str()).collect();
        assert_eq!(now, ["d\r\n", "", "t\n", "n\n"]);
        let staged = opened.changes(&Range::Staged, &[], &mut Vec::new()).unwrap();
        assert_eq!(staged.iter().map(|change| change.now.as_str()).collect::<Vec<_>>(), ["b\n"]);
        assert_eq!(of(Range::Unstaged, &[]), (unstaged, vec!["binary.bin".to_owned()]));
        assert_eq!(of(Range::Since("HEAD".into()), &["a.rs".into()]).0, [change("a.rs", "a\n", "c\n")]);
        assert!(repository.changes(&Range::Since("--output=x".into()), &[], &mut Vec::new()).is_err());
        assert!(repository.changes(&Range::Since("nothing".into()), &[], &mut Vec::new()).is_err());
        assert_eq!(repository.subjects(), ["one: a subject"]);
        assert!(Repository::around(&root.join("none")).is_err());
    }
}

//! What Git knows of a change: the files with their text before and now, and the subjects of earlier commits. It leaves running Git to `quiet`, the
//! form of its lists to `listed`, and comparing texts to `core::demand`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use pennyworth_core::prompt::{normalised, without_mark};

use self::listed::{Entry, Side, entries};
use self::quiet::Git;
use super::files::Refused;

mod listed;
mod quiet;
#[cfg(test)]
mod tests;

/// Most bytes of one text.
const MOST: usize = 4 << 20;
/// Subjects of earlier commits that show the style of messages.
const SUBJECTS: usize = 10;

/// Which change is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Range {
    /// What is in the index and in no commit.
    Staged,
    /// What is in the files and not in the index.
    Unstaged,
    /// What the files have and a revision has not; or between two revisions, `A..B`, or since they parted, `A...B`.
    Since(String),
    /// What the files have and the last so many commits made; all of them, if there are no more.
    Commits(usize),
}

/// A file that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Where it lies.
    pub path: PathBuf,
    /// Where it lay before.
    pub was: PathBuf,
    /// Its text before; empty for a new file.
    pub before: String,
    /// Its text now; empty for a removed one.
    pub now: String,
}

impl Changed {
    /// Whether more than its place has changed.
    pub fn has_other_text(&self) -> bool {
        normalised(&self.before) != normalised(&self.now)
    }
}

/// A repository.
#[derive(Clone, Debug)]
pub struct Repository {
    top: PathBuf,
    git: Git,
    /// The texts of open documents, by their names below the top folder. They stand for those on the disk.
    open: BTreeMap<String, Open>,
}

/// An open document.
#[derive(Clone, Debug)]
struct Open {
    text: String,
    /// Its object in the index.
    id: String,
}

impl Repository {
    /// The repository around a folder.
    pub fn around(folder: &Path) -> anyhow::Result<Repository> {
        let top =
            Git::within(folder)?.text(&["rev-parse", "--show-toplevel"]).context("there is no Git repository here")?;
        let top = PathBuf::from(top.trim_end_matches('\n'));
        Ok(Repository { git: Git::within(&top)?, top, open: BTreeMap::new() })
    }

    /// The same with the texts of open documents, saved or not, in place of those on the disk. What Git does not know is left out.
    pub fn with_open(mut self, open: impl IntoIterator<Item = (PathBuf, String)>) -> anyhow::Result<Repository> {
        let name = |path: PathBuf| {
            let path = path.canonicalize().unwrap_or(path);
            Some(path.strip_prefix(&self.top).ok()?.to_str()?.replace(MAIN_SEPARATOR, "/"))
        };
        let mut open: BTreeMap<String, String> =
            open.into_iter().filter_map(|(path, text)| Some((name(path)?, text))).collect();
        if !open.is_empty() {
            let mut arguments = vec!["--literal-pathspecs", "ls-files", "--stage", "-z", "--"];
            arguments.extend(open.keys().map(String::as_str));
            let known = self.git.text(&arguments)?;
            for line in known.split('\0') {
                let Some((about, name)) = line.split_once('\t') else { continue };
                // A file that a merge left in several versions is in none of them.
                if let [_, id, "0"] = about.split(' ').collect::<Vec<_>>()[..]
                    && let Some((name, text)) = open.remove_entry(name)
                {
                    self.open.insert(name, Open { text, id: id.to_owned() });
                }
            }
        }
        Ok(self)
    }

    /// Its top folder.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// The files that changed, those below `paths` alone if there are any. `left_out` receives those that are no text, very large, or in a conflict.
    pub fn changes(
        &self,
        range: &Range,
        paths: &[PathBuf],
        left_out: &mut Vec<Refused>,
    ) -> anyhow::Result<Vec<Changed>> {
        let (list, reads_files) = self.list(range)?;
        let mut arguments = vec!["--literal-pathspecs"];
        arguments.extend(list.iter().map(String::as_str));
        arguments.extend(["--raw", "-z", "--no-abbrev", "--find-renames", "--ignore-submodules=all", "--"]);
        let named: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        arguments.extend(named.iter().map(String::as_str));
        let mut entries = entries(&self.git.run(&arguments)?);
        for path in paths {
            self.add_named(path, reads_files, &mut entries)?;
        }
        if reads_files {
            let conflicts = self.conflicts()?;
            entries.iter_mut().for_each(|entry| entry.is_unmerged |= conflicts.contains(&entry.name));
        }
        if reads_files && paths.is_empty() {
            entries = self.with_unsaved(entries);
        }
        let mut changes = Vec::new();
        for entry in entries {
            match self.changed(&entry, reads_files) {
                Ok(Some(changed)) => changes.push(changed),
                Ok(None) => {}
                Err(error) => {
                    let path = self.top.join(String::from_utf8_lossy(&entry.name).as_ref());
                    left_out.push(Refused { path, why: format!("{error:#}") });
                }
            }
        }
        Ok(changes)
    }

    /// How Git lists a change, and whether the texts of now are those of the files. All of these commands are plumbing, which runs no diff.
    fn list(&self, range: &Range) -> anyhow::Result<(Vec<String>, bool)> {
        let (list, reads_files) = match range {
            Range::Staged => {
                let head = self.commit("HEAD").or_else(|_| self.nothing())?;
                (vec!["diff-index".to_owned(), "--cached".to_owned(), head], false)
            }
            Range::Unstaged => (vec!["diff-files".to_owned()], true),
            Range::Commits(count) => {
                let most = format!("--max-count={}", count.saturating_add(1));
                let ids = self.git.text(&["rev-list", "--first-parent", &most, "HEAD"])?;
                let before = ids.lines().nth(*count).map(str::to_owned);
                let base = before.map_or_else(|| self.nothing(), Ok)?;
                (vec!["diff-index".to_owned(), base], true)
            }
            Range::Since(revision) => match self.sides(revision)? {
                (from, None) => (vec!["diff-index".to_owned(), from], true),
                (from, Some(to)) => (vec!["diff-tree".to_owned(), "-r".to_owned(), from, to], false),
            },
        };
        Ok((list, reads_files))
    }

    /// The tree without files.
    fn nothing(&self) -> anyhow::Result<String> {
        Ok(self.git.text(&["hash-object", "-t", "tree", "--stdin"])?.trim_end().to_owned())
    }

    /// The commits of a revision: one, or the two of `A..B`, or of `A...B`, whose first is where they parted. An empty one is `HEAD`.
    fn sides(&self, revision: &str) -> anyhow::Result<(String, Option<String>)> {
        if let Ok(commit) = self.commit(revision) {
            return Ok((commit, None));
        }
        let wanted = || {
            anyhow!(
                "`{revision}` is no commit; wanted: a branch, a tag or a commit, or two of them as `A..B`, or as `A...B`"
            )
        };
        let commit = |side: &str| self.commit(if side.is_empty() { "HEAD" } else { side }).map_err(|_| wanted());
        let (parted, sides) = match (revision.split_once("..."), revision.split_once("..")) {
            (Some(sides), _) => (true, sides),
            (None, Some(sides)) => (false, sides),
            (None, None) => return Err(wanted()),
        };
        let (from, to) = (commit(sides.0)?, commit(sides.1)?);
        if !parted {
            return Ok((from, Some(to)));
        }
        let base = self.git.text(&["merge-base", &from, &to]);
        let base = base.with_context(|| format!("the two sides of `{revision}` have no commit in common"))?;
        Ok((base.trim_end().to_owned(), Some(to)))
    }

    /// The full name of a commit.
    fn commit(&self, revision: &str) -> anyhow::Result<String> {
        if revision.is_empty() || revision.starts_with('-') {
            bail!("`{revision}` is no revision");
        }
        let verified = |name: &str| self.git.text(&["rev-parse", "--verify", "--quiet", name]);
        // What finds a commit by words ends at the end of the text, so it is peeled in a second step.
        let id = verified(revision)?;
        Ok(verified(&format!("{}^{{commit}}", id.trim_end()))?.trim_end().to_owned())
    }

    /// Adds a file that is named, and that Git does not know, as a new one. A path of which there is nothing, now or before, is an error.
    fn add_named(&self, path: &Path, reads_files: bool, entries: &mut Vec<Entry>) -> anyhow::Result<()> {
        let about = std::fs::symlink_metadata(path).ok();
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let Some(name) = real.strip_prefix(&self.top).ok().and_then(Path::to_str) else { return Ok(()) };
        let name = name.replace(MAIN_SEPARATOR, "/").into_bytes();
        let is_within = |entry: &Entry| {
            entry.name.strip_prefix(&*name).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
        };
        let is_listed = entries.iter().any(is_within);
        match about {
            None if !is_listed => {
                bail!("`{}` is not there; wanted: files or folders, also those that the change removes", path.display())
            }
            Some(about) if reads_files && about.is_file() && !is_listed && self.listed(path)?.is_empty() => {
                let (was, before, now) = (name.clone(), Side::default(), Side::plain(""));
                entries.push(Entry { name, was, before, now, is_unmerged: false });
            }
            _ => {}
        }
        Ok(())
    }

    /// What the index has at a path.
    fn listed(&self, path: &Path) -> anyhow::Result<Vec<u8>> {
        self.git.run(&["--literal-pathspecs", "ls-files", "-z", "--", &path.display().to_string()])
    }

    /// The names of the files that a merge left in several versions. Not every list of changes tells them.
    fn conflicts(&self) -> anyhow::Result<BTreeSet<Vec<u8>>> {
        let list = self.git.run(&["ls-files", "--unmerged", "-z"])?;
        let name =
            |line: &[u8]| Some(line.split_at_checked(line.iter().position(|byte| *byte == b'\t')? + 1)?.1.to_vec());
        Ok(list.split(|byte| *byte == 0).filter_map(name).collect())
    }

    /// These entries, and those of open documents that are as they were on the disk.
    fn with_unsaved(&self, mut entries: Vec<Entry>) -> Vec<Entry> {
        let known: BTreeSet<Vec<u8>> = entries.iter().map(|entry| entry.name.clone()).collect();
        let unlisted = self.open.iter().filter(|(name, _)| !known.contains(name.as_bytes()));
        entries.extend(unlisted.map(|(name, open)| {
            let (name, side) = (name.clone().into_bytes(), Side::plain(&open.id));
            Entry { was: name.clone(), name, now: side.clone(), before: side, is_unmerged: false }
        }));
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        entries
    }

    /// A file with both texts; `None` if they are alike. The error says why it is left out.
    fn changed(&self, entry: &Entry, reads_files: bool) -> anyhow::Result<Option<Changed>> {
        let name = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|_| anyhow!("its name is not UTF-8"));
        let (name, was) = (name(&entry.name)?, name(&entry.was)?);
        if entry.is_unmerged {
            bail!("it has a merge conflict");
        }
        let before = self.object(&entry.before)?;
        let now = match self.open.get(&name).filter(|_| reads_files) {
            Some(open) => open.text.clone(),
            None if reads_files && !entry.now.is_missing() => self.file(&name)?,
            None => self.object(&entry.now)?,
        };
        let changed = Changed { path: self.top.join(name), was: self.top.join(was), before, now };
        Ok(Some(changed).filter(|changed| changed.path != changed.was || changed.has_other_text()))
    }

    /// The text of a side that Git keeps; empty if there is none.
    fn object(&self, side: &Side) -> anyhow::Result<String> {
        match side {
            side if side.is_missing() => Ok(String::new()),
            side if !side.is_plain() => bail!("it is no plain file"),
            side => readable(self.git.run(&["cat-file", "blob", &side.id])?),
        }
    }

    /// The text of a file on the disk; empty if there is none.
    fn file(&self, name: &str) -> anyhow::Result<String> {
        let path = self.top.join(name);
        match std::fs::symlink_metadata(&path) {
            Err(_) => Ok(String::new()),
            Ok(about) if !about.is_file() => bail!("it is no plain file"),
            Ok(about) if about.len() > MOST as u64 => readable(vec![0]),
            Ok(_) => readable(std::fs::read(&path)?),
        }
    }

    /// The subjects of the last commits, the newest first.
    pub fn subjects(&self) -> Vec<String> {
        let count = format!("-{SUBJECTS}");
        let log = self.git.text(&["log", &count, "--no-merges", "--no-show-signature", "--format=%s"]);
        log.unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

/// A text without bytes that no text has, and not too large.
fn readable(bytes: Vec<u8>) -> anyhow::Result<String> {
    let is_text = bytes.len() <= MOST && !bytes.contains(&0);
    let text = is_text.then(|| String::from_utf8(bytes).ok()).flatten();
    text.map(|text| without_mark(&text).to_owned()).context("it is no text, or very large")
}

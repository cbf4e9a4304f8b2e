//! Real repositories: commits of moderate size, chosen by a seed, and a copy of the files in which one commit after the other is checked out. It
//! leaves the repository itself as it is.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use pennyworth_grammars::by_path;
use pennyworth_tests::random::Random;

use crate::definitions::family;

/// The sizes of a change that count as moderate, in added lines of code.
const ADDED: std::ops::RangeInclusive<usize> = 15..=400;
/// Most files of such a change.
const FILES: usize = 12;

/// A commit.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    pub(crate) hash: String,
    /// The language of most added lines.
    pub(crate) family: &'static str,
}

/// A copy of a repository.
pub(crate) struct Copy {
    folder: tempfile::TempDir,
}

impl Copy {
    /// Copies a repository. Its objects are shared.
    pub(crate) fn of(repository: &Path) -> anyhow::Result<Copy> {
        let folder = tempfile::tempdir()?;
        let source = repository.canonicalize().with_context(|| format!("{} is missing", repository.display()))?;
        let (source, target) = (source.to_string_lossy().into_owned(), folder.path().to_string_lossy().into_owned());
        git(folder.path(), &["clone", "-q", "--shared", &source, &target])?;
        Ok(Copy { folder })
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> anyhow::Result<PathBuf> {
        Ok(self.folder.path().canonicalize()?)
    }

    /// Makes its files those of a commit.
    pub(crate) fn check_out(&self, hash: &str) -> anyhow::Result<()> {
        git(self.folder.path(), &["checkout", "-q", "-f", "--detach", hash])?;
        git(self.folder.path(), &["clean", "-q", "-fdx"])?;
        Ok(())
    }

    /// Commits of moderate size, chosen by a seed.
    pub(crate) fn commits(&self, count: usize, seed: u64) -> anyhow::Result<Vec<Commit>> {
        let log = git(self.folder.path(), &["log", "--no-merges", "--no-renames", "--numstat", "--format=@%H %P"])?;
        let mut commits: Vec<Commit> = log.split('@').filter_map(commit).collect();
        let mut random = Random::new(seed);
        let mut chosen = Vec::new();
        while chosen.len() < count && !commits.is_empty() {
            chosen.push(commits.swap_remove(random.below(commits.len() as u64) as usize));
        }
        Ok(chosen)
    }
}

/// A commit of moderate size that has a parent, from its lines in the log.
fn commit(lines: &str) -> Option<Commit> {
    let (head, files) = lines.split_once('\n')?;
    let (hash, _) = head.split_once(' ').filter(|(_, parents)| !parents.is_empty())?;
    let mut by_family: Vec<(&'static str, usize)> = Vec::new();
    let files: Vec<&str> = files.lines().filter(|line| !line.is_empty()).collect();
    for file in &files {
        let mut parts = file.splitn(3, '\t');
        let (added, name) = (parts.next()?.parse::<usize>().unwrap_or(0), parts.nth(1)?);
        let family = by_path(Path::new(name), "").map_or("", family);
        match by_family.iter_mut().find(|(known, _)| *known == family) {
            Some((_, sum)) => *sum += added,
            None => by_family.push((family, added)),
        }
    }
    let all: usize = by_family.iter().map(|(_, added)| added).sum();
    let (family, added) = by_family.into_iter().max_by_key(|(_, added)| *added)?;
    let is_moderate = ADDED.contains(&added) && files.len() <= FILES && added * 2 > all;
    (is_moderate && !family.is_empty()).then(|| Commit { hash: hash.to_owned(), family })
}

fn git(folder: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().context("`git` cannot be run")?;
    if !output.status.success() {
        bail!("git {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

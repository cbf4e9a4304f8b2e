//! The holes of a trial in the user's files: lines of recent commits first, under the rules of their places, about as many of each task. It leaves what
//! Git knows to `demand::git`, and where a hole may be cut to `core::trial`.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pennyworth_core::demand::{Change, Source};
use pennyworth_core::gate::Trigger;
use pennyworth_core::mask::Masks;
use pennyworth_core::prompt::normalised;
use pennyworth_core::syntax;
use pennyworth_core::task::Task;
use pennyworth_core::text::Snapshot;
use pennyworth_core::trial::{Hole, holes, holes::rank, stratified};
use pennyworth_grammars::Language;

use crate::complete::{Completer, Request, alone};
use crate::demand::git::{self, Changed, Repository};
use crate::demand::{Refused, closed};
use crate::settings::Configuration;

/// Places looked at for each hole that is wanted: many are of a task that has enough, or are refused.
const LOOKED_AT: usize = 6;
/// Reports of the parser's progress within which a file is parsed.
const STEPS: usize = 10_000;

/// A hole in a file.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// Its language.
    pub language: &'static Language,
    /// Its whole text, with `\n` as line break.
    pub text: Arc<str>,
    /// The hole.
    pub hole: Hole,
    /// The task there.
    pub task: Task,
    /// What is missing, as far as the server would show it.
    pub truth: String,
}

impl Place {
    /// The file's text with the hole cut out.
    pub fn with_hole(&self) -> String {
        with_hole(&self.text, &self.hole.range)
    }

    /// The request there.
    pub fn request(&self) -> Request {
        request(&self.path, self.language, (&self.text, &self.hole.range))
    }
}

fn with_hole(text: &str, hole: &Range<usize>) -> String {
    let part = |range: Option<&str>| range.unwrap_or_default().to_owned();
    part(text.get(..hole.start)) + text.get(hole.end..).unwrap_or_default()
}

/// A request at a hole, as from an editor that shows whole constructs while the user types.
fn request(path: &Path, language: &'static Language, (text, hole): (&str, &Range<usize>)) -> Request {
    let mut snapshot = Snapshot::of(&with_hole(text, hole), language);
    snapshot.tree = syntax::parse_excerpt(&with_hole(text, hole), language, None, &mut { STEPS });
    Request { whole: true, is_trial: true, ..Request::new(snapshot, path.to_owned(), hole.start, Trigger::Typed) }
}

/// Which holes are wanted.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// How many.
    pub count: usize,
    /// The seed of chance.
    pub seed: u64,
    /// Of how many commits lines are recent.
    pub commits: usize,
    /// Holes of an earlier trial, which are taken first.
    pub known: BTreeSet<u64>,
}

/// The holes that were found.
#[derive(Debug, Default)]
pub struct Gathered {
    /// In the order of a person who goes from file to file.
    pub places: Vec<Place>,
    /// Files that the rules of their places keep out.
    pub left_out: Vec<Refused>,
}

/// A file that changed lately.
struct File {
    path: PathBuf,
    language: &'static Language,
    text: Arc<str>,
}

/// Finds holes in the files that recent commits changed. It blocks on Git and the disk.
pub fn gather(
    (completer, configuration): (&Completer, &Arc<Configuration>),
    repository: &Repository,
    wish: &Wish,
) -> anyhow::Result<Gathered> {
    let mut left_out = Vec::new();
    let changes = repository.changes(&git::Range::Commits(wish.commits), &[], &mut left_out)?;
    let (mut files, mut pool) = (Vec::new(), Vec::new());
    for changed in changes.into_iter().filter(|changed| !changed.now.is_empty()) {
        let path = changed.path.clone();
        match read(completer, configuration, changed) {
            Ok((file, holes)) => {
                pool.extend(holes.into_iter().map(|hole| (files.len(), hole)));
                files.push(file);
            }
            Err(why) => left_out.push(Refused { path, why }),
        }
    }
    pool.sort_by_key(|(_, hole)| (!wish.known.contains(&hole.id), !hole.is_recent, rank(wish.seed, hole.id)));
    let classified = pool.into_iter().take(wish.count * LOOKED_AT).filter_map(|(file, hole)| {
        let file = files.get(file)?;
        classified((completer, configuration), file, hole)
    });
    let (known, new): (Vec<Place>, Vec<Place>) =
        classified.partition(|place: &Place| wish.known.contains(&place.hole.id));
    let mut places: Vec<Place> = known.into_iter().take(wish.count).collect();
    let rest = wish.count - places.len();
    let chosen = stratified(new.iter().map(|place| (place.task, place.hole.clone())).collect(), rest, wish.seed);
    let chosen: BTreeSet<u64> = chosen.into_iter().map(|(_, hole)| hole.id).collect();
    places.extend(new.into_iter().filter(|place| chosen.contains(&place.hole.id)));
    places.sort_by(|one, other| (&one.path, one.hole.range.start).cmp(&(&other.path, other.hole.range.start)));
    Ok(Gathered { places, left_out })
}

/// A file that changed, and its holes. The error says why its text may not be used.
fn read(completer: &Completer, configuration: &Configuration, changed: Changed) -> Result<(File, Vec<Hole>), String> {
    let Changed { path, now, before, .. } = changed;
    let (now, before) = (normalised(&now).into_owned(), normalised(&before).into_owned());
    let language = pennyworth_grammars::of("", &path, now.lines().next().unwrap_or_default());
    let scope = configuration.read(&path);
    if let Some(why) = closed(&scope, language, &now) {
        return Err(why);
    }
    if completer.parses.barred(&path, language.name()).is_some() {
        return Err("its grammar failed over it".into());
    }
    let change = Change { now: Source::new(scope.shown.clone(), language, now), before };
    let recent: Vec<Range<usize>> = change.hunks().into_iter().flat_map(|hunk| hunk.changed).collect();
    let text = change.now.text.as_str();
    let tree = {
        let _mark = completer.parses.begin(&path, language.name());
        syntax::parse_excerpt(text, language, None, &mut { STEPS })
    };
    let mut holes = holes(&scope.shown, text, (language, tree.as_ref()), &recent);
    keep_secrets(&scope.shown, text, &mut holes)?;
    Ok((File { path, language, text: text.into() }, holes))
}

/// Drops the holes in lines with keys and passwords, of which nothing is kept, not even a hash.
fn keep_secrets(name: &str, text: &str, holes: &mut Vec<Hole>) -> Result<(), String> {
    let masked = Masks::default().masked(text, name).ok_or("it could not be searched for keys and passwords")?;
    let mut start = 0;
    let mut secret: Vec<Range<usize>> = Vec::new();
    for (line, masked) in text.split_inclusive('\n').zip(masked.split_inclusive('\n')) {
        if line != masked {
            secret.push(start..start + line.len());
        }
        start += line.len();
    }
    let is_secret = |hole: &Hole| secret.iter().any(|line| line.start < hole.range.end && hole.range.start < line.end);
    holes.retain(|hole| !is_secret(hole));
    Ok(())
}

/// A hole with its task, if the server would ask there and show the right answer.
fn classified((completer, configuration): (&Completer, &Arc<Configuration>), file: &File, hole: Hole) -> Option<Place> {
    let request = request(&file.path, file.language, (&file.text, &hole.range));
    let decision = alone::planned(completer, configuration, request, None).ok()?;
    let missing = file.text.get(hole.range.clone())?;
    let truth = alone::shown_of(completer, &decision, missing)?;
    let is_whole = truth.trim().chars().count() >= 2 && missing.starts_with(truth.trim_end());
    let File { path, language, text } = file;
    is_whole.then(|| Place {
        path: path.clone(),
        language,
        text: Arc::clone(text),
        hole,
        task: decision.context.task.unwrap_or(Task::Line),
        truth,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_a_password_has_no_hole() {
        let text = "fn a() {}\nconst PASSWORD: &str = \"hunter2-prod\";\nfn b() {}\n";
        let hole = |range| Hole { range, id: 0, is_recent: true };
        let mut holes = vec![hole(0..5), hole(12..20), hole(40..53), hole(3..57), hole(55..60)];
        keep_secrets("a.rs", text, &mut holes).unwrap();
        assert_eq!(holes, [hole(0..5), hole(55..60)]);
    }
}

//! From a change to its jobs: the requests of a review, and the message of a commit. Files that may go to different models share no request, so that a
//! file which may go to none keeps only itself out. It leaves which files changed to `git`, and what a prompt has room for to `core::demand`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pennyworth_core::demand::{self, Change, Need, Part, PartKind};
use pennyworth_core::task::Task;
use pennyworth_core::tokens::REFERENCE_CHARS_PER_TOKEN;

use super::about::About;
use super::files::{File, Refused};
use super::find::Finder;
use super::git::Changed;
use super::job::{Job, instruction, strictness_for};
use crate::complete::Completer;
use crate::settings::{Configuration, Scope};

/// Fewest tokens of a hunk that is shortened.
const FEWEST: u32 = 100;

/// Files that may go to the same models, with what changed in them.
#[derive(Default)]
struct Group {
    files: Vec<File>,
    changes: Vec<Change>,
    /// What happened to each, in a line.
    names: Vec<String>,
}

impl Job {
    /// The jobs that review a change: one for each request. `refused` receives the files that go into no prompt.
    pub async fn review(
        completer: &Completer,
        configuration: &Arc<Configuration>,
        changes: &[Changed],
        refused: &mut Vec<Refused>,
    ) -> Vec<Job> {
        let mut jobs = Vec::new();
        for group in groups(configuration, Task::Review, changes, refused) {
            let Some(first) = group.files.first() else { continue };
            let (scopes, language) = (scopes(&[&group]), first.source.language.name());
            let row = first.scope.tasks.row(Task::Review);
            let review = {
                let (finder, rules) =
                    (Finder::new(configuration, Path::new("")), (Path::new(""), first.scope.settings.privacy()));
                let find = |names: &_| finder.find(names, rules);
                demand::review(&group.changes, (row.input, row.outline), REFERENCE_CHARS_PER_TOKEN, &find)
            };
            for round in review.rounds {
                let Need { mut must, may } = round.need;
                must.push(instruction("Review the change."));
                let hunks = round.hunks.into_iter();
                let hunks =
                    hunks.filter_map(|(number, hunks)| Some((group.changes.get(number)?.now.path.clone(), hunks)));
                let about = About::Hunks(hunks.collect());
                let parts = (review.shared.clone(), Need { must, may });
                let of = (paths(&[&group]), scopes.as_slice());
                jobs.push(Job::plan(completer, configuration, of, (Task::Review, language), parts, about).await);
            }
        }
        jobs
    }

    /// A job that writes the message of a commit. `None` if nothing of the change may go into a prompt. The files that may go least far are left out if
    /// with them nobody may be asked.
    pub async fn commit(
        completer: &Completer,
        configuration: &Arc<Configuration>,
        changes: &[Changed],
        subjects: &[String],
        refused: &mut Vec<Refused>,
    ) -> Option<Job> {
        let groups: Vec<Group> = groups(configuration, Task::Commit, changes, refused);
        let mut whole = None;
        for count in (1..=groups.len()).rev() {
            let (kept, rest) = groups.split_at_checked(count)?;
            let job = message(completer, configuration, &kept.iter().collect::<Vec<_>>(), subjects).await?;
            match job.why_not() {
                None => {
                    let why = "with it no model may be asked, by the rules of its place";
                    let files = rest.iter().flat_map(|group| &group.files);
                    refused.extend(files.map(|file| Refused { path: file.path.clone(), why: why.to_owned() }));
                    return Some(job);
                }
                Some(_) => whole = whole.or(Some(job)),
            }
        }
        whole
    }
}

async fn message(
    completer: &Completer,
    configuration: &Arc<Configuration>,
    groups: &[&Group],
    subjects: &[String],
) -> Option<Job> {
    let first = groups.first()?.files.first()?;
    let names: String = groups.iter().flat_map(|group| &group.names).map(|name| format!("{name}\n")).collect();
    let must = vec![
        Part::said(PartKind::Outline, format!("Files that changed:\n{names}")),
        Part::said(PartKind::Pattern, format!("Earlier subjects:\n{}", subjects.join("\n"))),
        instruction("Write the commit message."),
    ];
    let changes: Vec<&Change> = groups.iter().flat_map(|group| &group.changes).collect();
    // Each file has its share, and a hunk that is larger is shortened.
    let room = (f64::from(first.scope.tasks.row(Task::Commit).input) * demand::HUNKS) as u32;
    let most = (room / u32::try_from(changes.len().max(1)).unwrap_or(u32::MAX)).max(FEWEST);
    // Of a large change, the beginning of each file says most.
    let mut may: Vec<(usize, Part)> = Vec::new();
    for change in changes {
        for (place, hunk) in change.hunks().into_iter().enumerate() {
            let mut pieces = demand::pieces(change, hunk, most, REFERENCE_CHARS_PER_TOKEN).into_iter();
            let Some(mut shown) = pieces.next() else { continue };
            if pieces.next().is_some() {
                shown.text.push_str("…\n");
            }
            may.push((place, demand::part(change, &shown)));
        }
    }
    may.sort_by_key(|(place, _)| *place);
    let need = Need { must, may: may.into_iter().map(|(_, part)| part).collect() };
    let (about, scopes) = ((Task::Commit, first.source.language.name()), scopes(groups));
    let of = (paths(groups), scopes.as_slice());
    Some(Job::plan(completer, configuration, of, about, (Vec::new(), need), About::Commit).await)
}

fn scopes(groups: &[&Group]) -> Vec<Arc<Scope>> {
    groups.iter().flat_map(|group| &group.files).map(|file| Arc::clone(&file.scope)).collect()
}

fn paths(groups: &[&Group]) -> Vec<PathBuf> {
    groups.iter().flat_map(|group| &group.files).map(|file| file.path.clone()).collect()
}

/// The files of a change that may go into a prompt, and the change as it is shown there. Those that may go furthest come first.
fn groups(configuration: &Configuration, task: Task, changes: &[Changed], refused: &mut Vec<Refused>) -> Vec<Group> {
    let mut groups = BTreeMap::<_, Group>::new();
    for Changed { path, was, before, now } in changes {
        let language = pennyworth_grammars::of("", path, now.lines().chain(before.lines()).next().unwrap_or_default());
        let read = File::of(configuration, path, Some(language), now);
        // What a file held before may be secret, too, and so may what lay where it was.
        let old = File::of(configuration, was, Some(language), before);
        match (read, old) {
            (Ok(file), Ok(old)) => {
                let strictness = strictness_for(&file.scope, task).max(strictness_for(&old.scope, task));
                let group = groups.entry((strictness, file.scope.settings.pin(task).map(str::to_owned))).or_default();
                let shown = &file.source.path;
                group.names.push(match () {
                    () if was != path => format!("{} -> {shown}", old.source.path),
                    () if now.is_empty() => format!("{shown} (removed)"),
                    () => shown.clone(),
                });
                let now = file.source.masked(file.sent.text.clone());
                group.changes.push(Change { now, before: old.sent.text });
                group.files.push(file);
            }
            (Err(why), _) | (_, Err(why)) => refused.push(why),
        }
    }
    groups.into_values().collect()
}

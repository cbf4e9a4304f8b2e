//! `pennyworth document`: the documentation comment of an item, or of all items of files and folders that have none. It leaves which items that are
//! to `demand`, and printing and writing an edit to `edit`.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::bail;
use clap::Args;
use pennyworth_core::task::Task;
use serde_json::{Value, json};

use super::demand::{Common, Opened, open, tell_refused, tried};
use super::edit::{Lines, Output, diff, shown, write};
use super::later::{Later, Titled};
use crate::demand::{About, Answer, Edited, Job, Outcome, documentable, workspace};

/// Write the documentation comment of the item at a line, or of all items of files and folders that have none
#[derive(Debug, Args)]
pub struct Document {
    /// A line of the item, counted from 1; or a file or folder
    #[arg(value_name = "FILE:LINE|PATH", required = true)]
    places: Vec<Place>,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    later: Later,
    #[command(flatten)]
    common: Common,
}

/// What is documented.
#[derive(Clone, Debug)]
enum Place {
    /// The item at a line.
    Lines(Lines),
    /// All items of a file, or of the files in a folder.
    Path(PathBuf),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(place: &str) -> Result<Place, String> {
        if Path::new(place).exists() {
            return Ok(Place::Path(place.into()));
        }
        let lines = place.parse().map(Place::Lines);
        lines.map_err(|wanted| format!("there is no such file or folder; or for one item, {wanted}"))
    }
}

impl Place {
    fn path(&self) -> anyhow::Result<PathBuf> {
        let (Place::Path(path) | Place::Lines(Lines { file: path, .. })) = self;
        let path = std::path::absolute(path)?;
        Ok(path.canonicalize().unwrap_or(path))
    }
}

impl Document {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        if let [Place::Lines(lines)] = self.places.as_slice() {
            let (opened, file) = lines.open(config)?;
            let job = lines.job(&opened, Task::Document, file, "", &[]);
            let titled = (job, lines.title(Task::Document));
            return self.output.run((&self.common, &self.later), &opened, titled, out);
        }
        self.run_all(config, out)
    }

    fn run_all(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let paths: Vec<PathBuf> = self.places.iter().map(Place::path).collect::<Result<_, _>>()?;
        let first = paths.first().cloned().unwrap_or_default();
        if let Some(other) = paths.iter().find(|path| workspace(path) != workspace(&first)) {
            bail!("{} and {} lie in different repositories", first.display(), other.display());
        }
        let opened = open(config, &first)?;
        let jobs = self.jobs(&opened, &paths)?;
        if jobs.is_empty() && !self.common.json {
            eprintln!("there is no item without documentation");
        }
        let (jobs, is_queued) = self.later.queue(&self.common, &opened, jobs, out)?;
        let Some(jobs) = jobs else { return Ok(opened.ended(is_queued)) };
        let mut written = Written::new(self.output.apply, self.common.json);
        let ran = self.common.run_each(&opened, &jobs, out, |job, outcome, out| written.add(job, outcome, out))?;
        let Some(ran) = ran else { return Ok(ExitCode::SUCCESS) };
        written.end(out)?;
        if self.common.json {
            let all = json!({"files": written.files, "models": tried(&ran), "cost_usd": ran.cost.usd()});
            writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        }
        out.flush()?;
        opened.tell(&ran);
        let done = ran.outcomes.iter().filter(|outcome| outcome.answer.is_some()).count();
        if done < jobs.len() && jobs.len() > 1 {
            eprintln!("{} of {} items have no documentation yet", jobs.len() - done, jobs.len());
        }
        Ok(ran.ended(is_queued && done == jobs.len() && !written.is_refused))
    }

    fn jobs(&self, opened: &Opened, paths: &[PathBuf]) -> anyhow::Result<Vec<Titled>> {
        let (completer, configuration) = (&opened.completer, &opened.configuration);
        let (mut jobs, mut refused) = (Vec::new(), Vec::new());
        for (place, path) in self.places.iter().zip(paths) {
            match place {
                Place::Lines(lines) => {
                    let (file, lines) = (lines.read(opened, path)?, lines.lines.clone());
                    let job = Job::about(completer, configuration, Task::Document, file, lines, "", &[]);
                    jobs.push(opened.runtime.block_on(job));
                }
                Place::Path(_) => {
                    let files = documentable(configuration, std::slice::from_ref(path), &mut refused);
                    jobs.extend(opened.runtime.block_on(Job::document(completer, configuration, &files)));
                }
            }
        }
        tell_refused(&refused);
        // A place that is named twice is asked for once, and the edits of one file stand together.
        let lines = |job: &Job| match &job.about {
            About::Lines(lines) => Some((lines.path.clone(), lines.within.start, lines.within.end)),
            _ => None,
        };
        let (mut seen, mut order) = (BTreeSet::new(), Vec::new());
        jobs.retain(|job| seen.insert(lines(job)));
        jobs.iter().filter_map(lines).for_each(|(path, ..)| {
            if !order.contains(&path) {
                order.push(path);
            }
        });
        jobs.sort_by_key(|job| lines(job).and_then(|(path, ..)| order.iter().position(|known| *known == path)));
        Ok(jobs.into_iter().map(|job| (title(&job), job)).map(|(title, job)| (job, title)).collect())
    }
}

/// What a request is about.
fn title(job: &Job) -> String {
    let About::Lines(lines) = &job.about else { return Task::Document.to_string() };
    let before = lines.text.get(..lines.within.start).unwrap_or_default();
    format!("{} {}:{}", Task::Document, shown(&lines.path).display(), before.matches('\n').count() + 1)
}

/// What became of the edits: those of one file are printed or written together, as soon as the file is done.
struct Written {
    applies: bool,
    is_json: bool,
    open: Option<Edited>,
    files: Vec<Value>,
    /// Whether an edit could not be written.
    is_refused: bool,
}

impl Written {
    fn new(applies: bool, is_json: bool) -> Written {
        Written { applies, is_json, open: None, files: Vec::new(), is_refused: false }
    }

    /// Takes what became of the next job.
    fn add(&mut self, job: &Job, outcome: &Outcome, out: &mut impl Write) -> anyhow::Result<()> {
        if let About::Lines(lines) = &job.about
            && self.open.as_ref().is_some_and(|open| open.path != lines.path)
        {
            self.end(out)?;
        }
        if let Some(Answer::Edited(edited)) = &outcome.answer {
            match &mut self.open {
                Some(open) => open.merge(edited.clone()),
                None => self.open = Some(edited.clone()),
            }
        }
        Ok(())
    }

    /// Prints or writes the edits of the last file.
    fn end(&mut self, out: &mut impl Write) -> anyhow::Result<()> {
        let Some(edited) = self.open.take() else { return Ok(()) };
        let written = if self.applies { write(&edited) } else { Ok(()) };
        if let Err(why) = &written {
            eprintln!("{why:#}");
            self.is_refused = true;
        }
        let is_applied = self.applies && written.is_ok();
        if self.is_json {
            self.files.push(json!({"file": edited.path, "diff": diff(&edited), "applied": is_applied}));
        } else if !is_applied {
            write!(out, "{}", diff(&edited))?;
            out.flush()?;
        }
        Ok(())
    }
}

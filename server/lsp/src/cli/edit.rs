//! `pennyworth explain-code`, `fix`, `edit` and `tests`: tasks about lines of a file. An edit is printed as a diff, or written with `--apply`. It leaves
//! the tasks to `demand`, and documentation to `document`.

use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::bail;
use clap::Args;
use pennyworth_core::demand::unified;
use pennyworth_core::task::Task;
use serde_json::json;

use super::demand::{Common, Opened, Ran, open, tried};
use super::later::{Later, Titled};
use crate::demand::{Answer, Diagnostic, Edited, File, Job, Open};

/// Lines of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines {
    pub(super) file: PathBuf,
    /// Counted from 0.
    pub(super) lines: Range<usize>,
}

impl FromStr for Lines {
    type Err = String;

    fn from_str(place: &str) -> Result<Lines, String> {
        let wanted = || "wanted: FILE:LINE or FILE:LINE-LINE, such as `src/main.rs:12-20`".to_owned();
        let (file, lines) = place.rsplit_once(':').filter(|(file, _)| !file.is_empty()).ok_or_else(wanted)?;
        let (first, last) = lines.split_once('-').unwrap_or((lines, lines));
        let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0).ok_or_else(wanted);
        let (first, last) = (number(first)?, number(last)?);
        if last < first {
            return Err("the last line stands before the first one".into());
        }
        Ok(Lines { file: file.into(), lines: first - 1..last })
    }
}

/// Explain lines of a file
#[derive(Debug, Args)]
pub struct ExplainCode {
    /// Lines of a file, counted from 1; one line stands for the item around it
    #[arg(value_name = "FILE:LINE[-LINE]")]
    place: Lines,
    #[command(flatten)]
    later: Later,
    #[command(flatten)]
    common: Common,
}

/// Mend what a compiler or linter reports at a line
#[derive(Debug, Args)]
pub struct Fix {
    /// The lines of the report, counted from 1
    #[arg(value_name = "FILE:LINE[-LINE]")]
    place: Lines,
    /// What the compiler or linter says
    #[arg(value_name = "MESSAGE")]
    message: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    later: Later,
    #[command(flatten)]
    common: Common,
}

/// Edit lines of a file as instructed
#[derive(Debug, Args)]
pub struct Edit {
    /// Lines of a file, counted from 1; one line stands for the item around it
    #[arg(value_name = "FILE:LINE[-LINE]")]
    place: Lines,
    /// What to do
    #[arg(value_name = "INSTRUCTION")]
    instruction: String,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    later: Later,
    #[command(flatten)]
    common: Common,
}

/// Write tests of the item at a line, where the project keeps them
#[derive(Debug, Args)]
pub struct Tests {
    /// A line of the item, counted from 1
    #[arg(value_name = "FILE:LINE")]
    place: Lines,
    #[command(flatten)]
    output: Output,
    #[command(flatten)]
    later: Later,
    #[command(flatten)]
    common: Common,
}

/// What becomes of an edit.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// Write the file instead of printing a diff
    #[arg(long, conflicts_with_all = ["diff", "batch"])]
    pub(super) apply: bool,
    /// Print a unified diff, the default
    #[arg(long)]
    diff: bool,
}

impl Lines {
    /// The workspace and the file.
    pub(super) fn open(&self, config: Option<&Path>) -> anyhow::Result<(Opened, File)> {
        let path = std::path::absolute(&self.file)?;
        let path = path.canonicalize().unwrap_or(path);
        let opened = open(config, &path)?;
        let file = self.read(&opened, &path)?;
        Ok((opened, file))
    }

    /// The file, which lies at this path and has the lines.
    pub(super) fn read(&self, opened: &Opened, path: &Path) -> anyhow::Result<File> {
        let file = File::read(&opened.configuration, path)
            .map_err(|refused| anyhow::anyhow!("{}: {}", self.file.display(), refused.why))?;
        let count = file.source.text.lines().count();
        if self.lines.end > count.max(1) {
            bail!("{} has {} lines", self.file.display(), count);
        }
        Ok(file)
    }

    /// What a task at these lines is called.
    pub(super) fn title(&self, task: Task) -> String {
        let (first, last) = (self.lines.start + 1, self.lines.end);
        let lines = if last > first { format!("{first}-{last}") } else { first.to_string() };
        format!("{task} {}:{lines}", self.file.display())
    }

    pub(super) fn job(&self, opened: &Opened, task: Task, file: File, words: &str, reported: &[Diagnostic]) -> Job {
        let job = Job::about(&opened.completer, &opened.configuration, task, file, self.lines.clone(), words, reported);
        opened.runtime.block_on(job)
    }
}

impl ExplainCode {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let (opened, file) = self.place.open(config)?;
        let job = self.place.job(&opened, Task::Explain, file, "", &[]);
        let jobs = vec![(job, self.place.title(Task::Explain))];
        let (jobs, is_queued) = self.later.queue(&self.common, &opened, jobs, out)?;
        let Some(jobs) = jobs else { return Ok(opened.ended(is_queued)) };
        let Some(ran) = self.common.run(&opened, &jobs, out)? else { return Ok(ExitCode::SUCCESS) };
        let prose = ran.outcomes.iter().find_map(|outcome| match &outcome.answer {
            Some(Answer::Prose(prose)) => Some(prose),
            _ => None,
        });
        match prose {
            prose if self.common.json => {
                let all = json!({"explanation": prose, "models": tried(&ran), "cost_usd": ran.cost.usd()});
                writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
            }
            Some(prose) => writeln!(out, "{prose}")?,
            None => {}
        }
        out.flush()?;
        opened.tell(&ran);
        Ok(ran.ended(prose.is_some()))
    }
}

impl Fix {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let (opened, file) = self.place.open(config)?;
        let reported = Diagnostic { lines: self.place.lines.clone(), message: self.message.clone() };
        let job = self.place.job(&opened, Task::Fix, file, "", &[reported]);
        self.output.run((&self.common, &self.later), &opened, (job, self.place.title(Task::Fix)), out)
    }
}

impl Edit {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        if self.instruction.trim().is_empty() {
            bail!("the instruction is empty");
        }
        let (opened, file) = self.place.open(config)?;
        let job = self.place.job(&opened, Task::Edit, file, &self.instruction, &[]);
        self.output.run((&self.common, &self.later), &opened, (job, self.place.title(Task::Edit)), out)
    }
}

impl Tests {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let (opened, file) = self.place.open(config)?;
        let open_nowhere = Open::default();
        let job = Job::tests(&opened.completer, &opened.configuration, file, self.place.lines.start, &open_nowhere);
        let job = opened.runtime.block_on(job).map_err(|refused| anyhow::anyhow!("{refused}"))?;
        self.output.run((&self.common, &self.later), &opened, (job, self.place.title(Task::Tests)), out)
    }
}

impl Output {
    pub(super) fn run(
        &self,
        (common, later): (&Common, &Later),
        opened: &Opened,
        job: Titled,
        out: &mut impl Write,
    ) -> anyhow::Result<ExitCode> {
        let (jobs, is_queued) = later.queue(common, opened, vec![job], out)?;
        let Some(jobs) = jobs else { return Ok(opened.ended(is_queued)) };
        let Some(ran) = common.run(opened, &jobs, out)? else { return Ok(ExitCode::SUCCESS) };
        let edited = ran.outcomes.iter().find_map(|outcome| match &outcome.answer {
            Some(Answer::Edited(edited)) => Some(edited),
            _ => None,
        });
        match edited {
            edited if common.json => self.print_json(edited, &ran, out)?,
            Some(edited) if self.apply => write(edited)?,
            Some(edited) => write!(out, "{}", diff(edited))?,
            None => {}
        }
        out.flush()?;
        opened.tell(&ran);
        Ok(ran.ended(edited.is_some()))
    }

    fn print_json(&self, edited: Option<&Edited>, ran: &Ran, out: &mut impl Write) -> anyhow::Result<()> {
        if let Some(edited) = edited.filter(|_| self.apply) {
            write(edited)?;
        }
        let all = json!({
            "file": edited.map(|edited| &edited.path), "diff": edited.map(diff), "applied": self.apply && edited.is_some(),
            "models": tried(ran), "cost_usd": ran.cost.usd(),
        });
        Ok(writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?)
    }
}

/// An edit as a unified diff.
pub(super) fn diff(edited: &Edited) -> String {
    unified(&shown(&edited.path).display().to_string(), &edited.before, &edited.now)
}

/// A path as people read it: below the current folder, if it lies there.
pub(super) fn shown(path: &Path) -> PathBuf {
    let here = std::env::current_dir().ok().and_then(|here| here.canonicalize().ok()).unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}

/// Writes an edit, unless the file has changed since it was read.
pub(super) fn write(edited: &Edited) -> anyhow::Result<()> {
    let shown = edited.path.display();
    let original = match fs::read_to_string(&edited.path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && edited.before.is_empty() => String::new(),
        read => read?,
    };
    let Some(written) = edited.written(&original) else {
        bail!("{shown} has changed since it was read; nothing was written")
    };
    if let Some(folder) = edited.path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(&edited.path, written)?;
    eprintln!("written: {shown}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_from_the_right() {
        let place = |file: &str, lines| Ok(Lines { file: file.into(), lines });
        assert_eq!("a.rs:3".parse(), place("a.rs", 2..3));
        assert_eq!("C:\\a.rs:3-5".parse(), place("C:\\a.rs", 2..5));
        for wrong in ["", "a.rs", ":1", "a.rs:0", "a.rs:5-3", "a.rs:x", "a.rs:1-"] {
            assert!(wrong.parse::<Lines>().is_err(), "{wrong}");
        }
    }
}

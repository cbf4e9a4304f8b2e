//! `pennyworth review`: findings about a change, as text, JSON or SARIF. It leaves the review to `demand`, and the form of SARIF to `sarif`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use pennyworth_core::demand::{Finding, Severity};
use serde_json::json;

use self::left_out::LeftOut;
use self::sarif::sarif;
use super::demand::{Begun, Common, Ran, ended, tell_refused, tried};
use super::later::{Later, Titled};
use crate::demand::git::{Changed, Range, Repository};
use crate::demand::{Answer, Job};

mod left_out;
mod sarif;

/// Review a change: what is not in the index, or `--staged`, or `--since` a revision
#[derive(Debug, Args)]
#[command(after_help = CODES)]
pub struct Review {
    /// Only files below these paths
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// What is in the index and in no commit
    #[arg(long, conflicts_with = "since")]
    staged: bool,
    /// What the files have and this revision has not; or what changed from A to B, `A..B`, or in B since both parted, `A...B`
    #[arg(long, value_name = "REV")]
    since: Option<String>,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exit with 1 if there is a finding as bad as this
    #[arg(long, value_enum, value_name = "SEVERITY")]
    fail_on: Option<Bad>,
    #[command(flatten)]
    later: Later,
    #[command(flatten)]
    common: Common,
}

/// What the exit code tells.
const CODES: &str = "Exit codes:
  0  all of the change was reviewed, without files that are ignored, generated or secret
  1  there is a finding as bad as `--fail-on`, whether all was reviewed or not
  2  an error, or not all of the change was reviewed
  130  you ended it early";

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For a person
    Text,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for services that show findings beside code
    Sarif,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Bad {
    Low,
    Medium,
    High,
}

impl Review {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let here = std::env::current_dir()?;
        let begun = Begun::new()?;
        let repository = Repository::around(&here)?;
        let range = match &self.since {
            Some(revision) => Range::Since(revision.clone()),
            None if self.staged => Range::Staged,
            None => Range::Unstaged,
        };
        let paths: Vec<PathBuf> = self.paths.iter().map(|path| here.join(path)).collect();
        let mut left_out = Vec::new();
        let mut changes = repository.changes(&range, &paths, &mut left_out)?;
        changes.retain(Changed::has_other_text);
        tell_refused(&left_out);
        if changes.is_empty() && left_out.is_empty() {
            eprintln!("nothing has changed");
            return self.tell_nothing(&[], out);
        }
        let opened = begun.open(config, repository.top())?;
        let mut refused = Vec::new();
        let reviewed = Job::review(&opened.completer, &opened.configuration, &changes, &mut refused);
        let jobs = opened.runtime.block_on(reviewed);
        tell_refused(&refused);
        let all = left_out.iter().chain(&refused);
        let left_out: Vec<LeftOut> =
            all.map(|refused| LeftOut::of(&opened.configuration, repository.top(), &changes, refused)).collect();
        if jobs.is_empty() {
            eprintln!("nothing of the change was reviewed");
            return self.tell_nothing(&left_out, out);
        }
        let jobs: Vec<Titled> =
            jobs.into_iter().map(|job| (title(&job), job)).map(|(title, job)| (job, title)).collect();
        let (jobs, is_queued) = self.later.queue(&self.common, &opened, jobs, out)?;
        let Some(jobs) = jobs else { return Ok(opened.ended(is_queued && is_whole(&left_out))) };
        let Some(ran) = self.common.run(&opened, &jobs, out)? else { return Ok(ExitCode::SUCCESS) };
        let left_out: Vec<LeftOut> = left_out.into_iter().chain(ran.missed.iter().map(LeftOut::missed)).collect();
        let findings = self.print(&ran, &left_out, out)?;
        opened.tell(&ran);
        let is_whole = is_queued && is_whole(&left_out);
        if !is_whole {
            eprintln!("not all of the change was reviewed");
        }
        let is_bad = self.fail_on.is_some_and(|bad| findings.iter().any(|finding| finding.severity >= bad.severity()));
        Ok(if is_bad { ExitCode::FAILURE } else { ran.ended(is_whole) })
    }

    /// How findings are printed.
    fn format(&self) -> Format {
        if self.common.json { Format::Json } else { self.format }
    }

    /// Prints what was found, and returns it.
    fn print(&self, ran: &Ran, left_out: &[LeftOut], out: &mut impl Write) -> anyhow::Result<Vec<Finding>> {
        let (mut findings, mut dropped) = (Vec::new(), Vec::new());
        for answer in ran.outcomes.iter().filter_map(|outcome| outcome.answer.as_ref()) {
            if let Answer::Findings(found) = answer {
                findings.extend(found.findings.iter().cloned());
                dropped.extend(found.dropped.iter());
            }
        }
        dropped.iter().for_each(|why| eprintln!("left out: {why}"));
        match self.format() {
            // What was not reviewed may be wrong.
            Format::Text if findings.is_empty() && !is_whole(left_out) => {}
            Format::Text => text(&findings, out)?,
            Format::Json => {
                let all = json!({"findings": findings, "dropped": dropped, "whole": is_whole(left_out),
                    "left_out": left_out, "models": tried(ran), "cost_usd": ran.cost.usd()});
                writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
            }
            Format::Sarif => writeln!(out, "{}", serde_json::to_string_pretty(&sarif(&findings, left_out))?)?,
        }
        out.flush()?;
        Ok(findings)
    }

    /// Prints that nothing was reviewed, in a form that programs read; for a person that is said already.
    fn tell_nothing(&self, left_out: &[LeftOut], out: &mut impl Write) -> anyhow::Result<ExitCode> {
        match self.format() {
            Format::Json | Format::Text if self.common.plan => self.common.print_plans(&[], out)?,
            Format::Text => {}
            Format::Json | Format::Sarif => _ = self.print(&Ran::default(), left_out, out)?,
        }
        Ok(ended(self.common.plan || is_whole(left_out)))
    }
}

/// Whether all of the change was reviewed that the user's rules allow.
fn is_whole(left_out: &[LeftOut]) -> bool {
    left_out.iter().all(|left_out| left_out.by_rule)
}

/// What a request of a review is about.
fn title(job: &Job) -> String {
    format!("review {}", job.about.shown())
}

impl Bad {
    fn severity(self) -> Severity {
        match self {
            Bad::Low => Severity::Low,
            Bad::Medium => Severity::Medium,
            Bad::High => Severity::High,
        }
    }
}

pub(super) fn text(findings: &[Finding], out: &mut impl Write) -> anyhow::Result<()> {
    if findings.is_empty() {
        writeln!(out, "no findings")?;
    }
    for Finding { file, line, severity, title, why, fix } in findings {
        // A name may hold a line break, which would make one finding look like two.
        let file = file.replace(char::is_control, "?");
        writeln!(out, "{file}:{line}: {severity}: {title}")?;
        why.lines().try_for_each(|line| writeln!(out, "    {line}"))?;
        if let Some(fix) = fix {
            match fix.first == fix.last {
                true => writeln!(out, "    line {} would be:", fix.first)?,
                false => writeln!(out, "    lines {} to {} would be:", fix.first, fix.last)?,
            }
            fix.text.lines().try_for_each(|line| writeln!(out, "    | {line}"))?;
        }
    }
    Ok(())
}

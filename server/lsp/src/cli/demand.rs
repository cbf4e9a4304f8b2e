//! What the commands for tasks on demand share: opening the workspace, asking before money is spent, progress, and what is said of models that were
//! asked. It leaves the tasks to `demand`, and results to the commands.

use std::io::{IsTerminal as _, Write, stderr, stdin};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use pennyworth_core::money::Money;
use serde_json::{Value, json};

use super::interrupt::{CommandRuntime, EARLY, IN_ORDER, Interrupt, ON_TOP, interrupted};
use super::place::{keep_marks, ledger, say};
use crate::complete::Completer;
use crate::demand::{About, Heard, Job, Outcome, Refused, Tried, workspace};
use crate::ledger::Billed;
use crate::models::discover;
use crate::models::found::Announced;
use crate::paths;
use crate::settings::{Configuration, Settings};

/// Exit code of a command that has no result. 1 is for a result that fails a check.
pub(super) const NOTHING: u8 = 2;

/// What every task on demand takes.
#[derive(Debug, Args)]
pub(super) struct Common {
    /// Show the parts of the prompt, the models and the price, and send nothing
    #[arg(long)]
    pub(super) plan: bool,
    /// Spend at most this much, in US dollars, and do not ask
    #[arg(long, value_name = "USD", value_parser = usd)]
    spend: Option<f64>,
    /// Do not ask before money is spent
    #[arg(long, short)]
    yes: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(super) json: bool,
}

fn usd(text: &str) -> Result<f64, String> {
    let amount = text.parse::<f64>().ok().filter(|amount| amount.is_finite() && *amount >= 0.0);
    amount.ok_or_else(|| "wanted: an amount in US dollars, such as 0.05".into())
}

/// The state for tasks on demand in a workspace.
pub(super) struct Opened {
    pub(super) runtime: CommandRuntime,
    pub(super) completer: Arc<Completer>,
    pub(super) configuration: Arc<Configuration>,
    /// The user's own settings, without the workspace's.
    pub(super) own: Settings,
    /// The user's request to end early.
    pub(super) interrupt: Interrupt,
}

/// Opens the workspace of a file or folder.
pub(super) fn open(config: Option<&Path>, place: &Path) -> anyhow::Result<Opened> {
    Begun::new()?.open(config, place)
}

/// A command that has begun, and that signals end in order.
pub(super) struct Begun(CommandRuntime, Interrupt);

impl Begun {
    /// Listens to signals from now on.
    pub(super) fn new() -> anyhow::Result<Begun> {
        let runtime = CommandRuntime::new()?;
        let interrupt = Interrupt::listen(runtime.handle());
        Ok(Begun(runtime, interrupt))
    }

    /// Opens the workspace of a file or folder.
    pub(super) fn open(self, config: Option<&Path>, place: &Path) -> anyhow::Result<Opened> {
        let Begun(runtime, interrupt) = self;
        let (settings, notices, found) = runtime.block_on(discover::gather(config));
        say(&notices);
        let completer = Completer::new(settings.clone());
        // Else the first signal would end the process where a key comes from a program.
        completer.providers.keys.leave_signals(&IN_ORDER);
        completer.providers.found.set(&found.layer);
        keep_marks(&completer);
        completer.ledger.fill(ledger());
        let root = workspace(&std::path::absolute(place)?);
        let own = settings.clone();
        let (configuration, _) = Configuration::new(1, settings, std::slice::from_ref(&root));
        say(&configuration.found_notices());
        completer.configure(Arc::new(configuration));
        let configuration = completer.configuration.get();
        Ok(Opened { runtime, completer: Arc::new(completer), configuration, own, interrupt })
    }
}

/// A file of a job without a valid answer, as prompts show it, and why.
pub(super) type Missed = (String, String);

/// What the jobs of a command came to.
#[derive(Default)]
pub(super) struct Ran {
    /// What became of each job that was run.
    pub(super) outcomes: Vec<Outcome>,
    /// What all calls cost.
    pub(super) cost: Money,
    /// Tokens of their input, and those of them that were read from a provider's cache.
    input: (u64, u64),
    /// Jobs that were not run, because the amount to spend was reached.
    pub(super) unrun: usize,
    /// The files of jobs without a valid answer, and why it is missing.
    pub(super) missed: Vec<Missed>,
    /// Whether the user ended it early.
    is_interrupted: bool,
}

impl Ran {
    /// The exit code of a command that has its whole result, or has not.
    pub(super) fn ended(&self, is_whole: bool) -> ExitCode {
        if self.is_interrupted { interrupted() } else { ended(is_whole) }
    }

    /// Counts what a job cost, and that it is missing if it has no valid answer.
    fn count(&mut self, opened: &Opened, job: &Job, outcome: &Outcome) {
        for billed in opened.billed(&outcome.tried) {
            self.cost += billed.cost;
            self.input = (self.input.0 + billed.input, self.input.1 + billed.cached);
        }
        if let (None, Some(last)) = (&outcome.answer, outcome.tried.last()) {
            self.missed.extend(without(job, &format!("{}: {}", last.model, last.outcome)));
        }
    }
}

impl Common {
    /// Runs jobs one after the other. `None` if only their plans were asked for, which are printed.
    pub(super) fn run(&self, opened: &Opened, jobs: &[Job], out: &mut impl Write) -> anyhow::Result<Option<Ran>> {
        self.run_each(opened, jobs, out, |_, _, _| Ok(()))
    }

    /// The same. `each` receives every job with what became of it as soon as that is known.
    pub(super) fn run_each<O: Write>(
        &self,
        opened: &Opened,
        jobs: &[Job],
        out: &mut O,
        mut each: impl FnMut(&Job, &Outcome, &mut O) -> anyhow::Result<()>,
    ) -> anyhow::Result<Option<Ran>> {
        if self.plan {
            self.print_plans(jobs, out)?;
            return Ok(None);
        }
        let (jobs, missed) = askable(jobs)?;
        self.confirm(opened, jobs.iter().map(|job| job.costs().1).sum())?;
        announce(&opened.completer);
        let mut ran = Ran { missed, ..Ran::default() };
        let bar = bar(jobs.len());
        for job in jobs {
            if ran.is_interrupted {
                ran.missed.extend(without(job, EARLY));
                continue;
            }
            if self.spend.is_some_and(|spend| ran.cost + job.costs().0 > Money::from_usd(spend)) {
                ran.unrun += 1;
                ran.missed.extend(without(job, "`--spend` is reached"));
                continue;
            }
            let spent = ran.cost;
            let heard = |Heard { model, tokens, cost: own }: Heard<'_>| {
                bar.set_message(format!("{model}, {tokens} tokens, {} so far", spent + own));
            };
            let asked = job.run(&opened.completer, &heard);
            let Some(outcome) = opened.runtime.block_on(opened.interrupt.or(asked)) else {
                ran.is_interrupted = true;
                ran.missed.extend(without(job, EARLY));
                continue;
            };
            ran.count(opened, job, &outcome);
            bar.suspend(|| each(job, &outcome, out))?;
            ran.outcomes.push(outcome);
            bar.inc(1);
        }
        bar.finish_and_clear();
        Ok(Some(ran))
    }

    /// The most to spend, if the user says so.
    pub(super) fn spend(&self) -> Option<Money> {
        self.spend.map(Money::from_usd)
    }

    pub(super) fn print_plans(&self, jobs: &[Job], out: &mut impl Write) -> anyhow::Result<()> {
        let sum = |cost: fn(&Job) -> Money| jobs.iter().map(cost).sum::<Money>();
        let (worst, expected) = (sum(|job| job.costs().0), sum(|job| job.costs().1));
        let batch: Money = jobs.iter().filter_map(Job::sendable).map(|sendable| sendable.worst()).sum();
        if self.json {
            let plans: Vec<_> = jobs.iter().map(|job| &job.plan).collect();
            let all = json!({"requests": plans, "expected_usd": expected.usd(), "worst_usd": worst.usd(),
                "worst_batch_usd": batch.usd()});
            return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?);
        }
        for (number, job) in jobs.iter().enumerate() {
            if jobs.len() > 1 {
                writeln!(out, "request {} of {}", number + 1, jobs.len())?;
            }
            writeln!(out, "{}", job.plan)?;
        }
        writeln!(out, "cost        {expected} expected, {worst} at most, if all models of each route are asked")?;
        if batch > Money::ZERO {
            writeln!(out, "by tomorrow {batch} at most, with `--batch`")?;
        }
        Ok(())
    }

    /// Asks before more is spent than `confirm_usd`.
    pub(super) fn confirm(&self, opened: &Opened, expected: Money) -> anyhow::Result<()> {
        let most = opened.configuration.settings().confirm_usd;
        if self.yes || self.spend.is_some() || expected <= Money::from_usd(most) {
            return Ok(());
        }
        if !stdin().is_terminal() || !stderr().is_terminal() {
            bail!("this costs about {expected}, more than `confirm_usd` = {most}; `--yes` or `--spend` allows it");
        }
        eprint!("This costs about {expected}. Go on? [y/N] ");
        let mut answer = String::new();
        stdin().read_line(&mut answer)?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => bail!("nothing was sent"),
        }
    }
}

impl Opened {
    /// The exit code of a command that has all that it was to do, or has not.
    pub(super) fn ended(&self, is_whole: bool) -> ExitCode {
        if self.interrupt.is_wanted() { interrupted() } else { ended(is_whole) }
    }

    /// What the calls of these models came to.
    fn billed(&self, tried: &[Tried]) -> impl Iterator<Item = Billed> {
        let ledger = self.completer.ledger.get();
        tried.iter().filter_map(move |tried| ledger?.billed(tried.call?))
    }

    /// Says what became of the models, on stderr.
    pub(super) fn tell(&self, ran: &Ran) {
        let mut told = Vec::<(&str, &str, usize)>::new();
        for Tried { model, outcome, .. } in ran.outcomes.iter().flat_map(|outcome| &outcome.tried) {
            match told.iter_mut().find(|(of, what, _)| of == model && what == outcome) {
                Some((_, _, times)) => *times += 1,
                None => told.push((model, outcome, 1)),
            }
        }
        for (model, outcome, times) in told {
            let often = if times > 1 { format!(" ({times} times)") } else { String::new() };
            eprintln!("{model}: {outcome}{often}");
        }
        if ran.unrun > 0 {
            eprintln!(
                "{} of {} requests were not made: `--spend` is reached",
                ran.unrun,
                ran.unrun + ran.outcomes.len()
            );
        }
        if ran.is_interrupted {
            eprintln!("{EARLY}; {ON_TOP}");
        }
        let cached = match ran.input {
            (_, 0) => String::new(),
            (input, cached) => format!(", {} % of the input from the provider's cache", 100 * cached / input.max(1)),
        };
        eprintln!("cost: {}{cached}", ran.cost);
        // What was dropped is written before the process ends.
        self.completer.ledger.get().map(crate::ledger::Ledger::flush);
        for news in self.completer.ledger.get().map(crate::ledger::Ledger::take_news).into_iter().flatten() {
            eprintln!("warning: {news}");
        }
    }
}

/// The same as JSON.
pub(super) fn tried(ran: &Ran) -> Value {
    let all = ran.outcomes.iter().flat_map(|outcome| &outcome.tried);
    json!(all.map(|tried| json!({"model": tried.model, "outcome": tried.outcome})).collect::<Vec<_>>())
}

/// The jobs for which a model may be asked. The files of the others are told, and returned.
fn askable(jobs: &[Job]) -> anyhow::Result<(Vec<&Job>, Vec<Missed>)> {
    let (mut open, mut closed) = (Vec::new(), Vec::new());
    for job in jobs {
        match job.why_not() {
            None => open.push(job),
            Some(why) => closed.push((job, why)),
        }
    }
    if let (true, Some((_, why))) = (open.is_empty(), closed.first()) {
        bail!("no model may be asked: {why}");
    }
    closed.iter().for_each(|(job, why)| tell_closed(job, why));
    let missed = closed.iter().flat_map(|(job, why)| without(job, &format!("no model may be asked: {why}")));
    Ok((open, missed.collect()))
}

/// The files of a job that has no valid answer for this reason.
fn without(job: &Job, why: &str) -> Vec<Missed> {
    let files = match &job.about {
        About::Hunks(files) => files.iter().map(|(path, _)| path.clone()).collect(),
        about => vec![about.shown()],
    };
    files.into_iter().map(|file| (file, why.to_owned())).collect()
}

/// Says what goes to no model.
pub(super) fn tell_closed(job: &Job, why: &str) {
    eprintln!("left out: {}: no model may be asked: {why}", job.about.shown());
}

/// Says which files go into no prompt.
pub(super) fn tell_refused(refused: &[Refused]) {
    for refused in refused {
        eprintln!("left out: {refused}");
    }
}

/// Tells the user of a found model before the first prompt goes there.
pub(super) fn announce(completer: &Completer) {
    let announced = Announced::beside(paths::ledger_path().as_deref());
    let new = announced.new_of(completer.providers.found.all());
    new.iter().for_each(|found| eprintln!("note: {found}"));
    announced.add(&new);
}

/// A progress bar; none where the output is no terminal.
pub(super) fn bar(jobs: usize) -> ProgressBar {
    let bar = ProgressBar::new(jobs as u64);
    let template = if jobs > 1 { "{spinner} {bar:30} {pos}/{len} {msg}" } else { "{spinner} {msg}" };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// The exit code of a command that has its whole result, or has not.
pub(super) fn ended(is_whole: bool) -> ExitCode {
    if is_whole { ExitCode::SUCCESS } else { nothing() }
}

/// The exit code of a command without a result.
pub(super) fn nothing() -> ExitCode {
    ExitCode::from(NOTHING)
}

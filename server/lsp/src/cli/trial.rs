//! `pennyworth trial [MODEL…]`: which model, or which settings, are worth it on the user's own code. It says what that costs before anything is sent. It
//! leaves holes and answers to `trial`, and the report to `reports::trial`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use pennyworth_core::money::Money;
use pennyworth_core::trial::Answer;
use serde_json::json;

use super::demand::{Common, Opened, announce, open};
use super::interrupt::{EARLY, IN_ORDER, ON_TOP, interrupted};
use super::place::{self, say};
use super::tried::{Asking, ask};
use crate::complete::Completer;
use crate::demand::git::Repository;
use crate::learn::EMBEDDED;
use crate::ledger::{self, Ledger, TrialId};
use crate::models::discover;
use crate::reports::trial::{Entrant, Trial as Report};
use crate::reports::words::counted;
use crate::settings::Settings;
use crate::trial::{Candidate, Gathered, Place, Planned, Wish, gather, plan, read_benchmark};

/// Measure models on your own code: holes in lines of recent commits, asked as the server asks
#[derive(Debug, Args)]
pub struct Trial {
    /// Models that are switched on; all of them, and the embedded one, if none is named
    #[arg(value_name = "MODEL")]
    models: Vec<String>,
    /// Number of holes
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u16).range(1..))]
    count: u16,
    /// Number of commits whose lines come first
    #[arg(long, value_name = "N", default_value_t = 50, conflicts_with = "holes")]
    commits: u16,
    /// Seed of chance: the same one takes the same holes
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Take the holes of a benchmark from this file instead, in the form of HumanEval-Infilling or SAFIM; no code is run
    #[arg(long, value_name = "FILE.jsonl")]
    holes: Option<PathBuf>,
    /// Ask each model with the settings of this file, too: other ceilings, prompt formats, excerpts
    #[arg(long, value_name = "FILE.toml")]
    prompt_set: Vec<PathBuf>,
    /// Compare with an earlier trial at its holes: its number, or LAST
    #[arg(long, value_name = "TRIAL", value_parser = earlier)]
    against: Option<Earlier>,
    /// Print an earlier trial again, and ask nothing: its number, or LAST
    #[arg(long, value_name = "TRIAL", value_parser = earlier, conflicts_with_all = ["models", "against", "holes", "prompt_set", "batch"])]
    show: Option<Earlier>,
    /// Ask in batches, at about half the price, or at hours with a lower one; `pennyworth jobs`, or a running server, fetches the answers within a day, and `--show` prints them
    #[arg(long)]
    batch: bool,
    #[command(flatten)]
    common: Common,
}

/// An earlier trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Earlier(Option<TrialId>);

fn earlier(text: &str) -> Result<Earlier, String> {
    match text {
        "LAST" | "last" => Ok(Earlier(None)),
        number => {
            number.parse().map(|id| Earlier(Some(id))).map_err(|_| "wanted: LAST, or the number of a trial".into())
        }
    }
}

impl Trial {
    pub(super) fn run(&self, config: Option<&Path>, out: &mut impl Write) -> anyhow::Result<ExitCode> {
        let here = std::env::current_dir()?;
        if let Some(shown) = self.show {
            let kept = shown.read(&place::ledger())?;
            self.print(&Report::kept(kept), out)?;
            return Ok(ExitCode::SUCCESS);
        }
        let opened = open(config, &here)?;
        let ledger = opened.completer.ledger.get().context("there is no ledger")?;
        let earlier = self.against.map(|earlier| earlier.read(ledger)).transpose()?;
        let known = earlier.iter().flat_map(|trial| trial.candidates.values().flatten().map(|answer| answer.hole));
        let (places, what) = self.places(&opened, &here, known.collect())?;
        let candidates = self.candidates(&opened, ledger)?;
        let cap_left = opened.runtime.block_on(cap_left(&opened, &places));
        let (planned, left_out) = plan(&candidates, &places, cap_left);
        let expected = self.tell(&planned, (&what, candidates.len()), out)?;
        if self.common.plan {
            return Ok(ExitCode::SUCCESS);
        }
        self.common.confirm(&opened, expected)?;
        announce(&opened.completer);
        let id = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as TrialId);
        let entrant = |candidate: &Candidate| {
            let own = left_out.iter().filter(|((name, _), _)| *name == candidate.name);
            let unjudged = own.map(|((_, why), count)| (why.clone(), *count)).collect();
            Entrant { name: candidate.name.clone(), unjudged, ..Entrant::default() }
        };
        let mut entrants: Vec<Entrant> = candidates.iter().map(entrant).collect();
        let asking = Asking { common: &self.common, opened: &opened, ledger, trial: id, is_own: self.holes.is_none() };
        let is_whole = ask(&asking, planned, &mut entrants);
        entrants.extend(earlier.into_iter().flat_map(|earlier| of_earlier(earlier, &places)));
        self.print(&Report { id, seed: Some(self.seed), holes: what, entrants }, out)?;
        ledger.flush();
        ledger.take_news().iter().for_each(|news| eprintln!("warning: {news}"));
        if !is_whole {
            eprintln!("{EARLY}: the report is of the holes that were answered before; {ON_TOP}");
            return Ok(interrupted());
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Says what is asked and what that costs, and returns what it is expected to cost.
    fn tell(
        &self,
        planned: &[Planned<'_>],
        (what, candidates): (&str, usize),
        out: &mut impl Write,
    ) -> anyhow::Result<Money> {
        let sum = |cost: fn(&Planned<'_>) -> Money| planned.iter().map(cost).sum::<Money>();
        let (expected, worst) = (sum(|planned| planned.expected), sum(|planned| planned.worst));
        let (requests, to) = (counted(planned.len() as u64, "request"), counted(candidates as u64, "candidate"));
        eprintln!("{what}; {requests} to {to}: {expected} expected, {worst} at most");
        costs(planned).iter().for_each(|(name, cost)| eprintln!("  {name}: {cost} expected"));
        if self.batch {
            when(planned).iter().for_each(|told| eprintln!("{told}"));
        }
        if self.common.plan && self.common.json {
            let (expected, worst) = (expected.usd(), worst.usd());
            let later = planned.iter().filter(|planned| planned.is_later()).count();
            let all = json!({"holes": what, "requests": planned.len(), "later": later, "expected_usd": expected,
                "worst_usd": worst});
            writeln!(out, "{}", serde_json::to_string_pretty(&all)?)?;
        }
        Ok(expected)
    }

    fn print(&self, report: &Report, out: &mut impl Write) -> anyhow::Result<()> {
        match self.common.json {
            true => writeln!(out, "{}", serde_json::to_string_pretty(&report.as_json())?)?,
            false => report.print(out)?,
        }
        Ok(out.flush()?)
    }

    /// The holes, and what they are in a few words.
    fn places(&self, opened: &Opened, here: &Path, known: BTreeSet<u64>) -> anyhow::Result<(Vec<Place>, String)> {
        // Without the ledger: what was not taken says nothing of a model that is tried.
        let blank = Completer::new(opened.own.clone());
        let (of, count) = ((&blank, &opened.configuration), usize::from(self.count));
        if let Some(file) = &self.holes {
            let places = read_benchmark(file, of, (count, self.seed))?;
            if places.is_empty() {
                bail!("{} has no hole at which the server would ask", file.display());
            }
            let what = format!("{} of {}", counted(places.len() as u64, "hole"), file.display());
            return Ok((places, what));
        }
        let repository = Repository::around(here)?;
        let wish = Wish { count, seed: self.seed, commits: self.commits.into(), known };
        let Gathered { places, left_out } = gather(of, &repository, &wish)?;
        let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
        left_out.iter().for_each(|refused| *reasons.entry(&refused.why).or_default() += 1);
        reasons.iter().for_each(|(why, count)| eprintln!("left out: {}: {why}", counted(*count, "file")));
        if places.is_empty() {
            bail!("there is no place for a hole in what the last {} changed", counted(self.commits.into(), "commit"));
        }
        let recent = places.iter().filter(|place| place.hole.is_recent).count();
        let files: BTreeSet<&PathBuf> = places.iter().map(|place| &place.path).collect();
        let what = format!(
            "{} in {}, {recent} of them in lines of the last {}",
            counted(places.len() as u64, "hole"),
            counted(files.len() as u64, "file"),
            counted(self.commits.into(), "commit")
        );
        Ok((places, what))
    }

    /// Every model under the user's own settings, and under each other file of settings.
    fn candidates(&self, opened: &Opened, ledger: &Ledger) -> anyhow::Result<Vec<Candidate>> {
        let root = opened.configuration.folders().first().map(|root| root.path.clone()).unwrap_or_default();
        let shared = (ledger, &opened.completer.providers.found);
        let (mut all, queue) = (Vec::new(), opened.own.models());
        let mut add = |settings: &Settings, of: Option<&str>| -> anyhow::Result<()> {
            let names = names(&self.models, settings).with_context(|| of.unwrap_or("config.toml").to_owned())?;
            let new = |name: &String| {
                let candidate = Candidate::new(name, settings, of, &root, shared);
                candidate.completer.providers.keys.leave_signals(&IN_ORDER);
                candidate
            };
            let waiting = |candidate: Candidate| if self.batch { candidate.waiting(&queue) } else { candidate };
            all.extend(names.iter().map(new).map(waiting));
            Ok(())
        };
        add(&opened.own, None)?;
        for file in &self.prompt_set {
            if !file.is_file() {
                bail!("{} is no file; wanted: a file of settings, as config.toml is one", file.display());
            }
            let (settings, notices, _) = opened.runtime.block_on(discover::gather(Some(file)));
            say(&notices);
            add(&settings, Some(&file.file_stem().unwrap_or_default().to_string_lossy()))?;
        }
        let names: BTreeSet<&str> = all.iter().map(|candidate: &Candidate| candidate.name.as_str()).collect();
        if names.len() < all.len() {
            bail!("two candidates have one name; wanted: each model once, and files of settings with different names");
        }
        Ok(all)
    }
}

impl Earlier {
    fn read(self, ledger: &Ledger) -> anyhow::Result<ledger::Trial> {
        let found = ledger.trial(self.0).map_err(|error| anyhow!("the ledger cannot be read: {error}"))?;
        found.context("there is no such trial yet")
    }
}

/// The models to ask under settings. The embedded one is asked unless it is off.
fn names(wanted: &[String], settings: &Settings) -> anyhow::Result<Vec<String>> {
    let models = settings.models();
    let embedded = settings.embedded.enabled.then(|| EMBEDDED.to_owned());
    let known: Vec<String> = embedded.into_iter().chain(models.enabled().map(|model| model.name.clone())).collect();
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        let listed = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let switch = match unknown == EMBEDDED {
            true => "`enabled = true` in `[embedded]`".to_owned(),
            false => format!("`[model.{unknown}]`"),
        };
        bail!("`{unknown}` is no model that is switched on; these are: {listed}. {switch} switches it on");
    }
    if known.is_empty() {
        bail!("no model is switched on; `pennyworth models --all` lists those that are known");
    }
    Ok(if wanted.is_empty() { known } else { wanted.to_vec() })
}

/// What each candidate that costs something is expected to cost.
fn costs<'a>(planned: &[Planned<'a>]) -> BTreeMap<&'a str, Money> {
    let mut costs = BTreeMap::new();
    for one in planned.iter().filter(|one| one.expected > Money::ZERO) {
        *costs.entry(one.candidate.name.as_str()).or_insert(Money::ZERO) += one.expected;
    }
    costs
}

/// Which candidates are asked by tomorrow, and why others are asked now.
fn when(planned: &[Planned<'_>]) -> BTreeSet<String> {
    let told = planned.iter().filter_map(|one| match one.is_later() {
        true => Some(format!("by tomorrow: {}", one.candidate.name)),
        false => Some(format!("asked now: {}", one.why_now()?)),
    });
    told.collect()
}

/// What is left of the caps, by the rules of the first place.
async fn cap_left(opened: &Opened, places: &[Place]) -> Option<Money> {
    let place = places.first()?;
    let scope = opened.completer.scope(&place.path).await;
    opened.completer.cap_left(&opened.configuration, &scope).await
}

/// The candidates of an earlier trial, at the holes of this one.
fn of_earlier(earlier: ledger::Trial, places: &[Place]) -> Vec<Entrant> {
    let is_here = |answer: &Answer| places.iter().any(|place| place.hole.id == answer.hole);
    let entrants = Report::kept(earlier).into_entrants().map(|(id, mut entrant)| {
        entrant.name = format!("{} (trial {id})", entrant.name);
        entrant.answers.retain(is_here);
        entrant
    });
    entrants.collect()
}

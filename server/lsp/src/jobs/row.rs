//! Jobs as people and programs read them. The holes that a candidate of a trial is asked about stand in one line. It leaves printing to `cli` and the
//! editor.

use std::collections::BTreeMap;

use pennyworth_core::money::Money;
use serde_json::{Value, json};

use super::kept::KeptJobs;
use super::taking::is_outdated;
use crate::ledger::{JobRow, JobState, Ledger, OfTrial};

/// The jobs of one line: a task on demand, or the holes of a trial's candidate. There is always one.
pub struct Listed {
    /// The first of them, whose id the line has.
    pub first: JobRow,
    /// The others.
    pub others: Vec<JobRow>,
}

/// Jobs by lines, in the order of the first of each.
pub fn listed(jobs: Vec<JobRow>) -> Vec<Listed> {
    let (mut all, mut trials): (Vec<Listed>, BTreeMap<OfTrial, usize>) = (Vec::new(), BTreeMap::new());
    for job in jobs {
        let at = job.of_trial.clone().map(|of| *trials.entry(of).or_insert(all.len()));
        match at.and_then(|at| all.get_mut(at)) {
            Some(listed) => listed.others.push(job),
            None => all.push(Listed { first: job, others: Vec::new() }),
        }
    }
    all
}

impl Listed {
    /// All its jobs.
    pub fn jobs(&self) -> impl Iterator<Item = &JobRow> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// As a line. It blocks.
    pub fn line(&self, ledger: &Ledger) -> String {
        let why = self.reason().map(|why| format!(": {why}")).unwrap_or_default();
        let bound = if self.jobs().all(|job| job.state.is_final()) { "" } else { "at most " };
        let (id, (state, title), model) = (self.first.id.short(), self.described(ledger), &self.first.model);
        format!("{id}  {state}{why}  {title}  {model}, {bound}{}", self.cost())
    }

    /// As JSON. It blocks.
    pub fn as_json(&self, ledger: &Ledger) -> Value {
        let mut all = as_json(&self.first, ledger);
        if let (Some(fields), Some(of)) = (all.as_object_mut(), &self.first.of_trial) {
            let (state, title) = self.described(ledger);
            let more = json!({
                "state": state, "reason": self.reason(), "title": title, "cost_usd": self.cost().usd(),
                "trial": of.trial, "candidate": of.candidate, "holes": self.jobs().count(),
            });
            fields.extend(more.as_object().cloned().unwrap_or_default());
            // Each hole has its own.
            fields.remove("task");
            fields.remove("language");
        }
        all
    }

    /// The state, and what it is about; where there are several, how many jobs have each state.
    fn described(&self, ledger: &Ledger) -> (String, String) {
        let Some(of) = &self.first.of_trial else { return described(&self.first, ledger) };
        let mut states: BTreeMap<String, usize> = BTreeMap::new();
        self.jobs().for_each(|job| *states.entry(state(job)).or_default() += 1);
        let state = match states.len() {
            1 => state(&self.first),
            _ => states.iter().map(|(state, count)| format!("{count} {state}")).collect::<Vec<_>>().join(", "),
        };
        let holes = match self.jobs().count() {
            1 => "1 hole".to_owned(),
            holes => format!("{holes} holes"),
        };
        (state, format!("{}, {holes}", of_trial(of)))
    }

    /// The reason, if all jobs with a reason have the same.
    fn reason(&self) -> Option<&str> {
        // The reason of a marked hole says why nothing was shown.
        let mut all = self.jobs().filter(|job| job.of_trial.is_none() || job.state != JobState::Done);
        let first = all.find_map(|job| job.reason.as_deref())?;
        all.all(|job| job.reason.as_deref().is_none_or(|other| other == first)).then_some(first)
    }

    fn cost(&self) -> Money {
        self.jobs().map(|job| job.cost).sum()
    }
}

/// The state of a job as people read it.
pub fn state(job: &JobRow) -> String {
    match (&job.taken, job.state, job.stage) {
        (Some(taken), JobState::Done, _) => taken.clone(),
        _ if job.is_dropped && !job.state.is_final() => "cancelling".to_owned(),
        (_, JobState::Sent, Some(stage)) => stage.name().to_owned(),
        (_, state, _) => state.name().to_owned(),
    }
}

/// The state of a job, as it is for the files of now, and what it is about: its title, or its task once its prompt is forgotten. It blocks.
fn described(job: &JobRow, ledger: &Ledger) -> (String, String) {
    let kept = KeptJobs::beside(ledger).and_then(|kept| kept.read(job.id));
    let is_ready = job.state == JobState::Done && job.taken.is_none();
    let state = match &kept {
        Some(kept) if is_ready && is_outdated(ledger, job.id, kept) => "outdated".to_owned(),
        _ => state(job),
    };
    (state, kept.map_or_else(|| job.task.map_or("?", |task| task.name()).to_owned(), |kept| kept.title))
}

/// What a hole of a trial is called.
pub(super) fn of_trial(of: &OfTrial) -> String {
    format!("trial {} of {}", of.trial, of.candidate)
}

/// A job as JSON. It blocks.
pub fn as_json(job: &JobRow, ledger: &Ledger) -> Value {
    let (state, title) = described(job, ledger);
    json!({
        "id": job.id.to_string(), "state": state, "reason": job.reason, "title": title,
        "task": job.task, "language": job.language, "model": job.model, "cost_usd": job.cost.usd(), "queued_ms": job.at_ms,
    })
}

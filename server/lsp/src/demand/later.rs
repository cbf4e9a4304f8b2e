//! Tasks that nobody waits for: the request of one for a batch, or why it is asked now. It leaves the queue to `jobs`.

use std::path::PathBuf;

use pennyworth_core::caps::Caps;
use pennyworth_core::demand::{self, Plan};
use pennyworth_core::models::{Model, Models};
use pennyworth_core::money::Money;
use pennyworth_core::prompt::Body;
use pennyworth_core::route::Step;
use pennyworth_core::task::Task;

use super::job::{Job, MODELS};

/// A request of a job for the queue.
#[derive(Clone)]
pub struct Sendable {
    /// What is asked for.
    pub task: Task,
    /// The language's name.
    pub language: String,
    /// The model.
    pub model: Model,
    /// How it is asked, and what that costs.
    pub step: Step,
    /// The models to ask if its answer is not valid.
    pub next: Vec<Step>,
    /// The prompt.
    pub body: Body,
    /// The workspace.
    pub root: PathBuf,
    /// The caps that hold there.
    pub caps: Caps,
}

impl Sendable {
    /// The most that it costs.
    pub fn worst(&self) -> Money {
        self.step.worst_cost
    }
}

/// The models of a route by tomorrow that are cheaper then, in order: none if one of a lower tier comes before them or one that costs nothing.
pub fn cheaper_later(steps: &[Step]) -> impl Iterator<Item = &Step> {
    let first = steps.first().filter(|step| step.worst_cost > Money::ZERO).map(|step| step.tier);
    let tier = |step: &&Step| Some(step.tier) == first;
    let is_cheaper = |step: &&Step| step.later.is_some();
    let begins = steps.iter().take_while(tier).any(|step| step.later.is_some());
    steps.iter().filter(is_cheaper).take(if begins { MODELS } else { 0 })
}

/// The place of a flex tier among the models of a route, where the tier of the first model has one.
pub fn flex_at(steps: &[Step], models: &Models) -> Option<usize> {
    let tier = steps.first().map(|step| step.tier)?;
    let is_flex = |step: &Step| models.get(&step.model).is_some_and(Model::is_flex);
    steps.iter().take_while(|step| step.tier == tier).position(is_flex)
}

impl Job {
    /// The job for the queue. `None` if it can only be asked now.
    pub fn sendable(&self) -> Option<Sendable> {
        // A message is waited for.
        let steps = Some(&self.plan.later.steps).filter(|_| self.plan.task != Task::Commit)?;
        let mut steps = cheaper_later(steps);
        let step = steps.next()?.clone();
        let model = self.configuration.models.get(&step.model)?.clone();
        let Plan { task, language, brief, shared, .. } = &self.plan;
        Some(Sendable {
            task: *task,
            language: language.clone(),
            body: demand::body(&self.prompts, *task, &model.id, brief, *shared),
            next: steps.cloned().collect(),
            model,
            step,
            root: self.scope.root.clone(),
            caps: self.scope.settings.caps(),
        })
    }

    /// The job as it is asked now although nobody waits for its answer: by a flex tier, where the tier of the first model has one.
    #[must_use]
    pub fn for_now(mut self) -> Job {
        let steps = &mut self.plan.route.steps;
        let place = flex_at(steps, &self.configuration.models);
        if let Some(moved) = place.and_then(|place| steps.get_mut(..=place)) {
            moved.rotate_right(1);
        }
        self
    }

    /// Why it is asked now: what its model offers instead of a batch.
    pub fn why_now(&self) -> String {
        let step = self.plan.route.steps.first();
        let Some((step, model)) = step.and_then(|step| Some((step, self.configuration.models.get(&step.model)?)))
        else {
            return "no model may be asked".to_owned();
        };
        match self.plan.task {
            Task::Commit => "a commit waits for its message".to_owned(),
            _ => why_now(step, model),
        }
    }
}

/// Why a model is asked now although nobody waits: what it offers instead of a batch.
pub fn why_now(step: &Step, model: &Model) -> String {
    let name = &step.model;
    match &model.price.off_peak {
        _ if step.worst_cost <= Money::ZERO => format!("{name} costs nothing"),
        _ if model.is_flex() => format!("{name} has no batches; its flex tier costs as much as one"),
        Some(_) if step.price.output < model.price.output => {
            format!("{name} has no batches; its off-peak price holds now")
        }
        _ => format!("{name} has no batches"),
    }
}

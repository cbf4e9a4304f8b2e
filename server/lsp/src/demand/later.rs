//! Tasks that nobody waits for: the request of one for a batch, or why it is asked now. It leaves the queue to `jobs`.

use std::path::PathBuf;

use pennyworth_core::caps::Caps;
use pennyworth_core::demand::{self, Plan};
use pennyworth_core::models::{Model, Models};
use pennyworth_core::money::Money;
use pennyworth_core::prompt::Body;
use pennyworth_core::route::{Step, worst_in_batch};
use pennyworth_core::task::Task;

use super::job::{Job, MODELS};

/// A request of a job for a batch.
#[derive(Clone)]
pub struct Sendable {
    /// What is asked for.
    pub task: Task,
    /// The language's name.
    pub language: String,
    /// The model.
    pub model: Model,
    /// Estimated tokens of its prompt.
    pub prompt_tokens: u32,
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// The prompt.
    pub body: Body,
    /// The workspace.
    pub root: PathBuf,
    /// The caps that hold there.
    pub caps: Caps,
}

impl Sendable {
    /// The most that it costs in a batch.
    pub fn worst(&self) -> Money {
        worst_in_batch(&self.model, self.prompt_tokens, self.max_tokens)
    }
}

/// The first model of a route that has batches, unless one of a lower tier comes before it or one that costs nothing, and the most that it costs in
/// one. `None` if there is none.
pub fn batched<'m>(models: &'m Models, steps: &[Step]) -> Option<(&'m Model, Money)> {
    let first = steps.first().filter(|step| step.worst_cost > Money::ZERO)?;
    steps.iter().take(MODELS).take_while(|step| step.tier == first.tier).find_map(|step| {
        let model = models.get(&step.model).filter(|model| model.batch.is_some())?;
        Some((model, worst_in_batch(model, step.prompt_tokens, step.max_tokens)))
    })
}

impl Job {
    /// The job for the queue. `None` if it can only be asked now.
    pub fn sendable(&self) -> Option<Sendable> {
        // A message is waited for.
        let steps = Some(&self.plan.route.steps).filter(|_| self.plan.task != Task::Commit)?;
        let (model, _) = batched(&self.configuration.models, steps)?;
        let step = steps.iter().find(|step| step.model == model.name)?;
        let Plan { task, language, brief, shared, .. } = &self.plan;
        Some(Sendable {
            task: *task,
            language: language.clone(),
            model: model.clone(),
            prompt_tokens: step.prompt_tokens,
            max_tokens: step.max_tokens,
            body: demand::body(&self.prompts, *task, &model.id, brief, *shared),
            root: self.scope.root.clone(),
            caps: self.scope.settings.caps(),
        })
    }

    /// The job as it is asked now although nobody waits for its answer: by a flex tier, where the tier of the first model has one.
    #[must_use]
    pub fn for_now(mut self) -> Job {
        let (steps, configuration) = (&mut self.plan.route.steps, &self.configuration);
        let Some(tier) = steps.first().map(|step| step.tier) else { return self };
        let is_flex = |step: &Step| configuration.models.get(&step.model).is_some_and(Model::is_flex);
        let place = steps.iter().take_while(|step| step.tier == tier).position(is_flex);
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
        let name = &step.model;
        match &model.price.off_peak {
            _ if self.plan.task == Task::Commit => "a commit waits for its message".to_owned(),
            _ if step.worst_cost <= Money::ZERO => format!("{name} costs nothing"),
            _ if model.is_flex() => format!("{name} has no batches; its flex tier costs as much as one"),
            Some(_) if step.price.output < model.price.output => {
                format!("{name} has no batches; its off-peak price holds now")
            }
            Some(off_peak) => format!(
                "{name} has no batches; at other hours it costs {:.0} % of now's price (`pennyworth models` has them)",
                off_peak.share * 100.0
            ),
            None => format!("{name} has no batches"),
        }
    }
}

//! A task on demand from its plan to its result: cheap models first, dearer ones only when the answer of the one before was not valid. It leaves one
//! call to `call`, gathering what the prompt holds to `gather`, judging answers to `about`, and tasks that nobody waits for to `later`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pennyworth_core::demand::{self, Inputs, Need, Part, PartKind, Plan, Prompts, Unfit};
use pennyworth_core::mask::Masks;
use pennyworth_core::models::Model;
use pennyworth_core::money::Money;
use pennyworth_core::route::{Privacy, Step, Terms};
use pennyworth_core::task::{Enabled, Queue, Task, Tier};
use pennyworth_core::tokens::{self, REFERENCE_CHARS_PER_TOKEN};

use super::about::About;
use super::answers::Answer;
use super::call::{self, Failed, Said, call};
use crate::complete::Completer;
use crate::ledger::{CallId, Ledger, Outcome as LedgerOutcome, OutcomeKind, Source as LedgerSource, Suggested};
use crate::settings::{Configuration, Scope};

/// Most models that are asked, the first one and two after it.
pub(super) const MODELS: usize = 3;

/// A task on demand, with its plan.
pub struct Job {
    /// The plan.
    pub plan: Plan,
    /// What it is about.
    pub about: About,
    /// The files whose text its prompt is made for.
    pub files: Vec<PathBuf>,
    pub(super) configuration: Arc<Configuration>,
    pub(super) scope: Arc<Scope>,
    pub(super) prompts: Prompts,
}

/// What became of a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The first valid answer.
    pub answer: Option<Answer>,
    /// The models that were asked, and what became of each.
    pub tried: Vec<Tried>,
}

/// How far an answer is, by estimates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard<'a> {
    /// The model's name.
    pub model: &'a str,
    /// The tokens that have come.
    pub tokens: u32,
    /// What the call costs so far.
    pub cost: Money,
}

/// A model that was asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// The model's name.
    pub model: String,
    /// What became of it, in a few words.
    pub outcome: String,
    /// The call's row, if there is one.
    pub call: Option<CallId>,
}

impl Job {
    /// Plans a job. `shared` parts stand at the beginning of each request of the same task.
    pub(super) async fn plan(
        completer: &Completer,
        configuration: &Arc<Configuration>,
        (files, scopes): (Vec<PathBuf>, &[Arc<Scope>]),
        (task, language): (Task, &str),
        (shared, need): (Vec<Part>, Need),
        mut about: About,
    ) -> Job {
        let scope = strictest(scopes, task, configuration);
        let (row, prompts) = (scope.tasks.row(task), Prompts::builtin());
        let taken: u32 = shared.iter().map(|part| part.tokens(REFERENCE_CHARS_PER_TOKEN)).sum();
        let mut brief = demand::brief(need, row.input.saturating_sub(taken), REFERENCE_CHARS_PER_TOKEN);
        let count = shared.len();
        brief.parts.splice(0..0, shared);
        let shown = brief.parts.iter().map(|part| part.path.as_str()).filter(|path| !path.is_empty());
        let mut files: Vec<PathBuf> = files.into_iter().chain(shown.map(|path| scope.root.join(path))).collect();
        files.sort();
        files.dedup();
        let mut masks = Masks::default();
        brief.parts.iter_mut().for_each(|part| part.mask(&mut masks));
        about.hide(&masks);
        let standings = completer.standings(configuration, task, language);
        let cap_left = completer.cap_left(configuration, &scope).await;
        let chars_per_token = |model: &Model| completer.chars_per_token(model);
        let terms = Terms {
            row,
            standings: &standings,
            cap_left,
            privacy: scope.settings.privacy(),
            pin: scope.settings.pin(task),
            max_tokens: row.max_tokens,
            reads_on: false,
            worth: Money::ZERO,
            deadline_ms: row.deadline_ms,
            now: completer.week_hour(),
            explore: false,
        };
        let inputs = Inputs {
            task,
            language,
            brief,
            shared: count,
            prompts: &prompts,
            terms,
            chars_per_token: &chars_per_token,
        };
        let mut plan = demand::plan(&configuration.models, inputs);
        if row.enabled == Enabled::Off || plan.is_too_large() {
            plan.route.steps.clear();
            plan.later.steps.clear();
        }
        // Premium models are asked only if the user chose escalation or pinned one.
        let settings = &scope.settings;
        let may = |step: &Step| step.tier != Tier::Premium || settings.escalate || settings.pin(task).is_some();
        plan.route.steps.retain(may);
        plan.later.steps.retain(may);
        Job { plan, about, files, configuration: Arc::clone(configuration), scope, prompts }
    }

    /// The most that the job can cost, and what it is expected to cost.
    pub fn costs(&self) -> (Money, Money) {
        let steps = || self.plan.route.steps.iter().take(MODELS);
        let worst = steps().map(|step| step.worst_cost).fold(Money::ZERO, |sum, cost| sum + cost);
        (worst, steps().next().map_or(Money::ZERO, |step| step.expected_cost))
    }

    /// Why no model may be asked, if so.
    pub fn why_not(&self) -> Option<String> {
        if !self.plan.route.steps.is_empty() {
            return None;
        }
        if self.scope.tasks.row(self.plan.task).enabled == Enabled::Off {
            return Some(format!("`tasks.{}.enabled` is off", self.plan.task));
        }
        if self.plan.is_too_large() {
            let (task, input, tokens) = (self.plan.task, self.plan.input, self.plan.tokens());
            return Some(format!(
                "it takes ≈{tokens} tokens, more than `tasks.{task}.input` = {input}: choose less, or raise it"
            ));
        }
        let skipped = &self.plan.route.skipped;
        Some(match skipped.is_empty() {
            true => "no model is switched on; `pennyworth models --all` lists those that are known".into(),
            false => skipped
                .iter()
                .map(|skipped| format!("{}: {}", skipped.model, skipped.why))
                .collect::<Vec<_>>()
                .join("; "),
        })
    }

    /// When the models are asked, as the settings of its place say.
    pub fn queue(&self) -> Queue {
        self.scope.tasks.row(self.plan.task).queue
    }

    /// Asks models until an answer is valid. `heard` receives how far the answer of a model is.
    pub async fn run(&self, completer: &Completer, heard: &(dyn Fn(Heard<'_>) + Sync)) -> Outcome {
        let mut outcome = Outcome::default();
        for step in self.plan.route.steps.iter().take(MODELS) {
            // An answer in the wrong form is asked for once more.
            for _ in 0..2 {
                let called = self.call(completer, step, heard).await;
                let (call, judged) = match called {
                    Ok(said) => (Some(said.id()), Ok(self.judge(completer, step, said))),
                    Err(failed) => (failed.call(), Err(failed)),
                };
                let (ended, answer, again) = match judged {
                    Ok(Ok(answer)) => ("its answer is valid".to_owned(), Some(answer), false),
                    Ok(Err(unfit)) => (unfit.to_string(), None, matches!(unfit, Unfit::Form(_))),
                    Err(failed) => (failed.to_string(), None, false),
                };
                outcome.tried.push(Tried { model: step.model.clone(), outcome: ended, call });
                outcome.answer = answer;
                if outcome.answer.is_some() {
                    return outcome;
                }
                if !again || self.plan.task != Task::Review {
                    break;
                }
            }
        }
        outcome
    }

    async fn call<'a>(
        &'a self,
        completer: &'a Completer,
        step: &'a Step,
        heard: &(dyn Fn(Heard<'_>) + Sync),
    ) -> Result<Said<'a>, Failed> {
        let Plan { task, language, brief, shared, .. } = &self.plan;
        let model = self.configuration.models.get(&step.model).ok_or(Failed::Resting)?;
        let terms = call::Terms {
            task: *task,
            language,
            step,
            model,
            body: demand::body(&self.prompts, *task, &model.id, brief, *shared),
            schema: (*task == Task::Review).then(demand::schema),
            caps: self.scope.settings.caps(),
            generation: self.configuration.generation,
            cache_key: completer.cache_key(&self.scope.root),
            deadline: Duration::from_millis(self.plan.deadline_ms.into()),
        };
        let per_token = completer.chars_per_token(model);
        let tell = |chars: usize| {
            let tokens = (chars as f32 / per_token.max(0.5)).ceil() as u32;
            let cost = step.price.cost(step.prompt_tokens.into(), 0, 0, tokens.into());
            heard(Heard { model: &step.model, tokens, cost });
        };
        call(&completer.providers, &completer.ledger, terms, &tell).await
    }

    /// Judges an answer, settles its call, and counts whether it is valid.
    fn judge(&self, completer: &Completer, step: &Step, said: Said<'_>) -> Result<Answer, Unfit> {
        let task = self.plan.task;
        let judged = self.about.judged(task, &said.text, said.is_truncated);
        let counted = Counted {
            call: said.id(),
            of: (task, &self.plan.language, &step.model),
            text: said.text.clone(),
            is_truncated: said.is_truncated,
            is_valid: judged.is_ok(),
        };
        said.settle(judged.as_ref().err().map(Unfit::name));
        if let Some(ledger) = completer.ledger.get() {
            counted.write(ledger);
        }
        judged
    }
}

/// An answer that was judged. Whether it is valid is the acceptance of these tasks.
pub(crate) struct Counted<'a> {
    /// The call's row.
    pub(crate) call: CallId,
    /// The task, the language and the model.
    pub(crate) of: (Task, &'a str, &'a str),
    /// The answer.
    pub(crate) text: String,
    /// Whether its ceiling ended it.
    pub(crate) is_truncated: bool,
    /// Whether it is valid.
    pub(crate) is_valid: bool,
}

impl Counted<'_> {
    /// Writes it to the ledger.
    pub(crate) fn write(&self, ledger: &Ledger) {
        let (task, language, model) = self.of;
        let chars = u32::try_from(self.text.chars().count()).unwrap_or(u32::MAX);
        let id = ledger.suggested(Suggested {
            source: LedgerSource::Model,
            model: model.to_owned(),
            call: Some(self.call),
            task,
            language: language.to_owned(),
            chars,
            tokens: tokens::estimate(&self.text, REFERENCE_CHARS_PER_TOKEN),
            truncated: self.is_truncated,
            probability: None,
        });
        let kind = if self.is_valid { OutcomeKind::Accepted } else { OutcomeKind::Dismissed };
        ledger.settled(LedgerOutcome { id, kind, chars: if self.is_valid { chars } else { 0 } });
    }
}

/// The rules that hold for a task where several do: those of the file that may go least far.
fn strictest(scopes: &[Arc<Scope>], task: Task, configuration: &Configuration) -> Arc<Scope> {
    let strictest = scopes.iter().max_by_key(|scope| strictness_for(scope, task));
    strictest.cloned().unwrap_or_else(|| configuration.scope(std::path::Path::new("")))
}

/// How far the code of a place may not go for a task, as a number.
pub(super) fn strictness_for(scope: &Scope, task: Task) -> u8 {
    let of_task = match scope.tasks.row(task).enabled {
        Enabled::On => 0,
        Enabled::Local => strictness(Privacy::Local),
        Enabled::Off => strictness(Privacy::Embedded) + 1,
    };
    strictness(scope.settings.privacy()).max(of_task)
}

/// How far code may not go, as a number.
pub(super) fn strictness(privacy: Privacy) -> u8 {
    match privacy {
        Privacy::Named => 0,
        Privacy::Local | Privacy::Faulty => 1,
        Privacy::Embedded => 2,
    }
}

/// A part that says what to do.
pub(super) fn instruction(text: impl Into<String>) -> Part {
    Part::said(PartKind::Instruction, text)
}

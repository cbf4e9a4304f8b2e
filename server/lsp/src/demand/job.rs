//! A task on demand from its plan to its result: cheap models first, dearer ones only when the answer of the one before was not valid. It leaves one
//! call to `call`, gathering what the prompt holds to `gather`, and judging answers to `core::demand`.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pennyworth_core::demand::{
    self, Edit, Form, Inputs, Need, Part, PartKind, Plan, Prompts, Reviewed, Scope as EditScope, Unfit,
};
use pennyworth_core::models::Model;
use pennyworth_core::money::Money;
use pennyworth_core::route::{Privacy, Step, Terms};
use pennyworth_core::task::{Enabled, Task, Tier};
use pennyworth_core::tokens::{self, REFERENCE_CHARS_PER_TOKEN};

use super::answers::{Answer, Edited, Findings};
use super::call::{self, Failed, Said, call};
use super::files::File;
use crate::complete::Completer;
use crate::ledger::{CallId, Outcome as LedgerOutcome, OutcomeKind, Source as LedgerSource, Suggested};
use crate::settings::{Configuration, Scope};

/// Most models that are asked, the first one and two after it.
const MODELS: usize = 3;

/// A task on demand, with its plan.
pub struct Job {
    /// The plan.
    pub plan: Plan,
    pub(super) about: About,
    configuration: Arc<Configuration>,
    scope: Arc<Scope>,
    prompts: Prompts,
}

/// What a job is about, by which its answer is judged.
pub(super) enum About {
    /// Code to explain.
    Code,
    /// A change to be described.
    Commit,
    /// Lines of a file to edit.
    Lines { file: File, within: Range<usize>, wrong: Option<Range<usize>>, form: Form },
    /// A place in a file for new tests of an item.
    Tests {
        path: PathBuf,
        before: String,
        at: usize,
        lead: String,
        tail: String,
        name: String,
        language: &'static pennyworth_grammars::Language,
    },
    /// Hunks of files.
    Hunks(Vec<(String, Vec<demand::Hunk>)>),
}

/// What became of a job.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The first valid answer.
    pub answer: Option<Answer>,
    /// The models that were asked, and what became of each.
    pub tried: Vec<Tried>,
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
        scopes: &[Arc<Scope>],
        (task, language): (Task, &str),
        (shared, need): (Vec<Part>, Need),
        about: About,
    ) -> Job {
        let scope = strictest(scopes, configuration);
        let (row, prompts) = (scope.tasks.row(task), Prompts::builtin());
        let taken: u32 = shared.iter().map(|part| part.tokens(REFERENCE_CHARS_PER_TOKEN)).sum();
        let mut brief = demand::brief(need, row.input.saturating_sub(taken), REFERENCE_CHARS_PER_TOKEN);
        let count = shared.len();
        brief.parts.splice(0..0, shared);
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
        if row.enabled == Enabled::Off {
            plan.route.steps.clear();
        }
        // Premium models are asked only if the user chose escalation or pinned one.
        let settings = &scope.settings;
        let may = |step: &Step| step.tier != Tier::Premium || settings.escalate || settings.pin(task).is_some();
        plan.route.steps.retain(may);
        Job { plan, about, configuration: Arc::clone(configuration), scope, prompts }
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

    /// Asks models until an answer is valid. `heard` receives the model's name and the characters that have come of its answer.
    pub async fn run(&self, completer: &Completer, heard: &(dyn Fn(&str, usize) + Sync)) -> Outcome {
        let mut outcome = Outcome::default();
        for step in self.plan.route.steps.iter().take(MODELS) {
            // An answer in the wrong form is asked for once more.
            for _ in 0..2 {
                let called = self.call(completer, step, heard).await;
                let (call, judged) = match called {
                    Ok(said) => (Some(said.id()), Ok(self.judge(completer, step, said))),
                    Err(failed) => (None, Err(failed)),
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
        heard: &(dyn Fn(&str, usize) + Sync),
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
        call(&completer.providers, &completer.ledger, terms, &|chars| heard(&step.model, chars)).await
    }

    /// Judges an answer, settles its call, and counts in the ledger whether it is valid: that is the acceptance of these tasks.
    fn judge(&self, completer: &Completer, step: &Step, said: Said<'_>) -> Result<Answer, Unfit> {
        let judged = match said.text.trim().is_empty() {
            true => Err(Unfit::Empty),
            // A list of findings that was cut off is no JSON.
            false if said.is_truncated && self.plan.task != Task::Review => Err(Unfit::CutOff),
            false => self.read(&said.text),
        };
        let (call, is_truncated) = (said.id(), said.is_truncated);
        let chars = u32::try_from(said.text.chars().count()).unwrap_or(u32::MAX);
        let tokens = tokens::estimate(&said.text, REFERENCE_CHARS_PER_TOKEN);
        said.settle(judged.as_ref().err().map(Unfit::name));
        if let Some(ledger) = completer.ledger.get() {
            let id = ledger.suggested(Suggested {
                source: LedgerSource::Model,
                model: step.model.clone(),
                call: Some(call),
                task: self.plan.task,
                language: self.plan.language.clone(),
                chars,
                tokens,
                truncated: is_truncated,
                probability: None,
            });
            let kind = if judged.is_ok() { OutcomeKind::Accepted } else { OutcomeKind::Dismissed };
            ledger.settled(LedgerOutcome { id, kind, chars: if judged.is_ok() { chars } else { 0 } });
        }
        judged
    }

    /// Reads an answer as what the task asks for.
    fn read(&self, answer: &str) -> Result<Answer, Unfit> {
        match &self.about {
            About::Code => demand::prose(answer).map(Answer::Prose),
            About::Commit => demand::message(answer).map(Answer::Message),
            About::Hunks(files) => {
                let reviewed: Vec<Reviewed<'_>> = files.iter().map(|(path, hunks)| Reviewed { path, hunks }).collect();
                let read = demand::findings(answer, &reviewed)?;
                Ok(Answer::Findings(Findings { findings: read.findings, dropped: read.dropped }))
            }
            About::Lines { file, within, wrong, form } => self.edited(file, within, wrong.as_ref(), *form, answer),
            About::Tests { path, before, at, lead, tail, name, language } => {
                let code = demand::code(answer)?;
                let text = format!("{lead}{}\n{tail}", code.trim_end());
                let edits = vec![Edit { range: *at..*at, text }];
                let scope = EditScope {
                    task: Task::Tests,
                    language,
                    text: before,
                    within: *at..*at,
                    wrong: None,
                    names: Some(name),
                };
                let now = demand::fits(&scope, &edits)?;
                Ok(Answer::Edited(Edited { path: path.clone(), before: before.clone(), now, edits }))
            }
        }
    }

    fn edited(
        &self,
        file: &File,
        within: &Range<usize>,
        wrong: Option<&Range<usize>>,
        form: Form,
        answer: &str,
    ) -> Result<Answer, Unfit> {
        let lines =
            file.source.line(within.start)..file.source.line(within.end.saturating_sub(1).max(within.start)) + 1;
        let whole = file.source.lines(lines.clone());
        let sent = file.sent.text.get(file.sent.lines(lines)).unwrap_or_default();
        let edits = demand::edits(form, &file.source, whole.start, sent, answer)?;
        if edits.iter().any(|edit| file.masks.find(&edit.text, true).is_some()) {
            return Err(Unfit::Masked);
        }
        let scope = EditScope {
            task: self.plan.task,
            language: file.source.language,
            text: &file.source.text,
            within: whole,
            wrong: wrong.cloned(),
            names: None,
        };
        let now = demand::fits(&scope, &edits)?;
        Ok(Answer::Edited(Edited { path: file.path.clone(), before: file.source.text.clone(), now, edits }))
    }
}

/// The rules that hold where several do: those of the file from which code may go least far.
fn strictest(scopes: &[Arc<Scope>], configuration: &Configuration) -> Arc<Scope> {
    let strictest = scopes.iter().max_by_key(|scope| strictness(scope.settings.privacy()));
    strictest.cloned().unwrap_or_else(|| configuration.scope(std::path::Path::new("")))
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

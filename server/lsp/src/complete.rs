//! From a request to an answer: the one place where the order of stages stands. What is ready is answered at once; else the models of the
//! plan are asked in turn, while time and money remain.
//! It leaves the stages themselves to `look` and `attempt`, and what an answer looks like to `inline` and `menu`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pennyworth_core::cache::{self, Decided};
use pennyworth_core::gate::{Gate, Trigger};
use pennyworth_core::models::Shape;
use pennyworth_core::plan::Plan;
use pennyworth_core::route::Step;
use pennyworth_core::task::Tier;
use pennyworth_core::text::Snapshot;
use tokio::sync::oneshot;

use crate::attempt::{Failure, Success, attempt};
use crate::current::Current;
use crate::ledger::{Source, Suggested};
use crate::look::{Depth, Look, Question, look};
use crate::resources::Resources;

/// Longest wait for an answer that was asked for with a key: whoever asks waits longer than whoever types.
const INVOKED: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// How the request came about.
    pub trigger: Trigger,
    /// The item that is selected in the editor's menu, which the answer has to extend.
    pub selected: Option<Selected>,
    /// Whether only what is ready at once is wanted.
    pub ready_only: bool,
}

/// An item of the editor's menu.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Byte offset of what it replaces.
    pub start: usize,
    /// Byte offset of the end of what it replaces.
    pub end: usize,
    /// What it puts there.
    pub text: String,
}

/// What is suggested.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Byte offset of what is replaced.
    pub start: usize,
    /// Byte offset of the end of what is replaced.
    pub end: usize,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// What is put there, in the document's own line breaks.
    pub text: String,
    /// What the ledger says of it once it is shown: its task, where it comes from, how probably it is right.
    pub suggested: Suggested,
}

/// Answers a request, or suggests nothing. It ends early, with nothing, when `superseded` does.
pub async fn complete(
    resources: &Arc<Resources>,
    snapshot: Snapshot,
    path: PathBuf,
    cursor: usize,
    ask: Ask,
    superseded: oneshot::Receiver<()>,
) -> Option<Answer> {
    if snapshot.stale {
        return None;
    }
    tokio::select! {
        biased;
        _ = superseded => None,
        answer = answer(resources, Asked { snapshot, path, cursor, ask }) => answer,
    }
}

/// A question that owns what it is about.
struct Asked {
    snapshot: Snapshot,
    path: PathBuf,
    cursor: usize,
    ask: Ask,
}

async fn answer(resources: &Arc<Resources>, asked: Asked) -> Option<Answer> {
    let begun = Instant::now();
    let current = resources.current();
    let cap_left = match asked.ask.ready_only {
        true => Default::default(),
        false => resources.cap_left(&current, current.scope(&asked.path)).await,
    };
    let (worker, settings) = (Arc::clone(resources), Arc::clone(&current));
    // Parsing and looking up take a millisecond, which the task that serves all requests does not have.
    let looked = tokio::task::spawn_blocking(move || {
        let Asked { snapshot, path, cursor, ask } = &asked;
        let question = Question { snapshot, path, cursor: *cursor, ask, cap_left };
        let look = look(&worker, &settings, &question, Depth::Answer);
        (look, asked)
    });
    let (look, asked) = looked.await.inspect_err(|_| tracing::error!("a completion panicked")).ok()?;
    let look = look?;
    if look.answer.is_some() || look.gate != Gate::Ask || asked.ask.ready_only {
        return look.answer;
    }
    let plan = look.plan.as_ref()?;
    resources.set_capped(plan.route.is_capped());
    // This very place gave nothing a moment ago.
    if look.found.is_some() || plan.route.steps.is_empty() {
        return None;
    }
    let invoked = asked.ask.trigger == Trigger::Invoked;
    if !invoked {
        let wait = Duration::from_millis(current.scope(&asked.path).settings.debounce_ms.into());
        tokio::time::sleep(wait.saturating_sub(begun.elapsed())).await;
    }
    let time = if invoked { INVOKED } else { Duration::from_millis(plan.deadline_ms.into()) };
    in_turn(resources, &current, &asked, &look, plan, time).await
}

/// Asks the models of the plan one after the other, until an answer fits or the time is over.
async fn in_turn(
    resources: &Resources,
    current: &Current,
    asked: &Asked,
    look: &Look,
    plan: &Plan,
    time: Duration,
) -> Option<Answer> {
    let over = Instant::now() + time;
    let scope = current.scope(&asked.path);
    for step in &plan.route.steps {
        if step.tier == Tier::Premium && !scope.settings.escalate && scope.settings.pin(plan.task).is_none() {
            continue;
        }
        let left = over.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let format = current.models.get(&step.model).and_then(|model| current.models.format(&model.format));
        let (shape, markers) = format.map_or((Shape::Raw, Vec::new()), |format| (format.shape, format.markers.clone()));
        let input = look.cut_input(plan.task, scope.tasks.row(plan.task), shape, markers);
        match attempt(resources, &current.models, plan, step, input, scope.settings.caps(), left).await {
            Ok(success) => return shown(resources, current, asked, look, plan, step, success),
            Err(failure) => {
                tracing::debug!(model = step.model, task = %plan.task, %failure, "nothing came of a call");
                if failure.is_capped() {
                    resources.set_capped(true);
                }
                if failure.is_lasting() {
                    resources.troubles.add(format!("model.{}: {failure}", step.model));
                }
                if matches!(failure, Failure::Rejected(_)) {
                    remember(resources, current, look, plan, step, cache::Answer::Nothing);
                }
            }
        }
    }
    None
}

fn shown(
    resources: &Resources,
    current: &Current,
    asked: &Asked,
    look: &Look,
    plan: &Plan,
    step: &Step,
    success: Success,
) -> Option<Answer> {
    let Success { cut, probability, call, truncated } = success;
    let text = cache::Answer::Text { text: cut.text.clone(), probability: probability.unwrap_or(1.0) };
    remember(resources, current, look, plan, step, text);
    let Asked { snapshot, path, cursor, ask } = asked;
    let question = Question { snapshot, path, cursor: *cursor, ask, cap_left: Default::default() };
    let suggested = Suggested {
        source: Source::Model,
        model: step.model.clone(),
        call: Some(call),
        task: plan.task,
        language: look.context.language.name().to_owned(),
        chars: 0,
        tokens: 0,
        truncated,
        probability,
    };
    Answer::of(&look.view, &question, &cut.text, suggested)
}

fn remember(resources: &Resources, current: &Current, look: &Look, plan: &Plan, step: &Step, answer: cache::Answer) {
    let decided = Decided {
        task: plan.task,
        language: look.context.language.name().to_owned(),
        model: step.model.clone(),
        tier: step.tier,
        generation: current.generation,
    };
    resources.cache().put(&look.place, decided, answer, resources.now_ms());
}

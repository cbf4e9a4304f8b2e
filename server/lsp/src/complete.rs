//! From a request to an answer: the one place where the order of stages stands. What is ready is answered at once; else the models of the
//! plan are asked in turn, while time and money remain.
//! It leaves the stages themselves to `look` and `attempt`, calls that outlive their request to `flight`, and what an answer looks like to
//! `inline` and `menu`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use pennyworth_core::cache::{self, Decided};
use pennyworth_core::gate::{Gate, Trigger, is_finished};
use pennyworth_core::models::{AbortBilled, Shape};
use pennyworth_core::money::Money;
use pennyworth_core::plan::Plan;
use pennyworth_core::route::Step;
use pennyworth_core::task::{TaskRow, Tier};
use pennyworth_core::text::{self, Snapshot};
use ropey::Rope;
use tokio::sync::oneshot;

use crate::attempt::{Failure, Limit, Success, attempt};
use crate::current::Current;
use crate::flight::{Said, Target};
use crate::ledger::{Source, Suggested, provider};
use crate::look::{Depth, Look, Question, look};
use crate::resources::Resources;
use crate::view::taken;

/// Longest wait for an answer that was asked for with a key, in milliseconds: whoever asks waits longer than whoever types.
const INVOKED_MS: u32 = 10_000;
/// Share of the time left that a model gets to say something, where another could be asked after it.
const FIRST_SHARE: f64 = 0.6;
/// How many times its usual wait a model may take, where that is more.
const UNUSUAL: f64 = 1.25;
/// Time in which no model answers, so that none is asked.
const LEAST_TIME: Duration = Duration::from_millis(20);
/// Share of the time left after which a second model is asked besides the first, where that is free.
const HEDGE_SHARE: f64 = 0.4;
/// The joint probability below which not even those who ask want an answer: public measurements found such ones right one time in fifty.
const HARDLY: f32 = 0.1;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// How the request came about.
    pub trigger: Trigger,
    /// The item that is selected in the editor's menu, which the answer has to extend.
    pub selected: Option<Selected>,
    /// Whether only what is ready at once is wanted.
    pub ready_only: bool,
    /// Whether what is ready is still wanted when the text went on meanwhile. Models are not waited for then.
    pub outlives_edits: bool,
}

impl Ask {
    /// Longest wait for an answer, in milliseconds.
    pub(crate) fn patience_ms(&self, row: &TaskRow) -> u32 {
        if self.trigger == Trigger::Invoked { INVOKED_MS } else { row.deadline_ms }
    }
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
    superseded: &mut oneshot::Receiver<()>,
) -> Option<Answer> {
    if snapshot.stale {
        return None;
    }
    let (begun, outlives) = (Instant::now(), ask.outlives_edits);
    let looked = Looked::at(resources, Asked { snapshot, path, cursor, ask });
    let looked = match outlives {
        true => looked.await?,
        false => tokio::select! {
            biased;
            _ = &mut *superseded => return None,
            looked = looked => looked?,
        },
    };
    if looked.is_over() {
        return looked.look.answer;
    }
    tokio::select! {
        biased;
        _ = superseded => None,
        answer = looked.ask(resources, begun) => answer,
    }
}

/// Asks for what follows a suggestion while the user reads it: in the document as it will be once it is taken, of models that cost nothing. What
/// comes of it is remembered. It ends as soon as the document becomes another one.
pub fn look_ahead(resources: &Arc<Resources>, snapshot: &Snapshot, path: &Path, answer: &Answer) {
    let current = resources.current();
    let is_wanted =
        current.scope(path).settings.speculate && current.models.enabled().any(|model| model.price.is_free());
    if !is_wanted {
        return;
    }
    let suggestion = Selected { start: answer.start, end: answer.end, text: answer.text.clone() };
    let (text, cursor) = going_on(taken(&snapshot.text, &suggestion));
    if resources.flights.is_busy(path, &text) {
        return;
    }
    let ask = Ask { trigger: Trigger::Typed, selected: None, ready_only: false, outlives_edits: false };
    let asked = Asked { snapshot: snapshot.with_text(text.clone()), path: path.to_owned(), cursor, ask };
    let target = Target { text, cursor, is_ahead: true, is_billed_whole: false };
    let (flights, resources) = (Arc::clone(resources), Arc::clone(resources));
    let call = move |said: Arc<Said>| async move {
        // Who types on sees other suggestions in a moment.
        tokio::time::sleep(Duration::from_millis(current.scope(&asked.path).settings.debounce_ms.into())).await;
        let looked = Looked::at(&resources, asked).await?;
        match looked.is_over() || looked.look.found.is_some() {
            true => None,
            false => looked.first_that_fits(&resources, &said, Cost::Nothing).await,
        }
    };
    drop(flights.flights.begin(path, target, call));
}

/// A text and cursor once the user has gone on behind what was taken: in the next line, as far in, where a statement has ended.
fn going_on((mut text, cursor): (Rope, usize)) -> (Rope, usize) {
    let line = text.byte_to_line(cursor);
    let (start, end) = (text.line_to_byte(line), text::line_end(&text, line));
    let before = text::slice(&text, start, cursor);
    if !is_finished(&before, &text::slice(&text, cursor, end)) {
        return (text, cursor);
    }
    let indent: String = before.chars().take_while(|c| c.is_whitespace()).collect();
    let next = format!("{}{indent}", text::line_break(&text));
    text.insert(text.byte_to_char(cursor), &next);
    (text, cursor + next.len())
}

/// What a call may cost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cost {
    /// As much as the caps allow.
    Capped,
    /// Nothing.
    Nothing,
}

/// A question that owns what it is about.
struct Asked {
    snapshot: Snapshot,
    path: PathBuf,
    cursor: usize,
    ask: Ask,
}

/// A question that was looked at, under the settings that were in force then.
struct Looked {
    asked: Asked,
    current: Arc<Current>,
    look: Look,
}

impl Looked {
    async fn at(resources: &Arc<Resources>, asked: Asked) -> Option<Looked> {
        let current = resources.current();
        let cap_left = match asked.ask.ready_only {
            true => Default::default(),
            false => resources.cap_left(&current, current.scope(&asked.path)).await,
        };
        let (worker, settings) = (Arc::clone(resources), Arc::clone(&current));
        let looked = resources.work(move || {
            let Asked { snapshot, path, cursor, ask } = &asked;
            let question = Question { snapshot, path, cursor: *cursor, ask, cap_left };
            let look = look(&worker, &settings, &question, Depth::Answer);
            (look, asked)
        });
        let (look, asked) = looked.await?;
        Some(Looked { asked, current, look: look? })
    }

    /// Whether there is an answer, or nobody to ask for one.
    fn is_over(&self) -> bool {
        self.look.answer.is_some() || self.look.gate != Gate::Ask || self.asked.ask.ready_only
    }

    /// Asks models, once the one that is being asked already has said something else than what is wanted here.
    async fn ask(self, resources: &Arc<Resources>, begun: Instant) -> Option<Answer> {
        let view = &self.look.view;
        let looked = match resources.flights.join(&self.asked.path, &view.text, view.cursor) {
            Some(call) => {
                call.ended().await;
                // What it said is remembered.
                let looked = Looked::at(resources, self.asked).await?;
                if looked.is_over() {
                    return looked.look.answer;
                }
                looked
            }
            None => self,
        };
        resources.set_capped(looked.look.plan.as_ref()?.route.is_capped());
        // This very place gave nothing a moment ago.
        if looked.look.found.is_some() || looked.look.plan.as_ref()?.route.steps.is_empty() {
            return None;
        }
        if looked.asked.ask.trigger != Trigger::Invoked {
            tokio::time::sleep(looked.debounce().saturating_sub(begun.elapsed())).await;
        }
        let (path, target, resources) = (looked.asked.path.clone(), looked.target(), Arc::clone(resources));
        let calls = Arc::clone(&resources);
        let call = move |said: Arc<Said>| async move { looked.first_that_fits(&resources, &said, Cost::Capped).await };
        calls.flights.begin(&path, target, call).ended().await
    }

    /// Wait after a keystroke before a model is asked.
    fn debounce(&self) -> Duration {
        Duration::from_millis(self.current.scope(&self.asked.path).settings.debounce_ms.into())
    }

    /// What a call made here is about.
    fn target(&self) -> Target {
        let first = self.look.plan.as_ref().and_then(|plan| plan.route.steps.first());
        let model = first.and_then(|step| self.current.models.get(&step.model));
        Target {
            text: self.look.view.text.clone(),
            cursor: self.look.view.cursor,
            is_ahead: false,
            is_billed_whole: model.is_some_and(|model| model.abort_billed == AbortBilled::Yes),
        }
    }

    async fn first_that_fits(&self, resources: &Resources, said: &Said, cost: Cost) -> Option<Answer> {
        let Looked { asked, current, look } = self;
        let plan = look.plan.as_ref()?;
        let row = current.scope(&asked.path).tasks.row(plan.task);
        let time = Duration::from_millis(asked.ask.patience_ms(row).into());
        let turns = Turns { resources, current, asked, look, plan, said, cost, over: Instant::now() + time };
        turns.first_that_fits().await
    }
}

/// The models of a plan, asked one after the other until an answer fits or the time is over.
struct Turns<'a> {
    resources: &'a Resources,
    current: &'a Current,
    asked: &'a Asked,
    look: &'a Look,
    plan: &'a Plan,
    said: &'a Said,
    cost: Cost,
    over: Instant,
}

impl Turns<'_> {
    /// A model's turn ends when nothing came of it. One that takes long is joined by the next, if that costs nothing: then the first of both
    /// to answer is the one, and the other is dropped. No further model is asked once nobody waits.
    async fn first_that_fits(&self) -> Option<Answer> {
        let steps: Vec<&Step> = self.plan.route.steps.iter().filter(|step| self.is_wanted(step)).collect();
        let mut waiting = steps.into_iter().peekable();
        let mut asked = FuturesUnordered::new();
        let mut last = waiting.next()?;
        asked.push(self.turn(last, waiting.peek().is_some()));
        loop {
            let joins = asked.len() < 2
                && self.said.is_awaited()
                && waiting.peek().is_some_and(|next| self.may_join(last, next));
            let next = tokio::select! {
                Some((step, result)) = asked.next() => match result {
                    Ok(success) => return self.shown(step, success),
                    Err(failure) => {
                        self.failed(step, &failure);
                        match asked.is_empty() {
                            true if !self.said.is_awaited() => return None,
                            true => Some(waiting.next()?),
                            false => None,
                        }
                    }
                },
                () = tokio::time::sleep(self.left().mul_f64(HEDGE_SHARE)), if joins => waiting.next(),
            };
            if let Some(next) = next {
                last = next;
                asked.push(self.turn(next, waiting.peek().is_some()));
            }
        }
    }

    /// Whether a model may be asked while another is at it: where that costs nothing, and does not take the other's machine.
    fn may_join(&self, other: &Step, next: &Step) -> bool {
        let provider = |step: &Step| self.current.models.get(&step.model).map(provider);
        next.worst_cost == Money::ZERO && provider(other) != provider(next)
    }

    /// Dear models are asked only by those who said so.
    fn is_wanted(&self, step: &Step) -> bool {
        let settings = &self.current.scope(&self.asked.path).settings;
        let may_cost = step.worst_cost == Money::ZERO || self.cost == Cost::Capped;
        may_cost && (step.tier != Tier::Premium || settings.escalate || settings.pin(self.plan.task).is_some())
    }

    fn left(&self) -> Duration {
        self.over.saturating_duration_since(Instant::now())
    }

    async fn turn<'s>(&self, step: &'s Step, is_followed: bool) -> (&'s Step, Result<Success, Failure>) {
        let scope = self.current.scope(&self.asked.path);
        let (row, models) = (scope.tasks.row(self.plan.task), &self.current.models);
        let time = self.left();
        // An answer that usually comes after the end is not worth its price.
        let usual = Duration::from_millis(step.wait_ms.unwrap_or(0).into());
        if time < LEAST_TIME || (usual > time && step.worst_cost > Money::ZERO) {
            return (step, Err(Failure::Late));
        }
        let format = models.get(&step.model).and_then(|model| models.format(&model.format));
        let (shape, markers) = format.map_or((Shape::Raw, Vec::new()), |format| (format.shape, format.markers.clone()));
        let input = self.look.cut_input(self.plan.task, row, shape, markers);
        let least = match self.asked.ask.trigger {
            Trigger::Invoked => HARDLY,
            Trigger::Typed | Trigger::Deleted => self.resources.confidence(&step.model).needed(row.show).max(HARDLY),
        };
        let patience = if is_followed { time.mul_f64(FIRST_SHARE).max(usual.mul_f64(UNUSUAL)).min(time) } else { time };
        let _asking = self.resources.asks();
        let cache_key = self.resources.cache_key(&scope.root);
        let limit = Limit { caps: scope.settings.caps(), time, patience, cache_key, least };
        self.said.begin(&step.model);
        let result = attempt(self.resources, models, self.plan, step, input, limit, self.said).await;
        self.said.end(&step.model);
        (step, result)
    }

    fn failed(&self, step: &Step, failure: &Failure) {
        tracing::debug!(model = step.model, task = %self.plan.task, %failure, "nothing came of a call");
        if failure.is_capped() {
            self.resources.set_capped(true);
        }
        if failure.is_lasting() {
            self.resources.troubles.add(format!("model.{}: {failure}", step.model));
        }
        if failure.is_answer() {
            self.remember(step, cache::Answer::Nothing);
        }
    }

    fn shown(&self, step: &Step, success: Success) -> Option<Answer> {
        let Success { cut, probability, call, truncated } = success;
        let text = cache::Answer::Text { text: cut.text.clone(), probability: probability.unwrap_or(1.0) };
        self.remember(step, text);
        let Asked { snapshot, path, cursor, ask } = self.asked;
        let question = Question { snapshot, path, cursor: *cursor, ask, cap_left: Default::default() };
        let suggested = Suggested {
            source: Source::Model,
            model: step.model.clone(),
            call: Some(call),
            task: self.plan.task,
            language: self.look.context.language.name().to_owned(),
            chars: 0,
            tokens: 0,
            truncated,
            probability,
        };
        Answer::of(&self.look.view, &question, &cut.text, suggested)
    }

    fn remember(&self, step: &Step, answer: cache::Answer) {
        let decided = Decided {
            task: self.plan.task,
            language: self.look.context.language.name().to_owned(),
            model: step.model.clone(),
            tier: step.tier,
            generation: self.current.generation,
        };
        self.resources.cache().put(&self.look.place, decided, answer, self.resources.now_ms());
    }
}

//! From a request to an answer: the one place where the order of stages stands. What is ready is answered at once; else the models of the
//! plan are asked in turn, while time and money remain.
//! It leaves the stages themselves to `look` and `turns`, calls that outlive their request to `flight`, and what an answer looks like to
//! `inline` and `menu`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use pennyworth_core::gate::{Gate, Trigger, is_finished};
use pennyworth_core::models::AbortBilled;
use pennyworth_core::money::Money;
use pennyworth_core::task::TaskRow;
use pennyworth_core::text::{self, Snapshot};
use ropey::Rope;
use tokio::sync::oneshot;

use crate::current::Current;
use crate::flight::{Said, Target};
use crate::ledger::Suggested;
use crate::look::{Depth, Look, Question, look};
use crate::resources::Resources;
use crate::turns::{Cost, Turns};
use crate::view::taken;

/// Longest wait for an answer that was asked for with a key, in milliseconds: whoever asks waits longer than whoever types.
const INVOKED_MS: u32 = 10_000;

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
    let worker = Arc::clone(resources);
    let call = move |said: Arc<Said>| async move {
        // Who types on sees other suggestions in a moment.
        tokio::time::sleep(Duration::from_millis(current.scope(&asked.path).settings.debounce_ms.into())).await;
        let looked = Looked::at(&worker, asked).await?;
        match looked.is_over() || looked.look.found.is_some() {
            true => None,
            false => looked.first_that_fits(&worker, &said, Cost::Nothing).await,
        }
    };
    drop(resources.flights.begin(path, target, call));
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
        let (path, target, worker) = (looked.asked.path.clone(), looked.target(), Arc::clone(resources));
        let call = move |said: Arc<Said>| async move { looked.first_that_fits(&worker, &said, Cost::Capped).await };
        resources.flights.begin(&path, target, call).ended().await
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
        let Asked { snapshot, path, cursor, ask } = asked;
        let question = Question { snapshot, path, cursor: *cursor, ask, cap_left: Money::ZERO };
        let over = Instant::now() + time;
        Turns { resources, current, question, look, plan, said, cost, over }.first_that_fits().await
    }
}

//! The cutters of answers, for the place and the task of a decision. It leaves cutting to `core::cut`.

use std::sync::Arc;

use pennyworth_core::cut::{CutInput, Cutter};
use pennyworth_core::models::{Format, Shape};
use pennyworth_core::task::{Stop, Task};

use super::completer::Completer;
use super::decision::Decision;

/// Most lines of a suggestion, unless the task's `max_tokens` allows more.
pub(super) const MAX_LINES: usize = 12;
/// Most lines of an answer that is read on.
const MAX_LINES_READ: usize = 40;

/// A cutter for the answer of a model with this prompt format, or of the embedded model. The answer passes through it as it streams.
pub(super) fn cut(
    completer: &Completer,
    decision: &Decision,
    task: Task,
    format: Option<&Format>,
    by_line: bool,
) -> Cutter {
    let cutter = match decision.cutter.get() {
        Some((of, cutter)) if *of == (task, by_line) => cutter.clone(),
        _ => new(completer, decision, task, by_line),
    };
    match format {
        Some(format) => cutter.for_format(format.shape, format.markers.clone()),
        None => cutter,
    }
}

/// Makes the cutter of the plan's answers ready, before one comes.
pub(super) fn prepare(completer: &Completer, decision: &Decision) {
    let Some(plan) = &decision.plan else { return };
    decision.cutter.get_or_init(|| {
        let mut cutter = new(completer, decision, plan.task, plan.reads_on);
        cutter.prepare();
        ((plan.task, plan.reads_on), cutter)
    });
}

fn new(completer: &Completer, decision: &Decision, task: Task, by_line: bool) -> Cutter {
    let (parses, document, language) =
        (Arc::clone(&completer.parses), decision.request.path.clone(), decision.cursor.language.name());
    Cutter::new(input(decision, task, None, by_line))
        .watched(Arc::new(move || Box::new(parses.begin(&document, language))))
}

/// What the answer of a model with this prompt format is cut by.
pub(super) fn input(decision: &Decision, task: Task, format: Option<&Format>, by_line: bool) -> CutInput {
    let row = decision.scope().tasks.row(task);
    CutInput {
        surroundings: decision.cursor.surroundings().clone(),
        task,
        stops: row.stop.clone(),
        shape: format.map_or(Shape::Raw, |format| format.shape),
        markers: format.map_or_else(Vec::new, |format| format.markers.clone()),
        max_lines: match row.stop.contains(&Stop::Newline) && !by_line {
            true => 1,
            false => MAX_LINES.max(row.max_tokens as usize / 8),
        },
        by_line,
    }
}

/// A cutter for the lines of an answer that is read on. No stop of the task ends it.
pub(super) fn cut_lines(decision: &Decision, task: Task, format: Option<&Format>) -> Cutter {
    Cutter::new(CutInput {
        surroundings: decision.cursor.surroundings().clone(),
        task,
        stops: Vec::new(),
        shape: format.map_or(Shape::Raw, |format| format.shape),
        markers: format.map_or_else(Vec::new, |format| format.markers.clone()),
        max_lines: MAX_LINES_READ,
        by_line: false,
    })
}

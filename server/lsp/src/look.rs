//! All that can be decided and answered without waiting: file, class, gate, cache, embedded model, and the plan for asking another one.
//! It leaves asking to `attempt`, and when to ask to `complete`.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use pennyworth_core::cache::{self, Asked, Decided, Found, Place};
use pennyworth_core::classify::{Context, classify};
use pennyworth_core::cut::{Cut, CutInput, Cutter, Finish};
use pennyworth_core::gate::{Gate, Moment, Reason, gate};
use pennyworth_core::models::{Model, Shape};
use pennyworth_core::money::Money;
use pennyworth_core::plan::{Inputs, Plan, plan};
use pennyworth_core::present::{among_closers, with_line_breaks};
use pennyworth_core::prompt::{self, Prompt, Window};
use pennyworth_core::route::{Standing, Terms};
use pennyworth_core::task::{Stop, Task, TaskRow, Tier};
use pennyworth_core::text::{self, Snapshot};
use pennyworth_core::tokens::{REFERENCE_CHARS_PER_TOKEN, estimate};
use pennyworth_ngram::Query;

use crate::complete::{Answer, Ask};
use crate::current::{Current, Scope};
use crate::learn::key;
use crate::ledger::{self, Source, Suggested};
use crate::resources::Resources;
use crate::view::{View, shown_path};

/// The embedded model's name in the ledger and the cache.
pub const EMBEDDED: &str = "embedded";
/// Bytes at the head of a file that may say that a program wrote it.
pub(crate) const HEAD: usize = 1024;
/// Characters below which a suggestion saves nothing.
const MIN_CHARS: usize = 2;
/// Lines of a suggestion of several.
const MAX_LINES: usize = 12;

/// How far to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// As far as the first answer.
    Answer,
    /// At every stage, for those who want to know what each would do.
    Everything,
}

/// What is asked about.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The document.
    pub snapshot: &'a Snapshot,
    /// Its path.
    pub path: &'a Path,
    /// Byte offset of the cursor.
    pub cursor: usize,
    /// How it is asked.
    pub ask: &'a Ask,
    /// What is left of the day's cap.
    pub cap_left: Money,
}

/// What the stages found.
pub struct Look {
    /// The place.
    pub view: View,
    /// What is missing there.
    pub context: Context,
    /// Whether models may be asked.
    pub gate: Gate,
    /// What the cache holds.
    pub found: Option<Found>,
    /// What the embedded model says, and how sure it is.
    pub embedded: Option<(Cut, f32)>,
    /// How another model would be asked.
    pub plan: Option<Plan>,
    /// The answer that is ready.
    pub answer: Option<Answer>,
    /// The place as the cache knows it.
    pub(crate) place: Place,
}

/// Looks. `None` if nothing is to be said here at all: no language that is known, or suggestions are off.
pub fn look(resources: &Resources, current: &Current, question: &Question<'_>, depth: Depth) -> Option<Look> {
    let scope = current.scope(question.path);
    let language = question.snapshot.language?;
    if !scope.settings.enabled || !scope.settings.is_language_on(language.name()) {
        return None;
    }
    let view = View::new(question.snapshot, language, question.cursor, question.ask);
    let context = classify(&view.text, language, view.tree.as_ref(), view.cursor);
    let place = Place::of(&view.text, view.cursor);
    let seen = match context.task {
        Some(task) => {
            let row = scope.tasks.row(task);
            Here { resources, current, scope, question, view: &view, context: &context, place: &place, task, row }
                .stages(depth)
        }
        None => Seen { gate: Gate::Silent(Reason::TooLittle), found: None, embedded: None, plan: None, answer: None },
    };
    let Seen { gate, found, embedded, plan, answer } = seen;
    Some(Look { view, context, gate, found, embedded, plan, answer, place })
}

/// A place with a task, and all that decides about it.
struct Here<'a> {
    resources: &'a Resources,
    current: &'a Current,
    scope: &'a Scope,
    question: &'a Question<'a>,
    view: &'a View,
    context: &'a Context,
    place: &'a Place,
    task: Task,
    row: &'a TaskRow,
}

struct Seen {
    gate: Gate,
    found: Option<Found>,
    embedded: Option<(Cut, f32)>,
    plan: Option<Plan>,
    answer: Option<Answer>,
}

impl Here<'_> {
    fn stages(&self, depth: Depth) -> Seen {
        let moment = self.moment();
        let gate = gate(&moment);
        let mut seen = Seen { gate, found: None, embedded: None, plan: None, answer: None };
        let everything = depth == Depth::Everything;
        // What protects a file or the settings holds for answers that are there already, too.
        if matches!(gate, Gate::Silent(why) if !why.is_guess()) && !everything {
            return seen;
        }
        seen.found = self.cached();
        seen.answer = seen.found.as_ref().and_then(|found| self.cached_answer(found));
        let may_embedded = match gate {
            Gate::Ask => true,
            Gate::Silent(why) => why.spares_embedded(),
        };
        if (seen.answer.is_some() || !may_embedded) && !everything {
            return seen;
        }
        let life = self.resources.embedded.life();
        seen.embedded = self.embedded();
        if seen.answer.is_none()
            && may_embedded
            && let Some((cut, probability)) = &seen.embedded
        {
            seen.answer = self.embedded_answer(cut, *probability, life);
        }
        if seen.answer.is_none() || everything {
            // Who only wants to know what would be asked does not want chance in it.
            let explore = !everything && self.resources.explores(self.scope.settings.explore);
            seen.plan = Some(self.plan(moment, explore));
        }
        seen
    }

    fn moment(&self) -> Moment<'_> {
        let text = &self.question.snapshot.text;
        Moment {
            trigger: self.question.ask.trigger,
            file: self.scope.kind(self.question.path, &text::slice(text, 0, HEAD), text.len_bytes()),
            enabled: self.row.enabled,
            paused: self.resources.pauses.holds(self.language()),
            has_local_model: self.resources.has_local_model(self.current, self.scope),
            prefix: &self.view.before,
            suffix: &self.view.after,
        }
    }

    fn language(&self) -> &'static str {
        self.context.language.name()
    }

    fn cached(&self) -> Option<Found> {
        let asked =
            Asked { language: self.language(), generation: self.current.generation, now_ms: self.resources.now_ms() };
        self.resources.cache().get(self.place, &asked)
    }

    fn cached_answer(&self, found: &Found) -> Option<Answer> {
        let Found::Hit(hit) = found else { return None };
        let decided = &hit.decided;
        let insertion = among_closers(&hit.text, &hit.auto_closed)?;
        let answer = self.answer(&insertion.text, Source::Cache, &decided.model, decided.task, hit.probability)?;
        Some(Answer { end: answer.end + insertion.replaces, ..answer })
    }

    /// What the embedded model says, cut to what fits.
    fn embedded(&self) -> Option<(Cut, f32)> {
        if !self.scope.settings.embedded.enabled {
            return None;
        }
        let query = Query {
            path: &key(self.question.path),
            language: self.language(),
            before: &self.view.before,
            after: &self.view.after,
            line: self.view.line,
            min_probability: self.resources.confidence(EMBEDDED).needed(self.row.show),
            min_chars: MIN_CHARS,
            max_tokens: self.row.max_tokens as usize,
            max_lines: self.max_lines(),
            indent: &self.view.indent(),
        };
        let suggestion = self.resources.embedded.ask(|model| model.suggest(&query))?;
        let mut cutter = Cutter::new(self.cut_input(Shape::Raw, Vec::new()));
        cutter.push(&suggestion.text);
        let cut = cutter.finish(Finish::Stop).ok()?;
        // What was cut off makes the rest likelier.
        let kept = cut.text.trim_end().len();
        let shorter = suggestion.tokens.iter().find(|(end, _)| *end >= kept).map(|(_, joint)| *joint);
        Some((cut, shorter.unwrap_or(suggestion.probability)))
    }

    fn embedded_answer(&self, cut: &Cut, probability: f32, life: usize) -> Option<Answer> {
        let answer = self.answer(&cut.text, Source::Embedded, EMBEDDED, self.task, probability)?;
        // Remembered, so that typing along does not make it flicker.
        let decided = self.decided(EMBEDDED, Tier::Embedded);
        let text = cache::Answer::Text { text: answer_text(self.view, &cut.text), probability };
        let mut cache = self.resources.cache();
        if self.resources.embedded.life() == life {
            cache.put(self.place, decided, text, self.resources.now_ms());
        }
        Some(answer)
    }

    fn decided(&self, model: &str, tier: Tier) -> Decided {
        Decided {
            task: self.task,
            language: self.language().to_owned(),
            model: model.to_owned(),
            tier,
            generation: self.current.generation,
        }
    }

    fn answer(&self, text: &str, source: Source, model: &str, task: Task, probability: f32) -> Option<Answer> {
        let suggested = Suggested {
            source,
            model: model.to_owned(),
            call: None,
            task,
            language: self.language().to_owned(),
            chars: 0,
            tokens: 0,
            truncated: false,
            probability: Some(probability),
        };
        Answer::of(self.view, self.question, text, suggested)
    }

    fn max_lines(&self) -> usize {
        if self.row.stop.contains(&Stop::Newline) { 1 } else { MAX_LINES }
    }

    fn cut_input(&self, shape: Shape, markers: Vec<String>) -> CutInput {
        cut_input(self.view, self.task, self.row, shape, markers)
    }

    /// The plan for asking another model.
    fn plan(&self, moment: Moment<'_>, explore: bool) -> Plan {
        let (prefix, suffix) = prompt::around(Window::of(self.row), &self.view.text, self.view.cursor);
        let prompt = Prompt {
            path: shown_path(self.question.path, &self.scope.root),
            language: self.language().to_owned(),
            excerpts: self.resources.excerpts(self.current, self.question.path),
            prefix,
            suffix,
            stop: None,
        };
        let settings = &self.scope.settings;
        let standings = self.standings();
        let ledger = self.resources.ledger();
        let chars_per_token = |model: &Model| {
            let row = model.chars_per_token;
            ledger.map_or(row, |ledger| ledger.calibration(&model.name).chars_per_token(row))
        };
        let terms = Terms {
            row: self.row,
            standings: &standings,
            cap_left: self.question.cap_left,
            privacy: settings.privacy(),
            pin: settings.pin(self.task),
            max_tokens: self.row.max_tokens,
            deadline_ms: self.question.ask.patience_ms(self.row),
            now: self.resources.week_hour(),
            explore,
        };
        let feedback = ledger.and_then(|ledger| ledger.feedback(self.task, self.language()));
        let inputs = Inputs { task: self.task, moment, prompt, feedback, terms, chars_per_token: &chars_per_token };
        plan(&self.current.models, inputs)
    }

    fn standings(&self) -> BTreeMap<String, Standing> {
        let now = Instant::now();
        let standing = |model: &Model| {
            let provider = ledger::provider(model);
            let healthy = self.resources.health.is_well(provider, &model.name, now);
            let allowance = self.resources.allowances.of(provider, now);
            let known = self.resources.ledger().map(|ledger| ledger.standing(self.task, self.language(), &model.name));
            Standing { healthy, allowance, ..known.unwrap_or_default() }
        };
        self.current.models.enabled().map(|model| (model.name.clone(), standing(model))).collect()
    }
}

impl Look {
    /// What a cutter must know of this place for an answer in a format.
    pub(crate) fn cut_input(&self, task: Task, row: &TaskRow, shape: Shape, markers: Vec<String>) -> CutInput {
        cut_input(&self.view, task, row, shape, markers)
    }
}

fn cut_input(view: &View, task: Task, row: &TaskRow, shape: Shape, markers: Vec<String>) -> CutInput {
    CutInput {
        surroundings: view.surroundings(),
        task,
        stops: row.stop.clone(),
        shape,
        markers,
        max_lines: if row.stop.contains(&Stop::Newline) { 1 } else { MAX_LINES.max(row.max_tokens as usize / 8) },
    }
}

impl Answer {
    /// An answer with its text as the editor inserts it: behind the selected item, where one is selected, in the document's line breaks.
    pub(crate) fn of(view: &View, question: &Question<'_>, text: &str, suggested: Suggested) -> Option<Answer> {
        let text = answer_text(view, text);
        if text.trim().is_empty() {
            return None;
        }
        let suggested = Suggested {
            chars: u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
            tokens: estimate(&text, REFERENCE_CHARS_PER_TOKEN),
            ..suggested
        };
        let (start, end, text) = match &question.ask.selected {
            Some(item) => (item.start, item.end, format!("{}{text}", item.text)),
            None => (question.cursor, question.cursor, text),
        };
        Some(Answer { start, end, cursor: question.cursor, text, suggested })
    }
}

/// A text in the document's line breaks.
fn answer_text(view: &View, text: &str) -> String {
    with_line_breaks(text, text::line_break(&view.text))
}

//! The stages of a completion, in their order. Read this file to know the program:
//!
//! ```text
//! classify → gate → cache → lines → embedded → plan        `decide`: at once, without a wait
//!     → join → wait → ask → cut → present                  `complete`: models, while time and money remain
//! ```
//!
//! An answer is shown line by line and read on behind the first: `lines` finds the next one.
//!
//! It leaves what each stage decides to `core`, calling models one after the other to `failover`, one call to `call`, and calls that outlive
//! their request to `flights`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use pennyworth_core::cache::{Answer, Found, Place, Relation};
use pennyworth_core::classify;
use pennyworth_core::cut::{Cut, CutInput, Cutter, Finish, Progress};
use pennyworth_core::gate::{self, FileKind, Gate, Moment, Reason, Trigger};
use pennyworth_core::models::{Format, Model, Shape};
use pennyworth_core::money::Money;
use pennyworth_core::plan::{self, Inputs, Plan};
use pennyworth_core::present::among_closers;
use pennyworth_core::prompt::{self, Around, Prompt, Window};
use pennyworth_core::route::{Skipped, Step, Terms};
use pennyworth_core::syntax;
use pennyworth_core::task::{Stop, Task, Tier};
use pennyworth_core::tokens::{REFERENCE_CHARS_PER_TOKEN, estimate};
use pennyworth_core::wait::Stakes;
use pennyworth_ngram::Query;
use tokio::sync::oneshot;

use super::completer::Completer;
use super::completion::Completion;
use super::cursor::Cursor;
use super::decision::{Decision, Depth};
use super::dismissed::is_unwanted;
use super::ends::Answered;
use super::failover::{Cost, Failover};
use super::flights::Partial;
use super::reading::Cutters;
use super::request::Request;
use crate::documents::session::STALE;
use crate::learn::{EMBEDDED, key};
use crate::ledger::{Source, Suggested};
use crate::settings::{Configuration, Use};

/// Longest wait for the embedded model to learn what was just typed.
const LEARNING: Duration = Duration::from_millis(300);
/// Fewest characters of a suggestion of the embedded model; a shorter one saves nothing.
const MIN_CHARS: usize = 2;
/// Most lines of a suggestion, unless the task's `max_tokens` allows more.
const MAX_LINES: usize = 12;
/// The temperature at which a model is asked for another answer than its likeliest.
const ANOTHER: f32 = 0.8;
/// Most lines of an answer that is read on.
const MAX_LINES_READ: usize = 40;

/// Completes a request; `None` if there is nothing to suggest, or if a newer request or an edit supersedes it.
pub async fn complete(
    completer: &Arc<Completer>,
    request: Request,
    mut superseded: oneshot::Receiver<()>,
) -> Option<Completion> {
    let (outlives_edits, attempts) = (request.outlives_edits, Arc::clone(&request.attempts));
    if request.snapshot.stale {
        attempts.none(STALE);
        return None;
    }
    // Before deciding, so that no move of a call in between is missed.
    let seen = completer.flights.now();
    let decided = async {
        // Nothing is learned before its rules are known.
        completer.scope(&request.path).await;
        learned(completer).await;
        let begun = Instant::now();
        let decision = decide_at_once(completer, request).await;
        if decision.is_none() {
            attempts.none(OFF);
        }
        Some((decision?, begun))
    };
    let (decision, begun) = tokio::select! {
        biased;
        _ = &mut superseded, if !outlives_edits => return None,
        decided = decided => decided?,
    };
    if decision.is_final() {
        return at_once(decision);
    }
    let asked = async {
        let mut decision = match decision.request.not.is_empty() {
            true => join(completer, decision, seen).await?,
            // A call in flight says what was shown.
            false => decision,
        };
        if decision.is_final() {
            return at_once(decision);
        }
        let asks = may_ask(completer, &mut decision).unwrap_or(false);
        let decision = Arc::new(decision);
        if asks {
            wait(completer, &decision, begun).await;
            let asked = ask(completer, Arc::clone(&decision)).await;
            let is_wanted = |completion: &Completion| !is_unwanted(completer, &decision, decision.inserted(completion));
            if let Some(completion) = asked.filter(is_wanted) {
                return Some(completion);
            }
        }
        // What the embedded model says is better than nothing.
        embedded_completion(completer, &decision)
    };
    tokio::select! {
        biased;
        _ = superseded => None,
        completion = asked => completion,
    }
}

/// Why nothing is suggested at a place at all.
pub const OFF: &str = "suggestions are off here: `enabled` is false, or the language is switched off";

/// Decides on another thread, with the current configuration and what is left of the caps.
pub(super) async fn decide_at_once(completer: &Arc<Completer>, request: Request) -> Option<Decision> {
    let scope = completer.scope(&request.path).await;
    let configuration = completer.configuration.get();
    let cap_left = match request.ready_only {
        true => Some(Money::ZERO),
        false => completer.cap_left(&configuration, &scope).await,
    };
    let worker = Arc::clone(completer);
    completer.work(move || decide(&worker, configuration, request, cap_left, Depth::First)).await?
}

/// The stages that need no wait. `None` if suggestions are off here.
pub fn decide(
    completer: &Completer,
    configuration: Arc<Configuration>,
    request: Request,
    cap_left: Option<Money>,
    depth: Depth,
) -> Option<Decision> {
    let mut decision = classify(completer, configuration, request)?;
    let Some(task) = decision.context.task else { return Some(decision) };
    if decision.request.trigger == Trigger::Invoked {
        completer.cache().wanted_again(&decision.place, &decision.lookup(completer.now_ms()));
    }
    let everything = depth == Depth::Everything;
    let file = decision.scope().kind_of(&decision.request.snapshot.text);

    decision.untaken = untaken(completer, &decision, task) && (everything || !is_tried(&decision));
    decision.gate = gate(completer, &decision, task, file);
    // A protected file gets no cached answers either.
    if is_protected(decision.gate) && !everything {
        return Some(decision);
    }

    if decision.request.trigger == Trigger::Typed && !everything {
        completer.keys.at(task);
    }
    (decision.cached, decision.completion) = cache(completer, &decision);
    if let Some(found) = lines(completer, &decision, task) {
        (decision.cached, decision.completion) = found;
    }
    let spares_embedded = spares_embedded(decision.gate);
    if spares_embedded {
        lengthen(completer, &mut decision, task);
    }
    if (decision.completion.is_some() || !spares_embedded) && !everything {
        return Some(decision);
    }

    decision.learned = completer.learner.model.generation();
    decision.embedded = embedded(completer, &decision, task);
    let may_show = decision.embedded.is_some() && decision.completion.is_none() && spares_embedded;
    // Without a model to compare with, a plan would cost time for nothing.
    let compares = decision.gate == Gate::Ask && decision.configuration.models.enabled().next().is_some();
    if may_show && !compares {
        decision.completion = embedded_completion(completer, &decision);
    }
    if decision.completion.is_none() || everything {
        // A report shows the plan without exploration.
        let explores = !everything && completer.explores(decision.scope().settings.explore);
        decision.plan = Some(plan(completer, &decision, (task, file), cap_left, explores));
        decision.wait_ms = wait_ms(completer, &decision);
    }
    if may_show && compares && !decision.is_model_worth_more() {
        decision.completion = embedded_completion(completer, &decision);
    }
    Some(decision)
}

// The stages, each a function of its name. -------------------------------------------------------------------------------------------------

/// Waits briefly until open documents are learned. Editors ask once per key. Without the wait, a user who types very fast or right after
/// opening a file would see nothing, or pay for what the embedded model is about to learn.
async fn learned(completer: &Completer) {
    if completer.learner.queue.is_behind() {
        let _ = tokio::time::timeout(LEARNING, completer.learner.queue.caught_up()).await;
    }
}

/// Classifies the cursor's place and so finds the task. `None` if suggestions are off.
fn classify(completer: &Completer, configuration: Arc<Configuration>, request: Request) -> Option<Decision> {
    let language = request.snapshot.language;
    let scope = configuration.read(&request.path);
    if !scope.allows(Use::Complete, language.name()) {
        return None;
    }
    let barred = completer.parses.barred(&request.path, language.name());
    let cursor = Cursor::new(&request, language, barred);
    let context = match barred {
        None => {
            // Outside of the mark: compiling them takes longer than the text.
            syntax::queries(language);
            let _mark = completer.parses.begin(&request.path, language.name());
            classify::classify(&cursor.text, language, cursor.tree.as_ref(), cursor.offset)
        }
        Some(barred) => {
            if let Some(message) = completer.parses.untold(&request.path, language.name(), barred) {
                completer.providers.troubles.tell(message);
            }
            classify::unparsed(&cursor.text, language, cursor.offset)
        }
    };
    // A fence or a script has its own language.
    if !scope.allows(Use::Complete, context.language.name()) {
        return None;
    }
    let place = Place::of(&cursor.around, cursor.offset_around);
    let gate = Gate::Silent(Reason::TooLittle);
    Some(Decision {
        request,
        configuration,
        scope,
        cursor,
        context,
        gate,
        untaken: false,
        cached: None,
        embedded: None,
        learned: 0,
        plan: None,
        temperature: 0.0,
        wait_ms: 0,
        completion: None,
        place,
    })
}

/// Whether the ledger shows that the user takes hardly any suggestion of this task in this language, and the user did not switch it on explicitly.
/// Models that are no longer there do not count.
fn untaken(completer: &Completer, decision: &Decision, task: Task) -> bool {
    let Decision { configuration, .. } = decision;
    let counts = |model: &str| model == EMBEDDED || configuration.models.enabled().any(|enabled| enabled.name == model);
    !configuration.settings().keeps(task)
        && completer.ledger.get().is_some_and(|ledger| ledger.unwanted(task, decision.language(), counts).is_some())
}

/// Whether a task that was switched off is tried at this place, as a share of them is. A suggestion does not vanish while its line is typed.
fn is_tried(decision: &Decision) -> bool {
    decision.place.draw() < decision.scope().settings.explore
}

/// Decides whether a model may be called here.
fn gate(completer: &Completer, decision: &Decision, task: Task, file: FileKind) -> Gate {
    gate::gate(&moment(completer, decision, task, file))
}

/// Looks up an earlier answer that still fits.
fn cache(completer: &Completer, decision: &Decision) -> (Option<Found>, Option<Completion>) {
    let found = completer.cache().get(&decision.place, &decision.lookup(completer.now_ms()));
    let completion = match &found {
        Some(Found::Hit(hit)) => among_closers(&hit.text, &hit.auto_closed).and_then(|insertion| {
            let decided = &hit.decided;
            let suggested = decision.suggested(decided.task, Source::Cache, &decided.model, Some(hit.probability));
            let completion = present(decision, &insertion.text, suggested)?;
            Some(Completion { end: completion.end + insertion.replaces, ..completion })
        }),
        _ => None,
    };
    (found, completion)
}

/// Looks up the lines of an earlier answer that was read on, and cuts what fits here next. `None` if there are none, if they are still on their way,
/// or if the cache has something better. Lines of which nothing fits count as an answer that gave nothing.
fn lines(completer: &Completer, decision: &Decision, task: Task) -> Option<(Option<Found>, Option<Completion>)> {
    let asked = decision.lookup(completer.now_ms());
    let rest = completer.cache().lines(&decision.place, &asked)?;
    if let (Some(_), Some(Found::Hit(hit))) = (&decision.completion, &decision.cached)
        && (hit.decided.tier >= rest.decided.tier && !matches!(hit.relation, Relation::Deleted(_)))
    {
        return None;
    }
    let mut cutter = cut(completer, decision, task, None, decision.shows_lines());
    if cutter.push(&rest.text) == Progress::More && rest.is_open {
        return None;
    }
    let nothing = || (Some(Found::Nothing(rest.decided.clone())), None);
    let Ok(cut) = cutter.finish(Finish::Stop) else { return Some(nothing()) };
    let (model, tier) = (&rest.decided.model, rest.decided.tier);
    let text = decision.cursor.in_line_breaks(&cut.text);
    if is_unwanted(completer, decision, &text) {
        return None;
    }
    let answer = Answer::Text { text, probability: 1.0 };
    completer.cache().put(&decision.place, decision.decided(task, model, tier), answer, completer.now_ms());
    // Closers that the editor inserted behind the cursor are no part of the text: it was cut before them.
    match present(decision, &cut.text, decision.suggested(task, Source::Lines, model, None)) {
        Some(completion) => Some((decision.cached.clone(), Some(completion))),
        None => Some(nothing()),
    }
}

/// Replaces an earlier answer of the embedded model by what it says now, if that begins alike and is longer: with each key it may be surer.
fn lengthen(completer: &Completer, decision: &mut Decision, task: Task) {
    let (Some(shown), Some(Found::Hit(hit))) = (&decision.completion, &decision.cached) else { return };
    if hit.decided.tier != Tier::Embedded || !matches!(hit.relation, Relation::Typed(_)) || shown.end != shown.cursor {
        return;
    }
    let shown = shown.text.trim_end().to_owned();
    decision.learned = completer.learner.model.generation();
    decision.embedded = embedded(completer, decision, task);
    let says = decision.embedded.as_ref().map(|(cut, _)| decision.cursor.in_line_breaks(&cut.text));
    let is_longer = says.is_some_and(|says| says.strip_prefix(&shown).is_some_and(|rest| !rest.trim().is_empty()));
    if is_longer && let Some(longer) = embedded_completion(completer, decision) {
        decision.completion = Some(longer);
    }
}

/// Asks the embedded model, and returns its cut answer with the probability of what is left.
fn embedded(completer: &Completer, decision: &Decision, task: Task) -> Option<(Cut, f32)> {
    let Decision { request, cursor, .. } = decision;
    let scope = decision.scope();
    if !scope.settings.embedded.enabled {
        return None;
    }
    let row = scope.tasks.row(task);
    let query = Query {
        path: &key(&request.path),
        language: decision.language(),
        before: &cursor.before,
        after: &cursor.after,
        line: cursor.line,
        min_probability: completer.confidence(EMBEDDED).needed(row.show),
        min_chars: MIN_CHARS,
        max_tokens: row.max_tokens as usize,
        max_lines: if row.stop.contains(&Stop::Newline) { 1 } else { MAX_LINES },
        indent: &cursor.indent(),
        word_chars: &decision.context.language.facts().word_chars,
    };
    let suggestion = completer.learner.model.ask(|model| model.suggest(&query))?;
    let mut cutter = cut(completer, decision, task, None, false);
    cutter.push(&suggestion.text);
    let cut = cutter.finish(Finish::Unsure).ok().filter(|cut| says_something(&cut.text))?;
    // A shorter text is more probable than the whole.
    let kept = cut.text.trim_end().len();
    let shorter = suggestion.tokens.iter().find(|(end, _)| *end >= kept).map(|(_, joint)| *joint);
    Some((cut, shorter.unwrap_or(suggestion.probability)))
}

/// Plans the calls of other models: prompt, budget, stop texts, deadline and route.
fn plan(
    completer: &Completer,
    decision: &Decision,
    (task, file): (Task, FileKind),
    cap_left: Option<Money>,
    explore: bool,
) -> Plan {
    let Decision { request, configuration, cursor, .. } = decision;
    let (scope, language) = (decision.scope(), decision.language());
    let row = scope.tasks.row(task);
    let Around { above, prefix, suffix } = prompt::around(Window::of(row), &cursor.around, cursor.offset_around);
    let prompt = Prompt {
        path: scope.shown.clone(),
        language: language.to_owned(),
        excerpts: completer.recent.excerpts(configuration, &request.path),
        above,
        prefix,
        suffix,
        stop: None,
        reads_on: false,
    };
    let standings = completer.standings(configuration, task, language);
    let ledger = completer.ledger.get();
    let chars_per_token = |model: &Model| {
        let row = model.chars_per_token;
        ledger.map_or(row, |ledger| ledger.calibration(&model.name).chars_per_token(row))
    };
    let terms = Terms {
        row,
        standings: &standings,
        cap_left,
        privacy: scope.settings.privacy(),
        pin: scope.settings.pin(task),
        max_tokens: row.max_tokens,
        reads_on: decision.shows_lines(),
        deadline_ms: request.deadline_ms(row),
        now: completer.week_hour(),
        explore,
    };
    let feedback = ledger.and_then(|ledger| ledger.feedback(task, language));
    let moment = moment(completer, decision, task, file);
    plan::plan(
        &configuration.models,
        Inputs { task, moment, prompt, feedback, terms, chars_per_token: &chars_per_token },
    )
}

/// Joins the call in flight if its answer may still fit here. Each time that it has moved on after `seen`, more of its answer is in the cache, so
/// the stages run again.
async fn join(completer: &Arc<Completer>, mut decision: Decision, mut seen: u64) -> Option<Decision> {
    loop {
        let Cursor { text, offset, .. } = &decision.cursor;
        let Some(call) = completer.flights.join(&decision.request.path, text, *offset) else { return Some(decision) };
        call.moved_on(seen).await;
        seen = completer.flights.now();
        decision = decide_at_once(completer, decision.request).await?;
        if decision.is_final() {
            return Some(decision);
        }
    }
}

/// Waits for a pause in typing. A user who asks with a key does not wait, nor one who has stopped typing already.
async fn wait(completer: &Completer, decision: &Decision, begun: Instant) {
    if decision.request.trigger != Trigger::Invoked {
        let wait = Duration::from_millis(decision.wait_ms.into());
        let left = wait.saturating_sub(begun.elapsed().max(completer.keys.since().unwrap_or_default()));
        // A timer of nothing still takes a millisecond.
        if !left.is_zero() {
            tokio::time::sleep(left).await;
        }
    }
}

/// Calls the models of the plan, in a call that may outlive this request.
async fn ask(completer: &Arc<Completer>, decision: Arc<Decision>) -> Option<Completion> {
    let (path, target, worker) = (decision.request.path.clone(), decision.target(), Arc::clone(completer));
    let call = move |partial: Arc<Partial>| async move { models(&worker, &decision, &partial, Cost::Capped).await };
    completer.flights.begin(&path, target, call).answered().await
}

/// A cutter for the answer of a model with this prompt format, or of the embedded model. The answer passes through it as it streams.
fn cut(completer: &Completer, decision: &Decision, task: Task, format: Option<&Format>, by_line: bool) -> Cutter {
    let row = decision.scope().tasks.row(task);
    let (parses, document, language) =
        (Arc::clone(&completer.parses), decision.request.path.clone(), decision.cursor.language.name());
    let cutter = Cutter::new(CutInput {
        surroundings: decision.cursor.surroundings(),
        task,
        stops: row.stop.clone(),
        shape: format.map_or(Shape::Raw, |format| format.shape),
        markers: format.map_or_else(Vec::new, |format| format.markers.clone()),
        max_lines: match row.stop.contains(&Stop::Newline) && !by_line {
            true => 1,
            false => MAX_LINES.max(row.max_tokens as usize / 8),
        },
        by_line,
    });
    cutter.watched(Arc::new(move || Box::new(parses.begin(&document, language))))
}

/// A cutter for the lines of an answer that is read on. No stop of the task ends it.
fn cut_lines(decision: &Decision, task: Task, format: Option<&Format>) -> Cutter {
    Cutter::new(CutInput {
        surroundings: decision.cursor.surroundings(),
        task,
        stops: Vec::new(),
        shape: format.map_or(Shape::Raw, |format| format.shape),
        markers: format.map_or_else(Vec::new, |format| format.markers.clone()),
        max_lines: MAX_LINES_READ,
        by_line: false,
    })
}

/// Presents a text as the editor inserts it: with the document's line breaks, and after the selected item if there is one. `None` if the text
/// is blank.
fn present(decision: &Decision, text: &str, suggested: Suggested) -> Option<Completion> {
    let text = decision.cursor.in_line_breaks(text);
    if text.trim().is_empty() {
        return None;
    }
    let suggested = Suggested {
        chars: u32::try_from(text.chars().count()).unwrap_or(u32::MAX),
        tokens: estimate(&text, REFERENCE_CHARS_PER_TOKEN),
        ..suggested
    };
    let cursor = decision.request.cursor;
    let (start, end, text) = match &decision.request.selected {
        Some(item) => (item.start, item.end, format!("{}{text}", item.text)),
        None => (cursor, cursor, text),
    };
    Some(Completion { start, end, cursor, text, suggested })
}

/// The wait that gains most here, in milliseconds, of at most the configured one.
fn wait_ms(completer: &Completer, decision: &Decision) -> u32 {
    let settings = &decision.scope().settings;
    let first = decision.plan.as_ref().and_then(|plan| Some((plan.task, plan.route.steps.first()?)));
    let Some((task, step)) = first else { return settings.debounce_ms };
    let stakes = Stakes {
        call: step.expected_cost,
        acceptance: step.acceptance.mean,
        ttft_ms: step.wait_ms,
        worth: Money::from_usd(settings.worth_usd),
    };
    completer.keys.wait(task, stakes, settings.debounce_ms)
}

// What the stages share. -------------------------------------------------------------------------------------------------------------------

/// The completion of a final decision. Without one, the request learns why no model was asked.
fn at_once(decision: Decision) -> Option<Completion> {
    if decision.completion.is_none() {
        let attempts = &decision.request.attempts;
        match (decision.context.task, decision.gate) {
            (None, _) => attempts.none("no task is known for this place"),
            (_, Gate::Silent(why)) => attempts.none(why),
            (_, Gate::Ask) => attempts.none("nothing is ready at once"),
        }
    }
    decision.completion
}

/// Presents the embedded model's text, and caches it so that it does not flicker while the user types along.
fn embedded_completion(completer: &Completer, decision: &Decision) -> Option<Completion> {
    let (task, (cut, probability)) = (decision.context.task?, decision.embedded.as_ref()?);
    let suggested = decision.suggested(task, Source::Embedded, EMBEDDED, Some(*probability));
    let completion = present(decision, &cut.text, suggested)?;
    let text = decision.cursor.in_line_breaks(&cut.text);
    if is_unwanted(completer, decision, &text) {
        return None;
    }
    let answer = Answer::Text { text, probability: *probability };
    let mut cache = completer.cache();
    // If the model forgot something meanwhile, its answer must not be cached.
    if completer.learner.model.generation() == decision.learned {
        cache.put(&decision.place, decision.decided(task, EMBEDDED, Tier::Embedded), answer, completer.now_ms());
    }
    Some(completion)
}

/// Calls the models of the plan until an answer fits, presents it, and reads on behind it. A panic is reported, and gives nothing.
pub(super) async fn models(completer: &Completer, decision: &Decision, partial: &Partial, cost: Cost) {
    let called = AssertUnwindSafe(called(completer, decision, partial, cost)).catch_unwind().await;
    if called.is_err() {
        completer.crashes.crashed("a call of a model");
    }
}

async fn called(completer: &Completer, decision: &Decision, partial: &Partial, cost: Cost) {
    let Some(plan) = &decision.plan else { return };
    let row = decision.scope().tasks.row(plan.task);
    let until = Instant::now() + Duration::from_millis(decision.request.deadline_ms(row).into());
    let cut = |step: &Step, format: Option<&Format>| Cutters {
        first: cut(completer, decision, plan.task, format, plan.reads_on),
        lines: plan.reads_on.then(|| cut_lines(decision, plan.task, format)),
        reads_on: step.reads_on,
    };
    let show = |step: &Step, answered: Answered| {
        let suggested = Suggested {
            call: Some(answered.call),
            truncated: answered.truncated,
            ..decision.suggested(plan.task, Source::Model, &step.model, answered.probability)
        };
        partial.answer(present(decision, &answered.cut.text, suggested));
    };
    let failover = Failover { completer, decision, plan, partial, cost, until, cut: &cut };
    failover.run(&show).await;
}

/// Whether models may be called: the caps leave one in the route, and the cache does not say that this place just failed. A user who asks
/// with a key may have those models called that were not asked here yet. Models whose answer the user dismissed here would say it again.
fn may_ask(completer: &Completer, decision: &mut Decision) -> Option<bool> {
    let gave_nothing: Vec<String> = match decision.request.trigger {
        Trigger::Invoked => {
            let (cache, asked) = (completer.cache(), decision.lookup(completer.now_ms()));
            cache.gave_nothing(&decision.place, &asked).into_iter().map(str::to_owned).collect()
        }
        _ if decision.cached.is_some() => return Some(false),
        Trigger::Typed | Trigger::Deleted | Trigger::Pasted => Vec::new(),
    };
    let answered: Vec<String> = match decision.request.not.is_empty() {
        true => Vec::new(),
        false => {
            let (cache, asked) = (completer.cache(), decision.lookup(completer.now_ms()));
            cache.answered(&decision.place, &asked).into_iter().map(str::to_owned).collect()
        }
    };
    let dismissed: Vec<String> = {
        let (cache, asked) = (completer.cache(), decision.lookup(completer.now_ms()));
        cache.dismissed_of(&decision.place, &asked).into_iter().map(str::to_owned).collect()
    };
    let route = &mut decision.plan.as_mut()?.route;
    completer.set_capped(route.is_capped());
    route.steps.retain(|step| !gave_nothing.contains(&step.model) && !dismissed.contains(&step.model));
    match route.steps.iter().any(|step| !answered.contains(&step.model)) {
        true => route.steps.retain(|step| !answered.contains(&step.model)),
        // All have said what they find likeliest.
        false => decision.temperature = ANOTHER,
    }
    if route.steps.is_empty() {
        decision.request.attempts.none(no_model(&gave_nothing, &route.skipped));
    }
    Some(!route.steps.is_empty())
}

/// Why no model may be asked.
fn no_model(gave_nothing: &[String], skipped: &[Skipped]) -> String {
    let earlier = gave_nothing.iter().map(|model| format!("{model}: it gave nothing here a moment ago"));
    let skipped = skipped.iter().map(|skipped| format!("{}: {}", skipped.model, skipped.why));
    let all: Vec<String> = earlier.chain(skipped).collect();
    match all.is_empty() {
        true => "the embedded model is not sure enough, and no other model is switched on".to_owned(),
        false => format!("no model may be asked: {}", all.join("; ")),
    }
}

fn moment<'a>(completer: &Completer, decision: &'a Decision, task: Task, file: FileKind) -> Moment<'a> {
    let Decision { request, configuration, cursor, .. } = decision;
    let scope = decision.scope();
    let has_local_model = scope.settings.embedded.enabled || configuration.models.enabled().any(Model::code_stays_here);
    Moment {
        trigger: request.trigger,
        file,
        enabled: scope.tasks.row(task).enabled,
        paused: completer.pauses.holds(decision.language()),
        untaken: decision.untaken,
        has_local_model,
        reads_on: decision.shows_lines() && scope.tasks.row(task).read_on > 0,
        prefix: &cursor.before,
        suffix: &cursor.after,
    }
}

/// Whether a text is more than closers and separators, which cost as much to read as to type.
fn says_something(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !")]}>;,:\"'`".contains(c))
}

/// Whether the gate is closed to protect something, and not because a call would bring nothing.
fn is_protected(gate: Gate) -> bool {
    matches!(gate, Gate::Silent(why) if !why.is_guess())
}

fn spares_embedded(gate: Gate) -> bool {
    match gate {
        Gate::Ask => true,
        Gate::Silent(why) => why.spares_embedded(),
    }
}

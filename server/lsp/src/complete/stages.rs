//! The stages of a completion, in their order. Read this file to know the program:
//!
//! ```text
//! classify → gate → cache → lines → embedded        `decide`: at once
//!     → plan                                        `weigh`: at once, when the ledger has said what is left
//!     → join → wait → ask → cut → present           `complete`: models, while time and money remain
//! ```
//!
//! An answer is shown line by line and read on behind the first: `lines` finds the next one.
//!
//! It leaves what each stage decides to `core`, what is ready at once to `ready`, asking to `asking`, calling models one after the other to
//! `failover`, one call to `call`, and calls that outlive their request to `flights`.

use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use pennyworth_core::cache::Place;
use pennyworth_core::classify;
use pennyworth_core::gate::{self, FileKind, Gate, Moment, Reason, Trigger};
use pennyworth_core::models::Model;
use pennyworth_core::money::Money;
use pennyworth_core::plan::{self, Inputs, Plan};
use pennyworth_core::prompt::{self, Around, Prompt, Window};
use pennyworth_core::route::Terms;
use pennyworth_core::syntax;
use pennyworth_core::task::Task;
use pennyworth_core::wait::Stakes;
use ropey::Rope;
use tokio::sync::oneshot;

use super::asking::{ask, may_ask, wait};
use super::cap_left::CapLeft;
use super::completer::Completer;
use super::completion::Completion;
use super::cursor::Cursor;
use super::decision::{Decision, Depth};
use super::dismissed::is_unwanted;
use super::left_out::tell_slow;
use super::ready::{cache, embedded, embedded_completion, lengthen, lines};
use super::request::Request;
use super::silence::{Reply, SUPERSEDED};
use crate::documents::session::STALE;
use crate::learn::EMBEDDED;
use crate::settings::{Configuration, Use};

/// Longest wait for the embedded model to learn what was just typed.
const LEARNING: Duration = Duration::from_millis(300);
/// Lines above and below the cursor of which a prompt may hold some.
const NEAR: usize = 80;

/// Completes a request; `None` if there is nothing to suggest, or if a newer request or an edit supersedes it. What it got is counted.
pub async fn complete(
    completer: &Arc<Completer>,
    request: Request,
    superseded: oneshot::Receiver<()>,
) -> Option<Completion> {
    let reply = Reply::begin(completer, &request);
    let completion = completed(completer, request, superseded).await;
    reply.is(completion.as_ref());
    completion
}

async fn completed(
    completer: &Arc<Completer>,
    request: Request,
    mut superseded: oneshot::Receiver<()>,
) -> Option<Completion> {
    let (outlives_edits, attempts) = (request.outlives_edits, Arc::clone(&request.attempts));
    if request.snapshot.stale {
        attempts.none("stale", STALE);
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
            attempts.none("off", OFF);
        }
        Some((decision?, begun))
    };
    let (decision, begun) = tokio::select! {
        biased;
        _ = &mut superseded, if !outlives_edits => {
            attempts.replied(SUPERSEDED);
            return None;
        }
        decided = decided => decided?,
    };
    attempts.at(decision.context.task, decision.language());
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
            match asked {
                Some(completion) if is_wanted(&completion) => return Some(completion),
                Some(_) => decision.request.attempts.replied("dismissed"),
                None => {}
            }
        }
        // What the embedded model says is better than nothing.
        embedded_completion(completer, &decision)
    };
    tokio::select! {
        biased;
        _ = superseded => {
            attempts.replied(SUPERSEDED);
            None
        }
        completion = asked => completion,
    }
}

/// Why nothing is suggested at a place at all.
pub const OFF: &str = "suggestions are off here: `enabled` is false, or the language is switched off";

/// Decides on another thread, with the current configuration and what is left of the caps. The ledger answers while the place is classified.
pub(super) async fn decide_at_once(completer: &Arc<Completer>, request: Request) -> Option<Decision> {
    let scope = completer.scope(&request.path).await;
    let configuration = completer.configuration.get();
    let mut cap_left = match request.ready_only {
        true => CapLeft::Known(Some(Money::ZERO)),
        false => completer.ask_cap_left(&configuration, &scope),
    };
    let worker = Arc::clone(completer);
    let deciding = move || {
        let mut decision = decide(&worker, configuration, request, Depth::First)?;
        // It does not wait: a thread that waits for the ledger would be missing to calls that cost nothing.
        if let Some(cap_left) = cap_left.now() {
            weigh(&worker, &mut decision, cap_left, Depth::First);
        }
        Some((decision, cap_left))
    };
    let (mut decision, cap_left) = completer.work(deciding).await??;
    if !awaits_plan(&decision, Depth::First) {
        return Some(decision);
    }
    let (worker, cap_left) = (Arc::clone(completer), cap_left.known().await);
    let weighing = move || {
        weigh(&worker, &mut decision, cap_left, Depth::First);
        decision
    };
    completer.work(weighing).await
}

/// The stages before the plan. `None` if suggestions are off here.
pub fn decide(
    completer: &Completer,
    configuration: Arc<Configuration>,
    request: Request,
    depth: Depth,
) -> Option<Decision> {
    let mut decision = classify(completer, configuration, request)?;
    let Some(task) = decision.context.task else { return Some(decision) };
    if decision.request.trigger == Trigger::Invoked {
        completer.cache().wanted_again(&decision.place, &decision.lookup(completer.now_ms()));
    }
    let everything = depth == Depth::Everything;
    let file = decision.scope().kind_of(&decision.request.snapshot.text);

    decision.dismissed =
        everything && completer.cache().has_dismissed(&decision.place, &decision.lookup(completer.now_ms()));
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
    // Without a model to compare with, a plan would cost time for nothing.
    let compares = decision.gate == Gate::Ask && decision.configuration.models.enabled().next().is_some();
    if may_show_embedded(&decision) && !compares {
        decision.completion = embedded_completion(completer, &decision);
    }
    Some(decision)
}

/// The plan, if a decision awaits one. `cap_left` says what is left of the caps, `None` if that is unknown.
pub fn weigh(completer: &Completer, decision: &mut Decision, cap_left: Option<Money>, depth: Depth) {
    let Some(task) = decision.context.task.filter(|_| awaits_plan(decision, depth)) else { return };
    let everything = depth == Depth::Everything;
    // A report shows the plan without exploration.
    let explores = !everything && completer.explores(decision.scope().settings.explore);
    decision.plan = Some(plan(completer, decision, task, cap_left, explores));
    if !everything {
        tell_slow(completer, decision);
    }
    decision.wait_ms = wait_ms(completer, decision);
    if may_show_embedded(decision) && !decision.is_model_worth_more() {
        decision.completion = embedded_completion(completer, decision);
    }
}

// The other stages, each a function of its name. -------------------------------------------------------------------------------------------------

/// Waits briefly until open documents are learned. Editors ask once per key. Without the wait, a user who types very fast or right after
/// opening a file would see nothing, or pay for what the embedded model is about to learn.
async fn learned(completer: &Completer) {
    if completer.learner.queue.is_behind() {
        let _ = tokio::time::timeout(LEARNING, completer.learner.queue.caught_up()).await;
    }
}

/// The bytes around a place that a prompt may hold.
fn near(text: &Rope, offset: usize) -> Range<usize> {
    let line = text.byte_to_line(offset);
    let end = (line + NEAR + 1).min(text.len_lines());
    text.line_to_byte(line.saturating_sub(NEAR))..text.line_to_byte(end)
}

/// Classifies the cursor's place and so finds the task. `None` if suggestions are off.
fn classify(completer: &Completer, configuration: Arc<Configuration>, request: Request) -> Option<Decision> {
    let language = request.snapshot.language;
    let scope = configuration.read(&request.path);
    if !scope.allows(Use::Complete, language.name()) {
        return None;
    }
    completer.parses.wait();
    let barred = completer.parses.barred(&request.path, language.name());
    let cursor = Cursor::new(&request, language, barred);
    let context = match barred {
        None => {
            // Outside of the mark: compiling them takes longer than the text.
            syntax::queries(language);
            let _mark = completer.parses.begin(&request.path, language.name());
            classify::classify_here(&cursor.here, &cursor.text, cursor.offset)
        }
        Some(barred) => {
            if let Some(message) = completer.parses.untold(&request.path, language.name(), barred) {
                completer.providers.troubles.tell(message);
            }
            classify::unparsed(&cursor.here, &cursor.text, cursor.offset)
        }
    };
    // A fence or a script has its own language. It may also stand beside the cursor, where a prompt would hold it.
    let (around, at) = (&cursor.around, cursor.offset_around);
    if !scope.allows(Use::Complete, context.language.name()) || scope.holds_off(language, around, near(around, at)) {
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
        dismissed: false,
        cached: None,
        embedded: None,
        learned: 0,
        plan: None,
        temperature: 0.0,
        wait_ms: 0,
        completion: None,
        place,
        cutter: OnceLock::new(),
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

/// Plans the calls of other models: prompt, budget, stop texts, deadline and route.
fn plan(completer: &Completer, decision: &Decision, task: Task, cap_left: Option<Money>, explore: bool) -> Plan {
    let Decision { request, configuration, cursor, .. } = decision;
    let file = decision.scope().kind_of(&request.snapshot.text);
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
    let chars_per_token = |model: &Model| completer.chars_per_token(model);
    let terms = Terms {
        row,
        standings: &standings,
        cap_left,
        privacy: scope.settings.privacy(),
        pin: scope.settings.pin(task),
        max_tokens: row.max_tokens,
        reads_on: decision.shows_lines(),
        worth: Money::from_usd(scope.settings.worth_usd),
        deadline_ms: request.deadline_ms(row),
        now: completer.week_hour(),
        explore,
    };
    let feedback = ledger.and_then(|ledger| ledger.feedback(task, language));
    let moment = moment(completer, decision, task, file);
    let by_tomorrow = request.by_tomorrow;
    let inputs = Inputs { task, moment, prompt, feedback, terms, chars_per_token: &chars_per_token, by_tomorrow };
    plan::plan(&configuration.models, inputs)
}

/// Joins the call in flight if its answer may still fit here. Each time that it has moved on after `seen`, more of its answer is in the cache, so
/// the stages run again.
async fn join(completer: &Arc<Completer>, mut decision: Decision, mut seen: u64) -> Option<Decision> {
    loop {
        let Cursor { text, offset, .. } = &decision.cursor;
        let Request { path, number, .. } = &decision.request;
        let Some(call) = completer.flights.join(path, *number, (text, *offset)) else { return Some(decision) };
        call.moved_on(seen).await;
        seen = completer.flights.now();
        decision = decide_at_once(completer, decision.request).await?;
        if decision.is_final() {
            return Some(decision);
        }
    }
}

/// The wait that gains most here, in milliseconds, of at most the configured one.
fn wait_ms(completer: &Completer, decision: &Decision) -> u32 {
    let settings = &decision.scope().settings;
    let first = decision.plan.as_ref().and_then(|plan| Some((plan.task, plan.route.steps.first()?)));
    let Some((task, step)) = first else { return settings.debounce_ms };
    // A line on which models had nothing to say hardly gets an answer at its next key.
    let nothings = completer.cache().nothings(&decision.place, &decision.lookup(completer.now_ms()));
    let stakes = Stakes {
        call: step.expected_cost,
        acceptance: step.acceptance.mean / (1 + nothings) as f64,
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
            (None, _) => attempts.none("no_task", "no task is known for this place"),
            (_, Gate::Silent(why)) => match &decision.scope().unknown {
                Some(unknown) => attempts.none(why.name(), format_args!("{why}: {unknown}")),
                None => attempts.none(why.name(), why),
            },
            (_, Gate::Ask) => attempts.none("not_ready", "nothing is ready at once"),
        }
    }
    decision.completion
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

/// Whether the gate is closed to protect something, and not because a call would bring nothing.
fn is_protected(gate: Gate) -> bool {
    matches!(gate, Gate::Silent(why) if !why.is_guess())
}

/// Whether nothing is ready and models may say something, so that only a plan can go on. A report wants one in any case.
fn awaits_plan(decision: &Decision, depth: Depth) -> bool {
    let seeks = decision.completion.is_none() && spares_embedded(decision.gate);
    decision.plan.is_none() && decision.context.task.is_some() && (seeks || depth == Depth::Everything)
}

/// Whether the embedded model said something where nothing else is ready.
fn may_show_embedded(decision: &Decision) -> bool {
    decision.embedded.is_some() && decision.completion.is_none() && spares_embedded(decision.gate)
}

fn spares_embedded(gate: Gate) -> bool {
    match gate {
        Gate::Ask => true,
        Gate::Silent(why) => why.spares_embedded(),
    }
}

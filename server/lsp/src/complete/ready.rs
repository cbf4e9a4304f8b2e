//! What is ready at once: an earlier answer from the cache, the next lines of one that was read on, and what the embedded model says.
//! It leaves the order of these to `stages`, and what the cache holds and how the embedded model suggests to them.

use pennyworth_core::cache::{Answer, Found, Relation};
use pennyworth_core::cut::{Cut, Finish, Progress};
use pennyworth_core::present::among_closers;
use pennyworth_core::task::{Stop, Task, Tier};
use pennyworth_ngram::{Query, Suggestion};

use super::completer::Completer;
use super::completion::Completion;
use super::cutting::{MAX_LINES, cut};
use super::decision::Decision;
use super::dismissed::is_unwanted;
use crate::learn::{EMBEDDED, key};
use crate::ledger::Source;

/// Fewest characters of a suggestion of the embedded model; a shorter one saves nothing.
const MIN_CHARS: usize = 2;

/// Looks up an earlier answer that still fits.
pub(super) fn cache(completer: &Completer, decision: &Decision) -> (Option<Found>, Option<Completion>) {
    let found = completer.cache().get(&decision.place, &decision.lookup(completer.now_ms()));
    let completion = match &found {
        Some(Found::Hit(hit)) => among_closers(&hit.text, &hit.auto_closed).and_then(|insertion| {
            let decided = &hit.decided;
            let suggested = decision.suggested(decided.task, Source::Cache, &decided.model, Some(hit.probability));
            let completion = decision.present(&insertion.text, suggested)?;
            Some(Completion { end: completion.end + insertion.replaces, ..completion })
        }),
        _ => None,
    };
    (found, completion)
}

/// Looks up the lines of an earlier answer that was read on, and cuts what fits here next. `None` if there are none, if they are still on their way,
/// or if the cache has something better. Lines of which nothing fits count as an answer that gave nothing.
pub(super) fn lines(
    completer: &Completer,
    decision: &Decision,
    task: Task,
) -> Option<(Option<Found>, Option<Completion>)> {
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
    match decision.present(&cut.text, decision.suggested(task, Source::Lines, model, None)) {
        Some(completion) => Some((decision.cached.clone(), Some(completion))),
        None => Some(nothing()),
    }
}

/// Replaces an earlier answer of the embedded model by what it says now, if that begins alike and is longer: with each key it may be surer.
pub(super) fn lengthen(completer: &Completer, decision: &mut Decision, task: Task) {
    let (Some(shown), Some(Found::Hit(hit))) = (&decision.completion, &decision.cached) else { return };
    if hit.decided.tier != Tier::Embedded || !matches!(hit.relation, Relation::Typed(_)) || shown.end != shown.cursor {
        return;
    }
    let shown = shown.text.trim_end().to_owned();
    decision.learned = completer.learner.model.generation();
    // Mostly it says the same again, which is not worth cutting.
    let says = suggest(completer, decision, task).filter(|says| solid(&says.text) > solid(&shown));
    decision.embedded = says.and_then(|says| cut_embedded(completer, decision, task, &says));
    let says = decision.embedded.as_ref().map(|(cut, _)| decision.cursor.in_line_breaks(&cut.text));
    let is_longer = says.is_some_and(|says| says.strip_prefix(&shown).is_some_and(|rest| !rest.trim().is_empty()));
    if is_longer && let Some(longer) = embedded_completion(completer, decision) {
        decision.completion = Some(longer);
    }
}

/// Characters of a text that are not white space.
fn solid(text: &str) -> usize {
    text.chars().filter(|c| !c.is_whitespace()).count()
}

/// Asks the embedded model, and returns its cut answer with the probability of what is left.
pub(super) fn embedded(completer: &Completer, decision: &Decision, task: Task) -> Option<(Cut, f32)> {
    let says = suggest(completer, decision, task)?;
    cut_embedded(completer, decision, task, &says)
}

/// Asks the embedded model.
fn suggest(completer: &Completer, decision: &Decision, task: Task) -> Option<Suggestion> {
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
        indent: &cursor.surroundings().indent,
        word_chars: &decision.context.language.facts().word_chars,
    };
    completer.learner.model.ask(|model| model.suggest(&query))
}

/// Cuts what the embedded model says.
fn cut_embedded(completer: &Completer, decision: &Decision, task: Task, says: &Suggestion) -> Option<(Cut, f32)> {
    let mut cutter = cut(completer, decision, task, None, false);
    cutter.push(&says.text);
    let cut = cutter.finish(Finish::Unsure).ok().filter(|cut| says_something(&cut.text))?;
    // A shorter text is more probable than the whole.
    let kept = cut.text.trim_end().len();
    let shorter = says.tokens.iter().find(|(end, _)| *end >= kept).map(|(_, joint)| *joint);
    Some((cut, shorter.unwrap_or(says.probability)))
}

/// Presents the embedded model's text, and caches it so that it does not flicker while the user types along.
pub(super) fn embedded_completion(completer: &Completer, decision: &Decision) -> Option<Completion> {
    let (task, (cut, probability)) = (decision.context.task?, decision.embedded.as_ref()?);
    let suggested = decision.suggested(task, Source::Embedded, EMBEDDED, Some(*probability));
    let completion = decision.present(&cut.text, suggested)?;
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

/// Whether a text is more than closers and separators, which cost as much to read as to type.
fn says_something(text: &str) -> bool {
    text.chars().any(|c| !c.is_whitespace() && !")]}>;,:\"'`".contains(c))
}

//! Where an answer's body begins and what frames it: fences and prose around code, and repetitions of the prompt.
//! It leaves the other ends of an answer to `walk` and `loops`.

use pennyworth_grammars::Facts;

use super::around::Around;
use super::end::{End, Ended, Reading};
use super::input::CutInput;
use crate::lex;
use crate::models::Shape;

const FENCE: &str = "```";
/// Letters and digits that make a repeated line of the prompt an echo: chats often repeat, other models hardly ever.
const ECHO_CHAT: usize = 3;
const ECHO: usize = 8;
/// Blank lines after which an answer counts as begun.
const MAX_BLANK: usize = 8;

/// The offset at which the body begins, or `None` while the answer is too short to tell.
pub(super) fn body_start(raw: &str, around: &Around, input: &CutInput, reading: Reading) -> Option<usize> {
    let chat = input.shape == Shape::Chat;
    let mut start = if chat && !has_fences(around.facts) { unfenced(raw, reading)? } else { 0 };
    let rest = |start: usize| raw.get(start..).unwrap_or_default();
    let repeats_above = |start| if chat { lines_above(rest(start), around, reading) } else { Echo::No };
    if !chat && input.is_line_wise() && around.line_before.is_empty() {
        // The author may want a blank line here. Indented, it would leave blanks behind.
        return Some(start);
    }
    if around.at_line_start() {
        start += repeats_above(start).length()?;
        return after_blank_lines(rest(start), reading).map(|blank| start + blank);
    }
    let own = around.line_before.trim_start();
    let enough = if chat { ECHO_CHAT } else { ECHO };
    if significant(own) < enough {
        return Some(start);
    }
    let echoed = |start: usize| match repeated(rest(start), own, around.facts, reading) {
        Echo::No => repeated(rest(start), own.trim_end(), around.facts, reading),
        echo => echo,
    };
    let above = repeats_above(start).length()?;
    if above > 0 {
        // Repeated lines above count only if the cursor's own line is repeated below them.
        let own = echoed(start + above).length()?;
        return Some(if own > 0 { start + above + own } else { start });
    }
    echoed(start).length().map(|own| start + own)
}

/// Where the fence around the code closes.
pub(super) fn fence_end(body: &str, shape: Shape, facts: &Facts) -> Option<End> {
    if shape != Shape::Chat || has_fences(facts) {
        return None;
    }
    let starts = std::iter::once(0).chain(body.match_indices('\n').map(|(at, _)| at + 1));
    starts.into_iter().find_map(|start| {
        let line = body.get(start..)?;
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        let seen = start + indent + FENCE.len();
        line.get(indent..)?.starts_with(FENCE).then_some(End { seen, at: start.saturating_sub(1), why: Ended::Fence })
    })
}

/// Whether fences belong to the language itself.
fn has_fences(facts: &Facts) -> bool {
    facts.injections.iter().any(|injection| injection.named_by.is_some())
}

/// The offset after an opening fence and one line of prose above it.
fn unfenced(raw: &str, reading: Reading) -> Option<usize> {
    let first = raw.trim_start();
    let skipped = raw.len() - first.len();
    if let Some(inside) = fence_opener(first, reading) {
        return inside.map(|inside| skipped + inside);
    }
    // Prose begins with a capital and announces the code with a colon.
    if !first.starts_with(|c: char| c.is_uppercase()) {
        return if first.is_empty() && reading == Reading::On { None } else { Some(0) };
    }
    let Some((prose, rest)) = first.split_once('\n') else {
        return (reading == Reading::Over).then_some(0);
    };
    if !prose.trim_end().ends_with(':') {
        return Some(0);
    }
    let code = rest.trim_start();
    if code.is_empty() && reading == Reading::On {
        return None;
    }
    match fence_opener(code, reading) {
        Some(inside) => inside.map(|inside| raw.len() - code.len() + inside),
        None => Some(0),
    }
}

/// The offset after the line of an opening fence: `None` if there is none, `Some(None)` while one may still come.
fn fence_opener(text: &str, reading: Reading) -> Option<Option<usize>> {
    let on = reading == Reading::On;
    if text.starts_with(FENCE) {
        let end = text.find('\n').map(|end| end + 1);
        return Some(if on { end } else { Some(end.unwrap_or(text.len())) });
    }
    (on && !text.is_empty() && FENCE.starts_with(text)).then_some(None)
}

/// Whether a text begins with an expected one.
enum Echo {
    No,
    /// It is too short to tell.
    Maybe,
    /// It does, up to this offset.
    To(usize),
}

impl Echo {
    fn length(self) -> Option<usize> {
        match self {
            Echo::No => Some(0),
            Echo::Maybe => None,
            Echo::To(end) => Some(end),
        }
    }
}

/// Whether the answer begins with lines above the cursor, up to the last of them. Blank lines are not compared.
fn lines_above(body: &str, around: &Around, reading: Reading) -> Echo {
    let own = around.before.len() - around.line_before.len();
    let above = around.before.get(..own).unwrap_or_default().lines().map(str::trim);
    let above: Vec<&str> = above.filter(|line| !line.is_empty()).collect();
    let echoes = (0..above.len()).map(|start| {
        let lines = above.get(start..).unwrap_or_default();
        let weight: usize = lines.iter().map(|line| significant(line)).sum();
        if weight < ECHO_CHAT { Echo::No } else { repeated_lines(body, lines, reading) }
    });
    // Waits for the longest repetition that is possible.
    echoes.into_iter().find(|echo| !matches!(echo, Echo::No)).unwrap_or(Echo::No)
}

fn repeated_lines(body: &str, expected: &[&str], reading: Reading) -> Echo {
    let on = reading == Reading::On;
    let mut rest = body;
    for expected in expected {
        let line = loop {
            match rest.split_once('\n') {
                Some((line, more)) => {
                    rest = more;
                    if !line.trim().is_empty() {
                        break line;
                    }
                }
                None if on && expected.starts_with(rest.trim()) => return Echo::Maybe,
                None => break std::mem::take(&mut rest),
            }
        };
        if line.trim() != *expected {
            return Echo::No;
        }
    }
    Echo::To(body.len() - rest.len())
}

/// Whether the answer begins with the line of the cursor, in whole words.
fn repeated(body: &str, expected: &str, facts: &Facts, reading: Reading) -> Echo {
    let on = reading == Reading::On;
    let text = body.trim_start_matches([' ', '\t']);
    let Some(rest) = text.strip_prefix(expected) else {
        return if on && expected.starts_with(text) { Echo::Maybe } else { Echo::No };
    };
    match rest.chars().next() {
        None if on => Echo::Maybe,
        Some(next) if expected.ends_with(|c| lex::is_word(facts, c)) && lex::is_word(facts, next) => Echo::No,
        _ => Echo::To(body.len() - rest.len()),
    }
}

/// The offset of the first line that is not blank.
fn after_blank_lines(body: &str, reading: Reading) -> Option<usize> {
    let text = body.trim_start();
    let blank = body.get(..body.len() - text.len()).unwrap_or_default();
    if blank.matches('\n').count() >= MAX_BLANK {
        return Some(0);
    }
    match text.is_empty() && reading == Reading::On {
        true => None,
        false => Some(blank.rfind('\n').map_or(0, |at| at + 1)),
    }
}

/// The number of letters and digits in a text.
pub(super) fn significant(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphanumeric()).count()
}

//! Limits a suggestion: it ends before it repeats the text after the cursor, and behind an opener that the user may want to fill. It reads text
//! and probabilities; which of the ends before the limit is best is left to `suggest`.

use crate::tokens::is_word;

/// Openers and their closers. `<` and `>` are those of generics and fragments: arrows and comparisons are tokens of their own.
const PAIRS: [(char, &str); 4] = [('(', ")"), ('[', "]"), ('{', "}"), ('<', ">")];
/// Probability, behind an opener, from which its closer may follow at once. A pair that was always empty reaches it; one that was sometimes filled
/// does not.
const SURELY_EMPTY: f32 = 0.9;

/// Bytes of the text up to where it repeats the text after the cursor, or closes an opener that the user may want to fill. `tokens` has each
/// token's end in the text, and the probability that the text up to there is right.
pub(crate) fn limit((before, after): (&str, &str), text: &str, tokens: &[(usize, f32)]) -> usize {
    repeated_rest(after, text, tokens).min(repeated_line(before, after, text)).min(empty_pair(text, tokens))
}

/// The end of the first opener that the text closes at once, though the model is not sure that nothing belongs between the two.
fn empty_pair(text: &str, tokens: &[(usize, f32)]) -> usize {
    let mut start = 0;
    let mut opener = None;
    for (end, joint) in tokens {
        let token = text.get(start..*end).unwrap_or_default().trim();
        if let Some((close, at, before)) = opener
            && token == close
            && *joint < SURELY_EMPTY * before
        {
            return at;
        }
        let pair = PAIRS.iter().find(|(open, _)| token.ends_with(*open));
        opener = pair.map(|(_, close)| (*close, *end, *joint)).or(opener.filter(|_| token.is_empty()));
        start = *end;
    }
    text.len()
}

/// Where the text begins to repeat the rest of the line, or closes a bracket that the rest closes.
fn repeated_rest(after: &str, text: &str, tokens: &[(usize, f32)]) -> usize {
    let rest = first_line(after).trim();
    if rest.is_empty() {
        return text.len();
    }
    let mut depth = 0_i32;
    let mut start = 0;
    for (end, _) in tokens {
        let token = text.get(start..*end).unwrap_or_default();
        let here = text.get(start..).unwrap_or_default().trim();
        let repeats = !here.is_empty() && (rest.starts_with(here) || here.starts_with(rest));
        depth += token.chars().map(bracket).sum::<i32>();
        let closes = depth < 0 && token.chars().last().is_some_and(|c| rest.contains(c));
        let closes = closes || token.trim() == ";" && rest.starts_with([')', ']', '}']);
        let glued = is_glued(token, here.len(), rest);
        if closes || repeats && depth_before(depth, token) == 0 && !glued {
            return start;
        }
        start = *end;
    }
    text.len()
}

/// Whether a word only begins like the rest of the line, and so does not repeat it.
fn is_glued(token: &str, length: usize, rest: &str) -> bool {
    let follows = rest.get(length..).and_then(|rest| rest.chars().next());
    token.ends_with(is_word) && follows.is_some_and(is_word)
}

/// The first line of a text.
pub(crate) fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}

/// Brackets opened and not closed.
pub(crate) fn depth(text: &str) -> i32 {
    text.chars().map(bracket).sum()
}

fn depth_before(depth: i32, token: &str) -> i32 {
    depth - token.chars().map(bracket).sum::<i32>()
}

fn bracket(c: char) -> i32 {
    match c {
        '(' | '[' | '{' => 1,
        ')' | ']' | '}' => -1,
        _ => 0,
    }
}

/// Where the text begins to repeat the next non-blank line.
fn repeated_line(before: &str, after: &str, text: &str) -> usize {
    let following = after.split('\n').skip(1).map(str::trim).find(|line| !line.is_empty());
    let Some(following) = following else { return text.len() };
    let typed = before.rsplit('\n').next().unwrap_or_default();
    let mut start = 0;
    for (index, line) in text.split('\n').enumerate() {
        let repeats = if index == 0 {
            following.len() > 3 && format!("{typed}{line}").trim() == following
        } else {
            line.trim() == following
        };
        if repeats {
            return start;
        }
        start += line.len() + usize::from(index > 0);
    }
    text.len()
}

//! Repairs excerpts: fills the cursor's place and closes what is open, so that a parser can tell what belongs there.
//! Attempts follow until one parses without an error; otherwise the best one counts.

use std::ops::Range;

use pennyworth_grammars::{Facts, Language};
use tree_sitter::Tree;

use super::excerpt::{Excerpt, columns};
use crate::lex::{self, Kind, Nest, Open, Scan};
use crate::syntax;

/// Most attempts; each after the first is parsed incrementally.
const TRIES: usize = 16;
/// Most attempts on a shorter excerpt, if the whole one did not succeed.
const FEW_TRIES: usize = 6;
/// Most attempts if the first shows this many errors: no fill repairs so much.
const BROKEN_TRIES: usize = 2;
const MANY_ERRORS: usize = 3;
/// Signs that a line cannot end with if nothing follows.
const DANGLING: [char; 9] = ['+', '-', '*', '%', '&', '|', '^', '=', '.'];
/// Most lines of a list of types.
const ANGLE_LINES: usize = 5;
/// Most progress reports of the parser over all attempts, each some hundred of its operations; a good excerpt takes less than a tenth.
const MAX_STEPS: usize = 300;
/// Reports after which no further attempt is made: it rarely succeeds, and the user waits.
const PATIENCE: usize = 20;

/// A repaired text with its tree.
pub(super) struct Repaired {
    /// The text.
    pub(super) source: String,
    /// Its tree.
    pub(super) tree: Tree,
    /// The bytes that stand for the missing text.
    pub(super) hole: Range<usize>,
}

/// The best repair of an excerpt; `None` if the parser gave up on all.
pub(super) fn repair(excerpt: &Excerpt, language: &'static Language) -> Option<Repaired> {
    let mut steps = MAX_STEPS;
    let (errors, repaired) = best(excerpt, language, TRIES, &mut steps)?;
    if errors == 0 {
        return Some(repaired);
    }
    // Badly broken code can only be repaired by leaving out the broken part.
    let shorter = without_left_open(excerpt, language.facts());
    let other = shorter
        .filter(|_| MAX_STEPS - steps <= PATIENCE)
        .and_then(|excerpt| best(&excerpt, language, FEW_TRIES, &mut steps));
    Some(other.filter(|(fewer, _)| *fewer < errors).map_or(repaired, |(_, other)| other))
}

/// The attempt with the fewest errors, and their number. If the first shows many, few more are made.
fn best(
    excerpt: &Excerpt,
    language: &'static Language,
    mut tries: usize,
    steps: &mut usize,
) -> Option<(usize, Repaired)> {
    let mut best: Option<(usize, Repaired)> = None;
    let mut last: Option<(Tree, String)> = None;
    let line = excerpt.before.rfind('\n').unwrap_or(0);
    for (number, attempt) in attempts(excerpt, language.facts()).into_iter().enumerate() {
        if number >= tries {
            break;
        }
        let (source, hole) = filled(excerpt, language.facts(), &attempt);
        let old = last.as_ref().map(|(tree, text)| syntax::rebased(tree, text, &source));
        let Some(tree) = syntax::parse_excerpt(&source, language, old.as_ref(), steps) else { break };
        last = Some((tree.clone(), source.clone()));
        let errors = if tree.root_node().has_error() { syntax::errors(&tree) } else { 0 };
        // Errors on the lines above stay, whatever stands here.
        let above = if errors > 0 { syntax::errors_up_to(&tree, line) } else { 0 };
        if number == 0 && errors >= MANY_ERRORS {
            tries = BROKEN_TRIES;
        }
        if best.as_ref().is_none_or(|(least, _)| errors < *least) {
            best = Some((errors, Repaired { source, tree, hole }));
        }
        if errors <= above || MAX_STEPS - *steps > PATIENCE {
            break;
        }
    }
    best
}

/// The excerpt without the text from a bracket left open to the cursor's line, which is not indented further.
fn without_left_open(excerpt: &Excerpt, facts: &Facts) -> Option<Excerpt> {
    let (before, line) = excerpt.before.rsplit_once('\n')?;
    let indent = columns(line);
    let line_start = |at: usize| before.get(..at).and_then(|text| text.rfind('\n')).map_or(0, |at| at + 1);
    let scan = lex::scan_tags(before, facts);
    let brackets = scan.open.iter().filter(|open| matches!(open.nest, Nest::Bracket(..) | Nest::Element(_)));
    let starts = brackets.map(|open| line_start(open.start));
    let start = starts.into_iter().find(|start| before.get(*start..).is_some_and(|text| columns(text) >= indent))?;
    Some(Excerpt { before: format!("{}{line}", before.get(..start)?), ..excerpt.clone() })
}

/// The text put at the cursor, and the text put after the line.
struct Attempt<'a> {
    fill: &'a str,
    /// The number of type lists to close, and the text after their closers.
    angles: (usize, &'a str),
    tail: &'a str,
}

/// The attempts, likeliest first.
fn attempts<'a>(excerpt: &Excerpt, facts: &'a Facts) -> Vec<Attempt<'a>> {
    let before = excerpt.before.as_str();
    let scan = lex::scan_tags(before, facts);
    let with = |fill: &'a str, tail: &'a str| Attempt { fill, angles: (0, ""), tail };
    if scan.literal().is_some() {
        return vec![with("$", "")];
    }
    let last_token = scan.tokens.last().map(|token| token.kind);
    if matches!(scan.open.last(), Some(Open { nest: Nest::Tag { .. }, .. })) && last_token == Some(Kind::Sign('=')) {
        // An attribute's value may be an element, which is neither text nor code.
        return vec![with("<$ />", "")];
    }
    let stem = before.trim_end_matches(|c| lex::is_word(facts, c));
    let in_word = stem.len() < before.len();
    let fits = |fill: &&str| !in_word || fill.starts_with(['$', '~']);
    let operand = !in_word && matches!(last_token, Some(Kind::Close(_) | Kind::String | Kind::Word));
    let mut fills = facts.probes.iter().map(String::as_str).filter(fits);
    let first = fills.next().unwrap_or("$");
    let tails = facts.tails.iter().map(String::as_str);
    let end = Some(facts.terminator.as_str()).filter(|end| !end.is_empty());
    let angles = Some(()).filter(|()| facts.angles).and_then(|()| open_angles(before, &scan));
    let last = excerpt.rest.trim().is_empty();

    let mut attempts = Vec::new();
    if last && stem.rsplit('\n').next().is_some_and(|line| line.trim().is_empty()) {
        attempts.extend(facts.line_probes.iter().map(|fill| with(fill, "")));
    }
    let plain = std::iter::once(with(first, "")).chain(end.map(|end| with(first, end)));
    if facts.strict && last {
        attempts.extend(plain.collect::<Vec<_>>().into_iter().rev());
    } else {
        attempts.extend(plain);
    }
    if let Some((angles, name)) = angles {
        let typed = |behind: &'a str, tail: &'a str| Attempt { fill: first, angles: (angles, behind), tail };
        // Arguments follow a constructor's type, and a name follows a parameter's.
        let mut types: Vec<_> = end.map(|end| typed("()", end)).into_iter().collect();
        if scan.open.last().is_some_and(|open| matches!(open.nest, Nest::Bracket('(', _))) {
            types.extend(tails.clone().take(1).chain(end).map(|tail| typed(" x", tail)));
        }
        types.extend(std::iter::once("").chain(end).chain(tails.clone()).map(|tail| typed("", tail)));
        // A name longer than a counter's, with no blank after it, is a type.
        let at = if name > 2 { 0 } else { attempts.len() };
        attempts.splice(at..at, types);
    }
    // Fills that replace the word before the cursor come last: after an operand they would begin another statement.
    let (instead, behind): (Vec<_>, Vec<_>) = fills.partition(|fill| fill.starts_with('~'));
    let fills = behind.into_iter().chain(operand.then_some("+ $")).chain(instead);
    attempts.extend(fills.map(|fill| with(fill, "")));
    attempts.extend(end.filter(|_| facts.strict && operand).map(|end| with("+ $", end)));
    attempts.extend(tails.map(|tail| with(first, tail)));
    if let Some(lambda) = lambda(before, facts, &scan).filter(|_| last) {
        attempts.insert(0, with(lambda, ""));
    }
    attempts.truncate(TRIES);
    attempts
}

/// The text that ends a lambda's parameters at the cursor, if the parenthesis around it may hold some: it stands where an argument or a value
/// begins, and holds only names, types and patterns.
fn lambda<'a>(before: &str, facts: &'a Facts, scan: &Scan) -> Option<&'a str> {
    let list = scan.open.iter().rposition(|open| matches!(open.nest, Nest::Bracket('(', _)))?;
    let closers = scan.closers(scan.open.get(list)?.start);
    let ends = |lambda: &&String| lambda.strip_prefix('$').is_some_and(|text| text.starts_with(&format!("{closers} ")));
    let lambda = facts.lambdas.iter().find(ends)?;
    let start =
        scan.tokens.iter().position(|token| scan.open.get(list).is_some_and(|open| open.start == token.start))?;
    let (above, parts) = scan.tokens.split_at_checked(start)?;
    let mut above = above.iter().rev().filter(|token| token.kind != Kind::Break);
    let opener = above.next()?;
    let begins = match opener.kind {
        // A call's parenthesis directly follows its name, a condition's does not.
        Kind::Open('(') => above.next().is_some_and(|name| name.end == opener.start),
        // After two signs it belongs to a comparison.
        Kind::Sign(',' | '=') => above.next().is_some_and(|token| !matches!(token.kind, Kind::Sign(_))),
        // An attribute's value stands in braces.
        Kind::Open('{') => above.next().is_some_and(|token| token.kind == Kind::Sign('=')),
        Kind::Sign(':') => {
            above.next().is_some_and(|key| key.kind == Kind::Word)
                && above.next().is_some_and(|token| matches!(token.kind, Kind::Open('{') | Kind::Sign(',')))
        }
        Kind::Word => before.get(opener.start..opener.end) == Some("async"),
        _ => false,
    };
    let names = |kind| match kind {
        Kind::Sign(sign) => ",:=?.".contains(sign),
        Kind::Comment { .. } | Kind::String => false,
        Kind::Word | Kind::Break | Kind::Open(_) | Kind::Close(_) => true,
    };
    (begins && parts.iter().all(|token| names(token.kind))).then_some(lambda)
}

/// The number of `<` after a name that no `>` closes, on the last lines inside the innermost bracket, and the length of the last name;
/// `None` if there are none.
fn open_angles(before: &str, scan: &Scan) -> Option<(usize, usize)> {
    let from = scan.open.last().map_or(0, |open| open.start);
    let line = before.rmatch_indices('\n').nth(ANGLE_LINES).map_or(0, |(at, _)| at + 1);
    let mut names: Vec<usize> = Vec::new();
    for (index, token) in scan.tokens.iter().enumerate().filter(|(_, token)| token.start >= from.max(line)) {
        let previous = index.checked_sub(1).and_then(|index| scan.tokens.get(index));
        let shift = scan.tokens.get(index + 1).is_some_and(|next| next.kind == Kind::Sign('<'));
        match (token.kind, previous) {
            (Kind::Sign('<'), Some(name))
                if !shift && name.end == token.start && matches!(name.kind, Kind::Word | Kind::Sign(':')) =>
            {
                names.push(name.end - name.start)
            }
            (Kind::Sign('>'), Some(arrow)) if matches!(arrow.kind, Kind::Sign('-' | '=')) => {}
            (Kind::Sign('>'), _) => drop(names.pop()),
            _ => {}
        }
    }
    Some((names.len(), *names.last()?))
}

/// The excerpt with a name at the cursor, the rest of its line as far as it fits, and everything open closed.
fn filled(excerpt: &Excerpt, facts: &Facts, attempt: &Attempt<'_>) -> (String, Range<usize>) {
    let mut source = excerpt.before.clone();
    // Replaces the word that was begun, which may be the start of a keyword.
    let fill = attempt
        .fill
        .strip_prefix('~')
        .inspect(|_| {
            source.truncate(source.trim_end_matches(|c| lex::is_word(facts, c)).len());
        })
        .unwrap_or(attempt.fill);
    let (fill, tail) = fill.split_once('…').unwrap_or((fill, attempt.tail));
    // After a backslash the sign stands for itself.
    let fill = fill.replace("\\$", "\0");
    let (left, right) = fill.split_once('$').unwrap_or(("", ""));
    let (left, right) = (left.replace('\0', "$"), right.replace('$', &facts.name_probe).replace('\0', "$"));
    let name = facts.name_probe.as_str();
    source.push_str(&left);
    // A word that was begun is part of the missing text.
    let word = source.rsplit(|c| !lex::is_word(facts, c)).next().unwrap_or_default();
    let start = source.len() - word.len();
    source.push_str(if word.starts_with(|c: char| c.is_ascii_digit()) { "0" } else { name });
    // A second place in the same probe gets the same name.
    source.push_str(&right);
    let end = source.len();
    let (angles, behind) = attempt.angles;
    let mut rest = excerpt.rest.trim_end();
    if facts.strict {
        // The text after a comma or a directive's backslash is on the next line.
        rest = rest.trim_end_matches([',', '\\']).trim_end();
    }
    if angles > 0 {
        let count = |sign: char| rest.chars().filter(|c| *c == sign).count();
        if count('>') < count('<') + angles {
            rest = rest.trim_start_matches(',');
            source.push_str(&">".repeat(angles));
            source.push_str(behind);
        }
    }
    source.push_str(rest);
    if rest.ends_with(DANGLING) && !rest.ends_with("++") && !rest.ends_with("--") {
        source.push_str(name);
    }
    let mut scan = lex::scan_tags(&source, facts);
    if let Some(stray) =
        scan.unopened.iter().filter_map(|index| scan.tokens.get(*index)).find(|token| token.start >= end)
    {
        source.truncate(stray.start);
        scan = lex::scan_tags(&source, facts);
    }
    close(&mut source, facts, &scan, tail);
    (source, start..end)
}

/// Closes what is open, and puts `tail` where the expression at the cursor ends.
fn close(source: &mut String, facts: &Facts, scan: &Scan, tail: &str) {
    let line = source.rsplit('\n').next().unwrap_or_default();
    let indent: String = line.chars().take_while(|c| c.is_whitespace()).collect();
    let mut tail = Some(tail.replace('\t', &format!("{indent}    ")));
    // Whether a body was closed just before, and whether a closed statement must still be ended.
    let (mut closed_body, mut unended) = (false, false);
    let lists = lists(source, facts, scan);
    for (index, (open, list)) in scan.open.iter().zip(lists).enumerate().rev() {
        let braces = !list && matches!(open.nest, Nest::Bracket('{', _) | Nest::Block(_));
        let around = index.checked_sub(1).and_then(|index| scan.open.get(index));
        // Braces among markup hold a value.
        let body = braces && !around.is_some_and(|open| matches!(open.nest, Nest::Tag { .. } | Nest::Element(_)));
        if body && std::mem::take(&mut unended) {
            source.push_str(&facts.terminator);
        }
        if braces && let Some(tail) = tail.take() {
            source.push_str(&tail);
            // A tail may close the bracket itself and go on: `} from "x"`.
            if matches!(open.nest, Nest::Bracket(_, close) if tail.starts_with(close)) {
                continue;
            }
        }
        match &open.nest {
            Nest::Comment { close, .. } if close.is_empty() => source.push('\n'),
            nest => nest.close(source),
        }
        if body {
            let head = source.get(..open.start).unwrap_or_default();
            // Where words open bodies, a line break ends a statement.
            let head = match open.nest {
                Nest::Block(_) => head.rsplit('\n').next().unwrap_or_default().trim_end(),
                _ => head.trim_end(),
            };
            let statement = head.rsplit([';', '{', '}']).next().unwrap_or_default();
            unended = is_value(head);
            let follower = facts.followed.iter().find(|(word, _)| !unended && introduces(facts, statement, word));
            source.push_str(follower.map_or("", |(_, follower)| follower));
        }
        unended |= list;
        unended |= closed_body && matches!(open.nest, Nest::Bracket('(' | '[', _));
        closed_body |= body;
    }
    if unended {
        source.push_str(&facts.terminator);
    }
    if let Some(tail) = tail {
        source.push_str(&tail);
    }
    source.push('\n');
}

/// Which of the open braces hold lists of values, in languages where a brace after an operator does.
fn lists(source: &str, facts: &Facts, scan: &Scan) -> Vec<bool> {
    let mut list = false;
    let is_list = scan.open.iter().map(|open| {
        let head = source.get(..open.start).unwrap_or_default().trim_end();
        list = facts.strict
            && matches!(open.nest, Nest::Bracket('{', _))
            && (head.ends_with(['(', ',', '=']) || head.ends_with("return") || (list && head.ends_with('{')));
        list
    });
    is_list.collect()
}

/// Whether a brace after this text is part of a value in a statement: `x = {`, `return new X() {`.
fn is_value(head: &str) -> bool {
    let (mut depth, mut next) = (0_usize, ' ');
    for (at, c) in head.char_indices().rev() {
        match c {
            ')' | ']' => depth += 1,
            '(' | '[' if depth == 0 => return false,
            '(' | '[' => depth -= 1,
            ';' | '{' | '}' if depth == 0 => return begins_value(head.get(at + 1..).unwrap_or_default()),
            '=' if depth == 0 && !matches!(next, '=' | '>') => {
                return !head.get(..at).is_some_and(|left| left.ends_with(['=', '!', '<', '>']));
            }
            _ => {}
        }
        next = c;
    }
    begins_value(head)
}

/// Whether a word introduces the body after this text: the text has it, and no parenthesis that would make it a function's head.
fn introduces(facts: &Facts, statement: &str, word: &str) -> bool {
    !statement.contains('(') && statement.split(|c| !lex::is_word(facts, c)).any(|other| other == word)
}

/// Whether a statement begins with a word that a value follows.
fn begins_value(statement: &str) -> bool {
    ["return ", "throw ", "yield "].iter().any(|word| statement.trim_start().starts_with(word))
}

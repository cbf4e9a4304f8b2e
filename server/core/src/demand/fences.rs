//! Fenced blocks of answers: the code of an answer that has one, or is nothing else. It leaves what is done with the code to `edit` and `joined`.

use std::ops::Range;

use pennyworth_grammars::{Language, Layout};

use super::unfit::Unfit;

/// The code of an answer that is nothing else, or has it in its only fence. Where no tree tells code from prose, only a fence does.
pub fn code_in<'t>(answer: &'t str, language: &Language) -> Result<&'t str, Unfit> {
    let has_tree = language.grammar().is_some() && language.facts().layout != Layout::Markup;
    let code = match fenced(answer)? {
        Some(code) => code,
        None if has_tree => answer,
        None => return Err(Unfit::Form("it has no fenced block".into())),
    };
    match code.trim().is_empty() {
        true => Err(Unfit::Empty),
        false => Ok(code),
    }
}

/// The only fenced block of an answer, with its fences, if the lines are such a block themselves, which begins as it does: then nothing is around it.
pub(super) fn own_fence<'t>(sent: &str, answer: &'t str) -> Result<Option<&'t str>, Unfit> {
    let first = sent.lines().find(|line| !line.trim().is_empty()).map(str::trim_end).unwrap_or_default();
    if !["```", "~~~"].iter().any(|mark| first.starts_with(mark)) {
        return Ok(None);
    }
    let Some(Block { whole, .. }) = block(answer)? else { return Ok(None) };
    Ok(answer.get(whole).filter(|block| block.lines().next().map(str::trim_end) == Some(first)))
}

/// A fenced block: its bytes with its fences and without.
struct Block {
    whole: Range<usize>,
    inside: Range<usize>,
}

/// The text of the only fence in an answer, if there is one.
pub(super) fn fenced(answer: &str) -> Result<Option<&str>, Unfit> {
    Ok(block(answer)?.map(|block| answer.get(block.inside).unwrap_or_default()))
}

/// The only fenced block of an answer, if there is one.
fn block(answer: &str) -> Result<Option<Block>, Unfit> {
    let Some((mark, open)) =
        ['`', '~'].into_iter().find_map(|c| Some((c, line_of(answer, &c.to_string().repeat(3), 0)?)))
    else {
        return Ok(None);
    };
    let rest = answer.get(open..).unwrap_or_default();
    let fence = mark.to_string().repeat(rest.len() - rest.trim_start_matches(mark).len());
    let start = rest.find('\n').map(|line| open + line + 1).ok_or(Unfit::CutOff)?;
    let end = line_of(answer, &fence, start).ok_or(Unfit::CutOff)?;
    // What begins with a fence and says more opens another one.
    let is_end = answer
        .get(end..)
        .and_then(|rest| rest.lines().next())
        .is_some_and(|line| line.trim_matches(mark).trim().is_empty());
    match is_end && line_of(answer, &mark.to_string().repeat(3), end + fence.len()).is_none() {
        true => {
            let last = answer.get(end..).and_then(|rest| rest.find('\n')).map_or(answer.len(), |line| end + line + 1);
            Ok(Some(Block { whole: open..last, inside: start..end }))
        }
        false => Err(Unfit::Form("it holds more than one fenced block".into())),
    }
}

/// The byte of the first line from `from` on that begins with a mark.
pub(super) fn line_of(text: &str, mark: &str, from: usize) -> Option<usize> {
    let mut at = from;
    for line in text.get(from..)?.split_inclusive('\n') {
        // In the middle of a line nothing begins.
        let begins = at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n');
        if begins && line.starts_with(mark) {
            return Some(at);
        }
        at += line.len();
    }
    None
}

//! Judges the word before the cursor: finished, or the beginning of a longer one. It predicts no further.

use crate::context::Typed;
use crate::predict::{Next, Sources, Stage};
use crate::store::{UNKNOWN, base};
use crate::tally::Tally;
use crate::vocab::Vocab;

/// A word that may be finished is lengthened only if the longer one is this many times likelier than its end.
const MUCH_LIKELIER: f32 = 8.0;
/// Uses of a word that was learned as a whole: the one at the cursor and another.
const KNOWN: u32 = 2;

/// What becomes of the word before the cursor.
pub(crate) enum AtWord {
    /// The word continues, most likely as this token.
    Goes(Next),
    /// The word may be finished, but a longer one is likelier.
    Unsure,
    /// The word is complete, with this probability and token.
    Whole(f32, u32),
}

/// Whether the word before the cursor is complete, judged by similar contexts.
pub(crate) fn at_word(sources: &Sources<'_>, tokens: &[u32], typed: &Typed<'_>, tally: &mut Tally) -> AtWord {
    let Typed::Word(word) = typed else { return AtWord::Whole(1.0, UNKNOWN) };
    sources.gather(tokens, typed, tally);
    let same = |token: u32| sources.vocab.text(base(token)) == word.text.as_bytes();
    let counted: f32 = tally.candidates.iter().map(|candidate| candidate.share).sum();
    let exact = tally.candidates.iter().find(|candidate| same(candidate.token)).map_or(0.0, |exact| exact.share);
    let whole = exact + (1.0 - counted).max(0.0) * 0.5;
    let longer = sources.best(tally, tokens, typed, Stage::default(), |token| !same(token));
    let share = |token: u32| tally.candidates.iter().find(|c| c.token == token).map_or(0.0, |c| c.share);
    let number = sources.vocab.find(word.text);
    let is_known = number.is_some_and(|number| sources.vocab.uses(number) >= KNOWN);
    let needed = if is_known { MUCH_LIKELIER } else { 1.0 };
    match longer {
        Some(longer) if share(longer.token) > whole * needed => AtWord::Goes(longer),
        Some(longer) if share(longer.token) > whole => AtWord::Unsure,
        _ => AtWord::Whole(whole, number.map_or(UNKNOWN, |number| number << 1 | u32::from(word.space))),
    }
}

/// Whether a token behind a finished word may follow: one that makes it longer, such as the `-` of `font-size`, only if that is much likelier than
/// the word's end. `word_chars` are the signs of such words in the language.
pub(crate) fn may_follow(vocab: &Vocab, token: u32, probability: f32, word_chars: &str) -> bool {
    let Ok(text) = std::str::from_utf8(vocab.text(base(token))) else { return false };
    let joins = token & 1 == 0 && !text.is_empty() && text.chars().all(|c| word_chars.contains(c));
    !joins || probability > MUCH_LIKELIER * (1.0 - probability)
}

//! Masks keys and passwords in a prompt, so that none leaves this machine. Each character becomes [`MARK`], so positions and sizes hold.
//! The crate `redact-secret` knows the shapes of keys, tokens and connection strings. `named`, `forms` and `bare` add what a declaration gives to
//! a secret name, `calls` what a login takes, `columns` and `settings` what rows and files of settings give below a name, `random`, `patterns` and
//! `addresses` what looks like a key. `places` knows words of sentences that are none.
//! It leaves deciding which prompts leave to `plan`, and files to the settings.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use redact_secret::{BuiltInRegistry, DefaultPolicy};
use serde::{Deserialize, Serialize};

use crate::prompt::{Excerpt, Prompt, head};

use self::names::NAMES;

mod addresses;
mod bare;
mod before;
mod calls;
mod columns;
mod expression;
mod forms;
mod named;
mod names;
mod patterns;
mod places;
mod random;
mod reader;
mod settings;
mod spoken;
mod values;

/// What stands for each character of a secret. Tokenizers have runs of it, and models have seen it stand for passwords.
pub const MARK: char = '*';
/// Bytes that the crate reads at a time, to a line's end or a word's.
const PIECE: usize = 4 * 1024;
/// A run of marks shorter than this is known as a mask only by what stands around it.
const MIN_RUN: usize = 3;
/// A run of marks this long in quotes of its own is a mask whatever its length, unless the prompt's own text has one in quotes.
const MIN_QUOTED: usize = 4;
/// A run of marks longer than this is a mask whatever its length, unless the prompt's own text has one as long.
const MAX_OWN: usize = 6;

static SHAPES: LazyLock<Option<BuiltInRegistry>> = LazyLock::new(|| BuiltInRegistry::with_built_in().ok());

/// Why a prompt is not sent although its model would serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmasked {
    /// The cursor stands in a secret: nobody should guess what follows.
    Inside,
    /// The rules could not be run, so nobody knows what the text holds.
    Unknown,
}

/// What was masked in a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Masks {
    /// Spans of text.
    pub count: usize,
    /// Short masks with the characters around them, by which an answer that repeats them is known.
    short: Vec<String>,
    /// Lengths of the longer masks, in characters.
    lengths: BTreeSet<usize>,
    /// The longest run of marks that the prompt had before anything was masked.
    own: usize,
    /// Whether it had one that fills its quotes.
    has_own_literal: bool,
}

impl Masks {
    /// The first mask in a model's answer, if the prompt had any. At the end of an answer, a part of one counts.
    pub fn find(&self, answer: &str, is_over: bool) -> Option<Range<usize>> {
        if self.count == 0 {
            return None;
        }
        let short = self.short.iter().filter_map(|form| answer.find(form).map(|at| at..at + form.len()));
        let long = runs(answer).find(|run| self.is_mask(answer, run, is_over));
        let part = || runs(answer).last().filter(|run| is_over && self.is_part(answer, run));
        short.chain(long).min_by_key(|found| found.end).or_else(part)
    }

    /// Whether a run of marks is as long as a mask, or longer than what code has; the rule of a comment is neither.
    fn is_mask(&self, answer: &str, run: &Range<usize>, is_over: bool) -> bool {
        let (before, after) = around(answer, run);
        let line = before.trim_start();
        // What follows a run that begins its line says whether it ends a comment.
        let is_open = after.is_empty() && !is_over;
        let is_rule = line == "/"
            || (line.starts_with("/*") && before.ends_with(' '))
            || (line.is_empty() && (after.starts_with('/') || is_open));
        let length = run.len();
        if length >= MIN_QUOTED && !self.has_own_literal && is_literal(answer, run) {
            return true;
        }
        !is_rule && ((length >= MIN_RUN && self.lengths.contains(&length)) || length > MAX_OWN.max(self.own))
    }

    /// Whether an answer ends in a part of a mask: marks behind an open quote, or a run of them that is given to a name.
    fn is_part(&self, answer: &str, run: &Range<usize>) -> bool {
        let (before, after) = around(answer, run);
        let is_given = run.len() >= MIN_RUN && before.trim_end().ends_with(['=', ':']);
        let is_shorter = self.lengths.last().is_some_and(|longest| run.len() < *longest);
        after.trim().is_empty() && is_shorter && (before.ends_with(['"', '\'', '`']) || is_given)
    }
}

/// The runs of marks in a text, from the first to the last.
fn runs(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + text.get(at..)?.find(MARK)?;
        let rest = text.get(start..)?;
        at = start + rest.find(|c| c != MARK).unwrap_or(rest.len());
        Some(start..at)
    })
}

/// Whether a run fills its quotes.
fn is_literal(text: &str, run: &Range<usize>) -> bool {
    let before = text.get(..run.start).and_then(|before| before.chars().next_back());
    let after = text.get(run.end..).and_then(|after| after.chars().next());
    before == after && before.is_some_and(|c| "\"'`".contains(c))
}

/// What stands before a run on its line, and what follows it.
fn around<'a>(text: &'a str, run: &Range<usize>) -> (&'a str, &'a str) {
    let before = text.get(..run.start).unwrap_or_default();
    (before.rsplit('\n').next().unwrap_or_default(), text.get(run.end..).unwrap_or_default())
}

/// A prompt without its secrets.
pub fn masked(prompt: &Prompt) -> Result<(Prompt, Masks), Unmasked> {
    let mut masks = Masks::default();
    let around = format!("{}{}", prompt.prefix, prompt.suffix);
    let found = below(&prompt.above, &around, &prompt.path).ok_or(Unmasked::Unknown)?;
    let cursor = prompt.prefix.len();
    if found.iter().any(|span| span.start < cursor && cursor <= span.end) {
        return Err(Unmasked::Inside);
    }
    let around = masks.apply(&around, &found);
    let (prefix, suffix) = around.split_at_checked(cut(&prompt.prefix, &around)).ok_or(Unmasked::Unknown)?;
    let excerpts = prompt.excerpts.iter().map(|excerpt| {
        let text = masks.apply(&excerpt.text, &below(&excerpt.above, &excerpt.text, &excerpt.path)?);
        let path = masks.apply(&excerpt.path, &spans(&excerpt.path, "")?);
        Some(Excerpt { path, above: String::new(), text })
    });
    let excerpts = excerpts.collect::<Option<Vec<_>>>().ok_or(Unmasked::Unknown)?;
    let path = masks.apply(&prompt.path, &spans(&prompt.path, "").ok_or(Unmasked::Unknown)?);
    let (prefix, suffix) = (prefix.to_owned(), suffix.to_owned());
    Ok((Prompt { path, excerpts, above: String::new(), prefix, suffix, ..prompt.clone() }, masks))
}

impl Masks {
    /// A text without its secrets, which count among these; `path` is its file's. `None` if nobody knows what the text holds.
    pub fn masked(&mut self, text: &str, path: &str) -> Option<String> {
        Some(self.apply(text, &spans(text, path)?))
    }

    /// Adds what was masked in another part of the same prompt.
    pub fn extend(&mut self, other: &Masks) {
        self.count += other.count;
        self.short.extend_from_slice(&other.short);
        self.lengths.extend(&other.lengths);
        self.own = self.own.max(other.own);
        self.has_own_literal |= other.has_own_literal;
    }
}

/// The secrets in a text, which names above it may stand for.
fn below(above: &str, text: &str, path: &str) -> Option<Vec<Range<usize>>> {
    let whole = [above, text].concat();
    let inside = |span: Range<usize>| {
        (span.end > above.len()).then(|| span.start.saturating_sub(above.len())..span.end - above.len())
    };
    Some(spans(&whole, path)?.into_iter().filter_map(inside).collect())
}

/// The byte in the masked text at which a prefix of the text ends: as many characters on.
fn cut(prefix: &str, masked: &str) -> usize {
    masked.char_indices().nth(prefix.chars().count()).map_or(masked.len(), |(at, _)| at)
}

/// The secrets in a text, in their order and apart from each other; `path` is the file's. `None` if the rules could not be run.
pub fn spans(text: &str, path: &str) -> Option<Vec<Range<usize>>> {
    let mut all = shapes(text)?;
    // The crate takes what follows a name and `=` for a value, also where that is code.
    all.retain(|span| NAMES.is_unquoted(path) || !is_code(text, span) && !is_place(text, path, span));
    all.extend(named::spans(text, path));
    all.extend(settings::spans(text, path));
    all.extend(addresses::spans(text)?);
    all.extend(random::spans(text));
    all.extend(patterns::spans(text)?);
    all.retain(|span| {
        text.get(span.clone()).is_some_and(|secret| secret.chars().any(|c| c != MARK && !c.is_whitespace()))
    });
    all.sort_by_key(|span| span.start);
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(all.len());
    for span in all {
        match apart.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => apart.push(span),
        }
    }
    Some(apart)
}

/// Whether a span outside of quotes and comments is code: an element, `names[0]`, or a field, `request.url`.
fn is_code(text: &str, span: &Range<usize>) -> bool {
    let before = text.get(..span.start).unwrap_or_default();
    let is_text = before::open_quote(before::line_of(before)).is_some() || before::is_remark(before);
    let value = text.get(span.clone()).unwrap_or_default();
    let (name, rest) = value.split_at(value.find('[').unwrap_or(value.len()));
    let mut words = name.split('.');
    // Tokens with points have digits and capitals.
    let are_words = words.all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
    !is_text && are_words && (rest.contains(']') || rest.is_empty() && name.contains('.'))
}

/// Whether a span is what a comment or a file for people gives to a name, and no secret but a place: `credentials: config/keys-1.json`.
fn is_place(text: &str, path: &str, span: &Range<usize>) -> bool {
    let before = before::end_of(text.get(..span.start).unwrap_or_default());
    let is_given = before.trim_end().ends_with([':', '=']) && (NAMES.is_prose(path) || before::is_remark(before));
    is_given && text.get(span.clone()).is_some_and(places::is_sure_place)
}

/// What the crate knows. It reads a piece at a time, because some of its rules take the square of a text's length if that is made for it.
fn shapes(text: &str) -> Option<Vec<Range<usize>>> {
    let (mut found, mut start) = (Vec::new(), 0);
    while let Some(rest) = text.get(start..).filter(|rest| !rest.is_empty()) {
        let whole = head(rest, PIECE);
        let piece = match whole.is_empty() {
            true => (1..=PIECE.min(rest.len())).rev().find_map(|end| rest.get(..end)).unwrap_or(rest),
            false => whole,
        };
        let shapes = SHAPES.as_ref()?.scan(piece, &DefaultPolicy).ok()?;
        let shapes = shapes.iter().map(|shape| shape.range().start()..shape.range().end());
        let is_label = |span: &Range<usize>| {
            let before = piece.get(..span.start).unwrap_or_default();
            piece.get(span.clone()).is_some_and(|text| NAMES.is_label(text, before.ends_with(before::is_quote)))
        };
        let shapes = shapes.filter(|span| !is_label(span));
        found.extend(shapes.map(|span| start + span.start..start + span.end));
        start += piece.len();
    }
    Some(found)
}

impl Masks {
    /// The text with these spans masked. Line breaks and blanks stay, so that lines remain lines.
    fn apply(&mut self, text: &str, spans: &[Range<usize>]) -> String {
        let (mut out, mut at) = (String::with_capacity(text.len()), 0);
        for run in runs(text) {
            self.own = self.own.max(run.len());
            self.has_own_literal |= is_literal(text, &run);
        }
        for span in spans {
            let (Some(kept), Some(secret)) = (text.get(at..span.start), text.get(span.clone())) else { continue };
            out.push_str(kept);
            let mask: String = secret.chars().map(|c| if c.is_whitespace() { c } else { MARK }).collect();
            if mask.chars().count() < MIN_RUN {
                let before = text.get(..span.start).and_then(|before| before.chars().next_back());
                let after = text.get(span.end..).and_then(|after| after.chars().next());
                self.short.push(before.into_iter().chain(mask.chars()).chain(after).collect());
            }
            self.lengths.extend(runs(&mask).map(|run| run.len()).filter(|length| *length >= MIN_RUN));
            out.push_str(&mask);
            (self.count, at) = (self.count + 1, span.end);
        }
        out.push_str(text.get(at..).unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests;

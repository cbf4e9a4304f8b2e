//! Joins tokens into a suggestion: decodes greedily with a joint probability and ends where the expected gain is highest. It changes nothing
//! learned; predicting a token is left to `predict`, the word before the cursor to `word`, and where a suggestion must end to `limit`.

use crate::context::{Context, Typed};
use crate::limit::{depth, first_line, limit};
use crate::predict::{Features, Next, Sources, Stage, probability};
use crate::store::base;
use crate::tally::Tally;
use crate::tokens::{Break, FIRST_WORD, TAB};
use crate::word::{AtWord, at_word, may_follow};

/// A request for a suggestion.
#[derive(Clone, Copy, Debug)]
pub struct Query<'a> {
    /// Path of the document, as it was opened.
    pub path: &'a str,
    /// Its language.
    pub language: &'a str,
    /// Text before the cursor; the last few kilobytes are enough.
    pub before: &'a str,
    /// Text after the cursor: at least the rest of the line and the next non-blank line, if there is one.
    pub after: &'a str,
    /// Line of the cursor, from zero.
    pub line: usize,
    /// Joint probability below which nothing is suggested.
    pub min_probability: f32,
    /// Characters below which nothing is suggested; indentation does not count.
    pub min_chars: usize,
    /// Tokens of a suggestion at most.
    pub max_tokens: usize,
    /// Lines of a suggestion at most; with one it stays on the cursor's line.
    pub max_lines: usize,
    /// One step of indentation in this document: a tab or some spaces.
    pub indent: &'a str,
    /// Characters that belong to words of the language besides letters, digits and `_`.
    pub word_chars: &'a str,
}

/// Text that is likely to follow.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggestion {
    /// The text to insert at the cursor.
    pub text: String,
    /// The probability that all of it is right.
    pub probability: f32,
    /// For each token, its end in `text` in bytes and the probability that the text up to there is right.
    pub tokens: Vec<(usize, f32)>,
    /// Lines it spans.
    pub lines: usize,
}

/// A token of a draft.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Where its text ends in the draft.
    pub(crate) end: usize,
    /// Joint probability up to here.
    pub(crate) joint: f32,
    /// The inputs of its own probability.
    pub(crate) features: Features,
    /// Line of the draft it is on, from one.
    line: usize,
    /// It is a line break.
    breaks: bool,
    /// A line break comes next.
    ends_line: bool,
}

impl Step {
    /// Whether a draft may end here: anywhere on its first line, but only at the ends of the others.
    fn is_end(&self) -> bool {
        !self.breaks && (self.line == 1 || self.ends_line)
    }
}

/// An unfinished suggestion.
pub(crate) struct Draft<'q> {
    query: &'q Query<'q>,
    pub(crate) text: String,
    pub(crate) steps: Vec<Step>,
    lines: usize,
    columns: u16,
    unit: u16,
}

/// The exponent of the probability in a suggestion's worth; one would maximize the expected characters per suggestion.
/// A higher one avoids wrong suggestions. Caution costs little, because the next suggestion can still offer the rest.
const CARE: i32 = 3;
/// Factor in the worth of a suggestion that completes a line.
const WHOLE_LINE: f32 = 1.5;
/// Factor in the worth of several lines that leave a bracket open.
const HALF_DONE: f32 = 0.8;
/// Joint probability below which no draft goes on, whatever the query asks.
const HOPELESS: f32 = 0.02;

impl<'q> Draft<'q> {
    /// Writes tokens while their joint probability is at least `floor`.
    pub(crate) fn write(query: &'q Query<'q>, sources: &Sources<'_>, floor: f32) -> Draft<'q> {
        let unit = unit(query, sources);
        let context = Context::read(query.before, sources.vocab, unit);
        let mut draft =
            Draft { query, text: String::new(), steps: Vec::new(), lines: 1, columns: context.columns, unit };
        draft.extend(context, sources, floor.max(HOPELESS));
        draft
    }

    fn extend(&mut self, context: Context<'_>, sources: &Sources<'_>, floor: f32) {
        let Context { mut tokens, mut typed, .. } = context;
        let mut tally = Tally::new();
        let mut whole = None;
        let mut next = None;
        if let Typed::Word(_) = typed {
            match at_word(sources, &tokens, &typed, &mut tally) {
                AtWord::Goes(longer) => next = Some(longer),
                AtWord::Unsure => return,
                AtWord::Whole(probability, token) => {
                    tokens.push(token);
                    (typed, whole) = (Typed::Nothing, Some(probability));
                }
            }
        }
        let mut joint = 1.0;
        let mut previous = None;
        for step in 0..self.query.max_tokens {
            let found = next.take().or_else(|| {
                sources.gather(&tokens, &typed, &mut tally);
                let stage = Stage { step, previous, whole: whole.filter(|_| step == 0) };
                sources.best(&tally, &tokens, &typed, stage, |_| true)
            });
            let Some(Next { token, features }) = found else { return };
            let own = probability(&features);
            if step == 0 && whole.is_some() && !may_follow(sources.vocab, token, own, self.query.word_chars) {
                return;
            }
            previous = Some(own);
            joint *= own;
            let breaks = base(token) < FIRST_WORD;
            if breaks && let Some(last) = self.steps.last_mut() {
                last.ends_line = !last.breaks;
            }
            if joint < floor || !self.add(sources, token, &typed) {
                return;
            }
            self.steps.push(Step { end: self.text.len(), joint, features, line: self.lines, breaks, ends_line: false });
            tokens.push(token);
            typed = Typed::Nothing;
        }
    }

    /// Writes one token; false if the suggestion must end before it.
    fn add(&mut self, sources: &Sources<'_>, token: u32, typed: &Typed<'_>) -> bool {
        if let Some(found) = Break::of(base(token)) {
            return self.break_line(found, matches!(typed, Typed::LineStart));
        }
        let Ok(text) = std::str::from_utf8(sources.vocab.text(base(token))) else { return false };
        let (space, text) = match typed {
            Typed::Word(word) => ("", text.get(word.text.len()..).unwrap_or_default()),
            Typed::Space => ("", text),
            _ if token & 1 == 1 => (" ", text),
            _ => ("", text),
        };
        self.text.push_str(space);
        self.text.push_str(text);
        !text.is_empty()
    }

    fn break_line(&mut self, found: Break, at_start: bool) -> bool {
        if !at_start {
            if self.lines >= self.query.max_lines || !first_line(self.query.after).trim().is_empty() {
                return false;
            }
            self.lines += 1;
            self.text.push('\n');
        }
        let change = match found {
            Break::Blank => return true,
            Break::Units(units) => units.saturating_mul(self.unit as i16),
            Break::Columns(columns) => columns,
        };
        let Some(columns) = self.columns.checked_add_signed(change) else { return false };
        self.columns = columns;
        let (steps, rest) = (columns / self.unit.max(1), columns % self.unit.max(1));
        (0..steps).for_each(|_| self.text.push_str(self.query.indent));
        (0..rest).for_each(|_| self.text.push(' '));
        true
    }

    /// Ends the draft where its worth is highest, among the ends that are likely enough; `None` if there are none.
    pub(crate) fn finish(self) -> Option<Suggestion> {
        let mut tokens: Vec<(usize, f32)> = self.steps.iter().map(|step| (step.end, step.joint)).collect();
        let limit = limit((self.query.before, self.query.after), &self.text, &tokens);
        let ends = self.steps.iter().filter(|step| step.is_end() && step.end <= limit);
        let worth = |step: &Step| {
            let text = self.text.get(..step.end).unwrap_or_default();
            let chars = visible(text);
            let shown = step.joint >= self.query.min_probability && chars >= self.query.min_chars.max(1);
            let whole = if step.ends_line { WHOLE_LINE } else { 1.0 };
            let open = if step.line > 1 && depth(text) > 0 { HALF_DONE } else { 1.0 };
            shown.then_some(step.joint.powi(CARE) * chars as f32 * whole * open)
        };
        let (end, _) = ends
            .filter_map(|step| Some((step, worth(step)?)))
            .reduce(|best, other| if other.1 > best.1 { other } else { best })?;
        tokens.retain(|(at, _)| *at <= end.end);
        let text = self.text.get(..end.end)?.to_owned();
        Some(Suggestion { lines: text.matches('\n').count() + 1, text, probability: end.joint, tokens })
    }
}

/// One step of indentation in columns: the document's, or the query's for a document with none.
fn unit(query: &Query<'_>, sources: &Sources<'_>) -> u16 {
    let said = if query.indent.contains('\t') { TAB } else { query.indent.len().clamp(1, 8) as u16 };
    sources.file.and_then(|(document, _)| document.unit()).unwrap_or(said)
}

/// Characters other than indentation and line breaks.
fn visible(text: &str) -> usize {
    text.split('\n')
        .enumerate()
        .map(|(index, line)| if index == 0 { line } else { line.trim_start() }.chars().count())
        .sum()
}

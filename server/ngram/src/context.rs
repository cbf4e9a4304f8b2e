//! The text before the cursor as tokens: the last complete ones, and the one that is partly typed.
//! It reads text and looks words up; predicting is left to `predict`.

use crate::store::{LONGEST_MATCH, UNKNOWN, base};
use crate::tokens::{Break, Lexeme, indentation, is_word, lexemes};
use crate::vocab::Vocab;

/// Lines read at most, the cursor's included. The limit on tokens does not bound blank lines.
const MOST_LINES: usize = 60;

/// The token at the cursor, as far as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed<'a> {
    /// Nothing is typed.
    Nothing,
    /// Only the space before it.
    Space,
    /// The beginning of a word, or a whole one.
    Word(Lexeme<'a>),
    /// The line is empty, although the code above is indented.
    LineStart,
}

/// The text before the cursor.
#[derive(Clone, Debug)]
pub(crate) struct Context<'a> {
    /// Tokens before the one at the cursor, oldest first.
    pub(crate) tokens: Vec<u32>,
    /// The token at the cursor.
    pub(crate) typed: Typed<'a>,
    /// Indentation of the last non-blank line, the cursor's included, in columns.
    pub(crate) columns: u16,
}

impl<'a> Context<'a> {
    /// Reads the text before the cursor; `unit` is one step of indentation in columns.
    pub(crate) fn read(before: &'a str, vocab: &Vocab, unit: u16) -> Context<'a> {
        let mut context = Context { tokens: Vec::with_capacity(64), typed: Typed::Nothing, columns: 0 };
        let mut lines = last_lines(before);
        let current = lines.pop().unwrap_or("");
        for (index, line) in lines.iter().enumerate() {
            let columns = indentation(line);
            if index > 0 || lines.len() < 2 {
                context.tokens.push(Break::new(context.columns, columns, unit).number() << 1);
                context.tokens.extend(lexemes(line).map(|lexeme| look_up(vocab, lexeme)));
            }
            context.columns = columns.unwrap_or(context.columns);
        }
        context.read_current(current, vocab, unit);
        context
    }

    fn read_current(&mut self, line: &'a str, vocab: &Vocab, unit: u16) {
        let trimmed = line.trim_end();
        if trimmed.is_empty() && line.is_empty() && self.columns > 0 {
            self.typed = Typed::LineStart;
            return;
        }
        let columns = indentation(line).or_else(|| indentation(&format!("{line}.")));
        self.tokens.push(Break::new(self.columns, columns, unit).number() << 1);
        self.columns = columns.unwrap_or(self.columns);
        let mut lexemes: Vec<Lexeme<'a>> = lexemes(line).collect();
        let gap = line.get(trimmed.len()..).unwrap_or_default();
        if gap.is_empty() && trimmed.ends_with(is_word) {
            self.typed = lexemes.pop().map_or(Typed::Nothing, Typed::Word);
        }
        self.tokens.extend(lexemes.into_iter().map(|lexeme| look_up(vocab, lexeme)));
        if trimmed.is_empty() {
            return;
        }
        match gap {
            "" => {}
            " " => self.typed = Typed::Space,
            gap => self.tokens.push(look_up(vocab, Lexeme { space: false, text: gap })),
        }
    }
}

/// The last lines of the text: enough for the longest match, and one more above. The last is the cursor's.
fn last_lines(before: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut tokens = 0;
    for line in before.rsplit('\n').take(MOST_LINES) {
        lines.push(line);
        if tokens > LONGEST_MATCH && indentation(line).is_some() {
            break;
        }
        tokens += 1 + lexemes(line).count();
    }
    lines.reverse();
    lines
}

fn look_up(vocab: &Vocab, lexeme: Lexeme<'_>) -> u32 {
    vocab.find(lexeme.text).map_or(UNKNOWN, |number| number << 1 | u32::from(lexeme.space))
}

impl Typed<'_> {
    /// True when `token` can be the token at the cursor.
    pub(crate) fn fits(&self, vocab: &Vocab, token: u32) -> bool {
        match self {
            Typed::Nothing => true,
            Typed::Space => token & 1 == 1,
            Typed::LineStart => matches!(Break::of(base(token)), Some(Break::Units(_) | Break::Columns(_))),
            Typed::Word(word) => {
                token & 1 == u32::from(word.space) && vocab.text(base(token)).starts_with(word.text.as_bytes())
            }
        }
    }
}

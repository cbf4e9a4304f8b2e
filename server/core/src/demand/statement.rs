//! Reads one import as tokens: where it ends, and where its names stand in it. It leaves taking the names apart to `import`.

use std::ops::Range;

use pennyworth_grammars::Facts;

use crate::lex::{self, Kind, Token};

/// Stands in a fact for any text.
const ANY: char = '…';
/// Most tokens of an import. Of a longer one only the first line counts.
const MOST: usize = 4_000;

/// Code with its tokens.
pub(super) struct Code<'t> {
    pub(super) text: &'t str,
    pub(super) facts: &'t Facts,
    tokens: Vec<Token>,
}

/// An import.
pub(super) struct Statement {
    /// Its tokens, without comments, and without line breaks unless these stand between names.
    pub(super) tokens: Vec<Token>,
    /// Its bytes, with the end of its last line.
    pub(super) range: Range<usize>,
}

impl<'t> Code<'t> {
    pub(super) fn new(text: &'t str, facts: &'t Facts) -> Code<'t> {
        Code { text, facts, tokens: lex::scan(text, facts).tokens }
    }

    pub(super) fn shown(&self, token: &Token) -> &'t str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    /// The import that begins on the line from a byte on.
    pub(super) fn statement(&self, at: usize) -> Option<Statement> {
        let line = line_at(self.text, at);
        let marks: Vec<&String> = self.facts.head.imports.iter().filter(|mark| begins(line, mark)).collect();
        if marks.is_empty() {
            return None;
        }
        let tokens = self.tokens.get(self.tokens.partition_point(|token| token.start < at)..)?;
        let is_code = |token: &Token| !matches!(token.kind, Kind::String | Kind::Comment { .. } | Kind::Break);
        let start = at + line.len() - line.trim_start().len();
        tokens.first().filter(|token| token.start == start && is_code(token))?;
        let count = self.count(tokens, line);
        let end = tokens.get(count).map_or(self.text.len(), |line_break| line_break.end);
        let is_kept = |token: &&Token| match token.kind {
            Kind::Comment { .. } => false,
            Kind::Break => self.facts.head.lines,
            // It joins two lines.
            Kind::Sign('\\') => !self.text.get(token.end..).is_some_and(|rest| rest.starts_with('\n')),
            _ => true,
        };
        let tokens: Vec<Token> = tokens.get(..count)?.iter().filter(is_kept).copied().collect();
        let is_import = marks.iter().any(|mark| self.holds(&tokens, mark));
        is_import.then_some(Statement { tokens, range: at..end })
    }

    /// Whether tokens hold, outside brackets, what stands behind the `…` of a mark.
    fn holds(&self, tokens: &[Token], mark: &str) -> bool {
        let Some((_, rest)) = mark.split_once(ANY) else { return true };
        let is_here = |token: &Token| self.text.get(token.start..).is_some_and(|text| text.starts_with(rest.trim()));
        outside(tokens).any(|place| tokens.get(place).is_some_and(is_here))
    }

    /// The number of tokens of a statement: up to the line break that ends it, or to the first one if its brackets do not close.
    fn count(&self, tokens: &[Token], line: &str) -> usize {
        let is_directive = self.facts.directives.iter().any(|mark| line.trim_start().starts_with(mark.as_str()));
        let whole = (self.facts.head.terminated && !is_directive).then(|| self.end(tokens, true)).flatten();
        let whole = whole.filter(|end| tokens.get(..*end).is_some_and(|tokens| self.is_terminated(tokens)));
        let first = || tokens.iter().position(|token| token.kind == Kind::Break).unwrap_or(tokens.len());
        whole.or_else(|| self.end(tokens, false)).unwrap_or_else(first)
    }

    fn is_terminated(&self, tokens: &[Token]) -> bool {
        let last = tokens.iter().rfind(|token| !matches!(token.kind, Kind::Comment { .. } | Kind::Break));
        last.is_some_and(|last| self.shown(last) == self.facts.terminator)
    }

    /// The first line break outside brackets behind which a statement does not go on.
    fn end(&self, tokens: &[Token], to_terminator: bool) -> Option<usize> {
        let (mut depth, mut last) = (0_usize, None);
        for (place, token) in tokens.iter().enumerate().take(MOST) {
            match token.kind {
                Kind::Comment { .. } => continue,
                Kind::Open(_) => depth += 1,
                Kind::Close(_) => depth = depth.saturating_sub(1),
                Kind::Break => {
                    let next = tokens.get(place + 1);
                    if depth == 0 && !last.is_some_and(|last| self.goes_on(last, token, next, to_terminator)) {
                        return Some(place);
                    }
                    continue;
                }
                _ => {}
            }
            last = Some(token);
        }
        (depth == 0 && tokens.len() <= MOST).then_some(tokens.len())
    }

    /// Whether a statement goes on behind a line break, by the token before it and the one behind it.
    fn goes_on(&self, last: &Token, line_break: &Token, next: Option<&Token>, to_terminator: bool) -> bool {
        let is_joined = last.kind == Kind::Sign('\\') && last.end == line_break.start;
        let begins = |next: &Token| {
            let line = line_at(self.text, next.start);
            let head = &self.facts.head;
            next.kind == Kind::Break || head.imports.iter().chain(&head.once).any(|mark| begins(line, mark))
        };
        let is_open = || self.shown(last) != self.facts.terminator && last.kind != Kind::Close('}');
        last.kind == Kind::Sign(',') || is_joined || to_terminator && is_open() && !next.is_none_or(begins)
    }

    /// The names of an import with its tokens, and what it looks like around them.
    pub(super) fn names(&self, tokens: &[Token]) -> Option<(&'t str, Range<usize>)> {
        let fits = |form: &'t String| Some((form.as_str(), self.names_of(tokens, form)?));
        self.facts.head.names.iter().find_map(fits)
    }

    fn names_of(&self, tokens: &[Token], form: &str) -> Option<Range<usize>> {
        let outside: Vec<usize> = outside(tokens).collect();
        let (mut names, mut behind) = (0..0, None);
        for part in form.split(ANY) {
            let words: Vec<&str> = words(part, self.facts);
            let is_here = |place: usize| {
                let these = tokens.get(place..place + words.len()).unwrap_or_default();
                these.len() == words.len() && these.iter().zip(&words).all(|(token, word)| self.shown(token) == *word)
            };
            let start = match behind {
                None => 0,
                Some(_) if words.is_empty() => tokens.len(),
                Some(from) => *outside.iter().find(|place| **place > from && is_here(**place))?,
            };
            if !is_here(start) {
                return None;
            }
            names = behind.unwrap_or(start)..start;
            behind = Some(start + words.len());
        }
        Some(names).filter(|names| !names.is_empty())
    }

    /// Tokens as they stand in the text, with one blank for white space and comments between them.
    pub(super) fn joined(&self, tokens: &[Token]) -> String {
        let mut joined = String::new();
        let mut end = None;
        for token in tokens.iter().filter(|token| token.kind != Kind::Break) {
            if end.is_some_and(|end| end < token.start) {
                joined.push(' ');
            }
            joined.push_str(self.shown(token));
            end = Some(token.end);
        }
        joined
    }
}

/// The places of tokens outside brackets. Brackets themselves are outside of what they hold.
pub(super) fn outside(tokens: &[Token]) -> impl Iterator<Item = usize> {
    let mut depth = 0_usize;
    let places = tokens.iter().enumerate().filter(move |(_, token)| {
        depth = if matches!(token.kind, Kind::Close(_)) { depth.saturating_sub(1) } else { depth };
        let is_outside = depth == 0;
        depth += usize::from(matches!(token.kind, Kind::Open(_)));
        is_outside
    });
    places.map(|(place, _)| place)
}

/// The words and signs of a text.
fn words<'p>(part: &'p str, facts: &Facts) -> Vec<&'p str> {
    lex::scan(part, facts).tokens.iter().filter_map(|token| part.get(token.start..token.end)).collect()
}

/// Whether a line begins with a mark, of which what is behind the first `…` may stand on a later one.
pub(super) fn begins(line: &str, mark: &str) -> bool {
    let (line, first) = (line.trim(), mark.split(ANY).next().unwrap_or(mark));
    line.starts_with(first) || line == first.trim_end()
}

/// The line from a byte on, with its end.
pub(super) fn line_at(text: &str, at: usize) -> &str {
    text.get(at..).and_then(|rest| rest.split_inclusive('\n').next()).unwrap_or_default()
}

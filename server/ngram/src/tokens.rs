//! Lexical tokens of any language: words, operators, runs; and the line break as a token that carries the change of indentation.
//! It knows no grammar and no vocabulary; numbering the tokens is left to `prepared` and `vocab`.

/// Bytes after which a word or a run is split, so that tokens are bounded.
const LONGEST: usize = 96;
/// Columns of a tab, the unit of files that indent by tabs.
pub(crate) const TAB: u16 = 8;
/// Deepest indentation distinguished, in columns.
const DEEPEST: u16 = 400;

/// Operators of three and two characters that are one token. `>>` is two tokens, because it closes generics.
const OPERATORS: [&str; 44] = [
    "...", "===", "!==", "\"\"\"", "'''", "```", "///", "//!", "..=", "<<=", ">>=", "/**", "::", "->", "=>", "==",
    "!=", "<=", ">=", "&&", "||", "+=", "-=", "*=", "/=", "|=", "&=", "^=", "%=", "..", "//", "/*", "*/", "<<", "**",
    "??", "?.", ":=", "++", "--", "<-", "</", "/>", "#[",
];

/// One token of a line: its text and whether one space stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lexeme<'a> {
    /// A single space stands before the text; longer gaps are tokens of their own.
    pub(crate) space: bool,
    /// The text without that space.
    pub(crate) text: &'a str,
}

/// Whether words may contain the character.
pub(crate) fn is_word(c: char) -> bool {
    c == '_' || if c.is_ascii() { c.is_ascii_alphanumeric() } else { c.is_alphanumeric() }
}

fn is_gap(c: char) -> bool {
    c == ' ' || c == '\t'
}

/// The tokens of one line, without its indentation and the blanks at its end.
pub(crate) fn lexemes(line: &str) -> impl Iterator<Item = Lexeme<'_>> {
    Lexemes { rest: line.trim() }
}

struct Lexemes<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Lexemes<'a> {
    type Item = Lexeme<'a>;

    fn next(&mut self) -> Option<Lexeme<'a>> {
        let gap = self.rest.len() - self.rest.trim_start_matches(is_gap).len();
        let space = gap == 1 && self.rest.starts_with(' ');
        if gap > 0 && !space {
            return Some(Lexeme { space: false, text: self.take(gap.min(LONGEST)) });
        }
        if space {
            self.take(1);
        }
        let length = token_length(self.rest)?;
        Some(Lexeme { space, text: self.take(length) })
    }
}

impl<'a> Lexemes<'a> {
    fn take(&mut self, length: usize) -> &'a str {
        let (head, tail) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = tail;
        head
    }
}

/// Bytes of the token at the start of `text`, where no blank stands; `None` at its end.
fn token_length(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    if is_word(first) {
        return Some(run(text, is_word));
    }
    let same = run(text, |c| c == first);
    if same > 3 * first.len_utf8() && first.is_ascii_punctuation() && !is_bracket(first) {
        return Some(same);
    }
    if first.is_ascii() {
        let operator = OPERATORS.iter().find(|operator| text.starts_with(**operator));
        return Some(operator.map_or(1, |operator| operator.len()));
    }
    Some(first.len_utf8())
}

fn is_bracket(c: char) -> bool {
    matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | '<' | '>')
}

/// Bytes of the leading characters that pass, at most [`LONGEST`].
fn run(text: &str, passes: impl Fn(char) -> bool) -> usize {
    let mut end = 0;
    for c in text.chars() {
        if !passes(c) || end + c.len_utf8() > LONGEST {
            break;
        }
        end += c.len_utf8();
    }
    end
}

/// A line's indentation in columns; `None` for a blank line. A tab goes to the next multiple of [`TAB`].
pub(crate) fn indentation(line: &str) -> Option<u16> {
    let mut columns = 0_u16;
    for c in line.chars() {
        match c {
            ' ' => columns = columns.saturating_add(1),
            '\t' => columns = (columns / TAB).saturating_add(1).saturating_mul(TAB),
            _ if c.is_whitespace() => {}
            _ => return Some(columns.min(DEEPEST)),
        }
    }
    None
}

/// The line break as a token: the next line's indentation relative to the last non-blank line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Break {
    /// The line is blank.
    Blank,
    /// Deeper (above zero) or shallower by this many units.
    Units(i16),
    /// Deeper or shallower by columns that are no multiple of the unit.
    Columns(i16),
}

const MOST_UNITS: i16 = 8;
const MOST_COLUMNS: i16 = 40;
const FIRST_UNITS: u32 = 1;
const BLANK: u32 = FIRST_UNITS + 2 * MOST_UNITS as u32 + 1;
const FIRST_COLUMNS: u32 = BLANK + 1;
/// The first number for words; lower numbers are line breaks.
pub(crate) const FIRST_WORD: u32 = 128;

impl Break {
    /// The break before a line indented by `columns` (`None`: blank) after a line indented by `above`.
    pub(crate) fn new(above: u16, columns: Option<u16>, unit: u16) -> Break {
        let Some(columns) = columns else { return Break::Blank };
        let change = columns as i16 - above as i16;
        let unit = unit.max(1) as i16;
        if change % unit == 0 {
            Break::Units((change / unit).clamp(-MOST_UNITS, MOST_UNITS))
        } else {
            Break::Columns(change.clamp(-MOST_COLUMNS, MOST_COLUMNS))
        }
    }

    /// Its number, below [`FIRST_WORD`].
    pub(crate) fn number(self) -> u32 {
        match self {
            Break::Blank => BLANK,
            Break::Units(units) => FIRST_UNITS + (units + MOST_UNITS) as u32,
            Break::Columns(columns) => FIRST_COLUMNS + (columns + MOST_COLUMNS) as u32,
        }
    }

    /// The break with this number; `None` for words.
    pub(crate) fn of(number: u32) -> Option<Break> {
        match number {
            BLANK => Some(Break::Blank),
            FIRST_UNITS..BLANK => Some(Break::Units((number - FIRST_UNITS) as i16 - MOST_UNITS)),
            FIRST_COLUMNS..FIRST_WORD if number <= FIRST_COLUMNS + 2 * MOST_COLUMNS as u32 => {
                Some(Break::Columns((number - FIRST_COLUMNS) as i16 - MOST_COLUMNS))
            }
            _ => None,
        }
    }
}

/// Counts how the lines of a file are indented, so that the unit can follow edits line by line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Units {
    tabs: u32,
    halves: u32,
    lines: u32,
}

impl Units {
    /// Counts a line in (`1`) or out (`-1`).
    pub(crate) fn count(&mut self, line: &str, by: i32) {
        if let Some(columns) = indentation(line).filter(|columns| *columns > 0) {
            self.count_columns(columns, line.starts_with('\t'), by);
        }
    }

    /// Counts a line whose indentation in columns is already known.
    pub(crate) fn count_columns(&mut self, columns: u16, tab: bool, by: i32) {
        self.lines = self.lines.saturating_add_signed(by);
        if tab {
            self.tabs = self.tabs.saturating_add_signed(by);
        } else if columns % 4 == 2 {
            self.halves = self.halves.saturating_add_signed(by);
        }
    }

    /// One step of indentation in columns.
    pub(crate) fn unit(&self) -> u16 {
        match self {
            Units { tabs, lines, .. } if *tabs * 2 > *lines => TAB,
            Units { halves, lines, .. } if *halves * 5 > *lines => 2,
            _ => 4,
        }
    }
}

/// A hash of a token's text, the same in prepared files and in the shared vocabulary.
pub(crate) fn hash(text: &str) -> u32 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ text.len() as u64;
    let mut chunks = text.as_bytes().chunks_exact(8);
    for chunk in &mut chunks {
        let word = chunk.iter().fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
        state = (state ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd).rotate_left(29);
    }
    let word = chunks.remainder().iter().fold(1_u64, |word, byte| word << 8 | u64::from(*byte));
    state = (state ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (state ^ state >> 32).wrapping_mul(0xc4ce_b9fe_1a85_ec53).rotate_left(32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_into_tokens() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("   \t ", &[]),
            ("let x = y;", &["let", " x", " =", " y", ";"]),
            ("    a.b::<C>(1.5)  ", &["a", ".", "b", "::", "<", "C", ">", "(", "1", ".", "5", ")"]),
            ("x   = 1", &["x", "   ", "=", " 1"]),
            ("a\tb", &["a", "\t", "b"]),
            ("// ======= é漢", &["//", " =======", " é漢"]),
            ("f(())))", &["f", "(", "(", ")", ")", ")", ")"]),
            ("🦀👍🏽", &["🦀", "👍", "🏽"]),
        ];
        for (line, expected) in cases {
            let found: Vec<String> =
                lexemes(line).map(|l| format!("{}{}", if l.space { " " } else { "" }, l.text)).collect();
            assert_eq!(&found, expected, "{line:?}");
        }
    }

    #[test]
    fn breaks_keep_their_number() {
        for number in 0..FIRST_WORD {
            if let Some(found) = Break::of(number) {
                assert_eq!(found.number(), number);
            }
        }
        assert_eq!(Break::new(4, Some(8), 4), Break::Units(1));
        assert_eq!(Break::new(8, Some(0), 2), Break::Units(-4));
        assert_eq!(Break::new(4, Some(11), 4), Break::Columns(7));
        assert_eq!(Break::new(4, None, 4), Break::Blank);
        assert_eq!(Break::new(0, Some(DEEPEST), 3), Break::Columns(MOST_COLUMNS));
    }

    #[test]
    fn the_unit_follows_the_lines() {
        let cases = [("a\n\tb\n\t\tc", 8), ("a\n  b\n    c", 2), ("a\n    b\n        c", 4), ("", 4)];
        for (text, unit) in cases {
            let mut units = Units::default();
            text.split('\n').for_each(|line| units.count(line, 1));
            assert_eq!(units.unit(), unit, "{text:?}");
            text.split('\n').for_each(|line| units.count(line, -1));
            assert_eq!(units, Units::default());
        }
    }
}

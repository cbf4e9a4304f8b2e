//! Columns of indentation: of white space, of a line, and of the line where a head begins.

use pennyworth_grammars::Facts;

use crate::lex;

/// The columns of white space; a tab counts as a whole step.
pub(crate) fn width(blanks: &str, step: usize) -> usize {
    blanks.chars().map(|c| if c == '\t' { step } else { 1 }).sum()
}

/// The white space a line begins with.
pub(crate) fn leading(line: &str) -> &str {
    line.get(..line.len() - line.trim_start_matches([' ', '\t']).len()).unwrap_or_default()
}

/// Columns of the indentation of the line that holds a byte.
pub(super) fn indentation(text: &str, at: usize, step: usize) -> usize {
    width(leading(text.get(line_start(text, at)..).unwrap_or_default()), step)
}

/// Where the line that holds a byte begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or_default().rfind('\n').map_or(0, |at| at + 1)
}

/// Columns of the indentation of a text's last line; if that closes brackets of lines above, of the line where those were opened.
pub(super) fn head_column(text: &str, step: usize, facts: &Facts) -> usize {
    let start = line_start(text, text.len());
    let line = text.get(start..).unwrap_or_default();
    let own = width(leading(line), step);
    let closes = |c: char| facts.brackets.iter().any(|(_, close)| *close == c);
    if !line.contains(closes) || lex::scan(line, facts).unopened.is_empty() {
        return own;
    }
    let above = lex::scan(text.get(..start).unwrap_or_default(), facts);
    above.bracket().map_or(own, |(open, _)| indentation(text, open.start, step).min(own))
}

//! Whether a text ends in the middle of something: a line that opens what the user will fill, or one that goes on in the next.
//! It leaves what is open to `trim`.

use pennyworth_grammars::Layout;

use super::around::Around;
use crate::lex::{self, Kind, Nest, Scan, Token};

/// Words that something must follow.
const OPERATORS: [&str; 11] = ["and", "or", "not", "in", "is", "else", "new", "await", "extends", "implements", "as"];

/// Whether a text is shown as it is: a line that opens what the user will fill, or one that goes on in the next.
pub(super) fn is_unfinished(text: &str, around: &Around) -> bool {
    let (whole, scan) = around.scan(text);
    let from = around.context.len();
    let code = |token: &&Token| token.end > from && !matches!(token.kind, Kind::Comment { .. } | Kind::Break);
    if opens_text(&whole, &scan, around) {
        return true;
    }
    let Some(last) = scan.tokens.iter().rfind(code) else { return false };
    let (before, own) =
        (whole.get(..last.start).unwrap_or_default(), whole.get(last.start..last.end).unwrap_or_default());
    let facts = around.facts;
    let line = whole.trim_end().rfind('\n').unwrap_or(0).max(from);
    let opens_block = scan.open.iter().any(|open| open.start >= line && matches!(open.nest, Nest::Block(_)));
    match last.kind {
        Kind::Open(_) => true,
        // `i++` and `i--` are whole.
        Kind::Sign(c) if "+-".contains(c) => !before.ends_with(c),
        // `=>` and `->` want more, the end of a list of types does not; `f()?` is whole, `is_empty ?` is not.
        Kind::Sign('>') => before.ends_with(['=', '-']),
        Kind::Sign('?') => before.ends_with(char::is_whitespace),
        Kind::Sign(',') => facts.terminator != "," || scan.open.iter().any(|open| open.start >= from),
        Kind::Sign(c) => "=*/%&|^<:~\\".contains(c),
        Kind::Word => OPERATORS.contains(&own) || facts.openers.iter().any(|opener| opener == own) || opens_block,
        _ => opens_block,
    }
}

/// Whether a text ends with the opener of a comment, of a here-document or of an element.
fn opens_text(whole: &str, scan: &Scan, around: &Around) -> bool {
    let (from, facts) = (around.context.len(), around.facts);
    let comment = scan.open.last().filter(|open| open.start >= from).is_some_and(|open| {
        let text = whole.get(open.start..).unwrap_or_default().trim();
        matches!(&open.nest, Nest::Comment { close, .. } if !close.is_empty())
            && text.chars().all(|c| !c.is_alphanumeric())
    });
    let heredoc = facts.heredocs && {
        let below = lex::scan(&[whole, "\n"].concat(), facts);
        below.literal().is_some_and(|open| open.start >= whole.len())
    };
    comment || heredoc || (facts.layout == Layout::Markup && whole.ends_with('>'))
}

/// Whether a text holds comments only.
pub(super) fn is_comment(text: &str, around: &Around) -> bool {
    let (_, scan) = around.scan(text);
    let mut own = scan.tokens.iter().filter(|token| token.end > around.context.len() && token.kind != Kind::Break);
    own.all(|token| matches!(token.kind, Kind::Comment { .. }))
}

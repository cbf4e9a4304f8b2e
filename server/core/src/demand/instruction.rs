//! An instruction in a comment: `// pw: return early`, with the lines of the same comment that go on with it. It leaves the edit, and taking the comment
//! away, to others.

use std::ops::Range;

use super::documented::is_directive;
use super::source::Source;
use crate::lex::{self, Kind, Token};

/// The mark of an instruction in a comment.
pub const MARK: &str = "pw:";

/// What a comment says to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Its words.
    pub words: String,
    /// The bytes of the comment, and of its lines where nothing else stands on them.
    pub comment: Range<usize>,
}

/// The instruction in a comment at the beginning of some lines, or just above them. Lines are counted from 0. A comment without words is none.
pub fn instruction(source: &Source, lines: Range<usize>) -> Option<Instruction> {
    let comments = comments(source);
    let stands_at = |bytes: &Range<usize>, at: usize| {
        (source.line(bytes.start)..=source.line(bytes.end.saturating_sub(1).max(bytes.start))).contains(&at)
    };
    let found: Vec<(String, Range<usize>)> =
        (0..comments.len()).filter_map(|place| told(source, comments.get(place..)?)).collect();
    let places = [Some(lines.start), lines.start.checked_sub(1)];
    let at = |at: usize| found.iter().find(|(_, bytes)| stands_at(bytes, at));
    let (words, bytes) = places.into_iter().flatten().find_map(at)?;
    Some(Instruction { words: words.clone(), comment: with_its_lines(&source.text, bytes) })
}

/// A comment, whole.
struct Comment {
    bytes: Range<usize>,
    /// Whether it ends with its line.
    line: bool,
    doc: bool,
}

/// The comments of a file. One of several lines is a token for each of them.
fn comments(source: &Source) -> Vec<Comment> {
    let blocks = &source.language.facts().block_comments;
    let (mut found, mut close): (Vec<Comment>, Option<&str>) = (Vec::new(), None);
    for Token { kind, start, end, .. } in lex::scan(&source.text, source.language.facts()).tokens {
        let Kind::Comment { doc, line } = kind else {
            close = None;
            continue;
        };
        let shown = source.text.get(start..end).unwrap_or_default();
        match found.last_mut().filter(|_| !line && close.is_some()) {
            Some(open) => open.bytes.end = end,
            None => {
                let opened = blocks.iter().find(|(open, _)| !line && shown.starts_with(open.as_str()));
                close = opened.map(|(_, close)| close.as_str());
                found.push(Comment { bytes: start..end, line, doc });
            }
        }
        close = close.filter(|close| !shown.ends_with(close));
    }
    found
}

/// What the first of some comments tells, with those that go on with it.
fn told(source: &Source, comments: &[Comment]) -> Option<(String, Range<usize>)> {
    let (first, rest) = comments.split_first()?;
    // The mark begins a comment; elsewhere it may stand before a password.
    let said = said(source, first);
    let mut words = vec![said.strip_prefix(MARK)?.trim().to_owned()];
    let mut bytes = first.bytes.clone();
    for next in rest.iter().take_while(|_| first.line) {
        match goes_on(source, &bytes, next) {
            Some(more) => words.push(more),
            None => break,
        }
        bytes.end = next.bytes.end;
    }
    let words = words.join("\n").trim().to_owned();
    (!words.is_empty()).then_some((words, bytes))
}

/// The words of a comment that goes on with the one above it: one more line at its column, which is neither empty nor one for a tool, and begins no
/// sentence. What does so may be a comment that has to stay.
fn goes_on(source: &Source, above: &Range<usize>, next: &Comment) -> Option<String> {
    let said = said(source, next);
    let begins_sentence = said.chars().next().is_none_or(char::is_uppercase);
    let shown = source.text.get(next.bytes.clone())?;
    let is_other = !next.line || next.doc || begins_sentence || is_directive(shown) || said.starts_with(MARK);
    let gap = source.text.get(above.end..next.bytes.start)?;
    let column = |at: usize| source.text.get(..at).and_then(|before| before.rsplit('\n').next());
    let is_below = gap.trim().is_empty() && gap.matches('\n').count() == 1;
    (is_below && !is_other && column(above.start) == column(next.bytes.start)).then_some(said)
}

/// The words of a comment, without its marks.
fn said(source: &Source, comment: &Comment) -> String {
    let shown = source.text.get(comment.bytes.clone()).unwrap_or_default();
    let blocks = source.language.facts().block_comments.iter().filter(|_| !comment.line);
    let inner = blocks.fold(shown, |shown, (_, close)| shown.trim_end().trim_end_matches(close.as_str()));
    let lines = inner.lines().map(|line| line.trim_start_matches(|c: char| !c.is_alphanumeric()).trim_end());
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// The bytes of a comment, with its lines and their end if nothing else stands on them, else with the blanks before it at the end of a line.
fn with_its_lines(text: &str, comment: &Range<usize>) -> Range<usize> {
    let before = text.get(..comment.start).unwrap_or_default();
    let behind = text.get(comment.end..).unwrap_or_default();
    let rest = behind.find('\n').and_then(|end| behind.get(..end)).unwrap_or(behind);
    if !rest.trim().is_empty() {
        return comment.clone();
    }
    let line = before.rfind('\n').map_or(0, |line| line + 1);
    let end = comment.end + rest.len();
    match text.get(line..comment.start).is_some_and(|before| before.trim().is_empty()) {
        true => line..(end + 1).min(text.len()),
        false => before.trim_end().len()..end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words, and the text without the comment.
    fn found(language: &str, text: &str, lines: Range<usize>) -> Option<(String, String)> {
        let source = Source::new("a", pennyworth_grammars::by_name(language).unwrap(), text);
        let Instruction { words, comment } = instruction(&source, lines)?;
        let mut rest = text.to_owned();
        rest.replace_range(comment, "");
        Some((words, rest))
    }

    #[test]
    fn an_instruction_is_a_comment_with_the_lines_that_go_on_with_it() {
        for (language, text, line, words, rest) in [
            ("rust", "// pw: return early\nfn a() {}\n", 1, "return early", "fn a() {}\n"),
            ("rust", "// pw: return early\nfn a() {}\n", 0, "return early", "fn a() {}\n"),
            ("go", "// pw: use two\n// and more words\nfunc F() {}\n", 2, "use two\nand more words", "func F() {}\n"),
            ("go", "// pw: use two\n// F is one.\nfunc F() {}\n", 1, "use two", "// F is one.\nfunc F() {}\n"),
            ("go", "// pw: use two\n//go:noinline\nfunc F() {}\n", 1, "use two", "//go:noinline\nfunc F() {}\n"),
            ("rust", "// pw: use two\n/// is one.\nfn f() {}\n", 1, "use two", "/// is one.\nfn f() {}\n"),
            ("c", "/*\n * pw: use two\n *     and three\n */\nint f;\n", 4, "use two\nand three", "int f;\n"),
            ("c", "/* pw: use two */\nint f;\n", 1, "use two", "int f;\n"),
            ("c", "f(/* pw: use two */ 1);\n", 0, "use two", "f( 1);\n"),
            ("css", "/* pw: make it red */\na { b: c }\n", 1, "make it red", "a { b: c }\n"),
            ("html", "<!-- pw: use two -->\n<p>1</p>\n", 1, "use two", "<p>1</p>\n"),
            ("python", "x = 1  # pw: use two\n", 0, "use two", "x = 1\n"),
            ("python", "x = 1\n# pw: use two", 0, "", ""),
            ("python", "def f():\n    # pw: use two\n    return 1\n", 2, "use two", "def f():\n    return 1\n"),
            ("python", "# pw:\ndef f():\n    return 1\n", 1, "", ""),
            ("c", "/* pw: */\nint f;\n", 1, "", ""),
            ("c", "/* pw: a */\n/* b */\nint f;\n", 1, "a", "/* b */\nint f;\n"),
            ("yaml", "db:\n  pw: Tr0ub4dor9xQ\n", 1, "", ""),
            ("rust", "x\nfn login(user: &str, pw: &str) {}\n", 1, "", ""),
            ("rust", "x\nlet a = \"http://user_pw:80\";\n", 1, "", ""),
            ("rust", "x\n// The pw: it is short.\n", 1, "", ""),
        ] {
            let expected = (!words.is_empty()).then(|| (words.to_owned(), rest.to_owned()));
            assert_eq!(found(language, text, line..line + 1), expected, "{language}: {text}");
        }
    }
}

//! The text above a window, which is not sent: a value at the window's top may belong to a name there. It holds the lines just above, and in front of
//! them the heads of the blocks and tables around them, however far up within reach. It leaves what the names mean to `mask`.

use ropey::Rope;

use super::breaks::normalised;
use crate::text::slice;

/// Bytes above a window in which heads are looked for.
const REACH: usize = 64 * 1024;
/// Most heads, and most bytes of one.
const MAX_HEADS: usize = 16;
const MAX_HEAD_BYTES: usize = 256;
/// Stands for the lines between the heads and the lines just above. No expression outside brackets goes on behind it.
const GAP: &str = "…\n";
/// The line that parts documents of YAML, and the one that says what a document is.
const DOCUMENT: &str = "---";
const KIND: &str = "kind:";

/// What stands above a byte of a text: the last `most` bytes, and the heads around them.
pub fn above(text: &Rope, start: usize, most: usize) -> String {
    let reach = slice(text, start.saturating_sub(REACH), start);
    let reach = normalised(&reach);
    // Lines stay whole where there are any.
    let from = reach.len().saturating_sub(most);
    let from = (from..reach.len()).find(|at| reach.is_char_boundary(*at)).unwrap_or(reach.len());
    let is_cut = from > 0 || start > REACH;
    let line = reach.get(from..).and_then(|rest| rest.find('\n')).filter(|_| is_cut);
    let (far, near) = reach.split_at_checked(line.map_or(from, |end| from + end + 1)).unwrap_or(("", &reach));
    let inner = near.lines().find(|line| !is_blank(line)).map_or(MAX_HEAD_BYTES, indent);
    let heads = heads(far, inner);
    match heads.is_empty() {
        true => near.to_owned(),
        false => [&heads.concat(), &" ".repeat(inner.min(MAX_HEAD_BYTES)), GAP, near].concat(),
    }
}

/// The lines of a text that head what is indented by `inner` below it: each is indented less than the one after it. To them belong the head of
/// the table, and the lines that say what kind of document this is.
fn heads(far: &str, mut inner: usize) -> Vec<&str> {
    let mut lines = far.split_inclusive('\n').rev().filter(|line| !is_blank(line)).peekable();
    let (mut found, mut has_table) = (Vec::new(), false);
    while let Some(line) = lines.next().filter(|_| found.len() < MAX_HEADS) {
        let (own, is_table) = (indent(line), line.starts_with('[') && line.trim_end().ends_with(']'));
        let is_head = own < inner || (is_table && !has_table) || line.starts_with(KIND) || line.starts_with(DOCUMENT);
        if !is_head || line.len() > MAX_HEAD_BYTES {
            continue;
        }
        found.push(line);
        // A bracket on a line of its own belongs to the line above it.
        let is_bracket = ["{", "(", "["].contains(&line.trim());
        found.extend(lines.next_if(|above| is_bracket && above.len() <= MAX_HEAD_BYTES));
        (inner, has_table) = (inner.min(own), has_table || is_table);
        if line.starts_with(DOCUMENT) {
            break;
        }
    }
    found.reverse();
    found
}

fn indent(line: &str) -> usize {
    line.bytes().take_while(|byte| b" \t".contains(byte)).count()
}

fn is_blank(line: &str) -> bool {
    line.as_bytes().get(indent(line)).is_none_or(|byte| *byte == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_heads_around_the_lines_just_above() {
        let rows = |row: &str| row.repeat(400);
        for (text, expected) in [
            (format!("x = 1\nPASSWORDS = {{\n{}", rows("    'a': 'b',\n")), "PASSWORDS = {\n    …\n    'a': 'b',\n"),
            (format!("a {{\n  b:\n{}", rows("    c: d\n")), "a {\n  b:\n    …\n    c: d\n"),
            (format!("a =\n{{\n{}", rows("  1,\n")), "a =\n{\n  …\n  1,\n"),
            (format!("[a]\n[b]\nx = 1\n{}", rows("c = 2\n")), "[b]\n…\nc = 2\n"),
            (
                format!("kind: A\n---\nkind: B\nmeta:\n  m: 1\ndata:\n{}", rows("  c: d\n")),
                "---\nkind: B\ndata:\n  …\n  c: d\n",
            ),
            (rows("c = 2\n"), "c = 2\n"),
            ("ü".repeat(9000), "üü"),
            ("short\n".to_owned(), "short\n"),
        ] {
            let found = above(&Rope::from(text.as_str()), text.len(), 1000);
            assert!(found.starts_with(expected) && found.len() < 1100, "{expected}: {found}");
            assert_eq!(above(&Rope::from(text.as_str()), 0, 1000), "", "{expected}");
        }
        assert_eq!(above(&Rope::from("a\r\nb\r\n"), 6, 100), "a\nb\n");
    }
}

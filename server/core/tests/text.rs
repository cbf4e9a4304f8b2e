//! The document against a plain string: the same edits, in three encodings, must give the same text, positions and offsets.
#![expect(
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "the reference is a plain string, cut where it is known to be whole"
)]

use pennyworth_core::syntax;
use pennyworth_core::text::{self, Change, Counting, Document, Edit, Encoding, LineEnds, Position, Snapshot};
use proptest::prelude::*;

const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

/// Lines of a string as the protocol counts them: `(start, end without break)` in bytes.
fn lines(source: &str) -> Vec<(usize, usize)> {
    let (mut lines, mut start) = (Vec::new(), 0);
    let mut chars = source.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = match (c, chars.peek()) {
            ('\r', Some((_, '\n'))) => {
                chars.next();
                at + 2
            }
            ('\r' | '\n', _) => at + 1,
            _ => continue,
        };
        lines.push((start, at));
        start = next;
    }
    lines.push((start, source.len()));
    lines
}

fn width(c: char, encoding: Encoding) -> usize {
    match encoding {
        Encoding::Utf8 => c.len_utf8(),
        Encoding::Utf16 => c.len_utf16(),
        Encoding::Utf32 => 1,
    }
}

fn naive_offset(source: &str, position: Position, encoding: Encoding) -> usize {
    let lines = lines(source);
    let Some(&(start, end)) = lines.get(position.line as usize) else { return source.len() };
    let mut left = position.character as usize;
    for (at, c) in source[start..end].char_indices() {
        if left < width(c, encoding) {
            return start + at;
        }
        left -= width(c, encoding);
    }
    end
}

fn naive_apply(source: &mut String, edit: &Edit, encoding: Encoding) {
    match edit.range {
        None => *source = edit.text.clone(),
        Some((start, end)) => {
            let (a, b) = (naive_offset(source, start, encoding), naive_offset(source, end, encoding));
            source.replace_range(a.min(b)..a.max(b), &edit.text);
        }
    }
}

/// The lines of a string, without their breaks.
fn contents(source: &str) -> Vec<&str> {
    lines(source).into_iter().map(|(start, end)| &source[start..end]).collect()
}

fn check(source: &str, edits: &[Edit], encoding: Encoding) {
    let mut document = Document::new(source, pennyworth_grammars::text(), 0);
    let mut plain = source.to_owned();
    for (version, edit) in (1..).zip(edits) {
        let before = plain.clone();
        naive_apply(&mut plain, edit, encoding);
        let changes = document.apply(version, std::slice::from_ref(edit), encoding);
        assert_eq!(document.text().to_string(), plain, "after {edit:?} in {encoding:?} on {before:?}");
        let Change { start, old_end, new_end, first_line, old_lines, new_lines, keeps_first, keeps_last, .. } =
            changes[0];
        assert_eq!(format!("{}{}{}", &before[..start], &plain[start..new_end], &before[old_end..]), plain);
        let (mut kept, now) = (contents(&before), contents(&plain));
        let what = format!("after {edit:?} in {encoding:?} on {before:?}");
        assert!(!keeps_first || kept[first_line] == now[first_line], "the first line {what}");
        assert!(
            !keeps_last || kept[first_line + old_lines - 1] == now[first_line + new_lines - 1],
            "the last line {what}"
        );
        kept.splice(first_line..first_line + old_lines, now[first_line..first_line + new_lines].iter().cloned());
        assert_eq!(kept, now, "lines after {edit:?} in {encoding:?} on {before:?}");
    }
    let rope = document.text();
    for at in (0..=plain.len()).filter(|&at| plain.is_char_boundary(at)) {
        let position = text::position(rope, at, encoding);
        let back = text::offset(rope, position, encoding);
        // There is no position between CR and LF: the end of the line stands for it.
        let inside_break = plain[..at].ends_with('\r') && plain[at..].starts_with('\n');
        assert_eq!(back, if inside_break { at - 1 } else { at }, "{position:?} in {encoding:?} of {plain:?}");
        assert_eq!(back, naive_offset(&plain, position, encoding));
    }
    assert_eq!(rope.len_lines(), lines(&plain).len());
}

fn text_strategy() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just("a"),
        Just("fn x() {"),
        Just("\t"),
        Just("é"),
        Just("e\u{301}"),
        Just("😀"),
        Just("👩‍👩‍👧"),
        Just("\u{feff}"),
        Just("\u{2028}"),
        Just("\u{b}"),
        Just("漢字"),
        Just(""),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn edit_strategy() -> impl Strategy<Value = Edit> {
    let position =
        || (0u32..8, prop_oneof![0u32..12, Just(u32::MAX)]).prop_map(|(line, character)| Position { line, character });
    (prop::option::weighted(0.9, (position(), position())), text_strategy())
        .prop_map(|(range, text)| Edit { range, text })
}

proptest! {
    #[test]
    fn edits_match_a_plain_string(source in text_strategy(), edits in prop::collection::vec(edit_strategy(), 0..8), which in 0usize..3) {
        check(&source, &edits, ENCODINGS[which]);
    }
}

#[test]
fn positions_past_the_end_and_ranges_the_wrong_way_round_are_clamped() {
    let at = |line, character| Position { line, character };
    for encoding in ENCODINGS {
        check("one\r\ntwo", &[Edit { range: Some((at(9, 9), at(0, 1))), text: "😀".into() }], encoding);
        check("", &[Edit { range: Some((at(u32::MAX, u32::MAX), at(u32::MAX, 0))), text: "\r".into() }], encoding);
        check("a\r", &[Edit { range: Some((at(1, 0), at(1, 0))), text: "\n".into() }], encoding);
        check("a\rx\nb", &[Edit { range: Some((at(1, 0), at(1, 1))), text: "".into() }], encoding);
    }
}

#[test]
fn versions_prove_nothing_and_an_edit_without_a_place_does() {
    let insert = |line: u32, text: &str| {
        let at = Position { line, character: 0 };
        Edit { range: Some((at, at)), text: text.into() }
    };
    let mut document = Document::new("a\nb", pennyworth_grammars::text(), 1);
    for (version, line, text, is_stale) in [
        (Some(2), 0, "x", false),
        (Some(2), 0, "x", false),
        (Some(9), 0, "x", false),
        (Some(3), 0, "x", false),
        (None, 0, "x", false),
        (Some(4), 2, "x", false),
        (Some(5), 3, "x", true),
        (Some(6), 0, "x", true),
    ] {
        document.apply(version, &[insert(line, text)], Encoding::Utf16);
        assert_eq!(document.snapshot().stale, is_stale, "{version:?} in line {line}");
    }
    document.apply(7, &[Edit { range: None, text: "c".into() }], Encoding::Utf16);
    assert_eq!((document.snapshot().stale, document.text().to_string()), (false, "c".into()));
}

#[test]
fn where_only_lf_ends_a_line_a_cr_is_a_character_of_it() {
    let counting = Counting { encoding: Encoding::Utf16, ends: LineEnds::Lf };
    let rope = ropey::Rope::from_str("a\rb\r\n😀c\n\nd");
    for (at, line, character) in [
        (0, 0, 0),
        (1, 0, 1),
        (2, 0, 2),
        (3, 0, 3),
        (4, 0, 4),
        (5, 1, 0),
        (9, 1, 2),
        (10, 1, 3),
        (11, 2, 0),
        (12, 3, 0),
        (13, 3, 1),
    ] {
        assert_eq!(text::position(&rope, at, counting), Position { line, character }, "{at}");
        assert_eq!(text::offset(&rope, Position { line, character }, counting), at, "{line}:{character}");
    }
    assert_eq!(text::offset(&rope, Position { line: 1, character: 99 }, counting), 10);
    assert_eq!(text::offset(&rope, Position { line: 9, character: 0 }, counting), 13);
    assert_eq!(text::lines(&rope, LineEnds::Lf), 4);
}

#[test]
fn a_document_whose_lines_end_alike_is_counted_as_the_protocol_has_it() {
    use LineEnds::{Lf, LfElseCr, Protocol};
    for (text, client, expected) in [
        ("a\nb", Lf, Protocol),
        ("a\r\nb", Lf, Protocol),
        ("a\rb", Lf, Lf),
        ("a\rb", LfElseCr, Protocol),
        ("a\rb\n", LfElseCr, Lf),
        ("a\r\nb\n", LfElseCr, Lf),
        ("a\r\nb\n", Protocol, Protocol),
    ] {
        let counting = Counting { encoding: Encoding::Utf8, ends: client };
        assert_eq!(
            Document::new(text, pennyworth_grammars::text(), 1).counting(counting).ends,
            expected,
            "{text:?} {client:?}"
        );
    }
}

#[test]
fn the_line_break_is_that_of_the_first_line_and_no_cr_within_one() {
    for (text, expected) in [
        ("", "\n"),
        ("a", "\n"),
        ("a\nb\r\n", "\n"),
        ("a\r\nb\n", "\r\n"),
        ("a\rb\rc", "\r"),
        ("a\rb\nc", "\n"),
        ("a\rb\r\nc", "\r\n"),
    ] {
        assert_eq!(text::line_break(&ropey::Rope::from_str(text)), expected, "{text:?}");
    }
}

#[test]
fn a_tree_is_moved_along_with_the_edits_during_its_parse() {
    let rust = pennyworth_grammars::by_name("rust").unwrap();
    let parse = |of: &Snapshot| syntax::parse(&of.text, rust, of.tree.as_ref(), &mut || true);
    let end = |document: &Document| document.snapshot().tree.map(|tree| tree.root_node().end_byte());
    let space = |range| [Edit { range, text: " ".into() }];
    let (insert, replace) = (space(Some(Default::default())), space(None));
    let mut document = Document::new("fn a() {}", rust, 0);

    let first = document.begin_parse().unwrap();
    document.apply(1, &insert, Encoding::Utf16);
    assert!(document.end_parse(&first, parse(&first)));
    assert_eq!(end(&document), Some(10), "the edit came while it was parsed");
    document.apply(2, &insert, Encoding::Utf16);
    assert_eq!(end(&document), Some(11), "the edit came after it");

    let second = document.begin_parse().unwrap();
    assert!(!document.end_parse(&second, None), "it took too long");
    assert!(!document.end_parse(&second, parse(&second)), "it has ended");
    assert_eq!(end(&document), Some(11), "the old tree is still there");

    let third = document.begin_parse().unwrap();
    assert!(!document.end_parse(&second, parse(&second)), "another one was begun");
    assert!(document.end_parse(&third, parse(&third)));
    assert!(document.begin_parse().is_none(), "nothing has changed");

    document.apply(3, &insert, Encoding::Utf16);
    let fourth = document.begin_parse().unwrap();
    document.apply(4, &replace, Encoding::Utf16);
    assert!(!document.end_parse(&fourth, parse(&fourth)), "the text was replaced");
    assert_eq!(end(&document), None);
    assert!(document.begin_parse().is_some());
}

#[test]
fn line_breaks_and_slices() {
    for (source, expected) in
        [("", "\n"), ("a", "\n"), ("a\nb\r\n", "\n"), ("a\r\nb", "\r\n"), ("\rb", "\r"), ("\r\n", "\r\n")]
    {
        assert_eq!(text::line_break(&ropey::Rope::from_str(source)), expected, "{source:?}");
    }
    let rope = ropey::Rope::from_str("a😀b\r\n");
    assert_eq!(text::slice(&rope, 2, 99), "😀b\r\n");
    assert_eq!(text::line_end(&rope, 0), 6);
    assert_eq!(text::line_end(&rope, 7), rope.len_bytes());
}

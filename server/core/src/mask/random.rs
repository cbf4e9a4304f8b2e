//! Finds keys by their looks alone: runs that look random, known beginnings and addresses, and the lines of a key's block, also where a prompt holds only a part
//! of the block. It leaves keys with a name to `named`, and exact shapes to the crate.

use std::ops::Range;

use super::names::NAMES;

/// Fewest characters of a run that looks random.
const MIN_RUN: usize = 24;
/// Fewest digits, capitals and small letters of it, fewest groups of digits, and the least share of characters whose class is not that of the one
/// before.
const MIN_EACH: usize = 3;
const MIN_NUMBERS: usize = 2;
const MIN_TURNS: f64 = 0.42;
/// Small letters in a row that are a word, and the most characters in words, as a share.
const WORD: usize = 4;
const MAX_WORDS: f64 = 0.3;
/// Fewest characters behind a known beginning.
const MIN_AFTER: usize = 10;
/// Most characters of an address.
const MAX_ADDRESS: usize = 512;
/// Fewest characters of a line of a key's block, if nothing else says that it is one.
const MIN_LINE: usize = 48;

/// The secrets of a text.
pub(super) fn spans(text: &str) -> Vec<Range<usize>> {
    let mut found = blocks(text);
    found.extend(NAMES.urls.iter().flat_map(|url| addresses(text, url)));
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(is_key)).map(|start| at + start) {
        let rest = text.get(start..).unwrap_or_default();
        let run = rest.get(..rest.find(|c| !is_key(c)).unwrap_or(rest.len())).unwrap_or_default();
        at = start + run.len().max(1);
        if is_random(run) {
            found.push(widened(text, start..at));
        } else if let Some(begin) = known_beginning(run) {
            found.push(start + begin..at);
        }
    }
    found
}

/// What follows an address whose rest is a key.
fn addresses<'a>(text: &'a str, url: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    text.match_indices(url).map(move |(at, _)| {
        let start = at + url.len();
        let rest = text.get(start..).unwrap_or_default().chars().take(MAX_ADDRESS);
        start
            ..start
                + rest.take_while(|c| !c.is_whitespace() && !"\"'`<>)".contains(*c)).map(char::len_utf8).sum::<usize>()
    })
}

fn is_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn is_base64(c: char) -> bool {
    is_key(c) || "+/=".contains(c)
}

/// The run with what is left and right of it in the alphabet of base64.
fn widened(text: &str, run: Range<usize>) -> Range<usize> {
    let (before, after) = (text.get(..run.start).unwrap_or_default(), text.get(run.end..).unwrap_or_default());
    let left = before.len() - before.trim_end_matches(is_base64).len();
    let right = after.len() - after.trim_start_matches(is_base64).len();
    // A path or an assignment in front of the run is no part of it.
    let left = before.get(before.len() - left..).filter(|left| !left.contains(['/', '='])).map_or(0, str::len);
    run.start - left..run.end + right
}

fn known_beginning(run: &str) -> Option<usize> {
    let is_long = |after: &str| after.len() >= MIN_AFTER && after.bytes().any(|byte| byte.is_ascii_digit());
    NAMES.prefixes.iter().find_map(|prefix| {
        let at = run.find(prefix.as_str())?;
        let is_start = !run.get(..at)?.ends_with(|c: char| c.is_ascii_alphanumeric());
        (is_start && is_long(run.get(at + prefix.len()..)?)).then_some(at)
    })
}

/// Whether a run looks random: all three classes of characters, in turns, as no name has them.
fn is_random(run: &str) -> bool {
    if run.len() < MIN_RUN {
        return false;
    }
    let class = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'A'..=b'Z' => 1,
        b'a'..=b'z' => 2,
        _ => 3,
    };
    let mut counts = [0; 4];
    run.bytes().for_each(|byte| counts.get_mut(class(byte)).map_or((), |count| *count += 1));
    let turns =
        run.as_bytes().windows(2).filter(|pair| matches!(pair, [one, two] if class(*one) != class(*two))).count();
    let numbers = run.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty()).count();
    let words: usize =
        run.split(|c: char| !c.is_ascii_lowercase()).map(str::len).filter(|length| *length >= WORD).sum();
    numbers >= MIN_NUMBERS
        && words as f64 <= MAX_WORDS * run.len() as f64
        && counts.iter().take(3).all(|count| *count >= MIN_EACH)
        && turns as f64 >= MIN_TURNS * (run.len() - 1) as f64
}

/// The lines of keys: those between the marks of a block, and long lines of nothing but base64.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        lines.push((start, line));
        start += line.len();
    }
    let mut is_inside = false;
    let mut found: Vec<(usize, Range<usize>)> = Vec::new();
    for (number, (start, line)) in lines.iter().enumerate() {
        let marks = |mark: &str| {
            line.find(mark).is_some_and(|at| line.get(at..).is_some_and(|rest| rest.contains("PRIVATE KEY")))
        };
        if marks("-----BEGIN") {
            is_inside = true;
            continue;
        }
        if marks("-----END") {
            if !is_inside {
                // The block began above the text.
                let above = lines.get(..number).unwrap_or_default().iter().rev();
                let keys = above.map_while(|(start, line)| content(*start, line, 1));
                found.extend(keys.map(|span| (number, span)));
            }
            is_inside = false;
            continue;
        }
        let follows = found.last().is_some_and(|(last, _)| last + 1 == number);
        match content(*start, line, if is_inside { 1 } else { MIN_LINE }) {
            Some(span) => found.push((number, span)),
            None if follows && is_tail(line) => found.extend(content(*start, line, 4).map(|span| (number, span))),
            None => is_inside = is_inside && line.contains(": "),
        }
    }
    found.into_iter().map(|(_, span)| span).collect()
}

/// The base64 of a line that holds nothing else, apart from quotes and the marks of comments and sums.
fn content(start: usize, line: &str, least: usize) -> Option<Range<usize>> {
    let is_around = |c: char| c.is_whitespace() || "\"'`,;+#*\\.".contains(c);
    let body = line.trim_start_matches(|c| is_around(c) || c == '/');
    let at = start + line.len() - body.len();
    let body = body.trim_end_matches(is_around);
    let body = body.strip_suffix("\\n").unwrap_or(body);
    let is_mixed = body.bytes().any(|b| b.is_ascii_uppercase())
        && body.bytes().any(|b| b.is_ascii_lowercase())
        && body.bytes().any(|b| b.is_ascii_digit());
    let is_key = body.len() >= least && body.chars().all(is_base64) && (least == 1 || is_mixed || body.ends_with('='));
    (is_key && !body.is_empty()).then(|| at..at + body.len())
}

/// Whether a line may be the last one of a block.
fn is_tail(line: &str) -> bool {
    line.trim_end().trim_end_matches(['"', '\'', ',', ';']).ends_with('=')
}

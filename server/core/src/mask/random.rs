//! Finds keys by their looks alone: runs that look random, known beginnings, and the lines of a key's block, also where a prompt holds only a part of the
//! block. It leaves keys with a name to `named`, addresses to `addresses`, and exact shapes to the crate.

use std::ops::Range;

use super::names::NAMES;
use super::values::is_base64;

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
/// Hexadecimal digits behind a beginning that only they make a key's.
const HEX: usize = 32;
/// Characters of a secret key of AWS, and the same limits for it: base64 has slashes, and a path has words.
const AWS: usize = 40;
const AWS_EACH: usize = 5;
const AWS_TURNS: f64 = 0.35;
/// Escapes in front of a key whose last characters look like its first: `\n`, `\x0a`, `\u000a`, `%20`.
const ESCAPES: [(&str, char, usize); 4] = [("\\", 'x', 3), ("\\", 'u', 5), ("\\", '\0', 1), ("%", '\0', 2)];
/// Fewest characters of a line of a key's block, if nothing else says that it is one.
const MIN_LINE: usize = 48;

/// The secrets of a text.
pub(super) fn spans(text: &str) -> Vec<Range<usize>> {
    let mut found = blocks(text);
    found.extend(aws(text));
    let mut at = 0;
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(is_key)).map(|start| at + start) {
        let rest = text.get(start..).unwrap_or_default();
        let run = rest.get(..rest.find(|c| !is_key(c)).unwrap_or(rest.len())).unwrap_or_default();
        at = start + run.len().max(1);
        if is_random(run) {
            if is_digest(text, start..at) {
                continue;
            }
            found.push(widened(text, start..at));
        } else if let Some(begin) = known_beginning(run, escape(text.get(..start).unwrap_or_default(), run)) {
            found.push(start + begin..ended(text, at));
        }
    }
    found
}

fn is_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
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

/// Whether a run is a part of a digest, as files of locks and integrity attributes have them.
fn is_digest(text: &str, run: Range<usize>) -> bool {
    let before = text.get(..run.start).unwrap_or_default();
    let start = before.trim_end_matches(is_base64).len();
    let whole = text.get(start..run.end).unwrap_or_default();
    let begins = |digest: &String| whole.starts_with(digest.as_str()) || before.ends_with(digest.as_str());
    NAMES.digests.iter().any(begins)
}

/// Where a key ends: some have a `=` inside.
fn ended(text: &str, at: usize) -> usize {
    let rest = text.get(at..).and_then(|rest| rest.strip_prefix('=')).unwrap_or_default();
    let more = rest.len() - rest.trim_start_matches(is_key).len();
    if more > 0 { at + 1 + more } else { at }
}

/// How many of a run's first characters belong to an escape in front of it.
fn escape(before: &str, run: &str) -> usize {
    let mut found = ESCAPES
        .into_iter()
        .filter(|(sign, letter, _)| before.ends_with(sign) && (*letter == '\0' || run.starts_with(*letter)));
    found.next().map_or(0, |(_, _, length)| length)
}

/// The place at which a run has a key's beginning: at a word's start, or behind an escape of this many characters.
fn known_beginning(run: &str, escape: usize) -> Option<usize> {
    // Nearly every name ends here.
    let is_hex_long = run.len() > HEX;
    if run.len() <= MIN_AFTER || !(is_hex_long || run.bytes().any(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let is_long = |after: &str| after.len() >= MIN_AFTER && after.bytes().any(|byte| byte.is_ascii_digit());
    let is_hex = |after: &str| after.len() == HEX && after.bytes().all(|byte| byte.is_ascii_hexdigit());
    let find = |prefix: &str, is_rest: &dyn Fn(&str) -> bool| {
        let at = run.find(prefix)?;
        let is_start = at == escape || !run.get(..at)?.ends_with(|c: char| c.is_ascii_alphanumeric());
        (is_start && is_rest(run.get(at + prefix.len()..)?)).then_some(at)
    };
    let exact = || NAMES.hex_prefixes.iter().find_map(|prefix| find(prefix, &is_hex));
    NAMES.prefixes.iter().find_map(|prefix| find(prefix, &is_long)).or_else(exact)
}

/// Secret keys of AWS: 40 characters of base64 with a sign that no name has.
fn aws(text: &str) -> Vec<Range<usize>> {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(start) = text.get(at..).and_then(|rest| rest.find(is_inside)).map(|start| at + start) {
        let rest = text.get(start..).unwrap_or_default();
        let run = rest.get(..rest.find(|c| !is_inside(c)).unwrap_or(rest.len())).unwrap_or_default();
        at = start + run.len().max(1);
        let is_apart = !text.get(..start).unwrap_or_default().ends_with(['-', '_', '.', '~'])
            && !text.get(at..).unwrap_or_default().starts_with(['-', '_', '.', '=']);
        if run.len() == AWS && is_apart && run.contains(['+', '/']) && is_aws(run) {
            found.push(start..at);
        }
    }
    found
}

fn is_aws(run: &str) -> bool {
    let looks = Looks::of(run);
    let [digits, capitals, small, _] = looks.counts;
    digits > 0 && capitals >= AWS_EACH && small >= AWS_EACH && looks.words == 0 && looks.turns >= AWS_TURNS
}

/// What a run consists of.
struct Looks {
    /// Digits, capitals, small letters, and other characters.
    counts: [usize; 4],
    /// Characters in words.
    words: usize,
    /// The share of characters whose class is not that of the one before.
    turns: f64,
}

impl Looks {
    fn of(run: &str) -> Looks {
        let class = |byte: u8| match byte {
            b'0'..=b'9' => 0,
            b'A'..=b'Z' => 1,
            b'a'..=b'z' => 2,
            _ => 3,
        };
        let count = |wanted: usize| run.bytes().filter(|byte| class(*byte) == wanted).count();
        let turns =
            run.as_bytes().windows(2).filter(|pair| matches!(pair, [one, two] if class(*one) != class(*two))).count();
        let words = run.split(|c: char| !c.is_ascii_lowercase()).map(str::len).filter(|length| *length >= WORD).sum();
        Looks { counts: [0, 1, 2, 3].map(count), words, turns: turns as f64 / (run.len() - 1).max(1) as f64 }
    }
}

/// Whether a run looks random: all three classes of characters, in turns, as no name has them.
fn is_random(run: &str) -> bool {
    if run.len() < MIN_RUN {
        return false;
    }
    let looks = Looks::of(run);
    let numbers = run.split(|c: char| !c.is_ascii_digit()).filter(|number| !number.is_empty()).count();
    numbers >= MIN_NUMBERS
        && looks.words as f64 <= MAX_WORDS * run.len() as f64
        && looks.counts.iter().take(3).all(|count| *count >= MIN_EACH)
        && looks.turns >= MIN_TURNS
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
        if marks("-----BEGIN") || line.contains("Private-Lines: ") {
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
            // A block may begin with headers and an empty line.
            None => is_inside = is_inside && (line.contains(": ") || line.trim().is_empty()),
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

//! Texts that no author writes, for the parsers: any bytes become tokens of a language, in an order and a depth that its grammar may not expect.
//! It leaves parsing them to `fuzz`.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use pennyworth_grammars::Language;

/// Most bytes of a text. What a scanner can store ends far below.
const MAX_BYTES: usize = 12 * 1024;
/// Characters that scanners of byte-sized tables read wrongly, and those that end, join or hide text.
const ODD: [&str; 20] = [
    "\0",
    "\r",
    "\t",
    "\u{b}",
    "\u{c}",
    "\u{7f}",
    "\u{80}",
    "é",
    "ÿ",
    "\u{100}",
    "\u{130}",
    "\u{2028}",
    "中",
    "\u{fffd}",
    "\u{feff}",
    "😀",
    "\u{32000}",
    "\u{f0001}",
    "\u{10ffff}",
    "e\u{301}",
];
/// Signs of all languages, for grammars that keep them inside other tokens.
const SIGNS: &str = "{}[]()<>\"'`$#@!%^&*-_=+|\\/?.,:;~ \n0";

/// Reads bytes as numbers, and as zeros once they are used up.
struct Input<'a>(std::slice::Iter<'a, u8>);

impl Input<'_> {
    fn byte(&mut self) -> usize {
        self.0.next().copied().unwrap_or(0).into()
    }

    fn wide(&mut self) -> usize {
        self.byte() << 8 | self.byte()
    }
}

/// A text of a language, made of any bytes: tokens, parts of the recorded cases, odd characters, repetitions and stairs of indentation.
pub fn text(language: &'static Language, bytes: &[u8]) -> String {
    let (tokens, cases) = vocabulary(language);
    let mut input = Input(bytes.iter());
    let mut text = String::new();
    let token = |input: &mut Input<'_>| tokens.get(input.wide() % tokens.len().max(1)).map_or("", String::as_str);
    while input.0.len() > 0 && text.len() < MAX_BYTES {
        match input.byte() {
            0..90 => text.push_str(token(&mut input)),
            90..120 => text.push(' '),
            120..140 => {
                text.push('\n');
                text.extend(std::iter::repeat_n(' ', input.byte() % 24));
            }
            140..165 => text.push_str(ODD.get(input.byte() % ODD.len()).copied().unwrap_or_default()),
            165..185 => text.push_str(sign(&mut input)),
            185..200 => text.push_str(part(cases, input.wide(), input.byte() * 4)),
            // The tokens of the text's end, many times.
            200..215 => {
                let last = floor(&text, text.len().saturating_sub(1 + input.byte() % 24));
                let again = text.get(last..).unwrap_or_default().repeat(input.byte() * 4);
                text.push_str(part(&again, 0, MAX_BYTES));
            }
            // A token on lines that are indented further and further.
            215..225 => {
                let (token, step) = (token(&mut input).to_owned(), 1 + input.byte() % 3);
                let (from, count) = (input.byte() % 64, input.byte() * 3);
                for number in 0..count {
                    text.push('\n');
                    text.extend(std::iter::repeat_n(' ', from + number * step));
                    text.push_str(&token);
                    if text.len() > MAX_BYTES {
                        break;
                    }
                }
            }
            // A long word.
            225..240 => {
                let (letter, count) = (b'a' + (input.byte() % 26) as u8, input.byte() * 5);
                text.extend(std::iter::repeat_n(char::from(letter), count));
            }
            240..250 => text.push_str(["a", "B", "x1", "if", "zq"].get(input.byte() % 5).copied().unwrap_or_default()),
            _ => text.push_str(&token(&mut input).repeat(input.byte() * 4)),
        }
    }
    text.truncate(floor(&text, MAX_BYTES));
    text
}

/// The end of the last whole character at or before a byte.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}

fn sign(input: &mut Input<'_>) -> &'static str {
    let at = input.byte() % SIGNS.len();
    SIGNS.get(at..=at).unwrap_or_default()
}

/// A part of a text, on whole characters.
fn part(text: &str, from: usize, length: usize) -> &str {
    let from = floor(text, from % text.len().max(1));
    text.get(from..floor(text, from.saturating_add(length))).unwrap_or_default()
}

/// The tokens of a language, and its recorded cases.
fn vocabulary(language: &'static Language) -> (&'static [String], &'static str) {
    type Vocabulary = (Vec<String>, String);
    static KNOWN: OnceLock<Mutex<HashMap<&'static str, &'static Vocabulary>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    let (tokens, cases) = known.entry(language.name()).or_insert_with(|| Box::leak(Box::new(read(language))));
    (tokens, cases)
}

/// The tokens of a grammar that have no name.
fn signs(parser: &tree_sitter::Language) -> impl Iterator<Item = String> {
    (0..parser.node_kind_count())
        .filter_map(|id| u16::try_from(id).ok())
        .filter(|id| !parser.node_kind_is_named(*id) && parser.node_kind_is_visible(*id))
        .filter_map(|id| parser.node_kind_for_id(id).map(str::to_owned))
}

fn read(language: &'static Language) -> (Vec<String>, String) {
    let facts = language.facts();
    let mut tokens: Vec<String> = language.grammar().into_iter().flat_map(|grammar| signs(grammar.parser())).collect();
    let pairs = facts.block_comments.iter().chain(&facts.blocks).chain(&facts.islands);
    tokens.extend(pairs.flat_map(|(open, close)| [open.clone(), close.clone()]));
    tokens.extend(facts.strings.iter().flat_map(|form| [form.open.clone(), form.close.clone()]));
    tokens.extend(facts.strings.iter().flat_map(|form| form.interpolation.clone()).flat_map(|(a, b)| [a, b]));
    let lists = [
        &facts.line_comments,
        &facts.doc_comments,
        &facts.openers,
        &facts.closers,
        &facts.member_operators,
        &facts.directives,
        &facts.tests,
        &facts.tails,
    ];
    tokens.extend(lists.into_iter().flatten().cloned());
    tokens.extend(facts.probes.iter().map(|probe| probe.replace(['$', '…', '~'], "zq")));
    let marks =
        ["<<A", "<<-'B'", "<<~C\n", "<<<\"D\"\n", "${", "#{", "$\"{", "f'{", "R\"(", "r#\"", "- ", "? ", ": ", "---\n"];
    tokens.extend(marks.into_iter().map(str::to_owned));
    tokens.retain(|token| !token.is_empty());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases").join(language.name());
    let files = ["classify.txt", "cut.txt"].map(|file| std::fs::read_to_string(folder.join(file)).unwrap_or_default());
    (tokens, files.concat())
}

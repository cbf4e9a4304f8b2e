//! Cut answers: the cases of `tests/cases/<language>/cut.txt`, and properties of any answer at all.
//!
//! A case is a source with the cursor at `ˇ`, the task with options (`format NAME`, `finish length`, `finish unsure`, `lines N`, `by line`), the model's raw reply, and the
//! inserted text or the reason for rejection. `ˇ` marks the end of an inserted text that ends in white space.
//! `⟨202e⟩` is the invisible character of that number. Each reply is read whole and in pieces. `UPDATE=1` rewrites the expected results.

#![expect(
    clippy::disallowed_methods,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test reads its cases, and a broken case is to fail"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pennyworth_core::classify::Margin;
use pennyworth_core::cut::{Cut, CutInput, Cutter, Finish, Progress, Rejection, Surroundings};
use pennyworth_core::lex;
use pennyworth_core::models::{Models, Shape};
use pennyworth_core::task::{Task, Tasks};
use pennyworth_grammars::Language;
use proptest::prelude::*;
use ropey::Rope;

struct Case {
    title: String,
    source: String,
    task: String,
    reply: String,
    expected: String,
}

fn cases_of(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases").join(language).join("cut.txt")
}

fn read(text: &str) -> Vec<Case> {
    let text = ["\n", text].concat();
    let cases = text.split("\n=== ").skip(1);
    cases
        .map(|case| {
            let (title, rest) = case.split_once('\n').unwrap();
            let (source, rest) = rest.split_once("--- task\n").expect(title);
            let (task, rest) = rest.split_once("\n--- reply\n").expect(title);
            let at =
                ["\n--- insert", "\n--- reject"].iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
            let (reply, expected) = rest.split_at(at);
            Case {
                title: title.into(),
                source: source.into(),
                task: task.into(),
                reply: reply.into(),
                expected: expected.trim_end_matches('\n').into(),
            }
        })
        .collect()
}

/// A text with the invisible characters that `⟨202e⟩` stands for.
fn meant(text: &str) -> String {
    let mut parts = text.split('⟨');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |meant, part| {
        let (number, rest) = part.split_once('⟩').unwrap();
        let c = char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap();
        format!("{meant}{c}{rest}")
    })
}

/// A text as a case spells it.
fn spelled(text: &str) -> String {
    let spell = |c: char| match c {
        '\t' | '\n' => c.to_string(),
        _ if c.is_control() || ('\u{200b}'..='\u{206f}').contains(&c) || c == '\u{feff}' => {
            format!("⟨{:x}⟩", u32::from(c))
        }
        _ => c.to_string(),
    };
    text.chars().map(spell).collect()
}

fn input(case: &Case, language: &'static Language) -> (CutInput, Finish) {
    let source = meant(&case.source);
    let (before, after) = source.split_once('ˇ').expect(&case.title);
    let mut options = case.task.split(" · ");
    let task: Task = options.next().unwrap().parse().unwrap();
    let models = Models::builtin();
    let mut input = CutInput {
        surroundings: Surroundings::of(&Rope::from_str(&[before, after].concat()), language, None, before.len()),
        task,
        stops: Tasks::builtin().row(task).stop.clone(),
        shape: Shape::Raw,
        markers: models.format("qwen").unwrap().markers.clone(),
        max_lines: 60,
        by_line: false,
    };
    let mut finish = Finish::Stop;
    for option in options {
        if option == "by line" {
            input.by_line = true;
            continue;
        }
        match option.split_once(' ').unwrap() {
            ("format", name) => {
                let format = models.format(name).unwrap();
                (input.shape, input.markers) = (format.shape, format.markers.clone());
            }
            ("finish", "length") => finish = Finish::Length,
            ("finish", "cut_off") => finish = Finish::CutOff,
            ("finish", "unsure") => finish = Finish::Unsure,
            ("lines", count) => input.max_lines = count.parse().unwrap(),
            other => panic!("{}: unknown option {other:?}", case.title),
        }
    }
    (input, finish)
}

/// The result of a reply that comes in pieces of `size` characters.
fn cut(input: &CutInput, reply: &str, size: usize, finish: Finish) -> Result<Cut, Rejection> {
    let mut cutter = Cutter::new(input.clone());
    let chars: Vec<char> = reply.chars().collect();
    for piece in chars.chunks(size) {
        if cutter.push(&piece.iter().collect::<String>()) == Progress::Done {
            break;
        }
    }
    cutter.finish(finish)
}

fn shown(result: &Result<Cut, Rejection>) -> String {
    match result {
        Err(reason) => format!("\n--- reject\n{reason}"),
        Ok(cut) => {
            let mark = if cut.text.ends_with(char::is_whitespace) { "ˇ" } else { "" };
            format!("\n--- insert\n{}{mark}", cut.text)
        }
    }
}

#[test]
fn every_language_cuts_as_its_cases_say() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = String::new();
    for language in pennyworth_grammars::all() {
        let path = cases_of(language.name());
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let mut cases = read(&text);
        for case in &mut cases {
            let (input, finish) = input(case, language);
            let reply = meant(&case.reply);
            let whole = cut(&input, &reply, usize::MAX, finish);
            for size in [1, 2, 3, 7] {
                assert_eq!(cut(&input, &reply, size, finish), whole, "{language:?} {}: pieces of {size}", case.title);
            }
            let got = spelled(&shown(&whole));
            if got != case.expected {
                writeln!(wrong, "{language:?}: {}\n{}\n=> {whole:?}{got}\n", case.title, case.expected).unwrap();
                case.expected = got;
            }
        }
        if update {
            let write = |case: &Case| {
                format!(
                    "=== {}\n{}--- task\n{}\n--- reply\n{}{}\n",
                    case.title, case.source, case.task, case.reply, case.expected
                )
            };
            let text = cases.iter().map(write).collect::<Vec<_>>().join("\n");
            std::fs::write(&path, text).unwrap();
        }
    }
    assert!(update || wrong.is_empty(), "{wrong}");
}

/// Pieces of texts: openers, closers, terminators and repetitions of some language, and some that mean nothing in any.
const PIECES: [&str; 63] = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "`",
    "\"\"\"",
    "//",
    "/*",
    "*/",
    "#",
    "--",
    "///",
    ";",
    ",",
    ":",
    ".",
    "::",
    "=>",
    "=",
    "+",
    "/",
    "<",
    ">",
    "</a>",
    "\\",
    "$",
    "${",
    "#{",
    "<<EOF",
    "\n",
    "\n",
    "\n    ",
    "\n  ",
    "\n\n",
    "\r\n",
    "\r",
    "\t",
    " ",
    "    ",
    "a",
    "foo",
    "if x",
    "end",
    "then",
    "do",
    "return a;",
    "def f():",
    "fn f() {",
    "é",
    "日本",
    "🎉",
    "```",
    "Here:",
    "<|fim_pad|>",
    "\u{202e}",
    "\u{200f}",
    "\u{feff}",
    "\u{1b}[31m",
    "\0",
];

fn pieces(most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..most).prop_map(|pieces| pieces.concat())
}

/// A place that can be shown when a property fails.
#[derive(Clone, Debug)]
struct Place {
    before: String,
    after: String,
    language: &'static Language,
    task: Task,
    format: &'static str,
    indent: &'static str,
    by_line: bool,
}

fn places() -> impl Strategy<Value = Place> {
    let languages: Vec<&'static Language> = pennyworth_grammars::all().iter().collect();
    let around = (pieces(10), pieces(10), prop::sample::select(languages), prop::sample::select(Task::ALL.to_vec()));
    let options = (
        prop::sample::select(vec!["qwen", "chat"]),
        prop::sample::select(vec!["    ", "  ", "\t"]),
        proptest::bool::ANY,
    );
    (around, options).prop_map(|((before, after, language, task), (format, indent, by_line))| Place {
        before,
        after,
        language,
        task,
        format,
        indent,
        by_line,
    })
}

impl Place {
    fn input(&self) -> CutInput {
        let models = Models::builtin();
        let format = models.format(self.format).unwrap();
        CutInput {
            surroundings: Surroundings {
                language: self.language,
                may_parse: true,
                before: self.before.clone(),
                after: self.after.clone(),
                complete: true,
                indent: self.indent.into(),
                margin: Margin::default(),
            },
            task: self.task,
            stops: Tasks::builtin().row(self.task).stop.clone(),
            shape: format.shape,
            markers: format.markers.iter().cloned().chain(["<|fim_pad|>".into()]).collect(),
            max_lines: 6,
            by_line: self.by_line,
        }
    }
}

fn bracket_faults(language: &Language, text: &str) -> usize {
    let scan = lex::scan(&text.replace("\r\n", "\n").replace('\r', "\n"), language.facts());
    let signs = scan.open.iter().filter(|open| match &open.nest {
        lex::Nest::Block(_) => false,
        lex::Nest::Comment { close, .. } => !close.is_empty(),
        _ => true,
    });
    signs.count() + scan.unopened.len()
}

/// The brackets and texts that an answer opens and leaves open.
fn opened_by(language: &Language, before: &str, text: &str) -> usize {
    let whole = [before, text].concat().replace("\r\n", "\n").replace('\r', "\n");
    let start = whole.len() - text.len();
    let is_open = |open: &&lex::Open| open.start >= start && !matches!(open.nest, lex::Nest::Block(_));
    lex::scan(&whole, language.facts()).open.iter().filter(is_open).count()
}

/// The text of an answer so far, and what is shown of it line by line: each line is accepted, and the rest is cut at the place that results.
fn read_on(language: &str, before: &str, after: &str, reply: &str) -> (String, Vec<String>) {
    let language = pennyworth_grammars::by_name(language).unwrap();
    let input = |before: &str, by_line| CutInput {
        surroundings: Surroundings::of(&Rope::from_str(&[before, after].concat()), language, None, before.len()),
        task: Task::Block,
        stops: Tasks::builtin().row(Task::Block).stop.clone(),
        shape: Shape::Raw,
        markers: Vec::new(),
        max_lines: 60,
        by_line,
    };
    let mut cutter = Cutter::new(input(before, false));
    let _ = cutter.push(reply);
    let so_far = cutter.so_far(Some(Finish::Stop)).text;
    let (mut before, mut rest, mut shown) = (before.to_owned(), so_far.clone(), Vec::new());
    while let Ok(cut) = cut(&input(&before, true), &rest, usize::MAX, Finish::Stop) {
        before.push_str(&cut.text);
        rest = rest.strip_prefix(cut.text.as_str()).unwrap_or_default().to_owned();
        shown.push(cut.text);
    }
    (so_far, shown)
}

#[test]
fn an_answer_so_far_is_what_is_shown_line_by_line() {
    for (language, before, after, reply, lines) in [
        (
            "rust",
            "fn f(mut n: u32) {\n    let m = n;\n    ",
            "\n}\n",
            "while n > 0 {\n        n -= 1;\n    }\n}\n",
            &["while n > 0 {", "\n        n -= 1;", "\n    }"][..],
        ),
        (
            "rust",
            "fn f(x: bool) {\n    if x {\n        a();\n    ",
            "\n}\n",
            "} else {\n        b();\n    }\n    c();\n",
            &["} else {", "\n        b();", "\n    }", "\n    c();"],
        ),
        (
            "python",
            "def f(n):\n    ",
            "\n",
            "while n > 0:\n        show(\n            n,\n        )\n    return n\n",
            &["while n > 0:", "\n        show(", "\n            n,", "\n        )", "\n    return n"],
        ),
        (
            "c",
            "int f(int n) {\n    ",
            "\n}\n",
            "switch (n) {\n    case 1:\n        return 2;\n    }\n",
            &["switch (n) {", "\n    case 1:", "\n        return 2;", "\n    }"],
        ),
        (
            "typescript",
            "function f() {\n  ",
            "\n}\n",
            "view.post({\n    command: \"update\",\n  })\n",
            &["view.post({", "\n    command: \"update\",", "\n  })"],
        ),
        (
            "lua",
            "local function f(n)\n  ",
            "\nend\n",
            "if n then\n    a()\n  else\n    b()\n  end\n",
            &["if n then", "\n    a()", "\n  else", "\n    b()", "\n  end"],
        ),
    ] {
        let (so_far, shown) = read_on(language, before, after, reply);
        assert_eq!(shown, lines, "{language}");
        assert_eq!(so_far.trim_end(), lines.concat(), "{language}");
    }
}

#[test]
fn an_answer_so_far_has_no_line_that_may_go_on() {
    let language = pennyworth_grammars::by_name("rust").unwrap();
    let text = Rope::from_str("fn f() {\n    \n}\n");
    let surroundings = Surroundings::of(&text, language, None, 13);
    let (stops, shape) = (Tasks::builtin().row(Task::Block).stop.clone(), Shape::Raw);
    let input =
        CutInput { surroundings, task: Task::Block, stops, shape, markers: Vec::new(), max_lines: 9, by_line: false };
    let mut cutter = Cutter::new(input);
    let _ = cutter.push("while n > 0 {\n      n -= 1;\n      go(");
    // The document's step is four.
    let so_far = cutter.so_far(None);
    assert_eq!((so_far.text.as_str(), so_far.is_over), ("while n > 0 {\n        n -= 1;\n", false));
    let _ = cutter.push("n);\n    }\n}\n");
    let so_far = cutter.so_far(None);
    assert_eq!(so_far.text.trim_end(), "while n > 0 {\n        n -= 1;\n        go(n);\n    }");
    assert!(so_far.is_over, "the body closes");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn pieces_make_no_difference_and_nothing_leaks(place in places(), reply in pieces(14), size in 1_usize..9) {
        let input = place.input();
        for finish in [Finish::Stop, Finish::Unsure, Finish::Length] {
            let whole = cut(&input, &reply, usize::MAX, finish);
            prop_assert_eq!(shown(&whole), shown(&cut(&input, &reply, size, finish)), "pieces of {}, {:?}", size, finish);
            if let Ok(cut) = whole {
                prop_assert!(input.markers.iter().all(|marker| !cut.text.contains(marker.as_str())), "{:?}", cut.text);
                prop_assert!(!cut.text.trim().is_empty());
                let is_own = |c: char| place.before.contains(c) || place.after.contains(c);
                let unseen = |c: &char| "\u{202e}\u{200f}\u{feff}\u{1b}\0".contains(*c) && !is_own(*c);
                prop_assert_eq!(cut.text.chars().find(unseen), None, "{:?}", cut.text);
            }
        }
    }

    #[test]
    fn what_was_balanced_stays_balanced(place in places(), reply in pieces(14)) {
        let (input, language) = (place.input(), place.language);
        let without = bracket_faults(language, &[place.before.as_str(), &place.after].concat());
        if let Ok(cut) = cut(&input, &reply, usize::MAX, Finish::Stop)
            && language.name() != "bash"
            && without == 0
        {
            // An answer may open what the user will fill, at its end.
            let with = [place.before.as_str(), &cut.text, &place.after].concat();
            let opened = opened_by(language, &place.before, &cut.text);
            prop_assert!(bracket_faults(language, &with) <= opened, "{:?}", with);
        }
    }
}

//! Texts that are nested deeper than anybody writes, in every language: they are classified, cut and parsed on the stack of a usual thread.

use pennyworth_core::classify;
use pennyworth_core::cut::{CutInput, Cutter, Finish, Surroundings};
use pennyworth_core::lex;
use pennyworth_core::models::Shape;
use pennyworth_core::syntax;
use pennyworth_core::task::{Task, Tasks};
use pennyworth_grammars::Language;
use ropey::Rope;

const DEPTH: usize = 100_000;
/// The parser's reports after which a whole parse is given up, as the server does by time.
const MAX_REPORTS: usize = 100;

/// Reads a text at its start, its end and in between, and an answer that is as deep.
fn check(language: &'static Language, text: &str) {
    lex::scan_tags(text, language.facts());
    let rope = Rope::from_str(text);
    let mut reports = 0;
    let mut go_on = || {
        reports += 1;
        reports < MAX_REPORTS
    };
    let tree = syntax::parse(&rope, language, None, &mut go_on);
    tree.iter().for_each(|tree| assert!(syntax::errors(tree) <= text.len()));
    for offset in [text.len() / 2, text.len()] {
        let context = classify::classify(&rope, language, tree.as_ref(), offset);
        let mut cutter = Cutter::new(CutInput {
            surroundings: Surroundings::of(&rope, language, tree.as_ref(), offset),
            task: context.task.unwrap_or(Task::Line),
            stops: Tasks::builtin().row(Task::Line).stop.clone(),
            shape: Shape::Raw,
            markers: Vec::new(),
            max_lines: 60,
            by_line: false,
        });
        cutter.push(text.get(..1_000).unwrap_or(text));
        let _ = cutter.finish(Finish::Stop);
    }
}

#[test]
fn a_hundred_thousand_brackets() {
    for language in pennyworth_grammars::all() {
        for (open, close) in &language.facts().brackets {
            let open = open.to_string();
            check(language, &[open.repeat(DEPTH), close.to_string().repeat(DEPTH)].concat());
        }
    }
}

#[test]
fn nesting_that_needs_no_bracket() {
    for (language, part) in [
        ("html", "<a>"),
        ("html", "<p>\n"),
        ("tsx", "<a>"),
        ("markdown", "> "),
        ("markdown", "- "),
        ("markdown", "*a _b "),
        ("python", "not "),
        ("python", "lambda: "),
        ("python", "f'{"),
        ("rust", "&"),
        ("rust", "/*"),
        ("c", "*"),
        ("bash", "$("),
        ("bash", "if "),
        ("ruby", "\"#{"),
        ("ruby", "begin\n"),
        ("php", "<?php "),
        ("javascript", "`${"),
        ("typescript", "A<"),
        ("csharp", "$\"{"),
        ("yaml", "- "),
        ("scss", "a{"),
        ("lua", "function f() "),
    ] {
        check(pennyworth_grammars::by_name(language).unwrap(), &part.repeat(DEPTH / part.len()));
    }
}

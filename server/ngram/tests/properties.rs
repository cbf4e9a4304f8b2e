//! Properties of any text and any edits: incremental learning equals learning anew, probabilities are valid, memory is bounded.

use pennyworth_ngram::{Limits, Model, Prepared, Query, Stats};
use proptest::prelude::*;

const PATH: &str = "src/a.rs";

fn query<'a>(before: &'a str, after: &'a str, line: usize) -> Query<'a> {
    Query {
        path: PATH,
        language: "rust",
        before,
        after,
        line,
        min_probability: 0.0,
        min_chars: 1,
        max_tokens: 12,
        max_lines: 4,
        indent: "    ",
        word_chars: "",
    }
}

/// Lines of few words, so that contexts repeat; with blanks, brackets, tabs and multi-byte characters.
fn line() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => Just("let "), 8 => Just("x"), 8 => Just(" = "), 8 => Just("y"), 8 => Just("("), 8 => Just(")"), 6 => Just(";"),
        4 => Just("    "), 2 => Just("\t"), 4 => Just("return"), 3 => Just("é漢"), 2 => Just("🦀"), 2 => Just("\r"), 2 => Just("  ")
    ];
    prop::collection::vec(word, 0..9).prop_map(|words| words.concat())
}

fn lines(most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(line(), 0..most)
}

fn model() -> Model {
    Model::new(Limits { max_bytes: 8 << 20 })
}

fn counts(stats: Stats) -> (usize, usize, usize) {
    (stats.files, stats.tokens, stats.vocabulary)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    #[test]
    fn edits_equal_learning_anew(
        start in lines(20),
        edits in prop::collection::vec((0_usize..25, 0_usize..6, lines(5)), 1..12),
        before in lines(4),
    ) {
        let mut text: Vec<String> = if start.is_empty() { vec![String::new()] } else { start };
        let mut edited = model();
        edited.open(PATH, "rust", &text.join("\n"));
        for (first, removed, new) in edits {
            edited.edit(PATH, first, removed, new.iter().map(String::as_str));
            let first = first.min(text.len());
            let end = (first + removed).min(text.len());
            text.splice(first..end, new);
        }
        if text.is_empty() {
            return Ok(());
        }
        let mut fresh = model();
        fresh.open(PATH, "rust", &text.join("\n"));
        prop_assert_eq!(counts(edited.stats()), counts(fresh.stats()));
        let before = before.join("\n");
        for after in ["", ")", ";\nreturn x"] {
            let query = query(&before, after, usize::MAX);
            prop_assert_eq!(edited.suggest(&query), fresh.suggest(&query));
        }
        edited.close(PATH);
        edited.remove(PATH);
        while edited.advance() {}
        prop_assert_eq!(counts(edited.stats()), (0, 0, 0));
    }

    #[test]
    fn probabilities_fall_and_text_is_whole(files in prop::collection::vec(lines(30), 1..4), before in lines(5), after in line()) {
        let mut model = model();
        for (index, file) in files.iter().enumerate() {
            model.index(&format!("src/{index}.rs"), "rust", &file.join("\n"));
        }
        let before = before.join("\n");
        let Some(found) = model.suggest(&query(&before, &after, 0)) else { return Ok(()) };
        let mut above = (0, 1.0_f32);
        for (end, joint) in &found.tokens {
            prop_assert!(*end >= above.0 && *joint <= above.1 && *joint >= 0.0, "{:?}", found.tokens);
            prop_assert!(found.text.is_char_boundary(*end));
            above = (*end, *joint);
        }
        prop_assert_eq!(above, (found.text.len(), found.probability));
        prop_assert_eq!(found.lines, found.text.split('\n').count());
    }

    #[test]
    fn any_text_is_taken(text in any::<String>(), before in any::<String>(), after in any::<String>(), at in 0_usize..40) {
        let mut model = model();
        model.open(PATH, "rust", &text);
        model.index("b.rs", "rust", &before);
        model.edit(PATH, at, at, after.split('\n'));
        model.suggest(&query(&before, &after, at));
        model.suggest(&query(&text, "", at));
        model.close(PATH);
        model.remove(PATH);
        model.remove("b.rs");
        while model.advance() {}
        prop_assert_eq!(counts(model.stats()), (0, 0, 0));
    }
}

/// Code of about `lines` lines that differs with `seed`.
fn code(seed: usize, lines: usize) -> String {
    (0..lines).map(|n| format!("    let value_{seed}_{} = call_{}(x, {n});\n", n % 97, (n * seed) % 31)).collect()
}

#[test]
fn memory_stays_under_the_limit_and_near_files_stay() {
    let max_bytes = 3 << 20;
    let mut model = Model::new(Limits { max_bytes });
    model.open("near/open.rs", "rust", "fn main() {}\n");
    for seed in 0..150 {
        let (directory, extension) = if seed % 3 == 0 { ("near", "rs") } else { ("far/away", "py") };
        let language = if extension == "rs" { "rust" } else { "python" };
        model.index(&format!("{directory}/{seed}.{extension}"), language, &code(seed, 300));
        assert!(model.stats().bytes <= max_bytes, "{:?}", model.stats());
    }
    assert!(!model.index("far/away/late.py", "python", &code(3, 300)), "a far file found room");
    assert!(model.stats().files > 3, "{:?}", model.stats());
    let suggest = |before: &str| model.suggest(&Query { min_probability: 0.0, ..query(before, "", 9) });
    assert!(suggest("    let value_3_").is_some());
    for seed in 0..150 {
        model.remove(&format!("near/{seed}.rs"));
        model.remove(&format!("far/away/{seed}.py"));
    }
    model.close("near/open.rs");
    model.remove("near/open.rs");
    while model.advance() {}
    assert_eq!(counts(model.stats()), (0, 0, 0));
}

#[test]
fn documents_too_large_for_the_limit_are_left_alone() {
    let max_bytes = 2 << 20;
    let mut model = Model::new(Limits { max_bytes });
    model.open("big.rs", "rust", &code(1, 20_000));
    assert!(model.stats().bytes <= max_bytes);
    model.edit("big.rs", 3, 1, ["x"].into_iter());
    model.open("small.rs", "rust", &code(2, 100));
    assert_eq!(model.stats().documents, 1);
}

#[test]
fn files_nobody_writes_are_refused() {
    let cases = [
        ("generated", "// Code generated by a tool. DO NOT EDIT.\nfn main() {}\n".to_owned()),
        ("minified", "var a=1,b=2;".repeat(1000)),
        ("binary", "a\0b".to_owned()),
        ("too long", "let x = 1;\n".repeat(200_000)),
    ];
    for (what, text) in cases {
        assert!(Prepared::new("a.js", "javascript", &text).is_err(), "{what}");
        assert!(!model().index("a.js", "javascript", &text), "{what}");
    }
}

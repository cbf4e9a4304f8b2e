//! Where suggestions end: behind an opener that is filled as often as not, and behind a finished word. A case is a language, the characters of its
//! words, what was learned, the text before the cursor, and the text expected there.

use pennyworth_ngram::{Limits, Model, Query};

type Case<'a> = (&'a str, &'a str, &'a str, &'a str, Option<&'a str>);

fn check(cases: &[Case<'_>]) {
    for (language, word_chars, learned, before, expected) in cases {
        let mut model = Model::new(Limits { max_bytes: 8 << 20 });
        for number in 0..3 {
            assert!(model.index(&format!("{number}.{language}"), language, learned), "{learned:?} was refused");
        }
        let path = format!("here.{language}");
        model.open(&path, language, before);
        let found = model.suggest(&Query {
            path: &path,
            language,
            before,
            after: "",
            line: before.matches('\n').count(),
            min_probability: 0.3,
            min_chars: 2,
            max_tokens: 24,
            max_lines: 1,
            indent: "    ",
            word_chars,
        });
        assert_eq!(found.map(|found| found.text).as_deref(), *expected, "behind {before:?} of {language}");
    }
}

/// Lines with `head` and `tail`, and between them, in four of five, nothing.
fn mostly(head: &str, fill: &str, tail: &str) -> String {
    let empty = format!("{head}{tail}\n").repeat(2);
    format!("{empty}{head}{fill}{tail}\n{empty}")
}

#[test]
fn an_opener_that_is_sometimes_filled_stays_open() {
    check(&[
        ("py", "", &mostly("x = lines(", "a", ").strip().splitlines()"), "x = li", Some("nes(")),
        ("rs", "", &mostly("a.take(", "1", ").into_iter().collect();"), "a.ta", Some("ke(")),
        ("rs", "", &mostly("let a = list![", "1", "].into_iter().collect();"), "let a = li", Some("st![")),
        ("js", "$", &mostly("const a = use({", " b ", "}).then(show).catch(stop)"), "const a = us", Some("e({")),
        ("java", "", &mostly("a = new Sack<", "A", ">().filledWith(everything);"), "a = new Sa", Some("ck<")),
        ("js", "$", &mostly("a = `${size(", "b", ")} of everything there is`"), "a = `${si", Some("ze(")),
        ("rs", "", &mostly("a.größe(", "1", ").into_iter().collect();"), "a.grö", Some("ße(")),
        ("cpp", "", &mostly("a->draw(", "b", ")->then(show_everything);"), "a->dr", Some("aw(")),
        ("php", "$", &mostly("Pot::boil(", "$a", ")->then($everything);"), "Pot::bo", Some("il(")),
    ]);
}

#[test]
fn an_opener_that_was_always_closed_at_once_is_closed() {
    let unwrapped = "let a = b.unwrap();\nlet a = c.unwrap();\nlet a = d.unwrap();\nlet a = e.unwrap();\n";
    check(&[
        ("rs", "", unwrapped, "let a = b.unw", Some("rap();")),
        ("py", "", "a = now()\nb = now()\nc = now()\nd = now()\n", "a = now", Some("()")),
        ("go", "", "x := []byte{}\ny := []byte{}\nz := []byte{}\n", "x := [", Some("]byte{}")),
        ("java", "", "a = new Sack<>();\nb = new Sack<>();\nc = new Sack<>();\n", "a = new Sa", Some("ck<>();")),
    ]);
}

#[test]
fn a_finished_word_is_lengthened_only_if_that_is_much_likelier() {
    let both = "x = self.data\nx = self.data_shuffled\nx = self.data_shuffled\n";
    let mostly = "data = 1\nx = self.data_shuffled\nx = self.data_shuffled\nx = self.data_shuffled\n";
    check(&[
        ("py", "", both, "x = self.data", None),
        ("py", "", both, "x = self.dat", Some("a_shuffled")),
        ("py", "", mostly, "x = self.data", Some("_shuffled")),
        ("php", "$", "f($data)\nf($data_all)\nf($data_all)\n", "f($data", None),
        ("rs", "", "use std::net\nuse std::network\nuse std::network\n", "use std::net", None),
        ("c", "", "a->next\na->next_one\na->next_one\n", "a->next", None),
        ("py", "", "f(größe)\nf(größen)\nf(größen)\n", "f(größe", None),
        ("py", "", "f(数据)\nf(数据集合)\nf(数据集合)\n", "f(数据", None),
        ("css", "-", "a { font: x }\na { font-size: 1 }\na { font-size: 1 }\n", "a { font", None),
        ("css", "-", "a { font-size: 1 }\na { font-size: 1 }\na { font-size: 1 }\n", "a { font", Some("-size: 1 }")),
    ]);
}

#[test]
fn what_follows_a_finished_word_is_suggested() {
    check(&[
        ("rs", "", "use std::io\nuse std::io\nuse std::io\n", "use std", Some("::io")),
        ("php", "$", "$this->run\n$this->run\n$this->run\n", "$this", Some("->run")),
        ("c", "", "a[n-one]\na[n]\na[n-one]\na[n-one]\n", "a[n", Some("-one]")),
    ]);
}

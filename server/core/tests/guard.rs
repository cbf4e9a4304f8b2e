//! Texts that end the process without the guard, each beside one of its kind that is read. A case that fails here may do so by a signal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use pennyworth_core::syntax;
use ropey::Rope;

/// Whether both parsers of a language read a text.
fn check(language: &str, text: &str, is_read: bool) {
    let language = pennyworth_grammars::by_name(language).unwrap();
    let whole = syntax::parse(&Rope::from_str(text), language, None, &mut || true);
    let excerpt = syntax::parse_excerpt(text, language, None, &mut { usize::MAX });
    let start: String = text.chars().take(60).collect();
    assert_eq!((whole.is_some(), excerpt.is_some()), (is_read, is_read), "{} {start:?}", language.name());
    for tree in whole.iter().chain(&excerpt) {
        assert_eq!(tree.root_node().end_byte(), text.len(), "{} {start:?}", language.name());
    }
}

fn stairs(count: usize, line: &str) -> String {
    (0..count).map(|column| " ".repeat(column) + line + "\n").collect()
}

#[test]
fn characters_that_a_table_of_bytes_does_not_hold() {
    for text in [
        "echo ${\u{f0001}",
        "echo ${\u{32000}}",
        "echo a{\u{f0001},b}",
        "echo {1\u{f0001}..3}",
        "echo {1..2\u{10ffff}}",
        "echo {中,国}",
        "echo {é,\u{100}}",
        "cat <<A\n${\u{f0001}\nA\n",
        "x=\"${\u{f0001}:-{\u{f0001}}\"\n",
    ] {
        check("bash", text, true);
    }
}

#[test]
fn words_and_strings_that_are_open_at_once_in_ruby() {
    let long = "text that nobody closed\n".repeat(40);
    let heredocs =
        |word: &str, count: usize| format!("f {}\n", (0..count).map(|_| format!("<<{word}, ")).collect::<String>());
    for (text, is_read) in [
        (format!("list <<\"{long}"), false),
        (format!("list <<~'{long}"), false),
        (format!("list <<{}\n", "x".repeat(300)), false),
        (format!("list << \"{long}"), true),
        (format!("list <<~TEXT\n{long}TEXT\n"), true),
        (format!("list <<'TEXT'\n{long}TEXT\n"), true),
        (heredocs("SEVENTH", 300), false),
        (heredocs("SEVENTH", 60), true),
        ("f <<~SEVENTH\n  a\n  SEVENTH\n".repeat(300), true),
        (format!("x = {}<<TEXT\n", "\"#{".repeat(203)), false),
        (format!("x = {}<<TEXT\n", "\"#{".repeat(100)), true),
        ("x = \"a#{b}\"\n".repeat(500) + "f <<TEXT\nTEXT\n", true),
        ("x = \"#{h[\"a\"]} #{b.join(', ')}\"\n".repeat(500) + "f <<TEXT\nTEXT\n", true),
        ("f(<<A, \"b\")\nA\n".repeat(100), true),
        // A brace that closes nothing, and words that end nothing.
        (format!("x = {}<<TEXT\n", "\"#{'}'+".repeat(203)), false),
        (format!("x = {}<<TEXT\n", "\"#{?}+".repeat(203)), false),
        (format!("x = {}<<TEXT\n", "\"#{ # }\n".repeat(203)), false),
        (format!("x = {}<<TEXT\n", "\"#{/}/+".repeat(203)), false),
        (format!("x = {}<<TEXT\n", "\"#{%q(})+".repeat(203)), false),
        (format!("x = {}<<TEXT\n", "\"#{\"\\\"}\"+".repeat(203)), false),
        (format!("x = {}<<TEXT\n", "`#{'}'+".repeat(203)), false),
        (format!("x = <<SEVENTH\n  SEVENTH\n#{{f {}1\n", "<<SEVENTH\n  SEVENTH\nf ".repeat(92)), false),
        (format!("x = {}\n", "<<SEVENTH + \"\nSEVENTH\n\" + ".repeat(100)), false),
    ] {
        check("ruby", &text, is_read);
    }
}

#[test]
fn indentations_of_python() {
    for (text, is_read) in [
        (stairs(515, "if x:") + &" ".repeat(515) + "y = f\"{a}\"\n", false),
        (stairs(515, "if x:").replace(' ', "\t"), false),
        (stairs(515, "if x: \\"), false),
        (stairs(300, "if x:"), true),
        (stairs(200, "f(").repeat(10), true),
        ((0..600).map(|count| format!("a\n{}b\n", "  \\\n".repeat(count))).collect(), false),
    ] {
        check("python", &text, is_read);
    }
}

#[test]
fn blocks_of_yaml() {
    for (text, is_read) in [
        ("- ".repeat(254) + "a\n", false),
        ("- ".repeat(100) + "a\n", true),
        ("? ".repeat(300), false),
        (": ".repeat(300), false),
        ("é: ".repeat(300), false),
        ("a: |\n".repeat(300), true),
        ("a:\n  b: >-\n    x\n".repeat(300), true),
        (stairs(300, "a:"), false),
        (stairs(300, "-"), false),
        (stairs(300, "|"), false),
        (stairs(100, "a:"), true),
        ("a:\n  - b: c\n    d: [e, f: g]\n".repeat(2_000), true),
        ("[".repeat(2_000), true),
        ("{a: ".repeat(300), false),
        (format!("---\n{}a\n---\n", "- ".repeat(254)), false),
        ("key: value # a note: another\n".repeat(2_000), true),
        (stairs(300, "a:\n#"), false),
        (stairs(300, "-\n# b"), false),
        (stairs(40, "a:\n# b: c"), true),
        ("# a: b\nkey:\n  # c: d\n  e: f\n".repeat(2_000), true),
    ] {
        check("yaml", &text, is_read);
    }
}

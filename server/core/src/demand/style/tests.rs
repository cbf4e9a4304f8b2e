//! Documentation in the forms of files: what it becomes, and where it keeps its own form.

use super::*;

/// What becomes of documentation that is put above the function `new` of a file.
fn check(language: &str, file: &str, answer: &str, expected: &str) {
    let source = Source::new("", pennyworth_grammars::by_name(language).unwrap(), file);
    let at = file.find("new").and_then(|at| file.get(..at)?.rfind('\n')).map_or(0, |line| line + 1);
    let found = styled(&source, vec![Edit { range: at..at, text: answer.to_owned() }]);
    assert_eq!(found.first().map(|edit| edit.text.as_str()), Some(expected), "{language}: {file}");
}

#[test]
fn documentation_has_the_form_that_the_file_has() {
    let (doc, two) = ("/** New. */\n", "/**\n * New.\n *\n * More.\n */\n");
    let c = |comment: &str| {
        format!(
            "{comment}int a(void) {{\n  return 1;\n}}\n\n{comment}int b(void) {{\n  return 2;\n}}\n\nint new(void) {{\n  return 3;\n}}\n"
        )
    };
    for (sample, short, long) in [
        ("/* A. */\n", "/* New. */\n", "/*\n * New.\n *\n * More.\n */\n"),
        ("/*\n * A.\n */\n", "/*\n * New.\n */\n", "/*\n * New.\n *\n * More.\n */\n"),
        ("/* A\n * b. */\n", "/* New.\n */\n", "/* New.\n *\n * More. */\n"),
        ("/* A\n   b. */\n", "/* New.\n */\n", "/* New.\n\n   More. */\n"),
        ("/**\n * A.\n */\n", "/**\n * New.\n */\n", "/**\n * New.\n *\n * More.\n */\n"),
        ("/*!\n * A.\n */\n", "/*!\n * New.\n */\n", "/*!\n * New.\n *\n * More.\n */\n"),
        ("/// A.\n", "/// New.\n", "/// New.\n///\n/// More.\n"),
        ("//! A.\n", "//! New.\n", "//! New.\n//!\n//! More.\n"),
        ("// A.\n", "// New.\n", "// New.\n//\n// More.\n"),
        ("", doc, two),
    ] {
        for language in ["c", "cpp"] {
            check(language, &c(sample), doc, short);
            check(language, &c(sample), two, long);
        }
    }
    let js = "// A.\nfunction a() {\n}\n\n// B.\nfunction b() {\n}\n\nfunction new1() {\n}\n";
    for language in ["javascript", "typescript", "tsx"] {
        check(language, js, two, "// New.\n//\n// More.\n");
    }
    let php = "<?php\n# A.\nfunction a() {\n}\n\n# B.\nfunction b() {\n}\n\nfunction new1() {\n}\n";
    check("php", php, doc, "# New.\n");
    let java = "class A {\n    /// A.\n    void a() {\n    }\n\n    void new1() {\n    }\n}\n";
    check("java", java, "    /**\n     * New.\n     * @return it\n     */\n", "    /// New.\n    /// @return it\n");
    let plain = "class A {\n    // A.\n    void a() {\n    }\n\n    // B.\n    void b() {\n    }\n\n    void new1() {\n    }\n}\n";
    check("java", plain, "    /** New. */\n", "    /** New. */\n");
    check("rust", "// A.\nfn a() {}\n\n// B.\nfn b() {}\n\nfn new() {}\n", "/// New.\n", "/// New.\n");
    check("rust", "/** A. */\nfn a() {}\n\nfn new() {}\n", "/// New.\n", "/** New. */\n");
    check("csharp", "/// <summary>A.</summary>\nclass A {\n}\n\nclass new1 {\n}\n", "/** New. */\n", "/// New.\n");
    check("go", "/*\nA does.\n*/\nfunc A() {\n}\n\nfunc new1() {\n}\n", "// New.\n", "/*\nNew.\n*/\n");
}

/// What becomes of documentation that is put above `new1` in a file whose two other items have a comment above.
fn put(language: &str, above: &str, answer: &str, expected: &str) {
    let head = if language == "php" { "<?php\n" } else { "" };
    let item = |name: &str| match language {
        "rust" | "zig" => format!("fn {name}() {{\n}}\n"),
        "swift" => format!("func {name}() {{\n}}\n"),
        "kotlin" => format!("fun {name}() {{\n}}\n"),
        "scala" => format!("def {name}() = {{\n}}\n"),
        "php" => format!("function {name}() {{\n}}\n"),
        _ => format!("void {name}() {{\n}}\n"),
    };
    let others = format!("{above}{}\n{above}{}", item("a"), item("b"));
    check(language, &format!("{head}{others}\n{}", item("new1")), answer, expected);
}

#[test]
fn text_that_would_end_or_open_a_comment_keeps_its_form() {
    for (language, answer) in [("rust", "///"), ("swift", "///"), ("dart", "///"), ("scala", "//"), ("kotlin", "//")] {
        let (nests, plain) = (format!("{answer} Matches `src/*.x`.\n"), format!("{answer} Matches `src`.\n"));
        put(language, "/** A. */\n", &nests, &nests);
        put(language, "/** A. */\n", &plain, "/** Matches `src`. */\n");
        let ends = format!("{answer} Matches `*/x`.\n");
        put(language, "/** A. */\n", &ends, &ends);
    }
    put("c", "/** A. */\n", "/// Matches `src/*.x`.\n", "/** Matches `src/*.x`. */\n");
    put("c", "/// A.\n", "/** Joins C:\\ */\n", "/** Joins C:\\ */\n");
    put("php", "# A.\n", "/** Prints ?>. */\n", "/** Prints ?>. */\n");
    put("php", "# A.\n", "/** Prints. */\n", "# Prints.\n");
}

#[test]
fn a_star_of_the_text_is_none_of_the_comment() {
    for (answer, expected) in [
        ("/** *Adds* a. */\n", "/// *Adds* a.\n"),
        ("/** **Adds** a. */\n", "/// **Adds** a.\n"),
        ("/** *Adds* a.\n * *Never* b. */\n", "/// *Adds* a.\n/// *Never* b.\n"),
        ("/**\n * *Adds* a.\n * * b\n */\n", "/// *Adds* a.\n/// * b\n"),
        ("/**\n   Adds:\n   * a\n   * b\n */\n", "/// Adds:\n/// * a\n/// * b\n"),
        ("/*****\n * Adds.\n *****/\n", "/// Adds.\n"),
    ] {
        put("c", "/// A.\n", answer, expected);
    }
}

#[test]
fn comments_are_no_form_where_strings_or_words_document() {
    for (language, text) in [
        ("python", "# A.\ndef a():\n    pass\n\n\n# B.\ndef b():\n    pass\n"),
        ("elixir", "# A.\ndef a(c) do\n  1\nend\n\n# B.\ndef b(c) do\n  2\nend\n"),
    ] {
        let source = Source::new("", pennyworth_grammars::by_name(language).unwrap(), text);
        assert_eq!((source.items().len(), source.style()), (2, None), "{language}");
    }
}

#[test]
fn the_form_of_a_file_is_found_once_and_is_that_of_most_of_its_items() {
    let text = "/** A. */\nfn a() {}\n\n/// B.\nfn b() {}\n\n/// C.\nfn c() {}\n";
    let source = Source::new("", pennyworth_grammars::by_name("rust").unwrap(), text);
    let style = source.style().unwrap();
    assert_eq!(style.shown(), "/// …");
    assert!(std::ptr::eq(style, source.style().unwrap()));
}

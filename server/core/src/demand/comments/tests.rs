//! What counts as the documentation of an item, and what else an answer may not do.

use super::*;

/// Whether an edit of the only text that says `old` documents its item.
fn check(language: &str, text: &str, (old, new): (&str, &str), expected: Result<(), Unfit>) {
    let language = pennyworth_grammars::by_name(language).unwrap();
    let start = text.find(old).unwrap();
    let within = Source::new("", language, text);
    let line = within.line(start);
    let lines = within.documented_lines(line..line + 1);
    let edited = text.replacen(old, new, 1);
    let found = documents_only(language, &within.lines(lines), (text, &edited));
    assert_eq!(found, expected, "{}: {edited}", language.name());
}

#[test]
fn documentation_has_the_form_and_the_place_of_its_language() {
    let rust = "use a;\n\nfn add(a: u8) -> u8 {\n    a + 1\n}\n\n// Other.\nimpl B {\n    fn b() {}\n}\n";
    let wrong = || Err(Unfit::Undocumented);
    check("rust", rust, ("fn add", "/// Adds one.\nfn add"), Ok(()));
    check("rust", rust, ("    fn b", "    /// B.\n    fn b"), Ok(()));
    check("rust", rust, ("    fn b() {}\n", "    fn b() {}\n    /// B.\n"), wrong());
    for form in [
        "// Adds one.\nfn add",
        "//! Adds one.\nfn add",
        "    /// Adds one.\nfn add",
        "/// Adds one.\n// Not this.\nfn add /* x */",
    ] {
        check("rust", rust, ("fn add", form), wrong());
    }
    check("rust", rust, ("fn add(a: u8) -> u8 {", "/// Adds one.\nfn add(a: u8) -> u8 {\n    // Now."), wrong());
    let python = "import a\n\nclass A:\n    def b(self):\n        return 1\n";
    let def = "    def b(self):\n";
    let with = |doc: &str| format!("{def}{doc}");
    check("python", python, (def, &with("        \"\"\"B.\n\n        More.\n        \"\"\"\n")), Ok(()));
    check("python", python, (def, &with("        'B.'\n")), Err(Unfit::Code));
    for indent in ["", "    ", "            ", "\t"] {
        let edited = python.replace(def, &with(&format!("{indent}\"\"\"B.\"\"\"\n")));
        let within = python.find(def).unwrap()..python.len();
        let language = pennyworth_grammars::by_name("python").unwrap();
        assert!(documents_only(language, &within, (python, &edited)).is_err(), "{edited}");
    }
    check("python", python, (def, "    # B.\n    def b(self):\n"), wrong());
    check("python", python, ("        return 1\n", "        return 1\n        \"\"\"B.\"\"\"\n"), Err(Unfit::Code));
    check("go", "func A() {\n}\n", ("func", "// A does.\nfunc"), Ok(()));
    check("elixir", "def a(b) do\n  b\nend\n", ("def a", "@doc \"\"\"\nA.\n\"\"\"\ndef a"), Ok(()));
    check("elixir", "def a(b) do\n  b\nend\n", ("def a", "@doc false\ndef a"), Err(Unfit::Code));
    check("java", "class A {\n    void b() {}\n}\n", ("    void b", "    /**\n     * B.\n     */\n    void b"), Ok(()));
    check("typescript", "const f = (a: number) => a;\n", ("= (a", "= /** F. */ (a"), wrong());
    check("typescript", "const f = (a: number) => a;\n", ("const", "/** F. */\nconst"), Ok(()));
}

#[test]
fn plain_comments_document_where_the_file_has_no_others() {
    let c = "/* A. */\nint a(void) {\n  return 1;\n}\n/* B. */\nint b(void) {\n  return 1;\n}\nint c(void) {\n  return 1;\n}\n";
    for language in ["c", "cpp"] {
        check(language, c, ("int c", "/* C. */\nint c"), Ok(()));
        check(language, c, ("/* B. */", "/* The B. */"), Ok(()));
        check(language, c, ("int c", "// C.\nint c"), Err(Unfit::Undocumented));
        let doc = c.replace("/* A", "/** A");
        check(language, &doc, ("int c", "/* C. */\nint c"), Err(Unfit::Undocumented));
    }
    let js = "// A.\nfunction a() {\n}\n// B.\nfunction b() {\n}\nfunction c() {\n}\n";
    check("javascript", js, ("function c", "// C.\nfunction c"), Ok(()));
    let rust = "// A.\nfn a() {\n}\n// B.\nfn b() {\n}\nfn c() {\n}\n";
    check("rust", rust, ("fn c", "// C.\nfn c"), Err(Unfit::Undocumented));
}

#[test]
fn documentation_is_replaced_and_not_doubled() {
    let rust = "/// Old.\n// NOLINT\nfn a() {\n}\n";
    check("rust", rust, ("/// Old.", "/// New."), Ok(()));
    check("rust", rust, ("/// Old.", "/// New.\n/// Old."), Err(Unfit::Undocumented));
    check("go", "//go:noinline\nfunc A() {\n}\n", ("//go", "// A does.\n//go"), Ok(()));
}

#[test]
fn nothing_hides_in_a_comment() {
    let code = || Err(Unfit::Code);
    let sql = "def f(c):\n    c.execute(\n        \"\"\"\n        DELETE FROM t WHERE id = 1\n        \"\"\"\n    )\n";
    check("python", sql, ("DELETE FROM t WHERE id = 1", "DELETE FROM t"), code());
    check("php", "<?php\nfunction f() {\n}\n", ("function", "// ?> <?php system(\"id\");\nfunction"), code());
    check("c", "int f(int a) {\n  return 1;\n}\n", ("int f", "// Doc \\\nint f"), code());
    check(
        "java",
        "class A {\n    void b() {}\n}\n",
        ("    void b", "    /** \\u002a\\u002f */\n    void b"),
        Err(Unfit::Undocumented),
    );
    check("tsx", "function f() {\n  return <a href=\"x\">http://a.com/y</a>;\n}\n", ("a.com/y", "evil.com/z"), code());
    check("cpp", "const char* f() {\n  return R\"x(\na\n)x\";\n}\n", ("\na\n", "\n// Doc.\na\n"), code());
    for (language, text, directive) in [
        ("go", "func A() {\n}\n", "//go:linkname a b\nfunc A"),
        ("typescript", "function A() {\n}\n", "/** A. */\n// @ts-nocheck\nfunction A"),
        ("javascript", "function A() {\n}\n", "/* eslint-disable */\nfunction A"),
    ] {
        let old = directive.rsplit('\n').next().unwrap();
        check(language, text, (old, directive), Err(Unfit::Undocumented));
    }
    check("rust", "/// Old.\nfn a() {}\n\n// Keep.\nfn b() {}\n", ("// Keep.\n", "/// B.\n"), Ok(()));
    check(
        "rust",
        "fn a() {\n    // Keep.\n    b();\n}\n",
        ("fn a() {\n    // Keep.\n", "/// A.\nfn a() {\n"),
        Err(Unfit::Undocumented),
    );
}

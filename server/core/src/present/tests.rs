//! Line breaks, closers, selected items and indentation on small texts.

use ropey::Rope;

use super::*;

#[test]
fn line_breaks_are_the_documents_and_lines_end_without_blanks() {
    for (text, line_break, expected) in [
        ("a", "\r\n", "a"),
        ("a \n\n  b\t\n ", "\r\n", "a\r\n\r\n  b\r\n "),
        ("\n  a\n", "\r", "\r  a\r"),
        ("a\n\u{c} \nb", "\n", "a\n\u{c}\nb"),
        ("a\nb", "\n", "a\nb"),
    ] {
        assert_eq!(with_line_breaks(text, line_break), expected, "{text:?}");
    }
}

#[test]
fn closers_of_the_editor_are_replaced_on_the_line_and_kept_below() {
    let insertion = |text: &str, replaces| Some(Insertion { text: text.into(), replaces });
    for (text, auto_closed, expected) in [
        ("a, b);", "", insertion("a, b);", 0)),
        ("a, b);", ")", insertion("a, b);", 1)),
        ("x\");", "\")", insertion("x\");", 2)),
        ("a();\n}", "\n}", insertion("a();", 0)),
        ("a();\n} else {\n}", "\n  }", None),
        ("\n}", "\n}", None),
    ] {
        assert_eq!(among_closers(text, auto_closed), expected, "{text:?} {auto_closed:?}");
    }
}

#[test]
fn a_step_is_read_from_lines_that_go_in() {
    for (text, expected) in [
        ("a\n  b\n    c\n", "  "),
        ("a\n    b\n        c\n    d\n", "    "),
        ("a\n\tb\n\t\tc\n", "\t"),
        ("a\nb\n", "usual"),
        ("", "usual"),
        ("/**\n * a\n * b\n */\nf\n    g\n", "    "),
        ("f(a,\n  b)\nx\n    y\nz\n    w\n", "    "),
        ("\tone\na\n  b\nc\n  d\n", "  "),
        ("a\r\n   b\r\n\r\n   c\r\n", "   "),
        ("/*\n\t * a\n\t * b\n */\nf\n", "\t"),
        ("{\n a\n {\n  b\n {\n  c\n {\n  d\n", " "),
    ] {
        assert_eq!(detect_indent(text.lines(), "usual"), expected, "{text:?}");
    }
    let rope = Rope::from_str("a\r  b\r");
    assert_eq!(document_indent(&rope, 99, pennyworth_grammars::text()), "  ");
    // The cursor's own line shows the step before it holds anything, if no other line shows another.
    assert_eq!(document_indent(&Rope::from_str("a\n  \n"), 1, pennyworth_grammars::text()), "  ");
    assert_eq!(document_indent(&Rope::from_str("a\n\t\n"), 1, pennyworth_grammars::text()), "\t");
    assert_eq!(document_indent(&Rope::from_str("a\n  \nb\n   c\n"), 1, pennyworth_grammars::text()), "   ");
}

#[test]
fn answers_take_on_the_documents_indentation() {
    for (language, unit, before, text, expected) in [
        // In another step.
        ("rust", "    ", "fn a() {\n    ", "if b {\n      c();\n    }", "if b {\n        c();\n    }"),
        ("go", "\t", "func a() {\n\t", "if b {\n        c()\n    }", "if b {\n\t\tc()\n\t}"),
        ("rust", "  ", "fn a() {\n  ", "if b {\n\t\tc();\n\t}", "if b {\n    c();\n  }"),
        // Counted from the cursor's line.
        ("rust", "    ", "    fn a() {", "\n    b();\n}", "\n        b();\n    }"),
        ("python", "    ", "    def a():\n        ", "b()\nif c:\n    d()", "b()\n        if c:\n            d()"),
        // A blank line without its indentation, or with too much of it.
        ("python", "    ", "def a():\n", "b()\nc()", "    b()\n    c()"),
        ("python", "    ", "def a():\n", "    b()\n    c()", "    b()\n    c()"),
        ("python", "    ", "def a():\n  ", "b()", "  b()"),
        ("python", "    ", "def a():\n    ", "    b()\n    c()", "b()\n    c()"),
        // What is right stays as it is.
        ("rust", "    ", "fn a() {\n    let b = ", "c\n        .d()\n        .e();", "c\n        .d()\n        .e();"),
        ("rust", "    ", "fn a() {\n    let b = f(", "c,\n              d);", "c,\n              d);"),
        ("python", "    ", "def a():\n    ", "b = '''\nc\n'''\n    d()", "b = '''\nc\n'''\n    d()"),
        ("rust", "    ", "", "fn a() {\n    b();\n}", "fn a() {\n    b();\n}"),
        ("rust", "    ", "a", "", ""),
        // A closer stands where the line of its opener begins, and what follows it where its own line says.
        ("python", "    ", "f(\n        {\n            1", ",\n        }\n    )", ",\n        }\n    )"),
        ("typescript", "    ", "    f({\n        a,", "\n});", "\n    });"),
        ("rust", "    ", "    T {\n        a,", "\n    }\n}", "\n    }\n}"),
        ("lua", "  ", "  if a then\n    b()", "\nend", "\n  end"),
        ("c", "    ", "    if (a\n        && b) {\n        c();", "\n    }", "\n    }"),
        // A body counts from the line where its head begins, and a statement may leave a body.
        ("rust", "    ", "fn f(\n        a: u8) {", "\n    b();", "\n    b();"),
        ("python", "    ", "def a():\n    if b:\n        c()", "\n    d()", "\n    d()"),
        // Labels and the items of a list are where their head is; a comment opens nothing.
        ("c", "    ", "    switch (n) {\n    ", "case 1:", "case 1:"),
        ("yaml", "  ", "a:\n  b:\n  ", "- c", "- c"),
        ("ruby", "  ", "  # a do\n  ", "b", "b"),
    ] {
        let facts = pennyworth_grammars::by_name(language).expect(language).facts();
        assert_eq!(reindent(text, &Target { before, unit, facts }), expected, "{language} {before:?} {text:?}");
    }
}

//! Tasks on demand by the real binary, against a fake provider and a real repository: what is sent, what is printed and written, what it costs, and
//! that an answer counts for nothing until it is valid.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use pennyworth_tests::asking::Asking;
use pennyworth_tests::fake_provider::Answer;
use serde_json::{Value, json};

const SOURCE: &str = "//! Sums.\n\n/// The rate.\npub const RATE: u8 = 2;\n\npub fn add(a: u8, b: u8) -> u8 {\n    scaled(a + b)\n}\n\nfn unused() {}\n";
const OTHER: &str = "/// Scales by the rate.\npub fn scaled(n: u8) -> u8 {\n    n * RATE\n}\n\nconst PASSWORD: &str = \"hunter2-prod\";\n";

/// A repository with two files, and a configuration of a cheap and a premium chat model.
async fn repository(head: &str) -> Asking {
    let scene = Asking::new(head, &[("cheap", "cheap"), ("dear", "premium")]).await;
    scene.write("project/src/a.rs", SOURCE);
    scene.write("project/src/b.rs", OTHER);
    scene.commit("sums: they are scaled").await;
    scene
}

fn fenced(code: &str) -> String {
    format!("```rust\n{code}```\n")
}

#[tokio::test]
async fn a_review_names_lines_of_the_change_and_is_printed_for_people_and_programs() {
    let scene = repository("").await;
    scene.write("project/src/a.rs", &SOURCE.replace("a + b", "a - b"));
    let found = |line: u32, more: &str| {
        format!(
            r#"{{"file":"src/a.rs","line":{line},"severity":"high","title":"It may underflow","why":"b may be larger."{more}}}"#
        )
    };
    let fix = r#","fix":{"first":7,"last":7,"text":"    scaled(a.saturating_sub(b))\n"}"#;
    let answer = format!("Here:\n```json\n{{\"findings\":[{},{}]}}\n```", found(7, fix), found(99, ""));
    scene.fake.always(Answer::new(&[&answer]));
    let (code, out, notes) = scene.run(&["review"]).await;
    let expected = "src/a.rs:7: high: It may underflow\n    b may be larger.\n    line 7 would be:\n    |     scaled(a.saturating_sub(b))\n";
    assert_eq!((code, out.as_str()), (Some(0), expected), "{notes}");
    assert!(
        notes.contains("src/a.rs:99 is no line of the change") && notes.contains("cheap: its answer is valid"),
        "{notes}"
    );
    let (_, system, user) = scene.prompts().remove(0);
    assert!(system.starts_with("Review a change"));
    for part in
        ["7+     scaled(a - b)", "\n-     scaled(a + b)", "src/b.rs:2 definition:\n```\npub fn scaled(n: u8) -> u8 …"]
    {
        assert!(user.contains(part), "{part}\n{user}");
    }
    assert!(!user.contains("n * RATE"), "no bodies: {user}");
    let body = scene.fake.seen().last().unwrap().body.clone();
    assert_eq!(body["response_format"]["json_schema"]["schema"]["required"], json!(["findings"]));
    assert_eq!(body["max_tokens"], 4096);

    let (code, out, _) = scene.run(&["review", "--format", "sarif", "--fail-on", "medium"]).await;
    let sarif: Value = serde_json::from_str(&out).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!((code, &result["level"]), (Some(1), &json!("error")));
    assert_eq!(result.pointer("/locations/0/physicalLocation/region/startLine"), Some(&json!(7)));
    assert_eq!(sarif.pointer("/runs/0/invocations/0/executionSuccessful"), Some(&json!(true)));
    let (code, out, _) = scene.run(&["review", "--json", "src/b.rs"]).await;
    assert!(code == Some(0) && out.contains("\"findings\": []"), "nothing has changed there: {out}");
    let (_, out, _) = scene.run(&["stats", "--by", "task", "--json"]).await;
    assert!(out.contains("\"review\""), "{out}");
}

#[tokio::test]
async fn a_dearer_model_is_asked_only_after_an_answer_that_is_not_valid_and_if_the_user_allows_it() {
    for (head, asked) in [("escalate = false", vec!["cheap"]), ("escalate = true", vec!["cheap", "dear"])] {
        let scene = repository(head).await;
        scene.says(&[
            &fenced("pub fn add(a: u8, b: u8) -> u8 {\n    (scaled(a + b)\n}\n"),
            &fenced("pub fn add(a: u8, b: u8) -> u8 {\n    scaled(b + a)\n}\n"),
        ]);
        let (code, out, notes) = scene.run(&["edit", "src/a.rs:7", "Swap the operands."]).await;
        let models: Vec<_> = scene.prompts().into_iter().map(|(model, ..)| model).collect();
        assert_eq!(models, asked, "{notes}");
        assert!(notes.contains("cheap: the file would parse worse"), "{notes}");
        let expected = "--- a/src/a.rs\n+++ b/src/a.rs\n@@ -4,7 +4,7 @@\n pub const RATE: u8 = 2;\n \n pub fn add(a: u8, b: u8) -> u8 {\n-    scaled(a + b)\n+    scaled(b + a)\n }\n \n fn unused() {}\n";
        let expected = if asked.len() == 2 { (Some(0), expected) } else { (Some(2), "") };
        assert_eq!((code, out.as_str()), expected);
    }
}

#[tokio::test]
async fn an_edit_is_written_only_where_it_is_asked_for_and_keeps_line_breaks() {
    let scene = repository("").await;
    scene.write("project/src/a.rs", &SOURCE.replace('\n', "\r\n"));
    let answer = fenced("/// Adds two numbers, scaled.\npub fn add(a: u8, b: u8) -> u8 {\n    scaled(a + b)\n}\n");
    scene.fake.always(Answer::new(&[&answer]));
    let (code, _, notes) = scene.run(&["document", "src/a.rs:6", "--apply"]).await;
    assert_eq!(code, Some(0), "{notes}");
    let expected = SOURCE.replace("pub fn add", "/// Adds two numbers, scaled.\npub fn add").replace('\n', "\r\n");
    assert_eq!(scene.read("project/src/a.rs"), expected);
    scene.says(&[&fenced("pub fn add(a: u8, b: u8) -> u8 {\n    scaled(a + b + 1)\n}\n")]);
    let (code, _, notes) = scene.run(&["document", "src/a.rs:7", "--apply"]).await;
    assert_eq!((code, scene.read("project/src/a.rs")), (Some(2), expected), "{notes}");
    assert!(notes.contains("only a comment was asked for"), "{notes}");
}

#[tokio::test]
async fn a_prompt_is_never_larger_than_the_ceiling_of_its_task() {
    let scene = repository("").await;
    let body: String = (0..900).map(|n| format!("    total += step_{n}(total);\n")).collect();
    scene.write("project/src/long.rs", &format!("fn long(mut total: u64) -> u64 {{\n{body}    total\n}}\n"));
    for (arguments, input) in [
        (&["explain-code", "src/long.rs:400"][..], 3000),
        (&["fix", "src/long.rs:400", "mismatched types"], 2500),
        (&["edit", "src/long.rs:400", "Stop here."], 4000),
        (&["document", "src/long.rs:400"], 2000),
        (&["tests", "src/long.rs:400"], 5000),
    ] {
        let (code, out, notes) = scene.run(&[arguments, &["--plan", "--json"]].concat()).await;
        let plan: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out} {notes}"));
        let parts = plan["requests"][0]["parts"].as_array().unwrap();
        let tokens: u64 = parts.iter().filter_map(|part| part["tokens"].as_u64()).sum();
        assert!(code == Some(0) && tokens <= input && tokens > input / 2, "{arguments:?}: {tokens}");
    }
    scene.says(&["It adds."]);
    scene.run(&["explain-code", "src/long.rs:400"]).await;
    assert!(scene.asked()[0].contains("step_398(") && !scene.asked()[0].contains("step_10("));
    // What was chosen is not cut.
    let (code, _, notes) = scene.run(&["explain-code", "src/long.rs:2-800"]).await;
    assert!(code == Some(2) && notes.contains("more than `tasks.explain.input` = 3000"), "{notes}");
    assert_eq!(scene.asked().len(), 1);
}

#[tokio::test]
async fn a_byte_order_mark_is_kept_and_not_sent() {
    let scene = repository("").await;
    let source = "\u{feff}pub fn one() -> u8 {\r\n    1\r\n}\r\n";
    scene.write("project/src/marked.rs", source);
    scene.says(&[&fenced("pub fn one() -> u8 {\n    2 - 1\n}\n")]);
    let (code, _, notes) = scene.run(&["edit", "src/marked.rs:1", "Subtract.", "--apply"]).await;
    assert_eq!((code, scene.read("project/src/marked.rs")), (Some(0), source.replace("    1", "    2 - 1")), "{notes}");
    scene.says(&[&fenced("/// One.\npub fn one() -> u8 {\n    2 - 1\n}\n")]);
    let (code, _, notes) = scene.run(&["document", "src/marked.rs:1", "--apply"]).await;
    let documented = source.replace("pub", "/// One.\r\npub").replace("    1", "    2 - 1");
    assert_eq!((code, scene.read("project/src/marked.rs")), (Some(0), documented.clone()), "{notes}");
    // A line that is as it was is no part of a change.
    scene.git(&["add", "."]).await;
    scene.git(&["commit", "-q", "-m", "marked"]).await;
    scene.write("project/src/marked.rs", &documented.replace("2 - 1", "1"));
    scene.says(&["{\"findings\": []}"]);
    let (code, _, notes) = scene.run(&["review"]).await;
    assert_eq!(code, Some(0), "{notes}");
    let (_, _, user) = scene.prompts().pop().unwrap();
    assert!(user.contains("3+     1") && !user.contains("1+ ") && !user.contains("2+ "), "{user}");
    assert!(scene.prompts().iter().all(|(_, _, user)| !user.contains('\u{feff}')));
}

#[tokio::test]
async fn a_fix_touches_what_was_reported_and_tests_go_where_the_project_keeps_them() {
    let scene = repository("").await;
    scene.says(&[&fenced("fn unused() {\n    add(1, 2);\n}\n")]);
    let (code, out, notes) = scene.run(&["fix", "src/a.rs:10", "function `unused` is never used"]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert!(out.contains("+    add(1, 2);"), "{out}");
    assert!(scene.prompts()[0].2.contains("src/a.rs:10: function `unused` is never used"));

    scene.says(&[&fenced("#[test]\nfn it_adds() {\n    assert_eq!(add(1, 2), 6);\n}\n")]);
    let (code, _, notes) = scene.run(&["tests", "src/a.rs:7", "--apply"]).await;
    assert_eq!(code, Some(0), "{notes}");
    let text = scene.read("project/src/a.rs");
    assert!(text.ends_with("#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn it_adds() {\n        assert_eq!(add(1, 2), 6);\n    }\n}\n"), "{text}");
    scene.says(&[&fenced("    #[test]\n    fn it_adds_more() {\n        assert_eq!(add(2, 2), 8);\n    }\n")]);
    let (code, _, notes) = scene.run(&["tests", "src/a.rs:7", "--apply"]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert!(
        scene
            .read("project/src/a.rs")
            .ends_with("    }\n\n    #[test]\n    fn it_adds_more() {\n        assert_eq!(add(2, 2), 8);\n    }\n}\n")
    );
    scene.says(&[&fenced("#[test]\nfn nothing() {\n    assert!(true);\n}\n")]);
    let (code, _, notes) = scene.run(&["tests", "src/a.rs:7"]).await;
    assert_eq!(code, Some(2));
    assert!(notes.contains("does not hold `add`"), "{notes}");

    scene.write("project/go.mod", "module a\n");
    scene.write("project/c.go", "package a\n\nfunc Add(a int) int {\n\treturn a\n}\n");
    scene.says(&["```go\npackage a\n\nfunc TestAdd(t *testing.T) {\n\tif Add(1) != 1 {\n\t\tt.Fail()\n\t}\n}\n```"]);
    let (code, _, notes) = scene.run(&["tests", "c.go:4", "--apply"]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert!(scene.read("project/c_test.go").starts_with("package a\n"));

    scene.write(
        "project/src/main/java/b/C.java",
        "package b;\n\nclass C {\n    int one() {\n        return 1;\n    }\n}\n",
    );
    scene.says(&["```java\npackage b;\n\nclass CTest {\n    @Test void one() {\n        assertEquals(1, new C().one());\n    }\n}\n```"]);
    let (code, _, notes) = scene.run(&["tests", "src/main/java/b/C.java:5", "--apply"]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert!(scene.read("project/src/test/java/b/CTest.java").starts_with("package b;\n"));
    let (_, _, user) = scene.prompts().pop().unwrap();
    assert!(user.contains("the whole of the new file src/test/java/b/CTest.java"), "{user}");
    // More tests of what a file of tests holds go into it.
    scene.says(&["```java\n// More of one.\nclass MoreTest {\n    @Test void one() {}\n}\n```"]);
    let (code, out, notes) = scene.run(&["tests", "src/test/java/b/CTest.java:4"]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert!(out.contains("+++ b/src/test/java/b/CTest.java"), "{out}");
}

/// A file, the files beside it, an answer, and what the file of tests then is.
type Case = (&'static str, &'static [(&'static str, &'static str)], &'static str, (&'static str, &'static str));

#[tokio::test]
async fn tests_join_the_others_where_they_compile_and_run() {
    const RUST: &str = "pub fn add() {}\n";
    const TEST: &str = "#[test]\nfn adds() {\n    add();\n}\n";
    let cases: [Case; 15] = [
        (
            "A.kt:1",
            &[
                ("A.kt", "fun add() = 1\n"),
                ("ATest.kt", "class ATest : StringSpec({\n    \"is\" {\n        1 shouldBe 1\n    }\n})\n"),
            ],
            "import io.kotest.B\n\nclass ATest : StringSpec({\n    \"adds\" {\n        add() shouldBe 1\n    }\n})\n",
            (
                "ATest.kt",
                "import io.kotest.B\n\nclass ATest : StringSpec({\n    \"is\" {\n        1 shouldBe 1\n    }\n\n    \"adds\" {\n        add() shouldBe 1\n    }\n})\n",
            ),
        ),
        (
            "a.js:1",
            &[
                ("a.js", "function add() {}\n"),
                (
                    "a.test.js",
                    "const { add } = require('./a');\n\ndescribe('a', () => {\n  it('is', () => {\n  });\n});\n",
                ),
            ],
            "it('adds', () => {\n  expect(add()).toBe(1);\n});\n",
            (
                "a.test.js",
                "const { add } = require('./a');\n\ndescribe('a', () => {\n  it('is', () => {\n  });\n\n  it('adds', () => {\n    expect(add()).toBe(1);\n  });\n});\n",
            ),
        ),
        (
            "lib/a.ex:2",
            &[
                ("lib/a.ex", "defmodule A do\n  def add(a) do\n    a\n  end\nend\n"),
                (
                    "test/a_test.exs",
                    "defmodule ATest do\n  use ExUnit.Case\n\n  test \"is\" do\n    assert true\n  end\nend\n",
                ),
            ],
            "defmodule ATest do\n  use ExUnit.Case\n  alias B.C\n\n  test \"adds\" do\n    assert A.add(1) == 1\n  end\nend\n",
            (
                "test/a_test.exs",
                "defmodule ATest do\n  use ExUnit.Case\n  alias B.C\n\n  test \"is\" do\n    assert true\n  end\n\n  test \"adds\" do\n    assert A.add(1) == 1\n  end\nend\n",
            ),
        ),
        (
            "A.java:2",
            &[
                ("A.java", "class A {\n    int add() {\n        return 1;\n    }\n}\n"),
                ("ATest.java", "import org.Test;\n\nclass ATest {\n    @Test\n    void old() {\n    }\n}\n"),
            ],
            "import java.util.List;\nimport org.Test;\n\nclass ATest {\n    @Test\n    void add() {\n        List.of(new A().add());\n    }\n}\n",
            (
                "ATest.java",
                "import org.Test;\nimport java.util.List;\n\nclass ATest {\n    @Test\n    void old() {\n    }\n\n    @Test\n    void add() {\n        List.of(new A().add());\n    }\n}\n",
            ),
        ),
        (
            "a.rs:1",
            &[(
                "a.rs",
                "pub fn add() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn old() {}\n}\n",
            )],
            "use std::fs;\n\n#[test]\nfn adds() {\n    fs::exists(add());\n}\n",
            (
                "a.rs",
                "pub fn add() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n    use std::fs;\n\n    #[test]\n    fn old() {}\n\n    #[test]\n    fn adds() {\n        fs::exists(add());\n    }\n}\n",
            ),
        ),
        (
            "a.py:1",
            &[("a.py", "def add():\n    return 1\n"), ("test_a.py", "from a import add\n")],
            "import math\nfrom a import add\n\n\ndef test_add():\n    assert math.ceil(add()) == 1\n",
            ("test_a.py", "from a import add\nimport math\n\ndef test_add():\n    assert math.ceil(add()) == 1\n"),
        ),
        (
            "a.rs:1",
            &[
                ("a.rs", "pub fn add() {}\n\n#[cfg(test)]\nmod tests;\n"),
                ("a/tests.rs", "use super::*;\n\n#[test]\nfn old() {}\n"),
            ],
            TEST,
            ("a/tests.rs", "use super::*;\n\n#[test]\nfn old() {}\n\n#[test]\nfn adds() {\n    add();\n}\n"),
        ),
        (
            "a.rs:1",
            &[("a.rs", "pub fn add() {}\n\n#[cfg(test)]\nmod tests {}\n")],
            TEST,
            (
                "a.rs",
                "pub fn add() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn adds() {\n        add();\n    }\n}\n",
            ),
        ),
        (
            "a.rs:2",
            &[(
                "a.rs",
                "mod inner {\n    fn add() {}\n\n    #[cfg(test)]\n    mod checks {\n        use super::*;\n    }\n}\n",
            )],
            TEST,
            (
                "a.rs",
                "mod inner {\n    fn add() {}\n\n    #[cfg(test)]\n    mod checks {\n        use super::*;\n\n        #[test]\n        fn adds() {\n            add();\n        }\n    }\n}\n",
            ),
        ),
        (
            "a.rs:1",
            &[("a.rs", RUST)],
            "#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn adds() {\n        add();\n    }\n}\n",
            (
                "a.rs",
                "pub fn add() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn adds() {\n        add();\n    }\n}\n",
            ),
        ),
        (
            "a.go:3",
            &[
                ("a.go", "package a\n\nfunc Add() {}\n"),
                ("a_test.go", "package a\n\nimport \"testing\"\n\nfunc TestOld(t *testing.T) {\n}\n"),
            ],
            "package a\n\nimport \"testing\"\n\nfunc TestAdd(t *testing.T) {\n\tAdd()\n}\n",
            (
                "a_test.go",
                "package a\n\nimport \"testing\"\n\nfunc TestOld(t *testing.T) {\n}\n\nfunc TestAdd(t *testing.T) {\n\tAdd()\n}\n",
            ),
        ),
        (
            "A.java:2",
            &[
                ("A.java", "class A {\n    int add() {\n        return 1;\n    }\n}\n"),
                ("ATest.java", "class ATest {\n    @Test\n    void old() {\n    }\n}\n"),
            ],
            "@Test\nvoid add() {\n    new A().add();\n}\n",
            (
                "ATest.java",
                "class ATest {\n    @Test\n    void old() {\n    }\n\n    @Test\n    void add() {\n        new A().add();\n    }\n}\n",
            ),
        ),
        (
            "a.py:1",
            &[
                ("a.py", "def add():\n    return 1\n"),
                (
                    "test_a.py",
                    "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_x(self):\n        pass\n\n\nif __name__ == \"__main__\":\n    unittest.main()\n",
                ),
            ],
            "    def test_add(self):\n        self.assertEqual(add(), 1)\n",
            (
                "test_a.py",
                "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_x(self):\n        pass\n\n    def test_add(self):\n        self.assertEqual(add(), 1)\n\n\nif __name__ == \"__main__\":\n    unittest.main()\n",
            ),
        ),
        (
            "src/A.php:3",
            &[
                ("src/A.php", "<?php\nclass A {\n    function add() { return 1; }\n}\n"),
                (
                    "tests/ATest.php",
                    "<?php\n\nclass ATest extends TestCase {\n    public function testOld(): void {\n    }\n}\n",
                ),
            ],
            "public function testAdd(): void {\n    (new A())->add();\n}\n",
            (
                "tests/ATest.php",
                "<?php\n\nclass ATest extends TestCase {\n    public function testOld(): void {\n    }\n\n    public function testAdd(): void {\n        (new A())->add();\n    }\n}\n",
            ),
        ),
        (
            "src/A.php:2",
            &[
                ("src/A.php", "<?php\nfunction add() { return 1; }\n"),
                ("tests/ATest.php", "<?php\n\nit(\"is\", function () {\n});\n"),
            ],
            "it(\"adds\", function () {\n    expect(add())->toBe(1);\n});\n",
            (
                "tests/ATest.php",
                "<?php\n\nit(\"is\", function () {\n});\n\nit(\"adds\", function () {\n    expect(add())->toBe(1);\n});\n",
            ),
        ),
    ];
    for (place, files, answer, (path, expected)) in cases {
        let scene = repository("").await;
        for (file, text) in files {
            scene.write(&format!("project/{file}"), text);
        }
        scene.says(&[&fenced(answer)]);
        let (code, _, notes) = scene.run(&["tests", place, "--apply"]).await;
        assert_eq!((code, scene.read(&format!("project/{path}")).as_str()), (Some(0), expected), "{place}: {notes}");
    }
}

#[tokio::test]
async fn tests_with_a_name_or_head_that_the_file_cannot_have_are_none() {
    let scene = repository("escalate = false").await;
    scene.write("project/a.py", "def add():\n    return 1\n");
    scene.write("project/test_a.py", "def test_add():\n    assert add() == 1\n");
    scene.says(&[&fenced("def test_add():\n    assert add() == 2\n")]);
    let (code, _, notes) = scene.run(&["tests", "a.py:1"]).await;
    assert!(code == Some(2) && notes.contains("the file has a `test_add` already"), "{notes}");
    scene.write("project/a.go", "package a\n\nfunc Add() {}\n");
    scene.write("project/a_test.go", "package a\n\nimport \"testing\"\n\nfunc TestOld(t *testing.T) {\n}\n");
    scene.says(&[&fenced("package b\n\nfunc TestAdd(t *testing.T) {\n\tAdd()\n}\n")]);
    let (code, _, notes) = scene.run(&["tests", "a.go:3"]).await;
    assert!(code == Some(2) && notes.contains("`package b` belongs at the head of the file"), "{notes}");
}

#[tokio::test]
async fn an_answer_may_hold_the_markers_that_the_tested_file_has_or_the_user_names() {
    let scene = repository("escalate = false").await;
    scene.write("project/a.py", "END = \"<|im_end|>\"\n\n\ndef add():\n    return END\n");
    scene.write("project/test_a.py", "def test_old():\n    assert add()\n");
    let refused = "the answer holds a marker of a model's format: <fim_pad>";
    for (marker, is_fit) in [("<|im_end|>", true), ("<fim_pad>", false)] {
        scene.says(&[&fenced(&format!("def test_add():\n    assert add() == \"{marker}\"\n"))]);
        let (code, _, notes) = scene.run(&["tests", "a.py:4"]).await;
        assert_eq!((code == Some(0), notes.contains(refused)), (is_fit, !is_fit), "{marker}: {notes}");
    }
    for (words, is_fit) in [("Return `<fim_pad>`.", true), ("Return a marker.", false)] {
        scene.says(&[&fenced("def add():\n    return \"<fim_pad>\"\n")]);
        let (code, _, notes) = scene.run(&["edit", "a.py:4-5", words]).await;
        assert_eq!((code == Some(0), notes.contains(refused)), (is_fit, !is_fit), "{words}: {notes}");
    }
}

#[tokio::test]
async fn a_message_has_the_style_of_earlier_subjects_and_an_explanation_is_prose() {
    let scene = repository("").await;
    assert_eq!(scene.run(&["commit"]).await.0, Some(2), "nothing is staged");
    scene.write("project/src/a.rs", &SOURCE.replace("= 2", "= 3"));
    scene.git(&["add", "."]).await;
    scene.says(&["```\nsums: the rate is three\n```"]);
    let (code, out, notes) = scene.run(&["commit"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "sums: the rate is three\n"), "{notes}");
    let (_, _, user) = scene.prompts().remove(0);
    assert!(
        user.contains("Earlier subjects:\nsums: they are scaled") && user.contains("4+ pub const RATE: u8 = 3;"),
        "{user}"
    );
    // The message goes before what the file holds, whatever that is.
    std::fs::write(scene.path("project/MESSAGE"), b"caf\xe9\n").unwrap();
    scene.says(&["sums: the rate is three"]);
    let (code, _, notes) = scene.run(&["commit", "--write", "MESSAGE"]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert_eq!(std::fs::read(scene.path("project/MESSAGE")).unwrap(), b"sums: the rate is three\ncaf\xe9\n");
    scene.says(&["```markdown\nIt **adds**.\n```"]);
    let (code, out, _) = scene.run(&["explain-code", "src/a.rs:6-8"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "It **adds**.\n"));
    for hostile in ["", "It adds\u{202e}.", "\u{1b}[2Jgone"] {
        scene.says(&[hostile]);
        let (code, out, notes) = scene.run(&["explain-code", "src/a.rs:6"]).await;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{hostile:?} {notes}");
    }
}

#[tokio::test]
async fn nothing_excluded_and_no_password_is_sent_and_masks_come_back_as_they_were() {
    let scene = repository("ignore = ['src/ignored.rs']").await;
    scene.write("project/src/ignored.rs", "fn ignored() {}\n");
    scene.write("project/.env", "A=hunter2-env\n");
    scene.write("project/src/b.rs", &OTHER.replace("n * RATE", "RATE * n"));
    scene.git(&["add", "-f", "-A"]).await;
    scene.fake.always(Answer::new(&["{\"findings\": []}"]));
    let (code, out, notes) = scene.run(&["review", "--staged"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "no findings\n"), "{notes}");
    assert!(notes.contains("ignored.rs: it is ignored") && notes.contains(".env: it may hold keys"), "{notes}");
    for (_, _, user) in scene.prompts() {
        assert!(!user.contains("hunter2") && !user.contains("fn ignored"), "{user}");
    }
    let masked = OTHER.lines().last().unwrap().replace("hunter2-prod", &"*".repeat(12));
    scene.says(&[&fenced(&format!("{masked}\nconst MORE: u8 = 1;\n"))]);
    let (code, out, notes) = scene.run(&["edit", "src/b.rs:6-6", "Add a constant."]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert!(out.contains("+const MORE: u8 = 1;") && !out.contains("***"), "{out}");
    scene.says(&[&fenced(&(masked.replace("PASSWORD", "SECRET") + "\n"))]);
    let (code, _, notes) = scene.run(&["edit", "src/b.rs:6-6", "Rename it."]).await;
    assert_eq!(code, Some(2));
    assert!(notes.contains("repeats a masked key or password"), "{notes}");
    for (_, _, user) in scene.prompts() {
        assert!(!user.contains("hunter2"), "{user}");
    }
}

#[tokio::test]
async fn what_is_said_beside_code_is_masked_too() {
    const TOKEN: &str = "ghp_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8";
    let scene = repository("").await;
    let file = format!("src/{TOKEN}.rs");
    scene.write(&format!("project/{file}"), SOURCE);
    scene.git(&["add", "."]).await;
    scene.git(&["commit", "-q", "-m", "start: password=hunter2-subject"]).await;
    scene.git(&["commit", "-q", "--allow-empty", "-m", "use postgres://me:hunter2-address@db/a"]).await;
    scene.write(&format!("project/{file}"), &SOURCE.replace("a + b", "a - b"));
    scene.git(&["add", "."]).await;
    let said = format!("Possible password: 'hunter2-said', or {TOKEN}");
    for arguments in [
        vec!["commit"],
        vec!["review", "--staged"],
        vec!["explain-code", &format!("{file}:7")],
        vec!["edit", "src/a.rs:7", &said],
        vec!["fix", "src/a.rs:7", &said],
        vec!["tests", &format!("{file}:7")],
    ] {
        let before = scene.prompts().len();
        scene.fake.always(Answer::new(&["sums: they shrink"]));
        let (_, _, notes) = scene.run(&arguments).await;
        assert!(scene.prompts().len() > before, "{arguments:?} {notes}");
    }
    for (_, _, user) in scene.prompts() {
        assert!(!user.contains("hunter2") && !user.contains(TOKEN), "{user}");
    }
    let item = "pub fn add(a: u8, b: u8) -> u8 {\n    login(\"************\")\n}\n";
    scene.says(&[&fenced(item)]);
    let (code, out, notes) = scene.run(&["edit", "src/a.rs:7", &said]).await;
    assert_eq!((code, out.as_str()), (Some(2), ""), "{notes}");
    assert!(notes.contains("repeats a masked key or password"), "{notes}");
}

#[tokio::test]
async fn money_is_asked_for_bounded_and_never_spent_for_a_plan() {
    let scene = repository("confirm_usd = 0.0001").await;
    scene.write("project/src/a.rs", &SOURCE.replace("a + b", "a - b"));
    let (code, out, _) = scene.run(&["review", "--plan"]).await;
    assert!(code == Some(0) && out.contains("hunk at src/a.rs:4") && out.contains("cost  "), "{out}");
    let (_, out, _) = scene.run(&["review", "--plan", "--json"]).await;
    let plan: Value = serde_json::from_str(&out).unwrap();
    assert!(plan["worst_usd"].as_f64().unwrap() > 0.0 && plan["requests"][0]["parts"][0]["tokens"].is_u64());
    for (arguments, task) in [
        (&["review", "--json"][..], &["explain", "--json", "--task", "review"][..]),
        (&["document", "src/a.rs:6"], &["explain", "--task", "document", "src/a.rs:6"]),
        (&["explain-code", "src/a.rs:6-8"], &["explain", "--task", "explain", "src/a.rs:6-8"]),
        (&["commit", "--json"], &["explain", "--task", "commit", "--json"]),
    ] {
        let (own, other) = (scene.run(&[arguments, &["--plan"]].concat()).await, scene.run(task).await);
        assert_eq!((own.0, own.1), (other.0, other.1), "{task:?}");
    }
    let (code, _, notes) = scene.run(&["explain", "--task", "line"]).await;
    assert!(code == Some(2) && notes.contains("`line` is no task on demand; there are explain, document"), "{notes}");
    let (code, _, notes) = scene.run(&["review"]).await;
    assert!(code == Some(2) && notes.contains("more than `confirm_usd` = 0.0001"), "{notes}");
    let (code, _, notes) = scene.run(&["review", "--spend", "0.000001"]).await;
    assert!(code == Some(2) && notes.contains("`--spend` is reached"), "{notes}");
    assert_eq!(scene.prompts().len(), 0);
    let scene = repository("cap_usd_per_day = 0.000001").await;
    let (code, _, notes) = scene.run(&["explain-code", "src/a.rs:6"]).await;
    assert!(code == Some(2) && notes.contains("cap does not cover it"), "{notes}");
    let scene = repository("local_only = true").await;
    let (code, _, notes) = scene.run(&["explain-code", "src/a.rs:6"]).await;
    assert!(code == Some(2) && notes.contains("code may not leave this machine"), "{notes}");
    assert_eq!(scene.prompts().len(), 0);
}

#[tokio::test]
async fn findings_that_are_no_json_are_asked_for_once_more() {
    let scene = repository("").await;
    scene.write("project/src/a.rs", &SOURCE.replace("a + b", "a - b"));
    scene.says(&["I found nothing.", "{\"findings\": []}"]);
    let (code, out, notes) = scene.run(&["review"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "no findings\n"), "{notes}");
    scene.says(&["I found nothing.", "Still nothing."]);
    let (code, out, notes) = scene.run(&["review"]).await;
    assert_eq!((code, out.as_str()), (Some(2), ""), "{notes}");
    assert!(notes.contains("not all of the change was reviewed"), "{notes}");
    assert_eq!(scene.prompts().len(), 4);
    scene.says(&["I found nothing.", "Still nothing."]);
    let (_, out, _) = scene.run(&["review", "--format", "sarif"]).await;
    let sarif: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(sarif.pointer("/runs/0/invocations/0/executionSuccessful"), Some(&json!(false)));
}

#[tokio::test]
async fn what_became_of_many_requests_alike_is_said_once() {
    let scene = repository("cap_usd_per_day = 0.001").await;
    let items: String = (0..4).map(|n| format!("fn f{n}() {{\n    let a = {n};\n}}\n\n")).collect();
    scene.write("project/many.rs", &items);
    // The first answer is dearer than all that is left.
    scene.fake.always(Answer::new(&[&"word ".repeat(20_000)]));
    let (code, _, notes) = scene.run(&["document", "many.rs", "--yes"]).await;
    assert_eq!((code, scene.asked().len()), (Some(2), 1), "{notes}");
    assert!(notes.matches("cap").count() == 1 && notes.contains(" (3 times)\n"), "{notes}");
}

/// The recipe of the README that holds these words.
fn recipe(words: &str) -> String {
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md")).unwrap();
    let mut blocks = readme.split("```").skip(1).step_by(2).filter(|block| block.contains(words));
    let block = blocks.next().unwrap();
    block.split_once('\n').unwrap().1.to_owned()
}

#[cfg(unix)]
#[tokio::test]
async fn the_hook_of_the_readme_writes_messages_and_stops_no_commit() {
    let scene = repository("").await;
    scene.write(".config/pennyworth/config.toml", &scene.read("config.toml"));
    let binaries = pennyworth_tests::project::BINARY.parent().unwrap().display().to_string();
    let path = format!("{binaries}:{}", std::env::var("PATH").unwrap());
    let run = async |line: &str| {
        let mut shell = tokio::process::Command::new("sh");
        shell.current_dir(scene.root()).env_clear().env("HOME", scene.home()).env("PATH", &path);
        for who in ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"] {
            shell.env(who, "a@example.com");
        }
        let output = shell.env("GIT_EDITOR", "true").args(["-ec", line]).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    let (done, _, notes) = run(&recipe(".git/hooks/prepare-commit-msg")).await;
    assert!(done, "{notes}");
    let subject = async || run("git log -1 --format=%s").await.1.trim_end().to_owned();
    scene.write("project/src/a.rs", &SOURCE.replace("a + b", "a - b"));
    scene.says(&["sums: they are differences"]);
    let (done, _, notes) = run("git commit -q -a").await;
    assert!(done && subject().await == "sums: they are differences", "{notes}");
    // A message that is given stays, and costs nothing.
    let asked = scene.asked().len();
    assert!(run("git commit -q --allow-empty -m given").await.0);
    assert_eq!((subject().await.as_str(), scene.asked().len()), ("given", asked));
    // Where there is none, the editor opens as it would without the hook.
    scene.write("project/src/a.rs", "fn other() {}\n");
    scene.says(&["I'm sorry, but I can't help with that."]);
    let (_, _, notes) = run("GIT_EDITOR='echo by hand >' git commit -q -a").await;
    assert_eq!(subject().await, "by hand", "{notes}");
}

//! What stands around new tests in the answer and in the file, and what is left of it.

use crate::demand::joined::joined;
use crate::demand::joining::Joining;
use crate::demand::valid::errors;
use crate::demand::{Source, Unfit};

/// A file with new tests at `|`. The last one of `holder` has the others.
fn with(language: &str, file: &str, holder: &str, code: &str) -> Result<String, Unfit> {
    let language = pennyworth_grammars::by_name(language).unwrap();
    let (text, at) = (file.replace('|', ""), file.find('|').unwrap());
    let source = Source::new("", language, text.clone());
    let holder = Some(holder).filter(|holder| !holder.is_empty());
    let joined = joined(code, &Joining { file: &source, at, lead: "", holder })?;
    let lead = if text.ends_with('\n') { "" } else { "\n" };
    let mut now = text;
    let place = if joined.outside { now.len() } else { at };
    now.insert_str(place, &format!("{lead}{}\n", joined.code));
    for edit in joined.imports.into_iter().rev() {
        now.replace_range(edit.range, &edit.text);
    }
    assert!(errors(&now, language) <= errors(&source.text, language), "it parses worse: {now}");
    Ok(now)
}

fn check(language: &str, file: &str, holder: &str, code: &str, expected: &str) {
    assert_eq!(with(language, file, holder, code).as_deref(), Ok(expected), "{language}: {code}");
}

#[test]
fn what_stands_around_the_other_tests_is_taken_away() {
    let dart = "void main() {\n  test('a', () {});\n|}\n";
    let now = "void main() {\n  test('a', () {});\n  test('b', () {});\n}\n";
    for code in ["void main() {\n  test('b', () {});\n}", "Future<void> main() async {\n  test('b', () {});\n}"] {
        check("dart", dart, "main", code, now);
    }
    // The line that opens the block says enough where it is no item.
    check("dart", dart, "", "void main() {\n  test('b', () {});\n}", now);
    let kotlin = "class T : FunSpec() {\n    init {\n        test(\"a\") {}\n|    }\n}\n";
    let now = "class T : FunSpec() {\n    init {\n        test(\"a\") {}\n        test(\"b\") {}\n    }\n}\n";
    check("kotlin", kotlin, "T", "class T : FunSpec() {\n    init {\n        test(\"b\") {}\n    }\n}", now);
    check("kotlin", kotlin, "T", "init {\n        test(\"b\") {}\n}", now);
    check("kotlin", kotlin, "T", "        test(\"b\") {}", now);
    let swift = "final class T: QuickSpec {\n    override class func spec() {\n        it(\"a\") {}\n|    }\n}\n";
    let now = "final class T: QuickSpec {\n    override class func spec() {\n        it(\"a\") {}\n        it(\"b\") {}\n    }\n}\n";
    let spec = "    override class func spec() {\n        it(\"b\") {}\n    }";
    check("swift", swift, "spec", spec, now);
    check("swift", swift, "spec", &format!("class T: QuickSpec {{\n{spec}\n}}"), now);
    let javascript = "describe('a', () => {\n  it('b', () => {});\n|});\n";
    let now = "describe('a', () => {\n  it('b', () => {});\n  it('c', () => {});\n});\n";
    check("javascript", javascript, "", "describe('a', () => {\n  it('c', () => {});\n});", now);
    let lua = "describe(\"a\", function()\n  it(\"b\", function() end)\n|end)\n";
    let now = "describe(\"a\", function()\n  it(\"b\", function() end)\n  it(\"c\", function() end)\nend)\n";
    check("lua", lua, "", "describe(\"a\", function()\n  it(\"c\", function() end)\nend)", now);
}

#[test]
fn what_nobody_would_run_inside_itself_is_not_taken() {
    let dart = "void main() {\n  test('a', () {});\n|}\n";
    let twice = "void helper() {}\n\nvoid main() {\n  test('b', () {});\n}";
    assert_eq!(with("dart", dart, "main", twice), Err(Unfit::Known("main".into())));
    assert_eq!(with("dart", dart, "main", "void main() => test('b', () {});"), Err(Unfit::Known("main".into())));
    let kotlin = "class T : FunSpec() {\n    init {\n        test(\"a\") {}\n|    }\n}\n";
    let code = "val x = 1\ninit {\n    test(\"b\") {}\n}";
    assert_eq!(with("kotlin", kotlin, "T", code), Err(Unfit::Known("init".into())));
    let swift = "class T: QuickSpec {\n    override class func spec() {\n        it(\"a\") {}\n|    }\n}\n";
    let code = "class T: QuickSpec {\n    var x = 1\n    override class func spec() {\n        it(\"b\") {}\n    }\n}";
    assert_eq!(with("swift", swift, "spec", code), Err(Unfit::Known("spec".into())));
}

#[test]
fn a_test_at_the_end_of_its_file_is_not_around_the_next_one() {
    let python = "class ATest(TestCase):\n    def test_a(self):\n        pass|";
    let source = python.replace('|', "");
    let expected = format!("{source}\n    def test_a(self):\n        f()\n");
    check("python", python, "ATest", "    def test_a(self):\n        f()", &expected);
}

#[test]
fn imports_inside_tests_are_none_of_the_module() {
    let elixir =
        "defmodule ATest do\n  use ExUnit.Case\n\n  test \"a\" do\n    alias B.C\n    assert C.x()\n  end\n|end\n";
    let expected = elixir.replace("Case\n", "Case\n  alias D.E\n").replace('|', "test \"b\" do\n  E.x()\nend\n");
    check("elixir", elixir, "ATest", "alias D.E\n\ntest \"b\" do\n  E.x()\nend", &expected);
    let first = "defmodule ATest do\n  @moduletag :x\n\n  test \"a\" do\n    alias B.C\n  end\n|end\n";
    let expected = first.replace("do\n  @m", "do\n  alias B.C\n\n  @m").replace('|', "test \"b\" do\nend\n");
    check("elixir", first, "ATest", "alias B.C\n\ntest \"b\" do\nend", &expected);
    let rust = "mod tests {\n    fn a() {\n        use b::C;\n    }\n|}\n";
    let expected = rust.replace("{\n    fn", "{\n    use b::C;\n\n    fn").replace('|', "#[test]\nfn t() {}\n");
    check("rust", rust, "tests", "use b::C;\n\n#[test]\nfn t() {}", &expected);
}

#[test]
fn statements_of_a_class_stay_in_it() {
    let php = "<?php\n\nuse A\\B;\n\nclass T extends TestCase\n{\n    public function testA() {}\n|}\n";
    let code = "<?php\n\nuse A\\B;\n\nclass T extends TestCase\n{\n    use RefreshDatabase;\n\n    public function testB() {}\n}";
    let expected = php.replace('|', "    use RefreshDatabase;\n\n    public function testB() {}\n");
    check("php", php, "T", code, &expected);
    let has = php.replace("{\n    public", "{\n    use RefreshDatabase;\n\n    public");
    check("php", &has, "T", code, &has.replace('|', "    public function testB() {}\n"));
    let more = code.replace("Database;\n", "Database;\n    use Other;\n");
    let expected = has.replace('|', "    use Other;\n\n    public function testB() {}\n");
    check("php", &has, "T", &more, &expected);
    let scala = "import a.B\n\nclass T extends AnyFunSuite {\n  test(\"a\") {}\n|}\n";
    let code = "class T extends AnyFunSuite {\n  import spark.implicits._\n\n  test(\"b\") {}\n}";
    let expected = scala.replace('|', "  import spark.implicits._\n\n  test(\"b\") {}\n");
    check("scala", scala, "T", code, &expected);
    // A namespace has imports of the file.
    let csharp = "namespace N\n{\n    class T {\n|    }\n}\n";
    let code = "namespace N\n{\n    using A;\n\n    class T {\n        void F() {}\n    }\n}";
    let expected = format!("using A;\n\n{}", csharp.replace('|', "        void F() {}\n"));
    check("csharp", csharp, "T", code, &expected);
}

#[test]
fn what_opens_and_closes_a_body_is_a_whole_word() {
    for body in ["double_setup", "ensure_ready", "beginning"] {
        let ruby = "class T < Minitest::Test\n  def test_a\n  end\n|end\n";
        let code = format!("class T < Minitest::Test\n  {body}\n\n  def test_b\n  end\nend");
        let expected = ruby.replace('|', &format!("{body}\n\n  def test_b\n  end\n"));
        check("ruby", ruby, "T", &code, &expected);
    }
}

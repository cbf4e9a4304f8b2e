//! Which items are found without documentation, and which lines a model sees of them.

use super::*;

fn source(language: &str, text: &str) -> Source {
    Source::new("a", pennyworth_grammars::by_name(language).unwrap(), text)
}

fn check(language: &str, text: &str, expected: &[&str]) {
    let source = source(language, text);
    let names: Vec<&str> = source.undocumented().iter().map(|item| item.name.as_str()).collect();
    assert_eq!(names, expected, "{language}: {text}");
}

#[test]
fn functions_and_types_without_documentation_are_found() {
    check(
        "rust",
        "/// A.\n#[inline]\nfn a() {\n    fn inner() {}\n}\n// No documentation.\npub fn b() {}\nconst C: u8 = 1;\npub struct D {\n    e: u8,\n}\nimpl D {\n    fn f(&self) {}\n}\nimpl Display for D {\n    fn fmt(&self) {}\n}\ntrait G {\n    fn g();\n}\nmod h;\n#[cfg(test)]\nmod tests {\n    fn helper() {}\n    #[test]\n    fn i() {}\n}\n",
        &["b", "D", "f", "G", "g"],
    );
    check(
        "python",
        "LIMIT = f(\n    1\n)\n# Not one.\ndef a(x):\n    return x\n\ndef b():\n    \"\"\"B.\"\"\"\n\nclass C:\n    'One.'\n    def d(self): pass\n\ndef test_e():\n    pass\n",
        &["a", "d"],
    );
    check("go", "// A.\nfunc A() {\n}\n\nfunc B() {\n}\n\n// Far.\n\ntype C struct {\n\td int\n}\n", &["B", "C"]);
    check(
        "java",
        "/**\n * A.\n */\nclass A {\n    private int b;\n    void c() {}\n    @Override\n    public String toString() { return \"\"; }\n    // Not one.\n    void d() {\n    }\n}\n",
        &["c", "d"],
    );
    check(
        "typescript",
        "/** A. */\nexport function a() {}\nexport class B {\n  c() {}\n}\nexport const d = (x: number) => x;\nconst e = 1;\n",
        &["B", "c", "d"],
    );
    check("c", "/* Not one. */\nint a(void)\n{\n  return 1;\n}\n/** B. */\nint b(void) { return 1; }\n", &["a"]);
    let plain = "/* A. */\nint a(void)\n{\n  return 1;\n}\n/* B. */\nint b(void)\n{\n  return 1;\n}\nint c(void)\n{\n  return 1;\n}\n";
    check("c", plain, &["c"]);
    check("cpp", plain, &["c"]);
    check(
        "java",
        "class A {\n    // A.\n    void a() {\n    }\n    // B.\n    void b() {\n    }\n}\n",
        &["A", "a", "b"],
    );
    check(
        "elixir",
        "defmodule A do\n  @moduledoc \"\"\"\n  A.\n  \"\"\"\n\n  @doc \"\"\"\n  B\n  \"\"\"\n  @spec b(any) :: any\n  def b(x) do\n    x\n  end\n\n  def c(x) do\n    x\n  end\n\n  @doc false\n  def d(x), do: x\nend\n",
        &["c"],
    );
    check(
        "cpp",
        "/// S.\nstruct S {\n    int a; ///< The a.\n    int b() const;\n    int c() const; /**< C. */\n    int d();\n    int e(); //!< E.\n};\n/// T.\nclass T {\n};\nint f() { return 1; } ///< F.\nint g() { return 1; }\n",
        &["b", "d", "g"],
    );
    check(
        "swift",
        "/// A.\nstruct A {\n    var x = 1\n}\nextension A: Codable {\n    func b() -> Int { return x }\n    init(y: Int) { x = y }\n}\nfinal class ATests: XCTestCase {\n    func helper() {}\n}\n",
        &["b", "init"],
    );
    check(
        "python",
        "class A(unittest.TestCase):\n    def setUp(self):\n        pass\n    def helper(self):\n        pass\n\nclass TestB:\n    def helper(self):\n        pass\n\ndef c():\n    pass\n",
        &["c"],
    );
    check("php", "<?php\nfinal class A extends TestCase\n{\n    function b() {}\n}\nfunction c() {}\n", &["c"]);
    check("ruby", "# A.\nclass A\n  def b\n    1\n  end\nend\n", &["b"]);
    check("json", "{\"a\": {\"b\": 1}}", &[]);
}

#[test]
fn a_type_is_documented_by_what_stands_above_its_parts() {
    let lines = |language: &str, text: &str, line: usize| source(language, text).documented_lines(line..line + 1);
    let class = "import x\n\nclass A(B):\n    n = 1\n\n    @cached\n    def c(self):\n        return 1\n";
    assert_eq!(lines("python", class, 2), 2..4, "up to its first method");
    assert_eq!(lines("python", class, 6), 5..8, "a method is shown whole");
    assert_eq!(lines("rust", "struct A {\n    b: u8,\n}\n", 1), 0..3, "fields are no items");
    assert_eq!(lines("rust", "trait A { fn b(); }\n", 0), 0..1);
}

#[test]
fn what_is_documented_is_known_however_it_is_written() {
    for (language, text) in [
        ("javascript", "/**\n  Doc.\n*/\nfunction f() {\n}\n"),
        ("go", "/*\nF does.\n*/\nfunc F() {\n}\n"),
        ("rust", "/// Doc.\n#[derive(\n    Clone,\n    Debug\n)]\nstruct A {\n}\n"),
        ("rust", "#[doc = \"A.\"]\nstruct A {\n}\n"),
        ("rust", "fn f() {\n    //! Doc.\n}\n"),
        ("rust", "/// Doc.\n\nfn f() {\n}\n"),
        ("typescript", "/** Doc. */\nexport declare function f(a: number): void;\n"),
        ("typescript", "/** Doc. */\nfunction f(a: number): void;\nfunction f(a: string): void;\n"),
        ("typescript", "/** Doc. */\n@Component({\n  a: 1,\n})\nclass A {\n}\n"),
        ("python", "def d(): \"\"\"Doc.\"\"\"\n"),
        ("elixir", "@doc \"A.\"\ndef a(1) do\n  1\nend\n\ndef a(b) do\n  b\nend\n\ndefp c(d) do\n  d\nend\n"),
        ("csharp", "namespace N {\n    /// A.\n    class A {\n    }\n}\n"),
    ] {
        check(language, text, &[]);
    }
    check("rust", "mod m {\n    fn f() {\n    }\n}\n", &["m", "f"]);
    check("go", "//go:noinline\nfunc F() {\n}\n", &["F"]);
    check("cpp", "namespace N {\nclass C {\n};\n}\n", &["C"]);
}

#[test]
fn a_neighbour_on_a_line_of_its_own_is_no_part_of_an_item() {
    for (language, text) in [
        ("java", "class A {\n    @Deprecated int z() { return 1; }\n    int u() { return 2; }\n}\n"),
        ("rust", "#[inline] fn z() { a() }\nfn u() { b() }\n"),
    ] {
        let source = source(language, text);
        let item = source.items().iter().find(|item| item.name == "u").unwrap();
        assert!(!source.text.get(item.whole.clone()).unwrap().contains('z'), "{language}");
    }
}

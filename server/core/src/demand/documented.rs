//! Which items of a file have no documentation, and which lines a model must see to write one. It leaves what an item is to `item`, and whether an
//! answer documents and does nothing else to `valid`.

use std::ops::Range;

use pennyworth_grammars::Language;

use super::item::Item;
use super::source::Source;
use crate::lex::{self, Kind, Token};

impl Source {
    /// The items that want documentation and have none: types and functions, but for tests, what stands inside functions, and what is documented where
    /// it is declared first.
    pub fn undocumented(&self) -> Vec<&Item> {
        let facts = self.language.facts();
        let tokens = lex::scan(&self.text, facts).tokens;
        let (mut found, mut around) = (Vec::new(), Vec::<&Item>::new());
        for item in self.items().iter().filter(|_| self.is_code()) {
            around.retain(|outer| outer.range.end > item.range.start);
            let is_closed = |outer: &&Item| !outer.is_type || self.is_test(outer) || self.is_override(outer);
            let is_open = !around.iter().any(is_closed) && !self.is_test(item) && !self.is_override(item);
            around.push(item);
            if is_open && self.wants_documentation(item) && !self.is_documented(item, &tokens) {
                found.push(item);
            }
        }
        found
    }

    /// The lines of the item around some lines that say how to document it. Of a type, these are the lines above its first part that is an item
    /// itself: the outline of its file has the others. Lines are counted from 0.
    pub fn documented_lines(&self, lines: Range<usize>) -> Range<usize> {
        let whole = self.item_lines(lines);
        let bytes = self.lines(whole.clone());
        let holds = |outer: &&Item| bytes.contains(&outer.range.start) && outer.range.end <= bytes.end;
        let Some(outer) = self.items().iter().find(holds).filter(|outer| outer.is_type) else { return whole };
        let is_inner = |item: &&Item| item.range.start > outer.head.start && item.range.end <= outer.range.end;
        let inner = self.items().iter().find(is_inner).map(|inner| self.line(inner.whole.start));
        let Some(inner) = inner.filter(|inner| *inner > self.line(outer.head.start)) else { return whole };
        let above = self.text.get(self.lines(whole.start..inner)).unwrap_or_default();
        whole.start..whole.start + above.trim_end().lines().count()
    }

    fn wants_documentation(&self, item: &Item) -> bool {
        let head = self.text.get(item.head.clone()).unwrap_or_default().trim_end();
        // A documentation string needs a body to stand in.
        let has_place = !has_strings(self.language) || item.has_body;
        has_place && !item.is_extension && (item.is_type || item.has_body || head.contains('('))
    }

    fn is_test(&self, item: &Item) -> bool {
        let facts = self.language.facts();
        let module = facts.test_module.as_ref().and_then(|(open, _)| open.lines().next());
        let marks = facts.tests.iter().map(String::as_str).chain(module).filter(|mark| !mark.is_empty());
        let (head, above) = (self.text.get(item.head.clone()), self.text.get(item.whole.start..item.head.end));
        let (head, above) = (head.unwrap_or_default(), above.unwrap_or_default());
        marks.into_iter().any(|mark| match mark.strip_prefix('^') {
            Some(mark) => head.starts_with(mark),
            None => above.contains(mark),
        })
    }

    fn is_override(&self, item: &Item) -> bool {
        let head = self.text.get(item.head.clone()).unwrap_or_default();
        self.language.facts().overrides.iter().any(|mark| head.contains(mark.as_str()))
    }

    fn is_documented(&self, item: &Item, tokens: &[Token]) -> bool {
        let begins = self.begins_with_documentation(item, tokens);
        // Where a string documents, a comment does not.
        if begins || has_strings(self.language) {
            return begins;
        }
        let is_plain = self.language.facts().doc_comments.is_empty();
        let documents = |token: &Token| match token.kind {
            Kind::Comment { doc, .. } => doc || is_plain,
            Kind::Word => self.is_doc_word(token),
            _ => false,
        };
        let first = tokens.partition_point(|token| token.start < item.whole.start);
        let (before, rest) = tokens.split_at_checked(first).unwrap_or((tokens, &[]));
        let above = rest.iter().take_while(|token| token.start < item.range.start);
        above.into_iter().any(documents) || self.ends_with_documentation(before, item.whole.start, documents)
    }

    /// Whether what stands directly above is documentation of several lines, such as a block comment.
    fn ends_with_documentation(&self, before: &[Token], start: usize, documents: impl Fn(&Token) -> bool) -> bool {
        let mut above = before.iter().rev().skip_while(|token| token.kind == Kind::Break);
        let Some(last) = above.next() else { return false };
        let is_near = self.text.get(last.end..start).is_some_and(|gap| gap.matches('\n').count() < 2);
        match last.kind {
            Kind::Comment { .. } => {
                let is_comment = |token: &&Token| matches!(token.kind, Kind::Comment { .. });
                is_near && (documents(last) || above.take_while(is_comment).any(documents))
            }
            Kind::String => above.find(|token| token.kind != Kind::String).is_some_and(documents),
            _ => false,
        }
    }

    /// Whether a body begins with a string that documents, or with a word before one.
    fn begins_with_documentation(&self, item: &Item, tokens: &[Token]) -> bool {
        let from = tokens.partition_point(|token| token.start < item.head.end);
        let opens = |token: &Token| match token.kind {
            Kind::Break | Kind::Comment { .. } => true,
            _ => self.language.facts().openers.iter().any(|opener| opener == self.shown(token)),
        };
        let first = tokens.get(from..).and_then(|body| body.iter().find(|token| !opens(token)));
        first.is_some_and(|token| match token.kind {
            Kind::String => has_strings(self.language),
            _ => self.is_doc_word(token),
        })
    }

    fn is_doc_word(&self, token: &Token) -> bool {
        self.language.facts().doc_words.iter().any(|known| known == self.shown(token))
    }

    fn shown(&self, token: &Token) -> &str {
        self.text.get(token.start..token.end).unwrap_or_default()
    }
}

/// Whether a string that stands alone documents.
fn has_strings(language: &Language) -> bool {
    language.facts().strings.iter().any(|form| form.doc)
}

#[cfg(test)]
mod tests {
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
        check(
            "elixir",
            "defmodule A do\n  @moduledoc \"\"\"\n  A.\n  \"\"\"\n\n  @doc \"\"\"\n  B\n  \"\"\"\n  @spec b(any) :: any\n  def b(x) do\n    x\n  end\n\n  def c(x) do\n    x\n  end\n\n  @doc false\n  def d(x), do: x\nend\n",
            &["c"],
        );
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
}

//! Where the true continuation of a place in a complete file ends: with what its task asks for, by the file's own tree.
//!
//! | task | ends |
//! |---|---|
//! | member | after the name |
//! | line, comment, string | at the end of the line, or before what closes it |
//! | argument, parameter, literal, and other lists | before the bracket that closes the list |
//! | type, condition, and whatever fills a slot | after the slot |
//! | return, expression | after the slot and the terminator behind it |
//! | import | after the statement |
//! | doc_comment | with its paragraph |
//! | block, function, test | before what closes the body |
//! | type_body | after the first member that has a body of its own, or before what closes the body |
//! | top_level | after the item, its documentation included; if it holds members, after the first that has a body of its own |
//!
//! It knows nothing of stops and models. It does not cut answers; they are measured against it.

use std::ops::Range;

use pennyworth_core::classify::decide::{Beside, decide, innermost};
use pennyworth_core::lex;
use pennyworth_core::syntax::Mark;
use pennyworth_core::task::Task;
use pennyworth_grammars::{Facts, Language};
use tree_sitter::{Node, Tree};

/// What is missing at a place without its continuation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The task, by the complete file.
    pub task: Task,
    /// From the place to the end of what the task asks for; empty where nothing is missing, such as before a closing bracket.
    pub range: Range<usize>,
}

/// How much of a body a task asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// As Pennyworth asks: one line in a body that is not empty, one member at a time.
    Parts,
    /// All of its rest, as public measurements of ceilings count.
    Rest,
}

/// The continuation of a place in a complete file.
pub fn extent(source: &str, tree: &Tree, language: &'static Language, offset: usize, body: Body) -> Option<Extent> {
    let rest = source.get(offset..)?;
    let content = offset + (rest.len() - rest.trim_start().len());
    let leaf = tree.root_node().descendant_for_byte_range(content, (content + 1).min(source.len()))?;
    let (node, mark) = innermost(source, tree, language, leaf, content)
        .unwrap_or((tree.root_node(), Mark { task: Task::TopLevel, inside: false }));
    let place = Place { source, tree, language, facts: language.facts(), node, mark, leaf, content, body };

    let closes = if is_body(mark.task) { place.end_of(mark.task) } else { content };
    let decided = decide(source, tree, language, content..closes.max(content + 1), Beside::default())?.task;
    // A statement in a body that is not empty is a line; where the rest of the body counts, it has the body's task.
    let task = if body == Body::Rest && decided == Task::Line && is_body(mark.task) { mark.task } else { decided };
    let end = place.end_of(task);
    let text = source.get(offset..end).unwrap_or_default();
    Some(Extent { task, range: offset..offset + text.trim_end().len() })
}

fn is_body(task: Task) -> bool {
    matches!(task, Task::Block | Task::Function | Task::Test | Task::TypeBody | Task::TopLevel)
}

struct Place<'a> {
    source: &'a str,
    tree: &'a Tree,
    language: &'static Language,
    facts: &'static Facts,
    /// The innermost node whose place has a task.
    node: Node<'a>,
    mark: Mark,
    leaf: Node<'a>,
    /// The first character of the continuation.
    content: usize,
    body: Body,
}

impl Place<'_> {
    fn end_of(&self, task: Task) -> usize {
        match task {
            Task::Member => self.end_of_word(),
            Task::Line => self.end_of_line().min(self.before_closer()),
            Task::String | Task::Comment => self.end_of_line().min(self.before_quote()),
            Task::DocComment => self.end_of_documentation(),
            Task::Block | Task::Function | Task::Test => self.before_closer(),
            Task::TypeBody if self.body == Body::Rest => self.before_closer(),
            Task::TypeBody => first_with_body(self.item()).unwrap_or_else(|| self.before_closer()),
            Task::TopLevel => self.end_of_item(),
            // The node does not decide where a statement holds a string, or the text around gave the task: then it is the line.
            _ if self.mark.task != task => self.end_of_line(),
            _ if self.mark.inside && task != Task::Import => self.before_closer(),
            Task::Return | Task::Expression => self.behind_terminator(),
            _ => self.node.end_byte(),
        }
    }

    fn text(&self, start: usize, end: usize) -> &str {
        self.source.get(start..end).unwrap_or_default()
    }

    fn end_of_word(&self) -> usize {
        let rest = self.text(self.content, self.source.len());
        let word = rest.find(|c| !lex::is_word(self.facts, c)).unwrap_or(rest.len());
        if word == 0 { self.leaf.end_byte() } else { self.content + word }
    }

    fn end_of_line(&self) -> usize {
        let rest = self.text(self.content, self.source.len());
        self.content + rest.find(['\n', '\r']).unwrap_or(rest.len())
    }

    /// Before the closer of the string or comment.
    fn before_quote(&self) -> usize {
        let node = if self.mark.task == Task::DocComment || is_literal(self.node) { self.node } else { self.leaf };
        let text = self.text(node.start_byte(), node.end_byte());
        let closers = self.facts.strings.iter().map(|form| form.close.as_str());
        let closers = closers.chain(self.facts.block_comments.iter().map(|(_, close)| close.as_str()));
        let longest = closers.filter(|close| text.ends_with(close)).map(str::len).max().unwrap_or(0);
        (node.end_byte() - longest).max(self.content)
    }

    /// The first empty line of the comment, or its end. Adjacent line comments of the same kind count as one comment.
    fn end_of_documentation(&self) -> usize {
        let opener = |node: Node<'_>| self.text(node.start_byte(), node.end_byte()).get(..3).map(str::to_owned);
        let mut last = self.node;
        while let Some(next) = last.next_sibling().filter(|next| {
            let together = self.text(last.end_byte(), next.start_byte()).matches('\n').count() <= 1;
            together && next.kind() == last.kind() && opener(*next) == opener(last)
        }) {
            last = next;
        }
        let end = if last == self.node { self.before_quote() } else { last.end_byte() };
        let mut start = self.end_of_line() + 1;
        while start < end {
            let line = self.text(start, end).lines().next().unwrap_or_default();
            if line.chars().all(|c| c.is_whitespace() || "/*#!;-%".contains(c)) {
                return start - 1;
            }
            start += line.len() + 1;
        }
        end
    }

    fn before_closer(&self) -> usize {
        let count = self.node.child_count();
        let last = count.checked_sub(1).and_then(|last| self.node.child(last)).filter(|last| !last.is_named());
        let is_closer = |kind: &str| {
            self.facts.brackets.iter().any(|(_, close)| kind.chars().eq([*close]))
                || kind == ">"
                || self.facts.closers.iter().any(|closer| closer == kind)
        };
        match last.filter(|last| is_closer(last.kind()) && last.start_byte() >= self.content) {
            Some(last) => last.start_byte(),
            None => self.node.end_byte(),
        }
    }

    fn behind_terminator(&self) -> usize {
        let end = self.node.end_byte();
        let ends =
            !self.facts.terminator.is_empty() && self.text(end, self.source.len()).starts_with(&self.facts.terminator);
        if ends { end + self.facts.terminator.len() } else { end }
    }

    /// The child of the marked node that the place is in or before; for documentation or a decorator, the item below it.
    fn item(&self) -> Option<Node<'_>> {
        let parents = std::iter::successors(Some(self.leaf), Node::parent);
        // A preprocessor's condition or a namespace may hold a whole file.
        let holds_items = |node: &Node<'_>| {
            ["preproc_", "namespace_def", "linkage_"].iter().any(|kind| node.kind().starts_with(kind))
        };
        let mut item = parents.take_while(|node| *node != self.node && !holds_items(node)).last()?;
        let above = |node: &Node<'_>| {
            ["comment", "attribute", "decorator", "annotation"].iter().any(|kind| node.kind().contains(kind))
        };
        while let Some(next) = item.next_named_sibling().filter(|_| above(&item)) {
            item = next;
        }
        Some(item)
    }

    fn end_of_item(&self) -> usize {
        let Some(item) = self.item().filter(Node::is_named) else { return self.end_of_line() };
        let first = if self.body == Body::Parts { self.members(item) } else { None };
        first.and_then(|first| first_with_body(Some(first))).unwrap_or_else(|| item.end_byte())
    }

    /// The first member of an item that holds members; `None` if its body holds statements, or there is none.
    fn members<'t>(&'t self, item: Node<'t>) -> Option<Node<'t>> {
        let body = definition(item).child_by_field_name("body")?;
        let (_, mark) = innermost(self.source, self.tree, self.language, body, body.start_byte() + 1)?;
        matches!(mark.task, Task::TypeBody | Task::TopLevel).then(|| body.named_child(0))?
    }
}

/// The definition inside a decorated or exported one.
fn definition(mut node: Node<'_>) -> Node<'_> {
    while let Some(inner) = node.child_by_field_name("definition").or_else(|| node.child_by_field_name("declaration")) {
        node = inner;
    }
    node
}

/// The end of the first member, from this one on, that has a body: fields and variants are written together, functions one by one.
fn first_with_body(member: Option<Node<'_>>) -> Option<usize> {
    let mut members = std::iter::successors(member, Node::next_named_sibling);
    members.find(|member| definition(*member).child_by_field_name("body").is_some()).map(|member| member.end_byte())
}

fn is_literal(node: Node<'_>) -> bool {
    ["string", "comment", "char", "text"].iter().any(|kind| node.kind().contains(kind))
}

#[cfg(test)]
mod tests {
    use pennyworth_core::syntax;

    use super::*;

    /// `ˇ` marks the place, `$` the expected end.
    fn check(name: &str, marked: &str, task: Task, body: Body) {
        let language = pennyworth_grammars::by_name(name).unwrap();
        let offset = marked.find('ˇ').unwrap();
        let end = marked.find('$').unwrap() - 'ˇ'.len_utf8();
        let source = marked.replace(['ˇ', '$'], "");
        let tree = syntax::parse_excerpt(&source, language, None, &mut { usize::MAX }).unwrap();
        let extent = extent(&source, &tree, language, offset, body);
        assert_eq!(extent, Some(Extent { task, range: offset..end }), "{marked}");
    }

    #[test]
    fn a_continuation_ends_where_its_construct_does() {
        for (name, marked, task) in [
            ("rust", "fn f() {\n    let x = ˇg(1) + 2;$\n    h();\n}\n", Task::Expression),
            ("rust", "fn f() {\n    g();\n    ˇlet x = g(1);$\n    h();\n}\n", Task::Line),
            ("rust", "fn f() {ˇ\n    let x = 1;\n    h(x);$\n}\n", Task::Function),
            ("rust", "fn f() { x.ˇlen$().y }\n", Task::Member),
            ("rust", "fn f() { g(1, ˇ2, h(3)$); }\n", Task::Argument),
            ("rust", "fn f(ˇa: u8, b: u8$) {}\n", Task::Parameter),
            ("rust", "fn f(a: ˇVec<u8>$, b: u8) {}\n", Task::Type),
            ("rust", "fn f() { if ˇa == b$ { c() } }\n", Task::Condition),
            ("rust", "fn f() { let v = [1, ˇ2, 3$]; }\n", Task::Literal),
            ("rust", "fn f() { if a {ˇ\n b();\n c();$\n } }\n", Task::Block),
            ("rust", "/// Oneˇ two\n/// three.$\nfn f() {}\n", Task::DocComment),
            ("rust", "use std::ˇcollections::HashMap;$\n\nfn f() {}\n", Task::Import),
            ("rust", "fn f() {}\n\nˇ/// Doc.\n#[inline]\nfn g() {\n    h();\n}$\n\nfn i() {}\n", Task::TopLevel),
            ("rust", "/// Oneˇ two\n/// three.$\n///\n/// Four.\nfn f() {}\n", Task::DocComment),
            ("rust", "struct S {ˇ\n    a: u8,\n    b: u8,$\n}\n", Task::TypeBody),
            ("rust", "impl S {ˇ\n    const A: u8 = 1;\n    fn f() {}$\n    fn g() {}\n}\n", Task::TypeBody),
            ("rust", "ˇimpl S {\n    const A: u8 = 1;\n    fn f() {}$\n    fn g() {}\n}\n", Task::TopLevel),
            (
                "python",
                "ˇclass C:\n    a = 1\n\n    def f(self):\n        pass$\n\n    def g(self):\n        pass\n",
                Task::TopLevel,
            ),
            ("python", "def f(a):\n    return ˇa + 1$\n", Task::Return),
            ("python", "def f(a):\n    ˇx = 1\n    return x$\n\ndef g():\n    pass\n", Task::Function),
            (
                "python",
                "def f(a):\n    \"\"\"Oneˇ two\n    three.$\n\n    Four.\n    \"\"\"\n    return a\n",
                Task::DocComment,
            ),
            (
                "c",
                "#ifndef A\n#define A\n\nˇint f(void)\n{\n    return 1;\n}$\n\nint g(void);\n#endif\n",
                Task::TopLevel,
            ),
            ("javascript", "const a = {ˇb: 1,\n  c: 2$};\n", Task::Literal),
        ] {
            check(name, marked, task, Body::Parts);
        }
        check("rust", "impl S {ˇ\n    fn f() {}\n    fn g() {}$\n}\n", Task::TypeBody, Body::Rest);
        check("rust", "fn f() {\n    g();\n    ˇlet x = g(1);\n    h();$\n}\n", Task::Function, Body::Rest);
    }

    #[test]
    fn nothing_is_missing_before_a_closer() {
        let language = pennyworth_grammars::by_name("rust").unwrap();
        let source = "fn f() { g(); }\n";
        let tree = syntax::parse_excerpt(source, language, None, &mut { usize::MAX }).unwrap();
        let ends: Vec<_> = [11, 12, 14, 16].map(|at| extent(source, &tree, language, at, Body::Parts)).into();
        let ranges: Vec<_> = ends.into_iter().map(|extent| extent.map(|extent| extent.range)).collect();
        assert_eq!(ranges, [Some(11..11), Some(12..13), Some(14..14), Some(16..16)]);
    }
}

//! The names that lines of a file use, and in what way, so that a local variable does not count as the function of the same name. It resolves no
//! types: of a method only the name is known. It leaves definitions to `definitions`.

use std::collections::BTreeSet;

use pennyworth_grammars::Language;
use tree_sitter::{Node, Tree, TreeCursor};

use crate::definitions::{Kind, parsed};

/// How a name is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// It is called.
    Called,
    /// It is called as a method, or as a function of a module.
    CalledOf,
    /// It stands behind a dot or an arrow.
    Of,
    /// It stands where a type stands.
    Type,
    /// Anything else.
    Plain,
}

impl Form {
    fn takes(self, kind: Kind) -> bool {
        match self {
            Form::Called => matches!(kind, Kind::Callable | Kind::Type | Kind::Value),
            Form::CalledOf => matches!(kind, Kind::Callable | Kind::Type),
            Form::Of => true,
            Form::Type => kind == Kind::Type,
            Form::Plain => true,
        }
    }
}

/// A name that is used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Use {
    pub(crate) name: String,
    form: Form,
}

impl Use {
    /// Whether the name may mean a definition of this kind here.
    pub(crate) fn may_mean(&self, kind: Kind) -> bool {
        self.form.takes(kind)
    }
}

/// The names that lines use. Lines are counted from 0.
pub(crate) fn uses(text: &str, language: &Language, is_wanted: &dyn Fn(usize) -> bool) -> BTreeSet<Use> {
    let mut found = BTreeSet::new();
    let Some(tree) = parsed(text, language) else { return found };
    let wanted = Leaves::of(&tree).filter(|leaf| is_wanted(leaf.node.start_position().row));
    for leaf in wanted.filter(|leaf| !leaf.is_definition()) {
        let Some(name) = text.get(leaf.node.byte_range()).filter(|name| name.len() > 2) else { continue };
        let form = leaf.form();
        if matches!(form, Form::Called | Form::Plain) && is_local(leaf.node, name, text) {
            continue;
        }
        found.insert(Use { name: name.to_owned(), form });
    }
    found
}

/// What binds the names on its left.
const BINDERS: [&str; 8] = [
    "assignment",
    "named_expression",
    "for_statement",
    "for_in_statement",
    "for_in_clause",
    "short_var_declaration",
    "range_clause",
    "as_pattern",
];

/// A name in a tree, with its field in the node around it.
struct Leaf<'t> {
    node: Node<'t>,
    field: Option<&'t str>,
}

impl<'t> Leaf<'t> {
    fn parent(&self) -> &'t str {
        self.node.parent().map_or("", |parent| parent.kind())
    }

    /// Whether it is the name of what is defined around it, or of an argument.
    fn is_definition(&self) -> bool {
        let defines =
            ["_item", "_definition", "_declaration", "_spec", "_signature", "enum_variant", "enumerator", "_def"];
        let is_name = self.field == Some("name") && defines.iter().any(|kind| self.parent().ends_with(kind));
        is_name || self.parent() == "keyword_argument" && self.field == Some("name") || self.is_key()
    }

    /// Whether it is the key of a pair in a literal, or of a field in a pattern.
    fn is_key(&self) -> bool {
        matches!(self.parent(), "pair" | "pair_pattern") && self.field == Some("key")
    }

    fn form(&self) -> Form {
        let is_member = matches!(self.field, Some("field" | "property" | "attribute"));
        let callee = if is_member { self.node.parent() } else { Some(self.node) };
        let outer = callee.and_then(|node| Some((node.parent()?, node)));
        let is_called = outer.is_some_and(|(outer, node)| {
            let called = ["function", "macro", "constructor"].map(|field| outer.child_by_field_name(field));
            called.contains(&Some(node))
        });
        match (is_member, is_called) {
            (true, true) => Form::CalledOf,
            (true, false) => Form::Of,
            _ if self.node.kind() == "type_identifier" => Form::Type,
            (false, true) => Form::Called,
            (false, false) => Form::Plain,
        }
    }

    /// Whether a name begins to stand for a value here.
    fn binds(&self) -> bool {
        if self.node.kind() == "type_identifier" || matches!(self.field, Some("type" | "value")) {
            return false;
        }
        let parent = self.parent();
        let is_variable = match self.field {
            Some("pattern" | "declarator" | "alias" | "parameter") => true,
            Some("left") => BINDERS.contains(&parent),
            Some("name") => parent == "variable_declarator",
            _ => false,
        };
        // `a, b := …` and `for a, b in …` have a list on their left.
        let list = self.node.parent().filter(|list| list.kind().ends_with("_list"));
        let outer = list.and_then(|list| list.parent().filter(|outer| outer.child_by_field_name("left") == Some(list)));
        let is_of_list = outer.is_some_and(|outer| BINDERS.contains(&outer.kind()));
        let is_part = |kind: &str| kind.contains("parameter") || kind.contains("pattern");
        is_variable || is_of_list || is_part(parent) || is_part(self.node.kind())
    }
}

/// Whether a name stands for a parameter or variable of the function around it.
fn is_local(node: Node<'_>, name: &str, text: &str) -> bool {
    let is_function = |kind: &str| ["function", "method", "closure", "lambda"].iter().any(|part| kind.contains(part));
    let around = std::iter::successors(node.parent(), |node| node.parent()).filter(|node| is_function(node.kind()));
    let Some(function) = around.last() else { return false };
    Leaves::within(function).any(|leaf| text.get(leaf.node.byte_range()) == Some(name) && leaf.binds())
}

/// The names below a node, in their order.
struct Leaves<'t> {
    cursor: TreeCursor<'t>,
    is_over: bool,
}

impl<'t> Leaves<'t> {
    fn of(tree: &'t Tree) -> Leaves<'t> {
        Leaves::within(tree.root_node())
    }

    fn within(node: Node<'t>) -> Leaves<'t> {
        Leaves { cursor: node.walk(), is_over: false }
    }

    fn step(&mut self) {
        if self.cursor.goto_first_child() {
            return;
        }
        while !self.cursor.goto_next_sibling() {
            if !self.cursor.goto_parent() {
                self.is_over = true;
                return;
            }
        }
    }
}

impl<'t> Iterator for Leaves<'t> {
    type Item = Leaf<'t>;

    fn next(&mut self) -> Option<Leaf<'t>> {
        while !self.is_over {
            let (node, field) = (self.cursor.node(), self.cursor.field_name());
            self.step();
            if node.child_count() == 0 && node.is_named() && node.kind().contains("identifier") {
                return Some(Leaf { node, field });
            }
        }
        None
    }
}

//! The definitions of the names that a prompt holds. A function is shown by its head; a field by its line, below the head of its type. It leaves
//! searching the workspace to the server, and which definitions there is room for to `context`.

use std::collections::BTreeMap;
use std::ops::Range;

use super::part::{Part, PartKind};
use super::source::Source;
use crate::lex::{self, Kind, Token};

/// Most definitions of one name. A name with more says little.
const ALIKE: usize = 3;

/// A definition that was found for a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name.
    pub name: String,
    /// Its file, as prompts show it.
    pub path: String,
    /// The line of the head, counted from 1.
    pub line: usize,
    /// The head of the item, or of the type that the name is a part of.
    pub text: String,
    /// Of a part of a type, the number and text of its line.
    pub member: Option<(usize, String)>,
}

/// A name that stands in some lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// How much its definition helps: how often it stands there, by the weight of the lines.
    pub worth: usize,
    /// Whether it may be that of a part of a type: it stands behind a dot or before a colon, or has a capital.
    pub may_be_member: bool,
}

/// The names of some lines.
pub type Names = BTreeMap<String, Name>;

/// Finds definitions of names elsewhere in the workspace: those of the names that it knows.
pub type Find<'f> = &'f dyn Fn(&Names) -> Vec<Found>;

/// All that a file defines for code, each with its bytes. What a language without functions names, such as a heading, is no definition.
pub fn found(file: &Source) -> Vec<(Range<usize>, Found)> {
    if !file.is_code() {
        return Vec::new();
    }
    let of = |name: &str, item: &super::Item| Found {
        name: name.to_owned(),
        path: file.path.clone(),
        line: file.line(item.head.start) + 1,
        text: item.shown(&file.text),
        member: None,
    };
    let items = file.items().iter().filter(|item| !item.is_extension);
    let items = items.map(|item| (item.head.clone(), of(&item.name, item)));
    let members = file.members().iter().filter_map(|member| {
        let around = file.items().iter().take_while(|item| item.range.start <= member.line.start);
        let owner = around.filter(|item| member.line.end <= item.range.end).last()?;
        let line = (file.line(member.line.start) + 1, member.shown(&file.text));
        Some((member.line.clone(), Found { member: Some(line), ..of(&member.name, owner) }))
    });
    items.chain(members).collect()
}

/// Those of the definitions of one name that tell something: a few items, else the only part of a type.
pub fn telling(alike: &[Found]) -> impl Iterator<Item = &Found> {
    let items = alike.iter().filter(|found| found.member.is_none()).count();
    alike.iter().filter(move |found| match found.member {
        None => items <= ALIKE,
        Some(_) => alike.len() == 1,
    })
}

/// The names that stand in some bytes of a file. The whole file is scanned, because a part of it may begin inside a string.
pub(super) fn names(file: &Source, parts: &[(Range<usize>, usize)]) -> Names {
    let (mut names, tokens) = (Names::new(), lex::scan(&file.text, file.language.facts()).tokens);
    for (place, token) in tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Word) {
        let word = file.text.get(token.start..token.end).unwrap_or_default();
        let weight: usize =
            parts.iter().filter(|(part, _)| part.contains(&token.start)).map(|(_, weight)| weight).sum();
        if weight > 0 && word.len() > 2 && !word.starts_with(|c: char| c.is_ascii_digit()) {
            let name = names.entry(word.to_owned()).or_default();
            name.worth += weight;
            name.may_be_member |= word.contains(char::is_uppercase) || is_of_something(&tokens, place);
        }
    }
    names
}

/// Whether a word stands behind a dot, an arrow or two colons, or before one colon.
fn is_of_something(tokens: &[Token], place: usize) -> bool {
    let sign = |place: Option<usize>| match tokens.get(place?)?.kind {
        Kind::Sign(sign) => Some(sign),
        _ => None,
    };
    let before = [2, 1].map(|back| sign(place.checked_sub(back)));
    let after = [1, 2].map(|on| sign(Some(place + on)));
    let is_behind = matches!(before, [_, Some('.')] | [Some('-'), Some('>')] | [Some(':'), Some(':')]);
    is_behind || after.first() == Some(&Some(':')) && after.last() != Some(&Some(':'))
}

/// The definitions of names, the most useful first: those of the file itself that do not stand in `but`, and those that are found elsewhere.
pub(super) fn definitions(file: &Source, mut names: Names, but: &[Range<usize>], find: Find<'_>) -> Vec<Part> {
    let is_shown = |range: &Range<usize>| but.iter().any(|part| part.start <= range.start && range.end <= part.end);
    let mut own: BTreeMap<String, Vec<Found>> = BTreeMap::new();
    let mut shown: Vec<String> = Vec::new();
    for (range, found) in found(file) {
        match is_shown(&range) {
            true => shown.push(found.name),
            false => own.entry(found.name.clone()).or_default().push(found),
        }
    }
    let wanted = |names: &Names, found: &Found| {
        let name = names.get(&found.name).copied().unwrap_or_default();
        (name.worth > 0 && (found.member.is_none() || name.may_be_member)).then_some(name.worth)
    };
    let of_own = own.values().flat_map(|alike| telling(alike));
    let mut found: Vec<(usize, Found)> =
        of_own.filter_map(|found| Some((wanted(&names, found)?, found.clone()))).collect();
    // What the file defines itself is not meant elsewhere.
    names.retain(|name, _| !own.contains_key(name) && !shown.contains(name));
    found.extend(find(&names).into_iter().filter_map(|found| Some((wanted(&names, &found)?, found))));
    parts(found)
}

/// Definitions as parts of a prompt. Parts of one type stand together below its head.
fn parts(mut found: Vec<(usize, Found)>) -> Vec<Part> {
    let line = |found: &Found| found.member.as_ref().map(|(line, _)| *line);
    found.sort_by_cached_key(|(_, found)| (found.path.clone(), found.line, line(found)));
    found.dedup_by(|(_, next), (_, last)| next.path == last.path && next.line == last.line && line(next) == line(last));
    let mut parts: Vec<(usize, Part)> = Vec::new();
    for (worth, Found { path, line, text, member, .. }) in found {
        let kind = PartKind::Definition;
        if parts.last().is_none_or(|(_, last)| last.path != path || last.line != line) {
            parts.push((0, Part { kind, path, line, text }));
        }
        if let Some((most, part)) = parts.last_mut() {
            *most = worth.max(*most);
            part.text.extend(member.map(|(_, line)| format!("\n    {line}")));
        }
    }
    parts.sort_by_key(|(worth, _)| std::cmp::Reverse(*worth));
    parts.into_iter().map(|(_, part)| part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, language: &str, text: &str) -> Source {
        Source::new(path, pennyworth_grammars::by_name(language).unwrap(), text)
    }

    /// The definitions that the lines with a mark need, and what is found elsewhere.
    fn check(language: &str, text: &str, elsewhere: &str, expected: &[&str]) {
        let (file, other) = (file("a", language, text), file("b", language, elsewhere));
        let marked = text.find("MARK").unwrap();
        let line = file.lines(file.line(marked)..file.line(marked) + 1);
        let find = |names: &Names| {
            let all: Vec<Found> = found(&other).into_iter().map(|(_, found)| found).collect();
            let of = |name: &String| all.iter().filter(|found| found.name == *name).cloned().collect::<Vec<_>>();
            names.keys().flat_map(|name| telling(&of(name)).cloned().collect::<Vec<_>>()).collect()
        };
        let parts = definitions(&file, names(&file, &[(line.clone(), 1)]), &[line], &find);
        let shown: Vec<String> =
            parts.iter().map(|part| format!("{}:{} {}", part.path, part.line, part.text)).collect();
        assert_eq!(shown, expected, "{language}: {text}");
    }

    #[test]
    fn names_have_their_definitions() {
        let types = "struct Limits {\n    depth: u8,\n    width: u8,\n    name: u8,\n}\nimpl Limits {}\nimpl A for Limits {}\nimpl B for Limits {}\nstruct C {\n    name: u8,\n}\n";
        // Many `impl` do not make a type ambiguous.
        check("rust", "fn f(a: Limits) {} // MARK", types, &["b:1 struct Limits …"]);
        // Parts of a type stand below its head; a variable of that name is none, and of two with one name none is shown.
        let parts = "b:1 struct Limits …\n    depth: u8\n    width: u8";
        check("rust", "let a = (limits.depth, limits.width, b.name); // MARK", types, &[parts]);
        check("rust", "let depth = width; // MARK", types, &[]);
        check("go", "x := a.Depth // MARK", "type A struct {\n\tDepth int\n}\n", &["b:1 A struct …\n    Depth int"]);
        check(
            "c",
            "x = a->depth; // MARK",
            "typedef struct {\n  int depth;\n} A;\n",
            &["b:1 typedef struct … A\n    int depth;"],
        );
        let class = "class A:\n    def __init__(self, depth):\n        self.depth = depth\n";
        check("python", "x = a.depth  # MARK", class, &["b:2 def __init__(self, depth) …\n    self.depth = depth"]);
        check(
            "typescript",
            "x = a.depth // MARK",
            "interface A {\n  depth: number\n}\n",
            &["b:1 interface A …\n    depth: number"],
        );
        let private = "class A {\n  #depth: number = 0\n  #width() {\n  }\n}\n";
        let parts = ["b:1 class A …\n    #depth: number = 0", "b:3 #width() …"];
        check("typescript", "x = this.#depth + a.#width() // MARK", private, &parts);
        check("javascript", "x = a.#width() // MARK", "class A {\n  #width() {\n  }\n}\n", &["b:2 #width() …"]);
        check("javascript", "x = a.#depth // MARK", "class A {\n  #depth = 0\n}\n", &["b:1 class A …\n    #depth = 0"]);
        // A heading is no definition.
        assert_eq!(found(&file("a", "markdown", "# Limits\n")), []);
    }

    #[test]
    fn names_are_read_where_they_stand_and_not_inside_strings() {
        let text = "def limits():\n    \"\"\"\n    It's old.\n    \"\"\"\n    return 1\n\n\ndef f():\n    \"\"\"Doc\n    limits\n    \"\"\"\n    return limits()  # MARK\n";
        check("python", text, "", &["a:1 def limits() …"]);
        let begins_inside = text.find("    limits\n").unwrap();
        let names = names(&file("a", "python", text), &[(begins_inside..text.len(), 1)]);
        assert_eq!(names.keys().collect::<Vec<_>>(), ["limits", "return"]);
        assert_eq!(names["limits"].worth, 1);
    }
}

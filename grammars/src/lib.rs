//! The languages Pennyworth knows, as data: the lexical facts of `language.toml`; and, if the language has a grammar, its parser and the queries of
//! `context.scm` and `outline.scm`. [`text`] stands for every language that is not known.
//! It decides nothing; using the facts is left to core. A language is a folder and a line below; a grammar is two queries and a dependency more.

use std::path::Path;
use std::sync::LazyLock;

use serde::Deserialize;

/// A language: its facts, and its grammar if it has one.
pub struct Language {
    facts: Facts,
    grammar: Option<Grammar>,
}

/// A parser and the queries for its trees.
pub struct Grammar {
    parser: tree_sitter::Language,
    context: &'static str,
    outline: &'static str,
}

/// The facts of `language.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The name used in configuration, cases and the ledger: the folder's name.
    pub name: String,
    /// `languageId`s that editors use for it.
    pub ids: Vec<String>,
    /// File extensions, without the dot.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Whole file names, such as `Gemfile`.
    #[serde(default)]
    pub filenames: Vec<String>,
    /// Programs that a `#!` line names.
    #[serde(default)]
    pub shebangs: Vec<String>,
    /// One step of indentation for a document that shows none of its own.
    pub indent: String,
    /// What marks the end of a body.
    pub layout: Layout,
    /// Openers of line comments.
    #[serde(default)]
    pub line_comments: Vec<String>,
    /// Openers of doc comments, line or block. Each is longer than the plain opener it begins with.
    #[serde(default)]
    pub doc_comments: Vec<String>,
    /// Whether other comments document in a file that has only these above its items.
    #[serde(default)]
    pub plain_docs: bool,
    /// Openers and closers of block comments.
    #[serde(default)]
    pub block_comments: Vec<(String, String)>,
    /// Whether block comments nest.
    #[serde(default)]
    pub nested_comments: bool,
    /// Forms of string literals. If several openers match, the longest counts.
    #[serde(default)]
    pub strings: Vec<StringForm>,
    /// Whether a single quote may also begin a lifetime or label (Rust). It then opens a literal only if another closes it.
    #[serde(default)]
    pub quote_is_char: bool,
    /// Whether `/` opens a regular expression where a value is expected.
    #[serde(default)]
    pub regex: bool,
    /// The character that escapes the next one, outside of strings, too.
    #[serde(default)]
    pub escape: Option<char>,
    /// Whether words such as `<<EOF` open here-documents.
    #[serde(default)]
    pub heredocs: bool,
    /// What the grammar's scanner can take.
    #[serde(default)]
    pub limits: Limits,
    /// Pairs of brackets.
    #[serde(default)]
    pub brackets: Vec<(char, char)>,
    /// Operators after which a member's name is expected.
    #[serde(default)]
    pub member_operators: Vec<String>,
    /// What ends a statement besides a line break; empty if nothing does.
    #[serde(default)]
    pub terminator: String,
    /// Characters that belong to words besides letters, digits and `_`.
    #[serde(default)]
    pub word_chars: String,
    /// Words or signs at a line's end that open a body (`then`, `do`, `:`), for layouts without braces.
    #[serde(default)]
    pub openers: Vec<String>,
    /// Words that close a body (`end`, `fi`) or continue it (`else`).
    #[serde(default)]
    pub closers: Vec<String>,
    /// Words that open a body where a statement begins, and the texts that close it, for [`Layout::Words`].
    #[serde(default)]
    pub blocks: Vec<(String, String)>,
    /// Words of `blocks` that open a body anywhere (`do`, `function`).
    #[serde(default)]
    pub anywhere: Vec<String>,
    /// Words (`while`) whose body is already open when a `do` follows on the same line.
    #[serde(default)]
    pub loops: Vec<String>,
    /// What begins a line outside the nesting of the code, such as `#` of the C preprocessor.
    #[serde(default)]
    pub directives: Vec<String>,
    /// Texts that mark a function as a test, in its head or just above it. Behind `^` a text must begin a line.
    #[serde(default)]
    pub tests: Vec<String>,
    /// Where the tests of a file are, the usual place first: `NAME` or `FOLDER/NAME` beside it, `/FOLDER/NAME` in a folder of any folder above, or
    /// `FROM => TO/NAME`, where folders on its path are replaced and those behind them stay. `{stem}` stands for its name without ending, `{ext}` for
    /// the ending, `{module}` for a folder's name or a part of it.
    #[serde(default)]
    pub test_files: Vec<String>,
    /// What stands around tests that are added to the end of the file itself.
    #[serde(default)]
    pub test_module: Option<(String, String)>,
    /// First words of definitions that a plain comment directly above documents (Go's `func`). `()` stands for a name followed by `()`.
    #[serde(default)]
    pub documented: Vec<String>,
    /// Openers of doc comments that document what they stand in (`//!`).
    #[serde(default)]
    pub inner_docs: Vec<String>,
    /// Openers of doc comments that document what stands before them on their line (`///<`).
    #[serde(default)]
    pub trailing_docs: Vec<String>,
    /// What the head of a type of tests holds, besides the marks of `tests`.
    #[serde(default)]
    pub test_types: Vec<String>,
    /// What a line holds that opens a block of tests, where tests are calls and not functions (`describe(`).
    #[serde(default)]
    pub suites: Vec<String>,
    /// Whether escapes such as `\\u002a` are read before comments are, so that one may end there.
    #[serde(default)]
    pub early_escapes: bool,
    /// Words behind which a string documents the next definition (Elixir's `@doc`).
    #[serde(default)]
    pub doc_words: Vec<String>,
    /// Texts in a head which say that the definition is documented where it is declared first (Java's `@Override`).
    #[serde(default)]
    pub overrides: Vec<String>,
    /// Opener and closer of code in a file that is otherwise text (`<?php`, `?>`).
    #[serde(default)]
    pub islands: Option<(String, String)>,
    /// Whether `<` directly behind a name may open a list of types.
    #[serde(default)]
    pub angles: bool,
    /// Whether markup elements may be values in the code: `<a b={c}>text</a>`.
    #[serde(default)]
    pub tags: bool,
    /// Texts that complete a function whose parameter list begins with only a parenthesis (`$) => {}`). `$` is the cursor. The text
    /// closes the brackets behind it.
    #[serde(default)]
    pub lambdas: Vec<String>,
    /// Texts tried, besides none, behind the cursor's line to complete it.
    #[serde(default)]
    pub tails: Vec<String>,
    /// Words whose body needs a text behind it, and the shortest such text (`do`, ` while (x);`).
    #[serde(default)]
    pub followed: Vec<(String, String)>,
    /// An unused name that stands for the missing text. If case has a meaning, it has the case that fits in more places.
    #[serde(default = "name")]
    pub name_probe: String,
    /// Texts tried at the cursor to find one that parses. `$` is `name_probe`, `\$` the sign itself. The text behind `…` goes behind
    /// the line. With `~` in front, the text replaces the word before the cursor.
    #[serde(default = "probes")]
    pub probes: Vec<String>,
    /// Probes tried before the others where a line begins and nothing follows: texts that may be a statement or a member.
    #[serde(default)]
    pub line_probes: Vec<String>,
    /// Whether the grammar knows only some dialects of the language. It then finds the task, but does not judge an answer.
    #[serde(default)]
    pub dialects: bool,
    /// Whether every statement needs its terminator. It is then tried before none.
    #[serde(default)]
    pub strict: bool,
    /// Node kinds whose text is another language.
    #[serde(default)]
    pub injections: Vec<Injection>,
    /// Marks between which the head of a text is in another language, with its name (`---`, `yaml`).
    #[serde(default)]
    pub front_matter: Vec<(String, String)>,
    /// Code fences in doc comments, if these are written in Markdown.
    #[serde(default)]
    pub examples: Option<Examples>,
    /// What the lines at the head of a file begin with.
    #[serde(default)]
    pub head: Head,
}

/// What the head of a file looks like, in front of its other code: what its lines begin with, and where its imports have their names. `…` stands for any
/// text.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Those that stand once in a file, and before its imports unless it has them there (`package `).
    #[serde(default)]
    pub once: Vec<String>,
    /// Those of `once` that a file may be without: new code loses them rather than be refused (`'use strict'`).
    #[serde(default)]
    pub optional: Vec<String>,
    /// Those that bring in names from elsewhere (`import `).
    #[serde(default)]
    pub imports: Vec<String>,
    /// Those of `imports` that come before all others, in their order (Python's `from __future__ import `).
    #[serde(default)]
    pub first: Vec<String>,
    /// Whether an import goes on to the terminator, over several lines. Lines that begin with one of `directives` do not.
    #[serde(default)]
    pub terminated: bool,
    /// Imports in which the last `…` stands for their names (`import … from`). The first one that fits counts.
    #[serde(default)]
    pub names: Vec<String>,
    /// Whether commas may stand between several names without brackets around them (`import a, b`).
    #[serde(default)]
    pub commas: bool,
    /// The bracket around a list of names, and what may join a path with it (`::`, `{`).
    #[serde(default)]
    pub list: Option<(String, char)>,
    /// Whether the brackets of a list stand around a single name, too (`import { a } from`).
    #[serde(default)]
    pub bracketed: bool,
    /// Whether line breaks stand between the names of a list, and not commas.
    #[serde(default)]
    pub lines: bool,
    /// The name in a list that stands for the path before it (Rust's `self`).
    #[serde(default)]
    pub itself: Option<String>,
    /// Those of `names` whose names are none of the file, such as Elixir's `use …`, or may come from several places.
    #[serde(default)]
    pub unbound: Vec<String>,
    /// Those of `names` in which the first word of a path is the name in the file (Python's `import …`).
    #[serde(default)]
    pub roots: Vec<String>,
    /// Whether functions of one name may come from several places. Their names begin with a small letter.
    #[serde(default)]
    pub overloads: bool,
    /// Words that make an import one for types alone.
    #[serde(default)]
    pub type_words: Vec<String>,
    /// Whether the class or module that holds the tests has imports of its own (`use` in `mod tests`).
    #[serde(default)]
    pub inside: bool,
    /// What begins and ends lines that hold under a condition alone (`#if`, `#endif`).
    #[serde(default)]
    pub conditions: Vec<(String, String)>,
}

/// What a grammar's scanner can take. Beyond, it aborts the process or reads and writes past its tables: it keeps its state in 1,024 bytes.
/// `core::guard` holds these limits before each parse. A language without a row has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one here-document's word.
    #[serde(default)]
    pub heredoc_word: Option<usize>,
    /// Bytes of what is open at once, as the scanner stores it: four and the word for a here-document, five for a string around code.
    #[serde(default)]
    pub open: Option<usize>,
    /// Different indentations of a text's lines.
    #[serde(default)]
    pub indents: Option<usize>,
    /// Nested blocks that begin at columns, on one line or on many.
    #[serde(default)]
    pub blocks: Option<usize>,
    /// The bracket behind which, after any digits and dots, the scanner can read no character above U+00FF.
    #[serde(default)]
    pub narrow_behind: Option<char>,
}

/// What marks the end of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// Braces.
    Braces,
    /// Indentation.
    Indent,
    /// Words such as `end` and `fi`.
    Words,
    /// Tags, headings: there are no statements.
    Markup,
}

/// One form of string literal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StringForm {
    /// The opener, prefix letters included (`r"`). A `#` before the quote stands for any number of them, which the closer repeats.
    pub open: String,
    /// The closer.
    pub close: String,
    /// The escape character; `None` in raw strings.
    #[serde(default)]
    pub escape: Option<char>,
    /// Whether it may span lines. If not, it ends with the line, even unclosed.
    #[serde(default)]
    pub multiline: bool,
    /// Opener and closer of code inside the string.
    #[serde(default)]
    pub interpolation: Option<(String, String)>,
    /// Whether it documents a definition when it stands alone (Python's `"""`).
    #[serde(default)]
    pub doc: bool,
}

/// Text of another language inside this one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injection {
    /// Kind of a required ancestor, if any.
    #[serde(default)]
    pub within: Option<String>,
    /// The language; `None` if a node beside it, of kind `named_by`, names it.
    #[serde(default)]
    pub language: Option<String>,
    /// Other languages that it may be, unless its element names one in `lang`.
    #[serde(default)]
    pub or: Vec<String>,
    /// Kind of the node that names the language by an id.
    #[serde(default)]
    pub named_by: Option<String>,
}

/// Code fences in doc comments.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// Marks that begin such a comment's lines (`///`; `*` in a block). If one begins with another, the longer comes first.
    pub marks: Vec<String>,
    /// Words of an info string that name no language but still mean this one (`no_run`).
    #[serde(default)]
    pub attributes: Vec<String>,
    /// The mark of a line that is compiled but not shown (`# `).
    #[serde(default)]
    pub hidden: Option<String>,
}

fn name() -> String {
    "Zq".into()
}

fn probes() -> Vec<String> {
    vec!["$".into()]
}

macro_rules! languages {
    (
        parsed { $($name:literal $(extends $($base:literal)+)? => $parser:expr,)* }
        unparsed { $($plain:literal)* }
    ) => {
        static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| vec![
            $(Language::new(
                &[$($(include_str!(concat!("../", $base, "/language.toml")),)+)? include_str!(concat!("../", $name, "/language.toml"))],
                Some(Grammar {
                    parser: $parser.into(),
                    context: concat!($($(include_str!(concat!("../", $base, "/context.scm")),)+)? include_str!(concat!("../", $name, "/context.scm"))),
                    outline: concat!($($(include_str!(concat!("../", $base, "/outline.scm")),)+)? include_str!(concat!("../", $name, "/outline.scm"))),
                }),
            ),)*
            $(Language::new(&[include_str!(concat!("../", $plain, "/language.toml"))], None),)*
        ]);
    };
}

// `extends`: the queries of those folders come first. Their facts hold unless the language's own file overrides them.
languages! {
    parsed {
        "bash" => tree_sitter_bash::LANGUAGE,
        "c" => tree_sitter_c::LANGUAGE,
        "cpp" extends "c" => tree_sitter_cpp::LANGUAGE,
        "csharp" => tree_sitter_c_sharp::LANGUAGE,
        "css" => tree_sitter_css::LANGUAGE,
        "dart" => tree_sitter_dart::LANGUAGE,
        "elixir" => tree_sitter_elixir::LANGUAGE,
        "go" => tree_sitter_go::LANGUAGE,
        "html" => tree_sitter_html::LANGUAGE,
        "java" => tree_sitter_java::LANGUAGE,
        "javascript" extends "ecmascript" => tree_sitter_javascript::LANGUAGE,
        "json" => tree_sitter_json::LANGUAGE,
        "kotlin" => tree_sitter_kotlin_ng::LANGUAGE,
        "lua" => tree_sitter_lua::LANGUAGE,
        "make" => tree_sitter_make::LANGUAGE,
        "markdown" => tree_sitter_md::LANGUAGE,
        "php" => tree_sitter_php::LANGUAGE_PHP,
        "powershell" => tree_sitter_powershell::LANGUAGE,
        "python" => tree_sitter_python::LANGUAGE,
        "r" => tree_sitter_r::LANGUAGE,
        "ruby" => tree_sitter_ruby::LANGUAGE,
        "rust" => tree_sitter_rust::LANGUAGE,
        "scala" => tree_sitter_scala::LANGUAGE,
        "scss" extends "css" => tree_sitter_scss::language(),
        "sql" => tree_sitter_sequel::LANGUAGE,
        "swift" => tree_sitter_swift::LANGUAGE,
        "terraform" => tree_sitter_hcl::LANGUAGE,
        "toml" => tree_sitter_toml_ng::LANGUAGE,
        "tsx" extends "ecmascript" "typescript" => tree_sitter_typescript::LANGUAGE_TSX,
        "typescript" extends "ecmascript" => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
        "yaml" => tree_sitter_yaml::LANGUAGE,
        "zig" => tree_sitter_zig::LANGUAGE,
    }
    unparsed {
        "dockerfile" "gitcommit" "tex" "text" "vue"
    }
}

/// The name of the language that stands for every one that is not known.
const TEXT: &str = "text";

impl Language {
    fn new(facts: &[&str], grammar: Option<Grammar>) -> Language {
        let tables = facts.iter().map(|text| toml::from_str::<toml::Table>(text));
        let whole = tables.collect::<Result<Vec<_>, _>>().map(|tables| tables.into_iter().flatten().collect());
        #[expect(clippy::panic, reason = "the facts are part of the binary and a test reads them all")]
        let facts =
            whole.and_then(toml::Table::try_into).unwrap_or_else(|error| panic!("{error}\n{}", facts.join("\n")));
        Language { facts, grammar }
    }

    /// The name, which is its folder's.
    pub fn name(&self) -> &str {
        &self.facts.name
    }

    /// The lexical facts.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The grammar; without one, the language is known by its lexical facts alone.
    pub fn grammar(&self) -> Option<&Grammar> {
        self.grammar.as_ref()
    }
}

impl Grammar {
    /// The parser's tables.
    pub fn parser(&self) -> &tree_sitter::Language {
        &self.parser
    }

    /// The source of the query whose captures are task names.
    pub fn context_query(&self) -> &'static str {
        self.context
    }

    /// The source of the query that finds definitions: `@definition` around, `@name` within.
    pub fn outline_query(&self) -> &'static str {
        self.outline
    }
}

impl std::fmt::Debug for Language {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for &'static Language {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(*self, *other)
    }
}

/// Every language.
pub fn all() -> &'static [Language] {
    &LANGUAGES
}

/// The language that stands for every one that is not known: plain text.
pub fn text() -> &'static Language {
    #[expect(clippy::panic, reason = "the language is part of the binary and a test reads it")]
    by_name(TEXT).unwrap_or_else(|| panic!("there is no {TEXT}"))
}

/// The language of a document: by the editor's `languageId`, else by its path and first line. Plain text has no ids, because editors call a file so
/// that they do not know.
pub fn of(id: &str, path: &Path, first_line: &str) -> &'static Language {
    by_id(id).or_else(|| by_path(path, first_line)).unwrap_or_else(text)
}

/// The language with this name, as in the configuration.
pub fn by_name(name: &str) -> Option<&'static Language> {
    all().iter().find(|language| language.name() == name)
}

/// The language with this name. What is kept may be older than the program, and name a language that it has no more: its text counts as plain.
pub fn by_name_or_text(name: &str) -> &'static Language {
    by_name(name).unwrap_or_else(text)
}

/// The language of an editor's `languageId` or a fence's info string; case is ignored.
pub fn by_id(id: &str) -> Option<&'static Language> {
    all().iter().find(|language| language.facts.ids.iter().any(|known| known.eq_ignore_ascii_case(id)))
}

/// The language of a file: by its name, its extension, or the program its first line calls.
pub fn by_path(path: &Path, first_line: &str) -> Option<&'static Language> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let extension = path.extension().map(|extension| extension.to_string_lossy()).unwrap_or_default();
    let has = |known: &[String], text: &str| known.iter().any(|known| known.eq_ignore_ascii_case(text));
    let program = shebang(first_line);
    (all().iter().find(|language| language.facts.filenames.iter().any(|known| *known == name)))
        .or_else(|| all().iter().find(|language| has(&language.facts.extensions, &extension)))
        .or_else(|| all().iter().find(|language| program.is_some_and(|program| has(&language.facts.shebangs, program))))
}

/// The program of a `#!` line: the last part of its path. `env`, its options and a version at the end are skipped.
fn shebang(line: &str) -> Option<&str> {
    let mut words = line.trim_start_matches('\u{feff}').strip_prefix("#!")?.split_whitespace();
    let mut program = words.next()?.rsplit('/').next()?;
    if program == "env" {
        program = words.find(|word| !word.starts_with('-') && !word.contains('='))?.rsplit('/').next()?;
    }
    Some(program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_reads_and_its_names_are_its_own() {
        let mut seen = std::collections::HashSet::new();
        assert_eq!((by_name_or_text("rust").name(), by_name_or_text("gone").name()), ("rust", TEXT));
        for language in all() {
            assert!(language.grammar().is_none_or(|grammar| grammar.parser().abi_version() >= 13));
            let head = &language.facts().head;
            assert!(!head.imports.iter().any(|mark| head.once.contains(mark)), "{}", language.name());
            let is_of = |all: &[String], some: &[String]| some.iter().all(|mark| all.contains(mark));
            assert!(is_of(&head.names, &head.unbound) && is_of(&head.names, &head.roots), "{}", language.name());
            for id in language.facts().ids.iter().chain(&language.facts().extensions) {
                let owner = by_id(id).map_or(language.name(), Language::name);
                assert_eq!(owner, language.name(), "{id} is {owner}'s");
            }
            assert!(seen.insert(language.name()), "{} twice", language.name());
        }
    }

    #[test]
    fn languages_by_path_and_shebang() {
        for (path, first_line, name) in [
            ("a/b.rs", "", Some("rust")),
            ("B.PY", "", Some("python")),
            ("x.tsx", "", Some("tsx")),
            ("Gemfile", "", Some("ruby")),
            ("run", "#!/usr/bin/env -S python3.11 -u", Some("python")),
            ("run", "#!/bin/sh", Some("bash")),
            ("run", "\u{feff}#!/usr/bin/env node", Some("javascript")),
            ("Dockerfile", "", Some("dockerfile")),
            ("main.tf", "", Some("terraform")),
            ("run", "#!", None),
            ("notes.txt", "", None),
            ("", "", None),
        ] {
            assert_eq!(by_path(Path::new(path), first_line).map(Language::name), name, "{path} {first_line}");
        }
    }

    #[test]
    fn every_document_has_a_language() {
        for (id, path, name) in [
            ("sql", "x", "sql"),
            ("cobol", "x.cob", "text"),
            ("cobol", "x.kt", "kotlin"),
            // What an editor without an extension for a language says.
            ("plaintext", "Main.kt", "kotlin"),
            ("plaintext", "notes.txt", "text"),
            ("", "", "text"),
        ] {
            assert_eq!(of(id, Path::new(path), "").name(), name, "{id} {path}");
        }
        assert!(text().facts().ids.is_empty());
    }
}

//! The languages Pennyworth knows, as data: a parser, the lexical facts of `language.toml`, and the queries of `context.scm` and `outline.scm`.
//! It decides nothing: what the facts mean is core's affair. A language is a folder, a line below and a dependency.

use std::path::Path;
use std::sync::LazyLock;

use serde::Deserialize;

/// A language: its facts, its parser and its queries.
pub struct Language {
    facts: Facts,
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
    /// `languageId`s by which editors call it.
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
    /// One step of indentation where a document shows none of its own.
    pub indent: String,
    /// What shows where a body ends.
    pub layout: Layout,
    /// Openers of comments that end with the line.
    #[serde(default)]
    pub line_comments: Vec<String>,
    /// Openers, line or block, of comments that document a definition; longer than the plain ones they begin with.
    #[serde(default)]
    pub doc_comments: Vec<String>,
    /// Openers and closers of comments that span lines.
    #[serde(default)]
    pub block_comments: Vec<(String, String)>,
    /// Whether block comments nest.
    #[serde(default)]
    pub nested_comments: bool,
    /// Forms of string literals; where two open alike the longer opener counts.
    #[serde(default)]
    pub strings: Vec<StringForm>,
    /// Whether a single quote may also begin a lifetime or label (Rust), so that it opens a literal only if one closes it.
    #[serde(default)]
    pub quote_is_char: bool,
    /// Whether `/` opens a regular expression where a value is expected.
    #[serde(default)]
    pub regex: bool,
    /// The character that takes the meaning of the next one away outside of strings, too.
    #[serde(default)]
    pub escape: Option<char>,
    /// Whether words such as `<<EOF` open here-documents.
    #[serde(default)]
    pub heredocs: bool,
    /// Bytes of a here-document's word above which the grammar's scanner aborts the process, so that such a text is not parsed.
    #[serde(default)]
    pub max_heredoc_word: Option<usize>,
    /// Pairs of brackets.
    #[serde(default)]
    pub brackets: Vec<(char, char)>,
    /// Operators after which a member's name is expected.
    #[serde(default)]
    pub member_operators: Vec<String>,
    /// What ends a statement besides a line break; empty where nothing does.
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
    /// Words that open a body where a statement begins, and the words that close it, for layouts of words.
    #[serde(default)]
    pub blocks: Vec<(String, String)>,
    /// Words of `blocks` that open a body wherever they stand (`do`, `function`).
    #[serde(default)]
    pub anywhere: Vec<String>,
    /// Words whose body a `do` on the same line does not open again (`while`).
    #[serde(default)]
    pub loops: Vec<String>,
    /// What begins a line that stands outside the nesting of the code, such as `#` of the C preprocessor.
    #[serde(default)]
    pub directives: Vec<String>,
    /// Text that shows, in the head of a function or just above it, that it is a test; behind `^` it must begin the head.
    #[serde(default)]
    pub tests: Vec<String>,
    /// First words of definitions that a plain comment directly above them documents (Go's `func`), or `()` where a name before it begins one.
    #[serde(default)]
    pub documented: Vec<String>,
    /// Opener and closer of code in a file that is otherwise text (`<?php`, `?>`).
    #[serde(default)]
    pub islands: Option<(String, String)>,
    /// Whether `<` directly behind a name may open a list of types.
    #[serde(default)]
    pub angles: bool,
    /// Whether elements of markup may stand among the code as values: `<a b={c}>text</a>`.
    #[serde(default)]
    pub tags: bool,
    /// Texts that end a function's list of parameters where nothing but a parenthesis shows that it is one. `$` is the cursor's place; the
    /// brackets behind it are those that the text closes.
    #[serde(default)]
    pub lambdas: Vec<String>,
    /// Texts tried behind the cursor's line to complete what it begins, besides none.
    #[serde(default)]
    pub tails: Vec<String>,
    /// Words that introduce a body which must be followed by something, and what that is at its shortest (`do`, ` while (x);`).
    #[serde(default)]
    pub followed: Vec<(String, String)>,
    /// A name nobody uses, to stand for what is missing; where case has a meaning, the case that fits in more places.
    #[serde(default = "name")]
    pub name_probe: String,
    /// Texts tried at the cursor to learn what would fit there; `$` is the name that stands for what is missing (`\$` is the sign
    /// itself), and what follows `…`
    /// is put behind the line.
    #[serde(default = "probes")]
    pub probes: Vec<String>,
    /// Probes tried before the others where a line begins and nothing follows: what both a statement and a member may be.
    #[serde(default)]
    pub line_probes: Vec<String>,
    /// Whether every statement needs its terminator, so that it is tried before none.
    #[serde(default)]
    pub strict: bool,
    /// Node kinds whose text is another language.
    #[serde(default)]
    pub injections: Vec<Injection>,
    /// Fences with code in documentation, if it is written in Markdown.
    #[serde(default)]
    pub examples: Option<Examples>,
}

/// What shows where a body ends.
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
    /// What opens it, prefix letters included (`r"`). A `#` in front of the quote stands for any number of them, which the closer repeats.
    pub open: String,
    /// What closes it.
    pub close: String,
    /// The character that takes the meaning of the next one away; `None` in raw strings.
    #[serde(default)]
    pub escape: Option<char>,
    /// Whether it may span lines. One that may not ends with the line even if it is unclosed.
    #[serde(default)]
    pub multiline: bool,
    /// Opener and closer of code inside the string.
    #[serde(default)]
    pub interpolation: Option<(String, String)>,
    /// Whether it documents a definition when it stands alone (Python's `"""`).
    #[serde(default)]
    pub doc: bool,
}

/// Text of another language inside a node.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Injection {
    /// Kind of the node whose text it is.
    pub node: String,
    /// Kind of an ancestor that must be there, if any.
    #[serde(default)]
    pub within: Option<String>,
    /// The language; `None` if the node of kind `named_by` beside it names it.
    #[serde(default)]
    pub language: Option<String>,
    /// Kind of the node that names the language by an id.
    #[serde(default)]
    pub named_by: Option<String>,
}

/// Fences with code in comments that document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Examples {
    /// What such a comment's lines begin with (`///`; `*` in a block); where one begins with another, the longer comes first.
    pub marks: Vec<String>,
    /// Words of an info string that name no language but still mean this one (`no_run`).
    #[serde(default)]
    pub attributes: Vec<String>,
    /// What a line begins with that is compiled but not shown (`# `).
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
    ($($name:literal $(extends $($base:literal)+)? => $parser:expr,)*) => {
        static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| vec![$(
            Language::new(
                $parser,
                &[$($(include_str!(concat!("../", $base, "/language.toml")),)+)? include_str!(concat!("../", $name, "/language.toml"))],
                concat!($($(include_str!(concat!("../", $base, "/context.scm")),)+)? include_str!(concat!("../", $name, "/context.scm"))),
                concat!($($(include_str!(concat!("../", $base, "/outline.scm")),)+)? include_str!(concat!("../", $name, "/outline.scm"))),
            ),
        )*]);
    };
}

// `extends`: the queries of those folders come first, and their facts hold where the language's own file does not say otherwise.
languages! {
    "bash" => tree_sitter_bash::LANGUAGE,
    "c" => tree_sitter_c::LANGUAGE,
    "cpp" extends "c" => tree_sitter_cpp::LANGUAGE,
    "csharp" => tree_sitter_c_sharp::LANGUAGE,
    "css" => tree_sitter_css::LANGUAGE,
    "go" => tree_sitter_go::LANGUAGE,
    "html" => tree_sitter_html::LANGUAGE,
    "java" => tree_sitter_java::LANGUAGE,
    "javascript" extends "ecmascript" => tree_sitter_javascript::LANGUAGE,
    "json" => tree_sitter_json::LANGUAGE,
    "lua" => tree_sitter_lua::LANGUAGE,
    "markdown" => tree_sitter_md::LANGUAGE,
    "php" => tree_sitter_php::LANGUAGE_PHP,
    "python" => tree_sitter_python::LANGUAGE,
    "ruby" => tree_sitter_ruby::LANGUAGE,
    "rust" => tree_sitter_rust::LANGUAGE,
    "scss" extends "css" => tree_sitter_scss::language(),
    "toml" => tree_sitter_toml_ng::LANGUAGE,
    "tsx" extends "ecmascript" "typescript" => tree_sitter_typescript::LANGUAGE_TSX,
    "typescript" extends "ecmascript" => tree_sitter_typescript::LANGUAGE_TYPESCRIPT,
    "yaml" => tree_sitter_yaml::LANGUAGE,
    "zig" => tree_sitter_zig::LANGUAGE,
}

impl Language {
    fn new(
        parser: impl Into<tree_sitter::Language>,
        facts: &[&str],
        context: &'static str,
        outline: &'static str,
    ) -> Language {
        let tables = facts.iter().map(|text| toml::from_str::<toml::Table>(text));
        let whole = tables.collect::<Result<Vec<_>, _>>().map(|tables| tables.into_iter().flatten().collect());
        #[expect(clippy::panic, reason = "the facts are part of the binary and a test reads them all")]
        let facts =
            whole.and_then(toml::Table::try_into).unwrap_or_else(|error| panic!("{error}\n{}", facts.join("\n")));
        Language { facts, parser: parser.into(), context, outline }
    }

    /// The name: that of its folder.
    pub fn name(&self) -> &str {
        &self.facts.name
    }

    /// The lexical facts.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The parser's tables.
    pub fn parser(&self) -> &tree_sitter::Language {
        &self.parser
    }

    /// The source of the query whose captures are named after the tasks.
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

/// The language of a name, as in configuration.
pub fn by_name(name: &str) -> Option<&'static Language> {
    all().iter().find(|language| language.name() == name)
}

/// The language an editor calls by a `languageId`, or a fence by its info string; upper and lower case alike.
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

/// The program of a `#!` line: the last part of its path, `env` and its options skipped, without a version at its end.
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
        for language in all() {
            assert!(language.parser().abi_version() >= 13);
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
            ("run", "#!", None),
            ("", "", None),
        ] {
            assert_eq!(by_path(Path::new(path), first_line).map(Language::name), name, "{path} {first_line}");
        }
    }
}

//! Imports of every language that has some: what of them a file has already, and what joins it.

use crate::demand::Unfit;
use crate::demand::imports::tests::with;

/// A file that is nothing but imports, with those of new code.
pub(in crate::demand) fn joins(language: &str, have: &str, new: &str) -> Result<String, Unfit> {
    with(language, have, None, &format!("{new}\nx\n"))
}

/// What a file with these imports gets from those of new code, behind its own.
fn check(language: &str, have: &str, new: &str, added: &str) {
    assert_eq!(joins(language, have, new), Ok(format!("{have}{added}")), "{language}: {new}");
}

#[test]
fn a_name_that_the_file_has_does_not_come_again() {
    check(
        "bash",
        "load 'a'\nsource ./b.sh # (x\n",
        "load \"a\" # (\nload 'c'  # why (x)\n. d.sh",
        "load 'c'  # why (x)\n. d.sh\n",
    );
    check(
        "c",
        "#include <a.h>\n",
        "#include <a.h> // (x\n#include \"b.h\" /* {\n */\n#include <s/c.h>",
        "#include \"b.h\" /* {\n */\n#include <s/c.h>\n",
    );
    check(
        "cpp",
        "#include <a>\nusing std::b;\n",
        "#include <a>\nusing std::b;\nusing C =\n    d::E;",
        "using C =\n    d::E;\n",
    );
    check(
        "csharp",
        "using A;\nusing X = A.B;\n",
        "using A; // (x\nusing X = A.B;\nusing static A.C;",
        "using static A.C;\n",
    );
    check(
        "dart",
        "import 'a.dart';\n",
        "import \"a.dart\";\nimport 'b.dart'\n    show c, d; // (x\nexport 'e.dart';",
        "import 'b.dart'\n    show c, d; // (x\nexport 'e.dart';\n",
    );
    check(
        "elixir",
        "alias A.{B, C}\n",
        "alias A.B\nalias A.{C, D} # {x}\nuse X, opts: {a, {b}}\nimport E, only: [f: 1]",
        "alias A.D\nuse X, opts: {a, {b}}\nimport E, only: [f: 1]\n",
    );
    check(
        "elixir",
        "alias A.B, as: C\n",
        "alias A.B,\n  as: C\nalias D.{E, F}, warn: false",
        "alias D.{E, F}, warn: false\n",
    );
    check(
        "go",
        "import \"a\"\n",
        "import (\n\t\"a\" // (x\n\t_ \"b\"\n\tc \"d/e\"\n)",
        "import _ \"b\"\nimport c \"d/e\"\n",
    );
    check("go", "import (\"a\"; \"b\")\n", "import (\"b\"; \"c\")", "import \"c\"\n");
    check(
        "java",
        "import a.B;\nimport static a.C.d;\n",
        "import a.B; // {x\nimport static a.C.d;\nimport static x.Y.d;\nimport a.*;",
        "import static x.Y.d;\nimport a.*;\n",
    );
    check(
        "kotlin",
        "import a.B\nimport a.c\n",
        "import a.B // x\nimport a.B as D\nimport d.c\nimport e.*",
        "import a.B as D\nimport d.c\nimport e.*\n",
    );
    check(
        "lua",
        "local a = require(\"a\")\n",
        "local a = require 'a' -- (x\nlocal b = require 'b'.c",
        "local b = require 'b'.c\n",
    );
    check(
        "powershell",
        "using module A\nImport-Module B\n",
        "using module A # (x\nImport-Module B\n. ./c.ps1",
        ". ./c.ps1\n",
    );
    check("r", "library(a)\n", "library(a) # (\nsource(\"b.R\")", "source(\"b.R\")\n");
    check("ruby", "require 'a'\n", "require('a')\nrequire_relative \"b\" # (x", "require_relative \"b\" # (x\n");
    check(
        "swift",
        "import A\n@testable import B\n",
        "import A // {x\n@testable import B\nimport struct C.D",
        "import struct C.D\n",
    );
    check(
        "zig",
        "const a = @import(\"a\");\n",
        "const a = @import(\"a\"); // (x\nconst b = @import(\"b.zig\").c;",
        "const b = @import(\"b.zig\").c;\n",
    );
}

#[test]
fn lists_of_names_are_taken_apart() {
    for language in ["javascript", "typescript", "tsx"] {
        check(
            language,
            "import { a } from './m';\n",
            "import {\n  a, // why\n  b as c, /* { */\n} from \"./m\";",
            "import { b as c } from \"./m\";\n",
        );
        check(
            language,
            "import D from 'm'\n",
            "import D, { a, b } from 'm'",
            "import { a } from 'm'\nimport { b } from 'm'\n",
        );
        check(language, "import D from 'm'\n", "import D, * as n from 'm' // {x}", "import * as n from 'm'\n");
        check(
            language,
            "import './a';\n",
            "import './a';\nimport './b';\nimport * as c from './c'; // {x}",
            "import './b';\nimport * as c from './c'; // {x}\n",
        );
        check(
            language,
            "const { a } = require('./m');\n",
            "const { a, b, c: d, ...e } = require('./m');",
            "const { b } = require('./m');\nconst { c: d } = require('./m');\nconst { ...e } = require('./m');\n",
        );
        check(
            language,
            "const { a } = require('fs');\n",
            "const { a, promises: { readFile } } = require('fs');",
            "const { promises: { readFile } } = require('fs');\n",
        );
        check(
            language,
            "const { a } = await import('./m');\n",
            "const {\n  a,\n  b,\n} = await import('./m');",
            "const { b } = await import('./m');\n",
        );
        check(
            language,
            "import { a } from './m' with { type: 'json' };\n",
            "import { a, b } from './m' with { type: 'json' };",
            "import { b } from './m' with { type: 'json' };\n",
        );
    }
    for language in ["typescript", "tsx"] {
        check(
            language,
            "import { A } from './m';\n",
            "import type { A, B } from './m';\nimport { type A, c } from './m';",
            "import type { B } from './m';\nimport { c } from './m';\n",
        );
        check(
            language,
            "import x = require('x');\n",
            "import x = require(\"x\");\nimport type y from './y';",
            "import type y from './y';\n",
        );
    }
    check("python", "import os\n", "import os  # noqa: E402, F401\nimport os, sys as s  # (x)", "import sys as s\n");
    check(
        "python",
        "from x import a\n",
        "from x import (a, b)  # noqa (x)\nfrom . import c, d\nfrom ..e import *",
        "from x import b\nfrom . import c, d\nfrom ..e import *\n",
    );
    check(
        "python",
        "from .x import a\n",
        "from .x import a, \\\n    b as c, \\\n    d",
        "from .x import b as c\nfrom .x import d\n",
    );
    check(
        "python",
        "from x import (\n    a,  # why (\n)\n",
        "from x import (  # x\n    a,\n    # b,\n    c,\n)",
        "from x import c\n",
    );
    check("python", "from x import (\n    a\n)\n", "from x import a, b", "from x import b\n");
    check("php", "use A\\B;\n", "use A\\{B, C as D, function e}; // (x)", "use A\\C as D;\nuse A\\{function e};\n");
    check(
        "php",
        "use function A\\b;\nuse A\\C;\n",
        "use function A\\b, A\\c;\nuse A\\C, A\\D;\nrequire_once 'x.php';",
        "use function A\\c;\nuse A\\D;\nrequire_once 'x.php';\n",
    );
    check(
        "rust",
        "use a::{self, b};\n",
        "use a::{self as c, b, d as e, f::{self, *}}; // {x}",
        "use a as c;\nuse a::d as e;\nuse a::f;\nuse a::f::*;\n",
    );
    check(
        "rust",
        "use std::fs;\n",
        "use {std::{fs, io}, serde::Serialize};\npub use\n    x::y;",
        "use std::io;\nuse serde::Serialize;\npub use\n    x::y;\n",
    );
    check(
        "scala",
        "import a.B\n",
        "import a.{B, C => D, _} // {x}\nimport a.B, c.D2",
        "import a.{C => D}\nimport a._\nimport c.D2\n",
    );
    check("scala", "import a.B\n", "import a.{B, C}, d.{E, F}", "import a.C\nimport d.E\nimport d.F\n");
}

#[test]
fn an_import_of_no_known_form_comes_as_a_whole() {
    check("python", "import os\n", "import os; import sys", "import os; import sys\n");
    check(
        "javascript",
        "import a from 'a';\n",
        "const b = require('b')({\n  c, // d\n});",
        "const b = require('b')({\n  c, // d\n});\n",
    );
    check(
        "typescript",
        "import { a } from './a';\n",
        "import {} from './b';\nimport {} from './b';",
        "import {} from './b';\n",
    );
    // Its brackets do not close: only its first line is one.
    let broken = head_of("rust", "use a::{b,\n\nfn c() {}\n");
    assert_eq!(broken, (vec!["use a::{b,".to_owned()], "fn c() {}\n".to_owned()));
}

#[test]
fn lists_inside_lists_come_to_an_end() {
    for (language, before, after) in
        [("rust", "a::{", "}"), ("scala", "a.{", "}"), ("javascript", "{ a: ", " }"), ("python", "(", ")")]
    {
        let mark = if language == "rust" { "use " } else { "import " };
        let deep = format!("{mark}{}b{} from 'c'", before.repeat(9_000), after.repeat(9_000));
        assert_eq!(head_of(language, &format!("{deep}\nx\n")).1, "x\n", "{language}");
        let open = format!("{mark}{}b\nx\n", before.repeat(9_000));
        assert_eq!(head_of(language, &open).1, "x\n", "{language}");
    }
    // No import reads all that follows, again and again.
    let long = "const a = {\n".repeat(20_000);
    assert_eq!(head_of("javascript", &long).1, long);
    let source = crate::demand::Source::new("", pennyworth_grammars::by_name("javascript").unwrap(), long);
    assert!(crate::demand::imports::imports(&source, None).is_empty());
}

/// The imports and the rest of some code.
fn head_of(language: &str, code: &str) -> (Vec<String>, String) {
    let head = crate::demand::head::head(code, pennyworth_grammars::by_name(language).unwrap());
    (head.imports.into_iter().map(|import| import.text).collect(), head.rest.to_owned())
}

mod any;

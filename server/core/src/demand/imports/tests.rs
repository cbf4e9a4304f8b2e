//! Which imports of new code a file gets, and where.

use super::*;
use crate::demand::Unfit;
use crate::demand::joined::joined;
use crate::demand::joining::Joining;
use crate::demand::valid::errors;

/// A file with the imports of some new code, which is left out here. `|` stands where the code goes if that is not the end.
pub(in crate::demand) fn with(language: &str, file: &str, holder: Option<&str>, code: &str) -> Result<String, Unfit> {
    let language = pennyworth_grammars::by_name(language).unwrap();
    let (text, at) = (file.replace('|', ""), file.find('|').unwrap_or(file.len()));
    let source = Source::new("", language, text.clone());
    let joined = joined(code, &Joining { file: &source, at, lead: "", holder })?;
    let mut now = text;
    for edit in joined.imports.into_iter().rev() {
        now.replace_range(edit.range, &edit.text);
    }
    let language = source.language;
    assert!(errors(&now, language) <= errors(&source.text, language), "it parses worse: {now}");
    let parts = [joined.code.as_str()].into_iter().filter(|code| code.contains("import") || code.contains("use "));
    assert_eq!(parts.count(), 0, "left in the code: {}", joined.code);
    Ok(now)
}

#[test]
fn a_new_import_joins_the_others() {
    for (language, file, code, expected) in [
        (
            "java",
            "package a;\n\nimport b.C;\n\nclass T {\n}\n",
            "import d.E;\n\nclass U {\n}",
            "package a;\n\nimport b.C;\nimport d.E;\n\nclass T {\n}\n",
        ),
        (
            "java",
            "import static a.B.c;\nclass T {\n}\n",
            "import static a.B.c;\nimport static a.B.d;\n\nclass U {\n}",
            "import static a.B.c;\nimport static a.B.d;\nclass T {\n}\n",
        ),
        (
            "kotlin",
            "package a\n\nimport b.C\n\nclass T\n",
            "package a\n\nimport b.C\nimport d.E as F\n\nfun f() {}",
            "package a\n\nimport b.C\nimport d.E as F\n\nclass T\n",
        ),
        (
            "csharp",
            "using A;\n\nnamespace N;\n\nclass T {\n}\n",
            "using A;\nusing System.Linq;\n\nnamespace N;\n\nclass U {\n}",
            "using A;\nusing System.Linq;\n\nnamespace N;\n\nclass T {\n}\n",
        ),
        (
            "go",
            "package a\n\nimport \"testing\"\n\nfunc A() {}\n",
            "import (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc B() {}",
            "package a\n\nimport \"testing\"\nimport \"os\"\n\nfunc A() {}\n",
        ),
        (
            "go",
            "package a\n\nimport (\n\t\"testing\"\n)\n\nfunc A() {}\n",
            "import \"os\"\n\nfunc B() {}",
            "package a\n\nimport (\n\t\"testing\"\n\t\"os\"\n)\n\nfunc A() {}\n",
        ),
        (
            "go",
            "package a\n\nimport (\n\t\"testing\"\n)\n\nfunc A() {}\n",
            "package a\n\nimport (\n\tx \"os\"\n\n\t\"testing\"\n)\n\nfunc B() {}",
            "package a\n\nimport (\n\t\"testing\"\n\tx \"os\"\n)\n\nfunc A() {}\n",
        ),
        (
            "go",
            "package a\n\nimport (\n\t\"testing\"\n)\n\nfunc A() {}\n",
            "import (\n\t\"fmt\"\n\t\"os\"\n)\n\nfunc B() {}",
            "package a\n\nimport (\n\t\"testing\"\n\t\"fmt\"\n\t\"os\"\n)\n\nfunc A() {}\n",
        ),
        (
            "python",
            "from x import a\n\n\ndef t():\n    pass\n",
            "from x import a, b\n\ndef u():\n    pass",
            "from x import a\nfrom x import b\n\n\ndef t():\n    pass\n",
        ),
        (
            "python",
            "import os\n\nif a:\n    import c\n\nx = 1\n\n\ndef t():\n    import d\n",
            "import os, sys\nimport d\n\ndef u():\n    pass",
            "import os\nimport sys\nimport d\n\nif a:\n    import c\n\nx = 1\n\n\ndef t():\n    import d\n",
        ),
        (
            "python",
            "from x import (\n    a,\n    b,\n)\n\nt = 1\n",
            "\"\"\"Tests.\"\"\"\nfrom x import b, a\nfrom y import (\n    c,\n    d,\n)\n\ndef u():\n    pass",
            "from x import (\n    a,\n    b,\n)\nfrom y import (\n    c,\n    d,\n)\n\nt = 1\n",
        ),
        (
            "typescript",
            "import { a } from './a';\n\nit('x', () => {});\n",
            "import { a, b } from \"./a\";\nimport type { C } from './c';\n\nit('y', () => {});",
            "import { a } from './a';\nimport { b } from \"./a\";\nimport type { C } from './c';\n\nit('x', () => {});\n",
        ),
        (
            "tsx",
            "import A, { b } from 'a'\n\nit('x', () => {})\n",
            "import A from 'a'\nimport { b, c } from 'a'\n\nit('y', () => {})",
            "import A, { b } from 'a'\nimport { c } from 'a'\n\nit('x', () => {})\n",
        ),
        (
            "javascript",
            "'use strict';\nconst a = require('a');\n\nit('x', () => {});\n",
            "'use strict';\nconst a = require('a');\nconst { b } = require('b');\n\nit('y', () => {});",
            "'use strict';\nconst a = require('a');\nconst { b } = require('b');\n\nit('x', () => {});\n",
        ),
        (
            "rust",
            "mod common;\nuse a::{b, c::d};\n\n#[test]\nfn t() {}\n",
            "use a::{b, c::{d, e}};\n\n#[test]\nfn u() {}",
            "mod common;\nuse a::{b, c::d};\nuse a::c::e;\n\n#[test]\nfn t() {}\n",
        ),
        (
            "php",
            "<?php\n\nnamespace N;\n\nuse A\\B;\n\nclass T {\n    use C;\n}\n",
            "<?php\n\nnamespace N;\n\nuse A\\{B, D};\nuse C;\n\nclass U {\n}",
            "<?php\n\nnamespace N;\n\nuse A\\B;\nuse A\\D;\nuse C;\n\nclass T {\n    use C;\n}\n",
        ),
        (
            "ruby",
            "# frozen_string_literal: true\n\nrequire 'a'\n\nclass T\nend\n",
            "# frozen_string_literal: true\n\nrequire \"a\"\nrequire_relative \"b\"\n\nclass U\nend",
            "# frozen_string_literal: true\n\nrequire 'a'\nrequire_relative \"b\"\n\nclass T\nend\n",
        ),
        (
            "swift",
            "import XCTest\n@testable import A\n\nclass T {}\n",
            "import XCTest\nimport Foundation\n@testable import A\n\nclass U {}",
            "import XCTest\n@testable import A\nimport Foundation\n\nclass T {}\n",
        ),
        (
            "dart",
            "import 'package:a/a.dart';\n\nvoid main() {}\n",
            "import 'package:a/a.dart';\nimport 'b.dart' show c, d;\n\nvoid f() {}",
            "import 'package:a/a.dart';\nimport 'b.dart' show c, d;\n\nvoid main() {}\n",
        ),
        (
            "scala",
            "package a\n\nimport b.C\n\nclass T {}\n",
            "import b.{C, D}\n\nclass U {}",
            "package a\n\nimport b.C\nimport b.D\n\nclass T {}\n",
        ),
        (
            "c",
            "#include <a.h>\n#ifdef B\n#include <b.h>\n#endif\n\nvoid test_a(void) {\n}\n",
            "#include <a.h>\n#include \"c.h\"\n\nvoid test_c(void) {\n}",
            "#include <a.h>\n#include \"c.h\"\n#ifdef B\n#include <b.h>\n#endif\n\nvoid test_a(void) {\n}\n",
        ),
        (
            "cpp",
            "#include <a>\nusing namespace b;\n\nTEST(A, b) {\n}\n",
            "#include <a>\n#include <c>\nusing namespace b;\n\nTEST(A, c) {\n}",
            "#include <a>\nusing namespace b;\n#include <c>\n\nTEST(A, b) {\n}\n",
        ),
        (
            "lua",
            "local a = require(\"a\")\n\nit(\"x\", function() end)\n",
            "local a = require('a')\nlocal b = require('b')\n\nit(\"y\", function() end)",
            "local a = require(\"a\")\nlocal b = require('b')\n\nit(\"x\", function() end)\n",
        ),
        (
            "r",
            "library(testthat)\n\ntest_that(\"x\", {})\n",
            "library(testthat)\nlibrary(a)\n\ntest_that(\"y\", {})",
            "library(testthat)\nlibrary(a)\n\ntest_that(\"x\", {})\n",
        ),
        (
            "bash",
            "#!/usr/bin/env bats\nload 'a'\n\n@test \"x\" {\n  true\n}\n",
            "#!/usr/bin/env bats\nload 'a'\nload 'b'\n\n@test \"y\" {\n  true\n}",
            "#!/usr/bin/env bats\nload 'a'\nload 'b'\n\n@test \"x\" {\n  true\n}\n",
        ),
    ] {
        assert_eq!(with(language, file, None, code).as_deref(), Ok(expected), "{language}: {code}");
    }
}

#[test]
fn the_first_import_stands_above_the_code() {
    for (language, file, code, expected) in [
        (
            "java",
            "package a;\n\nclass T {\n}\n",
            "import b.C;\n\nclass U {\n}",
            "package a;\n\nimport b.C;\n\nclass T {\n}\n",
        ),
        (
            "java",
            "/** T. */\nclass T {\n}\n",
            "import b.C;\n\nclass U {\n}",
            "import b.C;\n\n/** T. */\nclass T {\n}\n",
        ),
        (
            "java",
            "/*\n * A licence.\n */\n\nclass T {\n}\n",
            "import b.C;\n\nclass U {\n}",
            "/*\n * A licence.\n */\n\nimport b.C;\n\nclass T {\n}\n",
        ),
        (
            "go",
            "package a\n\nfunc A() {}\n",
            "import \"os\"\n\nfunc B() {}",
            "package a\n\nimport \"os\"\n\nfunc A() {}\n",
        ),
        ("php", "<?php\nclass T {\n}\n", "<?php\n\nuse A\\B;\n\nclass U {\n}", "<?php\n\nuse A\\B;\n\nclass T {\n}\n"),
        (
            "python",
            "#!/usr/bin/env python\n\"\"\"Tests.\"\"\"\n\n\ndef t():\n    pass\n",
            "import a\n\ndef u():\n    pass",
            "#!/usr/bin/env python\n\"\"\"Tests.\"\"\"\n\n\nimport a\n\ndef t():\n    pass\n",
        ),
        (
            "ruby",
            "# frozen_string_literal: true\nclass T\nend\n",
            "require 'a'\n\nclass U\nend",
            "# frozen_string_literal: true\n\nrequire 'a'\n\nclass T\nend\n",
        ),
        (
            "rust",
            "//! Tests.\n\n#[test]\nfn t() {}\n",
            "use a::b;\n\n#[test]\nfn u() {}",
            "//! Tests.\n\nuse a::b;\n\n#[test]\nfn t() {}\n",
        ),
        (
            "kotlin",
            "@file:Suppress(\"x\")\n\nclass T\n",
            "import a.B\n\nclass U",
            "@file:Suppress(\"x\")\n\nimport a.B\n\nclass T\n",
        ),
        (
            "typescript",
            "const s = `\nimport a from 'a';\n`;\n",
            "import a from 'a';\n\nit('y', () => {});",
            "import a from 'a';\n\nconst s = `\nimport a from 'a';\n`;\n",
        ),
    ] {
        assert_eq!(with(language, file, None, code).as_deref(), Ok(expected), "{language}: {code}");
    }
}

#[test]
fn a_module_has_imports_of_its_own_where_its_language_has_them() {
    let rust =
        "use std::fs;\n\nfn a() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn t() {}\n|}\n";
    let code = "#[cfg(test)]\nmod tests {\n    use super::*;\n    use std::fs;\n\n    #[test]\n    fn u() {}\n}";
    let expected = rust.replace('|', "").replace("super::*;\n", "super::*;\n    use std::fs;\n");
    assert_eq!(with("rust", rust, Some("tests"), code), Ok(expected.clone()));
    assert_eq!(with("rust", rust, Some("tests"), "use std::fs;\n\n#[test]\nfn u() {}"), Ok(expected));
    let bare = "fn a() {}\n\nmod tests {\n    #[test]\n    fn t() {}\n|}\n";
    let expected = bare.replace('|', "").replace("mod tests {\n", "mod tests {\n    use std::fs;\n\n");
    assert_eq!(with("rust", bare, Some("tests"), "use std::fs;\n\n#[test]\nfn u() {}"), Ok(expected));
    let elixir = "defmodule ATest do\n  use ExUnit.Case\n\n  test \"a\" do\n    1\n  end\n|end\n";
    let expected = elixir.replace('|', "").replace("Case\n", "Case\n  alias B.C\n");
    let code = "defmodule ATest do\n  use ExUnit.Case\n  alias B.C\n\n  test \"b\" do\n    1\n  end\nend";
    assert_eq!(with("elixir", elixir, Some("ATest"), code), Ok(expected));
    // What surrounds the class is the file's, too.
    let csharp = "using A;\n\nnamespace N\n{\n    class T {\n|    }\n}\n";
    let code = "using A;\nusing B;\n\nnamespace N\n{\n    class T {\n        [Fact]\n        void F() {}\n    }\n}";
    let expected = csharp.replace('|', "").replace("A;\n", "A;\nusing B;\n");
    assert_eq!(with("csharp", csharp, Some("T"), code), Ok(expected));
}

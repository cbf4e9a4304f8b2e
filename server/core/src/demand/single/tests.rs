//! Names that a file has from one place, and new code from another.

use crate::demand::Unfit;
use crate::demand::import::tests::joins;

#[test]
fn a_name_that_the_file_has_from_elsewhere_is_not_taken() {
    for (language, have, new, expected) in [
        ("typescript", "import { expect } from 'chai';\n", "import { expect, it } from 'vitest';", Some("expect")),
        ("typescript", "import type { A } from './a';\n", "import { A } from './a';", Some("A")),
        ("typescript", "import { b as a } from './a';\n", "import { a } from './a';", Some("a")),
        ("typescript", "import { a as b } from './a';\n", "import { a } from './a';", None),
        ("javascript", "const a = require('a');\n", "import a from 'b';", Some("a")),
        ("javascript", "const { x: { a } } = require('a');\n", "const { a = 1 } = require('b');", Some("a")),
        ("javascript", "import * as a from 'a';\n", "const a = await import('b');", Some("a")),
        ("javascript", "function a() {}\n", "import { a } from './a';", Some("a")),
        ("python", "from unittest import mock\n", "import mock", Some("mock")),
        ("python", "import os\n", "import os.path\nimport os.path as p", None),
        ("python", "import os.path as p\n", "from x import p", Some("p")),
        ("java", "import a.Date;\n", "import b.Date;", Some("Date")),
        ("java", "import a.Date;\n", "import b.*;\nimport c.*;", None),
        ("kotlin", "import a.Date\n", "import b.Date", Some("Date")),
        ("kotlin", "import a.map\n", "import b.map", None),
        ("scala", "import a.Date\n", "import b.{Date => C, Other}\nimport c.Date", Some("Date")),
        ("csharp", "using A = B.C;\n", "using A = D.C;", Some("A")),
        ("csharp", "using A.Models;\n", "using B.Models;", None),
        ("go", "import \"crypto/rand\"\n", "import \"math/rand\"", Some("rand")),
        ("go", "import \"a.b/c/v2\"\n", "import \"a.b/d/v2\"\nimport x \"a.b/y/c\"", None),
        ("go", "import a \"b\"\n", "import a \"c\"", Some("a")),
        ("rust", "use std::fmt::Result;\n", "use std::io::{self, Result};", Some("Result")),
        ("rust", "use std::io;\n", "use tokio::io::{self};", Some("io")),
        ("rust", "use a::A as _;\nuse b::*;\n", "use b::B as _;\nuse c::*;", None),
        ("php", "<?php\nuse A\\B;\n", "use C\\{B, D};", Some("B")),
        ("php", "<?php\nuse function A\\b;\n", "use A\\b;", None),
        ("elixir", "alias A.B\n", "alias C.B", Some("B")),
        ("elixir", "use A.Case\n", "use B.Case", None),
        ("zig", "const a = @import(\"a\");\n", "const a = @import(\"b\");", Some("a")),
        ("lua", "local a = require('a')\n", "local a = require('b')", Some("a")),
        ("ruby", "require 'a/x'\n", "require 'b/x'", None),
        ("c", "#include <a/x.h>\n", "#include <b/x.h>", None),
        ("dart", "import 'a.dart' as x;\n", "import 'b.dart' as x;", None),
        ("swift", "import A\n", "import struct A.B", None),
    ] {
        let found = joins(language, have, new).map(|_| ());
        assert_eq!(found, expected.map_or(Ok(()), |name| Err(Unfit::Known(name.to_owned()))), "{language}: {new}");
    }
}

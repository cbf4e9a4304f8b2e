//! What stands once in a file, in new code and in the file.

use crate::demand::imports::tests::with;

#[test]
fn what_stands_once_is_the_same_however_it_is_written() {
    for (language, file, code) in [
        ("javascript", "\"use strict\";\n", "'use strict'\n\nx"),
        ("javascript", "// x\n", "'use strict';\n\nx"),
        ("php", "<?php\ndeclare(strict_types=1);\n", "<?php declare(strict_types = 1);\n\nx"),
        ("php", "<?php declare(strict_types=1);\n", "<?php\n\ndeclare(strict_types=1);\n\nx"),
        ("php", "<?php\n", "<?php declare(strict_types=1);\n\nx"),
        ("php", "<?php\n\nnamespace N; // x\n", "<?php namespace N;\n\nx"),
        ("go", "package a // x\n", "package  a\n\nx"),
        ("powershell", "#Requires -Version 5\n", "#Requires -Version 5\n#Requires -Modules Pester\n\nx"),
        ("dart", "x\n", "library t;\n\nx"),
        ("rust", "x\n", "#![allow(unused)]\n\nx"),
        ("kotlin", "x\n", "@file:Suppress(\"a\")\n\nx"),
    ] {
        assert_eq!(with(language, file, None, code).as_deref(), Ok(file), "{language}: {code}");
    }
    for (language, file, code) in [
        ("go", "package ab\n", "package a\n\nx"),
        ("java", "package a.b;\n", "package a;\n\nx"),
        ("php", "<?php\nnamespace A\\B;\n", "<?php\nnamespace A;\n\nx"),
        ("csharp", "namespace A.B;\n", "namespace A;\n\nx"),
        ("kotlin", "x\n", "@file:OptIn(A::class)\n\nx"),
        ("rust", "x\n", "#![feature(test)]\n\nx"),
    ] {
        let found = with(language, file, None, code);
        assert!(matches!(&found, Err(crate::demand::Unfit::Form(_))), "{language}: {found:?}");
    }
}

#[test]
fn imports_stand_behind_what_stands_once() {
    for (language, file, code, expected) in [
        (
            "php",
            "<?php declare(strict_types=1);\n\nx();\n",
            "use A;\n\nx",
            "<?php declare(strict_types=1);\n\nuse A;\n\nx();\n",
        ),
        ("php", "<?php x();\n", "use A;\n\nx", "<?php\n\nuse A;\n\n x();\n"),
        (
            "powershell",
            "#Requires -Version 5\nfunction F {\n}\n",
            "Import-Module A\n\nx",
            "#Requires -Version 5\n\nImport-Module A\n\nfunction F {\n}\n",
        ),
    ] {
        assert_eq!(with(language, file, None, code).as_deref(), Ok(expected), "{language}: {code}");
    }
}

//! Imports that come before all others.

use crate::demand::import::tests::joins;

#[test]
fn some_imports_come_before_all_others() {
    let future = "from __future__ import annotations";
    for (language, file, new, expected) in [
        (
            "python",
            "\"\"\"T.\"\"\"\n\nimport os\n",
            format!("{future}\nimport sys"),
            format!("\"\"\"T.\"\"\"\n\n{future}\nimport os\nimport sys\n"),
        ),
        (
            "python",
            "from __future__ import division\n\nimport os\n",
            format!("{future}\n\nimport os"),
            format!("from __future__ import division\n{future}\n\nimport os\n"),
        ),
        ("python", "x = 1\nimport os\n", future.to_owned(), format!("{future}\n\nx = 1\nimport os\n")),
        ("python", "x = 1\n", format!("import os\n{future}"), format!("{future}\nimport os\n\nx = 1\n")),
        (
            "csharp",
            "using A;\n",
            "using B;\nextern alias C;\nglobal using D;".to_owned(),
            "extern alias C;\nglobal using D;\nusing A;\nusing B;\n".to_owned(),
        ),
        (
            "csharp",
            "extern alias C;\nusing A;\n",
            "global using D;".to_owned(),
            "extern alias C;\nglobal using D;\nusing A;\n".to_owned(),
        ),
        (
            "powershell",
            "Import-Module A\n",
            "using module B".to_owned(),
            "using module B\nImport-Module A\n".to_owned(),
        ),
        (
            "powershell",
            "#Requires -Version 7\n\n$a = 1\n",
            "Import-Module B\nusing module C".to_owned(),
            "#Requires -Version 7\n\nusing module C\nImport-Module B\n\n$a = 1\n".to_owned(),
        ),
    ] {
        assert_eq!(joins(language, file, &new), Ok(expected), "{language}: {new}");
    }
}

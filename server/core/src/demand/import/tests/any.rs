//! Imports of any form: reading them ends, and loses and doubles nothing.

use proptest::prelude::*;

use crate::demand::Source;
use crate::demand::added::added;
use crate::demand::head::head;
use crate::demand::imports::missing;

const LANGUAGES: [&str; 22] = [
    "bash",
    "c",
    "cpp",
    "csharp",
    "dart",
    "elixir",
    "go",
    "java",
    "javascript",
    "kotlin",
    "lua",
    "php",
    "powershell",
    "python",
    "r",
    "ruby",
    "rust",
    "scala",
    "swift",
    "tsx",
    "typescript",
    "zig",
];

/// A language, new code and a file of it with lines that look like its imports.
fn lines() -> impl Strategy<Value = (&'static str, String, String)> {
    let word =
        "(import|from|type|self|as|a|B|\\*|\\.|::|,|;|=>|=|\\{|\\}|\\(|\\)|'a'|\"b\"|//|#|/\\*|\\*/|\\\\|\n|\n  )";
    proptest::sample::select(&LANGUAGES[..]).prop_flat_map(move |language| {
        let head = &pennyworth_grammars::by_name(language).unwrap().facts().head;
        let marks: Vec<String> = head.imports.iter().chain(&head.once).map(|mark| mark.replace('…', "a")).collect();
        let line = (proptest::sample::select(marks), proptest::collection::vec(word, 0..12));
        let line = line.prop_map(|(mark, words)| format!("{mark}{}\n", words.join(" ")));
        let lines = || proptest::collection::vec(line.clone(), 0..5).prop_map(|lines| lines.concat());
        (Just(language), lines(), lines())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_has_some_imports((language, text, file) in lines()) {
        let known = pennyworth_grammars::by_name(language).unwrap();
        let head = head(&text, known);
        prop_assert!(text.ends_with(head.rest));
        for import in &head.imports {
            prop_assert!(!import.singles.is_empty() && text.get(import.range.clone()).is_some());
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(words(&import.text), words(text.get(import.range.clone()).unwrap()));
        }
        let source = Source::new("", known, file.clone());
        if let Ok(missing) = missing(&head.imports, &source, None, "") {
            let edits = added(&missing, &source, None).unwrap();
            // All that the file has stays in its order, and all that it lacks comes once.
            prop_assert!(edits.is_sorted_by_key(|edit| edit.range.start));
            prop_assert!(edits.iter().all(|edit| edit.range.is_empty() && file.is_char_boundary(edit.range.start)));
            let added: String = edits.iter().map(|edit| edit.text.as_str()).collect();
            let names = missing.iter().flat_map(|import| &import.names).flat_map(|name| name.split_whitespace());
            let count = |word: &str| added.split_whitespace().filter(|other| other.contains(word)).count();
            prop_assert!(names.clone().all(|name| count(name) > 0), "{}", added);
            let text: usize = missing.iter().map(|import| import.text.split_whitespace().count()).sum();
            prop_assert!(added.split_whitespace().count() <= text, "{}", added);
        }
    }
}

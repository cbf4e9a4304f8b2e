//! Tests rules about the repository itself, which a reviewer would otherwise have to remember. It leaves what the compiler and clippy see to them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pennyworth::reports::dashboard;
use pennyworth::settings::docs;
use pennyworth_core::syntax;
use ring::digest::{SHA256, SHA512, digest};

/// Files that are generated from types, with the content they must have. `UPDATE=1 cargo test --test tidy` rewrites them.
fn generated() -> [(&'static str, String); 4] {
    let schema = serde_json::to_string_pretty(&docs::schema()).unwrap() + "\n";
    [
        ("server/lsp/config.toml", docs::commented_config()),
        ("editors/config.schema.json", schema),
        ("editors/settings.md", docs::authority_page()),
        ("server/lsp/assets/dashboard/policy.txt", policy()),
    ]
}

/// What the page of `pennyworth dashboard` may do: run its own script, use its own style, and nothing else.
fn policy() -> String {
    let hash = |text: &str| BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'\n",
        hash(dashboard::SCRIPT),
        hash(dashboard::STYLE)
    )
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The paths and texts of the repository's files with these endings, without ignored files.
fn files(endings: &[&str]) -> Vec<(String, String)> {
    let root = root();
    let walk = ignore::WalkBuilder::new(&root).hidden(false).filter_entry(|entry| entry.file_name() != ".git").build();
    let mut files = Vec::new();
    for entry in walk {
        let path = entry.unwrap().into_path();
        let name = path.strip_prefix(&root).unwrap().display().to_string().replace('\\', "/");
        if path.is_file() && endings.iter().any(|ending| name.ends_with(ending)) {
            files.push((name, String::from_utf8(fs::read(&path).unwrap()).unwrap_or_default()));
        }
    }
    assert!(!files.is_empty(), "{endings:?}");
    files
}

/// Fails with everything that was found, so that one run shows all faults.
fn assert_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

#[test]
fn no_name_of_the_pages_script_is_declared_twice() {
    // All files are one script, in which the later of two functions would take the place of the first.
    let lines = dashboard::SCRIPT.lines().filter_map(|line| {
        let words =
            ["function ", "const ", "let ", "async function "].into_iter().find_map(|word| line.strip_prefix(word));
        words.and_then(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
    });
    let (mut seen, mut twice) = (BTreeSet::new(), Vec::new());
    lines.filter(|name| !name.is_empty()).for_each(|name| {
        if !seen.insert(name) {
            twice.push(name.to_owned());
        }
    });
    assert_none("names that are declared twice", &twice);
}

#[test]
fn every_rust_file_says_what_it_is() {
    let silent = files(&[".rs"]).into_iter().filter(|(_, text)| !text.starts_with("//! "));
    assert_none("these do not open with `//!`", &silent.map(|(name, _)| name).collect::<Vec<_>>());
}

#[test]
fn no_file_knows_somebodys_machine() {
    // In pieces, or this file would be the first one found.
    let places = [["/ro", "ot/"], ["/wo", "rk/"], ["/home/ru", "nner"], ["C:\\Us", "ers\\"], ["/Us", "ers/"]]
        .map(|pieces| pieces.concat());
    let mut found = Vec::new();
    for (name, text) in files(&[".rs", ".toml", ".md", ".scm", ".sh", ".lua", ".yml", ".json", "tests/run", ".ci/run"])
    {
        let lines = text.lines().enumerate().filter(|(_, line)| places.iter().any(|place| line.contains(place)));
        found.extend(lines.map(|(number, line)| format!("{name}:{}: {line}", number + 1)));
    }
    assert_none("paths of one machine", &found);
}

#[test]
fn every_query_compiles_and_names_tasks() {
    let faults = pennyworth_grammars::all().iter().flat_map(syntax::faults);
    assert_none("queries", &faults.collect::<Vec<_>>());
}

#[test]
fn every_language_has_cases() {
    let cases =
        pennyworth_grammars::all().iter().map(|language| format!("tests/cases/{}/classify.txt", language.name()));
    assert_none("missing", &cases.filter(|path| !root().join(path).exists()).collect::<Vec<_>>());
}

#[test]
fn every_folder_of_grammars_has_a_line() {
    let lines = fs::read_to_string(root().join("grammars/src/lib.rs")).unwrap();
    let folders = fs::read_dir(root().join("grammars")).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        path.join("language.toml").exists().then(|| path.file_name().unwrap().to_string_lossy().into_owned())
    });
    let unknown = folders.filter(|folder| !lines.contains(&format!("\"{folder}\"")));
    assert_none("folders of grammars that no line in grammars/src/lib.rs names", &unknown.collect::<Vec<_>>());
}

#[test]
fn what_decides_depends_on_nothing_that_acts() {
    let mut found = Vec::new();
    for manifest in ["server/core/Cargo.toml", "server/ngram/Cargo.toml", "grammars/Cargo.toml"] {
        let text = fs::read_to_string(root().join(manifest)).unwrap();
        let parsed: toml::Table = text.parse().unwrap();
        let dependencies = parsed["dependencies"].as_table().unwrap();
        let acting =
            ["tokio", "reqwest", "tower-lsp", "rusqlite", "tracing", "ignore", "pennyworth", "pennyworth-providers"];
        found.extend(
            acting.iter().filter(|name| dependencies.contains_key(**name)).map(|name| format!("{manifest}: {name}")),
        );
    }
    assert_none("core, ngram and grammars do no IO", &found);
}

/// The blocks of `SECURITY.md` are sentences, each followed by a comment that names tests as `FILE::FUNCTION`.
#[test]
fn each_sentence_about_security_has_its_test() {
    let text = fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let (mut found, mut tested) = (Vec::new(), 0);
    let mut rest = text.as_str();
    while let Some((said, after)) = rest.split_once("<!-- test:") {
        let (tests, next) = after.split_once("-->").unwrap();
        rest = next;
        let plain = said.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join("\n") + "\n";
        let sentences = plain.matches(". ").count() + plain.matches(".\n").count();
        // The note at the head of the page is about this test.
        let allowed = if tested == 0 { 2 } else { 1 };
        if sentences != allowed {
            found.push(format!("{sentences} sentences before `{}`: {}", tests.trim(), plain.trim()));
        }
        for test in tests.split(',').map(str::trim) {
            tested += 1;
            let (file, name) = test.split_once("::").unwrap_or((test, ""));
            let source = fs::read_to_string(root().join(file)).unwrap_or_default();
            if name.is_empty() || !source.contains(&format!("fn {name}(")) {
                found.push(format!("there is no test {test}"));
            }
        }
    }
    if rest.contains(|c: char| c.is_alphanumeric()) {
        found.push(format!("without a test: {}", rest.trim()));
    }
    assert_none("SECURITY.md", &found);
    assert!(tested > 40, "{tested}");
}

/// The README's first command completes what the README says.
#[test]
fn the_place_in_the_readme_is_still_there() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let places: Vec<&str> =
        readme.split("--retype ").skip(1).filter_map(|rest| rest.split(['`', '\n']).next()).collect();
    assert!(places.len() >= 2, "{places:?}");
    for place in places {
        let [file, line, column] = place.split(':').collect::<Vec<_>>()[..] else { panic!("{place}") };
        let source = fs::read_to_string(root().join(file)).unwrap();
        let line = source.lines().nth(line.parse::<usize>().unwrap() - 1).unwrap();
        let (before, after) = line.split_at(column.parse::<usize>().unwrap() - 1);
        assert_eq!((before, after), ("#[derive(Clone, ", "Copy, Debug, PartialEq, Eq)]"), "{place}");
    }
}

#[test]
fn what_is_generated_from_types_is_in_step_with_them() {
    let mut found = Vec::new();
    for (name, expected) in generated() {
        let path = root().join(name);
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, &expected).unwrap();
        }
        // A checkout may have its own line endings.
        if fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n") != expected {
            found.push(name.to_owned());
        }
    }
    assert_none("out of step; `UPDATE=1 cargo test -p pennyworth-tests --test tidy` rewrites them", &found);
}

/// A vendored file is the package's own: `server/lsp/assets/uplot/package.toml` has the package's checksum, by which `tests/editors/dashboard.sh`
/// fetches it, and those of the files in it.
#[test]
fn vendored_files_are_as_their_package_has_them() {
    let folder = root().join("server/lsp/assets/uplot");
    let package: toml::Table = fs::read_to_string(folder.join("package.toml")).unwrap().parse().unwrap();
    let files = package["files"].as_table().unwrap();
    let changed = files.iter().filter(|(name, sum)| {
        let bytes = fs::read(folder.join(name)).unwrap_or_default();
        sum.as_str() != Some(&format!("sha512-{}", BASE64_STANDARD.encode(digest(&SHA512, &bytes))))
    });
    assert_none("changed", &changed.map(|(name, _)| name.clone()).collect::<Vec<_>>());
    assert!(files.len() == 3 && dashboard::SCRIPT.contains(package["version"].as_str().unwrap()));
}

#[test]
fn every_setting_says_what_an_editor_and_a_workspace_may_do() {
    assert_none("`x-elsewhere` is missing beside the type of these keys", &docs::without_authority());
}

#[test]
fn the_changelog_has_a_place_for_the_next_change() {
    let text = fs::read_to_string(root().join("CHANGELOG.md")).unwrap();
    let first = text.lines().find(|line| line.starts_with("## "));
    assert_eq!(first, Some("## Unreleased"));
}

#[test]
fn actions_are_pinned_to_a_version() {
    let mut found = Vec::new();
    for (name, text) in files(&[".yml"]) {
        let uses = text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix("uses: "));
        let is_pinned = |action: &str| {
            let version = action.split_once('@').map_or("", |(_, version)| version);
            version.starts_with('v') && version.matches('.').count() == 2
        };
        found.extend(uses.filter(|action| !is_pinned(action)).map(|action| format!("{name}: {action}")));
    }
    assert_none("actions without a full version", &found);
}

//! Which file holds the tests of another one, by the rules of its language (`test_files` in `language.toml`) and by what the project has already: the
//! file that is there, else the place where the nearest tests have theirs, else the first rule whose folder exists. It leaves what is written there
//! to others.

use std::cmp::Reverse;
use std::path::{Component, Path, PathBuf};

/// Stands in a rule for a part of a folder's name, which is the same on both sides.
const MODULE: &str = "{module}";

/// A rule: the folder of a file becomes another folder, and its name another name.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    /// From where to where.
    folder: Folder,
    /// The name, with `{stem}`.
    name: String,
}

/// Where the tests of a file are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Folder {
    /// Beside it, or in a folder there.
    Beside(Vec<String>),
    /// In a folder of any folder above it.
    Above(Vec<String>),
    /// Folders on its path are replaced by others, and those behind them stay.
    Mirror(Vec<String>, Vec<String>),
}

/// A file that may hold the tests of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    path: PathBuf,
    /// The folder that a project with this rule has; the tests lie somewhere below it.
    root: PathBuf,
    rule: usize,
}

impl Rule {
    /// Reads `NAME`, `FOLDER/NAME`, `/FOLDER/NAME`, or `FROM => TO/NAME`. `{ext}` stands for the ending of the file.
    fn parse(text: &str, extension: &str) -> Rule {
        let text = text.replace("{ext}", extension);
        let folders = |text: &str| text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let (from, to) = match text.split_once("=>") {
            Some((from, to)) => (Some(folders(from.trim())), to.trim()),
            None => (None, text.as_str()),
        };
        let (folder, name) = to.rsplit_once('/').unwrap_or(("", to));
        let folder = match (from, to.starts_with('/')) {
            (Some(from), _) => Folder::Mirror(from, folders(folder)),
            (None, true) => Folder::Above(folders(folder)),
            (None, false) => Folder::Beside(folders(folder)),
        };
        Rule { folder, name: name.to_owned() }
    }

    /// Whether a file has the name of a file of tests.
    fn names(&self, path: &Path) -> bool {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        self.name == *name || inner(&self.name, "{stem}", &name).is_some()
    }

    /// The files that it names for a file, with their roots. The folders of the file are given from the top of its workspace on.
    fn places(&self, top: &Path, folders: &[String], stem: &str) -> Vec<(PathBuf, PathBuf)> {
        let name = self.name.replace("{stem}", stem);
        let at = |parts: [&[String]; 3]| parts.concat().iter().fold(top.to_owned(), |path, part| path.join(part));
        match &self.folder {
            Folder::Beside(below) => vec![(at([folders, below, &[]]).join(name), at([folders, below, &[]]))],
            Folder::Above(below) => {
                let above = (0..=folders.len()).rev().filter_map(|count| folders.get(..count));
                above.map(|above| (at([above, below, &[]]).join(&name), at([above, below, &[]]))).collect()
            }
            Folder::Mirror(from, to) => {
                let places = (0..folders.len()).filter_map(|start| {
                    let (before, rest) = folders.split_at_checked(start)?;
                    let (replaced, behind) = rest.split_at_checked(from.len())?;
                    let to = mirrored(from, to, replaced)?;
                    Some((at([before, &to, behind]).join(&name), at([before, &to, &[]])))
                });
                places.collect()
            }
        }
    }
}

/// The folders that stand for others by a rule; `None` if it is not about these.
fn mirrored(from: &[String], to: &[String], folders: &[String]) -> Option<Vec<String>> {
    let mut module = None;
    for (pattern, folder) in from.iter().zip(folders) {
        match pattern.contains(MODULE) {
            true => module = Some(inner(pattern, MODULE, folder)?),
            false if pattern == folder => {}
            false => return None,
        }
    }
    Some(to.iter().map(|folder| folder.replace(MODULE, module.unwrap_or_default())).collect())
}

/// What stands in a text for a mark in a pattern; `None` if the pattern is another one, or nothing does.
fn inner<'a>(pattern: &str, mark: &str, text: &'a str) -> Option<&'a str> {
    let (before, after) = pattern.split_once(mark)?;
    text.strip_prefix(before)?.strip_suffix(after).filter(|inner| !inner.is_empty())
}

/// The rules of a language for files of one ending.
pub(super) struct Rules(Vec<Rule>);

impl Rules {
    /// Those of these texts, for a file.
    pub(super) fn of(texts: &[String], path: &Path) -> Rules {
        let extension = path.extension().map(|extension| extension.to_string_lossy()).unwrap_or_default();
        Rules(texts.iter().map(|text| Rule::parse(text, &extension)).collect())
    }

    /// Whether a file holds tests, by its name.
    pub(super) fn are_of(&self, path: &Path) -> bool {
        self.0.iter().any(|rule| rule.names(path))
    }

    /// The file for the tests of another file, in the workspace with this folder; `None` without a rule. `nearest` finds the nearest file of tests
    /// of other files.
    pub(super) fn place(&self, top: &Path, path: &Path, nearest: impl FnOnce() -> Option<PathBuf>) -> Option<PathBuf> {
        let all = self.candidates(top, path);
        if let Some(existing) = all.iter().find(|candidate| candidate.path.is_file()) {
            return Some(existing.path.clone());
        }
        let found = match nearest() {
            Some(other) => all.iter().min_by_key(|candidate| self.distance(candidate, &other)),
            None => {
                let is_there = |candidate: &&Candidate| {
                    let is_beside =
                        self.0.get(candidate.rule).is_some_and(|rule| matches!(rule.folder, Folder::Beside(_)));
                    !is_beside && candidate.root.is_dir()
                };
                // The deepest folder is the nearest; of several, the first rule counts.
                all.iter().rev().filter(is_there).max_by_key(|candidate| candidate.root.components().count())
            }
        };
        found.or(all.first()).map(|candidate| candidate.path.clone())
    }

    /// All files that may hold the tests of a file, the likelier first.
    fn candidates(&self, top: &Path, path: &Path) -> Vec<Candidate> {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let below = path.parent().and_then(|folder| folder.strip_prefix(top).ok());
        let parts = below.into_iter().flat_map(Path::components);
        let folders: Vec<String> = parts
            .filter_map(|part| match part {
                Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
                _ => None,
            })
            .collect();
        let places = self.0.iter().enumerate().flat_map(|(rule, text)| {
            text.places(top, &folders, &stem).into_iter().map(move |(path, root)| Candidate { path, root, rule })
        });
        places.filter(|candidate| candidate.path != path).collect()
    }

    /// By how much a candidate differs from the way in which a project has its tests, of which `other` are some. The earlier differences count most.
    fn distance(&self, candidate: &Candidate, other: &Path) -> impl Ord + use<> {
        let Some(rule) = self.0.get(candidate.rule) else { return ([true; 4], Reverse(0), true, Reverse(0)) };
        let folder = other.parent().unwrap_or(other);
        let [is_here, is_there] = [&candidate.path, other].map(|path| path.parent() == Some(&candidate.root));
        let names: Vec<String> = folder.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let is_like = |(part, name): (&String, &String)| part == name || inner(part, MODULE, name).is_some();
        let is_in = |to: &[String], names: &[String]| to.iter().zip(names).all(is_like);
        let (is_such, is_elsewhere, is_odd) = match &rule.folder {
            Folder::Beside(to) => (names.ends_with(to), false, !tests_beside(rule, to, other)),
            Folder::Above(to) | Folder::Mirror(_, to) => {
                let is_such = names.windows(to.len().max(1)).any(|names| is_in(to, names));
                // Tests in a folder of folders are such; so are those of a folder that has its counterpart.
                let is_known = is_there && candidate.path.parent().is_some_and(Path::is_dir);
                (is_such, !folder.starts_with(&candidate.root), is_here != is_there && !is_known)
            }
        };
        let is_beside = matches!(rule.folder, Folder::Beside(_));
        let shared = candidate.path.components().zip(other.components()).take_while(|(a, b)| a == b).count();
        // The narrower folder that holds both says more.
        let depth = if is_elsewhere { 0 } else { candidate.root.components().count() };
        let is_wrong = [!rule.names(other), !is_such, is_beside && is_odd, is_elsewhere];
        (is_wrong, Reverse(depth), is_odd, Reverse(shared))
    }
}

/// Whether some tests lie by a rule beside the file that they are of.
fn tests_beside(rule: &Rule, below: &[String], tests: &Path) -> bool {
    let name = tests.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let Some(stem) = inner(&rule.name, "{stem}", &name) else { return false };
    let folder = tests.ancestors().nth(below.len() + 1);
    let file = folder.map(|folder| folder.join(stem).with_extension(tests.extension().unwrap_or_default()));
    file.is_some_and(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Where the tests of a file go in a workspace with these other files.
    fn place(files: &[&str], file: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        for other in files.iter().chain([&file]) {
            let path = folder.path().join(other);
            // A name without an ending is a folder.
            match path.extension().is_some() {
                true => {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(&path, "").unwrap();
                }
                false => fs::create_dir_all(&path).unwrap(),
            }
        }
        let path = folder.path().join(file);
        let language = pennyworth_grammars::by_path(&path, "").unwrap();
        let rules = Rules::of(&language.facts().test_files, &path);
        let nearest = || files.iter().map(|other| folder.path().join(other)).find(|other| rules.are_of(other));
        let found = rules.place(folder.path(), &path, nearest).unwrap();
        found.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn tests_go_where_each_kind_of_project_has_them() {
        for (files, file, expected) in [
            (&[][..], "a.go", "a_test.go"),
            // Maven, Gradle, Kotlin for several platforms, sbt.
            (&[], "src/main/java/a/b/C.java", "src/test/java/a/b/CTest.java"),
            (&["src/test/java/a/DTests.java"], "src/main/java/a/b/C.java", "src/test/java/a/b/CTests.java"),
            (&["x/src/test/java/a/DTests.java"], "y/src/main/java/a/C.java", "y/src/test/java/a/CTests.java"),
            (&["a/DTest.java", "a/D.java"], "a/C.java", "a/CTest.java"),
            (&[], "src/commonMain/kotlin/a/C.kt", "src/commonTest/kotlin/a/CTest.kt"),
            (&[], "app/src/main/kotlin/a/C.kt", "app/src/test/kotlin/a/CTest.kt"),
            (&["src/test/scala/a/DSpec.scala"], "src/main/scala/a/C.scala", "src/test/scala/a/CSpec.scala"),
            // Mix and its umbrellas, Dart and Flutter.
            (&[], "lib/app/user.ex", "test/app/user_test.exs"),
            (&["test/app_test.exs"], "lib/app/user.ex", "test/app/user_test.exs"),
            (&[], "apps/web/lib/web/user.ex", "apps/web/test/web/user_test.exs"),
            (&[], "lib/src/user.dart", "test/user_test.dart"),
            (&["test/src/model/other_test.dart"], "lib/src/model/user.dart", "test/src/model/user_test.dart"),
            (&[], "lib/widgets/user.dart", "test/widgets/user_test.dart"),
            // Swift packages, and targets of Xcode.
            (&[], "Sources/Net/HTTP/Client.swift", "Tests/NetTests/HTTP/ClientTests.swift"),
            (&["AppTests/OtherTests.swift"], "App/Client.swift", "AppTests/ClientTests.swift"),
            // Composer and Laravel.
            (&[], "src/Model/User.php", "tests/Model/UserTest.php"),
            (&["tests/Unit/OtherTest.php"], "src/Model/User.php", "tests/Unit/Model/UserTest.php"),
            (&["tests/Unit"], "app/Models/User.php", "tests/Unit/Models/UserTest.php"),
            // Python's packages, with and without `src`, flat and not.
            (&[], "src/pkg/a/user.py", "tests/a/test_user.py"),
            (&[], "pkg/user.py", "tests/test_user.py"),
            (&["tests/test_other.py"], "pkg/a/user.py", "tests/test_user.py"),
            (&["tests/test_other.py", "tests/a"], "pkg/a/user.py", "tests/a/test_user.py"),
            (&["tests/unit/test_other.py"], "pkg/user.py", "tests/unit/test_user.py"),
            (&["pkg/tests/test_other.py"], "pkg/user.py", "pkg/tests/test_user.py"),
            (&["pkg/test_other.py", "pkg/other.py"], "pkg/user.py", "pkg/test_user.py"),
            (&["pkg/other_test.py", "pkg/other.py"], "pkg/user.py", "pkg/user_test.py"),
            (&["test"], "pkg/user.py", "test/test_user.py"),
            (&[], "user.py", "test_user.py"),
            // Django.
            (&["app/tests.py"], "app/models.py", "app/tests.py"),
            (&["one/tests.py"], "two/models.py", "two/tests.py"),
            // Gems and Rails.
            (&[], "lib/gem/user.rb", "spec/gem/user_spec.rb"),
            (&["test/models/other_test.rb"], "app/models/user.rb", "test/models/user_test.rb"),
            (&["test/test_other.rb"], "lib/user.rb", "test/test_user.rb"),
            // .NET.
            (&["tests/Core.Tests/OtherTests.cs"], "src/Core/User.cs", "tests/Core.Tests/UserTests.cs"),
            (&["Core.UnitTests/OtherTest.cs"], "Core/Models/User.cs", "Core.UnitTests/Models/UserTest.cs"),
            // C and C++.
            (&["tests/test_other.c"], "src/net/user.c", "tests/test_user.c"),
            (&["test/net/other_test.cc"], "src/net/user.cc", "test/net/user_test.cc"),
            // JavaScript and TypeScript.
            (&[], "src/a/user.ts", "src/a/user.test.ts"),
            (&["src/b/other.spec.ts", "src/b/other.ts"], "src/a/user.ts", "src/a/user.spec.ts"),
            (&["src/__tests__/other.test.ts", "src/other.ts"], "src/a/user.ts", "src/a/__tests__/user.test.ts"),
            (&["test/a/other.test.js"], "src/a/user.js", "test/a/user.test.js"),
            (&["packages/x/tests/other.spec.ts"], "packages/y/src/user.ts", "packages/y/tests/user.spec.ts"),
            // Others.
            (&[], "R/user.R", "tests/testthat/test-user.R"),
            (&["tests/a/other_spec.lua"], "lua/a/user.lua", "tests/a/user_spec.lua"),
            (&[], "src/Get-User.ps1", "src/Get-User.Tests.ps1"),
            (&["test/other.bats"], "bin/user.sh", "test/user.bats"),
            // What is there is there.
            (&["spec/user_spec.rb", "test/other_test.rb"], "lib/user.rb", "spec/user_spec.rb"),
        ] {
            assert_eq!(place(files, file), expected, "{file} beside {files:?}");
        }
    }

    #[test]
    fn files_of_tests_are_known_by_their_names() {
        for (name, rule, expected) in [
            ("/a/b_test.go", "{stem}_test.go", true),
            ("/a/_test.go", "{stem}_test.go", false),
            ("/a/test_b.py", "/tests/test_{stem}.py", true),
            ("/a/BTest.java", "src/main => src/test/{stem}Test.java", true),
            ("/a/b.test.ts", "{stem}.test.{ext}", true),
            ("/a/b.ts", "{stem}.test.{ext}", false),
            ("/a/tests.py", "tests.py", true),
        ] {
            assert_eq!(Rules::of(&[rule.to_owned()], Path::new(name)).are_of(Path::new(name)), expected, "{name}");
        }
    }
}

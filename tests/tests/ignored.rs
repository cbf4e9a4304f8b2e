//! What is ignored, compared with Git itself: generated trees, worktrees, submodules and configurations; and files with rules that cannot be
//! known. It leaves what follows for a document to `places.rs`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pennyworth::settings::{Configuration, Opened, Settings, Use};
use pennyworth_core::gate::FileKind;
use pennyworth_tests::editor::binary;
use proptest::prelude::*;

/// After this long a reading counts as hanging. No test waits for it unless something is wrong.
const HANG: Duration = Duration::from_secs(30);
const FOLDERS: [&str; 7] = ["", "a", "a/b", "a/b/a", "b", "c d", ".h"];
const NAMES: [&str; 9] = ["a", "b", "x.rs", "y.log", "A", "a b", "{a,b}", "é", "[x]"];

fn git(folder: &Path, arguments: &[&str]) {
    let run = Command::new("git")
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@t",
            "-c",
            "protocol.file.allow=always",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(run.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
}

/// The paths that Git ignores, of those given relative to the folder.
fn ignored_by_git(folder: &Path, paths: &[String]) -> HashSet<String> {
    let mut check = Command::new("git")
        .args(["check-ignore", "--no-index", "-z", "--stdin"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    check.stdin.take().unwrap().write_all((paths.join("\0") + "\0").as_bytes()).unwrap();
    let found = check.wait_with_output().unwrap();
    assert!(found.status.code().unwrap() < 2, "git check-ignore failed");
    String::from_utf8(found.stdout).unwrap().split_terminator('\0').map(str::to_owned).collect()
}

/// The paths that Pennyworth ignores under this workspace.
fn ignored_by_us(root: &Path, folder: &Path, paths: &[String]) -> HashSet<String> {
    let (configuration, notices) = Configuration::new(1, Settings::default(), &[root.to_owned()]);
    assert!(notices.is_empty(), "{notices:?}");
    let is_ignored = |path: &&String| match configuration.read(&folder.join(path)).kind() {
        FileKind::Ignored => true,
        FileKind::Normal => false,
        other => panic!("{path} is {other:?}"),
    };
    paths.iter().filter(is_ignored).cloned().collect()
}

fn compare(root: &Path, folder: &Path, paths: &[String], about: &str) {
    let (git, us) = (ignored_by_git(folder, paths), ignored_by_us(root, folder, paths));
    let differ: Vec<_> = git.symmetric_difference(&us).map(|path| (path, git.contains(path))).collect();
    assert!(differ.is_empty(), "{about}: {differ:?} (true: only Git ignores it)");
}

fn write(path: &Path, text: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn every_path() -> Vec<String> {
    let join = |folder: &str, name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let all = FOLDERS.iter().flat_map(|folder| NAMES.iter().map(move |name| join(folder, name)));
    all.filter(|path| !FOLDERS.contains(&path.as_str())).collect()
}

fn pattern() -> impl Strategy<Value = String> {
    let pieces = [
        "*",
        "**",
        "**/",
        "/**",
        "/",
        "a",
        "b",
        "x",
        ".rs",
        "y.log",
        "?",
        "[ab]",
        "[!a]",
        "[^b]",
        "[a-c]",
        "[[:alpha:]]",
        "[",
        "]",
        "\\",
        "!",
        "#",
        " ",
        "\\ ",
        "\t",
        "{a,b}",
        "{",
        "A",
        ".h",
        "c d",
        "é",
        "[x]",
        "\\[x\\]",
        ".",
        "$",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 1..5).prop_map(|pieces| pieces.concat())
}

fn patterns() -> impl Strategy<Value = String> {
    let line = (any::<bool>(), pattern(), any::<bool>()).prop_map(|(not, pattern, only_folders)| {
        format!("{}{pattern}{}", if not { "!" } else { "" }, if only_folders { "/" } else { "" })
    });
    let plain = prop::sample::select(vec![
        "*",
        "a",
        "b/",
        "!a",
        "/a",
        "*.rs",
        "!*.rs",
        "a/b",
        "# a",
        "",
        "!/a/b/",
        "c d",
        "a**/*",
        "a/b**/**",
        "x**/y.log",
        "a\r",
        "\u{feff}a",
    ]);
    prop::collection::vec(prop_oneof![line, plain.prop_map(str::to_owned)], 0..6).prop_map(|lines| lines.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_git_ignores_is_ignored(
        files in prop::collection::vec((prop::sample::select(FOLDERS.to_vec()), patterns()), 1..4),
        exclude in patterns(),
        excludes_file in patterns(),
        ignores_case in any::<bool>(),
        opened in prop::sample::select(FOLDERS.to_vec()),
    ) {
        let place = tempfile::tempdir().unwrap();
        let top = place.path().canonicalize().unwrap().join("top");
        fs::create_dir(&top).unwrap();
        git(&top, &["init", "-q", "--template="]);
        git(&top, &["config", "core.ignoreCase", if ignores_case { "true" } else { "false" }]);
        write(&place.path().join("excludes file"), &excludes_file);
        git(&top, &["config", "core.excludesFile", place.path().join("excludes file").to_str().unwrap()]);
        write(&top.join(".git/info/exclude"), &exclude);
        for folder in FOLDERS {
            fs::create_dir_all(top.join(folder)).unwrap();
        }
        for (folder, text) in &files {
            write(&top.join(folder).join(".gitignore"), text);
        }
        compare(&top.join(opened), &top, &every_path(), &format!("{files:?} {exclude:?} {excludes_file:?} {ignores_case}"));
    }
}

#[test]
fn a_letter_behind_a_backslash_is_what_git_takes_it_for() {
    for ignores_case in ["true", "false"] {
        for list in
            ["\\A", "\\a", "*\\A", "x\\A", "[ab]\\A", "[!\\A]\\A", "\\[x\\]", "\\\\A", "A\n!\\A", "a/\\A/", "**/\\A"]
        {
            let place = tempfile::tempdir().unwrap();
            let top = place.path().canonicalize().unwrap();
            git(&top, &["init", "-q", "--template="]);
            git(&top, &["config", "core.ignoreCase", ignores_case]);
            write(&top.join(".gitignore"), list);
            let paths = ["a", "A", "xA", "xa", "bA", "b/A", "a/a/x", "a/A/x", "[x]"].map(String::from);
            compare(&top, &top, &paths, &format!("{list:?} {ignores_case}"));
        }
    }
}

#[test]
fn worktrees_submodules_and_repositories_in_repositories_have_their_own_lists() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path().canonicalize().unwrap();
    for name in ["library", "top"] {
        write(&place.join(name).join(".gitignore"), "built\n");
        git(&place.join(name), &["init", "-q"]);
        git(&place.join(name), &["add", "."]);
        git(&place.join(name), &["commit", "-qm", "x"]);
    }
    let top = place.join("top");
    git(&top, &["submodule", "--quiet", "add", place.join("library").to_str().unwrap(), "sub/library"]);
    git(&top, &["worktree", "add", "-q", place.join("tree").to_str().unwrap()]);
    git(&top, &["config", "extensions.worktreeConfig", "true"]);
    write(&place.join("of-tree"), "by-worktree\n");
    git(&place.join("tree"), &["config", "--worktree", "core.excludesFile", place.join("of-tree").to_str().unwrap()]);
    write(&top.join(".git/info/exclude"), "excluded\n");
    write(&top.join(".git/modules/sub/library/info/exclude"), "in-module\n");
    write(&top.join("inner/.git"), "gitdir: nowhere\n");
    fs::remove_file(top.join("inner/.git")).unwrap();
    git(&top, &["init", "-q", "inner"]);
    write(&top.join("inner/.git/info/exclude"), "in-inner\n");
    let paths: Vec<String> =
        ["built", "excluded", "in-module", "in-inner", "by-worktree", "x/built", "x/excluded", "normal"]
            .map(String::from)
            .into();
    for (folder, ignored) in [
        ("top", &["built", "excluded"][..]),
        ("tree", &["built", "excluded", "by-worktree"]),
        ("top/sub/library", &["built", "in-module"]),
        ("top/inner", &["in-inner"]),
    ] {
        let folder = place.join(folder);
        // Whichever folder is opened: that one, one below, one above, or none that holds the file.
        for root in [folder.clone(), folder.join("x"), place.clone(), place.join("elsewhere")] {
            compare(&root, &folder, &paths, &format!("{} in {}", folder.display(), root.display()));
        }
        let found = ignored_by_us(&folder, &folder, &paths);
        for name in ignored {
            assert!(found.contains(*name), "{name} in {}", folder.display());
        }
    }
}

#[test]
fn what_a_repository_around_another_ignores_counts_in_its_workspace() {
    let place = tempfile::tempdir().unwrap();
    let top = place.path().canonicalize().unwrap();
    git(&top, &["init", "-q"]);
    write(&top.join(".gitignore"), "vendor/\n");
    fs::create_dir_all(top.join("vendor/library")).unwrap();
    git(&top.join("vendor/library"), &["init", "-q"]);
    let path = ["a.rs".to_owned()];
    let library = top.join("vendor/library");
    assert!(!ignored_by_us(&top, &library, &path).is_empty(), "the workspace is the outer one");
    assert!(ignored_by_us(&library, &library, &path).is_empty(), "the workspace is the inner one");
}

#[test]
fn files_with_rules_that_cannot_be_known_close_what_lies_below_them_and_nothing_waits() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path().canonicalize().unwrap();
    let pipe = |path: &Path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let large = |path: &Path| write(path, "a-name-that-is-ignored\n".repeat(180_000));
    let many = |path: &Path| write(path, "a\n".repeat(20_001));
    let zero = |path: &Path| symlink("/dev/zero", path).unwrap();
    let folder = |path: &Path| fs::create_dir(path).unwrap();
    let file = |path: &Path| write(path, "ignored.rs\n");
    type Make<'a> = &'a dyn Fn(&Path);
    let makes: [(&str, Make<'_>, FileKind); 6] = [
        ("a pipe", &pipe, FileKind::Unread),
        ("4 MB", &large, FileKind::Unread),
        ("many lines", &many, FileKind::Unread),
        ("a device", &zero, FileKind::Unread),
        ("a folder", &folder, FileKind::Normal),
        ("a file", &file, FileKind::Normal),
    ];
    for name in [".gitignore", ".ignore", ".git/info/exclude"] {
        for (number, (about, make, expected)) in makes.iter().enumerate() {
            let root = place.join(format!("{number}{}", name.replace('/', "-")));
            fs::create_dir_all(root.join("sub")).unwrap();
            git(&root, &["init", "-q", "--template="]);
            fs::create_dir(root.join(".git/info")).unwrap();
            make(&root.join(name));
            let begun = Instant::now();
            let (configuration, _) = Configuration::new(1, Settings::default(), std::slice::from_ref(&root));
            for path in ["a.rs", "sub/a.rs"] {
                let scope = configuration.read(&root.join(path));
                assert_eq!(scope.kind(), *expected, "{name} is {about}: {path}");
                assert_eq!(scope.unknown.is_some(), *expected == FileKind::Unread);
                let is_open = *expected == FileKind::Normal;
                for wanted in [Use::Learn, Use::Warm, Use::Quote] {
                    assert_eq!(scope.allows(wanted, "rust"), is_open, "{name} is {about}: {wanted:?}");
                }
            }
            assert!(begun.elapsed() < HANG, "{name} is {about}");
        }
    }
}

#[test]
fn conditions_of_the_users_own_configuration_of_git_hold() {
    let place = tempfile::tempdir().unwrap();
    let home = place.path().canonicalize().unwrap();
    let repository = home.join("code/a");
    write(&repository.join("x.rs"), "fn main() {}\n");
    git(&repository, &["init", "-q", "-b", "main"]);
    git(&repository, &["remote", "add", "origin", "https://example.com/a.git"]);
    write(&home.join("list"), "x.rs\n");
    write(&home.join("included"), format!("[core]\nexcludesFile = {}\n", home.join("list").display()));
    for (condition, is_ignored) in [
        ("gitdir:~/code/".to_owned(), true),
        (format!("gitdir:{}", repository.join(".git").display()), true),
        ("gitdir:a/".to_owned(), true),
        ("gitdir/i:~/CODE/".to_owned(), true),
        ("gitdir:~/other/".to_owned(), false),
        ("onbranch:main".to_owned(), true),
        ("onbranch:ma*".to_owned(), true),
        ("onbranch:other".to_owned(), false),
        ("hasconfig:remote.*.url:https://example.com/**".to_owned(), true),
    ] {
        write(&home.join(".gitconfig"), format!("[includeIf \"{condition}\"]\npath = ~/included\n"));
        let run = |program: &Path, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).current_dir(&repository).env("HOME", &home);
            for name in ["XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL", "XDG_STATE_HOME"] {
                command.env_remove(name);
            }
            command.output().unwrap()
        };
        let by_git = run(Path::new("git"), &["check-ignore", "--no-index", "-q", "x.rs"]).status.success();
        let explained = run(&binary(), &["explain", "x.rs:1:1"]);
        let explained = String::from_utf8(explained.stdout).unwrap();
        assert_eq!((by_git, explained.contains("ignored")), (is_ignored, is_ignored), "{condition}: {explained}");
    }
}

#[test]
fn nothing_is_known_before_it_is_read() {
    let place = tempfile::tempdir().unwrap();
    let root: PathBuf = place.path().canonicalize().unwrap();
    let configuration = Configuration::unread(1, Settings::default(), Opened::folders(std::slice::from_ref(&root)));
    assert_eq!(configuration.read(&root.join("a.rs")).kind(), FileKind::Unread);
    let (configuration, _) = Configuration::new(1, Settings::default(), std::slice::from_ref(&root));
    assert_eq!(configuration.scope(&root.join("a.rs")).kind(), FileKind::Unread, "nobody has read it yet");
    assert_eq!(configuration.read(&root.join("a.rs")).kind(), FileKind::Normal);
    assert_eq!(configuration.scope(&root.join("a.rs")).kind(), FileKind::Normal);
}

//! What Git is asked and what it may not run, in repositories on the disk.

use std::process::Command;

use super::*;

/// Whether Git does something, also where the user has told it no name.
fn does(folder: &Path, arguments: &[&str]) -> bool {
    let identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    Command::new("git").arg("-C").arg(folder).args(identity).args(arguments).status().unwrap().success()
}

fn git(folder: &Path, arguments: &[&str]) {
    assert!(does(folder, arguments), "{arguments:?}");
}

/// What Git prints.
fn told(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
#[cfg(unix)]
fn no_program_of_the_repositorys_choice_is_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let (program, trace) = (root.join("run.sh"), root.join("trace"));
    std::fs::write(&program, format!("#!/bin/sh\necho ran >> {}\ncat\n", trace.display())).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    git(&root, &["init", "-q"]);
    std::fs::write(root.join("a.rs"), "a\n").unwrap();
    git(&root, &["add", "a.rs"]);
    git(&root, &["commit", "-q", "-m", "one"]);
    // A commit with a signature, which is checked by a program.
    let (tree, commit) = (told(&root, &["rev-parse", "HEAD^{tree}"]), root.join("commit"));
    let by = "a <a@example.com> 1700000000 +0000";
    let signed = format!(
        "tree {tree}\nauthor {by}\ncommitter {by}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n a\n -----END PGP SIGNATURE-----\n\nsigned\n"
    );
    std::fs::write(&commit, signed).unwrap();
    let id = told(&root, &["hash-object", "-t", "commit", "-w", "commit"]);
    git(&root, &["reset", "-q", "--soft", &id]);
    std::fs::write(root.join(".gitattributes"), "*.rs diff=mine filter=odd.name\n").unwrap();
    let program = program.display().to_string();
    let keys = ["core.fsmonitor", "diff.external", "diff.mine.textconv", "diff.mine.command", "gpg.program"];
    for key in keys.into_iter().chain(["filter.odd.name.clean", "filter.odd.name.smudge"]) {
        git(&root, &["config", key, &program]);
    }
    for key in ["filter.odd.name.required", "log.showSignature"] {
        git(&root, &["config", key, "true"]);
    }
    // As long as it was, so that only its text tells that it changed.
    std::fs::write(root.join("a.rs"), "b\n").unwrap();
    let repository = Repository::around(&root).unwrap();
    for range in [Range::Unstaged, Range::Since("HEAD".into()), Range::Staged] {
        let changes = repository.changes(&range, &[], &mut Vec::new()).unwrap();
        assert_eq!(changes.len(), usize::from(range != Range::Staged), "{range:?}");
    }
    assert_eq!((repository.subjects(), trace.exists()), (vec!["signed".to_owned()], false));
    git(&root, &["config", "filter.a=b.clean", &program]);
    assert!(Repository::around(&root).unwrap_err().to_string().contains("may hold no `=`"));
}

#[test]
fn a_range_is_between_its_commits_and_a_conflict_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let commit = |text: &str, subject: &str| {
        std::fs::write(root.join("a.rs"), text).unwrap();
        git(&root, &["add", "."]);
        git(&root, &["commit", "-q", "-m", subject]);
    };
    git(&root, &["init", "-q", "-b", "main"]);
    commit("one\n", "one");
    git(&root, &["tag", "-m", "first", "first"]);
    git(&root, &["switch", "-q", "-c", "side"]);
    commit("side\n", "two: side");
    git(&root, &["switch", "-q", "main"]);
    commit("main\n", "two: main");
    std::fs::write(root.join("a.rs"), "files\n").unwrap();
    let of = |revision: &str| {
        let repository = Repository::around(&root).unwrap();
        let changes = repository.changes(&Range::Since(revision.into()), &[], &mut Vec::new());
        let changes = changes.map_err(|error| error.to_string())?;
        Ok(changes.into_iter().map(|changed| (changed.before, changed.now)).collect::<Vec<_>>())
    };
    for (revision, before, now) in [
        ("first", "one\n", "files\n"),
        (":/one", "one\n", "files\n"),
        ("HEAD^{/one}", "one\n", "files\n"),
        ("first..HEAD", "one\n", "main\n"),
        ("first..", "one\n", "main\n"),
        ("side..main", "side\n", "main\n"),
        ("side...main", "one\n", "main\n"),
    ] {
        assert_eq!(of(revision), Ok(vec![(before.to_owned(), now.to_owned())]), "{revision}");
    }
    for revision in ["", "nope", "a.rs", "HEAD:a.rs", "HEAD^{tree}", "first HEAD", "nope..HEAD", "HEAD..-x", "--all"] {
        let why: String = of(revision).unwrap_err();
        assert!(why.contains("wanted: a branch, a tag or a commit"), "{revision}: {why}");
    }
    git(&root, &["checkout", "-q", "a.rs"]);
    assert!(!does(&root, &["merge", "-q", "side"]));
    let repository = Repository::around(&root).unwrap().with_open([(root.join("a.rs"), "open\n".into())]).unwrap();
    for range in [Range::Unstaged, Range::Staged, Range::Since("HEAD".into())] {
        let mut left_out = Vec::new();
        assert_eq!(repository.changes(&range, &[], &mut left_out).unwrap(), [], "{range:?}");
        assert!(left_out.len() == 1 && left_out[0].why == "it has a merge conflict", "{range:?} {left_out:?}");
    }
}

#[test]
fn a_file_that_moved_has_both_places_and_a_named_one_is_new_or_missing() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let text: String = (0..50).map(|n| format!("line {n}\n")).collect();
    std::fs::write(root.join("old.rs"), &text).unwrap();
    std::fs::write(root.join("gone.rs"), "g\n").unwrap();
    git(&root, &["init", "-q"]);
    git(&root, &["add", "."]);
    git(&root, &["commit", "-q", "-m", "one"]);
    git(&root, &["mv", "old.rs", "[new].rs"]);
    std::fs::remove_file(root.join("gone.rs")).unwrap();
    std::fs::write(root.join("unknown.rs"), "u\n").unwrap();
    let of = |range: Range, names: &[&str]| {
        let paths: Vec<PathBuf> = names.iter().map(|name| root.join(name)).collect();
        let changes = Repository::around(&root).unwrap().changes(&range, &paths, &mut Vec::new());
        let name = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
        let changes = changes.map_err(|error| error.to_string())?.into_iter();
        let all = changes.map(|changed| (name(&changed.was), name(&changed.path), changed.has_other_text()));
        Ok::<Vec<_>, String>(all.collect())
    };
    let change = |was: &str, path: &str, other: bool| (was.to_owned(), path.to_owned(), other);
    let unknown = vec![change("unknown.rs", "unknown.rs", true)];
    for (range, names, expected) in [
        (Range::Staged, &[][..], vec![change("old.rs", "[new].rs", false)]),
        (Range::Since("HEAD".into()), &["gone.rs"], vec![change("gone.rs", "gone.rs", true)]),
        (Range::Unstaged, &["unknown.rs", "unknown.rs"], unknown),
        (Range::Unstaged, &["[new].rs"], vec![]),
        (Range::Staged, &["unknown.rs"], vec![]),
    ] {
        assert_eq!(of(range, names), Ok(expected), "{names:?}");
    }
    let why = of(Range::Unstaged, &["unknwon.rs"]).unwrap_err();
    assert!(why.contains("unknwon.rs` is not there; wanted: files or folders"), "{why}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_name_that_is_no_text_leaves_out_its_file_alone() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    git(&root, &["init", "-q"]);
    std::fs::write(root.join("a.rs"), "a\n").unwrap();
    std::fs::write(root.join(std::ffi::OsStr::from_bytes(b"caf\xe9.rs")), "b\n").unwrap();
    git(&root, &["add", "."]);
    let mut left_out = Vec::new();
    let changes = Repository::around(&root).unwrap().changes(&Range::Staged, &[], &mut left_out).unwrap();
    assert_eq!((changes.len(), left_out.len()), (1, 1));
    assert_eq!(left_out[0].why, "its name is not UTF-8");
}

#[test]
fn changes_have_both_texts_whatever_happened_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().canonicalize().unwrap();
    let write = |name: &str, text: &[u8]| std::fs::write(root.join(name), text).unwrap();
    git(&root, &["init", "-q"]);
    write("a.rs", b"a\n");
    write("removed.rs", b"r\n");
    write("same.rs", b"s\n");
    git(&root, &["add", "."]);
    git(&root, &["commit", "-q", "-m", "one: a subject"]);
    write("a.rs", b"b\n");
    git(&root, &["add", "a.rs"]);
    write("a.rs", b"c\n");
    std::fs::remove_file(root.join("removed.rs")).unwrap();
    write("\u{fc} new.rs", b"n\n");
    write("binary.bin", b"\0\x01");
    git(&root, &["add", "-N", "\u{fc} new.rs", "binary.bin"]);
    let repository = Repository::around(&root).unwrap();
    let of = |range: Range, paths: &[PathBuf]| {
        let mut left_out = Vec::new();
        let changes = repository.changes(&range, paths, &mut left_out).unwrap();
        let name = |path: &Path| path.strip_prefix(&root).unwrap().display().to_string();
        let changes = changes.into_iter().map(|Changed { path, before, now, .. }| (name(&path), before, now));
        (changes.collect::<Vec<_>>(), left_out.iter().map(|refused: &Refused| name(&refused.path)).collect::<Vec<_>>())
    };
    let change = |name: &str, before: &str, now: &str| (name.to_owned(), before.to_owned(), now.to_owned());
    assert_eq!(of(Range::Staged, &[]), (vec![change("a.rs", "a\n", "b\n")], vec![]));
    let unstaged =
        vec![change("a.rs", "b\n", "c\n"), change("removed.rs", "r\n", ""), change("\u{fc} new.rs", "", "n\n")];
    // Open documents count as they are, those alone that Git knows.
    let open = [("a.rs", "d\r\n"), ("same.rs", "t\n"), ("unknown.rs", "u\n")];
    let open = open.map(|(name, text)| (root.join(name), text.to_owned()));
    let opened = Repository::around(&root).unwrap().with_open(open).unwrap();
    let changes = opened.changes(&Range::Unstaged, &[], &mut Vec::new()).unwrap();
    let now: Vec<&str> = changes.iter().map(|change| change.now.as_str()).collect();
    assert_eq!(now, ["d\r\n", "", "t\n", "n\n"]);
    let staged = opened.changes(&Range::Staged, &[], &mut Vec::new()).unwrap();
    assert_eq!(staged.iter().map(|change| change.now.as_str()).collect::<Vec<_>>(), ["b\n"]);
    assert_eq!(of(Range::Unstaged, &[]), (unstaged, vec!["binary.bin".to_owned()]));
    assert_eq!(of(Range::Since("HEAD".into()), &["a.rs".into()]).0, [change("a.rs", "a\n", "c\n")]);
    assert!(repository.changes(&Range::Since("--output=x".into()), &[], &mut Vec::new()).is_err());
    assert!(repository.changes(&Range::Since("nothing".into()), &[], &mut Vec::new()).is_err());
    assert_eq!(repository.subjects(), ["one: a subject"]);
    assert!(Repository::around(&root.join("none")).is_err());
}

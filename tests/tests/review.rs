//! Reviews by the real binary, against a fake provider and a real repository: which files and lines are asked about, what becomes of odd answers, and
//! what a program that runs it can tell from what is printed and from the exit code. It leaves the other tasks to `demand`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use pennyworth_tests::asking::Asking;
use pennyworth_tests::fake_provider::{Answer, Fault};
use pennyworth_tests::until::until;
use serde_json::{Value, json};

const SOURCE: &str = "pub fn add(a: u8, b: u8) -> u8 {\n    a + b\n}\n";
const NOTHING: &str = "{\"findings\": []}";

/// A repository with one file, which has changed, and a configuration of one chat model.
async fn repository(head: &str) -> Asking {
    let scene = Asking::new(head, &[("cheap", "cheap")]).await;
    scene.write("project/a.rs", SOURCE);
    scene.commit("one").await;
    scene.write("project/a.rs", &SOURCE.replace("a + b", "a - b"));
    scene
}

/// Runs a review that prints JSON.
async fn review(scene: &Asking, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let (code, out, notes) = scene.run(&[&["review", "--yes", "--json"], arguments].concat()).await;
    (code, serde_json::from_str(&out).unwrap_or_default(), notes)
}

/// A finding as a model states it.
fn found(line: &str, severity: &str) -> String {
    format!(r#"{{"file":"a.rs","line":{line},"severity":"{severity}","title":"It may underflow","why":"b."}}"#)
}

#[tokio::test]
async fn no_finding_is_lost_by_how_it_is_written() {
    let scene = repository("").await;
    for (line, severity) in [("2", "critical"), ("\"2\"", "High"), ("2.0", "BLOCKER")] {
        scene.says(&[&format!("[{}]", found(line, severity))]);
        let (code, out, notes) = review(&scene, &["--fail-on", "high"]).await;
        assert_eq!((code, &out["findings"][0]["severity"]), (Some(1), &json!("high")), "{severity} {notes}");
    }
    // What counts for nothing is told, and an answer of nothing else is asked for once more.
    scene.says(&[&format!("[{},{}]", found("2", "low"), found("99", "high"))]);
    let (code, out, _) = review(&scene, &[]).await;
    assert_eq!(
        (code, &out["dropped"], &out["whole"]),
        (Some(0), &json!(["a.rs:99 is no line of the change"]), &json!(true))
    );
    let asked = scene.asked().len();
    scene.says(&[&format!("[{}]", found("99", "high")), &format!("[{}]", found("2", "high"))]);
    let (code, out, notes) = review(&scene, &["--fail-on", "high"]).await;
    assert_eq!(
        (code, out["findings"].as_array().map(Vec::len), scene.asked().len()),
        (Some(1), Some(1), asked + 2),
        "{notes}"
    );
    scene.says(&[&format!("[{}]", found("99", "high")), &format!("[{}]", found("99", "high"))]);
    let (code, out, notes) = review(&scene, &[]).await;
    assert_eq!((code, &out["whole"]), (Some(2), &json!(false)), "{notes}");
    assert!(notes.contains("no finding can be used: a.rs:99 is no line of the change"), "{notes}");
}

#[tokio::test]
async fn a_range_is_reviewed_by_its_lines_and_not_by_whole_files() {
    let scene = repository("").await;
    let long: String = (0..80).map(|n| format!("fn f{n}() {{\n    {n}\n}}\n")).collect();
    scene.write("project/a.rs", &long);
    scene.git(&["commit", "-q", "-a", "-m", "two"]).await;
    scene.write("project/a.rs", &long.replace("    40\n", "    41\n"));
    scene.git(&["commit", "-q", "-a", "-m", "three"]).await;
    scene.fake.always(Answer::new(&[NOTHING]));
    for range in ["HEAD~1..HEAD", "HEAD~1...HEAD", "HEAD~1..", ":/two"] {
        let (code, _, notes) = review(&scene, &["--since", range]).await;
        let prompt = scene.asked().pop().unwrap();
        let is_new = |line: &&str| line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with("+ ");
        assert_eq!((code, prompt.lines().filter(is_new).count()), (Some(0), 1), "{range} {notes} {prompt}");
    }
    let (code, _, notes) = review(&scene, &["--since", "nope..HEAD"]).await;
    assert!(code == Some(2) && notes.contains("wanted: a branch, a tag or a commit"), "{notes}");
}

#[tokio::test]
async fn a_file_that_may_go_nowhere_keeps_only_itself_out() {
    let scene = repository("").await;
    for (name, rule) in [("local", "local_only = true\n"), ("off", "[tasks.review]\nenabled = \"off\"\n")] {
        scene.write(&format!("project/{name}/.pennyworth.toml"), rule);
        scene.write(&format!("project/{name}/x.rs"), &format!("fn {name}_alone() {{}}\n"));
    }
    scene.git(&["add", "a.rs", "local/x.rs", "off/x.rs"]).await;
    scene.fake.always(Answer::new(&[NOTHING]));
    let (code, out, notes) = review(&scene, &["--staged"]).await;
    assert_eq!((code, &out["whole"], scene.asked().len()), (Some(2), &json!(false), 1), "{notes}");
    assert!(scene.asked()[0].contains("a - b") && !scene.asked()[0].contains("_alone"), "{:?}", scene.asked());
    for left_out in ["left out: local/x.rs: no model may be asked", "left out: off/x.rs: no model may be asked"] {
        assert!(notes.contains(left_out), "{notes}");
    }
    // A finding of the rest counts.
    scene.says(&[&format!("[{}]", found("2", "high"))]);
    assert_eq!(review(&scene, &["--staged", "--fail-on", "high"]).await.0, Some(1));
    // A message is of the files that may go into its one request.
    scene.says(&["sums: they are differences"]);
    let (code, out, notes) = scene.run(&["commit"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "sums: they are differences\n"), "{notes}");
    let prompt = scene.asked().pop().unwrap();
    assert!(prompt.contains("a - b") && !prompt.contains("local_alone"), "{prompt}");
    assert!(notes.contains("local/x.rs: with it no model may be asked"), "{notes}");
    // The order of places is of no account.
    for places in [["local", "a.rs"], ["a.rs", "local"]] {
        let before = scene.asked().len();
        scene.says(&["```rust\n/// Adds.\npub fn add(a: u8, b: u8) -> u8 {\n    a - b\n}\n```"]);
        let (code, out, notes) = scene.run(&["document", "--yes", places[0], places[1]]).await;
        assert_eq!((code, scene.asked().len()), (Some(2), before + 1), "{notes}");
        assert!(out.contains("+/// Adds.") && notes.contains("left out: local/x.rs: no model may be asked"), "{notes}");
    }
    scene.write("project/a.rs", SOURCE);
    scene.git(&["add", "a.rs"]).await;
    let (code, _, notes) = review(&scene, &["--staged"]).await;
    assert!(code == Some(2) && notes.contains("error: no model may be asked"), "{notes}");
}

#[tokio::test]
async fn a_large_new_file_is_asked_about_in_pieces_that_fit() {
    let scene = repository("").await;
    let body = |n: usize| format!("fn f{n}() {{\n    let unique{n} = \"{}\";\n}}\n\n", "word ".repeat(8));
    let long: String = (0..500).map(body).collect();
    scene.write("project/big.rs", &long);
    scene.git(&["add", "."]).await;
    scene.fake.always(Answer::new(&[NOTHING]));
    let (code, out, _) = scene.run(&["review", "--staged", "--plan", "--json"]).await;
    let plan: Value = serde_json::from_str(&out).unwrap();
    let requests = plan["requests"].as_array().unwrap();
    assert!(code == Some(0) && requests.len() > 1, "{}", requests.len());
    for request in requests {
        let parts = request["parts"].as_array().unwrap().iter();
        let tokens: u64 = parts.map(|part| part["tokens"].as_u64().unwrap()).sum();
        assert!(tokens <= request["input"].as_u64().unwrap(), "{tokens}");
    }
    let (code, out, notes) = review(&scene, &["--staged"]).await;
    assert_eq!((code, &out["whole"]), (Some(0), &json!(true)), "{notes}");
    let prompts = scene.asked().concat();
    assert!((0..500).all(|n| prompts.contains(&format!("+     let unique{n} = "))));
    scene.says(&["sums: many more"]);
    let (_, _, notes) = scene.run(&["commit", "--yes"]).await;
    let prompt = scene.asked().pop().unwrap();
    assert!(
        prompt.contains("let unique9 =") && prompt.contains("\n…\n") && prompt.contains("a - b"),
        "{notes} {prompt}"
    );
}

/// A change of many files, each of which takes a request of its own.
async fn large() -> Asking {
    let scene = repository("cap_usd_per_day = 100\ncap_usd_per_month = 100\ntasks.review.input = 700").await;
    for name in 0..12 {
        let line = format!("let unique{name} = \"word word word word\";");
        scene.write(
            &format!("project/{name}.rs"),
            &format!("fn f{name}() {{\n{}}}\n", format!("    {line}\n").repeat(24)),
        );
    }
    scene.git(&["add", "."]).await;
    scene
}

#[tokio::test]
async fn a_large_review_tells_the_share_that_the_providers_cache_paid_for() {
    let scene = large().await;
    // Nothing is in the cache at first, and then what all requests begin with.
    scene.fake.answer(Answer::new(&[NOTHING]));
    scene.fake.always(Answer { cached: 30, ..Answer::new(&[NOTHING]) });
    let (code, out, notes) = review(&scene, &["--staged"]).await;
    assert_eq!((code, &out["whole"]), (Some(0), &json!(true)), "{notes}");
    let (bill, prompts) = (scene.fake.bill(), scene.prompts());
    assert!(bill.calls >= 10, "{bill:?}");
    assert!(prompts.iter().all(|(_, system, _)| *system == prompts[0].1), "all requests begin alike");
    let share = 100 * bill.cached / bill.input;
    assert_eq!(bill.cached, 30 * (bill.calls - 1));
    assert!(share > 0 && notes.contains(&format!(", {share} % of the input from the provider's cache")), "{notes}");
    // The ledger has it, too.
    let ledger = rusqlite::Connection::open(pennyworth_tests::paid::ledger(scene.home())).unwrap();
    let query = "SELECT sum(input), sum(cached) FROM calls";
    let told: (i64, i64) = ledger.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    assert_eq!(told, (bill.input as i64, bill.cached as i64));
}

#[tokio::test]
async fn a_progress_bar_is_drawn_on_a_terminal_alone() {
    let scene = large().await;
    scene.fake.always(Answer::new(&[NOTHING]));
    for arguments in [&["review", "--staged", "--yes"][..], &["document", ".", "--yes"]] {
        let (_, out, notes) = scene.run(arguments).await;
        let drawn = ['\r', '\x1b', '█', '░', '⠁'];
        assert!(!out.contains(drawn) && !notes.contains(drawn), "{arguments:?}: {out:?} {notes:?}");
    }
    // With `script`, where it is the one of util-linux, standard error is a terminal.
    let is_there = std::process::Command::new("script").arg("--version").output();
    if !is_there.is_ok_and(|told| String::from_utf8_lossy(&told.stdout).contains("util-linux")) {
        return;
    }
    // An answer that is held back: the bar is there while it is waited for.
    let asked = scene.asked().len();
    scene.fake.answer(Answer::new(&[NOTHING]).with(Fault::HeldAfter(0)));
    let program = scene.command(&["review", "--staged", "--yes"]);
    let words = std::iter::once(program.as_std().get_program()).chain(program.as_std().get_args());
    let line: Vec<String> = words.map(|word| format!("'{}'", word.to_str().unwrap())).collect();
    let mut script = tokio::process::Command::new("script");
    script.args(["-q", "-e", "-c", &line.join(" "), "/dev/null"]).current_dir(scene.root()).env_clear();
    script.env("HOME", scene.home()).env("PATH", std::env::var_os("PATH").unwrap()).env("TERM", "xterm-256color");
    script.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).kill_on_drop(true);
    let mut child = script.spawn().unwrap();
    let (mut out, mut seen) = (child.stdout.take().unwrap(), Vec::new());
    while !String::from_utf8_lossy(&seen).contains("0/") {
        let read = tokio::io::AsyncReadExt::read_buf(&mut out, &mut seen).await.unwrap();
        assert!(read > 0, "there is no bar");
    }
    scene.fake.release();
    tokio::io::AsyncReadExt::read_to_end(&mut out, &mut seen).await.unwrap();
    assert!(child.wait().await.unwrap().success());
    assert!(scene.asked().len() >= asked + 10);
}

#[tokio::test]
async fn what_is_empty_is_printed_in_the_form_that_is_wanted() {
    let scene = repository("").await;
    scene.write("project/a.rs", SOURCE);
    let (code, out, notes) = scene.run(&["review", "--format", "sarif"]).await;
    let sarif: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &sarif["runs"][0]["results"]), (Some(0), &json!([])), "{notes}");
    for arguments in [&["review", "--format", "json"][..], &["review", "--json"]] {
        let (code, out, _) = scene.run(arguments).await;
        let json: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((code, &json["findings"], &json["whole"]), (Some(0), &json!([]), &json!(true)));
    }
    let (code, out, notes) = scene.run(&["review"]).await;
    assert_eq!((code, out.as_str(), notes.trim()), (Some(0), "", "nothing has changed"));
}

#[tokio::test]
async fn a_named_file_is_new_or_missing_and_an_error_is_no_finding() {
    let scene = repository("").await;
    scene.write("project/new.rs", "fn new() {}\n");
    scene.fake.always(Answer::new(&[NOTHING]));
    let (code, _, notes) = review(&scene, &["new.rs"]).await;
    assert_eq!((code, scene.asked()[0].contains("1+ fn new() {}")), (Some(0), true), "{notes}");
    for wrong in [&["nwe.rs"][..], &["--since", "nope"]] {
        let (code, out, notes) = review(&scene, &[wrong, &["--fail-on", "high"]].concat()).await;
        assert_eq!((code, out), (Some(2), Value::Null), "{notes}");
        assert!(notes.contains("wanted: "), "{notes}");
    }
    assert!(scene.run(&["review", "--help"]).await.1.contains("2 "), "the help tells exit codes");
}

#[tokio::test]
async fn what_moved_is_reviewed_by_what_changed_and_what_was_removed_by_its_outline() {
    let scene = repository("").await;
    let long: String = (0..90).map(|n| format!("fn f{n}() {{\n    let unique{n} = 1;\n}}\n")).collect();
    scene.write("project/a.rs", &long);
    scene.write("project/gone.rs", &long.replace("unique", "gone"));
    scene.git(&["add", "."]).await;
    scene.git(&["commit", "-q", "-m", "two"]).await;
    scene.git(&["mv", "a.rs", "b.rs"]).await;
    let (code, out, notes) = scene.run(&["review", "--staged"]).await;
    assert_eq!((code, out.as_str(), notes.trim()), (Some(0), "", "nothing has changed"));
    scene.says(&["sums: they have another name"]);
    let (code, _, notes) = scene.run(&["commit"]).await;
    let prompt = scene.asked().pop().unwrap();
    assert!(code == Some(0) && prompt.contains("a.rs -> b.rs") && !prompt.contains("unique"), "{notes} {prompt}");
    scene.write("project/b.rs", &long.replace("unique40 = 1", "unique40 = 2"));
    scene.git(&["rm", "-q", "gone.rs"]).await;
    scene.git(&["add", "."]).await;
    scene.fake.always(Answer::new(&[NOTHING]));
    let (code, _, notes) = review(&scene, &["--staged"]).await;
    let prompt = scene.asked().pop().unwrap();
    assert!(code == Some(0) && prompt.contains("unique40 = 2") && !prompt.contains("unique50"), "{notes} {prompt}");
    assert!(
        prompt.contains("(removed: all 270 lines") && prompt.contains("fn f3()") && !prompt.contains("gone3"),
        "{prompt}"
    );
}

#[tokio::test]
async fn what_could_not_be_reviewed_is_named_and_fails_a_gate() {
    let scene = repository("").await;
    let write = |name: &str, bytes: &[u8]| std::fs::write(scene.path(&format!("project/{name}")), bytes).unwrap();
    write("latin.py", b"x = \"caf\xe9\"\n");
    write("image.bin", b"\0\x01");
    write("large.sql", &b"INSERT INTO t VALUES (1);\n".repeat(200_000));
    scene.write("project/a.rs", SOURCE);
    for name in ["latin.py", "image.bin", "large.sql"] {
        scene.git(&["add", name]).await;
        let (code, out, notes) = scene.run(&["review", "--staged", "--fail-on", "low"]).await;
        assert_eq!((code, out.as_str()), (Some(2), ""), "{notes}");
        assert!(notes.contains(name) && !notes.contains("nothing has changed"), "{notes}");
        let (code, out, _) = review(&scene, &["--staged"]).await;
        let left_out = json!([{"file": name, "why": "it is no text, or very large", "by_rule": false}]);
        assert_eq!((code, &out["whole"], &out["left_out"]), (Some(2), &json!(false), &left_out));
        let (code, out, _) = scene.run(&["review", "--staged", "--format", "sarif"]).await;
        let sarif: Value = serde_json::from_str(&out).unwrap();
        let said = &sarif["runs"][0]["invocations"][0];
        assert_eq!((code, &said["executionSuccessful"]), (Some(2), &json!(false)));
        let notification = &said["toolExecutionNotifications"][0];
        assert_eq!(notification["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], name);
        assert_eq!(notification["level"], "error");
        scene.git(&["reset", "-q", name]).await;
    }
    // The rest is reviewed, and a finding there counts.
    scene.write("project/a.rs", &SOURCE.replace("a + b", "a - b"));
    scene.git(&["add", "a.rs", "latin.py"]).await;
    scene.says(&[NOTHING, &format!("[{}]", found("2", "high"))]);
    let (code, out, notes) = review(&scene, &["--staged"]).await;
    assert_eq!((code, &out["whole"]), (Some(2), &json!(false)), "{notes}");
    assert_eq!(review(&scene, &["--staged", "--fail-on", "high"]).await.0, Some(1));
    // So is a request that is not made.
    let (code, out, _) = review(&scene, &["--staged", "--spend", "0"]).await;
    let left_out = out["left_out"].as_array().unwrap();
    assert_eq!((code, left_out.len(), &left_out[1]["file"]), (Some(2), 2, &json!("a.rs")));
    assert_eq!(left_out[1]["why"], "`--spend` is reached");
}

#[tokio::test]
async fn a_merge_conflict_fails_a_gate() {
    let scene = repository("").await;
    let commit = async |text: &str| {
        scene.write("project/a.rs", text);
        scene.git(&["commit", "-q", "-a", "-m", "two"]).await;
    };
    scene.git(&["checkout", "-q", "-b", "side"]).await;
    commit(&SOURCE.replace("a + b", "a - b")).await;
    scene.git(&["checkout", "-q", "-b", "other", "HEAD~1"]).await;
    commit(&SOURCE.replace("a + b", "a * b")).await;
    scene.git(&["config", "merge.conflictStyle", "merge"]).await;
    assert!(!scene.does_git(&["merge", "-q", "side"]).await);
    let (code, out, notes) = review(&scene, &["--fail-on", "low"]).await;
    assert_eq!((code, &out["whole"]), (Some(2), &json!(false)), "{notes}");
    assert_eq!(out["left_out"][0]["why"], "it has a merge conflict");
}

#[tokio::test]
async fn what_the_users_rules_leave_out_is_named_and_fails_no_gate() {
    let scene = repository("").await;
    scene.write("project/a.rs", SOURCE);
    scene.write("project/.env", "A=1\n");
    scene.write("project/made.rs", "// @generated\nfn made() {}\n");
    scene.write("project/.ignore", "*.bin\n");
    std::fs::write(scene.path("project/image.bin"), b"\0\x01").unwrap();
    scene.git(&["add", "-f", ".env", "made.rs", "image.bin"]).await;
    let (code, out, notes) = review(&scene, &["--staged", "--fail-on", "low"]).await;
    let left_out = out["left_out"].as_array().unwrap();
    let mut files: Vec<&str> = left_out.iter().filter_map(|left_out| left_out["file"].as_str()).collect();
    files.sort_unstable();
    assert_eq!((code, &out["whole"], files), (Some(0), &json!(true), vec![".env", "image.bin", "made.rs"]), "{notes}");
    assert!(left_out.iter().all(|left_out| left_out["by_rule"] == true), "{left_out:?}");
    assert!(notes.contains("nothing of the change was reviewed"), "{notes}");
    let (code, out, _) = scene.run(&["review", "--staged", "--format", "sarif"]).await;
    let sarif: Value = serde_json::from_str(&out).unwrap();
    let said = &sarif["runs"][0]["invocations"][0];
    assert_eq!((code, &said["executionSuccessful"]), (Some(0), &json!(true)));
    assert_eq!(said["toolExecutionNotifications"][0]["level"], "note");
    assert_eq!(scene.asked().len(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn what_was_reviewed_before_an_interruption_is_printed_and_the_call_under_way_is_settled() {
    // A key that a program prints has signals of its own.
    for (signal, key) in [("-INT", ""), ("-TERM", ""), ("-INT", "\napi_key_cmd = 'echo key'")] {
        let scene = repository("").await;
        let config = scene.read("config.toml").replace("tier = 'cheap'", &format!("tier = 'cheap'{key}"));
        scene.write("config.toml", &config);
        let long: String =
            (0..1500).map(|n| format!("fn f{n}() {{\n    let unique{n} = \"{}\";\n}}\n", "word ".repeat(8))).collect();
        scene.write("project/big.rs", &long);
        scene.git(&["add", "."]).await;
        let first = r#"[{"file":"a.rs","line":2,"severity":"low","title":"It may underflow","why":"b."}]"#;
        scene.says(&[first]);
        scene.fake.always(Answer::new(&[NOTHING]).with(Fault::HangAfterHead));
        let child = scene.command(&["review", "--staged", "--yes", "--json"]).spawn().unwrap();
        until(|| scene.asked().len() >= 2).await;
        let id = child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([signal, &id]).status().unwrap().success());
        let output = child.wait_with_output().await.unwrap();
        let (out, notes) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        let told: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((output.status.code(), &told["whole"]), (Some(130), &json!(false)), "{signal} {notes}");
        assert_eq!(told["findings"][0]["title"], "It may underflow");
        assert_eq!(told["left_out"][0], json!({"file": "big.rs", "why": "you ended it early", "by_rule": false}));
        let ledger = rusqlite::Connection::open(pennyworth_tests::paid::ledger(scene.home())).unwrap();
        let query = "SELECT count(*) FILTER (WHERE status = 'open'), count(*) FROM calls";
        let calls: (i64, i64) = ledger.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        assert_eq!(calls, (0, 2), "{signal} {notes}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_name_with_a_backslash_is_a_name() {
    let scene = repository("").await;
    scene.write("project/a.rs", SOURCE);
    scene.write("project/back\\slash.rs", "fn new() {}\n");
    scene.git(&["add", "."]).await;
    scene.says(&[r#"[{"file":"back\\slash.rs","line":1,"severity":"low","title":"It is empty","why":"b."}]"#]);
    let (code, out, notes) = review(&scene, &["--staged"]).await;
    assert_eq!((code, &out["findings"][0]["file"]), (Some(0), &json!("back\\slash.rs")), "{notes}");
    assert!(scene.asked()[0].contains("back\\slash.rs") && !scene.asked()[0].contains("back/slash.rs"));
}

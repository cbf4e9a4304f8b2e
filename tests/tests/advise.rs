//! `pennyworth advise` by the real binary, over a ledger that was made for it: what it prints, and what `--apply` leaves in `config.toml`. It leaves the
//! kinds of advice to their own tests.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use pennyworth::ledger::Ledger;
use pennyworth_tests::paid;
use pennyworth_tests::project::Project;
use rusqlite::Connection;
use serde_json::Value;

const CONFIG: &str = "# Mine.\ndiscover = false # nothing is looked for\n[embedded]\nenabled = false\n\n[model.m]\nprotocol = 'openai'\nbase_url = 'http://127.0.0.1:1/v1'\nmodel = 'm'\nformat = 'chat'\ntier = 'cheap'\ncontext = 32000\nprice = { input = 1, output = 2, as_of = '2099-01-01' }\n# The end.\n";

/// A home whose ledger has a month in which nobody takes a suggestion for comments.
fn scene() -> Project {
    let project = Project::new();
    project.write("config.toml", CONFIG);
    let path = paid::ledger(project.home());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    drop(Ledger::open(Some(&path)));
    let ledger = Connection::open(&path).unwrap();
    ledger
        .execute_batch(
            "WITH RECURSIVE n (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 599)
             INSERT INTO calls (id, day, at_ms, counts_ms, over_ms, provider, model, task, language, status, max_tokens, prompt_tokens, plain_tokens,
                 worst, charge, price_input, price_cached, price_write, price_output, price_as_of, input, output, finish)
             SELECT (unixepoch() * 1000 << 22) + n, '', (unixepoch() - (n % 25) * 86400) * 1000, (unixepoch() - (n % 25) * 86400) * 1000, 0, 'p', 'm', 'comment', 'rust',
                 'done', 32, 500, 500, 0, 600000000 + n * 100000, 1, 1, 1, 1, '', 500, 20, 'stop' FROM n;
             INSERT INTO suggestions (id, at_ms, call, source, model, task, language, chars, tokens, truncated, outcome)
             SELECT id, at_ms, id, 'model', 'm', 'comment', 'rust', 40, 10, 0, 'dismissed' FROM calls;",
        )
        .unwrap();
    project
}

#[tokio::test]
async fn advice_is_printed_and_written_where_it_belongs() {
    let project = scene();
    let (code, out, notes) = project.run(&["advise"]).await;
    assert_eq!(code, Some(0), "{notes}");
    assert!(out.starts_with("1. Of 600 suggestions for `comment`, which cost $0.38, you took 0 % (0 to 1): "), "{out}");
    assert!(out.contains("\n       tasks.comment.enabled = \"local\"\n"), "{out}");
    assert_eq!(project.read("config.toml"), CONFIG, "nothing is written unasked for");
    let (_, out, _) = project.run(&["advise", "--json"]).await;
    let told: Value = serde_json::from_str(&out).unwrap();
    let saving = told["advice"][0]["saving_usd_per_month"].clone();
    let usd = |key: &str| saving[key].as_f64().unwrap();
    assert!(usd("low") < usd("expected") && usd("expected") < usd("high"), "{out}");
    let (code, _, notes) = project.run(&["advise", "--apply"]).await;
    assert!(code == Some(0) && notes.contains("written: "), "{notes}");
    assert_eq!(project.read("config.toml"), format!("{CONFIG}\n[tasks.comment]\nenabled = \"local\"\n"));
    let (_, out, notes) = project.run(&["advise", "--apply"]).await;
    assert_eq!(out, "nothing to change, by 600 calls of the last 25 days\n");
    assert!(notes.contains("nothing to write"), "{notes}");
}

#[tokio::test]
async fn without_a_ledger_there_is_nothing_to_say_and_a_faulty_file_stays_as_it_is() {
    let project = Project::new();
    project.write("config.toml", CONFIG);
    let (code, out, _) = project.run(&["advise"]).await;
    assert_eq!((code, out.as_str()), (Some(0), "nothing to change, by 0 calls of the last 1 day\n"));
    let project = scene();
    let faulty = format!("{CONFIG}[\n");
    project.write("config.toml", &faulty);
    let (_, _, notes) = project.run(&["advise", "--apply"]).await;
    assert!(notes.contains("config.toml"), "{notes}");
    assert_eq!(project.read("config.toml"), faulty);
}

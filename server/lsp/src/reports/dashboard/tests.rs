//! The page over values: its parts, its policy, and what hostile names become.

use std::path::Path;

use pennyworth_core::task::Task;
use serde_json::Value;

use super::*;
use crate::ledger::{Outcome, OutcomeKind, Source, Suggested};

fn settings() -> Settings {
    Settings::gather(Some(Path::new("/nowhere/config.toml")), &[]).0
}

/// The figures in a page.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("id=\"data\">").unwrap();
    let (data, _) = rest.split_once("</script>").unwrap();
    assert!(!data.contains('<'), "{data}");
    serde_json::from_str(data).unwrap()
}

#[test]
fn an_empty_ledger_makes_a_page_without_figures() {
    let page = page(None, &settings(), (None, None)).unwrap();
    let data = data(&page);
    assert_eq!(data["names"]["model"], Value::Array(Vec::new()));
    assert_eq!((&data["again_ms"], &data["outlook"]["spent"]), (&Value::Null, &Value::Null));
    assert_eq!(page.matches("<script").count(), 2, "the figures and one script");
}

#[test]
fn a_providers_books_and_the_last_trial_are_there_if_somebody_asked() {
    let against = Against::new("litellm.example:4000", &[], &[]);
    let without = data(&page(None, &settings(), (None, None)).unwrap());
    assert_eq!((&without["against"], &without["trial"]), (&Value::Null, &Value::Null));
    let with = data(&page(None, &settings(), (None, Some(&against))).unwrap());
    assert_eq!(with["against"]["provider"], "litellm.example:4000");
}

#[test]
fn scripts_and_styles_are_whole_in_the_page() {
    let page = page(None, &settings(), (Some(Duration::from_secs(5)), None)).unwrap();
    assert!(page.contains(&format!("<style>{STYLE}</style>")) && page.contains(&format!("<script>{SCRIPT}</script>")));
    assert!(!SCRIPT.contains("</script") && !SCRIPT.contains("<!--") && !STYLE.contains("</style"));
    assert!(page.contains(&format!("content=\"{}\"", POLICY.trim_end())));
    assert_eq!(data(&page)["again_ms"], 5000);
    for of_others in ["src=", "href=\"http", "@import", "url("] {
        assert!(!page.replace(SCRIPT, "").contains(of_others), "{of_others}");
    }
}

#[test]
fn names_are_text_and_figures_are_those_of_the_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = Ledger::open(Some(&folder.path().join("ledger.sqlite")));
    let hostile = "</script><script>alert(1)</script>";
    for kind in [OutcomeKind::Accepted, OutcomeKind::Dismissed] {
        let id = ledger.suggested(Suggested {
            source: Source::Cache,
            model: hostile.into(),
            call: None,
            task: Task::Line,
            language: "<b>".into(),
            chars: 9,
            tokens: 3,
            truncated: false,
            probability: Some(0.55),
        });
        ledger.settled(Outcome { id, kind, chars: 9 });
    }
    ledger.replied(Some(Task::Line), "rust", "mid_word");
    let page = page(Some(&ledger), &settings(), (None, None)).unwrap();
    assert!(!page.contains(hostile) && page.contains("\\u003c/script>"));
    let data = data(&page);
    assert_eq!((&data["names"]["model"][0], &data["names"]["language"][0]), (&hostile.into(), &"<b>".into()));
    let cells = &data["cells"];
    for (column, expected) in [("shown", 2), ("accepted", 1), ("chars", 9), ("fromCache", 2), ("calls", 0)] {
        assert_eq!(cells[column], Value::from(vec![expected]), "{column}");
    }
    let sureness = &data["sureness"];
    assert_eq!(
        (&sureness["said"][0], &sureness["right"][0], &sureness["tenth"][0]),
        (&1100.into(), &1.into(), &5.into())
    );
    assert_eq!(data["replies"]["requests"], Value::from(vec![1]));
    assert_eq!(data["reasons"]["mid_word"][1], "the cursor was in the middle of a word");
}

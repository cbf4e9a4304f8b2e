//! What requests got: counted in memory, written in batches, and kept where files change.

use super::*;
use crate::ledger::replies::{self, Counted};

fn counts(ledger: &Ledger) -> Vec<(String, String, u64)> {
    let all = ledger.replies("").unwrap();
    assert!(all.iter().all(|replies| replies.day.len() == 10), "{all:?}");
    all.into_iter().map(|replies| (replies.task, replies.reply, replies.count)).collect()
}

fn row(task: &str, reply: &str, count: u64) -> (String, String, u64) {
    (task.into(), reply.into(), count)
}

#[test]
fn what_requests_got_is_added_up_by_day_over_all_servers() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let path = folder.path().join("ledger.sqlite");
    let (one, other) = (hands.open(Some(&path)).0, hands.open(Some(&path)).0);
    for _ in 0..3 {
        one.replied(Some(Task::Line), "rust", "mid_word");
        other.replied(Some(Task::Line), "rust", "mid_word");
    }
    other.replied(None, "rust", "cache");
    assert!(one.flush());
    assert_eq!(counts(&other), [row("line", "mid_word", 6), row("", "cache", 1)]);
    hands.forward(24 * 3600);
    one.replied(None, "rust", "cache");
    assert_eq!(counts(&one), [row("line", "mid_word", 6), row("", "cache", 1), row("", "cache", 1)]);
    let last = one.replies("2023-11-15").unwrap();
    assert!(last.len() == 1 && last[0].count == 1, "{last:?}");
}

#[test]
fn counts_in_memory_are_added_to_the_file_once_it_can_be_used() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let path = folder.path().join("state/ledger.sqlite");
    std::fs::write(folder.path().join("state"), "in the way").unwrap();
    let (ledger, notice) = hands.open(Some(&path));
    assert!(notice.is_some());
    ledger.replied(Some(Task::Line), "rust", "cap");
    assert_eq!(counts(&ledger), [row("line", "cap", 1)]);
    std::fs::remove_file(folder.path().join("state")).unwrap();
    hands.forward(6);
    ledger.replied(Some(Task::Line), "rust", "cap");
    assert_eq!(counts(&ledger), [row("line", "cap", 2)]);
    assert_eq!(counts(&hands.open(Some(&path)).0), [row("line", "cap", 2)]);
}

#[test]
fn counts_that_cannot_be_right_and_old_ones_are_left_out() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let path = folder.path().join("ledger.sqlite");
    drop(hands.open(Some(&path)));
    let file = Connection::open(&path).unwrap();
    let counted: Counted = [((Some(Task::Line), "rust", "cap"), 7)].into();
    let at = 1_700_000_000_000;
    replies::write(&file, &counted, at).unwrap();
    replies::write(&file, &counted, at - 500 * 24 * 3_600_000).unwrap();
    file.execute("INSERT INTO replies VALUES ('2023-11-14', 'line', 'rust', 'off', -1)", []).unwrap();
    file.execute("INSERT INTO replies VALUES ('2023-11-14', 'line', 'rust', 'key', 9223372036854775807)", []).unwrap();
    assert_eq!(replies::read(&file, "").unwrap().len(), 2);
    assert_eq!(counts(&hands.open(Some(&path)).0), [row("line", "cap", 7)]);
}

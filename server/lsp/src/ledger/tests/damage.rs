//! A file that is damaged, replaced or gone while servers use it.

use super::*;

#[test]
fn a_damaged_file_is_moved_aside_and_a_new_one_begun() {
    let foreign = |path: &Path| Connection::open(path).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
    let garbage =
        |path: &Path| std::fs::write(path, "this is not a database, but it is long enough for one".repeat(40)).unwrap();
    let truncated = |path: &Path| {
        let (ledger, _) = Hands::new().open(Some(path));
        reserve(&ledger, call(), 500).unwrap().settle(None);
        assert!(ledger.flush());
        drop(ledger);
        let size = std::fs::metadata(path).unwrap().len();
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        file.set_len(size.min(700)).unwrap();
        let _ = std::fs::remove_file(path.with_extension("sqlite-wal"));
    };
    // Whether all of what was spent can be read.
    for (damage, is_known) in [(foreign as fn(&Path), false), (garbage, false), (truncated, false)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        damage(&path);
        let (ledger, notice) = Hands::new().open(Some(&path));
        let notice = notice.expect("a notice");
        assert!(notice.contains("is damaged") && notice.contains("ledger.sqlite.damaged-1700000000"), "{notice}");
        assert!(folder.path().join("ledger.sqlite.damaged-1700000000").exists(), "nothing is deleted");
        let hands = Hands::new();
        let (again, notice) = hands.open(Some(&path));
        assert!(!notice.unwrap_or_default().contains("was moved"), "that is said once");
        for ledger in [&ledger, &again] {
            let refused = reserve(ledger, call(), 500).err().map(|refused| refused.to_string()).unwrap_or_default();
            assert_eq!(refused.contains("the cost of the last 24 hours is unknown"), !is_known, "{refused}");
            assert_eq!(wait(ledger.spent()).is_some(), is_known);
            reserve(ledger, Entry { worst_cost: Money::ZERO, ..call() }, 500).unwrap().unsent();
        }
        hands.forward(25 * 3600);
        reserve(&again, call(), 500).unwrap().settle(None);
        assert_eq!(again.trouble(), None);
    }
}

#[test]
fn a_file_that_vanishes_is_begun_again_with_what_every_server_knows() {
    let vanish: fn(&Path) = |path| std::fs::remove_file(path).unwrap();
    let with_folder: fn(&Path) = |path| std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    for lose in [vanish, with_folder] {
        let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
        let path = folder.path().join("state/ledger.sqlite");
        let ledgers = [hands.open(Some(&path)).0, hands.open(Some(&path)).0, hands.open(Some(&path)).0];
        // Each knows less than the next one: the last knows all 450.
        let held: Vec<_> = ledgers.iter().map(|ledger| reserve(ledger, call(), 5000).unwrap()).collect();
        lose(&path);
        for ledger in &ledgers {
            let sum = spent(ledger);
            assert!(sum <= 600, "{sum}: nothing is carried twice");
        }
        assert_eq!(spent(&ledgers[0]), 600);
        assert!(matches!(reserve(&ledgers[1], call(), 799), Err(Refused::Cap(_))));
        held.into_iter().for_each(|held| held.settle(None));
        assert!(ledgers.iter().all(Ledger::flush));
        assert_eq!(spent(&ledgers[0]), 450, "the calls under way have their own cost");
    }
}

#[test]
fn a_file_that_is_damaged_while_servers_use_it_is_replaced_once_and_loses_nothing_that_can_be_read() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let path = folder.path().join("ledger.sqlite");
    let ledgers = [hands.open(Some(&path)).0, hands.open(Some(&path)).0, hands.open(Some(&path)).0];
    for _ in 0..50 {
        reserve(&ledgers[0], call(), 1_000_000).unwrap().settle(None);
    }
    let held = reserve(&ledgers[2], call(), 1_000_000).unwrap();
    (0..3).for_each(|hole| ledgers[0].tried(trials::tried(1, hole, "m", true)));
    assert!(ledgers.iter().all(Ledger::flush));
    break_index(&path);
    let spent_then: Vec<_> = ledgers.iter().map(|ledger| wait(ledger.spent())).collect();
    assert!(spent_then.iter().all(|spent| spent.map(|spent| micro(spent.day)) == Some(7500)), "{spent_then:?}");
    held.settle(None);
    let news: Vec<_> = ledgers.iter().flat_map(Ledger::take_news).collect();
    assert!(matches!(&news[..], [one] if one.ends_with("a new one was started with all its rows")), "{news:?}");
    assert!(ledgers.iter().all(Ledger::flush));
    assert!(ledgers.iter().all(|ledger| spent(ledger) == 7650));
    assert_eq!(ledgers[1].report(UNIX_EPOCH).unwrap().total.calls, 51);
    assert_eq!(ledgers[1].trial(None).unwrap().map(|trial| trial.candidates["m"].len()), Some(3));
}

#[test]
fn servers_whose_file_is_spoiled_have_one_sum_or_spend_nothing() {
    let emptied: fn(&Path) = |path| {
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(0).unwrap();
    };
    let without_journal: fn(&Path) = |path| {
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(0).unwrap();
        let _ = std::fs::remove_file(file::with(path, "-wal"));
    };
    let overwritten: fn(&Path) = |path| std::fs::write(path, "not a ledger".repeat(9000)).unwrap();
    let beheaded: fn(&Path) = |path| {
        std::fs::write(path, "no").unwrap();
        let _ = std::fs::remove_file(file::with(path, "-shm"));
    };
    for (number, spoil) in [emptied, without_journal, overwritten, beheaded].into_iter().enumerate() {
        let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
        let path = folder.path().join("ledger.sqlite");
        let ledgers = [hands.open(Some(&path)).0, hands.open(Some(&path)).0, hands.open(Some(&path)).0];
        let mut paid = 0;
        let mut pay = |ledger: &Ledger| {
            if let Ok(reserved) = reserve(ledger, call(), 1100) {
                paid += 150;
                reserved.settle(None);
                assert!(ledger.flush());
            }
        };
        ledgers.iter().for_each(&mut pay);
        spoil(&path);
        for _ in 0..5 {
            ledgers.iter().for_each(&mut pay);
            pay(&hands.open(Some(&path)).0);
            hands.forward(5);
        }
        assert!(paid <= 1100, "{number}: {paid}");
        let known: Vec<_> = ledgers.iter().map(|ledger| wait(ledger.spent()).map(|spent| spent.day)).collect();
        assert!(known.windows(2).all(|two| two[0] == two[1]), "{number}: {known:?}");
    }
}

/// Overwrites the pages of the table of hours, from which the sums are read, in the file and nowhere else.
fn break_index(path: &Path) {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let connection = Connection::open(path).unwrap();
    let page: i64 =
        connection.query_one("SELECT rootpage FROM sqlite_schema WHERE name = 'hours'", [], |row| row.get(0)).unwrap();
    let size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(connection);
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(((page - 1) * size) as u64)).unwrap();
    file.write_all(&vec![0xA5; size as usize]).unwrap();
    // Another server wrote: so everybody reads again.
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("UPDATE files SET is_own = 1").unwrap();
}

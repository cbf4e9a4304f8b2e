//! A disk that does not take or give the file, or does not answer.

use super::*;

#[test]
fn without_a_lasting_file_nothing_that_costs_money_is_reserved_and_free_calls_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let newer = folder.path().join("newer.sqlite");
    Connection::open(&newer).unwrap().execute_batch("PRAGMA user_version = 99; CREATE TABLE future (a);").unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below_a_file = file.join("ledger.sqlite");
    let mut cases = vec![
        (None, "no place for it is known"),
        (Some(below_a_file), "cannot be kept"),
        (Some(folder.path().to_owned()), "is not a file"),
        (Some(newer.clone()), "a newer program wrote it: its version is 99, and this program knows "),
    ];
    #[cfg(unix)]
    {
        let (round, lock) = (folder.path().join("round"), folder.path().join("locked.sqlite.lock"));
        std::os::unix::fs::symlink(&round, &round).unwrap();
        std::fs::create_dir(lock).unwrap();
        let link = folder.path().join("link.sqlite");
        std::os::unix::fs::symlink(folder.path().join("elsewhere.sqlite"), &link).unwrap();
        cases.push((Some(round), "a link does not count as one"));
        cases.push((Some(link), "link.sqlite is not a file, and a link does not count as one"));
        cases.push((Some(folder.path().join("locked.sqlite")), "locked.sqlite.lock is not a file"));
    }
    for (path, expected) in cases {
        let (ledger, notice) = Hands::new().open_at(path.as_deref());
        let notice = notice.expect("a notice");
        assert!(notice.contains(expected) && notice.contains("no model that costs money is asked"), "{notice}");
        assert_eq!(ledger.trouble().map(|trouble| trouble.to_string()), Some(notice.clone()));
        assert_eq!(reserve(&ledger, call(), 300).unwrap_err().to_string(), notice);
        assert_eq!(wait(ledger.spent()), None);
        reserve(&ledger, Entry { worst_cost: Money::ZERO, ..call() }, 0).unwrap().settle(None);
        assert_eq!(ledger.report(UNIX_EPOCH).unwrap().total.calls, 1);
        assert_eq!(ledger.take_news(), Vec::<String>::new(), "said once");
    }
    let version: i64 =
        Connection::open(&newer).unwrap().query_one("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(version, 99, "the file is unchanged");
}

/// How a file that is in use becomes useless, and useful again.
type Failing = (&'static str, fn(&Path) -> Box<dyn FnOnce()>);

#[test]
fn a_file_that_fails_while_in_use_stops_what_costs_money_until_it_works_again() {
    let moved: Failing = ("moved, and a folder in its place", |path| {
        let (path, aside) = (path.to_owned(), path.with_extension("aside"));
        rename(&path, &aside);
        std::fs::create_dir(&path).unwrap();
        Box::new(move || {
            std::fs::remove_dir(&path).unwrap();
            rename(&aside, &path);
        })
    });
    let locked: Failing = ("locked by another program", |path| {
        let holder = Connection::open(path).unwrap();
        holder.execute_batch("BEGIN IMMEDIATE").unwrap();
        Box::new(move || drop(holder))
    });
    let newer: Failing = ("emptied, and written by a newer program", |path| {
        let (path, kept) = (path.to_owned(), path.with_extension("kept"));
        rename(&path, &kept);
        Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99; CREATE TABLE future (a);").unwrap();
        Box::new(move || rename(&kept, &path))
    });
    for (name, fail) in [moved, locked, newer] {
        let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
        let path = folder.path().join("ledger.sqlite");
        let (ledger, _) = hands.open(Some(&path));
        let (before, held) = (reserve(&ledger, call(), 500).unwrap(), reserve(&ledger, call(), 500).unwrap());
        before.settle(None);
        assert!(ledger.flush());
        let mend = fail(&path);
        let refused = reserve(&ledger, call(), 5000).unwrap_err();
        assert!(matches!(refused, Refused::Unbooked(_)), "{name}: {refused}");
        let free = Entry { worst_cost: Money::ZERO, price: free(), ..call() };
        let (settled, open) = (reserve(&ledger, free.clone(), 0).unwrap(), reserve(&ledger, free, 0).unwrap());
        settled.settle(None);
        // It was sent, and its bill is known while nothing can be written.
        held.settle(None);
        assert!(ledger.flush());
        assert_eq!(ledger.take_news().len(), 1, "{name}: said once");
        mend();
        assert!(matches!(reserve(&ledger, call(), 5000), Err(Refused::Unbooked(_))), "{name}: not looked at yet");
        hands.forward(5);
        let after = reserve(&ledger, call(), 500).unwrap();
        assert_eq!((ledger.trouble(), ledger.take_news()), (None, vec![]), "{name}");
        after.settle(None);
        open.settle(None);
        assert!(ledger.flush());
        assert_eq!(spent(&ledger), 450, "{name}: three calls at their estimate");
        let total = ledger.report(UNIX_EPOCH).unwrap().total;
        assert_eq!((total.calls, micro(total.cost)), (5, 450), "{name}: no call is missing");
    }
}

fn free() -> Price {
    let nothing = Money::ZERO;
    Price { input: nothing, cached: nothing, write: nothing, output: nothing, ..call().price }
}

#[test]
fn a_disk_that_refuses_a_write_stops_what_costs_money_until_it_takes_one() {
    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    let held = reserve(&ledger, call(), 5000).unwrap();
    ledger.send(|store| store.make_read_only());
    assert!(matches!(reserve(&ledger, call(), 5000), Err(Refused::Unbooked(_))));
    hands.forward(5);
    reserve(&ledger, call(), 5000).unwrap().settle(None);
    held.settle(None);
    assert!(ledger.flush());
    assert_eq!(spent(&ledger), 300);
}

#[test]
fn a_panic_of_the_thread_is_told_once_and_the_next_call_has_its_row() {
    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    let held = reserve(&ledger, call(), 5000).unwrap();
    for _ in 0..3 {
        ledger.send(|_| panic!("a test"));
        reserve(&ledger, call(), 5000).unwrap().settle(None);
    }
    held.settle(None);
    assert!(ledger.flush());
    assert_eq!(spent(&ledger), 600);
    let news = ledger.take_news();
    assert!(matches!(&news[..], [one] if one.contains("was started again")), "{news:?}");
}

#[test]
fn a_ledger_that_stands_in_spends_nothing_until_the_one_that_lasts_is_open() {
    let slot = Slot::default();
    slot.stand_in(Ledger::without(Some(Path::new("/x/ledger.sqlite")), "cannot be opened"));
    let ledger = wait(slot.opened()).clone();
    assert!(matches!(reserve(&ledger, call(), 5000), Err(Refused::Unbooked(_))));
    assert_eq!((wait(ledger.spent()), ledger.report(UNIX_EPOCH).unwrap().total.calls), (None, 0));
    assert!(ledger.trouble().unwrap().what().starts_with("the ledger /x/ledger.sqlite cannot be opened"));
    reserve(&ledger, Entry { worst_cost: Money::ZERO, ..call() }, 0).unwrap().unsent();
    let hands = Hands::new();
    slot.fill(hands.open(None).0);
    assert!(reserve(wait(slot.opened()), call(), 5000).is_ok());
}

/// The disk of the open file stops answering: nothing costs money, nobody waits for ever, and free calls have their rows once it answers.
#[tokio::test]
async fn a_disk_that_stops_answering_holds_up_no_free_call() {
    let hands = Hands::new();
    let (patient, _) = hands.open(None);
    let ledger = patient.impatient(Duration::from_millis(1));
    let (go_on, held) = mpsc::channel::<()>();
    ledger.send(move |_| {
        let _ = held.recv();
    });
    let free = Entry { worst_cost: Money::ZERO, price: free(), ..call() };
    ledger.reserve(free.clone(), None).await.unwrap().settle(None);
    assert!(ledger.trouble().unwrap().why.contains("does not answer"));
    assert!(matches!(ledger.reserve(call(), None).await, Err(Refused::Unbooked(_))));
    assert_eq!(ledger.spent().await, None);
    drop(go_on);
    assert!(ledger.flush());
    assert_eq!((ledger.trouble(), ledger.report(UNIX_EPOCH).unwrap().total.calls), (None, 1));
    patient.reserve(call(), None).await.unwrap().unsent();
}

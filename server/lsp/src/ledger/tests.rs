//! The ledger with a test clock: which rows are written, what counts against the caps, and what happens with a damaged or missing file.

use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::time::{Duration, UNIX_EPOCH};

use pennyworth_core::caps::{Broken, Caps, Period};
use pennyworth_core::models::{AbortBilled, Model, Price, Protocol};
use pennyworth_core::money::Money;
use pennyworth_core::route::Standing;
use pennyworth_core::task::Task;
use pennyworth_providers::{Chunk, FinishReason, Usage};
use proptest::prelude::*;
use rusqlite::Connection;

use super::*;

/// A microdollar, in picodollars.
const MICRO: i64 = 1_000_000;

/// A clock that stands still until it is moved, and a folder for ledgers that no other test opens.
#[derive(Clone)]
struct Hands {
    wall: Arc<AtomicU64>,
    elapsed: Arc<AtomicU64>,
    /// Starts of the machine so far; `None` if the system does not tell them apart.
    boot: Option<u32>,
    folder: Arc<tempfile::TempDir>,
}

impl Hands {
    fn new() -> Hands {
        let hand = |at| Arc::new(AtomicU64::new(at));
        let folder = Arc::new(tempfile::tempdir().unwrap());
        Hands { wall: hand(1_700_000_000), elapsed: hand(7), boot: None, folder }
    }

    /// Lets time pass.
    fn forward(&self, seconds: u64) {
        self.wall.fetch_add(seconds, Ordering::Relaxed);
        self.elapsed.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Sets the time of day.
    fn jump(&self, seconds: i64) {
        self.wall.fetch_add(seconds.cast_unsigned(), Ordering::Relaxed);
    }

    /// Opens a ledger of its own if no path is given.
    fn open(&self, path: Option<&Path>) -> (Ledger, Option<String>) {
        let own = self.folder.path().join("own.sqlite");
        self.open_at(Some(path.unwrap_or(&own)))
    }

    fn open_at(&self, path: Option<&Path>) -> (Ledger, Option<String>) {
        let hand = |hand: &Arc<AtomicU64>| {
            let hand = Arc::clone(hand);
            move || Duration::from_secs(hand.load(Ordering::Relaxed))
        };
        let (wall, elapsed) = (hand(&self.wall), hand(&self.elapsed));
        let clock = Clock::new(move || UNIX_EPOCH + wall(), elapsed);
        Ledger::open_with(path, self.boot.iter().fold(clock, |clock, boot| clock.in_boot(&boot.to_string())))
    }
}

/// A call of 100 tokens in and at most 50 out, at one microdollar per token. It reserves 200 microdollars.
fn call() -> Entry {
    let token = Money::from_pico(MICRO);
    Entry {
        provider: "example.com".into(),
        model: "m".into(),
        task: Some(Task::Line),
        language: "rust".into(),
        prompt_tokens: 100,
        max_tokens: 50,
        chars_per_token: 4.39,
        worst_cost: token.times(200),
        price: Price {
            input: token,
            cached: Money::ZERO,
            write: token,
            write_long: None,
            output: token,
            batch: None,
            as_of: "2026-01-01".into(),
            off_peak: None,
        },
        abort_billed: AbortBilled::Unknown,
        deadline: Duration::from_millis(500),
    }
}

fn micro(money: Money) -> i64 {
    money.pico() / MICRO
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn reserve(ledger: &Ledger, call: Entry, cap: i64) -> Result<Reservation, Refused> {
    wait(ledger.reserve(call, Some(Caps { day: Money::from_pico(cap * MICRO), month: Money::MAX })))
}

fn spent(ledger: &Ledger) -> i64 {
    let spent = wait(ledger.spent()).expect("the ledger counts");
    micro(spent.day + spent.reserved)
}

fn usage(input: u64, output: u64) -> Chunk {
    Chunk::Usage(Usage { input, output, ..Usage::default() })
}

fn text(text: &str) -> Chunk {
    Chunk::Text { text: text.into(), logprob: None }
}

#[test]
fn every_ending_leaves_a_row_with_its_cost() {
    type End = fn(Reservation);
    let fails: End = |call| call.fail(&error(Kind::CutOff));
    let refuses: End = |call| call.fail(&error(Kind::RateLimited));
    let (settle, reject, drops): (End, End, End) = (|call| call.settle(None), |call| call.settle(Some("echo")), drop);
    let (stop, length) = (Chunk::Finish(FinishReason::Stop), Chunk::Finish(FinishReason::Length));
    let estimate = Chunk::Usage(Usage { input: 100, output: 2, estimated: true, ..Usage::default() });
    let counted = Chunk::Usage(Usage { input: 70, output: 1, estimated: true, ..Usage::default() });
    let heard = [text("let x"), text(" = 1;")];
    let with = |more: &[&Chunk]| heard.iter().chain(more.iter().copied()).cloned().collect::<Vec<_>>();
    use pennyworth_providers::Kind;
    for (name, chunks, end, billed, expected) in [
        ("whole", with(&[&usage(90, 5), &stop]), settle, AbortBilled::Yes, "done 95 estimated 0 stop -"),
        ("ceiling", with(&[&usage(90, 50), &length]), settle, AbortBilled::Yes, "done 140 estimated 0 length -"),
        ("rejected", with(&[&usage(90, 5), &stop]), reject, AbortBilled::Yes, "done 95 estimated 0 stop echo"),
        ("no bill", with(&[&estimate, &stop]), settle, AbortBilled::Yes, "done 102 estimated 1 stop -"),
        ("cut, all is billed", with(&[]), settle, AbortBilled::Unknown, "cut 150 estimated 1 - -"),
        ("cut, heard is billed", with(&[]), settle, AbortBilled::No, "cut 108 estimated 1 - -"),
        ("cut, input is counted", with(&[&counted]), settle, AbortBilled::No, "cut 78 estimated 1 - -"),
        ("aborted", with(&[]), drops, AbortBilled::Yes, "aborted 150 estimated 1 - -"),
        ("aborted early", vec![], drops, AbortBilled::No, "aborted 101 estimated 1 - -"),
        ("broken", with(&[&estimate]), fails, AbortBilled::Yes, "failed 150 estimated 1 - CutOff"),
        ("broken, heard is billed", with(&[&estimate]), fails, AbortBilled::No, "failed 108 estimated 1 - CutOff"),
        ("outrun", with(&[&estimate]), Reservation::outrun, AbortBilled::No, "outrun 108 estimated 1 - -"),
        ("refused", vec![], refuses, AbortBilled::Yes, "failed 0 estimated 0 - RateLimited 429"),
        ("not sent", vec![], |call| call.unsent(), AbortBilled::Yes, "unsent 0 estimated 0 - -"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/ledger.sqlite");
        let (ledger, notice) = Hands::new().open(Some(&path));
        assert_eq!(notice, None);
        let mut reservation = reserve(&ledger, Entry { abort_billed: billed, ..call() }, 200).unwrap();
        assert_eq!(spent(&ledger), 200, "{name}: the worst cost is reserved");
        chunks.iter().for_each(|chunk| reservation.heard(chunk));
        end(reservation);
        assert!(ledger.flush());
        assert_eq!(row(&path), expected, "{name}");
    }
}

fn error(kind: pennyworth_providers::Kind) -> pennyworth_providers::ProviderError {
    let status = (kind == pennyworth_providers::Kind::RateLimited).then_some(429);
    let next = pennyworth_providers::Next::NextModel;
    pennyworth_providers::ProviderError { next, status, ..pennyworth_providers::ProviderError::new(kind) }
}

/// The only call of a file.
fn row(path: &Path) -> String {
    let query = "SELECT format('%s %d estimated %d %s %s', status, charge / 1000000, estimated, ifnull(finish, '-'), ifnull(reason, '-')) FROM calls";
    Connection::open(path).unwrap().query_one(query, [], |row| row.get(0)).unwrap()
}

#[test]
fn the_cap_holds_over_all_who_share_the_file_and_free_calls_pass() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let hands = Hands::new();
    let (one, _) = hands.open(Some(&path));
    let (two, _) = hands.open(Some(&path));
    let first = reserve(&one, call(), 500).unwrap();
    let second = reserve(&two, call(), 500).unwrap();
    for ledger in [&one, &two] {
        let cap = Money::from_pico(500 * MICRO);
        let refused = reserve(ledger, call(), 500).unwrap_err();
        let (spent, reserved) = (Money::ZERO, Money::from_pico(400 * MICRO));
        assert_eq!(refused, Refused::Cap(Broken { period: Period::Day, cap, spent, reserved }));
        let said = "the day's cap of $0.0005 does not cover it: $0.00 spent, $0.00040 reserved for calls under way";
        assert_eq!(refused.to_string(), said);
    }
    let free = Entry { worst_cost: Money::ZERO, ..call() };
    reserve(&one, free, 0).unwrap().unsent();
    second.unsent();
    assert!(two.flush());
    let third = reserve(&one, call(), 500).unwrap();
    drop((first, third));
    assert!(one.flush());
    assert_eq!(spent(&two), 300, "two aborted calls at their estimate");
    assert!(wait(one.reserve(Entry { worst_cost: Money::from_usd(1e6), ..call() }, None)).is_ok(), "there is no cap");
    assert!(one.flush());
    hands.forward(24 * 3600 - 1);
    assert_eq!(spent(&two), 450, "no day has passed");
    hands.forward(3600);
    assert_eq!(spent(&two), 0, "a day and its last hour");
}

#[test]
fn the_months_cap_holds_over_its_days() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let hands = Hands::new();
    let (ledger, _) = hands.open(Some(&path));
    let reserve = || {
        let caps = Caps { day: Money::MAX, month: Money::from_pico(500 * MICRO) };
        wait(ledger.reserve(call(), Some(caps)))
    };
    let sums = || {
        let spent = wait(ledger.spent()).unwrap();
        (micro(spent.month), micro(spent.day), micro(spent.reserved))
    };
    let day = 24 * 3600;
    // The clock begins on the 14th.
    reserve().unwrap().settle(None);
    hands.forward(2 * day);
    reserve().unwrap().settle(None);
    assert!(ledger.flush());
    assert_eq!(sums(), (300, 150, 0));
    std::mem::forget(reserve().unwrap());
    let refused = reserve().unwrap_err();
    let said = "the month's cap of $0.0005 does not cover it: $0.00030 spent, $0.00020 reserved for calls under way";
    assert_eq!(refused.to_string(), said);
    // A file in the place of a lost one takes over both sums.
    std::fs::remove_file(&path).unwrap();
    assert!(reserve().is_err());
    assert_eq!(sums(), (500, 350, 0));
    hands.forward(20 * day);
    assert_eq!(sums(), (0, 0, 0), "another month");
    assert!(reserve().is_ok());
}

#[test]
fn a_call_whose_process_was_killed_is_found_and_written_as_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let hands = Hands::new();
    let (ledger, _) = hands.open(Some(&path));
    std::mem::forget(reserve(&ledger, call(), 500).unwrap());
    let (next, _) = hands.open(Some(&path));
    assert!(matches!(reserve(&next, call(), 399), Err(Refused::Cap(_))), "it may still be running");
    hands.forward(120);
    let other = reserve(&next, call(), 399).unwrap();
    assert_eq!(spent(&next), 350, "the lost call at its estimate, and the new one's worst cost");
    other.unsent();
    assert!(next.flush());
    let report = next.report(UNIX_EPOCH).unwrap();
    assert_eq!((report.total.calls, report.total.aborted, report.total.estimated), (1, 1, 1));
}

#[test]
fn a_lost_call_that_settles_after_all_has_its_own_cost() {
    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    let mut late = reserve(&ledger, call(), 500).unwrap();
    hands.forward(120);
    reserve(&ledger, call(), 500).unwrap().unsent();
    late.heard(&usage(10, 1));
    late.heard(&Chunk::Finish(FinishReason::Stop));
    late.settle(None);
    assert!(ledger.flush());
    assert_eq!(spent(&ledger), 11);
}

#[test]
fn a_reservation_nobody_waits_for_is_taken_back() {
    let (ledger, _) = Hands::new().open(None);
    // The writer is blocked, so that the answer cannot be there already.
    let (go_on, held_up) = mpsc::channel::<()>();
    ledger.send(move |_| {
        let _ = held_up.recv();
    });
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let _entered = runtime.enter();
        let mut asked = pin!(ledger.reserve(call(), None));
        assert!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    drop(go_on);
    assert!(ledger.flush() && ledger.flush());
    assert_eq!(spent(&ledger), 0);
    assert_eq!(ledger.report(UNIX_EPOCH).unwrap().total.calls, 0);
}

#[test]
fn the_journal_does_not_grow_with_use() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let (ledger, _) = Hands::new().open(Some(&path));
    let length = |times: usize, write: &dyn Fn()| {
        (0..times).for_each(|_| write());
        assert!(ledger.flush());
        std::fs::metadata(path.with_extension("sqlite-wal")).unwrap().len()
    };
    let calls: &dyn Fn() = &|| reserve(&ledger, call(), 1_000_000_000).unwrap().settle(None);
    let suggestions: &dyn Fn() = &|| {
        let id = ledger.suggested(suggested("m", 9, 3, false));
        ledger.settled(Outcome { id, kind: OutcomeKind::Accepted, chars: 1 });
    };
    for write in [calls, suggestions] {
        let (before, after) = (length(1500, write), length(3000, write));
        assert!(after <= before + before / 4, "{before} bytes, then {after}");
    }
}

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
        (Some(newer.clone()), "a newer program wrote it: its version is 99, and this program knows 3"),
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

/// Moves a file with its journal.
fn rename(from: &Path, to: &Path) {
    for part in ["", "-wal", "-shm"] {
        let _ = std::fs::rename(file::with(from, part), file::with(to, part));
    }
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

#[test]
fn no_jump_of_the_clock_and_no_time_zone_gives_the_money_of_a_day_twice() {
    let day = 24 * 3600;
    for jumps in [[365 * day, -365 * day], [-365 * day, 365 * day], [day, 0], [-day, day], [12 * 3600, 12 * 3600]] {
        let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
        let path = folder.path().join("ledger.sqlite");
        let mut ledgers = vec![hands.open(Some(&path)).0];
        let mut paid = 0;
        for jump in [0].into_iter().chain(jumps) {
            hands.jump(jump);
            if jump < 0 {
                // A server that begins while the time of day is behind.
                ledgers.push(hands.open(Some(&path)).0);
            }
            for _ in 0..3 {
                for ledger in &ledgers {
                    if let Ok(reserved) = reserve(ledger, call(), 650) {
                        paid += 150;
                        reserved.settle(None);
                        assert!(ledger.flush());
                    }
                }
                hands.forward(3600);
            }
        }
        assert_eq!(paid, 600, "{jumps:?}");
        hands.forward(25 * 3600);
        assert!(ledgers.iter().all(|ledger| reserve(ledger, call(), 650).is_ok()), "{jumps:?}: a day has passed");
    }
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
fn rows_of_the_first_version_count_and_are_reported() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let path = folder.path().join("ledger.sqlite");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("1.sql")).unwrap();
    let at = 1_700_000_000_000_i64;
    for (at_ms, status, charge) in [(at - 40 * 86_400_000, "done", 1), (at - 3_600_000, "done", 2), (at, "open", 4)] {
        old.execute(
            "INSERT INTO calls (day, at_ms, over_ms, provider, model, task, language, status, max_tokens, prompt_tokens, plain_tokens,
                worst, charge, price_input, price_cached, price_write, price_output, price_as_of)
             VALUES ('2023-11-14', ?1, ?1 + 60000, 'p', 'm', 'line', 'rust', ?2, 1, 1, 1, ?3, ?3, 0, 0, 0, 0, '')",
            rusqlite::params![at_ms, status, charge * MICRO],
        )
        .unwrap();
    }
    old.pragma_update(None, "user_version", 1).unwrap();
    drop(old);
    let (ledger, notice) = hands.open(Some(&path));
    assert_eq!(notice, None);
    let sums = wait(ledger.spent()).unwrap();
    assert_eq!((micro(sums.day), micro(sums.month), micro(sums.reserved)), (2, 2, 4));
    assert_eq!(ledger.report(UNIX_EPOCH).unwrap().total.calls, 3);
    assert!(reserve(&ledger, call(), 205).is_err() && reserve(&ledger, call(), 206).is_ok());
}

/// Figures that no server writes: the sums fail closed, the report goes on, and free calls do, too.
#[test]
fn figures_that_cannot_be_right_spend_nothing() {
    for (change, is_known) in [
        ("UPDATE hours SET hour = 9223372036854775807", false),
        ("UPDATE hours SET hour = -9223372036854775807 WHERE hour > 0", false),
        ("UPDATE hours SET spent = -5000000000000", false),
        ("UPDATE hours SET spent = 9223372036854775807", false),
        ("UPDATE hours SET held = 9223372036854775807", false),
        ("UPDATE hours SET held = -1", false),
        ("UPDATE calls SET charge = -9223372036854775807 WHERE id = (SELECT min(id) FROM calls)", false),
        ("INSERT INTO hours SELECT hour - 1, 9223372036854775807, 0 FROM hours", false),
        ("UPDATE calls SET output = 9223372036854775807, input = -5", true),
        ("UPDATE calls SET at_ms = -9223372036854775807, counts_ms = 9223372036854775807", true),
        ("UPDATE calls SET at_ms = 9223372036854775807", true),
        ("UPDATE calls SET plain_tokens = -1, first_ms = -1", true),
    ] {
        let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
        let path = folder.path().join("ledger.sqlite");
        let (ledger, _) = hands.open(Some(&path));
        for _ in 0..2 {
            let mut made = reserve(&ledger, call(), 5000).unwrap();
            made.heard(&usage(90, 5));
            made.settle(None);
        }
        assert!(ledger.flush());
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(change).unwrap();
        drop(connection);
        for ledger in [ledger, hands.open(Some(&path)).0] {
            assert_eq!(wait(ledger.spent()).is_some(), is_known, "{change}");
            assert_eq!(reserve(&ledger, call(), 5000).map(Reservation::unsent).is_ok(), is_known, "{change}");
            assert_eq!(ledger.trouble().is_none(), is_known, "{change}");
            reserve(&ledger, Entry { worst_cost: Money::ZERO, ..call() }, 5000).unwrap().unsent();
            let report = ledger.report(UNIX_EPOCH).unwrap();
            assert_eq!(report.spent.is_some(), is_known, "{change}");
            let most = Money::from_usd(1.0);
            assert!(report.total.cost >= Money::ZERO && report.total.cost < most, "{change}: {}", report.total.cost);
        }
    }
}

/// What was carried over for a call under way is taken back when it ends, perhaps in a later hour: there less than nothing was spent.
#[test]
fn an_hour_of_less_than_nothing_is_right_where_that_much_was_carried_back() {
    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    let path = hands.folder.path().join("own.sqlite");
    reserve(&ledger, call(), 5000).unwrap().settle(None);
    assert!(ledger.flush());
    let connection = Connection::open(&path).unwrap();
    let at: i64 = connection.query_one("SELECT counts_ms FROM calls", [], |row| row.get(0)).unwrap();
    super::sums::carry_one(&connection, 0, at + 3_600_000, Money::from_pico(-10 * MICRO)).unwrap();
    assert_eq!(spent(&ledger), 140);
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

fn suggested(model: &str, chars: u32, tokens: u32, truncated: bool) -> Suggested {
    let source = if model == "embedded" { Source::Embedded } else { Source::Model };
    Suggested {
        source,
        model: model.into(),
        call: None,
        task: Task::Line,
        language: "rust".into(),
        chars,
        tokens,
        truncated,
        probability: Some(0.5),
    }
}

#[test]
fn a_server_that_begins_after_a_jump_gives_nobody_the_money_of_a_day_twice() {
    let day = 24 * 3600;
    let mut hands = Hands { boot: Some(0), ..Hands::new() };
    let pays = |hands: &Hands| {
        let (ledger, _) = hands.open(None);
        let paid = reserve(&ledger, call(), 300).map(|call| call.settle(None)).is_ok();
        assert!(ledger.flush());
        paid
    };
    assert!(pays(&hands));
    let open = hands.open(None);
    for jump in [day + 3600, -2 * day, 400 * day, -399 * day] {
        hands.jump(jump);
        assert!(!pays(&hands), "a jump of {jump} s");
    }
    drop(open);
    hands.forward(25 * 3600);
    assert!(pays(&hands) && !pays(&hands), "a day has passed");
    // After a restart only the time of day says how long the machine was off.
    hands.boot = Some(1);
    hands.elapsed.store(3, Ordering::Relaxed);
    hands.jump(day + 3600);
    assert!(pays(&hands), "a day passed without power");
    hands.jump(day + 3600);
    assert!(!pays(&hands));
}

#[test]
fn calls_that_were_in_flight_together_are_one_miss() {
    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    let wait_ms = || ledger.standing(Task::Line, "rust", "m").wait_ms;
    for wave in 1..=3 {
        assert_eq!(wait_ms(), None, "before wave {wave}");
        hands.forward(1);
        let calls: Vec<_> = (0..4).map(|_| reserve(&ledger, call(), 1_000_000).unwrap()).collect();
        std::thread::sleep(Duration::from_millis(5));
        calls.into_iter().for_each(Reservation::outrun);
        assert!(ledger.flush());
    }
    assert!(wait_ms().is_some());
}

#[test]
fn a_model_that_says_nothing_in_time_is_taken_to_need_longer_for_a_while() {
    use pennyworth_providers::Kind;

    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    let wait_ms = |ledger: &Ledger| {
        assert!(ledger.flush());
        ledger.standing(Task::Line, "rust", "m").wait_ms
    };
    let ends = |end: fn(Reservation)| {
        end(reserve(&ledger, call(), 1_000_000).unwrap());
        assert!(ledger.flush(), "before the clock moves");
    };
    let late = || {
        hands.forward(1);
        ends(Reservation::outrun);
    };
    for kind in
        [|call: Reservation| call.fail(&error(Kind::Connect)), |call: Reservation| call.fail(&error(Kind::Server))]
    {
        (0..5).for_each(|_| ends(kind));
    }
    assert_eq!(wait_ms(&ledger), None, "other failures do not count as misses");
    for expected in [false, false, true] {
        late();
        assert_eq!(wait_ms(&ledger).is_some(), expected);
    }
    for (pause, holds) in [(59, true), (2, false)] {
        hands.forward(pause);
        assert_eq!(wait_ms(&ledger).is_some(), holds, "after {pause} s more");
    }
    late();
    for (pause, holds) in [(119, true), (2, false)] {
        hands.forward(pause);
        assert_eq!(wait_ms(&ledger).is_some(), holds, "after {pause} s more, for one more miss");
    }
    late();
    ends(|mut call| {
        call.heard(&Chunk::Text { text: "x".into(), logprob: None });
        call.settle(None);
    });
    assert_eq!(wait_ms(&ledger), None, "it answered");
    late();
    let needs_ms = ledger.standing(Task::Line, "rust", "m").needs_ms;
    assert!(needs_ms.is_some(), "the first miss says already how much is too little");
}

#[test]
fn no_suggestion_takes_the_row_of_another_however_many_come_at_once() {
    let ids: Vec<i64> = std::thread::scope(|scope| {
        let burst = || (0..20_000).map(|_| SuggestionId::new().0).collect::<Vec<_>>();
        let other = scope.spawn(burst);
        let own = burst();
        assert!(own.is_sorted(), "later ids are greater");
        [own, other.join().unwrap()].concat()
    });
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), ids.len());
}

#[test]
fn what_became_of_suggestions_teaches_acceptance_lengths_and_calibration_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let (ledger, _) = Hands::new().open(Some(&path));
    for (model, chars, tokens, truncated, outcomes) in [
        (
            "m",
            40,
            10,
            false,
            &[(OutcomeKind::Accepted, 40), (OutcomeKind::Accepted, 40), (OutcomeKind::StillThere(5), 30)][..],
        ),
        ("m", 80, 20, true, &[(OutcomeKind::Dismissed, 0), (OutcomeKind::Accepted, 80)]),
        ("m", 80, 20, true, &[(OutcomeKind::Partly, 8), (OutcomeKind::Dismissed, 0)]),
        ("m", 9, 3, false, &[(OutcomeKind::TypedThrough, 9)]),
        ("m", 9, 3, false, &[]),
        ("embedded", 9, 3, false, &[(OutcomeKind::Accepted, 9)]),
    ] {
        let id = ledger.suggested(suggested(model, chars, tokens, truncated));
        for &(kind, chars) in outcomes {
            ledger.settled(Outcome { id, kind, chars });
        }
    }
    for _ in 0..60 {
        // The planner uses the learned calibration. The uncalibrated estimate is 100, the true count 125.
        let factor = 1.0 / ledger.calibration("m").chars_per_token(1.0);
        let planned = Entry { prompt_tokens: (100.0 * factor).round() as u32, ..call() };
        let mut reservation = reserve(&ledger, planned, 1_000_000).unwrap();
        let usage = Usage { input: 125, cached: 50, output: 5, ..Usage::default() };
        reservation.heard(&Chunk::Usage(usage));
        reservation.heard(&Chunk::Finish(FinishReason::Stop));
        reservation.settle(None);
        assert!(ledger.flush());
    }
    ledger.settled(Outcome { id: SuggestionId(1), kind: OutcomeKind::Accepted, chars: 1 });
    assert!(ledger.flush());
    let (again, _) = Hands::new().open(Some(&path));
    assert!(again.flush());
    for ledger in [&ledger, &again] {
        let standing = ledger.standing(Task::Line, "rust", "m");
        assert!((standing.shown - 5.0).abs() < 0.1 && (standing.accepted - 3.0).abs() < 0.1, "{standing:?}");
        assert!((standing.cached_share - 0.4).abs() < 1e-6, "{standing:?}");
        assert!(ledger.standing(Task::Line, "rust", "embedded").accepted > 0.9);
        assert_eq!(ledger.standing(Task::Block, "rust", "other"), Standing::default());
        let feedback = ledger.feedback(Task::Line, "rust").unwrap();
        assert_eq!((feedback.accepted, feedback.tokens_p90), (3, 20));
        assert!((feedback.truncated - 1.0 / 3.0).abs() < 1e-6);
        assert_eq!(ledger.feedback(Task::Line, "go"), None);
        let learned = 4.39 / ledger.calibration("m").chars_per_token(4.39);
        assert!((learned - 1.25).abs() < 0.03, "{learned}");
        let Report { rows, total, .. } = ledger.report(UNIX_EPOCH).unwrap();
        assert_eq!(rows.iter().map(|row| row.model.as_str()).collect::<Vec<_>>(), ["m", "embedded"]);
        assert_eq!((total.calls, micro(total.cost), total.input, total.cached), (60, 60 * 80, 60 * 125, 60 * 50));
        assert_eq!((total.shown, total.accepted, total.typed_through, total.chars), (6, 4, 1, 40 + 80 + 8 + 9));
        assert_eq!((total.checked_chars, total.kept_chars), (40, 30));
        assert_eq!(rows[0].cost_per_1000_chars(), Some(Money::from_pico(60 * 80 * MICRO).scaled(1000.0 / 128.0)));
        let later = UNIX_EPOCH + Duration::from_secs(1_700_000_001);
        assert_eq!(ledger.report(later).unwrap().rows, []);
    }
}

#[test]
fn the_days_and_months_of_a_report_are_local() {
    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    // Thirty days later it is another month in every time zone.
    for days in [30, 1, 0] {
        let mut reservation = reserve(&ledger, call(), 500).unwrap();
        reservation.heard(&usage(90, 5));
        reservation.heard(&Chunk::Finish(FinishReason::Stop));
        reservation.settle(None);
        let id = ledger.suggested(suggested("m", 9, 3, false));
        ledger.settled(Outcome { id, kind: OutcomeKind::Accepted, chars: 9 });
        assert!(ledger.flush());
        // A day by the caps ends with its last hour.
        hands.forward(days * 25 * 60 * 60);
    }
    let report = ledger.report(UNIX_EPOCH).unwrap();
    let spent = wait(ledger.spent()).unwrap();
    let (month, _) = report.today.rsplit_once('-').unwrap();
    let month = format!("{month}-01");
    for (first, calls, cost) in
        [("2000-01-01", 3, 285), (&*month, 2, 190), (&report.today, 1, 95), ("3000-01-01", 0, 0)]
    {
        let total = report.since(first).total;
        assert_eq!((total.calls, micro(total.cost), total.chars), (calls, cost, calls * 9), "since {first}");
    }
    assert_eq!((micro(spent.month), micro(spent.day)), (190, 95));
}

#[test]
fn no_text_of_an_answer_reaches_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, _) = Hands::new().open(Some(&folder.path().join("ledger.sqlite")));
    let mut reservation = reserve(&ledger, call(), 500).unwrap();
    reservation.heard(&text("SECRET"));
    assert!(!format!("{reservation:?}").contains("SECRET"));
    drop(reservation);
    assert!(ledger.flush());
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(6).any(|window| window == b"SECRET"));
    }
}

#[test]
fn the_provider_of_an_address_is_its_host() {
    let models = pennyworth_core::models::Models::builtin();
    let any = models.all().next().unwrap();
    for (base_url, expected) in [
        ("https://api.example.com/v1", "api.example.com"),
        ("http://127.0.0.1:8080", "127.0.0.1:8080"),
        ("https://user:password@example.com/v1", "example.com"),
        ("example.com", "example.com"),
        ("", ""),
    ] {
        assert_eq!(provider(&Model { base_url: base_url.into(), protocol: Protocol::Openai, ..any.clone() }), expected);
    }
}

/// What a caller of the ledger may do.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Reserves this many microdollars with one of two handles.
    Reserve(usize, i64),
    /// Settles an open reservation at this percentage of its worst cost.
    Settle(usize, u64),
    /// Drops an open reservation.
    Drop(usize),
    /// Loses an open reservation, as a killed process does.
    Forget(usize),
    /// Lets this many seconds pass; the day does not end.
    Wait(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..2_usize, 0..400_i64).prop_map(|(who, worst)| Act::Reserve(who, worst)),
        2 => (any::<usize>(), 0..=100_u64).prop_map(|(which, share)| Act::Settle(which, share)),
        1 => any::<usize>().prop_map(Act::Drop),
        1 => any::<usize>().prop_map(Act::Forget),
        1 => (0..100_u64).prop_map(Act::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_spent_and_held_never_exceeds_the_cap(acts in prop::collection::vec(act(), 1..40), cap in 0..1500_i64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.sqlite");
        let hands = Hands::new();
        let ledgers = [hands.open(Some(&path)).0, hands.open(Some(&path)).0];
        let mut open = Vec::new();
        for act in acts {
            match act {
                Act::Reserve(who, worst) => {
                    let token = Money::from_pico(MICRO);
                    // The worst cost covers the estimate.
                    let (prompt_tokens, max_tokens) = (worst as u32 / 2, worst as u32 - worst as u32 / 2);
                    let asked = Entry { worst_cost: token.times(worst as u64), prompt_tokens, max_tokens, ..call() };
                    let before = spent(&ledgers[0]);
                    match reserve(&ledgers[who], asked, cap) {
                        Ok(reservation) => open.push((reservation, worst as u64)),
                        Err(_) => prop_assert!(before + worst > cap, "refused although the cap covers it"),
                    }
                }
                Act::Settle(which, share) if !open.is_empty() => {
                    let (mut reservation, worst) = open.swap_remove(which % open.len());
                    reservation.heard(&usage(worst * share / 100, 0));
                    reservation.heard(&Chunk::Finish(FinishReason::Stop));
                    reservation.settle(None);
                }
                Act::Drop(which) if !open.is_empty() => drop(open.swap_remove(which % open.len())),
                Act::Forget(which) if !open.is_empty() => std::mem::forget(open.swap_remove(which % open.len())),
                Act::Wait(seconds) => hands.forward(seconds),
                _ => {}
            }
            prop_assert!(ledgers.iter().all(Ledger::flush));
            let held: i64 = open.iter().map(|(_, worst)| *worst as i64).sum();
            let spent = [spent(&ledgers[0]), spent(&ledgers[1])];
            prop_assert_eq!(spent[0], spent[1]);
            prop_assert!(spent[0] <= cap, "{} of {}", spent[0], cap);
            // Calls open for long count as lost at their estimate, which here equals their worst cost.
            prop_assert!(spent[0] >= held, "{} held, {} counted", held, spent[0]);
        }
    }
}

#[test]
fn further_lines_teach_how_often_they_are_wanted_also_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let hands = Hands::new();
    let standing = |ledger: &Ledger| {
        assert!(ledger.flush());
        let standing = ledger.standing(Task::Line, "rust", "m");
        (standing.lines_shown.round(), standing.lines_taken.round())
    };
    let (ledger, _) = hands.open(Some(&path));
    for (source, kind) in [
        (Source::Lines, OutcomeKind::Accepted),
        (Source::Lines, OutcomeKind::TypedThrough),
        (Source::Lines, OutcomeKind::Dismissed),
        (Source::Lines, OutcomeKind::Unused),
        (Source::Model, OutcomeKind::Accepted),
        (Source::Cache, OutcomeKind::Dismissed),
    ] {
        let id = ledger.suggested(Suggested { source, ..suggested("m", 9, 3, false) });
        ledger.settled(Outcome { id, kind, chars: 9 });
    }
    assert_eq!(standing(&ledger), (3.0, 2.0));
    assert_eq!(
        ledger.feedback(Task::Line, "rust").map(|feedback| feedback.accepted),
        Some(1),
        "of whole answers alone"
    );
    drop(ledger);
    assert_eq!(standing(&hands.open(Some(&path)).0), (3.0, 2.0));
}

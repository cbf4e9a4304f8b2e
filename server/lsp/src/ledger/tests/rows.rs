//! The rows of calls, whatever their end.

use super::*;

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

/// The only call of a file.
fn row(path: &Path) -> String {
    let query = "SELECT format('%s %d estimated %d %s %s', status, charge / 1000000, estimated, ifnull(finish, '-'), ifnull(reason, '-')) FROM calls";
    Connection::open(path).unwrap().query_one(query, [], |row| row.get(0)).unwrap()
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
fn rows_of_the_first_version_count_and_are_reported() {
    let (folder, hands) = (tempfile::tempdir().unwrap(), Hands::new());
    let path = folder.path().join("ledger.sqlite");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../1.sql")).unwrap();
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

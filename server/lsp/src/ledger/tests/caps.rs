//! What counts against the caps, and that they hold over all who share the file.

use super::*;

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

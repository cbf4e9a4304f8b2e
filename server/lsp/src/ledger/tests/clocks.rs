//! Days and months while the clock jumps, and in other time zones.

use super::*;

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
fn habits_begin_with_a_local_day_as_reports_do() {
    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    for _ in 0..13 {
        wait(ledger.reserve(call(), None)).unwrap().settle(None);
        hands.forward(5 * 3600 + 59 * 60);
    }
    let report = ledger.report(UNIX_EPOCH).unwrap();
    let days: std::collections::BTreeSet<&str> = report.rows.iter().map(|row| row.day.as_str()).collect();
    assert!(days.len() > 3);
    for day in days {
        let answers = ledger.habits(day).unwrap().ceilings.iter().map(|ceiling| ceiling.answers).sum::<u64>();
        assert_eq!(answers, report.since(day).total.calls, "since {day}");
    }
}

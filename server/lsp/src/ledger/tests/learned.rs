//! What the rows teach: acceptance, lengths, calibration and how long models need.

use super::*;

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
            &[(OutcomeKind::Accepted, 40), (OutcomeKind::Accepted, 40), (OutcomeKind::StillThere(1), 30)][..],
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

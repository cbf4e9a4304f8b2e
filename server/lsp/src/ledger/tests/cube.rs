//! Figures that a page filters: what each call and suggestion adds to which sum.

use super::*;

fn open(path: &Path) -> (Hands, Ledger) {
    let hands = Hands::new();
    let (ledger, _) = hands.open(Some(path));
    (hands, ledger)
}

#[test]
fn each_call_and_suggestion_adds_to_the_sums_of_its_names() {
    let folder = tempfile::tempdir().unwrap();
    let (hands, ledger) = open(&folder.path().join("ledger.sqlite"));
    let end = |finish: Option<FinishReason>, output: u64| {
        let mut reservation = reserve(&ledger, call(), 100_000).unwrap();
        reservation.heard(&text("x"));
        reservation.heard(&usage(100, output));
        finish.into_iter().for_each(|finish| reservation.heard(&Chunk::Finish(finish)));
        reservation
    };
    end(Some(FinishReason::Stop), 10).settle(None);
    end(Some(FinishReason::Length), 50).settle(None);
    end(None, 20).settle(None);
    end(Some(FinishReason::Stop), 5).fail(&error(pennyworth_providers::Kind::RateLimited));
    reserve(&ledger, call(), 100_000).unwrap().unsent();
    hands.forward(2 * 24 * 3600);
    reserve(&ledger, Entry { model: "n".into(), ..call() }, 100_000).unwrap().outrun();
    for (model, kind) in
        [("m", OutcomeKind::Accepted), ("m", OutcomeKind::TypedThrough), ("embedded", OutcomeKind::Unused)]
    {
        let id = ledger.suggested(suggested(model, 40, 10, false));
        ledger.settled(Outcome { id, kind, chars: 30 });
        if kind == OutcomeKind::Accepted {
            ledger.settled(Outcome { id, kind: OutcomeKind::StillThere(1), chars: 25 });
        }
    }
    let cube = ledger.cube(UNIX_EPOCH).unwrap();
    assert_eq!(cube.days.all().len(), 2, "{:?}", cube.days);
    let cell = |day: u16, model: &str, is_call: bool| {
        let of = |cell: &&Cell| cube.models.all()[usize::from(cell.key.model)] == model && (cell.calls > 0) == is_call;
        cube.cells.iter().filter(of).find(|cell| cell.key.day == day).unwrap()
    };
    let calls = cell(0, "m", true);
    assert_eq!((calls.calls, calls.failed, calls.answers, calls.cut_off), (4, 1, 3, 1));
    assert_eq!((calls.allowed, calls.used, calls.input, calls.output), (150, 80, 400, 85));
    assert_eq!((calls.early, calls.early_cost), (1, 30 * MICRO), "one was ended 30 tokens before its ceiling");
    assert_eq!(calls.cost, (400 + 85) * MICRO);
    assert_eq!(calls.waits.iter().map(|(_, calls)| calls).sum::<u32>(), 4);
    assert_eq!(cell(1, "n", true).outrun, 1);
    let shown = cell(1, "m", false);
    assert_eq!((shown.shown, shown.accepted, shown.typed, shown.chars), (2, 1, 1, 30));
    assert_eq!((shown.checked, shown.kept), (30, 25));
    assert_eq!(cube.providers.all()[usize::from(shown.key.provider)], "example.com", "its model's");
    assert_eq!(cell(1, "embedded", false).shown, 1);
    let sure: Vec<_> = cube.sureness.iter().map(|sure| (sure.tenth, sure.shown, sure.right)).collect();
    assert_eq!(sure, [(5, 2, 2)], "nobody decided about the third");
    let words = |errors: &Errors| cube.words.all()[usize::from(errors.word)].clone();
    let mut errors: Vec<_> = cube.errors.iter().map(|errors| (words(errors), errors.count)).collect();
    errors.sort();
    assert_eq!(errors, [("".to_owned(), 1), ("RateLimited 429".to_owned(), 1)], "the second took too long");
    let costs: Vec<i64> = cube.dearest.iter().map(|call| call.cost / MICRO).collect();
    assert_eq!(costs, [150, 150, 120, 110, 105], "the dearest first");
    let since = UNIX_EPOCH + Duration::from_secs(1_700_000_000 + 24 * 3600);
    assert_eq!(ledger.cube(since).unwrap().cells.iter().map(|cell| cell.calls).sum::<u64>(), 1);
}

#[test]
fn of_many_calls_the_dearest_of_each_day_and_of_each_model_are_kept() {
    let (folder, number) = (tempfile::tempdir().unwrap(), |cost: i64| (1_700_000_000_000 << 22) + cost);
    let path = folder.path().join("ledger.sqlite");
    let (_, ledger) = open(&path);
    assert!(ledger.flush());
    let file = Connection::open(&path).unwrap();
    for cost in 1..=100_i64 {
        let model = if cost <= 30 { "cheap" } else { "dear" };
        file.execute(
            "INSERT INTO calls (id, day, at_ms, over_ms, provider, model, task, language, status, max_tokens, prompt_tokens, plain_tokens,
                worst, charge, price_input, price_cached, price_write, price_output, price_as_of)
             VALUES (?1, '', 1700000000000, 0, 'p', ?2, 'line', 'rust', 'done', 1, 1, 1, ?3, ?3, 0, 0, 0, 0, '')",
            rusqlite::params![number(cost), model, cost],
        )
        .unwrap();
    }
    let costs: Vec<i64> = ledger.cube(UNIX_EPOCH).unwrap().dearest.iter().map(|call| call.cost).collect();
    let expected: Vec<i64> = (81..=100).chain(11..=30).rev().collect();
    let sorted = {
        let mut all = expected;
        all.sort_by_key(|cost| std::cmp::Reverse(*cost));
        all
    };
    assert_eq!(costs, sorted);
}

#[test]
fn figures_that_cannot_be_right_count_as_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.sqlite");
    let (_, ledger) = open(&path);
    reserve(&ledger, call(), 100_000).unwrap().settle(None);
    assert!(ledger.flush());
    let file = Connection::open(&path).unwrap();
    file.execute("UPDATE calls SET input = -5, output = 9223372036854775807, charge = -7, first_ms = -1", []).unwrap();
    let cube = ledger.cube(UNIX_EPOCH).unwrap();
    let cell = &cube.cells[0];
    assert_eq!((cell.calls, cell.input, cell.output, cell.cost, cell.waits.len()), (1, 0, 0, 0, 0));
}

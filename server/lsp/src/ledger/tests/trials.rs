//! Trials: their calls stand apart in reports, their answers are read again, and the router learns a little from them.

use pennyworth_core::trial::{Answer, Marks};

use super::*;

fn tried(trial: i64, hole: u64, candidate: &str, right: bool) -> Tried {
    let marks = Marks { right, first_line: right, saved: 9, similarity: 0.5 };
    let answer = Answer {
        hole,
        task: Task::Line,
        language: "rust".into(),
        shown: true,
        marks,
        wait_ms: 120,
        input: 100,
        output: 7,
        cost: Money::from_pico(MICRO),
    };
    Tried { trial, candidate: candidate.into(), model: "m".into(), is_evidence: candidate == "m", answer }
}

#[test]
fn the_last_trial_is_read_as_it_was_written() {
    let here = Hands::new();
    let (ledger, _) = here.open(None);
    assert_eq!(ledger.trial(None), Ok(None));
    // The whole range of a hole's number.
    let all = [tried(1, 3, "m", true), tried(2, u64::MAX, "m", false), tried(2, 1, "m (other)", true)];
    all.iter().for_each(|one| ledger.tried(one.clone()));
    let last = ledger.trial(None).unwrap().unwrap();
    assert_eq!((last.id, last.candidates["m"].clone()), (2, vec![all[1].answer.clone()]));
    assert_eq!(last.candidates["m (other)"], [all[2].answer.clone()]);
    assert_eq!(ledger.trial(Some(1)).unwrap().unwrap().candidates["m"], [all[0].answer.clone()]);
    assert_eq!(ledger.trial(Some(9)), Ok(None));
}

#[test]
fn an_answer_of_a_trial_weighs_less_than_an_acceptance_and_lasts() {
    let here = Hands::new();
    let (ledger, _) = here.open(None);
    (0..8).for_each(|hole| ledger.tried(tried(1, hole, "m", hole < 6)));
    ledger.tried(tried(1, 0, "m (other)", true));
    ledger.flush();
    let learned = |ledger: &Ledger| {
        let standing = ledger.standing(Task::Line, "rust", "m");
        (standing.shown, standing.accepted)
    };
    assert_eq!(learned(&ledger), (2.0, 1.5), "a quarter each, and nothing of other settings");
    assert_eq!(ledger.all_unwanted(|_| true), [], "nobody was shown anything");
    drop(ledger);
    let (again, _) = here.open(None);
    again.flush();
    assert_eq!(learned(&again), (2.0, 1.5));
}

#[test]
fn calls_of_trials_stand_apart_and_count_against_the_caps() {
    let here = Hands::new();
    let (ledger, _) = here.open(None);
    for is_trial in [true, false] {
        let reserved = wait(ledger.reserve(Entry { is_trial, ..call() }, None)).unwrap();
        reserved.settle(None);
    }
    let report = ledger.report(UNIX_EPOCH).unwrap();
    let mut tasks: Vec<&str> = report.rows.iter().map(|row| row.task.as_str()).collect();
    tasks.sort_unstable();
    assert_eq!((tasks, report.total.calls, report.total.shown), (vec!["line", TRIAL], 2, 0));
    assert_eq!(ledger.habits("").unwrap().ceilings.iter().map(|ceiling| ceiling.answers).sum::<u64>(), 1);
}

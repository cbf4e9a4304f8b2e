//! Trials: their calls stand apart in reports, their answers are read again, and the router learns a little from them.

use pennyworth_core::trial::{Answer, Marks};

use super::*;

pub(super) fn tried(trial: i64, hole: u64, candidate: &str, right: bool) -> Tried {
    let marks = Marks { right, first_line: right, saved: 9, similarity: 0.5 };
    let answer = Answer {
        hole,
        task: Task::Line,
        language: "rust".into(),
        shown: true,
        marks,
        wait_ms: (candidate != "m (other)").then_some(120),
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

#[test]
fn the_end_of_a_hole_in_the_queue_its_bill_and_its_answer_are_written_at_once() {
    let here = Hands::new();
    let (ledger, _) = here.open(None);
    let entry = || Entry { is_trial: true, deadline: Duration::from_secs(15 * 24 * 3600), ..call() };
    let of = OfTrial { trial: 5, candidate: "m".into() };
    let ids = [(); 3].map(|()| JobId::fresh());
    for id in ids {
        let caps = Caps { day: Money::MAX, month: Money::MAX };
        let (model_id, of_trial) = ("m-1".into(), Some(of.clone()));
        wait(ledger.enqueue(NewJob { id, model_id, waits: None, of_trial, entry: entry(), caps })).unwrap();
    }
    let waiting = ledger.trial(None).unwrap().unwrap();
    assert_eq!((waiting.id, waiting.candidates.len(), waiting.missing["m"].waiting), (5, 0, 3));
    assert_eq!(wait(ledger.count_jobs()).unwrap(), (0, 0), "editors do not hear of trials");
    let lease = Lease::new();
    assert!(wait(ledger.lease(lease, Duration::from_secs(60))).unwrap());
    let usage = Some(Usage { input: 30, output: 5, ..Usage::default() });
    let done = Ended { state: JobState::Done, reason: None, usage, finish: Some(FinishReason::Stop) };
    let answer = tried(5, 9, "m", true);
    let answer = Tried { answer: Answer { wait_ms: None, ..answer.answer.clone() }, ..answer };
    let mark = |lease, id| wait(ledger.marked(lease, id, done.clone(), answer.clone())).unwrap();
    assert!(!mark(Lease::new(), ids[0]), "only who has the lease");
    assert!(mark(lease, ids[0]) && !mark(lease, ids[0]), "once");
    wait(ledger.end_job(Some(lease), ids[1], Ended::free(JobState::Expired, "too late"))).unwrap();
    let trial = ledger.trial(Some(5)).unwrap().unwrap();
    let billed = ledger.billed(ids[0].call()).unwrap();
    let expected = Answer { input: 30, output: 5, cost: billed.cost, ..answer.answer.clone() };
    assert_eq!((&trial.candidates["m"], micro(billed.cost)), (&vec![expected], 35));
    let missing = Missing { waiting: 1, unjudged: [("too late".to_owned(), 1)].into() };
    assert_eq!(trial.missing["m"], missing);
    assert_eq!(ledger.standing(Task::Line, "rust", "m").shown, 0.25, "the router learns of it");
    let jobs = wait(ledger.jobs()).unwrap();
    assert_eq!(jobs.iter().find(|job| job.id == ids[0]).unwrap().taken.as_deref(), Some("marked"));
}

//! Jobs and batches as rows: their money, and who may change them.

use super::*;

const DAY: u64 = 24 * 3600;

fn enqueue(ledger: &Ledger, cap: i64) -> Result<JobId, Refused> {
    let (id, deadline) = (JobId::fresh(), Duration::from_secs(15 * DAY));
    let caps = Caps { day: Money::from_pico(cap * MICRO), month: Money::MAX };
    let entry = Entry { deadline, ..call() };
    let job = NewJob { id, model_id: "m-1".into(), waits: None, of_trial: None, entry, caps };
    wait(ledger.enqueue(job)).map(|()| id)
}

/// A lease for a minute.
fn lease(ledger: &Ledger) -> Option<Lease> {
    let lease = Lease::new();
    wait(ledger.lease(lease, Duration::from_secs(60))).unwrap().then_some(lease)
}

fn ended(state: JobState, usage: Option<Usage>) -> Ended {
    Ended { state, reason: None, usage, finish: None }
}

#[test]
fn the_money_of_a_job_is_reserved_as_long_as_it_is_open_and_then_what_it_used_is_spent() {
    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    let id = enqueue(&ledger, 300).unwrap();
    assert!(matches!(enqueue(&ledger, 300), Err(Refused::Cap(_))), "the cap covers one");
    for _ in 0..2 {
        hands.forward(7 * DAY);
        // Every reservation looks for calls that were lost.
        reserve(&ledger, call(), 1_000).unwrap().unsent();
        assert!(ledger.flush());
        assert_eq!(spent(&ledger), 200);
    }
    // Nobody looked after it for too long, so it counts as lost. What it used is known after all.
    hands.forward(7 * DAY);
    reserve(&ledger, call(), 1_000).unwrap().unsent();
    assert!(ledger.flush());
    let lease = lease(&ledger).unwrap();
    let usage = Usage { input: 30, output: 5, ..Usage::default() };
    assert!(wait(ledger.end_job(Some(lease), id, ended(JobState::Done, Some(usage)))).unwrap());
    assert!(!wait(ledger.end_job(Some(lease), id, ended(JobState::Done, Some(usage)))).unwrap(), "once");
    let charged = ledger.cost(id.call()).unwrap();
    assert_eq!(micro(charged), 35);
}

#[test]
fn a_reservation_of_an_earlier_month_still_counts() {
    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    // From the fourteenth of November to the last, and then to the third of December.
    hands.forward(16 * DAY);
    enqueue(&ledger, 1_000).unwrap();
    hands.forward(3 * DAY);
    assert_eq!((spent(&ledger), wait(ledger.open_jobs()).unwrap().len()), (200, 1));
}

#[test]
fn what_is_reserved_stands_in_no_sum_of_a_report_until_the_call_is_over() {
    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    let told = || {
        let report = ledger.report(UNIX_EPOCH).unwrap();
        let reserved = report.spent.map_or(0, |spent| micro(spent.reserved));
        (report.total.calls, micro(report.total.cost), reserved)
    };
    let mut reservation = reserve(&ledger, call(), 1_000).unwrap();
    assert_eq!(told(), (1, 0, 200));
    reservation.heard(&usage(90, 5));
    reservation.heard(&Chunk::Finish(FinishReason::Stop));
    reservation.settle(None);
    assert_eq!(told(), (1, 95, 0));
    let id = enqueue(&ledger, 1_000).unwrap();
    // Reports remember past days, but not as long as one of their batches is open.
    hands.forward(3 * DAY);
    assert_eq!(told(), (2, 95, 200));
    let usage = Usage { input: 30, output: 5, ..Usage::default() };
    assert!(wait(ledger.end_job(lease(&ledger), id, ended(JobState::Done, Some(usage)))).unwrap());
    assert_eq!(told(), (2, 130, 0));
}

#[test]
fn one_process_at_a_time_changes_batches() {
    let hands = Hands::new();
    let (ledger, _) = hands.open(None);
    enqueue(&ledger, 1_000).unwrap();
    let jobs = wait(ledger.open_jobs()).unwrap();
    let first = lease(&ledger).unwrap();
    assert_eq!(lease(&ledger), None);
    let batch = wait(ledger.gather(first, jobs.clone(), Stage::Uploaded)).unwrap().unwrap();
    assert!(wait(ledger.gather(first, jobs, Stage::Uploaded)).unwrap().is_none(), "no job is in two batches");
    hands.forward(61);
    let second = lease(&ledger).unwrap();
    // The first one slept.
    assert!(wait(ledger.step(first, &batch, Step::to(Stage::Submitting))).unwrap().is_none());
    let sent = wait(ledger.step(second, &batch, Step::to(Stage::Submitting))).unwrap().unwrap();
    assert!(wait(ledger.step(second, &batch, Step::to(Stage::Submitting))).unwrap().is_none(), "a stage is left once");
    assert_eq!((sent.stage, sent.requests), (Stage::Submitting, 1));
    ledger.release(second);
    assert!(lease(&ledger).is_some());
}

#[test]
fn without_a_lasting_file_nothing_is_queued() {
    let (ledger, _) = Ledger::open(None);
    assert!(matches!(enqueue(&ledger, 1_000), Err(Refused::Unbooked(_))));
    assert!(wait(ledger.jobs()).is_err());
}

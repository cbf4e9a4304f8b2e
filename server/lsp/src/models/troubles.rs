//! What keeps models from answering: what happened, since when, what the user can do, and when it is tried again. The user is told of each
//! once an hour at most, and what holds stands in the status until the model answers again.
//! It leaves which ends are a trouble to `complete::ends`, and showing them to the server and the commands.

use std::collections::{BTreeMap, HashMap};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::health::Again;
use crate::sync::lock;

/// Failures in a row after which the user is told of what may pass by itself.
pub const PATIENCE: u32 = 3;
/// Answers in a row that did not fit, after which the user is told: good models miss a few times in a row, too.
const MISFITS: u32 = 8;
/// Shortest time between two messages about the same problem of the same model.
const AGAIN: Duration = Duration::from_secs(3600);

/// A problem, as the end of a call shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// One word for its kind; the user is told once of each.
    pub kind: String,
    /// What happened, without an end mark.
    pub what: String,
    /// What the user can do; `None` if nothing but wait.
    pub remedy: Option<String>,
    /// Failures in a row after which the user is told: one for what lasts, more for what may pass by itself.
    pub told_after: u32,
    /// When it is tried again, if it is not the breakers that say so.
    pub again: Option<Again>,
}

/// What keeps a model from answering.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The model's name; `null` for what is about no model.
    pub model: Option<String>,
    /// What happened.
    pub what: String,
    /// What the user can do; `null` if nothing but wait.
    pub remedy: Option<String>,
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// Failures in a row.
    pub failures: u32,
    /// When the model is tried again, in seconds since 1970; 0 for the next request, `null` for a change of the configuration.
    pub again: Option<u64>,
}

impl Trouble {
    /// A model whose provider allows no further request before this time.
    pub fn of_limits(model: &str, until: Instant) -> Trouble {
        let now = SystemTime::now();
        Trouble {
            model: Some(model.to_owned()),
            what: "its provider allows no further requests for now".to_owned(),
            remedy: None,
            since: seconds(now),
            failures: 1,
            again: Some(seconds(now + until.saturating_duration_since(Instant::now()))),
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The troubles of all models.
#[derive(Default)]
pub struct Troubles(Mutex<All>);

#[derive(Default)]
struct All {
    /// By model; an empty name stands for what is about no model.
    holding: BTreeMap<String, Held>,
    /// Models that a task's route leaves out, by model and task. An answer for another task or a key does not end that.
    left_out: BTreeMap<(String, &'static str), Held>,
    /// When the user was told, by model and kind, and by account and what happened.
    told: HashMap<(String, String), Instant>,
    /// Answers in a row that did not fit, by model.
    misfits: HashMap<String, u32>,
    /// What the user is told next.
    unshown: Vec<String>,
}

struct Held {
    problem: Problem,
    since: SystemTime,
    failures: u32,
    /// When the last one was counted.
    counted: Instant,
    account: String,
}

impl All {
    /// Counts a problem, and tells the user of it when it is time. What began before the last one was counted is the same one.
    fn note(&mut self, before: Option<Held>, model: &str, account: &str, problem: Problem, began: Instant) -> Held {
        let (since, failures, counted) = match before {
            Some(held) if began < held.counted => (held.since, held.failures, held.counted),
            Some(held) => (held.since, held.failures.saturating_add(1), Instant::now()),
            None => (SystemTime::now(), 1, Instant::now()),
        };
        if failures >= problem.told_after {
            // Models of one account share its problems.
            let keys = [(model.to_owned(), problem.kind.clone()), (account.to_owned(), problem.what.clone())];
            if keys.iter().all(|key| self.told.get(key).is_none_or(|told| told.elapsed() >= AGAIN)) {
                self.told.extend(keys.map(|key| (key, Instant::now())));
                self.unshown.push(message(model, &problem));
            }
        }
        Held { problem, since, failures, counted, account: account.to_owned() }
    }

    /// What holds of each model: what its last call said, else why the first of the tasks leaves it out.
    fn each(&self) -> BTreeMap<&String, &Held> {
        let mut each: BTreeMap<&String, &Held> = self.holding.iter().collect();
        for ((model, _), held) in &self.left_out {
            each.entry(model).or_insert(held);
        }
        each
    }
}

impl Troubles {
    /// Adds what is about no model and holds until the configuration changes.
    pub fn add(&self, message: String) {
        let problem =
            Problem { kind: message.clone(), what: message, remedy: None, told_after: 1, again: Some(Again::Changed) };
        self.failed("", "", problem, Instant::now());
    }

    /// Tells the user something that does not stand in the way of any model.
    pub fn tell(&self, message: String) {
        lock(&self.0).unshown.push(message);
    }

    /// A call of a model that began at `began` failed, or could not be made. `account` is the one that health knows the model by.
    pub fn failed(&self, model: &str, account: &str, problem: Problem, began: Instant) {
        let all = &mut *lock(&self.0);
        let before = all.holding.remove(model);
        let held = all.note(before, model, account, problem, began);
        all.holding.insert(model.to_owned(), held);
    }

    /// A model answered.
    pub fn works(&self, model: &str) {
        lock(&self.0).holding.remove(model);
    }

    /// A model was left out of the route of a task.
    pub fn left_out(&self, model: &str, task: &'static str, account: &str, problem: Problem) {
        let all = &mut *lock(&self.0);
        let key = (model.to_owned(), task);
        let before = all.left_out.remove(&key);
        let held = all.note(before, model, account, problem, Instant::now());
        all.left_out.insert(key, held);
    }

    /// These models are in the route of a task.
    pub fn are_in<'m>(&self, models: impl Iterator<Item = &'m str>, task: &'static str) {
        let mut all = lock(&self.0);
        if !all.left_out.is_empty() {
            models.for_each(|model| drop(all.left_out.remove(&(model.to_owned(), task))));
        }
    }

    /// A model's answer did not fit. Returns the problem if this has happened so often in a row that its row must be wrong.
    pub fn misfit(&self, model: &str) -> Option<Problem> {
        let mut all = lock(&self.0);
        let misfits = all.misfits.entry(model.to_owned()).or_default();
        *misfits = misfits.saturating_add(1);
        (*misfits >= MISFITS).then(|| Problem {
            kind: "misfit".to_owned(),
            what: format!("none of its last {misfits} answers fitted"),
            remedy: Some("check `format` in its row".to_owned()),
            told_after: 1,
            again: None,
        })
    }

    /// A model's answer fitted.
    pub fn fitted(&self, model: &str) {
        lock(&self.0).misfits.remove(model);
    }

    /// What keeps a model from answering, or else another one of its account.
    pub fn of(&self, model: &str, account: &str) -> Option<String> {
        let all = lock(&self.0);
        let of_account = || all.holding.values().find(|held| held.account == account);
        all.holding.get(model).or_else(of_account).map(|held| held.problem.what.clone())
    }

    /// The messages that were not shown yet. From now on they count as shown.
    pub fn take_unshown(&self) -> Vec<String> {
        let mut unshown = std::mem::take(&mut lock(&self.0).unshown);
        unshown.sort();
        unshown
    }

    /// What holds now, by model. `again` says of an account and a model when they are tried again.
    pub fn holding(&self, again: impl Fn(&str, &str) -> Again) -> Vec<Trouble> {
        let all = lock(&self.0);
        let trouble = |(model, held): (&String, &Held)| Trouble {
            model: (!model.is_empty()).then(|| model.clone()),
            what: held.problem.what.clone(),
            remedy: held.problem.remedy.clone(),
            since: seconds(held.since),
            failures: held.failures,
            again: match held.problem.again.unwrap_or_else(|| again(&held.account, model)) {
                Again::Now => Some(0),
                Again::At(until) => Some(seconds(SystemTime::now() + until.saturating_duration_since(Instant::now()))),
                Again::Changed => None,
            },
        };
        all.each().into_iter().map(trouble).collect()
    }

    /// The first of what holds and the user was or will be told of, as a message.
    pub fn first(&self) -> Option<String> {
        let all = lock(&self.0);
        let mut told = all.each().into_iter().filter(|(_, held)| held.failures >= held.problem.told_after);
        told.next().map(|(model, held)| message(model, &held.problem))
    }

    /// The configuration changed: what is still wrong is shown again.
    pub fn forget(&self) {
        *lock(&self.0) = All::default();
    }
}

fn message(model: &str, problem: &Problem) -> String {
    let of = if model.is_empty() { String::new() } else { format!("model.{model}: ") };
    let remedy = problem.remedy.as_ref().map_or_else(String::new, |remedy| format!("; {remedy}"));
    format!("{of}{}{remedy}", problem.what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(kind: &str, lasts: bool) -> Problem {
        Problem {
            kind: kind.into(),
            what: format!("it is {kind}"),
            remedy: Some("wait".into()),
            told_after: if lasts { 1 } else { PATIENCE },
            again: None,
        }
    }

    fn holding(troubles: &Troubles) -> Vec<(Option<String>, String, u32)> {
        let all = troubles.holding(|_, _| Again::Now).into_iter();
        all.map(|trouble| (trouble.model, trouble.what, trouble.failures)).collect()
    }

    #[test]
    fn each_is_told_once_until_the_configuration_changes() {
        let troubles = Troubles::default();
        for expected in [&["a"][..], &[]] {
            troubles.add("a".to_owned());
            assert_eq!(troubles.take_unshown(), expected);
        }
        troubles.failed("m", "", problem("shut", true), Instant::now());
        assert_eq!(troubles.take_unshown(), ["model.m: it is shut; wait"]);
        assert_eq!(troubles.first().as_deref(), Some("a"));
        troubles.forget();
        troubles.add("a".to_owned());
        assert_eq!(troubles.take_unshown(), ["a"]);
    }

    #[test]
    fn calls_that_fail_together_are_one_failure() {
        let (troubles, began) = (Troubles::default(), Instant::now());
        for _ in 0..=PATIENCE {
            troubles.failed("m", "", problem("down", false), began);
        }
        assert_eq!(holding(&troubles), [(Some("m".into()), "it is down".into(), 1)]);
        assert_eq!(troubles.take_unshown(), [""; 0]);
    }

    #[test]
    fn what_may_pass_is_told_when_it_came_three_times_and_is_gone_when_the_model_answers() {
        let troubles = Troubles::default();
        for failures in 1..=4 {
            troubles.failed("m", "", problem("down", false), Instant::now());
            assert_eq!(holding(&troubles), [(Some("m".into()), "it is down".into(), failures)]);
            let told = troubles.take_unshown();
            assert_eq!(told.len(), usize::from(failures == PATIENCE), "{failures}");
            assert_eq!(troubles.first().is_some(), failures >= PATIENCE);
        }
        troubles.works("m");
        assert_eq!((holding(&troubles), troubles.first()), (vec![], None));
        for _ in 0..PATIENCE {
            troubles.failed("m", "", problem("down", false), Instant::now());
        }
        assert_eq!(troubles.take_unshown(), [""; 0], "a model that comes and goes does not nag");
        troubles.failed("m", "", problem("shut", true), Instant::now());
        assert_eq!(troubles.take_unshown().len(), 1, "another problem is another message");
    }

    #[test]
    fn a_model_that_a_task_leaves_out_is_told_until_the_task_has_it_again() {
        let troubles = Troubles::default();
        for _ in 0..PATIENCE {
            troubles.left_out("m", "line", "", problem("slow", false));
        }
        assert_eq!(troubles.take_unshown(), ["model.m: it is slow; wait"]);
        troubles.works("m");
        troubles.are_in(["m"].into_iter(), "block");
        assert_eq!(holding(&troubles), [(Some("m".into()), "it is slow".into(), PATIENCE)]);
        troubles.failed("m", "", problem("down", false), Instant::now());
        assert_eq!(holding(&troubles), [(Some("m".into()), "it is down".into(), 1)], "one entry for each model");
        troubles.works("m");
        troubles.are_in(["m"].into_iter(), "line");
        assert_eq!((holding(&troubles), troubles.first()), (vec![], None));
    }

    #[test]
    fn answers_that_never_fit_are_a_problem_until_one_fits() {
        let troubles = Troubles::default();
        let misses = |count: u32| (0..count).filter_map(|_| troubles.misfit("m")).collect::<Vec<_>>();
        assert_eq!(misses(MISFITS - 1), []);
        troubles.fitted("m");
        let [problem] = &misses(MISFITS)[..] else { panic!("one problem") };
        assert_eq!(problem.what, "none of its last 8 answers fitted");
        assert_eq!(misses(1)[0].what, "none of its last 9 answers fitted");
    }

    #[test]
    fn models_of_one_account_share_what_keeps_them_from_answering() {
        let troubles = Troubles::default();
        troubles.failed("m", "account", problem("shut", true), Instant::now());
        for (model, account, expected) in [("m", "account", true), ("n", "account", true), ("n", "another", false)] {
            assert_eq!(troubles.of(model, account).is_some(), expected, "{model} {account}");
        }
    }

    #[test]
    fn what_holds_says_when_it_is_tried_again() {
        let troubles = Troubles::default();
        troubles.failed("m", "account", problem("shut", true), Instant::now());
        let later = Instant::now() + Duration::from_secs(100);
        let again = |again: Again| {
            let all = troubles.holding(|account, model| {
                assert_eq!((account, model), ("account", "m"));
                again
            });
            all.first().unwrap().again
        };
        assert_eq!((again(Again::Now), again(Again::Changed)), (Some(0), None));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        assert!((now + 95..=now + 105).contains(&again(Again::At(later)).unwrap()));
    }
}

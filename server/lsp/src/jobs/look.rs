//! One look after the queue, by whoever holds the lease: each batch that is due goes as far as it can, and queued jobs of one model become a new
//! one. It may end at any `await`, as if the process were killed: what was begun is written before it is done. It leaves the steps to `sending`
//! and `results`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pennyworth_core::models::Model;
use pennyworth_providers::{BatchTimeouts, Batches, ProviderError, SecretString};

use super::kept::{KEPT, KeptJobs, Subject};
use crate::demand::disallowed;
use crate::documents::parses::Parses;
use crate::ledger::{BatchRow, Ended, JobId, JobRow, JobState, Lease, Ledger, Refused, Stage, Step, provider};
use crate::models::Providers;
use crate::settings::{Configuration, Settings};
use crate::sync::lock;
use crate::trial::tried;

/// How long a lease holds that is not renewed.
const LEASE: Duration = Duration::from_secs(60);
/// Most jobs of a batch, and most bytes of their prompts and tokens of their answers: every provider takes more.
const MOST_JOBS: usize = 1000;
const MOST_BYTES: usize = 8 << 20;
const MOST_OUTPUT: u64 = 1_000_000;

/// How fast the queue is looked after.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The first pause between two looks at a batch.
    pub first: Duration,
    /// The longest one.
    pub longest: Duration,
    /// The time after which a batch that is not to be found was certainly not sent: longer than a call that sends one may take.
    pub certain: Duration,
    /// The deadlines of calls.
    pub timeouts: BatchTimeouts,
}

impl Default for Pace {
    fn default() -> Pace {
        let timeouts = BatchTimeouts { transfer: Duration::from_secs(180), ..BatchTimeouts::default() };
        let certain = timeouts.transfer + Duration::from_secs(300);
        Pace { first: Duration::from_secs(60), longest: Duration::from_secs(900), certain, timeouts }
    }
}

/// What is looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// What is due.
    Due,
    /// Everything: the user asks.
    Now,
}

/// What came of a look.
#[derive(Debug, Default)]
pub struct Looked {
    /// Whether another process looks after the queue at this moment.
    pub is_busy: bool,
    /// Tasks that ended. Trials, which may be hundreds of jobs, are not among them.
    pub ended: Vec<JobId>,
    /// What the user should know, each once.
    pub notes: Vec<String>,
    /// How many jobs have no answer yet.
    pub open: usize,
}

/// Looks after the queue.
pub struct Looker<'a> {
    /// The ledger.
    pub ledger: &'a Ledger,
    /// The providers' state.
    pub providers: &'a Providers,
    /// The marks around parses.
    pub parses: &'a Arc<Parses>,
    /// The user's own settings, without those of a workspace or an editor.
    pub settings: Settings,
    /// How fast.
    pub pace: Pace,
    /// Whether jobs that wait for a lower price are asked here, which takes as long as their answers.
    pub asks: bool,
}

/// A look under way.
pub(super) struct Look<'a> {
    pub(super) of: &'a Looker<'a>,
    pub(super) ledger: &'a Ledger,
    pub(super) pace: Pace,
    pub(super) kept: KeptJobs,
    pub(super) lease: Lease,
    looked: Mutex<Looked>,
}

impl Looker<'_> {
    fn begun(&self) -> Option<Look<'_>> {
        let (kept, lease) = (KeptJobs::beside(self.ledger)?, Lease::new());
        Some(Look { of: self, ledger: self.ledger, pace: self.pace, kept, lease, looked: Mutex::default() })
    }

    /// Settles what a look of this process asked that was ended early: its answer does not come any more.
    pub async fn give_up(&self) -> Result<(), Refused> {
        let Some(look) = self.begun().filter(|_| self.asks) else { return Ok(()) };
        let _held = Held { ledger: self.ledger, lease: look.lease };
        if self.ledger.lease(look.lease, LEASE).await? {
            look.give_up_forsaken().await?;
        }
        Ok(())
    }

    /// Looks after the queue once.
    pub async fn look(&self, when: When) -> Result<Looked, Refused> {
        let Some(look) = self.begun() else { return Ok(Looked::default()) };
        let lease = look.lease;
        if self.ledger.open_jobs().await?.is_empty() && self.ledger.open_batches(false).await?.is_empty() {
            look.sweep().await?;
            return Ok(look.into_looked());
        }
        // Also while it is waited for: it may come to a look that is aborted meanwhile.
        let held = Held { ledger: self.ledger, lease };
        if !self.ledger.lease(lease, LEASE).await? {
            lock(&look.looked).is_busy = true;
            return Ok(look.into_looked());
        }
        let renewed = async {
            loop {
                tokio::time::sleep(LEASE / 3).await;
                match self.ledger.lease(lease, LEASE).await {
                    Ok(true) => {}
                    Ok(false) => return Ok(()),
                    Err(refused) => return Err(refused),
                }
            }
        };
        let done = tokio::select! {
            done = look.all(when) => done,
            done = renewed => done,
        };
        drop(held);
        done?;
        lock(&look.looked).open = self.ledger.open_jobs().await?.len();
        Ok(look.into_looked())
    }
}

/// A lease that is given back, also where a look is aborted. One that was not had changes nothing.
struct Held<'a> {
    ledger: &'a Ledger,
    lease: Lease,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.ledger.release(self.lease);
    }
}

impl Look<'_> {
    async fn all(&self, when: When) -> Result<(), Refused> {
        self.give_up_forsaken().await?;
        for batch in self.ledger.open_batches(when == When::Due).await? {
            self.advance(batch, false).await?;
        }
        self.begin().await?;
        self.sweep().await
    }

    /// Takes a batch as far as it goes. `is_ours` says that this look brought it to its stage, so that nothing was begun there yet.
    async fn advance(&self, mut batch: BatchRow, mut is_ours: bool) -> Result<(), Refused> {
        loop {
            let Some(step) = self.step(&batch, is_ours).await? else { return Ok(()) };
            let goes_on = step.due == Duration::ZERO;
            match self.ledger.step(self.lease, &batch, step).await? {
                Some(next) if goes_on => (batch, is_ours) = (next, true),
                _ => return Ok(()),
            }
        }
    }

    /// The next step of a batch; `None` if it is over, or nobody here can take it.
    async fn step(&self, batch: &BatchRow, is_ours: bool) -> Result<Option<Step>, Refused> {
        if !matches!(batch.stage, Stage::Uploading | Stage::Uploaded | Stage::Submitting | Stage::Submitted) {
            return Ok(None);
        }
        let all = self.ledger.jobs_in(batch.id).await?;
        let jobs: Vec<JobRow> = all.iter().filter(|job| job.state == JobState::Sent).cloned().collect();
        let nothing = Ok(jobs.is_empty().then(|| Step::to(Stage::Cancelled)));
        if jobs.is_empty() && batch.file.is_none() {
            return nothing;
        }
        let Some(model) = self.model(&batch.model, &batch.provider, &batch.model_id) else { return nothing };
        let Some(key) = self.key(&model).await else { return nothing };
        let Some(batches) = self.batches(&model, key.as_ref()) else { return nothing };
        if jobs.is_empty() {
            self.clear_upload(&batches, batch).await;
            return nothing;
        }
        match batch.stage {
            Stage::Uploading => self.upload(&batches, &model, batch, &jobs, is_ours).await,
            Stage::Uploaded => self.ready(&batches, &model, batch, &jobs).await,
            Stage::Submitting if is_ours => self.submit(&batches, &model, batch, &jobs).await,
            Stage::Submitting => self.find(&batches, batch, &all).await,
            _ => self.receive(&batches, batch, (&jobs, &all)).await,
        }
    }

    /// Makes batches of queued jobs, one for each model, and sends them.
    async fn begin(&self) -> Result<(), Refused> {
        let mut groups: BTreeMap<[String; 3], Vec<JobRow>> = BTreeMap::new();
        for job in self.ledger.open_jobs().await?.into_iter().filter(|job| job.state == JobState::Queued) {
            groups.entry([job.model.clone(), job.provider.clone(), job.model_id.clone()]).or_default().push(job);
        }
        for ([name, host, id], jobs) in groups {
            let Some(model) = self.model(&name, &host, &id) else { continue };
            let Some(key) = self.key(&model).await else { continue };
            if model.batch.is_none() {
                if self.of.asks {
                    self.ask_alone(&model, key.as_ref(), jobs).await?;
                }
                continue;
            }
            let Some(batches) = self.batches(&model, key.as_ref()) else { continue };
            let stage = if batches.has_upload() { Stage::Uploading } else { Stage::Uploaded };
            for jobs in self.kept.on_disk(move |kept| portions(kept, jobs)).await.unwrap_or_default() {
                let jobs = self.allowed(&model, jobs).await?;
                if let Some(batch) = self.ledger.gather(self.lease, jobs, stage).await? {
                    self.advance(batch, true).await?;
                }
            }
        }
        Ok(())
    }

    /// The jobs that may be sent by the rules of now. The others are ended, and cost nothing.
    pub(super) async fn allowed(&self, model: &Model, jobs: Vec<JobRow>) -> Result<Vec<JobRow>, Refused> {
        let (settings, model, kept) = (self.of.settings.clone(), model.clone(), self.kept.clone());
        let judged = tokio::task::spawn_blocking(move || {
            let mut of_root = BTreeMap::new();
            let mut judge = |job: &JobRow| allows(&kept, job, &model, &settings, &mut of_root);
            jobs.into_iter().map(|job| (judge(&job), job)).collect::<Vec<_>>()
        });
        let mut allowed = Vec::new();
        for (why, job) in judged.await.unwrap_or_default() {
            match why {
                None => allowed.push(job),
                Some((state, why)) => drop(self.end(&job, Ended::free(state, why)).await?),
            }
        }
        Ok(allowed)
    }

    /// Ends a job, and removes its files unless it has an answer.
    /// False if it had ended, or the lease is gone.
    pub(super) async fn end(&self, job: &JobRow, ended: Ended) -> Result<bool, Refused> {
        let is_done = ended.state == JobState::Done;
        let is_new = self.ledger.end_job(Some(self.lease), job.id, ended).await?;
        if is_new && job.of_trial.is_none() {
            lock(&self.looked).ended.push(job.id);
        }
        if is_new && !is_done {
            self.forget(job).await;
        }
        Ok(is_new)
    }

    /// Removes the files of a job.
    pub(super) async fn forget(&self, job: &JobRow) {
        let id = job.id;
        self.kept.on_disk(move |kept| kept.forget(id)).await;
    }

    /// Gives up what is too old, and removes files that are not needed any more.
    async fn sweep(&self) -> Result<(), Refused> {
        let jobs = self.ledger.jobs().await?;
        let most = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
        let mut useless = Vec::new();
        for job in &jobs {
            let is_old = job.age_ms > most;
            let is_unsent = matches!(job.stage, None | Some(Stage::Uploading | Stage::Uploaded));
            match job.state {
                JobState::Queued | JobState::Sent if is_old && is_unsent => {
                    self.end(job, Ended::free(JobState::Expired, "it was not sent in two weeks")).await?;
                }
                JobState::Sent if is_old => {
                    let reason = Some("no answer came in two weeks".to_owned());
                    let ended = Ended { state: JobState::Lost, reason, usage: None, finish: None };
                    self.end(job, ended).await?;
                }
                JobState::Queued | JobState::Sent => {}
                JobState::Done if job.taken.is_none() && !is_old => {}
                _ => {
                    useless.push(job.id);
                    if job.taken.is_none() && job.state == JobState::Done {
                        self.ledger.taken(job.id, "forgotten").await?;
                    }
                }
            }
        }
        let known: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
        let forget = move |kept: &KeptJobs| {
            useless.into_iter().for_each(|id| kept.forget(id));
            kept.forget_others(&known);
        };
        self.kept.on_disk(forget).await;
        Ok(())
    }

    /// The model of a batch, if the configuration has it as it was.
    fn model(&self, name: &str, host: &str, id: &str) -> Option<Model> {
        let models = self.of.settings.models();
        let found =
            models.get(name).filter(|model| model.enabled && (model.batch.is_some() || model.price.off_peak.is_some()));
        let same = found.filter(|model| provider(model) == host && model.id == id).cloned();
        if same.is_none() {
            self.note(format!(
                "{name} at {host}: the configuration does not have this model with batches or hours of a lower price now, so its jobs wait"
            ));
        }
        same
    }

    async fn key(&self, model: &Model) -> Option<Option<SecretString>> {
        let key = self.of.providers.keys.of(model).await;
        key.inspect_err(|error| self.note(format!("{}: {error}, so its jobs wait", model.name))).ok()
    }

    fn batches<'b>(&'b self, model: &'b Model, key: Option<&'b SecretString>) -> Option<Batches<'b>> {
        let client = self.of.providers.client.as_ref()?;
        client.batches(model, key, self.pace.timeouts).inspect_err(|error| self.failed(&model.name, error)).ok()
    }

    pub(super) fn failed(&self, model: &str, error: &ProviderError) {
        self.note(format!("{model}: {error}"));
    }

    pub(super) fn note(&self, note: String) {
        let mut looked = lock(&self.looked);
        if !looked.notes.contains(&note) {
            looked.notes.push(note);
        }
    }

    fn into_looked(self) -> Looked {
        self.looked.into_inner().unwrap_or_default()
    }
}

/// Jobs in portions that a batch can hold, each with prompts of one form.
fn portions(kept: &KeptJobs, jobs: Vec<JobRow>) -> Vec<Vec<JobRow>> {
    let mut sized: Vec<((&'static str, usize), JobRow)> =
        jobs.into_iter().map(|job| (kept.read(job.id).map_or(("", 0), |job| job.size()), job)).collect();
    sized.sort_by_key(|((form, _), _)| *form);
    let (mut portions, mut bytes, mut output, mut last) = (vec![Vec::new()], 0, 0, "");
    for ((form, size), job) in sized {
        (bytes, output) = (bytes + size, output + u64::from(job.max_tokens));
        let is_other = std::mem::replace(&mut last, form) != form;
        let is_full = |portion: &Vec<JobRow>| {
            let is_large = portion.len() >= MOST_JOBS || bytes > MOST_BYTES || output > MOST_OUTPUT;
            !portion.is_empty() && (is_other || is_large)
        };
        if portions.last().is_some_and(is_full) {
            portions.push(Vec::new());
            (bytes, output) = (size, job.max_tokens.into());
        }
        if let Some(portion) = portions.last_mut() {
            portion.push(job);
        }
    }
    portions.retain(|portion| !portion.is_empty());
    portions
}

/// How a job ends that may not be sent, and why.
fn allows(
    kept: &KeptJobs,
    job: &JobRow,
    model: &Model,
    settings: &Settings,
    of_root: &mut BTreeMap<(PathBuf, bool), Configuration>,
) -> Option<(JobState, String)> {
    if job.is_dropped {
        return Some((JobState::Cancelled, "you cancelled it".to_owned()));
    }
    let Some(kept) = kept.read(job.id) else {
        return Some((JobState::Failed, "its prompt is not kept any more".to_owned()));
    };
    let is_trial = matches!(kept.about, Subject::Hole(_));
    let made = |(root, _): &(PathBuf, bool)| {
        // What is tried is asked whether or not it is chosen otherwise.
        let settings = if is_trial { tried(settings, &model.name) } else { settings.clone() };
        Configuration::new(1, settings, std::slice::from_ref(root)).0
    };
    let configuration = of_root.entry((kept.root.clone(), is_trial)).or_insert_with_key(made);
    let why = disallowed(configuration, kept.task, model, &kept.files)?;
    Some((JobState::Cancelled, format!("the rules of its files changed: {why}")))
}

#[cfg(test)]
mod tests {
    use pennyworth_core::caps::Caps;
    use pennyworth_core::models::Models;
    use pennyworth_core::money::Money;

    use super::*;
    use crate::ledger::{Entry, NewJob};

    #[tokio::test]
    async fn a_look_that_is_aborted_as_it_waits_for_the_lease_leaves_none_behind() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("ledger.db");
        let (ledger, _) = Ledger::open(Some(&path));
        let models = Models::builtin();
        let model = models.all().next().unwrap();
        let (id, model_id, entry) = (JobId::fresh(), model.id.clone(), Entry::warming(model, 1, 1, KEPT));
        let caps = Caps { day: Money::MAX, month: Money::MAX };
        ledger.enqueue(NewJob { id, model_id, waits: None, of_trial: None, entry, caps }).await.unwrap();
        let file = rusqlite::Connection::open(path).unwrap();
        let leases = || file.query_row("SELECT count(*) FROM lease", [], |row| row.get::<_, i64>(0)).unwrap();
        let (providers, parses, settings) = (Providers::default(), Arc::default(), Settings::default());
        let (ledger, providers, parses, pace) = (&ledger, &providers, &parses, Pace::default());
        let looker = Looker { ledger, providers, parses, settings, pace, asks: false };
        let mut look = Box::pin(looker.look(When::Due));
        // Whatever it asks the ledger for is done before it hears of it.
        while leases() == 0 {
            assert!(futures_util::poll!(look.as_mut()).is_pending());
            ledger.flush();
        }
        drop(look);
        ledger.flush();
        assert_eq!(leases(), 0);
    }
}

//! Tasks on demand in an editor: a command starts one, its progress can be cancelled, and its result is an edit of the version that was read, marks,
//! or a document. A client that asks for the result itself gets it as the command's answer. It leaves the tasks to `demand`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::bail;
use pennyworth_core::demand::MARK;
use pennyworth_core::money::Money;
use pennyworth_core::task::{Queue, Task};
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::timeout;
use tower_lsp::gen_lsp_types::{MessageActionItem, MessageType, ProgressToken, Uri};
use tower_lsp::{Client, gen_lsp_types as wire};

use super::desk::{Cancelled, Desk, TOKEN};
use super::results::{Done, Read};
use crate::demand::git::{Changed, Range as Changes, Repository};
use crate::demand::{About, Diagnostic, File, Heard, Job, Outcome, workspace};
use crate::wire::convert;

/// The command of each task, with the task.
pub const COMMANDS: [(&str, Task); 7] = [
    ("pennyworth.explainCode", Task::Explain),
    ("pennyworth.document", Task::Document),
    ("pennyworth.fix", Task::Fix),
    ("pennyworth.edit", Task::Edit),
    ("pennyworth.tests", Task::Tests),
    ("pennyworth.review", Task::Review),
    ("pennyworth.commit", Task::Commit),
];
/// The user's choices where the settings say to ask when a task is done.
const NOW: &str = "Now";
const BY_TOMORROW: &str = "By Tomorrow, for Half";
/// Longest wait for the client to prepare for a progress.
const PATIENCE: Duration = Duration::from_secs(2);
/// Shortest time between two reports of progress.
const TOGETHER: Duration = Duration::from_millis(200);

/// What a command takes: a document and lines of it, or a change.
#[derive(Clone, Debug, Deserialize)]
pub struct Asked {
    /// The document; for a review or a message, any document of the repository, or its folder.
    pub uri: Uri,
    /// The lines.
    pub range: Option<wire::Range>,
    /// The user's instruction.
    #[serde(default)]
    pub instruction: String,
    /// What a compiler or linter reports.
    #[serde(default)]
    pub diagnostics: Vec<Reported>,
    /// Whether the change in the index is meant.
    #[serde(default)]
    pub staged: bool,
    /// The revision since which the change is meant.
    pub since: Option<String>,
    /// Whether nobody waits for it: it goes into the queue, for about half the price.
    #[serde(default)]
    pub later: bool,
    /// Whether the command answers with the result, instead of applying or showing it. What is queued has none yet.
    #[serde(default)]
    pub returns: bool,
}

/// A diagnostic, as the client has it.
#[derive(Clone, Debug, Deserialize)]
pub struct Reported {
    /// Where.
    pub range: wire::Range,
    /// What it says.
    pub message: String,
}

impl Asked {
    /// A command of a client that gives no arguments: about the change of the first folder.
    pub(super) fn of_folder(uri: Uri) -> Asked {
        let (range, since, instruction, diagnostics) = (None, None, String::new(), Vec::new());
        Asked { uri, range, instruction, diagnostics, staged: false, since, later: false, returns: false }
    }
}

impl Desk {
    /// Runs a task to its result, with a progress. Returns the result if the command asks for it.
    pub async fn run(&self, task: Task, asked: Asked) -> anyhow::Result<Option<Value>> {
        // A client may also cancel the request itself, which drops all of this.
        let (running, mut cancelled) = self.demands.begin();
        let (heard, hears) = watch::channel(String::new());
        let shown =
            tokio::spawn(show(self.client.clone(), self.can(|editor| editor.progress), running.number, task, hears));
        let (mut notes, mut is_told) = (Vec::new(), false);
        let done = tokio::select! {
            biased;
            how = &mut cancelled => {
                is_told = how == Ok(Cancelled::ByCommand);
                None
            }
            done = self.ask(task, &asked, heard, &mut notes) => Some(done),
        };
        drop(running);
        let _ = shown.await;
        // A client may clear its line of messages when a progress ends.
        notes.into_iter().chain(is_told.then(|| "cancelled".into())).for_each(|note| self.tell(note));
        let Some(done) = done else { return Ok(None) };
        let done = done?;
        match asked.returns {
            true => Ok(Some(self.told(&done))),
            false => self.present(task, done).await.map(|_| None),
        }
    }

    /// Plans the jobs on a thread that may wait for disks, and runs them.
    async fn ask(
        &self,
        task: Task,
        asked: &Asked,
        heard: watch::Sender<String>,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<Done> {
        let (desk, wanted, handle) = (self.clone(), asked.clone(), Handle::current());
        let planned = tokio::task::spawn_blocking(move || handle.block_on(desk.plan(task, &wanted)));
        let (mut jobs, read) = planned.await??;
        let planned = jobs.len();
        if self.waits(&jobs, asked).await? {
            jobs = self.queue(&title(task, asked), jobs, notes).await?;
        }
        let (closed, jobs): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(|job| job.why_not().is_some());
        for (job, why) in closed.iter().filter_map(|job| Some((job, job.why_not()?))) {
            if closed.len() == planned {
                bail!("no model may be asked: {why}");
            }
            self.tell(format!("left out: {}: no model may be asked: {why}", job.about.shown()));
        }
        self.confirm(jobs.iter().map(|job| job.costs().1).sum()).await?;
        let (mut outcome, mut reviewed) = (Vec::new(), Vec::new());
        for job in &jobs {
            let tell = |Heard { model, tokens, cost }: Heard<'_>| {
                heard.send_replace(format!("{model}, {tokens} tokens, {cost} so far"));
            };
            outcome.push(job.run(&self.completer, &tell).await);
            if let About::Hunks(hunks) = &job.about {
                reviewed.extend(hunks.iter().cloned());
            }
        }
        let (ledger, calls) = (self.completer.ledger.opened().await.clone(), outcome.clone());
        let tried = calls.into_iter().flat_map(|outcome: Outcome| outcome.tried);
        let calls: Vec<_> = tried.filter_map(|tried| tried.call).collect();
        let cost = tokio::task::spawn_blocking(move || calls.into_iter().filter_map(|call| ledger.cost(call)).sum());
        Ok(Done { outcome, read, reviewed, cost: cost.await? })
    }

    /// Whether the jobs go into the queue, by the command, the settings, or the user who is asked.
    async fn waits(&self, jobs: &[Job], asked: &Asked) -> anyhow::Result<bool> {
        let policy = jobs.first().map_or(Queue::Now, Job::queue);
        match policy {
            _ if asked.later => Ok(true),
            Queue::Now => Ok(false),
            Queue::Batch => Ok(true),
            Queue::Ask => {
                let most: Money = jobs.iter().filter_map(Job::sendable).map(|sendable| sendable.worst()).sum();
                if most == Money::ZERO {
                    return Ok(false);
                }
                let message = format!("Pennyworth: by tomorrow this costs at most {most}.");
                Ok(self.choose(message, [NOW, BY_TOMORROW]).await?.is_some_and(|chosen| chosen == BY_TOMORROW))
            }
        }
    }

    /// Asks the user before more is spent than `confirm_usd`.
    pub(super) async fn confirm(&self, expected: Money) -> anyhow::Result<()> {
        if expected <= Money::from_usd(self.completer.configuration.get().settings().confirm_usd) {
            return Ok(());
        }
        let message = format!("Pennyworth: this costs about {expected}. Go on?");
        if self.choose(message, ["Yes", "No"]).await?.is_none_or(|chosen| chosen != "Yes") {
            bail!("nothing was sent: it would cost about {expected}");
        }
        Ok(())
    }

    /// What the user chooses; nothing if the question is closed.
    async fn choose(&self, question: String, choices: [&str; 2]) -> anyhow::Result<Option<String>> {
        let action = |title: &str| MessageActionItem { title: title.into(), properties: HashMap::new() };
        let actions = Some(choices.map(action).to_vec());
        let chosen = self.client.show_message_request(MessageType::Info, question, actions).await?;
        Ok(chosen.map(|chosen| chosen.title))
    }

    async fn plan(&self, task: Task, asked: &Asked) -> anyhow::Result<(Vec<Job>, Option<Read>)> {
        let configuration = self.completer.configuration.read().await;
        if matches!(task, Task::Review | Task::Commit) {
            return Ok((self.of_change(task, asked).await?, self.message_buffer(asked)));
        }
        let (snapshot, path, counting) = {
            let session = self.documents.session();
            let found = session.peek(&asked.uri).zip(session.path(&asked.uri)).zip(session.counting(&asked.uri));
            let ((snapshot, path), counting) = found.ok_or_else(|| anyhow::anyhow!(session.why_not(&asked.uri)))?;
            (snapshot, path, counting)
        };
        let range = asked.range.ok_or_else(|| anyhow::anyhow!("the command names no lines"))?;
        let file = File::of(&configuration, &path, Some(snapshot.language), &snapshot.text.to_string())
            .map_err(|refused| anyhow::anyhow!("{refused}"))?;
        let lines = convert::lines(&range);
        let reported: Vec<Diagnostic> = asked
            .diagnostics
            .iter()
            .map(|reported| Diagnostic { lines: convert::lines(&reported.range), message: reported.message.clone() })
            .collect();
        let words = asked.instruction.trim();
        let read = Read { uri: asked.uri.clone(), snapshot, counting };
        let job = match task {
            Task::Tests => {
                let open = self.documents.session().texts();
                let open = open.into_iter().map(|(path, text)| (path, text.to_string())).collect();
                let job = Job::tests(&self.completer, &configuration, file, lines.start, &open).await;
                job.map_err(|refused| anyhow::anyhow!("{refused}"))?
            }
            Task::Edit if words.is_empty() => {
                let job = Job::commented(&self.completer, &configuration, &file, lines).await;
                job.map_err(|refused| anyhow::anyhow!("{refused}"))?.ok_or_else(|| {
                    anyhow::anyhow!("there is no instruction: write it above the lines, as in `// {MARK} return early`")
                })?
            }
            _ => Job::about(&self.completer, &configuration, task, file, lines, words, &reported).await,
        };
        Ok((vec![job], Some(read)))
    }

    /// The document of a command, if it is a commit's message.
    fn message_buffer(&self, asked: &Asked) -> Option<Read> {
        let session = self.documents.session();
        let (snapshot, counting) = session.peek(&asked.uri).zip(session.counting(&asked.uri))?;
        let is_message = snapshot.language.name() == MESSAGE;
        is_message.then(|| Read { uri: asked.uri.clone(), snapshot, counting })
    }

    async fn of_change(&self, task: Task, asked: &Asked) -> anyhow::Result<Vec<Job>> {
        let configuration = self.completer.configuration.read().await;
        let place = convert::path(&asked.uri).unwrap_or_else(|| PathBuf::from("."));
        let open = self.documents.session().texts();
        let open = open.into_iter().map(|(path, text)| (path, text.to_string()));
        let repository = Repository::around(&workspace(&place))?.with_open(open)?;
        let range = match (&asked.since, asked.staged || task == Task::Commit) {
            (Some(revision), _) => Changes::Since(revision.clone()),
            (None, true) => Changes::Staged,
            (None, false) => Changes::Unstaged,
        };
        let mut changes = repository.changes(&range, &[], &mut Vec::new())?;
        if changes.is_empty() && range == Changes::Unstaged {
            changes = repository.changes(&Changes::Staged, &[], &mut Vec::new())?;
        }
        if task == Task::Review {
            changes.retain(Changed::has_other_text);
        }
        if changes.is_empty() {
            bail!(if range == Changes::Staged { "nothing is staged" } else { "nothing has changed" });
        }
        let mut refused = Vec::new();
        let jobs = match task {
            Task::Commit => {
                let subjects = repository.subjects();
                Job::commit(&self.completer, &configuration, &changes, &subjects, &mut refused)
                    .await
                    .into_iter()
                    .collect()
            }
            _ => Job::review(&self.completer, &configuration, &changes, &mut refused).await,
        };
        if jobs.is_empty() {
            bail!("nothing of the change may go into a prompt");
        }
        Ok(jobs)
    }
}

/// The language of a commit's message.
pub(super) const MESSAGE: &str = "gitcommit";

/// What a queued task is called: the task, the file's name, and the line.
fn title(task: Task, asked: &Asked) -> String {
    let path = convert::path(&asked.uri).unwrap_or_default();
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    match asked.range.filter(|_| task != Task::Review) {
        Some(range) => format!("{task} {name}:{}", range.start.line + 1),
        None => task.to_string(),
    }
}

/// Shows the progress of a task until nobody tells of it any more.
async fn show(client: Client, shows: bool, number: u64, task: Task, mut hears: watch::Receiver<String>) {
    let token = ProgressToken::String(format!("{TOKEN}{number}"));
    let made = client.create_work_done_progress(token.clone());
    if !shows || !matches!(timeout(PATIENCE, made).await, Ok(Ok(()))) {
        return;
    }
    let progress = client.progress(token, format!("Pennyworth: {task}")).with_cancel_button().begin().await;
    while hears.changed().await.is_ok() {
        let message = hears.borrow_and_update().clone();
        progress.report_with_message(message, Some(true)).await;
        tokio::time::sleep(TOGETHER).await;
    }
    progress.finish().await;
}

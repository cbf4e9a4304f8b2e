//! What a job sends and what was answered, as files beside the ledger that only the user can read: two for each job, removed once its answer was
//! applied or thrown away, and after two weeks in any case. It leaves when to write and to remove them to the other files.

use std::fmt;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use pennyworth_core::prompt::{Body, Excerpt};
use pennyworth_core::task::Task;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::demand::About;
use crate::ledger::{JobId, Ledger};
use crate::private;
use crate::trial::QueuedHole;

/// How long the files of a job are kept at most, and how long its answer is waited for.
pub(super) const KEPT: Duration = Duration::from_secs(14 * 24 * 3600);
/// The time after which the call of a job counts as lost.
pub(super) const ENDS: Duration = Duration::from_secs(15 * 24 * 3600);
/// The folder's name.
const FOLDER: &str = "jobs";
/// The endings of the two files of a job.
const PROMPT: &str = "prompt";
const ANSWER: &str = "answer";
/// A file that belongs to no job of the ledger is left alone for so long: its job may be about to be written.
const ABOUT_TO_BE: Duration = Duration::from_secs(3600);

/// What a job sends, and what its answer is judged by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// What it is, for a person: the task and its place.
    pub title: String,
    /// The workspace.
    pub root: PathBuf,
    /// The files whose text is in its prompt.
    pub files: Vec<PathBuf>,
    /// What is asked for.
    pub task: Task,
    /// The language's name.
    pub language: String,
    /// What its answer is judged by.
    pub about: Subject,
    /// The models to ask if the answer is not valid, in order.
    #[serde(default)]
    pub next: Vec<Next>,
    /// Stop texts to send.
    #[serde(default)]
    pub stops: Vec<String>,
    #[serde(flatten)]
    sent: Sent,
}

/// What the answer of a job is judged by.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Subject {
    /// A task on demand.
    Task(About),
    /// A hole of a trial.
    Hole(QueuedHole),
}

/// A prompt as it is kept. Prompts of other parts of the program cannot be written, so that none is by mistake.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Sent {
    Chat { system: String, shared: String, user: String },
    Fields { prompt: String, suffix: String, excerpts: Vec<[String; 3]> },
    Raw { prompt: String },
}

impl fmt::Debug for Sent {
    /// Without the prompt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (form, bytes) = self.size();
        write!(f, "{form} of {bytes} bytes")
    }
}

impl Sent {
    /// Its form, and its bytes.
    fn size(&self) -> (&'static str, usize) {
        match self {
            Sent::Chat { system, shared, user } => ("chat", system.len() + shared.len() + user.len()),
            Sent::Fields { prompt, suffix, excerpts } => {
                let excerpts: usize = excerpts.iter().flatten().map(String::len).sum();
                ("fields", prompt.len() + suffix.len() + excerpts)
            }
            Sent::Raw { prompt } => ("raw", prompt.len()),
        }
    }
}

impl From<Body> for Sent {
    fn from(body: Body) -> Sent {
        match body {
            Body::Chat { system, shared, user } => Sent::Chat { system, shared, user },
            Body::Fields { prompt, suffix, excerpts } => {
                let parts = |Excerpt { path, above, text }| [path, above, text];
                Sent::Fields { prompt, suffix, excerpts: excerpts.into_iter().map(parts).collect() }
            }
            Body::Raw { prompt } => Sent::Raw { prompt },
        }
    }
}

impl From<Sent> for Body {
    fn from(sent: Sent) -> Body {
        match sent {
            Sent::Chat { system, shared, user } => Body::Chat { system, shared, user },
            Sent::Fields { prompt, suffix, excerpts } => {
                let excerpt = |[path, above, text]: [String; 3]| Excerpt { path, above, text };
                Body::Fields { prompt, suffix, excerpts: excerpts.into_iter().map(excerpt).collect() }
            }
            Sent::Raw { prompt } => Body::Raw { prompt },
        }
    }
}

/// A model to ask if the one before has no valid answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Next {
    /// Its name in tables.
    pub model: String,
    /// Estimated tokens of its prompt.
    pub prompt_tokens: u32,
}

/// An answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Its text.
    pub text: String,
    /// Whether its ceiling ended it.
    pub is_truncated: bool,
}

impl fmt::Debug for Said {
    /// Without the text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said").field("is_truncated", &self.is_truncated).finish_non_exhaustive()
    }
}

impl Kept {
    /// The same with a prompt.
    pub fn new(of: (String, Task, String), place: (PathBuf, Vec<PathBuf>), about: Subject, body: Body) -> Kept {
        let ((title, task, language), (root, files)) = (of, place);
        let (next, stops) = (Vec::new(), Vec::new());
        Kept { title, root, files, task, language, about, next, stops, sent: body.into() }
    }

    /// The same for the next model, whose messages begin with this text.
    pub(super) fn for_next(&self, system: &str) -> Kept {
        let mut next = self.clone();
        next.next = self.next.iter().skip(1).cloned().collect();
        if let Sent::Chat { system: own, .. } = &mut next.sent {
            system.clone_into(own);
        }
        next
    }

    /// What it is about, if it is a task on demand.
    pub fn about(&self) -> Option<&About> {
        match &self.about {
            Subject::Task(about) => Some(about),
            Subject::Hole(_) => None,
        }
    }

    /// Its prompt.
    pub fn body(&self) -> Body {
        self.sent.clone().into()
    }

    /// The form of its prompt, and its bytes. A batch holds prompts of one form, since each has a path of its own at its provider.
    pub(super) fn size(&self) -> (&'static str, usize) {
        self.sent.size()
    }
}

/// The files of all jobs.
#[derive(Clone, Debug)]
pub struct KeptJobs(PathBuf);

impl KeptJobs {
    /// Those beside a ledger; `None` if it has no place.
    pub fn beside(ledger: &Ledger) -> Option<KeptJobs> {
        ledger.folder().map(|folder| KeptJobs(folder.join(FOLDER)))
    }

    /// Does work on the files, on a thread that may wait for the disk. `None` if it panicked.
    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&KeptJobs) -> T + Send + 'static,
    ) -> Option<T> {
        let kept = self.clone();
        tokio::task::spawn_blocking(move || work(&kept)).await.ok()
    }

    /// Writes what a job sends. It is on the disk when this returns.
    pub fn write(&self, id: JobId, kept: &Kept) -> io::Result<()> {
        self.put(id, PROMPT, kept)
    }

    /// What a job sends; `None` if it is not kept any more.
    pub fn read(&self, id: JobId) -> Option<Kept> {
        self.get(id, PROMPT)
    }

    /// Writes the answer of a job.
    pub fn write_answer(&self, id: JobId, said: &Said) -> io::Result<()> {
        self.put(id, ANSWER, said)
    }

    /// The answer of a job, if it is kept.
    pub fn answer(&self, id: JobId) -> Option<Said> {
        self.get(id, ANSWER)
    }

    /// Removes both files of a job.
    pub fn forget(&self, id: JobId) {
        for ending in [PROMPT, ANSWER] {
            if let Err(error) = fs::remove_file(self.path(id, ending))
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "a file of a job cannot be removed");
            }
        }
    }

    /// Removes the files of jobs that are not among these, unless they are new.
    pub fn forget_others(&self, known: &[JobId]) {
        for entry in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            let path = entry.path();
            let id = path.file_stem().and_then(|name| JobId::parse(name.to_str()?));
            let age = entry.metadata().ok().and_then(|found| found.modified().ok()?.elapsed().ok());
            let is_known = id.is_some_and(|id| known.contains(&id));
            if !is_known && age.is_some_and(|age| age > ABOUT_TO_BE) {
                let _ = fs::remove_file(&path);
            }
        }
    }

    /// The file of what a job sends.
    pub(super) fn prompt(&self, id: JobId) -> PathBuf {
        self.path(id, PROMPT)
    }

    fn path(&self, id: JobId, ending: &str) -> PathBuf {
        self.0.join(format!("{id}.{ending}"))
    }

    fn put(&self, id: JobId, ending: &str, value: &impl Serialize) -> io::Result<()> {
        private::create_folder(&self.0)?;
        let (path, beside) = (self.path(id, ending), self.path(id, &format!("{ending}-new")));
        let mut file = private::replace_file(&beside)?;
        file.write_all(serde_json::to_string(value)?.as_bytes())?;
        // A job whose row is there has its file, whatever happens to the machine.
        file.sync_all()?;
        fs::rename(&beside, &path).inspect_err(|_| drop(fs::remove_file(&beside)))
    }

    fn get<T: DeserializeOwned>(&self, id: JobId, ending: &str) -> Option<T> {
        let text = read_plain(&self.path(id, ending))?;
        serde_json::from_str(&text).inspect_err(|error| tracing::warn!(%error, "a file of a job cannot be read")).ok()
    }
}

/// The text of a file of ours. What a link leads to is not ours.
fn read_plain(path: &Path) -> Option<String> {
    let file = private::open_file(path, fs::OpenOptions::new().read(true)).ok()?;
    io::read_to_string(file).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn again(kept: &Kept) -> Kept {
        serde_json::from_str(&serde_json::to_string(kept).unwrap()).unwrap()
    }

    #[test]
    fn every_form_of_a_prompt_is_read_as_it_was_written() {
        let excerpt = Excerpt { path: "b.rs".into(), above: String::new(), text: "fn b() {}".into() };
        for (body, form) in [
            (Body::Chat { system: "s".into(), shared: String::new(), user: "u".into() }, "chat"),
            (Body::Fields { prompt: "a".into(), suffix: "z".into(), excerpts: vec![excerpt] }, "fields"),
            (Body::Raw { prompt: "a".into() }, "raw"),
        ] {
            let about = Subject::Task(About::Code);
            let of = ("t".into(), Task::Line, "rust".into());
            let kept = again(&Kept::new(of, (PathBuf::from("/a"), Vec::new()), about, body.clone()));
            assert!(kept.body() == body, "{form}");
            assert_eq!((kept.size().0, kept.about()), (form, Some(&About::Code)));
        }
    }

    #[test]
    fn a_job_that_an_older_program_kept_is_read() {
        let text = r#"{"title": "t", "root": "/a", "files": ["/a/b.rs"], "task": "explain", "language": "rust", "about": "code",
            "next": [], "system": "s", "shared": "", "user": "u"}"#;
        let kept: Kept = serde_json::from_str(text).unwrap();
        assert!(kept.body() == Body::Chat { system: "s".into(), shared: String::new(), user: "u".into() });
        assert_eq!((kept.about(), kept.stops.len()), (Some(&About::Code), 0));
    }
}

//! The keys of models, from the environment variable, keychain or command in a model's row. Keys are kept in memory and nowhere else.
//! A program that prints a key runs once at a time, and what it failed at is remembered for a while.
//! It leaves which models there are to the settings, running programs to `command`, and sending a key to `pennyworth-providers`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use pennyworth_core::models::Model;
use secrecy::{ExposeSecret, SecretString};
use tokio::process::Command;

mod command;
mod error;
pub mod keychain;

use command::Running;
pub use command::end_programs;
pub use error::KeyError;
use keychain::{Act, keychain};

use super::health::Again;
use crate::signals::Signal;
use crate::sync::lock;

/// How long the first failure of a program is remembered; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest that a failure is remembered.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// The keys that programs printed.
#[derive(Default)]
pub struct Keys {
    known: Arc<Mutex<Known>>,
    running: Running,
}

/// What is known of each source. A program that began before the last [`Keys::forget`] has nothing to say any more.
#[derive(Default)]
struct Known {
    sources: HashMap<Source, State>,
    forgotten: usize,
}

/// What prints a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    /// The keychain, given a name.
    Keychain(String),
    /// A line of the user's shell.
    Command(String),
}

type Outcome = Result<SecretString, KeyError>;

/// The state of a source, with its failures in a row.
#[derive(Clone)]
enum State {
    Runs(Shared<BoxFuture<'static, Outcome>>, u32),
    Printed(SecretString, Instant),
    Failed { error: KeyError, until: Instant, failures: u32 },
}

impl Keys {
    /// The key of a model; `None` if its row names none, as for most servers on this machine. The variable is tried first, then the
    /// keychain, then the command. A program goes on when this is dropped, so that a store may be unlocked while the user types.
    pub async fn of(&self, model: &Model) -> Result<Option<SecretString>, KeyError> {
        match self.named(model).await {
            // A local server usually needs no key, even if its row names one.
            Err(_) if model.address_is_here() && model.api_key_cmd.is_none() => Ok(None),
            found => found,
        }
    }

    /// The same, but a key that a row names must be there for a server on this machine, too.
    pub async fn named(&self, model: &Model) -> Result<Option<SecretString>, KeyError> {
        let mut missing = match of_variable(model) {
            Some(Ok(key)) => return Ok(Some(key)),
            Some(Err(unset)) => Some(unset),
            None => None,
        };
        if let Some(name) = &model.api_key_keychain {
            match self.printed_by(Source::Keychain(name.clone())).await {
                Ok(key) => return Ok(Some(key)),
                Err(error) => missing = Some(error.of_keychain(name)),
            }
        }
        match (&model.api_key_cmd, missing) {
            (Some(command), _) => self.printed_by(Source::Command(command.clone())).await.map(Some),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(None),
        }
    }

    /// A provider refused the model's key in a call that began at `began`. If a program printed it before, the program runs once more. Returns
    /// whether there is another key now.
    pub async fn refused(&self, model: &Model, began: Instant) -> bool {
        if matches!(of_variable(model), Some(Ok(_))) {
            return false;
        }
        let mut old = None;
        {
            let mut known = lock(&self.known);
            for source in sources(model) {
                match known.sources.get(&source) {
                    Some(State::Printed(_, at)) if *at > began => return true,
                    Some(State::Printed(key, _)) => old = Some(key.clone()),
                    _ => continue,
                }
                known.sources.remove(&source);
                break;
            }
        }
        let Some(old) = old else { return false };
        matches!(self.of(model).await, Ok(Some(new)) if new.expose_secret() != old.expose_secret())
    }

    /// The program that a model's key is awaited from, as messages name it.
    pub fn program(&self, model: &Model) -> String {
        let known = lock(&self.known);
        let running = sources(model).find(|source| matches!(known.sources.get(source), Some(State::Runs(..))));
        match running.or_else(|| sources(model).next()) {
            Some(Source::Keychain(_)) => keychain().map_or("?", |keychain| keychain.tool.as_str()).to_owned(),
            Some(Source::Command(_)) | None => "api_key_cmd".to_owned(),
        }
    }

    /// When it is tried again to get a key that was not to be had.
    pub fn again(&self, model: &Model) -> Again {
        let known = lock(&self.known);
        let mut sources = sources(model).peekable();
        if sources.peek().is_none() {
            // A variable changes only with a new process.
            return Again::Changed;
        }
        let until = sources.filter_map(|source| match known.sources.get(&source) {
            Some(State::Failed { until, .. }) => Some(*until),
            _ => None,
        });
        until.max().map_or(Again::Now, Again::At)
    }

    /// The owner ends in order at these signals, and forgets all keys. At any other one the process ends at once, with the programs that run.
    pub fn leave_signals(&self, signals: &[Signal]) {
        self.running.leave_signals(signals);
    }

    /// Forgets all keys, because the configuration changed, and ends the programs that run.
    pub fn forget(&self) {
        let mut known = lock(&self.known);
        known.sources.clear();
        known.forgotten += 1;
        self.running.end();
    }

    async fn printed_by(&self, source: Source) -> Outcome {
        let running = {
            let mut known = lock(&self.known);
            let failures = match known.sources.get(&source) {
                Some(State::Printed(key, _)) => return Ok(key.clone()),
                Some(State::Failed { error, until, .. }) if Instant::now() < *until => return Err(error.clone()),
                Some(State::Runs(running, failures)) => Err((running.clone(), *failures)),
                Some(State::Failed { failures, .. }) => Ok(*failures),
                None => Ok(0),
            };
            match failures {
                Err((running, _)) => running,
                Ok(failures) => {
                    let running = self.run(source.clone(), failures, known.forgotten);
                    known.sources.insert(source, State::Runs(running.clone(), failures));
                    running
                }
            }
        };
        running.await
    }

    /// Starts a program, which notes what became of it.
    fn run(&self, source: Source, failures: u32, forgotten: usize) -> Shared<BoxFuture<'static, Outcome>> {
        let (known, running) = (Arc::clone(&self.known), self.running.clone());
        let task = tokio::spawn(async move {
            let outcome = match command(&source) {
                Some(command) => command::printed(command, &running).await,
                None => Err(KeyError::NotRun(std::io::Error::from(std::io::ErrorKind::Unsupported).to_string())),
            };
            let mut known = lock(&known);
            if known.forgotten == forgotten {
                let pause = FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(LONGEST_PAUSE);
                let state = match &outcome {
                    Ok(key) => State::Printed(key.clone(), Instant::now()),
                    Err(error) => {
                        let (error, until) = (error.clone(), Instant::now() + pause);
                        State::Failed { error, until, failures: failures.saturating_add(1) }
                    }
                };
                known.sources.insert(source, state);
            }
            outcome
        });
        task.map(|ended| ended.unwrap_or_else(|error| Err(KeyError::NotRun(error.to_string())))).boxed().shared()
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.running.end();
    }
}

/// The key in a model's environment variable; `None` if its row names no variable.
fn of_variable(model: &Model) -> Option<Outcome> {
    let name = model.api_key_env.as_ref()?;
    Some(match std::env::var(name) {
        Ok(key) if !key.trim().is_empty() => Ok(key.trim().to_owned().into()),
        _ => Err(KeyError::Unset(name.clone())),
    })
}

/// The programs that may print a model's key, in their order.
fn sources(model: &Model) -> impl Iterator<Item = Source> {
    let keychain = model.api_key_keychain.clone().map(Source::Keychain);
    keychain.into_iter().chain(model.api_key_cmd.clone().map(Source::Command))
}

/// The program of a source; `None` if this system has no keychain that we know.
fn command(source: &Source) -> Option<Command> {
    match source {
        Source::Keychain(name) => Some(keychain()?.command(Act::Get, name)),
        Source::Command(command) => {
            let (shell, flag) = if cfg!(windows) { ("cmd", "/C") } else { ("sh", "-c") };
            let mut process = Command::new(shell);
            process.arg(flag).arg(command);
            Some(process)
        }
    }
}

#[cfg(test)]
mod tests {
    use pennyworth_core::models::{Models, Rows};

    use super::*;

    fn model(keys: &str) -> Model {
        let source = format!(
            "[model.m]\nprotocol = \"openai\"\nbase_url = \"http://localhost:1\"\nmodel = \"qwen2.5-coder\"\ntier = \"local\"\n{keys}"
        );
        let rows: Rows = toml::from_str(&source).unwrap();
        Models::builtin().with_rows("test", rows).0.get("m").unwrap().clone()
    }

    async fn check(keys: &str, expected: Result<Option<&str>, KeyError>) {
        let found = Keys::default().of(&model(keys)).await;
        let found = found.as_ref().map(|key| key.as_ref().map(ExposeSecret::expose_secret)).map_err(Clone::clone);
        assert_eq!(found, expected, "{keys}");
    }

    /// A command that counts its runs in a file, and the file.
    fn counting(place: &tempfile::TempDir, then: &str) -> (Model, std::path::PathBuf) {
        let count = place.path().join("count");
        (
            model(
                &format!("api_key_cmd = \"echo run >> {0}; {then}\"", count.display())
                    .replace("COUNT", &count.display().to_string()),
            ),
            count,
        )
    }

    fn runs(count: &std::path::Path) -> usize {
        std::fs::read_to_string(count).map_or(0, |text| text.lines().count())
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn keys_come_from_a_variable_or_a_command_and_faults_are_named() {
        let failed = |code: i32| KeyError::Failed(format!("exit status: {code}"));
        check("", Ok(None)).await;
        check("api_key_env = \"PENNYWORTH_NO_SUCH_KEY\"", Ok(None)).await;
        check("api_key_cmd = \"printf '\\n  sesame \\nnotes\\n'\"", Ok(Some("sesame"))).await;
        check("api_key_env = \"PENNYWORTH_NO_SUCH_KEY\"\napi_key_cmd = \"echo sesame\"", Ok(Some("sesame"))).await;
        check("api_key_cmd = \"echo sesame; exit 3\"", Err(failed(3))).await;
        check("api_key_cmd = \"true\"", Err(KeyError::Empty)).await;
        check("api_key_cmd = \"printf '\\\\377'\"", Err(KeyError::Empty)).await;
        check("api_key_cmd = \"yes\"", Err(KeyError::Empty)).await;
        // What a program leaves running does not hold up its key.
        check("api_key_cmd = \"sleep 100 & echo sesame\"", Ok(Some("sesame"))).await;
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_command_runs_once_until_forgotten_also_for_many_at_a_time() {
        let place = tempfile::tempdir().unwrap();
        let (model, count) = counting(&place, "wc -l < COUNT");
        let keys = Keys::default();
        let all = futures_util::future::join_all((0..8).map(|_| keys.of(&model))).await;
        assert!(all.into_iter().all(|key| key.unwrap().unwrap().expose_secret() == "1"));
        keys.forget();
        assert_eq!(keys.of(&model).await.unwrap().unwrap().expose_secret(), "2");
        assert_eq!(runs(&count), 2);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_program_that_a_key_is_awaited_from_is_named() {
        let keys = Keys::default();
        let slow = model("api_key_cmd = \"sleep 100\"");
        assert!(keys.of(&slow).now_or_never().is_none());
        assert_eq!(keys.program(&slow), "api_key_cmd");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_failure_is_remembered_and_says_when_it_is_tried_again() {
        let place = tempfile::tempdir().unwrap();
        let (model, count) = counting(&place, "exit 3");
        let keys = Keys::default();
        for _ in 0..5 {
            assert_eq!(keys.of(&model).await.map(drop), Err(KeyError::Failed("exit status: 3".into())));
        }
        assert_eq!(runs(&count), 1);
        let Again::At(until) = keys.again(&model) else { panic!("{:?}", keys.again(&model)) };
        assert!(until > Instant::now() + FIRST_PAUSE / 2);
        assert_eq!(keys.again(&self::model("api_key_env = \"PENNYWORTH_NO_SUCH_KEY\"")), Again::Changed);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_refused_key_is_printed_once_more_and_only_another_one_is_tried() {
        let place = tempfile::tempdir().unwrap();
        let keys = Keys::default();
        let (changes, count) = counting(&place, "wc -l < COUNT");
        keys.of(&changes).await.unwrap();
        let began = Instant::now();
        assert!(keys.refused(&changes, began).await);
        assert_eq!(keys.of(&changes).await.unwrap().unwrap().expose_secret(), "2");
        assert!(keys.refused(&changes, began).await, "another call has asked for it already");
        assert_eq!(runs(&count), 2);
        let stays = model("api_key_cmd = \"echo sesame\"");
        keys.of(&stays).await.unwrap();
        assert!(!keys.refused(&stays, Instant::now()).await);
        assert!(!keys.refused(&model(""), Instant::now()).await);
    }

    /// The program is a pipe, of which only the shell is our child.
    #[cfg(unix)]
    #[tokio::test]
    async fn nothing_that_a_program_started_outlives_it() {
        for ends in [Keys::forget as fn(&Keys), |_| {}] {
            let place = tempfile::tempdir().unwrap();
            let fifo = place.path().join("alive");
            let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
            assert!(made.success());
            // Its end of the pipe closes when the last of its processes is gone.
            let model = model(&format!("api_key_cmd = \"exec 3> {}; echo up >&3; sleep 1000 | cat\"", fifo.display()));
            let keys = Keys::default();
            let reader = tokio::task::spawn_blocking(move || std::fs::File::open(fifo).unwrap());
            let asked = async { keys.of(&model).await.map(drop) };
            let mut reader = tokio::select! {
                reader = reader => reader.unwrap(),
                end = asked => panic!("{end:?}"),
            };
            let mut up = [0; 3];
            std::io::Read::read_exact(&mut reader, &mut up).unwrap();
            ends(&keys);
            drop(keys);
            // A read that ends shows that nobody writes any more; a test that hangs here has found somebody.
            let rest = tokio::task::spawn_blocking(move || std::io::Read::read_to_end(&mut reader, &mut Vec::new()));
            assert_eq!(rest.await.unwrap().unwrap(), 0);
        }
    }
}

//! A folder that is a user's home, with a configuration and a project in it, and the real binary run there. It leaves the fake it calls to
//! `fake_provider` and `fake_batches`, and a session of an editor to `editor`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;

use tokio::process::Command;

use crate::editor::binary;

/// The binary, which is built once.
pub static BINARY: LazyLock<PathBuf> = LazyLock::new(binary);

/// What a command printed: its exit code, standard output, and standard error.
pub type Printed = (Option<i32>, String, String);

/// A home with the file `config.toml` and the folder `project`. Paths are relative to the home.
pub struct Project {
    folder: tempfile::TempDir,
    /// Variables of every command, besides `HOME` and `PATH`.
    pub variables: Vec<(&'static str, &'static str)>,
}

impl Default for Project {
    fn default() -> Project {
        Project::new()
    }
}

impl Project {
    /// An empty home.
    ///
    /// # Panics
    /// If there is no place for temporary files.
    #[must_use]
    pub fn new() -> Project {
        let project = Project { folder: tempfile::tempdir().unwrap(), variables: Vec::new() };
        std::fs::create_dir_all(project.root()).unwrap();
        project
    }

    /// The home.
    #[must_use]
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    /// The project's folder.
    #[must_use]
    pub fn root(&self) -> PathBuf {
        self.path("project")
    }

    /// A place in the home.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, and makes its folders.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Reads a file.
    #[must_use]
    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs Git in the project, also where the user has told it no name. Returns whether it succeeded.
    pub async fn does_git(&self, arguments: &[&str]) -> bool {
        let mut command = Command::new("git");
        command.current_dir(self.root()).args(["-c", "user.name=a", "-c", "user.email=a@example.com"]);
        command.args(arguments).status().await.unwrap().success()
    }

    /// Runs Git in the project.
    pub async fn git(&self, arguments: &[&str]) {
        assert!(self.does_git(arguments).await, "{arguments:?}");
    }

    /// Makes the project a repository with all its files in one commit.
    pub async fn commit(&self, subject: &str) {
        self.git(&["init", "-q"]).await;
        self.git(&["add", "."]).await;
        self.git(&["commit", "-q", "-m", subject]).await;
    }

    /// The binary with these arguments, in the project, with the home's configuration and nothing else of this machine.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&*BINARY);
        command.current_dir(self.root()).arg("--config").arg(self.path("config.toml")).args(arguments);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("HOME", self.home()).env("PATH", path).envs(self.variables.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Runs the binary to its end.
    pub async fn run(&self, arguments: &[&str]) -> Printed {
        let output = self.command(arguments).output().await.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }
}

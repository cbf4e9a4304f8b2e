//! A project, a model whose provider has batches, and a fake of its API that keeps a bill of its own: what the tests of the queue share. It leaves the
//! API to `fake_batches`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::PathBuf;

use pennyworth_core::money::Money;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::editor::{Editor, uri};
use crate::fake_batches::{Api, Course, FakeBatches, KEY, Step};
use crate::paid;
use crate::project::{BINARY, Project};

/// The file `src/a.rs`.
pub const SOURCE: &str = "//! Sums.\n\npub fn add(a: u8, b: u8) -> u8 {\n    scaled(a + b)\n}\n\nfn unused() {}\n";
/// What the model answers: line 4 changes.
pub const EDITED: &str = "```rust\npub fn add(a: u8, b: u8) -> u8 {\n    scaled(b + a)\n}\n```\n";

/// A fake, and a home with a configuration and a project.
pub struct Queued {
    /// The provider.
    pub fake: FakeBatches,
    project: Project,
}

impl Deref for Queued {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.project
    }
}

impl Queued {
    /// With a fake of this API.
    pub async fn new(api: Api) -> Queued {
        Queued::with(api, "").await
    }

    /// With these lines at the head of the configuration.
    pub async fn with(api: Api, head: &str) -> Queued {
        let mut project = Project::new();
        project.variables.push(("FAKE_KEY", KEY));
        let scene = Queued { fake: FakeBatches::start(api).await.unwrap(), project };
        scene.configure(api, head);
        scene.write("project/src/a.rs", SOURCE);
        std::fs::create_dir_all(scene.path("project/.git")).unwrap();
        scene.fake.course(Course { text: Some(EDITED.into()), ..Course::default() });
        scene
    }

    /// Writes the configuration of a model with batches, with these lines at its head.
    pub fn configure(&self, api: Api, head: &str) {
        let (provider, more) = match api {
            Api::Openai => ("openai", ""),
            Api::Together => ("together", ""),
            Api::Anthropic => ("anthropic", ""),
            Api::Gemini => ("gemini", ""),
            Api::Mistral => ("mistral", ""),
            Api::Openrouter => ("openrouter", "extra = { provider = { only = ['mistral'] } }\n"),
        };
        let row = format!(
            "[model.m]\nprovider = '{provider}'\nbase_url = '{}'\nmodel = 'm-1'\nformat = 'chat'\ntier = 'cheap'\ncontext = 64000\n\
             api_key_env = 'FAKE_KEY'\n{more}price = {{ input = 1, output = 2, batch = 0.5, as_of = '2026-11-30' }}\n",
            self.fake.base_url()
        );
        self.write("config.toml", &format!("discover = false\n{head}\n[embedded]\nenabled = false\n{row}"));
    }

    /// Queues an edit of the file, and returns the job's id.
    pub async fn queue(&self) -> String {
        let (code, out, notes) = self.run(&["edit", "src/a.rs:4", "Swap the operands.", "--batch", "--json"]).await;
        assert_eq!(code, Some(0), "{notes}");
        let told: Value = serde_json::from_str(&out).unwrap();
        told["queued"][0]["id"].as_str().unwrap().to_owned()
    }

    /// An editor with the project's file open.
    pub async fn edits(&self) -> Editor {
        let (home, config) = (self.home().to_str().unwrap(), self.path("config.toml"));
        let variables = [("HOME", home), ("FAKE_KEY", KEY)];
        let mut editor = Editor::spawn(&BINARY, &["--config", config.to_str().unwrap()], &variables).unwrap();
        let can = json!({"workspace": {"applyEdit": true, "workspaceEdit": {"documentChanges": true}}});
        editor.initialize(can, Value::Null, Some(&self.path("project"))).await;
        editor.open(&self.uri(), "rust", 1, &self.read("project/src/a.rs")).await;
        editor
    }

    /// The document's URI.
    pub fn uri(&self) -> String {
        uri(&self.path("project/src/a.rs"))
    }

    /// All jobs after a look at the provider: the state of each by its id.
    pub async fn jobs(&self) -> BTreeMap<String, String> {
        let (_, out, notes) = self.run(&["jobs", "--json"]).await;
        let told: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out} {notes}"));
        let text = |job: &Value, key: &str| job[key].as_str().unwrap_or_default().to_owned();
        told["jobs"].as_array().unwrap().iter().map(|job| (text(job, "id"), text(job, "state"))).collect()
    }

    /// The only job's state.
    pub async fn state(&self) -> String {
        let jobs = self.jobs().await;
        assert_eq!(jobs.len(), 1, "{jobs:?}");
        jobs.into_values().next().unwrap()
    }

    /// The ledger.
    pub fn ledger(&self) -> Connection {
        Connection::open(paid::ledger(self.home())).unwrap()
    }

    /// Lets an hour pass for the queue: leases end, and what is not to be found was not sent.
    pub fn an_hour_passes(&self) {
        let ledger = self.ledger();
        ledger.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        ledger
            .execute_batch(
                "UPDATE lease SET until_ms = 0;
                 UPDATE batches SET at_ms = at_ms - 3600000, sent_ms = sent_ms - 3600000, due_ms = due_ms - 3600000;",
            )
            .unwrap();
    }

    /// What the ledger counted, and what is reserved.
    pub fn spent(&self) -> (Money, i64) {
        let query = "SELECT coalesce(sum(charge), 0), count(*) FILTER (WHERE status = 'open') FROM calls";
        let read = |row: &rusqlite::Row<'_>| Ok((Money::from_pico(row.get(0)?), row.get(1)?));
        self.ledger().query_row(query, [], read).unwrap()
    }

    /// The provider's bill: half a dollar and one for a million tokens.
    pub fn billed(&self) -> Money {
        let bill = self.fake.bill();
        Money::from_pico(500_000).times(bill.input) + Money::from_pico(1_000_000).times(bill.output)
    }

    /// The files of jobs.
    pub fn kept(&self) -> Vec<PathBuf> {
        let folder = self.path(".local/state/pennyworth/jobs");
        std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect()
    }

    /// How often a step was taken.
    pub fn count(&self, step: Step) -> usize {
        self.fake.steps().iter().filter(|taken| **taken == step).count()
    }

    /// Ends all batches.
    pub fn finish(&self) {
        self.fake.finish();
    }
}

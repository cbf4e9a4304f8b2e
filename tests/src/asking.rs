//! A project with chat models that a fake provider has, for commands that ask them. It leaves what is in the project to each test.

use std::ops::Deref;

use serde_json::Value;

use crate::fake_provider::{Answer, FakeProvider};
use crate::project::Project;

/// A project whose configuration has chat models.
pub struct Asking {
    /// The provider of them all.
    pub fake: FakeProvider,
    project: Project,
}

impl Deref for Asking {
    type Target = Project;

    fn deref(&self) -> &Project {
        &self.project
    }
}

impl Asking {
    /// With lines at the head of the configuration, and models of a tier each, at 1 and 2 USD per million tokens.
    ///
    /// # Panics
    /// If the fake provider cannot start.
    pub async fn new(head: &str, models: &[(&str, &str)]) -> Asking {
        let fake = FakeProvider::start().await.expect("a free port");
        let row = |(name, tier): &(&str, &str)| {
            format!(
                "[model.{name}]\nprotocol = 'openai'\nbase_url = '{}'\nmodel = '{name}'\nformat = 'chat'\ntier = '{tier}'\ncontext = 32000\n\
                 price = {{ input = 1, output = 2, as_of = '2026-11-25' }}\n",
                fake.base_url()
            )
        };
        let rows: String = models.iter().map(row).collect();
        let asking = Asking { project: Project::new(), fake };
        asking.write("config.toml", &format!("discover = false\n{head}\n[embedded]\nenabled = false\n{rows}"));
        asking
    }

    /// The models' next answers.
    pub fn says(&self, answers: &[&str]) {
        answers.iter().for_each(|answer| self.fake.answer(Answer::new(&[answer])));
    }

    /// Which model each call was for, and its two messages.
    #[must_use]
    pub fn prompts(&self) -> Vec<(String, String, String)> {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let seen = self.fake.seen();
        let calls = seen.iter().filter(|seen| seen.line.ends_with("/chat/completions"));
        let parts = |body: &Value| {
            let message = |at: &str| text(body.pointer(at));
            (text(body.get("model")), message("/messages/0/content"), message("/messages/1/content"))
        };
        calls.map(|seen| parts(&seen.body)).collect()
    }

    /// What the models were asked, without what all requests begin with.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.prompts().into_iter().map(|(_, _, user)| user).collect()
    }
}

//! Answers of models to tasks on demand, good and bad, through each wire protocol that carries messages, to what the real binary prints. The cases
//! are the files of `tests/answers`, one for each task. It leaves prompts and money to `demand`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::path::Path;

use pennyworth_core::task::Task;
use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use pennyworth_tests::project::Project;
use serde::Deserialize;

const SOURCE: &str = "//! Sums.\n\n/// The rate.\npub const RATE: u8 = 2;\n\npub fn add(a: u8, b: u8) -> u8 {\n    scaled(a + b)\n}\n\nfn unused() {}\n";
/// Characters of a piece of an answer: a token of the fake's.
const PIECE: usize = 4;

/// The cases of a task.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cases {
    case: Vec<Case>,
}

/// An answer, and what becomes of it. Without `out` and `holds` it is not valid.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    answer: String,
    /// The ceiling in tokens, if it is not the task's own.
    ceiling: Option<u32>,
    /// All of what is printed.
    out: Option<String>,
    /// A part of what is printed.
    holds: Option<String>,
    /// A part of what is told beside it.
    #[serde(default)]
    notes: String,
    /// How often the model is asked.
    #[serde(default = "once")]
    calls: usize,
}

fn once() -> usize {
    1
}

/// The command of a task.
fn command(task: Task) -> &'static [&'static str] {
    match task {
        Task::Explain => &["explain-code", "src/a.rs:6"],
        Task::Document => &["document", "src/a.rs:6"],
        Task::Fix => &["fix", "src/a.rs:10", "function `unused` is never used"],
        Task::Edit => &["edit", "src/a.rs:6-8", "Swap the operands."],
        Task::Tests => &["tests", "src/a.rs:7"],
        Task::Review => &["review", "--staged"],
        Task::Commit => &["commit"],
        _ => panic!("{task} is not on demand"),
    }
}

/// A repository in which a line is staged, and a model behind a protocol.
struct Scene {
    protocol: &'static str,
    fake: FakeProvider,
    project: Project,
}

impl Scene {
    async fn new(protocol: &'static str) -> Scene {
        let (fake, project) = (FakeProvider::start().await.unwrap(), Project::new());
        project.write("project/src/a.rs", SOURCE);
        project.commit("sums: they are scaled").await;
        project.write("project/src/a.rs", &SOURCE.replace("a + b", "a - b"));
        project.git(&["add", "."]).await;
        Scene { protocol, fake, project }
    }

    /// Writes the configuration, with these lines at its head.
    fn configure(&self, head: &str) {
        let (protocol, address) = (self.protocol, self.fake.base_url());
        let base_url = if protocol == "openai" { &address } else { address.trim_end_matches("/v1") };
        let config = format!(
            "discover = false\n{head}\n[embedded]\nenabled = false\n[model.m]\nprotocol = '{protocol}'\nbase_url = '{base_url}'\nmodel = 'm'\n\
             format = 'chat'\ntier = 'cheap'\ncontext = 32000\nprice = {{ input = 1, output = 2, as_of = '2026-11-25' }}\n"
        );
        self.project.write("config.toml", &config);
    }

    async fn check(&self, task: Task, case: &Case) {
        self.configure(&case.ceiling.map(|most| format!("tasks.{task}.max_tokens = {most}")).unwrap_or_default());
        self.fake.forget();
        let chars: Vec<char> = case.answer.chars().collect();
        let pieces: Vec<String> = chars.chunks(PIECE).map(|piece| piece.iter().collect()).collect();
        self.fake.always(Answer { pieces, ..Answer::default() });
        let (code, out, notes) = self.project.run(command(task)).await;
        let told = format!("{task} over {}, {}: {code:?}\n{out}\n{notes}", self.protocol, case.name);
        assert!(notes.contains(&case.notes), "{told}");
        match (&case.out, &case.holds) {
            (None, None) => assert_eq!((code, out.as_str()), (Some(2), ""), "{told}"),
            (whole, part) => {
                assert_eq!(code, Some(0), "{told}");
                assert!(whole.as_ref().is_none_or(|whole| *whole == out), "{told}");
                assert!(part.as_ref().is_none_or(|part| out.contains(part)), "{told}");
            }
        }
        assert_eq!(self.fake.seen().len(), case.calls, "{told}");
    }
}

/// Checks all cases over a protocol, at least nine for each task.
async fn check(protocol: &'static str) {
    let (scene, folder) = (Scene::new(protocol).await, Path::new(env!("CARGO_MANIFEST_DIR")).join("answers"));
    for task in Task::ON_DEMAND {
        let text = std::fs::read_to_string(folder.join(format!("{task}.toml"))).unwrap();
        let Cases { case: cases } = toml::from_str(&text).unwrap();
        assert!(cases.len() >= 9, "{task}");
        for case in &cases {
            scene.check(task, case).await;
        }
    }
}

#[tokio::test]
async fn an_answer_over_openais_protocol_counts_for_what_it_is() {
    check("openai").await;
}

#[tokio::test]
async fn an_answer_over_anthropics_protocol_counts_for_what_it_is() {
    check("anthropic").await;
}

#[tokio::test]
async fn an_answer_over_geminis_protocol_counts_for_what_it_is() {
    check("gemini").await;
}

#[tokio::test]
async fn an_answer_over_ollamas_protocol_counts_for_what_it_is() {
    check("ollama").await;
}

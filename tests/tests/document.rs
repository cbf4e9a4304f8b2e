//! `pennyworth document` for files and folders, by the real binary against a fake provider: which items are asked for, what is sent, and that the edits of
//! one file become one.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use pennyworth_tests::fake_provider::{Answer, FakeProvider};
use pennyworth_tests::project::Project;
use serde_json::Value;

const SUMS: &str = "/// The rate.\npub const RATE: u8 = 2;\n\npub struct Sum {\n    of: u8,\n}\n\nimpl Sum {\n    #[inline]\n    pub fn add(&self, a: u8) -> u8 {\n        scaled(a)\n    }\n}\n\n#[cfg(test)]\nmod tests {\n    fn helper() {}\n}\n";
const SCALE: &str = "fn scaled(n: u8) -> u8 {\n    n * RATE\n}\n";
const CLASS: &str = "class Total:\n    rate = 2\n\n    def add(self, a):\n        return a + self.rate\n";

async fn scene() -> (FakeProvider, Project) {
    let (fake, project) = (FakeProvider::start().await.unwrap(), Project::new());
    let row = format!(
        "discover = false\n[embedded]\nenabled = false\n[model.m]\nprotocol = 'openai'\nbase_url = '{}'\nmodel = 'm'\nformat = 'chat'\n\
         tier = 'cheap'\ncontext = 32000\nprice = {{ input = 1, output = 2, as_of = '2026-11-25' }}\n",
        fake.base_url()
    );
    project.write("config.toml", &row);
    project.write("project/src/a.rs", SUMS);
    project.write("project/src/b.rs", SCALE);
    project.write("project/src/c.py", CLASS);
    project.write("project/src/test_c.py", "def check():\n    pass\n");
    project.write("project/src/.env", "A=1\n");
    project.write("project/gen/d.rs", "fn ignored() {}\n");
    project.write("project/.gitignore", "gen/\n");
    project.commit("sums: a class").await;
    (fake, project)
}

fn says(fake: &FakeProvider, answers: &[&str]) {
    answers.iter().for_each(|answer| fake.answer(Answer::new(&[&format!("```\n{answer}```\n")])));
}

fn prompts(fake: &FakeProvider) -> Vec<String> {
    let calls = fake.seen();
    let calls = calls.iter().filter(|seen| seen.line.ends_with("/chat/completions"));
    calls.map(|seen| seen.body["messages"][1]["content"].as_str().unwrap().to_owned()).collect()
}

const STRUCT: &str = "/// A sum.\npub struct Sum {\n    of: u8,\n}\n";
const METHOD: &str = "    /// Adds.\n    #[inline]\n    pub fn add(&self, a: u8) -> u8 {\n        scaled(a)\n    }\n";
const SCALED: &str = "/// Scales.\nfn scaled(n: u8) -> u8 {\n    n * RATE\n}\n";

#[tokio::test]
async fn a_folder_has_its_items_documented_and_each_file_is_written_once() {
    let (fake, project) = scene().await;
    says(&fake, &[STRUCT, METHOD, SCALED, "class Total:\n    \"\"\"A total.\"\"\"\n    rate = 2\n", "x = 1\n"]);
    let (code, _, notes) = project.run(&["document", "src", "--apply"]).await;
    assert_eq!(code, Some(2), "one item got no documentation: {notes}");
    assert!(notes.contains("1 of 5 items have no documentation yet"), "{notes}");
    assert!(notes.contains("the answer changes code"), "{notes}");
    let a = project.read("project/src/a.rs");
    let expected =
        SUMS.replace("pub struct", "/// A sum.\npub struct").replace("    #[inline]", "    /// Adds.\n    #[inline]");
    assert_eq!(a, expected);
    assert_eq!(project.read("project/src/b.rs"), SCALED);
    assert_eq!(project.read("project/src/c.py"), CLASS.replace("l:\n", "l:\n    \"\"\"A total.\"\"\"\n"));
    assert_eq!(notes.matches("written: ").count(), 3, "{notes}");
    let prompts = prompts(&fake);
    assert_eq!(prompts.len(), 5);
    assert!(prompts[1].contains("src/b.rs:1 definition:\n```\nfn scaled(n: u8) -> u8 …"), "{}", prompts[1]);
    assert!(!prompts[3].contains("return a + self.rate"), "a class is shown without its methods: {}", prompts[3]);
    assert!(prompts[3].contains("def add(self, a)"), "{}", prompts[3]);

    // What is documented is not asked for again.
    says(&fake, &["    def add(self, a):\n        \"\"\"Adds.\"\"\"\n        return a + self.rate\n"]);
    let (code, out, notes) = project.run(&["document", "src/a.rs", "src/b.rs", "src/c.py", "--json"]).await;
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, told["files"].as_array().unwrap().len()), (Some(0), 1), "{notes}");
    assert!(told["files"][0]["diff"].as_str().unwrap().contains("+        \"\"\"Adds.\"\"\"\n"), "{out}");
    let (code, out, notes) = project.run(&["document", "src/a.rs"]).await;
    assert_eq!((code, out.as_str()), (Some(0), ""), "{notes}");
    assert!(notes.contains("there is no item without documentation"), "{notes}");
}

#[tokio::test]
async fn files_are_named_one_by_one_and_nothing_is_sent_beyond_what_is_to_be_spent() {
    let (fake, project) = scene().await;
    let (code, _, notes) = project.run(&["document", "src/none"]).await;
    assert!(code == Some(2) && notes.contains("there is no such file or folder"), "{notes}");
    let (_, _, notes) = project.run(&["document", "src/.env", "src/b.rs", "--plan"]).await;
    assert!(notes.contains("left out: ") && notes.contains(".env: it may hold keys or passwords"), "{notes}");
    let (_, out, _) = project.run(&["explain", "--task", "document", "src"]).await;
    assert!(out.contains("request 5 of 5"), "{out}");
    let (code, out, notes) = project.run(&["document", "src", "--spend", "0.000001"]).await;
    assert_eq!((code, out.as_str()), (Some(2), ""), "{notes}");
    assert!(notes.contains("5 of 5 requests were not made"), "{notes}");
    assert!(prompts(&fake).is_empty());
    // A file that is named twice is documented once.
    says(&fake, &[SCALED]);
    let (code, out, notes) = project.run(&["document", "src/b.rs", "src/b.rs", "src/b.rs:1"]).await;
    assert_eq!((code, out.matches("+/// Scales.").count(), prompts(&fake).len()), (Some(0), 1, 1), "{out} {notes}");
    // Two places in one file become one diff, whatever stands between them.
    says(&fake, &[METHOD, STRUCT, SCALED]);
    let (code, out, notes) = project.run(&["document", "src/a.rs:10", "src/b.rs:1", "src/a.rs:4"]).await;
    assert_eq!((code, out.matches("+++ b/src/a.rs").count()), (Some(0), 1), "{out} {notes}");
}

//! The prompts of tasks on demand, made as the program makes them and with the settings that it is shipped with, and what they cost against whole
//! files. It leaves choosing changes and items to `main`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use bpe_openai::o200k_base;
use pennyworth::complete::Completer;
use pennyworth::demand::git::{Range, Repository};
use pennyworth::demand::{About, Diagnostic, File, Job};
use pennyworth::settings::{Configuration, Settings};
use pennyworth_core::demand::{Part, PartKind, Prompts, body};
use pennyworth_core::prompt::Body;
use pennyworth_core::task::Task;
use pennyworth_core::tokens::{REFERENCE_CHARS_PER_TOKEN, estimate};
use pennyworth_grammars::{Language, by_path};
use tokio::runtime::Runtime;

use crate::definitions::{Definition, Definitions, Kind, dense};
use crate::uses::uses;

/// What a run of the program shares.
pub(crate) struct Program {
    runtime: Runtime,
    completer: Completer,
    configuration: Arc<Configuration>,
    root: PathBuf,
}

/// What one task costs, and which names its prompts explain.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    /// Requests.
    pub(crate) prompts: usize,
    /// Tokens of all requests, and of all files whole, as the program counts.
    pub(crate) sent: u64,
    pub(crate) whole: u64,
    /// Tokens of all requests, as a tokenizer counts.
    pub(crate) true_sent: u64,
    pub(crate) true_whole: u64,
    /// Names whose one definition is elsewhere in the repository, and those of them whose definition a prompt holds.
    pub(crate) names: usize,
    pub(crate) explained: usize,
    /// The same for fields and variants.
    pub(crate) members: usize,
    pub(crate) explained_members: usize,
    /// The names whose definition no prompt holds.
    pub(crate) missing: Vec<String>,
    /// Tokens of the requests that follow the first one of their review, and those that all its requests begin with.
    pub(crate) following: u64,
    pub(crate) alike: u64,
    /// Tokens of each kind of part.
    pub(crate) parts: BTreeMap<PartKind, u64>,
}

/// Lines of a file that a prompt is about.
struct Asked {
    path: String,
    text: String,
    language: &'static Language,
    /// The lines whose names count.
    lines: BTreeSet<usize>,
    /// The lines that the prompt must hold.
    shown: BTreeSet<usize>,
}

impl Program {
    /// The program in a repository.
    pub(crate) fn new(root: PathBuf) -> anyhow::Result<Program> {
        let settings = Settings { discover: false, ..Settings::default() };
        let completer = Completer::new(settings.clone());
        let (configuration, _) = Configuration::new(1, settings, std::slice::from_ref(&root));
        let configuration = Arc::new(configuration);
        completer.configure(Arc::clone(&configuration));
        Ok(Program { runtime: Runtime::new()?, completer, configuration, root })
    }

    /// The review of what the files have and a revision has not. `None` if nothing of it may be sent.
    pub(crate) fn review(&self, since: &str, definitions: &Definitions) -> anyhow::Result<Option<Figures>> {
        let repository = Repository::around(&self.root)?;
        let changes = repository.changes(&Range::Since(since.to_owned()), &[], &mut Vec::new())?;
        let mut refused = Vec::new();
        let reviewed = Job::review(&self.completer, &self.configuration, &changes, &mut refused);
        let jobs = self.runtime.block_on(reviewed);
        if jobs.is_empty() {
            return Ok(None);
        }
        let mut figures = Figures::default();
        for changed in changes.iter().filter(|changed| !refused.iter().any(|refused| refused.path == changed.path)) {
            figures.add_whole(&changed.now);
        }
        for job in &jobs {
            figures.add_prompt(job);
            figures.add_names(job, &self.hunks(job)?, definitions);
        }
        Ok(Some(figures))
    }

    /// The lines that a request of a review is about.
    fn hunks(&self, job: &Job) -> anyhow::Result<Vec<Asked>> {
        let About::Hunks(files) = &job.about else { return Ok(Vec::new()) };
        let mut all = Vec::new();
        for (path, hunks) in files {
            let text = std::fs::read_to_string(self.root.join(path)).unwrap_or_default();
            let Some(language) = by_path(Path::new(path), "") else { continue };
            let added = |line: &str| {
                let (number, rest) = line.split_at_checked(line.find(|c: char| !c.is_ascii_digit())?)?;
                rest.starts_with('+').then_some(number.parse::<usize>().ok()? - 1)
            };
            let lines = hunks.iter().flat_map(|hunk| hunk.text.lines().filter_map(added)).collect();
            let shown = hunks.iter().flat_map(|hunk| hunk.shown.clone()).collect();
            all.push(Asked { path: path.clone(), text, language, lines, shown });
        }
        Ok(all)
    }

    /// A task about an item.
    pub(crate) fn about(
        &self,
        task: Task,
        item: &Definition,
        definitions: &Definitions,
    ) -> anyhow::Result<Option<Figures>> {
        let path = self.root.join(&item.path);
        let Ok(file) = File::read(&self.configuration, &path) else { return Ok(None) };
        let (text, language) = (file.source.text.clone(), file.source.language);
        let mut whole = vec![text.clone()];
        let job = match task {
            Task::Tests => {
                let open = pennyworth::demand::Open::default();
                let tests = Job::tests(&self.completer, &self.configuration, file, item.line, &open);
                let Ok(job) = self.runtime.block_on(tests) else { return Ok(None) };
                if let About::Tests(tests) = &job.about
                    && tests.path != path
                {
                    whole.push(tests.before.clone());
                }
                job
            }
            _ => {
                let lines = item.line..item.line + 1;
                let reported = Diagnostic { lines: lines.clone(), message: "unused result".to_owned() };
                let reported = if task == Task::Fix { vec![reported] } else { Vec::new() };
                let words = if task == Task::Edit { "Return early." } else { "" };
                let about = Job::about(&self.completer, &self.configuration, task, file, lines, words, &reported);
                self.runtime.block_on(about)
            }
        };
        let mut figures = Figures::default();
        whole.iter().for_each(|text| figures.add_whole(text));
        figures.add_prompt(&job);
        let part = job.plan.brief.parts.iter().find(|part| part.kind == PartKind::Lines).context("there are lines")?;
        let lines: BTreeSet<usize> = (part.line - 1..part.line - 1 + part.text.lines().count()).collect();
        let asked = Asked { path: item.path.clone(), text, language, shown: lines.clone(), lines };
        figures.add_names(&job, &[asked], definitions);
        Ok(Some(figures))
    }
}

impl Figures {
    /// Adds others.
    pub(crate) fn add(&mut self, other: &Figures) {
        self.prompts += other.prompts;
        self.sent += other.sent;
        self.whole += other.whole;
        self.true_sent += other.true_sent;
        self.true_whole += other.true_whole;
        self.names += other.names;
        self.explained += other.explained;
        self.members += other.members;
        self.explained_members += other.explained_members;
        self.following += other.following;
        self.alike += other.alike;
        self.missing.extend(other.missing.iter().cloned());
        other.parts.iter().for_each(|(kind, tokens)| *self.parts.entry(*kind).or_default() += tokens);
    }

    fn add_whole(&mut self, text: &str) {
        self.whole += u64::from(estimate(text, REFERENCE_CHARS_PER_TOKEN));
        self.true_whole += o200k_base().count(text) as u64;
    }

    fn add_prompt(&mut self, job: &Job) {
        let plan = &job.plan;
        let body = body(&Prompts::builtin(), plan.task, "", &plan.brief, plan.shared);
        self.prompts += 1;
        for part in &plan.brief.parts {
            *self.parts.entry(part.kind).or_default() += u64::from(part.tokens(REFERENCE_CHARS_PER_TOKEN));
        }
        self.sent += u64::from(body.tokens(REFERENCE_CHARS_PER_TOKEN));
        if let Body::Chat { system, shared, user } = &body {
            let [system, shared, user] = [system, shared, user].map(|text| o200k_base().count(text.as_str()) as u64);
            self.true_sent += system + shared + user;
            if self.prompts > 1 {
                self.following += system + shared + user;
                self.alike += system + shared;
            }
        }
    }

    fn add_names(&mut self, job: &Job, asked: &[Asked], definitions: &Definitions) {
        let mut seen = BTreeSet::new();
        for Asked { path, text, language, lines, .. } in asked {
            for used in uses(text, language, &|line| lines.contains(&line)) {
                let Some(definition) = definitions.the(language, &used.name) else { continue };
                let is_shown =
                    asked.iter().any(|asked| asked.path == definition.path && asked.shown.contains(&definition.line));
                if !used.may_mean(definition.kind) || is_shown || !seen.insert(used.name.clone()) {
                    continue;
                }
                let is_explained = job.plan.brief.parts.iter().any(|part| holds(part, definition));
                let (names, explained) = match definition.kind {
                    Kind::Member => (&mut self.members, &mut self.explained_members),
                    _ => (&mut self.names, &mut self.explained),
                };
                *names += 1;
                *explained += usize::from(is_explained);
                if !is_explained {
                    let Definition { kind, path: defined, line, .. } = definition;
                    let is_left_out = job.plan.brief.left_out.iter().any(|part| holds(part, definition));
                    let why = if is_left_out { "left out" } else { "not found" };
                    self.missing.push(format!("{path}: `{}`, {kind:?} at {defined}:{}, {why}", used.name, line + 1));
                }
            }
        }
    }
}

/// Whether a part of a prompt holds a definition or its signature.
fn holds(part: &Part, definition: &Definition) -> bool {
    part.path == definition.path && dense(&part.text).contains(&definition.sign)
}

//! From what a person points at to a job: the lines and their item, and the diagnostics. It leaves what a prompt has room for to `core::demand`, where
//! tests belong to `tests_of`, and changes to `changes`.

use std::ops::Range;
use std::sync::Arc;

use pennyworth_core::demand::{self, Form, Instruction, Item, Part, PartKind};
use pennyworth_core::mask::Masks;
use pennyworth_core::task::Task;

use super::about::{About, Lines, Tests};
use super::files::{File, Refused};
use super::find::Finder;
use super::job::{Job, instruction};
use super::tests_of::{self, Open, Place};
use crate::complete::Completer;
use crate::settings::Configuration;

/// What a compiler or linter reports of some lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its lines, counted from 0.
    pub lines: Range<usize>,
    /// What it says.
    pub message: String,
}

impl Job {
    /// A job about lines of a file, which are counted from 0: to explain them, to document or mend the item around them, or to edit them. `words` are
    /// the user's instruction.
    pub async fn about(
        completer: &Completer,
        configuration: &Arc<Configuration>,
        task: Task,
        file: File,
        lines: Range<usize>,
        words: &str,
        diagnostics: &[Diagnostic],
    ) -> Job {
        let finder = Finder::new(configuration, &file.path);
        Gatherer { completer, configuration, finder }.lines(task, &file, lines, words, diagnostics).await
    }

    /// A job that edits lines as a comment among them or just above them says, and takes the comment away. A single line stands for its item. `None`
    /// without such a comment.
    pub async fn commented(
        completer: &Completer,
        configuration: &Arc<Configuration>,
        file: &File,
        lines: Range<usize>,
    ) -> Result<Option<Job>, Refused> {
        let source = &file.source;
        let Some(Instruction { words, comment }) = demand::instruction(source, lines.clone()) else { return Ok(None) };
        // A model that never sees the comment cannot keep it.
        let mut rest = source.text.clone();
        rest.replace_range(comment.clone(), "");
        let rest = File::of(configuration, &file.path, Some(source.language), &rest)?;
        let (first, gone) = (source.line(comment.start), source.line(comment.end) - source.line(comment.start));
        let about = first..lines.end.saturating_sub(gone).max(first + 1);
        let mut job = Job::about(completer, configuration, Task::Edit, rest, about, &words, &[]).await;
        if let About::Lines(lines) = &mut job.about {
            lines.take_away(&source.text, comment);
        }
        Ok(Some(job))
    }

    /// Jobs that document the items of files which have no documentation, in their order.
    pub async fn document(completer: &Completer, configuration: &Arc<Configuration>, files: &[File]) -> Vec<Job> {
        let first = files.first().map(|file| file.path.clone()).unwrap_or_default();
        let gatherer = Gatherer { completer, configuration, finder: Finder::new(configuration, &first) };
        let mut jobs = Vec::new();
        for file in files {
            let line = |item: &Item| file.source.line(item.head.start);
            let mut places: Vec<_> = file
                .source
                .undocumented()
                .into_iter()
                .map(line)
                .map(|line| file.source.documented_lines(line..line + 1))
                .collect();
            // Two items on one line are shown together.
            places.dedup();
            for lines in places {
                jobs.push(gatherer.lines(Task::Document, file, lines.start..lines.end, "", &[]).await);
            }
        }
        jobs
    }

    /// A job that writes tests of the item at a line, which is counted from 0. `open` documents count as they are, and not as they lie on the disk. The
    /// error says why there are none.
    pub async fn tests(
        completer: &Completer,
        configuration: &Arc<Configuration>,
        file: File,
        line: usize,
        open: &Open,
    ) -> Result<Job, Refused> {
        let refused = |why: &str| Refused { path: file.path.clone(), why: why.to_owned() };
        let at = file.source.lines(line..line + 1);
        let item = file.source.items().iter().filter(|item| item.whole.start <= at.start && at.start <= item.whole.end);
        let item = item
            .max_by_key(|item| (item.depth, item.whole.start))
            .ok_or_else(|| refused("there is no item to test"))?;
        let Place { path, shown, before, spot, holder, outside, pattern, masks: mut hidden, language, scope } =
            tests_of::place(configuration, &file, &item.range, open)?;
        let lines = file.source.line(item.whole.start)..file.source.line(item.whole.end.saturating_sub(1)) + 1;
        let head = lines.start..lines.start + 1;
        let lines = demand::narrowed(&file.source, lines, head, scope_tokens(&file, Task::Tests));
        let sent = file.sent.lines(lines);
        let outline = file.scope.tasks.row(Task::Tests).outline;
        let mut need = {
            let (finder, rules) =
                (Finder::new(configuration, &file.path), (&*file.path, file.scope.settings.privacy()));
            demand::lines(&file.sent, &sent, outline, &|names| finder.find(names, rules))
        };
        need.may.splice(0..0, pattern);
        let goes_to = match &holder {
            _ if before.is_empty() => format!("They are the whole of the new file {shown}, with its imports."),
            Some(holder) => format!("They go into `{holder}` of {shown}, whose helpers they use. {IMPORTS}"),
            None => format!("They are added to {shown}, whose helpers they use. {IMPORTS}"),
        };
        need.must.push(instruction(format!(
            "Write tests of `{}`. {goes_to} Answer with the tests in one fenced block, and nothing else.",
            item.name
        )));
        let tests = language.name().to_owned();
        let files = vec![file.path.clone(), path.clone()];
        hidden.extend(&file.masks);
        let about = About::Tests(Tests {
            path,
            language: tests,
            before,
            spot,
            holder,
            outside,
            name: item.name.clone(),
            hidden,
            known: demand::permitted(&file.source.text),
        });
        let scopes = [Arc::clone(&file.scope), scope];
        let language = file.source.language.name();
        Ok(Job::plan(completer, configuration, (files, &scopes), (Task::Tests, language), (Vec::new(), need), about)
            .await)
    }
}

/// What is said of imports that a file of tests does not have.
const IMPORTS: &str = "What they import besides comes first.";

/// Most tokens of the lines that a task is about; the rest of its input is for what explains them.
fn scope_tokens(file: &File, task: Task) -> u32 {
    (f64::from(file.scope.tasks.row(task).input) * demand::HUNKS) as u32
}

/// What jobs about lines of files are made with. One search of the workspace serves them all.
struct Gatherer<'a> {
    completer: &'a Completer,
    configuration: &'a Arc<Configuration>,
    finder: Finder<'a>,
}

impl Gatherer<'_> {
    async fn lines(
        &self,
        task: Task,
        file: &File,
        lines: Range<usize>,
        words: &str,
        diagnostics: &[Diagnostic],
    ) -> Job {
        // A single line stands for the item around it; to edit or explain, lines stand for themselves.
        let pointed_at = lines.clone();
        let whole = match task {
            Task::Edit | Task::Explain if lines.len() > 1 => lines,
            Task::Document => file.source.documented_lines(lines),
            _ => file.source.item_lines(lines),
        };
        // An item that is too large is shown around what was pointed at; to document it, from its beginning.
        let around = match task {
            Task::Document => whole.start..(whole.start + 1).min(whole.end),
            _ => pointed_at,
        };
        let whole = demand::narrowed(&file.source, whole, around, scope_tokens(file, task));
        let sent = file.sent.lines(whole.clone());
        let outline = file.scope.tasks.row(task).outline;
        let rules = (&*file.path, file.scope.settings.privacy());
        let mut need = demand::lines(&file.sent, &sent, outline, &|names| self.finder.find(names, rules));
        let form = Form::of(file.sent.text.get(sent).unwrap_or_default());
        need.must.extend(diagnostics.iter().map(|diagnostic| {
            let text = format!("{}:{}: {}", file.sent.path, diagnostic.lines.start + 1, diagnostic.message);
            Part::said(PartKind::Diagnostic, text)
        }));
        let wanted = match task {
            Task::Explain => "Explain these lines.".to_owned(),
            Task::Document => {
                let style = file.source.style().map(|style| format!(" Comments have this form:\n{}\n", style.shown()));
                format!("Document the item.{}{}", style.as_deref().unwrap_or(" "), form.instruction())
            }
            Task::Fix => format!("Mend it. {}", form.instruction()),
            _ => format!("{}\n{}", words.trim(), form.instruction()),
        };
        need.must.push(instruction(wanted));
        let wrong = diagnostics.first().map(|diagnostic| file.source.lines(diagnostic.lines.clone()));
        let (scopes, language) = ([Arc::clone(&file.scope)], file.source.language.name().to_owned());
        let files = vec![file.path.clone()];
        let within = file.source.lines(whole);
        let about = match task {
            Task::Explain => About::Code,
            _ => About::Lines(Lines {
                path: file.path.clone(),
                shown: file.source.path.clone(),
                language: language.clone(),
                text: file.source.text.clone(),
                within,
                wrong: wrong.filter(|_| task == Task::Fix),
                form,
                comment: None,
                hidden: Masks::default(),
                known: demand::permitted(words),
            }),
        };
        Job::plan(self.completer, self.configuration, (files, &scopes), (task, &language), (Vec::new(), need), about)
            .await
    }
}

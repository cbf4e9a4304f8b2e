//! The tasks: the kinds of text that may be missing at the cursor, and the table row with the limits of each.
//! It leaves finding the task to `classify`, and the ceiling of one request to `budget`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The kind of text that is missing at the cursor, or what a person asks for by a command; each has a row in `tables/tasks.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// After `.`, `::` or `->`: a member's name.
    Member,
    /// A type annotation, generic argument or return type.
    Type,
    /// Inside the parentheses of a call.
    Argument,
    /// The condition of an if, while or match guard.
    Condition,
    /// The parameter list of a definition.
    Parameter,
    /// Inside a string literal.
    String,
    /// A line comment.
    Comment,
    /// A use, import or include.
    Import,
    /// A return value.
    Return,
    /// A right-hand side or the rest of a statement's expression.
    Expression,
    /// A new or unfinished statement in a body that has others; anything else that ends with the line.
    Line,
    /// Inside a list, map or struct literal.
    Literal,
    /// Documentation above a definition, in Python at its head.
    DocComment,
    /// The empty body of an if, else, loop or match arm.
    Block,
    /// The body of a function just opened.
    Function,
    /// The body of a test just opened.
    Test,
    /// The members of a struct, class, enum or interface.
    TypeBody,
    /// A new item in a file, or an empty file.
    TopLevel,
    /// On demand: an explanation of code.
    Explain,
    /// On demand: the documentation comment of an item.
    Document,
    /// On demand: an edit that mends what a diagnostic reports.
    Fix,
    /// On demand: an edit as instructed.
    Edit,
    /// On demand: tests of an item.
    Tests,
    /// On demand: findings about a change.
    Review,
    /// On demand: the message of a commit.
    Commit,
}

impl Task {
    /// Every task, in the order of the table.
    pub const ALL: [Task; 25] = [
        Task::Member,
        Task::Type,
        Task::Argument,
        Task::Condition,
        Task::Parameter,
        Task::String,
        Task::Comment,
        Task::Import,
        Task::Return,
        Task::Expression,
        Task::Line,
        Task::Literal,
        Task::DocComment,
        Task::Block,
        Task::Function,
        Task::Test,
        Task::TypeBody,
        Task::TopLevel,
        Task::Explain,
        Task::Document,
        Task::Fix,
        Task::Edit,
        Task::Tests,
        Task::Review,
        Task::Commit,
    ];

    /// The tasks that a person asks for by a command.
    pub const ON_DEMAND: [Task; 7] =
        [Task::Explain, Task::Document, Task::Fix, Task::Edit, Task::Tests, Task::Review, Task::Commit];

    /// Whether a person asks for it by a command; else it is what is missing at the cursor.
    pub fn is_on_demand(self) -> bool {
        Task::ON_DEMAND.contains(&self)
    }

    /// The tasks that complete at the cursor.
    pub fn inline() -> impl Iterator<Item = Task> {
        Task::ALL.into_iter().filter(|task| !task.is_on_demand())
    }

    /// The name used in tables, captures, configuration and the ledger.
    pub fn name(self) -> &'static str {
        match self {
            Task::Member => "member",
            Task::Type => "type",
            Task::Argument => "argument",
            Task::Condition => "condition",
            Task::Parameter => "parameter",
            Task::String => "string",
            Task::Comment => "comment",
            Task::Import => "import",
            Task::Return => "return",
            Task::Expression => "expression",
            Task::Line => "line",
            Task::Literal => "literal",
            Task::DocComment => "doc_comment",
            Task::Block => "block",
            Task::Function => "function",
            Task::Test => "test",
            Task::TypeBody => "type_body",
            Task::TopLevel => "top_level",
            Task::Explain => "explain",
            Task::Document => "document",
            Task::Fix => "fix",
            Task::Edit => "edit",
            Task::Tests => "tests",
            Task::Review => "review",
            Task::Commit => "commit",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Tier::Embedded => "embedded",
            Tier::Local => "local",
            Tier::Cheap => "cheap",
            Tier::Premium => "premium",
        })
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Task {
    type Err = String;

    fn from_str(name: &str) -> Result<Task, String> {
        Task::ALL.into_iter().find(|task| task.name() == name).ok_or_else(|| {
            let known: Vec<_> = Task::ALL.iter().map(|task| task.name()).collect();
            format!("known tasks: {}", known.join(", "))
        })
    }
}

/// Where an answer to a task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// At the end of the line.
    Newline,
    /// Before the closer of the bracket the cursor stands in.
    Balanced,
    /// At the end of the statement: its terminator, or a line break outside brackets.
    Statement,
    /// Where the enclosing body closes, or text is indented less than it.
    Block,
    /// At a blank line.
    Blank,
    /// After one whole item.
    Item,
}

/// Which models may serve a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Enabled {
    /// Any model the route allows.
    On,
    /// Only the embedded model and models on this machine.
    Local,
    /// No model.
    Off,
}

/// When the models of a task on demand are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Queue {
    /// At once.
    #[default]
    Now,
    /// At once or by tomorrow, as the user says each time.
    Ask,
    /// By tomorrow, where a model is cheaper then: in a batch, or at hours with a lower price.
    Batch,
}

/// Price tiers of models, in order of price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// The embedded n-gram model.
    Embedded,
    /// A model server on this machine.
    Local,
    /// A cheap cloud model.
    Cheap,
    /// A dear cloud model, asked only on escalation.
    Premium,
}

/// One row of `tables/tasks.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskRow {
    /// Output ceiling in tokens.
    pub max_tokens: u32,
    /// The ceiling to which accepted lengths may raise `max_tokens`.
    pub max: u32,
    /// Most tokens of an answer that is read on behind the line that is shown first; 0 for none.
    #[serde(default)]
    pub read_on: u32,
    /// Where the answer ends; nowhere for a task on demand.
    #[serde(default)]
    pub stop: Vec<Stop>,
    /// Lines of context before the cursor.
    #[serde(default)]
    pub before: u32,
    /// Lines of context after the cursor.
    #[serde(default)]
    pub after: u32,
    /// Most tokens of the prompt of a task on demand; 0 for a task at the cursor.
    #[serde(default)]
    pub input: u32,
    /// What they are on average: for a title, which is made before the prompt is. Measured on ten public repositories in five languages, reviews by
    /// 100 commits, messages by 27, other tasks by 20 items each.
    #[serde(default)]
    pub usual: u32,
    /// Of these, most for the outline of a file.
    #[serde(default)]
    pub outline: u32,
    /// Which models may serve the task.
    pub enabled: Enabled,
    /// Least probability of being right, 0 to 1, at which a suggestion is shown.
    #[serde(default)]
    pub show: f32,
    /// Longest wait for an automatic answer, in milliseconds.
    pub deadline_ms: u32,
    /// Tiers in order of preference.
    pub route: Vec<Tier>,
    /// When the models of a task on demand are asked.
    #[serde(default)]
    pub queue: Queue,
}

/// The rows of all tasks.
#[derive(Clone, Debug, PartialEq)]
pub struct Tasks(BTreeMap<Task, TaskRow>);

impl Tasks {
    /// The shipped table.
    pub fn builtin() -> Tasks {
        #[expect(clippy::expect_used, reason = "the table is part of the binary and a test parses it")]
        Tasks::parse(include_str!("../tables/tasks.toml")).expect("tables/tasks.toml is valid")
    }

    /// Reads a table. An error names the line, the key and the known values.
    pub fn parse(source: &str) -> Result<Tasks, String> {
        let rows: BTreeMap<Task, TaskRow> = toml::from_str(source).map_err(|error| error.to_string())?;
        match Task::ALL.iter().find(|task| !rows.contains_key(task)) {
            Some(missing) => Err(format!("tasks table: no row for `{missing}`")),
            None => Ok(Tasks(rows)),
        }
    }

    /// The row of a task.
    #[expect(clippy::indexing_slicing, reason = "parse checked that every task has a row")]
    pub fn row(&self, task: Task) -> &TaskRow {
        &self.0[&task]
    }

    /// The row of a task, for configuration to tighten.
    pub fn row_mut(&mut self, task: Task) -> Option<&mut TaskRow> {
        self.0.get_mut(&task)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_task_has_a_row_and_its_name_reads_back() {
        let tasks = Tasks::builtin();
        for task in Task::ALL {
            assert_eq!(task.name().parse::<Task>(), Ok(task));
            let row = tasks.row(task);
            assert!(row.max_tokens <= row.max && !row.route.is_empty(), "{task}: {row:?}");
            assert!(
                row.stop.is_empty() == task.is_on_demand()
                    && (row.input > 0) == task.is_on_demand()
                    && (row.usual > 0) == task.is_on_demand(),
                "{task}: {row:?}"
            );
        }
    }
}

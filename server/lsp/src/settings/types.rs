//! The settings: types that define the file, its schema and its documentation, and what follows from their values alone.
//! It leaves reading and joining layers to `gather` and `check`, and what applies in one folder to `configuration`.

use std::collections::BTreeMap;

use pennyworth_core::caps::Caps;
use pennyworth_core::models::{FormatRow, ModelRow, Models, Rows};
use pennyworth_core::money::Money;
use pennyworth_core::route::Privacy;
use pennyworth_core::task::{Enabled, Queue, Task, Tasks};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::preset;
use super::prices::Prices;

/// All settings. Each field is a key of `config.toml` and of the environment, where its name is in capitals, with `PENNYWORTH_` before it and `_` for
/// each dot; the environment wins. `x-elsewhere` says what an editor's settings and a workspace's file may do to a key: see `authority`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Pennyworth settings")]
pub struct Settings {
    /// Whether Pennyworth suggests anything at all.
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub enabled: bool,
    /// Sets `debounce_ms`, `worth_usd`, `confidence`, `speculate`, `escalate` and `explore` together. Any of them that you set yourself wins.
    #[schemars(schema_with = "preset::schema")]
    #[schemars(extend("x-elsewhere" = "own"))]
    pub preset: String,
    /// Whether suggestions come while you type or only when you ask for one.
    #[schemars(extend("x-elsewhere" = "later"))]
    pub trigger: TriggerMode,
    /// Whether code must stay on this machine. Then only models are called that run here: those of the tier `local`, without a price, and not
    /// behind a proxy.
    #[schemars(extend("x-elsewhere" = "raise"))]
    pub local_only: bool,
    /// Whether to look for model servers on this machine (Ollama, llama.cpp, vLLM, LM Studio) at their usual ports and use what is found.
    /// It applies only while no model that runs on this machine is configured. You are told of each address before code is sent there.
    #[schemars(extend("x-elsewhere" = "lower", "x-whole" = true))]
    pub discover: bool,
    /// Spending cap per day, in US dollars, over all running servers of this user. A day is any 24 hours. At the cap, only models that cost nothing
    /// are called.
    #[schemars(range(min = 0, max = 1000))]
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub cap_usd_per_day: f64,
    /// Spending cap per calendar month in UTC, in US dollars. It works like `cap_usd_per_day`.
    #[schemars(range(min = 0, max = 10_000))]
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub cap_usd_per_month: f64,
    /// The expected cost, in US dollars, above which a task on demand asks you first: a review, an edit.
    #[schemars(range(min = 0))]
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub confirm_usd: f64,
    /// Longest wait after a keystroke before a model is called, in milliseconds. The wait itself is the one that gains most, by the pauses between
    /// your keys, the price of a call and `worth_usd`. The cache and the embedded model answer without it.
    #[schemars(range(max = 10_000))]
    #[schemars(extend("x-elsewhere" = "raise"))]
    pub debounce_ms: u32,
    /// What 1,000 accepted characters are worth to you, in US dollars. The more, the sooner a model is called after a keystroke, and
    /// the more lines it is asked for at once.
    #[schemars(range(min = 0, max = 100))]
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub worth_usd: f64,
    /// Least probability of being right at which a suggestion is shown (0 to 1). Each task's own threshold shifts with it; 0.5 keeps it as shipped.
    #[schemars(range(min = 0, max = 1))]
    #[schemars(extend("x-elsewhere" = "own"))]
    pub confidence: f64,
    /// Whether to ask for the next suggestion before you accept the one shown. Only models that cost nothing are called.
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub speculate: bool,
    /// Whether a premium model may be called when a cheaper one fails or is unsure.
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub escalate: bool,
    /// Share of requests (0 to 0.2) that try a little-known model first. It may prove better, and costs at most twice as much as the usual one.
    /// The same share tries a task that was switched off because you take hardly any of its suggestions.
    #[schemars(range(min = 0, max = 0.2))]
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub explore: f64,
    /// The one model to call, by its name. A task's own `pin` wins.
    #[schemars(extend("x-elsewhere" = "own"))]
    pub pin: Option<String>,
    /// Whether suggestions appear in the completion menu of editors that have no inline completion.
    #[schemars(extend("x-elsewhere" = "free"))]
    pub completion_menu: bool,
    /// Files to ignore besides those that `.gitignore` names, in its pattern syntax. Lists from several sources add up.
    #[schemars(extend("x-adds" = true, "x-elsewhere" = "add"))]
    pub ignore: Vec<String>,
    /// Files that hold secrets, in `.gitignore` syntax, besides the well-known ones (`.env`, `*.pem`, `id_rsa`, …); `!` takes one out.
    #[schemars(extend("x-adds" = true, "x-elsewhere" = "add"))]
    pub secrets: Vec<String>,
    /// Switches languages on or off by name; `"*"` stands for all that are not named.
    #[schemars(extend("x-elsewhere" = "off"))]
    pub languages: BTreeMap<String, bool>,
    /// The embedded model. It learns the workspace and costs nothing.
    pub embedded: Embedded,
    /// Limits on the size of documents.
    pub documents: DocumentLimits,
    /// The server's log. It never contains code, prompts or keys.
    pub log: Log,
    /// Sends figures about calls to a collector, for teams that watch many machines. Only your own file may set it.
    pub telemetry: Telemetry,
    /// Overrides for single tasks.
    #[schemars(schema_with = "task_schema")]
    pub tasks: BTreeMap<Task, TaskSettings>,
    /// Models that may be called. An empty table switches on the shipped row of its name; a new name is a new model.
    #[schemars(extend("x-elsewhere" = "own"))]
    pub model: BTreeMap<String, ModelRow>,
    /// Keys that the models of a service share. A model takes them with `provider = "NAME"` in its table.
    #[schemars(extend("x-elsewhere" = "own"))]
    pub provider: BTreeMap<String, ModelRow>,
    /// Prompt formats, for models that no shipped format fits.
    #[schemars(extend("x-elsewhere" = "own"))]
    pub format: BTreeMap<String, FormatRow>,
    /// The table that `pennyworth models refresh` wrote. No key of the user sets it.
    #[serde(skip)]
    pub prices: Prices,
    /// How far faults in the settings close the server until they are mended. No key sets it.
    #[serde(skip)]
    pub closed: Closed,
    /// Whether the user does not trust the workspace. No key sets it.
    #[serde(skip)]
    pub is_restricted: bool,
}

/// How far faults in the settings close the server. A later value is tighter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closed {
    /// Not at all.
    #[default]
    No,
    /// Only models where code stays on this machine are called; they are free.
    Here,
    /// Only the embedded model answers.
    Embedded,
}

/// When suggestions come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TriggerMode {
    /// While you type, and when you ask for one.
    #[default]
    Automatic,
    /// Only when you ask for one.
    Invoked,
}

/// The embedded model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Embedded {
    /// Whether it makes suggestions.
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub enabled: bool,
    /// Most memory it may take, in megabytes, whatever the size of the workspace.
    #[schemars(range(min = 1, max = 65_536))]
    #[schemars(extend("x-elsewhere" = "lower", "x-whole" = true))]
    pub memory_mb: u32,
    /// Whether it learns the workspace's files in the background. Otherwise it learns only from open documents.
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub index: bool,
    /// Largest file of the workspace that it learns, in bytes.
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub max_file_bytes: u64,
}

/// Limits on documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DocumentLimits {
    /// Largest document that is completed, in bytes. A larger one is only kept.
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub max_complete_bytes: u64,
    /// Largest document that is kept at all, in bytes.
    #[schemars(extend("x-elsewhere" = "lower", "x-whole" = true))]
    pub max_bytes: u64,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How much is logged; a change takes effect at once. The environment variable `PENNYWORTH_LOG` wins and also takes single modules: `warn,pennyworth::complete=debug`.
    #[schemars(extend("x-elsewhere" = "free"))]
    pub level: Level,
    /// Whether to log to a daily file in the state directory, too; five are kept.
    #[schemars(extend("x-elsewhere" = "own"))]
    pub file: bool,
}

/// Figures about calls: models, counts, times and cost; never code or prompts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// Address of an OpenTelemetry collector that takes OTLP over HTTP, such as `http://localhost:4318`. Without one, nothing is sent.
    /// Releases can send; a build from source needs `--features telemetry`.
    #[schemars(extend("x-elsewhere" = "own"))]
    pub endpoint: Option<String>,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Level {
    Off,
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}

/// Overrides for one task. A key that is left out keeps its shipped value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskSettings {
    /// Which models may serve it: `on` (any), `local` (only those that run on this machine) or `off` (none). If you write `on` or `local`, it stays
    /// on in the languages in which you take hardly any of its suggestions; else nothing is suggested there while you type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-elsewhere" = "later"))]
    pub enabled: Option<Enabled>,
    /// Longest answer of a model, in tokens.
    #[schemars(range(min = 1, max = 8192))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub max_tokens: Option<u32>,
    /// Longest prompt of a task on demand, in tokens. What is worth least is left out.
    #[schemars(range(min = 100, max = 200_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-elsewhere" = "lower"))]
    pub input: Option<u32>,
    /// Least probability of being right at which a suggestion is shown (0 to 1). It wins over `confidence`.
    #[schemars(range(min = 0, max = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-elsewhere" = "own"))]
    pub show: Option<f64>,
    /// Longest wait for an answer while you type, in milliseconds.
    #[schemars(range(min = 1, max = 120_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-elsewhere" = "own"))]
    pub deadline_ms: Option<u32>,
    /// The one model to call for this task, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-elsewhere" = "own"))]
    pub pin: Option<String>,
    /// When the models of a task on demand are asked: `now`, `batch` (in a batch at the provider's batch price, or when the model's price is
    /// lower, with the result within a day) or `ask` (as you say each time). Where no model of the task is cheaper by tomorrow, it is asked now. A commit's message is never queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-elsewhere" = "own"))]
    pub queue: Option<Queue>,
}

impl Default for Settings {
    fn default() -> Settings {
        let preset = preset::balanced();
        Settings {
            enabled: true,
            preset: preset::DEFAULT.into(),
            trigger: TriggerMode::Automatic,
            local_only: false,
            discover: true,
            cap_usd_per_day: 0.5,
            cap_usd_per_month: 10.0,
            confirm_usd: 0.02,
            debounce_ms: preset.debounce_ms,
            worth_usd: preset.worth_usd,
            confidence: preset.confidence,
            speculate: preset.speculate,
            escalate: preset.escalate,
            explore: preset.explore,
            pin: None,
            completion_menu: true,
            ignore: Vec::new(),
            secrets: Vec::new(),
            languages: BTreeMap::new(),
            embedded: Embedded::default(),
            documents: DocumentLimits::default(),
            log: Log::default(),
            telemetry: Telemetry::default(),
            tasks: BTreeMap::new(),
            model: BTreeMap::new(),
            provider: BTreeMap::new(),
            format: BTreeMap::new(),
            prices: Prices::default(),
            closed: Closed::No,
            is_restricted: false,
        }
    }
}

impl Default for Embedded {
    fn default() -> Embedded {
        Embedded { enabled: true, memory_mb: 64, index: true, max_file_bytes: 1_000_000 }
    }
}

impl Default for DocumentLimits {
    fn default() -> DocumentLimits {
        DocumentLimits { max_complete_bytes: 10 * 1024 * 1024, max_bytes: 64 * 1024 * 1024 }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log { level: Level::Info, file: true }
    }
}

impl Settings {
    /// The tasks' rows with the user's overrides. Each call reads the shipped table, so keep the result.
    pub fn tasks(&self) -> Tasks {
        let mut tasks = Tasks::builtin();
        for task in Task::ALL {
            let Some(row) = tasks.row_mut(task) else { continue };
            row.show = (f64::from(row.show) + self.confidence - USUAL).clamp(0.0, 1.0) as f32;
            let Some(changes) = self.tasks.get(&task) else { continue };
            row.enabled = changes.enabled.unwrap_or(row.enabled);
            let shipped = row.max_tokens;
            row.max_tokens = changes.max_tokens.unwrap_or(row.max_tokens);
            row.max = row.max.max(row.max_tokens);
            // A ceiling below the shipped one holds for all lines of an answer.
            if row.max_tokens < shipped {
                row.read_on = row.read_on.min(row.max_tokens);
            }
            row.show = changes.show.map_or(row.show, |show| show as f32);
            row.deadline_ms = changes.deadline_ms.unwrap_or(row.deadline_ms);
            if row.input > 0 {
                row.input = changes.input.unwrap_or(row.input);
                row.queue = changes.queue.unwrap_or(row.queue);
            }
        }
        tasks
    }

    /// Whether the user switched a task on explicitly, so that it stays on whatever the ledger says.
    pub fn keeps(&self, task: Task) -> bool {
        self.tasks.get(&task).and_then(|task| task.enabled).is_some_and(|enabled| enabled != Enabled::Off)
    }

    /// The shipped models and formats with the user's rows. Only models with a row here are enabled. Each call reads the shipped table, so keep
    /// the result.
    pub fn models(&self) -> Models {
        self.base().with_rows("settings", self.rows()).0
    }

    /// The shipped models and formats with the table of prices, without the user's rows.
    pub fn base(&self) -> Models {
        Models::builtin().with_facts("", self.prices.rows()).0
    }

    /// The user's rows of models and formats.
    pub(super) fn rows(&self) -> Rows {
        Rows { format: self.format.clone(), provider: self.provider.clone(), model: self.model.clone() }
    }

    /// The one model to call for a task, if the user pinned one.
    pub fn pin(&self, task: Task) -> Option<&str> {
        self.tasks.get(&task).and_then(|task| task.pin.as_deref()).or(self.pin.as_deref())
    }

    /// Leaves only the embedded model: no other is called or looked for, and no telemetry is sent.
    pub fn restrict(&mut self) {
        self.model.clear();
        self.discover = false;
        self.telemetry.endpoint = None;
        self.is_restricted = true;
    }

    /// Where code may go.
    pub fn privacy(&self) -> Privacy {
        match self.closed {
            Closed::Embedded => Privacy::Embedded,
            Closed::No if !self.local_only => Privacy::Named,
            Closed::Here if !self.local_only => Privacy::Faulty,
            Closed::No | Closed::Here => Privacy::Local,
        }
    }

    /// The spending caps per day and month.
    pub fn caps(&self) -> Caps {
        Caps { day: Money::from_usd(self.cap_usd_per_day), month: Money::from_usd(self.cap_usd_per_month) }
    }

    /// Whether a language is completed. Its name is that of its folder under `grammars/`; `*` stands for every one that is not named.
    pub fn is_language_on(&self, name: &str) -> bool {
        self.languages.get(name).or_else(|| self.languages.get(ANY)).copied().unwrap_or(true)
    }
}

/// The `confidence` that leaves the tasks' rows as they are.
const USUAL: f64 = 0.5;
/// Stands for every language that is not named.
pub(super) const ANY: &str = "*";

/// `[tasks]` has one table for each task, so that a misspelt one is noticed.
fn task_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let row = generator.subschema_for::<TaskSettings>();
    let properties: BTreeMap<_, _> = Task::ALL.iter().map(|task| (task.name(), row.clone())).collect();
    schemars::json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}

//! The settings: the types that are at once the file, its schema and its documentation, and what the server asks of them.
//! It leaves reading layers to `settings/layer.rs`, checking and joining them to `settings/check.rs`, and what a workspace may say to `settings/tighten.rs`.

use std::collections::BTreeMap;
use std::path::Path;

use pennyworth_core::models::{FormatRow, ModelRow, Models, Rows};
use pennyworth_core::money::Money;
use pennyworth_core::route::Privacy;
use pennyworth_core::task::{Enabled, Task, Tasks};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ledger::Caps;
use crate::paths;
use crate::prices::{self, Prices};

mod check;
mod cross;
pub mod docs;
mod ignored;
mod layer;
mod notice;
mod preset;
mod schema;
mod tighten;

pub use ignored::{Ignored, is_generated};
pub use layer::{Layer, Origin};
pub use notice::{Notice, Severity};

/// Everything a user can decide. Each field is a key of `config.toml`, of the editor's settings, and (in capitals, with
/// `PENNYWORTH_` before it and `_` for a dot) of the environment; a later one of these wins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "Pennyworth settings")]
pub struct Settings {
    /// Whether anything is offered at all.
    pub enabled: bool,
    /// Sets `debounce_ms`, `confidence`, `speculate`, `escalate` and `explore` together; each may still be given by itself.
    #[schemars(schema_with = "preset::schema")]
    pub preset: String,
    /// Whether suggestions come while typing or only when asked for.
    pub trigger: Trigger,
    /// Whether code must stay on this machine: models elsewhere are not asked.
    pub local_only: bool,
    /// Whether model servers on this machine are looked for at their usual ports (Ollama, llama.cpp, vLLM, LM Studio) and used without a row of
    /// their own, where no model here has one.
    pub discover: bool,
    /// The most that a day may cost, in US dollars, over all running servers of this user. At the cap only this machine's models go on.
    #[schemars(range(min = 0, max = 1000))]
    pub cap_usd_per_day: f64,
    /// The same for a month.
    #[schemars(range(min = 0, max = 10_000))]
    pub cap_usd_per_month: f64,
    /// Wait after a keystroke before a model that costs time or money is asked, in milliseconds. What is ready is shown at once.
    #[schemars(range(max = 10_000))]
    pub debounce_ms: u32,
    /// Probability of being right from which a suggestion is shown, where the task's own row does not ask for more or less than usual (0.5).
    #[schemars(range(min = 0, max = 1))]
    pub confidence: f64,
    /// Whether what follows a suggestion is asked for before the suggestion is accepted, of models that cost nothing.
    pub speculate: bool,
    /// Whether a premium model may be tried when a cheaper one fails or is unsure.
    pub escalate: bool,
    /// Share of requests that go to the model about which most may be learned, if it costs at most twice as much as the usual one.
    #[schemars(range(min = 0, max = 0.2))]
    pub explore: f64,
    /// The one model to ask, by its name; a task may have its own.
    pub pin: Option<String>,
    /// Whether suggestions are also offered in the completion menu, to editors that have no inline completion.
    pub completion_menu: bool,
    /// Files to leave alone, in the manner of `.gitignore`, besides those that `.gitignore` names. Lists of several layers add up.
    #[schemars(extend("x-adds" = true))]
    pub ignore: Vec<String>,
    /// Files that hold secrets, in the manner of `.gitignore`, besides the well-known ones (`.env`, `*.pem`, `id_rsa`, …); `!` takes one out.
    #[schemars(extend("x-adds" = true))]
    pub secrets: Vec<String>,
    /// Languages switched on or off by name; `"*"` stands for all that are not named.
    pub languages: BTreeMap<String, bool>,
    /// The model inside the server, which learns the workspace and costs nothing.
    pub embedded: Embedded,
    /// Limits on the size of documents.
    pub documents: Documents,
    /// What is written down about the server's own doings; never code, prompts or keys.
    pub log: Log,
    /// Where figures about calls are sent, for teams that watch many machines. Only your own file may say so.
    pub telemetry: Telemetry,
    /// Changes to the rows of single tasks.
    #[schemars(schema_with = "task_schema")]
    pub tasks: BTreeMap<Task, TaskSettings>,
    /// Models that may be asked. A shipped row is switched on by an empty table of its name; a new name is a new model.
    pub model: BTreeMap<String, ModelRow>,
    /// Keys that the models of a service share: `provider = "NAME"` in a model's table takes them.
    pub provider: BTreeMap<String, ModelRow>,
    /// Formats of prompts, for models that no shipped format fits.
    pub format: BTreeMap<String, FormatRow>,
    /// What `pennyworth models refresh` wrote down; no key of the user's.
    #[serde(skip)]
    pub prices: Prices,
}

/// When suggestions come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// While typing, and when asked for.
    #[default]
    Automatic,
    /// Only when asked for.
    Invoked,
}

/// The embedded model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Embedded {
    /// Whether it suggests.
    pub enabled: bool,
    /// Memory it may take, in megabytes, whatever the size of the workspace.
    #[schemars(range(min = 1, max = 65_536))]
    pub memory_mb: u32,
    /// Whether it reads the workspace in the background; otherwise it learns from open documents alone.
    pub index: bool,
    /// Size in bytes above which a file of the workspace is not read.
    pub max_file_bytes: u64,
}

/// Limits on documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Documents {
    /// Size in bytes above which a document is kept but not completed.
    pub max_complete_bytes: u64,
    /// Size in bytes above which a document is not even kept.
    pub max_bytes: u64,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How much is written. The environment variable `PENNYWORTH_LOG` wins and takes single modules too, as in `warn,pennyworth::complete=debug`.
    pub level: Level,
    /// Whether a file is written besides stderr: one a day in the state directory, five kept.
    pub file: bool,
}

/// Figures about calls: models, counts, times and cost; never code or prompts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The address of an OpenTelemetry collector that takes OTLP over HTTP, such as `http://localhost:4318`; without one nothing is sent.
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

/// Changes to the row of one task; what is left out stays as the shipped table has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TaskSettings {
    /// Who may serve it: `on`, `local` (only models on this machine) or `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<Enabled>,
    /// Ceiling of an answer, in tokens.
    #[schemars(range(min = 1, max = 8192))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    /// Probability of being right from which a suggestion is shown; wins over `confidence`.
    #[schemars(range(min = 0, max = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show: Option<f64>,
    /// Longest wait for an answer while typing, in milliseconds.
    #[schemars(range(min = 1, max = 120_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u32>,
    /// The one model to ask for this task, by its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        let preset = preset::balanced();
        Settings {
            enabled: true,
            preset: preset::DEFAULT.into(),
            trigger: Trigger::Automatic,
            local_only: false,
            discover: true,
            cap_usd_per_day: 0.5,
            cap_usd_per_month: 10.0,
            debounce_ms: preset.debounce_ms,
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
            documents: Documents::default(),
            log: Log::default(),
            telemetry: Telemetry::default(),
            tasks: BTreeMap::new(),
            model: BTreeMap::new(),
            provider: BTreeMap::new(),
            format: BTreeMap::new(),
            prices: Prices::default(),
        }
    }
}

impl Default for Embedded {
    fn default() -> Embedded {
        Embedded { enabled: true, memory_mb: 64, index: true, max_file_bytes: 1_000_000 }
    }
}

impl Default for Documents {
    fn default() -> Documents {
        Documents { max_complete_bytes: 10 * 1024 * 1024, max_bytes: 64 * 1024 * 1024 }
    }
}

impl Default for Log {
    fn default() -> Log {
        Log { level: Level::Info, file: true }
    }
}

impl Settings {
    /// Reads all layers: the table of prices, the file at `config` (or that `PENNYWORTH_CONFIG` names, or where the platform keeps it), then the editor's objects in order, then the environment.
    /// What cannot be used is left out and said in a notice; the rest holds.
    pub fn gather(config: Option<&Path>, editor: &[serde_json::Value]) -> (Settings, Vec<Notice>) {
        let mut layers = Vec::new();
        let mut notices = Vec::new();
        let prices = prices::path(config).filter(|path| path.exists());
        layers.extend(prices.and_then(|path| Layer::prices(&path, &mut notices)));
        // A file that nobody asked for by name may be absent.
        let named = config.map(Path::to_owned).or_else(paths::named_config);
        let path = named.or_else(|| paths::config_path().filter(|path| path.exists()));
        layers.extend(path.and_then(|path| Layer::file(&path, &mut notices)));
        layers.extend(editor.iter().filter_map(|value| Layer::editor(value, &mut notices)));
        layers.push(Layer::environment(std::env::vars_os()));
        let (settings, found) = Settings::load(&layers);
        notices.extend(found);
        (settings, notices)
    }

    /// Joins layers, the first one undermost.
    pub fn load(layers: &[Layer]) -> (Settings, Vec<Notice>) {
        check::load(layers)
    }

    /// These settings with the `.pennyworth.toml` of a workspace folder, which may only tighten them. Without that file nothing changes.
    pub fn tightened_in(&self, folder: &Path) -> (Settings, Vec<Notice>) {
        let path = folder.join(tighten::FILE);
        let mut notices = Vec::new();
        // A file that is not there is the usual case; one that cannot be read is said.
        if !path.exists() {
            return (self.clone(), notices);
        }
        let Some(layer) = Layer::workspace(&path, &mut notices) else { return (self.clone(), notices) };
        let (settings, found) = tighten::tightened(self, &layer);
        notices.extend(found);
        (settings, notices)
    }

    /// The tasks' rows with the user's changes. It reads the shipped table: keep the result.
    pub fn tasks(&self) -> Tasks {
        let mut tasks = Tasks::builtin();
        for task in Task::ALL {
            let Some(row) = tasks.row_mut(task) else { continue };
            row.show = (f64::from(row.show) + self.confidence - USUAL).clamp(0.0, 1.0) as f32;
            let Some(changes) = self.tasks.get(&task) else { continue };
            row.enabled = changes.enabled.unwrap_or(row.enabled);
            row.max_tokens = changes.max_tokens.unwrap_or(row.max_tokens);
            row.max = row.max.max(row.max_tokens);
            row.show = changes.show.map_or(row.show, |show| show as f32);
            row.deadline_ms = changes.deadline_ms.unwrap_or(row.deadline_ms);
        }
        tasks
    }

    /// The shipped models and formats with the user's rows; only models with a row here are enabled. It reads the shipped table: keep the result.
    pub fn models(&self) -> Models {
        self.base().with_rows("settings", self.rows()).0
    }

    /// The shipped models and formats with the table of prices, without the user's rows.
    pub fn base(&self) -> Models {
        Models::builtin().with_facts("", self.prices.rows()).0
    }

    /// The user's rows of models and formats.
    fn rows(&self) -> Rows {
        Rows { format: self.format.clone(), provider: self.provider.clone(), model: self.model.clone() }
    }

    /// The one model to ask for a task, if the user chose one.
    pub fn pin(&self, task: Task) -> Option<&str> {
        self.tasks.get(&task).and_then(|task| task.pin.as_deref()).or(self.pin.as_deref())
    }

    /// Leaves the embedded model alone: no other is asked or looked for, and nobody is told of anything.
    pub fn restrict(&mut self) {
        self.model.clear();
        self.discover = false;
        self.telemetry.endpoint = None;
    }

    /// Where code may go.
    pub fn privacy(&self) -> Privacy {
        if self.local_only { Privacy::Local } else { Privacy::Named }
    }

    /// The most that a day and a month may cost.
    pub fn caps(&self) -> Caps {
        Caps { day: Money::from_usd(self.cap_usd_per_day), month: Money::from_usd(self.cap_usd_per_month) }
    }

    /// Whether a language, by the name of its folder under `grammars/`, is completed.
    pub fn is_language_on(&self, name: &str) -> bool {
        self.languages.get(name).or_else(|| self.languages.get(ANY)).copied().unwrap_or(true)
    }
}

/// The `confidence` that leaves the tasks' rows as they are.
const USUAL: f64 = 0.5;
/// Stands for every language that is not named.
const ANY: &str = "*";

/// `[tasks]` has one table for each task, so that a misspelt one is noticed.
fn task_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let row = generator.subschema_for::<TaskSettings>();
    let properties: BTreeMap<_, _> = Task::ALL.iter().map(|task| (task.name(), row.clone())).collect();
    schemars::json_schema!({ "type": "object", "properties": properties, "additionalProperties": false })
}

#[cfg(test)]
mod tests;

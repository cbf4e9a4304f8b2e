//! What a fake of a batch API holds, and what a test may want of it. It leaves every call to the other files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// The key that it wants.
pub const KEY: &str = "sk-batch-secret";
/// What each answer uses: input, the part of it that was cached, output.
pub const USES: [u64; 3] = [10, 2, 3];

/// The API that it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// OpenAI's, and Groq's.
    Openai,
    /// Together's.
    Together,
    /// Anthropic's.
    Anthropic,
    /// Google's.
    Gemini,
    /// Mistral's.
    Mistral,
    /// OpenRouter's.
    Openrouter,
}

/// Something that a client does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It uploads a file.
    Upload,
    /// It lists files.
    Files,
    /// It sends a batch.
    Submit,
    /// It lists batches.
    List,
    /// It asks for a batch. Google's and OpenRouter's come with their results.
    Poll,
    /// It asks for results.
    Results,
    /// It cancels a batch.
    Cancel,
    /// It removes a file or a batch.
    Remove,
}

/// How a step goes wrong.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is refused with a status and a body.
    Refuse(u16, Value),
    /// It is not done, and no byte of an answer comes.
    Hang,
    /// It is done, and no byte of an answer comes.
    HangAfter,
    /// It is done, and the connection ends within the answer.
    CutAfter,
    /// It is done, and the answer is this text of this type.
    Says(&'static str, &'static str),
}

/// What becomes of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fate {
    /// An answer.
    #[default]
    Answer,
    /// An error with a status.
    Error(u16),
    /// It is too late.
    Expired,
    /// It is cancelled.
    Cancelled,
    /// An answer that is billed and never delivered.
    Lost,
}

/// How a batch ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It ran to its end.
    #[default]
    Completed,
    /// It failed as a whole.
    Failed,
    /// Its time was over.
    Expired,
    /// It was cancelled.
    Cancelled,
}

/// The course of all batches.
#[derive(Clone, Debug, Default)]
pub struct Course {
    /// The text of each answer; without one it names its request.
    pub text: Option<String>,
    /// What it answers to a request's body, whatever `text` says.
    pub by: Option<fn(&Value) -> String>,
    /// What becomes of single requests; the others are answered.
    pub fates: BTreeMap<String, Fate>,
    /// How a batch ends.
    pub end: End,
    /// Whether counts stay 0.
    pub counts_nothing: bool,
    /// Whether each result comes twice, and one more for a request that nobody sent.
    pub repeats: bool,
    /// Whether lines end with CRLF, with blank ones between them, and the last one is cut off.
    pub is_messy: bool,
    /// Whether the last result is missing where results are, as from a file that was cut off.
    pub loses_the_last: bool,
    /// Whether results are in files or pages where the API has them inside a batch, too.
    pub is_apart: bool,
}

/// What it charges for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bill {
    /// Batches that it took.
    pub batches: u64,
    /// Requests that it answered.
    pub answers: u64,
    /// Tokens of their input, of which some were cached.
    pub input: u64,
    /// Tokens of their input that were cached.
    pub cached: u64,
    /// Tokens that it wrote.
    pub output: u64,
}

/// The bodies of requests, each with its own id.
pub(super) type Requests = Vec<(String, Value)>;

/// How far a batch is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    Pending,
    Running,
    Cancelling,
    Over,
}

/// A batch that it took.
#[derive(Clone, Debug)]
pub(super) struct Taken {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) file: Option<String>,
    pub(super) created: u64,
    pub(super) requests: Requests,
    pub(super) progress: Progress,
    pub(super) end: End,
}

/// All that the fake holds.
pub(super) struct State {
    pub(super) api: Api,
    pub(super) course: Course,
    pub(super) faults: VecDeque<(Step, Fault)>,
    /// The id, the name and the requests of each.
    pub(super) files: Vec<(String, String, Requests)>,
    pub(super) batches: Vec<Taken>,
    /// How many names begin like this.
    pub(super) named: BTreeMap<&'static str, usize>,
    /// Files that were removed.
    pub(super) removed: BTreeSet<String>,
    pub(super) bill: Bill,
    pub(super) broken_rules: Vec<String>,
    pub(super) steps: Vec<Step>,
    pub(super) bodies: Vec<Value>,
}

impl State {
    /// A name that begins like this, which no other has.
    pub(super) fn name(&mut self, stem: &'static str) -> String {
        let number = self.named.entry(stem).or_default();
        *number += 1;
        format!("{stem}{}", *number - 1)
    }
}

/// Takes a batch, and returns it.
pub(super) fn take(state: &mut State, name: Option<String>, file: Option<String>, requests: Requests) -> Taken {
    let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let id = state.name(if state.api == Api::Gemini { "batches/b" } else { "batch_" });
    let batch = Taken { id, name, file, created, requests, progress: Progress::Pending, end: End::Completed };
    state.batches.push(batch.clone());
    batch
}
